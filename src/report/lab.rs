//! The findings of a lab for people: the verdict first, then the policies in order, then their courses.

use super::markdown::{escaped, table as markdown_table};
use super::number::{NONE, count, money, optional, percent, percentile, sparkline, time};
use super::terminal::{Style, heading, table, wrapped};
use crate::results::{LabSummary, LoadSummary, PolicySummary, TipSummary};
use std::fmt::Write;

/// Columns that tell the policies apart.
const COLUMNS: [&str; 11] = [
    "",
    "policy",
    "good",
    "goodput",
    "back after",
    "hysteresis",
    "p99",
    "attempts",
    "peak",
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
    lines.extend(rows.trim_fmt().lines().map(str::to_owned));
    lines.push(String::new());
    let parts = [
        ("Why this order", reasons(lab)),
        ("What it costs", costs(lab)),
        ("Load at which it tips", tips(lab)),
    ];
    for (part, texts) in parts {
        section(part, &texts, style, &mut lines);
    }
    lines.push(heading(COURSE_TITLE, style));
    let room = usize::from(style.width)
        .saturating_sub(widest(lab) + 18)
        .max(20);
    lines.extend(
        courses(lab, room)
            .into_iter()
            .map(|line| format!("  {line}")),
    );
    lines.push(String::new());
    section("Warnings", &lab.warnings, style, &mut lines);
    section("Notes", &lab.notes, style, &mut lines);
    lines.extend(wrapped(&footer(lab, folder), "", style.width));
    let mut text = lines.join("\n");
    text.push('\n');
    text
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
    text.push_str("```\n\n");
    let lists = [
        ("Why this order", reasons(lab)),
        ("What it costs", costs(lab)),
        ("Load at which it tips", tips(lab)),
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

const COURSE_TITLE: &str = "Good requests over time, by when they began";

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
        optional(policy.peak_amplification, times),
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

/// What each policy wastes, and how evenly it serves.
fn costs(lab: &LabSummary) -> Vec<String> {
    let line = |policy: &PolicySummary| {
        let mut text = format!(
            "{}: {} a run, of which wasted {} on {} tokens; {} requests not sent",
            policy.name,
            money(policy.run_usd),
            money(policy.wasted_usd),
            count(policy.wasted_tokens as u64),
            count(policy.requests.not_sent),
        );
        let fairness = [
            ("workloads", policy.fairness.workloads),
            ("client processes", policy.fairness.instances),
        ];
        for (who, even) in fairness {
            if let Some(even) = even {
                let _ = write!(text, "; least over best of {who} {even:.3}");
            }
        }
        text
    };
    lab.policies.iter().map(line).collect()
}

fn tips(lab: &LabSummary) -> Vec<String> {
    let load = |load: &Option<LoadSummary>| {
        optional_load(*load).map_or_else(|| NONE.to_owned(), |text| text)
    };
    let line = |name: &str, tip: &TipSummary| match (&tip.recovers_at, &tip.fails_at) {
        (Some(_), None) => format!(
            "{name}: comes back up to {}, the highest looked at",
            load(&tip.recovers_at)
        ),
        (None, Some(_)) => format!(
            "{name}: does not come back even from {}",
            load(&tip.fails_at)
        ),
        _ => format!(
            "{name}: comes back from {}, not from {} ({})",
            load(&tip.recovers_at),
            load(&tip.fails_at),
            tip.by.as_deref().unwrap_or(NONE),
        ),
    };
    let known = lab.policies.iter();
    known
        .filter_map(|policy| policy.tip.as_ref().map(|tip| line(&policy.name, tip)))
        .collect()
}

fn optional_load(load: Option<LoadSummary>) -> Option<String> {
    load.map(|load| {
        format!(
            "{} ({} of yours)",
            rate(load.base_rps),
            percent(load.factor)
        )
    })
}

fn widest(lab: &LabSummary) -> usize {
    let names = lab.policies.iter().map(|one| one.name.chars().count());
    names.max().unwrap_or(0).max("offered".len())
}

/// A line of bars for each policy, on one scale, with the spike between two strokes.
fn courses(lab: &LabSummary, room: usize) -> Vec<String> {
    let label = widest(lab);
    let largest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let all = lab
        .policies
        .iter()
        .map(|one| largest(&one.course.goodput_rps));
    let scale = all.fold(0.0, f64::max);
    let mut lines = Vec::new();
    if let Some(first) = lab.policies.first() {
        let offered = &first.course.offered_rps;
        let peak = largest(offered);
        let bars = marked(lab, offered, first.course.step_s, peak, room);
        lines.push(format!("{:label$}  {bars}  to {}", "offered", rate(peak)));
    }
    for policy in &lab.policies {
        let values = &policy.course.goodput_rps;
        let bars = marked(lab, values, policy.course.step_s, scale, room);
        let peak = rate(largest(values));
        lines.push(format!("{:label$}  {bars}  to {peak}", policy.name));
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
        "Seeds from {}; {} requests in {:.1} s{book}. Written to {folder}",
        lab.seed,
        count(lab.engine.requests),
        lab.engine.wall_s,
    )
}

#[cfg(test)]
mod tests;
