//! Refund requests: asking for tickets back, approving and rejecting, and who may see them.

use std::collections::HashMap;

use jiff::Timestamp;

use super::callers::whose;
use super::ledger::{self, EntryIds};
use super::orders::OrderTicket;
use super::{Error, Window, payments};
use crate::domain::access::{self, Caller};
use crate::domain::id::{EventId, OrderId, PartnerId, RefundId, TicketId};
use crate::domain::member::Right;
use crate::domain::order::{Order, OrderActor, OrderStatus};
use crate::domain::pricing::{Line, Values};
use crate::domain::refund::{
    self, Culprit, EventState, Refund, RefundActor, RefundChange, RefundRefusal, RefundStatus, Which,
};
use crate::domain::ticket::{Ticket, TicketStatus};
use crate::store::stock::{self, Counts};
use crate::store::{self, Tx};

pub use crate::store::refunds::{By, Filter, Place, Sort};

/// A refund request with what is left of its order.
#[derive(Clone, Debug)]
pub struct RefundView {
    /// The request.
    pub refund: Refund,
    /// The tickets of its order that are not refunded, nor asked for by it.
    pub stay: Vec<TicketId>,
}

/// What refund requests name, and only with them is known: a ticket has the prices of the order that sold it.
#[derive(Clone, Debug, Default)]
pub struct NamedByRefunds {
    /// Their orders.
    pub orders: Vec<Order>,
    /// Their tickets, given back or not, request by request; one may be in several.
    pub tickets: Vec<OrderTicket>,
}

/// A refund request to be made.
#[derive(Clone, Debug)]
pub struct NewRefund {
    /// The order.
    pub order: OrderId,
    /// Whose decision it is.
    pub culprit: Culprit,
    /// Which of its tickets.
    pub which: Which,
    /// When the customer asked for it; now, unless given.
    pub requested_at: Option<Timestamp>,
}

/// One refund request.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the order's vendor, the event's organizer and the platform.
pub fn get(tx: &mut Tx<'_>, caller: &Caller, id: RefundId) -> Result<RefundView, Error> {
    let refund = store::refunds::find(tx, id)?.ok_or(Error::NotFound("refund request"))?;
    actor(caller, refund.vendor, refund.org)?;
    view(tx, refund)
}

/// A part of the list of the caller's refund requests; of all for the platform.
///
/// # Errors
/// Those of the store.
pub fn list(
    tx: &mut Tx<'_>,
    caller: &Caller,
    filter: &Filter,
    window: Window<Place>,
) -> Result<Vec<RefundView>, Error> {
    let refunds = store::refunds::list(tx, whose(caller)?, filter, window)?;
    views(tx, refunds)
}

/// A part of the same list, without what is left of the orders.
///
/// # Errors
/// Those of the store.
pub fn list_alone(
    tx: &mut Tx<'_>,
    caller: &Caller,
    filter: &Filter,
    window: Window<Place>,
) -> Result<Vec<Refund>, Error> {
    Ok(store::refunds::list(tx, whose(caller)?, filter, window)?)
}

/// What refund requests that the caller may read name, as many statements however many they are.
///
/// # Errors
/// Those of the store.
pub fn named_by(tx: &mut Tx<'_>, refunds: &[Refund]) -> Result<NamedByRefunds, Error> {
    if refunds.is_empty() {
        return Ok(NamedByRefunds::default());
    }
    let now = tx.now();
    let mut ids: Vec<OrderId> = refunds.iter().map(|refund| refund.order).collect();
    ids.sort_unstable();
    ids.dedup();
    let orders: Vec<Order> = store::orders::find_all(tx, &ids)?.into_iter().map(|order| order.at(now)).collect();
    let lines = store::orders::all_lines(tx, &orders)?;
    let mut ids: Vec<TicketId> = refunds.iter().flat_map(|refund| refund.tickets.iter().copied()).collect();
    ids.sort_unstable();
    ids.dedup();
    let found: HashMap<TicketId, Ticket> =
        store::tickets::find_all(tx, &ids)?.into_iter().map(|ticket| (ticket.id, ticket.at(now))).collect();
    let by_id: HashMap<OrderId, &Order> = orders.iter().map(|order| (order.id, order)).collect();
    let mut tickets = Vec::with_capacity(ids.len());
    for refund in refunds {
        let lost = || Error::Internal(format!("the refund request {} has lost its order or a ticket", refund.id));
        let order = by_id.get(&refund.order).ok_or_else(lost)?;
        let lines: HashMap<TicketId, &Line> =
            lines.get(&refund.order).into_iter().flatten().map(|(line, _)| (line.ticket, line)).collect();
        for id in &refund.tickets {
            let line = *lines.get(id).ok_or_else(lost)?;
            let mut ticket = found.get(id).ok_or_else(lost)?.clone();
            // A request shows its tickets as they were sold, whoever has them by now.
            ticket.status = TicketStatus::Sold;
            tickets.push(OrderTicket::of(order, line.clone(), ticket));
        }
    }
    Ok(NamedByRefunds { orders, tickets })
}

/// How many refund requests the list holds in all.
///
/// # Errors
/// Those of the store.
pub fn count(tx: &mut Tx<'_>, caller: &Caller, filter: &Filter) -> Result<i64, Error> {
    Ok(store::refunds::count(tx, whose(caller)?, filter)?)
}

/// Those of the requests, with what is left of their orders.
fn views(tx: &mut Tx<'_>, refunds: Vec<Refund>) -> Result<Vec<RefundView>, Error> {
    let mut orders: Vec<OrderId> = refunds.iter().map(|refund| refund.order).collect();
    orders.sort_unstable();
    orders.dedup();
    let staying = if orders.is_empty() { Default::default() } else { store::refunds::staying(tx, &orders)? };
    let view = |refund: Refund| {
        let live = staying.get(&refund.order).map(Vec::as_slice).unwrap_or_default();
        let stay = live.iter().filter(|ticket| !refund.tickets.contains(ticket)).copied().collect();
        RefundView { refund, stay }
    };
    Ok(refunds.into_iter().map(view).collect())
}

fn view(tx: &mut Tx<'_>, refund: Refund) -> Result<RefundView, Error> {
    let views = views(tx, vec![refund])?;
    views.into_iter().next().ok_or_else(|| Error::Internal("a refund request without a view".into()))
}

/// Asks for tickets of a done order back.
///
/// # Errors
/// [`Error::Invalid`] naming the field; [`Error::Forbidden`] but for the order's vendor, the event's organizer and the
/// platform.
pub fn create(tx: &mut Tx<'_>, caller: &Caller, id: RefundId, new: &NewRefund) -> Result<RefundView, Error> {
    let order = store::orders::find(tx, new.order)?
        .ok_or_else(|| Error::invalid("order", "unknown", format!("Order {} not found", new.order)))?;
    let actor = actor(caller, order.vendor, order.org)?;
    let order = order.at(tx.now());
    done(&order)?;
    let event = event_state(tx, order.event)?;
    refund::check_event(new.culprit, event, actor).map_err(refused)?;
    let chosen = refund::choose(&live(tx, &order)?, &new.which).map_err(refused)?;
    let (nominal, customer_money) = refund::sums(&order.sale, &chosen, new.culprit, order.currency)
        .ok_or_else(|| Error::Internal(format!("the sums of the refund request {id} are beyond 64 bits")))?;
    let now = tx.now();
    let refund = Refund {
        id,
        order: order.id,
        event: order.event,
        org: order.org,
        vendor: order.vendor,
        culprit: new.culprit,
        status: RefundStatus::New,
        payment_system: order.payment.system,
        tickets: chosen.iter().map(|line| line.ticket).collect(),
        nominal,
        customer_money,
        requested_at: new.requested_at.unwrap_or(now),
        finished_at: None,
        created_at: now,
        updated_at: now,
    };
    store::refunds::insert(tx, &refund)?;
    view(tx, refund)
}

/// Approves or rejects a refund request. Approved, its tickets are on sale again, unless a payment system has to send the
/// money back first. `ids` are those of the entries.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the managers of the order's vendor, of the event's organizer and of the
/// platform, and where the organizer approves by itself; [`Error::Invalid`] saying why it cannot be answered so.
pub fn change(
    tx: &mut Tx<'_>,
    caller: &Caller,
    ids: &EntryIds,
    id: RefundId,
    to: Option<RefundStatus>,
) -> Result<RefundView, Error> {
    let found = store::refunds::find(tx, id)?.ok_or(Error::NotFound("refund request"))?;
    let actor = actor(caller, found.vendor, found.org)?;
    if !caller.may(Right::Manage) {
        return Err(Error::forbidden("only owners and managers may answer a refund request"));
    }
    let Some(to) = to else { return view(tx, found) };
    let refund = answer(tx, ids, &found, to, actor)?;
    view(tx, refund)
}

/// Approves a request whose money a payment system has sent back.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for a request that does not wait for that.
pub fn sent_back(tx: &mut Tx<'_>, ids: &EntryIds, id: RefundId) -> Result<Refund, Error> {
    let found = store::refunds::find(tx, id)?.ok_or(Error::NotFound("refund request"))?;
    answer(tx, ids, &found, RefundStatus::Approved, RefundActor::PaymentSystem)
}

/// Of two answers at once the second waits for the order, and finds the request answered.
fn answer(
    tx: &mut Tx<'_>,
    ids: &EntryIds,
    found: &Refund,
    to: RefundStatus,
    actor: RefundActor,
) -> Result<Refund, Error> {
    let event = event_state(tx, found.event)?;
    let missing = || Error::Internal(format!("the refund request {} without its order", found.id));
    let mut order = store::orders::find_locked(tx, found.order)?.ok_or_else(missing)?;
    let mut refund = store::refunds::find_locked(tx, found.id)?.ok_or_else(missing)?;
    let approval = store::settings::find(tx, refund.org)?.refund_approval;
    let former = refund.status;
    match refund.change_status(to, actor, event, approval).map_err(refused)? {
        RefundChange::Reject => {
            refund.status = RefundStatus::Rejected;
            refund.finished_at = Some(tx.now());
        }
        RefundChange::SendBack => {
            chosen_lines(tx, &order, &refund)?;
            payments::refund(tx, &refund)?;
            refund.status = RefundStatus::InProgress;
        }
        RefundChange::GiveBack => {
            let lines = chosen_lines(tx, &order, &refund)?;
            give_back(tx, ids, &mut order, &lines, &refund)?;
            refund.status = RefundStatus::Approved;
            refund.finished_at = Some(tx.now());
        }
    }
    refund.updated_at = tx.now();
    if !store::refunds::set_status(tx, &refund, former)? {
        return Err(Error::conflict(
            "changed_meanwhile",
            "the refund request was answered at the same time: read it again",
        ));
    }
    Ok(refund)
}

/// The lines of a request, as long as they are its order's and no other request has them.
fn chosen_lines(tx: &mut Tx<'_>, order: &Order, refund: &Refund) -> Result<Vec<Line>, Error> {
    let mut lines = live(tx, order)?;
    lines.retain(|line| refund.tickets.contains(&line.ticket));
    if lines.len() != refund.tickets.len() || store::refunds::being_sent(tx, refund)? {
        return Err(refused(RefundRefusal::TicketsTaken));
    }
    Ok(lines)
}

/// Puts the tickets back on sale, takes them out of the order, and writes down what everyone returns.
fn give_back(tx: &mut Tx<'_>, ids: &EntryIds, order: &mut Order, lines: &[Line], refund: &Refund) -> Result<(), Error> {
    let mut counts = Counts::default();
    let released = stock::release(tx, &mut counts, order.id, &refund.tickets)?;
    if released.len() != refund.tickets.len() || !store::refunds::take_lines(tx, refund)? {
        return Err(Error::Internal(format!("the order {} does not have the tickets it sold", order.id)));
    }
    ledger::refund(tx, ids, order, lines, refund)?;
    let rest = live(tx, order)?;
    order.values = Values::of(&rest, order.currency)
        .ok_or_else(|| Error::Internal(format!("the sums of the order {} are beyond 64 bits", order.id)))?;
    order.tickets = i64::try_from(rest.len()).unwrap_or(i64::MAX);
    if rest.is_empty() {
        order
            .change_status(OrderStatus::Refunded, OrderActor::System)
            .map_err(|refusal| Error::Internal(refusal.to_string()))?;
        order.status = OrderStatus::Refunded;
    }
    order.updated_at = tx.now();
    if !store::orders::update(tx, order)? {
        return Err(Error::conflict("changed_meanwhile", "the order was changed at the same time: try again"));
    }
    counts.write(tx, order.id)?;
    Ok(())
}

/// As whom the caller deals with refunds of an order.
fn actor(caller: &Caller, vendor: PartnerId, org: PartnerId) -> Result<RefundActor, Error> {
    access::refund_actor(caller, vendor, org).ok_or_else(|| {
        Error::forbidden("only the order's vendor, the event's organizer and the platform may see and make its refunds")
    })
}

fn done(order: &Order) -> Result<(), Error> {
    match order.status {
        OrderStatus::Done => Ok(()),
        status => Err(refused(RefundRefusal::WrongOrder { order: order.id, status })),
    }
}

/// The event stays as it is until the transaction ends.
fn event_state(tx: &mut Tx<'_>, event: EventId) -> Result<EventState, Error> {
    let now = tx.now();
    let found = store::events::find_shared(tx, event)?;
    let event = found.ok_or_else(|| Error::Internal(format!("an order without its event {event}")))?;
    Ok(EventState::of(&event, now))
}

fn live(tx: &mut Tx<'_>, order: &Order) -> Result<Vec<Line>, Error> {
    let mut lines = store::orders::lines(tx, std::slice::from_ref(order))?;
    Ok(lines.remove(&order.id).unwrap_or_default())
}

fn refused(refusal: RefundRefusal) -> Error {
    let (field, code) = match refusal {
        RefundRefusal::Reserved => return Error::forbidden(refusal.to_string()),
        RefundRefusal::WrongOrder { .. } => ("order", "conflict"),
        RefundRefusal::BadTickets => ("tickets_refund", "unknown"),
        RefundRefusal::NoTickets => ("tickets_refund", "required"),
        RefundRefusal::TicketsTaken | RefundRefusal::Finished => ("status", "conflict"),
        RefundRefusal::NotOpen(_) | RefundRefusal::NotRejectable(_) => ("status", "conflict"),
        RefundRefusal::NotSettable => ("status", "out_of_range"),
        RefundRefusal::OnlyOrg | RefundRefusal::OnlyUser => ("culprit", "conflict"),
    };
    Error::invalid(field, code, refusal.to_string())
}
