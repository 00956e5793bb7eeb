//! The only code that knows SQL, and that there are two engines.
//!
//! A transaction is a plain closure run on the store's own threads: [`Store::read`] and
//! [`Store::write`]. There is no other way to a connection. Closures may be run again (after a
//! collision, or when the transaction they shared with others was lost), so ids and random
//! numbers are made outside them and nothing slow happens inside.

pub mod api_keys;
pub mod attachments;
pub mod customers;
mod db;
pub mod deals;
pub mod events;
pub mod health;
pub mod idempotency;
pub mod ledger;
mod lists;
pub mod mails;
pub mod maps;
pub mod members;
pub mod meta;
pub mod migrate;
pub mod offers;
pub mod orders;
pub mod partners;
pub mod payments;
mod postgres;
pub mod promocodes;
pub mod proof;
pub mod refunds;
pub mod sessions;
pub mod sets;
pub mod settings;
mod sqlite;
pub mod stock;
pub mod test_payments;
pub mod tickets;
pub mod users;
mod values;
pub mod venues;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crossbeam_channel::{Sender, TrySendError};
use jiff::Timestamp;
use tokio::sync::oneshot;

use db::Reach;
pub(crate) use db::statements;
pub use db::{Error, FromValue, Param, Row, RowReader, Statement, Tx, params};
pub use lists::Window;
pub use migrate::{Migrated, OpenError, applied_version, migrate, pending};

/// Where the data is and how much may be asked of it at once.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// The engine and its place.
    pub engine: Engine,
    /// Where the time of transactions comes from.
    pub clock: Clock,
    /// SQLite: how many threads read; at least 1.
    pub readers: usize,
    /// PostgreSQL: how many connections this program opens; at least 1. More than about four a
    /// core of the database make it slower, not faster.
    pub connections: usize,
    /// How many closures may wait for a thread before further ones are refused with
    /// [`Error::Busy`]; writes and reads are counted apart on SQLite.
    pub queue: usize,
}

impl StoreConfig {
    /// The usual numbers for this machine: a reading thread per core and 2 at least, four
    /// connections per core, 1024 waiting.
    pub fn new(engine: Engine) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { engine, clock: Clock::System, readers: cores.max(2), connections: (4 * cores).max(2), queue: 1024 }
    }
}

/// The engine that keeps the data.
#[derive(Clone, PartialEq, Eq)]
pub enum Engine {
    /// SQLite, inside this program, in this file.
    Sqlite {
        /// The database file; its folder has to exist and be writable.
        file: PathBuf,
    },
    /// PostgreSQL 15 or later, or what speaks its protocol and SQL.
    Postgres {
        /// `postgres://user:password@host/database?sslmode=…`. `sslmode` is `disable`, `prefer`
        /// (the default) or `require`, which do not check who the server is, or `verify-full`,
        /// which does, by `sslrootcert` (a PEM file) or else the public authorities. For a Unix
        /// socket: `postgres:///database?host=/folder&user=…`.
        url: String,
    },
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { file } => f.debug_struct("Sqlite").field("file", file).finish(),
            // The URL may hold a password.
            Self::Postgres { .. } => f.debug_struct("Postgres").finish_non_exhaustive(),
        }
    }
}

/// Where the time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The database's clock on PostgreSQL, this machine's on SQLite.
    System,
    /// Microseconds since 1970, moved by hand, for tests.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// This program's time, in whole microseconds. Inside a transaction it is [`Tx::now`].
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn now(&self) -> Timestamp {
        let microsecond = match self {
            Self::System => Timestamp::now().as_microsecond(),
            Self::Manual(microsecond) => microsecond.load(Ordering::SeqCst),
        };
        Timestamp::from_microsecond(microsecond).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// How work ended inside the transaction, before the transaction itself has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// What was written is to be committed.
    Keep,
    /// What was written is to be rolled back.
    Undo,
    /// A collision with another transaction: roll back and run again.
    Again,
    /// The transaction is gone, and what others wrote in it.
    Lost,
}

/// Work waiting for a transaction, with the way back to who asked for it.
trait Job: Send {
    /// Whether nobody waits for the answer any more.
    fn abandoned(&self) -> bool;
    /// Runs the closure and keeps its result.
    fn run(&mut self, tx: &mut Tx<'_>) -> Outcome;
    /// Answers with the result of the last run.
    fn answer(self: Box<Self>);
    /// Answers that it could not be done.
    fn refuse(self: Box<Self>, error: Error);
}

struct Work<F, T, E> {
    closure: F,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
    counters: Arc<Counters>,
}

/// What was counted since the store was opened.
#[derive(Default)]
struct Counters {
    statements: AtomicU64,
    collisions: AtomicU64,
}

impl<F, T, E> Job for Work<F, T, E>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Outcome {
        let result = catch_unwind(AssertUnwindSafe(|| (self.closure)(tx)));
        self.counters.statements.fetch_add(tx.statements_run(), Ordering::Relaxed);
        let (outcome, result) = match (tx.fault(), result) {
            (Some(fault), _) => {
                let outcome = match fault.reach {
                    Reach::Collision => {
                        self.counters.collisions.fetch_add(1, Ordering::Relaxed);
                        Outcome::Again
                    }
                    Reach::Statement | Reach::Transaction => Outcome::Lost,
                };
                (outcome, Err(fault.error.clone().into()))
            }
            (None, Err(panic)) => {
                tracing::error!(panic = panic_message(&*panic), "Work on the database panicked; it was rolled back.");
                (Outcome::Undo, Err(Error::Panicked.into()))
            }
            (None, Ok(Ok(_))) if tx.failed() => {
                let error = Error::Other("the error of a statement was passed over".into());
                (Outcome::Undo, Err(error.into()))
            }
            (None, Ok(Ok(value))) => (Outcome::Keep, Ok(value)),
            (None, Ok(Err(error))) => (Outcome::Undo, Err(error)),
        };
        self.result = Some(result);
        outcome
    }

    fn answer(self: Box<Self>) {
        if let Some(result) = self.result {
            // Who asked may have gone away meanwhile; the work counts all the same.
            let _ = self.answer.send(result);
        }
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.answer.send(Err(error.into()));
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// What a thread of the store is told.
enum Message {
    Read(Box<dyn Job>, Instant),
    Write(Box<dyn Job>, Instant),
    Stop,
}

/// The database. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

struct Shared {
    clock: Clock,
    /// On PostgreSQL both go to the same threads.
    reads: Sender<Message>,
    writes: Sender<Message>,
    /// Whether no more work is taken. Whoever brings some holds it meanwhile: what came behind the last message to the
    /// threads would never be answered.
    closed: RwLock<bool>,
    counters: Arc<Counters>,
    groups: Mutex<Vec<Group>>,
}

/// The threads of an open database and how they are reached.
struct Running {
    reads: Sender<Message>,
    writes: Sender<Message>,
    /// In the order in which they are stopped.
    groups: Vec<Group>,
}

/// Threads that take their work from one queue.
struct Group {
    queue: Sender<Message>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a database whose schema is the one this program knows; see [`migrate`](migrate()).
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong and what to do.
    pub fn open(config: &StoreConfig) -> Result<Self, OpenError> {
        let Running { reads, writes, groups } = match &config.engine {
            Engine::Sqlite { file } => sqlite::open(file, config)?,
            Engine::Postgres { url } => postgres::open(url, config)?,
        };
        Ok(Self(Arc::new(Shared {
            clock: config.clock.clone(),
            reads,
            writes,
            closed: RwLock::new(false),
            counters: Arc::default(),
            groups: Mutex::new(groups),
        })))
    }

    /// Runs a closure that only reads, on one state of the database: the last commit when it
    /// begins.
    ///
    /// # Errors
    /// Those of the closure and of [`Error`].
    pub async fn read<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.ask(&self.0.reads, Message::Read, closure).await
    }

    /// Runs a closure in a transaction and answers after its commit. When the closure fails or
    /// panics, nothing of it is kept. It may be run more than once, but counts once. Once it has
    /// begun it is finished, even if nobody waits for it any more.
    ///
    /// # Errors
    /// Those of the closure and of [`Error`]. After [`Error::Unavailable`] on PostgreSQL the
    /// work may have been committed, if the connection broke just then.
    pub async fn write<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.ask(&self.0.writes, Message::Write, closure).await
    }

    /// This program's time, by the store's clock; in a transaction it is [`Tx::now`].
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// How many statements were run since the store was opened, to count those of a request.
    pub fn statements_run(&self) -> u64 {
        self.0.counters.statements.load(Ordering::Relaxed)
    }

    /// How often a transaction was run again since the store was opened, because it and another one waited for each other.
    pub fn collisions(&self) -> u64 {
        self.0.counters.collisions.load(Ordering::Relaxed)
    }

    /// Checks that the engine takes every one of these statements, without running them.
    ///
    /// # Errors
    /// [`Error::Other`] with a line for each one it refuses.
    pub async fn prepare_all(&self, statements: &[(&'static str, Statement)]) -> Result<(), Error> {
        let statements = statements.to_vec();
        self.read(move |tx| {
            let mut refused = Vec::new();
            for (name, statement) in &statements {
                let prepared: Result<(), Error> = tx.savepoint(|tx| tx.prepare(*statement));
                if let Err(error) = prepared {
                    refused.push(format!("{name}: {error}"));
                }
            }
            if refused.is_empty() {
                return Ok(());
            }
            Err(Error::Other(refused.join("\n")))
        })
        .await
    }

    /// Takes no further work, finishes what is waiting, and closes the database. Blocks until
    /// then; a second call does nothing.
    pub fn close(&self) {
        *self.0.closed.write().unwrap_or_else(PoisonError::into_inner) = true;
        let groups = std::mem::take(&mut *self.0.groups.lock().unwrap_or_else(PoisonError::into_inner));
        for group in groups {
            for _ in &group.threads {
                // Fails only when the threads are gone already.
                let _ = group.queue.send(Message::Stop);
            }
            for thread in group.threads {
                let _ = thread.join();
            }
        }
    }

    async fn ask<T, E, F>(
        &self,
        queue: &Sender<Message>,
        message: fn(Box<dyn Job>, Instant) -> Message,
        closure: F,
    ) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let work = Work { closure, result: None, answer: sender, counters: Arc::clone(&self.0.counters) };
        self.bring(queue, message(Box::new(work), Instant::now()))?;
        answer.await.unwrap_or_else(|_| Err(stopping().into()))
    }

    /// Puts work into a queue, unless the database is being closed.
    fn bring(&self, queue: &Sender<Message>, work: Message) -> Result<(), Error> {
        let closed = self.0.closed.read().unwrap_or_else(PoisonError::into_inner);
        if *closed {
            return Err(stopping());
        }
        queue.try_send(work).map_err(|refused| match refused {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => stopping(),
        })
    }
}

fn stopping() -> Error {
    Error::Unavailable("the server is stopping".into())
}

/// Starts threads that take their work from one queue.
fn start(
    name: &str,
    queue: &Sender<Message>,
    threads: impl IntoIterator<Item = Box<dyn FnOnce() + Send>>,
) -> Result<Group, OpenError> {
    let threads = threads
        .into_iter()
        .map(|work| thread::Builder::new().name(name.into()).spawn(work))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| OpenError::Failed(format!("a thread cannot be started: {error}")))?;
    Ok(Group { queue: queue.clone(), threads })
}

/// Every statement of the store by its file and name, for the test that prepares them on both engines.
pub fn statements() -> Vec<(&'static str, Statement)> {
    [
        api_keys::STATEMENTS,
        attachments::STATEMENTS,
        customers::STATEMENTS,
        deals::STATEMENTS,
        events::STATEMENTS,
        health::STATEMENTS,
        idempotency::STATEMENTS,
        ledger::STATEMENTS,
        maps::STATEMENTS,
        mails::STATEMENTS,
        members::STATEMENTS,
        meta::STATEMENTS,
        orders::STATEMENTS,
        partners::STATEMENTS,
        payments::STATEMENTS,
        promocodes::STATEMENTS,
        proof::STATEMENTS,
        refunds::STATEMENTS,
        sessions::STATEMENTS,
        sets::STATEMENTS,
        settings::STATEMENTS,
        stock::STATEMENTS,
        test_payments::STATEMENTS,
        tickets::STATEMENTS,
        users::STATEMENTS,
        venues::STATEMENTS,
    ]
    .concat()
}
