//! The language of the tests: a [`Server`], the [`Actor`]s who talk to it, and what they are answered.

#[macro_use]
pub mod database;
mod actor;
mod answer;
mod build;
pub mod client;
pub mod pay;
mod sell;
mod server;
pub mod smtp;
pub mod stored;

pub use actor::{Actor, ORDERS, ORDERS_V2, order_path, set_path, sets_path, whole_path};
pub use answer::{Answer, id, ids};
pub use build::Sale;
pub use client::Request;
pub use sell::Sold;
pub use server::Server;
