//! What one run reads of each workload, kept before runs are merged: comparisons of runs need them apart.

use super::measures::RunMeasures;
use crate::measure::{LatencyHistogram, Tally};
use crate::units::{Micros, Usd};

/// p50, p95 and p99 of completed requests, where there are enough of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunQuantiles {
    /// The median.
    pub p50: Option<Micros>,
    /// The 95th percentile.
    pub p95: Option<Micros>,
    /// The 99th percentile.
    pub p99: Option<Micros>,
    /// Requests that have this latency.
    pub count: u64,
}

/// What one run reads of one workload, or of all together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFigures {
    /// The number of the workload; `None` is all of them.
    pub workload: Option<usize>,
    /// Requests that were due.
    pub offered: u64,
    /// Answered in full.
    pub completed: u64,
    /// Given up after a quota refusal.
    pub throttled: u64,
    /// Completed, and within every latency bound of the SLO.
    pub good: u64,
    /// Time to first token from the intended start.
    pub ttft: RunQuantiles,
    /// Time to first token from the send of the attempt that answered.
    pub attempt_ttft: RunQuantiles,
    /// Time to the last token from the intended start.
    pub e2e: RunQuantiles,
    /// Time per output token after the first.
    pub tpot: RunQuantiles,
    /// Cost of tokens.
    pub token_cost: Usd,
}

fn quantiles(histogram: &LatencyHistogram) -> RunQuantiles {
    RunQuantiles {
        p50: histogram.quantile(0.5),
        p95: histogram.quantile(0.95),
        p99: histogram.quantile(0.99),
        count: histogram.count(),
    }
}

fn figures(workload: Option<usize>, tally: &Tally) -> RunFigures {
    RunFigures {
        workload,
        offered: tally.requests.offered,
        completed: tally.requests.completed,
        throttled: tally.requests.throttled,
        good: tally.good,
        ttft: quantiles(&tally.ttft.logical()),
        attempt_ttft: quantiles(&tally.ttft.attempt()),
        e2e: quantiles(&tally.e2e.logical()),
        tpot: quantiles(&tally.tpot),
        token_cost: tally.ledger.total(),
    }
}

/// All workloads together first, then each. `overall` is their sum.
///
/// Records of batch jobs are answered within hours; their latencies are not among those of all.
pub(super) fn run_figures(run: &RunMeasures, overall: &Tally) -> Vec<RunFigures> {
    let mut all = figures(None, overall);
    if run.workloads.iter().any(|tally| tally.batch.is_some()) {
        let mut answered = Tally::new();
        let online = run.workloads.iter().filter(|tally| tally.batch.is_none());
        online.for_each(|tally| answered.merge(tally));
        let of_online = figures(None, &answered);
        all = RunFigures {
            ttft: of_online.ttft,
            attempt_ttft: of_online.attempt_ttft,
            e2e: of_online.e2e,
            tpot: of_online.tpot,
            ..all
        };
    }
    let each = run.workloads.iter().enumerate();
    let each = each.map(|(index, tally)| figures(Some(index), tally));
    std::iter::once(all).chain(each).collect()
}
