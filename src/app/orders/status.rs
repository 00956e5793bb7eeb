//! Where an order stands: its payment, its sale and its end, with all that follows from each.

use std::collections::BTreeMap;

use super::super::Error;
use super::super::ledger;
use super::super::payments;
use super::work::{Was, Work};
use super::{ATTEMPTS, Drawn, OrderView, Through, actor, mailed};
use crate::domain::access::Caller;
use crate::domain::id::{EventId, OrderId, PromocodeId, TicketId};
use crate::domain::order::{Order, OrderActor, OrderRefusal, OrderStatus, StatusChange};
use crate::domain::payment::PaymentSystem;
use crate::store::stock::{self, Counts};
use crate::store::{self, Tx};

/// Cancels an order: its tickets are vacant again.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for its vendor, the organizer of its event and the platform;
/// [`Error::Invalid`] where it can't be cancelled any more.
pub fn cancel(tx: &mut Tx<'_>, caller: &Caller, id: OrderId) -> Result<OrderView, Error> {
    let stored = store::orders::find_locked(tx, id)?.ok_or(Error::NotFound("order"))?;
    let who = actor(caller, &stored, Through::V1)?;
    let now = tx.now();
    let mut work = Work::load(tx, stored.at(now))?;
    let was = Was::of(&work);
    let change = work.order.change_status(OrderStatus::Canceled, who).map_err(refused)?;
    if let StatusChange::Release(to) = change {
        release(tx, &mut work, to)?;
        work.order.updated_at = now;
    }
    Ok(work.save(tx, &was)?.into_view())
}

/// Makes an order done that its payment system, or anybody else who may, says is paid. The answer of one that is done
/// already is the order as it is.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] where it does not wait for its payment any more, as after its hold is over:
/// nothing is changed then.
pub fn finish(tx: &mut Tx<'_>, drawn: &Drawn, id: OrderId, who: OrderActor) -> Result<OrderView, Error> {
    let stored = store::orders::find_locked(tx, id)?.ok_or(Error::NotFound("order"))?;
    let now = tx.now();
    let mut work = Work::load(tx, stored.at(now))?;
    let was = Was::of(&work);
    if set_status(tx, drawn, &mut work, OrderStatus::Done, who)? {
        work.order.updated_at = now;
    }
    Ok(work.save(tx, &was)?.into_view())
}

/// Cancels the orders of an event that are not paid. The event has to be locked, so that none is made meanwhile.
///
/// # Errors
/// Those of the store.
pub fn cancel_all_of(tx: &mut Tx<'_>, event: EventId) -> Result<(), Error> {
    let now = tx.now();
    // One kind of row after the other, as everywhere: who has the lock of an order may wait for a promocode.
    let orders = store::orders::holding_of_event(tx, event)?;
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    let lines = store::orders::lines(tx, &orders)?.into_values().flatten();
    let tickets: Vec<TicketId> = lines.map(|line| line.ticket).collect();
    let mut counts = Counts::default();
    stock::release_all(tx, &mut counts, &ids, &tickets)?;
    let mut uses: BTreeMap<PromocodeId, i64> = BTreeMap::new();
    for (id, held) in store::orders::promocodes(tx, &ids)?.into_values().flatten() {
        *uses.entry(id).or_default() += held;
    }
    for (id, held) in uses {
        store::promocodes::give_back(tx, id, held)?;
    }
    let (live, over): (Vec<&Order>, Vec<&Order>) = orders.iter().partition(|order| order.reserved_till > now);
    for (ended, to) in [(live, OrderStatus::Canceled), (over, OrderStatus::Expired)] {
        let ids: Vec<OrderId> = ended.iter().map(|order| order.id).collect();
        store::orders::end_all(tx, event, &ids, to)?;
    }
    counts.write(tx, event)?;
    Ok(())
}

/// Writes down that an order has expired: gives its tickets back, and its uses of promocodes. False where there is nothing
/// to write, or somebody else is at it.
///
/// # Errors
/// Those of the store.
pub fn expire(tx: &mut Tx<'_>, id: OrderId) -> Result<bool, Error> {
    let now = tx.now();
    match store::orders::find_unless_locked(tx, id)? {
        Some(stored) if stored.holds_tickets() && stored.reserved_till <= now => {
            end(tx, stored, OrderStatus::Expired)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Ends an order that is stored as holding tickets.
fn end(tx: &mut Tx<'_>, stored: Order, to: OrderStatus) -> Result<(), Error> {
    let mut work = Work::load(tx, stored)?;
    let was = Was::of(&work);
    release(tx, &mut work, to)?;
    work.order.updated_at = if to == OrderStatus::Expired { work.order.reserved_till } else { tx.now() };
    work.save(tx, &was)?;
    Ok(())
}

/// Sets the status of an order, with all that follows; false where it has it already.
pub(super) fn set_status(
    tx: &mut Tx<'_>,
    drawn: &Drawn,
    work: &mut Work,
    to: OrderStatus,
    who: OrderActor,
) -> Result<bool, Error> {
    match work.order.change_status(to, who).map_err(refused)? {
        StatusChange::Nothing => return Ok(false),
        StatusChange::Wait => wait(tx, drawn, work)?,
        StatusChange::Sell => sell(tx, drawn, work)?,
        StatusChange::Release(to) => release(tx, work, to)?,
        StatusChange::Refund => work.order.status = OrderStatus::Refunded,
    }
    Ok(true)
}

fn wait(tx: &mut Tx<'_>, drawn: &Drawn, work: &mut Work) -> Result<(), Error> {
    let tickets = work.tickets();
    work.order.payment.system.get_or_insert(PaymentSystem::Base);
    let till = work.order.waits_till(tx.now());
    if !stock::prolong(tx, work.order.id, till, &tickets)? {
        return Err(hold_is_over());
    }
    work.order.status = OrderStatus::InProgress;
    work.order.reserved_till = till;
    payments::start(tx, &drawn.asking, &mut work.order)
}

fn sell(tx: &mut Tx<'_>, drawn: &Drawn, work: &mut Work) -> Result<(), Error> {
    let now = tx.now();
    let mut attempt = 0;
    loop {
        let tickets: Vec<(TicketId, String)> =
            work.lines.iter().map(|line| (line.ticket, drawn.barcode(line.ticket, attempt))).collect();
        match tx.savepoint(|tx| stock::sell(tx, work.order.id, &tickets)) {
            Ok(true) => break,
            Ok(false) => return Err(hold_is_over()),
            Err(error) if error.violates(stock::BARCODE_KEY) && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
    let uses: BTreeMap<PromocodeId, i64> = work.codes.iter().copied().collect();
    for (id, uses) in uses {
        store::promocodes::use_held(tx, id, uses)?;
    }
    work.order.payment.system.get_or_insert(PaymentSystem::Base);
    work.order.status = OrderStatus::Done;
    work.order.code = Some(drawn.code());
    work.order.done_at = Some(now);
    ledger::sale(tx, &drawn.entries, &work.order, &work.lines)?;
    mailed::mail_tickets(tx, drawn, &work.order, &work.lines)
}

fn release(tx: &mut Tx<'_>, work: &mut Work, to: OrderStatus) -> Result<(), Error> {
    let tickets = work.tickets();
    stock::release(tx, &mut work.counts, work.order.id, &tickets)?;
    let uses: BTreeMap<PromocodeId, i64> = work.codes.iter().copied().collect();
    for (id, uses) in uses {
        store::promocodes::give_back(tx, id, uses)?;
    }
    work.order.status = to;
    Ok(())
}

fn refused(refusal: OrderRefusal) -> Error {
    match refusal {
        OrderRefusal::WrongActor { .. } => Error::forbidden(refusal.to_string()),
        OrderRefusal::NoTickets => Error::invalid("status", "no_tickets", refusal.to_string()),
        OrderRefusal::NotAllowed { .. } | OrderRefusal::PaidElsewhere { .. } => {
            Error::invalid("status", "conflict", refusal.to_string())
        }
    }
}

fn hold_is_over() -> Error {
    Error::conflict("hold_is_over", "the order does not hold all of its tickets any more")
}
