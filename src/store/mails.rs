//! The table `mails`: what is to be mailed, and what was.

use jiff::Timestamp;

use super::db::{params, statements};
use super::{Error, Row, Tx};
use crate::domain::id::MailId;

macro_rules! columns {
    () => {
        "id, kind, recipient, payload, attempts, due_at, created_at"
    };
}

statements! {
    INSERT = concat!("insert into mails (", columns!(), ") values ($1, $2, $3, $4, $5, $6, $7)");
    DUE = concat!("select ", columns!(), " from mails where due_at is not null and due_at <= $1 order by due_at limit $2");
    // Of several servers that saw it due, one moves it.
    CLAIM = "update mails set due_at = $3, attempts = attempts + 1 where id = $1 and due_at = $2";
    PUT_OFF = "update mails set due_at = $3 where id = $1 and due_at = $2";
    // What was sent is not kept: it may hold barcodes.
    SENT = "update mails set due_at = null, sent_at = $2, payload = '' where id = $1 and due_at is not null";
    GIVE_UP = "update mails set due_at = null, payload = '' where id = $1 and due_at is not null";
    OLD = "select id from mails where created_at < $1 and due_at is null order by created_at limit $2";
    DELETE = "delete from mails where id = any($1)";
}

/// A mail that waits to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMail {
    /// Its id.
    pub id: MailId,
    /// What kind it is.
    pub kind: String,
    /// The address it goes to.
    pub recipient: String,
    /// What it is made of, as JSON.
    pub payload: String,
    /// How often it has been tried.
    pub attempts: i64,
    /// When it is tried next; none: never.
    pub due_at: Option<Timestamp>,
    /// When it was written.
    pub created_at: Timestamp,
}

/// Writes a new mail.
pub fn insert(tx: &mut Tx<'_>, mail: &StoredMail) -> Result<(), Error> {
    tx.execute(
        INSERT,
        params![
            mail.id,
            mail.kind.as_str(),
            mail.recipient.as_str(),
            mail.payload.as_str(),
            mail.attempts,
            mail.due_at,
            mail.created_at
        ],
    )?;
    Ok(())
}

/// Takes some of the mails that are due, so that nobody else tries them before `until`. They count as tried, whatever
/// becomes of whoever took them.
pub fn claim(tx: &mut Tx<'_>, until: Timestamp, limit: i64) -> Result<Vec<StoredMail>, Error> {
    let now = tx.now();
    let mut claimed = Vec::new();
    for row in tx.query(DUE, params![now, limit])? {
        let mut mail = mail(row)?;
        if tx.execute(CLAIM, params![mail.id, mail.due_at, until])? == 1 {
            mail.attempts += 1;
            mail.due_at = Some(until);
            claimed.push(mail);
        }
    }
    Ok(claimed)
}

/// Notes that a mail was sent.
pub fn sent(tx: &mut Tx<'_>, id: MailId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(SENT, params![id, now])?;
    Ok(())
}

/// Puts off a mail that was claimed until `claimed`, unless somebody else has claimed it since.
pub fn put_off(tx: &mut Tx<'_>, id: MailId, claimed: Timestamp, due_at: Timestamp) -> Result<(), Error> {
    tx.execute(PUT_OFF, params![id, claimed, due_at])?;
    Ok(())
}

/// Notes that a mail will never be sent.
pub fn give_up(tx: &mut Tx<'_>, id: MailId) -> Result<(), Error> {
    tx.execute(GIVE_UP, params![id])?;
    Ok(())
}

/// Forgets some mails from before a time that were sent or given up; answers how many.
pub fn delete_before(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<usize, Error> {
    let rows = tx.query(OLD, params![before, limit])?;
    let ids = rows.into_iter().map(|row| row.read("mails").next()).collect::<Result<Vec<MailId>, Error>>()?;
    if !ids.is_empty() {
        tx.execute(DELETE, params![&ids])?;
    }
    Ok(ids.len())
}

fn mail(row: Row) -> Result<StoredMail, Error> {
    let mut row = row.read("mails");
    Ok(StoredMail {
        id: row.next()?,
        kind: row.next()?,
        recipient: row.next()?,
        payload: row.next()?,
        attempts: row.next()?,
        due_at: row.next()?,
        created_at: row.next()?,
    })
}
