//! `parterre user`: users, created by the operator, and passwords for those who forgot theirs.

use std::io::{self, BufRead, IsTerminal};

use clap::{Args, Subcommand};

use super::platform::{self, Access, Platform};
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
    /// Give a user another password, the first line of standard input, end their sessions and print their id
    Password(Password),
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

    #[command(flatten)]
    entry: Entry,

    #[command(flatten)]
    options: Options,
}

#[derive(Args)]
pub(super) struct Password {
    /// Address they sign in with
    #[arg(long)]
    email: Email,

    #[command(flatten)]
    entry: Entry,

    #[command(flatten)]
    options: Options,
}

/// How a password comes in.
#[derive(Args)]
struct Entry {
    /// Do not ask for the password, even on a terminal
    #[arg(long)]
    password_stdin: bool,
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(create) => self::create(create),
        Command::Password(password) => set_password(password),
    }
}

fn create(create: Create) -> Result<(), Failure> {
    let config = Config::load(create.options)?;
    let password = create.entry.password()?;
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

fn set_password(Password { email, entry, options }: Password) -> Result<(), Failure> {
    let config = Config::load(options)?;
    if platform::schema(&config)?.is_none() {
        return Err(Failure::new("there are no users yet: nothing has been stored there"));
    }
    let password = entry.password()?;
    let platform = Platform::open(&config, Access::Beside)?;
    let user = platform.run(async move |app| {
        let hash = app.passwords.hash(&password).await?;
        app.store.write(move |tx| users::set_password_by_operator(tx, &email, &hash)).await.map_err(refused)
    })?;
    answer(user)
}

impl Entry {
    /// Asks for a password on a terminal, which does not show it; takes it from standard input anywhere else.
    fn password(&self) -> Result<String, Failure> {
        let asked = !self.password_stdin && io::stdin().is_terminal();
        let password =
            if asked { prompt("Password: ")? } else { first_line(io::stdin().lock()).map_err(unreadable)? };
        check_password(&password).map_err(|invalid| Failure::new(format!("the password {}", invalid.message)))?;
        if asked && prompt("The same once more: ")? != password {
            return Err(Failure::new("the two passwords differ"));
        }
        Ok(password)
    }
}

fn prompt(text: &str) -> Result<String, Failure> {
    rpassword::prompt_password(text).map_err(unreadable)
}

fn unreadable(error: io::Error) -> Failure {
    Failure::new(format!("the password cannot be read: {error}"))
}

fn first_line(input: impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.take(PASSWORD_LINE_MAX_BYTES).read_line(&mut line)?;
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
