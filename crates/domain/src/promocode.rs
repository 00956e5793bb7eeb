//! Promocodes: codes that take a discount off tickets of one event.

use jiff::Timestamp;

use crate::id::{EventId, PromocodeId, SetId};
use crate::money::Money;
use crate::period::Period;
use crate::share::Percent;

/// A code that takes a discount off tickets of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promocode {
    /// Its id.
    pub id: PromocodeId,
    /// The event.
    pub event: EventId,
    /// What customers type; compared without case.
    pub code: String,
    /// What its makers call it.
    pub name: Option<String>,
    /// More about it.
    pub desc: Option<String>,
    /// What it takes off each ticket.
    pub discount: Discount,
    /// How many tickets it may be used for; none: any number.
    pub amount: Option<i64>,
    /// The least and the most tickets in its sets that an order may have for it to give anything.
    pub tickets_count: TicketsCount,
    /// When it may be applied; none: always.
    pub lifetime: Option<Period>,
    /// The sets it is for; none: all.
    pub sets: Vec<SetId>,
    /// How many tickets of live orders have it.
    pub held: i64,
    /// How many tickets of done orders have it.
    pub used: i64,
    /// Whether it has been removed.
    pub removed: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a promocode takes off a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discount {
    /// A part of the price. 0% ..= 100%.
    Percentage(Percent),
    /// An amount; not negative.
    Fix(Money),
}

/// Bounds on the number of an order's tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TicketsCount {
    /// The least number.
    pub min: Option<i64>,
    /// The largest number.
    pub max: Option<i64>,
}

impl TicketsCount {
    /// Whether a number is within.
    pub fn contains(&self, count: i64) -> bool {
        self.min.is_none_or(|min| count >= min) && self.max.is_none_or(|max| count <= max)
    }
}

impl Discount {
    /// What it takes off a price: rounded half to even, never more than the price.
    pub fn of(&self, price: Money) -> Money {
        let minor = match self {
            Self::Percentage(percent) => crate::share::Share::Percent(*percent).of(price.minor).unwrap_or(price.minor),
            Self::Fix(amount) => amount.minor,
        };
        Money { minor: minor.clamp(0, price.minor.max(0)), currency: price.currency }
    }
}

impl Promocode {
    /// Whether it is for tickets of a set.
    pub fn is_for(&self, set: SetId) -> bool {
        self.sets.is_empty() || self.sets.contains(&set)
    }

    /// Whether it may be given to an order now.
    pub fn holds(&self, now: Timestamp) -> bool {
        !self.removed && self.lifetime.is_none_or(|lifetime| lifetime.contains(now))
    }

    /// How many uses are left; none: any number.
    pub fn left(&self) -> Option<i64> {
        self.amount.map(|amount| (amount - self.held - self.used).max(0))
    }
}
