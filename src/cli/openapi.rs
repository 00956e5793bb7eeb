//! `parterre openapi`: prints the API's document, as `/openapi.json` answers it.

use super::{Failure, answer};

pub(super) fn run() -> Result<(), Failure> {
    // A line of an answer brings its own end.
    answer(crate::http::openapi_json().trim_end())
}
