//! Tables: numbers with their raw values, in rows that variants can hide.

use super::prose;
use crate::report::number::value as shown;
use crate::results::report::{Cell, Column, Table, Unit};
use maud::{Markup, html};

/// A table that compares a few things in many columns is easier to read when each column of it is a row:
/// from so many columns on.
const TURNED_FROM: usize = 6;
/// And up to so many rows.
const TURNED_TO: usize = 6;

/// A text of more bytes than this needs room, and makes a narrow screen scroll rather than a column thin.
const LONG: usize = 48;

/// A table of its own; turned where that reads better.
pub(super) fn compared(table: &Table, names: &[String]) -> Markup {
    let is_wide = table.columns.len() >= TURNED_FROM
        && table.rows.len() <= TURNED_TO
        && table.columns.len() > table.rows.len() + 1;
    if is_wide && !table.rows.is_empty() {
        turned(table, names)
    } else {
        plain(table, &table.title, names)
    }
}

/// A table as it is. `title` names it to people who do not see it.
pub(super) fn plain(table: &Table, title: &str, names: &[String]) -> Markup {
    html! {
        div.scroll role="region" tabindex="0" aria-label=(title) {
            table {
                thead {
                    tr {
                        @for (at, column) in table.columns.iter().enumerate() {
                            th.word[is_word(table, at)] scope="col" data-variant=[variant(&column.title, names)] {
                                (column.title)
                                @if let Some(unit) = per(column) { small { (unit) } }
                            }
                        }
                    }
                }
                tbody {
                    @for row in &table.rows {
                        tr data-variant=[row.first().and_then(|cell| variant_of(cell, names))] {
                            @for (at, (cell, column)) in row.iter().zip(&table.columns).enumerate() {
                                (cell_of(cell, column.unit, at == 0, variant(&column.title, names)))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Rows as columns.
fn turned(table: &Table, names: &[String]) -> Markup {
    let head = table.columns.first().map_or("", |column| &column.title);
    let firsts = || table.rows.iter().filter_map(|row| row.first());
    let unit = |column: &Column| per(column);
    html! {
        div.scroll.compare class={ "n" (table.rows.len()) } role="region" tabindex="0" aria-label=(table.title) {
            table {
                thead {
                    tr {
                        th scope="col" { span.unseen { (head) } }
                        @for cell in firsts() {
                            th scope="col" data-variant=[variant_of(cell, names)] {
                                @match cell {
                                    Cell::Text(text) => { (text) },
                                    Cell::Number(value) => { (number(*value, first_unit(table))) },
                                    Cell::Absent => { "–" },
                                }
                            }
                        }
                    }
                }
                tbody {
                    @for (at, column) in table.columns.iter().enumerate().skip(1) {
                        tr {
                            th scope="row" {
                                (column.title)
                                @if let Some(unit) = unit(column) { " " small { (unit) } }
                            }
                            @for row in &table.rows {
                                @let name = row.first().and_then(|cell| variant_of(cell, names));
                                (cell_of(row.get(at).unwrap_or(&Cell::Absent), column.unit, false, name))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn first_unit(table: &Table) -> Unit {
    table
        .columns
        .first()
        .map_or(Unit::Text, |column| column.unit)
}

/// Whether a column holds words, which are read from the left.
fn is_word(table: &Table, at: usize) -> bool {
    let mut cells = table.rows.iter().filter_map(|row| row.get(at));
    at > 0
        && cells.any(|cell| matches!(cell, Cell::Text(_)))
        && !cells.any(|cell| matches!(cell, Cell::Number(_)))
}

fn variant<'n>(text: &str, names: &'n [String]) -> Option<&'n str> {
    names.iter().find(|name| *name == text).map(String::as_str)
}

fn variant_of<'n>(cell: &Cell, names: &'n [String]) -> Option<&'n str> {
    match cell {
        Cell::Text(text) => variant(text, names),
        Cell::Number(_) | Cell::Absent => None,
    }
}

fn cell_of(cell: &Cell, unit: Unit, is_first: bool, variant: Option<&str>) -> Markup {
    // What the document cannot hold as a number is not shown as one.
    let cell = match cell {
        Cell::Number(value) if !value.is_finite() => &Cell::Absent,
        cell => cell,
    };
    match (cell, is_first) {
        (Cell::Text(text), true) => {
            html! { th.brief[is_brief(text)] scope="row" { (prose(text)) } }
        }
        (Cell::Text(text), false) => {
            html! { td.word.long[text.len() > LONG].brief[is_brief(text)] data-variant=[variant] { (prose(text)) } }
        }
        (Cell::Number(value), true) => html! {
            th scope="row" data-v=(value) data-u=(name(unit)) { (shown(unit, *value)) }
        },
        (Cell::Number(value), false) => html! {
            td data-variant=[variant] data-v=(value) data-u=(name(unit)) { (shown(unit, *value)) }
        },
        (Cell::Absent, true) => html! { th scope="row" { "–" } },
        (Cell::Absent, false) => html! { td.none data-variant=[variant] { "–" } },
    }
}

/// Whether a text is so short that no line breaks in it.
fn is_brief(text: &str) -> bool {
    const BRIEF: usize = 26;
    text.len() <= BRIEF
}

/// A number with its raw value.
pub(super) fn number(value: f64, unit: Unit) -> Markup {
    html! { span data-v=(value) data-u=(name(unit)) { (shown(unit, value)) } }
}

/// What the head of a column has to add to its cells, which carry most units themselves.
fn per(column: &Column) -> Option<&'static str> {
    let title = column.title.to_lowercase();
    let word = match column.unit {
        Unit::UsdPerMonth => ("month", "a month"),
        Unit::Tokens => ("token", "tokens"),
        Unit::TokensPerMinute => ("token", "tokens a minute"),
        _ => return None,
    };
    // What the title says need not be said again.
    (!title.contains(word.0)).then_some(word.1)
}

/// The unit's name in the document.
pub(super) fn name(unit: Unit) -> &'static str {
    match unit {
        Unit::Number => "number",
        Unit::Count => "count",
        Unit::Share => "share",
        Unit::Millis => "millis",
        Unit::Seconds => "seconds",
        Unit::Hours => "hours",
        Unit::Months => "months",
        Unit::PerSecond => "per_second",
        Unit::Tokens => "tokens",
        Unit::TokensPerMinute => "tokens_per_minute",
        Unit::Usd => "usd",
        Unit::UsdPerMonth => "usd_per_month",
        Unit::Text => "text",
    }
}
