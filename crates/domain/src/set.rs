//! Ticket sets: categories of tickets of one event, with the steps of their price.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::id::{EventId, RuleId, SectorId, SetId};
use crate::money::Money;
use crate::period::Period;

/// The most tickets that a set may have.
pub const AMOUNT_MAX: i64 = 100_000;

/// A category of tickets of one event: one name, one price schedule, an amount; with or without seats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// Its id.
    pub id: SetId,
    /// The event.
    pub event: EventId,
    /// What it is called.
    pub name: String,
    /// More about it.
    pub description: Option<String>,
    /// Its place among the event's sets.
    pub pos: i64,
    /// How many tickets it has. 0 ..= [`AMOUNT_MAX`].
    pub amount: i64,
    /// Three capital letters that all its tickets show.
    pub serial: String,
    /// Where its seats are, for a set with seats.
    pub seats: Option<Seats>,
    /// The steps of its price, in the order in which they start.
    pub rules: Vec<Rule>,
    /// Whether it has been removed.
    pub removed: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The seats of a set, all in one sector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seats {
    /// The sector.
    pub sector: SectorId,
    /// By the name of each row, ranges of seats by their first and last, each in the row's own order.
    pub rows: BTreeMap<String, Vec<(String, String)>>,
}

/// One step of a set's price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// When it holds.
    pub cal: Period,
    /// The price before any discount; not negative.
    pub price: Money,
}

/// The rule that holds at a time: where several do, the one that starts last (of those the one made last).
///
/// `spec/domain.md`, Price.
pub fn current_rule(rules: &[Rule], now: Timestamp) -> Option<&Rule> {
    rules.iter().filter(|rule| rule.cal.contains(now)).max_by_key(|rule| (rule.cal.start, rule.id))
}

/// The rule whose price is shown where none holds: the next one, else the last one.
///
/// `spec/v1.md`, Sets.
pub fn shown_rule(rules: &[Rule], now: Timestamp) -> Option<&Rule> {
    current_rule(rules, now)
        .or_else(|| rules.iter().filter(|rule| rule.cal.start > now).min_by_key(|rule| (rule.cal.start, rule.id)))
        .or_else(|| rules.iter().max_by_key(|rule| (rule.cal.start, rule.id)))
}
