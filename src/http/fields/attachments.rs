//! Fields of attachments. Partners and events may show some, so a `fields-schema` may narrow them; this server holds none,
//! so the type has no values.

use super::{Field, Resource, Type};

/// A file shown with a partner or an event.
pub enum Attachment {}

impl Resource for Attachment {
    const NAME: &'static str = "Attachment";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("content_type", "Media type", Type::Text, |file| match *file {}).read_only(),
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |file| match *file {}).read_only(),
        Field::<Self>::value("id", "Id", Type::Id, |file| match *file {}).read_only(),
        Field::<Self>::value("length", "Size in bytes", Type::Int(0, 20 << 20), |file| match *file {}).read_only(),
        Field::<Self>::value("url", "Where the file is served", Type::Text, |file| match *file {}).read_only(),
    ];
}
