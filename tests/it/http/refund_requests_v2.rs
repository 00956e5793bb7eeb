//! Refund requests in version 2 (`spec/v2.md`, Refund requests): the same requests as in version 1, with all that they name.

use jiff::SignedDuration;
use parterre::domain::member::MemberRole;
use parterre::domain::time::write_v2;
use serde_json::{Value, json};

use crate::store::proof::assert_all_is_straight;
use crate::util::{Actor, Answer, Sale, Server, Sold, id, ids};

on_both_engines!(
    Server;
    a_request_is_shown_with_all_that_it_names,
    a_refunded_ticket_is_shown_for_ever_at_the_price_it_was_sold_at,
    a_request_made_in_one_version_is_seen_in_the_other,
    what_a_request_must_hold,
    what_is_wrong_is_said_in_the_words_of_version_2,
    the_culprit_goes_with_the_event,
    after_the_event_only_the_platform_refunds,
    what_waits_for_a_payment_system_is_in_progress,
    who_may_ask_and_answer,
    an_organizer_may_reserve_approval_to_itself,
    lists_are_filtered_and_have_pages,
    a_list_takes_as_many_statements_however_many_requests_it_has,
    a_request_is_made_once_under_one_idempotency_key,
);

const PATH: &str = "/v2/resources/refund_requests";
const OLD_PATH: &str = "/v1/resources/refund_requests";
const UNKNOWN: &str = "0123456789abcdef01234567";

fn path(request: &Value) -> String {
    format!("{PATH}/{}", id(request))
}

fn sold(sale: &Sale<'_>, count: usize) -> Sold {
    sale.organizer.server().sold(&sale.agent, id(&sale.set), count)
}

fn asks(who: &Actor<'_>, sold: &Sold, tickets: &[String], culprit: &str) -> Answer {
    who.post(PATH, json!({"order": sold.order, "culprit": culprit, "tickets": tickets}))
}

fn answers(who: &Actor<'_>, request: &Value, status: &str) -> Answer {
    who.patch(&path(request), json!({"status": status}))
}

fn data(answer: &Answer) -> Value {
    answer.ok()["data"].clone()
}

fn names(object: &Value) -> Vec<&String> {
    object.as_object().unwrap().keys().collect()
}

/// The only thing that is wrong.
fn said(answer: &Answer) -> String {
    let mut wrongs = answer.refused_in_v2(400);
    assert_eq!(wrongs.len(), 1, "{wrongs:?}");
    assert_eq!(answer.json()["reason"], json!(wrongs[0]));
    wrongs.remove(0)
}

fn a_request_is_shown_with_all_that_it_names(server: Server) {
    let sale = server.sale(10, "1000");
    let sold = sold(&sale, 3);
    let order = sale.agent.sees_whole(&json!({"id": sold.order}));
    server.advance(SignedDuration::from_secs(90));
    let answer = sale.agent.post(
        PATH,
        json!({
            "order": sold.order, "culprit": "user", "tickets": sold.tickets[1..],
            "requested_at": "2026-11-20T12:30:00.5+03:00",
        }),
    );
    assert_eq!(answer.status, 200);
    let whole = answer.ok();
    let request = &whole["data"];
    let (agent, organizer, set) = (sale.agent.partner(), sale.organizer.partner(), id(&sale.set));
    let expected = json!({
        "data": {
            "created_at": write_v2(server.now()), "culprit": "user", "customer_money": "2000.00", "delta": "2000.00",
            "event": sale.event, "finished_at": null, "id": id(request), "order": sold.order, "org": organizer,
            "policy": "general", "refund_nominal": "2000.00", "requested_at": "2026-11-20 09:30:00", "status": "new",
            "tickets": sold.tickets[1..], "vendor": agent,
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
            "promocodes": {},
            "sets": {set: {"id": set, "name": "Parterre", "price": "1000.00", "with_seats": false}},
            "venues": {},
            "orders": {&sold.order: {
                "code": order["code"], "created_at": order["created_at"], "done_at": order["done_at"],
                "event": sale.event, "id": sold.order, "number": order["number"], "org": organizer,
                "settings": order["settings"], "status": "done", "vendor": agent,
            }},
            // As the order has them.
            "tickets": {&sold.tickets[1]: order["tickets"][1], &sold.tickets[2]: order["tickets"][2]},
        },
        "errors": [],
    });
    assert_eq!(whole, expected);
    assert_eq!(names(request), names(&expected["data"]), "every field, in this order");
    assert_eq!(names(&whole["refs"]["orders"][&sold.order]), names(&expected["refs"]["orders"][&sold.order]));
    for who in [&sale.agent, &sale.organizer, &server.platform()] {
        assert_eq!(who.get(&path(request)).ok(), expected);
    }
    let now = data(&asks(&sale.agent, &sold, &sold.tickets[..1], "user"));
    assert_eq!(now["requested_at"], now["created_at"], "now, unless given");
}

fn a_refunded_ticket_is_shown_for_ever_at_the_price_it_was_sold_at(server: Server) {
    let sale = server.sale(2, "1000");
    server.promocode(&sale.organizer, &sale.event, json!({"code": "TEN", "discount": {"percentage": "10%"}}));
    let first = server.sold_with(&sale.agent, id(&sale.set), 2, &["TEN"]);
    let request = data(&asks(&sale.agent, &first, &first.tickets[..1], "user"));
    server.advance(SignedDuration::from_secs(60));
    let approved = answers(&sale.agent, &request, "approved").ok();
    assert_eq!(approved["data"]["status"], "approved");
    assert_eq!(approved["data"]["finished_at"], write_v2(server.now()));
    assert_eq!(approved["data"]["tickets"], json!([first.tickets[0]]));
    assert_eq!(approved["data"]["customer_money"], "900.00");
    let order = sale.agent.sees_whole(&json!({"id": first.order}));
    assert_eq!((order["tickets"].as_array().unwrap().len(), &order["values"]["full"]), (1, &json!("990.00")));

    sale.organizer.changes_set(&sale.set, json!({"price": "1500"})).ok();
    let second = sold(&sale, 1);
    assert_eq!(second.tickets, first.tickets[..1], "it is sold again");
    let shown = |answer: &Value| {
        let ticket = &answer["refs"]["tickets"][&first.tickets[0]];
        let money = ["price", "discount", "nominal", "extra", "full"].map(|name| ticket[name].as_str().unwrap());
        (money.join(" "), ticket["status"].clone(), ticket["barcode"].clone())
    };
    let was = "1000.00 100.00 900.00 90.00 990.00".to_owned();
    assert_eq!(shown(&approved), (was.clone(), json!("sold"), Value::Null), "as it was sold, whoever has it now");
    let seen = sale.agent.get(&path(&request)).ok();
    assert_eq!(shown(&seen), (was, json!("sold"), Value::Null), "its barcode is another order's");

    // Where several requests name it, it is shown as it was sold last.
    let again = data(&asks(&sale.agent, &second, &second.tickets, "user"));
    let list = sale.agent.get(PATH).ok();
    assert_eq!(ids(list["data"].as_array().unwrap()), [id(&request), id(&again)]);
    let mut both = [&first.order, &second.order];
    both.sort();
    assert_eq!(names(&list["refs"]["orders"]), both);
    assert_eq!(names(&list["refs"]["tickets"]), [&first.tickets[0]], "each once");
    assert_eq!(shown(&list).0, "1500.00 0.00 1500.00 150.00 1650.00");

    // Even when there is no such ticket any more.
    answers(&sale.agent, &again, "approved").ok();
    let rest = data(&asks(&sale.agent, &first, &first.tickets[1..], "user"));
    let ended = answers(&sale.agent, &rest, "approved").ok();
    assert_eq!(ended["refs"]["orders"][&first.order]["status"], "refunded");
    sale.organizer.removes_set(&sale.set).ok();
    assert_eq!(shown(&sale.agent.get(&path(&request)).ok()).0, "1000.00 100.00 900.00 90.00 990.00");
    assert_all_is_straight(&server);
}

fn a_request_made_in_one_version_is_seen_in_the_other(server: Server) {
    let sale = server.sale(10, "1000");
    let sold = sold(&sale, 3);
    let new = data(&asks(&sale.agent, &sold, &sold.tickets[..1], "user"));
    let old_path = format!("{OLD_PATH}/{}", id(&new));
    let old = sale.agent.get(&old_path).ok();
    assert_eq!((&old["tickets_refund"], &old["tickets"]), (&json!(sold.tickets[..1]), &json!(sold.tickets[1..])));
    assert_eq!((&old["value"], &old["status"]), (&new["customer_money"], &json!("new")));
    sale.agent.patch(&old_path, json!({"status": "approved"})).ok();
    assert_eq!(data(&sale.agent.get(&path(&new)))["status"], "approved");

    let body = json!({"order": sold.order, "culprit": "user", "tickets_refund": sold.tickets[1..2]});
    let old = sale.agent.post(OLD_PATH, body).ok();
    let seen = data(&sale.organizer.get(&path(&old)));
    assert_eq!((&seen["tickets"], &seen["refund_nominal"]), (&old["tickets_refund"], &json!("1000.00")));
    assert_eq!(seen["requested_at"], seen["created_at"]);
    answers(&sale.organizer, &old, "rejected").ok();
    assert_eq!(sale.agent.get(&format!("{OLD_PATH}/{}", id(&old))).ok()["status"], "rejected");
    assert_eq!(sale.agent.sees_order(&json!({"id": sold.order}))["tickets"], json!(sold.tickets[1..]));
}

fn what_a_request_must_hold(server: Server) {
    let sale = server.sale(10, "1000");
    let (own, other) = (sold(&sale, 1), sold(&sale, 1));
    let order = &own.order;
    let long = "x".repeat(1_000);
    for (body, words) in [
        (json!({"culprit": "user", "tickets": own.tickets}), "order is required".to_owned()),
        (json!({"order": order, "tickets": own.tickets}), "culprit is required".to_owned()),
        (json!({"order": order, "culprit": "user"}), "tickets is required".to_owned()),
        (
            json!({"order": order, "culprit": "agent", "tickets": own.tickets}),
            "culprit Value 'agent' not in list of avaiable values ['user', 'org']".to_owned(),
        ),
        (
            json!({"order": order, "culprit": 5, "tickets": own.tickets}),
            "culprit Value '5' not in list of avaiable values ['user', 'org']".to_owned(),
        ),
        (
            json!({"order": order, "culprit": long, "tickets": own.tickets}),
            format!("culprit Value '{}' not in list of avaiable values ['user', 'org']", &long[..100]),
        ),
        (json!({"order": UNKNOWN, "culprit": "user", "tickets": own.tickets}), format!("Order {UNKNOWN} not found")),
        (json!({"order": order, "culprit": "user", "tickets": []}), "Empty tickets for refund".to_owned()),
        (json!({"order": order, "culprit": "user", "tickets": null}), "tickets is required".to_owned()),
        (json!({"order": order, "culprit": "user", "tickets": other.tickets}), "bad tickets".to_owned()),
        (json!({"order": order, "culprit": "user", "tickets": [own.tickets[0], UNKNOWN]}), "bad tickets".to_owned()),
    ] {
        assert_eq!(said(&sale.agent.post(PATH, body.clone())), words, "{body}");
    }
    assert_eq!(
        sale.agent.post(PATH, json!({})).refused_in_v2(400),
        ["order is required", "culprit is required", "tickets is required"]
    );
    for (body, field) in [
        (json!({"order": "x", "culprit": "user", "tickets": own.tickets}), "order: "),
        (json!({"order": null, "culprit": "user", "tickets": own.tickets}), "order: "),
        (json!({"order": order, "culprit": "user", "tickets": "x"}), "tickets: "),
        (json!({"order": order, "culprit": "user", "tickets": ["x"]}), "tickets[0]: "),
        (json!({"order": order, "culprit": "user", "tickets": own.tickets, "requested_at": "now"}), "requested_at: "),
        (json!({"order": order, "culprit": "user", "tickets": own.tickets, "requested_at": 5}), "requested_at: "),
    ] {
        let refused = said(&sale.agent.post(PATH, body.clone()));
        assert!(refused.starts_with(field), "{body}: {refused}");
    }
    assert_eq!(sale.agent.get(PATH).ok()["pagination"]["total"], 0);
    let body = json!({"order": order, "culprit": "user", "tickets": own.tickets, "requested_at": null});
    let request = data(&sale.agent.post(PATH, body));
    assert_eq!(request["requested_at"], request["created_at"]);
}

fn what_is_wrong_is_said_in_the_words_of_version_2(server: Server) {
    let sale = server.sale(10, "1000");
    let held = server.held(&sale.agent, id(&sale.set), 1, &[]);
    let wrong = |status: &str| format!("wrong order (id: {}) status: {status}", held.order);
    assert_eq!(said(&asks(&sale.agent, &held, &held.tickets, "user")), wrong("executed"));
    sale.agent.changes_whole(&json!({"id": held.order}), json!({"status": "cancelled"})).ok();
    assert_eq!(said(&asks(&sale.agent, &held, &held.tickets, "user")), wrong("cancelled"));

    let sold = sold(&sale, 3);
    let approved = data(&asks(&sale.agent, &sold, &sold.tickets[..1], "user"));
    let other = data(&asks(&sale.organizer, &sold, &sold.tickets[..2], "user"));
    let rejected = data(&asks(&sale.agent, &sold, &sold.tickets[1..2], "user"));
    for status in ["new", "in_progress", "done", ""] {
        assert_eq!(said(&answers(&sale.agent, &approved, status)), "status: must be approved or rejected");
    }
    assert_eq!(answers(&sale.agent, &approved, "approved").status, 200);
    answers(&sale.agent, &rejected, "rejected").ok();
    assert_eq!(said(&answers(&sale.agent, &other, "approved")), "Some tickets already use in another refund request");
    assert_eq!(said(&asks(&sale.agent, &sold, &sold.tickets[..1], "user")), "bad tickets");
    for (request, status) in [(&approved, "approved"), (&rejected, "rejected")] {
        let refused = said(&answers(&sale.agent, request, "approved"));
        assert_eq!(refused, format!("RefundRequest in wrong status {status} for approve"));
        let refused = said(&answers(&sale.agent, request, "rejected"));
        assert_eq!(refused, format!("Failed to reject refund request {}", id(request)));
        assert_eq!(data(&sale.agent.patch(&path(request), json!({})))["status"], status, "nothing asked, nothing done");
    }
    for unknown in ["x", UNKNOWN] {
        let path = format!("{PATH}/{unknown}");
        sale.agent.get(&path).refused_in_v2(404);
        sale.agent.patch(&path, json!({"status": "approved"})).refused_in_v2(404);
    }
    assert_all_is_straight(&server);
}

fn the_culprit_goes_with_the_event(server: Server) {
    let sale = server.sale(10, "1000");
    let sold = sold(&sale, 3);
    let platform = server.platform();
    let only_user = "Only user culprit allowed for non cancelled events";
    let only_org = "Only org culprit allowed for cancelled events";
    assert_eq!(said(&asks(&sale.agent, &sold, &sold.tickets, "org")), only_user);
    let of_user = data(&asks(&sale.agent, &sold, &sold.tickets[..1], "user"));
    let of_org = data(&asks(&platform, &sold, &sold.tickets[..1], "org"));
    assert_eq!((&of_org["customer_money"], &of_org["refund_nominal"]), (&json!("1100.00"), &json!("1000.00")));
    assert_eq!(said(&answers(&sale.agent, &of_org, "approved")), only_user);
    sale.organizer.changes_event(&sale.event, json!({"status": "cancelled"})).ok();
    assert_eq!(said(&asks(&sale.organizer, &sold, &sold.tickets[1..], "user")), only_org);
    assert_eq!(said(&answers(&sale.organizer, &of_user, "approved")), only_org);
    answers(&sale.agent, &of_org, "approved").ok();
    assert_all_is_straight(&server);
}

fn after_the_event_only_the_platform_refunds(server: Server) {
    let sale = server.sale(10, "1000");
    let sold = sold(&sale, 2);
    let request = data(&asks(&sale.agent, &sold, &sold.tickets[..1], "user"));
    server.advance(SignedDuration::from_hours(8 * 24));
    for who in [&sale.agent, &sale.organizer] {
        let finished = "Not allowed to approve refund for finished event";
        assert_eq!(said(&answers(who, &request, "approved")), finished);
        assert_eq!(said(&asks(who, &sold, &sold.tickets[1..], "user")), finished);
    }
    answers(&server.platform(), &request, "approved").ok();
}

fn what_waits_for_a_payment_system_is_in_progress(server: Server) {
    let sale = server.sale(10, "1000");
    let order = sale.agent.asks_for_payment(&sale.agent.orders_of(&sale.set, 1).ok());
    server.customer_does(&order, "pay");
    let request = sale.agent.post(PATH, json!({"order": id(&order), "culprit": "user", "tickets": order["tickets"]}));
    let request = data(&request);
    let sending = data(&answers(&sale.agent, &request, "approved"));
    assert_eq!((&sending["status"], &sending["finished_at"]), (&json!("in_progress"), &Value::Null));
    assert_eq!(
        said(&answers(&sale.agent, &request, "approved")),
        "RefundRequest in wrong status in_progress for approve"
    );
    assert_eq!(
        said(&answers(&sale.agent, &request, "rejected")),
        format!("Failed to reject refund request {}", id(&request))
    );
    let in_progress =
        |query: &str| sale.agent.get(&format!("{PATH}?status={query}")).ok()["pagination"]["total"].clone();
    assert_eq!((in_progress("in_progress"), in_progress("new")), (json!(1), json!(0)));
    server.run_jobs();
    let done = data(&sale.agent.get(&path(&request)));
    assert_eq!((&done["status"], &done["finished_at"]), (&json!("approved"), &json!(write_v2(server.now()))));
}

fn who_may_ask_and_answer(server: Server) {
    let sale = server.sale(10, "1000");
    let sold = sold(&sale, 4);
    let request = data(&asks(&sale.agent, &sold, &sold.tickets[..1], "user"));
    for stranger in [&server.agent(), &server.organizer()] {
        asks(stranger, &sold, &sold.tickets, "user").refused_in_v2(403);
        stranger.get(&path(&request)).refused_in_v2(403);
        answers(stranger, &request, "approved").refused_in_v2(403);
        assert_eq!(stranger.get(PATH).ok()["pagination"]["total"], 0);
    }
    server.nobody().get(&path(&request)).refused_in_v2(401);
    for of in [&sale.agent, &sale.organizer] {
        let cashier = server.member_of(of.partner(), MemberRole::Cashier);
        let gate = server.member_of(of.partner(), MemberRole::Gate);
        asks(&cashier, &sold, &sold.tickets[1..2], "user").ok();
        cashier.get(&path(&request)).ok();
        answers(&cashier, &request, "approved").refused_in_v2(403);
        asks(&gate, &sold, &sold.tickets[1..2], "user").refused_in_v2(403);
        gate.get(&path(&request)).refused_in_v2(403);
        gate.get(PATH).refused_in_v2(403);
    }
    answers(&server.member_of(sale.agent.partner(), MemberRole::Manager), &request, "approved").ok();
    for (asking, answering, at) in [(&sale.organizer, &sale.organizer, 1), (&server.platform(), &server.platform(), 2)]
    {
        let request = data(&asks(asking, &sold, &sold.tickets[at..=at], "user"));
        assert_eq!(data(&answers(answering, &request, "approved"))["status"], "approved");
    }
    // The barcode is for who may read the order's.
    let rest = asks(&sale.agent, &sold, &sold.tickets[3..], "user").ok();
    assert!(rest["refs"]["tickets"][&sold.tickets[3]]["barcode"].is_string());
    assert_all_is_straight(&server);
}

fn an_organizer_may_reserve_approval_to_itself(server: Server) {
    let sale = server.sale(10, "1000");
    let sold = sold(&sale, 2);
    sale.organizer.has_settings(json!({"refund_approval": "organizer"}));
    let request = data(&asks(&sale.agent, &sold, &sold.tickets[..1], "user"));
    answers(&sale.agent, &request, "approved").refused_in_v2(403);
    answers(&sale.organizer, &request, "approved").ok();
}

fn lists_are_filtered_and_have_pages(server: Server) {
    let (sale, other) = (server.sale(20, "1000"), server.sale(20, "1000"));
    let (own, foreign) = (sold(&sale, 3), sold(&other, 1));
    let mut made = Vec::new();
    for at in 0..3 {
        made.push(data(&asks(&sale.agent, &own, &own.tickets[at..=at], "user")));
        server.advance(SignedDuration::from_secs(60));
    }
    let foreign = data(&asks(&other.agent, &foreign, &foreign.tickets, "user"));
    let finished = [(0, "approved"), (1, "rejected")].map(|(at, status): (usize, _)| {
        server.advance(SignedDuration::from_secs(60));
        data(&answers(&sale.organizer, &made[at], status))["finished_at"].as_str().unwrap().replace(' ', "T")
    });
    let all = [0, 1, 2].map(|at: usize| id(&made[at]).to_owned());
    let listed = |query: &str| {
        let answer = sale.agent.get(&format!("{PATH}?{query}"));
        let body = answer.ok();
        assert_eq!(answer.header("total"), Some(body["pagination"]["total"].to_string().as_str()));
        ids(body["data"].as_array().unwrap())
    };
    let nothing: [String; 0] = [];
    assert_eq!(listed(""), all);
    assert_eq!(listed("status=new"), all[2..]);
    assert_eq!(listed("status=approved,rejected"), all[..2]);
    assert_eq!(listed("status=approved&status=new"), [all[0].clone(), all[2].clone()]);
    assert_eq!(listed("status=in_progress"), nothing);
    assert_eq!(listed(&format!("events={}", sale.event)), all);
    assert_eq!(listed(&format!("events={},{}", sale.event, other.event)), all);
    assert_eq!(listed(&format!("events={}", other.event)), nothing);
    let created = |at: usize| made[at]["created_at"].as_str().unwrap().replace(' ', "T");
    assert_eq!(listed(&format!("created_at={},{}", created(1), created(2))), all[1..]);
    assert_eq!(listed(&format!("created_at=,{}", created(1))), all[..2]);
    assert_eq!(listed(&format!("created_at={}", created(2))), all[2..]);
    assert_eq!(listed(&format!("finished_at={},", finished[0])), all[..2], "an open one has not finished");
    assert_eq!(listed(&format!("finished_at={},{}", finished[1], finished[1])), all[1..2]);
    assert_eq!(listed(&format!("finished_at=,{}", finished[0])), all[..1]);
    assert_eq!(listed("page_size=2"), all[..2]);
    assert_eq!(listed("page_size=2&page=2"), all[2..]);
    assert_eq!(listed("page-size=1&page=3"), all[2..]);
    assert_eq!(listed("page=9"), nothing);
    let page = sale.agent.get(&format!("{PATH}?page_size=2&page=2")).ok();
    assert_eq!(names(&page), ["data", "refs", "pagination", "errors"]);
    assert_eq!(page["pagination"], json!({"page": 2, "page_size": 2, "total": 3}));
    assert_eq!(names(&page["refs"]["tickets"]), [&own.tickets[2]], "only what the page names");
    let usual = sale.agent.get(PATH).ok();
    assert_eq!(usual["pagination"], json!({"page": 1, "page_size": 50, "total": 3}));
    assert_eq!(names(&usual["refs"]["orders"]), [&own.order], "each once");
    for wrong in [
        "page=0",
        "page_size=0",
        "page_size=201",
        "status=done",
        "events=x",
        "created_at=now",
        "finished_at=now",
        "finished_at=,,",
    ] {
        sale.agent.get(&format!("{PATH}?{wrong}")).refused_in_v2(400);
    }
    let seen_by = |who: &Actor<'_>| ids(who.get(PATH).ok()["data"].as_array().unwrap());
    assert_eq!(seen_by(&sale.organizer), all);
    assert_eq!(seen_by(&other.agent), [id(&foreign)]);
    assert_eq!(server.platform().get(PATH).ok()["pagination"]["total"], 4);
    assert_eq!(server.platform().get(&format!("{PATH}?events={}", other.event)).ok()["pagination"]["total"], 1);
}

fn a_list_takes_as_many_statements_however_many_requests_it_has(server: Server) {
    let sale = server.sale(100, "1000");
    for _ in 0..12 {
        let sold = sold(&sale, 2);
        asks(&sale.agent, &sold, &sold.tickets, "user").ok();
    }
    let statements = |size: usize| {
        let path = format!("{PATH}?page_size={size}");
        let (statements, answer) = server.statements_of(|| sale.agent.get(&path).ok());
        assert_eq!(answer["data"].as_array().unwrap().len(), size);
        statements
    };
    statements(1);
    assert_eq!(statements(1), statements(12));
}

fn a_request_is_made_once_under_one_idempotency_key(server: Server) {
    let sale = server.sale(10, "1000");
    let sold = sold(&sale, 2);
    let once = sale.agent.saying("Idempotency-Key", "refund-1");
    let first = asks(&once, &sold, &sold.tickets[..1], "user");
    let again = asks(&once, &sold, &sold.tickets[..1], "user");
    assert_eq!((first.ok(), first.status), (again.ok(), again.status));
    assert_eq!(server.number("select count(*) from refund_requests"), 1);
    asks(&once, &sold, &sold.tickets, "user").refused_in_v2(422);
    let once = sale.agent.saying("Idempotency-Key", "refund-2");
    for _ in 0..2 {
        assert_eq!(said(&asks(&once, &sold, &[], "user")), "Empty tickets for refund");
    }
}
