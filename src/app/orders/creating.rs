//! Making an order.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::super::callers::acting;
use super::super::{Error, Installation};
use super::changing::{Applied, apply, keep_customer};
use super::work::{Was, Work};
use super::{ATTEMPTS, Changed, Changes, Drawn, Through, Wanted, actor, choosing, drawn};
use crate::domain::access::Caller;
use crate::domain::customer::OrderCustomer;
use crate::domain::id::{Bucket, DealId, EventId};
use crate::domain::member::Right;
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderPayment, OrderStatus, Origin};
use crate::domain::pricing::Values;
use crate::store::stock::Counts;
use crate::store::{self, Tx};

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

pub(super) fn no_event() -> Error {
    Error::invalid("event", "required", "is required, unless tickets are given")
}
