//! The table `attachments`.

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Query, SelectStatement};

use super::db::{params, statements};
use super::values::bytes;
use super::{Error, Row, Tx, Window, lists};
use crate::domain::attachment::{Attachment, Size};
use crate::domain::id::{AttachmentId, PartnerId};

macro_rules! columns {
    () => {
        "id, author_id, original_id, size, content_type, length, md5, removed, created_at, updated_at"
    };
}

statements! {
    BY_IDS = concat!("select ", columns!(), " from attachments where id = any($1)");
    WITH_SIZES = concat!(
        "select ", columns!(), " from attachments where id = any($1) and not removed union all \
         select ", columns!(), " from attachments where original_id is not null and original_id = any($1) and not removed"
    );
    INSERT = concat!(
        "insert into attachments (", columns!(), ", drop_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    // Whoever deletes files looks for those whose time has come: of the two, one comes too late.
    PUBLISH =
        "update attachments set removed = false, drop_at = null, created_at = $2, updated_at = $2 \
         where id = any($1) and drop_at > $2";
    REMOVE =
        "update attachments set removed = true, drop_at = $2, updated_at = $2 where id = $1 and not removed";
    REMOVE_SIZES =
        "update attachments set removed = true, drop_at = $2, updated_at = $2 \
         where original_id is not null and original_id = $1 and not removed";
    TO_DROP = "select id from attachments where drop_at is not null and drop_at <= $1 order by drop_at limit $2";
    // Still due, so that nobody publishes it.
    DROP_LAST = "update attachments set drop_at = $2 where id = any($1) and drop_at < $2";
    DROPPED = "update attachments set drop_at = null where id = any($1) and drop_at <= $2";
}

/// Finds several attachments; unknown ids are left out.
pub fn find_all(tx: &mut Tx<'_>, ids: &[AttachmentId]) -> Result<Vec<Attachment>, Error> {
    tx.query(BY_IDS, params![ids])?.into_iter().map(attachment).collect()
}

/// Finds an attachment.
pub fn find(tx: &mut Tx<'_>, id: AttachmentId) -> Result<Option<Attachment>, Error> {
    Ok(find_all(tx, &[id])?.pop())
}

/// Finds several attachments and the sizes made of them, without those that were removed.
pub fn find_with_sizes(tx: &mut Tx<'_>, ids: &[AttachmentId]) -> Result<Vec<Attachment>, Error> {
    tx.query(WITH_SIZES, params![ids])?.into_iter().map(attachment).collect()
}

/// Writes a new attachment whose file is about to be stored, to be deleted again at a time unless it is published before.
pub fn insert(tx: &mut Tx<'_>, attachment: &Attachment, drop_at: Timestamp) -> Result<(), Error> {
    let length = i64::try_from(attachment.length).map_err(|error| Error::Other(error.to_string()))?;
    tx.execute(
        INSERT,
        params![
            attachment.id,
            attachment.author,
            attachment.size_of.map(|(original, _)| original),
            attachment.size_of.map(|(_, size)| size.as_str()),
            attachment.file_type.as_str(),
            length,
            attachment.md5.as_str(),
            attachment.removed,
            attachment.created_at,
            attachment.updated_at,
            drop_at
        ],
    )?;
    Ok(())
}

/// Shows attachments whose files are stored; false where their time is over.
pub fn publish(tx: &mut Tx<'_>, ids: &[AttachmentId]) -> Result<bool, Error> {
    let now = tx.now();
    Ok(tx.execute(PUBLISH, params![ids, now])? == ids.len() as u64)
}

/// Removes an attachment and the sizes made of it.
pub fn remove(tx: &mut Tx<'_>, id: AttachmentId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(REMOVE, params![id, now])?;
    tx.execute(REMOVE_SIZES, params![id, now])?;
    Ok(())
}

/// Some attachments whose files are to be deleted.
pub fn to_drop(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<AttachmentId>, Error> {
    let now = tx.now();
    tx.query(TO_DROP, params![now, limit])?.into_iter().map(|row| row.read("attachments").next()).collect()
}

/// Puts these behind all others whose files are to be deleted.
pub fn drop_last(tx: &mut Tx<'_>, ids: &[AttachmentId]) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(DROP_LAST, params![ids, now])?;
    Ok(())
}

/// Notes that the files of these are gone.
pub fn dropped(tx: &mut Tx<'_>, ids: &[AttachmentId]) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(DROPPED, params![ids, now])?;
    Ok(())
}

/// A part of a list of attachments in the order of their ids: of those of a partner, or of all. Neither sizes nor what was
/// removed are in it.
pub fn list(
    tx: &mut Tx<'_>,
    author: Option<PartnerId>,
    window: Window<AttachmentId>,
) -> Result<Vec<Attachment>, Error> {
    lists::by_id(tx, select(author), columns!(), window, attachment)
}

/// How many attachments a list holds in all.
pub fn count(tx: &mut Tx<'_>, author: Option<PartnerId>) -> Result<i64, Error> {
    lists::count(tx, [select(author)])
}

fn select(author: Option<PartnerId>) -> SelectStatement {
    let mut select = Query::select();
    select.from("attachments").and_where(Expr::col("removed").eq(false)).and_where(Expr::col("original_id").is_null());
    if let Some(author) = author {
        select.and_where(Expr::col("author_id").eq(bytes(author)));
    }
    select
}

fn attachment(row: Row) -> Result<Attachment, Error> {
    let mut row = row.read("attachments");
    let id = row.next()?;
    let author = row.next()?;
    let original: Option<AttachmentId> = row.next()?;
    let size: Option<Size> = row.next_as(|text: Option<String>| text.map(|text| text.parse()).transpose())?;
    let size_of = match (original, size) {
        (Some(original), Some(size)) => Some((original, size)),
        (None, None) => None,
        _ => return Err(row.corrupt("size")),
    };
    Ok(Attachment {
        id,
        author,
        size_of,
        file_type: row.next_parsed()?,
        length: row.next_as(|length: i64| u64::try_from(length))?,
        md5: row.next()?,
        removed: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}
