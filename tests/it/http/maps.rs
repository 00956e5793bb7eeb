//! Maps of halls (`spec/v1.md`, Venues, maps and places), and the events held by them.

use jiff::SignedDuration;
use parterre::demo;
use parterre::domain::event::EventStatus;
use parterre::domain::id::SectorId;
use parterre::domain::time::write_v1;
use parterre::store;
use serde_json::{Value, json};

use crate::util::{Actor, Server, id, sets_path};

on_both_engines!(
    Server;
    a_map_is_described_by_an_organizer_and_read_by_everybody,
    seats_are_counted_or_named_or_placed,
    wrong_descriptions_are_named_and_nothing_is_made,
    a_map_changes_all_but_its_seats,
    a_list_of_maps_is_filtered_and_spares_the_seats,
    a_map_that_coming_events_use_is_not_removed,
    an_event_is_held_by_a_map_of_its_organizer,
    an_event_is_held_by_a_map_of_its_venue,
    a_map_stays_with_the_venue_of_its_events,
    a_map_is_drawn,
    a_drawing_is_kept_until_the_map_changes,
    what_is_written_in_a_map_is_escaped_in_its_drawing,
    a_stadium_fits_in_one_request,
    a_sector_is_found_by_its_id,
);

const MAPS: &str = "/v1/resources/maps";
const EVENTS: &str = "/v1/resources/events";

fn path(map: &Value) -> String {
    format!("{MAPS}/{}", id(map))
}

fn a_map_is_described_by_an_organizer_and_read_by_everybody(server: Server) {
    let organizer = server.organizer();
    let venue = organizer.describes_venue("Opera");
    let now = write_v1(server.now());
    let answer = organizer.saying("Prefer", "handling=strict").post(
        MAPS,
        json!({
            "name": "Main stage", "desc": "Without the pit", "venue": id(&venue),
            "sectors": [
                {"name": "Floor"},
                {"name": "Parterre", "desc": "Velvet", "rows": [{"name": "1", "seats": 3}, {"name": 2, "seats": [7, "7a"]}]},
            ],
        }),
    );
    let map = answer.ok();
    let sector = |at: usize| id(&map["sectors"][at]).to_owned();
    let row = |name: &str, seats: Value| json!({"name": name, "seats": seats, "x": null, "y": null});
    let expected = json!({
        "created_at": now, "desc": "Without the pit", "id": id(&map), "name": "Main stage", "org": organizer.partner(),
        "removed": false,
        "sectors": [
            {"desc": null, "id": sector(0), "name": "Floor", "rows": []},
            {
                "desc": "Velvet", "id": sector(1), "name": "Parterre",
                "rows": [row("1", json!(["1", "2", "3"])), row("2", json!(["7", "7a"]))],
            },
        ],
        "svg": format!("http://{}{}/svg", server.address, path(&map)), "updated_at": now, "venue": id(&venue),
    });
    assert_eq!((answer.status, answer.text()), (200, expected.to_string().as_str()), "every field, in this order");
    for caller in [&organizer, &server.organizer(), &server.agent(), &server.platform()] {
        assert_eq!(caller.get(&path(&map)).ok(), expected);
    }
    server.nobody().get(&path(&map)).refused(401);
    for caller in [server.agent(), server.platform()] {
        caller.post(MAPS, json!({"name": "Hall", "sectors": [{"name": "Floor"}]})).refused(403);
    }
    organizer.get(&format!("{MAPS}/0123456789abcdef01234567")).refused(404);
    organizer.get(&format!("{MAPS}/0123456789abcdef01234567/svg")).refused(404);
}

fn seats_are_counted_or_named_or_placed(server: Server) {
    let organizer = server.organizer();
    let rows = json!([
        {"name": "A", "seats": [{"number": 1, "x": 0.5, "y": -2}, {"number": "1a", "x": 1.5}, "2"], "x": 3, "y": 4.25},
        {"name": "B", "seats": 2, "y": 6},
    ]);
    let map = organizer.post(MAPS, json!({"name": "Hall", "sectors": [{"name": "Ring", "rows": rows}]})).ok();
    let expected = json!([
        {
            "name": "A",
            "seats": [
                {"number": "1", "x": 0.5, "y": -2.0}, {"number": "1a", "x": 1.5, "y": null},
                {"number": "2", "x": null, "y": null},
            ],
            "x": 3.0, "y": 4.25,
        },
        {"name": "B", "seats": ["1", "2"], "x": null, "y": 6.0},
    ]);
    assert_eq!(map["sectors"][0]["rows"], expected);
    // What is answered may be given again.
    let again = organizer.post(MAPS, json!({"name": "Again", "sectors": map["sectors"]})).ok();
    assert_eq!(again["sectors"][0]["rows"], expected);
    assert_ne!(again["sectors"][0]["id"], map["sectors"][0]["id"]);
}

fn wrong_descriptions_are_named_and_nothing_is_made(server: Server) {
    let organizer = server.organizer();
    let row = |seats: Value| json!([{"name": "Parterre", "rows": [{"name": "1", "seats": seats}]}]);
    for (sectors, field) in [
        (json!([]), "sectors"),
        (json!({}), "sectors"),
        (json!(null), "sectors"),
        (json!(["Floor"]), "sectors[0]"),
        (json!([{"name": "Floor"}, {}]), "sectors[1].name"),
        (json!([{"name": "Floor"}, {"name": ""}]), "sectors[1].name"),
        (json!([{"name": "Floor"}, {"name": "Floor"}]), "sectors[1].name"),
        (json!([{"name": 5}]), "sectors[0].name"),
        (json!([{"name": "Floor", "desc": 5}]), "sectors[0].desc"),
        (json!([{"name": "Floor", "rows": 5}]), "sectors[0].rows"),
        (json!([{"name": "Floor", "rows": [5]}]), "sectors[0].rows[0]"),
        (json!([{"name": "Floor", "rows": [{"seats": 5}]}]), "sectors[0].rows[0].name"),
        (json!([{"name": "Floor", "rows": [{"name": "1"}]}]), "sectors[0].rows[0].seats"),
        (json!([{"name": "Floor", "rows": [{"name": "1", "seats": 1, "x": "left"}]}]), "sectors[0].rows[0].x"),
        (json!([{"name": "Floor", "rows": [{"name": "1", "seats": 1, "y": 20_000}]}]), "sectors[0].rows[0].y"),
        (
            json!([{"name": "Floor", "rows": [{"name": "1", "seats": 1}, {"name": 1, "seats": 1}]}]),
            "sectors[0].rows[1].name",
        ),
        (row(json!(0)), "sectors[0].rows[0].seats"),
        (row(json!(-1)), "sectors[0].rows[0].seats"),
        (row(json!(1.5)), "sectors[0].rows[0].seats"),
        (row(json!("12")), "sectors[0].rows[0].seats"),
        (row(json!([])), "sectors[0].rows[0].seats"),
        (row(json!([1, [2]])), "sectors[0].rows[0].seats[1]"),
        (row(json!([1, 1.5])), "sectors[0].rows[0].seats[1]"),
        (row(json!([1, "1"])), "sectors[0].rows[0].seats[1].number"),
        (row(json!([{"x": 1}])), "sectors[0].rows[0].seats[0].number"),
        (row(json!([{"number": 1, "x": true}])), "sectors[0].rows[0].seats[0].x"),
        (row(json!(100_001)), "sectors"),
        (row(json!(u64::MAX)), "sectors[0].rows[0].seats"),
        ((0..501).map(|number| json!({"name": number.to_string()})).collect(), "sectors"),
    ] {
        let refusal = organizer.post(MAPS, json!({"name": "Hall", "sectors": sectors})).refused(400);
        assert_eq!(refusal.fields(), [field], "{:.200}", refusal.reason);
    }
    let floor = json!([{"name": "Floor"}]);
    for (wrong, fields) in [
        (json!({}), vec!["name", "sectors"]),
        (json!({"name": "", "sectors": floor}), vec!["name"]),
        (json!({"name": "Hall", "desc": 5, "sectors": floor}), vec!["desc"]),
        (json!({"name": "Hall", "venue": 5, "sectors": floor}), vec!["venue"]),
        (json!({"name": "Hall", "venue": "0123456789abcdef01234567", "sectors": floor}), vec!["venue"]),
    ] {
        assert_eq!(organizer.post(MAPS, wrong).refused(400).fields(), fields);
    }
    // Names that are not known are named, with their place.
    let ignored = json!({"name": "Hall", "sectors": [{"name": "Floor", "colour": "red"}]});
    let answer = organizer.post(MAPS, ignored.clone());
    assert_eq!((answer.status, answer.header("x-ignored-fields")), (200, Some("sectors[0].colour")));
    organizer.saying("Prefer", "handling=strict").post(MAPS, ignored).refused(400);
    assert_eq!(organizer.get(&format!("{MAPS}?org={}", organizer.partner())).list().len(), 1);
}

fn a_map_changes_all_but_its_seats(server: Server) {
    let organizer = server.organizer();
    let (map, venue) = (organizer.describes_map("Hall"), organizer.describes_venue("Opera"));
    server.advance(SignedDuration::from_secs(5));
    assert_eq!(organizer.patch(&path(&map), json!({})).ok(), map, "no change");
    let changes = json!({"name": "Great hall", "desc": "New seats", "venue": id(&venue), "sectors": []});
    let answer = organizer.patch(&path(&map), changes);
    let mut expected = map.clone();
    expected["name"] = "Great hall".into();
    expected["desc"] = "New seats".into();
    expected["venue"] = id(&venue).into();
    expected["updated_at"] = write_v1(server.now()).into();
    assert_eq!(answer.ok(), expected);
    let seen = server.platform().patch(&path(&map), json!({"desc": null, "venue": null})).ok();
    assert_eq!((&seen["desc"], &seen["venue"]), (&json!(null), &json!(null)));
    for (wrong, field) in [(json!({"name": null}), "name"), (json!({"venue": "0123456789abcdef01234567"}), "venue")] {
        assert_eq!(organizer.patch(&path(&map), wrong).refused(400).fields(), [field]);
    }
    for stranger in [server.organizer(), server.agent()] {
        stranger.patch(&path(&map), json!({"name": "Mine"})).refused(403);
        stranger.delete(&path(&map)).refused(403);
    }
    organizer.delete(&format!("/v1/resources/venues/{}", id(&venue))).ok();
    assert_eq!(organizer.patch(&path(&map), json!({"venue": id(&venue)})).refused(400).fields(), ["venue"]);
}

fn a_list_of_maps_is_filtered_and_spares_the_seats(server: Server) {
    let (organizer, other) = (server.organizer(), server.organizer());
    let venue = organizer.describes_venue("Opera");
    let (hall, stage) = (organizer.describes_map("Большой Зал"), organizer.describes_map("Stage"));
    let theirs = other.describes_map("Hall");
    organizer.patch(&path(&stage), json!({"venue": id(&venue)})).ok();
    let listed = |query: &str| organizer.get(&format!("{MAPS}?{query}")).ids();
    let own = format!("org={}", organizer.partner());
    assert_eq!(listed(&own), [id(&hall), id(&stage)]);
    assert_eq!(listed(&format!("venue={}", id(&venue))), [id(&stage)]);
    assert_eq!(listed(&format!("{own}&suggest=%D0%97%D0%90%D0%BB")), [id(&hall)], "ЗАл");
    assert_eq!(listed(&format!("ids={},{}", id(&theirs), id(&hall))), [id(&hall), id(&theirs)]);
    organizer.delete(&path(&hall)).ok();
    assert_eq!(
        (listed(&own), listed(&format!("{own}&removed=true"))),
        (vec![id(&stage).to_owned()], vec![id(&hall).to_owned()])
    );
    let sectors = organizer.get(&format!("{MAPS}?ids={}&fields-schema=sectors", id(&stage))).ok();
    let names: Vec<Value> = stage["sectors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sector| json!({"desc": sector["desc"], "id": sector["id"], "name": sector["name"]}))
        .collect();
    assert_eq!(sectors, json!([{"sectors": names}]));
    // However many maps there are, they cost the same statements.
    let statements = |query: &str| server.statements_of(|| listed(query)).0;
    assert_eq!(statements(&format!("ids={}", id(&stage))), statements(&format!("ids={},{}", id(&stage), id(&theirs))));
}

fn a_map_that_coming_events_use_is_not_removed(server: Server) {
    let organizer = server.organizer();
    let map = organizer.describes_map("Hall");
    let hours = SignedDuration::from_hours;
    let held = |starts_in| {
        let event = server.event(&organizer, EventStatus::Public, starts_in);
        organizer.changes_event(&event, json!({"map": id(&map)})).ok();
        event
    };
    let (past, coming) = (held(hours(-50)), held(hours(50)));
    let refusal = organizer.delete(&path(&map)).refused(409);
    assert!(refusal.reason.contains(&coming) && !refusal.reason.contains(&past), "{}", refusal.reason);
    organizer.changes_event(&coming, json!({"status": "cancelled"})).ok();
    assert_eq!(organizer.delete(&path(&map)).ok(), json!({}));
    assert_eq!(organizer.delete(&path(&map)).ok(), json!({}), "once more");
    assert_eq!(organizer.get(&path(&map)).ok()["removed"], json!(true), "it stays readable");
    let event = server.event_of(&organizer);
    assert_eq!(organizer.changes_event(&event, json!({"map": id(&map)})).refused(400).fields(), ["map"]);
}

fn an_event_is_held_by_a_map_of_its_organizer(server: Server) {
    let (organizer, other) = (server.organizer(), server.organizer());
    let (map, theirs) = (organizer.describes_map("Hall"), other.describes_map("Hall"));
    let event = server.event_of(&organizer);
    let seen = organizer.changes_event(&event, json!({"map": id(&map)})).ok();
    assert_eq!(seen["map"], id(&map));
    for who in [&organizer, &server.platform()] {
        who.changes_event(&event, json!({"map": id(&theirs)})).refused(403);
    }
    for wrong in [json!("0123456789abcdef01234567"), json!("x"), json!(5)] {
        assert_eq!(organizer.changes_event(&event, json!({"map": wrong})).refused(400).fields(), ["map"]);
    }
    let opened = format!("{EVENTS}/{event}?fields-schema=map{{name,org,sectors{{name}}}}");
    assert_eq!(
        server.agent().get(&opened).ok(),
        json!({"map": {
            "name": "Hall", "org": organizer.partner(), "sectors": [{"name": "Floor"}, {"name": "Parterre"}]
        }})
    );
    assert_eq!(organizer.changes_event(&event, json!({"map": null})).ok()["map"], json!(null));
}

/// A map of a venue, and the seats of its parterre as a set.
fn hall(organizer: &Actor<'_>, venue: &Value) -> (Value, Value) {
    let map = organizer.describes_map("Hall");
    let map = organizer.patch(&path(&map), json!({"venue": id(venue)})).ok();
    let set = json!({"name": "Seats", "price": "10", "sector": id(&map["sectors"][1]), "seats": {"1": [[1, 3]]}});
    (map, set)
}

fn an_event_is_held_by_a_map_of_its_venue(server: Server) {
    let organizer = server.organizer();
    let (opera, circus) = (organizer.describes_venue("Opera"), organizer.describes_venue("Circus"));
    let (map, seats) = hall(&organizer, &opera);
    let (ring, _) = hall(&organizer, &circus);
    let anywhere = organizer.describes_map("Anywhere");
    let held = |venue: &Value| {
        let event = server.event_of(&organizer);
        organizer.changes_event(&event, json!({"venue": id(venue)})).ok();
        event
    };

    let event = held(&circus);
    let refusal = organizer.changes_event(&event, json!({"map": id(&map)})).refused(400);
    assert_eq!(refusal.fields(), ["map"]);
    assert!(refusal.reason.contains(id(&map)) && refusal.reason.contains("another venue"), "{}", refusal.reason);
    let refusal = organizer.post(&sets_path(&event), seats.clone()).refused(400);
    assert_eq!(refusal.fields(), ["sector"]);
    for fitting in [&ring, &anywhere] {
        assert_eq!(organizer.changes_event(&event, json!({"map": id(fitting)})).ok()["map"], id(fitting));
    }
    // Both at once are looked at together.
    let both = json!({"venue": id(&opera), "map": id(&ring)});
    assert_eq!(organizer.changes_event(&event, both).refused(400).fields(), ["map"]);
    organizer.changes_event(&event, json!({"venue": id(&opera), "map": id(&map)})).ok();
    let refusal = organizer.changes_event(&event, json!({"venue": id(&circus)})).refused(400);
    assert_eq!(refusal.fields(), ["venue"]);
    let seen = organizer.get(&format!("{EVENTS}/{event}")).ok();
    assert_eq!((&seen["venue"], &seen["map"]), (&json!(id(&opera)), &json!(id(&map))), "nothing is changed");
    organizer.post(&sets_path(&event), seats.clone()).ok();

    let title = json!({"text": "Concert"});
    let new = json!({"title": title, "lifetime": seen["lifetime"], "venue": id(&circus), "map": id(&map)});
    assert_eq!(organizer.post(EVENTS, new).refused(400).fields(), ["map"]);

    // Seats are on a map as well where the event names none.
    let event = held(&opera);
    organizer.post(&sets_path(&event), seats.clone()).ok();
    assert_eq!(organizer.changes_event(&event, json!({"venue": id(&circus)})).refused(400).fields(), ["venue"]);

    // What takes place nowhere in particular may be held by any map, until it is said where.
    let event = server.event_of(&organizer);
    organizer.changes_event(&event, json!({"map": id(&map)})).ok();
    organizer.post(&sets_path(&event), seats).ok();
    assert_eq!(organizer.changes_event(&event, json!({"venue": id(&circus)})).refused(400).fields(), ["venue"]);
    organizer.changes_event(&event, json!({"venue": id(&opera)})).ok();
    assert_eq!(organizer.changes_event(&event, json!({"venue": null})).ok()["venue"], Value::Null);
}

fn a_map_stays_with_the_venue_of_its_events(server: Server) {
    let organizer = server.organizer();
    let (opera, circus) = (organizer.describes_venue("Opera"), organizer.describes_venue("Circus"));
    let (map, seats) = hall(&organizer, &opera);
    let moves = |venue: &Value| organizer.patch(&path(&map), json!({"venue": venue}));
    moves(&json!(id(&circus))).ok();
    moves(&json!(id(&opera))).ok();
    let (named, seated) = (server.event_of(&organizer), server.event_of(&organizer));
    organizer.changes_event(&named, json!({"venue": id(&opera), "map": id(&map)})).ok();
    organizer.changes_event(&seated, json!({"venue": id(&opera)})).ok();
    let set = organizer.post(&sets_path(&seated), seats).ok();
    let refusal = moves(&json!(id(&circus))).refused(400);
    assert_eq!(refusal.fields(), ["venue"]);
    assert!(refusal.reason.contains(&named) && refusal.reason.contains(&seated), "{}", refusal.reason);
    assert_eq!(organizer.get(&path(&map)).ok()["venue"], id(&opera));
    organizer.changes_event(&named, json!({"map": null})).ok();
    organizer.removes_set(&set).ok();
    moves(&json!(id(&circus))).ok();
    organizer.changes_event(&seated, json!({"map": id(&map)})).refused(400);
    moves(&Value::Null).ok();
    organizer.changes_event(&seated, json!({"map": id(&map)})).ok();
    assert_eq!(moves(&json!(id(&circus))).refused(400).fields(), ["venue"]);
    moves(&json!(id(&opera))).ok();
}

fn a_map_is_drawn(server: Server) {
    let organizer = server.organizer();
    let map = organizer.describes_map("Hall");
    let drawing = organizer.path_of(map["svg"].as_str().unwrap());
    for accept in ["image/svg+xml", "image/avif,image/webp,image/*", "*/*"] {
        let answer = server.agent().saying("Accept", accept).get(drawing);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/svg+xml")));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
        let parterre = id(&map["sectors"][1]);
        let seat = format!(r#"id="{parterre}-1-2" "#);
        assert!(answer.text().starts_with("<svg ") && answer.text().contains(&seat), "{}", answer.text());
        let named = format!(r#"data-sector="{parterre}" data-row="2" data-number="3""#);
        assert!(answer.text().contains(&named), "{}", answer.text());
        assert_eq!(answer.text().matches("class=\"seat\"").count(), 7);
    }
    server.agent().saying("Accept", "text/html").get(drawing).refused(406);
    server.nobody().get(drawing).refused(401);
    server.newcomer().get(drawing).refused(403);
}

fn a_drawing_is_kept_until_the_map_changes(server: Server) {
    let organizer = server.organizer();
    let map = organizer.describes_map("Hall");
    let drawing = format!("{}/svg", path(&map));
    let first = organizer.get(&drawing);
    let tag = first.header("etag").unwrap();
    assert_eq!(first.header("cache-control"), Some("private, max-age=86400"));
    // Weak, for it may go out compressed.
    let strong = tag.strip_prefix("W/").unwrap();
    for known in [tag.to_owned(), strong.to_owned(), format!("\"other\", {tag}"), "*".to_owned()] {
        let answer = organizer.saying("If-None-Match", &known).get(&drawing);
        assert_eq!((answer.status, answer.header("etag"), answer.text()), (304, Some(tag), ""));
    }
    assert_eq!(organizer.saying("If-None-Match", "\"other\"").get(&drawing).status, 200);
    server.advance(SignedDuration::from_secs(1));
    organizer.patch(&path(&map), json!({"name": "Great hall"})).ok();
    let second = organizer.saying("If-None-Match", tag).get(&drawing);
    assert_eq!(second.status, 200);
    assert!(second.text().contains("<title>Great hall</title>") && second.header("etag") != Some(tag));
}

fn what_is_written_in_a_map_is_escaped_in_its_drawing(server: Server) {
    let organizer = server.organizer();
    let script = "</title><script>alert(1)</script>";
    let rows = json!([{"name": script, "seats": [script, "\" onload=\"alert(1)"]}]);
    let sectors = json!([{"name": script, "rows": rows}, {"name": "Floor' onload='alert(1)"}]);
    let map = organizer.post(MAPS, json!({"name": script, "sectors": sectors})).ok();
    let drawing = organizer.get(organizer.path_of(map["svg"].as_str().unwrap()));
    let text = drawing.text();
    assert!(text.contains("&lt;script&gt;") && !text.contains("<script"), "{text}");
    assert!(!text.contains("\" onload=\"") && !text.contains("' onload='"), "{text}");
}

fn a_stadium_fits_in_one_request(server: Server) {
    let organizer = server.organizer();
    let rows: Vec<Value> = (1..=30).map(|row| json!({"name": row.to_string(), "seats": 25})).collect();
    let sectors: Vec<Value> =
        (1..=40).map(|number| json!({"name": format!("Sector {number}"), "rows": rows})).collect();
    let body = json!({"name": "Stadium", "sectors": sectors});
    assert!(body.to_string().len() < 1 << 16, "counts are short");
    let map = organizer.post(&format!("{MAPS}?fields-schema=id,svg"), body).ok();
    let drawing = organizer.get(organizer.path_of(map["svg"].as_str().unwrap()));
    assert_eq!(drawing.text().matches("class=\"seat\"").count(), 30_000);
    let zipped = organizer.saying("Accept-Encoding", "gzip").get(organizer.path_of(map["svg"].as_str().unwrap()));
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    assert!(zipped.body.len() * 5 < drawing.body.len());
    assert_eq!(organizer.get(&path(&map)).ok()["sectors"].as_array().unwrap().len(), 40);
}

fn a_sector_is_found_by_its_id(server: Server) {
    let organizer = server.organizer();
    let map = organizer.describes_map("Hall");
    let sector: SectorId = id(&map["sectors"][1]).parse().unwrap();
    let (sector, of) = server.write(move |tx| Ok(store::maps::find_sector(tx, sector)?)).unwrap();
    assert_eq!((of.to_string().as_str(), sector.name.as_str(), sector.amount()), (id(&map), "Parterre", 7));
    let unknown: SectorId = demo::VENUE.parse().unwrap();
    assert!(server.write(move |tx| Ok(store::maps::find_sector(tx, unknown)?)).is_none());
}
