//! Recorded traffic: one request per row ([`Trace`]), or figures of it ([`Recording`]).

mod attempts;
mod azure;
mod columns;
mod compact;
pub(in crate::load) mod error;
mod figures;
mod mooncake;
mod record;
mod recording;
pub(in crate::load) mod rows;
mod sessions;
pub(in crate::load) mod stamp;

use std::io::BufRead;

pub use compact::write_compact;
pub use error::{RowProblem, TraceError};
pub use figures::{quantile_table, spearman};
pub use record::{CallEnd, Record, Recorded};
pub use recording::{read_recording, write_recording};

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

/// The file formats of recorded requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceFormat {
    /// Bedload's own, `bedload.trace/1`.
    Bedload,
    /// CSV of the Azure LLM inference traces.
    Azure,
    /// JSON lines of the Mooncake traces. Their time stamps are quantised to 3 seconds; rows with
    /// the same stamp are spread evenly over that time, in file order.
    Mooncake,
    /// `attempts.jsonl` of an earlier run.
    Attempts,
    /// CSV with a header, its columns named by the user.
    Csv,
    /// JSON lines, their fields named by the user.
    Jsonl,
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

/// Reads recorded requests. `columns` is needed for [`TraceFormat::Csv`] and
/// [`TraceFormat::Jsonl`], and of no use to the others.
///
/// # Errors
/// All problems of the file, the first twenty in full.
pub fn read(
    format: TraceFormat,
    columns: Option<&Columns>,
    bytes: impl BufRead,
) -> Result<Trace, TraceError> {
    match (format, columns) {
        (TraceFormat::Bedload, _) => compact::read(bytes),
        (TraceFormat::Azure, _) => azure::read(bytes),
        (TraceFormat::Mooncake, _) => mooncake::read(bytes),
        (TraceFormat::Attempts, _) => attempts::read(bytes),
        (TraceFormat::Csv, Some(columns)) => columns::read_csv(columns, bytes),
        (TraceFormat::Jsonl, Some(columns)) => columns::read_jsonl(columns, bytes),
        (TraceFormat::Csv | TraceFormat::Jsonl, None) => Err(RowProblem::new(
            "the columns are not named",
            "name the columns of time, input tokens and output tokens",
        )
        .into()),
    }
}

/// Reads logged calls in full: everything that [`Record`] has and the format tells.
///
/// # Errors
/// As [`read`].
pub fn read_records(
    format: TraceFormat,
    columns: Option<&Columns>,
    bytes: impl BufRead,
) -> Result<Recorded, TraceError> {
    read(format, columns, bytes).map(|trace| Recorded::of_trace(&trace))
}

#[cfg(test)]
mod tests;
