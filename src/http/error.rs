//! Errors as answers: one shape for all, and the one table from what use cases say to status codes (`spec/http.md`, Errors).

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;

use super::answer;
use crate::app::{self, Wrong, reason};
use crate::domain::invalid::Invalid;

/// An answer that says what is wrong.
#[derive(Clone, Debug)]
pub struct Error {
    /// The HTTP status.
    pub status: StatusCode,
    /// All that is wrong, as one sentence.
    pub reason: String,
    /// Each wrong thing.
    pub wrongs: Vec<Wrong>,
    /// When to try again.
    pub retry_after_seconds: Option<u64>,
    /// What only the operator may read.
    pub internal: Option<String>,
}

/// What went wrong inside, on its way to the log.
#[derive(Clone, Debug)]
pub struct Internal(pub String);

/// How many wrong things one answer names: an error is no mirror of a whole body.
const WRONGS_MAX: usize = 50;

impl Error {
    /// An error with one sentence.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        let wrong = Wrong { field: None, code, message: message.clone() };
        Self { status, reason: message, wrongs: vec![wrong], retry_after_seconds: None, internal: None }
    }

    /// 400 for a field.
    pub fn field(field: impl Into<String>, invalid: Invalid) -> Self {
        Self::wrongs(vec![Wrong::at(field, invalid)])
    }

    /// 400 for all these.
    pub fn wrongs(mut wrongs: Vec<Wrong>) -> Self {
        wrongs.truncate(WRONGS_MAX);
        Self {
            status: StatusCode::BAD_REQUEST,
            reason: reason(&wrongs),
            wrongs,
            retry_after_seconds: None,
            internal: None,
        }
    }

    /// 500 with what only the operator may read.
    pub fn internal(message: impl Into<String>) -> Self {
        app::Error::Internal(message.into()).into()
    }

    /// The body, in the one shape.
    pub fn body(&self) -> Vec<u8> {
        let errors: Vec<_> = self
            .wrongs
            .iter()
            .map(|wrong| json!({"field": wrong.field, "code": wrong.code, "msg": wrong.message}))
            .collect();
        json!({"error": class(self.status), "reason": self.reason, "errors": errors}).to_string().into_bytes()
    }
}

/// The name of a status in `error`.
pub fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "HTTPBadRequest",
        401 => "HTTPUnauthorized",
        403 => "HTTPForbidden",
        404 => "HTTPNotFound",
        405 => "HTTPMethodNotAllowed",
        406 => "HTTPNotAcceptable",
        409 => "HTTPConflict",
        413 => "HTTPRequestEntityTooLarge",
        415 => "HTTPUnsupportedMediaType",
        422 => "HTTPUnprocessableEntity",
        429 => "HTTPTooManyRequests",
        503 => "HTTPServiceUnavailable",
        _ => "HTTPInternalServerError",
    }
}

impl From<app::Error> for Error {
    fn from(error: app::Error) -> Self {
        let message = error.to_string();
        match error {
            app::Error::Unauthenticated => Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", message),
            app::Error::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, "forbidden", message),
            app::Error::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not_found", message),
            app::Error::Conflict(wrong) => Self { status: StatusCode::CONFLICT, ..Self::wrongs(vec![wrong]) },
            app::Error::Invalid(wrongs) => Self::wrongs(wrongs),
            app::Error::TooManyRequests { retry_after_seconds } => Self {
                retry_after_seconds: Some(retry_after_seconds),
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message)
            },
            app::Error::Unavailable(internal) => Self {
                retry_after_seconds: Some(1),
                internal: Some(internal),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
            },
            app::Error::Internal(internal) => {
                Self { internal: Some(internal), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message) }
            }
        }
    }
}

impl From<crate::store::Error> for Error {
    fn from(error: crate::store::Error) -> Self {
        app::Error::from(error).into()
    }
}

impl From<crate::random::Error> for Error {
    fn from(error: crate::random::Error) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<crate::password::Error> for Error {
    fn from(error: crate::password::Error) -> Self {
        match error {
            crate::password::Error::Busy => app::Error::Unavailable(error.to_string()).into(),
            error => Self::internal(error.to_string()),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response<Body> {
        let mut response = answer::json(self.status, self.body());
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Key"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(internal) = self.internal {
            response.extensions_mut().insert(Internal(internal));
        }
        response
    }
}
