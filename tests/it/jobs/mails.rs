//! Outgoing mail (`src/app/mails.rs`): sent once what it tells of is committed, and tried again where it fails.

use jiff::SignedDuration;
use parterre::app::Error;
use parterre::app::mails::{self, Mail, Tickets};
use parterre::domain::id::MailId;

use super::count;
use crate::util::Server;
use crate::util::smtp::{Reply, Smtp};

on_both_engines!(
    Server;
    a_mail_is_sent_once,
    what_is_rolled_back_is_not_mailed,
    a_mail_that_is_not_taken_is_tried_again_later,
    a_mail_that_is_refused_is_given_up,
    a_mail_is_not_tried_for_ever,
    of_several_servers_one_sends_a_mail,
    what_was_sent_is_forgotten_in_time,
    without_a_server_mails_are_files,
);

fn mailing(server: Server, smtp: &Smtp) -> Server {
    let url = smtp.url();
    server.with(|options| {
        options.smtp = Some(url.as_str().into());
        options.mail_from = Some("Tickets <tickets@tc.ru>".to_owned());
    })
}

fn tickets() -> Mail {
    Mail::Tickets(Tickets {
        event: "Concert".to_owned(),
        starts: "28 November 2026, 13:00".to_owned(),
        place: None,
        number: 100_000_042,
        code: Some("ABCD2345".to_owned()),
        tickets: Vec::new(),
        total: "0.00".to_owned(),
        currency: "RUB".to_owned(),
        vendor: "Nanobilet".to_owned(),
    })
}

fn enqueue(server: &Server) -> MailId {
    let id: MailId = server.app.new_id();
    let to = "anna@example.com".parse().unwrap();
    server.write(move |tx| mails::enqueue(tx, id, &to, &tickets()));
    id
}

fn waiting(server: &Server) -> i64 {
    count(server, "select count(*) from mails where due_at is not null")
}

fn a_mail_is_sent_once(server: Server) {
    let smtp = Smtp::start();
    let server = mailing(server, &smtp);
    let id = enqueue(&server);
    server.run_jobs();
    server.run_jobs();
    let letters = smtp.letters();
    assert_eq!(letters.len(), 1);
    for line in ["From: Tickets <tickets@tc.ru>", "To: anna@example.com", "Subject: Tickets: Concert", "100000042"] {
        assert!(letters[0].contains(line), "{line}: {}", letters[0]);
    }
    assert!(letters[0].contains(&format!("Message-ID: <{id}@tc.ru>")), "{}", letters[0]);
    assert_eq!(waiting(&server), 0);
    assert_eq!(count(&server, "select count(*) from mails where payload = '' and sent_at is not null"), 1);
}

fn what_is_rolled_back_is_not_mailed(server: Server) {
    let smtp = Smtp::start();
    let server = mailing(server, &smtp);
    let id: MailId = server.app.new_id();
    let undone = server.wait_for(server.app.store.write(move |tx| -> Result<(), Error> {
        mails::enqueue(tx, id, &"anna@example.com".parse().unwrap(), &tickets())?;
        Err(Error::forbidden("after all"))
    }));
    assert!(undone.is_err());
    server.run_jobs();
    assert_eq!((smtp.letters().len(), waiting(&server)), (0, 0));
}

fn a_mail_that_is_not_taken_is_tried_again_later(server: Server) {
    let smtp = Smtp::start();
    let server = mailing(server, &smtp);
    smtp.will(&[Reply::Busy, Reply::Silence]);
    enqueue(&server);
    server.run_jobs();
    assert_eq!((smtp.letters().len(), waiting(&server)), (0, 1));
    server.advance(SignedDuration::from_secs(59));
    server.run_jobs();
    assert_eq!(count(&server, "select attempts as count from mails"), 1, "it rests for a minute");
    server.advance(SignedDuration::from_secs(1));
    server.run_jobs();
    assert_eq!((smtp.letters().len(), waiting(&server)), (0, 1));
    server.advance(SignedDuration::from_mins(2));
    server.run_jobs();
    assert_eq!((smtp.letters().len(), waiting(&server)), (1, 0));
    assert_eq!(count(&server, "select attempts as count from mails"), 3);
}

fn a_mail_that_is_refused_is_given_up(server: Server) {
    let smtp = Smtp::start();
    let server = mailing(server, &smtp);
    smtp.will(&[Reply::Refused]);
    enqueue(&server);
    server.run_jobs();
    server.advance(SignedDuration::from_hours(24));
    server.run_jobs();
    assert_eq!((smtp.letters().len(), waiting(&server)), (0, 0));
    assert_eq!(count(&server, "select count(*) from mails where payload = '' and sent_at is null"), 1);
}

fn a_mail_is_not_tried_for_ever(server: Server) {
    let smtp = Smtp::start();
    let server = mailing(server, &smtp);
    smtp.will(&[Reply::Busy; 40]);
    enqueue(&server);
    for _ in 0..40 {
        server.run_jobs();
        server.advance(SignedDuration::from_hours(6));
    }
    assert_eq!(waiting(&server), 0);
    let attempts = count(&server, "select attempts as count from mails");
    assert!((10..30).contains(&attempts), "{attempts}");
}

fn of_several_servers_one_sends_a_mail(server: Server) {
    let smtp = Smtp::start();
    let server = mailing(server, &smtp);
    for _ in 0..30 {
        enqueue(&server);
    }
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| server.run_jobs());
        }
    });
    server.run_jobs();
    let mut ids: Vec<String> = smtp
        .letters()
        .iter()
        .map(|letter| letter.lines().find(|line| line.starts_with("Message-ID")).unwrap().to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), smtp.letters().len()), (30, 30));
}

fn what_was_sent_is_forgotten_in_time(server: Server) {
    let smtp = Smtp::start();
    let server = mailing(server, &smtp);
    enqueue(&server);
    server.run_jobs();
    server.advance(SignedDuration::from_hours(29 * 24));
    enqueue(&server);
    server.run_jobs();
    assert_eq!(count(&server, "select count(*) from mails"), 2);
    server.advance(SignedDuration::from_hours(2 * 24));
    server.run_jobs();
    assert_eq!(count(&server, "select count(*) from mails"), 1);
}

fn without_a_server_mails_are_files(server: Server) {
    let id = enqueue(&server);
    server.run_jobs();
    assert_eq!(waiting(&server), 0);
    let letters = server.letters();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].contains(&id.to_string()) && letters[0].contains("To: anna@example.com"), "{}", letters[0]);
}
