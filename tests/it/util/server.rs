//! The real server, in this process, on a socket of its own.

use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use axum::ServiceExt;
use axum::extract::Request;
use axum::serve::ListenerExt;
use jiff::{SignedDuration, Timestamp};
use parterre::app::App;
use parterre::config::{Config, Options};
use parterre::jobs::{self, Outcome};
use parterre::secret::Secret;
use parterre::store::{Clock, Engine, Store, StoreConfig, migrate};
use parterre::{demo, http};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::database::{self, Database};

/// When every test begins.
const START: &str = "2026-11-21T10:00:00Z";
const SECRET: &str = "the secret of the tests, known to everybody";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A server with the demo's data, whose clock stands still until it is moved.
pub struct Server {
    /// The platform it serves.
    pub app: App,
    /// Where it listens.
    pub address: SocketAddr,
    clock: Arc<AtomicI64>,
    serving: JoinHandle<()>,
    folder: PathBuf,
    // Last, so that it is removed after all else has let go of it.
    _database: Database,
}

impl Server {
    /// On SQLite.
    pub fn sqlite() -> Self {
        static TEMPLATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
            let database = filled(Database::sqlite());
            let Engine::Sqlite { file } = &database.config.engine else { unreachable!() };
            fs::read(file).unwrap()
        });
        let database = Database::sqlite();
        let Engine::Sqlite { file } = &database.config.engine else { unreachable!() };
        fs::write(file, &*TEMPLATE).unwrap();
        Self::start(database)
    }

    /// On PostgreSQL.
    pub fn postgres() -> Self {
        static TEMPLATE: LazyLock<String> = LazyLock::new(|| {
            let database = filled(Database::postgres());
            let name = database.name().unwrap().to_owned();
            database.keep();
            name
        });
        Self::start(Database::postgres_from(&TEMPLATE))
    }

    fn start(mut database: Database) -> Self {
        let clock = stop_clock(&mut database.config);
        let store = Store::open(&database.config).unwrap();
        let folder = database::new_folder();
        let app = app(&store, usual(&folder));
        let (address, serving) = serve(&app);
        Self { app, address, clock, serving, folder, _database: database }
    }

    /// The same server with other options, on another socket.
    pub fn with(mut self, choose: impl FnOnce(&mut Options)) -> Self {
        self.serving.abort();
        let mut options = usual(&self.folder);
        choose(&mut options);
        self.app = app(&self.app.store, options);
        (self.address, self.serving) = serve(&self.app);
        self
    }

    /// The time of the server.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.clock.load(Ordering::SeqCst)).unwrap()
    }

    /// The folder of the media store.
    pub fn media(&self) -> PathBuf {
        self.folder.join("media")
    }

    /// The names of the files in the media store.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.media()).into_iter().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// Lets time pass.
    pub fn advance(&self, duration: SignedDuration) {
        let microseconds = i64::try_from(duration.as_micros()).unwrap();
        self.clock.fetch_add(microseconds, Ordering::SeqCst);
    }

    /// Does all that happens by itself at this time.
    pub fn run_jobs(&self) {
        while self.wait_for(jobs::step(&self.app)).unwrap() != Outcome::Idle {}
    }

    /// Waits for what the library does asynchronously.
    pub fn wait_for<T>(&self, future: impl Future<Output = T>) -> T {
        RUNTIME.block_on(future)
    }

    /// The letters that were mailed without a mail server, oldest first.
    pub fn letters(&self) -> Vec<String> {
        let Ok(files) = fs::read_dir(self.folder.join("mails")) else { return Vec::new() };
        let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
    }

    /// The statements that the store runs for something.
    pub fn statements_of<T>(&self, work: impl FnOnce() -> T) -> (u64, T) {
        let before = self.app.store.statements_run();
        let result = work();
        (self.app.store.statements_run() - before, result)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
        self.app.store.close();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A migrated database with the demo's data.
fn filled(mut database: Database) -> Database {
    stop_clock(&mut database.config);
    migrate(&database.config).unwrap();
    let store = Store::open(&database.config).unwrap();
    RUNTIME.block_on(demo::fill(&app(&store, usual(Path::new("nowhere"))))).unwrap();
    store.close();
    database
}

fn stop_clock(config: &mut StoreConfig) -> Arc<AtomicI64> {
    let start: Timestamp = START.parse().unwrap();
    let clock = Arc::new(AtomicI64::new(start.as_microsecond()));
    config.clock = Clock::Manual(clock.clone());
    config.readers = 2;
    config.connections = 4;
    clock
}

/// Limits that no test meets by accident, and a data folder of its own.
fn usual(folder: &Path) -> Options {
    Options {
        data: Some(folder.to_owned()),
        sign_in_per_minute: Some(100_000),
        sign_in_per_account: Some(100_000),
        registrations_per_hour: Some(100_000),
        exports_per_hour: Some(100_000),
        test_payments: Some(true),
        ..Options::default()
    }
}

fn app(store: &Store, options: Options) -> App {
    let config = Config::resolve(options, Options::default(), Options::default()).unwrap();
    let secret = Secret::from_text(SECRET, "the tests").unwrap();
    App::new(store.clone(), secret, &config).unwrap()
}

fn serve(app: &App) -> (SocketAddr, JoinHandle<()>) {
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(http::service(app.clone()));
    RUNTIME.block_on(async {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        app.listens_at(format!("http://{address}"));
        // Streamed answers are written in pieces, and each would wait for the client to acknowledge the one before.
        let socket = socket.tap_io(|connection| connection.set_nodelay(true).unwrap());
        let serving = tokio::spawn(async move { axum::serve(socket, service).await.unwrap() });
        (address, serving)
    })
}
