//! The body of an upload: a file with its `Content-Type`, or a form that holds one.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use multer::Multipart;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};

use super::error::Error;
use super::input::announces_more_than;
use crate::domain::attachment::{FileType, LENGTH_MAX};
use crate::domain::invalid::Invalid;

/// What a form may add to its file: boundaries, names, other fields.
const FORM_MAX: usize = 64 << 10;
/// How long a file may take to arrive: twenty megabytes by a slow line, but nothing that hardly moves.
const PACE: Pace = Pace { first: Duration::from_secs(30), bytes_per_second: 32 << 10, most: Duration::from_secs(300) };

/// How fast a body has to come, as it holds a place that others wait for.
#[derive(Clone, Copy)]
struct Pace {
    /// How long whatever it does.
    first: Duration,
    /// A second more for so many bytes.
    bytes_per_second: usize,
    /// In all.
    most: Duration,
}

/// A file that was sent.
pub struct FileBody {
    /// The name of what holds it, for errors: the body, or a field of a form.
    pub field: &'static str,
    content: Result<(Option<FileType>, Bytes), Error>,
    /// What tells one upload from another; a form's boundaries differ each time.
    identity: [u8; 32],
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

impl FileBody {
    /// Takes in what is sent, which has to be admitted first.
    ///
    /// # Errors
    /// 413 where it is too large; 400 where it breaks off, or comes too slowly.
    pub async fn read(request: Request) -> Result<Self, Error> {
        let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
        let boundary = content_type.as_ref().and_then(|value| multer::parse_boundary(value.to_str().ok()?).ok());
        let most = LENGTH_MAX + if boundary.is_some() { FORM_MAX } else { 0 };
        let body = request.into_body();
        if announces_more_than(most, &body) {
            return Err(too_large());
        }
        let bytes = received(body, most, PACE).await?;
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
        Ok(Self { field, content, identity: identity.finalize().into() })
    }
}

/// The whole of a body.
async fn received(body: Body, most: usize, pace: Pace) -> Result<Bytes, Error> {
    let incomplete = || Error::new(StatusCode::BAD_REQUEST, "incomplete", "the file did not arrive whole and in time");
    let began = Instant::now();
    let mut body = Limited::new(body, most);
    let mut whole = BytesMut::new();
    loop {
        let earned = Duration::from_secs((whole.len() / pace.bytes_per_second) as u64);
        let due = began + (pace.first + earned).min(pace.most);
        let Ok(frame) = timeout_at(due, body.frame()).await else { return Err(incomplete()) };
        match frame {
            None => return Ok(whole.freeze()),
            Some(Ok(frame)) => whole.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Some(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
            Some(Err(_)) => return Err(incomplete()),
        }
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

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    /// Pieces of ten bytes, each after this time.
    fn body(pieces: usize, every: Duration) -> Body {
        let pieces = stream::iter(0..pieces).then(move |_| async move {
            tokio::time::sleep(every).await;
            Ok::<_, Infallible>(Bytes::from_static(b"0123456789"))
        });
        Body::from_stream(pieces)
    }

    #[tokio::test]
    async fn a_body_that_hardly_moves_is_not_waited_for() {
        let quick = Duration::from_millis(1);
        let pace = Pace { first: Duration::from_millis(300), bytes_per_second: 10, most: Duration::from_secs(60) };
        assert_eq!(received(body(3, quick), 30, pace).await.unwrap(), "0123456789".repeat(3));
        // Each piece earns a second, and takes a fifth of it.
        let slow = Duration::from_millis(200);
        assert_eq!(received(body(3, slow), 30, pace).await.unwrap().len(), 30);
        let never = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let stops = Body::from_stream(body(1, quick).into_data_stream().chain(stream::pending()));
        let earns_nothing = Pace { bytes_per_second: 1_000, ..pace };
        let ends = Pace { most: Duration::from_millis(300), ..pace };
        for (body, pace) in [(never, pace), (stops, pace), (body(10, slow), earns_nothing), (body(10, slow), ends)] {
            assert_eq!(received(body, 1_000, pace).await.unwrap_err().status, StatusCode::BAD_REQUEST);
        }
        assert_eq!(received(body(4, quick), 30, pace).await.unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
