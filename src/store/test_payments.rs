//! The tables `test_charges`, `test_callbacks` and `test_returns`: what the payment system for tests keeps.

use jiff::{SignedDuration, Timestamp};

use super::db::{params, statements};
use super::{Error, Row, Tx};
use crate::domain::id::{Bucket, PaymentId, ReturnId};
use crate::domain::money::Money;
use crate::domain::test_payment::{Charge, Signing};

macro_rules! columns {
    () => {
        "id, number, amount, currency, success_url, failure_url, expires_at, status, external_id, returned"
    };
}
macro_rules! callback_columns {
    () => {
        "charge_id, pos, signing, body, attempts"
    };
}

statements! {
    ONE = concat!("select ", columns!(), " from test_charges where bucket = $1 and id = $2");
    ONE_LOCKED = concat!("select ", columns!(), " from test_charges where bucket = $1 and id = $2 for update");
    PAID_LOCKED =
        concat!("select ", columns!(), " from test_charges where bucket = $1 and external_id = $2 for update");
    INSERT = concat!(
        "insert into test_charges (bucket, ", columns!(), ", created_at, updated_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)"
    );
    UPDATE =
        "update test_charges set amount = $3, status = $4, external_id = $5, returned = $6, updated_at = $7 \
         where bucket = $1 and id = $2";
    INSERT_CALLBACK =
        "insert into test_callbacks (bucket, charge_id, pos, signing, body, attempts, due_at) values ($1, $2, \
         (select count(*) from test_callbacks where bucket = $1 and charge_id = $2), $3, $4, 0, $5)";
    DUE_CALLBACKS = concat!(
        "select ", callback_columns!(), " from test_callbacks where due_at is not null and due_at <= $1 \
         order by due_at, charge_id, pos limit $2 for update skip locked"
    );
    DUE_CALLBACKS_OF = concat!(
        "select ", callback_columns!(), " from test_callbacks where bucket = $1 and charge_id = $2 \
         and due_at is not null and due_at <= $3 order by pos limit $4 for update skip locked"
    );
    PUT_CALLBACK =
        "update test_callbacks set attempts = $4, due_at = $5 where bucket = $1 and charge_id = $2 and pos = $3";
    INSERT_RETURN =
        "insert into test_returns (bucket, id, charge_id, amount, created_at) values ($1, $2, $3, $4, $5) \
         on conflict (bucket, id) do nothing";
}

/// What the payment system still has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The charge that it is about.
    pub charge: PaymentId,
    /// Which of the charge's it is, from 0.
    pub pos: i64,
    /// How it is signed.
    pub signing: Signing,
    /// What it says.
    pub body: String,
    /// How often it was sent before.
    pub attempts: i32,
}

/// Finds a charge.
pub fn find(tx: &mut Tx<'_>, id: PaymentId) -> Result<Option<Charge>, Error> {
    tx.query_opt(ONE, params![id.bucket(), id])?.map(charge).transpose()
}

/// Finds a charge, and keeps it as it is until the transaction ends.
pub fn find_locked(tx: &mut Tx<'_>, id: PaymentId) -> Result<Option<Charge>, Error> {
    tx.query_opt(ONE_LOCKED, params![id.bucket(), id])?.map(charge).transpose()
}

/// Finds the charge in a bucket whose money has this name, and keeps it as it is until the transaction ends.
pub fn find_paid_locked(tx: &mut Tx<'_>, bucket: Bucket, external_id: &str) -> Result<Option<Charge>, Error> {
    tx.query_opt(PAID_LOCKED, params![bucket, external_id])?.map(charge).transpose()
}

/// Writes a new charge.
pub fn insert(tx: &mut Tx<'_>, charge: &Charge) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        INSERT,
        params![
            charge.id.bucket(),
            charge.id,
            charge.number,
            charge.amount.minor,
            charge.amount.currency.code(),
            charge.success_url.as_deref(),
            charge.failure_url.as_deref(),
            charge.expires_at,
            charge.status.as_str(),
            charge.external_id.as_deref(),
            charge.returned,
            now
        ],
    )?;
    Ok(())
}

/// Writes a charge's changed fields.
pub fn update(tx: &mut Tx<'_>, charge: &Charge) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        UPDATE,
        params![
            charge.id.bucket(),
            charge.id,
            charge.amount.minor,
            charge.status.as_str(),
            charge.external_id.as_deref(),
            charge.returned,
            now
        ],
    )?;
    Ok(())
}

/// Writes down what is to be told, and when.
pub fn insert_callback(
    tx: &mut Tx<'_>,
    charge: PaymentId,
    signing: Signing,
    body: &str,
    due_at: Timestamp,
) -> Result<(), Error> {
    tx.execute(INSERT_CALLBACK, params![charge.bucket(), charge, signing.as_str(), body, due_at])?;
    Ok(())
}

/// Takes on some of the callbacks that are due, of one charge or of all. Nobody else does so for a while, and then anybody
/// may.
pub fn claim_callbacks(tx: &mut Tx<'_>, of: Option<PaymentId>, limit: i64) -> Result<Vec<Callback>, Error> {
    const LEASE: SignedDuration = SignedDuration::from_secs(30);
    let now = tx.now();
    let rows = match of {
        Some(charge) => tx.query(DUE_CALLBACKS_OF, params![charge.bucket(), charge, now, limit])?,
        None => tx.query(DUE_CALLBACKS, params![now, limit])?,
    };
    let mut claimed: Vec<Callback> = rows.into_iter().map(callback).collect::<Result<_, _>>()?;
    for callback in &mut claimed {
        callback.attempts = callback.attempts.saturating_add(1);
        put_callback(tx, callback, now.checked_add(LEASE).ok())?;
    }
    Ok(claimed)
}

/// Notes when a callback is sent again; none: never.
pub fn put_callback(tx: &mut Tx<'_>, callback: &Callback, due_at: Option<Timestamp>) -> Result<(), Error> {
    let Callback { charge, pos, attempts, .. } = callback;
    tx.execute(PUT_CALLBACK, params![charge.bucket(), *charge, *pos, *attempts, due_at])?;
    Ok(())
}

/// Notes that money is sent back; false where this return was noted before.
pub fn insert_return(tx: &mut Tx<'_>, id: ReturnId, charge: PaymentId, amount: i64) -> Result<bool, Error> {
    let now = tx.now();
    Ok(tx.execute(INSERT_RETURN, params![id.bucket(), id, charge, amount, now])? == 1)
}

fn charge(row: Row) -> Result<Charge, Error> {
    let mut row = row.read("test_charges");
    let (id, number) = (row.next()?, row.next()?);
    let amount = Money { minor: row.next()?, currency: row.next_parsed()? };
    Ok(Charge {
        id,
        number,
        amount,
        success_url: row.next()?,
        failure_url: row.next()?,
        expires_at: row.next()?,
        status: row.next_parsed()?,
        external_id: row.next()?,
        returned: row.next()?,
    })
}

fn callback(row: Row) -> Result<Callback, Error> {
    let mut row = row.read("test_callbacks");
    Ok(Callback {
        charge: row.next()?,
        pos: row.next()?,
        signing: row.next_parsed()?,
        body: row.next()?,
        attempts: row.next()?,
    })
}
