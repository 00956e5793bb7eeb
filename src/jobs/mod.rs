//! What happens by itself. A job is a step that is safe to repeat and to run on several servers at once; nothing that a
//! rule says waits for one: an ended deal is read as ended before its end is written.

use std::time::Duration;

use tokio::sync::watch;

use crate::app::{App, Error, attachments, idempotency, tickets};
use crate::store;

/// How many rows a step takes on: few enough that other writers hardly wait.
const STEP_ROWS: i64 = 200;
/// How long to rest when there was nothing to do.
const REST: Duration = Duration::from_secs(30);

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Something was done; there may be more.
    Worked,
    /// There was nothing to do.
    Idle,
}

/// Runs all jobs until told to stop.
pub async fn run(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let outcome = match step(&app).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(error = ?error, "A job failed; it is tried again in {} s.", REST.as_secs());
                Outcome::Idle
            }
        };
        if outcome == Outcome::Idle {
            // Either the time is over or the server stops; both end the rest.
            let _ = tokio::time::timeout(REST, stop.changed()).await;
        }
    }
}

/// One step of every job.
///
/// # Errors
/// Those of the store.
pub async fn step(app: &App) -> Result<Outcome, Error> {
    app.limits.forget_idle();
    let ended = app.store.write(|tx| store::deals::write_ends(tx, STEP_ROWS)).await?;
    let expired = app.store.write(|tx| store::sessions::delete_expired(tx, STEP_ROWS)).await?;
    let forgotten = app
        .store
        .write(|tx| {
            let before =
                tx.now().checked_sub(idempotency::KEPT).map_err(|error| store::Error::Other(error.to_string()))?;
            store::idempotency::delete_before(tx, before, STEP_ROWS)
        })
        .await?;
    let made = tickets::go_on(app).await?;
    // The media store may be out of reach while all else works.
    let dropped = attachments::drop_files(app, STEP_ROWS).await.unwrap_or_else(|error| {
        tracing::error!(error = ?error, "Files of removed attachments could not be deleted; it is tried again.");
        0
    });
    Ok(if made || ended + expired + forgotten + dropped > 0 { Outcome::Worked } else { Outcome::Idle })
}
