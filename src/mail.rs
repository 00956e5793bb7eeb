//! Sending letters: over SMTP, or into a folder where nobody has named a server.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::SmtpTransportBuilder;
use lettre::transport::smtp::extension::ClientId;
use lettre::{Message, SmtpTransport, Transport};

use crate::secret::Hidden;

/// How long a server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that takes letters. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl {
    url: Hidden,
    shown: String,
}

impl FromStr for SmtpUrl {
    type Err = &'static str;

    /// Takes `smtps://user:password@host` for TLS from the start, `smtp://…?tls=required` for STARTTLS, and `smtp://host`
    /// without a password for neither.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str =
            "must be a URL such as smtps://user:password@host or smtp://user:password@host?tls=required";
        let (scheme, rest) = text.split_once("://").ok_or(WRONG)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (user, host) = rest.rsplit_once('@').unwrap_or(("", rest));
        if !matches!(scheme, "smtp" | "smtps") || host.is_empty() || user.contains(['@', '/']) {
            return Err(WRONG);
        }
        if scheme == "smtp" && !user.is_empty() && query != "tls=required" {
            return Err("a password goes over TLS only: use smtps://, or smtp:// with ?tls=required");
        }
        SmtpTransport::from_url(text).map_err(|_| WRONG)?;
        let user = user.split(':').next().unwrap_or_default();
        let (at, mark) = (if user.is_empty() { "" } else { "@" }, if query.is_empty() { "" } else { "?" });
        Ok(Self { url: text.into(), shown: format!("{scheme}://{user}{at}{host}{mark}{query}") })
    }
}

impl fmt::Display for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Who letters are from: an address, with or without a name before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender(Mailbox);

impl FromStr for Sender {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be an address such as tickets@example.org or \"Tickets <tickets@example.org>\"";
        text.parse().map(Self).map_err(|_| wrong)
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where letters go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailPlace {
    /// To a server.
    Smtp(SmtpUrl),
    /// Into this folder, each as a file `<id>.eml`.
    Folder(PathBuf),
}

/// One letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its name, the same however often it is sent: who gets it twice can tell.
    pub id: String,
    /// When it was written.
    pub written_at: Timestamp,
    /// The address it goes to.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
    /// Files that come with it.
    pub files: Vec<LetterFile>,
}

/// A file that comes with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterFile {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub content_type: &'static str,
    /// What it holds.
    pub content: Vec<u8>,
}

/// Why a letter was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// It never will be.
    #[error("refused: {0}")]
    Refused(String),
    /// It may be another time.
    #[error("not sent now: {0}")]
    Later(String),
}

/// Sends letters.
#[derive(Clone, Debug)]
pub struct Mailer {
    from: Sender,
    place: MailPlace,
}

impl Mailer {
    /// One that sends letters there.
    pub fn new(place: MailPlace, from: Sender) -> Self {
        Self { from, place }
    }

    /// Sends a letter, and waits until it is taken: call it where waiting is allowed.
    ///
    /// # Errors
    /// [`MailError`].
    pub fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let message = self.message(letter)?;
        match &self.place {
            MailPlace::Smtp(url) => {
                let later = |error: lettre::transport::smtp::Error| MailError::Later(error.to_string());
                let server: SmtpTransportBuilder = SmtpTransport::from_url(url.url.reveal()).map_err(later)?;
                let domain = self.from.0.email.domain().to_owned();
                let server = server.hello_name(ClientId::Domain(domain)).timeout(Some(PATIENCE)).build();
                server.send(&message).map(|_| ()).map_err(|error| match error.is_permanent() {
                    true => MailError::Refused(error.to_string()),
                    false => later(error),
                })
            }
            MailPlace::Folder(folder) => put(folder, &letter.id, &message.formatted())
                .map_err(|error| MailError::Later(format!("{}: {error}", folder.display()))),
        }
    }

    fn message(&self, letter: &Letter) -> Result<Message, MailError> {
        let refused = |what: &str| MailError::Refused(what.to_owned());
        let to = Mailbox::new(None, letter.to.parse().map_err(|_| refused("the address cannot be written to"))?);
        let builder = Message::builder()
            .from(self.from.0.clone())
            .to(to)
            .subject(letter.subject.clone())
            .date(SystemTime::from(letter.written_at))
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.0.email.domain())));
        let body = match &letter.html {
            Some(html) => MultiPart::alternative_plain_html(letter.text.clone(), html.clone()),
            None => MultiPart::mixed().singlepart(SinglePart::plain(letter.text.clone())),
        };
        let mut whole = match letter.html {
            Some(_) if !letter.files.is_empty() => MultiPart::mixed().multipart(body),
            _ => body,
        };
        for file in &letter.files {
            let of = ContentType::parse(file.content_type).map_err(|_| refused("a file has no media type"))?;
            whole = whole.singlepart(Attachment::new(file.name.clone()).body(file.content.clone(), of));
        }
        builder.multipart(whole).map_err(|error| MailError::Refused(error.to_string()))
    }
}

/// Writes a letter so that it is there whole or not at all.
fn put(folder: &Path, id: &str, letter: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let begun = folder.join(format!("{id}.new"));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&begun)?;
    io::Write::write_all(&mut file, letter)?;
    file.sync_all()?;
    fs::rename(begun, folder.join(format!("{id}.eml")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    fn letter() -> Letter {
        Letter {
            id: "5357b929f51600525c9e1396".to_owned(),
            written_at: "2026-11-21T10:00:00Z".parse().unwrap(),
            to: "anna@example.com".to_owned(),
            subject: "Билеты".to_owned(),
            text: "Hello, Анна".to_owned(),
            html: None,
            files: Vec::new(),
        }
    }

    fn written(letter: &Letter) -> String {
        let folder = Folder::new();
        let mailer = Mailer::new(MailPlace::Folder(folder.path().join("mails")), "Box <box@tc.ru>".parse().unwrap());
        mailer.send(letter).unwrap();
        mailer.send(letter).unwrap();
        let files: Vec<_> = fs::read_dir(folder.path().join("mails")).unwrap().collect();
        assert_eq!(files.len(), 1, "a letter that is sent twice is there once");
        fs::read_to_string(folder.path().join(format!("mails/{}.eml", letter.id))).unwrap()
    }

    #[test]
    fn a_letter_in_a_folder_has_its_headers_and_its_parts() {
        let plain = written(&letter());
        for line in [
            "From: Box <box@tc.ru>",
            "To: anna@example.com",
            "Message-ID: <5357b929f51600525c9e1396@tc.ru>",
            "Date: Sat, 21 Nov 2026 10:00:00 +0000",
            "Subject: =?utf-8?b?",
        ] {
            assert!(plain.contains(line), "{line}: {plain}");
        }
        let file =
            LetterFile { name: "a.csv".to_owned(), content_type: "text/csv; charset=utf-8", content: b"a;b".into() };
        let rich = written(&Letter { html: Some("<p>Hello".to_owned()), files: vec![file], ..letter() });
        for part in ["multipart/mixed", "multipart/alternative", "text/html", "text/csv", "filename=\"a.csv\""] {
            assert!(rich.contains(part), "{part}: {rich}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_for_good_and_no_header_is_smuggled_in() {
        let mailer = Mailer::new(MailPlace::Folder("/nowhere".into()), "box@tc.ru".parse().unwrap());
        for to in ["", "anna", "anna@", "a@b.c\r\nBcc: all@tc.ru"] {
            let refused = mailer.send(&Letter { to: to.to_owned(), ..letter() });
            assert!(matches!(refused, Err(MailError::Refused(_))), "{to}");
        }
        let text = written(&Letter { subject: "a\r\nBcc: all@tc.ru".to_owned(), ..letter() });
        assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
    }

    #[test]
    fn a_server_is_shown_without_its_password_and_a_password_goes_over_tls() {
        for (url, shown) in [
            ("smtps://me:s3cret@mail.example.org", "smtps://me@mail.example.org"),
            ("smtp://me:s3cret@mail.example.org:587?tls=required", "smtp://me@mail.example.org:587?tls=required"),
            ("smtp://127.0.0.1:25", "smtp://127.0.0.1:25"),
        ] {
            let parsed: SmtpUrl = url.parse().unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert_eq!(format!("{parsed:?}"), shown);
        }
        for url in [
            "mail.example.org",
            "http://mail.example.org",
            "smtp://",
            "smtp://me:s3cret@mail.example.org",
            "smtp://a@b@c",
        ] {
            assert!(url.parse::<SmtpUrl>().is_err(), "{url}");
        }
        for from in ["", "box", "Box <box>"] {
            assert!(from.parse::<Sender>().is_err(), "{from}");
        }
    }
}
