//! From evidence to a verdict, with what would settle it.

use super::FEWEST_RUNS;
use super::metrics::MetricSpec;
use crate::results::RunKind;
use crate::results::compare::{GateSettings, Method, MetricComparison, MoreRuns, Verdict};
use crate::stats::power::{Demand, detectable, pairs_needed, runs_needed};
use crate::stats::welch::TTest;

/// What was found out about one metric.
#[derive(Clone, Debug)]
pub(super) enum Evidence {
    /// Every reading of both sides is the same number.
    Identical,
    /// A test.
    Tested {
        method: Method,
        test: TTest,
        permutation: Option<f64>,
        /// The baseline's readings on the scale of comparison.
        before: Vec<f64>,
    },
    /// Nothing, for a reason.
    None(String),
}

impl Evidence {
    pub(super) fn none(reason: String) -> Self {
        Self::None(reason)
    }
}

/// One metric before the correction for all of them.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub metric: &'static MetricSpec,
    pub workload: Option<String>,
    pub gated: bool,
    pub kind: RunKind,
    /// Runs of the baseline and of the result.
    pub runs: [usize; 2],
    pub means: [Option<f64>; 2],
    /// On the scale of comparison.
    pub floor: Option<f64>,
    /// The least change that matters and the one that has to be seen, on the scale of comparison.
    pub bounds: (f64, f64),
    /// Adjusted p of worse and of better.
    pub adjusted: Option<(f64, f64)>,
    /// Dollars that a run took.
    pub cost: Option<f64>,
    pub evidence: Evidence,
}

impl Draft {
    pub(super) fn test(&self) -> Option<&TTest> {
        match &self.evidence {
            Evidence::Tested { test, .. } => Some(test),
            _ => None,
        }
    }

    pub(super) fn p_worse(&self, test: &TTest) -> f64 {
        if self.metric.higher_is_better {
            test.p_less()
        } else {
            test.p_greater()
        }
    }

    pub(super) fn p_better(&self, test: &TTest) -> f64 {
        if self.metric.higher_is_better {
            test.p_greater()
        } else {
            test.p_less()
        }
    }

    /// The change, positive for the worse.
    fn worsening(&self, test: &TTest) -> f64 {
        if self.metric.higher_is_better {
            -test.difference
        } else {
            test.difference
        }
    }

    fn threshold(&self) -> f64 {
        self.bounds.0.max(2.0 * self.floor.unwrap_or(0.0))
    }
}

/// What a test came to.
struct Judgement {
    verdict: Verdict,
    reason: String,
    needs: Option<MoreRuns>,
}

/// The comparison of a metric as it stands in the document.
pub(super) fn finish(draft: Draft, gate: &GateSettings) -> MetricComparison {
    let metric = draft.metric;
    let demand = Demand {
        alpha: gate.alpha,
        power: gate.power,
        threshold: draft.threshold(),
    };
    let mut comparison = MetricComparison {
        workload: draft.workload.clone(),
        metric: metric.name.to_owned(),
        unit: metric.unit,
        relative: metric.relative,
        higher_is_better: metric.higher_is_better,
        gated: draft.gated,
        verdict: None,
        method: Method::None,
        baseline: draft.means[0],
        result: draft.means[1],
        effect: None,
        effect_low: None,
        effect_high: None,
        p_worse: None,
        p_better: None,
        p_adjusted: None,
        p_permutation: None,
        noise_floor: draft.floor.map(|floor| metric.effect(floor)),
        threshold: metric.effect(draft.threshold()),
        detectable: None,
        needs: None,
        reason: String::new(),
    };
    let judgement = match &draft.evidence {
        Evidence::Identical => {
            comparison.method = Method::Identical;
            comparison.effect = Some(0.0);
            Judgement {
                verdict: Verdict::Same,
                reason: "every reading is the same".to_owned(),
                needs: None,
            }
        }
        Evidence::None(reason) => Judgement {
            verdict: Verdict::Inconclusive,
            reason: reason.clone(),
            needs: None,
        },
        Evidence::Tested {
            method,
            test,
            permutation,
            ..
        } => {
            let interval = test.interval(1.0 - 2.0 * gate.alpha);
            let seen = detectable(test.error, test.freedom, demand);
            comparison.method = *method;
            comparison.effect = Some(metric.effect(test.difference));
            comparison.effect_low = interval.map(|ends| metric.effect(ends.low));
            comparison.effect_high = interval.map(|ends| metric.effect(ends.high));
            comparison.p_worse = Some(draft.p_worse(test));
            comparison.p_better = Some(draft.p_better(test));
            comparison.p_adjusted = draft.adjusted.map(|(worse, better)| {
                if draft.worsening(test) >= 0.0 {
                    worse
                } else {
                    better
                }
            });
            comparison.p_permutation = *permutation;
            comparison.detectable = seen.map(|effect| metric.effect(effect));
            judged(&draft, test, *method, seen, gate)
        }
    };
    comparison.reason = judgement.reason;
    if draft.gated {
        comparison.verdict = Some(judgement.verdict);
        comparison.needs = judgement.needs;
    }
    comparison
}

fn judged(
    draft: &Draft,
    test: &TTest,
    method: Method,
    seen: Option<f64>,
    gate: &GateSettings,
) -> Judgement {
    let show = |difference: f64| shown(draft.metric, difference);
    let (threshold, detect) = (draft.threshold(), draft.bounds.1);
    let worsening = draft.worsening(test);
    let (p_worse, p_better) = draft
        .adjusted
        .unwrap_or((draft.p_worse(test), draft.p_better(test)));
    let settled = |verdict, reason| Judgement {
        verdict,
        reason,
        needs: None,
    };
    if let Some(floor) = draft.floor.filter(|floor| *floor > detect / 2.0) {
        let reason = format!(
            "too noisy to judge: equal builds differ by up to {}, more than half of the {} that \
             has to be seen",
            show(floor),
            show(detect)
        );
        return open(draft, test, method, reason, gate);
    }
    if p_worse <= gate.alpha && worsening >= threshold {
        return settled(
            Verdict::Regressed,
            format!("worse by at least {}, and not by chance", show(threshold)),
        );
    }
    if p_better <= gate.alpha && -worsening >= threshold {
        return settled(
            Verdict::Improved,
            format!("better by at least {}, and not by chance", show(threshold)),
        );
    }
    if worsening >= threshold {
        let reason = format!(
            "worse by more than {}, but that may be chance",
            show(threshold)
        );
        return open(draft, test, method, reason, gate);
    }
    match seen {
        Some(seen) if seen <= detect => settled(
            Verdict::Same,
            if p_worse <= gate.alpha || p_better <= gate.alpha {
                format!("changed by less than {}", show(threshold))
            } else {
                format!("a change of {} would have been seen", show(seen))
            },
        ),
        _ => {
            let least = seen.map_or_else(|| "any change".to_owned(), show);
            let reason = format!(
                "too few runs: only changes from {least} on would have been seen, and {} has to be",
                show(detect)
            );
            open(draft, test, method, reason, gate)
        }
    }
}

/// An inconclusive one, with what would settle it.
fn open(
    draft: &Draft,
    test: &TTest,
    method: Method,
    reason: String,
    gate: &GateSettings,
) -> Judgement {
    Judgement {
        verdict: Verdict::Inconclusive,
        reason,
        needs: more_runs(draft, test, method, gate),
    }
}

fn more_runs(draft: &Draft, test: &TTest, method: Method, gate: &GateSettings) -> Option<MoreRuns> {
    let (least, detect) = draft.bounds;
    let [before, after] = draft.runs;
    let worsening = draft.worsening(test);
    // What is worse already has to be told from chance; otherwise what has to be seen has to be.
    let (effect, threshold) = if worsening > least && worsening < detect {
        (worsening, 0.0)
    } else {
        (detect, least)
    };
    let demand = Demand {
        alpha: gate.alpha,
        power: gate.power,
        threshold,
    };
    let (wanted, have) = match method {
        Method::Paired => {
            let pairs = test.freedom + 1.0;
            let wanted = pairs_needed(test.error * pairs.sqrt(), effect, demand)?;
            (wanted, [pairs as u32; 2])
        }
        _ => {
            let share = 1.0 / before as f64 + 1.0 / after as f64;
            let by_test = runs_needed(test.error / share.sqrt(), effect, demand)?;
            // The floor falls with √k and may be half of what has to be seen.
            let floor = draft.floor.unwrap_or(0.0);
            let by_floor = after as f64 * (2.0 * floor / detect).powi(2);
            if by_floor > 10_000.0 {
                return None;
            }
            (
                by_test.max(by_floor.ceil() as u32),
                [before as u32, after as u32],
            )
        }
    };
    let wanted = wanted.max(FEWEST_RUNS as u32);
    let more = have.iter().map(|have| wanted.saturating_sub(*have)).sum();
    (more > 0).then(|| MoreRuns {
        runs_each: wanted,
        more_runs: more,
        cost_usd: match draft.kind {
            RunKind::Simulated => Some(0.0),
            RunKind::Live => draft.cost.map(|cost| cost * f64::from(more)),
        },
    })
}

/// A difference on the scale of comparison in words.
fn shown(metric: &MetricSpec, difference: f64) -> String {
    let effect = 100.0 * metric.effect(difference);
    if metric.relative {
        format!("{effect:.1} %")
    } else {
        format!("{effect:.2} points")
    }
}
