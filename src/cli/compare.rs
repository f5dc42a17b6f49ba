//! `bedload compare`: the regression gate.

use super::args::{Format, Shared};
use super::compare_args::CompareArgs;
use super::exit::Exit;
use super::inputs::Stopped;
use super::simulate::{now, stopped};
use super::term::{Term, data, talk};
use crate::compare::{self, FolderText, assertion, history};
use crate::report::{self, Style};
use crate::results::compare::{CompareSummary, GateSettings, Verdict};
use crate::results::{Baseline, RunKind, read_baseline, read_manifest, read_summary};
use crate::store::write_file;
use std::fmt::Display;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where baselines lie that are named without a path.
const BASELINES: &str = "results/baselines";
/// Runs on each side for which noise is measured unless told otherwise.
const RUNS: usize = 5;

/// Runs the verb.
pub fn run(args: &CompareArgs) -> Exit {
    let term = Term::new(args.quiet, args.no_color);
    verb(args, term).unwrap_or_else(|stopped| stopped)
}

fn verb(args: &CompareArgs, term: Term) -> Result<Exit, Stopped> {
    let gate = gate(args)?;
    let document = if args.history {
        over_time(args, &gate)?
    } else if args.update_baseline {
        update(args, &gate)?
    } else if args.calibrate {
        calibrated(args, &gate)?
    } else {
        judged(args, &gate)?
    };
    print(args, term, &document)
}

fn gate(args: &CompareArgs) -> Result<GateSettings, Stopped> {
    if args.detect < args.threshold {
        return Err(usage(
            "`--detect` is below `--threshold`",
            "a change that does not matter need not be seen: make `--detect` larger, or `--threshold` smaller",
        ));
    }
    let default = compare::default_gate();
    Ok(GateSettings {
        alpha: args.alpha,
        power: args.power,
        threshold: args.threshold,
        detect: args.detect,
        share_threshold: args.detect_share / 3.0,
        share_detect: args.detect_share,
        metrics: if args.metrics.is_empty() {
            default.metrics
        } else {
            args.metrics.clone()
        },
    })
}

fn usage(message: &str, help: &str) -> Stopped {
    talk(&format!("error: {message}\n  help: {help}"));
    Exit::Usage
}

fn invalid(message: impl Display, help: impl Display) -> Stopped {
    talk(&format!("error: {message}\n  help: {help}"));
    Exit::InvalidFile
}

fn unreadable(message: impl Display, help: impl Display) -> Stopped {
    invalid(message, help);
    Exit::Unreadable
}

/// Runs with their folders; a baseline file has none.
struct Side {
    runs: Baseline,
    folders: Vec<FolderText>,
}

fn judged(args: &CompareArgs, gate: &GateSettings) -> Result<CompareSummary, Stopped> {
    if args.results.is_empty() {
        return Err(usage(
            "there is no result to compare",
            "name run folders behind the baseline: `bedload compare main results/runs/pr`",
        ));
    }
    let baseline = match baseline_path(&args.baseline) {
        None if args.assertions.is_empty() => {
            return Err(usage(
                "without a baseline there is nothing to compare with",
                "name a baseline, or thresholds with `--assert 'ttft.p99 < 2.5s'`",
            ));
        }
        None => None,
        Some(path) if !path.exists() => {
            return Err(invalid(
                format!("there is no baseline `{}`", path.display()),
                "name a baseline, a run folder, or make one: `bedload compare NAME RESULT... \
                 --update-baseline`",
            ));
        }
        Some(path) => Some(side(&args.baseline, &[path], &args.variants)?),
    };
    let result = side(&joined(&args.results), &args.results, &args.variants)?;
    let mut document = match &baseline {
        None => compare::without_baseline(Some(&result.runs), gate),
        Some(baseline) => {
            let any_scenario = args.allow_different_scenario;
            let compared = compare::compare(&baseline.runs, &result.runs, gate, any_scenario);
            compared.map_err(|error| refused(&error))?
        }
    };
    if !args.assertions.is_empty() {
        if result.folders.is_empty() {
            return Err(usage(
                "a baseline file holds no figures for thresholds",
                "name the folders of the runs",
            ));
        }
        let variants = result.runs.variants.iter().map(|one| one.name.clone());
        let variants: Vec<String> = variants.collect();
        document.assertions = assertion::judge(&args.assertions, &result.folders, &variants)
            .map_err(|error| usage(&error.to_string(), "name one of these, or leave it out"))?;
    }
    compare::conclude(&mut document);
    Ok(document)
}

/// Runs that are not comparable are no verdict on the result.
fn refused(error: &compare::CompareError) -> Stopped {
    talk(&format!("error: {error}\n  help: {}", error.help()));
    Exit::Inconclusive
}

fn calibrated(args: &CompareArgs, gate: &GateSettings) -> Result<CompareSummary, Stopped> {
    let all = of_one_build(args)?;
    let k = wanted_runs(args, &all.runs);
    let mut document = compare::without_baseline(Some(&all.runs), gate);
    noise(&mut document, &all.runs, k);
    if all.runs.kind == RunKind::Simulated {
        document.notes.push(
            "simulations of equal seeds are compared by pairs, and have no noise but a change's own".to_owned(),
        );
    }
    Ok(document)
}

/// Adds what the runs of one build differ by.
fn noise(document: &mut CompareSummary, runs: &Baseline, k: usize) {
    document.verdict = None;
    document.calibration = compare::calibrate(runs, k, &document.gate);
    document.sentences = vec![if document.calibration.is_empty() {
        "There are too few runs: noise is measured between three or more.".to_owned()
    } else {
        "What equal builds differ by; a gate does not judge where the floor is above half of what it has to see."
            .to_owned()
    }];
}

/// The runs whose noise is measured: the results, or without any the baseline itself.
fn of_one_build(args: &CompareArgs) -> Result<Side, Stopped> {
    if !args.results.is_empty() {
        return side(&joined(&args.results), &args.results, &args.variants);
    }
    match baseline_path(&args.baseline) {
        Some(path) => side(&args.baseline, &[path], &args.variants),
        None => Err(usage("there are no runs", "name the folders of the runs")),
    }
}

fn wanted_runs(args: &CompareArgs, runs: &Baseline) -> usize {
    let most = runs.variants.iter().map(|one| one.runs.len()).max();
    args.runs.unwrap_or(RUNS.min(most.unwrap_or(RUNS)))
}

fn update(args: &CompareArgs, gate: &GateSettings) -> Result<CompareSummary, Stopped> {
    let Some(path) = baseline_path(&args.baseline) else {
        return Err(usage(
            "`-` is no name for a baseline",
            "name it: `bedload compare main RESULT... --update-baseline`",
        ));
    };
    if path.is_dir() {
        return Err(usage(
            &format!("`{}` is a folder", path.display()),
            "a baseline is a file: name it without a path, or with `.json` at its end",
        ));
    }
    if args.results.is_empty() && !args.calibrate {
        return Err(usage(
            "there is no result to make the baseline of",
            "name run folders behind the name",
        ));
    }
    let new = of_one_build(args)?;
    let spoilt = new.runs.variants.iter().flat_map(|variant| &variant.runs);
    if let Some(run) = spoilt.clone().find(|run| run.spoilt.is_some()) {
        talk(&format!(
            "error: `{}` cannot be part of a baseline: {}\n  help: run it again",
            run.source,
            run.spoilt.as_deref().unwrap_or_default()
        ));
        return Err(Exit::Inconclusive);
    }
    let k = wanted_runs(args, &new.runs);
    let calibration = compare::calibrate(&new.runs, k, gate);
    let mut runs = compare::with_noise(new.runs, k);
    runs.name = path
        .file_stem()
        .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    runs.created_at = now().0;
    write_file(&path, runs.to_json().as_bytes()).map_err(|error| stopped(&error))?;
    let mut document = compare::without_baseline(Some(&runs), gate);
    if runs.kind == RunKind::Live {
        document.calibration = calibration;
    }
    let count = runs.variants.iter().map(|one| one.runs.len()).max();
    document.sentences = vec![format!(
        "Baseline written to {}: {} runs of {}.",
        path.display(),
        count.unwrap_or(0),
        runs.scenario
    )];
    Ok(document)
}

fn over_time(args: &CompareArgs, gate: &GateSettings) -> Result<CompareSummary, Stopped> {
    let mut inputs = vec![PathBuf::from(&args.baseline)];
    inputs.extend(args.results.iter().cloned());
    let runs = side("history", &inputs, &args.variants)?.runs;
    let mut document = compare::without_baseline(None, gate);
    document.history = history::series(&runs, gate);
    document.sentences = history::sentences(&document.history);
    document.figures = history::figures(&document.history);
    let spoilt = runs.variants.iter().flat_map(|variant| &variant.runs);
    let left_out = spoilt.filter_map(|run| Some((&run.source, run.spoilt.as_ref()?)));
    document.warnings = left_out
        .map(|(source, reason)| format!("left out: {source}: {reason}"))
        .collect();
    Ok(document)
}

/// The file or folder of a baseline; `None` for `-`.
fn baseline_path(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    let is_bare = path.components().count() == 1 && path.extension().is_none();
    match name {
        "-" => None,
        _ if is_bare && !path.exists() => Some(Path::new(BASELINES).join(format!("{name}.json"))),
        _ => Some(path.to_owned()),
    }
}

fn joined(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    names.join(", ")
}

/// Compares runs that took turns, whose scenarios may differ, and prints the verdict.
pub(super) fn interleaved(
    base: &[PathBuf],
    new: &[PathBuf],
    shared: &Shared,
    term: Term,
) -> Result<Exit, Stopped> {
    let (base, new) = (side("base", base, &[])?, side("new", new, &[])?);
    let gate = compare::default_gate();
    let document = compare::compare(&base.runs, &new.runs, &gate, true);
    let document = document.map_err(|error| refused(&error))?;
    Ok(shown(shared.format, term, &document))
}

/// Prints what runs of one build differ by.
pub(super) fn repeated(runs: &[PathBuf], shared: &Shared, term: Term) -> Result<Exit, Stopped> {
    let all = side("runs", runs, &[])?.runs;
    let gate = compare::default_gate();
    let mut document = compare::without_baseline(Some(&all), &gate);
    let k = RUNS.min(runs.len());
    noise(&mut document, &all, k);
    Ok(shown(shared.format, term, &document))
}

/// Reads one side: baseline files, run folders, and folders of run folders.
fn side(name: &str, paths: &[PathBuf], variants: &[String]) -> Result<Side, Stopped> {
    let mut baselines = Vec::new();
    let mut folders = Vec::new();
    for path in paths {
        if path.is_dir() {
            folders.extend(folders_in(path)?);
        } else {
            baselines.push(baseline(path)?);
        }
    }
    let refused = |error: compare::GatherError| invalid(&error, error.help());
    let mut runs = if baselines.is_empty() {
        compare::gather(name, &folders).map_err(refused)?
    } else if folders.is_empty() && baselines.len() == 1 {
        baselines.remove(0)
    } else {
        if !folders.is_empty() {
            baselines.push(compare::gather(name, &folders).map_err(refused)?);
        }
        compare::gather_baselines(name, baselines).map_err(refused)?
    };
    for wanted in variants {
        if runs.variants.iter().all(|one| one.name != *wanted) {
            let known: Vec<&str> = runs.variants.iter().map(|one| one.name.as_str()).collect();
            return Err(usage(
                &format!("{name} has no variant `{wanted}`"),
                &format!("it has: {}", known.join(", ")),
            ));
        }
    }
    if !variants.is_empty() {
        runs.variants.retain(|one| variants.contains(&one.name));
    }
    Ok(Side { runs, folders })
}

fn text_of(path: &Path) -> Result<String, Stopped> {
    fs::read_to_string(path).map_err(|error| {
        invalid(
            format!("cannot read `{}`: {error}", path.display()),
            "name a run folder, a folder of run folders, or a baseline",
        )
    })
}

fn baseline(path: &Path) -> Result<Baseline, Stopped> {
    read_baseline(&text_of(path)?).map_err(|error| {
        unreadable(
            format!("`{}`: {error}", path.display()),
            "make it with `bedload compare NAME RESULT... --update-baseline`",
        )
    })
}

const SUMMARY: &str = "summary.json";
const MANIFEST: &str = "manifest.json";
/// How deep run folders may lie below the folder that was named.
const DEPTH: usize = 2;

/// The run at `path`, or the runs below it in order of their names.
fn folders_in(path: &Path) -> Result<Vec<FolderText>, Stopped> {
    if path.join(SUMMARY).exists() {
        return Ok(vec![folder(path)?]);
    }
    if path.join(MANIFEST).exists() {
        talk(&format!(
            "error: `{}` was cut short before it had results, so there is nothing to judge\n  help: run it again",
            path.display()
        ));
        return Err(Exit::Inconclusive);
    }
    let mut found = Vec::new();
    below(path, DEPTH, &mut found)?;
    if found.is_empty() {
        return Err(invalid(
            format!("there is no run in `{}`", path.display()),
            "name a folder that `bedload simulate` or `bedload run` wrote, or one of such folders",
        ));
    }
    Ok(found)
}

fn below(path: &Path, depth: usize, found: &mut Vec<FolderText>) -> Result<(), Stopped> {
    let entries = fs::read_dir(path).map_err(|error| {
        invalid(
            format!("cannot read `{}`: {error}", path.display()),
            "name a run folder, or a folder of run folders",
        )
    })?;
    let mut inner: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    inner.retain(|path| path.is_dir());
    inner.sort();
    for path in inner {
        if path.join(SUMMARY).exists() {
            found.push(folder(&path)?);
        } else if path.join(MANIFEST).exists() {
            talk(&format!(
                "note: `{}` was cut short before it had results; it is left out",
                path.display()
            ));
        } else if depth > 1 {
            below(&path, depth - 1, found)?;
        }
    }
    Ok(())
}

fn folder(path: &Path) -> Result<FolderText, Stopped> {
    let wrong = |file: &str, error: &dyn Display| {
        unreadable(
            format!("`{}`: {error}", path.join(file).display()),
            "run it again with this version",
        )
    };
    let summary = read_summary(&text_of(&path.join(SUMMARY))?).map_err(|e| wrong(SUMMARY, &e))?;
    let manifest =
        read_manifest(&text_of(&path.join(MANIFEST))?).map_err(|e| wrong(MANIFEST, &e))?;
    Ok(FolderText {
        name: path.display().to_string(),
        manifest,
        summary,
        // Pictures need it, verdicts do not.
        histograms: fs::read(path.join("histograms.hlog")).ok(),
    })
}

fn print(args: &CompareArgs, term: Term, document: &CompareSummary) -> Result<Exit, Stopped> {
    let exit = shown(args.format, term, document);
    let files = [
        (
            &args.junit,
            report::compare::junit as fn(&CompareSummary) -> String,
        ),
        (&args.markdown, report::compare::markdown),
    ];
    for (path, render) in files {
        if let Some(path) = path {
            write_file(path, render(document).as_bytes()).map_err(|error| stopped(&error))?;
        }
    }
    if args.github {
        talk(&report::compare::annotations(document));
        job_summary(document)?;
    }
    Ok(exit)
}

/// Prints the document; the verdict is the exit code.
fn shown(format: Format, term: Term, document: &CompareSummary) -> Exit {
    let style = Style {
        color: term.colour,
        width: term.width,
    };
    let text = match format {
        Format::Json => document.to_json(),
        Format::Markdown => report::compare::markdown(document),
        Format::Text => report::compare::terminal(document, style),
    };
    match (data(&text), document.verdict) {
        (Exit::Met, Some(Verdict::Regressed)) => Exit::Missed,
        (Exit::Met, Some(Verdict::Inconclusive)) => Exit::Inconclusive,
        (exit, _) => exit,
    }
}

/// Adds the comparison to the summary of the job, where GitHub Actions names a file for it.
fn job_summary(document: &CompareSummary) -> Result<(), Stopped> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = PathBuf::from(path);
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let text = report::compare::markdown(document);
    let written = file.and_then(|mut file| writeln!(file, "{text}"));
    written.map_err(|error| stopped(&format!("cannot write `{}`: {error}", path.display())))
}
