//! Reading a file of recorded traffic.

use crate::cli::args::TraceInput;
use crate::cli::exit::Exit;
use crate::cli::inputs::Stopped;
use crate::cli::term::talk;
use crate::load::trace::{Columns, ReadOptions, Recorded, TraceFormat, read_all};
use std::fs::File;
use std::io::{BufRead, BufReader};

/// The calls of the file that the command names.
///
/// # Errors
/// Said on stderr: no such file, an unknown format, or what is wrong in it.
pub fn read(args: &TraceInput) -> Result<Recorded, Stopped> {
    let name = args.file.display();
    let invalid = |why: String| {
        talk(&format!("error: {why}"));
        Exit::InvalidFile
    };
    let unreadable = |error| invalid(format!("cannot read `{name}`: {error}"));
    let file = File::open(&args.file).map_err(unreadable)?;
    let mut bytes = BufReader::with_capacity(1 << 16, file);
    let format = if let Some(format) = args.kind {
        format
    } else {
        let first = bytes.fill_buf().map_err(unreadable)?;
        TraceFormat::detect(&args.file.to_string_lossy(), first).ok_or_else(|| {
                invalid(format!(
                    "the format of `{name}` cannot be told\n  help: name it with `--as`; `csv` and `jsonl` need \
                     `--at`, `--input` and `--output` too"
                ))
            })?
    };
    let options = ReadOptions {
        columns: columns(args),
        ..ReadOptions::default()
    };
    let reading = read_all(format, &options, bytes)
        .map_err(|error| invalid(format!("`{name}` cannot be used\n{error}")))?;
    Ok(reading.recorded)
}

fn columns(args: &TraceInput) -> Option<Columns> {
    Some(Columns {
        at: args.at.clone()?,
        at_unit: args.at_unit,
        input: args.input.clone()?,
        output: args.output.clone()?,
        session: args.session.clone(),
    })
}
