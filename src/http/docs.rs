//! `/docs`: the OpenAPI document for reading, without any outside host.

use axum::response::Html;

/// GET.
pub async fn page() -> Html<String> {
    Html(String::new())
}
