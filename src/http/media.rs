//! `/media/…`: the files of attachments, to anybody who knows their address. An address never has another content, so it
//! may be kept for good; what a file may do where it is opened is said by its headers, never left to the browser.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use super::error::Error;
use crate::app::{self, App, attachments};
use crate::domain::attachment::FileType;
use crate::domain::id::AttachmentId;

/// The address below the server's; [`AttachmentView`](attachments::AttachmentView) makes it.
pub const PATH: &str = "/media/{idatt}/{name}";

const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// A file that is opened by itself loads nothing, runs nothing, and is of no origin.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
/// A drawing has a style of its own, and pictures within.
const POLICY_SVG: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox");

/// GET of a file; HEAD and a client that has it already cost no look at it.
pub async fn serve(
    State(app): State<App>,
    Path((id, name)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response<Body>, Error> {
    let id: AttachmentId = id.parse().map_err(|_| app::Error::NotFound("file"))?;
    let file = app.store.read(move |tx| attachments::served(tx, id, &name)).await?;
    // Weak: the same content may go out compressed.
    let tag = format!("W/\"{}\"", file.md5);
    let mut response = if has_it(&headers, &tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else if method == Method::HEAD {
        Response::new(Body::empty())
    } else {
        Response::new(Body::from_stream(app.media.get(id).await.map_err(app::Error::from)?))
    };
    let of_file = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        of_file.insert(header::ETAG, tag);
    }
    of_file.insert(header::CACHE_CONTROL, KEPT);
    if response.status() == StatusCode::OK {
        let of_file = response.headers_mut();
        let drawing = file.file_type == FileType::Svg;
        of_file.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.file_type.as_str()));
        of_file.insert(header::CONTENT_LENGTH, HeaderValue::from(file.length));
        of_file.insert(header::CONTENT_SECURITY_POLICY, if drawing { POLICY_SVG } else { POLICY });
        // A document may run what its viewer lets it: that is for the reader to open, not for our address.
        let place = if file.file_type.is_picture() { "inline" } else { "attachment" };
        if let Ok(place) = HeaderValue::from_str(&format!("{place}; filename=\"{}\"", file.file_name())) {
            of_file.insert(header::CONTENT_DISPOSITION, place);
        }
        of_file.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    }
    Ok(response)
}

/// A tag without the mark of a weak one.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Whether the client has this content (RFC 9110, 13.1.2: compared weakly).
fn has_it(headers: &HeaderMap, tag: &str) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).map(str::trim).any(|held| held == "*" || opaque(held) == opaque(tag))
}
