//! Maps of halls: describing, changing and removing them. Every partner reads them; events of their organizer use them.

use super::callers::acting;
use super::{App, Error, Window, venues};
use crate::domain::access::{self, Caller};
use crate::domain::id::{MapId, SectorId, VenueId};
use crate::domain::map::{Map, Sector};
use crate::store::{self, Tx};

pub use crate::store::maps::Filter;

/// A map as it is answered.
#[derive(Clone, Debug)]
pub struct MapView {
    /// The map; its sectors are in [`sectors`](Self::sectors).
    pub map: Map,
    /// Its sectors.
    pub sectors: Vec<SectorView>,
    /// Where its drawing is served.
    pub svg: String,
}

/// Where the drawing of a map is served.
pub(super) fn drawing_url(app: &App, id: MapId) -> String {
    format!("{}/v1/resources/maps/{id}/svg", app.public_url())
}

/// A sector as it is answered.
#[derive(Clone, Debug)]
pub struct SectorView {
    /// The sector.
    pub sector: Sector,
    /// Whether its seats were read: they are only where one map is asked for, because they may be many.
    pub with_rows: bool,
}

impl MapView {
    fn new(app: &App, mut map: Map, with_rows: bool) -> Self {
        let sectors = std::mem::take(&mut map.sectors);
        let sectors = sectors.into_iter().map(|sector| SectorView { sector, with_rows }).collect();
        Self { svg: drawing_url(app, map.id), sectors, map }
    }
}

/// What a new map is made of.
#[derive(Clone, Debug)]
pub struct NewMap {
    /// Its id.
    pub id: MapId,
    /// What it is called.
    pub name: String,
    /// More about it.
    pub desc: Option<String>,
    /// The place that it is the plan of.
    pub venue: Option<VenueId>,
    /// Its parts.
    pub sectors: Vec<Sector>,
}

/// What a request sets of a map. Outer `None`: not given; inner `None`: cleared.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// What it is called.
    pub name: Option<String>,
    /// More about it.
    pub desc: Option<Option<String>>,
    /// The place that it is the plan of.
    pub venue: Option<Option<VenueId>>,
}

/// Maps by their ids, without their seats; unknown ids are left out.
///
/// # Errors
/// Those of the store.
pub fn readable(app: &App, tx: &mut Tx<'_>, ids: &[MapId]) -> Result<Vec<MapView>, Error> {
    Ok(store::maps::find_heads(tx, ids)?.into_iter().map(|map| MapView::new(app, map, false)).collect())
}

/// Sectors by their ids, without their seats; unknown ids are left out.
///
/// # Errors
/// Those of the store.
pub fn readable_sectors(tx: &mut Tx<'_>, ids: &[SectorId]) -> Result<Vec<SectorView>, Error> {
    let sectors = store::maps::find_sector_heads(tx, ids)?;
    Ok(sectors.into_iter().map(|sector| SectorView { sector, with_rows: false }).collect())
}

/// One map with all its seats.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get(app: &App, tx: &mut Tx<'_>, caller: &Caller, id: MapId) -> Result<MapView, Error> {
    Ok(MapView::new(app, whole(tx, caller, id)?, true))
}

/// One map with all its seats, to be drawn.
///
/// # Errors
/// [`Error::NotFound`].
pub fn whole(tx: &mut Tx<'_>, _: &Caller, id: MapId) -> Result<Map, Error> {
    store::maps::find(tx, id)?.ok_or(Error::NotFound("map"))
}

/// A part of the list of maps, without their seats.
///
/// # Errors
/// Those of the store.
pub fn list(
    app: &App,
    tx: &mut Tx<'_>,
    _: &Caller,
    filter: &Filter,
    window: Window<MapId>,
) -> Result<Vec<MapView>, Error> {
    let maps = store::maps::list(tx, filter, window.after, window.skip, window.limit)?;
    Ok(maps.into_iter().map(|map| MapView::new(app, map, false)).collect())
}

/// How many maps the list holds in all.
///
/// # Errors
/// Those of the store.
pub fn count(tx: &mut Tx<'_>, _: &Caller, filter: &Filter) -> Result<i64, Error> {
    Ok(store::maps::count(tx, filter)?)
}

/// Describes a map for the caller's partner.
///
/// # Errors
/// [`Error::Forbidden`] unless the partner is an organizer; [`Error::Invalid`] for an unknown venue.
pub fn create(app: &App, tx: &mut Tx<'_>, caller: &Caller, new: &NewMap) -> Result<MapView, Error> {
    let acting = acting(caller)?;
    if !acting.roles.org {
        return Err(Error::forbidden("only a partner with the role org may create maps"));
    }
    if let Some(venue) = new.venue {
        venues::usable(tx, venue)?;
    }
    let now = tx.now();
    let NewMap { id, name, desc, venue, sectors } = new.clone();
    let map = Map { id, org: acting.id, venue, name, desc, sectors, removed: false, created_at: now, updated_at: now };
    store::maps::insert(tx, &map)?;
    Ok(MapView::new(app, map, true))
}

/// Changes a map, all or nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for its organizer and the platform; [`Error::Invalid`] for an unknown
/// venue, and for another one than that of events held by it.
pub fn change(app: &App, tx: &mut Tx<'_>, caller: &Caller, id: MapId, changes: &Changes) -> Result<MapView, Error> {
    let mut map = managed(tx, caller, id)?;
    let was = map.clone();
    if let Some(name) = &changes.name {
        map.name.clone_from(name);
    }
    if let Some(desc) = &changes.desc {
        map.desc.clone_from(desc);
    }
    if let Some(venue) = changes.venue {
        if let Some(venue) = venue.filter(|venue| map.venue != Some(*venue)) {
            venues::usable(tx, venue)?;
            let events = store::events::elsewhere_with(tx, map.org, id, venue)?;
            if !events.is_empty() {
                let names = events.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let message = format!("events held by the map take place in another venue: {names}");
                return Err(Error::invalid("venue", "conflict", message));
            }
        }
        map.venue = venue;
    }
    if map != was {
        map.updated_at = tx.now();
        store::maps::update(tx, &map)?;
    }
    get(app, tx, caller, id)
}

/// Removes a map. It stays readable, for tickets name its seats.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for its organizer and the platform; [`Error::Conflict`] where events are
/// still to be held by it.
pub fn remove(tx: &mut Tx<'_>, caller: &Caller, id: MapId) -> Result<(), Error> {
    let map = managed(tx, caller, id)?;
    if map.removed {
        return Ok(());
    }
    let events = store::events::coming_with(tx, map.org, id)?;
    if !events.is_empty() {
        let names = events.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let message = format!("the map cannot be removed: events are still to be held by it: {names}");
        return Err(Error::conflict("coming_events", message));
    }
    let updated_at = tx.now();
    Ok(store::maps::update(tx, &Map { removed: true, updated_at, ..map })?)
}

/// The map without its sectors, where the caller may change it; nobody else changes it until the transaction ends.
fn managed(tx: &mut Tx<'_>, caller: &Caller, id: MapId) -> Result<Map, Error> {
    let map = store::maps::find_locked(tx, id)?.ok_or(Error::NotFound("map"))?;
    if !access::manages(caller, map.org) {
        return Err(Error::forbidden("only the map's organizer may change it"));
    }
    Ok(map)
}
