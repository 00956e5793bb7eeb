//! Taking tickets of the table `tickets`, selling them and giving them back: the only statements that change who has one, but
//! for the end of holds that are over, in `tickets.rs`.
//!
//! Each of them carries its condition, and the rows that it finds are the truth, whatever was read before: no other
//! transaction, program or server has to be trusted. Before it, the tickets are locked in the order of set and number, so
//! that transactions wait for each other but never in a circle.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::db::{params, statements};
use super::{Error, Row, Tx};
use crate::domain::id::{ObjectId, OrderId, SetId, TicketId};
use crate::domain::set::Surplus;

statements! {
    LOCK = "select id from tickets where bucket = $1 and id = any($2) order by set_id, number for update";
    // `status || ''`: tickets are found by their ids. Of a plain status PostgreSQL may think that few have it, and read all
    // that do for each order, through the index tickets_vacant or tickets_reserved.
    //
    // Without the condition on the status a ticket is sold twice, and tests/outside/test_on_sale.py fails on each engine.
    TAKE =
        "update tickets set status = 'reserved', order_id = $3, reserved_till = $4, updated_at = $5 \
         where bucket = $1 and id = any($2) and status || '' = 'vacant' and not removed returning id, set_id, number";
    // The same of a hold that is over, written down or not: such a ticket is counted as taken already. Without the condition on
    // the time tickets are taken away from who holds them, and tests/it/model fails.
    TAKE_OVER =
        "update tickets set status = 'reserved', order_id = $3, reserved_till = $4, updated_at = $5 \
         where bucket = $1 and id = any($2) and status || '' = 'reserved' and reserved_till <= $5 and not removed \
         returning id, set_id, number";
    // The order is that of the index tickets_vacant, which no other index has: those who buy find what is left, however much
    // of the set is sold.
    FREE_NOW =
        "select id, number from tickets where bucket = $1 and set_id = $2 and status = 'vacant' and not removed \
         and number + 0 < $4 order by number + 0 limit $3 for update skip locked";
    OVER_NOW =
        "select id, number from tickets where bucket = $1 and set_id = $2 and status = 'reserved' and reserved_till <= $4 \
         and not removed and number + 0 < $5 order by number + 0 limit $3 for update skip locked";
    FREE =
        "select id, number from tickets where bucket = $1 and set_id = $2 and status = 'vacant' and not removed \
         and number + 0 < $4 order by number + 0 limit $3";
    OVER =
        "select id, number from tickets where bucket = $1 and set_id = $2 and status = 'reserved' and reserved_till <= $4 \
         and not removed and number + 0 < $5 order by number + 0 limit $3";
    // What others took while this one waited for them is found no more, and does not count towards the limit.
    WAIT =
        "select id, number from tickets where bucket = $1 and id = any($2) and not removed \
         and (status || '' = 'vacant' or (status || '' = 'reserved' and reserved_till <= $4)) \
         order by number limit $3 for update";
    PROLONG =
        "update tickets set reserved_till = $4, updated_at = $5 \
         where bucket = $1 and id = any($2) and order_id = $3 and status || '' = 'reserved' and reserved_till > $5";
    SELL =
        "update tickets set status = 'sold', reserved_till = null, barcode = $4, updated_at = $5 \
         where bucket = $1 and id = $2 and order_id = $3 and status || '' = 'reserved' and reserved_till > $5";
    // One that another order has taken over meanwhile is not this order's to give back.
    RELEASE =
        "update tickets set status = 'vacant', order_id = null, reserved_till = null, barcode = null, updated_at = $4 \
         where bucket = $1 and id = any($2) and order_id = any($3) and status <> 'vacant' returning id, set_id, number";
}

/// The name of the constraint that keeps barcodes unique.
pub const BARCODE_KEY: &str = "tickets_bucket_barcode_key";

/// Over how many rows the counter of a set is spread, so that orders do not wait for each other there.
const SHARDS: u8 = 16;
/// How many tickets that others may be taking are looked at, when not enough others are left.
const CANDIDATES: i64 = 5_000;

/// A ticket that was taken or given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The ticket.
    pub ticket: TicketId,
    /// Its set.
    pub set: SetId,
    /// Its number.
    pub number: i64,
}

/// How many more tickets of each set are taken after what a transaction did: written by [`Counts::write`] at its end, for
/// the counters are the last of its locks.
#[derive(Debug, Default)]
pub struct Counts(BTreeMap<SetId, i64>);

impl Counts {
    fn add(&mut self, set: SetId, taken: i64) {
        *self.0.entry(set).or_default() += taken;
    }

    /// Adds what another part of the transaction did.
    pub fn merge(&mut self, other: Self) {
        other.0.into_iter().for_each(|(set, taken)| self.add(set, taken));
    }

    /// Writes the counters, in the shard of the order, or of the event, that they changed with.
    pub fn write(self, tx: &mut Tx<'_>, cause: impl Into<ObjectId>) -> Result<(), Error> {
        let [.., last] = *cause.into().as_bytes();
        let shard = i32::from(last % SHARDS);
        for (set, taken) in self.0 {
            if taken != 0 {
                super::sets::count_taken(tx, set, shard, taken)?;
            }
        }
        Ok(())
    }
}

/// Gives tickets back that an order has, and takes those of others that can be had, which it then holds until a time;
/// answers what it took.
pub fn exchange(
    tx: &mut Tx<'_>,
    counts: &mut Counts,
    order: OrderId,
    till: Timestamp,
    give: &[TicketId],
    take: &[TicketId],
) -> Result<Vec<Place>, Error> {
    let all = [give, take].concat();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    lock(tx, order, &all)?;
    release_locked(tx, counts, &[order], give)?;
    take_locked(tx, counts, order, till, take)
}

/// Takes tickets of a set in the order of their numbers, of those that no other transaction is taking. Where that leaves
/// fewer than wished, it looks once more and waits for the others. Tickets beyond the set's amount are none of its own.
pub fn pick(
    tx: &mut Tx<'_>,
    counts: &mut Counts,
    order: OrderId,
    till: Timestamp,
    (set, surplus): (SetId, Option<Surplus>),
    count: usize,
) -> Result<Vec<Place>, Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let (now, end) = (tx.now(), surplus.map_or(i64::MAX, |surplus| surplus.from));
    let limit = i64::try_from(count).unwrap_or(i64::MAX);
    // Undone where it is not enough: who waits must hold none of those that others wait for, or two may wait for each other.
    let at_once = tx.savepoint(|tx| {
        let mut found = numbered(tx.query(OVER_NOW, params![order.bucket(), set, limit, now, end])?)?;
        found.extend(numbered(tx.query(FREE_NOW, params![order.bucket(), set, limit, end])?)?);
        if found.len() < count { Err(Short::Fewer) } else { Ok(found) }
    });
    let mut found = match at_once {
        Ok(found) => found,
        Err(Short::Store(error)) => return Err(error),
        Err(Short::Fewer) => {
            let mut candidates = numbered(tx.query(OVER, params![order.bucket(), set, CANDIDATES, now, end])?)?;
            candidates.extend(numbered(tx.query(FREE, params![order.bucket(), set, CANDIDATES, end])?)?);
            if candidates.is_empty() {
                return Ok(Vec::new());
            }
            let ids: Vec<TicketId> = candidates.into_iter().map(|(_, id)| id).collect();
            numbered(tx.query(WAIT, params![order.bucket(), &ids, limit, now])?)?
        }
    };
    found.sort_unstable();
    let ids: Vec<TicketId> = found.into_iter().take(count).map(|(_, id)| id).collect();
    take_locked(tx, counts, order, till, &ids)
}

/// Why a savepoint is undone.
enum Short {
    Fewer,
    Store(Error),
}

impl From<Error> for Short {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

fn take_locked(
    tx: &mut Tx<'_>,
    counts: &mut Counts,
    order: OrderId,
    till: Timestamp,
    tickets: &[TicketId],
) -> Result<Vec<Place>, Error> {
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now();
    let mut taken = places(tx.query(TAKE, params![order.bucket(), tickets, order, till, now])?)?;
    taken.iter().for_each(|place| counts.add(place.set, 1));
    if taken.len() < tickets.len() {
        taken.extend(places(tx.query(TAKE_OVER, params![order.bucket(), tickets, order, till, now])?)?);
    }
    taken.sort_unstable_by_key(|place| (place.set, place.number));
    Ok(taken)
}

/// Holds an order's tickets until a later time; false where it does not hold all of them any more.
pub fn prolong(tx: &mut Tx<'_>, order: OrderId, till: Timestamp, tickets: &[TicketId]) -> Result<bool, Error> {
    let now = tx.now();
    lock(tx, order, tickets)?;
    let rows = tx.execute(PROLONG, params![order.bucket(), tickets, order, till, now])?;
    Ok(rows == tickets.len() as u64)
}

/// Sells an order's tickets, each with its barcode; false where it does not hold all of them any more.
///
/// # Errors
/// [`Error::Constraint`] with [`BARCODE_KEY`] where a barcode is another ticket's.
pub fn sell(tx: &mut Tx<'_>, order: OrderId, tickets: &[(TicketId, String)]) -> Result<bool, Error> {
    let now = tx.now();
    let ids: Vec<TicketId> = tickets.iter().map(|(id, _)| *id).collect();
    lock(tx, order, &ids)?;
    let mut sold = 0;
    for (id, barcode) in tickets {
        sold += tx.execute(SELL, params![order.bucket(), id, order, barcode.as_str(), now])?;
    }
    Ok(sold == tickets.len() as u64)
}

/// Gives tickets back that an order holds or bought; answers those that it did have.
pub fn release(
    tx: &mut Tx<'_>,
    counts: &mut Counts,
    order: OrderId,
    tickets: &[TicketId],
) -> Result<Vec<Place>, Error> {
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    lock(tx, order, tickets)?;
    release_locked(tx, counts, &[order], tickets)
}

/// Gives back all tickets of these orders of an event.
pub fn release_all(
    tx: &mut Tx<'_>,
    counts: &mut Counts,
    orders: &[OrderId],
    tickets: &[TicketId],
) -> Result<(), Error> {
    if let Some(order) = orders.first() {
        lock(tx, *order, tickets)?;
        release_locked(tx, counts, orders, tickets)?;
    }
    Ok(())
}

fn release_locked(
    tx: &mut Tx<'_>,
    counts: &mut Counts,
    orders: &[OrderId],
    tickets: &[TicketId],
) -> Result<Vec<Place>, Error> {
    let (Some(order), false) = (orders.first(), tickets.is_empty()) else { return Ok(Vec::new()) };
    let now = tx.now();
    let released = places(tx.query(RELEASE, params![order.bucket(), tickets, orders, now])?)?;
    released.iter().for_each(|place| counts.add(place.set, -1));
    Ok(released)
}

/// Locks tickets of an order's event in the order of locks, whoever has them. Those locked once are not waited for again.
pub fn lock(tx: &mut Tx<'_>, order: OrderId, tickets: &[TicketId]) -> Result<(), Error> {
    if tickets.is_empty() {
        return Ok(());
    }
    tx.query(LOCK, params![order.bucket(), tickets])?;
    Ok(())
}

fn numbered(rows: Vec<Row>) -> Result<Vec<(i64, TicketId)>, Error> {
    rows.into_iter()
        .map(|row| {
            let mut row = row.read("tickets");
            let (id, number) = (row.next()?, row.next()?);
            Ok((number, id))
        })
        .collect()
}

fn places(rows: Vec<Row>) -> Result<Vec<Place>, Error> {
    rows.into_iter()
        .map(|row| {
            let mut row = row.read("tickets");
            Ok(Place { ticket: row.next()?, set: row.next()?, number: row.next()? })
        })
        .collect()
}
