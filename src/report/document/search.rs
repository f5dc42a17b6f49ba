//! The highest load that meets the SLO.

use super::build::{Thinning, figure, level, line_of, linear, number, section, table, text};
use super::run::Run;
use crate::results::report::{Block, Figure, Mark, Section, Unit};

/// What searches found.
pub(super) fn search(runs: &[Run<'_>], order: &[String]) -> Option<Section> {
    let searched: Vec<&Run<'_>> = runs
        .iter()
        .filter(|run| run.variant.search.is_some())
        .collect();
    if searched.is_empty() {
        return None;
    }
    let said = searched.iter().filter_map(|run| {
        let binds = run.variant.search.as_ref()?.binds.as_ref()?;
        Some(format!(
            "{}: {} breaks first. {}",
            run.label, binds.what, binds.evidence
        ))
    });
    section(
        "search",
        "The highest load that meets the SLO",
        said.collect(),
        [curve(&searched, order)]
            .into_iter()
            .flatten()
            .chain([brackets(&searched), advice(&searched)])
            .collect(),
    )
}

fn curve(runs: &[&Run<'_>], order: &[String]) -> Option<Block> {
    let mut layers = Vec::new();
    let mut rows = Vec::new();
    let mut marks: Vec<Mark> = Vec::new();
    for run in runs {
        let Some(search) = &run.variant.search else {
            continue;
        };
        let points = search.points.iter();
        let points = points.filter_map(|one| Some((one.rps, one.attainment?)));
        layers.push(line_of(&run.label, points.collect()));
        if runs.len() == 1 {
            marks.push(Mark::Moment {
                label: "the scenario's own load".into(),
                at: search.own_rps,
            });
        }
        for objective in run
            .variant
            .slo
            .objectives
            .iter()
            .filter(|one| one.name == "attainment")
        {
            let bound = crate::report::number::value(Unit::Share, objective.bound);
            let mark = level(format!("SLO: at least {bound} good"), objective.bound);
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        }
        for one in &search.points {
            rows.push(vec![
                text(&run.label),
                number(Some(one.rps)),
                number(Some(one.factor)),
                text(&one.verdict),
                number(one.attainment),
                number(one.attainment_low),
                number(one.attainment_high),
                text(one.missed.join(", ")),
            ]);
        }
    }
    let title = "Good requests by load";
    let drawn = Figure {
        id: "search-curve".into(),
        title: title.into(),
        caption: "Every load that was simulated.".into(),
        x: linear("requests per second offered", Unit::PerSecond),
        y: linear("good requests", Unit::Share),
        layers,
        marks,
        table: table(
            "search-curve-table",
            title,
            &[
                ("variant", Unit::Text),
                ("load", Unit::PerSecond),
                ("over the scenario's own", Unit::Number),
                ("verdict", Unit::Text),
                ("good requests", Unit::Share),
                ("at least", Unit::Share),
                ("at most", Unit::Share),
                ("missed", Unit::Text),
            ],
            rows,
        ),
        order: order.to_vec(),
        ..Figure::default()
    };
    figure(drawn, Thinning::Shape).map(Block::Figure)
}

fn brackets(runs: &[&Run<'_>]) -> Block {
    let rows = runs.iter().filter_map(|run| {
        let one = run.variant.search.as_ref()?;
        Some(vec![
            text(&run.label),
            number(Some(one.own_rps)),
            number(one.pass.as_ref().map(|load| load.rps)),
            number(one.fail.as_ref().map(|load| load.rps)),
            number(one.closed_form_rps),
            text(
                one.binds
                    .as_ref()
                    .map(|binds| binds.what.clone())
                    .unwrap_or_default(),
            ),
        ])
    });
    Block::Table(table(
        "search-bracket",
        "Between which loads the SLO breaks",
        &[
            ("variant", Unit::Text),
            ("own load", Unit::PerSecond),
            ("highest that passes", Unit::PerSecond),
            ("lowest that fails", Unit::PerSecond),
            ("closed form", Unit::PerSecond),
            ("what breaks first", Unit::Text),
        ],
        rows.collect(),
    ))
}

fn advice(runs: &[&Run<'_>]) -> Block {
    let rows = runs.iter().flat_map(|run| {
        let advice = run.variant.search.iter().flat_map(|one| &one.advice);
        advice.map(|one| {
            vec![
                text(&one.change),
                text(&run.label),
                number(one.pass_rps),
                number(one.gain),
                text(one.then_binds.clone().unwrap_or_default()),
            ]
        })
    });
    Block::Table(table(
        "search-advice",
        "Changes that were tried in the simulator",
        &[
            ("change", Unit::Text),
            ("variant", Unit::Text),
            ("highest that passes then", Unit::PerSecond),
            ("gain", Unit::Share),
            ("what breaks first then", Unit::Text),
        ],
        rows.collect(),
    ))
}
