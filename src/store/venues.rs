//! The table `venues`.

use sea_query::{Expr, ExprTrait, Query, SelectStatement};

use super::db::{params, statements};
use super::values::{bytes, contains, id_in};
use super::{Error, Row, Tx, Window, lists};
use crate::domain::id::{PartnerId, VenueId};
use crate::domain::place::{CityId, CountryCode, Point, Venue};
use crate::domain::text::fold;

macro_rules! columns {
    () => {
        "id, org_id, name, description, address, city_id, country, longitude, latitude, removed, created_at, updated_at"
    };
}

statements! {
    BY_ID = concat!("select ", columns!(), " from venues where id = $1");
    // Nobody else changes it until the transaction ends.
    BY_ID_LOCKED = concat!("select ", columns!(), " from venues where id = $1 for no key update");
    // Nobody removes it until the transaction ends.
    BY_ID_KEPT = concat!("select ", columns!(), " from venues where id = $1 for share");
    BY_IDS = concat!("select ", columns!(), " from venues where id = any($1)");
    INSERT = concat!(
        "insert into venues (", columns!(), ", name_folded) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    );
    UPDATE =
        "update venues set name = $2, description = $3, address = $4, city_id = $5, country = $6, longitude = $7, \
         latitude = $8, removed = $9, updated_at = $10, name_folded = $11 where id = $1";
}

/// Finds a venue.
pub fn find(tx: &mut Tx<'_>, id: VenueId) -> Result<Option<Venue>, Error> {
    tx.query_opt(BY_ID, params![id])?.map(venue).transpose()
}

/// Finds a venue and keeps it as it is until the transaction ends.
pub fn find_locked(tx: &mut Tx<'_>, id: VenueId) -> Result<Option<Venue>, Error> {
    tx.query_opt(BY_ID_LOCKED, params![id])?.map(venue).transpose()
}

/// Finds a venue for something that is to name it: it is not removed before that is done.
pub fn find_kept(tx: &mut Tx<'_>, id: VenueId) -> Result<Option<Venue>, Error> {
    tx.query_opt(BY_ID_KEPT, params![id])?.map(venue).transpose()
}

/// Finds several venues; unknown ids are left out.
pub fn find_all(tx: &mut Tx<'_>, ids: &[VenueId]) -> Result<Vec<Venue>, Error> {
    tx.query(BY_IDS, params![ids])?.into_iter().map(venue).collect()
}

/// Writes a new venue.
pub fn insert(tx: &mut Tx<'_>, venue: &Venue) -> Result<(), Error> {
    tx.execute(
        INSERT,
        params![
            venue.id,
            venue.org,
            venue.name.as_str(),
            venue.desc.as_deref(),
            venue.address.as_deref(),
            city_number(venue),
            venue.country.as_ref().map(CountryCode::as_str),
            venue.point.as_ref().map(Point::longitude),
            venue.point.as_ref().map(Point::latitude),
            venue.removed,
            venue.created_at,
            venue.updated_at,
            fold(&venue.name)
        ],
    )?;
    Ok(())
}

/// Writes a venue's changed fields.
pub fn update(tx: &mut Tx<'_>, venue: &Venue) -> Result<(), Error> {
    tx.execute(
        UPDATE,
        params![
            venue.id,
            venue.name.as_str(),
            venue.desc.as_deref(),
            venue.address.as_deref(),
            city_number(venue),
            venue.country.as_ref().map(CountryCode::as_str),
            venue.point.as_ref().map(Point::longitude),
            venue.point.as_ref().map(Point::latitude),
            venue.removed,
            venue.updated_at,
            fold(&venue.name)
        ],
    )?;
    Ok(())
}

fn city_number(venue: &Venue) -> Option<i64> {
    venue.city.map(|city| city.number().into())
}

/// Which venues a list holds.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these.
    pub ids: Option<Vec<VenueId>>,
    /// Only venues that one of these organizers described.
    pub orgs: Option<Vec<PartnerId>>,
    /// Only venues in one of these cities.
    pub cities: Option<Vec<CityId>>,
    /// Only venues in one of these countries.
    pub countries: Option<Vec<CountryCode>>,
    /// Only venues whose name holds this, in any case.
    pub suggest: Option<String>,
    /// Only removed ones, or only others.
    pub removed: bool,
}

/// A part of a list of venues in the order of their ids: of those that an organizer described, or of all.
pub fn list(
    tx: &mut Tx<'_>,
    of: Option<PartnerId>,
    filter: &Filter,
    window: Window<VenueId>,
) -> Result<Vec<Venue>, Error> {
    lists::by_id(tx, select(of, filter), columns!(), window, venue)
}

/// How many venues a list holds in all.
pub fn count(tx: &mut Tx<'_>, of: Option<PartnerId>, filter: &Filter) -> Result<i64, Error> {
    lists::count(tx, [select(of, filter)])
}

fn select(of: Option<PartnerId>, filter: &Filter) -> SelectStatement {
    let mut select = Query::select();
    select.from("venues").and_where(Expr::col("removed").eq(filter.removed));
    if let Some(ids) = &filter.ids {
        select.and_where(id_in(ids));
    }
    if let Some(of) = of {
        select.and_where(Expr::col("org_id").eq(bytes(of)));
    }
    if let Some(orgs) = &filter.orgs {
        select.and_where(Expr::col("org_id").is_in(orgs.iter().map(|org| bytes(*org))));
    }
    if let Some(cities) = &filter.cities {
        select.and_where(Expr::col("city_id").is_in(cities.iter().map(|city| i64::from(city.number()))));
    }
    if let Some(countries) = &filter.countries {
        select.and_where(Expr::col("country").is_in(countries.iter().map(CountryCode::as_str)));
    }
    if let Some(suggest) = &filter.suggest {
        select.and_where(contains("name_folded", suggest));
    }
    select
}

fn venue(row: Row) -> Result<Venue, Error> {
    let mut row = row.read("venues");
    let (id, org, name) = (row.next()?, row.next()?, row.next()?);
    let (desc, address) = (row.next()?, row.next()?);
    let city = row.next_as(|number: Option<i64>| number.map(CityId::new).transpose())?;
    let country = row.next_as(|code: Option<String>| code.map(|code| code.parse()).transpose())?;
    let (longitude, latitude): (Option<String>, Option<String>) = (row.next()?, row.next()?);
    let point = match (longitude, latitude) {
        (Some(longitude), Some(latitude)) => {
            Some(Point::new(&longitude, &latitude).map_err(|_| row.corrupt("longitude"))?)
        }
        (None, None) => None,
        _ => return Err(row.corrupt("latitude")),
    };
    Ok(Venue {
        id,
        org,
        name,
        desc,
        address,
        city,
        country,
        point,
        removed: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}
