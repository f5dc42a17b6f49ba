//! The view as text for a terminal. Colour is decoration: without it nothing is missing.

use super::number::{NONE, sparkline};
use super::view::View;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table};
use owo_colors::OwoColorize as _;

/// How the terminal looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour.
    pub color: bool,
    /// Characters in a line.
    pub width: u16,
}

/// The view as lines of text.
pub fn terminal(view: &View, style: Style) -> String {
    let mut lines: Vec<String> = Vec::new();
    lines.push(heading(&view.title, style));
    if !view.question.is_empty() {
        lines.extend(wrapped(&view.question, "", style.width));
    }
    lines.push(String::new());
    figures(view, style, &mut lines);
    courses(view, style, &mut lines);
    workloads(view, style, &mut lines);
    let of_search = view.sections.iter();
    let mut parts: Vec<(&str, &Vec<String>)> = of_search
        .map(|one| (one.title.as_str(), &one.lines))
        .collect();
    parts.extend([
        ("Break-even", &view.break_even),
        ("Warnings", &view.warnings),
        ("Notes", &view.notes),
    ]);
    for (title, texts) in parts {
        if texts.is_empty() {
            continue;
        }
        lines.push(heading(title, style));
        for text in texts {
            lines.extend(wrapped(text, "  ", style.width));
        }
        lines.push(String::new());
    }
    for text in &view.footer {
        lines.extend(wrapped(text, "", style.width));
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn heading(text: &str, style: Style) -> String {
    if style.color {
        text.bold().to_string()
    } else {
        text.to_owned()
    }
}

fn table(columns: usize, texts: usize, width: u16) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.force_no_tty();
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width);
    table.set_header(vec![""; columns]);
    for index in texts..columns {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// The narrowest column in which figures of a variant read well.
const COLUMN_WIDTH: usize = 15;

/// The figures, in as many tables below each other as the width asks for.
fn figures(view: &View, style: Style, lines: &mut Vec<String>) {
    let rows = view.groups.iter().flat_map(|group| &group.rows);
    let labels = rows
        .map(|row| row.label.chars().count() + 3)
        .max()
        .unwrap_or(0);
    let room = usize::from(style.width).saturating_sub(labels) / (COLUMN_WIDTH + 2);
    let variants: Vec<usize> = (0..view.variants.len()).collect();
    // Tables of equal size look better than a full one and a rest.
    let tables = variants.len().div_ceil(room.max(1)).max(1);
    for columns in variants.chunks(variants.len().div_ceil(tables).max(1)) {
        some_figures(view, columns, style, lines);
    }
}

/// The figures of some variants side by side.
fn some_figures(view: &View, variants: &[usize], style: Style, lines: &mut Vec<String>) {
    let mut table = table(variants.len() + 1, 1, style.width);
    let mut header = vec![String::new()];
    header.extend(variants.iter().map(|&i| view.variants[i].clone()));
    table.set_header(header);
    for group in &view.groups {
        if group.rows.is_empty() {
            continue;
        }
        table.add_row(vec![group.title.clone()]);
        for row in &group.rows {
            // A figure that only variants of another table have would be an empty line here.
            if variants.iter().all(|&i| row.cells[i] == NONE) {
                continue;
            }
            let mut cells = vec![format!("  {}", row.label)];
            cells.extend(variants.iter().map(|&i| row.cells[i].clone()));
            table.add_row(cells);
        }
    }
    if let Some(labels) = table.column_mut(0) {
        labels.set_constraint(ColumnConstraint::ContentWidth);
    }
    let titles: Vec<&str> = view
        .groups
        .iter()
        .map(|group| group.title.as_str())
        .collect();
    for line in table.trim_fmt().lines() {
        let is_title = titles.contains(&line.trim());
        lines.push(decorated(line, is_title, style));
    }
    lines.push(String::new());
}

fn decorated(line: &str, is_title: bool, style: Style) -> String {
    if !style.color {
        return line.to_owned();
    }
    if is_title {
        return line.bold().to_string();
    }
    if line.trim_start().starts_with("verdict") {
        let missed = line.replace("missed", &"missed".red().to_string());
        return missed.replace(" met", &format!(" {}", "met".green()));
    }
    line.to_owned()
}

fn courses(view: &View, style: Style, lines: &mut Vec<String>) {
    if view.course.is_empty() {
        return;
    }
    lines.push(heading("Over time", style));
    let wide = |of: fn(&super::view::CourseLine) -> &str| {
        view.course.iter().map(|one| of(one).chars().count()).max()
    };
    let label = wide(|one| &one.label).unwrap_or(0);
    let peak = wide(|one| &one.peak).unwrap_or(0);
    let room = usize::from(style.width)
        .saturating_sub(label + peak + 6)
        .max(10);
    for one in &view.course {
        let bars = sparkline(&one.values, one.largest, room);
        lines.push(format!("  {:label$}  {bars}  {}", one.label, one.peak));
    }
    lines.push(String::new());
}

fn workloads(view: &View, style: Style, lines: &mut Vec<String>) {
    if view.workloads.is_empty() {
        return;
    }
    lines.push(heading("Workloads", style));
    let columns = View::WORKLOAD_COLUMNS;
    let mut table = table(columns.len(), 2, style.width);
    table.set_header(columns.to_vec());
    for row in &view.workloads {
        table.add_row(row.cells.clone());
    }
    lines.extend(table.trim_fmt().lines().map(str::to_owned));
    lines.push(String::new());
}

/// The text in lines of at most `width`, broken at spaces.
fn wrapped(text: &str, indent: &str, width: u16) -> Vec<String> {
    let mut lines = vec![indent.to_owned()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a first line");
        let is_start = line.len() == indent.len();
        // Two places are kept free for a percent sign, which stays with its number.
        let is_long = line.chars().count() + 1 + word.chars().count() + 2 > usize::from(width);
        if !is_start && is_long && !word.starts_with('%') {
            lines.push(format!("{indent}{word}"));
        } else {
            if !is_start {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
