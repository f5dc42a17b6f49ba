//! Replications over seeds, on all cores, merged in order: the same bytes for any thread count.

use super::engine::{RunMeasures, run};
use super::setup::RunSetup;
use crate::measure::Tally;
use crate::rng::derive;
use crate::units::{Micros, Usd};
use rayon::prelude::*;

/// What one replication gave, for intervals over seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicationValues {
    /// The seed of the replication.
    pub seed: u64,
    /// Median TTFT over completed requests.
    pub ttft_p50: Option<Micros>,
    /// 99th percentile of TTFT over completed requests.
    pub ttft_p99: Option<Micros>,
    /// Share of offered requests that ended throttled.
    pub throttled_share: f64,
    /// Good requests per second.
    pub goodput_rps: f64,
    /// Token cost of the measured span.
    pub token_cost: Usd,
}

/// The measures of one variant over all its replications.
#[derive(Clone, Debug)]
pub struct VariantMeasures {
    /// The measured span of one replication.
    pub span: Micros,
    /// Sums, merged histograms and largest peaks over the replications.
    pub total: RunMeasures,
    /// The replications one by one.
    pub replications: Vec<ReplicationValues>,
}

impl VariantMeasures {
    /// All workloads merged.
    pub fn overall(&self) -> Tally {
        overall(&self.total)
    }

    /// The measured time over all replications.
    pub fn measured_time(&self) -> Micros {
        Micros(self.span.0 * self.replications.len() as u64)
    }
}

fn overall(measures: &RunMeasures) -> Tally {
    let mut all = Tally::new();
    for workload in &measures.workloads {
        all.merge(workload);
    }
    all
}

/// The seed of replication number `index`. The first is the scenario's own, so that a single run
/// and the first replication agree.
fn replication_seed(seed: u64, index: u32) -> u64 {
    if index == 0 {
        seed
    } else {
        derive(seed, &format!("replication/{index}"))
    }
}

/// Runs every variant with every seed, on the threads of the present rayon pool.
///
/// `done` is called after each run, from any thread, for progress.
pub fn run_all(
    setups: &[RunSetup],
    seed: u64,
    replications: u32,
    done: &(impl Fn() + Sync),
) -> Vec<VariantMeasures> {
    let jobs: Vec<(usize, u32)> = (0..setups.len())
        .flat_map(|v| (0..replications).map(move |r| (v, r)))
        .collect();
    let results: Vec<RunMeasures> = jobs
        .par_iter()
        .map(|&(variant, index)| {
            let measures = run(&setups[variant], replication_seed(seed, index));
            done();
            measures
        })
        .collect();
    let mut results = results.into_iter();
    setups
        .iter()
        .map(|setup| {
            let runs: Vec<RunMeasures> = results.by_ref().take(replications as usize).collect();
            merge(setup, seed, runs)
        })
        .collect()
}

fn merge(setup: &RunSetup, seed: u64, runs: Vec<RunMeasures>) -> VariantMeasures {
    let span = setup.duration - setup.warmup;
    let replications = (0u32..)
        .zip(&runs)
        .map(|(index, run)| values(replication_seed(seed, index), run, span))
        .collect();
    let mut runs = runs.into_iter();
    let mut total = runs.next().expect("a variant has at least one replication");
    for run in runs {
        total.merge(&run);
    }
    VariantMeasures {
        span,
        total,
        replications,
    }
}

fn values(seed: u64, run: &RunMeasures, span: Micros) -> ReplicationValues {
    let all = overall(run);
    let ttft = all.ttft.logical();
    ReplicationValues {
        seed,
        ttft_p50: ttft.quantile(0.5),
        ttft_p99: ttft.quantile(0.99),
        throttled_share: all.requests.throttled as f64 / (all.requests.offered.max(1)) as f64,
        goodput_rps: all.good as f64 / span.as_secs_f64(),
        token_cost: all.ledger.total(),
    }
}
