//! The view as Markdown.

use super::number::sparkline;
use super::view::View;
use std::fmt::Write;

/// Bars of one line over time.
const BARS: usize = 60;

/// The view as Markdown.
pub fn markdown(view: &View) -> String {
    let mut text = format!("# {}\n\n", view.title);
    if !view.question.is_empty() {
        text.push_str(&view.question);
        text.push_str("\n\n");
    }
    let mut header = vec![String::new()];
    header.extend(view.variants.iter().cloned());
    let mut rows = Vec::new();
    for group in &view.groups {
        if group.rows.is_empty() {
            continue;
        }
        let mut title = vec![format!("**{}**", escaped(&group.title))];
        title.resize(header.len(), String::new());
        rows.push(title);
        for row in &group.rows {
            let mut cells = vec![escaped(row.label.trim())];
            cells.extend(row.cells.iter().map(|cell| escaped(cell)));
            rows.push(cells);
        }
    }
    table(&header, 1, &rows, &mut text);
    if !view.course.is_empty() {
        text.push_str("## Over time\n\n```text\n");
        let wide = view
            .course
            .iter()
            .map(|one| one.label.chars().count())
            .max();
        let label = wide.unwrap_or(0);
        for one in &view.course {
            let bars = sparkline(&one.values, one.largest, BARS);
            let _ = writeln!(text, "{:label$}  {bars}  {}", one.label, one.peak);
        }
        text.push_str("```\n\n");
    }
    if !view.workloads.is_empty() {
        text.push_str("## Workloads\n\n");
        let header = View::WORKLOAD_COLUMNS.map(str::to_owned);
        let rows: Vec<Vec<String>> = view
            .workloads
            .iter()
            .map(|row| row.cells.iter().map(|cell| escaped(cell)).collect())
            .collect();
        table(&header, 2, &rows, &mut text);
    }
    let of_search = view.sections.iter();
    let mut lists: Vec<(&str, &Vec<String>)> = of_search
        .map(|one| (one.title.as_str(), &one.lines))
        .collect();
    lists.extend([
        ("Break-even", &view.break_even),
        ("Warnings", &view.warnings),
        ("Notes", &view.notes),
        ("About this run", &view.footer),
    ]);
    for (title, items) in lists {
        if items.is_empty() {
            continue;
        }
        let _ = write!(text, "## {title}\n\n");
        for item in items {
            let _ = writeln!(text, "- {item}");
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn table(header: &[String], texts: usize, rows: &[Vec<String>], text: &mut String) {
    let mut line = |cells: &[String]| {
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
    let header: Vec<String> = header.iter().map(|cell| escaped(cell)).collect();
    line(&header);
    let rule: Vec<String> = (0..header.len())
        .map(|index| if index < texts { "---" } else { "---:" }.to_owned())
        .collect();
    line(&rule);
    for row in rows {
        line(row);
    }
    text.push('\n');
}

fn escaped(cell: &str) -> String {
    cell.replace('|', "\\|").replace(['\n', '\r'], " ")
}
