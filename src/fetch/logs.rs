//! Invocation logs of any size into a trace, in bounded memory and on all cores.
//!
//! Some threads read files and cut them into pieces of whole lines; the others make rows of numbers of the lines.
//! Rows are sorted by time, in runs that go to a file once they are many. They are merged by one thread, which
//! drops copies, tells sessions and writes the trace.

use super::chunks::{Chunk, Chunks, Next};
use super::sort::{Merge, RUN_BYTES, Runs, weight};
use super::store::{BodyName, LogStore};
use crate::load::trace::{
    CallRow, LoggedCall, Names, Place, RowProblem, Salt, TraceColumns, TraceHead, TraceNames,
    Weaver, is_document, parse_line, plain, records_in, row_of, shift_in_second,
};
use crate::results::{ImportLog, ImportTally};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;

/// The most problems that are told.
const PROBLEMS_MAX: usize = 20;
/// The largest document of one piece that is looked through for records.
const DOCUMENT_MAX: u64 = 512 << 20;
/// The largest body in a file of its own, unpacked.
const BODY_MAX: u64 = 64 << 20;
/// Why a call is left out that lies outside of the span.
const OUTSIDE: &str = "outside of --from and --to";

/// How logs are read.
#[derive(Clone, Copy)]
pub struct LogOptions<'a> {
    /// The key of all hashes.
    pub salt: Salt,
    /// Models by the ARN or id of an application profile.
    pub profiles: &'a [(String, String)],
    /// From this moment on, in microseconds since 1970.
    pub from_us: Option<i64>,
    /// Before this moment.
    pub to_us: Option<i64>,
    /// Tokens of a block; zero for none.
    pub block_tokens: u32,
    /// Stop at the first bad line.
    pub strict: bool,
    /// Threads that parse.
    pub threads: usize,
    /// Called now and then with the bytes read so far.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// The calls of a log, not yet in one row.
#[derive(Debug)]
pub struct LogRead {
    runs: Runs,
    /// Names of models, clients and places.
    pub names: Names,
    columns: TraceColumns,
    /// What only invocation logs have.
    pub log: ImportLog,
    /// Lines that hold no call, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// The first problems, with the numbers of their files.
    pub problems: Vec<(usize, RowProblem)>,
    /// Lines that stood behind a later one.
    pub out_of_order: u64,
}

/// What a trace was made of.
#[derive(Debug)]
pub struct Woven {
    /// Counts of its calls.
    pub tally: ImportTally,
    /// Microseconds since 1970 of the first call.
    pub origin_us: i64,
    /// Copies of records, left out.
    pub copies: u64,
    /// Whether calls were spread over the second of their stamp.
    pub spread: bool,
    /// Bytes that were sorted in a file.
    pub sorted_on_disk: u64,
}

/// Lines of a file on their way.
struct Piece {
    file: usize,
    number: usize,
    next: Next,
}

/// The times of a piece, to see whether the clock goes back between pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    file: usize,
    number: usize,
    first_us: i64,
    last_us: i64,
}

/// What one thread has found.
#[derive(Default)]
struct Found {
    rows: Vec<CallRow>,
    weight: usize,
    names: Names,
    columns: TraceColumns,
    log: ImportLog,
    skipped: BTreeMap<String, u64>,
    problems: Vec<(usize, RowProblem)>,
    spans: Vec<Span>,
    out_of_order: u64,
}

/// What all threads share.
struct Shared<'a> {
    store: &'a dyn LogStore,
    options: LogOptions<'a>,
    runs: Runs,
    names: Mutex<Names>,
    stop: AtomicBool,
}

/// Reads all files of a store. Runs that do not fit into memory go to the file `spill`.
///
/// # Errors
/// The file of the runs cannot be written.
///
/// # Panics
/// If a thread panicked, which is a bug.
pub fn read_logs(
    store: &dyn LogStore,
    options: LogOptions<'_>,
    spill: &Path,
) -> io::Result<LogRead> {
    let shared = Shared {
        store,
        options,
        runs: Runs::new(spill),
        names: Mutex::default(),
        stop: AtomicBool::new(false),
    };
    let threads = options.threads.max(1);
    let readers = store.open_at_once(threads).clamp(1, store.files().max(1));
    let (sender, receiver) = sync_channel::<Piece>(2 * threads);
    let receiver = Mutex::new(receiver);
    let next_file = AtomicUsize::new(0);
    let found: Vec<io::Result<Found>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| work(&shared, &receiver)))
            .collect();
        for _ in 0..readers {
            let sender = sender.clone();
            scope.spawn(|| read_files(&shared, &next_file, sender));
        }
        drop(sender);
        let joined = workers.into_iter().map(ScopedJoinHandle::join);
        joined
            .map(|found| found.expect("a thread that parses does not panic"))
            .collect()
    });
    let mut whole = Found::default();
    for part in found {
        whole.join(part?);
    }
    whole.spans.sort_unstable();
    let between = whole
        .spans
        .windows(2)
        .filter(|two| two[0].file == two[1].file && two[1].first_us < two[0].last_us);
    let between = between.count() as u64;
    whole
        .problems
        .sort_by_key(|(file, problem)| (*file, problem.line));
    whole.problems.truncate(PROBLEMS_MAX);
    let names = shared
        .names
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    whole.columns.note_names(&names.models, &names.clients);
    Ok(LogRead {
        runs: shared.runs,
        names,
        columns: whole.columns,
        log: whole.log,
        skipped: whole.skipped,
        problems: whole.problems,
        out_of_order: whole.out_of_order + between,
    })
}

/// Reads one file after the other and sends their pieces.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the sender has to end with its thread"
)]
fn read_files(shared: &Shared<'_>, next_file: &AtomicUsize, sender: SyncSender<Piece>) {
    loop {
        let file = next_file.fetch_add(1, Ordering::Relaxed);
        if file >= shared.store.files() || shared.stop.load(Ordering::Relaxed) {
            return;
        }
        let mut number = 0;
        let mut send = |next: Next| {
            number += 1;
            (shared.options.progress)(shared.store.bytes_read());
            let piece = Piece { file, number, next };
            !shared.stop.load(Ordering::Relaxed) && sender.send(piece).is_ok()
        };
        let opened = shared
            .store
            .open(file)
            .map_err(|error| RowProblem::at("the file cannot be read", error.to_string(), 1));
        let bytes = opened.and_then(|bytes| {
            plain(bytes).map_err(|error| {
                let first = error.problems.into_iter().next();
                first.unwrap_or_else(|| {
                    RowProblem::at("the file cannot be read", "copy it again", 1)
                })
            })
        });
        match bytes {
            Ok(bytes) => {
                let mut chunks = Chunks::new(bytes);
                let first = chunks.next();
                let pieces = first
                    .into_iter()
                    .map(|first| whole_document(first, &mut chunks));
                let pieces: Vec<Next> = pieces.flatten().collect();
                if !pieces.into_iter().chain(chunks).all(&mut send) {
                    return;
                }
            }
            Err(mut problem) => {
                problem.line = None;
                if !send(Next::Problem(problem)) {
                    return;
                }
            }
        }
    }
}

/// A document of several lines as the records in it, one a line; anything else as it came.
fn whole_document<R: io::BufRead>(first: Next, chunks: &mut Chunks<R>) -> Vec<Next> {
    let Next::Lines(first) = first else {
        return vec![first];
    };
    if !std::str::from_utf8(&first.bytes).is_ok_and(is_document) {
        return vec![Next::Lines(first)];
    }
    let mut bytes = first.bytes;
    let mut problems = Vec::new();
    for next in chunks.by_ref() {
        match next {
            Next::Lines(chunk) => bytes.extend_from_slice(&chunk.bytes),
            Next::Problem(problem) => problems.push(Next::Problem(problem)),
        }
        if bytes.len() as u64 > DOCUMENT_MAX {
            break;
        }
    }
    let records = std::str::from_utf8(&bytes).ok().and_then(records_in);
    let lines = records.map_or(bytes, |records| records.join("\n").into_bytes());
    problems.insert(
        0,
        Next::Lines(Chunk {
            bytes: lines,
            first_line: 1,
        }),
    );
    problems
}

/// Makes rows of pieces until there are no more.
fn work(shared: &Shared<'_>, receiver: &Mutex<Receiver<Piece>>) -> io::Result<Found> {
    let mut found = Found::default();
    loop {
        // Only one thread waits for the next piece, the others for it.
        let piece = receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(piece) = piece else {
            break;
        };
        match piece.next {
            Next::Problem(problem) => found.skip(shared, piece.file, problem),
            Next::Lines(chunk) => found.take(shared, piece.file, piece.number, &chunk),
        }
        if found.weight > RUN_BYTES {
            let rows = found.numbered(shared);
            if let Err(error) = shared.runs.spill(rows) {
                // The readers wait for somebody who takes their pieces.
                shared.stop.store(true, Ordering::Relaxed);
                while receiver
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .recv()
                    .is_ok()
                {}
                return Err(error);
            }
        }
    }
    let rows = found.numbered(shared);
    shared.runs.keep(rows);
    Ok(found)
}

impl Found {
    /// The rows so far, with the numbers that names have for all threads.
    fn numbered(&mut self, shared: &Shared<'_>) -> Vec<CallRow> {
        let mut rows = std::mem::take(&mut self.rows);
        let own = std::mem::take(&mut self.names);
        self.weight = 0;
        let mut names = shared.names.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = names.merge(&own);
        drop(names);
        for row in &mut rows {
            numbers.apply(row);
        }
        rows
    }

    fn skip(&mut self, shared: &Shared<'_>, file: usize, problem: RowProblem) {
        *self.skipped.entry(problem.message.clone()).or_insert(0) += 1;
        if shared.options.strict {
            shared.stop.store(true, Ordering::Relaxed);
        }
        self.problems.push((file, problem));
        if self.problems.len() > 4 * PROBLEMS_MAX {
            // The first ones of all threads are among the first ones of each.
            self.problems
                .sort_by_key(|(file, problem)| (*file, problem.line));
            self.problems.truncate(PROBLEMS_MAX);
        }
    }

    fn take(&mut self, shared: &Shared<'_>, file: usize, number: usize, chunk: &Chunk) {
        let mut span: Option<Span> = None;
        let mut line = chunk.first_line;
        let mut each = |found: &mut Self, text: Result<&str, ()>| {
            let parsed = match text.map(|text| text.trim_ascii().trim_start_matches('\u{feff}')) {
                Ok("") => None,
                Ok(text) => Some(parse_line(text)),
                Err(()) => {
                    let problem =
                        RowProblem::at("the line is not UTF-8", "save the file as UTF-8", line);
                    found.skip(shared, file, problem);
                    None
                }
            };
            match parsed {
                Some(Ok(call)) => {
                    let at_us = call.at_us;
                    found.out_of_order += u64::from(span.is_some_and(|span| at_us < span.last_us));
                    let first_us = span.map_or(at_us, |span| span.first_us);
                    span = Some(Span {
                        file,
                        number,
                        first_us,
                        last_us: at_us,
                    });
                    found.call(shared, file, call);
                }
                Some(Err(mut problem)) => {
                    problem.line = Some(line);
                    found.skip(shared, file, problem);
                }
                None => {}
            }
            line += 1;
        };
        if let Ok(text) = std::str::from_utf8(&chunk.bytes) {
            for text in text.split('\n') {
                each(self, Ok(text));
            }
        } else {
            for bytes in chunk.bytes.split(|byte| *byte == b'\n') {
                each(self, std::str::from_utf8(bytes).map_err(|_| ()));
            }
        }
        self.spans.extend(span);
    }

    fn call(&mut self, shared: &Shared<'_>, file: usize, mut call: LoggedCall<'_>) {
        let options = &shared.options;
        let before = options.from_us.is_some_and(|from| call.at_us < from);
        if before || options.to_us.is_some_and(|to| call.at_us >= to) {
            *self.skipped.entry(OUTSIDE.to_owned()).or_insert(0) += 1;
            return;
        }
        self.bodies(shared, file, &mut call);
        let log = &mut self.log;
        log.without_body += u64::from(!call.bodies.has_input);
        log.with_cache_points += u64::from(call.bodies.pieces.iter().any(|piece| piece.points > 0));
        log.with_tools += u64::from(call.bodies.tools > 0);
        log.with_system += u64::from(call.bodies.system_bytes > 0);
        log.system_bytes += call.bodies.system_bytes;
        let row = row_of(&call, &mut self.names, options.profiles, options.salt);
        let empty = Place::default();
        let place = self
            .names
            .places
            .get(usize::from(row.place))
            .unwrap_or(&empty);
        self.columns.note_row(&row, place, options.block_tokens > 0);
        self.weight += weight(&row);
        self.rows.push(row);
    }

    /// Reads bodies that lie in files of their own.
    fn bodies(&mut self, shared: &Shared<'_>, file: usize, call: &mut LoggedCall<'_>) {
        let beside = || !call.request_id.is_empty() && shared.store.has_bodies(file);
        let wants = [
            (
                !call.bodies.has_input && (!call.input_path.is_empty() || beside()),
                false,
            ),
            (
                !call.bodies.has_output && (!call.output_path.is_empty() || beside()),
                true,
            ),
        ];
        for (wanted, is_output) in wants {
            if !wanted {
                continue;
            }
            let path = if is_output {
                &call.output_path
            } else {
                &call.input_path
            };
            let name = BodyName {
                request_id: &call.request_id,
                path,
                is_output,
            };
            let was_named = !path.is_empty();
            let bytes = shared
                .store
                .body(file, &name)
                .and_then(|bytes| unpacked(&bytes));
            let read = bytes.is_some_and(|bytes| {
                if is_output {
                    call.take_output_body(&bytes)
                } else {
                    call.take_input_body(&bytes)
                }
            });
            self.log.bodies_read += u64::from(read);
            self.log.bodies_missing += u64::from(was_named && !read);
        }
    }

    fn join(&mut self, other: Self) {
        self.columns.join(other.columns);
        self.log.add(&other.log);
        for (reason, n) in other.skipped {
            *self.skipped.entry(reason).or_insert(0) += n;
        }
        self.problems.extend(other.problems);
        self.spans.extend(other.spans);
        self.out_of_order += other.out_of_order;
    }
}

fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    plain(bytes)
        .ok()?
        .take(BODY_MAX)
        .read_to_end(&mut out)
        .ok()?;
    Some(out)
}

/// Merges the calls and writes the trace; `None` if there are no calls. The models are named as [`LogRead::names`] has
/// them by then.
///
/// # Errors
/// The runs cannot be read, or the trace cannot be written.
pub fn write_trace(
    read: LogRead,
    options: LogOptions<'_>,
    source: &str,
    out: impl Write,
) -> io::Result<Option<Woven>> {
    let LogRead {
        runs,
        names,
        columns,
        ..
    } = read;
    let sorted_on_disk = runs.written();
    let mut merge = runs.merge()?;
    let Some(first) = merge.next()? else {
        return Ok(None);
    };
    let head = TraceHead {
        source: source.to_owned(),
        licence: "that of the log".to_owned(),
        origin_unix_us: Some(first.at_us),
        block_tokens: options.block_tokens,
        hashed_blocks: true,
        session_clock: false,
        columns,
    };
    let mut writer = Writer {
        woven: Woven {
            tally: ImportTally::default(),
            origin_us: first.at_us,
            copies: 0,
            spread: false,
            sorted_on_disk,
        },
        weaver: Weaver::new(options.salt, options.block_tokens, &names.models),
        text: head.text(),
        head,
        names: &names,
        blocks: Vec::new(),
        out,
    };
    writer.all(first, &mut merge)?;
    writer.out.write_all(writer.text.as_bytes())?;
    writer.out.flush()?;
    Ok(Some(writer.woven))
}

struct Writer<'a, W> {
    woven: Woven,
    weaver: Weaver,
    head: TraceHead,
    names: &'a Names,
    blocks: Vec<u32>,
    text: String,
    out: W,
}

impl<W: Write> Writer<'_, W> {
    fn all(&mut self, first: CallRow, merge: &mut Merge) -> io::Result<()> {
        // Calls of one stamp, which are spread over its second.
        let mut same = vec![first];
        while let Some(row) = merge.next()? {
            let last = same.last().map(CallRow::key);
            if row.id != 0 && last == Some(row.key()) {
                self.woven.copies += 1;
                continue;
            }
            if last.is_some_and(|(at_us, ..)| at_us != row.at_us) {
                self.write(&same)?;
                same.clear();
            }
            same.push(row);
        }
        self.write(&same)
    }

    fn write(&mut self, same: &[CallRow]) -> io::Result<()> {
        const BUFFER: usize = 1 << 18;
        for (index, row) in same.iter().enumerate() {
            let shift = shift_in_second(row.at_us, index, same.len());
            self.woven.spread |= shift > 0;
            self.blocks.clear();
            let record = self.weaver.weave(row, shift, &mut self.blocks);
            self.woven.tally.take(&record);
            let names = TraceNames {
                models: &self.names.models,
                clients: &self.names.clients,
                places: &self.names.places,
            };
            self.head.row(&mut self.text, &record, &self.blocks, names);
        }
        if self.text.len() > BUFFER {
            self.out.write_all(self.text.as_bytes())?;
            self.text.clear();
        }
        Ok(())
    }
}
