//! Balances, entries and payouts (`spec/domain.md`, Ledger).

use jiff::SignedDuration;
use parterre::demo;
use parterre::domain::member::MemberRole;
use serde_json::{Value, json};

use crate::store::proof::assert_all_is_straight;
use crate::util::{Actor, Server, Sold, id};

on_both_engines!(
    Server;
    an_order_that_is_paid_is_in_the_ledger,
    what_is_owed_goes_down_by_payouts,
    an_organizer_owes_the_commission_of_what_it_sells_itself,
    a_payout_is_recorded_by_the_platform_alone,
    what_a_payout_must_hold,
    a_payout_that_settles_a_deal_is_between_its_sides_whatever_else_they_are,
    sums_are_exact_beyond_what_one_amount_can_be,
    both_sides_read_a_payout_and_nobody_else,
    each_partner_reads_its_own_account,
    lists_are_filtered,
    balances_come_in_pages,
    an_order_says_where_each_amount_came_from,
    an_order_of_the_organizer_says_so_too,
);

const BALANCES: &str = "/v1/resources/balances";
const ENTRIES: &str = "/v1/resources/entries";
const PAYOUTS: &str = "/v1/resources/payouts";

/// An organizer and its agent, who sold a ticket for 1100.00 with org 91%, extra 10% and core 3%.
struct Scene<'s> {
    server: &'s Server,
    organizer: Actor<'s>,
    agent: Actor<'s>,
    event: String,
    deal: String,
    sold: Sold,
}

impl<'s> Scene<'s> {
    fn new(server: &'s Server) -> Self {
        let (organizer, agent) = (server.organizer(), server.agent());
        let event = server.event_of(&organizer);
        let deal = organizer.proposes_terms(&event, agent.partner(), json!({"org": 91, "extra": 10})).ok();
        agent.accepts(&deal).ok();
        let sold = server.sold(&agent, &server.tickets_of(&event, "1000", 10), 1);
        Self { server, organizer, agent, event, deal: id(&deal).to_owned(), sold }
    }

    fn pays(&self, from: &str, to: &str, amount: &str) -> Value {
        let body = json!({"from": from, "to": to, "amount": amount, "deal": self.deal, "note": "Transfer 17"});
        let answer = self.server.platform().post(PAYOUTS, body);
        assert_eq!(answer.status, 201);
        answer.ok()
    }
}

/// What a partner is owed and owes in its only balance.
fn stands(who: &Actor<'_>) -> (String, String) {
    let balances = who.get(&format!("{BALANCES}?partner={}", who.partner())).list();
    assert_eq!(balances.len(), 1, "{balances:?}");
    let text = |name: &str| balances[0][name].as_str().unwrap().to_owned();
    (text("owed"), text("owes"))
}

fn amounts(entries: &[Value]) -> Vec<String> {
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let mut amounts: Vec<String> = entries
        .iter()
        .map(|entry| format!("{} {} {}", text(entry, "cause"), text(entry, "kind"), text(entry, "amount")))
        .collect();
    amounts.sort();
    amounts
}

fn an_order_that_is_paid_is_in_the_ledger(server: Server) {
    let scene = Scene::new(&server);
    let platform = server.platform();
    let entries = platform.get(&format!("{ENTRIES}?order={}", scene.sold.order)).list();
    assert_eq!(
        amounts(&entries),
        ["sale agent 160.00", "sale customer -1100.00", "sale organizer 910.00", "sale platform 30.00"]
    );
    let share = scene.organizer.get(ENTRIES);
    let expected = json!([{
        "account": "partner",
        "amount": "910.00",
        "cause": "sale",
        "created_at": "2026-11-21T10:00:00.000000+00:00",
        "currency": "RUB",
        "deal": scene.deal,
        "event": scene.event,
        "id": id(&share.list()[0]),
        "kind": "organizer",
        "order": scene.sold.order,
        "partner": scene.organizer.partner(),
        "payment": null,
        "payout": null,
        "refund": null,
    }]);
    assert_eq!(share.text(), expected.to_string(), "in this order");
    let balance = scene.agent.get(BALANCES);
    let expected = json!([{
        "account": "partner",
        "currency": "RUB",
        "customer": "-1100.00",
        "deal": scene.deal,
        "owed": "0.00",
        "owes": "940.00",
        "partner": scene.agent.partner(),
        "payouts": "0.00",
        "shares": "160.00",
    }]);
    assert_eq!(balance.text(), expected.to_string(), "in this order");
    assert_eq!(stands(&scene.organizer), ("910.00".to_owned(), "0.00".to_owned()));
    let of_platform = platform.get(&format!("{BALANCES}?account=platform&deal={}", scene.deal)).list();
    assert_eq!(of_platform[0]["owed"], "30.00");
    assert_eq!(of_platform[0]["partner"], Value::Null);
    assert_all_is_straight(&server);
}

fn what_is_owed_goes_down_by_payouts(server: Server) {
    let scene = Scene::new(&server);
    let (organizer, agent) = (scene.organizer.partner(), scene.agent.partner());
    let payout = scene.pays(agent, organizer, "910");
    let expected = json!({
        "amount": "910.00",
        "created_at": "2026-11-21T10:00:00.000000+00:00",
        "currency": "RUB",
        "deal": scene.deal,
        "from": agent,
        "id": id(&payout),
        "note": "Transfer 17",
        "to": organizer,
    });
    assert_eq!(payout, expected);
    assert_eq!(stands(&scene.organizer), ("0.00".to_owned(), "0.00".to_owned()));
    assert_eq!(stands(&scene.agent), ("0.00".to_owned(), "30.00".to_owned()));
    scene.pays(agent, demo::PLATFORM, "30.00");
    assert_eq!(stands(&scene.agent), ("0.00".to_owned(), "0.00".to_owned()));
    let of_platform = server.platform().get(&format!("{BALANCES}?account=platform&deal={}", scene.deal)).list();
    assert_eq!((&of_platform[0]["owed"], &of_platform[0]["owes"]), (&json!("0.00"), &json!("0.00")));
    assert_eq!(of_platform[0]["payouts"], "-30.00");
    // Too much is owed back.
    scene.pays(agent, organizer, "5.50");
    assert_eq!(stands(&scene.organizer), ("0.00".to_owned(), "5.50".to_owned()));
    assert_eq!(stands(&scene.agent), ("5.50".to_owned(), "0.00".to_owned()));
    let entries = scene.agent.get(&format!("{ENTRIES}?deal={}", scene.deal)).list();
    assert_eq!(
        amounts(&entries),
        [
            "payout payout 30.00",
            "payout payout 5.50",
            "payout payout 910.00",
            "sale agent 160.00",
            "sale customer -1100.00"
        ]
    );
}

fn an_organizer_owes_the_commission_of_what_it_sells_itself(server: Server) {
    let organizer = server.organizer();
    let set = server.tickets_of(&server.event_of(&organizer), "1000", 3);
    server.sold(&organizer, &set, 3);
    assert_eq!(stands(&organizer), ("0.00".to_owned(), "90.00".to_owned()));
    let balance = organizer.get(BALANCES).list();
    assert_eq!(balance[0]["deal"], Value::Null);
}

fn a_payout_is_recorded_by_the_platform_alone(server: Server) {
    let scene = Scene::new(&server);
    let body =
        json!({"from": scene.agent.partner(), "to": scene.organizer.partner(), "amount": "1.00", "deal": scene.deal});
    scene.organizer.post(PAYOUTS, body.clone()).refused(403);
    scene.agent.post(PAYOUTS, body.clone()).refused(403);
    server.member_of(demo::PLATFORM, MemberRole::Cashier).post(PAYOUTS, body.clone()).refused(403);
    assert_eq!(server.platform().get(PAYOUTS).list(), Vec::<Value>::new());
    server.owner_of(&server.platform()).post(PAYOUTS, body).ok();
}

fn what_a_payout_must_hold(server: Server) {
    let scene = Scene::new(&server);
    let (organizer, agent) = (scene.organizer.partner(), scene.agent.partner());
    let stranger = server.agent();
    let nobody = "ffffffffffffffffffffffff";
    for (body, field) in [
        (json!({"to": organizer, "amount": "1"}), "from"),
        (json!({"from": agent, "amount": "1"}), "to"),
        (json!({"from": agent, "to": organizer}), "amount"),
        (json!({"from": agent, "to": organizer, "amount": 1}), "amount"),
        (json!({"from": agent, "to": organizer, "amount": "0.00"}), "amount"),
        (json!({"from": agent, "to": organizer, "amount": "-1"}), "amount"),
        (json!({"from": agent, "to": organizer, "amount": "1.001"}), "amount"),
        (json!({"from": agent, "to": organizer, "amount": "1.50", "currency": "JPY"}), "amount"),
        (json!({"from": agent, "to": organizer, "amount": "1", "currency": "rouble"}), "currency"),
        (json!({"from": agent, "to": organizer, "amount": "1", "currency": "EUR", "deal": scene.deal}), "currency"),
        (json!({"from": agent, "to": organizer, "amount": "1", "deal": nobody}), "deal"),
        (json!({"from": nobody, "to": organizer, "amount": "1"}), "from"),
        (json!({"from": agent, "to": nobody, "amount": "1"}), "to"),
        (json!({"from": agent, "to": agent, "amount": "1"}), "to"),
        (json!({"from": stranger.partner(), "to": organizer, "amount": "1", "deal": scene.deal}), "from"),
        (json!({"from": agent, "to": stranger.partner(), "amount": "1", "deal": scene.deal}), "to"),
        (json!({"from": agent, "to": organizer, "amount": "1", "note": 7}), "note"),
    ] {
        assert_eq!(server.platform().post(PAYOUTS, body.clone()).refused(400).fields(), [field], "{body}");
    }
    let body = json!({"from": demo::PLATFORM, "to": organizer, "amount": "7", "currency": "EUR"});
    assert_eq!(server.platform().post(PAYOUTS, body).ok()["deal"], Value::Null);
    assert_eq!(scene.organizer.get(&format!("{BALANCES}?currency=EUR")).list()[0]["owes"], "7.00");
}

fn a_payout_that_settles_a_deal_is_between_its_sides_whatever_else_they_are(server: Server) {
    let scene = Scene::new(&server);
    let (organizer, agent) = (scene.organizer.partner(), scene.agent.partner());
    let roles = json!({"roles": ["org", "core"]});
    server.platform().patch(&format!("/v1/resources/partners/{organizer}"), roles).ok();
    scene.pays(agent, organizer, "910");
    let of_organizer = server.platform().get(&format!("{BALANCES}?partner={organizer}")).list();
    assert_eq!((of_organizer.len(), &of_organizer[0]["owed"]), (1, &json!("0.00")));
    let of_platform = server.platform().get(&format!("{BALANCES}?account=platform&deal={}", scene.deal)).list();
    assert_eq!((&of_platform[0]["owed"], &of_platform[0]["payouts"]), (&json!("30.00"), &json!("0.00")));
    scene.pays(agent, demo::PLATFORM, "30");
    assert_eq!(stands(&scene.agent), ("0.00".to_owned(), "0.00".to_owned()));
    // What settles no deal is the platform's.
    let body = json!({"from": agent, "to": organizer, "amount": "5"});
    server.platform().post(PAYOUTS, body).ok();
    let of_platform = server.platform().get(&format!("{BALANCES}?account=platform")).list();
    assert!(of_platform.iter().any(|balance| balance["deal"].is_null() && balance["owes"] == "5.00"));
    assert_all_is_straight(&server);
}

fn sums_are_exact_beyond_what_one_amount_can_be(server: Server) {
    let scene = Scene::new(&server);
    let (organizer, agent) = (scene.organizer.partner(), scene.agent.partner());
    let most = "92233720368547758.07";
    for _ in 0..3 {
        scene.pays(agent, organizer, most);
    }
    // Three times as much, and the share of 910.00 that it was owed.
    assert_eq!(stands(&scene.organizer), ("0.00".to_owned(), "276701161105642364.21".to_owned()));
    let balance = scene.organizer.get(BALANCES).list();
    assert_eq!(balance[0]["payouts"], "-276701161105643274.21");
    let of_agent = scene.agent.get(BALANCES).list();
    assert_eq!((&of_agent[0]["customer"], &of_agent[0]["owed"]), (&json!("-1100.00"), &json!("276701161105642334.21")));
}

fn both_sides_read_a_payout_and_nobody_else(server: Server) {
    let scene = Scene::new(&server);
    let payout = scene.pays(scene.agent.partner(), scene.organizer.partner(), "10");
    for who in [&scene.agent, &scene.organizer, &server.platform()] {
        assert_eq!(who.get(PAYOUTS).list(), std::slice::from_ref(&payout));
    }
    assert_eq!(server.agent().get(PAYOUTS).list(), Vec::<Value>::new());
    server.member_of(scene.agent.partner(), MemberRole::Cashier).get(PAYOUTS).refused(403);
}

fn each_partner_reads_its_own_account(server: Server) {
    let scene = Scene::new(&server);
    for path in [ENTRIES, BALANCES] {
        let foreign = format!("{path}?partner={}", scene.organizer.partner());
        assert_eq!(scene.agent.get(&foreign).list(), Vec::<Value>::new(), "{path}");
        assert_eq!(server.agent().get(path).list(), Vec::<Value>::new(), "{path}");
        assert_eq!(server.platform().get(&foreign).list().len(), 1, "{path}");
        for of in [&scene.agent, &scene.organizer] {
            assert!(of.get(path).list().iter().all(|row| row["partner"] == of.partner()), "{path}");
            server.member_of(of.partner(), MemberRole::Manager).get(path).list();
            for role in [MemberRole::Cashier, MemberRole::Gate] {
                server.member_of(of.partner(), role).get(path).refused(403);
            }
        }
    }
}

fn lists_are_filtered(server: Server) {
    let first = Scene::new(&server);
    server.advance(SignedDuration::from_hours(1));
    let second = Scene::new(&server);
    let platform = server.platform();
    let orders = |query: &str| {
        let mut orders: Vec<String> = platform
            .get(&format!("{ENTRIES}?{query}"))
            .list()
            .iter()
            .map(|entry| entry["order"].as_str().unwrap().to_owned())
            .collect();
        orders.sort();
        orders.dedup();
        orders
    };
    let both = [first.sold.order.clone(), second.sold.order.clone()];
    let sorted = |mut orders: Vec<String>| {
        orders.sort();
        orders
    };
    assert_eq!(orders(""), sorted(both.to_vec()));
    assert_eq!(orders(&format!("event={}", first.event)), both[..1]);
    assert_eq!(orders(&format!("deal={}", second.deal)), both[1..]);
    assert_eq!(orders(&format!("partner={}", second.agent.partner())), both[1..]);
    assert_eq!(orders("from=2026-11-21T11:00:00Z"), both[1..]);
    assert_eq!(orders("to=2026-11-21T11:00:00Z"), both[..1]);
    assert_eq!(orders("account=platform"), sorted(both.to_vec()));
    assert_eq!(orders("account=customer"), Vec::<String>::new());
    assert_eq!(orders("currency=EUR"), Vec::<String>::new());
    for wrong in ["account=bank", "currency=rouble", "deal=x", "event=x", "order=x", "partner=x", "from=x", "to=x"] {
        platform.get(&format!("{ENTRIES}?{wrong}")).refused(400);
    }
    let payout = first.pays(first.agent.partner(), first.organizer.partner(), "10");
    let payouts = |query: &str| platform.get(&format!("{PAYOUTS}?{query}")).list();
    let one = [payout];
    for found in [
        format!("partner={}", first.organizer.partner()),
        format!("deal={}", first.deal),
        "from=2026-11-21T11:00:00Z".to_owned(),
        "currency=RUB".to_owned(),
    ] {
        assert_eq!(payouts(&found), one, "{found}");
    }
    for nothing in [
        format!("partner={}", second.agent.partner()),
        format!("deal={}", second.deal),
        "to=2026-11-21T11:00:00Z".to_owned(),
        "currency=EUR".to_owned(),
    ] {
        assert_eq!(payouts(&nothing), Vec::<Value>::new(), "{nothing}");
    }
}

fn balances_come_in_pages(server: Server) {
    let scenes: Vec<Scene<'_>> = (0..3).map(|_| Scene::new(&server)).collect();
    server.sold(&scenes[0].organizer, &server.tickets_of(&scenes[0].event, "50", 1), 1);
    let platform = server.platform();
    let all = platform.get(BALANCES).list();
    // Of each scene organizer, agent and platform; and what the organizer sold itself, with its commission.
    assert_eq!(all.len(), 3 * 3 + 2);
    let mut paged = Vec::new();
    for page in 1..=6 {
        let answer = platform.get(&format!("{BALANCES}?page={page}&page_size=2"));
        assert_eq!(answer.header("total"), Some("11"));
        paged.extend(answer.list());
    }
    assert_eq!(paged, all);
    let payout = json!({"from": scenes[0].agent.partner(), "to": demo::PLATFORM, "amount": "1"});
    platform.post(PAYOUTS, payout).ok();
    let own: Vec<Value> = scenes[0].agent.get(BALANCES).list().iter().map(|row| row["deal"].clone()).collect();
    assert_eq!(own, [Value::Null, json!(scenes[0].deal)]);
}

fn explain(who: &Actor<'_>, sold: &Sold) -> Value {
    who.get(&format!("/v1/resources/orders/{}/explain", sold.order)).ok()
}

fn an_order_says_where_each_amount_came_from(server: Server) {
    let scene = Scene::new(&server);
    let (organizer, agent) = (scene.organizer.partner(), scene.agent.partner());
    let codes = format!("/v1/resources/events/{}/promocodes", scene.event);
    scene.organizer.post(&codes, json!({"code": "TENTH", "discount": {"percentage": "10%"}})).ok();
    let sold = server.sold_with(&scene.agent, &server.tickets_of(&scene.event, "100.15", 1), 1, &["tenth"]);
    let explained = explain(&scene.agent, &sold);
    let ticket = &explained["tickets"][0];
    // 10.015 is rounded half to even.
    assert_eq!(
        (&ticket["price"], &ticket["discount"], &ticket["nominal"], &ticket["extra"], &ticket["full"]),
        (&json!("100.15"), &json!("10.02"), &json!("90.13"), &json!("9.01"), &json!("99.14"))
    );
    assert_eq!(ticket["promocode"], "TENTH");
    assert_eq!(ticket["ticket"], json!(sold.tickets[0]));
    assert_eq!(
        ticket["terms"],
        json!([
            {"exact": "9.013", "name": "extra", "rounded": "9.01", "text": "10.0%"},
            {"exact": "2.7039", "name": "core", "rounded": "2.70", "text": "3.00%"},
            {"exact": "82.0183", "name": "org", "rounded": "82.02", "text": "91.00%"},
        ])
    );
    let deal = &scene.deal;
    assert_eq!(
        ticket["shares"],
        json!([
            {"amount": "82.02", "deal": deal, "from": ["org"], "partner": organizer, "role": "organizer"},
            {"amount": "2.70", "deal": deal, "from": ["core"], "partner": null, "role": "platform"},
            {"amount": "14.42", "deal": deal, "from": ["extra", "core", "org"], "partner": agent, "role": "agent"},
        ])
    );
    assert_eq!(
        amounts(explained["entries"].as_array().unwrap()),
        ["sale agent 14.42", "sale customer -99.14", "sale organizer 82.02", "sale platform 2.70"]
    );
    for who in [&scene.organizer, &scene.server.platform()] {
        assert_eq!(explain(who, &sold), explained);
    }
    let path = format!("/v1/resources/orders/{}/explain", sold.order);
    server.agent().get(&path).refused(403);
    server.member_of(agent, MemberRole::Cashier).get(&path).refused(403);
    server.platform().get("/v1/resources/orders/ffffffffffffffffffffffff/explain").refused(404);

    let body = json!({"order": sold.order, "culprit": "user", "tickets_refund": sold.tickets});
    let request = scene.agent.post("/v1/resources/refund_requests", body).ok();
    let answer = json!({"status": "approved"});
    scene.agent.patch(&format!("/v1/resources/refund_requests/{}", id(&request)), answer).ok();
    let explained = explain(&scene.agent, &sold);
    assert_eq!(explained["tickets"][0]["refund"], request["id"], "it shows what was refunded");
    assert_eq!(explained["entries"].as_array().unwrap().len(), 8);
}

fn an_order_of_the_organizer_says_so_too(server: Server) {
    let organizer = server.organizer();
    organizer.has_settings(json!({"extra": "5%"}));
    let sold = server.sold(&organizer, &server.tickets_of(&server.event_of(&organizer), "100.10", 1), 1);
    let explained = explain(&organizer, &sold);
    assert_eq!(explained["deal"], Value::Null);
    assert_eq!(
        explained["tickets"][0]["terms"],
        json!([
            {"exact": "5.005", "name": "fee", "rounded": "5.00", "text": "5.0%"},
            {"exact": "3.003", "name": "core", "rounded": "3.00", "text": "3.00%"},
        ])
    );
    let from = |at: usize| {
        (explained["tickets"][0]["shares"][at]["amount"].clone(), explained["tickets"][0]["shares"][at]["from"].clone())
    };
    assert_eq!(from(0), (json!("102.10"), json!(["fee", "core"])));
    assert_eq!(from(1), (json!("3.00"), json!(["core"])));
}
