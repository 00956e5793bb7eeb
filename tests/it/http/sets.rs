//! Ticket sets (`spec/v1.md`, Sets): what they cost whoever asks, and how many tickets are left.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use parterre::app::tickets;
use parterre::demo;
use parterre::domain::deal::DealStatus;
use parterre::domain::event::EventStatus;
use parterre::domain::id::{BatchId, RuleId, SectorId, SetId};
use parterre::domain::period::Period;
use parterre::domain::time::write_v1;
use parterre::params;
use parterre::store::tickets::Batch;
use parterre::store::{self, Statement};
use serde_json::{Value, json};

use crate::util::{Actor, Server, id, set_path, sets_path};

on_both_engines!(
    Server;
    a_set_is_made_with_a_price_until_the_event_ends,
    a_price_goes_in_steps,
    a_set_without_a_rule_has_a_price_all_the_same,
    prices_are_on_the_terms_of_whoever_asks,
    wrong_values_of_a_set_are_named_and_nothing_is_changed,
    a_set_changes_as_it_is_told,
    a_set_may_be_sent_back_as_it_was_read,
    rules_that_orders_may_have_stay_readable,
    more_tickets_are_made_and_vacant_ones_taken_away,
    a_hold_that_is_over_is_none,
    an_event_has_so_many_sets,
    a_set_is_removed_with_nothing_reserved_or_sold,
    a_set_belongs_to_its_event,
    a_cancelled_or_removed_event_gets_no_further_sets,
    public_takes_a_set_with_a_price,
    the_currency_is_fixed_by_a_set,
    what_ends_with_the_event_moves_with_it,
    an_event_shows_its_sets_wherever_it_is_shown,
    statements_do_not_grow_with_events_and_sets,
    a_set_is_made_once_for_one_idempotency_key,
    a_large_set_is_made_in_parts,
    a_job_makes_what_a_request_left,
    seats_make_the_amount_and_are_in_one_set_only,
    of_two_sets_at_once_one_gets_a_seat,
    amounts_changed_at_once_follow_one_another,
    many_tickets_are_taken_away_at_once_and_removed_in_parts,
    a_large_set_is_removed_at_once_and_its_tickets_in_parts,
    what_was_taken_away_comes_back_first,
    nobody_gets_more_than_is_left_while_tickets_are_taken_away,
    the_largest_set_keeps_nobody_waiting,
);

fn in_2030(start: &str, end: &str) -> String {
    format!("BEGIN:VEVENT\r\nDTSTART;VALUE=DATE-TIME:{start}\r\nDTEND;VALUE=DATE-TIME:{end}\r\nEND:VEVENT\r\n")
}

fn vevent(server: &Server, from: i64, till: i64) -> String {
    let at = |seconds| server.now() + SignedDuration::from_secs(seconds);
    Period::new(at(from), at(till)).unwrap().to_vevent()
}

/// How many tickets of a set the database has that are not removed.
fn stored(server: &Server, set: &Value) -> i64 {
    let set: SetId = id(set).parse().unwrap();
    server.write(move |tx| {
        let count = Statement::fixed("select count(*) from tickets where bucket = $1 and set_id = $2 and not removed");
        Ok(tx.query_one(count, params![set.bucket(), set])?.read("tickets").next()?)
    })
}

/// Puts the first vacant tickets of a set into a state, as an order does.
fn take(server: &Server, set: &Value, count: i64, status: &'static str, seconds: i64) {
    let set: SetId = id(set).parse().unwrap();
    let till = server.now() + SignedDuration::from_secs(seconds);
    server.write(move |tx| {
        let take = Statement::fixed(
            "update tickets set status = $3, reserved_till = $4 where bucket = $1 and id in (select id from tickets \
             where bucket = $1 and set_id = $2 and status = 'vacant' and not removed order by number limit $5)",
        );
        tx.execute(take, params![set.bucket(), set, status, till, count])?;
        Ok(store::sets::count_taken(tx, set, 3, count)?)
    });
}

fn a_set_is_made_with_a_price_until_the_event_ends(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let lifetime = organizer.get(&format!("/v1/resources/events/{event}?fields-schema=lifetime")).ok();
    let ends = lifetime["lifetime"].as_str().unwrap().split("DTEND;VALUE=DATE-TIME:").nth(1).unwrap();
    let ends = ends.split("\r\n").next().unwrap().to_owned();
    let answer = organizer
        .saying("Prefer", "handling=strict")
        .post(&sets_path(&event), json!({"name": " Партер ", "amount": 5, "price": "1105.50", "description": "Сидя"}));
    let (set, now) = (answer.ok(), write_v1(server.now()));
    let rule = json!({
        "id": set["rules"][0]["id"], "cal": in_2030("19700101T000000Z", &ends), "current": true, "price": "1105.50",
        "price_extra": "0.00", "price_org": "1105.50",
    });
    let expected = json!({
        "amount": 5, "amount_vacant": 5, "created_at": now, "current_price": "1105.50", "current_rule": rule,
        "description": "Сидя", "event": event, "id": id(&set), "name": "Партер", "pos": 0, "price": "1105.50",
        "price_extra": "0.00", "price_org": "1105.50", "removed": false, "rule": [rule], "rules": [rule],
        "seats": null, "sector": null, "updated_at": now, "with_seats": false,
    });
    assert_eq!((answer.status, answer.text()), (200, expected.to_string().as_str()), "every field, in this order");
    assert_eq!(organizer.sees_set(&set), expected);
    assert_eq!(organizer.get(&sets_path(&event)).list(), [expected]);
    assert_eq!(id(&set)[8..12], event[8..12], "the bucket of the event");
    let second = organizer.post(&sets_path(&event), json!({"name": "VIP", "amount": 0, "price": 7})).ok();
    assert_eq!((&second["pos"], &second["price"], &second["amount_vacant"]), (&json!(1), &json!("7.00"), &json!(0)));
    let numbers: Vec<Value> = organizer.sees_tickets(&set).iter().map(|ticket| ticket["number"].clone()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

fn a_price_goes_in_steps(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let step = |from, till, price: &str| json!({"cal": vevent(&server, from, till), "price": price});
    let rules = json!([step(1_000, 2_000, "300"), step(100, 500, "100"), step(200, 400, "200.00")]);
    let set = organizer.post(&sets_path(&event), json!({"name": "Parterre", "amount": 1, "rules": rules})).ok();
    let prices: Vec<&Value> = set["rules"].as_array().unwrap().iter().map(|rule| &rule["price"]).collect();
    assert_eq!(prices, ["100.00", "200.00", "300.00"], "in the order in which they start");
    assert_eq!(set["rule"], set["rules"]);
    // At a second: the price that is shown, and whether it holds.
    let mut past = 0;
    for (second, price, holds) in [
        (0, "100.00", false),
        (99, "100.00", false),
        (100, "100.00", true),
        (199, "100.00", true),
        (200, "200.00", true),
        (399, "200.00", true),
        (400, "100.00", true),
        (500, "300.00", false),
        (1_000, "300.00", true),
        (2_000, "300.00", false),
    ] {
        server.advance(SignedDuration::from_secs(second - past));
        past = second;
        let seen = organizer.sees_set(&set);
        for field in ["price", "price_org", "current_price"] {
            assert_eq!(seen[field], price, "{field} at {second}");
        }
        assert_eq!(seen["current_rule"].is_object(), holds, "at {second}");
        let current: Vec<&Value> =
            seen["rules"].as_array().unwrap().iter().filter(|rule| rule["current"] == true).collect();
        assert_eq!(current.len(), usize::from(holds));
        assert_eq!(current.first().copied().unwrap_or(&Value::Null), &seen["current_rule"]);
    }
}

fn a_set_without_a_rule_has_a_price_all_the_same(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = organizer.post(&sets_path(&event), json!({"name": "Parterre", "amount": 1})).ok();
    for field in ["price", "price_org", "price_extra", "current_price"] {
        assert_eq!(set[field], "0.00");
    }
    assert_eq!((&set["current_rule"], &set["rule"], &set["rules"]), (&json!(null), &json!([]), &json!([])));
    let free = json!({"rules": [{"cal": vevent(&server, 0, 900), "price": "0"}]});
    let free = organizer.changes_set(&set, free).ok();
    assert_eq!((&free["price"], free["current_rule"].is_object()), (&json!("0.00"), true));
}

fn prices_are_on_the_terms_of_whoever_asks(server: Server) {
    let (organizer, agent, stranger) = (server.organizer(), server.agent(), server.agent());
    let event = server.event_of(&organizer);
    let set = organizer.makes_set(&event, 1, "1000.00");
    let prices = |set: &Value| {
        ["price_org", "price_extra", "price", "current_price"].map(|field| set[field].as_str().unwrap().to_owned())
    };
    let sees = |caller: &Actor<'_>| {
        let seen = caller.sees_set(&set);
        for rule in [&seen["rules"][0], &seen["current_rule"]] {
            for field in ["price_org", "price_extra", "price"] {
                assert_eq!(rule[field], seen[field], "{field}");
            }
        }
        let in_event = caller.get(&format!("/v1/resources/events/{event}")).ok();
        assert_eq!(in_event["sets"], json!([seen]), "the same in the event");
        prices(&seen)
    };
    let plain = ["1000.00", "0.00", "1000.00", "1000.00"];
    for caller in [&organizer, &agent, &stranger, &server.platform()] {
        assert_eq!(sees(caller), plain);
    }
    organizer.has_settings(json!({"extra": "5%"}));
    assert_eq!(sees(&organizer), ["1000.00", "50.00", "1050.00", "1000.00"]);
    organizer.has_settings(json!({"extra": "99.90"}));
    assert_eq!(sees(&organizer), ["1000.00", "99.90", "1099.90", "1000.00"]);
    // A proposal is none yet; its terms count once it is accepted, until it is closed.
    let terms = json!({"org": 90, "extra": 10, "pfc": true});
    let deal = organizer.proposes_terms(&event, agent.partner(), terms).ok();
    assert_eq!(sees(&agent), plain);
    agent.accepts(&deal).ok();
    let core: i64 = deal["term"]["core"].as_str().unwrap().trim_end_matches(".00%").parse().unwrap();
    let (extra, full) = (format!("{}.00", 100 + 10 * core), format!("{}.00", 1_100 + 10 * core));
    assert_eq!(sees(&agent), ["1000.00", extra.as_str(), full.as_str(), "1000.00"]);
    assert_eq!(sees(&stranger), plain);
    agent.closes(&deal).ok();
    assert_eq!(sees(&agent), plain);
    // A fee in another currency is none.
    let in_euro = server.event_of(&organizer);
    organizer.changes_event(&in_euro, json!({"currency": "EUR"})).ok();
    assert_eq!(organizer.makes_set(&in_euro, 1, "10.00")["price_extra"], "0.00");
}

fn wrong_values_of_a_set_are_named_and_nothing_is_changed(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = organizer.makes_set(&event, 3, "100.00");
    let cal = in_2030("20300101T000000Z", "20300102T000000Z");
    let rule = |name: &str, value: Value| {
        let mut rule = json!({"cal": cal, "price": "1.00"});
        rule[name] = value;
        json!([{"cal": cal, "price": "1"}, rule])
    };
    let many: Vec<Value> = (0..101).map(|_| json!({"cal": cal, "price": "1"})).collect();
    for (field, wrong) in [
        ("name", json!("")),
        ("name", json!(null)),
        ("name", json!("two\nlines")),
        ("name", json!("x".repeat(1_001))),
        ("description", json!("x".repeat(100_001))),
        ("amount", json!(-1)),
        ("amount", json!(100_001)),
        ("amount", json!("5")),
        ("amount", json!(1.5)),
        ("amount", json!(null)),
        ("pos", json!(-1)),
        ("pos", json!("1")),
        ("price", json!("-1")),
        ("price", json!("1.005")),
        ("price", json!("1e3")),
        ("price", json!(true)),
        ("price", json!(null)),
        ("price", json!("10000000000.01")),
        ("rules", json!({})),
        ("rules", json!(many)),
        ("rules[1]", json!([{"cal": cal, "price": "1"}, 5])),
        ("rules[1].cal", rule("cal", json!("2030"))),
        ("rules[1].cal", rule("cal", json!(in_2030("20300101T000000Z", "20300101T000000Z")))),
        ("rules[1].price", rule("price", json!("x"))),
        ("rules[1].price", rule("price", json!("-0.01"))),
        ("rules[1].price", rule("price", json!(null))),
        ("rules[1].id", rule("id", json!("1"))),
        ("rules[1].id", rule("id", json!("0123456789abcdef01234567"))),
        ("rules[0].cal", json!([{"price": "1"}])),
        ("rules[0].price", json!([{"cal": cal}])),
        ("sector", json!("1")),
        ("seats", json!([1])),
        ("seats", json!({"1": [[1]]})),
        ("seats", json!({"1": [[1, true]]})),
    ] {
        let name = field.split(['.', '[']).next().unwrap();
        let refusal = organizer.changes_set(&set, json!({"pos": 9, name: wrong})).refused(400);
        assert_eq!(refusal.fields(), [field], "{wrong:.80}");
        let mut new = json!({"name": "Parterre", "amount": 1});
        new[name] = wrong;
        assert_eq!(organizer.post(&sets_path(&event), new).refused(400).fields(), [field]);
    }
    let nowhere = json!("0123456789abcdef01234567");
    for (new, fields) in [
        (json!({}), vec!["name"]),
        (json!({"name": "Parterre"}), vec!["amount"]),
        (json!({"name": "Parterre", "amount": 1, "price": "1", "rules": []}), vec!["price"]),
        (json!({"name": "Parterre", "sector": nowhere}), vec!["seats"]),
        (json!({"name": "Parterre", "seats": {"1": [[1, 2]]}}), vec!["sector"]),
        (json!({"name": "Parterre", "sector": nowhere, "seats": {"1": [[1, 2]]}}), vec!["sector"]),
    ] {
        assert_eq!(organizer.post(&sets_path(&event), new).refused(400).fields(), fields);
    }
    for fixed in [json!({"sector": nowhere}), json!({"seats": {"1": [[1, 2]]}})] {
        organizer.changes_set(&set, fixed).refused(400);
    }
    assert_eq!(organizer.get(&sets_path(&event)).list(), [set]);
}

fn a_set_changes_as_it_is_told(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = organizer.makes_set(&event, 3, "100.00");
    server.advance(SignedDuration::from_secs(5));
    assert_eq!(organizer.changes_set(&set, json!({})).ok(), set, "no change");
    let same = json!({"name": "Parterre", "amount": 3, "price": "100", "pos": 0, "description": null});
    assert_eq!(organizer.changes_set(&set, same).ok(), set, "no change, down to the id of the rule");
    let whole = organizer.changes_set(&set, json!({"rules": set["rules"]})).ok();
    assert_eq!(whole, set, "what it shows may be given back");
    let mut expected = set.clone();
    expected["updated_at"] = write_v1(server.now()).into();
    for (field, value) in [("name", json!("Dress circle")), ("description", json!("High")), ("pos", json!(7))] {
        expected[field] = value.clone();
        assert_eq!(organizer.changes_set(&set, json!({field: value})).ok(), expected);
    }
    let dearer = organizer.changes_set(&set, json!({"price": "200.00"})).ok();
    assert_eq!((&dearer["price"], dearer["rules"].as_array().unwrap().len()), (&json!("200.00"), 1));
    assert_ne!(dearer["rules"][0]["id"], set["rules"][0]["id"], "another price is another rule");
    assert_eq!(organizer.changes_set(&set, json!({"rules": []})).ok()["current_rule"], json!(null));
    assert_eq!(server.platform().changes_set(&set, json!({"pos": null})).ok()["pos"], 0);
    for stranger in [server.organizer(), server.agent()] {
        stranger.changes_set(&set, json!({})).refused(403);
        stranger.post(&sets_path(&event), json!({"name": "Mine", "amount": 1})).refused(403);
        stranger.removes_set(&set).refused(403);
    }
}

fn a_set_may_be_sent_back_as_it_was_read(server: Server) {
    let organizer = server.organizer();
    organizer.has_settings(json!({"extra": "10%"}));
    let event = server.event_of(&organizer);
    let step = |from, till, price: &str| json!({"cal": vevent(&server, from, till), "price": price});
    let rules = json!([step(0, 500, "1500"), step(500, 900, "2000")]);
    let set = organizer.post(&sets_path(&event), json!({"name": "Parterre", "amount": 3, "rules": rules})).ok();
    assert_eq!((&set["price_org"], &set["price"]), (&json!("1500.00"), &json!("1650.00")));
    let part =
        |fields: &[&str]| Value::Object(fields.iter().map(|field| ((*field).into(), set[*field].clone())).collect());
    let with_price = json!([{"id": set["rules"][0]["id"], "cal": set["rules"][0]["cal"], "price": "1650.00"},
        {"id": set["rules"][1]["id"], "cal": set["rules"][1]["cal"], "price": "2200.00"}]);
    let with_nominal = json!([{"cal": set["rules"][0]["cal"], "price_org": "1500.00", "price": "1650.00"},
        {"cal": set["rules"][1]["cal"], "price_org": "2000.00"}]);
    for same in [
        set.clone(),
        part(&["name", "rules"]),
        part(&["price"]),
        part(&["price_org"]),
        part(&["price", "price_org", "price_extra"]),
        part(&["price", "rules"]),
        json!({"rules": with_price}),
        json!({"rules": with_nominal}),
        json!({"rules": null}),
    ] {
        for _ in 0..3 {
            assert_eq!(organizer.changes_set(&set, same.clone()).ok(), set, "{same}");
        }
    }

    // Also one without a price, which does not become one for nothing.
    let bare = organizer.post(&sets_path(&event), json!({"name": "Balcony", "amount": 1})).ok();
    assert_eq!((&bare["price"], &bare["rules"]), (&json!("0.00"), &json!([])));
    for same in [bare.clone(), json!({"price": "0.00"}), json!({"price_org": "0.00"})] {
        assert_eq!(organizer.changes_set(&bare, same.clone()).ok(), bare, "{same}");
    }

    // What is another than was shown counts, and of both the nominal.
    let nominals = |set: &Value| {
        let rules = set["rules"].as_array().unwrap().iter();
        rules.map(|rule| rule["price_org"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (field, value, nominal) in
        [("price", "1600.00", "1600.00"), ("price_org", "1700.00", "1700.00"), ("price_extra", "1.00", "1700.00")]
    {
        let mut changed = organizer.sees_set(&set);
        changed["rules"][0][field] = value.into();
        let changed = organizer.changes_set(&set, json!({"rules": changed["rules"]})).ok();
        assert_eq!(nominals(&changed), [nominal, "2000.00"], "{field}");
    }
    let mut both = organizer.sees_set(&set);
    (both["rules"][0]["price"], both["rules"][0]["price_org"]) = (json!("1.00"), json!("1650.00"));
    assert_eq!(nominals(&organizer.changes_set(&set, json!({"rules": both["rules"]})).ok()), ["1650.00", "2000.00"]);
    let conflicting = json!({"price": "1650.00", "rules": set["rules"]});
    assert_eq!(organizer.changes_set(&set, conflicting).refused(400).fields(), ["price"], "another than is shown now");
    for (wrong, field) in [
        (json!({"price_org": "x"}), "price_org"),
        (json!({"rules": [{"cal": set["rules"][0]["cal"], "price_org": "-1"}]}), "rules[0].price_org"),
    ] {
        assert_eq!(organizer.changes_set(&set, wrong).refused(400).fields(), [field]);
    }
    assert_eq!(nominals(&organizer.changes_set(&set, json!({"price_org": "900"})).ok()), ["900.00"]);
    assert_eq!(nominals(&organizer.changes_set(&set, json!({"price": "1000"})).ok()), ["1000.00"]);
}

fn rules_that_orders_may_have_stay_readable(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = organizer.makes_set(&event, 1, "100.00");
    let first: RuleId = id(&set["rules"][0]).parse().unwrap();
    // Its id stays with its price, whatever its period.
    let moved =
        json!([{"id": first.to_string(), "cal": in_2030("20300101T000000Z", "20300102T000000Z"), "price": "100"}]);
    assert_eq!(organizer.changes_set(&set, json!({"rules": moved})).ok()["rules"][0]["id"], first.to_string());
    let dearer =
        json!([{"id": first.to_string(), "cal": in_2030("20300101T000000Z", "20300102T000000Z"), "price": "300"}]);
    assert_ne!(organizer.changes_set(&set, json!({"rules": dearer})).ok()["rules"][0]["id"], first.to_string());
    let set_id: SetId = id(&set).parse().unwrap();
    let found = server.write(move |tx| Ok(store::sets::find_rules(tx, &[first], "RUB".parse().unwrap())?));
    assert_eq!((found[&first].0, found[&first].1.price.to_string()), (set_id, "100.00".to_owned()));
}

fn more_tickets_are_made_and_vacant_ones_taken_away(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = organizer.makes_set(&event, 5, "100.00");
    let other = organizer.makes_set(&event, 2, "100.00");
    let amounts = |set: &Value| (set["amount"].as_i64().unwrap(), set["amount_vacant"].as_i64().unwrap());
    let numbers = || organizer.sees_tickets(&set).iter().map(|t| t["number"].as_i64().unwrap()).collect::<Vec<_>>();
    assert_eq!(amounts(&organizer.changes_set(&set, json!({"amount": 7})).ok()), (7, 7));
    assert_eq!(numbers(), [1, 2, 3, 4, 5, 8, 9]);
    assert_eq!(amounts(&organizer.changes_set(&set, json!({"amount": 4})).ok()), (4, 4));
    assert_eq!(numbers(), [1, 2, 3, 4], "those with the highest numbers go");
    take(&server, &set, 2, "reserved", 600);
    take(&server, &set, 1, "sold", 0);
    assert_eq!(amounts(&organizer.sees_set(&set)), (4, 1));
    let refusal = organizer.changes_set(&set, json!({"amount": 2, "name": "Smaller"})).refused(409);
    assert_eq!(refusal.fields(), ["amount"]);
    assert!(refusal.reason.contains("only 1"), "{}", refusal.reason);
    let seen = organizer.sees_set(&set);
    assert_eq!((amounts(&seen), &seen["name"]), ((4, 1), &json!("Parterre")), "nothing is changed");
    assert_eq!(amounts(&organizer.changes_set(&set, json!({"amount": 3})).ok()), (3, 0));
    assert_eq!(amounts(&organizer.changes_set(&set, json!({"amount": 6})).ok()), (6, 3));
    assert_eq!(numbers(), [1, 2, 3, 10, 11, 12], "a number is given out once");
    assert_eq!(amounts(&organizer.sees_set(&other)), (2, 2));
}

fn a_hold_that_is_over_is_none(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = organizer.makes_set(&event, 4, "100.00");
    take(&server, &set, 3, "reserved", 600);
    let vacant = || organizer.sees_set(&set)["amount_vacant"].as_i64().unwrap();
    let of = |status: &str| organizer.get(&format!("{}/tickets?status={status}", set_path(&set))).list().len();
    server.advance(SignedDuration::from_secs(600) - SignedDuration::from_micros(1));
    assert_eq!((vacant(), of("vacant"), of("reserved")), (1, 1, 3));
    organizer.removes_set(&set).refused(409);
    server.advance(SignedDuration::from_micros(1));
    assert_eq!((vacant(), of("vacant"), of("reserved")), (4, 4, 0));
    let first = &organizer.sees_tickets(&set)[0];
    assert_eq!((&first["status"], &first["reserved_till"]), (&json!("vacant"), &json!(null)));
    // Such tickets can be taken away as well, and are counted once.
    assert_eq!(organizer.changes_set(&set, json!({"amount": 1})).ok()["amount_vacant"], 1);
    assert_eq!(organizer.changes_set(&set, json!({"amount": 3})).ok()["amount_vacant"], 3);
    assert_eq!(stored(&server, &set), 3);
}

fn an_event_has_so_many_sets(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let sets: Vec<String> = (0..200).map(|_| server.tickets_of(&event, "1", 0)).collect();
    let new = json!({"name": "One more", "amount": 1});
    assert_eq!(organizer.post(&sets_path(&event), new.clone()).refused(400).fields(), ["event"]);
    organizer.delete(&format!("{}/{}", sets_path(&event), sets[0])).ok();
    organizer.post(&sets_path(&event), new.clone()).ok();
    organizer.post(&sets_path(&server.event_of(&organizer)), new).ok();
}

fn a_set_is_removed_with_nothing_reserved_or_sold(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let (set, sold) = (organizer.makes_set(&event, 3, "100.00"), organizer.makes_set(&event, 3, "100.00"));
    take(&server, &sold, 1, "sold", 0);
    organizer.removes_set(&sold).refused(409);
    assert_eq!(stored(&server, &sold), 3, "nothing of it is removed");
    server.advance(SignedDuration::from_secs(5));
    assert_eq!(organizer.removes_set(&set).ok(), json!({}));
    assert_eq!(organizer.removes_set(&set).ok(), json!({}), "it is removed already");
    let seen = organizer.sees_set(&set);
    assert_eq!((&seen["removed"], &seen["amount_vacant"]), (&json!(true), &json!(0)));
    assert_eq!(seen["updated_at"], write_v1(server.now()));
    let listed = |query: &str| organizer.get(&format!("{}{query}", sets_path(&event))).ids();
    assert_eq!((listed(""), listed("?removed=false")), (vec![id(&sold).to_owned()], vec![id(&sold).to_owned()]));
    assert_eq!(listed("?removed=true"), [id(&set)]);
    let shown = organizer.get(&format!("/v1/resources/events/{event}?fields-schema=sets{{id}}")).ok();
    assert_eq!(shown["sets"], json!([{"id": id(&sold)}]));
    assert_eq!(organizer.sees_tickets(&set).len(), 0);
    organizer.changes_set(&set, json!({"amount": 5})).refused(409);
}

fn a_set_belongs_to_its_event(server: Server) {
    let organizer = server.organizer();
    let (event, other) = (server.event_of(&organizer), server.event_of(&organizer));
    let set = organizer.makes_set(&event, 1, "100.00");
    let elsewhere = format!("{}/{}", sets_path(&other), id(&set));
    organizer.get(&elsewhere).refused(404);
    organizer.patch(&elsewhere, json!({})).refused(404);
    organizer.delete(&elsewhere).refused(404);
    for (event, set) in
        [("1", id(&set)), (event.as_str(), "1"), ("0123456789abcdef01234567", id(&set)), (&event, &other)]
    {
        organizer.get(&format!("{}/{set}", sets_path(event))).refused(404);
    }
    organizer.get(&sets_path("1")).refused(404);
    organizer.post(&sets_path("1"), json!({"name": "Parterre", "amount": 1})).refused(404);
    // It is seen as its event is.
    let draft = server.event(&organizer, EventStatus::Draft, SignedDuration::from_hours(5));
    let hidden = organizer.makes_set(&draft, 1, "100.00");
    server.agent().get(&set_path(&hidden)).refused(403);
    server.agent().get(&sets_path(&draft)).refused(403);
    assert_eq!(server.agent().get(&sets_path(&event)).list().len(), 1);
}

fn a_cancelled_or_removed_event_gets_no_further_sets(server: Server) {
    let organizer = server.organizer();
    let new = json!({"name": "Parterre", "amount": 1});
    let cancelled = server.event(&organizer, EventStatus::Cancelled, SignedDuration::from_hours(5));
    for event in [cancelled, server.removed_event(&organizer)] {
        organizer.post(&sets_path(&event), new.clone()).refused(409);
    }
}

fn public_takes_a_set_with_a_price(server: Server) {
    let organizer = server.organizer();
    let event = server.event(&organizer, EventStatus::Draft, SignedDuration::from_hours(5));
    let publish = || organizer.changes_event(&event, json!({"status": "public"}));
    publish().refused(400);
    let set = organizer.post(&sets_path(&event), json!({"name": "Parterre", "amount": 1})).ok();
    assert_eq!(publish().refused(400).fields(), ["status"], "a set without a price");
    organizer.changes_set(&set, json!({"price": "10"})).ok();
    assert_eq!(publish().ok()["status"], "public");
    organizer.changes_event(&event, json!({"status": "draft"})).ok();
    organizer.removes_set(&set).ok();
    publish().refused(400);
}

fn the_currency_is_fixed_by_a_set(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    organizer.changes_event(&event, json!({"currency": "JPY"})).ok();
    let refusal = organizer.post(&sets_path(&event), json!({"name": "A", "amount": 1, "price": "1.50"})).refused(400);
    assert_eq!(refusal.fields(), ["price"], "a yen has no smaller part");
    assert_eq!(organizer.makes_set(&event, 1, "1500")["price"], "1500");
    assert_eq!(organizer.changes_event(&event, json!({"currency": "EUR"})).refused(400).fields(), ["currency"]);
    organizer.changes_event(&event, json!({"currency": "JPY", "tags": ["rock"]})).ok();
}

fn what_ends_with_the_event_moves_with_it(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let cal = vevent(&server, 0, 100);
    let set = organizer.makes_set(&event, 1, "100.00");
    let step = organizer
        .post(&sets_path(&event), json!({"name": "B", "amount": 1, "rules": [{"cal": cal, "price": "1"}]}))
        .ok();
    let lifetime = in_2030("20300101T000000Z", "20300102T000000Z");
    organizer.changes_event(&event, json!({"lifetime": lifetime})).ok();
    assert_eq!(organizer.sees_set(&set)["rules"][0]["cal"], in_2030("19700101T000000Z", "20300102T000000Z"));
    assert_eq!(organizer.sees_set(&step)["rules"][0]["cal"], cal);
}

fn an_event_shows_its_sets_wherever_it_is_shown(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let deal = server.deal(&organizer, &agent, DealStatus::Accepted);
    let event = deal["event"].as_str().unwrap();
    let set = organizer.makes_set(event, 2, "100.00");
    let fields = "name,event,current_rule{price}";
    let expected = json!([{"current_rule": {"price": "100.00"}, "event": event, "name": "Parterre"}]);
    let listed = agent.get(&format!("/v1/resources/events?ids={event}&fields-schema=sets{{{fields}}}")).list();
    assert_eq!(listed, [json!({"sets": expected})]);
    let shown = agent.get(&format!("/v1/resources/deals/{}?fields-schema=event{{sets{{{fields}}}}}", id(&deal))).ok();
    assert_eq!(shown, json!({"event": {"sets": expected}}));
    // First without its sets, deeper with them.
    let path = format!("{}?fields-schema=event{{id,sets{{event{{sets{{id}}}}}}}}", set_path(&set));
    assert_eq!(
        agent.get(&path).ok(),
        json!({"event": {"id": event, "sets": [{"event": {"sets": [{"id": id(&set)}]}}]}})
    );
    let path =
        format!("{}/tickets?fields-schema=number,set{{event{{title{{text}}}},name}}&page_size=1", set_path(&set));
    let ticket = json!({"number": 1, "set": {"event": {"title": {"text": "Concert"}}, "name": "Parterre"}});
    assert_eq!(agent.get(&path).list(), [ticket]);
    // A change answers with them as well.
    assert_eq!(organizer.changes_event(event, json!({"tags": ["rock"]})).ok()["sets"][0]["id"], id(&set));
}

fn statements_do_not_grow_with_events_and_sets(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let events: Vec<String> = (0..8).map(|_| server.event_of(&organizer)).collect();
    for event in &events {
        let deal = organizer.proposes(event, agent.partner()).ok();
        agent.accepts(&deal).ok();
        organizer.makes_set(event, 3, "100.00");
    }
    let mut seen: HashMap<&str, Vec<u64>> = HashMap::new();
    for count in [2, 8] {
        if count == 8 {
            for event in &events {
                organizer.makes_set(event, 3, "100.00");
            }
        }
        let ids = events[..count].join(",");
        for (what, caller, path) in [
            ("events", &agent, format!("/v1/resources/events?ids={ids}")),
            ("own events", &organizer, format!("/v1/resources/events?ids={ids}")),
            ("deals", &agent, format!("/v1/resources/deals?page_size={count}&fields-schema=event{{sets{{id}}}}")),
            ("sets", &agent, sets_path(&events[0])),
            ("tickets", &agent, format!("{}/../tickets", sets_path(&events[0])).replace("sets/../", "")),
        ] {
            let (statements, answer) = server.statements_of(|| caller.get(&path));
            answer.ok();
            seen.entry(what).or_default().push(statements);
        }
    }
    assert!(seen.values().all(|counts| counts[0] == counts[1]), "{seen:?}");
}

fn a_set_is_made_once_for_one_idempotency_key(server: Server) {
    let organizer = server.organizer().saying("Idempotency-Key", "once");
    let event = server.event_of(&organizer);
    let new = json!({"name": "Parterre", "amount": 2_500, "price": "100"});
    let set = organizer.post(&sets_path(&event), new.clone()).ok();
    assert_eq!(organizer.post(&sets_path(&event), new).ok(), set);
    assert_eq!(organizer.get(&sets_path(&event)).list().len(), 1);
    assert_eq!(stored(&server, &set), 2_500);
}

fn a_large_set_is_made_in_parts(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = organizer.makes_set(&event, 4_321, "100.00");
    assert_eq!((&set["amount_vacant"], stored(&server, &set)), (&json!(4_321), 4_321), "before it is answered");
    let tickets = organizer.sees_tickets(&set);
    let numbers: Vec<i64> = tickets.iter().map(|ticket| ticket["number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=4_321).collect::<Vec<i64>>());
    assert!(tickets.iter().map(id).is_sorted(), "in the order in which they were made");
    let more = organizer.changes_set(&set, json!({"amount": 8_000})).ok();
    assert_eq!((&more["amount_vacant"], stored(&server, &set)), (&json!(8_000), 8_000));
    assert_eq!(organizer.changes_set(&set, json!({"amount": 10})).ok()["amount_vacant"], 10);
    server.run_jobs();
    assert_eq!(stored(&server, &set), 10);
}

/// A set whose request was cut off after its transaction: 100 of 4,100 tickets are made.
fn cut_off(server: &Server, organizer: &Actor<'_>, event: &str) -> Value {
    let set = organizer.makes_set(event, 100, "100.00");
    let set_id: SetId = id(&set).parse().unwrap();
    let batch: BatchId = server.app.new_id_in(set_id.bucket());
    server.write(move |tx| {
        let mut set = store::sets::find(tx, set_id)?.unwrap();
        set.amount = 4_100;
        store::sets::update(tx, &set)?;
        let first_number = store::events::give_numbers(tx, set.event, 4_000)?;
        let event = set.event;
        let batch = Batch { id: batch, event, set: set_id, first_number, first_seat: 100, amount: 4_000, made: 0 };
        Ok(store::tickets::insert_batch(tx, &batch)?)
    });
    set
}

fn a_job_makes_what_a_request_left(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = cut_off(&server, &organizer, &event);
    assert_eq!(organizer.sees_set(&set)["amount_vacant"], 4_100, "tickets still to be made are vacant");
    server.run_jobs();
    assert_eq!(stored(&server, &set), 100, "the request may still be at it");
    server.advance(SignedDuration::from_secs(10));
    assert!(server.wait_for(tickets::go_on(&server.app)).unwrap());
    assert_eq!(stored(&server, &set), 2_100, "a step makes a part");
    server.run_jobs();
    assert_eq!(stored(&server, &set), 4_100);
    assert!(!server.wait_for(tickets::go_on(&server.app)).unwrap());
    // What is still to be made is what is taken away first, and what is removed is not made.
    let shrunk = cut_off(&server, &organizer, &event);
    assert_eq!(organizer.changes_set(&shrunk, json!({"amount": 1_000})).ok()["amount_vacant"], 1_000);
    let removed = cut_off(&server, &organizer, &event);
    organizer.removes_set(&removed).ok();
    server.advance(SignedDuration::from_secs(10));
    server.run_jobs();
    assert_eq!((stored(&server, &shrunk), stored(&server, &removed)), (1_000, 0));
}

/// A sector of a new map of an organizer: a row 1 with the seats 1 to 10, and a row A with the seats 1, 2a and 3.
fn sector(server: &Server, organizer: &Actor<'_>) -> SectorId {
    let (map, sector): (parterre::domain::id::MapId, SectorId) = (server.app.new_id(), server.app.new_id());
    let org: parterre::domain::id::PartnerId = organizer.partner().parse().unwrap();
    let seats = |names: &[&str]| names.iter().map(|name| json!({"number": name})).collect::<Vec<_>>();
    let row: Vec<String> = (1..=10).map(|number| number.to_string()).collect();
    let row: Vec<&str> = row.iter().map(String::as_str).collect();
    let layout = json!([{"name": "1", "seats": seats(&row)}, {"name": "A", "seats": seats(&["1", "2a", "3"])}]);
    let layout = layout.to_string();
    server.write(move |tx| {
        let now = tx.now();
        let insert = Statement::fixed(
            "insert into maps (id, org_id, name, name_folded, removed, created_at, updated_at) \
             values ($1, $2, 'Hall', 'hall', false, $3, $3)",
        );
        tx.execute(insert, params![map, org, now])?;
        let insert =
            Statement::fixed("insert into sectors (id, map_id, pos, name, layout) values ($1, $2, 0, 'Parterre', $3)");
        tx.execute(insert, params![sector, map, layout.as_str()])?;
        Ok(())
    });
    sector
}

fn seats_make_the_amount_and_are_in_one_set_only(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let sector = sector(&server, &organizer);
    let new = |seats: Value| json!({"name": "Stalls", "price": "100", "sector": sector.to_string(), "seats": seats});
    let make = |seats: Value| organizer.post(&sets_path(&event), new(seats));
    let set = make(json!({"A": [["1", "2a"]], "1": [[3, 5], ["9", "10"]]})).ok();
    assert_eq!(set["seats"], json!({"1": [[3, 5], [9, 10]], "A": [[1, "2a"]]}));
    let shown = (&set["amount"], &set["amount_vacant"], &set["with_seats"], &set["sector"]);
    assert_eq!(shown, (&json!(7), &json!(7), &json!(true), &json!(sector.to_string())));
    let seats: Vec<Value> =
        organizer.sees_tickets(&set).iter().map(|t| json!([t["seat"]["row"], t["seat"]["number"]])).collect();
    assert_eq!(
        seats,
        [
            json!([1, 3]),
            json!([1, 4]),
            json!([1, 5]),
            json!([1, 9]),
            json!([1, 10]),
            json!(["A", 1]),
            json!(["A", "2a"])
        ]
    );

    for (seats, field) in [
        (json!({}), "seats"),
        (json!({"1": []}), "seats"),
        (json!({"2": [[1, 1]]}), "seats.2"),
        (json!({"1": [[1, 11]]}), "seats.1[0]"),
        (json!({"1": [[1, 2], [2, 2]]}), "seats.1[1]"),
        (json!({"1": [[2, 1]]}), "seats.1[0]"),
    ] {
        assert_eq!(make(seats).refused(400).fields(), [field]);
    }
    let refusal = make(json!({"1": [[1, 3]]})).refused(409);
    assert_eq!(refusal.fields(), ["seats.1"]);
    assert!(refusal.reason.contains("\"3\"") && refusal.reason.contains("Stalls"), "{}", refusal.reason);
    let contradicting = json!({"name": "B", "amount": 3, "sector": sector.to_string(), "seats": {"1": [[1, 2]]}});
    assert_eq!(organizer.post(&sets_path(&event), contradicting).refused(400).fields(), ["amount"]);
    // Neither seats nor their number change; the same may be said again.
    organizer.changes_set(&set, json!({"amount": 7, "seats": set["seats"], "sector": set["sector"]})).ok();
    for changes in [json!({"amount": 6}), json!({"amount": 8}), json!({"seats": {"1": [[1, 1]]}})] {
        organizer.changes_set(&set, changes).refused(400);
    }
    // In another event they are free, and so they are once the set is removed.
    let elsewhere = server.event_of(&organizer);
    organizer.post(&sets_path(&elsewhere), new(json!({"1": [[3, 5]]}))).ok();
    organizer.removes_set(&set).ok();
    assert_eq!(make(json!({"1": [[1, 10]]})).ok()["amount"], 10);
    // A sector of another organizer is none.
    let stranger = server.organizer();
    let of_stranger = server.event_of(&stranger);
    assert_eq!(stranger.post(&sets_path(&of_stranger), new(json!({"1": [[1, 1]]}))).refused(400).fields(), ["sector"]);
}

fn of_two_sets_at_once_one_gets_a_seat(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let sector = sector(&server, &organizer);
    let new = json!({"name": "Stalls", "price": "100", "sector": sector.to_string(), "seats": {"1": [[1, 10]]}});
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let requests: Vec<_> =
            (0..4).map(|_| scope.spawn(|| organizer.post(&sets_path(&event), new.clone()).status)).collect();
        requests.into_iter().map(|request| request.join().unwrap()).collect()
    });
    let count = |status| statuses.iter().filter(|given| **given == status).count();
    assert_eq!((count(200), count(409)), (1, 3), "{statuses:?}");
}

fn amounts_changed_at_once_follow_one_another(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = organizer.makes_set(&event, 50, "100.00");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let change = |amount: i64| organizer.changes_set(&set, json!({"amount": amount})).status;
        let requests: Vec<_> = [10, 90, 20, 2_300, 40, 5].map(|amount| scope.spawn(move || change(amount))).into();
        requests.into_iter().map(|request| request.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let seen = organizer.sees_set(&set);
    assert_eq!(seen["amount"], seen["amount_vacant"]);
    server.run_jobs();
    assert_eq!(seen["amount"], stored(&server, &set));
    assert_eq!(organizer.get(&sets_path(demo::EVENTS[0].0)).list().len(), 3, "the demo's sets");
}

fn many_tickets_are_taken_away_at_once_and_removed_in_parts(server: Server) {
    let sale = server.sale(5_000, "100.00");
    let organizer = &sale.organizer;
    let before = organizer.sees_tickets(&sale.set);
    let (low, high) = (id(&before[10]), id(&before[2_500]));
    let held = sale.agent.orders(json!({"tickets": [id(&before[4_999])]})).ok();
    let set = organizer.changes_set(&sale.set, json!({"amount": 1_000})).ok();
    assert_eq!((&set["amount"], &set["amount_vacant"]), (&json!(1_000), &json!(999)));
    assert_eq!(stored(&server, &sale.set), 3_000, "a part is removed at once");

    // What is still there is as good as removed.
    let numbers: Vec<i64> =
        organizer.sees_tickets(&sale.set).iter().map(|ticket| ticket["number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=999).chain([5_000]).collect::<Vec<_>>());
    let list = format!("{}/tickets?status=vacant&page=1", set_path(&sale.set));
    assert_eq!(organizer.get(&list).header("total"), Some("999"));
    let removed =
        |ticket: &str| organizer.get(&format!("{}/tickets/{ticket}", set_path(&sale.set))).ok()["removed"].clone();
    assert_eq!((removed(low), removed(high)), (json!(false), json!(true)));
    let order = sale.agent.orders(json!({"tickets": [high, low]})).ok();
    assert_eq!(order["tickets"], json!([low]), "it can't be had");
    let rest = sale.agent.orders_of(&sale.set, 1_000).ok();
    assert_eq!(rest["tickets"].as_array().unwrap().len(), 998);
    assert_eq!(sale.agent.orders_of(&sale.set, 1).ok()["tickets"], json!([]));
    organizer.changes_set(&sale.set, json!({"amount": 999})).refused(409);

    // What is given back meanwhile can be had again once the parts are removed, and is counted all the time.
    sale.agent.cancels_order(&held).ok();
    assert_eq!(organizer.sees_set(&sale.set)["amount_vacant"], 1);
    assert!(server.wait_for(tickets::remove_surplus(&server.app)).unwrap());
    assert_eq!(stored(&server, &sale.set), 1_000, "a step removes a part");
    assert!(!server.wait_for(tickets::remove_surplus(&server.app)).unwrap());
    assert_eq!(sale.agent.orders_of(&sale.set, 1).ok()["tickets"].as_array().unwrap().len(), 1);
    assert_eq!(organizer.sees_set(&sale.set)["amount_vacant"], 0);
    assert_eq!(server.number("select count(*) from sets where surplus > 0"), 0);
}

fn a_large_set_is_removed_at_once_and_its_tickets_in_parts(server: Server) {
    let sale = server.sale(5_000, "100.00");
    let organizer = &sale.organizer;
    let ticket = organizer.sees_tickets(&sale.set)[0].clone();
    let order = sale.agent.orders(json!({"tickets": [id(&ticket)]})).ok();
    organizer.removes_set(&sale.set).refused(409);
    assert_eq!(stored(&server, &sale.set), 5_000, "nothing is changed");
    server.advance(SignedDuration::from_mins(10));
    organizer.removes_set(&sale.set).ok();
    assert_eq!(stored(&server, &sale.set), 3_000);
    let set = organizer.sees_set(&sale.set);
    assert_eq!((&set["removed"], &set["amount_vacant"]), (&json!(true), &json!(0)));
    for ticket in [&ticket, &json!({"id": order["tickets"][0]})] {
        let seen = organizer.get(&format!("{}/tickets/{}", set_path(&sale.set), id(ticket))).ok();
        assert_eq!(seen["status"], "vacant");
    }
    assert_eq!(organizer.sees_tickets(&sale.set), Vec::<Value>::new());
    sale.agent.orders_of(&sale.set, 1).refused(400);
    let order = sale.agent.orders(json!({"event": sale.event, "tickets": [id(&ticket)]})).ok();
    assert_eq!(order["tickets"], json!([]), "it can't be had");
    server.run_jobs();
    assert_eq!(stored(&server, &sale.set), 0);
    assert_eq!(server.number("select cast(sum(taken) as bigint) from set_counters"), 0);
}

fn what_was_taken_away_comes_back_first(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = organizer.makes_set(&event, 6_000, "100.00");
    let numbers = || organizer.sees_tickets(&set).iter().map(|t| t["number"].as_i64().unwrap()).collect::<Vec<_>>();
    let amount = |amount: i64| {
        let set = organizer.changes_set(&set, json!({"amount": amount})).ok();
        assert_eq!((&set["amount"], &set["amount_vacant"]), (&json!(amount), &json!(amount)));
        assert_eq!(numbers(), (1..=amount).collect::<Vec<_>>());
    };
    amount(1_000);
    assert_eq!(stored(&server, &set), 4_000);
    amount(2_500);
    assert_eq!(stored(&server, &set), 4_000, "none is made");
    amount(500);
    assert_eq!(stored(&server, &set), 2_000, "the next part");
    let more = organizer.changes_set(&set, json!({"amount": 2_002})).ok();
    assert_eq!(more["amount_vacant"], 2_002);
    assert_eq!(numbers(), (1..=2_000).chain([6_001, 6_002]).collect::<Vec<_>>());
    server.run_jobs();
    assert_eq!(stored(&server, &set), 2_002);
}

fn nobody_gets_more_than_is_left_while_tickets_are_taken_away(server: Server) {
    let sale = server.sale(6_000, "100.00");
    let (organizer, set) = (&sale.organizer, &sale.set);
    let got = |order: &Value| order["tickets"].as_array().unwrap().len();
    let held: usize = std::thread::scope(|scope| {
        let buyers: Vec<_> = (0..8)
            .map(|buyer| {
                let sale = &sale;
                scope.spawn(move || {
                    let mut held = 0;
                    for number in 0..25 {
                        let order = if (buyer + number) % 2 == 0 {
                            sale.agent.orders_of(set, 3).ok()
                        } else {
                            let order = sale.agent.orders_of(set, 1).ok();
                            sale.agent.changes_order(&order, json!({"random": {id(set): 4}})).ok()
                        };
                        held += got(&order);
                    }
                    held
                })
            })
            .collect();
        for amount in [600, 700, 450] {
            organizer.changes_set(set, json!({"amount": amount})).ok();
        }
        buyers.into_iter().map(|buyer| buyer.join().unwrap()).sum()
    });
    assert_eq!(held, 450, "all that is left, and no more");
    let seen = organizer.sees_set(set);
    assert_eq!((&seen["amount"], &seen["amount_vacant"]), (&json!(450), &json!(0)));
    assert!(stored(&server, set) > 450, "the buyers met what was not removed yet");
    server.run_jobs();
    assert_eq!(stored(&server, set), 450);
    assert_eq!(server.number("select count(*) from tickets where status = 'reserved'"), 450);
}

/// Prints what it measures: a build for development is slower than what is released, so it only bounds what would be a
/// mistake by an order of magnitude (`docs/performance.md` has the figures).
#[expect(clippy::print_stdout, reason = "the figures are what one runs it alone for")]
fn the_largest_set_keeps_nobody_waiting(server: Server) {
    let (organizer, other) = (server.organizer(), server.organizer());
    let (event, elsewhere) = (server.event_of(&organizer), server.event_of(&other));
    let set = other.makes_set(&elsewhere, 1, "100.00");
    let done = AtomicBool::new(false);
    let (took, waits) = std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let mut waits = Vec::new();
            while !done.load(Ordering::SeqCst) {
                let begun = Instant::now();
                other.changes_set(&set, json!({"pos": waits.len() % 100})).ok();
                waits.push(begun.elapsed());
            }
            waits
        });
        let begun = Instant::now();
        let large = organizer.makes_set(&event, 50_000, "100.00");
        let took = begun.elapsed();
        assert_eq!(stored(&server, &large), 50_000);
        let begun = Instant::now();
        organizer.changes_set(&large, json!({"amount": 10_000})).ok();
        organizer.removes_set(&large).ok();
        let answered = begun.elapsed();
        server.run_jobs();
        println!("They are taken away in {answered:?} and removed in {:?}.", begun.elapsed());
        done.store(true, Ordering::SeqCst);
        assert_eq!(stored(&server, &large), 0);
        (took, waits.join().unwrap())
    });
    let longest = waits.iter().max().unwrap();
    println!("50,000 tickets took {took:?}; {} other writes beside, the longest waited {longest:?}", waits.len());
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(*longest < Duration::from_secs(5), "{longest:?}");
}
