//! Recorded traffic for people: its statistics, and how close synthetic traffic comes.

mod figures;
mod lines;

use super::markdown::{escaped, table as markdown_table};
use super::number::{NONE, sparkline};
use super::terminal::{Style, heading, table, wrapped};
use crate::results::traffic::{ClosenessRow, SynthSummary, TraceStats};
use lines::{Part, parts};
use std::fmt::Write;

pub use figures::figures;

/// Bars of one line over time, in Markdown.
const BARS: usize = 72;

/// The statistics as lines of text.
pub fn terminal(stats: &TraceStats, style: Style) -> String {
    let mut lines = vec![heading(&stats.source, style)];
    lines.extend(wrapped(&lines::verdict(stats), "", style.width));
    for part in parts(stats) {
        lines.push(String::new());
        lines.push(heading(part.title, style));
        let mut rows = table(2, 2, style.width);
        for (label, value) in &part.rows {
            rows.add_row([label.as_str(), value.as_str()]);
        }
        lines.extend(rows.trim_fmt().lines().map(str::to_owned));
        if let Some((label, values)) = &part.course {
            let room = usize::from(style.width).saturating_sub(4);
            lines.push(format!("  {}", bars(values, room)));
            lines.push(format!("  {label}"));
        }
    }
    if !stats.notes.is_empty() {
        lines.push(String::new());
        lines.push(heading("Notes", style));
        for note in &stats.notes {
            lines.extend(wrapped(note, "  ", style.width));
        }
    }
    lines.join("\n") + "\n"
}

/// The statistics as Markdown.
pub fn markdown(stats: &TraceStats) -> String {
    let mut text = format!(
        "# {}\n\n{}\n\n",
        escaped(&stats.source),
        lines::verdict(stats)
    );
    for Part {
        title,
        rows,
        course,
    } in parts(stats)
    {
        let _ = writeln!(text, "## {title}\n");
        let header = [String::new(), String::new()];
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|(label, value)| vec![escaped(label), escaped(value)])
            .collect();
        markdown_table(&header, 1, &rows, &mut text);
        if let Some((label, values)) = course {
            let _ = writeln!(text, "```text\n{}\n{label}\n```\n", bars(&values, BARS));
        }
    }
    if !stats.notes.is_empty() {
        text.push_str("## Notes\n\n");
        for note in &stats.notes {
            let _ = writeln!(text, "- {}", escaped(note));
        }
    }
    text
}

fn bars(values: &[f64], room: usize) -> String {
    let largest = values.iter().copied().fold(0.0, f64::max);
    sparkline(values, largest, room)
}

/// Heads of the table of closeness.
const CLOSENESS: [&str; 5] = ["", "source", "synth", "error", "at most"];

fn closeness(row: &ClosenessRow) -> [String; 5] {
    let error = |value: f64| format!("{:.1} %", 100.0 * value);
    let kept = if row.within == Some(false) {
        " ✗"
    } else {
        ""
    };
    [
        row.what.clone(),
        lines::figure(row.source),
        lines::figure(row.synth),
        format!("{}{kept}", error(row.error)),
        row.tolerance.map_or_else(|| NONE.to_owned(), error),
    ]
}

/// How close synthetic traffic comes, as lines of text.
pub fn synth_terminal(synth: &SynthSummary, style: Style) -> String {
    let mut lines = vec![heading(&synth.out, style)];
    lines.extend(wrapped(&lines::synth_verdict(synth), "", style.width));
    lines.push(String::new());
    let mut rows = table(CLOSENESS.len(), 1, style.width);
    rows.set_header(CLOSENESS.to_vec());
    for row in &synth.rows {
        rows.add_row(closeness(row));
    }
    lines.extend(rows.trim_fmt().lines().map(str::to_owned));
    if !synth.notes.is_empty() {
        lines.push(String::new());
        lines.push(heading("Notes", style));
        for note in &synth.notes {
            lines.extend(wrapped(note, "  ", style.width));
        }
    }
    lines.join("\n") + "\n"
}

/// How close synthetic traffic comes, as Markdown.
pub fn synth_markdown(synth: &SynthSummary) -> String {
    let out = escaped(&synth.out);
    let mut text = format!("# {out}\n\n{}\n\n", lines::synth_verdict(synth));
    let rows: Vec<Vec<String>> = synth
        .rows
        .iter()
        .map(|row| closeness(row).iter().map(|cell| escaped(cell)).collect())
        .collect();
    markdown_table(&CLOSENESS.map(str::to_owned), 1, &rows, &mut text);
    for note in &synth.notes {
        let _ = writeln!(text, "- {}", escaped(note));
    }
    text
}

#[cfg(test)]
mod tests;
