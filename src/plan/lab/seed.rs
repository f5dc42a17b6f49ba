//! What one run of one policy gave.

use super::rank::Score;
use super::recovery::{Phases, Verdict, Window, peak_amplification, phases, recovery};
use crate::measure::{LatencyHistogram, Tally};
use crate::sim::RunMeasures;
use crate::stats::quantile::rank;
use crate::units::Micros;

/// What one run of one policy gave.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedFigures {
    /// Its seed.
    pub seed: u64,
    /// Counts by the parts of the run.
    pub phases: Phases,
    /// How it came through.
    pub verdict: Verdict,
    /// From the release until it had recovered; `None` if it had not by the end.
    pub recovery: Option<Micros>,
    /// The most attempts over requests in one bin.
    pub peak_amplification: Option<f64>,
    /// What it is ranked by.
    pub score: Score,
}

impl SeedFigures {
    /// The figures of a run whose setup asked for a course.
    ///
    /// # Panics
    /// If it did not.
    pub fn of(seed: u64, run: &RunMeasures, window: &Window) -> Self {
        let course = run.course.as_ref().expect("runs of a lab are followed");
        let parts = phases(course, window, 1);
        let sum = |of: fn(&Tally) -> u64| run.workloads.iter().map(of).sum::<u64>() as f64;
        let measured = (window.until - window.from).as_secs_f64();
        Self {
            seed,
            phases: parts,
            verdict: parts.verdict(None),
            recovery: recovery(course, window, parts.before.share().unwrap_or(1.0)),
            peak_amplification: peak_amplification(course, window),
            score: Score {
                comes_back: parts.verdict(None) == Verdict::Recovers,
                goodput: sum(|tally| tally.good) / measured.max(1e-6),
                p99: p99_of_all(&run.workloads),
                amplification: sum(|tally| tally.attempts.sent)
                    / sum(|tally| tally.requests.offered).max(1.0),
            },
        }
    }
}

/// The 99th percentile of the time to the last token from the intended start, in seconds, over all
/// requests; one that was never answered is infinitely late.
fn p99_of_all(workloads: &[Tally]) -> f64 {
    let mut all = LatencyHistogram::new();
    let mut lost = 0;
    for tally in workloads.iter().filter(|tally| tally.batch.is_none()) {
        all.merge(&tally.e2e.logical());
        lost += tally.requests.offered - tally.requests.completed.min(tally.requests.offered);
    }
    let at = all.at_rank(rank(0.99, all.count() + lost));
    at.map_or(f64::INFINITY, Micros::as_secs_f64)
}
