//! The plan for people, section by section.

pub mod sensitivity;
pub mod verification;
