//! What the server answered.

use serde_json::Value;

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The request that it answers, for messages.
    request: String,
    /// The status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The body, put together again where it came in chunks.
    pub body: Vec<u8>,
    /// Whether the body came to its end.
    pub whole: bool,
}

impl Answer {
    /// Takes the bytes of an answer apart.
    pub fn read(method: &str, path: &str, bytes: &[u8]) -> Self {
        let request = format!("{method} {path}");
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("{request}: no answer but {:?}", String::from_utf8_lossy(bytes)));
        let head = str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        let mut answer =
            Self { request, status: status.unwrap(), headers: headers.collect(), body: Vec::new(), whole: true };
        let rest = &bytes[end + 4..];
        match (answer.header("transfer-encoding"), answer.header("content-length")) {
            // These have no body, whatever their headers say of one.
            _ if method == "HEAD" || answer.status == 204 => answer.body = rest.to_vec(),
            (Some("chunked"), _) => (answer.body, answer.whole) = unchunked(rest),
            (_, Some(length)) => {
                answer.whole = length.parse() == Ok(rest.len());
                answer.body = rest.to_vec();
            }
            _ => answer.body = rest.to_vec(),
        }
        answer
    }

    /// A header by its name, which may be there once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        assert!(values.next().is_none(), "{}: the header {name} is there twice", self.request);
        Some(value)
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        assert!(self.whole, "{}: the answer broke off", self.request);
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.request, String::from_utf8_lossy(&self.body)))
    }

    /// The object of an answer that must be 200 or 201.
    pub fn ok(&self) -> Value {
        assert!(matches!(self.status, 200 | 201), "{}: {} {}", self.request, self.status, self.text());
        assert_eq!(self.header("content-type"), Some("application/json; charset=UTF-8"), "{}", self.request);
        self.json()
    }

    /// The list of an answer that must be 200.
    pub fn list(&self) -> Vec<Value> {
        match self.ok() {
            Value::Array(list) => list,
            other => panic!("{}: not a list: {other}", self.request),
        }
    }

    /// The ids of the objects of a list.
    pub fn ids(&self) -> Vec<String> {
        ids(&self.list())
    }

    /// What an answer says is wrong, which must have this status and the one shape of errors.
    pub fn refused(&self, status: u16) -> Refusal {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text());
        let json = self.json();
        let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["error", "reason", "errors"], "{}", self.request);
        assert_eq!(json["error"], class(status), "{}", self.request);
        assert_eq!(self.header("content-type"), Some("application/json; charset=UTF-8"), "{}", self.request);
        let errors = json["errors"].as_array().unwrap().iter().map(|error| {
            let text = |name: &str| error[name].as_str().map(str::to_owned);
            (text("field"), text("code").unwrap(), text("msg").unwrap())
        });
        let refusal = Refusal { reason: json["reason"].as_str().unwrap().to_owned(), errors: errors.collect() };
        assert!(!refusal.errors.is_empty(), "{}: no errors", self.request);
        for (field, _, message) in &refusal.errors {
            let said = field.as_ref().map_or(message.clone(), |field| format!("{field}: {message}"));
            assert!(refusal.reason.contains(&said), "{}: {said:?} is not in {:?}", self.request, refusal.reason);
        }
        refusal
    }
}

impl Answer {
    /// Checks that all is well, and that there is nothing to say.
    pub fn ok_empty(&self) {
        assert_eq!((self.status, self.text()), (200, ""), "{}", self.request);
    }

    /// What an answer of version 2 says is wrong, which must have this status; of promocodes the code.
    pub fn refused_in_v2(&self, status: u16) -> Vec<String> {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text());
        let json = self.json();
        let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["error", "reason", "errors"], "{}", self.request);
        assert_eq!(json["error"], class(status), "{}", self.request);
        assert_eq!(self.header("content-type"), Some("application/json; charset=UTF-8"), "{}", self.request);
        let said = |error: &Value| match error.as_str() {
            Some(sentence) => sentence.to_owned(),
            None => error["code"].as_str().unwrap().to_owned(),
        };
        let errors: Vec<String> = json["errors"].as_array().unwrap().iter().map(said).collect();
        assert!(!errors.is_empty(), "{}: no errors", self.request);
        errors
    }
}

/// What an answer says is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// All of it, for people.
    pub reason: String,
    /// Field, code and message of each wrong thing.
    pub errors: Vec<(Option<String>, String, String)>,
}

impl Refusal {
    /// The wrong fields.
    pub fn fields(&self) -> Vec<&str> {
        self.errors.iter().filter_map(|(field, ..)| field.as_deref()).collect()
    }

    /// The codes of what is wrong.
    pub fn codes(&self) -> Vec<&str> {
        self.errors.iter().map(|(_, code, _)| code.as_str()).collect()
    }
}

/// The id of an object.
pub fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap_or_else(|| panic!("no id: {object}"))
}

/// The ids of objects.
pub fn ids(objects: &[Value]) -> Vec<String> {
    objects.iter().map(|object| id(object).to_owned()).collect()
}

/// What `error` is for a status (`spec/http.md`, Errors).
fn class(status: u16) -> &'static str {
    match status {
        400 => "HTTPBadRequest",
        401 => "HTTPUnauthorized",
        403 => "HTTPForbidden",
        404 => "HTTPNotFound",
        405 => "HTTPMethodNotAllowed",
        406 => "HTTPNotAcceptable",
        409 => "HTTPConflict",
        413 => "HTTPRequestEntityTooLarge",
        415 => "HTTPUnsupportedMediaType",
        422 => "HTTPUnprocessableEntity",
        429 => "HTTPTooManyRequests",
        500 => "HTTPInternalServerError",
        503 => "HTTPServiceUnavailable",
        other => panic!("{other} is not a documented status"),
    }
}

/// The bytes of a chunked body, and whether its last chunk came.
fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let length = str::from_utf8(&rest[..line]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        rest = &rest[line + 2..];
        if length == 0 {
            return (body, true);
        }
        if rest.len() < length + 2 {
            break;
        }
        body.extend(&rest[..length]);
        rest = &rest[length + 2..];
    }
    (body, false)
}
