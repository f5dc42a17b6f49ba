//! `bedload check`: is the scenario valid, does the load fit, what will it cost?

use super::args::{CheckArgs, Format};
use super::exit::Exit;
use super::inputs::{Prepared, Stopped, catalogue, prepare, price_book};
use super::term::{Term, data};
use crate::plan::preview::{Preview, preview};
use crate::profile::Catalogue;
use crate::report::check::{CheckStyle, json, terminal};
use crate::report::figures;
use std::fmt::Write;

/// Runs the verb: every scenario is checked, and the worst finding decides the exit code.
pub fn run(args: &CheckArgs) -> Exit {
    let term = Term::new(args.shared.quiet, args.shared.no_color);
    check(args, term).unwrap_or_else(|stopped| stopped)
}

fn check(args: &CheckArgs, term: Term) -> Result<Exit, Stopped> {
    let catalogue = catalogue(&args.shared, term)?;
    let book = price_book(&catalogue, &args.shared)?;
    let mut worst = Exit::Met;
    let mut separator = "";
    for path in &args.scenarios {
        match prepare(path, &args.shared, &[], &catalogue, book, term) {
            Ok(prepared) => {
                let text = show(args, &prepared, &catalogue, &book.name, term);
                worst = worst.max(data(&format!("{separator}{text}")));
                if args.shared.format != Format::Json {
                    separator = "\n";
                }
            }
            Err(stopped) => worst = worst.max(stopped),
        }
    }
    Ok(worst)
}

fn show(
    args: &CheckArgs,
    prepared: &Prepared,
    catalogue: &Catalogue,
    book: &str,
    term: Term,
) -> String {
    let scenario = &prepared.loaded.scenario;
    let previews: Vec<(String, Preview)> = prepared
        .assembled
        .iter()
        .map(|one| {
            let preview = preview(one, scenario.seed).with_sources(catalogue);
            (one.context.name.clone(), preview)
        })
        .collect();
    let mut models: Vec<&str> = prepared
        .assembled
        .iter()
        .flat_map(|one| &one.context.workloads)
        .map(|workload| workload.model.as_str())
        .collect();
    models.sort_unstable();
    models.dedup();
    let resolved = toml::to_string(&scenario.resolved).unwrap_or_default();
    match args.shared.format {
        Format::Json => {
            let mut document = json(&scenario.name, scenario.seed, &previews);
            document["figures"] = figures::document(catalogue, &models, book);
            document["resolved"] = serde_json::to_value(&scenario.resolved).unwrap_or_default();
            // Several scenarios make one document a line, which every JSON reader of streams takes.
            let text = if args.scenarios.len() > 1 {
                serde_json::to_string(&document)
            } else {
                serde_json::to_string_pretty(&document)
            };
            text.unwrap_or_default() + "\n"
        }
        Format::Text | Format::Markdown => {
            let is_markdown = args.shared.format == Format::Markdown;
            let style = CheckStyle {
                width: term.width,
                color: term.colour && !is_markdown,
            };
            let table = terminal(&scenario.name, &previews, style);
            let fence = |open: &str| {
                if is_markdown {
                    format!("```{open}\n")
                } else {
                    String::new()
                }
            };
            let mut text = String::new();
            if !args.brief {
                // It comes first, so that the findings are what stands at the prompt.
                let (open, close) = (fence("toml"), fence(""));
                let _ = write!(text, "Resolved scenario\n\n{open}{resolved}{close}\n");
                let used = figures::terminal(catalogue, &models, book, term.width);
                let _ = writeln!(text, "{}{used}{}", fence("text"), fence(""));
            }
            let _ = write!(text, "{}{table}{}", fence("text"), fence(""));
            text
        }
    }
}
