//! Offers: the events that a partner may sell, each with all that is needed to sell it.

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
use crate::domain::event::{Event, EventStatus};
use crate::domain::id::{EventId, MapId, PartnerId, VenueId};
use crate::domain::invalid::Invalid;
use crate::domain::map::Map;
use crate::domain::member::Right;
use crate::domain::money::Money;
use crate::domain::partner::Detail;
use crate::domain::place::{CityId, CountryCode, Venue};
use crate::domain::terms::Terms;
use crate::places::{self, City, Country};
use crate::store::offers::Filter;
use crate::store::{self, Tx};

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

/// What orders of a list go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    event: EventId,
    starts_at: Timestamp,
    ends_at: Timestamp,
    /// The lowest price of its sets.
    price: Option<Decimal>,
}

/// An amount of money of whatever currency, in ten-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(i128);

impl Decimal {
    /// As many digits after the point as any currency has.
    const DIGITS: u8 = 4;
}

impl From<Money> for Decimal {
    fn from(money: Money) -> Self {
        let missing = Self::DIGITS.saturating_sub(money.currency.minor_digits());
        Self(i128::from(money.minor) * 10_i128.pow(missing.into()))
    }
}

impl std::str::FromStr for Decimal {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::malformed("must be an amount such as 1105.50");
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() > 15 || fraction.len() > usize::from(Self::DIGITS) {
            return Err(wrong());
        }
        format!("{whole}{fraction:0<4}").parse().map(Self).map_err(|_| wrong())
    }
}

/// What a list may be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// When the event starts.
    Start,
    /// When it ends.
    End,
    /// The lowest price of its sets; events without sets come last.
    Price,
}

/// One step of an order: by a key, upwards or downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: Key,
    /// Whether the highest comes first.
    pub falling: bool,
}

impl std::str::FromStr for Sort {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (falling, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        let key = match name {
            "start" => Key::Start,
            "end" => Key::End,
            "price" => Key::Price,
            _ => return Err(Invalid::out_of_range("must be some of start, end, price, each also with a - before it")),
        };
        Ok(Self { key, falling })
    }
}

/// From one value to another, both included; none: without a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between<T> {
    /// The lowest.
    pub from: Option<T>,
    /// The highest.
    pub till: Option<T>,
}

impl<T: PartialOrd> Between<T> {
    fn holds(&self, value: &T) -> bool {
        self.from.as_ref().is_none_or(|from| from <= value) && self.till.as_ref().is_none_or(|till| value <= till)
    }
}

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Only these.
    pub ids: Option<Vec<EventId>>,
    /// Only events of these organizers.
    pub orgs: Option<Vec<PartnerId>>,
    /// Only events in one of these places.
    pub venues: Option<Vec<VenueId>>,
    /// Only events in one of these countries.
    pub countries: Option<Vec<CountryCode>>,
    /// Only events in one of these cities.
    pub cities: Option<Vec<CityId>>,
    /// Only events with one of these tags, in any case.
    pub tags: Option<Vec<String>>,
    /// Only events in one of these statuses; none: those that are or may be on sale.
    pub statuses: Option<Vec<EventStatus>>,
    /// Only events that take place then, for a part of the time at least; none: those that have not ended.
    pub lifetime: Option<Between<Timestamp>>,
    /// Only events with a set at such a price.
    pub price: Option<Between<Decimal>>,
    /// Only events created then or later.
    pub created_since: Option<Timestamp>,
    /// Only events changed then or later.
    pub updated_since: Option<Timestamp>,
    /// Only events changed later than this.
    pub updated_after: Option<Timestamp>,
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
    let wish = Wish {
        ids: Some(vec![id]),
        statuses: Some(EventStatus::ALL.to_vec()),
        lifetime: Some(any_time),
        ..Wish::default()
    };
    let filter = filter(tx, caller, &wish)?;
    let events = store::offers::list(tx, &filter, None, 0, 1)?;
    if let Some(offer) = offers(app, tx, caller, events)?.pop() {
        return Ok(offer);
    }
    match store::events::find(tx, id)? {
        Some(event) if event.org != acting.id => {
            Err(Error::forbidden("you may not sell this event: you have no accepted deal for it"))
        }
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
    let filter = filter(tx, caller, wish)?;
    let Window { after, skip, limit } = window;
    if wish.order.is_empty() && wish.price.is_none() {
        let events = store::offers::list(tx, &filter, after.map(|place| place.event), skip, limit)?;
        return offers(app, tx, caller, events);
    }
    let mut places = places_in_order(tx, caller, wish, &filter)?;
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
    let filter = filter(tx, caller, wish)?;
    if wish.price.is_none() {
        return Ok(store::offers::count(tx, &filter)?);
    }
    let places = places_in_order(tx, caller, wish, &filter)?;
    Ok(i64::try_from(places.len()).unwrap_or(i64::MAX))
}

/// What occurs in the list that is answered when nothing is asked for.
///
/// # Errors
/// Those of the store.
pub fn facets(tx: &mut Tx<'_>, caller: &Caller) -> Result<Facets, Error> {
    let filter = filter(tx, caller, &Wish::default())?;
    let (mut orgs, mut venues, mut tags) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (org, venue, tagged) in store::offers::places_and_tags(tx, &filter)? {
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

fn filter(tx: &Tx<'_>, caller: &Caller, wish: &Wish) -> Result<Filter, Error> {
    let seller = acting(caller)?.id;
    let Wish { ids, orgs, venues, countries, cities, tags, statuses, lifetime, .. } = wish.clone();
    let (ends_after, starts_till) = match lifetime {
        Some(Between { from, till }) => (from, till),
        None => (Some(tx.now()), None),
    };
    Ok(Filter {
        seller,
        ids,
        orgs,
        venues,
        countries,
        cities,
        tags,
        statuses: statuses.unwrap_or_else(|| vec![EventStatus::StandBy, EventStatus::Public]),
        ends_after,
        starts_till,
        created_since: wish.created_since,
        updated_since: wish.updated_since,
        updated_after: wish.updated_after,
    })
}

/// Where all events of a list stand, in its order. What a partner sells at a time is thousands of events at the most, so
/// they are put in order here, by prices that no statement knows.
fn places_in_order(tx: &mut Tx<'_>, caller: &Caller, wish: &Wish, filter: &Filter) -> Result<Vec<Place>, Error> {
    let heads = store::offers::heads(tx, filter)?;
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

fn compare(order: &[Sort], one: &Place, other: &Place) -> Ordering {
    let by = |sort: &Sort| {
        let turned = |ordering: Ordering| if sort.falling { ordering.reverse() } else { ordering };
        match sort.key {
            Key::Start => turned(one.starts_at.cmp(&other.starts_at)),
            Key::End => turned(one.ends_at.cmp(&other.ends_at)),
            Key::Price => match (one.price, other.price) {
                (Some(one), Some(other)) => turned(one.cmp(&other)),
                (one, other) => other.is_some().cmp(&one.is_some()),
            },
        }
    };
    let first_difference = order.iter().map(by).find(|ordering| ordering.is_ne());
    first_difference.unwrap_or_else(|| one.event.cmp(&other.event))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ObjectId;

    fn place(number: u8, starts_at: i64, price: Option<i128>) -> Place {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let event = ObjectId::from_bytes([number; 12]).into();
        Place { event, starts_at: at(starts_at), ends_at: at(starts_at + 10), price: price.map(Decimal) }
    }

    fn sorted(order: &str) -> Vec<u8> {
        let order: Vec<Sort> = order.split(',').filter(|sort| !sort.is_empty()).map(|s| s.parse().unwrap()).collect();
        let mut places =
            [place(3, 5, Some(7)), place(1, 9, None), place(2, 5, Some(9)), place(4, 7, Some(7)), place(5, 7, None)];
        places.sort_unstable_by(|one, other| compare(&order, one, other));
        places.iter().map(|place| ObjectId::from(place.event).as_bytes()[0]).collect()
    }

    #[test]
    fn of_what_is_equal_in_an_order_the_older_comes_first_and_without_a_price_is_last() {
        for (order, expected) in [
            ("", [1, 2, 3, 4, 5]),
            ("start", [2, 3, 4, 5, 1]),
            ("-start", [1, 4, 5, 2, 3]),
            ("price", [3, 4, 2, 1, 5]),
            ("-price", [2, 3, 4, 1, 5]),
            ("price,-start", [4, 3, 2, 1, 5]),
            ("end,-price", [2, 3, 4, 5, 1]),
        ] {
            assert_eq!(sorted(order), expected, "{order}");
        }
        assert!("name".parse::<Sort>().is_err() && "--start".parse::<Sort>().is_err());
    }

    #[test]
    fn prices_of_all_currencies_are_compared_as_numbers() {
        let money = |text: &str, currency: &str| {
            let currency = currency.parse().unwrap();
            Decimal::from(Money::parse(text, currency).unwrap())
        };
        assert_eq!(money("1105.50", "RUB"), "1105.5".parse().unwrap());
        assert_eq!(money("1105", "JPY"), "1105".parse().unwrap());
        assert!(money("1.001", "KWD") > "1.0".parse().unwrap());
        for wrong in ["", ".5", "5.", "-5", "1e3", "1,5", "0.00001", "1234567890123456"] {
            assert!(wrong.parse::<Decimal>().is_err(), "{wrong}");
        }
    }
}
