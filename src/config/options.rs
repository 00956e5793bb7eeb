//! The options, as the text of `--help` describes them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use serde::Deserialize;

use crate::address::Network;
use crate::secret::Hidden;

/// The options as one source gives them: what it does not name is `None`.
///
/// The comments are the text of `--help`; the names of the fields, with `-` for `_`, are those of
/// the flags and of the keys of the file.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// File with these options, as TOML (listen = "127.0.0.1:8080")
    #[arg(long, value_name = "FILE", help_heading = DATA)]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// Folder for the data, created if it is missing [default: ./parterre-data]
    #[arg(long, value_name = "FOLDER", help_heading = DATA)]
    pub data: Option<PathBuf>,

    /// Keep the data in PostgreSQL (postgres://user:password@host/name) and not in the folder
    #[arg(long, value_name = "URL", help_heading = DATA)]
    pub database: Option<Hidden>,

    /// Where uploaded files are kept: a folder, s3://bucket/prefix, or https://host/bucket/prefix
    /// [default: media in the data folder]
    #[arg(long, value_name = "PLACE", help_heading = DATA)]
    pub media: Option<String>,

    /// File with the server's secret, readable by its owner only; SQLite needs none, the first
    /// start creates it in the data folder
    #[arg(long, value_name = "FILE", help_heading = DATA)]
    pub secret_file: Option<PathBuf>,

    /// The secret itself. It has no flag: a flag is shown to everybody by `ps`.
    #[arg(skip)]
    pub secret: Option<Hidden>,

    /// Fill the data folder with example partners, and accept connections from here only
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true,
          value_name = "BOOL", value_parser = BoolishValueParser::new(), help_heading = DATA)]
    pub demo: Option<bool>,

    /// Threads that read, with SQLite, 1 to 64 [default: one a core, at least 2]
    #[arg(long, value_name = "NUMBER", help_heading = DATA)]
    pub readers: Option<u32>,

    /// Connections to PostgreSQL, 1 to 1000 [default: 4 a core]
    #[arg(long, value_name = "NUMBER", help_heading = DATA)]
    pub connections: Option<u32>,

    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", help_heading = NETWORK)]
    pub listen: Option<SocketAddr>,

    /// Address by which clients reach this server, with https:// or http://, for links to files,
    /// drawings of maps, and the page to pay on [default: made of --listen]
    #[arg(long, value_name = "URL", help_heading = NETWORK)]
    pub public_url: Option<String>,

    /// Certificate chain for TLS, as PEM; needs --tls-key
    #[arg(long, value_name = "FILE", help_heading = NETWORK)]
    pub tls_cert: Option<PathBuf>,

    /// Private key for TLS, as PEM; needs --tls-cert
    #[arg(long, value_name = "FILE", help_heading = NETWORK)]
    pub tls_key: Option<PathBuf>,

    /// Proxy whose X-Forwarded-For is believed, as an address or a network, comma-separated or
    /// repeated [default: none]
    #[arg(long, value_name = "NETWORK", value_delimiter = ',', help_heading = NETWORK)]
    pub trusted_proxy: Option<Vec<Network>>,

    /// Seconds that requests in flight have when the server stops, 0 to 3600 [default: 30]
    #[arg(long, value_name = "SECONDS", help_heading = NETWORK)]
    pub shutdown_seconds: Option<u32>,

    /// What is logged: error, warn, info, debug, trace or off, also for a part of the program
    /// (info,parterre::http=debug) [default: info]
    #[arg(long, value_name = "LEVEL", help_heading = LOG)]
    pub log: Option<String>,

    /// How it is written; auto is human on a terminal and json otherwise [default: auto]
    #[arg(long, value_name = "FORMAT", help_heading = LOG)]
    pub log_format: Option<LogFormat>,

    /// Sign-ins a minute from one address [default: 20]
    #[arg(long, value_name = "NUMBER", help_heading = LIMITS)]
    pub sign_in_per_minute: Option<u32>,

    /// Sign-ins a minute to one account [default: 10]
    #[arg(long, value_name = "NUMBER", help_heading = LIMITS)]
    pub sign_in_per_account: Option<u32>,

    /// Registrations an hour from one address [default: 20]
    #[arg(long, value_name = "NUMBER", help_heading = LIMITS)]
    pub registrations_per_hour: Option<u32>,

    /// Lists an hour that are mailed for one partner, and to one address [default: 20]
    #[arg(long, value_name = "NUMBER", help_heading = LIMITS)]
    pub exports_per_hour: Option<u32>,

    /// Days that a session lasts, 1 to 3650 [default: 30]
    #[arg(long, value_name = "DAYS", help_heading = LIMITS)]
    pub session_days: Option<u32>,

    /// Server that mails are sent by (smtps://user:password@host, or smtp:// with ?tls=required);
    /// needs --mail-from [default: files in the folder mails of the data folder]
    #[arg(long, value_name = "URL", help_heading = MAIL)]
    pub smtp: Option<Hidden>,

    /// Who mails are from ("Tickets <tickets@example.org>")
    #[arg(long, value_name = "ADDRESS", help_heading = MAIL)]
    pub mail_from: Option<String>,

    /// Currency of events that name none, as ISO 4217 [default: RUB]
    #[arg(long, value_name = "CODE", help_heading = TRADE)]
    pub currency: Option<String>,

    /// Timezone of events that name none, as an IANA name [default: UTC]
    #[arg(long, value_name = "NAME", help_heading = TRADE)]
    pub timezone: Option<String>,

    /// The platform's share of a ticket, for organizers without a share of their own [default: 3%]
    #[arg(long, value_name = "PERCENT", help_heading = TRADE)]
    pub core: Option<String>,

    /// Let orders be paid through the payment system for tests, which moves no money [default: in a demo only]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true,
          value_name = "BOOL", value_parser = BoolishValueParser::new(), help_heading = TRADE)]
    pub test_payments: Option<bool>,
}

/// The heading in `--help` of the options that every command needs.
pub(crate) const DATA: &str = "Data";
const NETWORK: &str = "Network";
const LOG: &str = "Log";
const LIMITS: &str = "Limits";
const MAIL: &str = "Mail";
const TRADE: &str = "Trade";

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    Auto,
    /// For reading.
    Human,
    /// One JSON object a line.
    Json,
}
