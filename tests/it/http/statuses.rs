//! Each status of orders and of refund requests with all that anybody may try on it, in both versions: the tables of
//! `spec/domain.md` (Orders, Refunds), with what `spec/http.md` lets each of them do, walked through over HTTP.
//!
//! A word in a table is the status that there is after an answer of 200; a number is the code of a refusal, after which
//! everything is as it was.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::store::proof::assert_all_is_straight;
use crate::util::{Actor, Answer, Sale, Server, id, order_path, whole_path};

on_both_engines!(
    Server;
    whatever_is_tried_on_an_order_in_version_1_is_as_the_table_says,
    whatever_is_tried_on_an_order_in_version_2_is_as_the_table_says,
    whatever_money_comes_for_an_order_is_as_the_table_says,
    whatever_a_refund_request_is_answered_in_version_1_is_as_the_table_says,
    whatever_a_refund_request_is_answered_in_version_2_is_as_the_table_says,
    the_culprit_goes_with_the_event_in_version_1_as_the_table_says,
    the_culprit_goes_with_the_event_in_version_2_as_the_table_says,
);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Api {
    V1,
    V2,
}

/// A row of a table: some words that say what it is about, and an outcome for each column.
type Row<'t> = (Vec<&'t str>, Vec<&'t str>);

/// The columns of a table, and its rows.
fn table(text: &str, about: usize) -> (Vec<&str>, Vec<Row<'_>>) {
    let mut rows = text.lines().map(|row| row.split_whitespace().collect::<Vec<_>>()).filter(|row| !row.is_empty());
    let columns = rows.next().unwrap().split_off(about);
    let rows: Vec<_> = rows
        .map(|mut row| {
            let outcomes = row.split_off(about);
            assert_eq!(outcomes.len(), columns.len(), "{row:?}");
            (row, outcomes)
        })
        .collect();
    (columns, rows)
}

/// The statuses of orders, and how they come to be paid: `chosen` is executed, and to be paid through the payment system for
/// tests; `paying` waits for that. By each of those whom `spec/http.md` tells apart; `core` is the platform's operator.
///
/// `delete` is DELETE, `customer` and `nothing` are a PATCH of the customer and an empty one, `fewer` and `more` are other
/// tickets, `code` is a promocode and `same_codes` the list that the order has, `system` is the payment system for tests and
/// `url` where the customer goes after paying.
#[rustfmt::skip]
const ORDERS_V1: &str = "
    order       by        executed in_progress done canceled expired refunded delete   nothing     customer    fewer       more     code     same_codes  system      url
    executed    vendor    executed in_progress 400  canceled 400     400      canceled executed    executed    executed    executed executed executed    executed    executed
    executed    core      executed in_progress 400  canceled 400     400      canceled executed    executed    executed    executed executed executed    executed    executed
    executed    organizer 403      403         403  canceled 403     403      canceled executed    403         403         403      403      403         403         403
    executed    stranger  403      403         403  403      403     403      403      403         403         403         403      403      403         403         403
    chosen      vendor    executed in_progress 400  canceled 400     400      canceled executed    executed    executed    executed executed executed    executed    executed
    chosen      core      executed in_progress 400  canceled 400     400      canceled executed    executed    executed    executed executed executed    executed    executed
    chosen      organizer 403      403         403  canceled 403     403      canceled executed    403         403         403      403      403         403         403
    in_progress vendor    400      in_progress done canceled 400     400      canceled in_progress in_progress in_progress 400      400      in_progress 400         400
    in_progress core      400      in_progress done canceled 400     400      canceled in_progress in_progress in_progress 400      400      in_progress 400         400
    in_progress organizer 403      403         403  canceled 403     403      canceled in_progress 403         403         403      403      403         403         403
    in_progress stranger  403      403         403  403      403     403      403      403         403         403         403      403      403         403         403
    paying      vendor    400      in_progress 400  canceled 400     400      canceled in_progress in_progress in_progress 400      400      in_progress in_progress 400
    paying      core      400      in_progress 400  canceled 400     400      canceled in_progress in_progress in_progress 400      400      in_progress in_progress 400
    paying      organizer 403      403         403  canceled 403     403      canceled in_progress 403         403         403      403      403         403         403
    done        vendor    400      400         400  400      400     400      400      400         400         400         400      400      400         400         400
    done        core      400      400         400  400      400     400      400      400         400         400         400      400      400         400         400
    done        organizer 403      403         403  400      403     403      400      400         403         403         403      403      403         403         403
    done        stranger  403      403         403  403      403     403      403      403         403         403         403      403      403         403         403
    canceled    vendor    400      400         400  canceled 400     400      canceled canceled    400         400         400      400      400         400         400
    canceled    core      400      400         400  canceled 400     400      canceled canceled    400         400         400      400      400         400         400
    canceled    organizer 403      403         403  canceled 403     403      canceled canceled    403         403         403      403      403         403         403
    canceled    stranger  403      403         403  403      403     403      403      403         403         403         403      403      403         403         403
    expired     vendor    400      400         400  400      expired 400      400      expired     400         400         400      400      400         400         400
    expired     core      400      400         400  400      expired 400      400      expired     400         400         400      400      400         400         400
    expired     organizer 403      403         403  400      403     403      400      expired     403         403         403      403      403         403         403
    expired     stranger  403      403         403  403      403     403      403      403         403         403         403      403      403         403         403
    refunded    vendor    400      400         400  400      400     refunded 400      refunded    400         400         400      400      400         400         400
    refunded    core      400      400         400  400      400     refunded 400      refunded    400         400         400      400      400         400         400
    refunded    organizer 403      403         403  400      403     403      400      refunded    403         403         403      403      403         403         403
    refunded    stranger  403      403         403  403      403     403      403      403         403         403         403      403      403         403         403
";

/// The same in version 2, whose words are its own: only `done` and `cancelled` are set, and `done` at once. A `code` that an
/// order can't be given fails no request; `vendor_data` is written by the vendor alone.
#[rustfmt::skip]
const ORDERS_V2: &str = "
    order       by        executed in_progress done cancelled expired refunded nothing     customer    fewer       more     code        same_codes  vendor_data
    executed    vendor    400      400         done cancelled 400     400      executed    executed    executed    executed executed    executed    executed
    executed    core      400      400         done cancelled 400     400      executed    executed    executed    executed executed    executed    403
    executed    organizer 400      400         403  cancelled 400     400      executed    403         403         403      403         403         403
    executed    stranger  400      400         403  403       400     400      403         403         403         403      403         403         403
    chosen      vendor    400      400         400  cancelled 400     400      executed    executed    executed    executed executed    executed    executed
    chosen      core      400      400         400  cancelled 400     400      executed    executed    executed    executed executed    executed    403
    chosen      organizer 400      400         403  cancelled 400     400      executed    403         403         403      403         403         403
    in_progress vendor    400      400         done cancelled 400     400      in_progress in_progress in_progress 400      in_progress in_progress in_progress
    in_progress core      400      400         done cancelled 400     400      in_progress in_progress in_progress 400      in_progress in_progress 403
    in_progress organizer 400      400         403  cancelled 400     400      in_progress 403         403         403      403         403         403
    in_progress stranger  400      400         403  403       400     400      403         403         403         403      403         403         403
    paying      vendor    400      400         400  cancelled 400     400      in_progress in_progress in_progress 400      in_progress in_progress in_progress
    paying      core      400      400         400  cancelled 400     400      in_progress in_progress in_progress 400      in_progress in_progress 403
    paying      organizer 400      400         403  cancelled 400     400      in_progress 403         403         403      403         403         403
    done        vendor    400      400         400  400       400     400      400         400         400         400      400         400         400
    done        core      400      400         400  400       400     400      400         400         400         400      400         400         403
    done        organizer 400      400         403  400       400     400      400         403         403         403      403         403         403
    done        stranger  400      400         403  403       400     400      403         403         403         403      403         403         403
    canceled    vendor    400      400         400  cancelled 400     400      cancelled   400         400         400      400         400         400
    canceled    core      400      400         400  cancelled 400     400      cancelled   400         400         400      400         400         403
    canceled    organizer 400      400         403  cancelled 400     400      cancelled   403         403         403      403         403         403
    canceled    stranger  400      400         403  403       400     400      403         403         403         403      403         403         403
    expired     vendor    400      400         400  400       400     400      expired     400         400         400      400         400         400
    expired     core      400      400         400  400       400     400      expired     400         400         400      400         400         403
    expired     organizer 400      400         403  400       400     400      expired     403         403         403      403         403         403
    expired     stranger  400      400         403  403       400     400      403         403         403         403      403         403         403
    refunded    vendor    400      400         400  400       400     400      refunded    400         400         400      400         400         400
    refunded    core      400      400         400  400       400     400      refunded    400         400         400      400         400         403
    refunded    organizer 400      400         403  400       400     400      refunded    403         403         403      403         403         403
    refunded    stranger  400      400         403  403       400     400      403         403         403         403      403         403         403
";

/// The columns that set a status.
const STATUSES: [&str; 7] = ["executed", "in_progress", "done", "canceled", "cancelled", "expired", "refunded"];

/// An order of two tickets that stands so.
fn order_that_is(server: &Server, sale: &Sale<'_>, how: &str) -> Value {
    let order = sale.agent.orders_of(&sale.set, 2).ok();
    match how {
        "executed" => order,
        "chosen" => sale.agent.changes_order(&order, json!({"payment": {"system": "test"}})).ok(),
        "in_progress" | "canceled" => sale.agent.sets_order(&order, how).ok(),
        "paying" => sale.agent.asks_for_payment(&order),
        "done" => sale.agent.pays(&order),
        "expired" => {
            server.advance(SignedDuration::from_mins(10));
            sale.agent.sees_order(&order)
        }
        "refunded" => {
            sale.agent.pays(&order);
            let body = json!({"order": id(&order), "culprit": "user", "tickets_refund": order["tickets"]});
            let request = sale.agent.post("/v1/resources/refund_requests", body).ok();
            let path = format!("/v1/resources/refund_requests/{}", id(&request));
            sale.agent.patch(&path, json!({"status": "approved"})).ok();
            sale.agent.sees_order(&order)
        }
        other => panic!("{other}"),
    }
}

fn tried(api: Api, who: &Actor<'_>, sale: &Sale<'_>, order: &Value, what: &str) -> Answer {
    let body = match (what, api) {
        ("delete", _) => return who.cancels_order(order),
        ("nothing", _) => json!({}),
        ("customer", Api::V1) => json!({"customer": {"first_name": "Anna"}}),
        ("customer", Api::V2) => json!({"settings": {"customer": {"name": "Anna"}}}),
        ("fewer", _) => json!({"random": {id(&sale.set): 1}}),
        ("more", _) => json!({"random": {id(&sale.set): 3}}),
        ("code", _) => json!({"promocodes": ["TEN"]}),
        ("same_codes", _) => json!({"promocodes": order["promocodes"]}),
        ("system", _) => json!({"payment": {"system": "test"}}),
        ("url", _) => json!({"payment": {"success_url": "https://shop.example/elsewhere"}}),
        ("vendor_data", _) => json!({"vendor_data": {"order_id": "A-1"}}),
        (status, _) => json!({"status": status}),
    };
    who.patch(&if api == Api::V1 { order_path(order) } else { whole_path(order) }, body)
}

fn status_of(api: Api, reader: &Actor<'_>, order: &Value) -> String {
    let seen = if api == Api::V1 { reader.sees_order(order) } else { reader.sees_whole(order) };
    seen["status"].as_str().unwrap().to_owned()
}

/// Who is meant by a word of the tables.
struct Cast<'s> {
    core: Actor<'s>,
    stranger: Actor<'s>,
}

impl<'s> Cast<'s> {
    fn of(server: &'s Server, sale: &Sale<'s>) -> Self {
        // It may sell the same event.
        let stranger = server.agent();
        let deal = stranger.proposes(&sale.event, sale.organizer.partner()).ok();
        sale.organizer.accepts(&deal).ok();
        Self { core: server.platform(), stranger }
    }

    fn named<'a>(&'a self, sale: &'a Sale<'s>, word: &str) -> &'a Actor<'s> {
        match word {
            "vendor" => &sale.agent,
            "organizer" => &sale.organizer,
            "core" => &self.core,
            "stranger" => &self.stranger,
            other => panic!("{other}"),
        }
    }
}

fn walks_through_orders(server: &Server, api: Api, text: &str) {
    let sale = server.sale(2_000, "1000");
    server.promocode(&sale.organizer, &sale.event, json!({"code": "TEN", "discount": {"percentage": "10%"}}));
    let cast = Cast::of(server, &sale);
    let (columns, rows) = table(text, 2);
    for (about, outcomes) in rows {
        let [how, by] = about[..] else { panic!("{about:?}") };
        let who = cast.named(&sale, by);
        for (what, outcome) in columns.iter().zip(outcomes) {
            let order = order_that_is(server, &sale, how);
            let stood = status_of(api, &sale.agent, &order);
            let answer = tried(api, who, &sale, &order, what);
            let said = format!("{how} order, {what} by {by}: {} {}", answer.status, answer.text());
            let Ok(code) = outcome.parse::<u16>() else {
                assert_eq!((answer.status, status_of(api, &sale.agent, &order).as_str()), (200, outcome), "{said}");
                if *what == "delete" {
                    assert_eq!(answer.json(), json!({}));
                }
                continue;
            };
            assert_eq!(answer.status, code, "{said}");
            assert_eq!(sale.agent.sees_order(&order), order, "{said}");
            if code != 400 || !STATUSES.contains(what) {
                continue;
            }
            match (api, *what) {
                (Api::V1, _) => {
                    let refusal = answer.refused(400);
                    assert_eq!(refusal.fields(), ["status"], "{said}");
                    assert!(refusal.reason.contains(&stood) && refusal.reason.contains(what), "{said}");
                }
                (Api::V2, "done") => {
                    assert_eq!(answer.refused_in_v2(400), [format!("Incorrect status {stood} for this operation")]);
                }
                (Api::V2, "cancelled") => {
                    assert_eq!(answer.refused_in_v2(400), [format!("Order {} is not cancellable", id(&order))]);
                }
                (Api::V2, _) => assert_eq!(answer.refused_in_v2(400), ["status: must be done or cancelled"]),
            }
        }
    }
    assert_all_is_straight(server);
}

fn whatever_is_tried_on_an_order_in_version_1_is_as_the_table_says(server: Server) {
    walks_through_orders(&server, Api::V1, ORDERS_V1);
}

fn whatever_is_tried_on_an_order_in_version_2_is_as_the_table_says(server: Server) {
    walks_through_orders(&server, Api::V2, ORDERS_V2);
}

/// What the payment system for tests may say of an order that it was asked money for. The order's status after it, and those
/// of its payments: `pending` and no more where nothing is believed.
#[rustfmt::skip]
const MONEY: &str = "
    order       first             again              other_amount        declined            forged
    in_progress done/paid         done/paid          in_progress/pending in_progress/pending in_progress/pending
    canceled    canceled/returned canceled/returned  canceled/pending    canceled/pending    canceled/pending
    expired     expired/returned  expired/returned   expired/pending     expired/pending     expired/pending
    done        done/paid         done/paid,owed     done/paid           done/paid           done/paid
    refunded    refunded/paid     refunded/paid,owed refunded/paid       refunded/paid       refunded/paid
";

fn whatever_money_comes_for_an_order_is_as_the_table_says(server: Server) {
    let sale = server.sale(100, "1000");
    let (columns, rows) = table(MONEY, 1);
    for (about, outcomes) in rows {
        for (what, outcome) in columns.iter().zip(outcomes) {
            let order = sale.agent.asks_for_payment(&sale.agent.orders_of(&sale.set, 1).ok());
            let charge = server.payments_of(&order)[0].id;
            match about[0] {
                "canceled" => drop(sale.agent.cancels_order(&order).ok()),
                "expired" => server.advance(SignedDuration::from_mins(20)),
                "done" | "refunded" => drop(server.customer_does(&order, "pay")),
                _ => {}
            }
            if about[0] == "refunded" {
                let body = json!({"order": id(&order), "culprit": "user", "tickets_refund": order["tickets"]});
                let request = sale.agent.post("/v1/resources/refund_requests", body).ok();
                let path = format!("/v1/resources/refund_requests/{}", id(&request));
                sale.agent.patch(&path, json!({"status": "approved"})).ok();
                server.run_jobs();
            }
            // What its books call the money, so that it can be sent back; it has none of one that was not paid on its page.
            let known = server.payments_of(&order)[0].external_id.clone();
            let paid_on_page = known.is_some();
            let name = known.unwrap_or_else(|| charge.to_string());
            if !paid_on_page {
                let (charge, name) = (charge, name.clone());
                server.write(move |tx| {
                    Ok(tx.execute(PAID_ON_PAGE, parterre::params![charge.bucket(), charge, name.as_str()])?)
                });
            }
            let mut body = server.paid(&order, &name);
            match *what {
                "first" => drop(server.calls_back(&body).ok()),
                "again" if paid_on_page => {
                    body["external_id"] = json!(format!("another {name}"));
                    server.calls_back(&body).ok();
                }
                "again" => (0..2).for_each(|_| drop(server.calls_back(&body).ok())),
                "other_amount" => {
                    body["amount"] = json!("1.00");
                    server.calls_back(&body).refused(400);
                }
                "declined" => {
                    body["status"] = json!("declined");
                    server.calls_back(&body).ok();
                }
                _ => drop(server.nobody().post("/payments/test/callback", body).refused(403)),
            }
            // Money that was told of and is not the system's stays owed, and is tried again; the rest goes back.
            server.run_jobs();
            let found =
                format!("{}/{}", status_of(Api::V1, &sale.agent, &order), server.payment_statuses(&order).join(","));
            assert_eq!(found, outcome, "{} order, {what}", about[0]);
            assert_all_is_straight(&server);
        }
    }
}

const PAID_ON_PAGE: parterre::store::Statement = parterre::store::Statement::fixed(
    "update test_charges set status = 'paid', external_id = $3 where bucket = $1 and id = $2",
);

/// The statuses of refund requests: `collected` is a new one of an order that was paid through the platform, `sending` one
/// that waits until that money is sent back. `reserved` where the organizer approves by itself.
#[rustfmt::skip]
const REFUNDS_V1: &str = "
    request   approval by        approved rejected new in_progress nothing
    new       vendor   vendor    approved rejected 400 400         new
    new       vendor   organizer approved rejected 400 400         new
    new       vendor   core      approved rejected 400 400         new
    new       vendor   stranger  403      403      403 403         403
    new       reserved vendor    403      rejected 400 400         new
    new       reserved organizer approved rejected 400 400         new
    new       reserved core      approved rejected 400 400         new
    collected vendor   vendor    new      rejected 400 400         new
    collected vendor   organizer new      rejected 400 400         new
    collected vendor   core      new      rejected 400 400         new
    sending   vendor   vendor    400      400      400 400         new
    sending   vendor   organizer 400      400      400 400         new
    sending   vendor   core      400      400      400 400         new
    sending   vendor   stranger  403      403      403 403         403
    approved  vendor   vendor    400      400      400 400         approved
    approved  vendor   organizer 400      400      400 400         approved
    approved  vendor   core      400      400      400 400         approved
    approved  vendor   stranger  403      403      403 403         403
    rejected  vendor   vendor    400      400      400 400         rejected
    rejected  vendor   organizer 400      400      400 400         rejected
    rejected  vendor   core      400      400      400 400         rejected
    rejected  vendor   stranger  403      403      403 403         403
";

/// The same in version 2, which shows that money is being sent back.
#[rustfmt::skip]
const REFUNDS_V2: &str = "
    request   approval by        approved    rejected new in_progress nothing
    new       vendor   vendor    approved    rejected 400 400         new
    new       vendor   organizer approved    rejected 400 400         new
    new       vendor   core      approved    rejected 400 400         new
    new       vendor   stranger  403         403      400 400         403
    new       reserved vendor    403         rejected 400 400         new
    new       reserved organizer approved    rejected 400 400         new
    new       reserved core      approved    rejected 400 400         new
    collected vendor   vendor    in_progress rejected 400 400         new
    collected vendor   organizer in_progress rejected 400 400         new
    collected vendor   core      in_progress rejected 400 400         new
    sending   vendor   vendor    400         400      400 400         in_progress
    sending   vendor   organizer 400         400      400 400         in_progress
    sending   vendor   core      400         400      400 400         in_progress
    sending   vendor   stranger  403         403      400 400         403
    approved  vendor   vendor    400         400      400 400         approved
    approved  vendor   organizer 400         400      400 400         approved
    approved  vendor   core      400         400      400 400         approved
    approved  vendor   stranger  403         403      400 400         403
    rejected  vendor   vendor    400         400      400 400         rejected
    rejected  vendor   organizer 400         400      400 400         rejected
    rejected  vendor   core      400         400      400 400         rejected
    rejected  vendor   stranger  403         403      400 400         403
";

fn requests(api: Api) -> &'static str {
    if api == Api::V1 { "/v1/resources/refund_requests" } else { "/v2/resources/refund_requests" }
}

fn asks(api: Api, who: &Actor<'_>, order: &Value, culprit: &str) -> Answer {
    let name = if api == Api::V1 { "tickets_refund" } else { "tickets" };
    who.post(requests(api), json!({"order": id(order), "culprit": culprit, name: order["tickets"]}))
}

fn answers(api: Api, who: &Actor<'_>, request: &str, status: &str) -> Answer {
    let body = if status == "nothing" { json!({}) } else { json!({"status": status}) };
    who.patch(&format!("{}/{request}", requests(api)), body)
}

/// What an answer is about.
fn data(api: Api, answer: &Answer) -> Value {
    if api == Api::V1 { answer.ok() } else { answer.ok()["data"].clone() }
}

fn walks_through_refunds(server: &Server, api: Api, text: &str) {
    let sale = server.sale(500, "1000");
    let cast = Cast::of(server, &sale);
    let (columns, rows) = table(text, 3);
    for (about, outcomes) in rows {
        let [how, approval, by] = about[..] else { panic!("{about:?}") };
        let who = cast.named(&sale, by);
        for (what, outcome) in columns.iter().zip(outcomes) {
            let order = sale.agent.orders_of(&sale.set, 1).ok();
            let order = match how {
                "collected" | "sending" => {
                    let order = sale.agent.asks_for_payment(&order);
                    server.customer_does(&order, "pay");
                    order
                }
                _ => sale.agent.pays(&order),
            };
            let request = id(&data(api, &asks(api, &sale.agent, &order, "user"))).to_owned();
            match how {
                "sending" | "approved" => drop(answers(api, &sale.agent, &request, "approved").ok()),
                "rejected" => drop(answers(api, &sale.agent, &request, "rejected").ok()),
                _ => {}
            }
            let reserved = if approval == "reserved" { "organizer" } else { "vendor" };
            sale.organizer.has_settings(json!({"refund_approval": reserved}));
            let path = format!("{}/{request}", requests(api));
            let before = sale.agent.get(&path).ok();
            let answer = answers(api, who, &request, what);
            let said = format!("{how} request, {what} by {by}: {} {}", answer.status, answer.text());
            let seen = sale.agent.get(&path);
            match outcome.parse::<u16>() {
                Ok(code) => {
                    assert_eq!(answer.status, code, "{said}");
                    assert_eq!(seen.ok(), before, "{said}");
                }
                Err(_) => assert_eq!((answer.status, &data(api, &seen)["status"]), (200, &json!(outcome)), "{said}"),
            }
            sale.organizer.has_settings(json!({"refund_approval": "vendor"}));
            if how == "collected" && *what == "approved" {
                server.run_jobs();
                assert_eq!(data(api, &sale.agent.get(&path))["status"], "approved", "once the money is sent back");
            }
        }
    }
    assert_all_is_straight(server);
}

fn whatever_a_refund_request_is_answered_in_version_1_is_as_the_table_says(server: Server) {
    walks_through_refunds(&server, Api::V1, REFUNDS_V1);
}

fn whatever_a_refund_request_is_answered_in_version_2_is_as_the_table_says(server: Server) {
    walks_through_refunds(&server, Api::V2, REFUNDS_V2);
}

/// What stands behind each outcome: making such a request, and approving one that the platform made.
#[rustfmt::skip]
const CULPRITS: &str = "
    event               culprit vendor organizer core
    public              user    ok     ok        ok
    public              org     user   user      ok
    finished            user    over   over      ok
    finished            org     user   user      ok
    cancelled           user    org    org       ok
    cancelled           org     ok     ok        ok
    cancelled,finished  user    org    org       ok
    cancelled,finished  org     ok     ok        ok
";

fn walks_through_culprits(server: &Server, api: Api) {
    let (columns, rows) = table(CULPRITS, 2);
    for (about, outcomes) in rows {
        let [how, culprit] = about[..] else { panic!("{about:?}") };
        let sale = server.sale(30, "1000");
        let cast = Cast::of(server, &sale);
        let orders: Vec<Value> = (0..6).map(|_| order_that_is(server, &sale, "done")).collect();
        if how.contains("cancelled") {
            sale.organizer.changes_event(&sale.event, json!({"status": "cancelled"})).ok();
        }
        if how.contains("finished") {
            server.advance(SignedDuration::from_hours(8 * 24));
        }
        for ((by, outcome), orders) in columns.iter().zip(outcomes).zip(orders.chunks(2)) {
            let who = cast.named(&sale, by);
            let made = asks(api, who, &orders[0], culprit);
            let request = data(api, &asks(api, &cast.core, &orders[1], culprit));
            let approved = answers(api, who, id(&request), "approved");
            let words = match outcome {
                "ok" => {
                    assert_eq!(data(api, &made)["status"], "new");
                    assert_eq!(data(api, &approved)["status"], "approved");
                    continue;
                }
                "user" => "Only user culprit allowed for non cancelled events",
                "org" => "Only org culprit allowed for cancelled events",
                _ => "Not allowed to approve refund for finished event",
            };
            for answer in [made, approved] {
                assert_eq!(answer.status, 400, "{how} {culprit} by {by}: {}", answer.text());
                assert!(answer.text().contains(words), "{how} {culprit} by {by}: {}", answer.text());
            }
        }
    }
    assert_all_is_straight(server);
}

fn the_culprit_goes_with_the_event_in_version_1_as_the_table_says(server: Server) {
    walks_through_culprits(&server, Api::V1);
}

fn the_culprit_goes_with_the_event_in_version_2_as_the_table_says(server: Server) {
    walks_through_culprits(&server, Api::V2);
}
