//! Promocodes: making and removing them, who may see and who may use them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Error, Window, Wrong};
use crate::domain::access::{self, Caller, Sight};
use crate::domain::event::{Event, EventStatus};
use crate::domain::id::{EventId, PromocodeId, SetId};
use crate::domain::invalid::Invalid;
use crate::domain::member::Right;
use crate::domain::money::Currency;
use crate::domain::period::Period;
use crate::domain::promocode::{self, Discount, Promocode, TicketsCount};
use crate::store::{self, Tx};

/// A promocode as one caller sees it.
#[derive(Clone, Debug)]
pub struct PromocodeView {
    /// The promocode.
    pub promocode: Promocode,
    /// How much of it the caller may see: `Public` is what it takes off of what, without how often it may be, and is, used.
    pub sight: Sight,
}

/// What a promocode takes off, as a request gives it: what an amount is worth is known once the event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenDiscount {
    /// A percentage.
    Percentage(Discount),
    /// An amount, as text.
    Fix(String),
}

impl GivenDiscount {
    fn in_currency(&self, currency: Currency) -> Result<Discount, Error> {
        match self {
            Self::Percentage(discount) => Ok(*discount),
            Self::Fix(text) => Discount::fix(text, currency)
                .map_err(|invalid| Error::Invalid(vec![Wrong::at("discount.fix", invalid)])),
        }
    }
}

/// What a new promocode gives.
#[derive(Clone, Debug)]
pub struct NewPromocode {
    /// What customers type.
    pub code: String,
    /// What it is called.
    pub name: Option<String>,
    /// More about it.
    pub desc: Option<String>,
    /// What it takes off each ticket.
    pub discount: GivenDiscount,
    /// For how many tickets it may be used.
    pub amount: Option<i64>,
    /// Bounds on the tickets of an order.
    pub tickets_count: TicketsCount,
    /// When it may be given to an order.
    pub lifetime: Option<Period>,
    /// The sets it is for; none: all.
    pub sets: Vec<SetId>,
}

/// What changes of a promocode. Outer `None`: not given; inner `None`: cleared.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// What it is called.
    pub name: Option<Option<String>>,
    /// More about it.
    pub desc: Option<Option<String>>,
}

/// A part of the list of an event's promocodes.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for managers of the organizer and the platform.
pub fn list(
    tx: &mut Tx<'_>,
    caller: &Caller,
    event: EventId,
    window: Window<PromocodeId>,
) -> Result<Vec<PromocodeView>, Error> {
    managed_event(tx, caller, event)?;
    let promocodes = store::promocodes::list(tx, event, window)?;
    Ok(current(tx, promocodes)?.into_iter().map(full).collect())
}

/// How many promocodes the list holds in all.
///
/// # Errors
/// Those of [`list`].
pub fn count(tx: &mut Tx<'_>, caller: &Caller, event: EventId) -> Result<i64, Error> {
    managed_event(tx, caller, event)?;
    Ok(store::promocodes::count(tx, event)?)
}

/// One promocode.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for managers of the organizer and the platform.
pub fn get(tx: &mut Tx<'_>, caller: &Caller, event: EventId, id: PromocodeId) -> Result<PromocodeView, Error> {
    managed_event(tx, caller, event)?;
    let promocode = of_event(tx, event, id)?;
    Ok(full(current(tx, vec![promocode])?.pop().ok_or(Error::NotFound("promocode"))?))
}

/// Makes a promocode.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for managers of the organizer and the platform; [`Error::Invalid`] for sets
/// that are not the event's; [`Error::Conflict`] where the event has the code already.
pub fn create(
    tx: &mut Tx<'_>,
    caller: &Caller,
    id: PromocodeId,
    event: EventId,
    new: &NewPromocode,
) -> Result<PromocodeView, Error> {
    // An amount is of the event's currency, and the sets are the event's: neither changes meanwhile.
    let event = store::events::find_locked(tx, event)?.ok_or(Error::NotFound("event"))?;
    managed(caller, &event)?;
    if event.removed {
        return Err(Error::invalid("event", "removed", "the event has been removed"));
    }
    let discount = new.discount.in_currency(event.currency)?;
    let sets = sets_of_event(tx, event.id, &new.sets)?;
    let now = tx.now();
    let promocode = Promocode {
        id,
        event: event.id,
        code: new.code.clone(),
        name: new.name.clone(),
        desc: new.desc.clone(),
        discount,
        amount: new.amount,
        tickets_count: new.tickets_count,
        lifetime: new.lifetime,
        sets,
        held: 0,
        used: 0,
        removed: false,
        created_at: now,
        updated_at: now,
    };
    store::promocodes::insert(tx, &promocode).map_err(|error| {
        if error.violates(store::promocodes::CODE_KEY) {
            Error::Conflict(Wrong::at("code", Invalid::conflict("another promocode of the event has this code")))
        } else {
            error.into()
        }
    })?;
    Ok(full(promocode))
}

/// Changes a promocode's name and description.
///
/// # Errors
/// Those of [`get`].
pub fn change(
    tx: &mut Tx<'_>,
    caller: &Caller,
    event: EventId,
    id: PromocodeId,
    changes: &Changes,
) -> Result<PromocodeView, Error> {
    store::promocodes::lock(tx, id)?;
    let mut view = get(tx, caller, event, id)?;
    let promocode = &mut view.promocode;
    let was = promocode.clone();
    if let Some(name) = &changes.name {
        promocode.name.clone_from(name);
    }
    if let Some(desc) = &changes.desc {
        promocode.desc.clone_from(desc);
    }
    if *promocode != was {
        promocode.updated_at = tx.now();
        store::promocodes::update(tx, promocode)?;
    }
    Ok(view)
}

/// Removes a promocode. Orders that have it keep it; its code may be made again.
///
/// # Errors
/// Those of [`get`].
pub fn remove(tx: &mut Tx<'_>, caller: &Caller, event: EventId, id: PromocodeId) -> Result<(), Error> {
    get(tx, caller, event, id)?;
    Ok(store::promocodes::remove(tx, id)?)
}

/// Those of the promocodes that the caller may see, removed ones too, for an order keeps its code: all of them for managers
/// of the organizer and the platform; what they take off for whoever sells the event.
///
/// # Errors
/// Those of the store.
pub fn views(tx: &mut Tx<'_>, caller: &Caller, ids: &[PromocodeId]) -> Result<Vec<PromocodeView>, Error> {
    if !caller.may(Right::Sell) || ids.is_empty() {
        return Ok(Vec::new());
    }
    let promocodes = store::promocodes::find_all(tx, ids)?;
    let events: BTreeSet<EventId> = promocodes.iter().map(|promocode| promocode.event).collect();
    let events: Vec<EventId> = events.into_iter().collect();
    let mut sights: HashMap<EventId, Sight> = HashMap::new();
    for event in store::events::find_all(tx, &events)? {
        if access::manages(caller, event.org) {
            sights.insert(event.id, Sight::Full);
        } else if caller.acts_for(event.org) || caller.is_platform() {
            sights.insert(event.id, Sight::Public);
        }
    }
    let unclear: Vec<EventId> = events.into_iter().filter(|event| !sights.contains_key(event)).collect();
    if let Some(acting) = &caller.partner
        && !unclear.is_empty()
    {
        let opened = store::deals::events_opened_to(tx, acting.id, &unclear)?;
        sights.extend(opened.into_iter().map(|event| (event, Sight::Public)));
    }
    let readable = promocodes.into_iter().filter(|promocode| sights.contains_key(&promocode.event)).collect();
    let view = |promocode: Promocode| {
        let sight = sights.get(&promocode.event).copied().unwrap_or(Sight::Hidden);
        PromocodeView { promocode, sight }
    };
    Ok(current(tx, readable)?.into_iter().map(view).collect())
}

/// What a code gives to orders of an event now, before there is one.
///
/// # Errors
/// [`Error::Invalid`] for an unknown event, and where no promocode of it that can be given now is spelled so or no use of it
/// is left; [`Error::Forbidden`] but for who may sell the event.
pub fn check(tx: &mut Tx<'_>, caller: &Caller, event: EventId, code: &str) -> Result<Promocode, Error> {
    let unknown = || Error::invalid("event", "unknown", "there is no event with this id");
    let event = store::events::find(tx, event)?.ok_or_else(unknown)?;
    if !may_use(tx, caller, &event)? {
        return Err(Error::forbidden("only who may sell the event may use its promocodes"));
    }
    let now = tx.now();
    let over = event.removed || event.status == EventStatus::Cancelled || event.lifetime.end <= now;
    let found = store::promocodes::by_codes(tx, event.id, &[promocode::folded(code)])?;
    let found = current(tx, found)?.pop();
    found.filter(|promocode| !over && promocode.holds(now) && promocode.left() != Some(0)).ok_or_else(not_found)
}

/// That no such promocode can be given to an order, in the words of the API's documentation.
pub fn not_found() -> Error {
    let message = "Promocode not found".to_owned();
    Error::Invalid(vec![Wrong { field: None, code: "promocode_not_found", message }])
}

/// Whether the caller may use promocodes of an event: who may sell it, and the platform.
fn may_use(tx: &mut Tx<'_>, caller: &Caller, event: &Event) -> Result<bool, Error> {
    if !caller.may(Right::Sell) {
        return Ok(false);
    }
    match &caller.partner {
        Some(acting) if acting.id != event.org && !acting.roles.core => {
            Ok(store::deals::accepted_exists(tx, event.id, acting.id)?)
        }
        acting => Ok(acting.is_some()),
    }
}

/// Promocodes with their counters as they are now: without what orders hold whose time is over.
///
/// # Errors
/// Those of the store.
pub fn current(tx: &mut Tx<'_>, promocodes: Vec<Promocode>) -> Result<Vec<Promocode>, Error> {
    let held: Vec<PromocodeId> =
        promocodes.iter().filter(|promocode| promocode.held > 0).map(|promocode| promocode.id).collect();
    let over = if held.is_empty() { BTreeMap::new() } else { store::promocodes::held_by_expired(tx, &held)? };
    let without = |mut promocode: Promocode| {
        promocode.held -= over.get(&promocode.id).copied().unwrap_or(0);
        promocode
    };
    Ok(promocodes.into_iter().map(without).collect())
}

fn full(promocode: Promocode) -> PromocodeView {
    PromocodeView { promocode, sight: Sight::Full }
}

fn managed_event(tx: &mut Tx<'_>, caller: &Caller, id: EventId) -> Result<Event, Error> {
    let event = store::events::find(tx, id)?.ok_or(Error::NotFound("event"))?;
    managed(caller, &event)?;
    Ok(event)
}

fn managed(caller: &Caller, event: &Event) -> Result<(), Error> {
    if access::manages(caller, event.org) {
        return Ok(());
    }
    Err(Error::forbidden("only the event's organizer may see and change its promocodes"))
}

/// A promocode of this event that has not been removed.
fn of_event(tx: &mut Tx<'_>, event: EventId, id: PromocodeId) -> Result<Promocode, Error> {
    let found = store::promocodes::find(tx, id)?;
    found.filter(|promocode| promocode.event == event && !promocode.removed).ok_or(Error::NotFound("promocode"))
}

/// The sets, each once, where they are the event's.
fn sets_of_event(tx: &mut Tx<'_>, event: EventId, given: &[SetId]) -> Result<Vec<SetId>, Error> {
    let mut seen = HashSet::new();
    let sets: Vec<SetId> = given.iter().copied().filter(|set| seen.insert(*set)).collect();
    let found = store::sets::find_all(tx, &sets)?;
    let own: HashSet<SetId> = found.iter().filter(|set| set.event == event && !set.removed).map(|set| set.id).collect();
    let wrong = |(at, id): (usize, &SetId)| {
        let invalid = Invalid::unknown(format!("the event has no set {id}"));
        (!own.contains(id)).then(|| Wrong::at(format!("sets[{at}]"), invalid))
    };
    let wrongs: Vec<Wrong> = given.iter().enumerate().filter_map(wrong).collect();
    if wrongs.is_empty() { Ok(sets) } else { Err(Error::Invalid(wrongs)) }
}
