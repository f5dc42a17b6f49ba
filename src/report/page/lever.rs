//! Something to move, with what follows from it.

use super::{anchor, table};
use crate::report::between;
use crate::report::number::value as shown;
use crate::results::report::{Cell, Column, Lever, Outcome, Table};
use maud::{Markup, html};

/// A slider; without scripts its present position with the table of all others.
pub(super) fn lever(lever: &Lever) -> Markup {
    let id = anchor(&lever.id);
    let [least, greatest, present] = lever.range;
    html! {
        section.card.lever id=(id) data-lever=(lever.id) aria-labelledby={ (id) "-title" } {
            h3 id={ (id) "-title" } { (lever.title) }
            div.move {
                label for={ (id) "-at" } {
                    span { (lever.label) }
                    output for={ (id) "-at" } data-v=(present) data-u=(table::name(lever.unit)) {
                        (shown(lever.unit, present))
                    }
                }
                input.live-only id={ (id) "-at" } type="range" min=(least) max=(greatest)
                    step="any" value=(present);
                div.ends.live-only aria-hidden="true" {
                    (table::number(least, lever.unit))
                    (table::number(greatest, lever.unit))
                }
            }
            div.outcomes {
                @for (number, outcome) in lever.outcomes.iter().enumerate() {
                    div.outcome data-outcome=(number) {
                        div.name { (outcome.label) }
                        (reading(outcome, present))
                        div.plot.live-only {}
                    }
                }
            }
            details.behind {
                summary { "At other positions" }
                (table::plain(&positions(lever), &lever.title, &[]))
            }
        }
    }
}

/// What follows at a position, on the straight line between the two points around it.
fn reading(outcome: &Outcome, at: f64) -> Markup {
    let value = between(&outcome.points, at);
    html! {
        @match value {
            Some(value) => output data-v=(value) data-u=(table::name(outcome.unit)) {
                (shown(outcome.unit, value))
            },
            None => output { "–" },
        }
    }
}

/// Every outcome at every position that was computed.
fn positions(lever: &Lever) -> Table {
    let mut places: Vec<f64> = lever
        .outcomes
        .iter()
        .flat_map(|one| one.points.iter().map(|&(x, _)| x))
        .collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let column = |title: &str, unit| Column {
        title: title.to_owned(),
        unit,
    };
    let mut columns = vec![column(&lever.label, lever.unit)];
    columns.extend(
        lever
            .outcomes
            .iter()
            .map(|one| column(&one.label, one.unit)),
    );
    let value = |outcome: &Outcome, at: f64| {
        let point = outcome
            .points
            .iter()
            .find(|&&(x, _)| x.total_cmp(&at).is_eq());
        point.map_or(Cell::Absent, |&(_, value)| Cell::Number(value))
    };
    let row = |&at: &f64| {
        let mut row = vec![Cell::Number(at)];
        row.extend(lever.outcomes.iter().map(|outcome| value(outcome, at)));
        row
    };
    Table {
        id: format!("{}-positions", lever.id),
        title: lever.title.clone(),
        columns,
        rows: places.iter().map(row).collect(),
    }
}
