//! Recorded traffic: one request per row ([`Trace`]), or figures of it ([`Recording`]).

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
    /// Where the figures come from and under which licence.
    pub source: String,
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
