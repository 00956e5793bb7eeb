//! Customers: the records of those who ordered from a vendor (`spec/v1.md`, Users and sessions).

use jiff::SignedDuration;
use parterre::domain::member::MemberRole;
use parterre::domain::order::OrderStatus;
use serde_json::json;

use crate::util::stored::Ordered;
use crate::util::{Actor, Server, id};

on_both_engines!(
    Server;
    a_customer_has_the_shape_of_a_user_and_what_its_orders_come_to,
    an_address_is_one_customer_of_each_vendor,
    customers_are_found_by_address_and_name,
    customers_are_found_by_their_orders,
    customers_are_sorted,
    a_long_list_is_whole_in_every_sequence,
    a_vendor_lists_its_own_customers_and_the_platform_all,
    a_customer_is_shown_to_its_vendor_and_the_platform,
    a_list_costs_as_many_statements_whatever_its_length,
);

const USERS: &str = "/v1/resources/users";

fn anna<'a>() -> Ordered<'a> {
    Ordered { email: "anna@example.com", names: ["Anna", "Иванова"], tickets: 2, total: "2200.00" }
}

fn boris<'a>() -> Ordered<'a> {
    Ordered { email: "Boris@example.com", names: ["Boris", "Abramov"], tickets: 1, total: "100.00" }
}

/// The addresses in a list.
fn emails(actor: &Actor<'_>, query: &str) -> Vec<String> {
    let list = actor.get(&format!("{USERS}?{query}")).list();
    list.iter().map(|customer| customer["email"].as_str().unwrap().to_owned()).collect()
}

fn a_customer_has_the_shape_of_a_user_and_what_its_orders_come_to(server: Server) {
    let vendor = server.organizer();
    let event = server.event_of(&vendor);
    server.stored_order(&vendor, &event, OrderStatus::Done, &anna());
    server.stored_order(&vendor, &event, OrderStatus::Done, &Ordered { total: "100.01", tickets: 3, ..anna() });
    for status in [OrderStatus::Executed, OrderStatus::Canceled, OrderStatus::Refunded] {
        server.stored_order(&vendor, &event, status, &anna());
    }
    let list = vendor.get(USERS).list();
    let time = "2026-11-21T10:00:00.000000+00:00";
    let expected = json!({
        "created_at": time, "email": "anna@example.com", "first_name": "Anna", "id": list[0]["id"],
        "last_name": "Иванова", "partners": [], "tags": [], "updated_at": time,
        // Half of 2300.01 is rounded to the even one.
        "crm": {"values": {"avg": "1150.00", "sum": "2300.01"}, "counters": {"orders": 2, "tickets": 5}}
    });
    assert_eq!(list, [expected]);
    let narrowed = vendor.get(&format!("{USERS}?fields-schema=email,crm{{counters{{orders}}}}")).list();
    assert_eq!(narrowed, [json!({"email": "anna@example.com", "crm": {"counters": {"orders": 2}}})]);

    // Without a done order there is nothing to count.
    let other = server.organizer();
    server.stored_order(&other, &server.event_of(&other), OrderStatus::Executed, &anna());
    let nothing = json!({"values": {"avg": "0.00", "sum": "0.00"}, "counters": {"orders": 0, "tickets": 0}});
    assert_eq!(other.get(USERS).list()[0]["crm"], nothing);
}

fn an_address_is_one_customer_of_each_vendor(server: Server) {
    let (vendor, other) = (server.organizer(), server.organizer());
    let (event, of_other) = (server.event_of(&vendor), server.event_of(&other));
    server.stored_order(&vendor, &event, OrderStatus::Done, &anna());
    server.stored_order(&other, &of_other, OrderStatus::Done, &anna());
    server.advance(SignedDuration::from_secs(1));
    let later = Ordered { email: "ANNA@example.com", names: ["Anya", ""], ..anna() };
    server.stored_order(&vendor, &event, OrderStatus::Done, &later);
    let list = vendor.get(USERS).list();
    assert_eq!(list.len(), 1);
    assert_eq!((&list[0]["first_name"], &list[0]["last_name"]), (&json!("Anya"), &json!("Иванова")));
    assert_eq!(list[0]["updated_at"], "2026-11-21T10:00:01.000000+00:00");
    let list = other.get(USERS).list();
    assert_eq!((list.len(), &list[0]["first_name"]), (1, &json!("Anna")), "the other vendor's record is its own");
    // A user with the address has nothing to do with it.
    server.nobody().post(USERS, json!({"email": "anna@example.com", "password": "long enough"})).ok();
    assert_eq!(other.get(USERS).list(), list);
}

fn customers_are_found_by_address_and_name(server: Server) {
    let vendor = server.organizer();
    let event = server.event_of(&vendor);
    for ordered in [anna(), boris(), Ordered { email: "c%d@example.com", ..Ordered::default() }] {
        server.stored_order(&vendor, &event, OrderStatus::Done, &ordered);
    }
    for (suggest, expected) in [
        ("ANNA", vec!["anna@example.com"]),
        ("иВАНова", vec!["anna@example.com"]),
        ("boris abr", vec!["Boris@example.com"]),
        ("boris@", vec!["Boris@example.com"]),
        ("c%25d", vec!["c%d@example.com"]),
        ("%25", vec!["c%d@example.com"]),
        ("nobody", vec![]),
        ("", vec!["anna@example.com", "Boris@example.com", "c%d@example.com"]),
    ] {
        let suggest = suggest.replace(' ', "%20");
        assert_eq!(emails(&vendor, &format!("suggest={suggest}")), expected, "{suggest}");
    }
    // What is learned later is found too.
    let later = Ordered { names: ["", "Sidorova"], ..anna() };
    server.stored_order(&vendor, &event, OrderStatus::Done, &later);
    assert_eq!(emails(&vendor, "suggest=anna%20sidorova"), ["anna@example.com"]);
}

fn customers_are_found_by_their_orders(server: Server) {
    let vendor = server.organizer();
    let (event, other) = (server.event_of(&vendor), server.event_of(&vendor));
    server.stored_order(&vendor, &event, OrderStatus::Done, &anna());
    server.stored_order(&vendor, &event, OrderStatus::Executed, &boris());
    server.stored_order(&vendor, &other, OrderStatus::InProgress, &boris());
    let of = |query: &str| emails(&vendor, query);
    assert_eq!(of(&format!("order_event={event}")), ["anna@example.com", "Boris@example.com"]);
    assert_eq!(of(&format!("order_event={other}")), ["Boris@example.com"]);
    for (statuses, expected) in [
        ("done", vec!["anna@example.com"]),
        ("executed", vec!["Boris@example.com"]),
        ("done,executed", vec!["anna@example.com", "Boris@example.com"]),
        ("in_progress", vec![]),
        ("expired,cancelled,canceled,refunded", vec![]),
    ] {
        assert_eq!(of(&format!("order_event={event}&order_status={statuses}")), expected, "{statuses}");
    }
    server.advance(SignedDuration::from_mins(10));
    assert_eq!(of(&format!("order_event={event}&order_status=expired")), ["Boris@example.com"]);
    assert_eq!(of(&format!("order_event={event}&order_status=executed")), [] as [String; 0]);

    let refusal = vendor.get(&format!("{USERS}?order_status=done")).refused(400);
    assert_eq!(refusal.fields(), ["order_status"]);
    for (query, field) in [("order_event=x", "order_event"), ("sort=name", "sort"), ("page_size=0", "page_size")] {
        assert_eq!(vendor.get(&format!("{USERS}?{query}")).refused(400).fields(), [field]);
    }
    assert_eq!(
        vendor.get(&format!("{USERS}?order_event={event}&order_status=x")).refused(400).fields(),
        ["order_status"]
    );
}

fn customers_are_sorted(server: Server) {
    let vendor = server.organizer();
    let event = server.event_of(&vendor);
    for (email, name) in [("b@tc.ru", "anna"), ("C@tc.ru", "Яна"), ("a@tc.ru", "Boris"), ("d@tc.ru", "")] {
        let ordered = Ordered { email, names: [name, ""], ..Ordered::default() };
        server.stored_order(&vendor, &event, OrderStatus::Done, &ordered);
    }
    for (sort, expected) in [
        ("", ["b@tc.ru", "C@tc.ru", "a@tc.ru", "d@tc.ru"]),
        ("email", ["a@tc.ru", "b@tc.ru", "C@tc.ru", "d@tc.ru"]),
        ("-email", ["d@tc.ru", "C@tc.ru", "b@tc.ru", "a@tc.ru"]),
        ("suggest", ["d@tc.ru", "b@tc.ru", "a@tc.ru", "C@tc.ru"]),
        ("-suggest", ["C@tc.ru", "a@tc.ru", "b@tc.ru", "d@tc.ru"]),
    ] {
        assert_eq!(emails(&vendor, &format!("sort={sort}")), expected, "{sort}");
        let page = vendor.get(&format!("{USERS}?sort={sort}&page=2&page-size=3"));
        assert_eq!(page.header("total"), Some("4"));
        assert_eq!(page.list()[0]["email"], expected[3], "{sort}");
    }
}

fn a_long_list_is_whole_in_every_sequence(server: Server) {
    let vendor = server.organizer();
    let event = server.event_of(&vendor);
    // More than one batch, and names that many share.
    let mut made = Vec::new();
    for number in 0..450_u32 {
        let email = format!("{:03}@tc.ru", number * 7 % 450);
        let name = format!("Name {}", number % 3);
        let ordered = Ordered { email: &email, names: [&name, ""], ..Ordered::default() };
        server.stored_order(&vendor, &event, OrderStatus::Done, &ordered);
        made.push(email);
    }
    assert_eq!(emails(&vendor, ""), made);
    made.sort();
    assert_eq!(emails(&vendor, "sort=email"), made);
    let by_name = emails(&vendor, "sort=suggest");
    let mut down = emails(&vendor, "sort=-suggest");
    down.reverse();
    assert_eq!(by_name, down);
    let mut sorted = by_name;
    sorted.sort();
    assert_eq!(sorted, made);
}

fn a_vendor_lists_its_own_customers_and_the_platform_all(server: Server) {
    let (vendor, other) = (server.organizer(), server.organizer());
    let event = server.event_of(&vendor);
    server.stored_order(&vendor, &event, OrderStatus::Done, &anna());
    server.stored_order(&other, &server.event_of(&other), OrderStatus::Done, &boris());
    let cashier = server.member_of(vendor.partner(), MemberRole::Cashier);
    for own in [&vendor, &cashier] {
        assert_eq!(emails(own, ""), ["anna@example.com"]);
        assert_eq!(own.get(USERS).header("total"), Some("1"), "without a page as well");
        assert_eq!(emails(own, "suggest=boris"), [] as [String; 0]);
    }
    assert_eq!(emails(&other, &format!("order_event={event}")), [] as [String; 0]);
    assert_eq!(emails(&server.platform(), ""), ["anna@example.com", "Boris@example.com"]);
    assert_eq!(emails(&server.agent(), ""), [] as [String; 0]);
    server.member_of(vendor.partner(), MemberRole::Gate).get(USERS).refused(403);
    server.newcomer().get(USERS).refused(403);
    server.nobody().get(USERS).refused(401);
}

fn a_customer_is_shown_to_its_vendor_and_the_platform(server: Server) {
    let (vendor, other) = (server.organizer(), server.organizer());
    server.stored_order(&vendor, &server.event_of(&vendor), OrderStatus::Done, &anna());
    let listed = vendor.get(USERS).list().remove(0);
    let path = format!("{USERS}/{}", id(&listed));
    let (cashier, platform) = (server.member_of(vendor.partner(), MemberRole::Cashier), server.platform());
    for caller in [&vendor, &server.owner_of(&vendor), &cashier, &platform] {
        assert_eq!(caller.get(&path).ok(), listed);
        let narrowed = caller.get(&format!("{path}?fields-schema=email,crm{{counters{{orders}}}}")).ok();
        assert_eq!(narrowed, json!({"email": "anna@example.com", "crm": {"counters": {"orders": 1}}}));
    }
    let gate = server.member_of(vendor.partner(), MemberRole::Gate);
    for caller in [&other, &server.agent(), &gate, &server.newcomer()] {
        caller.get(&path).refused(403);
    }
    server.nobody().get(&path).refused(401);
    // It is what orders say of it, and no account.
    for caller in [&vendor, &other, &platform, &server.newcomer()] {
        caller.patch(&path, json!({"first_name": "Olga", "password": "long enough"})).refused(403);
    }
    assert_eq!(vendor.get(&path).ok(), listed);
}

fn a_list_costs_as_many_statements_whatever_its_length(server: Server) {
    let vendor = server.organizer();
    let event = server.event_of(&vendor);
    let statements = || server.statements_of(|| vendor.get(USERS).list()).0;
    server.stored_order(&vendor, &event, OrderStatus::Done, &anna());
    let few = statements();
    for number in 0..50 {
        let email = format!("{number}@tc.ru");
        server.stored_order(&vendor, &event, OrderStatus::Done, &Ordered { email: &email, ..anna() });
    }
    assert_eq!(statements(), few);
}
