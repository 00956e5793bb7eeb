//! Tickets are found through the index that is made for it, whatever else there is, and whatever PostgreSQL knows or does
//! not know of what is stored: else each order reads all that is sold, or all that is not.

use parterre::domain::id::{SetId, TicketId};
use parterre::params;
use parterre::store::{self, Param, Statement};

use crate::util::{Server, id};

mod sqlite {
    #[test]
    fn tickets_are_found_by_the_index_made_for_it() {
        let by_id = "(bucket=? AND id=?)";
        super::tickets_are_found_by_the_index_made_for_it(super::Server::sqlite(), "explain query plan", 3, by_id);
    }
}

mod postgres {
    #[test]
    fn tickets_are_found_by_the_index_made_for_it() {
        super::tickets_are_found_by_the_index_made_for_it(super::Server::postgres(), "explain", 0, "tickets_pkey");
    }
}

/// How the engine is asked for a plan, in which column it answers, and what it says where tickets are found by their ids.
fn tickets_are_found_by_the_index_made_for_it(server: Server, explain: &str, column: usize, by_id: &str) {
    let sale = server.sale(3_000, "100.00");
    let set: SetId = id(&sale.set).parse().unwrap();
    let order = sale.agent.orders_of(&sale.set, 10).ok();
    let ids: Vec<TicketId> =
        order["tickets"].as_array().unwrap().iter().map(|ticket| ticket.as_str().unwrap().parse().unwrap()).collect();
    let (bucket, one, no_order) = (set.bucket(), ids[0], TicketId::from_bytes([7; 12]));
    let of_set = |rest: &[Param<'static>]| [params![bucket, set], rest].concat();
    let of_ids = |rest: &[Param<'static>]| [params![bucket, &ids], rest].concat();
    let cases: Vec<(&str, &str, Vec<Param<'_>>)> = vec![
        ("FREE_NOW", "tickets_vacant", of_set(params![1_i64, i64::MAX])),
        ("FREE", "tickets_vacant", of_set(params![1_i64, i64::MAX])),
        ("OVER_NOW", "tickets_reserved", of_set(params![1_i64, 5_i64, i64::MAX])),
        ("OVER_OF_SET", "tickets_reserved", of_set(params![5_i64])),
        ("VACANT_LAST", "tickets_vacant", of_set(params![10_i64])),
        ("LAST_BUT", "tickets_vacant", of_set(params![10_i64])),
        ("TAKE", by_id, of_ids(params![no_order, 5_i64, 5_i64])),
        ("TAKE_OVER", by_id, of_ids(params![no_order, 5_i64, 5_i64])),
        ("PROLONG", by_id, of_ids(params![no_order, 5_i64, 5_i64])),
        ("RELEASE", by_id, of_ids(params![&[no_order][..], 5_i64])),
        ("WAIT", by_id, of_ids(params![5_i64, 5_i64])),
        ("REMOVE", by_id, of_ids(params![5_i64])),
        ("RELEASE_OVER", by_id, of_ids(params![5_i64])),
        ("SELL", by_id, params![bucket, one, no_order, "1", 5_i64].to_vec()),
    ];
    let statements = store::statements();
    for known in [false, true] {
        if known {
            server.write(|tx| Ok(tx.execute(Statement::fixed("analyze"), params![])?));
        }
        for (name, expected, values) in &cases {
            let is_it = |(of, text): &&(&str, Statement)| of == name && text.text().contains(" tickets ");
            let named: Vec<&Statement> = statements.iter().filter(is_it).map(|(_, text)| text).collect();
            let [statement] = named.as_slice() else { panic!("{} statements are called {name}", named.len()) };
            // What is fixed when the program is built is never freed either.
            let text: &'static str = Box::leak(format!("{explain} {}", statement.text()).into_boxed_str());
            let values: Vec<Param<'static>> = values.iter().map(owned).collect();
            let plan = server.write(move |tx| {
                let mut lines = Vec::new();
                for row in tx.query(Statement::fixed(text), &values)? {
                    let mut row = row.read("plan");
                    for _ in 0..column {
                        row.next::<i64>()?;
                    }
                    lines.push(row.next::<String>()?);
                }
                Ok(lines.join("\n"))
            });
            if known || *expected != by_id {
                assert!(plan.contains(expected), "{name}, known: {known}\n{plan}");
            } else {
                // Of few tickets nobody has counted, reading all of a bucket is no mistake.
                let of_a_status = ["tickets_vacant", "tickets_reserved"].iter().any(|index| plan.contains(index));
                assert!(!of_a_status, "{name}\n{plan}");
            }
        }
    }
}

fn owned(param: &Param<'_>) -> Param<'static> {
    match param {
        Param::Null => Param::Null,
        Param::Bool(value) => Param::Bool(*value),
        Param::I64(value) => Param::I64(*value),
        Param::Text(text) => Param::Text(text.clone().into_owned().into()),
        Param::Bytes(bytes) => Param::Bytes(bytes.clone().into_owned().into()),
        Param::Id(id) => Param::Id(*id),
        Param::List(list) => Param::List(list.clone()),
    }
}
