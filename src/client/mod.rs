//! The client brain: when a request is sent, held back, retried or given up.

pub mod spec;
