//! PostgreSQL: threads with a connection each, all taking their work from one queue.

mod client;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use crossbeam_channel::{Receiver, bounded};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Column, Config, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use client::{ANSWER_TIME, Client, Unreachable, describe};

use super::db::{Columns, Error, Fault, Param, Reach, Row, Session, Sql, Tx, Value};
use super::migrate::{Migrated, OpenError, check_current, check_not_newer};
use super::{Clock, Job, Message, Outcome, Running, StoreConfig, start};

/// How long work waits for a connection, counted from when it was asked for.
const REACH_TIME: Duration = Duration::from_secs(5);
/// How long one attempt to connect may take, unless the URL says otherwise.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// How long a peer that has vanished is waited for.
const SILENCE: Duration = Duration::from_secs(30);
/// How often a transaction that collides with others is run.
const ATTEMPTS: u32 = 10;
/// How often work is taken to another connection when its own broke.
const CONNECTIONS_TRIED: u32 = 3;
/// How many statements a connection keeps prepared.
const PREPARED_KEPT: usize = 1024;
/// The only encoding that holds every text, by PostgreSQL's name.
const ENCODING: &str = "UTF8";
/// The advisory lock of migrations: "parterre" as a number.
const MIGRATION_LOCK: i64 = i64::from_be_bytes(*b"parterre");

/// A statement that takes this long is a defect, and would keep its locks.
const SETTINGS: &str = "set statement_timeout = '30s'; \
     set idle_in_transaction_session_timeout = '60s'; \
     set time zone 'UTC'";
const BEGIN_WRITE: &str = "begin isolation level read committed";
const BEGIN_READ: &str = "begin isolation level repeatable read read only";
const NOW: &str = "select (extract(epoch from now()) * 1000000)::bigint";

/// Checks the database and starts the threads.
pub(super) fn open(url: &str, config: &StoreConfig) -> Result<Running, OpenError> {
    let server = Arc::new(Server::parse(url)?);
    check_current(apart(|| version(&mut server.connect_first()?))?)?;
    let (queue, work) = bounded(config.queue.max(1));
    let threads = (0..config.connections.max(1)).map(|_| {
        let server = Arc::clone(&server);
        let mut worker = Worker { server, clock: config.clock.clone(), connected: None, unreachable: None };
        let work = work.clone();
        Box::new(move || worker.serve(&work)) as Box<dyn FnOnce() + Send>
    });
    let group = start("store", &queue, threads)?;
    Ok(Running { reads: queue.clone(), writes: queue, groups: vec![group] })
}

pub(super) fn migrate(url: &str, runner: &refinery::Runner) -> Result<Migrated, OpenError> {
    let server = Server::parse(url)?;
    apart(|| {
        let mut client = server.connect_first()?;
        // Ends with the session. What waits for it is another server that migrates: let it take
        // its time, as the migrations themselves.
        client.be_patient();
        client
            .batch_execute(&format!("set statement_timeout = 0; select pg_advisory_lock({MIGRATION_LOCK})"))
            .map_err(|error| OpenError::Failed(describe(&error)))?;
        let from = version(&mut client)?;
        check_not_newer(from)?;
        let failed = |error: String| OpenError::Failed(format!("the migration failed: {error}"));
        let migrated = client.migrate(runner).map_err(|error| failed(describe(&error)))?;
        migrated.map_err(|error| failed(describe(&error)))?;
        let to = version(&mut client)?.ok_or_else(|| OpenError::Failed("no migration was recorded".into()))?;
        Ok(Migrated { from, to })
    })
}

pub(super) fn applied_version(url: &str) -> Result<Option<i64>, OpenError> {
    let server = Server::parse(url)?;
    apart(|| version(&mut server.connect_first()?))
}

fn version(client: &mut Client) -> Result<Option<i64>, OpenError> {
    let mut find = || {
        let known = "select to_regclass('refinery_schema_history') is not null";
        if !client.query_one(known)?.try_get(0)? {
            return Ok(None);
        }
        let version = "select max(version)::bigint from refinery_schema_history";
        client.query_one(version)?.try_get(0)
    };
    find().map_err(|error: tokio_postgres::Error| OpenError::Failed(describe(&error)))
}

/// Runs on a thread of its own: the driver blocks on a runtime of its own, which it must not do
/// on a thread of another one.
fn apart<T: Send>(work: impl FnOnce() -> Result<T, OpenError> + Send) -> Result<T, OpenError> {
    thread::scope(|scope| scope.spawn(work).join())
        .unwrap_or_else(|_| Err(OpenError::Failed("the PostgreSQL driver panicked".into())))
}

/// How the server is reached.
struct Server {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Server {
    fn parse(url: &str) -> Result<Self, OpenError> {
        let (url, check) = take_check(url)?;
        let mut config: Config = url.parse().map_err(|error| OpenError::Address(describe(&error)))?;
        if check != Check::Nothing {
            config.ssl_mode(SslMode::Require);
        }
        if config.get_application_name().is_none() {
            config.application_name("parterre");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIME);
        }
        config.keepalives_idle(SILENCE).tcp_user_timeout(SILENCE);
        Ok(Self { config, tls: tls(&check)? })
    }

    fn connect(&self) -> Result<Client, Unreachable> {
        Client::connect(&self.config, self.tls.clone(), SETTINGS)
    }

    /// Connects before anything else is done, after making sure that the database can hold every text.
    fn connect_first(&self) -> Result<Client, OpenError> {
        let client = self.connect().map_err(|unreachable| OpenError::Unreachable(unreachable.why))?;
        match client.encoding() {
            Some(encoding) if encoding != ENCODING => Err(OpenError::Encoding(encoding.to_owned())),
            _ => Ok(client),
        }
    }

    /// Connects, trying again until the time is over when that may help.
    fn connect_until(&self, deadline: Instant) -> Result<Client, Error> {
        let mut pause = Duration::from_millis(50);
        loop {
            match self.connect() {
                Ok(client) => return Ok(client),
                Err(Unreachable { why, passing }) => {
                    if !passing || Instant::now() + pause >= deadline {
                        return Err(Error::Unavailable(format!("PostgreSQL cannot be reached: {why}")));
                    }
                    thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
            }
        }
    }
}

/// How a server proves who it is, when the connection is encrypted.
#[derive(Debug, PartialEq, Eq)]
enum Check {
    /// Not at all, as libpq does for `prefer` and `require`.
    Nothing,
    /// By a certificate that a public authority has signed.
    Public,
    /// By a certificate that an authority of this PEM file has signed.
    File(PathBuf),
}

/// Takes what the driver does not know, `sslmode=verify-full` and `sslrootcert`, out of the URL.
fn take_check(url: &str) -> Result<(String, Check), OpenError> {
    let Some((base, query)) = url.split_once('?') else {
        return Ok((url.to_owned(), Check::Nothing));
    };
    let (mut verify, mut file) = (false, None);
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", "verify-full" | "verify-ca")) => verify = true,
            Some(("sslrootcert", path)) => {
                let path = percent_decode_str(path).decode_utf8();
                let path = path.map_err(|_| OpenError::Address("sslrootcert is no path".into()))?;
                file = Some(PathBuf::from(path.into_owned()));
            }
            _ => rest.push(pair),
        }
    }
    let check = match (verify, file) {
        (false, None) => Check::Nothing,
        (true, None) => Check::Public,
        // Who names an authority wants it asked.
        (_, Some(file)) => Check::File(file),
    };
    Ok((format!("{base}?{}", rest.join("&")), check))
}

fn tls(check: &Check) -> Result<MakeRustlsConnect, OpenError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Failed(error.to_string()))?;
    let config = match check {
        Check::Nothing => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Unchecked(provider))).with_no_client_auth()
        }
        Check::Public => {
            // The connector's own list of authorities needs the process to have a provider;
            // installing a second time changes nothing.
            let _ = rustls::crypto::ring::default_provider().install_default();
            return Ok(MakeRustlsConnect::with_webpki_roots());
        }
        Check::File(file) => {
            let unreadable = |error| OpenError::Address(format!("sslrootcert {}: {error}", file.display()));
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(error.to_string()))? {
                let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

/// Encrypts without asking who the server is: what `sslmode=require` has always meant.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A thread of the store.
struct Worker {
    server: Arc<Server>,
    clock: Clock,
    connected: Option<Connected>,
    /// When the server was last tried in vain, and why that failed; `None` once it is reached.
    unreachable: Option<(Instant, Error)>,
}

/// How one run of a job ended.
enum Ended {
    /// The transaction is over, and the job's result is true.
    Done,
    /// The transaction did not happen, and the job's result does not count.
    Failed(Error),
    /// Another transaction was in the way.
    Collided,
    /// The connection broke before anything was committed.
    Broken(Error),
}

impl Worker {
    fn serve(&mut self, queue: &Receiver<Message>) {
        loop {
            let (job, begin, since) = match queue.recv() {
                Ok(Message::Read(job, since)) => (job, BEGIN_READ, since),
                Ok(Message::Write(job, since)) => (job, BEGIN_WRITE, since),
                Ok(Message::Stop) | Err(_) => return,
            };
            if job.abandoned() {
                continue;
            }
            // Closures have their own guard; this is for what their results do when they are
            // dropped. The connection's state is unknown then.
            if catch_unwind(AssertUnwindSafe(|| self.settle(job, begin, since))).is_err() {
                tracing::error!("A thread of the store panicked and goes on.");
                self.connected = None;
            }
        }
    }

    /// Runs a job until it has an answer.
    fn settle(&mut self, mut job: Box<dyn Job>, begin: &str, since: Instant) {
        let (mut collisions, mut breaks) = (0, 0);
        loop {
            match self.run(&mut *job, begin, since) {
                Ended::Done => return job.answer(),
                Ended::Failed(error) => return job.refuse(error),
                Ended::Collided => {
                    collisions += 1;
                    if collisions == ATTEMPTS {
                        return job.refuse(Error::Busy);
                    }
                    // A part of the pause differs between those who collided, so that they do
                    // not meet again.
                    let window = 1000 << collisions.min(6);
                    let pause = window / 2 + since.elapsed().subsec_nanos() % window;
                    thread::sleep(Duration::from_micros(pause.into()));
                }
                Ended::Broken(error) => {
                    tracing::warn!(%error, "A connection to PostgreSQL broke; another is opened.");
                    self.connected = None;
                    breaks += 1;
                    // A server that was silent once is not waited for so long again.
                    if breaks == CONNECTIONS_TRIED || since.elapsed() >= ANSWER_TIME || job.abandoned() {
                        return job.refuse(error);
                    }
                }
            }
        }
    }

    /// Opens a connection if there is none, for work that was asked for at this time.
    fn connect(&mut self, since: Instant) -> Result<(), Error> {
        if self.connected.is_some() {
            return Ok(());
        }
        let deadline = since + REACH_TIME;
        // A silent server is found out by one of those who wait for it, not by each after the other.
        if let Some((tried, error)) = &self.unreachable
            && since < *tried
            && deadline < Instant::now()
        {
            return Err(error.clone());
        }
        let reached = self.server.connect_until(deadline);
        self.unreachable = reached.as_ref().err().map(|error| (Instant::now(), error.clone()));
        self.connected = Some(Connected::new(reached?));
        Ok(())
    }

    fn run(&mut self, job: &mut dyn Job, begin: &str, since: Instant) -> Ended {
        if let Err(error) = self.connect(since) {
            return Ended::Failed(error);
        }
        let Some(connected) = &mut self.connected else {
            return Ended::Failed(Error::Unavailable("there is no connection".into()));
        };
        let now = match connected.begin(begin, &self.clock) {
            Ok(now) => now,
            Err(fault) => return Ended::Broken(fault.error),
        };
        let outcome = job.run(&mut Tx::new(connected, now));
        let end = if outcome == Outcome::Keep { "commit" } else { "rollback" };
        let ended = match outcome {
            Outcome::Lost => {
                return Ended::Broken(Error::Unavailable("the connection was lost".into()));
            }
            Outcome::Keep | Outcome::Undo | Outcome::Again => connected.control(end),
        };
        match (ended, outcome) {
            (Ok(()), Outcome::Again) => Ended::Collided,
            (Ok(()), _) => Ended::Done,
            (Err(fault), Outcome::Keep) if begin == BEGIN_WRITE => match fault.reach {
                Reach::Collision => Ended::Collided,
                Reach::Statement => Ended::Failed(fault.error),
                // Whether it was committed is unknown, so it must not be run again.
                Reach::Transaction => {
                    self.connected = None;
                    Ended::Failed(fault.error)
                }
            },
            // Without a commit the server forgets all of it; only the connection is of no use.
            (Err(_), outcome) => {
                self.connected = None;
                if outcome == Outcome::Again { Ended::Collided } else { Ended::Done }
            }
        }
    }
}

/// A connection with its prepared statements.
struct Connected {
    client: Client,
    prepared: HashMap<String, Prepared>,
}

#[derive(Clone)]
struct Prepared {
    statement: tokio_postgres::Statement,
    columns: Arc<Columns>,
}

impl Connected {
    fn new(client: Client) -> Self {
        Self { client, prepared: HashMap::new() }
    }

    /// Begins a transaction and asks for its time, in one round trip.
    fn begin(&mut self, begin: &str, clock: &Clock) -> Result<Timestamp, Fault> {
        if let Clock::Manual(_) = clock {
            self.control(begin)?;
            return Ok(clock.now());
        }
        let answer = self.client.simple_query(&format!("{begin}; {NOW}"));
        let answer = answer.map_err(|error| self.fault(&error, begin))?;
        let microsecond = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        });
        microsecond
            .and_then(|microsecond| Timestamp::from_microsecond(microsecond).ok())
            .ok_or_else(|| Fault::unavailable("PostgreSQL did not say what time it is"))
    }

    fn prepared(&mut self, text: &str) -> Result<Prepared, Fault> {
        if let Some(prepared) = self.prepared.get(text) {
            return Ok(prepared.clone());
        }
        let statement = self.client.prepare(text);
        let statement = statement.map_err(|error| self.fault(&error, text))?;
        let columns = statement.columns().iter().map(Column::name);
        let prepared = Prepared { columns: Columns::new(columns), statement };
        if self.prepared.len() >= PREPARED_KEPT {
            self.prepared.clear();
        }
        self.prepared.insert(text.to_owned(), prepared.clone());
        Ok(prepared)
    }

    fn fault(&mut self, error: &tokio_postgres::Error, text: &str) -> Fault {
        let Some(db) = error.as_db_error() else {
            return if self.client.is_closed() || error.is_closed() {
                Fault::unavailable(describe(error))
            } else {
                Fault::other(format!("{}: {text}", describe(error)))
            };
        };
        let code = db.code();
        let (error, reach) = match (code.code().get(..2), code) {
            _ if db.parsed_severity() != Some(Severity::Error) => {
                (Error::Unavailable(db.message().into()), Reach::Transaction)
            }
            (_, &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED) => {
                (Error::Busy, Reach::Collision)
            }
            (Some("23"), _) => (Error::Constraint { name: constraint(db) }, Reach::Statement),
            (Some("53" | "58"), _) | (_, &SqlState::QUERY_CANCELED | &SqlState::LOCK_NOT_AVAILABLE) => {
                (Error::Unavailable(db.message().into()), Reach::Statement)
            }
            _ => {
                // A migration by another server may have changed what a kept statement finds.
                if *code == SqlState::FEATURE_NOT_SUPPORTED {
                    self.prepared.clear();
                }
                let message = format!("{} ({}): {text}", db.message(), code.code());
                (Error::Other(message), Reach::Statement)
            }
        };
        Fault { error, reach }
    }
}

impl Session for Connected {
    fn query(&mut self, sql: Sql<'_>, params: &[Param<'_>]) -> Result<Vec<Row>, Fault> {
        let text = sql.text();
        let prepared = self.prepared(text)?;
        let found = self.client.query(&prepared.statement, &references(params));
        let found = found.map_err(|error| self.fault(&error, text))?;
        found
            .iter()
            .map(|row| {
                let values = (0..row.len()).map(|index| row.try_get(index));
                let values = values.collect::<Result<Vec<Value>, _>>();
                let values = values.map_err(|error| self.fault(&error, text))?;
                Ok(Row::new(values, Arc::clone(&prepared.columns)))
            })
            .collect()
    }

    fn execute(&mut self, sql: Sql<'_>, params: &[Param<'_>]) -> Result<u64, Fault> {
        let prepared = self.prepared(sql.text())?;
        let written = self.client.execute(&prepared.statement, &references(params));
        written.map_err(|error| self.fault(&error, sql.text()))
    }

    fn prepare(&mut self, sql: Sql<'_>) -> Result<(), Fault> {
        self.prepared(sql.text()).map(|_| ())
    }

    fn control(&mut self, text: &str) -> Result<(), Fault> {
        let done = self.client.batch_execute(text);
        done.map_err(|error| self.fault(&error, text))
    }

    fn try_lock(&mut self, key: i64) -> Result<bool, Fault> {
        let lock = Sql::Fixed("select pg_try_advisory_xact_lock($1)");
        let rows = self.query(lock, &[Param::I64(key)])?;
        let taken = rows.into_iter().next().map(|row| row.read("lock").next());
        taken.and_then(Result::ok).ok_or_else(|| Fault::other("a lock without an answer"))
    }
}

fn references<'a>(params: &'a [Param<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    let params = params.iter();
    params.map(|param| param as &(dyn ToSql + Sync)).collect()
}

/// The constraint's name, by the rules of [`Error::Constraint`].
fn constraint(error: &tokio_postgres::error::DbError) -> String {
    let (table, column) = (error.table(), error.column());
    match (error.code(), table, column) {
        (&SqlState::FOREIGN_KEY_VIOLATION, ..) => "foreign_key".into(),
        (&SqlState::NOT_NULL_VIOLATION, Some(table), Some(column)) => {
            format!("{table}_{column}_not_null")
        }
        _ => error.constraint().unwrap_or_default().into(),
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, kind) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Bool(value), &Type::BOOL) => value.to_sql(kind, out),
            (Self::I64(value), &Type::INT8) => value.to_sql(kind, out),
            (Self::I64(value), &Type::INT4) => i32::try_from(*value)?.to_sql(kind, out),
            (Self::I64(value), &Type::INT2) => i16::try_from(*value)?.to_sql(kind, out),
            (Self::Text(text), &(Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME)) => text.to_sql(kind, out),
            (Self::Bytes(bytes), &Type::BYTEA) => bytes.as_ref().to_sql(kind, out),
            (Self::Id(bytes), &Type::BYTEA) => bytes.as_slice().to_sql(kind, out),
            (Self::List(list), &Type::BYTEA_ARRAY) => list.to_sql(kind, out),
            (param, kind) => Err(format!("{} was given for a {kind}", param.kind()).into()),
        }
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *kind {
            Type::BOOL => Self::Bool(bool::from_sql(kind, raw)?),
            Type::INT8 => Self::I64(i64::from_sql(kind, raw)?),
            Type::INT4 => Self::I64(i32::from_sql(kind, raw)?.into()),
            Type::INT2 => Self::I64(i16::from_sql(kind, raw)?.into()),
            Type::BYTEA => Self::Bytes(raw.to_vec()),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
                Self::Text(String::from_sql(kind, raw)?)
            }
            _ => return Err(format!("a {kind} is no integer, text or bytes; cast it").into()),
        })
    }

    fn from_sql_null(_kind: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }
}
