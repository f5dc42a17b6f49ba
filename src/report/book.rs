//! The report as Markdown, with its pictures as files beside it.

use super::markdown::{escaped, table as markdown_table};
use super::number::{cell, value};
use crate::results::report::{Block, Cell, Column, Figure, Lever, Report, Table, Unit};
use std::fmt::Write as _;

/// Positions of a lever that are written out.
const POSITIONS: usize = 5;

/// The report as Markdown; `picture` says where the file of a figure lies, such as `figures/cost.svg`.
pub fn report_markdown(report: &Report, pictures: &dyn Fn(&Figure) -> String) -> String {
    let mut text = format!("# {}\n\n", escaped(&report.title));
    if !report.question.is_empty() {
        let _ = write!(text, "{}\n\n", escaped(&report.question));
    }
    for sentence in &report.verdict {
        let _ = writeln!(text, "- **{}**", escaped(sentence));
    }
    text.push('\n');
    if !report.warnings.is_empty() {
        text.push_str("## Read this first\n\n");
        list(&report.warnings, &mut text);
    }
    for section in &report.sections {
        let _ = write!(text, "## {}\n\n", escaped(&section.title));
        list(&section.text, &mut text);
        for block in &section.blocks {
            match block {
                Block::Table(table) => titled_table(table, &mut text),
                Block::Figure(figure) => drawn(figure, &pictures(figure), &mut text),
                Block::Lever(lever) => moved(lever, &mut text),
                Block::Definitions(terms) => {
                    for (term, meaning) in terms {
                        let _ = writeln!(text, "- **{}**: {}", escaped(term), escaped(meaning));
                    }
                    text.push('\n');
                }
            }
        }
    }
    origin(report, &mut text);
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn list(items: &[String], text: &mut String) {
    for item in items {
        let _ = writeln!(text, "- {}", escaped(item));
    }
    if !items.is_empty() {
        text.push('\n');
    }
}

fn titled_table(table: &Table, text: &mut String) {
    let _ = write!(text, "### {}\n\n", escaped(&table.title));
    plain_table(table, text);
}

/// The table with as many columns of words as stand at its left; figures are to the right.
fn plain_table(table: &Table, text: &mut String) {
    let used = used_columns(table);
    let header: Vec<String> = used
        .iter()
        .map(|&(_, column)| column.title.clone())
        .collect();
    let texts = used
        .iter()
        .take_while(|(_, column)| column.unit == Unit::Text)
        .count();
    let rows: Vec<Vec<String>> = table
        .rows
        .iter()
        .map(|row| {
            let cells = used.iter().map(|&(place, column)| {
                let own = row.get(place).unwrap_or(&Cell::Absent);
                escaped(&cell(column.unit, own))
            });
            cells.collect()
        })
        .collect();
    markdown_table(&header, texts, &rows, text);
}

/// Columns in which some row has something; Markdown cannot fold the others away.
fn used_columns(table: &Table) -> Vec<(usize, &Column)> {
    let says = |place: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(place));
        cells.into_iter().any(|cell| *cell != Cell::Absent)
    };
    let all = table.columns.iter().enumerate();
    all.filter(|(place, _)| *place == 0 || says(*place))
        .collect()
}

fn drawn(figure: &Figure, path: &str, text: &mut String) {
    let _ = write!(text, "### {}\n\n", escaped(&figure.title));
    let _ = write!(
        text,
        "![{}](<{path}>)\n\n",
        escaped(&figure.title).replace(']', "\\]")
    );
    if !figure.caption.is_empty() {
        let _ = write!(text, "{}\n\n", escaped(&figure.caption));
    }
    if let Some(thinned) = &figure.thinned {
        let _ = write!(text, "Drawn: {}.\n\n", escaped(thinned));
    }
    if !figure.table.rows.is_empty() {
        let _ = write!(
            text,
            "<details><summary>The figures behind it</summary>\n\n"
        );
        plain_table(&figure.table, text);
        text.push_str("</details>\n\n");
    }
}

/// What follows at the ends of a lever, where it stands, and between.
fn moved(lever: &Lever, text: &mut String) {
    let _ = write!(text, "### {}\n\n", escaped(&lever.title));
    let [least, most, now] = lever.range;
    let mut places: Vec<f64> = (0..POSITIONS)
        .map(|n| least + (most - least) * n as f64 / (POSITIONS - 1) as f64)
        .chain([now])
        .collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let mut header = vec![lever.label.clone()];
    header.extend(lever.outcomes.iter().map(|outcome| outcome.label.clone()));
    let rows: Vec<Vec<String>> = places
        .iter()
        .map(|&place| {
            let here = if place.total_cmp(&now).is_eq() {
                " (now)"
            } else {
                ""
            };
            let mut row = vec![format!("{}{here}", value(lever.unit, place))];
            row.extend(lever.outcomes.iter().map(|outcome| {
                let at = between(&outcome.points, place);
                at.map_or_else(
                    || cell(outcome.unit, &Cell::Absent),
                    |at| value(outcome.unit, at),
                )
            }));
            row
        })
        .collect();
    markdown_table(&header, 1, &rows, text);
}

/// The value at a position, on the straight line between the points around it; `None` outside of them.
pub fn between(points: &[(f64, f64)], at: f64) -> Option<f64> {
    if let [only] = points {
        return only.0.total_cmp(&at).is_eq().then_some(only.1);
    }
    let around = |two: &&[(f64, f64)]| two[0].0 <= at && at <= two[1].0;
    let two = points.windows(2).find(around)?;
    if two[0].0 >= two[1].0 {
        return Some(two[1].1);
    }
    let share = (at - two[0].0) / (two[1].0 - two[0].0);
    Some(two[0].1 + share * (two[1].1 - two[0].1))
}

fn origin(report: &Report, text: &mut String) {
    if report.origin.is_empty() {
        return;
    }
    text.push_str("## How to get these figures again\n\n");
    for one in &report.origin {
        let _ = write!(text, "### {}\n\n", escaped(&one.result));
        if !one.command.is_empty() {
            let _ = write!(
                text,
                "```sh\n{}\n```\n\n",
                one.command.replace("```", "` ` `")
            );
        }
        for (name, fact) in &one.facts {
            let _ = writeln!(text, "- {}: {}", escaped(name), escaped(fact));
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::report::{Lever, Outcome, Section};

    #[test]
    fn between_two_points_is_a_straight_line() {
        let points = [(0.0, 10.0), (2.0, 20.0), (4.0, 0.0)];
        assert_eq!(between(&points, 1.0), Some(15.0));
        assert_eq!(between(&points, 2.0), Some(20.0));
        assert_eq!(between(&points, 3.5), Some(5.0));
        assert_eq!((between(&points, 5.0), between(&[], 1.0)), (None, None));
    }

    #[test]
    fn a_lever_is_written_out() {
        let lever = Lever {
            id: "price".into(),
            title: "At which price does it pay?".into(),
            label: "price".into(),
            unit: Unit::UsdPerMonth,
            range: [0.0, 1000.0, 300.0],
            outcomes: vec![Outcome {
                label: "saved".into(),
                unit: Unit::UsdPerMonth,
                points: vec![(0.0, 400.0), (1000.0, -600.0)],
            }],
        };
        let report = Report {
            schema: String::new(),
            title: "a | b".into(),
            question: String::new(),
            verdict: vec!["Buy.".into()],
            met: None,
            warnings: Vec::new(),
            sections: vec![Section {
                blocks: vec![Block::Lever(lever)],
                ..Section::default()
            }],
            origin: Vec::new(),
        };
        let text = report_markdown(&report, &|figure| format!("figures/{}.svg", figure.id));
        let expected = "\
# a \\| b

- **Buy.**

## 

### At which price does it pay?

| price | saved |
| --- | ---: |
| $0.00 | $400 |
| $250 | $150 |
| $300 (now) | $100 |
| $500 | −$100 |
| $750 | −$350 |
| $1,000 | −$600 |
";
        assert_eq!(text, expected);
    }
}
