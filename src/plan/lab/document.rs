//! The findings of a lab as a document.

use super::rank::{Criterion, Placed, rank};
use super::recovery::{Phase, Phases, Verdict, Window, phases};
use super::seed::SeedFigures;
use super::tip::Tip;
use crate::measure::{Course, GoodOf};
use crate::results::{
    Estimate, FairnessSummary, LAB_SCHEMA, LabLoad, LabSummary, LabWindow, NextSummary,
    PhaseSummary, PhasesSummary, PolicyCourse, PolicySummary, Summary, TipSummary, VariantSummary,
};
use crate::units::Micros;

/// Steps of a course, at most.
const STEPS: usize = 120;

/// What was done in a lab.
#[derive(Clone, Copy, Debug)]
pub struct LabInput<'a> {
    /// The times of the spike.
    pub window: &'a Window,
    /// What hit, in words.
    pub triggers: &'a [String],
    /// All runs as a simulation's summary, its variants in the order of `policies`.
    pub summary: &'a Summary,
    /// The policies in the order of the scenario.
    pub policies: &'a [LabPolicy],
}

/// One policy over all seeds.
#[derive(Clone, Debug)]
pub struct LabPolicy {
    /// Its runs, one for each seed.
    pub seeds: Vec<SeedFigures>,
    /// The course of all runs together.
    pub course: Course,
    /// The load at which it tips, if that was asked for.
    pub tip: Option<Tip>,
}

impl LabPolicy {
    /// Counts over all seeds, by the parts of the run.
    pub fn phases(&self, window: &Window) -> Phases {
        phases(&self.course, window, self.seeds.len() as u32)
    }
}

/// Ranks the policies and writes down what was found.
pub fn document(input: &LabInput<'_>) -> LabSummary {
    let LabInput {
        window,
        triggers,
        summary,
        policies,
    } = *input;
    let scored: Vec<_> = policies
        .iter()
        .map(|policy| {
            let comes_back = policy.phases(window).verdict(None) == Verdict::Recovers;
            let scores = policy.seeds.iter().map(|one| one.score);
            (comes_back, scores.collect())
        })
        .collect();
    let placed = rank(&scored);
    let ranked: Vec<PolicySummary> = (0..placed.len())
        .map(|at| {
            let before = at.checked_sub(1).map(|before| placed[before].index);
            let one = &placed[at];
            let behind = before.map(|before| behind(one, &summary.variants[before].name));
            policy(input, one, at as u32 + 1, behind)
        })
        .collect();
    let best = placed.first().map(|one| &summary.variants[one.index]);
    let base = policies.first().map(|one| one.phases(window).before);
    let best_comes_back = ranked
        .first()
        .is_some_and(|one| one.verdict == Verdict::Recovers.name());
    let mut lab = LabSummary {
        schema: LAB_SCHEMA.to_owned(),
        scenario: summary.scenario.clone(),
        description: summary.description.clone(),
        seed: summary.seed,
        seeds: policies
            .first()
            .map(|one| one.seeds.iter().map(|seed| seed.seed).collect())
            .unwrap_or_default(),
        partial: summary.partial,
        verdict: Vec::new(),
        best: ranked
            .first()
            .filter(|_| best_comes_back)
            .map(|one| one.name.clone()),
        warnings: summary.warnings.clone(),
        engine: summary.engine,
        window: LabWindow {
            measured_from_s: sig(window.from.as_secs_f64()),
            at_s: sig(window.at.as_secs_f64()),
            release_s: sig(window.release.as_secs_f64()),
            until_s: sig(window.until.as_secs_f64()),
            triggers: triggers.to_vec(),
            bin_s: sig(window.bin().as_secs_f64()),
            base_rps: base.as_ref().and_then(Phase::offered_rps).map(sig),
        },
        price_book: best.and_then(|one| one.price_book.clone()),
        assumptions: best.map(|one| one.assumptions.clone()).unwrap_or_default(),
        notes: notes(policies),
        policies: ranked,
    };
    lab.verdict = super::advice::advice(&lab);
    lab
}

/// Six significant digits, so that files stay readable.
fn sig(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    format!("{value:.5e}").parse().unwrap_or(value)
}

fn behind(placed: &Placed, to: &str) -> NextSummary {
    NextSummary {
        to: to.to_owned(),
        by: placed.behind_by.map(|by: Criterion| by.name().to_owned()),
        goodput_rps: placed.goodput_behind.map(|interval| Estimate {
            estimate: sig(interval.estimate),
            low: sig(interval.low),
            high: sig(interval.high),
        }),
    }
}

fn policy(
    input: &LabInput<'_>,
    placed: &Placed,
    rank: u32,
    behind: Option<NextSummary>,
) -> PolicySummary {
    let variant = &input.summary.variants[placed.index];
    let one = &input.policies[placed.index];
    let parts = one.phases(input.window);
    let runs = one.seeds.len().max(1) as f64;
    let per_run = |sum: Option<f64>| sum.map(|sum| sig(sum / runs));
    let offered = variant.requests.offered as f64;
    PolicySummary {
        rank,
        name: variant.name.clone(),
        verdict: parts.verdict(None).name().to_owned(),
        rank_stability: sig(placed.stability(rank)),
        ranks: placed.ranks.clone(),
        behind,
        slo: variant.slo.clone(),
        goodput_rps: variant.goodput_rps,
        phases: PhasesSummary {
            before: phase(&parts.before),
            during: phase(&parts.during),
            after: phase(&parts.after),
            last_third: phase(&parts.last),
        },
        hysteresis: parts.hysteresis().map(sig),
        recovery_s: median_recovery(&one.seeds),
        recovery_by_seed_s: one.seeds.iter().map(recovery_s).collect(),
        amplification: variant.attempts.amplification,
        peak_amplification: median(one.seeds.iter().filter_map(|seed| seed.peak_amplification)),
        ttft_all_ms: variant.ttft_all_ms.clone(),
        e2e_all_ms: variant.e2e_all_ms.clone(),
        requests: variant.requests,
        refused_share: (offered > 0.0).then(|| sig(variant.requests.throttled as f64 / offered)),
        wasted_tokens: sig(one.course.wasted_tokens() as f64 / runs),
        wasted_usd: per_run(variant.cost.by_class.wasted),
        run_usd: per_run(variant.cost.run_usd),
        fairness: FairnessSummary {
            workloads: evenness(workloads(variant)),
            instances: evenness(one.course.instances().iter().copied()),
        },
        tip: one.tip.as_ref().map(|tip| tip_summary(tip, &parts)),
        course: course(&one.course, input.window.until, one.seeds.len()),
    }
}

fn phase(phase: &Phase) -> PhaseSummary {
    PhaseSummary {
        offered_rps: phase.offered_rps().map(sig),
        goodput_rps: phase.goodput_rps().map(sig),
        good_share: phase.share().map(sig),
        amplification: phase.amplification().map(sig),
    }
}

fn recovery_s(seed: &SeedFigures) -> Option<f64> {
    seed.recovery.map(|time| sig(time.as_secs_f64()))
}

/// The median over seeds; one that never recovered takes longer than any other.
fn median_recovery(seeds: &[SeedFigures]) -> Option<f64> {
    let times = seeds
        .iter()
        .map(|seed| recovery_s(seed).unwrap_or(f64::INFINITY));
    median(times).filter(|time| time.is_finite())
}

/// The upper of the middle values, which is the worse one.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().map(
        |value| {
            if value.is_finite() { sig(value) } else { value }
        },
    )
}

fn workloads(variant: &VariantSummary) -> impl Iterator<Item = GoodOf> + '_ {
    variant.workloads.iter().map(|one| GoodOf {
        offered: one.requests.offered,
        good: one.requests.good,
    })
}

/// The least good share over the largest (methods: fairness is max over min; its inverse stays finite).
fn evenness(of: impl Iterator<Item = GoodOf>) -> Option<f64> {
    let shares: Vec<f64> = of
        .filter(|one| one.offered > 0)
        .map(|one| one.good as f64 / one.offered as f64)
        .collect();
    let largest = shares.iter().copied().fold(0.0, f64::max);
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    (shares.len() > 1 && largest > 0.0).then(|| sig(least / largest))
}

fn tip_summary(tip: &Tip, parts: &Phases) -> TipSummary {
    let base = parts.before.offered_rps().unwrap_or(0.0);
    let load = |factor: f64| LabLoad {
        factor: sig(factor),
        base_rps: sig(factor * base),
    };
    TipSummary {
        recovers_at: tip.holds.map(load),
        fails_at: tip.fails.map(|(factor, _)| load(factor)),
        by: tip.fails.map(|(_, verdict)| verdict.name().to_owned()),
    }
}

/// The course while requests still began, in at most so many equal steps.
fn course(course: &Course, until: Micros, runs: usize) -> PolicyCourse {
    let width = course.width();
    let bins = course.bins();
    let begun = (until.0.div_ceil(width.0) as usize).min(bins.len());
    let in_step = begun.div_ceil(STEPS).max(1);
    let seconds = width.as_secs_f64() * runs.max(1) as f64;
    let line = |of: fn(&crate::measure::CourseBin) -> u64| {
        let steps = bins[..begun].chunks(in_step);
        let rate = steps.map(|step| {
            let sum: u64 = step.iter().map(of).sum();
            sig(sum as f64 / (seconds * step.len() as f64))
        });
        rate.collect()
    };
    PolicyCourse {
        step_s: sig(width.as_secs_f64() * in_step as f64),
        offered_rps: line(|bin| bin.offered),
        goodput_rps: line(|bin| bin.good),
        sent_rps: line(|bin| bin.sent),
    }
}

fn notes(policies: &[LabPolicy]) -> Vec<String> {
    let runs = policies.first().map_or(0, |one| one.seeds.len());
    let mut notes = vec![
        "Every policy met the same requests with the same seeds. They are ranked by whether they come \
         back, then by goodput under the SLO, the 99th percentile to the last token over all requests, \
         and attempts per request; what one criterion cannot tell apart by paired differences over \
         seeds goes on to the next."
            .to_owned(),
        "Metastable: in the last third after the release less than 95 % of what was good before is good \
         again. Recovered: from the first three bins in a row in which 98 % of it are. Requests count \
         where they began."
            .to_owned(),
    ];
    if runs < 2 {
        notes.push(
            "One seed tells no noise from differences: run with `--seeds 5` or more.".to_owned(),
        );
    }
    notes
}
