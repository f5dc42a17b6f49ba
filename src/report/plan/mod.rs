//! The plan for people, section by section.

pub mod demand;
pub mod levers;
pub mod quota;
pub mod sensitivity;
pub mod verification;
