//! The endpoints of fallbacks, routes and classifiers as rows of a report.

use super::number::{NONE, count, money, percent};
use super::view::{Group, Row};
use crate::results::{ClassifierSummary, LaneSummary, VariantSummary};

/// Rows for each endpoint that some variant called; none where each workload has only its own.
pub(super) fn group(variants: &[VariantSummary]) -> Group {
    let mut names: Vec<&str> = Vec::new();
    for lane in variants.iter().flat_map(|one| &one.lanes) {
        if lane.attempts + lane.deferred > 0 && !names.contains(&lane.name.as_str()) {
            names.push(&lane.name);
        }
    }
    let mut rows = Vec::new();
    for name in names {
        let mut row = |label: String, show: &dyn Fn(&VariantSummary, &LaneSummary) -> String| {
            let cell = |one: &VariantSummary| {
                let own = one.lanes.iter().find(|lane| lane.name == name);
                own.map_or_else(|| NONE.to_owned(), |lane| show(one, lane))
            };
            rows.push(Row {
                label,
                cells: variants.iter().map(cell).collect(),
            });
        };
        row(name.to_owned(), &taken);
        row("  attempts, 429".to_owned(), &|_, lane| {
            format!("{}, {}", count(lane.attempts), count(lane.throttled))
        });
        row("  cost of this run".to_owned(), &|_, lane| {
            money(lane.cost_usd)
        });
    }
    rows.extend(classifiers(variants));
    Group {
        title: "Endpoints: share of requests".into(),
        rows,
    }
}

/// The share of the requests that an endpoint answered, judged or took as records.
fn taken(variant: &VariantSummary, lane: &LaneSummary) -> String {
    let offered = variant.requests.offered;
    if offered == 0 {
        return NONE.to_owned();
    }
    percent((lane.answered + lane.deferred) as f64 / offered as f64)
}

/// What classifiers got wrong, over all workloads that have one.
fn classifiers(variants: &[VariantSummary]) -> Vec<Row> {
    let all = |one: &VariantSummary| {
        let own = one.workloads.iter().filter_map(|own| own.classifier);
        own.reduce(|a, b| ClassifierSummary {
            judged: a.judged + b.judged,
            failed: a.failed + b.failed,
            easy: a.easy + b.easy,
            misrouted: a.misrouted + b.misrouted,
            overserved: a.overserved + b.overserved,
        })
    };
    if variants.iter().all(|one| all(one).is_none()) {
        return Vec::new();
    }
    let row = |label: &str, part: fn(&ClassifierSummary) -> u64| {
        let cell = |one: &VariantSummary| match all(one) {
            Some(counts) if counts.judged > 0 => {
                percent(part(&counts) as f64 / counts.judged as f64)
            }
            _ => NONE.to_owned(),
        };
        Row {
            label: label.to_owned(),
            cells: variants.iter().map(cell).collect(),
        }
    };
    vec![
        row("hard, judged easy", |counts| counts.misrouted),
        row("easy, judged hard", |counts| counts.overserved),
    ]
}
