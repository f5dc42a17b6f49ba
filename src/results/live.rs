//! What only a run against a real endpoint has, and what such a run cannot know.

use super::figures::Latency;
use super::summary::{Percentiles, Summary, VariantSummary};
use crate::measure::LatencyHistogram;
use serde::{Deserialize, Serialize};

/// What only a run against a real endpoint has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveSummary {
    /// `bedrock` or a URL.
    pub target: String,
    /// The Region that requests were signed for.
    pub region: String,
    /// Whether the generator kept up; if not, the warnings say why.
    pub valid: bool,
    /// `interrupted` or `budget` if the run was cut short.
    pub stopped: Option<String>,
    /// From the moment an attempt was due to the moment at which it went to its connection; where it could not
    /// be built ahead, to the moment at which the SDK had it.
    pub send_lag_ms: Percentiles,
    /// Between pieces of content, pooled over all answers. A piece is not a token.
    pub chunk_gap_ms: Percentiles,
    /// From the send of an attempt to the first event of any kind.
    pub first_event_ms: Percentiles,
    /// From the send of an attempt to the first visible text.
    pub first_text_ms: Percentiles,
    /// Connections opened.
    pub connections_opened: u64,
    /// Attempts sent, warm-up inside.
    pub attempts_sent: u64,
    /// Most attempts on the wire at once.
    pub most_open: u64,
    /// The most that were allowed.
    pub max_in_flight: u64,
    /// Requests not sent because that many were open.
    pub crowded_out: u64,
    /// Answers that came without usage; their tokens are not counted.
    pub without_usage: u64,
    /// Attempts whose tokens and cost are unknown: they were sent, and broke off or were abandoned.
    pub unaccounted_attempts: u64,
    /// Requests cut off when the run was stopped.
    pub cut_off: u64,
    /// Attempts sent per second while requests started.
    pub achieved_rps: Option<f64>,
    /// Processor time of the generator over that of its threads.
    pub cpu_share: Option<f64>,
    /// Threads of the generator.
    pub threads: u32,
    /// Dollars for tokens, warm-up inside; `null` if a price is unknown.
    pub spent_usd: Option<f64>,
    /// What the client itself adds; `null` if it was not measured.
    pub calibration: Option<CalibrationSummary>,
}

/// Time from the send of a call to its first content when a server of this very process answers
/// at once: what the client adds to every TTFT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationSummary {
    /// Before the run.
    pub before_ms: Percentiles,
    /// After it; `null` if it was cut short.
    pub after_ms: Option<Percentiles>,
}

/// The percentiles of a histogram.
pub fn percentiles_of(histogram: &LatencyHistogram) -> Percentiles {
    Latency::plain(histogram.clone()).completed()
}

/// Turns a summary into that of a live run: what was measured live comes in, and what belongs to a
/// simulated service goes out. `runs` are in the order of the variants.
pub fn make_live(summary: &mut Summary, runs: Vec<(LiveSummary, Vec<String>)>) {
    for (variant, (live, warnings)) in summary.variants.iter_mut().zip(runs) {
        if !live.valid {
            summary.valid = false;
            summary.warnings.push(format!(
                "INVALID: {}: the load generator was itself a bottleneck; its figures are not \
                 those of the target",
                variant.name
            ));
        }
        take_in(variant, live, warnings);
    }
}

fn take_in(variant: &mut VariantSummary, live: LiveSummary, warnings: Vec<String>) {
    variant.warnings.extend(warnings);
    variant.quota.clear();
    variant.tokens.quota_reserved = None;
    variant.tokens.quota_settled = None;
    // What is assumed of quotas, latency and faults belongs to the simulated service.
    variant.assumptions.clear();
    variant
        .notes
        .retain(|note| !note.contains("in virtual time"));
    for latency in &mut variant.latency {
        "live".clone_into(&mut latency.profile);
        "measured".clone_into(&mut latency.origin);
        latency.source = format!("this run, at {}", live.target);
    }
    variant.live = Some(live);
}
