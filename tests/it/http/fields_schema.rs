//! `fields-schema` (`spec/http.md`): it narrows and widens every answer that holds objects.

use parterre::app::partners::PartnerView;
use parterre::domain::deal::{Deal, DealStatus};
use parterre::domain::event::Event;
use parterre::domain::id::{DealId, EventId, PartnerId, UserId};
use parterre::domain::member::{Member, MemberRole};
use parterre::domain::partner::Partner;
use parterre::domain::user::User;
use parterre::http::fields::Selection;
use parterre::{demo, store};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::util::{Actor, Server, id};

on_both_engines!(
    Server;
    exactly_the_named_fields_are_returned,
    fields_are_in_the_order_of_the_resource,
    a_reference_without_braces_is_its_id_and_with_braces_the_object,
    a_list_of_references_is_opened_as_well,
    an_embedded_object_is_whole_or_narrowed,
    the_user_of_a_partner_is_opened_by_default,
    it_works_on_every_answer_with_objects,
    references_are_followed_through_many_hops,
    a_field_named_twice_is_what_both_ask_for,
    what_is_wrong_is_named_by_its_offset,
    the_number_of_statements_does_not_depend_on_the_number_of_rows,
);

/// The demo's deal with a schema, as text: the order of keys counts.
fn deal_with(caller: &Actor<'_>, schema: &str) -> String {
    let answer = caller.get(&format!("/v1/resources/deals/{}?fields-schema={schema}", demo::DEAL));
    answer.ok();
    answer.text().to_owned()
}

fn exactly_the_named_fields_are_returned(server: Server) {
    let agent = server.nanobilet();
    assert_eq!(deal_with(&agent, "status"), r#"{"status":"accepted"}"#);
    assert_eq!(deal_with(&agent, "title,message"), r#"{"message":null,"title":null}"#);
    let list = agent.get("/v1/resources/partners?fields-schema=name").list();
    assert_eq!(list, [json!({"name": "Organizator"}), json!({"name": "Nanobilet"}), json!({"name": "Platform"})]);
    let whole = agent.get(&format!("/v1/resources/deals/{}", demo::DEAL)).ok();
    assert_eq!(whole.as_object().unwrap().len(), 11);
}

fn fields_are_in_the_order_of_the_resource(server: Server) {
    let agent = server.nanobilet();
    let expected = format!(
        r#"{{"event":"{}","id":"{}","term":{{"extra":"10.0%","org":"91.00%"}}}}"#,
        demo::EVENTS[0].0,
        demo::DEAL
    );
    for schema in
        ["id,event,term{org,extra}", "term{extra,org},id,event", "%20term+{%20org%20,%20extra%20}%20,+id,event%20"]
    {
        assert_eq!(deal_with(&agent, schema), expected);
    }
}

fn a_reference_without_braces_is_its_id_and_with_braces_the_object(server: Server) {
    let agent = server.nanobilet();
    assert_eq!(deal_with(&agent, "obj"), format!(r#"{{"obj":"{}"}}"#, demo::ORGANIZATOR));
    assert_eq!(deal_with(&agent, "obj{name}"), r#"{"obj":{"name":"Organizator"}}"#);
    assert_eq!(
        deal_with(&agent, "subj{name},event{title{text},org{name}},obj"),
        r#"{"event":{"org":{"name":"Organizator"},"title":{"text":"Семинар: милые котята"}},"obj":"5357b929f51600525c9e1396","subj":{"name":"Nanobilet"}}"#
    );
    assert_eq!(deal_with(&agent, "event{venue,map{id}}"), r#"{"event":{"map":null,"venue":null}}"#);
}

fn a_list_of_references_is_opened_as_well(server: Server) {
    let agent = server.nanobilet();
    let path = format!("/v1/resources/partners/{}", demo::NANOBILET);
    let seen = |schema: &str| agent.get(&format!("{path}?fields-schema={schema}")).ok();
    assert_eq!(seen("user{partners}"), json!({"user": {"partners": [demo::NANOBILET]}}));
    assert_eq!(
        seen("user{partners{name,roles}}"),
        json!({"user": {"partners": [{"name": "Nanobilet", "roles": ["agent"]}]}})
    );
}

fn an_embedded_object_is_whole_or_narrowed(server: Server) {
    let agent = server.nanobilet();
    assert_eq!(deal_with(&agent, "term"), r#"{"term":{"core":"3.00%","extra":"10.0%","org":"91.00%","pfc":false}}"#);
    assert_eq!(deal_with(&agent, "term{pfc}"), r#"{"term":{"pfc":false}}"#);
    let path = format!("/v1/resources/partners/{}", demo::NANOBILET);
    let seen = |schema: &str| agent.get(&format!("{path}?fields-schema={schema}")).ok();
    // Of a contact there is what was given, also when it is named.
    assert_eq!(seen("contact{www,name,id}"), json!({"contact": {"id": null, "www": "http://nanobilet.ru"}}));
    assert_eq!(seen("legal{bank{bik}},media{id}"), json!({"legal": null, "media": []}));
    let event = agent
        .get(&format!("/v1/resources/events/{}?fields-schema=sets{{name}},media{{cover{{url}}}}", demo::EVENTS[0].0));
    assert_eq!(
        event.ok(),
        json!({"media": {"cover": null}, "sets": [{"name": "Танцпол"}, {"name": "Партер"}, {"name": "VIP"}]})
    );
}

fn the_user_of_a_partner_is_opened_by_default(server: Server) {
    let agent = server.nanobilet();
    let path = format!("/v1/resources/partners/{}", demo::NANOBILET);
    let user = json!({
        "created_at": null, "email": "ag@tc.ru", "first_name": "Егор", "id": demo::NANOBILET_USER, "last_name": "Егерев",
        "partners": [demo::NANOBILET], "tags": [], "updated_at": null,
    });
    assert_eq!(agent.get(&path).ok()["user"], user);
    let seen = |schema: &str| agent.get(&format!("{path}?fields-schema={schema}")).ok();
    assert_eq!(seen("user"), json!({"user": demo::NANOBILET_USER}));
    assert_eq!(seen("user{email}"), json!({"user": {"email": "ag@tc.ru"}}));
    // Below another reference as well.
    let deal: Value = serde_json::from_str(&deal_with(&agent, "subj{user},obj{name,user{email}}")).unwrap();
    assert_eq!(deal["subj"], json!({"user": demo::NANOBILET_USER}));
    assert_eq!(deal["obj"], json!({"name": "Organizator", "user": {"email": "org@tc.ru"}}));
}

fn it_works_on_every_answer_with_objects(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    let event = server.event_of(&organizer);
    let of = format!("/v1/resources/partners/{}", organizer.partner());
    let lifetime = "BEGIN:VEVENT\r\nDTSTART:20300124T160000Z\r\nDTEND:20300124T173000Z\r\nEND:VEVENT\r\n";

    let seen = owner.post("/v1/resources/partners?fields-schema=name,user{email}", json!({"name": "Cassa"})).ok();
    assert_eq!(seen, json!({"name": "Cassa", "user": {"email": server.email_of(owner.user())}}));
    assert_eq!(owner.patch(&format!("{of}?fields-schema=name"), json!({})).ok(), json!({"name": "Organizer"}));
    assert_eq!(owner.get(&format!("{of}/settings?fields-schema=hold_minutes")).ok(), json!({"hold_minutes": 10}));
    let seen = owner.patch(&format!("{of}/settings?fields-schema=extra"), json!({"extra": 5})).ok();
    assert_eq!(seen, json!({"extra": "5.0%"}));
    let user = server.new_user().to_string();
    let member = json!({"email": server.email_of(&user), "role": "gate"});
    let seen = owner.post(&format!("{of}/members?fields-schema=user{{id}}"), member).ok();
    assert_eq!(seen, json!({"user": {"id": user}}));
    let seen = owner.get(&format!("{of}/members?fields-schema=role")).list();
    assert_eq!(seen, [json!({"role": "owner"}), json!({"role": "gate"})]);
    let seen = owner.patch(&format!("{of}/members/{user}?fields-schema=user"), json!({"role": "cashier"})).ok();
    assert_eq!(seen, json!({"user": user}));
    let seen = owner.post(&format!("{of}/api_keys?fields-schema=name,partner{{name}}"), json!({"name": "k"})).ok();
    assert_eq!(seen, json!({"name": "k", "partner": {"name": "Organizer"}}));
    let event_path = format!("/v1/resources/events/{event}");
    let seen = owner.patch(&format!("{event_path}?fields-schema=org{{name}}"), json!({})).ok();
    assert_eq!(seen, json!({"org": {"name": "Organizer"}}));
    let new = json!({"title": {"text": "Concert"}, "lifetime": lifetime});
    assert_eq!(owner.post("/v1/resources/events?fields-schema=status", new).ok(), json!({"status": "draft"}));
    let agent = server.agent();
    let proposal = json!({"event": event, "subj": agent.partner(), "term": {"org": 1}});
    let seen = owner.post("/v1/resources/deals?fields-schema=obj{name},status", proposal).ok();
    assert_eq!(seen, json!({"obj": {"name": "Organizer"}, "status": "new"}));
    let seen = owner.get("/v1/services/whoami?fields-schema=partners{name}").ok();
    assert_eq!(seen["partners"][0], json!({"name": "Organizer"}));
    let seen = owner.patch(&format!("/v1/resources/users/{}?fields-schema=last_name", owner.user()), json!({})).ok();
    assert_eq!(seen, json!({"last_name": null}));
    let sign_in = json!({"email": server.email_of(owner.user()), "password": demo::PASSWORD});
    let seen = server.nobody().post("/v1/services/whoami?fields-schema=id,partners{name}", sign_in).ok();
    assert_eq!(seen["partners"][0], json!({"name": "Organizer"}));
    let registration = json!({"email": "new@example.com", "password": "long enough"});
    let seen = server.nobody().post("/v1/resources/users?fields-schema=email", registration).ok();
    assert_eq!(seen, json!({"email": "new@example.com"}));
}

fn references_are_followed_through_many_hops(server: Server) {
    let agent = server.nanobilet();
    let seen: Value = serde_json::from_str(&deal_with(
        &agent,
        "event{org{user{partners{user{partners{name}}}}}},obj{user{partners{user{email}}}}",
    ))
    .unwrap();
    assert_eq!(
        seen,
        json!({
            "event": {"org": {"user": {"partners": [{"user": {"partners": [{"name": "Organizator"}]}}]}}},
            "obj": {"user": {"partners": [{"user": {"email": "org@tc.ru"}}]}},
        })
    );
}

fn a_field_named_twice_is_what_both_ask_for(server: Server) {
    let agent = server.nanobilet();
    assert_eq!(deal_with(&agent, "status,status"), r#"{"status":"accepted"}"#);
    assert_eq!(deal_with(&agent, "term{org},term{pfc}"), r#"{"term":{"org":"91.00%","pfc":false}}"#);
}

fn what_is_wrong_is_named_by_its_offset(server: Server) {
    let agent = server.nanobilet();
    let names = |number: usize| vec!["id"; number].join(",");
    let nested = |depth: usize| format!("{}id{}", "user{partners{".repeat(depth / 2), "}}".repeat(depth / 2));
    for (schema, offset) in [
        ("nothing", 0),
        ("id,nothing", 3),
        ("id, nothing,name", 4),
        ("id,user{nothing}", 8),
        ("user{}", 5),
        ("user{ }", 6),
        ("id{a}", 2),
        ("tags{id}", 4),
        ("contact{www{a}}", 11),
        ("user{id", 4),
        ("id,user{partners{id}", 7),
        ("id}", 2),
        ("user{id}}", 8),
        (",", 0),
        ("id,", 3),
        ("id,,name", 3),
        ("{id}", 0),
        ("id name", 3),
        ("id;name", 2),
        ("Id", 0),
        ("id,имя", 3),
        ("user{id}name", 8),
        (&names(201), 600),
        (&nested(8), 46),
    ] {
        let path = format!("/v1/resources/partners?fields-schema={}", schema.replace("имя", "%D0%B8%D0%BC%D1%8F"));
        let refusal = agent.get(&path.replace(' ', "+").replace(';', "%3B")).refused(400);
        assert_eq!(refusal.fields(), ["fields-schema"]);
        assert!(refusal.reason.contains(&format!("offset {offset})")), "{schema:.60}: {}", refusal.reason);
    }
    agent.get(&format!("/v1/resources/partners?fields-schema={}", names(200))).ok();
    agent.get(&format!("/v1/resources/partners?fields-schema={}", nested(6))).ok();
    // A wrong schema changes nothing.
    let path = format!("/v1/resources/partners/{}", demo::NANOBILET);
    agent.patch(&format!("{path}?fields-schema=nothing"), json!({"desc": "Changed"})).refused(400);
    assert_eq!(agent.get(&path).ok()["desc"], "Первый агент системы");
    agent.post("/v1/resources/partners?fields-schema=id%7B", json!({"name": "Cassa"})).refused(400);
    assert_eq!(agent.get("/v1/resources/partners?suggest=cassa").list().len(), 0);
}

/// Deals of one agent with so many organizers, each about an event of its own.
fn deals_of(server: &Server, agent: &Actor<'_>, number: u8) -> Vec<String> {
    let (model, agent): (DealId, PartnerId) = (demo::DEAL.parse().unwrap(), agent.partner().parse().unwrap());
    let (of_event, of_org): (EventId, PartnerId) =
        (demo::EVENTS[0].0.parse().unwrap(), demo::ORGANIZATOR.parse().unwrap());
    let model_user: UserId = demo::NANOBILET_USER.parse().unwrap();
    server.write(move |tx| {
        let deal = store::deals::find(tx, model)?.unwrap();
        let event = store::events::find(tx, of_event)?.unwrap();
        let org = store::partners::find(tx, of_org)?.unwrap();
        let user = store::users::find(tx, model_user)?.unwrap();
        let mut made = Vec::new();
        for at in 1..=number {
            let mut bytes = [at; 12];
            bytes[..4].copy_from_slice(agent.as_bytes().last_chunk::<4>().unwrap());
            let (owner, email) = (UserId::from_bytes(bytes), format!("{}@example.com", DealId::from_bytes(bytes)));
            let user = User { id: owner, email: email.parse().unwrap(), ..user.clone() };
            store::users::insert(tx, &user, "none")?;
            let partner = Partner { id: PartnerId::from_bytes(bytes), user: owner, ..org.clone() };
            store::partners::insert(tx, &partner)?;
            let member = Member { partner: partner.id, user: owner, role: MemberRole::Owner, created_at: None };
            store::members::insert(tx, &member)?;
            let event = Event { id: EventId::from_bytes(bytes), org: partner.id, ..event.clone() };
            store::events::insert(tx, &event)?;
            let deal = Deal {
                id: DealId::from_bytes(bytes),
                event: event.id,
                org: partner.id,
                agent,
                obj: partner.id,
                subj: agent,
                status: DealStatus::Accepted,
                ..deal.clone()
            };
            store::deals::insert(tx, &deal)?;
            made.push(deal.id.to_string());
        }
        Ok(made)
    })
}

fn the_number_of_statements_does_not_depend_on_the_number_of_rows(server: Server) {
    let schema = "id,event{id,org{name,director,user{email,partners{name}}}},obj{user{email}},subj{name}";
    let (few, many) = (server.agent(), server.agent());
    deals_of(&server, &few, 1);
    let of_many = deals_of(&server, &many, 100);
    for list in [
        "deals?".to_owned(),
        format!("deals?fields-schema={schema}&"),
        "events?fields-schema=id,org{name,legal,user{partners{name}}}&".to_owned(),
        "partners?".to_owned(),
    ] {
        let list = format!("/v1/resources/{list}ids=");
        let (for_one, one) = server.statements_of(|| many.get(&format!("{list}{}", of_many[0])).list());
        let (for_many, hundred) = server.statements_of(|| many.get(&format!("{list}{}", of_many.join(","))).list());
        assert_eq!((one.len(), hundred.len()), (1, 100), "{list}");
        assert_eq!(hundred[0], one[0]);
        assert_eq!(for_one, for_many, "{list}");
    }
    let (for_one, _) = server.statements_of(|| few.get(&format!("/v1/resources/deals?fields-schema={schema}")).list());
    let (for_many, all) =
        server.statements_of(|| many.get(&format!("/v1/resources/deals?fields-schema={schema}")).list());
    assert_eq!((for_one, all.len()), (for_many, 100));
    assert_eq!(all[99]["event"]["org"]["director"], Value::Null);
    assert_eq!(id(&all[99]), of_many[99]);
    assert_eq!(all[99]["obj"]["user"]["email"], format!("{}@example.com", of_many[99]));
    assert!(for_many < 20, "{for_many}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,200}") {
        let _ = Selection::parse::<Deal>(&text);
        let _ = Selection::parse::<PartnerView>(&text);
    }

    #[test]
    fn nothing_like_a_schema_makes_the_parser_panic(
        parts in prop::collection::vec(
            prop::sample::select(vec!["id", "user", "event", "org", "term", "partners", "name", "{", "}", ",", " ", "é", "\u{0}"]),
            0..60,
        )
    ) {
        let text = parts.concat();
        if let Err(wrong) = Selection::parse::<Deal>(&text) {
            let offset = wrong.message.rsplit_once("offset ").and_then(|(_, rest)| rest.strip_suffix(')'));
            let offset: usize = offset.unwrap().parse().unwrap();
            prop_assert!(offset <= text.chars().count(), "{}", wrong.message);
        }
    }
}
