//! Databases of one test each, on either engine.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process, thread};

use parterre::store::{Engine, StoreConfig};

/// Makes of each function a test on SQLite and one on PostgreSQL: `on_both_engines!(Server; this, that);` calls
/// `this(Server::sqlite())` and `this(Server::postgres())`; with `async` before it, asynchronous functions.
macro_rules! on_both_engines {
    (async $with:ident; $($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(super::$with::sqlite()).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(super::$with::postgres()).await;
            })*
        }
    };
    ($with:ident; $($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $test() {
                super::$test(super::$with::sqlite());
            })*
        }

        mod postgres {
            $(#[test]
            fn $test() {
                super::$test(super::$with::postgres());
            })*
        }
    };
}

/// A database of one test, removed at its end.
pub struct Database {
    /// How a store opens it.
    pub config: StoreConfig,
    folder: Option<PathBuf>,
    /// The server's own database, and the name of this one.
    on_server: Option<(String, String)>,
}

impl Database {
    /// An empty folder for SQLite.
    pub fn sqlite() -> Self {
        let folder = new_folder();
        let file = folder.join("parterre.db");
        Self { config: StoreConfig::new(Engine::Sqlite { file }), folder: Some(folder), on_server: None }
    }

    /// An empty database on PostgreSQL.
    pub fn postgres() -> Self {
        Self::postgres_from("template0")
    }

    /// A database on PostgreSQL that begins as a copy of another, which nobody may be using.
    pub fn postgres_from(template: &str) -> Self {
        let server = postgres_server();
        let name = format!("test_{}", unique());
        // Copying the files is several times faster than writing them to the log as well.
        let create = format!("create database {name} template {template} encoding 'UTF8' strategy file_copy");
        execute_on(&server, &create);
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (host, _) = base.rsplit_once('/').unwrap();
        let url = format!("{host}/{name}?{query}");
        let mut config = StoreConfig::new(Engine::Postgres { url });
        config.connections = 8;
        Self { config, folder: None, on_server: Some((server, name)) }
    }

    /// The name of the database, where it is on PostgreSQL.
    pub fn name(&self) -> Option<&str> {
        self.on_server.as_ref().map(|(_, name)| name.as_str())
    }

    /// The folder of the database, where it is on SQLite.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Leaves the database where it is.
    pub fn keep(mut self) {
        self.on_server = None;
        self.folder = None;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.on_server {
            execute_on(server, &format!("drop database if exists {name} with (force)"));
        }
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// A new empty folder.
pub fn new_folder() -> PathBuf {
    let folder = env::temp_dir().join(format!("parterre-test-{}", unique()));
    fs::create_dir(&folder).unwrap();
    folder
}

/// The PostgreSQL server that the tests may make databases on.
pub fn postgres_server() -> String {
    env::var("PARTERRE_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!("PARTERRE_TEST_POSTGRES names no server: run `make test`, or `tests/with-postgres cargo test`")
    })
}

/// Runs a statement on a server, on a thread of its own, because the driver must not block one of Tokio's.
pub fn execute_on(server: &str, statement: &str) {
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = postgres::Client::connect(server, postgres::NoTls).unwrap();
            client.batch_execute(statement).unwrap();
        });
    });
}

fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}_{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
