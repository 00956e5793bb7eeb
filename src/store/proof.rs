//! Reads for the proof that the ledger, the orders, the tickets and the counters agree: everything there is, in the order of
//! the primary keys, a bounded part at a time.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::db::{params, statements};
use super::ledger::{columns as entry_columns, payout_columns};
use super::payments::{columns as payment_columns, return_columns};
use super::values::{buckets, bytes};
use super::{Error, FromValue, Row, Tx, ledger, payments};
use crate::domain::id::{
    EntryId, ObjectId, OrderId, PaymentId, PayoutId, PromocodeId, RefundId, ReturnId, SetId, TicketId,
};
use crate::domain::ledger::{Entry, Payout};
use crate::domain::order::OrderStatus;
use crate::domain::payment::{Payment, Return};
use crate::domain::ticket::TicketStatus;

statements! {
    ORDERS = "select id from orders where (bucket, id) > ($1, $2) order by bucket, id limit $3";
    TICKETS =
        "select id, status, order_id, barcode from tickets where (bucket, id) > ($1, $2) \
         order by bucket, id limit $3";
    SETS = "select id from sets where (bucket, id) > ($1, $2) order by bucket, id limit $3";
    PROMOCODES =
        "select id, held, used from promocodes where (bucket, id) > ($1, $2) \
         order by bucket, id limit $3";
    OWNERS =
        "select l.ticket_id, l.order_id, o.status from order_tickets l \
         join orders o on o.bucket = l.bucket and o.id = l.order_id \
         where l.bucket = any($1) and l.ticket_id = any($2) and l.refund_id is null \
         and o.status in ('done', 'executed', 'in_progress') order by l.ticket_id, l.order_id";
    COUNTED =
        "select set_id, cast(sum(taken) as bigint) from set_counters \
         where bucket = any($1) and set_id = any($2) group by set_id";
    TAKEN =
        "select set_id, count(*) from tickets where bucket = any($1) and set_id = any($2) and status <> 'vacant' \
         group by set_id";
    // One that was removed is to have none.
    SIZES =
        "select s.id, (case when s.removed then 0 else s.amount end) + s.surplus, \
         (select count(*) from tickets t where t.bucket = s.bucket and t.set_id = s.id and not t.removed) \
         + coalesce((select cast(sum(b.amount - b.made) as bigint) from ticket_batches b \
         where b.bucket = s.bucket and b.set_id = s.id), 0) \
         from sets s where s.bucket = any($1) and s.id = any($2) order by s.bucket, s.id";
    USES =
        "select p.promocode_id, o.status, cast(sum(p.uses) as bigint) from order_promocodes p \
         join orders o on o.bucket = p.bucket and o.id = p.order_id \
         where p.bucket = any($1) and p.promocode_id = any($2) group by p.promocode_id, o.status";

    PAYMENTS = concat!(
        "select ", payment_columns!(), " from payments where (bucket, id) > ($1, $2) order by bucket, id limit $3"
    );
    PAYMENTS_OF_ORDERS = concat!(
        "select ", payment_columns!(), " from payments where bucket = any($1) and order_id = any($2) order by id"
    );
    RETURNS = concat!(
        "select ", return_columns!(), ", due_at, sent_at from payment_returns where (bucket, id) > ($1, $2) \
         order by bucket, id limit $3"
    );
    RETURNS_BY_IDS = concat!(
        "select ", return_columns!(), ", due_at, sent_at from payment_returns where bucket = any($1) and id = any($2)"
    );
    ENTRIES = concat!(
        "select ", entry_columns!(), " from entries where (bucket, id) > ($1, $2) order by bucket, id limit $3"
    );
    ENTRIES_OF_ORDERS = concat!(
        "select ", entry_columns!(), " from entries where bucket = any($1) and order_id = any($2) order by created_at, id"
    );
    // They have the bucket of their payout.
    ENTRIES_OF_PAYOUTS = concat!(
        "select ", entry_columns!(), " from entries where bucket = any($1) and payout_id = any($2) order by id"
    );
    PAYOUTS = concat!("select ", payout_columns!(), " from payouts where id > $1 order by id limit $2");

    ORDERS_THERE = "select id from orders where bucket = any($1) and id = any($2)";
    PAYMENTS_THERE = "select id, order_id from payments where bucket = any($1) and id = any($2)";
    REFUNDS_THERE = "select id, order_id from refund_requests where bucket = any($1) and id = any($2)";
    PAYOUTS_THERE = "select id from payouts where id = any($1)";
}

/// The orders after one, at most `limit`.
pub fn orders(tx: &mut Tx<'_>, after: Option<OrderId>, limit: i64) -> Result<Vec<OrderId>, Error> {
    let (bucket, id) = place(after);
    tx.query(ORDERS, params![bucket, id, limit])?.into_iter().map(|row| row.read("orders").next()).collect()
}

/// A ticket as it is stored: its status, and the order that has it.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The ticket.
    pub id: TicketId,
    /// Where it stands.
    pub status: TicketStatus,
    /// The order that holds it, or bought it.
    pub order: Option<OrderId>,
    /// What opens the gate.
    pub barcode: Option<String>,
}

/// The tickets after one, at most `limit`.
pub fn tickets(tx: &mut Tx<'_>, after: Option<TicketId>, limit: i64) -> Result<Vec<Stored>, Error> {
    let (bucket, id) = place(after);
    let one = |row: Row| {
        let mut row = row.read("tickets");
        Ok(Stored { id: row.next()?, status: row.next_parsed()?, order: row.next()?, barcode: row.next()? })
    };
    tx.query(TICKETS, params![bucket, id, limit])?.into_iter().map(one).collect()
}

/// The orders that are stored as holding each of these tickets, or as having bought it, by their lines.
pub fn owners(tx: &mut Tx<'_>, tickets: &[TicketId]) -> Result<HashMap<TicketId, Vec<(OrderId, OrderStatus)>>, Error> {
    let mut owners: HashMap<TicketId, Vec<(OrderId, OrderStatus)>> = HashMap::new();
    for row in tx.query(OWNERS, params![buckets(tickets), tickets])? {
        let mut row = row.read("order_tickets");
        owners.entry(row.next()?).or_default().push((row.next()?, row.next_parsed()?));
    }
    Ok(owners)
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

/// How many tickets each of these sets is to have, with what is still to be removed; and how many there are, with what is still
/// to be made.
pub fn sizes(tx: &mut Tx<'_>, sets: &[SetId]) -> Result<Vec<(SetId, i64, i64)>, Error> {
    let rows = tx.query(SIZES, params![buckets(sets), sets])?;
    let size = |row: Row| {
        let mut row = row.read("sets");
        Ok((row.next()?, row.next()?, row.next()?))
    };
    rows.into_iter().map(size).collect()
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

/// The payments after one, at most `limit`.
pub fn payments(tx: &mut Tx<'_>, after: Option<PaymentId>, limit: i64) -> Result<Vec<Payment>, Error> {
    let (bucket, id) = place(after);
    tx.query(PAYMENTS, params![bucket, id, limit])?.into_iter().map(payments::payment).collect()
}

/// The payments of several orders, each order's in the order of their ids.
pub fn payments_of(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<HashMap<OrderId, Vec<Payment>>, Error> {
    let mut found: HashMap<OrderId, Vec<Payment>> = HashMap::new();
    for row in tx.query(PAYMENTS_OF_ORDERS, params![buckets(orders), orders])? {
        let payment = payments::payment(row)?;
        found.entry(payment.order).or_default().push(payment);
    }
    Ok(found)
}

/// A return of money as it is stored.
#[derive(Clone, Debug)]
pub struct StoredReturn {
    /// What is to be sent back.
    pub back: Return,
    /// Whether it is tried again.
    pub due: bool,
    /// Whether it has been sent.
    pub sent: bool,
}

/// The returns of money after one, at most `limit`.
pub fn returns(tx: &mut Tx<'_>, after: Option<ReturnId>, limit: i64) -> Result<Vec<StoredReturn>, Error> {
    let (bucket, id) = place(after);
    tx.query(RETURNS, params![bucket, id, limit])?.into_iter().map(stored_return).collect()
}

/// The returns of money with these ids; unknown ids are left out.
pub fn returns_by_ids(tx: &mut Tx<'_>, ids: &[ReturnId]) -> Result<Vec<StoredReturn>, Error> {
    tx.query(RETURNS_BY_IDS, params![buckets(ids), ids])?.into_iter().map(stored_return).collect()
}

fn stored_return(row: Row) -> Result<StoredReturn, Error> {
    let mut row = row.read("payment_returns");
    let back = payments::next_return(&mut row)?;
    let (due, sent): (Option<i64>, Option<i64>) = (row.next()?, row.next()?);
    Ok(StoredReturn { back, due: due.is_some(), sent: sent.is_some() })
}

/// An entry that cannot be read.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// The entry.
    pub id: EntryId,
    /// The column that cannot be read.
    pub column: String,
}

/// The entries after one, at most `limit`.
pub fn entries(tx: &mut Tx<'_>, after: Option<EntryId>, limit: i64) -> Result<Vec<Result<Entry, Unreadable>>, Error> {
    let (bucket, id) = place(after);
    let one = |row| match ledger::entry(row) {
        Err(Error::Corrupt { table, column, id }) => match id.parse() {
            Ok(id) => Ok(Err(Unreadable { id, column })),
            Err(_) => Err(Error::Corrupt { table, column, id }),
        },
        entry => entry.map(Ok),
    };
    tx.query(ENTRIES, params![bucket, id, limit])?.into_iter().map(one).collect()
}

/// The entries of several orders that can be read, each order's in the order in which they were written.
pub fn entries_of(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<HashMap<OrderId, Vec<Entry>>, Error> {
    let rows = tx.query(ENTRIES_OF_ORDERS, params![buckets(orders), orders])?;
    Ok(grouped(rows, |entry| entry.order))
}

/// The payouts after one, at most `limit`.
pub fn payouts(tx: &mut Tx<'_>, after: Option<PayoutId>, limit: i64) -> Result<Vec<Payout>, Error> {
    let after = after.map(bytes).unwrap_or_default();
    tx.query(PAYOUTS, params![after, limit])?.into_iter().map(ledger::payout).collect()
}

/// The entries of several payouts that can be read.
pub fn entries_of_payouts(tx: &mut Tx<'_>, payouts: &[PayoutId]) -> Result<HashMap<PayoutId, Vec<Entry>>, Error> {
    let rows = tx.query(ENTRIES_OF_PAYOUTS, params![buckets(payouts), payouts])?;
    Ok(grouped(rows, |entry| entry.cause.payout()))
}

fn grouped<K: Eq + Hash>(rows: Vec<Row>, key: impl Fn(&Entry) -> Option<K>) -> HashMap<K, Vec<Entry>> {
    let mut found: HashMap<K, Vec<Entry>> = HashMap::new();
    for entry in rows.into_iter().filter_map(|row| ledger::entry(row).ok()) {
        if let Some(key) = key(&entry) {
            found.entry(key).or_default().push(entry);
        }
    }
    found
}

/// Those of these orders that are there.
pub fn orders_there(tx: &mut Tx<'_>, ids: &[OrderId]) -> Result<HashSet<OrderId>, Error> {
    let rows = tx.query(ORDERS_THERE, params![buckets(ids), ids])?;
    rows.into_iter().map(|row| row.read("orders").next()).collect()
}

/// Those of these payments that are there, and their orders.
pub fn payments_there(tx: &mut Tx<'_>, ids: &[PaymentId]) -> Result<HashMap<PaymentId, OrderId>, Error> {
    pairs(tx.query(PAYMENTS_THERE, params![buckets(ids), ids])?, "payments")
}

/// Those of these refund requests that are there, and their orders.
pub fn refunds_there(tx: &mut Tx<'_>, ids: &[RefundId]) -> Result<HashMap<RefundId, OrderId>, Error> {
    pairs(tx.query(REFUNDS_THERE, params![buckets(ids), ids])?, "refund_requests")
}

/// Those of these payouts that are there.
pub fn payouts_there(tx: &mut Tx<'_>, ids: &[PayoutId]) -> Result<HashSet<PayoutId>, Error> {
    let rows = tx.query(PAYOUTS_THERE, params![ids])?;
    rows.into_iter().map(|row| row.read("payouts").next()).collect()
}

fn pairs<K: Eq + Hash + FromValue, V: FromValue>(rows: Vec<Row>, table: &'static str) -> Result<HashMap<K, V>, Error> {
    let pair = |row: Row| {
        let mut row = row.read(table);
        Ok((row.next()?, row.next()?))
    };
    rows.into_iter().map(pair).collect()
}

/// The place of an id in a primary key; of none, before all others.
fn place<I: Into<ObjectId>>(after: Option<I>) -> (Vec<u8>, Vec<u8>) {
    match after.map(Into::into) {
        None => (Vec::new(), Vec::new()),
        Some(id) => (id.bucket().as_bytes().to_vec(), id.as_bytes().to_vec()),
    }
}
