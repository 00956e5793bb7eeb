//! `parterre serve`: runs the server until it is told to stop.

use std::time::Duration;

use tokio::sync::watch;

use super::listener::{Listener, StopSignals};
use super::platform::{Access, Platform};
use super::{Failure, answer, refused};
use crate::app::App;
use crate::config::{Config, Options};
use crate::{demo, http, jobs, logging};

/// How long the jobs may take to finish the step they are in.
const JOBS_SHUTDOWN: Duration = Duration::from_secs(10);

pub(super) fn run(options: Options) -> Result<(), Failure> {
    let config = Config::load(options)?;
    logging::start(config.log.clone(), config.log_format)?;
    let platform = Platform::open(&config, Access::Alone)?;
    platform.run(async |app| serve(app, &config).await)?;
    tracing::info!("Stopped.");
    Ok(())
}

async fn serve(app: App, config: &Config) -> Result<(), Failure> {
    let signals = StopSignals::listen()?;
    let listener = Listener::bind(config).await?;
    app.listens_at(listener.base_url());
    if config.demo {
        demo::fill(&app).await.map_err(refused)?;
    }
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
