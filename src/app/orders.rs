//! Orders: making, changing, paying and ending them, and who may read them.

mod choosing;
mod drawn;
mod export;
mod mailed;
mod prices;
mod whole;

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::callers::acting;
use super::ledger;
use super::payments::{self, Asking};
use super::tickets::{self, TicketView};
use super::{Error, Installation, Window, Wrong};
use crate::domain::access::{self, Caller};
use crate::domain::customer::{Customer, CustomerPatch, OrderCustomer};
use crate::domain::event::Event;
use crate::domain::id::{Bucket, CustomerId, DealId, EventId, OrderId, PartnerId, PromocodeId, SetId, TicketId};
use crate::domain::member::Right;
use crate::domain::money::Money;
use crate::domain::order::{
    Order, OrderActor, OrderPayment, OrderRefusal, OrderStatus, Origin, StatusChange, VendorData,
};
use crate::domain::payment::PaymentSystem;
use crate::domain::period::Period;
use crate::domain::pricing::{Line, NotApplied, Values};
use crate::domain::user::Email;
use crate::store::orders::Filter;
use crate::store::stock::{self, Counts};
use crate::store::{self, Tx};

pub use drawn::Drawn;
pub use export::{Export, Sheet, export};
pub use whole::{Offer, OrderTicket, WholeOrder, get_whole, list_whole, whole};

/// How often a number, a barcode or a use of a promocode that somebody else has taken is tried anew.
const ATTEMPTS: u32 = 5;

/// An order with all that shows with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// The order, as it is at the time of the transaction.
    pub order: Order,
    /// Its tickets with their money, in its own sequence; those that were refunded are left out.
    pub lines: Vec<Line>,
    /// The promocodes given to it.
    pub promocodes: Vec<PromocodeId>,
}

/// Through which half of the API an order is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// An order waits for its payment before it is done; a promocode that can't be applied refuses the request.
    V1,
    /// An order may be done at once; a promocode that can't be applied is told of.
    V2,
}

/// A new order.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// The event; else that of the tickets.
    pub event: Option<EventId>,
    /// The deal it is sold under; else the caller's accepted one.
    pub deal: Option<DealId>,
    /// What it is made through.
    pub origin: Origin,
    /// What it is to be.
    pub changes: Changes,
}

impl NewOrder {
    /// Where it will be stored.
    ///
    /// # Errors
    /// [`Error::Invalid`] where neither an event nor a ticket is named.
    pub fn bucket(&self) -> Result<Bucket, Error> {
        let of_ticket = || match &self.changes.wish {
            Some(Wanted::Tickets(tickets)) => tickets.first().map(|ticket| ticket.bucket()),
            _ => None,
        };
        self.event.map(|event| event.bucket()).or_else(of_ticket).ok_or_else(no_event)
    }
}

/// What a request sets of an order; applied in this sequence.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Its customer, merged into what is there; inner `None`: nobody is known any more.
    pub customer: Option<Option<CustomerPatch>>,
    /// How it is paid.
    pub payment: PaymentPatch,
    /// The tickets it is to have, all of them.
    pub wish: Option<Wanted>,
    /// Whether the tickets stay as they are unless all can be had.
    pub all_or_nothing: bool,
    /// Its promocodes, all of them.
    pub promocodes: Option<Vec<String>>,
    /// What its vendor keeps with it; inner `None`: nothing.
    pub vendor_data: Option<Option<VendorData>>,
    /// Where it is to stand.
    pub status: Option<OrderStatus>,
}

/// What a request sets of how an order is paid. Outer `None`: not given; inner `None`: cleared.
#[derive(Clone, Debug, Default)]
pub struct PaymentPatch {
    /// The payment system.
    pub system: Option<Option<PaymentSystem>>,
    /// Where the customer is sent after paying.
    pub success_url: Option<Option<String>>,
    /// Where the customer is sent when paying failed.
    pub failure_url: Option<Option<String>>,
    /// Whether the tickets are mailed when the order is done.
    pub send_tickets: Option<bool>,
}

/// The tickets that an order is to have.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// These.
    Tickets(Vec<TicketId>),
    /// So many of each set.
    Random(BTreeMap<SetId, usize>),
}

impl Changes {
    fn sets_more_than_the_status(&self) -> bool {
        let PaymentPatch { system, success_url, failure_url, send_tickets } = &self.payment;
        self.customer.is_some()
            || system.is_some()
            || success_url.is_some()
            || failure_url.is_some()
            || send_tickets.is_some()
            || self.wish.is_some()
            || self.promocodes.is_some()
            || self.vendor_data.is_some()
    }
}

/// An order after a change, and what of the change was not done.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The order.
    pub view: OrderView,
    /// The promocodes that it was not given ([`Through::V2`] only).
    pub refused: Vec<CodeRefused>,
}

/// A promocode that an order was not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRefused {
    /// Its place among those that the request names.
    pub at: usize,
    /// As the request spells it.
    pub code: String,
    /// Why.
    pub why: CodeRefusal,
}

/// Why an order is not given a promocode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeRefusal {
    /// The event has none that is spelled so.
    #[error("there is no such promocode for this event")]
    Unknown,
    /// It holds at other times.
    #[error("the promocode does not hold now")]
    NotNow(Option<Period>),
    /// It gives nothing to these tickets.
    #[error("{0}")]
    NotApplied(NotApplied),
}

/// What a list is asked for; see [`Filter`].
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Only orders sold by these.
    pub vendors: Vec<PartnerId>,
    /// Only orders of events of these.
    pub orgs: Vec<PartnerId>,
    /// Only orders of these events.
    pub events: Vec<EventId>,
    /// Only orders in one of these statuses.
    pub statuses: Vec<OrderStatus>,
    /// Only orders created then or later.
    pub created_from: Option<Timestamp>,
    /// Only orders created then or before.
    pub created_to: Option<Timestamp>,
    /// Only orders of this customer.
    pub customer: Option<CustomerId>,
    /// Only orders whose customer has an address.
    pub with_customer: bool,
}

/// Orders as they are at the time of the transaction, with what shows with them.
///
/// # Errors
/// Those of the store.
pub fn views(tx: &mut Tx<'_>, orders: Vec<Order>) -> Result<Vec<OrderView>, Error> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now();
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    let mut lines = store::orders::lines(tx, &orders)?;
    let mut promocodes = store::orders::promocodes(tx, &ids)?;
    let view = |order: Order| OrderView {
        lines: lines.remove(&order.id).unwrap_or_default(),
        promocodes: promocodes.remove(&order.id).unwrap_or_default().into_iter().map(|(id, _)| id).collect(),
        order: order.at(now),
    };
    Ok(orders.into_iter().map(view).collect())
}

/// Those of the orders that the caller may read; unknown ids are left out.
///
/// # Errors
/// Those of the store.
pub fn readable(tx: &mut Tx<'_>, caller: &Caller, ids: &[OrderId]) -> Result<Vec<OrderView>, Error> {
    let mut orders = store::orders::find_all(tx, ids)?;
    orders.retain(|order| access::order_actor(caller, order.vendor, order.org).is_some());
    views(tx, orders)
}

/// One order.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for its vendor, the organizer of its event and the platform.
pub fn get(tx: &mut Tx<'_>, caller: &Caller, id: OrderId) -> Result<OrderView, Error> {
    let order = store::orders::find(tx, id)?.ok_or(Error::NotFound("order"))?;
    actor(caller, &order, Through::V1)?;
    views(tx, vec![order])?.pop().ok_or(Error::NotFound("order"))
}

/// A part of the list of the orders that the caller may read.
///
/// # Errors
/// Those of the store.
pub fn list(tx: &mut Tx<'_>, caller: &Caller, wish: &Wish, window: Window<OrderId>) -> Result<Vec<OrderView>, Error> {
    let filter = filter(caller, wish)?;
    let orders = store::orders::list(tx, &filter, window.after, window.skip, window.limit)?;
    views(tx, orders)
}

/// How many orders the list holds in all.
///
/// # Errors
/// Those of the store.
pub fn count(tx: &mut Tx<'_>, caller: &Caller, wish: &Wish) -> Result<i64, Error> {
    let filter = filter(caller, wish)?;
    Ok(store::orders::count(tx, &filter)?)
}

fn filter(caller: &Caller, wish: &Wish) -> Result<Filter, Error> {
    let acting = acting(caller)?;
    let of = (!caller.is_platform()).then_some(acting.id);
    let Wish { vendors, orgs, events, statuses, created_from, created_to, customer, with_customer } = wish.clone();
    Ok(Filter { of, vendors, orgs, events, statuses, created_from, created_to, customer, with_customer, ids: None })
}

/// A part of the list of a customer's orders.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for the vendor whose customer it is, and the platform.
pub fn list_of_customer(
    tx: &mut Tx<'_>,
    caller: &Caller,
    customer: CustomerId,
    wish: &Wish,
    window: Window<OrderId>,
) -> Result<Vec<OrderView>, Error> {
    own_customer(tx, caller, customer)?;
    list(tx, caller, &Wish { customer: Some(customer), ..wish.clone() }, window)
}

/// How many orders a customer has in all.
///
/// # Errors
/// Those of [`list_of_customer`].
pub fn count_of_customer(tx: &mut Tx<'_>, caller: &Caller, customer: CustomerId, wish: &Wish) -> Result<i64, Error> {
    own_customer(tx, caller, customer)?;
    count(tx, caller, &Wish { customer: Some(customer), ..wish.clone() })
}

fn own_customer(tx: &mut Tx<'_>, caller: &Caller, id: CustomerId) -> Result<(), Error> {
    let customer = store::customers::find_all(tx, &[id])?.pop().ok_or(Error::NotFound("customer"))?;
    if caller.acts_for(customer.vendor) || caller.is_platform() {
        return Ok(());
    }
    Err(Error::forbidden("this is another vendor's customer"))
}

/// A part of an order's tickets, in its own sequence.
///
/// # Errors
/// Those of [`get`].
pub fn tickets(
    tx: &mut Tx<'_>,
    caller: &Caller,
    id: OrderId,
    window: Window<TicketId>,
) -> Result<Vec<TicketView>, Error> {
    let view = get(tx, caller, id)?;
    let ids: Vec<TicketId> = view.lines.iter().map(|line| line.ticket).collect();
    let after = window.after.and_then(|after| ids.iter().position(|id| *id == after)).map_or(0, |at| at + 1);
    let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let ids: Vec<TicketId> = ids.into_iter().skip(after).skip(whole(window.skip)).take(whole(window.limit)).collect();
    let mut found: HashMap<TicketId, TicketView> =
        tickets::readable(tx, caller, &ids)?.into_iter().map(|view| (view.ticket.id, view)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// How many tickets an order has.
///
/// # Errors
/// Those of [`get`].
pub fn count_tickets(tx: &mut Tx<'_>, caller: &Caller, id: OrderId) -> Result<i64, Error> {
    Ok(get(tx, caller, id)?.order.tickets)
}

/// As whom the caller changes an order.
fn actor(caller: &Caller, order: &Order, through: Through) -> Result<OrderActor, Error> {
    match access::order_actor(caller, order.vendor, order.org) {
        Some(OrderActor::Vendor) if through == Through::V2 => Ok(OrderActor::VendorAtOnce),
        Some(actor) => Ok(actor),
        None => Err(Error::forbidden("only an order's vendor and the organizer of its event may see it")),
    }
}

/// An order that is being changed.
struct Work {
    order: Order,
    lines: Vec<Line>,
    /// Its promocodes, with how many uses of each it holds.
    codes: Vec<(PromocodeId, i64)>,
    counts: Counts,
}

impl Work {
    fn load(tx: &mut Tx<'_>, order: Order) -> Result<Self, Error> {
        let lines = store::orders::lines(tx, std::slice::from_ref(&order))?.remove(&order.id).unwrap_or_default();
        let codes = store::orders::promocodes(tx, &[order.id])?.remove(&order.id).unwrap_or_default();
        Ok(Self { order, lines, codes, counts: Counts::default() })
    }

    fn tickets(&self) -> Vec<TicketId> {
        self.lines.iter().map(|line| line.ticket).collect()
    }

    fn into_view(self) -> OrderView {
        let promocodes = self.codes.into_iter().map(|(id, _)| id).collect();
        OrderView { order: self.order, lines: self.lines, promocodes }
    }

    /// Writes an order that was loaded and has been changed since.
    fn save(mut self, tx: &mut Tx<'_>, was: &Was) -> Result<Self, Error> {
        if self.order == was.order && self.lines == was.lines && self.codes == was.codes {
            return Ok(self);
        }
        if !store::orders::update(tx, &mut self.order)? {
            return Err(lost());
        }
        self.save_parts(tx, was)
    }

    fn save_parts(mut self, tx: &mut Tx<'_>, was: &Was) -> Result<Self, Error> {
        if self.lines != was.lines {
            store::orders::put_lines(tx, self.order.id, &self.lines)?;
        }
        if self.codes != was.codes {
            store::orders::put_promocodes(tx, self.order.id, &self.codes)?;
        }
        if self.order.status == OrderStatus::Done && was.order.status != OrderStatus::Done {
            store::orders::keep_barcodes(tx, self.order.id)?;
        }
        std::mem::take(&mut self.counts).write(tx, self.order.id)?;
        Ok(self)
    }
}

/// An order as it was before a change.
struct Was {
    order: Order,
    lines: Vec<Line>,
    codes: Vec<(PromocodeId, i64)>,
}

impl Was {
    fn of(work: &Work) -> Self {
        Self { order: work.order.clone(), lines: work.lines.clone(), codes: work.codes.clone() }
    }
}

/// Makes an order of the caller's partner, and takes tickets for it. What can't be had is left out.
///
/// # Errors
/// [`Error::Invalid`] naming the field: what is unknown, contradicts itself, or is not for sale, and why.
pub fn create(
    tx: &mut Tx<'_>,
    caller: &Caller,
    installation: &Installation,
    drawn: &Drawn,
    through: Through,
    new: &NewOrder,
) -> Result<Changed, Error> {
    if !caller.may(Right::Sell) {
        return Err(Error::forbidden("your role does not allow this"));
    }
    let vendor = acting(caller)?.id;
    let event = choosing::event_of(tx, new)?;
    if event.id.bucket() != drawn.order.bucket() {
        return Err(Error::Internal("an order was drawn for another bucket than its event's".to_owned()));
    }
    let standing = store::partners::lock_shared(tx, &[vendor, event.org])?;
    for partner in [vendor, event.org] {
        if !standing.contains(&partner) {
            return Err(Error::invalid("event", "not_for_sale", format!("the partner {partner} has been removed")));
        }
    }
    let sale = choosing::sale_of(tx, installation, vendor, &event, new.deal)?;
    choosing::open_for_sale(&event, tx.now())?;

    let now = tx.now();
    let hold = SignedDuration::from_mins(i64::from(store::settings::find(tx, vendor)?.hold_minutes));
    let zero = Money::zero(event.currency);
    let order = Order {
        id: drawn.order,
        event: event.id,
        org: event.org,
        vendor,
        sale,
        number: drawn::number(drawn.order, 0),
        code: None,
        status: OrderStatus::Executed,
        origin: new.origin,
        reserved_till: now.checked_add(hold).map_err(|error| Error::Internal(error.to_string()))?,
        customer_id: None,
        customer: OrderCustomer::default(),
        payment: OrderPayment::default(),
        rules: BTreeMap::new(),
        vendor_data: None,
        currency: event.currency,
        tickets: 0,
        values: Values { discount: zero, nominal: zero, extra: zero, full: zero },
        version: 1,
        created_at: now,
        updated_at: now,
        done_at: None,
    };
    let mut work = Work { order, lines: Vec::new(), codes: Vec::new(), counts: Counts::default() };
    let was = Was::of(&work);
    let who = actor(caller, &work.order, through)?;
    let applied = apply(tx, drawn, &mut work, Some(event), who, through, &new.changes)?;
    let refused = match applied {
        Applied::Done(refused) => refused,
        // The order exists, without tickets and what would follow from them.
        Applied::NothingToBeHad => Vec::new(),
    };
    keep_customer(tx, drawn, &mut work.order)?;
    let mut attempt = 0;
    while !store::orders::insert(tx, &work.order)? {
        attempt += 1;
        if attempt == ATTEMPTS {
            return Err(Error::Internal(format!("no free number was found for the order {}", work.order.id)));
        }
        work.order.number = drawn::number(drawn.order, attempt);
    }
    let view = work.save_parts(tx, &was)?.into_view();
    Ok(Changed { view, refused })
}

/// Changes an order, all or nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for who may not; [`Error::Invalid`] naming what cannot be;
/// [`Error::Conflict`] where it was changed, or ran out, at the same time.
pub fn change(
    tx: &mut Tx<'_>,
    caller: &Caller,
    drawn: &Drawn,
    id: OrderId,
    through: Through,
    changes: &Changes,
) -> Result<Changed, Error> {
    let stored = store::orders::find_locked(tx, id)?.ok_or(Error::NotFound("order"))?;
    let who = actor(caller, &stored, through)?;
    let more = changes.sets_more_than_the_status();
    if who == OrderActor::Organizer && (more || changes.status.is_some_and(|status| status != OrderStatus::Canceled)) {
        return Err(Error::forbidden("the organizer of its event may cancel an order, and nothing else"));
    }
    if changes.vendor_data.is_some() && !caller.acts_for(stored.vendor) {
        return Err(Error::forbidden("vendor_data: only an order's vendor may write it"));
    }
    let now = tx.now();
    let mut work = Work::load(tx, stored.at(now))?;
    let status = work.order.status;
    if status == OrderStatus::Done || (more && !work.order.holds_tickets()) {
        let message = match changes.status {
            Some(to) => format!("an order that is {status} can't be changed, nor set to {to}"),
            None => format!("an order that is {status} can't be changed"),
        };
        return Err(Error::invalid("status", "conflict", message));
    }
    let was = Was::of(&work);
    let refused = match apply(tx, drawn, &mut work, None, who, through, changes)? {
        Applied::Done(refused) => refused,
        Applied::NothingToBeHad => {
            let view = OrderView {
                order: was.order,
                lines: was.lines,
                promocodes: was.codes.into_iter().map(|(id, _)| id).collect(),
            };
            return Ok(Changed { view, refused: Vec::new() });
        }
    };
    if work.order.customer != was.order.customer {
        keep_customer(tx, drawn, &mut work.order)?;
    }
    if work.order != was.order || work.lines != was.lines || work.codes != was.codes {
        work.order.updated_at = now;
    }
    let view = work.save(tx, &was)?.into_view();
    Ok(Changed { view, refused })
}

/// Cancels an order: its tickets are vacant again.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] but for its vendor, the organizer of its event and the platform;
/// [`Error::Invalid`] where it can't be cancelled any more.
pub fn cancel(tx: &mut Tx<'_>, caller: &Caller, id: OrderId) -> Result<OrderView, Error> {
    let stored = store::orders::find_locked(tx, id)?.ok_or(Error::NotFound("order"))?;
    let who = actor(caller, &stored, Through::V1)?;
    let now = tx.now();
    let mut work = Work::load(tx, stored.at(now))?;
    let was = Was::of(&work);
    let change = work.order.change_status(OrderStatus::Canceled, who).map_err(refused)?;
    if let StatusChange::Release(to) = change {
        release(tx, &mut work, to)?;
        work.order.updated_at = now;
    }
    Ok(work.save(tx, &was)?.into_view())
}

/// Makes an order done that its payment system, or anybody else who may, says is paid. The answer of one that is done
/// already is the order as it is.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] where it does not wait for its payment any more, as after its hold is over:
/// nothing is changed then.
pub fn finish(tx: &mut Tx<'_>, drawn: &Drawn, id: OrderId, who: OrderActor) -> Result<OrderView, Error> {
    let stored = store::orders::find_locked(tx, id)?.ok_or(Error::NotFound("order"))?;
    let now = tx.now();
    let mut work = Work::load(tx, stored.at(now))?;
    let was = Was::of(&work);
    if set_status(tx, drawn, &mut work, OrderStatus::Done, who)? {
        work.order.updated_at = now;
    }
    Ok(work.save(tx, &was)?.into_view())
}

/// Cancels the orders of an event that are not paid. The event has to be locked, so that none is made meanwhile.
///
/// # Errors
/// Those of the store.
pub fn cancel_all_of(tx: &mut Tx<'_>, event: EventId) -> Result<(), Error> {
    let now = tx.now();
    for id in store::orders::holding_of_event(tx, event)? {
        let Some(stored) = store::orders::find_locked(tx, id)? else { continue };
        if stored.holds_tickets() {
            let to = if stored.reserved_till > now { OrderStatus::Canceled } else { OrderStatus::Expired };
            end(tx, stored, to)?;
        }
    }
    Ok(())
}

/// Writes down that an order has expired: gives its tickets back, and its uses of promocodes. False where there is nothing
/// to write, or somebody else is at it.
///
/// # Errors
/// Those of the store.
pub fn expire(tx: &mut Tx<'_>, id: OrderId) -> Result<bool, Error> {
    let now = tx.now();
    match store::orders::find_unless_locked(tx, id)? {
        Some(stored) if stored.holds_tickets() && stored.reserved_till <= now => {
            end(tx, stored, OrderStatus::Expired)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Ends an order that is stored as holding tickets.
fn end(tx: &mut Tx<'_>, stored: Order, to: OrderStatus) -> Result<(), Error> {
    let mut work = Work::load(tx, stored)?;
    let was = Was::of(&work);
    work.order.updated_at = if to == OrderStatus::Expired { work.order.reserved_till } else { tx.now() };
    release(tx, &mut work, to)?;
    work.save(tx, &was)?;
    Ok(())
}

/// What came of the changes of a request.
enum Applied {
    /// All is done, but for these promocodes.
    Done(Vec<CodeRefused>),
    /// Not all tickets can be had, and it was to be all or nothing: none is taken or given back.
    NothingToBeHad,
}

/// Applies what a request sets, in the sequence of its fields.
fn apply(
    tx: &mut Tx<'_>,
    drawn: &Drawn,
    work: &mut Work,
    event: Option<Event>,
    who: OrderActor,
    through: Through,
    changes: &Changes,
) -> Result<Applied, Error> {
    if let Some(patch) = &changes.customer {
        let customer = std::mem::take(&mut work.order.customer);
        work.order.customer = patch.as_ref().map(|patch| customer.merge(patch)).unwrap_or_default();
    }
    set_payment(&mut work.order, &drawn.asking, &changes.payment)?;
    if let Some(data) = &changes.vendor_data {
        work.order.vendor_data.clone_from(data);
    }
    if through == Through::V2 && work.order.payment.send_tickets && work.order.customer.email.is_none() {
        let message = "is required where send_tickets is true: it says where the tickets are mailed to";
        return Err(Error::invalid("settings.customer.email", "required", message));
    }

    let mut chosen = None;
    if let Some(wish) = &changes.wish {
        let chose = if changes.all_or_nothing {
            let all = tx.savepoint(|tx| match choosing::choose(tx, work, event.as_ref(), wish)? {
                chosen if chosen.short => Err(Stop::Short),
                chosen => Ok(chosen),
            });
            match all {
                Ok(chosen) => chosen,
                Err(Stop::Short) => return Ok(Applied::NothingToBeHad),
                Err(Stop::Error(error)) => return Err(error),
            }
        } else {
            choosing::choose(tx, work, event.as_ref(), wish)?
        };
        chosen = Some(chose);
    }
    let mut refused = Vec::new();
    if chosen.is_some() || changes.promocodes.is_some() {
        refused = prices::reprice(tx, work, chosen, changes.promocodes.as_deref(), through)?;
        if work.order.status == OrderStatus::InProgress {
            payments::amend(tx, &work.order)?;
        }
    }

    if let Some(to) = changes.status {
        set_status(tx, drawn, work, to, who)?;
    }
    Ok(Applied::Done(refused))
}

/// Why a part of a transaction is undone.
enum Stop {
    Short,
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Error(error.into())
    }
}

fn set_payment(order: &mut Order, asking: &Asking, patch: &PaymentPatch) -> Result<(), Error> {
    if let Some(system) = patch.system
        && system != order.payment.system
    {
        // Money may be on its way through the one that was chosen.
        if order.status != OrderStatus::Executed {
            let message = format!("the payment system of an order that is {} can't be changed", order.status);
            return Err(Error::invalid("payment.system", "conflict", message));
        }
        if let Some(system) = system {
            asking.check_offered(system)?;
        }
        order.payment.system = system;
    }
    for (known, given) in
        [(&mut order.payment.success_url, &patch.success_url), (&mut order.payment.failure_url, &patch.failure_url)]
    {
        if let Some(given) = given {
            known.clone_from(given);
        }
    }
    if let Some(send_tickets) = patch.send_tickets {
        order.payment.send_tickets = send_tickets;
    }
    Ok(())
}

/// Sets the status of an order, with all that follows; false where it has it already.
fn set_status(
    tx: &mut Tx<'_>,
    drawn: &Drawn,
    work: &mut Work,
    to: OrderStatus,
    who: OrderActor,
) -> Result<bool, Error> {
    match work.order.change_status(to, who).map_err(refused)? {
        StatusChange::Nothing => return Ok(false),
        StatusChange::Wait => wait(tx, drawn, work)?,
        StatusChange::Sell => sell(tx, drawn, work)?,
        StatusChange::Release(to) => release(tx, work, to)?,
        StatusChange::Refund => work.order.status = OrderStatus::Refunded,
    }
    Ok(true)
}

fn wait(tx: &mut Tx<'_>, drawn: &Drawn, work: &mut Work) -> Result<(), Error> {
    let tickets = work.tickets();
    work.order.payment.system.get_or_insert(PaymentSystem::Base);
    let till = work.order.waits_till(tx.now());
    if !stock::prolong(tx, work.order.id, till, &tickets)? {
        return Err(hold_is_over());
    }
    work.order.status = OrderStatus::InProgress;
    work.order.reserved_till = till;
    payments::start(tx, &drawn.asking, &mut work.order)
}

fn sell(tx: &mut Tx<'_>, drawn: &Drawn, work: &mut Work) -> Result<(), Error> {
    let now = tx.now();
    let mut attempt = 0;
    loop {
        let tickets: Vec<(TicketId, String)> =
            work.lines.iter().map(|line| (line.ticket, drawn.barcode(line.ticket, attempt))).collect();
        match tx.savepoint(|tx| stock::sell(tx, work.order.id, &tickets)) {
            Ok(true) => break,
            Ok(false) => return Err(hold_is_over()),
            Err(error) if error.violates(stock::BARCODE_KEY) && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
    for (id, uses) in &work.codes {
        store::promocodes::use_held(tx, *id, *uses)?;
    }
    work.order.payment.system.get_or_insert(PaymentSystem::Base);
    work.order.status = OrderStatus::Done;
    work.order.code = Some(drawn.code());
    work.order.done_at = Some(now);
    ledger::sale(tx, &drawn.entries, &work.order, &work.lines)?;
    mailed::mail_tickets(tx, drawn, &work.order, &work.lines)
}

fn release(tx: &mut Tx<'_>, work: &mut Work, to: OrderStatus) -> Result<(), Error> {
    let tickets = work.tickets();
    stock::release(tx, &mut work.counts, work.order.id, &tickets)?;
    let uses: BTreeMap<PromocodeId, i64> = work.codes.iter().copied().collect();
    for (id, uses) in uses {
        store::promocodes::give_back(tx, id, uses)?;
    }
    work.order.status = to;
    Ok(())
}

/// Finds or makes the vendor's record of an order's customer.
fn keep_customer(tx: &mut Tx<'_>, drawn: &Drawn, order: &mut Order) -> Result<(), Error> {
    let given = &order.customer;
    let Some(email) = &given.email else {
        order.customer_id = None;
        return Ok(());
    };
    let email: Email = email.parse().map_err(|invalid| Error::Invalid(vec![Wrong::at("customer.email", invalid)]))?;
    let now = tx.now();
    let customer = Customer {
        id: drawn.customer,
        vendor: order.vendor,
        email,
        first_name: given.first_name.clone(),
        last_name: given.last_name.clone(),
        mobile: given.mobile.clone(),
        lang: given.lang.clone(),
        created_at: now,
        updated_at: now,
    };
    order.customer_id = Some(store::customers::put(tx, &customer)?.id);
    Ok(())
}

fn refused(refusal: OrderRefusal) -> Error {
    match refusal {
        OrderRefusal::WrongActor { .. } => Error::forbidden(refusal.to_string()),
        OrderRefusal::NoTickets => Error::invalid("status", "no_tickets", refusal.to_string()),
        OrderRefusal::NotAllowed { .. } | OrderRefusal::PaidElsewhere { .. } => {
            Error::invalid("status", "conflict", refusal.to_string())
        }
    }
}

fn no_event() -> Error {
    Error::invalid("event", "required", "is required, unless tickets are given")
}

fn hold_is_over() -> Error {
    Error::conflict("hold_is_over", "the order does not hold all of its tickets any more")
}

fn lost() -> Error {
    Error::conflict("changed_meanwhile", "the order was changed at the same time: read it again")
}
