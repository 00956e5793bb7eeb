//! Fields of venues and maps (`spec/v1.md`, Venues, maps and places). An event may name one, so a `fields-schema` may open
//! one; this server holds none, so the types have no values.

use super::write::{List, One};
use super::{Field, Kind, Resource, Type};

/// A place where events are held.
pub enum Venue {}

impl Resource for Venue {
    const NAME: &'static str = "Venue";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("address", "Postal address", Type::OptText, |venue| match *venue {}),
        Field::<Self>::reference("city", "The city", Kind::City, |venue| match *venue {}),
        Field::<Self>::reference("country", "The country", Kind::Country, |venue| match *venue {}),
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |venue| match *venue {}).read_only(),
        Field::<Self>::value("desc", "Description", Type::OptText, |venue| match *venue {}),
        Field::<Self>::value("description", "The same as desc", Type::OptText, |venue| match *venue {}),
        Field::<Self>::value("id", "Id", Type::Id, |venue| match *venue {}).read_only(),
        Field::<Self>::value("name", "Name", Type::Text, |venue| match *venue {}),
        Field::<Self>::embedded("point", "Where it is", &One::<Venue, Point>(|venue| match *venue {})),
        Field::<Self>::value("removed", "Whether it has been removed", Type::Bool, |venue| match *venue {}).read_only(),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |venue| match *venue {}).read_only(),
    ];
}

/// A point on the earth.
pub enum Point {}

impl Resource for Point {
    const NAME: &'static str = "Point";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("type", "Always Point", Type::Text, |point| match *point {}),
        Field::<Self>::value("coordinates", "Longitude and latitude", Type::Coordinates, |point| match *point {}),
    ];
}

/// A country.
pub enum Country {}

impl Resource for Country {
    const NAME: &'static str = "Country";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("id", "ISO 3166 alpha-2", Type::Country, |country| match *country {}),
        Field::<Self>::embedded("name", "Names by language", &One::<Country, Names>(|country| match *country {})),
        Field::<Self>::value("type", "Always country", Type::Text, |country| match *country {}),
    ];
}

/// A city.
pub enum City {}

impl Resource for City {
    const NAME: &'static str = "City";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::embedded("name", "Names by language", &One::<City, Names>(|city| match *city {})),
        Field::<Self>::reference("country", "The country", Kind::Country, |city| match *city {}),
        Field::<Self>::value("type", "Always city", Type::Text, |city| match *city {}),
        Field::<Self>::value("population", "Inhabitants", Type::Int(0, i64::MAX), |city| match *city {}),
        Field::<Self>::value("id", "GeoNames id", Type::City, |city| match *city {}),
        Field::<Self>::value("timezone", "IANA time zone", Type::Text, |city| match *city {}),
    ];
}

/// Names of a place.
pub enum Names {}

impl Resource for Names {
    const NAME: &'static str = "Names";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("default", "Its own name", Type::Text, |names| match *names {}),
        Field::<Self>::value("en", "English", Type::Text, |names| match *names {}),
        Field::<Self>::value("ru", "Russian", Type::Text, |names| match *names {}),
        Field::<Self>::value("be", "Belarusian", Type::Text, |names| match *names {}),
        Field::<Self>::value("fr", "French", Type::Text, |names| match *names {}),
        Field::<Self>::value("zh", "Chinese", Type::Text, |names| match *names {}),
    ];
}

/// The plan of a place.
pub enum Map {}

impl Resource for Map {
    const NAME: &'static str = "Map";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("id", "Id", Type::Id, |map| match *map {}).read_only(),
        Field::<Self>::value("name", "Name", Type::Text, |map| match *map {}),
        Field::<Self>::value("desc", "Description", Type::OptText, |map| match *map {}),
        Field::<Self>::embedded("sectors", "Its parts", &List::<Map, Sector>(|map| match *map {})),
    ];
}

/// A part of a map.
pub enum Sector {}

impl Resource for Sector {
    const NAME: &'static str = "Sector";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("id", "Id", Type::Id, |sector| match *sector {}).read_only(),
        Field::<Self>::value("name", "Name", Type::Text, |sector| match *sector {}),
        Field::<Self>::value("desc", "Description", Type::OptText, |sector| match *sector {}),
    ];
}
