//! The server as its clients and its operator meet it, on both engines. `util/` is the language that these tests are
//! written in.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by them")]

#[macro_use]
mod util;

mod architecture;
mod http;
mod jobs;
mod model;
mod store;
