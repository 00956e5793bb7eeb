//! Orders (`spec/domain.md`, Orders, Price, Promocodes; `spec/v1.md`, Orders).

use jiff::SignedDuration;
use parterre::app::{self, Window};
use parterre::domain::access::{Acting, Caller};
use parterre::domain::event::EventStatus;
use parterre::domain::id::{OrderId, TicketId};
use parterre::domain::member::MemberRole;
use parterre::domain::period::Period;
use parterre::domain::ticket::is_barcode;
use parterre::domain::time::write_v1;
use parterre::store;
use parterre::store::stock::{self, Counts};
use serde_json::{Value, json};

use super::attachments::png;
use crate::util::{Actor, ORDERS, Sale, Server, id, order_path, set_path, sets_path, whole_path};

on_both_engines!(
    Server;
    a_list_of_tickets_that_lost_its_place_breaks_off,
    an_order_holds_its_tickets_waits_for_its_payment_and_is_done,
    the_event_may_be_left_out_when_tickets_are_given,
    wrong_values_are_named_and_nothing_is_changed,
    random_keeps_what_is_held_and_goes_on_in_the_order_of_number,
    tickets_are_the_whole_wish_and_what_cannot_be_had_is_left_out,
    all_or_nothing_changes_nothing_unless_all_can_be_had,
    while_it_waits_tickets_are_only_taken_away,
    while_it_waits_its_promocodes_stay_and_may_be_sent_back,
    while_it_waits_a_promocode_gives_no_more_than_before,
    a_cancelled_order_keeps_its_list_and_values,
    an_order_without_tickets_waits_for_nothing,
    a_done_order_takes_no_change,
    no_change_prolongs_the_hold_but_waiting,
    the_hold_lasts_as_long_as_the_vendor_sets,
    an_expired_order_is_seen_as_such_without_any_job,
    the_job_writes_expiry_down_and_changes_nothing_seen,
    a_ticket_of_an_expired_order_is_taken_over,
    what_is_not_for_sale_is_refused_and_it_says_which,
    a_deal_is_the_given_one_or_the_callers_accepted_one,
    under_a_deal_that_was_closed_since_an_order_is_paid_reduced_and_cancelled,
    terms_that_cannot_sell_a_price_are_refused,
    a_promocode_that_the_terms_cannot_bear_gives_nothing,
    an_organizer_sells_its_own_event_without_a_deal,
    the_rule_of_a_set_is_fixed_by_its_first_ticket,
    a_promocode_lowers_the_price_and_its_uses_are_counted,
    a_promocode_that_cannot_be_applied_changes_nothing,
    the_best_promocode_counts_and_stays_valid_after_its_lifetime,
    the_last_uses_of_a_promocode_come_back_from_an_expired_order,
    several_changes_are_applied_in_their_sequence_or_not_at_all,
    a_customer_is_merged_and_kept_by_the_vendor,
    a_payment_system_is_named_or_its_id_is,
    only_its_payment_system_says_that_an_order_is_paid,
    an_order_that_costs_nothing_is_done_without_a_payment,
    a_ticket_that_is_sold_again_gets_a_new_barcode,
    cancelling_an_event_cancels_its_live_orders,
    an_event_with_live_or_done_orders_is_not_removed,
    a_partner_with_live_orders_is_not_removed,
    an_order_is_for_its_vendor_the_organizer_and_the_platform,
    the_organizer_cancels_an_order_and_nothing_else,
    a_barcode_is_for_the_organizer_the_platform_and_the_vendor_of_the_done_order,
    a_vendor_always_reads_the_event_of_its_order,
    lists_are_filtered_and_whole,
    the_orders_of_a_customer_are_for_its_vendor,
    an_order_is_made_once_under_one_idempotency_key,
    a_schema_opens_what_an_order_refers_to,
);

fn tickets(order: &Value) -> Vec<String> {
    order["tickets"].as_array().unwrap().iter().map(|ticket| ticket.as_str().unwrap().to_owned()).collect()
}

/// The ids of the tickets of a set, in the order of their numbers.
fn all_tickets(sale: &Sale<'_>) -> Vec<String> {
    sale.organizer.sees_tickets(&sale.set).iter().map(|ticket| id(ticket).to_owned()).collect()
}

fn vacant(sale: &Sale<'_>) -> i64 {
    sale.organizer.sees_set(&sale.set)["amount_vacant"].as_i64().unwrap()
}

fn random(sale: &Sale<'_>, count: i64) -> Value {
    json!({"random": {id(&sale.set): count}})
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn an_order_holds_its_tickets_waits_for_its_payment_and_is_done(server: Server) {
    let sale = server.sale(10, "1000");
    let answer = sale.agent.orders(json!({"event": sale.event, "random": {id(&sale.set): 2}}));
    let order = answer.ok();
    assert_eq!(answer.status, 201);
    let (now, all) = (server.now(), all_tickets(&sale));
    let rule = sale.organizer.sees_set(&sale.set)["current_rule"]["id"].clone();
    let set = id(&sale.set);
    let expected = json!({
        "created_at": write_v1(now),
        "customer": {
            "email": null, "first_name": null, "lang": null, "last_name": null, "mobile": null, "user": null
        },
        "deal": id(&sale.deal), "event": sale.event, "id": id(&order), "number": order["number"],
        "org": sale.organizer.partner(),
        "payment": {"failure_url": null, "success_url": null, "redirect_url": null, "system": null},
        "promocodes": [], "reserved_till": write_v1(now + minutes(10)), "rules": {set: rule}, "status": "executed",
        "tickets": [all[0], all[1]], "updated_at": write_v1(now), "value": "2000.00", "value_extra": "200.00",
        "values": {
            "discount": "0.00", "extra": "200.00", "full": "2200.00", "nominal": "2000.00",
            "sets": [{"id": set, "p": "1000.00", "d": "0.00", "ps": []}],
        },
        "vendor": sale.agent.partner(),
    });
    assert_eq!(answer.text(), expected.to_string(), "every field, in this order");
    let number = order["number"].as_i64().unwrap();
    assert!((100_000_000..10_000_000_000).contains(&number), "{number}");
    assert_eq!(sale.agent.sees_order(&order), expected);
    assert_eq!(vacant(&sale), 8);
    // An id carries the bucket of its event.
    assert_eq!(id(&order)[8..12], sale.event[8..12]);

    server.advance(minutes(1));
    let waiting = sale.agent.sets_order(&order, "in_progress").ok();
    let mut then = expected.clone();
    then["status"] = json!("in_progress");
    then["updated_at"] = json!(write_v1(server.now()));
    then["reserved_till"] = json!(write_v1(server.now() + SignedDuration::from_hours(12)));
    then["payment"]["system"] = json!("50000000706179 2d62617365".replace(' ', ""));
    assert_eq!(waiting, then);

    server.advance(minutes(600));
    let done = sale.agent.sets_order(&order, "done").ok();
    then["status"] = json!("done");
    then["updated_at"] = json!(write_v1(server.now()));
    assert_eq!(done, then);
    let sold = sale.agent.sees_tickets_of(&order);
    assert_eq!(sold.len(), 2);
    for ticket in &sold {
        assert_eq!((&ticket["status"], &ticket["reserved_till"]), (&json!("sold"), &Value::Null));
        assert!(is_barcode(ticket["barcode"].as_str().unwrap()), "{ticket}");
    }
    assert_ne!(sold[0]["barcode"], sold[1]["barcode"]);
    // N = 1000 twice: customer 1100, organizer 910, platform 30, agent 160.
    let entries = |kind: &'static str| match kind {
        "all" => server.number("select cast(sum(amount) as bigint) from entries"),
        "organizer" => server.number("select amount from entries where kind = 'organizer'"),
        "platform" => server.number("select amount from entries where kind = 'platform'"),
        "agent" => server.number("select amount from entries where kind = 'agent'"),
        _ => server.number("select amount from entries where kind = 'customer'"),
    };
    let (agent, customer) = (entries("agent"), entries("customer"));
    assert_eq!((entries("organizer"), entries("platform"), agent, customer), (182_000, 6_000, 32_000, -220_000));
    assert_eq!(entries("all"), 0);
    assert_eq!(server.number("select count(*) from orders where length(code) = 8 and done_at is not null"), 1);
    assert_eq!(server.number("select count(*) from order_tickets where length(barcode) = 20"), 2);
    assert_eq!(vacant(&sale), 8);
}

fn the_event_may_be_left_out_when_tickets_are_given(server: Server) {
    let sale = server.sale(3, "1000");
    let all = all_tickets(&sale);
    let order = sale.agent.orders(json!({"tickets": [all[2], all[0]]})).ok();
    assert_eq!((&order["event"], &order["tickets"]), (&json!(sale.event), &json!([all[2], all[0]])));
    // Without any tickets it is an empty order.
    let empty = sale.agent.orders(json!({"event": sale.event})).ok();
    assert_eq!((&empty["tickets"], &empty["rules"], &empty["value"]), (&json!([]), &json!({}), &json!("0.00")));
    for body in [json!({}), json!({"event": null}), json!({"tickets": []}), json!({"random": {id(&sale.set): 1}})] {
        let refusal = sale.agent.orders(body).refused(400);
        assert_eq!((refusal.fields(), refusal.codes()), (vec!["event"], vec!["required"]));
    }
}

fn wrong_values_are_named_and_nothing_is_changed(server: Server) {
    let (sale, other) = (server.sale(3, "1000"), server.sale(3, "1000"));
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    let set = id(&sale.set);
    let (foreign, foreign_set) = (&all_tickets(&other)[0], id(&other.set));
    let unknown = "0123456789abcdef01234567";
    let random_of = |set: &str| format!("random.{set}");
    for (field, change) in [
        ("random", json!({"tickets": [], "random": {}})),
        ("tickets", json!({"tickets": "all"})),
        ("tickets[0]", json!({"tickets": [1]})),
        ("tickets[0]", json!({"tickets": ["xyz"]})),
        ("tickets[1]", json!({"tickets": [all_tickets(&sale)[0], unknown]})),
        ("tickets[0]", json!({"tickets": [foreign]})),
        ("random", json!({"random": [1]})),
        ("random.xyz", json!({"random": {"xyz": 1}})),
        (&random_of(unknown), json!({"random": {unknown: 1}})),
        (&random_of(foreign_set), json!({"random": {foreign_set: 1}})),
        (&random_of(set), json!({"random": {set: -1}})),
        (&random_of(set), json!({"random": {set: 1.5}})),
        (&random_of(set), json!({"random": {set: "1"}})),
        (&random_of(set), json!({"random": {set: null}})),
        (&random_of(set), json!({"random": {set: 1_001}})),
        ("all_or_nothing", json!({"all_or_nothing": "yes"})),
        ("customer", json!({"customer": "Anna"})),
        ("customer.email", json!({"customer": {"email": "anna"}})),
        ("customer.first_name", json!({"customer": {"first_name": 1}})),
        ("customer.last_name", json!({"customer": {"last_name": "x".repeat(1_001)}})),
        ("payment", json!({"payment": []})),
        ("payment.system", json!({"payment": {"system": "cash"}})),
        ("payment.system", json!({"payment": {"system": unknown}})),
        ("payment.success_url", json!({"payment": {"success_url": "javascript:alert(1)"}})),
        ("payment.failure_url", json!({"payment": {"failure_url": "tickets.example.com"}})),
        ("payment.send_tickets", json!({"payment": {"send_tickets": 1}})),
        ("promocodes", json!({"promocodes": "TEN"})),
        ("promocodes[0]", json!({"promocodes": [10]})),
        ("status", json!({"status": "paid"})),
        ("status", json!({"status": null})),
    ] {
        let mut body = change.clone();
        assert_eq!(sale.agent.changes_order(&order, body.clone()).refused(400).fields(), [field], "{change}");
        body["event"] = json!(sale.event);
        assert_eq!(sale.agent.orders(body).refused(400).fields(), [field], "{change}");
    }
    for (field, body) in [
        ("event", json!({"event": unknown})),
        ("event", json!({"event": 5})),
        ("deal", json!({"event": sale.event, "deal": unknown})),
        ("deal", json!({"event": sale.event, "deal": id(&other.deal)})),
        ("tickets[0]", json!({"event": sale.event, "tickets": [foreign]})),
        ("tickets", json!({"event": sale.event, "tickets": vec![unknown; 1_001]})),
    ] {
        assert_eq!(sale.agent.orders(body).refused(400).fields(), [field]);
    }
    assert_eq!(sale.agent.sees_order(&order), order);
    assert_eq!(sale.agent.get(ORDERS).list().len(), 1);
    assert_eq!(vacant(&sale), 2);
    for path in ["xyz", unknown] {
        let path = format!("{ORDERS}/{path}");
        sale.agent.get(&path).refused(404);
        sale.agent.patch(&path, json!({})).refused(404);
        sale.agent.delete(&path).refused(404);
        sale.agent.get(&format!("{path}/tickets")).refused(404);
    }
}

fn random_keeps_what_is_held_and_goes_on_in_the_order_of_number(server: Server) {
    let sale = server.sale(10, "1000");
    let all = all_tickets(&sale);
    let named = sale.agent.orders(json!({"tickets": [all[1], all[4]]})).ok();
    let order = sale.agent.orders_of(&sale.set, 2).ok();
    assert_eq!(tickets(&order), [all[0].as_str(), &all[2]]);
    let change = |count| tickets(&sale.agent.changes_order(&order, random(&sale, count)).ok());
    assert_eq!(change(4), [all[0].as_str(), &all[2], &all[3], &all[5]]);
    assert_eq!(change(4), [all[0].as_str(), &all[2], &all[3], &all[5]], "it has them already");
    assert_eq!(change(1), [all[0].as_str()]);
    sale.agent.cancels_order(&named).ok();
    assert_eq!(change(3), [all[0].as_str(), &all[1], &all[2]]);
    assert_eq!(vacant(&sale), 7);
    // Of two sets; one that is not named is given back.
    let balcony = sale.organizer.makes_set(&sale.event, 5, "500");
    let both = json!({"random": {id(&sale.set): 1, id(&balcony): 2}});
    let order = sale.agent.changes_order(&order, both).ok();
    assert_eq!((tickets(&order).len(), &order["value"]), (3, &json!("2000.00")));
    assert_eq!(order["values"]["sets"].as_array().unwrap().len(), 2);
    let order = sale.agent.changes_order(&order, json!({"random": {id(&balcony): 1}})).ok();
    assert_eq!((tickets(&order).len(), &order["value"]), (1, &json!("500.00")));
    assert_eq!(vacant(&sale), 10);
    let order = sale.agent.changes_order(&order, json!({"random": {}})).ok();
    assert_eq!((tickets(&order).len(), &order["values"]["full"]), (0, &json!("0.00")));
    assert_eq!(sale.organizer.sees_set(&balcony)["amount_vacant"], 5);
    // More than there are.
    assert_eq!(change(1_000).len(), 10);
}

fn tickets_are_the_whole_wish_and_what_cannot_be_had_is_left_out(server: Server) {
    let sale = server.sale(6, "1000");
    let all = all_tickets(&sale);
    let first = sale.agent.orders(json!({"tickets": [all[0], all[1], all[1]]})).ok();
    assert_eq!(tickets(&first), all[..2], "one that is named twice counts once");
    let second = sale.agent.orders(json!({"tickets": [all[1], all[2], all[0]]})).ok();
    assert_eq!((tickets(&second), &second["value"]), (vec![all[2].clone()], &json!("1000.00")));
    let changed = sale.agent.changes_order(&first, json!({"tickets": [all[3], all[2], all[1]]})).ok();
    assert_eq!(tickets(&changed), [all[3].as_str(), &all[1]], "in the sequence of the wish");
    let third = sale.agent.orders(json!({"tickets": all})).ok();
    assert_eq!(tickets(&third), [all[0].as_str(), &all[4], &all[5]]);
    assert_eq!(vacant(&sale), 0);
    let none = sale.agent.orders_of(&sale.set, 2).ok();
    assert_eq!(tickets(&none).len(), 0);
    assert_eq!(sale.agent.changes_order(&third, json!({"tickets": []})).ok()["tickets"], json!([]));
    assert_eq!(vacant(&sale), 3);
    // A removed ticket is none that can be had.
    sale.organizer.changes_set(&sale.set, json!({"amount": 5})).ok();
    let again = sale.agent.changes_order(&third, json!({"tickets": all})).ok();
    assert_eq!(tickets(&again), [all[0].as_str(), &all[4]]);
    assert_eq!(sale.agent.changes_order(&third, json!({"tickets": null})).ok(), again, "null is not given");
}

fn all_or_nothing_changes_nothing_unless_all_can_be_had(server: Server) {
    let sale = server.sale(4, "1000");
    let all = all_tickets(&sale);
    let held = sale.agent.orders(json!({"tickets": [all[3]]})).ok();
    for yes in [json!(true), json!("true")] {
        let answer = sale.agent.orders(json!({
            "event": sale.event, "random": {id(&sale.set): 4}, "all_or_nothing": yes,
            "customer": {"email": "anna@example.com"}, "status": "in_progress",
        }));
        let order = answer.ok();
        assert_eq!((answer.status, &order["tickets"], &order["status"]), (201, &json!([]), &json!("executed")));
        assert_eq!(order["customer"]["email"], "anna@example.com");
        assert_eq!(sale.agent.sees_order(&order), order);
        assert_eq!(vacant(&sale), 3);
    }
    let order = sale.agent.orders(json!({"tickets": [all[0]], "all_or_nothing": "true"})).ok();
    assert_eq!(tickets(&order), all[..1]);
    server.advance(SignedDuration::from_secs(1));
    for wish in [json!({"tickets": [all[1], all[3]]}), random(&sale, 4)] {
        let mut change = wish;
        change["all_or_nothing"] = json!(true);
        change["customer"] = json!({"first_name": "Anna"});
        change["status"] = json!("in_progress");
        assert_eq!(sale.agent.changes_order(&order, change).ok(), order);
        assert_eq!(sale.agent.sees_order(&order), order);
    }
    assert_eq!(vacant(&sale), 2);
    let changed = sale.agent.changes_order(&order, json!({"tickets": [all[1], all[2]], "all_or_nothing": true})).ok();
    assert_eq!(tickets(&changed), all[1..3]);
    let part = sale.agent.changes_order(&order, json!({"tickets": all, "all_or_nothing": "false"})).ok();
    assert_eq!(tickets(&part), all[..3]);
    assert_eq!(sale.agent.sees_order(&held)["tickets"], json!([all[3]]));
}

fn while_it_waits_tickets_are_only_taken_away(server: Server) {
    let sale = server.sale(6, "1000");
    let all = all_tickets(&sale);
    let order = sale.agent.orders_of(&sale.set, 4).ok();
    sale.agent.sets_order(&order, "in_progress").ok();
    for more in [json!({"tickets": [all[0], all[5]]}), random(&sale, 5)] {
        let refusal = sale.agent.changes_order(&order, more).refused(400);
        assert_eq!(refusal.codes(), ["conflict"]);
        assert!(refusal.reason.contains("in_progress"), "{}", refusal.reason);
    }
    let till = sale.agent.sees_order(&order)["reserved_till"].clone();
    server.advance(minutes(1));
    let fewer = sale.agent.changes_order(&order, json!({"tickets": [all[3], all[1], all[2]]})).ok();
    assert_eq!((tickets(&fewer).len(), &fewer["value"], &fewer["reserved_till"]), (3, &json!("3000.00"), &till));
    let fewer = sale.agent.changes_order(&order, random(&sale, 1)).ok();
    assert_eq!(tickets(&fewer), [all[1].as_str()], "the lowest number stays");
    assert_eq!(vacant(&sale), 5);
    let none = sale.agent.changes_order(&order, random(&sale, 0)).ok();
    assert_eq!(tickets(&none).len(), 0);
    let refusal = sale.agent.sets_order(&order, "done").refused(400);
    assert_eq!((refusal.fields(), refusal.codes()), (vec!["status"], vec!["no_tickets"]));
}

/// An order in a status, of one ticket.
fn order_in(server: &Server, sale: &Sale<'_>, status: &str) -> Value {
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    match status {
        "in_progress" => sale.agent.sets_order(&order, status).ok(),
        "done" => sale.agent.pays(&order),
        "canceled" => sale.agent.sets_order(&order, status).ok(),
        "expired" => {
            server.advance(minutes(10));
            sale.agent.sees_order(&order)
        }
        _ => order,
    }
}

fn a_cancelled_order_keeps_its_list_and_values(server: Server) {
    let sale = server.sale(10, "1000");
    let order = order_in(&server, &sale, "executed");
    assert_eq!(sale.agent.sets_order(&order, "cancelled").ok()["status"], "canceled", "another spelling is read");
    let kept = sale.agent.sees_order(&order);
    assert_eq!((tickets(&kept).len(), &kept["value"]), (1, &json!("1000.00")), "it keeps its list and values");
}

fn an_order_without_tickets_waits_for_nothing(server: Server) {
    let sale = server.sale(10, "1000");
    let empty = sale.agent.orders(json!({"event": sale.event})).ok();
    assert_eq!(sale.agent.sets_order(&empty, "in_progress").refused(400).codes(), ["no_tickets"]);
}

fn a_done_order_takes_no_change(server: Server) {
    let sale = server.sale(5, "1000");
    let order = order_in(&server, &sale, "done");
    for change in [
        json!({}),
        json!({"status": "done"}),
        json!({"customer": {"first_name": "Anna"}}),
        random(&sale, 0),
        json!({"payment": {"success_url": "https://example.com"}}),
    ] {
        assert_eq!(sale.agent.changes_order(&order, change).refused(400).fields(), ["status"]);
    }
    assert_eq!(sale.agent.sees_order(&order), order);
    for ended in ["canceled", "expired"] {
        let order = order_in(&server, &sale, ended);
        assert_eq!(sale.agent.changes_order(&order, json!({})).ok(), order, "nothing is changed");
        let refusal = sale.agent.changes_order(&order, json!({"customer": {"first_name": "Anna"}})).refused(400);
        assert!(refusal.reason.contains(ended), "{}", refusal.reason);
    }
}

fn no_change_prolongs_the_hold_but_waiting(server: Server) {
    let sale = server.sale(5, "1000");
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    let till = order["reserved_till"].clone();
    for change in
        [random(&sale, 2), json!({"customer": {"first_name": "Anna"}}), random(&sale, 1), json!({"promocodes": []})]
    {
        server.advance(minutes(1));
        assert_eq!(sale.agent.changes_order(&order, change).ok()["reserved_till"], till);
    }
    let ticket = &sale.agent.sees_tickets_of(&order)[0];
    assert_eq!((&ticket["status"], &ticket["reserved_till"]), (&json!("reserved"), &till));
    let by_system = |system: &str| {
        let order = sale.agent.orders_of(&sale.set, 1).ok();
        let change = json!({"payment": {"system": system}, "status": "in_progress"});
        sale.agent.changes_order(&order, change).ok()["reserved_till"].clone()
    };
    assert_eq!(by_system("api/BASE"), write_v1(server.now() + SignedDuration::from_hours(12)));
    assert_eq!(by_system("test"), write_v1(server.now() + minutes(20)));
    server.advance(minutes(1));
    let waiting = sale.agent.sets_order(&order, "in_progress").ok();
    assert_eq!(waiting["reserved_till"], write_v1(server.now() + SignedDuration::from_hours(12)));
    assert_eq!(sale.agent.sees_tickets_of(&order)[0]["reserved_till"], waiting["reserved_till"]);
    server.advance(minutes(1));
    assert_eq!(sale.agent.sets_order(&order, "in_progress").ok(), waiting, "it waits already");
}

fn the_hold_lasts_as_long_as_the_vendor_sets(server: Server) {
    let sale = server.sale(5, "1000");
    sale.organizer.has_settings(json!({"hold_minutes": 30}));
    sale.agent.has_settings(json!({"hold_minutes": 3}));
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    assert_eq!(order["reserved_till"], write_v1(server.now() + minutes(3)));
    let order = sale.organizer.orders_of(&sale.set, 1).ok();
    assert_eq!(order["reserved_till"], write_v1(server.now() + minutes(30)));
}

fn an_expired_order_is_seen_as_such_without_any_job(server: Server) {
    let sale = server.sale(5, "1000");
    let order = sale.agent.orders_of(&sale.set, 2).ok();
    let waiting = sale.agent.orders_of(&sale.set, 1).ok();
    sale.agent.sets_order(&waiting, "in_progress").ok();
    let listed = |status: &str| sale.agent.get(&format!("{ORDERS}?page=1&status={status}")).ids();
    let just_before = minutes(10) - SignedDuration::from_micros(1);
    server.advance(just_before);
    assert_eq!((sale.agent.sees_order(&order), vacant(&sale)), (order.clone(), 2));
    assert_eq!((listed("executed").len(), listed("expired").len()), (1, 0));
    server.advance(SignedDuration::from_micros(1));
    let seen = sale.agent.sees_order(&order);
    let mut expected = order.clone();
    expected["status"] = json!("expired");
    expected["updated_at"] = order["reserved_till"].clone();
    assert_eq!(seen, expected, "it keeps its list and values");
    assert_eq!(vacant(&sale), 4);
    assert_eq!((listed("executed").len(), listed("expired")), (0, vec![id(&order).to_owned()]));
    assert_eq!(listed("executed,in_progress,done,canceled,refunded"), [id(&waiting)]);
    for ticket in sale.organizer.sees_tickets_of(&order) {
        assert_eq!((&ticket["status"], &ticket["reserved_till"]), (&json!("vacant"), &Value::Null));
    }
    for change in [json!({"status": "in_progress"}), random(&sale, 1), json!({"status": "canceled"})] {
        sale.agent.changes_order(&order, change).refused(400);
    }
    server.advance(SignedDuration::from_hours(12));
    assert_eq!(sale.agent.sets_order(&waiting, "done").refused(400).fields(), ["status"]);
    assert_eq!(sale.agent.sees_order(&waiting)["status"], "expired");
    assert_eq!((vacant(&sale), server.number("select count(*) from entries")), (5, 0));
}

fn the_job_writes_expiry_down_and_changes_nothing_seen(server: Server) {
    let sale = server.sale(5, "1000");
    let order = sale.agent.orders_of(&sale.set, 2).ok();
    let live = sale.agent.orders_of(&sale.set, 1).ok();
    sale.agent.sets_order(&live, "in_progress").ok();
    server.advance(minutes(11));
    let before = (sale.agent.sees_order(&order), sale.organizer.sees_set(&sale.set));
    assert_eq!(server.number("select count(*) from orders where status = 'executed'"), 1);
    server.run_jobs();
    assert_eq!((sale.agent.sees_order(&order), sale.organizer.sees_set(&sale.set)), before);
    assert_eq!(server.number("select count(*) from orders where status = 'expired'"), 1);
    assert_eq!(server.number("select count(*) from tickets where status = 'reserved'"), 1);
    assert_eq!(server.number("select cast(sum(taken) as bigint) from set_counters"), 1);
    server.run_jobs();
    assert_eq!(vacant(&sale), 4);
}

fn a_ticket_of_an_expired_order_is_taken_over(server: Server) {
    let sale = server.sale(3, "1000");
    let all = all_tickets(&sale);
    let first = sale.agent.orders(json!({"tickets": [all[0], all[1]]})).ok();
    server.advance(minutes(10));
    // Random takes them in the order of number, whether or not the job has come by.
    let second = sale.agent.orders_of(&sale.set, 1).ok();
    assert_eq!(tickets(&second), all[..1]);
    let third = sale.agent.orders(json!({"tickets": [all[1]], "all_or_nothing": true})).ok();
    assert_eq!(tickets(&third), all[1..2]);
    assert_eq!(vacant(&sale), 1);
    server.run_jobs();
    assert_eq!((sale.agent.sees_order(&first)["status"].clone(), vacant(&sale)), (json!("expired"), 1));
    assert_eq!(server.number("select cast(sum(taken) as bigint) from set_counters"), 2);
    assert_eq!(sale.agent.pays(&second)["status"], "done");
    sale.agent.cancels_order(&third).ok();
    assert_eq!(vacant(&sale), 2);
}

fn what_is_not_for_sale_is_refused_and_it_says_which(server: Server) {
    let sale = server.sale(5, "1000");
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    let refused = |says: &str| {
        let new = sale.agent.orders_of(&sale.set, 1).refused(400);
        assert_eq!(new.codes(), ["not_for_sale"]);
        assert!(new.reason.contains(says), "{}", new.reason);
        let more = sale.agent.changes_order(&order, random(&sale, 2)).refused(400);
        assert!(more.reason.contains(says), "{}", more.reason);
        assert_eq!(sale.agent.sees_order(&order), order);
    };
    for status in ["draft", "stand_by"] {
        sale.organizer.changes_event(&sale.event, json!({"status": status})).ok();
        refused(status);
    }
    sale.organizer.changes_event(&sale.event, json!({"status": "public"})).ok();

    // A set without a current rule, and a removed one.
    let later = Period::new(server.now() + minutes(60), server.now() + minutes(120)).unwrap().to_vevent();
    let set = json!({"name": "Balcony", "amount": 2, "rules": [{"cal": later, "price": "10"}]});
    let set = sale.organizer.post(&format!("/v1/resources/events/{}/sets", sale.event), set).ok();
    let refusal = sale.agent.orders_of(&set, 1).refused(400);
    assert_eq!((refusal.fields(), refusal.codes()), (vec!["sets"], vec!["not_for_sale"]));
    assert!(refusal.reason.contains("rule"), "{}", refusal.reason);
    let ticket = id(&sale.organizer.sees_tickets(&set)[0]).to_owned();
    assert_eq!(sale.agent.orders(json!({"tickets": [ticket]})).refused(400).codes(), ["not_for_sale"]);
    sale.organizer.removes_set(&set).ok();
    assert!(sale.agent.orders_of(&set, 1).refused(400).reason.contains("removed"));

    let stranger = server.agent();
    let refusal = stranger.orders_of(&sale.set, 1).refused(400);
    assert_eq!((refusal.fields(), refusal.codes()), (vec!["deal"], vec!["not_for_sale"]));

    let soon = server.event(&sale.organizer, EventStatus::Public, minutes(5));
    let set = sale.organizer.makes_set(&soon, 5, "100");
    let order = sale.organizer.orders_of(&set, 1).ok();
    server.advance(minutes(5));
    assert!(sale.organizer.orders_of(&set, 1).refused(400).reason.contains("started"));
    assert_eq!(sale.organizer.pays(&order)["status"], "done", "what is held may be paid");
}

fn a_deal_is_the_given_one_or_the_callers_accepted_one(server: Server) {
    let sale = server.sale(5, "1000");
    let order = |deal: &Value| sale.agent.orders(json!({"event": sale.event, "deal": id(deal)}));
    assert_eq!(order(&sale.deal).ok()["deal"], id(&sale.deal));
    let open = sale.agent.proposes_terms(&sale.event, sale.organizer.partner(), json!({"org": 80})).ok();
    let refusal = order(&open).refused(400);
    assert_eq!((refusal.fields(), refusal.codes()), (vec!["deal"], vec!["not_for_sale"]));
    assert!(refusal.reason.contains("new"), "{}", refusal.reason);
    sale.organizer.accepts(&open).ok();
    assert_eq!(sale.agent.orders(json!({"event": sale.event, "deal": null})).ok()["deal"], id(&open));
    assert!(order(&sale.deal).refused(400).reason.contains("closed"));
    // A deal of somebody else's is none.
    let other = server.agent();
    let refusal = other.orders(json!({"event": sale.event, "deal": id(&open)})).refused(400);
    assert_eq!((refusal.fields(), refusal.codes()), (vec!["deal"], vec!["unknown"]));
}

fn under_a_deal_that_was_closed_since_an_order_is_paid_reduced_and_cancelled(server: Server) {
    let sale = server.sale(10, "1000");
    let all = all_tickets(&sale);
    let [paid, cancelled] = [0, 1].map(|_| sale.agent.orders_of(&sale.set, 3).ok());
    sale.agent.closes(&sale.deal).ok();
    for more in [random(&sale, 4), json!({"tickets": [all[0], all[9]]})] {
        let refusal = sale.agent.changes_order(&paid, more).refused(400);
        assert_eq!((refusal.fields(), refusal.codes()), (vec!["deal"], vec!["not_for_sale"]));
    }
    let fewer = sale.agent.changes_order(&paid, random(&sale, 1)).ok();
    assert_eq!((tickets(&fewer).len(), &fewer["value_extra"]), (1, &json!("100.00")));
    assert_eq!(sale.agent.pays(&paid)["status"], "done");
    assert_eq!(sale.agent.sets_order(&cancelled, "canceled").ok()["status"], "canceled");
    assert_eq!(vacant(&sale), 9);
}

fn terms_that_cannot_sell_a_price_are_refused(server: Server) {
    let sale = server.sale(5, "100");
    let terms = json!({"org": "99.00", "extra": 0});
    let deal = sale.agent.proposes_terms(&sale.event, sale.organizer.partner(), terms).ok();
    sale.organizer.accepts(&deal).ok();
    // 100 − 99 − 3: less than nothing.
    let refusal = sale.agent.orders_of(&sale.set, 1).refused(400);
    assert_eq!((refusal.fields(), refusal.codes()), (vec!["deal"], vec!["unsellable"]));
    assert_eq!(vacant(&sale), 5, "nothing was taken");
    assert_eq!(sale.agent.get(ORDERS).list().len(), 0);
    let dear = sale.organizer.makes_set(&sale.event, 5, "200");
    assert_eq!(sale.agent.orders_of(&dear, 1).ok()["value"], "200.00");
}

fn a_promocode_that_the_terms_cannot_bear_gives_nothing(server: Server) {
    let sale = server.sale(5, "1000");
    sale.organizer.has_settings(json!({"core": "150.00"}));
    let deal = sale.agent.proposes_terms(&sale.event, sale.organizer.partner(), json!({"org": 85, "extra": 0})).ok();
    sale.organizer.accepts(&deal).ok();
    let (set, dear) = (id(&sale.set).to_owned(), sale.organizer.makes_set(&sale.event, 5, "2000"));
    code(&sale, json!({"code": "TEN", "discount": {"percentage": "10%"}, "tickets_count": {"max": 2}}));
    // Of 1000.00 nothing is left for the agent, so of 900.00 less than that: 900 − 765 − 150.
    let wish = json!({"event": sale.event, "random": {set.clone(): 1}, "promocodes": ["TEN"]});
    assert_eq!(sale.agent.orders(wish.clone()).refused(400).fields(), ["promocodes[0]"]);
    let answer = sale.agent.orders_whole(wish).ok();
    assert_eq!(answer["errors"][0]["code"], "promocode_apply_info");
    assert_eq!(answer["data"]["values"]["discount"], "0.00");
    // The dear ticket bears it. Where it counts again after tickets were taken away, the other one still costs the same.
    let order = sale.agent.orders(json!({"event": sale.event, "random": {id(&dear): 1}, "promocodes": ["TEN"]})).ok();
    assert_eq!(order["value"], "1800.00");
    let order = sale.agent.changes_order(&order, json!({"random": {id(&dear): 1, set.clone(): 2}})).ok();
    assert_eq!(order["value"], "4000.00", "three are too many for the code");
    sale.agent.sets_order(&order, "in_progress").ok();
    let order = sale.agent.changes_order(&order, json!({"random": {id(&dear): 1, set: 1}})).ok();
    assert_eq!(order["value"], "2800.00");
}

fn an_organizer_sells_its_own_event_without_a_deal(server: Server) {
    let sale = server.sale(5, "1000");
    sale.organizer.has_settings(json!({"extra": "50.00", "core": "5%"}));
    let order = sale.organizer.orders_of(&sale.set, 2).ok();
    let partners = (&order["deal"], &order["vendor"], &order["org"]);
    assert_eq!(partners, (&Value::Null, &json!(sale.organizer.partner()), &json!(sale.organizer.partner())));
    assert_eq!((&order["value"], &order["value_extra"]), (&json!("2000.00"), &json!("100.00")));
    sale.organizer.has_settings(json!({"extra": 0, "core": null}));
    assert_eq!(sale.organizer.pays(&order)["values"]["full"], "2100.00", "what it is sold on is fixed");
    let of = |kind: &str| match kind {
        "organizer" => server.number("select amount from entries where kind = 'organizer'"),
        _ => server.number("select amount from entries where kind = 'platform'"),
    };
    assert_eq!((of("organizer"), of("platform")), (200_000, 10_000));
    assert_eq!(sale.organizer.orders_of(&sale.set, 1).ok()["value_extra"], "0.00");
}

fn the_rule_of_a_set_is_fixed_by_its_first_ticket(server: Server) {
    let sale = server.sale(10, "1000");
    let cal = Period::new(server.now() - minutes(60), server.now() + minutes(5)).unwrap().to_vevent();
    let next = Period::new(server.now() + minutes(5), server.now() + minutes(60)).unwrap().to_vevent();
    let rules = json!({"rules": [{"cal": cal, "price": "700"}, {"cal": next, "price": "900"}]});
    let set = sale.organizer.changes_set(&sale.set, rules).ok();
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    assert_eq!((&order["value"], &order["rules"][id(&set)]), (&json!("700.00"), &set["rules"][0]["id"]));
    server.advance(minutes(6));
    let more = sale.agent.changes_order(&order, random(&sale, 3)).ok();
    assert_eq!((&more["value"], &more["rules"]), (&json!("2100.00"), &order["rules"]));
    // It may even be gone by now.
    let rules = json!({"rules": [{"cal": next, "price": "800"}]});
    sale.organizer.changes_set(&sale.set, rules).ok();
    let all = all_tickets(&sale);
    let others = sale.agent.changes_order(&order, json!({"tickets": [all[8], all[9]]})).ok();
    assert_eq!((&others["value"], &others["rules"]), (&json!("1400.00"), &order["rules"]));
    assert_eq!(sale.agent.changes_order(&order, random(&sale, 0)).ok()["rules"], json!({}));
    assert_eq!(sale.agent.changes_order(&order, random(&sale, 1)).ok()["value"], "800.00", "it begins anew");
}

/// A promocode of an event.
fn code(sale: &Sale<'_>, code: Value) -> Value {
    sale.organizer.post(&format!("/v1/resources/events/{}/promocodes", sale.event), code).ok()
}

fn counter(sale: &Sale<'_>, code: &Value) -> Value {
    let path = format!("/v1/resources/events/{}/promocodes/{}", sale.event, id(code));
    sale.organizer.get(&path).ok()["counter"].clone()
}

fn a_promocode_lowers_the_price_and_its_uses_are_counted(server: Server) {
    let sale = server.sale(10, "1000");
    let ten = code(&sale, json!({"code": "Ten", "discount": {"percentage": "10%"}, "amount": 5}));
    let order =
        sale.agent.orders(json!({"event": sale.event, "random": {id(&sale.set): 2}, "promocodes": ["tEN"]})).ok();
    assert_eq!(order["promocodes"], json!([id(&ten)]));
    let values = json!({
        "discount": "200.00", "extra": "180.00", "full": "1980.00", "nominal": "1800.00",
        "sets": [{"id": id(&sale.set), "p": "900.00", "d": "100.00", "ps": [id(&ten)]}],
    });
    assert_eq!(order["values"], values);
    assert_eq!(counter(&sale, &ten), json!({"held": 2, "used": 0}));
    sale.agent.changes_order(&order, random(&sale, 4)).ok();
    assert_eq!(counter(&sale, &ten), json!({"held": 4, "used": 0}));
    // Fewer uses left than tickets: not applied, and it gives nothing until it does again.
    let more = sale.agent.changes_order(&order, random(&sale, 6)).ok();
    assert_eq!((&more["value"], &more["promocodes"]), (&json!("6000.00"), &json!([id(&ten)])));
    assert_eq!(counter(&sale, &ten), json!({"held": 0, "used": 0}));
    sale.agent.changes_order(&order, random(&sale, 3)).ok();
    assert_eq!(sale.agent.pays(&order)["value"], "2700.00");
    assert_eq!(counter(&sale, &ten), json!({"held": 0, "used": 3}));
    let other =
        sale.agent.orders(json!({"event": sale.event, "random": {id(&sale.set): 2}, "promocodes": ["TEN"]})).ok();
    assert_eq!(counter(&sale, &ten), json!({"held": 2, "used": 3}));
    // What an order answers may be sent back: ids, and null is not given.
    for same in [json!(null), other["promocodes"].clone(), json!([ten["id"], "TEN"])] {
        assert_eq!(sale.agent.changes_order(&other, json!({"promocodes": same})).ok(), other, "{same}");
    }
    let another = code(&sale, json!({"code": "other", "discount": {"fix": "1"}}));
    let refusal = sale.agent.changes_order(&other, json!({"promocodes": [another["id"]]})).refused(400);
    assert_eq!(refusal.fields(), ["promocodes[0]"], "an id is none of a code that the order has not");
    let without = sale.agent.changes_order(&other, json!({"promocodes": []})).ok();
    assert_eq!((&without["value"], &without["promocodes"]), (&json!("2000.00"), &json!([])));
    assert_eq!(counter(&sale, &ten), json!({"held": 0, "used": 3}));
    sale.agent.changes_order(&other, json!({"promocodes": ["ten", "TEN"]})).ok();
    sale.agent.cancels_order(&other).ok();
    assert_eq!(counter(&sale, &ten), json!({"held": 0, "used": 3}));
}

fn a_promocode_that_cannot_be_applied_changes_nothing(server: Server) {
    let sale = server.sale(10, "1000");
    let balcony = sale.organizer.makes_set(&sale.event, 5, "500");
    let later = Period::new(server.now() + minutes(60), server.now() + minutes(120)).unwrap().to_vevent();
    let tenth = json!({"percentage": "10%"});
    for (name, rest) in [
        ("LATER", json!({"lifetime": later})),
        ("BALCONY", json!({"sets": [id(&balcony)]})),
        ("THREE", json!({"tickets_count": {"min": 3}})),
        ("ONE", json!({"tickets_count": {"max": 1}})),
        ("LAST", json!({"amount": 1})),
    ] {
        let mut new = json!({"code": name, "discount": tenth});
        new.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        code(&sale, new);
    }
    code(&sale, json!({"code": "GOOD", "discount": tenth}));
    let order = sale.agent.orders_of(&sale.set, 2).ok();
    for name in ["LATER", "BALCONY", "THREE", "ONE", "LAST", "UNKNOWN"] {
        let change = json!({"promocodes": ["good", name], "customer": {"first_name": "Anna"}});
        let refusal = sale.agent.changes_order(&order, change).refused(400);
        assert_eq!(refusal.fields(), ["promocodes[1]"], "{name}");
        let new = json!({"event": sale.event, "random": {id(&sale.set): 2}, "promocodes": [name]});
        assert_eq!(sale.agent.orders(new).refused(400).fields(), ["promocodes[0]"], "{name}");
    }
    let new = json!({"event": sale.event, "promocodes": ["GOOD"]});
    assert_eq!(sale.agent.orders(new).refused(400).fields(), ["promocodes[0]"], "there are no tickets");
    assert_eq!(sale.agent.sees_order(&order), order);
    assert_eq!((sale.agent.get(ORDERS).list().len(), vacant(&sale)), (1, 8));
    assert_eq!(server.number("select cast(sum(held) as bigint) from promocodes"), 0);
}

fn while_it_waits_its_promocodes_stay_and_may_be_sent_back(server: Server) {
    let sale = server.sale(10, "1000");
    let [ten, five] = [("Ten", "10%"), ("Five", "5%")]
        .map(|(name, off)| code(&sale, json!({"code": name, "discount": {"percentage": off}})));
    let new = json!({"event": sale.event, "random": {id(&sale.set): 2}, "promocodes": ["ten", "five"]});
    let order = sale.agent.orders(new).ok();
    let order = sale.agent.sets_order(&order, "in_progress").ok();
    server.advance(minutes(1));
    for same in [order["promocodes"].clone(), json!(["FIVE", " ten"]), json!(["ten", "TEN", five["id"]])] {
        assert_eq!(sale.agent.changes_order(&order, json!({"promocodes": same})).ok(), order, "{same}");
    }
    for other in [json!(["ten", "NOPE", "five"]), json!(["ten"]), json!([]), json!(["NOPE", ten["id"]])] {
        let change = json!({"promocodes": other, "customer": {"first_name": "Anna"}, "status": "canceled"});
        let refusal = sale.agent.changes_order(&order, change).refused(400);
        assert_eq!((refusal.fields(), refusal.codes()), (vec!["promocodes"], vec!["conflict"]), "{other}");
    }
    assert_eq!(sale.agent.sees_order(&order), order);
    let all = json!({"status": "done", "promocodes": ["five", "ten"], "tickets": order["tickets"]});
    assert_eq!(sale.agent.changes_order(&order, all).ok()["status"], "done");
    assert_eq!(counter(&sale, &ten), json!({"held": 0, "used": 2}));
    let without = sale.agent.orders_of(&sale.set, 1).ok();
    sale.agent.sets_order(&without, "in_progress").ok();
    let done = sale.agent.changes_order(&without, json!({"status": "done", "promocodes": []})).ok();
    assert_eq!((&done["status"], &done["promocodes"]), (&json!("done"), &json!([])));
}

fn while_it_waits_a_promocode_gives_no_more_than_before(server: Server) {
    let sale = server.sale(10, "1000");
    let last = code(&sale, json!({"code": "LAST", "discount": {"percentage": "10%"}, "amount": 3}));
    let new = |count: usize| json!({"event": sale.event, "random": {id(&sale.set): count}, "promocodes": ["LAST"]});
    let (other, order) = (sale.agent.orders(new(2)).ok(), sale.agent.orders(new(1)).ok());
    // Too few uses are left for two tickets of it, until the other gives its own back.
    assert_eq!(sale.agent.changes_order(&order, random(&sale, 2)).ok()["value"], "2000.00");
    let order = sale.agent.asks_for_payment(&order);
    sale.agent.cancels_order(&other).ok();
    assert_eq!(sale.agent.changes_order(&order, json!({"promocodes": ["LAST"]})).ok(), order);
    assert_eq!(counter(&sale, &last), json!({"held": 0, "used": 0}));
}

fn the_best_promocode_counts_and_stays_valid_after_its_lifetime(server: Server) {
    let sale = server.sale(10, "1000");
    let balcony = sale.organizer.makes_set(&sale.event, 5, "500");
    let now = Period::new(server.now() - minutes(1), server.now() + minutes(5)).unwrap().to_vevent();
    let tenth = code(&sale, json!({"code": "TEN", "discount": {"percentage": "10%"}, "lifetime": now}));
    let fix = code(&sale, json!({"code": "FIX", "discount": {"fix": "70.00"}}));
    let both = json!({
        "event": sale.event, "random": {id(&sale.set): 1, id(&balcony): 1}, "promocodes": ["FIX", "TEN"]
    });
    let order = sale.agent.orders(both).ok();
    // 10% is more of 1000, 70.00 more of 500; they never add up.
    assert_eq!((&order["value"], &order["values"]["discount"]), (&json!("1330.00"), &json!("170.00")));
    assert_eq!((counter(&sale, &tenth)["held"].clone(), counter(&sale, &fix)["held"].clone()), (json!(1), json!(1)));
    server.advance(minutes(6));
    let more = sale.agent.changes_order(&order, json!({"random": {id(&sale.set): 2}})).ok();
    assert_eq!(more["value"], "1800.00");
    let again = sale.agent.changes_order(&order, json!({"promocodes": ["ten"]})).ok();
    assert_eq!((&again["value"], &again["promocodes"]), (&json!("1800.00"), &json!([id(&tenth)])));
    let new = json!({"event": sale.event, "random": {id(&sale.set): 1}, "promocodes": ["TEN"]});
    assert_eq!(sale.agent.orders(new).refused(400).fields(), ["promocodes[0]"]);
}

fn the_last_uses_of_a_promocode_come_back_from_an_expired_order(server: Server) {
    let sale = server.sale(10, "1000");
    let last = code(&sale, json!({"code": "LAST", "discount": {"percentage": "10%"}, "amount": 2}));
    let new = json!({"event": sale.event, "random": {id(&sale.set): 2}, "promocodes": ["LAST"]});
    let first = sale.agent.orders(new.clone()).ok();
    sale.agent.orders(new.clone()).refused(400);
    server.advance(minutes(10));
    assert_eq!(counter(&sale, &last), json!({"held": 0, "used": 0}));
    assert_eq!(sale.agent.orders(new).ok()["value"], "1800.00");
    assert_eq!(counter(&sale, &last), json!({"held": 2, "used": 0}));
    server.run_jobs();
    assert_eq!((counter(&sale, &last)["held"].clone(), vacant(&sale)), (json!(2), 8));
    assert_eq!(sale.agent.sees_order(&first)["status"], "expired");
}

fn several_changes_are_applied_in_their_sequence_or_not_at_all(server: Server) {
    let sale = server.sale(10, "1000");
    let three = code(&sale, json!({"code": "THREE", "discount": {"fix": "1000.00"}, "tickets_count": {"min": 3}}));
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    // The code fits the new tickets, and the status the new payment and sum: it costs nothing then.
    let change = json!({
        "status": "in_progress", "promocodes": ["three"], "random": {id(&sale.set): 3},
        "payment": {"system": "test", "success_url": "https://example.com/thanks", "send_tickets": true},
        "customer": {"email": "Anna@Example.com", "first_name": "Anna"},
    });
    let changed = sale.agent.changes_order(&order, change).ok();
    let expected = json!({
        "status": "in_progress", "tickets": 3, "full": "0.00", "email": "Anna@Example.com",
        "url": "https://example.com/thanks", "held": 3,
    });
    let seen = json!({
        "status": changed["status"], "tickets": tickets(&changed).len(), "full": changed["values"]["full"],
        "email": changed["customer"]["email"], "url": changed["payment"]["success_url"],
        "held": counter(&sale, &three)["held"],
    });
    assert_eq!(seen, expected);

    let order = sale.agent.orders_of(&sale.set, 1).ok();
    let wrong = json!({
        "status": "done", "random": {id(&sale.set): 4}, "promocodes": ["three"], "customer": {"first_name": "Olga"}
    });
    assert_eq!(sale.agent.changes_order(&order, wrong).refused(400).fields(), ["status"]);
    assert_eq!(sale.agent.sees_order(&order), order);
    assert_eq!((vacant(&sale), counter(&sale, &three)["held"].clone()), (6, json!(3)));
    // A new order may wait at once.
    let new = json!({"event": sale.event, "random": {id(&sale.set): 1}, "status": "in_progress"});
    let new = sale.agent.orders(new).ok();
    assert_eq!(new["reserved_till"], write_v1(server.now() + SignedDuration::from_hours(12)));
}

fn a_customer_is_merged_and_kept_by_the_vendor(server: Server) {
    let sale = server.sale(10, "1000");
    let anna = json!({"email": "anna@example.com", "first_name": "Anna", "mobile": "+7 910 100-20-30", "lang": "ru"});
    let order = sale.agent.orders(json!({"event": sale.event, "customer": anna, "random": {id(&sale.set): 1}})).ok();
    let customer = order["customer"]["user"].clone();
    assert!(customer.is_string());
    let change = |patch: Value| sale.agent.changes_order(&order, json!({"customer": patch})).ok()["customer"].clone();
    let expected = json!({
        "email": "anna@example.com", "first_name": null, "lang": "ru", "last_name": "Ivanova",
        "mobile": "+7 910 100-20-30", "user": customer,
    });
    assert_eq!(change(json!({"first_name": null, "last_name": "Ivanova", "user": "1"})), expected);
    assert_eq!(change(json!({})), expected);
    // The same address is the same customer, of this vendor alone.
    let again = sale.agent.orders(json!({"event": sale.event, "customer": {"email": "ANNA@example.com"}})).ok();
    assert_eq!(again["customer"]["user"], customer);
    let other = sale.organizer.orders(json!({"event": sale.event, "customer": {"email": "anna@example.com"}})).ok();
    assert_ne!(other["customer"]["user"], customer);
    let nobody = json!({
        "email": null, "first_name": null, "lang": null, "last_name": null, "mobile": null, "user": null
    });
    assert_eq!(change(Value::Null), nobody);
    // It is never somebody's account.
    let user = server.new_user().to_string();
    let email = server.email_of(&user);
    let order = sale.agent.orders(json!({"event": sale.event, "customer": {"email": email}})).ok();
    assert_ne!(order["customer"]["user"], user);
}

fn a_payment_system_is_named_or_its_id_is(server: Server) {
    let sale = server.sale(10, "1000");
    let base = "500000007061792d62617365";
    for system in ["api/BASE", base, "500000007061792D62617365"] {
        let order = sale.agent.orders(json!({"event": sale.event, "payment": {"system": system}})).ok();
        assert_eq!(order["payment"]["system"], base);
    }
    let urls = json!({"success_url": "https://example.com/ok", "failure_url": "http://example.com/no"});
    let order = sale.agent.orders(json!({"event": sale.event, "payment": urls, "random": {id(&sale.set): 1}})).ok();
    let seen = (&order["payment"]["success_url"], &order["payment"]["failure_url"], &order["payment"]["system"]);
    assert_eq!(seen, (&urls["success_url"], &urls["failure_url"], &Value::Null));
    let change = |payment: Value| sale.agent.changes_order(&order, json!({"payment": payment}));
    assert_eq!(change(json!({"success_url": null})).ok()["payment"]["success_url"], Value::Null);
    let strict = sale.agent.saying("Prefer", "handling=strict");
    strict.changes_order(&order, json!({"payment": {"send_tickets": true}})).ok();
    strict.changes_order(&order, json!({"payment": {"sent": true}})).refused(400);
    sale.agent.sets_order(&order, "in_progress").ok();
    assert_eq!(change(json!({"system": "test"})).refused(400).fields(), ["payment.system"]);
    assert_eq!(change(json!({"system": "api/BASE"})).ok()["payment"]["system"], base);
    assert_eq!(change(json!({"success_url": urls["success_url"]})).refused(400).fields(), ["payment.success_url"]);
    assert_eq!(change(json!({"failure_url": null})).refused(400).fields(), ["payment.failure_url"]);
    let same = json!({"success_url": null, "failure_url": urls["failure_url"]});
    assert_eq!(change(same).ok()["payment"]["failure_url"], urls["failure_url"]);
}

fn only_its_payment_system_says_that_an_order_is_paid(server: Server) {
    let sale = server.sale(10, "1000");
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    let change = json!({"payment": {"system": "test"}, "status": "in_progress"});
    sale.agent.changes_order(&order, change).ok();
    for who in [&sale.agent, &server.platform()] {
        let refusal = who.sets_order(&order, "done").refused(400);
        assert_eq!(refusal.fields(), ["status"]);
        assert!(refusal.reason.contains("payment system"), "{}", refusal.reason);
    }
    assert_eq!(sale.agent.sees_order(&order)["status"], "in_progress");
    sale.agent.cancels_order(&order).ok();
    assert_eq!(vacant(&sale), 10);
}

fn an_order_that_costs_nothing_is_done_without_a_payment(server: Server) {
    let sale = server.sale(10, "0");
    for system in ["test", "api/BASE"] {
        let order = sale.agent.orders_of(&sale.set, 1).ok();
        assert_eq!(order["values"]["full"], "0.00");
        let change = json!({"payment": {"system": system}, "status": "in_progress"});
        assert_eq!(sale.agent.changes_order(&order, change).ok()["status"], "in_progress");
        assert_eq!(sale.agent.sets_order(&order, "done").ok()["status"], "done");
    }
}

fn a_ticket_that_is_sold_again_gets_a_new_barcode(server: Server) {
    let sale = server.sale(1, "1000");
    let first = order_in(&server, &sale, "done");
    let barcode = |order: &Value| sale.organizer.sees_tickets_of(order)[0]["barcode"].clone();
    let old = barcode(&first);
    // As a refund gives it back.
    let (order, ticket) = (id(&first).parse().unwrap(), tickets(&first)[0].parse().unwrap());
    server.write(move |tx| {
        let mut counts = Counts::default();
        assert_eq!(stock::release(tx, &mut counts, order, &[ticket])?.len(), 1);
        Ok(counts.write(tx, order)?)
    });
    assert_eq!(vacant(&sale), 1);
    let second = sale.agent.orders_of(&sale.set, 1).ok();
    assert_eq!(tickets(&second), tickets(&first));
    assert_eq!(barcode(&second), Value::Null);
    sale.agent.pays(&second);
    assert!(is_barcode(barcode(&second).as_str().unwrap()));
    assert_ne!(barcode(&second), old);
    // What another order has taken is not given back by the former.
    server.write(move |tx| {
        let mut counts = Counts::default();
        assert_eq!(stock::release(tx, &mut counts, order, &[ticket])?.len(), 0);
        Ok(counts.write(tx, order)?)
    });
    assert_eq!(vacant(&sale), 0);
}

fn cancelling_an_event_cancels_its_live_orders(server: Server) {
    let sale = server.sale(20, "1000");
    let ten = code(&sale, json!({"code": "TEN", "discount": {"percentage": "10%"}}));
    let expired = order_in(&server, &sale, "expired");
    let new = json!({"event": sale.event, "random": {id(&sale.set): 2}, "promocodes": ["TEN"]});
    let executed = sale.agent.orders(new).ok();
    let (waiting, done) = (order_in(&server, &sale, "in_progress"), order_in(&server, &sale, "done"));
    sale.organizer.changes_event(&sale.event, json!({"status": "cancelled"})).ok();
    for (order, status) in [(&executed, "canceled"), (&waiting, "canceled"), (&done, "done"), (&expired, "expired")] {
        let seen = sale.agent.sees_order(order);
        assert_eq!((&seen["status"], &seen["tickets"]), (&json!(status), &order["tickets"]));
    }
    assert_eq!((vacant(&sale), counter(&sale, &ten)), (19, json!({"held": 0, "used": 0})));
    assert_eq!(server.number("select cast(sum(taken) as bigint) from set_counters"), 1);
    assert!(sale.organizer.orders_of(&sale.set, 1).refused(400).reason.contains("cancelled"));
}

fn an_event_with_live_or_done_orders_is_not_removed(server: Server) {
    let sale = server.sale(20, "1000");
    let path = format!("/v1/resources/events/{}", sale.event);
    let remove = || sale.organizer.delete(&path);
    let waiting = order_in(&server, &sale, "in_progress");
    assert_eq!(remove().refused(409).codes(), ["orders"]);
    sale.agent.cancels_order(&waiting).ok();
    let executed = order_in(&server, &sale, "executed");
    remove().refused(409);
    server.advance(minutes(10));
    assert_eq!(remove().ok(), json!({}), "what has expired keeps nothing");
    assert_eq!(sale.agent.sees_order(&executed)["status"], "expired");

    let sale = server.sale(20, "1000");
    order_in(&server, &sale, "done");
    sale.organizer.delete(&format!("/v1/resources/events/{}", sale.event)).refused(409);
}

fn a_partner_with_live_orders_is_not_removed(server: Server) {
    let sale = server.sale(20, "1000");
    let order = order_in(&server, &sale, "in_progress");
    sale.agent.closes(&sale.deal).ok();
    for partner in [&sale.agent, &sale.organizer] {
        let refusal = partner.delete(&format!("/v1/resources/partners/{}", partner.partner())).refused(409);
        assert_eq!(refusal.codes(), ["live_orders"]);
        assert!(refusal.reason.contains(id(&order)), "{}", refusal.reason);
    }
    sale.agent.cancels_order(&order).ok();
    sale.agent.delete(&format!("/v1/resources/partners/{}", sale.agent.partner())).ok();
    // Of a removed organizer nothing is sold.
    let other = server.sale(5, "1000");
    other.organizer.closes(&other.deal).ok();
    let removed: parterre::domain::id::PartnerId = other.organizer.partner().parse().unwrap();
    server.write(move |tx| {
        let mut partner = store::partners::find(tx, removed)?.unwrap();
        partner.removed = true;
        Ok(store::partners::update(tx, &partner)?)
    });
    assert!(other.organizer.orders_of(&other.set, 1).refused(400).reason.contains("removed"));
}

/// What one may do with an order: read it, change it, cancel it.
fn may(caller: &Actor<'_>, sale: &Sale<'_>) -> [u16; 5] {
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    let path = order_path(&order);
    [
        caller.get(&path).status,
        caller.get(&format!("{path}/tickets")).status,
        caller.patch(&path, json!({"customer": {"first_name": "Anna"}})).status,
        caller.patch(&path, json!({"status": "in_progress"})).status,
        caller.delete(&path).status,
    ]
}

fn an_order_is_for_its_vendor_the_organizer_and_the_platform(server: Server) {
    let sale = server.sale(100, "1000");
    let (all, read, none) = ([200; 5], [200, 200, 403, 403, 200], [403; 5]);
    let member = |of: &Actor<'_>, role| server.member_of(of.partner(), role);
    assert_eq!(may(&sale.agent, &sale), all);
    assert_eq!(may(&server.owner_of(&sale.agent), &sale), all);
    assert_eq!(may(&member(&sale.agent, MemberRole::Cashier), &sale), all);
    assert_eq!(may(&member(&sale.agent, MemberRole::Gate), &sale), none);
    assert_eq!(may(&server.platform(), &sale), all);
    assert_eq!(may(&sale.organizer, &sale), read);
    assert_eq!(may(&member(&sale.organizer, MemberRole::Cashier), &sale), read);
    assert_eq!(may(&member(&sale.organizer, MemberRole::Gate), &sale), none);
    assert_eq!(may(&server.agent(), &sale), none);
    assert_eq!(may(&server.organizer(), &sale), none);
    assert_eq!(may(&server.newcomer(), &sale), none);
    assert_eq!(may(&server.nobody(), &sale), [401; 5]);
    // Another agent of the same event sees none of it.
    let other = server.agent();
    let deal = other.proposes(&sale.event, sale.organizer.partner()).ok();
    sale.organizer.accepts(&deal).ok();
    assert_eq!(may(&other, &sale), none);
    // What the vendor keeps with it is not shown.
    assert_eq!(sale.agent.orders_of(&sale.set, 1).ok().get("vendor_data"), None);
}

fn the_organizer_cancels_an_order_and_nothing_else(server: Server) {
    let sale = server.sale(10, "1000");
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    for change in [
        json!({"status": "in_progress"}),
        json!({"status": "done"}),
        json!({"status": "canceled", "customer": {"first_name": "Anna"}}),
        random(&sale, 2),
        json!({"promocodes": []}),
        json!({"payment": {"system": "test"}}),
    ] {
        sale.organizer.changes_order(&order, change).refused(403);
    }
    assert_eq!(sale.agent.sees_order(&order), order);
    assert_eq!(sale.organizer.sets_order(&order, "canceled").ok()["status"], "canceled");
    let done = order_in(&server, &sale, "done");
    sale.organizer.sets_order(&done, "canceled").refused(400);
    sale.organizer.cancels_order(&done).refused(400);
}

fn a_barcode_is_for_the_organizer_the_platform_and_the_vendor_of_the_done_order(server: Server) {
    let sale = server.sale(10, "1000");
    let barcode = |caller: &Actor<'_>, order: &Value| {
        let listed = caller.sees_tickets_of(order)[0]["barcode"].clone();
        let path = format!("{}?fields-schema=tickets{{barcode}}", order_path(order));
        assert_eq!(caller.get(&path).ok(), json!({"tickets": [{"barcode": listed}]}));
        let path = format!("/v1/resources/events/{}/sets/{}/tickets/{}", sale.event, id(&sale.set), tickets(order)[0]);
        assert_eq!(caller.get(&path).ok()["barcode"], listed);
        listed
    };
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    for caller in [&sale.agent, &sale.organizer, &server.platform()] {
        assert_eq!(barcode(caller, &order), Value::Null, "it is not sold yet");
    }
    sale.agent.pays(&order);
    let sold = barcode(&sale.agent, &order);
    assert!(is_barcode(sold.as_str().unwrap()));
    assert_eq!((barcode(&sale.organizer, &order), barcode(&server.platform(), &order)), (sold.clone(), sold));
    let own = sale.organizer.orders_of(&sale.set, 1).ok();
    sale.organizer.pays(&own);
    let path = format!("/v1/resources/events/{}/sets/{}/tickets/{}", sale.event, id(&sale.set), tickets(&own)[0]);
    for stranger in [&sale.agent, &server.agent()] {
        assert_eq!(stranger.get(&path).ok()["barcode"], Value::Null);
    }
}

fn a_vendor_always_reads_the_event_of_its_order(server: Server) {
    let sale = server.sale(10, "1000");
    let (organizer, agent, event) = (&sale.organizer, &sale.agent, &sale.event);
    let (venue, map) = (organizer.describes_venue("Opera"), organizer.describes_map("Hall"));
    let poster = organizer.uploads("image/png", png(4, 4)).ok();
    let place = json!({"venue": id(&venue), "map": id(&map), "media": {"cover_original": id(&poster)}});
    organizer.changes_event(event, place).ok();
    let seated = json!({
        "name": "Seats", "sector": id(&map["sectors"][1]), "seats": {"1": [[1, 3]]}, "price": "10",
    });
    let seated = organizer.post(&sets_path(event), seated).ok();
    let ten = code(&sale, json!({"code": "TEN", "discount": {"percentage": "10%"}}));
    let wish = json!({"event": event, "random": {id(&sale.set): 1, id(&seated): 1}, "promocodes": ["TEN"]});
    let order = agent.orders(wish).ok();
    agent.pays(&order);

    // Whatever could open the event is gone: the deal is closed, the event is a draft, its place and poster are removed.
    agent.closes(&sale.deal).ok();
    organizer.changes_event(event, json!({"status": "draft"})).ok();
    let (stranger, cashier) = (server.agent(), server.member_of(agent.partner(), MemberRole::Cashier));
    let deal = organizer.proposes(event, stranger.partner()).ok();
    stranger.accepts(&deal).ok();

    let ticket = format!("{}/tickets/{}", set_path(&seated), tickets(&order)[1]);
    let event_path = format!("/v1/resources/events/{event}");
    for path in [
        event_path.clone(),
        sets_path(event),
        set_path(&seated),
        format!("{}/tickets", set_path(&sale.set)),
        format!("{event_path}/tickets"),
        ticket.clone(),
    ] {
        for (caller, status) in [(agent, 200), (&cashier, 200), (organizer, 200), (&stranger, 403)] {
            assert_eq!(caller.get(&path).status, status, "{path}");
        }
    }
    for path in [format!("/v1/resources/venues/{}", id(&venue)), format!("/v1/resources/maps/{}", id(&map))] {
        assert_eq!(agent.get(&path).status, 200, "{path}");
    }
    assert!(agent.get(&ticket).ok()["barcode"].is_string(), "it sold that ticket");
    for (query, listed) in
        [(String::new(), true), ("status=draft".to_owned(), true), ("status=public".to_owned(), false)]
    {
        let list = format!("/v1/resources/events?filter=all&ids={event}&{query}&page=1");
        for (caller, sees) in [(agent, listed), (&cashier, listed), (organizer, listed), (&stranger, false)] {
            let answer = caller.get(&list);
            assert_eq!(answer.header("total"), Some(if sees { "1" } else { "0" }), "{list}");
            assert_eq!(answer.ids(), if sees { vec![event.clone()] } else { Vec::new() }, "{list}");
        }
    }

    let schema = "event{title{text},venue{name},map{name,sectors{name}},media,org{name},sets{name}},org{name},\
                  tickets{seat,set{name,sector{name},event{venue{name}}}},promocodes{code,event{title{text}},sets{name}},\
                  deal{event{title{text}}}";
    let opened = agent.get(&format!("{}?fields-schema={}", order_path(&order), schema.replace(' ', ""))).ok();
    assert_eq!(opened["event"]["venue"], json!({"name": "Opera"}));
    assert_eq!(opened["event"]["map"]["sectors"], json!([{"name": "Floor"}, {"name": "Parterre"}]));
    assert_eq!(opened["event"]["sets"], json!([{"name": "Parterre"}, {"name": "Seats"}]));
    assert_eq!(opened["event"]["media"]["cover_original"]["id"], id(&poster));
    assert_eq!((&opened["event"]["title"]["text"], &opened["org"]["name"]), (&json!("Concert"), &json!("Organizer")));
    let there = json!({"venue": {"name": "Opera"}});
    assert_eq!(opened["tickets"][0]["set"], json!({"event": there, "name": "Parterre", "sector": null}));
    assert_eq!(opened["tickets"][1]["set"], json!({"event": there, "name": "Seats", "sector": {"name": "Parterre"}}));
    assert_eq!(opened["tickets"][1]["seat"]["map"], id(&map));
    assert_eq!(opened["promocodes"], json!([{"code": "TEN", "event": {"title": {"text": "Concert"}}, "sets": []}]));
    assert_eq!(opened["deal"], json!({"event": {"title": {"text": "Concert"}}}));
    assert_eq!(id(&ten), order["promocodes"][0]);
    // A stranger whose deal is about the same draft is shown nothing of it.
    let hidden = format!("/v1/resources/deals/{}?fields-schema=event{{id}}", id(&deal));
    assert_eq!(stranger.get(&hidden).ok(), json!({"event": null}));

    let whole = agent.get(&whole_path(&order)).ok();
    for (section, named) in [
        ("events", event.as_str()),
        ("venues", id(&venue)),
        ("sets", id(&sale.set)),
        ("sets", id(&seated)),
        ("promocodes", id(&ten)),
        ("partners", organizer.partner()),
        ("partners", agent.partner()),
    ] {
        assert!(whole["refs"][section][named].is_object(), "{section} {named}");
    }
    assert_eq!(stranger.get(&whole_path(&order)).status, 403);
}

fn lists_are_filtered_and_whole(server: Server) {
    let (sale, other) = (server.sale(300, "1000"), server.sale(10, "1000"));
    let mut made = Vec::new();
    for (at, status) in ["executed", "in_progress", "done", "canceled"].iter().enumerate() {
        made.push((at, order_in(&server, &sale, status)));
        server.advance(SignedDuration::from_secs(10));
    }
    let of = |at: usize| id(&made[at].1).to_owned();
    let own = sale.organizer.orders_of(&sale.set, 1).ok();
    let elsewhere = other.agent.orders_of(&other.set, 1).ok();
    let list = |caller: &Actor<'_>, query: &str| {
        let answer = caller.get(&format!("{ORDERS}?page=1&{query}"));
        let found = answer.ids();
        assert_eq!(answer.header("total"), Some(found.len().to_string().as_str()), "{query}");
        found
    };
    let all: Vec<String> = (0..4).map(of).collect();
    let mut with_own = all.clone();
    with_own.push(id(&own).to_owned());
    assert_eq!(list(&sale.agent, ""), all);
    assert_eq!(list(&sale.organizer, ""), with_own);
    assert_eq!(list(&other.agent, ""), [id(&elsewhere)]);
    assert_eq!(list(&server.agent(), ""), [""; 0]);
    assert_eq!(list(&server.platform(), "").len(), 6);
    for (query, found) in [
        ("status=executed", vec![of(0)]),
        ("status=executed,in_progress", vec![of(0), of(1)]),
        ("status=done&status=cancelled", vec![of(2), of(3)]),
        ("status=expired", vec![]),
        (&format!("event={}", sale.event), all.clone()),
        (&format!("event={}", other.event), vec![]),
        (&format!("vendor={}", sale.agent.partner()), all.clone()),
        (&format!("vendor={}", sale.organizer.partner()), vec![]),
        (&format!("org={}", sale.organizer.partner()), all.clone()),
        (&format!("org={}", other.organizer.partner()), vec![]),
    ] {
        assert_eq!(list(&sale.agent, query), found, "{query}");
    }
    let vendor = format!("vendor={}", sale.organizer.partner());
    assert_eq!(list(&sale.organizer, &vendor), [id(&own)]);
    let at = |at: usize| write_v1(server.now() - SignedDuration::from_secs(40 - 10 * at as i64)).replace('+', "%2B");
    for (query, found) in [
        (format!("created_at={},{}", at(1), at(2)), vec![of(1), of(2)]),
        (format!("created_at={}", at(2)), vec![of(2), of(3)]),
        (format!("created_at={},", at(3)), vec![of(3)]),
        (format!("created_at=,{}", at(0)), vec![of(0)]),
    ] {
        assert_eq!(list(&sale.agent, &query), found, "{query}");
    }
    for (query, field) in [
        ("status=paid", "status"),
        ("event=1", "event"),
        ("created_at=yesterday", "created_at"),
        ("created_at=2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,2026-01-03T00:00:00Z", "created_at"),
    ] {
        assert_eq!(sale.agent.get(&format!("{ORDERS}?{query}")).refused(400).fields(), [field], "{query}");
    }

    for _ in 0..210 {
        sale.agent.orders(json!({"event": sale.event})).ok();
    }
    let whole = sale.organizer.get(ORDERS).ids();
    assert_eq!((whole.len(), whole.is_sorted()), (215, true));
    let page = |page: u32| sale.organizer.get(&format!("{ORDERS}?page={page}&page_size=100"));
    assert_eq!([page(1).ids(), page(2).ids(), page(3).ids()].concat(), whole);
    assert_eq!(page(3).header("total"), Some("215"));
}

fn the_orders_of_a_customer_are_for_its_vendor(server: Server) {
    let sale = server.sale(10, "1000");
    let customer = json!({"email": "anna@example.com"});
    let order = |caller: &Actor<'_>| {
        caller.orders(json!({"event": sale.event, "customer": customer, "random": {id(&sale.set): 1}})).ok()
    };
    let (first, second) = (order(&sale.agent), order(&sale.agent));
    order(&sale.organizer);
    sale.agent.orders_of(&sale.set, 1).ok();
    sale.agent.cancels_order(&second).ok();
    let path = format!("/v1/resources/users/{}/orders", first["customer"]["user"].as_str().unwrap());
    assert_eq!(sale.agent.get(&path).ids(), [id(&first), id(&second)]);
    assert_eq!(sale.agent.get(&format!("{path}?status=canceled")).ids(), [id(&second)]);
    assert_eq!(sale.agent.get(&format!("{path}?event={}", sale.event)).ids().len(), 2);
    assert_eq!(server.platform().get(&path).ids().len(), 2);
    sale.organizer.get(&path).refused(403);
    server.agent().get(&path).refused(403);
    for unknown in ["0123456789abcdef01234567", "xyz", sale.agent.user()] {
        sale.agent.get(&format!("/v1/resources/users/{unknown}/orders")).refused(404);
    }
}

fn an_order_is_made_once_under_one_idempotency_key(server: Server) {
    let sale = server.sale(10, "1000");
    let once = sale.agent.saying("Idempotency-Key", "1");
    let first = once.orders_of(&sale.set, 2);
    let again = once.orders_of(&sale.set, 2);
    assert_eq!((again.status, again.text()), (201, first.text()));
    assert_eq!((vacant(&sale), sale.agent.get(ORDERS).list().len()), (8, 1));
}

fn a_schema_opens_what_an_order_refers_to(server: Server) {
    let sale = server.sale(10, "1000");
    let ten = code(&sale, json!({"code": "TEN", "discount": {"percentage": "10%"}}));
    let new = json!({"event": sale.event, "random": {id(&sale.set): 1}, "promocodes": ["TEN"]});
    let order = sale.agent.orders(new).ok();
    let schema = "deal{status},event{title{text}},org{name},promocodes{code},tickets{number,set{name}},values{full},vendor{name}";
    let expected = json!({
        "deal": {"status": "accepted"}, "event": {"title": {"text": "Concert"}}, "org": {"name": "Organizer"},
        "promocodes": [{"code": "TEN"}], "tickets": [{"number": 1, "set": {"name": "Parterre"}}],
        "values": {"full": "990.00"}, "vendor": {"name": "Agent"},
    });
    let path = format!("{}?fields-schema={schema}", order_path(&order));
    for caller in [&sale.agent, &sale.organizer, &server.platform()] {
        assert_eq!(caller.get(&path).ok(), expected);
    }
    assert_eq!(id(&ten), order["promocodes"][0]);
    // Cashiers see orders, not what the partners agreed.
    let cashier = server.member_of(sale.agent.partner(), MemberRole::Cashier);
    assert_eq!(cashier.get(&path).ok()["deal"], Value::Null);
    // However many orders there are, the number of statements is the same.
    let statements = |count: usize| {
        (0..count).for_each(|_| drop(sale.agent.orders_of(&sale.set, 1).ok()));
        let list = format!("{ORDERS}?page=1&fields-schema={schema}");
        server.statements_of(|| sale.agent.get(&list).list().len()).0
    };
    assert_eq!(statements(1), statements(6));
}

fn a_list_of_tickets_that_lost_its_place_breaks_off(server: Server) {
    let sale = server.sale(5, "1000");
    let order = sale.agent.orders_of(&sale.set, 3).ok();
    let tickets = order["tickets"].as_array().unwrap().clone();
    let (of, after): (OrderId, TicketId) = (id(&order).parse().unwrap(), tickets[1].as_str().unwrap().parse().unwrap());
    let agent = sale.agent.partner().parse().unwrap();
    let rest = || {
        let next = server.app.store.read(move |tx| {
            let roles = store::partners::find(tx, agent)?.unwrap().roles;
            let caller = Caller { user: None, partner: Some(Acting { id: agent, roles, role: MemberRole::Manager }) };
            app::orders::tickets(tx, &caller, of, Window { after: Some(after), skip: 0, limit: 2 })
        });
        let listed = server.wait_for(next);
        listed.map(|views| views.iter().map(|view| view.ticket.id.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(rest().unwrap(), [tickets[2].as_str().unwrap()]);
    sale.agent.changes_order(&order, json!({"tickets": [tickets[0], tickets[2]]})).ok();
    assert!(matches!(rest(), Err(app::Error::Conflict(_))), "rather than from its beginning again");
}
