//! The proof that money and tickets are straight (`parterre doctor --ledger`) finds what is not.

use parterre::app::proof::{self, Place};
use parterre::domain::deal::DealStatus;
use parterre::store::{Param, Statement};
use serde_json::json;

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
    a_ticket_that_is_sold_twice_is_found,
    a_wrong_counter_is_found,
    a_wrong_count_of_a_promocode_is_found,
    a_line_of_no_approved_request_is_found,
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
}

fn scene(server: &Server) -> Scene<'_> {
    let (organizer, agent) = (server.organizer(), server.agent());
    let deal = server.deal(&organizer, &agent, DealStatus::Accepted);
    let event = deal["event"].as_str().unwrap().to_owned();
    let codes = format!("/v1/resources/events/{event}/promocodes");
    organizer.post(&codes, json!({"code": "HALF", "discount": {"percentage": "50%"}})).ok();
    let set = server.tickets_of(&event, "1000", 10);
    let sold = server.sold_with(&agent, &set, 2, &["HALF"]);
    server.held(&agent, &set, 1, &["HALF"]);
    assert_all_is_straight(server);
    Scene { agent, event, set, sold }
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
    assert_eq!((wrong, looked_at - before), (Vec::new(), 1_200 + 205 + 1));
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
            format!("order {order}: its values are not the sums of its tickets"),
            format!("order {order}: it has 2 tickets and says 3"),
        ],
    );
}

fn a_ticket_that_is_not_its_buyers_is_found(server: Server) {
    let Scene { sold, .. } = scene(&server);
    corrupts(&server, "update tickets set order_id = null, status = 'reserved', barcode = null where status = 'sold'");
    let said = |ticket: &String| format!("order {}: ticket {ticket}: is reserved, and not sold to it", sold.order);
    finds(&server, &sold.tickets.iter().map(said).collect::<Vec<_>>());
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
