//! Parterre: an open-source ticket distribution platform that speaks the TicketsCloud API.
//!
//! `ARCHITECTURE.md` is the map; dependencies point one way: [`domain`] ← [`store`] ← [`app`] ← {[`http`], [`jobs`],
//! [`cli`]}.

pub mod address;
pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod http;
pub mod jobs;
pub mod logging;
pub mod mail;
pub mod password;
pub mod payments;
pub mod places;
pub mod plan;
pub mod random;
pub mod secret;
pub mod store;
#[cfg(test)]
mod testing;

pub use parterre_domain as domain;
