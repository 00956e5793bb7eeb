//! The arrows.
