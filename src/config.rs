//! What the operator may choose. Every option can be given by a flag, by the environment
//! (`PARTERRE_…`) and in a TOML file; the first of these that names it decides.
//!
//! The three are read into the same [`Options`]; [`Config`] is what they resolve to, checked,
//! with a default for what nobody named.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, FromArgMatches};
use serde::Deserialize;
use tracing_subscriber::filter::Targets;

use crate::address::Network;
use crate::domain::{Currency, Percent, Timezone};
use crate::mail::{MailPlace, Sender, SmtpUrl};
use crate::secret::{Hidden, Origin};

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

/// Where the value of an option came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A flag of the command line.
    Flag,
    /// A variable of the environment.
    Environment,
    /// The configuration file.
    File,
    /// Nobody named it.
    Default,
}

/// One option as it was resolved, to be shown; secrets are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The name, as in the configuration file.
    pub name: &'static str,
    /// The value.
    pub value: String,
    /// Who gave it.
    pub source: Source,
}

impl Setting {
    /// Where the operator finds the option: `--listen`, `PARTERRE_LISTEN`, `listen in the
    /// configuration file`.
    pub fn place(&self) -> String {
        place(self.name, self.source)
    }
}

fn place(name: &str, source: Source) -> String {
    match source {
        Source::Flag => format!("--{name}"),
        Source::Environment => variable(name),
        Source::File => format!("{name} in the configuration file"),
        Source::Default => format!("the default of --{name}"),
    }
}

/// The name of an option in the environment: `PARTERRE_TLS_CERT` for `tls-cert`.
fn variable(name: &str) -> String {
    format!("PARTERRE_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// Why the configuration is refused. Each says where, and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The configuration file cannot be read.
    #[error("the configuration file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The configuration file is not TOML, or names an option that does not exist or has another
    /// type.
    #[error("the configuration file {}, line {line}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// A value that is out of its range or malformed.
    #[error("{place}: {message}")]
    Value {
        /// The flag, variable or key.
        place: String,
        /// What would be right.
        message: String,
    },
    /// Options that exclude or require each other.
    #[error("{0}")]
    Conflict(String),
}

/// Where to find the database on PostgreSQL. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: Hidden,
    shown: String,
}

impl DatabaseUrl {
    /// The whole URL, for the driver.
    pub fn reveal(&self) -> &str {
        self.url.reveal()
    }
}

impl FromStr for DatabaseUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be a URL such as postgres://user:password@host/name";
        let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| text.strip_prefix(scheme)).ok_or(WRONG)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, name) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        // With one of these unescaped in a password, no two programs agree on where it ends, and
        // a piece of it would be taken for the host and be shown.
        if name.contains(['@', '/']) || user.contains('@') || query.contains(['@', '?']) {
            return Err("in the password of the URL, @ is written %40, / %2F, ? %3F and # %23");
        }
        let user = user.split(':').next().unwrap_or_default();
        let host =
            query.split('&').find_map(|pair| pair.strip_prefix("host=")).filter(|_| hosts.is_empty()).unwrap_or(hosts);
        let at = if user.is_empty() { "" } else { "@" };
        Ok(Self { url: text.into(), shown: format!("postgres://{user}{at}{host}/{name}") })
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

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
        Ok(Self {
            listen,
            data: data.clone(),
            database,
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

fn parsed<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn percentage(text: &str) -> Result<Percent, String> {
    let percent = Percent::parse(text).map_err(|error| error.to_string())?;
    if percent < Percent::ZERO || percent > Percent::HUNDRED {
        return Err("must be between 0% and 100%".into());
    }
    Ok(percent)
}

/// A filter, read more strictly than its own parser does: that takes a misspelled level for the
/// name of a part of the program, and then nothing is logged at all.
fn log_filter(text: &str) -> Result<Targets, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let is_level = |level: &str| LEVELS.contains(&level.to_ascii_lowercase().as_str());
    let right = text.split(',').all(|directive| {
        let level = directive.split_once('=').map_or(directive, |(_, level)| level);
        is_level(level.trim())
    });
    if !right {
        return Err(format!("must be one of {}, or a list such as info,parterre::http=debug", LEVELS.join(", ")));
    }
    parsed(text)
}

impl Options {
    /// The options that the environment gives. `variable` looks a name up.
    ///
    /// # Errors
    /// [`ConfigError::Value`] with the variable's name.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        // Each variable becomes the flag of its name, so that both are read by the same code.
        let command = Self::augment_args(clap::Command::new("environment").no_binary_name(true));
        let names: Vec<String> =
            command.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned)).collect();
        let mut flags = Vec::new();
        for name in names {
            let variable = variable(&name);
            // A variable set to nothing is how many tools write one that is not set.
            let Some(value) = lookup(&variable).filter(|value| !value.is_empty()) else {
                continue;
            };
            let mut flag = OsString::from(format!("--{name}="));
            flag.push(value);
            command.clone().try_get_matches_from([&flag]).map_err(|error| ConfigError::Value {
                place: variable,
                message: first_paragraph(&error.to_string()),
            })?;
            flags.push(flag);
        }
        let mut options = command
            .try_get_matches_from(flags)
            .and_then(|matches| Self::from_arg_matches(&matches))
            .map_err(|error| ConfigError::Conflict(first_paragraph(&error.to_string())))?;
        options.secret = match lookup("PARTERRE_SECRET").map(OsString::into_string) {
            None => None,
            Some(Ok(secret)) if secret.is_empty() => None,
            Some(Ok(secret)) => Some(secret.into()),
            Some(Err(_)) => {
                return Err(ConfigError::Value {
                    place: "PARTERRE_SECRET".into(),
                    message: "must be a text in UTF-8".into(),
                });
            }
        };
        Ok(options)
    }

    /// The options that a configuration file gives.
    ///
    /// # Errors
    /// [`ConfigError`] with the line and the key.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let mut options = Self::from_toml(&text).map_err(|(line, message)| ConfigError::File {
            path: path.to_owned(),
            line,
            message,
        })?;
        let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o777;
        if options.secret.is_some() && mode & 0o077 != 0 {
            return Err(ConfigError::Conflict(format!(
                "the configuration file {0} holds the secret and is open to others (mode {mode:03o}); run: chmod 600 {0}",
                path.display()
            )));
        }
        options.config = Some(path.to_owned());
        Ok(options)
    }

    /// The options in a TOML text, or the line of the mistake and what it is.
    fn from_toml(text: &str) -> Result<Self, (usize, String)> {
        let mistake = |error: &toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or_default();
            let line = 1 + before.matches('\n').count();
            (line, error.message().replace('\n', " "))
        };
        let document = toml::Deserializer::parse(text).map_err(|error| mistake(&error))?;
        serde_path_to_error::deserialize(document).map_err(|error| {
            let (line, message) = mistake(error.inner());
            let key = error.path().to_string();
            match message.contains(&format!("`{key}`")) || key == "." {
                true => (line, message),
                false => (line, format!("{key}: {message}")),
            }
        })
    }
}

/// The first paragraph of clap's report on one line, without what only helps at a prompt.
fn first_paragraph(report: &str) -> String {
    let report = report.trim_start_matches("error: ");
    let paragraph = report.split("\n\n").next().unwrap_or(report);
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The three sources, the strongest first, and what was taken from them.
struct Layers {
    layers: [(Source, Options); 3],
    settings: Vec<Setting>,
}

/// How a value is shown to the operator.
trait Shown {
    fn shown(&self) -> String;
}

macro_rules! shown {
    ($($type:ty => |$value:ident| $text:expr;)*) => {$(
        impl Shown for $type {
            fn shown(&self) -> String {
                let $value = self;
                $text
            }
        }
    )*};
}

shown! {
    bool => |value| value.to_string();
    u32 => |value| value.to_string();
    String => |value| value.clone();
    SocketAddr => |value| value.to_string();
    PathBuf => |path| path.display().to_string();
    Hidden => |_secret| "(hidden)".into();
    LogFormat => |format| format!("{format:?}").to_lowercase();
    Vec<Network> => |networks| match networks.as_slice() {
        [] => "none".into(),
        networks => networks.iter().map(Network::to_string).collect::<Vec<_>>().join(", "),
    };
}

impl Layers {
    /// The value of the first source that gives one.
    fn find<T: Clone>(&self, get: impl Fn(&Options) -> &Option<T>) -> Option<(T, Source)> {
        self.layers.iter().find_map(|(source, options)| Some((get(options).clone()?, *source)))
    }

    fn note(&mut self, name: &'static str, value: impl Into<String>, source: Source) {
        self.settings.push(Setting { name, value: value.into(), source });
    }

    /// An option that has no value when nobody gives it; that is then shown as `absent`.
    fn optional<T: Clone + Shown>(
        &mut self,
        name: &'static str,
        get: impl Fn(&Options) -> &Option<T>,
        absent: &str,
    ) -> Option<(T, Source)> {
        let found = self.find(get);
        match &found {
            Some((value, source)) => self.note(name, value.shown(), *source),
            None => self.note(name, absent, Source::Default),
        }
        found
    }

    fn value_and_source<T: Clone + Shown>(
        &mut self,
        name: &'static str,
        get: impl Fn(&Options) -> &Option<T>,
        default: T,
    ) -> (T, Source) {
        let (value, source) = self.find(get).unwrap_or((default, Source::Default));
        self.note(name, value.shown(), source);
        (value, source)
    }

    fn value<T: Clone + Shown>(&mut self, name: &'static str, get: impl Fn(&Options) -> &Option<T>, default: T) -> T {
        self.value_and_source(name, get, default).0
    }

    fn checked<T>(
        &mut self,
        name: &'static str,
        get: impl Fn(&Options) -> &Option<String>,
        default: &str,
        check: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let (text, source) = self.value_and_source(name, get, default.to_owned());
        check(text.trim()).map_err(|message| wrong(name, source, message))
    }

    fn number(
        &mut self,
        name: &'static str,
        get: impl Fn(&Options) -> &Option<u32>,
        default: u32,
        range: RangeInclusive<u32>,
    ) -> Result<u32, ConfigError> {
        let (number, source) = self.value_and_source(name, get, default);
        in_range(name, number, source, range)
    }

    fn limit(
        &mut self,
        name: &'static str,
        get: impl Fn(&Options) -> &Option<u32>,
        default: u32,
    ) -> Result<NonZeroU32, ConfigError> {
        let number = self.number(name, get, default, 1..=1_000_000)?;
        Ok(NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN))
    }

    /// How many of something, at least one; whoever uses it has its own default, described here.
    fn count(
        &mut self,
        name: &'static str,
        get: impl Fn(&Options) -> &Option<u32>,
        most: u32,
        default: &str,
    ) -> Result<Option<usize>, ConfigError> {
        match self.optional(name, get, default) {
            Some((number, source)) => {
                let number = in_range(name, number, source, 1..=most)?;
                Ok(usize::try_from(number).ok())
            }
            None => Ok(None),
        }
    }

    fn database(&mut self) -> Result<Option<DatabaseUrl>, ConfigError> {
        let Some((url, source)) = self.find(|o| &o.database) else {
            self.note("database", "SQLite in the data folder", Source::Default);
            return Ok(None);
        };
        let url: DatabaseUrl = url.reveal().parse().map_err(|message| wrong("database", source, message))?;
        self.note("database", url.to_string(), source);
        Ok(Some(url))
    }

    fn secret(&mut self, data: &Path, shared: bool) -> Result<Origin, ConfigError> {
        let created = data.join("secret");
        let absent = match shared {
            true => "none",
            false => "the file secret in the data folder",
        };
        let file = self.optional("secret-file", |o| &o.secret_file, absent);
        let text = self.optional("secret", |o| &o.secret, "none");
        match (file, text) {
            // One of them would be ignored, and which one is easily guessed wrong.
            (Some((_, file)), Some((_, text))) => Err(ConfigError::Conflict(format!(
                "{} and {} both give the secret; leave one of them out",
                place("secret-file", file),
                place("secret", text)
            ))),
            (Some((path, _)), None) => Ok(Origin::File(path)),
            (None, Some((text, _))) => Ok(Origin::Given(text)),
            (None, None) if shared => Ok(Origin::Nowhere),
            (None, None) => Ok(Origin::Created(created)),
        }
    }

    fn mail(&mut self, data: &Path, demo: bool) -> Result<MailPlace, ConfigError> {
        let Some((url, source)) = self.find(|o| &o.smtp) else {
            self.note("smtp", "files in the folder mails of the data folder", Source::Default);
            return Ok(MailPlace::Folder(data.join("mails")));
        };
        let url: SmtpUrl = url.reveal().parse().map_err(|message: &str| wrong("smtp", source, message))?;
        self.note("smtp", url.to_string(), source);
        if self.find(|o| &o.mail_from).is_none() {
            return Err(ConfigError::Conflict("--smtp needs --mail-from: who mails are from".into()));
        }
        // A demo's keys are known to everybody: it mails nobody.
        Ok(if demo { MailPlace::Folder(data.join("mails")) } else { MailPlace::Smtp(url) })
    }

    fn tls(&mut self) -> Result<Option<Tls>, ConfigError> {
        let cert = self.optional("tls-cert", |o| &o.tls_cert, "none");
        let key = self.optional("tls-key", |o| &o.tls_key, "none");
        match (cert, key) {
            (Some((cert, _)), Some((key, _))) => Ok(Some(Tls { cert, key })),
            (None, None) => Ok(None),
            _ => Err(ConfigError::Conflict("TLS needs both --tls-cert and --tls-key, or none of them".into())),
        }
    }
}

fn in_range(name: &str, number: u32, source: Source, range: RangeInclusive<u32>) -> Result<u32, ConfigError> {
    if range.contains(&number) {
        return Ok(number);
    }
    let (least, most) = range.into_inner();
    Err(wrong(name, source, format!("must be from {least} to {most}")))
}

fn wrong(name: &str, source: Source, message: impl Into<String>) -> ConfigError {
    ConfigError::Value { place: place(name, source), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn flags(line: &[&str]) -> Options {
        Line::try_parse_from([&["parterre"], line].concat()).unwrap().options
    }

    fn environment(variables: &[(&str, &str)]) -> Result<Options, ConfigError> {
        Options::from_environment(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.into())
        })
    }

    fn file(text: &str) -> Options {
        Options::from_toml(text).unwrap()
    }

    fn resolved(options: Options) -> Result<Config, ConfigError> {
        Config::resolve(options, Options::default(), Options::default())
    }

    fn refusal(options: Options) -> String {
        resolved(options).unwrap_err().to_string()
    }

    fn setting(config: &Config, name: &str) -> (String, Source) {
        let settings = config.settings.iter();
        let found = settings.filter(|setting| setting.name == name);
        let [setting] = found.collect::<Vec<_>>()[..] else { panic!("{name} is not named exactly once") };
        (setting.value.clone(), setting.source)
    }

    #[test]
    fn without_options_the_defaults_hold() {
        let config = resolved(Options::default()).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.data, PathBuf::from("./parterre-data"));
        assert_eq!(config.database, None);
        assert!(!config.demo);
        assert_eq!(config.tls, None);
        assert_eq!(config.secret, Origin::Created("./parterre-data/secret".into()));
        assert_eq!(config.trusted_proxies, []);
        assert_eq!(config.mail, MailPlace::Folder("./parterre-data/mails".into()));
        assert_eq!(config.log_format, LogFormat::Auto);
        assert_eq!(config.currency.to_string(), "RUB");
        assert_eq!(config.timezone.to_string(), "UTC");
        assert_eq!(config.core, Percent::parse("3%").unwrap());
        assert_eq!(config.sign_in_per_minute.get(), 20);
        assert_eq!(config.sign_in_per_account.get(), 10);
        assert_eq!(config.registrations_per_hour.get(), 20);
        assert_eq!(config.session_days, 30);
        assert_eq!((config.readers, config.connections), (None, None));
        assert_eq!(config.shutdown, Duration::from_secs(30));
        assert!(config.settings.iter().all(|setting| setting.source == Source::Default));
    }

    #[test]
    fn a_flag_beats_the_environment_and_the_environment_the_file() {
        let text = "listen = \"127.0.0.1:1\"\nsession-days = 1\ncurrency = \"EUR\"";
        let variables = [("PARTERRE_LISTEN", "127.0.0.1:2"), ("PARTERRE_SESSION_DAYS", "2")];
        let config =
            Config::resolve(flags(&["--listen", "127.0.0.1:3"]), environment(&variables).unwrap(), file(text)).unwrap();
        assert_eq!(setting(&config, "listen"), ("127.0.0.1:3".into(), Source::Flag));
        assert_eq!(setting(&config, "session-days"), ("2".into(), Source::Environment));
        assert_eq!(setting(&config, "currency"), ("EUR".into(), Source::File));
        assert_eq!(setting(&config, "core"), ("3%".into(), Source::Default));
        assert_eq!((config.listen.port(), config.session_days), (3, 2));
    }

    #[test]
    fn a_flag_can_take_back_what_the_file_switches_on() {
        let config = Config::resolve(flags(&["--demo=false"]), Options::default(), file("demo = true"));
        assert!(!config.unwrap().demo);
    }

    /// One value for each option, all of them others than the defaults.
    const ALL: &[(&str, &str)] = &[
        ("data", "/srv/parterre"),
        ("database", "postgres://parterre@db/parterre"),
        ("secret-file", "/etc/parterre/secret"),
        ("demo", "true"),
        ("readers", "3"),
        ("connections", "12"),
        ("listen", "[::1]:9090"),
        ("tls-cert", "/etc/parterre/cert.pem"),
        ("tls-key", "/etc/parterre/key.pem"),
        ("trusted-proxy", "10.0.0.0/8, 192.0.2.7/32"),
        ("shutdown-seconds", "5"),
        ("log", "warn"),
        ("log-format", "json"),
        ("sign-in-per-minute", "1"),
        ("sign-in-per-account", "2"),
        ("registrations-per-hour", "4"),
        ("session-days", "6"),
        ("smtp", "smtps://mail.example.org"),
        ("mail-from", "Tickets <tickets@example.org>"),
        ("currency", "EUR"),
        ("timezone", "Europe/Moscow"),
        ("core", "1.5%"),
        ("test-payments", "true"),
    ];

    fn assert_all_from(config: &Config, source: Source) {
        for (name, value) in ALL {
            assert_eq!(setting(config, name), (value.to_string(), source));
        }
        let unnamed: Vec<_> =
            config.settings.iter().filter(|setting| setting.source != source).map(|setting| setting.name).collect();
        assert_eq!(unnamed, ["config", "secret"]);
    }

    #[test]
    fn every_option_can_be_given_by_a_flag() {
        let line: Vec<String> = ALL.iter().map(|(name, value)| format!("--{name}={value}")).collect();
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        assert_all_from(&resolved(flags(&line)).unwrap(), Source::Flag);
    }

    #[test]
    fn every_option_can_be_given_by_the_environment() {
        let variables: Vec<_> = ALL.iter().map(|(name, value)| (variable(name), *value)).collect();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let config = Config::resolve(Options::default(), environment(&variables).unwrap(), Options::default());
        assert_all_from(&config.unwrap(), Source::Environment);
    }

    #[test]
    fn every_option_can_be_given_by_the_file() {
        let lines = ALL.iter().map(|(name, value)| match *name {
            "trusted-proxy" => "trusted-proxy = [\"10.0.0.0/8\", \"192.0.2.7\"]\n".to_owned(),
            _ if value.parse::<u32>().is_ok() || *value == "true" => format!("{name} = {value}\n"),
            _ => format!("{name} = \"{value}\"\n"),
        });
        let file = file(&lines.collect::<String>());
        let config = Config::resolve(Options::default(), Options::default(), file);
        assert_all_from(&config.unwrap(), Source::File);
    }

    #[test]
    fn the_secret_has_no_flag() {
        assert!(Line::try_parse_from(["parterre", "--secret", "x"]).is_err());
        let options = environment(&[("PARTERRE_SECRET", "from the environment")]).unwrap();
        let config = resolved(options).unwrap();
        assert_eq!(config.secret, Origin::Given("from the environment".into()));
        let config = resolved(file("secret = \"from the file\"")).unwrap();
        assert_eq!(config.secret, Origin::Given("from the file".into()));
    }

    #[test]
    fn mails_need_a_sender_and_a_demo_mails_nobody() {
        let smtp = ["--smtp", "smtps://me:hidden-1@mail.example.org"];
        assert!(refusal(flags(&smtp)).contains("--mail-from"));
        let all = [smtp[0], smtp[1], "--mail-from", "Tickets <tickets@example.org>"];
        let config = resolved(flags(&all)).unwrap();
        assert!(matches!(config.mail, MailPlace::Smtp(_)));
        assert_eq!(setting(&config, "smtp").0, "smtps://me@mail.example.org");
        assert!(!format!("{config:?}").contains("hidden-1"));
        let demo = resolved(flags(&[&all[..], &["--demo"]].concat())).unwrap();
        assert!(matches!(demo.mail, MailPlace::Folder(_)));
        for (flag, value) in [("--smtp", "mail.example.org"), ("--smtp", "smtp://me:pw@host"), ("--mail-from", "me")] {
            assert!(refusal(flags(&[flag, value])).starts_with(&format!("{flag}: ")), "{flag} {value}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let config = Config::resolve(
            flags(&["--database", "postgres://me:hidden-1@db/parterre"]),
            environment(&[("PARTERRE_SECRET", "hidden-2")]).unwrap(),
            Options::default(),
        )
        .unwrap();
        assert!(!format!("{config:?}").contains("hidden-"), "{config:?}");
        assert_eq!(setting(&config, "database").0, "postgres://me@db/parterre");
        assert_eq!(setting(&config, "secret").0, "(hidden)");
    }

    #[test]
    fn no_error_shows_a_password() {
        for url in [
            "mysql://me:hidden@db/parterre",
            "postgres://me:hid@hidden@db/parterre",
            "postgres://me:hid/hidden@db/parterre",
            "postgres://me:hid?hidden@db/parterre",
            "hidden",
        ] {
            let refusal = refusal(flags(&["--database", url]));
            assert!(refusal.starts_with("--database: "), "{refusal}");
            assert!(!refusal.contains("hidden"), "{refusal}");
        }
    }

    #[test]
    fn the_database_is_shown_by_its_place() {
        for (url, shown) in [
            ("postgresql://db:5433/p?password=x&sslmode=require", "postgres://db:5433/p"),
            ("postgres:///p?host=/run/postgresql&user=me&password=x", "postgres:///run/postgresql/p"),
            ("postgres://me:x%40y@one,two/p", "postgres://me@one,two/p"),
        ] {
            assert_eq!(url.parse::<DatabaseUrl>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_wrong_variable_is_named() {
        for (name, value, message) in [
            ("PARTERRE_LISTEN", "here", "invalid socket address"),
            ("PARTERRE_SESSION_DAYS", "many", "invalid digit"),
            ("PARTERRE_LOG_FORMAT", "xml", "possible values: auto, human, json"),
            ("PARTERRE_DEMO", "perhaps", "perhaps"),
            ("PARTERRE_TRUSTED_PROXY", "10.0.0.0/8,proxy", "must be an IP address or a network"),
        ] {
            let refusal = environment(&[(name, value)]).unwrap_err().to_string();
            assert!(refusal.starts_with(&format!("{name}: ")), "{refusal}");
            assert!(refusal.contains(message), "{refusal}");
            assert!(!refusal.contains('\n'), "{refusal}");
        }
    }

    #[test]
    fn a_variable_set_to_nothing_is_not_set() {
        let options = environment(&[("PARTERRE_LISTEN", ""), ("PARTERRE_SECRET", "")]).unwrap();
        assert!(options.listen.is_none() && options.secret.is_none());
    }

    #[test]
    fn a_mistake_in_the_file_is_named_with_its_line() {
        for (text, line, message) in [
            ("data = \"d\"\nlisen = \"127.0.0.1:1\"", 2, "unknown field `lisen`"),
            ("config = \"other.toml\"", 1, "unknown field `config`"),
            ("[server]\nlisten = \"127.0.0.1:1\"", 1, "unknown field `server`"),
            ("\n\nsession-days = \"many\"", 3, "session-days: invalid type"),
            ("session-days = -1", 1, "session-days: invalid value"),
            ("listen = \"here\"", 1, "listen: invalid socket address"),
            ("trusted-proxy = [\"x\"]", 1, "must be an IP address or a network"),
            ("log-format = \"xml\"", 1, "unknown variant `xml`"),
            ("data = \"one\"\ndata = \"two\"", 2, "duplicate key"),
            ("data = ", 1, ""),
        ] {
            let (found, refusal) = Options::from_toml(text).unwrap_err();
            assert!(refusal.contains(message), "{text}: {refusal}");
            assert_eq!(found, line, "{text}: {refusal}");
            assert!(!refusal.contains('\n'), "{refusal}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let folder = Folder::new();
        let path = folder.path().join("absent.toml");
        let refusal = Options::from_file(&path).unwrap_err().to_string();
        assert!(refusal.contains("absent.toml") && refusal.contains("cannot be read"));
    }

    #[test]
    fn a_file_with_the_secret_must_be_its_owners_alone() {
        let folder = Folder::new();
        let path = folder.path().join("parterre.toml");
        let read = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            Options::from_file(&path)
        };
        let refusal = read("secret = \"x\"", 0o644).unwrap_err().to_string();
        assert!(refusal.contains("chmod 600"), "{refusal}");
        assert!(read("secret = \"x\"", 0o600).is_ok());
        assert!(read("data = \"x\"", 0o644).is_ok());
    }

    #[test]
    fn values_out_of_range_are_refused_with_the_range() {
        for (name, values, message) in [
            ("session-days", ["0", "3651"], "must be from 1 to 3650"),
            ("readers", ["0", "65"], "must be from 1 to 64"),
            ("connections", ["0", "1001"], "must be from 1 to 1000"),
            ("shutdown-seconds", ["3601", "4294967295"], "must be from 0 to 3600"),
            ("sign-in-per-minute", ["0", "1000001"], "must be from 1 to 1000000"),
            ("sign-in-per-account", ["0", "1000001"], "must be from 1 to 1000000"),
            ("registrations-per-hour", ["0", "1000001"], "must be from 1 to 1000000"),
            ("core", ["100.0001%", "101%"], "must be between 0% and 100%"),
        ] {
            for value in values {
                let refusal = refusal(flags(&[&format!("--{name}={value}")]));
                assert_eq!(refusal, format!("--{name}: {message}"));
            }
        }
    }

    #[test]
    fn malformed_values_are_refused() {
        for line in [
            "--currency=rubles",
            "--currency=",
            "--timezone=Mars/Olympus",
            "--core=much",
            "--core=-1%",
            "--log=inof",
            "--log=",
            "--log=info,parterre=loud",
            "--log=info,,debug",
        ] {
            let refusal = refusal(flags(&[line]));
            let (name, _) = line.split_once('=').unwrap();
            assert!(refusal.starts_with(&format!("{name}: ")), "{line}: {refusal}");
        }
        for log in ["--log=off", "--log=WARN", "--log=info,parterre::http=debug"] {
            assert!(resolved(flags(&[log])).is_ok(), "{log}");
        }
    }

    #[test]
    fn options_that_exclude_or_need_each_other() {
        let cases: &[(&[&str], &str)] = &[
            (&["--demo", "--listen=0.0.0.0:8080"], "loopback"),
            (&["--demo", "--listen=[::]:8080"], "loopback"),
            (&["--demo", "--listen=192.0.2.1:8080"], "loopback"),
            (&["--tls-cert=c"], "both --tls-cert and --tls-key"),
            (&["--tls-key=k"], "both --tls-cert and --tls-key"),
        ];
        for (line, message) in cases {
            let refusal = refusal(flags(line));
            assert!(refusal.contains(message), "{line:?}: {refusal}");
        }
        for listen in ["127.0.0.1:0", "127.9.9.9:1", "[::1]:0", "[::ffff:127.0.0.1]:0"] {
            assert!(resolved(flags(&["--demo", "--listen", listen])).is_ok(), "{listen}");
        }
    }

    #[test]
    fn two_places_for_the_secret_are_one_too_many() {
        let refusal = Config::resolve(
            flags(&["--secret-file=s"]),
            environment(&[("PARTERRE_SECRET", "s")]).unwrap(),
            Options::default(),
        )
        .unwrap_err()
        .to_string();
        assert!(refusal.contains("--secret-file and PARTERRE_SECRET"), "{refusal}");
    }

    #[test]
    fn only_sqlite_invents_a_secret() {
        let config = resolved(flags(&["--database=postgres://db/p"])).unwrap();
        assert_eq!(config.secret, Origin::Nowhere);
    }
}
