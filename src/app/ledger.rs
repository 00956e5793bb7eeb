//! The ledger: what is written into it by what happens to money, and who may read it.

use super::callers::whose;
use super::{Error, Window, Wrong};
use crate::domain::access::Caller;
use crate::domain::deal::Deal;
use crate::domain::id::{DealId, EntryId, EventId, OrderId, PartnerId, PayoutId};
use crate::domain::ledger::{self, Account, Balance, Cause, Entry, Payout, Posting};
use crate::domain::member::Right;
use crate::domain::money::{Currency, Money};
use crate::domain::order::Order;
use crate::domain::payment::Payment;
use crate::domain::pricing::Line;
use crate::domain::refund::Refund;
use crate::store::{self, Tx};

pub use crate::store::ledger::{BalanceKey, Filter};

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

/// A part of the list of what the caller's account is owed and owes, by deal and currency; of every account for the
/// platform.
///
/// # Errors
/// Those of the store.
pub fn balances(
    tx: &mut Tx<'_>,
    caller: &Caller,
    filter: &Filter,
    window: Window<BalanceKey>,
) -> Result<Vec<Balance>, Error> {
    Ok(store::ledger::balances(tx, whose(caller)?, filter, window)?)
}

/// How many balances the list holds in all.
///
/// # Errors
/// Those of the store.
pub fn count_balances(tx: &mut Tx<'_>, caller: &Caller, filter: &Filter) -> Result<i64, Error> {
    Ok(store::ledger::count_balances(tx, whose(caller)?, filter)?)
}

/// A part of the list of entries on the caller's account; on every account for the platform.
///
/// # Errors
/// Those of the store.
pub fn entries(
    tx: &mut Tx<'_>,
    caller: &Caller,
    filter: &Filter,
    window: Window<EntryId>,
) -> Result<Vec<Entry>, Error> {
    Ok(store::ledger::list(tx, whose(caller)?, filter, window)?)
}

/// How many entries the list holds in all.
///
/// # Errors
/// Those of the store.
pub fn count_entries(tx: &mut Tx<'_>, caller: &Caller, filter: &Filter) -> Result<i64, Error> {
    Ok(store::ledger::count(tx, whose(caller)?, filter)?)
}

/// A part of the list of payouts from and to the caller; of all for the platform.
///
/// # Errors
/// Those of the store.
pub fn payouts(
    tx: &mut Tx<'_>,
    caller: &Caller,
    filter: &Filter,
    window: Window<PayoutId>,
) -> Result<Vec<Payout>, Error> {
    Ok(store::ledger::payouts(tx, whose(caller)?, filter, window)?)
}

/// How many payouts the list holds in all.
///
/// # Errors
/// Those of the store.
pub fn count_payouts(tx: &mut Tx<'_>, caller: &Caller, filter: &Filter) -> Result<i64, Error> {
    Ok(store::ledger::count_payouts(tx, whose(caller)?, filter)?)
}

/// A payout to be recorded.
#[derive(Clone, Debug)]
pub struct NewPayout {
    /// Who paid.
    pub from: PartnerId,
    /// Who was paid.
    pub to: PartnerId,
    /// The deal it settles.
    pub deal: Option<DealId>,
    /// How much.
    pub amount: Money,
    /// A short note.
    pub note: Option<String>,
}

/// Records that one partner paid another. What settles a deal goes to the accounts of its sides; what else a partner with the
/// role `core` pays, or is paid, goes to the platform's account.
///
/// # Errors
/// [`Error::Forbidden`] but for the platform's owners and managers; [`Error::Invalid`] naming the field.
pub fn record(
    tx: &mut Tx<'_>,
    caller: &Caller,
    id: PayoutId,
    ids: &EntryIds,
    new: &NewPayout,
) -> Result<Payout, Error> {
    if !caller.is_platform() || !caller.may(Right::Manage) {
        return Err(Error::forbidden("only the platform records payouts"));
    }
    let NewPayout { from, to, deal, amount, note } = new.clone();
    if amount.minor <= 0 {
        return Err(Error::invalid("amount", "out_of_range", "must be more than 0"));
    }
    let settled = deal.map(|deal| settled(tx, deal, amount.currency)).transpose()?;
    let partners = store::partners::find_all(tx, &[from, to])?;
    let account = |id: PartnerId, field: &'static str| {
        let partner = partners.iter().find(|partner| partner.id == id);
        let partner = partner.ok_or_else(|| Error::invalid(field, "unknown", "there is no partner with this id"))?;
        match settled.as_ref().map(|deal| deal.side_of(id).is_some()) {
            Some(true) => Ok(Account::Partner(id)),
            _ if partner.roles.core => Ok(Account::Platform),
            None => Ok(Account::Partner(id)),
            Some(false) => Err(Error::invalid(field, "conflict", "must be a side of the deal, or the platform")),
        }
    };
    let (payer, payee) = (account(from, "from")?, account(to, "to")?);
    if payer == payee {
        return Err(Error::invalid("to", "conflict", "must have another account than from"));
    }
    let payout = Payout { id, from, to, deal, amount, note, created_at: tx.now() };
    store::ledger::insert_payout(tx, &payout)?;
    let of = Of { cause: Cause::Payout(id), order: None, event: None, deal };
    append(tx, ids, of, ledger::payout(payer, payee, amount))?;
    Ok(payout)
}

/// The deal that a payout settles, which is in the currency of its event.
fn settled(tx: &mut Tx<'_>, id: DealId, currency: Currency) -> Result<Deal, Error> {
    let unknown = || Error::invalid("deal", "unknown", "there is no deal with this id");
    let deal = store::deals::find(tx, id)?.ok_or_else(unknown)?;
    let event = store::events::find(tx, deal.event)?.ok_or_else(unknown)?;
    if event.currency != currency {
        let message = format!("must be {}, the currency of the deal's event", event.currency);
        return Err(Error::Invalid(vec![Wrong { field: Some("currency".into()), code: "conflict", message }]));
    }
    Ok(deal)
}
