//! What the operator may choose. Every option can be given by a flag, by the environment
//! (`PARTERRE_…`) and in a TOML file; the first of these that names it decides.
//!
//! The three are read into the same [`Options`]; [`Config`] is what they resolve to, checked,
//! with a default for what nobody named.

mod checks;
mod database;
mod error;
mod layers;
mod media;
mod options;
mod setting;
mod sources;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use tracing_subscriber::filter::Targets;

use crate::address::Network;
use crate::domain::event::Timezone;
use crate::domain::money::Currency;
use crate::domain::share::Percent;
use crate::mail::{MailPlace, Sender};
use crate::secret::Origin;
use checks::{log_filter, parsed, percentage, public_url};
use layers::{Layers, wrong};

pub use database::DatabaseUrl;
pub use error::ConfigError;
pub use media::MediaPlace;
pub(crate) use options::DATA;
pub use options::{LogFormat, Options};
pub use setting::{Setting, Source};

/// The files TLS needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate chain, as PEM.
    pub cert: PathBuf,
    /// The private key, as PEM.
    pub key: PathBuf,
}

/// What the options resolve to. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The folder for the data.
    pub data: PathBuf,
    /// PostgreSQL; `None` is SQLite in the data folder.
    pub database: Option<DatabaseUrl>,
    /// Where uploaded files are kept.
    pub media: MediaPlace,
    /// The address by which clients reach this server, without a slash at its end; `None` makes it of `listen`.
    pub public_url: Option<String>,
    /// Whether this is a demo.
    pub demo: bool,
    /// TLS, if the server speaks it itself.
    pub tls: Option<Tls>,
    /// Where the secret is.
    pub secret: Origin,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// What is logged.
    pub log: Targets,
    /// How it is written.
    pub log_format: LogFormat,
    /// Where mails go.
    pub mail: MailPlace,
    /// Who they are from.
    pub mail_from: Sender,
    /// The currency of events that name none.
    pub currency: Currency,
    /// The timezone of events that name none.
    pub timezone: Timezone,
    /// The platform's share for organizers without one of their own, 0 to 100%.
    pub core: Percent,
    /// Whether orders may be paid through the payment system for tests.
    pub test_payments: bool,
    /// Sign-ins a minute from one address.
    pub sign_in_per_minute: NonZeroU32,
    /// Sign-ins a minute to one account.
    pub sign_in_per_account: NonZeroU32,
    /// Registrations an hour from one address.
    pub registrations_per_hour: NonZeroU32,
    /// Lists an hour that are mailed for one partner, and to one address.
    pub exports_per_hour: NonZeroU32,
    /// How many days a session lasts, 1 to 3650.
    pub session_days: u32,
    /// SQLite's reading threads, 1 to 64; `None` leaves it to the store.
    pub readers: Option<usize>,
    /// PostgreSQL's connections, 1 to 1000; `None` leaves it to the store.
    pub connections: Option<usize>,
    /// What requests in flight get when the server stops, up to an hour.
    pub shutdown: Duration,
    /// Every option with its source, in the order of `--help`.
    pub settings: Vec<Setting>,
}

impl Config {
    /// Resolves the flags with the environment of the process and the configuration file that
    /// either names.
    ///
    /// # Errors
    /// [`ConfigError`] names the option and what would be right.
    pub fn load(flags: Options) -> Result<Self, ConfigError> {
        let environment = Options::from_environment(|name| std::env::var_os(name))?;
        let file = match flags.config.as_ref().or(environment.config.as_ref()) {
            Some(path) => Options::from_file(path)?,
            None => Options::default(),
        };
        Self::resolve(flags, environment, file)
    }

    /// Resolves what the three sources gave.
    ///
    /// # Errors
    /// [`ConfigError`] names the option and what would be right.
    pub fn resolve(flags: Options, environment: Options, file: Options) -> Result<Self, ConfigError> {
        let mut layers = Layers {
            layers: [(Source::Flag, flags), (Source::Environment, environment), (Source::File, file)],
            settings: Vec::new(),
        };
        layers.optional("config", |o| &o.config, "none");
        let data = layers.value("data", |o| &o.data, "./parterre-data".into());
        let database = layers.database()?;
        let media = layers.media(&data)?;
        let secret = layers.secret(&data, database.is_some())?;
        let demo = layers.value("demo", |o| &o.demo, false);
        let readers = layers.count("readers", |o| &o.readers, 64, "one a core, at least 2")?;
        let connections = layers.count("connections", |o| &o.connections, 1000, "4 a core")?;
        let listen = layers.value("listen", |o| &o.listen, SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
        if demo && !listen.ip().to_canonical().is_loopback() {
            return Err(ConfigError::Conflict(format!(
                "a demo has well-known keys, so --listen must be a loopback address such as 127.0.0.1:8080, not {listen}"
            )));
        }
        let public_url = match layers.optional("public-url", |o| &o.public_url, "made of listen") {
            None => None,
            Some((url, source)) => Some(public_url(&url).map_err(|message| wrong("public-url", source, message))?),
        };
        Ok(Self {
            listen,
            data: data.clone(),
            database,
            media,
            public_url,
            demo,
            tls: layers.tls()?,
            secret,
            readers,
            connections,
            trusted_proxies: layers.value("trusted-proxy", |o| &o.trusted_proxy, Vec::new()),
            shutdown: Duration::from_secs(
                layers.number("shutdown-seconds", |o| &o.shutdown_seconds, 30, 0..=3600)?.into(),
            ),
            log: layers.checked("log", |o| &o.log, "info", log_filter)?,
            log_format: layers.value("log-format", |o| &o.log_format, LogFormat::Auto),
            sign_in_per_minute: layers.limit("sign-in-per-minute", |o| &o.sign_in_per_minute, 20)?,
            sign_in_per_account: layers.limit("sign-in-per-account", |o| &o.sign_in_per_account, 10)?,
            registrations_per_hour: layers.limit("registrations-per-hour", |o| &o.registrations_per_hour, 20)?,
            exports_per_hour: layers.limit("exports-per-hour", |o| &o.exports_per_hour, 20)?,
            session_days: layers.number("session-days", |o| &o.session_days, 30, 1..=3650)?,
            mail: layers.mail(&data, demo)?,
            mail_from: layers.checked("mail-from", |o| &o.mail_from, "parterre@localhost", parsed)?,
            currency: layers.checked("currency", |o| &o.currency, "RUB", parsed)?,
            timezone: layers.checked("timezone", |o| &o.timezone, "UTC", parsed)?,
            core: layers.checked("core", |o| &o.core, "3%", percentage)?,
            test_payments: layers.value("test-payments", |o| &o.test_payments, demo),
            settings: layers.settings,
        })
    }
}
