//! The table `deals`.

use sea_query::{Cond, Expr, ExprTrait, Query, SelectStatement};

use super::db::{params, statements};
use super::values::{bytes, id_in, json, share_text};
use super::{Error, Row, Tx, Window, lists};
use crate::domain::deal::{Deal, DealStatus};
use crate::domain::id::{DealId, EventId, PartnerId};
use crate::domain::terms::Terms;

macro_rules! columns {
    () => {
        "id, event_id, org_id, agent_id, obj_id, subj_id, reversed, status, term_org, term_extra, \
         term_core, term_pfc, message, title, event_ends_at, created_at, updated_at"
    };
}

statements! {
    BY_ID = concat!("select ", columns!(), " from deals where id = $1");
    BY_IDS = concat!("select ", columns!(), " from deals where id = any($1)");
    INSERT = concat!(
        "insert into deals (", columns!(), ") values \
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
    );
    // The former status is part of the condition: of two changes at once, one finds no row.
    SET_STATUS = "update deals set status = $1, updated_at = $2 where id = $3 and status = $4 and reversed = $5";
    HAND_OVER = "update deals set reversed = $1, updated_at = $2 where id = $3 and status = 'new' and reversed = $4";
    ACCEPTED_EXISTS = "select 1 from deals where event_id = $1 and agent_id = $2 and status = 'accepted'";
    IN_FORCE = concat!(
        "select ", columns!(), " from deals where event_id = any($1) and agent_id = $2 and status = 'accepted' \
         and event_ends_at > $3"
    );
    CLOSE_FORMER =
        "update deals set status = 'closed', updated_at = $1 \
         where event_id = $2 and agent_id = $3 and status = 'accepted' and id <> $4";
    END_OF_EVENT =
        "update deals set status = case status when 'new' then 'canceled' else 'closed' end, updated_at = $1 \
         where event_id = $2 and status in ('new', 'accepted') and event_ends_at > $1";
    MOVE_END =
        "update deals set event_ends_at = $1 where event_id = $2 and status in ('new', 'accepted')";
    ENDED = "select id from deals where status in ('new', 'accepted') and event_ends_at <= $1 order by event_ends_at limit $2";
    WRITE_END =
        "update deals set status = case status when 'new' then 'canceled' else 'closed' end, updated_at = event_ends_at \
         where id = $1 and status in ('new', 'accepted') and event_ends_at <= $2";
    WRITE_END_OF_EVENT =
        "update deals set status = case status when 'new' then 'canceled' else 'closed' end, updated_at = event_ends_at \
         where event_id = $1 and status in ('new', 'accepted') and event_ends_at <= $2";
    // A share that is an amount is stored with its currency after a space.
    WITH_AMOUNTS =
        "select 1 from deals where event_id = $1 and status in ('new', 'accepted') \
         and (term_org like '% %' or term_extra like '% %' or term_core like '% %') limit 1";
    ACCEPTED_OF =
        "select id from deals where status = 'accepted' and event_ends_at > $2 and obj_id = $1 \
         union all \
         select id from deals where status = 'accepted' and event_ends_at > $2 and subj_id = $1 limit 20";
    CANCEL_PROPOSALS_OF =
        "update deals set status = 'canceled', updated_at = $2 \
         where status = 'new' and (obj_id = $1 or subj_id = $1) and event_ends_at > $2";
    // The deals that open each side's private fields to the other: those that are or were accepted, and those that the
    // other side proposed (spec/http.md, "Other side of a deal").
    OPENED_TO_OBJ =
        "select distinct subj_id from deals where obj_id = $1 and subj_id = any($2) \
         and (status in ('accepted', 'closed') or reversed)";
    OPENED_TO_SUBJ =
        "select distinct obj_id from deals where subj_id = $1 and obj_id = any($2) \
         and (status in ('accepted', 'closed') or not reversed)";
    EVENTS_OPENED_TO =
        "select distinct event_id from deals where event_id = any($2) and agent_id = $1 \
         and (status in ('accepted', 'closed') or (reversed and obj_id = $1) or (not reversed and subj_id = $1))";
}

/// The name of the constraint that lets an event and an agent have one accepted deal.
pub const ACCEPTED_KEY: &str = "deals_event_id_agent_id_key";
/// The name of the constraint that lets an event and an agent have one open proposal.
pub const OPEN_KEY: &str = "deals_agent_id_event_id_key";

/// Finds a deal.
pub fn find(tx: &mut Tx<'_>, id: DealId) -> Result<Option<Deal>, Error> {
    tx.query_opt(BY_ID, params![id])?.map(deal).transpose()
}

/// Finds several deals; unknown ids are left out.
pub fn find_all(tx: &mut Tx<'_>, ids: &[DealId]) -> Result<Vec<Deal>, Error> {
    tx.query(BY_IDS, params![ids])?.into_iter().map(deal).collect()
}

/// Writes a new deal.
///
/// # Errors
/// [`Error::Constraint`] where the event and the agent already have an accepted deal, or an open proposal.
pub fn insert(tx: &mut Tx<'_>, deal: &Deal) -> Result<(), Error> {
    let title = deal.title.as_ref().map(json).transpose()?;
    tx.execute(
        INSERT,
        params![
            deal.id,
            deal.event,
            deal.org,
            deal.agent,
            deal.obj,
            deal.subj,
            deal.reversed,
            deal.status.as_str(),
            share_text(&deal.term.org),
            share_text(&deal.term.extra),
            share_text(&deal.term.core),
            deal.term.pfc,
            deal.message.as_deref(),
            title,
            deal.event_ends_at,
            deal.created_at,
            deal.updated_at
        ],
    )?;
    Ok(())
}

/// Moves a deal from the state it was read in to another status; false where it was changed meanwhile.
pub fn set_status(tx: &mut Tx<'_>, deal: &Deal, to: DealStatus) -> Result<bool, Error> {
    let now = tx.now();
    let rows = tx.execute(SET_STATUS, params![to.as_str(), now, deal.id, deal.status.as_str(), deal.reversed])?;
    Ok(rows == 1)
}

/// Turns an open proposal round; false where it was changed meanwhile.
pub fn hand_over(tx: &mut Tx<'_>, deal: &Deal, reversed: bool) -> Result<bool, Error> {
    let now = tx.now();
    Ok(tx.execute(HAND_OVER, params![reversed, now, deal.id, deal.reversed])? == 1)
}

/// Whether the agent has an accepted deal for the event.
pub fn accepted_exists(tx: &mut Tx<'_>, event: EventId, agent: PartnerId) -> Result<bool, Error> {
    Ok(tx.query_opt(ACCEPTED_EXISTS, params![event, agent])?.is_some())
}

/// The deals under which an agent may sell tickets of these events.
pub fn in_force(tx: &mut Tx<'_>, agent: PartnerId, events: &[EventId]) -> Result<Vec<Deal>, Error> {
    let now = tx.now();
    tx.query(IN_FORCE, params![events, agent, now])?.into_iter().map(deal).collect()
}

/// Closes the accepted deal of this event and agent that a newly accepted one replaces.
pub fn close_former(tx: &mut Tx<'_>, deal: &Deal) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(CLOSE_FORMER, params![now, deal.event, deal.agent, deal.id])?;
    Ok(())
}

/// Ends all deals of an event that was cancelled or removed.
pub fn end_with_event(tx: &mut Tx<'_>, event: EventId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(END_OF_EVENT, params![now, event])?;
    Ok(())
}

/// Notes that an event ends at another time.
pub fn move_end(tx: &mut Tx<'_>, event: EventId, ends_at: jiff::Timestamp) -> Result<(), Error> {
    tx.execute(MOVE_END, params![ends_at, event])?;
    Ok(())
}

/// Writes the end of deals whose event has ended, a bounded number of them; answers how many.
pub fn write_ends(tx: &mut Tx<'_>, limit: i64) -> Result<usize, Error> {
    let now = tx.now();
    let rows = tx.query(ENDED, params![now, limit])?;
    let found = rows.len();
    for row in rows {
        let id: DealId = row.read("deals").next()?;
        tx.execute(WRITE_END, params![id, now])?;
    }
    Ok(found)
}

/// Writes the end of the deals of one event that has ended.
pub fn write_ends_of(tx: &mut Tx<'_>, event: EventId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(WRITE_END_OF_EVENT, params![event, now])?;
    Ok(())
}

/// Whether an open or accepted deal of the event has an amount in its terms.
pub fn with_amounts(tx: &mut Tx<'_>, event: EventId) -> Result<bool, Error> {
    Ok(tx.query_opt(WITH_AMOUNTS, params![event])?.is_some())
}

/// Some of the accepted deals of a partner.
pub fn accepted_of(tx: &mut Tx<'_>, partner: PartnerId) -> Result<Vec<DealId>, Error> {
    let now = tx.now();
    tx.query(ACCEPTED_OF, params![partner, now])?.into_iter().map(|row| row.read("deals").next()).collect()
}

/// Cancels the open proposals of a partner that is removed.
pub fn cancel_proposals_of(tx: &mut Tx<'_>, partner: PartnerId) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(CANCEL_PROPOSALS_OF, params![partner, now])?;
    Ok(())
}

/// Those of the partners whose private fields a deal opens to this one.
pub fn partners_opened_to(tx: &mut Tx<'_>, to: PartnerId, of: &[PartnerId]) -> Result<Vec<PartnerId>, Error> {
    let mut opened = Vec::new();
    for side in [OPENED_TO_OBJ, OPENED_TO_SUBJ] {
        for row in tx.query(side, params![to, of])? {
            opened.push(row.read("deals").next()?);
        }
    }
    Ok(opened)
}

/// Those of the events that a deal opens to this agent.
pub fn events_opened_to(tx: &mut Tx<'_>, agent: PartnerId, events: &[EventId]) -> Result<Vec<EventId>, Error> {
    tx.query(EVENTS_OPENED_TO, params![agent, events])?.into_iter().map(|row| row.read("deals").next()).collect()
}

/// Which deals a list holds.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only deals with this partner on a side.
    pub partner: Option<PartnerId>,
    /// Only deals in one of these statuses, as they are at the time of the transaction.
    pub statuses: Vec<DealStatus>,
    /// Only deals for this event.
    pub event: Option<EventId>,
    /// Only these deals.
    pub ids: Option<Vec<DealId>>,
}

/// A part of a list of deals in the order of their ids: of those of a partner, or of all.
pub fn list(
    tx: &mut Tx<'_>,
    of: Option<PartnerId>,
    filter: &Filter,
    window: Window<DealId>,
) -> Result<Vec<Deal>, Error> {
    let selects = selects(of, filter, window.is_near(), tx.now());
    lists::merged_by_id(tx, selects, columns!(), window, deal, |deal| deal.id)
}

/// How many deals a list holds in all.
pub fn count(tx: &mut Tx<'_>, of: Option<PartnerId>, filter: &Filter) -> Result<i64, Error> {
    let selects = selects(of, filter, true, tx.now());
    lists::count(tx, selects)
}

fn selects(of: Option<PartnerId>, filter: &Filter, apart: bool, now: jiff::Timestamp) -> Vec<SelectStatement> {
    let mut common = Query::select();
    common.from("deals");
    if let Some(event) = filter.event {
        common.and_where(Expr::col("event_id").eq(bytes(event)));
    }
    if let Some(ids) = &filter.ids {
        common.and_where(id_in(ids));
    }
    if !filter.statuses.is_empty() {
        common.cond_where(in_status(&filter.statuses, now));
    }
    let (of, with) = match (of, filter.partner) {
        (None, None) => return vec![common],
        (None, Some(of)) => (of, None),
        // "Deals with myself" are all of mine.
        (Some(of), with) => (of, with.filter(|with| *with != of)),
    };
    let as_obj_or_subj = [("obj_id", "subj_id"), ("subj_id", "obj_id")].map(|(own, other)| {
        Cond::all().add(Expr::col(own).eq(bytes(of))).add_option(with.map(|with| Expr::col(other).eq(bytes(with))))
    });
    lists::sides(&common, as_obj_or_subj, apart)
}

/// That a deal is in one of these statuses at this time, whatever is still stored.
fn in_status(statuses: &[DealStatus], now: jiff::Timestamp) -> Cond {
    let stored = |status: DealStatus| Expr::col("status").eq(status.as_str());
    let running = || Expr::col("event_ends_at").gt(now.as_microsecond());
    let ended = |status: DealStatus| stored(status).and(Expr::col("event_ends_at").lte(now.as_microsecond()));
    statuses.iter().fold(Cond::any(), |cond, wanted| match wanted {
        DealStatus::New | DealStatus::Accepted => cond.add(stored(*wanted).and(running())),
        DealStatus::Rejected => cond.add(stored(*wanted)),
        DealStatus::Canceled => cond.add(stored(*wanted)).add(ended(DealStatus::New)),
        DealStatus::Closed => cond.add(stored(*wanted)).add(ended(DealStatus::Accepted)),
    })
}

fn deal(row: Row) -> Result<Deal, Error> {
    let mut row = row.read("deals");
    let id = row.next()?;
    let event = row.next()?;
    let org = row.next()?;
    let agent = row.next()?;
    let obj = row.next()?;
    let subj = row.next()?;
    let reversed = row.next()?;
    let status = row.next_parsed()?;
    let (org_share, extra, core) = (row.next_share()?, row.next_share()?, row.next_share()?);
    let term =
        Terms::new(org_share, extra, core, row.next()?).map_err(|(field, _)| row.corrupt(&format!("term_{field}")))?;
    let message = row.next()?;
    let title = row.next_json()?;
    Ok(Deal {
        id,
        event,
        org,
        agent,
        obj,
        subj,
        reversed,
        status,
        term,
        message,
        title,
        event_ends_at: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}
