//! `/v1/resources/users`

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::Value;

use crate::app::customers::{self, CustomerView, Filter, Sort};
use crate::app::users::{self, Changes, Registration, UserView};
use crate::domain::access::Caller;
use crate::domain::id::UserId;
use crate::domain::invalid::Invalid;
use crate::domain::user::check_password;
use crate::http::call::{Anyone, Call, Seller};
use crate::http::error::Error;
use crate::http::fields::{Type, orders, shapes};
use crate::http::input::{BodyDoc, JsonBody, parsed, short, string};
use crate::http::path::PathId;
use crate::http::query::Param;
use crate::http::reading::{Reading, Source};
use crate::http::writing::Writing;

const PASSWORD: Param = Param::new("password", Type::Text, "At least 8 characters; never shown again");

/// The body of a registration.
pub const POST: BodyDoc = BodyDoc { shapes: shapes::<UserView>, extra: &[PASSWORD], required: &["email", "password"] };
/// The body of a change.
pub const PATCH: BodyDoc = BodyDoc { shapes: shapes::<UserView>, extra: &[PASSWORD], required: &[] };

/// Parameters of the list.
pub const LIST: &[Param] = &[
    Param::new("suggest", Type::Text, "Only customers whose address or name holds this, in any case"),
    Param::new("order_event", Type::Id, "Only customers with an order for this event"),
    Param::new(
        "order_status",
        Type::Words(orders::STATUSES),
        "Only customers whose order for the event is in these statuses",
    ),
    Param::new("sort", Type::Word(SORTS), "In which sequence; as they were first seen unless given"),
];
const SORTS: &[&str] = &["email", "-email", "suggest", "-suggest"];

/// GET of the list: the customers of the caller's orders, who are no users.
pub async fn list(call: Reading<Seller>) -> Result<Response<Body>, Error> {
    let filter = call.query(LIST, |query| Filter {
        suggest: query.text("suggest"),
        event: query.one("order_event"),
        statuses: query.many("order_status").unwrap_or_default(),
        sort: query.one_as("sort", sort).unwrap_or_default(),
    });
    let source = Source {
        rows: |app, tx, caller, filter, window| customers::list(tx, caller, &app.installation, filter, window),
        count: customers::count,
        id: |view: &CustomerView| view.customer.id,
    };
    call.list_counted(filter, source).await
}

fn sort(text: &str) -> Result<Sort, Invalid> {
    match text {
        "email" => Ok(Sort::Email),
        "-email" => Ok(Sort::EmailDown),
        "suggest" => Ok(Sort::Name),
        "-suggest" => Ok(Sort::NameDown),
        _ => Err(Invalid::out_of_range(format!("must be one of {}", SORTS.join(", ")))),
    }
}

/// POST: registers a user.
pub async fn register(call: Call, body: JsonBody) -> Result<Response<Body>, Error> {
    let (email, password, first_name, last_name) = call.body(&body, &POST, |input| {
        let (email, password) = (input.given("email", parsed), input.given("password", password));
        let first_name = input.nullable("first_name", short).flatten();
        let last_name = input.nullable("last_name", short).flatten();
        Some((email?, password?, first_name, last_name))
    })?;
    call.app.limits.register(call.address, &email)?;
    let password_hash = call.app.passwords.hash(&password).await?;
    let (id, registration) = (call.app.new_id(), Registration { email, password_hash, first_name, last_name });
    call.welcome(StatusCode::CREATED, move |tx| {
        let view = users::register(tx, id, &registration)?;
        Ok((Caller { user: Some(id), partner: None }, view))
    })
    .await
}

/// GET of one, which is the caller itself or a customer of its own.
pub async fn get(call: Reading<Anyone>, id: PathId<UserId>) -> Result<Response<Body>, Error> {
    let app = call.app().clone();
    call.one(move |tx, caller| users::get(tx, caller, &app.installation, id.get()?)).await
}

/// PATCH: changes oneself.
pub async fn change(call: Writing<Anyone>, id: PathId<UserId>, body: JsonBody) -> Result<Response<Body>, Error> {
    let given = call.body(&body, &PATCH, |input| {
        let changes = Changes {
            email: input.given("email", parsed),
            password_hash: None,
            first_name: input.nullable("first_name", short),
            last_name: input.nullable("last_name", short),
        };
        Some((changes, input.given("password", password)))
    });
    // Only for oneself is a password hashed: it costs too much to be had for the asking.
    let oneself = id.get().is_ok_and(|id| call.caller().user == Some(id));
    let changes = match given {
        Ok((changes, Some(password))) if oneself => {
            Ok(Changes { password_hash: Some(call.app().passwords.hash(&password).await?), ..changes })
        }
        Ok((changes, _)) => Ok(changes),
        Err(error) => Err(error),
    };
    let session = call.session();
    call.one(StatusCode::OK, &body, changes, move |tx, caller, changes| {
        users::change(tx, caller, session.as_ref(), id.get()?, changes)
    })
    .await
}

fn password(value: &Value) -> Result<String, Invalid> {
    let password = string(value)?;
    check_password(password)?;
    Ok(password.to_owned())
}
