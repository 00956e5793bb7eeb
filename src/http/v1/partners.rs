//! `/v1/resources/partners`

use axum::body::Body;
use axum::http::{Response, StatusCode};

use crate::app::attachments::Named;
use crate::app::partners::{self, Changes, Filter, PartnerView};
use crate::domain::contact::Contact;
use crate::domain::id::PartnerId;
use crate::domain::partner::Role;
use crate::http::call::{Anyone, Manager, Member};
use crate::http::error::Error;
use crate::http::fields::{Type, partners::ROLES, shapes, shapes_without};
use crate::http::input::{BodyDoc, Input, JsonBody, attachment, boolean, long, parsed, short};
use crate::http::path::PathId;
use crate::http::query::Param;
use crate::http::reading::{Reading, Source};
use crate::http::writing::Writing;

/// Parameters of the list.
pub const LIST: &[Param] = &[
    Param::new("ids", Type::Ids, "Only these partners"),
    Param::new("role", Type::Words(ROLES), "Only partners with one of these roles"),
    Param::new("tags", Type::Texts, "Only partners with one of these tags"),
    Param::new("suggest", Type::Text, "Only partners whose name holds this, in any case"),
    Param::new("removed", Type::Bool, "Only removed partners, or only others (unless given)"),
];
/// The body of a new partner.
pub const POST: BodyDoc =
    BodyDoc { shapes: || shapes_without::<PartnerView>(&["removed"]), extra: &[], required: &["name"] };
/// The body of a change.
pub const PATCH: BodyDoc = BodyDoc { shapes: shapes::<PartnerView>, extra: &[], required: &[] };

/// The most items of a list in a body.
pub const LIST_MAX: usize = 100;

/// GET of the list.
pub async fn list(call: Reading<Member>) -> Result<Response<Body>, Error> {
    let filter = call.query(LIST, |query| Filter {
        ids: query.many("ids"),
        roles: query.many::<Role>("role").unwrap_or_default().into_iter().collect(),
        tags: query.many_as("tags", |tag| Ok(tag.to_owned())).unwrap_or_default(),
        suggest: query.text("suggest"),
        removed: query.flag("removed").unwrap_or(false),
    });
    let source = Source {
        rows: |_, tx, caller, filter, window| partners::list(tx, caller, filter, window),
        count: partners::count,
        id: |view: &PartnerView| view.partner.id,
    };
    call.list(filter, source).await
}

/// GET of one.
pub async fn get(call: Reading<Member>, id: PathId<PartnerId>) -> Result<Response<Body>, Error> {
    call.one(move |tx, caller| partners::get(tx, caller, id.get()?)).await
}

/// POST: creates a partner of the caller's.
pub async fn create(call: Writing<Anyone>, body: JsonBody) -> Result<Response<Body>, Error> {
    let changes = call.body(&body, &POST, changes);
    let id = call.app().new_id();
    call.one(StatusCode::CREATED, &body, changes, move |tx, caller, changes| partners::create(tx, caller, id, changes))
        .await
}

/// PATCH: changes it, all or nothing.
pub async fn change(call: Writing<Manager>, id: PathId<PartnerId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let changes = call.body(&body, &PATCH, changes);
    call.one(StatusCode::OK, &body, changes, move |tx, caller, changes| {
        partners::change(tx, caller, id.get()?, changes)
    })
    .await
}

/// DELETE: removes it.
pub async fn remove(call: Writing<Manager>, id: PathId<PartnerId>) -> Result<Response<Body>, Error> {
    call.done(move |tx, caller| partners::remove(tx, caller, id.get()?)).await
}

fn changes(input: &mut Input<'_>) -> Option<Changes> {
    let contact = match input.object::<Contact>("contact") {
        Some(Some(contact)) => match contact.checked() {
            Ok(contact) => Some(Some(contact)),
            Err((path, invalid)) => {
                input.wrong(&format!("contact.{path}"), invalid);
                None
            }
        },
        given => given,
    };
    Some(Changes {
        name: input.given("name", parsed),
        roles: input.list("roles", LIST_MAX, parsed::<Role>).map(|roles| roles.into_iter().collect()),
        description: input.nullable("desc", long),
        channels: input.nullable("channels", long),
        director: input.nullable("director", short),
        contact,
        legal: input.object("legal"),
        tags: input.list("tags", LIST_MAX, parsed),
        media: input.list("media", LIST_MAX, attachment).map(|ids| {
            let named = |(at, id)| Named { field: format!("media[{at}]"), id };
            ids.into_iter().enumerate().map(named).collect()
        }),
        removed: input.given("removed", boolean),
    })
}
