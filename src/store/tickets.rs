//! The tables `tickets` and `ticket_batches`: making tickets and finding them. Taking, selling and giving them back is in
//! `stock.rs`.

use std::collections::HashMap;

use sea_query::{Cond, Expr, ExprTrait, Order, Query, SelectStatement};

use super::db::{Param, params, statements};
use super::values::{buckets, bytes};
use super::{Error, Row, Tx};
use crate::domain::id::{BatchId, EventId, MapId, OrderId, PartnerId, SectorId, SetId, TicketId};
use crate::domain::set::Set;
use crate::domain::ticket::{Ticket, TicketSeat, TicketStatus};

macro_rules! columns {
    ($removed:literal) => {
        concat!(
            "id, event_id, set_id, number, serial, sector_id, seat_row, seat_number, status, order_id, reserved_till, \
             barcode, ",
            $removed,
            ", created_at, updated_at"
        )
    };
    // What is beyond the amount of its set is as good as removed.
    () => {
        columns!(
            "removed or (status = 'vacant' and exists (select 1 from sets s where s.bucket = tickets.bucket \
             and s.id = tickets.set_id and s.surplus > 0 and tickets.number >= s.surplus_from)) as removed"
        )
    };
}
macro_rules! batch_columns {
    () => {
        "id, event_id, set_id, first_number, first_seat, amount, made"
    };
}
macro_rules! insert {
    ($first:literal $(, $rows:literal)* $(,)?) => {
        concat!(
            "insert into tickets (bucket, event_id, set_id, serial, sector_id, created_at, updated_at, id, number, \
             seat_row, seat_number, status, removed) values ",
            "($1, $2, $3, $4, $5, $6, $6, ", $first, ", 'vacant', false)"
            $(, ", ($1, $2, $3, $4, $5, $6, $6, ", $rows, ", 'vacant', false)")*
        )
    };
}

statements! {
    ONE = concat!("select ", columns!(), " from tickets where bucket = $1 and id = $2");
    BY_IDS = concat!("select ", columns!(), " from tickets where bucket = any($1) and id = any($2) order by id");
    SURPLUS = "select id, surplus_from from sets where bucket = $1 and event_id = $2 and surplus > 0";
    INSERT = insert!("$7, $8, $9, $10");
    INSERT_MANY = insert!(
        "$7, $8, $9, $10", "$11, $12, $13, $14", "$15, $16, $17, $18", "$19, $20, $21, $22",
        "$23, $24, $25, $26", "$27, $28, $29, $30", "$31, $32, $33, $34", "$35, $36, $37, $38",
        "$39, $40, $41, $42", "$43, $44, $45, $46", "$47, $48, $49, $50", "$51, $52, $53, $54",
        "$55, $56, $57, $58", "$59, $60, $61, $62", "$63, $64, $65, $66", "$67, $68, $69, $70",
        "$71, $72, $73, $74", "$75, $76, $77, $78", "$79, $80, $81, $82", "$83, $84, $85, $86",
        "$87, $88, $89, $90", "$91, $92, $93, $94", "$95, $96, $97, $98", "$99, $100, $101, $102",
        "$103, $104, $105, $106", "$107, $108, $109, $110", "$111, $112, $113, $114", "$115, $116, $117, $118",
        "$119, $120, $121, $122", "$123, $124, $125, $126", "$127, $128, $129, $130", "$131, $132, $133, $134",
        "$135, $136, $137, $138", "$139, $140, $141, $142", "$143, $144, $145, $146", "$147, $148, $149, $150",
        "$151, $152, $153, $154", "$155, $156, $157, $158", "$159, $160, $161, $162", "$163, $164, $165, $166"
    );
    VENDORS = "select id, vendor_id from orders where bucket = any($1) and id = any($2) and status = 'done'";
    MAPS = "select id, map_id from sectors where id = any($1)";
    // Orders and conditions as in stock.rs.
    VACANT_LAST =
        "select id from tickets where bucket = $1 and set_id = $2 and status = 'vacant' and not removed \
         order by number + 0 desc limit $3 for update";
    REMOVE =
        "update tickets set removed = true, updated_at = $3 where bucket = $1 and id = any($2) and status || '' = 'vacant' \
         and not removed";
    OVER_OF_SET =
        "select id from tickets where bucket = $1 and set_id = $2 and status = 'reserved' and reserved_till <= $3 \
         order by number + 0 for update";
    RELEASE_OVER =
        "update tickets set status = 'vacant', order_id = null, reserved_till = null, updated_at = $3 \
         where bucket = $1 and id = any($2) and status || '' = 'reserved' and reserved_till <= $3";
    LAST_BUT =
        "select number + 0 from tickets where bucket = $1 and set_id = $2 and status = 'vacant' and not removed \
         order by number + 0 desc limit 1 offset $3";
    BATCH_LOCKED =
        concat!("select ", batch_columns!(), " from ticket_batches where bucket = $1 and id = $2 for update");
    BATCHES_LOCKED = concat!(
        "select ", batch_columns!(), " from ticket_batches where bucket = $1 and set_id = $2 order by id for update"
    );
    BATCHES_OLDEST = concat!(
        "select ", batch_columns!(), " from ticket_batches where created_at <= $1 order by created_at, id limit $2"
    );
    INSERT_BATCH = concat!(
        "insert into ticket_batches (", batch_columns!(), ", bucket, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    UPDATE_BATCH = "update ticket_batches set amount = $3, made = $4 where bucket = $1 and id = $2";
    DELETE_BATCH = "delete from ticket_batches where bucket = $1 and id = $2";
}

/// How many tickets one statement writes: the rows of `INSERT_MANY`.
const INSERT_ROWS: usize = 40;

/// A ticket that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTicket {
    /// Its id.
    pub id: TicketId,
    /// Its number.
    pub number: i64,
    /// The name of its row and of its seat, in a set with seats.
    pub seat: Option<(String, String)>,
}

/// Tickets that a set is still to get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// The event.
    pub event: EventId,
    /// The set.
    pub set: SetId,
    /// The number of its first ticket; the others follow.
    pub first_number: i64,
    /// Which of the set's seats its first ticket has, counted from 0; the others follow.
    pub first_seat: i64,
    /// How many tickets it has.
    pub amount: i64,
    /// How many of them are made, from the first on.
    pub made: i64,
}

/// Finds a ticket, as it is stored.
pub fn find(tx: &mut Tx<'_>, id: TicketId) -> Result<Option<Ticket>, Error> {
    tx.query_opt(ONE, params![id.bucket(), id])?.map(ticket).transpose()
}

/// Finds several tickets, as they are stored, in the order of their ids; unknown ids are left out.
pub fn find_all(tx: &mut Tx<'_>, ids: &[TicketId]) -> Result<Vec<Ticket>, Error> {
    tx.query(BY_IDS, params![buckets(ids), ids])?.into_iter().map(ticket).collect()
}

/// Writes new tickets of a set.
pub fn insert(tx: &mut Tx<'_>, set: &Set, tickets: &[NewTicket]) -> Result<(), Error> {
    let now = tx.now();
    let sector = set.seats.as_ref().map(|seats| seats.sector);
    let common = params![set.id.bucket(), set.event, set.id, set.serial.as_str(), sector, now];
    let row = |ticket: &NewTicket, values: &mut Vec<Param<'_>>| {
        let (row, seat) = ticket.seat.clone().unzip();
        values.extend([ticket.id.into(), ticket.number.into(), row.into(), seat.into()]);
    };
    let (chunks, rest) = tickets.as_chunks::<INSERT_ROWS>();
    for chunk in chunks {
        let mut values = common.to_vec();
        chunk.iter().for_each(|ticket| row(ticket, &mut values));
        tx.execute(INSERT_MANY, &values)?;
    }
    for ticket in rest {
        let mut values = common.to_vec();
        row(ticket, &mut values);
        tx.execute(INSERT, &values)?;
    }
    Ok(())
}

/// The vendors of those of the orders that are done.
pub fn vendors(tx: &mut Tx<'_>, orders: &[OrderId]) -> Result<HashMap<OrderId, PartnerId>, Error> {
    let rows = tx.query(VENDORS, params![buckets(orders), orders])?;
    rows.into_iter().map(|row| row.read("orders")).map(|mut row| Ok((row.next()?, row.next()?))).collect()
}

/// The map of each sector.
pub fn maps(tx: &mut Tx<'_>, sectors: &[SectorId]) -> Result<HashMap<SectorId, MapId>, Error> {
    let rows = tx.query(MAPS, params![sectors])?;
    rows.into_iter().map(|row| row.read("sectors")).map(|mut row| Ok((row.next()?, row.next()?))).collect()
}

/// Writes down which holds of a set's tickets are over: such tickets are vacant, and no longer counted as taken.
pub fn release_over(tx: &mut Tx<'_>, set: SetId) -> Result<(), Error> {
    let now = tx.now();
    let over = ids(tx.query(OVER_OF_SET, params![set.bucket(), set, now])?)?;
    if !over.is_empty() {
        let released = rows(tx.execute(RELEASE_OVER, params![set.bucket(), &over, now])?);
        super::sets::count_taken(tx, set, 0, -released)?;
    }
    Ok(())
}

/// Removes vacant tickets of a set, those with the highest numbers; answers how many there were.
pub fn remove_vacant(tx: &mut Tx<'_>, set: SetId, amount: i64) -> Result<i64, Error> {
    let now = tx.now();
    let vacant = ids(tx.query(VACANT_LAST, params![set.bucket(), set, amount])?)?;
    Ok(if vacant.is_empty() { 0 } else { rows(tx.execute(REMOVE, params![set.bucket(), &vacant, now])?) })
}

/// The number from which on a set has so many vacant tickets, those with the highest numbers; none where it has fewer.
pub fn number_of_last(tx: &mut Tx<'_>, set: SetId, amount: i64) -> Result<Option<i64>, Error> {
    let found = tx.query_opt(LAST_BUT, params![set.bucket(), set, amount - 1])?;
    found.map(|row| row.read("tickets").next()).transpose()
}

/// Notes tickets that are to be made.
pub fn insert_batch(tx: &mut Tx<'_>, batch: &Batch) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(
        INSERT_BATCH,
        params![
            batch.id,
            batch.event,
            batch.set,
            batch.first_number,
            batch.first_seat,
            batch.amount,
            batch.made,
            batch.id.bucket(),
            now
        ],
    )?;
    Ok(())
}

/// Finds a batch that is not made whole, and keeps it as it is until the transaction ends.
pub fn find_batch_locked(tx: &mut Tx<'_>, id: BatchId) -> Result<Option<Batch>, Error> {
    tx.query_opt(BATCH_LOCKED, params![id.bucket(), id])?.map(batch).transpose()
}

/// The batches of a set that are not made whole; they stay as they are until the transaction ends.
pub fn batches_locked(tx: &mut Tx<'_>, set: SetId) -> Result<Vec<Batch>, Error> {
    tx.query(BATCHES_LOCKED, params![set.bucket(), set])?.into_iter().map(batch).collect()
}

/// The oldest batches that are not made whole, of those noted before a time.
pub fn unfinished(tx: &mut Tx<'_>, before: jiff::Timestamp, limit: i64) -> Result<Vec<Batch>, Error> {
    tx.query(BATCHES_OLDEST, params![before, limit])?.into_iter().map(batch).collect()
}

/// Writes how much of a batch there is to make, and how much is made; one that is made whole is no more.
pub fn put_batch(tx: &mut Tx<'_>, batch: &Batch) -> Result<(), Error> {
    if batch.made < batch.amount {
        tx.execute(UPDATE_BATCH, params![batch.id.bucket(), batch.id, batch.amount, batch.made])?;
    } else {
        tx.execute(DELETE_BATCH, params![batch.id.bucket(), batch.id])?;
    }
    Ok(())
}

/// Which tickets a list holds; never removed ones.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Of this event.
    pub event: EventId,
    /// Of these sets; none: of all sets with seats.
    pub sets: Option<Vec<SetId>>,
    /// In these sectors; empty: in any, or in none.
    pub sectors: Vec<SectorId>,
    /// In one of these states, as they are at the time of the transaction; empty: in any.
    pub statuses: Vec<TicketStatus>,
}

/// The tickets of a list, as they are stored, in the order of their numbers, in which they were made: those after the
/// number `after`, then without the first `skip`, at most `limit`.
pub fn list(tx: &mut Tx<'_>, filter: &Filter, after: Option<i64>, skip: u64, limit: u64) -> Result<Vec<Ticket>, Error> {
    let mut select = select(tx, filter)?;
    select.expr(Expr::cust(columns!("removed"))).order_by("number", Order::Asc).limit(limit).offset(skip);
    if let Some(after) = after {
        select.and_where(Expr::col("number").gt(after));
    }
    tx.query_built(&select)?.into_iter().map(ticket).collect()
}

/// How many tickets a list holds in all.
pub fn count(tx: &mut Tx<'_>, filter: &Filter) -> Result<i64, Error> {
    let mut select = select(tx, filter)?;
    tx.count_built(select.expr(Expr::cust("count(*)")))
}

fn select(tx: &mut Tx<'_>, filter: &Filter) -> Result<SelectStatement, Error> {
    let now = tx.now();
    let mut select = Query::select();
    select
        .from("tickets")
        .and_where(Expr::col("bucket").eq(filter.event.bucket().as_bytes().to_vec()))
        .and_where(Expr::col("event_id").eq(bytes(filter.event)))
        .and_where(Expr::cust("not removed"));
    // Hardly ever is there any, and then a list need not ask each row for its set.
    for row in tx.query(SURPLUS, params![filter.event.bucket(), filter.event])? {
        let mut row = row.read("sets");
        let (set, from): (SetId, i64) = (row.next()?, row.next()?);
        let beyond = Expr::col("status")
            .eq(TicketStatus::Vacant.as_str())
            .and(Expr::col("set_id").eq(bytes(set)))
            .and(Expr::col("number").gte(from));
        select.and_where(beyond.not());
    }
    match filter.sets.as_deref() {
        None => select.and_where(Expr::col("sector_id").is_not_null()),
        Some([]) => select.and_where(Expr::cust("false")),
        Some([set]) => select.and_where(Expr::col("set_id").eq(bytes(*set))),
        Some(sets) => select.and_where(Expr::col("set_id").is_in(sets.iter().map(|set| bytes(*set)))),
    };
    if !filter.sectors.is_empty() {
        select.and_where(Expr::col("sector_id").is_in(filter.sectors.iter().map(|sector| bytes(*sector))));
    }
    let mut status = Cond::any();
    for wanted in &filter.statuses {
        let stored = |status: TicketStatus| Expr::col("status").eq(status.as_str());
        let till = || Expr::col("reserved_till");
        status = match wanted {
            TicketStatus::Vacant => status
                .add(stored(TicketStatus::Vacant))
                .add(stored(TicketStatus::Reserved).and(till().lte(now.as_microsecond()))),
            TicketStatus::Reserved => status.add(stored(*wanted).and(till().gt(now.as_microsecond()))),
            TicketStatus::Sold => status.add(stored(*wanted)),
        };
    }
    if !filter.statuses.is_empty() {
        select.cond_where(status);
    }
    Ok(select)
}

fn ticket(row: Row) -> Result<Ticket, Error> {
    let mut row = row.read("tickets");
    let id = row.next()?;
    let event = row.next()?;
    let set = row.next()?;
    let number = row.next()?;
    let serial = row.next()?;
    let seat = match (row.next()?, row.next()?, row.next()?) {
        (Some(sector), Some(name), Some(number)) => Some(TicketSeat { sector, row: name, number }),
        (None, None, None) => None,
        _ => return Err(row.corrupt("sector_id")),
    };
    Ok(Ticket {
        id,
        event,
        set,
        number,
        serial,
        seat,
        status: row.next_parsed()?,
        order: row.next()?,
        reserved_till: row.next()?,
        barcode: row.next()?,
        removed: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}

fn batch(row: Row) -> Result<Batch, Error> {
    let mut row = row.read("ticket_batches");
    Ok(Batch {
        id: row.next()?,
        event: row.next()?,
        set: row.next()?,
        first_number: row.next()?,
        first_seat: row.next()?,
        amount: row.next()?,
        made: row.next()?,
    })
}

fn ids(rows: Vec<Row>) -> Result<Vec<TicketId>, Error> {
    rows.into_iter().map(|row| row.read("tickets").next()).collect()
}

fn rows(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
