//! The log: one line an event, on standard error, for people on a terminal and as JSON for
//! everything else.
//!
//! Secrets stay out of it by their types: what holds one shows nothing of it in `Debug`, and
//! neither headers nor bodies are ever logged.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::panic;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, layer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::LogFormat;

/// How long a line waits for others to be written with: one system call for each would cost as much as a request does.
/// What tells of something wrong is written at once.
const GATHERING: Duration = Duration::from_millis(20);

/// When so many bytes wait, whoever adds to them writes: a log that is read slowly holds its writers up, and memory stays
/// bounded.
const WAITING_MAX: usize = 1 << 16;

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
        true => layer().with_writer(io::stderr).with_ansi(terminal).boxed(),
        false => layer().event_format(Json).with_writer(Gathered).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).try_init()?;
    if !human && thread::Builder::new().name("log".into()).spawn(|| LINES.write_forever()).is_err() {
        tracing::warn!("Lines of the log are late: the thread that writes them could not be started.");
    }
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "A thread panicked; this is a defect.");
    }));
    Ok(())
}

/// Writes what still waits; to be called before the process ends.
pub fn flush() {
    LINES.write();
}

static LINES: Lines = Lines { waiting: Mutex::new(Vec::new()), come: Condvar::new(), written: Mutex::new(Vec::new()) };

/// Lines on their way to standard error.
struct Lines {
    waiting: Mutex<Vec<u8>>,
    come: Condvar,
    /// What is being written. Locked as long as that takes, so that lines keep their order.
    written: Mutex<Vec<u8>>,
}

impl Lines {
    fn add(&self, line: &[u8], urgent: bool) {
        let mut waiting = locked(&self.waiting);
        let first = waiting.is_empty();
        waiting.extend_from_slice(line);
        let full = waiting.len() >= WAITING_MAX;
        drop(waiting);
        if urgent || full {
            self.write();
        } else if first {
            self.come.notify_one();
        }
    }

    fn write(&self) {
        let mut lines = locked(&self.written);
        std::mem::swap(&mut *lines, &mut *locked(&self.waiting));
        // Where nobody reads the log, there is nowhere to say so.
        let _ = io::stderr().write_all(&lines);
        lines.clear();
    }

    fn write_forever(&self) {
        loop {
            let some = self.come.wait_while(locked(&self.waiting), |waiting| waiting.is_empty());
            drop(some);
            thread::sleep(GATHERING);
            self.write();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands lines to [`LINES`].
struct Gathered;

/// A line that is being written.
struct Line {
    urgent: bool,
}

impl<'a> MakeWriter<'a> for Gathered {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { urgent: true }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line {
        Line { urgent: *meta.level() <= Level::WARN }
    }
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.add(line, self.urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line as one JSON object: `timestamp`, `level`, the event's own fields, `target`.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields(Vec::with_capacity(256));
        fields.put("level", event.metadata().level().as_str());
        event.record(&mut fields);
        fields.put("target", event.metadata().target());
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        writer.write_str("\"")?;
        writer.write_str(std::str::from_utf8(&fields.0).map_err(|_| fmt::Error)?)?;
        writer.write_str("}\n")
    }
}

/// Members of a JSON object, each with a comma before it.
struct Fields(Vec<u8>);

impl Fields {
    fn put<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.0.push(b',');
        // Writing plain values to memory cannot fail.
        let _ = serde_json::to_writer(&mut self.0, name);
        self.0.push(b':');
        let _ = serde_json::to_writer(&mut self.0, value);
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(line)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_json_object_whatever_is_logged() {
        let page = Page::default();
        let writer = page.clone();
        let lines = layer().event_format(Json).with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            let error = io::Error::other("a \"quoted\"\nline");
            tracing::warn!(path = "/мир\u{1}", status = 200_u16, first = true, %error, "Said {}.", "so");
        });
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        let mut line: serde_json::Value = serde_json::from_str(&text).unwrap();
        let time: jiff::Timestamp = line["timestamp"].take().as_str().unwrap().parse().unwrap();
        assert!(time > jiff::Timestamp::UNIX_EPOCH);
        let expected = serde_json::json!({
            "timestamp": null, "level": "WARN", "message": "Said so.", "path": "/мир\u{1}", "status": 200, "first": true,
            "error": "a \"quoted\"\nline", "target": "parterre::logging::tests",
        });
        assert_eq!(line, expected);
    }
}
