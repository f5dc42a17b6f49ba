//! What a probe found, as a document.

use super::weigh::{Hypothesis, Seen, Told};
use crate::domain::{Semantics, Window};
use crate::results::probe::{PROBE_SCHEMA, ProbeDocument, ProbeHypothesis};
use crate::units::Micros;

/// What the shell knows of a probe.
#[derive(Clone, Debug, Default)]
pub struct Probed {
    /// The scenario's name.
    pub scenario: String,
    /// The variant.
    pub variant: String,
    /// Where calls went.
    pub target: String,
    /// The model.
    pub model: String,
    /// The stated quota, tokens per minute.
    pub tpm: u64,
    /// Calls that failed otherwise.
    pub failed: u64,
    /// What calls cost.
    pub spent_usd: Option<f64>,
    /// Microseconds since 1970 at which the probe began.
    pub began_unix_us: i64,
    /// What else a reader should know.
    pub warnings: Vec<String>,
}

/// Below this share of explained fates no rule is believed.
const BELIEVED: f64 = 0.9;

/// The findings.
pub fn findings(
    about: Probed,
    weighed: &[Hypothesis],
    told: Option<&Told>,
    seen: &[Seen],
) -> ProbeDocument {
    let best = weighed.first();
    let total: f64 = weighed
        .iter()
        .map(|one| (one.log_likelihood - best.map_or(0.0, |b| b.log_likelihood)).exp())
        .sum();
    let hypotheses = weighed.iter().map(|one| ProbeHypothesis {
        window: one.window.to_string(),
        semantics: one.semantics.to_string(),
        log_likelihood: one.log_likelihood,
        weight: (one.log_likelihood - best.map_or(0.0, |b| b.log_likelihood)).exp() / total,
        explained: one.explained,
    });
    let believed = best.filter(|one| one.explained >= BELIEVED && !seen.is_empty());
    let told = told.filter(|_| believed.is_some());
    let factor = believed.map_or(1.0, |one| one.limit_factor);
    let tpm_seen =
        ((factor - 1.0).abs() > 1e-9).then(|| (about.tpm as f64 * factor).round() as u64);
    let left: Vec<String> = told.map_or_else(Vec::new, |told| told.left.iter().map(rule).collect());
    let boundary = told.filter(|told| told.window == Some(Window::Fixed));
    let boundary_s = boundary.and_then(|told| told.boundary).map(|phase| {
        let at = about.began_unix_us + phase.0 as i64;
        at.rem_euclid(Micros::MINUTE.0 as i64) as f64 / 1e6
    });
    let mut warnings = about.warnings;
    if let Some(tpm) = tpm_seen {
        warnings.push(format!(
            "the fates fit a quota of about {tpm} tokens a minute, and not the {} of the scenario: set \
             `quota.tpm`",
            about.tpm
        ));
    }
    if about.failed > 0 {
        warnings.push(format!(
            "{} calls failed for other reasons than a quota and tell nothing",
            about.failed
        ));
    }
    let refused = seen.iter().filter(|call| !call.admitted).count() as u64;
    ProbeDocument {
        schema: PROBE_SCHEMA.to_owned(),
        verdict: verdict(told, best, boundary_s),
        scenario: about.scenario,
        variant: about.variant,
        target: about.target,
        model: about.model,
        tpm: about.tpm,
        tpm_seen,
        window: told.and_then(|told| told.window).map(|window| window.to_string()),
        semantics: told.and_then(|told| told.semantics).map(|one| one.to_string()),
        left,
        margin: told.map(|told| told.margin).filter(|margin| margin.is_finite()),
        boundary_s,
        calls: seen.len() as u64 + about.failed,
        refused,
        failed: about.failed,
        spent_usd: about.spent_usd,
        hypotheses: hypotheses.collect(),
        settings: told.map_or_else(Vec::new, settings),
        warnings,
        notes: vec![
            "Each rule follows the counter through all calls as they happened and gives every fate a \
             probability; the sums of their logarithms are compared. Three units are odds of twenty to one."
                .to_owned(),
            "A: taken at admission, the unused part given back at the end. B: held while a call runs, \
             what it used counts from its end on. C: taken at admission, given back within the same \
             window only. In a sliding window A and C are one rule, and in a bucket unless answers take \
             longer than a window."
                .to_owned(),
        ],
    }
}

fn rule(one: &Hypothesis) -> String {
    format!("{}/{}", one.window, one.semantics)
}

fn verdict(told: Option<&Told>, best: Option<&Hypothesis>, boundary_s: Option<f64>) -> Vec<String> {
    let Some(told) = told else {
        let explained = best.map_or(0.0, |one| one.explained);
        return vec![format!(
            "No rule explains what was seen: the best one foretells {:.0} % of the fates. Was other traffic on \
             this quota?",
            100.0 * explained
        )];
    };
    let margin = if told.margin.is_finite() {
        format!(
            "e^{:.0} times likelier than any other rule, {:.0} % of the fates foretold",
            told.margin,
            100.0 * told.left.first().map_or(0.0, |one| one.explained)
        )
    } else {
        "no rule was ruled out".to_owned()
    };
    let mut found = Vec::new();
    found.push(match told.window {
        Some(Window::Sliding) => format!("The quota counts the last sixty seconds ({margin})."),
        Some(Window::Fixed) => format!(
            "The quota starts anew each minute{} ({margin}).",
            boundary_s.map_or_else(String::new, |s| format!(
                ", at second {s:.0} of the UTC minute"
            ))
        ),
        Some(Window::Bucket) => {
            format!("The quota refills all the time, as a bucket does ({margin}).")
        }
        None => format!(
            "The window was not told: {} remain ({margin}).",
            told.left.iter().map(rule).collect::<Vec<_>>().join(", ")
        ),
    });
    let semantics: Vec<Semantics> = told.left.iter().map(|one| one.semantics).collect();
    found.push(match told.semantics {
        Some(Semantics::A) => {
            "Reservations are taken at admission, and what was not used comes back at the end (A).".to_owned()
        }
        Some(Semantics::B) => {
            "Reservations are held while calls run, and what they used counts from their end on (B)."
                .to_owned()
        }
        Some(Semantics::C) => {
            "Reservations are taken at admission, and come back within the same minute only (C).".to_owned()
        }
        None if told.window.is_some() && !semantics.contains(&Semantics::B) => {
            "Reservations are taken at admission, and what was not used comes back (A or C, which are the \
             same here)."
                .to_owned()
        }
        None => "How reservations settle was not told.".to_owned(),
    });
    found
}

/// Lines for a scenario. Of A and C, where they are the same, A.
fn settings(told: &Told) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(
        told.window
            .map(|window| format!("quota.window=\"{window}\"")),
    );
    let semantics = told.semantics.or_else(|| {
        let is_b = |one: &Hypothesis| one.semantics == Semantics::B;
        let told_enough = told.window.is_some() && !told.left.iter().any(is_b);
        told_enough.then_some(Semantics::A)
    });
    lines.extend(semantics.map(|semantics| format!("quota.semantics=\"{semantics}\"")));
    lines
}
