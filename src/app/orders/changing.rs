//! Changing an order: what a request sets of it, and in which sequence that is done.

use std::collections::BTreeMap;

use super::super::payments::{self, Asking};
use super::super::{Error, Wrong};
use super::status::set_status;
use super::work::{Was, Work};
use super::{Drawn, OrderView, Through, actor, choosing, prices};
use crate::domain::access::Caller;
use crate::domain::customer::{Customer, CustomerPatch};
use crate::domain::event::Event;
use crate::domain::id::{OrderId, SetId, TicketId};
use crate::domain::order::{Order, OrderActor, OrderPayment, OrderStatus, VendorData};
use crate::domain::payment::PaymentSystem;
use crate::domain::period::Period;
use crate::domain::pricing::NotApplied;
use crate::domain::user::Email;
use crate::store::{self, Tx, stock};

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
    /// As the request spells it, or as it is, where the request leaves it out.
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
    /// Money may be on its way: what is to be paid stays as it is.
    #[error("the order waits for its payment: its promocodes can't be changed")]
    Waits,
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

/// What came of the changes of a request.
pub(super) enum Applied {
    /// All is done, but for these promocodes.
    Done(Vec<CodeRefused>),
    /// Not all tickets can be had, and it was to be all or nothing: none is taken or given back.
    NothingToBeHad,
}

/// Applies what a request sets, in the sequence of its fields.
pub(super) fn apply(
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
    let says_where_to_mail = changes.payment.send_tickets.is_some() || changes.customer.is_some();
    if through == Through::V2
        && says_where_to_mail
        && work.order.payment.send_tickets
        && work.order.customer.email.is_none()
    {
        let message = "is required where send_tickets is true: it says where the tickets are mailed to";
        return Err(Error::invalid("settings.customer.email", "required", message));
    }

    // What follows from a status changes the tickets that stay, too, and promocodes are locked after all tickets.
    let locking_all = changes.status.is_some();
    if locking_all && changes.wish.is_none() {
        stock::lock(tx, work.order.id, &work.tickets())?;
    }
    let mut chosen = None;
    if let Some(wish) = &changes.wish {
        let chose = if changes.all_or_nothing {
            let all = tx.savepoint(|tx| match choosing::choose(tx, work, event.as_ref(), wish, locking_all)? {
                chosen if chosen.short => Err(Stop::Short),
                chosen => Ok(chosen),
            });
            match all {
                Ok(chosen) => chosen,
                Err(Stop::Short) => return Ok(Applied::NothingToBeHad),
                Err(Stop::Error(error)) => return Err(error),
            }
        } else {
            choosing::choose(tx, work, event.as_ref(), wish, locking_all)?
        };
        chosen = Some(chose);
    }
    let (mut codes, mut refused) = (changes.promocodes.as_deref(), Vec::new());
    if work.order.status != OrderStatus::Executed
        && let Some(codes) = codes.take()
    {
        refused = prices::keep_codes(tx, work, codes, through)?;
    }
    if chosen.is_some() || codes.is_some() {
        refused.extend(prices::reprice(tx, work, chosen, codes, through)?);
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
    let OrderPayment { success_url, failure_url, .. } = &mut order.payment;
    for (field, known, given) in [
        ("payment.success_url", success_url, &patch.success_url),
        ("payment.failure_url", failure_url, &patch.failure_url),
    ] {
        if let Some(given) = given
            && given != known
        {
            // The payment system was told where the customer goes.
            if order.status != OrderStatus::Executed {
                let message = format!("of an order that is {} can't be changed", order.status);
                return Err(Error::invalid(field, "conflict", message));
            }
            known.clone_from(given);
        }
    }
    if let Some(send_tickets) = patch.send_tickets {
        order.payment.send_tickets = send_tickets;
    }
    Ok(())
}

/// Finds or makes the vendor's record of an order's customer.
pub(super) fn keep_customer(tx: &mut Tx<'_>, drawn: &Drawn, order: &mut Order) -> Result<(), Error> {
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
