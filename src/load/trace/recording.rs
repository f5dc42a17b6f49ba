//! The figures format, `bedload.recording/1`: TOML with counts per interval and quantile tables.
//!
//! Each string of `counts` is a minute (or sixty intervals); `0*12` means twelve intervals of no
//! request, a bare number one interval.

use std::fmt::Write;

use serde::Deserialize;
use toml::Spanned;

use super::Recording;
use super::error::{RowProblem, TraceError};
use crate::units::{Micros, UnitText};

const SCHEMA: &str = "bedload.recording/1";
/// Intervals that one recording may have: four months of seconds.
const INTERVALS_MAX: usize = 10_000_000;
/// Intervals in one string of a written file.
const PER_STRING: usize = 60;

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    schema: Spanned<String>,
    source: String,
    licence: String,
    as_of: String,
    interval: Spanned<String>,
    rank_correlation: Spanned<f64>,
    input: RawTable,
    output: RawTable,
    counts: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    quantiles: Spanned<Vec<(f64, f64)>>,
}

/// Reads a recording.
pub fn read_recording(text: &str) -> Result<Recording, TraceError> {
    let raw: Raw = toml::from_str(text).map_err(|error| {
        let mut problem = RowProblem::new(
            error.message(),
            "see the head of a file in scenarios/traces for what a recording holds",
        );
        problem.line = error.span().map(|span| line_of(text, span.start));
        problem
    })?;
    let mut error = TraceError::default();
    let mut refuse = |at: usize, field: &str, value: &str, message: &str, help: &str| {
        let problem = RowProblem::new(message, help);
        error.push(problem.line(line_of(text, at)).field(field).value(value));
    };
    if raw.schema.get_ref() != SCHEMA {
        let help = format!("this version reads `{SCHEMA}`");
        refuse(
            raw.schema.span().start,
            "schema",
            raw.schema.get_ref(),
            "an unknown schema",
            &help,
        );
    }
    let interval = read_interval(raw.interval.get_ref());
    if interval.is_none() {
        let value = raw.interval.get_ref();
        let help = "write a duration above zero, such as \"1s\"";
        refuse(
            raw.interval.span().start,
            "interval",
            value,
            "not a duration above zero",
            help,
        );
    }
    let rho = *raw.rank_correlation.get_ref();
    if !(-1.0..=1.0).contains(&rho) {
        let at = raw.rank_correlation.span().start;
        let help = "a rank correlation is between -1 and 1";
        refuse(
            at,
            "rank_correlation",
            &rho.to_string(),
            "out of range",
            help,
        );
    }
    for (name, table) in [
        ("input.quantiles", &raw.input),
        ("output.quantiles", &raw.output),
    ] {
        if let Err((value, message)) = check_quantiles(table.quantiles.get_ref()) {
            let help = "give [share, tokens] ascending in both, the first share 0, the last 1";
            refuse(table.quantiles.span().start, name, &value, message, help);
        }
    }
    let mut counts = Vec::new();
    for part in &raw.counts {
        for item in part.get_ref().split_ascii_whitespace() {
            if let Err(message) = read_counts(item, &mut counts) {
                let help = "write a count such as 3, or 0*12 for twelve intervals of none";
                refuse(part.span().start, "counts", item, message, help);
            }
        }
    }
    if counts.iter().all(|count| *count == 0) {
        let help = "give at least one interval with a request";
        refuse(0, "counts", "0", "the recording holds no requests", help);
    }
    if !error.is_empty() {
        return Err(error);
    }
    Ok(Recording {
        source: raw.source,
        licence: raw.licence,
        as_of: raw.as_of,
        interval: interval.unwrap_or(Micros::SECOND),
        counts,
        input: raw.input.quantiles.into_inner(),
        output: raw.output.quantiles.into_inner(),
        rank_correlation: rho,
    })
}

fn read_interval(text: &str) -> Option<Micros> {
    Micros::parse_unit(text)
        .ok()
        .filter(|span| *span > Micros::ZERO)
}

fn line_of(text: &str, at: usize) -> u64 {
    let end = at.min(text.len());
    1 + text.as_bytes()[..end]
        .split(|b| *b == b'\n')
        .skip(1)
        .count() as u64
}

fn check_quantiles(points: &[(f64, f64)]) -> Result<(), (String, &'static str)> {
    let show = |p: &(f64, f64)| format!("[{}, {}]", p.0, p.1);
    if let Some(bad) = points
        .iter()
        .find(|p| !(p.0.is_finite() && p.1.is_finite() && p.1 >= 0.0))
    {
        return Err((show(bad), "not a finite share and count"));
    }
    for pair in points.windows(2) {
        if pair[1].0 < pair[0].0 || pair[1].1 < pair[0].1 {
            return Err((show(&pair[1]), "the quantiles do not ascend"));
        }
    }
    match (points.first(), points.last()) {
        (Some(first), Some(_)) if first.0 != 0.0 => Err((show(first), "the first share is not 0")),
        (Some(_), Some(last)) if (last.0 - 1.0).abs() > 1e-12 => {
            Err((show(last), "the last share is not 1"))
        }
        (Some(_), Some(_)) => Ok(()),
        _ => Err(("[]".to_owned(), "no quantiles")),
    }
}

fn read_counts(item: &str, counts: &mut Vec<u32>) -> Result<(), &'static str> {
    let (count, times) = item.split_once('*').unwrap_or((item, "1"));
    let count: u32 = count.parse().map_err(|_| "not a count")?;
    let times: usize = times.parse().map_err(|_| "not a number of intervals")?;
    if times > INTERVALS_MAX - counts.len() {
        return Err("more than ten million intervals");
    }
    counts.extend(std::iter::repeat_n(count, times));
    Ok(())
}

/// Writes a recording; each line of `comment` becomes a comment at the top.
pub fn write_recording(recording: &Recording, comment: &str) -> String {
    let mut out = String::new();
    for line in comment.lines() {
        out.push_str(format!("# {line}").trim_end());
        out.push('\n');
    }
    // Writing to a string cannot fail.
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let _ = writeln!(out, "schema = \"{SCHEMA}\"");
    let _ = writeln!(out, "source = {}", quoted(&recording.source));
    let _ = writeln!(out, "licence = {}", quoted(&recording.licence));
    let _ = writeln!(out, "as_of = {}", quoted(&recording.as_of));
    let _ = writeln!(out, "interval = \"{}\"", recording.interval);
    let _ = writeln!(out, "rank_correlation = {:?}", recording.rank_correlation);
    out.push_str("counts = [\n");
    for part in recording.counts.chunks(PER_STRING) {
        let _ = writeln!(out, "  \"{}\",", run_lengths(part));
    }
    out.push_str("]\n");
    for (name, points) in [("input", &recording.input), ("output", &recording.output)] {
        let _ = writeln!(out, "\n[{name}]\nquantiles = [");
        for row in points.chunks(6) {
            let row: Vec<String> = row
                .iter()
                .map(|p| format!("[{:?}, {:?}]", p.0, p.1))
                .collect();
            let _ = writeln!(out, "  {},", row.join(", "));
        }
        out.push_str("]\n");
    }
    out
}

fn run_lengths(counts: &[u32]) -> String {
    let runs: Vec<String> = counts
        .chunk_by(|a, b| a == b)
        .flat_map(|run| match run.len() {
            // A run of two or three is shorter, or as short, when spelled out.
            n @ 1..=2 => vec![run[0].to_string(); n],
            n => vec![format!("{}*{n}", run[0])],
        })
        .collect();
    runs.join(" ")
}
