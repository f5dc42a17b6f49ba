//! What a comparison says in sentences.

use super::metrics::full_name;
use crate::results::compare::{
    AssertionSummary, CompareSummary, MetricComparison, SideSummary, Verdict,
};
use crate::results::{Baseline, BaselineVariant, RunKind};

/// Most metrics that are named one by one.
const NAMED: usize = 6;

/// The verdict first, then what it rests on.
pub(super) fn verdict(document: &CompareSummary) -> Vec<String> {
    let Some(verdict) = document.verdict else {
        return document.sentences.clone();
    };
    let mut sentences = vec![headline(document, verdict)];
    for wanted in [Verdict::Regressed, Verdict::Improved, Verdict::Inconclusive] {
        let found: Vec<String> = gated(document)
            .filter(|(_, one)| one.verdict == Some(wanted))
            .map(|(variant, one)| sentence(document, variant, one))
            .collect();
        let more = found.len().saturating_sub(NAMED);
        sentences.extend(found.into_iter().take(NAMED));
        if more > 0 {
            sentences.push(format!("{more} more metrics are {wanted}."));
        }
    }
    let failed = document
        .assertions
        .iter()
        .filter(|one| one.holds != Some(true));
    sentences.extend(failed.map(|one| assertion(document, one)));
    sentences.extend(settles(document));
    sentences
}

fn headline(document: &CompareSummary, verdict: Verdict) -> String {
    let count = |wanted: Verdict| {
        gated(document)
            .filter(|(_, one)| one.verdict == Some(wanted))
            .count()
    };
    let judged = gated(document).count();
    let failed = document
        .assertions
        .iter()
        .filter(|one| one.holds == Some(false))
        .count();
    let spoilt = [&document.baseline, &document.result]
        .into_iter()
        .flatten()
        .any(|side| !side.spoilt.is_empty());
    match verdict {
        Verdict::Regressed if failed > 0 && count(verdict) == 0 => {
            format!(
                "FAILED: {failed} of {} thresholds missed.",
                document.assertions.len()
            )
        }
        Verdict::Regressed => {
            let also = match failed {
                0 => String::new(),
                1 => ", and a threshold is missed".to_owned(),
                many => format!(", and {many} thresholds are missed"),
            };
            format!(
                "REGRESSED: {} of {judged} metrics are worse{also}.",
                count(verdict)
            )
        }
        Verdict::Inconclusive if spoilt => {
            "INCONCLUSIVE: there are runs that cannot be relied on.".to_owned()
        }
        Verdict::Inconclusive => "INCONCLUSIVE: these runs cannot tell.".to_owned(),
        Verdict::Improved => {
            format!(
                "IMPROVED: {} of {judged} metrics are better, none is worse.",
                count(verdict)
            )
        }
        Verdict::Same if judged == 0 => {
            format!("PASSED: {} thresholds hold.", document.assertions.len())
        }
        Verdict::Same => format!("SAME: none of {judged} metrics changed by what matters."),
    }
}

/// Every gated metric with its variant.
fn gated(document: &CompareSummary) -> impl Iterator<Item = (&str, &MetricComparison)> {
    let variants = document.variants.iter();
    variants.flat_map(|variant| {
        let metrics = variant.metrics.iter().filter(|one| one.gated);
        metrics.map(|one| (variant.name.as_str(), one))
    })
}

fn sentence(document: &CompareSummary, variant: &str, one: &MetricComparison) -> String {
    let metric = full_name(one.workload.as_deref(), &one.metric);
    let name = match document.variants.len() {
        1 => metric,
        _ => format!("{variant}: {metric}"),
    };
    let change = match (one.effect, one.effect_low, one.effect_high) {
        (Some(effect), Some(low), Some(high)) => format!(
            "{} ({:.0} % interval {} to {}{})",
            effect_text(one.relative, effect),
            100.0 * (1.0 - 2.0 * document.gate.alpha),
            effect_text(one.relative, low),
            effect_text(one.relative, high),
            one.p_adjusted
                .map_or_else(String::new, |p| match p_text(p) {
                    small if small.starts_with('<') => format!(", p {small}"),
                    text => format!(", p = {text}"),
                }),
        ),
        _ => String::new(),
    };
    match one.verdict {
        Some(Verdict::Regressed) => format!("{name} is worse: {change}."),
        Some(Verdict::Improved) => format!("{name} is better: {change}."),
        _ if change.is_empty() => format!("{name}: {}.", one.reason),
        _ => format!("{name} {change}: {}.", one.reason),
    }
}

/// A change in per cent or in points, with its sign.
pub fn effect_text(relative: bool, effect: f64) -> String {
    let unit = if relative { "%" } else { "pt" };
    let decimals = if relative { 1 } else { 2 };
    format!("{:+.decimals$} {unit}", 100.0 * effect)
}

/// A p-value with as many digits as tell something.
pub fn p_text(p: f64) -> String {
    match p {
        p if p < 1e-4 => "<0.0001".to_owned(),
        p if p < 0.1 => format!("{p:.4}"),
        p => format!("{p:.2}"),
    }
}

fn assertion(document: &CompareSummary, one: &AssertionSummary) -> String {
    let variant = match document
        .assertions
        .iter()
        .any(|other| other.variant != one.variant)
    {
        true => format!("{}: ", one.variant),
        false => String::new(),
    };
    let state = if one.holds.is_some() {
        "misses"
    } else {
        "cannot be judged"
    };
    format!("{variant}`{}` {state}: {}.", one.text, one.reason)
}

/// What would settle all that is open: the most that any metric needs.
fn settles(document: &CompareSummary) -> Option<String> {
    let needs = gated(document).filter_map(|(_, one)| one.needs);
    let most = needs.max_by_key(|needs| needs.runs_each)?;
    let kind = document.result.as_ref().map(|side| side.kind);
    let what = match kind {
        Some(RunKind::Simulated) => format!("`--replications {}` on both sides", most.runs_each),
        _ => format!(
            "{} more runs ({} on each side)",
            most.more_runs, most.runs_each
        ),
    };
    let cost = match most.cost_usd {
        Some(usd) if usd > 0.0 => format!(", about ${usd:.2}"),
        Some(_) => ", at no cost".to_owned(),
        None => ", at unknown cost".to_owned(),
    };
    Some(format!("{what} would settle it{cost}."))
}

/// Plain remarks on what the two sides are.
pub(super) fn notes(baseline: &Baseline, result: &Baseline) -> Vec<String> {
    let mut notes = Vec::new();
    let names = |variants: &[BaselineVariant], others: &[BaselineVariant]| -> Vec<String> {
        let missing = variants
            .iter()
            .filter(|one| others.iter().all(|other| other.name != one.name));
        missing.map(|one| one.name.clone()).collect()
    };
    let (only_before, only_after) = (
        names(&baseline.variants, &result.variants),
        names(&result.variants, &baseline.variants),
    );
    let lone_pair = baseline.variants.len() == 1 && result.variants.len() == 1;
    if !lone_pair && !only_before.is_empty() {
        notes.push(format!("not in the result: {}", only_before.join(", ")));
    }
    if !lone_pair && !only_after.is_empty() {
        notes.push(format!(
            "not in the baseline, so not judged: {}",
            only_after.join(", ")
        ));
    }
    if baseline.program_version != result.program_version {
        notes.push(format!(
            "the baseline was made by bedload {}, the result by {}",
            baseline.program_version, result.program_version
        ));
    }
    let changed: Vec<&str> = result
        .profiles
        .iter()
        .filter(|own| {
            let mut others = baseline.profiles.iter();
            let same_name =
                others.find(|other| (&other.kind, &other.name) == (&own.kind, &own.name));
            same_name.is_some_and(|other| other.sha256 != own.sha256)
        })
        .map(|own| own.name.as_str())
        .collect();
    if !changed.is_empty() {
        notes.push(format!("these profiles changed: {}", changed.join(", ")));
    }
    notes
}

/// What a reader should know before trusting the verdict.
pub(super) fn warnings(
    baseline: &Baseline,
    result: &Baseline,
    sides: &[SideSummary; 2],
) -> Vec<String> {
    let mut warnings = Vec::new();
    for side in sides {
        for line in &side.spoilt {
            warnings.push(format!("left out: {line}"));
        }
    }
    if result.kind == RunKind::Live {
        if baseline.host != result.host {
            warnings.push("the two sides were run on different machines".to_owned());
        }
        if let (Some(before), Some(after)) = (span(baseline), span(result))
            && (before.1 < after.0 || after.1 < before.0)
        {
            warnings.push(
                "the two sides were run one after the other, so a drift of the service from hour to \
                 hour counts as a change: `bedload run --interleave` takes turns"
                    .to_owned(),
            );
        }
    }
    warnings
}

/// When the first and the last run of a side began, as text that sorts.
fn span(side: &Baseline) -> Option<(&str, &str)> {
    let runs = side.variants.iter().flat_map(|variant| &variant.runs);
    let starts = || runs.clone().map(|run| run.started_at.as_str());
    Some((starts().min()?, starts().max()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(effect_text(true, 0.1034), "+10.3 %");
        assert_eq!(effect_text(false, -0.0042), "-0.42 pt");
        assert_eq!(p_text(0.00001), "<0.0001");
        assert_eq!(p_text(0.0032), "0.0032");
        assert_eq!(p_text(0.5), "0.50");
    }
}
