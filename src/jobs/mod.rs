//! What happens by itself. A job is a step that is safe to repeat and to run on several servers at once; nothing that a
//! rule says waits for one: an ended deal is read as ended before its end is written.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

use crate::app::{App, Error, attachments, idempotency, orders, payments, tickets};
use crate::store;

/// How many rows a step takes on: few enough that other writers hardly wait.
const STEP_ROWS: i64 = 200;
/// How long to rest when there was nothing to do. An order that has expired is counted as taken, with a correction, until it
/// is written down.
const REST: Duration = Duration::from_secs(1);
/// How many such rests the less urgent jobs take.
const RESTS: u32 = 30;
/// How many orders are written down as expired at the same time, each in a transaction of its own.
const ORDERS_AT_ONCE: usize = 16;

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
    let mut rests = 0;
    while !*stop.borrow() {
        let urgent = rests % RESTS > 0;
        let stepped = if urgent { expire_orders(&app).await } else { step(&app).await };
        let outcome = match stepped {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(error = ?error, "A job failed; it is tried again in {} s.", REST.as_secs());
                Outcome::Idle
            }
        };
        if outcome == Outcome::Idle {
            rests += 1;
            // Either the time is over or the server stops; both end the rest.
            let _ = tokio::time::timeout(REST, stop.changed()).await;
        }
    }
}

/// Writes down the end of orders whose hold is over, a bounded number of them.
///
/// # Errors
/// Those of the store.
async fn expire_orders(app: &App) -> Result<Outcome, Error> {
    let due = app.store.read(|tx| store::orders::due(tx, STEP_ROWS)).await?;
    let (mut outcome, mut failed) = (Outcome::Idle, None);
    for some in due.chunks(ORDERS_AT_ONCE) {
        let expire = |id| app.store.write(move |tx| orders::expire(tx, id));
        for expired in join_all(some.iter().copied().map(expire)).await {
            match expired {
                Ok(true) => outcome = Outcome::Worked,
                Ok(false) => {}
                // The others do not wait for what is wrong with one.
                Err(error) => failed = Some(error),
            }
        }
    }
    failed.map_or(Ok(outcome), Err)
}

/// One step of every job.
///
/// # Errors
/// Those of the store.
pub async fn step(app: &App) -> Result<Outcome, Error> {
    let expired_orders = expire_orders(app).await?;
    let delivered = payments::deliver(app, None).await?.any;
    let sent_back = payments::send_back(app).await?;
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
    let worked = made
        || delivered
        || sent_back
        || ended + expired + forgotten + dropped > 0
        || expired_orders == Outcome::Worked;
    Ok(if worked { Outcome::Worked } else { Outcome::Idle })
}
