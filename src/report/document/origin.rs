//! Where figures come from, and how to get them again.

use super::build::{number, section, table, text};
use super::folder::ResultFolder;
use super::run::labelled;
use crate::results::report::{Block, Cell, Origin, Section, Unit};
use crate::results::{AssumptionSummary, PriceBookSummary};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Assumptions and sources of all folders.
pub(super) fn assumptions(folders: &[ResultFolder], prefixes: &[String]) -> Option<Section> {
    let mut assumed: Vec<Vec<Cell>> = Vec::new();
    let mut books: Vec<Vec<Cell>> = Vec::new();
    let mut prices: Vec<Vec<Cell>> = Vec::new();
    for (folder, prefix) in folders.iter().zip(prefixes) {
        let mut note = |of: &str, list: &[AssumptionSummary], book: Option<&PriceBookSummary>| {
            for one in list {
                add(
                    &mut assumed,
                    vec![text(&one.name), text(&one.value), text(&one.why)],
                    of,
                );
            }
            if let Some(book) = book {
                add(&mut books, vec![text(&book.name), text(&book.as_of)], of);
            }
        };
        for one in folder.summary.iter().flat_map(|summary| &summary.variants) {
            note(
                &labelled(prefix, &one.name),
                &one.assumptions,
                one.price_book.as_ref(),
            );
        }
        if let Some(lab) = &folder.lab {
            note(
                &labelled(prefix, "best policy"),
                &lab.assumptions,
                lab.price_book.as_ref(),
            );
        }
        for one in folder.plan.iter().flat_map(|plan| &plan.variants) {
            note(
                &labelled(prefix, &one.name),
                &one.assumptions,
                Some(&one.price_book),
            );
            for figure in &one.bill.figures {
                let row = vec![
                    text(&figure.model),
                    text(&figure.what),
                    text(&figure.value),
                    text(&figure.status),
                    text(&figure.as_of),
                    number(figure.age_days.map(|days| days as f64)),
                    text(&figure.source),
                ];
                if !prices.contains(&row) {
                    prices.push(row);
                }
            }
        }
    }
    let blocks = vec![
        Block::Table(table(
            "assumptions",
            "Choices that no source settles",
            &[
                ("setting", Unit::Text),
                ("value", Unit::Text),
                ("why", Unit::Text),
                ("in", Unit::Text),
            ],
            assumed,
        )),
        Block::Table(table(
            "price-books",
            "Price books",
            &[
                ("book", Unit::Text),
                ("prices read on", Unit::Text),
                ("in", Unit::Text),
            ],
            books,
        )),
        Block::Table(table(
            "figures-used",
            "Figures of the price book that the bill rests on",
            &[
                ("model", Unit::Text),
                ("figure", Unit::Text),
                ("value", Unit::Text),
                ("status", Unit::Text),
                ("as of", Unit::Text),
                ("days old", Unit::Count),
                ("source", Unit::Text),
            ],
            prices,
        )),
    ];
    section("assumptions", "Assumptions and sources", Vec::new(), blocks)
}

/// Adds a row, or the name to a row that says the same of another variant.
fn add(rows: &mut Vec<Vec<Cell>>, row: Vec<Cell>, of: &str) {
    let same = |known: &&mut Vec<Cell>| known[..row.len()] == row[..];
    if let Some(known) = rows.iter_mut().find(same) {
        if let Some(Cell::Text(names)) = known.last_mut()
            && !names.split(", ").any(|name| name == of)
        {
            names.push_str(", ");
            names.push_str(of);
        }
        return;
    }
    let mut row = row;
    row.push(text(of));
    rows.push(row);
}

/// How to get each result again.
pub(super) fn origin(folders: &[ResultFolder], prefixes: &[String]) -> Vec<Origin> {
    let of_folder = folders.iter().zip(prefixes).map(|(folder, prefix)| {
        let mut facts: Vec<(String, String)> = Vec::new();
        let mut fact = |name: &str, value: String| {
            if !value.is_empty() {
                facts.push((name.to_owned(), value));
            }
        };
        fact("called here", prefix.clone());
        fact("scenario", folder.scenario().to_owned());
        let mut command = String::new();
        if let Some(manifest) = &folder.manifest {
            command = manifest
                .command
                .iter()
                .map(|word| quoted(word))
                .collect::<Vec<String>>()
                .join(" ");
            fact("program version", manifest.program_version.clone());
            fact("seed", manifest.seed.to_string());
            fact("replications", manifest.replications.to_string());
            fact("started at", manifest.started_at.clone());
            let hash = Sha256::digest(manifest.resolved_scenario.as_bytes());
            let hash = hash.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            fact("scenario with its defaults, SHA-256", hash);
            for profile in &manifest.profiles {
                let dated = format!(
                    "{}, of {}, SHA-256 {}",
                    profile.name, profile.as_of, profile.sha256
                );
                fact(&profile.kind, dated);
            }
            let host = &manifest.host;
            fact(
                "machine",
                format!("{} {}, {} threads", host.os, host.arch, host.threads),
            );
        }
        let files = [
            (
                "summary.json",
                folder.summary.as_ref().map(|one| one.schema.clone()),
            ),
            (
                "lab.json",
                folder.lab.as_ref().map(|one| one.schema.clone()),
            ),
            (
                "plan.json",
                folder.plan.as_ref().map(|one| one.schema.clone()),
            ),
        ];
        for (file, schema) in files {
            fact(file, schema.unwrap_or_default());
        }
        Origin {
            result: folder.name.clone(),
            command,
            facts,
        }
    });
    of_folder.collect()
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("--set"), "--set");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
