//! What an order is sold, and on what terms: whether it may be, and taking and giving back its tickets.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::super::{Error, Installation};
use super::creating::no_event;
use super::work::Work;
use super::{NewOrder, Wanted};
use crate::domain::deal::DealStatus;
use crate::domain::event::{Event, EventStatus};
use crate::domain::id::{DealId, PartnerId, SetId, TicketId};
use crate::domain::order::{Order, OrderStatus, TICKETS_MAX};
use crate::domain::pricing::Sale;
use crate::domain::set::{Rule, Set, current_rule};
use crate::domain::share::Share;
use crate::store::stock::{self, Counts, Place};
use crate::store::{self, Tx};

/// The event of a new order; nobody changes it until the transaction ends.
pub(super) fn event_of(tx: &mut Tx<'_>, new: &NewOrder) -> Result<Event, Error> {
    let id = match (new.event, &new.changes.wish) {
        (Some(event), _) => event,
        (None, Some(Wanted::Tickets(tickets))) => {
            let first = tickets.first().copied().ok_or_else(no_event)?;
            store::tickets::find(tx, first)?.ok_or_else(|| unknown_ticket(0))?.event
        }
        (None, _) => return Err(no_event()),
    };
    store::events::find_shared(tx, id)?
        .ok_or_else(|| Error::invalid("event", "unknown", "there is no event with this id"))
}

/// On what terms a partner sells tickets of an event now.
pub(super) fn sale_of(
    tx: &mut Tx<'_>,
    installation: &Installation,
    vendor: PartnerId,
    event: &Event,
    deal: Option<DealId>,
) -> Result<Sale, Error> {
    if let Some(id) = deal {
        let now = tx.now();
        let deal = store::deals::find(tx, id)?
            .filter(|deal| deal.agent == vendor && deal.event == event.id)
            .ok_or_else(|| Error::invalid("deal", "unknown", "you have no deal about this event with this id"))?
            .at(now);
        if deal.status != DealStatus::Accepted {
            return Err(Error::invalid(
                "deal",
                "not_for_sale",
                format!("the deal is {}: it is not in force", deal.status),
            ));
        }
        return Ok(Sale::Deal { deal: deal.id, terms: deal.term });
    }
    if event.org == vendor {
        let settings = store::settings::find(tx, vendor)?;
        let fits = |share: &Share| share.currency().is_none_or(|currency| currency == event.currency);
        return Ok(Sale::Own {
            fee: Some(settings.extra).filter(fits).unwrap_or(Share::ZERO),
            core: settings.core.filter(fits).unwrap_or(installation.core),
        });
    }
    match store::deals::in_force(tx, vendor, &[event.id])?.pop() {
        Some(deal) => Ok(Sale::Deal { deal: deal.id, terms: deal.term }),
        None => Err(Error::invalid("deal", "not_for_sale", "you have no accepted deal for this event")),
    }
}

/// Checks that tickets of an event are for sale.
pub(super) fn open_for_sale(event: &Event, now: Timestamp) -> Result<(), Error> {
    let why = if event.removed {
        "has been removed".to_owned()
    } else if event.status != EventStatus::Public {
        format!("is not public but {}", event.status)
    } else if event.lifetime.start <= now {
        "has started".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::invalid("event", "not_for_sale", format!("the event {why}: its tickets are not for sale")))
}

/// The tickets that an order has after a wish.
pub(super) struct Chosen {
    /// All its tickets, in its sequence.
    pub tickets: Vec<(TicketId, SetId)>,
    /// The rules of the sets that it had no ticket of before.
    pub rules: BTreeMap<SetId, Rule>,
    /// What was taken and given back.
    pub counts: Counts,
    /// Whether something of the wish can't be had.
    pub short: bool,
}

/// Gives back what an order has and is not wished, and takes what is wished and can be had. `locking_all`: also those that
/// stay are to be changed later in the transaction, so they are locked in the one order with the others.
pub(super) fn choose(
    tx: &mut Tx<'_>,
    work: &Work,
    event: Option<&Event>,
    wish: &Wanted,
    locking_all: bool,
) -> Result<Chosen, Error> {
    match wish {
        Wanted::Tickets(wished) => choose_these(tx, work, event, wished, locking_all),
        Wanted::Random(wished) => choose_any(tx, work, event, wished, locking_all),
    }
}

fn choose_these(
    tx: &mut Tx<'_>,
    work: &Work,
    event: Option<&Event>,
    wished: &[TicketId],
    locking_all: bool,
) -> Result<Chosen, Error> {
    let order = &work.order;
    let mut seen = BTreeSet::new();
    let wished: Vec<(usize, TicketId)> =
        wished.iter().copied().enumerate().filter(|(_, ticket)| seen.insert(*ticket)).collect();
    check_amount("tickets", wished.len())?;
    let mut sets: HashMap<TicketId, SetId> = work.lines.iter().map(|line| (line.ticket, line.set)).collect();
    let wanting: Vec<(usize, TicketId)> =
        wished.iter().copied().filter(|(_, ticket)| !sets.contains_key(ticket)).collect();
    let (keep, give): (Vec<TicketId>, Vec<TicketId>) =
        work.tickets().into_iter().partition(|ticket| seen.contains(ticket));

    let (mut rules, mut take) = (BTreeMap::new(), Vec::new());
    if !wanting.is_empty() {
        let ids: Vec<TicketId> = wanting.iter().map(|(_, ticket)| *ticket).collect();
        let found: HashMap<TicketId, _> =
            store::tickets::find_all(tx, &ids)?.into_iter().map(|ticket| (ticket.id, ticket)).collect();
        let mut numbers: HashMap<TicketId, i64> = HashMap::new();
        for (at, id) in &wanting {
            let ticket = found.get(id).ok_or_else(|| unknown_ticket(*at))?;
            if ticket.event != order.event {
                let message = "is a ticket of another event than the order's";
                return Err(Error::invalid(format!("tickets[{at}]"), "other_event", message));
            }
            if !ticket.removed {
                sets.insert(*id, ticket.set);
                numbers.insert(*id, ticket.number);
                take.push(*id);
            }
        }
        only_fewer_while_waiting(order, "tickets")?;
        let of: BTreeSet<SetId> = take.iter().filter_map(|id| sets.get(id).copied()).collect();
        let of = sets_to_take_of(tx, event, &of.into_iter().collect::<Vec<_>>())?;
        rules = for_sale(tx, work, event, &of)?;
        let ends: HashMap<SetId, i64> = of.iter().filter_map(|set| Some((set.id, set.surplus?.from))).collect();
        take.retain(|id| {
            let end = sets.get(id).and_then(|set| ends.get(set));
            end.is_none_or(|end| numbers.get(id).is_some_and(|number| number < end))
        });
    }
    let mut counts = Counts::default();
    if locking_all {
        stock::lock(tx, order.id, &[&keep[..], &give, &take].concat())?;
    }
    let taken = stock::exchange(tx, &mut counts, order.id, order.reserved_till, &give, &take)?;
    let has: BTreeSet<TicketId> = taken.iter().map(|place| place.ticket).chain(work.tickets()).collect();
    let tickets: Vec<(TicketId, SetId)> = wished
        .iter()
        .filter(|(_, ticket)| has.contains(ticket))
        .filter_map(|(_, ticket)| Some((*ticket, *sets.get(ticket)?)))
        .collect();
    Ok(Chosen { short: tickets.len() < wished.len(), tickets, rules, counts })
}

fn choose_any(
    tx: &mut Tx<'_>,
    work: &Work,
    event: Option<&Event>,
    wished: &BTreeMap<SetId, usize>,
    locking_all: bool,
) -> Result<Chosen, Error> {
    let order = &work.order;
    check_amount("random", wished.values().fold(0, |sum: usize, count| sum.saturating_add(*count)))?;
    let mut held: BTreeMap<SetId, Vec<TicketId>> = BTreeMap::new();
    for line in &work.lines {
        held.entry(line.set).or_default().push(line.ticket);
    }
    let held_of = |set: SetId| held.get(&set).map_or(0, Vec::len);
    // Those it has tickets of are known to be the event's.
    let is_unclear = |(set, count): &(&SetId, &usize)| **count > held_of(**set) || held_of(**set) == 0;
    let unclear: Vec<SetId> = wished.iter().filter(is_unclear).map(|(set, _)| *set).collect();
    let (mut rules, mut surplus) = (BTreeMap::new(), HashMap::new());
    if !unclear.is_empty() {
        let mut found = sets_to_take_of(tx, event, &unclear)?;
        found.retain(|set| set.event == order.event);
        if let Some(unknown) = unclear.iter().find(|id| !found.iter().any(|set| set.id == **id)) {
            let message = "there is no set with this id in the order's event";
            return Err(Error::invalid(format!("random.{unknown}"), "unknown", message));
        }
        found.retain(|set| wished.get(&set.id).is_some_and(|count| *count > held_of(set.id)));
        if !found.is_empty() {
            only_fewer_while_waiting(order, "random")?;
            rules = for_sale(tx, work, event, &found)?;
        }
        surplus.extend(found.iter().filter_map(|set| Some((set.id, set.surplus?))));
    }

    let (mut counts, mut short) = (Counts::default(), false);
    let (mut kept, mut taken): (BTreeSet<TicketId>, Vec<Place>) = (BTreeSet::new(), Vec::new());
    // In the order of the sets, which is that of locks.
    for set in held.keys().chain(wished.keys()).copied().collect::<BTreeSet<SetId>>() {
        let count = wished.get(&set).copied().unwrap_or(0);
        let mut has = held.get(&set).cloned().unwrap_or_default();
        if locking_all {
            stock::lock(tx, order.id, &has)?;
        }
        if has.len() > count {
            let mut numbers: Vec<(i64, TicketId)> =
                store::tickets::find_all(tx, &has)?.into_iter().map(|ticket| (ticket.number, ticket.id)).collect();
            numbers.sort_unstable();
            has = numbers.into_iter().map(|(_, id)| id).collect();
            let give = has.split_off(count);
            stock::release(tx, &mut counts, order.id, &give)?;
        }
        let wanting = count - has.len();
        kept.extend(has);
        let found =
            stock::pick(tx, &mut counts, order.id, order.reserved_till, (set, surplus.get(&set).copied()), wanting)?;
        short |= found.len() < wanting;
        taken.extend(found);
    }
    let stay = work.lines.iter().filter(|line| kept.contains(&line.ticket)).map(|line| (line.ticket, line.set));
    let tickets = stay.chain(taken.into_iter().map(|place| (place.ticket, place.set))).collect();
    Ok(Chosen { tickets, rules, counts, short })
}

/// Sets that tickets are to be taken of. Nobody takes tickets away from them, or removes one, until the transaction ends: for
/// a new order its event sees to that.
fn sets_to_take_of(tx: &mut Tx<'_>, event: Option<&Event>, ids: &[SetId]) -> Result<Vec<Set>, Error> {
    if event.is_none() {
        store::sets::keep(tx, ids)?;
    }
    Ok(store::sets::find_all(tx, ids)?)
}

fn check_amount(field: &'static str, amount: usize) -> Result<(), Error> {
    if amount <= TICKETS_MAX {
        return Ok(());
    }
    Err(Error::invalid(field, "out_of_range", format!("an order has at most {TICKETS_MAX} tickets")))
}

fn only_fewer_while_waiting(order: &Order, field: &'static str) -> Result<(), Error> {
    if order.status == OrderStatus::Executed {
        return Ok(());
    }
    let message = format!("tickets of an order that is {} may only be taken away", order.status);
    Err(Error::invalid(field, "conflict", message))
}

/// Checks that further tickets of these sets may be sold to an order; answers the rules of the sets that it has none of yet.
fn for_sale(tx: &mut Tx<'_>, work: &Work, event: Option<&Event>, sets: &[Set]) -> Result<BTreeMap<SetId, Rule>, Error> {
    let (order, now) = (&work.order, tx.now());
    if event.is_none() {
        let event = store::events::find(tx, order.event)?
            .ok_or_else(|| Error::Internal(format!("the order {} is for no event", order.id)))?;
        open_for_sale(&event, now)?;
        if let Some(id) = order.sale.deal() {
            let status = store::deals::find(tx, id)?.map(|deal| deal.at(now).status);
            if status != Some(DealStatus::Accepted) {
                let message = "the order's deal is closed: the order may be paid, reduced and cancelled, not enlarged";
                return Err(Error::invalid("deal", "not_for_sale", message));
            }
        }
    }
    let mut rules = BTreeMap::new();
    for Set { id, name, rules: steps, removed, .. } in sets {
        let not_for_sale =
            |why: &str| Err(Error::invalid("sets", "not_for_sale", format!("the set {id} ({name}) {why}")));
        if *removed {
            return not_for_sale("has been removed");
        }
        if order.rules.contains_key(id) {
            continue;
        }
        match current_rule(steps, now) {
            Some(rule) => rules.insert(*id, rule.clone()),
            None => return not_for_sale("is not for sale now: it has no current rule"),
        };
    }
    Ok(rules)
}

fn unknown_ticket(at: usize) -> Error {
    Error::invalid(format!("tickets[{at}]"), "unknown", "there is no ticket with this id")
}
