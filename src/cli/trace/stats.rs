//! `bedload trace stats`.

use super::{input, models};
use crate::cli::args::{Format, StatsArgs};
use crate::cli::exit::Exit;
use crate::cli::inputs::Stopped;
use crate::cli::term::{Term, data, talk};
use crate::load::trace::Recorded;
use crate::profile::Catalogue;
use crate::report::figure::svg_file;
use crate::report::{Style, traffic as report};
use crate::results::traffic::TraceStats;
use crate::traffic::{ScenarioOptions, StatsOptions, scenario, stats};
use std::fs;
use std::path::Path;

/// Runs the verb.
pub fn run(args: &StatsArgs) -> Exit {
    let term = Term::new(args.quiet, args.no_color);
    describe(args, term).unwrap_or_else(|stopped| stopped)
}

fn describe(args: &StatsArgs, term: Term) -> Result<Exit, Stopped> {
    let recorded = input::read(&args.input)?;
    let catalogue = Catalogue::builtin();
    let options = StatsOptions {
        max_tokens: args.max_tokens,
        burndown: burndown(&recorded, &catalogue, args.burndown),
        burndown_default: args.burndown,
    };
    let source = args.input.file.display().to_string();
    let found = stats(&recorded, &source, &options);
    if let Some(out) = &args.scenario {
        write_scenario(&recorded, args, &catalogue, out, term)?;
    }
    if let Some(folder) = &args.plots {
        draw(&found, folder, term)?;
    }
    let style = Style {
        color: term.colour,
        width: term.width,
    };
    Ok(data(&match args.format {
        Format::Json => found.to_json(),
        Format::Markdown => report::markdown(&found),
        Format::Text => report::terminal(&found, style),
    }))
}

/// Draws the pictures into `folder`.
fn draw(found: &TraceStats, folder: &Path, term: Term) -> Result<(), Stopped> {
    let refused = |error: std::io::Error| {
        talk(&format!(
            "error: cannot write into `{}`: {error}",
            folder.display()
        ));
        Exit::Unexpected
    };
    fs::create_dir_all(folder).map_err(refused)?;
    for figure in report::figures(found) {
        let path = folder.join(format!("{}.svg", figure.id));
        fs::write(&path, svg_file(&figure)).map_err(refused)?;
        if !term.quiet {
            talk(&format!("wrote {}", path.display()));
        }
    }
    Ok(())
}

/// Tokens of quota per output token, by the models of the log.
fn burndown(recorded: &Recorded, catalogue: &Catalogue, otherwise: u64) -> Vec<u64> {
    let rate = |name: &String| models::known(catalogue, name).map_or(otherwise, |one| one.burndown);
    recorded.models.iter().map(rate).collect()
}

fn write_scenario(
    recorded: &Recorded,
    args: &StatsArgs,
    catalogue: &Catalogue,
    out: &Path,
    term: Term,
) -> Result<(), Stopped> {
    let known = |name: &String| models::known(catalogue, name).map(|one| one.name.clone());
    let stem = out
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let options = ScenarioOptions {
        name: stem,
        source: args.input.file.display().to_string(),
        models: recorded.models.iter().map(known).collect(),
        model: args.model.clone(),
        max_tokens: args.max_tokens,
    };
    let text = scenario(recorded, &options).map_err(|why| {
        talk(&format!("error: no scenario can be made of it: {why}"));
        Exit::InvalidFile
    })?;
    fs::write(out, text).map_err(|error| {
        talk(&format!("error: cannot write `{}`: {error}", out.display()));
        Exit::Unexpected
    })?;
    if !term.quiet {
        talk(&format!("wrote {}: try `bedload check {0}`", out.display()));
    }
    Ok(())
}
