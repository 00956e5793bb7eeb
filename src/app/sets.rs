//! Ticket sets: making, changing and removing them, what they cost whoever asks, and how many tickets are left.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::events::{self, managed};
use super::{App, Error, Window, Wrong, tickets};
use crate::domain::access::Caller;
use crate::domain::event::{Event, EventStatus};
use crate::domain::id::{BatchId, Bucket, EventId, RuleId, SectorId, SetId, TicketId};
use crate::domain::invalid::Invalid;
use crate::domain::money::{Currency, Money};
use crate::domain::period::Period;
use crate::domain::pricing::Sale;
use crate::domain::set::{self, RULES_MAX, Rule, SETS_MAX, Seats, Set, Surplus};
use crate::domain::share::Share;
use crate::random;
use crate::store::tickets::Batch;
use crate::store::{self, Tx};

/// The highest number of a ticket: nine digits.
const NUMBER_MAX: i64 = 999_999_999;

/// A set as one caller sees it at one time.
#[derive(Clone, Debug)]
pub struct SetView {
    /// The set.
    pub set: Set,
    /// How many of its tickets can be had.
    pub vacant: i64,
    /// Its rules in the order in which they start.
    pub rules: Vec<RuleView>,
    /// Which of them holds now.
    pub current: Option<usize>,
    /// What is shown as its price: that of the rule that holds now, else of the next one, else of the last one, else
    /// nothing.
    pub price: Price,
}

/// A rule as one caller sees it at one time.
#[derive(Clone, Debug)]
pub struct RuleView {
    /// The rule.
    pub rule: Rule,
    /// Whether it is the one that holds now.
    pub current: bool,
    /// What it costs the caller's customers.
    pub price: Price,
}

/// A price as one caller's customers pay it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// The nominal.
    pub nominal: Money,
    /// The surcharge.
    pub extra: Money,
    /// Their sum.
    pub full: Money,
}

impl Price {
    /// What a price is under the terms on which the caller sells; without any there is no surcharge.
    fn of(nominal: Money, sale: Option<&Sale>) -> Self {
        let zero = Money::zero(nominal.currency);
        let plain = Self { nominal, extra: zero, full: nominal };
        let split = sale.and_then(|sale| sale.split(nominal, zero).ok());
        split.map_or(plain, |split| Self { nominal: split.nominal, extra: split.extra, full: split.full })
    }
}

/// An amount of money as a request gives it: what it is worth is known once the event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenMoney(pub String);

impl GivenMoney {
    fn parse(&self, currency: Currency) -> Result<Money, Invalid> {
        Money::parse(&self.0, currency).and_then(set::check_price)
    }
}

/// A price as a request gives it: as the sum that is shown, as its nominal, or as both, which have been read together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenPrice {
    /// What is shown as `price`; where it is another than is shown, the nominal.
    pub price: Option<GivenMoney>,
    /// The nominal.
    pub nominal: Option<GivenMoney>,
}

impl GivenPrice {
    /// This nominal.
    pub fn nominal(text: &str) -> Self {
        Self { price: None, nominal: Some(GivenMoney(text.to_owned())) }
    }

    /// The nominal that is meant; nothing where it is what is shown. Programs send back what they have read, and were that
    /// another price, the surcharge would be added to it each time.
    fn meant(&self, shown: Option<Price>, currency: Currency) -> Result<Option<Money>, (&'static str, Invalid)> {
        let read = |field, given: &Option<GivenMoney>| {
            let money = given.as_ref().map(|given| given.parse(currency)).transpose();
            money.map_err(|invalid| (field, invalid))
        };
        let (price, nominal) = (read("price", &self.price)?, read("price_org", &self.nominal)?);
        let nominal = nominal.filter(|nominal| shown.is_none_or(|shown| shown.nominal != *nominal));
        let price = price.filter(|price| shown.is_none_or(|shown| shown.full != *price));
        Ok(nominal.or(price))
    }
}

/// A step of the price as a request gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRule {
    /// A rule that the set has.
    pub id: Option<RuleId>,
    /// When it holds.
    pub cal: Period,
    /// The price.
    pub price: GivenPrice,
}

/// The ranges of seats in each row, by their first and last.
pub type Ranges = BTreeMap<String, Vec<(String, String)>>;

/// What a request sets of a set. Outer `None`: not given; inner `None`: back to the default.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// What it is called.
    pub name: Option<String>,
    /// More about it.
    pub description: Option<Option<String>>,
    /// Its place among the event's sets.
    pub pos: Option<Option<i64>>,
    /// How many tickets it has.
    pub amount: Option<i64>,
    /// One price over all time until the event ends.
    pub price: Option<GivenPrice>,
    /// The steps of its price, all of them.
    pub rules: Option<Vec<GivenRule>>,
    /// Where its seats are.
    pub sector: Option<SectorId>,
    /// Its seats.
    pub seats: Option<Ranges>,
}

/// What a request may need besides: ids and random numbers, made before its transaction.
#[derive(Clone, Debug)]
pub struct New {
    /// The id of a new set.
    pub set: SetId,
    /// The id of the batch of its tickets.
    pub batch: BatchId,
    /// Ids of its rules.
    pub rules: Vec<RuleId>,
    /// Ids of the tickets that are made at once.
    pub tickets: Vec<TicketId>,
    /// What its serial is made of.
    pub serial: [u8; 3],
}

impl New {
    /// What a set of an event in this bucket may need.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn draw(app: &App, bucket: Bucket) -> Result<Self, Error> {
        Ok(Self {
            set: app.new_id_in(bucket),
            batch: app.new_id_in(bucket),
            rules: (0..RULES_MAX).map(|_| app.new_id_in(bucket)).collect(),
            tickets: tickets::new_ids(app, bucket),
            serial: random::bytes().map_err(|error| Error::Internal(error.to_string()))?,
        })
    }
}

/// Sets by their ids, those of events that the caller may read; unknown ids are left out.
///
/// # Errors
/// Those of the store.
pub fn readable(tx: &mut Tx<'_>, caller: &Caller, ids: &[SetId]) -> Result<Vec<SetView>, Error> {
    let sets = store::sets::find_all(tx, ids)?;
    let mut of: Vec<EventId> = sets.iter().map(|set| set.event).collect();
    of.sort_unstable();
    of.dedup();
    let events = events::readable(tx, caller, &of)?;
    views(tx, caller, &events, sets)
}

/// One set.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] where the caller may not read its event.
pub fn get(tx: &mut Tx<'_>, caller: &Caller, event: EventId, id: SetId) -> Result<SetView, Error> {
    let event = events::get(tx, caller, event)?;
    let set = find(tx, event.id, id)?;
    view(tx, caller, &event, set)
}

/// The sets of an event, by their place: those in use, or those removed.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] where the caller may not read the event.
pub fn list(
    tx: &mut Tx<'_>,
    caller: &Caller,
    event: EventId,
    removed: bool,
    window: Window<SetId>,
) -> Result<Vec<SetView>, Error> {
    let (event, sets) = listed(tx, caller, event, removed)?;
    let after = match window.after {
        Some(after) => sets.iter().position(|set| set.id == after).map_or(sets.len(), |at| at + 1),
        None => 0,
    };
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let sets = sets.into_iter().skip(after).skip(count(window.skip)).take(count(window.limit)).collect();
    views(tx, caller, &[event], sets)
}

/// How many sets the list holds in all.
///
/// # Errors
/// Those of [`list`].
pub fn count(tx: &mut Tx<'_>, caller: &Caller, event: EventId, removed: bool) -> Result<i64, Error> {
    let (_, sets) = listed(tx, caller, event, removed)?;
    Ok(i64::try_from(sets.len()).unwrap_or(i64::MAX))
}

fn listed(tx: &mut Tx<'_>, caller: &Caller, event: EventId, removed: bool) -> Result<(Event, Vec<Set>), Error> {
    let event = events::get(tx, caller, event)?;
    let mut sets = store::sets::of_events(tx, &[event.id], removed)?;
    sets.retain(|set| set.removed == removed);
    Ok((event, sets))
}

fn find(tx: &mut Tx<'_>, event: EventId, id: SetId) -> Result<Set, Error> {
    store::sets::find(tx, id)?.filter(|set| set.event == event).ok_or(Error::NotFound("set"))
}

/// The sets of events as the caller sees them, by event.
///
/// # Errors
/// Those of the store.
pub fn of_events(tx: &mut Tx<'_>, caller: &Caller, events: &[Event]) -> Result<HashMap<EventId, Vec<SetView>>, Error> {
    let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
    let sets = store::sets::of_events(tx, &ids, false)?;
    let mut by_event: HashMap<EventId, Vec<SetView>> = HashMap::new();
    for view in views(tx, caller, events, sets)? {
        by_event.entry(view.set.event).or_default().push(view);
    }
    Ok(by_event)
}

/// What each event's sets cost the caller's customers, as [`SetView::price`] says; events without sets are left out.
pub(super) fn prices(
    tx: &mut Tx<'_>,
    caller: &Caller,
    events: &[Event],
) -> Result<HashMap<EventId, Vec<Money>>, Error> {
    let currencies: HashMap<EventId, Currency> = events.iter().map(|event| (event.id, event.currency)).collect();
    let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
    let (now, sales) = (tx.now(), sales(tx, caller, events)?);
    let mut prices: HashMap<EventId, Vec<Money>> = HashMap::new();
    for set in store::sets::of_events(tx, &ids, false)? {
        let Some(currency) = currencies.get(&set.event) else { continue };
        let price = Price::of(shown(&set.rules, *currency, now), sales.get(&set.event));
        prices.entry(set.event).or_default().push(price.full);
    }
    Ok(prices)
}

fn view(tx: &mut Tx<'_>, caller: &Caller, event: &Event, set: Set) -> Result<SetView, Error> {
    views(tx, caller, std::slice::from_ref(event), vec![set])?.pop().ok_or(Error::NotFound("set"))
}

/// Sets of these events as the caller sees them; others are left out.
fn views(tx: &mut Tx<'_>, caller: &Caller, events: &[Event], sets: Vec<Set>) -> Result<Vec<SetView>, Error> {
    let currencies: HashMap<EventId, Currency> = events.iter().map(|event| (event.id, event.currency)).collect();
    let sets: Vec<Set> = sets.into_iter().filter(|set| currencies.contains_key(&set.event)).collect();
    if sets.is_empty() {
        return Ok(Vec::new());
    }
    let (now, sales) = (tx.now(), sales(tx, caller, events)?);
    let ids: Vec<SetId> = sets.iter().map(|set| set.id).collect();
    let taken = store::sets::taken(tx, &ids)?;
    let mut views = Vec::with_capacity(sets.len());
    for set in sets {
        let Some(currency) = currencies.get(&set.event) else { continue };
        let taken = taken.get(&set.id).copied().unwrap_or_default();
        let sale = sales.get(&set.event);
        views.push(as_seen(set, taken, *currency, sale, now));
    }
    Ok(views)
}

/// The nominal that is shown as the price of a set with these rules.
fn shown(rules: &[Rule], currency: Currency, now: Timestamp) -> Money {
    set::shown_rule(rules, now).map_or(Money::zero(currency), |rule| rule.price)
}

fn as_seen(set: Set, taken: i64, currency: Currency, sale: Option<&Sale>, now: Timestamp) -> SetView {
    let holds = set::current_rule(&set.rules, now).map(|rule| rule.id);
    let shown = shown(&set.rules, currency, now);
    let rules: Vec<RuleView> = set
        .rules
        .iter()
        .map(|rule| RuleView {
            rule: rule.clone(),
            current: Some(rule.id) == holds,
            price: Price::of(rule.price, sale),
        })
        .collect();
    SetView {
        vacant: if set.removed { 0 } else { (set.amount - taken).max(0) },
        current: rules.iter().position(|rule| rule.current),
        price: Price::of(shown, sale),
        rules,
        set,
    }
}

/// On what terms the caller sells tickets of these events: an organizer with its own fee, an agent under its deal.
fn sales(tx: &mut Tx<'_>, caller: &Caller, events: &[Event]) -> Result<HashMap<EventId, Sale>, Error> {
    let Some(acting) = &caller.partner else { return Ok(HashMap::new()) };
    let mut sales = HashMap::new();
    let (own, others): (Vec<&Event>, Vec<&Event>) = events.iter().partition(|event| event.org == acting.id);
    if !own.is_empty() {
        let fee = store::settings::find(tx, acting.id)?.extra;
        for event in own {
            let fee = if fee.currency().is_none_or(|of| of == event.currency) { fee } else { Share::ZERO };
            // The platform's commission is a part of what the customer pays, never on top of it.
            sales.insert(event.id, Sale::Own { fee, core: Share::ZERO });
        }
    }
    if acting.roles.agent && !others.is_empty() {
        let others: Vec<EventId> = others.iter().map(|event| event.id).collect();
        for deal in store::deals::in_force(tx, acting.id, &others)? {
            sales.insert(deal.event, Sale::Deal { deal: deal.id, terms: deal.term });
        }
    }
    Ok(sales)
}

/// Makes a set of an event, and the first of its tickets; what is left to make is the batch of [`New::batch`].
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the organizer and the platform; [`Error::Invalid`] naming the field;
/// [`Error::Conflict`] for an event that has been removed or cancelled, and for a seat that another set has.
pub fn create(
    tx: &mut Tx<'_>,
    caller: &Caller,
    event: EventId,
    new: &New,
    changes: &Changes,
) -> Result<SetView, Error> {
    let event = managed(tx, caller, event)?;
    for (closed, why) in [(event.removed, "removed"), (event.status == EventStatus::Cancelled, "cancelled")] {
        if closed {
            return Err(Error::conflict("closed", format!("the event has been {why}: it gets no further sets")));
        }
    }
    let others = store::sets::of_events(tx, &[event.id], false)?;
    if others.len() >= SETS_MAX {
        let message = format!("has {SETS_MAX} sets, which is the most: remove one first");
        return Err(Error::invalid("event", "out_of_range", message));
    }
    let name = changes.name.clone().ok_or_else(|| Error::invalid("name", "required", "is required"))?;
    let seats = match (&changes.sector, &changes.seats) {
        (Some(sector), Some(rows)) => Some(seats(tx, &event, &others, *sector, rows)?),
        (None, None) => None,
        (Some(_), None) => return Err(Error::invalid("seats", "required", "is required with sector")),
        (None, Some(_)) => return Err(Error::invalid("sector", "required", "is required with seats")),
    };
    let amount = match (&seats, changes.amount) {
        (None, Some(amount)) => amount,
        (None, None) => return Err(Error::invalid("amount", "required", "is required without seats")),
        (Some((_, amount)), given) => {
            set::check_amount(*amount).map_err(at("seats"))?;
            if given.is_some_and(|given| given != *amount) {
                let message = format!("must be the number of its seats, {amount}, or be left out");
                return Err(Error::invalid("amount", "conflict", message));
            }
            *amount
        }
    };
    let pos = match changes.pos.flatten() {
        Some(pos) => pos,
        None => others.iter().map(|set| set.pos + 1).max().unwrap_or(0).min(set::POS_MAX),
    };
    let now = tx.now();
    let set = Set {
        id: new.set,
        event: event.id,
        name,
        description: changes.description.clone().flatten(),
        pos,
        amount,
        serial: set::serial(new.serial),
        seats: seats.map(|(seats, _)| seats),
        rules: rules(&event, None, None, changes, now, &new.rules)?.unwrap_or_default(),
        surplus: None,
        removed: false,
        created_at: now,
        updated_at: now,
    };
    store::sets::insert(tx, &set)?;
    make(tx, &set, new, amount)?;
    view(tx, caller, &event, set)
}

/// Changes a set, all or nothing. More tickets are made as for a new set; fewer leave those with the lowest numbers.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the organizer and the platform; [`Error::Invalid`] naming the field;
/// [`Error::Conflict`] where too few tickets are vacant to be taken away.
pub fn change(
    tx: &mut Tx<'_>,
    caller: &Caller,
    (event, id): (EventId, SetId),
    new: &New,
    changes: &Changes,
) -> Result<SetView, Error> {
    let event = managed(tx, caller, event)?;
    store::sets::lock(tx, id)?;
    let was = find(tx, event.id, id)?;
    if was.removed {
        return Err(Error::conflict("removed", "the set has been removed"));
    }
    let mut set = was.clone();
    if let Some(name) = &changes.name {
        set.name.clone_from(name);
    }
    if let Some(description) = &changes.description {
        set.description.clone_from(description);
    }
    if let Some(pos) = changes.pos {
        set.pos = pos.unwrap_or_default();
    }
    if changes.price.is_some() || changes.rules.is_some() {
        let sale = sales(tx, caller, std::slice::from_ref(&event))?.remove(&event.id);
        if let Some(rules) = rules(&event, Some(&was.rules), sale.as_ref(), changes, tx.now(), &new.rules)? {
            set.rules = rules;
        }
    }
    let fixed = |field| Error::invalid(field, "conflict", "can't be changed once the set is made: make another set");
    if changes.sector.is_some_and(|sector| Some(sector) != was.seats.as_ref().map(|seats| seats.sector)) {
        return Err(fixed("sector"));
    }
    if changes.seats.as_ref().is_some_and(|rows| Some(rows) != was.seats.as_ref().map(|seats| &seats.rows)) {
        return Err(fixed("seats"));
    }
    if let Some(amount) = changes.amount.filter(|amount| *amount != was.amount) {
        if was.with_seats() {
            return Err(Error::invalid(
                "amount",
                "conflict",
                "follows from the seats of the set, which can't be changed",
            ));
        }
        if amount > was.amount {
            let more = keep_surplus(tx, &was, amount - was.amount)?;
            make(tx, &was, new, more)?;
        } else {
            take_away(tx, &was, was.amount - amount)?;
        }
        set.amount = amount;
    }
    if set != was {
        set.updated_at = tx.now();
        store::sets::update(tx, &set)?;
        if set.rules != was.rules {
            store::sets::put_rules(tx, &set)?;
        }
    }
    view(tx, caller, &event, set)
}

/// Removes a set and its tickets.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the organizer and the platform; [`Error::Conflict`] while tickets of it
/// are reserved or sold.
pub fn remove(tx: &mut Tx<'_>, caller: &Caller, event: EventId, id: SetId) -> Result<(), Error> {
    let event = managed(tx, caller, event)?;
    store::sets::lock(tx, id)?;
    let set = find(tx, event.id, id)?;
    if set.removed {
        return Ok(());
    }
    store::tickets::release_over(tx, id)?;
    if store::sets::taken_of(tx, id)? > 0 {
        return Err(Error::conflict("taken", "tickets of the set are reserved or sold"));
    }
    take_away(tx, &set, set.amount)?;
    let updated_at = tx.now();
    Ok(store::sets::update(tx, &Set { removed: true, updated_at, ..set })?)
}

/// The rules that a request gives, the set's own (`former`; none of a new set) among them; nothing where it gives none, or
/// what is shown.
fn rules(
    event: &Event,
    former: Option<&[Rule]>,
    sale: Option<&Sale>,
    changes: &Changes,
    now: Timestamp,
    new_ids: &[RuleId],
) -> Result<Option<Vec<Rule>>, Error> {
    let wrong = |field: String, invalid| Error::Invalid(vec![Wrong::at(field, invalid)]);
    let currency = event.currency;
    let shown = former.map(|former| Price::of(shown(former, currency, now), sale));
    let former = former.unwrap_or_default();
    let price = match &changes.price {
        Some(given) => given.meant(shown, currency).map_err(|(field, invalid)| wrong(field.to_owned(), invalid))?,
        None => None,
    };
    let mut steps = Vec::new();
    match (price, &changes.rules) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(Error::invalid("price", "conflict", "must not be given together with rules"));
        }
        (Some(price), None) => {
            let cal = Period::new(Timestamp::UNIX_EPOCH, event.lifetime.end).map_err(at("price"))?;
            steps.push((None, cal, price));
        }
        (None, Some(given)) => {
            for (place, step) in given.iter().enumerate() {
                let named = former.iter().find(|rule| Some(rule.id) == step.id);
                let price = step.price.meant(named.map(|rule| Price::of(rule.price, sale)), currency);
                let price = price.map_err(|(field, invalid)| wrong(format!("rules[{place}].{field}"), invalid));
                let required = || wrong(format!("rules[{place}].price"), Invalid::required());
                let price = price?.or(named.map(|rule| rule.price)).ok_or_else(required)?;
                steps.push((step.id, step.cal, price));
            }
        }
    }
    let rules = set::replace_rules(former, &steps, new_ids);
    rules.map(Some).map_err(|(place, invalid)| wrong(format!("rules[{place}].id"), invalid))
}

/// The seats that a request gives a new set, and how many there are.
fn seats(
    tx: &mut Tx<'_>,
    event: &Event,
    others: &[Set],
    sector: SectorId,
    rows: &Ranges,
) -> Result<(Seats, i64), Error> {
    let unknown = || Error::invalid("sector", "unknown", "there is no sector with this id on the event's map");
    let (found, of) = store::maps::find_sector(tx, sector)?.ok_or_else(unknown)?;
    let map = store::maps::find_kept(tx, of)?.ok_or_else(unknown)?;
    let fits = match event.map {
        Some(map) => of == map,
        None => map.org == event.org && !map.removed,
    };
    if !fits {
        return Err(unknown());
    }
    if !map.fits(event.venue) {
        let message = "this sector is on the map of another venue than the event's";
        return Err(Error::invalid("sector", "conflict", message));
    }
    let wrong = |(place, invalid)| Error::Invalid(vec![Wrong::at(format!("seats.{place}"), invalid)]);
    let places = found.seats_of(rows).map_err(wrong)?;
    if places.is_empty() {
        return Err(Error::invalid("seats", "required", "must name a seat at least"));
    }
    let wished: HashSet<(&str, &str)> = places.iter().map(|place| (place.row, place.number)).collect();
    for other in others {
        let Some(theirs) = other.seats.as_ref().filter(|seats| seats.sector == sector) else { continue };
        let theirs = found.seats_of(&theirs.rows).map_err(|_| broken(other))?;
        if let Some(place) = theirs.iter().find(|place| wished.contains(&(place.row, place.number))) {
            let message =
                format!("the seat {:?} in the row {:?} is in the set {:?}", place.number, place.row, other.name);
            return Err(Error::Conflict(Wrong::at(format!("seats.{}", place.row), Invalid::conflict(message))));
        }
    }
    let amount = i64::try_from(places.len()).unwrap_or(i64::MAX);
    Ok((Seats { sector, rows: rows.clone() }, amount))
}

/// The seats of a set, in the order in which its tickets have them.
pub(super) fn places(tx: &mut Tx<'_>, set: &Set) -> Result<Vec<(String, String)>, Error> {
    let Some(seats) = &set.seats else { return Ok(Vec::new()) };
    let (sector, _) = store::maps::find_sector(tx, seats.sector)?.ok_or_else(|| broken(set))?;
    let places = sector.seats_of(&seats.rows).map_err(|_| broken(set))?;
    Ok(places.iter().map(|place| (place.row.to_owned(), place.number.to_owned())).collect())
}

fn broken(set: &Set) -> Error {
    Error::Internal(format!("the seats of the set {} are not those of its sector", set.id))
}

/// Notes so many tickets that the set is to get, and makes the first of them.
fn make(tx: &mut Tx<'_>, set: &Set, new: &New, amount: i64) -> Result<(), Error> {
    if amount == 0 {
        return Ok(());
    }
    let first_number = store::events::give_numbers(tx, set.event, amount)?;
    if first_number + amount - 1 > NUMBER_MAX {
        return Err(Error::conflict("numbers", format!("the numbers of the event's tickets end at {NUMBER_MAX}")));
    }
    let batch = Batch { id: new.batch, event: set.event, set: set.id, first_number, first_seat: 0, amount, made: 0 };
    let batch = tickets::make_part(tx, set, batch, &new.tickets)?;
    if batch.made < batch.amount {
        store::tickets::insert_batch(tx, &batch)?;
    }
    Ok(())
}

/// Takes tickets away from a set that nobody takes any of until the transaction ends: first those that are still to be made,
/// which have the highest numbers, then vacant ones. Of many of these a part is removed at once, and the others can't be had
/// from now on; a job removes them.
fn take_away(tx: &mut Tx<'_>, set: &Set, amount: i64) -> Result<(), Error> {
    // Waits for who is paying for a ticket whose hold has run out meanwhile, and then counts it.
    store::tickets::release_over(tx, set.id)?;
    let vacant = set.amount - store::sets::taken_of(tx, set.id)?;
    if vacant < amount {
        let message = format!("{amount} tickets can't be taken away: only {vacant} of the set are vacant");
        return Err(Error::Conflict(Wrong::at("amount", Invalid::conflict(message))));
    }
    let mut left = amount;
    for batch in store::tickets::batches_locked(tx, set.id)?.into_iter().rev() {
        let cut = left.min(batch.amount - batch.made);
        left -= cut;
        if cut > 0 {
            store::tickets::put_batch(tx, &Batch { amount: batch.amount - cut, ..batch })?;
        }
    }
    if left > 0 {
        let before = set.surplus.map_or(0, |surplus| surplus.amount);
        let left = tickets::remove_part(tx, set.id, left + before)?;
        put_surplus(tx, set.id, left)?;
    }
    Ok(())
}

/// Keeps tickets that were taken away from a set and are there still, where it is to have more again; answers how many it
/// lacks then.
fn keep_surplus(tx: &mut Tx<'_>, set: &Set, amount: i64) -> Result<i64, Error> {
    let Some(surplus) = set.surplus else { return Ok(amount) };
    let kept = amount.min(surplus.amount);
    put_surplus(tx, set.id, surplus.amount - kept)?;
    Ok(amount - kept)
}

/// Notes that so many of a set's vacant tickets are beyond its amount, those with the highest numbers.
fn put_surplus(tx: &mut Tx<'_>, set: SetId, amount: i64) -> Result<(), Error> {
    let surplus = match amount {
        0 => None,
        _ => Some(Surplus { amount, from: store::tickets::number_of_last(tx, set, amount)?.unwrap_or(0) }),
    };
    Ok(store::sets::put_surplus(tx, set, surplus)?)
}

fn at(field: &'static str) -> impl Fn(Invalid) -> Error {
    move |invalid| Error::Invalid(vec![Wrong::at(field, invalid)])
}
