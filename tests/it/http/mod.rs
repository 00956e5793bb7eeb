//! The HTTP API, over a real socket.

mod api_keys;
mod attachments;
mod authorization;
mod conventions;
mod deals;
mod events;
mod fields_schema;
mod idempotency;
mod maps;
mod members;
mod openapi;
mod partners;
mod places;
mod sets;
mod settings;
mod tickets;
mod users;
mod venues;
