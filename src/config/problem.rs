//! What is wrong with a file, gathered and shown together.

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use super::{Source, Span};

/// More problems than this are counted, not shown.
const MAX_SHOWN: usize = 50;

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
    source: NamedSource<Arc<str>>,
    span: Span,
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
                    source: NamedSource::new(name, text),
                    span,
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
            .with_context_lines(0)
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
