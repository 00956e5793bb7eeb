//! Members of a partner (`spec/v1.md`, Partners).

use std::thread;

use parterre::domain::member::MemberRole;
use serde_json::json;

use crate::util::{Actor, Server};

on_both_engines!(
    Server;
    a_member_is_a_user_with_a_role,
    whoever_is_no_user_yet_has_to_register_first,
    a_user_is_a_member_once,
    the_last_owner_stays_an_owner,
    of_two_owners_who_leave_at_once_one_stays,
    the_user_of_a_partner_is_always_an_owner,
    a_role_counts_from_the_next_request_on,
    a_member_of_another_partner_is_none_of_this_one,
);

fn path(of: &Actor<'_>) -> String {
    format!("/v1/resources/partners/{}/members", of.partner())
}

fn member(of: &Actor<'_>, user: &str) -> String {
    format!("{}/{user}", path(of))
}

fn a_member_is_a_user_with_a_role(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    let user = server.new_user().to_string();
    let email = server.email_of(&user).to_uppercase();
    let added = owner.post(&path(&organizer), json!({"email": email, "role": "cashier"}));
    assert_eq!((added.status, added.ok()), (201, json!({"role": "cashier", "user": user})), "an address in any case");
    let answer = owner.get(&format!("{}?page=1", path(&organizer)));
    assert_eq!(answer.header("total"), Some("2"));
    let expected = [json!({"role": "owner", "user": owner.user()}), json!({"role": "cashier", "user": user})];
    assert_eq!(answer.list(), expected);
    assert_eq!(owner.get(&format!("{}?page=2&page_size=1", path(&organizer))).list(), expected[1..]);
    for role in ["manager", "gate", "owner", "cashier"] {
        let changed = owner.patch(&member(&organizer, &user), json!({"role": role})).ok();
        assert_eq!(changed, json!({"role": role, "user": user}));
    }
    assert_eq!(owner.patch(&member(&organizer, &user), json!({})).ok()["role"], "cashier");
    assert_eq!(owner.delete(&member(&organizer, &user)).ok(), json!({}));
    assert_eq!(owner.get(&path(&organizer)).list(), expected[..1]);
    owner.delete(&member(&organizer, &user)).refused(404);
    owner.patch(&member(&organizer, &user), json!({"role": "gate"})).refused(404);
    owner.delete(&member(&organizer, "nobody")).refused(404);
}

fn whoever_is_no_user_yet_has_to_register_first(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    let add = |email: &str| owner.post(&path(&organizer), json!({"email": email, "role": "gate"}));
    assert_eq!(add("nobody@example.com").refused(400).fields(), ["email"]);
    server.nobody().post("/v1/resources/users", json!({"email": "nobody@example.com", "password": "long enough"})).ok();
    add("nobody@example.com").ok();
    let known = server.email_of(&server.new_user().to_string());
    for (body, field) in [
        (json!({"role": "gate"}), "email"),
        (json!({"email": "nobody", "role": "gate"}), "email"),
        (json!({"email": known}), "role"),
        (json!({"email": known, "role": "boss"}), "role"),
        (json!({"email": known, "role": null}), "role"),
    ] {
        assert_eq!(owner.post(&path(&organizer), body).refused(400).fields(), [field]);
    }
    let refusal = owner.patch(&member(&organizer, owner.user()), json!({"role": "boss"})).refused(400);
    assert_eq!(refusal.fields(), ["role"]);
}

fn a_user_is_a_member_once(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    let email = server.email_of(&server.new_user().to_string());
    let add = || owner.post(&path(&organizer), json!({"email": email, "role": "gate"}));
    let mut statuses = thread::scope(|scope| {
        let answers = [scope.spawn(add), scope.spawn(add), scope.spawn(add)];
        answers.map(|answer| answer.join().unwrap().status)
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
    add().refused(409);
}

fn the_last_owner_stays_an_owner(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    for caller in [&owner, &server.platform()] {
        caller.delete(&member(&organizer, owner.user())).refused(409);
        caller.patch(&member(&organizer, owner.user()), json!({"role": "manager"})).refused(409);
        caller.patch(&member(&organizer, owner.user()), json!({"role": "owner"})).ok();
    }
    let manager = server.member_of(organizer.partner(), MemberRole::Manager);
    owner.delete(&member(&organizer, owner.user())).refused(409);
    owner.patch(&member(&organizer, manager.user()), json!({"role": "owner"})).ok();
    assert_eq!(owner.delete(&member(&organizer, owner.user())).ok(), json!({}));
    manager.delete(&member(&organizer, manager.user())).refused(409);
}

fn of_two_owners_who_leave_at_once_one_stays(server: Server) {
    for _ in 0..5 {
        let organizer = server.organizer();
        let (one, other) = (server.owner_of(&organizer), server.member_of(organizer.partner(), MemberRole::Owner));
        let mut statuses = thread::scope(|scope| {
            let answers = [&one, &other].map(|who| scope.spawn(|| who.delete(&member(&organizer, who.user())).status));
            answers.map(|answer| answer.join().unwrap())
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
        let left = server.platform().get(&path(&organizer)).list();
        assert_eq!((left.len(), &left[0]["role"]), (1, &json!("owner")));
    }
}

fn the_user_of_a_partner_is_always_an_owner(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    let second = server.member_of(organizer.partner(), MemberRole::Owner);
    let user = || organizer.get(&format!("/v1/resources/partners/{}", organizer.partner())).ok()["user"]["id"].clone();
    assert_eq!(user(), owner.user());
    owner.patch(&member(&organizer, owner.user()), json!({"role": "gate"})).ok();
    assert_eq!(user(), second.user());
    // So what is made with a key belongs to somebody who is an owner.
    let made = organizer.post("/v1/resources/partners", json!({"name": "Cassa"})).ok();
    assert_eq!(made["user"]["id"], second.user());
}

fn a_role_counts_from_the_next_request_on(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    let user = server.member_of(organizer.partner(), MemberRole::Gate);
    let event = server.event_of(&organizer);
    user.changes_event(&event, json!({})).refused(403);
    owner.patch(&member(&organizer, user.user()), json!({"role": "manager"})).ok();
    user.changes_event(&event, json!({})).ok();
    user.get(&path(&organizer)).refused(403);
    owner.patch(&member(&organizer, user.user()), json!({"role": "owner"})).ok();
    user.get(&path(&organizer)).ok();
    owner.patch(&member(&organizer, user.user()), json!({"role": "cashier"})).ok();
    user.changes_event(&event, json!({})).refused(403);
}

fn a_member_of_another_partner_is_none_of_this_one(server: Server) {
    let (organizer, other) = (server.organizer(), server.organizer());
    let owner = server.owner_of(&organizer);
    let theirs = server.member_of(other.partner(), MemberRole::Gate);
    owner.delete(&member(&organizer, theirs.user())).refused(404);
    owner.patch(&member(&organizer, theirs.user()), json!({"role": "gate"})).refused(404);
    owner.delete(&member(&other, theirs.user())).refused(403);
    theirs.get("/v1/resources/events").ok();
}
