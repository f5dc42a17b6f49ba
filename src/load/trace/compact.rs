//! Bedload's own request format, `bedload.trace/1`: commented CSV.
//!
//! ```text
//! # bedload.trace/1
//! # source: where the requests come from
//! # licence: CC-BY 4.0
//! at_us,input_tokens,output_tokens,session
//! 0,4808,10,1
//! 52000,3180,8,2
//! ```
//!
//! `session` is optional. A trace with prefix blocks has a further comment `# block_tokens: 512`
//! and a column `blocks` with block numbers apart by spaces.

use std::borrow::Cow;
use std::fmt::Write;
use std::io::BufRead;

use rustc_hash::FxHashSet;

use super::Trace;
use super::error::{RowProblem, TraceError};
use super::rows::{Lines, RawRow, RowSink, csv_fields, field, time_number, tokens};

pub(super) const FIRST_LINE: &str = "# bedload.trace/1";

/// The columns of a header, where the last two may be missing.
struct Header {
    session: Option<usize>,
    blocks: Option<usize>,
}

/// Whether a file has columns that are not replayed.
pub(super) fn has_more(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let header = lines.find(|line| !line.starts_with(b"#") && !line.trim_ascii().is_empty());
    let names = header.map(|line| String::from_utf8_lossy(line).into_owned());
    names.is_some_and(|names| {
        names.split(',').map(str::trim).any(|name| {
            !matches!(
                name,
                "at_us" | "input_tokens" | "output_tokens" | "session" | "blocks"
            )
        })
    })
}

/// Reads the format.
pub(super) fn read(bytes: impl BufRead) -> Result<Trace, TraceError> {
    let mut lines = Lines::new(bytes);
    let mut block_tokens = 0;
    match lines.next()? {
        Some((_, text)) if text == FIRST_LINE => {}
        Some((line, text)) => return Err(bad_first_line(line, text).into()),
        None => return RowSink::new(0).finish(),
    }
    let header = loop {
        match lines.next()? {
            None => return RowSink::new(0).finish(),
            Some((line, text)) => match text.strip_prefix('#') {
                Some(comment) => {
                    if let Some(value) = comment.trim().strip_prefix("block_tokens:") {
                        block_tokens =
                            tokens(value.trim(), "block_tokens").map_err(|p| p.line(line))?;
                    }
                }
                None => break header(text).map_err(|p| p.line(line))?,
            },
        }
    };
    let mut sink = RowSink::new(block_tokens);
    let mut blocks = Vec::new();
    loop {
        match lines.next() {
            Ok(None) => break,
            Ok(Some((_, text))) if text.starts_with('#') => {}
            Ok(Some((line, text))) => match csv_fields(text) {
                Err(problem) => sink.take(line, Err(problem)),
                Ok(fields) => sink.take(line, row(&fields, &header, &mut blocks)),
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

pub(super) fn bad_first_line(line: u64, text: &str) -> RowProblem {
    let newer = text.starts_with("# bedload.trace/");
    RowProblem::new(
        if newer {
            "a version that is not known"
        } else {
            "not a bedload trace"
        },
        if newer {
            "use a newer bedload, or write the file as version 1".to_owned()
        } else {
            format!("the first line is `{FIRST_LINE}`; name the format if it is another one")
        },
    )
    .line(line)
    .value(text)
}

fn header(text: &str) -> Result<Header, RowProblem> {
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    let further = names.strip_prefix(&["at_us", "input_tokens", "output_tokens"]);
    let found = match further {
        Some([]) => Some((None, None)),
        Some(["session"]) => Some((Some(3), None)),
        Some(["blocks"]) => Some((None, Some(3))),
        Some(["session", "blocks"]) => Some((Some(3), Some(4))),
        _ => None,
    };
    let (session, blocks) = found.ok_or_else(|| {
        RowProblem::new(
            "wrong header",
            "the header is `at_us,input_tokens,output_tokens`, then `session` if sessions are \
             known and `blocks` if prefix blocks are",
        )
        .value(text)
    })?;
    Ok(Header { session, blocks })
}

fn row<'a>(
    fields: &'a [Cow<'_, str>],
    header: &Header,
    blocks: &'a mut Vec<u32>,
) -> Result<RawRow<'a>, RowProblem> {
    blocks.clear();
    if let Some(index) = header.blocks {
        for id in field(fields, index, "blocks")?.split_ascii_whitespace() {
            blocks.push(id.parse().map_err(|_| {
                RowProblem::new("not a block number", "give whole numbers below 4294967296")
                    .field("blocks")
                    .value(id)
            })?);
        }
    }
    Ok(RawRow {
        at_ns: time_number(field(fields, 0, "at_us")?, 1000, "at_us")?,
        input: tokens(field(fields, 1, "input_tokens")?, "input_tokens")?,
        output: tokens(field(fields, 2, "output_tokens")?, "output_tokens")?,
        session: header
            .session
            .map(|index| field(fields, index, "session"))
            .transpose()?,
        blocks,
    })
}

/// Writes the format. Sessions are written only if some rows share one.
pub fn write_compact(trace: &Trace, source: &str, licence: &str) -> String {
    let mut seen = FxHashSet::default();
    let sessions = !trace.rows.iter().all(|row| seen.insert(row.session));
    let blocks = trace.block_tokens > 0;
    let mut out = format!(
        "{FIRST_LINE}\n# source: {}\n# licence: {}\n",
        one_line(source),
        one_line(licence)
    );
    if blocks {
        let _ = writeln!(out, "# block_tokens: {}", trace.block_tokens);
    }
    out.push_str("at_us,input_tokens,output_tokens");
    out.push_str(if sessions { ",session" } else { "" });
    out.push_str(if blocks { ",blocks\n" } else { "\n" });
    // Writing to a string cannot fail.
    for row in &trace.rows {
        let _ = write!(out, "{},{},{}", row.at.0, row.input, row.output);
        if sessions {
            let _ = write!(out, ",{}", row.session);
        }
        if blocks {
            let start = row.blocks_start as usize;
            let ids = trace
                .blocks
                .get(start..start + row.blocks_len as usize)
                .unwrap_or(&[]);
            let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
            let _ = write!(out, ",{}", ids.join(" "));
        }
        out.push('\n');
    }
    out
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
