//! `report.json`: everything that the report page shows, as data.
//!
//! The page, the Markdown and the pictures are drawn from this document alone, so a number that a
//! reader sees is a number that a program can find here. Values are kept unrounded; views round.

mod figure;

use super::error::{ReadError, expect_schema};
use serde::{Deserialize, Serialize};

pub use figure::{Axis, Figure, Layer, Mark, Scale, Unit};

/// The schema that this program writes.
pub const REPORT_SCHEMA: &str = "bedload.report/1";

/// A report over one or more results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// [`REPORT_SCHEMA`].
    pub schema: String,
    /// What the report is of, such as the scenario's name.
    pub title: String,
    /// The question that was asked; may be empty.
    pub question: String,
    /// The answer in one to three sentences; comes first.
    pub verdict: Vec<String>,
    /// Whether the objectives are met; `null` where nothing was judged.
    pub met: Option<bool>,
    /// What a reader should know before trusting the figures.
    pub warnings: Vec<String>,
    /// The chapters, in the order of reading.
    pub sections: Vec<Section>,
    /// Where the figures come from and how to get them again.
    pub origin: Vec<Origin>,
}

/// A chapter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Section {
    /// A word for links, unique in the report, such as `latency`.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// Sentences before its pictures.
    pub text: Vec<String>,
    /// Its tables and pictures, in the order of reading.
    pub blocks: Vec<Block>,
}

/// What a chapter holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "a report has some tens of blocks, most of them figures"
)]
pub enum Block {
    /// A table.
    Table(Table),
    /// A picture with the table behind it.
    Figure(Figure),
    /// Something to move; the page computes what follows from it, and shows it as text without scripts.
    Lever(Lever),
    /// Terms with what they mean, such as the definitions of metrics.
    Definitions(Vec<(String, String)>),
}

/// A table whose cells are values, not text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Table {
    /// A word for links, unique in the report.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// Column heads with their units; the first column names the row.
    pub columns: Vec<Column>,
    /// Rows, each with as many cells as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

/// The head of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Column {
    /// What it holds.
    pub title: String,
    /// The unit of its numbers.
    pub unit: Unit,
}

/// One value of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Cell {
    /// Not available; written as a dash.
    Absent,
    /// A number in the unit of its column.
    Number(f64),
    /// A word.
    Text(String),
}

/// A slider of the page with what follows from it in closed form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Lever {
    /// A word for links, unique in the report.
    pub id: String,
    /// The question, such as "At which price does reserving pay?".
    pub title: String,
    /// What is moved.
    pub label: String,
    /// Its unit.
    pub unit: Unit,
    /// Least, greatest and present position.
    pub range: [f64; 3],
    /// What follows: by position, computed here; the page draws a straight line between two positions.
    pub outcomes: Vec<Outcome>,
}

/// What follows from a lever's position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outcome {
    /// What it is, such as "monthly cost".
    pub label: String,
    /// Its unit.
    pub unit: Unit,
    /// Position and value, ascending in the position, from the least to the greatest one.
    pub points: Vec<(f64, f64)>,
}

/// Where figures come from and how to get them again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Origin {
    /// The result, as the user named it.
    pub result: String,
    /// The command that makes it again.
    pub command: String,
    /// Program version, seed, scenario hash, profiles and price books with their dates: name and value.
    pub facts: Vec<(String, String)>,
}

impl Report {
    /// The document as it stands in `report.json`: indented, with a line break at the end.
    #[expect(clippy::missing_panics_doc, reason = "it cannot fail")]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("plain structs with string keys always serialise");
        text.push('\n');
        text
    }
}

/// Reads `report.json`.
///
/// # Errors
/// If it is another document, or not one at all.
pub fn read_report(text: &str) -> Result<Report, ReadError> {
    expect_schema(text, REPORT_SCHEMA)?;
    serde_json::from_str(text).map_err(|error| ReadError::of_json(REPORT_SCHEMA, &error))
}

#[cfg(test)]
mod tests;
