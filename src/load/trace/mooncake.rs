//! The Mooncake traces: JSON lines with the ids of the 512-token blocks of each prompt.
//!
//! Their time stamps are in milliseconds but quantised to 3 seconds, so bursts shorter than that
//! are not known. Rows with the same stamp are spread evenly over the 3 seconds after it (or up
//! to the next stamp, if that is sooner), in file order.

use std::io::BufRead;

use serde_json::Value;

use super::columns::{json_numbers, read_json_rows};
use super::error::{RowProblem, TraceError};
use super::rows::RawRow;
use super::{Columns, TimeUnit, Trace};

/// Tokens of one block.
const BLOCK_TOKENS: u32 = 512;
/// The grain of the time stamps in microseconds.
const GRAIN_US: u64 = 3_000_000;

/// Reads the JSON lines.
pub(super) fn read(bytes: impl BufRead) -> Result<Trace, TraceError> {
    let names = Columns {
        at: "timestamp".to_owned(),
        at_unit: TimeUnit::Millis,
        input: "input_length".to_owned(),
        output: "output_length".to_owned(),
        session: None,
    };
    let mut trace = read_json_rows(bytes, BLOCK_TOKENS, |value, sink, line| {
        let numbers = json_numbers(value, &names);
        match numbers.and_then(|n| blocks(value).map(|blocks| (n, blocks))) {
            Ok(((at_ns, input, output), blocks)) => sink.take(
                line,
                Ok(RawRow {
                    at_ns,
                    input,
                    output,
                    session: None,
                    blocks: &blocks,
                }),
            ),
            Err(problem) => sink.take(line, Err(problem)),
        }
    })?;
    spread(&mut trace);
    Ok(trace)
}

fn blocks(value: &Value) -> Result<Vec<u32>, RowProblem> {
    let problem = |message: &str| {
        RowProblem::new(message, "give an array of block numbers below 4294967296")
            .field("hash_ids")
    };
    let ids = value
        .get("hash_ids")
        .ok_or_else(|| problem("the field is missing"))?;
    let ids = ids
        .as_array()
        .ok_or_else(|| problem("not an array").value(&ids.to_string()))?;
    ids.iter()
        .map(|id| {
            let number = id.as_u64().and_then(|id| u32::try_from(id).ok());
            number.ok_or_else(|| problem("not a block number").value(&id.to_string()))
        })
        .collect()
}

fn spread(trace: &mut Trace) {
    let rows = &mut trace.rows;
    let mut start = 0;
    while start < rows.len() {
        let stamp = rows[start].at.0;
        let end = start + rows[start..].partition_point(|row| row.at.0 == stamp);
        let until_next = rows.get(end).map_or(GRAIN_US, |row| row.at.0 - stamp);
        let width = until_next.min(GRAIN_US);
        let n = (end - start) as u64;
        for (i, row) in rows[start..end].iter_mut().enumerate() {
            row.at.0 = stamp.saturating_add(i as u64 * width / n);
        }
        start = end;
    }
}
