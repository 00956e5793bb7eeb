//! Objects that others name by their ids. Whether the caller may see them is for whoever led to them to say.

use std::collections::{BTreeSet, HashMap};

use super::Error;
use crate::domain::event::Event;
use crate::domain::id::{EventId, PartnerId, PromocodeId, SetId, VenueId};
use crate::domain::money::Currency;
use crate::domain::partner::Partner;
use crate::domain::place::Venue;
use crate::domain::promocode::Promocode;
use crate::domain::set::Set;
use crate::store::{self, Tx};

/// Objects of several kinds.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// Events.
    pub events: Vec<Event>,
    /// Partners.
    pub partners: Vec<Partner>,
    /// Promocodes.
    pub promocodes: Vec<Promocode>,
    /// Sets with their rules.
    pub sets: Vec<Set>,
    /// The currencies of the events of those sets that have no rule, and so no price that says it.
    pub currencies: HashMap<EventId, Currency>,
    /// Venues.
    pub venues: Vec<Venue>,
}

/// Ids of several kinds.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of events.
    pub events: Vec<EventId>,
    /// Of partners.
    pub partners: Vec<PartnerId>,
    /// Of promocodes.
    pub promocodes: Vec<PromocodeId>,
    /// Of sets.
    pub sets: Vec<SetId>,
    /// Of venues.
    pub venues: Vec<VenueId>,
}

/// Objects by their ids, one statement for each kind that is asked for; unknown ids are left out.
///
/// # Errors
/// Those of the store.
pub fn load(tx: &mut Tx<'_>, wanted: &Wanted) -> Result<Named, Error> {
    let Wanted { events, partners, promocodes, sets, venues } = wanted;
    let mut named = Named::default();
    if !events.is_empty() {
        named.events = store::events::find_all(tx, events)?;
    }
    if !partners.is_empty() {
        named.partners = store::partners::find_all(tx, partners)?;
    }
    if !promocodes.is_empty() {
        named.promocodes = store::promocodes::find_all(tx, promocodes)?;
    }
    if !sets.is_empty() {
        named.sets = store::sets::find_all(tx, sets)?;
        let unpriced: BTreeSet<EventId> =
            named.sets.iter().filter(|set| set.rules.is_empty()).map(|set| set.event).collect();
        if !unpriced.is_empty() {
            let of = store::events::find_all(tx, &unpriced.into_iter().collect::<Vec<_>>())?;
            named.currencies = of.into_iter().map(|event| (event.id, event.currency)).collect();
        }
    }
    if !venues.is_empty() {
        named.venues = store::venues::find_all(tx, venues)?;
    }
    Ok(named)
}
