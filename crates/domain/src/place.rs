//! Where something is: countries, cities, points on the earth, and the venues in them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::id::{PartnerId, VenueId};
use crate::invalid::Invalid;

/// The number of a city at GeoNames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CityId(u32);

impl CityId {
    /// The city with this number.
    ///
    /// # Errors
    /// `out_of_range` where GeoNames has no such numbers.
    pub fn new(number: i64) -> Result<Self, Invalid> {
        match u32::try_from(number) {
            Ok(number @ 1..) => Ok(Self(number)),
            _ => Err(Invalid::out_of_range("must be the number of a city at GeoNames")),
        }
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for CityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CityId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { text.parse().ok() } else { None };
        Self::new(number.ok_or_else(|| Invalid::malformed("must be the number of a city at GeoNames"))?)
    }
}

/// Two letters of ISO 3166 that name a country.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// The two letters, in capitals.
    pub fn as_str(&self) -> &str {
        // They are letters, so this always is a text.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountryCode({self})")
    }
}

impl FromStr for CountryCode {
    type Err = Invalid;

    /// Reads two letters of either case.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err(Invalid::malformed("must be two letters of ISO 3166, such as RU")),
        }
    }
}

/// A point on the earth, with the digits it was given with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    longitude: String,
    latitude: String,
}

impl Point {
    /// The most digits of a coordinate: far more than the breadth of a hair.
    const LENGTH_MAX: usize = 32;

    /// The point at a longitude and a latitude, each a decimal number of degrees as JSON writes it.
    ///
    /// # Errors
    /// `malformed` for what is no decimal number, `out_of_range` for what lies beyond the earth.
    pub fn new(longitude: &str, latitude: &str) -> Result<Self, Invalid> {
        let degrees = |text: &str, name: &str, max: f64| {
            // JSON has exponents too, which nobody who means a place writes.
            let plain = text.len() <= Self::LENGTH_MAX
                && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
            let number: Option<f64> = if plain { text.parse().ok() } else { None };
            match number {
                None => Err(Invalid::malformed(format!(
                    "the {name} must be a decimal number of at most {} characters, without an exponent",
                    Self::LENGTH_MAX
                ))),
                Some(number) if number.abs() <= max => Ok(()),
                Some(_) => Err(Invalid::out_of_range(format!("the {name} must be between -{max} and {max}"))),
            }
        };
        degrees(longitude, "longitude", 180.0)?;
        degrees(latitude, "latitude", 90.0)?;
        Ok(Self { longitude: longitude.to_owned(), latitude: latitude.to_owned() })
    }

    /// Degrees to the east.
    pub fn longitude(&self) -> &str {
        &self.longitude
    }

    /// Degrees to the north.
    pub fn latitude(&self) -> &str {
        &self.latitude
    }
}

/// A place where events are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Venue {
    /// Its id.
    pub id: VenueId,
    /// The organizer that described it.
    pub org: PartnerId,
    /// What it is called.
    pub name: String,
    /// More about it.
    pub desc: Option<String>,
    /// Its postal address.
    pub address: Option<String>,
    /// The city; its country is then [`country`](Self::country).
    pub city: Option<CityId>,
    /// The country.
    pub country: Option<CountryCode>,
    /// Where exactly it is.
    pub point: Option<Point>,
    /// Whether it has been removed.
    pub removed: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_is_a_number_above_zero() {
        assert_eq!("524901".parse::<CityId>().unwrap().number(), 524_901);
        assert_eq!(CityId::new(1).unwrap().to_string(), "1");
        for (text, code) in [
            ("0", "out_of_range"),
            ("4294967296", "out_of_range"),
            ("99999999999999999999", "malformed"),
            ("-1", "malformed"),
            ("+1", "malformed"),
            ("", "malformed"),
            ("Moscow", "malformed"),
        ] {
            assert_eq!(text.parse::<CityId>().unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn a_country_is_two_letters_of_any_case() {
        for text in ["RU", "ru", "rU"] {
            assert_eq!(text.parse::<CountryCode>().unwrap().to_string(), "RU");
        }
        for text in ["", "R", "RUS", "R1", "РФ", "Ж"] {
            assert_eq!(text.parse::<CountryCode>().unwrap_err().code, "malformed", "{text}");
        }
    }

    #[test]
    fn a_point_keeps_its_digits_and_lies_on_the_earth() {
        for (longitude, latitude) in
            [("37.6175", "55.750"), ("-180", "-90.0"), ("180.000", "90"), ("0", "-0.00000000000001")]
        {
            let point = Point::new(longitude, latitude).unwrap();
            assert_eq!((point.longitude(), point.latitude()), (longitude, latitude));
        }
        for (longitude, latitude, code, named) in [
            ("180.01", "0", "out_of_range", "longitude"),
            ("-181", "0", "out_of_range", "longitude"),
            ("0", "90.1", "out_of_range", "latitude"),
            ("1e2", "0", "malformed", "longitude"),
            ("0", "north", "malformed", "latitude"),
            ("0", "nan", "malformed", "latitude"),
            ("0", "0.000000000000000000000000000000001", "malformed", "latitude"),
        ] {
            let invalid = Point::new(longitude, latitude).unwrap_err();
            assert_eq!(invalid.code, code, "{longitude} {latitude}");
            assert!(invalid.message.contains(named), "{}", invalid.message);
        }
    }
}
