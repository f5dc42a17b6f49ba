//! Replications over seeds, on all cores, merged in order: the same bytes for any thread count.

use super::engine::run;
use super::measures::RunMeasures;
use super::run_figures::{RunFigures, run_figures};
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
    /// What it reads of all workloads together, and of each.
    pub figures: Vec<RunFigures>,
}

/// Runs that are held in memory at once, each of a megabyte or more.
const BATCH: usize = 64;

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
    /// The measures of a single run whose measured span was `span`.
    pub fn of_one(seed: u64, span: Micros, run: RunMeasures) -> Self {
        Self {
            span,
            replications: vec![values(seed, &run, span)],
            total: run,
        }
    }

    /// Adds a run of the same variant.
    pub fn add(&mut self, seed: u64, run: &RunMeasures) {
        self.total.merge(run);
        self.replications.push(values(seed, run, self.span));
    }

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
pub fn replication_seed(seed: u64, index: u32) -> u64 {
    if index == 0 {
        seed
    } else {
        derive(seed, &format!("replication/{index}"))
    }
}

/// Runs every variant with every seed, on the threads of the present rayon pool.
///
/// `done` is called after each run, from any thread, for progress.
///
/// # Panics
/// If `replications` is zero, or a law that must hold on every run does not.
pub fn run_all(
    setups: &[RunSetup],
    seed: u64,
    replications: u32,
    done: &(impl Fn() + Sync),
) -> Vec<VariantMeasures> {
    run_each(setups, seed, replications, done, |_, _, _| {})
}

/// Does what [`run_all`] does, and shows `each` every single run before it is merged: its variant, its
/// seed and what it measured, in order.
///
/// # Panics
/// As [`run_all`].
pub fn run_each(
    setups: &[RunSetup],
    seed: u64,
    replications: u32,
    done: &(impl Fn() + Sync),
    mut each: impl FnMut(usize, u64, &RunMeasures),
) -> Vec<VariantMeasures> {
    let jobs: Vec<(usize, u32)> = (0..setups.len())
        .flat_map(|v| (0..replications).map(move |r| (v, r)))
        .collect();
    let mut variants: Vec<Option<VariantMeasures>> = vec![None; setups.len()];
    // Sums are taken up batch by batch and in order: thousands of replications would not fit
    // into memory at once, and the bytes must not depend on which one ends first.
    for batch in jobs.chunks(BATCH) {
        let results: Vec<RunMeasures> = batch
            .par_iter()
            .map(|&(variant, index)| {
                let measures = run(&setups[variant], replication_seed(seed, index));
                done();
                measures
            })
            .collect();
        for (&(variant, index), run) in batch.iter().zip(results) {
            let span = setups[variant].duration - setups[variant].warmup;
            let seed = replication_seed(seed, index);
            each(variant, seed, &run);
            take_up(&mut variants[variant], span, seed, run);
        }
    }
    variants
        .into_iter()
        .map(|one| one.expect("a variant has at least one replication"))
        .collect()
}

/// Adds a replication to the measures of its variant.
fn take_up(variant: &mut Option<VariantMeasures>, span: Micros, seed: u64, run: RunMeasures) {
    let replication = values(seed, &run, span);
    match variant {
        Some(measures) => {
            measures.total.merge(&run);
            measures.replications.push(replication);
        }
        None => {
            *variant = Some(VariantMeasures {
                span,
                total: run,
                replications: vec![replication],
            });
        }
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
        figures: run_figures(run, &all),
    }
}
