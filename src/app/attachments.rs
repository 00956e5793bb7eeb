//! Attachments: uploading, showing and removing files, and which of them events and partners may show.
//!
//! A file and its row are two things, and no transaction spans both. The row comes first, removed and with a time at which
//! its file is to be deleted; then the file; then the row is published. Whatever is cut short in between is a removed row,
//! whose file is deleted when its time has come.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::SignedDuration;
use md5::{Digest, Md5};

use super::callers::acting;
use super::{App, Error, Window};
use crate::domain::access::{self, Caller};
use crate::domain::attachment::{Attachment, FileType, Size};
use crate::domain::id::{AttachmentId, PartnerId};
use crate::domain::invalid::Invalid;
use crate::media::{self, Admitted, Crowded};
use crate::random;
use crate::store::{self, Tx};

/// How long an upload may take from its first row to its publication.
const PUBLISHED_WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// When a partner may try again that has as many uploads under way as it may, in seconds.
const TRY_AGAIN: u64 = 10;
/// After how many files that cannot be deleted the others wait: each may take the time of a store that does not answer.
const FAILURES_MAX: usize = 10;

/// An attachment with the address that its file is served at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentView {
    /// The attachment.
    pub attachment: Attachment,
    /// Where its file is served.
    pub url: String,
}

impl AttachmentView {
    fn new(app: &App, attachment: Attachment) -> Self {
        let url = format!("{}/media/{}/{}", app.public_url(), attachment.id, attachment.file_name());
        Self { attachment, url }
    }
}

/// A picture in all its sizes, as events and partners show it.
#[derive(Clone, Debug)]
pub struct Picture {
    /// As it was uploaded.
    pub original: AttachmentView,
    sizes: Vec<(Size, AttachmentView)>,
}

impl Picture {
    /// The picture in a size, and as it was uploaded where none is named, or where it is no larger.
    pub fn at(&self, size: Option<Size>) -> &AttachmentView {
        let found = size.and_then(|wanted| self.sizes.iter().find(|(size, _)| *size == wanted));
        found.map_or(&self.original, |(_, view)| view)
    }
}

/// Pictures by the ids of what was uploaded, for whoever may read what shows them; unknown and removed ones are left out.
///
/// # Errors
/// Those of the store.
pub fn pictures(app: &App, tx: &mut Tx<'_>, ids: &[AttachmentId]) -> Result<HashMap<AttachmentId, Picture>, Error> {
    let (originals, sizes): (Vec<_>, Vec<_>) =
        store::attachments::find_with_sizes(tx, ids)?.into_iter().partition(|attachment| attachment.size_of.is_none());
    let mut pictures: HashMap<AttachmentId, Picture> = originals
        .into_iter()
        .map(|attachment| {
            (attachment.id, Picture { original: AttachmentView::new(app, attachment), sizes: Vec::new() })
        })
        .collect();
    for attachment in sizes {
        if let Some((original, size)) = attachment.size_of
            && let Some(picture) = pictures.get_mut(&original)
        {
            picture.sizes.push((size, AttachmentView::new(app, attachment)));
        }
    }
    Ok(pictures)
}

/// One attachment.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for another partner's.
pub fn get(app: &App, tx: &mut Tx<'_>, caller: &Caller, id: AttachmentId) -> Result<AttachmentView, Error> {
    let attachment = store::attachments::find(tx, id)?.ok_or(Error::NotFound("attachment"))?;
    if !caller.acts_for(attachment.author) && !caller.is_platform() {
        return Err(Error::forbidden("this attachment is another partner's"));
    }
    Ok(AttachmentView::new(app, attachment))
}

/// A part of the list of the partner's attachments; for the platform, of everybody's.
///
/// # Errors
/// Those of the store.
pub fn list(
    app: &App,
    tx: &mut Tx<'_>,
    caller: &Caller,
    window: Window<AttachmentId>,
) -> Result<Vec<AttachmentView>, Error> {
    let author = author(caller)?;
    let found = store::attachments::list(tx, author, window)?;
    Ok(found.into_iter().map(|attachment| AttachmentView::new(app, attachment)).collect())
}

/// How many attachments the list holds in all.
///
/// # Errors
/// Those of the store.
pub fn count(tx: &mut Tx<'_>, caller: &Caller) -> Result<i64, Error> {
    Ok(store::attachments::count(tx, author(caller)?)?)
}

/// Whose attachments the caller lists; none: everybody's.
fn author(caller: &Caller) -> Result<Option<PartnerId>, Error> {
    let acting = acting(caller)?;
    Ok(if caller.is_platform() { None } else { Some(acting.id) })
}

/// What is to be published: the file that was sent, then the sizes made of it.
#[derive(Clone, Debug)]
pub struct Uploaded {
    author: PartnerId,
    ids: Vec<AttachmentId>,
}

/// A place for an upload of the caller's partner, to be held from before its file arrives until it is done.
///
/// # Errors
/// [`Error::TooManyRequests`] where the partner has as many under way as it may; [`Error::Unavailable`] where all have.
pub fn admit(app: &App, caller: &Caller) -> Result<Arc<Admitted>, Error> {
    app.media.admit(acting(caller)?.id).map_err(|crowded| match crowded {
        Crowded::Partner => Error::TooManyRequests { retry_after_seconds: TRY_AGAIN },
        Crowded::All => Error::Unavailable("there are as many uploads under way as there may be".into()),
    })
}

/// Checks a file, makes the sizes of a picture, and stores all of it, not published yet. `field` is what an error names.
///
/// # Errors
/// [`Error::Invalid`] where the content is not what it was sent as; [`Error::Unavailable`] where it cannot be stored now.
pub async fn upload(
    app: &App,
    caller: &Caller,
    admitted: &Arc<Admitted>,
    field: &'static str,
    declared: Option<FileType>,
    content: Bytes,
) -> Result<Uploaded, Error> {
    let author = acting(caller)?.id;
    let prepared = app.media.prepare(admitted, declared, content).await.map_err(Error::Internal)?;
    let prepared = prepared.map_err(|Invalid { code, message }| Error::invalid(field, code, message))?;
    let now = app.store.now();
    let attachment = |size_of, file_type, content: &Bytes| Attachment {
        id: app.new_id(),
        author,
        size_of,
        file_type,
        length: content.len() as u64,
        md5: random::hex(&Md5::digest(content)),
        removed: true,
        created_at: now,
        updated_at: now,
    };
    let original = attachment(None, prepared.file_type, &prepared.bytes);
    let id = original.id;
    let mut files = vec![(original, prepared.bytes)];
    for (size, file_type, content) in prepared.sizes {
        files.push((attachment(Some((id, size)), file_type, &content), content));
    }
    let rows: Vec<Attachment> = files.iter().map(|(attachment, _)| attachment.clone()).collect();
    app.store
        .write(move |tx| -> Result<(), Error> {
            let drop_at = tx.now().checked_add(PUBLISHED_WITHIN).map_err(|error| Error::Internal(error.to_string()))?;
            for row in &rows {
                store::attachments::insert(tx, row, drop_at)?;
            }
            Ok(())
        })
        .await?;
    let ids = files.iter().map(|(attachment, _)| attachment.id).collect();
    for (attachment, content) in files {
        app.media.put(attachment.id, content).await?;
    }
    Ok(Uploaded { author, ids })
}

/// Shows what was uploaded.
///
/// # Errors
/// [`Error::Unavailable`] where storing it took too long.
pub fn publish(app: &App, tx: &mut Tx<'_>, caller: &Caller, uploaded: &Uploaded) -> Result<AttachmentView, Error> {
    if !access::manages(caller, uploaded.author) {
        return Err(Error::forbidden("only a partner's owners and managers may upload"));
    }
    if !store::attachments::publish(tx, &uploaded.ids)? {
        return Err(Error::Unavailable("storing an upload took too long".into()));
    }
    let id = uploaded.ids.first().copied().ok_or(Error::NotFound("attachment"))?;
    get(app, tx, caller, id)
}

/// Removes an attachment. What shows it shows nothing in its place; its file is not served any more.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for another partner's; [`Error::Conflict`] for a size.
pub fn remove(tx: &mut Tx<'_>, caller: &Caller, id: AttachmentId) -> Result<(), Error> {
    let attachment = store::attachments::find(tx, id)?.ok_or(Error::NotFound("attachment"))?;
    if !access::manages(caller, attachment.author) {
        return Err(Error::forbidden("only the managers of who uploaded an attachment may remove it"));
    }
    if let Some((original, size)) = attachment.size_of {
        let message = format!("this is the size {size} of the attachment {original}, and goes with it");
        return Err(Error::conflict("size", message));
    }
    Ok(store::attachments::remove(tx, id)?)
}

/// The attachment whose file has this address; none where there is none, or none any more.
///
/// # Errors
/// Those of the store.
pub fn served(tx: &mut Tx<'_>, id: AttachmentId, file_name: &str) -> Result<Attachment, Error> {
    store::attachments::find(tx, id)?
        .filter(|attachment| !attachment.removed && attachment.file_name() == file_name)
        .ok_or(Error::NotFound("file"))
}

/// Deletes the files of some attachments that were removed, or never published; answers how many. What cannot be deleted
/// now is tried again after all others.
///
/// # Errors
/// Those of the store; of the media store where nothing was deleted.
pub async fn drop_files(app: &App, limit: i64) -> Result<usize, Error> {
    let ids = app.store.read(move |tx| store::attachments::to_drop(tx, limit)).await?;
    let (mut gone, mut kept, mut failure) = (Vec::new(), Vec::new(), None);
    for id in ids {
        match app.media.delete(id).await {
            Ok(()) => gone.push(id),
            Err(error) => {
                tracing::warn!(attachment = %id, "A file cannot be deleted: {error}; it is tried again.");
                kept.push(id);
                failure = Some(error);
            }
        }
        if kept.len() == FAILURES_MAX {
            break;
        }
    }
    let number = gone.len();
    if number > 0 || !kept.is_empty() {
        let write = move |tx: &mut Tx<'_>| {
            store::attachments::dropped(tx, &gone)?;
            store::attachments::drop_last(tx, &kept)
        };
        app.store.write(write).await?;
    }
    match failure {
        Some(error) if number == 0 => Err(error.into()),
        _ => Ok(number),
    }
}

/// A picture that a request names, and the field that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The field.
    pub field: String,
    /// What was uploaded, or a size made of it.
    pub id: AttachmentId,
}

/// The pictures that a request names, for something that shows `held` up to now: those it may keep, whoever uploaded them.
///
/// # Errors
/// [`Error::Invalid`] where there is none, or it is no picture; [`Error::Forbidden`] for another partner's.
pub fn named(
    tx: &mut Tx<'_>,
    caller: &Caller,
    held: &[AttachmentId],
    names: &[Named],
) -> Result<Vec<AttachmentId>, Error> {
    let ids: Vec<AttachmentId> = names.iter().map(|name| name.id).collect();
    let found = if ids.is_empty() { Vec::new() } else { store::attachments::find_all(tx, &ids)? };
    let mut originals = Vec::with_capacity(names.len());
    for Named { field, id } in names {
        let attachment = found
            .iter()
            .find(|attachment| attachment.id == *id)
            .ok_or_else(|| Error::invalid(field, "unknown", "there is none with this id"))?;
        let original = attachment.original();
        if originals.contains(&original) {
            continue;
        }
        if !held.contains(&original) {
            if !caller.acts_for(attachment.author) && !caller.is_platform() {
                return Err(Error::forbidden(format!("{field}: this attachment is another partner's")));
            }
            if attachment.removed {
                return Err(Error::invalid(field, "removed", "this attachment has been removed"));
            }
            if !attachment.file_type.is_picture() {
                return Err(Error::invalid(field, "no_picture", "must be a picture"));
            }
        }
        originals.push(original);
    }
    Ok(originals)
}

impl From<media::Error> for Error {
    fn from(error: media::Error) -> Self {
        match error {
            media::Error::Unusable { .. } => Self::Unavailable(error.to_string()),
            media::Error::Missing { .. } => Self::Internal(error.to_string()),
        }
    }
}
