//! Orders: tickets of one event held, then bought, for one customer through one vendor.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::customer::OrderCustomer;
use crate::id::{CustomerId, EventId, OrderId, PartnerId, RuleId, SetId};
use crate::money::Currency;
use crate::payment::PaymentSystem;
use crate::pricing::{Sale, Values};
use crate::wire::wire_names;

/// The most tickets that one order may have.
pub const TICKETS_MAX: usize = 1_000;

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
    /// The rule of each set that it has a ticket of, fixed by the first one.
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

impl OrderStatus {
    /// Its name in version 2 of the API.
    pub const fn name_v2(self) -> &'static str {
        match self {
            Self::Canceled => "cancelled",
            other => other.as_str(),
        }
    }
}

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

    /// Whether its vendor may say that it is paid: no payment system collects the money, or there is none to collect.
    fn paid_by_vendor(&self) -> bool {
        self.values.full.minor == 0 || self.payment.system.is_none_or(|system| !system.collects())
    }

    /// Until when its tickets are held once it waits for its payment; never less long than before.
    pub fn waits_till(&self, now: Timestamp) -> Timestamp {
        let hold = self.payment.system.unwrap_or(PaymentSystem::Base).hold();
        now.checked_add(hold).unwrap_or(Timestamp::MAX).max(self.reserved_till)
    }

    /// What a change of its status means, by the table of `spec/domain.md`, Orders. The order is taken as it is at the time
    /// ([`Order::at`]).
    ///
    /// An order that costs nothing is done without a payment: its vendor says so, whatever the payment system.
    ///
    /// # Errors
    /// [`OrderRefusal`], which says why.
    pub fn change_status(&self, to: OrderStatus, actor: OrderActor) -> Result<StatusChange, OrderRefusal> {
        use OrderActor::{Organizer, PaymentSystem, System, Vendor, VendorAtOnce};
        use OrderStatus::{Canceled, Done, Executed, Expired, InProgress, Refunded};
        let from = self.status;
        let paid = || match actor {
            _ if self.tickets == 0 => Err(OrderRefusal::NoTickets),
            Vendor | VendorAtOnce if !self.paid_by_vendor() => Err(OrderRefusal::PaidElsewhere { from }),
            _ => Ok(StatusChange::Sell),
        };
        match (from, to, actor) {
            _ if from == to => Ok(StatusChange::Nothing),
            (Executed | InProgress, Canceled, Vendor | VendorAtOnce | Organizer | System) => {
                Ok(StatusChange::Release(Canceled))
            }
            (Executed | InProgress, Expired, System) => Ok(StatusChange::Release(Expired)),
            (Done, Refunded, System) => Ok(StatusChange::Refund),
            (Executed, InProgress, Vendor) if self.tickets == 0 => Err(OrderRefusal::NoTickets),
            (Executed, InProgress, Vendor) => Ok(StatusChange::Wait),
            (Executed, Done, VendorAtOnce) | (InProgress, Done, Vendor | VendorAtOnce) => paid(),
            (InProgress, Done, PaymentSystem) if self.payment.system.is_some_and(|system| system.collects()) => paid(),
            (Executed | InProgress, Canceled, PaymentSystem)
            | (Executed, InProgress, Organizer | PaymentSystem | System)
            | (InProgress, Done, Organizer | PaymentSystem | System) => Err(OrderRefusal::WrongActor { from, to }),
            _ => Err(OrderRefusal::NotAllowed { from, to }),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::id::DealId;
    use crate::money::Money;
    use crate::share::Share;
    use crate::terms::Terms;
    use crate::wire::check_wire_names;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// An order of one ticket for 10.00, held until the second 100.
    pub(crate) fn order(status: OrderStatus) -> Order {
        let currency: Currency = "RUB".parse().unwrap();
        let money = |minor| Money { minor, currency };
        let terms = Terms::new(Share::ZERO, Share::ZERO, Share::ZERO, false).unwrap();
        Order {
            id: OrderId::from_bytes([1; 12]),
            event: EventId::from_bytes([2; 12]),
            org: PartnerId::from_bytes([3; 12]),
            vendor: PartnerId::from_bytes([4; 12]),
            sale: Sale::Deal { deal: DealId::from_bytes([5; 12]), terms },
            number: 1_000_000_000,
            code: None,
            status,
            origin: Origin::Api,
            reserved_till: second(100),
            customer_id: None,
            customer: OrderCustomer::default(),
            payment: OrderPayment::default(),
            rules: BTreeMap::new(),
            vendor_data: None,
            currency,
            tickets: 1,
            values: Values { discount: money(0), nominal: money(1_000), extra: money(0), full: money(1_000) },
            version: 1,
            created_at: second(1),
            updated_at: second(1),
            done_at: None,
        }
    }

    /// What an order is paid with.
    const PAID: [(&str, Option<PaymentSystem>, i64); 5] = [
        ("nothing chosen", None, 1_000),
        ("api/BASE", Some(PaymentSystem::Base), 1_000),
        ("a system", Some(PaymentSystem::Test), 1_000),
        ("a system, 0.00", Some(PaymentSystem::Test), 0),
        ("api/BASE, 0.00", Some(PaymentSystem::Base), 0),
    ];

    /// For each status and actor, what comes of each status: of an order with tickets that the vendor takes the money for.
    /// `=` nothing, `w` waits, `s` sells, `c` and `e` are given back, `r` nothing is left, `x` no such change, `-` not by
    /// this actor.
    const TABLE: &str = "
        from        actor          executed in_progress done canceled expired refunded
        executed    vendor         =        w           x    c        x       x
        executed    at_once        =        x           s    c        x       x
        executed    organizer      =        -           x    c        x       x
        executed    payment_system =        -           x    -        x       x
        executed    system         =        -           x    c        e       x
        in_progress vendor         x        =           s    c        x       x
        in_progress at_once        x        =           s    c        x       x
        in_progress organizer      x        =           -    c        x       x
        in_progress payment_system x        =           -    -        x       x
        in_progress system         x        =           -    c        e       x
        done        vendor         x        x           =    x        x       x
        done        at_once        x        x           =    x        x       x
        done        organizer      x        x           =    x        x       x
        done        payment_system x        x           =    x        x       x
        done        system         x        x           =    x        x       r
        canceled    vendor         x        x           x    =        x       x
        canceled    at_once        x        x           x    =        x       x
        canceled    organizer      x        x           x    =        x       x
        canceled    payment_system x        x           x    =        x       x
        canceled    system         x        x           x    =        x       x
        expired     vendor         x        x           x    x        =       x
        expired     at_once        x        x           x    x        =       x
        expired     organizer      x        x           x    x        =       x
        expired     payment_system x        x           x    x        =       x
        expired     system         x        x           x    x        =       x
        refunded    vendor         x        x           x    x        x       =
        refunded    at_once        x        x           x    x        x       =
        refunded    organizer      x        x           x    x        x       =
        refunded    payment_system x        x           x    x        x       =
        refunded    system         x        x           x    x        x       =
    ";

    fn actor(name: &str) -> OrderActor {
        match name {
            "vendor" => OrderActor::Vendor,
            "at_once" => OrderActor::VendorAtOnce,
            "organizer" => OrderActor::Organizer,
            "payment_system" => OrderActor::PaymentSystem,
            _ => OrderActor::System,
        }
    }

    #[test]
    fn every_change_of_status_by_everybody_is_as_the_table_says() {
        let rows: Vec<Vec<&str>> = TABLE.lines().skip(2).map(|row| row.split_whitespace().collect()).collect();
        let rows: Vec<_> = rows.into_iter().filter(|row| !row.is_empty()).collect();
        assert_eq!(rows.len(), OrderStatus::ALL.len() * 5);
        for row in rows {
            let (from, by) = (row[0].parse().unwrap(), actor(row[1]));
            for (to, outcome) in OrderStatus::ALL.iter().copied().zip(&row[2..]) {
                for (paid_with, system, full) in PAID {
                    for tickets in [0, 1] {
                        let mut order = order(from);
                        order.payment.system = system;
                        order.tickets = tickets;
                        order.values.full.minor = full;
                        let by_callback = (from, to, by)
                            == (OrderStatus::InProgress, OrderStatus::Done, OrderActor::PaymentSystem)
                            && system == Some(PaymentSystem::Test);
                        let expected = match *outcome {
                            "-" if by_callback && tickets == 0 => Err(OrderRefusal::NoTickets),
                            "-" if by_callback => Ok(StatusChange::Sell),
                            "=" => Ok(StatusChange::Nothing),
                            "w" | "s" if tickets == 0 => Err(OrderRefusal::NoTickets),
                            "w" => Ok(StatusChange::Wait),
                            "s" if paid_with == "a system" => Err(OrderRefusal::PaidElsewhere { from }),
                            "s" => Ok(StatusChange::Sell),
                            "c" => Ok(StatusChange::Release(OrderStatus::Canceled)),
                            "e" => Ok(StatusChange::Release(OrderStatus::Expired)),
                            "r" => Ok(StatusChange::Refund),
                            "-" => Err(OrderRefusal::WrongActor { from, to }),
                            _ => Err(OrderRefusal::NotAllowed { from, to }),
                        };
                        let found = order.change_status(to, by);
                        assert_eq!(found, expected, "{from} to {to} by {by:?}, {paid_with}, {tickets} tickets");
                    }
                }
            }
        }
    }

    #[test]
    fn an_order_whose_hold_is_over_has_expired_then() {
        for status in OrderStatus::ALL.iter().copied() {
            let order = order(status);
            assert_eq!(order.clone().at(second(99)), order, "{status}");
            let over = order.clone().at(second(100));
            if order.holds_tickets() {
                assert_eq!((over.status, over.updated_at), (OrderStatus::Expired, second(100)));
            } else {
                assert_eq!(over, order);
            }
            assert_eq!(order.at(second(1_000)), over);
        }
    }

    #[test]
    fn waiting_for_a_payment_prolongs_the_hold_by_the_time_of_the_system_and_never_shortens_it() {
        let mut order = order(OrderStatus::Executed);
        assert_eq!(order.waits_till(second(50)), second(50 + 12 * 3_600));
        order.payment.system = Some(PaymentSystem::Base);
        assert_eq!(order.waits_till(second(50)), second(50 + 12 * 3_600));
        order.payment.system = Some(PaymentSystem::Test);
        assert_eq!(order.waits_till(second(50)), second(50 + 20 * 60));
        order.reserved_till = second(3_600);
        assert_eq!(order.waits_till(second(50)), second(3_600));
    }

    #[test]
    fn the_words_of_orders() {
        check_wire_names(OrderStatus::ALL, &["executed", "in_progress", "done", "canceled", "expired", "refunded"]);
        assert_eq!("cancelled".parse(), Ok(OrderStatus::Canceled));
        check_wire_names(Origin::ALL, &["api", "salespoint", "widget", "control_panel"]);
    }
}
