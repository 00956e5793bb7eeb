//! Money: an exact decimal, kept as a whole number of minor units. Never a binary float.

use std::fmt;
use std::str::FromStr;

use crate::invalid::Invalid;

/// A currency of ISO 4217 that has minor units: not gold, not the code for tests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    iso: iso_currency::Currency,
    minor_digits: u8,
}

impl Currency {
    /// The code of three capital letters: `EUR`.
    pub fn code(self) -> &'static str {
        self.iso.code()
    }

    /// How many digits of its amounts stand after the point: 2 for most, 0 for the yen, 3 for
    /// the Kuwaiti dinar.
    pub const fn minor_digits(self) -> u8 {
        self.minor_digits
    }
}

impl FromStr for Currency {
    type Err = Invalid;

    fn from_str(code: &str) -> Result<Self, Invalid> {
        let iso = iso_currency::Currency::from_code(code);
        iso.and_then(|iso| {
            let minor_digits = u8::try_from(iso.exponent()?).ok()?;
            Some(Self { iso, minor_digits })
        })
        .ok_or_else(|| Invalid::unknown("must be a currency code of ISO 4217 such as EUR"))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Currency({})", self.code())
    }
}

/// An amount of one currency. It may be negative, though nothing that is read from outside is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// The amount in minor units: kopecks, cents, whole yen.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// Nothing.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads digits, and at most the currency's minor digits after a point: `1105.50`, `1105.5`,
    /// `1105`.
    ///
    /// # Errors
    /// `malformed` for anything else, an exponent or further digits included; `out_of_range` for
    /// a negative amount, or one above what 64 bits of minor units hold.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, Invalid> {
        if let Some(positive) = text.strip_prefix('-')
            && decimal(positive, currency.minor_digits).is_ok()
        {
            return Err(Invalid::out_of_range("must not be negative"));
        }
        let minor = decimal(text, currency.minor_digits).map_err(|error| match error {
            DecimalError::Form => Invalid::malformed(format!(
                "must be an amount such as \"{}\"",
                Self { minor: 150 * 10_i64.pow(currency.minor_digits.into()), currency }
            )),
            DecimalError::TooManyDecimals => Invalid::malformed(match currency.minor_digits {
                0 => format!("must be whole: {currency} has no minor unit"),
                digits => format!("must have at most {digits} decimals, as {currency} has"),
            }),
            DecimalError::TooLarge => {
                Invalid::out_of_range(format!("must be at most {}", Self { minor: i64::MAX, currency }))
            }
        })?;
        Ok(Self { minor, currency })
    }

    /// The sum; none where it doesn't fit, or the currencies differ.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.combine(other, i64::checked_add)
    }

    /// The difference; none where it doesn't fit, or the currencies differ.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.combine(other, i64::checked_sub)
    }

    fn combine(self, other: Self, operation: fn(i64, i64) -> Option<i64>) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        let minor = operation(self.minor, other.minor)?;
        Some(Self { minor, ..self })
    }
}

impl fmt::Display for Money {
    /// The amount with all minor digits, without the currency: `1105.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Sum::from(*self).fmt(f)
    }
}

/// What any number of amounts come to. One amount fits 64 bits, their sum over all orders need not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sum {
    /// The sum in minor units.
    pub minor: i128,
    /// The currency.
    pub currency: Currency,
}

impl Sum {
    /// Nothing.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// A part of it, of so many equal ones, rounded half to even; none where there are no parts.
    pub fn divided(self, parts: i64) -> Option<Self> {
        let parts = i128::from(parts);
        if parts < 1 {
            return None;
        }
        let (floor, rest) = (self.minor.div_euclid(parts), self.minor.rem_euclid(parts));
        let up = match (2 * rest).cmp(&parts) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => floor.rem_euclid(2),
            std::cmp::Ordering::Greater => 1,
        };
        Some(Self { minor: floor + up, ..self })
    }
}

impl From<Money> for Sum {
    fn from(Money { minor, currency }: Money) -> Self {
        Self { minor: minor.into(), currency }
    }
}

impl fmt::Display for Sum {
    /// With all minor digits, without the currency: `1105.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = usize::from(self.currency.minor_digits);
        let text = format!("{:0width$}", self.minor.unsigned_abs(), width = digits + 1);
        match text.split_at(text.len() - digits) {
            (whole, "") => write!(f, "{sign}{whole}"),
            (whole, fraction) => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

/// Why a text is not a decimal number.
pub(crate) enum DecimalError {
    Form,
    TooManyDecimals,
    TooLarge,
}

/// Reads digits with at most `decimals` of them after a point, without a sign or an exponent, as
/// a whole number of 10^-decimals.
pub(crate) fn decimal(text: &str, decimals: u8) -> Result<i64, DecimalError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return Err(DecimalError::Form);
    }
    let fraction = if text.contains('.') { fraction } else { "" };
    let Some(padding) = usize::from(decimals).checked_sub(fraction.len()) else {
        return Err(DecimalError::TooManyDecimals);
    };
    let zeros = std::iter::repeat_n('0', padding);
    whole
        .chars()
        .chain(fraction.chars())
        .chain(zeros)
        .try_fold(0_i64, |value, digit| value.checked_mul(10)?.checked_add(i64::from(digit.to_digit(10)?)))
        .ok_or(DecimalError::TooLarge)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn a_currency_has_the_minor_digits_of_iso_4217() {
        for (code, digits) in [("RUB", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)] {
            assert_eq!(currency(code).minor_digits(), digits);
            assert_eq!(currency(code).to_string(), code);
        }
    }

    #[test]
    fn what_is_not_money_is_not_a_currency() {
        for code in ["", "eur", "EU", "EURO", "ZZZ", "XAU", "XTS", "XXX", " EUR"] {
            assert_eq!(code.parse::<Currency>().unwrap_err().code, "unknown", "{code}");
        }
    }

    #[test]
    fn money_is_read_exactly_and_written_with_all_minor_digits() {
        for (code, text, minor, written) in [
            ("RUB", "1105.50", 110_550, "1105.50"),
            ("RUB", "1105.5", 110_550, "1105.50"),
            ("RUB", "1105", 110_500, "1105.00"),
            ("RUB", "0", 0, "0.00"),
            ("RUB", "0.01", 1, "0.01"),
            ("RUB", "007.10", 710, "7.10"),
            ("RUB", "92233720368547758.07", i64::MAX, "92233720368547758.07"),
            ("JPY", "1500", 1_500, "1500"),
            ("KWD", "1.5", 1_500, "1.500"),
        ] {
            let money = Money::parse(text, currency(code)).unwrap();
            assert_eq!(money.minor, minor, "{text}");
            assert_eq!(money.to_string(), written);
        }
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for (code, text, wrong) in [
            ("RUB", "", "malformed"),
            ("RUB", ".", "malformed"),
            ("RUB", "1.", "malformed"),
            ("RUB", ".5", "malformed"),
            ("RUB", "+1", "malformed"),
            ("RUB", "1e3", "malformed"),
            ("RUB", "1,50", "malformed"),
            ("RUB", "1.2.3", "malformed"),
            ("RUB", " 1", "malformed"),
            ("RUB", "１", "malformed"),
            ("RUB", "1.005", "malformed"),
            ("RUB", "1.000", "malformed"),
            ("JPY", "1.0", "malformed"),
            ("RUB", "-1.00", "out_of_range"),
            ("RUB", "--1.00", "malformed"),
            ("RUB", "92233720368547758.08", "out_of_range"),
            ("RUB", "99999999999999999999999", "out_of_range"),
        ] {
            let invalid = Money::parse(text, currency(code)).unwrap_err();
            assert_eq!(invalid.code, wrong, "{text}");
        }
        let message = |text, code| Money::parse(text, currency(code)).unwrap_err().message;
        assert_eq!(message("1.005", "RUB"), "must have at most 2 decimals, as RUB has");
        assert_eq!(message("1.5", "JPY"), "must be whole: JPY has no minor unit");
        assert_eq!(message("x", "KWD"), "must be an amount such as \"150.000\"");
        assert_eq!(message("-1", "RUB"), "must not be negative");
    }

    #[test]
    fn a_negative_amount_is_written_with_its_sign() {
        let money = |minor| Money { minor, currency: currency("RUB") };
        assert_eq!(money(-5).to_string(), "-0.05");
        assert_eq!(money(-110_550).to_string(), "-1105.50");
        assert_eq!(money(i64::MIN).to_string(), "-92233720368547758.08");
    }

    #[test]
    fn sums_that_do_not_fit_or_mix_currencies_are_none() {
        let rub = |minor| Money { minor, currency: currency("RUB") };
        let eur = Money { minor: 1, currency: currency("EUR") };
        assert_eq!(rub(150).checked_add(rub(50)), Some(rub(200)));
        assert_eq!(rub(50).checked_sub(rub(150)), Some(rub(-100)));
        assert_eq!(rub(i64::MAX).checked_add(rub(1)), None);
        assert_eq!(rub(i64::MIN).checked_sub(rub(1)), None);
        assert_eq!(rub(1).checked_add(eur), None);
        assert_eq!(rub(1).checked_sub(eur), None);
    }

    #[test]
    fn a_part_is_rounded_half_to_even() {
        for (minor, parts, part) in [
            (10, 4, Some(2)),
            (14, 4, Some(4)),
            (10, 3, Some(3)),
            (11, 3, Some(4)),
            (-10, 4, Some(-2)),
            (-14, 4, Some(-4)),
            (0, 7, Some(0)),
            (i128::from(i64::MAX), 1, Some(i128::from(i64::MAX))),
            (i128::from(i64::MAX), i64::MAX, Some(1)),
            (10, 0, None),
            (10, -1, None),
        ] {
            let currency = currency("RUB");
            assert_eq!(Sum { minor, currency }.divided(parts).map(|part| part.minor), part, "{minor} / {parts}");
        }
    }

    proptest! {
        #[test]
        fn money_that_is_written_is_read_again(
            minor in 0..=i64::MAX,
            code in prop::sample::select(vec!["RUB", "JPY", "KWD", "CLF"]),
        ) {
            let money = Money { minor, currency: currency(code) };
            prop_assert_eq!(Money::parse(&money.to_string(), money.currency), Ok(money));
        }

        #[test]
        fn any_text_is_an_amount_or_refused(text in "[-+.0-9eE ]{0,30}|.*") {
            if let Ok(money) = Money::parse(&text, currency("RUB")) {
                prop_assert!(money.minor >= 0);
            }
        }
    }
}
