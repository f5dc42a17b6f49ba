//! What all readers share: lines with numbers, CSV fields, numbers, and the checks on rows.

use std::borrow::Cow;
use std::io::{BufRead, Read};

use rustc_hash::FxHashMap;

use super::error::{RowProblem, TraceError};
use super::{Trace, TraceRow};
use crate::units::Micros;

/// A longer line is no request.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Lines of a text, numbered from 1.
pub(in crate::load) struct Lines<R> {
    source: R,
    number: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(in crate::load) fn new(source: R) -> Self {
        Self {
            source,
            number: 0,
            buffer: Vec::new(),
        }
    }

    /// The next line that is not blank, without its end; `Ok(None)` at the end of the file.
    ///
    /// An error without a line number means that no further line can be read.
    pub(in crate::load) fn next(&mut self) -> Result<Option<(u64, &str)>, RowProblem> {
        loop {
            self.buffer.clear();
            let mut limited = (&mut self.source).take(LINE_BYTES_MAX);
            if let Err(error) = limited.read_until(b'\n', &mut self.buffer) {
                return Err(RowProblem::new(
                    format!("reading stopped after line {}: {error}", self.number),
                    "check that the file is whole and readable",
                ));
            }
            if self.buffer.is_empty() {
                return Ok(None);
            }
            self.number += 1;
            if self.buffer.len() as u64 == LINE_BYTES_MAX {
                return Err(RowProblem::new(
                    format!("line {} is longer than 16 MiB", self.number),
                    "give one request per line",
                ));
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let mut bytes = self.buffer.trim_ascii();
        if self.number == 1 {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some((self.number, text))),
            Err(_) => Err(
                RowProblem::new("the line is not UTF-8", "save the file as UTF-8")
                    .line(self.number),
            ),
        }
    }
}

/// Splits a CSV line; quoted fields may hold commas and doubled quotes, but no line ends.
pub(in crate::load) fn csv_fields(line: &str) -> Result<Vec<Cow<'_, str>>, RowProblem> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let trimmed = rest.trim_start();
        let after = if let Some(quoted) = trimmed.strip_prefix('"') {
            let (field, after) = quoted_field(quoted)?;
            fields.push(Cow::Owned(field));
            after.trim_start()
        } else {
            let end = trimmed.find(',').unwrap_or(trimmed.len());
            fields.push(Cow::Borrowed(trimmed[..end].trim_end()));
            &trimmed[end..]
        };
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => {
                return Err(RowProblem::new(
                    "text after a closing quote",
                    "put a comma between fields",
                )
                .value(after));
            }
        }
    }
}

fn quoted_field(text: &str) -> Result<(String, &str), RowProblem> {
    let mut field = String::new();
    let mut rest = text;
    while let Some(quote) = rest.find('"') {
        field.push_str(&rest[..quote]);
        rest = &rest[quote + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Ok((field, rest)),
        }
    }
    Err(RowProblem::new(
        "a quote is not closed on its line",
        "keep each request on one line; leave text columns out",
    ))
}

/// Positions of wanted columns in a header.
pub(in crate::load) fn columns<const N: usize>(
    line: u64,
    header: &str,
    wanted: [&str; N],
) -> Result<[usize; N], TraceError> {
    let fields = csv_fields(header).map_err(|p| p.line(line))?;
    let mut error = TraceError::default();
    let found = wanted.map(|name| {
        fields.iter().position(|f| f == name).unwrap_or_else(|| {
            error.push(
                RowProblem::new(
                    "the column is missing",
                    format!("the header needs a column `{name}`"),
                )
                .line(line)
                .field(name)
                .value(header),
            );
            0
        })
    });
    if error.is_empty() {
        Ok(found)
    } else {
        Err(error)
    }
}

/// A field of a row by its position.
pub(in crate::load) fn field<'a>(
    fields: &'a [Cow<'_, str>],
    index: usize,
    name: &str,
) -> Result<&'a str, RowProblem> {
    fields.get(index).map(AsRef::as_ref).ok_or_else(|| {
        RowProblem::new(
            format!("the row has only {} fields", fields.len()),
            "give as many fields as the header has, or remove the row if the file was cut off",
        )
        .field(name)
    })
}

/// A whole number of tokens from 1 on. `12.0` is taken too, since some tools write counts so.
pub(super) fn tokens(text: &str, name: &str) -> Result<u32, RowProblem> {
    let whole = text.strip_suffix(".0").unwrap_or(text);
    let problem =
        |message: &str, help: &str| RowProblem::new(message, help).field(name).value(text);
    match whole.parse::<u32>() {
        Ok(0) => Err(problem(
            "zero tokens",
            "remove requests that were refused or had no answer",
        )),
        Ok(n) => Ok(n),
        Err(_) if whole.parse::<i128>().is_ok_and(|n| n < 0) => {
            Err(problem("a negative token count", "token counts start at 1"))
        }
        Err(_) if whole.parse::<i128>().is_ok() => Err(problem(
            "the token count is too large",
            "counts reach to 4294967295",
        )),
        Err(_) => Err(problem(
            "not a whole number of tokens",
            "write digits only, such as 1469",
        )),
    }
}

/// A number of `unit_ns` nanoseconds each, exactly where it is written as a decimal.
pub(super) fn time_number(text: &str, unit_ns: u32, name: &str) -> Result<i128, RowProblem> {
    let problem =
        |message: &str, help: &str| RowProblem::new(message, help).field(name).value(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if !whole.is_empty()
        && whole.len() <= 20
        && fraction.len() <= 15
        && digits(whole)
        && digits(fraction)
    {
        let scale = 10i128.pow(fraction.len() as u32);
        let value = format!("{whole}{fraction}").parse::<i128>();
        if let Ok(value) = value {
            return Ok(value * i128::from(unit_ns) / scale);
        }
    }
    match text.parse::<f64>() {
        Ok(value) if !value.is_finite() => Err(problem(
            "the time is not finite",
            "remove the row or mend its time",
        )),
        Ok(value) if value < 0.0 => Err(problem(
            "a negative time",
            "times start at zero or at any later moment",
        )),
        // Times up to 10^20 ns are three thousand years.
        Ok(value) if value * f64::from(unit_ns) > 1e20 => Err(problem(
            "the time is too large",
            "check the unit of the time column",
        )),
        Ok(value) => Ok((value * f64::from(unit_ns)) as i128),
        Err(_) => Err(problem(
            "not a number",
            "write a number such as 12.5, or name the unit `timestamp` for dates",
        )),
    }
}

/// Collects rows and problems.
#[derive(Default)]
pub(super) struct RowSink {
    trace: Trace,
    first_ns: Option<i128>,
    last_ns: i128,
    sessions: FxHashMap<String, u32>,
    next_session: u32,
    error: TraceError,
}

/// A row as a reader found it.
pub(super) struct RawRow<'a> {
    pub at_ns: i128,
    pub input: u32,
    pub output: u32,
    pub session: Option<&'a str>,
    pub blocks: &'a [u32],
}

impl RowSink {
    pub(super) fn new(block_tokens: u32) -> Self {
        let mut sink = Self::default();
        sink.trace.block_tokens = block_tokens;
        sink
    }

    /// Takes the outcome of one line.
    pub(super) fn take(&mut self, line: u64, row: Result<RawRow<'_>, RowProblem>) {
        if let Err(problem) = row.and_then(|row| self.push(&row)) {
            self.error.push(if problem.line.is_none() {
                problem.line(line)
            } else {
                problem
            });
        }
    }

    pub(super) fn problem(&mut self, problem: RowProblem) {
        self.error.push(problem);
    }

    fn push(&mut self, row: &RawRow<'_>) -> Result<(), RowProblem> {
        let first = *self.first_ns.get_or_insert(row.at_ns);
        if row.at_ns < first.max(self.last_ns) {
            return Err(RowProblem::new(
                "the time is before that of the row above",
                "sort the file by time",
            ));
        }
        let since = u64::try_from((row.at_ns - first) / 1000).map_err(|_| {
            RowProblem::new("the time is too far from the first one", "check the times")
        })?;
        let too_many = || {
            RowProblem::new(
                "too many rows",
                "split the file; row numbers reach to 4294967295",
            )
        };
        let blocks_start = u32::try_from(self.trace.blocks.len()).map_err(|_| too_many())?;
        if self.trace.rows.len() >= u32::MAX as usize
            || self.trace.blocks.len() + row.blocks.len() > u32::MAX as usize
        {
            return Err(too_many());
        }
        self.last_ns = row.at_ns;
        self.trace.blocks.extend_from_slice(row.blocks);
        let session = self.session(row.session);
        self.trace.rows.push(TraceRow {
            at: Micros(since),
            input: row.input,
            output: row.output,
            session,
            blocks_start,
            blocks_len: row.blocks.len() as u32,
        });
        Ok(())
    }

    fn session(&mut self, name: Option<&str>) -> u32 {
        let fresh = self.next_session;
        let number = match name.filter(|n| !n.is_empty()) {
            Some(name) => *self.sessions.entry(name.to_owned()).or_insert(fresh),
            None => fresh,
        };
        if number == fresh {
            self.next_session = fresh.saturating_add(1);
        }
        number
    }

    pub(super) fn finish(mut self) -> Result<Trace, TraceError> {
        if self.error.is_empty() && self.trace.rows.is_empty() {
            self.error.push(RowProblem::new(
                "the file holds no requests",
                "give at least one row after the header",
            ));
        }
        if self.error.is_empty() {
            Ok(self.trace)
        } else {
            Err(self.error)
        }
    }
}
