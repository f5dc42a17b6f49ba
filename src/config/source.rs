//! The text that spans point into: a file, and the overrides given beside it.

use std::sync::Arc;

use super::{ConfigError, Problem, Problems, Span};

/// Larger files are refused: no scenario or profile needs as much.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// A named text, followed by texts of the command line that override it.
///
/// Spans run through all of them as if they stood one after the other, one byte
/// apart; [`Source::locate`] says which of them a span is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    name: String,
    text: Arc<str>,
    start: usize,
}

impl Source {
    /// A text in memory under the name that messages show.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.into(),
            None => text,
        };
        let name = name.into();
        let parts = vec![Part {
            name,
            text,
            start: 0,
        }];
        Self { parts }
    }

    /// The bytes of a file under the name that messages show. A byte order mark is skipped.
    ///
    /// # Errors
    /// If the bytes are not UTF-8, with line and column of the first bad byte, or too many.
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Self, ConfigError> {
        let name = name.into();
        if bytes.len() > MAX_BYTES {
            let problem = Problem::new(
                0..0,
                format!(
                    "the file is too large: {} MiB, at most {} are read",
                    bytes.len().div_ceil(1024 * 1024),
                    MAX_BYTES / (1024 * 1024)
                ),
            )
            .help("check that this is the file you meant; traces are named by the scenario, not put into it");
            return Err(Problems::from(problem).into_error(&Self::new(name, "")));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(name, text)),
            Err(error) => {
                let good = error.valid_up_to();
                let byte = bytes.get(good).copied().unwrap_or_default();
                // The readable part is enough to show the line, up to the bad byte.
                let rest = String::from_utf8_lossy(&bytes[good..bytes.len().min(good + 40)]);
                let rest = rest.lines().next().unwrap_or_default();
                let text = format!("{}{rest}", String::from_utf8_lossy(&bytes[..good]));
                let source = Self::new(name, text);
                let start = source.text().len() - rest.len();
                let problem = Problem::new(
                    start..start + rest.chars().next().map_or(0, char::len_utf8),
                    "the file is not UTF-8 text",
                )
                .label(format!("byte 0x{byte:02x}"))
                .help("save the file as UTF-8");
                Err(Problems::from(problem).into_error(&source))
            }
        }
    }

    /// Adds an override of the command line; returns where its text begins.
    pub fn push_override(&mut self, text: &str) -> usize {
        let start = self
            .parts
            .last()
            .map_or(0, |part| part.start + part.text.len() + 1);
        self.parts.push(Part {
            name: "--set".to_owned(),
            text: text.into(),
            start,
        });
        start
    }

    /// The name of the file.
    pub fn name(&self) -> &str {
        &self.parts[0].name
    }

    /// The text of the file, without overrides.
    pub fn text(&self) -> &str {
        &self.parts[0].text
    }

    /// The name and text that `span` lies in, and the span within that text, cut to its bounds.
    pub fn locate(&self, span: &Span) -> (&str, Arc<str>, Span) {
        let part = self
            .parts
            .iter()
            .rev()
            .find(|part| part.start <= span.start)
            .unwrap_or(&self.parts[0]);
        let len = part.text.len();
        let mut start = span.start.saturating_sub(part.start).min(len);
        let mut end = span.end.saturating_sub(part.start).min(len).max(start);
        while !part.text.is_char_boundary(start) {
            start -= 1;
        }
        while !part.text.is_char_boundary(end) {
            end += 1;
        }
        (&part.name, Arc::clone(&part.text), start..end)
    }

    /// `name:line:column` of the start of `span`, lines and columns from 1, columns in characters.
    pub fn position(&self, span: &Span) -> String {
        let (name, text, span) = self.locate(span);
        let before = &text[..span.start];
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        format!("{name}:{line}:{column}")
    }
}
