//! The table `idempotent_requests`: what requests with an `Idempotency-Key` were answered.

use jiff::Timestamp;

use super::db::{params, statements};
use super::{Error, Tx};
use crate::domain::id::ObjectId;

statements! {
    ONE =
        "select request_hash, status, answer, warning from idempotent_requests \
         where scope_id = $1 and key = $2 and created_at > $3";
    PUT =
        "insert into idempotent_requests (scope_id, key, request_hash, status, answer, warning, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7) \
         on conflict (scope_id, key) do update set request_hash = excluded.request_hash, status = excluded.status, \
         answer = excluded.answer, warning = excluded.warning, created_at = excluded.created_at";
    OLD = "select scope_id, key from idempotent_requests where created_at <= $1 order by created_at limit $2";
    DELETE = "delete from idempotent_requests where scope_id = $1 and key = $2 and created_at <= $3";
}

/// An answered request.
pub struct Answered {
    /// The hash of method, path with query, and body.
    pub request_hash: [u8; 32],
    /// The HTTP status it was answered with.
    pub status: u16,
    /// The answer's body, sealed.
    pub answer: Vec<u8>,
    /// What the caller was warned of.
    pub warning: Option<String>,
}

/// What the key was used for since `since`, by this partner (or, without one, user).
pub fn find(tx: &mut Tx<'_>, scope: ObjectId, key: &str, since: Timestamp) -> Result<Option<Answered>, Error> {
    let Some(row) = tx.query_opt(ONE, params![scope, key, since])? else { return Ok(None) };
    let mut row = row.read("idempotent_requests");
    let request_hash = row.next()?;
    let status: i64 = row.next()?;
    let status = u16::try_from(status).map_err(|_| row.corrupt("status"))?;
    Ok(Some(Answered { request_hash, status, answer: row.next()?, warning: row.next()? }))
}

/// Records an answer; an older one under the same key is replaced.
pub fn put(tx: &mut Tx<'_>, scope: ObjectId, key: &str, answered: &Answered) -> Result<(), Error> {
    let Answered { request_hash, status, answer, warning } = answered;
    let now = tx.now();
    tx.execute(PUT, params![scope, key, request_hash, i64::from(*status), answer.as_slice(), warning.as_deref(), now])?;
    Ok(())
}

/// Forgets answers given before a time, a bounded number of them; answers how many.
pub fn delete_before(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<usize, Error> {
    let rows = tx.query(OLD, params![before, limit])?;
    let found = rows.len();
    for row in rows {
        let mut row = row.read("idempotent_requests");
        let (scope, key): (ObjectId, String) = (row.next()?, row.next()?);
        tx.execute(DELETE, params![scope, key, before])?;
    }
    Ok(found)
}
