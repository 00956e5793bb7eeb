//! What a use case may answer instead of a result. Knows nothing of HTTP; `http/error.rs` maps it.

use crate::domain::invalid::Invalid;
use crate::store;

/// Why a use case did nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Who asks is unknown.
    #[error("authentication required")]
    Unauthenticated,
    /// Who asks may not do this, or may not see it.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// It cannot be done as things stand now.
    #[error("{}", .0.message)]
    Conflict(Wrong),
    /// What was asked is wrong in itself.
    #[error("{}", reason(.0))]
    Invalid(Vec<Wrong>),
    /// Asked too often.
    #[error("too many requests: try again in {retry_after_seconds} s")]
    TooManyRequests {
        /// When to try again.
        retry_after_seconds: u64,
    },
    /// The store cannot take more work just now, or cannot be reached.
    #[error("the service is overloaded or cannot reach its database: try again")]
    Unavailable(String),
    /// A defect, with what only the operator may read.
    #[error("internal error")]
    Internal(String),
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The field, as a path such as `term.org`; nothing where it concerns the whole request.
    pub field: Option<String>,
    /// A word for programs.
    pub code: &'static str,
    /// A sentence for people, saying what would be right.
    pub message: String,
}

impl Wrong {
    /// Something wrong with a field.
    pub fn at(field: impl Into<String>, invalid: Invalid) -> Self {
        Self { field: Some(field.into()), code: invalid.code, message: invalid.message }
    }
}

/// All that is wrong as one sentence: `term.org: must be between 0% and 100%`.
pub fn reason(wrongs: &[Wrong]) -> String {
    let one = |wrong: &Wrong| match &wrong.field {
        Some(field) => format!("{field}: {}", wrong.message),
        None => wrong.message.clone(),
    };
    wrongs.iter().map(one).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// A field is wrong.
    pub fn invalid(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Wrong { field: Some(field.into()), code, message: message.into() }])
    }

    /// It cannot be done as things stand now.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict(Wrong { field: None, code, message: message.into() })
    }

    /// Who asks may not do this.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::Forbidden(message.into())
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Busy | store::Error::Unavailable(_) => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}
