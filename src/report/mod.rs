//! Pictures of results: one view, and a renderer for each medium. No statistic is computed here.

mod answers;
mod book;
pub mod calibration;
pub mod check;
pub mod compare;
mod document;
pub mod figure;
pub mod figures;
pub mod import;
pub mod lab;
mod lanes;
mod markdown;
mod number;
mod offers;
mod page;
pub mod plan;
mod regions;
mod search;
mod tags;
mod terminal;
pub mod traffic;
pub mod twin;
mod view;

pub use book::{between, report_markdown};
pub use document::{FolderError, FolderFiles, METRICS, ResultFolder, Timeline, document};
pub use markdown::markdown;
pub use number::{cell as cell_text, sparkline};
pub use page::{REPORT_PAGE, page};
pub use terminal::{Style, terminal};
pub use view::{CourseLine, Group, Row, Section, View};

#[cfg(test)]
mod tests;
