//! Events (`spec/v1.md`, Events), without ticket sets.

use jiff::SignedDuration;
use parterre::demo;
use parterre::domain::event::EventStatus;
use parterre::domain::partner::Role;
use parterre::domain::time::write_v1;
use serde_json::{Value, json};

use crate::util::{Actor, Server, id};

on_both_engines!(
    Server;
    an_event_is_a_draft_of_its_organizer,
    a_lifetime_is_read_in_any_form_and_written_in_one,
    wrong_values_are_named_and_nothing_is_changed,
    an_event_changes_as_it_is_told,
    public_needs_a_price_and_cancelled_is_final,
    an_event_is_removed_and_stays_readable_to_its_organizer,
    only_an_organizer_makes_events,
    the_platform_changes_events_of_others,
    a_list_is_filtered_by_when_whose_and_what,
    a_list_shows_drafts_to_their_organizer_alone,
    an_event_belongs_to_a_bucket_drawn_for_it,
    the_currency_is_fixed_by_amounts_in_deals,
    an_installation_has_its_own_currency_and_timezone,
);

const EVENTS: &str = "/v1/resources/events";
const WRITTEN: &str = "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE-TIME:20300124T160000Z\r\nDTEND;VALUE=DATE-TIME:20300124T173000Z\r\nEND:VEVENT\r\n";

fn path(event: &str) -> String {
    format!("{EVENTS}/{event}")
}

/// A new draft of an organizer.
fn draft(organizer: &Actor<'_>) -> Value {
    organizer.post(EVENTS, json!({"title": {"text": "Concert"}, "lifetime": WRITTEN})).ok()
}

fn an_event_is_a_draft_of_its_organizer(server: Server) {
    let organizer = server.organizer();
    let answer = organizer.post(EVENTS, json!({"title": {"text": "«Щелкунчик» 🩰"}, "lifetime": WRITTEN}));
    let (event, now) = (answer.ok(), write_v1(server.now()));
    let expected = json!({
        "age_rating": 0, "created_at": now, "currency": "RUB", "id": id(&event), "lifetime": WRITTEN, "map": null,
        "media": {"cover_original": null, "cover": null, "cover_small": null}, "org": organizer.partner(),
        "removed": false, "sets": [], "status": "draft", "tags": [], "timezone": "UTC",
        "title": {"text": "«Щелкунчик» 🩰", "desc": null}, "updated_at": now, "venue": null,
    });
    assert_eq!((answer.status, answer.text()), (200, expected.to_string().as_str()), "every field, in this order");
    assert_eq!(organizer.get(&path(id(&event))).ok(), expected);

    let whole = json!({
        "age_rating": 18, "currency": "EUR", "lifetime": WRITTEN, "status": "stand_by", "tags": ["балет"],
        "timezone": "Europe/Moscow", "title": {"text": "Ballet", "desc": "Two\nacts"},
        "map": null, "media": {"cover": null}, "venue": null,
        "id": "1", "org": demo::ORGANIZATOR, "removed": true, "sets": [{"name": "Parterre"}], "created_at": 1,
    });
    let answer = organizer.saying("Prefer", "handling=strict").post(EVENTS, whole.clone());
    let event = answer.ok();
    for field in ["age_rating", "status", "tags", "timezone", "title"] {
        assert_eq!(event[field], whole[field]);
    }
    let of_server = (&event["currency"], &event["org"], &event["removed"], &event["sets"]);
    assert_eq!(of_server, (&json!("EUR"), &json!(organizer.partner()), &json!(false), &json!([])));
}

fn a_lifetime_is_read_in_any_form_and_written_in_one(server: Server) {
    let organizer = server.organizer();
    for given in [
        WRITTEN,
        "BEGIN:VEVENT\r\nDTSTART:20300124T160000Z\r\nDTEND:20300124T173000Z\r\nEND:VEVENT\r\n",
        "BEGIN:VEVENT\r\nDTSTART:20300124T160000\r\nDTEND:20300124T173000\r\nEND:VEVENT\r\n",
        "BEGIN:VEVENT\nDTSTART;TZID=Europe/Moscow:20300124T190000\nDTEND;TZID=Europe/Moscow:20300124T203000\nEND:VEVENT",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20300124T160000Z\r\nDTEND:20300124T173000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    ] {
        let event = organizer.post(EVENTS, json!({"title": {"text": "Concert"}, "lifetime": given})).ok();
        assert_eq!(event["lifetime"], WRITTEN, "{given}");
        assert_eq!(organizer.get(&path(id(&event))).ok()["lifetime"], WRITTEN);
    }
}

fn wrong_values_are_named_and_nothing_is_changed(server: Server) {
    let organizer = server.organizer();
    let event = draft(&organizer);
    let vevent =
        |start: &str, end: &str| json!(format!("BEGIN:VEVENT\r\nDTSTART:{start}\r\nDTEND:{end}\r\nEND:VEVENT\r\n"));
    for (field, wrong) in [
        ("lifetime", vevent("20300124T160000Z", "20300124T160000Z")),
        ("lifetime", vevent("20300124T160000Z", "20300124T155959Z")),
        ("lifetime", vevent("20300124", "20300125")),
        ("lifetime", vevent("20300231T160000Z", "20300301T160000Z")),
        ("lifetime", json!("2030-01-24T16:00:00Z")),
        ("lifetime", json!("")),
        ("lifetime", json!(null)),
        ("lifetime", json!({"start": 1})),
        ("age_rating", json!(7)),
        ("age_rating", json!("18")),
        ("age_rating", json!(18.5)),
        ("currency", json!("XYZ")),
        ("currency", json!("eur")),
        ("currency", json!("рубль")),
        ("timezone", json!("Moscow")),
        ("timezone", json!(3)),
        ("status", json!("open")),
        ("status", json!(null)),
        ("tags", json!("балет")),
        ("tags[0]", json!([5])),
        ("title.text", json!({"text": ""})),
        ("title.text", json!({"text": "x".repeat(1_001)})),
        ("title.text", json!({"text": null})),
        ("title.desc", json!({"text": "ok", "desc": "x".repeat(100_001)})),
        ("title", json!("Concert")),
        ("venue", json!("0123456789abcdef01234567")),
        ("map", json!("0123456789abcdef01234567")),
        ("media", json!([])),
        ("media.cover", json!({"cover": "0123456789abcdef01234567"})),
    ] {
        let name = field.split(['.', '[']).next().unwrap();
        let refusal =
            organizer.patch(&path(id(&event)), json!({"tags": [], "age_rating": 6, name: wrong})).refused(400);
        assert_eq!(refusal.fields(), [field], "{wrong:.80}");
        let mut new = json!({"title": {"text": "Concert"}, "lifetime": WRITTEN});
        new[name] = wrong;
        assert_eq!(organizer.post(EVENTS, new).refused(400).fields(), [field]);
    }
    assert_eq!(organizer.get(&path(id(&event))).ok(), event);
    for (new, fields) in [
        (json!({}), vec!["lifetime", "title"]),
        (json!({"title": {"text": "Concert"}}), vec!["lifetime"]),
        (json!({"lifetime": WRITTEN}), vec!["title"]),
        (json!({"lifetime": WRITTEN, "title": {}}), vec!["title.text"]),
        (json!({"lifetime": WRITTEN, "title": {"desc": "x"}}), vec!["title.text"]),
    ] {
        assert_eq!(organizer.post(EVENTS, new).refused(400).fields(), fields);
    }
    assert_eq!(organizer.get(EVENTS).list().iter().filter(|event| event["org"] == organizer.partner()).count(), 1);
}

fn an_event_changes_as_it_is_told(server: Server) {
    let organizer = server.organizer();
    let event = draft(&organizer);
    let patch = |changes: Value| organizer.changes_event(id(&event), changes).ok();
    server.advance(SignedDuration::from_secs(5));
    assert_eq!(patch(json!({})), event, "no change");
    let mut expected = event.clone();
    expected["updated_at"] = write_v1(server.now()).into();
    for (field, value) in [
        ("age_rating", json!(12)),
        ("currency", json!("EUR")),
        ("tags", json!(["рок", "осень"])),
        ("timezone", json!("Asia/Tokyo")),
        ("title", json!({"text": "Ballet", "desc": "Two acts"})),
        ("status", json!("stand_by")),
        ("lifetime", json!(WRITTEN.replace("20300124T17", "20310124T17"))),
    ] {
        expected[field] = value.clone();
        assert_eq!(patch(json!({field: value})), expected);
    }
    assert_eq!(organizer.get(&path(id(&event))).ok(), expected);
    // Null is the default again; a list is only replaced by one.
    assert_eq!(patch(json!({"tags": null}))["tags"], expected["tags"]);
    let seen = patch(json!({"age_rating": null, "currency": null, "timezone": null, "tags": []}));
    let defaults = (&seen["age_rating"], &seen["currency"], &seen["timezone"], &seen["tags"]);
    assert_eq!(defaults, (&json!(0), &json!("RUB"), &json!("UTC"), &json!([])));
}

fn public_needs_a_price_and_cancelled_is_final(server: Server) {
    let organizer = server.organizer();
    let event = draft(&organizer);
    let set = |status: &str| organizer.changes_event(id(&event), json!({"status": status}));
    for status in ["draft", "stand_by", "stand_by", "draft", "stand_by"] {
        assert_eq!(set(status).ok()["status"], status);
    }
    assert_eq!(set("public").refused(400).fields(), ["status"]);
    let new = json!({"title": {"text": "Concert"}, "lifetime": WRITTEN, "status": "public"});
    assert_eq!(organizer.post(EVENTS, new).refused(400).fields(), ["status"]);
    // One that is public may be taken back.
    let public = server.event_of(&organizer);
    for status in ["public", "stand_by", "draft"] {
        assert_eq!(organizer.changes_event(&public, json!({"status": status})).ok()["status"], status);
    }
    assert_eq!(set("canceled").ok()["status"], "cancelled", "another spelling is read");
    assert_eq!(set("cancelled").ok()["status"], "cancelled");
    for status in ["draft", "stand_by", "public"] {
        let refusal = set(status).refused(400);
        assert_eq!(refusal.fields(), ["status"]);
        assert!(refusal.reason.contains("cancelled") && refusal.reason.contains(status), "{}", refusal.reason);
    }
}

fn an_event_is_removed_and_stays_readable_to_its_organizer(server: Server) {
    let organizer = server.organizer();
    let event = server.event_of(&organizer);
    let listed = |query: &str| organizer.get(&format!("{EVENTS}?ids={event}{query}")).list().len();
    assert_eq!((listed(""), listed("&removed=true")), (1, 0));
    server.advance(SignedDuration::from_secs(5));
    assert_eq!(organizer.delete(&path(&event)).ok(), json!({}));
    let seen = organizer.get(&path(&event)).ok();
    assert_eq!((&seen["removed"], &seen["updated_at"]), (&json!(true), &json!(write_v1(server.now()))));
    assert_eq!((listed(""), listed("&removed=false"), listed("&removed=true")), (0, 0, 1));
    server.advance(SignedDuration::from_secs(5));
    assert_eq!(organizer.delete(&path(&event)).ok(), json!({}), "it is removed already");
    assert_eq!(organizer.get(&path(&event)).ok(), seen);
}

fn only_an_organizer_makes_events(server: Server) {
    let new = json!({"title": {"text": "Concert"}, "lifetime": WRITTEN});
    server.agent().post(EVENTS, new.clone()).refused(403);
    server.partner("Neither", &[]).post(EVENTS, new.clone()).refused(403);
    server.platform().post(EVENTS, new.clone()).refused(403);
    server.partner("Both", &[Role::Org, Role::Agent]).post(EVENTS, new.clone()).ok();
    let organizer = server.organizer();
    organizer.delete(&format!("/v1/resources/partners/{}", organizer.partner())).ok();
    organizer.post(EVENTS, new).refused(403);
}

fn the_platform_changes_events_of_others(server: Server) {
    let organizer = server.organizer();
    let event = draft(&organizer);
    assert_eq!(server.platform().changes_event(id(&event), json!({"age_rating": 16})).ok()["age_rating"], 16);
    assert_eq!(organizer.get(&path(id(&event))).ok()["org"], organizer.partner());
    assert_eq!(server.platform().delete(&path(id(&event))).ok(), json!({}));
    for stranger in [server.organizer(), server.agent()] {
        let public = server.event_of(&organizer);
        stranger.changes_event(&public, json!({})).refused(403);
        stranger.delete(&path(&public)).refused(403);
    }
}

fn a_list_is_filtered_by_when_whose_and_what(server: Server) {
    let (organizer, other) = (server.organizer(), server.organizer());
    let hours = SignedDuration::from_hours;
    let past = server.event(&organizer, EventStatus::Public, hours(-10));
    let now = server.event(&organizer, EventStatus::Public, hours(-1));
    let soon = server.event(&organizer, EventStatus::StandBy, hours(10));
    let cancelled = server.event(&organizer, EventStatus::Cancelled, hours(10));
    let of_other = server.event(&other, EventStatus::Public, hours(10));
    for (event, title, tags) in
        [(&past, "Прошлое", json!(["Рок"])), (&now, "100% сейчас", json!(["рок", "поп"])), (&soon, "Завтра", json!([]))]
    {
        organizer.changes_event(event, json!({"title": {"text": title}, "tags": tags})).ok();
    }
    let mine = format!("org={}", organizer.partner());
    let list = |query: &str| {
        let answer = organizer.get(&format!("{EVENTS}?page=1&{query}"));
        let found = answer.ids();
        assert_eq!(answer.header("total"), Some(found.len().to_string().as_str()));
        found
    };
    let sorted = |events: &[&String]| {
        let mut ids: Vec<String> = events.iter().map(ToString::to_string).collect();
        ids.sort();
        ids
    };
    assert_eq!(list(&mine), sorted(&[&past, &now, &soon, &cancelled]));
    assert_eq!(list(&format!("{mine}&filter=all")), sorted(&[&past, &now, &soon, &cancelled]));
    assert_eq!(list(&format!("{mine}&filter=actual")), sorted(&[&now, &soon, &cancelled]));
    assert_eq!(list(&format!("{mine}&filter=past")), [past.as_str()]);
    assert_eq!(list(&format!("{mine},{}&filter=actual&status=public", other.partner())), sorted(&[&now, &of_other]));
    assert_eq!(list(&format!("{mine}&status=stand_by,cancelled")), sorted(&[&soon, &cancelled]));
    assert_eq!(list(&format!("{mine}&status=canceled")), [cancelled.as_str()]);
    assert_eq!(list("tags=%D0%A0%D0%9E%D0%9A"), sorted(&[&past, &now]), "РОК, in any case");
    assert_eq!(list("tags=%D0%BF%D0%BE%D0%BF,x"), [now.as_str()]);
    assert_eq!(list("suggest=%D0%97%D0%90%D0%92%D0%A2"), [soon.as_str()], "ЗАВТ, a part in any case");
    assert_eq!(list("suggest=100%25"), [now.as_str()]);
    assert_eq!(list(&format!("ids={past},{of_other},{past}")), sorted(&[&past, &of_other]));
    assert_eq!(list(&format!("{mine}&venue=0123456789abcdef01234567")), [""; 0]);
    for wrong in ["filter=future", "status=open", "org=1", "ids=1", "venue=1", "removed=2"] {
        let name = wrong.split('=').next().unwrap();
        assert_eq!(organizer.get(&format!("{EVENTS}?{wrong}")).refused(400).fields(), [name]);
    }
    // The end is where past begins.
    server.advance(hours(2) - SignedDuration::from_micros(1));
    assert_eq!(list(&format!("{mine}&filter=past")), [past.as_str()]);
    server.advance(SignedDuration::from_micros(1));
    assert_eq!(list(&format!("{mine}&filter=past")), sorted(&[&past, &now]));
}

fn a_list_shows_drafts_to_their_organizer_alone(server: Server) {
    let organizer = server.organizer();
    let event = draft(&organizer);
    let listed = |caller: &Actor<'_>| caller.get(EVENTS).ids().contains(&id(&event).to_owned());
    assert!(listed(&organizer) && listed(&server.platform()));
    assert!(!listed(&server.agent()) && !listed(&server.organizer()));
    assert_eq!(server.agent().get(&format!("{EVENTS}?status=draft")).list().len(), 0);
}

fn an_event_belongs_to_a_bucket_drawn_for_it(server: Server) {
    let organizer = server.organizer();
    let mut buckets: Vec<String> = (0..16).map(|_| id(&draft(&organizer))[8..12].to_owned()).collect();
    buckets.sort();
    buckets.dedup();
    assert!(buckets.len() > 10, "{buckets:?}");
}

fn the_currency_is_fixed_by_amounts_in_deals(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let event = server.event_of(&organizer);
    let deal = organizer.proposes_terms(&event, agent.partner(), json!({"org": "150.00"})).ok();
    organizer.changes_event(&event, json!({"currency": "JPY"})).refused(409);
    organizer.changes_event(&event, json!({"currency": "RUB", "age_rating": 6})).ok();
    organizer.cancels(&deal).ok();
    organizer.changes_event(&event, json!({"currency": "JPY"})).ok();
    // A yen has no smaller part.
    let refusal = organizer.proposes_terms(&event, agent.partner(), json!({"org": "150.00"})).refused(400);
    assert_eq!(refusal.fields(), ["term.org"]);
    let deal = organizer.proposes_terms(&event, agent.partner(), json!({"org": "150"})).ok();
    assert_eq!(deal["term"]["org"], "150");
}

fn an_installation_has_its_own_currency_and_timezone(server: Server) {
    let server = server.with(|options| {
        options.currency = Some("EUR".into());
        options.timezone = Some("Europe/Berlin".into());
    });
    let event = draft(&server.organizer());
    assert_eq!((&event["currency"], &event["timezone"]), (&json!("EUR"), &json!("Europe/Berlin")));
}
