//! The API on one page: every path with its handler and its documentation.

pub mod answer;
pub mod call;
pub mod context;
mod cookie;
mod docs;
pub mod error;
pub mod fields;
pub mod input;
pub mod layers;
pub mod media;
pub mod openapi;
pub mod path;
pub mod query;
pub mod reading;
pub mod route;
pub mod upload;
pub mod v1;
pub mod writing;

use std::collections::BTreeMap;

use axum::Router;
use axum::http::Method;
use axum::response::Redirect;
use axum::routing::{MethodRouter, get};

use crate::app::App;
use crate::app::api_keys::ApiKey;
use crate::app::attachments::AttachmentView;
use crate::app::partners::PartnerView;
use crate::app::settings::SettingsView;
use crate::app::users::UserView;
use crate::domain::deal::Deal;
use crate::domain::event::Event;
use crate::domain::member::Member;
use layers::Api;
use route::Route;
use v1::{api_keys, attachments, deals, events, members, partners, settings, users, whoami};

pub use openapi::openapi_json;

/// Every route.
pub fn routes() -> Vec<Route> {
    let sections: [(&'static str, Vec<Route>); 9] = [
        (
            "Partners",
            vec![
                Route::get("/v1/resources/partners", partners::list, "Lists partners")
                    .list::<PartnerView>(partners::LIST),
                Route::post("/v1/resources/partners", partners::create, "Creates a partner that the caller owns")
                    .body(&partners::POST)
                    .one::<PartnerView>()
                    .created(),
                Route::get("/v1/resources/partners/{idpartner}", partners::get, "Shows a partner").one::<PartnerView>(),
                Route::patch("/v1/resources/partners/{idpartner}", partners::change, "Changes a partner")
                    .body(&partners::PATCH)
                    .one::<PartnerView>()
                    .errors(&[409]),
                Route::delete("/v1/resources/partners/{idpartner}", partners::remove, "Removes a partner")
                    .errors(&[409]),
            ],
        ),
        (
            "Settings",
            vec![
                Route::get("/v1/resources/partners/{idpartner}/settings", settings::get, "Shows a partner's settings")
                    .one::<SettingsView>(),
                Route::patch(
                    "/v1/resources/partners/{idpartner}/settings",
                    settings::change,
                    "Changes a partner's settings",
                )
                .body(&settings::PATCH)
                .one::<SettingsView>(),
            ],
        ),
        (
            "Members",
            vec![
                Route::get(
                    "/v1/resources/partners/{idpartner}/members",
                    members::list,
                    "Lists the users who act for a partner",
                )
                .list::<Member>(&[]),
                Route::post("/v1/resources/partners/{idpartner}/members", members::add, "Makes a user a member")
                    .body(&members::POST)
                    .one::<Member>()
                    .created()
                    .errors(&[409]),
                Route::patch(
                    "/v1/resources/partners/{idpartner}/members/{iduser}",
                    members::change,
                    "Gives a member another role",
                )
                .body(&members::PATCH)
                .one::<Member>()
                .errors(&[409]),
                Route::delete(
                    "/v1/resources/partners/{idpartner}/members/{iduser}",
                    members::remove,
                    "Takes a member out",
                )
                .errors(&[409]),
            ],
        ),
        (
            "API keys",
            vec![
                Route::get(
                    "/v1/resources/partners/{idpartner}/api_keys",
                    api_keys::list,
                    "Lists a partner's working keys",
                )
                .list::<ApiKey>(api_keys::LIST),
                Route::post("/v1/resources/partners/{idpartner}/api_keys", api_keys::create, "Makes a key")
                    .body(&api_keys::POST)
                    .one::<ApiKey>()
                    .created(),
                Route::get("/v1/resources/partners/{idpartner}/api_keys/{idkey}", api_keys::get, "Shows a key")
                    .one::<ApiKey>(),
                Route::patch(
                    "/v1/resources/partners/{idpartner}/api_keys/{idkey}",
                    api_keys::change,
                    "Gives a key another name",
                )
                .body(&api_keys::PATCH)
                .one::<ApiKey>(),
                Route::delete(
                    "/v1/resources/partners/{idpartner}/api_keys/{idkey}",
                    api_keys::remove,
                    "Makes a key stop working, at once",
                ),
            ],
        ),
        (
            "Deals",
            vec![
                Route::get("/v1/resources/deals", deals::list, "Lists the caller's deals").list::<Deal>(deals::LIST),
                Route::post("/v1/resources/deals", deals::propose, "Proposes a deal")
                    .body(&deals::POST)
                    .one::<Deal>()
                    .errors(&[409]),
                Route::get("/v1/resources/deals/{iddeal}", deals::get, "Shows a deal").one::<Deal>(),
                Route::patch(
                    "/v1/resources/deals/{iddeal}",
                    deals::change,
                    "Accepts, rejects, cancels, closes or hands over a deal",
                )
                .body(&deals::PATCH)
                .one::<Deal>()
                .errors(&[409]),
            ],
        ),
        (
            "Events",
            vec![
                Route::get("/v1/resources/events", events::list, "Lists the events that the caller may read")
                    .list::<Event>(events::LIST),
                Route::post("/v1/resources/events", events::create, "Creates an event of the caller's")
                    .body(&events::POST)
                    .one::<Event>(),
                Route::get("/v1/resources/events/{idevent}", events::get, "Shows an event").one::<Event>(),
                Route::patch("/v1/resources/events/{idevent}", events::change, "Changes an event")
                    .body(&events::PATCH)
                    .one::<Event>(),
                Route::delete("/v1/resources/events/{idevent}", events::remove, "Removes an event and ends its deals"),
            ],
        ),
        (
            "Attachments",
            vec![
                Route::get("/v1/resources/attachments", attachments::list, "Lists the files that the caller uploaded")
                    .list::<AttachmentView>(&[]),
                Route::post("/v1/resources/attachments", attachments::upload, "Uploads a file of up to 20 MiB")
                    .upload()
                    .one::<AttachmentView>(),
                Route::get("/v1/resources/attachments/{idatt}", attachments::get, "Shows an attachment")
                    .one::<AttachmentView>(),
                Route::delete("/v1/resources/attachments/{idatt}", attachments::remove, "Removes an attachment")
                    .errors(&[409]),
                Route::get(
                    "/v1/resources/attachment/{idatt}",
                    attachments::get,
                    "The same as /v1/resources/attachments/{idatt}",
                )
                .one::<AttachmentView>(),
                Route::delete(
                    "/v1/resources/attachment/{idatt}",
                    attachments::remove,
                    "The same as /v1/resources/attachments/{idatt}",
                )
                .errors(&[409]),
            ],
        ),
        (
            "Users and sessions",
            vec![
                Route::post("/v1/resources/users", users::register, "Registers a user")
                    .body(&users::POST)
                    .one::<UserView>()
                    .created()
                    .open()
                    .errors(&[409, 429]),
                Route::get("/v1/resources/users/{user_id}", users::get, "Shows the user who is signed in")
                    .one::<UserView>(),
                Route::patch("/v1/resources/users/{user_id}", users::change, "Changes the user who is signed in")
                    .body(&users::PATCH)
                    .one::<UserView>()
                    .errors(&[409]),
                Route::post("/v1/services/whoami", whoami::sign_in, "Signs in and sets the cookie auth_tkt")
                    .body(&whoami::POST)
                    .one::<UserView>()
                    .open()
                    .errors(&[401, 429]),
                Route::get("/v1/services/whoami", whoami::show, "Shows the user who is signed in").one::<UserView>(),
                Route::delete("/v1/services/whoami", whoami::sign_out, "Signs out and clears the cookie").open(),
            ],
        ),
        (
            "Documentation",
            vec![
                Route::get("/openapi.json", openapi::document, "The API as an OpenAPI document")
                    .open()
                    .other("application/json"),
                Route::get("/docs", docs::page, "The API for reading").open().other("text/html"),
            ],
        ),
    ];
    sections.into_iter().flat_map(|(tag, routes)| routes.into_iter().map(move |route| route.tag(tag))).collect()
}

/// The whole API as one service.
pub fn service(app: App) -> Api {
    let mut paths: BTreeMap<&'static str, (Vec<Method>, MethodRouter<App>)> = BTreeMap::new();
    for route in routes() {
        let (methods, handlers) = paths.entry(route.path).or_default();
        methods.push(route.method);
        *handlers = std::mem::take(handlers).merge(route.handler);
    }
    let mut router = Router::new();
    for (path, (methods, handlers)) in paths {
        let handlers = layers::answer_every_method(handlers, &methods);
        // A trailing slash is the same resource.
        router = router.route(&format!("{path}/"), handlers.clone()).route(path, handlers);
    }
    // Who opens the bare address in a browser wants to know what this is.
    let welcome = layers::answer_every_method(get(async || Redirect::to("/docs")), &[Method::GET]);
    router = router.route("/", welcome);
    // The files have addresses of their own, which attachments name.
    let files = layers::answer_every_method(get(media::serve), &[Method::GET]);
    router = router.route(media::PATH, files);
    Api::new(router.fallback(layers::not_found).with_state(app))
}
