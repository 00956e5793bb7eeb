//! Promocodes: made by organizers, used by who sells (`spec/v1.md` and `spec/v2.md`, Promocodes).

use jiff::SignedDuration;
use parterre::domain::deal::DealStatus;
use parterre::domain::id::PromocodeId;
use parterre::domain::member::MemberRole;
use parterre::domain::order::OrderStatus;
use parterre::store;
use serde_json::{Value, json};

use crate::util::stored::Ordered;
use crate::util::{Actor, Answer, Server, id, ids};

on_both_engines!(
    Server;
    a_promocode_shows_what_it_was_made_of,
    a_discount_is_a_percentage_or_an_amount,
    what_is_wrong_with_a_promocode_is_named,
    the_sets_of_a_promocode_are_the_events,
    a_code_is_unique_among_the_live_ones_of_its_event,
    only_name_and_description_change,
    a_removed_promocode_is_gone,
    the_list_has_pages,
    managers_of_the_organizer_and_the_platform_manage_promocodes,
    a_promocode_belongs_to_its_event,
    the_counter_leaves_out_what_expired_orders_hold,
    of_the_last_uses_one_order_gets_them,
    an_order_that_ends_gives_its_uses_back_and_a_paid_one_uses_them,
    a_check_says_what_a_code_gives,
    a_code_that_gives_nothing_is_not_found,
    who_sells_the_event_checks_its_codes,
    a_wrong_check_has_the_form_of_version_2,
    a_check_is_repeated_as_it_was_answered,
    the_currency_of_an_event_with_an_amount_stays,
);

fn promocodes(event: &str) -> String {
    format!("/v1/resources/events/{event}/promocodes")
}

impl Actor<'_> {
    /// Makes a promocode of an event.
    fn makes_promocode(&self, event: &str, promocode: Value) -> Answer {
        self.post(&promocodes(event), promocode)
    }

    /// A promocode of an event as it is now.
    fn sees_promocode(&self, event: &str, promocode: &Value) -> Value {
        self.get(&format!("{}/{}", promocodes(event), id(promocode))).ok()
    }

    fn checks(&self, event: &str, code: &str) -> Answer {
        self.post("/v2/services/promocodes/check", json!({"event": event, "code": code}))
    }
}

fn a_promocode_shows_what_it_was_made_of(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = server.stored_set(&event, "Stalls", "1000");
    let lifetime = "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE-TIME:20261101T000000Z\r\nDTEND;VALUE=DATE-TIME:20261201T000000Z\r\nEND:VEVENT\r\n";
    let given = json!({
        "amount": 100, "code": " Spring ", "desc": "For friends", "discount": {"percentage": "30%"}, "lifetime": lifetime,
        "name": "Spring sale", "sets": [set], "tickets_count": {"min": 2, "max": 4},
        "counter": {"held": 7, "used": 7}
    });
    let made = organizer.makes_promocode(&event, given).ok();
    let time = "2026-11-21T10:00:00.000000+00:00";
    let expected = json!({
        "amount": 100, "code": "Spring", "counter": {"held": 0, "used": 0}, "created_at": time, "desc": "For friends",
        "discount": {"percentage": "30%"}, "event": event, "id": id(&made), "lifetime": lifetime, "name": "Spring sale",
        "sets": [set], "tickets_count": {"max": 4, "min": 2}, "updated_at": time
    });
    assert_eq!(made, expected);
    let keys: Vec<&String> = made.as_object().unwrap().keys().collect();
    let order: Vec<&String> = expected.as_object().unwrap().keys().collect();
    assert_eq!(keys, order);
    assert_eq!(organizer.sees_promocode(&event, &made), made);
    assert_eq!(organizer.get(&promocodes(&event)).list(), std::slice::from_ref(&made));
    let narrowed =
        format!("{}/{}?fields-schema=code,discount{{percentage}},event{{id}}", promocodes(&event), id(&made));
    let expected = json!({"code": "Spring", "discount": {"percentage": "30%"}, "event": {"id": event}});
    assert_eq!(organizer.get(&narrowed).ok(), expected);

    let least = organizer.makes_promocode(&event, json!({"code": "A", "discount": {"fix": "100"}})).ok();
    let nothing = Value::Null;
    for field in ["amount", "desc", "lifetime", "name"] {
        assert_eq!(least[field], nothing, "{field}");
    }
    assert_eq!((&least["sets"], &least["tickets_count"]), (&json!([]), &json!({"max": null, "min": null})));
}

fn a_discount_is_a_percentage_or_an_amount(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    for (number, (given, shown)) in [
        (json!({"percentage": "30%"}), json!({"percentage": "30%"})),
        (json!({"percentage": "12.50%"}), json!({"percentage": "12.5%"})),
        (json!({"percentage": 5}), json!({"percentage": "5%"})),
        (json!({"percentage": "100%", "fix": null}), json!({"percentage": "100%"})),
        (json!({"fix": "100.00"}), json!({"fix": "100.00"})),
        (json!({"fixed": "0.5"}), json!({"fix": "0.50"})),
        (json!({"fix": "0.5", "fixed": "0.5"}), json!({"fix": "0.50"})),
    ]
    .into_iter()
    .enumerate()
    {
        let promocode = json!({"code": format!("code {number}"), "discount": given});
        assert_eq!(organizer.makes_promocode(&event, promocode).ok()["discount"], shown);
    }
}

fn what_is_wrong_with_a_promocode_is_named(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    for (change, field) in [
        (json!({"code": null}), "code"),
        (json!({"code": " "}), "code"),
        (json!({"code": "a\nb"}), "code"),
        (json!({"code": "x".repeat(65)}), "code"),
        (json!({"discount": null}), "discount"),
        (json!({"discount": "30%"}), "discount"),
        (json!({"discount": {}}), "discount.percentage"),
        (json!({"discount": {"percentage": "101%"}}), "discount.percentage"),
        (json!({"discount": {"percentage": "-1%"}}), "discount.percentage"),
        (json!({"discount": {"fix": "-1"}}), "discount.fix"),
        (json!({"discount": {"fix": "1.001"}}), "discount.fix"),
        (json!({"discount": {"fix": 100}}), "discount.fix"),
        (json!({"discount": {"percentage": "1%", "fix": "1"}}), "discount.fix"),
        (json!({"discount": {"fix": "1", "fixed": "2"}}), "discount.fixed"),
        (json!({"amount": 0}), "amount"),
        (json!({"amount": "1"}), "amount"),
        (json!({"amount": 1.5}), "amount"),
        (json!({"tickets_count": 2}), "tickets_count"),
        (json!({"tickets_count": {"min": 0}}), "tickets_count.min"),
        (json!({"tickets_count": {"max": 0}}), "tickets_count.max"),
        (json!({"tickets_count": {"min": 3, "max": 2}}), "tickets_count.max"),
        (json!({"lifetime": "tomorrow"}), "lifetime"),
        (json!({"sets": "all"}), "sets"),
        (json!({"sets": ["x"]}), "sets[0]"),
        (json!({"name": 5}), "name"),
    ] {
        let mut promocode = json!({"code": "A", "discount": {"percentage": "30%"}});
        promocode.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refusal = organizer.makes_promocode(&event, promocode).refused(400);
        assert_eq!(refusal.fields(), [field], "{change}");
    }
    assert_eq!(organizer.makes_promocode(&event, json!({})).refused(400).fields(), ["code", "discount"]);
    assert_eq!(organizer.get(&promocodes(&event)).list(), [] as [Value; 0]);
}

fn the_sets_of_a_promocode_are_the_events(server: Server) {
    let organizer = server.organizer();
    let (event, other) = (server.event_of(&organizer), server.event_of(&organizer));
    let (own, foreign) = (server.stored_set(&event, "Stalls", "1000"), server.stored_set(&other, "Stalls", "1000"));
    let with = |sets: Value| json!({"code": "A", "discount": {"percentage": "30%"}, "sets": sets});
    let refusal = organizer.makes_promocode(&event, with(json!([own, foreign]))).refused(400);
    assert_eq!(refusal.fields(), ["sets[1]"]);
    organizer.makes_promocode(&event, with(json!(["5357b929f51600525c9e1396"]))).refused(400);
    let made = organizer.makes_promocode(&event, with(json!([own, own]))).ok();
    assert_eq!(made["sets"], json!([own]), "each once");
}

fn a_code_is_unique_among_the_live_ones_of_its_event(server: Server) {
    let organizer = server.organizer();
    let (event, other) = (server.event_of(&organizer), server.event_of(&organizer));
    let code = |code: &str| json!({"code": code, "discount": {"percentage": "30%"}});
    let made = organizer.makes_promocode(&event, code("Весна")).ok();
    for same in ["Весна", "ВЕСНА", " весна "] {
        let refusal = organizer.makes_promocode(&event, code(same)).refused(409);
        assert_eq!(refusal.fields(), ["code"]);
    }
    organizer.makes_promocode(&other, code("весна")).ok();
    organizer.delete(&format!("{}/{}", promocodes(&event), id(&made))).ok();
    organizer.makes_promocode(&event, code("весна")).ok();
}

fn only_name_and_description_change(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let made = server.promocode(&organizer, &event, json!({"code": "A", "discount": {"percentage": "30%"}}));
    let path = format!("{}/{}", promocodes(&event), id(&made));
    server.advance(SignedDuration::from_secs(1));
    let changes = json!({"name": "Sale", "desc": "For all", "code": "B", "discount": {"fix": "1"}, "amount": 1});
    let changed = organizer.patch(&path, changes).ok();
    assert_eq!(changed["name"], "Sale");
    assert_eq!(changed["desc"], "For all");
    assert_ne!(changed["updated_at"], made["updated_at"]);
    for same in ["code", "discount", "amount"] {
        assert_eq!(changed[same], made[same], "{same}");
    }
    assert_eq!(organizer.sees_promocode(&event, &made), changed);
    server.advance(SignedDuration::from_secs(1));
    assert_eq!(organizer.patch(&path, json!({"name": "Sale"})).ok(), changed, "nothing changed");
    assert_eq!(organizer.patch(&path, json!({"name": null})).ok()["name"], Value::Null);
    assert_eq!(organizer.patch(&path, json!({"name": 1})).refused(400).fields(), ["name"]);
}

fn a_removed_promocode_is_gone(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let made = server.promocode(&organizer, &event, json!({"code": "A", "discount": {"percentage": "30%"}}));
    let path = format!("{}/{}", promocodes(&event), id(&made));
    assert_eq!(organizer.delete(&path).ok(), json!({}));
    organizer.get(&path).refused(404);
    organizer.patch(&path, json!({})).refused(404);
    organizer.delete(&path).refused(404);
    assert_eq!(organizer.get(&promocodes(&event)).list(), [] as [Value; 0]);
    assert_eq!(organizer.checks(&event, "A").status, 400);
}

fn the_list_has_pages(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let made: Vec<Value> = (0..5)
        .map(|number| json!({"code": format!("code {number}"), "discount": {"percentage": "30%"}}))
        .map(|promocode| server.promocode(&organizer, &event, promocode))
        .collect();
    assert_eq!(organizer.get(&promocodes(&event)).ids(), ids(&made));
    let page = organizer.get(&format!("{}?page=2&page_size=2", promocodes(&event)));
    assert_eq!((page.ids(), page.header("total")), (ids(&made[2..4]), Some("5")));
}

fn managers_of_the_organizer_and_the_platform_manage_promocodes(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let deal = server.deal(&organizer, &agent, DealStatus::Accepted);
    let event = deal["event"].as_str().unwrap();
    let made = server.promocode(&organizer, event, json!({"code": "A", "discount": {"percentage": "30%"}}));
    let path = format!("{}/{}", promocodes(event), id(&made));
    for may in [&organizer, &server.platform(), &server.member_of(organizer.partner(), MemberRole::Manager)] {
        assert_eq!(may.get(&promocodes(event)).list().len(), 1);
        assert_eq!(may.get(&path).ok()["code"], "A");
        may.patch(&path, json!({"name": "B"})).ok();
    }
    let cashier = server.member_of(organizer.partner(), MemberRole::Cashier);
    for may_not in [&agent, &server.agent(), &cashier] {
        may_not.get(&promocodes(event)).refused(403);
        may_not.get(&path).refused(403);
        may_not.patch(&path, json!({"name": "B"})).refused(403);
        may_not.delete(&path).refused(403);
        may_not.makes_promocode(event, json!({"code": "B", "discount": {"percentage": "30%"}})).refused(403);
    }
}

fn a_promocode_belongs_to_its_event(server: Server) {
    let organizer = server.organizer();
    let (event, other) = (server.event_of(&organizer), server.event_of(&organizer));
    let made = server.promocode(&organizer, &event, json!({"code": "A", "discount": {"percentage": "30%"}}));
    organizer.get(&format!("{}/{}", promocodes(&other), id(&made))).refused(404);
    organizer.delete(&format!("{}/{}", promocodes(&other), id(&made))).refused(404);
    organizer.get(&format!("{}/x", promocodes(&event))).refused(404);
    organizer.get(&promocodes("5357b929f51600525c9e1396")).refused(404);
    organizer.get(&promocodes("x")).refused(404);
    organizer.makes_promocode("x", json!({})).refused(404);
    let removed = server.removed_event(&organizer);
    organizer.makes_promocode(&removed, json!({"code": "A", "discount": {"percentage": "30%"}})).refused(400);
}

/// Lets an order hold some uses of a promocode.
fn hold(server: &Server, order: &str, promocode: &Value, uses: i64) -> bool {
    let promocode: PromocodeId = id(promocode).parse().unwrap();
    let order = order.parse().unwrap();
    server.write(move |tx| {
        let held = store::promocodes::hold(tx, promocode, uses)?;
        if held {
            store::orders::put_promocodes(tx, order, &[(promocode, uses)])?;
        }
        Ok(held)
    })
}

fn the_counter_leaves_out_what_expired_orders_hold(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let made =
        server.promocode(&organizer, &event, json!({"code": "A", "amount": 5, "discount": {"percentage": "30%"}}));
    let order = server.stored_order(&organizer, &event, OrderStatus::Executed, &Ordered::default());
    assert!(hold(&server, &order, &made, 5));
    assert_eq!(organizer.sees_promocode(&event, &made)["counter"], json!({"held": 5, "used": 0}));
    assert_eq!(organizer.checks(&event, "a").status, 400, "no use is left");
    server.advance(SignedDuration::from_mins(10));
    assert_eq!(organizer.sees_promocode(&event, &made)["counter"], json!({"held": 0, "used": 0}));
    assert_eq!(organizer.get(&promocodes(&event)).list()[0]["counter"]["held"], 0);
    organizer.checks(&event, "a").ok();

    // Whoever wants the uses ends the orders that hold them first.
    let promocode: PromocodeId = id(&made).parse().unwrap();
    let holders = server.write(move |tx| Ok(store::promocodes::expired_holders(tx, promocode)?));
    assert_eq!(holders.iter().map(ToString::to_string).collect::<Vec<_>>(), [order]);
}

fn of_the_last_uses_one_order_gets_them(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let made =
        server.promocode(&organizer, &event, json!({"code": "A", "amount": 10, "discount": {"percentage": "30%"}}));
    let orders: Vec<String> =
        (0..8).map(|_| server.stored_order(&organizer, &event, OrderStatus::Executed, &Ordered::default())).collect();
    let held = std::thread::scope(|scope| {
        let holding: Vec<_> = orders.iter().map(|order| scope.spawn(|| hold(&server, order, &made, 3))).collect();
        holding.into_iter().map(|holding| holding.join().unwrap()).filter(|held| *held).count()
    });
    assert_eq!(held, 3);
    assert_eq!(organizer.sees_promocode(&event, &made)["counter"], json!({"held": 9, "used": 0}));
}

fn an_order_that_ends_gives_its_uses_back_and_a_paid_one_uses_them(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let made =
        server.promocode(&organizer, &event, json!({"code": "A", "amount": 10, "discount": {"percentage": "30%"}}));
    let order = server.stored_order(&organizer, &event, OrderStatus::Executed, &Ordered::default());
    assert!(hold(&server, &order, &made, 7));
    let promocode: PromocodeId = id(&made).parse().unwrap();
    server.write(move |tx| Ok(store::promocodes::give_back(tx, promocode, 4)?));
    server.write(move |tx| Ok(store::promocodes::use_held(tx, promocode, 3)?));
    assert_eq!(organizer.sees_promocode(&event, &made)["counter"], json!({"held": 0, "used": 3}));
    assert!(!hold(&server, &order, &made, 8));
    assert!(hold(&server, &order, &made, 7));
    let too_many = server.wait_for(server.app.store.write(move |tx| store::promocodes::give_back(tx, promocode, 8)));
    assert!(too_many.is_err(), "never less than nothing");
}

fn a_check_says_what_a_code_gives(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let deal = server.deal(&organizer, &agent, DealStatus::Accepted);
    let event = deal["event"].as_str().unwrap();
    let set = server.stored_set(event, "Stalls", "1000");
    let lifetime = "BEGIN:VEVENT\r\nDTSTART:20261101T000000Z\r\nDTEND:20261201T123000Z\r\nEND:VEVENT\r\n";
    let promocode = json!({
        "code": "Spring", "discount": {"percentage": "30%"}, "sets": [set], "lifetime": lifetime, "tickets_count": {"min": 2}
    });
    server.promocode(&organizer, event, promocode);
    let answer = agent.checks(event, " sPRING").ok();
    let expected = json!({
        "data": {
            "discount": {"percentage": "30%"},
            "lifetime": {"finish": "2026-12-01 12:30:00", "start": "2026-11-01 00:00:00"},
            "sets": [set],
            "tickets_count": {"min": 2}
        },
        "refs": {
            "events": {}, "partners": {}, "promocodes": {},
            "sets": {&set: {"id": set, "name": "Stalls", "price": "1000.00", "with_seats": false}},
            "venues": {}, "orders": {}, "tickets": {}
        },
        "errors": []
    });
    assert_eq!(answer, expected);
    server.promocode(&organizer, event, json!({"code": "Fix", "discount": {"fix": "100"}}));
    let data = agent.checks(event, "fix").ok()["data"].clone();
    assert_eq!(data, json!({"discount": {"fix": "100.00"}, "sets": [], "tickets_count": {}}));
}

fn a_code_that_gives_nothing_is_not_found(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let lifetime = |from: &str, to: &str| format!("BEGIN:VEVENT\r\nDTSTART:{from}Z\r\nDTEND:{to}Z\r\nEND:VEVENT\r\n");
    let code = |code: &str, lifetime: String| json!({"code": code, "discount": {"fix": "1"}, "lifetime": lifetime});
    server.promocode(&organizer, &event, code("past", lifetime("20261101T000000", "20261121T100000")));
    server.promocode(&organizer, &event, code("now", lifetime("20261121T100000", "20261121T100001")));
    server.promocode(&organizer, &event, code("future", lifetime("20261121T100001", "20261201T000000")));
    organizer.checks(&event, "now").ok();
    for code in ["past", "future", "unknown", "", " ", "a\nb", "a\0b", &"x".repeat(100)] {
        let answer = organizer.checks(&event, code);
        assert_eq!(answer.status, 400, "{code:?}");
        let error = json!({"code": "promocode_not_found", "msg": "Promocode not found"});
        let expected = json!({"error": "HTTPBadRequest", "reason": "Promocode not found", "errors": [error]});
        assert_eq!(answer.json(), expected);
    }
    server.advance(SignedDuration::from_hours(8 * 24));
    organizer.checks(&event, "future").refused_in_v2(400);
}

fn who_sells_the_event_checks_its_codes(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    server.promocode(&organizer, &event, json!({"code": "A", "discount": {"percentage": "30%"}}));
    let (seller, proposed, former) = (server.agent(), server.agent(), server.agent());
    server.deal_about(&event, &organizer, &proposed, DealStatus::New);
    server.deal_about(&event, &organizer, &former, DealStatus::Closed);
    server.deal_about(&event, &organizer, &seller, DealStatus::Accepted);
    let cashier_of = |partner: &Actor<'_>| server.member_of(partner.partner(), MemberRole::Cashier);
    for may in [&organizer, &cashier_of(&organizer), &seller, &cashier_of(&seller), &server.platform()] {
        may.checks(&event, "A").ok();
    }
    let gate = server.member_of(organizer.partner(), MemberRole::Gate);
    for may_not in [&proposed, &former, &server.agent(), &server.organizer(), &gate, &server.newcomer()] {
        may_not.checks(&event, "A").refused_in_v2(403);
    }
    server.nobody().checks(&event, "A").refused_in_v2(401);
}

fn a_wrong_check_has_the_form_of_version_2(server: Server) {
    let organizer = server.organizer();
    let path = "/v2/services/promocodes/check";
    assert_eq!(organizer.post(path, json!({})).refused_in_v2(400), ["event: is required", "code: is required"]);
    organizer.post(path, json!({"event": "x", "code": 5})).refused_in_v2(400);
    let unknown = json!({"event": "5357b929f51600525c9e1396", "code": "A"});
    assert_eq!(organizer.post(path, unknown).refused_in_v2(400), ["event: there is no event with this id"]);
    // Also where no handler is asked.
    assert_eq!(organizer.get(path).refused_in_v2(405), ["this path answers POST, OPTIONS"]);
    organizer.get("/v2/nothing").refused_in_v2(404);
    let not_json = organizer.request("POST", path).header("Accept", "text/html").header("Accept-Encoding", "gzip");
    not_json.send().refused_in_v2(406);
    // fields-schema is of version 1.
    let strict = organizer.saying("Prefer", "handling=strict");
    let event = server.event_of(&organizer);
    server.promocode(&organizer, &event, json!({"code": "A", "discount": {"percentage": "30%"}}));
    strict.checks(&event, "A").ok();
    let narrowed = strict.post(&format!("{path}?fields-schema=discount"), json!({"event": event, "code": "A"}));
    assert_eq!(narrowed.refused_in_v2(400), ["fields-schema: is not known here"]);
}

fn a_check_is_repeated_as_it_was_answered(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let once = organizer.saying("Idempotency-Key", "first");
    let refused = once.checks(&event, "A");
    refused.refused_in_v2(400);
    server.promocode(&organizer, &event, json!({"code": "A", "discount": {"percentage": "30%"}}));
    assert_eq!(once.checks(&event, "A").json(), refused.json());
    let again = organizer.saying("Idempotency-Key", "second");
    assert_eq!(again.checks(&event, "A").ok(), organizer.checks(&event, "A").ok());
}

fn the_currency_of_an_event_with_an_amount_stays(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    server.promocode(&organizer, &event, json!({"code": "A", "discount": {"percentage": "30%"}}));
    organizer.changes_event(&event, json!({"currency": "EUR"})).ok();
    let made = server.promocode(&organizer, &event, json!({"code": "B", "discount": {"fix": "1"}}));
    assert_eq!(organizer.changes_event(&event, json!({"currency": "RUB"})).refused(409).fields(), ["currency"]);
    organizer.delete(&format!("{}/{}", promocodes(&event), id(&made))).ok();
    organizer.changes_event(&event, json!({"currency": "RUB"})).ok();
}
