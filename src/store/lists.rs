//! What the lists of all tables share: a part of one, in its order; and those that are put together of several selects.

use std::cmp::Ordering;

use jiff::Timestamp;
use sea_query::{Cond, Expr, ExprTrait, Order, SelectStatement};

use super::values::{buckets, bytes};
use super::{Error, Row, Tx};
use crate::domain::id::{EventId, ObjectId};

/// A part of a list: what comes after a place in it, then without the first `skip`, at most `limit`.
#[derive(Clone, Copy, Debug)]
pub struct Window<I> {
    /// Only what comes after this; an id, unless the list is sorted otherwise.
    pub after: Option<I>,
    /// How many to leave out.
    pub skip: u64,
    /// How many to take.
    pub limit: u64,
}

/// Up to how many rows of each of several selects are put in order here, before they are skipped.
const SKIP_HERE_MAX: u64 = 2_000;

impl<I> Window<I> {
    /// Whether it is so near the beginning that it is read by several selects, one for each index.
    pub(super) fn is_near(&self) -> bool {
        self.skip <= SKIP_HERE_MAX
    }
}

/// A part of a list in the order of its ids.
pub(super) fn by_id<T, I: Into<ObjectId>>(
    tx: &mut Tx<'_>,
    mut select: SelectStatement,
    columns: &'static str,
    window: Window<I>,
    read: impl Fn(Row) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    order_by_id(&mut select, columns, window.after);
    select.limit(window.limit).offset(window.skip);
    tx.query_built(&select)?.into_iter().map(read).collect()
}

/// A part of a list in the order of its ids; the list is what several selects hold that have nothing in common.
pub(super) fn merged_by_id<T, I: Into<ObjectId> + Copy + Ord>(
    tx: &mut Tx<'_>,
    mut selects: Vec<SelectStatement>,
    columns: &'static str,
    window: Window<I>,
    read: impl Fn(Row) -> Result<T, Error>,
    id: impl Fn(&T) -> I,
) -> Result<Vec<T>, Error> {
    for select in &mut selects {
        order_by_id(select, columns, window.after);
    }
    merged(tx, selects, window, read, |one, other| id(one).cmp(&id(other)))
}

fn order_by_id(select: &mut SelectStatement, columns: &'static str, after: Option<impl Into<ObjectId>>) {
    select.expr(Expr::cust(columns)).order_by("id", Order::Asc);
    if let Some(after) = after {
        select.and_where(Expr::col("id").gt(bytes(after)));
    }
}

/// The same in the order that the selects have themselves, which is also that of `compare`.
pub(super) fn merged<T, I>(
    tx: &mut Tx<'_>,
    selects: Vec<SelectStatement>,
    window: Window<I>,
    read: impl Fn(Row) -> Result<T, Error>,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Result<Vec<T>, Error> {
    let Window { skip, limit, .. } = window;
    let skip_here = if selects.len() > 1 { skip } else { 0 };
    let mut rows = Vec::new();
    for mut select in selects {
        select.limit(skip_here.saturating_add(limit)).offset(skip - skip_here);
        for row in tx.query_built(&select)? {
            rows.push(read(row)?);
        }
    }
    rows.sort_unstable_by(compare);
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(rows.into_iter().skip(count(skip_here)).take(count(limit)).collect())
}

/// How many rows a list holds in all.
pub(super) fn count(tx: &mut Tx<'_>, selects: impl IntoIterator<Item = SelectStatement>) -> Result<i64, Error> {
    let mut total = 0;
    for mut select in selects {
        select.expr(Expr::cust("count(*)"));
        total += tx.count_built(&select)?;
    }
    Ok(total)
}

/// A partner's list, of rows that are the partner's in two ways which exclude each other; `apart`, as one select for each
/// way. Each of those follows its own index, so that a partner's list costs the same however many rows others have.
pub(super) fn sides(common: &SelectStatement, sides: [Cond; 2], apart: bool) -> Vec<SelectStatement> {
    let with = |side: Cond| {
        let mut select = common.clone();
        select.cond_where(side);
        select
    };
    if apart {
        return sides.map(with).into();
    }
    let [one, other] = sides;
    vec![with(Cond::any().add(one).add(other))]
}

/// Leaves what belongs to one of these events; of no events, to any.
pub(super) fn of_events(select: &mut SelectStatement, events: &[EventId]) {
    if !events.is_empty() {
        select.and_where(Expr::col("bucket").is_in(buckets(events)));
        select.and_where(Expr::col("event_id").is_in(events.iter().map(|event| bytes(*event))));
    }
}

/// Leaves what has a time in this column that is not outside of these.
pub(super) fn between(
    select: &mut SelectStatement,
    column: &'static str,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) {
    if let Some(from) = from {
        select.and_where(Expr::col(column).gte(from.as_microsecond()));
    }
    if let Some(to) = to {
        select.and_where(Expr::col(column).lte(to.as_microsecond()));
    }
}
