//! What one run reads of its workloads: the unit of every comparison.

use super::figures::{dollars, millis, over, sig};
use crate::sim::{RunFigures, RunQuantiles};
use serde::{Deserialize, Serialize};

/// What one run reads of one workload, or of all together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunMetrics {
    /// The workload; `null` is all of them together.
    pub workload: Option<String>,
    /// Requests that were due.
    pub offered: u64,
    /// Answered in full.
    pub completed: u64,
    /// Time to first token from the intended start, completed requests.
    pub ttft_ms: RunPercentiles,
    /// Time to first token from the send of the attempt that answered.
    pub attempt_ttft_ms: RunPercentiles,
    /// Time to the last token from the intended start, completed requests.
    pub e2e_ms: RunPercentiles,
    /// Time per output token after the first.
    pub tpot_ms: RunPercentiles,
    /// Share of offered requests that ended throttled.
    pub throttled_share: Option<f64>,
    /// Share of offered requests that were not answered in full, throttled ones inside.
    pub error_share: Option<f64>,
    /// Share of offered requests that completed within every latency bound of the SLO.
    pub attainment: Option<f64>,
    /// Such requests per second.
    pub goodput_rps: Option<f64>,
    /// Dollars for tokens; `null` if a price is unknown.
    pub cost_usd: Option<f64>,
    /// The same for each completed request.
    pub cost_per_request_usd: Option<f64>,
}

/// Percentiles of one run in milliseconds; `null` with fewer requests than a 95 % bound needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunPercentiles {
    /// The median.
    pub p50: Option<f64>,
    /// The 95th percentile; needs 59 requests.
    pub p95: Option<f64>,
    /// The 99th percentile; needs 299 requests.
    pub p99: Option<f64>,
    /// Requests that have this latency.
    pub count: u64,
}

fn percentiles(of: RunQuantiles) -> RunPercentiles {
    RunPercentiles {
        p50: of.p50.map(millis),
        p95: of.p95.map(millis),
        p99: of.p99.map(millis),
        count: of.count,
    }
}

/// The metrics of one run that measured for `seconds`; `names` are the workloads', and `priced` says of each
/// whether its cost is known.
pub(super) fn metrics(
    figures: &[RunFigures],
    names: &[&str],
    priced: &[bool],
    seconds: f64,
) -> Vec<RunMetrics> {
    let one = |of: &RunFigures| {
        let offered = of.offered as f64;
        let is_priced = match of.workload {
            Some(index) => priced.get(index).copied().unwrap_or(false),
            None => priced.iter().all(|&known| known),
        };
        let lost = of.offered.saturating_sub(of.completed);
        let each = over(of.token_cost.dollars(), of.completed as f64);
        RunMetrics {
            workload: of
                .workload
                .and_then(|index| names.get(index))
                .map(ToString::to_string),
            offered: of.offered,
            completed: of.completed,
            ttft_ms: percentiles(of.ttft),
            attempt_ttft_ms: percentiles(of.attempt_ttft),
            e2e_ms: percentiles(of.e2e),
            tpot_ms: percentiles(of.tpot),
            throttled_share: over(of.throttled as f64, offered),
            error_share: over(lost as f64, offered),
            attainment: over(of.good as f64, offered),
            goodput_rps: over(of.good as f64, seconds),
            cost_usd: is_priced.then(|| dollars(of.token_cost)),
            cost_per_request_usd: each.filter(|_| is_priced).map(sig),
        }
    };
    figures.iter().map(one).collect()
}
