//! The HTTP API, over a real socket.

mod api_keys;
mod authorization;
mod conventions;
mod customers;
mod deals;
mod events;
mod fields_schema;
mod idempotency;
mod ledger;
mod maps;
mod members;
mod on_sale;
mod openapi;
mod orders;
mod orders_v2;
mod partners;
mod payments;
mod places;
mod promocodes;
mod refund_requests;
mod sets;
mod settings;
mod tickets;
mod users;
mod venues;
