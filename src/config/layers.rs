//! Taking each option from the strongest source that names it, checked, and noting which one that was.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::Path;

use super::Tls;
use super::database::DatabaseUrl;
use super::error::ConfigError;
use super::media::MediaPlace;
use super::options::Options;
use super::setting::{Setting, Shown, Source, place};
use crate::mail::{MailPlace, SmtpUrl};
use crate::secret::Origin;

/// The three sources, the strongest first, and what was taken from them.
pub(super) struct Layers {
    pub layers: [(Source, Options); 3],
    pub settings: Vec<Setting>,
}

impl Layers {
    /// The value of the first source that gives one.
    fn find<T: Clone>(&self, get: impl Fn(&Options) -> &Option<T>) -> Option<(T, Source)> {
        self.layers.iter().find_map(|(source, options)| Some((get(options).clone()?, *source)))
    }

    fn note(&mut self, name: &'static str, value: impl Into<String>, source: Source) {
        self.settings.push(Setting { name, value: value.into(), source });
    }

    /// An option that has no value when nobody gives it; that is then shown as `absent`.
    pub(super) fn optional<T: Clone + Shown>(
        &mut self,
        name: &'static str,
        get: impl Fn(&Options) -> &Option<T>,
        absent: &str,
    ) -> Option<(T, Source)> {
        let found = self.find(get);
        match &found {
            Some((value, source)) => self.note(name, value.shown(), *source),
            None => self.note(name, absent, Source::Default),
        }
        found
    }

    fn value_and_source<T: Clone + Shown>(
        &mut self,
        name: &'static str,
        get: impl Fn(&Options) -> &Option<T>,
        default: T,
    ) -> (T, Source) {
        let (value, source) = self.find(get).unwrap_or((default, Source::Default));
        self.note(name, value.shown(), source);
        (value, source)
    }

    pub(super) fn value<T: Clone + Shown>(
        &mut self,
        name: &'static str,
        get: impl Fn(&Options) -> &Option<T>,
        default: T,
    ) -> T {
        self.value_and_source(name, get, default).0
    }

    pub(super) fn checked<T>(
        &mut self,
        name: &'static str,
        get: impl Fn(&Options) -> &Option<String>,
        default: &str,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let (text, source) = self.value_and_source(name, get, default.to_owned());
        check(text.trim()).map_err(|message| wrong(name, source, message))
    }

    pub(super) fn number(
        &mut self,
        name: &'static str,
        get: impl Fn(&Options) -> &Option<u32>,
        default: u32,
        range: RangeInclusive<u32>,
    ) -> Result<u32, ConfigError> {
        let (number, source) = self.value_and_source(name, get, default);
        in_range(name, number, source, range)
    }

    pub(super) fn limit(
        &mut self,
        name: &'static str,
        get: impl Fn(&Options) -> &Option<u32>,
        default: u32,
    ) -> Result<NonZeroU32, ConfigError> {
        let number = self.number(name, get, default, 1..=1_000_000)?;
        Ok(NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN))
    }

    /// How many of something, at least one; whoever uses it has its own default, described here.
    pub(super) fn count(
        &mut self,
        name: &'static str,
        get: impl Fn(&Options) -> &Option<u32>,
        most: u32,
        default: &str,
    ) -> Result<Option<usize>, ConfigError> {
        match self.optional(name, get, default) {
            Some((number, source)) => {
                let number = in_range(name, number, source, 1..=most)?;
                Ok(usize::try_from(number).ok())
            }
            None => Ok(None),
        }
    }

    pub(super) fn database(&mut self) -> Result<Option<DatabaseUrl>, ConfigError> {
        let Some((url, source)) = self.find(|o| &o.database) else {
            self.note("database", "SQLite in the data folder", Source::Default);
            return Ok(None);
        };
        let url: DatabaseUrl = url.reveal().parse().map_err(|message| wrong("database", source, message))?;
        self.note("database", url.to_string(), source);
        Ok(Some(url))
    }

    pub(super) fn media(&mut self, data: &Path) -> Result<MediaPlace, ConfigError> {
        match self.optional("media", |o| &o.media, "media in the data folder") {
            None => Ok(MediaPlace::Folder(data.join("media"))),
            Some((place, source)) => place.parse().map_err(|message: &str| wrong("media", source, message)),
        }
    }

    pub(super) fn secret(&mut self, data: &Path, shared: bool) -> Result<Origin, ConfigError> {
        let created = data.join("secret");
        let absent = match shared {
            true => "none",
            false => "the file secret in the data folder",
        };
        let file = self.optional("secret-file", |o| &o.secret_file, absent);
        let text = self.optional("secret", |o| &o.secret, "none");
        match (file, text) {
            // One of them would be ignored, and which one is easily guessed wrong.
            (Some((_, file)), Some((_, text))) => Err(ConfigError::Conflict(format!(
                "{} and {} both give the secret; leave one of them out",
                place("secret-file", file),
                place("secret", text)
            ))),
            (Some((path, _)), None) => Ok(Origin::File(path)),
            (None, Some((text, _))) => Ok(Origin::Given(text)),
            (None, None) if shared => Ok(Origin::Nowhere),
            (None, None) => Ok(Origin::Created(created)),
        }
    }

    pub(super) fn mail(&mut self, data: &Path, demo: bool) -> Result<MailPlace, ConfigError> {
        let Some((url, source)) = self.find(|o| &o.smtp) else {
            self.note("smtp", "files in the folder mails of the data folder", Source::Default);
            return Ok(MailPlace::Folder(data.join("mails")));
        };
        let url: SmtpUrl = url.reveal().parse().map_err(|message: &str| wrong("smtp", source, message))?;
        self.note("smtp", url.to_string(), source);
        if self.find(|o| &o.mail_from).is_none() {
            return Err(ConfigError::Conflict("--smtp needs --mail-from: who mails are from".into()));
        }
        // A demo's keys are known to everybody: it mails nobody.
        Ok(if demo { MailPlace::Folder(data.join("mails")) } else { MailPlace::Smtp(url) })
    }

    pub(super) fn tls(&mut self) -> Result<Option<Tls>, ConfigError> {
        let cert = self.optional("tls-cert", |o| &o.tls_cert, "none");
        let key = self.optional("tls-key", |o| &o.tls_key, "none");
        match (cert, key) {
            (Some((cert, _)), Some((key, _))) => Ok(Some(Tls { cert, key })),
            (None, None) => Ok(None),
            _ => Err(ConfigError::Conflict("TLS needs both --tls-cert and --tls-key, or none of them".into())),
        }
    }
}

fn in_range(name: &str, number: u32, source: Source, range: RangeInclusive<u32>) -> Result<u32, ConfigError> {
    if range.contains(&number) {
        return Ok(number);
    }
    let (least, most) = range.into_inner();
    Err(wrong(name, source, format!("must be from {least} to {most}")))
}

pub(super) fn wrong(name: &str, source: Source, message: impl Into<String>) -> ConfigError {
    ConfigError::Value { place: place(name, source), message: message.into() }
}
