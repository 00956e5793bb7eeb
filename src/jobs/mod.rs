//! What happens by itself. A job is a step that is safe to repeat and to run on several servers at once; nothing that a
//! rule says waits for one: an ended deal is read as ended before its end is written.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

use crate::app::{App, Error, attachments, idempotency, mails, orders, payments, tickets};
use crate::store;

/// How many rows a step takes on: few enough that other writers hardly wait.
const STEP_ROWS: i64 = 200;
/// How long to rest when there was nothing to do.
const REST: Duration = Duration::from_secs(30);
/// The same where somebody waits for a mail, or for money.
const SOON: Duration = Duration::from_secs(5);
/// The same for orders whose hold is over: until one is written down it is counted as taken, with a correction.
const AT_ONCE: Duration = Duration::from_secs(1);
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

/// Runs all jobs until told to stop. Each goes by itself: a slow server of somebody else must not hold up the others.
pub async fn run(app: App, stop: watch::Receiver<bool>) {
    tokio::join!(
        repeat(&app, stop.clone(), AT_ONCE, expire_orders),
        repeat(&app, stop.clone(), SOON, pay),
        repeat(&app, stop.clone(), SOON, mail),
        repeat(&app, stop.clone(), REST, drop_files),
        repeat(&app, stop, REST, clean_up),
    );
}

async fn repeat<F>(app: &App, mut stop: watch::Receiver<bool>, rest: Duration, job: fn(App) -> F)
where
    F: Future<Output = Result<Outcome, Error>>,
{
    while !*stop.borrow() {
        let outcome = match job(app.clone()).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(error = ?error, "A job failed; it is tried again in {} s.", rest.as_secs());
                Outcome::Idle
            }
        };
        if outcome == Outcome::Idle {
            // Either the time is over or the server stops; both end the rest.
            let _ = tokio::time::timeout(rest, stop.changed()).await;
        }
    }
}

/// One step of every job.
///
/// # Errors
/// Those of the store.
pub async fn step(app: &App) -> Result<Outcome, Error> {
    let outcomes = [
        expire_orders(app.clone()).await?,
        pay(app.clone()).await?,
        mail(app.clone()).await?,
        drop_files(app.clone()).await?,
        clean_up(app.clone()).await?,
    ];
    Ok(if outcomes.contains(&Outcome::Worked) { Outcome::Worked } else { Outcome::Idle })
}

/// Writes down the end of orders whose hold is over, a bounded number of them.
async fn expire_orders(app: App) -> Result<Outcome, Error> {
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

/// Tells what became of payments, and sends back what is owed to customers.
async fn pay(app: App) -> Result<Outcome, Error> {
    let delivered = payments::deliver(&app, None).await?.any;
    let sent_back = payments::send_back(&app).await?;
    Ok(if delivered || sent_back { Outcome::Worked } else { Outcome::Idle })
}

async fn mail(app: App) -> Result<Outcome, Error> {
    Ok(if mails::send_due(&app).await? > 0 { Outcome::Worked } else { Outcome::Idle })
}

/// Deletes the files of removed attachments.
async fn drop_files(app: App) -> Result<Outcome, Error> {
    Ok(if attachments::drop_files(&app, STEP_ROWS).await? > 0 { Outcome::Worked } else { Outcome::Idle })
}

async fn clean_up(app: App) -> Result<Outcome, Error> {
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
    let mails = mails::forget(&app, STEP_ROWS).await?;
    let made = tickets::go_on(&app).await?;
    let removed = tickets::remove_surplus(&app).await?;
    Ok(if made || removed || ended + expired + forgotten + mails > 0 { Outcome::Worked } else { Outcome::Idle })
}
