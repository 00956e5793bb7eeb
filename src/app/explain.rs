//! An order's money explained: where every amount of every ticket came from, and which entries it made.

use std::collections::HashMap;

use super::Error;
use crate::domain::access::{self, Caller};
use crate::domain::id::{DealId, OrderId, PartnerId, PromocodeId, RefundId};
use crate::domain::ledger::{Entry, EntryKind};
use crate::domain::member::Right;
use crate::domain::money::Money;
use crate::domain::order::Order;
use crate::domain::pricing::Line;
use crate::domain::terms::AppliedTerm;
use crate::store::{self, Tx};

/// An order with where its money came from.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The order, as it is at the time of the transaction.
    pub order: Order,
    /// Its tickets, refunded ones too, in its own sequence.
    pub tickets: Vec<ExplainedTicket>,
    /// Its entries, in the order in which they were written.
    pub entries: Vec<Entry>,
}

/// A ticket of an order with where its money came from.
#[derive(Clone, Debug)]
pub struct ExplainedTicket {
    /// The ticket with its money.
    pub line: Line,
    /// The promocode's code, where one gave a discount.
    pub code: Option<String>,
    /// How each term came to its share.
    pub terms: Vec<AppliedTerm>,
    /// Who gets what.
    pub shares: Vec<TicketShare>,
    /// The request that it was refunded by.
    pub refund: Option<RefundId>,
}

/// What one of those who share a ticket's money gets.
#[derive(Clone, Debug)]
pub struct TicketShare {
    /// As whom it shares: organizer, platform or agent.
    pub role: EntryKind,
    /// The partner; none for the platform.
    pub partner: Option<PartnerId>,
    /// The deal that says so.
    pub deal: Option<DealId>,
    /// The terms that its share comes from.
    pub from: &'static [&'static str],
    /// How much.
    pub amount: Money,
}

/// Explains an order.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the managers of its vendor, of its event's organizer and of the
/// platform.
pub fn order(tx: &mut Tx<'_>, caller: &Caller, id: OrderId) -> Result<Explanation, Error> {
    let order = store::orders::find(tx, id)?.ok_or(Error::NotFound("order"))?;
    if access::refund_actor(caller, order.vendor, order.org).is_none() || !caller.may(Right::Manage) {
        return Err(Error::forbidden("only the managers of an order's vendor and of its organizer may see its shares"));
    }
    let order = order.at(tx.now());
    let lines = store::orders::all_lines(tx, std::slice::from_ref(&order))?.remove(&id).unwrap_or_default();
    let mut codes: Vec<PromocodeId> = lines.iter().filter_map(|(line, _)| line.promocode).collect();
    codes.sort_unstable();
    codes.dedup();
    let found = if codes.is_empty() { Vec::new() } else { store::promocodes::find_all(tx, &codes)? };
    let codes: HashMap<PromocodeId, String> =
        found.into_iter().map(|promocode| (promocode.id, promocode.code)).collect();
    let tickets = lines
        .into_iter()
        .map(|(line, refund)| ExplainedTicket {
            code: line.promocode.and_then(|id| codes.get(&id).cloned()),
            terms: order.sale.explain(&line),
            shares: shares(&order, &line),
            line,
            refund,
        })
        .collect();
    let entries = store::ledger::of_orders(tx, &[id])?.remove(&id).unwrap_or_default();
    Ok(Explanation { order, tickets, entries })
}

/// What each gets, and of which terms it is made; the agent gets what remains.
fn shares(order: &Order, line: &Line) -> Vec<TicketShare> {
    use EntryKind::{Agent, Organizer, Platform};
    let deal = order.sale.deal();
    let split = &line.split;
    let share = |role, partner, from, amount| TicketShare { role, partner, deal, from, amount };
    let platform = share(Platform, None, &["core"][..], split.core);
    match deal {
        Some(_) => vec![
            share(Organizer, Some(order.org), &["org"][..], split.org),
            platform,
            share(Agent, Some(order.vendor), &["extra", "core", "org"][..], split.agent),
        ],
        None => vec![share(Organizer, Some(order.org), &["fee", "core"][..], split.org), platform],
    }
}
