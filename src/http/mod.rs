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
pub mod payments;
pub mod query;
pub mod reading;
pub mod route;
pub mod upload;
pub mod v1;
pub mod v2;
pub mod writing;

use std::collections::BTreeMap;

use axum::Router;
use axum::http::Method;
use axum::response::Redirect;
use axum::routing::{MethodRouter, get};

use crate::app::App;
use crate::app::api_keys::ApiKey;
use crate::app::attachments::AttachmentView;
use crate::app::customers::CustomerView;
use crate::app::events::EventView;
use crate::app::explain::Explanation;
use crate::app::maps::MapView;
use crate::app::offers::{Facets, Offer};
use crate::app::orders::{OrderView, WholeOrder};
use crate::app::partners::PartnerView;
use crate::app::promocodes::PromocodeView;
use crate::app::refunds::RefundView;
use crate::app::sets::SetView;
use crate::app::settings::SettingsView;
use crate::app::tickets::TicketView;
use crate::app::users::{Person, UserView};
use crate::domain::deal::Deal;
use crate::domain::ledger::{Balance, Entry, Payout};
use crate::domain::member::Member;
use crate::domain::place::Venue;
use crate::domain::refund::Refund;
use crate::places::{City, Country};
use fields::v2::PromocodeCheck;
use layers::Api;
use route::Route;
use v1::{
    api_keys, attachments, deals, events, explain, ledger, maps, members, offers, orders, partners, places, promocodes,
    refunds, sets, settings, tickets, users, venues, whoami,
};

pub use openapi::openapi_json;

/// Every route.
pub fn routes() -> Vec<Route> {
    let sections: Vec<(&'static str, Vec<Route>)> = vec![
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
                    .list::<EventView>(events::LIST),
                Route::post("/v1/resources/events", events::create, "Creates an event of the caller's")
                    .body(&events::POST)
                    .one::<EventView>(),
                Route::get("/v1/resources/events/{idevent}", events::get, "Shows an event").one::<EventView>(),
                Route::patch("/v1/resources/events/{idevent}", events::change, "Changes an event")
                    .body(&events::PATCH)
                    .one::<EventView>()
                    .errors(&[409]),
                Route::delete("/v1/resources/events/{idevent}", events::remove, "Removes an event and ends its deals")
                    .errors(&[409]),
            ],
        ),
        (
            "Attachments",
            vec![
                Route::get("/v1/resources/attachments", attachments::list, "Lists the files that the caller uploaded")
                    .list::<AttachmentView>(&[]),
                Route::post("/v1/resources/attachments", attachments::upload, "Uploads a file of up to 20 MiB")
                    .upload()
                    .one::<AttachmentView>()
                    .errors(&[429]),
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
            "Promocodes",
            vec![
                Route::get(
                    "/v1/resources/events/{idevent}/promocodes",
                    promocodes::list,
                    "Lists an event's promocodes",
                )
                .list::<PromocodeView>(&[]),
                Route::post("/v1/resources/events/{idevent}/promocodes", promocodes::create, "Makes a promocode")
                    .body(&promocodes::POST)
                    .one::<PromocodeView>()
                    .errors(&[409]),
                Route::get(
                    "/v1/resources/events/{idevent}/promocodes/{idpromocode}",
                    promocodes::get,
                    "Shows a promocode",
                )
                .one::<PromocodeView>(),
                Route::patch(
                    "/v1/resources/events/{idevent}/promocodes/{idpromocode}",
                    promocodes::change,
                    "Gives a promocode another name or description",
                )
                .body(&promocodes::PATCH)
                .one::<PromocodeView>(),
                Route::delete(
                    "/v1/resources/events/{idevent}/promocodes/{idpromocode}",
                    promocodes::remove,
                    "Removes a promocode; orders that have it keep it",
                ),
                Route::post(
                    "/v2/services/promocodes/check",
                    v2::promocodes::check,
                    "Shows what a promocode gives to orders of an event",
                )
                .body(&v2::promocodes::CHECK)
                .data::<PromocodeCheck>(),
            ],
        ),
        (
            "Sets",
            vec![
                Route::get("/v1/resources/events/{idevent}/sets", sets::list, "Lists the sets of an event")
                    .list::<SetView>(sets::LIST),
                Route::post("/v1/resources/events/{idevent}/sets", sets::create, "Makes a set with its tickets")
                    .body(&sets::POST)
                    .one::<SetView>(),
                Route::get("/v1/resources/events/{idevent}/sets/{idset}", sets::get, "Shows a set").one::<SetView>(),
                Route::patch("/v1/resources/events/{idevent}/sets/{idset}", sets::change, "Changes a set")
                    .body(&sets::PATCH)
                    .one::<SetView>(),
                Route::delete(
                    "/v1/resources/events/{idevent}/sets/{idset}",
                    sets::remove,
                    "Removes a set that nothing of is reserved or sold",
                )
                .errors(&[409]),
            ],
        ),
        (
            "Tickets",
            vec![
                Route::get("/v1/resources/events/{idevent}/tickets", tickets::list, "Lists tickets of an event")
                    .list::<TicketView>(tickets::LIST),
                Route::get("/v1/resources/events/{idevent}/tickets/{idticket}", tickets::get, "Shows a ticket")
                    .one::<TicketView>(),
                Route::get(
                    "/v1/resources/events/{idevent}/sets/{idset}/tickets",
                    tickets::list_of_set,
                    "Lists the tickets of a set",
                )
                .list::<TicketView>(tickets::LIST_OF_SET),
                Route::get(
                    "/v1/resources/events/{idevent}/sets/{idset}/tickets/{idticket}",
                    tickets::get_of_set,
                    "Shows a ticket of a set",
                )
                .one::<TicketView>(),
            ],
        ),
        (
            "Events for sale",
            vec![
                Route::get(
                    "/v1/services/simple/events",
                    offers::list,
                    "Lists the events that the caller may sell, with all that is needed to sell them",
                )
                .list::<Offer>(offers::LIST),
                Route::get(
                    "/v1/services/simple/events/{idevent}",
                    offers::get,
                    "Shows an event that the caller may sell",
                )
                .one::<Offer>(),
                Route::get(
                    "/v1/services/simple/events_filters",
                    offers::filters,
                    "Shows the places, organizers and tags of the events that the caller may sell",
                )
                .one::<Facets>(),
                Route::get("/v1/simple/events", offers::list, "The same as /v1/services/simple/events")
                    .list::<Offer>(offers::LIST),
                Route::get(
                    "/v1/simple/events/{idevent}",
                    offers::get,
                    "The same as /v1/services/simple/events/{idevent}",
                )
                .one::<Offer>(),
                Route::get(
                    "/v1/simple/events_filters",
                    offers::filters,
                    "The same as /v1/services/simple/events_filters",
                )
                .one::<Facets>(),
            ],
        ),
        (
            "Orders",
            vec![
                Route::get("/v1/resources/orders", orders::list, "Lists the orders that the caller may read")
                    .list::<OrderView>(orders::LIST),
                Route::post("/v1/resources/orders", orders::create, "Makes an order and takes tickets for it")
                    .body(&orders::POST)
                    .one::<OrderView>()
                    .created()
                    .errors(&[409]),
                Route::get("/v1/resources/orders/{idorder}", orders::get, "Shows an order").one::<OrderView>(),
                Route::patch(
                    "/v1/resources/orders/{idorder}",
                    orders::change,
                    "Changes an order's tickets, customer or payment, pays or cancels it",
                )
                .body(&orders::PATCH)
                .one::<OrderView>()
                .errors(&[409]),
                Route::delete("/v1/resources/orders/{idorder}", orders::remove, "Cancels an order"),
                Route::get("/v1/resources/orders/{idorder}/tickets", orders::tickets, "Lists the tickets of an order")
                    .list::<TicketView>(&[]),
                Route::get(
                    "/v1/resources/users/{user_id}/orders",
                    orders::list_of_customer,
                    "Lists the orders of a customer of the caller's",
                )
                .list::<OrderView>(orders::LIST_OF_CUSTOMER),
                Route::get(
                    "/v2/resources/orders",
                    v2::orders::list,
                    "Lists orders with all that is needed to show them",
                )
                .page::<WholeOrder>(v2::orders::LIST),
                Route::post("/v2/resources/orders", v2::orders::create, "Makes an order and takes tickets for it")
                    .body(&v2::orders::POST)
                    .data::<WholeOrder>()
                    .errors(&[409]),
                Route::get(
                    "/v2/resources/orders/{idorder}",
                    v2::orders::get,
                    "Shows an order with all that is needed to show it",
                )
                .data::<WholeOrder>(),
                Route::patch(
                    "/v2/resources/orders/{idorder}",
                    v2::orders::change,
                    "Changes an order, says that it is paid, or cancels it",
                )
                .body(&v2::orders::PATCH)
                .data::<WholeOrder>()
                .errors(&[409]),
                Route::post("/v2/resources/orders/export", v2::orders::export, "Has a list of orders mailed as CSV")
                    .body(&v2::orders::EXPORT)
                    .nothing()
                    .errors(&[429]),
            ],
        ),
        (
            "Money of orders",
            vec![
                Route::get(
                    "/v1/resources/orders/{idorder}/explain",
                    explain::get,
                    "Shows where each amount of an order came from",
                )
                .one::<Explanation>(),
            ],
        ),
        (
            "Refund requests",
            vec![
                Route::get("/v1/resources/refund_requests", refunds::list, "Lists the caller's refund requests")
                    .list::<RefundView>(refunds::LIST),
                Route::post("/v1/resources/refund_requests", refunds::create, "Asks for tickets of a done order back")
                    .body(&refunds::POST)
                    .one::<RefundView>()
                    .created(),
                Route::get("/v1/resources/refund_requests/{idrefund}", refunds::get, "Shows a refund request")
                    .one::<RefundView>(),
                Route::patch(
                    "/v1/resources/refund_requests/{idrefund}",
                    refunds::change,
                    "Approves or rejects a refund request",
                )
                .body(&refunds::PATCH)
                .one::<RefundView>()
                .errors(&[409]),
                Route::get(
                    "/v2/resources/refund_requests",
                    v2::refunds::list,
                    "Lists the caller's refund requests with all that is needed to show them",
                )
                .page::<Refund>(v2::refunds::LIST),
                Route::post(
                    "/v2/resources/refund_requests",
                    v2::refunds::create,
                    "Asks for tickets of a done order back",
                )
                .body(&v2::refunds::POST)
                .data::<Refund>(),
                Route::get(
                    "/v2/resources/refund_requests/{idrefund}",
                    v2::refunds::get,
                    "Shows a refund request with all that is needed to show it",
                )
                .data::<Refund>(),
                Route::patch(
                    "/v2/resources/refund_requests/{idrefund}",
                    v2::refunds::change,
                    "Approves or rejects a refund request",
                )
                .body(&v2::refunds::PATCH)
                .data::<Refund>()
                .errors(&[409]),
            ],
        ),
        (
            "Ledger",
            vec![
                Route::get("/v1/resources/balances", ledger::balances, "Lists what the caller is owed and owes")
                    .list::<Balance>(ledger::BALANCES),
                Route::get("/v1/resources/entries", ledger::entries, "Lists the entries on the caller's account")
                    .list::<Entry>(ledger::ENTRIES),
                Route::get("/v1/resources/payouts", ledger::payouts, "Lists payouts from and to the caller")
                    .list::<Payout>(ledger::PAYOUTS),
                Route::post("/v1/resources/payouts", ledger::record, "Records that one partner paid another")
                    .body(&ledger::POST)
                    .one::<Payout>()
                    .created(),
            ],
        ),
        (
            "Payments",
            vec![
                Route::post(
                    "/payments/test/callback",
                    payments::callback,
                    "Tells what became of a payment: signed, by the payment system for tests",
                )
                .body(&payments::CALLBACK)
                .other("application/json")
                .open()
                .errors(&[400, 403, 413, 415, 503]),
                Route::get("/payments/test/{idpayment}", payments::page, "The page of the payment system for tests")
                    .open()
                    .other("text/html")
                    .errors(&[404]),
                Route::post("/payments/test/{idpayment}", payments::choose, "Pays on that page, or does not")
                    .open()
                    .other("text/html")
                    .redirects()
                    .errors(&[400, 404, 413]),
            ],
        ),
        (
            "Venues, maps and places",
            vec![
                Route::get("/v1/resources/venues", venues::list, "Lists the places where events are held")
                    .list::<Venue>(venues::LIST),
                Route::post("/v1/resources/venues", venues::create, "Describes a venue")
                    .body(&venues::POST)
                    .one::<Venue>(),
                Route::get("/v1/resources/venues/{idvenue}", venues::get, "Shows a venue").one::<Venue>(),
                Route::patch("/v1/resources/venues/{idvenue}", venues::change, "Changes a venue")
                    .body(&venues::PATCH)
                    .one::<Venue>(),
                Route::delete("/v1/resources/venues/{idvenue}", venues::remove, "Removes a venue").errors(&[409]),
                Route::get("/v1/resources/maps", maps::list, "Lists the plans of halls").list::<MapView>(maps::LIST),
                Route::post("/v1/resources/maps", maps::create, "Describes a hall with its sectors, rows and seats")
                    .body(&maps::POST)
                    .one::<MapView>(),
                Route::get("/v1/resources/maps/{idmap}", maps::get, "Shows a map with its seats").one::<MapView>(),
                Route::patch(
                    "/v1/resources/maps/{idmap}",
                    maps::change,
                    "Changes a map's name, description or venue; its seats never change",
                )
                .body(&maps::PATCH)
                .one::<MapView>(),
                Route::delete("/v1/resources/maps/{idmap}", maps::remove, "Removes a map").errors(&[409]),
                Route::get(
                    "/v1/resources/maps/{idmap}/svg",
                    maps::svg,
                    "Draws a map; the id of each seat is <sector>-<place of the row>-<place of the seat>, from 0",
                )
                .other("image/svg+xml")
                .errors(&[401, 403, 404, 406, 503]),
                Route::get("/v1/resources/countries", places::countries, "Lists the countries of the world")
                    .list::<Country>(places::COUNTRIES)
                    .open(),
                Route::get("/v1/resources/cities", places::cities, "Lists the cities of the world")
                    .list::<City>(places::CITIES)
                    .open(),
            ],
        ),
        (
            "Users and sessions",
            vec![
                Route::get("/v1/resources/users", users::list, "Lists the customers of the caller's orders")
                    .list::<CustomerView>(users::LIST),
                Route::post("/v1/resources/users", users::register, "Registers a user")
                    .body(&users::POST)
                    .one::<UserView>()
                    .created()
                    .open()
                    .errors(&[409, 429]),
                Route::get(
                    "/v1/resources/users/{user_id}",
                    users::get,
                    "Shows the user who is signed in, or a customer of the caller's",
                )
                .one::<Person>(),
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
    let words = paths.keys().chain([&media::PATH]).flat_map(|path| path.split('/')).collect();
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
    Api::new(router.fallback(layers::not_found).with_state(app), words)
}
