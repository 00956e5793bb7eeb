//! Any sequence of what vendors, organizers and time may do, told to the server and to a model of the specification: after
//! each step both have to agree on stock, statuses, counters, prices and the ledger.

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::env;

use jiff::{SignedDuration, Timestamp};
use parterre::domain::event::EventStatus;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::util::{Actor, Answer as Answered, ORDERS, ORDERS_V2, Server, id};
use world::{
    Account, Answer, Change, Choice, Code, Discount, HOUR, MINUTE, ORGANIZER, Order, Part, Refund, Rule, Sale, Set,
    Status, Ticket, Verdict, Wish, World,
};

/// How many steps a sequence has at most.
const STEPS: usize = 60;

/// What somebody does. Numbers name orders, tickets and so on by their place among those there are, modulo their number.
/// Steps are prices, from so many minutes after now, for so many hours.
#[derive(Clone, Debug)]
enum Action {
    Order { vendor: usize, wish: RawWish, all_or_nothing: bool, codes: Vec<usize>, v2: bool },
    Change { order: usize, by: usize, change: RawChange },
    Delete { order: usize, by: usize },
    AskForPayment { order: usize },
    Pay { order: usize, choice: Choice },
    Pass { seconds: i64 },
    RunJobs,
    CloseDeal { agent: usize },
    AcceptDeal { agent: usize, terms: usize },
    ChangeFee { fee: usize },
    ChangeAmount { set: usize, by: i64 },
    ChangePrice { set: usize, price: i64 },
    ChangeRules { set: usize, steps: Vec<(i64, i64, i64)> },
    RemoveSet { set: usize },
    MakeCode { code: usize, kind: usize },
    ChangeCode { code: usize },
    RemoveCode { code: usize },
    ChangeHold { vendor: usize, minutes: i64 },
    ReserveApproval { reserve: bool },
    PayOut { from: usize, to: usize, by_platform: bool, settles: bool },
    Refund { order: usize, by: usize, tickets: u8, by_org: bool, v2: bool },
    Answer { refund: usize, by: usize, approve: bool, v2: bool },
    CancelEvent,
}

#[derive(Clone, Debug)]
enum RawWish {
    Random([usize; 4]),
    Tickets(Vec<usize>),
}

/// What one request changes of an order.
#[derive(Clone, Debug)]
struct RawChange {
    customer: Option<usize>,
    wish: Option<RawWish>,
    all_or_nothing: bool,
    codes: Option<Vec<usize>>,
    status: Option<Status>,
    v2: bool,
}

fn actions() -> impl Strategy<Value = Action> {
    let wish = prop_oneof![
        3 => prop::array::uniform4(prop_oneof![3 => Just(0), 2 => 1..4usize]).prop_map(RawWish::Random),
        2 => prop::collection::vec(0..30usize, 0..5).prop_map(RawWish::Tickets),
    ];
    let codes = prop_oneof![3 => Just(Vec::new()), 2 => prop::collection::vec(0..3usize, 1..3)];
    let by = prop_oneof![12 => Just(0), 2 => Just(1), 1 => Just(2)];
    let order = 0..8usize;
    let status = prop_oneof![
        6 => Just(Status::InProgress),
        8 => Just(Status::Done),
        2 => Just(Status::Canceled),
        1 => prop::sample::select(&Status::ALL[..]),
    ];
    let seconds = prop_oneof![
        1 => prop::sample::select(vec![1, 60, 299]),
        1 => prop::sample::select(vec![540, 600, 601, 1800, 7200, 3 * 3600, 12 * 3600]),
    ];
    let v2 = || prop::bool::weighted(0.3);
    let choice = prop_oneof![6 => Just(Choice::Pay), 5 => prop::sample::select(&Choice::ALL[..])];
    let new = (0..3usize, wish.clone(), any::<bool>(), codes.clone(), v2()).prop_map(
        |(vendor, wish, all_or_nothing, codes, v2)| Action::Order { vendor, wish, all_or_nothing, codes, v2 },
    );
    let parts = prop_oneof![
        8 => Just([false, true, false, false]),
        4 => Just([false, false, true, false]),
        14 => Just([false, false, false, true]),
        8 => any::<[bool; 4]>(),
    ];
    let values = (0..CUSTOMERS.len(), wish, codes, status);
    let change = (parts, values, any::<bool>(), any::<bool>()).prop_map(
        |([of_customer, of_wish, of_codes, of_status], (customer, wish, codes, status), all_or_nothing, v2)| {
            RawChange {
                customer: of_customer.then_some(customer),
                wish: of_wish.then_some(wish),
                all_or_nothing,
                codes: of_codes.then_some(codes),
                // Version 2 knows no waiting.
                status: of_status.then_some(if v2 && status == Status::InProgress { Status::Done } else { status }),
                v2,
            }
        },
    );
    let price = || prop::sample::select(vec![0, 1, 10_001, 15_000, 33_335, 100_015]);
    let from = prop::sample::select(vec![-120, -60, -1, 0, 0, 5, 30, 120]);
    let steps = prop::collection::vec((price(), from, prop::sample::select(vec![1, 3, 30, 30])), 0..5);
    prop_oneof![
        16 => new,
        44 => (order.clone(), by.clone(), change).prop_map(|(order, by, change)| Action::Change { order, by, change }),
        6 => order.clone().prop_map(|order| Action::AskForPayment { order }),
        8 => (order.clone(), choice).prop_map(|(order, choice)| Action::Pay { order, choice }),
        2 => (order.clone(), by.clone()).prop_map(|(order, by)| Action::Delete { order, by }),
        5 => seconds.prop_map(|seconds| Action::Pass { seconds }),
        3 => Just(Action::RunJobs),
        1 => (1..3usize).prop_map(|agent| Action::CloseDeal { agent }),
        4 => (1..3usize, 0..4usize).prop_map(|(agent, terms)| Action::AcceptDeal { agent, terms }),
        1 => (0..3usize).prop_map(|fee| Action::ChangeFee { fee }),
        3 => (0..3usize, -2..3i64).prop_map(|(set, by)| Action::ChangeAmount { set, by }),
        2 => (0..4usize, price()).prop_map(|(set, price)| Action::ChangePrice { set, price }),
        3 => (0..4usize, steps).prop_map(|(set, steps)| Action::ChangeRules { set, steps }),
        1 => (0..4usize).prop_map(|set| Action::RemoveSet { set }),
        3 => (0..3usize, 0..3usize).prop_map(|(code, kind)| Action::MakeCode { code, kind }),
        1 => (0..3usize).prop_map(|code| Action::ChangeCode { code }),
        3 => (0..3usize).prop_map(|code| Action::RemoveCode { code }),
        1 => (0..3usize, prop::sample::select(vec![1, 10, 60]))
            .prop_map(|(vendor, minutes)| Action::ChangeHold { vendor, minutes }),
        1 => any::<bool>().prop_map(|reserve| Action::ReserveApproval { reserve }),
        2 => (0..4usize, 1..4usize, prop::bool::weighted(0.8), any::<bool>()).prop_map(
            |(from, on, by_platform, settles)| Action::PayOut { from, to: (from + on) % 4, by_platform, settles }
        ),
        10 => (order, by.clone(), any::<u8>(), prop::bool::weighted(0.2), v2())
            .prop_map(|(order, by, tickets, by_org, v2)| Action::Refund { order, by, tickets, by_org, v2 }),
        8 => (0..4usize, by, prop::bool::weighted(0.8), v2())
            .prop_map(|(refund, by, approve, v2)| Action::Answer { refund, by, approve, v2 }),
        1 => prop_oneof![1 => Just(Action::CancelEvent), 2 => Just(Action::RunJobs)],
    ]
}

/// The terms that deals are proposed with, as the request has them and as they are.
fn terms(number: usize) -> (Value, Sale) {
    let core = CORE;
    match number {
        0 => (
            json!({"org": 90, "extra": "10%"}),
            Sale::Deal { org: Part::Percent(900_000), extra: Part::Percent(100_000), core, pfc: false },
        ),
        1 => (
            json!({"org": "91.3333%", "extra": "7.77%", "pfc": true}),
            Sale::Deal { org: Part::Percent(913_333), extra: Part::Percent(77_700), core, pfc: true },
        ),
        2 => (
            json!({"org": "150.00", "extra": "12.34"}),
            Sale::Deal { org: Part::Amount(15_000), extra: Part::Amount(1_234), core, pfc: false },
        ),
        _ => (
            json!({"org": "97.00%"}),
            Sale::Deal { org: Part::Percent(970_000), extra: Part::Percent(0), core, pfc: false },
        ),
    }
}

/// The service fees of the organizer.
const FEES: [(&str, Part); 3] =
    [("0%", Part::Percent(0)), ("5.5%", Part::Percent(55_000)), ("33.33", Part::Amount(3_333))];
const CORE: Part = Part::Percent(30_000);
const CODES: [&str; 3] = ["THIRD", "FIXED", "EARLY"];
/// What is said of customers, by the names of version 1.
const CUSTOMERS: [(&str, Option<&str>); 5] = [
    ("email", Some("anna@example.com")),
    ("email", Some("boris@example.com")),
    ("email", None),
    ("mobile", Some("+7 900 123-45-67")),
    ("mobile", None),
];
/// What is paid out at a time, which may be more than is owed.
const PAYOUT: i64 = 12_345;

/// A price, when it starts to hold, and when it ends.
type Step = (i64, i64, i64);

/// A server, an event on it, and the model of it.
struct Stage<'s> {
    server: &'s Server,
    vendors: Vec<Actor<'s>>,
    deals: Vec<String>,
    event: String,
    world: World,
    /// Whom each barcode that was ever seen belonged to: a ticket and an order.
    barcodes: BTreeMap<String, (usize, usize)>,
}

fn refunds_path(v2: bool) -> &'static str {
    if v2 { "/v2/resources/refund_requests" } else { "/v1/resources/refund_requests" }
}

/// Of each promocode that an order was not given, version 2 says why.
fn tells_of_codes(world: &World, order: usize, words: &[&str], answer: &Answered) {
    let has = |word: &str| world.orders[order].codes.iter().any(|&code| world.codes[code].code == word);
    let reasons =
        ["promocode_not_found", "promocode_already_used", "promocode_limit_min_tickets", "promocode_apply_info"];
    let body = answer.json();
    let told = body["errors"].as_array().unwrap();
    assert!(told.iter().all(|error| reasons.iter().any(|reason| error["code"] == *reason)), "{body}");
    assert_eq!(told.len(), words.iter().filter(|word| !has(word)).count(), "{words:?}: {body}");
}

/// What an answer is about.
fn data(answer: &Answered) -> Value {
    let body = answer.json();
    body.get("data").cloned().unwrap_or(body)
}

fn money(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

fn minor(value: &Value) -> i64 {
    let text = value.as_str().unwrap();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap();
    assert_eq!(part.len(), 2, "{text}");
    sign * (whole.parse::<i64>().unwrap() * 100 + part.parse::<i64>().unwrap())
}

/// Its row and its number; empty where there is no seat.
fn seat_of(seat: &Value) -> String {
    match (&seat["row"], &seat["number"]) {
        (Value::Null, Value::Null) => String::new(),
        (row, number) => format!("{row}/{number}"),
    }
}

fn stamp(time: i64) -> String {
    Timestamp::from_microsecond(time).unwrap().strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn period(starts: i64, ends: i64) -> String {
    format!("BEGIN:VEVENT\r\nDTSTART:{}\r\nDTEND:{}\r\nEND:VEVENT\r\n", stamp(starts), stamp(ends))
}

/// The steps of a price as a request has them.
fn written(steps: &[Step]) -> Value {
    let rule = |(price, starts, ends): &Step| json!({"price": money(*price), "cal": period(*starts, *ends)});
    steps.iter().map(rule).collect()
}

/// The rules that a set shows for these steps, of which no two start at the same time.
fn rules_of(set: &Value, steps: &[Step]) -> Vec<Rule> {
    let found = set["rules"].as_array().unwrap();
    assert_eq!(found.len(), steps.len(), "{set}");
    let rule = |&(price, starts, ends): &Step| {
        let starts_then = |rule: &&Value| {
            let (start, end) = rule["cal"].as_str().unwrap().split_once("DTEND").unwrap();
            start.contains(&stamp(starts)) && end.contains(&stamp(ends))
        };
        let found = found.iter().find(starts_then).unwrap();
        assert_eq!(found["price_org"], money(price), "{set}");
        Rule { id: id(found).to_owned(), price, starts, ends }
    };
    steps.iter().map(rule).collect()
}

/// A new promocode as the request has it, and as it is.
fn code(number: usize, kind: usize) -> (Value, Code) {
    let word = CODES[number];
    let every = Code {
        id: String::new(),
        code: word,
        discount: Discount::Percent(500_000),
        sets: Vec::new(),
        amount: None,
        min: 0,
        max: i64::MAX,
        ends: None,
        removed: false,
    };
    match kind {
        0 => (json!({"code": word, "discount": {"percentage": "50%"}}), every),
        1 => (
            json!({"code": word, "discount": {"fix": "99.99"}, "tickets_count": {"max": 2}}),
            Code { discount: Discount::Fix(9_999), max: 2, ..every },
        ),
        _ => (
            json!({"code": word, "discount": {"percentage": "100%"}, "amount": 3}),
            Code { discount: Discount::Percent(1_000_000), amount: Some(3), ..every },
        ),
    }
}

fn microseconds(value: &Value) -> i64 {
    value.as_str().unwrap().parse::<Timestamp>().unwrap().as_microsecond()
}

impl<'s> Stage<'s> {
    fn new(server: &'s Server) -> Self {
        let organizer = server.organizer();
        let vendors = vec![organizer.clone(), server.agent(), server.agent()];
        let settings = json!({
            "accept_org_min": "0%", "auto_accept_deals": true, "core": "3%", "extra": FEES[1].0,
        });
        organizer.has_settings(settings);
        let event = server.event(&organizer, EventStatus::Public, SignedDuration::from_hours(24));
        let now = server.now().as_microsecond();
        let (starts, ends) = (now + 24 * HOUR, now + 27 * HOUR);
        let path = format!("/v1/resources/events/{event}");

        let map = organizer.describes_map("Hall");
        organizer.changes_event(&event, json!({"map": id(&map)})).ok();
        let seats = json!({"sector": id(&map["sectors"][1]), "seats": {"1": [[2, 3]], "2": [[1, 1]]}});

        let mut sets = Vec::new();
        let mut tickets = Vec::new();
        for (name, places, rules) in [
            ("Parterre", json!({"amount": 5}), vec![(100_015, now - HOUR, ends)]),
            (
                "Balcony",
                json!({"amount": 4}),
                vec![
                    (40_033, now - HOUR, now + 30 * MINUTE),
                    (55_555, now + 2 * HOUR, ends),
                    (60_007, now + 3 * HOUR, now + 6 * HOUR),
                ],
            ),
            ("Gallery", json!({"amount": 3}), vec![(10_001, now - HOUR, ends)]),
            ("Stalls", seats, vec![(70_707, now - HOUR, ends)]),
        ] {
            let mut new = places;
            new["name"] = json!(name);
            new["rules"] = written(&rules);
            let made = organizer.post(&format!("{path}/sets"), new).ok();
            sets.push(Set { id: id(&made).to_owned(), rules: rules_of(&made, &rules), removed: false });
        }
        for (set, Set { id: set_id, .. }) in sets.iter().enumerate() {
            for ticket in organizer.get(&format!("{path}/sets/{set_id}/tickets")).list() {
                let number = ticket["number"].as_i64().unwrap();
                let (id, seat) = (id(&ticket).to_owned(), ticket["seat"].clone());
                tickets.push(Ticket { id, number, set, order: None, removed: false, seat });
            }
        }

        let seated: Vec<String> = tickets.iter().map(|ticket| seat_of(&ticket.seat)).collect();
        assert_eq!(seated[12..], ["1/2", "1/3", "2/1"]);
        assert!(seated[..12].iter().all(String::is_empty));
        let early = now + 3 * HOUR;
        let of_sets = [&sets[0].id, &sets[2].id];
        let codes = [
            json!({"code": CODES[0], "discount": {"percentage": "33.3333%"}, "amount": 4}),
            json!({
                "code": CODES[1], "discount": {"fix": "150.00"}, "sets": of_sets, "tickets_count": {"min": 2, "max": 3},
            }),
            json!({"code": CODES[2], "discount": {"percentage": "12.5%"}, "lifetime": period(now - HOUR, early)}),
        ]
        .map(|code| id(&organizer.post(&format!("{path}/promocodes"), code).ok()).to_owned());
        let [third, fixed, early_code] = codes;
        let all = Code {
            id: third,
            code: CODES[0],
            discount: Discount::Percent(333_333),
            sets: Vec::new(),
            amount: Some(4),
            min: 0,
            max: i64::MAX,
            ends: None,
            removed: false,
        };
        let codes = vec![
            all.clone(),
            Code {
                id: fixed,
                code: CODES[1],
                discount: Discount::Fix(15_000),
                sets: vec![0, 2],
                amount: None,
                min: 2,
                max: 3,
                ..all.clone()
            },
            Code {
                id: early_code,
                code: CODES[2],
                discount: Discount::Percent(125_000),
                amount: None,
                ends: Some(early),
                ..all
            },
        ];
        let world = World {
            now,
            starts,
            ends,
            cancelled: false,
            sales: vec![Some(Sale::Own { fee: FEES[1].1, core: CORE }), None, None],
            deals: vec![0; 3],
            holds: vec![10 * MINUTE; 3],
            org_approves: false,
            sets,
            tickets,
            orders: Vec::new(),
            codes,
            refunds: Vec::new(),
            ledger: BTreeMap::new(),
            payouts: BTreeMap::new(),
        };
        let deals = vec![String::new(); 3];
        let mut stage = Self { server, vendors, deals, event, world, barcodes: BTreeMap::new() };
        stage.does(&Action::AcceptDeal { agent: 1, terms: 0 });
        stage.does(&Action::AcceptDeal { agent: 2, terms: 1 });
        stage.agrees();
        stage
    }

    fn path(&self) -> String {
        format!("/v1/resources/events/{}", self.event)
    }

    /// The order that a number names: one of the last, rather one that is as it has to be, so that sequences get far.
    fn named(&self, number: usize, has_to_be: impl Fn(Status) -> bool) -> Option<usize> {
        let last = || (0..self.world.orders.len()).rev().take(8);
        let rather: Vec<usize> = last().filter(|&order| has_to_be(self.world.orders[order].status)).collect();
        let these = if number < 6 && !rather.is_empty() { rather } else { last().collect() };
        these.get(number % these.len().max(1)).copied()
    }

    fn wish(&self, raw: &RawWish) -> (Wish, &'static str, Value) {
        match raw {
            RawWish::Random(counts) => {
                let counts: BTreeMap<usize, usize> =
                    counts.iter().copied().enumerate().filter(|(_, n)| *n > 0).collect();
                let wished = counts.iter().map(|(set, count)| (self.world.sets[*set].id.clone(), json!(count)));
                let wished = Value::Object(wished.collect());
                (Wish::Random(counts), "random", wished)
            }
            RawWish::Tickets(tickets) => {
                let there: Vec<usize> =
                    (0..self.world.tickets.len()).filter(|&ticket| !self.world.tickets[ticket].removed).collect();
                let tickets: BTreeSet<usize> =
                    tickets.iter().filter_map(|ticket| there.get(ticket % there.len().max(1)).copied()).collect();
                let wished: Vec<&String> = tickets.iter().map(|&ticket| &self.world.tickets[ticket].id).collect();
                (Wish::Tickets(tickets.clone()), "tickets", json!(wished))
            }
        }
    }

    /// Who asks: the order's vendor, the organizer, or somebody else.
    fn asker(&self, vendor: usize, by: usize) -> usize {
        match by {
            0 => vendor,
            1 => ORGANIZER,
            _ => (1..3).find(|agent| *agent != vendor).unwrap_or(1),
        }
    }

    fn tickets_of(&self, order: &Value) -> Vec<usize> {
        let there = order["tickets"].as_array().unwrap();
        let id = |ticket: &Value| ticket.get("id").unwrap_or(ticket).clone();
        there
            .iter()
            .map(|ticket| self.world.tickets.iter().position(|known| id(ticket) == known.id.as_str()).unwrap())
            .collect()
    }

    /// Tells the server and the model to do something, and compares what they say of it.
    fn does(&mut self, action: &Action) {
        let mut next = self.world.clone();
        let (answer, verdict) = match action {
            Action::Order { vendor, wish, all_or_nothing, codes, v2 } => {
                let (wish, name, value) = self.wish(wish);
                let words: Vec<&'static str> = codes.iter().map(|&code| CODES[code]).collect();
                let mut body = json!({"event": self.event, name: value, "all_or_nothing": all_or_nothing});
                if !words.is_empty() {
                    body["promocodes"] = json!(words);
                }
                let answer = self.vendors[*vendor].post(if *v2 { ORDERS_V2 } else { ORDERS }, body);
                let verdict = match next.order(*vendor, &wish, *all_or_nothing, &words, *v2) {
                    _ if *v2 && wish.is_empty() => Verdict::Refused,
                    verdict => verdict,
                };
                if matches!(answer.status, 200 | 201) && verdict != Verdict::Refused {
                    let made = data(&answer);
                    next.orders.last_mut().unwrap().id = id(&made).to_owned();
                    let order = next.orders.len() - 1;
                    next.keep_codes(order, &made["promocodes"]);
                    let looked_at = !next.orders[order].lines.is_empty() || !all_or_nothing;
                    if *v2 && looked_at {
                        tells_of_codes(&next, order, &words, &answer);
                    }
                }
                (answer, verdict)
            }
            Action::Change { order, by, change } => {
                let Some(order) = self.named(*order, Status::holds) else { return };
                let (change, body) = self.change(change);
                if body == json!({}) {
                    return;
                }
                let answer = self.changes(order, body, *by, change.v2);
                let by = self.asker(self.world.orders[order].vendor, *by);
                let had = if answer.status == 200 { self.tickets_of(&data(&answer)) } else { Vec::new() };
                let verdict = next.change(order, by, &change, &had);
                if let Some(words) = &change.codes
                    && answer.status == 200
                    && matches!(verdict, Verdict::Done | Verdict::Open)
                {
                    next.keep_codes(order, &data(&answer)["promocodes"]);
                    if change.v2 && self.world.orders[order].status == Status::Executed {
                        tells_of_codes(&next, order, words, &answer);
                    }
                }
                (answer, verdict)
            }
            Action::AskForPayment { order } => {
                let Some(order) = self.named(*order, Status::holds) else { return };
                let body = json!({"payment": {"system": "test"}, "status": "in_progress"});
                (self.changes(order, body, 0, false), next.ask(order))
            }
            Action::Pay { order, choice } => {
                let Some(order) = self.named(*order, Status::holds) else { return };
                if self.world.orders[order].charge.is_some() {
                    let asked = self.server.platform().sees_order(&json!({"id": self.world.orders[order].id}));
                    assert_eq!(self.server.customer_does(&asked, choice.word()).status, 303);
                    self.world.pay(order, *choice);
                }
                return;
            }
            Action::Delete { order, by } => {
                let Some(order) = self.named(*order, Status::holds) else { return };
                let Order { id, vendor, .. } = &self.world.orders[order];
                let by = self.asker(*vendor, *by);
                let answer = self.vendors[by].delete(&format!("/v1/resources/orders/{id}"));
                (answer, next.status(order, by, Status::Canceled, false))
            }
            Action::Pass { seconds } => {
                self.server.advance(SignedDuration::from_secs(*seconds));
                self.world.pass(seconds * 1_000_000);
                return;
            }
            Action::RunJobs => {
                self.server.run_jobs();
                self.world.jobs();
                return;
            }
            Action::CloseDeal { agent } => {
                if self.deals[*agent].is_empty() {
                    return;
                }
                let path = format!("/v1/resources/deals/{}", self.deals[*agent]);
                let answer = self.vendors[*agent].patch(&path, json!({"status": "closed"}));
                (answer, next.close_deal(*agent))
            }
            Action::AcceptDeal { agent, terms: number } => {
                let (term, sale) = terms(*number);
                let mut answer = self.vendors[*agent].proposes_terms(&self.event, self.vendors[0].partner(), term);
                if answer.status == 200 && answer.json()["status"] == "new" {
                    answer = self.vendors[0].accepts(&answer.json());
                }
                if answer.status == 200 {
                    self.deals[*agent] = id(&answer.json()).to_owned();
                }
                (answer, next.accept(*agent, sale))
            }
            Action::ChangeFee { fee } => {
                let (text, fee) = FEES[*fee];
                self.vendors[0].has_settings(json!({"extra": text}));
                self.world.sales[ORGANIZER] = Some(Sale::Own { fee, core: CORE });
                return;
            }
            Action::ChangeAmount { set, by } => return self.change_amount(*set, *by),
            Action::ChangePrice { set, price } => {
                let shown = self.world.sets[*set].shown(self.world.now);
                let full = self.world.sales[ORGANIZER].and_then(|sale| sale.split(shown, 0)).map(|split| split.full);
                // What is shown is sent back by programs that have read it, and may mean no change.
                if *price != shown && Some(*price) != full {
                    self.change_rules(*set, &[(*price, 0, self.world.ends)], json!({"price": money(*price)}));
                }
                return;
            }
            Action::ChangeRules { set, steps } => {
                let now = self.world.now;
                let steps: BTreeMap<i64, Step> = steps
                    .iter()
                    .map(|(price, from, hours)| (now + from * MINUTE, *price, *hours))
                    .map(|(starts, price, hours)| (starts, (price, starts, starts + hours * HOUR)))
                    .collect();
                let steps: Vec<Step> = steps.into_values().collect();
                return self.change_rules(*set, &steps, json!({"rules": written(&steps)}));
            }
            Action::RemoveSet { set } => {
                if self.world.sets[*set].removed {
                    return;
                }
                let answer = self.vendors[0].delete(&format!("{}/sets/{}", self.path(), self.world.sets[*set].id));
                (answer, next.remove_set(*set))
            }
            Action::MakeCode { code: number, kind } => {
                let removed = (0..CODES.len()).find(|number| self.live_code(*number).is_none());
                let (body, mut code) = code(removed.unwrap_or(*number), *kind);
                let answer = self.vendors[0].post(&format!("{}/promocodes", self.path()), body);
                if answer.status == 200 {
                    id(&answer.json()).clone_into(&mut code.id);
                }
                (answer, next.make_code(code))
            }
            Action::ChangeCode { code } => {
                let Some(code) = self.live_code(*code) else { return };
                // Of what is read-only nothing changes.
                let answer = self.vendors[0].patch(&self.code_path(code), json!({"name": "Changed", "amount": 1}));
                (answer, Verdict::Open)
            }
            Action::RemoveCode { code } => {
                let Some(code) = self.live_code(*code) else { return };
                next.codes[code].removed = true;
                (self.vendors[0].delete(&self.code_path(code)), Verdict::Done)
            }
            Action::ChangeHold { vendor, minutes } => {
                self.vendors[*vendor].has_settings(json!({"hold_minutes": minutes}));
                self.world.holds[*vendor] = minutes * MINUTE;
                return;
            }
            Action::ReserveApproval { reserve } => {
                let whose = if *reserve { "organizer" } else { "vendor" };
                self.vendors[ORGANIZER].has_settings(json!({"refund_approval": whose}));
                self.world.org_approves = *reserve;
                return;
            }
            Action::PayOut { from, to, by_platform, settles } => {
                let platform = self.server.platform();
                let partner = |at: usize| self.vendors.get(at).unwrap_or(&platform).partner();
                let mut body = json!({"from": partner(*from), "to": partner(*to), "amount": money(PAYOUT)});
                // A deal is settled by its two sides.
                let agent = from.max(to);
                if *settles && *from.min(to) == ORGANIZER && self.deals.get(*agent).is_some_and(|deal| !deal.is_empty())
                {
                    body["deal"] = json!(self.deals[*agent]);
                }
                let actor = if *by_platform { &platform } else { &self.vendors[*from % 3] };
                let answer = actor.post("/v1/resources/payouts", body);
                let account = |at: usize| if at < 3 { Account::Vendor(at) } else { Account::Platform };
                next.pay_out(account(*from), account(*to), PAYOUT);
                (answer, if *by_platform { Verdict::Done } else { Verdict::Refused })
            }
            Action::Refund { order, by, tickets, by_org, v2 } => {
                let Some(order) = self.named(*order, |status| status == Status::Done) else { return };
                let known = &self.world.orders[order];
                let by = self.asker(known.vendor, *by);
                let own = known.tickets();
                let tickets: Vec<usize> =
                    (0..own.len()).filter(|at| tickets >> (at % 8) & 1 == 1).map(|at| own[at]).collect();
                let ids: Vec<&String> = tickets.iter().map(|&ticket| &self.world.tickets[ticket].id).collect();
                let culprit = if *by_org { "org" } else { "user" };
                let name = if *v2 { "tickets" } else { "tickets_refund" };
                let body = json!({"order": known.id, "culprit": culprit, name: ids});
                let answer = self.vendors[by].post(refunds_path(*v2), body);
                let verdict = next.refund(order, by, &tickets, *by_org);
                if matches!(answer.status, 200 | 201) && verdict != Verdict::Refused {
                    next.refunds.last_mut().unwrap().id = id(&data(&answer)).to_owned();
                }
                (answer, verdict)
            }
            Action::Answer { refund, by, approve, v2 } => {
                let count = self.world.refunds.len();
                if count == 0 {
                    return;
                }
                let refund = count - 1 - refund % count;
                let Refund { id, order, .. } = &self.world.refunds[refund];
                let by = self.asker(self.world.orders[*order].vendor, *by);
                let status = if *approve { "approved" } else { "rejected" };
                let path = format!("{}/{id}", refunds_path(*v2));
                let answer = self.vendors[by].patch(&path, json!({"status": status}));
                (answer, next.answer(refund, by, *approve))
            }
            Action::CancelEvent => {
                let answer = self.vendors[0].patch(&self.path(), json!({"status": "cancelled"}));
                (answer, next.cancel_event())
            }
        };
        let happened = match (verdict, answer.status) {
            (Verdict::Done | Verdict::Open, 200 | 201) => true,
            (Verdict::Nothing, 200) | (Verdict::Refused | Verdict::Open | Verdict::Nothing, 400 | 403 | 409) => false,
            _ => panic!("{action:?}: {verdict:?}, but {}: {}\n{:#?}", answer.status, answer.text(), self.world.orders),
        };
        if happened {
            self.world = next;
        }
    }

    /// What a request changes of an order, and its body.
    fn change(&self, raw: &RawChange) -> (Change, Value) {
        let RawChange { customer, wish, all_or_nothing, codes, status, v2 } = raw.clone();
        let mut body = json!({});
        let mut change = Change { all_or_nothing, status, v2, ..Change::default() };
        if let Some((name, value)) = customer.map(|customer| CUSTOMERS[customer]) {
            change.customer = Some((name, value));
            match (v2, name) {
                (true, "mobile") => body["settings"] = json!({"customer": {"phone": value}}),
                (true, _) => body["settings"] = json!({"customer": {name: value}}),
                (false, _) => body["customer"] = json!({name: value}),
            }
        }
        if let Some(wish) = wish {
            let (wish, name, value) = self.wish(&wish);
            change.wish = Some(wish);
            body[name] = value;
            body["all_or_nothing"] = json!(all_or_nothing);
        }
        if let Some(codes) = codes {
            let words: Vec<&'static str> = codes.iter().map(|&code| CODES[code]).collect();
            // "Compared without case."
            body["promocodes"] = words.iter().map(|word| word.to_lowercase()).collect();
            change.codes = Some(words);
        }
        if let Some(status) = status {
            body["status"] = json!(if v2 { status.word_v2() } else { status.word() });
        }
        (change, body)
    }

    fn live_code(&self, number: usize) -> Option<usize> {
        self.world.codes.iter().position(|code| code.code == CODES[number] && !code.removed)
    }

    fn code_path(&self, code: usize) -> String {
        format!("{}/promocodes/{}", self.path(), self.world.codes[code].id)
    }

    fn changes(&self, order: usize, body: Value, by: usize, v2: bool) -> Answered {
        let Order { id, vendor, .. } = &self.world.orders[order];
        let by = self.asker(*vendor, by);
        self.vendors[by].patch(&format!("{}/{id}", if v2 { ORDERS_V2 } else { ORDERS }), body)
    }

    /// "Adds tickets, or removes vacant ones (409 where that isn't possible)": which of them is the server's choice.
    fn change_amount(&mut self, set: usize, by: i64) {
        if self.world.sets[set].removed {
            return;
        }
        let (amount, vacant) = self.world.stock(set);
        let wished = i64::try_from(amount).unwrap() + by;
        if !(1..=8).contains(&wished) {
            return;
        }
        let path = format!("{}/sets/{}", self.path(), self.world.sets[set].id);
        let answer = self.vendors[0].patch(&path, json!({"amount": wished}));
        if by < 0 && i64::try_from(vacant).unwrap() < -by {
            answer.refused(409);
            return;
        }
        if self.world.cancelled {
            // Nothing says whether tickets of what does not take place can be added.
            assert!(matches!(answer.status, 200 | 400 | 409), "{answer:?}");
        } else {
            answer.ok();
        }
        let there = self.vendors[0].get(&format!("{path}/tickets")).list();
        for ticket in &mut self.world.tickets {
            if ticket.set == set && !ticket.removed && !there.iter().any(|found| found["id"] == ticket.id.as_str()) {
                assert_eq!(ticket.order, None, "a ticket that somebody has was removed");
                ticket.removed = true;
            }
        }
        for found in there {
            let known = self.world.tickets.iter().any(|ticket| found["id"] == ticket.id.as_str());
            if !known {
                let number = found["number"].as_i64().unwrap();
                assert!(self.world.tickets.iter().all(|ticket| ticket.number != number), "{number} is there twice");
                let id = id(&found).to_owned();
                let seat = found["seat"].clone();
                self.world.tickets.push(Ticket { id, number, set, order: None, removed: false, seat });
            }
        }
        if answer.status == 200 {
            assert_eq!(i64::try_from(self.world.stock(set).0).unwrap(), wished);
        }
    }

    /// Another price of a set, or steps of it: orders keep the rule that they have.
    fn change_rules(&mut self, set: usize, steps: &[Step], body: Value) {
        if self.world.sets[set].removed {
            return;
        }
        let path = format!("{}/sets/{}", self.path(), self.world.sets[set].id);
        let answer = self.vendors[0].patch(&path, body);
        if (self.world.cancelled || self.world.now >= self.world.ends) && matches!(answer.status, 400 | 409) {
            // Nothing says whether what does not take place any more has a new price.
            return;
        }
        self.world.sets[set].rules = rules_of(&answer.ok(), steps);
    }

    /// Everything that can be read is as the model has it.
    fn agrees(&mut self) {
        self.stock_agrees();
        self.orders_agree();
        self.counters_agree();
        self.refunds_agree();
        self.ledger_agrees();
        self.balances_agree();
    }

    fn stock_agrees(&mut self) {
        let World { sets, tickets, orders, now, .. } = &self.world;
        for (vendor, actor) in self.vendors.iter().enumerate() {
            let there = actor.get(&format!("{}/sets", self.path()));
            if there.status == 403 && vendor != ORGANIZER {
                // A deal opened the event while it was no draft; nothing says that it has to stay open.
                continue;
            }
            let there = there.list();
            assert_eq!(there.len(), sets.iter().filter(|set| !set.removed).count());
            for (at, set) in sets.iter().enumerate().filter(|(_, set)| !set.removed) {
                let found = there.iter().find(|found| found["id"] == set.id.as_str()).unwrap();
                let (amount, vacant) = self.world.stock(at);
                assert_eq!((&found["amount"], &found["amount_vacant"]), (&json!(amount), &json!(vacant)), "{found}");
                let price = set.shown(*now);
                assert_eq!(found["current_price"], money(price), "{found}");
                let current = set.current(*now).map(|rule| rule.id.as_str());
                assert_eq!(found["current_rule"]["id"].as_str(), current, "{found}");
                let extra = match &self.world.sales[vendor] {
                    Some(sale) => match sale.split(price, 0) {
                        Some(split) => split.extra,
                        // What terms that can't sell it would add is of no use to anybody.
                        None => continue,
                    },
                    None => 0,
                };
                let prices = [&found["price_org"], &found["price_extra"], &found["price"]].map(minor);
                assert_eq!(prices, [price, extra, price + extra], "{vendor}: {found}");
            }
        }
        let mut seen = BTreeMap::new();
        for set in sets.iter().filter(|set| !set.removed) {
            for found in self.vendors[0].get(&format!("{}/sets/{}/tickets", self.path(), set.id)).list() {
                let at = tickets.iter().position(|ticket| found["id"] == ticket.id.as_str()).unwrap();
                let order = tickets[at].order.map(|order| &orders[order]);
                let (status, till) = match order {
                    None => ("vacant", None),
                    Some(order) if order.status == Status::Done => ("sold", None),
                    Some(order) => ("reserved", Some(order.till)),
                };
                assert_eq!((&found["status"], &found["seat"]), (&json!(status), &tickets[at].seat), "{found}");
                assert_eq!(found["reserved_till"].as_str().map(|_| microseconds(&found["reserved_till"])), till);
                assert_eq!(found["barcode"].is_string(), status == "sold", "{found}");
                if let Some(barcode) = found["barcode"].as_str() {
                    seen.insert(barcode.to_owned(), (at, tickets[at].order.unwrap()));
                }
            }
        }
        for (barcode, of) in seen {
            let before = self.barcodes.entry(barcode).or_insert(of);
            assert_eq!(*before, of, "a barcode was given twice");
        }
    }

    fn orders_agree(&self) {
        let there = self.server.platform().get(&format!("/v1/resources/orders?event={}", self.event)).list();
        assert_eq!(there.len(), self.world.orders.len());
        for order in &self.world.orders {
            let found = there.iter().find(|found| found["id"] == order.id.as_str()).unwrap();
            assert_eq!(found["status"], order.status.word(), "{found}\n{order:#?}");
            assert_eq!(found["vendor"], self.vendors[order.vendor].partner());
            if order.status.holds() {
                assert_eq!(microseconds(&found["reserved_till"]), order.till, "{found}");
            }
            let had: BTreeSet<usize> = self.tickets_of(found).into_iter().collect();
            assert_eq!(had, order.tickets().into_iter().collect(), "{found}");
            for (name, _) in CUSTOMERS {
                assert_eq!(found["customer"][name].as_str(), order.customer.get(name).copied(), "{found}");
            }
            let codes: BTreeSet<&str> = order.codes.iter().map(|&code| self.world.codes[code].id.as_str()).collect();
            let shown = found["promocodes"].as_array().unwrap();
            assert_eq!(shown.iter().map(|id| id.as_str().unwrap()).collect::<BTreeSet<_>>(), codes, "{found}");
            let mut sums = [0; 4];
            for line in &order.lines {
                let values = [line.discount, line.split.nominal, line.split.extra, line.split.full];
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                let shown = found["values"]["sets"].as_array().unwrap();
                let shown = shown.iter().find(|shown| shown["id"] == self.world.sets[line.set].id.as_str()).unwrap();
                assert_eq!(
                    [&shown["p"], &shown["d"]].map(minor),
                    [line.price - line.discount, line.discount],
                    "{found}"
                );
                let codes: Vec<&String> = line.code.iter().map(|&code| &self.world.codes[code].id).collect();
                assert_eq!(shown["ps"], json!(codes), "{found}");
                let rule = &found["rules"][&self.world.sets[line.set].id];
                let fixed = &order.rules[&line.set];
                assert_eq!((rule.as_str(), line.price), (Some(fixed.id.as_str()), fixed.price), "{found}");
            }
            let values = ["discount", "nominal", "extra", "full"].map(|name| minor(&found["values"][name]));
            assert_eq!(values, sums, "{found}\n{order:#?}");
            assert_eq!([&found["value"], &found["value_extra"]].map(minor), [sums[1], sums[2]], "{found}");
        }
    }

    fn counters_agree(&self) {
        let there = self.vendors[0].get(&format!("{}/promocodes", self.path())).list();
        assert_eq!(there.len(), self.world.codes.iter().filter(|code| !code.removed).count());
        for (at, code) in self.world.codes.iter().enumerate().filter(|(_, code)| !code.removed) {
            let found = there.iter().find(|found| found["id"] == code.id.as_str()).unwrap();
            let (held, used) = self.world.uses(at, None);
            assert_eq!(found["counter"], json!({"held": held, "used": used}), "{}", code.code);
            assert_eq!(found["amount"].as_i64(), code.amount, "{found}");
        }
    }

    fn refunds_agree(&self) {
        let path = format!("/v1/resources/refund_requests?event={}", self.event);
        let there = self.server.platform().get(&path).list();
        assert_eq!(there.len(), self.world.refunds.len());
        for refund in &self.world.refunds {
            let found = there.iter().find(|found| found["id"] == refund.id.as_str()).unwrap();
            let status = match refund.status {
                Answer::New | Answer::Sending => "new",
                Answer::Approved => "approved",
                Answer::Rejected => "rejected",
            };
            assert_eq!(found["status"], status, "{found}");
            let ids: BTreeSet<&str> =
                refund.tickets.iter().map(|&ticket| self.world.tickets[ticket].id.as_str()).collect();
            let shown = found["tickets_refund"].as_array().unwrap();
            assert_eq!(shown.iter().map(|id| id.as_str().unwrap()).collect::<BTreeSet<_>>(), ids, "{found}");
        }
    }

    fn ledger_agrees(&self) {
        let path = format!("/v1/resources/entries?event={}", self.event);
        let mut sums: BTreeMap<Account, i64> = BTreeMap::new();
        let mut orders: BTreeMap<String, i64> = BTreeMap::new();
        for entry in self.server.platform().get(&path).list() {
            let vendor = self.vendors.iter().position(|vendor| entry["partner"] == vendor.partner());
            let others = if entry["account"] == "customer" { Account::Customers } else { Account::Platform };
            let account = vendor.map_or(others, Account::Vendor);
            *sums.entry(account).or_default() += minor(&entry["amount"]);
            *orders.entry(entry["order"].as_str().unwrap().to_owned()).or_default() += minor(&entry["amount"]);
        }
        sums.retain(|_, sum| *sum != 0);
        let mut known = self.world.ledger.clone();
        known.retain(|_, sum| *sum != 0);
        assert_eq!(sums, known);
        assert!(orders.values().all(|sum| *sum == 0), "{orders:?}");
    }

    fn balances_agree(&self) {
        for (at, vendor) in self.vendors.iter().enumerate() {
            let there = vendor.get("/v1/resources/balances").list();
            let sum = |name: &str| there.iter().map(|balance| minor(&balance[name])).sum::<i64>();
            let account = Account::Vendor(at);
            assert_eq!(sum("owed") - sum("owes"), self.world.balance(account), "{there:?}");
            let paid = self.world.payouts.get(&account).copied().unwrap_or_default();
            assert_eq!(sum("payouts"), paid, "{there:?}");
        }
    }
}

/// `PARTERRE_CASES` sequences, which `make proof` makes many of.
fn any_sequence(server: Server, usually: u32) {
    let cases = env::var("PARTERRE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usually);
    let config = Config { cases, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
    let sequences = prop::collection::vec(actions(), 1..STEPS);
    let told = TestRunner::new(config).run(&sequences, |sequence| {
        let mut stage = Stage::new(&server);
        for action in &sequence {
            stage.does(action);
            stage.agrees();
        }
        Ok(())
    });
    if let Err(error) = told {
        panic!("{error}");
    }
}

#[test]
fn the_server_is_what_the_specification_says_on_sqlite() {
    any_sequence(Server::sqlite(), 16);
}

#[test]
fn the_server_is_what_the_specification_says_on_postgres() {
    any_sequence(Server::postgres(), 4);
}
