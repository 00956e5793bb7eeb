//! What the operator wants to know of the engine.

use jiff::Timestamp;

use super::db::Statement;
use super::{Engine, Error, Tx, params, statements};

statements! {
    NEWEST = "select max(created_at) from (\
        select max(created_at) as created_at from users \
        union all select max(created_at) from partners \
        union all select max(created_at) from deals) newest";
}

/// PostgreSQL's alone, so it is not among those that are prepared on both engines.
const POSTGRES_VERSION: Statement = Statement::fixed("select version()");

/// The name and version of SQLite, which is a part of this program.
pub fn sqlite() -> String {
    format!("SQLite {}", rusqlite::version())
}

/// The engine's name and version.
///
/// # Errors
/// Those of [`Error`].
pub fn version(tx: &mut Tx<'_>, engine: &Engine) -> Result<String, Error> {
    match engine {
        Engine::Sqlite { .. } => Ok(sqlite()),
        Engine::Postgres { .. } => {
            let version: String = tx.query_one(POSTGRES_VERSION, params![])?.read("version").next()?;
            // The rest is the compiler it was built with.
            let (name, _) = version.split_once(" on ").unwrap_or((&version, ""));
            Ok(name.to_owned())
        }
    }
}

/// When the newest user, partner or deal was written.
///
/// # Errors
/// Those of [`Error`].
pub fn newest(tx: &mut Tx<'_>) -> Result<Option<Timestamp>, Error> {
    tx.query_one(NEWEST, params![])?.read("newest").next()
}
