//! Requests with an `Idempotency-Key` (`spec/http.md`, Requests): the same request takes effect once, whatever happens.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::util::{Actor, Answer, Server, id};

on_both_engines!(Server;
    a_repeated_proposal_is_answered_as_the_first_was,
    the_same_key_with_another_request_is_refused,
    a_key_belongs_to_its_partner,
    a_key_is_kept_for_a_day,
    a_refusal_that_would_be_the_same_again_is_kept,
    a_refusal_that_time_may_lift_is_not_kept,
    of_many_at_once_one_takes_effect,
    an_answer_with_a_secret_is_stored_sealed,
    keys_have_a_length,
    a_user_without_partners_creates_one_once,
);

const DEALS: &str = "/v1/resources/deals";

fn proposal(event: &str, subj: &str) -> Value {
    json!({"event": event, "subj": subj, "term": {"org": 90}})
}

fn proposes_once(actor: &Actor<'_>, key: &str, body: &Value) -> Answer {
    actor.saying("Idempotency-Key", key).post(DEALS, body.clone())
}

fn deals_for(actor: &Actor<'_>, event: &str) -> usize {
    actor.get(&format!("{DEALS}?status=all&event={event}")).list().len()
}

fn a_repeated_proposal_is_answered_as_the_first_was(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = server.event_of(&organizer);
    let body = proposal(&event, agent.partner());
    let first = proposes_once(&organizer, "one", &body);
    let deal = first.ok();
    // Even after the deal has changed, and after its time of proposing.
    agent.rejects(&deal).ok();
    server.advance(SignedDuration::from_hours(1));
    let second = proposes_once(&organizer, "one", &body);
    assert_eq!((second.status, &second.body), (first.status, &first.body));
    assert_eq!(second.header("x-partner"), Some(organizer.partner()));
    assert_eq!(deals_for(&organizer, &event), 1);

    // A PATCH as well: a second acceptance of the same key is the first one's answer.
    let deal = organizer.proposes(&event, agent.partner()).ok();
    let path = format!("{DEALS}/{}", id(&deal));
    let accept = || agent.saying("Idempotency-Key", "yes").patch(&path, json!({"status": "accepted"}));
    let accepted = accept().ok();
    organizer.closes(&deal).ok();
    assert_eq!(accept().ok(), accepted);
    assert_eq!(organizer.sees_status(&deal), "closed");
}

fn the_same_key_with_another_request_is_refused(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = server.event_of(&organizer);
    let body = proposal(&event, agent.partner());
    proposes_once(&organizer, "one", &body).ok();
    let mut other = body.clone();
    other["term"]["org"] = json!(80);
    let once = organizer.saying("Idempotency-Key", "one");
    assert_eq!(once.post(DEALS, other).refused(422).codes(), ["other_request"]);
    once.post(&format!("{DEALS}?fields-schema=id"), body).refused(422);
    once.patch(&format!("/v1/resources/events/{event}"), json!({})).refused(422);
    assert_eq!(deals_for(&organizer, &event), 1);
}

fn a_key_belongs_to_its_partner(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let (other, event) = (server.agent(), server.event_of(&organizer));
    let body = proposal(&event, organizer.partner());
    let of_agent = proposes_once(&agent, "one", &body).ok();
    let of_other = proposes_once(&other, "one", &body).ok();
    assert_ne!(id(&of_agent), id(&of_other));
    assert_eq!(of_other["obj"], other.partner());
    // Another key of the same partner is the same partner.
    let second_key = server.key_of(agent.partner(), agent.user());
    assert_eq!(proposes_once(&second_key, "one", &body).ok(), of_agent);
}

fn a_key_is_kept_for_a_day(server: Server) {
    let organizer = server.organizer();
    let event = |title: &str| {
        let lifetime = "BEGIN:VEVENT\r\nDTSTART:20270101T100000Z\r\nDTEND:20270101T120000Z\r\nEND:VEVENT\r\n";
        let body = json!({"title": {"text": title}, "lifetime": lifetime});
        organizer.saying("Idempotency-Key", "one").post("/v1/resources/events", body)
    };
    let first = event("First").ok();
    server.advance(SignedDuration::from_secs(24 * 3600 - 1));
    server.run_jobs();
    assert_eq!(event("First").ok(), first);
    event("Second").refused(422);
    server.advance(SignedDuration::from_secs(2));
    // Whether or not the job has come by.
    assert_eq!(event("Second").ok()["title"]["text"], "Second");
    server.advance(SignedDuration::from_hours(25));
    server.run_jobs();
    assert_ne!(id(&event("First").ok()), id(&first));
}

fn a_refusal_that_would_be_the_same_again_is_kept(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let body = proposal("000000000000000000000000", agent.partner());
    let first = proposes_once(&organizer, "one", &body);
    assert_eq!(first.refused(400).fields(), ["event"]);
    assert_eq!(proposes_once(&organizer, "one", &body).body, first.body);
    let event = server.event_of(&organizer);
    proposes_once(&organizer, "one", &proposal(&event, agent.partner())).refused(422);
    // Also one that is seen before the store is asked.
    proposes_once(&organizer, "two", &json!({})).refused(400);
    proposes_once(&organizer, "two", &proposal(&event, agent.partner())).refused(422);
    assert_eq!(deals_for(&organizer, &event), 0);
}

fn a_refusal_that_time_may_lift_is_not_kept(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = server.event_of(&organizer);
    let open = organizer.proposes(&event, agent.partner()).ok();
    let body = proposal(&event, agent.partner());
    assert_eq!(proposes_once(&organizer, "one", &body).refused(409).codes(), ["open_proposal"]);
    organizer.cancels(&open).ok();
    proposes_once(&organizer, "one", &body).ok();
    // 403: the wrong side today, the right one tomorrow.
    let deal = organizer.get(&format!("{DEALS}?event={event}")).list().remove(0);
    let accept = || {
        organizer
            .saying("Idempotency-Key", "two")
            .patch(&format!("{DEALS}/{}", id(&deal)), json!({"status": "accepted"}))
    };
    accept().refused(403);
    agent.hands_over(&deal, true).ok();
    assert_eq!(accept().ok()["status"], "accepted");
}

fn of_many_at_once_one_takes_effect(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = server.event_of(&organizer);
    let body = proposal(&event, agent.partner());
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8).map(|_| scope.spawn(|| proposes_once(&organizer, "one", &body))).collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let done: Vec<Value> = answers.iter().filter(|answer| answer.status == 200).map(Answer::ok).collect();
    assert!(!done.is_empty());
    assert!(done.iter().all(|deal| *deal == done[0]));
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.refused(409).codes(), ["running"]);
    }
    assert_eq!(deals_for(&organizer, &event), 1);
    assert_eq!(proposes_once(&organizer, "one", &body).ok(), done[0]);
}

fn an_answer_with_a_secret_is_stored_sealed(server: Server) {
    let organizer = server.organizer();
    let path = format!("/v1/resources/partners/{}/api_keys", organizer.partner());
    let make = || server.platform().saying("Idempotency-Key", "one").post(&path, json!({"name": "till"}));
    let key = make().ok();
    assert_eq!(make().ok(), key);
    let token = key["key"].as_str().unwrap().to_owned();
    let scope = parterre::demo::PLATFORM.parse().unwrap();
    let stored = server.write(move |tx| {
        Ok(parterre::store::idempotency::find(tx, scope, "one", jiff::Timestamp::UNIX_EPOCH)?.unwrap().answer)
    });
    let holds = |bytes: &[u8], part: &str| bytes.windows(part.len()).any(|window| window == part.as_bytes());
    assert!(!holds(&stored, &token) && !holds(&stored, "till"), "the stored answer can be read");
    assert!(holds(&make().body, &token));
}

fn keys_have_a_length(server: Server) {
    let organizer = server.organizer();
    let body = json!({"name": "Cassa"});
    let with = |key: &str| organizer.saying("Idempotency-Key", key).post("/v1/resources/partners", body.clone());
    assert_eq!(with(&"k".repeat(256)).refused(400).fields(), ["Idempotency-Key"]);
    with("").refused(400);
    with(&"k".repeat(255)).ok();
}

fn a_user_without_partners_creates_one_once(server: Server) {
    let newcomer = server.newcomer().saying("Idempotency-Key", "one");
    let create = || newcomer.post("/v1/resources/partners", json!({"name": "Cassa"}));
    let partner = create().ok();
    // By now the user has a partner, and is still the same user.
    assert_eq!(create().ok(), partner);
    let again =
        server.newcomer().saying("Idempotency-Key", "one").post("/v1/resources/partners", json!({"name": "Cassa"}));
    assert_ne!(id(&again.ok()), id(&partner), "another user's key");
}
