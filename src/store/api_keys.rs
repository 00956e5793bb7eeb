//! The table `api_keys`.

use jiff::Timestamp;
use sea_query::{Expr, ExprTrait, Query, SelectStatement};

use super::db::{params, statements};
use super::values::{bytes, id_in};
use super::{Error, Row, Tx, Window, lists};
use crate::domain::id::{KeyId, PartnerId};
use crate::domain::partner::Roles;

macro_rules! columns {
    () => {
        "id, partner_id, name, token_sealed, removed, created_at"
    };
}

statements! {
    ACTING =
        "select partners.id, is_org, is_agent, is_core from api_keys join partners on partners.id = partner_id \
         where token_hash = $1 and api_keys.removed = false";
    ONE = concat!("select ", columns!(), " from api_keys where id = $1 and partner_id = $2");
    INSERT =
        "insert into api_keys (id, partner_id, name, token_sealed, removed, created_at, token_hash) \
         values ($1, $2, $3, $4, $5, $6, $7)";
    SET_NAME = "update api_keys set name = $1 where id = $2";
    REMOVE = "update api_keys set removed = true where id = $1";
}

/// An API key as it is stored.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// Its id.
    pub id: KeyId,
    /// Whom it acts for.
    pub partner: PartnerId,
    /// What it is for.
    pub name: Option<String>,
    /// The token, sealed with the server's secret.
    pub token_sealed: Vec<u8>,
    /// Whether it has stopped working.
    pub removed: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The partner that the key with this hash acts for, and its roles; nothing for an unknown or removed key.
pub fn acting(tx: &mut Tx<'_>, token_hash: &[u8; 32]) -> Result<Option<(PartnerId, Roles)>, Error> {
    let Some(row) = tx.query_opt(ACTING, params![token_hash])? else { return Ok(None) };
    let mut row = row.read("api_keys");
    Ok(Some((row.next()?, Roles { org: row.next()?, agent: row.next()?, core: row.next()? })))
}

/// Finds a key of a partner, also a removed one.
pub fn find(tx: &mut Tx<'_>, partner: PartnerId, id: KeyId) -> Result<Option<StoredKey>, Error> {
    tx.query_opt(ONE, params![id, partner])?.map(key).transpose()
}

/// Writes a new key.
pub fn insert(tx: &mut Tx<'_>, key: &StoredKey, token_hash: &[u8; 32]) -> Result<(), Error> {
    tx.execute(
        INSERT,
        params![
            key.id,
            key.partner,
            key.name.as_deref(),
            key.token_sealed.as_slice(),
            key.removed,
            key.created_at,
            token_hash
        ],
    )?;
    Ok(())
}

/// Gives a key another name.
pub fn set_name(tx: &mut Tx<'_>, id: KeyId, name: Option<&str>) -> Result<(), Error> {
    tx.execute(SET_NAME, params![name, id])?;
    Ok(())
}

/// Makes a key stop working.
pub fn remove(tx: &mut Tx<'_>, id: KeyId) -> Result<(), Error> {
    tx.execute(REMOVE, params![id])?;
    Ok(())
}

/// The working keys of a partner in the order of their ids, of `ids` where given.
pub fn list(
    tx: &mut Tx<'_>,
    partner: PartnerId,
    ids: Option<&[KeyId]>,
    window: Window<KeyId>,
) -> Result<Vec<StoredKey>, Error> {
    lists::by_id(tx, select(partner, ids), columns!(), window, key)
}

/// How many keys the list holds in all.
pub fn count(tx: &mut Tx<'_>, partner: PartnerId, ids: Option<&[KeyId]>) -> Result<i64, Error> {
    lists::count(tx, [select(partner, ids)])
}

fn select(partner: PartnerId, ids: Option<&[KeyId]>) -> SelectStatement {
    let mut select = Query::select();
    select
        .from("api_keys")
        .and_where(Expr::col("partner_id").eq(bytes(partner)))
        .and_where(Expr::col("removed").eq(false));
    if let Some(ids) = ids {
        select.and_where(id_in(ids));
    }
    select
}

fn key(row: Row) -> Result<StoredKey, Error> {
    let mut row = row.read("api_keys");
    Ok(StoredKey {
        id: row.next()?,
        partner: row.next()?,
        name: row.next()?,
        token_sealed: row.next()?,
        removed: row.next()?,
        created_at: row.next()?,
    })
}
