//! The findings of a lab for people: the verdict first, then the policies in order, then their courses.

use super::markdown::{escaped, table as markdown_table};
use super::number::{NONE, count, money, optional, percent, percentile, sparkline, time};
use super::terminal::{Style, heading, table, wrapped};
use crate::results::{LabSummary, PolicySummary};
use comfy_table::{ColumnConstraint, Table};
use std::fmt::Write;

/// Columns that tell the policies apart.
const COLUMNS: [&str; 10] = [
    "",
    "policy",
    "good",
    "goodput",
    "back after",
    "hysteresis",
    "p99",
    "attempts",
    "refused",
    "stable",
];
/// Columns that hold text.
const TEXTS: usize = 2;
/// Bars of one line over time, in Markdown.
const BARS: usize = 72;

/// The findings as lines of text.
pub fn terminal(lab: &LabSummary, style: Style, folder: &str) -> String {
    let mut lines = vec![heading(&title(lab), style)];
    if !lab.description.is_empty() {
        lines.extend(wrapped(&lab.description, "", style.width));
    }
    lines.push(String::new());
    for sentence in &lab.verdict {
        lines.extend(wrapped(sentence, "", style.width));
    }
    lines.push(String::new());
    lines.extend(wrapped(&spike(lab), "", style.width));
    lines.push(String::new());
    let mut rows = table(COLUMNS.len(), TEXTS, style.width);
    rows.set_header(COLUMNS.to_vec());
    for policy in &lab.policies {
        rows.add_row(cells(policy));
    }
    keep_whole(&mut rows, 1);
    lines.extend(rows.trim_fmt().lines().map(str::to_owned));
    lines.push(String::new());
    lines.push(heading(COURSE_TITLE, style));
    let room = usize::from(style.width)
        .saturating_sub(widest(lab) + 22)
        .max(20);
    lines.extend(
        courses(lab, room)
            .into_iter()
            .map(|line| format!("  {line}")),
    );
    lines.push(String::new());
    section("Why this order", &reasons(lab), style, &mut lines);
    lines.push(heading(COST_TITLE, style));
    let mut rows = table(COST_COLUMNS.len(), 1, style.width);
    rows.set_header(COST_COLUMNS.to_vec());
    for policy in &lab.policies {
        rows.add_row(cost_cells(policy));
    }
    keep_whole(&mut rows, 0);
    lines.extend(rows.trim_fmt().lines().map(str::to_owned));
    lines.push(String::new());
    section("Warnings", &lab.warnings, style, &mut lines);
    section("Notes", &lab.notes, style, &mut lines);
    lines.extend(wrapped(&footer(lab, folder), "", style.width));
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// Names of policies are not broken into two lines.
fn keep_whole(rows: &mut Table, column: usize) {
    if let Some(column) = rows.column_mut(column) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
}

fn section(title: &str, texts: &[String], style: Style, lines: &mut Vec<String>) {
    if texts.is_empty() {
        return;
    }
    lines.push(heading(title, style));
    for text in texts {
        lines.extend(wrapped(text, "  ", style.width));
    }
    lines.push(String::new());
}

/// The findings as Markdown.
pub fn markdown(lab: &LabSummary, folder: &str) -> String {
    let mut text = format!("# {}\n\n", title(lab));
    if !lab.description.is_empty() {
        let _ = write!(text, "{}\n\n", lab.description);
    }
    for sentence in &lab.verdict {
        let _ = writeln!(text, "- **{}**", escaped(sentence));
    }
    let _ = write!(text, "\n{}\n\n", spike(lab));
    let header = COLUMNS.map(str::to_owned);
    let rows: Vec<Vec<String>> = lab
        .policies
        .iter()
        .map(|policy| cells(policy).iter().map(|cell| escaped(cell)).collect())
        .collect();
    markdown_table(&header, TEXTS, &rows, &mut text);
    let _ = write!(text, "## {COURSE_TITLE}\n\n```text\n");
    for line in courses(lab, BARS) {
        let _ = writeln!(text, "{line}");
    }
    let _ = write!(text, "```\n\n## {COST_TITLE}\n\n");
    let header = COST_COLUMNS.map(str::to_owned);
    let rows: Vec<Vec<String>> = lab
        .policies
        .iter()
        .map(|policy| {
            cost_cells(policy)
                .iter()
                .map(|cell| escaped(cell))
                .collect()
        })
        .collect();
    markdown_table(&header, 1, &rows, &mut text);
    let lists = [
        ("Why this order", reasons(lab)),
        ("Warnings", lab.warnings.clone()),
        ("Notes", lab.notes.clone()),
        ("About these runs", vec![footer(lab, folder)]),
    ];
    for (title, items) in lists {
        if items.is_empty() {
            continue;
        }
        let _ = write!(text, "## {title}\n\n");
        for item in items {
            let _ = writeln!(text, "- {item}");
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

const COURSE_TITLE: &str = "Good share of requests over time, by when they began";

fn title(lab: &LabSummary) -> String {
    format!("{}: which policy survives the spike?", lab.scenario)
}

fn spike(lab: &LabSummary) -> String {
    let window = &lab.window;
    let plural = if lab.seeds.len() == 1 { "" } else { "s" };
    format!(
        "Spike: {} from {} to {}, base {}; {} seed{plural}, the same for all policies.",
        window.triggers.join(", "),
        seconds(window.at_s),
        seconds(window.release_s),
        optional(window.base_rps, rate),
        lab.seeds.len(),
    )
}

fn seconds(seconds: f64) -> String {
    time(1000.0 * seconds)
}

fn rate(rps: f64) -> String {
    match rps {
        v if v < 1.0 => format!("{v:.3}/s"),
        v if v < 100.0 => format!("{v:.2}/s"),
        v => format!("{v:.0}/s"),
    }
}

fn times(factor: f64) -> String {
    format!("{factor:.2}×")
}

/// One policy as a row.
fn cells(policy: &PolicySummary) -> Vec<String> {
    let is_even = policy.behind.as_ref().is_some_and(|one| one.by.is_none());
    let back = match policy.recovery_s {
        _ if policy.verdict != "recovers" => policy.verdict.clone(),
        Some(0.0) => "at once".to_owned(),
        Some(after) => seconds(after),
        None => "never".to_owned(),
    };
    vec![
        format!("{}{}", if is_even { "=" } else { "" }, policy.rank),
        policy.name.clone(),
        optional(policy.slo.attainment, percent),
        optional(policy.goodput_rps, rate),
        back,
        optional(policy.hysteresis, |ratio| format!("{ratio:.3}")),
        percentile(&policy.e2e_all_ms, "p99"),
        optional(policy.amplification, times),
        optional(policy.refused_share, percent),
        percent(policy.rank_stability),
    ]
}

/// What tells each policy from the one before it.
fn reasons(lab: &LabSummary) -> Vec<String> {
    let why = |policy: &PolicySummary| {
        let behind = policy.behind.as_ref()?;
        let goodput = behind.goodput_rps.as_ref().map(|goodput| {
            format!(
                "goodput {:.3}/s less ({:.3} to {:.3})",
                goodput.estimate, goodput.low, goodput.high
            )
        });
        let goodput = goodput.unwrap_or_else(|| "one seed".to_owned());
        let name = &policy.name;
        Some(match behind.by.as_deref() {
            None => format!("{name} is not told apart from {} ({goodput})", behind.to),
            Some("goodput") => format!("{name} is behind {}: {goodput}", behind.to),
            Some("p99") => format!("{name} is behind {} by its p99; {goodput}", behind.to),
            Some("amplification") => {
                format!("{name} is behind {} by its attempts; {goodput}", behind.to)
            }
            _ => format!("{name} is behind {}: it does not come back", behind.to),
        })
    };
    lab.policies.iter().filter_map(why).collect()
}

/// Columns of the second table.
const COST_COLUMNS: [&str; 9] = [
    "policy",
    "a run",
    "wasted",
    "tokens",
    "at peak",
    "not sent",
    "workloads",
    "processes",
    "tips at",
];

/// What each policy costs and wastes, how evenly it serves, and where it tips.
fn cost_cells(policy: &PolicySummary) -> Vec<String> {
    let tips_at = match policy
        .tip
        .as_ref()
        .map(|tip| (tip.recovers_at, tip.fails_at))
    {
        None | Some((None, None)) => NONE.to_owned(),
        Some((_, Some(fails))) => rate(fails.base_rps),
        Some((Some(recovers), None)) => format!("> {}", rate(recovers.base_rps)),
    };
    let even = |share: Option<f64>| optional(share, |share| format!("{share:.3}"));
    vec![
        policy.name.clone(),
        money(policy.run_usd),
        money(policy.wasted_usd),
        count(policy.wasted_tokens as u64),
        optional(policy.peak_amplification, times),
        count(policy.requests.not_sent),
        even(policy.fairness.workloads),
        even(policy.fairness.instances),
        tips_at,
    ]
}

const COST_TITLE: &str =
    "What it costs, attempts at the peak, how evenly it serves, and the base load at which it tips";

fn widest(lab: &LabSummary) -> usize {
    let names = lab.policies.iter().map(|one| one.name.chars().count());
    names.max().unwrap_or(0).max("offered".len())
}

/// The load, and below it the share of it that each policy served well, with the spike between two
/// strokes.
fn courses(lab: &LabSummary, room: usize) -> Vec<String> {
    let label = widest(lab);
    let mut lines = Vec::new();
    if let Some(first) = lab.policies.first() {
        let offered = &first.course.offered_rps;
        let peak = offered.iter().copied().fold(0.0, f64::max);
        let bars = marked(lab, offered, first.course.step_s, peak, room);
        lines.push(format!("{:label$}  {bars}  to {}", "offered", rate(peak)));
    }
    for policy in &lab.policies {
        let course = &policy.course;
        let shares = course.goodput_rps.iter().zip(&course.offered_rps);
        // Where nothing was asked for, all of it was served.
        let shares: Vec<f64> = shares
            .map(|(good, offered)| if *offered > 0.0 { good / offered } else { 1.0 })
            .collect();
        let bars = marked(lab, &shares, course.step_s, 1.0, room);
        let end = optional(policy.phases.last_third.good_share, percent);
        lines.push(format!("{:label$}  {bars}  {end} at the end", policy.name));
    }
    lines
}

/// Bars with a stroke where the spike begins and where it ends.
fn marked(lab: &LabSummary, values: &[f64], step_s: f64, largest: f64, room: usize) -> String {
    let place = |seconds: f64| ((seconds / step_s.max(1e-9)).round() as usize).min(values.len());
    let (at, release) = (place(lab.window.at_s), place(lab.window.release_s));
    let in_bar = values.len().div_ceil(room.max(1)).max(1);
    let bars = |part: &[f64]| sparkline(part, largest, part.len().div_ceil(in_bar));
    format!(
        "{}│{}│{}",
        bars(&values[..at]),
        bars(&values[at..release.max(at)]),
        bars(&values[release.max(at)..]),
    )
}

fn footer(lab: &LabSummary, folder: &str) -> String {
    let book = lab.price_book.as_ref().map_or_else(String::new, |book| {
        format!("; prices of {} ({})", book.name, book.as_of)
    });
    format!(
        "Seeds from {}; {} requests in {:.1} s{book}. Written to {folder}, with report.html",
        lab.seed,
        count(lab.engine.requests),
        lab.engine.wall_s,
    )
}
