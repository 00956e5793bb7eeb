//! Events: what an organizer sells tickets for.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use crate::id::{AttachmentId, EventId, MapId, PartnerId, VenueId};
use crate::invalid::Invalid;
use crate::money::Currency;
use crate::partner::Tag;
use crate::period::Period;
use crate::text;
use crate::wire::wire_names;

/// Something with a start and an end that an organizer sells tickets for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id; it carries the bucket.
    pub id: EventId,
    /// Its organizer.
    pub org: PartnerId,
    /// What it is called.
    pub title: Title,
    /// When it takes place.
    pub lifetime: Period,
    /// Whether it is seen and sold.
    pub status: EventStatus,
    /// From which age it may be visited.
    pub age_rating: AgeRating,
    /// The currency of all its prices; fixed once the event has a set.
    pub currency: Currency,
    /// Where its clocks stand.
    pub timezone: Timezone,
    /// Words to find it by.
    pub tags: Vec<Tag>,
    /// Where it takes place.
    pub venue: Option<VenueId>,
    /// The plan of the place.
    pub map: Option<MapId>,
    /// Its picture, as it was given.
    pub cover: Option<AttachmentId>,
    /// Whether it was removed.
    pub removed: bool,
    /// When it was created; none for one that came from a system that didn't know.
    pub created_at: Option<Timestamp>,
    /// When it was last changed; none for one that came from a system that didn't know.
    pub updated_at: Option<Timestamp>,
}

/// What an event is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// One line: 1 to 1,000 characters, without white space around them.
    pub text: String,
    /// More about it; at most 100,000 characters.
    pub desc: Option<String>,
}

/// A change of a [`Title`] (RFC 7396): the outer `None` was left out, the inner one is null.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TitlePatch {
    /// The line.
    pub text: Option<Option<String>>,
    /// The description.
    pub desc: Option<Option<String>>,
}

impl Title {
    /// A title with these texts.
    ///
    /// # Errors
    /// The name of the wrong text (`text`, `desc`), and why it is wrong.
    pub fn new(text: &str, desc: Option<String>) -> Result<Self, (&'static str, Invalid)> {
        let text = text::name(text, text::SHORT_MAX).map_err(|invalid| ("text", invalid))?;
        if let Some(desc) = &desc {
            text::check_long(desc).map_err(|invalid| ("desc", invalid))?;
        }
        Ok(Self { text, desc })
    }

    /// The title after a change. Its `text` can't be cleared.
    ///
    /// # Errors
    /// Those of [`Title::new`].
    pub fn merge(self, patch: TitlePatch) -> Result<Self, (&'static str, Invalid)> {
        let text = match patch.text {
            None => self.text,
            Some(None) => return Err(("text", Invalid::required())),
            Some(Some(text)) => text,
        };
        Self::new(&text, patch.desc.unwrap_or(self.desc))
    }
}

/// Whether an event is seen and sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventStatus {
    /// Seen by its organizer only.
    Draft,
    /// Seen by those with a deal, not sold.
    StandBy,
    /// Seen by every partner, and sold.
    Public,
    /// Called off for good.
    Cancelled,
}

wire_names!(EventStatus {
    Draft = "draft",
    StandBy = "stand_by",
    Public = "public",
    Cancelled = "cancelled" | "canceled",
});

/// Why an event can't take a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatusRefusal {
    /// A cancelled event stays cancelled.
    #[error("a cancelled event can't become {to}")]
    Final {
        /// The status that was asked for.
        to: EventStatus,
    },
    /// There is nothing to sell.
    #[error("an event needs a set with a price before it can become public")]
    NothingPriced,
}

/// Whether an event may go from one status to another. `has_priced_set`: whether it has a set with
/// a price, which being public takes.
///
/// # Errors
/// Why it may not.
pub fn change_status(from: EventStatus, to: EventStatus, has_priced_set: bool) -> Result<(), StatusRefusal> {
    match (from, to) {
        _ if from == to => Ok(()),
        (EventStatus::Cancelled, _) => Err(StatusRefusal::Final { to }),
        (_, EventStatus::Public) if !has_priced_set => Err(StatusRefusal::NothingPriced),
        _ => Ok(()),
    }
}

/// From which age an event may be visited, in years: 0, 6, 12, 16 or 18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AgeRating(u8);

impl AgeRating {
    /// The rating for visitors of at least so many years.
    ///
    /// # Errors
    /// `out_of_range` for any other number.
    pub fn new(years: i64) -> Result<Self, Invalid> {
        match years {
            0 => Ok(Self(0)),
            6 => Ok(Self(6)),
            12 => Ok(Self(12)),
            16 => Ok(Self(16)),
            18 => Ok(Self(18)),
            _ => Err(Invalid::out_of_range("must be one of 0, 6, 12, 16, 18")),
        }
    }

    /// The age in years.
    pub const fn years(self) -> u8 {
        self.0
    }
}

/// The name of a time zone in the IANA database: `Europe/Moscow`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Timezone(String);

impl Timezone {
    /// The name, spelled as the database does.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the clocks there show at a time.
    pub fn local(&self, time: Timestamp) -> DateTime {
        // It was looked up when it was read, so it is there.
        zone_named(&self.0).map_or_else(|_| Offset::UTC.to_datetime(time), |zone| zone.to_datetime(time))
    }
}

impl FromStr for Timezone {
    type Err = Invalid;

    /// Takes a name in any case.
    fn from_str(name: &str) -> Result<Self, Invalid> {
        let zone = zone_named(name)?;
        Ok(Self(zone.iana_name().unwrap_or(name).to_owned()))
    }
}

impl fmt::Display for Timezone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The zone with this name in the database that is compiled in: what is valid must not depend on
/// the machine. jiff's own `Etc/Unknown` is not one of that database.
pub(crate) fn zone_named(name: &str) -> Result<TimeZone, Invalid> {
    TimeZoneDatabase::bundled()
        .get(name)
        .ok()
        .filter(|zone| !zone.is_unknown())
        .ok_or_else(|| Invalid::unknown("must be a time zone of the IANA database such as Europe/Moscow"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::check_wire_names;

    #[test]
    fn an_event_goes_from_one_status_to_another() {
        /// For one status what comes of each status, in the order draft, stand_by, public,
        /// cancelled: `>` done, `$` done if it has a set with a price, `x` not possible.
        const TABLE: [(&str, &str); 4] =
            [("draft", ">>$>"), ("stand_by", ">>$>"), ("public", ">>>>"), ("cancelled", "xxx>")];
        for (from, (name, outcomes)) in EventStatus::ALL.iter().copied().zip(TABLE) {
            assert_eq!(from.as_str(), name);
            for (to, outcome) in EventStatus::ALL.iter().copied().zip(outcomes.chars()) {
                let (priced, unpriced) = match outcome {
                    '>' => (Ok(()), Ok(())),
                    '$' => (Ok(()), Err(StatusRefusal::NothingPriced)),
                    _ => (Err(StatusRefusal::Final { to }), Err(StatusRefusal::Final { to })),
                };
                assert_eq!(change_status(from, to, true), priced, "{from} to {to}");
                assert_eq!(change_status(from, to, false), unpriced, "{from} to {to}");
            }
        }
    }

    #[test]
    fn the_words_of_the_statuses() {
        check_wire_names(EventStatus::ALL, &["draft", "stand_by", "public", "cancelled"]);
        assert_eq!("canceled".parse(), Ok(EventStatus::Cancelled));
        assert_eq!(
            "open".parse::<EventStatus>().unwrap_err().message,
            "must be one of draft, stand_by, public, cancelled"
        );
    }

    #[test]
    fn there_are_five_age_ratings() {
        for years in [0_u8, 6, 12, 16, 18] {
            assert_eq!(AgeRating::new(years.into()).map(AgeRating::years), Ok(years));
        }
        for years in [-1, 1, 17, 21, 256, i64::MIN, i64::MAX] {
            assert_eq!(AgeRating::new(years).unwrap_err().code, "out_of_range", "{years}");
        }
    }

    #[test]
    fn a_title_has_a_line_and_maybe_a_description() {
        let title = Title::new(" Concert ", Some("Two\nlines".to_owned())).unwrap();
        assert_eq!(title.text, "Concert");
        assert_eq!(title.desc.as_deref(), Some("Two\nlines"));
        for (text, desc, field, code) in [
            ("", "", "text", "required"),
            ("  ", "", "text", "required"),
            (&"t".repeat(1_001), "", "text", "too_long"),
            ("Concert", &"d".repeat(100_001), "desc", "too_long"),
            ("Concert", "\0", "desc", "malformed"),
        ] {
            let (wrong, invalid) = Title::new(text, Some(desc.to_owned())).unwrap_err();
            assert_eq!((wrong, invalid.code), (field, code));
        }
    }

    #[test]
    fn a_change_of_a_title_replaces_what_is_given_and_clears_what_is_null() {
        let title = Title::new("Concert", Some("Loud".to_owned())).unwrap();
        let merge = |text: Option<Option<&str>>, desc: Option<Option<&str>>| {
            let own = |given: Option<Option<&str>>| given.map(|text| text.map(str::to_owned));
            let patch = TitlePatch { text: own(text), desc: own(desc) };
            title.clone().merge(patch)
        };
        assert_eq!(merge(None, None), Ok(title.clone()));
        assert_eq!(merge(Some(Some("Opera")), None), Title::new("Opera", Some("Loud".to_owned())));
        assert_eq!(merge(None, Some(None)), Title::new("Concert", None));
        assert_eq!(merge(Some(None), None), Err(("text", Invalid::required())));
    }

    #[test]
    fn a_timezone_is_one_of_the_iana_database() {
        for (name, spelled) in
            [("Europe/Moscow", "Europe/Moscow"), ("america/new_york", "America/New_York"), ("UTC", "UTC")]
        {
            assert_eq!(name.parse::<Timezone>().unwrap().as_str(), spelled);
        }
        for name in ["", "Moscow", "Europe/Nowhere", "+03:00", "Etc/Unknown", "../etc/passwd"] {
            assert_eq!(name.parse::<Timezone>().unwrap_err().code, "unknown", "{name}");
        }
    }
}
