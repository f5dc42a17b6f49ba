//! The verdict on runs, and their figures side by side.

use super::build::{counted, listed, number, once, section, table, text};
use super::run::Run;
use crate::report::number as shown;
use crate::results::report::{Block, Cell, Section, Unit};
use crate::results::{ObjectiveSummary, QuotaSummary};

/// One to three sentences: what meets the SLO, the cheapest that does, and what binds.
pub(super) fn verdict(runs: &[Run<'_>]) -> (Vec<String>, Option<bool>) {
    let judged: Vec<&Run<'_>> = runs
        .iter()
        .filter(|run| !run.variant.slo.objectives.is_empty())
        .collect();
    let mut said = Vec::new();
    let mut met = None;
    let name = |run: &&Run<'_>| run.label.clone();
    if !judged.is_empty() {
        let (pass, fail): (Vec<&Run<'_>>, Vec<&Run<'_>>) =
            judged.iter().copied().partition(|run| run.variant.slo.met);
        met = Some(!pass.is_empty());
        let all = judged.len() > 1;
        said.push(match (pass.as_slice(), fail.as_slice()) {
            (_, []) if all => "Every variant meets the SLO.".to_owned(),
            (_, []) => format!("{} meets the SLO.", name(&judged[0])),
            ([], _) if all => "No variant meets the SLO.".to_owned(),
            ([], _) => format!(
                "{} misses the SLO: {}.",
                name(&judged[0]),
                misses(judged[0])
            ),
            (pass, fail) => {
                let names: Vec<String> = pass.iter().map(name).collect();
                let plural = if names.len() == 1 { "meets" } else { "meet" };
                let others: Vec<String> = fail
                    .iter()
                    .map(|run| format!("{} misses {}", run.label, misses(run)))
                    .collect();
                format!(
                    "{} {plural} the SLO; {}.",
                    listed(&names),
                    others.join("; ")
                )
            }
        });
        if pass.is_empty() && all {
            let worst = fail
                .iter()
                .map(|run| format!("{} misses {}", run.label, misses(run)));
            said.push(format!("{}.", worst.collect::<Vec<String>>().join("; ")));
        }
        said.extend(cheapest(if pass.is_empty() { &[] } else { &pass }, all));
    } else if runs.len() > 1 {
        let all: Vec<&Run<'_>> = runs.iter().collect();
        said.extend(cheapest(&all, true));
    }
    said.extend(binding(runs));
    said.extend(searched(runs));
    (said, met)
}

fn misses(run: &Run<'_>) -> String {
    let objectives = run.variant.slo.objectives.iter().filter(|one| !one.met);
    let missed: Vec<String> = objectives
        .map(|one| {
            let seen = one
                .seen
                .map_or_else(|| "never".to_owned(), |seen| in_unit(one, seen));
            format!("{} ({seen} against {})", one.name, in_unit(one, one.bound))
        })
        .collect();
    if missed.is_empty() {
        return run.variant.slo.missed.join(", ");
    }
    listed(&missed)
}

fn in_unit(objective: &ObjectiveSummary, value: f64) -> String {
    shown::value(unit_of(objective), value)
}

fn unit_of(objective: &ObjectiveSummary) -> Unit {
    if objective.unit == "ms" {
        Unit::Millis
    } else {
        Unit::Share
    }
}

fn cheapest(runs: &[&Run<'_>], several: bool) -> Option<String> {
    let priced = runs
        .iter()
        .filter_map(|run| Some((run, run.variant.cost.month_usd?)));
    let (run, month) = priced.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let month = shown::value(Unit::UsdPerMonth, month);
    Some(if !several {
        format!("It costs {month} a month.")
    } else if runs.len() == 1 {
        format!("{} costs {month} a month.", run.label)
    } else {
        format!("The cheapest of them is {}: {month} a month.", run.label)
    })
}

/// The quota that refuses the most, or comes nearest to it.
fn binding(runs: &[Run<'_>]) -> Option<String> {
    let quotas = || {
        runs.iter()
            .flat_map(|run| run.variant.quota.iter().map(move |quota| (run, quota)))
    };
    let refusing = quotas().filter(|(_, quota)| quota.refused > 0);
    if let Some((run, quota)) = refusing.max_by_key(|(_, quota)| quota.refused) {
        let of = run.variant.attempts.sent.max(1) as f64;
        return Some(format!(
            "What binds is {}: it refused {} attempts of {}, {} of those sent.",
            named(quota),
            shown::value(Unit::Count, quota.refused as f64),
            run.label,
            shown::value(Unit::Share, quota.refused as f64 / of),
        ));
    }
    let shares = quotas().filter_map(|(run, quota)| Some((run, quota, quota.peak_reserved_share?)));
    let (run, quota, share) = shares.max_by(|a, b| a.2.total_cmp(&b.2))?;
    Some(format!(
        "No quota refused anything; nearest to its limit is {}, at most {} used, in {}.",
        named(quota),
        shown::value(Unit::Share, share),
        run.label
    ))
}

fn named(quota: &QuotaSummary) -> String {
    let model = if quota.model.is_empty() {
        String::new()
    } else {
        format!(" of {}", quota.model)
    };
    let limit = shown::value(Unit::Tokens, quota.limit as f64);
    format!("the {} quota {}{model} ({limit})", quota.scope, quota.name)
}

fn searched(runs: &[Run<'_>]) -> Option<String> {
    let found: Vec<String> = runs
        .iter()
        .filter_map(|run| {
            let search = run.variant.search.as_ref()?;
            let pass = search.pass.as_ref()?;
            let load = shown::value(Unit::PerSecond, pass.rps);
            let what = search
                .binds
                .as_ref()
                .map_or_else(String::new, |one| format!(" ({} breaks first)", one.what));
            Some(format!("{} up to {load}{what}", run.label))
        })
        .collect();
    (!found.is_empty()).then(|| format!("The SLO holds in {}.", found.join("; ")))
}

/// Warnings of all runs, each once.
pub(super) fn warnings(runs: &[Run<'_>]) -> Vec<String> {
    let of_run = runs.iter().flat_map(|run| {
        let summary = &run.summary;
        let partial = summary
            .partial
            .then(|| format!("{} was cut short.", run.label));
        let invalid = (!summary.valid).then(|| {
            format!(
                "{} is not valid: the load generator itself was the bottleneck.",
                run.label
            )
        });
        let search = run
            .variant
            .search
            .iter()
            .flat_map(|one| one.warnings.clone());
        let own = run.variant.warnings.iter().cloned().chain(search);
        let own = own.map(|warning| format!("{}: {warning}", run.label));
        let all = summary.warnings.iter().cloned();
        partial
            .into_iter()
            .chain(invalid)
            .chain(all)
            .chain(own)
            .collect::<Vec<String>>()
    });
    once(of_run)
}

/// Modes and policies side by side.
pub(super) fn modes(runs: &[Run<'_>]) -> Option<Section> {
    let notes = once(runs.iter().flat_map(|run| run.variant.notes.clone()));
    let even = runs.iter().filter_map(|run| {
        let sentence = &run.variant.break_even.as_ref()?.sentence;
        Some(format!("{}: {sentence}", run.label))
    });
    let mut said: Vec<String> = even.collect();
    said.extend(notes);
    section(
        "modes",
        "Modes and policies side by side",
        said,
        vec![
            outcomes(runs),
            latencies(runs),
            objectives(runs),
            quotas(runs),
            regions(runs),
            workloads(runs),
        ],
    )
}

fn share(part: u64, whole: u64) -> Cell {
    number((whole > 0).then(|| part as f64 / whole as f64))
}

fn outcomes(runs: &[Run<'_>]) -> Block {
    let rows = runs.iter().map(|run| {
        let one = run.variant;
        let requests = &one.requests;
        let lost = requests.failed + requests.timed_out + requests.not_sent;
        vec![
            text(&run.label),
            text(&one.mode),
            text(match (one.slo.objectives.is_empty(), one.slo.met) {
                (true, _) => "none",
                (_, true) => "met",
                _ => "missed",
            }),
            number(one.slo.attainment),
            counted(requests.offered),
            share(requests.throttled, requests.offered),
            share(lost, requests.offered),
            number(one.attempts.amplification),
            number(one.goodput_rps),
            number(one.cost.month_usd),
        ]
    });
    Block::Table(table(
        "outcomes",
        "Requests, verdict and cost",
        &[
            ("variant", Unit::Text),
            ("capacity", Unit::Text),
            ("SLO", Unit::Text),
            ("good requests", Unit::Share),
            ("offered", Unit::Count),
            ("throttled in the end", Unit::Share),
            ("failed or never sent", Unit::Share),
            ("attempts per request", Unit::Number),
            ("goodput", Unit::PerSecond),
            ("cost of a month", Unit::UsdPerMonth),
        ],
        rows.collect(),
    ))
}

fn latencies(runs: &[Run<'_>]) -> Block {
    let rows = runs.iter().map(|run| {
        let one = run.variant;
        vec![
            text(&run.label),
            number(one.ttft_ms.p50),
            number(one.ttft_ms.p95),
            number(one.ttft_ms.p99),
            number(one.ttft_all_ms.p99),
            number(one.attempt_ttft_ms.p99),
            number(one.e2e_ms.p50),
            number(one.e2e_ms.p99),
            number(one.e2e_all_ms.p99),
            number(one.tpot_ms.p50),
        ]
    });
    Block::Table(table(
        "latencies",
        "Latency; a dash stands for too few requests, or for a rank that falls among those never answered",
        &[
            ("variant", Unit::Text),
            ("TTFT p50", Unit::Millis),
            ("TTFT p95", Unit::Millis),
            ("TTFT p99", Unit::Millis),
            ("TTFT p99, lost ones inside", Unit::Millis),
            ("attempt TTFT p99", Unit::Millis),
            ("e2e p50", Unit::Millis),
            ("e2e p99", Unit::Millis),
            ("e2e p99, lost ones inside", Unit::Millis),
            ("time per output token p50", Unit::Millis),
        ],
        rows.collect(),
    ))
}

/// Objectives with what was seen: one table for latencies and one for shares, as columns have one unit.
fn objectives(runs: &[Run<'_>]) -> Block {
    let mut names: Vec<&ObjectiveSummary> = Vec::new();
    for objective in runs.iter().flat_map(|run| &run.variant.slo.objectives) {
        if names.iter().all(|known| known.name != objective.name) {
            names.push(objective);
        }
    }
    let mut columns = vec![("variant".to_owned(), Unit::Text)];
    for one in &names {
        columns.push((format!("{} bound", one.name), unit_of(one)));
        columns.push((format!("{} seen", one.name), unit_of(one)));
        columns.push((format!("{} met", one.name), Unit::Text));
    }
    let columns: Vec<(&str, Unit)> = columns
        .iter()
        .map(|(name, unit)| (name.as_str(), *unit))
        .collect();
    let rows = runs
        .iter()
        .filter(|run| !run.variant.slo.objectives.is_empty())
        .map(|run| {
            let mut row = vec![text(&run.label)];
            for name in &names {
                let own = run
                    .variant
                    .slo
                    .objectives
                    .iter()
                    .find(|one| one.name == name.name);
                row.push(number(own.map(|one| one.bound)));
                row.push(number(own.and_then(|one| one.seen)));
                row.push(own.map_or(Cell::Absent, |one| text(if one.met { "yes" } else { "no" })));
            }
            row
        });
    Block::Table(table(
        "objectives",
        "Objectives: bound, and what was seen over all requests",
        &columns,
        rows.collect(),
    ))
}

fn quotas(runs: &[Run<'_>]) -> Block {
    let rows = runs.iter().flat_map(|run| {
        run.variant.quota.iter().map(|quota| {
            let region = quota
                .region
                .as_ref()
                .map_or(String::new(), |region| format!(", {region}"));
            vec![
                text(&run.label),
                text(format!("{} {}{region}", quota.scope, quota.name)),
                text(&quota.model),
                counted(quota.limit),
                number(quota.peak_reserved_share),
                number(quota.peak_settled_share),
                counted(quota.refused),
            ]
        })
    });
    Block::Table(table(
        "quotas",
        "Quotas and bought capacity, the whole run with its warm-up",
        &[
            ("variant", Unit::Text),
            ("quota", Unit::Text),
            ("model", Unit::Text),
            ("limit", Unit::Tokens),
            ("most that admission counted", Unit::Share),
            ("most that a dashboard shows", Unit::Share),
            ("attempts refused", Unit::Count),
        ],
        rows.collect(),
    ))
}

fn regions(runs: &[Run<'_>]) -> Block {
    let rows = runs.iter().flat_map(|run| {
        run.variant.regions.iter().map(|one| {
            vec![
                text(&run.label),
                text(&one.region),
                text(&one.model),
                number(one.streams.map(f64::from)),
                counted(one.calls),
                counted(one.spilled),
                counted(one.unavailable),
                number(one.cache_hit_share),
                counted(one.peak_in_flight),
            ]
        })
    });
    Block::Table(table(
        "regions",
        "What each Region served",
        &[
            ("variant", Unit::Text),
            ("Region", Unit::Text),
            ("model", Unit::Text),
            ("answers at a time", Unit::Count),
            ("calls", Unit::Count),
            ("of them from a full Region", Unit::Count),
            ("refused (503)", Unit::Count),
            ("prefix read from cache", Unit::Share),
            ("most in flight", Unit::Count),
        ],
        rows.collect(),
    ))
}

fn workloads(runs: &[Run<'_>]) -> Block {
    let several = runs.iter().any(|run| run.variant.workloads.len() > 1);
    let rows = runs.iter().filter(|_| several).flat_map(|run| {
        run.variant.workloads.iter().map(|one| {
            vec![
                text(&one.name),
                text(&run.label),
                text(&one.model),
                counted(one.requests.offered),
                share(one.requests.throttled, one.requests.offered),
                number(one.attainment),
                number(one.ttft_ms.p50),
                number(one.ttft_ms.p99),
                number(one.e2e_ms.p99),
                number(one.cost.month_usd),
            ]
        })
    });
    Block::Table(table(
        "workloads",
        "Workload by workload; the cost is that of its tokens",
        &[
            ("workload", Unit::Text),
            ("variant", Unit::Text),
            ("model", Unit::Text),
            ("offered", Unit::Count),
            ("throttled in the end", Unit::Share),
            ("good requests", Unit::Share),
            ("TTFT p50", Unit::Millis),
            ("TTFT p99", Unit::Millis),
            ("e2e p99", Unit::Millis),
            ("cost of a month", Unit::UsdPerMonth),
        ],
        rows.collect(),
    ))
}
