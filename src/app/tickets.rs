//! Tickets: making and removing those of a set, and who may see what of them.

use std::collections::{HashMap, HashSet};

use jiff::SignedDuration;

use super::{App, Error, Window, events, sets};
use crate::domain::access::Caller;
use crate::domain::event::Event;
use crate::domain::id::{BatchId, Bucket, EventId, MapId, OrderId, SectorId, SetId, TicketId};
use crate::domain::member::Right;
use crate::domain::set::{Set, Surplus};
use crate::domain::ticket::{Ticket, TicketSeat, TicketStatus};
use crate::store::tickets::{Batch, Filter, NewTicket};
use crate::store::{self, Store, Tx};

/// How many tickets one transaction makes or removes: others wait no longer than that takes.
pub const PART: usize = 2_000;

/// How long a batch is left to the request that began it, before a job goes on with it.
const LEFT_TO_REQUEST: SignedDuration = SignedDuration::from_secs(10);

/// A ticket as one caller sees it at one time.
#[derive(Clone, Debug)]
pub struct TicketView {
    /// The ticket, as it is at the time.
    pub ticket: Ticket,
    /// Its seat, where its set has seats.
    pub seat: SeatView,
    /// Whether the caller may see what opens the gate.
    pub with_barcode: bool,
}

/// The seat of a ticket; nothing in a set without seats.
#[derive(Clone, Debug, Default)]
pub struct SeatView {
    /// The seat.
    pub seat: Option<TicketSeat>,
    /// The map that it is on.
    pub map: Option<MapId>,
}

/// What a list is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Only tickets of these sets; none: those with a seat.
    pub sets: Option<Vec<SetId>>,
    /// Only tickets in these sectors.
    pub sectors: Vec<SectorId>,
    /// Only tickets in one of these states.
    pub statuses: Vec<TicketStatus>,
}

/// Tickets by their ids, those of events that the caller may read; unknown ids are left out.
///
/// # Errors
/// Those of the store.
pub fn readable(tx: &mut Tx<'_>, caller: &Caller, ids: &[TicketId]) -> Result<Vec<TicketView>, Error> {
    let tickets = store::tickets::find_all(tx, ids)?;
    let of: HashSet<EventId> = tickets.iter().map(|ticket| ticket.event).collect();
    let events = events::readable(tx, caller, &of.into_iter().collect::<Vec<_>>())?;
    views(tx, caller, &events, tickets)
}

/// One ticket of an event, and where a set is named, of that set.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] where the caller may not read the event.
pub fn get(
    tx: &mut Tx<'_>,
    caller: &Caller,
    event: EventId,
    set: Option<SetId>,
    id: TicketId,
) -> Result<TicketView, Error> {
    let event = events::get(tx, caller, event)?;
    let ticket = store::tickets::find(tx, id)?
        .filter(|ticket| ticket.event == event.id && set.is_none_or(|set| ticket.set == set));
    let ticket = ticket.ok_or(Error::NotFound("ticket"))?;
    views(tx, caller, &[event], vec![ticket])?.pop().ok_or(Error::NotFound("ticket"))
}

/// A part of a list of the tickets of an event, and where a set is named, of that set; in the order of their numbers.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] where the caller may not read the event.
pub fn list(
    tx: &mut Tx<'_>,
    caller: &Caller,
    (event, set): (EventId, Option<SetId>),
    wish: &Wish,
    window: Window<i64>,
) -> Result<Vec<TicketView>, Error> {
    let event = events::get(tx, caller, event)?;
    let filter = filter(tx, event.id, set, wish)?;
    let tickets = store::tickets::list(tx, &filter, window.after, window.skip, window.limit)?;
    views(tx, caller, &[event], tickets)
}

/// How many tickets the list holds in all.
///
/// # Errors
/// Those of [`list`].
pub fn count(
    tx: &mut Tx<'_>,
    caller: &Caller,
    (event, set): (EventId, Option<SetId>),
    wish: &Wish,
) -> Result<i64, Error> {
    let event = events::get(tx, caller, event)?;
    let filter = filter(tx, event.id, set, wish)?;
    Ok(store::tickets::count(tx, &filter)?)
}

fn filter(tx: &mut Tx<'_>, event: EventId, set: Option<SetId>, wish: &Wish) -> Result<Filter, Error> {
    let Wish { mut sets, sectors, statuses } = wish.clone();
    if let Some(set) = set {
        let found = store::sets::find(tx, set)?.filter(|set| set.event == event);
        sets = Some(vec![found.ok_or(Error::NotFound("set"))?.id]);
    }
    Ok(Filter { event, sets, sectors, statuses })
}

/// Tickets of these events as the caller sees them; others are left out.
///
/// # Errors
/// Those of the store.
pub fn views(
    tx: &mut Tx<'_>,
    caller: &Caller,
    events: &[Event],
    tickets: Vec<Ticket>,
) -> Result<Vec<TicketView>, Error> {
    let own: HashMap<EventId, bool> =
        events.iter().map(|event| (event.id, caller.is_platform() || caller.acts_for(event.org))).collect();
    let (mut sectors, mut orders): (Vec<SectorId>, Vec<OrderId>) = (Vec::new(), Vec::new());
    for ticket in &tickets {
        sectors.extend(ticket.seat.as_ref().map(|seat| seat.sector));
        if ticket.status == TicketStatus::Sold && own.get(&ticket.event) == Some(&false) {
            orders.extend(ticket.order);
        }
    }
    distinct(&mut sectors);
    distinct(&mut orders);
    let maps = if sectors.is_empty() { HashMap::new() } else { store::tickets::maps(tx, &sectors)? };
    let vendors = if orders.is_empty() { HashMap::new() } else { store::tickets::vendors(tx, &orders)? };
    let (now, sells) = (tx.now(), caller.may(Right::Sell));
    let view = |ticket: Ticket| {
        let own = *own.get(&ticket.event)?;
        let sold_by_caller = || {
            let vendor = ticket.order.and_then(|order| vendors.get(&order));
            sells && ticket.status == TicketStatus::Sold && vendor.is_some_and(|vendor| caller.acts_for(*vendor))
        };
        let with_barcode = own || sold_by_caller();
        let map = ticket.seat.as_ref().and_then(|seat| maps.get(&seat.sector).copied());
        let seat = SeatView { seat: ticket.seat.clone(), map };
        Some(TicketView { seat, with_barcode, ticket: ticket.at(now) })
    };
    Ok(tickets.into_iter().filter_map(view).collect())
}

fn distinct<I: Ord>(ids: &mut Vec<I>) {
    ids.sort_unstable();
    ids.dedup();
}

/// Ids for the tickets that one transaction makes.
pub fn new_ids(app: &App, bucket: Bucket) -> Vec<TicketId> {
    (0..PART).map(|_| app.new_id_in(bucket)).collect()
}

/// Makes the next tickets of a batch, as many as there are ids.
pub(super) fn make_part(tx: &mut Tx<'_>, set: &Set, batch: Batch, ids: &[TicketId]) -> Result<Batch, Error> {
    let places = sets::places(tx, set)?;
    let mut new = Vec::with_capacity(ids.len());
    for (id, made) in ids.iter().zip(batch.made..batch.amount) {
        let seat = match usize::try_from(batch.first_seat + made).ok().and_then(|at| places.get(at)) {
            Some(seat) => Some(seat.clone()),
            None if set.with_seats() => {
                return Err(Error::Internal(format!("the set {} has fewer seats than tickets", set.id)));
            }
            None => None,
        };
        new.push(NewTicket { id: *id, number: batch.first_number + made, seat });
    }
    store::tickets::insert(tx, set, &new)?;
    let made = batch.made + i64::try_from(new.len()).unwrap_or_default();
    Ok(Batch { made, ..batch })
}

/// Makes the next part of a batch; false once nothing is left of it.
fn make_next(tx: &mut Tx<'_>, id: BatchId, ids: &[TicketId]) -> Result<bool, Error> {
    let Some(batch) = store::tickets::find_batch_locked(tx, id)? else { return Ok(false) };
    let set = store::sets::find(tx, batch.set)?;
    let set = set.ok_or_else(|| Error::Internal(format!("the batch {id} is of no set")))?;
    let batch = make_part(tx, &set, batch, ids)?;
    store::tickets::put_batch(tx, &batch)?;
    Ok(batch.made < batch.amount)
}

/// Makes what is left of a batch, in short transactions.
///
/// # Errors
/// Those of the store; a job then goes on with it.
pub async fn make_rest(app: &App, batch: BatchId) -> Result<(), Error> {
    loop {
        let ids = new_ids(app, batch.bucket());
        if !app.store.write(move |tx| make_next(tx, batch, &ids)).await? {
            return Ok(());
        }
    }
}

/// Makes a part of a batch that its request has left unfinished; false where there is none.
///
/// # Errors
/// Those of the store.
pub async fn go_on(app: &App) -> Result<bool, Error> {
    let Some(batch) = oldest(&app.store).await? else { return Ok(false) };
    let ids = new_ids(app, batch.bucket());
    app.store.write(move |tx| make_next(tx, batch, &ids)).await?;
    Ok(true)
}

/// Removes so many vacant tickets of a set, or as many of them as one transaction does; answers how many are left.
pub(super) fn remove_part(tx: &mut Tx<'_>, set: SetId, amount: i64) -> Result<i64, Error> {
    let part = amount.min(i64::try_from(PART).unwrap_or(i64::MAX));
    let removed = store::tickets::remove_vacant(tx, set, part)?;
    // Nobody takes what is beyond a set's amount, so a part that is not whole is the last.
    Ok(if removed < part { 0 } else { amount - removed })
}

/// Removes the next part of what is beyond a set's amount.
fn remove_next(tx: &mut Tx<'_>, set: SetId) -> Result<(), Error> {
    let Some(surplus) = store::sets::lock(tx, set)? else { return Ok(()) };
    let amount = remove_part(tx, set, surplus.amount)?;
    Ok(store::sets::put_surplus(tx, set, (amount > 0).then_some(Surplus { amount, ..surplus }))?)
}

/// Removes a part of the tickets that are beyond the amount of some set; false where there are none.
///
/// # Errors
/// Those of the store.
pub async fn remove_surplus(app: &App) -> Result<bool, Error> {
    let Some(set) = app.store.read(|tx| Ok::<_, Error>(store::sets::with_surplus(tx)?)).await? else {
        return Ok(false);
    };
    app.store.write(move |tx| remove_next(tx, set)).await?;
    Ok(true)
}

async fn oldest(store: &Store) -> Result<Option<BatchId>, Error> {
    store
        .read(|tx| {
            let before = tx.now().checked_sub(LEFT_TO_REQUEST).map_err(|error| Error::Internal(error.to_string()))?;
            Ok(store::tickets::unfinished(tx, before, 1)?.pop().map(|batch| batch.id))
        })
        .await
}
