//! Errors as answers: one shape for all, and the one table from what use cases say to status codes (`spec/http.md`, Errors).

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

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

/// The form of an answer's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Version 1, and whatever is of no version.
    V1,
    /// Version 2.
    V2,
}

impl Version {
    /// The version of a path.
    pub fn of(path: &str) -> Self {
        if path.starts_with("/v2/") { Self::V2 } else { Self::V1 }
    }
}

/// One wrong thing as version 2 says it: a sentence, or for promocodes its code too.
pub fn in_v2(wrong: &Wrong) -> Value {
    if wrong.code.starts_with("promocode_") {
        return json!({"code": wrong.code, "msg": wrong.message});
    }
    json!(reason(std::slice::from_ref(wrong)))
}

/// Gives an error the form of its path's version; does nothing to other answers.
pub fn in_version(mut response: Response<Body>, version: Version) -> Response<Body> {
    if let Some(error) = response.extensions_mut().remove::<Error>()
        && version == Version::V2
    {
        *response.body_mut() = answer::json(error.status, error.body(version)).into_body();
    }
    response
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
    pub fn body(&self, version: Version) -> Vec<u8> {
        let in_v1 = |wrong: &Wrong| json!({"field": wrong.field, "code": wrong.code, "msg": wrong.message});
        let errors: Vec<Value> = match version {
            Version::V1 => self.wrongs.iter().map(in_v1).collect(),
            Version::V2 => self.wrongs.iter().map(in_v2).collect(),
        };
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
        let mut response = answer::json(self.status, self.body(Version::V1));
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Key"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(internal) = &self.internal {
            response.extensions_mut().insert(Internal(internal.clone()));
        }
        // For who knows the version of the path.
        response.extensions_mut().insert(self);
        response
    }
}
