//! `bedload trace import`: logs and public traces into a compact trace and a scenario.

mod cloudwatch;
mod logs;
mod one;

use super::super::args::{Format, ImportArgs};
use super::super::exit::Exit;
use super::super::simulate::now;
use super::super::term::{Term, data, talk};
use crate::fetch::{Address, Aws, AwsError, Bucket, Folders, Output, OutputError};
use crate::load::trace::{RowProblem, TraceFormat, model_name, moment_us, read_records};
use crate::profile::{Catalogue, ProfileKind};
use crate::recorded::{STAND_IN, replay_scenario};
use crate::report::{self, Style};
use crate::results::{IMPORT_SCHEMA, ImportEngine, ImportFiles, ImportMissing, ImportSummary};
use crate::traffic::{ScenarioOptions, scenario};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The trace in the folder of an import.
const TRACE: &str = "trace.csv";
const SCENARIO: &str = "scenario-replay.toml";
const SUMMARY: &str = "import.json";
/// The scenario that generates traffic like the recorded one.
const GENERATED: &str = "scenario-like.toml";
/// The most calls of which it is made here: they are all in memory for it.
const GENERATED_MOST: u64 = 2_000_000;
/// What is looked at of a file to tell its format.
const HEAD: u64 = 1 << 16;

/// An import that cannot go on; it has said why.
type Stopped = Exit;

/// Runs the verb.
pub fn run(args: &ImportArgs) -> Exit {
    let term = Term::new(args.quiet, args.no_color);
    import(args, term).unwrap_or_else(|stopped| stopped)
}

/// What an import has to know.
struct Import<'a> {
    args: &'a ImportArgs,
    term: Term,
    catalogue: Catalogue,
    started_at: String,
    clock: Instant,
    from_us: Option<i64>,
    to_us: Option<i64>,
}

fn import(args: &ImportArgs, term: Term) -> Result<Exit, Stopped> {
    let (started_at, clock) = now();
    let mut import = Import {
        args,
        term,
        catalogue: Catalogue::builtin(),
        started_at,
        clock,
        from_us: None,
        to_us: None,
    };
    if args.sources[0] == "cloudwatch" {
        return cloudwatch::run(&import);
    }
    if args
        .sources
        .iter()
        .any(|source| source.starts_with("s3://"))
    {
        return bucket(&mut import);
    }
    let paths: Vec<PathBuf> = args.sources.iter().map(PathBuf::from).collect();
    let first = first_file(&paths)?;
    let format = match args.format_of_source {
        Some(format) => format,
        None => detect(&first)?,
    };
    if format != TraceFormat::ServeGen {
        import.from_us = moment("--from", args.from.as_deref())?;
        import.to_us = moment("--to", args.to.as_deref())?;
    }
    if format == TraceFormat::BedrockLog {
        let found = Folders::find(&paths, import.from_us, import.to_us);
        let store = found.map_err(|(path, error)| unreadable(&path, &error))?;
        let about = logs::About {
            files: store.paths().len(),
            bytes: store.bytes(),
            ignored: store.ignored().clone(),
        };
        return logs::run(&import, &store, about);
    }
    one::run(&import, &paths, format)
}

/// Invocation logs in a bucket.
fn bucket(import: &mut Import<'_>) -> Result<Exit, Stopped> {
    let args = import.args;
    let other = args
        .format_of_source
        .filter(|format| *format != TraceFormat::BedrockLog);
    if let Some(other) = other {
        return Err(usage(
            &format!(
                "a bucket of the format `{}` cannot be imported",
                other.name()
            ),
            "only invocation logs are read from buckets; copy the file first",
        ));
    }
    import.from_us = moment("--from", args.from.as_deref())?;
    import.to_us = moment("--to", args.to.as_deref())?;
    let addresses: Result<Vec<Address>, AwsError> = args
        .sources
        .iter()
        .map(|source| Address::parse(source))
        .collect();
    let addresses = addresses.map_err(|error| aws_failed(&error))?;
    let aws = Aws::new(args.region.as_deref(), args.endpoint_url.as_deref());
    let aws = aws.map_err(|error| aws_failed(&error))?;
    let bucket = Bucket::list(aws, &addresses, import.from_us, import.to_us);
    let bucket = bucket.map_err(|error| aws_failed(&error))?;
    let (files, bytes) = bucket.size();
    if files == 0 {
        talk(&format!(
            "error: no log file of that span in `{}`\n  help: check the prefix and the span; keys look like \
             PREFIX/AWSLogs/ACCOUNT/BedrockModelInvocationLogs/REGION/2026/11/01/12/…json.gz",
            args.sources.join(" ")
        ));
        return Err(Exit::InvalidFile);
    }
    let about = logs::About {
        files,
        bytes,
        ignored: bucket.ignored().clone(),
    };
    logs::run(import, &bucket, about)
}

fn aws_failed(error: &AwsError) -> Stopped {
    talk(&format!("error: {error}\n  help: {}", error.help()));
    match error {
        AwsError::NoAddress(_) | AwsError::NoRegion => Exit::Usage,
        _ => Exit::TargetFailed,
    }
}

/// A moment of the command line.
fn moment(flag: &str, text: Option<&str>) -> Result<Option<i64>, Stopped> {
    let Some(text) = text else {
        return Ok(None);
    };
    moment_us(text).map(Some).ok_or_else(|| {
        usage(
            &format!("`{flag} {text}` is no moment"),
            "write it as 2026-11-01, 2026-11-01T13 or 2026-11-01T13:30:00Z",
        )
    })
}

/// The first file of what the command names, in folders and below.
fn first_file(paths: &[PathBuf]) -> Result<PathBuf, Stopped> {
    let found = Folders::find(paths, None, None);
    let found = found.map_err(|(path, error)| unreadable(&path, &error))?;
    found.paths().first().cloned().ok_or_else(|| {
        talk(&format!(
            "error: no file of calls in `{}`\n  help: logs end in .json.gz, .json or .jsonl; name a file of \
             another name itself",
            paths.first().map(|path| path.display().to_string()).unwrap_or_default()
        ));
        Exit::InvalidFile
    })
}

impl Import<'_> {
    /// The name of a model in the catalogue, by that name, by its model id with or without a profile's prefix, or by
    /// the name that its maker gives it; any other name as it is.
    fn model_name(&self, name: &str) -> String {
        let id = model_name(name).id;
        let is_dated = id.len() > 8 && id[id.len() - 8..].bytes().all(|b| b.is_ascii_digit());
        let mut known = self.catalogue.names(ProfileKind::Model).into_iter();
        let has_id = |model: &&str| {
            let Ok(model) = self.catalogue.model(model) else {
                return false;
            };
            let own = model.model_id.split_once('.').map_or("", |(_, own)| own);
            model.model_id == id || is_dated && own.starts_with(id)
        };
        known.find(has_id).unwrap_or(name).to_owned()
    }

    fn is_known(&self, name: &str) -> bool {
        self.catalogue.model(name).is_ok()
    }

    /// Says what is wrong with the first bad line if none is allowed.
    fn refuse_problems(&self, problems: &[String]) -> Result<(), Stopped> {
        match problems.first().filter(|_| self.args.strict) {
            Some(problem) => {
                talk(&format!("error: {problem}"));
                Err(Exit::InvalidFile)
            }
            None => Ok(()),
        }
    }

    fn engine(&self, summary: &ImportSummary, threads: usize, sorted: u64) -> ImportEngine {
        let wall_s = self.clock.elapsed().as_secs_f64();
        ImportEngine {
            wall_s,
            calls_per_wall_s: summary.calls as f64 / wall_s.max(1e-9),
            bytes_per_wall_s: summary.files.bytes as f64 / wall_s.max(1e-9),
            threads: threads as u32,
            sorted_on_disk_bytes: sorted,
        }
    }

    /// The sources by their last names, as the trace tells where it comes from: paths are nobody's business.
    fn source_names(&self) -> String {
        let sources = self.args.sources.iter();
        let names = sources.map(|source| {
            if source.starts_with("s3://") {
                return source.as_str();
            }
            let name = source.trim_end_matches('/').rsplit('/').next();
            name.unwrap_or(source)
        });
        names.collect::<Vec<_>>().join(" ")
    }

    /// The name of the trace in the output.
    fn trace_name(output: &Output) -> &'static str {
        if output.is_packed() {
            "trace.csv.gz"
        } else {
            TRACE
        }
    }
}

/// Writes what stands beside the trace, and prints the findings.
fn finish(
    args: &ImportArgs,
    term: Term,
    output: Output,
    mut summary: ImportSummary,
) -> Result<Exit, Stopped> {
    let shown = |path: PathBuf| path.display().to_string();
    let trace = Import::trace_name(&output);
    summary.written = vec![shown(output.path(trace))];
    if !output.is_file() {
        summary.written.push(shown(output.path(SCENARIO)));
        match generated(args, &output, trace, &summary) {
            Ok(text) => {
                output
                    .write(GENERATED, text.as_bytes())
                    .map_err(|e| refused(&e))?;
                summary.written.push(shown(output.path(GENERATED)));
            }
            Err(why) => summary.notes.push(format!("no {GENERATED}: {why}")),
        }
        summary.written.push(shown(output.path(SUMMARY)));
        let scenario = replay_scenario(&summary, trace);
        output
            .write(SCENARIO, scenario.as_bytes())
            .map_err(|e| refused(&e))?;
        output
            .write(SUMMARY, summary.to_json().as_bytes())
            .map_err(|e| refused(&e))?;
    }
    output.finish(trace).map_err(|e| refused(&e))?;
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

/// A scenario that generates traffic like that of the trace.
fn generated(
    args: &ImportArgs,
    output: &Output,
    trace: &str,
    summary: &ImportSummary,
) -> Result<String, String> {
    if summary.session_clock {
        return Err("the log has no common clock, so nothing is known of arrivals".to_owned());
    }
    if summary.calls > GENERATED_MOST {
        return Err(format!(
            "{} calls are many for memory; `bedload trace stats --scenario` makes it of the trace, or of a part",
            summary.calls
        ));
    }
    let file = File::open(output.draft(trace)).map_err(|error| error.to_string())?;
    let file = BufReader::with_capacity(1 << 18, file);
    let recorded = read_records(TraceFormat::Bedload, None, file).map_err(|e| e.to_string())?;
    let known = |name: &String| {
        let model = summary.models.iter().find(|model| model.name == *name);
        model
            .filter(|model| model.known)
            .map(|model| model.name.clone())
    };
    let options = ScenarioOptions {
        name: "like-recorded".to_owned(),
        source: args.sources.join(" "),
        models: recorded.models.iter().map(known).collect(),
        model: STAND_IN.to_owned(),
        max_tokens: None,
    };
    scenario(&recorded, &options)
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
        ends: BTreeMap::default(),
        models: Vec::new(),
        places: Vec::new(),
        missing: ImportMissing::default(),
        log: None,
        skipped: BTreeMap::default(),
        out_of_order: 0,
        problems: Vec::new(),
        notes: Vec::new(),
        written: Vec::new(),
        engine: ImportEngine::default(),
    }
}

/// A problem with the file in which it is, as `file:line: …`.
fn at_place(file: &str, problem: &RowProblem) -> String {
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
