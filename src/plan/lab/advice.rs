//! The verdict of a lab in sentences.

use super::recovery::Verdict;
use crate::results::{LabSummary, PolicySummary};
use std::fmt::Write as _;

/// What to use, what never to use, and how sure that is.
pub(super) fn advice(lab: &LabSummary) -> Vec<String> {
    let comes_back = |one: &&PolicySummary| one.verdict == Verdict::Recovers.name();
    let good: Vec<&PolicySummary> = lab.policies.iter().filter(comes_back).collect();
    let mut lines = Vec::new();
    match good.first() {
        Some(best) => lines.push(use_this(lab, best, &good)),
        None => lines.push(
            "No policy comes back after this spike: lower the load, raise capacity, or shed requests."
                .to_owned(),
        ),
    }
    let named = |verdict: Verdict| {
        let all = lab.policies.iter();
        all.filter(move |one| one.verdict == verdict.name())
    };
    lines.extend(named(Verdict::Metastable).map(never));
    let overloaded: Vec<&str> = named(Verdict::Overloaded)
        .map(|one| one.name.as_str())
        .collect();
    if !overloaded.is_empty() {
        lines.push(format!(
            "Overloaded by the base load alone: {}.",
            overloaded.join(", ")
        ));
    }
    lines
}

fn use_this(lab: &LabSummary, best: &PolicySummary, good: &[&PolicySummary]) -> String {
    let share = best.slo.attainment.unwrap_or(0.0);
    let back = match best.recovery_s {
        Some(0.0) => "is back at once".to_owned(),
        Some(seconds) => format!("is back {} after the release", span(seconds)),
        None => "serves the base load as before at the end".to_owned(),
    };
    let slo = if best.slo.met {
        "meets the SLO over the whole run".to_owned()
    } else {
        format!("misses the SLO ({})", best.slo.missed.join(", "))
    };
    let mut text = format!(
        "Use {}: {:.1} % of requests are good, it {back}, sends {:.2} attempts per request, and {slo}.",
        best.name,
        100.0 * share,
        best.amplification.unwrap_or(0.0),
    );
    let even: Vec<&str> = good
        .iter()
        .skip(1)
        .take_while(|one| {
            one.behind
                .as_ref()
                .is_some_and(|behind| behind.by.is_none())
        })
        .map(|one| one.name.as_str())
        .collect();
    if !even.is_empty() {
        let seeds = lab.seeds.len();
        let names = even.join(", ");
        let _ = write!(text, " Not told apart from it over {seeds} seeds: {names}.");
    }
    text
}

fn never(policy: &PolicySummary) -> String {
    let tip = policy.tip.as_ref();
    let held = tip.and_then(|tip| tip.recovers_at);
    let fails = tip.and_then(|tip| tip.fails_at);
    let edge = match (held, fails) {
        (Some(held), Some(fails)) => format!(
            "it comes back below a base load of {} req/s ({:.0} % of yours), and not from {} req/s",
            rate(held.base_rps),
            100.0 * held.factor,
            rate(fails.base_rps),
        ),
        (None, Some(fails)) => {
            format!(
                "it does not come back even from {} req/s",
                rate(fails.base_rps)
            )
        }
        _ => "it does not come back at this load".to_owned(),
    };
    format!("Never {}: {edge}.", policy.name)
}

fn rate(rps: f64) -> String {
    match rps {
        v if v < 1.0 => format!("{v:.3}"),
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 100.0 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

/// Seconds as people say them.
fn span(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.1} min", seconds / 60.0)
    }
}
