//! The events that a partner may sell: rows of `events`, chosen by `deals`.

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Query, SelectStatement};

use super::events::{COLUMNS, event};
use super::values::{bytes, id_in};
use super::{Error, Tx, Window, lists};
use crate::domain::event::{Event, EventStatus};
use crate::domain::id::{EventId, PartnerId, VenueId};
use crate::domain::partner::Tag;
use crate::domain::place::{CityId, CountryCode};
use crate::domain::text::fold;

/// From one value to another, both included; none: without a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between<T> {
    /// The lowest.
    pub from: Option<T>,
    /// The highest.
    pub till: Option<T>,
}

impl<T: PartialOrd> Between<T> {
    /// Whether a value is neither below nor above.
    pub fn holds(&self, value: &T) -> bool {
        self.from.as_ref().is_none_or(|from| from <= value) && self.till.as_ref().is_none_or(|till| value <= till)
    }
}

/// Which events a list of offers holds; never removed ones.
#[derive(Clone, Debug, Default)]
pub struct Filter {
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
    /// Only events created then or later.
    pub created_since: Option<Timestamp>,
    /// Only events changed then or later.
    pub updated_since: Option<Timestamp>,
    /// Only events changed later than this.
    pub updated_after: Option<Timestamp>,
}

/// When an event takes place, to put events in order.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// The event.
    pub id: EventId,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// A part of a list of events that a partner may sell, in the order of their ids: its own, and those that it has an accepted
/// deal for.
pub fn list(tx: &mut Tx<'_>, seller: PartnerId, filter: &Filter, window: Window<EventId>) -> Result<Vec<Event>, Error> {
    let selects = selects(seller, filter, tx.now());
    lists::merged_by_id(tx, selects.into(), COLUMNS, window, event, |event| event.id)
}

/// When all events of a list take place.
pub fn heads(tx: &mut Tx<'_>, seller: PartnerId, filter: &Filter) -> Result<Vec<Head>, Error> {
    let mut heads = Vec::new();
    for mut select in selects(seller, filter, tx.now()) {
        select.columns(["id", "starts_at", "ends_at"]);
        for row in tx.query_built(&select)? {
            let mut row = row.read("events");
            heads.push(Head { id: row.next()?, starts_at: row.next()?, ends_at: row.next()? });
        }
    }
    Ok(heads)
}

/// How many events a list holds in all.
pub fn count(tx: &mut Tx<'_>, seller: PartnerId, filter: &Filter) -> Result<i64, Error> {
    let selects = selects(seller, filter, tx.now());
    lists::count(tx, selects)
}

/// Whose an event is, where it takes place, and its tags.
pub type OrgVenueTags = (PartnerId, Option<VenueId>, Vec<Tag>);

/// The organizers, places and tags of the events of a list, each combination once.
pub fn places_and_tags(tx: &mut Tx<'_>, seller: PartnerId, filter: &Filter) -> Result<Vec<OrgVenueTags>, Error> {
    let mut found = Vec::new();
    for mut select in selects(seller, filter, tx.now()) {
        select.distinct().columns(["org_id", "venue_id", "tags"]);
        for row in tx.query_built(&select)? {
            let mut row = row.read("events");
            found.push((row.next()?, row.next()?, row.next_tags()?));
        }
    }
    Ok(found)
}

/// The list as two selects that have no event in common: its own events, and those it has an accepted deal for. Each
/// follows indexes of its own, so that a partner's list costs the same however many events others have.
fn selects(seller: PartnerId, filter: &Filter, now: Timestamp) -> [SelectStatement; 2] {
    let seller = || bytes(seller);
    let mut own = Query::select();
    own.from("events").and_where(Expr::col("removed").eq(false));
    restrict(&mut own, filter, now);
    let mut sold = own.clone();
    own.and_where(Expr::col("org_id").eq(seller()));
    let mut dealt = Query::select();
    dealt
        .column("event_id")
        .from("deals")
        .and_where(Expr::col("obj_id").eq(seller()).or(Expr::col("subj_id").eq(seller())))
        .and_where(Expr::col("agent_id").eq(seller()))
        .and_where(Expr::col("status").eq("accepted"))
        .and_where(Expr::col("event_ends_at").gt(now.as_microsecond()));
    sold.and_where(Expr::col("id").in_subquery(dealt)).and_where(Expr::col("status").ne(EventStatus::Draft.as_str()));
    [own, sold]
}

fn restrict(select: &mut SelectStatement, filter: &Filter, now: Timestamp) {
    let statuses = filter.statuses.as_deref().unwrap_or(&[EventStatus::StandBy, EventStatus::Public]);
    select.and_where(Expr::col("status").is_in(statuses.iter().map(|status| status.as_str())));
    if let Some(ids) = &filter.ids {
        select.and_where(id_in(ids));
    }
    if let Some(orgs) = &filter.orgs {
        select.and_where(Expr::col("org_id").is_in(orgs.iter().map(|org| bytes(*org))));
    }
    if let Some(venues) = &filter.venues {
        select.and_where(Expr::col("venue_id").is_in(venues.iter().map(|venue| bytes(*venue))));
    }
    if filter.countries.is_some() || filter.cities.is_some() {
        let mut there = Query::select();
        there.column("id").from("venues");
        if let Some(countries) = &filter.countries {
            there.and_where(Expr::col("country").is_in(countries.iter().map(CountryCode::as_str)));
        }
        if let Some(cities) = &filter.cities {
            there.and_where(Expr::col("city_id").is_in(cities.iter().map(|city| i64::from(city.number()))));
        }
        select.and_where(Expr::col("venue_id").in_subquery(there));
    }
    if let Some(tags) = &filter.tags {
        let mut tagged = Query::select();
        tagged
            .column("event_id")
            .from("event_tags")
            .and_where(Expr::col("tag_folded").is_in(tags.iter().map(|tag| fold(tag))));
        select.and_where(Expr::col("id").in_subquery(tagged));
    }
    let Between { from, till } = filter.lifetime.unwrap_or(Between { from: Some(now), till: None });
    if let Some(time) = from {
        select.and_where(Expr::col("ends_at").gt(time.as_microsecond()));
    }
    if let Some(time) = till {
        select.and_where(Expr::col("starts_at").lte(time.as_microsecond()));
    }
    if let Some(time) = filter.created_since {
        select.and_where(Expr::col("created_at").gte(time.as_microsecond()));
    }
    if let Some(time) = filter.updated_since {
        select.and_where(Expr::col("updated_at").gte(time.as_microsecond()));
    }
    if let Some(time) = filter.updated_after {
        select.and_where(Expr::col("updated_at").gt(time.as_microsecond()));
    }
}
