//! The schema: one sequence of migrations for both engines, and what can be wrong with a database
//! before it can be used.

use std::path::PathBuf;

use super::{Engine, StoreConfig, postgres, sqlite};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Why a database cannot be opened or migrated, in one line that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The schema is older than this program, or there is none.
    #[error(
        "the database has {} and this program needs schema {needed}; run `parterre migrate` first",
        found.map_or_else(|| "no schema".to_owned(), |version| format!("schema {version}"))
    )]
    Unmigrated {
        /// The schema's version, if there is one.
        found: Option<i64>,
        /// The version this program knows.
        needed: i64,
    },
    /// The schema is newer than this program.
    #[error(
        "the database has schema {found}, made by a newer Parterre; this program knows up to \
         {known}: start the newer one, or restore a backup from before"
    )]
    Newer {
        /// The schema's version.
        found: i64,
        /// The version this program knows.
        known: i64,
    },
    /// Another process keeps the database for itself.
    #[error("{} is locked by another process; stop that one first", .0.display())]
    Locked(PathBuf),
    /// There is no such file, or it or its folder cannot be read and written.
    #[error("{} cannot be read and written ({why}); check that its folder exists and belongs to the user who runs Parterre", file.display())]
    Unwritable {
        /// The database's file.
        file: PathBuf,
        /// The system's words.
        why: String,
    },
    /// The file holds something else.
    #[error("{} is not an SQLite database; choose another file or restore a backup", .0.display())]
    NotADatabase(PathBuf),
    /// The server does not answer or lets nobody in.
    #[error("PostgreSQL cannot be reached ({0}); check the address, the password and that the server runs")]
    Unreachable(String),
    /// The database cannot hold every text.
    #[error(
        "the database has the encoding {0} and Parterre needs UTF8; make another one by \
         `createdb --encoding=UTF8 --template=template0`"
    )]
    Encoding(String),
    /// The address is malformed.
    #[error("the PostgreSQL address is wrong ({0}); it looks like postgres://user:password@host/database")]
    Address(String),
    /// Anything else, in its own words.
    #[error("the database cannot be opened: {0}")]
    Failed(String),
}

/// What a migration did; equal versions mean that there was nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The schema's version before, if there was one.
    pub from: Option<i64>,
    /// The schema's version now.
    pub to: i64,
}

/// Brings the schema to the version this program knows, all of it or nothing, creating the
/// database's file when there is none. Safe to run on several servers at once: one does it, the
/// others wait. Blocks until done.
///
/// # Errors
/// [`OpenError`]; a database newer than this program is left alone.
pub fn migrate(config: &StoreConfig) -> Result<Migrated, OpenError> {
    // Grouped: all migrations are one transaction, so a crash leaves the schema as it was.
    let runner = embedded::migrations::runner().set_grouped(true);
    match &config.engine {
        Engine::Sqlite { file } => sqlite::migrate(file, &runner),
        Engine::Postgres { url } => postgres::migrate(url, &runner),
    }
}

/// The version of the database's schema, `None` when it has none. Changes nothing.
///
/// # Errors
/// [`OpenError`] when the database cannot be read.
pub fn applied_version(config: &StoreConfig) -> Result<Option<i64>, OpenError> {
    match &config.engine {
        Engine::Sqlite { file } => sqlite::applied_version(file),
        Engine::Postgres { url } => postgres::applied_version(url),
    }
}

/// The names of the migrations that [`migrate`] would run, in their order.
///
/// # Errors
/// [`OpenError`] when the database cannot be read or is newer than this program.
pub fn pending(config: &StoreConfig) -> Result<Vec<String>, OpenError> {
    let applied = applied_version(config)?;
    check_not_newer(applied)?;
    let mut migrations = embedded::migrations::runner().get_migrations().clone();
    migrations.sort();
    Ok(migrations
        .iter()
        .filter(|migration| applied.is_none_or(|applied| i64::from(migration.version()) > applied))
        .map(ToString::to_string)
        .collect())
}

/// The version of the schema that this program knows.
pub fn known_version() -> i64 {
    let runner = embedded::migrations::runner();
    let versions = runner.get_migrations().iter();
    versions.map(|migration| i64::from(migration.version())).max().unwrap_or(0)
}

/// Refuses a schema newer than this program.
pub(super) fn check_not_newer(applied: Option<i64>) -> Result<(), OpenError> {
    let known = known_version();
    match applied {
        Some(found) if found > known => Err(OpenError::Newer { found, known }),
        _ => Ok(()),
    }
}

/// Refuses every schema but the one this program knows.
pub(super) fn check_current(applied: Option<i64>) -> Result<(), OpenError> {
    check_not_newer(applied)?;
    let needed = known_version();
    if applied != Some(needed) {
        return Err(OpenError::Unmigrated { found: applied, needed });
    }
    Ok(())
}
