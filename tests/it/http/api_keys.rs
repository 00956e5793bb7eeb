//! API keys (`spec/v1.md`, API keys).

use std::collections::BTreeSet;

use parterre::domain::time::write_v1;
use parterre::store::Statement;
use parterre::{demo, params};
use serde_json::{Value, json};

use crate::util::{Actor, Server, id};

on_both_engines!(
    Server;
    a_key_is_drawn_and_shown_to_its_owner_again,
    a_key_acts_for_its_partner,
    a_removed_key_is_refused_on_the_very_next_request,
    a_key_has_a_name_that_changes,
    keys_are_listed_while_they_work,
    a_key_is_found_below_its_own_partner_alone,
    what_is_stored_of_a_key_is_no_key,
);

fn path(of: &Actor<'_>) -> String {
    format!("/v1/resources/partners/{}/api_keys", of.partner())
}

/// Whoever sends the key of this object.
fn with<'s>(server: &'s Server, key: &Value) -> Actor<'s> {
    server.by_key(key["key"].as_str().unwrap(), key["partner"].as_str().unwrap(), "")
}

fn a_key_is_drawn_and_shown_to_its_owner_again(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    let answer = owner.post(&path(&organizer), json!({"name": "касса"}));
    let key = answer.ok();
    let token = key["key"].as_str().unwrap();
    assert!(token.len() == 32 && token.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')), "{token}");
    let expected = json!({
        "created_at": write_v1(server.now()), "id": id(&key), "key": token, "name": "касса",
        "partner": organizer.partner(), "removed": false,
    });
    assert_eq!((answer.status, answer.text()), (201, expected.to_string().as_str()), "every field, in this order");
    assert_eq!(owner.get(&format!("{}/{}", path(&organizer), id(&key))).ok(), expected);
    assert_eq!(server.platform().get(&format!("{}/{}", path(&organizer), id(&key))).ok(), expected);
    let others: BTreeSet<String> =
        (0..20).map(|_| owner.post(&path(&organizer), json!({})).ok()["key"].as_str().unwrap().to_owned()).collect();
    assert_eq!(others.len(), 20);
}

fn a_key_acts_for_its_partner(server: Server) {
    let organizer = server.organizer();
    let key = server.owner_of(&organizer).post(&path(&organizer), json!({})).ok();
    let answer = with(&server, &key).get("/v1/resources/deals");
    answer.ok();
    assert_eq!(answer.header("x-partner"), Some(organizer.partner()));
    // As a manager does: not its keys, members and settings.
    with(&server, &key).get(&path(&organizer)).refused(403);
}

fn a_removed_key_is_refused_on_the_very_next_request(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    let key = owner.post(&path(&organizer), json!({})).ok();
    let (caller, place) = (with(&server, &key), format!("{}/{}", path(&organizer), id(&key)));
    for _ in 0..3 {
        caller.get("/v1/resources/deals").ok();
    }
    assert_eq!(owner.delete(&place).ok(), json!({}));
    caller.get("/v1/resources/deals").refused(401);
    caller.post("/v1/resources/deals", json!({})).refused(401);
    assert_eq!(owner.get(&place).ok()["removed"], true);
    assert_eq!(owner.delete(&place).ok(), json!({}), "it is removed already");
    organizer.get("/v1/resources/deals").ok();
}

fn a_key_has_a_name_that_changes(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    let key = owner.post(&path(&organizer), json!({})).ok();
    assert_eq!(key["name"], Value::Null);
    let place = format!("{}/{}", path(&organizer), id(&key));
    let mut expected = key.clone();
    for name in [json!("касса"), json!("сайт"), json!(null)] {
        expected["name"] = name.clone();
        assert_eq!(owner.patch(&place, json!({"name": name, "key": "mine", "removed": true})).ok(), expected);
        assert_eq!(owner.get(&place).ok(), expected);
    }
    assert_eq!(owner.patch(&place, json!({})).ok(), expected);
    with(&server, &key).get("/v1/resources/deals").ok();
    for wrong in [json!(5), json!("x".repeat(1_001))] {
        assert_eq!(owner.patch(&place, json!({"name": wrong})).refused(400).fields(), ["name"]);
        assert_eq!(owner.post(&path(&organizer), json!({"name": wrong})).refused(400).fields(), ["name"]);
    }
}

fn keys_are_listed_while_they_work(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    let first = owner.get(&path(&organizer)).list();
    assert_eq!(first.len(), 1, "the organizer's own");
    let made = [(); 3].map(|()| owner.post(&path(&organizer), json!({})).ok());
    owner.delete(&format!("{}/{}", path(&organizer), id(&made[1]))).ok();
    assert_eq!(owner.get(&path(&organizer)).list(), [first[0].clone(), made[0].clone(), made[2].clone()]);
    let asked = format!("{}?page=1&ids={},{},{}", path(&organizer), id(&made[2]), id(&made[0]), demo::NANOBILET_KEY_ID);
    let answer = owner.get(&asked);
    assert_eq!((answer.header("total"), answer.list()), (Some("2"), vec![made[0].clone(), made[2].clone()]));
    assert_eq!(owner.get(&format!("{}?ids=1", path(&organizer))).refused(400).fields(), ["ids"]);
}

fn a_key_is_found_below_its_own_partner_alone(server: Server) {
    let (organizer, other) = (server.organizer(), server.organizer());
    let owner = server.owner_of(&organizer);
    let key = owner.post(&path(&organizer), json!({})).ok();
    let place = format!("{}/{}", path(&other), id(&key));
    owner.get(&place).refused(403);
    server.owner_of(&other).get(&place).refused(404);
    server.owner_of(&other).delete(&place).refused(404);
    server.platform().patch(&place, json!({"name": "mine"})).refused(404);
    with(&server, &key).get("/v1/resources/deals").ok();
    for wrong in ["1", "0123456789abcdef01234567", organizer.partner()] {
        owner.get(&format!("{}/{wrong}", path(&organizer))).refused(404);
    }
}

fn what_is_stored_of_a_key_is_no_key(server: Server) {
    let organizer = server.organizer();
    let key = server.owner_of(&organizer).post(&path(&organizer), json!({})).ok();
    let token = key["key"].as_str().unwrap().to_owned();
    let stored: Vec<(Vec<u8>, Vec<u8>)> = server.write(|tx| {
        let rows = tx.query(Statement::fixed("select token_hash, token_sealed from api_keys"), params![])?;
        let read = rows.into_iter().map(|row| {
            let mut row = row.read("api_keys");
            Ok((row.next()?, row.next()?))
        });
        Ok(read.collect::<Result<_, parterre::store::Error>>()?)
    });
    assert!(stored.len() >= 5);
    for stored in stored.iter().flat_map(|(hash, sealed)| [hash, sealed]) {
        assert!(!stored.windows(8).any(|part| token.as_bytes().windows(8).any(|of_token| of_token == part)));
    }
}
