//! The search for the highest load, as rows and sentences of a report.

use super::number::{NONE, optional, percent};
use super::view::{Group, Row, Section};
use crate::results::{AdviceSummary, SearchSummary, VariantSummary};

/// Requests per second with three digits.
fn rate(rps: f64) -> String {
    match rps {
        v if v >= 99.95 => format!("{v:.0}/s"),
        v if v >= 9.995 => format!("{v:.1}/s"),
        v if v >= 0.995 => format!("{v:.2}/s"),
        v if v >= 0.0995 => format!("{v:.3}/s"),
        v => format!("{v:.4}/s"),
    }
}

/// The brackets side by side.
pub(super) fn group(variants: &[VariantSummary]) -> Group {
    let mut rows = Vec::new();
    if variants.iter().any(|one| one.search.is_some()) {
        let mut add = |label: &str, show: &dyn Fn(&SearchSummary) -> String| {
            let cells = variants
                .iter()
                .map(|one| one.search.as_ref().map_or_else(|| NONE.into(), show));
            rows.push(Row {
                label: label.to_owned(),
                cells: cells.collect(),
            });
        };
        add("passes up to", &|one| match (&one.pass, &one.fail) {
            (Some(pass), Some(_)) => rate(pass.rps),
            (Some(pass), None) => format!("at least {}", rate(pass.rps)),
            (None, _) => "no load".to_owned(),
        });
        add("fails from", &|one| {
            optional(one.fail.map(|fail| fail.rps), rate)
        });
        add("scenario's load", &|one| rate(one.own_rps));
        add("passes, times that", &|one| {
            optional(one.pass.map(|pass| pass.factor), |factor| {
                format!("× {factor:.2}")
            })
        });
        add("good where it passes", &|one| {
            optional(one.pass.and_then(|pass| pass.attainment), percent)
        });
        add("good where it fails", &|one| {
            optional(one.fail.and_then(|fail| fail.attainment), percent)
        });
        add("quotas carry, if steady", &|one| {
            optional(one.closed_form_rps, rate)
        });
        add("breaks first", &|one| {
            one.binds
                .as_ref()
                .map_or_else(|| "nothing".to_owned(), |binds| binds.what.clone())
        });
    }
    Group {
        title: "Highest load".into(),
        rows,
    }
}

/// Why it breaks, and what to change first.
pub(super) fn sections(variants: &[VariantSummary]) -> Vec<Section> {
    let searched = || {
        variants
            .iter()
            .filter_map(|one| Some((one, one.search.as_ref()?)))
    };
    let mut sections = Vec::new();
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            sections.push(Section {
                title: title.to_owned(),
                lines,
            });
        }
    };
    let why = searched().filter_map(|(one, search)| {
        let binds = search.binds.as_ref()?;
        Some(match search.pass {
            Some(_) => format!("{}: {}", one.name, binds.evidence),
            None => format!("{} fails at any load: {}", one.name, binds.evidence),
        })
    });
    section("What breaks first", why.collect());
    let what = searched().flat_map(|(one, search)| {
        let useful = search.advice.iter().filter(|advice| is_useful(advice));
        useful.map(|advice| format!("{}: {}", one.name, sentence(advice)))
    });
    section("What to change first (each was simulated)", what.collect());
    let idle = searched().flat_map(|(one, search)| {
        let useless = search.advice.iter().filter(|advice| !is_useful(advice));
        useless.map(|advice| match advice.pass_rps {
            None => format!("{}: {}: no load passes", one.name, advice.change),
            Some(rps) => format!("{}: {}: {}", one.name, advice.change, rate(rps)),
        })
    });
    section("Tried without gain", idle.collect());
    sections
}

/// A gain below the precision of a bracket is none.
const LEAST_GAIN: f64 = 0.02;

fn is_useful(advice: &AdviceSummary) -> bool {
    match advice.gain {
        Some(gain) => gain > LEAST_GAIN,
        None => advice.pass_rps.is_some(),
    }
}

fn sentence(advice: &AdviceSummary) -> String {
    let carried = advice.pass_rps.map_or_else(|| NONE.to_owned(), rate);
    let gain = match advice.gain {
        Some(gain) => format!(", +{:.0} %", 100.0 * gain),
        None => String::new(),
    };
    let closed = match advice.closed_form_rps {
        Some(rps) => format!(" (quotas carry {}, if steady)", rate(rps)),
        None => String::new(),
    };
    let then = match &advice.then_binds {
        Some(what) => format!("; then {what} breaks first"),
        None => String::new(),
    };
    format!("{}: {carried}{gain}{closed}{then}", advice.change)
}

/// What the search says of itself.
pub(super) fn warnings(variants: &[VariantSummary]) -> Vec<String> {
    let searched = variants
        .iter()
        .filter_map(|one| Some((&one.name, one.search.as_ref()?)));
    searched
        .flat_map(|(name, search)| {
            let said = search.warnings.iter();
            said.map(move |text| format!("{name}: {text}"))
        })
        .collect()
}
