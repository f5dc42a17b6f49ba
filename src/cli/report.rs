//! `bedload report`: results as a page, as Markdown with pictures, or as data.

use super::args::{ReportArgs, ReportFormat};
use super::exit::Exit;
use super::inputs::Stopped;
use super::simulate::stopped;
use super::term::{data, talk};
use crate::report::{self, FolderError, FolderFiles, REPORT_PAGE, ResultFolder};
use crate::results::report::{Block, Figure, Report};
use crate::store::{ResultError, RunFolder, read_result, write_file};
use std::error::Error;
use std::path::{Path, PathBuf};

/// The folder of a Markdown report beside its result.
const MARKDOWN_FOLDER: &str = "report";
/// The size of PNG pictures over that of SVG ones, for screens with fine pixels.
const PNG_SCALE: f64 = 2.0;

/// Runs the verb.
pub fn run(args: &ReportArgs) -> Exit {
    report(args).unwrap_or_else(|stopped| stopped)
}

fn report(args: &ReportArgs) -> Result<Exit, Stopped> {
    let read = |path: &PathBuf| read_result(path).map_err(|error| refused(path, &error));
    let results: Vec<ResultFolder> = args.results.iter().map(read).collect::<Result<_, _>>()?;
    let report = report::document(&results);
    match args.format {
        ReportFormat::Html => page(args, &report),
        ReportFormat::Markdown => markdown(args, &report),
        ReportFormat::Json => json(args, &report),
    }
}

/// Says why a folder cannot be reported on.
fn refused(path: &Path, error: &ResultError) -> Stopped {
    talk(&format!(
        "error: cannot report on `{}`: {error}\n  help: {}",
        path.display(),
        error.help()
    ));
    match error {
        ResultError::NotThere { .. } | ResultError::Content(FolderError::NoResult) => {
            Exit::InvalidFile
        }
        _ => Exit::Unreadable,
    }
}

/// Where a report goes that nobody gave a place: into the folder of its result, or here if there are
/// several.
fn beside(args: &ReportArgs, name: &str) -> PathBuf {
    match args.results.as_slice() {
        [one] if one.is_dir() => one.join(name),
        [one] => one.with_file_name(name),
        _ => PathBuf::from(name),
    }
}

/// The file that `--out` means, which may name a folder.
fn file(args: &ReportArgs, name: &str) -> PathBuf {
    let Some(out) = &args.out else {
        return beside(args, name);
    };
    let ends_with_slash = out.to_string_lossy().ends_with(['/', '\\']);
    if out.is_dir() || ends_with_slash || out.extension().is_none() {
        out.join(name)
    } else {
        out.clone()
    }
}

fn page(args: &ReportArgs, report: &Report) -> Result<Exit, Stopped> {
    let path = file(args, REPORT_PAGE);
    write(&path, report::page(report).as_bytes())?;
    Ok(said(args, &path))
}

fn markdown(args: &ReportArgs, report: &Report) -> Result<Exit, Stopped> {
    let folder = match &args.out {
        Some(out) => out.clone(),
        None => beside(args, MARKDOWN_FOLDER),
    };
    for figure in figures(report) {
        let place = folder.join("figures");
        let name = |extension: &str| place.join(format!("{}.{extension}", figure.id));
        write(&name("svg"), report::figure::svg_file(figure).as_bytes())?;
        write(&name("png"), &report::figure::png(figure, PNG_SCALE))?;
    }
    // The text comes last: where it is, its pictures are.
    let text = report::report_markdown(report, &|figure| format!("figures/{}.svg", figure.id));
    let path = folder.join("report.md");
    write(&path, text.as_bytes())?;
    Ok(said(args, &path))
}

fn figures(report: &Report) -> impl Iterator<Item = &Figure> {
    let blocks = report.sections.iter().flat_map(|section| &section.blocks);
    blocks.filter_map(|block| match block {
        Block::Figure(figure) => Some(figure),
        _ => None,
    })
}

fn json(args: &ReportArgs, report: &Report) -> Result<Exit, Stopped> {
    let text = report.to_json();
    if args.out.is_none() {
        return Ok(data(&text));
    }
    let path = file(args, "report.json");
    write(&path, text.as_bytes())?;
    Ok(said(args, &path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Stopped> {
    write_file(path, bytes).map_err(|error| stopped(&error))
}

fn said(args: &ReportArgs, path: &Path) -> Exit {
    if args.quiet {
        return Exit::Met;
    }
    data(&format!("report in {}\n", path.display()))
}

/// Leaves the page of a run in its folder, out of the very texts that it leaves as results.
pub(super) fn leave(
    folder: &RunFolder,
    partial: bool,
    files: FolderFiles<'_>,
) -> Result<(), Box<dyn Error>> {
    let manifest = folder.manifest(partial).to_json();
    let files = FolderFiles {
        manifest: Some(&manifest),
        ..files
    };
    let result = ResultFolder::read(&folder.path().display().to_string(), files)?;
    let page = report::page(&report::document(&[result]));
    Ok(folder.write(REPORT_PAGE, page.as_bytes())?)
}
