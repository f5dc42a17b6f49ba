//! What is wrong with a file, gathered and shown together.

use miette::SpanContents;
use miette::{Diagnostic, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use super::{Source, Span};

/// More problems than this are counted, not shown.
const MAX_SHOWN: usize = 50;
/// Longer lines are shown in part, in bytes.
const MAX_LINE: usize = 120;

/// One thing that is wrong, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong: a fragment without a full stop.
    pub message: String,
    /// Where, as bytes of the [`Source`].
    pub span: Span,
    /// What stands there, such as "is `-2`"; may be empty.
    pub label: String,
    /// How to mend it.
    pub help: Option<String>,
}

impl Problem {
    /// A problem at `span`.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span,
            label: String::new(),
            help: None,
        }
    }

    /// Says what stands there.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Gathers problems while a file is read.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Adds one.
    pub fn push(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds all of `others`.
    pub fn extend(&self, others: impl IntoIterator<Item = Problem>) {
        self.0.borrow_mut().extend(others);
    }

    /// The error that shows them all, in the order of their places.
    pub fn into_error(self, source: &Source) -> ConfigError {
        ConfigError::new(source, self.0.into_inner())
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(RefCell::new(vec![problem]))
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_inner().into_iter()
    }
}

/// A file that cannot be used, with everything that is wrong with it.
///
/// `Display` lists the problems one per line; as a [`miette::Diagnostic`] each
/// is shown with the line it is in.
#[derive(Clone, Debug)]
pub struct ConfigError {
    name: String,
    problems: Vec<Shown>,
    hidden: usize,
}

/// A problem with the text that it is in.
#[derive(Clone, Debug)]
struct Shown {
    problem: Problem,
    position: String,
    source: Snippet,
    span: Span,
}

/// A text that shows whole lines, so that a problem is seen with what stands around it.
#[derive(Clone, Debug)]
struct Snippet {
    name: String,
    text: Arc<str>,
}

impl ConfigError {
    /// Sorts `problems` by place and drops those that are said twice.
    pub fn new(source: &Source, mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| {
            (a.span.start, a.span.end, &a.message).cmp(&(b.span.start, b.span.end, &b.message))
        });
        problems.dedup_by(|a, b| a.span == b.span && a.message == b.message);
        let hidden = problems.len().saturating_sub(MAX_SHOWN);
        problems.truncate(MAX_SHOWN);
        let problems = problems
            .into_iter()
            .map(|problem| {
                let (name, text, span) = source.locate(&problem.span);
                Shown {
                    position: source.position(&problem.span),
                    span: first_line(&text, span),
                    source: Snippet {
                        name: name.to_owned(),
                        text,
                    },
                    problem,
                }
            })
            .collect();
        Self {
            name: source.name().to_owned(),
            problems,
            hidden,
        }
    }

    /// The problems that are shown, by place.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().map(|shown| &shown.problem)
    }

    /// How many problems there are, the hidden ones included.
    pub fn count(&self) -> usize {
        self.problems.len() + self.hidden
    }

    /// `and 3 more problems`, if some are hidden.
    fn more(&self) -> Option<String> {
        let plural = if self.hidden == 1 { "" } else { "s" };
        (self.hidden > 0).then(|| format!("and {} more problem{plural}", self.hidden))
    }
}

/// `span` up to the end of its first line, and not too long to be drawn.
fn first_line(text: &str, span: Span) -> Span {
    if span.is_empty()
        && text[span.start..]
            .trim_start_matches('\r')
            .starts_with('\n')
    {
        // Nothing can be marked behind the end of a line, so its last character is.
        let last = text[..span.start].chars().next_back();
        let last = last.filter(|c| !c.is_control());
        return span.start - last.map_or(0, char::len_utf8)..span.start;
    }
    let shown = &text[span.clone()];
    let end = shown.find(['\n', '\r']).unwrap_or(shown.len());
    span.start..span.start + floor(shown, end.min(MAX_LINE))
}

/// The largest boundary of a character in `text` that is not above `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl SourceCode for Snippet {
    /// The span alone if no context is asked for, else the whole line that it is in, at most
    /// [`MAX_LINE`] bytes to either side. Neighbouring lines are left out.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = &*self.text;
        let (mut start, mut end) = (span.offset(), span.offset() + span.len());
        if before > 0 {
            let line = text[..start].rfind('\n').map_or(0, |i| i + 1);
            start = floor(text, line.max(start.saturating_sub(MAX_LINE)));
            let rest = text[end..].find(['\n', '\r']);
            let rest = rest.map_or(text.len(), |i| end + i);
            end = floor(text, rest.min(end + MAX_LINE));
        }
        let lines = text[..start].bytes().filter(|&byte| byte == b'\n').count();
        let column = text[..start].chars().rev().take_while(|&c| c != '\n');
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            &text.as_bytes()[start..end],
            (start, end - start).into(),
            lines,
            column.count(),
            1,
        )))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, shown) in self.problems.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{}: {}", shown.position, shown.problem.message)?;
            if !shown.problem.label.is_empty() {
                write!(f, " ({})", shown.problem.label)?;
            }
            if let Some(help) = &shown.problem.help {
                write!(f, "; {help}")?;
            }
        }
        if let Some(more) = self.more() {
            write!(f, "\n{more}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl Diagnostic for ConfigError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.more()
            .map(|more| Box::new(more) as Box<dyn fmt::Display>)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(
            self.problems.iter().map(|shown| shown as &dyn Diagnostic),
        ))
    }
}

impl ConfigError {
    /// What is wrong, without places and help, the problems that are shown.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.problems
            .iter()
            .map(|shown| shown.problem.message.as_str())
    }

    /// The error as miette draws it, with colours or without, `width` columns wide.
    ///
    /// The headline counts the problems; a single problem is shown without one.
    pub fn render(&self, width: usize, colour: bool) -> String {
        let theme = if colour {
            miette::GraphicalTheme::unicode()
        } else {
            miette::GraphicalTheme::unicode_nocolor()
        };
        let handler = miette::GraphicalReportHandler::new_themed(theme)
            .with_width(width)
            .with_links(false)
            .with_context_lines(1)
            .without_syntax_highlighting();
        let mut out = String::new();
        if self.count() > 1 {
            out = format!("{} has {} problems\n", self.name, self.count());
        }
        for (i, shown) in self.problems.iter().enumerate() {
            if i > 0 {
                out.push('\n');
            }
            let mut text = String::new();
            // Writing to a string cannot fail, and a failed drawing still has its plain line.
            if handler.render_report(&mut text, shown).is_err() {
                text = format!("{}: {}\n", shown.position, shown.problem.message);
            }
            out.push_str(text.trim_start_matches('\n'));
        }
        if let Some(more) = self.more() {
            out.push_str(&more);
            out.push('\n');
        }
        out
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Shown {}

impl Diagnostic for Shown {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem
            .help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = (!self.problem.label.is_empty()).then(|| self.problem.label.clone());
        let span = LabeledSpan::new(label, self.span.start, self.span.len());
        Some(Box::new(std::iter::once(span)))
    }
}
