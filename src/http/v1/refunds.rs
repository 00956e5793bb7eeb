//! `/v1/resources/refund_requests`

use axum::body::Body;
use axum::http::{Response, StatusCode};

use crate::app::refunds::{self, By, Filter, NewRefund, Place, RefundView, Sort};
use crate::domain::id::RefundId;
use crate::domain::invalid::Invalid;
use crate::domain::order::TICKETS_MAX;
use crate::domain::refund::{RefundStatus, Which};
use crate::http::call::{Manager, Seller};
use crate::http::error::Error;
use crate::http::fields::refunds::STATUSES;
use crate::http::fields::{Type, shapes_without};
use crate::http::input::{BodyDoc, Input, JsonBody, parsed};
use crate::http::path::PathId;
use crate::http::query::Param;
use crate::http::reading::{Reading, Source};
use crate::http::writing::Writing;

/// What a list may be sorted by.
const SORTS: &[&str] = &["created_at", "-created_at", "value", "-value"];

/// Parameters of the list.
pub const LIST: &[Param] = &[
    Param::new("status", Type::Words(STATUSES), "Only those in these statuses"),
    Param::new("event", Type::Ids, "Only those of these events"),
    Param::new("org", Type::Id, "Only those of this organizer's events"),
    Param::new("vendor", Type::Id, "Only those of orders that this partner sold"),
    Param::new("sort", Type::Word(SORTS), "By what it is sorted; with - the last comes first"),
];
/// The body of a new request.
pub const POST: BodyDoc =
    BodyDoc { shapes: || shapes_without::<RefundView>(&["status"]), extra: &[], required: &["order", "culprit"] };
/// The body of an answer: all but `status` is read-only.
pub const PATCH: BodyDoc = BodyDoc {
    shapes: || shapes_without::<RefundView>(&["culprit", "order", "tickets", "tickets_refund"]),
    extra: &[],
    required: &[],
};

/// GET of the list.
pub async fn list(call: Reading<Seller>) -> Result<Response<Body>, Error> {
    let filter = call.query(LIST, |query| Filter {
        statuses: query.many_as("status", statuses).unwrap_or_default().concat(),
        events: query.many("event").unwrap_or_default(),
        org: query.one("org"),
        vendor: query.one("vendor"),
        sort: query.one_as("sort", sort).unwrap_or_default(),
        ..Filter::default()
    });
    let source = Source {
        rows: |_, tx, caller, filter, window| refunds::list(tx, caller, filter, window),
        count: refunds::count,
        id: |view: &RefundView| Place::from(&view.refund),
    };
    call.list(filter, source).await
}

/// One whose money is being sent back is still shown as new.
fn statuses(text: &str) -> Result<&'static [RefundStatus], Invalid> {
    match text {
        "new" => Ok(&[RefundStatus::New, RefundStatus::InProgress]),
        "approved" => Ok(&[RefundStatus::Approved]),
        "rejected" => Ok(&[RefundStatus::Rejected]),
        _ => Err(Invalid::out_of_range(format!("must be one of {}", STATUSES.join(", ")))),
    }
}

fn sort(text: &str) -> Result<Sort, Invalid> {
    let (name, descending) = match text.strip_prefix('-') {
        Some(name) => (name, true),
        None => (text, false),
    };
    let by = match name {
        "created_at" => By::CreatedAt,
        "value" => By::Value,
        _ => return Err(Invalid::out_of_range(format!("must be one of {}", SORTS.join(", ")))),
    };
    Ok(Sort { by, descending })
}

/// GET of one.
pub async fn get(call: Reading<Seller>, id: PathId<RefundId>) -> Result<Response<Body>, Error> {
    call.one(move |tx, caller| refunds::get(tx, caller, id.get()?)).await
}

/// POST: asks for tickets back.
pub async fn create(call: Writing<Seller>, body: JsonBody) -> Result<Response<Body>, Error> {
    let app = call.app().clone();
    let new = call.body(&body, &POST, new).map(|new| {
        let id: RefundId = app.new_id_in(new.order.bucket());
        (id, new)
    });
    call.one(StatusCode::CREATED, &body, new, |tx, caller, (id, new)| refunds::create(tx, caller, *id, new)).await
}

/// PATCH: approves or rejects it.
pub async fn change(call: Writing<Manager>, id: PathId<RefundId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let status = call.body(&body, &PATCH, |input| Some(input.given("status", parsed)));
    let ids = id.get().ok().map(|id: RefundId| call.app().entry_ids(id.bucket()));
    call.one(StatusCode::OK, &body, status, move |tx, caller, status| {
        let id = id.get()?;
        let ids = ids.ok_or(crate::app::Error::NotFound("refund request"))?;
        refunds::change(tx, caller, &ids, id, *status)
    })
    .await
}

fn new(input: &mut Input<'_>) -> Option<NewRefund> {
    let order = input.given("order", parsed);
    let culprit = input.given("culprit", parsed);
    let refund = input.list("tickets_refund", TICKETS_MAX, parsed);
    let keep = input.list("tickets", TICKETS_MAX, parsed);
    let which = match (refund, keep) {
        (Some(refund), None) => Some(Which::Refund(refund)),
        (None, Some(keep)) => Some(Which::Keep(keep)),
        (Some(_), Some(_)) => {
            input.wrong("tickets", Invalid::conflict("must not be given together with tickets_refund"));
            None
        }
        (None, None) => {
            if !input.says("tickets_refund") && !input.says("tickets") {
                input.wrong("tickets_refund", Invalid::required());
            }
            None
        }
    };
    Some(NewRefund { order: order?, culprit: culprit?, which: which?, requested_at: None })
}
