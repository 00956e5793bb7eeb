//! Tickets (`spec/v1.md`, Tickets): where they stand, and who sees what opens the gate.

use parterre::domain::deal::DealStatus;
use parterre::domain::id::{OrderId, PartnerId, TicketId};
use parterre::domain::member::MemberRole;
use parterre::domain::time::write_v1;
use parterre::params;
use parterre::store::Statement;
use serde_json::{Value, json};

use crate::util::{Actor, Server, id, set_path};

on_both_engines!(
    Server;
    a_ticket_has_every_field,
    a_list_of_an_event_has_tickets_of_the_sets_it_names,
    tickets_are_listed_by_where_they_stand,
    a_page_of_tickets_goes_on_by_number,
    a_barcode_is_for_the_organizer_and_the_vendor_who_sold_it,
    a_ticket_belongs_to_its_event_and_set,
);

fn tickets_path(event: &str) -> String {
    format!("/v1/resources/events/{event}/tickets")
}

/// Puts a ticket into a state.
fn put(server: &Server, ticket: &Value, status: &'static str, order: Option<OrderId>) {
    let ticket: TicketId = id(ticket).parse().unwrap();
    let till = server.now() + jiff::SignedDuration::from_secs(600);
    server.write(move |tx| {
        let put = Statement::fixed(
            "update tickets set status = $3, reserved_till = $4, order_id = $5, barcode = $6 where bucket = $1 and id = $2",
        );
        let barcode = format!("{ticket}");
        tx.execute(put, params![ticket.bucket(), ticket, status, till, order, barcode])?;
        Ok(())
    });
}

fn a_ticket_has_every_field(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = organizer.makes_set(&event, 2, "100.00");
    let ticket = organizer.sees_tickets(&set)[0].clone();
    let now = write_v1(server.now());
    let serial = ticket["serial"].as_str().unwrap();
    assert!(serial.len() == 3 && serial.bytes().all(|byte| byte.is_ascii_uppercase()), "{serial}");
    let expected = json!({
        "barcode": null, "created_at": now, "id": id(&ticket), "number": 1, "removed": false, "reserved_till": null,
        "seat": {}, "serial": serial, "set": id(&set), "status": "vacant", "updated_at": now,
    });
    let path = format!("{}/{}", tickets_path(&event), id(&ticket));
    assert_eq!(organizer.get(&path).text(), expected.to_string(), "every field, in this order");
    assert_eq!(organizer.get(&format!("{}/tickets/{}", set_path(&set), id(&ticket))).ok(), expected);
    assert_eq!(
        organizer.get(&format!("{path}?fields-schema=seat{{row}},number")).ok(),
        json!({"number": 1, "seat": {}})
    );
    assert_eq!(organizer.sees_tickets(&set)[1]["serial"], serial, "the same for the set");
}

fn a_list_of_an_event_has_tickets_of_the_sets_it_names(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let (one, two) = (organizer.makes_set(&event, 2, "100.00"), organizer.makes_set(&event, 3, "100.00"));
    let elsewhere = organizer.makes_set(&server.event_of(&organizer), 3, "100.00");
    let numbers = |query: &str| {
        let tickets = organizer.get(&format!("{}{query}", tickets_path(&event))).list();
        tickets.iter().map(|ticket| ticket["number"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(""), [0; 0], "only tickets with a seat");
    assert_eq!(numbers(&format!("?set={}", id(&one))), [1, 2]);
    assert_eq!(numbers(&format!("?set={}&set={}", id(&two), id(&one))), [1, 2, 3, 4, 5]);
    assert_eq!(numbers(&format!("?set={}", id(&elsewhere))), [0; 0]);
    assert_eq!(numbers(&format!("?set={}&sector=0123456789abcdef01234567", id(&one))), [0; 0]);
    for wrong in ["set=1", "sector=1", "status=open", "page_size=0"] {
        let name = wrong.split('=').next().unwrap();
        assert_eq!(organizer.get(&format!("{}?{wrong}", tickets_path(&event))).refused(400).fields(), [name]);
    }
}

fn tickets_are_listed_by_where_they_stand(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = organizer.makes_set(&event, 4, "100.00");
    let tickets = organizer.sees_tickets(&set);
    put(&server, &tickets[1], "reserved", None);
    put(&server, &tickets[2], "sold", None);
    let numbers = |status: &str| {
        let answer = organizer.get(&format!("{}/tickets?status={status}&page=1", set_path(&set)));
        let tickets = answer.list();
        assert_eq!(answer.header("total"), Some(tickets.len().to_string().as_str()));
        tickets.iter().map(|ticket| ticket["number"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(numbers("vacant"), [1, 4]);
    assert_eq!((numbers("reserved"), numbers("pending")), (vec![2], vec![2]));
    assert_eq!((numbers("sold"), numbers("done")), (vec![3], vec![3]));
    assert_eq!(numbers("pending,done"), [2, 3]);
    let seen = organizer.sees_tickets(&set);
    assert_eq!(seen[1]["reserved_till"], write_v1(server.now() + jiff::SignedDuration::from_secs(600)));
    assert_eq!((&seen[2]["status"], &seen[2]["reserved_till"]), (&json!("sold"), &json!(null)));
}

fn a_page_of_tickets_goes_on_by_number(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let set = organizer.makes_set(&event, 450, "100.00");
    assert_eq!(organizer.sees_tickets(&set).len(), 450, "in three parts");
    let page = |page: u32| {
        let answer = organizer.get(&format!("{}/tickets?page={page}&page_size=200", set_path(&set)));
        assert_eq!(answer.header("total"), Some("450"));
        answer.list().iter().map(|ticket| ticket["number"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(page(1), (1..=200).collect::<Vec<_>>());
    assert_eq!(page(3), (401..=450).collect::<Vec<_>>());
    assert_eq!(page(4), [0; 0]);
}

/// A done order of a vendor.
fn done_order(
    server: &Server,
    organizer: &Actor<'_>,
    vendor: &Actor<'_>,
    event: &str,
    status: &'static str,
) -> OrderId {
    let event: parterre::domain::id::EventId = event.parse().unwrap();
    let id: OrderId = server.app.new_id_in(event.bucket());
    let (org, vendor): (PartnerId, PartnerId) =
        (organizer.partner().parse().unwrap(), vendor.partner().parse().unwrap());
    server.write(move |tx| {
        let now = tx.now();
        let number = i64::from(id.as_bytes()[11]) + 1;
        let insert = Statement::fixed(
            "insert into orders (bucket, id, event_id, org_id, vendor_id, term_extra, term_core, term_pfc, number, status, \
             origin, reserved_till, customer, send_tickets, rules, currency, tickets, discount, nominal, extra, total, \
             version, created_at, updated_at) values ($1, $2, $3, $4, $5, '0.0%', '0.00%', false, $8, $6, 'api', $7, '{}', \
             false, '{}', 'RUB', 1, 0, 0, 0, 0, 1, $7, $7)",
        );
        tx.execute(insert, params![id.bucket(), id, event, org, vendor, status, now, number])?;
        Ok(())
    });
    id
}

fn a_barcode_is_for_the_organizer_and_the_vendor_who_sold_it(server: Server) {
    let (organizer, vendor, other) = (server.organizer(), server.agent(), server.agent());
    let event = server.event_of(&organizer);
    let set = organizer.makes_set(&event, 4, "100.00");
    let tickets = organizer.sees_tickets(&set);
    let done = done_order(&server, &organizer, &vendor, &event, "done");
    let refunded = done_order(&server, &organizer, &vendor, &event, "refunded");
    put(&server, &tickets[0], "sold", Some(done));
    put(&server, &tickets[1], "sold", Some(refunded));
    put(&server, &tickets[2], "reserved", Some(done));
    let barcodes = |caller: &Actor<'_>| {
        let listed = caller.sees_tickets(&set);
        for ticket in &listed {
            let path = format!("{}/{}?fields-schema=barcode", tickets_path(&event), id(ticket));
            assert_eq!(caller.get(&path).ok()["barcode"], ticket["barcode"]);
        }
        listed.iter().map(|ticket| ticket["barcode"].is_string()).collect::<Vec<_>>()
    };
    assert_eq!(barcodes(&organizer), [true, true, false, false]);
    assert_eq!(barcodes(&server.platform()), [true, true, false, false]);
    assert_eq!(barcodes(&vendor), [true, false, false, false]);
    assert_eq!(barcodes(&other), [false; 4]);
    for (partner, role, seen) in [
        (&organizer, MemberRole::Gate, [true, true, false, false]),
        (&vendor, MemberRole::Cashier, [true, false, false, false]),
        // Who checks tickets at a gate is the organizer's; a vendor's member who may not read its orders reads none of this.
        (&vendor, MemberRole::Gate, [false; 4]),
    ] {
        assert_eq!(barcodes(&server.member_of(partner.partner(), role)), seen, "{role}");
    }
    let deal = server.deal(&organizer, &other, DealStatus::Accepted);
    assert_eq!(barcodes(&other), [false; 4], "a deal opens no barcode: {deal}");
}

fn a_ticket_belongs_to_its_event_and_set(server: Server) {
    let organizer = server.organizer();
    let (event, other) = (server.event_of(&organizer), server.event_of(&organizer));
    let (set, sibling) = (organizer.makes_set(&event, 1, "100.00"), organizer.makes_set(&event, 1, "100.00"));
    let elsewhere = organizer.makes_set(&other, 1, "100.00");
    let ticket = id(&organizer.sees_tickets(&set)[0]).to_owned();
    for path in [
        format!("{}/{ticket}", tickets_path(&other)),
        format!("{}/tickets/{ticket}", set_path(&sibling)),
        format!("{}/tickets/{ticket}", set_path(&elsewhere)),
        format!("{}/tickets/1", set_path(&set)),
        format!("{}/{event}", tickets_path(&event)),
        tickets_path("1"),
        format!("/v1/resources/events/{event}/sets/1/tickets"),
        format!("/v1/resources/events/{event}/sets/{}/tickets", id(&elsewhere)),
    ] {
        organizer.get(&path).refused(404);
    }
    let draft =
        server.event(&organizer, parterre::domain::event::EventStatus::Draft, jiff::SignedDuration::from_hours(5));
    let hidden = organizer.makes_set(&draft, 1, "100.00");
    server.agent().get(&format!("{}/tickets", set_path(&hidden))).refused(403);
    server.agent().get(&tickets_path(&draft)).refused(403);
}
