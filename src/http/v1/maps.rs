//! `/v1/resources/maps`

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::stream;
use serde_json::Value;

use crate::app::App;
use crate::app::maps::{self, Changes, Filter, MapView, NewMap};
use crate::domain::id::MapId;
use crate::domain::invalid::Invalid;
use crate::domain::map::{RowPlan, SEATS_MAX, SECTORS_MAX, Seat, SeatsPlan, Sector, SectorPlan, build};
use crate::domain::text::{SHORT_MAX, name};
use crate::http::call::{Manager, Member};
use crate::http::error::Error;
use crate::http::fields::{Type, shapes, shapes_without};
use crate::http::input::{BodyDoc, Input, JsonBody, integer, long, number, parsed, string};
use crate::http::path::PathId;
use crate::http::query::Param;
use crate::http::reading::{Reading, Source};
use crate::http::writing::Writing;
use crate::plan;

/// Parameters of the list.
pub const LIST: &[Param] = &[
    Param::new("org", Type::Ids, "Only maps of these organizers"),
    Param::new("venue", Type::Ids, "Only maps of these places"),
    Param::new("suggest", Type::Text, "Only maps whose name holds this, in any case"),
    Param::new("removed", Type::Bool, "Only removed maps, or only others (unless given)"),
    Param::new("ids", Type::Ids, "Only these maps"),
];
/// The body of a new map.
pub const POST: BodyDoc = BodyDoc { shapes: shapes::<MapView>, extra: &[], required: &["name", "sectors"] };
/// The body of a change: sectors never change.
pub const PATCH: BodyDoc = BodyDoc { shapes: || shapes_without::<MapView>(&["sectors"]), extra: &[], required: &[] };

/// The picture loads nothing and runs nothing, also where it is opened by itself.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");
/// A day; then the tag is asked about, which changes with the map.
const CACHED: HeaderValue = HeaderValue::from_static("private, max-age=86400");

/// GET of the list.
pub async fn list(call: Reading<Member>) -> Result<Response<Body>, Error> {
    let filter = call.query(LIST, |query| Filter {
        ids: query.many("ids"),
        orgs: query.many("org"),
        venues: query.many("venue"),
        suggest: query.text("suggest"),
        removed: query.flag("removed").unwrap_or(false),
    });
    let source = Source {
        rows: |app, tx, caller, filter, window| maps::list(app, tx, caller, filter, window),
        count: maps::count,
        id: |view: &MapView| view.map.id,
    };
    call.list(filter, source).await
}

/// GET of one, with its seats.
pub async fn get(call: Reading<Member>, id: PathId<MapId>) -> Result<Response<Body>, Error> {
    let app = call.app().clone();
    call.one(move |tx, caller| maps::get(&app, tx, caller, id.get()?)).await
}

/// GET of the drawing.
pub async fn svg(call: Reading<Member>, id: PathId<MapId>, headers: HeaderMap) -> Result<Response<Body>, Error> {
    let map = call.value(move |tx, caller| maps::whole(tx, caller, id.get()?)).await?;
    // Weak: the same drawing may go out compressed.
    let tag = format!("W/\"{}-{}-{}\"", map.id, map.updated_at.as_microsecond(), plan::VERSION);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || Some(known.strip_prefix("W/").unwrap_or(known)) == tag.strip_prefix("W/"));
    let mut response = Response::new(Body::empty());
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        // A stadium takes a while to lay out, and other requests are not to wait for it.
        let drawing = tokio::task::spawn_blocking(move || plan::Drawing::new(map)).await;
        let drawing = drawing.map_err(|error| Error::internal(format!("a map could not be drawn: {error}")))?;
        let pieces = stream::iter(drawing.map(|piece| Ok::<_, Infallible>(Bytes::from(piece))));
        *response.body_mut() = Body::from_stream(pieces);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, CACHED);
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// POST: describes a map.
pub async fn create(call: Writing<Manager>, body: JsonBody) -> Result<Response<Body>, Error> {
    let app = call.app().clone();
    let new = call.body(&body, &POST, |input| new_map(input, &app));
    call.one(StatusCode::OK, &body, new, move |tx, caller, new| maps::create(&app, tx, caller, new)).await
}

/// PATCH: changes its name, description or venue.
pub async fn change(call: Writing<Manager>, id: PathId<MapId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let changes = call.body(&body, &PATCH, |input| {
        Some(Changes {
            name: input.given("name", line),
            desc: input.nullable("desc", long),
            venue: input.nullable("venue", parsed),
        })
    });
    let app = call.app().clone();
    call.one(StatusCode::OK, &body, changes, move |tx, caller, changes| {
        maps::change(&app, tx, caller, id.get()?, changes)
    })
    .await
}

/// DELETE: removes it.
pub async fn remove(call: Writing<Manager>, id: PathId<MapId>) -> Result<Response<Body>, Error> {
    call.done(move |tx, caller| maps::remove(tx, caller, id.get()?)).await
}

fn new_map(input: &mut Input<'_>, app: &App) -> Option<NewMap> {
    let name = input.given("name", line);
    let desc = input.nullable("desc", long).flatten();
    let venue = input.nullable("venue", parsed).flatten();
    let plans = input.each("sectors", SECTORS_MAX, |sector| {
        let name = sector.required("name", text);
        let desc = sector.nullable("desc", long).flatten();
        let rows = if sector.says("rows") { sector.each("rows", SEATS_MAX, row) } else { Some(Vec::new()) };
        Some(SectorPlan { id: app.new_id(), name: name?, desc, rows: rows? })
    })?;
    let sectors: Vec<Sector> = match build(plans) {
        Ok(sectors) => sectors,
        Err((path, invalid)) => {
            input.wrong(&format!("sectors{path}"), invalid);
            return None;
        }
    };
    Some(NewMap { id: app.new_id(), name: name?, desc, venue, sectors })
}

fn row(row: &mut Input<'_>) -> Option<RowPlan> {
    let name = row.required("name", name_of);
    let (x, y) = (row.nullable("x", number).flatten(), row.nullable("y", number).flatten());
    let seats = if row.is_list("seats") {
        row.items("seats", SEATS_MAX, seat).map(SeatsPlan::Listed)
    } else {
        row.required("seats", |value| {
            let wrong = || Invalid::wrong_type("must be a number of seats, or a list of them");
            let count = integer(value).map_err(|_| wrong())?;
            usize::try_from(count).map(SeatsPlan::Count).map_err(|_| Invalid::out_of_range("must not be negative"))
        })
    };
    Some(RowPlan { name: name?, x, y, seats: seats? })
}

/// A seat: its name, or an object with its place.
fn seat(value: &Value, input: &mut Input<'_>) -> Option<Seat> {
    if value.is_object() {
        let name = input.required("number", name_of);
        let (x, y) = (input.nullable("x", number).flatten(), input.nullable("y", number).flatten());
        return Some(Seat { number: name?, x, y });
    }
    match name_of(value) {
        Ok(number) => Some(Seat { number, x: None, y: None }),
        Err(invalid) => {
            input.wrong("", invalid);
            None
        }
    }
}

/// The name of a row or a seat, which may be a whole number.
fn name_of(value: &Value) -> Result<String, Invalid> {
    match value {
        Value::Number(_) => Ok(integer(value)?.to_string()),
        value => text(value),
    }
}

fn text(value: &Value) -> Result<String, Invalid> {
    Ok(string(value)?.to_owned())
}

fn line(value: &Value) -> Result<String, Invalid> {
    name(string(value)?, SHORT_MAX)
}
