//! Query parameters: declared beside the route, read by name.

use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::error::Error;
use super::fields::Type;
use crate::app::Wrong;
use crate::domain::invalid::Invalid;

/// A documented query parameter. What is not declared is unknown.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What one value is; several are given comma-separated or repeated where it is a list.
    pub of: Type,
    /// What it does.
    pub doc: &'static str,
}

impl Param {
    /// A parameter.
    pub const fn new(name: &'static str, of: Type, doc: &'static str) -> Self {
        Self { name, of, doc }
    }
}

/// The longest value of a parameter, in bytes.
const VALUE_MAX: usize = 65_536;

/// The pairs of a query string.
///
/// # Errors
/// 400 for what is not UTF-8, and for the character U+0000, which no stored text holds.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>, Error> {
    let decode = |text: &str| -> Result<String, Error> {
        let wrong = |what: &str| {
            Error::field("query", Invalid::malformed(format!("{what}: {}", text.chars().take(50).collect::<String>())))
        };
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| wrong("must be UTF-8, percent-encoded"))?;
        if decoded.contains('\0') {
            return Err(wrong("must not contain the character U+0000"));
        }
        if decoded.len() > VALUE_MAX {
            return Err(wrong("is too long"));
        }
        Ok(decoded.into_owned())
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

/// The parameters of one request, and what is wrong with them.
pub struct Query<'a> {
    pairs: &'a [(String, String)],
    /// All that was found wrong.
    pub wrongs: Vec<Wrong>,
}

impl<'a> Query<'a> {
    /// The parameters of these pairs.
    pub fn new(pairs: &'a [(String, String)]) -> Self {
        Self { pairs, wrongs: Vec::new() }
    }

    /// A parameter of one value; an empty one counts as not given.
    pub fn one<T: FromStr<Err = Invalid>>(&mut self, name: &'static str) -> Option<T> {
        self.one_as(name, str::parse)
    }

    /// A parameter of one value, read by a function.
    pub fn one_as<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
        let mut values = self.values(name);
        let value = values.next()?;
        let result = match values.next() {
            Some(_) => Err(Invalid::malformed("must be given once")),
            None => read(value),
        };
        self.keep(name, result)
    }

    /// A text.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.one_as(name, |text| Ok(text.to_owned()))
    }

    /// `true` or `false`, also `1` and `0`.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.one_as(name, |text| match text {
            "true" | "True" | "1" => Ok(true),
            "false" | "False" | "0" => Ok(false),
            _ => Err(Invalid::wrong_type("must be true or false")),
        })
    }

    /// A whole number within bounds.
    pub fn number(&mut self, name: &'static str, min: u64, max: u64) -> Option<u64> {
        self.one_as(name, |text| match text.parse::<u64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            _ => Err(Invalid::out_of_range(format!("must be a whole number between {min} and {max}"))),
        })
    }

    /// A parameter of several values, comma-separated or repeated; none where it was not given.
    pub fn many<T: FromStr<Err = Invalid>>(&mut self, name: &'static str) -> Option<Vec<T>> {
        self.many_as(name, str::parse)
    }

    /// A parameter of several values, each read by a function.
    pub fn many_as<T>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&str) -> Result<T, Invalid>,
    ) -> Option<Vec<T>> {
        let values = self.values(name).flat_map(|value| value.split(',')).map(str::trim);
        let mut found = Vec::new();
        for value in values {
            match read(value) {
                Ok(value) => found.push(value),
                Err(invalid) => {
                    self.wrongs.push(Wrong::at(name, invalid));
                    return None;
                }
            }
        }
        self.given(name).then_some(found)
    }

    /// Notes that a parameter is wrong.
    pub fn wrong(&mut self, name: &str, invalid: Invalid) {
        self.wrongs.push(Wrong::at(name, invalid));
    }

    fn given(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let name = name.to_owned();
        self.pairs
            .iter()
            .filter(move |(given, value)| *given == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    fn keep<T>(&mut self, name: &str, result: Result<T, Invalid>) -> Option<T> {
        result.map_err(|invalid| self.wrongs.push(Wrong::at(name, invalid))).ok()
    }
}
