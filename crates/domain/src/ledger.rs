//! The ledger: what partners owe and are owed, in double entry (`spec/domain.md`, Ledger).

use jiff::Timestamp;

use crate::id::{DealId, EntryId, EventId, OrderId, PartnerId, PaymentId, PayoutId, RefundId};
use crate::money::Money;
use crate::wire::wire_names;

/// One line of the ledger. It is written in the transaction of its cause, and never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// What it was written for.
    pub cause: Cause,
    /// The order it belongs to; the entries of an order sum to zero.
    pub order: Option<OrderId>,
    /// The event.
    pub event: Option<EventId>,
    /// The deal that the order was sold under.
    pub deal: Option<DealId>,
    /// Whose account.
    pub account: Account,
    /// Which part of the money.
    pub kind: EntryKind,
    /// What the account is owed by it; less than zero: what it owes.
    pub amount: Money,
    /// When it was written.
    pub created_at: Timestamp,
}

/// What an entry was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// An order was paid.
    Sale,
    /// A refund request was approved.
    Refund(RefundId),
    /// Money came for an order that did not wait for it any more.
    LatePayment(PaymentId),
    /// Such money was sent back.
    PaymentReturned(PaymentId),
    /// One partner paid another.
    Payout(PayoutId),
}

/// Whose account an entry is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Account {
    /// A partner's.
    Partner(PartnerId),
    /// The customers', whose money a payment system holds.
    Customer,
}

/// Which part of the money an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// What the customer paid: on the account of whoever holds it.
    Customer,
    /// The organizer's share.
    Organizer,
    /// The platform's share.
    Platform,
    /// The agent's share.
    Agent,
    /// A payout.
    Payout,
}

wire_names!(EntryKind {
    Customer = "customer",
    Organizer = "organizer",
    Platform = "platform",
    Agent = "agent",
    Payout = "payout",
});
