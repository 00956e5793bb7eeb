//! Events for sale, in one request (`spec/v1.md`).

use jiff::SignedDuration;
use parterre::domain::deal::DealStatus;
use parterre::domain::event::EventStatus;
use parterre::domain::id::SetId;
use parterre::domain::member::MemberRole;
use parterre::domain::time::write_v1;
use parterre::store;
use serde_json::{Value, json};

use crate::util::{Actor, Server, id, ids};

on_both_engines!(
    Server;
    an_agent_reads_all_that_it_needs_to_sell,
    an_organizer_sells_its_own_events_without_a_deal,
    terms_are_written_with_the_digits_they_have,
    only_what_the_caller_may_sell_is_listed,
    one_event_is_shown_to_who_may_sell_it,
    terms_are_for_who_may_read_deals,
    a_list_is_filtered_by_what_where_and_when,
    a_list_is_filtered_by_what_it_costs,
    a_list_is_put_in_order_and_read_in_pages,
    a_long_list_keeps_its_order,
    wrong_parameters_are_named,
    vacant_tickets_are_counted_when_they_are_asked_for,
    what_occurs_in_the_list_is_named,
    statements_do_not_grow_with_offers,
    a_schema_narrows_and_widens_offers,
);

const OFFERS: &str = "/v1/services/simple/events";

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// An event that starts after so many hours, with a set at each price, and an accepted deal of the agent.
fn offered(server: &Server, organizer: &Actor<'_>, agent: &Actor<'_>, starts_in: i64, prices: &[&str]) -> String {
    let event = server.event(organizer, EventStatus::Public, hours(starts_in));
    for price in prices {
        organizer.makes_set(&event, 3, price);
    }
    server.deal_about(&event, organizer, agent, DealStatus::Accepted);
    event
}

fn listed(caller: &Actor<'_>, query: &str) -> Vec<String> {
    caller.get(&format!("{OFFERS}?{query}")).ids()
}

/// These events in the order of a list: within a second, that of their ids is by chance.
fn in_order<'e>(events: impl IntoIterator<Item = &'e String>) -> Vec<&'e String> {
    let mut events: Vec<&String> = events.into_iter().collect();
    events.sort();
    events
}

fn card(partner: &Actor<'_>, contact: Value, name: &str) -> Value {
    json!({
        "id": partner.partner(), "contact": contact, "desc": null,
        "media": {"logo_original": null, "logo": null, "logo_small": null}, "name": name, "tags": []
    })
}

fn an_agent_reads_all_that_it_needs_to_sell(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let legal = json!({"detail": {"name": "Concerts Ltd", "inn": "7701234567", "address": "Moscow", "kpp": "1"}});
    let contact = json!({"phones": ["+79101002030"]});
    let of = format!("/v1/resources/partners/{}", organizer.partner());
    organizer.patch(&of, json!({"legal": legal, "contact": contact})).ok();
    let venue = json!({
        "name": "Opera", "desc": "Two halls", "address": "1 Theatre Square", "city": 524_901,
        "point": {"type": "Point", "coordinates": [37.6186, 55.7603]}
    });
    let venue = organizer.post("/v1/resources/venues", venue).ok();
    let map = organizer.describes_map("Main stage");
    let sector = |at: usize| id(&map["sectors"][at]).to_owned();
    let event = server.event_of(&organizer);
    let changes = json!({"venue": id(&venue), "map": id(&map), "tags": ["rock"], "age_rating": 12});
    let seen = organizer.changes_event(&event, changes).ok();
    let sets = format!("/v1/resources/events/{event}/sets");
    let floor = json!({"name": "Floor", "amount": 500, "price": "1000.00", "description": "Standing"});
    organizer.post(&sets, floor).ok();
    let stalls = json!({"name": "Stalls", "price": "1500.50", "sector": sector(1), "seats": {"1": [[1, 3]]}});
    organizer.post(&sets, stalls).ok();
    let terms = json!({"org": "91%", "extra": "10%"});
    let deal = organizer.proposes_terms(&event, agent.partner(), terms).ok();
    agent.accepts(&deal).ok();

    let set = |at: usize| agent.get(&sets).list()[at].clone();
    let (now, moscow) = (write_v1(server.now()), agent.get("/v1/resources/cities?ids=524901").list().remove(0));
    let russia = agent.get("/v1/resources/countries?ids=RU").list().remove(0);
    let drawing = json!({
        "author": organizer.partner(), "content_type": "image/svg+xml", "created_at": now, "id": id(&map), "length": null,
        "md5": null, "md5hash": null, "removed": false, "updated_at": now, "url": map["svg"],
    });
    let expected = json!({
        "age_rating": 12, "allow_other_ps": false, "created_at": now,
        "deal": {"org": "91.0%", "agent": "9.0%", "extra": "10.0%", "media": [], "pfc": false},
        "id": event,
        "legal_detail": {"name": "Concerts Ltd", "inn": "7701234567", "ogrn": null, "ogrnip": null, "address": "Moscow"},
        "lifetime": seen["lifetime"],
        "map": {
            "id": id(&map), "name": "Main stage", "desc": null,
            "sectors": [
                {"id": sector(0), "name": "Floor", "desc": null}, {"id": sector(1), "name": "Parterre", "desc": null}
            ],
            "svg": {"map": drawing, "mapz": null, "source": drawing},
        },
        "media": {"cover_original": null, "cover": null, "cover_small": null},
        "org": card(&organizer, contact, "Organizer"),
        "partner": card(&agent, json!({}), "Agent"),
        "sets": [
            {
                "amount": 500, "amount_vacant": 500, "desc": "Standing", "id": id(&set(0)), "name": "Floor", "pos": 0,
                "price": "1100.00", "price_extra": "100.00", "price_org": "1000.00", "rules": set(0)["rules"],
                "seats": null, "sector": null, "with_seats": false,
            },
            {
                "amount": 3, "amount_vacant": 3, "desc": null, "id": id(&set(1)), "name": "Stalls", "pos": 1,
                "price": "1650.55", "price_extra": "150.05", "price_org": "1500.50", "rules": set(1)["rules"],
                "seats": {"1": [[1, 3]]}, "sector": sector(1), "with_seats": true,
            },
        ],
        "status": "public", "tags": ["rock"],
        "ticket_template": {"fan_cover_url": null, "name": null, "text_color": null},
        "tickets_amount": 503, "tickets_amount_vacant": 503, "title": {"text": "Concert", "desc": null},
        "updated_at": now,
        "venue": {
            "address": "1 Theatre Square", "city": moscow, "country": russia, "desc": "Two halls", "id": id(&venue),
            "name": "Opera", "point": {"type": "Point", "coordinates": [37.6186, 55.7603]},
        },
    });
    let answer = agent.get(OFFERS);
    assert_eq!(answer.text(), format!("[{expected}]"), "every field, in this order");
    assert_eq!(answer.header("total"), None, "without a page");
    for path in [format!("{OFFERS}/{event}"), format!("/v1/simple/events/{event}")] {
        assert_eq!(agent.get(&path).text(), expected.to_string());
    }
    assert_eq!(agent.get("/v1/simple/events").list(), [expected]);
}

fn an_organizer_sells_its_own_events_without_a_deal(server: Server) {
    let organizer = server.organizer();
    organizer.has_settings(json!({"extra": "5%"}));
    let event = server.event_of(&organizer);
    organizer.makes_set(&event, 2, "100.00");
    let offer = organizer.get(OFFERS).list().remove(0);
    assert_eq!((id(&offer), &offer["deal"]), (event.as_str(), &json!(null)));
    assert_eq!((&offer["org"], &offer["org"]["id"]), (&offer["partner"], &json!(organizer.partner())));
    assert_eq!((&offer["sets"][0]["price"], &offer["sets"][0]["price_extra"]), (&json!("105.00"), &json!("5.00")));
    for nothing in ["legal_detail", "map", "venue"] {
        assert_eq!(offer[nothing], json!(null), "{nothing}");
    }
}

fn terms_are_written_with_the_digits_they_have(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    for (given, org, rest, extra) in [
        (json!({"org": 90}), "90.0%", json!("10.0%"), "0.0%"),
        (json!({"org": "90.125%", "extra": "3.5%", "pfc": true}), "90.125%", json!("9.875%"), "3.5%"),
        (json!({"org": "150", "extra": "12.30"}), "150.00", json!(null), "12.30"),
        (json!({"org": 100}), "100.0%", json!("0.0%"), "0.0%"),
    ] {
        let event = server.event_of(&organizer);
        let deal = organizer.proposes_terms(&event, agent.partner(), given.clone()).ok();
        agent.accepts(&deal).ok();
        let pfc = given["pfc"] == true;
        let expected = json!({"org": org, "agent": rest, "extra": extra, "media": [], "pfc": pfc});
        assert_eq!(agent.get(&format!("{OFFERS}/{event}")).ok()["deal"], expected);
    }
}

fn only_what_the_caller_may_sell_is_listed(server: Server) {
    let (organizer, agent, stranger) = (server.organizer(), server.agent(), server.agent());
    let sold = offered(&server, &organizer, &agent, 50, &["100"]);
    let coming = server.event(&organizer, EventStatus::StandBy, hours(60));
    server.deal_about(&coming, &organizer, &agent, DealStatus::Accepted);
    for status in [DealStatus::New, DealStatus::Rejected, DealStatus::Canceled, DealStatus::Closed] {
        server.deal(&organizer, &agent, status);
    }
    let cancelled = offered(&server, &organizer, &agent, 70, &["100"]);
    organizer.changes_event(&cancelled, json!({"status": "cancelled"})).ok();
    let removed = offered(&server, &organizer, &agent, 80, &["100"]);
    organizer.delete(&format!("/v1/resources/events/{removed}")).ok();
    let over = offered(&server, &organizer, &agent, 1, &["100"]);
    server.advance(hours(5));
    assert_eq!(listed(&agent, "").iter().collect::<Vec<_>>(), in_order([&sold, &coming]));
    assert_eq!(listed(&stranger, ""), [""; 0]);
    assert_eq!(listed(&server.platform(), ""), [""; 0], "the platform sells nothing");
    assert_eq!(listed(&agent, &format!("ids={cancelled},{removed},{over},{sold}")), std::slice::from_ref(&sold));

    let draft = server.event(&organizer, EventStatus::Draft, hours(90));
    assert_eq!(listed(&organizer, "").len(), 6, "all its own that are coming, with or without a deal");
    let closed = listed(&organizer, "status=draft,cancelled");
    assert_eq!(closed.iter().collect::<Vec<_>>(), in_order([&cancelled, &draft]));
    assert_eq!(listed(&agent, "status=draft,cancelled"), [""; 0]);
    assert_eq!(listed(&agent, "status=stand_by"), [coming]);
    let since = write_v1(server.now() - hours(10)).replace('+', "%2B");
    assert!(listed(&organizer, &format!("lifetime={since},")).contains(&over), "its own are listed after their end");
    assert!(!listed(&agent, &format!("lifetime={since},")).contains(&over), "a deal ends with its event");
}

fn one_event_is_shown_to_who_may_sell_it(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = server.event_of(&organizer);
    let path = format!("{OFFERS}/{event}");
    agent.get(&path).refused(403);
    let deal = server.deal_about(&event, &organizer, &agent, DealStatus::Accepted);
    assert_eq!(id(&agent.get(&path).ok()), event);
    organizer.changes_event(&event, json!({"status": "draft"})).ok();
    let refusal = agent.get(&path).refused(403);
    assert!(refusal.reason.contains("draft") && !refusal.reason.contains("deal"), "{}", refusal.reason);
    let stranger = server.agent().get(&path).refused(403);
    assert!(!stranger.reason.contains("draft"), "{}", stranger.reason);
    organizer.changes_event(&event, json!({"status": "stand_by"})).ok();
    organizer.closes(&deal).ok();
    let refusal = agent.get(&path).refused(403);
    assert!(refusal.reason.contains("you have no accepted deal for it"), "{}", refusal.reason);
    server.platform().get(&path).refused(403);
    organizer.get(&format!("{OFFERS}/0123456789abcdef01234567")).refused(404);
    organizer.get(&format!("{OFFERS}/event")).refused(404);
    let draft = server.event(&organizer, EventStatus::Draft, hours(-90));
    assert_eq!(organizer.get(&format!("{OFFERS}/{draft}")).ok()["status"], "draft", "its own, however it stands");
    organizer.delete(&format!("/v1/resources/events/{event}")).ok();
    organizer.get(&path).refused(404);
}

fn terms_are_for_who_may_read_deals(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = offered(&server, &organizer, &agent, 50, &["100"]);
    for (role, sees) in [(MemberRole::Manager, true), (MemberRole::Cashier, false), (MemberRole::Gate, false)] {
        let member = server.member_of(agent.partner(), role);
        let offer = member.get(&format!("{OFFERS}/{event}")).ok();
        assert_eq!(offer["deal"].is_object(), sees, "{role}");
        assert_eq!(offer["sets"][0]["price_org"], "100.00");
    }
}

fn a_list_is_filtered_by_what_where_and_when(server: Server) {
    let (organizer, other, agent) = (server.organizer(), server.organizer(), server.agent());
    let [first, second] = [24, 48].map(|starts_in| offered(&server, &organizer, &agent, starts_in, &[]));
    server.advance(hours(1));
    let third = offered(&server, &other, &agent, 72, &[]);
    let venue = |name: &str, city: i64| {
        organizer.post("/v1/resources/venues", json!({"name": name, "city": city})).ok()["id"].clone()
    };
    let (moscow, minsk) = (venue("Opera", 524_901), venue("Arena", 625_144));
    organizer.changes_event(&first, json!({"venue": moscow, "tags": ["Rock", "open air"]})).ok();
    organizer.changes_event(&second, json!({"venue": minsk, "tags": ["jazz"]})).ok();
    let at = |after: i64| write_v1(server.now() + hours(after)).replace('+', "%2B");
    let changed = write_v1(server.now()).replace('+', "%2B");
    for (query, expected) in [
        (String::new(), vec![&first, &second, &third]),
        (format!("ids={third},{first},0123456789abcdef01234567"), vec![&first, &third]),
        (format!("org={}", other.partner()), vec![&third]),
        (format!("org={}&org={}", other.partner(), organizer.partner()), vec![&first, &second, &third]),
        (format!("venue={}", minsk.as_str().unwrap()), vec![&second]),
        ("country=by".to_owned(), vec![&second]),
        ("country=BY,RU".to_owned(), vec![&first, &second]),
        ("city=524901".to_owned(), vec![&first]),
        ("city=524901&country=BY".to_owned(), vec![]),
        ("tags=ROCK".to_owned(), vec![&first]),
        ("tags=jazz,open%20air".to_owned(), vec![&first, &second]),
        (format!("lifetime__range={},{}", at(24), at(48)), vec![&first, &second]),
        (format!("lifetime={},", at(60)), vec![&third]),
        (format!("lifetime=,{}", at(24)), vec![&first]),
        (format!("created_at__since={}", at(0)), vec![&third]),
        (format!("updated_at__since={changed}"), vec![&first, &second, &third]),
        (format!("updated_at__gt={changed}"), vec![]),
        (format!("org={}&tags=jazz", organizer.partner()), vec![&second]),
    ] {
        assert_eq!(listed(&agent, &query).iter().collect::<Vec<_>>(), in_order(expected.clone()), "{query}");
        let total = agent.get(&format!("{OFFERS}?{query}&page_size=1"));
        assert_eq!(total.header("total"), Some(expected.len().to_string().as_str()), "{query}");
    }
}

fn a_list_is_filtered_by_what_it_costs(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let cheap = offered(&server, &organizer, &agent, 24, &["100", "900"]);
    let dear = offered(&server, &organizer, &agent, 24, &["500.50"]);
    let unpriced = offered(&server, &organizer, &agent, 24, &[]);
    // The price is what the caller's customers pay: one more deal makes it dearer.
    let surcharged = server.event_of(&organizer);
    organizer.makes_set(&surcharged, 3, "100");
    let deal = organizer.proposes_terms(&surcharged, agent.partner(), json!({"org": 80, "extra": "100"})).ok();
    agent.accepts(&deal).ok();
    for (query, expected) in [
        ("price__range=100,200", vec![&cheap, &surcharged]),
        ("price__range=100,199.99", vec![&cheap]),
        ("price=500.50,500.5", vec![&dear]),
        ("price=500.51,", vec![&cheap]),
        ("price=,150", vec![&cheap]),
        ("price=600,800", vec![]),
        ("price=0,&sort=price", vec![&cheap, &surcharged, &dear]),
        ("sort=-price", vec![&dear, &surcharged, &cheap, &unpriced]),
    ] {
        let expected = if query.contains("sort") { expected } else { in_order(expected) };
        assert_eq!(listed(&agent, query).iter().collect::<Vec<_>>(), expected, "{query}");
        let total = agent.get(&format!("{OFFERS}?{query}&page_size=1"));
        assert_eq!(total.header("total"), Some(expected.len().to_string().as_str()), "{query}");
    }
    assert_eq!(listed(&organizer, "price=150,300"), [""; 0], "the organizer sells at 100 and 500.50");
}

fn a_list_is_put_in_order_and_read_in_pages(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let starts: [i64; 5] = [30, 10, 20, 10, 40];
    let events = starts.map(|starts_in| (starts_in, offered(&server, &organizer, &agent, starts_in, &[])));
    let own = server.organizer();
    for (query, direction) in
        [("", 0), ("sort=start", 1), ("sort=-start", -1), ("sort=end", 1), ("sort=price,-end", -1)]
    {
        let mut expected = events.each_ref();
        expected.sort_by_key(|(starts_in, event)| (direction * starts_in, event));
        let expected: Vec<&String> = expected.iter().map(|(_, event)| event).collect();
        assert_eq!(listed(&agent, query).iter().collect::<Vec<_>>(), expected, "{query}");
        for size in [1, 2, 5] {
            let mut seen = Vec::new();
            for page in 1..=6 {
                let answer = agent.get(&format!("{OFFERS}?{query}&page={page}&page_size={size}"));
                assert_eq!(answer.header("total"), Some("5"));
                let rows = answer.ids();
                assert!(rows.len() <= size);
                seen.extend(rows);
            }
            assert_eq!(seen.iter().collect::<Vec<_>>(), expected, "{query} by {size}");
        }
    }
    assert_eq!(own.get(&format!("{OFFERS}?page=1")).header("total"), Some("0"));
}

fn a_long_list_keeps_its_order(server: Server) {
    let organizer = server.organizer();
    let mut events: Vec<(i64, String)> = (0..430)
        .map(|number| {
            let starts_in = 1 + (number * 37) % 100;
            (starts_in, server.event(&organizer, EventStatus::Public, hours(starts_in)))
        })
        .collect();
    for (query, direction) in [("", 0), ("sort=-start", -1)] {
        events.sort_by(|one, other| (direction * one.0, &one.1).cmp(&(direction * other.0, &other.1)));
        let expected: Vec<&String> = events.iter().map(|(_, event)| event).collect();
        let found = listed(&organizer, &format!("{query}&fields-schema=id"));
        assert!(found.iter().collect::<Vec<_>>() == expected, "{query}");
    }
}

fn wrong_parameters_are_named(server: Server) {
    let organizer = server.organizer();
    for (query, field) in [
        ("ids=5", "ids"),
        ("org=x", "org"),
        ("venue=x", "venue"),
        ("country=RUS", "country"),
        ("city=Moscow", "city"),
        ("status=open", "status"),
        ("sort=name", "sort"),
        ("lifetime=2030-01-01T00:00:00", "lifetime"),
        ("lifetime__range=,", "lifetime__range"),
        ("lifetime__range=a,b", "lifetime__range"),
        ("lifetime__range=2030-01-02T00:00:00,2030-01-01T00:00:00", "lifetime__range"),
        ("price__range=5", "price__range"),
        ("price=1,2,3", "price"),
        ("price=-1,5", "price"),
        ("price=6,5", "price"),
        ("price__range=1,2&price=1,2", "price"),
        ("created_at__since=yesterday", "created_at__since"),
        ("updated_at__since=2030-01-01", "updated_at__since"),
        ("updated_at__gt=0", "updated_at__gt"),
        ("page_size=201", "page_size"),
    ] {
        let refusal = organizer.get(&format!("{OFFERS}?{query}")).refused(400);
        assert_eq!(refusal.fields(), [field], "{query}");
    }
    let answer = organizer.get(&format!("{OFFERS}?venu=1"));
    assert_eq!((answer.status, answer.header("x-ignored-fields")), (200, Some("venu")));
}

fn vacant_tickets_are_counted_when_they_are_asked_for(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = offered(&server, &organizer, &agent, 50, &["100", "200"]);
    let set: SetId = id(&organizer.get(&format!("/v1/resources/events/{event}/sets")).list()[0]).parse().unwrap();
    server.write(move |tx| Ok(store::sets::count_taken(tx, set, 1, 2)?));
    let offer = agent.get(OFFERS).list().remove(0);
    let vacant = |at: usize| offer["sets"][at]["amount_vacant"].clone();
    assert_eq!((vacant(0), vacant(1)), (json!(1), json!(3)));
    assert_eq!((&offer["tickets_amount"], &offer["tickets_amount_vacant"]), (&json!(6), &json!(4)));
}

fn what_occurs_in_the_list_is_named(server: Server) {
    let (organizer, other, agent) = (server.organizer(), server.organizer(), server.agent());
    let [first, second] = [24, 48].map(|starts_in| offered(&server, &organizer, &agent, starts_in, &[]));
    let third = offered(&server, &other, &agent, 72, &[]);
    let elsewhere = server.event_of(&organizer);
    let venue = |name: &str, place: Value| {
        let mut new = json!({"name": name});
        new.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
        organizer.post("/v1/resources/venues", new).ok()["id"].clone()
    };
    let (moscow, minsk) = (venue("Opera", json!({"city": 524_901})), venue("Arena", json!({"country": "BY"})));
    let paris = venue("Olympia", json!({"city": 2_988_507}));
    organizer.changes_event(&first, json!({"venue": moscow, "tags": ["rock", "open air"]})).ok();
    organizer.changes_event(&second, json!({"venue": minsk, "tags": ["rock"]})).ok();
    organizer.changes_event(&elsewhere, json!({"venue": paris, "tags": ["jazz"]})).ok();
    let whole = agent.get("/v1/services/simple/events_filters");
    let names: Vec<String> = whole.ok().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["cities", "countries", "venues", "orgs", "tags"]);
    assert_eq!(agent.get("/v1/simple/events_filters").text(), whole.text());
    let offer = |event: &str| agent.get(&format!("{OFFERS}/{event}")).ok();
    let (first, second, third) = (offer(&first), offer(&second), offer(&third));
    assert_eq!(whole.ok()["venues"], json!([first["venue"], second["venue"]]));
    assert_eq!(whole.ok()["cities"], json!([first["venue"]["city"]]));
    assert_eq!(whole.ok()["orgs"], json!([first["org"], third["org"]]));
    let schema = "cities{name{en}},countries{id},venues{name},orgs{id},tags";
    let narrowed = agent.get(&format!("/v1/services/simple/events_filters?fields-schema={schema}")).ok();
    assert_eq!(
        narrowed,
        json!({
            "cities": [{"name": {"en": "Moscow"}}], "countries": [{"id": "BY"}, {"id": "RU"}],
            "venues": [{"name": "Opera"}, {"name": "Arena"}],
            "orgs": [{"id": organizer.partner()}, {"id": other.partner()}], "tags": ["open air", "rock"],
        })
    );
    let nothing = json!({"cities": [], "countries": [], "venues": [], "orgs": [], "tags": []});
    assert_eq!(server.agent().get("/v1/services/simple/events_filters").ok(), nothing);
}

fn statements_do_not_grow_with_offers(server: Server) {
    let agent = server.agent();
    let mut events = Vec::new();
    for starts_in in 1..=8 {
        let organizer = server.organizer();
        let (venue, map) = (organizer.describes_venue("Opera"), organizer.describes_map("Hall"));
        let event = offered(&server, &organizer, &agent, starts_in, &["100", "200"]);
        organizer.changes_event(&event, json!({"venue": id(&venue), "map": id(&map)})).ok();
        events.push(event);
    }
    events.sort();
    for query in ["page_size=8", "sort=price&price=0,&page_size=8", "page_size=8&fields-schema=sets{sector{id}},id"] {
        let of = |events: &[String]| {
            let path = format!("{OFFERS}?{query}&ids={}", events.join(","));
            let (statements, offers) = server.statements_of(|| agent.get(&path).list());
            assert_eq!(ids(&offers), events);
            statements
        };
        assert_eq!(of(&events[..1]), of(&events), "{query}");
    }
}

fn a_schema_narrows_and_widens_offers(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let map = organizer.describes_map("Hall");
    let event = server.event_of(&organizer);
    organizer.changes_event(&event, json!({"map": id(&map)})).ok();
    let set = json!({"name": "Stalls", "sector": map["sectors"][1]["id"], "seats": {"2": [[1, 2]]}});
    organizer.post(&format!("/v1/resources/events/{event}/sets"), set).ok();
    server.deal_about(&event, &organizer, &agent, DealStatus::Accepted);
    let schema = "sets{name,sector{name}},map{svg{map{author{name}}}},tickets_amount";
    assert_eq!(
        agent.get(&format!("{OFFERS}/{event}?fields-schema={schema}")).ok(),
        json!({
            "map": {"svg": {"map": {"author": {"name": "Organizer"}}}},
            "sets": [{"name": "Stalls", "sector": {"name": "Parterre"}}], "tickets_amount": 2,
        })
    );
    let sets = agent.get(&format!("/v1/resources/events/{event}?fields-schema=sets{{sector{{id,name,desc}}}}")).ok();
    let sector = json!({"desc": null, "id": map["sectors"][1]["id"], "name": "Parterre"});
    assert_eq!(sets, json!({"sets": [{"sector": sector}]}));
    // What its seats are on stays what the event is held by.
    let other = organizer.describes_map("Other hall");
    for map in [json!(id(&other)), json!(null)] {
        assert_eq!(organizer.changes_event(&event, json!({"map": map})).refused(409).fields(), ["map"]);
    }
    organizer.changes_event(&event, json!({"map": id(&map), "tags": ["rock"]})).ok();
    let set = agent.get(&format!("/v1/resources/events/{event}/sets")).list().remove(0);
    organizer.removes_set(&set).ok();
    assert_eq!(organizer.changes_event(&event, json!({"map": id(&other)})).ok()["map"], id(&other));
}
