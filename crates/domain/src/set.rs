//! Ticket sets: categories of tickets of one event, with the steps of their price.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::id::{EventId, RuleId, SectorId, SetId};
use crate::invalid::Invalid;
use crate::money::Money;
use crate::period::Period;

/// The most tickets that a set may have.
pub const AMOUNT_MAX: i64 = 100_000;

/// The most sets that an event may have: they are shown with it, all together.
pub const SETS_MAX: usize = 200;

/// The most steps that a set's price may have.
pub const RULES_MAX: usize = 100;

/// The highest price, in minor units: the sum of an order of a thousand such tickets with a tenfold surcharge can be counted
/// in 64 bits, and so can the sum of all orders of an event.
pub const PRICE_MAX: i64 = 1_000_000_000_000;

/// The last place that a set may have among those of its event.
pub const POS_MAX: i64 = 1_000_000;

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
    /// What was taken away of it, or was left when it was removed, and is there still.
    pub surplus: Option<Surplus>,
    /// Whether it has been removed.
    pub removed: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Vacant tickets beyond the amount of their set: nobody gets one any more, and they are removed part by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surplus {
    /// How many they are; more than 0.
    pub amount: i64,
    /// They are among the vacant tickets with this number or a higher one.
    pub from: i64,
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

/// A number of tickets that a set may have.
///
/// # Errors
/// `out_of_range`.
pub fn check_amount(amount: i64) -> Result<i64, Invalid> {
    between(amount, AMOUNT_MAX)
}

/// A place among the sets of an event.
///
/// # Errors
/// `out_of_range`.
pub fn check_pos(pos: i64) -> Result<i64, Invalid> {
    between(pos, POS_MAX)
}

fn between(number: i64, max: i64) -> Result<i64, Invalid> {
    if (0..=max).contains(&number) {
        return Ok(number);
    }
    Err(Invalid::out_of_range(format!("must be a whole number between 0 and {max}")))
}

/// A price that a rule may have.
///
/// # Errors
/// `out_of_range`.
pub fn check_price(price: Money) -> Result<Money, Invalid> {
    if price.minor < 0 {
        return Err(Invalid::out_of_range("must not be negative"));
    }
    if price.minor > PRICE_MAX {
        let max = Money { minor: PRICE_MAX, ..price };
        return Err(Invalid::out_of_range(format!("must be at most {max}")));
    }
    Ok(price)
}

/// Three capital letters, drawn by three random bytes.
pub fn serial(drawn: [u8; 3]) -> String {
    drawn.iter().map(|byte| char::from(b'A' + byte % 26)).collect()
}

impl Set {
    /// Whether all places of its tickets are named.
    pub fn with_seats(&self) -> bool {
        self.seats.is_some()
    }
}

/// The rules of a set after a change that gives all of them anew, in the order in which they start. One that names a former
/// rule, or says the same as one, keeps its id as long as the price stays: orders keep the price that they began with, so
/// another price makes another rule.
///
/// # Errors
/// Which of the given rules is wrong (counted from 0), and why.
pub fn replace_rules(
    former: &[Rule],
    given: &[(Option<RuleId>, Period, Money)],
    new_ids: &[RuleId],
) -> Result<Vec<Rule>, (usize, Invalid)> {
    let mut new_ids = new_ids.iter();
    let mut rules: Vec<Rule> = Vec::with_capacity(given.len());
    for (at, (id, cal, price)) in given.iter().enumerate() {
        let price = check_price(*price).map_err(|invalid| (at, invalid))?;
        let free =
            |rule: &&Rule| given.iter().all(|(id, ..)| *id != Some(rule.id)) && !rules.iter().any(|r| r.id == rule.id);
        let kept = match id {
            Some(id) => {
                if given.iter().take(at).any(|(earlier, ..)| *earlier == Some(*id)) {
                    return Err((at, Invalid::conflict("names the same rule as one before it")));
                }
                let named = former.iter().find(|rule| rule.id == *id);
                let named = named.ok_or_else(|| (at, Invalid::unknown("the set has no rule with this id")))?;
                (named.price == price).then_some(named.id)
            }
            None => former.iter().filter(free).find(|rule| rule.cal == *cal && rule.price == price).map(|rule| rule.id),
        };
        let Some(id) = kept.or_else(|| new_ids.next().copied()) else {
            return Err((at, Invalid::out_of_range(format!("must not have more than {RULES_MAX} items"))));
        };
        rules.push(Rule { id, cal: *cal, price });
    }
    rules.sort_by_key(|rule| (rule.cal.start, rule.id));
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    fn rub() -> Currency {
        "RUB".parse().unwrap()
    }

    fn rule_id(number: u8) -> RuleId {
        let mut bytes = [0; 12];
        bytes[11] = number;
        RuleId::from_bytes(bytes)
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn cal(start: i64, end: i64) -> Period {
        Period::new(second(start), second(end)).unwrap()
    }

    fn rule(number: u8, start: i64, end: i64) -> Rule {
        Rule {
            id: rule_id(number),
            cal: cal(start, end),
            price: Money { minor: i64::from(number) * 100, currency: rub() },
        }
    }

    #[test]
    fn the_rule_that_holds_is_the_one_that_starts_last_and_one_is_always_shown() {
        /// A rule's number, start and end.
        type Step = (u8, i64, i64);
        /// The rules, the time, which of them holds, which is shown.
        type Case<'a> = (&'a [Step], i64, Option<u8>, Option<u8>);
        #[rustfmt::skip]
        let table: [Case<'_>; 13] = [
            (&[], 10, None, None),
            (&[(1, 0, 20)], 10, Some(1), Some(1)),
            // The start belongs to the period, the end does not.
            (&[(1, 10, 20)], 10, Some(1), Some(1)),
            (&[(1, 10, 20)], 19, Some(1), Some(1)),
            (&[(1, 10, 20)], 20, None, Some(1)),
            (&[(1, 10, 20)], 9, None, Some(1)),
            // Of several that hold, the one that starts last, wherever it ends and stands.
            (&[(1, 0, 20), (2, 5, 15)], 10, Some(2), Some(2)),
            (&[(2, 5, 15), (1, 0, 20)], 10, Some(2), Some(2)),
            (&[(1, 0, 20), (2, 5, 15)], 16, Some(1), Some(1)),
            (&[(1, 0, 20), (2, 0, 20)], 10, Some(2), Some(2)),
            // In between: the next one, not the last.
            (&[(1, 0, 5), (2, 20, 30), (3, 40, 50)], 10, None, Some(2)),
            (&[(3, 40, 50), (2, 20, 30), (1, 0, 5)], 10, None, Some(2)),
            // Over: the last one.
            (&[(1, 0, 5), (2, 2, 4)], 10, None, Some(2)),
        ];
        for (rules, now, holds, shown) in table {
            let rules: Vec<Rule> = rules.iter().map(|(number, start, end)| rule(*number, *start, *end)).collect();
            let id = |found: Option<&Rule>| found.map(|rule| rule.id);
            assert_eq!(id(current_rule(&rules, second(now))), holds.map(rule_id), "{rules:?} at {now}");
            assert_eq!(id(shown_rule(&rules, second(now))), shown.map(rule_id), "{rules:?} at {now}");
        }
    }

    #[test]
    fn a_set_has_bounds() {
        for (amount, good) in [(-1, false), (0, true), (1, true), (AMOUNT_MAX, true), (AMOUNT_MAX + 1, false)] {
            assert_eq!(check_amount(amount).is_ok(), good, "{amount}");
        }
        assert!(check_pos(0).is_ok() && check_pos(-1).is_err() && check_pos(POS_MAX + 1).is_err());
        let price = |minor| Money { minor, currency: rub() };
        for (minor, good) in [(-1, false), (0, true), (PRICE_MAX, true), (PRICE_MAX + 1, false)] {
            assert_eq!(check_price(price(minor)).is_ok(), good, "{minor}");
        }
        assert_eq!(check_price(price(i64::MAX)).unwrap_err().message, "must be at most 10000000000.00");
    }

    #[test]
    fn a_serial_is_three_capital_letters() {
        for (drawn, text) in [([0, 0, 0], "AAA"), ([25, 26, 255], "ZAV")] {
            assert_eq!(serial(drawn), text);
        }
    }

    #[test]
    fn rules_keep_their_ids_while_their_price_stays() {
        let former = [rule(1, 0, 10), rule(2, 10, 20)];
        let new = [rule_id(8), rule_id(9)];
        let price = |number: u8| rule(number, 0, 1).price;
        let ids = |given: &[(Option<RuleId>, Period, Money)]| {
            replace_rules(&former, given, &new)
                .map(|rules| rules.iter().map(|rule| rule.id.as_bytes()[11]).collect::<Vec<_>>())
                .map_err(|(at, invalid)| (at, invalid.code))
        };
        assert_eq!(ids(&[]), Ok(vec![]));
        assert_eq!(ids(&[(None, cal(0, 10), price(1)), (None, cal(10, 20), price(2))]), Ok(vec![1, 2]), "the same");
        assert_eq!(ids(&[(None, cal(0, 10), price(2))]), Ok(vec![8]), "another price");
        assert_eq!(ids(&[(None, cal(0, 11), price(1))]), Ok(vec![8]), "another period");
        assert_eq!(ids(&[(Some(rule_id(1)), cal(0, 11), price(1))]), Ok(vec![1]), "another period by its id");
        assert_eq!(ids(&[(Some(rule_id(1)), cal(0, 10), price(2))]), Ok(vec![8]), "another price by its id");
        assert_eq!(ids(&[(Some(rule_id(2)), cal(0, 10), price(2)), (None, cal(5, 6), price(1))]), Ok(vec![2, 8]));
        // One that another one names is not free.
        assert_eq!(ids(&[(None, cal(0, 10), price(1)), (Some(rule_id(1)), cal(3, 4), price(1))]), Ok(vec![8, 1]));
        assert_eq!(ids(&[(None, cal(0, 10), price(1)), (None, cal(0, 10), price(1))]), Ok(vec![1, 8]));
        assert_eq!(
            ids(&[(Some(rule_id(1)), cal(0, 10), price(1)), (Some(rule_id(1)), cal(0, 10), price(1))]),
            Err((1, "conflict"))
        );
        assert_eq!(ids(&[(Some(rule_id(7)), cal(0, 10), price(1))]), Err((0, "unknown")));
        let negative = Money { minor: -1, currency: rub() };
        assert_eq!(ids(&[(None, cal(0, 10), price(1)), (None, cal(0, 10), negative)]), Err((1, "out_of_range")));
    }

    proptest! {
        #[test]
        fn a_rule_that_holds_is_shown_and_none_that_holds_starts_later(
            rules in prop::collection::vec((0_u8..20, 0_i64..50, 1_i64..50), 0..8),
            now in 0_i64..100,
        ) {
            let rules: Vec<Rule> = rules.iter().map(|(id, start, length)| rule(*id, *start, start + length)).collect();
            let now = second(now);
            let (current, shown) = (current_rule(&rules, now), shown_rule(&rules, now));
            prop_assert_eq!(shown.is_some(), !rules.is_empty());
            prop_assert_eq!(current.is_some(), rules.iter().any(|rule| rule.cal.contains(now)));
            if let Some(current) = current {
                prop_assert_eq!(shown, Some(current));
                prop_assert!(rules.iter().all(|rule| !rule.cal.contains(now) || rule.cal.start <= current.cal.start));
            } else if let Some(shown) = shown {
                let next = rules.iter().map(|rule| rule.cal.start).filter(|start| *start > now).min();
                prop_assert_eq!(Some(shown.cal.start), next.or(rules.iter().map(|rule| rule.cal.start).max()));
            }
        }

        #[test]
        fn a_serial_is_made_of_any_bytes(drawn: [u8; 3]) {
            let serial = serial(drawn);
            prop_assert!(serial.len() == 3 && serial.bytes().all(|byte| byte.is_ascii_uppercase()));
        }
    }
}
