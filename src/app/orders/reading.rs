//! Which orders a caller may read, one by one and in lists, and their tickets.

use std::collections::HashMap;

use super::super::callers::whose;
use super::super::customers;
use super::super::tickets::{self, TicketView};
use super::super::{Error, Window};
use super::work::lost;
use super::{Through, actor};
use crate::domain::access::{self, Caller};
use crate::domain::id::{CustomerId, OrderId, PromocodeId, TicketId};
use crate::domain::order::Order;
use crate::domain::pricing::Line;
use crate::store::{self, Tx};

pub use crate::store::orders::Filter;

/// An order with all that shows with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// The order, as it is at the time of the transaction.
    pub order: Order,
    /// Its tickets with their money, in its own sequence; those that were refunded are left out.
    pub lines: Vec<Line>,
    /// The promocodes given to it.
    pub promocodes: Vec<PromocodeId>,
}

/// Orders as they are at the time of the transaction, with what shows with them.
///
/// # Errors
/// Those of the store.
pub fn views(tx: &mut Tx<'_>, orders: Vec<Order>) -> Result<Vec<OrderView>, Error> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now();
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    let mut lines = store::orders::lines(tx, &orders)?;
    let mut promocodes = store::orders::promocodes(tx, &ids)?;
    let view = |order: Order| OrderView {
        lines: lines.remove(&order.id).unwrap_or_default(),
        promocodes: promocodes.remove(&order.id).unwrap_or_default().into_iter().map(|(id, _)| id).collect(),
        order: order.at(now),
    };
    Ok(orders.into_iter().map(view).collect())
}

/// Those of the orders that the caller may read; unknown ids are left out.
///
/// # Errors
/// Those of the store.
pub fn readable(tx: &mut Tx<'_>, caller: &Caller, ids: &[OrderId]) -> Result<Vec<OrderView>, Error> {
    let mut orders = store::orders::find_all(tx, ids)?;
    orders.retain(|order| access::order_actor(caller, order.vendor, order.org).is_some());
    views(tx, orders)
}

/// One order.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for its vendor, the organizer of its event and the platform.
pub fn get(tx: &mut Tx<'_>, caller: &Caller, id: OrderId) -> Result<OrderView, Error> {
    let order = store::orders::find(tx, id)?.ok_or(Error::NotFound("order"))?;
    actor(caller, &order, Through::V1)?;
    views(tx, vec![order])?.pop().ok_or(Error::NotFound("order"))
}

/// A part of the list of the orders that the caller may read.
///
/// # Errors
/// Those of the store.
pub fn list(
    tx: &mut Tx<'_>,
    caller: &Caller,
    filter: &Filter,
    window: Window<OrderId>,
) -> Result<Vec<OrderView>, Error> {
    let orders = store::orders::list(tx, whose(caller)?, filter, window)?;
    views(tx, orders)
}

/// How many orders the list holds in all.
///
/// # Errors
/// Those of the store.
pub fn count(tx: &mut Tx<'_>, caller: &Caller, filter: &Filter) -> Result<i64, Error> {
    Ok(store::orders::count(tx, whose(caller)?, filter)?)
}

/// A part of the list of a customer's orders.
///
/// # Errors
/// Those of [`customers::own`].
pub fn list_of_customer(
    tx: &mut Tx<'_>,
    caller: &Caller,
    customer: CustomerId,
    filter: &Filter,
    window: Window<OrderId>,
) -> Result<Vec<OrderView>, Error> {
    customers::own(tx, caller, customer)?;
    list(tx, caller, &Filter { customer: Some(customer), ..filter.clone() }, window)
}

/// How many orders a customer has in all.
///
/// # Errors
/// Those of [`list_of_customer`].
pub fn count_of_customer(
    tx: &mut Tx<'_>,
    caller: &Caller,
    customer: CustomerId,
    filter: &Filter,
) -> Result<i64, Error> {
    customers::own(tx, caller, customer)?;
    count(tx, caller, &Filter { customer: Some(customer), ..filter.clone() })
}

/// A part of an order's tickets, in its own sequence.
///
/// # Errors
/// Those of [`get`]; [`Error::Conflict`] where the part before ended with a ticket that the order has no more.
pub fn tickets(
    tx: &mut Tx<'_>,
    caller: &Caller,
    id: OrderId,
    window: Window<TicketId>,
) -> Result<Vec<TicketView>, Error> {
    let view = get(tx, caller, id)?;
    let ids: Vec<TicketId> = view.lines.iter().map(|line| line.ticket).collect();
    let after = match window.after {
        // Where the rest of the list begins is not known any more once the order has lost this ticket.
        Some(after) => ids.iter().position(|id| *id == after).ok_or_else(lost)? + 1,
        None => 0,
    };
    let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let ids: Vec<TicketId> = ids.into_iter().skip(after).skip(whole(window.skip)).take(whole(window.limit)).collect();
    let mut found: HashMap<TicketId, TicketView> =
        tickets::readable(tx, caller, &ids)?.into_iter().map(|view| (view.ticket.id, view)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// How many tickets an order has.
///
/// # Errors
/// Those of [`get`].
pub fn count_tickets(tx: &mut Tx<'_>, caller: &Caller, id: OrderId) -> Result<i64, Error> {
    Ok(get(tx, caller, id)?.order.tickets)
}
