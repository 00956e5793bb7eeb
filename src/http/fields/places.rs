//! Fields of countries, cities, venues and maps (`spec/v1.md`, Venues, maps and places).

use std::borrow::Cow;

use serde_json::{Value, json};

use super::write::{List, Maybe, One};
use super::{Cell, Field, Kind, Resource, Type};
use crate::app::maps::{MapView, SectorView};
use crate::domain::map::{Seat, SeatRow};
use crate::domain::place::{Point, Venue};
use crate::places::{City, Country, Names};

impl Resource for Venue {
    const NAME: &'static str = "Venue";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("address", "Postal address", Type::OptText, |venue| Cell::opt(venue.address.as_deref())),
        Field::<Self>::reference("city", "The city, by its GeoNames id", Kind::City, |venue| {
            venue.city.map(Into::into)
        }),
        Field::<Self>::reference(
            "country",
            "The country, by its code of ISO 3166; follows from the city where there is one",
            Kind::Country,
            |venue| venue.country.map(Into::into),
        ),
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |venue| Cell::time(Some(venue.created_at)))
            .read_only(),
        Field::<Self>::value("desc", "Description", Type::OptText, |venue| Cell::opt(venue.desc.as_deref())),
        Field::<Self>::value("description", "The same as desc", Type::OptText, |venue| {
            Cell::opt(venue.desc.as_deref())
        }),
        Field::<Self>::value("id", "Id", Type::Id, |venue| Cell::text(venue.id)).read_only(),
        Field::<Self>::value("name", "Name", Type::Text, |venue| Cell::str(&venue.name)),
        Field::<Self>::embedded("point", "Where it is", &Maybe::<Venue, Point>(|venue| venue.point.as_ref())),
        Field::<Self>::value("removed", "Whether it has been removed", Type::Bool, |venue| Cell::Bool(venue.removed))
            .read_only(),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |venue| {
            Cell::time(Some(venue.updated_at))
        })
        .read_only(),
    ];
}

impl Resource for Point {
    const NAME: &'static str = "Point";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("type", "Always Point", Type::Word(&["Point"]), |_| Cell::str("Point")),
        Field::<Self>::value("coordinates", "Longitude and latitude", Type::Coordinates, |point| {
            Cell::Json(Cow::Owned(format!("[{},{}]", point.longitude(), point.latitude())))
        }),
    ];
}

impl Resource for Country {
    const NAME: &'static str = "Country";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("id", "ISO 3166 alpha-2", Type::Country, |country| Cell::text(country.id)),
        Field::<Self>::embedded("name", "Names by language", &One::<Country, Names>(|country| &country.names)),
        Field::<Self>::value("type", "Always country", Type::Text, |_| Cell::str("country")),
    ];
}

impl Resource for City {
    const NAME: &'static str = "City";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::embedded("name", "Names by language", &One::<City, Names>(|city| &city.names)),
        Field::<Self>::reference("country", "The country", Kind::Country, |city| Some(city.country.into())),
        Field::<Self>::value("type", "Always city", Type::Text, |_| Cell::str("city")),
        Field::<Self>::value("population", "Inhabitants", Type::Int(0, i64::MAX), |city| {
            Cell::Int(i64::try_from(city.population).unwrap_or(i64::MAX))
        }),
        Field::<Self>::value("id", "GeoNames id", Type::City, |city| Cell::Int(city.id.number().into())),
        Field::<Self>::value("timezone", "IANA time zone", Type::Text, |city| Cell::str(city.timezone)),
    ];
}

impl Resource for Names {
    const NAME: &'static str = "Names";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("default", "Its usual name", Type::Text, |names| Cell::str(names.default)),
        Field::<Self>::value("en", "English", Type::Text, |names| Cell::str(names.en)),
        Field::<Self>::value("ru", "Russian; null where it is not known", Type::OptText, |names| Cell::opt(names.ru)),
        Field::<Self>::value("be", "Belarusian; null where it is not known", Type::OptText, |names| {
            Cell::opt(names.be)
        }),
        Field::<Self>::value("fr", "French; null where it is not known", Type::OptText, |names| Cell::opt(names.fr)),
        Field::<Self>::value("zh", "Chinese; null where it is not known", Type::OptText, |names| Cell::opt(names.zh)),
    ];
}

impl Resource for MapView {
    const NAME: &'static str = "Map";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("created_at", "Time of creation", Type::Time, |view| {
            Cell::time(Some(view.map.created_at))
        })
        .read_only(),
        Field::<Self>::value("desc", "Description", Type::OptText, |view| Cell::opt(view.map.desc.as_deref())),
        Field::<Self>::value("id", "Id", Type::Id, |view| Cell::text(view.map.id)).read_only(),
        Field::<Self>::value("name", "Name", Type::Text, |view| Cell::str(&view.map.name)),
        Field::<Self>::reference("org", "The organizer whose it is", Kind::Partner, |view| Some(view.map.org.into()))
            .read_only(),
        Field::<Self>::value("removed", "Whether it has been removed", Type::Bool, |view| Cell::Bool(view.map.removed))
            .read_only(),
        Field::<Self>::embedded(
            "sectors",
            "Its parts, from the stage on; they never change",
            &List::<MapView, SectorView>(|view| &view.sectors),
        ),
        Field::<Self>::value("svg", "The address of its drawing", Type::Text, |view| Cell::str(&view.svg)).read_only(),
        Field::<Self>::value("updated_at", "Time of the last change", Type::Time, |view| {
            Cell::time(Some(view.map.updated_at))
        })
        .read_only(),
        Field::<Self>::reference("venue", "The place that it is the plan of", Kind::Venue, |view| {
            view.map.venue.map(Into::into)
        }),
    ];
}

impl Resource for SectorView {
    const NAME: &'static str = "Sector";
    const FIELDS: &'static [Field<Self>] = &[
        Field::<Self>::value("desc", "Description", Type::OptText, |view| Cell::opt(view.sector.desc.as_deref())),
        Field::<Self>::value("id", "Id", Type::Id, |view| Cell::text(view.sector.id)).read_only(),
        Field::<Self>::value("name", "Name", Type::Text, |view| Cell::str(&view.sector.name)),
        Field::<Self>::value(
            "rows",
            "Its rows from the stage on with their seats from left to right, none where people stand; only where one map \
             is asked for",
            Type::Rows,
            |view| Cell::Json(Cow::Owned(Value::from_iter(view.sector.rows.iter().map(row)).to_string())),
        )
        .input(Type::RowsInput)
        .present_if(|view| view.with_rows),
    ];
}

/// A row as it may be given again: seats without coordinates of their own are their names.
fn row(row: &SeatRow) -> Value {
    let plain = row.seats.iter().all(|seat| seat.x.is_none() && seat.y.is_none());
    let seat = |seat: &Seat| {
        if plain { json!(seat.number) } else { json!({"number": seat.number, "x": seat.x, "y": seat.y}) }
    };
    json!({"name": row.name, "seats": Value::from_iter(row.seats.iter().map(seat)), "x": row.x, "y": row.y})
}
