//! The table `promocodes`, and how many of their uses the orders in `order_promocodes` have.

use std::collections::BTreeMap;

use sea_query::{Expr, ExprTrait, Query, SelectStatement};

use super::db::{params, statements};
use super::values::{buckets, bytes, json};
use super::{Error, Row, Tx, Window, lists};
use crate::domain::id::{EventId, OrderId, PromocodeId, SetId};
use crate::domain::money::{Currency, Money};
use crate::domain::period::Period;
use crate::domain::promocode::{Discount, Promocode, TicketsCount, folded};
use crate::domain::share::Percent;

macro_rules! columns {
    () => {
        "id, event_id, code, name, description, percentage, fix, amount, tickets_min, tickets_max, starts_at, ends_at, \
         sets, held, used, removed, created_at, updated_at"
    };
}

/// The columns of a read: an amount is of the event's currency.
macro_rules! read_columns {
    () => {
        concat!(
            columns!(),
            ", (select e.currency from events e where e.bucket = promocodes.bucket and e.id = promocodes.event_id)"
        )
    };
}

statements! {
    ONE = concat!("select ", read_columns!(), " from promocodes where bucket = $1 and id = $2");
    LOCK = "select id from promocodes where bucket = $1 and id = $2 for no key update";
    BY_IDS = concat!("select ", read_columns!(), " from promocodes where bucket = any($1) and id = any($2)");
    INSERT = concat!(
        "insert into promocodes (", columns!(), ", bucket, code_folded) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)"
    );
    UPDATE = "update promocodes set name = $3, description = $4, updated_at = $5 where bucket = $1 and id = $2";
    REMOVE = "update promocodes set removed = true, updated_at = $3 where bucket = $1 and id = $2 and not removed";
    // The condition is the truth: of two orders that want the last use, one finds no row.
    HOLD =
        "update promocodes set held = held + $3 \
         where bucket = $1 and id = $2 and (amount is null or held + used + $3 <= amount)";
    GIVE_BACK = "update promocodes set held = held - $3 where bucket = $1 and id = $2 and held >= $3";
    USE_HELD = "update promocodes set held = held - $3, used = used + $3 where bucket = $1 and id = $2 and held >= $3";
    EXPIRED_HOLDERS =
        "select o.id from order_promocodes p join orders o on o.bucket = p.bucket and o.id = p.order_id \
         where p.bucket = $1 and p.promocode_id = $2 and p.uses > 0 \
         and o.status in ('executed', 'in_progress') and o.reserved_till <= $3 order by o.id";
    HELD_BY_EXPIRED =
        "select p.promocode_id, cast(sum(p.uses) as bigint) \
         from order_promocodes p join orders o on o.bucket = p.bucket and o.id = p.order_id \
         where p.bucket = any($1) and p.promocode_id = any($2) and p.uses > 0 \
         and o.status in ('executed', 'in_progress') and o.reserved_till <= $3 group by p.promocode_id";
    WITH_AMOUNTS = "select 1 from promocodes where bucket = $1 and event_id = $2 and fix is not null and not removed limit 1";
}

/// The name of the constraint that keeps codes unique among those of an event that are not removed.
pub const CODE_KEY: &str = "promocodes_bucket_event_id_code_folded_key";

/// Finds a promocode.
pub fn find(tx: &mut Tx<'_>, id: PromocodeId) -> Result<Option<Promocode>, Error> {
    tx.query_opt(ONE, params![id.bucket(), id])?.map(promocode).transpose()
}

/// Keeps everybody else from changing a promocode until the transaction ends.
pub fn lock(tx: &mut Tx<'_>, id: PromocodeId) -> Result<(), Error> {
    tx.query_opt(LOCK, params![id.bucket(), id])?;
    Ok(())
}

/// Finds several promocodes, removed ones too; unknown ids are left out.
pub fn find_all(tx: &mut Tx<'_>, ids: &[PromocodeId]) -> Result<Vec<Promocode>, Error> {
    tx.query(BY_IDS, params![buckets(ids), ids])?.into_iter().map(promocode).collect()
}

/// Finds those of an event's promocodes that are spelled so, folded, and not removed.
pub fn by_codes(tx: &mut Tx<'_>, event: EventId, folded: &[String]) -> Result<Vec<Promocode>, Error> {
    // No stored text has the character 0.
    let folded: Vec<String> = folded.iter().filter(|code| !code.contains('\0')).cloned().collect();
    if folded.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = of_event(event);
    select.expr(Expr::cust(read_columns!())).and_where(Expr::col("code_folded").is_in(folded));
    tx.query_built(&select)?.into_iter().map(promocode).collect()
}

/// The promocodes of an event that are not removed, in the order of their ids: those after `after`, then without the first
/// `skip`, at most `limit`.
pub fn list(tx: &mut Tx<'_>, event: EventId, window: Window<PromocodeId>) -> Result<Vec<Promocode>, Error> {
    lists::by_id(tx, of_event(event), read_columns!(), window, promocode)
}

/// How many promocodes of an event are not removed.
pub fn count(tx: &mut Tx<'_>, event: EventId) -> Result<i64, Error> {
    lists::count(tx, [of_event(event)])
}

fn of_event(event: EventId) -> SelectStatement {
    let mut select = Query::select();
    select
        .from("promocodes")
        .and_where(Expr::col("bucket").eq(event.bucket().as_bytes().to_vec()))
        .and_where(Expr::col("event_id").eq(bytes(event)))
        .and_where(Expr::cust("not removed"));
    select
}

/// Writes a new promocode.
///
/// # Errors
/// [`Error::Constraint`] with [`CODE_KEY`] where the event has the code already.
pub fn insert(tx: &mut Tx<'_>, promocode: &Promocode) -> Result<(), Error> {
    let (percentage, fix) = match promocode.discount {
        Discount::Percentage(percent) => (Some(percent.units()), None),
        Discount::Fix(amount) => (None, Some(amount.minor)),
    };
    tx.execute(
        INSERT,
        params![
            promocode.id,
            promocode.event,
            promocode.code.as_str(),
            promocode.name.as_deref(),
            promocode.desc.as_deref(),
            percentage,
            fix,
            promocode.amount,
            promocode.tickets_count.min,
            promocode.tickets_count.max,
            promocode.lifetime.map(|lifetime| lifetime.start),
            promocode.lifetime.map(|lifetime| lifetime.end),
            json(&promocode.sets.iter().map(ToString::to_string).collect::<Vec<_>>())?,
            promocode.held,
            promocode.used,
            promocode.removed,
            promocode.created_at,
            promocode.updated_at,
            promocode.id.bucket(),
            folded(&promocode.code)
        ],
    )?;
    Ok(())
}

/// Writes a promocode's name and description.
pub fn update(tx: &mut Tx<'_>, promocode: &Promocode) -> Result<(), Error> {
    tx.execute(
        UPDATE,
        params![
            promocode.id.bucket(),
            promocode.id,
            promocode.name.as_deref(),
            promocode.desc.as_deref(),
            promocode.updated_at
        ],
    )?;
    Ok(())
}

/// Removes a promocode: no order can be given it any more. Those that have it keep it.
pub fn remove(tx: &mut Tx<'_>, id: PromocodeId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(REMOVE, params![id.bucket(), id, now])?;
    Ok(())
}

/// Holds so many uses for an order; false where fewer are left. What [`expired_holders`] hold counts as taken: their orders
/// have to be ended first.
pub fn hold(tx: &mut Tx<'_>, id: PromocodeId, uses: i64) -> Result<bool, Error> {
    Ok(uses == 0 || tx.execute(HOLD, params![id.bucket(), id, uses])? == 1)
}

/// Gives uses back that an order held and does not hold any more.
pub fn give_back(tx: &mut Tx<'_>, id: PromocodeId, uses: i64) -> Result<(), Error> {
    move_held(tx, GIVE_BACK, id, uses)
}

/// Turns the uses that an order holds into used ones: it has been paid.
pub fn use_held(tx: &mut Tx<'_>, id: PromocodeId, uses: i64) -> Result<(), Error> {
    move_held(tx, USE_HELD, id, uses)
}

fn move_held(tx: &mut Tx<'_>, statement: super::Statement, id: PromocodeId, uses: i64) -> Result<(), Error> {
    if uses == 0 || tx.execute(statement, params![id.bucket(), id, uses])? == 1 {
        return Ok(());
    }
    Err(Error::Other(format!("the promocode {id} holds fewer than {uses} uses, which an order says it has")))
}

/// The orders that hold uses of a promocode although their time is over, in the order of their ids: nothing has written yet
/// that they expired.
pub fn expired_holders(tx: &mut Tx<'_>, id: PromocodeId) -> Result<Vec<OrderId>, Error> {
    let now = tx.now();
    let rows = tx.query(EXPIRED_HOLDERS, params![id.bucket(), id, now])?;
    rows.into_iter().map(|row| row.read("orders").next()).collect()
}

/// How many uses [`expired_holders`] hold of each of these promocodes: what a reader subtracts from `held`. Those that have
/// none are left out.
pub fn held_by_expired(tx: &mut Tx<'_>, ids: &[PromocodeId]) -> Result<BTreeMap<PromocodeId, i64>, Error> {
    let now = tx.now();
    let rows = tx.query(HELD_BY_EXPIRED, params![buckets(ids), ids, now])?;
    rows.into_iter()
        .map(|row| {
            let mut row = row.read("order_promocodes");
            Ok((row.next()?, row.next()?))
        })
        .collect()
}

/// Whether a promocode of the event takes off an amount.
pub fn with_amounts(tx: &mut Tx<'_>, event: EventId) -> Result<bool, Error> {
    Ok(tx.query_opt(WITH_AMOUNTS, params![event.bucket(), event])?.is_some())
}

fn promocode(row: Row) -> Result<Promocode, Error> {
    let mut row = row.read("promocodes");
    let id = row.next()?;
    let event = row.next()?;
    let code = row.next()?;
    let name = row.next()?;
    let desc = row.next()?;
    let percentage: Option<Percent> = row.next_as(|units: Option<i64>| units.map(Percent::from_units).transpose())?;
    let fix: Option<i64> = row.next()?;
    let amount = row.next()?;
    let tickets_count = TicketsCount { min: row.next()?, max: row.next()? };
    let lifetime = match (row.next()?, row.next()?) {
        (None, None) => None,
        (Some(start), Some(end)) => Some(Period::new(start, end).map_err(|_| row.corrupt("ends_at"))?),
        _ => return Err(row.corrupt("starts_at")),
    };
    let sets = row.next_as(|text: String| {
        let ids: Vec<String> = serde_json::from_str(&text).map_err(|_| ())?;
        ids.iter().map(|id| id.parse().map_err(|_| ())).collect::<Result<Vec<SetId>, ()>>()
    })?;
    let held = row.next()?;
    let used = row.next()?;
    let removed = row.next()?;
    let created_at = row.next()?;
    let updated_at = row.next()?;
    let currency: Currency = row.next_parsed()?;
    let discount = match (percentage, fix) {
        (Some(percent), None) => Discount::Percentage(percent),
        (None, Some(minor)) => Discount::Fix(Money { minor, currency }),
        _ => return Err(row.corrupt("fix")),
    };
    Ok(Promocode {
        id,
        event,
        code,
        name,
        desc,
        discount,
        amount,
        tickets_count,
        lifetime,
        sets,
        held,
        used,
        removed,
        created_at,
        updated_at,
    })
}
