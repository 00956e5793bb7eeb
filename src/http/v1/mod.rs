//! Version 1 of the API: handlers that parse, call one use case and render.

pub mod api_keys;
pub mod attachments;
pub mod deals;
pub mod events;
pub mod explain;
pub mod ledger;
pub mod maps;
pub mod members;
pub mod offers;
pub mod orders;
pub mod partners;
pub mod places;
pub mod promocodes;
pub mod refunds;
pub mod sets;
pub mod settings;
pub mod tickets;
pub mod users;
pub mod venues;
pub mod whoami;
