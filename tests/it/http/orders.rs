//! Orders (`spec/domain.md`, Orders; `spec/v1.md`, Orders).

on_both_engines!(Server;);
use crate::util::Server;
