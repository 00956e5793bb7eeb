//! Fields of attachments (`spec/v1.md`, Attachments). Partners and events may show some, so a `fields-schema` may narrow
//! them; this server holds none, so the type has no values.

use super::{Field, Kind, Resource, Type};

/// A file shown with a partner or an event.
pub enum Attachment {}

impl Resource for Attachment {
    const NAME: &'static str = "Attachment";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::reference("author", "Who uploaded it", Kind::Partner, |file| match *file {}).read_only(),
        Field::<Self>::value("content_type", "Media type", Type::Text, |file| match *file {}).read_only(),
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |file| match *file {}).read_only(),
        Field::<Self>::value("id", "Id", Type::Id, |file| match *file {}).read_only(),
        Field::<Self>::value("length", "Size in bytes", Type::Int(0, 20 << 20), |file| match *file {}).read_only(),
        Field::<Self>::value("md5", "MD5 of the content", Type::Text, |file| match *file {}).read_only(),
        Field::<Self>::value("md5hash", "The same as md5", Type::Text, |file| match *file {}).read_only(),
        Field::<Self>::value("removed", "Whether it has been removed", Type::Bool, |file| match *file {}).read_only(),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |file| match *file {}).read_only(),
        Field::<Self>::value("url", "Where the file is served", Type::Text, |file| match *file {}).read_only(),
    ];
}
