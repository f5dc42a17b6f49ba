//! A comparison as text and as Markdown.

use super::{name, value};
use crate::compare::sentences::{effect_text, p_text};
use crate::report::Style;
use crate::report::markdown::{escaped, table as markdown_table};
use crate::report::number::NONE;
use crate::report::terminal::{heading, table, wrapped};
use crate::results::RunKind;
use crate::results::compare::{
    AssertionSummary, CalibrationRow, CompareSummary, CompareVariant, HistorySeries, Method,
    MetricComparison, SideSummary, Verdict,
};
use comfy_table::ColumnConstraint;
use std::fmt::Write as _;

/// A part of the text: a title, and a table or lines.
struct Part {
    title: String,
    header: Vec<String>,
    /// Columns of words, at the left.
    texts: usize,
    rows: Vec<Vec<String>>,
    lines: Vec<String>,
}

/// Bars of one line over runs.
const BARS: usize = 60;

fn parts(document: &CompareSummary) -> Vec<Part> {
    let mut parts: Vec<Part> = document.variants.iter().map(variant).collect();
    if !document.assertions.is_empty() {
        parts.push(assertions(&document.assertions));
    }
    if !document.calibration.is_empty() {
        parts.push(calibration(document));
    }
    if !document.history.is_empty() {
        parts.push(history(&document.history));
    }
    parts
}

fn words(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn mark(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        None => "",
        Some(Verdict::Same) => "same",
        Some(Verdict::Improved) => "improved",
        Some(Verdict::Inconclusive) => "inconclusive",
        Some(Verdict::Regressed) => "REGRESSED",
    }
}

fn variant(of: &CompareVariant) -> Part {
    let runs = |count: u32| format!("{count} run{}", if count == 1 { "" } else { "s" });
    let baseline = if of.baseline == of.name {
        "the baseline".to_owned()
    } else {
        format!("`{}` of the baseline", of.baseline)
    };
    let title = format!(
        "{}: {} against {} of {baseline}",
        of.name,
        runs(of.result_runs),
        of.baseline_runs
    );
    let mut part = Part {
        title,
        header: Vec::new(),
        texts: 2,
        rows: Vec::new(),
        lines: Vec::new(),
    };
    if of.metrics.iter().all(|one| one.method == Method::Identical) {
        part.lines.push(format!(
            "every reading of all {} metrics is the same in every run",
            of.metrics.len()
        ));
        return part;
    }
    let shown: Vec<&MetricComparison> = of.metrics.iter().filter(|one| is_shown(one)).collect();
    part.header = words(&[
        "metric",
        "verdict",
        "baseline",
        "result",
        "change",
        "interval",
        "p",
        "would see",
    ]);
    part.rows = shown.iter().map(|one| metric(one)).collect();
    let rest = of.metrics.len() - shown.len();
    if rest > 0 {
        part.lines
            .push(format!("{rest} more are reported with `--format json`"));
    }
    part
}

/// What is gated, and the p99 of each workload.
fn is_shown(one: &MetricComparison) -> bool {
    let is_tail = ["ttft.p99", "e2e.p99"].contains(&one.metric.as_str());
    one.gated || (is_tail && one.workload.is_some() && one.effect.is_some())
}

fn metric(one: &MetricComparison) -> Vec<String> {
    let change = |effect: Option<f64>| {
        effect.map_or_else(
            || NONE.to_owned(),
            |effect| effect_text(one.relative, effect),
        )
    };
    let interval = match (one.effect_low, one.effect_high) {
        (Some(low), Some(high)) => {
            let decimals = if one.relative { 1 } else { 2 };
            format!("{:+.decimals$} to {}", 100.0 * low, change(Some(high)))
        }
        _ => NONE.to_owned(),
    };
    let worse = one
        .effect
        .is_some_and(|effect| (effect >= 0.0) != one.higher_is_better);
    let p = one
        .p_adjusted
        .or(if worse { one.p_worse } else { one.p_better });
    vec![
        name(one.workload.as_deref(), &one.metric),
        if one.gated {
            mark(one.verdict)
        } else {
            "reported"
        }
        .to_owned(),
        value(one.unit, one.baseline),
        value(one.unit, one.result),
        change(one.effect),
        interval,
        p.map_or_else(|| NONE.to_owned(), p_text),
        change(one.detectable),
    ]
}

fn assertions(all: &[AssertionSummary]) -> Part {
    let several = all.iter().any(|one| one.variant != all[0].variant);
    let row = |one: &AssertionSummary| {
        let state = match one.holds {
            Some(true) => "holds",
            Some(false) => "MISSED",
            None => "unknown",
        };
        let text = if several {
            format!("{}: {}", one.variant, one.text)
        } else {
            one.text.clone()
        };
        vec![text, state.to_owned(), one.reason.clone()]
    };
    Part {
        title: "Thresholds".to_owned(),
        header: words(&["threshold", "", "seen"]),
        texts: 3,
        rows: all.iter().map(row).collect(),
        lines: Vec::new(),
    }
}

fn calibration(document: &CompareSummary) -> Part {
    let several = document
        .calibration
        .iter()
        .any(|one| one.variant != document.calibration[0].variant);
    let row = |one: &CalibrationRow| {
        let metric = name(one.workload.as_deref(), &one.metric);
        let change = |effect: f64| effect_text(one.relative, effect).replace('+', "");
        vec![
            if several {
                format!("{}: {metric}", one.variant)
            } else {
                metric
            },
            change(one.deviation),
            change(one.floor),
            one.runs_needed
                .map_or_else(|| "> 10,000".to_owned(), |runs| runs.to_string()),
        ]
    };
    let runs = document.calibration[0].runs;
    let detect = 100.0 * document.gate.detect;
    Part {
        title: format!(
            "Noise between equal builds ({} comparisons of {runs} runs with {runs})",
            document.calibration[0].comparisons
        ),
        header: vec![
            "metric".to_owned(),
            "one run".to_owned(),
            "floor".to_owned(),
            format!("runs to see {detect:.0} %"),
        ],
        texts: 1,
        rows: document.calibration.iter().map(row).collect(),
        lines: Vec::new(),
    }
}

fn history(all: &[HistorySeries]) -> Part {
    let label = |one: &HistorySeries| {
        format!(
            "{}: {}",
            one.variant,
            name(one.workload.as_deref(), &one.metric)
        )
    };
    let wide = all.iter().map(|one| label(one).chars().count()).max();
    let wide = wide.unwrap_or(0);
    let line = |one: &HistorySeries| {
        let ends = [one.points.first(), one.points.last()]
            .map(|point| value(one.unit, point.map(|point| point.value)));
        format!(
            "{:wide$}  {}  {} to {}",
            label(one),
            bars(one),
            ends[0],
            ends[1]
        )
    };
    Part {
        title: "Over runs, in order of time; a stroke is a lasting change".to_owned(),
        header: Vec::new(),
        texts: 0,
        rows: Vec::new(),
        lines: all.iter().map(line).collect(),
    }
}

/// Runs as bars from the least to the greatest value, with a stroke where the level changed. Of more runs than
/// there is room for, neighbours within a level share a bar, the largest of them.
fn bars(series: &HistorySeries) -> String {
    const BARS_OF: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let values: Vec<f64> = series.points.iter().map(|point| point.value).collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let in_bar = values.len().div_ceil(BARS).max(1);
    let bar = |part: &[f64]| {
        let peak = part.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // A series that hardly moves is a flat line and not a mountain range.
        let room = (greatest - least).max(0.05 * greatest.abs()).max(1e-300);
        BARS_OF[((peak - least) / room * 7.0).round().clamp(0.0, 7.0) as usize]
    };
    let mut text = String::new();
    let mut from = 0;
    let edges = series.changes.iter().map(|change| change.at);
    for to in edges.chain([values.len()]) {
        if from > 0 {
            text.push('│');
        }
        text.extend(values[from..to].chunks(in_bar).map(bar));
        from = to;
    }
    text
}

fn title(document: &CompareSummary) -> String {
    match (&document.baseline, &document.result) {
        (Some(baseline), Some(result)) => {
            format!(
                "{}: {} against {}",
                result.scenario, result.name, baseline.name
            )
        }
        (None, Some(result)) => format!("{}: {}", result.scenario, result.name),
        _ => "Runs over time".to_owned(),
    }
}

fn side(label: &str, of: &SideSummary) -> String {
    let what = match (of.kind, &of.target) {
        (RunKind::Simulated, _) => "simulated".to_owned(),
        (RunKind::Live, Some(target)) => format!("live at {target}"),
        (RunKind::Live, None) => "live".to_owned(),
    };
    format!(
        "{label}: {}, {what}, {} runs to {}, bedload {}",
        of.name, of.runs, of.created_at, of.program_version
    )
}

/// What the gate asks, in a sentence.
fn gate(document: &CompareSummary) -> Option<String> {
    if document.variants.is_empty() {
        return None;
    }
    let gate = &document.gate;
    Some(format!(
        "Gate: one-sided tests of runs at {} after Benjamini-Hochberg, a change of {:.1} % (shares: {:.2} \
         points) or twice the noise floor; `same` only where {:.1} % ({:.2} points) would have been seen with \
         {:.0} % power.",
        gate.alpha,
        100.0 * gate.threshold,
        100.0 * gate.share_threshold,
        100.0 * gate.detect,
        100.0 * gate.share_detect,
        100.0 * gate.power,
    ))
}

fn about(document: &CompareSummary) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(document.baseline.as_ref().map(|of| side("Baseline", of)));
    lines.extend(document.result.as_ref().map(|of| side("Result", of)));
    lines.extend(gate(document));
    lines
}

/// The comparison as lines of text.
pub fn terminal(document: &CompareSummary, style: Style) -> String {
    let mut lines = vec![heading(&title(document), style), String::new()];
    for sentence in &document.sentences {
        lines.extend(wrapped(sentence, "", style.width));
    }
    lines.push(String::new());
    for part in parts(document) {
        lines.push(heading(&part.title, style));
        if !part.rows.is_empty() {
            let mut rows = table(part.header.len(), part.texts, style.width);
            rows.set_header(part.header);
            for row in part.rows {
                rows.add_row(row);
            }
            for column in 0..part.texts.min(2) {
                if let Some(column) = rows.column_mut(column) {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
            lines.extend(rows.trim_fmt().lines().map(str::to_owned));
        }
        lines.extend(part.lines.into_iter().map(|line| format!("  {line}")));
        lines.push(String::new());
    }
    for (title, texts) in [("Warnings", &document.warnings), ("Notes", &document.notes)] {
        if texts.is_empty() {
            continue;
        }
        lines.push(heading(title, style));
        for text in texts {
            lines.extend(wrapped(text, "  ", style.width));
        }
        lines.push(String::new());
    }
    for line in about(document) {
        lines.extend(wrapped(&line, "", style.width));
    }
    let mut text = lines.join("\n");
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The comparison as Markdown, for a pull request or a job summary.
pub fn markdown(document: &CompareSummary) -> String {
    let mut text = format!("# {}\n\n", escaped(&title(document)));
    let mut sentences = document.sentences.iter();
    if let Some(first) = sentences.next() {
        let _ = write!(text, "**{}**\n\n", escaped(first));
    }
    let rest: Vec<&String> = sentences.collect();
    for sentence in &rest {
        let _ = writeln!(text, "- {sentence}");
    }
    if !rest.is_empty() {
        text.push('\n');
    }
    for part in parts(document) {
        let _ = write!(text, "## {}\n\n", part.title);
        if !part.rows.is_empty() {
            let rows: Vec<Vec<String>> = part
                .rows
                .iter()
                .map(|row| row.iter().map(|cell| escaped(cell)).collect())
                .collect();
            markdown_table(&part.header, part.texts, &rows, &mut text);
        }
        if !part.lines.is_empty() {
            let _ = write!(text, "```text\n{}\n```\n\n", part.lines.join("\n"));
        }
    }
    let about = about(document);
    for (title, items) in [
        ("Warnings", &document.warnings),
        ("Notes", &document.notes),
        ("About", &about),
    ] {
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
