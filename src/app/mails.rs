//! Mails: written into the outbox in the transaction of what they tell of, sent afterwards by a job.

use askama::Template;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::orders::{Export, Sheet};
use super::{App, Error};
use crate::domain::id::MailId;
use crate::domain::user::Email;
use crate::mail::{Letter, LetterFile, MailError};
use crate::store::mails::StoredMail;
use crate::store::{self, Tx};

/// How many mails one step of the job takes on.
const AT_ONCE: i64 = 10;
/// For how long a server that took mails on keeps others from trying them. Longer than a step may take.
const LEASE: SignedDuration = SignedDuration::from_mins(30);
/// How long it is remembered that a mail was sent.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often a mail is tried: over about two days.
const ATTEMPTS_MAX: i64 = 15;

/// What is mailed. Tickets are all that the letter shows, as things stood when it was written; a list is made when it is
/// sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mail {
    /// The tickets of an order that is done, to its customer.
    Tickets(Tickets),
    /// A list of orders that somebody asked for, as a file.
    Export(Export),
}

/// The tickets of an order. Everything is text as the letter shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Template)]
#[template(path = "mails/tickets.txt", escape = "none")]
pub struct Tickets {
    /// The event's title.
    pub event: String,
    /// When it starts, in its own time zone.
    pub starts: String,
    /// Where it takes place.
    pub place: Option<String>,
    /// The order's number.
    pub number: i64,
    /// The order's code.
    pub code: Option<String>,
    /// The tickets.
    pub tickets: Vec<MailedTicket>,
    /// What was paid.
    pub total: String,
    /// The currency of all amounts.
    pub currency: String,
    /// Who sold them.
    pub vendor: String,
}

/// One ticket as a letter shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailedTicket {
    /// The name of its set.
    pub set: String,
    /// Sector, row and seat.
    pub seat: Option<String>,
    /// Its serial.
    pub serial: String,
    /// Its number.
    pub number: i64,
    /// What opens the gate.
    pub barcode: String,
    /// What was paid for it.
    pub price: String,
}

/// The same as a page.
#[derive(Template)]
#[template(path = "mails/tickets.html")]
struct TicketsPage<'a> {
    event: &'a str,
    starts: &'a str,
    place: Option<&'a str>,
    number: i64,
    code: Option<&'a str>,
    tickets: &'a [MailedTicket],
    total: &'a str,
    currency: &'a str,
    vendor: &'a str,
}

impl Mail {
    fn kind(&self) -> &'static str {
        match self {
            Self::Tickets(_) => "tickets",
            Self::Export(_) => "export",
        }
    }
}

/// The letter with tickets, to be sent as this one.
fn tickets_letter(tickets: &Tickets, letter: Letter) -> Result<Letter, Error> {
    let unfilled = |error: askama::Error| Error::Internal(format!("a mail cannot be rendered: {error}"));
    let page = TicketsPage {
        event: &tickets.event,
        starts: &tickets.starts,
        place: tickets.place.as_deref(),
        number: tickets.number,
        code: tickets.code.as_deref(),
        tickets: &tickets.tickets,
        total: &tickets.total,
        currency: &tickets.currency,
        vendor: &tickets.vendor,
    };
    Ok(Letter {
        subject: format!("Tickets: {}", tickets.event),
        text: tickets.render().map_err(unfilled)?,
        html: Some(page.render().map_err(unfilled)?),
        ..letter
    })
}

/// The letter with a list of orders, to be sent as this one.
fn sheet_letter(sheet: Sheet, letter: Letter) -> Letter {
    let mut text = format!("The list that you asked for is attached. Orders in it: {}.\n", sheet.orders);
    if !sheet.whole {
        text.push_str(
            "It is too long for one letter: these are the oldest of them. Ask for the rest by created_at, from the time \
             of the last order in the file.\n",
        );
    }
    let file = LetterFile {
        name: "orders.csv".to_owned(),
        content_type: "text/csv; charset=utf-8",
        // Programs for tables take what has no mark for the encoding of their system, which spoils Cyrillic.
        content: format!("\u{feff}{}", sheet.csv).into_bytes(),
    };
    Letter { subject: "Orders".to_owned(), text, files: vec![file], ..letter }
}

/// Writes a mail into the outbox: it is sent if the transaction is committed, and only then.
///
/// # Errors
/// Those of the store.
pub fn enqueue(tx: &mut Tx<'_>, id: MailId, to: &Email, mail: &Mail) -> Result<(), Error> {
    let now = tx.now();
    let payload =
        serde_json::to_string(mail).map_err(|error| Error::Internal(format!("a mail has no JSON: {error}")))?;
    let stored = StoredMail {
        id,
        kind: mail.kind().to_owned(),
        recipient: to.as_str().to_owned(),
        payload,
        attempts: 0,
        due_at: Some(now),
        created_at: now,
    };
    Ok(store::mails::insert(tx, &stored)?)
}

/// Sends some of the mails that are due; answers how many it dealt with. Safe on several servers at
/// once. A server that dies between sending a mail and noting it sends it again, under the same name.
///
/// # Errors
/// Those of the store.
pub async fn send_due(app: &App) -> Result<usize, Error> {
    let (claimed, until) = app
        .store
        .write(|tx| -> Result<_, store::Error> {
            let until = later(tx.now(), LEASE);
            Ok((store::mails::claim(tx, until, AT_ONCE)?, until))
        })
        .await?;
    let found = claimed.len();
    for mail in claimed {
        let (id, attempts, kind) = (mail.id, mail.attempts, mail.kind.clone());
        let sent = send(app, mail).await;
        let refused = match &sent {
            Ok(()) => None,
            Err(MailError::Later(_)) if attempts < ATTEMPTS_MAX => Some(false),
            Err(_) => Some(true),
        };
        app.store
            .write(move |tx| match refused {
                None => store::mails::sent(tx, id),
                Some(true) => store::mails::give_up(tx, id),
                Some(false) => {
                    let due_at = later(tx.now(), rest_after(attempts));
                    store::mails::put_off(tx, id, until, due_at)
                }
            })
            .await?;
        // Whom it was for is nobody's business.
        match (sent, refused) {
            (Err(error), Some(true)) => tracing::error!(mail = %id, kind, attempts, %error, "A mail was given up."),
            (Err(error), _) => tracing::warn!(mail = %id, kind, attempts, %error, "A mail is tried again later."),
            (Ok(()), _) => tracing::info!(mail = %id, kind, attempts, "Mailed."),
        }
    }
    Ok(found)
}

/// Forgets some of the mails that were sent or given up long ago; answers how many.
///
/// # Errors
/// Those of the store.
pub async fn forget(app: &App, limit: i64) -> Result<usize, Error> {
    let forgotten = app.store.write(move |tx| {
        let before = tx.now().checked_sub(KEPT).map_err(|error| store::Error::Other(error.to_string()))?;
        store::mails::delete_before(tx, before, limit)
    });
    Ok(forgotten.await?)
}

async fn send(app: &App, stored: StoredMail) -> Result<(), MailError> {
    let unreadable = |error: String| MailError::Refused(error);
    let mail: Mail = serde_json::from_str(&stored.payload).map_err(|error| unreadable(error.to_string()))?;
    let letter = Letter {
        id: stored.id.to_string(),
        written_at: stored.created_at,
        to: stored.recipient,
        subject: String::new(),
        text: String::new(),
        html: None,
        files: Vec::new(),
    };
    let letter = match mail {
        Mail::Tickets(tickets) => tickets_letter(&tickets, letter).map_err(|error| unreadable(error.to_string()))?,
        Mail::Export(export) => {
            let sheet = export.sheet(app).await.map_err(|error| MailError::Later(format!("{error:?}")))?;
            sheet_letter(sheet, letter)
        }
    };
    let app = app.clone();
    let sending = tokio::task::spawn_blocking(move || app.mailer.send(&letter));
    sending.await.unwrap_or_else(|error| Err(MailError::Later(error.to_string())))
}

/// How long to wait after so many attempts: a minute, then twice as long each time, up to six hours.
fn rest_after(attempts: i64) -> SignedDuration {
    let doubled = u32::try_from(attempts.clamp(1, 10) - 1).unwrap_or(0);
    SignedDuration::from_mins(1_i64 << doubled).min(SignedDuration::from_hours(6))
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tickets() -> Tickets {
        let ticket = |number: i64, seat: Option<&str>| MailedTicket {
            set: "Stalls".to_owned(),
            seat: seat.map(str::to_owned),
            serial: "AEY".to_owned(),
            number,
            barcode: format!("10000000000{number}"),
            price: "1100.00".to_owned(),
        };
        Tickets {
            event: "Rock & <Roll>".to_owned(),
            starts: "24 January 2027, 19:00".to_owned(),
            place: Some("Hall 1".to_owned()),
            number: 42,
            code: Some("ABCD2345".to_owned()),
            tickets: vec![ticket(1, Some("row 3, seat 7")), ticket(2, None)],
            total: "2200.00".to_owned(),
            currency: "RUB".to_owned(),
            vendor: "Nanobilet".to_owned(),
        }
    }

    fn empty() -> Letter {
        Letter {
            id: "5357b929f51600525c9e1396".to_owned(),
            written_at: Timestamp::UNIX_EPOCH,
            to: "anna@example.com".to_owned(),
            subject: String::new(),
            text: String::new(),
            html: None,
            files: Vec::new(),
        }
    }

    #[test]
    fn tickets_are_a_text_and_a_page_that_say_the_same() {
        let letter = tickets_letter(&tickets(), empty()).unwrap();
        assert_eq!(letter.subject, "Tickets: Rock & <Roll>");
        let html = letter.html.unwrap();
        for said in
            ["24 January 2027", "Hall 1", "42", "ABCD2345", "row 3, seat 7", "100000000001", "2200.00", "Nanobilet"]
        {
            assert!(letter.text.contains(said), "{said}: {}", letter.text);
            assert!(html.contains(said), "{said}: {html}");
        }
        assert!(letter.text.contains("Rock & <Roll>"));
        assert!(!html.contains("<Roll>"), "{html}");
    }

    #[test]
    fn a_list_is_a_file_and_says_where_it_is_not_whole() {
        let sheet = |whole| Sheet { csv: "number,full\r\n42,2200.00\r\n".to_owned(), orders: 1, whole };
        let letter = sheet_letter(sheet(true), empty());
        assert_eq!((letter.subject.as_str(), letter.files.len()), ("Orders", 1));
        assert_eq!(letter.files[0].content, b"\xef\xbb\xbfnumber,full\r\n42,2200.00\r\n");
        assert!(!letter.text.contains("too long"));
        assert!(sheet_letter(sheet(false), empty()).text.contains("too long"));
    }

    #[test]
    fn a_mail_is_tried_again_after_longer_and_longer_times() {
        let rests: Vec<i64> = (1..=ATTEMPTS_MAX).map(|attempts| rest_after(attempts).as_mins()).collect();
        assert_eq!(rests[..5], [1, 2, 4, 8, 16]);
        assert!(rests.is_sorted());
        assert_eq!(rests.last(), Some(&360));
        assert!(rests.iter().sum::<i64>() > 24 * 60);
    }
}
