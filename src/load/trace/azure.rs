//! The Azure LLM inference traces: `TIMESTAMP,ContextTokens,GeneratedTokens`.

use std::io::BufRead;

use super::columns::read_csv;
use super::error::TraceError;
use super::{Columns, TimeUnit, Trace};

/// Reads the CSV; time stamps have up to seven digits of a second and no zone.
pub(super) fn read(bytes: impl BufRead) -> Result<Trace, TraceError> {
    read_csv(&columns(), bytes)
}

/// The columns of the traces.
pub(super) fn columns() -> Columns {
    Columns {
        at: "TIMESTAMP".to_owned(),
        at_unit: TimeUnit::Timestamp,
        input: "ContextTokens".to_owned(),
        output: "GeneratedTokens".to_owned(),
        session: None,
    }
}
