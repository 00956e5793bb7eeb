//! Fields of attachments (`spec/v1.md`, Attachments), and how events and partners show theirs: loaded like references, one
//! batch for all rows, and written like objects of their own.

use super::load::Wants;
use super::parse::Selection;
use super::shape::{self, ShapeKind};
use super::write::{Embedded, null, object};
use super::{Cell, Field, Kind, Loaded, Resource, Type};
use crate::app::attachments::AttachmentView;
use crate::domain::attachment::{LENGTH_MAX, Size};
use crate::domain::id::AttachmentId;

const LENGTH: Type = Type::Int(0, LENGTH_MAX as i64);

impl Resource for AttachmentView {
    const NAME: &'static str = "Attachment";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::reference("author", "Who uploaded it", Kind::Partner, |view| {
            Some(view.attachment.author.into())
        })
        .read_only(),
        Field::<Self>::value("content_type", "Media type", Type::Text, |view| {
            Cell::str(view.attachment.file_type.as_str())
        })
        .read_only(),
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |view| {
            Cell::time(Some(view.attachment.created_at))
        })
        .read_only(),
        Field::<Self>::value("id", "Id", Type::Id, |view| Cell::text(view.attachment.id)).read_only(),
        Field::<Self>::value("length", "Size in bytes", LENGTH, |view| {
            Cell::Int(i64::try_from(view.attachment.length).unwrap_or(i64::MAX))
        })
        .read_only(),
        Field::<Self>::value("md5", "MD5 of the content", Type::Text, |view| Cell::str(&view.attachment.md5))
            .read_only(),
        Field::<Self>::value("md5hash", "The same as md5", Type::Text, |view| Cell::str(&view.attachment.md5))
            .read_only(),
        Field::<Self>::value("removed", "Whether it has been removed", Type::Bool, |view| {
            Cell::Bool(view.attachment.removed)
        })
        .read_only(),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |view| {
            Cell::time(Some(view.attachment.updated_at))
        })
        .read_only(),
        Field::<Self>::value("url", "Where the file is served, to anybody", Type::Text, |view| Cell::str(&view.url))
            .read_only(),
    ];
}

/// A picture as an embedded object, in one of its sizes; null where there is none.
pub struct Picture<T: 'static>(pub fn(&T) -> Option<AttachmentId>, pub Option<Size>);

/// Pictures as a list of embedded objects, as they were uploaded.
pub struct Pictures<T: 'static>(pub fn(&T) -> &[AttachmentId]);

impl<T> Embedded<T> for Picture<T> {
    fn shape(&self) -> ShapeKind {
        ShapeKind::Object { fields: shape::of::<AttachmentView>(), nullable: true }
    }

    fn wants<'s>(&self, value: &T, selection: Option<&'s Selection>, wants: &mut Wants<'s>) {
        wants.add(Kind::Attachment, (self.0)(value).map(Into::into), selection);
    }

    fn write(&self, value: &T, selection: Option<&Selection>, loaded: &Loaded, out: &mut Vec<u8>) {
        match (self.0)(value).and_then(|id| loaded.picture(id)) {
            None => null(out),
            Some(picture) => object(picture.at(self.1), selection, loaded, out),
        }
    }
}

impl<T> Embedded<T> for Pictures<T> {
    fn shape(&self) -> ShapeKind {
        ShapeKind::List(shape::of::<AttachmentView>())
    }

    fn wants<'s>(&self, value: &T, selection: Option<&'s Selection>, wants: &mut Wants<'s>) {
        (self.0)(value).iter().for_each(|id| wants.add(Kind::Attachment, Some((*id).into()), selection));
    }

    fn write(&self, value: &T, selection: Option<&Selection>, loaded: &Loaded, out: &mut Vec<u8>) {
        out.push(b'[');
        let start = out.len();
        for picture in (self.0)(value).iter().filter_map(|id| loaded.picture(*id)) {
            if out.len() > start {
                out.push(b',');
            }
            object(&picture.original, selection, loaded, out);
        }
        out.push(b']');
    }
}
