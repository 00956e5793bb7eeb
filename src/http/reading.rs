//! A request that reads. It finds out who asks in the transaction of what is read: one hop to the store, and a key that was
//! removed a moment ago is refused. A list is read and sent batch by batch.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::answer;
use super::call::{Call, FIELDS_SCHEMA, Needs, PAGING, render};
use super::error::Error;
use super::fields::{Loaded, Resource, Selection, write};
use super::query::{Param, Query};
use crate::app::{self, App, Window};
use crate::domain::access::Caller;
use crate::domain::invalid::Invalid;
use crate::store::Tx;

/// How many rows of a list are read at once.
const BATCH: u64 = 200;
/// Where a batch ends early: rows may be large, and a slow client holds what it has not read, in bytes.
const BATCH_BYTES: usize = 1 << 20;

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

    /// Reads something that is answered in another form than JSON.
    ///
    /// # Errors
    /// Those of the use case.
    pub async fn value<T, F>(self, mut read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>, &Caller) -> Result<T, app::Error> + Send + 'static,
    {
        let call = self.call;
        let checked = call.no_parameters();
        let store = call.app.store.clone();
        store
            .read(move |tx| -> Result<_, Error> {
                let caller = call.identify(tx, R::RIGHT)?;
                checked.as_ref().map_err(Clone::clone)?;
                Ok(read(tx, &caller)?)
            })
            .await
    }

    /// Reads the parameters of something that takes none besides; what is wrong with them is answered after who asks is
    /// known.
    pub fn query_alone<T>(&self, params: &[Param], read: impl FnOnce(&mut Query<'_>) -> T) -> Result<T, Error> {
        self.call.query(params.iter(), read)
    }

    /// Reads something that the caller renders.
    ///
    /// # Errors
    /// What is wrong with the request, and those of the use case.
    pub async fn looked<W, T, F>(self, wish: Result<W, Error>, mut read: F) -> Result<T, Error>
    where
        W: Send + 'static,
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>, &Caller, &W) -> Result<T, app::Error> + Send + 'static,
    {
        let call = self.call;
        let store = call.app.store.clone();
        store
            .read(move |tx| -> Result<_, Error> {
                let caller = call.identify(tx, R::RIGHT)?;
                Ok(read(tx, &caller, wish.as_ref().map_err(Clone::clone)?)?)
            })
            .await
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
        let checked = call.no_fields().and_then(|()| call.selection::<T>());
        let body = store
            .read(move |tx| {
                let caller = call.identify(tx, R::RIGHT)?;
                let selection = checked.as_ref().map_err(Clone::clone)?;
                let value = read(tx, &caller)?;
                render(&call.app, tx, &caller, &value, selection.as_ref())
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
        self.listed(wish, source, false).await
    }

    /// The same, always with `TOTAL`.
    ///
    /// # Errors
    /// Those of the use case.
    pub async fn list_counted<W, T, I>(
        self,
        wish: Result<W, Error>,
        source: Source<W, T, I>,
    ) -> Result<Response<Body>, Error>
    where
        W: Send + Sync + 'static,
        T: Resource + Send + Sync,
        I: Copy + Send + Sync + 'static,
    {
        self.listed(wish, source, true).await
    }

    async fn listed<W, T, I>(
        self,
        wish: Result<W, Error>,
        source: Source<W, T, I>,
        counted: bool,
    ) -> Result<Response<Body>, Error>
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
                    let counted = counted || wanted.page.is_some();
                    let total = counted.then(|| (source.count)(tx, &caller, &wanted.wish)).transpose()?;
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

impl Call {
    /// Reads the parameters of a list that everybody may read.
    ///
    /// # Errors
    /// 400 naming what is wrong.
    pub fn query_list<T>(&self, params: &[Param], read: impl FnOnce(&mut Query<'_>) -> T) -> Result<T, Error> {
        self.query(params.iter().chain(PAGING).chain([&FIELDS_SCHEMA]), read)
    }

    /// Answers with a list of what is in memory: all of it, a page, or a part by `limit` and `offset`. The last two count
    /// their rows in `TOTAL` as well.
    ///
    /// # Errors
    /// 400 for a page and a part at once.
    pub fn all<T: Resource + Sync>(self, mut rows: Vec<&'static T>) -> Result<Response<Body>, Error> {
        let selection = self.selection::<T>()?;
        let page = Page::of(&self)?;
        let (limit, offset) = self
            .read_query(|query| (query.number("limit", 0, 1_000_000_000), query.number("offset", 0, 1_000_000_000)))?;
        let in_part = limit.is_some() || offset.is_some();
        if in_part && page.is_some() {
            let message = "cannot be had with limit or offset: choose one of the two ways";
            return Err(Error::field("page", Invalid::conflict(message)));
        }
        let total = rows.len();
        let (skip, take) = match page {
            Some(page) => (page.skip, page.rows()),
            None => (offset.unwrap_or(0), limit.unwrap_or(u64::MAX)),
        };
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        rows.drain(..count(skip).min(total));
        rows.truncate(count(take));
        // Written as the client reads, so that a long list is never whole in memory.
        let mut first = true;
        let batches: Vec<Vec<&T>> = rows.chunks(count(BATCH)).map(<[_]>::to_vec).collect();
        let batches = stream::iter(batches).map(move |batch| {
            let loaded = Loaded::default();
            let mut json = Vec::with_capacity(batch.len() * 256);
            for row in batch {
                if !std::mem::take(&mut first) {
                    json.push(b',');
                }
                write::object(row, selection.as_ref(), &loaded, &mut json);
            }
            Bytes::from(json)
        });
        let opening = stream::iter([Bytes::from_static(b"[")]);
        let closing = stream::iter([Bytes::from_static(b"]")]);
        let body = Body::from_stream(opening.chain(batches).chain(closing).map(Ok::<_, std::convert::Infallible>));
        let mut response = answer::with_body(StatusCode::OK, body);
        if in_part || page.is_some() {
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
        let loaded = Loaded::fetch(app, tx, caller, &rows, self.selection.as_ref())?;
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
