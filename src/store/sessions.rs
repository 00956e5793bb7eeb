//! The table `sessions`: who is signed in, by the hash of the cookie's token.

use jiff::Timestamp;

use super::db::{params, statements};
use super::{Error, Tx};
use crate::domain::id::UserId;

statements! {
    INSERT = "insert into sessions (token_hash, user_id, created_at, expires_at) values ($1, $2, $3, $4)";
    USER = "select user_id from sessions where token_hash = $1 and expires_at > $2";
    DELETE = "delete from sessions where token_hash = $1";
    DELETE_OTHERS = "delete from sessions where user_id = $1 and token_hash <> $2";
    EXPIRED = "select token_hash from sessions where expires_at <= $1 order by expires_at limit $2";
}

/// Signs a user in.
pub fn insert(tx: &mut Tx<'_>, token_hash: &[u8; 32], user: UserId, expires_at: Timestamp) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(INSERT, params![token_hash, user, now, expires_at])?;
    Ok(())
}

/// Who is signed in with this token, unless the session has expired.
pub fn user(tx: &mut Tx<'_>, token_hash: &[u8; 32]) -> Result<Option<UserId>, Error> {
    let now = tx.now();
    tx.query_opt(USER, params![token_hash, now])?.map(|row| row.read("sessions").next()).transpose()
}

/// Ends a session.
pub fn delete(tx: &mut Tx<'_>, token_hash: &[u8; 32]) -> Result<(), Error> {
    tx.execute(DELETE, params![token_hash])?;
    Ok(())
}

/// Ends all sessions of a user but one.
pub fn delete_others(tx: &mut Tx<'_>, user: UserId, kept: &[u8; 32]) -> Result<(), Error> {
    tx.execute(DELETE_OTHERS, params![user, kept])?;
    Ok(())
}

/// Forgets expired sessions, a bounded number of them; answers how many.
pub fn delete_expired(tx: &mut Tx<'_>, limit: i64) -> Result<usize, Error> {
    let now = tx.now();
    let rows = tx.query(EXPIRED, params![now, limit])?;
    let found = rows.len();
    for row in rows {
        let token_hash: [u8; 32] = row.read("sessions").next()?;
        tx.execute(DELETE, params![&token_hash])?;
    }
    Ok(found)
}
