//! The plan for people, section by section.

pub mod levers;
