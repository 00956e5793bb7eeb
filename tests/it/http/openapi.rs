//! The OpenAPI document: what it says is what the server does.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use parterre::domain::deal::DealStatus;
use parterre::http::route::{Access, Answers};
use parterre::{demo, http};
use serde_json::{Value, json};

use crate::util::{Actor, Answer, Server, id};

on_both_engines!(Server; what_is_sold_is_answered_as_documented);

#[test]
fn the_document_is_the_one_that_is_checked_in() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    let checked_in = fs::read_to_string(file).unwrap_or_default();
    assert!(
        checked_in == http::openapi_json(),
        "docs/openapi.json is not what the program says: look at `cargo run -- openapi > docs/openapi.json`"
    );
}

#[test]
fn the_server_hands_it_out() {
    let server = Server::sqlite();
    let answer = server.nobody().get("/openapi.json");
    assert_eq!(&answer.ok(), document());
    assert_eq!(answer.json()["openapi"], "3.1.0");
}

#[test]
fn every_route_is_in_it_and_nothing_else() {
    let routes: BTreeSet<(String, String)> =
        http::routes().iter().map(|route| (route.path.to_owned(), route.method.as_str().to_lowercase())).collect();
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let documented: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(|method| (path.clone(), method.clone())))
        .collect();
    assert_eq!(routes, documented);
    let operations = paths.values().flat_map(|methods| methods.as_object().unwrap().values());
    let ids: BTreeSet<&str> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), routes.len(), "every operation has a name of its own");
}

#[test]
fn every_reference_in_it_leads_somewhere() {
    let document = document();
    let mut references = Vec::new();
    find_references(document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn find_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| find_references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| find_references(value, found)),
        _ => {}
    }
}

#[test]
fn every_schema_in_it_is_one() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::meta::is_valid(schema), "{name}");
        validator(&json!({"$ref": format!("#/components/schemas/{name}")}));
    }
}

#[test]
fn what_everybody_is_answered_is_as_documented() {
    let server = Server::sqlite();
    let callers = [
        server.nobody(),
        server.nanobilet(),
        server.owner_of(&server.nanobilet()),
        server.owner_of(&server.organizator()),
        server.platform(),
        server.newcomer(),
    ];
    for route in http::routes() {
        if matches!(route.answers, Answers::Other(_)) || route.method == "DELETE" {
            continue;
        }
        for caller in &callers {
            let request = caller.request(route.method.as_str(), &with_ids(route.path));
            let answer = if route.body.is_some() { request.json(&json!({})).send() } else { request.send() };
            is_as_documented(route.method.as_str(), route.path, &answer);
            if caller.may_act_for().is_none() && route.access == Access::Authenticated {
                assert!(matches!(answer.status, 200 | 400 | 401 | 403), "{}", answer.status);
            }
        }
    }
}

#[test]
fn what_a_story_is_answered_is_as_documented() {
    let server = Server::sqlite();
    let (organizer, agent) = (server.organizer(), server.agent());
    let owner = server.owner_of(&organizer);
    let of = format!("/v1/resources/partners/{}", organizer.partner());
    let check = |method: &str, path: &str, answer: Answer| {
        is_as_documented(method, path, &answer);
        answer.json()
    };
    let lifetime = "BEGIN:VEVENT\r\nDTSTART:20300124T160000Z\r\nDTEND:20300124T173000Z\r\nEND:VEVENT\r\n";
    let event = json!({"title": {"text": "Concert"}, "lifetime": lifetime, "tags": ["rock"], "age_rating": 18});
    check("POST", "/v1/resources/events", organizer.post("/v1/resources/events", event));
    check("POST", "/v1/resources/events", agent.post("/v1/resources/events", json!({})));
    let everything = json!({
        "name": "Partner", "roles": ["org", "agent"], "tags": ["a"], "desc": "d", "channels": "c", "director": "x",
        "contact": {"address": "a", "email": "a@b.ru", "id": "1", "phones": ["12345"], "www": "w", "name": "n"},
        "legal": {"type": "t", "bank": {"bik": "1"}, "detail": {"nds": true, "inn": "1"}, "who": {"name": "n"}},
    });
    check("POST", "/v1/resources/partners", organizer.post("/v1/resources/partners", everything.clone()));
    check("PATCH", "/v1/resources/partners/{idpartner}", organizer.patch(&of, everything));
    check("GET", "/v1/resources/partners/{idpartner}", agent.get(&of));
    let settings = json!({"extra": "1.50", "accept_org_min": 5, "refund_approval": "organizer"});
    check("PATCH", "/v1/resources/partners/{idpartner}/settings", owner.patch(&format!("{of}/settings"), settings));
    check(
        "POST",
        "/v1/resources/partners/{idpartner}/api_keys",
        owner.post(&format!("{of}/api_keys"), json!({"name": "k"})),
    );
    let email = server.email_of(&server.new_user().to_string());
    let member = json!({"email": email, "role": "gate"});
    check("POST", "/v1/resources/partners/{idpartner}/members", owner.post(&format!("{of}/members"), member.clone()));
    check("POST", "/v1/resources/partners/{idpartner}/members", owner.post(&format!("{of}/members"), member));
    for status in
        [DealStatus::New, DealStatus::Accepted, DealStatus::Rejected, DealStatus::Canceled, DealStatus::Closed]
    {
        let deal = server.deal(&organizer, &agent, status);
        let path = format!("/v1/resources/deals/{}", id(&deal));
        check("GET", "/v1/resources/deals/{iddeal}", agent.get(&path));
        check("PATCH", "/v1/resources/deals/{iddeal}", agent.patch(&path, json!({"status": "closed"})));
        check("GET", "/v1/resources/deals/{iddeal}", agent.get(&format!("{path}?fields-schema=id")));
        let opened = format!("{path}?fields-schema=event{{org{{name}},sets{{id}}}},obj{{user{{partners{{id}}}}}}");
        check("GET", "/v1/resources/deals/{iddeal}", agent.get(&opened));
    }
    let event = server.event_of(&organizer);
    let sets = format!("/v1/resources/events/{event}/sets");
    let new = json!({"name": "Parterre", "amount": 3, "price": "100.00"});
    check("POST", "/v1/resources/events/{idevent}/sets", organizer.post(&sets, new.clone()));
    check("POST", "/v1/resources/events/{idevent}/sets", organizer.post(&sets, json!({"name": ""})));
    let set = organizer.post(&sets, new).ok();
    let one = format!("{sets}/{}", id(&set));
    check("GET", "/v1/resources/events/{idevent}/sets", agent.get(&sets));
    check("GET", "/v1/resources/events/{idevent}/sets/{idset}", agent.get(&one));
    let changes = json!({"amount": 2, "rules": []});
    check("PATCH", "/v1/resources/events/{idevent}/sets/{idset}", organizer.patch(&one, changes));
    check("GET", "/v1/resources/events/{idevent}", agent.get(&format!("/v1/resources/events/{event}")));
    let of_set = "/v1/resources/events/{idevent}/sets/{idset}/tickets";
    check("GET", of_set, agent.get(&format!("{one}/tickets")));
    let ticket = agent.get(&format!("{one}/tickets")).list().remove(0);
    let path = format!("/v1/resources/events/{event}/tickets/{}", id(&ticket));
    check("GET", "/v1/resources/events/{idevent}/tickets/{idticket}", agent.get(&path));
    check("DELETE", "/v1/resources/events/{idevent}/sets/{idset}", organizer.delete(&one));
    let amounts = json!({"org": "150.00", "extra": "10.5%", "pfc": true});
    check("POST", "/v1/resources/deals", agent.proposes_terms(&event, agent.partner(), amounts.clone()));
    check("POST", "/v1/resources/deals", agent.proposes_terms(&event, agent.partner(), amounts));
    check("GET", "/v1/resources/deals", agent.get("/v1/resources/deals?status=all"));
    let (venues, maps) = ("/v1/resources/venues", "/v1/resources/maps");
    let point = json!({"type": "Point", "coordinates": [37.6186, 55.7603]});
    let venue = json!({"name": "Opera", "city": 524_901, "point": point});
    let venue = check("POST", venues, organizer.post(venues, venue));
    check("GET", venues, agent.get(&format!("{venues}?fields-schema=city{{country{{name}},name}},country{{id}}")));
    check("POST", venues, agent.post(venues, json!({})));
    let seats = json!([{"number": 1, "x": 0.5}, "2"]);
    let rows = json!([{"name": "1", "seats": 3, "y": 2}, {"name": "2", "seats": seats}]);
    let map = json!({"name": "Hall", "sectors": [{"name": "Floor"}, {"name": "Parterre", "rows": rows}]});
    let map = check("POST", maps, organizer.post(maps, map));
    check("GET", maps, agent.get(maps));
    let places = json!({"venue": id(&venue), "map": id(&map)});
    check("PATCH", "/v1/resources/events/{idevent}", organizer.changes_event(&event, places));
    let opened = format!("/v1/resources/events/{event}?fields-schema=venue{{city}},map{{sectors}}");
    check("GET", "/v1/resources/events/{idevent}", agent.get(&opened));
    check("DELETE", "/v1/resources/venues/{idvenue}", organizer.delete(&format!("{venues}/{}", id(&venue))));
    for path in ["/v1/resources/cities", "/v1/resources/countries"] {
        check("GET", path, server.nobody().get(&format!("{path}?limit=300")));
        check("GET", path, server.nobody().get(&format!("{path}?limit=x")));
    }
    let registration = json!({"email": "new@example.com", "password": "long enough"});
    check("POST", "/v1/resources/users", server.nobody().post("/v1/resources/users", registration.clone()));
    check("POST", "/v1/resources/users", server.nobody().post("/v1/resources/users", registration.clone()));
    check("POST", "/v1/services/whoami", server.nobody().post("/v1/services/whoami", registration));
    let wrong = json!({"email": "new@example.com", "password": "wrong"});
    check("POST", "/v1/services/whoami", server.nobody().post("/v1/services/whoami", wrong));
    check("DELETE", "/v1/services/whoami", owner.delete("/v1/services/whoami"));
    let large = agent.request("POST", "/v1/resources/deals").body(vec![b' '; 2 << 20]).send();
    check("POST", "/v1/resources/deals", large);
    let text = agent.request("POST", "/v1/resources/deals").header("Content-Type", "text/plain").body("x").send();
    check("POST", "/v1/resources/deals", text);
    check("GET", "/v1/resources/deals", agent.saying("Accept", "text/html").get("/v1/resources/deals"));
}

/// All that can be read of what was sold, of orders and refund requests in every status, by each of those who may.
fn what_is_sold_is_answered_as_documented(server: Server) {
    server.plays_season();
    let sale = server.sale(10, "1000");
    let waits = |count| sale.agent.asks_for_payment(&sale.agent.orders_of(&sale.set, count).ok());
    // Neither waits for long, and money is not sent back before the jobs run.
    sale.agent.orders_of(&sale.set, 1).ok();
    let paid = waits(1);
    server.customer_does(&paid, "pay");
    let body = json!({"order": id(&paid), "culprit": "user", "tickets_refund": paid["tickets"]});
    let request = sale.agent.post("/v1/resources/refund_requests", body).ok();
    let request = format!("/v1/resources/refund_requests/{}", id(&request));
    sale.agent.patch(&request, json!({"status": "approved"})).ok();
    let late = waits(1);
    sale.agent.cancels_order(&late).ok();
    server.customer_does(&late, "pay");

    let platform = server.platform();
    let payout = json!({"from": sale.agent.partner(), "to": platform.partner(), "amount": "30.00"});
    platform.post("/v1/resources/payouts", payout).ok();
    let orders = read("/v1/resources/orders", &platform, "/v1/resources/orders");
    let of_orders = words(&orders, "status");
    assert_eq!(of_orders, ["canceled", "done", "executed", "expired", "in_progress", "refunded"]);
    let requests = read("/v2/resources/refund_requests", &platform, "/v2/resources/refund_requests?page_size=200");
    let requests = requests["data"].clone();
    assert_eq!(words(&requests, "status"), ["approved", "in_progress", "new", "rejected"]);
    let entries = read("/v1/resources/entries", &platform, "/v1/resources/entries");
    assert_eq!(words(&entries, "cause"), ["late_payment", "payout", "refund", "sale"]);

    // Each who sold, or whose event it was, reads its own; the platform all.
    let mut callers = vec![platform.clone()];
    for partner in words(&orders, "vendor").into_iter().chain(words(&orders, "org")) {
        let owner = read("/v1/resources/partners/{idpartner}", &platform, &format!("/v1/resources/partners/{partner}"));
        callers.push(server.key_of(&partner, id(&owner["user"])));
    }
    for caller in &callers {
        for list in [
            "/v1/resources/orders",
            "/v1/resources/refund_requests",
            "/v1/resources/balances",
            "/v1/resources/entries",
            "/v1/resources/payouts",
            "/v1/resources/users",
            "/v1/resources/deals",
            "/v1/resources/events",
            "/v1/services/simple/events",
            "/v1/services/simple/events_filters",
            "/v1/simple/events",
            "/v1/simple/events_filters",
            "/v2/resources/orders",
            "/v2/resources/refund_requests",
        ] {
            read(list, caller, list);
        }
    }
    let mut pages = 0;
    for page in 1.. {
        let path = format!("/v2/resources/orders?page_size=100&page={page}");
        if read("/v2/resources/orders", &platform, &path)["data"] == json!([]) {
            break;
        }
        pages += 1;
    }
    assert!(pages > 2);

    // Some of each kind, one by one.
    for status in of_orders {
        let of_status: Vec<&Value> =
            orders.as_array().unwrap().iter().filter(|order| order["status"] == status.as_str()).take(5).collect();
        for order in of_status {
            for path in [
                "/v1/resources/orders/{idorder}",
                "/v1/resources/orders/{idorder}/tickets",
                "/v1/resources/orders/{idorder}/explain",
                "/v2/resources/orders/{idorder}",
            ] {
                read(path, &platform, &path.replace("{idorder}", id(order)));
            }
        }
    }
    for request in requests.as_array().unwrap() {
        for path in ["/v1/resources/refund_requests/{idrefund}", "/v2/resources/refund_requests/{idrefund}"] {
            read(path, &platform, &path.replace("{idrefund}", id(request)));
        }
    }
    let mut promocodes = 0;
    for event in words(&orders, "event") {
        for path in [
            "/v1/resources/events/{idevent}",
            "/v1/resources/events/{idevent}/sets",
            "/v1/resources/events/{idevent}/tickets",
            "/v1/resources/events/{idevent}/promocodes",
        ] {
            let found = read(path, &platform, &path.replace("{idevent}", &event));
            for promocode in found.as_array().into_iter().flatten().filter(|_| path.ends_with("promocodes")) {
                let one = "/v1/resources/events/{idevent}/promocodes/{idpromocode}";
                read(one, &platform, &one.replace("{idevent}", &event).replace("{idpromocode}", id(promocode)));
                promocodes += 1;
            }
        }
    }
    assert!(promocodes > 0);
    for caller in &callers[1..] {
        let customers = read("/v1/resources/users", caller, "/v1/resources/users");
        for customer in customers.as_array().unwrap().iter().take(3) {
            let path = "/v1/resources/users/{user_id}/orders";
            read(path, caller, &path.replace("{user_id}", id(customer)));
        }
        let offers = read("/v1/services/simple/events", caller, "/v1/services/simple/events");
        for offer in offers.as_array().unwrap().iter().take(2) {
            let path = "/v1/services/simple/events/{idevent}";
            read(path, caller, &path.replace("{idevent}", id(offer)));
        }
    }
}

/// Reads what must be there, and be whole: no documented field is missing, and there is no other.
fn read(path: &str, who: &Actor<'_>, asked: &str) -> Value {
    let answer = who.get(asked);
    assert_eq!(answer.status, 200, "{asked}: {}", answer.text());
    is_as_documented("GET", path, &answer);
    let body = answer.json();
    let response = &document()["paths"][path]["get"]["responses"]["200"];
    let schema = whole_validator(&response["content"]["application/json"]["schema"]);
    let wrong: Vec<String> =
        schema.iter_errors(&body).take(5).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "GET {asked}: {}", wrong.join("\n"));
    body
}

/// Every word that objects have in a field, in their alphabetical order.
fn words(objects: &Value, field: &str) -> Vec<String> {
    let words = objects.as_array().unwrap().iter().map(|object| object[field].as_str().unwrap().to_owned());
    words.collect::<BTreeSet<String>>().into_iter().collect()
}

/// A schema of the document where every field is there: only a `fields-schema` leaves some out.
fn whole_validator(schema: &Value) -> Arc<Validator> {
    static READY: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        let mut whole = schema.clone();
        make_whole(&mut whole, "");
        whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        let mut components = document()["components"].clone();
        make_whole(&mut components["schemas"], "");
        whole["components"] = components;
        Arc::new(jsonschema::validator_for(&whole).unwrap())
    };
    ready.entry(schema.to_string()).or_insert_with(make).clone()
}

/// What an object, by the name of the field that holds it, does not always have: by `spec/v1.md`, where a contact and a
/// discount have what was given, a ticket without a seat has `{}`, and some is only for requests.
const SOMETIMES: &[(&str, &[&str])] = &[
    ("contact", &["address", "email", "id", "name", "phones", "www"]),
    ("discount", &["fix", "fixed", "percentage"]),
    ("name", &["be", "fr", "ru", "zh"]),
    ("payment", &["send_tickets"]),
    ("seat", &["map", "number", "row", "sector"]),
    ("sectors", &["rows"]),
];

fn make_whole(schema: &mut Value, name: &str) {
    match schema {
        Value::Object(map) => {
            let fields: Option<Vec<String>> =
                map.get("properties").and_then(Value::as_object).map(|fields| fields.keys().cloned().collect());
            for (key, value) in map.iter_mut() {
                if key == "properties" {
                    for (field, schema) in value.as_object_mut().into_iter().flatten() {
                        make_whole(schema, field);
                    }
                } else {
                    make_whole(value, name);
                }
            }
            if let Some(fields) = fields {
                let sometimes = SOMETIMES.iter().filter(|(of, _)| *of == name).flat_map(|(_, fields)| *fields);
                let sometimes: Vec<&str> = sometimes.copied().collect();
                let always: Vec<String> =
                    fields.into_iter().filter(|field| !sometimes.contains(&field.as_str())).collect();
                map.insert("required".into(), json!(always));
                map.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|schema| make_whole(schema, name)),
        _ => {}
    }
}

/// Whether the status is documented, and the body is as its schema says.
fn is_as_documented(method: &str, path: &str, answer: &Answer) {
    let responses = &document()["paths"][path][method.to_lowercase()]["responses"];
    let response = &responses[answer.status.to_string()];
    assert!(response.is_object(), "{method} {path}: {} is not documented: {}", answer.status, answer.text());
    let schema = validator(&response["content"]["application/json"]["schema"]);
    let body = answer.json();
    let wrong = schema.iter_errors(&body).map(|error| format!("{error} at {}", error.instance_path()));
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{method} {path} {}: {}", answer.status, wrong.join("\n"));
}

/// A schema of the document, ready to be compared with.
fn validator(schema: &Value) -> Arc<Validator> {
    static READY: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        let mut schema = schema.clone();
        schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        schema["components"] = document()["components"].clone();
        Arc::new(jsonschema::validator_for(&schema).unwrap())
    };
    ready.entry(schema.to_string()).or_insert_with(make).clone()
}

fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&http::openapi_json()).unwrap());
    &DOCUMENT
}

fn with_ids(path: &str) -> String {
    path.replace("{idpartner}", demo::NANOBILET)
        .replace("{iddeal}", demo::DEAL)
        .replace("{idevent}", demo::EVENTS[0].0)
        .replace("{idset}", demo::SET)
        .replace("{idkey}", demo::NANOBILET_KEY_ID)
        .replace("{idatt}", demo::NANOBILET_KEY_ID)
        .replace("{idvenue}", demo::VENUE)
        .replace("{idmap}", demo::MAP)
        .replace("{iduser}", demo::NANOBILET_USER)
        .replace("{user_id}", demo::NANOBILET_USER)
}
