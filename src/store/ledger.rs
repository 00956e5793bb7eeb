//! The tables `entries` and `payouts`.

use super::db::{params, statements};
use super::{Error, Tx};
use crate::domain::ledger::Entry;

macro_rules! columns {
    () => {
        "id, cause, order_id, refund_id, payment_id, payout_id, event_id, deal_id, account, partner_id, kind, amount, \
         currency, created_at"
    };
}

statements! {
    INSERT = concat!(
        "insert into entries (bucket, ", columns!(), ") values \
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
    );
}

/// Appends an entry.
pub fn insert(tx: &mut Tx<'_>, entry: &Entry) -> Result<(), Error> {
    tx.execute(
        INSERT,
        params![
            entry.id.bucket(),
            entry.id,
            entry.cause.as_str(),
            entry.order,
            entry.cause.refund(),
            entry.cause.payment(),
            entry.cause.payout(),
            entry.event,
            entry.deal,
            entry.account.as_str(),
            entry.account.partner(),
            entry.kind.as_str(),
            entry.amount.minor,
            entry.amount.currency.code(),
            entry.created_at
        ],
    )?;
    Ok(())
}
