//! The plan for people, section by section.

pub mod bill;
pub mod cash;
pub mod demand;
pub mod levers;
pub mod quota;
pub mod sensitivity;
pub mod verification;
