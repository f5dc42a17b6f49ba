//! Talking to people: stdout is data, stderr is talk.

use super::exit::Exit;
use std::io::{self, IsTerminal, Write};

/// How to write for whom.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// Whether stdout may carry colour.
    pub colour: bool,
    /// Whether stderr may carry colour.
    pub colour_errors: bool,
    /// Columns of the terminal, or of a page that is read later.
    pub width: u16,
    /// Whether talk is wanted at all.
    pub quiet: bool,
}

/// Columns when stdout is not a terminal.
const PAGE_WIDTH: u16 = 100;

impl Term {
    /// The terminal as found, under the flags of the command.
    pub fn new(quiet: bool, no_color: bool) -> Self {
        let plain = no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let columns = std::env::var("COLUMNS")
            .ok()
            .and_then(|text| text.parse().ok());
        let width = columns
            .or_else(|| comfy_table::Table::new().width())
            .unwrap_or(PAGE_WIDTH);
        Self {
            colour: !plain && io::stdout().is_terminal(),
            colour_errors: !plain && io::stderr().is_terminal(),
            width: width.clamp(60, 200),
            quiet,
        }
    }

    /// Whether a progress bar can be seen.
    pub fn shows_progress(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}

/// Writes data to stdout. A reader that has gone away is no error.
pub fn data(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            talk(&format!("error: cannot write to stdout: {error}"));
            Exit::Unexpected
        }
        _ => Exit::Met,
    }
}

/// Writes a line of talk to stderr; there is nobody to tell if that fails.
pub fn talk(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", line.trim_end());
}
