//! A request on its way to a use case: who asks, with which right, and how the answer is made.
//!
//! [`Reading`] finds out who asks in the transaction of what is read: one hop to the store, and a key that was removed a
//! moment ago is refused. [`Writing`] finds it out before the body is looked at, so that nobody unknown reaches the writer,
//! and once more in the transaction of what is written.
//! Their type parameter is the right that a handler needs; a handler cannot be called without it.

use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::context::Context;
use super::error::Error;
use super::fields::{Loaded, Resource, Selection, Type, write};
use super::input::{BodyDoc, Input, JsonBody};
use super::query::{self, Param, Query};
use super::{answer, cookie};
use crate::app::callers::{Credentials, identify};
use crate::app::idempotency::{self, Answer, Known, Once};
use crate::app::{self, App, Window};
use crate::domain::access::Caller;
use crate::domain::id::{ObjectId, PartnerId};
use crate::domain::invalid::Invalid;
use crate::domain::member::Right;
use crate::random;
use crate::store::Tx;

/// How many rows of a list are read at once.
const BATCH: u64 = 200;
/// Where a batch ends early: rows may be large, and a slow client holds what it has not read, in bytes.
const BATCH_BYTES: usize = 1 << 20;
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
/// Who manages what is the partner's.
pub struct Manager;

impl Needs for Anyone {
    const RIGHT: Option<Right> = None;
}
impl Needs for Member {
    const RIGHT: Option<Right> = Some(Right::Read);
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
    context: Context,
    credentials: Result<Credentials, Error>,
    picked: Result<Option<PartnerId>, Error>,
    pairs: Result<Vec<(String, String)>, Error>,
    strict: bool,
    once: Option<Result<Half, Error>>,
}

/// What is known of an idempotent request before its caller and its body are.
struct Half {
    key: String,
    request: String,
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
    fn query<'p, T>(
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
    fn read_query<T>(&self, read: impl FnOnce(&mut Query<'_>) -> T) -> Result<T, Error> {
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
        self.query([FIELDS_SCHEMA].iter(), |_| ())?;
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
    fn selection<T: Resource>(&self) -> Result<Option<Selection>, Error> {
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
    fn identify(&self, tx: &mut Tx<'_>, right: Option<Right>) -> Result<Caller, Error> {
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

/// A request that reads.
pub struct Reading<R: Needs> {
    call: Arc<Call>,
    needs: PhantomData<R>,
}

impl<R: Needs> FromRequestParts<App> for Reading<R> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let call = Arc::new(Call::from_request_parts(parts, app).await?);
        // Who shows nothing costs the store nothing.
        call.credentials.as_ref().map_err(Clone::clone)?;
        Ok(Self { call, needs: PhantomData })
    }
}

/// Reads the rows of a window.
pub type Rows<W, T, I> = fn(&App, &mut Tx<'_>, &Caller, &W, Window<I>) -> Result<Vec<T>, app::Error>;

/// What a list is made of: functions that read a part of it, count it, and name the id it goes on from.
pub struct Source<W, T, I> {
    /// Reads the rows of a window.
    pub rows: Rows<W, T, I>,
    /// Counts all rows.
    pub count: fn(&mut Tx<'_>, &Caller, &W) -> Result<i64, app::Error>,
    /// The id of a row.
    pub id: fn(&T) -> I,
}

impl<W, T, I> Clone for Source<W, T, I> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<W, T, I> Copy for Source<W, T, I> {}

impl<R: Needs> Reading<R> {
    /// Reads the parameters of a list; what is wrong with them is answered after who asks is known.
    pub fn query<T>(&self, params: &[Param], read: impl FnOnce(&mut Query<'_>) -> T) -> Result<T, Error> {
        self.call.query(params.iter().chain(PAGING).chain([&FIELDS_SCHEMA]), read)
    }

    /// The platform.
    pub fn app(&self) -> &App {
        &self.call.app
    }

    /// Answers with one object.
    ///
    /// # Errors
    /// Those of the use case.
    pub async fn one<T, F>(self, mut read: F) -> Result<Response<Body>, Error>
    where
        T: Resource + Send,
        F: FnMut(&mut Tx<'_>, &Caller) -> Result<T, app::Error> + Send + 'static,
    {
        let call = self.call;
        let store = call.app.store.clone();
        let checked = call.query([FIELDS_SCHEMA].iter(), |_| ()).and_then(|()| call.selection::<T>());
        let body = store
            .read(move |tx| {
                let caller = call.identify(tx, R::RIGHT)?;
                let selection = checked.as_ref().map_err(Clone::clone)?;
                let value = read(tx, &caller)?;
                render(tx, &caller, &value, selection.as_ref())
            })
            .await?;
        Ok(answer::json(StatusCode::OK, body))
    }

    /// Answers with a list: a page of it with `TOTAL`, or all rows, read and sent batch by batch.
    ///
    /// # Errors
    /// Those of the use case.
    pub async fn list<W, T, I>(self, wish: Result<W, Error>, source: Source<W, T, I>) -> Result<Response<Body>, Error>
    where
        W: Send + Sync + 'static,
        T: Resource + Send + Sync,
        I: Copy + Send + Sync + 'static,
    {
        let call = self.call;
        let (app, request_id) = (call.app.clone(), call.context.id().to_owned());
        let wanted = wish
            .and_then(|wish| Ok(Wanted { wish, page: Page::of(&call)?, selection: call.selection::<T>()?, source }));
        let wanted = Arc::new(wanted);
        let (first, total, caller) = app
            .store
            .read({
                let (wanted, app) = (wanted.clone(), app.clone());
                move |tx| -> Result<_, Error> {
                    let caller = call.identify(tx, R::RIGHT)?;
                    let wanted = Result::as_ref(&wanted).map_err(Clone::clone)?;
                    let total = match wanted.page {
                        Some(_) => Some((source.count)(tx, &caller, &wanted.wish)?),
                        None => None,
                    };
                    Ok((wanted.batch(&app, tx, &caller, None)?, total, caller))
                }
            })
            .await?;
        let rest = stream::try_unfold(first.next, move |next| {
            let (app, wanted, caller) = (app.clone(), wanted.clone(), caller);
            async move {
                let Some(next) = next else { return Ok::<_, Error>(None) };
                let store = app.store.clone();
                let batch = store
                    .read(move |tx| -> Result<_, Error> {
                        let wanted = Result::as_ref(&wanted).map_err(Clone::clone)?;
                        wanted.batch(&app, tx, &caller, Some(next))
                    })
                    .await?;
                Ok(Some((Bytes::from(batch.json), batch.next)))
            }
        });
        let broke_off = move |error: Error| {
            let reason = error.internal.unwrap_or(error.reason);
            tracing::error!(request_id, reason, "A list broke off.");
            BrokeOff
        };
        let opening = stream::iter([Ok(Bytes::from_static(b"[")), Ok(Bytes::from(first.json))]);
        let closing = stream::iter([Ok(Bytes::from_static(b"]"))]);
        let body = Body::from_stream(opening.chain(rest).chain(closing).map_err(broke_off));
        let mut response = answer::with_body(StatusCode::OK, body);
        if let Some(total) = total {
            response.headers_mut().insert("total", HeaderValue::from(total));
        }
        Ok(response)
    }
}

/// Why a list was cut short: the connection is closed without the last chunk, so that nobody takes it for whole.
#[derive(Debug, thiserror::Error)]
#[error("the list broke off")]
struct BrokeOff;

/// A list that is being answered.
struct Wanted<W, T, I> {
    wish: W,
    page: Option<Page>,
    selection: Option<Selection>,
    source: Source<W, T, I>,
}

/// A part of a list as it is sent, and where the next one goes on.
struct Batch<I> {
    json: Vec<u8>,
    next: Option<Next<I>>,
}

/// Where a list goes on: after this id, with at most so many rows.
#[derive(Clone, Copy)]
struct Next<I> {
    after: I,
    rows: u64,
}

impl<W, T: Resource, I: Copy> Wanted<W, T, I> {
    /// Reads some rows: a short read of its own, so that nothing is held while the client reads.
    fn batch(&self, app: &App, tx: &mut Tx<'_>, caller: &Caller, next: Option<Next<I>>) -> Result<Batch<I>, Error> {
        let (skip, wanted) = match (next, self.page) {
            (Some(next), _) => (0, next.rows),
            (None, Some(page)) => (page.skip, page.rows()),
            (None, None) => (0, u64::MAX),
        };
        let limit = wanted.min(BATCH);
        let window = Window { after: next.map(|next| next.after), skip, limit };
        let rows = if limit == 0 { Vec::new() } else { (self.source.rows)(app, tx, caller, &self.wish, window)? };
        let loaded = Loaded::fetch(tx, caller, &rows, self.selection.as_ref())?;
        let mut json = Vec::with_capacity(rows.len() * 256);
        let (mut written, mut last) = (0, None);
        for row in &rows {
            if json.len() > BATCH_BYTES {
                break;
            }
            if written > 0 || next.is_some() {
                json.push(b',');
            }
            write::object(row, self.selection.as_ref(), &loaded, &mut json);
            (written, last) = (written + 1, Some((self.source.id)(row)));
        }
        loaded.check_opened()?;
        let read_whole = written == rows.len() as u64;
        let ends = wanted == written || (read_whole && written < limit);
        let next = last.filter(|_| !ends).map(|after| Next { after, rows: wanted.saturating_sub(written) });
        Ok(Batch { json, next })
    }
}

/// The page of a list that a request asks for.
#[derive(Clone, Copy)]
struct Page {
    skip: u64,
    limit: Option<u64>,
}

impl Page {
    /// From `page` and `page_size`; nothing where neither is given.
    fn of(call: &Call) -> Result<Option<Self>, Error> {
        let (page, size) = call.read_query(|query| {
            let page = query.number("page", 1, 1_000_000_000);
            let size = query.number("page_size", 1, 200);
            (page, size.or_else(|| query.number("page-size", 1, 200)))
        })?;
        if page.is_none() && size.is_none() {
            return Ok(None);
        }
        let before = page.unwrap_or(1) - 1;
        Ok(Some(Self { skip: before * size.unwrap_or(1), limit: size }))
    }

    /// How many rows it may have. Without a size all rows are the first page, and there is no second one.
    fn rows(self) -> u64 {
        self.limit.unwrap_or(if self.skip == 0 { u64::MAX } else { 0 })
    }
}

/// A request that writes, of a known caller.
pub struct Writing<R: Needs> {
    call: Arc<Call>,
    caller: Caller,
    needs: PhantomData<R>,
}

impl<R: Needs> FromRequestParts<App> for Writing<R> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let call = Arc::new(Call::from_request_parts(parts, app).await?);
        call.credentials.as_ref().map_err(Clone::clone)?;
        let reader = call.clone();
        let caller = app.store.read(move |tx| reader.identify(tx, R::RIGHT)).await?;
        Ok(Self { call, caller, needs: PhantomData })
    }
}

impl<R: Needs> Writing<R> {
    /// The platform.
    pub fn app(&self) -> &App {
        &self.call.app
    }

    /// The hash of the session's token, where the caller is signed in.
    pub fn session(&self) -> Option<[u8; 32]> {
        self.call.session
    }

    /// Who asks.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The body, read; what is wrong with it is answered, and recorded, by [`one`](Self::one).
    ///
    /// # Errors
    /// 400 naming what is wrong.
    pub fn body<T>(
        &self,
        body: &JsonBody,
        doc: &BodyDoc,
        read: impl FnOnce(&mut Input<'_>) -> Option<T>,
    ) -> Result<T, Error> {
        self.call.body(body, doc, read)
    }

    /// Does something once, and answers with one object.
    ///
    /// # Errors
    /// What is wrong with the request, and those of the use case.
    pub async fn one<W, T, F>(
        self,
        status: StatusCode,
        body: &JsonBody,
        wish: Result<W, Error>,
        mut act: F,
    ) -> Result<Response<Body>, Error>
    where
        W: Send + 'static,
        T: Resource,
        F: FnMut(&mut Tx<'_>, &Caller, &W) -> Result<T, app::Error> + Send + 'static,
    {
        let Self { call, caller, .. } = self;
        let once = once_of(&call, &caller, &body.bytes)?;
        let wish = wish.and_then(|wish| Ok((wish, call.selection::<T>()?)));
        if once.is_none()
            && let Err(error) = wish
        {
            return Err(error);
        }
        let app = call.app.clone();
        let answer = app
            .store
            .write(move |tx| {
                let caller = call.identify(tx, R::RIGHT)?;
                once_only(&call.app, tx, once.as_ref(), |tx| {
                    let (wish, selection) = wish.as_ref().map_err(Clone::clone)?;
                    let value = act(tx, &caller, wish)?;
                    let body = render(tx, &caller, &value, selection.as_ref())?;
                    Ok(Answer { status: status.as_u16(), body })
                })
            })
            .await?;
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Ok(answer::json(status, answer.body))
    }

    /// Does something that leaves nothing to show: `{}`.
    ///
    /// # Errors
    /// Those of the use case.
    pub async fn done<F>(self, mut act: F) -> Result<Response<Body>, Error>
    where
        F: FnMut(&mut Tx<'_>, &Caller) -> Result<(), app::Error> + Send + 'static,
    {
        let call = self.call;
        call.no_parameters()?;
        let app = call.app.clone();
        app.store
            .write(move |tx| -> Result<_, Error> {
                let caller = call.identify(tx, R::RIGHT)?;
                Ok(act(tx, &caller)?)
            })
            .await?;
        Ok(answer::json(StatusCode::OK, Bytes::from_static(b"{}")))
    }
}

fn render<T: Resource>(
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

/// Completes an idempotent request with its caller and body.
fn once_of(call: &Call, caller: &Caller, body: &[u8]) -> Result<Option<Once>, Error> {
    let Some(half) = &call.once else { return Ok(None) };
    let half = half.as_ref().map_err(Clone::clone)?;
    let user = caller.user.map(ObjectId::from);
    let partner = caller.partner.as_ref().map(|acting| acting.id.into());
    let scope = partner.or(user).ok_or(app::Error::Unauthenticated)?;
    let mut hash = Sha256::new();
    hash.update(half.request.as_bytes());
    hash.update([0]);
    hash.update(body);
    // Another member of the partner must not be given what it may not ask for itself.
    hash.update(caller.user.map_or([0; 12], |user| *user.as_bytes()));
    // Keyed, for a body may hold a password, which a plain hash would let others guess.
    let request_hash = call.app.secret.token_hash(&random::hex(&hash.finalize()));
    Ok(Some(Once { scope, user, key: half.key.clone(), request_hash }))
}

/// Runs a request whose repetition is answered as the first was. A refusal that would be the same again is recorded too,
/// while what it did is undone.
fn once_only(
    app: &App,
    tx: &mut Tx<'_>,
    once: Option<&Once>,
    act: impl FnOnce(&mut Tx<'_>) -> Result<Answer, Error>,
) -> Result<Answer, Error> {
    let Some(once) = once else { return act(tx) };
    match idempotency::look_up(tx, &app.secret, once)? {
        Known::New => {}
        Known::Answered(answer) => return Ok(answer),
        Known::Running => {
            let message = "a request with this Idempotency-Key is still running: try again";
            return Err(Error::new(StatusCode::CONFLICT, "running", message));
        }
        Known::Other => {
            let message = "this Idempotency-Key was used for another request: choose a new one";
            return Err(Error::new(StatusCode::UNPROCESSABLE_ENTITY, "other_request", message));
        }
    }
    let answer = match tx.savepoint(act) {
        Ok(answer) => answer,
        Err(error) if is_kept(error.status) => Answer { status: error.status.as_u16(), body: error.body() },
        Err(error) => return Err(error),
    };
    idempotency::record(tx, &app.secret, once, &answer)?;
    Ok(answer)
}

/// Whether the same request would be refused in the same way whenever it came.
fn is_kept(status: StatusCode) -> bool {
    !matches!(status.as_u16(), 401 | 403 | 409 | 429 | 500..)
}
