//! What is wrong with a recorded-traffic file.

use std::fmt;

/// At most this many problems are told; further ones are counted.
const PROBLEMS_MAX: usize = 20;

/// One problem of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// Line number, from 1; `None` if the whole file is meant.
    pub line: Option<u64>,
    /// Column or field, where known.
    pub field: Option<String>,
    /// The offending value, where there is one.
    pub value: Option<String>,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: String,
}

impl RowProblem {
    pub(in crate::load) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            line: None,
            field: None,
            value: None,
            message: message.into(),
            help: help.into(),
        }
    }

    /// A problem of a line.
    pub fn at(message: impl Into<String>, help: impl Into<String>, line: u64) -> Self {
        Self::new(message, help).line(line)
    }

    pub(in crate::load) fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    pub(in crate::load) fn field(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// Keeps the start of a long value, so that a message stays readable.
    pub(in crate::load) fn value(mut self, value: &str) -> Self {
        const SHOWN: usize = 60;
        // What stands in a log must not move the cursor of a terminal.
        let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        let mut shown: String = value.chars().take(SHOWN).map(plain).collect();
        if value.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        self.value = Some(shown);
        self
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "`{field}`: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(value) = &self.value {
            write!(f, ", found `{value}`")?;
        }
        write!(f, " (help: {})", self.help)
    }
}

/// A file of recorded traffic that cannot be used, with all that is wrong up to twenty problems.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceError {
    /// The first problems.
    pub problems: Vec<RowProblem>,
    /// How many further ones there are.
    pub more: usize,
}

impl TraceError {
    pub(in crate::load) fn push(&mut self, problem: RowProblem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.more += 1;
        }
    }

    pub(in crate::load) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }
}

impl From<RowProblem> for TraceError {
    fn from(problem: RowProblem) -> Self {
        Self {
            problems: vec![problem],
            more: 0,
        }
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for TraceError {}
