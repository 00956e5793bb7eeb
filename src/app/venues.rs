//! Venues: describing, changing and removing them. Every partner reads all of them: an event may be held anywhere.

use super::callers::acting;
use super::{Error, Window};
use crate::domain::access::{self, Caller};
use crate::domain::id::VenueId;
use crate::domain::place::{CityId, CountryCode, Point, Venue};
use crate::places;
use crate::store::{self, Tx};

pub use crate::store::venues::Filter;

/// What a request sets of a venue. Outer `None`: not given; inner `None`: cleared.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// What it is called.
    pub name: Option<String>,
    /// More about it.
    pub desc: Option<Option<String>>,
    /// Its postal address.
    pub address: Option<Option<String>>,
    /// The city.
    pub city: Option<Option<CityId>>,
    /// The country.
    pub country: Option<Option<CountryCode>>,
    /// Where exactly it is.
    pub point: Option<Option<Point>>,
}

/// Venues by their ids; unknown ids are left out.
///
/// # Errors
/// Those of the store.
pub fn readable(tx: &mut Tx<'_>, ids: &[VenueId]) -> Result<Vec<Venue>, Error> {
    Ok(store::venues::find_all(tx, ids)?)
}

/// One venue.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(tx: &mut Tx<'_>, _: &Caller, id: VenueId) -> Result<Venue, Error> {
    store::venues::find(tx, id)?.ok_or(Error::NotFound("venue"))
}

/// A part of the list of venues; of those that the caller's partner described where its own are asked for.
///
/// # Errors
/// [`Error::Forbidden`] for the own ones of who acts for no partner.
pub fn list(
    tx: &mut Tx<'_>,
    caller: &Caller,
    own: bool,
    filter: &Filter,
    window: Window<VenueId>,
) -> Result<Vec<Venue>, Error> {
    let of = if own { Some(acting(caller)?.id) } else { None };
    Ok(store::venues::list(tx, of, filter, window)?)
}

/// How many venues the list holds in all.
///
/// # Errors
/// Those of [`list`].
pub fn count(tx: &mut Tx<'_>, caller: &Caller, own: bool, filter: &Filter) -> Result<i64, Error> {
    let of = if own { Some(acting(caller)?.id) } else { None };
    Ok(store::venues::count(tx, of, filter)?)
}

/// Describes a venue for the caller's partner.
///
/// # Errors
/// [`Error::Forbidden`] unless the partner is an organizer; [`Error::Invalid`] without a name, or for a place that does
/// not exist.
pub fn create(tx: &mut Tx<'_>, caller: &Caller, id: VenueId, changes: &Changes) -> Result<Venue, Error> {
    let acting = acting(caller)?;
    if !acting.roles.org {
        return Err(Error::forbidden("only a partner with the role org may create venues"));
    }
    let name = changes.name.clone().ok_or_else(|| Error::invalid("name", "required", "is required"))?;
    let now = tx.now();
    let mut venue = Venue {
        id,
        org: acting.id,
        name,
        desc: None,
        address: None,
        city: None,
        country: None,
        point: None,
        removed: false,
        created_at: now,
        updated_at: now,
    };
    apply(&mut venue, changes)?;
    store::venues::insert(tx, &venue)?;
    Ok(venue)
}

/// Changes a venue, all or nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the organizer that described it and the platform;
/// [`Error::Invalid`] for a place that does not exist.
pub fn change(tx: &mut Tx<'_>, caller: &Caller, id: VenueId, changes: &Changes) -> Result<Venue, Error> {
    let mut venue = managed(tx, caller, id)?;
    let was = venue.clone();
    apply(&mut venue, changes)?;
    if venue != was {
        venue.updated_at = tx.now();
        store::venues::update(tx, &venue)?;
    }
    Ok(venue)
}

/// Removes a venue. It stays readable, for events were held there.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the organizer that described it and the platform;
/// [`Error::Conflict`] where events are still to be held there.
pub fn remove(tx: &mut Tx<'_>, caller: &Caller, id: VenueId) -> Result<(), Error> {
    let venue = managed(tx, caller, id)?;
    if venue.removed {
        return Ok(());
    }
    let events = store::events::coming_in(tx, id)?;
    if !events.is_empty() {
        let names = events.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let message = format!("the venue cannot be removed: events are still to be held there: {names}");
        return Err(Error::conflict("coming_events", message));
    }
    let updated_at = tx.now();
    Ok(store::venues::update(tx, &Venue { removed: true, updated_at, ..venue })?)
}

/// The venue, where the caller may change it; nobody else changes it until the transaction ends.
fn managed(tx: &mut Tx<'_>, caller: &Caller, id: VenueId) -> Result<Venue, Error> {
    let venue = store::venues::find_locked(tx, id)?.ok_or(Error::NotFound("venue"))?;
    if !access::manages(caller, venue.org) {
        return Err(Error::forbidden("only the organizer that described the venue may change it"));
    }
    Ok(venue)
}

fn apply(venue: &mut Venue, changes: &Changes) -> Result<(), Error> {
    if let Some(name) = &changes.name {
        venue.name.clone_from(name);
    }
    if let Some(desc) = &changes.desc {
        venue.desc.clone_from(desc);
    }
    if let Some(address) = &changes.address {
        venue.address.clone_from(address);
    }
    if let Some(point) = &changes.point {
        venue.point.clone_from(point);
    }
    apply_place(venue, changes)
}

/// A city says which country it lies in, so the two never contradict each other.
fn apply_place(venue: &mut Venue, changes: &Changes) -> Result<(), Error> {
    if let Some(country) = changes.country {
        let known = |code: CountryCode| places::country(code).is_some() || city_of(changes, venue) == Some(code);
        if country.is_some_and(|code| !known(code)) {
            return Err(Error::invalid("country", "unknown", "there is no such country: see /v1/resources/countries"));
        }
        venue.country = country;
    }
    if let Some(city) = changes.city {
        venue.city = city;
    }
    let Some(city) = venue.city else { return Ok(()) };
    let Some(found) = places::city(city) else {
        return Err(Error::invalid("city", "unknown", "there is no city with this number: see /v1/resources/cities"));
    };
    if changes.country.is_some() && venue.country != Some(found.country) {
        let message = format!("the city {} lies in {}", found.names.en, found.country);
        return Err(Error::invalid("country", "conflict", message));
    }
    venue.country = Some(found.country);
    Ok(())
}

/// The country of the city that the venue is to have: some lie in places that ISO 3166 has no code for.
fn city_of(changes: &Changes, venue: &Venue) -> Option<CountryCode> {
    Some(places::city(changes.city.unwrap_or(venue.city)?)?.country)
}

/// A venue that something may newly name.
pub(super) fn usable(tx: &mut Tx<'_>, id: VenueId) -> Result<Venue, Error> {
    match store::venues::find_kept(tx, id)? {
        Some(venue) if !venue.removed => Ok(venue),
        Some(_) => Err(Error::invalid("venue", "unknown", "the venue with this id was removed")),
        None => Err(Error::invalid("venue", "unknown", "there is no venue with this id")),
    }
}
