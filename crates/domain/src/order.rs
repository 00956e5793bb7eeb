//! Orders: tickets of one event held, then bought, for one customer through one vendor.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::customer::OrderCustomer;
use crate::id::{CustomerId, EventId, OrderId, PartnerId, RuleId, SetId};
use crate::money::Currency;
use crate::payment::PaymentSystem;
use crate::pricing::{Sale, Values};
use crate::wire::wire_names;

/// The most tickets that one order may have.
pub const TICKETS_MAX: usize = 1_000;

/// How long an order may wait for the vendor to say that it took the money.
pub const BASE_HOLD: SignedDuration = SignedDuration::from_hours(12);

/// Tickets of one event held, then bought, for one customer through one vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// The event.
    pub event: EventId,
    /// The event's organizer.
    pub org: PartnerId,
    /// Who sells it.
    pub vendor: PartnerId,
    /// On what terms.
    pub sale: Sale,
    /// What people call it; unique where the event is stored.
    pub number: i64,
    /// What the customer shows, once it is done: 8 characters.
    pub code: Option<String>,
    /// Where it stands, as stored; [`Order::at`] says where it stands at a time.
    pub status: OrderStatus,
    /// What it was made through.
    pub origin: Origin,
    /// Until when its tickets are held.
    pub reserved_till: Timestamp,
    /// The vendor's record of its customer, once an address is known.
    pub customer_id: Option<CustomerId>,
    /// Its customer, as it was given.
    pub customer: OrderCustomer,
    /// How it is paid.
    pub payment: OrderPayment,
    /// The rule of each set that it holds, or once held, a ticket of.
    pub rules: BTreeMap<SetId, RuleId>,
    /// What its vendor keeps with it.
    pub vendor_data: Option<VendorData>,
    /// The event's currency.
    pub currency: Currency,
    /// How many tickets it has.
    pub tickets: i64,
    /// The sums over its tickets.
    pub values: Values,
    /// Grows with each change.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was paid.
    pub done_at: Option<Timestamp>,
}

/// How an order is paid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderPayment {
    /// The payment system, once one is chosen.
    pub system: Option<PaymentSystem>,
    /// Where the customer is sent after paying.
    pub success_url: Option<String>,
    /// Where the customer is sent when paying failed.
    pub failure_url: Option<String>,
    /// Where the customer pays.
    pub redirect_url: Option<String>,
    /// Whether the tickets are mailed to the customer when the order is done.
    pub send_tickets: bool,
}

/// What a vendor keeps with an order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct VendorData {
    /// The vendor's own name of the order; at most 64 characters.
    pub order_id: Option<String>,
    /// Anything else, scalars as JSON texts by name: at most 20.
    pub raw: BTreeMap<String, String>,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// It holds its tickets.
    Executed,
    /// It waits for its payment.
    InProgress,
    /// It is paid; its tickets are sold.
    Done,
    /// It was given up.
    Canceled,
    /// It was not paid in time.
    Expired,
    /// Every ticket was given back.
    Refunded,
}

wire_names!(OrderStatus {
    Executed = "executed",
    InProgress = "in_progress",
    Done = "done",
    Canceled = "canceled" | "cancelled",
    Expired = "expired",
    Refunded = "refunded",
});

/// What an order was made through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The API.
    Api,
    /// A box office.
    Salespoint,
    /// A page of the storefront.
    Widget,
    /// The back office.
    ControlPanel,
}

wire_names!(Origin { Api = "api", Salespoint = "salespoint", Widget = "widget", ControlPanel = "control_panel" });

/// Who changes the status of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderActor {
    /// Its vendor, through v1.
    Vendor,
    /// Its vendor, through v2: the vendor took the money before it says so.
    VendorAtOnce,
    /// The organizer of its event.
    Organizer,
    /// The signed callback of the order's payment system.
    PaymentSystem,
    /// What happens by itself: expiry, the end of the event, the last refund.
    System,
}

/// What has to follow a change of an order's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusChange {
    /// Nothing changes.
    Nothing,
    /// The tickets stay held; the hold is prolonged by the payment system.
    Wait,
    /// The tickets are sold, the money is entered into the ledger.
    Sell,
    /// The tickets are given back.
    Release(OrderStatus),
    /// Nothing is left of what was sold.
    Refund,
}

/// Why an order's status does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefusal {
    /// The table has no such change.
    #[error("an order can't go from {from} to {to}")]
    NotAllowed {
        /// Where it stands.
        from: OrderStatus,
        /// Where it was to go.
        to: OrderStatus,
    },
    /// Someone else may change it so.
    #[error("the order can't be set from {from} to {to} by you")]
    WrongActor {
        /// Where it stands.
        from: OrderStatus,
        /// Where it was to go.
        to: OrderStatus,
    },
    /// Only the payment system says when it is paid.
    #[error("the order goes from {from} to done when its payment system says that it is paid")]
    PaidElsewhere {
        /// Where it stands.
        from: OrderStatus,
    },
    /// There is nothing to pay for.
    #[error("there is no tickets in order")]
    NoTickets,
}

impl Order {
    /// The order as it is at a time: one whose hold is over has expired.
    pub fn at(mut self, now: Timestamp) -> Self {
        if self.holds_tickets() && self.reserved_till <= now {
            self.status = OrderStatus::Expired;
            self.updated_at = self.reserved_till;
        }
        self
    }

    /// Whether its tickets are reserved for it, as stored.
    pub fn holds_tickets(&self) -> bool {
        matches!(self.status, OrderStatus::Executed | OrderStatus::InProgress)
    }

    /// Whether the whole sum comes by the vendor: no payment system collects it, or there is nothing to collect.
    pub fn paid_by_vendor(&self) -> bool {
        self.values.full.minor == 0 || self.payment.system.is_none_or(|system| system == PaymentSystem::Base)
    }

    /// What a change of its status means, by the table of `spec/domain.md`, Orders. The order is taken as it is at the time
    /// ([`Order::at`]).
    ///
    /// # Errors
    /// [`OrderRefusal`], which says why.
    pub fn change_status(&self, to: OrderStatus, actor: OrderActor) -> Result<StatusChange, OrderRefusal> {
        use OrderStatus::{Canceled, Done, Executed, Expired, InProgress, Refunded};
        let from = self.status;
        if from == to {
            return Ok(StatusChange::Nothing);
        }
        let vendor = matches!(actor, OrderActor::Vendor | OrderActor::VendorAtOnce);
        match (from, to) {
            (Executed | InProgress, Expired) | (Done, Refunded) if actor == OrderActor::System => {
                Ok(if to == Refunded { StatusChange::Refund } else { StatusChange::Release(to) })
            }
            (Executed | InProgress, Canceled) => match actor {
                OrderActor::PaymentSystem => Err(OrderRefusal::WrongActor { from, to }),
                _ => Ok(StatusChange::Release(Canceled)),
            },
            (Executed, InProgress) | (Executed | InProgress, Done) if self.tickets == 0 => Err(OrderRefusal::NoTickets),
            (Executed, InProgress) if actor == OrderActor::Vendor => Ok(StatusChange::Wait),
            (Executed, Done) if actor == OrderActor::VendorAtOnce && self.paid_by_vendor() => Ok(StatusChange::Sell),
            (InProgress, Done) if vendor && self.paid_by_vendor() => Ok(StatusChange::Sell),
            (InProgress, Done) if actor == OrderActor::PaymentSystem => Ok(StatusChange::Sell),
            (InProgress, Done) if vendor => Err(OrderRefusal::PaidElsewhere { from }),
            (Executed, Done) if actor == OrderActor::VendorAtOnce => Err(OrderRefusal::PaidElsewhere { from }),
            (Executed, InProgress) | (InProgress, Done) => Err(OrderRefusal::WrongActor { from, to }),
            _ => Err(OrderRefusal::NotAllowed { from, to }),
        }
    }
}
