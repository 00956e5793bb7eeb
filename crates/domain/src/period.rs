//! A span of time with a start and an end: an event's `lifetime`, a rule's `cal`.

use jiff::tz::{Offset, TimeZone};
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

use crate::event::zone_named;
use crate::invalid::Invalid;
use crate::time::{Parts, in_range, number, outside};

/// From `start` (included) to `end` (excluded), in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// The first second.
    pub start: Timestamp,
    /// The first second after it; later than `start`.
    pub end: Timestamp,
}

impl Period {
    /// The period between two times. Parts of a second are cut off: the wire has none.
    ///
    /// # Errors
    /// `out_of_range` unless the end is after the start.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, Invalid> {
        let (start, end) = (whole_seconds(start)?, whole_seconds(end)?);
        if end <= start {
            return Err(Invalid::out_of_range("must end after it starts"));
        }
        Ok(Self { start, end })
    }

    /// Whether the period holds at a time.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.start <= time && time < self.end
    }

    /// Reads a VEVENT (RFC 5545) with `DTSTART` and `DTEND`.
    ///
    /// The times are dates with a time: in UTC (`Z`), in the zone that `TZID` names, or, with
    /// neither, in UTC. Lines end in `\r\n` or `\n` and may be folded. The VEVENT may stand in a
    /// VCALENDAR; other properties and components are passed over.
    ///
    /// # Errors
    /// `malformed` for anything else, or for more than one VEVENT; `unknown` for a `TZID` that
    /// isn't in the IANA database; `out_of_range` unless the end is after the start.
    pub fn parse_vevent(text: &str) -> Result<Self, Invalid> {
        let unfolded = unfold(text);
        let mut open: Vec<&str> = Vec::new();
        let mut events = 0;
        let (mut start, mut end) = (None, None);
        for line in unfolded.lines().filter(|line| !line.trim().is_empty()) {
            let property =
                Property::read(line).ok_or_else(|| Invalid::malformed("must consist of lines such as NAME:value"))?;
            if property.is("BEGIN") {
                events += usize::from(is_vevent(property.value));
                open.push(property.value);
            } else if property.is("END") {
                let begun = open.pop();
                if !begun.is_some_and(|name| name.eq_ignore_ascii_case(property.value)) {
                    return Err(Invalid::malformed("must END what it has begun with BEGIN"));
                }
            } else if open.last().is_some_and(|name| is_vevent(name)) {
                if property.is("DTSTART") {
                    set_once(&mut start, &property)?;
                } else if property.is("DTEND") {
                    set_once(&mut end, &property)?;
                }
            }
        }
        if events != 1 || !open.is_empty() {
            return Err(Invalid::malformed("must be one VEVENT, from BEGIN:VEVENT to END:VEVENT"));
        }
        match (start, end) {
            (Some(start), Some(end)) => Self::new(start, end),
            _ => Err(Invalid::malformed("must have DTSTART and DTEND")),
        }
    }

    /// Writes the VEVENT of the v1 wire: times in UTC, lines ending in `\r\n`.
    pub fn to_vevent(&self) -> String {
        format!(
            "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE-TIME:{}\r\nDTEND;VALUE=DATE-TIME:{}\r\nEND:VEVENT\r\n",
            basic(self.start),
            basic(self.end)
        )
    }
}

fn whole_seconds(time: Timestamp) -> Result<Timestamp, Invalid> {
    let down = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Floor);
    time.round(down).map_err(|_| outside())
}

/// `20160124T160000Z`.
fn basic(time: Timestamp) -> String {
    let utc = Offset::UTC.to_datetime(time);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        utc.year(),
        utc.month(),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second()
    )
}

/// Joins folded lines: a line that begins with a space or a tab continues the one before.
fn unfold(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.replace("\n ", "").replace("\n\t", "")
}

fn is_vevent(component: &str) -> bool {
    component.eq_ignore_ascii_case("VEVENT")
}

fn set_once(time: &mut Option<Timestamp>, property: &Property<'_>) -> Result<(), Invalid> {
    if time.replace(property.time()?).is_some() {
        return Err(Invalid::malformed("must have DTSTART and DTEND only once"));
    }
    Ok(())
}

/// One line: `NAME;PARAMETER=value;…:value`.
struct Property<'a> {
    name: &'a str,
    parameters: &'a str,
    value: &'a str,
}

impl<'a> Property<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (head, value) = split_unquoted(line, ':')?;
        let (name, parameters) = split_unquoted(head, ';').unwrap_or((head, ""));
        Some(Self { name, parameters, value: value.trim_ascii() })
    }

    fn is(&self, name: &str) -> bool {
        self.name.trim_ascii().eq_ignore_ascii_case(name)
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.parameters;
        while !rest.is_empty() {
            let (parameter, after) = split_unquoted(rest, ';').unwrap_or((rest, ""));
            match parameter.split_once('=') {
                Some((key, value)) if key.eq_ignore_ascii_case(name) => {
                    return Some(value.trim_matches('"'));
                }
                _ => rest = after,
            }
        }
        None
    }

    fn time(&self) -> Result<Timestamp, Invalid> {
        let (parts, utc) = read_basic(self.value.as_bytes()).ok_or_else(|| {
            Invalid::malformed("must have a DTSTART and a DTEND that are dates with a time, such as 20160124T160000Z")
        })?;
        let zone = match self.parameter("TZID") {
            // RFC 5545, 3.2.19: TZID must not be applied to a time in UTC.
            Some(name) if !utc => zone_named(name)?,
            _ => TimeZone::UTC,
        };
        // RFC 5545, 3.3.5: of a time that happens twice the first is meant, and one that is
        // skipped is read with the offset before the gap; that is jiff's "compatible".
        let zoned = zone.to_ambiguous_zoned(parts.build()?).compatible().map_err(|_| outside())?;
        in_range(zoned.timestamp())
    }
}

/// Splits at the first separator that doesn't stand between quotes.
fn split_unquoted(text: &str, separator: char) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = text.find(|char| {
        quoted ^= char == '"';
        char == separator && !quoted
    })?;
    Some((&text[..at], &text[at + separator.len_utf8()..]))
}

/// Reads `20160124T160000`, and whether a `Z` follows.
fn read_basic(text: &[u8]) -> Option<(Parts, bool)> {
    let (datetime, utc) = match text.split_at_checked(15)? {
        (datetime, []) => (datetime, false),
        (datetime, [b'Z' | b'z']) => (datetime, true),
        _ => return None,
    };
    if !matches!(datetime[8], b'T' | b't') {
        return None;
    }
    let parts = Parts {
        year: number(&datetime[..4])?,
        month: number(&datetime[4..6])?,
        day: number(&datetime[6..8])?,
        hour: number(&datetime[9..11])?,
        minute: number(&datetime[11..13])?,
        second: number(&datetime[13..])?,
        microsecond: 0,
    };
    Some((parts, utc))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::parse_time;

    const WRITTEN: &str = "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE-TIME:20160124T160000Z\r\nDTEND;VALUE=DATE-TIME:20160124T173000Z\r\nEND:VEVENT\r\n";

    fn period(start: &str, end: &str) -> Period {
        Period::new(parse_time(start).unwrap(), parse_time(end).unwrap()).unwrap()
    }

    fn concert() -> Period {
        period("2016-01-24T16:00:00Z", "2016-01-24T17:30:00Z")
    }

    fn vevent(start: &str, end: &str) -> String {
        format!("BEGIN:VEVENT\r\n{start}\r\n{end}\r\nEND:VEVENT\r\n")
    }

    #[test]
    fn a_period_is_written_as_a_vevent_in_utc() {
        assert_eq!(concert().to_vevent(), WRITTEN);
        assert_eq!(Period::parse_vevent(WRITTEN), Ok(concert()));
    }

    #[test]
    fn the_times_of_a_vevent_are_read_in_every_form() {
        for (start, end) in [
            ("DTSTART:20160124T160000Z", "DTEND:20160124T173000Z"),
            ("DTSTART:20160124T160000", "DTEND:20160124T173000"),
            ("DTSTART;VALUE=DATE-TIME:20160124T160000", "DTEND;VALUE=DATE-TIME:20160124T173000"),
            ("DTSTART;TZID=Europe/Moscow:20160124T190000", "DTEND;TZID=Europe/Moscow:20160124T203000"),
            (
                "DTSTART;VALUE=DATE-TIME;TZID=\"Europe/Moscow\":20160124T190000",
                "DTEND;TZID=Europe/Moscow;VALUE=DATE-TIME:20160124T203000",
            ),
            ("DTSTART;TZID=Europe/Moscow:20160124T160000Z", "DTEND;TZID=America/New_York:20160124T123000"),
            ("dtstart;value=date-time:20160124t160000z", "DtEnd:20160124T173000Z"),
            ("DTSTART;X-NOTE=\"a;b:c\":20160124T160000Z", "DTEND;X-TZID=Europe/Moscow:20160124T173000Z"),
            ("DTEND:20160124T173000Z", "DTSTART:20160124T160000Z"),
        ] {
            let text = vevent(start, end);
            assert_eq!(Period::parse_vevent(&text), Ok(concert()), "{text}");
        }
    }

    #[test]
    fn a_vevent_is_read_from_any_calendar_it_stands_in() {
        for text in [
            WRITTEN.replace("\r\n", "\n"),
            WRITTEN.trim_end().to_owned(),
            format!("\r\n{WRITTEN}\r\n"),
            WRITTEN.replace("0124T16", "0124\r\n T16"),
            WRITTEN.replace("VALUE=", "VAL\n\tUE="),
            WRITTEN.replace("DTEND", "SUMMARY:DTSTART: a\\, b\r\nRRULE:FREQ=DAILY\r\nDTEND"),
            format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b\r\n{WRITTEN}END:VCALENDAR\r\n"),
            format!(
                "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:19701025T030000\nEND:STANDARD\nEND:VTIMEZONE\n{WRITTEN}END:VCALENDAR\n"
            ),
            WRITTEN.replace("END:VEVENT", "BEGIN:VALARM\r\nDTSTART:20000101T000000Z\r\nEND:VALARM\r\nEND:VEVENT"),
            WRITTEN.replace("VEVENT", "vevent"),
        ] {
            assert_eq!(Period::parse_vevent(&text), Ok(concert()), "{text}");
        }
    }

    #[test]
    fn a_local_time_that_is_skipped_or_happens_twice_is_read_as_rfc_5545_says() {
        let text =
            vevent("DTSTART;TZID=America/New_York:20070311T023000", "DTEND;TZID=America/New_York:20071104T013000");
        let read = period("2007-03-11T03:30:00-04:00", "2007-11-04T01:30:00-04:00");
        assert_eq!(Period::parse_vevent(&text), Ok(read));
    }

    #[test]
    fn what_is_not_one_vevent_with_two_times_is_refused() {
        let start = "DTSTART:20160124T160000Z";
        let end = "DTEND:20160124T173000Z";
        for (text, code) in [
            (String::new(), "malformed"),
            ("2016-01-24T16:00:00Z".to_owned(), "malformed"),
            ("a line without the separator".to_owned(), "malformed"),
            (format!("{start}\r\n{end}\r\n"), "malformed"),
            (format!("BEGIN:VTODO\r\n{start}\r\n{end}\r\nEND:VTODO\r\n"), "malformed"),
            (format!("BEGIN:VEVENT\r\n{start}\r\n{end}\r\n"), "malformed"),
            (format!("BEGIN:VEVENT\r\n{start}\r\n{end}\r\nEND:VTODO\r\n"), "malformed"),
            (format!("{start}\r\n{end}\r\nEND:VEVENT\r\n"), "malformed"),
            (WRITTEN.repeat(2), "malformed"),
            (vevent(start, "DURATION:PT1H"), "malformed"),
            (vevent(start, start), "malformed"),
            (vevent("DTSTART;VALUE=DATE:20160124", end), "malformed"),
            (vevent("DTSTART:2016-01-24T16:00:00Z", end), "malformed"),
            (vevent("DTSTART:20160124T160000+03", end), "malformed"),
            (vevent("DTSTART;TZID=Europe/Nowhere:20160124T160000", end), "unknown"),
            (vevent("DTSTART;TZID=:20160124T160000", end), "unknown"),
            (vevent("DTSTART:20160230T160000Z", end), "out_of_range"),
            (vevent("DTSTART:00000101T000000Z", end), "out_of_range"),
            (vevent(start, "DTEND:99991231T235959Z"), "out_of_range"),
            (vevent(start, "DTEND:20160124T160000Z"), "out_of_range"),
            (vevent(start, "DTEND:20160124T155959Z"), "out_of_range"),
        ] {
            assert_eq!(Period::parse_vevent(&text).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn a_period_has_whole_seconds_and_ends_after_it_starts() {
        let start = parse_time("2016-01-24T16:00:00.9Z").unwrap();
        let end = parse_time("2016-01-24T16:00:01.1Z").unwrap();
        let period = Period::new(start, end).unwrap();
        assert_eq!(period.start, parse_time("2016-01-24T16:00:00Z").unwrap());
        assert_eq!(period.end, parse_time("2016-01-24T16:00:01Z").unwrap());
        assert_eq!(Period::new(period.start, start).unwrap_err().message, "must end after it starts");
    }

    #[test]
    fn a_period_holds_from_its_start_until_just_before_its_end() {
        let concert = concert();
        for (time, holds) in [
            ("2016-01-24T15:59:59.999999Z", false),
            ("2016-01-24T16:00:00Z", true),
            ("2016-01-24T17:29:59.999999Z", true),
            ("2016-01-24T17:30:00Z", false),
        ] {
            assert_eq!(concert.contains(parse_time(time).unwrap()), holds, "{time}");
        }
    }

    proptest! {
        #[test]
        fn a_period_that_is_written_is_read_again(
            start in -62_135_596_800_i64..253_402_207_200,
            seconds in 1_i64..1_000_000_000,
        ) {
            let end = (start + seconds).min(253_402_207_200);
            let period = Period::new(
                Timestamp::from_second(start).unwrap(),
                Timestamp::from_second(end).unwrap(),
            )
            .unwrap();
            prop_assert_eq!(Period::parse_vevent(&period.to_vevent()), Ok(period));
        }

        #[test]
        fn any_text_is_a_period_or_refused(text: String) {
            let _ = Period::parse_vevent(&text);
        }

        #[test]
        fn any_lines_are_a_period_or_refused(
            lines in prop::collection::vec(
                "(BEGIN|END|DTSTART|DTEND)(;TZID=[\"A-Z/]{0,4}|;VALUE=DATE)?:(VEVENT|VALARM|[0-9]{8}T[0-9]{6}Z?)",
                0..8,
            )
        ) {
            if let Ok(period) = Period::parse_vevent(&lines.join("\n")) {
                prop_assert!(period.start < period.end);
            }
        }
    }
}
