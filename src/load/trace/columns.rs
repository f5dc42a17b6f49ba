//! CSV and JSON-lines files whose columns the user names.

use std::borrow::Cow;
use std::io::BufRead;

use serde_json::Value;

use super::error::{RowProblem, TraceError};
use super::rows::{Lines, RawRow, RowSink, columns, csv_fields, field, time_number, tokens};
use super::stamp::timestamp_ns;
use super::{Columns, TimeUnit, Trace};

/// The time of a row in nanoseconds.
pub(super) fn time(text: &str, unit: TimeUnit, name: &str) -> Result<i128, RowProblem> {
    match unit {
        TimeUnit::Seconds => time_number(text, 1_000_000_000, name),
        TimeUnit::Millis => time_number(text, 1_000_000, name),
        TimeUnit::Micros => time_number(text, 1_000, name),
        TimeUnit::Nanos => time_number(text, 1, name),
        TimeUnit::Timestamp => timestamp_ns(text).ok_or_else(|| {
            RowProblem::new(
                "not a time stamp",
                "write it as 2023-11-16 18:17:03.979, with up to nine digits of a second and an \
                 optional Z or +01:00",
            )
            .field(name)
            .value(text)
        }),
    }
}

/// Reads a CSV file with a header.
pub(super) fn read_csv(names: &Columns, bytes: impl BufRead) -> Result<Trace, TraceError> {
    let mut lines = Lines::new(bytes);
    let mut sink = RowSink::new(0);
    let wanted = [&*names.at, &*names.input, &*names.output];
    let (places, session) = match lines.next()? {
        Some((line, header)) => {
            let places = columns(line, header, wanted)?;
            let session = match &names.session {
                Some(name) => Some(columns(line, header, [name])?[0]),
                None => None,
            };
            (places, session)
        }
        None => return sink.finish(),
    };
    loop {
        match lines.next() {
            Ok(None) => break,
            Ok(Some((line, text))) => match csv_fields(text) {
                Err(problem) => sink.take(line, Err(problem)),
                Ok(fields) => sink.take(line, csv_row(names, &fields, places, session)),
            },
            Err(problem) => {
                let readable = problem.line.is_some();
                sink.problem(problem);
                if !readable {
                    break;
                }
            }
        }
    }
    sink.finish()
}

fn csv_row<'a>(
    names: &Columns,
    fields: &'a [Cow<'_, str>],
    [at, input, output]: [usize; 3],
    session: Option<usize>,
) -> Result<RawRow<'a>, RowProblem> {
    Ok(RawRow {
        at_ns: time(field(fields, at, &names.at)?, names.at_unit, &names.at)?,
        input: tokens(field(fields, input, &names.input)?, &names.input)?,
        output: tokens(field(fields, output, &names.output)?, &names.output)?,
        session: match session {
            Some(index) => Some(field(
                fields,
                index,
                names.session.as_deref().unwrap_or(""),
            )?),
            None => None,
        },
        blocks: &[],
    })
}

/// Reads JSON lines; a name with dots is also looked up as a path.
pub(super) fn read_jsonl(names: &Columns, bytes: impl BufRead) -> Result<Trace, TraceError> {
    read_json_rows(bytes, 0, |value, sink, line| {
        let session = match &names.session {
            None => Ok(None),
            Some(name) => json_text(value, name).map(Some),
        };
        let row = json_numbers(value, names);
        let row = session.and_then(|session| row.map(|row| (session, row)));
        match row {
            Ok((session, (at_ns, input, output))) => sink.take(
                line,
                Ok(RawRow {
                    at_ns,
                    input,
                    output,
                    session: session.as_deref(),
                    blocks: &[],
                }),
            ),
            Err(problem) => sink.take(line, Err(problem)),
        }
    })
}

/// Parses each line as a JSON object and hands it on.
pub(super) fn read_json_rows(
    bytes: impl BufRead,
    block_tokens: u32,
    mut each: impl FnMut(&Value, &mut RowSink, u64),
) -> Result<Trace, TraceError> {
    let mut lines = Lines::new(bytes);
    let mut sink = RowSink::new(block_tokens);
    loop {
        match lines.next() {
            Ok(None) => break,
            Ok(Some((line, text))) => match json_object(text) {
                Ok(value) => each(&value, &mut sink, line),
                Err(problem) => sink.take(line, Err(problem)),
            },
            Err(problem) => {
                let readable = problem.line.is_some();
                sink.problem(problem);
                if !readable {
                    break;
                }
            }
        }
    }
    sink.finish()
}

pub(super) fn json_object(text: &str) -> Result<Value, RowProblem> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err(RowProblem::new(
            "the line is not a JSON object",
            "give one object like {\"timestamp\": 0} per line",
        )
        .value(text)),
        Err(error) if error.is_eof() => Err(RowProblem::new(
            "the JSON object is cut off",
            "finish or remove the line; the file may not have been copied whole",
        )
        .value(text)),
        Err(error) => Err(RowProblem::new(
            format!("not JSON at column {}", error.column()),
            "give one JSON object per line",
        )
        .value(text)),
    }
}

/// Time in nanoseconds, input and output tokens of a JSON row.
pub(super) fn json_numbers(value: &Value, names: &Columns) -> Result<(i128, u32, u32), RowProblem> {
    Ok((
        time(&json_text(value, &names.at)?, names.at_unit, &names.at)?,
        tokens(&json_text(value, &names.input)?, &names.input)?,
        tokens(&json_text(value, &names.output)?, &names.output)?,
    ))
}

/// A string or number of a JSON row as text.
fn json_text(value: &Value, name: &str) -> Result<String, RowProblem> {
    match json_field(value, name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(other) => Err(
            RowProblem::new("neither a number nor a string", "mend the field")
                .field(name)
                .value(&other.to_string()),
        ),
        None => Err(RowProblem::new(
            "the field is missing",
            format!("each line needs a field `{name}`"),
        )
        .field(name)),
    }
}

pub(super) fn json_field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value
        .get(name)
        .or_else(|| name.split('.').try_fold(value, |inner, key| inner.get(key)))
}
