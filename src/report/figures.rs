//! The figures of profiles that a scenario rests on, with their sources: which were used, of what
//! day, and how sure.

use crate::profile::{Catalogue, Figure, ProfileKind};
use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use serde_json::{Value, json};
use std::fmt::Write;

/// Every figure of `models` and their prices in `book`, as text `width` characters wide.
pub fn terminal(catalogue: &Catalogue, models: &[&str], book: &str, width: u16) -> String {
    let mut out = String::from("Figures used\n");
    for model in models {
        let file = catalogue
            .file_of(ProfileKind::Model, model)
            .unwrap_or(model);
        let _ = writeln!(out, "\n{model}, from {file}, prices of book {book}");
        for note in latency_notes(catalogue, model) {
            let _ = writeln!(out, "  latency {note}");
        }
        let used = catalogue.figures_used(model, book);
        let mut sources: Vec<&str> = Vec::new();
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.force_no_tty();
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
        for figure in used {
            let source = figure.fact.source.as_str();
            let known = sources.iter().position(|&one| one == source);
            let number = known.unwrap_or_else(|| {
                sources.push(source);
                sources.len() - 1
            });
            let what = figure.what.replace(&format!("model.{model}."), "price.");
            table.add_row([
                format!(" {what}"),
                short(&figure.value),
                figure.fact.status.to_string(),
                figure.fact.as_of.clone(),
                format!("[{}]", number + 1),
                figure.code.clone().unwrap_or_default(),
            ]);
        }
        for fixed in [0, 2, 3, 4, 5] {
            if let Some(column) = table.column_mut(fixed) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        let _ = writeln!(out, "{}", table.trim_fmt());
        for (i, source) in sources.iter().enumerate() {
            let _ = writeln!(out, "  [{}] {source}", i + 1);
        }
    }
    out
}

/// The value, or the length of a list that would fill the page; the file has it whole.
fn short(value: &str) -> String {
    match value.split(", ").count() {
        n if n > LONGEST_LIST => format!("{n} entries"),
        _ => value.to_owned(),
    }
}

/// The most entries of a list that are printed one by one.
const LONGEST_LIST: usize = 6;

/// The same as a JSON array.
pub fn document(catalogue: &Catalogue, models: &[&str], book: &str) -> Value {
    let row = |model: &str, figure: &Figure| {
        json!({
            "model": model,
            "what": figure.what,
            "value": figure.value,
            "status": figure.fact.status.to_string(),
            "as_of": figure.fact.as_of,
            "source": figure.fact.source,
            "quota_code": figure.code,
        })
    };
    let rows = models.iter().flat_map(|model| {
        let used = catalogue.figures_used(model, book);
        used.into_iter().map(move |figure| row(model, figure))
    });
    rows.collect()
}

/// How the parts of a model's latency came about, a line each.
fn latency_notes(catalogue: &Catalogue, model: &str) -> Vec<String> {
    let Ok(profile) = catalogue.model(model) else {
        return Vec::new();
    };
    let notes = catalogue.latency_notes(&profile.latency).iter();
    let line = notes.map(|note| {
        let samples = match note.samples {
            0 => "no measurements".to_owned(),
            n => format!("{n} measurements"),
        };
        let error = note.error.map_or_else(String::new, |error| {
            let [p50, p90, p95] = error.map(|share| format!("{:.1} %", 100.0 * share));
            format!(", in-sample error {p50} at p50, {p90} at p90, {p95} at p95")
        });
        format!("{}: {}, {samples}{error}", note.part, note.origin)
    });
    line.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_carries_its_source_and_day() {
        let catalogue = Catalogue::builtin();
        let rows = document(&catalogue, &["claude-sonnet-4-6"], "2026-11-22");
        let rows = rows.as_array().unwrap();
        let tpm = rows
            .iter()
            .find(|row| row["what"] == "quota.geo.tpm")
            .unwrap();
        assert_eq!(
            (&tpm["value"], &tpm["quota_code"]),
            (&json!("6M"), &json!("L-15B8E632"))
        );
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        for row in rows {
            assert!(
                !text(row, "source").is_empty() && text(row, "as_of").len() == 10,
                "{row}"
            );
        }
        let page = terminal(&catalogue, &["claude-sonnet-4-6"], "2026-11-22", 120);
        assert!(
            page.contains("latency ttft: fitted, 17 measurements"),
            "{page}"
        );
        assert!(page.contains("L-15B8E632"), "{page}");
    }
}
