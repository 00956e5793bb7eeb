//! Fields of venues and maps. An event may name one, so a `fields-schema` may open one; this server holds none, so the
//! types have no values.

use super::{Field, Resource, Type};

/// A place where events are held.
pub enum Venue {}

impl Resource for Venue {
    const NAME: &'static str = "Venue";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("address", "Postal address", Type::OptText, |venue| match *venue {}),
        Field::<Self>::value("desc", "Description", Type::OptText, |venue| match *venue {}),
        Field::<Self>::value("id", "Id", Type::Id, |venue| match *venue {}).read_only(),
        Field::<Self>::value("name", "Name", Type::Text, |venue| match *venue {}),
    ];
}

/// The plan of a place.
pub enum Map {}

impl Resource for Map {
    const NAME: &'static str = "Map";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("id", "Id", Type::Id, |map| match *map {}).read_only(),
        Field::<Self>::value("name", "Name", Type::Text, |map| match *map {}),
    ];
}
