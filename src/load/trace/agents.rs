//! Traces of agent sessions: conversations of many calls whose prompt grows, without their text.
//!
//! Two shapes are known by their headers. One has a clock of its own for each session (`trace,agent,t_s,…`), the
//! other one clock for all (`session,received_ms,end_ms,…`).

use std::borrow::Cow;
use std::io::BufRead;

use rustc_hash::FxHashMap;

use super::TimeUnit;
use super::columns::time;
use super::error::{RowProblem, TraceError};
use super::mapped::{Cell, csv_rows, maybe_zero};
use super::record::Record;
use super::rows::Lines;
use super::sink::{Reading, RecordSink};
use crate::units::Micros;

/// Tokens of the blocks that stand for prefixes.
const BLOCK_TOKENS: u32 = 512;
/// Blocks of one prompt; what is behind them is told by no block.
const BLOCKS_MAX: u32 = 1 << 16;

/// Reads either shape.
pub(super) fn read(mut bytes: impl BufRead) -> Result<Reading, TraceError> {
    let mut all = Vec::new();
    bytes.read_to_end(&mut all).map_err(|error| {
        RowProblem::new(
            format!("cannot be read: {error}"),
            "check that the file is whole and readable",
        )
    })?;
    let is_one_clock = match Lines::new(all.as_slice()).next()? {
        Some((_, header)) => header.contains("received_ms"),
        None => false,
    };
    if is_one_clock {
        one_clock(&all)
    } else {
        own_clocks(&all)
    }
}

fn needed<'r>(cell: &Cell<'r>, name: &str) -> Result<Cow<'r, str>, RowProblem> {
    cell(name).filter(|text| !text.is_empty()).ok_or_else(|| {
        RowProblem::new(
            "a field is missing",
            format!("each row needs a value of `{name}`"),
        )
        .field(name)
    })
}

fn count(cell: &Cell<'_>, name: &str) -> Result<u32, RowProblem> {
    maybe_zero(&needed(cell, name)?, name)
}

fn span(cell: &Cell<'_>, name: &str, unit: TimeUnit) -> Result<Option<Micros>, RowProblem> {
    let Some(text) = cell(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let ns = time(&text, unit, name)?;
    Ok(u64::try_from(ns / 1000).ok().map(Micros))
}

/// Sessions that all begin at zero. An agent of a session is a conversation of its own; the leading tokens that a
/// call shares with the one before it in its conversation count as read from a cache, as they are where clients
/// set cache points, and are its first blocks.
fn own_clocks(bytes: &[u8]) -> Result<Reading, TraceError> {
    let columns = [
        "trace",
        "agent",
        "t_s",
        "model",
        "input_tokens",
        "output_tokens",
        "reused_prefix_tokens",
    ];
    let mut sink = RecordSink::default();
    sink.session_clock();
    sink.block_tokens(BLOCK_TOKENS);
    let mut prompts: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    let mut next_block = 0u32;
    csv_rows(bytes, &columns, &mut sink, |sink, cell| {
        if cell("dup").is_some_and(|dup| dup == "1") {
            sink.count("a copy of an earlier row");
            return Ok(());
        }
        let at_ns = time(&needed(cell, "t_s")?, TimeUnit::Seconds, "t_s")?;
        let input = count(cell, "input_tokens")?;
        let reused = count(cell, "reused_prefix_tokens")?.min(input);
        let output = count(cell, "output_tokens")?;
        let ttft = span(cell, "ttft_s", TimeUnit::Seconds)?;
        let latency = span(cell, "api_time_s", TimeUnit::Seconds)?;
        let (trace, agent) = (needed(cell, "trace")?, needed(cell, "agent")?);
        let session = sink.session(Some(&format!("{trace}\0{agent}")));
        let group = cell("group").filter(|group| !group.is_empty());
        let prompt = prompts.entry(session).or_default();
        prompt.truncate((reused / BLOCK_TOKENS) as usize);
        while (prompt.len() as u32) < input.div_ceil(BLOCK_TOKENS).min(BLOCKS_MAX) {
            prompt.push(next_block);
            next_block = next_block.wrapping_add(1);
        }
        let call = Record {
            model: sink.models.of(&needed(cell, "model")?) as u16,
            client: sink.clients.of(&group.unwrap_or(trace)),
            session,
            input: input - reused,
            cache_read: reused,
            output,
            ttft,
            latency,
            streamed: cell("type").map(|kind| kind == "s"),
            ..Record::default()
        };
        sink.take(at_ns, call, prompt);
        Ok(())
    })?;
    sink.finish()
}

/// Sessions on one clock, with the cached tokens of each call.
fn one_clock(bytes: &[u8]) -> Result<Reading, TraceError> {
    let columns = [
        "session",
        "received_ms",
        "model",
        "input_tokens",
        "output_tokens",
        "cached_tokens",
    ];
    let mut sink = RecordSink::default();
    csv_rows(bytes, &columns, &mut sink, |sink, cell| {
        let at_ns = time(
            &needed(cell, "received_ms")?,
            TimeUnit::Millis,
            "received_ms",
        )?;
        let input = count(cell, "input_tokens")?;
        let cached = count(cell, "cached_tokens")?.min(input);
        let output = count(cell, "output_tokens")?;
        let ttft = span(cell, "ttft_ms", TimeUnit::Millis)?;
        let latency = span(cell, "total_ms", TimeUnit::Millis)?;
        let call = Record {
            model: sink.models.of(&needed(cell, "model")?) as u16,
            client: cell("role").map_or(0, |role| sink.clients.of(&role)),
            session: sink.session(Some(&needed(cell, "session")?)),
            input: input - cached,
            cache_read: cached,
            output,
            ttft,
            latency,
            ..Record::default()
        };
        sink.take(at_ns, call, &[]);
        Ok(())
    })?;
    sink.finish()
}
