//! Partners (`spec/v1.md`, Partners).

use parterre::demo;
use parterre::domain::deal::DealStatus;
use parterre::domain::member::MemberRole;
use parterre::domain::partner::Role;
use parterre::domain::time::write_v1;
use serde_json::{Value, json};

use crate::util::{Server, id};

on_both_engines!(
    Server;
    a_partner_shows_every_field_in_order,
    a_new_partner_belongs_to_the_user_who_made_it,
    a_partner_made_with_a_key_belongs_to_the_owner_of_the_keys_partner,
    a_newcomer_makes_a_first_partner_and_acts_for_it,
    a_partner_changes_as_it_is_told,
    legal_data_is_whole_or_null,
    contacts_have_the_form_of_contacts,
    wrong_values_are_named,
    the_role_core_is_for_the_platform_to_give,
    a_partner_with_accepted_deals_stays_an_agent_and_stays,
    removing_a_partner_withdraws_its_proposals,
    a_removed_partner_is_listed_apart_and_comes_back,
    a_list_is_filtered_by_role_tag_and_part_of_the_name,
    texts_are_searched_as_they_are,
);

fn path(partner: &str) -> String {
    format!("/v1/resources/partners/{partner}")
}

fn a_partner_shows_every_field_in_order(server: Server) {
    let owner = server.owner_of(&server.organizer());
    let partner = owner.post("/v1/resources/partners", json!({"name": "Касса №1", "roles": ["agent"]}));
    assert_eq!(partner.status, 201);
    let (created, now) = (partner.ok(), write_v1(server.now()));
    let user = owner.get("/v1/services/whoami").ok();
    assert_eq!(
        created,
        json!({
            "channels": null, "contact": {}, "created_at": now, "desc": null, "director": null, "id": id(&created),
            "legal": null, "media": [], "name": "Касса №1", "removed": false, "roles": ["agent"], "tags": [],
            "updated_at": now, "user": user,
        })
    );
    let keys: Vec<&str> = created.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "channels contact created_at desc director id legal media name removed roles tags updated_at user";
    assert_eq!(keys.join(" "), expected);
    assert_eq!(owner.saying("X-Partner", id(&created)).get(&path(id(&created))).ok(), created);
}

fn a_new_partner_belongs_to_the_user_who_made_it(server: Server) {
    let owner = server.owner_of(&server.organizer());
    let partner = owner.post("/v1/resources/partners", json!({"name": "Cassa", "roles": ["org", "agent"]})).ok();
    assert_eq!(partner["user"]["id"], owner.user());
    let as_owner = owner.saying("X-Partner", id(&partner));
    let members = as_owner.get(&format!("{}/members", path(id(&partner)))).list();
    assert_eq!(members, [json!({"role": "owner", "user": owner.user()})]);
    let partners = owner.get("/v1/services/whoami").ok()["partners"].clone();
    assert_eq!(partners, json!([owner.partner(), id(&partner)]), "the first one first");
    // A manager is the owner of what it makes, not of what it manages.
    let manager = server.member_of(owner.partner(), MemberRole::Manager);
    let partner = manager.post("/v1/resources/partners", json!({"name": "Its own"})).ok();
    assert_eq!(partner["user"]["id"], manager.user());
}

fn a_partner_made_with_a_key_belongs_to_the_owner_of_the_keys_partner(server: Server) {
    let organizer = server.organizer();
    let partner = organizer.post("/v1/resources/partners", json!({"name": "Cassa"})).ok();
    assert_eq!(partner["user"]["id"], organizer.user());
    // The key stays one of its own partner.
    organizer.patch(&path(id(&partner)), json!({})).refused(403);
    server.owner_of(&organizer).saying("X-Partner", id(&partner)).patch(&path(id(&partner)), json!({})).ok();
}

fn a_newcomer_makes_a_first_partner_and_acts_for_it(server: Server) {
    let newcomer = server.newcomer();
    let answer = newcomer.get("/v1/resources/partners");
    answer.refused(403);
    assert_eq!(answer.header("x-partner"), None);
    let partner = newcomer.post("/v1/resources/partners", json!({"name": "First", "roles": ["org"]})).ok();
    let answer = newcomer.get("/v1/resources/partners");
    answer.ok();
    assert_eq!(answer.header("x-partner"), Some(id(&partner)));
}

fn a_partner_changes_as_it_is_told(server: Server) {
    let organizer = server.organizer();
    let path = path(organizer.partner());
    let created = organizer.get(&path).ok()["created_at"].clone();
    server.advance(jiff::SignedDuration::from_secs(90));
    let changes = json!({
        "channels": "касса", "desc": "Опера", "director": "Анна Аннова", "name": "Большой", "roles": ["agent", "org"],
        "tags": ["опера", "балет"], "contact": {"www": "bolshoi.ru"}, "media": [],
    });
    let changed = organizer.patch(&path, changes.clone()).ok();
    for (field, value) in changes.as_object().unwrap() {
        if field == "roles" {
            assert_eq!(changed[field], json!(["org", "agent"]));
        } else {
            assert_eq!(&changed[field], value);
        }
    }
    assert_eq!((&changed["created_at"], &changed["updated_at"]), (&created, &json!(write_v1(server.now()))));
    assert_eq!(organizer.get(&path).ok(), changed);
    // Null clears; a list is replaced.
    let cleared = json!({"channels": null, "desc": null, "director": null, "tags": ["ballet"], "contact": null});
    let seen = organizer.patch(&path, cleared).ok();
    assert_eq!((&seen["desc"], &seen["tags"], &seen["contact"]), (&Value::Null, &json!(["ballet"]), &json!({})));
    let kept = organizer.patch(&path, json!({"tags": null, "roles": null, "media": null})).ok();
    assert_eq!((&kept["tags"], &kept["roles"]), (&json!(["ballet"]), &seen["roles"]), "a list is only replaced by one");
    assert_eq!(organizer.patch(&path, json!({"tags": []})).ok()["tags"], json!([]));
    // What changes nothing is no change.
    server.advance(jiff::SignedDuration::from_secs(90));
    let before = organizer.get(&path).ok();
    assert_eq!(organizer.patch(&path, json!({"name": "Большой"})).ok(), before);
    // One word in two spellings is two tags, and one word twice does no harm.
    let seen = organizer.patch(&path, json!({"tags": ["Опера", "опера", "опера"]})).ok();
    assert!(seen["tags"].as_array().unwrap().contains(&json!("опера")));
    // The platform may change it as well.
    assert_eq!(server.platform().patch(&path, json!({"desc": "ok"})).ok()["desc"], "ok");
}

fn legal_data_is_whole_or_null(server: Server) {
    let organizer = server.organizer();
    let path = path(organizer.partner());
    let bank = json!({"bik": "044525225", "ks": "30101810400000000225", "name": "Банк", "rs": "40702810000000000001"});
    let seen = organizer.patch(&path, json!({"legal": {"type": "ООО", "bank": bank}})).ok();
    assert_eq!(
        seen["legal"],
        json!({
            "type": "ООО",
            "bank": bank,
            "detail": {
                "address": null, "inn": null, "kpp": null, "ogrn": null, "ogrnip": null, "name": null, "nds": null,
                "taxes": null, "type": null,
            },
            "who": {"name": null, "position": null, "reason": null},
        })
    );
    for (legal, field) in [
        (json!({"detail": {"nds": "yes"}}), "legal.detail.nds"),
        (json!({"bank": {"bik": 44525225}}), "legal.bank.bik"),
        (json!({"bank": "Банк"}), "legal.bank"),
        (json!("ООО"), "legal"),
        (json!({"who": {"name": "x".repeat(1_001)}}), "legal.who.name"),
    ] {
        assert_eq!(organizer.patch(&path, json!({"legal": legal})).refused(400).fields(), [field]);
    }
    assert_eq!(organizer.get(&path).ok(), seen);
}

fn contacts_have_the_form_of_contacts(server: Server) {
    let organizer = server.organizer();
    let path = path(organizer.partner());
    let right = ["+79101002030", "8 (800) 100-20-30", "12345", "+12345678901234567890"];
    let seen = organizer.patch(&path, json!({"contact": {"phones": right, "www": "nanobilet.ru"}})).ok();
    assert_eq!(seen["contact"], json!({"phones": right, "www": "nanobilet.ru"}), "kept as given");
    for wrong in ["1234", "123456789012345678901", "8-800-CALL", "", "+7.910.100.20.30", "٠١٢٣٤٥"] {
        let refusal = organizer.patch(&path, json!({"contact": {"phones": ["12345", wrong]}})).refused(400);
        assert_eq!(refusal.fields(), ["contact.phones[1]"], "{wrong}");
    }
    for wrong in ["anna", "anna@", "@bolshoi.ru", "a b@c.ru", "a@b@c.ru"] {
        let refusal = organizer.patch(&path, json!({"contact": {"email": wrong}})).refused(400);
        assert_eq!(refusal.fields(), ["contact.email"], "{wrong}");
    }
    for (contact, field) in [
        (json!({"phones": "12345"}), "contact.phones"),
        (json!({"phones": [12345]}), "contact.phones[0]"),
        (json!({"address": "x".repeat(1_001)}), "contact.address"),
        (json!({"www": 5}), "contact.www"),
        (json!([]), "contact"),
    ] {
        assert_eq!(organizer.patch(&path, json!({"contact": contact})).refused(400).fields(), [field]);
    }
    assert_eq!(organizer.get(&path).ok()["contact"], seen["contact"]);
    // A new partner's contact is checked alike, and holds what was given.
    let new = json!({"name": "Cassa", "contact": {"email": "a@b.ru", "id": null}});
    assert_eq!(organizer.post("/v1/resources/partners", new).ok()["contact"]["email"], "a@b.ru");
    let new = json!({"name": "Cassa", "contact": {"email": "a"}});
    assert_eq!(organizer.post("/v1/resources/partners", new).refused(400).fields(), ["contact.email"]);
}

fn wrong_values_are_named(server: Server) {
    let organizer = server.organizer();
    let path = path(organizer.partner());
    for (field, wrong) in [
        ("name", json!(null)),
        ("name", json!("")),
        ("name", json!("   ")),
        ("name", json!("x".repeat(256))),
        ("name", json!("a\u{7}b")),
        ("name", json!(7)),
        ("roles[0]", json!(["boss"])),
        ("roles[1]", json!(["org", 5])),
        ("roles", json!("org")),
        ("tags[0]", json!([""])),
        ("tags[1]", json!(["ok", "x".repeat(101)])),
        ("tags[0]", json!([null])),
        ("tags", json!(vec!["tag"; 101])),
        ("director", json!("x".repeat(1_001))),
        ("desc", json!("x".repeat(100_001))),
        ("removed", json!(null)),
        ("media[0]", json!(["0123456789abcdef01234567"])),
    ] {
        let name = field.split('[').next().unwrap();
        assert_eq!(organizer.patch(&path, json!({name: wrong})).refused(400).fields(), [field]);
        if name != "removed" {
            assert_eq!(
                organizer.post("/v1/resources/partners", json!({"name": "ok", name: wrong})).refused(400).fields(),
                [field]
            );
        }
    }
    assert_eq!(organizer.patch(&path, json!({"name": " Большой  "})).ok()["name"], "Большой");
    assert_eq!(organizer.patch(&path, json!({"name": "я".repeat(255)})).ok()["name"], "я".repeat(255));
}

fn the_role_core_is_for_the_platform_to_give(server: Server) {
    let organizer = server.organizer();
    let path = path(organizer.partner());
    organizer.patch(&path, json!({"roles": ["org", "core"]})).refused(403);
    organizer.post("/v1/resources/partners", json!({"name": "Cassa", "roles": ["core"]})).refused(403);
    assert_eq!(organizer.get(&path).ok()["roles"], json!(["org"]));
    let platform = server.platform();
    assert_eq!(platform.patch(&path, json!({"roles": ["org", "core"]})).ok()["roles"], json!(["org", "core"]));
    // It counts from the next request on.
    organizer.get(&format!("/v1/resources/deals/{}", demo::DEAL)).ok();
    platform.patch(&path, json!({"roles": ["org"]})).ok();
    organizer.get(&format!("/v1/resources/deals/{}", demo::DEAL)).refused(403);
    platform.post("/v1/resources/partners", json!({"name": "Second operator", "roles": ["core"]})).ok();
}

fn a_partner_with_accepted_deals_stays_an_agent_and_stays(server: Server) {
    let (organizer, agent) = (server.organizer(), server.partner("Both", &[Role::Agent, Role::Org]));
    let accepted = server.deal(&organizer, &agent, DealStatus::Accepted);
    let path = path(agent.partner());
    for caller in [&agent, &server.platform()] {
        for changes in [json!({"roles": ["org"]}), json!({"roles": []}), json!({"removed": true})] {
            let refusal = caller.patch(&path, changes).refused(409);
            assert!(refusal.reason.contains(id(&accepted)), "{}", refusal.reason);
        }
        let refusal = caller.delete(&path).refused(409);
        assert!(refusal.reason.contains(id(&accepted)), "{}", refusal.reason);
    }
    // So does the organizer, on the other side.
    organizer.delete(&self::path(organizer.partner())).refused(409);
    // Another role may go, and all may once the deal is closed.
    assert_eq!(agent.patch(&path, json!({"roles": ["agent"]})).ok()["roles"], json!(["agent"]));
    agent.closes(&accepted).ok();
    assert_eq!(agent.patch(&path, json!({"roles": []})).ok()["roles"], json!([]));
    assert_eq!(agent.delete(&path).ok(), json!({}));
    assert_eq!(organizer.delete(&self::path(organizer.partner())).ok(), json!({}));
}

fn removing_a_partner_withdraws_its_proposals(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let mine = server.deal(&organizer, &agent, DealStatus::New);
    let theirs = agent.proposes(&server.event_of(&organizer), organizer.partner()).ok();
    let beside = server.deal(&organizer, &server.agent(), DealStatus::New);
    agent.delete(&path(agent.partner())).ok();
    assert_eq!((organizer.sees_status(&mine), organizer.sees_status(&theirs)), ("canceled".into(), "canceled".into()));
    assert_eq!(organizer.sees_status(&beside), "new");
}

fn a_removed_partner_is_listed_apart_and_comes_back(server: Server) {
    let (agent, platform) = (server.agent(), server.platform());
    let path = path(agent.partner());
    let listed =
        |query: &str| platform.get(&format!("/v1/resources/partners?ids={}{query}", agent.partner())).list().len();
    assert_eq!((listed(""), listed("&removed=false"), listed("&removed=true")), (1, 1, 0));
    assert_eq!(agent.delete(&path).ok(), json!({}));
    assert_eq!((listed(""), listed("&removed=false"), listed("&removed=true")), (0, 0, 1));
    assert_eq!(platform.get(&path).ok()["removed"], true);
    assert_eq!(platform.delete(&path).ok(), json!({}), "it is removed already");
    assert_eq!(platform.patch(&path, json!({"removed": false})).ok()["removed"], false);
    assert_eq!((listed(""), listed("&removed=true")), (1, 0));
    assert_eq!(platform.get("/v1/resources/partners?removed=maybe").refused(400).fields(), ["removed"]);
}

fn a_list_is_filtered_by_role_tag_and_part_of_the_name(server: Server) {
    let agent = server.nanobilet();
    let make = |name: &str, roles: Value, tags: Value| {
        let made =
            server.platform().post("/v1/resources/partners", json!({"name": name, "roles": roles, "tags": tags}));
        id(&made.ok()).to_owned()
    };
    let opera = make("Опера Гарнье", json!(["org"]), json!(["Опера", "балет"]));
    let circus = make("Цирк", json!(["org", "agent"]), json!(["цирк"]));
    let list = |query: &str| agent.get(&format!("/v1/resources/partners?{query}")).ids();
    assert_eq!(list("role=org"), [demo::ORGANIZATOR, &opera, &circus]);
    assert_eq!(list("role=agent"), [demo::NANOBILET, &circus]);
    assert_eq!(list("role=core"), [demo::PLATFORM]);
    assert_eq!(list("role=agent,core"), [demo::NANOBILET, demo::PLATFORM, &circus]);
    assert_eq!(list("tags=%D0%BE%D0%BF%D0%B5%D1%80%D0%B0"), [opera.as_str()], "опера, in any case");
    let both = "tags=%D0%B1%D0%B0%D0%BB%D0%B5%D1%82,%D1%86%D0%B8%D1%80%D0%BA";
    assert_eq!(list(both), [opera.as_str(), &circus], "one of them is enough");
    assert_eq!(list("suggest=%D0%93%D0%90%D0%A0%D0%9D"), [opera.as_str()], "ГАРН, a part in any case");
    assert_eq!(list("suggest=organ"), [demo::ORGANIZATOR]);
    assert_eq!(list(&format!("{both}&role=agent")), [circus.as_str()]);
    assert_eq!(list(&format!("ids={opera},{}&role=agent", demo::NANOBILET)), [demo::NANOBILET]);
    assert_eq!(agent.get("/v1/resources/partners?role=boss").refused(400).fields(), ["role"]);
    // A tag that is taken away no longer leads to it.
    server.platform().patch(&path(&opera), json!({"tags": []})).ok();
    assert_eq!(list(both), [circus.as_str()]);
}

fn texts_are_searched_as_they_are(server: Server) {
    let agent = server.nanobilet();
    let make = |name: &str| {
        let made = server.platform().post("/v1/resources/partners", json!({"name": name, "tags": [name]}));
        id(&made.ok()).to_owned()
    };
    let (percent, underscore, backslash, quote) = (make("100% джаз"), make("a_b"), make("c\\d"), make("d'Arc"));
    let list = |query: &str| agent.get(&format!("/v1/resources/partners?{query}")).ids();
    assert_eq!(list("suggest=%25"), [percent.as_str()]);
    assert_eq!(list("suggest=_"), [underscore.as_str()]);
    assert_eq!(list("suggest=%5C"), [backslash.as_str()]);
    assert_eq!(list("suggest=%27"), [quote.as_str()]);
    assert_eq!(list("tags=a_b"), [underscore.as_str()]);
    assert_eq!(list("tags=d%27arc"), [quote.as_str()]);
}
