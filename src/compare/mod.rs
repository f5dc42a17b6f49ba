//! The regression gate: whether runs are worse than those that they are measured against.
//!
//! The run is the unit. Requests of one run share whatever that run met, so tests on pooled requests find
//! differences between equal builds, and the more requests there are, the more of them (`methods.md` 6.1).
//! Each run gives one reading of each metric; readings of latencies and costs are compared on logarithms.

pub mod assertion;
mod figures;
mod gather;
pub mod history;
mod judge;
mod metrics;
mod noise;
pub mod sentences;
mod verdict;

pub use gather::{FolderText, GatherError, gather, gather_baselines};
pub use metrics::{DEFAULT_GATE, METRICS, MetricSpec, metric_named};
pub use noise::{calibrate, with_noise};

use crate::results::compare::{
    COMPARE_SCHEMA, CompareSummary, CompareVariant, GateSettings, SideSummary, Verdict,
};
use crate::results::{Baseline, BaselineVariant, RunKind};

/// Fewest runs on each side of a Welch test. Three have no power to speak of; five are advised.
pub const FEWEST_RUNS: usize = 3;
/// Fewest past runs that a run or two may be tested against.
pub const FEWEST_PAST: usize = 20;
/// Fewest pairs of equal seeds.
pub const FEWEST_PAIRS: usize = 10;

/// The gate unless told otherwise.
pub fn default_gate() -> GateSettings {
    GateSettings {
        alpha: 0.01,
        power: 0.9,
        threshold: 0.05,
        detect: 0.15,
        share_threshold: 0.005,
        share_detect: 0.015,
        metrics: DEFAULT_GATE.map(str::to_owned).to_vec(),
    }
}

/// Why two sides are not compared at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// Nothing to compare.
    #[error("no variant of the result is in the baseline: it has {has}, the result {wants}")]
    NoVariant {
        /// Names on the baseline's side.
        has: String,
        /// Names on the result's side.
        wants: String,
    },
    /// The scenarios differ.
    #[error("the variant `{variant}` was not run with the scenario of the baseline{also}")]
    OtherScenario {
        /// The variant.
        variant: String,
        /// What else differs.
        also: String,
    },
    /// A simulation is no live run.
    #[error("the baseline is {baseline} and the result {result}")]
    OtherKind {
        /// What the baseline is.
        baseline: &'static str,
        /// What the result is.
        result: &'static str,
    },
}

impl CompareError {
    /// The way out.
    pub fn help(&self) -> String {
        match self {
            Self::NoVariant { .. } => "compare results of the same scenario, or choose with \
                                       `--variant` where both are made"
                .to_owned(),
            Self::OtherScenario { .. } => "write the baseline anew with `--update-baseline`, or \
                                           compare all the same with `--allow-different-scenario`"
                .to_owned(),
            Self::OtherKind { .. } => {
                "compare simulations with simulations and live runs with live runs; \
                 `bedload simulate` and `bedload run` make them"
                    .to_owned()
            }
        }
    }
}

pub(crate) fn kind_word(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Simulated => "simulated",
        RunKind::Live => "live",
    }
}

/// Compares runs with a baseline.
///
/// # Errors
/// If they are not comparable; `any_scenario` lets the scenarios differ.
pub fn compare(
    baseline: &Baseline,
    result: &Baseline,
    gate: &GateSettings,
    any_scenario: bool,
) -> Result<CompareSummary, CompareError> {
    if baseline.kind != result.kind {
        return Err(CompareError::OtherKind {
            baseline: kind_word(baseline.kind),
            result: kind_word(result.kind),
        });
    }
    let pairs = pairs(baseline, result)?;
    let mut notes = sentences::notes(baseline, result);
    for (of_baseline, of_result) in &pairs {
        if of_baseline.scenario_sha256 == of_result.scenario_sha256 {
            continue;
        }
        if !any_scenario {
            let also = match (&baseline.program_version, &result.program_version) {
                (one, other) if one != other => format!(
                    " (nor with its version of bedload, {one} and {other}: defaults may be new)"
                ),
                _ => String::new(),
            };
            return Err(CompareError::OtherScenario {
                variant: of_result.name.clone(),
                also,
            });
        }
        notes.push(format!("{}: the scenarios differ", of_result.name));
    }
    let variants = judge::variants(&pairs, result.kind, gate);
    let sides = [side(baseline), side(result)];
    let verdict = overall(&variants, &sides);
    let warnings = sentences::warnings(baseline, result, &sides);
    let [baseline_side, result_side] = sides;
    let mut document = CompareSummary {
        schema: COMPARE_SCHEMA.to_owned(),
        verdict: Some(verdict),
        sentences: Vec::new(),
        figures: figures::shifts(&pairs),
        baseline: Some(baseline_side),
        result: Some(result_side),
        gate: gate.clone(),
        variants,
        assertions: Vec::new(),
        calibration: Vec::new(),
        history: Vec::new(),
        warnings,
        notes,
    };
    document.sentences = sentences::verdict(&document);
    Ok(document)
}

/// A document without a comparison, for assertions, calibrations and histories.
pub fn without_baseline(result: Option<&Baseline>, gate: &GateSettings) -> CompareSummary {
    let result = result.map(side);
    let is_spoilt = result.as_ref().is_some_and(|side| !side.spoilt.is_empty());
    CompareSummary {
        schema: COMPARE_SCHEMA.to_owned(),
        verdict: is_spoilt.then_some(Verdict::Inconclusive),
        sentences: Vec::new(),
        baseline: None,
        result,
        gate: gate.clone(),
        variants: Vec::new(),
        assertions: Vec::new(),
        calibration: Vec::new(),
        history: Vec::new(),
        figures: Vec::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
    }
}

/// Sums up once more after something was added: the worst of the verdict so far and of the assertions.
pub fn conclude(document: &mut CompareSummary) {
    let of_assertions = document.assertions.iter().map(|one| match one.holds {
        Some(true) => Verdict::Same,
        Some(false) => Verdict::Regressed,
        None => Verdict::Inconclusive,
    });
    document.verdict = of_assertions.chain(document.verdict).max();
    document.sentences = sentences::verdict(document);
}

/// Variants of equal names; two that are the only ones are a pair whatever their names.
fn pairs<'s>(
    baseline: &'s Baseline,
    result: &'s Baseline,
) -> Result<Vec<(&'s BaselineVariant, &'s BaselineVariant)>, CompareError> {
    let of_name = |name: &str| baseline.variants.iter().find(|one| one.name == name);
    let pairs: Vec<_> = result
        .variants
        .iter()
        .filter_map(|one| Some((of_name(&one.name)?, one)))
        .collect();
    match (&pairs[..], &baseline.variants[..], &result.variants[..]) {
        ([], [only], [other]) => Ok(vec![(only, other)]),
        ([], ..) => {
            let names = |side: &Baseline| {
                let names: Vec<&str> = side.variants.iter().map(|one| one.name.as_str()).collect();
                names.join(", ")
            };
            Err(CompareError::NoVariant {
                has: names(baseline),
                wants: names(result),
            })
        }
        _ => Ok(pairs),
    }
}

fn side(of: &Baseline) -> SideSummary {
    let usable = |variant: &BaselineVariant| {
        let runs = variant.runs.iter().filter(|run| run.spoilt.is_none());
        runs.count() as u32
    };
    let mut spoilt: Vec<String> = Vec::new();
    for variant in &of.variants {
        for run in &variant.runs {
            if let Some(reason) = &run.spoilt {
                let line = format!("{}, {}: {reason}", variant.name, run.source);
                if !spoilt.contains(&line) {
                    spoilt.push(line);
                }
            }
        }
    }
    SideSummary {
        name: of.name.clone(),
        kind: of.kind,
        target: of.target.clone(),
        scenario: of.scenario.clone(),
        program_version: of.program_version.clone(),
        created_at: of.created_at.clone(),
        host: of.host.clone(),
        runs: of.variants.iter().map(usable).max().unwrap_or(0),
        spoilt,
    }
}

/// The worst over all variants; runs that cannot be relied on never pass.
fn overall(variants: &[CompareVariant], sides: &[SideSummary]) -> Verdict {
    let worst = variants.iter().map(|one| one.verdict).max();
    let worst = worst.unwrap_or(Verdict::Inconclusive);
    if sides.iter().any(|side| !side.spoilt.is_empty()) {
        worst.max(Verdict::Inconclusive)
    } else {
        worst
    }
}

#[cfg(test)]
mod tests;
