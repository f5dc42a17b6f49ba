//! The plan for people, section by section.

mod bill;
mod cash;
mod decision;
pub(crate) mod demand;
mod levers;
pub(crate) mod quota;
mod sensitivity;
mod verification;
mod whole;

pub use whole::{markdown, quota_request, terminal};
