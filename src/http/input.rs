//! Bodies of requests: JSON that is checked as text (`spec/http.md`, Requests), then read field by field, so that an error
//! names every wrong field at once.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use bytes::Bytes;
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::Error;
use super::fields::{Shape, ShapeKind};
use crate::app::deals::GivenShare;
use crate::app::{App, Wrong};
use crate::domain::id::AttachmentId;
use crate::domain::invalid::Invalid;

/// The largest body, in bytes.
pub const BODY_MAX: usize = 1 << 20;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(60);
/// How deep JSON may nest.
const DEPTH_MAX: usize = 32;
/// After how many wrong items of a list the others are not looked at.
const WRONGS_MAX: usize = 100;

/// The body of a request: its bytes, and what they say or what is wrong with them.
pub struct JsonBody {
    /// As they came, for telling one request from another.
    pub bytes: Bytes,
    parsed: Result<Map<String, Value>, Error>,
}

impl AsRef<[u8]> for JsonBody {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl FromRequest<App> for JsonBody {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self, Error> {
        let typed = is_json(request.headers().get(header::CONTENT_TYPE));
        let bytes = read(request.into_body()).await?;
        if !typed && !bytes.is_empty() {
            return Err(Error::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body must be JSON: send Content-Type: application/json",
            ));
        }
        let parsed = parse(&bytes).map_err(|invalid| Error::field("body", invalid));
        Ok(Self { bytes, parsed })
    }
}

/// The whole of a body that is no file.
///
/// # Errors
/// 413 where it is too large, at once where it is announced as that; 400 where it breaks off, or takes too long.
pub(super) async fn read(body: Body) -> Result<Bytes, Error> {
    let too_large = || Error::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body must not be larger than 1 MiB");
    if announces_more_than(BODY_MAX, &body) {
        return Err(too_large());
    }
    let whole = tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_MAX).collect());
    match whole.await.unwrap_or_else(|late| Err(late.into())) {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Error::new(StatusCode::BAD_REQUEST, "incomplete", "the body did not arrive whole and in time")),
    }
}

/// Whether a body says beforehand that it has more bytes.
pub(super) fn announces_more_than(most: usize, body: &Body) -> bool {
    body.size_hint().lower() > most as u64
}

fn is_json(content_type: Option<&axum::http::HeaderValue>) -> bool {
    let Some(value) = content_type else { return true };
    let essence = value.to_str().unwrap_or("-").split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.is_empty()
        || essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads a JSON object; an empty body is an empty one.
fn parse(bytes: &[u8]) -> Result<Map<String, Value>, Invalid> {
    let text = std::str::from_utf8(bytes).map_err(|_| Invalid::malformed("must be UTF-8"))?;
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // It would pass for a number.
    if text.contains(NUMBER_KEY) {
        return Err(Invalid::malformed(format!("must not hold the key {NUMBER_KEY:?}")));
    }
    let value = Strict { depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| Invalid::malformed(format!("must be valid JSON: {error}")))?;
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(Invalid::wrong_type("must be a JSON object")),
    }
}

/// JSON without what parsers disagree about: duplicate keys, and nesting that only costs.
struct Strict {
    depth: usize,
}

impl Strict {
    fn inner<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth == DEPTH_MAX {
            return Err(E::custom(format_args!("nested deeper than {DEPTH_MAX}")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.inner()?)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            // serde_json hands over a number with all its digits as a map with this one key.
            if key == NUMBER_KEY && map.is_empty() {
                let digits: String = entries.next_value()?;
                return digits.parse::<Number>().map(Value::Number).map_err(A::Error::custom);
            }
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} is there twice")));
            }
            map.insert(key, entries.next_value_seed(self.inner()?)?);
        }
        Ok(Value::Object(map))
    }
}

const NUMBER_KEY: &str = "$serde_json::private::Number";

/// What a body may hold besides the fields of its resource, and what it must.
#[derive(Clone, Copy, Debug)]
pub struct BodyDoc {
    /// The fields of the resource.
    pub shapes: fn() -> Vec<Shape>,
    /// Fields that only requests have.
    pub extra: &'static [super::query::Param],
    /// Fields that must be given; `term.org` is one of the object `term`.
    pub required: &'static [&'static str],
}

impl JsonBody {
    /// Reads the body. What the documentation does not name goes to `ignored`.
    ///
    /// # Errors
    /// 400 naming every wrong field.
    pub fn decode<T>(
        &self,
        doc: &BodyDoc,
        ignored: &mut Vec<String>,
        read: impl FnOnce(&mut Input<'_>) -> Option<T>,
    ) -> Result<T, Error> {
        let map = self.parsed.as_ref().map_err(Clone::clone)?;
        let extra: HashSet<&str> = doc.extra.iter().map(|param| param.name).collect();
        unknown(map, &(doc.shapes)(), &extra, "", ignored);
        let mut input = Input { map, path: String::new(), wrongs: Vec::new() };
        let top = doc.required.iter().filter(|name| !name.contains('.'));
        for name in top.filter(|name| !map.contains_key(**name)) {
            input.wrong(name, Invalid::required());
        }
        let read = read(&mut input);
        match read {
            Some(value) if input.wrongs.is_empty() => Ok(value),
            _ => Err(Error::wrongs(input.wrongs)),
        }
    }
}

fn unknown(map: &Map<String, Value>, shapes: &[Shape], extra: &HashSet<&str>, path: &str, ignored: &mut Vec<String>) {
    for (key, value) in map {
        let shape = shapes.iter().find(|shape| shape.name == key);
        match (shape.map(|shape| &shape.kind), value) {
            (None, _) if !extra.contains(key.as_str()) => ignored.push(format!("{path}{key}")),
            (Some(ShapeKind::Object { fields, .. }), Value::Object(inner)) => {
                unknown(inner, fields, &HashSet::new(), &format!("{path}{key}."), ignored);
            }
            (Some(ShapeKind::List(fields)), Value::Array(items)) => {
                for (at, inner) in items.iter().enumerate().filter_map(|(at, item)| Some((at, item.as_object()?))) {
                    unknown(inner, fields, &HashSet::new(), &format!("{path}{key}[{at}]."), ignored);
                }
            }
            _ => {}
        }
    }
}

/// One JSON object being read.
pub struct Input<'a> {
    map: &'a Map<String, Value>,
    path: String,
    wrongs: Vec<Wrong>,
}

impl Input<'_> {
    /// A field that null clears: `None` where it is not given.
    pub fn nullable<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Result<T, Invalid>) -> Option<Option<T>> {
        match self.map.get(name)? {
            Value::Null => Some(None),
            value => self.keep(name, read(value)).map(Some),
        }
    }

    /// A field that may not be null: `None` where it is not given.
    pub fn given<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Result<T, Invalid>) -> Option<T> {
        match self.map.get(name)? {
            Value::Null => self.keep(name, Err(Invalid::wrong_type("must not be null"))),
            value => self.keep(name, read(value)),
        }
    }

    /// A field that must be given.
    pub fn required<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Result<T, Invalid>) -> Option<T> {
        if self.map.contains_key(name) {
            return self.given(name, read);
        }
        self.keep(name, Err(Invalid::required()))
    }

    /// A list: `None` where it is not given, or null. What null leaves out, an empty list empties.
    pub fn list<T>(&mut self, name: &str, max: usize, read: impl Fn(&Value) -> Result<T, Invalid>) -> Option<Vec<T>> {
        let items = match self.map.get(name)? {
            Value::Null => return None,
            Value::Array(items) if items.len() <= max => items,
            Value::Array(_) => {
                return self.keep(name, Err(Invalid::out_of_range(format!("must not have more than {max} items"))));
            }
            _ => return self.keep(name, Err(Invalid::wrong_type("must be a list"))),
        };
        let mut list = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            list.push(self.keep(&format!("{name}[{at}]"), read(item))?);
        }
        Some(list)
    }

    /// A list of objects, each read field by field: `None` where it is not given.
    pub fn each<T>(
        &mut self,
        name: &str,
        max: usize,
        mut read: impl FnMut(&mut Input<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.items(name, max, |value, item| {
            if value.is_object() {
                return read(item);
            }
            item.wrong("", Invalid::wrong_type("must be an object"));
            None
        })
    }

    /// A list of values of which some may be objects: each with its fields, of which one that is no object has none.
    pub fn items<T>(
        &mut self,
        name: &str,
        max: usize,
        mut read: impl FnMut(&Value, &mut Input<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = match self.map.get(name)? {
            Value::Array(items) if items.len() <= max => items,
            Value::Array(_) => {
                return self.keep(name, Err(Invalid::out_of_range(format!("must not have more than {max} items"))));
            }
            _ => return self.keep(name, Err(Invalid::wrong_type("must be a list"))),
        };
        let none = Map::new();
        let mut list = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let map = item.as_object().unwrap_or(&none);
            let mut inner = Input { map, path: format!("{}{name}[{at}].", self.path), wrongs: Vec::new() };
            let value = read(item, &mut inner);
            self.wrongs.append(&mut inner.wrongs);
            list.extend(value);
            if self.wrongs.len() > WRONGS_MAX {
                break;
            }
        }
        (list.len() == items.len()).then_some(list)
    }

    /// Whether a field is a list.
    pub fn is_list(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(Value::is_array)
    }

    /// An object that null clears, read by its own type: `None` where it is not given.
    pub fn object<T: DeserializeOwned>(&mut self, name: &str) -> Option<Option<T>> {
        let value = match self.map.get(name)? {
            Value::Null => return Some(None),
            value @ Value::Object(_) => value,
            _ => return self.keep(name, Err(Invalid::wrong_type("must be an object"))),
        };
        match serde_path_to_error::deserialize(value) {
            Ok(value) => Some(Some(value)),
            Err(error) => {
                let path = error.path().to_string();
                let field = if path == "." { name.to_owned() } else { format!("{name}.{path}") };
                self.keep(&field, Err(Invalid::wrong_type(must_be(&error.into_inner().to_string()))))
            }
        }
    }

    /// An object read field by field: `None` where it is not given, or null.
    pub fn nested<T>(&mut self, name: &str, read: impl FnOnce(&mut Input<'_>) -> Option<T>) -> Option<T> {
        let map = match self.map.get(name)? {
            Value::Object(map) => map,
            _ => return self.keep(name, Err(Invalid::wrong_type("must be an object"))),
        };
        let mut inner = Input { map, path: format!("{}{name}.", self.path), wrongs: Vec::new() };
        let value = read(&mut inner);
        self.wrongs.append(&mut inner.wrongs);
        value
    }

    /// The names of all fields that are there, where they are data.
    pub fn names(&self) -> Vec<String> {
        self.map.keys().cloned().collect()
    }

    /// Whether a field is there, null or not.
    pub fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Whether a field is there and not null.
    pub fn says(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// Notes that a field is wrong; without a name, what is being read.
    pub fn wrong(&mut self, name: &str, invalid: Invalid) {
        let path = if name.is_empty() { self.path.trim_end_matches('.') } else { &self.path };
        self.wrongs.push(Wrong::at(format!("{path}{name}"), invalid));
    }

    /// Notes that the request is wrong as a whole.
    pub fn wrong_whole(&mut self, invalid: Invalid) {
        let Invalid { code, message, .. } = invalid;
        self.wrongs.push(Wrong { field: None, code, message });
    }

    /// Whether something in this object was found wrong already.
    pub fn has_wrongs(&self) -> bool {
        !self.wrongs.is_empty()
    }

    fn keep<T>(&mut self, name: &str, result: Result<T, Invalid>) -> Option<T> {
        result.map_err(|invalid| self.wrong(name, invalid)).ok()
    }
}

/// What would be right, from what serde expected: `invalid type: number, expected a string`.
fn must_be(error: &str) -> String {
    match error.rsplit_once("expected ").map(|(_, expected)| expected) {
        Some("a sequence") => "must be a list".to_owned(),
        Some("a boolean") => "must be true or false".to_owned(),
        Some(expected) if expected.starts_with("struct") || expected.starts_with("a map") => {
            "must be an object".to_owned()
        }
        Some(expected) => format!("must be {expected}"),
        None => error.to_owned(),
    }
}

/// `true` or `false`.
///
/// # Errors
/// For anything else.
pub fn boolean(value: &Value) -> Result<bool, Invalid> {
    value.as_bool().ok_or_else(|| Invalid::wrong_type("must be true or false"))
}

/// A string.
///
/// # Errors
/// For anything else.
pub fn string(value: &Value) -> Result<&str, Invalid> {
    value.as_str().ok_or_else(|| Invalid::wrong_type("must be a string"))
}

/// A text of one line's length.
///
/// # Errors
/// For anything else.
pub fn short(value: &Value) -> Result<String, Invalid> {
    let text = string(value)?;
    crate::domain::text::check_short(text)?;
    Ok(text.to_owned())
}

/// A text of many lines.
///
/// # Errors
/// For anything else.
pub fn long(value: &Value) -> Result<String, Invalid> {
    let text = string(value)?;
    crate::domain::text::check_long(text)?;
    Ok(text.to_owned())
}

/// A string that is read further: an id, a status, an address.
///
/// # Errors
/// What the type says.
pub fn parsed<T: std::str::FromStr<Err = Invalid>>(value: &Value) -> Result<T, Invalid> {
    string(value)?.parse()
}

/// A whole number.
///
/// # Errors
/// For anything else.
pub fn integer(value: &Value) -> Result<i64, Invalid> {
    match value {
        Value::Number(number) => number.as_i64().ok_or_else(|| Invalid::wrong_type("must be a whole number")),
        _ => Err(Invalid::wrong_type("must be a whole number")),
    }
}

/// A number that is only measured with, not counted.
///
/// # Errors
/// For anything else.
pub fn number(value: &Value) -> Result<f64, Invalid> {
    match value {
        Value::Number(number) => number.as_f64().ok_or_else(|| Invalid::wrong_type("must be a number")),
        _ => Err(Invalid::wrong_type("must be a number")),
    }
}

/// A share: a number is a percentage, a string without `%` an amount (`spec/domain.md`, Deal terms).
///
/// # Errors
/// For anything else.
pub fn share(value: &Value) -> Result<GivenShare, Invalid> {
    match value {
        Value::Number(number) => Ok(GivenShare::Number(number.to_string())),
        Value::String(text) => Ok(GivenShare::Text(text.clone())),
        _ => Err(Invalid::wrong_type("must be a percentage such as 10 or \"10%\", or an amount such as \"150.00\"")),
    }
}

/// An attachment: its id, or the object that the API answers with, of which only the id counts.
///
/// # Errors
/// For anything else.
pub fn attachment(value: &Value) -> Result<AttachmentId, Invalid> {
    let id = match value {
        Value::Object(map) => map.get("id").unwrap_or(&Value::Null),
        other => other,
    };
    match id {
        Value::String(id) => id.parse(),
        _ => Err(Invalid::wrong_type("must be an attachment's id, or an attachment with its id")),
    }
}
