//! Violated constraints of the service model, gathered and told as AWS tells them.

use crate::wire::Refused;
use std::fmt::{Display, Write};

/// The violations of one request, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Violations {
    text: String,
    count: usize,
}

impl Violations {
    /// Notes that the value at `place` breaks a constraint; `value` is what it is, where AWS says so.
    pub(super) fn add(
        &mut self,
        value: Option<&dyn Display>,
        place: &dyn Display,
        constraint: &dyn Display,
    ) {
        self.count += 1;
        let lead = if self.count == 1 { "" } else { "; " };
        let _ = match value {
            Some(value) => write!(
                self.text,
                "{lead}Value '{value}' at '{place}' failed to satisfy constraint: {constraint}"
            ),
            None => write!(
                self.text,
                "{lead}Value at '{place}' failed to satisfy constraint: {constraint}"
            ),
        };
    }

    /// `text` has between `min` and `max` characters.
    pub(super) fn length(&mut self, place: &str, text: &str, min: usize, max: usize) {
        self.length_of(place, count_up_to(text, max), min, max);
    }

    /// A list or text of `length` has between `min` and `max` members.
    pub(super) fn length_of(&mut self, place: &str, length: usize, min: usize, max: usize) {
        if length < min {
            let constraint = format!("Member must have length greater than or equal to {min}");
            self.add(None, &place, &constraint);
        } else if length > max {
            let constraint = format!("Member must have length less than or equal to {max}");
            self.add(None, &place, &constraint);
        }
    }

    /// `number` lies between `min` and `max`.
    pub(super) fn range(&mut self, place: &str, number: i64, min: i64, max: i64) {
        if number < min {
            let constraint = format!("Member must have value greater than or equal to {min}");
            self.add(Some(&number), &place, &constraint);
        } else if number > max {
            let constraint = format!("Member must have value less than or equal to {max}");
            self.add(Some(&number), &place, &constraint);
        }
    }

    /// `version` is empty, `DRAFT` or a number of up to eight digits.
    pub(super) fn guardrail_version(&mut self, place: &str, version: &str) {
        let number = version.len() <= 8
            && !version.starts_with('0')
            && version.bytes().all(|byte| byte.is_ascii_digit());
        if !(version == "DRAFT" || number) {
            self.add(
                Some(&version),
                &place,
                &"Member must satisfy regular expression pattern: (|([1-9][0-9]{0,7})|(DRAFT))",
            );
        }
    }

    /// Nothing, or all violations as one `ValidationException`.
    pub(super) fn finish(self) -> Result<(), Refused> {
        let Self { text, count } = self;
        match count {
            0 => Ok(()),
            1 => Err(Refused::validation(format!(
                "1 validation error detected: {text}"
            ))),
            _ => Err(Refused::validation(format!(
                "{count} validation errors detected: {text}"
            ))),
        }
    }
}

/// The characters of `text`, counted no further than is needed to know that there are more than `max`.
fn count_up_to(text: &str, max: usize) -> usize {
    if text.len() <= max && text.is_ascii() {
        return text.len();
    }
    text.chars().take(max + 1).count()
}
