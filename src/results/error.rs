//! Why a results file could not be read.

use serde::Deserialize;
use thiserror::Error;

/// Why a results file could not be read. All of them end in exit code 7.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is not JSON, or lacks a field.
    #[error("not a readable `{schema}` document: {problem} (line {line}, column {column})")]
    Unreadable {
        /// The schema that was expected.
        schema: &'static str,
        /// What is wrong.
        problem: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It is a document of another kind.
    #[error("the document has the schema `{found}`, expected `{expected}`")]
    OtherSchema {
        /// What the document says.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A newer program wrote it.
    #[error(
        "the document has the schema `{found}`, and this program reads up to `{expected}`: \
         use the version of bedload that wrote it, or a newer one"
    )]
    Newer {
        /// What the document says.
        found: String,
        /// The newest schema that this program reads.
        expected: &'static str,
    },
}

impl ReadError {
    /// The error of `serde_json` with its position apart.
    pub(super) fn of_json(schema: &'static str, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let position = format!(" at line {} column {}", error.line(), error.column());
        Self::Unreadable {
            schema,
            problem: text.strip_suffix(&position).unwrap_or(&text).to_owned(),
            line: error.line(),
            column: error.column(),
        }
    }
}

#[derive(Deserialize)]
struct Head {
    schema: String,
}

/// Checks the `schema` of a JSON document before anything else of it is believed.
pub(super) fn expect_schema(text: &str, expected: &'static str) -> Result<(), ReadError> {
    let head: Head =
        serde_json::from_str(text).map_err(|error| ReadError::of_json(expected, &error))?;
    if head.schema == expected {
        return Ok(());
    }
    let parts = |schema: &str| -> Option<(String, u64)> {
        let (kind, major) = schema.rsplit_once('/')?;
        Some((kind.to_owned(), major.parse().ok()?))
    };
    let newer = match (parts(&head.schema), parts(expected)) {
        (Some((found, its)), Some((kind, ours))) => found == kind && its > ours,
        _ => false,
    };
    let found = head.schema;
    Err(if newer {
        ReadError::Newer { found, expected }
    } else {
        ReadError::OtherSchema { found, expected }
    })
}
