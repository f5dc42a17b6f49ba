//! Files that are read as a whole: everything but invocation logs.

use super::super::super::args::ImportArgs;
use super::super::super::exit::Exit;
use super::{
    Import, Stopped, at_place, begin, empty, finish, invalid, open, refused, rfc3339, unreadable,
    usage,
};
use crate::load::trace::{
    Columns, MoreColumns, PoolOptions, ReadOptions, Reading, TimeUnit, TraceFormat, read_all,
    write_records,
};
use crate::results::{ImportFiles, ImportSummary, ImportTally};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// Reads one file, or the two of a client pool, and writes the trace.
pub(super) fn run(
    import: &Import<'_>,
    paths: &[PathBuf],
    format: TraceFormat,
) -> Result<Exit, Stopped> {
    let args = import.args;
    let paths = match paths {
        [one] if format == TraceFormat::ServeGen => with_sizes(one),
        [one] => vec![one.clone()],
        _ if format == TraceFormat::ServeGen => paths.to_vec(),
        _ => {
            return Err(usage(
                &format!(
                    "several files of the format `{}` cannot be joined",
                    format.name()
                ),
                "import one at a time; only invocation logs come in many files",
            ));
        }
    };
    if format != TraceFormat::ServeGen && (args.from.is_some() || args.to.is_some()) {
        return Err(usage(
            &format!(
                "`--from` and `--to` do not go with the format `{}`",
                format.name()
            ),
            "they choose a part of invocation logs, of metrics and of client pools",
        ));
    }
    let options = options(args, format)?;
    let output = begin(args, &import.started_at)?;
    let source = args.sources.join(" ");
    let mut bytes = 0;
    let mut whole: Box<dyn Read> = Box::new(io::empty());
    for path in &paths {
        let file = open(path)?;
        bytes += file.metadata().map_or(0, |about| about.len());
        whole = Box::new(whole.chain(file));
    }
    let whole = BufReader::with_capacity(1 << 16, whole);
    let reading = read_all(format, &options, whole).map_err(|error| invalid(&source, &error))?;
    let mut summary = empty(args, format);
    summary.files = ImportFiles {
        read: paths.len() as u64,
        bytes,
        ..ImportFiles::default()
    };
    let reading = renamed(import, reading);
    take(import, &reading, &source, &mut summary);
    import.refuse_problems(&summary.problems)?;
    let text = write_records(
        &reading.recorded,
        &import.source_names(),
        "that of the source",
    );
    let name = Import::trace_name(&output);
    let packed = if output.is_packed() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let packed = gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish());
        packed.map_err(|error| unreadable(Path::new(name), &error))?
    } else {
        text.into_bytes()
    };
    output.write(name, &packed).map_err(|e| refused(&e))?;
    summary.engine = import.engine(&summary, 1, 0);
    finish(args, import.term, output, summary)
}

/// The table of sizes that belongs to a table of rates, where it lies beside it.
fn with_sizes(rates: &Path) -> Vec<PathBuf> {
    let name = rates
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let sizes = name
        .filter(|name| name.contains("client_rates"))
        .map(|name| rates.with_file_name(name.replace("client_rates", "length_histogram")))
        .filter(|path| path.is_file());
    std::iter::once(rates.to_owned()).chain(sizes).collect()
}

/// The calls with models by their names in the catalogue.
fn renamed(import: &Import<'_>, mut reading: Reading) -> Reading {
    for name in &mut reading.recorded.models {
        *name = import.model_name(name);
    }
    reading
}

/// Puts the calls of a file into the findings.
fn take(import: &Import<'_>, reading: &Reading, source: &str, summary: &mut ImportSummary) {
    let recorded = &reading.recorded;
    let mut tally = ImportTally::default();
    for call in &recorded.calls {
        tally.take(call);
    }
    tally.fill(summary, &recorded.models, &recorded.places, |name| {
        import.is_known(name)
    });
    summary.first = recorded.origin_unix_us.map(rfc3339);
    summary.session_clock = recorded.session_clock;
    summary.skipped.clone_from(&recorded.skipped);
    summary.out_of_order = recorded.out_of_order;
    let problems = reading.problems.problems.iter();
    summary.problems = problems.map(|problem| at_place(source, problem)).collect();
}

/// The columns that the command names.
fn options(args: &ImportArgs, format: TraceFormat) -> Result<ReadOptions, Stopped> {
    let seconds = |flag: &str, text: &Option<String>| match text.as_deref().map(str::parse::<f64>) {
        None => Ok(None),
        Some(Ok(second)) if second.is_finite() && second >= 0.0 => Ok(Some(second)),
        Some(_) => Err(usage(
            &format!("`{flag}` is no number of seconds"),
            "client pools have a clock of their own, from 0 on",
        )),
    };
    let mut options = ReadOptions {
        variant: args.variant.clone(),
        ..ReadOptions::default()
    };
    if format == TraceFormat::ServeGen {
        options.pool = PoolOptions {
            seed: args.seed,
            from_s: seconds("--from", &args.from)?,
            to_s: seconds("--to", &args.to)?,
        };
    }
    if format.has_named_columns() {
        let (Some(at), Some(input), Some(output)) = (&args.at, &args.input, &args.output) else {
            return Err(usage(
                &format!(
                    "the columns of the format `{}` are not named",
                    format.name()
                ),
                "name them: `--at NAME --input NAME --output NAME`, or another format with `--as`",
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
                    &format!("no further column is called `{key}`"),
                    "they are model, client, region, cache_read, cache_write, max_tokens, ttft_ms, ttft_s, \
                     latency_ms, latency_s and end",
                ));
            }
        }
        let unit = match key.as_str() {
            "ttft_s" | "latency_s" => TimeUnit::Seconds,
            "ttft_ms" | "latency_ms" => TimeUnit::Millis,
            _ => continue,
        };
        if more.latency_unit.is_some_and(|other| other != unit) {
            return Err(usage(
                "the two latencies are in different units",
                "import them in one unit",
            ));
        }
        more.latency_unit = Some(unit);
    }
    Ok(more)
}
