//! A calibration for people: the verdict first, then each law with its errors.

use super::markdown::{escaped, table as markdown_table};
use super::number::{NONE, count, optional, time};
use super::terminal::{Style, heading, table, wrapped};
use crate::results::calibration::{CalibrationDocument, CalibrationGroup, MetricCheck};
use std::fmt::Write as _;

const TITLE: &str = "Latency laws from measurements";
const ERRORS: &str = "Errors on later answers";
const LAWS: &str = "Laws";

const ERROR_COLUMNS: [&str; 9] = [
    "profile", "time", "answers", "p50", "p90", "p95", "p99", "KS", "holds",
];
const LAW_COLUMNS: [&str; 8] = [
    "profile",
    "verdict",
    "answers",
    "base",
    "per 1k in",
    "per 1k cached",
    "per token",
    "noise p95",
];

/// The findings as lines of text. `place` is the folder that was written, if one was.
pub fn terminal(document: &CalibrationDocument, style: Style, place: Option<&str>) -> String {
    let mut lines = vec![heading(TITLE, style), String::new()];
    for sentence in &document.verdict {
        lines.extend(wrapped(sentence, "", style.width));
    }
    lines.push(String::new());
    for (title, header, texts, rows) in tables(document) {
        if rows.is_empty() {
            continue;
        }
        lines.push(heading(title, style));
        let mut drawn = table(header.len(), texts, style.width);
        drawn.set_header(header);
        for row in rows {
            drawn.add_row(row);
        }
        lines.extend(drawn.trim_fmt().lines().map(str::to_owned));
        lines.push(String::new());
    }
    for (title, texts) in lists(document, place) {
        if texts.is_empty() {
            continue;
        }
        lines.push(heading(title, style));
        for text in texts {
            lines.extend(wrapped(&text, "  ", style.width));
        }
        lines.push(String::new());
    }
    let mut text = lines.join("\n");
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The findings as Markdown.
pub fn markdown(document: &CalibrationDocument, place: Option<&str>) -> String {
    let mut text = format!("# {TITLE}\n\n");
    for sentence in &document.verdict {
        let _ = writeln!(text, "- **{}**", escaped(sentence));
    }
    text.push('\n');
    for (title, header, texts, rows) in tables(document) {
        if rows.is_empty() {
            continue;
        }
        let _ = write!(text, "## {title}\n\n");
        let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
        markdown_table(&header, texts, &rows, &mut text);
    }
    for (title, texts) in lists(document, place) {
        if texts.is_empty() {
            continue;
        }
        let _ = write!(text, "## {title}\n\n");
        for line in texts {
            let _ = writeln!(text, "- {line}");
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

type Drawn = (&'static str, Vec<&'static str>, usize, Vec<Vec<String>>);

fn tables(document: &CalibrationDocument) -> [Drawn; 2] {
    let errors = document.groups.iter().flat_map(|group| {
        let rows = group.checks.iter().map(|check| error_row(group, check));
        rows.collect::<Vec<_>>()
    });
    let laws = document.groups.iter().map(law_row);
    [
        (ERRORS, ERROR_COLUMNS.to_vec(), 2, errors.collect()),
        (LAWS, LAW_COLUMNS.to_vec(), 2, laws.collect()),
    ]
}

fn error_row(group: &CalibrationGroup, check: &MetricCheck) -> Vec<String> {
    let what = match check.metric.as_str() {
        "ttft" => "first token",
        "tpot" => "per token",
        _ => "whole answer",
    };
    let mut row = vec![group.profile.clone(), what.to_owned(), count(check.rows)];
    for quantile in &check.quantiles {
        let error = optional(quantile.error, |error| format!("{:.1} %", 100.0 * error));
        let mark = if quantile.enough_rows { "" } else { " (few)" };
        row.push(format!("{error}{mark}"));
    }
    row.push(optional(check.ks, |ks| format!("{ks:.3}")));
    row.push(
        match check.passed {
            Some(true) => "yes",
            Some(false) => "no",
            None => "too few",
        }
        .to_owned(),
    );
    row
}

fn law_row(group: &CalibrationGroup) -> Vec<String> {
    let law = group.law.as_ref();
    let ms = |pick: fn(&crate::results::calibration::CalibrationLaw) -> f64| {
        law.map_or_else(|| NONE.to_owned(), |law| time(pick(law)))
    };
    vec![
        group.profile.clone(),
        group.origin.clone(),
        count(group.rows),
        ms(|law| law.base_ms),
        ms(|law| law.per_k_input_ms),
        ms(|law| law.per_k_cached_ms),
        ms(|law| law.per_token_ms),
        law.map_or_else(
            || NONE.to_owned(),
            |law| {
                format!(
                    "×{:.2}, ×{:.2}",
                    law.ttft.noise_quantiles[2], law.tpot.noise_quantiles[2]
                )
            },
        ),
    ]
}

fn lists(document: &CalibrationDocument, place: Option<&str>) -> [(&'static str, Vec<String>); 4] {
    let mut about: Vec<String> = document
        .sources
        .iter()
        .map(|source| {
            format!(
                "{}: {} measured answers ({})",
                source.name,
                count(source.rows),
                source.kind
            )
        })
        .collect();
    for (reason, rows) in &document.skipped {
        about.push(format!("{} rows left out: {reason}", count(*rows)));
    }
    let mut use_it = Vec::new();
    if let Some(place) = place {
        let files = document
            .groups
            .iter()
            .filter_map(|group| group.file.as_ref());
        use_it.extend(files.map(|file| format!("written: {file}")));
        if !use_it.is_empty() {
            use_it.push(format!(
                "use them: bedload simulate SCENARIO --profiles {place}"
            ));
        }
    }
    [
        ("Warnings", document.warnings.clone()),
        ("Notes", document.notes.clone()),
        ("About the measurements", about),
        ("Profiles", use_it),
    ]
}
