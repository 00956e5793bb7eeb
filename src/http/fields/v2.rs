//! Fields of what version 2 shows otherwise than version 1 (`spec/v2.md`). References are ids here; the objects are in
//! `refs`.

pub mod orders;
pub mod refunds;

use jiff::Timestamp;

use super::write::{Made, Maybe, One};
use super::{Cell, Field, Key, Kind, Resource, Type};
use crate::domain::event::{Event, Title};
use crate::domain::money::{Currency, Money};
use crate::domain::order::Order;
use crate::domain::partner::Partner;
use crate::domain::period::Period;
use crate::domain::place::Venue;
use crate::domain::promocode::{Discount, Promocode, TicketsCount};
use crate::domain::set::{self, Set};
use crate::places::{self, City, Country, Names};

impl Resource for Period {
    const NAME: &'static str = "Period";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("finish", "The first second after it", Type::TimeV2, |period| Cell::time_v2(period.end)),
        Field::<Self>::value("start", "The first second", Type::TimeV2, |period| Cell::time_v2(period.start)),
    ];
}

/// An event that another object names.
pub struct EventRef(pub Event);

impl Resource for EventRef {
    const NAME: &'static str = "EventRef";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value(
            "age_rating",
            "The age it is rated for",
            Type::IntOf(super::events::AGE_RATINGS),
            |EventRef(event)| Cell::Int(event.age_rating.years().into()),
        ),
        Field::<Self>::value("id", "Id", Type::Id, |EventRef(event)| Cell::text(event.id)),
        Field::<Self>::embedded(
            "lifetime",
            "From its start to its end",
            &One::<EventRef, Period>(|EventRef(event)| &event.lifetime),
        ),
        Field::<Self>::reference("org", "The organizer", Kind::Partner, |EventRef(event)| Some(event.org.into())),
        Field::<Self>::value(
            "status",
            "Where the event stands",
            Type::Word(super::events::STATUSES),
            |EventRef(event)| Cell::str(event.status.as_str()),
        ),
        Field::<Self>::value("timezone", "IANA time zone of the place", Type::Text, |EventRef(event)| {
            Cell::text(&event.timezone)
        }),
        Field::<Self>::embedded(
            "title",
            "Title and description",
            &One::<EventRef, Title>(|EventRef(event)| &event.title),
        ),
        Field::<Self>::reference("venue", "The place", Kind::Venue, |EventRef(event)| event.venue.map(Key::from)),
    ];
}

/// An order that another object names.
pub struct OrderRef(pub Order);

impl Resource for OrderRef {
    const NAME: &'static str = "OrderRef";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("code", "What the customer shows, once it is done", Type::OptText, |OrderRef(order)| {
            Cell::opt(order.code.as_deref())
        }),
        Field::<Self>::value("created_at", "Time of creation", Type::TimeV2, |OrderRef(order)| {
            Cell::time_v2(order.created_at)
        }),
        Field::<Self>::value("done_at", "When it was paid", Type::OptTimeV2, |OrderRef(order)| {
            order.done_at.map_or(Cell::Null, Cell::time_v2)
        }),
        Field::<Self>::reference("event", "The event", Kind::Event, |OrderRef(order)| Some(order.event.into())),
        Field::<Self>::value("id", "Id", Type::Id, |OrderRef(order)| Cell::text(order.id)),
        Field::<Self>::value(
            "number",
            "What people call it",
            Type::Int(100_000_000, 9_999_999_999),
            |OrderRef(order)| Cell::Int(order.number),
        ),
        Field::<Self>::reference("org", "The organizer of the event", Kind::Partner, |OrderRef(order)| {
            Some(order.org.into())
        }),
        Field::<Self>::embedded(
            "settings",
            "Whom it is for, and what is done for them",
            &Made::<OrderRef, orders::Settings>(|OrderRef(order)| orders::Settings::of(order)),
        ),
        Field::<Self>::value("status", "Where it stands", Type::Word(orders::STATUSES), |OrderRef(order)| {
            Cell::str(order.status.name_v2())
        }),
        Field::<Self>::reference("vendor", "Who sells it", Kind::Partner, |OrderRef(order)| Some(order.vendor.into())),
    ];
}

/// A partner that another object names.
pub struct PartnerRef(pub Partner);

impl Resource for PartnerRef {
    const NAME: &'static str = "PartnerRef";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("id", "Id", Type::Id, |PartnerRef(partner)| Cell::text(partner.id)),
        Field::<Self>::value("name", "Name", Type::Text, |PartnerRef(partner)| Cell::text(&partner.name)),
    ];
}

/// A promocode that another object names.
pub struct PromocodeRef(pub Promocode);

impl Resource for PromocodeRef {
    const NAME: &'static str = "PromocodeRef";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("code", "What customers type", Type::Text, |PromocodeRef(promocode)| {
            Cell::str(&promocode.code)
        }),
        Field::<Self>::embedded(
            "discount",
            "What it takes off each ticket",
            &One::<PromocodeRef, Discount>(|PromocodeRef(promocode)| &promocode.discount),
        ),
        Field::<Self>::value("id", "Id", Type::Id, |PromocodeRef(promocode)| Cell::text(promocode.id)),
        Field::<Self>::embedded(
            "lifetime",
            "When orders may be given it; null: always",
            &Maybe::<PromocodeRef, Period>(|PromocodeRef(promocode)| promocode.lifetime.as_ref()),
        ),
        Field::<Self>::value("viral", "Always false", Type::Bool, |_| Cell::Bool(false)),
    ];
}

/// A set that another object names.
pub struct SetRef {
    set: Set,
    price: Option<Money>,
}

impl SetRef {
    /// A set with its price at this time; without a rule, nothing in the currency of its event.
    pub fn new(currency: Option<Currency>, set: Set, now: Timestamp) -> Self {
        let price = set::shown_rule(&set.rules, now).map(|rule| rule.price);
        Self { price: price.or(currency.map(Money::zero)), set }
    }
}

impl Resource for SetRef {
    const NAME: &'static str = "SetRef";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("id", "Id", Type::Id, |shown| Cell::text(shown.set.id)),
        Field::<Self>::value("name", "Name", Type::Text, |shown| Cell::str(&shown.set.name)),
        Field::<Self>::value("price", "The nominal", Type::Text, |shown| shown.price.map_or(Cell::Null, Cell::text)),
        Field::<Self>::value("with_seats", "Whether its tickets have seats", Type::Bool, |shown| {
            Cell::Bool(shown.set.seats.is_some())
        }),
    ];
}

/// A venue that another object names.
pub struct VenueRef {
    venue: Venue,
    city: Option<CityRef>,
    country: Option<CountryRef>,
}

impl VenueRef {
    /// A venue with its city and its country.
    pub fn new(venue: Venue) -> Self {
        Self {
            city: venue.city.and_then(places::city).map(CityRef),
            country: venue.country.and_then(places::country).map(CountryRef),
            venue,
        }
    }
}

struct CityRef(&'static City);
struct CountryRef(&'static Country);

impl Resource for VenueRef {
    const NAME: &'static str = "VenueRef";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("address", "Postal address", Type::OptText, |shown| {
            Cell::opt(shown.venue.address.as_deref())
        }),
        Field::<Self>::embedded("city", "The city", &Maybe::<VenueRef, CityRef>(|shown| shown.city.as_ref())),
        Field::<Self>::embedded(
            "country",
            "The country",
            &Maybe::<VenueRef, CountryRef>(|shown| shown.country.as_ref()),
        ),
        Field::<Self>::value("desc", "Description", Type::OptText, |shown| Cell::opt(shown.venue.desc.as_deref())),
        Field::<Self>::value("id", "Id", Type::Id, |shown| Cell::text(shown.venue.id)),
        Field::<Self>::value("name", "Name", Type::Text, |shown| Cell::str(&shown.venue.name)),
    ];
}

impl Resource for CityRef {
    const NAME: &'static str = "CityRef";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("_id", "GeoNames id", Type::City, |CityRef(city)| Cell::Int(city.id.number().into())),
        Field::<Self>::embedded("name", "Names by language", &One::<CityRef, Names>(|CityRef(city)| &city.names)),
        Field::<Self>::value("timezone", "IANA time zone", Type::Text, |CityRef(city)| Cell::str(city.timezone)),
    ];
}

impl Resource for CountryRef {
    const NAME: &'static str = "CountryRef";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("_id", "ISO 3166 alpha-2", Type::Country, |CountryRef(country)| Cell::text(country.id)),
        Field::<Self>::embedded(
            "name",
            "Names by language",
            &One::<CountryRef, Names>(|CountryRef(country)| &country.names),
        ),
    ];
}

/// What a promocode gives to orders that do not exist yet.
pub struct PromocodeCheck {
    promocode: Promocode,
    bounds: Bounds,
}

impl From<Promocode> for PromocodeCheck {
    fn from(promocode: Promocode) -> Self {
        Self { bounds: Bounds(promocode.tickets_count), promocode }
    }
}

/// Bounds on the number of tickets, those that there are.
struct Bounds(TicketsCount);

impl Resource for PromocodeCheck {
    const NAME: &'static str = "PromocodeCheck";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::embedded(
            "discount",
            "What it takes off each ticket",
            &One::<PromocodeCheck, Discount>(|check| &check.promocode.discount),
        ),
        Field::<Self>::embedded(
            "lifetime",
            "When orders may be given it; absent: always",
            &Maybe::<PromocodeCheck, Period>(|check| check.promocode.lifetime.as_ref()),
        )
        .present_if(|check| check.promocode.lifetime.is_some()),
        Field::<Self>::references("sets", "The sets it is for; empty: all", Kind::Set, |check| {
            check.promocode.sets.iter().map(|set| Key::from(*set)).collect::<Vec<_>>().into()
        }),
        Field::<Self>::embedded(
            "tickets_count",
            "How many tickets in its sets an order has to have",
            &One::<PromocodeCheck, Bounds>(|check| &check.bounds),
        ),
    ];
}

impl Resource for Bounds {
    const NAME: &'static str = "TicketsBounds";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("max", "At most", Type::Int(1, i64::MAX), |Bounds(count)| {
            count.max.map_or(Cell::Null, Cell::Int)
        })
        .present_if(|Bounds(count)| count.max.is_some()),
        Field::<Self>::value("min", "At least", Type::Int(1, i64::MAX), |Bounds(count)| {
            count.min.map_or(Cell::Null, Cell::Int)
        })
        .present_if(|Bounds(count)| count.min.is_some()),
    ];
}
