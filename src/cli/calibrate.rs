//! `bedload calibrate`: latency profiles from measurements, and a simulation beside the run it tells of.

use super::args::{CalibrateArgs, Format};
use super::exit::Exit;
use super::inputs::{Stopped, catalogue_of};
use super::simulate::{now, stopped};
use super::term::{Term, data, talk};
use crate::calibrate::{
    Calibrated, Calibration, Samples, SourceError, Start, attempts, calibrate, columns,
    csv_samples, records,
};
use crate::load::trace::{TraceFormat, read_records};
use crate::profile::{Catalogue, ProfileKind};
use crate::report::{self, Style};
use crate::results::calibration::CalibrationSource;
use crate::results::read_manifest;
use std::fs;
use std::path::Path;

/// Runs the verb.
pub fn run(args: &CalibrateArgs) -> Exit {
    let term = Term::new(args.quiet, args.no_color);
    verb(args, term).unwrap_or_else(|stopped| stopped)
}

fn verb(args: &CalibrateArgs, term: Term) -> Result<Exit, Stopped> {
    let known = catalogue_of(&args.profiles, term)?;
    if args.sources.is_empty() {
        if let Some(run) = &args.twin {
            return super::twin::check(args, term, run, &known);
        }
        talk(
            "error: nothing to calibrate from\n  help: name run folders, logs or CSV files, or a run with `--twin`",
        );
        return Err(Exit::Usage);
    }
    let (samples, sources) = read_all(args)?;
    let found = calibrate(&Calibration {
        samples: &samples,
        sources,
        catalogue: &known,
        start: start(args, &known)?,
        model: args.model.clone(),
        profile: args.name.clone(),
        source: source_words(args),
        as_of: as_of(args, &samples),
        command: args.command.clone().unwrap_or_default(),
    });
    let found = write(args, found)?;
    let Some(run) = &args.twin else {
        return Ok(print(args, term, &found));
    };
    let mut folders = args.profiles.clone();
    if !found.profiles.is_empty() {
        folders.push(args.out.clone());
    }
    // One document goes to stdout: the twin, which rests on the profiles.
    super::twin::check(args, term, run, &catalogue_of(&folders, term)?)
}

fn start(args: &CalibrateArgs, known: &Catalogue) -> Result<Start, Stopped> {
    match args.start.as_deref() {
        None => Ok(Start::OfModel),
        Some("none") => Ok(Start::Nothing),
        Some(name) => match known.latency(name) {
            Ok(_) => Ok(Start::Named(name.to_owned())),
            Err(unknown) => {
                talk(&format!("error: {unknown}\n  help: {}", unknown.help()));
                Err(Exit::Usage)
            }
        },
    }
}

fn source_words(args: &CalibrateArgs) -> String {
    let names = args.sources.iter().map(|path| name_of(path));
    let names: Vec<String> = names.collect();
    let own = || format!("own measurements: {}", names.join(", "));
    args.source.clone().unwrap_or_else(own)
}

/// The last part of a path: a profile should not tell where its owner keeps files.
pub(super) fn name_of(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| path.display().to_string())
}

/// The day of the last measurement, or of today.
fn as_of(args: &CalibrateArgs, samples: &Samples) -> String {
    if let Some(day) = &args.as_of {
        return day.clone();
    }
    let last = samples.rows.iter().filter_map(|row| row.at_us).max();
    let dated = last.filter(|_| samples.dated && samples.is_timed());
    let day = dated
        .and_then(|us| u64::try_from(us / 1_000_000).ok())
        .map(|seconds| {
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            humantime::format_rfc3339_seconds(at).to_string()
        });
    day.unwrap_or_else(|| now().0).chars().take(10).collect()
}

fn read_all(args: &CalibrateArgs) -> Result<(Samples, Vec<CalibrationSource>), Stopped> {
    let mut all = Samples::new();
    let mut sources = Vec::new();
    if !args.columns.is_empty() && ![1, args.sources.len()].contains(&args.columns.len()) {
        talk(&format!(
            "error: {} sources and {} maps of columns\n  help: give one `--columns` for all sources, or one \
             for each",
            args.sources.len(),
            args.columns.len()
        ));
        return Err(Exit::Usage);
    }
    for (index, path) in args.sources.iter().enumerate() {
        let map = args.columns.get(index).or(args.columns.first());
        let (kind, samples) = read_one(path, map.map(String::as_str)).map_err(|error| {
            talk(&format!("error: `{}`: {error}", path.display()));
            Exit::InvalidFile
        })?;
        sources.push(CalibrationSource {
            name: name_of(path),
            kind: kind.to_owned(),
            rows: samples.rows.len() as u64,
        });
        all.add(samples);
    }
    Ok((all, sources))
}

fn read_one(path: &Path, map: Option<&str>) -> Result<(&'static str, Samples), SourceError> {
    if path.is_dir() {
        return run_folder(path).map(|samples| ("run", samples));
    }
    if let Some(map) = map {
        let map = columns(map)?;
        let bytes = bytes_of(path)?;
        return csv_samples(&bytes, &map).map(|samples| ("csv", samples));
    }
    let bytes = bytes_of(path)?;
    let name = name_of(path);
    match TraceFormat::detect(&name, &bytes) {
        Some(TraceFormat::Attempts) => {
            attempts(&text_of(path)?, None, None).map(|samples| ("attempts", samples))
        }
        None | Some(TraceFormat::Csv | TraceFormat::Jsonl) => Err(SourceError {
            message: "what kind of file it is cannot be told".to_owned(),
            help: "say which columns of a CSV file hold what, with `--columns`".to_owned(),
        }),
        Some(format) => {
            let recorded =
                read_records(format, None, bytes.as_slice()).map_err(|error| SourceError {
                    message: error.to_string(),
                    help: "`bedload trace import` tells more of such files".to_owned(),
                })?;
            Ok(("records", records(&recorded)))
        }
    }
}

/// The attempts of a run, with what its other files say of them.
fn run_folder(path: &Path) -> Result<Samples, SourceError> {
    let summary = text_of(&path.join("summary.json"))?;
    let manifest = text_of(&path.join("manifest.json"))?;
    let manifest = read_manifest(&manifest).map_err(|error| SourceError {
        message: error.to_string(),
        help: "name the folder of a run".to_owned(),
    })?;
    let lines = text_of(&path.join("attempts.jsonl"))?;
    attempts(&lines, Some(&summary), Some(&manifest.started_at))
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, SourceError> {
    fs::read(path).map_err(|error| SourceError {
        message: format!("cannot read `{}`: {error}", path.display()),
        help: "name run folders with attempts.jsonl in them (`simulate --attempts` leaves one), or CSV files \
               with `--columns`"
            .to_owned(),
    })
}

pub(super) fn text_of(path: &Path) -> Result<String, SourceError> {
    String::from_utf8(bytes_of(path)?).map_err(|_| SourceError {
        message: format!("`{}` is not UTF-8", path.display()),
        help: "save the file as UTF-8".to_owned(),
    })
}

/// Writes the profiles and the document, and notes in it where they are.
fn write(args: &CalibrateArgs, mut found: Calibrated) -> Result<Calibrated, Stopped> {
    let folder = args.out.join(ProfileKind::Latency.folder());
    for profile in &found.profiles {
        let path = folder.join(format!("{}.toml", profile.name));
        save(&path, &profile.text)?;
        found.document.groups[profile.group].file = Some(path.display().to_string());
    }
    save(
        &args.out.join("calibration.json"),
        &found.document.to_json(),
    )?;
    let page = report::calibration::markdown(&found.document, None);
    save(&args.out.join("calibration.md"), &page)?;
    Ok(found)
}

/// Writes a file and the folders above it.
pub(super) fn save(path: &Path, text: &str) -> Result<(), Stopped> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text)).map_err(|error| {
        stopped(&format!(
            "cannot write `{}`: {error}; choose another folder with `--out DIR`",
            path.display()
        ))
    })
}

fn print(args: &CalibrateArgs, term: Term, found: &Calibrated) -> Exit {
    let place = args.out.display().to_string();
    let style = Style {
        color: term.colour,
        width: term.width,
    };
    let document = &found.document;
    let text = match args.format {
        Format::Json => document.to_json(),
        Format::Markdown => report::calibration::markdown(document, Some(&place)),
        Format::Text => report::calibration::terminal(document, style, Some(&place)),
    };
    match data(&text) {
        Exit::Met if !document.fitted => Exit::Missed,
        exit => exit,
    }
}
