//! What the text of one option must be.

use std::fmt;
use std::str::FromStr;

use tracing_subscriber::filter::Targets;

use crate::domain::share::Percent;

pub(super) fn parsed<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// An address without a slash at its end: paths are put behind it.
pub(super) fn public_url(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "must be an address such as https://tickets.example.com";
    let rest = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme)).ok_or(WRONG)?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]%".contains(c);
    if rest.is_empty() || rest.starts_with('/') || !rest.chars().all(is_part) {
        return Err(WRONG);
    }
    Ok(text.trim_end_matches('/').to_owned())
}

pub(super) fn percentage(text: &str) -> Result<Percent, String> {
    let percent = Percent::parse(text).map_err(|error| error.to_string())?;
    if percent < Percent::ZERO || percent > Percent::HUNDRED {
        return Err("must be between 0% and 100%".into());
    }
    Ok(percent)
}

/// A filter, read more strictly than its own parser does: that takes a misspelled level for the
/// name of a part of the program, and then nothing is logged at all.
pub(super) fn log_filter(text: &str) -> Result<Targets, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_level = |level: &str| LEVELS.contains(&level.to_ascii_lowercase().as_str());
    let right = text.split(',').all(|directive| {
        let level = directive.split_once('=').map_or(directive, |(_, level)| level);
        is_level(level.trim())
    });
    if !right {
        return Err(format!("must be one of {}, or a list such as info,parterre::http=debug", LEVELS.join(", ")));
    }
    parsed(text)
}
