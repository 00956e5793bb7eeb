//! `/v1/services/simple/events`, also as `/v1/simple/events`

use axum::body::Body;
use axum::http::Response;

use crate::app::offers::{self, Between, Decimal, Filter, Offer, Wish};
use crate::domain::id::EventId;
use crate::domain::invalid::Invalid;
use crate::domain::time::{Timestamp, parse_time};
use crate::http::call::Member;
use crate::http::error::Error;
use crate::http::fields::{Type, events::STATUSES};
use crate::http::path::PathId;
use crate::http::query::{Param, Query};
use crate::http::reading::{Reading, Source};

/// Parameters of the list.
pub const LIST: &[Param] = &[
    Param::new("ids", Type::Ids, "Only these events"),
    Param::new("org", Type::Ids, "Only events of these organizers"),
    Param::new("venue", Type::Ids, "Only events in these places"),
    Param::new("country", Type::Countries, "Only events in these countries"),
    Param::new("city", Type::Cities, "Only events in these cities"),
    Param::new("tags", Type::Texts, "Only events with one of these tags"),
    Param::new("status", Type::Words(STATUSES), "Only events in these statuses; public and stand_by unless given"),
    Param::new(
        "lifetime__range",
        Type::Texts,
        "Only events that take place between two times, of which one may be left empty; those that have not ended unless \
         given",
    ),
    Param::new("lifetime", Type::Texts, "The same as lifetime__range"),
    Param::new(
        "price__range",
        Type::Texts,
        "Only events with a set at a price between two amounts, of which one may be left empty",
    ),
    Param::new("price", Type::Texts, "The same as price__range"),
    Param::new("created_at__since", Type::Text, "Only events created then or later"),
    Param::new("updated_at__since", Type::Text, "Only events changed then or later"),
    Param::new("updated_at__gt", Type::Text, "Only events changed later than this"),
    Param::new("sort", Type::Words(SORTS), "The order, - for downwards; creation order unless given"),
];
const SORTS: &[&str] = &["start", "-start", "end", "-end", "price", "-price"];

/// GET of the list.
pub async fn list(call: Reading<Member>) -> Result<Response<Body>, Error> {
    let wish = call.query(LIST, |query| Wish {
        filter: Filter {
            ids: query.many("ids"),
            orgs: query.many("org"),
            venues: query.many("venue"),
            countries: query.many("country"),
            cities: query.many("city"),
            tags: query.many_as("tags", |tag| Ok(tag.to_owned())),
            statuses: query.many("status"),
            lifetime: between(query, ["lifetime__range", "lifetime"], parse_time),
            created_since: time(query, "created_at__since"),
            updated_since: time(query, "updated_at__since"),
            updated_after: time(query, "updated_at__gt"),
        },
        price: between(query, ["price__range", "price"], str::parse::<Decimal>),
        order: query.many("sort").unwrap_or_default(),
    });
    let source = Source {
        rows: |app, tx, caller, wish, window| offers::list(app, tx, caller, wish, window),
        count: offers::count,
        id: Offer::place,
    };
    call.list(wish, source).await
}

/// GET of one.
pub async fn get(call: Reading<Member>, id: PathId<EventId>) -> Result<Response<Body>, Error> {
    let app = call.app().clone();
    call.one(move |tx, caller| offers::get(&app, tx, caller, id.get()?)).await
}

/// GET of what occurs in the list.
pub async fn filters(call: Reading<Member>) -> Result<Response<Body>, Error> {
    call.one(offers::facets).await
}

fn time(query: &mut Query<'_>, name: &'static str) -> Option<Timestamp> {
    query.one_as(name, parse_time)
}

/// Two bounds, under either of two names.
fn between<T: PartialOrd>(
    query: &mut Query<'_>,
    names: [&'static str; 2],
    read: fn(&str) -> Result<T, Invalid>,
) -> Option<Between<T>> {
    let bound = |text: &str| if text.is_empty() { Ok(None) } else { read(text).map(Some) };
    let mut given = None;
    for name in names {
        let Some(bounds) = query.many_as(name, bound) else { continue };
        let between = match <[Option<T>; 2]>::try_from(bounds) {
            Ok([None, None]) | Err(_) => Err(Invalid::malformed("must be two values with a comma between them")),
            Ok([Some(from), Some(till)]) if from > till => {
                Err(Invalid::out_of_range("the first value must not be above the second"))
            }
            Ok([from, till]) if given.is_none() => Ok(Between { from, till }),
            Ok(_) => Err(Invalid::conflict(format!("is the same as {}: give one of them", names[0]))),
        };
        match between {
            Ok(between) => given = Some(between),
            Err(invalid) => query.wrong(name, invalid),
        }
    }
    given
}
