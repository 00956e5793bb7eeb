//! `/v1/resources/events/{idevent}/promocodes`

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::Value;

use crate::app::promocodes::{self, Changes, GivenDiscount, NewPromocode, PromocodeView};
use crate::domain::id::{EventId, PromocodeId};
use crate::domain::invalid::Invalid;
use crate::domain::period::Period;
use crate::domain::promocode::{self, Discount, TicketsCount};
use crate::http::call::Manager;
use crate::http::error::Error;
use crate::http::fields::promocodes::TICKETS_MAX;
use crate::http::fields::{shapes, shapes_without};
use crate::http::input::{BodyDoc, Input, JsonBody, integer, long, parsed, short, string};
use crate::http::path::{PathId, PathIds};
use crate::http::reading::{Reading, Source};
use crate::http::writing::Writing;

/// The most sets that a promocode may name.
const SETS_MAX: usize = 1_000;

/// The body of a new promocode.
pub const POST: BodyDoc = BodyDoc { shapes: shapes::<PromocodeView>, extra: &[], required: &["code", "discount"] };
/// The body of a change: all but `name` and `desc` is read-only.
pub const PATCH: BodyDoc = BodyDoc {
    shapes: || shapes_without::<PromocodeView>(&["amount", "code", "discount", "lifetime", "sets", "tickets_count"]),
    extra: &[],
    required: &[],
};

/// GET of the list.
pub async fn list(call: Reading<Manager>, event: PathId<EventId>) -> Result<Response<Body>, Error> {
    let wish = call.query(&[], |_| event);
    let source = Source {
        rows: |_, tx, caller, event: &PathId<EventId>, window| promocodes::list(tx, caller, event.get()?, window),
        count: |tx, caller, event| promocodes::count(tx, caller, event.get()?),
        id: |view: &PromocodeView| view.promocode.id,
    };
    call.list(wish, source).await
}

/// GET of one.
pub async fn get(call: Reading<Manager>, ids: PathIds<EventId, PromocodeId>) -> Result<Response<Body>, Error> {
    call.one(move |tx, caller| {
        let (event, id) = ids.get()?;
        promocodes::get(tx, caller, event, id)
    })
    .await
}

/// POST: makes a promocode.
pub async fn create(call: Writing<Manager>, event: PathId<EventId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let event = event.get()?;
    let new = call.body(&body, &POST, new_promocode);
    let id = call.app().new_id_in(event.bucket());
    call.one(StatusCode::OK, &body, new, move |tx, caller, new| promocodes::create(tx, caller, id, event, new)).await
}

/// PATCH: changes its name and description.
pub async fn change(
    call: Writing<Manager>,
    ids: PathIds<EventId, PromocodeId>,
    body: JsonBody,
) -> Result<Response<Body>, Error> {
    let changes = call.body(&body, &PATCH, |input| {
        Some(Changes { name: input.nullable("name", short), desc: input.nullable("desc", long) })
    });
    call.one(StatusCode::OK, &body, changes, move |tx, caller, changes| {
        let (event, id) = ids.get()?;
        promocodes::change(tx, caller, event, id, changes)
    })
    .await
}

/// DELETE: removes it.
pub async fn remove(call: Writing<Manager>, ids: PathIds<EventId, PromocodeId>) -> Result<Response<Body>, Error> {
    call.done(move |tx, caller| {
        let (event, id) = ids.get()?;
        promocodes::remove(tx, caller, event, id)
    })
    .await
}

fn new_promocode(input: &mut Input<'_>) -> Option<NewPromocode> {
    let code = input.given("code", |value| promocode::code(string(value)?));
    let name = input.nullable("name", short).flatten();
    let desc = input.nullable("desc", long).flatten();
    let amount = input.nullable("amount", tickets).flatten();
    let lifetime = input.nullable("lifetime", |value| Period::parse_vevent(string(value)?)).flatten();
    let sets = input.list("sets", SETS_MAX, parsed).unwrap_or_default();
    let discount = input.nested("discount", discount);
    let tickets_count = input.nullable("tickets_count", |_| Ok(())).flatten();
    let tickets_count = tickets_count.and_then(|()| input.nested("tickets_count", bounds)).unwrap_or_default();
    Some(NewPromocode { code: code?, name, desc, discount: discount?, amount, tickets_count, lifetime, sets })
}

fn tickets(value: &Value) -> Result<i64, Invalid> {
    match integer(value)? {
        number @ 1..=TICKETS_MAX => Ok(number),
        _ => Err(Invalid::out_of_range(format!("must be between 1 and {TICKETS_MAX}, or null"))),
    }
}

fn bounds(input: &mut Input<'_>) -> Option<TicketsCount> {
    let (min, max) = (input.nullable("min", tickets), input.nullable("max", tickets));
    let bounds = TicketsCount::new(min.flatten(), max.flatten());
    bounds.map_err(|(field, invalid)| input.wrong(field, invalid)).ok()
}

fn discount(input: &mut Input<'_>) -> Option<GivenDiscount> {
    let percentage = input.nullable("percentage", |value| match value {
        Value::Number(number) => Discount::percentage(&number.to_string()),
        value => Discount::percentage(string(value)?),
    });
    let mut amount = |name| input.nullable(name, |value| string(value).map(str::to_owned)).flatten();
    let (fix, fixed) = (amount("fix"), amount("fixed"));
    if let (Some(fix), Some(fixed)) = (&fix, &fixed)
        && fix != fixed
    {
        input.wrong("fixed", Invalid::conflict("must not be given together with another fix"));
    }
    match (percentage.flatten(), fix.or(fixed)) {
        (Some(percentage), None) => Some(GivenDiscount::Percentage(percentage)),
        (None, Some(amount)) => Some(GivenDiscount::Fix(amount)),
        (Some(_), Some(_)) => {
            input.wrong("fix", Invalid::conflict("must not be given together with percentage"));
            None
        }
        (None, None) => {
            if !input.has_wrongs() {
                input.wrong("percentage", Invalid::new("required", "is required, or fix"));
            }
            None
        }
    }
}
