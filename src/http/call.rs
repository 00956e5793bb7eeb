//! A request on its way to a use case: its credentials, its parameters, what its answer is to hold.
//!
//! A handler takes it as [`Reading`](super::reading::Reading) or [`Writing`](super::writing::Writing), whose type
//! parameter is the right that it needs ([`Needs`]): a handler cannot be called without it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Response, StatusCode, header};

use super::context::Context;
use super::error::{Error, Version};
use super::fields::{Loaded, Resource, Selection, Type, write};
use super::input::{BodyDoc, Input, JsonBody};
use super::query::{self, Param, Query};
use super::{answer, cookie};
use crate::app::callers::{Credentials, identify};
use crate::app::{self, App};
use crate::domain::access::Caller;
use crate::domain::id::PartnerId;
use crate::domain::invalid::Invalid;
use crate::domain::member::Right;
use crate::store::Tx;

/// The longest `Idempotency-Key`, in characters.
const KEY_MAX: usize = 255;

/// Parameters that every answer with objects takes.
pub const FIELDS_SCHEMA: Param =
    Param::new("fields-schema", Type::Text, "Which fields the answer holds, and what of references");
/// Parameters that every list takes.
pub const PAGING: &[Param] = &[
    Param::new("page", Type::Int(1, 1_000_000_000), "Which page, from 1"),
    Param::new("page_size", Type::Int(1, 200), "How many rows a page has; all rows without it"),
    Param::new("page-size", Type::Int(1, 200), "The same as page_size"),
];

/// What a handler needs of whoever calls it.
pub trait Needs: Send + Sync + 'static {
    /// The right, for those who act for a partner; `None`: to be signed in.
    const RIGHT: Option<Right>;
}

/// Anybody who is signed in, also without a partner.
pub struct Anyone;
/// Who acts for a partner.
pub struct Member;
/// Who sells for a partner: makes orders and refunds.
pub struct Seller;
/// Who manages what is the partner's.
pub struct Manager;

impl Needs for Anyone {
    const RIGHT: Option<Right> = None;
}
impl Needs for Member {
    const RIGHT: Option<Right> = Some(Right::Read);
}
impl Needs for Seller {
    const RIGHT: Option<Right> = Some(Right::Sell);
}
impl Needs for Manager {
    const RIGHT: Option<Right> = Some(Right::Manage);
}

/// A request before anybody is identified.
pub struct Call {
    /// The platform.
    pub app: App,
    /// Where the client is.
    pub address: IpAddr,
    /// The hash of the session's token, where there is a cookie.
    pub session: Option<[u8; 32]>,
    /// Whether the client came through TLS, ours or a trusted proxy's.
    pub secure: bool,
    pub(super) context: Context,
    pub(super) credentials: Result<Credentials, Error>,
    picked: Result<Option<PartnerId>, Error>,
    pairs: Result<Vec<(String, String)>, Error>,
    strict: bool,
    pub(super) version: Version,
    pub(super) once: Option<Result<Half, Error>>,
}

/// What is known of an idempotent request before its caller and its body are.
pub(super) struct Half {
    pub key: String,
    pub request: String,
}

/// The peer's address; absent in tests that call the router directly.
fn peer(parts: &Parts) -> IpAddr {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| info.0.ip())
}

impl FromRequestParts<App> for Call {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let headers = &parts.headers;
        let session = cookie::session(headers).map(|token| app.secret.token_hash(token));
        let picked = match headers.get("x-partner") {
            None => Ok(None),
            Some(value) => {
                let picked = value.to_str().ok().and_then(|text| text.trim().parse().ok());
                let foreign =
                    || Error::new(StatusCode::FORBIDDEN, "forbidden", "X-Partner: you do not act for this partner");
                picked.map(Some).ok_or_else(foreign)
            }
        };
        Ok(Self {
            address: crate::address::client(peer(parts), headers, &app.trusted_proxies),
            secure: app.tls || crate::address::came_by_tls(peer(parts), headers, &app.trusted_proxies),
            credentials: credentials(headers, app, session),
            session,
            context: parts.extensions.get::<Context>().cloned().unwrap_or_default(),
            picked,
            pairs: query::pairs(parts.uri.query().unwrap_or_default()),
            strict: strict(headers),
            version: Version::of(parts.uri.path()),
            once: once(&parts.method, parts.uri.path_and_query().map_or("", |uri| uri.as_str()), headers),
            app: app.clone(),
        })
    }
}

/// A key in `Authorization`, else the session's cookie.
fn credentials(headers: &HeaderMap, app: &App, session: Option<[u8; 32]>) -> Result<Credentials, Error> {
    let unauthenticated = || Error::from(app::Error::Unauthenticated);
    match headers.get(header::AUTHORIZATION) {
        Some(value) => {
            let value = value.to_str().map_err(|_| unauthenticated())?.trim();
            let (scheme, token) = value.split_once(|c: char| c.is_whitespace()).ok_or_else(unauthenticated)?;
            if !scheme.eq_ignore_ascii_case("key") {
                return Err(unauthenticated());
            }
            Ok(Credentials::Key(app.secret.token_hash(token.trim())))
        }
        None => session.map(Credentials::Session).ok_or_else(unauthenticated),
    }
}

/// `Prefer: handling=strict` (RFC 7240).
fn strict(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    preferences.flat_map(|value| value.split(',')).any(|preference| {
        let preference = preference.split(';').next().unwrap_or_default();
        preference.split_once('=').is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("handling")
                && value.trim().trim_matches('"').eq_ignore_ascii_case("strict")
        })
    })
}

fn once(method: &Method, uri: &str, headers: &HeaderMap) -> Option<Result<Half, Error>> {
    if !matches!(*method, Method::POST | Method::PATCH) {
        return None;
    }
    let key = headers.get("idempotency-key")?;
    let Ok(key) = String::from_utf8(key.as_bytes().to_vec()) else {
        return Some(Err(Error::field("Idempotency-Key", Invalid::malformed("must be UTF-8"))));
    };
    if key.is_empty() || key.chars().count() > KEY_MAX {
        let invalid = Invalid::out_of_range(format!("must have 1 to {KEY_MAX} characters"));
        return Some(Err(Error::field("Idempotency-Key", invalid)));
    }
    Some(Ok(Half { key, request: format!("{method} {uri}") }))
}

impl Call {
    /// The parameters of the query, read.
    ///
    /// # Errors
    /// 400 naming what is wrong; unknown names with `Prefer: handling=strict`.
    pub(super) fn query<'p, T>(
        &self,
        params: impl Iterator<Item = &'p Param> + Clone,
        read: impl FnOnce(&mut Query<'_>) -> T,
    ) -> Result<T, Error> {
        let value = self.read_query(read)?;
        let pairs = self.pairs.as_ref().map_err(Clone::clone)?;
        let known = |name: &str| params.clone().any(|param| param.name == name);
        self.ignore(pairs.iter().map(|(name, _)| name).filter(|name| !known(name)).cloned().collect())?;
        Ok(value)
    }

    /// Parameters that are declared elsewhere.
    pub(super) fn read_query<T>(&self, read: impl FnOnce(&mut Query<'_>) -> T) -> Result<T, Error> {
        let pairs = self.pairs.as_ref().map_err(Clone::clone)?;
        let mut query = Query::new(pairs);
        let value = read(&mut query);
        if query.wrongs.is_empty() { Ok(value) } else { Err(Error::wrongs(query.wrongs)) }
    }

    /// The body, read.
    ///
    /// # Errors
    /// 400 naming what is wrong; unknown fields with `Prefer: handling=strict`.
    pub fn body<T>(
        &self,
        body: &JsonBody,
        doc: &BodyDoc,
        read: impl FnOnce(&mut Input<'_>) -> Option<T>,
    ) -> Result<T, Error> {
        match self.version {
            Version::V1 => self.query([FIELDS_SCHEMA].iter(), |_| ())?,
            Version::V2 => self.no_parameters()?,
        }
        let mut ignored = Vec::new();
        let value = body.decode(doc, &mut ignored, read)?;
        self.ignore(ignored)?;
        Ok(value)
    }

    fn ignore(&self, names: Vec<String>) -> Result<(), Error> {
        if self.strict && !names.is_empty() {
            let wrong = |name: String| {
                let short: String = name.chars().take(100).collect();
                app::Wrong::at(short, Invalid::unknown("is not known here"))
            };
            return Err(Error::wrongs(names.into_iter().map(wrong).collect()));
        }
        self.context.ignore(names);
        Ok(())
    }

    /// What the answer is to hold; nothing: all fields.
    pub(super) fn selection<T: Resource>(&self) -> Result<Option<Selection>, Error> {
        let pairs = self.pairs.as_ref().map_err(Clone::clone)?;
        let mut schemas = pairs.iter().filter(|(name, _)| name == FIELDS_SCHEMA.name);
        let Some((_, schema)) = schemas.next() else { return Ok(None) };
        let selection = match schemas.next() {
            None => Selection::parse::<T>(schema),
            Some(_) => Err(Invalid::malformed("must be given once")),
        };
        selection.map(Some).map_err(|invalid| Error::field(FIELDS_SCHEMA.name, invalid))
    }

    /// Writes something for somebody who was not known before this request, and answers with it.
    ///
    /// # Errors
    /// Those of the use case.
    pub async fn welcome<T, F>(self, status: StatusCode, mut act: F) -> Result<Response<Body>, Error>
    where
        T: Resource,
        F: FnMut(&mut Tx<'_>) -> Result<(Caller, T), app::Error> + Send + 'static,
    {
        let (selection, context) = (self.selection::<T>()?, self.context);
        let body = self
            .app
            .store
            .write(move |tx| -> Result<_, Error> {
                let (caller, value) = act(tx)?;
                if let Some(acting) = &caller.partner {
                    context.acts_for(acting.id);
                }
                render(tx, &caller, &value, selection.as_ref())
            })
            .await?;
        Ok(answer::json(status, body))
    }

    /// Whether somebody is signed in with this session; the answer then says for whom.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn recognizes(&self, session: [u8; 32]) -> Result<bool, Error> {
        let found = self.app.store.read(move |tx| identify(tx, Credentials::Session(session), None)).await;
        match found {
            Ok(caller) => {
                caller.partner.iter().for_each(|acting| self.context.acts_for(acting.id));
                Ok(true)
            }
            Err(app::Error::Unauthenticated) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes no parameters of the query.
    ///
    /// # Errors
    /// 400 with `Prefer: handling=strict` for any.
    pub fn no_parameters(&self) -> Result<(), Error> {
        self.query([].iter(), |_| ())
    }

    /// Finds out who asks.
    pub(super) fn identify(&self, tx: &mut Tx<'_>, right: Option<Right>) -> Result<Caller, Error> {
        let credentials = self.credentials.as_ref().map_err(Clone::clone)?;
        let picked = self.picked.as_ref().map_err(Clone::clone)?;
        let caller = identify(tx, *credentials, *picked)?;
        if let Some(acting) = &caller.partner {
            self.context.acts_for(acting.id);
        }
        match right {
            Some(right) if !caller.may(right) => {
                app::callers::acting(&caller)?;
                Err(app::Error::forbidden("your role does not allow this").into())
            }
            _ => Ok(caller),
        }
    }
}

/// One object as JSON, with what the selection opens.
pub(super) fn render<T: Resource>(
    tx: &mut Tx<'_>,
    caller: &Caller,
    value: &T,
    selection: Option<&Selection>,
) -> Result<Vec<u8>, Error> {
    let loaded = Loaded::fetch(tx, caller, std::slice::from_ref(value), selection)?;
    let mut json = Vec::with_capacity(512);
    write::object(value, selection, &loaded, &mut json);
    loaded.check_opened()?;
    Ok(json)
}
