//! Payments: money for an order through a payment system.

use jiff::{SignedDuration, Timestamp};

use crate::id::{ObjectId, OrderId, PaymentId};
use crate::money::Money;
use crate::wire::wire_names;

/// The payment systems of this platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentSystem {
    /// The vendor takes the money, and says so.
    Base,
    /// Behaves like a provider of payments, without money: for the demo and for tests.
    Test,
}

wire_names!(PaymentSystem { Base = "api/BASE", Test = "test" });

impl PaymentSystem {
    /// The id that answers name it by.
    pub const fn id(self) -> ObjectId {
        match self {
            Self::Base => ObjectId::from_bytes(*b"\x50\x00\x00\x00pay-base"),
            Self::Test => ObjectId::from_bytes(*b"\x50\x00\x00\x00pay-test"),
        }
    }

    /// The system with this id.
    pub fn by_id(id: ObjectId) -> Option<Self> {
        Self::ALL.iter().copied().find(|system| system.id() == id)
    }

    /// How long an order may wait for money through it.
    pub const fn hold(self) -> SignedDuration {
        match self {
            Self::Base => SignedDuration::from_hours(12),
            Self::Test => SignedDuration::from_mins(20),
        }
    }

    /// Whether the platform collects the customer's money, not the vendor.
    pub const fn collects(self) -> bool {
        !matches!(self, Self::Base)
    }
}

/// Money for an order through a payment system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// The order.
    pub order: OrderId,
    /// The payment system.
    pub system: PaymentSystem,
    /// The system's own name of it: it counts once.
    pub external_id: Option<String>,
    /// Where it stands.
    pub status: PaymentStatus,
    /// How much.
    pub amount: Money,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// The customer has been sent to pay.
    Pending,
    /// It came in time and paid for the order.
    Paid,
    /// It came when there was nothing to pay for any more: owed to the customer, and sent back by a job.
    Owed,
    /// It has been sent back.
    Returned,
}

wire_names!(PaymentStatus { Pending = "pending", Paid = "paid", Owed = "owed", Returned = "returned" });
