//! The HTTP API, over a real socket.

mod api_keys;
mod attachments;
mod authorization;
mod conventions;
mod deals;
mod events;
mod fields_schema;
mod idempotency;
mod members;
mod openapi;
mod partners;
mod settings;
mod users;
