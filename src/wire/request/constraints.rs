//! Violated constraints of the service model, gathered and told as AWS tells them.

use crate::wire::Refused;
use std::fmt::{Arguments, Display, Write};

/// How many violations a message spells out; the rest are only counted.
const TOLD: usize = 20;
/// The longest value that a message repeats, in bytes.
const LONGEST_VALUE: usize = 256;

/// The violations of one request, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Violations {
    text: String,
    count: usize,
}

impl Violations {
    /// Notes that `value` at `place` breaks `constraint`.
    fn add(&mut self, value: impl Display, place: Arguments<'_>, constraint: Arguments<'_>) {
        self.count += 1;
        if self.count > TOLD {
            return;
        }
        if self.count > 1 {
            self.text.push_str("; ");
        }
        // Writing into a String cannot fail.
        let _ = write!(
            self.text,
            "Value{value} at '{place}' failed to satisfy constraint: {constraint}"
        );
    }

    /// What must be there is there.
    pub(super) fn required(&mut self, is_there: bool, place: Arguments<'_>) {
        if !is_there {
            self.add(" null", place, format_args!("Member must not be null"));
        }
    }

    /// The refusal of a request that lacks only the value at `place`.
    pub(super) fn null(place: Arguments<'_>) -> Refused {
        let mut violations = Self::default();
        violations.required(false, place);
        violations.into_refused()
    }

    /// A list, map or text of `length` has between `min` and `max` members.
    pub(super) fn length(&mut self, length: usize, min: usize, max: usize, place: Arguments<'_>) {
        if length < min {
            let constraint = format_args!("Member must have length greater than or equal to {min}");
            self.add("", place, constraint);
        } else if length > max {
            let constraint = format_args!("Member must have length less than or equal to {max}");
            self.add("", place, constraint);
        }
    }

    /// `text` has between `min` and `max` characters.
    pub(super) fn chars(&mut self, text: &str, min: usize, max: usize, place: Arguments<'_>) {
        self.length(count_up_to(text, max), min, max, place);
    }

    /// `number` lies between `min` and `max`.
    pub(super) fn range<N>(&mut self, number: N, min: N, max: N, place: Arguments<'_>)
    where
        N: PartialOrd + Display + Copy,
    {
        let value = format_args!(" '{number}'");
        if number < min {
            let constraint = format_args!("Member must have value greater than or equal to {min}");
            self.add(value, place, constraint);
        } else if number > max {
            let constraint = format_args!("Member must have value less than or equal to {max}");
            self.add(value, place, constraint);
        }
    }

    /// `text` is one of `allowed`.
    pub(super) fn one_of(&mut self, text: &str, allowed: &[&str], place: Arguments<'_>) {
        if !allowed.contains(&text) {
            let allowed = allowed.join(", ");
            let constraint = format_args!("Member must satisfy enum value set: [{allowed}]");
            self.add(Quoted(text), place, constraint);
        }
    }

    /// `text` fits `pattern`, of which `fits` is the verdict.
    pub(super) fn pattern(&mut self, text: &str, fits: bool, pattern: &str, place: Arguments<'_>) {
        if !fits {
            let constraint =
                format_args!("Member must satisfy regular expression pattern: {pattern}");
            self.add(Quoted(text), place, constraint);
        }
    }

    /// `name` is a tool's name: 1 to 64 letters, digits, `_` and `-`.
    pub(super) fn tool_name(&mut self, name: &str, place: Arguments<'_>) {
        self.chars(name, 1, 64, place);
        self.pattern(name, only(name, b"_-"), "[a-zA-Z0-9_-]+", place);
    }

    /// `id` identifies a use of a tool: 1 to 64 letters, digits, `_`, `.`, `:` and `-`.
    pub(super) fn tool_use_id(&mut self, id: &str, place: Arguments<'_>) {
        self.chars(id, 1, 64, place);
        self.pattern(id, only(id, b"_.:-"), "[a-zA-Z0-9_.:-]+", place);
    }

    /// `id` is a guardrail's id or ARN, or empty.
    pub(super) fn guardrail_id(&mut self, id: &str, place: Arguments<'_>) {
        self.chars(id, 0, 2048, place);
        let fits = id.strip_prefix("arn:").map_or_else(
            || {
                id.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            },
            |rest| rest.contains(":guardrail/"),
        );
        let pattern = "(|([a-z0-9]+)|(arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+))";
        self.pattern(id, fits, pattern, place);
    }

    /// `version` is empty, `DRAFT` or a number of up to eight digits.
    pub(super) fn guardrail_version(&mut self, version: &str, place: Arguments<'_>) {
        let number = version.len() <= 8
            && !version.starts_with('0')
            && version.bytes().all(|byte| byte.is_ascii_digit());
        let pattern = "(|([1-9][0-9]{0,7})|(DRAFT))";
        self.pattern(version, version == "DRAFT" || number, pattern, place);
    }

    /// Nothing, or all violations as one `ValidationException`.
    pub(super) fn finish(self) -> Result<(), Refused> {
        if self.count == 0 {
            return Ok(());
        }
        Err(self.into_refused())
    }

    fn into_refused(self) -> Refused {
        let Self { text, count } = self;
        let errors = if count == 1 { "error" } else { "errors" };
        Refused::validation(format!("{count} validation {errors} detected: {text}"))
    }
}

/// A value in quotes, or nothing where it is too long to repeat.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.len() > LONGEST_VALUE {
            return Ok(());
        }
        write!(f, " '{}'", self.0)
    }
}

/// Whether `text` is made of ASCII letters, digits and `others`; an empty one is judged by its length.
fn only(text: &str, others: &[u8]) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}

/// The characters of `text`, counted no further than it takes to know that they exceed `max`.
fn count_up_to(text: &str, max: usize) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.chars().take(max + 1).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_told_in_the_form_of_aws() {
        let mut violations = Violations::default();
        assert_eq!(Violations::default().finish(), Ok(()));
        violations.range(0, 1, 9, format_args!("inferenceConfig.maxTokens"));
        let one = "1 validation error detected: Value '0' at 'inferenceConfig.maxTokens' failed to \
                   satisfy constraint: Member must have value greater than or equal to 1";
        assert_eq!(violations.finish(), Err(Refused::validation(one)));

        let mut violations = Violations::default();
        violations.required(false, format_args!("toolConfig.tools"));
        violations.one_of("x", &["a", "b"], format_args!("c"));
        let two = "2 validation errors detected: Value null at 'toolConfig.tools' failed to satisfy \
                   constraint: Member must not be null; Value 'x' at 'c' failed to satisfy \
                   constraint: Member must satisfy enum value set: [a, b]";
        assert_eq!(violations.finish(), Err(Refused::validation(two)));
    }

    #[test]
    fn a_flood_of_violations_keeps_the_message_short() {
        let mut violations = Violations::default();
        for at in 0..100_000 {
            violations.required(false, format_args!("messages.{at}.member.role"));
        }
        let message = violations.finish().unwrap_err().message;
        assert!(message.starts_with("100000 validation errors detected: "));
        assert!(message.len() < 4000);
    }

    #[test]
    fn patterns_of_the_service_model_hold() {
        let fits = |check: fn(&mut Violations, &str, Arguments<'_>), text: &str| {
            let mut violations = Violations::default();
            check(&mut violations, text, format_args!("x"));
            violations.finish().is_ok()
        };
        for good in ["a", "get_weather", "A-1", &"x".repeat(64)] {
            assert!(fits(Violations::tool_name, good), "{good}");
        }
        for bad in ["", "a b", "a.b", "é", &"x".repeat(65)] {
            assert!(!fits(Violations::tool_name, bad), "{bad}");
        }
        assert!(fits(Violations::tool_use_id, "tooluse_a.b:c-1"));
        for good in ["", "1", "99999999", "DRAFT"] {
            assert!(fits(Violations::guardrail_version, good), "{good}");
        }
        for bad in ["0", "01", "123456789", "draft", "1.0"] {
            assert!(!fits(Violations::guardrail_version, bad), "{bad}");
        }
        for good in [
            "",
            "abc123",
            "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc",
        ] {
            assert!(fits(Violations::guardrail_id, good), "{good}");
        }
        for bad in [
            "A",
            "a-b",
            "arn:aws:bedrock:us-east-1:123456789012:model/abc",
        ] {
            assert!(!fits(Violations::guardrail_id, bad), "{bad}");
        }
    }
}
