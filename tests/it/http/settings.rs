//! A partner's settings (`spec/v1.md`, Partners).

use serde_json::{Value, json};

use crate::util::{Actor, Server};

on_both_engines!(
    Server;
    a_partner_has_the_defaults_until_it_says_otherwise,
    settings_change_one_by_one_and_null_is_the_default,
    the_share_of_the_platform_is_for_the_platform_to_set,
    wrong_settings_are_named_and_nothing_is_changed,
);

fn path(of: &Actor<'_>) -> String {
    format!("/v1/resources/partners/{}/settings", of.partner())
}

fn defaults() -> Value {
    json!({
        "accept_org_min": "100.00%", "auto_accept_deals": false, "core": "3.00%", "extra": "0.0%", "hold_minutes": 10,
        "refund_approval": "vendor",
    })
}

fn a_partner_has_the_defaults_until_it_says_otherwise(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    let answer = owner.get(&path(&organizer));
    assert_eq!(answer.ok(), defaults());
    assert_eq!(answer.text(), defaults().to_string(), "in this order");
    assert_eq!(owner.patch(&path(&organizer), json!({})).ok(), defaults());
    let seen = server.owner_of(&server.organizator()).get(&path(&server.organizator())).ok();
    assert_eq!(
        (&seen["core"], &seen["accept_org_min"], &seen["auto_accept_deals"]),
        (&json!("10.00%"), &json!("0.00%"), &json!(true))
    );
}

fn settings_change_one_by_one_and_null_is_the_default(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    let mut expected = defaults();
    for (name, given, shown) in [
        ("accept_org_min", json!(85), json!("85.00%")),
        ("accept_org_min", json!("12.5%"), json!("12.50%")),
        ("auto_accept_deals", json!(true), json!(true)),
        ("extra", json!(7), json!("7.0%")),
        ("extra", json!("99.90"), json!("99.90")),
        ("extra", json!("1000%"), json!("1000.0%")),
        ("hold_minutes", json!(1), json!(1)),
        ("hold_minutes", json!(60), json!(60)),
        ("refund_approval", json!("organizer"), json!("organizer")),
    ] {
        expected[name] = shown;
        assert_eq!(owner.patch(&path(&organizer), json!({name: given})).ok(), expected);
        assert_eq!(owner.get(&path(&organizer)).ok(), expected);
    }
    for name in ["accept_org_min", "auto_accept_deals", "extra", "hold_minutes", "refund_approval"] {
        expected[name] = defaults()[name].clone();
        assert_eq!(owner.patch(&path(&organizer), json!({name: null})).ok(), expected);
    }
    // Another partner's are its own.
    assert_eq!(server.platform().get(&path(&server.organizer())).ok(), defaults());
}

fn the_share_of_the_platform_is_for_the_platform_to_set(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    for given in [json!(0), json!("much"), json!(-1), json!(null), json!([])] {
        let answer = owner.patch(&path(&organizer), json!({"core": given}));
        assert_eq!((answer.ok(), answer.header("x-ignored-fields")), (defaults(), None));
    }
    let platform = server.platform();
    let set = |core: Value| platform.patch(&path(&organizer), json!({"core": core})).ok()["core"].clone();
    assert_eq!(set(json!("4.5%")), "4.50%");
    assert_eq!(set(json!("25")), "25.00");
    assert_eq!(set(json!(0)), "0.00%");
    assert_eq!(owner.get(&path(&organizer)).ok()["core"], "0.00%");
    owner.patch(&path(&organizer), json!({"core": 50, "hold_minutes": 5})).ok();
    assert_eq!(owner.get(&path(&organizer)).ok()["core"], "0.00%");
    assert_eq!(set(Value::Null), "3.00%", "the installation's again");
    for wrong in [json!(101), json!(-1), json!("much"), json!(true)] {
        assert_eq!(platform.patch(&path(&organizer), json!({"core": wrong})).refused(400).fields(), ["core"]);
    }
}

fn wrong_settings_are_named_and_nothing_is_changed(server: Server) {
    let organizer = server.organizer();
    let owner = server.owner_of(&organizer);
    for (name, wrong) in [
        ("accept_org_min", json!(101)),
        ("accept_org_min", json!(-1)),
        ("accept_org_min", json!("150.00")),
        ("accept_org_min", json!("much")),
        ("accept_org_min", json!(1.00001)),
        ("auto_accept_deals", json!("true")),
        ("auto_accept_deals", json!(1)),
        ("extra", json!(1001)),
        ("extra", json!("-1.00")),
        ("extra", json!("1.005")),
        ("extra", json!("10000000000.01")),
        ("hold_minutes", json!(0)),
        ("hold_minutes", json!(61)),
        ("hold_minutes", json!(-1)),
        ("hold_minutes", json!(1.5)),
        ("hold_minutes", json!("10")),
        ("hold_minutes", json!(1_000_000)),
        ("refund_approval", json!("core")),
        ("refund_approval", json!(1)),
    ] {
        // Something right beside it is not done either.
        let right = if name == "extra" { "hold_minutes" } else { "extra" };
        let refusal = owner.patch(&path(&organizer), json!({right: 5, name: wrong})).refused(400);
        assert_eq!(refusal.fields(), [name], "{wrong}");
        assert_eq!(owner.get(&path(&organizer)).ok(), defaults());
    }
}
