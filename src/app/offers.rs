//! Offers: the events that a partner may sell, each with all that is needed to sell it.

mod order;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::callers::acting;
use super::maps::drawing_url;
use super::partners::PartnerView;
use super::sets::SetView;
use super::{App, Error, Window};
use crate::domain::access::Caller;
use crate::domain::contact::Detail;
use crate::domain::event::{Event, EventStatus};
use crate::domain::id::{EventId, MapId, PartnerId, VenueId};
use crate::domain::map::Map;
use crate::domain::member::Right;
use crate::domain::money::Money;
use crate::domain::place::{CityId, CountryCode, Venue};
use crate::domain::terms::Terms;
use crate::places::{self, City, Country};
use crate::store::{self, Tx};
use order::compare;

pub use crate::store::offers::{Between, Filter};
pub use order::{Decimal, Key, Place, Sort};

/// Something as it is shown with an offer, which is shorter than by itself.
#[derive(Clone, Debug)]
pub struct Card<T>(pub T);

/// A map as it is shown with an offer.
#[derive(Clone, Debug)]
pub struct MapCard {
    /// The map; its sectors are without their seats.
    pub map: Map,
    /// How it is drawn.
    pub drawing: Card<Drawing>,
}

/// The drawing of a map, as if it had been uploaded.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// The map.
    pub map: MapId,
    /// Whose it is.
    pub org: PartnerId,
    /// When the map was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Whether it has been removed.
    pub removed: bool,
    /// Where it is served.
    pub url: String,
}

impl MapCard {
    fn new(app: &App, map: Map) -> Self {
        let drawing = Drawing {
            map: map.id,
            org: map.org,
            created_at: map.created_at,
            updated_at: map.updated_at,
            removed: map.removed,
            url: drawing_url(app, map.id),
        };
        Self { map, drawing: Card(drawing) }
    }
}

/// An event that the caller may sell.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The event.
    pub event: Event,
    /// The terms under which the caller sells it; none for its own events, and for who may not read deals.
    pub terms: Option<Card<Terms>>,
    /// The legal person that organizes it, where the caller may see it.
    pub legal_detail: Option<Arc<Card<Detail>>>,
    /// Its organizer.
    pub org: Option<Arc<Card<PartnerView>>>,
    /// Who sells it: the caller's partner.
    pub partner: Option<Arc<Card<PartnerView>>>,
    /// The plan of the place.
    pub map: Option<Arc<MapCard>>,
    /// Where it takes place.
    pub venue: Option<Arc<Card<Venue>>>,
    /// Its sets, by their place.
    pub sets: Vec<Card<SetView>>,
}

impl Offer {
    /// How many tickets its sets have.
    pub fn tickets(&self) -> i64 {
        self.sets.iter().fold(0, |sum, set| sum.saturating_add(set.0.set.amount))
    }

    /// How many of them can be had.
    pub fn vacant(&self) -> i64 {
        self.sets.iter().fold(0, |sum, set| sum.saturating_add(set.0.vacant))
    }

    /// Where the event stands in any order of a list.
    pub fn place(&self) -> Place {
        Place {
            event: self.event.id,
            starts_at: self.event.lifetime.start,
            ends_at: self.event.lifetime.end,
            price: self.sets.iter().map(|set| Decimal::from(set.0.price.full)).min(),
        }
    }
}

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Which events.
    pub filter: Filter,
    /// Only events with a set at such a price.
    pub price: Option<Between<Decimal>>,
    /// The order; of what is equal in it, and without any, that of the ids.
    pub order: Vec<Sort>,
}

/// What occurs in the list of a caller's offers.
#[derive(Clone, Debug)]
pub struct Facets {
    /// Cities, by their ids.
    pub cities: Vec<City>,
    /// Countries, by their ids.
    pub countries: Vec<Country>,
    /// Places, by their ids.
    pub venues: Vec<Card<Venue>>,
    /// Organizers, by their ids.
    pub orgs: Vec<Card<PartnerView>>,
    /// Tags.
    pub tags: Vec<String>,
}

/// One offer: an event of the caller's in whatever status, or one that it has an accepted deal for.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for an event that the caller may not sell.
pub fn get(app: &App, tx: &mut Tx<'_>, caller: &Caller, id: EventId) -> Result<Offer, Error> {
    let acting = acting(caller)?;
    let any_time = Between { from: None, till: None };
    let filter = Filter {
        ids: Some(vec![id]),
        statuses: Some(EventStatus::ALL.to_vec()),
        lifetime: Some(any_time),
        ..Filter::default()
    };
    let events = store::offers::list(tx, acting.id, &filter, Window { after: None, skip: 0, limit: 1 })?;
    if let Some(offer) = offers(app, tx, caller, events)?.pop() {
        return Ok(offer);
    }
    match store::events::find(tx, id)? {
        Some(event) if event.org != acting.id => Err(Error::forbidden(
            if event.status == EventStatus::Draft && store::deals::accepted_exists(tx, id, acting.id)? {
                "you may not sell this event: it is a draft"
            } else {
                "you may not sell this event: you have no accepted deal for it"
            },
        )),
        _ => Err(Error::NotFound("event")),
    }
}

/// A part of the list of offers.
///
/// # Errors
/// Those of the store.
pub fn list(
    app: &App,
    tx: &mut Tx<'_>,
    caller: &Caller,
    wish: &Wish,
    window: Window<Place>,
) -> Result<Vec<Offer>, Error> {
    let Window { after, skip, limit } = window;
    if wish.order.is_empty() && wish.price.is_none() {
        let window = Window { after: after.map(|place| place.event), skip, limit };
        let events = store::offers::list(tx, acting(caller)?.id, &wish.filter, window)?;
        return offers(app, tx, caller, events);
    }
    let mut places = places_in_order(tx, caller, wish)?;
    places.retain(|place| after.is_none_or(|after| compare(&wish.order, place, &after) == Ordering::Greater));
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let ids: Vec<EventId> = places.iter().map(|place| place.event).skip(count(skip)).take(count(limit)).collect();
    let mut events: HashMap<EventId, Event> =
        store::events::find_all(tx, &ids)?.into_iter().map(|event| (event.id, event)).collect();
    let events = ids.iter().filter_map(|id| events.remove(id)).collect();
    offers(app, tx, caller, events)
}

/// How many offers the list holds in all.
///
/// # Errors
/// Those of the store.
pub fn count(tx: &mut Tx<'_>, caller: &Caller, wish: &Wish) -> Result<i64, Error> {
    if wish.price.is_none() {
        return Ok(store::offers::count(tx, acting(caller)?.id, &wish.filter)?);
    }
    let places = places_in_order(tx, caller, wish)?;
    Ok(i64::try_from(places.len()).unwrap_or(i64::MAX))
}

/// What occurs in the list that is answered when nothing is asked for.
///
/// # Errors
/// Those of the store.
pub fn facets(tx: &mut Tx<'_>, caller: &Caller) -> Result<Facets, Error> {
    let acting = acting(caller)?;
    let (mut orgs, mut venues, mut tags) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (org, venue, tagged) in store::offers::places_and_tags(tx, acting.id, &Filter::default())? {
        orgs.insert(org);
        venues.extend(venue);
        tags.extend(tagged.iter().map(ToString::to_string));
    }
    let (orgs, venues): (Vec<_>, Vec<_>) = (orgs.into_iter().collect(), venues.into_iter().collect());
    let mut venues = store::venues::find_all(tx, &venues)?;
    venues.sort_unstable_by_key(|venue| venue.id);
    let mut orgs = super::partners::views(tx, caller, &orgs)?;
    orgs.sort_unstable_by_key(|view| view.partner.id);
    let cities: BTreeMap<CityId, City> =
        venues.iter().filter_map(|venue| places::city(venue.city?)).map(|city| (city.id, *city)).collect();
    let countries: BTreeMap<CountryCode, Country> = venues
        .iter()
        .filter_map(|venue| places::country(venue.country?))
        .map(|country| (country.id, *country))
        .collect();
    Ok(Facets {
        cities: cities.into_values().collect(),
        countries: countries.into_values().collect(),
        venues: venues.into_iter().map(Card).collect(),
        orgs: orgs.into_iter().map(Card).collect(),
        tags: tags.into_iter().collect(),
    })
}

/// Where all events of a list stand, in its order. What a partner sells at a time is thousands of events at the most, so
/// they are put in order here, by prices that no statement knows.
fn places_in_order(tx: &mut Tx<'_>, caller: &Caller, wish: &Wish) -> Result<Vec<Place>, Error> {
    let heads = store::offers::heads(tx, acting(caller)?.id, &wish.filter)?;
    let mut prices: HashMap<EventId, Vec<Money>> = HashMap::new();
    if wish.price.is_some() || wish.order.iter().any(|sort| sort.key == Key::Price) {
        let ids: Vec<EventId> = heads.iter().map(|head| head.id).collect();
        let events = store::events::find_all(tx, &ids)?;
        prices = super::sets::prices(tx, caller, &events)?;
    }
    let mut places = Vec::with_capacity(heads.len());
    for head in heads {
        let prices = prices.get(&head.id).map(Vec::as_slice).unwrap_or_default();
        let mut prices = prices.iter().map(|price| Decimal::from(*price));
        if wish.price.is_some_and(|wanted| !prices.clone().any(|price| wanted.holds(&price))) {
            continue;
        }
        let lowest = prices.by_ref().min();
        places.push(Place { event: head.id, starts_at: head.starts_at, ends_at: head.ends_at, price: lowest });
    }
    places.sort_unstable_by(|one, other| compare(&wish.order, one, other));
    Ok(places)
}

/// All that is shown with these events: a fixed number of statements, however many events there are.
fn offers(app: &App, tx: &mut Tx<'_>, caller: &Caller, events: Vec<Event>) -> Result<Vec<Offer>, Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let acting = acting(caller)?;
    let mut sets = super::sets::of_events(tx, caller, &events)?;
    let mut terms: HashMap<EventId, Terms> = HashMap::new();
    let sold: Vec<EventId> = events.iter().filter(|event| event.org != acting.id).map(|event| event.id).collect();
    if caller.may(Right::Manage) && !sold.is_empty() {
        terms.extend(store::deals::in_force(tx, acting.id, &sold)?.into_iter().map(|deal| (deal.event, deal.term)));
    }
    let mut partners: BTreeSet<PartnerId> = events.iter().map(|event| event.org).collect();
    partners.insert(acting.id);
    let partners = super::partners::views(tx, caller, &partners.into_iter().collect::<Vec<_>>())?;
    let legal_details: HashMap<PartnerId, Arc<Card<Detail>>> = partners
        .iter()
        .filter(|view| view.is_full())
        .filter_map(|view| Some((view.partner.id, Arc::new(Card(view.partner.legal.as_ref()?.detail.clone())))))
        .collect();
    let partners: HashMap<PartnerId, Arc<Card<PartnerView>>> =
        partners.into_iter().map(|view| (view.partner.id, Arc::new(Card(view)))).collect();
    let venues: BTreeSet<VenueId> = events.iter().filter_map(|event| event.venue).collect();
    let venues: HashMap<VenueId, Arc<Card<Venue>>> = if venues.is_empty() {
        HashMap::new()
    } else {
        let found = super::venues::readable(tx, &venues.into_iter().collect::<Vec<_>>())?;
        found.into_iter().map(|venue| (venue.id, Arc::new(Card(venue)))).collect()
    };
    let maps: BTreeSet<MapId> = events.iter().filter_map(|event| event.map).collect();
    let maps: HashMap<MapId, Arc<MapCard>> = if maps.is_empty() {
        HashMap::new()
    } else {
        let found = store::maps::find_heads(tx, &maps.into_iter().collect::<Vec<_>>())?;
        found.into_iter().map(|map| (map.id, Arc::new(MapCard::new(app, map)))).collect()
    };
    let offer = |event: Event| Offer {
        terms: terms.get(&event.id).copied().map(Card),
        legal_detail: legal_details.get(&event.org).cloned(),
        org: partners.get(&event.org).cloned(),
        partner: partners.get(&acting.id).cloned(),
        map: event.map.and_then(|map| maps.get(&map).cloned()),
        venue: event.venue.and_then(|venue| venues.get(&venue).cloned()),
        sets: sets.remove(&event.id).unwrap_or_default().into_iter().map(Card).collect(),
        event,
    };
    Ok(events.into_iter().map(offer).collect())
}
