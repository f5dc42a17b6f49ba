//! `bedload calibrate --twin`: a simulation beside the recorded run.

use super::args::{CalibrateArgs, Format};
use super::calibrate::{name_of, save, text_of};
use super::exit::Exit;
use super::inputs::{Stopped, folder_of};
use super::term::{Term, data, talk};
use crate::calibrate::twin::{recording, replayed, twin};
use crate::config::{ConfigError, Source};
use crate::profile::Catalogue;
use crate::report::{self, Style};
use crate::results::{Manifest, read_manifest};
use crate::scenario;
use crate::sim::assemble;
use std::path::{Path, PathBuf};

/// How often each variant is simulated.
const SIMULATIONS: u32 = 5;

/// Simulates what the run in `folder` recorded, and compares.
pub(super) fn check(
    args: &CalibrateArgs,
    term: Term,
    folder: &Path,
    known: &Catalogue,
) -> Result<Exit, Stopped> {
    let read = |name: &str| {
        text_of(&folder.join(name)).map_err(|error| {
            talk(&format!("error: {error}"));
            Exit::InvalidFile
        })
    };
    let manifest = read_manifest(&read("manifest.json")?).map_err(|error| {
        talk(&format!("error: `{}`: {error}", folder.display()));
        Exit::InvalidFile
    })?;
    let (recorded, bad) = recording(&read("attempts.jsonl")?);
    let invalid = |error: ConfigError| {
        talk(&error.render(usize::from(term.width), term.colour_errors));
        Exit::InvalidFile
    };
    let place = folder.join("manifest.json").display().to_string();
    let source = Source::new(place, manifest.resolved_scenario.as_str());
    let files = folder_of(&scenario_of(&manifest));
    let loaded = scenario::read(&source, &[], &files).map_err(invalid)?;
    let loaded = replayed(&loaded, &recorded);
    let book = known.latest_prices().expect("a price book is built in");
    let assembled = assemble(&loaded, known, book).map_err(invalid)?;
    let variants = assembled.into_iter().map(|one| (one.setup, one.context));
    let mut document = twin(
        &name_of(folder),
        &recorded,
        variants.collect(),
        manifest.seed,
        SIMULATIONS,
    );
    if bad > 0 {
        document
            .warnings
            .push(format!("{bad} lines of attempts.jsonl could not be read"));
    }
    save(&args.out.join("twin.json"), &document.to_json())?;
    save(
        &args.out.join("twin.md"),
        &report::twin::markdown(&document),
    )?;
    let style = Style {
        color: term.colour,
        width: term.width,
    };
    let text = match args.format {
        Format::Json => document.to_json(),
        Format::Markdown => report::twin::markdown(&document),
        Format::Text => report::twin::terminal(&document, style),
    };
    Ok(match data(&text) {
        Exit::Met if !document.agrees => Exit::Missed,
        exit => exit,
    })
}

/// The scenario file that the run was started with, beside which lie the files that it names.
fn scenario_of(manifest: &Manifest) -> PathBuf {
    let mut words = manifest.command.iter().map(PathBuf::from);
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|end| end == "toml");
    words.find(is_toml).unwrap_or_default()
}
