//! The table `meta`: facts about the database itself.

use super::db::{params, statements};
use super::{Error, Tx};

statements! {
    GET = "select value from meta where name = $1";
    // The first of several servers wins; the others read what it wrote.
    PUT_ONCE = "insert into meta (name, value) values ($1, $2) on conflict (name) do nothing";
}

/// A fact by its name.
pub fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, Error> {
    tx.query_opt(GET, params![name])?.map(|row| row.read("meta").next()).transpose()
}

/// Writes a fact unless it is there already; answers what holds.
pub fn put_once(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<String, Error> {
    tx.execute(PUT_ONCE, params![name, value])?;
    Ok(get(tx, name)?.unwrap_or_else(|| value.to_owned()))
}
