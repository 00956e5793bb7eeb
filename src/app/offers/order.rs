//! The orders that a list of offers may be in.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::domain::id::EventId;
use crate::domain::invalid::Invalid;
use crate::domain::money::Money;

/// What orders of a list go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The event.
    pub event: EventId,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// The lowest price of its sets.
    pub price: Option<Decimal>,
}

/// An amount of money of whatever currency, in ten-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(i128);

impl Decimal {
    /// As many digits after the point as any currency has.
    const DIGITS: u8 = 4;
}

impl From<Money> for Decimal {
    fn from(money: Money) -> Self {
        let missing = Self::DIGITS.saturating_sub(money.currency.minor_digits());
        Self(i128::from(money.minor) * 10_i128.pow(missing.into()))
    }
}

impl std::str::FromStr for Decimal {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::malformed("must be an amount such as 1105.50");
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() > 15 || fraction.len() > usize::from(Self::DIGITS) {
            return Err(wrong());
        }
        format!("{whole}{fraction:0<4}").parse().map(Self).map_err(|_| wrong())
    }
}

/// What a list may be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// When the event starts.
    Start,
    /// When it ends.
    End,
    /// The lowest price of its sets; events without sets come last.
    Price,
}

/// One step of an order: by a key, upwards or downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: Key,
    /// Whether the highest comes first.
    pub falling: bool,
}

impl std::str::FromStr for Sort {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (falling, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        let key = match name {
            "start" => Key::Start,
            "end" => Key::End,
            "price" => Key::Price,
            _ => return Err(Invalid::out_of_range("must be some of start, end, price, each also with a - before it")),
        };
        Ok(Self { key, falling })
    }
}

/// Which of two places comes first.
pub(super) fn compare(order: &[Sort], one: &Place, other: &Place) -> Ordering {
    let by = |sort: &Sort| {
        let turned = |ordering: Ordering| if sort.falling { ordering.reverse() } else { ordering };
        match sort.key {
            Key::Start => turned(one.starts_at.cmp(&other.starts_at)),
            Key::End => turned(one.ends_at.cmp(&other.ends_at)),
            Key::Price => match (one.price, other.price) {
                (Some(one), Some(other)) => turned(one.cmp(&other)),
                (one, other) => other.is_some().cmp(&one.is_some()),
            },
        }
    };
    let first_difference = order.iter().map(by).find(|ordering| ordering.is_ne());
    first_difference.unwrap_or_else(|| one.event.cmp(&other.event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ObjectId;

    fn place(number: u8, starts_at: i64, price: Option<i128>) -> Place {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let event = ObjectId::from_bytes([number; 12]).into();
        Place { event, starts_at: at(starts_at), ends_at: at(starts_at + 10), price: price.map(Decimal) }
    }

    fn sorted(order: &str) -> Vec<u8> {
        let order: Vec<Sort> = order.split(',').filter(|sort| !sort.is_empty()).map(|s| s.parse().unwrap()).collect();
        let mut places =
            [place(3, 5, Some(7)), place(1, 9, None), place(2, 5, Some(9)), place(4, 7, Some(7)), place(5, 7, None)];
        places.sort_unstable_by(|one, other| compare(&order, one, other));
        places.iter().map(|place| ObjectId::from(place.event).as_bytes()[0]).collect()
    }

    #[test]
    fn of_what_is_equal_in_an_order_the_older_comes_first_and_without_a_price_is_last() {
        for (order, expected) in [
            ("", [1, 2, 3, 4, 5]),
            ("start", [2, 3, 4, 5, 1]),
            ("-start", [1, 4, 5, 2, 3]),
            ("price", [3, 4, 2, 1, 5]),
            ("-price", [2, 3, 4, 1, 5]),
            ("price,-start", [4, 3, 2, 1, 5]),
            ("end,-price", [2, 3, 4, 5, 1]),
        ] {
            assert_eq!(sorted(order), expected, "{order}");
        }
        assert!("name".parse::<Sort>().is_err() && "--start".parse::<Sort>().is_err());
    }

    #[test]
    fn prices_of_all_currencies_are_compared_as_numbers() {
        let money = |text: &str, currency: &str| {
            let currency = currency.parse().unwrap();
            Decimal::from(Money::parse(text, currency).unwrap())
        };
        assert_eq!(money("1105.50", "RUB"), "1105.5".parse().unwrap());
        assert_eq!(money("1105", "JPY"), "1105".parse().unwrap());
        assert!(money("1.001", "KWD") > "1.0".parse().unwrap());
        for wrong in ["", ".5", "5.", "-5", "1e3", "1,5", "0.00001", "1234567890123456"] {
            assert!(wrong.parse::<Decimal>().is_err(), "{wrong}");
        }
    }
}
