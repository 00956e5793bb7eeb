//! A request that writes. It finds out who asks before the body is looked at, so that nobody unknown reaches the writer,
//! and once more in the transaction of what is written. With an `Idempotency-Key` it takes effect once.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::answer;
use super::call::{Call, Needs, render};
use super::error::Error;
use super::fields::Resource;
use super::input::{BodyDoc, Input, JsonBody};
use crate::app::idempotency::{self, Answer, Known, Once};
use crate::app::{self, App};
use crate::domain::access::Caller;
use crate::domain::id::ObjectId;
use crate::random;
use crate::store::Tx;

/// What the caller is warned of, though the request took effect.
const WARNING: HeaderName = HeaderName::from_static("x-warning");

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

    /// Takes no parameters but those of every answer with objects.
    ///
    /// # Errors
    /// 400 with `Prefer: handling=strict` for any other.
    pub fn no_fields(&self) -> Result<(), Error> {
        self.call.no_fields()
    }

    /// Does something once, and answers with one object.
    ///
    /// # Errors
    /// What is wrong with the request, and those of the use case.
    pub async fn one<W, T, F>(
        self,
        status: StatusCode,
        body: &impl AsRef<[u8]>,
        wish: Result<W, Error>,
        mut act: F,
    ) -> Result<Response<Body>, Error>
    where
        W: Send + 'static,
        T: Resource,
        F: FnMut(&mut Tx<'_>, &Caller, &W) -> Result<T, app::Error> + Send + 'static,
    {
        self.one_with_warning(status, body, wish, move |tx, caller, wish| Ok((act(tx, caller, wish)?, None))).await
    }

    /// Does something once, and answers with one object, and with a warning where there is one.
    ///
    /// # Errors
    /// What is wrong with the request, and those of the use case.
    pub async fn one_with_warning<W, T, F>(
        self,
        status: StatusCode,
        body: &impl AsRef<[u8]>,
        wish: Result<W, Error>,
        mut act: F,
    ) -> Result<Response<Body>, Error>
    where
        W: Send + 'static,
        T: Resource,
        F: FnMut(&mut Tx<'_>, &Caller, &W) -> Result<(T, Option<String>), app::Error> + Send + 'static,
    {
        let wish = wish.and_then(|wish| Ok((wish, self.call.selection::<T>()?)));
        let app = self.call.app.clone();
        self.answered(body, wish, move |tx, caller, (wish, selection)| {
            let (value, warning) = act(tx, caller, wish)?;
            let body = render(&app, tx, caller, &value, selection.as_ref())?;
            Ok(Answer { status: status.as_u16(), body, warning })
        })
        .await
    }

    /// Does something once, and answers with the JSON that it makes.
    ///
    /// # Errors
    /// What is wrong with the request, and those of the use case.
    pub async fn rendered<W, F>(
        self,
        status: StatusCode,
        body: &impl AsRef<[u8]>,
        wish: Result<W, Error>,
        mut act: F,
    ) -> Result<Response<Body>, Error>
    where
        W: Send + 'static,
        F: FnMut(&mut Tx<'_>, &Caller, &W) -> Result<Vec<u8>, Error> + Send + 'static,
    {
        self.answered(body, wish, move |tx, caller, wish| {
            Ok(Answer { status: status.as_u16(), body: act(tx, caller, wish)?, warning: None })
        })
        .await
    }

    async fn answered<W, F>(
        self,
        body: &impl AsRef<[u8]>,
        wish: Result<W, Error>,
        mut act: F,
    ) -> Result<Response<Body>, Error>
    where
        W: Send + 'static,
        F: FnMut(&mut Tx<'_>, &Caller, &W) -> Result<Answer, Error> + Send + 'static,
    {
        let Self { call, caller, .. } = self;
        let once = once_of(&call, &caller, body.as_ref())?;
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
                once_only(&call, tx, once.as_ref(), |tx| act(tx, &caller, wish.as_ref().map_err(Clone::clone)?))
            })
            .await?;
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = answer::json(status, answer.body);
        if let Some(warning) = answer.warning.and_then(|warning| HeaderValue::try_from(warning).ok()) {
            response.headers_mut().insert(WARNING, warning);
        }
        Ok(response)
    }

    /// Answers with the JSON that is made of what only has to be read: the writer is kept out of it, but for an answer that
    /// has to be kept.
    ///
    /// # Errors
    /// What is wrong with the request, and those of the use case.
    pub async fn looked<W, F>(
        self,
        status: StatusCode,
        body: &impl AsRef<[u8]>,
        wish: Result<W, Error>,
        mut look: F,
    ) -> Result<Response<Body>, Error>
    where
        W: Send + 'static,
        F: FnMut(&mut Tx<'_>, &Caller, &W) -> Result<Vec<u8>, Error> + Send + 'static,
    {
        if self.call.once.is_some() {
            return self.rendered(status, body, wish, look).await;
        }
        let (wish, call) = (wish?, self.call);
        let app = call.app.clone();
        let body = app
            .store
            .read(move |tx| {
                let caller = call.identify(tx, R::RIGHT)?;
                look(tx, &caller, &wish)
            })
            .await?;
        Ok(answer::json(status, body))
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
    call: &Call,
    tx: &mut Tx<'_>,
    once: Option<&Once>,
    act: impl FnOnce(&mut Tx<'_>) -> Result<Answer, Error>,
) -> Result<Answer, Error> {
    let Some(once) = once else { return act(tx) };
    let secret = &call.app.secret;
    match idempotency::look_up(tx, secret, once)? {
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
        Err(error) if is_kept(error.status) => {
            Answer { status: error.status.as_u16(), body: error.body(call.version), warning: None }
        }
        Err(error) => return Err(error),
    };
    idempotency::record(tx, secret, once, &answer)?;
    Ok(answer)
}

/// Whether the same request would be refused in the same way whenever it came.
fn is_kept(status: StatusCode) -> bool {
    !matches!(status.as_u16(), 401 | 403 | 409 | 429 | 500..)
}
