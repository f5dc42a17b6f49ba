//! Service tiers and batch jobs as rows of a report.

use super::number::{NONE, count, money, optional, percent, time};
use super::view::{Group, Row};
use crate::results::{BatchSummary, Percentiles, TierSummary, VariantSummary};

/// The names of workloads of which some variant has what `of` finds, in order.
fn names<T>(
    variants: &[VariantSummary],
    of: impl Fn(&crate::results::WorkloadSummary) -> Option<&T>,
) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for workload in variants.iter().flat_map(|one| &one.workloads) {
        if of(workload).is_some() && !names.contains(&workload.name.as_str()) {
            names.push(&workload.name);
        }
    }
    names
}

/// As what the calls were served that name a tier.
pub(super) fn tiers(variants: &[VariantSummary]) -> Group {
    let rows = names(variants, |one| one.tier.as_ref())
        .into_iter()
        .map(|name| {
            let show = |tier: &TierSummary| {
                let all = tier.served + tier.served_as_standard;
                let share = tier.served as f64 / all.max(1) as f64;
                let asked = tier.asked.replace('_', "-");
                format!("{} {asked}", percent(share))
            };
            let cells = variants.iter().map(|variant| {
                let own = variant.workloads.iter().find(|one| one.name == name);
                let tier = own.and_then(|one| one.tier.as_ref());
                tier.map_or_else(|| "standard".to_owned(), show)
            });
            Row {
                label: format!("{name} served as"),
                cells: cells.collect(),
            }
        });
    Group {
        title: "Service tier".into(),
        rows: rows.collect(),
    }
}

/// One figure of a batch workload.
type Shown = (&'static str, fn(&BatchSummary) -> String);

const FIGURES: [Shown; 11] = [
    ("jobs", |batch| count(batch.jobs)),
    ("records per job", |batch| {
        optional(batch.records_per_job, |records| format!("{records:.0}"))
    }),
    ("records", |batch| count(batch.records)),
    ("completed in p50", |batch| {
        after(&batch.completion_s, "p50")
    }),
    ("completed in p99", |batch| {
        after(&batch.completion_s, "p99")
    }),
    ("late", |batch| of_records(batch, batch.late_records)),
    ("expired", |batch| of_records(batch, batch.expired_records)),
    ("too few for a job", |batch| count(batch.too_few_records)),
    ("jobs waiting, most", |batch| count(batch.waiting_peak)),
    ("first to last", |batch| span(batch.makespan_s)),
    ("cost of this run", |batch| money(batch.cost_usd)),
];

/// The jobs of batch workloads.
pub(super) fn batch(variants: &[VariantSummary]) -> Group {
    let names = names(variants, |one| one.batch.as_ref());
    let mut rows = Vec::new();
    for name in &names {
        for (label, show) in FIGURES {
            let cells = variants.iter().map(|variant| {
                let own = variant.workloads.iter().find(|one| one.name == *name);
                let batch = own.and_then(|one| one.batch.as_ref());
                batch.map_or_else(|| NONE.to_owned(), show)
            });
            let label = if names.len() > 1 {
                format!("{name}: {label}")
            } else {
                label.to_owned()
            };
            rows.push(Row {
                label,
                cells: cells.collect(),
            });
        }
    }
    Group {
        title: match names.as_slice() {
            [only] => format!("Batch of {only}"),
            _ => "Batch".into(),
        },
        rows,
    }
}

fn after(completion: &Percentiles, name: &str) -> String {
    match completion.reading(name) {
        Ok(seconds) => span(seconds),
        Err(_) => "too few".to_owned(),
    }
}

/// Jobs take hours.
fn span(seconds: f64) -> String {
    if seconds < 7200.0 {
        time(1000.0 * seconds)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

fn of_records(batch: &BatchSummary, part: u64) -> String {
    if batch.records == 0 {
        return NONE.to_owned();
    }
    percent(part as f64 / batch.records as f64)
}
