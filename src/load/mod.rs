//! Traffic: when requests start and how large they are.

pub mod spec;
pub mod trace;
