//! The plan for people, section by section.

mod bill;
mod cash;
mod decision;
mod demand;
mod levers;
mod quota;
mod sensitivity;
mod verification;
mod whole;

pub use whole::{markdown, quota_request, terminal};
