//! Where the values of a scenario stood, for problems that are found later.

use std::collections::BTreeMap;

use crate::config::{ConfigError, Problem, Source, Span};

/// Places of a scenario's values, by variant and path.
#[derive(Clone, Debug)]
pub struct Origins {
    pub(super) source: Source,
    pub(super) spans: BTreeMap<String, BTreeMap<String, Span>>,
}

impl Origins {
    /// A problem with the value at `path` of `variant`, such as `workload.chat.model`.
    ///
    /// An empty `help` is left out. If the value was left to its default, the problem points at the nearest table around it.
    pub fn problem_at(
        &self,
        variant: &str,
        path: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Problem {
        let problem = Problem::new(self.span(variant, path), message);
        let help = help.into();
        if help.is_empty() {
            problem
        } else {
            problem.help(help)
        }
    }

    /// The error that shows `problems`.
    pub fn error(&self, problems: Vec<Problem>) -> ConfigError {
        ConfigError::new(&self.source, problems)
    }

    fn span(&self, variant: &str, path: &str) -> Span {
        let Some(spans) = self.spans.get(variant) else {
            return 0..0;
        };
        let mut path = path;
        loop {
            if let Some(span) = spans.get(path) {
                return span.clone();
            }
            match path.rsplit_once('.') {
                Some((around, _)) => path = around,
                None => return 0..0,
            }
        }
    }
}
