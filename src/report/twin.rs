//! A recorded run and its simulation for people, and the findings of a probe: verdicts first.

use super::markdown::{escaped, table as markdown_table};
use super::number::{NONE, count, money, optional};
use super::terminal::{Style, heading, table, wrapped};
use crate::results::probe::ProbeDocument;
use crate::results::twin::{TwinDocument, TwinFigure};
use std::fmt::Write as _;

/// A document as parts that both media show.
struct Page {
    title: String,
    verdict: Vec<String>,
    tables: Vec<Drawn>,
    lists: Vec<(&'static str, Vec<String>)>,
}

/// A table: title, heads, how many columns are words, rows.
type Drawn = (String, Vec<&'static str>, usize, Vec<Vec<String>>);

/// A twin as lines of text.
pub fn terminal(document: &TwinDocument, style: Style) -> String {
    twin(document).terminal(style)
}

/// A twin as Markdown.
pub fn markdown(document: &TwinDocument) -> String {
    twin(document).markdown()
}

/// The findings of a probe as lines of text. `place` is the folder that was written.
pub fn probe_terminal(document: &ProbeDocument, style: Style, place: &str) -> String {
    probe(document, place).terminal(style)
}

/// The findings of a probe as Markdown.
pub fn probe_markdown(document: &ProbeDocument, place: &str) -> String {
    probe(document, place).markdown()
}

fn twin(document: &TwinDocument) -> Page {
    let tables = document.variants.iter().map(|variant| {
        let rows = variant.figures.iter().map(twin_row).collect();
        let columns = vec!["", "recorded", "simulated", "off by", "may be", "agrees"];
        (variant.name.clone(), columns, 1, rows)
    });
    let latency = document.variants.iter().flat_map(|variant| {
        let words = variant.latency.iter();
        words.map(|(name, origin)| format!("{}: latency of `{name}`, {origin}", variant.name))
    });
    let mut about: Vec<String> = latency.collect();
    about.push(format!(
        "{}, simulated {} times",
        document.run, document.simulations
    ));
    Page {
        title: "A simulation beside the recorded run".to_owned(),
        verdict: document.verdict.clone(),
        tables: tables.collect(),
        lists: vec![
            ("Warnings", document.warnings.clone()),
            ("Notes", document.notes.clone()),
            ("About this comparison", about),
        ],
    }
}

fn twin_row(figure: &TwinFigure) -> Vec<String> {
    let is_share = figure.name.ends_with("_share");
    let value = |value: Option<f64>| {
        optional(value, |v| match v {
            v if is_share => format!("{:.2} %", 100.0 * v),
            v if v >= 100.0 => count(v.round() as u64),
            v => format!("{v:.3}"),
        })
    };
    let off = |share: Option<f64>| {
        let unit = if is_share { "points" } else { "%" };
        optional(share, |share| format!("{:.1} {unit}", 100.0 * share))
    };
    vec![
        figure.name.clone(),
        value(figure.recorded),
        value(figure.simulated),
        off(figure.error),
        off(figure.bound),
        match figure.agrees {
            None => NONE,
            Some(true) => "yes",
            Some(false) => "no",
        }
        .to_owned(),
    ]
}

fn probe(document: &ProbeDocument, place: &str) -> Page {
    let rows = document.hypotheses.iter().map(|one| {
        let told = match one.weight {
            w if w > 0.9995 => "> 99.9 %".to_owned(),
            w if w < 0.0005 => "< 0.1 %".to_owned(),
            w => format!("{:.1} %", 100.0 * w),
        };
        vec![
            one.window.clone(),
            one.semantics.clone(),
            told,
            format!("{:.1}", one.log_likelihood),
            format!("{:.1} %", 100.0 * one.explained),
        ]
    });
    let columns = vec!["window", "semantics", "weight", "ln likelihood", "foretold"];
    let table = ("Rules".to_owned(), columns, 2, rows.collect());
    let sets: Vec<String> = document
        .settings
        .iter()
        .map(|set| format!("--set '{set}'"))
        .collect();
    let mut set = document.settings.clone();
    if !set.is_empty() {
        set.push(format!("bedload simulate SCENARIO {}", sets.join(" ")));
    }
    let about = vec![format!(
        "{}, variant {}, {} on {}: quota of {} tokens a minute; {} calls, {} refused, {} failed; spent {}. \
         Written to {place}",
        document.scenario,
        document.variant,
        document.model,
        document.target,
        count(document.tpm),
        count(document.calls),
        count(document.refused),
        count(document.failed),
        money(document.spent_usd),
    )];
    Page {
        title: "Which rules does the quota follow?".to_owned(),
        verdict: document.verdict.clone(),
        tables: vec![table],
        lists: vec![
            ("Set in scenarios", set),
            ("Warnings", document.warnings.clone()),
            ("Notes", document.notes.clone()),
            ("About this probe", about),
        ],
    }
}

impl Page {
    fn terminal(&self, style: Style) -> String {
        let mut lines = vec![heading(&self.title, style), String::new()];
        for sentence in &self.verdict {
            lines.extend(wrapped(sentence, "", style.width));
        }
        lines.push(String::new());
        for (title, header, texts, rows) in &self.tables {
            lines.push(heading(title, style));
            let mut drawn = table(header.len(), *texts, style.width);
            drawn.set_header(header.clone());
            for row in rows {
                drawn.add_row(row.clone());
            }
            lines.extend(drawn.trim_fmt().lines().map(str::to_owned));
            lines.push(String::new());
        }
        for (title, texts) in self.lists.iter().filter(|(_, texts)| !texts.is_empty()) {
            lines.push(heading(title, style));
            for text in texts {
                lines.extend(wrapped(text, "  ", style.width));
            }
            lines.push(String::new());
        }
        ended(lines.join("\n"))
    }

    fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n", self.title);
        for sentence in &self.verdict {
            let _ = writeln!(text, "- **{}**", escaped(sentence));
        }
        text.push('\n');
        for (title, header, texts, rows) in &self.tables {
            let _ = write!(text, "## {title}\n\n");
            let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
            markdown_table(&header, *texts, rows, &mut text);
        }
        for (title, texts) in self.lists.iter().filter(|(_, texts)| !texts.is_empty()) {
            let _ = write!(text, "## {title}\n\n");
            for line in texts {
                let _ = writeln!(text, "- {line}");
            }
            text.push('\n');
        }
        ended(text)
    }
}

fn ended(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
