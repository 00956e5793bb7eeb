//! Version 1 of the API: handlers that parse, call one use case and render.

pub mod api_keys;
pub mod attachments;
pub mod deals;
pub mod events;
pub mod members;
pub mod partners;
pub mod settings;
pub mod users;
pub mod whoami;
