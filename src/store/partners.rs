//! The tables `partners` and `partner_tags`.

use sea_query::{Expr, ExprTrait, Query, SelectStatement};

use super::db::{params, statements};
use super::values::{contains, id_in, ids_json, json, tags_json};
use super::{Error, Row, Tx, Window, lists};
use crate::domain::id::{PartnerId, UserId};
use crate::domain::partner::{Partner, Roles};
use crate::domain::text::fold;

macro_rules! columns {
    () => {
        "id, name, is_org, is_agent, is_core, description, channels, director, contact, legal, tags, media, user_id, \
         removed, created_at, updated_at"
    };
}

statements! {
    BY_IDS = concat!("select ", columns!(), " from partners where id = any($1)");
    LOCK = "select id from partners where id = any($1) order by id for no key update";
    LOCK_SHARED = "select id from partners where id = any($1) and not removed order by id for share";
    INSERT = concat!(
        "insert into partners (", columns!(), ", name_folded) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
    );
    UPDATE =
        "update partners set name = $2, is_org = $3, is_agent = $4, is_core = $5, description = $6, channels = $7, \
         director = $8, contact = $9, legal = $10, tags = $11, user_id = $12, removed = $13, updated_at = $14, \
         name_folded = $15, media = $16 where id = $1";
    DELETE_TAGS = "delete from partner_tags where partner_id = $1";
    INSERT_TAG = "insert into partner_tags (partner_id, tag_folded) values ($1, $2) on conflict do nothing";
}

/// Finds several partners; unknown ids are left out.
pub fn find_all(tx: &mut Tx<'_>, ids: &[PartnerId]) -> Result<Vec<Partner>, Error> {
    tx.query(BY_IDS, params![ids])?.into_iter().map(partner).collect()
}

/// Finds a partner.
pub fn find(tx: &mut Tx<'_>, id: PartnerId) -> Result<Option<Partner>, Error> {
    Ok(find_all(tx, &[id])?.pop())
}

/// Keeps others from changing the partners and what hangs on them until the transaction ends: their members, and which
/// deals they have accepted. What was read before is read again.
pub fn lock(tx: &mut Tx<'_>, ids: &[PartnerId]) -> Result<(), Error> {
    tx.query(LOCK, params![ids])?;
    Ok(())
}

/// Keeps partners as they are until the transaction ends, as many others may; answers those that have not been removed.
pub fn lock_shared(tx: &mut Tx<'_>, ids: &[PartnerId]) -> Result<Vec<PartnerId>, Error> {
    tx.query(LOCK_SHARED, params![ids])?.into_iter().map(|row| row.read("partners").next()).collect()
}

/// Writes a new partner.
pub fn insert(tx: &mut Tx<'_>, partner: &Partner) -> Result<(), Error> {
    tx.execute(
        INSERT,
        params![
            partner.id,
            partner.name.as_str(),
            partner.roles.org,
            partner.roles.agent,
            partner.roles.core,
            partner.description.as_deref(),
            partner.channels.as_deref(),
            partner.director.as_deref(),
            json(&partner.contact)?,
            partner.legal.as_ref().map(json).transpose()?,
            tags_json(&partner.tags)?,
            ids_json(&partner.media)?,
            partner.user,
            partner.removed,
            partner.created_at,
            partner.updated_at,
            fold(partner.name.as_str())
        ],
    )?;
    put_tags(tx, partner)
}

/// Writes a partner's changed fields.
pub fn update(tx: &mut Tx<'_>, partner: &Partner) -> Result<(), Error> {
    tx.execute(
        UPDATE,
        params![
            partner.id,
            partner.name.as_str(),
            partner.roles.org,
            partner.roles.agent,
            partner.roles.core,
            partner.description.as_deref(),
            partner.channels.as_deref(),
            partner.director.as_deref(),
            json(&partner.contact)?,
            partner.legal.as_ref().map(json).transpose()?,
            tags_json(&partner.tags)?,
            partner.user,
            partner.removed,
            partner.updated_at,
            fold(partner.name.as_str()),
            ids_json(&partner.media)?
        ],
    )?;
    tx.execute(DELETE_TAGS, params![partner.id])?;
    put_tags(tx, partner)
}

fn put_tags(tx: &mut Tx<'_>, partner: &Partner) -> Result<(), Error> {
    for tag in &partner.tags {
        tx.execute(INSERT_TAG, params![partner.id, fold(tag.as_str())])?;
    }
    Ok(())
}

/// Which partners a list holds.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these.
    pub ids: Option<Vec<PartnerId>>,
    /// Only partners that hold one of these roles; none set: any.
    pub roles: Roles,
    /// Only partners with one of these tags, in any case.
    pub tags: Vec<String>,
    /// Only partners whose name holds this, in any case.
    pub suggest: Option<String>,
    /// Only removed ones, or only others.
    pub removed: bool,
}

/// A part of a list of partners in the order of their ids.
pub fn list(tx: &mut Tx<'_>, filter: &Filter, window: Window<PartnerId>) -> Result<Vec<Partner>, Error> {
    lists::by_id(tx, select(filter), columns!(), window, partner)
}

/// How many partners a list holds in all.
pub fn count(tx: &mut Tx<'_>, filter: &Filter) -> Result<i64, Error> {
    lists::count(tx, [select(filter)])
}

fn select(filter: &Filter) -> SelectStatement {
    let mut select = Query::select();
    select.from("partners").and_where(Expr::col("removed").eq(filter.removed));
    if let Some(ids) = &filter.ids {
        select.and_where(id_in(ids));
    }
    let mut roles = sea_query::Cond::any();
    for (wanted, column) in
        [(filter.roles.org, "is_org"), (filter.roles.agent, "is_agent"), (filter.roles.core, "is_core")]
    {
        if wanted {
            roles = roles.add(Expr::col(column).eq(true));
        }
    }
    if filter.roles != Roles::default() {
        select.cond_where(roles);
    }
    if !filter.tags.is_empty() {
        let mut tagged = Query::select();
        tagged
            .column("partner_id")
            .from("partner_tags")
            .and_where(Expr::col("tag_folded").is_in(filter.tags.iter().map(|tag| fold(tag))));
        select.and_where(Expr::col("id").in_subquery(tagged));
    }
    if let Some(suggest) = &filter.suggest {
        select.and_where(contains("name_folded", suggest));
    }
    select
}

fn partner(row: Row) -> Result<Partner, Error> {
    let mut row = row.read("partners");
    let id = row.next()?;
    let name = row.next_parsed()?;
    let roles = Roles { org: row.next()?, agent: row.next()?, core: row.next()? };
    let description = row.next()?;
    let channels = row.next()?;
    let director = row.next()?;
    let contact = row.next_json()?.ok_or_else(|| row.corrupt("contact"))?;
    let legal = row.next_json()?;
    let tags = row.next_tags()?;
    let media = row.next_ids()?;
    let user: UserId = row.next()?;
    Ok(Partner {
        id,
        name,
        roles,
        description,
        channels,
        director,
        contact,
        legal,
        tags,
        media,
        user,
        removed: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}
