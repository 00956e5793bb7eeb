//! What payment systems call, and the page of the one for tests.

use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use serde_json::json;

use super::answer;
use super::error::Error;
use super::fields::Type;
use super::input::{self, BodyDoc, JsonBody};
use super::path::PathId;
use super::query::Param;
use crate::app::payments::Delivered;
use crate::app::{self, App};
use crate::domain::id::PaymentId;
use crate::domain::invalid::Invalid;
use crate::domain::money::Money;
use crate::domain::payment::{NoticeStatus, PaymentStatus, PaymentSystem};
use crate::domain::test_payment::{Charge, ChargeStatus, Choice};
use crate::domain::time::write_v2;
use crate::payments::signature::{SIGNATURE_HEADER, Signed, TIME_HEADER};
use crate::payments::{self, test};

/// Nothing is loaded from anywhere. Browsers check where a form leads to also after it was redirected, which is where the
/// vendor says.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'self' http: https:; frame-ancestors 'none'",
);

/// The words of a callback's status.
const STATUSES: &[&str] = &[NoticeStatus::Paid.as_str(), NoticeStatus::Declined.as_str()];

/// The body of a callback.
pub const CALLBACK: BodyDoc = BodyDoc {
    shapes: Vec::new,
    extra: &[
        Param::new("payment", Type::Id, "The payment that was asked for"),
        Param::new("external_id", Type::Text, "The payment system's own name of the money: it counts once"),
        Param::new("amount", Type::Text, "How much"),
        Param::new("currency", Type::Text, "In which currency, as ISO 4217"),
        Param::new("status", Type::Word(STATUSES), "What became of it"),
    ],
    required: &["payment", "external_id", "amount", "currency", "status"],
};

/// POST of a callback. Nothing of the body is looked at before its signature is.
pub async fn callback(State(app): State<App>, headers: HeaderMap, body: JsonBody) -> Result<Response<Body>, Error> {
    let named = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let signed = Signed { time: named(TIME_HEADER), signature: named(SIGNATURE_HEADER), body: body.bytes.to_vec() };
    let status = app::payments::receive(&app, PaymentSystem::Test, &signed).await?;
    Ok(answer::json(StatusCode::OK, json!({"payment": status.as_str()}).to_string()))
}

/// GET of a payment's page.
pub async fn page(State(app): State<App>, id: PathId<PaymentId>) -> Result<Response<Body>, Error> {
    let (charge, open) = test::charge(&app.store, id.get()?).await?.ok_or_else(unknown)?;
    let text = Page::new(&charge, open).render().map_err(|error| Error::internal(error.to_string()))?;
    let mut response = Response::new(Body::from(Bytes::from(text)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// POST of the page's form: what the customer chose is done, told to the platform, and the browser sent on.
pub async fn choose(State(app): State<App>, id: PathId<PaymentId>, request: Request) -> Result<Response<Body>, Error> {
    let id = id.get()?;
    let choice = chosen(&input::read(request.into_body()).await?).map_err(|invalid| Error::field("choice", invalid))?;
    let charge = test::choose(&app.store, id, choice).await.map_err(|error| match error {
        payments::Error::Refused(refusal) => Error::internal(refusal),
        payments::Error::Store(error) => error.into(),
    })?;
    let charge = charge.ok_or_else(unknown)?;
    let told = app::payments::deliver(&app, Some(id)).await.unwrap_or_else(|error| {
        // It is told again by a job.
        tracing::warn!(payment = %id, "A payment could not be told at once: {error}.");
        Delivered::default()
    });
    let to = match (charge.status, choice) {
        // It came when there was nothing to pay for any more.
        (ChargeStatus::Paid, _) if told.last == Some(PaymentStatus::Owed) => charge.failure_url,
        (ChargeStatus::Paid, _) => charge.success_url,
        (ChargeStatus::Open, Choice::Decline) => charge.failure_url,
        (ChargeStatus::Open, _) => None,
    };
    let to = to.unwrap_or_else(|| format!("/payments/test/{id}"));
    let to = percent_encoding::utf8_percent_encode(&to, HEADER_UNSAFE).to_string();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let to = HeaderValue::from_str(&to).map_err(|error| Error::internal(error.to_string()))?;
    response.headers_mut().insert(header::LOCATION, to);
    Ok(response)
}

/// What an address may not have in a header. The rest is as the vendor wrote it.
const HEADER_UNSAFE: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');

fn unknown() -> app::Error {
    app::Error::NotFound("payment")
}

/// The choice in a form, whose values are plain words.
fn chosen(body: &[u8]) -> Result<Choice, Invalid> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    text.split('&').find_map(|pair| pair.strip_prefix("choice=")).ok_or_else(Invalid::required)?.parse()
}

#[derive(Template)]
#[template(path = "payment.html")]
struct Page<'c> {
    css: &'static str,
    number: i64,
    amount: String,
    currency: &'static str,
    until: String,
    state: PageState,
    /// What was sent back, where something was.
    returned: Option<String>,
    /// Where the customer came from.
    back: Option<&'c str>,
}

/// What the page is about.
#[derive(PartialEq, Eq)]
enum PageState {
    Open,
    Paid,
    Over,
}

impl<'c> Page<'c> {
    fn new(charge: &'c Charge, open: bool) -> Self {
        let state = match charge.status {
            ChargeStatus::Paid => PageState::Paid,
            ChargeStatus::Open if open => PageState::Open,
            ChargeStatus::Open => PageState::Over,
        };
        let back = if state == PageState::Paid { &charge.success_url } else { &charge.failure_url };
        let returned = Money { minor: charge.returned, ..charge.amount };
        Self {
            css: include_str!("../../assets/payment.css"),
            number: charge.number,
            amount: charge.amount.to_string(),
            currency: charge.amount.currency.code(),
            until: format!("{} UTC", write_v2(charge.expires_at)),
            state,
            returned: (returned.minor > 0).then(|| returned.to_string()),
            back: back.as_deref(),
        }
    }
}
