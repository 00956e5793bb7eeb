//! `/v2/services/promocodes`

use axum::body::Body;
use axum::http::{Response, StatusCode};

use super::envelope;
use crate::app::promocodes;
use crate::domain::id::EventId;
use crate::http::call::Seller;
use crate::http::error::Error;
use crate::http::fields::Type;
use crate::http::fields::v2::PromocodeCheck;
use crate::http::input::{BodyDoc, JsonBody, parsed, string};
use crate::http::query::Param;
use crate::http::writing::Writing;

/// The body of a check.
pub const CHECK: BodyDoc = BodyDoc {
    shapes: Vec::new,
    extra: &[Param::new("event", Type::Id, "The event"), Param::new("code", Type::Text, "The code, in any case")],
    required: &["event", "code"],
};

/// POST: what a code gives to orders of an event.
pub async fn check(call: Writing<Seller>, body: JsonBody) -> Result<Response<Body>, Error> {
    let wish = call.body(&body, &CHECK, |input| {
        let event: Option<EventId> = input.given("event", parsed);
        let code = input.given("code", |value| string(value).map(str::to_owned));
        Some((event?, code?))
    });
    call.looked(StatusCode::OK, &body, wish, |tx, caller, (event, code)| {
        let promocode = promocodes::check(tx, caller, *event, code)?;
        Ok(envelope::one(tx, &PromocodeCheck::from(promocode), &[])?)
    })
    .await
}
