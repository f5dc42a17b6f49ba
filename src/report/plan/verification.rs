//! The simulated hours of a plan, for people: the finding first, then every plan of every hour.

use super::super::markdown::{escaped, table as markdown_table};
use super::super::number::{NONE, money, optional, percent, time};
use super::super::terminal::{Style, heading, table, wrapped};
use crate::results::plan::{VerificationSummary, VerifiedHourSummary, VerifiedPlanSummary};
use std::fmt::Write;

/// Columns of the table; the first four hold text.
const COLUMNS: [&str; 8] = [
    "hour",
    "plan",
    "held",
    "SLO",
    "TTFT p99",
    "throttled",
    "used in, out",
    "an hour",
];
const TEXTS: usize = 4;

fn title(part: &VerificationSummary) -> String {
    format!("Simulated: {}", part.pool)
}

/// The section as lines of text.
pub fn terminal(part: &VerificationSummary, style: Style, lines: &mut Vec<String>) {
    lines.push(heading(&title(part), style));
    for sentence in &part.sentences {
        lines.extend(wrapped(sentence, "  ", style.width));
    }
    if part.hours.is_empty() {
        lines.push(String::new());
        return;
    }
    lines.push(String::new());
    let mut rows = table(COLUMNS.len(), TEXTS, style.width);
    rows.set_header(COLUMNS.to_vec());
    for row in cells(part) {
        rows.add_row(row);
    }
    lines.extend(rows.trim_fmt().lines().map(str::to_owned));
    lines.push(String::new());
    for text in missed(part).iter().chain(&part.notes) {
        lines.extend(wrapped(text, "  ", style.width));
    }
    lines.push(String::new());
}

/// The section as Markdown.
pub fn markdown(part: &VerificationSummary, text: &mut String) {
    let _ = write!(text, "## {}\n\n", escaped(&title(part)));
    for sentence in &part.sentences {
        let _ = writeln!(text, "- {}", escaped(sentence));
    }
    text.push('\n');
    if part.hours.is_empty() {
        return;
    }
    let rows: Vec<Vec<String>> = cells(part)
        .iter()
        .map(|row| row.iter().map(|cell| escaped(cell)).collect())
        .collect();
    markdown_table(&COLUMNS.map(str::to_owned), TEXTS, &rows, text);
    for note in missed(part).iter().chain(&part.notes) {
        let _ = writeln!(text, "- {}", escaped(note));
    }
    text.push('\n');
}

/// A row for each plan of each hour; the hour is told once.
fn cells(part: &VerificationSummary) -> Vec<Vec<String>> {
    let of_hour = |hour: &VerifiedHourSummary| {
        let name = format!("{}, {} requests", hour.name, whole(hour.requests));
        let plans = hour.plans.iter().enumerate();
        let rows = plans.map(move |(index, plan)| {
            let name = if index == 0 {
                name.clone()
            } else {
                String::new()
            };
            row(name, plan)
        });
        rows.collect::<Vec<_>>()
    };
    part.hours.iter().flat_map(of_hour).collect()
}

fn row(hour: String, plan: &VerifiedPlanSummary) -> Vec<String> {
    let verdict = match (plan.is_met, plan.is_unsure) {
        (None, _) => "not simulated",
        (Some(true), Some(true)) => "met, not for certain",
        (Some(true), _) => "met",
        (Some(false), Some(true)) => "missed, not for certain",
        (Some(false), _) => "missed",
    };
    let used = match (plan.input_utilisation, plan.output_utilisation) {
        (Some(input), Some(output)) => format!("{}, {}", percent(input), percent(output)),
        _ => NONE.to_owned(),
    };
    vec![
        hour,
        plan.role.clone(),
        plan.held.clone(),
        verdict.to_owned(),
        optional(plan.ttft_p99_ms, time),
        optional(plan.throttled_share, percent),
        used,
        money(plan.usd_per_hour),
    ]
}

/// What was missed by the plan itself, hour by hour.
fn missed(part: &VerificationSummary) -> Vec<String> {
    let of_hour = |hour: &VerifiedHourSummary| {
        let plan = hour.plans.first()?;
        let objectives: Vec<String> = plan
            .objectives
            .iter()
            .filter(|one| !one.is_met)
            .map(|one| {
                let is_share = one.name.ends_with("share") || one.name == "attainment";
                let show = |value: f64| {
                    if is_share {
                        percent(value)
                    } else {
                        time(value)
                    }
                };
                let seen = one.seen.map_or_else(|| "without end".to_owned(), show);
                format!(
                    "{} {seen} (bound {})",
                    one.name.replace('.', " "),
                    show(one.bound)
                )
            })
            .collect();
        let evidence = hour
            .raise
            .as_ref()
            .map(|raise| format!("; {}", raise.evidence));
        (!objectives.is_empty()).then(|| {
            format!(
                "In {} the plan had {}{}.",
                hour.name,
                objectives.join(", "),
                evidence.unwrap_or_default()
            )
        })
    };
    part.hours.iter().filter_map(of_hour).collect()
}

fn whole(requests: f64) -> String {
    if requests < 10.0 {
        return format!("{requests:.1}");
    }
    super::super::number::count(requests.round() as u64)
}
