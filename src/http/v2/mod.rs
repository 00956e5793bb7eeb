//! Version 2 of the API: the same objects and rules as version 1, in answers that hold everything needed to show them
//! (`spec/v2.md`).
//!
//! A handler is like one of version 1, but renders by [`envelope`]. What it answers with is described by a
//! [`Resource`](super::fields::Resource) table too, whose references are always ids: the objects they name are collected by
//! [`refs`]. Errors get their form on the way out, by the path.

pub mod envelope;
pub mod orders;
pub mod promocodes;
pub mod refs;
pub mod refunds;
