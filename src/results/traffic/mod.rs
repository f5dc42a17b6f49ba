//! `bedload trace stats` and `bedload trace synth` as documents.

mod synth;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use synth::{ClosenessRow, SYNTH_SCHEMA, SynthSummary};

/// The schema of [`TraceStats`].
pub const TRACE_STATS_SCHEMA: &str = "bedload.trace-stats/1";

/// What recorded traffic looks like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TraceStats {
    /// [`TRACE_STATS_SCHEMA`].
    pub schema: String,
    /// The file or files, as the user named them.
    pub source: String,
    /// Microseconds since 1970 of the first call; `null` if the log has no dates.
    pub origin_unix_us: Option<i64>,
    /// Requests: first attempts, whatever became of them.
    pub requests: u64,
    /// Calls: requests and their retries.
    pub calls: u64,
    /// Lines that hold no usable call, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Seconds from the first request to the last; `null` if the log has no clock that its calls share.
    pub duration_s: Option<f64>,
    /// Requests over that time, per second.
    pub rate_rps: Option<f64>,
    /// Index of dispersion of the counts per window (variance over mean; 1 for independent starts), by the
    /// length of the window in seconds. Windows of which fewer than two fit are left out.
    pub idc: BTreeMap<u32, f64>,
    /// Largest count of a window over the mean one, by the length of the window in seconds.
    pub peak_to_mean: BTreeMap<u32, f64>,
    /// Coefficient of variation of the gaps between starts; 1 for independent starts.
    pub gap_cv: Option<f64>,
    /// Laws fitted to the gaps; `null` with too few gaps, or where too many starts have the same time stamp.
    pub gap_fit: Option<GapFits>,
    /// Requests by interval.
    pub rate_over_time: Option<Course>,
    /// Input tokens of a request, cached ones inside.
    pub input_tokens: Option<Spread>,
    /// Output tokens of an answered request.
    pub output_tokens: Option<Spread>,
    /// Quantiles of input tokens, `[share, tokens]`.
    pub input_quantiles: Vec<(f64, f64)>,
    /// Quantiles of output tokens, `[share, tokens]`.
    pub output_quantiles: Vec<(f64, f64)>,
    /// Spearman rank correlation of the two over answered requests.
    pub rank_correlation: Option<f64>,
    /// Share of input tokens that a prompt cache without an end could serve: from the prefix blocks of the log,
    /// and no less than the log says that a cache did.
    pub prefix_reuse: Option<f64>,
    /// Prefix blocks, where the log has them.
    pub prefix: Option<PrefixStats>,
    /// What the log says of a cache; `null` if it says nothing.
    pub cache: Option<CacheStats>,
    /// Models by requests.
    pub models: Vec<ModelShare>,
    /// How unevenly clients ask; `null` where the log tells of one at most.
    pub clients: Option<ClientSkew>,
    /// Conversations and agent runs; `null` where no two requests are of the same.
    pub sessions: Option<SessionStats>,
    /// What a quota of tokens per minute saw.
    pub quota: Option<QuotaView>,
    /// How calls ended.
    pub outcomes: OutcomeStats,
    /// Latencies of answered calls; `null` where the log has none.
    pub latency: Option<LatencyStats>,
    /// What a reader should know before trusting a figure.
    pub notes: Vec<String>,
}

/// Mean and quantiles of a set of values, interpolated between neighbours (type 7 of Hyndman & Fan).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Spread {
    /// How many values there are.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The largest value.
    pub max: f64,
}

/// Counts over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Course {
    /// Length of an interval in seconds.
    pub interval_s: u32,
    /// The count of each interval, from the first request on; the last may be cut off.
    pub counts: Vec<u64>,
}

/// Laws of the gaps between starts, fitted by maximum likelihood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GapFits {
    /// Gaps that were fitted; of more than 200,000 every nth.
    pub gaps: u64,
    /// Shape of the gamma law; 1 is Poisson, less is burstier.
    pub gamma_shape: f64,
    /// Largest distance between the gamma law and the gaps (Kolmogorov and Smirnov).
    pub gamma_ks: f64,
    /// Shape of the Weibull law; 1 is Poisson, less is burstier.
    pub weibull_shape: f64,
    /// Largest distance between the Weibull law and the gaps.
    pub weibull_ks: f64,
    /// Largest distance between the exponential law and the gaps.
    pub exponential_ks: f64,
}

/// Prefix blocks of prompts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PrefixStats {
    /// Tokens of one block.
    pub block_tokens: u32,
    /// Different blocks.
    pub distinct_blocks: u64,
    /// Share of input tokens that a cache serves whose entries live five minutes after their last use.
    pub hit_rate_5m: f64,
    /// The same for an hour.
    pub hit_rate_1h: f64,
    /// The same without an end.
    pub hit_rate_unlimited: f64,
    /// Reuse by depth.
    pub depths: Vec<DepthReuse>,
}

/// Reuse of the first blocks of prompts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DepthReuse {
    /// How many blocks.
    pub blocks: u32,
    /// Requests that have so many.
    pub requests: u64,
    /// Requests whose first so many blocks were all seen before.
    pub reused: u64,
}

/// What a log says of a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CacheStats {
    /// Share of input tokens read from a cache.
    pub read_share: f64,
    /// Share of input tokens written to a cache.
    pub write_share: f64,
    /// Share of calls that read something.
    pub calls_that_read: f64,
}

/// One model of a log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ModelShare {
    /// Its name in the log; empty if the log names none.
    pub name: String,
    /// Its requests.
    pub requests: u64,
    /// Its share of all requests.
    pub share: f64,
    /// Mean input tokens.
    pub input_mean: f64,
    /// Mean output tokens of answered requests.
    pub output_mean: f64,
}

/// How unevenly clients ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClientSkew {
    /// Clients with requests.
    pub count: u64,
    /// Share of requests of the busiest one.
    pub top_1_share: f64,
    /// Share of requests of the busiest ten.
    pub top_10_share: f64,
    /// The fewest clients that make 90 % of the requests.
    pub making_90_percent: u64,
}

/// Conversations and agent runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SessionStats {
    /// Sessions.
    pub count: u64,
    /// Share of sessions with a single request.
    pub single_share: f64,
    /// Requests of a session.
    pub turns: Spread,
    /// Seconds from the end of an answer to the next request of its session; `null` where the log tells neither.
    pub think_s: Option<Spread>,
    /// Seconds from one request of a session to the next.
    pub gap_s: Option<Spread>,
    /// Tokens by which a prompt is longer than the one before it in its session.
    pub growth_tokens: Option<Spread>,
    /// Input tokens of the first request of a session.
    pub first_input_tokens: Spread,
    /// Input tokens of all requests of a session.
    pub total_input_tokens: Spread,
}

/// What a quota of tokens per minute sees, by the minute in which calls began.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct QuotaView {
    /// Share of calls whose `max_tokens` the log has.
    pub max_tokens_known: f64,
    /// What was assumed for the others; `null` if nothing was, and reservations are then unknown.
    pub assumed_max_tokens: Option<u32>,
    /// How many tokens of quota an output token uses, by model.
    pub burndown: BTreeMap<String, u64>,
    /// Tokens reserved at admission: input but for cache reads, and `max_tokens`.
    pub reserved: Option<MinuteLoad>,
    /// Tokens settled at the end: input but for cache reads, and output times its burndown.
    pub settled: MinuteLoad,
    /// Reserved tokens over settled ones.
    pub reserved_over_settled: Option<f64>,
}

/// Load by minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MinuteLoad {
    /// Mean per minute.
    pub mean: f64,
    /// Median minute.
    pub p50: f64,
    /// 99th percentile of minutes.
    pub p99: f64,
    /// The busiest minute.
    pub peak: f64,
    /// Seconds from the first request to the start of the busiest minute.
    pub peak_at_s: u64,
    /// Load over time: the busiest minute of each interval.
    pub course: Course,
}

/// How calls ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OutcomeStats {
    /// Calls by how they ended.
    pub calls: BTreeMap<String, u64>,
    /// Calls over requests.
    pub amplification: f64,
    /// Minutes in which calls were refused or failed.
    pub bad_minutes: Vec<BadMinute>,
}

/// A minute in which calls were refused or failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BadMinute {
    /// Its number from the first request on.
    pub minute: u64,
    /// Its calls.
    pub calls: u64,
    /// Those that a quota refused.
    pub throttled: u64,
    /// Those that failed otherwise.
    pub failed: u64,
}

/// Latencies of answered calls, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LatencyStats {
    /// To the first token.
    pub ttft_ms: Option<Spread>,
    /// To the end.
    pub e2e_ms: Option<Spread>,
}

impl TraceStats {
    /// The document as text.
    pub fn to_json(&self) -> String {
        // The types have no maps with keys that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

#[cfg(test)]
mod tests;
