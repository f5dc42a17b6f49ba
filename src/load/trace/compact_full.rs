//! `bedload.trace/1` with all that a log tells: more columns behind the first three.
//!
//! ```text
//! # bedload.trace/1
//! # source: invocation logs
//! # origin_unix_us: 1793534405000000
//! # block_tokens: 512
//! # block_ids: hashes
//! at_us,input_tokens,output_tokens,session,blocks,model,end,max_tokens,latency_us
//! 0,1100,38,0,91 17 4,claude-haiku-4-5,answered,512,302000
//! ```
//!
//! `input_tokens` counts the cached ones inside; `cache_read` and `cache_write` say how many of them those are.
//! Any of the further columns may be missing, in any order. `# block_ids: hashes` says that block numbers are
//! hashes, to be numbered anew by who reads them; `# session_clock: true` that `at_us` counts from the start of
//! each session.

use std::borrow::Cow;
use std::fmt::Write;
use std::io::BufRead;

use rustc_hash::{FxHashMap, FxHashSet};

use super::bedrock::CallRow;
use super::compact::{FIRST_LINE, bad_first_line, one_line};
use super::error::{RowProblem, TraceError};
use super::mapped::maybe_zero;
use super::record::{CallEnd, Place, Record, Recorded};
use super::rows::{Lines, csv_fields, field, time_number, tokens};
use super::sink::{Reading, RecordSink};
use crate::units::Micros;

/// The columns behind the first three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Session,
    Blocks,
    Model,
    Client,
    Region,
    Scope,
    Tier,
    CacheRead,
    CacheWrite,
    MaxTokens,
    PlannedOutput,
    Ttft,
    Latency,
    End,
    Streamed,
    Attempt,
}

const COLUMNS: [(Column, &str); 16] = [
    (Column::Session, "session"),
    (Column::Blocks, "blocks"),
    (Column::Model, "model"),
    (Column::Client, "client"),
    (Column::Region, "region"),
    (Column::Scope, "scope"),
    (Column::Tier, "tier"),
    (Column::CacheRead, "cache_read"),
    (Column::CacheWrite, "cache_write"),
    (Column::MaxTokens, "max_tokens"),
    (Column::PlannedOutput, "planned_output"),
    (Column::Ttft, "ttft_us"),
    (Column::Latency, "latency_us"),
    (Column::End, "end"),
    (Column::Streamed, "streamed"),
    (Column::Attempt, "attempt"),
];

/// Which of the further columns a trace has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceColumns(u32);

impl TraceColumns {
    fn has(self, column: Column) -> bool {
        self.0 & (1 << column as u32) != 0
    }

    fn set(&mut self, column: Column, wanted: bool) {
        self.0 |= u32::from(wanted) << column as u32;
    }

    /// Notes what a record has that needs a column. Sessions are always written, since a record alone does not
    /// tell whether another one shares its own.
    pub fn note(&mut self, record: &Record, places: &[Place]) {
        let place = places.get(usize::from(record.place));
        let of_place = |part: fn(&Place) -> &String| place.is_some_and(|p| !part(p).is_empty());
        for (column, wanted) in [
            (Column::Session, true),
            (Column::Blocks, record.blocks_len > 0),
            (Column::Model, record.model > 0),
            (Column::Client, record.client > 0),
            (Column::Region, of_place(|place| &place.region)),
            (Column::Scope, of_place(|place| &place.scope)),
            (Column::Tier, of_place(|place| &place.tier)),
            (Column::CacheRead, record.cache_read > 0),
            (Column::CacheWrite, record.cache_write > 0),
            (Column::MaxTokens, record.max_tokens.is_some()),
            (Column::PlannedOutput, record.planned_output.is_some()),
            (Column::Ttft, record.ttft.is_some()),
            (Column::Latency, record.latency.is_some()),
            (Column::End, record.end != CallEnd::Answered),
            (Column::Streamed, record.streamed.is_some()),
            (Column::Attempt, record.attempt > 1),
        ] {
            self.set(column, wanted);
        }
    }

    /// As [`TraceColumns::note`], of a row that becomes a record later; its model and client have names.
    pub fn note_row(&mut self, row: &CallRow, place: &Place, with_blocks: bool) {
        for (column, wanted) in [
            (Column::Session, true),
            (Column::Blocks, with_blocks && !row.pieces.is_empty()),
            (Column::Region, !place.region.is_empty()),
            (Column::Scope, !place.scope.is_empty()),
            (Column::Tier, !place.tier.is_empty()),
            (Column::CacheRead, row.cache_read > 0),
            (Column::CacheWrite, row.cache_write > 0),
            (Column::MaxTokens, row.max_tokens.is_some()),
            (Column::Ttft, row.ttft.is_some()),
            (Column::Latency, row.latency.is_some()),
            (Column::End, row.end != CallEnd::Answered),
            (Column::Streamed, row.streamed.is_some()),
        ] {
            self.set(column, wanted);
        }
    }

    /// Notes names that need a column even if there is only one of them.
    pub fn note_names(&mut self, models: &[String], clients: &[String]) {
        self.set(Column::Model, models.iter().any(|name| !name.is_empty()));
        self.set(Column::Client, clients.iter().any(|name| !name.is_empty()));
    }

    /// What either of the two has.
    pub fn join(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn of(recorded: &Recorded) -> Self {
        let mut columns = Self::default();
        for call in &recorded.calls {
            columns.note(call, &recorded.places);
        }
        columns.note_names(&recorded.models, &recorded.clients);
        let mut seen = FxHashSet::default();
        if recorded.calls.iter().all(|call| seen.insert(call.session)) {
            columns.0 &= !(1 << Column::Session as u32);
        }
        columns
    }
}

/// What stands above the rows of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceHead {
    /// Where the requests come from.
    pub source: String,
    /// The licence of the data.
    pub licence: String,
    /// Microseconds since 1970 of the first call.
    pub origin_unix_us: Option<i64>,
    /// Tokens of a block; zero if there are none.
    pub block_tokens: u32,
    /// Whether block numbers are hashes.
    pub hashed_blocks: bool,
    /// Whether each session has a clock of its own.
    pub session_clock: bool,
    /// The columns of the rows.
    pub columns: TraceColumns,
}

/// The names behind the numbers of records.
#[derive(Clone, Copy, Debug)]
pub struct TraceNames<'a> {
    /// Models.
    pub models: &'a [String],
    /// Clients.
    pub clients: &'a [String],
    /// Places.
    pub places: &'a [Place],
}

impl TraceHead {
    /// The lines above the rows.
    pub fn text(&self) -> String {
        let mut out = format!(
            "{FIRST_LINE}\n# source: {}\n# licence: {}\n",
            one_line(&self.source),
            one_line(&self.licence)
        );
        // Writing to a string cannot fail.
        if let Some(origin) = self.origin_unix_us {
            let _ = writeln!(out, "# origin_unix_us: {origin}");
        }
        if self.session_clock {
            out.push_str("# session_clock: true\n");
        }
        if self.columns.has(Column::Blocks) {
            let _ = writeln!(out, "# block_tokens: {}", self.block_tokens);
            if self.hashed_blocks {
                out.push_str("# block_ids: hashes\n");
            }
        }
        out.push_str("at_us,input_tokens,output_tokens");
        for (_, name) in COLUMNS
            .iter()
            .filter(|(column, _)| self.columns.has(*column))
        {
            let _ = write!(out, ",{name}");
        }
        out.push('\n');
        out
    }

    /// Appends the line of one record.
    pub fn row(&self, out: &mut String, record: &Record, blocks: &[u32], names: TraceNames<'_>) {
        let input = record.input_total();
        let _ = write!(out, "{},{input},{}", record.at.0, record.output);
        let empty = Place::default();
        let place = names
            .places
            .get(usize::from(record.place))
            .unwrap_or(&empty);
        let number = |out: &mut String, value: Option<u64>| {
            if let Some(value) = value {
                let _ = write!(out, "{value}");
            }
        };
        for (column, _) in COLUMNS
            .iter()
            .filter(|(column, _)| self.columns.has(*column))
        {
            out.push(',');
            match column {
                Column::Session => number(out, Some(u64::from(record.session))),
                Column::Blocks => {
                    for (index, block) in blocks.iter().enumerate() {
                        let _ = write!(out, "{}{block}", if index > 0 { " " } else { "" });
                    }
                }
                Column::Model => name(out, names.models.get(usize::from(record.model))),
                Column::Client => name(out, names.clients.get(record.client as usize)),
                Column::Region => name(out, Some(&place.region)),
                Column::Scope => name(out, Some(&place.scope)),
                Column::Tier => name(out, Some(&place.tier)),
                Column::CacheRead => number(out, Some(u64::from(record.cache_read))),
                Column::CacheWrite => number(out, Some(u64::from(record.cache_write))),
                Column::MaxTokens => number(out, record.max_tokens.map(u64::from)),
                Column::PlannedOutput => number(out, record.planned_output.map(u64::from)),
                Column::Ttft => number(out, record.ttft.map(|ttft| ttft.0)),
                Column::Latency => number(out, record.latency.map(|latency| latency.0)),
                Column::End => out.push_str(record.end.name()),
                Column::Streamed => number(out, record.streamed.map(u64::from)),
                Column::Attempt => number(out, Some(u64::from(record.attempt))),
            }
        }
        out.push('\n');
    }
}

/// A name as a field of CSV, on one line.
fn name(out: &mut String, name: Option<&String>) {
    let name = name.map_or("", String::as_str);
    if name.contains([',', '"', '\n', '\r']) || name.trim() != name {
        let name = name.replace(['\n', '\r'], " ").replace('"', "\"\"");
        let _ = write!(out, "\"{name}\"");
    } else {
        out.push_str(name);
    }
}

/// Writes all that is known of the calls.
pub fn write_records(recorded: &Recorded, source: &str, licence: &str) -> String {
    let head = TraceHead {
        source: source.to_owned(),
        licence: licence.to_owned(),
        origin_unix_us: recorded.origin_unix_us,
        block_tokens: recorded.block_tokens,
        hashed_blocks: false,
        session_clock: recorded.session_clock,
        columns: TraceColumns::of(recorded),
    };
    let names = TraceNames {
        models: &recorded.models,
        clients: &recorded.clients,
        places: &recorded.places,
    };
    let mut out = head.text();
    for call in &recorded.calls {
        head.row(&mut out, call, recorded.blocks_of(call), names);
    }
    out
}

/// The comments and the header of a file.
#[derive(Default)]
struct Above {
    origin: Option<i64>,
    block_tokens: u32,
    hashed: bool,
    session_clock: bool,
    columns: Vec<(Column, usize)>,
    width: usize,
}

/// Reads the format with all its columns; bad rows are counted.
pub(super) fn read(bytes: impl BufRead) -> Result<Reading, TraceError> {
    let mut lines = Lines::new(bytes);
    let mut sink = RecordSink::default();
    match lines.next()? {
        Some((_, text)) if text == FIRST_LINE => {}
        Some((line, text)) => return Err(bad_first_line(line, text).into()),
        None => return sink.finish(),
    }
    let Some(above) = above(&mut lines)? else {
        return sink.finish();
    };
    sink.block_tokens(above.block_tokens);
    if above.session_clock {
        sink.session_clock();
    }
    let mut blocks = Vec::new();
    let mut numbers = FxHashMap::default();
    loop {
        match lines.next() {
            Ok(None) => break,
            Ok(Some((_, text))) if text.starts_with('#') => {}
            Ok(Some((line, text))) => {
                let taken = csv_fields(text)
                    .and_then(|fields| row(&fields, &above, &mut sink, &mut blocks));
                match taken {
                    Ok((at_ns, record)) => {
                        if above.hashed {
                            for block in &mut blocks {
                                let next = numbers.len() as u32;
                                *block = *numbers.entry(*block).or_insert(next);
                            }
                        }
                        sink.take(at_ns, record, &blocks);
                    }
                    Err(problem) => sink.skip(problem.line(line)),
                }
            }
            Err(problem) => {
                let readable = problem.line.is_some();
                sink.skip(problem);
                if !readable {
                    break;
                }
            }
        }
    }
    let mut reading = sink.finish()?;
    if reading.recorded.blocks.is_empty() {
        reading.recorded.block_tokens = 0;
    }
    reading.recorded.origin_unix_us = above.origin;
    Ok(reading)
}

fn above<R: BufRead>(lines: &mut Lines<R>) -> Result<Option<Above>, TraceError> {
    let mut above = Above::default();
    while let Some((line, text)) = lines.next()? {
        let Some(comment) = text.strip_prefix('#') else {
            header(text, &mut above).map_err(|problem| problem.line(line))?;
            return Ok(Some(above));
        };
        let Some((key, value)) = comment.trim().split_once(':') else {
            continue;
        };
        let value = value.trim();
        match key {
            "block_tokens" => {
                above.block_tokens = tokens(value, key).map_err(|problem| problem.line(line))?;
            }
            "block_ids" => above.hashed = value == "hashes",
            "session_clock" => above.session_clock = value == "true",
            "origin_unix_us" => {
                above.origin = Some(value.parse().map_err(|_| {
                    RowProblem::new("not a whole number", "give microseconds since 1970")
                        .line(line)
                        .field(key)
                        .value(value)
                })?);
            }
            _ => {}
        }
    }
    Ok(None)
}

fn header(text: &str, above: &mut Above) -> Result<(), RowProblem> {
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    let Some(further) = names.strip_prefix(&["at_us", "input_tokens", "output_tokens"]) else {
        return Err(RowProblem::new(
            "wrong header",
            "the header begins with `at_us,input_tokens,output_tokens`",
        )
        .value(text));
    };
    above.width = names.len();
    for (index, name) in further.iter().enumerate() {
        let known = COLUMNS.iter().find(|(_, known)| known == name);
        let (column, _) = known.ok_or_else(|| {
            let known: Vec<&str> = COLUMNS.iter().map(|(_, name)| *name).collect();
            RowProblem::new(
                "a column that is not known",
                format!("the further columns are {}", known.join(", ")),
            )
            .field(name)
        })?;
        above.columns.push((*column, index + 3));
    }
    Ok(())
}

fn row(
    fields: &[Cow<'_, str>],
    above: &Above,
    sink: &mut RecordSink,
    blocks: &mut Vec<u32>,
) -> Result<(i128, Record), RowProblem> {
    blocks.clear();
    field(fields, above.width - 1, "")?;
    let at_ns = time_number(field(fields, 0, "at_us")?, 1000, "at_us")?;
    let mut input = maybe_zero(field(fields, 1, "input_tokens")?, "input_tokens")?;
    let mut record = Record {
        output: maybe_zero(field(fields, 2, "output_tokens")?, "output_tokens")?,
        attempt: 1,
        ..Record::default()
    };
    let mut place = Place::default();
    let mut session = None;
    for (column, index) in &above.columns {
        let name = COLUMNS[*column as usize].1;
        let text = field(fields, *index, name)?;
        let count = || maybe_zero(text, name);
        let optional = || (!text.is_empty()).then(count).transpose();
        let micros = || -> Result<Option<Micros>, RowProblem> {
            let value = text.parse().ok().map(Micros);
            if value.is_none() && !text.is_empty() {
                let help = "give whole microseconds, or nothing";
                return Err(RowProblem::new("not a span of time", help)
                    .field(name)
                    .value(text));
            }
            Ok(value)
        };
        match column {
            Column::Session => session = Some(text),
            Column::Blocks => {
                for id in text.split_ascii_whitespace() {
                    blocks.push(id.parse().map_err(|_| {
                        RowProblem::new("not a block number", "give whole numbers below 4294967296")
                            .field(name)
                            .value(id)
                    })?);
                }
            }
            Column::Model => record.model = sink.models.of(text) as u16,
            Column::Client => record.client = sink.clients.of(text),
            Column::Region => text.clone_into(&mut place.region),
            Column::Scope => text.clone_into(&mut place.scope),
            Column::Tier => text.clone_into(&mut place.tier),
            Column::CacheRead => record.cache_read = optional()?.unwrap_or(0),
            Column::CacheWrite => record.cache_write = optional()?.unwrap_or(0),
            Column::MaxTokens => record.max_tokens = optional()?,
            Column::PlannedOutput => record.planned_output = optional()?,
            Column::Ttft => record.ttft = micros()?,
            Column::Latency => record.latency = micros()?,
            Column::End => {
                record.end = CallEnd::named(text).ok_or_else(|| {
                    let known = CallEnd::ALL.map(CallEnd::name).join(", ");
                    RowProblem::new("not an end of a call", format!("the ends are {known}"))
                        .field(name)
                        .value(text)
                })?;
            }
            Column::Streamed => record.streamed = optional()?.map(|n| n == 1),
            Column::Attempt => record.attempt = count()?.clamp(1, u32::from(u16::MAX)) as u16,
        }
    }
    input = input
        .checked_sub(record.cache_read)
        .and_then(|rest| rest.checked_sub(record.cache_write))
        .ok_or_else(|| {
            RowProblem::new(
                "more cached tokens than input tokens",
                "`input_tokens` counts the cached ones inside",
            )
            .field("input_tokens")
        })?;
    record.input = input;
    record.place = sink.place(&place);
    record.session = sink.session(session);
    Ok((at_ns, record))
}
