//! `parterre openapi`: prints the API's document, as `/openapi.json` answers it.

use super::{Failure, answer};

pub(super) fn run() -> Result<(), Failure> {
    answer(crate::http::openapi_json())
}
