//! What an import found, for people.

use super::markdown::{escaped, table as markdown_table};
use super::number::{count, percent};
use super::terminal::{Style, heading, table, wrapped};
use crate::results::{ImportModel, ImportSummary};
use std::fmt::Write;

/// Columns of the table of models; the first holds text.
const COLUMNS: [&str; 7] = [
    "model",
    "calls",
    "input",
    "cache read",
    "cache write",
    "output",
    "max_tokens",
];

/// The findings as lines of text.
pub fn terminal(import: &ImportSummary, style: Style) -> String {
    let mut lines = vec![heading(&title(import), style)];
    for sentence in sentences(import) {
        lines.extend(wrapped(&sentence, "", style.width));
    }
    lines.push(String::new());
    let mut rows = table(COLUMNS.len(), 1, style.width);
    rows.set_header(COLUMNS.to_vec());
    for model in &import.models {
        rows.add_row(cells(model));
    }
    lines.extend(rows.trim_fmt().lines().map(str::to_owned));
    lines.push(String::new());
    for (title, entries) in lists(import) {
        lines.push(heading(title, style));
        for entry in entries {
            lines.extend(wrapped(&entry, "  ", style.width));
        }
        lines.push(String::new());
    }
    lines.pop();
    lines.join("\n") + "\n"
}

/// The findings as Markdown.
pub fn markdown(import: &ImportSummary) -> String {
    let mut text = format!("# {}\n\n", escaped(&title(import)));
    for sentence in sentences(import) {
        let _ = writeln!(text, "{}\n", escaped(&sentence));
    }
    let rows: Vec<Vec<String>> = import.models.iter().map(cells).collect();
    markdown_table(&COLUMNS.map(str::to_owned), 1, &rows, &mut text);
    for (title, entries) in lists(import) {
        let _ = write!(text, "\n## {title}\n\n");
        for entry in entries {
            let _ = writeln!(text, "- {}", escaped(&entry));
        }
    }
    text
}

fn title(import: &ImportSummary) -> String {
    format!(
        "{} calls of {} ({})",
        count(import.calls),
        import.sources.join(", "),
        import.format
    )
}

fn sentences(import: &ImportSummary) -> Vec<String> {
    let mut all = Vec::new();
    let since = import.first.as_ref().map(|first| format!(" from {first}"));
    let span = span(import.span_s);
    let mean = if import.span_s > 0.0 && !import.session_clock {
        format!(", {:.3}/s in the mean", import.calls as f64 / import.span_s)
    } else {
        String::new()
    };
    all.push(format!(
        "They span {span}{}{mean}, in {} {} of {} {}.",
        since.unwrap_or_default(),
        count(import.sessions),
        plural(import.sessions, "session"),
        count(import.clients),
        plural(import.clients, "client"),
    ));
    if import.replayable < import.calls {
        all.push(format!(
            "{} of them have a prompt and an answer and can be replayed.",
            count(import.replayable)
        ));
    }
    if import.session_clock {
        all.push(
            "The log has no common clock: each session begins at zero, and nothing is known of arrivals."
                .to_owned(),
        );
    }
    all
}

fn span(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.1} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

fn plural(n: u64, word: &str) -> String {
    format!("{word}{}", if n == 1 { "" } else { "s" })
}

fn cells(model: &ImportModel) -> Vec<String> {
    let name = match (model.name.as_str(), model.known) {
        ("", _) => "(not named)".to_owned(),
        (name, true) => name.to_owned(),
        (name, false) => format!("{name} (not in the catalogue)"),
    };
    let max = model.max_tokens.map(|max| match model.max_tokens_share {
        Some(share) if share < 0.995 => format!("{} ({})", count(max.into()), percent(share)),
        _ => count(max.into()),
    });
    vec![
        name,
        count(model.calls),
        count(model.input_tokens),
        count(model.cache_read_tokens),
        count(model.cache_write_tokens),
        count(model.output_tokens),
        max.unwrap_or_else(|| super::number::NONE.to_owned()),
    ]
}

/// Lists with titles, those that have entries.
fn lists(import: &ImportSummary) -> Vec<(&'static str, Vec<String>)> {
    let counted = |(what, n): (&String, &u64)| format!("{}  {what}", count(*n));
    let mut skipped: Vec<String> = import.skipped.iter().map(counted).collect();
    if import.out_of_order > 0 {
        skipped.push(format!(
            "{}  out of order, sorted",
            count(import.out_of_order)
        ));
    }
    skipped.extend(import.files.ignored.iter().map(counted));
    skipped.extend(import.problems.iter().cloned());
    let place = |place: &crate::results::ImportPlace| {
        let parts = [&place.region, &place.scope, &place.tier];
        let named: Vec<&str> = parts
            .into_iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        (!named.is_empty()).then(|| format!("{}  {}", count(place.calls), named.join(" · ")))
    };
    let lists = [
        ("How they ended", import.ends.iter().map(counted).collect()),
        (
            "Where they went",
            import.places.iter().filter_map(place).collect(),
        ),
        ("What the log does not tell", missing(import)),
        ("Left out or mended", skipped),
        ("To know", import.notes.clone()),
        ("Written", import.written.clone()),
    ];
    let mut lists = Vec::from(lists);
    lists.retain(|(_, entries): &(_, Vec<String>)| !entries.is_empty());
    lists
}

fn missing(import: &ImportSummary) -> Vec<String> {
    let answered = import.ends.get("answered").copied().unwrap_or(0);
    let of = |n: u64, what: &str, why: &str| {
        (n > 0).then(|| {
            let all = if n == answered {
                "all answered calls".to_owned()
            } else {
                format!("{} of {} answered calls", count(n), count(answered))
            };
            format!("{what}: {all}{why}")
        })
    };
    let missing = &import.missing;
    let mut all: Vec<String> = [
        of(missing.input_tokens, "input tokens", ""),
        of(missing.output_tokens, "output tokens", ""),
        of(
            missing.max_tokens,
            "max_tokens",
            ", so what they reserved is not known",
        ),
        of(missing.latency, "latency", ""),
        of(missing.ttft, "time to the first token", ""),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some(log) = &import.log {
        if log.without_body > 0 {
            all.push(format!(
                "prompts: {} calls were logged without their body, so nothing is known of their cache points \
                 and sessions (text logging is a setting of the log)",
                count(log.without_body)
            ));
        }
        if log.bodies_missing > 0 {
            all.push(format!(
                "large bodies: {} lay in files of their own that were not there",
                count(log.bodies_missing)
            ));
        }
    }
    all
}
