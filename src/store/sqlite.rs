//! SQLite: one thread that writes, a few that read, each with its own connection.
//!
//! The writer takes every write that waits, gives each a savepoint inside one transaction, commits
//! once and then answers them all, so that many orders share one sync of the disk.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, PrepFlags, ToSql, ffi};

use super::db::{Columns, Error, Fault, Param, Reach, Row, Session, Sql, Tx, Value};
use super::migrate::{Migrated, OpenError, check_current, check_not_newer, known_version};
use super::{Clock, Job, Message, Outcome, Running, StoreConfig, start};

/// How many writes share one commit at most: bounds what is run again when the commit fails.
const BATCH_JOBS: usize = 256;
/// How long writes are gathered for one commit: bounds what the first of them waits for.
const BATCH_TIME: Duration = Duration::from_millis(5);
/// How long a lock of another process (a backup, a shell) is waited for.
const BUSY: Duration = Duration::from_secs(5);
/// How many statements built for one request are kept prepared, per connection.
const BUILT_KEPT: usize = 64;

/// What is set on every connection. Nothing is mapped: each connection would count the whole file as its memory.
const SETTINGS: &str = "
    pragma synchronous = full;
    pragma foreign_keys = on;
    pragma temp_store = memory;
    pragma cache_size = -16384;
";
/// Keeps the log from growing without end while readers hold it, and its syncs apart.
const WRITER_SETTINGS: &str = "
    pragma wal_autocheckpoint = 4000;
    pragma journal_size_limit = 67108864;
";

/// Opens the file and starts the threads.
pub(super) fn open(file: &Path, config: &StoreConfig) -> Result<Running, OpenError> {
    if is_missing(file) {
        check_current(None)?;
    }
    let writer = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    check_current(version(file, &writer)?)?;
    enter_wal(file, &writer)?;
    let readers = (0..config.readers.max(1))
        .map(|_| connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY))
        .collect::<Result<Vec<_>, _>>()?;

    let (reads, read_queue) = bounded(config.queue.max(1));
    let (writes, write_queue) = bounded(config.queue.max(1));
    let readers = start(
        "store-reader",
        &reads,
        readers.into_iter().map(|connection| {
            let (clock, queue) = (config.clock.clone(), read_queue.clone());
            Box::new(move || serve_reads(&connection, &clock, &queue)) as Box<dyn FnOnce() + Send>
        }),
    )?;
    let clock = config.clock.clone();
    let work = Box::new(move || serve_writes(&writer, &clock, &write_queue));
    let writer = start("store-writer", &writes, [work as Box<dyn FnOnce() + Send>])?;
    Ok(Running {
        reads,
        writes,
        // Readers stop first, so that the writer can empty the log when it stops.
        groups: vec![readers, writer],
    })
}

pub(super) fn migrate(file: &Path, runner: &refinery::Runner) -> Result<Migrated, OpenError> {
    create_private(file)?;
    let mut connection = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let from = version(file, &connection)?;
    check_not_newer(from)?;
    enter_wal(file, &connection)?;
    let outcome = runner.run(&mut connection);
    let to = version(file, &connection)?;
    match (outcome, to) {
        (Ok(_), Some(to)) => Ok(Migrated { from, to }),
        (Ok(_), None) => Err(OpenError::Failed("no migration was recorded".into())),
        // Another process migrated between the look at the schema and the first change of it: the
        // change was refused as a whole, and what it wanted is there.
        (Err(_), Some(to)) if to == known_version() => Ok(Migrated { from: Some(to), to }),
        (Err(error), _) => Err(OpenError::Failed(format!("the migration failed: {error}"))),
    }
}

pub(super) fn applied_version(file: &Path) -> Result<Option<i64>, OpenError> {
    if is_missing(file) {
        return Ok(None);
    }
    version(file, &connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}

/// Creates the file if there is none, for its owner only; SQLite gives its log the same rights.
fn create_private(file: &Path) -> Result<(), OpenError> {
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(file);
    opened.map(drop).map_err(|error| OpenError::Unwritable { file: file.to_owned(), why: error.to_string() })
}

/// Whether there is no file yet where one can be.
fn is_missing(file: &Path) -> bool {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    !file.exists() && folder.is_none_or(Path::is_dir)
}

fn connect(file: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    let opened = || {
        let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY)?;
        // Or a misspelt column in double quotes, as sea-query writes them, would be a text.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        // Or a statement on a table with a partial index is planned anew each time its values are
        // bound, because they might fit the index's condition.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.execute_batch(SETTINGS)?;
        rusqlite::vtab::array::load_module(&connection)?;
        // Settings read nothing; this tells whether the file is a database at all.
        connection.query_row("select count(*) from sqlite_master", [], |_| Ok(()))?;
        let writable = !connection.is_readonly("main")?;
        Ok((connection, writable))
    };
    let (connection, writable) = opened().map_err(|error| open_error(file, &error))?;
    if access.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) && !writable {
        return Err(OpenError::Unwritable { file: file.to_owned(), why: "it is read-only".into() });
    }
    Ok(connection)
}

/// Turns the write-ahead log on; the file remembers it. Also proves that it can be written.
fn enter_wal(file: &Path, connection: &Connection) -> Result<(), OpenError> {
    let enter = || {
        let mode: String = connection.query_row("pragma journal_mode = wal", [], |row| row.get(0))?;
        connection.execute_batch(WRITER_SETTINGS)?;
        connection.execute_batch("begin immediate; rollback")?;
        Ok(mode)
    };
    let mode = enter().map_err(|error| open_error(file, &error))?;
    if mode != "wal" {
        return Err(OpenError::Failed(format!(
            "{} does not take a write-ahead log, as on a network drive; put it on a local disk",
            file.display()
        )));
    }
    Ok(())
}

fn version(file: &Path, connection: &Connection) -> Result<Option<i64>, OpenError> {
    let found = || {
        let known: bool = connection.query_row(
            "select count(*) > 0 from sqlite_master where name = 'refinery_schema_history'",
            [],
            |row| row.get(0),
        )?;
        if !known {
            return Ok(None);
        }
        connection.query_row("select max(version) from refinery_schema_history", [], |row| row.get(0))
    };
    found().map_err(|error| open_error(file, &error))
}

fn open_error(file: &Path, error: &rusqlite::Error) -> OpenError {
    let file = file.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked(file),
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase(file),
        Some(
            ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure,
        ) => OpenError::Unwritable { file, why: error.to_string() },
        _ => OpenError::Failed(error.to_string()),
    }
}

fn serve_reads(connection: &Connection, clock: &Clock, queue: &Receiver<Message>) {
    let mut reader = Reader { session: Connected::new(connection), clock, began: None };
    loop {
        let message = queue.try_recv().or_else(|_| {
            reader.end();
            queue.recv()
        });
        let Ok(Message::Read(job, since) | Message::Write(job, since)) = message else { return reader.end() };
        if !job.abandoned() {
            survive(|| reader.run(job, since));
        }
    }
}

struct Reader<'c> {
    session: Connected<'c>,
    clock: &'c Clock,
    /// When the open transaction began.
    began: Option<Instant>,
}

impl Reader<'_> {
    /// Runs a job. What was asked for before the open transaction began shares it: it sees all that was committed when
    /// it was asked for. Whatever is younger gets a transaction of its own.
    fn run(&mut self, mut job: Box<dyn Job>, since: Instant) {
        if self.began.is_some_and(|began| since >= began) {
            self.end();
        }
        if self.began.is_none() {
            let now = Instant::now();
            match self.session.control("begin") {
                Ok(()) => self.began = Some(now),
                Err(fault) => return job.refuse(fault.error),
            }
        }
        let outcome = job.run(&mut Tx::new(&mut self.session, self.clock.now()));
        if matches!(outcome, Outcome::Again | Outcome::Lost) {
            self.end();
        }
        job.answer();
    }

    /// Ends the transaction if SQLite has not done so itself. Nothing was written, so how it ends changes nothing.
    fn end(&mut self) {
        if self.began.take().is_some() && !self.session.connection.is_autocommit() {
            let _ = self.session.control("rollback");
        }
    }
}

/// Keeps the thread alive whatever happens; closures have their own guard, this is for what their
/// results do when they are dropped.
fn survive(work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        tracing::error!("A thread of the store panicked and goes on.");
    }
}

fn serve_writes(connection: &Connection, clock: &Clock, queue: &Receiver<Message>) {
    let mut writer = Writer { session: Connected::new(connection), clock, queue, stopping: false };
    while !writer.stopping {
        match queue.recv() {
            Ok(Message::Read(job, _) | Message::Write(job, _)) => {
                survive(|| writer.batch(job));
                writer.abandon();
            }
            Ok(Message::Stop) | Err(_) => writer.stopping = true,
        }
    }
    if let Err(error) = connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())) {
        tracing::warn!(%error, "The write-ahead log could not be emptied; nothing is lost.");
    }
}

struct Writer<'c> {
    session: Connected<'c>,
    clock: &'c Clock,
    queue: &'c Receiver<Message>,
    stopping: bool,
}

impl Writer<'_> {
    /// Runs this job and those waiting behind it in one transaction.
    fn batch(&mut self, first: Box<dyn Job>) {
        if let Err(fault) = self.session.control("begin immediate") {
            first.refuse(fault.error.clone());
            // They would each wait for the same lock.
            let waiting = self.queue.len().min(BATCH_JOBS);
            (0..waiting).map_while(|_| self.next()).for_each(|job| job.refuse(fault.error.clone()));
            return;
        }
        let began = Instant::now();
        let mut run = Vec::new();
        let mut next = Some(first);
        let mut written = false;
        let mut whole = Ok(());
        while let Some(mut job) = next {
            if !job.abandoned() {
                let ended = self.run_within(&mut *job, written);
                run.push(job);
                match ended {
                    Ok(kept) => written |= kept,
                    Err(fault) => {
                        whole = Err(fault);
                        break;
                    }
                }
            }
            if run.len() >= BATCH_JOBS || began.elapsed() >= BATCH_TIME {
                break;
            }
            next = self.next();
        }
        match whole.and_then(|()| self.session.control("commit")) {
            Ok(()) => run.into_iter().for_each(Job::answer),
            Err(fault) => {
                self.abandon();
                tracing::warn!(
                    error = %fault.error,
                    jobs = run.len(),
                    "A shared transaction was lost; its parts are run again alone."
                );
                run.into_iter().for_each(|job| self.alone(job));
            }
        }
    }

    /// Runs a job in the open transaction and says whether it wrote. What others wrote before it
    /// is kept from its failure by a savepoint. An error means that the transaction is gone.
    fn run_within(&mut self, job: &mut dyn Job, written: bool) -> Result<bool, Fault> {
        if written {
            self.session.control("savepoint job")?;
        }
        let outcome = job.run(&mut Tx::new(&mut self.session, self.clock.now()));
        match (outcome, written) {
            (Outcome::Keep, true) => self.session.control("release job")?,
            (Outcome::Keep, false) => {}
            (Outcome::Undo, true) => {
                self.session.control("rollback to job")?;
                self.session.control("release job")?;
            }
            (Outcome::Undo, false) => {
                self.session.control("rollback")?;
                self.session.control("begin immediate")?;
            }
            (Outcome::Again | Outcome::Lost, _) => {
                return Err(Fault::unavailable("the transaction was lost"));
            }
        }
        Ok(outcome == Outcome::Keep)
    }

    /// Runs a job in a transaction of its own, for the last time.
    fn alone(&mut self, mut job: Box<dyn Job>) {
        if let Err(fault) = self.session.control("begin immediate") {
            return job.refuse(fault.error);
        }
        let outcome = job.run(&mut Tx::new(&mut self.session, self.clock.now()));
        if outcome != Outcome::Keep {
            self.abandon();
            return job.answer();
        }
        match self.session.control("commit") {
            Ok(()) => job.answer(),
            Err(fault) => {
                self.abandon();
                job.refuse(fault.error);
            }
        }
    }

    fn next(&mut self) -> Option<Box<dyn Job>> {
        match self.queue.try_recv() {
            Ok(Message::Read(job, _) | Message::Write(job, _)) => Some(job),
            Ok(Message::Stop) => {
                self.stopping = true;
                None
            }
            Err(_) => None,
        }
    }

    /// Ends the transaction if SQLite has not done so itself.
    fn abandon(&mut self) {
        if !self.session.connection.is_autocommit()
            && let Err(fault) = self.session.control("rollback")
        {
            tracing::error!(error = %fault.error, "A transaction could not be rolled back.");
        }
    }
}

/// A connection with its prepared statements.
struct Connected<'c> {
    connection: &'c Connection,
    /// By the address of the text, which is fixed: cheaper than to hash the text each time.
    fixed: HashMap<(usize, usize), Prepared<'c>>,
    built: HashMap<String, Prepared<'c>>,
}

struct Prepared<'c> {
    statement: rusqlite::Statement<'c>,
    columns: Arc<Columns>,
    parameters: usize,
}

impl<'c> Connected<'c> {
    fn new(connection: &'c Connection) -> Self {
        Self { connection, fixed: HashMap::new(), built: HashMap::new() }
    }

    fn prepared(&mut self, sql: Sql<'_>) -> Result<&mut Prepared<'c>, Fault> {
        let connection = self.connection;
        match sql {
            Sql::Fixed(text) => match self.fixed.entry((text.as_ptr().addr(), text.len())) {
                Entry::Occupied(kept) => Ok(kept.into_mut()),
                Entry::Vacant(place) => Ok(place.insert(prepare(connection, text)?)),
            },
            Sql::Built(text) => {
                if !self.built.contains_key(text) {
                    if self.built.len() >= BUILT_KEPT {
                        self.built.clear();
                    }
                    self.built.insert(text.to_owned(), prepare(connection, text)?);
                }
                self.built.get_mut(text).ok_or_else(|| Fault::other("a prepared statement was not kept"))
            }
        }
    }

    /// Runs `work` on the bound statement, and unbinds it, so that no request's values stay.
    fn bound<T>(
        &mut self,
        sql: Sql<'_>,
        params: &[Param<'_>],
        work: impl FnOnce(&mut Prepared<'c>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let connection = self.connection;
        let prepared = self.prepared(sql)?;
        if prepared.parameters != params.len() {
            return Err(Fault::other(format!(
                "{} parameters for the {} of: {}",
                params.len(),
                prepared.parameters,
                sql.text()
            )));
        }
        for (index, param) in params.iter().enumerate() {
            prepared.statement.raw_bind_parameter(index + 1, param).map_err(|error| fault(connection, error))?;
        }
        let result = work(prepared);
        prepared.statement.clear_bindings();
        result
    }
}

impl Session for Connected<'_> {
    fn query(&mut self, sql: Sql<'_>, params: &[Param<'_>]) -> Result<Vec<Row>, Fault> {
        let connection = self.connection;
        self.bound(sql, params, |prepared| {
            let mut found = Vec::new();
            let mut rows = prepared.statement.raw_query();
            while let Some(row) = rows.next().map_err(|error| fault(connection, error))? {
                let values = (0..prepared.columns.len())
                    .map(|index| value(row, index, &prepared.columns))
                    .collect::<Result<Vec<_>, _>>()?;
                found.push(Row::new(values, Arc::clone(&prepared.columns)));
            }
            Ok(found)
        })
    }

    fn execute(&mut self, sql: Sql<'_>, params: &[Param<'_>]) -> Result<u64, Fault> {
        let connection = self.connection;
        self.bound(sql, params, |prepared| {
            let written = prepared.statement.raw_execute();
            written.map(|rows| rows as u64).map_err(|error| fault(connection, error))
        })
    }

    fn prepare(&mut self, sql: Sql<'_>) -> Result<(), Fault> {
        self.prepared(sql).map(|_| ())
    }

    fn control(&mut self, text: &str) -> Result<(), Fault> {
        self.execute(Sql::Built(text), &[]).map(|_| ())
    }

    fn try_lock(&mut self, _key: i64) -> Result<bool, Fault> {
        Ok(true)
    }
}

fn prepare<'c>(connection: &'c Connection, text: &str) -> Result<Prepared<'c>, Fault> {
    let statement = connection
        .prepare_with_flags(&translate(text), PrepFlags::SQLITE_PREPARE_PERSISTENT)
        .map_err(|error| fault(connection, error))?;
    Ok(Prepared { columns: Columns::new(statement.column_names()), parameters: statement.parameter_count(), statement })
}

/// From PostgreSQL's words to SQLite's: `$1` is `?1`, `= any($1)` is `in rarray(?1)`, and a row
/// lock at the end is left out, because there is only one writer.
fn translate(text: &str) -> String {
    const LOCKS: [&str; 4] = ["for update skip locked", "for no key update", "for update", "for share"];
    let text = text.trim();
    let text = LOCKS.iter().find_map(|lock| text.strip_suffix(lock)).unwrap_or(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut quote = None;
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if quote.is_none()
            && let Some(after) = rest.strip_prefix("= any($")
        {
            out.push_str("in rarray(?");
            rest = after;
            continue;
        }
        match (quote, next) {
            (None, '\'' | '"') => quote = Some(next),
            (Some(open), _) if open == next => quote = None,
            _ => {}
        }
        out.push(if quote.is_none() && next == '$' { '?' } else { next });
        rest = &rest[next.len_utf8()..];
    }
    out
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Bool(value) => ToSqlOutput::Owned(Stored::Integer((*value).into())),
            Self::I64(value) => ToSqlOutput::Owned(Stored::Integer(*value)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::Id(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::List(list) => {
                let blobs = list.iter().cloned().map(Stored::Blob);
                ToSqlOutput::from_rc(Rc::new(blobs.collect::<Vec<_>>()), c"rarray")
            }
        })
    }
}

fn value(row: &rusqlite::Row<'_>, index: usize, columns: &Columns) -> Result<Value, Fault> {
    match row.get_ref(index) {
        Ok(ValueRef::Null) => Ok(Value::Null),
        Ok(ValueRef::Integer(value)) => Ok(Value::I64(value)),
        // What is not UTF-8 is no text: reading it as one then names the row.
        Ok(ValueRef::Text(bytes)) => Ok(match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Bytes(bytes.to_vec()),
        }),
        Ok(ValueRef::Blob(bytes)) => Ok(Value::Bytes(bytes.to_vec())),
        Ok(ValueRef::Real(_)) | Err(_) => {
            Err(Fault::other(format!("the column {} is no integer, text or bytes; cast it", columns.name(index))))
        }
    }
}

fn fault(connection: &Connection, error: rusqlite::Error) -> Fault {
    use ErrorCode as Code;
    let error = match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            let message = message.unwrap_or_else(|| code.to_string());
            match code.code {
                Code::ConstraintViolation => {
                    Error::Constraint { name: constraint(code.extended_code, &message).into_owned() }
                }
                Code::DiskFull
                | Code::SystemIoFailure
                | Code::OutOfMemory
                | Code::DatabaseBusy
                | Code::DatabaseLocked
                | Code::CannotOpen => Error::Unavailable(message),
                _ => Error::Other(message),
            }
        }
        rusqlite::Error::SqlInputError { msg, sql, .. } => Error::Other(format!("{msg}: {sql}")),
        error => Error::Other(error.to_string()),
    };
    // SQLite ends the transaction by itself after some of these, and advises to end it after all.
    let gone = matches!(error, Error::Unavailable(_)) || connection.is_autocommit();
    Fault { reach: if gone { Reach::Transaction } else { Reach::Statement }, error }
}

/// The name PostgreSQL has for the constraint that a message like `UNIQUE constraint failed:
/// deals.event, deals.agent` tells of.
fn constraint(extended_code: i32, message: &str) -> Cow<'_, str> {
    let what = message.split_once(": ").map_or(message, |(_, what)| what);
    if let Some(index) = what.strip_prefix("index '") {
        return index.trim_end_matches('\'').into();
    }
    let table = what.split('.').next().unwrap_or(what);
    let columns = || {
        let columns = what.split(", ").filter_map(|column| column.split('.').nth(1));
        columns.collect::<Vec<_>>().join("_")
    };
    match extended_code {
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => format!("{table}_pkey").into(),
        ffi::SQLITE_CONSTRAINT_UNIQUE => format!("{table}_{}_key", columns()).into(),
        ffi::SQLITE_CONSTRAINT_NOTNULL => format!("{table}_{}_not_null", columns()).into(),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "foreign_key".into(),
        _ => what.into(),
    }
}
