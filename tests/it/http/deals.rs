//! Deals: proposing, answering, and what ends them (`spec/domain.md`, Deals).

use std::thread;

use jiff::{SignedDuration, Timestamp};
use parterre::domain::deal::{Deal, DealStatus};
use parterre::domain::event::EventStatus;
use parterre::domain::id::{DealId, EventId, PartnerId, SetId};
use parterre::domain::partner::Role;
use parterre::domain::period::Period;
use parterre::domain::time::write_v1;
use parterre::{demo, store};
use serde_json::{Value, json};

use crate::util::{Actor, Answer, Server, id};

on_both_engines!(
    Server;
    a_proposal_waits_for_the_other_side,
    terms_are_percentages_and_amounts,
    wrong_terms_are_named,
    whoever_agrees_on_terms_that_cannot_sell_a_set_is_warned,
    terms_tell_nothing_of_prices_one_may_not_read,
    exactly_one_side_is_the_organizer_and_the_other_an_agent,
    a_partner_that_names_itself_makes_a_reversed_deal,
    a_status_follows_another_as_the_table_says,
    a_deal_changes_with_its_time,
    a_proposal_is_accepted_automatically_where_the_other_side_says_so,
    what_a_proposal_for_an_amount_gives_the_organizer_is_not_known_before_a_price,
    accepting_new_terms_closes_the_former,
    there_is_one_open_proposal_between_two_for_an_event,
    a_proposal_is_handed_over_by_who_has_to_answer,
    terms_never_change,
    the_platform_sets_its_own_share,
    the_platform_makes_deals_for_others,
    nothing_is_proposed_for_an_event_that_is_over,
    cancelling_or_removing_an_event_ends_its_deals,
    the_end_of_an_event_ends_its_deals_without_any_job,
    the_job_writes_the_ends_and_nothing_else_changes,
    an_end_that_is_moved_moves_the_end_of_the_deals,
    a_draft_is_proposed_by_its_organizer_alone,
    lists_hold_what_is_open_or_in_force_unless_asked,
    a_list_is_filtered_by_partner_event_and_ids,
    a_long_list_is_whole_and_in_order_whichever_side_one_is_on,
    of_two_answers_at_once_one_counts,
    of_two_proposals_at_once_one_is_made,
    a_message_and_a_title_go_with_a_proposal,
);

fn a_proposal_waits_for_the_other_side(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = server.event_of(&organizer);
    let answer = agent.proposes_terms(&event, organizer.partner(), json!({"org": 90, "extra": 10, "pfc": true}));
    let deal = answer.ok();
    assert_eq!(answer.status, 200);
    let now = write_v1(server.now());
    let expected = json!({
        "created_at": now, "event": event, "id": id(&deal), "message": null, "obj": agent.partner(),
        "reversed_deal": null, "status": "new", "subj": organizer.partner(),
        "term": {"core": "3.00%", "extra": "10.0%", "org": "90.00%", "pfc": true}, "title": null, "updated_at": now,
    });
    assert_eq!(answer.text(), expected.to_string(), "every field, in this order");
    for side in [&agent, &organizer, &server.platform()] {
        assert_eq!(side.sees(&deal), expected);
    }
    assert_eq!(organizer.accepts(&deal).ok()["status"], "accepted");
    assert_eq!(agent.sees_status(&deal), "accepted");
}

/// What becomes of terms that an agent proposes for a new event.
fn proposed(organizer: &Actor<'_>, agent: &Actor<'_>, term: Value) -> Answer {
    let event = agent.server().event_of(organizer);
    agent.proposes_terms(&event, organizer.partner(), term)
}

fn terms_are_percentages_and_amounts(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    for (given, org) in [
        ("10", "10.00%"),
        ("\"10%\"", "10.00%"),
        ("\"91.00%\"", "91.00%"),
        ("3.125", "3.125%"),
        ("12.3456", "12.3456%"),
        ("0.1", "0.10%"),
        ("0", "0.00%"),
        ("100", "100.00%"),
        ("\"150\"", "150.00"),
        ("\"150.5\"", "150.50"),
        ("\"0\"", "0.00"),
    ] {
        let event = server.event_of(&organizer);
        let body = format!(r#"{{"event": "{event}", "subj": "{}", "term": {{"org": {given}}}}}"#, organizer.partner());
        let deal = agent.request("POST", "/v1/resources/deals").body(body).send().ok();
        assert_eq!(deal["term"], json!({"core": "3.00%", "extra": "0.0%", "org": org, "pfc": false}), "{given}");
    }
    for (given, extra) in [
        (json!(10), "10.0%"),
        (json!("10.25%"), "10.25%"),
        (json!(1000), "1000.0%"),
        (json!("99.90"), "99.90"),
        (Value::Null, "0.0%"),
    ] {
        let deal = proposed(&organizer, &agent, json!({"org": 1, "extra": given, "pfc": null})).ok();
        assert_eq!((&deal["term"]["extra"], &deal["term"]["pfc"]), (&json!(extra), &json!(false)));
    }
}

fn wrong_terms_are_named(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    for (term, field, code) in [
        (json!({}), "term.org", "required"),
        (json!({"org": null}), "term.org", "wrong_type"),
        (json!({"org": true}), "term.org", "wrong_type"),
        (json!({"org": [10]}), "term.org", "wrong_type"),
        (json!({"org": "much"}), "term.org", "malformed"),
        (json!({"org": ""}), "term.org", "malformed"),
        (json!({"org": "10 %"}), "term.org", "malformed"),
        (json!({"org": -1}), "term.org", "out_of_range"),
        (json!({"org": 100.0001}), "term.org", "out_of_range"),
        (json!({"org": 101}), "term.org", "out_of_range"),
        (json!({"org": 1, "extra": 1000.0001}), "term.extra", "out_of_range"),
        (json!({"org": 1, "extra": "-5%"}), "term.extra", "out_of_range"),
        (json!({"org": 1, "pfc": "yes"}), "term.pfc", "wrong_type"),
    ] {
        let refusal = proposed(&organizer, &agent, term.clone()).refused(400);
        assert_eq!((refusal.fields(), refusal.codes()), (vec![field], vec![code]), "{term}");
    }
    // However the refusal is called, these are none.
    for org in [
        "1e1",
        "10.00001",
        "1E1",
        "\"150.505\"",
        "\"-150\"",
        "\"1e2\"",
        "\"NaN\"",
        "\"99999999999999999999\"",
        "\"10.00001%\"",
        "\"٣%\"",
    ] {
        let event = server.event_of(&organizer);
        let body = format!(r#"{{"event": "{event}", "subj": "{}", "term": {{"org": {org}}}}}"#, organizer.partner());
        let refusal = agent.request("POST", "/v1/resources/deals").body(body).send().refused(400);
        assert_eq!(refusal.fields(), ["term.org"], "{org}");
    }
    let event = server.event_of(&organizer);
    for (body, field) in [
        (json!({"event": event, "subj": organizer.partner()}), "term"),
        (json!({"event": event, "subj": organizer.partner(), "term": null}), "term"),
        (json!({"event": event, "subj": organizer.partner(), "term": "90%"}), "term"),
        (json!({"event": event, "term": {"org": 1}}), "subj"),
        (json!({"event": event, "subj": null, "term": {"org": 1}}), "subj"),
        (json!({"subj": organizer.partner(), "term": {"org": 1}}), "event"),
    ] {
        assert_eq!(agent.post("/v1/resources/deals", body).refused(400).fields(), [field]);
    }
    assert_eq!(agent.get("/v1/resources/deals?status=all").list().len(), 0, "nothing was made");
}

/// The ids of sets in an answer's warning.
fn warned_of(answer: &Answer) -> Vec<&str> {
    let words = answer.header("x-warning").unwrap_or_default().split([' ', ',']);
    words.filter(|word| word.parse::<SetId>().is_ok()).collect()
}

fn whoever_agrees_on_terms_that_cannot_sell_a_set_is_warned(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = server.event_of(&organizer);
    let [dear, cheap, removed] = ["1000.00", "100.00", "50.00"].map(|price| organizer.makes_set(&event, 10, price));
    organizer.removes_set(&removed).ok();

    // The agent would get 850.00 of the dear set's ticket, and less than nothing of the cheap one's.
    let term = json!({"org": "120", "core": 3, "extra": 0});
    let once = agent.saying("Idempotency-Key", "one");
    let proposed = once.proposes_terms(&event, organizer.partner(), term.clone());
    let deal = proposed.ok();
    assert_eq!(warned_of(&proposed), [id(&cheap)]);
    assert_eq!(warned_of(&once.proposes_terms(&event, organizer.partner(), term)), [id(&cheap)], "and again");
    let accepted = organizer.accepts(&deal);
    assert_eq!((&accepted.ok()["status"], warned_of(&accepted)), (&json!("accepted"), vec![id(&cheap)]));
    let refusal = agent.orders_of(&cheap, 1).refused(400);
    assert_eq!((refusal.fields(), refusal.codes()), (vec!["deal"], vec!["unsellable"]));
    agent.orders_of(&dear, 1).ok();

    // What is over says nothing any more; terms that sell everything say nothing at all.
    assert_eq!(warned_of(&agent.closes(&deal)), Vec::<&str>::new());
    let deal = agent.proposes_terms(&event, organizer.partner(), json!({"org": 97}));
    assert_eq!(deal.ok()["status"], "new");
    assert_eq!(deal.header("x-warning"), None);
}

fn terms_tell_nothing_of_prices_one_may_not_read(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = server.event(&organizer, EventStatus::StandBy, SignedDuration::from_hours(24));
    let set = organizer.makes_set(&event, 10, "100.00");
    agent.get(&format!("/v1/resources/events/{event}")).refused(403);
    let proposed = agent.proposes_terms(&event, organizer.partner(), json!({"org": "100.01"}));
    let deal = proposed.ok();
    assert_eq!(proposed.header("x-warning"), None);
    assert_eq!(warned_of(&organizer.accepts(&deal)), [id(&set)], "who set the price is told");
}

fn exactly_one_side_is_the_organizer_and_the_other_an_agent(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = server.event_of(&organizer);
    let refused = |answer: Answer| assert_eq!(answer.refused(400).fields(), ["subj"]);
    refused(organizer.proposes(&event, organizer.partner()));
    refused(agent.proposes(&event, server.agent().partner()));
    refused(organizer.proposes(&event, server.organizer().partner()));
    assert_eq!(server.organizer().proposes(&event, organizer.partner()).refused(400).fields(), ["obj"]);
    refused(server.organizer().proposes(&event, agent.partner()));
    let removed = server.agent();
    removed.delete(&format!("/v1/resources/partners/{}", removed.partner())).ok();
    refused(organizer.proposes(&event, removed.partner()));
    // Several roles are held by one partner.
    let both = server.partner("Both", &[Role::Org, Role::Agent]);
    both.proposes(&event, organizer.partner()).ok();
    refused(both.proposes(&server.event_of(&both), both.partner()));
    organizer.proposes(&event, agent.partner()).ok();
}

fn a_partner_that_names_itself_makes_a_reversed_deal(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = server.event_of(&organizer);
    let deal = agent.proposes(&event, agent.partner()).ok();
    assert_eq!((&deal["obj"], &deal["subj"]), (&json!(organizer.partner()), &json!(agent.partner())));
    assert_eq!((&deal["reversed_deal"], &deal["status"]), (&json!(true), &json!("new")));
    agent.accepts(&deal).refused(403);
    assert_eq!(organizer.accepts(&deal).ok()["status"], "accepted");
    // It is the organizer who accepts automatically.
    organizer.has_settings(json!({"auto_accept_deals": true, "accept_org_min": 50}));
    let other = server.agent();
    assert_eq!(other.proposes(&event, other.partner()).ok()["status"], "accepted");
}

/// Who sets which status, and what becomes of it: `ok`, 400 (the table has no such change) or 403 (the wrong side).
/// `receiver` is the side that did not propose the deal.
const CHANGES: &str = "
    from      by        new accepted rejected canceled closed
    new       proposer  ok  403      403      ok       400
    new       receiver  ok  ok       ok       403      400
    new       platform  ok  ok       ok       ok       400
    accepted  proposer  400 ok       400      400      ok
    accepted  receiver  400 ok       400      400      ok
    accepted  platform  400 ok       400      400      ok
    rejected  proposer  400 400      ok       400      400
    rejected  receiver  400 400      ok       400      400
    rejected  platform  400 400      ok       400      400
    canceled  proposer  400 400      400      ok       400
    canceled  receiver  400 400      400      ok       400
    canceled  platform  400 400      400      ok       400
    closed    proposer  400 400      400      400      ok
    closed    receiver  400 400      400      400      ok
    closed    platform  400 400      400      400      ok
";

fn a_status_follows_another_as_the_table_says(server: Server) {
    let (organizer, agent, platform) = (server.organizer(), server.agent(), server.platform());
    let mut rows =
        CHANGES.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|row| !row.is_empty());
    let columns = rows.next().unwrap();
    for row in rows {
        for (to, expected) in columns.iter().zip(&row).skip(2) {
            for reversed in [false, true] {
                let event = server.event_of(&organizer);
                // The agent proposes: to the organizer, or to itself.
                let subj = if reversed { &agent } else { &organizer };
                let deal = agent.proposes(&event, subj.partner()).ok();
                match row[0] {
                    "accepted" | "rejected" => drop(organizer.sets(&deal, row[0]).ok()),
                    "canceled" => drop(agent.cancels(&deal).ok()),
                    "closed" => {
                        organizer.accepts(&deal).ok();
                        organizer.closes(&deal).ok();
                    }
                    _ => {}
                }
                let by = match row[1] {
                    "proposer" => &agent,
                    "receiver" => &organizer,
                    _ => &platform,
                };
                let before = by.sees(&deal);
                let answer = by.sets(&deal, to);
                let what = format!("{} to {to} by the {}, reversed: {reversed}", row[0], row[1]);
                if *expected == "ok" {
                    assert_eq!(answer.ok()["status"], *to, "{what}");
                    assert_eq!(by.sees_status(&deal), *to, "{what}");
                    continue;
                }
                let refusal = answer.refused(expected.parse().unwrap());
                assert_eq!(by.sees(&deal), before, "{what}");
                if *expected == "400" {
                    assert_eq!(refusal.fields(), ["status"], "{what}");
                    for status in [row[0], to] {
                        assert!(refusal.reason.contains(status), "{what}: {}", refusal.reason);
                    }
                }
            }
        }
    }
    // Another spelling is read, and no other word.
    let deal = server.deal(&organizer, &agent, DealStatus::New);
    assert_eq!(organizer.sets(&deal, "cancelled").ok()["status"], "canceled");
    for wrong in [json!("open"), json!("ACCEPTED"), json!(""), json!(1), json!(null), json!(["accepted"])] {
        let path = format!("/v1/resources/deals/{}", id(&deal));
        assert_eq!(agent.patch(&path, json!({"status": wrong})).refused(400).fields(), ["status"]);
    }
}

fn a_deal_changes_with_its_time(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let deal = server.deal(&organizer, &agent, DealStatus::New);
    let created = write_v1(server.now());
    server.advance(SignedDuration::from_mins(5));
    let accepted = agent.accepts(&deal).ok();
    let then = write_v1(server.now());
    assert_eq!((&accepted["created_at"], &accepted["updated_at"]), (&json!(created), &json!(then)));
    server.advance(SignedDuration::from_mins(5));
    assert_eq!(agent.accepts(&deal).ok(), accepted, "it is accepted already");
    assert_eq!(agent.patch(&format!("/v1/resources/deals/{}", id(&deal)), json!({})).ok(), accepted);
}

fn a_proposal_is_accepted_automatically_where_the_other_side_says_so(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let status = |by: &Actor<'_>, to: &Actor<'_>, org: Value| {
        let event = server.event_of(&organizer);
        by.proposes_terms(&event, to.partner(), json!({"org": org})).ok()["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status(&agent, &organizer, json!(100)), "new", "not unless it is said");

    // The organizer heeds what it gets: all of it, unless it says otherwise.
    organizer.has_settings(json!({"auto_accept_deals": true}));
    assert_eq!(status(&agent, &organizer, json!(100)), "accepted");
    assert_eq!(status(&agent, &organizer, json!("99.9999%")), "new");
    organizer.has_settings(json!({"accept_org_min": "85%"}));
    assert_eq!(status(&agent, &organizer, json!(85)), "accepted");
    assert_eq!(status(&agent, &organizer, json!("84.9999%")), "new");
    // Its own proposals wait for the agent.
    assert_eq!(status(&organizer, &agent, json!(100)), "new");

    // An agent heeds no minimum.
    agent.has_settings(json!({"auto_accept_deals": true, "accept_org_min": "85%"}));
    assert_eq!(status(&organizer, &agent, json!(0)), "accepted");

    // Not where a deal is in force already.
    let event = server.event_of(&organizer);
    let former = organizer.proposes(&event, agent.partner()).ok();
    assert_eq!(former["status"], "accepted");
    let next = organizer.proposes(&event, agent.partner()).ok();
    assert_eq!((&next["status"], organizer.sees_status(&former).as_str()), (&json!("new"), "accepted"));
    // With another agent it is.
    let other = server.agent();
    other.has_settings(json!({"auto_accept_deals": true}));
    assert_eq!(organizer.proposes(&event, other.partner()).ok()["status"], "accepted");
}

fn what_a_proposal_for_an_amount_gives_the_organizer_is_not_known_before_a_price(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    organizer.has_settings(json!({"auto_accept_deals": true, "accept_org_min": 1}));
    assert_eq!(proposed(&organizer, &agent, json!({"org": "100000.00"})).ok()["status"], "new");
    organizer.has_settings(json!({"accept_org_min": 0}));
    assert_eq!(proposed(&organizer, &agent, json!({"org": "1.00"})).ok()["status"], "accepted");
}

fn accepting_new_terms_closes_the_former(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let former = server.deal(&organizer, &agent, DealStatus::Accepted);
    let event = former["event"].as_str().unwrap();
    // Other deals of either side stay as they are.
    let beside = [
        server.deal(&organizer, &agent, DealStatus::Accepted),
        server.deal_about(event, &organizer, &server.agent(), DealStatus::Accepted),
    ];
    server.advance(SignedDuration::from_hours(1));
    let next = agent.proposes_terms(event, organizer.partner(), json!({"org": 50})).ok();
    assert_eq!(agent.sees_status(&former), "accepted", "a proposal closes nothing");
    organizer.accepts(&next).ok();
    let closed = agent.sees(&former);
    assert_eq!((&closed["status"], &closed["updated_at"]), (&json!("closed"), &json!(write_v1(server.now()))));
    assert_eq!(agent.sees_status(&next), "accepted");
    for deal in &beside {
        assert_eq!(organizer.sees_status(deal), "accepted");
    }
    // Once it is closed it may be made again.
    organizer.closes(&next).ok();
    server.deal_about(event, &agent, &organizer, DealStatus::Accepted);
}

fn there_is_one_open_proposal_between_two_for_an_event(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let deal = server.deal(&organizer, &agent, DealStatus::New);
    let event = deal["event"].as_str().unwrap();
    organizer.proposes(event, agent.partner()).refused(409);
    agent.proposes(event, organizer.partner()).refused(409);
    agent.proposes(event, agent.partner()).refused(409);
    organizer.proposes(event, server.agent().partner()).ok();
    organizer.proposes(&server.event_of(&organizer), agent.partner()).ok();
    agent.rejects(&deal).ok();
    let next = agent.proposes(event, organizer.partner()).ok();
    agent.cancels(&next).ok();
    agent.proposes(event, organizer.partner()).ok();
}

fn a_proposal_is_handed_over_by_who_has_to_answer(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let deal = server.deal(&organizer, &agent, DealStatus::New);
    // The proposer cannot, and there is nothing to hand over to where it stands already.
    organizer.hands_over(&deal, true).refused(403);
    for unchanged in [json!(false), json!(null)] {
        assert_eq!(organizer.hands_over(&deal, unchanged.clone()).ok(), deal);
        assert_eq!(agent.hands_over(&deal, unchanged).ok(), deal);
    }
    server.advance(SignedDuration::from_mins(1));
    let handed = agent.hands_over(&deal, true).ok();
    assert_eq!((&handed["obj"], &handed["subj"]), (&deal["obj"], &deal["subj"]));
    assert_eq!((&handed["reversed_deal"], &handed["status"]), (&json!(true), &json!("new")));
    assert_eq!(handed["updated_at"], write_v1(server.now()));
    // Now the organizer has to answer.
    agent.accepts(&deal).refused(403);
    agent.hands_over(&deal, false).refused(403);
    let back = organizer.hands_over(&deal, Value::Null).ok();
    assert_eq!(back["reversed_deal"], Value::Null);
    agent.hands_over(&deal, true).ok();
    organizer.accepts(&deal).ok();
    for (status, by) in [
        (DealStatus::Accepted, &agent),
        (DealStatus::Rejected, &agent),
        (DealStatus::Canceled, &organizer),
        (DealStatus::Closed, &agent),
    ] {
        let deal = server.deal(&organizer, &agent, status);
        assert_eq!(by.hands_over(&deal, true).refused(400).fields(), ["reversed_deal"], "{status}");
    }
    for wrong in [json!("true"), json!(1)] {
        assert_eq!(agent.hands_over(&deal, wrong).refused(400).fields(), ["reversed_deal"]);
    }
    // Handed over and answered at once: who hands over proposes, and cannot accept as well.
    let deal = server.deal(&organizer, &agent, DealStatus::New);
    let path = format!("/v1/resources/deals/{}", id(&deal));
    agent.patch(&path, json!({"reversed_deal": true, "status": "accepted"})).refused(403);
    assert_eq!(agent.sees(&deal), deal, "all or nothing");
    // Once handed over, the other side's settings do not answer for it.
    organizer.has_settings(json!({"auto_accept_deals": true, "accept_org_min": 0}));
    assert_eq!(agent.hands_over(&deal, true).ok()["status"], "new");
}

fn terms_never_change(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let deal = server.deal(&organizer, &agent, DealStatus::New);
    let path = format!("/v1/resources/deals/{}", id(&deal));
    let changes = json!({
        "term": {"org": 1, "core": 0}, "event": demo::EVENTS[0].0, "subj": organizer.partner(), "obj": agent.partner(),
        "message": "changed", "title": {"text": "changed"}, "id": demo::DEAL, "created_at": null,
    });
    for caller in [&organizer, &agent, &server.platform()] {
        assert_eq!(caller.patch(&path, changes.clone()).ok(), deal);
    }
}

fn the_platform_sets_its_own_share(server: Server) {
    let (organizer, agent, platform) = (server.organizer(), server.agent(), server.platform());
    let core = |deal: Value| deal["term"]["core"].as_str().unwrap().to_owned();
    // The installation's, unless there is one for the organizer.
    assert_eq!(core(proposed(&organizer, &agent, json!({"org": 90})).ok()), "3.00%");
    organizer.has_settings(json!({"core": "4.5%"}));
    assert_eq!(core(proposed(&organizer, &agent, json!({"org": 90})).ok()), "4.50%");
    agent.has_settings(json!({"core": 50}));
    assert_eq!(core(proposed(&organizer, &agent, json!({"org": 90})).ok()), "4.50%", "an agent's does not matter");
    organizer.has_settings(json!({"core": "25.00"}));
    assert_eq!(core(proposed(&organizer, &agent, json!({"org": 90})).ok()), "25.00");
    // Nobody else's word on it is heeded, right or wrong.
    organizer.has_settings(json!({"core": null}));
    for given in [json!(0), json!("0%"), json!("much"), json!(-1), json!({})] {
        for (by, to) in [(&organizer, &agent), (&agent, &organizer)] {
            let event = server.event_of(&organizer);
            let answer = by.proposes_terms(&event, to.partner(), json!({"org": 90, "core": given}));
            assert_eq!(core(answer.ok()), "3.00%", "{given}");
            assert_eq!(answer.header("x-ignored-fields"), None);
        }
    }
    // The platform's is, and has bounds.
    let make = |core: Value| {
        let event = server.event_of(&organizer);
        let parties = json!({"event": event, "obj": agent.partner(), "subj": organizer.partner(), "term": {"org": 90, "core": core}});
        platform.post("/v1/resources/deals", parties)
    };
    assert_eq!(core(make(json!(0)).ok()), "0.00%");
    assert_eq!(core(make(json!("7.5%")).ok()), "7.50%");
    assert_eq!(core(make(Value::Null).ok()), "3.00%");
    for wrong in [json!(101), json!(-1), json!("much"), json!(true)] {
        assert_eq!(make(wrong).refused(400).fields(), ["term.core"]);
    }
    let server = server.with(|options| options.core = Some("5%".into()));
    assert_eq!(core(proposed(&server.organizer(), &server.agent(), json!({"org": 90})).ok()), "5.00%");
}

fn the_platform_makes_deals_for_others(server: Server) {
    let (organizer, agent, platform) = (server.organizer(), server.agent(), server.platform());
    let event = server.event_of(&organizer);
    let make = |obj: Value, subj: &str| {
        platform.post("/v1/resources/deals", json!({"event": event, "obj": obj, "subj": subj, "term": {"org": 90}}))
    };
    let deal = make(json!(organizer.partner()), agent.partner()).ok();
    assert_eq!((&deal["obj"], &deal["subj"]), (&json!(organizer.partner()), &json!(agent.partner())));
    assert_eq!((&deal["reversed_deal"], &deal["status"]), (&Value::Null, &json!("new")));
    // It is the organizer's proposal, for the agent to answer.
    organizer.accepts(&deal).refused(403);
    agent.accepts(&deal).ok();
    // One that names itself makes a reversed deal, through the platform as well.
    let other = server.agent();
    let deal = make(json!(other.partner()), other.partner()).ok();
    assert_eq!((&deal["obj"], &deal["reversed_deal"]), (&json!(organizer.partner()), &json!(true)));
    for (obj, subj, wrong) in [
        (json!("0123456789abcdef01234567"), agent.partner(), "obj"),
        (json!("nobody"), agent.partner(), "obj"),
        (json!(7), agent.partner(), "obj"),
        (json!(agent.partner()), other.partner(), "subj"),
        (json!(organizer.partner()), demo::PLATFORM, "subj"),
    ] {
        assert_eq!(make(obj.clone(), subj).refused(400).fields(), [wrong], "{obj}");
    }
    // From anybody else `obj` is read-only: it is who asks.
    let event = server.event_of(&organizer);
    let body = json!({"event": event, "obj": other.partner(), "subj": organizer.partner(), "term": {"org": 90}});
    assert_eq!(agent.post("/v1/resources/deals", body).ok()["obj"], agent.partner());
}

fn nothing_is_proposed_for_an_event_that_is_over(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let cancelled = server.event(&organizer, EventStatus::Cancelled, SignedDuration::from_hours(24));
    let removed = server.removed_event(&organizer);
    let ended = server.event(&organizer, EventStatus::Public, SignedDuration::from_hours(-4));
    for event in [&cancelled, &removed, &ended] {
        for (by, to) in [(&organizer, &agent), (&agent, &organizer), (&agent, &agent)] {
            assert_eq!(by.proposes(event, to.partner()).refused(400).fields(), ["event"]);
        }
    }
    // One that has begun is not over.
    let begun = server.event(&organizer, EventStatus::Public, SignedDuration::from_hours(-1));
    organizer.proposes(&begun, agent.partner()).ok();
}

fn cancelling_or_removing_an_event_ends_its_deals(server: Server) {
    let organizer = server.organizer();
    let cancel = |event: &str| drop(organizer.changes_event(event, json!({"status": "cancelled"})).ok());
    let remove = |event: &str| drop(organizer.delete(&format!("/v1/resources/events/{event}")).ok());
    let ways: [&dyn Fn(&str); 2] = [&cancel, &remove];
    for end in ways {
        let event = server.event_of(&organizer);
        let kept = server.deal(&organizer, &server.agent(), DealStatus::Accepted);
        let deals = [
            (DealStatus::New, "canceled"),
            (DealStatus::Accepted, "closed"),
            (DealStatus::Rejected, "rejected"),
            (DealStatus::Canceled, "canceled"),
            (DealStatus::Closed, "closed"),
        ]
        .map(|(status, becomes)| (server.deal_about(&event, &organizer, &server.agent(), status), becomes));
        server.advance(SignedDuration::from_mins(1));
        end(&event);
        let now = write_v1(server.now());
        for (deal, becomes) in &deals {
            let seen = organizer.sees(deal);
            assert_eq!(seen["status"], *becomes);
            let changed = deal["status"] != *becomes;
            assert_eq!(seen["updated_at"] == now, changed, "{seen}");
        }
        assert_eq!(organizer.sees(&kept), kept, "a deal about another event stays");
    }
}

/// An event with an open and an accepted deal, just before its end.
fn about_to_end<'s>(server: &'s Server) -> (Actor<'s>, Actor<'s>, Value, Value, Timestamp) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = server.event(&organizer, EventStatus::Public, SignedDuration::from_hours(1));
    let ends_at = server.now() + SignedDuration::from_hours(4);
    let open = server.deal_about(&event, &organizer, &agent, DealStatus::New);
    let accepted = server.deal_about(&event, &organizer, &server.agent(), DealStatus::Accepted);
    server.advance(SignedDuration::from_hours(4) - SignedDuration::from_micros(1));
    (organizer, agent, open, accepted, ends_at)
}

fn the_end_of_an_event_ends_its_deals_without_any_job(server: Server) {
    let (organizer, agent, open, accepted, ends_at) = about_to_end(&server);
    assert_eq!(organizer.sees(&open), open);
    assert_eq!(organizer.sees(&accepted), accepted);
    assert_eq!(organizer.get("/v1/resources/deals").list(), [open.clone(), accepted.clone()]);

    server.advance(SignedDuration::from_micros(1));
    let (ended, closed) = (organizer.sees(&open), organizer.sees(&accepted));
    assert_eq!((&ended["status"], &closed["status"]), (&json!("canceled"), &json!("closed")));
    for deal in [&ended, &closed] {
        assert_eq!(deal["updated_at"], write_v1(ends_at));
    }
    // Lists and their counts show them as they are read.
    let list = |query: &str| {
        let answer = organizer.get(&format!("/v1/resources/deals?page=1&{query}"));
        (answer.header("total").map(str::to_owned), answer.list())
    };
    let total = |number: u8| Some(number.to_string());
    assert_eq!(list(""), (total(0), vec![]));
    assert_eq!(list("status=new,accepted"), (total(0), vec![]));
    assert_eq!(list("status=canceled"), (total(1), vec![ended.clone()]));
    assert_eq!(list("status=closed"), (total(1), vec![closed.clone()]));
    assert_eq!(list("status=all"), (total(2), vec![ended.clone(), closed.clone()]));
    // And so does what is made of them.
    assert_eq!(agent.accepts(&open).refused(400).fields(), ["status"]);
    assert_eq!(agent.hands_over(&open, true).refused(400).fields(), ["reversed_deal"]);
    assert_eq!(organizer.closes(&accepted).ok(), closed, "it is closed already");
    // The role agent and the partner may go: nothing is in force any more.
    let sold = closed["subj"].as_str().unwrap();
    server.platform().patch(&format!("/v1/resources/partners/{sold}"), json!({"roles": []})).ok();
}

fn the_job_writes_the_ends_and_nothing_else_changes(server: Server) {
    let (organizer, _, open, accepted, _) = about_to_end(&server);
    server.run_jobs();
    assert_eq!((organizer.sees(&open), organizer.sees(&accepted)), (open.clone(), accepted.clone()), "not before");
    server.advance(SignedDuration::from_hours(1));
    let read = |deal: &Value| organizer.sees(deal);
    let before = (read(&open), read(&accepted));
    server.run_jobs();
    assert_eq!((read(&open), read(&accepted)), before);
    server.run_jobs();
    assert_eq!((read(&open), read(&accepted)), before, "a job is safe to repeat");
    // What ended stays so, wherever the event's end goes.
    let later = server.now() + SignedDuration::from_hours(48);
    let lifetime = Period::new(later, later + SignedDuration::from_hours(1)).unwrap();
    let event = open["event"].as_str().unwrap();
    organizer.changes_event(event, json!({"lifetime": lifetime.to_vevent()})).ok();
    assert_eq!((read(&open), read(&accepted)), before);
    // And may be made anew.
    organizer.proposes(event, open["subj"].as_str().unwrap()).ok();
}

fn an_end_that_is_moved_moves_the_end_of_the_deals(server: Server) {
    let (organizer, _, open, accepted, _) = about_to_end(&server);
    let event = open["event"].as_str().unwrap();
    let move_end = |hours: i64| {
        let end = server.now() + SignedDuration::from_hours(hours);
        let lifetime = Period::new(end - SignedDuration::from_hours(5), end).unwrap();
        organizer.changes_event(event, json!({"lifetime": lifetime.to_vevent()})).ok();
    };
    move_end(10);
    server.advance(SignedDuration::from_hours(9));
    assert_eq!((organizer.sees_status(&open), organizer.sees_status(&accepted)), ("new".into(), "accepted".into()));
    // An end that is moved to what has passed is an end.
    move_end(-1);
    assert_eq!((organizer.sees_status(&open), organizer.sees_status(&accepted)), ("canceled".into(), "closed".into()));
    // And it stays one, though no job has come by.
    move_end(10);
    assert_eq!((organizer.sees_status(&open), organizer.sees_status(&accepted)), ("canceled".into(), "closed".into()));
}

fn a_draft_is_proposed_by_its_organizer_alone(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let draft = server.event(&organizer, EventStatus::Draft, SignedDuration::from_hours(24));
    agent.proposes(&draft, organizer.partner()).refused(403);
    agent.proposes(&draft, agent.partner()).refused(403);
    let deal = organizer.proposes(&draft, agent.partner()).ok();
    agent.accepts(&deal).ok();
}

fn lists_hold_what_is_open_or_in_force_unless_asked(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let all = [DealStatus::New, DealStatus::Accepted, DealStatus::Rejected, DealStatus::Canceled, DealStatus::Closed]
        .map(|status| server.deal(&organizer, &agent, status));
    let [new, accepted, rejected, canceled, closed] = &all;
    let list = |query: &str| agent.get(&format!("/v1/resources/deals{query}")).list();
    let of = |deals: &[&Value]| deals.iter().map(|deal| organizer.sees(deal)).collect::<Vec<_>>();
    assert_eq!(list(""), of(&[new, accepted]));
    assert_eq!(list("?status=new"), of(&[new]));
    assert_eq!(list("?status=closed,rejected"), of(&[rejected, closed]));
    assert_eq!(list("?status=rejected&status=canceled"), of(&[rejected, canceled]));
    assert_eq!(list("?status=cancelled"), of(&[canceled]));
    assert_eq!(list("?status=all"), of(&[new, accepted, rejected, canceled, closed]));
    assert_eq!(list("?status=all,new"), of(&[new, accepted, rejected, canceled, closed]));
    assert_eq!(list("?status="), of(&[new, accepted]));
    assert_eq!(agent.get("/v1/resources/deals?status=open").refused(400).fields(), ["status"]);
}

fn a_list_is_filtered_by_partner_event_and_ids(server: Server) {
    let (organizer, agent, other) = (server.organizer(), server.agent(), server.agent());
    let first = server.deal(&organizer, &agent, DealStatus::Accepted);
    let event = first["event"].as_str().unwrap();
    let second = server.deal_about(event, &organizer, &other, DealStatus::New);
    let third = agent.proposes(&server.event_of(&organizer), organizer.partner()).ok();
    let list = |query: &str| organizer.get(&format!("/v1/resources/deals?{query}")).ids();
    let of = |deals: &[&Value]| deals.iter().map(|deal| id(deal).to_owned()).collect::<Vec<_>>();
    assert_eq!(list(&format!("partner={}", agent.partner())), of(&[&first, &third]), "on either side");
    assert_eq!(list(&format!("partner={}", organizer.partner())), of(&[&first, &second, &third]));
    assert_eq!(list(&format!("event={event}")), of(&[&first, &second]));
    assert_eq!(list(&format!("event={event}&partner={}", agent.partner())), of(&[&first]));
    assert_eq!(list(&format!("event={event}&status=new")), of(&[&second]));
    assert_eq!(list(&format!("ids={},{}", id(&third), id(&first))), of(&[&first, &third]));
    assert_eq!(list(&format!("partner={}", demo::NANOBILET)), [""; 0]);
    assert_eq!(list("event=0123456789abcdef01234567"), [""; 0]);
    // The platform lists everybody's.
    let platform = server.platform();
    assert_eq!(platform.get(&format!("/v1/resources/deals?partner={}", other.partner())).ids(), of(&[&second]));
    for wrong in ["partner=nobody", "event=1", "ids=1"] {
        organizer.get(&format!("/v1/resources/deals?{wrong}")).refused(400);
    }
}

fn a_long_list_is_whole_and_in_order_whichever_side_one_is_on(server: Server) {
    let both = server.partner("Both", &[Role::Org, Role::Agent]);
    let (me, model): (PartnerId, DealId) = (both.partner().parse().unwrap(), demo::DEAL.parse().unwrap());
    let other: PartnerId = demo::ORGANIZATOR.parse().unwrap();
    let made: Vec<String> = server.write(move |tx| {
        let deal = store::deals::find(tx, model)?.unwrap();
        let mut made = Vec::new();
        for number in 0..2_300_u32 {
            let mut bytes = [9; 12];
            bytes[8..].copy_from_slice(&number.to_be_bytes());
            let (id, event) = (DealId::from_bytes(bytes), EventId::from_bytes(bytes));
            let (obj, subj) = if number % 3 == 0 { (me, other) } else { (other, me) };
            let status = if number % 5 == 0 { DealStatus::Closed } else { DealStatus::Accepted };
            let deal = Deal { id, event, obj, subj, org: obj, agent: subj, status, ..deal.clone() };
            store::deals::insert(tx, &deal)?;
            made.push(id.to_string());
        }
        Ok(made)
    });
    let in_force: Vec<String> =
        made.iter().enumerate().filter(|(at, _)| at % 5 != 0).map(|(_, id)| id.clone()).collect();
    let list = |query: &str| {
        let answer = both.get(&format!("/v1/resources/deals?fields-schema=id&{query}"));
        (answer.header("total").map(str::to_owned), answer.ids())
    };
    assert_eq!(list(""), (None, in_force.clone()));
    assert_eq!(list("status=all"), (None, made.clone()));
    let total = |all: &[String]| Some(all.len().to_string());
    for (page, size) in [(1, 200), (2, 200), (7, 150), (12, 200), (460, 5), (461, 5), (1_000_000, 200)] {
        for (filter, all) in [("", &in_force), ("status=all&", &made)] {
            let from = ((page - 1) * size).min(all.len());
            let expected = all[from..(from + size).min(all.len())].to_vec();
            let found = list(&format!("{filter}page={page}&page_size={size}"));
            assert_eq!(found, (total(all), expected), "{filter}page {page} of {size}");
        }
    }
    // The other side, and the platform, read the same ones.
    let among =
        |caller: &Actor<'_>, query: &str| caller.get(&format!("/v1/resources/deals?fields-schema=id&{query}")).ids();
    assert_eq!(among(&server.organizator(), &format!("partner={me}")), in_force);
    assert_eq!(among(&server.platform(), &format!("partner={me}&status=all")), made);
    assert_eq!(among(&server.platform(), &format!("partner={me}&status=all&page=3&page_size=100")), made[200..300]);
}

fn of_two_answers_at_once_one_counts(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    for _ in 0..10 {
        let deal = server.deal(&organizer, &agent, DealStatus::New);
        let (accepted, canceled) = thread::scope(|scope| {
            let accepted = scope.spawn(|| agent.accepts(&deal));
            let canceled = scope.spawn(|| organizer.cancels(&deal));
            (accepted.join().unwrap(), canceled.join().unwrap())
        });
        let status = organizer.sees_status(&deal);
        let (winner, loser, expected) =
            if accepted.status == 200 { (accepted, canceled, "accepted") } else { (canceled, accepted, "canceled") };
        assert_eq!(winner.ok()["status"], expected);
        assert_eq!(status, expected);
        // Who came second is told so: by the status it met, or by having lost.
        assert!(matches!(loser.status, 400 | 409), "{}", loser.text());
        loser.refused(loser.status);
    }
    // Accepting twice at once is accepting once.
    let deal = server.deal(&organizer, &agent, DealStatus::New);
    thread::scope(|scope| {
        let answers = [scope.spawn(|| agent.accepts(&deal)), scope.spawn(|| agent.accepts(&deal))];
        let statuses = answers.map(|answer| answer.join().unwrap().status);
        assert!(statuses.contains(&200) && statuses.iter().all(|status| matches!(status, 200 | 409)), "{statuses:?}");
    });
    assert_eq!(agent.sees_status(&deal), "accepted");
}

fn of_two_proposals_at_once_one_is_made(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    agent.has_settings(json!({"auto_accept_deals": true}));
    for automatically in [true, false] {
        agent.has_settings(json!({"auto_accept_deals": automatically}));
        let event = server.event_of(&organizer);
        let mut statuses = thread::scope(|scope| {
            let proposals = [(); 4].map(|()| scope.spawn(|| organizer.proposes(&event, agent.partner())));
            proposals.map(|proposal| proposal.join().unwrap().status)
        });
        statuses.sort_unstable();
        let made = organizer.get(&format!("/v1/resources/deals?event={event}")).list();
        let count = |status: &str| made.iter().filter(|deal| deal["status"] == status).count();
        if automatically {
            // One in force, and one that waits to replace it.
            assert_eq!((statuses, count("accepted"), count("new")), ([200, 200, 409, 409], 1, 1));
        } else {
            assert_eq!((statuses, count("accepted"), count("new")), ([200, 409, 409, 409], 0, 1));
        }
    }
}

fn a_message_and_a_title_go_with_a_proposal(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let propose = |message: Value, title: Value| {
        let event = server.event_of(&organizer);
        let body =
            json!({"event": event, "subj": agent.partner(), "term": {"org": 90}, "message": message, "title": title});
        organizer.post("/v1/resources/deals", body)
    };
    let deal = propose(json!("Всё как в прошлый раз 🎭"), json!({"text": "Осень"})).ok();
    assert_eq!(deal["message"], "Всё как в прошлый раз 🎭");
    assert_eq!(deal["title"], json!({"text": "Осень", "desc": null}));
    assert_eq!(agent.sees(&deal), deal);
    assert_eq!(propose(Value::Null, Value::Null).ok()["title"], Value::Null);
    for (message, title, field) in [
        (json!("x".repeat(1_001)), Value::Null, "message"),
        (json!(5), Value::Null, "message"),
        (Value::Null, json!({"text": "x".repeat(1_001)}), "title.text"),
        (Value::Null, json!({"desc": "x".repeat(100_001)}), "title.desc"),
        (Value::Null, json!({"text": 5}), "title.text"),
        (Value::Null, json!("Осень"), "title"),
    ] {
        assert_eq!(propose(message, title).refused(400).fields(), [field]);
    }
    propose(json!("я".repeat(1_000)), json!({"text": "я".repeat(1_000), "desc": "я".repeat(100_000)})).ok();
}
