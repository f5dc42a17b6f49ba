//! Demand for people: a typical week of each workload, and requests by month.

use super::super::markdown::{escaped, table as markdown_table};
use super::super::number::{count, money, optional, percent, sparkline};
use super::super::terminal::{Style, heading, table, wrapped};
use crate::results::plan::{DemandSummary, WorkloadDemandSummary};
use std::fmt::Write as _;

const TITLE: &str = "Demand";
const COLUMNS: [&str; 8] = [
    "workload",
    "a month",
    "mean",
    "peak hour",
    "peak",
    "minute",
    "growth",
    "1,000 requests",
];
const MONTH_COLUMNS: [&str; 5] = ["month", "p10", "p50", "p90", "mean"];
const WEEK_TITLE: &str = "A typical week, Monday 00:00 UTC first";
const MONTHS_TITLE: &str = "Requests by month, all workloads";
/// Hours of one bar, in the narrowest view that still shows nights.
const BARS: usize = 84;

/// The section as lines of text.
pub fn terminal(part: &DemandSummary, style: Style, lines: &mut Vec<String>) {
    lines.push(heading(TITLE, style));
    lines.extend(wrapped(&sentence(part), "", style.width));
    lines.push(String::new());
    let mut rows = table(COLUMNS.len(), 1, style.width);
    rows.set_header(COLUMNS.to_vec());
    for one in &part.workloads {
        rows.add_row(cells(one));
    }
    lines.extend(rows.trim_fmt().lines().map(str::to_owned));
    lines.push(String::new());
    lines.push(heading(WEEK_TITLE, style));
    let room = usize::from(style.width)
        .saturating_sub(widest(part) + 4)
        .max(20);
    lines.extend(weeks(part, room.min(BARS * 2)));
    lines.push(String::new());
    lines.push(heading(MONTHS_TITLE, style));
    let mut rows = table(MONTH_COLUMNS.len(), 1, style.width);
    rows.set_header(MONTH_COLUMNS.to_vec());
    for cells in months(part) {
        rows.add_row(cells);
    }
    lines.extend(rows.trim_fmt().lines().map(str::to_owned));
    lines.push(String::new());
    for (title, texts) in [("Warnings", &part.warnings), ("Notes", &part.notes)] {
        if texts.is_empty() {
            continue;
        }
        lines.push(heading(title, style));
        for text in texts {
            lines.extend(wrapped(text, "  ", style.width));
        }
        lines.push(String::new());
    }
}

/// The section as Markdown.
pub fn markdown(part: &DemandSummary, text: &mut String) {
    let _ = write!(text, "## {TITLE}\n\n{}\n\n", escaped(&sentence(part)));
    let rows: Vec<Vec<String>> = part
        .workloads
        .iter()
        .map(|one| cells(one).iter().map(|cell| escaped(cell)).collect())
        .collect();
    markdown_table(&COLUMNS.map(str::to_owned), 1, &rows, text);
    let _ = write!(text, "{WEEK_TITLE}:\n\n```text\n");
    for line in weeks(part, BARS) {
        let _ = writeln!(text, "{line}");
    }
    let _ = write!(text, "```\n\n{MONTHS_TITLE}:\n\n");
    markdown_table(&MONTH_COLUMNS.map(str::to_owned), 1, &months(part), text);
    for (title, items) in [("Warnings", &part.warnings), ("Notes", &part.notes)] {
        if items.is_empty() {
            continue;
        }
        let _ = write!(text, "{title}:\n\n");
        for item in items {
            let _ = writeln!(text, "- {}", escaped(item));
        }
        text.push('\n');
    }
}

fn sentence(part: &DemandSummary) -> String {
    let (Some(first), Some(last)) = (part.months.first(), part.months.last()) else {
        return "No month is planned.".to_owned();
    };
    let begin = count(first.requests_p50.round() as u64);
    if part.months.len() == 1 {
        return format!("{begin} requests in the month.");
    }
    format!(
        "{begin} requests in the first month, {} in month {} on half of {} paths ({} to {} on eight in ten).",
        count(last.requests_p50.round() as u64),
        last.month,
        count(u64::from(part.paths)),
        count(last.requests_p10.round() as u64),
        count(last.requests_p90.round() as u64),
    )
}

fn cells(one: &WorkloadDemandSummary) -> Vec<String> {
    vec![
        one.name.clone(),
        count(one.requests_per_month.round() as u64),
        rate(one.mean_rps),
        one.peak_hour.clone().unwrap_or_else(|| "any".to_owned()),
        optional(one.peak_to_mean, |factor| format!("{factor:.2}×")),
        format!("±{}", percent(one.minute_cv)),
        growth(one),
        thousand(one),
    ]
}

/// What a thousand requests cost.
fn thousand(one: &WorkloadDemandSummary) -> String {
    let each = if one.is_batch {
        one.call.batch_usd
    } else {
        one.call.on_demand_usd
    };
    money(each.map(|dollars| 1000.0 * dollars))
}

fn growth(one: &WorkloadDemandSummary) -> String {
    let growth = &one.growth;
    let sign = if growth.per_month > 0.0 { "+" } else { "" };
    let season = if growth.season.is_empty() {
        ""
    } else {
        ", seasons"
    };
    format!("{sign}{}{season}", signed_percent(growth.per_month))
}

fn signed_percent(share: f64) -> String {
    if share < 0.0 {
        format!("−{}", percent(-share))
    } else {
        percent(share)
    }
}

fn rate(rps: f64) -> String {
    match rps {
        v if v < 1.0 => format!("{v:.3}/s"),
        v if v < 100.0 => format!("{v:.2}/s"),
        v => format!("{v:.0}/s"),
    }
}

fn widest(part: &DemandSummary) -> usize {
    let names = part.workloads.iter().map(|one| one.name.chars().count());
    names.max().unwrap_or(0)
}

/// The week of each workload, days apart, against its own peak hour.
fn weeks(part: &DemandSummary, room: usize) -> Vec<String> {
    let label = widest(part);
    let in_day = (room.saturating_sub(6) / 7).clamp(2, 24);
    let line = |one: &WorkloadDemandSummary| {
        let most = one.week_requests.iter().copied().fold(0.0, f64::max);
        let days = one.week_requests.chunks(24);
        let days: Vec<String> = days.map(|day| sparkline(day, most, in_day)).collect();
        format!("  {:label$}  {}", one.name, days.join(" "))
    };
    part.workloads.iter().map(line).collect()
}

fn months(part: &DemandSummary) -> Vec<Vec<String>> {
    let whole = |value: f64| count(value.round() as u64);
    part.months
        .iter()
        .map(|month| {
            vec![
                month
                    .label
                    .clone()
                    .unwrap_or_else(|| month.month.to_string()),
                whole(month.requests_p10),
                whole(month.requests_p50),
                whole(month.requests_p90),
                whole(month.requests_mean),
            ]
        })
        .collect()
}
