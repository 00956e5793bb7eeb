//! The tables `events` and `event_tags`.

use jiff::Timestamp;
use sea_query::{Cond, Expr, ExprTrait, Query, SelectStatement};

use super::db::{params, statements};
use super::values::{bytes, contains, id_in, tags_json};
use super::{Error, Row, Tx, Window, lists};
use crate::domain::event::{AgeRating, Event, EventStatus, Title};
use crate::domain::id::{EventId, MapId, PartnerId, VenueId};
use crate::domain::period::Period;
use crate::domain::text::fold;

macro_rules! columns {
    () => {
        "id, org_id, status, title, title_desc, age_rating, currency, timezone, starts_at, ends_at, tags, venue_id, \
         map_id, cover_id, removed, created_at, updated_at"
    };
}

/// What [`event`] reads, for lists of other files.
pub(super) const COLUMNS: &str = columns!();

statements! {
    ONE = concat!("select ", columns!(), " from events where bucket = $1 and id = $2");
    // Nobody else changes it until the transaction ends.
    ONE_LOCKED = concat!("select ", columns!(), " from events where bucket = $1 and id = $2 for no key update");
    // It may be sold by many at once, and not changed meanwhile.
    ONE_SHARED = concat!("select ", columns!(), " from events where bucket = $1 and id = $2 for share");
    BY_IDS = concat!("select ", columns!(), " from events where id = any($1)");
    INSERT = concat!(
        "insert into events (", columns!(), ", bucket, title_folded) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
    );
    UPDATE =
        "update events set status = $3, title = $4, title_desc = $5, age_rating = $6, currency = $7, timezone = $8, \
         starts_at = $9, ends_at = $10, tags = $11, removed = $12, updated_at = $13, title_folded = $14, \
         venue_id = $15, map_id = $16, cover_id = $17 where bucket = $1 and id = $2";
    // The row stays locked until the end of the transaction, so numbers are given out one after the other.
    GIVE_NUMBERS =
        "update events set numbers_given = numbers_given + $3 where bucket = $1 and id = $2 returning numbers_given";
    // Some of the events that are still to be held somewhere.
    COMING_IN_VENUE =
        "select id from events where venue_id = $1 and ends_at > $2 and status <> 'cancelled' and not removed limit 20";
    COMING_WITH_MAP =
        "select id from events where org_id = $1 and map_id = $2 and ends_at > $3 and status <> 'cancelled' \
         and not removed limit 20";
    // Some of the events held by a map, or with seats on it, in another venue than this one.
    ELSEWHERE_WITH_MAP =
        "select e.id from events e where e.org_id = $1 and e.venue_id <> $3 and not e.removed and (e.map_id = $2 \
         or exists (select 1 from sets s join sectors x on x.id = s.sector_id where s.bucket = e.bucket \
         and s.event_id = e.id and not s.removed and x.map_id = $2)) limit 20";
    DELETE_TAGS = "delete from event_tags where bucket = $1 and event_id = $2";
    INSERT_TAG = "insert into event_tags (bucket, event_id, tag_folded) values ($1, $2, $3) on conflict do nothing";
}

/// Finds an event.
pub fn find(tx: &mut Tx<'_>, id: EventId) -> Result<Option<Event>, Error> {
    tx.query_opt(ONE, params![id.bucket(), id])?.map(event).transpose()
}

/// Finds an event and keeps it as it is until the transaction ends.
pub fn find_locked(tx: &mut Tx<'_>, id: EventId) -> Result<Option<Event>, Error> {
    tx.query_opt(ONE_LOCKED, params![id.bucket(), id])?.map(event).transpose()
}

/// Finds an event that nobody changes until the transaction ends; others may do the same at the same time.
pub fn find_shared(tx: &mut Tx<'_>, id: EventId) -> Result<Option<Event>, Error> {
    tx.query_opt(ONE_SHARED, params![id.bucket(), id])?.map(event).transpose()
}

/// Finds several events; unknown ids are left out.
pub fn find_all(tx: &mut Tx<'_>, ids: &[EventId]) -> Result<Vec<Event>, Error> {
    tx.query(BY_IDS, params![ids])?.into_iter().map(event).collect()
}

/// Writes a new event.
pub fn insert(tx: &mut Tx<'_>, event: &Event) -> Result<(), Error> {
    tx.execute(
        INSERT,
        params![
            event.id,
            event.org,
            event.status.as_str(),
            event.title.text.as_str(),
            event.title.desc.as_deref(),
            i64::from(event.age_rating.years()),
            event.currency.to_string(),
            event.timezone.to_string(),
            event.lifetime.start,
            event.lifetime.end,
            tags_json(&event.tags)?,
            event.venue,
            event.map,
            event.cover,
            event.removed,
            event.created_at,
            event.updated_at,
            event.id.bucket(),
            fold(&event.title.text)
        ],
    )?;
    put_tags(tx, event)
}

/// Writes an event's changed fields.
pub fn update(tx: &mut Tx<'_>, event: &Event) -> Result<(), Error> {
    tx.execute(
        UPDATE,
        params![
            event.id.bucket(),
            event.id,
            event.status.as_str(),
            event.title.text.as_str(),
            event.title.desc.as_deref(),
            i64::from(event.age_rating.years()),
            event.currency.to_string(),
            event.timezone.to_string(),
            event.lifetime.start,
            event.lifetime.end,
            tags_json(&event.tags)?,
            event.removed,
            event.updated_at,
            fold(&event.title.text),
            event.venue,
            event.map,
            event.cover
        ],
    )?;
    tx.execute(DELETE_TAGS, params![event.id.bucket(), event.id])?;
    put_tags(tx, event)
}

/// Gives out so many numbers of tickets of an event; answers the first of them.
pub fn give_numbers(tx: &mut Tx<'_>, id: EventId, amount: i64) -> Result<i64, Error> {
    let last: i64 = tx.query_one(GIVE_NUMBERS, params![id.bucket(), id, amount])?.read("events").next()?;
    Ok(last - amount + 1)
}

fn put_tags(tx: &mut Tx<'_>, event: &Event) -> Result<(), Error> {
    for tag in &event.tags {
        tx.execute(INSERT_TAG, params![event.id.bucket(), event.id, fold(tag.as_str())])?;
    }
    Ok(())
}

/// Some of the events that are still to be held at a venue.
pub fn coming_in(tx: &mut Tx<'_>, venue: VenueId) -> Result<Vec<EventId>, Error> {
    let now = tx.now();
    tx.query(COMING_IN_VENUE, params![venue, now])?.into_iter().map(|row| row.read("events").next()).collect()
}

/// Some of the events of an organizer that are still to be held by a map.
pub fn coming_with(tx: &mut Tx<'_>, org: PartnerId, map: MapId) -> Result<Vec<EventId>, Error> {
    let now = tx.now();
    tx.query(COMING_WITH_MAP, params![org, map, now])?.into_iter().map(|row| row.read("events").next()).collect()
}

/// Some of the events of an organizer that are held by a map, or have seats on it, in another venue than this one.
pub fn elsewhere_with(tx: &mut Tx<'_>, org: PartnerId, map: MapId, venue: VenueId) -> Result<Vec<EventId>, Error> {
    let found = tx.query(ELSEWHERE_WITH_MAP, params![org, map, venue])?;
    found.into_iter().map(|row| row.read("events").next()).collect()
}

/// When the events of a list take place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Those that have not ended.
    Actual,
    /// Those that have.
    Past,
    /// Both.
    #[default]
    All,
}

/// Which events a list holds.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these.
    pub ids: Option<Vec<EventId>>,
    /// Only events that take place then.
    pub when: When,
    /// Only events of these organizers.
    pub orgs: Vec<PartnerId>,
    /// Only events in one of these places.
    pub venues: Option<Vec<VenueId>>,
    /// Only events in one of these statuses.
    pub statuses: Vec<EventStatus>,
    /// Only events with one of these tags, in any case.
    pub tags: Vec<String>,
    /// Only events whose title holds this, in any case.
    pub suggest: Option<String>,
    /// Only removed ones, or only others.
    pub removed: bool,
}

/// A part of a list of events in the order of their ids: of those that a partner may read, which are its own, public ones
/// and those that a deal opens to it; or of all.
pub fn list(
    tx: &mut Tx<'_>,
    reader: Option<PartnerId>,
    filter: &Filter,
    window: Window<EventId>,
) -> Result<Vec<Event>, Error> {
    let select = select(reader, filter, tx.now());
    lists::by_id(tx, select, columns!(), window, event)
}

/// How many events a list holds in all.
pub fn count(tx: &mut Tx<'_>, reader: Option<PartnerId>, filter: &Filter) -> Result<i64, Error> {
    let select = select(reader, filter, tx.now());
    lists::count(tx, [select])
}

fn select(reader: Option<PartnerId>, filter: &Filter, now: Timestamp) -> SelectStatement {
    let mut select = Query::select();
    select.from("events").and_where(Expr::col("removed").eq(filter.removed));
    if let Some(reader) = reader {
        let mut opened = Query::select();
        opened.column("event_id").from("deals").and_where(Expr::col("agent_id").eq(bytes(reader))).cond_where(
            Cond::any()
                .add(Expr::col("status").is_in(["accepted", "closed"]))
                .add(Expr::col("reversed").eq(true).and(Expr::col("obj_id").eq(bytes(reader))))
                .add(Expr::col("reversed").eq(false).and(Expr::col("subj_id").eq(bytes(reader)))),
        );
        let not_removed_and_public =
            Expr::col("status").eq(EventStatus::Public.as_str()).and(Expr::col("removed").eq(false));
        let by_deal = Expr::col("status").ne(EventStatus::Draft.as_str()).and(Expr::col("id").in_subquery(opened));
        // Whoever sold an event has, or had, a deal about it, so this adds drafts alone.
        let sold = Expr::col("status").eq(EventStatus::Draft.as_str()).and(Expr::exists(sold_by(reader)));
        select.cond_where(
            Cond::any().add(Expr::col("org_id").eq(bytes(reader))).add(not_removed_and_public).add(by_deal).add(sold),
        );
    }
    if let Some(ids) = &filter.ids {
        select.and_where(id_in(ids));
    }
    match filter.when {
        When::Actual => {
            select.and_where(Expr::col("ends_at").gt(now.as_microsecond()));
        }
        When::Past => {
            select.and_where(Expr::col("ends_at").lte(now.as_microsecond()));
        }
        When::All => {}
    }
    if !filter.orgs.is_empty() {
        select.and_where(Expr::col("org_id").is_in(filter.orgs.iter().map(|org| bytes(*org))));
    }
    if let Some(venues) = &filter.venues {
        select.and_where(Expr::col("venue_id").is_in(venues.iter().map(|venue| bytes(*venue))));
    }
    if !filter.statuses.is_empty() {
        select.and_where(Expr::col("status").is_in(filter.statuses.iter().map(|status| status.as_str())));
    }
    if !filter.tags.is_empty() {
        let mut tagged = Query::select();
        tagged
            .column("event_id")
            .from("event_tags")
            .and_where(Expr::col("tag_folded").is_in(filter.tags.iter().map(|tag| fold(tag))));
        select.and_where(Expr::col("id").in_subquery(tagged));
    }
    if let Some(suggest) = &filter.suggest {
        select.and_where(contains("title_folded", suggest));
    }
    select
}

/// The orders of the event at hand that a vendor has made.
fn sold_by(vendor: PartnerId) -> SelectStatement {
    let mut sold = Query::select();
    sold.expr(Expr::cust("1"))
        .from("orders")
        .and_where(Expr::cust("orders.bucket = events.bucket and orders.event_id = events.id"))
        .and_where(Expr::col(("orders", "vendor_id")).eq(bytes(vendor)));
    sold
}

/// Reads an event from its [`COLUMNS`].
pub(super) fn event(row: Row) -> Result<Event, Error> {
    let mut row = row.read("events");
    let id = row.next()?;
    let org = row.next()?;
    let status = row.next_parsed()?;
    let title = Title { text: row.next()?, desc: row.next()? };
    let age_rating = row.next_as(AgeRating::new)?;
    let currency = row.next_parsed()?;
    let timezone = row.next_parsed()?;
    let (start, end) = (row.next()?, row.next()?);
    let lifetime = Period::new(start, end).map_err(|_| row.corrupt("ends_at"))?;
    Ok(Event {
        id,
        org,
        status,
        title,
        age_rating,
        currency,
        timezone,
        lifetime,
        tags: row.next_tags()?,
        venue: row.next()?,
        map: row.next()?,
        cover: row.next()?,
        removed: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}
