//! `/docs`: the API for reading. One page, made of the same routes and tables of fields as the OpenAPI document, that
//! needs no script and nothing from any other host.

use std::sync::LazyLock;

use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, Response, StatusCode, header};
use bytes::Bytes;
use serde_json::Value;

use super::error::class;
use super::fields::{Shape, ShapeKind, Type};
use super::input::BodyDoc;
use super::openapi::{error_statuses, example_body, example_of, operation_id};
use super::query::Param;
use super::route::{Access, Answers, Route};
use crate::app::App;
use crate::demo;
use crate::domain::attachment::FileType;

/// Nothing is loaded from anywhere: the style is in the page, and so is its icon.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Stands for the server's address in the rendered page.
const BASE: &str = "{base}";
/// The server's address where the request does not tell it.
const USUAL_BASE: &str = "http://127.0.0.1:8080";

/// GET.
pub async fn page(State(app): State<App>, request: Request) -> Response<Body> {
    static PAGE: LazyLock<String> = LazyLock::new(render);
    let base = base(&request, app.tls).unwrap_or_else(|| USUAL_BASE.to_owned());
    let mut response = Response::new(Body::from(Bytes::from(PAGE.replace(BASE, &base))));
    *response.status_mut() = if PAGE.is_empty() { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The address that the reader used, so that the examples work when pasted. It is shown to that reader alone, so a proxy's
/// word on the scheme is taken from anybody.
fn base(request: &Request, tls: bool) -> Option<String> {
    let named = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let host = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => named("host")?,
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if host.is_empty() || !host.chars().all(is_host) {
        return None;
    }
    let https = tls || named("x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    Some(format!("{}://{host}", if https { "https" } else { "http" }))
}

/// The page, made once.
fn render() -> String {
    let page = Page {
        css: include_str!("../../assets/docs.css"),
        version: env!("CARGO_PKG_VERSION"),
        key: demo::NANOBILET_KEY,
        email: "ag@tc.ru",
        password: demo::PASSWORD,
        sections: sections(&super::routes()),
    };
    page.render().unwrap_or_default()
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Page {
    css: &'static str,
    version: &'static str,
    key: &'static str,
    email: &'static str,
    password: &'static str,
    sections: Vec<Section>,
}

/// What belongs together: a resource's operations, and the objects they answer with.
struct Section {
    title: &'static str,
    id: String,
    operations: Vec<Operation>,
    objects: Vec<Object>,
}

/// One method of one path.
struct Operation {
    id: String,
    method: String,
    path: &'static str,
    says: &'static str,
    /// Who may call it, where a key is not what it takes.
    mark: Option<&'static str>,
    parameters: Vec<Row>,
    /// Whether it takes a body at all.
    body: bool,
    required: Vec<&'static str>,
    fields: Vec<Row>,
    /// The types of the file that it takes.
    upload: Option<String>,
    status: u16,
    answer: Answer,
    errors: Vec<(u16, &'static str)>,
    example: String,
}

/// What an operation answers with: some words, then the object they speak of.
struct Answer {
    words: &'static str,
    object: Option<&'static str>,
}

/// A resource as answers show it.
struct Object {
    name: &'static str,
    fields: Vec<Row>,
}

/// A field or a parameter.
#[derive(Debug)]
struct Row {
    /// With what holds it: `term.org`.
    name: String,
    of: String,
    /// The words it may be, where it is one of a few.
    words: Vec<String>,
    /// The object it refers to.
    object: Option<&'static str>,
    /// Whether that object has a table of its own.
    linked: bool,
    required: bool,
    read_only: bool,
    says: &'static str,
}

fn sections(routes: &[Route]) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut shown: Vec<&str> = Vec::new();
    for route in routes {
        if sections.last().is_none_or(|section| section.title != route.tag) {
            let id = route.tag.to_lowercase().replace(' ', "-");
            sections.push(Section { title: route.tag, id, operations: Vec::new(), objects: Vec::new() });
        }
        let Some(section) = sections.last_mut() else { continue };
        section.operations.push(operation(route));
        if let Some((name, shapes)) = route.resource
            && !shown.contains(&name)
        {
            shown.push(name);
            section.objects.push(Object { name, fields: rows(&shapes(), false) });
        }
    }
    for row in sections.iter_mut().flat_map(|section| &mut section.objects).flat_map(|object| &mut object.fields) {
        row.linked = row.object.is_some_and(|object| shown.contains(&object));
    }
    sections
}

fn operation(route: &Route) -> Operation {
    let body = route.body;
    let errors = error_statuses(route).into_iter();
    let named = |status: u16| (status, StatusCode::from_u16(status).map(class).unwrap_or_default());
    Operation {
        id: operation_id(route),
        method: route.method.to_string(),
        path: route.path,
        says: route.says,
        mark: mark(route),
        parameters: parameters(route),
        body: body.is_some(),
        required: body.map(|body| body.required.to_vec()).unwrap_or_default(),
        fields: body.map(body_rows).unwrap_or_default(),
        upload: route.upload.then(|| FileType::ALL.map(FileType::as_str).join(", ")),
        status: route.status.as_u16(),
        answer: answer(route),
        errors: errors.map(named).collect(),
        example: example(route),
    }
}

fn answer(route: &Route) -> Answer {
    let object = route.resource.map(|(name, _)| name);
    let words = match route.answers {
        Answers::Empty => "{}",
        Answers::One => "",
        Answers::List => "list of",
        Answers::Data => "data, with refs and errors:",
        Answers::Page => "data as a list of the following, with refs, pagination and errors:",
        Answers::Nothing => "an empty body",
        Answers::Other(media_type) => media_type,
    };
    Answer { words, object }
}

fn parameters(route: &Route) -> Vec<Row> {
    let places = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut rows: Vec<Row> =
        places.map(|name| Row { required: true, ..row(name.to_owned(), Type::Id, "Id, in the path") }).collect();
    rows.extend(route.query.iter().map(param));
    // What every list and every object takes is said once, above.
    rows
}

fn param(param: &Param) -> Row {
    row(param.name.to_owned(), param.of, param.doc)
}

fn body_rows(body: &BodyDoc) -> Vec<Row> {
    let required = |name: &str| body.required.contains(&name);
    let mut rows: Vec<Row> = body.extra.iter().map(param).chain(rows(&(body.shapes)(), true)).collect();
    rows.iter_mut().for_each(|row| row.required = required(&row.name));
    // Those that must be given come first, and what they hold stays with them.
    rows.sort_by_key(|row| !required(row.name.split('.').next().unwrap_or_default()));
    rows
}

/// The fields of an object with those of the objects in it: those of an answer, or those that a request may give.
fn rows(shapes: &[Shape], request: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    add_rows(shapes, request, "", &mut rows);
    rows
}

fn add_rows(shapes: &[Shape], request: bool, within: &str, rows: &mut Vec<Row>) {
    for shape in shapes.iter().filter(|shape| !request || shape.writable) {
        let name = format!("{within}{}", shape.name);
        let plain = |of: &str| Row { of: of.to_owned(), ..row(name.clone(), Type::Text, shape.doc) };
        let with = match &shape.kind {
            _ if request && shape.input.is_some() => {
                rows.push(row(name.clone(), shape.input.unwrap_or(Type::Text), shape.doc));
                continue;
            }
            ShapeKind::Value(of) => row(name.clone(), *of, shape.doc),
            ShapeKind::Object { nullable, .. } => plain(if *nullable { "object or null" } else { "object" }),
            ShapeKind::List(_) => plain("list of objects"),
            ShapeKind::Map(_) => plain("objects by id"),
            ShapeKind::Ref { kind, .. } | ShapeKind::Refs(kind) if request => row(name.clone(), kind.key(), shape.doc),
            ShapeKind::Ref { kind, open: false } => Row { object: Some(kind.name()), ..plain("id of") },
            ShapeKind::Ref { kind, open: true } => {
                Row { object: Some(kind.name()), ..plain("object, opened by default:") }
            }
            ShapeKind::Refs(kind) => Row { object: Some(kind.name()), ..plain("list of ids of") },
        };
        rows.push(Row { read_only: !request && !shape.writable, ..with });
        match &shape.kind {
            ShapeKind::Object { fields, .. } => add_rows(fields, request, &format!("{name}."), rows),
            ShapeKind::List(fields) => add_rows(fields, request, &format!("{name}[]."), rows),
            ShapeKind::Map(fields) => add_rows(fields, request, &format!("{name}.{{id}}."), rows),
            _ => {}
        }
    }
}

fn row(name: String, of: Type, says: &'static str) -> Row {
    let words = match of {
        Type::Word(words) | Type::Words(words) => words.iter().map(ToString::to_string).collect(),
        Type::IntOf(values) => values.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    Row { name, of: in_words(of), words, object: None, linked: false, required: false, read_only: false, says }
}

fn in_words(of: Type) -> String {
    match of {
        Type::Bool => "boolean",
        Type::BoolOrNull => "boolean or null",
        Type::IdMap => "ids by ids",
        Type::CountMap => "numbers of tickets by the ids of their sets, or null",
        Type::Money => "amount of money",
        Type::Seats => "ranges of seats by row, or null",
        Type::NumberOrText => "integer or string",
        Type::Coordinates => "longitude and latitude, two numbers",
        Type::City => "city (GeoNames id)",
        Type::Cities => "list of cities (GeoNames ids)",
        Type::Country => "country (ISO 3166 alpha-2)",
        Type::Rows => "list of {name, seats: [name] or [{number, x, y}], x, y}",
        Type::RowsInput => "list of {name, seats: count, [name] or [{number, x, y}], x, y}",
        Type::Countries => "list of countries (ISO 3166 alpha-2)",
        Type::Int(min, i64::MAX) => return format!("integer from {min}"),
        Type::Int(min, max) => return format!("integer, {min} to {max}"),
        Type::OptInt(min, max) => return format!("integer, {min} to {max}, or null"),
        Type::IntOf(_) => "integer, one of",
        Type::Text => "string",
        Type::OptText => "string or null",
        Type::Texts => "list of strings",
        Type::OptTexts => "list of strings or null",
        Type::Word(_) => "one of",
        Type::Words(_) => "list of",
        Type::Id => "id",
        Type::OptId => "id or null",
        Type::Ids => "list of ids",
        Type::Time => "time or null",
        Type::TimeV2 => "time, in UTC",
        Type::OptTimeV2 => "time, in UTC, or null",
        Type::Scalars => "plain values by name",
        Type::Vevent => "VEVENT",
        Type::OptVevent => "VEVENT or null",
        Type::Share => "share",
        Type::ShareInput => "share",
        Type::AttachmentInput => "id of an attachment, the attachment itself, or null",
        Type::AttachmentsInput => "list of attachments, each its id or itself",
    }
    .to_owned()
}

/// A request that works with the demo.
fn example(route: &Route) -> String {
    let path: Vec<&str> = route
        .path
        .split('/')
        .map(|part| part.strip_prefix('{').and_then(|name| name.strip_suffix('}')).map_or(part, example_of))
        .collect();
    let mut lines = vec![format!("curl {BASE}{}", path.join("/"))];
    if route.method != Method::GET && !(route.method == Method::POST && (route.body.is_some() || route.upload)) {
        lines[0] = format!("curl -X {} {BASE}{}", route.method, path.join("/"));
    }
    match (route.access, mark(route)) {
        (Access::Authenticated, None) => {
            // Events are the organizer's to change.
            let key = if route.tag == "Events" { demo::ORGANIZATOR_KEY } else { demo::NANOBILET_KEY };
            lines.push(format!("-H 'Authorization: key {key}'"));
        }
        (Access::Authenticated, Some(_)) => lines.push("-b cookies".to_owned()),
        (Access::Open, _) => match (&route.method, route.path) {
            (&Method::POST, "/v1/services/whoami") => lines.push("-c cookies".to_owned()),
            (&Method::DELETE, "/v1/services/whoami") => lines.push("-b cookies -c cookies".to_owned()),
            _ => {}
        },
    }
    if route.upload {
        lines.push("-H 'Content-Type: image/jpeg'".to_owned());
        lines.push("--data-binary @poster.jpg".to_owned());
    }
    if let Some(body) = example_body(route) {
        lines.push("-H 'Content-Type: application/json'".to_owned());
        lines.push(format!("-d '{}'", spaced(&body)));
    }
    lines.join(" \\\n  ")
}

/// JSON on one line, as people write it.
fn spaced(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let fields: Vec<_> = map.iter().map(|(name, value)| format!("{name:?}: {}", spaced(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        plain => plain.to_string(),
    }
}

/// Who may call a route, where a key is not what it takes.
fn mark(route: &Route) -> Option<&'static str> {
    if route.access == Access::Open {
        Some("anybody")
    } else if ["/settings", "/members", "/api_keys"].iter().any(|part| route.path.contains(part)) {
        Some("signed-in owners, and the platform")
    } else if route.path.starts_with("/v1/resources/users/") || route.path == "/v1/services/whoami" {
        Some("who is signed in")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_on_the_page() {
        let page = render();
        for route in super::super::routes() {
            let place = format!("id=\"{}\"", operation_id(&route));
            assert!(page.contains(&place), "{} {} is missing", route.method, route.path);
            assert!(page.contains(&format!("<code>{}</code>", route.path)), "{} is missing", route.path);
        }
    }

    #[test]
    fn every_link_within_the_page_leads_somewhere() {
        let page = render();
        let targets: Vec<&str> = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(targets.len() > 50, "{targets:?}");
        for target in targets {
            assert!(page.contains(&format!("id=\"{target}\"")), "#{target} leads nowhere");
        }
    }

    #[test]
    fn the_page_names_no_other_host_and_runs_no_script() {
        let page = render();
        // A value in an example, and the name of SVG, which nobody looks up.
        let known = ["://nanobilet.ru\"", "://www.w3.org/2000/svg'"];
        for address in page.match_indices("://").map(|(at, _)| &page[at..]) {
            let quoted = address.replacen("&#34;", "\"", 1);
            assert!(known.iter().any(|known| quoted.starts_with(known)), "{}", &address[..40]);
        }
        for forbidden in ["<script", "<iframe", "<img", "@import", "url(", " onclick", "javascript:"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn the_examples_have_the_address_that_the_reader_used() {
        let request = |host: Option<&str>, scheme: Option<&str>| {
            let mut request = Request::builder().uri("/docs");
            for (name, value) in [("host", host), ("x-forwarded-proto", scheme)] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            request.body(Body::empty()).unwrap()
        };
        for (host, scheme, tls, expected) in [
            (Some("127.0.0.1:8080"), None, false, Some("http://127.0.0.1:8080")),
            (Some("tickets.example"), None, true, Some("https://tickets.example")),
            (Some("tickets.example"), Some("https"), false, Some("https://tickets.example")),
            (Some("[::1]:8080"), None, false, Some("http://[::1]:8080")),
            (Some("a\"><b>"), None, false, None),
            (Some("a$(reboot)"), None, false, None),
            (Some(""), None, false, None),
            (None, None, false, None),
        ] {
            assert_eq!(base(&request(host, scheme), tls).as_deref(), expected);
        }
    }

    #[test]
    fn a_body_shows_what_must_be_given_first() {
        let proposal = super::super::routes()
            .into_iter()
            .find(|route| (route.method.as_str(), route.path) == ("POST", "/v1/resources/deals"));
        let rows = body_rows(proposal.unwrap().body.unwrap());
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names[..7], ["event", "subj", "term", "term.core", "term.extra", "term.org", "term.pfc"]);
        let required: Vec<&str> = rows.iter().filter(|row| row.required).map(|row| row.name.as_str()).collect();
        assert_eq!(required, ["event", "subj", "term", "term.org"]);
        assert!(rows.iter().all(|row| !row.read_only));
    }
}
