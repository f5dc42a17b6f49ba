//! From results folders to the report: every table and picture as data, for pages and files to show.
//!
//! No statistic is made up here: figures are those of the documents, quantiles are read from merged
//! histograms, and what is derived is arithmetic between figures of one document, such as a rate from a count.

mod build;
mod cost;
mod course;
mod definitions;
mod folder;
mod lab;
mod latency;
mod origin;
mod outcome;
mod plan;
mod run;
mod search;
mod timeline;

pub use definitions::METRICS;
pub use folder::{FolderError, FolderFiles, ResultFolder};
pub use timeline::Timeline;

use crate::results::report::{Block, REPORT_SCHEMA, Report, Section};
use build::once;
use run::{prefixes, runs};
use std::collections::BTreeSet;

/// The report over one or more results, in the order in which they are given.
pub fn document(folders: &[ResultFolder]) -> Report {
    let prefixes = prefixes(folders);
    let runs = runs(folders, &prefixes);
    let order: Vec<String> = runs.iter().map(|run| run.label.clone()).collect();
    // Plans and labs decide something; a run beside them is what they rest on.
    let mut verdict = plan::verdict(folders, &prefixes);
    verdict.extend(lab::verdict(folders, &prefixes));
    let (of_runs, runs_met) = outcome::verdict(&runs);
    let decided_elsewhere = folders
        .iter()
        .all(|one| one.summary.is_none() || one.lab.is_some());
    if !decided_elsewhere {
        verdict.extend(of_runs);
    }
    let met = runs_met.or_else(|| plan::met(folders));
    let mut sections: Vec<Section> = Vec::new();
    sections.extend(plan::sections(folders, &prefixes));
    sections.extend(lab::section(folders, &prefixes, &order));
    sections.extend(search::search(&runs, &order));
    if !runs.is_empty() {
        sections.extend(outcome::modes(&runs));
        sections.extend(latency::latency(&runs, &order));
        sections.extend(course::course(&runs, &order));
        sections.extend(cost::cost(&runs));
    }
    sections.extend(origin::assumptions(folders, &prefixes));
    sections.extend(definitions::section());
    let of_plans = plan::warnings(folders, &prefixes).into_iter();
    let of_labs = lab::warnings(folders).into_iter();
    let warnings = once(of_plans.chain(of_labs).chain(outcome::warnings(&runs)));
    let questions = once(folders.iter().map(|folder| folder.question().to_owned()));
    let titles = once(folders.iter().map(|folder| folder.scenario().to_owned()));
    let mut report = Report {
        schema: REPORT_SCHEMA.to_owned(),
        title: titles.join(", "),
        question: questions.join(" "),
        verdict,
        met,
        warnings,
        sections,
        origin: origin::origin(folders, &prefixes),
    };
    make_unique(&mut report);
    report
}

/// Words for links that stand twice get a number.
fn make_unique(report: &mut Report) {
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut claim = |id: &mut String| {
        let mut own = id.clone();
        let mut number = 1;
        while !known.insert(own.clone()) {
            number += 1;
            own = format!("{id}-{number}");
        }
        *id = own;
    };
    for section in &mut report.sections {
        claim(&mut section.id);
        for block in &mut section.blocks {
            match block {
                Block::Table(table) => claim(&mut table.id),
                Block::Figure(figure) => {
                    claim(&mut figure.id);
                    claim(&mut figure.table.id);
                }
                Block::Lever(lever) => claim(&mut lever.id),
                Block::Definitions(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
