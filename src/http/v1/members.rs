//! `/v1/resources/partners/{idpartner}/members`

use axum::body::Body;
use axum::http::{Response, StatusCode};

use crate::app::members;
use crate::domain::id::{PartnerId, UserId};
use crate::domain::member::Member as MemberOf;
use crate::http::call::Member;
use crate::http::error::Error;
use crate::http::fields::{Type, shapes};
use crate::http::input::{BodyDoc, JsonBody, parsed};
use crate::http::path::{PathId, PathIds};
use crate::http::query::Param;
use crate::http::reading::{Reading, Source};
use crate::http::writing::Writing;

/// The body of a new member.
pub const POST: BodyDoc = BodyDoc {
    shapes: shapes::<MemberOf>,
    extra: &[Param::new("email", Type::Text, "The address of a registered user")],
    required: &["email", "role"],
};
/// The body of a change.
pub const PATCH: BodyDoc = BodyDoc { shapes: shapes::<MemberOf>, extra: &[], required: &[] };

/// GET of the list.
pub async fn list(call: Reading<Member>, id: PathId<PartnerId>) -> Result<Response<Body>, Error> {
    let wish = call.query(&[], |_| id);
    let source = Source {
        rows: |_, tx, caller, id: &PathId<PartnerId>, window| members::list(tx, caller, id.get()?, window),
        count: |tx, caller, id| members::count(tx, caller, id.get()?),
        id: |member: &MemberOf| member.user,
    };
    call.list(wish, source).await
}

/// POST: makes a user a member.
pub async fn add(call: Writing<Member>, id: PathId<PartnerId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let wish = call.body(&body, &POST, |input| {
        let (email, role) = (input.given("email", parsed), input.given("role", parsed));
        Some((email?, role?))
    });
    call.one(StatusCode::CREATED, &body, wish, move |tx, caller, (email, role)| {
        members::add(tx, caller, id.get()?, email, *role)
    })
    .await
}

/// PATCH: gives a member another role.
pub async fn change(
    call: Writing<Member>,
    ids: PathIds<PartnerId, UserId>,
    body: JsonBody,
) -> Result<Response<Body>, Error> {
    let role = call.body(&body, &PATCH, |input| Some(input.given("role", parsed)));
    call.one(StatusCode::OK, &body, role, move |tx, caller, role| {
        let (partner, user) = ids.get()?;
        members::change(tx, caller, partner, user, *role)
    })
    .await
}

/// DELETE: takes a member out.
pub async fn remove(call: Writing<Member>, ids: PathIds<PartnerId, UserId>) -> Result<Response<Body>, Error> {
    call.done(move |tx, caller| {
        let (partner, user) = ids.get()?;
        members::remove(tx, caller, partner, user)
    })
    .await
}
