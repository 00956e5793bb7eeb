//! `parterre doctor`: shows what the configuration resolves to and checks what the server needs,
//! without changing anything.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::{Failure, answer, listener, platform};
use crate::app::proof::{self, Place};
use crate::config::{Config, MediaPlace, Options, Setting, Source};
use crate::media::Media;
use crate::secret::{Origin, Secret};
use crate::store::{self, Clock, Engine, Store, StoreConfig, health, meta};

/// By how much the program's clock and the database's may differ: times of both are compared
/// when holds and sessions end.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(2);

/// What a check found out, or what is wrong and what to do about it.
type Finding = Result<String, Failure>;

#[derive(Args)]
pub(super) struct Arguments {
    /// Also prove that the ledger, the orders, the tickets and the counters agree
    #[arg(long)]
    ledger: bool,

    #[command(flatten)]
    options: Options,
}

pub(super) fn run(Arguments { ledger, options }: Arguments) -> Result<ExitCode, Failure> {
    let config = Config::load(options)?;
    answer("configuration")?;
    for setting in &config.settings {
        answer(format_args!("  {}", line(setting)))?;
    }
    answer("checks")?;
    let mut healthy = true;
    for (name, finding) in check(&config) {
        let (word, text) = match finding {
            Ok(text) => ("ok", text),
            Err(failure) => {
                healthy = false;
                ("problem", failure.to_string())
            }
        };
        answer(format_args!("  {word:<8} {name}: {text}"))?;
    }
    if ledger {
        answer("ledger")?;
        healthy &= proves_ledger(&config)?;
    }
    Ok(match healthy {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn line(setting: &Setting) -> String {
    let Setting { name, value, .. } = setting;
    let source = match setting.source {
        Source::Default => "default".to_owned(),
        _ => setting.place(),
    };
    format!("{name:<22} {value:<32} {source}")
}

fn check(config: &Config) -> Vec<(&'static str, Finding)> {
    let mut findings = Vec::new();
    if config.database.is_none() {
        findings.push(("folder", folder(config)));
    }
    if let Some(files) = &config.tls {
        let finding = listener::tls(files).map(|_| "certificate and key fit each other".to_owned());
        findings.push(("tls", finding));
    }
    findings.push(("media", media(config)));
    match platform::schema(config) {
        Ok(None) => {
            findings.push(("schema", Ok("none yet, the first start creates it".into())));
            if config.database.is_none() {
                let now = Clock::System.now();
                findings.push(("engine", Ok(health::sqlite())));
                findings.push(("clock", clock(now, now, None)));
            }
            findings.push(("secret", secret(config, None)));
        }
        Ok(Some(version)) => database(config, version, &mut findings),
        Err(error) => findings.push(("engine", Err(error.into()))),
    }
    findings
}

/// The folder is its owner's alone, and files can be made in it.
fn folder(config: &Config) -> Finding {
    let data = &config.data;
    let shown = data.display();
    platform::check_kind_of_folder(data, config.demo)?;
    let metadata = match fs::metadata(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(format!("{shown} is not there yet, the first start creates it"));
        }
        metadata => metadata?,
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Failure::new(format!("{shown} is open to others (mode {mode:03o}); run: chmod 700 {shown}")));
    }
    let trial = data.join("lock.trial");
    fs::write(&trial, "")
        .and_then(|()| fs::remove_file(&trial))
        .map_err(|error| Failure::new(format!("{shown} cannot be written: {error}")))?;
    Ok(format!("{shown} can be written, by its owner only"))
}

/// Files can be written to the media store, read and deleted.
fn media(config: &Config) -> Finding {
    let place = &config.media;
    if let MediaPlace::Folder(folder) = place
        && !folder.exists()
    {
        return Ok(format!("{place} is not there yet, the first start creates it"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(Media::new(place.clone()).check())?;
    Ok(format!("files can be written to {place}, read and deleted"))
}

fn database(config: &Config, version: i64, findings: &mut Vec<(&'static str, Finding)>) {
    let store_config = platform::store_config(config);
    let opened = Store::open(&StoreConfig { readers: 1, connections: 1, ..store_config.clone() });
    let store = match opened {
        Ok(store) => store,
        Err(error) => {
            findings.push(("schema", Err(error.into())));
            return;
        }
    };
    findings.push(("schema", Ok(format!("{version}, as this program needs it"))));
    match look(&store, &store_config.engine) {
        Ok(seen) => {
            findings.push(("engine", Ok(seen.engine)));
            findings.push(("clock", clock(store.now(), seen.now, seen.newest)));
            findings.push(("secret", secret(config, seen.fingerprint.as_deref())));
        }
        Err(failure) => findings.push(("engine", Err(failure))),
    }
    store.close();
}

/// Looks at all orders, tickets, sets and promocodes, and says what of them contradicts each other, as it is found.
fn proves_ledger(config: &Config) -> Result<bool, Failure> {
    if platform::schema(config)?.is_none() {
        answer("  ok       there is no database yet, and nothing in it")?;
        return Ok(true);
    }
    let config = StoreConfig { readers: 1, connections: 1, ..platform::store_config(config) };
    let store = Store::open(&config)?;
    let proven = prove(&store);
    store.close();
    proven
}

fn prove(store: &Store) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (mut healthy, mut looked_at) = (true, 0);
    let mut place = Some(Place::START);
    while let Some(here) = place {
        let part = runtime
            .block_on(store.read(move |tx| proof::part(tx, here)))
            .map_err(|error: crate::app::Error| Failure::new(reason(&error)))?;
        for wrong in &part.wrong {
            answer(format_args!("  problem  {wrong}"))?;
        }
        healthy &= part.wrong.is_empty();
        looked_at += part.looked_at;
        if part.next.map(Place::of) != Some(here.of()) {
            answer(format_args!("  {:<8} {}: {looked_at} looked at", "done", here.of()))?;
            looked_at = 0;
        }
        place = part.next;
    }
    Ok(healthy)
}

/// What only the operator may read of an error, for the operator.
fn reason(error: &crate::app::Error) -> String {
    match error {
        crate::app::Error::Internal(reason) | crate::app::Error::Unavailable(reason) => reason.clone(),
        other => other.to_string(),
    }
}

/// What one look into the database shows.
struct Seen {
    engine: String,
    now: Timestamp,
    newest: Option<Timestamp>,
    fingerprint: Option<String>,
}

fn look(store: &Store, engine: &Engine) -> Result<Seen, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let engine = engine.clone();
    let seen = store.read(move |tx| {
        Ok::<_, store::Error>(Seen {
            engine: health::version(tx, &engine)?,
            now: tx.now(),
            newest: health::newest(tx)?,
            fingerprint: meta::get(tx, platform::SECRET_FINGERPRINT)?,
        })
    });
    Ok(runtime.block_on(seen)?)
}

/// The program's clock agrees with the database's, and is later than what was written by it.
fn clock(program: Timestamp, database: Timestamp, newest: Option<Timestamp>) -> Finding {
    let difference = program.duration_since(database).abs();
    if difference > CLOCK_TOLERANCE {
        return Err(Failure::new(format!(
            "this machine's ({program}) and the database's ({database}) differ by {} s; synchronize both",
            difference.as_secs()
        )));
    }
    if let Some(newest) = newest.filter(|newest| *newest > database + CLOCK_TOLERANCE) {
        return Err(Failure::new(format!(
            "it shows {database}, and the newest row was written at {newest}; set it right"
        )));
    }
    Ok(format!("{database}"))
}

/// The secret is there and is the one the database was made with.
fn secret(config: &Config, theirs: Option<&str>) -> Finding {
    if let (Origin::Created(path), None) = (&config.secret, theirs)
        && !path.exists()
    {
        return Ok("none yet, the first start creates it".into());
    }
    // It is never created here: `new` is false.
    let ours = Secret::load(&config.secret, false)?.fingerprint();
    match theirs {
        None => Ok(format!("fingerprint {ours}, the first start keeps it")),
        Some(theirs) => {
            platform::check_fingerprint(theirs, &ours)?;
            Ok(format!("fingerprint {ours}, as the database knows it"))
        }
    }
}
