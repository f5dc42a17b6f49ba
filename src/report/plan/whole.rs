//! The whole of a plan for people: the verdicts first, then each variant section by section.

use super::super::markdown::escaped;
use super::super::page::page_in;
use super::super::terminal::{Style, heading, wrapped};
use super::{bill, cash, decision, demand, levers, quota, sensitivity, verification};
use crate::results::plan::{PlanSummary, PlanVariant};
use std::fmt::Write as _;

/// The plan as lines of text; `folder` is where it was written.
pub fn terminal(plan: &PlanSummary, style: Style, folder: &str) -> String {
    let mut lines = vec![heading(&plan.scenario, style)];
    if !plan.description.is_empty() {
        lines.extend(wrapped(&plan.description, "", style.width));
    }
    lines.push(String::new());
    for sentence in &plan.verdict {
        lines.extend(wrapped(sentence, "", style.width));
    }
    lines.push(String::new());
    let named = plan.variants.len() > 1;
    for variant in &plan.variants {
        if named {
            lines.push(heading(&title(variant), style));
            lines.push(String::new());
        }
        of_variant(variant, style, &mut lines);
    }
    list("Notes", &plan.notes, style, &mut lines);
    lines.extend(wrapped(&footer(plan), "", style.width));
    lines.push(format!("plan in {folder}"));
    lines.push(page_in(folder));
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn of_variant(variant: &PlanVariant, style: Style, lines: &mut Vec<String>) {
    if let Some(part) = &variant.levers {
        levers::terminal(part, style, lines);
    }
    for pool in &variant.pools {
        decision::terminal(&pool.decision, style, lines);
        if let Some(part) = &pool.within_quota {
            decision::terminal_within(part, style, lines);
        }
        if let Some(part) = &pool.verification {
            verification::terminal(part, style, lines);
        }
        sensitivity::terminal(&pool.sensitivity, style, lines);
    }
    demand::terminal(&variant.demand, style, lines);
    quota::terminal(&variant.quotas, style, lines);
    bill::terminal(&variant.bill, style, lines);
    cash::terminal(&variant.cash, style, lines);
    list("Warnings", &variant.warnings, style, lines);
    list("Remarks", &variant.notes, style, lines);
    list("Assumptions", &assumptions(variant), style, lines);
}

fn list(title: &str, texts: &[String], style: Style, lines: &mut Vec<String>) {
    if texts.is_empty() {
        return;
    }
    lines.push(heading(title, style));
    for text in texts {
        lines.extend(wrapped(text, "  ", style.width));
    }
    lines.push(String::new());
}

/// The plan as Markdown.
pub fn markdown(plan: &PlanSummary, folder: Option<&str>) -> String {
    let mut text = format!("# {}\n\n", plan.scenario);
    if !plan.description.is_empty() {
        let _ = write!(text, "{}\n\n", plan.description);
    }
    for sentence in &plan.verdict {
        let _ = writeln!(text, "- **{}**", escaped(sentence));
    }
    text.push('\n');
    for variant in &plan.variants {
        let _ = write!(text, "# {}\n\n", title(variant));
        if let Some(part) = &variant.levers {
            levers::markdown(part, &mut text);
        }
        for pool in &variant.pools {
            decision::markdown(&pool.decision, &mut text);
            if let Some(part) = &pool.within_quota {
                decision::markdown_within(part, &mut text);
            }
            if let Some(part) = &pool.verification {
                verification::markdown(part, &mut text);
            }
            sensitivity::markdown(&pool.sensitivity, &mut text);
        }
        demand::markdown(&variant.demand, &mut text);
        quota::markdown(&variant.quotas, &mut text);
        bill::markdown(&variant.bill, &mut text);
        cash::markdown(&variant.cash, &mut text);
        let lists = [
            ("Warnings", variant.warnings.clone()),
            ("Remarks", variant.notes.clone()),
            ("Assumptions", assumptions(variant)),
        ];
        for (title, items) in lists {
            points(title, &items, &mut text);
        }
    }
    points("Notes", &plan.notes, &mut text);
    let _ = writeln!(text, "{}", footer(plan));
    if let Some(folder) = folder {
        let _ = writeln!(text, "\nplan in {folder}");
    }
    text
}

fn points(title: &str, items: &[String], text: &mut String) {
    if items.is_empty() {
        return;
    }
    let _ = write!(text, "## {title}\n\n");
    for item in items {
        let _ = writeln!(text, "- {}", escaped(item));
    }
    text.push('\n');
}

/// The figures that AWS asks for with a request for more quota, as Markdown; `None` if all quotas will do.
pub fn quota_request(plan: &PlanSummary) -> Option<String> {
    let mut text = String::new();
    for variant in &plan.variants {
        let sheets: Vec<String> = variant.quotas.iter().filter_map(quota::sheet).collect();
        if sheets.is_empty() {
            continue;
        }
        let _ = write!(text, "# {}, {}\n\n", plan.scenario, title(variant));
        text.extend(sheets);
    }
    (!text.is_empty()).then_some(text)
}

fn title(variant: &PlanVariant) -> String {
    format!("{}: {}", variant.name, variant.mode)
}

fn assumptions(variant: &PlanVariant) -> Vec<String> {
    let all = variant.assumptions.iter();
    all.map(|one| format!("{} = {}: {}", one.name, one.value, one.why))
        .collect()
}

fn footer(plan: &PlanSummary) -> String {
    let first = plan.variants.first();
    let paths = first.map_or(0, |variant| variant.paths);
    let engine = &plan.engine;
    format!(
        "seed {}, {paths} paths of demand; {} runs simulated, {:.1} s, {} threads",
        plan.seed, engine.runs, engine.wall_s, engine.threads
    )
}
