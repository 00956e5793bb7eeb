//! Transactions and their statements, the same for both engines.
//!
//! Statements are written in PostgreSQL's words with `$1` for parameters. What SQLite spells
//! otherwise is translated by `sqlite.rs`; nothing above this file knows which engine runs.

mod ids;
mod param;
mod row;

use jiff::Timestamp;
use sea_query::{PostgresQueryBuilder, SelectStatement};

pub use param::Param;
use param::built_param;
pub(super) use row::Columns;
pub use row::{FromValue, Row, RowReader, Value};

/// The text of one statement, fixed when the program is built, so no input ever becomes SQL.
///
/// Files of the store make theirs with [`statements!`](super::statements), which also hands them
/// to the test that prepares every statement on both engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement(&'static str);

impl Statement {
    /// A statement with this text.
    pub const fn fixed(text: &'static str) -> Self {
        Self(text)
    }

    /// The text, in PostgreSQL's words.
    pub const fn text(self) -> &'static str {
        self.0
    }
}

/// Names the statements of a file of the store: `statements! { BY_ID = "select … $1"; … }` makes
/// a constant of each and lists them all in `STATEMENTS`.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)*) => {
        $($(#[$doc])* const $name: $crate::store::Statement = $crate::store::Statement::fixed($text);)*
        /// Every statement of this file, for the test that prepares them on both engines.
        pub(super) const STATEMENTS: &[(&str, $crate::store::Statement)] =
            &[$((stringify!($name), $name)),*];
    };
}
#[allow(unused_imports, reason = "used by every file of the store that has statements")]
pub(crate) use statements;

/// The parameters of a statement: `params![id, name]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::Param::from($value)),*] as &[$crate::store::Param<'_>]
    };
}
pub use crate::params;

/// Why the store did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// More is waiting for the database than it may (503, try again).
    #[error("the database has too much to do now; try again in a moment")]
    Busy,
    /// The database cannot be used: unreachable, its disk full, or the program is stopping (503).
    #[error("the database cannot be used now: {0}")]
    Unavailable(String),
    /// A constraint refuses the row. Unique constraints and indexes have the name
    /// `<table>_<column>_<column>_key`, primary keys `<table>_pkey`, `not null`
    /// `<table>_<column>_not_null`, checks their own; foreign keys are all `foreign_key`, because
    /// SQLite does not say which.
    #[error("the constraint {name} refuses this row")]
    Constraint {
        /// The constraint's name, the same on both engines.
        name: String,
    },
    /// What is stored contradicts itself or what the program knows.
    #[error("the stored {table} {id} has a {column} that cannot be read")]
    Corrupt {
        /// The table that was read.
        table: &'static str,
        /// The column, by its name in the statement's result.
        column: String,
        /// The row's column `id`, or its first one when there is none of that name.
        id: String,
    },
    /// The work given to the store panicked; nothing of it was kept.
    #[error("the work on the database failed unexpectedly; nothing of it was kept")]
    Panicked,
    /// A statement is wrong, or its use is: a defect of the program.
    #[error("the database refused a statement: {0}")]
    Other(String),
}

impl Error {
    /// Whether the constraint of this name refused the row.
    pub fn violates(&self, constraint: &str) -> bool {
        matches!(self, Self::Constraint { name } if name == constraint)
    }
}

/// What a failure means for the transaction it happened in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Only the statement failed.
    Statement,
    /// The transaction lost against another one and may win when it is run again.
    Collision,
    /// The whole transaction is gone.
    Transaction,
}

/// A failure of an engine.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub error: Error,
    pub reach: Reach,
}

impl Fault {
    /// A statement that cannot work.
    pub fn other(message: impl Into<String>) -> Self {
        Self { error: Error::Other(message.into()), reach: Reach::Statement }
    }

    /// The database failed, and with it the transaction.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { error: Error::Unavailable(message.into()), reach: Reach::Transaction }
    }
}

/// The text of a statement on its way to an engine.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sql<'a> {
    /// Fixed in the program: a bounded number, prepared once per connection and kept.
    Fixed(&'static str),
    /// Built for this request: kept only while it is used again soon.
    Built(&'a str),
}

impl Sql<'_> {
    pub fn text(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Built(text) => text,
        }
    }
}

/// A connection of one engine inside a transaction.
pub(super) trait Session {
    fn query(&mut self, sql: Sql<'_>, params: &[Param<'_>]) -> Result<Vec<Row>, Fault>;
    fn execute(&mut self, sql: Sql<'_>, params: &[Param<'_>]) -> Result<u64, Fault>;
    /// Checks that a statement can run, without running it.
    fn prepare(&mut self, sql: Sql<'_>) -> Result<(), Fault>;
    /// Runs a statement of the transaction itself, as `savepoint s1`.
    fn control(&mut self, text: &str) -> Result<(), Fault>;
    /// See [`Tx::try_lock`].
    fn try_lock(&mut self, key: i64) -> Result<bool, Fault>;
}

/// A transaction, for as long as the closure given to `Store::read` or `Store::write` runs.
///
/// After a statement has failed, the transaction takes no further one and is rolled back, even if
/// the closure passes over the error: PostgreSQL has it so, and SQLite is held to the same. What
/// may fail and be answered (a unique constraint) goes into a [`savepoint`](Self::savepoint), or
/// is avoided by `on conflict do nothing`.
pub struct Tx<'a> {
    session: &'a mut (dyn Session + 'a),
    now: Timestamp,
    savepoints: u32,
    failed: bool,
    /// The first failure that reached beyond its statement.
    fault: Option<Fault>,
    statements: u64,
}

impl<'a> Tx<'a> {
    pub(super) fn new(session: &'a mut (dyn Session + 'a), now: Timestamp) -> Self {
        Self { session, now, savepoints: 0, failed: false, fault: None, statements: 0 }
    }

    /// The time of this transaction, in whole microseconds, the same throughout.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How many statements this transaction has run, not counting its own begin, savepoints and
    /// end.
    pub fn statements_run(&self) -> u64 {
        self.statements
    }

    /// All rows that a statement finds.
    ///
    /// # Errors
    /// Those of [`Error`]; the transaction is over then.
    pub fn query(&mut self, statement: Statement, params: &[Param<'_>]) -> Result<Vec<Row>, Error> {
        self.query_sql(Sql::Fixed(statement.0), params)
    }

    /// The row that a statement finds, if it finds one.
    ///
    /// # Errors
    /// Those of [`Error`]; [`Error::Other`] when there are several rows.
    pub fn query_opt(&mut self, statement: Statement, params: &[Param<'_>]) -> Result<Option<Row>, Error> {
        let mut rows = self.query(statement, params)?;
        match rows.len() {
            0 | 1 => Ok(rows.pop()),
            many => Err(Error::Other(format!("{many} rows where at most one may be: {}", statement.0))),
        }
    }

    /// The one row that a statement always finds, as a count or an `insert … returning`.
    ///
    /// # Errors
    /// Those of [`Error`]; [`Error::Other`] when there is no row or several.
    pub fn query_one(&mut self, statement: Statement, params: &[Param<'_>]) -> Result<Row, Error> {
        self.query_opt(statement, params)?
            .ok_or_else(|| Error::Other(format!("no row where one must be: {}", statement.0)))
    }

    /// Runs a statement and says how many rows it wrote.
    ///
    /// # Errors
    /// Those of [`Error`]; the transaction is over then.
    pub fn execute(&mut self, statement: Statement, params: &[Param<'_>]) -> Result<u64, Error> {
        self.start(params)?;
        let result = self.session.execute(Sql::Fixed(statement.0), params);
        self.finish(result)
    }

    /// All rows that a list built with sea-query finds.
    ///
    /// # Errors
    /// Those of [`Error`]; [`Error::Other`] for a value the store has no type for.
    pub fn query_built(&mut self, select: &SelectStatement) -> Result<Vec<Row>, Error> {
        let (text, values) = select.build(PostgresQueryBuilder);
        let params = values.iter().map(built_param).collect::<Result<Vec<_>, _>>()?;
        self.query_sql(Sql::Built(&text), &params)
    }

    /// The number that a list built with sea-query counts: the first column of its only row.
    ///
    /// # Errors
    /// Those of [`query_built`](Self::query_built).
    pub fn count_built(&mut self, select: &SelectStatement) -> Result<i64, Error> {
        match self.query_built(select)?.pop() {
            Some(row) => row.read("count").next(),
            None => Err(Error::Other("a count without a row".into())),
        }
    }

    /// Runs a part of the transaction that is undone alone when it fails; what was done before it
    /// stays, and the transaction goes on.
    ///
    /// # Errors
    /// Those of the closure.
    pub fn savepoint<T, E: From<Error>>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.usable()?;
        self.savepoints += 1;
        let name = format!("s{}", self.savepoints);
        let begun = self.session.control(&format!("savepoint {name}"));
        self.finish(begun)?;
        let mut result = work(self);
        if self.failed && result.is_ok() {
            result = Err(Error::Other("an error inside a savepoint was passed over".into()).into());
        }
        if self.fault.is_none() {
            let ended = if result.is_ok() {
                self.session.control(&format!("release {name}"))
            } else {
                self.failed = false;
                self.session
                    .control(&format!("rollback to {name}"))
                    .and_then(|()| self.session.control(&format!("release {name}")))
            };
            self.finish(ended)?;
        }
        self.savepoints -= 1;
        result
    }

    /// Takes the lock of this number until the end of the transaction, if no other transaction
    /// has it: what keeps two servers from doing the same work at once. On SQLite there is only
    /// one writer, so it always succeeds.
    ///
    /// # Errors
    /// Those of [`Error`].
    pub fn try_lock(&mut self, key: i64) -> Result<bool, Error> {
        self.start(&[])?;
        let result = self.session.try_lock(key);
        self.finish(result)
    }

    /// Checks that the engine takes a statement, without running it.
    pub(super) fn prepare(&mut self, statement: Statement) -> Result<(), Error> {
        self.usable()?;
        let result = self.session.prepare(Sql::Fixed(statement.0));
        self.finish(result)
    }

    /// Whether an error was passed over, so that nothing may be kept.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// The first failure that reached beyond its statement, whatever the closure made of it.
    pub(super) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    fn query_sql(&mut self, sql: Sql<'_>, params: &[Param<'_>]) -> Result<Vec<Row>, Error> {
        self.start(params)?;
        let result = self.session.query(sql, params);
        self.finish(result)
    }

    fn usable(&self) -> Result<(), Error> {
        if self.failed {
            return Err(Error::Other("the transaction is over since one of its statements failed".into()));
        }
        Ok(())
    }

    fn start(&mut self, params: &[Param<'_>]) -> Result<(), Error> {
        self.usable()?;
        // PostgreSQL cannot store the character 0; refusing it here shows that on either engine.
        if params.iter().any(Param::has_nul) {
            self.failed = true;
            return Err(Error::Other("a text with the character 0".into()));
        }
        self.statements += 1;
        Ok(())
    }

    fn finish<T>(&mut self, result: Result<T, Fault>) -> Result<T, Error> {
        result.map_err(|fault| {
            self.failed = true;
            if self.fault.is_none() && fault.reach != Reach::Statement {
                self.fault = Some(fault.clone());
            }
            fault.error
        })
    }
}
