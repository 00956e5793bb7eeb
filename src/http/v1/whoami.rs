//! `/v1/services/whoami`: signing in, seeing oneself, signing out.

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use bytes::Bytes;

use crate::app::callers::{Credentials, identify};
use crate::app::{sessions, users};
use crate::domain::user::Email;
use crate::http::call::{Anyone, Call};
use crate::http::error::Error;
use crate::http::fields::Type;
use crate::http::input::{BodyDoc, JsonBody, string};
use crate::http::query::Param;
use crate::http::reading::Reading;
use crate::http::{answer, cookie};
use crate::random;

/// The body of a sign-in.
pub const POST: BodyDoc = BodyDoc {
    shapes: Vec::new,
    extra: &[
        Param::new("email", Type::Text, "The address the user registered with"),
        Param::new("password", Type::Text, "The password"),
    ],
    required: &["email", "password"],
};

/// POST: signs in and sets the cookie.
pub async fn sign_in(call: Call, body: JsonBody) -> Result<Response<Body>, Error> {
    let (email, password) = call.body(&body, &POST, |input| {
        let email = input.given("email", |value| Ok(string(value)?.to_owned()));
        let password = input.given("password", |value| Ok(string(value)?.to_owned()));
        Some((email?, password?))
    })?;
    let email = email.parse::<Email>().ok();
    call.app.limits.sign_in(call.address, email.as_ref())?;
    let app = call.app.clone();
    let known = match email {
        Some(email) => app.store.read(move |tx| sessions::find_known(tx, &email)).await?,
        None => None,
    };
    let signing_in = match known {
        Some(known) => app.passwords.verify(&password, &known.password_hash).await?.then_some(known),
        // It takes as long, so that nobody learns who has an account.
        None => app.passwords.verify_nobody(&password).await.map(|()| None)?,
    };
    let Some(signing_in) = signing_in else {
        return Err(Error::new(StatusCode::UNAUTHORIZED, "unauthenticated", "the email or the password is wrong"));
    };
    let token = random::hex_token::<32>()?;
    let (hash, lifetime) = (app.secret.token_hash(&token), app.installation.session_lifetime);
    let secure = call.secure;
    let response = call
        .welcome(StatusCode::OK, move |tx| {
            let view = sessions::start(tx, &signing_in, &hash, lifetime)?;
            Ok((identify(tx, Credentials::Session(hash), None)?, view))
        })
        .await?;
    Ok(with_cookie(response, &token, lifetime.as_secs(), secure))
}

/// GET: the user who is signed in.
pub async fn show(call: Reading<Anyone>) -> Result<Response<Body>, Error> {
    call.one(users::myself).await
}

/// DELETE: ends the session, and clears the cookie also where there is none.
pub async fn sign_out(call: Call) -> Result<Response<Body>, Error> {
    call.no_parameters()?;
    let secure = call.secure;
    if let Some(session) = call.session {
        // Only a session that is there is the writer's business.
        if call.recognizes(session).await? {
            call.app.store.write(move |tx| sessions::end(tx, &session)).await?;
        }
    }
    Ok(with_cookie(answer::json(StatusCode::OK, Bytes::from_static(b"{}")), "", 0, secure))
}

fn with_cookie(mut response: Response<Body>, token: &str, max_age_seconds: i64, tls: bool) -> Response<Body> {
    if let Some(cookie) = cookie::set(token, max_age_seconds, tls) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
