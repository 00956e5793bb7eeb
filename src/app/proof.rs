//! The proof that money and tickets are straight: every order's entries sum to zero and are those that its lines make, its
//! payments are what it was done by, every sold ticket has one buyer, the counters say what the rows do, and nothing is in the
//! ledger that has no cause. It reads everything there is, a bounded part at a time, each on one state of the database, so
//! that it may be run beside a server.

mod money;
mod orders;

use std::collections::HashMap;

use super::Error;
use crate::domain::id::{EntryId, OrderId, PaymentId, PayoutId, PromocodeId, ReturnId, SetId, TicketId};
use crate::domain::order::OrderStatus;
use crate::domain::ticket::TicketStatus;
use crate::store::proof::Stored;
use crate::store::{self, Tx};

/// How many rows of another kind are looked at together.
const ROWS: i64 = 1_000;
/// How many sets are: their tickets are counted.
const SETS: i64 = 20;

/// How far the proof has come: what is looked at next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The orders after this one.
    Orders(Option<OrderId>),
    /// The tickets after this one.
    Tickets(Option<TicketId>),
    /// The sets after this one.
    Sets(Option<SetId>),
    /// The promocodes after this one.
    Promocodes(Option<PromocodeId>),
    /// The payments after this one.
    Payments(Option<PaymentId>),
    /// The returns of money after this one.
    Returns(Option<ReturnId>),
    /// The entries of the ledger after this one.
    Entries(Option<EntryId>),
    /// The payouts after this one.
    Payouts(Option<PayoutId>),
}

impl Place {
    /// Where the proof begins.
    pub const START: Self = Self::Orders(None);

    /// What is looked at there.
    pub const fn of(self) -> &'static str {
        match self {
            Self::Orders(_) => "orders",
            Self::Tickets(_) => "tickets",
            Self::Sets(_) => "sets",
            Self::Promocodes(_) => "promocodes",
            Self::Payments(_) => "payments",
            Self::Returns(_) => "returns",
            Self::Entries(_) => "entries",
            Self::Payouts(_) => "payouts",
        }
    }
}

/// A part of the proof.
#[derive(Clone, Debug)]
pub struct Part {
    /// How many rows were looked at.
    pub looked_at: usize,
    /// What is wrong, a line each, with ids.
    pub wrong: Vec<String>,
    /// Where it goes on, unless all has been looked at.
    pub next: Option<Place>,
}

/// Looks at a part of what there is.
///
/// # Errors
/// Those of the store.
pub fn part(tx: &mut Tx<'_>, place: Place) -> Result<Part, Error> {
    match place {
        Place::Orders(after) => orders::part(tx, after),
        Place::Tickets(after) => tickets(tx, after),
        Place::Sets(after) => sets(tx, after),
        Place::Promocodes(after) => promocodes(tx, after),
        Place::Payments(after) => money::payments(tx, after),
        Place::Returns(after) => money::returns(tx, after),
        Place::Entries(after) => money::entries(tx, after),
        Place::Payouts(after) => money::payouts(tx, after),
    }
}

/// The part after `last`, or else the one that follows this kind.
fn next<I>(last: Option<I>, same: fn(Option<I>) -> Place, following: Option<Place>) -> Option<Place> {
    last.map(|last| same(Some(last))).or(following)
}

fn tickets(tx: &mut Tx<'_>, after: Option<TicketId>) -> Result<Part, Error> {
    let tickets = store::proof::tickets(tx, after, ROWS)?;
    let taken: Vec<TicketId> =
        tickets.iter().filter(|ticket| ticket.status != TicketStatus::Vacant).map(|ticket| ticket.id).collect();
    let owners = if taken.is_empty() { HashMap::new() } else { store::proof::owners(tx, &taken)? };
    let mut wrong = Vec::new();
    for ticket in &tickets {
        let owners = owners.get(&ticket.id).map(Vec::as_slice).unwrap_or_default();
        let buyers =
            owners.iter().filter(|(_, status)| *status == OrderStatus::Done).map(|(order, _)| *order).collect();
        let what = match ticket.status {
            TicketStatus::Vacant => not_vacant(ticket),
            // Of one whose hold is over, the order may still be stored as holding it, though another took it over.
            TicketStatus::Reserved if holds(owners, ticket) => None,
            TicketStatus::Reserved => Some(format!("is reserved for {}, which does not hold it", own(ticket))),
            TicketStatus::Sold => not_sold_once(ticket, buyers),
        };
        wrong.extend(what.map(|what| format!("ticket {}: {what}", ticket.id)));
    }
    let last = tickets.last().map(|ticket| ticket.id);
    Ok(Part { looked_at: tickets.len(), wrong, next: next(last, Place::Tickets, Some(Place::Sets(None))) })
}

fn own(ticket: &Stored) -> String {
    ticket.order.map_or("no order".to_owned(), |order| format!("the order {order}"))
}

fn holds(owners: &[(OrderId, OrderStatus)], ticket: &Stored) -> bool {
    owners.iter().any(|(order, status)| ticket.order == Some(*order) && *status != OrderStatus::Done)
}

fn not_vacant(ticket: &Stored) -> Option<String> {
    match (ticket.order, &ticket.barcode) {
        (None, None) => None,
        (Some(_), _) => Some(format!("is vacant, and has {}", own(ticket))),
        (None, Some(_)) => Some("is vacant, and has a barcode".to_owned()),
    }
}

fn not_sold_once(ticket: &Stored, buyers: Vec<OrderId>) -> Option<String> {
    match buyers.as_slice() {
        [buyer] if ticket.order == Some(*buyer) => None,
        [] => Some(format!("is sold to {}, and in no done order", own(ticket))),
        [buyer] => Some(format!("is sold to {}, and in the order {buyer}", own(ticket))),
        several => {
            let several: Vec<String> = several.iter().map(ToString::to_string).collect();
            Some(format!("is sold {} times, in {}", several.len(), several.join(", ")))
        }
    }
}

fn sets(tx: &mut Tx<'_>, after: Option<SetId>) -> Result<Part, Error> {
    let sets = store::proof::sets(tx, after, SETS)?;
    let taken = if sets.is_empty() { Vec::new() } else { store::proof::taken(tx, &sets)? };
    let unequal = |(set, counted, stored): (SetId, i64, i64)| {
        (counted != stored).then(|| format!("set {set}: counts {counted} tickets as taken, and {stored} are"))
    };
    let mut wrong: Vec<String> = taken.into_iter().filter_map(unequal).collect();
    let sizes = if sets.is_empty() { Vec::new() } else { store::proof::sizes(tx, &sets)? };
    wrong.extend(sizes.into_iter().filter(|(_, meant, there)| meant != there).map(|(set, meant, there)| {
        format!("set {set}: is to have {meant} tickets, with those still to be removed, and has {there}")
    }));
    let last = sets.last().copied();
    Ok(Part { looked_at: sets.len(), wrong, next: next(last, Place::Sets, Some(Place::Promocodes(None))) })
}

fn promocodes(tx: &mut Tx<'_>, after: Option<PromocodeId>) -> Result<Part, Error> {
    let promocodes = store::proof::promocodes(tx, after, ROWS)?;
    let mut wrong = Vec::new();
    for uses in &promocodes {
        for (word, counted, stored) in
            [("held", uses.counted.0, uses.stored.0), ("used", uses.counted.1, uses.stored.1)]
        {
            if counted != stored {
                wrong.push(format!("promocode {}: counts {counted} as {word}, and the orders {stored}", uses.id));
            }
        }
    }
    let last = promocodes.last().map(|uses| uses.id);
    Ok(Part { looked_at: promocodes.len(), wrong, next: next(last, Place::Promocodes, Some(Place::Payments(None))) })
}
