//! Payments through the payment system for tests: what its customers, its callbacks and its returns of money do to orders.

use std::thread;

use jiff::SignedDuration;
use parterre::app::payments;
use parterre::domain::id::PaymentId;
use parterre::domain::test_payment::Choice;
use parterre::payments::signature::Signed;
use parterre::payments::{SendBack, send_back, test};
use parterre::secret::Secret;
use serde_json::{Value, json};

use crate::util::pay::{FAILURE, SUCCESS};
use crate::util::{Actor, Server, id};

on_both_engines!(
    Server;
    an_order_that_begins_to_wait_is_asked_money_for,
    who_pays_in_time_has_the_order_done_and_goes_on_to_the_shop,
    who_declines_may_still_pay,
    a_callback_that_comes_twice_counts_once,
    money_that_comes_late_is_owed_and_sent_back,
    money_for_a_cancelled_order_is_owed_and_sent_back,
    money_for_tickets_that_another_order_has_taken_is_owed_and_sent_back,
    another_amount_is_refused_and_noted,
    a_callback_that_is_forged_or_old_does_nothing,
    what_a_callback_must_say,
    money_that_comes_a_second_time_is_owed,
    money_of_another_order_is_refused,
    a_payment_that_could_not_be_told_at_once_is_told_by_a_job,
    money_is_sent_back_once_by_several_servers,
    money_is_sent_back_once_also_when_nobody_noted_it,
    what_a_payment_system_refuses_is_tried_again,
    cancelling_and_paying_at_once_loses_neither_the_order_nor_the_money,
    two_callbacks_at_once_count_once,
    a_refund_is_approved_once_the_money_is_sent_back,
    several_refunds_of_one_order_send_back_what_was_paid,
    fewer_tickets_are_asked_less_money_for,
    an_order_that_is_being_paid_stays_as_it_is,
    an_order_that_costs_nothing_is_asked_nothing_for,
    the_payment_system_for_tests_is_for_tests,
    the_page_shows_where_the_payment_stands,
);

/// An order of two tickets at 1000.00, with 10% on top, that waits for its payment.
fn waiting(server: &Server) -> (Actor<'_>, Value) {
    let sale = server.sale(10, "1000.00");
    let order = sale.agent.orders_of(&sale.set, 2).ok();
    let order = sale.agent.asks_for_payment(&order);
    (sale.agent, order)
}

/// What the ledger says of orders: how many entries there are, their sum, what the customers are owed, and what the
/// platform and the organizers are.
fn ledger(server: &Server) -> [i64; 5] {
    [
        server.number("select count(*) from entries"),
        server.number("select cast(coalesce(sum(amount), 0) as bigint) from entries"),
        server.number("select cast(coalesce(sum(amount), 0) as bigint) from entries where account = 'customer'"),
        server.number("select cast(coalesce(sum(amount), 0) as bigint) from entries where account = 'platform'"),
        server.number("select cast(coalesce(sum(amount), 0) as bigint) from entries where kind = 'organizer'"),
    ]
}

/// Of an order that was paid through the platform: it holds 2200.00 of the customer, and is owed 60.00 of it.
const PAID: [i64; 5] = [4, 0, 0, -214_000, 182_000];

fn sent_back(server: &Server) -> [i64; 2] {
    [
        server.number("select count(*) from test_returns"),
        server.number("select cast(coalesce(sum(returned), 0) as bigint) from test_charges"),
    ]
}

fn an_order_that_begins_to_wait_is_asked_money_for(server: Server) {
    let (agent, order) = waiting(&server);
    assert_eq!(order["status"], "in_progress");
    assert_eq!(order["payment"]["system"], "500000007061792d74657374");
    assert_eq!(
        (&order["payment"]["success_url"], &order["payment"]["failure_url"]),
        (&json!(SUCCESS), &json!(FAILURE))
    );
    let [payment] = &server.payments_of(&order)[..] else { panic!() };
    assert_eq!((payment.status.as_str(), payment.amount.to_string()), ("pending", "2200.00".into()));
    assert!(order["payment"]["redirect_url"].as_str().unwrap().ends_with(&format!("/payments/test/{}", payment.id)));
    let page = server.pay_page(&order);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=UTF-8")));
    for shown in ["2200.00", "RUB", &order["number"].to_string(), "Pay", "Decline"] {
        assert!(page.text().contains(shown), "{shown}: {}", page.text());
    }
    let refusal = agent.sets_order(&order, "done").refused(400);
    assert_eq!(refusal.fields(), ["status"]);
    assert_eq!(ledger(&server), [0; 5]);
}

fn who_pays_in_time_has_the_order_done_and_goes_on_to_the_shop(server: Server) {
    let (agent, order) = waiting(&server);
    let answer = server.customer_does(&order, "pay");
    assert_eq!((answer.status, answer.header("location")), (303, Some(SUCCESS)));
    let order = agent.sees_order(&order);
    assert_eq!(order["status"], "done");
    assert_eq!(server.payment_statuses(&order), ["paid"]);
    assert_eq!(ledger(&server), PAID);
    // Whoever goes back and pays again pays nothing.
    assert_eq!(server.customer_does(&order, "pay").header("location"), Some(SUCCESS));
    server.run_jobs();
    assert_eq!(ledger(&server), PAID);
    assert_eq!(sent_back(&server), [0, 0]);
}

fn who_declines_may_still_pay(server: Server) {
    let (agent, order) = waiting(&server);
    let answer = server.customer_does(&order, "decline");
    assert_eq!((answer.status, answer.header("location")), (303, Some(FAILURE)));
    assert_eq!(agent.sees_order(&order)["status"], "in_progress");
    assert_eq!(server.payment_statuses(&order), ["pending"]);
    assert_eq!(server.customer_does(&order, "pay").header("location"), Some(SUCCESS));
    assert_eq!(agent.sees_order(&order)["status"], "done");
}

fn a_callback_that_comes_twice_counts_once(server: Server) {
    let (agent, order) = waiting(&server);
    server.customer_does(&order, "pay_twice");
    assert_eq!(agent.sees_order(&order)["status"], "done");
    let paid = server.payments_of(&order);
    let again = server.paid(&order, paid[0].external_id.as_ref().unwrap());
    for _ in 0..3 {
        assert_eq!(server.calls_back(&again).ok(), json!({"payment": "paid"}));
    }
    assert_eq!(server.payments_of(&order), paid);
    assert_eq!(ledger(&server), PAID);
}

fn money_that_comes_late_is_owed_and_sent_back(server: Server) {
    let (agent, order) = waiting(&server);
    assert_eq!(server.customer_does(&order, "pay_late").header("location"), Some(SUCCESS));
    server.run_jobs();
    assert_eq!(server.payment_statuses(&order), ["pending"]);
    server.advance(SignedDuration::from_mins(21));
    let due = server.wait_for(payments::deliver(&server.app, None)).unwrap();
    assert!(due.any);
    assert_eq!(agent.sees_order(&order)["status"], "expired");
    assert_eq!(server.payment_statuses(&order), ["owed"]);
    assert_eq!(ledger(&server), [2, 0, 220_000, -220_000, 0]);
    server.run_jobs();
    assert_eq!(server.payment_statuses(&order), ["returned"]);
    assert_eq!(ledger(&server), [4, 0, 0, 0, 0]);
    assert_eq!(sent_back(&server), [1, 220_000]);
    assert_eq!(agent.sees_order(&order)["status"], "expired");
    server.advance(SignedDuration::from_hours(48));
    server.run_jobs();
    assert_eq!(sent_back(&server), [1, 220_000]);
}

fn money_for_a_cancelled_order_is_owed_and_sent_back(server: Server) {
    let (agent, order) = waiting(&server);
    agent.cancels_order(&order).ok();
    assert_eq!(server.customer_does(&order, "pay").header("location"), Some(FAILURE));
    assert_eq!(agent.sees_order(&order)["status"], "canceled");
    assert_eq!(server.payment_statuses(&order), ["owed"]);
    server.run_jobs();
    assert_eq!(server.payment_statuses(&order), ["returned"]);
    assert_eq!(ledger(&server), [4, 0, 0, 0, 0]);
    assert!(server.pay_page(&order).text().contains("Sent back"));
}

fn money_for_tickets_that_another_order_has_taken_is_owed_and_sent_back(server: Server) {
    let sale = server.sale(2, "1000.00");
    let late = sale.agent.asks_for_payment(&sale.agent.orders_of(&sale.set, 2).ok());
    server.customer_does(&late, "pay_late");
    server.advance(SignedDuration::from_mins(20));
    let other = sale.agent.asks_for_payment(&sale.agent.orders_of(&sale.set, 2).ok());
    assert_eq!(other["tickets"].as_array().unwrap().len(), 2);
    server.customer_does(&other, "pay");
    server.advance(SignedDuration::from_mins(1));
    server.run_jobs();
    assert_eq!(sale.agent.sees_order(&late)["status"], "expired");
    assert_eq!(sale.agent.sees_order(&other)["status"], "done");
    assert_eq!(server.payment_statuses(&late), ["returned"]);
    assert_eq!(server.payment_statuses(&other), ["paid"]);
    assert_eq!(server.number("select count(*) from tickets where status = 'sold'"), 2);
    assert_eq!(sent_back(&server), [1, 220_000]);
}

fn another_amount_is_refused_and_noted(server: Server) {
    let (agent, order) = waiting(&server);
    let answer = server.customer_does(&order, "other_amount");
    assert_eq!(answer.status, 303);
    assert!(answer.header("location").unwrap().starts_with("/payments/test/"));
    for (field, wrong) in [("amount", "2199.99"), ("amount", "2200.01"), ("amount", "0.00"), ("currency", "EUR")] {
        let mut body = server.paid(&order, "money");
        body[field] = json!(wrong);
        let refusal = server.calls_back(&body).refused(400);
        assert_eq!(refusal.fields(), ["amount"]);
        assert!(refusal.reason.contains("must be 2200.00 RUB"), "{}", refusal.reason);
    }
    assert_eq!(agent.sees_order(&order)["status"], "in_progress");
    assert_eq!(server.payment_statuses(&order), ["pending"]);
    assert_eq!(
        server
            .number("select count(*) from payments where refusal like '%2200.00 RUB, as asked for, not 2200.00 EUR%'"),
        1
    );
    assert_eq!(ledger(&server), [0; 5]);
    assert_eq!(server.calls_back(&server.paid(&order, "money")).ok(), json!({"payment": "paid"}));
    assert_eq!(agent.sees_order(&order)["status"], "done");
}

fn a_callback_that_is_forged_or_old_does_nothing(server: Server) {
    let (agent, order) = waiting(&server);
    server.customer_does(&order, "forge");
    server.customer_does(&order, "replay");
    let body = server.paid(&order, "money").to_string();
    let right = Signed::new(&server.app.secret, body.clone(), server.now());
    let foreign = Secret::from_text("the secret of somebody else altogether", "a test").unwrap();
    let minutes = SignedDuration::from_mins;
    for wrong in [
        Signed { signature: String::new(), ..right.clone() },
        Signed { time: String::new(), ..right.clone() },
        Signed { signature: "0".repeat(64), ..right.clone() },
        Signed { body: body.replace("paid", "declined").into(), ..right.clone() },
        Signed { body: b"{".to_vec(), ..right.clone() },
        Signed::new(&foreign, body.clone(), server.now()),
        Signed::new(&server.app.secret, body.clone(), server.now() - minutes(6)),
        Signed::new(&server.app.secret, body.clone(), server.now() + minutes(6)),
    ] {
        server.calls_back_with(&wrong).refused(403);
    }
    server.nobody().post("/payments/test/callback", server.paid(&order, "money")).refused(403);
    assert_eq!(agent.sees_order(&order)["status"], "in_progress");
    assert_eq!(server.payment_statuses(&order), ["pending"]);
    assert_eq!(server.number("select count(*) from payments where refusal is not null"), 0);
    server.calls_back_with(&right).ok();
    assert_eq!(agent.sees_order(&order)["status"], "done");
}

fn what_a_callback_must_say(server: Server) {
    let (agent, order) = waiting(&server);
    let right = server.paid(&order, "money");
    for (field, wrong) in [
        ("payment", json!("nonsense")),
        ("payment", json!(id(&order))),
        ("external_id", json!("")),
        ("external_id", json!("x".repeat(201))),
        ("external_id", json!("a\u{0}b")),
        ("amount", json!("many")),
        ("amount", json!("2200.001")),
        ("currency", json!("ABC")),
        ("status", json!("maybe")),
    ] {
        let mut body = right.clone();
        body[field] = wrong.clone();
        assert_eq!(server.calls_back(&body).refused(400).fields(), [field], "{field}: {wrong}");
    }
    for body in [json!({}), json!([]), json!(null), json!({"payment": 1})] {
        assert_eq!(server.calls_back(&body).refused(400).fields(), ["body"], "{body}");
    }
    assert_eq!(agent.sees_order(&order)["status"], "in_progress");
    let mut more = right.clone();
    more["fee"] = json!("1.00");
    assert_eq!(server.calls_back(&more).ok(), json!({"payment": "paid"}));
}

fn money_that_comes_a_second_time_is_owed(server: Server) {
    let (agent, order) = waiting(&server);
    assert_eq!(server.calls_back(&server.paid(&order, "first")).ok(), json!({"payment": "paid"}));
    for _ in 0..3 {
        assert_eq!(server.calls_back(&server.paid(&order, "second")).ok(), json!({"payment": "owed"}));
    }
    assert_eq!(agent.sees_order(&order)["status"], "done");
    assert_eq!(server.payment_statuses(&order), ["paid", "owed"]);
    let [count, sum, customers, ..] = ledger(&server);
    assert_eq!((count, sum, customers), (6, 0, 220_000));
    assert_eq!(server.calls_back(&server.paid(&order, "first")).ok(), json!({"payment": "paid"}));
}

fn money_of_another_order_is_refused(server: Server) {
    let sale = server.sale(10, "1000.00");
    let [one, other] = [1, 1].map(|count| sale.agent.asks_for_payment(&sale.agent.orders_of(&sale.set, count).ok()));
    server.calls_back(&server.paid(&one, "money")).ok();
    assert_eq!(server.calls_back(&server.paid(&other, "money")).refused(400).fields(), ["external_id"]);
    assert_eq!(sale.agent.sees_order(&other)["status"], "in_progress");
    assert_eq!(server.payment_statuses(&other), ["pending"]);
}

fn a_payment_that_could_not_be_told_at_once_is_told_by_a_job(server: Server) {
    let (agent, order) = waiting(&server);
    let payment: PaymentId = server.payments_of(&order)[0].id;
    // The customer has paid, and then the server stops.
    server.wait_for(test::choose(&server.app.store, payment, Choice::Pay)).unwrap();
    assert_eq!(agent.sees_order(&order)["status"], "in_progress");
    // Another takes the callback on, and stops before it is sent.
    assert_eq!(server.wait_for(test::claim(&server.app.store, None)).unwrap().len(), 1);
    server.run_jobs();
    assert_eq!(agent.sees_order(&order)["status"], "in_progress");
    server.advance(SignedDuration::from_secs(30));
    server.run_jobs();
    assert_eq!(agent.sees_order(&order)["status"], "done");
    assert_eq!(ledger(&server), PAID);
}

fn money_is_sent_back_once_by_several_servers(server: Server) {
    let (agent, order) = waiting(&server);
    agent.cancels_order(&order).ok();
    server.customer_does(&order, "pay");
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| server.wait_for(payments::send_back(&server.app)).unwrap());
        }
    });
    assert_eq!(server.payment_statuses(&order), ["returned"]);
    assert_eq!(ledger(&server), [4, 0, 0, 0, 0]);
    assert_eq!(sent_back(&server), [1, 220_000]);
}

fn money_is_sent_back_once_also_when_nobody_noted_it(server: Server) {
    let (agent, order) = waiting(&server);
    agent.cancels_order(&order).ok();
    server.customer_does(&order, "pay");
    // The payment system has sent it, and then the server stops.
    let payment = &server.payments_of(&order)[0];
    let return_id = parterre::domain::id::ObjectId::from(payment.id).into();
    let back = SendBack { id: return_id, external_id: payment.external_id.clone().unwrap(), amount: payment.amount };
    server.wait_for(send_back(&server.app.store, payment.system, back)).unwrap();
    assert_eq!(sent_back(&server), [1, 220_000]);
    assert_eq!(server.payment_statuses(&order), ["owed"]);
    server.run_jobs();
    assert_eq!(server.payment_statuses(&order), ["returned"]);
    assert_eq!(sent_back(&server), [1, 220_000]);
    assert_eq!(ledger(&server), [4, 0, 0, 0, 0]);
}

fn what_a_payment_system_refuses_is_tried_again(server: Server) {
    let (_, order) = waiting(&server);
    server.calls_back(&server.paid(&order, "first")).ok();
    server.calls_back(&server.paid(&order, "second")).ok();
    let tries = || server.number("select cast(attempts as bigint) from payment_returns");
    for (minutes, expected) in [(0, 1), (0, 1), (1, 2), (1, 2), (1, 3), (3, 3), (1, 4)] {
        server.advance(SignedDuration::from_mins(minutes));
        server.run_jobs();
        assert_eq!(tries(), expected, "after {minutes} minutes more");
    }
    // The payment system knows of no such money: it stays owed, and is not forgotten.
    assert_eq!(server.payment_statuses(&order), ["paid", "owed"]);
    assert_eq!(sent_back(&server), [0, 0]);
}

fn cancelling_and_paying_at_once_loses_neither_the_order_nor_the_money(server: Server) {
    let sale = server.sale(20, "1000.00");
    for _ in 0..8 {
        let order = sale.agent.asks_for_payment(&sale.agent.orders_of(&sale.set, 1).ok());
        let (paid, cancelled) = thread::scope(|scope| {
            let paid = scope.spawn(|| server.customer_does(&order, "pay"));
            let cancelled = scope.spawn(|| sale.agent.cancels_order(&order));
            (paid.join().unwrap(), cancelled.join().unwrap())
        });
        let status = sale.agent.sees_order(&order)["status"].as_str().unwrap().to_owned();
        let found = (status.as_str(), server.payment_statuses(&order)[0], paid.header("location"), cancelled.status);
        assert!(
            found == ("done", "paid", Some(SUCCESS), 400) || found == ("canceled", "owed", Some(FAILURE), 200),
            "{found:?}"
        );
    }
    server.run_jobs();
    assert_eq!(ledger(&server)[1..3], [0, 0]);
    let (done, back) = (
        server.number("select count(*) from orders where status = 'done'"),
        server.number("select count(*) from test_returns"),
    );
    assert_eq!(done + back, 8);
    assert_eq!(server.number("select count(*) from tickets where status = 'sold'"), done);
}

fn two_callbacks_at_once_count_once(server: Server) {
    let (agent, order) = waiting(&server);
    let body = server.paid(&order, "money");
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(server.calls_back(&body).ok(), json!({"payment": "paid"})));
        }
    });
    assert_eq!(agent.sees_order(&order)["status"], "done");
    assert_eq!(ledger(&server), PAID);
}

fn refund(agent: &Actor<'_>, order: &Value, tickets: &[Value]) -> Value {
    let body = json!({"order": id(order), "culprit": "user", "tickets_refund": tickets});
    agent.post("/v1/resources/refund_requests", body).ok()
}

fn approve(agent: &Actor<'_>, request: &Value) -> Value {
    agent.patch(&format!("/v1/resources/refund_requests/{}", id(request)), json!({"status": "approved"})).ok()
}

fn a_refund_is_approved_once_the_money_is_sent_back(server: Server) {
    let (agent, order) = waiting(&server);
    server.customer_does(&order, "pay");
    let tickets = order["tickets"].as_array().unwrap();
    let request = refund(&agent, &order, tickets);
    // While the payment system is sending it, v1 shows it as new.
    assert_eq!(approve(&agent, &request)["status"], "new");
    assert_eq!(server.number("select count(*) from refund_requests where status = 'in_progress'"), 1);
    assert_eq!(server.number("select count(*) from tickets where status = 'sold'"), 2);
    assert_eq!(sent_back(&server), [0, 0]);
    let path = format!("/v1/resources/refund_requests/{}", id(&request));
    for status in ["approved", "rejected"] {
        agent.patch(&path, json!({"status": status})).refused(400);
    }
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| server.wait_for(payments::send_back(&server.app)).unwrap());
        }
    });
    assert_eq!(agent.get(&path).ok()["status"], "approved");
    assert_eq!(agent.sees_order(&order)["status"], "refunded");
    // The nominals go back; the agent keeps its surcharge, which the platform still holds.
    assert_eq!(sent_back(&server), [1, 200_000]);
    assert_eq!(ledger(&server)[1..3], [0, 0]);
    assert_eq!(server.number("select count(*) from tickets where status = 'sold'"), 0);
    assert_eq!(server.payment_statuses(&order), ["paid"]);
    server.run_jobs();
    assert_eq!(sent_back(&server), [1, 200_000]);
}

fn several_refunds_of_one_order_send_back_what_was_paid(server: Server) {
    let (agent, order) = waiting(&server);
    server.customer_does(&order, "pay");
    for ticket in order["tickets"].as_array().unwrap() {
        let request = refund(&agent, &order, std::slice::from_ref(ticket));
        approve(&agent, &request);
        server.run_jobs();
    }
    assert_eq!(agent.sees_order(&order)["status"], "refunded");
    assert_eq!(sent_back(&server), [2, 200_000]);
    assert_eq!(ledger(&server)[1..3], [0, 0]);
    assert!(server.pay_page(&order).text().contains("2000.00 RUB"));
}

fn fewer_tickets_are_asked_less_money_for(server: Server) {
    let (agent, order) = waiting(&server);
    let one = json!({"tickets": [order["tickets"][0]]});
    agent.changes_order(&order, one).ok();
    assert_eq!(server.payments_of(&order)[0].amount.to_string(), "1100.00");
    assert!(server.pay_page(&order).text().contains("1100.00"));
    server.customer_does(&order, "pay");
    assert_eq!(agent.sees_order(&order)["status"], "done");
    assert_eq!(server.payment_statuses(&order), ["paid"]);
    assert_eq!(ledger(&server)[..2], [4, 0]);
}

fn an_order_that_is_being_paid_stays_as_it_is(server: Server) {
    let (agent, order) = waiting(&server);
    server.customer_does(&order, "pay_late");
    let refusal = agent.changes_order(&order, json!({"tickets": [order["tickets"][0]]})).refused(409);
    assert_eq!(refusal.codes(), ["being_paid"]);
    assert_eq!(agent.sees_order(&order)["tickets"].as_array().unwrap().len(), 2);
    assert_eq!(server.payments_of(&order)[0].amount.to_string(), "2200.00");
}

fn an_order_that_costs_nothing_is_asked_nothing_for(server: Server) {
    let sale = server.sale(10, "0.00");
    let order = sale.agent.asks_for_payment(&sale.agent.orders_of(&sale.set, 1).ok());
    assert_eq!(order["payment"]["redirect_url"], Value::Null);
    assert!(server.payments_of(&order).is_empty());
    assert_eq!(sale.agent.sets_order(&order, "done").ok()["status"], "done");
}

fn the_payment_system_for_tests_is_for_tests(server: Server) {
    let server = server.with(|options| options.test_payments = None);
    let sale = server.sale(10, "1000.00");
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    let by_id = "500000007061792d74657374";
    for system in ["test", by_id] {
        let refusal = sale.agent.changes_order(&order, json!({"payment": {"system": system}})).refused(400);
        assert_eq!(refusal.fields(), ["payment.system"]);
    }
    assert_eq!(sale.agent.sees_order(&order)["payment"]["system"], Value::Null);
}

fn the_page_shows_where_the_payment_stands(server: Server) {
    let sale = server.sale(10, "1000.00");
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    let order = sale.agent.changes_order(&order, json!({"payment": {"system": "test"}, "status": "in_progress"})).ok();
    // Without an address to go to, the page itself says what became of it.
    let path = order["payment"]["redirect_url"].as_str().unwrap().split_once("/payments").unwrap().1.to_owned();
    for (choice, shown) in [("decline", "Pay 1100.00 RUB"), ("pay", "Paid.")] {
        let answer = server.customer_does(&order, choice);
        assert_eq!((answer.status, answer.header("location")), (303, Some(format!("/payments{path}").as_str())));
        assert!(server.pay_page(&order).text().contains(shown), "{choice}");
    }
    assert!(!server.pay_page(&order).text().contains("<form"));

    let (_, over) = waiting(&server);
    server.advance(SignedDuration::from_mins(20));
    assert!(server.pay_page(&over).text().contains("The time to pay is over."));
    assert!(!server.pay_page(&over).text().contains("<form"));
    server.customer_does(&over, "pay");
    assert_eq!(server.payment_statuses(&over), ["pending"]);

    let unknown = format!("/payments/test/{}", id(&order));
    server.nobody().get(&unknown).refused(404);
    server.nobody().get("/payments/test/nonsense").refused(404);
    server.nobody().request("POST", &unknown).body("choice=pay").send().refused(404);
    for body in ["", "choice=", "choice=steal", "other=pay"] {
        let path = format!("/payments/test/{}", server.payments_of(&over)[0].id);
        assert_eq!(
            server.nobody().request("POST", &path).body(body).send().refused(400).fields(),
            ["choice"],
            "{body}"
        );
    }
}
