//! The log: one line an event, on standard error, for people on a terminal and as JSON for
//! everything else.
//!
//! Secrets stay out of it by their types: what holds one shows nothing of it in `Debug`, and
//! neither headers nor bodies are ever logged.

use std::io::{self, IsTerminal};
use std::panic;

use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::LogFormat;

/// Starts the log of this process, panics included; to be called once.
///
/// # Errors
/// When something else has started one already.
pub fn start(filter: Targets, format: LogFormat) -> Result<(), TryInitError> {
    let terminal = io::stderr().is_terminal();
    let human = match format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => terminal,
    };
    let lines = match human {
        true => fmt::layer().with_writer(io::stderr).with_ansi(terminal).boxed(),
        false => fmt::layer().with_writer(io::stderr).json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).try_init()?;
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "A thread panicked; this is a defect.");
    }));
    Ok(())
}
