//! `/v2/resources/refund_requests`

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

use super::envelope::{self, PAGING, Pagination};
use crate::app::refunds::{self, Filter, NewRefund, RefundView};
use crate::app::{self, Window, Wrong};
use crate::domain::id::RefundId;
use crate::domain::invalid::Invalid;
use crate::domain::order::TICKETS_MAX;
use crate::domain::refund::{Culprit, Refund, RefundStatus, Which};
use crate::domain::time::parse_time;
use crate::http::answer;
use crate::http::call::{Manager, Seller};
use crate::http::error::Error;
use crate::http::fields::v2::refunds::{ANSWERS, STATUSES};
use crate::http::fields::{Type, shapes_without};
use crate::http::input::{BodyDoc, Input, JsonBody, parsed, string};
use crate::http::path::PathId;
use crate::http::query::Param;
use crate::http::reading::Reading;
use crate::http::v1::orders::between;
use crate::http::writing::Writing;
use crate::store::Tx;

/// How much of a wrong value is said again.
const SAID_MAX: usize = 100;

/// Parameters of the list.
pub const LIST: &[Param] = &[
    Param::new("created_at", Type::Texts, "Only those created between two times: from,to; either may be left out"),
    Param::new("finished_at", Type::Texts, "Only those approved or rejected between two times, in the same way"),
    Param::new("events", Type::Ids, "Only those of these events"),
    Param::new("status", Type::Words(STATUSES), "Only those in these statuses"),
    PAGING[0],
    PAGING[1],
    PAGING[2],
];
/// The body of a new request.
pub const POST: BodyDoc = BodyDoc {
    shapes: || shapes_without::<Refund>(&["status"]),
    extra: &[],
    required: &["order", "culprit", "tickets"],
};
/// The body of an answer: all but `status` is read-only.
pub const PATCH: BodyDoc = BodyDoc {
    shapes: || shapes_without::<Refund>(&["culprit", "order", "requested_at", "tickets"]),
    extra: &[],
    required: &[],
};

/// GET of the list.
pub async fn list(call: Reading<Seller>) -> Result<Response<Body>, Error> {
    let asked = call.query_alone(LIST, |query| {
        let (created_from, created_to) = between(query, "created_at");
        let (finished_from, finished_to) = between(query, "finished_at");
        let filter = Filter {
            statuses: query.many("status").unwrap_or_default(),
            events: query.many("events").unwrap_or_default(),
            created_from,
            created_to,
            finished_from,
            finished_to,
            ..Filter::default()
        };
        (filter, Pagination::asked(query))
    });
    let (body, total) = call
        .looked(asked, |tx, caller, (filter, page)| {
            let window = Window { after: None, skip: page.skip(), limit: page.page_size };
            let refunds = refunds::list_alone(tx, caller, filter, window)?;
            let page = Pagination { total: refunds::count(tx, caller, filter)?, ..*page };
            let named = refunds::named_by(tx, &refunds)?;
            Ok((envelope::list_with(tx, &refunds, named, page)?, page.total))
        })
        .await?;
    let mut response = answer::json(StatusCode::OK, body);
    response.headers_mut().insert("total", HeaderValue::from(total));
    Ok(response)
}

/// GET of one.
pub async fn get(call: Reading<Seller>, id: PathId<RefundId>) -> Result<Response<Body>, Error> {
    let nothing = call.query_alone(&[], |_| ());
    let body = call
        .looked(nothing, move |tx, caller, ()| {
            let view = refunds::get(tx, caller, id.get()?)?;
            answered(tx, &view)
        })
        .await?;
    Ok(answer::json(StatusCode::OK, body))
}

/// POST: asks for tickets back.
pub async fn create(call: Writing<Seller>, body: JsonBody) -> Result<Response<Body>, Error> {
    let app = call.app().clone();
    let new = call.body(&body, &POST, new).map_err(|error| Error::wrongs(error.wrongs.into_iter().map(said).collect()));
    let new = new.map(|new| {
        let id: RefundId = app.new_id_in(new.order.bucket());
        (id, new)
    });
    call.rendered(StatusCode::OK, &body, new, |tx, caller, (id, new)| {
        let view = refunds::create(tx, caller, *id, new).map_err(in_words)?;
        Ok(answered(tx, &view)?)
    })
    .await
}

/// PATCH: approves or rejects it.
pub async fn change(call: Writing<Manager>, id: PathId<RefundId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let status = call.body(&body, &PATCH, |input| Some(input.given("status", status)));
    let ids = id.get().ok().map(|id: RefundId| call.app().entry_ids(id.bucket()));
    call.rendered(StatusCode::OK, &body, status, move |tx, caller, status| {
        let id = id.get()?;
        let ids = ids.ok_or(app::Error::NotFound("refund request"))?;
        let view = refunds::change(tx, caller, &ids, id, *status).map_err(in_words)?;
        Ok(answered(tx, &view)?)
    })
    .await
}

fn answered(tx: &mut Tx<'_>, view: &RefundView) -> Result<Vec<u8>, app::Error> {
    let named = refunds::named_by(tx, std::slice::from_ref(&view.refund))?;
    envelope::one_with(tx, &view.refund, named, &[])
}

/// What a rule said, in the words of version 2, which programs compare: these are whole without the field's name.
fn in_words(error: app::Error) -> app::Error {
    let app::Error::Invalid(wrongs) = error else { return error };
    app::Error::Invalid(wrongs.into_iter().map(|wrong| Wrong { field: None, ..wrong }).collect())
}

/// The same for what is wrong with a body: here the field begins the sentence.
fn said(wrong: Wrong) -> Wrong {
    match &wrong.field {
        Some(field) if wrong.code == "required" || field == "culprit" => {
            Wrong { message: format!("{field} {}", wrong.message), field: None, ..wrong }
        }
        _ => wrong,
    }
}

fn new(input: &mut Input<'_>) -> Option<NewRefund> {
    let order = input.given("order", parsed);
    let culprit = input.given("culprit", culprit);
    let tickets = input.list("tickets", TICKETS_MAX, parsed);
    if input.has("tickets") && !input.says("tickets") {
        input.wrong("tickets", Invalid::required());
    }
    let requested_at = input.nullable("requested_at", |value| parse_time(string(value)?)).flatten();
    Some(NewRefund { order: order?, culprit: culprit?, which: Which::Refund(tickets?), requested_at })
}

fn culprit(value: &Value) -> Result<Culprit, Invalid> {
    parsed(value).map_err(|_| {
        let given = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let given: String = given.chars().take(SAID_MAX).collect();
        Invalid::out_of_range(format!("Value '{given}' not in list of avaiable values ['user', 'org']"))
    })
}

fn status(value: &Value) -> Result<RefundStatus, Invalid> {
    match string(value)?.parse() {
        Ok(status @ (RefundStatus::Approved | RefundStatus::Rejected)) => Ok(status),
        _ => Err(Invalid::out_of_range(format!("must be {}", ANSWERS.join(" or ")))),
    }
}
