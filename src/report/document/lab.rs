//! How policies come through a spike.

use super::build::{
    self, Thinning, column, figure, line, line_of, linear, number, once, slug, table, text,
};
use super::folder::ResultFolder;
use super::run::labelled;
use crate::results::LabSummary;
use crate::results::report::{Block, Figure, Mark, Section, Table, Unit};

/// Rows of the table behind a course.
const ROWS: usize = 24;

/// Sentences of the labs.
pub(super) fn verdict(folders: &[ResultFolder], prefixes: &[String]) -> Vec<String> {
    let mut said = Vec::new();
    for (folder, prefix) in folders.iter().zip(prefixes) {
        let sentences = folder.lab.iter().flat_map(|lab| &lab.verdict);
        said.extend(sentences.map(|sentence| labelled(prefix, sentence)));
    }
    said
}

/// Warnings of the labs.
pub(super) fn warnings(folders: &[ResultFolder]) -> Vec<String> {
    once(
        folders
            .iter()
            .flat_map(|one| &one.lab)
            .flat_map(|lab| lab.warnings.clone()),
    )
}

/// One chapter for all labs.
pub(super) fn section(
    folders: &[ResultFolder],
    prefixes: &[String],
    order: &[String],
) -> Option<Section> {
    let mut blocks = Vec::new();
    let mut notes = Vec::new();
    for (folder, prefix) in folders.iter().zip(prefixes) {
        let Some(lab) = &folder.lab else { continue };
        blocks.push(policies(lab, prefix));
        blocks.extend(recovery(lab, prefix, order));
        notes.extend(lab.notes.iter().cloned());
    }
    build::section(
        "recovery",
        "How policies come through the spike",
        once(notes),
        blocks,
    )
}

fn policies(lab: &LabSummary, prefix: &str) -> Block {
    let rows = lab.policies.iter().map(|one| {
        vec![
            text(&one.name),
            number(Some(f64::from(one.rank))),
            text(&one.verdict),
            number(one.slo.attainment),
            number(one.goodput_rps),
            number(one.recovery_s),
            number(one.hysteresis),
            number(one.e2e_all_ms.p99),
            number(one.amplification),
            number(one.peak_amplification),
            number(one.refused_share),
            number(one.run_usd),
            number(one.wasted_usd),
            number(Some(one.rank_stability)),
        ]
    });
    Block::Table(table(
        &format!("policies-{}", slug(prefix)),
        &labelled(prefix, "policies, the best one first"),
        &[
            ("policy", Unit::Text),
            ("rank", Unit::Count),
            ("verdict", Unit::Text),
            ("good requests", Unit::Share),
            ("goodput", Unit::PerSecond),
            ("back after", Unit::Seconds),
            ("hysteresis", Unit::Number),
            ("e2e p99, lost ones inside", Unit::Millis),
            ("attempts per request", Unit::Number),
            ("the most of it", Unit::Number),
            ("refused in the end", Unit::Share),
            ("cost of a run", Unit::Usd),
            ("of it wasted", Unit::Usd),
            ("seeds with this rank", Unit::Share),
        ],
        rows.collect(),
    ))
}

fn recovery(lab: &LabSummary, prefix: &str, order: &[String]) -> Option<Block> {
    let timed = |values: &[f64], step: f64| -> Vec<(f64, f64)> {
        let all = values.iter().enumerate();
        all.map(|(n, &value)| (step * n as f64, value)).collect()
    };
    let mut layers = Vec::new();
    let mut columns = vec![column("from", Unit::Seconds)];
    let mut series: Vec<Vec<(f64, f64)>> = Vec::new();
    if let Some(first) = lab.policies.first() {
        let offered = timed(&first.course.offered_rps, first.course.step_s);
        layers.push(line("offered", true, offered.clone()));
        columns.push(column("offered", Unit::PerSecond));
        series.push(offered);
    }
    for policy in &lab.policies {
        let good = timed(&policy.course.goodput_rps, policy.course.step_s);
        let label = labelled(prefix, &policy.name);
        layers.push(line_of(&label, good.clone()));
        columns.push(column(label, Unit::PerSecond));
        series.push(good);
    }
    let longest = series.iter().map(Vec::len).max().unwrap_or(0);
    let each = longest.div_ceil(ROWS).max(1);
    let rows = (0..longest).step_by(each).map(|first| {
        let time = series
            .iter()
            .find_map(|one| one.get(first))
            .map(|one| one.0);
        let mut row = vec![number(time)];
        row.extend(series.iter().map(|one| {
            let part: Vec<f64> = one.iter().skip(first).take(each).map(|one| one.1).collect();
            let mean = part.iter().sum::<f64>() / part.len() as f64;
            number(Some(mean))
        }));
        row
    });
    let id = format!("recovery-{}", slug(prefix));
    let title = labelled(prefix, "good requests over time, by when they began");
    let drawn = Figure {
        id: id.clone(),
        title: title.clone(),
        caption: "The mean over seeds. A policy has recovered when its line meets the load again and stays there."
            .into(),
        x: linear("time since the beginning of the run", Unit::Seconds),
        y: linear("good requests per second", Unit::PerSecond),
        layers,
        marks: vec![Mark::Span {
            label: format!("spike: {}", lab.window.triggers.join(", ")),
            from: lab.window.at_s,
            to: lab.window.release_s,
        }],
        table: Table {
            id: format!("{id}-table"),
            title: format!("{title}, mean of each step"),
            columns,
            rows: rows.collect(),
        },
        order: order.to_vec(),
        ..Figure::default()
    };
    figure(drawn, Thinning::Peaks).map(Block::Figure)
}
