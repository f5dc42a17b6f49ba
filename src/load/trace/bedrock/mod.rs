//! Model invocation logs of Bedrock: JSON lines (user guide, model-invocation-logging).
//!
//! A line becomes a [`LoggedCall`], that a [`CallRow`] of plain numbers, and rows in order of time become records
//! in a [`Weaver`]. [`read_records`] does all of it in memory; who reads more than fits there sorts rows by
//! himself.

mod answer;
mod line;
mod names;
mod prompt;
mod row;
mod salt;
mod weave;

use std::collections::BTreeMap;
use std::io::BufRead;

pub use line::{Bodies, LoggedCall, parse_line};
pub use names::{ModelName, model_name};
pub use prompt::Piece;
pub use row::{CallRow, Names, Renumbering, row_of};
pub use salt::Salt;
pub use weave::{Weaver, shift_in_second};

use rustc_hash::FxHashMap;

use super::error::{RowProblem, TraceError};
use super::record::Recorded;
use super::rows::Lines;
use super::sink::Reading;

/// Tokens of one block of a prompt.
pub const BLOCK_TOKENS: u32 = 512;

/// The reason under which copies of a record are counted.
pub const COPIES: &str = "a copy of an earlier record";

/// Reads a log that fits into memory. Lines that hold no call are counted by reason; a log without any call is
/// an error. Names of callers are hashed with a salt of the log's own.
pub(super) fn read_records(bytes: impl BufRead) -> Result<Reading, TraceError> {
    let mut lines = Lines::new(bytes);
    let mut skipped = BTreeMap::new();
    let mut error = TraceError::default();
    let mut names = Names::default();
    let mut rows = Vec::new();
    let mut salt = None;
    let mut skip = |problem: RowProblem| {
        *skipped.entry(problem.message.clone()).or_insert(0) += 1;
        error.push(problem);
    };
    loop {
        match lines.next() {
            Ok(None) => break,
            Ok(Some((line, text))) => match parse_line(text) {
                Ok(call) => {
                    let first = || Salt::of(call.request_id.as_bytes());
                    let salt = *salt.get_or_insert_with(first);
                    rows.push(row_of(&call, &mut names, &[], salt));
                }
                Err(problem) => skip(problem.line(line)),
            },
            Err(problem) => {
                let readable = problem.line.is_some();
                skip(problem);
                if !readable {
                    break;
                }
            }
        }
    }
    let Some(salt) = salt else {
        if error.is_empty() {
            error.push(RowProblem::new(
                "the file holds no calls",
                "give a log with at least one record",
            ));
        }
        return Err(error);
    };
    let out_of_order = rows.windows(2).filter(|two| two[1].at_us < two[0].at_us);
    let out_of_order = out_of_order.count() as u64;
    Ok(Reading {
        recorded: Recorded {
            out_of_order,
            ..recorded(rows, names, skipped, salt, BLOCK_TOKENS)
        },
        problems: error,
    })
}

/// The records of rows that are all in memory, in any order.
pub fn recorded(
    mut rows: Vec<CallRow>,
    names: Names,
    mut skipped: BTreeMap<String, u64>,
    salt: Salt,
    block_tokens: u32,
) -> Recorded {
    rows.sort_by_key(CallRow::key);
    let before = rows.len();
    rows.dedup_by(|a, b| a.id != 0 && a.key() == b.key());
    if rows.len() < before {
        let copies = (before - rows.len()) as u64;
        *skipped.entry(COPIES.to_owned()).or_insert(0) += copies;
    }
    let mut weaver = Weaver::new(salt, block_tokens);
    let mut blocks = Vec::new();
    let mut calls = Vec::with_capacity(rows.len());
    for same in rows.chunk_by(|a, b| a.at_us == b.at_us) {
        for (index, row) in same.iter().enumerate() {
            let shift = shift_in_second(row.at_us, index, same.len());
            calls.push(weaver.weave(row, shift, &mut blocks));
        }
    }
    // Numbers in order of appearance are small, which replays with several copies need.
    let mut numbers = FxHashMap::default();
    for block in &mut blocks {
        let next = numbers.len() as u32;
        *block = *numbers.entry(*block).or_insert(next);
    }
    let block_tokens = if blocks.is_empty() { 0 } else { block_tokens };
    Recorded {
        origin_unix_us: weaver.origin_us(),
        calls,
        models: names.models,
        clients: names.clients,
        places: names.places,
        blocks,
        block_tokens,
        skipped,
        ..Recorded::default()
    }
}

#[cfg(test)]
mod tests;
