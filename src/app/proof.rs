//! The proof that money and tickets are straight: every order's entries sum to zero and are those that its lines make, every
//! sold ticket has one buyer, and the counters say what the rows do. It reads everything there is, a bounded part at a time,
//! each on one state of the database, so that it may be run beside a server.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;

use super::Error;
use crate::domain::id::{OrderId, PromocodeId, RefundId, SetId, TicketId};
use crate::domain::ledger::{self, Cause, Entry, Posting};
use crate::domain::order::{Order, OrderStatus};
use crate::domain::pricing::{Line, Values};
use crate::domain::refund::{Refund, RefundStatus};
use crate::domain::ticket::{Ticket, TicketStatus};
use crate::store::{self, Tx};

/// How many orders, each with up to a thousand tickets, are looked at together.
const ORDERS: i64 = 100;
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
        Place::Orders(after) => orders(tx, after),
        Place::Tickets(after) => tickets(tx, after),
        Place::Sets(after) => sets(tx, after),
        Place::Promocodes(after) => promocodes(tx, after),
    }
}

/// The part after `last`, or else the one that follows this kind.
fn next<I>(last: Option<I>, same: fn(Option<I>) -> Place, following: Option<Place>) -> Option<Place> {
    last.map(|last| same(Some(last))).or(following)
}

fn orders(tx: &mut Tx<'_>, after: Option<OrderId>) -> Result<Part, Error> {
    let ids = store::proof::orders(tx, after, ORDERS)?;
    let mut wrong = Vec::new();
    if !ids.is_empty() {
        let orders = store::orders::find_all(tx, &ids)?;
        let mut lines = store::orders::all_lines(tx, &orders)?;
        let mut entries = store::ledger::of_orders(tx, &ids)?;
        let mut refunds = store::refunds::of_orders(tx, &ids)?;
        for order in &orders {
            let lines = lines.remove(&order.id).unwrap_or_default();
            let live: Vec<TicketId> =
                lines.iter().filter(|(_, refund)| refund.is_none()).map(|(line, _)| line.ticket).collect();
            let tickets = match order.status {
                OrderStatus::Done => store::tickets::find_all(tx, &live)?,
                _ => Vec::new(),
            };
            let seen = Seen {
                order,
                lines,
                tickets: tickets.into_iter().map(|ticket| (ticket.id, ticket)).collect(),
                entries: entries.remove(&order.id).unwrap_or_default(),
                refunds: refunds.remove(&order.id).unwrap_or_default(),
            };
            seen.check(&mut wrong);
        }
    }
    Ok(Part { looked_at: ids.len(), wrong, next: next(ids.last().copied(), Place::Orders, Some(Place::Tickets(None))) })
}

/// An order and all that belongs to it.
struct Seen<'a> {
    order: &'a Order,
    lines: Vec<(Line, Option<RefundId>)>,
    tickets: HashMap<TicketId, Ticket>,
    entries: Vec<Entry>,
    refunds: Vec<Refund>,
}

impl Seen<'_> {
    fn check(&self, wrong: &mut Vec<String>) {
        let id = self.order.id;
        let mut say = |what: String| wrong.push(format!("order {id}: {what}"));
        let sum: i128 = self.entries.iter().map(|entry| i128::from(entry.amount.minor)).sum();
        if sum != 0 {
            say(format!("its entries sum to {sum} minor units, not to 0"));
        }
        if self.entries.iter().any(|entry| entry.amount.currency != self.order.currency) {
            say(format!("an entry is not in {}", self.order.currency));
        }
        for (line, _) in &self.lines {
            if let Some(what) = unequal(line) {
                say(format!("ticket {}: {what}", line.ticket));
            }
        }
        self.check_values(&mut say);
        self.check_entries(&mut say);
        self.check_refunds(&mut say);
        if self.order.status == OrderStatus::Done {
            self.check_tickets(&mut say);
        }
    }

    fn check_values(&self, say: &mut impl FnMut(String)) {
        let order = self.order;
        let live: Vec<&Line> = self.lines.iter().filter(|(_, refund)| refund.is_none()).map(|(line, _)| line).collect();
        if Values::of(live.iter().copied(), order.currency) != Some(order.values) {
            say("its values are not the sums of its tickets".to_owned());
        }
        if i64::try_from(live.len()) != Ok(order.tickets) {
            say(format!("it has {} tickets and says {}", live.len(), order.tickets));
        }
        if order.status == OrderStatus::Refunded && !live.is_empty() {
            say(format!("it is refunded and has {} tickets left", live.len()));
        }
    }

    /// The sale, and each refund, wrote what the rules say.
    fn check_entries(&self, say: &mut impl FnMut(String)) {
        let paid = matches!(self.order.status, OrderStatus::Done | OrderStatus::Refunded);
        let of_sale: Vec<Line> = self.lines.iter().map(|(line, _)| line.clone()).collect();
        let sold = if paid { ledger::sale(self.order, &of_sale) } else { Some(Vec::new()) };
        self.check_cause(&"its sale", |cause| *cause == Cause::Sale, sold, say);
        for refund in &self.refunds {
            let returned = match refund.status {
                RefundStatus::Approved => {
                    let of_refund = self.lines.iter().filter(|(_, taken)| *taken == Some(refund.id));
                    let lines: Vec<Line> = of_refund.map(|(line, _)| line.clone()).collect();
                    ledger::refund(self.order, &lines, refund.culprit)
                }
                RefundStatus::New | RefundStatus::InProgress | RefundStatus::Rejected => Some(Vec::new()),
            };
            let name = format!("the refund request {}", refund.id);
            self.check_cause(&name, |cause| cause.refund() == Some(refund.id), returned, say);
        }
        let known: BTreeSet<RefundId> = self.refunds.iter().map(|refund| refund.id).collect();
        for unknown in self.entries.iter().filter_map(|entry| entry.cause.refund()).filter(|id| !known.contains(id)) {
            say(format!("it has an entry of the refund request {unknown}, which is not its own"));
        }
    }

    fn check_cause(
        &self,
        name: &dyn Display,
        of: impl Fn(&Cause) -> bool,
        expected: Option<Vec<Posting>>,
        say: &mut impl FnMut(String),
    ) {
        let key = |posting: &Posting| (posting.kind.as_str(), posting.account.as_str(), posting.account.partner());
        let mut written: Vec<Posting> = self
            .entries
            .iter()
            .filter(|entry| of(&entry.cause))
            .map(|entry| Posting { account: entry.account, kind: entry.kind, amount: entry.amount })
            .collect();
        let mut expected = expected.unwrap_or_default();
        written.sort_by_key(key);
        expected.sort_by_key(key);
        if written != expected {
            let list = |postings: &[Posting]| {
                let one = |posting: &Posting| format!("{} {}", posting.kind, posting.amount);
                let all: Vec<String> = postings.iter().map(one).collect();
                if all.is_empty() { "none".to_owned() } else { all.join(", ") }
            };
            say(format!("the entries of {name} are {}, and should be {}", list(&written), list(&expected)));
        }
    }

    fn check_refunds(&self, say: &mut impl FnMut(String)) {
        let approved: HashMap<RefundId, &Refund> = self
            .refunds
            .iter()
            .filter(|refund| refund.status == RefundStatus::Approved)
            .map(|refund| (refund.id, refund))
            .collect();
        for (line, taken) in &self.lines {
            let Some(taken) = taken else { continue };
            if !approved.get(taken).is_some_and(|refund| refund.tickets.contains(&line.ticket)) {
                say(format!("ticket {}: belongs to {taken}, which is no approved request for it", line.ticket));
            }
        }
        for refund in approved.values() {
            for ticket in &refund.tickets {
                if !self.lines.iter().any(|(line, taken)| line.ticket == *ticket && *taken == Some(refund.id)) {
                    say(format!("ticket {ticket}: is not given back, though the request {} is approved", refund.id));
                }
            }
        }
    }

    fn check_tickets(&self, say: &mut impl FnMut(String)) {
        for (line, _) in self.lines.iter().filter(|(_, refund)| refund.is_none()) {
            match self.tickets.get(&line.ticket) {
                None => say(format!("ticket {}: does not exist", line.ticket)),
                Some(ticket) if ticket.status != TicketStatus::Sold || ticket.order != Some(self.order.id) => {
                    say(format!("ticket {}: is {}, and not sold to it", line.ticket, ticket.status));
                }
                Some(ticket) if ticket.barcode.is_none() => {
                    say(format!("ticket {}: is sold without a barcode", line.ticket));
                }
                Some(_) => {}
            }
        }
    }
}

/// What does not add up in the money of a ticket.
fn unequal(line: &Line) -> Option<String> {
    let split = &line.split;
    let sum = |parts: &[i64]| parts.iter().map(|part| i128::from(*part)).sum::<i128>();
    let full = i128::from(split.full.minor);
    if sum(&[split.org.minor, split.core.minor, split.agent.minor]) != full {
        Some(format!(
            "the shares {} + {} + {} are not the {} that the customer paid",
            split.org, split.core, split.agent, split.full
        ))
    } else if sum(&[split.nominal.minor, split.extra.minor]) != full {
        Some(format!("{} + {} is not the {} that the customer paid", split.nominal, split.extra, split.full))
    } else if sum(&[split.nominal.minor, line.discount.minor]) != i128::from(line.price.minor) {
        Some(format!("{} - {} is not the nominal {}", line.price, line.discount, split.nominal))
    } else {
        None
    }
}

fn tickets(tx: &mut Tx<'_>, after: Option<TicketId>) -> Result<Part, Error> {
    let tickets = store::proof::tickets(tx, after, ROWS)?;
    let sold: Vec<TicketId> =
        tickets.iter().filter(|ticket| ticket.status == TicketStatus::Sold).map(|ticket| ticket.id).collect();
    let buyers = if sold.is_empty() { HashMap::new() } else { store::proof::buyers(tx, &sold)? };
    let mut wrong = Vec::new();
    for ticket in tickets.iter().filter(|ticket| ticket.status == TicketStatus::Sold) {
        let buyers = buyers.get(&ticket.id).map(Vec::as_slice).unwrap_or_default();
        let own = ticket.order.map_or("no order".to_owned(), |order| format!("the order {order}"));
        match buyers {
            [buyer] if ticket.order == Some(*buyer) => {}
            [] => wrong.push(format!("ticket {}: is sold to {own}, and in no done order", ticket.id)),
            [buyer] => wrong.push(format!("ticket {}: is sold to {own}, and in the order {buyer}", ticket.id)),
            several => {
                let several: Vec<String> = several.iter().map(ToString::to_string).collect();
                wrong.push(format!("ticket {}: is sold {} times, in {}", ticket.id, several.len(), several.join(", ")));
            }
        }
    }
    let last = tickets.last().map(|ticket| ticket.id);
    Ok(Part { looked_at: tickets.len(), wrong, next: next(last, Place::Tickets, Some(Place::Sets(None))) })
}

fn sets(tx: &mut Tx<'_>, after: Option<SetId>) -> Result<Part, Error> {
    let sets = store::proof::sets(tx, after, SETS)?;
    let taken = if sets.is_empty() { Vec::new() } else { store::proof::taken(tx, &sets)? };
    let unequal = |(set, counted, stored): (SetId, i64, i64)| {
        (counted != stored).then(|| format!("set {set}: counts {counted} tickets as taken, and {stored} are"))
    };
    let wrong = taken.into_iter().filter_map(unequal).collect();
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
    Ok(Part { looked_at: promocodes.len(), wrong, next: next(last, Place::Promocodes, None) })
}
