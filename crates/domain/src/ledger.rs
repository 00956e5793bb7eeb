//! The ledger: what partners owe and are owed, in double entry (`spec/domain.md`, Ledger).
//!
//! What happens to money is told as [`Posting`]s, which sum to zero; stored, each is an [`Entry`]. Those of one cause are
//! at most [`POSTINGS_MAX`]: one for an account and a kind, summed over all tickets, whose own shares stay with the order.

use jiff::Timestamp;

use crate::id::{DealId, EntryId, EventId, OrderId, PartnerId, PaymentId, PayoutId, RefundId};
use crate::money::{Currency, Money};
use crate::order::Order;
use crate::pricing::Line;
use crate::refund::{Culprit, Returned};
use crate::wire::wire_names;

/// The most postings that one cause has: what the customer pays, and a share each of organizer, platform and agent.
pub const POSTINGS_MAX: usize = 4;

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

impl Cause {
    /// Every word of a cause.
    pub const WORDS: &[&str] = &["sale", "refund", "late_payment", "payment_returned", "payout"];

    /// The word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Refund(_) => "refund",
            Self::LatePayment(_) => "late_payment",
            Self::PaymentReturned(_) => "payment_returned",
            Self::Payout(_) => "payout",
        }
    }

    /// The refund request.
    pub const fn refund(&self) -> Option<RefundId> {
        if let Self::Refund(refund) = self { Some(*refund) } else { None }
    }

    /// The payment.
    pub const fn payment(&self) -> Option<PaymentId> {
        if let Self::LatePayment(payment) | Self::PaymentReturned(payment) = self { Some(*payment) } else { None }
    }

    /// The payout.
    pub const fn payout(&self) -> Option<PayoutId> {
        if let Self::Payout(payout) = self { Some(*payout) } else { None }
    }
}

/// Whose account an entry is on.
///
/// The platform has one account, whichever of its partners hold the role `core`: there may be several of them, or none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Account {
    /// A partner's.
    Partner(PartnerId),
    /// The platform's: its commissions, and the money that it collects.
    Platform,
    /// The customers', whose money came too late and is not sent back yet.
    Customer,
}

impl Account {
    /// Every word of an account.
    pub const WORDS: &[&str] = &["partner", "platform", "customer"];

    /// The word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Partner(_) => "partner",
            Self::Platform => "platform",
            Self::Customer => "customer",
        }
    }

    /// The partner, of a partner's account.
    pub const fn partner(&self) -> Option<PartnerId> {
        if let Self::Partner(partner) = self { Some(*partner) } else { None }
    }

    /// The account with this word and partner.
    pub fn of(word: &str, partner: Option<PartnerId>) -> Option<Self> {
        match (word, partner) {
            ("partner", Some(partner)) => Some(Self::Partner(partner)),
            ("platform", None) => Some(Self::Platform),
            ("customer", None) => Some(Self::Customer),
            _ => None,
        }
    }
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

/// What an entry says, before it is one: so much for this account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// Whose account.
    pub account: Account,
    /// Which part of the money.
    pub kind: EntryKind,
    /// What the account is owed by it; less than zero: what it owes.
    pub amount: Money,
}

/// Who holds the money that an order's customer paid: the platform what it collects through a payment system, the vendor
/// everything else. It stays the same when all of the money has been given back.
pub fn holder(order: &Order) -> Account {
    match order.payment.system {
        Some(system) if system.collects() => Account::Platform,
        _ => Account::Partner(order.vendor),
    }
}

/// What becomes of the money of a paid order: the holder owes what the customer paid, and organizer, platform and agent
/// are owed their shares. `None` where a sum is beyond 64 bits.
pub fn sale(order: &Order, lines: &[Line]) -> Option<Vec<Posting>> {
    let mut shares = Shares::default();
    for line in lines {
        let split = &line.split;
        shares.add(split.full, split.org, split.core, split.agent)?;
    }
    shares.postings(order, 1)
}

/// What becomes of the money of tickets that are given back: the holder pays the customer, and everyone returns a part of
/// its share, by the table of `spec/domain.md`, Refunds. `None` where a sum is beyond 64 bits.
pub fn refund(order: &Order, lines: &[Line], culprit: Culprit) -> Option<Vec<Posting>> {
    let mut shares = Shares::default();
    for line in lines {
        let Returned { customer, org, core, agent } = Returned::of(&order.sale, &line.split, culprit)?;
        shares.add(customer, org, core, agent)?;
    }
    shares.postings(order, -1)
}

/// What becomes of money that came when its order did not wait for it any more: the platform owes it to the customer. `None`
/// for an amount whose opposite is beyond 64 bits.
pub fn late_payment(amount: Money) -> Option<Vec<Posting>> {
    transfer(Account::Platform, Account::Customer, amount, EntryKind::Customer)
}

/// What becomes of such money when it is sent back. `None` as of [`late_payment`].
pub fn payment_returned(amount: Money) -> Option<Vec<Posting>> {
    transfer(Account::Customer, Account::Platform, amount, EntryKind::Customer)
}

/// What becomes of money that one account's owner paid to another's: the payer owes less, the other is owed less. `None`
/// as of [`late_payment`].
pub fn payout(from: Account, to: Account, amount: Money) -> Option<Vec<Posting>> {
    transfer(to, from, amount, EntryKind::Payout)
}

/// Makes one account owe an amount, and another be owed it.
fn transfer(owing: Account, owed: Account, amount: Money, kind: EntryKind) -> Option<Vec<Posting>> {
    if amount.minor == 0 {
        return Some(Vec::new());
    }
    let owes = Money { minor: amount.minor.checked_neg()?, ..amount };
    Some(vec![Posting { account: owing, kind, amount: owes }, Posting { account: owed, kind, amount }])
}

/// Sums over tickets, in minor units.
#[derive(Default)]
struct Shares {
    customer: i64,
    org: i64,
    core: i64,
    agent: i64,
}

impl Shares {
    fn add(&mut self, customer: Money, org: Money, core: Money, agent: Money) -> Option<()> {
        for (sum, share) in
            [(&mut self.customer, customer), (&mut self.org, org), (&mut self.core, core), (&mut self.agent, agent)]
        {
            *sum = sum.checked_add(share.minor)?;
        }
        Some(())
    }

    /// `sign` is that of the shares; what the customer pays goes the other way.
    fn postings(&self, order: &Order, sign: i64) -> Option<Vec<Posting>> {
        let mut postings = Vec::with_capacity(POSTINGS_MAX);
        for (account, kind, minor) in [
            (holder(order), EntryKind::Customer, self.customer.checked_neg()?),
            (Account::Partner(order.org), EntryKind::Organizer, self.org),
            (Account::Platform, EntryKind::Platform, self.core),
            (Account::Partner(order.vendor), EntryKind::Agent, self.agent),
        ] {
            let amount = Money { minor: minor.checked_mul(sign)?, currency: order.currency };
            if amount.minor != 0 {
                postings.push(Posting { account, kind, amount });
            }
        }
        Some(postings)
    }
}

/// The sum of postings; zero for those of one cause. `None` beyond 64 bits, and where currencies differ.
pub fn sum(postings: &[Posting], currency: Currency) -> Option<Money> {
    postings.iter().try_fold(Money::zero(currency), |sum, posting| sum.checked_add(posting.amount))
}
