//! Reading the options: flags are read by clap, the environment as if each variable were a flag, and the file as TOML.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::{Args, FromArgMatches};

use super::error::ConfigError;
use super::options::Options;
use super::setting::variable;

impl Options {
    /// The options that the environment gives. `variable` looks a name up.
    ///
    /// # Errors
    /// [`ConfigError::Value`] with the variable's name.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        // Each variable becomes the flag of its name, so that both are read by the same code.
        let command = Self::augment_args(clap::Command::new("environment").no_binary_name(true));
        let names: Vec<String> =
            command.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned)).collect();
        let mut flags = Vec::new();
        for name in names {
            let variable = variable(&name);
            // A variable set to nothing is how many tools write one that is not set.
            let Some(value) = lookup(&variable).filter(|value| !value.is_empty()) else {
                continue;
            };
            let mut flag = OsString::from(format!("--{name}="));
            flag.push(value);
            command.clone().try_get_matches_from([&flag]).map_err(|error| ConfigError::Value {
                place: variable,
                message: first_paragraph(&error.to_string()),
            })?;
            flags.push(flag);
        }
        let mut options = command
            .try_get_matches_from(flags)
            .and_then(|matches| Self::from_arg_matches(&matches))
            .map_err(|error| ConfigError::Conflict(first_paragraph(&error.to_string())))?;
        options.secret = match lookup("PARTERRE_SECRET").map(OsString::into_string) {
            None => None,
            Some(Ok(secret)) if secret.is_empty() => None,
            Some(Ok(secret)) => Some(secret.into()),
            Some(Err(_)) => {
                return Err(ConfigError::Value {
                    place: "PARTERRE_SECRET".into(),
                    message: "must be a text in UTF-8".into(),
                });
            }
        };
        Ok(options)
    }

    /// The options that a configuration file gives.
    ///
    /// # Errors
    /// [`ConfigError`] with the line and the key.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let mut options = Self::from_toml(&text).map_err(|(line, message)| ConfigError::File {
            path: path.to_owned(),
            line,
            message,
        })?;
        let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o777;
        if options.secret.is_some() && mode & 0o077 != 0 {
            return Err(ConfigError::Conflict(format!(
                "the configuration file {0} holds the secret and is open to others (mode {mode:03o}); run: chmod 600 {0}",
                path.display()
            )));
        }
        options.config = Some(path.to_owned());
        Ok(options)
    }

    /// The options in a TOML text, or the line of the mistake and what it is.
    pub(super) fn from_toml(text: &str) -> Result<Self, (usize, String)> {
        let mistake = |error: &toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or_default();
            let line = 1 + before.matches('\n').count();
            (line, error.message().replace('\n', " "))
        };
        let document = toml::Deserializer::parse(text).map_err(|error| mistake(&error))?;
        serde_path_to_error::deserialize(document).map_err(|error| {
            let (line, message) = mistake(error.inner());
            let key = error.path().to_string();
            match message.contains(&format!("`{key}`")) || key == "." {
                true => (line, message),
                false => (line, format!("{key}: {message}")),
            }
        })
    }
}

/// The first paragraph of clap's report on one line, without what only helps at a prompt.
fn first_paragraph(report: &str) -> String {
    let report = report.trim_start_matches("error: ");
    let paragraph = report.split("\n\n").next().unwrap_or(report);
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}
