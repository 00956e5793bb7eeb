//! Users and sessions (`spec/v1.md`, Users and sessions).

use jiff::SignedDuration;
use parterre::demo;
use parterre::domain::time::write_v1;
use parterre::params;
use parterre::store::Statement;
use serde_json::{Value, json};

use crate::util::{Actor, Answer, Server, id};

on_both_engines!(
    Server;
    a_user_registers_and_signs_in,
    wrong_registrations_are_named,
    an_address_belongs_to_one_user,
    a_wrong_sign_in_says_the_same_whoever_it_is,
    a_session_ends_where_the_user_signs_out,
    a_session_lasts_as_long_as_the_operator_says,
    a_new_password_ends_all_other_sessions,
    a_user_changes_itself,
    a_user_is_for_itself_alone,
    a_password_is_nowhere_to_be_read,
);

const USERS: &str = "/v1/resources/users";
const WHOAMI: &str = "/v1/services/whoami";

fn registers(server: &Server, email: &str) -> Answer {
    server.nobody().post(USERS, json!({"email": email, "password": "long enough"}))
}

fn signs_in(server: &Server, email: &str, password: &str) -> Answer {
    server.nobody().post(WHOAMI, json!({"email": email, "password": password}))
}

/// The `auth_tkt=…` of an answer.
fn ticket(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

/// Whoever sends the cookie of an answer.
fn with_cookie<'s>(server: &'s Server, answer: &Answer) -> Actor<'s> {
    server.nobody().saying("Cookie", &ticket(answer))
}

fn a_user_registers_and_signs_in(server: Server) {
    let registration = json!({"email": "Anna@Example.com", "password": "long enough", "first_name": "Анна"});
    let answer = server.nobody().post(USERS, registration);
    let (user, now) = (answer.ok(), write_v1(server.now()));
    let expected = json!({
        "created_at": now, "email": "Anna@Example.com", "first_name": "Анна", "id": id(&user), "last_name": null,
        "partners": [], "tags": [], "updated_at": now,
    });
    assert_eq!((answer.status, answer.text()), (201, expected.to_string().as_str()), "every field but crm, in order");
    assert_eq!(answer.header("set-cookie"), None, "registering is not signing in");

    let answer = signs_in(&server, "anna@EXAMPLE.com", "long enough");
    assert_eq!(answer.ok(), expected);
    let cookie = answer.header("set-cookie").unwrap();
    let (ticket, rest) = cookie.split_once(';').unwrap();
    assert!(ticket.strip_prefix("auth_tkt=").unwrap().len() >= 32);
    let rest: Vec<&str> = rest.split(';').map(str::trim).collect();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"] {
        assert!(rest.contains(&attribute), "{cookie}");
    }
    assert!(!rest.contains(&"Secure"), "there is no TLS");
    let anna = with_cookie(&server, &answer);
    assert_eq!(anna.get(WHOAMI).ok(), expected);
    assert_eq!(anna.get(&format!("{USERS}/{}", id(&user))).ok(), expected);
    let partner = anna.post("/v1/resources/partners", json!({"name": "Cassa"})).ok();
    assert_eq!(anna.get(WHOAMI).ok()["partners"], json!([id(&partner)]));
}

fn wrong_registrations_are_named(server: Server) {
    let long = "x".repeat(1_001);
    for (field, wrong) in [
        ("email", json!(null)),
        ("email", json!("")),
        ("email", json!("anna")),
        ("email", json!("anna@")),
        ("email", json!("an na@example.com")),
        ("email", json!(format!("{}@example.com", "x".repeat(250)))),
        ("email", json!(["anna@example.com"])),
        ("password", json!(null)),
        ("password", json!("s3cr1t")),
        ("password", json!("1234567")),
        ("password", json!(12345678)),
        ("password", json!(long)),
        ("first_name", json!(long)),
        ("last_name", json!(5)),
    ] {
        let mut body = json!({"email": "anna@example.com", "password": "long enough"});
        body[field] = wrong.clone();
        let answer = server.nobody().post(USERS, body);
        assert_eq!(answer.refused(400).fields(), [field], "{wrong}");
        assert!(field != "password" || !answer.text().contains("s3cr1t"));
    }
    for missing in ["email", "password"] {
        let mut body = json!({"email": "anna@example.com", "password": "long enough"});
        body.as_object_mut().unwrap().remove(missing);
        let refusal = server.nobody().post(USERS, body).refused(400);
        assert_eq!((refusal.fields(), refusal.codes()), (vec![missing], vec!["required"]));
    }
    // Nobody was made; eight characters are enough, in any script.
    server.nobody().post(USERS, json!({"email": "anna@example.com", "password": "пароль12"})).ok();
}

fn an_address_belongs_to_one_user(server: Server) {
    registers(&server, "anna@example.com").ok();
    for taken in ["anna@example.com", "ANNA@example.com", "Anna@Example.COM"] {
        assert_eq!(registers(&server, taken).refused(409).fields(), ["email"]);
    }
    registers(&server, "boris@example.com").ok();
    let boris = signs_in(&server, "boris@example.com", "long enough");
    let path = format!("{USERS}/{}", id(&boris.ok()));
    let boris = with_cookie(&server, &boris);
    assert_eq!(boris.patch(&path, json!({"email": "Anna@example.com"})).refused(409).fields(), ["email"]);
    assert_eq!(boris.patch(&path, json!({"email": "BORIS@example.com"})).ok()["email"], "BORIS@example.com");
}

fn a_wrong_sign_in_says_the_same_whoever_it_is(server: Server) {
    let mut said = Vec::new();
    for (email, password) in [
        ("ag@tc.ru", "wrong-password"),
        ("ag@tc.ru", ""),
        ("ag@tc.ru", "Demo-password"),
        ("nobody@tc.ru", "demo-password"),
        ("no address", "demo-password"),
        ("", ""),
        ("ag@tc.ru\u{0}", "demo-password"),
    ] {
        let answer = signs_in(&server, email, password);
        answer.refused(401);
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(answer.header("www-authenticate"), Some("Key"));
        said.push(answer.text().to_owned());
    }
    said.dedup();
    assert_eq!(said.len(), 1);
    for (body, field) in [
        (json!({"email": "ag@tc.ru"}), "password"),
        (json!({"password": "demo-password"}), "email"),
        (json!({"email": "ag@tc.ru", "password": 5}), "password"),
        (json!({"email": null, "password": "demo-password"}), "email"),
    ] {
        assert_eq!(server.nobody().post(WHOAMI, body).refused(400).fields(), [field]);
    }
}

fn a_session_ends_where_the_user_signs_out(server: Server) {
    let here = signs_in(&server, "ag@tc.ru", demo::PASSWORD);
    let there = signs_in(&server, "ag@tc.ru", demo::PASSWORD);
    assert_ne!(ticket(&here), ticket(&there));
    let (here, there) = (with_cookie(&server, &here), with_cookie(&server, &there));
    let answer = here.delete(WHOAMI);
    assert_eq!(answer.ok(), json!({}));
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("auth_tkt=;") && cookie.contains("Max-Age=0"), "{cookie}");
    here.get(WHOAMI).refused(401);
    here.get("/v1/resources/deals").refused(401);
    there.get(WHOAMI).ok();
    // It is done already, and there is nothing wrong with that.
    assert_eq!(here.delete(WHOAMI).ok(), json!({}));
    assert_eq!(server.nobody().delete(WHOAMI).ok(), json!({}));
}

fn a_session_lasts_as_long_as_the_operator_says(server: Server) {
    let server = server.with(|options| options.session_days = Some(2));
    let answer = signs_in(&server, "ag@tc.ru", demo::PASSWORD);
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=172800"));
    let agent = with_cookie(&server, &answer);
    server.advance(SignedDuration::from_hours(48) - SignedDuration::from_micros(1));
    agent.get(WHOAMI).ok();
    server.run_jobs();
    agent.get(WHOAMI).ok();
    server.advance(SignedDuration::from_micros(1));
    agent.get(WHOAMI).refused(401);
    server.run_jobs();
    agent.get(WHOAMI).refused(401);
}

fn a_new_password_ends_all_other_sessions(server: Server) {
    let here = signs_in(&server, "ag@tc.ru", demo::PASSWORD);
    let path = format!("{USERS}/{}", demo::NANOBILET_USER);
    let there = with_cookie(&server, &signs_in(&server, "ag@tc.ru", demo::PASSWORD));
    let another = with_cookie(&server, &signs_in(&server, "org@tc.ru", demo::PASSWORD));
    let here = with_cookie(&server, &here);
    for wrong in [json!("short"), json!(null), json!(12345678)] {
        assert_eq!(here.patch(&path, json!({"password": wrong})).refused(400).fields(), ["password"]);
    }
    there.get(WHOAMI).ok();
    let answer = here.patch(&path, json!({"password": "a better one"}));
    assert_eq!(answer.ok()["updated_at"], write_v1(server.now()));
    here.get(WHOAMI).ok();
    there.get(WHOAMI).refused(401);
    another.get(WHOAMI).ok();
    signs_in(&server, "ag@tc.ru", demo::PASSWORD).refused(401);
    signs_in(&server, "ag@tc.ru", "a better one").ok();
    // Keys are not the user's, and go on.
    server.nanobilet().get("/v1/resources/deals").ok();
}

fn a_user_changes_itself(server: Server) {
    let answer = signs_in(&server, "ag@tc.ru", demo::PASSWORD);
    let agent = with_cookie(&server, &answer);
    let (mut expected, path) = (answer.ok(), format!("{USERS}/{}", demo::NANOBILET_USER));
    assert_eq!(agent.patch(&path, json!({"email": "ag@tc.ru", "first_name": "Егор"})).ok(), expected, "no change");
    assert_eq!(agent.patch(&path, json!({"id": "1", "tags": ["a"], "partners": [], "created_at": 1})).ok(), expected);
    for (field, value) in [("first_name", json!("Пётр")), ("last_name", json!(null)), ("email", json!("New@tc.ru"))]
    {
        server.advance(SignedDuration::from_secs(1));
        expected[field] = value.clone();
        expected["updated_at"] = write_v1(server.now()).into();
        assert_eq!(agent.patch(&path, json!({field: value})).ok(), expected);
        assert_eq!(agent.get(&path).ok(), expected);
    }
    signs_in(&server, "ag@tc.ru", demo::PASSWORD).refused(401);
    signs_in(&server, "new@tc.ru", demo::PASSWORD).ok();
    for (field, wrong) in [
        ("email", json!("x")),
        ("email", json!(null)),
        ("first_name", json!(1)),
        ("last_name", json!("x".repeat(1_001))),
    ] {
        let refusal = agent.patch(&path, json!({"first_name": "Иван", field: wrong})).refused(400);
        assert_eq!(refusal.fields(), [field]);
    }
    assert_eq!(agent.get(&path).ok(), expected, "nothing was changed");
}

fn a_user_is_for_itself_alone(server: Server) {
    let (user, other) = (server.newcomer(), server.newcomer());
    let path = format!("{USERS}/{}", other.user());
    let of_another = |caller: &Actor<'_>| {
        caller.get(&path).refused(403);
        caller.patch(&path, json!({"first_name": "Anna", "password": "long enough"})).refused(403);
    };
    of_another(&user);
    of_another(&server.platform());
    of_another(&server.owner_of(&server.platform()));
    of_another(&server.organizer());
    assert_eq!(other.get(&path).ok()["first_name"], Value::Null);
    for unknown in ["0123456789abcdef01234567", "me", demo::NANOBILET] {
        user.get(&format!("{USERS}/{unknown}")).refused(404);
        user.patch(&format!("{USERS}/{unknown}"), json!({})).refused(404);
    }
    // A key is nobody.
    server.nanobilet().get(WHOAMI).refused(403);
    server.nanobilet().get(&format!("{USERS}/{}", demo::NANOBILET_USER)).refused(403);
}

fn a_password_is_nowhere_to_be_read(server: Server) {
    let password = "so secret that it is shown nowhere";
    let body = json!({"email": "anna@example.com", "password": password});
    let answers = [
        server.nobody().post(USERS, body.clone()),
        server.nobody().post(USERS, body.clone()),
        server.nobody().post(WHOAMI, body),
        server.nobody().post(WHOAMI, json!({"email": "boris@example.com", "password": password})),
        server.nobody().saying("Prefer", "handling=strict").post(USERS, json!({"password": password, "x": 1})),
    ];
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [201, 409, 200, 401, 400]);
    assert!(answers.iter().all(|answer| !answer.text().contains(password)));
    let cookie = ticket(&answers[2]).split_once('=').unwrap().1.to_owned();
    let (hashes, sessions): (Vec<String>, Vec<Vec<u8>>) = server.write(|tx| {
        let users = tx.query(Statement::fixed("select password_hash from users"), params![])?;
        let sessions = tx.query(Statement::fixed("select token_hash from sessions"), params![])?;
        let hashes = users.into_iter().map(|row| row.read("users").next()).collect::<Result<_, _>>()?;
        Ok((hashes, sessions.into_iter().map(|row| row.read("sessions").next()).collect::<Result<_, _>>()?))
    });
    assert!(hashes.len() >= 4 && hashes.iter().all(|hash| hash.starts_with("$argon2id$") && !hash.contains(password)));
    assert_eq!(sessions.len(), 1);
    let of_cookie: Vec<u8> = cookie.bytes().collect();
    assert!(
        sessions.iter().all(|hash| !of_cookie.windows(8).any(|part| hash.windows(8).any(|of_hash| of_hash == part)))
    );
}

/// How often one may sign in and register: the server counts in memory, so one engine shows it.
mod limits {
    use super::*;

    fn too_many(answer: &Answer) {
        let refusal = answer.refused(429);
        assert_eq!(refusal.codes(), ["too_many_requests"]);
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=3_601).contains(&seconds), "{seconds}");
    }

    #[test]
    fn an_account_is_signed_in_to_so_often() {
        let server = Server::sqlite().with(|options| options.sign_in_per_account = Some(3));
        for spelling in ["ag@tc.ru", "AG@tc.ru", "ag@TC.ru"] {
            signs_in(&server, spelling, "wrong-password").refused(401);
        }
        too_many(&signs_in(&server, "ag@tc.ru", demo::PASSWORD));
        signs_in(&server, "org@tc.ru", demo::PASSWORD).ok();
        // An account that does not exist is no different.
        for _ in 0..3 {
            signs_in(&server, "nobody@tc.ru", "wrong-password").refused(401);
        }
        too_many(&signs_in(&server, "nobody@tc.ru", "wrong-password"));
        // Who is signed in, or has a key, is not kept out.
        server.nanobilet().get("/v1/resources/deals").ok();
    }

    #[test]
    fn an_address_signs_in_so_often() {
        let server = Server::sqlite().with(|options| options.sign_in_per_minute = Some(3));
        for email in ["ag@tc.ru", "org@tc.ru", "nobody@tc.ru"] {
            signs_in(&server, email, "wrong-password").refused(401);
        }
        too_many(&signs_in(&server, "core@tc.ru", demo::PASSWORD));
        registers(&server, "anna@example.com").ok();
    }

    #[test]
    fn an_address_registers_so_often() {
        let server = Server::sqlite().with(|options| options.registrations_per_hour = Some(2));
        registers(&server, "anna@example.com").ok();
        registers(&server, "boris@example.com").ok();
        too_many(&registers(&server, "clara@example.com"));
        // What has not the form of a registration is none.
        server.nobody().post(USERS, json!({})).refused(400);
        signs_in(&server, "anna@example.com", "long enough").ok();
    }

    #[test]
    fn an_account_is_asked_for_so_often_by_registering() {
        let server = Server::sqlite().with(|options| options.sign_in_per_account = Some(2));
        registers(&server, "ag@tc.ru").refused(409);
        registers(&server, "ag@tc.ru").refused(409);
        too_many(&registers(&server, "ag@tc.ru"));
    }

    #[test]
    fn the_address_is_the_clients_behind_a_trusted_proxy_alone() {
        let from = |server: &Server, address: &str| {
            let caller = server.nobody().saying("X-Forwarded-For", address);
            caller.post(WHOAMI, json!({"email": "nobody@tc.ru", "password": "wrong"}))
        };
        let server = Server::sqlite().with(|options| options.sign_in_per_minute = Some(1));
        from(&server, "192.0.2.1").refused(401);
        too_many(&from(&server, "192.0.2.2"));
        let server = server.with(|options| {
            options.sign_in_per_minute = Some(1);
            options.trusted_proxy = Some(vec!["127.0.0.1".parse().unwrap()]);
        });
        from(&server, "192.0.2.1").refused(401);
        from(&server, "192.0.2.2").refused(401);
        too_many(&from(&server, "192.0.2.1"));
        // What the client itself put before the proxy's word is not believed.
        too_many(&from(&server, "198.51.100.1, 192.0.2.2"));
    }

    #[test]
    fn a_cookie_is_secure_behind_a_trusted_proxy_that_speaks_tls() {
        let secure = |server: &Server| {
            let caller = server.nobody().saying("X-Forwarded-Proto", "https");
            let answer = caller.post(WHOAMI, json!({"email": "ag@tc.ru", "password": demo::PASSWORD}));
            answer.ok();
            answer.header("set-cookie").unwrap().contains("; Secure")
        };
        let server = Server::sqlite();
        assert!(!secure(&server));
        assert!(secure(&server.with(|options| options.trusted_proxy = Some(vec!["127.0.0.1".parse().unwrap()]))));
    }
}
