//! Model invocation logs of Bedrock: JSON lines (user guide, model-invocation-logging).
//!
//! A line becomes a [`LoggedCall`], that a [`CallRow`] of plain numbers, and rows in order of time become records
//! in a [`Weaver`]. [`read_records`] does all of it in memory; who reads more than fits there sorts rows by
//! himself.

mod answer;
mod document;
mod line;
mod names;
mod prompt;
mod row;
mod salt;
mod weave;

use std::collections::BTreeMap;
use std::io::BufRead;

pub use document::{is_document, records_in};
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
pub(super) fn read_records(mut bytes: impl BufRead) -> Result<Reading, TraceError> {
    let mut log = Log::default();
    let mut all = Vec::new();
    // What was read before a file breaks off is read nevertheless.
    let cut = bytes.read_to_end(&mut all).err();
    let document = std::str::from_utf8(&all).ok().and_then(records_in);
    if let Some(records) = document {
        for (line, text) in (1..).zip(&records) {
            log.take(line, text);
        }
    } else {
        log.take_lines(all.as_slice());
    }
    if let Some(error) = cut {
        log.skip(broken_off(&error));
    }
    let Some(salt) = log.salt else {
        if log.error.is_empty() {
            log.error.push(RowProblem::new(
                "the file holds no calls",
                "give a log with at least one record",
            ));
        }
        return Err(log.error);
    };
    let backwards = log
        .rows
        .windows(2)
        .filter(|two| two[1].at_us < two[0].at_us);
    let out_of_order = backwards.count() as u64;
    Ok(Reading {
        recorded: Recorded {
            out_of_order,
            ..recorded(log.rows, log.names, log.skipped, salt, BLOCK_TOKENS)
        },
        problems: log.error,
    })
}

/// The problem of a file that cannot be read to its end.
pub fn broken_off(error: &std::io::Error) -> RowProblem {
    RowProblem::new(
        "the file breaks off",
        format!("copy it again ({error}); the calls before that are taken"),
    )
}

/// What was read of a log so far.
#[derive(Default)]
struct Log {
    rows: Vec<CallRow>,
    names: Names,
    skipped: BTreeMap<String, u64>,
    error: TraceError,
    salt: Option<Salt>,
}

impl Log {
    fn skip(&mut self, problem: RowProblem) {
        *self.skipped.entry(problem.message.clone()).or_insert(0) += 1;
        self.error.push(problem);
    }

    fn take(&mut self, line: u64, text: &str) {
        match parse_line(text) {
            Ok(call) => {
                let first = || Salt::of(call.request_id.as_bytes());
                let salt = *self.salt.get_or_insert_with(first);
                self.rows.push(row_of(&call, &mut self.names, &[], salt));
            }
            Err(problem) => self.skip(problem.line(line)),
        }
    }

    fn take_lines(&mut self, bytes: &[u8]) {
        let mut lines = Lines::new(bytes);
        loop {
            match lines.next() {
                Ok(None) => return,
                Ok(Some((line, text))) => self.take(line, text),
                Err(problem) => {
                    let readable = problem.line.is_some();
                    self.skip(problem);
                    if !readable {
                        return;
                    }
                }
            }
        }
    }
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
    let mut weaver = Weaver::new(salt, block_tokens, &names.models);
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
