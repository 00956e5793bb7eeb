//! Events: creating, changing and removing them, and who may read them.

use std::collections::{BTreeSet, HashSet};

use super::attachments::{self, Named};
use super::callers::{acting, whose};
use super::sets::SetView;
use super::{Error, Installation, Window, Wrong, orders, venues};
use crate::domain::access::{self, Caller, Sight};
use crate::domain::event::{self, AgeRating, Event, EventStatus, Timezone, Title, TitlePatch};
use crate::domain::id::{EventId, MapId, VenueId};
use crate::domain::invalid::Invalid;
use crate::domain::money::Currency;
use crate::domain::partner::Tag;
use crate::domain::period::Period;
use crate::places;
use crate::store::{self, Tx};

pub use crate::store::events::{Filter, When};

/// An event as one caller sees it at one time.
#[derive(Clone, Debug)]
pub struct EventView {
    /// The event.
    pub event: Event,
    /// Its sets, by their place; none where they were not asked for.
    pub sets: Option<Vec<SetView>>,
}

/// What a request sets of an event. Outer `None`: not given; inner `None`: back to the default.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The age it is rated for.
    pub age_rating: Option<Option<AgeRating>>,
    /// The picture shown with it.
    pub cover: Option<Option<Named>>,
    /// Currency of its prices.
    pub currency: Option<Option<Currency>>,
    /// From its start to its end.
    pub lifetime: Option<Period>,
    /// Where it stands.
    pub status: Option<EventStatus>,
    /// Tags, all of them.
    pub tags: Option<Vec<Tag>>,
    /// Time zone of the place.
    pub timezone: Option<Option<Timezone>>,
    /// Title and description, merged into what is there.
    pub title: Option<TitlePatch>,
    /// Where it takes place.
    pub venue: Option<Option<VenueId>>,
    /// The plan of the place.
    pub map: Option<Option<MapId>>,
}

/// Those of the events that the caller may read; unknown ids are left out.
///
/// # Errors
/// Those of the store.
pub fn readable(tx: &mut Tx<'_>, caller: &Caller, ids: &[EventId]) -> Result<Vec<Event>, Error> {
    let events = store::events::find_all(tx, ids)?;
    let hidden = |event: &&Event| access::event_sight(caller, event, false, false) == Sight::Hidden;
    let unclear: Vec<EventId> = events.iter().filter(hidden).map(|event| event.id).collect();
    let (mut opened, mut sold) = (HashSet::new(), HashSet::new());
    if let Some(acting) = &caller.partner
        && !unclear.is_empty()
    {
        opened.extend(store::deals::events_opened_to(tx, acting.id, &unclear)?);
        sold.extend(store::orders::events_sold_by(tx, acting.id, &unclear)?);
    }
    let may_read = |event: &Event| {
        access::event_sight(caller, event, opened.contains(&event.id), sold.contains(&event.id)) != Sight::Hidden
    };
    Ok(events.into_iter().filter(may_read).collect())
}

/// Events that the caller may read, with their sets as the caller sees them.
///
/// # Errors
/// Those of the store.
pub fn views(tx: &mut Tx<'_>, caller: &Caller, events: Vec<Event>) -> Result<Vec<EventView>, Error> {
    let mut sets = super::sets::of_events(tx, caller, &events)?;
    let view = |event: Event| EventView { sets: Some(sets.remove(&event.id).unwrap_or_default()), event };
    Ok(events.into_iter().map(view).collect())
}

fn view(tx: &mut Tx<'_>, caller: &Caller, event: Event) -> Result<EventView, Error> {
    views(tx, caller, vec![event])?.pop().ok_or(Error::NotFound("event"))
}

/// One event with its sets.
///
/// # Errors
/// Those of [`get`].
pub fn show(tx: &mut Tx<'_>, caller: &Caller, id: EventId) -> Result<EventView, Error> {
    let event = get(tx, caller, id)?;
    view(tx, caller, event)
}

/// One event.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] where the caller may not read it.
pub fn get(tx: &mut Tx<'_>, caller: &Caller, id: EventId) -> Result<Event, Error> {
    if let Some(event) = readable(tx, caller, &[id])?.pop() {
        return Ok(event);
    }
    match store::events::find(tx, id)? {
        None => Err(Error::NotFound("event")),
        Some(_) => Err(Error::forbidden("this event is not public")),
    }
}

/// A part of the list of the events that the caller may read.
///
/// # Errors
/// Those of the store.
pub fn list(
    tx: &mut Tx<'_>,
    caller: &Caller,
    filter: &Filter,
    window: Window<EventId>,
) -> Result<Vec<EventView>, Error> {
    let events = store::events::list(tx, whose(caller)?, filter, window)?;
    views(tx, caller, events)
}

/// How many events the list holds in all.
///
/// # Errors
/// Those of the store.
pub fn count(tx: &mut Tx<'_>, caller: &Caller, filter: &Filter) -> Result<i64, Error> {
    Ok(store::events::count(tx, whose(caller)?, filter)?)
}

/// Creates an event of the caller's partner.
///
/// # Errors
/// [`Error::Forbidden`] unless the partner is an organizer; [`Error::Invalid`] without title or lifetime.
pub fn create(
    tx: &mut Tx<'_>,
    caller: &Caller,
    installation: &Installation,
    id: EventId,
    changes: &Changes,
) -> Result<EventView, Error> {
    let acting = acting(caller)?;
    let org = store::partners::find(tx, acting.id)?.ok_or(Error::Unauthenticated)?;
    if !org.roles.org || org.removed {
        return Err(Error::forbidden("only a partner with the role org may create events"));
    }
    let title = match &changes.title {
        Some(patch) => {
            let nothing = Title { text: String::new(), desc: None };
            nothing.merge(patch.clone()).map_err(title_wrong)?
        }
        None => return Err(Error::invalid("title", "required", "is required")),
    };
    let lifetime = changes.lifetime.ok_or_else(|| Error::invalid("lifetime", "required", "is required"))?;
    let now = Some(tx.now());
    let mut event = Event {
        id,
        org: org.id,
        title,
        lifetime,
        status: EventStatus::Draft,
        age_rating: AgeRating::default(),
        currency: installation.currency,
        timezone: installation.timezone.clone(),
        tags: Vec::new(),
        venue: None,
        map: None,
        cover: None,
        removed: false,
        created_at: now,
        updated_at: now,
    };
    // What names no time zone has that of its city.
    let timezone = Some(changes.timezone.clone().flatten());
    apply(tx, &mut event, &Changes { title: None, timezone, ..changes.clone() }, installation, false)?;
    give_cover(tx, caller, &mut event, changes)?;
    store::events::insert(tx, &event)?;
    view(tx, caller, event)
}

/// Changes an event, all or nothing. Cancelling it, and setting its end before now, ends its deals; cancelling it also its
/// orders that are not paid.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the organizer and the platform; [`Error::Invalid`] for a status that
/// cannot follow.
pub fn change(
    tx: &mut Tx<'_>,
    caller: &Caller,
    installation: &Installation,
    id: EventId,
    changes: &Changes,
) -> Result<EventView, Error> {
    let mut event = managed(tx, caller, id)?;
    let was = event.clone();
    let has_priced_set = changes.status == Some(EventStatus::Public) && store::sets::priced_exists(tx, id)?;
    apply(tx, &mut event, changes, installation, has_priced_set)?;
    give_cover(tx, caller, &mut event, changes)?;
    if event == was {
        return view(tx, caller, event);
    }
    let now = tx.now();
    if event.currency != was.currency {
        if store::sets::exist(tx, id)? {
            let message = "is fixed once the event has a set: its prices are amounts of it";
            return Err(Error::invalid("currency", "conflict", message));
        }
        no_amounts(tx, id)?;
    }
    event.updated_at = Some(now);
    store::events::update(tx, &event)?;
    if event.lifetime.end != was.lifetime.end {
        // What the old end has ended stays ended.
        if was.lifetime.end <= now {
            store::deals::write_ends_of(tx, id)?;
        }
        if event.lifetime.end <= now {
            store::deals::end_with_event(tx, id)?;
        }
        store::deals::move_end(tx, id, event.lifetime.end)?;
        store::sets::move_ends(tx, id, was.lifetime.end, event.lifetime.end)?;
    }
    if event.status == EventStatus::Cancelled && was.status != EventStatus::Cancelled {
        store::deals::end_with_event(tx, id)?;
        orders::cancel_all_of(tx, id)?;
    }
    view(tx, caller, event)
}

/// Removes an event and ends its deals. It stays readable to its organizer and to the sides of its deals.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the organizer and the platform; [`Error::Conflict`] while it has live
/// or done orders.
pub fn remove(tx: &mut Tx<'_>, caller: &Caller, id: EventId) -> Result<(), Error> {
    let event = managed(tx, caller, id)?;
    if !event.removed {
        if store::orders::keep_event(tx, id)? {
            let message = "the event has orders that are live or done: cancel it instead";
            return Err(Error::conflict("orders", message));
        }
        let updated_at = Some(tx.now());
        store::events::update(tx, &Event { removed: true, updated_at, ..event })?;
        store::deals::end_with_event(tx, id)?;
    }
    Ok(())
}

/// The event, where the caller may change it; nobody else changes it until the transaction ends.
pub(super) fn managed(tx: &mut Tx<'_>, caller: &Caller, id: EventId) -> Result<Event, Error> {
    let event = store::events::find_locked(tx, id)?.ok_or(Error::NotFound("event"))?;
    if !access::manages(caller, event.org) {
        return Err(Error::forbidden("only the event's organizer may change it"));
    }
    Ok(event)
}

fn apply(
    tx: &mut Tx<'_>,
    event: &mut Event,
    changes: &Changes,
    installation: &Installation,
    has_priced_set: bool,
) -> Result<(), Error> {
    apply_place(tx, event, changes)?;
    if let Some(age_rating) = changes.age_rating {
        event.age_rating = age_rating.unwrap_or_default();
    }
    if let Some(currency) = changes.currency {
        event.currency = currency.unwrap_or(installation.currency);
    }
    if let Some(lifetime) = changes.lifetime {
        event.lifetime = lifetime;
    }
    if let Some(tags) = &changes.tags {
        event.tags.clone_from(tags);
    }
    if let Some(timezone) = &changes.timezone {
        event.timezone = match timezone {
            Some(timezone) => timezone.clone(),
            None => usual_timezone(tx, event.venue, installation)?,
        };
    }
    if let Some(patch) = &changes.title {
        event.title = event.title.clone().merge(patch.clone()).map_err(title_wrong)?;
    }
    if let Some(status) = changes.status {
        event::change_status(event.status, status, has_priced_set)
            .map_err(|refusal| Error::invalid("status", "conflict", refusal.to_string()))?;
        event.status = status;
    }
    Ok(())
}

/// Gives the event another picture.
fn give_cover(tx: &mut Tx<'_>, caller: &Caller, event: &mut Event, changes: &Changes) -> Result<(), Error> {
    if let Some(cover) = &changes.cover {
        event.cover = attachments::named(tx, caller, event.cover.as_slice(), cover.as_slice())?.pop();
    }
    Ok(())
}

fn apply_place(tx: &mut Tx<'_>, event: &mut Event, changes: &Changes) -> Result<(), Error> {
    let (venue_was, map_was) = (event.venue, event.map);
    if let Some(venue) = changes.venue {
        if let Some(id) = venue.filter(|id| event.venue != Some(*id)) {
            venues::usable(tx, id)?;
        }
        event.venue = venue;
    }
    if let Some(map) = changes.map {
        if map != event.map && store::sets::maps_of(tx, event.id)?.iter().any(|seated| Some(*seated) != map) {
            let message = "a set of the event has seats of another map: remove it first";
            return Err(Error::Conflict(Wrong::at("map", Invalid::conflict(message))));
        }
        if let Some(id) = map.filter(|id| event.map != Some(*id)) {
            match store::maps::find_kept(tx, id)? {
                None => return Err(Error::invalid("map", "unknown", "there is no map with this id")),
                Some(map) if map.org != event.org => {
                    return Err(Error::forbidden("map: this map is another organizer's"));
                }
                Some(map) if map.removed => {
                    return Err(Error::invalid("map", "unknown", "the map with this id was removed"));
                }
                Some(_) => {}
            }
        }
        event.map = map;
    }
    if event.map != map_was {
        return check_maps(tx, event, "map");
    }
    if event.venue != venue_was {
        return check_maps(tx, event, "venue");
    }
    Ok(())
}

/// Checks that what an event is held by are maps of the venue it takes place in. They keep their venues until the
/// transaction ends.
fn check_maps(tx: &mut Tx<'_>, event: &Event, field: &'static str) -> Result<(), Error> {
    let mut maps: BTreeSet<MapId> = store::sets::maps_of(tx, event.id)?.into_iter().collect();
    maps.extend(event.map);
    for id in maps {
        if let Some(map) = store::maps::find_kept(tx, id)?
            && !map.fits(event.venue)
        {
            let message = format!("the map {id} ({}) is of another venue than the event's", map.name);
            return Err(Error::invalid(field, "conflict", message));
        }
    }
    Ok(())
}

/// The time zone of the city that an event takes place in, else that of the installation.
fn usual_timezone(tx: &mut Tx<'_>, venue: Option<VenueId>, installation: &Installation) -> Result<Timezone, Error> {
    let venue = match venue {
        Some(venue) => store::venues::find(tx, venue)?,
        None => None,
    };
    let city = venue.and_then(|venue| places::city(venue.city?));
    let timezone = city.and_then(|city| city.timezone.parse().ok());
    Ok(timezone.unwrap_or_else(|| installation.timezone.clone()))
}

/// Amounts in the terms of its deals and in its promocodes are in the event's currency.
fn no_amounts(tx: &mut Tx<'_>, id: EventId) -> Result<(), Error> {
    if store::deals::with_amounts(tx, id)? {
        let invalid = Invalid::conflict("the terms of a deal for this event are amounts in it");
        return Err(Error::Conflict(Wrong::at("currency", invalid)));
    }
    if store::promocodes::with_amounts(tx, id)? {
        let invalid = Invalid::conflict("a promocode of this event takes off an amount in it");
        return Err(Error::Conflict(Wrong::at("currency", invalid)));
    }
    Ok(())
}

fn title_wrong((field, invalid): (&'static str, Invalid)) -> Error {
    Error::Invalid(vec![Wrong::at(format!("title.{field}"), invalid)])
}
