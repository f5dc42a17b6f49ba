//! `bedload trace import`: logs and public traces into a compact trace and a scenario.

use super::super::args::{Format, ImportArgs};
use super::super::exit::Exit;
use super::super::simulate::now;
use super::super::term::{Term, data, talk};
use crate::fetch::{Output, OutputError};
use crate::load::trace::{
    Columns, MoreColumns, ReadOptions, Reading, TimeUnit, TraceFormat, read_all, write_records,
};
use crate::profile::Catalogue;
use crate::recorded::replay_scenario;
use crate::report::{self, Style};
use crate::results::{
    IMPORT_SCHEMA, ImportEngine, ImportFiles, ImportMissing, ImportSummary, ImportTally,
};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// The trace in the folder of an import.
const TRACE: &str = "trace.csv";
const SCENARIO: &str = "scenario-replay.toml";
const SUMMARY: &str = "import.json";
/// What is looked at of a file to tell its format.
const HEAD: u64 = 1 << 16;

/// An import that cannot go on; it has said why.
type Stopped = Exit;

/// Runs the verb.
pub fn run(args: &ImportArgs) -> Exit {
    let term = Term::new(args.quiet, args.no_color);
    import(args, term).unwrap_or_else(|stopped| stopped)
}

fn import(args: &ImportArgs, term: Term) -> Result<Exit, Stopped> {
    let catalogue = Catalogue::builtin();
    let (started_at, clock) = now();
    let [source] = args.sources.as_slice() else {
        return Err(usage(
            "several files of this format cannot be joined",
            "import one at a time",
        ));
    };
    let path = Path::new(source);
    let format = match args.format_of_source {
        Some(format) => format,
        None => detect(path)?,
    };
    let options = options(args, format)?;
    let output = begin(args, &started_at)?;
    let file = open(path)?;
    let bytes = file.metadata().map_or(0, |about| about.len());
    let reading = read_all(format, &options, BufReader::with_capacity(1 << 16, file));
    let reading = reading.map_err(|error| invalid(source, &error))?;
    let mut summary = empty(args, format);
    summary.files = ImportFiles {
        read: 1,
        bytes,
        ..ImportFiles::default()
    };
    take(&reading, source, &catalogue, &mut summary);
    if args.strict
        && let Some(problem) = summary.problems.first()
    {
        talk(&format!("error: {problem}"));
        return Err(Exit::InvalidFile);
    }
    let text = write_records(&reading.recorded, source, "that of the source");
    output
        .write(TRACE, text.as_bytes())
        .map_err(|e| refused(&e))?;
    let wall_s = clock.elapsed().as_secs_f64();
    summary.engine = ImportEngine {
        wall_s,
        calls_per_wall_s: summary.calls as f64 / wall_s.max(1e-9),
        bytes_per_wall_s: bytes as f64 / wall_s.max(1e-9),
        threads: 1,
        ..ImportEngine::default()
    };
    finish(args, term, output, summary)
}

/// Writes what stands beside the trace, and prints the findings.
fn finish(
    args: &ImportArgs,
    term: Term,
    output: Output,
    mut summary: ImportSummary,
) -> Result<Exit, Stopped> {
    let shown = |path: PathBuf| path.display().to_string();
    summary.written = vec![shown(output.path(TRACE))];
    if !output.is_file() {
        summary.written.push(shown(output.path(SCENARIO)));
        summary.written.push(shown(output.path(SUMMARY)));
        let scenario = replay_scenario(&summary, TRACE);
        output
            .write(SCENARIO, scenario.as_bytes())
            .map_err(|e| refused(&e))?;
        output
            .write(SUMMARY, summary.to_json().as_bytes())
            .map_err(|e| refused(&e))?;
    }
    output.finish(TRACE).map_err(|e| refused(&e))?;
    let text = match args.format {
        Format::Json => summary.to_json(),
        Format::Markdown => report::import::markdown(&summary),
        Format::Text => report::import::terminal(
            &summary,
            Style {
                color: term.colour,
                width: term.width,
            },
        ),
    };
    Ok(data(&text))
}

fn empty(args: &ImportArgs, format: TraceFormat) -> ImportSummary {
    ImportSummary {
        schema: IMPORT_SCHEMA.to_owned(),
        sources: args.sources.clone(),
        format: format.name().to_owned(),
        files: ImportFiles::default(),
        calls: 0,
        replayable: 0,
        first: None,
        span_s: 0.0,
        session_clock: false,
        sessions: 0,
        clients: 0,
        ends: std::collections::BTreeMap::default(),
        models: Vec::new(),
        places: Vec::new(),
        missing: ImportMissing::default(),
        log: None,
        skipped: std::collections::BTreeMap::default(),
        out_of_order: 0,
        problems: Vec::new(),
        notes: Vec::new(),
        written: Vec::new(),
        engine: ImportEngine::default(),
    }
}

/// Puts the calls of one file into the findings.
fn take(reading: &Reading, source: &str, catalogue: &Catalogue, summary: &mut ImportSummary) {
    let recorded = &reading.recorded;
    let mut tally = ImportTally::default();
    for call in &recorded.calls {
        tally.take(call);
    }
    tally.fill(summary, &recorded.models, &recorded.places, |name| {
        catalogue.model(name).is_ok()
    });
    summary.first = recorded.origin_unix_us.map(rfc3339);
    summary.session_clock = recorded.session_clock;
    summary.skipped.clone_from(&recorded.skipped);
    summary.out_of_order = recorded.out_of_order;
    let problems = reading.problems.problems.iter();
    summary.problems = problems.map(|problem| at_place(source, problem)).collect();
}

/// A problem with the file in which it is, as `file:line: …`.
fn at_place(file: &str, problem: &crate::load::trace::RowProblem) -> String {
    let text = problem.to_string();
    match problem.line {
        Some(line) => {
            let rest = text
                .strip_prefix(&format!("line {line}: "))
                .unwrap_or(&text);
            format!("{file}:{line}: {rest}")
        }
        None => format!("{file}: {text}"),
    }
}

/// Microseconds since 1970 as a time stamp.
fn rfc3339(us: i64) -> String {
    let (days, rest) = (us.div_euclid(86_400_000_000), us.rem_euclid(86_400_000_000));
    let seconds = rest / 1_000_000;
    let mut text = format!(
        "{}T{:02}:{:02}:{:02}",
        crate::units::Date::from_days(days),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    if rest % 1_000_000 > 0 {
        text += format!(".{:06}", rest % 1_000_000).trim_end_matches('0');
    }
    text + "Z"
}

/// The columns that the command names.
fn options(args: &ImportArgs, format: TraceFormat) -> Result<ReadOptions, Stopped> {
    let mut options = ReadOptions {
        variant: args.variant.clone(),
        ..ReadOptions::default()
    };
    if format.has_named_columns() {
        let (Some(at), Some(input), Some(output)) = (&args.at, &args.input, &args.output) else {
            return Err(usage(
                &format!(
                    "the columns of the format `{}` are not named",
                    format.name()
                ),
                "name them: `--at NAME --input NAME --output NAME`, and with `--as` another format",
            ));
        };
        options.columns = Some(Columns {
            at: at.clone(),
            at_unit: args.at_unit,
            input: input.clone(),
            output: output.clone(),
            session: args.session.clone(),
        });
        options.more = more(&args.columns)?;
    }
    Ok(options)
}

fn more(columns: &[(String, String)]) -> Result<MoreColumns, Stopped> {
    let mut more = MoreColumns::default();
    for (key, name) in columns {
        let name = Some(name.clone());
        match key.as_str() {
            "model" => more.model = name,
            "client" => more.client = name,
            "region" => more.region = name,
            "cache_read" => more.cache_read = name,
            "cache_write" => more.cache_write = name,
            "max_tokens" => more.max_tokens = name,
            "end" => more.end = name,
            "ttft_ms" | "ttft_s" => more.ttft = name,
            "latency_ms" | "latency_s" => more.latency = name,
            _ => {
                return Err(usage(
                    &format!("no column is called `{key}`"),
                    "the further columns are model, client, region, cache_read, cache_write, max_tokens, \
                     ttft_ms, ttft_s, latency_ms, latency_s and end",
                ));
            }
        }
        if key.ends_with("_s") {
            more.latency_unit = Some(TimeUnit::Seconds);
        }
    }
    Ok(more)
}

fn detect(path: &Path) -> Result<TraceFormat, Stopped> {
    let mut head = Vec::new();
    let read = open(path)?.take(HEAD).read_to_end(&mut head);
    read.map_err(|error| unreadable(path, &error))?;
    TraceFormat::detect(&path.to_string_lossy(), &head).ok_or_else(|| {
        talk(&format!(
            "error: the format of `{}` cannot be told\n  help: name it with `--as`",
            path.display()
        ));
        Exit::InvalidFile
    })
}

fn open(path: &Path) -> Result<File, Stopped> {
    File::open(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Stopped {
    talk(&format!("error: cannot read `{}`: {error}", path.display()));
    Exit::InvalidFile
}

fn begin(args: &ImportArgs, started_at: &str) -> Result<Output, Stopped> {
    let target = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("results/traces").join(started_at.replace(['-', ':'], "")));
    Output::begin(&target).map_err(|error| refused(&error))
}

fn refused(error: &OutputError) -> Stopped {
    talk(&format!("error: {error}"));
    Exit::Unexpected
}

fn invalid(source: &str, error: &dyn std::fmt::Display) -> Stopped {
    talk(&format!("error: `{source}` cannot be imported\n{error}"));
    Exit::InvalidFile
}

fn usage(what: &str, help: &str) -> Stopped {
    talk(&format!("error: {what}\n  help: {help}"));
    Exit::Usage
}
