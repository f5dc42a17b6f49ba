//! `plan.workload.NAME.hourly`: demand as a series of hours.

use super::super::files::Library;
use super::super::traffic::report_file;
use crate::config::{Section, one_of, text};
use crate::load::hourly::Hourly;
use std::fmt;
use std::sync::Arc;

/// Demand as a series of hours.
#[derive(Clone, Debug, PartialEq)]
pub struct HourlySpec {
    /// The file, as the scenario names it.
    pub file: String,
    /// The series.
    pub series: Arc<Hourly>,
    /// What its values count.
    pub per: HourlyUnit,
}

/// What the values of a series count, in each hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HourlyUnit {
    /// Requests.
    Requests,
    /// Tokens of all classes, input and output.
    Tokens,
    /// Input tokens neither read from nor written to the cache, as `InputTokenCount` of `CloudWatch`.
    InputTokens,
    /// Output tokens, as `OutputTokenCount` of `CloudWatch`.
    OutputTokens,
}

impl fmt::Display for HourlyUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::InputTokens => "input tokens",
            Self::OutputTokens => "output tokens",
        })
    }
}

/// Reads the table of a series.
pub(super) fn hourly(s: &mut Section<'_>, library: &Library<'_>) -> Option<HourlySpec> {
    let file = s.required("file", text());
    let column = s.required("column", text());
    let time = s.or("time", text(), "timestamp");
    let per = s.or(
        "per",
        one_of(&[
            ("requests", HourlyUnit::Requests),
            ("tokens", HourlyUnit::Tokens),
            ("input_tokens", HourlyUnit::InputTokens),
            ("output_tokens", HourlyUnit::OutputTokens),
        ]),
        "requests",
    );
    let (file, column, time, per) = (file?, column?, time?, per?);
    match library.hourly(&file, &time, &column) {
        Ok(series) => Some(HourlySpec { file, series, per }),
        Err(reason) => {
            report_file(s, "series", &file, &reason);
            None
        }
    }
}
