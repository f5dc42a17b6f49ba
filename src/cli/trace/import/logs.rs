//! Invocation logs, from folders or from a bucket.

use super::super::super::exit::Exit;
use super::super::super::term::talk;
use super::{Import, Stopped, at_place, begin, empty, finish, refused, rfc3339};
use crate::fetch::{LogOptions, LogRead, LogStore, Output, Woven, read_logs, write_trace};
use crate::load::trace::{COPIES, Salt, TraceFormat};
use crate::results::{ImportFiles, ImportSummary};
use flate2::Compression;
use flate2::write::GzEncoder;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, BufWriter, Write};
use std::thread::available_parallelism;

/// The file in which calls are sorted, in the folder of the output until it is whole.
const SORTING: &str = "sorting.tmp";

/// The files of a log.
pub(super) struct About {
    /// How many they are.
    pub files: usize,
    /// Their bytes as they lie.
    pub bytes: u64,
    /// Files left out, by reason.
    pub ignored: BTreeMap<String, u64>,
}

/// Reads the logs of a store and writes the trace.
pub(super) fn run(
    import: &Import<'_>,
    store: &dyn LogStore,
    about: About,
) -> Result<Exit, Stopped> {
    let args = import.args;
    let output = begin(args, &import.started_at)?;
    let bar = progress(import, about.bytes);
    let threads = args
        .threads
        .unwrap_or_else(|| available_parallelism().map_or(1, Into::into));
    let watch = |bytes: u64| bar.set_position(bytes);
    let options = LogOptions {
        salt: salt(args.salt.as_deref()),
        profiles: &args.profiles,
        from_us: import.from_us,
        to_us: import.to_us,
        block_tokens: args.block_tokens,
        strict: args.strict,
        threads,
        progress: &watch,
    };
    let sorting = output.draft(SORTING);
    let failed = |error: io::Error| refused(&output.refused(SORTING, error));
    let mut read = read_logs(store, options, &sorting).map_err(failed)?;
    bar.finish_and_clear();
    let mut summary = empty(args, TraceFormat::BedrockLog);
    summary.files = ImportFiles {
        read: about.files as u64,
        bytes: about.bytes,
        ignored: about.ignored,
    };
    take(&read, store, &mut summary);
    import.refuse_problems(&summary.problems)?;
    for name in &mut read.names.models {
        *name = import.model_name(name);
    }
    let (models, places) = (read.names.models.clone(), read.names.places.clone());
    let source = args.sources.join(" ");
    let woven = write(read, options, &import.source_names(), &output).map_err(failed)?;
    let Some(woven) = woven else {
        talk(&format!("error: no call was found in `{source}`"));
        for problem in &summary.problems {
            talk(problem);
        }
        for (reason, n) in &summary.skipped {
            talk(&format!("  {n} lines: {reason}"));
        }
        return Err(Exit::InvalidFile);
    };
    summary.first = Some(rfc3339(woven.origin_us));
    if woven.copies > 0 {
        summary.skipped.insert(COPIES.to_owned(), woven.copies);
    }
    if woven.spread {
        summary.notes.push(
            "time stamps have whole seconds: calls of one second are spread evenly over it, so nothing is known \
             of bursts below a second"
                .to_owned(),
        );
    }
    woven
        .tally
        .fill(&mut summary, &models, &places, |name| import.is_known(name));
    if summary
        .models
        .iter()
        .any(|model| model.name.contains("application-inference-profile/"))
    {
        summary.notes.push(
            "an application inference profile does not tell its model: name it with --profile ID=MODEL"
                .to_owned(),
        );
    }
    summary.engine = import.engine(&summary, threads, woven.sorted_on_disk);
    finish(args, import.term, output, summary)
}

fn write(
    read: LogRead,
    options: LogOptions<'_>,
    source: &str,
    output: &Output,
) -> io::Result<Option<Woven>> {
    let name = Import::trace_name(output);
    let file = output.create(name).map_err(io::Error::other)?;
    let file = BufWriter::with_capacity(1 << 18, file);
    if output.is_packed() {
        let mut gzip = GzEncoder::new(file, Compression::default());
        let woven = write_trace(read, options, source, &mut gzip)?;
        gzip.finish()?.flush()?;
        Ok(woven)
    } else {
        write_trace(read, options, source, file)
    }
}

/// Puts what was found in lines into the findings.
fn take(read: &LogRead, store: &dyn LogStore, summary: &mut ImportSummary) {
    summary.log = Some(read.log.clone());
    summary.skipped.clone_from(&read.skipped);
    summary.out_of_order = read.out_of_order;
    let problems = read.problems.iter();
    summary.problems = problems
        .map(|(file, problem)| at_place(&store.name(*file), problem))
        .collect();
}

/// The salt that the command names, or a random one that nobody ever learns.
fn salt(text: Option<&str>) -> Salt {
    if let Some(text) = text {
        return Salt::of(text.as_bytes());
    }
    let words: Vec<u8> = (0..4)
        .flat_map(|_| RandomState::new().build_hasher().finish().to_le_bytes())
        .collect();
    Salt::of(&words)
}

fn progress(import: &Import<'_>, bytes: u64) -> ProgressBar {
    if !import.term.shows_progress() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(
        "{spinner} reading {bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}",
    );
    let bar = ProgressBar::new(bytes);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
