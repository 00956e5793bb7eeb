//! Refund requests (`spec/v1.md`, Refund requests; `spec/domain.md`, Refunds).

use std::thread;

use jiff::SignedDuration;
use parterre::domain::id::{OrderId, TicketId};
use parterre::domain::member::MemberRole;
use parterre::domain::order::{Order, OrderStatus};
use parterre::domain::ticket::{Ticket, TicketStatus};
use parterre::store;
use serde_json::{Value, json};

use crate::store::proof::assert_all_is_straight;
use crate::util::{Actor, Answer, Server, Sold, id, ids};

on_both_engines!(
    Server;
    a_request_shows_what_is_asked_for,
    tickets_are_named_by_those_that_go_or_those_that_stay,
    what_a_request_must_hold,
    only_a_done_order_is_refunded,
    an_approved_request_puts_the_tickets_back_on_sale,
    the_last_refund_ends_the_order,
    a_ticket_is_refunded_once_and_sold_again_with_another_barcode,
    everyone_returns_its_part,
    a_rejected_request_changes_nothing,
    an_answered_request_is_not_answered_again,
    of_two_approvals_at_once_one_counts,
    the_culprit_goes_with_the_event,
    after_the_event_only_the_platform_refunds,
    an_organizer_may_reserve_approval_to_itself,
    who_may_ask_and_answer,
    the_list_is_filtered_and_sorted,
    a_code_stays_used,
);

const PATH: &str = "/v1/resources/refund_requests";

fn path(request: &Value) -> String {
    format!("{PATH}/{}", id(request))
}

/// An organizer and its agent, with an accepted deal about an event that has tickets for 1000.00.
struct Scene<'s> {
    server: &'s Server,
    organizer: Actor<'s>,
    agent: Actor<'s>,
    event: String,
    set: String,
}

impl<'s> Scene<'s> {
    fn new(server: &'s Server) -> Self {
        Self::with_terms(server, json!({"org": 91, "extra": 10}))
    }

    fn with_terms(server: &'s Server, term: Value) -> Self {
        let (organizer, agent) = (server.organizer(), server.agent());
        let event = server.event_of(&organizer);
        let deal = organizer.proposes_terms(&event, agent.partner(), term).ok();
        agent.accepts(&deal).ok();
        let set = server.tickets_of(&event, "1000", 10);
        Self { server, organizer, agent, event, set }
    }

    fn sold(&self, count: usize) -> Sold {
        self.server.sold(&self.agent, &self.set, count)
    }

    fn order(&self, sold: &Sold) -> Order {
        let order: OrderId = sold.order.parse().unwrap();
        self.server.write(move |tx| Ok(store::orders::find(tx, order)?)).unwrap()
    }

    fn ticket(&self, ticket: &str) -> Ticket {
        let ticket: TicketId = ticket.parse().unwrap();
        self.server.write(move |tx| Ok(store::tickets::find(tx, ticket)?)).unwrap()
    }

    fn cancels_event(&self) {
        self.organizer.changes_event(&self.event, json!({"status": "cancelled"})).ok();
    }
}

fn asks(who: &Actor<'_>, sold: &Sold, tickets: &[String], culprit: &str) -> Answer {
    who.post(PATH, json!({"order": sold.order, "culprit": culprit, "tickets_refund": tickets}))
}

fn answers(who: &Actor<'_>, request: &Value, status: &str) -> Answer {
    who.patch(&path(request), json!({"status": status}))
}

fn reason(answer: &Answer, status: u16) -> String {
    answer.refused(status);
    answer.json()["errors"][0]["msg"].as_str().unwrap().to_owned()
}

fn a_request_shows_what_is_asked_for(server: Server) {
    let scene = Scene::new(&server);
    let sold = scene.sold(3);
    let answer = asks(&scene.agent, &sold, &sold.tickets[1..], "user");
    assert_eq!(answer.status, 201);
    let request = answer.ok();
    let expected = json!({
        "created_at": "2026-11-21T10:00:00.000000+00:00",
        "culprit": "user",
        "id": id(&request),
        "order": sold.order,
        "org": scene.organizer.partner(),
        "payment_system": parterre::domain::payment::PaymentSystem::Base.id().to_string(),
        "status": "new",
        "tickets": [sold.tickets[0]],
        "tickets_refund": sold.tickets[1..],
        "updated_at": "2026-11-21T10:00:00.000000+00:00",
        "value": "2000.00",
        "vendor": scene.agent.partner(),
    });
    assert_eq!(request, expected);
    assert_eq!(answer.text(), expected.to_string(), "in this order");
    for who in [&scene.agent, &scene.organizer, &server.platform()] {
        assert_eq!(who.get(&path(&request)).ok(), request);
        assert_eq!(who.get(&format!("{PATH}?event={}", scene.event)).list(), std::slice::from_ref(&request));
    }
    assert_eq!(scene.order(&sold).tickets, 3, "nothing happens before it is approved");
}

fn tickets_are_named_by_those_that_go_or_those_that_stay(server: Server) {
    let scene = Scene::new(&server);
    let sold = scene.sold(3);
    let keeping = |keep: &[String]| {
        scene.agent.post(PATH, json!({"order": sold.order, "culprit": "user", "tickets": keep})).ok()["tickets_refund"]
            .clone()
    };
    assert_eq!(keeping(&sold.tickets[..1]), json!(sold.tickets[1..]));
    assert_eq!(keeping(&[]), json!(sold.tickets));
}

fn what_a_request_must_hold(server: Server) {
    let scene = Scene::new(&server);
    let sold = scene.sold(1);
    let other = scene.sold(1);
    let ask = |body: Value| scene.agent.post(PATH, body);
    let order = &sold.order;
    for (body, field) in [
        (json!({"culprit": "user", "tickets": []}), "order"),
        (json!({"order": order, "tickets": []}), "culprit"),
        (json!({"order": order, "culprit": "user"}), "tickets_refund"),
        (json!({"order": order, "culprit": "user", "tickets": null}), "tickets_refund"),
        (json!({"order": order, "culprit": "user", "tickets_refund": null}), "tickets_refund"),
        (json!({"order": order, "culprit": "user", "tickets": [], "tickets_refund": []}), "tickets"),
        (json!({"order": order, "culprit": "agent", "tickets": []}), "culprit"),
        (json!({"order": "x", "culprit": "user", "tickets": []}), "order"),
        (json!({"order": "535fb19bdca6a9d1638f2007", "culprit": "user", "tickets": []}), "order"),
        (json!({"order": order, "culprit": "user", "tickets_refund": ["x"]}), "tickets_refund[0]"),
        (json!({"order": order, "culprit": "user", "tickets_refund": []}), "tickets_refund"),
        (json!({"order": order, "culprit": "user", "tickets_refund": other.tickets}), "tickets_refund"),
        (json!({"order": order, "culprit": "user", "tickets": sold.tickets}), "tickets_refund"),
    ] {
        assert_eq!(ask(body.clone()).refused(400).fields(), [field], "{body}");
    }
    assert_eq!(scene.agent.get(PATH).list(), Vec::<Value>::new());
}

fn only_a_done_order_is_refunded(server: Server) {
    let scene = Scene::new(&server);
    let held = server.held(&scene.agent, &scene.set, 1, &[]);
    let refused = asks(&scene.agent, &held, &held.tickets, "user");
    assert_eq!(reason(&refused, 400), format!("wrong order (id: {}) status: executed", held.order));
}

fn an_approved_request_puts_the_tickets_back_on_sale(server: Server) {
    let scene = Scene::new(&server);
    let sold = scene.sold(3);
    let request = asks(&scene.agent, &sold, &sold.tickets[..2], "user").ok();
    server.advance(SignedDuration::from_secs(60));
    let approved = answers(&scene.agent, &request, "approved").ok();
    assert_eq!(approved["status"], "approved");
    assert_eq!(approved["updated_at"], "2026-11-21T10:01:00.000000+00:00");
    assert_eq!(approved["tickets"], json!([sold.tickets[2]]));
    assert_eq!(approved["tickets_refund"], json!(sold.tickets[..2]), "it keeps showing them");
    for ticket in &sold.tickets[..2] {
        let ticket = scene.ticket(ticket);
        assert_eq!((ticket.status, ticket.order, ticket.barcode), (TicketStatus::Vacant, None, None));
    }
    let order = scene.order(&sold);
    assert_eq!((order.status, order.tickets), (OrderStatus::Done, 1));
    assert_eq!(order.values.full.to_string(), "1100.00");
    assert_all_is_straight(&server);
}

fn the_last_refund_ends_the_order(server: Server) {
    let scene = Scene::new(&server);
    let sold = scene.sold(2);
    for (at, status) in [(0, OrderStatus::Done), (1, OrderStatus::Refunded)] {
        let request = asks(&scene.agent, &sold, &sold.tickets[at..=at], "user").ok();
        answers(&scene.agent, &request, "approved").ok();
        assert_eq!(scene.order(&sold).status, status);
    }
    let order = scene.order(&sold);
    assert_eq!((order.tickets, order.values.full.minor), (0, 0));
    let refused = asks(&scene.agent, &sold, &sold.tickets, "user");
    assert_eq!(reason(&refused, 400), format!("wrong order (id: {}) status: refunded", sold.order));
    assert_all_is_straight(&server);
}

fn a_ticket_is_refunded_once_and_sold_again_with_another_barcode(server: Server) {
    let scene = Scene::new(&server);
    let sold = scene.sold(10);
    let first = asks(&scene.agent, &sold, &sold.tickets[..2], "user").ok();
    let second = asks(&scene.organizer, &sold, &sold.tickets[1..3], "user").ok();
    let barcode = scene.ticket(&sold.tickets[0]).barcode;
    answers(&scene.agent, &first, "approved").ok();
    let refused = answers(&scene.agent, &second, "approved");
    assert_eq!(reason(&refused, 400), "Some tickets already use in another refund request");
    assert_eq!(reason(&asks(&scene.agent, &sold, &sold.tickets[..1], "user"), 400), "bad tickets");

    let again = scene.sold(2);
    assert_eq!(again.tickets, sold.tickets[..2]);
    assert_ne!(scene.ticket(&sold.tickets[0]).barcode, barcode);
    let refused = answers(&scene.agent, &second, "approved");
    assert_eq!(reason(&refused, 400), "Some tickets already use in another refund request");
    assert_all_is_straight(&server);
}

fn everyone_returns_its_part(server: Server) {
    let balance = |who: &Actor<'_>| {
        let balances = who.get(&format!("/v1/resources/balances?partner={}", who.partner())).list();
        let shown = |balance: &Value| {
            format!("owed {} owes {}", balance["owed"].as_str().unwrap(), balance["owes"].as_str().unwrap())
        };
        balances.iter().map(shown).collect::<Vec<_>>().join("; ")
    };
    for (pfc, organizer, agent) in [
        // The agent keeps its surcharge; with pfc it pays the platform, too.
        (false, "owed 0.00 owes 0.00", "owed 0.00 owes 0.00"),
        (true, "owed 0.00 owes 0.00", "owed 0.00 owes 30.00"),
    ] {
        let scene = Scene::with_terms(&server, json!({"org": 91, "extra": 10, "pfc": pfc}));
        let sold = scene.sold(1);
        assert_eq!(balance(&scene.organizer), "owed 910.00 owes 0.00");
        assert_eq!(balance(&scene.agent), "owed 0.00 owes 940.00");
        let request = asks(&scene.agent, &sold, &sold.tickets, "user").ok();
        answers(&scene.agent, &request, "approved").ok();
        assert_eq!(balance(&scene.organizer), organizer, "pfc {pfc}");
        assert_eq!(balance(&scene.agent), agent, "pfc {pfc}");

        let sold = scene.sold(1);
        scene.cancels_event();
        let request = asks(&scene.agent, &sold, &sold.tickets, "org").ok();
        assert_eq!(request["value"], if pfc { "1130.00" } else { "1100.00" });
        answers(&scene.agent, &request, "approved").ok();
        assert_eq!(balance(&scene.organizer), organizer, "pfc {pfc}");
        assert_eq!(balance(&scene.agent), agent, "pfc {pfc}");
    }

    let organizer = server.organizer();
    organizer.has_settings(json!({"extra": "10%"}));
    let event = server.event_of(&organizer);
    let sold = server.sold(&organizer, &server.tickets_of(&event, "1000", 1), 1);
    assert_eq!(balance(&organizer), "owed 0.00 owes 30.00");
    let request = asks(&organizer, &sold, &sold.tickets, "user").ok();
    assert_eq!(request["value"], "1000.00");
    answers(&organizer, &request, "approved").ok();
    assert_eq!(balance(&organizer), "owed 0.00 owes 0.00");
    assert_all_is_straight(&server);
}

fn a_rejected_request_changes_nothing(server: Server) {
    let scene = Scene::new(&server);
    let sold = scene.sold(1);
    let request = asks(&scene.agent, &sold, &sold.tickets, "user").ok();
    let rejected = answers(&scene.organizer, &request, "rejected").ok();
    assert_eq!(rejected["status"], "rejected");
    assert_eq!(scene.ticket(&sold.tickets[0]).status, TicketStatus::Sold);
    assert_eq!(scene.order(&sold).tickets, 1);
    assert_all_is_straight(&server);
    // The tickets may be asked for again.
    let request = asks(&scene.agent, &sold, &sold.tickets, "user").ok();
    answers(&scene.agent, &request, "approved").ok();
}

fn an_answered_request_is_not_answered_again(server: Server) {
    let scene = Scene::new(&server);
    let sold = scene.sold(2);
    let approved = asks(&scene.agent, &sold, &sold.tickets[..1], "user").ok();
    answers(&scene.agent, &approved, "approved").ok();
    let rejected = asks(&scene.agent, &sold, &sold.tickets[1..], "user").ok();
    answers(&scene.agent, &rejected, "rejected").ok();
    for (request, status) in [(&approved, "approved"), (&rejected, "rejected")] {
        let refused = answers(&scene.agent, request, "approved");
        assert_eq!(reason(&refused, 400), format!("RefundRequest in wrong status {status} for approve"));
        let refused = answers(&scene.agent, request, "rejected");
        assert_eq!(reason(&refused, 400), format!("Failed to reject refund request {}", id(request)));
        for other in ["new", "in_progress", "done", ""] {
            assert_eq!(answers(&scene.agent, request, other).refused(400).fields(), ["status"], "{other}");
        }
        assert_eq!(scene.agent.patch(&path(request), json!({})).ok()["status"], status);
    }
}

fn of_two_approvals_at_once_one_counts(server: Server) {
    let scene = Scene::new(&server);
    let sold = scene.sold(4);
    for tickets in sold.tickets.chunks(1) {
        let same = asks(&scene.agent, &sold, tickets, "user").ok();
        let other = asks(&scene.agent, &sold, tickets, "user").ok();
        for pair in [[&same, &same], [&other, &same]] {
            let statuses = thread::scope(|scope| {
                let answers = [(&scene.agent, pair[0]), (&scene.organizer, pair[1])]
                    .map(|(who, request)| scope.spawn(move || answers(who, request, "approved").status));
                answers.map(|answer| answer.join().unwrap())
            });
            let expected: &[[u16; 2]] = if pair == [&same, &same] { &[[200, 400], [400, 200]] } else { &[[400, 400]] };
            assert!(expected.contains(&statuses), "{statuses:?}");
        }
    }
    assert_eq!(scene.order(&sold).status, OrderStatus::Refunded);
    assert_all_is_straight(&server);
}

fn the_culprit_goes_with_the_event(server: Server) {
    let scene = Scene::new(&server);
    let sold = scene.sold(3);
    let platform = server.platform();
    let refused = asks(&scene.agent, &sold, &sold.tickets, "org");
    assert_eq!(reason(&refused, 400), "Only user culprit allowed for non cancelled events");
    assert_eq!(refused.refused(400).fields(), ["culprit"]);
    let of_user = asks(&scene.agent, &sold, &sold.tickets[..1], "user").ok();
    let of_org = asks(&platform, &sold, &sold.tickets[..1], "org").ok();
    let refused = answers(&scene.agent, &of_org, "approved");
    assert_eq!(reason(&refused, 400), "Only user culprit allowed for non cancelled events");
    scene.cancels_event();
    let refused = asks(&scene.organizer, &sold, &sold.tickets[1..], "user");
    assert_eq!(reason(&refused, 400), "Only org culprit allowed for cancelled events");
    let refused = answers(&scene.organizer, &of_user, "approved");
    assert_eq!(reason(&refused, 400), "Only org culprit allowed for cancelled events");
    answers(&scene.agent, &of_org, "approved").ok();
    let of_user = asks(&platform, &sold, &sold.tickets[1..], "user").ok();
    answers(&platform, &of_user, "approved").ok();
    assert_all_is_straight(&server);
}

fn after_the_event_only_the_platform_refunds(server: Server) {
    let scene = Scene::new(&server);
    let sold = scene.sold(2);
    let request = asks(&scene.agent, &sold, &sold.tickets[..1], "user").ok();
    server.advance(SignedDuration::from_hours(8 * 24));
    for who in [&scene.agent, &scene.organizer] {
        let refused = answers(who, &request, "approved");
        assert_eq!(reason(&refused, 400), "Not allowed to approve refund for finished event");
        let refused = asks(who, &sold, &sold.tickets[1..], "user");
        assert_eq!(reason(&refused, 400), "Not allowed to approve refund for finished event");
    }
    answers(&server.platform(), &request, "approved").ok();

    // One that was cancelled is refunded after its end, too.
    let cancelled = Scene::new(&server);
    let sold = cancelled.sold(1);
    cancelled.cancels_event();
    server.advance(SignedDuration::from_hours(8 * 24));
    let request = asks(&cancelled.agent, &sold, &sold.tickets, "org").ok();
    answers(&cancelled.agent, &request, "approved").ok();
    assert_all_is_straight(&server);
}

fn an_organizer_may_reserve_approval_to_itself(server: Server) {
    let scene = Scene::new(&server);
    let sold = scene.sold(3);
    scene.organizer.has_settings(json!({"refund_approval": "organizer"}));
    let request = asks(&scene.agent, &sold, &sold.tickets[..1], "user").ok();
    answers(&scene.agent, &request, "approved").refused(403);
    assert_eq!(scene.agent.get(&path(&request)).ok()["status"], "new");
    answers(&scene.organizer, &request, "approved").ok();
    let request = asks(&scene.agent, &sold, &sold.tickets[1..2], "user").ok();
    answers(&scene.agent, &request, "rejected").ok();
    let request = asks(&scene.agent, &sold, &sold.tickets[2..], "user").ok();
    answers(&server.platform(), &request, "approved").ok();
}

fn who_may_ask_and_answer(server: Server) {
    let scene = Scene::new(&server);
    let sold = scene.sold(3);
    let stranger = server.agent();
    let request = asks(&scene.agent, &sold, &sold.tickets[..1], "user").ok();
    asks(&stranger, &sold, &sold.tickets, "user").refused(403);
    stranger.get(&path(&request)).refused(403);
    answers(&stranger, &request, "approved").refused(403);
    assert_eq!(stranger.get(PATH).list(), Vec::<Value>::new());
    server.platform().get(&format!("{PATH}/535fb19bdca6a9d1638f2007")).refused(404);
    server.platform().patch(&format!("{PATH}/x"), json!({"status": "approved"})).refused(404);

    for of in [&scene.agent, &scene.organizer] {
        let cashier = server.member_of(of.partner(), MemberRole::Cashier);
        let gate = server.member_of(of.partner(), MemberRole::Gate);
        asks(&cashier, &sold, &sold.tickets[1..2], "user").ok();
        cashier.get(&path(&request)).ok();
        answers(&cashier, &request, "approved").refused(403);
        asks(&gate, &sold, &sold.tickets[1..2], "user").refused(403);
        gate.get(&path(&request)).refused(403);
        gate.get(PATH).refused(403);
    }
    answers(&server.member_of(scene.agent.partner(), MemberRole::Manager), &request, "approved").ok();
}

fn the_list_is_filtered_and_sorted(server: Server) {
    let dear = Scene::new(&server);
    let cheap = Scene::new(&server);
    let first = dear.sold(6);
    let second = server.sold(&cheap.agent, &server.tickets_of(&cheap.event, "1500", 1), 1);
    let mut made = Vec::new();
    for (who, sold, tickets) in [
        (&dear.agent, &first, &first.tickets[..3]),
        (&dear.agent, &first, &first.tickets[3..4]),
        (&cheap.agent, &second, &second.tickets[..]),
        (&dear.agent, &first, &first.tickets[4..6]),
    ] {
        made.push(id(&asks(who, sold, tickets, "user").ok()).to_owned());
        server.advance(SignedDuration::from_secs(1));
    }
    let platform = server.platform();
    let found = |query: &str| ids(&platform.get(&format!("{PATH}?{query}")).list());
    let of = |places: &[usize]| places.iter().map(|place| made[*place].clone()).collect::<Vec<_>>();
    // Within a second the order of ids of two events is that of their buckets.
    let by_id = |places: &[usize]| {
        let mut ids = of(places);
        ids.sort();
        ids
    };
    assert_eq!(found(""), by_id(&[0, 1, 2, 3]));
    assert_eq!(found("sort=created_at"), of(&[0, 1, 2, 3]));
    assert_eq!(found("sort=-created_at"), of(&[3, 2, 1, 0]));
    assert_eq!(found("sort=value"), of(&[1, 2, 3, 0]));
    assert_eq!(found("sort=-value"), of(&[0, 3, 2, 1]));
    assert_eq!(found("sort=value&page=2&page_size=2"), of(&[3, 0]));
    assert_eq!(found(&format!("event={}", dear.event)), by_id(&[0, 1, 3]));
    assert_eq!(found(&format!("event={},{}", dear.event, cheap.event)), by_id(&[0, 1, 2, 3]));
    assert_eq!(found(&format!("org={}", cheap.organizer.partner())), of(&[2]));
    assert_eq!(found(&format!("vendor={}&sort=-value", dear.agent.partner())), of(&[0, 3, 1]));
    let page = platform.get(&format!("{PATH}?page=1&page_size=3"));
    assert_eq!(page.header("total"), Some("4"));
    platform.patch(&format!("{PATH}/{}", made[0]), json!({"status": "approved"})).ok();
    platform.patch(&format!("{PATH}/{}", made[1]), json!({"status": "rejected"})).ok();
    assert_eq!(found("status=new"), by_id(&[2, 3]));
    assert_eq!(found("status=approved,rejected"), by_id(&[0, 1]));
    assert_eq!(ids(&dear.organizer.get(&format!("{PATH}?sort=-value")).list()), of(&[0, 3, 1]));
    platform.get(&format!("{PATH}?sort=id")).refused(400);
    platform.get(&format!("{PATH}?status=done")).refused(400);
    platform.get(&format!("{PATH}?event=x")).refused(400);
}

fn a_code_stays_used(server: Server) {
    let scene = Scene::new(&server);
    let codes = format!("/v1/resources/events/{}/promocodes", scene.event);
    let code = scene.organizer.post(&codes, json!({"code": "HALF", "discount": {"percentage": "50%"}})).ok();
    let sold = server.sold_with(&scene.agent, &scene.set, 2, &["half"]);
    let request = asks(&scene.agent, &sold, &sold.tickets[..1], "user").ok();
    assert_eq!(request["value"], "500.00");
    answers(&scene.agent, &request, "approved").ok();
    let code = scene.organizer.get(&format!("{codes}/{}", id(&code))).ok();
    assert_eq!(code["counter"], json!({"held": 0, "used": 2}));
    assert_all_is_straight(&server);
}
