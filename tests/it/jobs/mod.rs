//! What happens by itself (`src/jobs`): each step is safe to repeat, and none is needed for what a rule says.

mod mails;

use jiff::SignedDuration;
use parterre::demo;
use parterre::domain::deal::{Deal, DealStatus};
use parterre::domain::id::{DealId, EventId, PartnerId};
use parterre::jobs::{self, Outcome};
use parterre::params;
use parterre::store::{self, Statement};
use serde_json::json;

use crate::util::Server;

on_both_engines!(
    Server;
    jobs_work_until_there_is_nothing_left,
    what_has_expired_is_deleted,
);

/// How many rows a statement counts.
fn count(server: &Server, statement: &'static str) -> i64 {
    server.write(move |tx| Ok(tx.query_one(Statement::fixed(statement), params![])?.read("count").next()?))
}

fn jobs_work_until_there_is_nothing_left(server: Server) {
    let model: DealId = demo::DEAL.parse().unwrap();
    let agent: PartnerId = server.agent().partner().parse().unwrap();
    let ends_at = server.now() + SignedDuration::from_hours(1);
    server.write(move |tx| {
        let deal = store::deals::find(tx, model)?.unwrap();
        for number in 0..450_u32 {
            let mut bytes = [7; 12];
            bytes[8..].copy_from_slice(&number.to_be_bytes());
            let (id, event) = (DealId::from_bytes(bytes), EventId::from_bytes(bytes));
            let status = if number % 3 == 0 { DealStatus::New } else { DealStatus::Accepted };
            let deal = Deal { id, event, agent, subj: agent, status, event_ends_at: ends_at, ..deal.clone() };
            store::deals::insert(tx, &deal)?;
        }
        Ok(())
    });
    let stored = || {
        let ended = count(&server, "select count(*) from deals where status in ('canceled', 'closed')");
        (ended, count(&server, "select count(*) from deals where status in ('new', 'accepted')"))
    };
    assert_eq!(server.wait_for(jobs::step(&server.app)).unwrap(), Outcome::Idle);
    assert_eq!(stored(), (0, 451));
    server.advance(SignedDuration::from_hours(1));
    assert_eq!(server.wait_for(jobs::step(&server.app)).unwrap(), Outcome::Worked);
    assert!(stored().0 > 0, "a step does a part");
    server.run_jobs();
    assert_eq!(stored(), (450, 1));
    assert_eq!(count(&server, "select count(*) from deals where status = 'canceled'"), 150);
    assert_eq!(server.wait_for(jobs::step(&server.app)).unwrap(), Outcome::Idle);
}

fn what_has_expired_is_deleted(server: Server) {
    let sessions = || count(&server, "select count(*) from sessions");
    let answers = || count(&server, "select count(*) from idempotent_requests");
    server.newcomer();
    let agent = server.nanobilet().saying("Idempotency-Key", "once");
    agent.patch(&format!("/v1/resources/partners/{}", demo::NANOBILET), json!({})).ok();
    server.run_jobs();
    assert_eq!((sessions(), answers()), (1, 1));
    server.advance(SignedDuration::from_hours(24) + SignedDuration::from_secs(1));
    server.run_jobs();
    assert_eq!((sessions(), answers()), (1, 0), "an answer is kept for 24 hours");
    server.advance(SignedDuration::from_hours(29 * 24));
    server.run_jobs();
    assert_eq!((sessions(), answers()), (0, 0), "a session lasts 30 days unless told otherwise");
}
