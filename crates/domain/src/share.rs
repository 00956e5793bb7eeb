//! A share of a ticket's nominal: a percentage of it, or an amount per ticket.

use std::fmt;

use crate::invalid::Invalid;
use crate::money::{Currency, DecimalError, Money, decimal};
use crate::set::PRICE_MAX;

/// A percentage with at most four decimals.
///
/// It lies within ±100,000,000%, so that its product with any amount of money can be computed
/// exactly in 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(i64);

impl Percent {
    /// 0%.
    pub const ZERO: Self = Self(0);
    /// 100%, all of it.
    pub const HUNDRED: Self = Self(100 * Self::UNITS);
    /// 1000%.
    pub const THOUSAND: Self = Self(1_000 * Self::UNITS);

    /// How many units one percent has.
    const UNITS: i64 = 10_000;
    const LIMIT: i64 = 100_000_000 * Self::UNITS;

    /// The percentage with this many ten-thousandths of a percent: 910,000 is 91%.
    ///
    /// # Errors
    /// `out_of_range` beyond ±100,000,000%.
    pub fn from_units(units: i64) -> Result<Self, Invalid> {
        if (-Self::LIMIT..=Self::LIMIT).contains(&units) { Ok(Self(units)) } else { Err(too_large()) }
    }

    /// The percentage in ten-thousandths of a percent.
    pub const fn units(self) -> i64 {
        self.0
    }

    /// Reads a number with at most four decimals, with or without a `%` after it: `10`, `3.00%`.
    ///
    /// # Errors
    /// `malformed` for an exponent, further decimals, or no number; `out_of_range` beyond what a
    /// percentage can be.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let number = text.strip_suffix('%').unwrap_or(text);
        let (sign, digits) = match number.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, number),
        };
        let units = decimal(digits, 4).map_err(|error| match error {
            DecimalError::Form if digits.contains(['e', 'E']) => {
                Invalid::malformed("must be written without an exponent")
            }
            DecimalError::Form => Invalid::malformed("must be a percentage such as 10 or \"10%\""),
            DecimalError::TooManyDecimals => Invalid::malformed("must have at most 4 decimals"),
            DecimalError::TooLarge => too_large(),
        })?;
        Self::from_units(sign * units)
    }

    /// The percentage with at least `decimals` decimals (up to four), more only where it has
    /// more: 10% with one is `10.0%`.
    pub fn display_min(self, decimals: usize) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.unsigned_abs();
        let per_percent = Self::UNITS.unsigned_abs();
        let (whole, mut fraction, mut digits) = (units / per_percent, units % per_percent, 4);
        while digits > decimals && fraction.is_multiple_of(10) {
            fraction /= 10;
            digits -= 1;
        }
        match digits {
            0 => format!("{sign}{whole}%"),
            _ => format!("{sign}{whole}.{fraction:0digits$}%"),
        }
    }
}

fn too_large() -> Invalid {
    Invalid::out_of_range("must be a percentage of at most 100000000%")
}

impl fmt::Display for Percent {
    /// With at least two decimals: `91.00%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display_min(2))
    }
}

/// A share of a ticket's nominal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Share {
    /// So much of the nominal.
    Percent(Percent),
    /// So much for each ticket.
    Amount(Money),
}

impl Share {
    /// No share: 0%.
    pub const ZERO: Self = Self::Percent(Percent::ZERO);

    /// Reads the text of a JSON number: a percentage.
    ///
    /// # Errors
    /// Those of [`Percent::parse`].
    pub fn parse_number(text: &str) -> Result<Self, Invalid> {
        Percent::parse(text).map(Self::Percent)
    }

    /// Reads a JSON string: a percentage if it ends in `%`, else an amount of `currency`.
    ///
    /// # Errors
    /// Those of [`Percent::parse`] and [`Money::parse`].
    pub fn parse_string(text: &str, currency: Currency) -> Result<Self, Invalid> {
        if text.ends_with('%') {
            Percent::parse(text).map(Self::Percent)
        } else {
            Money::parse(text, currency).map(Self::Amount)
        }
    }

    /// The share on the wire: a percentage with at least `decimals` decimals, or an amount.
    pub fn text(&self, decimals: usize) -> String {
        match self {
            Self::Percent(percent) => percent.display_min(decimals),
            Self::Amount(money) => money.to_string(),
        }
    }

    /// The share of a nominal, both in minor units, rounded half to even; none where it doesn't
    /// fit 64 bits.
    pub fn of(&self, nominal: i64) -> Option<i64> {
        i64::try_from(self.exact(nominal).round()).ok()
    }

    /// The share of a nominal in minor units, not rounded.
    pub(crate) fn exact(&self, nominal: i64) -> Exact {
        match self {
            Self::Percent(percent) => Exact(i128::from(nominal) * i128::from(percent.0)),
            Self::Amount(money) => Exact::whole(money.minor),
        }
    }

    /// Checks that a percentage lies in 0% ..= `max`, and an amount in 0 ..= [`PRICE_MAX`]: more than the dearest ticket is no
    /// share of one.
    ///
    /// # Errors
    /// `out_of_range`.
    pub fn check(&self, max: Percent) -> Result<(), Invalid> {
        match self {
            Self::Percent(percent) if !(Percent::ZERO..=max).contains(percent) => {
                Err(Invalid::out_of_range(format!("must be between 0% and {}", max.display_min(0))))
            }
            Self::Amount(money) if money.minor < 0 => Err(Invalid::out_of_range("must not be negative")),
            Self::Amount(money) if money.minor > PRICE_MAX => {
                Err(Invalid::out_of_range(format!("must be at most {}", Money { minor: PRICE_MAX, ..*money })))
            }
            _ => Ok(()),
        }
    }

    /// The currency of an amount.
    pub fn currency(&self) -> Option<Currency> {
        match self {
            Self::Percent(_) => None,
            Self::Amount(money) => Some(money.currency),
        }
    }
}

/// An exact amount, in millionths of a minor unit: what a percentage with four decimals of a whole
/// number of minor units can come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exact(pub i128);

impl Exact {
    const ONE: i128 = 1_000_000;

    pub fn whole(minor: i64) -> Self {
        Self(i128::from(minor) * Self::ONE)
    }

    /// As an amount of a currency with all its decimals, and no more than the currency's where they are zero: `90.135`.
    pub fn text(self, currency: Currency) -> String {
        let minor_digits = usize::from(currency.minor_digits());
        let decimals = minor_digits + 6;
        let sign = if self.0 < 0 { "-" } else { "" };
        let text = format!("{:0width$}", self.0.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = text.split_at(text.len() - decimals);
        let (always, rest) = fraction.split_at(minor_digits);
        match (always, rest.trim_end_matches('0')) {
            ("", "") => format!("{sign}{whole}"),
            (always, rest) => format!("{sign}{whole}.{always}{rest}"),
        }
    }

    /// In whole minor units, rounded half to even.
    pub fn round(self) -> i128 {
        let floor = self.0.div_euclid(Self::ONE);
        let rest = self.0.rem_euclid(Self::ONE);
        match (rest * 2).cmp(&Self::ONE) {
            std::cmp::Ordering::Less => floor,
            std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
            std::cmp::Ordering::Greater => floor + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rub() -> Currency {
        "RUB".parse().unwrap()
    }

    fn percent(text: &str) -> Percent {
        Percent::parse(text).unwrap()
    }

    #[test]
    fn a_percentage_is_written_with_as_many_decimals_as_it_has_but_not_fewer_than_asked_for() {
        for (text, with_two, with_one, with_none) in [
            ("10", "10.00%", "10.0%", "10%"),
            ("3.00%", "3.00%", "3.0%", "3%"),
            ("91.5", "91.50%", "91.5%", "91.5%"),
            ("12.345%", "12.345%", "12.345%", "12.345%"),
            ("0.0001", "0.0001%", "0.0001%", "0.0001%"),
            ("0", "0.00%", "0.0%", "0%"),
            ("-2.5", "-2.50%", "-2.5%", "-2.5%"),
            ("1000", "1000.00%", "1000.0%", "1000%"),
        ] {
            assert_eq!(percent(text).to_string(), with_two);
            assert_eq!(percent(text).display_min(1), with_one);
            assert_eq!(percent(text).display_min(0), with_none);
        }
        assert_eq!(percent("5").display_min(9), "5.0000%");
    }

    #[test]
    fn a_json_number_and_a_string_with_a_percent_sign_are_percentages() {
        for text in ["10", "10.0", "10.0000"] {
            assert_eq!(Share::parse_number(text), Ok(Share::Percent(percent("10"))));
        }
        for text in ["10%", "10.00%", "10.0000%"] {
            assert_eq!(Share::parse_string(text, rub()), Ok(Share::Percent(percent("10"))));
        }
    }

    #[test]
    fn a_string_without_a_percent_sign_is_an_amount() {
        let amount = Share::Amount(Money { minor: 15_000, currency: rub() });
        assert_eq!(Share::parse_string("150", rub()), Ok(amount));
        assert_eq!(Share::parse_string("150.00", rub()), Ok(amount));
        assert_eq!(amount.text(2), "150.00");
        assert_eq!(Share::parse_string("150.005", rub()).unwrap_err().code, "malformed");
    }

    #[test]
    fn a_percentage_has_at_most_four_decimals_and_no_exponent() {
        for (text, code) in [
            ("", "malformed"),
            ("-", "malformed"),
            ("%", "malformed"),
            ("10.", "malformed"),
            ("1e1", "malformed"),
            ("1E1", "malformed"),
            ("10%%", "malformed"),
            ("10 %", "malformed"),
            ("NaN", "malformed"),
            ("0.00001", "malformed"),
            ("10.00000", "malformed"),
            ("100000000.0001", "out_of_range"),
            ("99999999999999999999999999", "out_of_range"),
        ] {
            assert_eq!(Share::parse_number(text).unwrap_err().code, code, "{text}");
        }
        let message = |text| Share::parse_number(text).unwrap_err().message;
        assert_eq!(message("1e1"), "must be written without an exponent");
        assert_eq!(message("10.00000"), "must have at most 4 decimals");
    }

    #[test]
    fn a_share_of_a_nominal_is_rounded_half_to_even() {
        for (text, nominal, share) in [
            ("10", 10_015, 1_002),
            ("10", 10_025, 1_002),
            ("10", 10_026, 1_003),
            ("10", 10_035, 1_004),
            ("50", 1, 0),
            ("50", 3, 2),
            ("50", -1, 0),
            ("50", -3, -2),
            ("0.0001", 1_000_000, 1),
            ("100", i64::MAX, i64::MAX),
        ] {
            let got = Share::Percent(percent(text)).of(nominal);
            assert_eq!(got, Some(share), "{text}% of {nominal}");
        }
        assert_eq!(Share::Percent(percent("101")).of(i64::MAX), None);
        assert_eq!(Share::Amount(Money { minor: 7, currency: rub() }).of(5), Some(7));
    }

    #[test]
    fn a_share_lies_between_nothing_and_its_most() {
        let wrong = |share: Share| share.check(Percent::HUNDRED).unwrap_err();
        let amount = |minor| Share::Amount(Money { minor, currency: rub() });
        for good in [Share::ZERO, Share::Percent(Percent::HUNDRED), amount(0), amount(PRICE_MAX)] {
            assert_eq!(good.check(Percent::HUNDRED), Ok(()));
        }
        for text in ["-0.0001", "100.0001", "1000"] {
            let invalid = wrong(Share::Percent(percent(text)));
            assert_eq!(invalid.code, "out_of_range");
            assert_eq!(invalid.message, "must be between 0% and 100%");
        }
        assert_eq!(wrong(amount(-1)).message, "must not be negative");
        assert_eq!(wrong(amount(PRICE_MAX + 1)).message, "must be at most 10000000000.00");
    }

    #[test]
    fn units_are_bounded() {
        assert_eq!(Percent::from_units(910_000), Ok(percent("91")));
        assert_eq!(percent("91").units(), 910_000);
        assert!(Percent::from_units(i64::MAX).is_err());
        assert!(Percent::from_units(i64::MIN).is_err());
    }

    fn any_share() -> impl Strategy<Value = Share> {
        prop_oneof![
            (0..=10_000_000_i64).prop_map(|units| Share::Percent(Percent::from_units(units).unwrap())),
            (0..=i64::MAX).prop_map(|minor| Share::Amount(Money { minor, currency: rub() })),
        ]
    }

    proptest! {
        #[test]
        fn a_share_that_is_written_is_read_again(share in any_share(), decimals in 0_usize..6) {
            prop_assert_eq!(Share::parse_string(&share.text(decimals), rub()), Ok(share));
        }

        #[test]
        fn a_rounded_share_is_at_most_half_a_unit_off(units in 0..=10_000_000_i64, nominal: i64) {
            let share = Share::Percent(Percent::from_units(units).unwrap());
            if let Some(rounded) = share.of(nominal) {
                let error = i128::from(rounded) * 1_000_000 - i128::from(nominal) * i128::from(units);
                prop_assert!(error.abs() <= 500_000);
                prop_assert!(error.abs() < 500_000 || rounded % 2 == 0);
            }
        }

        #[test]
        fn any_text_is_a_share_or_refused(text in "[-+.%0-9eE]{0,25}|.*") {
            let _ = Share::parse_number(&text);
            let _ = Share::parse_string(&text, rub());
        }
    }
}
