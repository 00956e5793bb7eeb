//! From a configuration to a platform that is ready to work: folder, lock, schema, secret.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::runtime::Runtime;

use super::Failure;
use crate::app::App;
use crate::config::Config;
use crate::secret::{Origin, Secret};
use crate::store::{self, Clock, Engine, OpenError, Store, StoreConfig, meta};

/// The name in `meta` of the fingerprint of the secret that the database was made with.
pub(super) const SECRET_FINGERPRINT: &str = "secret_fingerprint";

/// The name in `meta` of what the database is: `demo` or `platform`.
const KIND: &str = "kind";

/// The folder's files that are there before its database is.
const FIRST_FILES: [&str; 3] = ["lock", "secret", "secret.new"];

/// Those that come with its use.
const LATER_FILES: [&str; 2] = ["mails", "media"];

/// How long work that cannot be stopped, such as a picture that is looked at, may go on at the end. It changes nothing.
const WORK_SHUTDOWN: Duration = Duration::from_secs(1);

/// A platform that commands can work with, and what it runs on.
pub(super) struct Platform {
    pub app: App,
    store: Store,
    runtime: Runtime,
    lock: Option<File>,
}

/// What a command has to be sure of before it opens the database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// No other server uses the data folder.
    Alone,
    /// A server may be running on it.
    Beside,
}

impl Platform {
    /// Opens the database of the configuration, creating and migrating it as needed.
    ///
    /// To be called outside of any runtime: the store's drivers block.
    pub fn open(config: &Config, access: Access) -> Result<Self, Failure> {
        Self::open_by(config, access, Clock::System)
    }

    /// Opens it as [`open`](Self::open) does, with another clock.
    pub fn open_by(config: &Config, access: Access, clock: Clock) -> Result<Self, Failure> {
        // A secret that is of no use stops the start before anything is changed.
        if !matches!(config.secret, Origin::Created(_)) {
            Secret::load(&config.secret, false)?;
        }
        let lock = match config.database {
            Some(_) => None,
            None => {
                prepare_folder(config)?;
                match lock(&config.data)? {
                    None if access == Access::Alone => return Err(in_use(&config.data)),
                    lock => lock,
                }
            }
        };
        Self::open_locked(config, lock, clock)
    }

    fn open_locked(config: &Config, lock: Option<File>, clock: Clock) -> Result<Self, Failure> {
        let store_config = StoreConfig { clock, ..store_config(config) };
        // A server that is running on the folder has migrated it already, and a newer program
        // must not change the schema below it.
        if config.database.is_some() || lock.is_some() {
            store::migrate(&store_config)?;
        }
        let store = Store::open(&store_config)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(format!("the threads cannot be started: {error}")))?;
        let app =
            runtime.block_on(settle(&store, config)).and_then(|secret| Ok(App::new(store.clone(), secret, config)?));
        match app {
            Ok(app) => Ok(Self { app, store, runtime, lock }),
            Err(failure) => {
                store.close();
                Err(failure)
            }
        }
    }

    /// Finds something out before the platform is used.
    pub fn ask<T>(self, question: impl AsyncFnOnce(&App) -> Result<T, Failure>) -> Result<(Self, T), Failure> {
        match self.runtime.block_on(question(&self.app)) {
            Ok(answer) => Ok((self, answer)),
            Err(failure) => self.run(async |_| Err(failure)),
        }
    }

    /// Removes SQLite's database and opens an empty one in its place, without letting go of the folder in between.
    pub fn start_over(self, config: &Config, clock: Clock) -> Result<Self, Failure> {
        let Self { app, store, runtime, lock } = self;
        drop(app);
        runtime.shutdown_timeout(WORK_SHUTDOWN);
        store.close();
        let file = database_file(config);
        // The log first: a new database must not find that of another one.
        for beside in ["-wal", "-shm", ""] {
            let mut path = file.clone().into_os_string();
            path.push(beside);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Self::open_locked(config, lock, clock)
    }

    /// Runs what a command does, then closes the database.
    pub fn run<T>(self, work: impl AsyncFnOnce(App) -> Result<T, Failure>) -> Result<T, Failure> {
        // The folder is let go of last.
        let Self { app, store, runtime, lock: _lock } = self;
        let result = runtime.block_on(work(app));
        runtime.shutdown_timeout(WORK_SHUTDOWN);
        store.close();
        result
    }
}

/// The store's part of the configuration.
pub(super) fn store_config(config: &Config) -> StoreConfig {
    let engine = match &config.database {
        Some(url) => Engine::Postgres { url: url.reveal().to_owned() },
        None => Engine::Sqlite { file: database_file(config) },
    };
    let usual = StoreConfig::new(engine);
    StoreConfig {
        readers: config.readers.unwrap_or(usual.readers),
        connections: config.connections.unwrap_or(usual.connections),
        ..usual
    }
}

/// SQLite's file. A demo has a name of its own, so that it is told apart before it is opened.
pub(super) fn database_file(config: &Config) -> PathBuf {
    config.data.join(match config.demo {
        true => DEMO_FILE,
        false => PLATFORM_FILE,
    })
}

const DEMO_FILE: &str = "demo.db";
const PLATFORM_FILE: &str = "parterre.db";

/// Creates the folder if it is missing, for its owner only, after making sure that a demo and
/// anything else never share one.
fn prepare_folder(config: &Config) -> Result<(), Failure> {
    let data = &config.data;
    check_kind_of_folder(data, config.demo)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .map_err(|error| Failure::new(format!("the data folder {} cannot be created: {error}", data.display())))
}

/// Whether a server has served from the folder, so that it may hold what somebody has added.
pub(super) fn was_served(config: &Config) -> bool {
    LATER_FILES.iter().any(|name| config.data.join(name).exists())
}

/// Refuses a demo in a folder that holds anything else, and anything else in that of a demo.
pub(super) fn check_kind_of_folder(data: &Path, demo: bool) -> Result<(), Failure> {
    let unreadable =
        |error: io::Error| Failure::new(format!("the data folder {} cannot be read: {error}", data.display()));
    let entries = match fs::read_dir(data) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unreadable(error)),
    };
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    let names = names.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    // Without its database nothing says whose media and mails these are.
    let begun = names.iter().any(|name| name == DEMO_FILE);
    for name in &names {
        let of_demo = name.starts_with(DEMO_FILE);
        let known = FIRST_FILES.contains(&name.as_str()) || begun && LATER_FILES.contains(&name.as_str());
        if demo && !of_demo && !known {
            return Err(Failure::new(format!(
                "--demo needs a data folder of its own, and {} holds {name}; name another by --data",
                data.display()
            )));
        }
        if !demo && of_demo {
            return Err(Failure::new(format!(
                "the data folder {} holds a demo, whose keys everybody knows; name another by --data, or add --demo",
                data.display()
            )));
        }
    }
    Ok(())
}

/// Locks the folder until the file is dropped; `None` when another process has it. The lock is
/// the system's, so it ends with the process however that ends.
fn lock(data: &Path) -> Result<Option<File>, Failure> {
    let path = data.join("lock");
    let failed = |error: io::Error| Failure::new(format!("the file {} cannot be locked: {error}", path.display()));
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Takes the folder for one command that must not meet a server.
pub(super) fn lock_alone(config: &Config) -> Result<Option<File>, Failure> {
    if config.database.is_some() {
        return Ok(None);
    }
    prepare_folder(config)?;
    lock(&config.data)?.ok_or_else(|| in_use(&config.data)).map(Some)
}

fn in_use(data: &Path) -> Failure {
    Failure::new(format!(
        "the data folder {} is in use by another parterre; stop that one first or name another by --data",
        data.display()
    ))
}

/// The secret, after making sure that it is the one the database was made with and that the
/// database is what it is used as. The first start decides both.
async fn settle(store: &Store, config: &Config) -> Result<Secret, Failure> {
    let known: (Option<String>, Option<String>) = store
        .read(|tx| {
            let fingerprint = meta::get(tx, SECRET_FINGERPRINT)?;
            Ok::<_, store::Error>((fingerprint, meta::get(tx, KIND)?))
        })
        .await?;
    let kind = if config.demo { "demo" } else { "platform" };
    let (fingerprint, known_kind) = known;
    check_kind(known_kind.as_deref().unwrap_or(kind), kind)?;
    let secret = Secret::load(&config.secret, fingerprint.is_none())?;
    let ours = secret.fingerprint();
    let (theirs, known_kind) = match (fingerprint, known_kind) {
        (Some(fingerprint), Some(kind)) => (fingerprint, kind),
        _ => {
            let ours = ours.clone();
            store
                .write(move |tx| {
                    let fingerprint = meta::put_once(tx, SECRET_FINGERPRINT, &ours)?;
                    Ok::<_, store::Error>((fingerprint, meta::put_once(tx, KIND, kind)?))
                })
                .await?
        }
    };
    check_kind(&known_kind, kind)?;
    check_fingerprint(&theirs, &ours)?;
    Ok(secret)
}

fn check_kind(known: &str, wanted: &str) -> Result<(), Failure> {
    match (known, wanted) {
        (known, wanted) if known == wanted => Ok(()),
        ("demo", _) => {
            Err(Failure::new("the database holds a demo, whose keys everybody knows; use another, or add --demo"))
        }
        _ => Err(Failure::new("--demo needs a database of its own, and this one holds something else")),
    }
}

/// Refuses a secret that is not the one the database was made with.
pub(super) fn check_fingerprint(theirs: &str, ours: &str) -> Result<(), Failure> {
    if theirs == ours {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the database was made with another secret (fingerprint {theirs}, and this one's is {ours}); give the right one by --secret-file or PARTERRE_SECRET"
    )))
}

/// The version of the schema in the database, `None` when there is neither a schema nor a file.
pub(super) fn schema(config: &Config) -> Result<Option<i64>, OpenError> {
    let absent = config.database.is_none() && !database_file(config).exists();
    match absent {
        true => Ok(None),
        false => store::applied_version(&store_config(config)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::testing::Folder;

    fn with_files(names: &[&str]) -> Folder {
        let folder = Folder::new();
        for name in names {
            fs::write(folder.path().join(name), "").unwrap();
        }
        folder
    }

    #[test]
    fn a_demo_takes_an_empty_folder_or_that_of_a_demo() {
        let demo = with_files(&["demo.db", "demo.db-wal", "demo.db-shm", "lock", "mails", "media", "secret"]);
        assert!(check_kind_of_folder(demo.path(), true).is_ok());
        let interrupted = with_files(&["lock", "secret", "secret.new"]);
        assert!(check_kind_of_folder(interrupted.path(), true).is_ok());
        assert!(check_kind_of_folder(with_files(&[]).path(), true).is_ok());
        assert!(check_kind_of_folder(Path::new("/nowhere/at/all"), true).is_ok());
    }

    #[test]
    fn a_demo_refuses_a_folder_with_anything_else() {
        for name in ["parterre.db", "letter.txt", "demo"] {
            let folder = with_files(&["demo.db", name]);
            let refusal = check_kind_of_folder(folder.path(), true).unwrap_err();
            assert!(refusal.to_string().contains(name), "{refusal}");
        }
        for name in ["media", "mails"] {
            let folder = with_files(&["lock", "secret", name]);
            let refusal = check_kind_of_folder(folder.path(), true).unwrap_err();
            assert!(refusal.to_string().contains(name), "{refusal}");
        }
    }

    #[test]
    fn the_folder_of_a_demo_holds_nothing_else() {
        let folder = with_files(&["demo.db"]);
        let refusal = check_kind_of_folder(folder.path(), false).unwrap_err();
        assert!(refusal.to_string().contains("holds a demo"), "{refusal}");
        assert!(check_kind_of_folder(with_files(&["parterre.db"]).path(), false).is_ok());
    }

    #[test]
    fn the_database_is_its_owners_alone_in_a_folder_that_is_open_to_others() {
        let folder = Folder::new();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let data = Some(folder.path().to_owned());
        let flags = crate::config::Options { data, ..Default::default() };
        let config = Config::resolve(flags, Default::default(), Default::default()).unwrap();
        let platform = Platform::open(&config, Access::Alone).unwrap();
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() > 2, "{files:?}");
        for file in files {
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", file.display());
        }
        platform.run(async |_| Ok(())).unwrap();
    }

    #[test]
    fn work_that_does_not_end_is_not_waited_for() {
        use std::sync::mpsc;
        let folder = Folder::new();
        let data = Some(folder.path().to_owned());
        let flags = crate::config::Options { data, ..Default::default() };
        let config = Config::resolve(flags, Default::default(), Default::default()).unwrap();
        let platform = Platform::open(&config, Access::Alone).unwrap();
        let (_unending, end) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let begin = async |_| {
                let (started, starts) = tokio::sync::oneshot::channel();
                tokio::task::spawn_blocking(move || {
                    let _ = started.send(());
                    end.recv()
                });
                starts.await.map_err(|error| Failure::new(error.to_string()))
            };
            tell.send(platform.run(begin).is_ok())
        });
        assert_eq!(told.recv_timeout(Duration::from_secs(30)), Ok(true));
    }

    #[test]
    fn a_folder_is_locked_once() {
        let folder = Folder::new();
        let first = lock(folder.path()).unwrap();
        assert!(first.is_some());
        assert!(lock(folder.path()).unwrap().is_none());
        drop(first);
        assert!(lock(folder.path()).unwrap().is_some());
    }
}
