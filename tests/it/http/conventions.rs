//! What is the same for every request and every answer (`spec/http.md`, Requests and Responses).

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use parterre::domain::deal::DealStatus;
use parterre::domain::id::PartnerId;
use parterre::domain::partner::Role;
use parterre::http::route::Answers;
use parterre::store::{self, Statement};
use parterre::{demo, http, params};
use serde_json::{Value, json};

use crate::util::{Actor, Answer, Server, client, id, ids};

on_both_engines!(
    Server;
    lists_of_more_than_a_batch_come_whole_and_in_order,
    a_list_that_breaks_off_does_not_end,
    a_page_says_how_many_rows_there_are_in_all,
    a_page_has_bounds,
    lists_hold_what_the_caller_may_read_and_leave_the_rest_out,
    several_values_are_given_comma_separated_or_repeated,
    an_id_is_404_in_a_path_and_400_elsewhere,
    an_id_begins_with_the_second_of_its_creation,
    read_only_fields_are_ignored,
    unknown_fields_are_ignored_and_named,
    unknown_fields_are_refused_where_the_client_asks_for_it,
    every_wrong_field_is_named_and_nothing_is_changed,
    embedded_objects_are_merged,
    of_two_changes_at_once_neither_is_lost,
);

/// Tests of what never reaches the store, on one engine.
mod of_http {
    use super::*;

    #[test]
    fn a_path_refuses_methods_that_it_does_not_have() {
        let server = Server::sqlite();
        for (path, methods) in paths() {
            let path = with_ids(path);
            for method in ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "TRACE", "BREW"] {
                let has = methods.contains(method) || (method == "HEAD" && methods.contains("GET"));
                if has {
                    continue;
                }
                let answer = server.nobody().request(method, &path).send();
                if method == "HEAD" {
                    assert_eq!((answer.status, answer.text()), (405, ""), "{path}");
                } else if path.starts_with("/v2/") {
                    assert_eq!((answer.status, &answer.json()["error"]), (405, &json!("HTTPMethodNotAllowed")));
                } else {
                    answer.refused(405);
                }
                assert_eq!(allowed(&answer), with_implied(&methods), "{method} {path}");
            }
        }
    }

    #[test]
    fn options_tells_a_browser_what_a_path_takes() {
        let server = Server::sqlite();
        for (path, methods) in paths() {
            let answer = server
                .nobody()
                .request("OPTIONS", &with_ids(path))
                .header("Origin", "https://shop.example")
                .header("Access-Control-Request-Method", "GET")
                .header("Access-Control-Request-Headers", "authorization")
                .send();
            assert_eq!((answer.status, answer.text()), (204, ""), "{path}");
            assert_eq!(allowed(&answer), with_implied(&methods), "{path}");
            assert_eq!(answer.header("access-control-allow-methods"), answer.header("allow"));
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            let headers = answer.header("access-control-allow-headers").unwrap().to_lowercase();
            let headers: BTreeSet<&str> = headers.split(',').map(str::trim).collect();
            for needed in ["authorization", "content-type", "idempotency-key", "prefer", "x-partner"] {
                assert!(headers.contains(needed), "{needed}");
            }
        }
    }

    #[test]
    fn every_answer_may_be_read_by_a_page_of_any_origin() {
        let server = Server::sqlite();
        for answer in some_answers(&server) {
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            assert_eq!(answer.header("access-control-allow-credentials"), None);
            let exposed = answer.header("access-control-expose-headers").unwrap();
            let exposed: BTreeSet<&str> = exposed.split(',').map(str::trim).collect();
            let expected =
                ["TOTAL", "X-Partner", "X-Request-Id", "X-Ignored-Fields", "X-Warning", "ETag", "Retry-After"];
            assert_eq!(exposed, expected.into());
        }
    }

    #[test]
    fn every_answer_has_a_number_of_its_own_and_is_not_kept_by_caches() {
        let server = Server::sqlite();
        let answers = some_answers(&server);
        let numbers: BTreeSet<&str> = answers.iter().map(|answer| answer.header("x-request-id").unwrap()).collect();
        assert_eq!(numbers.len(), answers.len());
        for answer in &answers {
            assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        }
    }

    /// One answer of each kind: well and refused, here and by the layers around.
    fn some_answers(server: &Server) -> Vec<Answer> {
        let (agent, nobody) = (server.nanobilet(), server.nobody());
        let answers = vec![
            agent.get("/v1/resources/partners"),
            agent.post("/v1/resources/partners", json!({"name": "Cassa"})),
            agent.patch(&partner_path(), json!({})),
            agent.patch(&partner_path(), json!({"name": 1})),
            nobody.get("/v1/resources/partners"),
            agent.get(&format!("/v1/resources/events/{}", demo::DEAL)),
            nobody.get("/nowhere"),
            nobody.request("PUT", "/v1/resources/partners").send(),
            agent.request("GET", &partner_path()).header("Accept", "text/html").send(),
            agent.request("PATCH", &partner_path()).body(vec![b' '; 2 << 20]).send(),
            agent.request("PATCH", &partner_path()).header("Content-Type", "text/plain").body("x").send(),
        ];
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [200, 201, 200, 400, 401, 404, 404, 405, 406, 413, 415]);
        answers
    }

    #[test]
    fn head_answers_as_get_does_without_the_body() {
        let server = Server::sqlite();
        let agent = server.nanobilet();
        for path in [
            "/v1/resources/partners?page=1&page_size=1".to_owned(),
            partner_path(),
            format!("/v1/resources/deals/{}", demo::DEAL),
            "/v1/resources/deals?page=0".to_owned(),
            format!("/v1/resources/deals/{}", demo::NANOBILET),
            "/openapi.json".to_owned(),
        ] {
            let (get, head) = (agent.get(&path), agent.request("HEAD", &path).send());
            assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
            for header in ["content-type", "total", "x-partner", "cache-control"] {
                assert_eq!(head.header(header), get.header(header), "{path}");
            }
        }
        assert_eq!(server.nobody().request("HEAD", "/v1/resources/deals").send().status, 401);
    }

    #[test]
    fn a_trailing_slash_is_the_same_resource() {
        let server = Server::sqlite();
        let agent = server.nanobilet();
        for path in ["/v1/resources/partners".to_owned(), partner_path(), "/v1/resources/deals".to_owned()] {
            let (with, without) =
                (agent.get(&format!("{path}/?fields-schema=id")), agent.get(&format!("{path}?fields-schema=id")));
            assert_eq!(with.ok(), without.ok());
        }
        let created = agent.post("/v1/resources/partners/", json!({"name": "Cassa"}));
        assert_eq!(created.status, 201);
        for (path, methods) in paths() {
            let answer = server.nobody().request("OPTIONS", &format!("{}/", with_ids(path))).send();
            assert_eq!(allowed(&answer), with_implied(&methods), "{path}/");
        }
    }

    #[test]
    fn the_scheme_of_a_key_is_in_any_case_with_any_run_of_spaces() {
        let server = Server::sqlite();
        let with = |value: &str| server.nobody().saying("Authorization", value).get("/v1/resources/deals");
        for right in [
            "key my-very-secret-key",
            "Key my-very-secret-key",
            "KEY    my-very-secret-key",
            "kEy \t my-very-secret-key  ",
        ] {
            assert_eq!(with(right).header("x-partner"), Some(demo::NANOBILET), "{right:?}");
        }
        for wrong in [
            "my-very-secret-key",
            "key",
            "key ",
            "Bearer my-very-secret-key",
            "key my-very-secret-key2",
            "key MY-VERY-SECRET-KEY",
            "key my very",
            "key ключ",
            "",
        ] {
            let answer = with(wrong);
            answer.refused(401);
            assert_eq!(answer.header("www-authenticate"), Some("Key"), "{wrong:?}");
            assert_eq!(answer.header("x-partner"), None);
        }
    }

    #[test]
    fn a_session_is_known_by_its_cookie_among_others() {
        let server = Server::sqlite();
        let token = "0123456789abcdef".repeat(4);
        let cookie = |value: &str| server.nobody().saying("Cookie", value).get("/v1/services/whoami");
        let answer =
            server.nobody().post("/v1/services/whoami", json!({"email": "ag@tc.ru", "password": demo::PASSWORD}));
        let ours = answer.header("set-cookie").unwrap().split(';').next().unwrap();
        for right in [ours.to_owned(), format!("theme=dark; {ours}; lang=ru"), format!("a=b;{ours}")] {
            assert_eq!(cookie(&right).ok()["email"], "ag@tc.ru");
        }
        for wrong in ["auth_tkt=", "auth_tkt", &format!("auth_tkt={token}"), &format!("x{ours}"), &format!("{ours}0")] {
            let answer = cookie(wrong);
            answer.refused(401);
            assert_eq!(answer.header("www-authenticate"), Some("Key"), "{wrong:?}");
        }
        // A wrong key is wrong, whatever the cookie says.
        server.nobody().saying("Cookie", ours).saying("Authorization", "key x").get("/v1/services/whoami").refused(401);
    }

    #[test]
    fn an_empty_body_is_an_empty_object() {
        let server = Server::sqlite();
        let agent = server.nanobilet();
        for body in ["", " ", "\r\n\t "] {
            agent.request("PATCH", &partner_path()).body(body).send().ok();
            agent.request("PATCH", &partner_path()).header("Content-Type", "application/json").body(body).send().ok();
        }
        agent.request("PATCH", &partner_path()).send().ok();
        // Where there is nothing, its type does not matter.
        agent.request("PATCH", &partner_path()).header("Content-Type", "text/plain").send().ok();
        assert_eq!(agent.request("POST", "/v1/resources/partners").send().refused(400).fields(), ["name"]);
    }

    #[test]
    fn a_body_is_ignored_where_nothing_is_changed_by_one() {
        let server = Server::sqlite();
        let agent = server.nanobilet();
        let whole = agent.get(&partner_path()).ok();
        for body in ["{}", "{\"name\": \"Another\"}", "{broken", "\u{0}"] {
            for method in ["GET", "HEAD"] {
                let request = agent.request(method, &partner_path());
                let answer = request.header("Content-Type", "application/json").body(body).send();
                assert_eq!(answer.status, 200, "{method} {body:?}");
            }
            assert_eq!(
                agent.request("GET", &partner_path()).header("Content-Type", "text/plain").body(body).send().ok(),
                whole
            );
        }
        let owner = server.owner_of(&agent);
        let keys = format!("{}/api_keys", partner_path());
        let key = owner.post(&keys, json!({})).ok();
        let removed = owner
            .request("DELETE", &format!("{keys}/{}", id(&key)))
            .header("Content-Type", "text/plain")
            .body("{broken")
            .send();
        assert_eq!(removed.ok(), json!({}));
    }

    #[test]
    fn a_connection_goes_on_after_a_body_that_was_ignored() {
        let server = Server::sqlite();
        let first = "GET /v1/services/whoami HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"a\": \"b\\r\\n\"}";
        let second = "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let both = client::exchange(server.address, format!("{first}{second}").as_bytes());
        let both = String::from_utf8(both).unwrap();
        let statuses: Vec<&str> = both.match_indices("HTTP/1.1 ").map(|(at, _)| &both[at + 9..at + 12]).collect();
        assert_eq!(statuses, ["401", "404"], "{both}");
    }

    #[test]
    fn a_body_that_is_not_json_by_its_type_is_refused() {
        let server = Server::sqlite();
        let agent = server.nanobilet();
        let with = |content_type: &str| {
            agent
                .request("PATCH", &partner_path())
                .header("Content-Type", content_type)
                .body("{\"channels\": \"all\"}")
                .send()
        };
        for right in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON;charset=UTF-8",
            "application/merge-patch+json",
        ] {
            with(right).ok();
        }
        for wrong in [
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "json",
            "*/*",
        ] {
            with(wrong).refused(415);
        }
        agent.request("PATCH", &partner_path()).body("{\"channels\": \"all\"}").send().ok();
    }

    #[test]
    fn a_client_that_takes_no_json_is_refused() {
        let server = Server::sqlite();
        let agent = server.nanobilet();
        let with = |accept: &str| agent.request("GET", &partner_path()).header("Accept", accept).send();
        for right in [
            "application/json",
            "*/*",
            "application/*",
            "text/html, application/json;q=0.1",
            "text/html,*/*;q=0.8",
            "APPLICATION/JSON",
            "application/json; charset=utf-8",
        ] {
            with(right).ok();
        }
        for wrong in
            ["text/html", "application/xml", "image/*", "application/json;q=0", "*/*;q=0", "application/json;q=0, */*"]
        {
            with(wrong).refused(406);
        }
        // A page is no JSON, and says so.
        let page = agent.request("GET", "/docs").header("Accept", "text/html").send();
        assert_eq!(page.header("content-type"), Some("text/html; charset=UTF-8"));
    }

    #[test]
    fn a_body_may_have_one_mebibyte() {
        let server = Server::sqlite();
        let agent = server.nanobilet();
        let of = |size: usize| {
            let mut body = b"{\"channels\": null}".to_vec();
            body.resize(size, b' ');
            body
        };
        agent.request("PATCH", &partner_path()).body(of(1 << 20)).send().ok();
        for size in [(1 << 20) + 1, 2 << 20] {
            agent.request("PATCH", &partner_path()).body(of(size)).send().refused(413);
        }
        agent.request("PATCH", &partner_path()).chunked(of((1 << 20) + 1)).send().refused(413);
        // Nobody unknown has to send it all first.
        server.nobody().request("PATCH", &partner_path()).body(of(2 << 20)).send().refused(401);
    }

    #[test]
    fn a_body_may_come_in_chunks() {
        let server = Server::sqlite();
        let agent = server.nanobilet();
        let answer = agent.request("PATCH", &partner_path()).chunked("{\"channels\": \"касса и сайт\"}").send();
        assert_eq!(answer.ok()["channels"], "касса и сайт");
        agent.request("PATCH", &partner_path()).chunked("").send().ok();
    }

    #[test]
    fn json_that_parsers_disagree_about_is_refused() {
        let server = Server::sqlite();
        let agent = server.nanobilet();
        let before = agent.get(&partner_path()).ok();
        let nested = |depth: usize| format!("{{\"deep\": {}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        for wrong in [
            "{",
            "}",
            "[]",
            "1",
            "null",
            "\"text\"",
            "{\"name\": }",
            "{\"name\": \"a\",}",
            "{'name': 'a'}",
            "{} {}",
            "{}x",
            "{\"name\": \"Another\", \"name\": \"Third\"}",
            "{\"contact\": {\"id\": \"1\", \"id\": \"2\"}}",
            "{\"unknown\": {\"a\": 1, \"\\u0061\": 2}}",
            "{\"channels\": NaN}",
            "{\"channels\": Infinity}",
            "{\"channels\": 1e999999x}",
            "{\"channels\": 01}",
            "{\"channels\": \"\\ud800\"}",
            "{\"channels\": \"\\udc00\\ud800\"}",
            "{\"channels\": \"a\nb\"}",
            "\u{feff}{}",
            &nested(33),
            &nested(100_000),
        ] {
            let refusal = agent.request("PATCH", &partner_path()).body(wrong).send().refused(400);
            assert_eq!(refusal.fields(), ["body"], "{wrong:.50}");
        }
        let latin = agent.request("PATCH", &partner_path()).body(*b"{\"channels\": \"caf\xe9\"}").send();
        assert_eq!(latin.refused(400).fields(), ["body"]);
        assert_eq!(agent.get(&partner_path()).ok(), before);
        agent.request("PATCH", &partner_path()).body(nested(32)).send().ok();
        agent.request("PATCH", &partner_path()).body("{\"huge\": 1e999999}").send().ok();
    }

    #[test]
    fn a_query_that_is_no_utf_8_is_refused() {
        let server = Server::sqlite();
        let agent = server.nanobilet();
        for query in ["suggest=%ff", "suggest=%ed%a0%80", "%ff=1", "suggest=%00"] {
            agent.get(&format!("/v1/resources/partners?{query}")).refused(400);
        }
        agent.get("/v1/resources/partners/%ff").refused(404);
        agent.get("/v1/resources/partners/%00").refused(404);
        let found = agent.get("/v1/resources/partners?suggest=%4e%41no+").ids();
        assert_eq!(found, [""; 0]);
        assert_eq!(agent.get("/v1/resources/partners?suggest=%4e%41no").ids(), [demo::NANOBILET]);
    }

    #[test]
    fn answers_are_json_in_chunks() {
        let server = Server::sqlite();
        let agent = server.nanobilet();
        for answer in [
            agent.get("/v1/resources/deals"),
            agent.get(&partner_path()),
            agent.post("/v1/resources/partners", json!({"name": "Cassa"})),
            agent.patch(&partner_path(), json!({})),
            agent.patch(&partner_path(), json!({"name": 1})),
        ] {
            assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
            assert_eq!(answer.header("content-length"), None);
            assert_eq!(answer.header("content-type"), Some("application/json; charset=UTF-8"));
            answer.json();
        }
    }

    #[test]
    fn answers_are_compressed_for_who_asks() {
        let server = Server::sqlite();
        let plain = server.nanobilet().get("/openapi.json");
        assert_eq!(plain.header("content-encoding"), None);
        let packed = server.nanobilet().saying("Accept-Encoding", "gzip").get("/openapi.json");
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        assert!(packed.header("vary").unwrap().to_lowercase().contains("accept-encoding"));
        assert!(packed.body.starts_with(&[0x1f, 0x8b]) && packed.body.len() < plain.body.len() / 2);
        let list = server.nanobilet().saying("Accept-Encoding", "gzip").get("/v1/resources/partners");
        assert_eq!(list.header("content-encoding"), Some("gzip"));
    }

    #[test]
    fn what_is_not_there_is_said_in_the_same_shape() {
        let server = Server::sqlite();
        for path in
            ["/v1", "/v1/resources/tickets", "/v3/resources/deals", "/v1/resources/deals/a/b", "/v1//resources/deals"]
        {
            server.nobody().get(path).refused(404);
            server.nobody().post(path, json!({})).refused(404);
        }
    }

    #[test]
    fn the_bare_address_leads_to_the_documentation() {
        let server = Server::sqlite();
        let answer = server.nobody().get("/");
        assert_eq!((answer.status, answer.header("location")), (303, Some("/docs")));
        let answer = server.nobody().post("/", json!({}));
        answer.refused(405);
        assert_eq!(allowed(&answer), ["GET", "HEAD", "OPTIONS"].into());
    }

    #[test]
    fn a_collection_is_a_list_and_an_element_an_object() {
        let server = Server::sqlite();
        let owner = server.owner_of(&server.nanobilet());
        let mut lists = 0;
        for route in http::routes().iter().filter(|route| route.method == "GET") {
            let answer = owner.get(&with_ids(route.path));
            match route.answers {
                // Some lists are somebody else's, or of something that the demo has none of.
                Answers::List if answer.status == 200 => {
                    lists += 1;
                    drop(answer.list());
                }
                Answers::One if answer.status == 200 => assert!(answer.ok().is_object(), "{}", route.path),
                _ => {}
            }
        }
        assert!(lists >= 10, "{lists}");
    }

    /// Every path with its methods.
    fn paths() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
        let mut paths: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for route in http::routes() {
            let method = ["GET", "POST", "PATCH", "PUT", "DELETE"].into_iter().find(|method| route.method == *method);
            paths.entry(route.path).or_default().insert(method.unwrap());
        }
        paths
    }

    fn with_implied<'m>(methods: &BTreeSet<&'m str>) -> BTreeSet<&'m str> {
        let head = methods.contains("GET").then_some("HEAD");
        methods.iter().copied().chain(head).chain(["OPTIONS"]).collect()
    }

    fn allowed(answer: &Answer) -> BTreeSet<&str> {
        answer.header("allow").unwrap().split(',').map(str::trim).collect()
    }

    fn with_ids(path: &str) -> String {
        path.replace("{idpartner}", demo::NANOBILET)
            .replace("{iddeal}", demo::DEAL)
            .replace("{idevent}", demo::EVENTS[0].0)
            .replace("{idset}", demo::SET)
            .replace("{idkey}", demo::NANOBILET_KEY_ID)
            .replace("{iduser}", demo::NANOBILET_USER)
            .replace("{user_id}", demo::NANOBILET_USER)
    }
}

fn partner_path() -> String {
    format!("/v1/resources/partners/{}", demo::NANOBILET)
}

/// Many partners with one tag, in the order of their ids.
fn many_partners(server: &Server, number: u32) -> Vec<String> {
    let owner = server.new_user();
    let mut made = Vec::new();
    for at in 0..number {
        let mut bytes = [0xaa; 12];
        bytes[8..].copy_from_slice(&at.to_be_bytes());
        made.push(PartnerId::from_bytes(bytes));
    }
    let ids = made.clone();
    let nanobilet: PartnerId = demo::NANOBILET.parse().unwrap();
    server.write(move |tx| {
        let mut partner = store::partners::find(tx, nanobilet)?.unwrap();
        partner.tags = vec!["many".parse().unwrap()];
        partner.user = owner;
        // From the last to the first, so that the order of a list is none by chance.
        for id in ids.iter().rev() {
            partner.id = *id;
            store::partners::insert(tx, &partner)?;
        }
        Ok(())
    });
    made.iter().map(ToString::to_string).collect()
}

fn lists_of_more_than_a_batch_come_whole_and_in_order(server: Server) {
    let made = many_partners(&server, 2_500);
    let agent = server.nanobilet();
    let listed = agent.get("/v1/resources/partners?tags=many&fields-schema=id,tags").list();
    assert_eq!(ids(&listed), made);
    assert!(listed.iter().all(|partner| partner["tags"] == json!(["many"])));
    // A list that is exactly some batches long ends as well.
    let thousands = format!("/v1/resources/partners?tags=many&fields-schema=id&ids={}", made[..500].join(","));
    assert_eq!(agent.get(&thousands).ids(), made[..500]);
    let all = agent.get("/v1/resources/partners?fields-schema=id");
    assert_eq!(all.list().len(), 2_503);
    assert_eq!(all.header("total"), None);
}

fn a_list_that_breaks_off_does_not_end(server: Server) {
    let made = many_partners(&server, 1_500);
    let damaged: PartnerId = made[1_200].parse().unwrap();
    server.write(move |tx| {
        let statement = Statement::fixed("update partners set contact = 'damaged' where id = $1");
        tx.execute(statement, params![damaged])?;
        Ok(())
    });
    let answer = server.nanobilet().get("/v1/resources/partners?tags=many&fields-schema=id");
    assert_eq!(answer.status, 200);
    assert!(!answer.whole, "nobody may take a part of a list for the whole");
    // Where it is met before the first byte, it is an error like any other, which says nothing of the inside.
    let refusal = server.nanobilet().get(&format!("/v1/resources/partners/{damaged}")).refused(500);
    assert_eq!(refusal.reason, "internal error");
}

fn a_page_says_how_many_rows_there_are_in_all(server: Server) {
    let made = many_partners(&server, 205);
    let agent = server.nanobilet();
    let page = |query: &str| {
        let answer = agent.get(&format!("/v1/resources/partners?tags=many&fields-schema=id&{query}"));
        let total = answer.header("total").map(str::to_owned);
        (answer.ids(), total)
    };
    let total = Some("205".to_owned());
    assert_eq!(page("page_size=2"), (made[..2].to_vec(), total.clone()));
    assert_eq!(page("page=1&page_size=2"), (made[..2].to_vec(), total.clone()));
    assert_eq!(page("page=2&page_size=2"), (made[2..4].to_vec(), total.clone()));
    assert_eq!(page("page=2&page-size=2"), (made[2..4].to_vec(), total.clone()));
    assert_eq!(page("page=2&page_size=200"), (made[200..].to_vec(), total.clone()));
    assert_eq!(page("page=42&page_size=5"), (Vec::new(), total.clone()));
    assert_eq!(page("page=1000000000&page_size=200"), (Vec::new(), total.clone()));
    // Without a size all rows are the first page.
    assert_eq!(page("page=1"), (made.clone(), total.clone()));
    assert_eq!(page("page=2"), (Vec::new(), total));
    assert_eq!(page(""), (made, None));
    assert_eq!(server.nobody().get("/v1/resources/partners?page=1").refused(401).codes(), ["unauthenticated"]);
}

fn a_page_has_bounds(server: Server) {
    let agent = server.nanobilet();
    for list in ["partners", "deals", "events"] {
        for wrong in ["page", "page_size", "page-size"] {
            for value in ["0", "-1", "1.5", "a", "99999999999999999999"] {
                let refusal = agent.get(&format!("/v1/resources/{list}?{wrong}={value}")).refused(400);
                assert_eq!((refusal.fields(), refusal.codes()), (vec![wrong], vec!["out_of_range"]));
            }
        }
        assert_eq!(agent.get(&format!("/v1/resources/{list}?page_size=201")).refused(400).fields(), ["page_size"]);
        agent.get(&format!("/v1/resources/{list}?page_size=200")).ok();
    }
}

fn lists_hold_what_the_caller_may_read_and_leave_the_rest_out(server: Server) {
    let (organizer, agent) = (server.organizer(), server.agent());
    let mine = server.deal(&organizer, &agent, DealStatus::New);
    let unknown = "0123456789abcdef01234567";
    let asked = format!("{},{},{unknown},{}", demo::DEAL, id(&mine), demo::NANOBILET);
    let list = |actor: &Actor<'_>| {
        let answer = actor.get(&format!("/v1/resources/deals?ids={asked}&page=1"));
        (answer.header("total").map(str::to_owned), answer.ids())
    };
    assert_eq!(list(&agent), (Some("1".to_owned()), vec![id(&mine).to_owned()]));
    assert_eq!(list(&server.nanobilet()), (Some("1".to_owned()), vec![demo::DEAL.to_owned()]));
    assert_eq!(list(&server.platform()), (Some("2".to_owned()), vec![demo::DEAL.to_owned(), id(&mine).to_owned()]));
    assert_eq!(list(&server.agent()), (Some("0".to_owned()), Vec::new()));
}

fn several_values_are_given_comma_separated_or_repeated(server: Server) {
    let agent = server.nanobilet();
    let (a, b) = (demo::ORGANIZATOR, demo::NANOBILET);
    for query in [
        format!("ids={a},{b}"),
        format!("ids={b},{a}"),
        format!("ids={a}&ids={b}"),
        format!("ids={a}%2C+{b}"),
        format!("ids={a}&ids={b},{a}"),
        "role=org,agent".to_owned(),
        "role=agent&role=org".to_owned(),
    ] {
        assert_eq!(agent.get(&format!("/v1/resources/partners?{query}")).ids(), [a, b], "{query}");
    }
    // What is given empty is not given.
    assert_eq!(agent.get("/v1/resources/partners?ids=&role=&suggest=").list().len(), 3);
    for single in [format!("partner={a}&partner={b}"), format!("event={a}&event={b}")] {
        agent.get(&format!("/v1/resources/deals?{single}")).refused(400);
    }
}

fn an_id_begins_with_the_second_of_its_creation(server: Server) {
    server.advance(SignedDuration::from_hours(1_000));
    let sale = server.sale(10, "1000");
    let venue = sale.organizer.describes_venue("Opera");
    for made in [venue, sale.agent.orders_of(&sale.set, 1).ok()] {
        let second = i64::from_str_radix(&id(&made)[..8], 16).unwrap();
        assert_eq!(Timestamp::from_second(second).unwrap(), server.now(), "{made}");
    }
}

fn an_id_is_404_in_a_path_and_400_elsewhere(server: Server) {
    let (agent, unknown) = (server.nanobilet(), "0123456789abcdef01234567");
    for list in ["partners", "deals", "events"] {
        for absent in [
            unknown,
            "1",
            "nothing",
            "535fb19bdca6a9d1638f200",
            "535fb19bdca6a9d1638f2007a",
            "g35fb19bdca6a9d1638f2007",
            "%20",
        ] {
            agent.get(&format!("/v1/resources/{list}/{absent}")).refused(404);
            agent.patch(&format!("/v1/resources/{list}/{absent}"), json!({})).refused(404);
        }
        for malformed in ["1", "535fb19bdca6a9d1638f200", "535fb19bdca6a9d1638f2007,x"] {
            let refusal = agent.get(&format!("/v1/resources/{list}?ids={malformed}")).refused(400);
            assert_eq!((refusal.fields(), refusal.codes()), (vec!["ids"], vec!["malformed"]));
        }
        assert_eq!(agent.get(&format!("/v1/resources/{list}?ids={unknown}")).ids(), [""; 0]);
    }
    // An id of another kind is none of this kind.
    agent.get(&format!("/v1/resources/deals/{}", demo::NANOBILET)).refused(404);
    agent.get(&format!("/v1/resources/events/{}", demo::DEAL)).refused(404);
    agent.delete(&format!("/v1/resources/partners/{unknown}")).refused(404);

    for (event, subj, wrong) in [
        (unknown, demo::ORGANIZATOR, "event"),
        ("1", demo::ORGANIZATOR, "event"),
        (demo::EVENTS[3].0, unknown, "subj"),
        (demo::EVENTS[3].0, "1", "subj"),
        (demo::NANOBILET, demo::ORGANIZATOR, "event"),
        (demo::EVENTS[3].0, demo::DEAL, "subj"),
    ] {
        assert_eq!(agent.proposes(event, subj).refused(400).fields(), [wrong], "{event} {subj}");
    }

    // What exists and is not yours is 403, in a path and in a body.
    let (organizer, other) = (server.organizer(), server.agent());
    let deal = server.deal(&organizer, &other, DealStatus::New);
    agent.get(&format!("/v1/resources/deals/{}", id(&deal))).refused(403);
    agent.accepts(&deal).refused(403);
    agent.patch(&format!("/v1/resources/partners/{}", demo::ORGANIZATOR), json!({})).refused(403);
}

fn read_only_fields_are_ignored(server: Server) {
    let agent = server.nanobilet();
    let whole = agent.get(&partner_path()).ok();
    let nonsense = json!({"id": "1", "created_at": 7, "updated_at": {}, "user": "nobody"});
    let answer = agent.patch(&partner_path(), nonsense.clone());
    assert_eq!(answer.ok(), whole);
    assert_eq!(answer.header("x-ignored-fields"), None, "they are documented");
    agent.saying("Prefer", "handling=strict").patch(&partner_path(), nonsense).ok();
    // What was answered may be sent back.
    let partner = server.organizer();
    let path = format!("/v1/resources/partners/{}", partner.partner());
    let whole = partner.get(&path).ok();
    assert_eq!(partner.saying("Prefer", "handling=strict").patch(&path, whole.clone()).ok(), whole);

    let event = demo::EVENTS[3].0;
    let proposal = json!({
        "event": event, "subj": demo::ORGANIZATOR, "term": {"org": 90, "core": "nothing"},
        "id": demo::DEAL, "obj": 1, "status": "closed", "created_at": "yesterday", "updated_at": null,
    });
    let deal = agent.saying("Prefer", "handling=strict").post("/v1/resources/deals", proposal).ok();
    assert_eq!(
        (&deal["obj"], &deal["status"], &deal["term"]["core"]),
        (&json!(demo::NANOBILET), &json!("accepted"), &json!("10.00%"))
    );
}

fn unknown_fields_are_ignored_and_named(server: Server) {
    let agent = server.nanobilet();
    let body = json!({"colour": 1, "desc": "Changed", "contact": {"fax": "1", "www": "x.ru"}, "name": "Nanobilet"});
    let answer = agent.patch(&format!("{}?fields=id&ids=1", partner_path()), body);
    assert_eq!(answer.ok()["desc"], "Changed");
    let ignored: BTreeSet<&str> = answer.header("x-ignored-fields").unwrap().split(", ").collect();
    assert_eq!(ignored, ["colour", "contact.fax", "fields", "ids"].into());

    let answer = agent.get("/v1/resources/deals?colour=red&%C3%A9,a=1&status=new");
    answer.ok();
    assert_eq!(answer.header("x-ignored-fields"), Some("colour, %C3%A9%2Ca"));
    assert_eq!(agent.get("/v1/resources/deals?status=new").header("x-ignored-fields"), None);
    let proposal = json!({"event": demo::EVENTS[3].0, "subj": demo::ORGANIZATOR, "term": {"org": 90, "vat": 1}});
    assert_eq!(agent.post("/v1/resources/deals", proposal).header("x-ignored-fields"), Some("term.vat"));
}

fn unknown_fields_are_refused_where_the_client_asks_for_it(server: Server) {
    let agent = server.nanobilet();
    let whole = agent.get(&partner_path()).ok();
    for prefer in ["handling=strict", "Handling = \"strict\"", "return=minimal, handling=strict; a=b"] {
        let strict = agent.saying("Prefer", prefer);
        let body = json!({"colour": 1, "desc": "Changed", "contact": {"fax": "1"}});
        let refusal = strict.patch(&partner_path(), body).refused(400);
        assert_eq!(BTreeSet::from_iter(refusal.fields()), ["colour", "contact.fax"].into());
        assert_eq!(strict.get("/v1/resources/deals?colour=red").refused(400).fields(), ["colour"]);
        assert_eq!(strict.get(&format!("{}?colour=red", partner_path())).refused(400).fields(), ["colour"]);
        assert_eq!(
            strict.patch(&format!("{}?colour=red", partner_path()), json!({})).refused(400).fields(),
            ["colour"]
        );
        let proposal = json!({"event": demo::EVENTS[3].0, "subj": demo::ORGANIZATOR, "term": {"org": 90, "vat": 1}});
        assert_eq!(strict.post("/v1/resources/deals", proposal).refused(400).fields(), ["term.vat"]);
    }
    assert_eq!(agent.get(&partner_path()).ok(), whole);
    assert_eq!(agent.get("/v1/resources/deals").list().len(), 1);
    agent.saying("Prefer", "handling=lenient").get("/v1/resources/deals?colour=red").ok();
}

fn every_wrong_field_is_named_and_nothing_is_changed(server: Server) {
    let agent = server.nanobilet();
    let whole = agent.get(&partner_path()).ok();
    let body = json!({
        "desc": "Changed", "name": "", "roles": ["boss"], "tags": "музыка", "channels": 5,
        "contact": {"phones": ["+7 (910) 100-20-30", "call me"]}, "legal": [], "removed": "no", "director": ["x"],
    });
    let refusal = agent.patch(&partner_path(), body).refused(400);
    let fields: BTreeSet<&str> = refusal.fields().into_iter().collect();
    let expected = ["name", "roles[0]", "tags", "channels", "contact.phones[1]", "legal", "removed", "director"];
    assert_eq!(fields, expected.into());
    assert_eq!(agent.get(&partner_path()).ok(), whole);

    let refusal =
        agent.post("/v1/resources/deals", json!({"event": 1, "title": 2, "message": 3, "term": {"org": "x"}}));
    let refusal = refusal.refused(400);
    let fields: BTreeSet<&str> = refusal.fields().into_iter().collect();
    assert!(fields.is_superset(&["event", "subj", "title", "message"].into()), "{fields:?}");
}

fn embedded_objects_are_merged(server: Server) {
    let partner = server.partner("Partner", &[Role::Org]);
    let path = format!("/v1/resources/partners/{}", partner.partner());
    let patch = |body: Value| partner.patch(&path, body).ok();
    assert_eq!(partner.get(&path).ok()["contact"], json!({}));
    let seen = patch(json!({"contact": {"www": "a.ru", "phones": ["+79101002030", "88001002030"]}}));
    assert_eq!(seen["contact"], json!({"phones": ["+79101002030", "88001002030"], "www": "a.ru"}));
    let seen = patch(json!({"contact": {"phones": ["12345"], "name": "Anna"}}));
    assert_eq!(seen["contact"], json!({"phones": ["12345"], "www": "a.ru", "name": "Anna"}), "a list is replaced");
    let seen = patch(json!({"contact": {"www": null, "phones": null, "email": null}}));
    assert_eq!(seen["contact"], json!({"name": "Anna"}), "null takes a key away");
    assert_eq!(patch(json!({"contact": null}))["contact"], json!({}));

    assert_eq!(patch(json!({"legal": null}))["legal"], Value::Null);
    let seen = patch(json!({"legal": {"detail": {"inn": "1", "nds": true}, "who": {"name": "Anna"}}}));
    assert_eq!((&seen["legal"]["detail"]["inn"], &seen["legal"]["bank"]["bik"]), (&json!("1"), &Value::Null));
    let seen = patch(json!({"legal": {"detail": {"inn": null, "kpp": "2"}, "type": "ООО"}}));
    let detail = &seen["legal"]["detail"];
    assert_eq!((&detail["inn"], &detail["kpp"], &detail["nds"]), (&Value::Null, &json!("2"), &json!(true)));
    assert_eq!((&seen["legal"]["who"]["name"], &seen["legal"]["type"]), (&json!("Anna"), &json!("ООО")));
    assert_eq!(patch(json!({"legal": null}))["legal"], Value::Null);

    let event = partner.post(
        "/v1/resources/events",
        json!({"title": {"text": "Concert", "desc": "Loud"}, "lifetime":
        "BEGIN:VEVENT\r\nDTSTART:20300124T160000Z\r\nDTEND:20300124T173000Z\r\nEND:VEVENT\r\n"}),
    );
    let event = event.ok();
    let seen = partner.changes_event(id(&event), json!({"title": {"text": "Ballet"}})).ok();
    assert_eq!(seen["title"], json!({"text": "Ballet", "desc": "Loud"}));
    let seen = partner.changes_event(id(&event), json!({"title": {"desc": null}})).ok();
    assert_eq!(seen["title"], json!({"text": "Ballet", "desc": null}));
    assert_eq!(
        partner.changes_event(id(&event), json!({"title": {"text": null}})).refused(400).fields(),
        ["title.text"]
    );
}

fn of_two_changes_at_once_neither_is_lost(server: Server) {
    let sale = server.sale(1, "1000");
    let (organizer, owner) = (&sale.organizer, server.owner_of(&sale.organizer));
    let promocode = json!({"code": "A", "discount": {"percentage": "30%"}});
    let event = format!("/v1/resources/events/{}", sale.event);
    let promocode = organizer.post(&format!("{event}/promocodes"), promocode).ok();
    let partner = format!("/v1/resources/partners/{}", organizer.partner());
    let order = sale.agent.orders_of(&sale.set, 1).ok();
    let text = |round: u32| json!(format!("round {round}"));
    let number = |round: u32| json!(round + 1);
    type Make<'m> = &'m (dyn Fn(u32) -> Value + Sync);
    type Case<'m> = (&'m Actor<'m>, String, [(&'static str, Make<'m>); 2]);
    let changed: [Case<'_>; 9] = [
        (organizer, format!("{event}/promocodes/{}", id(&promocode)), [("name", &text), ("desc", &text)]),
        (organizer, format!("{event}/sets/{}", id(&sale.set)), [("description", &text), ("pos", &number)]),
        (
            organizer,
            event.clone(),
            [("tags", &|round| json!([text(round)])), ("title", &|round| json!({"text": text(round), "desc": null}))],
        ),
        (
            organizer,
            format!("/v1/resources/venues/{}", id(&organizer.describes_venue("Hall"))),
            [("desc", &text), ("address", &text)],
        ),
        (
            organizer,
            format!("/v1/resources/maps/{}", id(&organizer.describes_map("Hall"))),
            [("name", &text), ("desc", &text)],
        ),
        (organizer, partner.clone(), [("desc", &text), ("channels", &text)]),
        (
            &owner,
            format!("{partner}/settings"),
            [("hold_minutes", &number), ("extra", &|round| json!(format!("{round}.5%")))],
        ),
        (&owner, format!("/v1/resources/users/{}", owner.user()), [("first_name", &text), ("last_name", &text)]),
        (
            &sale.agent,
            format!("/v1/resources/orders/{}", id(&order)),
            [
                ("customer", &|round| json!({"first_name": text(round)})),
                ("payment", &|round| json!({"success_url": format!("https://{round}.example")})),
            ],
        ),
    ];
    for (who, path, fields) in &changed {
        for round in 0..8 {
            let given = fields.map(|(name, make)| (name, make(round)));
            std::thread::scope(|scope| {
                for (name, value) in &given {
                    scope.spawn(move || who.patch(path, json!({*name: value})).ok());
                }
            });
            let seen = who.get(path).ok();
            for (name, value) in &given {
                let holds = match value {
                    Value::Object(parts) => parts.iter().all(|(part, value)| seen[name][part] == *value),
                    value => seen[name] == *value,
                };
                assert!(holds, "{path}: {name} is {} and not {value}", seen[name]);
            }
        }
    }
}
