//! Reads for the proof that the ledger, the orders, the tickets and the counters agree: everything there is, in the order of
//! the primary keys, a bounded part at a time.

use std::collections::HashMap;

use super::db::{params, statements};
use super::values::buckets;
use super::{Error, Row, Tx};
use crate::domain::id::{ObjectId, OrderId, PromocodeId, SetId, TicketId};
use crate::domain::order::OrderStatus;
use crate::domain::ticket::TicketStatus;

statements! {
    ORDERS = "select id from orders where (bucket, id) > ($1, $2) order by bucket, id limit $3";
    TICKETS =
        "select id, status, order_id from tickets where (bucket, id) > ($1, $2) \
         order by bucket, id limit $3";
    SETS = "select id from sets where (bucket, id) > ($1, $2) order by bucket, id limit $3";
    PROMOCODES =
        "select id, held, used from promocodes where (bucket, id) > ($1, $2) \
         order by bucket, id limit $3";
    BUYERS =
        "select l.ticket_id, l.order_id from order_tickets l \
         join orders o on o.bucket = l.bucket and o.id = l.order_id \
         where l.bucket = any($1) and l.ticket_id = any($2) and l.refund_id is null and o.status = 'done' \
         order by l.ticket_id, l.order_id";
    COUNTED =
        "select set_id, cast(sum(taken) as bigint) from set_counters \
         where bucket = any($1) and set_id = any($2) group by set_id";
    TAKEN =
        "select set_id, count(*) from tickets where bucket = any($1) and set_id = any($2) and status <> 'vacant' \
         group by set_id";
    USES =
        "select p.promocode_id, o.status, cast(sum(p.uses) as bigint) from order_promocodes p \
         join orders o on o.bucket = p.bucket and o.id = p.order_id \
         where p.bucket = any($1) and p.promocode_id = any($2) group by p.promocode_id, o.status";
}

/// The orders after one, at most `limit`.
pub fn orders(tx: &mut Tx<'_>, after: Option<OrderId>, limit: i64) -> Result<Vec<OrderId>, Error> {
    let (bucket, id) = place(after);
    tx.query(ORDERS, params![bucket, id, limit])?.into_iter().map(|row| row.read("orders").next()).collect()
}

/// A ticket as it is stored: its status, and the order that has it.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// The ticket.
    pub id: TicketId,
    /// Where it stands.
    pub status: TicketStatus,
    /// The order that holds it, or bought it.
    pub order: Option<OrderId>,
}

/// The tickets after one, at most `limit`.
pub fn tickets(tx: &mut Tx<'_>, after: Option<TicketId>, limit: i64) -> Result<Vec<Stored>, Error> {
    let (bucket, id) = place(after);
    let one = |row: Row| {
        let mut row = row.read("tickets");
        Ok(Stored { id: row.next()?, status: row.next_parsed()?, order: row.next()? })
    };
    tx.query(TICKETS, params![bucket, id, limit])?.into_iter().map(one).collect()
}

/// The done orders in whose lines each of these tickets is and is not refunded.
pub fn buyers(tx: &mut Tx<'_>, tickets: &[TicketId]) -> Result<HashMap<TicketId, Vec<OrderId>>, Error> {
    let mut buyers: HashMap<TicketId, Vec<OrderId>> = HashMap::new();
    for row in tx.query(BUYERS, params![buckets(tickets), tickets])? {
        let mut row = row.read("order_tickets");
        buyers.entry(row.next()?).or_default().push(row.next()?);
    }
    Ok(buyers)
}

/// The sets after one, at most `limit`.
pub fn sets(tx: &mut Tx<'_>, after: Option<SetId>, limit: i64) -> Result<Vec<SetId>, Error> {
    let (bucket, id) = place(after);
    tx.query(SETS, params![bucket, id, limit])?.into_iter().map(|row| row.read("sets").next()).collect()
}

/// How many tickets of each of these sets are taken: as counted, and as they are stored.
pub fn taken(tx: &mut Tx<'_>, sets: &[SetId]) -> Result<Vec<(SetId, i64, i64)>, Error> {
    let mut of = |statement| {
        let rows = tx.query(statement, params![buckets(sets), sets])?;
        let pair = |row: Row| {
            let mut row = row.read("set_counters");
            Ok((row.next()?, row.next()?))
        };
        rows.into_iter().map(pair).collect::<Result<HashMap<SetId, i64>, Error>>()
    };
    let (counted, stored) = (of(COUNTED)?, of(TAKEN)?);
    let number = |of: &HashMap<SetId, i64>, set: &SetId| of.get(set).copied().unwrap_or_default();
    Ok(sets.iter().map(|set| (*set, number(&counted, set), number(&stored, set))).collect())
}

/// How many tickets a promocode counts for: as it says itself, and as the orders say.
#[derive(Clone, Copy, Debug)]
pub struct Uses {
    /// The promocode.
    pub id: PromocodeId,
    /// Held and used, as it says itself.
    pub counted: (i64, i64),
    /// Held and used, as the orders say.
    pub stored: (i64, i64),
}

/// The promocodes after one with their uses, at most `limit`.
pub fn promocodes(tx: &mut Tx<'_>, after: Option<PromocodeId>, limit: i64) -> Result<Vec<Uses>, Error> {
    let (bucket, id) = place(after);
    let one = |row: Row| {
        let mut row = row.read("promocodes");
        Ok(Uses { id: row.next()?, counted: (row.next()?, row.next()?), stored: (0, 0) })
    };
    let rows = tx.query(PROMOCODES, params![bucket, id, limit])?;
    let mut found: Vec<Uses> = rows.into_iter().map(one).collect::<Result<_, Error>>()?;
    let ids: Vec<PromocodeId> = found.iter().map(|uses| uses.id).collect();
    if ids.is_empty() {
        return Ok(found);
    }
    let mut stored: HashMap<PromocodeId, (i64, i64)> = HashMap::new();
    for row in tx.query(USES, params![buckets(&ids), &ids])? {
        let mut row = row.read("order_promocodes");
        let (held, used) = stored.entry(row.next()?).or_default();
        let (status, uses): (OrderStatus, i64) = (row.next_parsed()?, row.next()?);
        match status {
            OrderStatus::Executed | OrderStatus::InProgress => *held += uses,
            OrderStatus::Done | OrderStatus::Refunded => *used += uses,
            OrderStatus::Canceled | OrderStatus::Expired => {}
        }
    }
    for uses in &mut found {
        uses.stored = stored.get(&uses.id).copied().unwrap_or_default();
    }
    Ok(found)
}

/// The place of an id in a primary key; of none, before all others.
fn place<I: Into<ObjectId>>(after: Option<I>) -> (Vec<u8>, Vec<u8>) {
    match after.map(Into::into) {
        None => (Vec::new(), Vec::new()),
        Some(id) => (id.bucket().as_bytes().to_vec(), id.as_bytes().to_vec()),
    }
}
