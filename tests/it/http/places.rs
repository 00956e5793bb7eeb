//! Countries and cities (`spec/v1.md`, Venues, maps and places).

use std::time::Instant;

use serde_json::{Value, json};

use crate::util::{Answer, Server};

const CITIES: &str = "/v1/resources/cities";
const COUNTRIES: &str = "/v1/resources/countries";

fn names(answer: &Answer) -> Vec<String> {
    answer.list().iter().map(|place| place["name"]["en"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_country_and_a_city_are_shown_to_everybody() {
    let server = Server::sqlite();
    let russia = json!({
        "id": "RU",
        "name": {
            "default": "Russia", "en": "Russia", "ru": "Россия", "be": "Расія", "fr": "Russie", "zh": "俄罗斯"
        },
        "type": "country",
    });
    let moscow = json!({
        "name": {
            "default": "Moscow", "en": "Moscow", "ru": "Москва", "be": "Масква", "fr": "Moscou", "zh": "莫斯科"
        },
        "country": "RU", "type": "city", "population": 10_381_222, "id": 524_901, "timezone": "Europe/Moscow",
    });
    for caller in [server.nobody(), server.organizator(), server.newcomer()] {
        let answer = caller.get(&format!("{COUNTRIES}?ids=ru"));
        assert_eq!(answer.text(), json!([russia]).to_string(), "every field, in this order");
        let answer = caller.get(&format!("{CITIES}?ids=524901"));
        assert_eq!(answer.text(), json!([moscow]).to_string(), "every field, in this order");
    }
    // A name that is not known is null, and the English one is the usual one.
    let shenzhen = server.nobody().get(&format!("{CITIES}?ids=1795565&fields-schema=name")).list();
    assert_eq!(
        shenzhen,
        [json!({"name": {
            "default": "Shenzhen", "en": "Shenzhen", "ru": "Шэньчжэнь", "be": "Шэньчжэнь", "fr": null, "zh": "深圳市"
        }})]
    );
}

#[test]
fn lists_are_whole_without_a_limit() {
    let server = Server::sqlite();
    let all = server.nobody().get(&format!("{CITIES}?fields-schema=id")).list();
    assert_eq!(all.len(), 34_006);
    assert!(all.is_sorted_by_key(|city| city["id"].as_i64()));
    let countries = server.nobody().get(COUNTRIES);
    assert_eq!(countries.header("total"), None);
    let ids = countries.ids();
    assert_eq!(ids.len(), 249);
    assert!(ids.is_sorted());
}

#[test]
fn a_list_is_narrowed_and_ordered() {
    let server = Server::sqlite();
    let cities = |query: &str| names(&server.nobody().get(&format!("{CITIES}?{query}")));
    assert_eq!(cities("suggest=%D0%BC%D0%BE%D1%81%D0%9A%D0%92%D0%90&country=ru"), ["Moscow"], "мосКВА");
    assert_eq!(cities("sort=-population&limit=2"), ["Shanghai", "Beijing"]);
    assert_eq!(cities("sort=-population&limit=1&offset=1"), ["Beijing"]);
    assert_eq!(cities("sort=-population&country=by,RU&limit=2"), ["Moscow", "Saint Petersburg"]);
    assert_eq!(cities("sort=population&ids=524901&ids=625144"), ["Minsk", "Moscow"]);
    assert_eq!(cities("ids=524901,1&country=BY"), [""; 0]);
    assert_eq!(cities("limit=0"), [""; 0]);
    assert_eq!(cities("offset=40000"), [""; 0]);
    assert_eq!(cities("country=ZZ"), [""; 0]);
    let countries = |query: &str| names(&server.nobody().get(&format!("{COUNTRIES}?{query}")));
    assert_eq!(countries("ids=BY,ru,zz"), ["Belarus", "Russia"]);
    assert_eq!(countries("country=Ru"), ["Russia"]);
    assert_eq!(countries("suggest=FRANC"), ["France"]);
    assert_eq!(countries("sort=-population&limit=1"), ["China"]);
    assert_eq!(countries("sort=population&ids=CN,RU"), ["Russia", "China"]);
}

#[test]
fn a_part_and_a_page_count_all_rows() {
    let server = Server::sqlite();
    for query in ["page=2&page_size=2", "limit=2&offset=2"] {
        let answer = server.nobody().get(&format!("{CITIES}?country=RU&sort=-population&{query}"));
        assert_eq!(names(&answer), ["Novosibirsk", "Yekaterinburg"]);
        let total: usize = answer.header("total").unwrap().parse().unwrap();
        assert_eq!(total, server.nobody().get(&format!("{CITIES}?country=RU")).list().len());
    }
    assert_eq!(server.nobody().get(&format!("{CITIES}?limit=1&page=1")).refused(400).fields(), ["page"]);
}

#[test]
fn wrong_parameters_are_named() {
    let server = Server::sqlite();
    for (query, field) in [
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("offset=1.5", "offset"),
        ("sort=name", "sort"),
        ("country=Russia", "country"),
        ("ids=Moscow", "ids"),
        ("ids=0", "ids"),
        ("fields-schema=name{en},country{nothing}", "fields-schema"),
    ] {
        assert_eq!(server.nobody().get(&format!("{CITIES}?{query}")).refused(400).fields(), [field], "{query}");
    }
    assert_eq!(server.nobody().get(&format!("{COUNTRIES}?ids=7")).refused(400).fields(), ["ids"]);
    server.nobody().post(CITIES, json!({})).refused(405);
    let strict = server.nobody().saying("Prefer", "handling=strict");
    assert_eq!(strict.get(&format!("{CITIES}?population=7")).refused(400).fields(), ["population"]);
}

#[test]
fn a_city_opens_its_country() {
    let server = Server::sqlite();
    let cities = |schema: &str| -> Value {
        server.nobody().get(&format!("{CITIES}?ids=524901,786714&fields-schema={schema}")).ok()
    };
    // Pristina lies where ISO 3166 has no code for.
    assert_eq!(
        cities("id,country{name{en},id}"),
        json!([
            {"country": {"id": "RU", "name": {"en": "Russia"}}, "id": 524_901},
            {"country": null, "id": 786_714},
        ])
    );
    assert_eq!(cities("country"), json!([{"country": "RU"}, {"country": "XK"}]));
}

#[test]
fn a_suggestion_needs_no_database() {
    let server = Server::sqlite();
    server.nobody().get(&format!("{CITIES}?suggest=a&limit=1")).ok();
    let began = Instant::now();
    let (statements, _) = server.statements_of(|| server.nobody().get(&format!("{CITIES}?suggest=mos&limit=10")).ok());
    assert_eq!(statements, 0);
    assert!(began.elapsed().as_millis() < 1_000, "{:?}", began.elapsed());
}
