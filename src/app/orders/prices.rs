//! What an order costs: the prices of its tickets, and the uses of its promocodes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::{Error, Wrong};
use super::choosing::Chosen;
use super::work::Work;
use super::{ATTEMPTS, CodeRefusal, CodeRefused, Through, expire};
use crate::domain::id::{PromocodeId, SetId, TicketId};
use crate::domain::invalid::Invalid;
use crate::domain::pricing::{self, Given, NotApplied, Unpriced, Values};
use crate::domain::promocode::{self, Promocode};
use crate::domain::set::Rule;
use crate::store::stock::Counts;
use crate::store::{self, Tx};

/// Computes the money of an order's tickets anew, and holds and gives back uses of its promocodes.
pub(super) fn reprice(
    tx: &mut Tx<'_>,
    work: &mut Work,
    chosen: Option<Chosen>,
    codes: Option<&[String]>,
    through: Through,
) -> Result<Vec<CodeRefused>, Error> {
    let (tickets, mut rules, counts) = match chosen {
        Some(chosen) => (chosen.tickets, chosen.rules, chosen.counts),
        None => (work.lines.iter().map(|line| (line.ticket, line.set)).collect(), BTreeMap::new(), Counts::default()),
    };
    work.counts.merge(counts);
    let sets: BTreeSet<SetId> = tickets.iter().map(|(_, set)| *set).collect();
    work.order.rules.retain(|set, _| sets.contains(set));
    if !work.order.rules.is_empty() {
        let fixed: Vec<_> = work.order.rules.values().copied().collect();
        for (set, rule) in store::sets::find_rules(tx, &fixed, work.order.currency)?.into_values() {
            rules.insert(set, rule);
        }
    }
    work.order.rules = rules.iter().filter(|(set, _)| sets.contains(set)).map(|(set, rule)| (*set, rule.id)).collect();

    let own: HashMap<PromocodeId, i64> = work.codes.iter().copied().collect();
    for _ in 0..ATTEMPTS {
        let (promocodes, refused) = wanted_codes(tx, work, codes, (&tickets, &rules), through)?;
        let given: Vec<Given<'_>> = promocodes.iter().map(|promocode| given(promocode, &own)).collect();
        let lines = pricing::price(&tickets, &rules, &given, &work.order.sale).map_err(unpriced)?;
        let uses = pricing::uses(&lines);
        // Where another order was quicker, a code may have too few uses left by now.
        if hold_uses(tx, &own, &uses)? {
            let used = |promocode: &Promocode| (promocode.id, uses.get(&promocode.id).copied().unwrap_or(0));
            work.codes = promocodes.iter().map(used).collect();
            work.order.tickets = i64::try_from(lines.len()).unwrap_or(i64::MAX);
            work.order.values = Values::of(&lines, work.order.currency)
                .ok_or_else(|| Error::invalid("tickets", "out_of_range", "the order's sum is beyond 64 bits"))?;
            work.lines = lines;
            return Ok(refused);
        }
    }
    Err(Error::conflict("contested", "the uses of a promocode were taken at the same time: try again"))
}

fn given<'p>(promocode: &'p Promocode, own: &HashMap<PromocodeId, i64>) -> Given<'p> {
    Given { promocode, left: promocode.left_with(own.get(&promocode.id).copied().unwrap_or(0)) }
}

/// The promocodes that an order is to have: those it has, or those that a request names as far as they can be applied. One
/// that it has already stays valid for it.
fn wanted_codes(
    tx: &mut Tx<'_>,
    work: &Work,
    codes: Option<&[String]>,
    (tickets, rules): (&[(TicketId, SetId)], &BTreeMap<SetId, Rule>),
    through: Through,
) -> Result<(Vec<Promocode>, Vec<CodeRefused>), Error> {
    let had = codes_of(tx, work, tickets)?;
    let Some(codes) = codes else { return Ok((had, Vec::new())) };
    let folded = folded(codes);
    let mut of_event = store::promocodes::by_codes(tx, work.order.event, &folded)?;
    if free_expired_uses(tx, work, &of_event, tickets)? {
        of_event = store::promocodes::by_codes(tx, work.order.event, &folded)?;
    }
    let now = tx.now();
    let (mut wanted, mut refused): (Vec<Promocode>, Vec<(usize, CodeRefused)>) = (Vec::new(), Vec::new());
    for (at, (code, folded)) in codes.iter().zip(&folded).enumerate() {
        let named_so = |promocode: &&Promocode| is_named(promocode, folded);
        let spelled_so = |promocode: &&Promocode| is_spelled(promocode, folded);
        let found = match (had.iter().find(named_so), of_event.iter().find(spelled_so)) {
            (Some(has), _) => Ok(has),
            (None, None) => Err(CodeRefusal::Unknown),
            (None, Some(new)) if !new.holds(now) => Err(CodeRefusal::NotNow(new.lifetime)),
            (None, Some(new)) => {
                let refusal = pricing::refusal(&given(new, &HashMap::new()), tickets)
                    .or_else(|| pricing::unbearable(new, tickets, rules, &work.order.sale));
                refusal.map_or(Ok(new), |why| Err(CodeRefusal::NotApplied(why)))
            }
        };
        match found {
            Ok(promocode) if wanted.contains(promocode) => {}
            Ok(promocode) => wanted.push(promocode.clone()),
            Err(why) => refused.push((at, CodeRefused { code: code.clone(), why })),
        }
    }
    if through == Through::V1 && !refused.is_empty() {
        let wrong = |(at, refused): &(usize, CodeRefused)| {
            Wrong::at(format!("promocodes[{at}]"), Invalid::conflict(refused.why.to_string()))
        };
        return Err(Error::Invalid(refused.iter().map(wrong).collect()));
    }
    Ok((wanted, refused.into_iter().map(|(_, refused)| refused).collect()))
}

/// Refuses promocodes that are others than an order has which waits for its payment: those named besides, and those left out.
pub(super) fn keep_codes(
    tx: &mut Tx<'_>,
    work: &Work,
    codes: &[String],
    through: Through,
) -> Result<Vec<CodeRefused>, Error> {
    let ids: Vec<PromocodeId> = work.codes.iter().map(|(id, _)| *id).collect();
    let has = store::promocodes::find_all(tx, &ids)?;
    let folded = folded(codes);
    let besides =
        codes.iter().zip(&folded).filter(|(_, folded)| !has.iter().any(|promocode| is_named(promocode, folded)));
    let left_out = has.iter().filter(|promocode| !folded.iter().any(|folded| is_named(promocode, folded)));
    let refused: Vec<CodeRefused> = besides
        .map(|(code, _)| code)
        .chain(left_out.map(|promocode| &promocode.code))
        .map(|code| CodeRefused { code: code.clone(), why: CodeRefusal::Waits })
        .collect();
    if through == Through::V1 && !refused.is_empty() {
        return Err(Error::invalid("promocodes", "conflict", CodeRefusal::Waits.to_string()));
    }
    Ok(refused)
}

fn folded(codes: &[String]) -> Vec<String> {
    codes.iter().map(|code| promocode::folded(code)).collect()
}

fn is_spelled(promocode: &Promocode, folded: &str) -> bool {
    promocode::folded(&promocode.code) == folded
}

/// Whether a request means this promocode of an order: orders show ids, and programs send back what they have read.
fn is_named(promocode: &Promocode, folded: &str) -> bool {
    is_spelled(promocode, folded) || promocode.id.to_string() == folded
}

/// The promocodes that an order has, in its own sequence.
fn codes_of(tx: &mut Tx<'_>, work: &Work, tickets: &[(TicketId, SetId)]) -> Result<Vec<Promocode>, Error> {
    if work.codes.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<PromocodeId> = work.codes.iter().map(|(id, _)| *id).collect();
    let mut found = store::promocodes::find_all(tx, &ids)?;
    if free_expired_uses(tx, work, &found, tickets)? {
        found = store::promocodes::find_all(tx, &ids)?;
    }
    found.sort_by_key(|promocode| ids.iter().position(|id| *id == promocode.id));
    Ok(found)
}

/// Where a promocode has too few uses left for these tickets, ends the orders that have some although their time is over.
/// True where that gave any back.
fn free_expired_uses(
    tx: &mut Tx<'_>,
    work: &Work,
    promocodes: &[Promocode],
    tickets: &[(TicketId, SetId)],
) -> Result<bool, Error> {
    let own: HashMap<PromocodeId, i64> = work.codes.iter().copied().collect();
    let mut freed = false;
    for promocode in promocodes {
        if matches!(pricing::refusal(&given(promocode, &own), tickets), Some(NotApplied::UsedUp { .. })) {
            for order in store::promocodes::expired_holders(tx, promocode.id)? {
                freed |= expire(tx, order)?;
            }
        }
    }
    Ok(freed)
}

/// Holds and gives back uses, from those an order has to those it is to have; false, with nothing changed, where another
/// order was quicker.
fn hold_uses(
    tx: &mut Tx<'_>,
    has: &HashMap<PromocodeId, i64>,
    uses: &BTreeMap<PromocodeId, i64>,
) -> Result<bool, Error> {
    let mut held: Vec<(PromocodeId, i64)> = Vec::new();
    // In the order of their ids, which is that of locks.
    for id in has.keys().chain(uses.keys()).copied().collect::<BTreeSet<PromocodeId>>() {
        let more = uses.get(&id).copied().unwrap_or(0) - has.get(&id).copied().unwrap_or(0);
        if !move_uses(tx, id, more)? {
            for (id, more) in held {
                move_uses(tx, id, -more)?;
            }
            return Ok(false);
        }
        held.push((id, more));
    }
    Ok(true)
}

fn move_uses(tx: &mut Tx<'_>, id: PromocodeId, more: i64) -> Result<bool, Error> {
    match more {
        1.. => return Ok(store::promocodes::hold(tx, id, more)?),
        // What it holds may be used later in the transaction: all of its promocodes are locked in their order.
        0 => store::promocodes::lock(tx, id)?,
        _ => store::promocodes::give_back(tx, id, -more)?,
    }
    Ok(true)
}

fn unpriced(refusal: Unpriced) -> Error {
    match refusal {
        Unpriced::NoRule(_) => Error::Internal(refusal.to_string()),
        Unpriced::Unsellable { .. } => Error::invalid("deal", "unsellable", refusal.to_string()),
        Unpriced::Invalid { .. } => Error::invalid("tickets", "out_of_range", refusal.to_string()),
    }
}
