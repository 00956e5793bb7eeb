//! The ledger: what is written into it by what happens to money, and who may read it.

use super::Error;
use crate::domain::id::{DealId, EntryId, EventId, OrderId};
use crate::domain::ledger::{self, Cause, Entry, Posting};
use crate::domain::order::Order;
use crate::domain::payment::Payment;
use crate::domain::pricing::Line;
use crate::domain::refund::Refund;
use crate::store::{self, Tx};

/// Ids for the entries of one cause, made before its transaction: [`entry_ids`](super::Inner::entry_ids).
pub type EntryIds = [EntryId; ledger::POSTINGS_MAX];

/// What entries belong to.
#[derive(Clone, Copy)]
struct Of {
    cause: Cause,
    order: Option<OrderId>,
    event: Option<EventId>,
    deal: Option<DealId>,
}

impl Of {
    fn order(cause: Cause, order: &Order) -> Self {
        Self { cause, order: Some(order.id), event: Some(order.event), deal: order.sale.deal() }
    }
}

/// Writes down that an order was paid. `lines` are all its tickets.
///
/// # Errors
/// Those of the store.
pub fn sale(tx: &mut Tx<'_>, ids: &EntryIds, order: &Order, lines: &[Line]) -> Result<(), Error> {
    append(tx, ids, Of::order(Cause::Sale, order), ledger::sale(order, lines))
}

/// Writes down that tickets of an order were given back. `lines` are those of the request.
///
/// # Errors
/// Those of the store.
pub fn refund(tx: &mut Tx<'_>, ids: &EntryIds, order: &Order, lines: &[Line], request: &Refund) -> Result<(), Error> {
    let postings = ledger::refund(order, lines, request.culprit);
    append(tx, ids, Of::order(Cause::Refund(request.id), order), postings)
}

/// Writes down that money came for an order that did not wait for it any more.
///
/// # Errors
/// Those of the store.
pub fn late_payment(tx: &mut Tx<'_>, ids: &EntryIds, order: &Order, payment: &Payment) -> Result<(), Error> {
    let postings = ledger::late_payment(payment.amount);
    append(tx, ids, Of::order(Cause::LatePayment(payment.id), order), postings)
}

/// Writes down that such money was sent back.
///
/// # Errors
/// Those of the store.
pub fn payment_returned(tx: &mut Tx<'_>, ids: &EntryIds, order: &Order, payment: &Payment) -> Result<(), Error> {
    let postings = ledger::payment_returned(payment.amount);
    append(tx, ids, Of::order(Cause::PaymentReturned(payment.id), order), postings)
}

fn append(tx: &mut Tx<'_>, ids: &EntryIds, of: Of, postings: Option<Vec<Posting>>) -> Result<(), Error> {
    let Of { cause, order, event, deal } = of;
    let postings =
        postings.ok_or_else(|| Error::Internal(format!("the entries of {cause:?} of {order:?} are beyond 64 bits")))?;
    let created_at = tx.now();
    for (id, Posting { account, kind, amount }) in ids.iter().copied().zip(postings) {
        store::ledger::insert(tx, &Entry { id, cause, order, event, deal, account, kind, amount, created_at })?;
    }
    Ok(())
}
