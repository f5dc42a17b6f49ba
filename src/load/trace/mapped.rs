//! Records of files with columns: CSV, JSON lines and Parquet, by a map of names.

use std::borrow::Cow;
use std::io::BufRead;

use serde_json::Value;

use super::columns::{json_field, json_object, time};
use super::error::{RowProblem, TraceError};
use super::record::{CallEnd, Place, Record};
use super::rows::{Lines, csv_fields, field, tokens};
use super::sink::{Reading, RecordSink};
use super::{Columns, TimeUnit};
use crate::units::Micros;

/// Names of columns beyond those of [`Columns`], where a file has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoreColumns {
    /// The model.
    pub model: Option<String>,
    /// The client: caller, application or key.
    pub client: Option<String>,
    /// The Region that was called.
    pub region: Option<String>,
    /// Input tokens read from a cache.
    pub cache_read: Option<String>,
    /// Input tokens written to a cache.
    pub cache_write: Option<String>,
    /// Whether the input column counts the cached tokens too.
    pub input_has_cached: bool,
    /// The `max_tokens` that was asked for.
    pub max_tokens: Option<String>,
    /// From the start to the first token.
    pub ttft: Option<String>,
    /// From the start to the end.
    pub latency: Option<String>,
    /// How the two latencies are written; milliseconds if the map does not say.
    pub latency_unit: Option<TimeUnit>,
    /// How the call ended: a word of [`CallEnd::name`], or an HTTP status.
    pub end: Option<String>,
}

/// Gives the text of a column of one row; `None` if the row lacks it.
pub(super) type Cell<'r> = dyn Fn(&str) -> Option<Cow<'r, str>> + 'r;

/// The record of one row by the map.
pub(super) fn record(
    sink: &mut RecordSink,
    names: &Columns,
    more: &MoreColumns,
    cell: &Cell<'_>,
) -> Result<(i128, Record), RowProblem> {
    let needed = |name: &str| {
        cell(name).ok_or_else(|| {
            RowProblem::new(
                "a field is missing",
                format!("each row needs a value of `{name}`"),
            )
            .field(name)
        })
    };
    let given = |name: &Option<String>| -> Option<Cow<'_, str>> {
        cell(name.as_deref()?).filter(|text| !text.is_empty())
    };
    let count = |name: &Option<String>| -> Result<Option<u32>, RowProblem> {
        let text = given(name);
        let number = text.map(|text| maybe_zero(&text, name.as_deref().unwrap_or_default()));
        number.transpose()
    };
    let unit = more.latency_unit.unwrap_or(TimeUnit::Millis);
    let span = |name: &Option<String>| -> Result<Option<Micros>, RowProblem> {
        let Some(text) = given(name) else {
            return Ok(None);
        };
        let ns = time(&text, unit, name.as_deref().unwrap_or_default())?;
        Ok(u64::try_from(ns / 1000).ok().map(Micros))
    };
    let at_ns = time(&needed(&names.at)?, names.at_unit, &names.at)?;
    let input = maybe_zero(&needed(&names.input)?, &names.input)?;
    let output = maybe_zero(&needed(&names.output)?, &names.output)?;
    let (read, write) = (count(&more.cache_read)?, count(&more.cache_write)?);
    let (read, write) = (read.unwrap_or(0), write.unwrap_or(0));
    let max_tokens = count(&more.max_tokens)?;
    let (ttft, latency) = (span(&more.ttft)?, span(&more.latency)?);
    let end = given(&more.end).map(|text| end_of(&text)).transpose()?;
    let end = end.unwrap_or_default();
    if input == 0 && end == CallEnd::Answered {
        return Err(RowProblem::new(
            "zero tokens",
            "remove requests that were refused, or name the column `end`",
        )
        .field(&names.input));
    }
    let session = names.session.as_deref().and_then(cell);
    let region = given(&more.region).map(Cow::into_owned);
    Ok((
        at_ns,
        Record {
            model: given(&more.model).map_or(0, |name| sink.models.of(&name)) as u16,
            client: given(&more.client).map_or(0, |name| sink.clients.of(&name)),
            place: region.map_or(0, |region| {
                sink.place(&Place {
                    region,
                    ..Place::default()
                })
            }),
            session: sink.session(session.as_deref()),
            input: if more.input_has_cached {
                input.saturating_sub(read).saturating_sub(write)
            } else {
                input
            },
            cache_read: read,
            cache_write: write,
            output,
            max_tokens,
            ttft,
            latency,
            end,
            attempt: 1,
            ..Record::default()
        },
    ))
}

/// A count of tokens from zero on.
pub(super) fn maybe_zero(text: &str, name: &str) -> Result<u32, RowProblem> {
    match text {
        "0" | "0.0" => Ok(0),
        _ => tokens(text, name),
    }
}

/// A word of [`CallEnd::name`], or an HTTP status.
fn end_of(text: &str) -> Result<CallEnd, RowProblem> {
    if let Some(end) = CallEnd::named(text) {
        return Ok(end);
    }
    match text.parse::<u16>() {
        Ok(200..=299) => Ok(CallEnd::Answered),
        Ok(408) => Ok(CallEnd::TimedOut),
        Ok(429) => Ok(CallEnd::Throttled),
        Ok(503) => Ok(CallEnd::Unavailable),
        Ok(424 | 500..=599) => Ok(CallEnd::Failed),
        Ok(400..=499) => Ok(CallEnd::Rejected),
        _ => Err(RowProblem::new(
            "not an end of a call",
            "give an HTTP status, or one of answered, blocked, throttled, unavailable, rejected, failed, \
             timed_out",
        )
        .value(text)),
    }
}

/// Reads a CSV file with a header, row by row.
pub(super) fn csv_rows(
    bytes: impl BufRead,
    needed: &[&str],
    sink: &mut RecordSink,
    mut each: impl FnMut(&mut RecordSink, &Cell<'_>) -> Result<(), RowProblem>,
) -> Result<(), TraceError> {
    let mut lines = Lines::new(bytes);
    let header: Vec<String> = match lines.next()? {
        Some((line, text)) => {
            let fields = csv_fields(text).map_err(|problem| problem.line(line))?;
            let header: Vec<String> = fields.into_iter().map(Cow::into_owned).collect();
            missing(line, text, &header, needed)?;
            header
        }
        None => return Ok(()),
    };
    loop {
        match lines.next() {
            Ok(None) => return Ok(()),
            Ok(Some((line, text))) => {
                let taken = csv_fields(text).and_then(|fields| {
                    field(&fields, header.len().saturating_sub(1), "").map_err(|mut problem| {
                        problem.field = None;
                        "the row has too few fields".clone_into(&mut problem.message);
                        problem.value(text)
                    })?;
                    each(sink, &|name| {
                        let at = header.iter().position(|column| column == name)?;
                        fields.get(at).map(|text| Cow::Borrowed(text.as_ref()))
                    })
                });
                if let Err(problem) = taken {
                    sink.skip(problem.line(line));
                }
            }
            Err(problem) => {
                let readable = problem.line.is_some();
                sink.skip(problem);
                if !readable {
                    return Ok(());
                }
            }
        }
    }
}

fn missing(line: u64, text: &str, header: &[String], needed: &[&str]) -> Result<(), TraceError> {
    let mut error = TraceError::default();
    for name in needed
        .iter()
        .filter(|name| !header.iter().any(|h| h == *name))
    {
        error.push(
            RowProblem::new(
                "the column is missing",
                format!("the header needs a column `{name}`"),
            )
            .line(line)
            .field(name)
            .value(text),
        );
    }
    if error.is_empty() { Ok(()) } else { Err(error) }
}

/// The columns that a map names.
pub(super) fn named<'m>(names: &'m Columns, more: &'m MoreColumns) -> Vec<&'m str> {
    let mut all = vec![&*names.at, &*names.input, &*names.output];
    let optional = [
        &names.session,
        &more.model,
        &more.client,
        &more.region,
        &more.cache_read,
        &more.cache_write,
        &more.max_tokens,
        &more.ttft,
        &more.latency,
        &more.end,
    ];
    all.extend(optional.into_iter().filter_map(|name| name.as_deref()));
    all
}

/// Reads a CSV file by a map.
pub(super) fn read_csv(
    names: &Columns,
    more: &MoreColumns,
    bytes: impl BufRead,
) -> Result<Reading, TraceError> {
    let mut sink = RecordSink::default();
    sink.dated(names.at_unit == TimeUnit::Timestamp);
    csv_rows(bytes, &named(names, more), &mut sink, |sink, cell| {
        let (at_ns, call) = record(sink, names, more, cell)?;
        sink.take(at_ns, call, &[]);
        Ok(())
    })?;
    sink.finish()
}

/// Reads JSON lines by a map; a name with dots is also looked up as a path.
pub(super) fn read_jsonl(
    names: &Columns,
    more: &MoreColumns,
    bytes: impl BufRead,
) -> Result<Reading, TraceError> {
    let mut sink = RecordSink::default();
    sink.dated(names.at_unit == TimeUnit::Timestamp);
    json_rows(bytes, &mut sink, |sink, value| {
        let (at_ns, call) = record(sink, names, more, &|name| json_cell(value, name))?;
        sink.take(at_ns, call, &[]);
        Ok(())
    });
    sink.finish()
}

/// A number or a text of a JSON row.
pub(super) fn json_cell<'v>(value: &'v Value, name: &str) -> Option<Cow<'v, str>> {
    match json_field(value, name)? {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// Reads JSON lines, each an object.
pub(super) fn json_rows(
    bytes: impl BufRead,
    sink: &mut RecordSink,
    mut each: impl FnMut(&mut RecordSink, &Value) -> Result<(), RowProblem>,
) {
    let mut lines = Lines::new(bytes);
    loop {
        match lines.next() {
            Ok(None) => return,
            Ok(Some((line, text))) => {
                let taken = json_object(text).and_then(|value| each(sink, &value));
                if let Err(mut problem) = taken {
                    if problem.message.starts_with("not JSON") {
                        // The column would make a reason of its own of every bad line.
                        "not JSON".clone_into(&mut problem.message);
                    }
                    sink.skip(problem.line(line));
                }
            }
            Err(problem) => {
                let readable = problem.line.is_some();
                sink.skip(problem);
                if !readable {
                    return;
                }
            }
        }
    }
}
