//! `/v1/resources/partners/{idpartner}/api_keys`

use axum::body::Body;
use axum::http::{Response, StatusCode};

use crate::app::api_keys::{self, ApiKey, NewKey};
use crate::domain::id::{KeyId, PartnerId};
use crate::http::call::Member;
use crate::http::error::Error;
use crate::http::fields::{Type, shapes};
use crate::http::input::{BodyDoc, JsonBody, short};
use crate::http::path::{PathId, PathIds};
use crate::http::query::Param;
use crate::http::reading::{Reading, Source};
use crate::http::writing::Writing;

/// Parameters of the list.
pub const LIST: &[Param] = &[Param::new("ids", Type::Ids, "Only these keys")];
/// The body of a new key.
pub const POST: BodyDoc = BodyDoc { shapes: shapes::<ApiKey>, extra: &[], required: &[] };
/// The body of a change.
pub const PATCH: BodyDoc = POST;

/// GET of the list.
pub async fn list(call: Reading<Member>, id: PathId<PartnerId>) -> Result<Response<Body>, Error> {
    let wish = call.query(LIST, |query| (id, query.many::<KeyId>("ids")));
    let source = Source {
        rows: |app, tx, caller, (id, ids): &(PathId<PartnerId>, Option<Vec<KeyId>>), window| {
            api_keys::list(tx, caller, &app.secret, id.get()?, ids.as_deref(), window)
        },
        count: |tx, caller, (id, ids)| api_keys::count(tx, caller, id.get()?, ids.as_deref()),
        id: |key: &ApiKey| key.id,
    };
    call.list(wish, source).await
}

/// GET of one.
pub async fn get(call: Reading<Member>, ids: PathIds<PartnerId, KeyId>) -> Result<Response<Body>, Error> {
    let app = call.app().clone();
    call.one(move |tx, caller| {
        let (partner, id) = ids.get()?;
        api_keys::get(tx, caller, &app.secret, partner, id)
    })
    .await
}

/// POST: makes a key.
pub async fn create(call: Writing<Member>, id: PathId<PartnerId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let name = call.body(&body, &POST, |input| Some(input.nullable("name", short).flatten()));
    let new = NewKey::draw(call.app())?;
    call.one(StatusCode::CREATED, &body, name, move |tx, caller, name| {
        api_keys::create(tx, caller, &new, id.get()?, name.clone())
    })
    .await
}

/// PATCH: gives a key another name.
pub async fn change(
    call: Writing<Member>,
    ids: PathIds<PartnerId, KeyId>,
    body: JsonBody,
) -> Result<Response<Body>, Error> {
    let name = call.body(&body, &PATCH, |input| Some(input.nullable("name", short)));
    let app = call.app().clone();
    call.one(StatusCode::OK, &body, name, move |tx, caller, name| {
        let (partner, id) = ids.get()?;
        api_keys::rename(tx, caller, &app.secret, partner, id, name.clone())
    })
    .await
}

/// DELETE: makes a key stop working.
pub async fn remove(call: Writing<Member>, ids: PathIds<PartnerId, KeyId>) -> Result<Response<Body>, Error> {
    call.done(move |tx, caller| {
        let (partner, id) = ids.get()?;
        api_keys::remove(tx, caller, partner, id)
    })
    .await
}
