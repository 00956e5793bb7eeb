//! `/v1/resources/countries` and `/v1/resources/cities`: what everybody may know.

use axum::body::Body;
use axum::http::Response;

use crate::domain::invalid::Invalid;
use crate::domain::place::{CityId, CountryCode};
use crate::http::call::Call;
use crate::http::error::Error;
use crate::http::fields::Type;
use crate::http::query::{Param, Query};
use crate::places::{self, Order, Wish};

const COUNTRY: Param = Param::new("country", Type::Countries, "Only what lies in these countries");
const LIMIT: Param = Param::new("limit", Type::Int(0, MAX), "At most so many");
const OFFSET: Param = Param::new("offset", Type::Int(0, MAX), "Without the first so many");
const SUGGEST: Param =
    Param::new("suggest", Type::Text, "Only those with a name, in any language, that holds this, in any case");
const SORT: Param = Param::new(
    "sort",
    Type::Word(&["population", "-population"]),
    "From the fewest inhabitants to the most, or the other way; by id unless given",
);
const MAX: i64 = 1_000_000_000;

/// Parameters of the list of countries.
pub const COUNTRIES: &[Param] =
    &[Param::new("ids", Type::Countries, "Only these countries"), LIMIT, OFFSET, SUGGEST, COUNTRY, SORT];
/// Parameters of the list of cities.
pub const CITIES: &[Param] =
    &[Param::new("ids", Type::Cities, "Only these cities"), LIMIT, OFFSET, SUGGEST, COUNTRY, SORT];

/// GET of the countries.
pub async fn countries(call: Call) -> Result<Response<Body>, Error> {
    let wish = call.query_list(COUNTRIES, wish::<CountryCode>)?;
    call.all(places::countries(&wish))
}

/// GET of the cities.
pub async fn cities(call: Call) -> Result<Response<Body>, Error> {
    let wish = call.query_list(CITIES, wish::<CityId>)?;
    call.all(places::cities(&wish))
}

fn wish<I: std::str::FromStr<Err = Invalid>>(query: &mut Query<'_>) -> Wish<I> {
    let order = query.one_as("sort", |text| match text {
        "population" => Ok(Order::Smallest),
        "-population" => Ok(Order::Largest),
        _ => Err(Invalid::out_of_range("must be population or -population")),
    });
    Wish {
        ids: query.many("ids"),
        countries: query.many("country"),
        suggest: query.text("suggest"),
        order: order.unwrap_or_default(),
    }
}
