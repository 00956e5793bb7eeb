//! The tables `maps` and `sectors`.

use std::collections::HashMap;

use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};

use super::db::{params, statements};
use super::values::{bytes, contains, id_in, json};
use super::{Error, Row, Tx};
use crate::domain::id::{MapId, PartnerId, SectorId, VenueId};
use crate::domain::map::{Map, Sector};
use crate::domain::text::fold;

macro_rules! columns {
    () => {
        "id, org_id, venue_id, name, description, removed, created_at, updated_at"
    };
}

statements! {
    BY_ID = concat!("select ", columns!(), " from maps where id = $1");
    // Nobody else changes it until the transaction ends.
    BY_ID_LOCKED = concat!("select ", columns!(), " from maps where id = $1 for no key update");
    // Nobody removes it until the transaction ends.
    BY_ID_KEPT = concat!("select ", columns!(), " from maps where id = $1 for share");
    BY_IDS = concat!("select ", columns!(), " from maps where id = any($1)");
    INSERT = concat!(
        "insert into maps (", columns!(), ", name_folded) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    UPDATE =
        "update maps set venue_id = $2, name = $3, description = $4, removed = $5, updated_at = $6, name_folded = $7 \
         where id = $1";
    INSERT_SECTOR = "insert into sectors (id, map_id, pos, name, description, layout) values ($1, $2, $3, $4, $5, $6)";
    SECTORS = "select id, name, description, layout from sectors where map_id = $1 order by pos";
    // Without their seats, which may be many.
    HEADS = "select map_id, id, name, description from sectors where map_id = any($1) order by map_id, pos";
    SECTOR_HEADS = "select id, name, description from sectors where id = any($1)";
    SECTOR = "select id, name, description, layout, map_id from sectors where id = $1";
}

/// Finds a map with all its seats.
pub fn find(tx: &mut Tx<'_>, id: MapId) -> Result<Option<Map>, Error> {
    let Some(row) = tx.query_opt(BY_ID, params![id])? else { return Ok(None) };
    let mut map = map(row)?;
    for row in tx.query(SECTORS, params![id])? {
        let mut row = row.read("sectors");
        let (id, name, desc) = (row.next()?, row.next()?, row.next()?);
        let rows = row.next_json()?.ok_or_else(|| row.corrupt("layout"))?;
        map.sectors.push(Sector { id, name, desc, rows });
    }
    Ok(Some(map))
}

/// Finds a map without its sectors, and keeps it as it is until the transaction ends.
pub fn find_locked(tx: &mut Tx<'_>, id: MapId) -> Result<Option<Map>, Error> {
    tx.query_opt(BY_ID_LOCKED, params![id])?.map(map).transpose()
}

/// Finds a map, without its sectors, for something that is to name it: it is not removed before that is done.
pub fn find_kept(tx: &mut Tx<'_>, id: MapId) -> Result<Option<Map>, Error> {
    tx.query_opt(BY_ID_KEPT, params![id])?.map(map).transpose()
}

/// Finds several maps with their sectors, but without the seats of these; unknown ids are left out.
pub fn find_heads(tx: &mut Tx<'_>, ids: &[MapId]) -> Result<Vec<Map>, Error> {
    let maps: Vec<Map> = tx.query(BY_IDS, params![ids])?.into_iter().map(map).collect::<Result<_, _>>()?;
    with_heads(tx, maps)
}

/// Finds a sector with its seats, and the map that it is a part of.
pub fn find_sector(tx: &mut Tx<'_>, id: SectorId) -> Result<Option<(Sector, MapId)>, Error> {
    let Some(row) = tx.query_opt(SECTOR, params![id])? else { return Ok(None) };
    let mut row = row.read("sectors");
    let (id, name, desc) = (row.next()?, row.next()?, row.next()?);
    let rows = row.next_json()?.ok_or_else(|| row.corrupt("layout"))?;
    Ok(Some((Sector { id, name, desc, rows }, row.next()?)))
}

/// Finds several sectors without their seats; unknown ids are left out.
pub fn find_sector_heads(tx: &mut Tx<'_>, ids: &[SectorId]) -> Result<Vec<Sector>, Error> {
    let sector = |row: Row| {
        let mut row = row.read("sectors");
        Ok(Sector { id: row.next()?, name: row.next()?, desc: row.next()?, rows: Vec::new() })
    };
    tx.query(SECTOR_HEADS, params![ids])?.into_iter().map(sector).collect()
}

/// Writes a new map with its sectors and seats.
pub fn insert(tx: &mut Tx<'_>, map: &Map) -> Result<(), Error> {
    tx.execute(
        INSERT,
        params![
            map.id,
            map.org,
            map.venue,
            map.name.as_str(),
            map.desc.as_deref(),
            map.removed,
            map.created_at,
            map.updated_at,
            fold(&map.name)
        ],
    )?;
    for (sector, pos) in map.sectors.iter().zip(0_i64..) {
        let layout = json(&sector.rows)?;
        let (name, desc) = (sector.name.as_str(), sector.desc.as_deref());
        tx.execute(INSERT_SECTOR, params![sector.id, map.id, pos, name, desc, layout])?;
    }
    Ok(())
}

/// Writes a map's changed fields. Its sectors never change.
pub fn update(tx: &mut Tx<'_>, map: &Map) -> Result<(), Error> {
    let (name, desc) = (map.name.as_str(), map.desc.as_deref());
    tx.execute(UPDATE, params![map.id, map.venue, name, desc, map.removed, map.updated_at, fold(&map.name)])?;
    Ok(())
}

/// Which maps a list holds.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these.
    pub ids: Option<Vec<MapId>>,
    /// Only maps of these organizers.
    pub orgs: Option<Vec<PartnerId>>,
    /// Only maps of these venues.
    pub venues: Option<Vec<VenueId>>,
    /// Only maps whose name holds this, in any case.
    pub suggest: Option<String>,
    /// Only removed ones, or only others.
    pub removed: bool,
}

/// The maps of a list in the order of their ids, with their sectors but without the seats of these: those after `after`,
/// then without the first `skip`, at most `limit`.
pub fn list(tx: &mut Tx<'_>, filter: &Filter, after: Option<MapId>, skip: u64, limit: u64) -> Result<Vec<Map>, Error> {
    let mut select = select(filter);
    select.expr(Expr::cust(columns!())).order_by("id", Order::Asc).limit(limit).offset(skip);
    if let Some(after) = after {
        select.and_where(Expr::col("id").gt(bytes(after)));
    }
    let maps: Vec<Map> = tx.query_built(&select)?.into_iter().map(map).collect::<Result<_, _>>()?;
    with_heads(tx, maps)
}

/// How many maps a list holds in all.
pub fn count(tx: &mut Tx<'_>, filter: &Filter) -> Result<i64, Error> {
    tx.count_built(select(filter).expr(Expr::cust("count(*)")))
}

fn select(filter: &Filter) -> SelectStatement {
    let mut select = Query::select();
    select.from("maps").and_where(Expr::col("removed").eq(filter.removed));
    if let Some(ids) = &filter.ids {
        select.and_where(id_in(ids));
    }
    if let Some(orgs) = &filter.orgs {
        select.and_where(Expr::col("org_id").is_in(orgs.iter().map(|org| bytes(*org))));
    }
    if let Some(venues) = &filter.venues {
        select.and_where(Expr::col("venue_id").is_in(venues.iter().map(|venue| bytes(*venue))));
    }
    if let Some(suggest) = &filter.suggest {
        select.and_where(contains("name_folded", suggest));
    }
    select
}

/// Adds the sectors without their seats.
fn with_heads(tx: &mut Tx<'_>, mut maps: Vec<Map>) -> Result<Vec<Map>, Error> {
    let ids: Vec<MapId> = maps.iter().map(|map| map.id).collect();
    let mut sectors: HashMap<MapId, Vec<Sector>> = HashMap::new();
    for row in tx.query(HEADS, params![&ids])? {
        let mut row = row.read("sectors");
        let map = row.next()?;
        let (id, name, desc) = (row.next()?, row.next()?, row.next()?);
        sectors.entry(map).or_default().push(Sector { id, name, desc, rows: Vec::new() });
    }
    for map in &mut maps {
        map.sectors = sectors.remove(&map.id).unwrap_or_default();
    }
    Ok(maps)
}

/// A map, still without its sectors.
fn map(row: Row) -> Result<Map, Error> {
    let mut row = row.read("maps");
    let (id, org, venue) = (row.next()?, row.next()?, row.next()?);
    let (name, desc, removed) = (row.next()?, row.next()?, row.next()?);
    let sectors = Vec::new();
    Ok(Map { id, org, venue, name, desc, sectors, removed, created_at: row.next()?, updated_at: row.next()? })
}
