//! Promocodes: codes that take a discount off tickets of one event.

use jiff::Timestamp;

use crate::id::{EventId, PromocodeId, SetId};
use crate::invalid::Invalid;
use crate::money::{Currency, Money};
use crate::period::Period;
use crate::share::{Percent, Share};
use crate::text;

/// The most characters that a code may have.
pub const CODE_MAX: usize = 64;

/// A code as it is stored: without the white space around it.
///
/// # Errors
/// Those of [`text::name`].
pub fn code(given: &str) -> Result<String, Invalid> {
    text::name(given, CODE_MAX)
}

/// The form by which codes are compared: case, and white space around them, don't matter.
pub fn folded(code: &str) -> String {
    text::fold(code.trim())
}

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
    /// Bounds that an order can be within.
    ///
    /// # Errors
    /// The name of the bound that is wrong, and why: `out_of_range` below 1, `conflict` for a largest number below the least.
    pub fn new(min: Option<i64>, max: Option<i64>) -> Result<Self, (&'static str, Invalid)> {
        for (field, bound) in [("min", min), ("max", max)] {
            if bound.is_some_and(|bound| bound < 1) {
                return Err((field, Invalid::out_of_range("must be at least 1, or null")));
            }
        }
        match (min, max) {
            (Some(min), Some(max)) if max < min => {
                Err(("max", Invalid::conflict(format!("must not be less than min, which is {min}"))))
            }
            _ => Ok(Self { min, max }),
        }
    }

    /// Whether a number is within.
    pub fn contains(&self, count: i64) -> bool {
        self.min.is_none_or(|min| count >= min) && self.max.is_none_or(|max| count <= max)
    }
}

impl Discount {
    /// Reads a percentage with or without its sign: `30%`, `12.5`.
    ///
    /// # Errors
    /// Those of [`Percent::parse`]; `out_of_range` beyond 0% ..= 100%.
    pub fn percentage(text: &str) -> Result<Self, Invalid> {
        let percent = Percent::parse(text)?;
        Share::Percent(percent).check(Percent::HUNDRED)?;
        Ok(Self::Percentage(percent))
    }

    /// Reads an amount.
    ///
    /// # Errors
    /// Those of [`Money::parse`].
    pub fn fix(text: &str, currency: Currency) -> Result<Self, Invalid> {
        Money::parse(text, currency).map(Self::Fix)
    }

    /// What it takes off a price: rounded half to even, never more than the price. An amount of another currency takes off
    /// nothing.
    pub fn of(&self, price: Money) -> Money {
        let minor = match self {
            Self::Percentage(percent) => Share::Percent(*percent).of(price.minor).unwrap_or(price.minor),
            Self::Fix(amount) if amount.currency == price.currency => amount.minor,
            Self::Fix(_) => 0,
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
        self.left_with(0)
    }

    /// How many uses an order could have that holds so many already; none: any number.
    pub fn left_with(&self, own: i64) -> Option<i64> {
        self.amount.map(|amount| amount.saturating_sub(self.held).saturating_sub(self.used).saturating_add(own).max(0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rub(minor: i64) -> Money {
        Money { minor, currency: "RUB".parse().unwrap() }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn promocode() -> Promocode {
        Promocode {
            id: PromocodeId::from_bytes([1; 12]),
            event: EventId::from_bytes([2; 12]),
            code: "SPRING".to_owned(),
            name: None,
            desc: None,
            discount: Discount::percentage("30%").unwrap(),
            amount: None,
            tickets_count: TicketsCount::default(),
            lifetime: None,
            sets: Vec::new(),
            held: 0,
            used: 0,
            removed: false,
            created_at: second(0),
            updated_at: second(0),
        }
    }

    #[test]
    fn a_code_is_one_line_compared_without_case_and_the_space_around_it() {
        assert_eq!(code("  Весна 24 ").unwrap(), "Весна 24");
        assert_eq!(folded(" ВЕСНА 24"), folded("весна 24"));
        for (given, wrong) in
            [("", "required"), (" \t ", "required"), ("a\nb", "malformed"), (&"x".repeat(65), "too_long")]
        {
            assert_eq!(code(given).unwrap_err().code, wrong, "{given:?}");
        }
        assert_eq!(code(&"ё".repeat(64)).unwrap(), "ё".repeat(64));
    }

    #[test]
    fn a_discount_is_rounded_half_to_even_and_never_more_than_the_price() {
        #[rustfmt::skip]
        let table = [
            ("30%", 100_000, 30_000), ("0%", 100_000, 0), ("100%", 99_999, 99_999), ("100%", 0, 0),
            // 10% of these is a half.
            ("10%", 5, 0), ("10%", 15, 2), ("10%", 25, 2), ("10%", 35, 4),
            ("33.3333%", 100, 33), ("66.6667%", 100, 67), ("0.0001%", 500_000, 0), ("0.0001%", 1_500_000, 2),
        ];
        for (percentage, price, off) in table {
            assert_eq!(Discount::percentage(percentage).unwrap().of(rub(price)), rub(off), "{percentage} of {price}");
        }
        for (amount, price, off) in [("100.00", 150_000, 10_000), ("100", 9_999, 9_999), ("0.01", 1, 1), ("5", 0, 0)] {
            assert_eq!(Discount::fix(amount, rub(0).currency).unwrap().of(rub(price)), rub(off), "{amount} of {price}");
        }
        let yen = Discount::fix("100", "JPY".parse().unwrap()).unwrap();
        assert_eq!(yen.of(rub(100_000)), rub(0));
    }

    #[test]
    fn a_discount_out_of_range_is_refused() {
        for (percentage, wrong) in
            [("100.0001%", "out_of_range"), ("-1%", "out_of_range"), ("1e1%", "malformed"), ("", "malformed")]
        {
            assert_eq!(Discount::percentage(percentage).unwrap_err().code, wrong, "{percentage}");
        }
        for (amount, wrong) in [("-1", "out_of_range"), ("1.001", "malformed"), ("30%", "malformed")] {
            assert_eq!(Discount::fix(amount, rub(0).currency).unwrap_err().code, wrong, "{amount}");
        }
    }

    #[test]
    fn bounds_on_tickets_are_at_least_one_and_in_order() {
        let table =
            [(None, None, 0, true), (Some(2), None, 1, false), (Some(2), None, 2, true), (None, Some(3), 3, true)];
        for (min, max, count, within) in
            table.into_iter().chain([(None, Some(3), 4, false), (Some(2), Some(2), 2, true)])
        {
            assert_eq!(TicketsCount::new(min, max).unwrap().contains(count), within, "{min:?} {count} {max:?}");
        }
        for (min, max, field, wrong) in [
            (Some(0), None, "min", "out_of_range"),
            (None, Some(0), "max", "out_of_range"),
            (Some(3), Some(2), "max", "conflict"),
        ] {
            let (at, invalid) = TicketsCount::new(min, max).unwrap_err();
            assert_eq!((at, invalid.code), (field, wrong));
        }
    }

    #[test]
    fn a_code_may_be_given_while_it_lives() {
        let lifetime = Some(Period::new(second(10), second(20)).unwrap());
        let limited = Promocode { lifetime, ..promocode() };
        for (now, holds) in [(9, false), (10, true), (19, true), (20, false)] {
            assert_eq!(limited.holds(second(now)), holds, "{now}");
        }
        assert!(promocode().holds(second(1_000_000)));
        assert!(!Promocode { removed: true, ..promocode() }.holds(second(15)));
    }

    #[test]
    fn uses_that_are_held_or_used_are_not_left_but_to_the_order_that_holds_them() {
        let table = [(0, 0, 10), (4, 0, 6), (0, 4, 6), (4, 4, 2), (5, 5, 0), (9, 9, 0)];
        for (held, used, left) in table {
            let limited = Promocode { amount: Some(10), held, used, ..promocode() };
            assert_eq!(limited.left(), Some(left));
        }
        let limited = Promocode { amount: Some(10), held: 4, used: 5, ..promocode() };
        assert_eq!(limited.left_with(3), Some(4));
        assert_eq!(Promocode { held: 4, ..promocode() }.left_with(3), None);
    }

    proptest! {
        #[test]
        fn a_discount_lies_between_nothing_and_the_price(
            price in 0..=i64::MAX,
            units in 0..=1_000_000_i64,
            amount in 0..=i64::MAX,
        ) {
            for discount in [Discount::Percentage(Percent::from_units(units).unwrap()), Discount::Fix(rub(amount))] {
                let off = discount.of(rub(price));
                prop_assert!((0..=price).contains(&off.minor));
            }
        }

        #[test]
        fn a_larger_percentage_never_takes_off_less(
            price in 0..=1_000_000_000_i64,
            units in 0..1_000_000_i64,
            more in 1..=1_000_000_i64,
        ) {
            let of = |units: i64| Discount::Percentage(Percent::from_units(units).unwrap()).of(rub(price)).minor;
            prop_assert!(of(units) <= of((units + more).min(1_000_000)));
        }
    }
}
