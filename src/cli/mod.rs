//! The subcommands of the binary, one file each.

mod bench;
mod doctor;
mod key;
mod listener;
mod migrate;
mod openapi;
mod partner;
mod platform;
mod serve;
mod user;

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::app;
use crate::config::{self, Options};
use crate::domain::invalid::Invalid;
use crate::domain::text::check_short;
use crate::logging;

/// Sells tickets through many partners: the API of TicketsCloud, on a server of your own.
#[derive(Parser)]
#[command(
    name = "parterre",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = AFTER_HELP
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Try it:
  parterre serve --demo --data demo-data

Every option (parterre serve --help shows them all) can also be given by the environment
(PARTERRE_LISTEN for --listen) and in a TOML file (listen = \"…\") named by --config. A flag
counts more than the environment, and that more than the file.";

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(Options),
    /// Bring the schema of the database to this version
    Migrate(Options),
    /// Show what the configuration resolves to, and check that all is well
    Doctor(doctor::Arguments),
    /// Print the API's OpenAPI document
    Openapi,
    /// Manage users, the people who sign in
    #[command(subcommand, arg_required_else_help = true)]
    User(user::Command),
    /// Manage partners, the companies that organize events and sell tickets
    #[command(subcommand, arg_required_else_help = true)]
    Partner(partner::Command),
    /// Manage API keys, by which partners' programs sign in
    #[command(subcommand, arg_required_else_help = true)]
    Key(key::Command),
    /// Measure stores and servers that were made for it
    #[command(subcommand, arg_required_else_help = true, hide = true)]
    Bench(bench::Command),
}

/// Runs the program with the arguments of the process. What cannot be done is said in one line on
/// standard error, with exit code 1; a command line that makes no sense, with exit code 2.
pub fn run() -> ExitCode {
    let matches = command_line().get_matches();
    let result = match CommandLine::from_arg_matches(&matches) {
        Ok(line) => execute(line.command),
        Err(error) => error.exit(),
    };
    logging::flush();
    match result {
        Ok(code) => code,
        Err(failure) => {
            // Nobody may be there to read it any more; the exit code says it too.
            let _ = writeln!(io::stderr(), "parterre: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(options) => serve::run(options)?,
        Command::Migrate(options) => migrate::run(options)?,
        Command::Doctor(arguments) => return doctor::run(arguments),
        Command::Openapi => openapi::run()?,
        Command::User(command) => user::run(command)?,
        Command::Partner(command) => partner::run(command)?,
        Command::Key(command) => key::run(command)?,
        Command::Bench(command) => bench::run(command)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The commands as clap knows them. All of them take every option, so that one environment or
/// file suits all; the help of each shows those that matter to it.
fn command_line() -> clap::Command {
    fn only_the_data(command: clap::Command) -> clap::Command {
        command
            .mut_args(|argument| {
                let matters = argument.get_help_heading().is_none_or(|heading| heading == config::DATA);
                argument.hide(!matters)
            })
            .mut_subcommands(only_the_data)
    }
    CommandLine::command().mut_subcommands(|command| match command.get_name() {
        "serve" | "doctor" => command,
        _ => only_the_data(command),
    })
}

/// Why a command did not do its work: one line for the operator.
#[derive(Debug)]
struct Failure(String);

impl Failure {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// Takes over what the error and its causes say. `Failure` is no `Error` itself, or this would
/// contradict the conversion of a type to itself.
impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = error.source();
        }
        Self(message)
    }
}

/// A name on the command line, held to the length that the API holds it to.
fn short_text(text: &str) -> Result<String, Invalid> {
    check_short(text)?;
    Ok(text.to_owned())
}

/// What a use case refused. The operator is told what a client is not.
fn refused(error: app::Error) -> Failure {
    match error {
        app::Error::Internal(detail) | app::Error::Unavailable(detail) => Failure(detail),
        error => error.into(),
    }
}

/// Writes a line of the command's answer to standard output. That its reader went away, as
/// `| head` does, is no failure, least of all a server's.
fn answer(line: impl fmt::Display) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{line}").and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command_line().debug_assert();
    }

    #[test]
    fn a_failure_is_one_line_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("the door\nis shut")]
        struct Outer(#[source] io::Error);
        let failure = Failure::from(Outer(io::Error::other("the key is lost")));
        assert_eq!(failure.to_string(), "the door is shut: the key is lost");
    }

    #[test]
    fn the_help_of_a_command_shows_the_options_that_matter_to_it() {
        let help = |names: &[&str]| {
            let mut command = command_line();
            command.build();
            let found = names.iter().try_fold(&mut command, |command, name| command.find_subcommand_mut(name));
            found.unwrap().render_help().to_string()
        };
        assert!(help(&["serve"]).contains("--listen"));
        assert!(help(&["doctor"]).contains("--listen"));
        assert!(!help(&["migrate"]).contains("--listen"));
        assert!(!help(&["key", "create"]).contains("--listen"));
        assert!(help(&["key", "create"]).contains("--database"));
        assert!(help(&["key", "create"]).contains("--partner"));
    }
}
