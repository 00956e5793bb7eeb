//! Many at once: no ticket is sold twice, none is refused while it can be had, no order is half of two changes
//! (`spec/domain.md`, Orders). The server is asked by 64 clients.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use jiff::SignedDuration;
use parterre::app::orders;
use serde_json::{Value, json};

use crate::util::{Answer, Server, id};

on_both_engines!(
    Server;
    of_700_orders_for_500_tickets_500_are_done,
    orders_for_all_or_nothing_get_all_while_there_are_enough,
    named_seats_go_to_one_order_each,
    one_order_is_changed_by_one_request_after_the_other,
    a_payment_and_the_end_of_the_hold_do_not_both_win,
    an_expired_order_is_written_down_once,
    an_event_that_is_cancelled_has_no_live_order,
    of_two_orders_for_the_last_use_of_a_promocode_one_gets_it,
    cancelling_an_event_takes_as_many_statements_however_many_orders_it_has,
    a_cancelled_event_and_changes_of_its_orders_do_not_wait_for_each_other_in_a_circle,
    orders_with_the_same_promocodes_do_not_wait_for_each_other_in_a_circle,
    orders_that_share_tickets_and_a_promocode_do_not_wait_for_each_other_in_a_circle,
);

const CLIENTS: usize = 64;

/// Does something so many times, from 64 clients at once; answers in the order of the numbers it was told.
fn at_once<T: Send>(times: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS.min(times))
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= times {
                            return done;
                        }
                        done.push((number, work(number)));
                    }
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Asks again where the server is too busy, or lost to a simultaneous change.
fn insist(ask: impl Fn() -> Answer) -> Answer {
    for _ in 0..50 {
        let answer = ask();
        if answer.status != 503 {
            return answer;
        }
        thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("the server stays busy");
}

fn tickets(order: &Value) -> Vec<String> {
    order["tickets"].as_array().unwrap().iter().map(|ticket| ticket.as_str().unwrap().to_owned()).collect()
}

fn of_700_orders_for_500_tickets_500_are_done(server: Server) {
    let sale = server.sale(500, "1000");
    let done = at_once(700, |_| {
        let order = insist(|| sale.agent.orders_of(&sale.set, 1)).ok();
        if tickets(&order).is_empty() {
            return None;
        }
        insist(|| sale.agent.sets_order(&order, "in_progress")).ok();
        let done = insist(|| sale.agent.sets_order(&order, "done")).ok();
        assert_eq!(done["status"], "done");
        Some(tickets(&done))
    });
    let sold: Vec<String> = done.iter().flatten().flatten().cloned().collect();
    assert_eq!(done.iter().flatten().count(), 500);
    assert_eq!((sold.len(), sold.iter().collect::<BTreeSet<_>>().len()), (500, 500), "no ticket twice");
    assert_eq!(sale.organizer.sees_set(&sale.set)["amount_vacant"], 0);
    assert_eq!(server.number("select cast(sum(taken) as bigint) from set_counters"), 500);
    assert_eq!(server.number("select count(*) from tickets where status = 'sold' and barcode is not null"), 500);
    assert_eq!(server.number("select count(distinct barcode) from tickets where barcode is not null"), 500);
    assert_eq!(server.number("select cast(sum(amount) as bigint) from entries"), 0, "the ledger is even");
    assert_eq!(server.number("select count(*) from orders where status = 'done'"), 500);
}

fn orders_for_all_or_nothing_get_all_while_there_are_enough(server: Server) {
    let sale = server.sale(200, "1000");
    let got = at_once(90, |number| {
        let wanted = number % 6 + 1;
        let wish = json!({
            "event": sale.event, "random": {id(&sale.set): wanted}, "all_or_nothing": true
        });
        let order = insist(|| sale.agent.orders(wish.clone())).ok();
        (wanted, tickets(&order))
    });
    let taken: Vec<&String> = got.iter().flat_map(|(_, tickets)| tickets).collect();
    assert_eq!(taken.len(), taken.iter().collect::<BTreeSet<_>>().len());
    let left = 200 - taken.len();
    for (wanted, tickets) in &got {
        assert!(tickets.is_empty() || tickets.len() == *wanted, "all or nothing: {wanted}, not {}", tickets.len());
        assert!(!tickets.is_empty() || *wanted > left, "{wanted} were refused, and {left} are left");
    }
    assert_eq!(sale.organizer.sees_set(&sale.set)["amount_vacant"], left);
}

fn named_seats_go_to_one_order_each(server: Server) {
    let sale = server.sale(20, "1000");
    let all: Vec<String> = sale.organizer.sees_tickets(&sale.set).iter().map(|ticket| id(ticket).to_owned()).collect();
    // Each wants five, in another sequence, so that they would wait for each other in circles if they could.
    let got = at_once(64, |number| {
        let mut wish: Vec<&String> = (0..5).map(|step| &all[(number * 3 + step * 7) % 20]).collect();
        if number % 2 == 0 {
            wish.reverse();
        }
        tickets(&insist(|| sale.agent.orders(json!({"tickets": wish}))).ok())
    });
    let taken: Vec<&String> = got.iter().flatten().collect();
    assert_eq!(taken.len(), taken.iter().collect::<BTreeSet<_>>().len());
    assert_eq!(sale.organizer.sees_set(&sale.set)["amount_vacant"], 20 - taken.len());
}

fn one_order_is_changed_by_one_request_after_the_other(server: Server) {
    let sale = server.sale(100, "1000");
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    let answers = at_once(96, |number| {
        insist(|| match number % 3 {
            0 => {
                let name = format!("Name {number}");
                let customer = json!({"first_name": name, "last_name": name, "lang": number.to_string()});
                sale.agent.changes_order(&order, json!({"customer": customer}))
            }
            1 => sale.agent.changes_order(&order, json!({"random": {id(&sale.set): number % 7 + 1}})),
            _ if number == 95 => sale.agent.sets_order(&order, "in_progress"),
            _ => {
                let mut wish = tickets(&sale.agent.sees_order(&order));
                wish.truncate(1);
                sale.agent.changes_order(&order, json!({"tickets": wish}))
            }
        })
    });
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 400 | 409), "{} {}", answer.status, answer.text());
        if answer.status == 200 {
            whole(&answer.ok());
        }
    }
    let order = sale.agent.sees_order(&order);
    whole(&order);
    assert_eq!(order["status"], "in_progress");
    let held = tickets(&order).len();
    assert_eq!(sale.organizer.sees_set(&sale.set)["amount_vacant"], 100 - held);
    assert_eq!(server.number("select count(*) from tickets where status = 'reserved'"), held as i64);
    let version = server.number("select version from orders");
    assert!(version > 1);
}

/// That an order is one state: its sums are those of its tickets, and its customer is of one request.
fn whole(order: &Value) {
    let count = tickets(order).len();
    assert_eq!(order["value"], format!("{}.00", 1_000 * count), "{order}");
    assert_eq!(order["values"]["full"], format!("{}.00", 1_100 * count), "{order}");
    assert_eq!(order["rules"].as_object().unwrap().len(), usize::from(count > 0));
    let customer = &order["customer"];
    assert_eq!(customer["first_name"], customer["last_name"]);
    if let Some(number) = customer["lang"].as_str() {
        assert_eq!(customer["first_name"], format!("Name {number}"));
    }
}

fn a_payment_and_the_end_of_the_hold_do_not_both_win(server: Server) {
    let sale = server.sale(30, "1000");
    let other = server.agent();
    let deal = other.proposes(&sale.event, sale.organizer.partner()).ok();
    sale.organizer.accepts(&deal).ok();
    let orders: Vec<Value> = (0..30)
        .map(|_| {
            let order = sale.agent.orders_of(&sale.set, 1).ok();
            sale.agent.sets_order(&order, "in_progress").ok()
        })
        .collect();
    // Just before the end; it comes while the payments do.
    server.advance(SignedDuration::from_hours(12) - SignedDuration::from_secs(1));
    let outcomes = at_once(90, |number| {
        let order = &orders[number / 3];
        match number % 3 {
            0 => {
                if number == 45 {
                    server.advance(SignedDuration::from_secs(1));
                }
                let answer = insist(|| sale.agent.sets_order(order, "done"));
                assert!(matches!(answer.status, 200 | 400 | 409), "{}", answer.text());
                ("paid", answer.status == 200, Vec::new())
            }
            1 => {
                let order = insist(|| other.orders_of(&sale.set, 1)).ok();
                ("taken", !tickets(&order).is_empty(), tickets(&order))
            }
            _ => {
                let id = id(order).parse().unwrap();
                server.write(move |tx| orders::expire(tx, id));
                ("expired", true, Vec::new())
            }
        }
    });
    let paid: BTreeSet<usize> = (0..30).filter(|at| outcomes[at * 3].1).collect();
    let mut holders: BTreeMap<String, usize> = BTreeMap::new();
    for (at, order) in orders.iter().enumerate() {
        let seen = sale.agent.sees_order(order);
        assert_eq!(seen["status"], if paid.contains(&at) { "done" } else { "expired" });
        if paid.contains(&at) {
            *holders.entry(tickets(order).remove(0)).or_default() += 1;
        }
    }
    for (what, _, taken) in &outcomes {
        if *what == "taken" {
            taken.iter().for_each(|ticket| *holders.entry(ticket.clone()).or_default() += 1);
        }
    }
    assert!(holders.values().all(|count| *count == 1), "a ticket is in one live order: {holders:?}");
    server.run_jobs();
    assert_eq!(sale.organizer.sees_set(&sale.set)["amount_vacant"], 30 - holders.len());
    assert_eq!(server.number("select cast(sum(taken) as bigint) from set_counters"), holders.len() as i64);
    let sold = server.number("select count(*) from tickets where status = 'sold'");
    assert_eq!(sold, paid.len() as i64);
}

fn an_expired_order_is_written_down_once(server: Server) {
    let sale = server.sale(50, "1000");
    let orders: Vec<Value> = (0..10).map(|_| sale.agent.orders_of(&sale.set, 5).ok()).collect();
    server.advance(SignedDuration::from_mins(10));
    let written = at_once(60, |number| {
        let id = id(&orders[number % 10]).parse().unwrap();
        server.write(move |tx| orders::expire(tx, id))
    });
    assert_eq!(written.iter().filter(|written| **written).count(), 10);
    assert_eq!(server.number("select cast(sum(taken) as bigint) from set_counters"), 0);
    assert_eq!(server.number("select count(*) from tickets where status <> 'vacant' or order_id is not null"), 0);
    assert_eq!(sale.organizer.sees_set(&sale.set)["amount_vacant"], 50);
}

fn an_event_that_is_cancelled_has_no_live_order(server: Server) {
    let sale = server.sale(100, "1000");
    let kept: Vec<Value> = (0..5).map(|_| sale.agent.orders_of(&sale.set, 2).ok()).collect();
    let answers = at_once(60, |number| {
        insist(|| match number {
            30 => sale.organizer.changes_event(&sale.event, json!({"status": "cancelled"})),
            25..30 => sale.agent.sets_order(&kept[number - 25], "in_progress"),
            _ => sale.agent.orders_of(&sale.set, 1),
        })
    });
    assert_eq!(answers[30].status, 200);
    for answer in answers {
        assert!(matches!(answer.status, 200 | 201 | 400), "{}", answer.text());
    }
    for order in sale.agent.get("/v1/resources/orders").list() {
        assert_eq!(order["status"], "canceled", "{order}");
    }
    assert_eq!(server.number("select count(*) from tickets where status <> 'vacant'"), 0);
    assert_eq!(server.number("select cast(sum(taken) as bigint) from set_counters"), 0);
}

fn of_two_orders_for_the_last_use_of_a_promocode_one_gets_it(server: Server) {
    let sale = server.sale(100, "1000");
    let code = json!({"code": "TEN", "discount": {"percentage": "10%"}, "amount": 10});
    let path = format!("/v1/resources/events/{}/promocodes", sale.event);
    let code = sale.organizer.post(&path, code).ok();
    let got = at_once(40, |_| {
        let wish = json!({"event": sale.event, "random": {id(&sale.set): 1}, "promocodes": ["ten"]});
        let answer = insist(|| sale.agent.orders(wish.clone()));
        match answer.status {
            201 => {
                assert_eq!(answer.ok()["value"], "900.00");
                true
            }
            _ => {
                answer.refused(400);
                false
            }
        }
    });
    assert_eq!(got.iter().filter(|got| **got).count(), 10);
    let counter = sale.organizer.get(&format!("{path}/{}", id(&code))).ok()["counter"].clone();
    assert_eq!(counter, json!({"held": 10, "used": 0}));
    assert_eq!(sale.organizer.sees_set(&sale.set)["amount_vacant"], 90);
}

fn cancelling_an_event_takes_as_many_statements_however_many_orders_it_has(server: Server) {
    let statements = |orders: usize| {
        let sale = server.sale(40, "1000");
        server.promocode(&sale.organizer, &sale.event, json!({"code": "TEN", "discount": {"percentage": "10%"}}));
        for _ in 0..orders {
            let wish = json!({"event": sale.event, "random": {id(&sale.set): 2}, "promocodes": ["TEN"]});
            sale.agent.orders(wish).ok();
        }
        let cancelled = json!({"status": "cancelled"});
        let (statements, _) = server.statements_of(|| sale.organizer.changes_event(&sale.event, cancelled).ok());
        assert_eq!(sale.organizer.sees_set(&sale.set)["amount_vacant"], 40);
        statements
    };
    assert_eq!(statements(20), statements(1));
}

fn a_cancelled_event_and_changes_of_its_orders_do_not_wait_for_each_other_in_a_circle(server: Server) {
    const ORDERS: usize = 60;
    let sale = server.sale(60, "1000");
    server.promocode(&sale.organizer, &sale.event, json!({"code": "TEN", "discount": {"percentage": "10%"}}));
    let wish = json!({"event": sale.event, "random": {id(&sale.set): 1}, "promocodes": ["TEN"]});
    let orders: Vec<Value> = (0..ORDERS).map(|_| sale.agent.orders(wish.clone()).ok()).collect();
    at_once(ORDERS, |number| match number {
        20 => {
            let event = format!("/v1/resources/events/{}", sale.event);
            insist(|| sale.organizer.patch(&event, json!({"status": "cancelled"}))).ok();
        }
        // The last ones first: it ends them the other way round.
        number => {
            let answer = insist(|| sale.agent.cancels_order(&orders[ORDERS - 1 - number]));
            assert!([200, 400].contains(&answer.status), "{}", answer.text());
        }
    });
    assert_eq!(server.app.store.collisions(), 0);
    assert_eq!(server.number("select count(*) from orders where status = 'canceled'"), 60);
    assert_eq!(server.number("select cast(sum(taken) as bigint) from set_counters"), 0);
    assert_eq!(server.number("select cast(sum(held) as bigint) from promocodes"), 0);
}

fn orders_with_the_same_promocodes_do_not_wait_for_each_other_in_a_circle(server: Server) {
    const ORDERS: usize = 60;
    let sale = server.sale(60, "1000");
    let balcony = sale.organizer.makes_set(&sale.event, 60, "500");
    for (code, set) in [("ONE", &sale.set), ("TWO", &balcony)] {
        let code = json!({"code": code, "discount": {"percentage": "10%"}, "sets": [id(set)]});
        server.promocode(&sale.organizer, &sale.event, code);
    }
    let order = |number: usize| {
        let codes = if number.is_multiple_of(2) { ["ONE", "TWO"] } else { ["TWO", "ONE"] };
        let wish = json!({id(&sale.set): 1, id(&balcony): 1});
        sale.agent.orders(json!({"event": sale.event, "random": wish, "promocodes": codes})).ok()
    };
    let held: Vec<Value> = (0..ORDERS).map(order).collect();
    at_once(ORDERS, |number| {
        insist(|| sale.agent.changes_whole(&held[number], json!({"status": "done"}))).ok();
    });
    assert_eq!(server.app.store.collisions(), 0);
    assert_eq!(server.number("select cast(sum(used) as bigint) from promocodes"), 120);
}

fn orders_that_share_tickets_and_a_promocode_do_not_wait_for_each_other_in_a_circle(server: Server) {
    const PAIRS: usize = 40;
    let sale = server.sale(80, "1000");
    server.promocode(&sale.organizer, &sale.event, json!({"code": "TEN", "discount": {"percentage": "10%"}}));
    let all: Vec<String> = sale.organizer.sees_tickets(&sale.set).iter().map(|ticket| id(ticket).to_owned()).collect();
    let order = |number: usize| sale.agent.orders(json!({"event": sale.event, "tickets": [all[2 * number]]})).ok();
    let held: Vec<Value> = (0..PAIRS).map(order).collect();
    at_once(2 * PAIRS, |number| {
        let pair = number / 2;
        if number % 2 == 0 {
            let change = json!({"promocodes": ["TEN"], "status": "done"});
            insist(|| sale.agent.changes_whole(&held[pair], change.clone())).ok();
        } else {
            let tickets = [&all[2 * pair], &all[2 * pair + 1]];
            let wish = json!({"event": sale.event, "tickets": tickets, "promocodes": ["TEN"]});
            assert_eq!(insist(|| sale.agent.orders(wish.clone())).ok()["tickets"], json!([tickets[1]]));
        }
    });
    assert_eq!(server.app.store.collisions(), 0);
    assert_eq!(server.number("select cast(sum(held) as bigint) from promocodes"), 40);
    assert_eq!(server.number("select cast(sum(used) as bigint) from promocodes"), 40);
}
