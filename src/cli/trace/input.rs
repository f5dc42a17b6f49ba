//! Reading a file of recorded traffic.

use crate::cli::args::TraceInput;
use crate::cli::exit::Exit;
use crate::cli::inputs::Stopped;
use crate::cli::term::talk;
use crate::load::trace::{Columns, Recorded, TraceFormat, read_records};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

/// Bytes from which a format is told.
const BEGINNING: usize = 4096;

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
    let file = File::open(&args.file)
        .map_err(|error| invalid(format!("cannot read `{name}`: {error}")))?;
    let mut plain = BufReader::with_capacity(1 << 16, file);
    let start = plain
        .fill_buf()
        .map_err(|error| invalid(format!("cannot read `{name}`: {error}")))?;
    let mut bytes: Box<dyn BufRead> = if start.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::with_capacity(
            1 << 16,
            flate2::bufread::MultiGzDecoder::new(plain),
        ))
    } else {
        Box::new(plain)
    };
    let format = match args.kind {
        Some(format) => format,
        None => {
            let mut beginning = Vec::new();
            let read = bytes
                .by_ref()
                .take(BEGINNING as u64)
                .read_to_end(&mut beginning);
            read.map_err(|error| invalid(format!("cannot read `{name}`: {error}")))?;
            let told = told(&String::from_utf8_lossy(&beginning)).ok_or_else(|| {
                invalid(format!(
                    "the format of `{name}` cannot be told from its beginning\n  help: name it with --as; csv and \
                     jsonl need --at, --input and --output too"
                ))
            })?;
            bytes = Box::new(std::io::Cursor::new(beginning).chain(bytes));
            told
        }
    };
    let columns = columns(args);
    read_records(format, columns.as_ref(), bytes)
        .map_err(|error| invalid(format!("`{name}` cannot be used\n{error}")))
}

fn told(beginning: &str) -> Option<TraceFormat> {
    let first = beginning.trim_start_matches('\u{feff}').lines().next()?;
    match first {
        line if line.starts_with("# bedload.trace/") => Some(TraceFormat::Bedload),
        line if line.contains("ContextTokens") => Some(TraceFormat::Azure),
        line if line.contains("\"hash_ids\"") => Some(TraceFormat::Mooncake),
        line if line.contains("\"scheduled_us\"") => Some(TraceFormat::Attempts),
        _ => None,
    }
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
