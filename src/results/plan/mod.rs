//! `plan.json`, part by part.

mod sensitivity;
mod verification;

pub use sensitivity::*;
pub use verification::*;
