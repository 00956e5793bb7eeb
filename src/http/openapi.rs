//! The OpenAPI 3.1 document, made of the routes and the tables of fields.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer;
use super::call::{FIELDS_SCHEMA, PAGING};
use super::error::{Version, class};
use super::fields::{Shape, ShapeKind, Type};
use super::input::BodyDoc;
use super::query::Param;
use super::route::{Access, Answers, Described, Route};
use super::v2;
use crate::demo;
use crate::domain::attachment::FileType;
use crate::domain::map::{COORDINATE_MAX, SEATS_MAX};

/// GET.
pub async fn document() -> Response<Body> {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(openapi_json()));
    answer::json(StatusCode::OK, DOCUMENT.clone())
}

/// The document as JSON text.
pub fn openapi_json() -> String {
    let mut text = serde_json::to_string_pretty(&openapi()).unwrap_or_default();
    text.push('\n');
    text
}

/// The document.
pub fn openapi() -> Value {
    let routes = super::routes();
    let mut paths: Map<String, Value> = Map::new();
    let mut schemas: Map<String, Value> = Map::new();
    for (name, shapes) in v2::refs::SECTIONS.iter().map(|(_, described)| *described) {
        schemas.insert(name.to_owned(), object(&shapes(), false));
    }
    schemas.insert("Refs".to_owned(), refs_schema());
    for route in &routes {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = operation(route);
        if let Some((name, shapes)) = route.resource {
            schemas.entry(name).or_insert_with(|| object(&shapes(), false));
        }
    }
    schemas.insert("Error".to_owned(), error_schema());
    schemas.insert("ErrorV2".to_owned(), error_v2_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Parterre",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A ticket distribution platform that speaks the TicketsCloud API. Answers hold whole objects; \
                `fields-schema` narrows and widens them. Unknown fields and parameters are ignored and named in \
                `X-Ignored-Fields`; with `Prefer: handling=strict` they are refused. `X-Warning` says \
                what a deal's terms cannot sell. POST and PATCH take an `Idempotency-Key`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}
        },
        "servers": [{"url": "/"}],
        "tags": tags(&routes),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`key <token>`"},
                "session": {"type": "apiKey", "in": "cookie", "name": "auth_tkt", "description": "Set by POST /v1/services/whoami"}
            }
        }
    })
}

fn tags(routes: &[Route]) -> Vec<Value> {
    let mut names: Vec<&str> = routes.iter().map(|route| route.tag).collect();
    names.dedup();
    names.into_iter().map(|name| json!({"name": name})).collect()
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": [route.tag],
        "summary": route.says,
        "parameters": parameters(route),
        "responses": responses(route),
        "security": match route.access {
            Access::Open => json!([]),
            Access::Authenticated => json!([{"key": []}, {"session": []}]),
        },
    });
    if let Some(body) = route.body {
        operation["requestBody"] = json!({
            "required": !body.required.is_empty(),
            "content": {"application/json": request_content(route, body)}
        });
    }
    if route.upload {
        let file = json!({"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream", "description": "The file, with its type"}}});
        let mut content = Map::new();
        for of in FileType::ALL {
            content.insert(of.as_str().to_owned(), json!({}));
        }
        content.insert("multipart/form-data".to_owned(), json!({"schema": file}));
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

/// `get_v1_resources_deals_iddeal`
pub(super) fn operation_id(route: &Route) -> String {
    let path = route.path.replace(['{', '}', '.'], "").replace('/', "_");
    format!("{}{path}", route.method.as_str().to_lowercase())
}

fn parameters(route: &Route) -> Vec<Value> {
    let mut parameters = Vec::new();
    for name in route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        parameters.push(json!({
            "name": name, "in": "path", "required": true, "description": "Id",
            "schema": given(Type::Id), "example": example_of(name),
        }));
    }
    let objects = matches!(route.answers, Answers::One | Answers::List);
    let list: &[Param] = if route.answers == Answers::List { PAGING } else { &[] };
    let schema: &[Param] = if objects { &[FIELDS_SCHEMA] } else { &[] };
    for param in route.query.iter().chain(list).chain(schema) {
        let mut schema = given(param.of);
        if param.name == "status" && route.path.ends_with("/deals") {
            schema["items"]["enum"].as_array_mut().map(|words| words.push(json!("all"))).unwrap_or_default();
        }
        if param.name == FIELDS_SCHEMA.name {
            schema["minLength"] = json!(1);
        }
        let mut parameter = json!({"name": param.name, "in": "query", "description": param.doc, "schema": schema});
        // An empty value counts as none, also where an empty text is none of the values.
        if !matches!(param.of, Type::Text | Type::Texts) {
            parameter["allowEmptyValue"] = json!(true);
        }
        if parameter["schema"]["type"] == "array" {
            parameter["style"] = json!("form");
            parameter["explode"] = json!(false);
        }
        parameters.push(parameter);
    }
    parameters
}

pub(super) fn example_of(name: &str) -> &'static str {
    match name {
        "idpartner" => demo::NANOBILET,
        "iddeal" => demo::DEAL,
        "idevent" => demo::EVENTS[0].0,
        "idatt" => "547748c4e8b2b03e7ba1d1a7",
        "idkey" => demo::NANOBILET_KEY_ID,
        "idpromocode" => demo::PROMOCODE,
        "idvenue" => demo::VENUE,
        "idmap" => demo::MAP,
        _ => demo::NANOBILET_USER,
    }
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    let well = match (route.answers, route.resource) {
        (Answers::One, Some((name, _))) => json_content(json!({"$ref": format!("#/components/schemas/{name}")})),
        (Answers::List, Some((name, _))) => {
            json_content(json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{name}")}}))
        }
        (Answers::Data, Some((name, _))) => json_content(json!({
            "type": "object",
            "required": ["data", "refs", "errors"],
            "properties": {
                "data": {"$ref": format!("#/components/schemas/{name}")},
                "refs": {"$ref": "#/components/schemas/Refs"},
                "errors": {"type": "array", "items": not_done_schema()}
            }
        })),
        (Answers::Page, Some((name, _))) => json_content(json!({
            "type": "object",
            "required": ["data", "refs", "pagination", "errors"],
            "properties": {
                "data": {"type": "array", "items": {"$ref": format!("#/components/schemas/{name}")}},
                "refs": {"$ref": "#/components/schemas/Refs"},
                "pagination": {
                    "type": "object",
                    "required": ["page", "page_size", "total"],
                    "properties": {
                        "page": {"type": "integer", "minimum": 1},
                        "page_size": {"type": "integer", "minimum": 1},
                        "total": {"type": "integer", "minimum": 0}
                    }
                },
                "errors": {"type": "array", "items": not_done_schema()}
            }
        })),
        (Answers::Nothing, _) => json!({}),
        (Answers::Other(media_type), _) => json!({media_type: {}}),
        _ => json_content(json!({"type": "object", "maxProperties": 0})),
    };
    let mut answer = json!({"description": route.says, "content": well});
    if matches!(route.answers, Answers::List | Answers::Page) {
        answer["headers"] = json!({"TOTAL": {"description": "All matching rows, with page or page_size", "schema": {"type": "integer"}}});
    }
    responses.insert(route.status.as_u16().to_string(), answer);
    let error = match Version::of(route.path) {
        Version::V1 => json_content(json!({"$ref": "#/components/schemas/Error"})),
        Version::V2 => json_content(json!({"$ref": "#/components/schemas/ErrorV2"})),
    };
    for status in error_statuses(route) {
        let name = axum::http::StatusCode::from_u16(status).map(class).unwrap_or_default();
        responses.insert(status.to_string(), json!({"description": name, "content": error.clone()}));
    }
    Value::Object(responses)
}

/// What a route may refuse, from what it takes.
pub(super) fn error_statuses(route: &Route) -> Vec<u16> {
    let mut statuses = Vec::new();
    if !matches!(route.answers, Answers::Other(_)) {
        statuses.extend([400, 406, 503]);
        if route.access == Access::Authenticated {
            statuses.extend([401, 403]);
        }
        // X-Partner may name somebody else's.
        statuses.push(403);
        if route.path.contains('{') {
            statuses.push(404);
        }
        if route.body.is_some() || route.upload {
            statuses.extend([413, 415]);
            if route.access == Access::Authenticated {
                statuses.extend([409, 422]);
            }
        }
    }
    statuses.extend(route.errors);
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn json_content(schema: Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

fn request_content(route: &Route, body: &BodyDoc) -> Value {
    let mut schema = object(&(body.shapes)(), true);
    for param in body.extra {
        schema["properties"][param.name] = described(given(param.of), param.doc);
    }
    if !body.required.is_empty() {
        let (nested, top): (Vec<&str>, Vec<&str>) = body.required.iter().partition(|name| name.contains('.'));
        schema["required"] = json!(top);
        for (object, field) in nested.iter().filter_map(|name| name.split_once('.')) {
            schema["properties"][object]["required"] = json!([field]);
        }
    }
    let mut content = json!({"schema": schema});
    if let Some(example) = example_body(route) {
        content["example"] = example;
    }
    content
}

pub(super) fn example_body(route: &Route) -> Option<Value> {
    Some(match (route.method.as_str(), route.path) {
        ("POST", "/v1/resources/deals") => json!({
            "event": demo::EVENTS[3].0, "subj": demo::ORGANIZATOR, "term": {"extra": 10, "org": 10, "pfc": true}
        }),
        ("PATCH", "/v1/resources/deals/{iddeal}") => json!({"status": "accepted"}),
        ("POST", "/v1/resources/partners") => json!({"name": "Cassa", "roles": ["agent"]}),
        ("PATCH", "/v1/resources/partners/{idpartner}") => json!({"contact": {"www": "http://nanobilet.ru"}}),
        ("PATCH", "/v1/resources/partners/{idpartner}/settings") => json!({"auto_accept_deals": true}),
        ("POST", "/v1/resources/partners/{idpartner}/api_keys") => json!({"name": "box office"}),
        ("PATCH", "/v1/resources/partners/{idpartner}/api_keys/{idkey}") => json!({"name": "web shop"}),
        ("POST", "/v1/resources/partners/{idpartner}/members") => json!({"email": "org@tc.ru", "role": "cashier"}),
        ("POST", "/v1/resources/events") => json!({
            "lifetime": "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE-TIME:20300124T160000Z\r\nDTEND;VALUE=DATE-TIME:20300124T173000Z\r\nEND:VEVENT\r\n",
            "title": {"text": "Concert"}
        }),
        ("PATCH", "/v1/resources/partners/{idpartner}/members/{iduser}") => json!({"role": "manager"}),
        ("POST", "/v1/resources/events/{idevent}/sets") => {
            json!({"name": "Dress circle", "amount": 40, "price": "900.00"})
        }
        ("PATCH", "/v1/resources/events/{idevent}/sets/{idset}") => json!({"amount": 50}),
        ("PATCH", "/v1/resources/events/{idevent}") => json!({"tags": ["rock"], "age_rating": 12}),
        ("POST", "/v1/resources/orders") => json!({
            "event": demo::EVENTS[0].0, "random": {demo::SET: 1}, "customer": {"email": "anna@example.com"}
        }),
        ("PATCH", "/v1/resources/orders/{idorder}") => json!({"status": "in_progress"}),
        ("POST", "/v1/resources/events/{idevent}/promocodes") => json!({
            "code": "SPRING", "discount": {"percentage": "30%"}, "amount": 100, "tickets_count": {"min": 2}
        }),
        ("PATCH", "/v1/resources/events/{idevent}/promocodes/{idpromocode}") => json!({"name": "Spring sale"}),
        ("POST", "/v2/services/promocodes/check") => {
            json!({"event": demo::EVENTS[0].0, "code": demo::PROMOCODE_CODE})
        }
        ("PATCH", "/v2/resources/orders/{idorder}") => json!({"status": "done"}),
        ("POST", "/v2/resources/orders/export") => json!({"email": "box-office@example.com", "status": ["done"]}),
        ("POST", "/v1/resources/venues") => json!({
            "name": "Opera", "address": "1 Theatre Square", "city": 524_901,
            "point": {"type": "Point", "coordinates": [37.6186, 55.7603]}
        }),
        ("PATCH", "/v1/resources/venues/{idvenue}") => json!({"desc": "Two halls"}),
        ("POST", "/v1/resources/maps") => json!({
            "name": "Main stage", "venue": demo::VENUE,
            "sectors": [
                {"name": "Floor"},
                {"name": "Parterre", "rows": [{"name": "1", "seats": 12}, {"name": "2", "seats": ["1", "2", "2a"]}]}
            ]
        }),
        ("PATCH", "/v1/resources/maps/{idmap}") => json!({"name": "Small stage"}),
        ("PATCH", "/v1/resources/users/{user_id}") => json!({"first_name": "Egor"}),
        ("POST", "/v1/resources/users") => json!({"email": "new@example.com", "password": "long enough"}),
        ("POST", "/v1/services/whoami") => json!({"email": "ag@tc.ru", "password": demo::PASSWORD}),
        _ => return None,
    })
}

/// The fields of a resource as a schema: those of an answer, or those that a request may give.
fn object(shapes: &[Shape], request: bool) -> Value {
    let mut properties = Map::new();
    for shape in shapes.iter().filter(|shape| !request || shape.writable) {
        let schema = match &shape.kind {
            _ if request && shape.input.is_some() => shape.input.map(given).unwrap_or_default(),
            ShapeKind::Value(of) if request => given(*of),
            ShapeKind::Value(of) => value(*of),
            ShapeKind::Object { fields, nullable } => {
                let mut schema = object(fields, request);
                if *nullable {
                    schema["type"] = json!(["object", "null"]);
                }
                schema
            }
            ShapeKind::List(fields) => json!({"type": "array", "items": object(fields, request)}),
            ShapeKind::Map(fields) => json!({"type": "object", "additionalProperties": object(fields, request)}),
            ShapeKind::Ref { kind, .. } if request => given(kind.key()),
            // With fields-schema an id becomes an object, and null where the caller may not read it.
            ShapeKind::Ref { kind, .. } => {
                let mut schema = opened(kind.key(), &["object", "null"]);
                schema["description"] = json!(format!("id of a {}; an object where the schema opens it", kind.name()));
                schema
            }
            ShapeKind::Refs(_) if request => given(shape.input.unwrap_or(Type::Ids)),
            ShapeKind::Refs(kind) => json!({"type": "array", "items": opened(kind.key(), &["object"])}),
        };
        properties.insert(shape.name.to_owned(), described(schema, shape.doc));
    }
    json!({"type": "object", "properties": properties})
}

/// How a reference names another resource, or what else stands in its place.
fn opened(key: Type, or: &[&str]) -> Value {
    let mut schema = value(if key == Type::OptId { Type::Id } else { key });
    let mut types = vec![schema["type"].take()];
    types.extend(or.iter().map(|other| json!(other)));
    schema["type"] = json!(types);
    schema
}

fn described(mut schema: Value, doc: &str) -> Value {
    schema["description"] = json!(doc);
    schema
}

const ID_PATTERN: &str = "^[0-9a-f]{24}$";
const GIVEN_ID_PATTERN: &str = "^[0-9A-Fa-f]{24}$";
const SHARE_PATTERN: &str = r"^-?[0-9]+(\.[0-9]+)?%?$";

/// What a request may give: ids in any case.
fn given(of: Type) -> Value {
    match of {
        Type::Id => json!({"type": "string", "pattern": GIVEN_ID_PATTERN}),
        Type::OptId => json!({"type": ["string", "null"], "pattern": GIVEN_ID_PATTERN}),
        Type::Ids => json!({"type": "array", "items": {"type": "string", "pattern": GIVEN_ID_PATTERN}}),
        Type::City => json!({
            "type": ["integer", "string", "null"], "minimum": 1, "maximum": u32::MAX, "pattern": "^[0-9]+$"
        }),
        Type::Country => json!({"type": ["string", "null"], "pattern": "^[A-Za-z]{2}$"}),
        Type::Countries => json!({"type": "array", "items": {"type": "string", "pattern": "^[A-Za-z]{2}$"}}),
        of => value(of),
    }
}

/// What an answer holds.
fn value(of: Type) -> Value {
    match of {
        Type::Bool => json!({"type": "boolean"}),
        Type::BoolOrNull => json!({"type": ["boolean", "null"]}),
        Type::Money => json!({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}),
        Type::Seats => json!({
            "type": ["object", "null"],
            "additionalProperties": {"type": "array", "items": {
                "type": "array", "items": {"type": ["integer", "string"]}, "minItems": 2, "maxItems": 2
            }}
        }),
        Type::NumberOrText => json!({"type": ["integer", "string"]}),
        Type::Coordinates => json!({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}),
        Type::City => json!({"type": "integer", "minimum": 1, "maximum": u32::MAX}),
        Type::Cities => json!({"type": "array", "items": value(Type::City)}),
        Type::Country => json!({"type": "string", "pattern": "^[A-Z]{2}$"}),
        Type::Countries => json!({"type": "array", "items": value(Type::Country)}),
        Type::Rows => rows(json!({"type": "array", "items": seat(json!({"type": "string"}))})),
        Type::RowsInput => rows(json!({
            "type": ["integer", "array"], "minimum": 1, "maximum": SEATS_MAX,
            "items": seat(json!({"type": ["string", "integer"]})), "minItems": 1,
        })),
        Type::Int(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        Type::IntOf(values) => json!({"type": "integer", "enum": values}),
        Type::OptInt(min, max) => json!({"type": ["integer", "null"], "minimum": min, "maximum": max}),
        Type::Text => json!({"type": "string"}),
        Type::OptText => json!({"type": ["string", "null"]}),
        Type::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Type::OptTexts => json!({"type": ["array", "null"], "items": {"type": "string"}}),
        Type::Word(words) => json!({"type": "string", "enum": words}),
        Type::Words(words) => json!({"type": "array", "items": {"type": "string", "enum": words}}),
        Type::Id => json!({"type": "string", "pattern": ID_PATTERN}),
        Type::OptId => json!({"type": ["string", "null"], "pattern": ID_PATTERN}),
        Type::Ids => json!({"type": "array", "items": {"type": "string", "pattern": ID_PATTERN}}),
        Type::AttachmentInput => json!({
            "type": ["string", "object", "null"], "pattern": GIVEN_ID_PATTERN, "required": ["id"],
            "properties": {"id": {"type": "string", "pattern": GIVEN_ID_PATTERN}}
        }),
        Type::AttachmentsInput => json!({
            "type": ["array", "null"],
            "items": {
                "type": ["string", "object"], "pattern": GIVEN_ID_PATTERN, "required": ["id"],
                "properties": {"id": {"type": "string", "pattern": GIVEN_ID_PATTERN}}
            }
        }),
        Type::Time => json!({"type": ["string", "null"], "format": "date-time"}),
        Type::OptTimeV2 => json!({"type": ["string", "null"], "description": "In UTC: 2019-07-25 14:41:11"}),
        Type::Scalars => json!({
            "type": "object", "maxProperties": 20, "propertyNames": {"maxLength": 40},
            "additionalProperties": {"type": ["string", "number", "boolean", "null"], "maxLength": 128}
        }),
        Type::TimeV2 => json!({"type": "string", "description": "In UTC: 2019-07-25 14:41:11"}),
        Type::Vevent => json!({"type": "string", "description": "VEVENT (RFC 5545) with DTSTART and DTEND in UTC"}),
        Type::OptVevent => {
            json!({"type": ["string", "null"], "description": "VEVENT (RFC 5545) with DTSTART and DTEND in UTC"})
        }
        Type::IdMap => json!({"type": "object", "additionalProperties": value(Type::Id)}),
        Type::CountMap => json!({
            "type": ["object", "null"], "propertyNames": {"pattern": GIVEN_ID_PATTERN},
            "additionalProperties": {"type": "integer", "minimum": 0, "maximum": crate::domain::order::TICKETS_MAX}
        }),
        Type::Share => json!({"type": "string", "pattern": SHARE_PATTERN}),
        Type::ShareInput => json!({
            "type": ["string", "number", "null"],
            "pattern": r"^[0-9]+(\.[0-9]{1,4})?%?$", "minimum": 0, "maximum": 1000
        }),
    }
}

/// The sections of `refs`, each an object by id.
fn refs_schema() -> Value {
    let section = |(name, _): &Described| json!({"$ref": format!("#/components/schemas/{name}")});
    let sections: Map<String, Value> = v2::refs::SECTIONS
        .iter()
        .map(|(name, described)| {
            ((*name).to_owned(), json!({"type": "object", "additionalProperties": section(described)}))
        })
        .collect();
    let names: Vec<&str> = v2::refs::SECTIONS.iter().map(|(name, _)| *name).collect();
    json!({"type": "object", "required": names, "properties": sections})
}

/// One wrong thing in version 2.
fn not_done_schema() -> Value {
    json!({
        "type": ["string", "object"],
        "description": "A sentence for people; of a promocode also a word for programs",
        "required": ["code", "msg"],
        "properties": {"code": {"type": "string"}, "msg": {"type": "string"}}
    })
}

fn error_v2_schema() -> Value {
    json!({
        "type": "object",
        "required": ["error", "reason", "errors"],
        "properties": {
            "error": {"type": "string", "description": "The class, such as HTTPBadRequest"},
            "reason": {"type": "string", "description": "All that is wrong as one sentence"},
            "errors": {"type": "array", "items": not_done_schema()}
        }
    })
}

/// The rows of a sector, whose seats are as said.
fn rows(seats: Value) -> Value {
    json!({"type": "array", "items": {
        "type": "object",
        "required": ["name", "seats"],
        "properties": {"name": {"type": "string"}, "seats": seats, "x": coordinate(), "y": coordinate()}
    }})
}

/// A seat: its name, or an object with its place.
fn seat(number: Value) -> Value {
    let mut types = match number["type"].clone() {
        Value::Array(types) => types,
        one => vec![one],
    };
    types.push(json!("object"));
    json!({
        "type": types, "required": ["number"],
        "properties": {"number": number, "x": coordinate(), "y": coordinate()}
    })
}

fn coordinate() -> Value {
    json!({"type": ["number", "null"], "minimum": -COORDINATE_MAX, "maximum": COORDINATE_MAX})
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "required": ["error", "reason", "errors"],
        "properties": {
            "error": {"type": "string", "description": "The class, such as HTTPBadRequest"},
            "reason": {"type": "string", "description": "All that is wrong as one sentence"},
            "errors": {"type": "array", "items": {
                "type": "object",
                "required": ["field", "code", "msg"],
                "properties": {
                    "field": {"type": ["string", "null"], "description": "The wrong field, such as term.org"},
                    "code": {"type": "string", "description": "A word for programs"},
                    "msg": {"type": "string", "description": "A sentence for people"}
                }
            }}
        }
    })
}
