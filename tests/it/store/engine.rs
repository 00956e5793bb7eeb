//! The engine of the store, on SQLite and on PostgreSQL.
//!
//! Every test runs on SQLite in a temporary folder and on a PostgreSQL database of its own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;
use std::{fs, thread};

use jiff::Timestamp;
use parterre::domain::id::{Bucket, DealId, EventId, PartnerId};
use parterre::params;
use parterre::store::migrate::known_version;
use parterre::store::{
    Clock, Engine, Error, Migrated, OpenError, Statement, Store, StoreConfig, Tx, applied_version, migrate, pending,
};
use sea_query::{Expr, ExprTrait, Order, Query};

use crate::util::database::{Database, execute_on, postgres_server};

on_both_engines! {
    async Database;
    every_type_comes_back_as_it_went_in,
    null_comes_back_as_none_and_nothing_else,
    the_time_of_a_transaction_is_the_clock_moved_by_hand,
    the_time_of_a_transaction_is_now_and_does_not_change,
    an_error_keeps_nothing,
    a_panic_keeps_nothing_and_the_store_goes_on,
    an_error_passed_over_keeps_nothing,
    a_savepoint_is_undone_alone,
    savepoints_nest,
    many_writers_at_once_are_all_durable_and_fail_alone,
    what_a_commit_refuses_harms_nobody_else,
    constraints_have_the_same_names,
    a_list_is_one_parameter,
    a_built_list_takes_its_values_as_parameters,
    a_misspelt_column_of_a_built_list_is_an_error,
    a_text_with_the_character_0_is_refused,
    row_locks_are_taken_or_needless,
    a_lock_is_free_after_its_transaction,
    a_read_cannot_write,
    a_read_sees_what_was_written_before_it,
    statements_are_counted,
    several_rows_where_one_may_be_are_an_error,
    a_row_that_cannot_be_read_names_table_column_and_id,
    a_wrong_statement_is_named_by_the_check_of_all,
    a_full_queue_refuses_at_once,
    work_that_nobody_waits_for_is_not_begun,
    closing_finishes_what_waits_and_takes_nothing_more,
    a_schema_that_is_missing_or_newer_is_refused,
    two_servers_that_migrate_at_once_migrate_once,
}

impl Database {
    /// The migrated database with the tables these tests need.
    async fn open(&self, tables: &'static [&'static str]) -> Store {
        migrate(&self.config).unwrap();
        let store = Store::open(&self.config).unwrap();
        if !tables.is_empty() {
            let made: Result<(), Error> = store
                .write(move |tx| {
                    for table in tables {
                        tx.execute(Statement::fixed(table), params![])?;
                    }
                    Ok(())
                })
                .await;
            made.unwrap();
        }
        store
    }
}

const COUNTS: &[&str] = &["create table counts (id bigint not null primary key, value bigint not null)"];
const PUT: Statement = Statement::fixed("insert into counts (id, value) values ($1, $2)");
const ALL: Statement = Statement::fixed("select id, value from counts order by id");
const SET: Statement = Statement::fixed("update counts set value = $2 where id = $1");

fn put(tx: &mut Tx<'_>, id: i64) -> Result<(), Error> {
    tx.execute(PUT, params![id, 0]).map(|_| ())
}

/// The ids in the table `counts`.
async fn ids(store: &Store) -> Vec<i64> {
    let ids: Result<_, Error> = store
        .read(|tx| {
            let rows = tx.query(ALL, params![])?;
            rows.into_iter().map(|row| row.read("counts").next()).collect()
        })
        .await;
    ids.unwrap()
}

async fn write(
    store: &Store,
    work: impl FnMut(&mut Tx<'_>) -> Result<(), Error> + Send + 'static,
) -> Result<(), Error> {
    store.write(work).await
}

fn id(number: u8) -> [u8; 12] {
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0, number]
}

const VALUES: &[&str] = &["create table samples (
    id bytea not null primary key, flag boolean, small integer, big bigint, words text,
    data bytea, hash bytea, at bigint, bucket bytea)"];

async fn every_type_comes_back_as_it_went_in(database: Database) {
    let store = database.open(VALUES).await;
    let samples =
        [(true, i32::MAX, i64::MAX, "Сад «Эрмитаж» 🎭", vec![0, 255, 10]), (false, i32::MIN, i64::MIN, "", vec![])];
    for (number, (flag, small, big, words, data)) in samples.into_iter().enumerate() {
        let partner = PartnerId::from_bytes(id(u8::try_from(number).unwrap()));
        let at: Timestamp = "2026-11-21T10:00:00.123456Z".parse().unwrap();
        let bucket = Bucket::try_from([7_u8, 9].as_slice()).unwrap();
        let hash = [number as u8; 32];
        let read = store
            .write(move |tx| {
                tx.execute(
                    Statement::fixed(
                        "insert into samples (id, flag, small, big, words, data, hash, at, bucket)
                         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                    ),
                    params![partner, flag, small, big, words, &data, &hash, at, bucket],
                )?;
                let row = tx.query_one(
                    Statement::fixed(
                        "select id, flag, small, big, words, data, hash, at, bucket
                         from samples where id = $1 and flag = $2 and words = $3",
                    ),
                    params![partner, flag, words],
                )?;
                let mut row = row.read("samples");
                assert_eq!(row.next::<PartnerId>()?, partner);
                assert_eq!(row.next::<bool>()?, flag);
                assert_eq!(row.next::<i32>()?, small);
                assert_eq!(row.next::<i64>()?, big);
                assert_eq!(row.next::<String>()?, words);
                assert_eq!(row.next::<Vec<u8>>()?, data);
                assert_eq!(row.next::<[u8; 32]>()?, hash);
                assert_eq!(row.next::<Timestamp>()?, at);
                assert_eq!(row.next::<Option<Bucket>>()?, Some(bucket));
                Ok::<_, Error>(())
            })
            .await;
        assert_eq!(read, Ok(()));
    }
}

async fn null_comes_back_as_none_and_nothing_else(database: Database) {
    let store = database.open(VALUES).await;
    let read = write(&store, |tx| {
        tx.execute(
            Statement::fixed(
                "insert into samples (id, flag, small, big, words, data)
                 values ($1, $2, $3, $4, $5, $6)",
            ),
            params![EventId::from_bytes(id(1)), None::<bool>, None::<i32>, None::<i64>, None::<&str>, None::<Vec<u8>>],
        )?;
        let select = "select flag, small, big, words, data, words from samples";
        let row = tx.query_one(Statement::fixed(select), params![])?;
        let mut row = row.read("samples");
        assert_eq!(row.next::<Option<bool>>()?, None);
        assert_eq!(row.next::<Option<i32>>()?, None);
        assert_eq!(row.next::<Option<i64>>()?, None);
        assert_eq!(row.next::<Option<String>>()?, None);
        assert_eq!(row.next::<Option<DealId>>()?, None);
        assert!(row.next::<String>().is_err());
        Ok(())
    });
    assert_eq!(read.await, Ok(()));
}

async fn the_time_of_a_transaction_is_the_clock_moved_by_hand(mut database: Database) {
    let time = Arc::new(AtomicI64::new(1_000_000));
    database.config.clock = Clock::Manual(Arc::clone(&time));
    let store = database.open(&[]).await;
    time.store(2_000_001, Ordering::SeqCst);
    let written: Result<_, Error> = store.write(|tx| Ok(tx.now())).await;
    let read: Result<_, Error> = store.read(|tx| Ok(tx.now())).await;
    assert_eq!(written.unwrap().as_microsecond(), 2_000_001);
    assert_eq!(read.unwrap().as_microsecond(), 2_000_001);
}

async fn the_time_of_a_transaction_is_now_and_does_not_change(database: Database) {
    let store = database.open(&[]).await;
    let (first, second) = store
        .write(|tx| {
            let first = tx.now();
            thread::sleep(Duration::from_millis(2));
            Ok::<_, Error>((first, tx.now()))
        })
        .await
        .unwrap();
    assert_eq!(first, second);
    let away = first.as_microsecond().abs_diff(Clock::System.now().as_microsecond());
    assert!(away < 5_000_000, "{away} µs away from this machine's clock");
}

async fn an_error_keeps_nothing(database: Database) {
    #[derive(Debug, PartialEq)]
    enum Refusal {
        SoldOut,
        Store(Error),
    }
    impl From<Error> for Refusal {
        fn from(error: Error) -> Self {
            Self::Store(error)
        }
    }
    let store = database.open(COUNTS).await;
    let refused = store
        .write(|tx| {
            put(tx, 1)?;
            Err::<(), _>(Refusal::SoldOut)
        })
        .await;
    assert_eq!(refused, Err(Refusal::SoldOut));
    assert_eq!(ids(&store).await, [0; 0]);
}

async fn a_panic_keeps_nothing_and_the_store_goes_on(database: Database) {
    let store = database.open(COUNTS).await;
    for number in 0..20 {
        let panicked = write(&store, move |tx| {
            put(tx, number)?;
            panic!("a defect")
        });
        assert_eq!(panicked.await, Err(Error::Panicked));
        let read: Result<(), Error> = store.read(|_| panic!("another")).await;
        assert_eq!(read, Err(Error::Panicked));
    }
    assert_eq!(write(&store, |tx| put(tx, 100)).await, Ok(()));
    assert_eq!(ids(&store).await, [100]);
}

async fn an_error_passed_over_keeps_nothing(database: Database) {
    let store = database.open(COUNTS).await;
    let outcome = write(&store, |tx| {
        put(tx, 1)?;
        let again = put(tx, 1);
        assert!(again.unwrap_err().violates("counts_pkey"));
        assert!(matches!(put(tx, 2), Err(Error::Other(_))));
        Ok(())
    });
    assert!(matches!(outcome.await, Err(Error::Other(_))));
    assert_eq!(ids(&store).await, [0; 0]);
}

async fn a_savepoint_is_undone_alone(database: Database) {
    let store = database.open(COUNTS).await;
    let outcome = write(&store, |tx| {
        put(tx, 1)?;
        let refused: Result<(), Error> = tx.savepoint(|tx| {
            put(tx, 2)?;
            put(tx, 1)
        });
        assert!(refused.unwrap_err().violates("counts_pkey"));
        let passed_over: Result<(), Error> = tx.savepoint(|tx| {
            put(tx, 3)?;
            let _ = put(tx, 1);
            Ok(())
        });
        assert!(matches!(passed_over, Err(Error::Other(_))));
        tx.savepoint(|tx| put(tx, 4))
    });
    assert_eq!(outcome.await, Ok(()));
    assert_eq!(ids(&store).await, [1, 4]);
}

async fn savepoints_nest(database: Database) {
    let store = database.open(COUNTS).await;
    let outcome = write(&store, |tx| {
        tx.savepoint(|tx| {
            put(tx, 1)?;
            let inner: Result<(), Error> = tx.savepoint(|tx| {
                put(tx, 2)?;
                tx.savepoint(|tx| put(tx, 3))?;
                put(tx, 1)
            });
            assert!(inner.is_err());
            tx.savepoint(|tx| put(tx, 5))
        })
    });
    assert_eq!(outcome.await, Ok(()));
    assert_eq!(ids(&store).await, [1, 5]);
}

async fn many_writers_at_once_are_all_durable_and_fail_alone(database: Database) {
    let store = database.open(COUNTS).await;
    let writers = (0..300_i64).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let outcome = write(&store, move |tx| {
                put(tx, number)?;
                match number % 10 {
                    3 => Err(Error::Busy),
                    5 => panic!("a defect"),
                    7 => put(tx, number),
                    _ => Ok(()),
                }
            });
            (number, outcome.await)
        })
    });
    let mut kept = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        let (number, outcome) = writer.await.unwrap();
        match number % 10 {
            3 => assert_eq!(outcome, Err(Error::Busy)),
            5 => assert_eq!(outcome, Err(Error::Panicked)),
            7 => assert!(outcome.unwrap_err().violates("counts_pkey")),
            _ => {
                assert_eq!(outcome, Ok(()));
                kept.push(number);
            }
        }
    }
    assert_eq!(ids(&store).await, kept);
    store.close();
    let reopened = Store::open(&database.config).unwrap();
    assert_eq!(ids(&reopened).await, kept);
}

async fn what_a_commit_refuses_harms_nobody_else(database: Database) {
    let store = database
        .open(&[
            "create table parents (id bigint not null primary key)",
            "create table counts (id bigint not null primary key, value bigint not null
                references parents (id) deferrable initially deferred)",
            "insert into parents (id) values (0)",
        ])
        .await;
    let writers = (0..60_i64).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let parent = i64::from(number % 20 == 0);
            write(&store, move |tx| tx.execute(PUT, params![number, parent]).map(|_| ())).await
        })
    });
    for (number, writer) in writers.collect::<Vec<_>>().into_iter().enumerate() {
        let outcome = writer.await.unwrap();
        if number % 20 == 0 {
            assert!(outcome.unwrap_err().violates("foreign_key"));
        } else {
            assert_eq!(outcome, Ok(()));
        }
    }
    let kept: Vec<i64> = (0..60).filter(|number| number % 20 != 0).collect();
    assert_eq!(ids(&store).await, kept);
}

async fn constraints_have_the_same_names(database: Database) {
    let store = database
        .open(&[
            "create table places (
                hall bytea not null, seat bigint not null, code text unique, floor bigint,
                row_name text, sold boolean not null, primary key (hall, seat),
                unique (floor, row_name), constraint places_floor_check check (floor < 100))",
            "create unique index places_row_name_key on places (row_name) where sold",
            "create table visits (id bigint not null primary key, hall bytea not null,
                seat bigint not null, foreign key (hall, seat) references places (hall, seat))",
            "insert into places values ('h', 1, 'a', 1, 'A', true)",
        ])
        .await;
    let refusals = [
        ("insert into places values ('h', 1, 'b', 2, 'B', true)", "places_pkey"),
        ("insert into places values ('h', 2, 'a', 2, 'B', true)", "places_code_key"),
        ("insert into places values ('h', 2, 'b', 1, 'A', false)", "places_floor_row_name_key"),
        ("insert into places values ('h', 2, 'b', 2, 'A', true)", "places_row_name_key"),
        ("insert into places values ('h', 2, 'b', 100, 'B', true)", "places_floor_check"),
        ("insert into places values ('h', 2, 'b', 2, 'B', null)", "places_sold_not_null"),
        ("insert into visits values (1, 'h', 2)", "foreign_key"),
        ("insert into visits values (1, null, 2)", "visits_hall_not_null"),
    ];
    for (statement, name) in refusals {
        let refused = write(&store, move |tx| tx.execute(Statement::fixed(statement), params![]).map(|_| ()));
        let name = name.to_owned();
        assert_eq!(refused.await, Err(Error::Constraint { name }), "{statement}");
    }
}

async fn a_list_is_one_parameter(database: Database) {
    let store = database.open(VALUES).await;
    let partners: Vec<PartnerId> = (0..200).map(|n| PartnerId::from_bytes(id(n))).collect();
    let all = partners.clone();
    let written = write(&store, move |tx| {
        let insert = Statement::fixed("insert into samples (id) values ($1)");
        all.iter().try_for_each(|id| tx.execute(insert, params![id]).map(|_| ()))
    });
    assert_eq!(written.await, Ok(()));
    for wanted in [&partners[..0], &partners[..1], &partners[50..], &partners[..]] {
        let (asked, expected) = (wanted.to_vec(), wanted.to_vec());
        let found: Result<Vec<PartnerId>, Error> = store
            .read(move |tx| {
                let select = "select id from samples where id = any($1) and $2 = 1 order by id";
                let rows = tx.query(Statement::fixed(select), params![&asked, 1])?;
                rows.into_iter().map(|row| row.read("samples").next()).collect()
            })
            .await;
        assert_eq!(found, Ok(expected));
    }
}

async fn a_built_list_takes_its_values_as_parameters(database: Database) {
    let store = database.open(VALUES).await;
    let found: Result<_, Error> = store
        .write(|tx| {
            let insert = "insert into samples (id, flag, big, words) values ($1, $2, $3, $4)";
            for number in 0..10_i64 {
                let key = PartnerId::from_bytes(id(number as u8));
                let words = format!("it's $1 \"?1\" = any($1) {number}");
                let params = params![key, number % 2 == 0, number, words];
                tx.execute(Statement::fixed(insert), params)?;
            }
            let mut select = Query::select();
            select
                .from("samples")
                .and_where(Expr::col("flag").eq(true))
                .and_where(Expr::col("big").gt(2_i64))
                .and_where(Expr::col("words").ne("it's $1 \"?1\" = any($1) 4"))
                .and_where(Expr::col("id").is_in([id(3), id(4), id(6), id(8)].map(Vec::from)))
                .and_where(Expr::col("hash").is_null());
            let mut count = select.clone();
            count.expr(Expr::cust("count(*)"));
            select.column("id").column("words").order_by("big", Order::Desc).limit(2);
            let rows = tx.query_built(&select)?;
            let words = rows.into_iter().map(|row| {
                let mut row = row.read("samples");
                Ok((row.next::<PartnerId>()?, row.next::<String>()?))
            });
            Ok((tx.count_built(&count)?, words.collect::<Result<Vec<_>, Error>>()?))
        })
        .await;
    let (count, rows) = found.unwrap();
    assert_eq!(count, 2);
    assert_eq!(
        rows,
        [8, 6].map(|number| (PartnerId::from_bytes(id(number)), format!("it's $1 \"?1\" = any($1) {number}")))
    );
}

async fn a_misspelt_column_of_a_built_list_is_an_error(database: Database) {
    let store = database.open(VALUES).await;
    let refused: Result<i64, Error> = store
        .read(|tx| {
            let mut select = Query::select();
            select.expr(Expr::cust("count(*)")).from("samples").and_where(Expr::col("wrods").eq("a"));
            tx.count_built(&select)
        })
        .await;
    assert!(matches!(refused, Err(Error::Other(_))), "{refused:?}");
}

async fn a_text_with_the_character_0_is_refused(database: Database) {
    let store = database.open(VALUES).await;
    let refused = write(&store, |tx| {
        let insert = Statement::fixed("insert into samples (id, words) values ($1, $2)");
        tx.execute(insert, params![PartnerId::from_bytes(id(1)), "a\0b"]).map(|_| ())
    });
    assert!(matches!(refused.await, Err(Error::Other(_))));
}

async fn row_locks_are_taken_or_needless(database: Database) {
    let store = database.open(COUNTS).await;
    let locked = write(&store, |tx| {
        put(tx, 1)?;
        for select in [
            "select id from counts where id = $1 for update",
            "select id from counts where id = $1 for no key update",
            "select id from counts where id = $1 limit 1 for update skip locked",
        ] {
            tx.query_one(Statement::fixed(select), params![1])?;
        }
        Ok(())
    });
    assert_eq!(locked.await, Ok(()));
}

async fn a_lock_is_free_after_its_transaction(database: Database) {
    let store = database.open(&[]).await;
    for _ in 0..3 {
        let taken: Result<_, Error> = store.write(|tx| tx.try_lock(42)).await;
        assert_eq!(taken, Ok(true));
    }
}

async fn a_read_cannot_write(database: Database) {
    let store = database.open(COUNTS).await;
    let refused: Result<(), Error> = store.read(|tx| put(tx, 1)).await;
    assert!(matches!(refused, Err(Error::Other(_))), "{refused:?}");
    assert_eq!(ids(&store).await, [0; 0]);
}

async fn a_read_sees_what_was_written_before_it(database: Database) {
    let store = database.open(COUNTS).await;
    for number in 0..200 {
        assert_eq!(write(&store, move |tx| put(tx, number)).await, Ok(()));
        assert_eq!(ids(&store).await.last(), Some(&number));
    }
}

async fn statements_are_counted(database: Database) {
    let store = database.open(COUNTS).await;
    let before = store.statements_run();
    let counted: Result<u64, Error> = store
        .write(|tx| {
            put(tx, 1)?;
            tx.savepoint(|tx| put(tx, 2))?;
            tx.query(ALL, params![])?;
            Ok(tx.statements_run())
        })
        .await;
    assert_eq!(counted, Ok(3));
    assert_eq!(store.statements_run() - before, 3);
}

async fn several_rows_where_one_may_be_are_an_error(database: Database) {
    let store = database.open(COUNTS).await;
    let outcome = write(&store, |tx| {
        assert!(matches!(tx.query_one(ALL, params![]), Err(Error::Other(_))));
        put(tx, 1)?;
        assert!(tx.query_opt(ALL, params![])?.is_some());
        put(tx, 2)?;
        assert!(matches!(tx.query_opt(ALL, params![]), Err(Error::Other(_))));
        Ok(())
    });
    assert_eq!(outcome.await, Ok(()));
}

async fn a_row_that_cannot_be_read_names_table_column_and_id(database: Database) {
    let store = database.open(VALUES).await;
    let outcome = write(&store, |tx| {
        let insert = "insert into samples (id, words, data, small) values ($1, $2, $3, $4)";
        let params = params![PartnerId::from_bytes(id(1)), "soon", vec![1_u8, 2], 7];
        tx.execute(Statement::fixed(insert), params)?;
        let select = Statement::fixed("select words, id, data, small from samples");
        let mut rows = tx.query(select, params![])?;
        let corrupt = |column: &str| Error::Corrupt {
            table: "samples",
            column: column.into(),
            id: "000102030405060708ff0001".into(),
        };
        let mut row = rows.remove(0).read("samples");
        assert_eq!(row.next_parsed::<Timestamp>(), Err(corrupt("words")));
        assert_eq!(row.next::<i64>(), Err(corrupt("id")));
        assert_eq!(row.next::<PartnerId>(), Err(corrupt("data")));
        assert_eq!(row.next::<bool>(), Err(corrupt("small")));
        assert_eq!(row.next::<i64>(), Err(corrupt("column 5")));
        assert_eq!(
            row.corrupt("words").to_string(),
            "the stored samples 000102030405060708ff0001 has a words that cannot be read"
        );
        Ok(())
    });
    assert_eq!(outcome.await, Ok(()));
}

async fn a_wrong_statement_is_named_by_the_check_of_all(database: Database) {
    let store = database.open(COUNTS).await;
    assert_eq!(store.prepare_all(&[("PUT", PUT), ("ALL", ALL)]).await, Ok(()));
    let wrong = [
        ("PUT", PUT),
        ("TYPO", Statement::fixed("selec 1")),
        ("DRIFTED", Statement::fixed("select gone from counts")),
        ("SET", SET),
    ];
    let Err(Error::Other(message)) = store.prepare_all(&wrong).await else {
        panic!("wrong statements were taken");
    };
    let names: Vec<&str> = message.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(names, ["TYPO", "DRIFTED"]);
}

/// Keeps the store's writing threads busy until the sender is dropped.
async fn occupy(store: &Store, threads: usize) -> (Vec<mpsc::Sender<()>>, Vec<Writing>) {
    let (begun, wait) = mpsc::channel();
    let mut busy = (Vec::new(), Vec::new());
    for _ in 0..threads {
        let (release, released) = mpsc::channel::<()>();
        let (store, begun) = (store.clone(), begun.clone());
        busy.0.push(release);
        busy.1.push(tokio::spawn(async move {
            write(&store, move |_| {
                begun.send(()).unwrap();
                let _ = released.recv();
                Ok(())
            })
            .await
        }));
        wait.recv().unwrap();
    }
    busy
}

type Writing = tokio::task::JoinHandle<Result<(), Error>>;

async fn a_full_queue_refuses_at_once(mut database: Database) {
    (database.config.queue, database.config.connections) = (2, 1);
    let store = database.open(COUNTS).await;
    let (busy, running) = occupy(&store, 1).await;
    let waiting: Vec<Writing> = (0..20)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { write(&store, move |tx| put(tx, number)).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(busy);
    let mut outcomes = Vec::new();
    for writer in running.into_iter().chain(waiting) {
        outcomes.push(writer.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(Error::Busy)).count(), 18);
    assert_eq!(ids(&store).await.len(), 2);
}

async fn work_that_nobody_waits_for_is_not_begun(mut database: Database) {
    database.config.connections = 1;
    let store = database.open(COUNTS).await;
    let (busy, running) = occupy(&store, 1).await;
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { write(&store, |tx| put(tx, 1)).await })
    };
    tokio::time::sleep(Duration::from_millis(20)).await;
    waiting.abort();
    let _ = waiting.await;
    drop(busy);
    for writer in running {
        assert_eq!(writer.await.unwrap(), Ok(()));
    }
    assert_eq!(write(&store, |tx| put(tx, 2)).await, Ok(()));
    assert_eq!(ids(&store).await, [2]);
}

async fn closing_finishes_what_waits_and_takes_nothing_more(mut database: Database) {
    database.config.connections = 2;
    let store = database.open(COUNTS).await;
    let writers: Vec<Writing> = (0..100)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { write(&store, move |tx| put(tx, number)).await })
        })
        .collect();
    store.close();
    assert!(matches!(write(&store, |tx| put(tx, 1000)).await, Err(Error::Unavailable(_))));
    let mut kept = Vec::new();
    for (number, writer) in writers.into_iter().enumerate() {
        match writer.await.unwrap() {
            Ok(()) => kept.push(number as i64),
            Err(error) => assert!(matches!(error, Error::Unavailable(_))),
        }
    }
    if let Engine::Sqlite { file } = &database.config.engine {
        let log = file.with_extension("db-wal");
        assert_eq!(fs::metadata(log).map_or(0, |log| log.len()), 0);
    }
    assert_eq!(ids(&Store::open(&database.config).unwrap()).await, kept);
    store.close();
}

async fn a_schema_that_is_missing_or_newer_is_refused(database: Database) {
    let known = known_version();
    let missing = OpenError::Unmigrated { found: None, needed: known };
    assert_eq!(Store::open(&database.config).unwrap_err(), missing);
    assert_eq!(applied_version(&database.config), Ok(None));
    assert!(!pending(&database.config).unwrap().is_empty());

    assert_eq!(migrate(&database.config), Ok(Migrated { from: None, to: known }));
    assert_eq!(migrate(&database.config), Ok(Migrated { from: Some(known), to: known }));
    assert_eq!(applied_version(&database.config), Ok(Some(known)));
    assert_eq!(pending(&database.config), Ok(vec![]));

    let store = Store::open(&database.config).unwrap();
    let newer = write(&store, |tx| {
        let insert = "insert into refinery_schema_history (version, name, applied_on, checksum)
                      values (999, 'later', '2030-01-01T00:00:00Z', '1')";
        tx.execute(Statement::fixed(insert), params![]).map(|_| ())
    });
    assert_eq!(newer.await, Ok(()));
    store.close();
    let refusal = OpenError::Newer { found: 999, known };
    assert_eq!(Store::open(&database.config).unwrap_err(), refusal);
    assert_eq!(migrate(&database.config), Err(refusal.clone()));
    assert_eq!(pending(&database.config), Err(refusal));
}

async fn two_servers_that_migrate_at_once_migrate_once(database: Database) {
    let start = Barrier::new(4);
    let outcomes: Vec<_> = thread::scope(|scope| {
        let servers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    migrate(&database.config)
                })
            })
            .collect();
        servers.into_iter().map(|server| server.join().unwrap()).collect()
    });
    for outcome in &outcomes {
        assert_eq!(outcome.as_ref().map(|done| done.to), Ok(known_version()));
    }
    let store = Store::open(&database.config).unwrap();
    let count = Statement::fixed("select count(*) from refinery_schema_history");
    let applied: Result<i64, Error> =
        store.read(move |tx| tx.query_one(count, params![])?.read("refinery_schema_history").next()).await;
    assert_eq!(applied, Ok(known_version()));
}

mod sqlite_only {
    use super::*;

    const LIMIT: Statement = Statement::fixed("pragma max_page_count = 200");
    const NO_LIMIT: Statement = Statement::fixed("pragma max_page_count = 1000000");

    /// A disk that is full for what is big: the batch is lost, each part of it is run again
    /// alone, and only what does not fit then is refused.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_disk_refuses_what_does_not_fit_and_keeps_the_rest() {
        let database = Database::sqlite();
        let store = database.open(&["create table blobs (id bigint not null primary key, data bytea not null)"]).await;
        let insert = Statement::fixed("insert into blobs (id, data) values ($1, $2)");
        let limited = write(&store, |tx| tx.query(LIMIT, params![]).map(|_| ()));
        assert_eq!(limited.await, Ok(()));

        let (busy, running) = occupy(&store, 1).await;
        let writers: Vec<Writing> = (0..40_i64)
            .map(|number| {
                let store = store.clone();
                let size = if number % 4 == 0 { 2_000_000 } else { 100 };
                tokio::spawn(async move {
                    write(&store, move |tx| tx.execute(insert, params![number, vec![7_u8; size]]).map(|_| ())).await
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(busy);
        for writer in running {
            assert_eq!(writer.await.unwrap(), Ok(()));
        }
        for (number, writer) in writers.into_iter().enumerate() {
            let outcome = writer.await.unwrap();
            if number % 4 == 0 {
                assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
            } else {
                assert_eq!(outcome, Ok(()), "{number}");
            }
        }
        let kept: Result<i64, Error> = store
            .read(|tx| {
                let count = Statement::fixed("select count(*) from blobs");
                tx.query_one(count, params![])?.read("blobs").next()
            })
            .await;
        assert_eq!(kept, Ok(30));

        let freed = write(&store, |tx| tx.query(NO_LIMIT, params![]).map(|_| ()));
        assert_eq!(freed.await, Ok(()));
        let written = write(&store, move |tx| tx.execute(insert, params![100, vec![7_u8; 2_000_000]]).map(|_| ()));
        assert_eq!(written.await, Ok(()));
    }

    /// A statement that ends the transaction by itself takes nobody's work with it.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_transaction_ended_by_a_statement_harms_nobody_else() {
        let database = Database::sqlite();
        let store = database.open(COUNTS).await;
        let (busy, running) = occupy(&store, 1).await;
        let writers: Vec<Writing> = (0..30_i64)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    write(&store, move |tx| {
                        put(tx, number)?;
                        if number == 17 {
                            let twice = "insert or rollback into counts (id, value) values ($1, 1)";
                            tx.execute(Statement::fixed(twice), params![number])?;
                        }
                        Ok(())
                    })
                    .await
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(busy);
        for writer in running {
            assert_eq!(writer.await.unwrap(), Ok(()));
        }
        for (number, writer) in writers.into_iter().enumerate() {
            let outcome = writer.await.unwrap();
            assert_eq!(outcome.is_ok(), number != 17, "{number}: {outcome:?}");
        }
        let kept: Vec<i64> = (0..30).filter(|number| *number != 17).collect();
        assert_eq!(ids(&store).await, kept);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let database = Database::sqlite();
        let folder = database.folder().unwrap().to_owned();
        let open = |file: PathBuf| {
            let config = StoreConfig::new(Engine::Sqlite { file });
            (migrate(&config).unwrap_err(), Store::open(&config).unwrap_err())
        };

        let text = folder.join("notes.txt");
        fs::write(&text, "This is no database, but long enough to be one.\n".repeat(100)).unwrap();
        let refusal = OpenError::NotADatabase(text.clone());
        assert_eq!(open(text.clone()), (refusal.clone(), refusal.clone()));
        assert_eq!(
            refusal.to_string(),
            format!("{} is not an SQLite database; choose another file or restore a backup", text.display())
        );

        for unusable in [folder.join("no folder/parterre.db"), folder.clone()] {
            let (on_migrate, on_open) = open(unusable);
            assert!(matches!(on_migrate, OpenError::Unwritable { .. }), "{on_migrate:?}");
            assert!(matches!(on_open, OpenError::Unwritable { .. }), "{on_open:?}");
        }
    }
}

mod postgres_only {
    use super::*;

    const TWO: &[&str] = &[
        "create table counts (id bigint not null primary key, value bigint not null)",
        "insert into counts (id, value) values (1, 0), (2, 0)",
    ];

    #[tokio::test(flavor = "multi_thread")]
    async fn a_deadlock_is_run_again() {
        let database = Database::postgres();
        let store = database.open(TWO).await;
        let (both, runs) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)));
        let writers = [[1_i64, 2], [2, 1]].map(|order| {
            let (store, both, runs) = (store.clone(), Arc::clone(&both), Arc::clone(&runs));
            tokio::spawn(async move {
                let mut met = false;
                write(&store, move |tx| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    tx.execute(SET, params![order[0], 1])?;
                    if !std::mem::replace(&mut met, true) {
                        both.wait();
                    }
                    tx.execute(SET, params![order[1], 1])?;
                    Ok(())
                })
                .await
            })
        });
        for writer in writers {
            assert_eq!(writer.await.unwrap(), Ok(()));
        }
        assert_eq!(runs.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_collision_is_run_again_even_if_the_closure_hides_it_but_not_for_ever() {
        let database = Database::postgres();
        let store = database.open(TWO).await;
        let collide = Statement::fixed("do $$ begin raise exception 'collision' using errcode = '40001'; end $$");
        for collisions in [0, 1, 5, u32::MAX] {
            let runs = Arc::new(AtomicU32::new(0));
            let counted = Arc::clone(&runs);
            let outcome = write(&store, move |tx| {
                tx.execute(SET, params![1, 1])?;
                if counted.fetch_add(1, Ordering::SeqCst) < collisions {
                    let _: Result<(), Error> = tx.savepoint(|tx| {
                        let _ = tx.execute(collide, params![]);
                        Ok(())
                    });
                }
                Ok(())
            })
            .await;
            if collisions == u32::MAX {
                assert_eq!(outcome, Err(Error::Busy));
                assert_eq!(runs.load(Ordering::SeqCst), 10);
            } else {
                assert_eq!(outcome, Ok(()));
                assert_eq!(runs.load(Ordering::SeqCst), collisions + 1);
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_broken_connection_is_replaced_and_the_work_run_again() {
        let database = Database::postgres();
        let store = database.open(TWO).await;
        let end = Statement::fixed("select pg_terminate_backend(pg_backend_pid())");
        let mut broken = false;
        let outcome = write(&store, move |tx| {
            put(tx, 3)?;
            if !std::mem::replace(&mut broken, true) {
                let _ = tx.query(end, params![]);
            }
            Ok(())
        });
        assert_eq!(outcome.await, Ok(()));
        assert_eq!(ids(&store).await, [1, 2, 3]);
        // Connections that broke while nobody used them.
        let name = database.name().unwrap();
        execute_on(
            &postgres_server(),
            &format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"),
        );
        for number in 10..40 {
            assert_eq!(write(&store, move |tx| put(tx, number)).await, Ok(()));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_lock_has_one_owner() {
        let database = Database::postgres();
        let store = database.open(&[]).await;
        let other = store.clone();
        let both: Result<_, Error> = store
            .write(move |tx| {
                let mine = tx.try_lock(42)?;
                let other = other.clone();
                let theirs = thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(other.write(|tx| tx.try_lock(42)))
                });
                Ok((mine, theirs.join().unwrap()))
            })
            .await;
        assert_eq!(both, Ok((true, Ok(false))));
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        let open = |url: &str| {
            let config = StoreConfig::new(Engine::Postgres { url: url.into() });
            Store::open(&config).unwrap_err()
        };
        for malformed in [
            "postgres://host:port/parterre",
            "postgres://host/parterre?sslmode=sometimes",
            "postgres://host/parterre?sslmode=verify-full&sslrootcert=/no/such/file",
        ] {
            let error = open(malformed);
            assert!(matches!(error, OpenError::Address(_)), "{malformed}: {error:?}");
        }
        let error = open("postgres://parterre:secret@127.0.0.1:1/parterre");
        assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
        assert!(!error.to_string().contains("secret"));
    }
}
