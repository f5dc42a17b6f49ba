//! The sections of the view of a plan.

pub mod demand;
pub mod quota;
