use std::fs;
use std::os::unix::fs::PermissionsExt;

use clap::Parser;

use super::setting::variable;
use super::*;
use crate::testing::Folder;

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
    assert_eq!(config.media, MediaPlace::Folder("./parterre-data/media".into()));
    assert_eq!(config.public_url, None);
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
    assert_eq!(config.exports_per_hour.get(), 20);
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
    ("media", "s3://posters/parterre"),
    ("secret-file", "/etc/parterre/secret"),
    ("demo", "true"),
    ("readers", "3"),
    ("connections", "12"),
    ("listen", "[::1]:9090"),
    ("public-url", "https://tickets.example.com"),
    ("tls-cert", "/etc/parterre/cert.pem"),
    ("tls-key", "/etc/parterre/key.pem"),
    ("trusted-proxy", "10.0.0.0/8, 192.0.2.7/32"),
    ("shutdown-seconds", "5"),
    ("log", "warn"),
    ("log-format", "json"),
    ("sign-in-per-minute", "1"),
    ("sign-in-per-account", "2"),
    ("registrations-per-hour", "4"),
    ("exports-per-hour", "5"),
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
fn the_address_of_the_server_is_checked() {
    let given = |url: &str| resolved(flags(&["--public-url", url])).map(|config| config.public_url.unwrap());
    assert_eq!(given("https://tickets.example.com/").unwrap(), "https://tickets.example.com");
    assert_eq!(given("http://[::1]:8080/api").unwrap(), "http://[::1]:8080/api");
    for wrong in [
        "tickets.example.com",
        "ftp://tickets.example.com",
        "https://",
        "https:///x",
        "https://a b",
        "https://a?b",
        "https://me@a",
        "https://a\"b",
    ] {
        assert!(given(wrong).is_err(), "{wrong}");
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
