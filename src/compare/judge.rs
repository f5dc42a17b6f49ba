//! Two samples of runs into a verdict for each metric.
//!
//! First every metric is tested; then the p-values of all gated ones are corrected together, and each metric
//! gets its verdict.

use super::metrics::{METRICS, MetricSpec};
use super::noise::{bounds, floor_of, is_gated, scopes};
use super::verdict::{Draft, Evidence, finish};
use super::{FEWEST_PAIRS, FEWEST_PAST, FEWEST_RUNS};
use crate::results::compare::{CompareVariant, GateSettings, Method, MetricComparison, Verdict};
use crate::results::{BaselineRun, BaselineVariant, RunKind, RunMetrics};
use crate::stats::correction::adjusted;
use crate::stats::permutation::permutation_p;
use crate::stats::welch::{TTest, against_history, paired, welch};
use std::collections::BTreeMap;

/// Most runs on a side whose labels are permuted.
const PERMUTED: usize = 8;

/// A pair of variants with a name of its own.
type Pair<'s> = (&'s BaselineVariant, &'s BaselineVariant);

/// Every pair of variants with the verdicts on all metrics.
pub(super) fn variants(
    pairs: &[Pair<'_>],
    kind: RunKind,
    gate: &GateSettings,
) -> Vec<CompareVariant> {
    let mut drafts: Vec<Vec<Draft>> = pairs
        .iter()
        .map(|&pair| drafts_of(pair, kind, gate))
        .collect();
    correct(&mut drafts);
    let each = pairs.iter().zip(drafts);
    each.map(|((baseline, result), drafts)| {
        let metrics: Vec<MetricComparison> = drafts
            .into_iter()
            .map(|draft| finish(draft, gate))
            .collect();
        let worst = metrics.iter().filter_map(|one| one.verdict).max();
        CompareVariant {
            name: result.name.clone(),
            baseline: baseline.name.clone(),
            verdict: worst.unwrap_or(Verdict::Inconclusive),
            baseline_runs: usable(baseline).len() as u32,
            result_runs: usable(result).len() as u32,
            metrics,
        }
    })
    .collect()
}

/// Corrects the p-values of all tests of gated metrics together, each side for itself.
fn correct(drafts: &mut [Vec<Draft>]) {
    let worse = |test: &TTest, draft: &Draft| draft.p_worse(test);
    let better = |test: &TTest, draft: &Draft| draft.p_better(test);
    let p_of = |drafts: &[Vec<Draft>], of: &dyn Fn(&TTest, &Draft) -> f64| {
        let gated = drafts.iter().flatten().filter(|one| one.gated);
        let tests = gated.filter_map(|one| one.test().map(|test| of(test, one)));
        adjusted(&tests.collect::<Vec<f64>>())
    };
    let both = [p_of(drafts, &worse), p_of(drafts, &better)];
    let [mut worse, mut better] = both.map(Vec::into_iter);
    for draft in drafts.iter_mut().flatten() {
        if draft.gated && draft.test().is_some() {
            draft.adjusted = worse.next().zip(better.next());
        }
    }
}

fn usable(variant: &BaselineVariant) -> Vec<&BaselineRun> {
    let runs = variant.runs.iter();
    runs.filter(|run| run.spoilt.is_none()).collect()
}

fn drafts_of((baseline, result): Pair<'_>, kind: RunKind, gate: &GateSettings) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let scopes = scopes(result);
    for &workload in &scopes {
        for metric in &METRICS {
            let sides = Sides {
                metric,
                workload,
                kind,
                baseline: usable(baseline),
                result: usable(result),
            };
            let Some(evidence) = sides.evidence() else {
                continue;
            };
            let runs = [sides.baseline.len(), sides.result.len()];
            let gated = is_gated(metric, gate) && (workload.is_some() || scopes.len() == 1);
            let means = sides.means();
            if !gated && means == [None, None] {
                // There is nothing to report.
                continue;
            }
            let floor = match &evidence {
                Evidence::Tested { method, before, .. } if *method != Method::Paired => {
                    floor_of(baseline, workload, metric, before, runs[1])
                }
                _ => None,
            };
            drafts.push(Draft {
                metric,
                workload: workload.map(str::to_owned),
                gated,
                kind,
                runs,
                means,
                floor,
                bounds: bounds(metric, gate),
                adjusted: None,
                cost: sides.cost_of_a_run(),
                evidence,
            });
        }
    }
    drafts
}

/// Both sides of one metric.
struct Sides<'s> {
    metric: &'s MetricSpec,
    workload: Option<&'s str>,
    kind: RunKind,
    baseline: Vec<&'s BaselineRun>,
    result: Vec<&'s BaselineRun>,
}

impl Sides<'_> {
    fn of<'r>(&self, run: &'r BaselineRun) -> Option<&'r RunMetrics> {
        run.metrics
            .iter()
            .find(|one| one.workload.as_deref() == self.workload)
    }

    /// The reading of a run as it is, if it has one.
    fn reading(&self, run: &BaselineRun) -> Option<f64> {
        self.of(run).and_then(self.metric.read)
    }

    fn means(&self) -> [Option<f64>; 2] {
        [&self.baseline, &self.result].map(|runs| {
            let readings: Option<Vec<f64>> = runs
                .iter()
                .map(|run| {
                    self.reading(run)
                        .and_then(|value| self.metric.scaled(value))
                })
                .collect();
            let readings = readings.filter(|all| !all.is_empty());
            let mean = readings.map(|all| all.iter().sum::<f64>() / all.len() as f64);
            // A share or a cost that is nothing everywhere has no logarithm, and a mean all the same.
            let zero = !runs.is_empty() && runs.iter().all(|run| self.reading(run) == Some(0.0));
            match mean {
                Some(mean) => Some(self.metric.unscaled(mean)),
                None => zero.then_some(0.0),
            }
        })
    }

    fn cost_of_a_run(&self) -> Option<f64> {
        let runs = self.baseline.iter().chain(&self.result);
        let costs: Option<Vec<f64>> = runs.map(|run| run.spent_usd).collect();
        let costs = costs.filter(|all| !all.is_empty())?;
        Some(costs.iter().sum::<f64>() / costs.len() as f64)
    }

    /// What speaks for or against a change; `None` if no run of either side has the metric.
    fn evidence(&self) -> Option<Evidence> {
        let both = || self.baseline.iter().chain(&self.result);
        let has = |run: &&BaselineRun| self.reading(run).is_some();
        // A percentile may be missing for want of requests; a cost only where no price is known.
        let occurs = |run: &&BaselineRun| {
            let is_percentile = self.metric.needs > 0;
            is_percentile && self.of(run).is_some_and(|of| (self.metric.count)(of) > 0)
        };
        if !both().any(|run| has(run)) && !both().any(|run| occurs(run)) {
            return None;
        }
        if self.baseline.is_empty() || self.result.is_empty() {
            let which = if self.result.is_empty() {
                "result"
            } else {
                "baseline"
            };
            return Some(Evidence::none(format!(
                "no run of the {which} can be relied on"
            )));
        }
        if let Some(lacking) = both().find(|run| !has(run)) {
            return Some(Evidence::none(self.lack(lacking)));
        }
        let common = self.common_seeds();
        if self.are_identical(&common) {
            return Some(Evidence::Identical);
        }
        let [Some(before), Some(after)] = [&self.baseline, &self.result].map(|runs| {
            runs.iter()
                .map(|run| self.metric.scaled(self.reading(run)?))
                .collect::<Option<Vec<f64>>>()
        }) else {
            return Some(Evidence::none(
                "it is 0 in some runs and not in others".to_owned(),
            ));
        };
        Some(self.tested(before, after, &common))
    }

    fn lack(&self, run: &BaselineRun) -> String {
        let count = self.of(run).map_or(0, self.metric.count);
        if self.metric.needs > count {
            format!(
                "too short: `{}` has {count} requests, and {} needs {} in every run",
                run.source, self.metric.name, self.metric.needs
            )
        } else {
            format!("`{}` has no {}", run.source, self.metric.name)
        }
    }

    /// Pairs of readings of equal seeds, of simulations.
    fn common_seeds(&self) -> Vec<(f64, f64)> {
        if self.kind != RunKind::Simulated {
            return Vec::new();
        }
        let readings = |run: &&BaselineRun| Some((run.seed, self.reading(run)?));
        let of_baseline: BTreeMap<u64, f64> = self.baseline.iter().filter_map(readings).collect();
        let of_result: BTreeMap<u64, f64> = self.result.iter().filter_map(readings).collect();
        let both = of_baseline.iter();
        both.filter_map(|(seed, before)| Some((*before, *of_result.get(seed)?)))
            .collect()
    }

    /// Whether nothing changed at all: equal seeds with equal readings, or one number everywhere.
    fn are_identical(&self, common: &[(f64, f64)]) -> bool {
        let pairs_agree = common
            .iter()
            .all(|(before, after)| before.to_bits() == after.to_bits());
        let all_paired = common.len() == self.baseline.len() && common.len() == self.result.len();
        if pairs_agree && all_paired {
            return true;
        }
        let mut all = self.baseline.iter().chain(&self.result);
        let first = all.next().and_then(|run| self.reading(run));
        let enough = self.baseline.len().min(self.result.len()) >= FEWEST_RUNS;
        enough && all.all(|run| self.reading(run) == first)
    }

    fn tested(&self, before: Vec<f64>, after: Vec<f64>, common: &[(f64, f64)]) -> Evidence {
        if !common.is_empty() {
            if common.len() < FEWEST_PAIRS {
                return Evidence::none(format!(
                    "simulations of {} equal seeds, and a comparison by pairs needs {FEWEST_PAIRS}: \
                     simulate with `--replications {FEWEST_PAIRS}`",
                    common.len()
                ));
            }
            let difference = |&(before, after): &(f64, f64)| {
                Some(self.metric.scaled(after)? - self.metric.scaled(before)?)
            };
            let differences: Vec<f64> = common.iter().filter_map(difference).collect();
            return match paired(&differences) {
                Some(test) => Evidence::Tested {
                    method: Method::Paired,
                    test,
                    permutation: None,
                    before,
                },
                None => Evidence::none("its readings are no numbers".to_owned()),
            };
        }
        let (m, c) = (before.len(), after.len());
        let (method, test) = if m.min(c) >= FEWEST_RUNS {
            (Method::Welch, welch(&before, &after))
        } else if c < FEWEST_RUNS && m >= FEWEST_PAST {
            (Method::History, against_history(&before, &after))
        } else {
            return Evidence::none(format!(
                "{m} {} of the baseline and {c} of the result are too few: a comparison needs \
                 {FEWEST_RUNS} on each side, better 5, or {FEWEST_PAST} past ones",
                if m == 1 { "run" } else { "runs" },
            ));
        };
        let Some(test) = test else {
            return Evidence::none("its readings are no numbers".to_owned());
        };
        let few = m.max(c) <= PERMUTED;
        // On the side on which the difference lies.
        let permutation = match test.difference >= 0.0 {
            true if few => permutation_p(&before, &after),
            false if few => permutation_p(&after, &before),
            _ => None,
        };
        Evidence::Tested {
            method,
            test,
            permutation,
            before,
        }
    }
}
