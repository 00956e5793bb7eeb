//! Venues (`spec/v1.md`, Venues, maps and places), and the events held there.

use jiff::SignedDuration;
use parterre::domain::event::EventStatus;
use parterre::domain::time::write_v1;
use serde_json::{Value, json};

use crate::util::{Server, id};

on_both_engines!(
    Server;
    a_venue_is_described_by_an_organizer_and_read_by_everybody,
    wrong_values_of_a_venue_are_named_and_nothing_is_changed,
    a_city_says_in_which_country_a_venue_lies,
    a_point_keeps_the_digits_it_was_given_with,
    a_venue_is_changed_by_its_organizer_and_the_platform,
    a_list_of_venues_is_filtered_by_whose_and_where,
    a_venue_that_coming_events_use_is_not_removed,
    an_event_takes_place_in_a_venue,
    an_event_has_the_timezone_of_its_city,
    a_venue_is_opened_down_to_its_country,
);

const VENUES: &str = "/v1/resources/venues";
const EVENTS: &str = "/v1/resources/events";
const LIFETIME: &str = "BEGIN:VEVENT\r\nDTSTART:20300124T160000Z\r\nDTEND:20300124T173000Z\r\nEND:VEVENT\r\n";
const MOSCOW: u32 = 524_901;

fn path(venue: &Value) -> String {
    format!("{VENUES}/{}", id(venue))
}

fn a_venue_is_described_by_an_organizer_and_read_by_everybody(server: Server) {
    let organizer = server.organizer();
    let now = write_v1(server.now());
    let answer = organizer.post(VENUES, json!({"name": " Opera "}));
    let venue = answer.ok();
    let expected = json!({
        "address": null, "city": null, "country": null, "created_at": now, "desc": null, "description": null,
        "id": id(&venue), "name": "Opera", "point": null, "removed": false, "updated_at": now,
    });
    assert_eq!((answer.status, answer.text()), (200, expected.to_string().as_str()), "every field, in this order");
    let whole = json!({
        "address": "Театральная площадь, 1", "city": MOSCOW, "country": "ru", "desc": "Two\nhalls",
        "description": "Two\nhalls", "name": "Опера", "point": {"type": "Point", "coordinates": [37.6186, 55.7603]},
        "id": "x", "removed": true, "created_at": 1, "updated_at": null,
    });
    let venue = organizer.saying("Prefer", "handling=strict").post(VENUES, whole.clone()).ok();
    for field in ["address", "city", "desc", "description", "name", "point"] {
        assert_eq!(venue[field], whole[field]);
    }
    assert_eq!((&venue["country"], &venue["removed"]), (&json!("RU"), &json!(false)));
    for caller in [&organizer, &server.organizer(), &server.agent(), &server.platform()] {
        assert_eq!(caller.get(&path(&venue)).ok(), venue);
    }
    server.nobody().get(&path(&venue)).refused(401);
    for caller in [server.agent(), server.platform()] {
        caller.post(VENUES, json!({"name": "Opera"})).refused(403);
    }
    organizer.get(&format!("{VENUES}/0123456789abcdef01234567")).refused(404);
    organizer.get(&format!("{VENUES}/opera")).refused(404);
}

fn wrong_values_of_a_venue_are_named_and_nothing_is_changed(server: Server) {
    let organizer = server.organizer();
    let venue = organizer.describes_venue("Opera");
    let point = |coordinates: Value| json!({"type": "Point", "coordinates": coordinates});
    for (field, wrong) in [
        ("name", json!("")),
        ("name", json!(" \t")),
        ("name", json!(null)),
        ("name", json!(5)),
        ("name", json!("two\nlines")),
        ("name", json!("x".repeat(1_001))),
        ("address", json!("x".repeat(1_001))),
        ("desc", json!("x".repeat(100_001))),
        ("description", json!(["x"])),
        ("city", json!(1)),
        ("city", json!("1")),
        ("city", json!(0)),
        ("city", json!(-524_901)),
        ("city", json!(1.5)),
        ("city", json!("Moscow")),
        ("city", json!(true)),
        ("country", json!("ZZ")),
        ("country", json!("RUS")),
        ("country", json!(643)),
        ("country", json!("XK")),
        ("point", json!("37.6,55.7")),
        ("point", json!([37.6, 55.7])),
        ("point", json!({"type": "Polygon", "coordinates": [37.6, 55.7]})),
        ("point", json!({"type": "Point"})),
        ("point", point(json!([37.6]))),
        ("point", point(json!([37.6, 55.7, 100]))),
        ("point", point(json!(["37.6", "55.7"]))),
        ("point", point(json!([180.1, 55.7]))),
        ("point", point(json!([37.6, -90.5]))),
        ("point", point(json!([1e-3, 1e30]))),
    ] {
        let refusal = organizer.patch(&path(&venue), json!({"desc": "new", field: wrong})).refused(400);
        assert_eq!(refusal.fields(), [field], "{wrong:.80}");
        let mut new = json!({"name": "Opera"});
        new[field] = wrong;
        assert_eq!(organizer.post(VENUES, new).refused(400).fields(), [field]);
    }
    assert_eq!(organizer.post(VENUES, json!({})).refused(400).fields(), ["name"]);
    let both = json!({"desc": "one", "description": "another"});
    assert_eq!(organizer.patch(&path(&venue), both).refused(400).fields(), ["description"]);
    assert_eq!(organizer.get(&path(&venue)).ok(), venue);
    assert_eq!(organizer.get(&format!("{VENUES}?filter=own")).list(), [venue]);
}

fn a_city_says_in_which_country_a_venue_lies(server: Server) {
    let organizer = server.organizer();
    let place = |venue: &Value| (venue["city"].clone(), venue["country"].clone());
    for city in [json!(MOSCOW), json!("524901")] {
        let venue = organizer.post(VENUES, json!({"name": "Opera", "city": city})).ok();
        assert_eq!(place(&venue), (json!(MOSCOW), json!("RU")));
    }
    let wrong = json!({"name": "Opera", "city": MOSCOW, "country": "BY"});
    let refusal = organizer.post(VENUES, wrong).refused(400);
    assert_eq!(refusal.fields(), ["country"]);
    assert!(refusal.reason.contains("Moscow lies in RU"), "{}", refusal.reason);

    let venue = organizer.post(VENUES, json!({"name": "Opera", "country": "FR"})).ok();
    assert_eq!(place(&venue), (json!(null), json!("FR")));
    let patch = |changes: Value| organizer.patch(&path(&venue), changes);
    assert_eq!(place(&patch(json!({"city": MOSCOW})).ok()), (json!(MOSCOW), json!("RU")));
    for country in [json!("FR"), json!(null)] {
        assert_eq!(patch(json!({"country": country})).refused(400).fields(), ["country"]);
    }
    assert_eq!(place(&patch(json!({"city": 625_144, "country": "by"})).ok()), (json!(625_144), json!("BY")));
    assert_eq!(place(&patch(json!({"city": null})).ok()), (json!(null), json!("BY")));
    assert_eq!(place(&patch(json!({"country": null})).ok()), (json!(null), json!(null)));
    // A city that lies where ISO 3166 has no code for is one all the same.
    assert_eq!(place(&patch(json!({"city": 786_714, "country": "XK"})).ok()), (json!(786_714), json!("XK")));
}

fn a_point_keeps_the_digits_it_was_given_with(server: Server) {
    let organizer = server.organizer();
    let body = r#"{"name": "Opera", "point": {"type": "Point", "coordinates": [37.60940, -0.7411000000000000001]}}"#;
    let answer = organizer.request("POST", VENUES).header("Content-Type", "application/json").body(body).send();
    let kept = r#""coordinates":[37.60940,-0.7411000000000000001]"#;
    assert!(answer.text().contains(kept), "{}", answer.text());
    let venue = path(&answer.ok());
    assert!(organizer.get(&venue).text().contains(kept));
    assert!(organizer.get(&format!("{VENUES}?filter=own&fields-schema=point{{coordinates}}")).text().contains(kept));
    assert_eq!(organizer.patch(&venue, json!({"point": null})).ok()["point"], json!(null));
    // The type goes without saying.
    let point = json!({"coordinates": [0, 90]});
    assert_eq!(
        organizer.patch(&venue, json!({"point": point})).ok()["point"],
        json!({"type": "Point", "coordinates": [0, 90]})
    );
}

fn a_venue_is_changed_by_its_organizer_and_the_platform(server: Server) {
    let organizer = server.organizer();
    let venue = organizer.describes_venue("Opera");
    server.advance(SignedDuration::from_secs(5));
    assert_eq!(organizer.patch(&path(&venue), json!({})).ok(), venue, "no change");
    assert_eq!(organizer.patch(&path(&venue), json!({"name": "Opera"})).ok(), venue, "no change");
    let changed = organizer.patch(&path(&venue), json!({"description": "Two halls", "address": "Square 1"})).ok();
    assert_eq!((&changed["desc"], &changed["description"]), (&json!("Two halls"), &json!("Two halls")));
    assert_eq!(changed["updated_at"], write_v1(server.now()));
    assert_eq!(server.platform().patch(&path(&venue), json!({"desc": null})).ok()["desc"], json!(null));
    for stranger in [server.organizer(), server.agent()] {
        stranger.patch(&path(&venue), json!({"name": "Mine"})).refused(403);
        stranger.delete(&path(&venue)).refused(403);
    }
    assert_eq!(server.platform().delete(&path(&venue)).ok(), json!({}));
    assert_eq!(organizer.delete(&path(&venue)).ok(), json!({}), "once more");
    assert_eq!(server.agent().get(&path(&venue)).ok()["removed"], json!(true), "it stays readable");
}

fn a_list_of_venues_is_filtered_by_whose_and_where(server: Server) {
    let (organizer, other) = (server.organizer(), server.organizer());
    let venue = |name: &str, place: Value| {
        let mut venue = place;
        venue["name"] = name.into();
        id(&organizer.post(VENUES, venue).ok()).to_owned()
    };
    let opera = venue("Большая Опера", json!({"city": MOSCOW}));
    let club = venue("Клуб 100%", json!({"city": 625_144}));
    let barn = venue("Barn", json!({"country": "FR"}));
    let theirs = id(&other.describes_venue("Opera")).to_owned();
    let listed = |query: &str| organizer.get(&format!("{VENUES}?{query}")).ids();
    assert_eq!(listed("filter=own"), [&*opera, &*club, &*barn]);
    let all = listed("filter=all");
    assert!(all.contains(&theirs) && all.contains(&opera));
    assert_eq!(all, listed(""));
    assert_eq!(listed(&format!("org={}", other.partner())), [&*theirs]);
    assert_eq!(listed(&format!("org={}&filter=own", other.partner())), [""; 0]);
    let own = |query: &str| listed(&format!("filter=own&{query}"));
    assert_eq!(own("city=524901,625144"), [&*opera, &*club]);
    assert_eq!(own("country=fr&country=BY"), [&*club, &*barn]);
    assert_eq!(own("suggest=%D0%9E%D0%9F%D0%B5%D1%80%D0%B0"), [&*opera], "ОПера");
    assert_eq!(own("suggest=0%25"), [&*club]);
    assert_eq!(own(&format!("ids={barn},{opera},0123456789abcdef01234567")), [&*opera, &*barn]);
    let page = organizer.get(&format!("{VENUES}?filter=own&page=2&page_size=2"));
    assert_eq!((page.ids(), page.header("total")), (vec![barn.clone()], Some("3")));
    organizer.delete(&format!("{VENUES}/{club}")).ok();
    assert_eq!((own(""), own("removed=true")), (vec![opera, barn], vec![club]));
    for (query, field) in
        [("filter=mine", "filter"), ("city=Moscow", "city"), ("country=Russia", "country"), ("org=1", "org")]
    {
        assert_eq!(organizer.get(&format!("{VENUES}?{query}")).refused(400).fields(), [field]);
    }
}

fn a_venue_that_coming_events_use_is_not_removed(server: Server) {
    let organizer = server.organizer();
    let venue = organizer.describes_venue("Opera");
    let hours = SignedDuration::from_hours;
    let held = |starts_in| {
        let event = server.event(&organizer, EventStatus::Public, starts_in);
        organizer.changes_event(&event, json!({"venue": id(&venue)})).ok();
        event
    };
    let (past, running, cancelled, removed, coming) =
        (held(hours(-50)), held(hours(-2)), held(hours(50)), held(hours(50)), held(hours(50)));
    organizer.changes_event(&cancelled, json!({"status": "cancelled"})).ok();
    organizer.delete(&format!("{EVENTS}/{removed}")).ok();
    let refusal = organizer.delete(&path(&venue)).refused(409);
    assert!(refusal.reason.contains(&running) && refusal.reason.contains(&coming), "{}", refusal.reason);
    assert!([&past, &cancelled, &removed].iter().all(|event| !refusal.reason.contains(*event)), "{}", refusal.reason);
    assert_eq!(organizer.get(&path(&venue)).ok(), venue);
    organizer.changes_event(&coming, json!({"venue": null})).ok();
    server.advance(hours(2));
    assert_eq!(organizer.delete(&path(&venue)).ok(), json!({}));
    // What was held there stays held there; nothing new is.
    assert_eq!(organizer.get(&format!("{EVENTS}/{past}")).ok()["venue"], id(&venue));
    organizer.changes_event(&past, json!({"venue": id(&venue), "age_rating": 6})).ok();
    assert_eq!(organizer.changes_event(&coming, json!({"venue": id(&venue)})).refused(400).fields(), ["venue"]);
}

fn an_event_takes_place_in_a_venue(server: Server) {
    let (organizer, other) = (server.organizer(), server.organizer());
    let (venue, theirs) = (organizer.describes_venue("Opera"), other.describes_venue("Club"));
    let new = |venue: &Value| {
        let event = json!({"title": {"text": "Concert"}, "lifetime": LIFETIME, "venue": id(venue)});
        organizer.post(EVENTS, event).ok()
    };
    let (first, second) = (new(&venue), new(&theirs));
    assert_eq!((&first["venue"], &second["venue"]), (&venue["id"], &theirs["id"]), "also one that others described");
    let listed = |query: &str| organizer.get(&format!("{EVENTS}?{query}")).ids();
    assert_eq!(listed(&format!("venue={}", id(&venue))), [id(&first)]);
    // Within a second events come in the order of their buckets.
    let mut both = [id(&first), id(&second)];
    both.sort_unstable();
    assert_eq!(listed(&format!("venue={},{}", id(&theirs), id(&venue))), both);
    assert_eq!(listed("venue=0123456789abcdef01234567"), [""; 0]);
    assert_eq!(organizer.get(&format!("{EVENTS}?venue=x")).refused(400).fields(), ["venue"]);
    assert_eq!(organizer.changes_event(id(&first), json!({"venue": null})).ok()["venue"], json!(null));
    for wrong in [json!("0123456789abcdef01234567"), json!("x"), json!(5)] {
        assert_eq!(organizer.changes_event(id(&first), json!({"venue": wrong})).refused(400).fields(), ["venue"]);
    }
}

fn an_event_has_the_timezone_of_its_city(server: Server) {
    let organizer = server.organizer();
    let moscow = organizer.post(VENUES, json!({"name": "Opera", "city": MOSCOW})).ok();
    let nowhere = organizer.describes_venue("Opera");
    let timezone = |rest: Value| {
        let mut event = json!({"title": {"text": "Concert"}, "lifetime": LIFETIME});
        event.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        let event = organizer.post(EVENTS, event).ok();
        (id(&event).to_owned(), event["timezone"].as_str().unwrap().to_owned())
    };
    let (event, of_city) = timezone(json!({"venue": id(&moscow)}));
    assert_eq!(of_city, "Europe/Moscow");
    assert_eq!(timezone(json!({"venue": id(&moscow), "timezone": null})).1, "Europe/Moscow");
    assert_eq!(timezone(json!({"venue": id(&moscow), "timezone": "Asia/Tokyo"})).1, "Asia/Tokyo");
    assert_eq!(timezone(json!({"venue": id(&nowhere)})).1, "UTC");
    // A change of the venue alone leaves it; null is the default again.
    let patch = |changes: Value| organizer.changes_event(&event, changes).ok()["timezone"].clone();
    assert_eq!(patch(json!({"venue": id(&nowhere)})), "Europe/Moscow");
    assert_eq!(patch(json!({"timezone": null})), "UTC");
    assert_eq!(patch(json!({"timezone": null, "venue": id(&moscow)})), "Europe/Moscow");
}

fn a_venue_is_opened_down_to_its_country(server: Server) {
    let organizer = server.organizer();
    let venue = organizer.post(VENUES, json!({"name": "Opera", "city": MOSCOW})).ok();
    let event = server.event_of(&organizer);
    organizer.changes_event(&event, json!({"venue": id(&venue)})).ok();
    let schema = "venue{name,city{name{en},country{name{ru}}},country}";
    let seen = server.agent().get(&format!("{EVENTS}/{event}?fields-schema={schema}")).ok();
    let city = json!({"name": {"en": "Moscow"}, "country": {"name": {"ru": "Россия"}}});
    assert_eq!(seen, json!({"venue": {"city": city, "country": "RU", "name": "Opera"}}));
    let seen = server.agent().get(&format!("{VENUES}/{}?fields-schema=city,country{{id}}", id(&venue))).ok();
    assert_eq!(seen, json!({"city": MOSCOW, "country": {"id": "RU"}}));
    // However many rows refer to places, they cost no statement.
    let list =
        |schema: &str| server.statements_of(|| organizer.get(&format!("{VENUES}?fields-schema={schema}")).ok()).0;
    assert_eq!(list("id"), list("id,city{name{en},country{name{en}}},country{name{en}}"));
}
