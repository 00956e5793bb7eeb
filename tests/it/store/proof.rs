//! The proof that money and tickets are straight (`parterre doctor --ledger`) finds what is not.

use parterre::app::proof::{self, Place};
use parterre::domain::deal::DealStatus;
use parterre::store::{Param, Statement};
use serde_json::{Value, json};

use crate::util::{Actor, Server, Sold, id};

on_both_engines!(
    Server;
    an_empty_platform_is_straight,
    what_was_sold_refunded_cancelled_and_has_expired_is_straight,
    everything_is_looked_at_however_much_there_is,
    an_entry_that_is_missing_or_wrong_is_found,
    money_of_a_ticket_that_does_not_add_up_is_found,
    values_of_an_order_that_are_not_its_tickets_are_found,
    a_ticket_that_is_not_its_buyers_is_found,
    a_ticket_that_is_not_its_holders_is_found,
    a_ticket_that_is_sold_twice_is_found,
    a_wrong_counter_is_found,
    a_set_with_more_or_fewer_tickets_than_it_is_to_have_is_found,
    a_wrong_count_of_a_promocode_is_found,
    a_wrong_count_of_an_orders_own_uses_is_found,
    a_line_of_no_approved_request_is_found,
    a_refund_request_of_another_sum_is_found,
    what_was_paid_late_doubled_and_sent_back_is_straight,
    a_done_order_without_its_payment_is_found,
    a_payment_that_does_not_fit_its_order_is_found,
    an_owed_payment_without_its_entries_or_its_return_is_found,
    a_return_that_does_not_fit_is_found,
    a_refund_that_was_not_sent_back_is_found,
    a_payout_without_its_entries_is_found,
    a_payout_of_a_deal_is_on_the_accounts_of_its_sides,
    an_entry_of_nothing_is_found,
    an_entry_that_cannot_be_read_is_found_and_the_rest_is_looked_at,
);

/// All that contradicts itself, and how many rows were looked at.
fn proven(server: &Server) -> (Vec<String>, usize) {
    let (mut wrong, mut looked_at) = (Vec::new(), 0);
    let mut place = Some(Place::START);
    while let Some(here) = place {
        let part = server.wait_for(server.app.store.read(move |tx| proof::part(tx, here))).unwrap();
        wrong.extend(part.wrong);
        looked_at += part.looked_at;
        place = part.next;
    }
    (wrong, looked_at)
}

/// Fails with what contradicts itself, if anything does.
pub fn assert_all_is_straight(server: &Server) {
    assert_eq!(proven(server).0, Vec::<String>::new());
}

/// Changes rows behind the program's back.
fn corrupts(server: &Server, statement: &'static str) {
    let rows = server.write(move |tx| Ok(tx.execute(Statement::fixed(statement), &[] as &[Param<'_>])?));
    assert!(rows > 0, "{statement}");
}

/// Someone who sold two tickets of an event with ten, and an order of one more ticket that waits.
struct Scene<'s> {
    agent: Actor<'s>,
    event: String,
    set: String,
    sold: Sold,
    held: Sold,
}

fn scene(server: &Server) -> Scene<'_> {
    let (organizer, agent) = (server.organizer(), server.agent());
    let deal = server.deal(&organizer, &agent, DealStatus::Accepted);
    let event = deal["event"].as_str().unwrap().to_owned();
    let codes = format!("/v1/resources/events/{event}/promocodes");
    organizer.post(&codes, json!({"code": "HALF", "discount": {"percentage": "50%"}})).ok();
    let set = server.tickets_of(&event, "1000", 10);
    let sold = server.sold_with(&agent, &set, 2, &["HALF"]);
    let held = server.held(&agent, &set, 1, &["HALF"]);
    assert_all_is_straight(server);
    Scene { agent, event, set, sold, held }
}

fn refunds(scene: &Scene<'_>, tickets: &[String]) {
    let body = json!({"order": scene.sold.order, "culprit": "user", "tickets_refund": tickets});
    let request = scene.agent.post("/v1/resources/refund_requests", body).ok();
    let path = format!("/v1/resources/refund_requests/{}", id(&request));
    scene.agent.patch(&path, json!({"status": "approved"})).ok();
}

/// That exactly these lines are found.
fn finds(server: &Server, expected: &[String]) {
    assert_eq!(proven(server).0, expected);
}

fn an_empty_platform_is_straight(server: Server) {
    assert_all_is_straight(&server);
}

fn what_was_sold_refunded_cancelled_and_has_expired_is_straight(server: Server) {
    let scene = scene(&server);
    refunds(&scene, &scene.sold.tickets[..1]);
    assert_all_is_straight(&server);
    server.advance(jiff::SignedDuration::from_hours(1));
    assert_all_is_straight(&server);
    server.run_jobs();
    assert_all_is_straight(&server);
    refunds(&scene, &scene.sold.tickets[1..]);
    assert_all_is_straight(&server);
}

fn everything_is_looked_at_however_much_there_is(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let before = proven(&server).1;
    let set = server.tickets_of(&event, "10", 1_200);
    for _ in 0..205 {
        server.sold(&organizer, &set, 1);
    }
    let (wrong, looked_at) = proven(&server);
    // Each sale has an entry of the customer, of the organizer and of the platform.
    assert_eq!((wrong, looked_at - before), (Vec::new(), 1_200 + 205 + 1 + 3 * 205));
}

fn an_entry_that_is_missing_or_wrong_is_found(server: Server) {
    let scene = scene(&server);
    let order = &scene.sold.order;
    corrupts(&server, "update entries set amount = amount + 1 where kind = 'organizer'");
    finds(
        &server,
        &[
            format!("order {order}: its entries sum to 1 minor units, not to 0"),
            format!(
                "order {order}: the entries of its sale are agent 70.00, customer -1000.00, organizer 900.01, platform \
                 30.00, and should be agent 70.00, customer -1000.00, organizer 900.00, platform 30.00"
            ),
        ],
    );
    corrupts(&server, "update entries set amount = amount - 1 where kind = 'platform'");
    assert_eq!(proven(&server).0.len(), 1, "the sum alone does not hide it");
    corrupts(&server, "delete from entries");
    finds(
        &server,
        &[format!(
            "order {order}: the entries of its sale are none, and should be agent 70.00, customer -1000.00, organizer \
             900.00, platform 30.00"
        )],
    );
}

fn money_of_a_ticket_that_does_not_add_up_is_found(server: Server) {
    let scene = scene(&server);
    corrupts(&server, "update order_tickets set core_share = core_share + 1");
    let wrong = proven(&server).0;
    let said = "the shares 450.00 + 15.01 + 35.00 are not the 500.00 that the customer paid";
    for ticket in &scene.sold.tickets {
        assert!(wrong.contains(&format!("order {}: ticket {ticket}: {said}", scene.sold.order)), "{wrong:?}");
    }
}

fn values_of_an_order_that_are_not_its_tickets_are_found(server: Server) {
    let scene = scene(&server);
    corrupts(&server, "update orders set tickets = 3, total = total + 1 where status = 'done'");
    let order = &scene.sold.order;
    finds(
        &server,
        &[
            format!("order {order}: its full is 1000.01, and that of its tickets 1000.00"),
            format!("order {order}: it has 2 tickets and says 3"),
        ],
    );
}

fn a_ticket_that_is_not_its_buyers_is_found(server: Server) {
    let Scene { sold, .. } = scene(&server);
    corrupts(&server, "update tickets set order_id = null, status = 'reserved', barcode = null where status = 'sold'");
    let of_order = |ticket: &String| format!("order {}: ticket {ticket}: is reserved, and not sold to it", sold.order);
    let of_ticket = |ticket: &String| format!("ticket {ticket}: is reserved for no order, which does not hold it");
    let said: Vec<String> = sold.tickets.iter().map(of_order).chain(sold.tickets.iter().map(of_ticket)).collect();
    finds(&server, &said);
}

fn a_ticket_that_is_not_its_holders_is_found(server: Server) {
    let scene = scene(&server);
    let holder = &scene.held.order;
    let ticket = &scene.held.tickets[0];
    corrupts(
        &server,
        "update tickets set order_id = null, status = 'vacant', reserved_till = null where status = 'reserved'",
    );
    finds(
        &server,
        &[
            format!("order {holder}: ticket {ticket}: is vacant, and not reserved for it"),
            format!("set {}: counts 3 tickets as taken, and 2 are", scene.set),
        ],
    );
    corrupts(
        &server,
        "update tickets set order_id = (select id from orders where status = 'done'), barcode = '1' \
         where id = (select ticket_id from order_tickets where order_id in (select id from orders where status = 'executed'))",
    );
    let wrong = proven(&server).0;
    assert!(
        wrong.contains(&format!("ticket {ticket}: is vacant, and has the order {}", scene.sold.order)),
        "{wrong:?}"
    );
    corrupts(&server, "update tickets set status = 'reserved', reserved_till = 1 where barcode = '1'");
    let wrong = proven(&server).0;
    let other = format!("ticket {ticket}: is reserved for the order {}, which does not hold it", scene.sold.order);
    assert!(wrong.contains(&other), "{wrong:?}");
    corrupts(
        &server,
        "update tickets set order_id = (select id from orders where status = 'executed') where barcode = '1'",
    );
    finds(&server, &[format!("order {holder}: ticket {ticket}: is reserved until another time than it")]);
}

fn a_ticket_that_is_sold_twice_is_found(server: Server) {
    let scene = scene(&server);
    let other = server.sold(&scene.agent, &scene.set, 1);
    // The other order's ticket becomes one that the first order has bought.
    corrupts(
        &server,
        "update order_tickets set ticket_id = (select l.ticket_id from order_tickets l where l.promocode_id is not null \
         and l.order_id in (select id from orders where status = 'done') order by l.ticket_id limit 1) \
         where promocode_id is null and order_id in (select id from orders where status = 'done')",
    );
    let wrong = proven(&server).0;
    let twice = wrong.iter().find(|line| line.contains("is sold 2 times")).expect("a ticket that is sold twice");
    assert!(twice.contains(&scene.sold.order) && twice.contains(&other.order), "{twice}");
    assert!(
        wrong.contains(&format!(
            "ticket {}: is sold to the order {}, and in no done order",
            other.tickets[0], other.order
        ))
    );
}

fn a_wrong_counter_is_found(server: Server) {
    let scene = scene(&server);
    corrupts(
        &server,
        "update set_counters set taken = taken + 2 where shard = (select max(shard) from set_counters where taken > 0)",
    );
    finds(&server, &[format!("set {}: counts 5 tickets as taken, and 3 are", scene.set)]);
}

fn a_set_with_more_or_fewer_tickets_than_it_is_to_have_is_found(server: Server) {
    let scene = scene(&server);
    let said = |meant: i64, there: i64| {
        format!("set {}: is to have {meant} tickets, with those still to be removed, and has {there}", scene.set)
    };
    corrupts(
        &server,
        "update sets set amount = amount - 1 where id in (select set_id from tickets where status = 'sold')",
    );
    finds(&server, &[said(9, 10)]);
    corrupts(
        &server,
        "update sets set surplus = 1, surplus_from = 1 where id in (select set_id from tickets where status = 'sold')",
    );
    finds(&server, &[]);
    corrupts(&server, "update sets set removed = true where id in (select set_id from tickets where status = 'sold')");
    finds(&server, &[said(1, 10)]);
}

fn a_wrong_count_of_a_promocode_is_found(server: Server) {
    let scene = scene(&server);
    let platform = server.platform();
    let codes = platform.get(&format!("/v1/resources/events/{}/promocodes", scene.event)).list();
    corrupts(&server, "update promocodes set held = held + 1, used = used - 1 where code = 'HALF'");
    finds(
        &server,
        &[
            format!("promocode {}: counts 2 as held, and the orders 1", id(&codes[0])),
            format!("promocode {}: counts 1 as used, and the orders 2", id(&codes[0])),
        ],
    );
}

fn a_line_of_no_approved_request_is_found(server: Server) {
    let scene = scene(&server);
    refunds(&scene, &scene.sold.tickets[..1]);
    assert_all_is_straight(&server);
    corrupts(&server, "update refund_requests set status = 'rejected'");
    let wrong = proven(&server).0;
    assert!(wrong.iter().any(|line| line.contains("which is no approved request for it")), "{wrong:?}");
    assert!(wrong.iter().any(|line| line.contains("the entries of the refund request")), "{wrong:?}");
}

fn a_wrong_count_of_an_orders_own_uses_is_found(server: Server) {
    let scene = scene(&server);
    let order = &scene.held.order;
    let code = server.platform().get(&format!("/v1/resources/events/{}/promocodes", scene.event)).ids().remove(0);
    corrupts(
        &server,
        "update order_promocodes set uses = 2 where order_id in (select id from orders where status = 'executed')",
    );
    finds(
        &server,
        &[
            format!("order {order}: it counts 2 uses of the promocode {code}, and 1 of its tickets have it"),
            format!("promocode {code}: counts 1 as held, and the orders 2"),
        ],
    );
    corrupts(
        &server,
        "delete from order_promocodes where uses = 2 and order_id in (select id from orders where status = 'executed')",
    );
    let wrong = proven(&server).0;
    assert!(
        wrong.contains(&format!("order {order}: it has no promocode {code}, and 1 of its tickets have it")),
        "{wrong:?}"
    );
}

fn a_refund_request_of_another_sum_is_found(server: Server) {
    let scene = scene(&server);
    refunds(&scene, &scene.sold.tickets[..1]);
    let request = scene.agent.get("/v1/resources/refund_requests").ids().remove(0);
    corrupts(&server, "update refund_requests set customer_money = customer_money - 1");
    finds(
        &server,
        &[format!(
            "order {}: the refund request {request} says 500.00, 499.99 of it for the customer, and its tickets 500.00 and \
             500.00",
            scene.sold.order
        )],
    );
}

/// An order of two tickets at 1000.00 with 10% on top that was paid through the platform, and the payment.
fn paid(server: &Server) -> (Actor<'_>, Value, String) {
    let sale = server.sale(10, "1000.00");
    let order = sale.agent.asks_for_payment(&sale.agent.orders_of(&sale.set, 2).ok());
    server.customer_does(&order, "pay");
    let payment = server.payments_of(&order)[0].id.to_string();
    assert_all_is_straight(server);
    (sale.agent, order, payment)
}

/// The same of an order that was given up before its money came.
fn owed(server: &Server) -> (Actor<'_>, Value, String) {
    let sale = server.sale(10, "1000.00");
    let order = sale.agent.asks_for_payment(&sale.agent.orders_of(&sale.set, 2).ok());
    sale.agent.cancels_order(&order).ok();
    server.customer_does(&order, "pay");
    let payment = server.payments_of(&order)[0].id.to_string();
    assert_all_is_straight(server);
    (sale.agent, order, payment)
}

fn what_was_paid_late_doubled_and_sent_back_is_straight(server: Server) {
    let sale = server.sale(20, "1000.00");
    let waits = || sale.agent.asks_for_payment(&sale.agent.orders_of(&sale.set, 2).ok());
    let straight = || assert_all_is_straight(&server);
    let fewer = waits();
    straight();
    sale.agent.changes_order(&fewer, json!({"tickets": [fewer["tickets"][0]]})).ok();
    straight();
    server.customer_does(&fewer, "pay");
    straight();
    let doubled = waits();
    for money in ["first", "second"] {
        server.calls_back(&server.paid(&doubled, money)).ok();
        straight();
    }
    let late = waits();
    server.customer_does(&late, "pay_late");
    server.advance(jiff::SignedDuration::from_mins(21));
    straight();
    server.run_jobs();
    straight();
    assert_eq!(server.payment_statuses(&late), ["returned"]);
    let body = json!({"order": id(&fewer), "culprit": "user", "tickets_refund": [fewer["tickets"][0]]});
    let request = sale.agent.post("/v1/resources/refund_requests", body).ok();
    let path = format!("/v1/resources/refund_requests/{}", id(&request));
    sale.agent.patch(&path, json!({"status": "approved"})).ok();
    straight();
    server.run_jobs();
    assert_eq!(sale.agent.sees_order(&fewer)["status"], "refunded");
    straight();
}

fn a_done_order_without_its_payment_is_found(server: Server) {
    let (_, order, payment) = paid(&server);
    let order = id(&order);
    corrupts(&server, "update payments set status = 'pending'");
    finds(
        &server,
        &[
            format!("order {order}: it is done through test, and no payment of it is paid"),
            format!("order {order}: the payment {payment} is pending, and its money has a name"),
        ],
    );
    corrupts(&server, "delete from payments");
    finds(&server, &[format!("order {order}: it is done through test, and no payment of it is paid")]);
}

fn a_payment_that_does_not_fit_its_order_is_found(server: Server) {
    let (agent, order, payment) = paid(&server);
    let done = id(&order).to_owned();
    corrupts(&server, "update payments set amount = amount + 1, external_id = null");
    finds(
        &server,
        &[
            format!("order {done}: the payment {payment} is of 2200.01, and it was sold for 2200.00"),
            format!("order {done}: the payment {payment} is paid, and its money has no name"),
        ],
    );
    corrupts(&server, "update payments set amount = amount - 1, external_id = 'money', currency = 'EUR'");
    finds(&server, &[format!("order {done}: the payment {payment} is in EUR, not in RUB")]);
    corrupts(&server, "update payments set currency = 'RUB'");
    // Money that is paid for an order that is not.
    let set = server.tickets_of(order["event"].as_str().unwrap(), "1000", 5);
    let held = server.held(&agent, &set, 1, &[]).order;
    corrupts(&server, "update payments set order_id = (select id from orders where status = 'executed')");
    finds(
        &server,
        &[
            format!("order {done}: it is done through test, and no payment of it is paid"),
            format!("order {held}: the payment {payment} through test is paid, and it is executed through nothing"),
        ],
    );
    corrupts(&server, "update payments set order_id = id");
    finds(
        &server,
        &[
            format!("order {done}: it is done through test, and no payment of it is paid"),
            format!("payment {payment}: is of the order {payment}, which does not exist"),
        ],
    );
}

fn an_owed_payment_without_its_entries_or_its_return_is_found(server: Server) {
    let (_, order, payment) = owed(&server);
    let order = id(&order);
    corrupts(&server, "delete from payment_returns");
    let expected = format!("2200.00 RUB not sent of the payment {payment}");
    finds(
        &server,
        &[format!("order {order}: the return of the owed payment {payment} is none, and should be {expected}")],
    );
    corrupts(&server, "update payments set status = 'returned'");
    let expected = format!("2200.00 RUB sent of the payment {payment}");
    finds(
        &server,
        &[
            format!(
                "order {order}: the entries of the return of the payment {payment} are none, and should be customer \
                 -2200.00, customer 2200.00"
            ),
            format!("order {order}: the return of the returned payment {payment} is none, and should be {expected}"),
        ],
    );
    corrupts(&server, "delete from entries");
    let wrong = proven(&server).0;
    let late = format!(
        "order {order}: the entries of the late payment {payment} are none, and should be customer 2200.00, customer -2200.00"
    );
    assert!(wrong.contains(&late), "{wrong:?}");
}

fn a_return_that_does_not_fit_is_found(server: Server) {
    let (_, order, payment) = owed(&server);
    let order = id(&order);
    corrupts(&server, "update payment_returns set amount = amount - 1, due_at = null");
    finds(
        &server,
        &[
            format!(
                "order {order}: the return of the owed payment {payment} is 2199.99 RUB not sent of the payment {payment}, and \
                 should be 2200.00 RUB not sent of the payment {payment}"
            ),
            format!("order {order}: the return of the owed payment {payment} is not sent, and never due"),
        ],
    );
    corrupts(
        &server,
        "update payment_returns set amount = amount + 1, due_at = 1, payment_id = (select order_id from payments)",
    );
    let wrong = proven(&server).0;
    let orphan = format!("return {payment}: is of the payment {order}, which does not exist");
    let elsewhere = format!("return {payment}: has not the id of what it is for, {order}");
    assert!(wrong.contains(&orphan) && wrong.contains(&elsewhere), "{wrong:?}");
    corrupts(&server, "update payment_returns set payment_id = id, refund_id = id");
    let wrong = proven(&server).0;
    let unknown = format!("return {payment}: is for the refund request {payment}, which does not exist");
    assert!(wrong.contains(&unknown), "{wrong:?}");
}

fn a_refund_that_was_not_sent_back_is_found(server: Server) {
    let (agent, order, payment) = paid(&server);
    let body = json!({"order": id(&order), "culprit": "user", "tickets_refund": order["tickets"]});
    let request = agent.post("/v1/resources/refund_requests", body).ok();
    let (order, request) = (id(&order), id(&request));
    agent.patch(&format!("/v1/resources/refund_requests/{request}"), json!({"status": "approved"})).ok();
    assert_all_is_straight(&server);
    let back = |sent: &str| format!("2000.00 RUB {sent} of the payment {payment} for the refund request {request}");
    corrupts(&server, "update payment_returns set sent_at = 1, due_at = null");
    let of = format!("order {order}: the return of the refund request {request} is");
    finds(&server, &[format!("{of} {}, and should be {}", back("sent"), back("not sent"))]);
    corrupts(&server, "update payment_returns set sent_at = null, due_at = 1");
    server.run_jobs();
    assert_all_is_straight(&server);
    corrupts(&server, "delete from payment_returns");
    finds(&server, &[format!("{of} none, and should be {}", back("sent"))]);
}

fn a_payout_without_its_entries_is_found(server: Server) {
    let Scene { agent, .. } = scene(&server);
    let platform = server.platform();
    let body = json!({"from": agent.partner(), "to": platform.partner(), "amount": "30.00"});
    let payout = platform.post("/v1/resources/payouts", body).ok();
    assert_all_is_straight(&server);
    let said = |found: &str| {
        format!(
            "payout {}: its entries are {found}, and should be payout 30.00 for {} and payout -30.00 for {}",
            id(&payout),
            agent.partner(),
            platform.partner()
        )
    };
    corrupts(&server, "update entries set amount = amount + 1 where cause = 'payout' and amount > 0");
    finds(&server, &[said("payout -30.00, payout 30.01")]);
    corrupts(&server, "update payouts set amount = amount + 1");
    assert_eq!(proven(&server).0.len(), 1, "the entries do not sum to zero");
    corrupts(&server, "update payouts set amount = amount - 1");
    corrupts(&server, "delete from entries where cause = 'payout'");
    finds(&server, &[said("none")]);
    corrupts(&server, "update payouts set amount = 0");
    finds(&server, &[format!("payout {}: is of 0.00, not of more than 0.00", id(&payout))]);
}

fn a_payout_of_a_deal_is_on_the_accounts_of_its_sides(server: Server) {
    let Scene { agent, sold, .. } = scene(&server);
    let order = agent.sees_order(&json!({"id": sold.order}));
    let body = json!({"from": agent.partner(), "to": order["org"], "amount": "30.00", "deal": order["deal"]});
    let payout = server.platform().post("/v1/resources/payouts", body).ok();
    assert_all_is_straight(&server);
    corrupts(
        &server,
        "update entries set account = 'platform', partner_id = null where cause = 'payout' and amount < 0",
    );
    let [wrong] = &proven(&server).0[..] else { panic!("one line") };
    assert!(wrong.starts_with(&format!("payout {}: its entries are ", id(&payout))), "{wrong}");
}

fn an_entry_of_nothing_is_found(server: Server) {
    let scene = scene(&server);
    let order = &scene.sold.order;
    refunds(&scene, &scene.sold.tickets[..1]);
    let entries = |cause: &str| {
        let all = server.platform().get(&format!("/v1/resources/entries?order={order}")).list();
        let of = all.iter().filter(|entry| entry["cause"] == cause).map(|entry| id(entry).to_owned());
        let mut ids: Vec<String> = of.collect();
        ids.sort();
        ids
    };
    let (sale, refund) = (entries("sale"), entries("refund"));
    // All that can be found of an entry without an order is in what it names.
    corrupts(&server, "update entries set order_id = null where cause = 'sale'");
    let found = |ids: &[String], said: &str| {
        let wrong = proven(&server).0;
        let of = wrong.iter().filter(|line| line.starts_with("entry ")).cloned().collect::<Vec<_>>();
        assert_eq!(of, ids.iter().map(|id| format!("entry {id}: {said}")).collect::<Vec<_>>(), "{wrong:?}");
    };
    found(&sale, "is of a sale, and of no order");
    corrupts(&server, "update entries set order_id = id where cause = 'sale'");
    let wrong = proven(&server).0;
    for id in &sale {
        assert!(wrong.contains(&format!("entry {id}: is of the order {id}, which does not exist")), "{wrong:?}");
    }
    corrupts(
        &server,
        "update entries set order_id = (select id from orders where status = 'done') where cause = 'sale'",
    );
    assert_all_is_straight(&server);
    corrupts(
        &server,
        "update entries set refund_id = (select id from orders where status = 'done') where cause = 'refund'",
    );
    found(&refund, &format!("is of the refund request {order}, which is none of the order {order}"));
    corrupts(
        &server,
        "update entries set cause = 'late_payment', payment_id = refund_id, refund_id = null where cause = 'refund'",
    );
    found(&refund, &format!("is of the payment {order}, which is none of the order {order}"));
    corrupts(
        &server,
        "update entries set cause = 'payout', payout_id = payment_id, payment_id = null where cause = 'late_payment'",
    );
    found(&refund, &format!("is of the payout {order} and of the order {order}"));
    corrupts(&server, "update entries set order_id = null where cause = 'payout'");
    found(&refund, &format!("is of the payout {order}, which does not exist"));
}

fn an_entry_that_cannot_be_read_is_found_and_the_rest_is_looked_at(server: Server) {
    let scene = scene(&server);
    let order = &scene.sold.order;
    let all = server.platform().get(&format!("/v1/resources/entries?order={order}")).list();
    let gift = all.iter().find(|entry| entry["kind"] == "agent").map(|entry| id(entry).to_owned()).unwrap();
    corrupts(&server, "update entries set cause = 'gift' where kind = 'agent'");
    finds(
        &server,
        &[
            format!("order {order}: its entries sum to -7000 minor units, not to 0"),
            format!(
                "order {order}: the entries of its sale are customer -1000.00, organizer 900.00, platform 30.00, and should \
                 be agent 70.00, customer -1000.00, organizer 900.00, platform 30.00"
            ),
            format!(
                "entry {gift}: its cause is none of sale, refund, late_payment, payment_returned, payout with what it names"
            ),
        ],
    );
    corrupts(&server, "update entries set cause = 'sale', account = 'nobody' where kind = 'agent'");
    let wrong = proven(&server).0;
    assert!(wrong.contains(&format!("entry {gift}: its account cannot be read")), "{wrong:?}");
}
