//! The body of an upload: a file with its `Content-Type`, or a form that holds one.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, StatusCode, header};
use bytes::Bytes;
use futures_util::stream;
use multer::Multipart;
use sha2::{Digest, Sha256};
use tokio::sync::OwnedSemaphorePermit;

use super::error::Error;
use super::input;
use crate::app::{self, App};
use crate::domain::attachment::{FileType, LENGTH_MAX};
use crate::domain::invalid::Invalid;

/// What a form may add to its file: boundaries, names, other fields.
const FORM_MAX: usize = 64 << 10;
/// How long a file may take to arrive: twenty megabytes by a slow line.
const TIME: Duration = Duration::from_secs(300);

/// A file that was sent.
pub struct FileBody {
    /// The name of what holds it, for errors: the body, or a field of a form.
    pub field: &'static str,
    content: Result<(Option<FileType>, Bytes), Error>,
    /// What tells one upload from another; a form's boundaries differ each time.
    identity: [u8; 32],
    /// Held until the upload is done.
    _admitted: OwnedSemaphorePermit,
}

impl FileBody {
    /// What it was sent as, where that was said, and its content.
    ///
    /// # Errors
    /// 415 for a type that no attachment has; 400 for a form without a file.
    pub fn content(&self) -> Result<(Option<FileType>, Bytes), Error> {
        self.content.clone()
    }
}

impl AsRef<[u8]> for FileBody {
    fn as_ref(&self) -> &[u8] {
        &self.identity
    }
}

impl FromRequest<App> for FileBody {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        let admitted = app.media.admit().ok_or_else(|| {
            Error::from(app::Error::Unavailable("there are as many uploads under way as there may be".into()))
        })?;
        let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
        let boundary = content_type.as_ref().and_then(|value| multer::parse_boundary(value.to_str().ok()?).ok());
        let most = LENGTH_MAX + if boundary.is_some() { FORM_MAX } else { 0 };
        let announced =
            request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: usize| length > most) {
            return Err(too_large());
        }
        let bytes = input::read(request.into_body(), most, TIME, too_large).await?;
        let (field, content) = match boundary {
            Some(boundary) => ("file", of_form(bytes, boundary).await),
            None => ("body", declared(content_type.as_ref()).map(|declared| (declared, bytes))),
        };
        if content.as_ref().is_ok_and(|(_, content)| content.len() > LENGTH_MAX) {
            return Err(too_large());
        }
        let mut identity = Sha256::new();
        if let Ok((declared, content)) = &content {
            identity.update(declared.map_or("", FileType::as_str));
            identity.update([0]);
            identity.update(content);
        }
        Ok(Self { field, content, identity: identity.finalize().into(), _admitted: admitted })
    }
}

fn too_large() -> Error {
    Error::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the file must not be larger than 20 MiB")
}

/// The type that a file is sent as; nothing where that says no more than that it is a file.
fn declared(value: Option<&HeaderValue>) -> Result<Option<FileType>, Error> {
    let text = value.map_or(Ok(""), HeaderValue::to_str).unwrap_or("-");
    match text.split(';').next().unwrap_or_default().trim() {
        "" | "application/octet-stream" => Ok(None),
        essence => essence.parse().map(Some).map_err(|invalid: Invalid| {
            let message = format!("Content-Type: {}; or a form, multipart/form-data", invalid.message);
            Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
        }),
    }
}

/// The one file of a form.
async fn of_form(bytes: Bytes, boundary: String) -> Result<(Option<FileType>, Bytes), Error> {
    let wrong = |error: multer::Error| {
        Error::field("body", Invalid::malformed(format!("must be a form as multipart/form-data: {error}")))
    };
    let mut form = Multipart::new(stream::iter([Ok::<_, Infallible>(bytes)]), boundary);
    let mut file = None;
    while let Some(field) = form.next_field().await.map_err(wrong)? {
        // Other fields of the form say nothing that we know.
        if field.file_name().is_none() && field.name() != Some("file") {
            continue;
        }
        if file.is_some() {
            return Err(Error::field("file", Invalid::malformed("must be one file")));
        }
        let declared = declared(field.headers().get(header::CONTENT_TYPE));
        file = Some((declared, field.bytes().await.map_err(wrong)?));
    }
    match file {
        None => Err(Error::field("file", Invalid::required())),
        Some((declared, content)) => Ok((declared?, content)),
    }
}
