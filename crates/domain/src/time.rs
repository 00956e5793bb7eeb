//! Points in time: read in any RFC 3339 form, kept in UTC with microseconds.

pub use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::invalid::Invalid;

/// Reads a time in any RFC 3339 form, also with a space for the `T`.
///
/// Without an offset it is UTC. A space before an offset is a `+`, which is what a `+` in a query
/// becomes on its way: `2019-07-25T14:41:11 03:00`. What is finer than a microsecond is cut off.
/// A leap second counts as the second before it.
///
/// # Errors
/// `malformed` for another form, or a date without a time; `out_of_range` for a day or hour that
/// doesn't exist, and outside of 0001-01-01T00:00:00Z ..= 9999-12-30T22:00:00Z.
pub fn parse_time(text: &str) -> Result<Timestamp, Invalid> {
    let (datetime, offset) = read(text.as_bytes())
        .ok_or_else(|| Invalid::malformed("must be a date and time such as 2019-07-25T14:41:11+03:00"))?;
    let timestamp = offset.to_timestamp(datetime.build()?).map_err(|_| outside())?;
    in_range(timestamp)
}

/// Writes a time as v1 does, always with six digits: `2014-08-18T10:42:28.288000+00:00`.
pub fn write_v1(time: Timestamp) -> String {
    write(time, *b"0000-00-00T00:00:00.000000+00:00")
}

/// Writes a time as v2 does, in UTC with whole seconds: `2019-07-25 14:41:11`.
pub fn write_v2(time: Timestamp) -> String {
    write(time, *b"0000-00-00 00:00:00")
}

/// Puts the digits of a time into their places. A list of a million deals has two million times, and formatting each
/// would cost more than the rest of the row.
fn write<const N: usize>(time: Timestamp, mut text: [u8; N]) -> String {
    let utc = Offset::UTC.to_datetime(time);
    // Years before the first are never stored.
    let year = utc.year().max(0).unsigned_abs().into();
    let [month, day, hour, minute, second] =
        [utc.month(), utc.day(), utc.hour(), utc.minute(), utc.second()].map(|part| part.unsigned_abs().into());
    let microsecond = utc.subsec_nanosecond().unsigned_abs() / 1_000;
    for (place, number) in [
        (0..4, year),
        (5..7, month),
        (8..10, day),
        (11..13, hour),
        (14..16, minute),
        (17..19, second),
        (20..26, microsecond),
    ] {
        put(text.get_mut(place).unwrap_or_default(), number);
    }
    text.map(char::from).iter().collect()
}

fn put(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// The parts of a date and time as they were written: numbers, but maybe not of a calendar.
pub(crate) struct Parts {
    pub year: i16,
    pub month: i8,
    pub day: i8,
    pub hour: i8,
    pub minute: i8,
    pub second: i8,
    pub microsecond: i32,
}

impl Parts {
    /// The parts as a date and time of the calendar.
    pub fn build(self) -> Result<DateTime, Invalid> {
        DateTime::new(
            self.year,
            self.month,
            self.day,
            self.hour,
            self.minute,
            if self.second == 60 { 59 } else { self.second },
            self.microsecond * 1_000,
        )
        .map_err(|_| Invalid::out_of_range("must be a date and time that exists"))
    }
}

/// The time, if it can be written with a year of four digits.
pub(crate) fn in_range(time: Timestamp) -> Result<Timestamp, Invalid> {
    if Offset::UTC.to_datetime(time).year() < 1 {
        return Err(outside());
    }
    Ok(time)
}

pub(crate) fn outside() -> Invalid {
    Invalid::out_of_range("must be between 0001-01-01T00:00:00Z and 9999-12-30T22:00:00Z")
}

/// The number that these bytes are, if all of them are digits.
pub(crate) fn number<T: TryFrom<i32>>(digits: &[u8]) -> Option<T> {
    let mut value = 0_i32;
    for digit in digits {
        let digit = char::from(*digit).to_digit(10)?;
        value = value.checked_mul(10)?.checked_add_unsigned(digit)?;
    }
    T::try_from(value).ok()
}

fn read(text: &[u8]) -> Option<(Parts, Offset)> {
    let (datetime, rest) = text.split_at_checked(19)?;
    let separators = [4, 7, 10, 13, 16].map(|at| datetime[at]);
    let [b'-', b'-', b'T' | b't' | b' ', b':', b':'] = separators else {
        return None;
    };
    let (microsecond, rest) = read_fraction(rest)?;
    let parts = Parts {
        year: number(&datetime[..4])?,
        month: number(&datetime[5..7])?,
        day: number(&datetime[8..10])?,
        hour: number(&datetime[11..13])?,
        minute: number(&datetime[14..16])?,
        second: number(&datetime[17..])?,
        microsecond,
    };
    Some((parts, read_offset(rest)?))
}

fn read_fraction(text: &[u8]) -> Option<(i32, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at(count);
    let mut six = [b'0'; 6];
    for (to, from) in six.iter_mut().zip(digits) {
        *to = *from;
    }
    if digits.is_empty() {
        return None;
    }
    Some((number(&six)?, rest))
}

fn read_offset(text: &[u8]) -> Option<Offset> {
    let (sign, hours, minutes) = match text {
        [] | [b'Z' | b'z'] => return Some(Offset::UTC),
        [sign, h1, h2, b':', m1, m2] => (sign, [*h1, *h2], [*m1, *m2]),
        _ => return None,
    };
    let sign = match sign {
        b'+' | b' ' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes): (i32, i32) = (number(&hours)?, number(&minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_read_in_any_rfc_3339_form() {
        for (text, written) in [
            ("2014-08-18T10:42:28.288000+00:00", "2014-08-18T10:42:28.288000+00:00"),
            ("2014-08-18 10:42:28.288000+00:00", "2014-08-18T10:42:28.288000+00:00"),
            ("2014-08-18t10:42:28z", "2014-08-18T10:42:28.000000+00:00"),
            ("2014-08-18T10:42:28", "2014-08-18T10:42:28.000000+00:00"),
            ("2019-07-25 14:41:11", "2019-07-25T14:41:11.000000+00:00"),
            ("2019-07-25T14:41:11+03:00", "2019-07-25T11:41:11.000000+00:00"),
            ("2019-07-25T14:41:11 03:00", "2019-07-25T11:41:11.000000+00:00"),
            ("2019-07-25 14:41:11.5 03:00", "2019-07-25T11:41:11.500000+00:00"),
            ("2019-07-25T14:41:11-03:30", "2019-07-25T18:11:11.000000+00:00"),
            ("2019-07-25T14:41:11-00:00", "2019-07-25T14:41:11.000000+00:00"),
            ("2019-07-25T00:00:00+23:59", "2019-07-24T00:01:00.000000+00:00"),
            ("2019-07-25T14:41:11.1Z", "2019-07-25T14:41:11.100000+00:00"),
            ("2019-07-25T14:41:11.123456999999Z", "2019-07-25T14:41:11.123456+00:00"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000000+00:00"),
            ("2020-02-29T00:00:00Z", "2020-02-29T00:00:00.000000+00:00"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999+00:00"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000+00:00"),
            ("0000-12-31T23:00:00-01:00", "0001-01-01T00:00:00.000000+00:00"),
            ("9999-12-30T22:00:00Z", "9999-12-30T22:00:00.000000+00:00"),
        ] {
            assert_eq!(parse_time(text).map(write_v1).as_deref(), Ok(written), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for (text, code) in [
            ("", "malformed"),
            ("2019-07-25", "malformed"),
            ("14:41:11", "malformed"),
            ("2019-07-25T14:41", "malformed"),
            ("2019-07-25T14:41:11.", "malformed"),
            ("2019-07-25T14:41:11.Z", "malformed"),
            ("2019-07-25T14:41:11 +03:00", "malformed"),
            ("2019-07-25T14:41:11+0300", "malformed"),
            ("2019-07-25T14:41:11+24:00", "malformed"),
            ("2019-07-25T14:41:11+03:60", "malformed"),
            ("2019-07-25T14:41:11Zulu", "malformed"),
            ("2019-07-25X14:41:11Z", "malformed"),
            ("20190725T144111Z", "malformed"),
            ("+019-07-25T14:41:11Z", "malformed"),
            ("２019-07-25T14:41:11", "malformed"),
            ("2019-02-29T00:00:00Z", "out_of_range"),
            ("2019-13-01T00:00:00Z", "out_of_range"),
            ("2019-00-01T00:00:00Z", "out_of_range"),
            ("2019-07-25T24:00:00Z", "out_of_range"),
            ("2019-07-25T14:60:00Z", "out_of_range"),
            ("2019-07-25T14:41:61Z", "out_of_range"),
            ("0000-12-31T23:59:59Z", "out_of_range"),
            ("0001-01-01T00:00:00+00:01", "out_of_range"),
            ("9999-12-31T23:59:59Z", "out_of_range"),
        ] {
            assert_eq!(parse_time(text).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn v2_writes_whole_seconds() {
        let time = parse_time("2019-07-25T14:41:11.999999+03:00").unwrap();
        assert_eq!(write_v2(time), "2019-07-25 11:41:11");
    }

    proptest! {
        #[test]
        fn a_time_that_is_written_is_read_again(
            microseconds in -62_135_596_800_000_000_i64..=253_402_207_200_000_000
        ) {
            let time = Timestamp::from_microsecond(microseconds).unwrap();
            prop_assert_eq!(parse_time(&write_v1(time)), Ok(time));
            let second = microseconds.div_euclid(1_000_000);
            prop_assert_eq!(parse_time(&write_v2(time)).map(Timestamp::as_second), Ok(second));
        }

        #[test]
        fn any_text_is_a_time_or_refused(text: String) {
            let _ = parse_time(&text);
        }

        #[test]
        fn any_text_that_looks_like_a_time_is_one_or_refused(
            text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,12})?([Zz]|[-+ ][0-9]{2}:[0-9]{2})?"
        ) {
            if let Ok(time) = parse_time(&text) {
                prop_assert_eq!(parse_time(&write_v1(time)), Ok(time));
            }
        }
    }
}
