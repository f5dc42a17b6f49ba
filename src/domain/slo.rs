//! Service-level objectives.

use crate::units::{Micros, Ratio};
use std::fmt;

/// A latency that an SLO can bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LatencyMetric {
    /// Time to first token from the intended start.
    Ttft,
    /// Time to the last token from the intended start.
    E2e,
    /// Time per output token after the first.
    Tpot,
}

/// A quantile that the results report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quantile {
    /// The median.
    P50,
    /// 90th percentile.
    P90,
    /// 95th percentile.
    P95,
    /// 99th percentile.
    P99,
    /// 99.9th percentile.
    P999,
}

impl Quantile {
    /// All quantiles in order.
    pub const ALL: [Self; 5] = [Self::P50, Self::P90, Self::P95, Self::P99, Self::P999];

    /// The share of values at or below the quantile.
    pub fn share(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P90 => 0.9,
            Self::P95 => 0.95,
            Self::P99 => 0.99,
            Self::P999 => 0.999,
        }
    }

    /// Its name in files and tables: `p50` … `p999`.
    pub fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p999",
        }
    }
}

/// "This quantile of this latency is at most this long."
///
/// Failures count as infinitely late. For goodput the same bound applies to each single request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatencyBound {
    /// What is bounded.
    pub metric: LatencyMetric,
    /// At which quantile.
    pub quantile: Quantile,
    /// The longest time allowed.
    pub at_most: Micros,
}

/// What a run has to meet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slo {
    /// Latency bounds.
    pub latency: Vec<LatencyBound>,
    /// The largest share of requests that may end throttled, after retries.
    pub throttled_share: Option<Ratio>,
    /// The largest share of requests that may not complete for any reason.
    pub error_share: Option<Ratio>,
    /// The least share of offered requests that must be good.
    pub attainment: Option<Ratio>,
}

impl fmt::Display for LatencyMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ttft => "ttft",
            Self::E2e => "e2e",
            Self::Tpot => "tpot",
        })
    }
}
