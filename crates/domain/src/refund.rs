//! Refund requests: the return of tickets of a done order (`spec/domain.md`, Refunds).

use jiff::Timestamp;

use crate::id::{EventId, OrderId, PartnerId, RefundId, TicketId};
use crate::money::Money;
use crate::payment::PaymentSystem;
use crate::pricing::Sale;
use crate::terms::Split;
use crate::wire::wire_names;

/// The return of tickets of a done order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// The order.
    pub order: OrderId,
    /// The event.
    pub event: EventId,
    /// The event's organizer.
    pub org: PartnerId,
    /// Who sold the order.
    pub vendor: PartnerId,
    /// Whose decision it is.
    pub culprit: Culprit,
    /// Where it stands.
    pub status: RefundStatus,
    /// How the order was paid.
    pub payment_system: Option<PaymentSystem>,
    /// The tickets that are given back, in the order of the order.
    pub tickets: Vec<TicketId>,
    /// The sum of their nominals.
    pub nominal: Money,
    /// What the customer gets.
    pub customer_money: Money,
    /// When the customer asked for it.
    pub requested_at: Timestamp,
    /// When it was approved or rejected.
    pub finished_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Whose decision a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Culprit {
    /// The organizer's: it cancelled the event.
    Org,
    /// The customer's.
    User,
}

wire_names!(Culprit { Org = "org", User = "user" });

/// Where a refund request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundStatus {
    /// It waits for an answer.
    New,
    /// A payment provider sends the money back; v1 shows it as `new`.
    InProgress,
    /// The tickets are back on sale.
    Approved,
    /// Refused.
    Rejected,
}

wire_names!(RefundStatus { New = "new", InProgress = "in_progress", Approved = "approved", Rejected = "rejected" });

/// What comes back of one ticket's money when it is refunded: `customer = org + core + agent`, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Returned {
    /// What the customer gets.
    pub customer: Money,
    /// What the organizer returns of its share.
    pub org: Money,
    /// What the platform returns of its share.
    pub core: Money,
    /// What the agent returns of its share; less than zero where the others return more than the customer gets.
    pub agent: Money,
}

impl Returned {
    /// By the table of `spec/domain.md`, Refunds.
    ///
    /// An organizer that sold its own event is vendor and organizer in one: where the customer gives the ticket back, it
    /// keeps its service fee, as an agent keeps the surcharge, and the platform returns its commission, as without `pfc`.
    ///
    /// `None` where an amount is beyond 64 bits.
    pub fn of(sale: &Sale, split: &Split, culprit: Culprit) -> Option<Self> {
        let Split { nominal, full, org, core, agent, .. } = *split;
        let returned = match (culprit, sale) {
            (Culprit::Org, _) => Self { customer: full, org, core, agent },
            (Culprit::User, Sale::Own { .. }) => {
                Self { customer: nominal, org: nominal.checked_sub(core)?, core, agent: Money::zero(nominal.currency) }
            }
            (Culprit::User, Sale::Deal { terms, .. }) => {
                let core = if terms.pfc { Money::zero(nominal.currency) } else { core };
                Self { customer: nominal, org, core, agent: nominal.checked_sub(org)?.checked_sub(core)? }
            }
        };
        Some(returned)
    }
}
