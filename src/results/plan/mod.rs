//! `plan.json`, part by part.

mod levers;

pub use levers::*;
