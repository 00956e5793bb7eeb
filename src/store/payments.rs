//! The tables `payments` and `payment_returns`.

use jiff::Timestamp;

use super::db::{params, statements};
use super::{Error, Row, RowReader, Tx};
use crate::domain::id::{OrderId, PaymentId, ReturnId};
use crate::domain::money::Money;
use crate::domain::payment::{Payment, PaymentStatus, PaymentSystem, Return};

macro_rules! columns {
    () => {
        "id, order_id, system, external_id, status, amount, currency, created_at, updated_at"
    };
}
macro_rules! return_columns {
    () => {
        "id, payment_id, refund_id, amount, currency, attempts"
    };
}
pub(super) use {columns, return_columns};

statements! {
    ONE = concat!("select ", columns!(), " from payments where bucket = $1 and id = $2");
    BY_EXTERNAL_ID =
        concat!("select ", columns!(), " from payments where bucket = $1 and system = $2 and external_id = $3");
    OF_ORDER = concat!("select ", columns!(), " from payments where bucket = $1 and order_id = $2 order by id");
    INSERT = concat!(
        "insert into payments (bucket, ", columns!(), ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    );
    SET_AMOUNT =
        "update payments set amount = $3, updated_at = $4 where bucket = $1 and id = $2 and status = 'pending'";
    // The former status is part of the condition: of two callbacks at once, one finds no row.
    RECEIVE =
        "update payments set status = $3, external_id = $4, updated_at = $5 \
         where bucket = $1 and id = $2 and status = 'pending'";
    RETURNED = "update payments set status = 'returned', updated_at = $3 where bucket = $1 and id = $2 and status = 'owed'";
    REFUSE = "update payments set refusal = $3, updated_at = $4 where bucket = $1 and id = $2";

    INSERT_RETURN =
        "insert into payment_returns (bucket, id, payment_id, refund_id, amount, currency, attempts, due_at, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
    DUE_RETURNS = concat!(
        "select ", return_columns!(), " from payment_returns where due_at is not null and due_at <= $1 \
         order by due_at limit $2 for update skip locked"
    );
    CLAIM_RETURN = "update payment_returns set attempts = attempts + 1, due_at = $3 where bucket = $1 and id = $2";
    SENT =
        "update payment_returns set due_at = null, sent_at = $3 where bucket = $1 and id = $2 and sent_at is null";
}

/// The name of the constraint that lets each money of a payment system count once.
pub const EXTERNAL_ID_KEY: &str = "payments_bucket_system_external_id_key";

/// Finds a payment.
pub fn find(tx: &mut Tx<'_>, id: PaymentId) -> Result<Option<Payment>, Error> {
    tx.query_opt(ONE, params![id.bucket(), id])?.map(payment).transpose()
}

/// Finds the payment, stored where another one is, that a payment system calls so.
pub fn find_external(
    tx: &mut Tx<'_>,
    near: PaymentId,
    system: PaymentSystem,
    external_id: &str,
) -> Result<Option<Payment>, Error> {
    tx.query_opt(BY_EXTERNAL_ID, params![near.bucket(), system.as_str(), external_id])?.map(payment).transpose()
}

/// The payments of an order, in the order of their ids.
pub fn of_order(tx: &mut Tx<'_>, order: OrderId) -> Result<Vec<Payment>, Error> {
    tx.query(OF_ORDER, params![order.bucket(), order])?.into_iter().map(payment).collect()
}

/// Writes a new payment.
///
/// # Errors
/// [`Error::Constraint`] with [`EXTERNAL_ID_KEY`] where its money has counted already.
pub fn insert(tx: &mut Tx<'_>, payment: &Payment) -> Result<(), Error> {
    tx.execute(
        INSERT,
        params![
            payment.id.bucket(),
            payment.id,
            payment.order,
            payment.system.as_str(),
            payment.external_id.as_deref(),
            payment.status.as_str(),
            payment.amount.minor,
            payment.amount.currency.code(),
            payment.created_at,
            payment.updated_at
        ],
    )?;
    Ok(())
}

/// Asks for another amount; false where the payment is not pending any more.
pub fn set_amount(tx: &mut Tx<'_>, id: PaymentId, amount: Money) -> Result<bool, Error> {
    let now = tx.now();
    Ok(tx.execute(SET_AMOUNT, params![id.bucket(), id, amount.minor, now])? == 1)
}

/// Notes that a pending payment came; false where it is not pending any more.
///
/// # Errors
/// [`Error::Constraint`] with [`EXTERNAL_ID_KEY`] where the money has counted already.
pub fn receive(tx: &mut Tx<'_>, id: PaymentId, external_id: &str, status: PaymentStatus) -> Result<bool, Error> {
    let now = tx.now();
    Ok(tx.execute(RECEIVE, params![id.bucket(), id, status.as_str(), external_id, now])? == 1)
}

/// Notes that a payment that was owed has been sent back; false where that was noted before.
pub fn set_returned(tx: &mut Tx<'_>, id: PaymentId) -> Result<bool, Error> {
    let now = tx.now();
    Ok(tx.execute(RETURNED, params![id.bucket(), id, now])? == 1)
}

/// Notes what a callback said that was not believed.
pub fn refuse(tx: &mut Tx<'_>, id: PaymentId, refusal: &str) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(REFUSE, params![id.bucket(), id, refusal, now])?;
    Ok(())
}

/// Writes down that money is to be sent back, at once.
pub fn insert_return(tx: &mut Tx<'_>, back: &Return) -> Result<(), Error> {
    let now = tx.now();
    let Return { id, payment, refund, amount, attempts } = back;
    tx.execute(
        INSERT_RETURN,
        params![id.bucket(), id, payment, *refund, amount.minor, amount.currency.code(), *attempts, now],
    )?;
    Ok(())
}

/// Takes on some of the returns that are due. Nobody else does so for as long as each has patience, and then anybody may.
pub fn claim_returns(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Return>, Error> {
    let now = tx.now();
    let rows = tx.query(DUE_RETURNS, params![now, limit])?;
    let claimed: Vec<Return> = rows.into_iter().map(returned).collect::<Result<_, _>>()?;
    for due in &claimed {
        let again = now.checked_add(due.patience()).unwrap_or(Timestamp::MAX);
        tx.execute(CLAIM_RETURN, params![due.id.bucket(), due.id, again])?;
    }
    Ok(claimed)
}

/// Notes that money has been sent back; false where that was noted before.
pub fn set_sent(tx: &mut Tx<'_>, id: ReturnId) -> Result<bool, Error> {
    let now = tx.now();
    Ok(tx.execute(SENT, params![id.bucket(), id, now])? == 1)
}

pub(super) fn payment(row: Row) -> Result<Payment, Error> {
    let mut row = row.read("payments");
    let (id, order) = (row.next()?, row.next()?);
    let system = row.next_parsed()?;
    let external_id = row.next()?;
    let status = row.next_parsed()?;
    let amount = Money { minor: row.next()?, currency: row.next_parsed()? };
    Ok(Payment { id, order, system, external_id, status, amount, created_at: row.next()?, updated_at: row.next()? })
}

fn returned(row: Row) -> Result<Return, Error> {
    next_return(&mut row.read("payment_returns"))
}

pub(super) fn next_return(row: &mut RowReader) -> Result<Return, Error> {
    let (id, payment, refund) = (row.next()?, row.next()?, row.next()?);
    let amount = Money { minor: row.next()?, currency: row.next_parsed()? };
    Ok(Return { id, payment, refund, amount, attempts: row.next()? })
}
