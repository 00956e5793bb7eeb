//! `/v1/resources/events`

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::Value;

use crate::app::attachments::Named;
use crate::app::events::{self, Changes, EventView, Filter, When};
use crate::domain::event::{AgeRating, TitlePatch};
use crate::domain::id::EventId;
use crate::domain::invalid::Invalid;
use crate::domain::period::Period;
use crate::http::call::{Manager, Member};
use crate::http::error::Error;
use crate::http::fields::{Type, events::STATUSES, shapes};
use crate::http::input::{BodyDoc, Input, JsonBody, attachment, integer, long, parsed, string};
use crate::http::path::PathId;
use crate::http::query::Param;
use crate::http::reading::{Reading, Source};
use crate::http::v1::partners::LIST_MAX;
use crate::http::writing::Writing;

/// Parameters of the list.
pub const LIST: &[Param] = &[
    Param::new(
        "filter",
        Type::Word(&["actual", "past", "all"]),
        "Events that have not ended, that have, or all (unless given)",
    ),
    Param::new("org", Type::Ids, "Only events of these organizers"),
    Param::new("venue", Type::Ids, "Only events in these places"),
    Param::new("tags", Type::Texts, "Only events with one of these tags"),
    Param::new("removed", Type::Bool, "Only removed events, or only others (unless given)"),
    Param::new("status", Type::Words(STATUSES), "Only events in these statuses"),
    Param::new("ids", Type::Ids, "Only these events"),
    Param::new("suggest", Type::Text, "Only events whose title holds this, in any case"),
];
/// The body of a new event.
pub const POST: BodyDoc = BodyDoc { shapes: shapes::<EventView>, extra: &[], required: &["lifetime", "title"] };
/// The body of a change.
pub const PATCH: BodyDoc = BodyDoc { shapes: shapes::<EventView>, extra: &[], required: &[] };

/// GET of the list.
pub async fn list(call: Reading<Member>) -> Result<Response<Body>, Error> {
    let filter = call.query(LIST, |query| Filter {
        ids: query.many("ids"),
        when: query
            .one_as("filter", |text| match text {
                "actual" => Ok(When::Actual),
                "past" => Ok(When::Past),
                "all" => Ok(When::All),
                _ => Err(Invalid::out_of_range("must be one of actual, past, all")),
            })
            .unwrap_or_default(),
        orgs: query.many("org").unwrap_or_default(),
        venues: query.many("venue"),
        statuses: query.many("status").unwrap_or_default(),
        tags: query.many_as("tags", |tag| Ok(tag.to_owned())).unwrap_or_default(),
        suggest: query.text("suggest"),
        removed: query.flag("removed").unwrap_or(false),
    });
    let source = Source {
        rows: |_, tx, caller, filter, window| events::list(tx, caller, filter, window),
        count: events::count,
        id: |view: &EventView| view.event.id,
    };
    call.list(filter, source).await
}

/// GET of one.
pub async fn get(call: Reading<Member>, id: PathId<EventId>) -> Result<Response<Body>, Error> {
    call.one(move |tx, caller| events::show(tx, caller, id.get()?)).await
}

/// POST: creates an event of the caller's.
pub async fn create(call: Writing<Manager>, body: JsonBody) -> Result<Response<Body>, Error> {
    let given = call.body(&body, &POST, changes);
    let (app, id) = (call.app().clone(), call.app().new_event_id()?);
    call.one(StatusCode::OK, &body, given, move |tx, caller, changes| {
        events::create(tx, caller, &app.installation, id, changes)
    })
    .await
}

/// PATCH: changes it, all or nothing.
pub async fn change(call: Writing<Manager>, id: PathId<EventId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let given = call.body(&body, &PATCH, changes);
    let app = call.app().clone();
    call.one(StatusCode::OK, &body, given, move |tx, caller, changes| {
        events::change(tx, caller, &app.installation, id.get()?, changes)
    })
    .await
}

/// DELETE: removes it.
pub async fn remove(call: Writing<Manager>, id: PathId<EventId>) -> Result<Response<Body>, Error> {
    call.done(move |tx, caller| events::remove(tx, caller, id.get()?)).await
}

fn changes(input: &mut Input<'_>) -> Option<Changes> {
    let cover = match input.nullable("media", is_object) {
        None => None,
        Some(None) => Some(None),
        Some(Some(())) => input.nested("media", cover),
    };
    Some(Changes {
        cover,
        age_rating: input.nullable("age_rating", |value| AgeRating::new(integer(value)?)),
        currency: input.nullable("currency", parsed),
        lifetime: input.given("lifetime", |value| Period::parse_vevent(string(value)?)),
        status: input.given("status", parsed),
        tags: input.list("tags", LIST_MAX, parsed),
        timezone: input.nullable("timezone", parsed),
        title: input.nested("title", |title| {
            Some(TitlePatch { text: title.given("text", long).map(Some), desc: title.nullable("desc", long) })
        }),
        venue: input.nullable("venue", parsed),
        map: input.nullable("map", parsed),
    })
}

/// The picture that the first of these fields names, for all three are sizes of one.
fn cover(media: &mut Input<'_>) -> Option<Option<Named>> {
    let [original, large, small] = ["cover_original", "cover", "cover_small"].map(|name| {
        let given = media.nullable(name, attachment)?;
        Some(given.map(|id| Named { field: format!("media.{name}"), id }))
    });
    original.or(large).or(small)
}

fn is_object(value: &Value) -> Result<(), Invalid> {
    if value.is_object() { Ok(()) } else { Err(Invalid::wrong_type("must be an object")) }
}
