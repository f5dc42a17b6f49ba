//! Parquet files, by a map of columns.

use std::borrow::Cow;
use std::io::BufRead;

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};

use super::error::{RowProblem, TraceError};
use super::mapped::{MoreColumns, named, record};
use super::sink::{Reading, RecordSink};
use super::{Columns, TimeUnit};

/// Reads the rows. Columns of times of the calendar count as `timestamp`, whatever the map says of them.
pub(super) fn read(
    names: &Columns,
    more: &MoreColumns,
    mut bytes: impl BufRead,
) -> Result<Reading, TraceError> {
    let mut all = Vec::new();
    let damaged = |error: &dyn std::fmt::Display| {
        RowProblem::new(
            format!("not a Parquet file that can be read: {error}"),
            "check that the file is whole",
        )
    };
    bytes
        .read_to_end(&mut all)
        .map_err(|error| damaged(&error))?;
    let reader = SerializedFileReader::new(Bytes::from(all)).map_err(|error| damaged(&error))?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let columns: Vec<&str> = schema
        .columns()
        .iter()
        .map(|column| column.name())
        .collect();
    let mut error = TraceError::default();
    for name in named(names, more) {
        if !columns.contains(&name) {
            let help = format!("the columns are {}", columns.join(", "));
            error.push(RowProblem::new("the column is missing", help).field(name));
        }
    }
    if !error.is_empty() {
        return Err(error);
    }
    let rows = reader.get_row_iter(None).map_err(|error| damaged(&error))?;
    let mut sink = RecordSink::default();
    let mut names = names.clone();
    let mut number = 0;
    for row in rows {
        number += 1;
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                // What follows a damaged page cannot be found.
                sink.skip(damaged(&error).line(number));
                break;
            }
        };
        if let Some(unit) = unit_of(&row, &names.at) {
            names.at_unit = unit;
        }
        match record(&mut sink, &names, more, &|name| text(&row, name)) {
            Ok((at_ns, call)) => sink.take(at_ns, call, &[]),
            Err(problem) => sink.skip(problem.line(number)),
        }
    }
    let dated = number > 0 && names.at_unit == TimeUnit::Timestamp || is_dated(&reader, &names.at);
    sink.dated(dated);
    sink.finish()
}

fn find<'r>(row: &'r Row, name: &str) -> Option<&'r Field> {
    row.get_column_iter()
        .find(|(column, _)| *column == name)
        .map(|(_, field)| field)
}

/// How a column of times is written, where its type tells.
fn unit_of(row: &Row, name: &str) -> Option<TimeUnit> {
    match find(row, name)? {
        Field::TimestampMillis(_) => Some(TimeUnit::Millis),
        Field::TimestampMicros(_) => Some(TimeUnit::Micros),
        _ => None,
    }
}

fn is_dated(reader: &SerializedFileReader<Bytes>, name: &str) -> bool {
    let Ok(mut rows) = reader.get_row_iter(None) else {
        return false;
    };
    matches!(rows.next(), Some(Ok(row)) if unit_of(&row, name).is_some())
}

/// A field as text; `None` if it is null or no single value.
fn text<'r>(row: &'r Row, name: &str) -> Option<Cow<'r, str>> {
    let owned = |text: String| Some(Cow::Owned(text));
    match find(row, name)? {
        Field::Str(text) => Some(Cow::Borrowed(text)),
        Field::Byte(n) => owned(n.to_string()),
        Field::Short(n) => owned(n.to_string()),
        Field::Int(n) => owned(n.to_string()),
        Field::Long(n) | Field::TimestampMillis(n) | Field::TimestampMicros(n) => {
            owned(n.to_string())
        }
        Field::UByte(n) => owned(n.to_string()),
        Field::UShort(n) => owned(n.to_string()),
        Field::UInt(n) => owned(n.to_string()),
        Field::ULong(n) => owned(n.to_string()),
        Field::Float(n) => owned(n.to_string()),
        Field::Double(n) => owned(n.to_string()),
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data()).ok().map(Cow::Borrowed),
        _ => None,
    }
}
