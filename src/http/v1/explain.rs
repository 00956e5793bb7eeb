//! `/v1/resources/orders/{idorder}/explain`

use axum::body::Body;
use axum::http::Response;

use crate::app::explain;
use crate::domain::id::OrderId;
use crate::http::call::Manager;
use crate::http::error::Error;
use crate::http::path::PathId;
use crate::http::reading::Reading;

/// GET.
pub async fn get(call: Reading<Manager>, id: PathId<OrderId>) -> Result<Response<Body>, Error> {
    call.one(move |tx, caller| explain::order(tx, caller, id.get()?)).await
}
