//! Orders in version 2 (`spec/v2.md`, Orders): the same orders as in version 1, whole and with all that they name.

use jiff::SignedDuration;
use parterre::domain::ticket::is_barcode;
use parterre::domain::time::write_v2;
use serde_json::{Value, json};

use crate::util::{Actor, Answer, ORDERS_V2, Sale, Server, id, ids, sets_path, whole_path};

on_both_engines!(
    Server;
    an_order_is_shown_whole_with_all_that_it_names,
    an_order_goes_to_done_directly,
    an_order_made_in_one_version_is_seen_in_the_other,
    what_is_wrong_is_said_in_the_words_of_version_2,
    a_promocode_that_cannot_be_applied_does_not_fail_the_request,
    other_promocodes_do_not_fail_the_request_of_an_order_that_waits,
    sets_that_are_for_sale_show_what_they_cost_in_the_order,
    vendor_data_is_the_vendors,
    vendor_data_has_bounds,
    tickets_are_mailed_once_the_order_is_done,
    mailing_tickets_needs_an_address,
    a_seat_and_a_venue_are_shown,
    lists_are_filtered_and_have_pages,
    a_list_takes_as_many_statements_however_many_orders_it_has,
    an_order_is_for_its_vendor_the_organizer_and_the_platform,
    an_order_is_made_once_under_one_idempotency_key,
    a_list_is_mailed_as_a_file,
    a_list_is_mailed_as_the_one_who_asked_could_read_it,
    so_many_lists_are_mailed_an_hour,
    settings_may_be_sent_back_as_they_were_read,
    a_set_without_a_price_costs_nothing_in_the_currency_of_its_event,
);

fn of(sale: &Sale<'_>, count: usize) -> Value {
    json!({"event": sale.event, "random": {id(&sale.set): count}})
}

fn data(answer: &Answer) -> Value {
    answer.ok()["data"].clone()
}

fn names(object: &Value) -> Vec<&String> {
    object.as_object().unwrap().keys().collect()
}

fn an_order_is_shown_whole_with_all_that_it_names(server: Server) {
    let sale = server.sale(10, "1000");
    let path = format!("/v1/resources/events/{}/promocodes", sale.event);
    let ten = sale.organizer.post(&path, json!({"code": "Ten", "discount": {"percentage": "10%"}})).ok();
    let set = id(&sale.set);
    let answer = sale.agent.orders_whole(json!({
        "event": sale.event, "random": {set: 2}, "promocodes": ["TEN"],
        "settings": {"customer": {"name": "Anna", "email": "anna@example.com", "phone": "+7 900", "lang": "ru"}},
        "vendor_data": {"order_id": "A-1", "raw": {"till": 7, "note": "window"}},
    }));
    assert_eq!(answer.status, 200);
    let whole = answer.ok();
    let order = &whole["data"];
    let tickets = sale.organizer.sees_tickets(&sale.set);
    let ticket = |at: usize| {
        json!({
            "barcode": null, "discount": "100.00", "extra": "90.00", "full": "990.00", "id": id(&tickets[at]),
            "nominal": "900.00", "number": tickets[at]["number"], "price": "1000.00", "seat": null,
            "serial": tickets[at]["serial"], "set": set, "status": "reserved",
        })
    };
    let (agent, organizer) = (sale.agent.partner(), sale.organizer.partner());
    let expected = json!({
        "data": {
            "code": null, "created_at": write_v2(server.now()), "done_at": null, "event": sale.event,
            "expired_after": write_v2(server.now() + SignedDuration::from_mins(10)), "id": id(order),
            "number": order["number"], "org": organizer, "origin": "api", "promocodes": [id(&ten)],
            "settings": {
                "customer": {"email": "anna@example.com", "lang": "ru", "name": "Anna", "phone": "+7 900"},
                "invitation": false, "send_tickets": false, "subscribe_agree": false,
            },
            "status": "executed", "tickets": [ticket(0), ticket(1)],
            "values": {
                "discount": "200.00", "extra": "180.00", "full": "1980.00", "nominal": "1800.00", "price": "2000.00",
                "sets_values": {set: {
                    "discount": "100.00", "id": set, "nominal": "900.00", "price": "1000.00", "promocode": id(&ten),
                }},
                "viral_promocodes": [],
            },
            "vendor": agent,
            "vendor_data": {"order_id": "A-1", "raw": {"note": "window", "till": 7}},
        },
        "refs": {
            "events": {&sale.event: {
                "age_rating": 0, "id": sale.event,
                "lifetime": {"finish": "2026-11-28 13:00:00", "start": "2026-11-28 10:00:00"},
                "org": organizer, "status": "public", "timezone": "UTC",
                "title": {"text": "Concert", "desc": null}, "venue": null,
            }},
            "partners": {
                agent: {"id": agent, "name": "Agent"},
                organizer: {"id": organizer, "name": "Organizer"},
            },
            "promocodes": {id(&ten): {
                "code": "Ten", "discount": {"percentage": "10%"}, "id": id(&ten), "lifetime": null, "viral": false,
            }},
            "sets": {set: {"id": set, "name": "Parterre", "price": "1000.00", "with_seats": false}},
            "venues": {}, "orders": {}, "tickets": {},
        },
        "errors": [],
    });
    assert_eq!(whole, expected);
    assert_eq!(names(order), names(&expected["data"]), "every field, in this order");
    assert_eq!(sale.agent.get(&whole_path(order)).ok(), expected);
}

fn an_order_goes_to_done_directly(server: Server) {
    let sale = server.sale(10, "1000");
    let order = data(&sale.agent.orders_whole(of(&sale, 2)));
    server.advance(SignedDuration::from_mins(1));
    let done = data(&sale.agent.changes_whole(&order, json!({"status": "done"})));
    assert_eq!((&done["status"], &done["done_at"]), (&json!("done"), &json!(write_v2(server.now()))));
    assert_eq!(done["code"].as_str().unwrap().len(), 8);
    for ticket in done["tickets"].as_array().unwrap() {
        assert!(is_barcode(ticket["barcode"].as_str().unwrap()), "{ticket}");
        assert_eq!(ticket["status"], "sold");
    }
    assert_eq!(server.number("select cast(sum(amount) as bigint) from entries"), 0);
    assert_eq!(server.number("select cast(count(*) as bigint) from entries where kind = 'organizer'"), 1);
    // Or it is given up; then it keeps its list.
    let order = data(&sale.agent.orders_whole(of(&sale, 1)));
    let cancelled = data(&sale.agent.changes_whole(&order, json!({"status": "cancelled"})));
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["tickets"][0]["status"], "vacant");
    assert_eq!(cancelled["tickets"][0]["barcode"], Value::Null);
    assert_eq!(data(&sale.agent.changes_whole(&order, json!({"status": "cancelled"}))), cancelled, "it is so already");
    // The organizer cancels, and does nothing else.
    let order = data(&sale.agent.orders_whole(of(&sale, 1)));
    sale.organizer.changes_whole(&order, json!({"status": "done"})).refused_in_v2(403);
    sale.organizer.changes_whole(&order, json!({"settings": {"customer": {"name": "Anna"}}})).refused_in_v2(403);
    sale.organizer.changes_whole(&order, json!({"status": "cancelled"})).ok();
}

fn an_order_made_in_one_version_is_seen_in_the_other(server: Server) {
    let sale = server.sale(10, "1000");
    let new = data(&sale.agent.orders_whole(json!({
        "event": sale.event, "random": {id(&sale.set): 2},
        "settings": {"customer": {"name": "Anna Ivanova", "phone": "+7 900"}},
    })));
    let old = sale.agent.sees_order(&new);
    assert_eq!(
        (&old["number"], &old["value"], &old["status"]),
        (&new["number"], &json!("2000.00"), &json!("executed"))
    );
    assert_eq!(json!(ids(new["tickets"].as_array().unwrap())), old["tickets"]);
    assert_eq!(
        (&old["customer"]["first_name"], &old["customer"]["mobile"]),
        (&json!("Anna Ivanova"), &json!("+7 900"))
    );
    sale.agent.cancels_order(&new).ok();
    assert_eq!(sale.agent.sees_whole(&new)["status"], "cancelled");

    let old = sale.agent.orders_of(&sale.set, 1).ok();
    sale.agent.changes_order(&old, json!({"customer": {"first_name": "Anna", "last_name": "Ivanova"}})).ok();
    assert_eq!(sale.agent.sees_whole(&old)["settings"]["customer"]["name"], "Anna Ivanova");
    sale.agent.changes_whole(&old, json!({"settings": {"customer": {"name": "Olga"}}})).ok();
    let seen = sale.agent.sees_order(&old);
    assert_eq!((&seen["customer"]["first_name"], &seen["customer"]["last_name"]), (&json!("Olga"), &Value::Null));
    sale.agent.sets_order(&old, "in_progress").ok();
    assert_eq!(sale.agent.sees_whole(&old)["status"], "in_progress");
    sale.agent.changes_whole(&old, json!({"status": "done"})).ok();
    assert_eq!(sale.agent.sees_order(&old)["status"], "done");
}

fn what_is_wrong_is_said_in_the_words_of_version_2(server: Server) {
    let (sale, other) = (server.sale(3, "1000"), server.sale(3, "1000"));
    let unknown = "0123456789abcdef01234567";
    let own = sale.organizer.sees_tickets(&sale.set);
    let foreign = other.organizer.sees_tickets(&other.set);
    let foreign = id(&foreign[0]);
    let said = |answer: Answer| answer.refused_in_v2(400);
    let stranger = format!("ticket (id = {foreign}) does not belong to current event");
    let nowhere = format!("ticket (id = {unknown}) does not belong to current event");
    for (body, words) in [
        (json!({"event": unknown, "random": {id(&sale.set): 1}}), format!("Event {unknown} not found").as_str()),
        (json!({"event": other.event, "random": {id(&other.set): 1}}), "Deal not found"),
        (json!({"event": sale.event, "tickets": [id(&own[0]), foreign]}), &stranger),
        (json!({"event": sale.event, "tickets": [unknown]}), &nowhere),
        (
            json!({"event": sale.event, "tickets": [id(&own[0])], "random": {id(&sale.set): 1}}),
            "Only one of tickets or random can be set",
        ),
        (json!({"event": sale.event}), "'tickets' or 'random' must be"),
        (json!({"event": sale.event, "random": {}}), "'tickets' or 'random' must be"),
        (json!({"event": sale.event, "tickets": []}), "tickets list length is less than 1"),
    ] {
        assert_eq!(said(sale.agent.orders_whole(body)), [words]);
    }
    let order = data(&sale.agent.orders_whole(of(&sale, 1)));
    let both = json!({"tickets": [id(&own[0])], "random": {id(&sale.set): 1}});
    assert_eq!(said(sale.agent.changes_whole(&order, both)), ["Only one of tickets or random can be set"]);
    assert_eq!(said(sale.agent.changes_whole(&order, json!({"tickets": [foreign]}))), [stranger.as_str()]);
    for status in ["in_progress", "expired", "paid"] {
        assert_eq!(
            said(sale.agent.changes_whole(&order, json!({"status": status}))),
            ["status: must be done or cancelled"]
        );
    }
    assert_eq!(sale.agent.sees_whole(&order), order, "nothing is changed");
    let done = json!({"status": "done"});
    sale.agent.changes_whole(&order, json!({"tickets": []})).ok();
    assert_eq!(said(sale.agent.changes_whole(&order, done.clone())), ["there is no tickets in order"]);
    sale.agent.changes_whole(&order, json!({"status": "cancelled"})).ok();
    let incorrect = |status: &str| format!("Incorrect status {status} for this operation");
    assert_eq!(said(sale.agent.changes_whole(&order, done.clone())), [incorrect("cancelled")]);
    assert_eq!(said(sale.agent.changes_whole(&order, json!({"promocodes": []}))), [incorrect("cancelled")]);
    let order = data(&sale.agent.orders_whole(of(&sale, 1)));
    sale.agent.changes_whole(&order, done.clone()).ok();
    assert_eq!(said(sale.agent.changes_whole(&order, done.clone())), [incorrect("done")]);
    let cancel = json!({"status": "cancelled"});
    assert_eq!(said(sale.agent.changes_whole(&order, cancel)), [format!("Order {} is not cancellable", id(&order))]);
    let order = data(&sale.agent.orders_whole(of(&sale, 1)));
    server.advance(SignedDuration::from_mins(10));
    assert_eq!(said(sale.agent.changes_whole(&order, done)), [incorrect("expired")]);
    for path in ["xyz", unknown] {
        let path = format!("{ORDERS_V2}/{path}");
        sale.agent.get(&path).refused_in_v2(404);
        sale.agent.patch(&path, json!({})).refused_in_v2(404);
    }
}

fn a_promocode_that_cannot_be_applied_does_not_fail_the_request(server: Server) {
    let sale = server.sale(10, "1000");
    let balcony = sale.organizer.makes_set(&sale.event, 5, "500");
    for (name, rest) in [
        ("BALCONY", json!({"sets": [id(&balcony)]})),
        ("THREE", json!({"tickets_count": {"min": 3}})),
        ("ONE", json!({"tickets_count": {"max": 1}})),
        ("LAST", json!({"amount": 1})),
        ("GOOD", json!({})),
    ] {
        let mut new = json!({"code": name, "discount": {"percentage": "10%"}});
        new.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        server.promocode(&sale.organizer, &sale.event, new);
    }
    let mut new = of(&sale, 2);
    new["promocodes"] = json!(["good", "BALCONY", "THREE", "ONE", "LAST", "UNKNOWN"]);
    let answer = sale.agent.orders_whole(new).ok();
    let codes: Vec<&Value> = answer["errors"].as_array().unwrap().iter().map(|error| &error["code"]).collect();
    assert_eq!(
        codes,
        [
            "promocode_apply_info",
            "promocode_limit_min_tickets",
            "promocode_apply_info",
            "promocode_already_used",
            "promocode_not_found"
        ]
    );
    for error in answer["errors"].as_array().unwrap() {
        assert_eq!(names(error), ["code", "msg"]);
        assert!(!error["msg"].as_str().unwrap().is_empty());
    }
    let order = &answer["data"];
    assert_eq!((order["promocodes"].as_array().unwrap().len(), &order["values"]["nominal"]), (1, &json!("1800.00")));
    // The rest of the request is done.
    let change = json!({"promocodes": ["UNKNOWN"], "settings": {"customer": {"name": "Anna"}}});
    let answer = sale.agent.changes_whole(order, change).ok();
    assert_eq!(answer["errors"][0]["code"], "promocode_not_found");
    assert_eq!(answer["data"]["settings"]["customer"]["name"], "Anna");
    assert_eq!((&answer["data"]["promocodes"], &answer["data"]["values"]["discount"]), (&json!([]), &json!("0.00")));
}

fn other_promocodes_do_not_fail_the_request_of_an_order_that_waits(server: Server) {
    let sale = server.sale(40, "1000");
    for name in ["TEN", "NINE"] {
        let new = json!({"code": name, "discount": {"percentage": "10%"}});
        server.promocode(&sale.organizer, &sale.event, new);
    }
    let waits = |codes: Value| {
        let order =
            json!({"event": sale.event, "random": {id(&sale.set): 2}, "promocodes": codes, "status": "in_progress"});
        sale.agent.orders(order).ok()
    };
    for (has, given, refused) in [
        (json!([]), json!([]), vec![]),
        (json!(["TEN"]), json!(["ten"]), vec![]),
        (json!([]), json!(["NOPE", "ten"]), vec!["NOPE", "ten"]),
        (json!(["TEN"]), json!(["Nine", "TEN"]), vec!["Nine"]),
        (json!(["TEN"]), json!([]), vec!["TEN"]),
    ] {
        for status in ["in_progress", "done", "cancelled"] {
            let order = waits(has.clone());
            let mut change = json!({"promocodes": given, "settings": {"customer": {"name": "Anna"}}});
            if status != "in_progress" {
                change["status"] = json!(status);
            }
            let answer = sale.agent.changes_whole(&order, change).ok();
            let said: Vec<(&str, &str)> = answer["errors"].as_array().unwrap().iter().map(said).collect();
            let expected: Vec<String> = refused
                .iter()
                .map(|code| format!("{code}: the order waits for its payment: its promocodes can't be changed"))
                .collect();
            let expected: Vec<_> = expected.iter().map(|msg| ("promocode_apply_info", msg.as_str())).collect();
            assert_eq!(said, expected, "{given} of {has}");
            let data = &answer["data"];
            assert_eq!((&data["status"], &data["promocodes"]), (&json!(status), &order["promocodes"]));
            assert_eq!(
                (&data["values"]["full"], &data["settings"]["customer"]["name"]),
                (&order["values"]["full"], &json!("Anna"))
            );
        }
    }
}

/// The code and the sentence of what was not done.
fn said(error: &Value) -> (&str, &str) {
    (error["code"].as_str().unwrap(), error["msg"].as_str().unwrap())
}

fn sets_that_are_for_sale_show_what_they_cost_in_the_order(server: Server) {
    let sale = server.sale(10, "1000");
    let balcony = sale.organizer.makes_set(&sale.event, 5, "500");
    let priceless = json!({"name": "Later", "amount": 5});
    sale.organizer.post(&format!("/v1/resources/events/{}/sets", sale.event), priceless).ok();
    let ten = json!({"code": "TEN", "discount": {"percentage": "10%"}});
    let ten = server.promocode(&sale.organizer, &sale.event, ten);
    let mut new = of(&sale, 1);
    new["promocodes"] = json!(["TEN"]);
    let answer = sale.agent.orders_whole(new).ok();
    let offers = &answer["data"]["values"]["sets_values"];
    assert_eq!(names(offers).len(), 2, "{offers}");
    let expected = json!({
        "discount": "50.00", "id": id(&balcony), "nominal": "450.00", "price": "500.00", "promocode": id(&ten)
    });
    assert_eq!(offers[id(&balcony)], expected);
    assert_eq!(offers[id(&sale.set)]["nominal"], "900.00");
    assert!(answer["refs"]["sets"][id(&balcony)].is_object(), "what is named is in refs");
    // Once nothing is for sale, no set is.
    server.advance(SignedDuration::from_hours(8 * 24));
    let order = sale.agent.sees_whole(&answer["data"]);
    assert_eq!((&order["status"], &order["values"]["sets_values"]), (&json!("expired"), &json!({})));
}

fn vendor_data_is_the_vendors(server: Server) {
    let sale = server.sale(10, "1000");
    let mut new = of(&sale, 1);
    let mut kept = json!({"order_id": "A-1", "raw": {"a": "x", "c": true, "d": null, "e\"": "\"'\n"}});
    kept["raw"]["b"] = serde_json::from_str("1.50").unwrap();
    new["vendor_data"] = kept.clone();
    let order = data(&sale.agent.orders_whole(new));
    assert_eq!(order["vendor_data"], kept);
    assert!(sale.agent.get(&whole_path(&order)).text().contains("1.50"), "kept as given");
    assert_eq!(server.platform().sees_whole(&order)["vendor_data"], kept);
    assert_eq!(sale.organizer.sees_whole(&order)["vendor_data"], Value::Null);
    // It is the vendor's to write.
    let change = json!({"vendor_data": {"order_id": "B"}});
    server.platform().changes_whole(&order, change.clone()).refused_in_v2(403);
    sale.organizer.changes_whole(&order, change.clone()).refused_in_v2(403);
    let changed = data(&sale.agent.changes_whole(&order, change));
    assert_eq!(changed["vendor_data"], json!({"order_id": "B", "raw": {}}));
    assert_eq!(data(&sale.agent.changes_whole(&order, json!({"vendor_data": null})))["vendor_data"], Value::Null);
    // The organizer who sells is its own vendor.
    let own = data(&sale.organizer.orders_whole(json!({
        "event": sale.event, "random": {id(&sale.set): 1}, "vendor_data": {"order_id": "C"}
    })));
    assert_eq!(own["vendor_data"]["order_id"], "C");
    assert_eq!(sale.agent.get(&whole_path(&own)).refused_in_v2(403).len(), 1);
}

fn vendor_data_has_bounds(server: Server) {
    let sale = server.sale(10, "1000");
    let order = data(&sale.agent.orders_whole(of(&sale, 1)));
    let keys = |count: usize| (0..count).map(|key| (key.to_string(), json!(key))).collect::<Value>();
    let long = |count: usize| "ж".repeat(count);
    for fits in [
        json!({"order_id": long(64)}),
        json!({"raw": keys(20)}),
        json!({"raw": {long(40): long(128)}}),
        json!({"raw": null, "order_id": null}),
        json!({}),
    ] {
        sale.agent.changes_whole(&order, json!({"vendor_data": fits})).ok();
    }
    let before = sale.agent.sees_whole(&order);
    for wrong in [
        json!({"order_id": long(65)}),
        json!({"order_id": 5}),
        json!({"raw": keys(21)}),
        json!({"raw": {long(41): 1}}),
        json!({"raw": {"a": long(129)}}),
        json!({"raw": {"a": {}}}),
        json!({"raw": {"a": [1]}}),
        json!({"raw": []}),
        json!("A-1"),
    ] {
        let refused = sale.agent.changes_whole(&order, json!({"vendor_data": wrong})).refused_in_v2(400);
        assert!(refused[0].starts_with("vendor_data"), "{refused:?}");
    }
    assert_eq!(sale.agent.sees_whole(&order), before);
}

fn tickets_are_mailed_once_the_order_is_done(server: Server) {
    let sale = server.sale(10, "1000");
    let mut new = of(&sale, 2);
    new["settings"] = json!({"customer": {"email": "anna@example.com"}, "send_tickets": true});
    let order = data(&sale.agent.orders_whole(new));
    assert_eq!(order["settings"]["send_tickets"], true);
    server.run_jobs();
    assert_eq!(server.letters().len(), 0, "nothing is paid");
    let done = data(&sale.agent.changes_whole(&order, json!({"status": "done"})));
    server.run_jobs();
    server.run_jobs();
    let letters = server.letters();
    assert_eq!(letters.len(), 1);
    let barcodes = done["tickets"].as_array().unwrap().iter().map(|ticket| ticket["barcode"].as_str().unwrap());
    let said = ["To: anna@example.com", "Subject: Tickets: Concert", "28 November 2026, 10:00", "2200.00 RUB", "Agent"];
    for said in said.into_iter().chain(barcodes).chain([done["code"].as_str().unwrap()]) {
        assert!(letters[0].contains(said), "{said}: {}", letters[0]);
    }
    // As version 1 says it; and without an address, or without being asked for, nothing is mailed.
    for (customer, payment, letters) in [
        (json!({"email": "olga@example.com"}), json!({"send_tickets": true}), 2),
        (json!({}), json!({"send_tickets": true}), 2),
        (json!({"email": "olga@example.com"}), json!({}), 2),
    ] {
        let order = sale.agent.orders_of(&sale.set, 1).ok();
        sale.agent.changes_order(&order, json!({"customer": customer, "payment": payment})).ok();
        sale.agent.pays(&order);
        server.run_jobs();
        assert_eq!(server.letters().len(), letters);
    }
}

fn mailing_tickets_needs_an_address(server: Server) {
    let sale = server.sale(10, "1000");
    let mut new = of(&sale, 1);
    let needed = |answer: Answer| {
        let refused = answer.refused_in_v2(400);
        assert!(refused[0].starts_with("settings.customer.email: is required"), "{refused:?}");
    };
    new["settings"] = json!({"send_tickets": true});
    needed(sale.agent.orders_whole(new.clone()));
    new["settings"] = json!({"send_tickets": true, "customer": {"email": "anna@example.com"}});
    let order = data(&sale.agent.orders_whole(new));
    needed(sale.agent.changes_whole(&order, json!({"settings": {"customer": {"email": null}}})));
    needed(sale.agent.changes_whole(&order, json!({"settings": {"customer": null}})));
    sale.agent.changes_whole(&order, json!({"settings": {"customer": null, "send_tickets": false}})).ok();
    needed(sale.agent.changes_whole(&order, json!({"settings": {"send_tickets": true}})));
    // Version 1 does without; such an order may be changed all the same.
    let wish = json!({"event": sale.event, "random": {id(&sale.set): 1}, "payment": {"send_tickets": true}});
    let order = sale.agent.orders(wish).ok();
    sale.agent.changes_whole(&order, json!({"vendor_data": {"order_id": "7"}})).ok();
    needed(sale.agent.changes_whole(&order, json!({"settings": {"customer": {"name": "Anna"}}})));
    assert_eq!(data(&sale.agent.changes_whole(&order, json!({"status": "cancelled"})))["status"], "cancelled");
}

fn a_seat_and_a_venue_are_shown(server: Server) {
    let sale = server.sale(1, "1000");
    let venue = json!({"name": "Opera", "address": "1 Theatre Square", "city": 524_901});
    let venue = sale.organizer.post("/v1/resources/venues", venue).ok();
    let map = sale.organizer.describes_map("Hall");
    sale.organizer.changes_event(&sale.event, json!({"venue": id(&venue), "map": id(&map)})).ok();
    let sector = id(&map["sectors"][1]);
    let seated = json!({"name": "Seats", "sector": sector, "seats": {"1": [[1, 3]]}, "price": "10"});
    let seated = sale.organizer.post(&format!("/v1/resources/events/{}/sets", sale.event), seated).ok();
    let answer = sale.agent.orders_whole(json!({
        "event": sale.event, "random": {id(&seated): 1},
        "settings": {"customer": {"email": "anna@example.com"}, "send_tickets": true},
    }));
    let answer = answer.ok();
    assert_eq!(answer["data"]["tickets"][0]["seat"], json!({"number": "1", "row": "1", "sector": sector}));
    assert_eq!(answer["refs"]["events"][&sale.event]["venue"], id(&venue));
    let shown = &answer["refs"]["venues"][id(&venue)];
    assert_eq!(names(shown), ["address", "city", "country", "desc", "id", "name"]);
    assert_eq!((&shown["city"]["_id"], &shown["country"]["_id"]), (&json!(524_901), &json!("RU")));
    assert_eq!(shown["city"]["timezone"], "Europe/Moscow");
    assert_eq!((&shown["name"], &shown["address"]), (&json!("Opera"), &json!("1 Theatre Square")));
    assert!(answer["refs"]["sets"][id(&seated)]["with_seats"].as_bool().unwrap());
    sale.agent.changes_whole(&answer["data"], json!({"status": "done"})).ok();
    server.run_jobs();
    let letter = server.letters().remove(0);
    for said in ["Opera, 1 Theatre Square", "Parterre, row 1, seat 1"] {
        assert!(letter.contains(said), "{said}: {letter}");
    }
}

fn lists_are_filtered_and_have_pages(server: Server) {
    let sale = server.sale(20, "1000");
    let other = server.sale(20, "1000");
    let first = data(&sale.agent.orders_whole(of(&sale, 1)));
    server.advance(SignedDuration::from_secs(60));
    let mut new = of(&sale, 1);
    new["settings"] = json!({"customer": {"email": "anna@example.com"}});
    let second = data(&sale.agent.orders_whole(new));
    server.advance(SignedDuration::from_secs(60));
    let third = data(&sale.agent.orders_whole(of(&sale, 1)));
    sale.agent.changes_whole(&third, json!({"status": "cancelled"})).ok();
    let foreign = data(&other.agent.orders_whole(of(&other, 1)));
    let all = [&first, &second, &third].map(|order| id(order).to_owned());
    let listed = |query: &str| {
        let answer = sale.agent.get(&format!("{ORDERS_V2}?{query}"));
        let body = answer.ok();
        assert_eq!(answer.header("total"), Some(body["pagination"]["total"].to_string().as_str()));
        ids(body["data"].as_array().unwrap())
    };
    assert_eq!(listed(""), all);
    assert_eq!(listed("status=cancelled"), all[2..]);
    assert_eq!(listed("status=canceled,done"), all[2..]);
    assert_eq!(listed("status=executed&status=cancelled"), all);
    assert_eq!(listed("only_with_customer=true"), all[1..2]);
    assert_eq!(listed("only_with_customer=false"), all);
    assert_eq!(listed(&format!("events={}", sale.event)), all);
    assert_eq!(listed(&format!("events={}", other.event)), [""; 0]);
    let at = |order: &Value| order["created_at"].as_str().unwrap().replace(' ', "T");
    assert_eq!(listed(&format!("created_at={},{}", at(&second), at(&third))), all[1..]);
    assert_eq!(listed(&format!("created_at=,{}", at(&second))), all[..2]);
    assert_eq!(listed("page_size=2"), all[..2]);
    assert_eq!(listed("page_size=2&page=2"), all[2..]);
    assert_eq!(listed("page-size=1&page=3"), all[2..]);
    assert_eq!(listed("page=9"), [""; 0]);
    let page = sale.agent.get(&format!("{ORDERS_V2}?page_size=2&page=2")).ok();
    assert_eq!(names(&page), ["data", "refs", "pagination", "errors"]);
    assert_eq!(page["pagination"], json!({"page": 2, "page_size": 2, "total": 3}));
    let usual = sale.agent.get(ORDERS_V2).ok();
    assert_eq!(usual["pagination"], json!({"page": 1, "page_size": 50, "total": 3}));
    assert_eq!(names(&usual["refs"]["events"]), [&sale.event], "each once");
    for wrong in
        ["page=0", "page_size=0", "page_size=201", "status=paid", "events=x", "created_at=now", "only_with_customer=5"]
    {
        sale.agent.get(&format!("{ORDERS_V2}?{wrong}")).refused_in_v2(400);
    }
    let said = sale.agent.get(&format!("{ORDERS_V2}?status=bogus")).refused_in_v2(400);
    assert!(said[0].contains("must be one of executed, in_progress, done, cancelled, expired, refunded"), "{said:?}");
    assert_eq!(ids(other.agent.get(ORDERS_V2).ok()["data"].as_array().unwrap()), [id(&foreign)]);
    let organizer = sale.organizer.get(ORDERS_V2).ok();
    assert_eq!(ids(organizer["data"].as_array().unwrap()), all);
    let platform = server.platform().get(ORDERS_V2).ok();
    assert_eq!(platform["pagination"]["total"], 4);
}

fn a_list_takes_as_many_statements_however_many_orders_it_has(server: Server) {
    let sale = server.sale(100, "1000");
    server.promocode(&sale.organizer, &sale.event, json!({"code": "TEN", "discount": {"percentage": "10%"}}));
    let mut new = of(&sale, 2);
    new["promocodes"] = json!(["TEN"]);
    for _ in 0..12 {
        sale.agent.orders_whole(new.clone()).ok();
    }
    let statements = |size: usize| {
        let path = format!("{ORDERS_V2}?page_size={size}");
        let (statements, answer) = server.statements_of(|| sale.agent.get(&path).ok());
        assert_eq!(answer["data"].as_array().unwrap().len(), size);
        statements
    };
    statements(1);
    assert_eq!(statements(1), statements(12));
}

fn an_order_is_for_its_vendor_the_organizer_and_the_platform(server: Server) {
    let sale = server.sale(10, "1000");
    let order = data(&sale.agent.orders_whole(of(&sale, 1)));
    let done = data(&sale.agent.changes_whole(&order, json!({"status": "done"})));
    for reader in [&sale.agent, &sale.organizer, &server.platform()] {
        let seen = reader.sees_whole(&order);
        assert_eq!(seen["tickets"][0]["barcode"], done["tickets"][0]["barcode"]);
        assert_eq!(seen["code"], done["code"]);
    }
    for stranger in [&server.agent(), &server.organizer()] {
        stranger.get(&whole_path(&order)).refused_in_v2(403);
        stranger.changes_whole(&order, json!({"status": "cancelled"})).refused_in_v2(403);
        assert_eq!(stranger.get(ORDERS_V2).ok()["pagination"]["total"], 0);
    }
    server.nobody().get(&whole_path(&order)).refused_in_v2(401);
}

fn an_order_is_made_once_under_one_idempotency_key(server: Server) {
    let sale = server.sale(10, "1000");
    let once = sale.agent.saying("Idempotency-Key", "order-1");
    let first = once.orders_whole(of(&sale, 2));
    let again = once.orders_whole(of(&sale, 2));
    assert_eq!((first.ok(), first.status), (again.ok(), again.status));
    assert_eq!(server.number("select count(*) from orders"), 1);
    once.orders_whole(of(&sale, 3)).refused_in_v2(422);
    // A refusal too is answered as it was.
    let once = sale.agent.saying("Idempotency-Key", "order-2");
    let refused = once.orders_whole(json!({"event": sale.event})).refused_in_v2(400);
    assert_eq!(once.orders_whole(json!({"event": sale.event})).refused_in_v2(400), refused);
    let once = sale.agent.saying("Idempotency-Key", "list-1");
    for _ in 0..2 {
        let answer = once.post(&format!("{ORDERS_V2}/export"), json!({"email": "a@example.com"}));
        assert_eq!((answer.status, answer.text()), (200, ""));
    }
    server.run_jobs();
    assert_eq!(server.letters().len(), 1);
}

/// The lines of the file in a letter.
fn file(letter: &str) -> Vec<String> {
    let (_, part) = letter.split_once("orders.csv").unwrap_or_else(|| panic!("no file: {letter}"));
    let (headers, body) = part.split_once("\r\n\r\n").unwrap();
    let body = body.split("\r\n--").next().unwrap();
    assert!(headers.contains("base64"), "{letter}");
    String::from_utf8(from_base64(body)).unwrap().lines().map(str::to_owned).collect()
}

fn from_base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u32> = text.bytes().filter_map(value).map(u32::from).collect();
    let group = |four: &[u32]| {
        let bits = four.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - four.len()));
        bits.to_be_bytes()[1..four.len()].to_vec()
    };
    digits.chunks(4).flat_map(group).collect()
}

fn a_list_is_mailed_as_a_file(server: Server) {
    let sale = server.sale(1_000, "1000");
    let mut new = of(&sale, 2);
    new["settings"] = json!({"customer": {"name": "Anna, the first", "email": "anna@example.com"}});
    let order = data(&sale.agent.orders_whole(new));
    let done = data(&sale.agent.changes_whole(&order, json!({"status": "done"})));
    for _ in 0..3 {
        sale.agent.orders_whole(of(&sale, 1)).ok();
    }
    let export = format!("{ORDERS_V2}/export");
    let answer = sale.agent.post(&export, json!({"email": "box@example.com", "status": ["done"]}));
    assert_eq!((answer.status, answer.text(), answer.header("content-type")), (200, "", None));
    server.run_jobs();
    let letters = server.letters();
    assert!(letters[0].contains("To: box@example.com") && letters[0].contains("Subject: Orders"), "{}", letters[0]);
    let lines = file(&letters[0]);
    // Without its mark, programs for tables would not know the encoding.
    assert!(lines[0].starts_with("\u{feff}id,number,code,status,"), "{lines:?}");
    let line = format!(
        "{},{},{},done,api,{},{},{},Concert,Organizer,Agent,2,2000.00,0.00,2000.00,200.00,2200.00,RUB,,\
         \"Anna, the first\",anna@example.com,",
        id(&order),
        order["number"],
        done["code"].as_str().unwrap(),
        order["created_at"].as_str().unwrap(),
        done["done_at"].as_str().unwrap(),
        sale.event
    );
    assert_eq!(lines[1..], [line]);
    // As a query says it.
    let all = json!({
        "email": "box@example.com", "status": "executed,done", "events": sale.event, "only_with_customer": false,
        "created_at": format!("{},", order["created_at"].as_str().unwrap()),
    });
    sale.agent.post(&export, all).ok_empty();
    server.run_jobs();
    assert_eq!(file(&server.letters()[1]).len(), 5);
    for wrong in [
        json!({}),
        json!({"email": "box"}),
        json!({"email": null}),
        json!({"email": "box@example.com", "status": ["paid"]}),
        json!({"email": "box@example.com", "status": 5}),
        json!({"email": "box@example.com", "events": ["x"]}),
        json!({"email": "box@example.com", "created_at": "now"}),
        json!({"email": "box@example.com", "only_with_customer": 1}),
    ] {
        sale.agent.post(&export, wrong).refused_in_v2(400);
    }
}

fn a_list_is_mailed_as_the_one_who_asked_could_read_it(server: Server) {
    let (sale, other) = (server.sale(10, "1000"), server.sale(10, "1000"));
    sale.agent.orders_whole(of(&sale, 1)).ok();
    other.agent.orders_whole(of(&other, 1)).ok();
    let stranger = server.agent();
    for (asks, orders) in [(&sale.agent, 1), (&other.organizer, 1), (&stranger, 0), (&server.platform(), 2)] {
        asks.post(&format!("{ORDERS_V2}/export"), json!({"email": "box@example.com"})).ok_empty();
        server.run_jobs();
        assert_eq!(file(server.letters().last().unwrap()).len(), 1 + orders);
    }
}

fn so_many_lists_are_mailed_an_hour(server: Server) {
    let server = server.with(|options| options.exports_per_hour = Some(2));
    let (one, other) = (server.agent(), server.organizer());
    let asks = |asks: &Actor<'_>, email: &str| asks.post(&format!("{ORDERS_V2}/export"), json!({"email": email}));
    let too_many = |answer: Answer| {
        answer.refused_in_v2(429);
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3600).contains(&seconds), "{seconds}");
    };
    let repeating = one.saying("Idempotency-Key", "monday");
    for _ in 0..3 {
        asks(&repeating, "a@example.com").ok_empty();
    }
    asks(&one, "b@example.com").ok_empty();
    too_many(asks(&one, "c@example.com"));
    // Whoever asks, one address gets no more.
    asks(&other, "A@example.com").ok_empty();
    too_many(asks(&server.agent(), "a@example.com"));
    server.run_jobs();
    assert_eq!(server.letters().len(), 3);
}

fn settings_may_be_sent_back_as_they_were_read(server: Server) {
    let sale = server.sale(10, "1000");
    let mut new = of(&sale, 1);
    new["customer"] = json!({"first_name": "Anna", "last_name": "Ivanova", "email": "anna@example.com"});
    let order = sale.agent.orders(new).ok();
    let settings = sale.agent.sees_whole(&order)["settings"].clone();
    assert_eq!(settings["customer"]["name"], "Anna Ivanova");
    let names = |order: &Value| {
        let seen = sale.agent.sees_order(order);
        (seen["customer"]["first_name"].clone(), seen["customer"]["last_name"].clone())
    };
    sale.agent.changes_whole(&order, json!({"settings": settings})).ok();
    assert_eq!(names(&order), (json!("Anna"), json!("Ivanova")));
    // Another name is one.
    sale.agent.changes_whole(&order, json!({"settings": {"customer": {"name": "Anna Petrova"}}})).ok();
    assert_eq!(names(&order), (json!("Anna Petrova"), json!(null)));
    sale.agent.changes_whole(&order, json!({"settings": {"customer": {"name": null}}})).ok();
    assert_eq!(names(&order), (json!(null), json!(null)));
}

fn a_set_without_a_price_costs_nothing_in_the_currency_of_its_event(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    organizer.changes_event(&event, json!({"currency": "JPY"})).ok();
    let set = organizer.post(&sets_path(&event), json!({"name": "Parterre", "amount": 1})).ok();
    let code = json!({"code": "A", "discount": {"percentage": "10%"}, "sets": [id(&set)]});
    organizer.post(&format!("/v1/resources/events/{event}/promocodes"), code).ok();
    let check = organizer.post("/v2/services/promocodes/check", json!({"event": event, "code": "A"})).ok();
    assert_eq!(check["refs"]["sets"][id(&set)]["price"], "0");
}
