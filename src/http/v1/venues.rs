//! `/v1/resources/venues`

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::Value;

use crate::app::venues::{self, Changes, Filter};
use crate::domain::id::VenueId;
use crate::domain::invalid::Invalid;
use crate::domain::place::{CityId, Point, Venue};
use crate::domain::text::{SHORT_MAX, name};
use crate::http::call::{Manager, Member};
use crate::http::error::Error;
use crate::http::fields::{Type, shapes};
use crate::http::input::{BodyDoc, Input, JsonBody, integer, long, parsed, short, string};
use crate::http::path::PathId;
use crate::http::query::Param;
use crate::http::reading::{Reading, Source};
use crate::http::writing::Writing;

/// Parameters of the list.
pub const LIST: &[Param] = &[
    Param::new("filter", Type::Word(&["all", "own"]), "All venues (unless given), or those the caller described"),
    Param::new("org", Type::Ids, "Only venues that these organizers described"),
    Param::new("city", Type::Cities, "Only venues in these cities"),
    Param::new("country", Type::Countries, "Only venues in these countries"),
    Param::new("suggest", Type::Text, "Only venues whose name holds this, in any case"),
    Param::new("removed", Type::Bool, "Only removed venues, or only others (unless given)"),
    Param::new("ids", Type::Ids, "Only these venues"),
];
/// The body of a new venue.
pub const POST: BodyDoc = BodyDoc { shapes: shapes::<Venue>, extra: &[], required: &["name"] };
/// The body of a change.
pub const PATCH: BodyDoc = BodyDoc { shapes: shapes::<Venue>, extra: &[], required: &[] };

/// GET of the list.
pub async fn list(call: Reading<Member>) -> Result<Response<Body>, Error> {
    let filter = call.query(LIST, |query| {
        let own = query
            .one_as("filter", |text| match text {
                "all" => Ok(false),
                "own" => Ok(true),
                _ => Err(Invalid::out_of_range("must be one of all, own")),
            })
            .unwrap_or(false);
        let filter = Filter {
            ids: query.many("ids"),
            orgs: query.many("org"),
            cities: query.many("city"),
            countries: query.many("country"),
            suggest: query.text("suggest"),
            removed: query.flag("removed").unwrap_or(false),
        };
        (own, filter)
    });
    let source = Source {
        rows: |_, tx, caller, (own, filter), window| venues::list(tx, caller, *own, filter, window),
        count: |tx, caller, (own, filter)| venues::count(tx, caller, *own, filter),
        id: |venue: &Venue| venue.id,
    };
    call.list(filter, source).await
}

/// GET of one.
pub async fn get(call: Reading<Member>, id: PathId<VenueId>) -> Result<Response<Body>, Error> {
    call.one(move |tx, caller| venues::get(tx, caller, id.get()?)).await
}

/// POST: describes a venue.
pub async fn create(call: Writing<Manager>, body: JsonBody) -> Result<Response<Body>, Error> {
    let changes = call.body(&body, &POST, changes);
    let id = call.app().new_id();
    call.one(StatusCode::OK, &body, changes, move |tx, caller, changes| venues::create(tx, caller, id, changes)).await
}

/// PATCH: changes it, all or nothing.
pub async fn change(call: Writing<Manager>, id: PathId<VenueId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let changes = call.body(&body, &PATCH, changes);
    call.one(StatusCode::OK, &body, changes, move |tx, caller, changes| venues::change(tx, caller, id.get()?, changes))
        .await
}

/// DELETE: removes it.
pub async fn remove(call: Writing<Manager>, id: PathId<VenueId>) -> Result<Response<Body>, Error> {
    call.done(move |tx, caller| venues::remove(tx, caller, id.get()?)).await
}

fn changes(input: &mut Input<'_>) -> Option<Changes> {
    let (desc, description) = (input.nullable("desc", long), input.nullable("description", long));
    if let (Some(desc), Some(description)) = (&desc, &description)
        && desc != description
    {
        input.wrong("description", Invalid::conflict("must be the same as desc: give one of them"));
    }
    let changes = Changes {
        name: input.given("name", |value| name(string(value)?, SHORT_MAX)),
        desc: desc.or(description),
        address: input.nullable("address", short),
        city: input.nullable("city", city),
        country: input.nullable("country", parsed),
        point: input.nullable("point", point),
    };
    Some(changes)
}

/// A city's number, also as a text.
fn city(value: &Value) -> Result<CityId, Invalid> {
    match value {
        Value::String(text) => text.parse(),
        value => CityId::new(integer(value)?),
    }
}

fn point(value: &Value) -> Result<Point, Invalid> {
    let wrong =
        || Invalid::wrong_type("must be a point such as {\"type\": \"Point\", \"coordinates\": [longitude, latitude]}");
    let object = value.as_object().ok_or_else(wrong)?;
    if object.get("type").is_some_and(|kind| kind != "Point") {
        return Err(wrong());
    }
    match object.get("coordinates").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::Number(longitude), Value::Number(latitude)]) => {
            Point::new(&longitude.to_string(), &latitude.to_string())
        }
        _ => Err(wrong()),
    }
}
