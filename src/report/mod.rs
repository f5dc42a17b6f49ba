//! Pictures of results: one view, and a renderer for each medium. No statistic is computed here.

mod answers;
pub mod check;
pub mod figures;
pub mod import;
pub mod lab;
mod lanes;
mod markdown;
mod number;
mod offers;
pub mod plan;
mod regions;
mod search;
mod tags;
mod terminal;
pub mod traffic;
mod view;

pub use markdown::markdown;
pub use terminal::{Style, terminal};
pub use view::{CourseLine, Group, Row, Section, View};

#[cfg(test)]
mod tests;
