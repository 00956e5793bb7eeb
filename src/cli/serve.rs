//! `parterre serve`: runs the server until it is told to stop.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::listener::{Listener, StopSignals};
use super::platform::{Access, Platform, was_served};
use super::{Failure, answer, refused};
use crate::app::App;
use crate::config::{Config, Options};
use crate::store::Clock;
use crate::{demo, http, jobs, logging};

/// How long the jobs may take to finish the step they are in.
const JOBS_SHUTDOWN: Duration = Duration::from_secs(10);

pub(super) fn run(options: Options) -> Result<(), Failure> {
    let config = Config::load(options)?;
    logging::start(config.log.clone(), config.log_format)?;
    let signals = match config.demo {
        true => Some(fill_demo(&config)?),
        false => None,
    };
    let platform = Platform::open(&config, Access::Alone)?;
    platform.run(async |app| serve(app, &config, signals).await)?;
    tracing::info!("Stopped.");
    Ok(())
}

/// Fills a new demo before anything else can see it, while the platform is open to a clock that is moved by hand: what
/// happened in the last weeks has to have happened then. A signal to stop waits until it is filled, and is then found in
/// what is returned.
fn fill_demo(config: &Config) -> Result<StopSignals, Failure> {
    let clock = Arc::new(AtomicI64::new(Clock::System.now().as_microsecond()));
    let by_hand = || Clock::Manual(Arc::clone(&clock));
    let platform = Platform::open_by(config, Access::Alone, by_hand())?;
    let (mut platform, broken_off) =
        platform.ask(async |app| demo::season::is_broken_off(app).await.map_err(refused))?;
    // On PostgreSQL another server may be filling it just now; a folder has one server, and holds nothing but the demo.
    if broken_off && config.database.is_none() && !was_served(config) {
        tracing::info!("The demo was not filled to its end; it is made anew.");
        platform = platform.start_over(config, by_hand())?;
    }
    let began = Instant::now();
    let (signals, whole) = platform.run(async |app| {
        let signals = StopSignals::listen()?;
        demo::fill(&app).await.map_err(refused)?;
        let whole = demo::season::play(&app, &clock).await.map_err(refused)?;
        Ok((signals, whole))
    })?;
    tracing::info!(milliseconds = began.elapsed().as_millis(), "The demo is filled.");
    if !whole {
        tracing::warn!(
            "The demo lacks some of its data: another server is filling it, or was stopped meanwhile. If it stays so, \
             start over with an empty folder or database."
        );
    }
    Ok(signals)
}

async fn serve(app: App, config: &Config, signals: Option<StopSignals>) -> Result<(), Failure> {
    let signals = match signals {
        Some(signals) => signals,
        None => StopSignals::listen()?,
    };
    let listener = Listener::bind(config).await?;
    app.listens_at(listener.base_url());
    app.media.open()?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), demo = config.demo, "Listening on {}.", listener.base_url());
    answer(format_args!("listening on {}", listener.base_url()))?;
    if config.demo {
        answer(demo::greeting(&listener.base_url()))?;
    }
    let (stop, stopped) = watch::channel(false);
    let jobs = tokio::spawn(jobs::run(app.clone(), stopped));
    let served = listener.serve(http::service(app), signals).await;
    stop.send_replace(true);
    if tokio::time::timeout(JOBS_SHUTDOWN, jobs).await.is_err() {
        tracing::warn!("A job did not finish in time; it is done again after the next start.");
    }
    served
}
