//! Recorded traffic: one request per row ([`Trace`]), or figures of it ([`Recording`]).

mod agents;
mod attempts;
mod azure;
mod bedrock;
mod burstgpt;
mod columnar;
mod columns;
mod compact;
mod compact_full;
pub(in crate::load) mod error;
mod figures;
mod format;
mod gzip;
mod lenient;
mod mapped;
mod mooncake;
mod record;
mod recording;
pub(in crate::load) mod rows;
mod servegen;
mod sessions;
mod sink;
pub(in crate::load) mod stamp;

use std::io::BufRead;

pub use bedrock::{
    BLOCK_TOKENS, Bodies, COPIES, CallRow, LoggedCall, ModelName, Names, Piece, Renumbering, Salt,
    Weaver, broken_off, is_document, model_name, parse_line, recorded, records_in, row_of,
    shift_in_second,
};
pub use compact::write_compact;
pub use compact_full::{TraceColumns, TraceHead, TraceNames, write_records};
pub use error::{RowProblem, TraceError};
pub use figures::{quantile_table, spearman};
pub use format::TraceFormat;
pub use gzip::{Plain, plain};
pub use mapped::MoreColumns;
pub use record::{CallEnd, Place, Record, Recorded};
pub use recording::{read_recording, write_recording};
pub use servegen::PoolOptions;
pub use sink::Reading;
pub use stamp::moment_us;

use crate::units::Micros;

/// One recorded request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceRow {
    /// Start since the first request of the trace.
    pub at: Micros,
    /// Input tokens, cached ones included.
    pub input: u32,
    /// Output tokens.
    pub output: u32,
    /// Session or client number, for thinning and superposition; rows without one have their own.
    pub session: u32,
    /// Where its prefix blocks start in [`Trace::blocks`].
    pub blocks_start: u32,
    /// How many prefix blocks it has.
    pub blocks_len: u32,
}

/// Recorded requests in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The requests, ascending in `at`, the first at zero.
    pub rows: Vec<TraceRow>,
    /// Prefix block ids of all requests, one after the other.
    pub blocks: Vec<u32>,
    /// Tokens of one prefix block; zero if the trace has none.
    pub block_tokens: u32,
}

/// Figures of recorded traffic: how many requests began in each interval, and quantiles of sizes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// Where the figures come from.
    pub source: String,
    /// The licence of what they are derived from.
    pub licence: String,
    /// When the traffic was recorded, as text.
    pub as_of: String,
    /// Length of one interval.
    pub interval: Micros,
    /// Requests that began in each interval.
    pub counts: Vec<u32>,
    /// Quantiles of input tokens, `(share, tokens)`.
    pub input: Vec<(f64, f64)>,
    /// Quantiles of output tokens, `(share, tokens)`.
    pub output: Vec<(f64, f64)>,
    /// Spearman rank correlation of input and output.
    pub rank_correlation: f64,
}

/// How a time column is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Numbers of seconds.
    Seconds,
    /// Numbers of milliseconds.
    Millis,
    /// Numbers of microseconds.
    Micros,
    /// Numbers of nanoseconds.
    Nanos,
    /// Dates with times, such as `2023-11-16T18:17:03.979Z`.
    Timestamp,
}

/// Names of the columns of a CSV file or the fields of JSON lines. A name with dots is also
/// looked up as a path in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// When the request started.
    pub at: String,
    /// How that is written.
    pub at_unit: TimeUnit,
    /// Input tokens.
    pub input: String,
    /// Output tokens.
    pub output: String,
    /// Session or client, if the file has it.
    pub session: Option<String>,
}

/// Reads recorded requests, packed with gzip or not. `columns` is needed for [`TraceFormat::Csv`],
/// [`TraceFormat::Jsonl`] and [`TraceFormat::Parquet`], and of no use to the others.
///
/// # Errors
/// All problems of the file, the first twenty in full.
pub fn read(
    format: TraceFormat,
    columns: Option<&Columns>,
    bytes: impl BufRead,
) -> Result<Trace, TraceError> {
    let bytes = plain(bytes)?;
    match (format, columns) {
        (TraceFormat::Bedload, _) => bedload(bytes),
        (TraceFormat::Azure, _) => azure::read(bytes),
        (TraceFormat::Mooncake, _) => mooncake::read(bytes),
        (TraceFormat::Attempts, _) => attempts::read(bytes),
        (TraceFormat::Csv, Some(columns)) => columns::read_csv(columns, bytes),
        (TraceFormat::Jsonl, Some(columns)) => columns::read_jsonl(columns, bytes),
        (TraceFormat::Csv | TraceFormat::Jsonl | TraceFormat::Parquet, None) => {
            Err(unnamed_columns())
        }
        (
            TraceFormat::BedrockLog
            | TraceFormat::BurstGpt
            | TraceFormat::ServeGen
            | TraceFormat::AgentSessions
            | TraceFormat::Parquet,
            _,
        ) => {
            let options = ReadOptions {
                columns: columns.cloned(),
                ..ReadOptions::default()
            };
            replayable(read_all(format, &options, bytes)?.recorded.to_trace())
        }
    }
}

/// A file of the project's own, all of whose rows have to be right. With columns beyond those that are replayed it
/// may hold calls without an answer, which are left out.
fn bedload(mut bytes: impl BufRead) -> Result<Trace, TraceError> {
    let mut all = Vec::new();
    bytes.read_to_end(&mut all).map_err(|error| {
        RowProblem::new(
            format!("cannot be read: {error}"),
            "check that the file is whole and readable",
        )
    })?;
    if !compact::has_more(&all) {
        return compact::read(all.as_slice());
    }
    let Reading { recorded, problems } = compact_full::read(all.as_slice())?;
    if !problems.is_empty() {
        return Err(problems);
    }
    replayable(recorded.to_trace())
}

/// A trace with at least one request.
fn replayable(trace: Trace) -> Result<Trace, TraceError> {
    if trace.rows.is_empty() {
        return Err(RowProblem::new(
            "no call of the file has both a prompt and an answer",
            "replay needs their sizes; see `bedload trace import` for what is missing",
        )
        .into());
    }
    Ok(trace)
}

fn unnamed_columns() -> TraceError {
    RowProblem::new(
        "the columns are not named",
        "name the columns of time, input tokens and output tokens",
    )
    .into()
}

/// As [`read`], of the calls of one model only; moments count from the first request of any model.
///
/// # Errors
/// As [`read`], and a file without calls of that model.
pub fn read_of_model(
    format: TraceFormat,
    columns: Option<&Columns>,
    model: &str,
    bytes: impl BufRead,
) -> Result<Trace, TraceError> {
    let options = ReadOptions {
        columns: columns.cloned(),
        ..ReadOptions::default()
    };
    let Reading { recorded, problems } = read_all(format, &options, bytes)?;
    if format != TraceFormat::BedrockLog && !problems.is_empty() {
        return Err(problems);
    }
    let wanted = recorded.models.iter().position(|name| name == model);
    let trace = recorded.to_trace_of(|call| Some(usize::from(call.model)) == wanted);
    if trace.rows.is_empty() {
        return Err(RowProblem::new(
            "no call of this model can be replayed",
            format!("the models of the file are {}", recorded.models.join(", ")),
        )
        .field("model")
        .value(model)
        .into());
    }
    Ok(trace)
}

/// How logged calls are read in full.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// The columns of CSV files and JSON lines.
    pub columns: Option<Columns>,
    /// Further columns of theirs.
    pub more: MoreColumns,
    /// The variant of an `attempts.jsonl`; the first of the file without one.
    pub variant: Option<String>,
    /// What is drawn of a client pool.
    pub pool: PoolOptions,
}

/// Reads logged calls in full: everything that [`Record`] has and the format tells. Lines without a usable call
/// are counted in [`Recorded::skipped`].
///
/// # Errors
/// A file without any call, or without the columns that it needs.
pub fn read_records(
    format: TraceFormat,
    columns: Option<&Columns>,
    bytes: impl BufRead,
) -> Result<Recorded, TraceError> {
    let options = ReadOptions {
        columns: columns.cloned(),
        ..ReadOptions::default()
    };
    read_all(format, &options, bytes).map(|reading| reading.recorded)
}

/// As [`read_records`], with the first problems of lines in full.
///
/// # Errors
/// As [`read_records`].
pub fn read_all(
    format: TraceFormat,
    options: &ReadOptions,
    bytes: impl BufRead,
) -> Result<Reading, TraceError> {
    let bytes = plain(bytes)?;
    match (format, &options.columns) {
        (TraceFormat::BedrockLog, _) => bedrock::read_records(bytes),
        (TraceFormat::Attempts, _) => attempts::read_records(options.variant.as_deref(), bytes),
        (TraceFormat::Azure, _) => {
            mapped::read_csv(&azure::columns(), &MoreColumns::default(), bytes)
        }
        (TraceFormat::Csv, Some(columns)) => mapped::read_csv(columns, &options.more, bytes),
        (TraceFormat::Jsonl, Some(columns)) => mapped::read_jsonl(columns, &options.more, bytes),
        (TraceFormat::Parquet, Some(columns)) => columnar::read(columns, &options.more, bytes),
        (TraceFormat::Csv | TraceFormat::Jsonl | TraceFormat::Parquet, None) => {
            Err(unnamed_columns())
        }
        (TraceFormat::BurstGpt, _) => burstgpt::read(bytes),
        (TraceFormat::ServeGen, _) => servegen::read(options.pool, bytes),
        (TraceFormat::AgentSessions, _) => agents::read(bytes),
        (TraceFormat::Bedload, _) => compact_full::read(bytes),
        (TraceFormat::Mooncake, _) => mooncake::read(bytes).map(|trace| strict(&trace)),
    }
}

/// The calls of a trace that was read without a single problem.
fn strict(trace: &Trace) -> Reading {
    Reading {
        recorded: Recorded::of_trace(trace),
        problems: TraceError::default(),
    }
}

#[cfg(test)]
mod tests;
