//! The store, without anything above it.

mod engine;
pub mod proof;
mod stock;
