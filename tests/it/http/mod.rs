//! The HTTP API, over a real socket.

mod api_keys;
mod authorization;
mod conventions;
mod customers;
mod deals;
mod events;
mod fields_schema;
mod idempotency;
mod members;
mod openapi;
mod partners;
mod promocodes;
mod sets;
mod settings;
mod tickets;
mod users;
