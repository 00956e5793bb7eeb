//! Orders with all that is needed to show them in one answer: their tickets, and what the sets of their events cost them.

use std::collections::HashMap;

use super::super::{Error, Window};
use super::{Filter, OrderView, choosing};
use crate::domain::access::Caller;
use crate::domain::event::Event;
use crate::domain::id::{EventId, OrderId, PromocodeId, SetId, TicketId};
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderStatus, VendorData};
use crate::domain::pricing::Line;
use crate::domain::promocode::Promocode;
use crate::domain::set::{Set, current_rule};
use crate::domain::ticket::{Ticket, TicketStatus};
use crate::store::{self, Tx};

/// An order as one caller sees it, with all that shows with it.
#[derive(Clone, Debug)]
pub struct WholeOrder {
    /// The order.
    pub view: OrderView,
    /// Its tickets, in its own sequence.
    pub tickets: Vec<OrderTicket>,
    /// What a ticket of each set that is for sale now costs in it, by the sets' place.
    pub offers: Vec<Offer>,
    /// What its vendor keeps with it; nothing for who may not see it.
    pub vendor_data: Option<VendorData>,
}

/// A ticket of an order with its money.
#[derive(Clone, Debug)]
pub struct OrderTicket {
    /// Its money.
    pub line: Line,
    /// The ticket, as it is at the time.
    pub ticket: Ticket,
    /// What opens the gate, while this order is the one that bought it.
    pub barcode: Option<String>,
}

impl OrderTicket {
    /// A line of an order with its ticket.
    pub(in crate::app) fn of(order: &Order, line: Line, ticket: Ticket) -> Self {
        let bought =
            order.status == OrderStatus::Done && ticket.status == TicketStatus::Sold && ticket.order == Some(order.id);
        Self { barcode: ticket.barcode.clone().filter(|_| bought), line, ticket }
    }
}

/// What a ticket of a set costs in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The set.
    pub set: SetId,
    /// The price before discount.
    pub price: Money,
    /// What a promocode of the order takes off.
    pub discount: Money,
    /// The price after discount.
    pub nominal: Money,
    /// That promocode.
    pub promocode: Option<PromocodeId>,
}

/// One order with all that shows with it.
///
/// # Errors
/// Those of [`super::get`].
pub fn get_whole(tx: &mut Tx<'_>, caller: &Caller, id: OrderId) -> Result<WholeOrder, Error> {
    let view = super::get(tx, caller, id)?;
    whole(tx, caller, view)
}

/// A part of the list of the orders that the caller may read, with all that shows with them.
///
/// # Errors
/// Those of the store.
pub fn list_whole(
    tx: &mut Tx<'_>,
    caller: &Caller,
    filter: &Filter,
    window: Window<OrderId>,
) -> Result<Vec<WholeOrder>, Error> {
    let views = super::list(tx, caller, filter, window)?;
    all_whole(tx, caller, views)
}

/// An order that the caller may read, with all that shows with it.
///
/// # Errors
/// Those of the store.
pub fn whole(tx: &mut Tx<'_>, caller: &Caller, view: OrderView) -> Result<WholeOrder, Error> {
    let whole = all_whole(tx, caller, vec![view])?.pop();
    whole.ok_or_else(|| Error::Internal("an order was lost on its way".to_owned()))
}

fn all_whole(tx: &mut Tx<'_>, caller: &Caller, views: Vec<OrderView>) -> Result<Vec<WholeOrder>, Error> {
    if views.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now();
    let ids: Vec<TicketId> = views.iter().flat_map(|view| view.lines.iter().map(|line| line.ticket)).collect();
    let ids = distinct(ids);
    let tickets: HashMap<TicketId, Ticket> =
        store::tickets::find_all(tx, &ids)?.into_iter().map(|ticket| (ticket.id, ticket.at(now))).collect();
    let events = distinct(views.iter().map(|view| view.order.event).collect());
    let sets = sets_for_sale(tx, &events)?;
    let codes = distinct(views.iter().flat_map(|view| view.promocodes.iter().copied()).collect());
    let codes = if codes.is_empty() { Vec::new() } else { store::promocodes::find_all(tx, &codes)? };
    let codes: HashMap<PromocodeId, Promocode> = codes.into_iter().map(|code| (code.id, code)).collect();

    let mut orders = Vec::with_capacity(views.len());
    for view in views {
        let order = &view.order;
        let mut shown = Vec::with_capacity(view.lines.len());
        for line in &view.lines {
            let ticket = tickets.get(&line.ticket).cloned();
            let ticket =
                ticket.ok_or_else(|| Error::Internal(format!("the ticket {} of an order is gone", line.ticket)))?;
            shown.push(OrderTicket::of(order, line.clone(), ticket));
        }
        let offers = sets.get(&order.event).into_iter().flatten().filter_map(|set| offer(set, &view, &codes, now));
        let sees_data = caller.is_platform() || caller.acts_for(order.vendor);
        orders.push(WholeOrder {
            offers: offers.collect(),
            tickets: shown,
            vendor_data: order.vendor_data.clone().filter(|_| sees_data),
            view,
        });
    }
    Ok(orders)
}

/// The sets of those of the events that are open for sale, by their place.
fn sets_for_sale(tx: &mut Tx<'_>, events: &[EventId]) -> Result<HashMap<EventId, Vec<Set>>, Error> {
    let now = tx.now();
    let open: Vec<Event> = store::events::find_all(tx, events)?
        .into_iter()
        .filter(|event| choosing::open_for_sale(event, now).is_ok())
        .collect();
    let open: Vec<EventId> = open.iter().map(|event| event.id).collect();
    let mut sets: HashMap<EventId, Vec<Set>> = HashMap::new();
    // Asked for even where none is open, so that the number of statements says nothing.
    for set in store::sets::of_events(tx, &open, false)? {
        sets.entry(set.event).or_default().push(set);
    }
    Ok(sets)
}

/// What a ticket of a set costs in an order: as those that it has, else by the set's current rule and the best of the
/// promocodes that count in the order.
fn offer(set: &Set, view: &OrderView, codes: &HashMap<PromocodeId, Promocode>, now: jiff::Timestamp) -> Option<Offer> {
    let current = current_rule(&set.rules, now)?;
    if let Some(line) = view.lines.iter().find(|line| line.set == set.id) {
        let Line { price, discount, promocode, split, .. } = line;
        return Some(Offer {
            set: set.id,
            price: *price,
            discount: *discount,
            nominal: split.nominal,
            promocode: *promocode,
        });
    }
    let price = current.price;
    let plain = Offer { set: set.id, price, discount: Money::zero(price.currency), nominal: price, promocode: None };
    let counts = |code: &&Promocode| view.lines.iter().any(|line| line.promocode == Some(code.id));
    let offers =
        view.promocodes.iter().filter_map(|id| codes.get(id)).filter(counts).filter(|code| code.is_for(set.id));
    Some(offers.fold(plain, |best, code| {
        let discount = code.discount.of(price);
        match view.order.sale.split(price, discount) {
            Ok(split) if split.sellable && discount.minor > best.discount.minor => {
                Offer { discount, nominal: split.nominal, promocode: Some(code.id), ..best }
            }
            _ => best,
        }
    }))
}

fn distinct<I: Ord>(mut ids: Vec<I>) -> Vec<I> {
    ids.sort_unstable();
    ids.dedup();
    ids
}
