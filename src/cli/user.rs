//! `parterre user`: users, created by the operator.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::{Args, Subcommand};

use super::platform::{Access, Platform};
use super::{Failure, answer, refused, short_text};
use crate::app::users::{self, Registration};
use crate::config::{Config, Options};
use crate::domain::user::{Email, check_password};

/// The most that is read of a password, in bytes: 1,000 characters of four bytes and the line's
/// end.
const PASSWORD_LINE_MAX_BYTES: u64 = 4_002;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Create a user and print their id; the first line of standard input is the password
    Create(Create),
}

#[derive(Args)]
pub(super) struct Create {
    /// Address they sign in with
    #[arg(long)]
    email: Email,

    /// First name
    #[arg(long, value_name = "NAME", value_parser = short_text)]
    first_name: Option<String>,

    /// Last name
    #[arg(long, value_name = "NAME", value_parser = short_text)]
    last_name: Option<String>,

    /// Do not ask for the password, even on a terminal
    #[arg(long)]
    password_stdin: bool,

    #[command(flatten)]
    options: Options,
}

pub(super) fn run(Command::Create(create): Command) -> Result<(), Failure> {
    let config = Config::load(create.options)?;
    if !create.password_stdin && io::stdin().is_terminal() {
        let _ = write!(io::stderr(), "Password (it is shown as you type): ");
    }
    let password = first_line(io::stdin().lock())?;
    check_password(&password).map_err(|invalid| Failure::new(format!("the password {}", invalid.message)))?;
    let platform = Platform::open(&config, Access::Beside)?;
    let view = platform.run(async move |app| {
        let id = app.new_id();
        let registration = Registration {
            email: create.email,
            password_hash: app.passwords.hash(&password).await?,
            first_name: create.first_name,
            last_name: create.last_name,
        };
        app.store.write(move |tx| users::register(tx, id, &registration)).await.map_err(refused)
    })?;
    answer(view.user.id)
}

fn first_line(input: impl BufRead) -> Result<String, Failure> {
    let mut line = String::new();
    input
        .take(PASSWORD_LINE_MAX_BYTES)
        .read_line(&mut line)
        .map_err(|error| Failure::new(format!("the password cannot be read: {error}")))?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    Ok(password.strip_suffix('\r').unwrap_or(password).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_first_line_without_its_end() {
        for (input, password) in [
            ("secret word", "secret word"),
            (" secret word \n", " secret word "),
            ("secret word\r\nmore", "secret word"),
            ("\nsecret word", ""),
            ("", ""),
        ] {
            assert_eq!(first_line(input.as_bytes()).unwrap(), password);
        }
        assert!(first_line(&[0xff, b'\n'][..]).is_err());
        let endless = first_line(&[b'x'; 10_000][..]).unwrap();
        assert_eq!(endless.len() as u64, PASSWORD_LINE_MAX_BYTES);
    }
}
