//! Retry policies under the name of the client that has them.

use super::attempts;
use crate::client::spec::{RetryPolicy, WindowAlign};
use crate::config::{Section, one_of, unit, whole};
use crate::units::Micros;

/// Reads the preset `tag`.
pub(super) fn preset(tag: &str, s: &mut Section<'_>) -> Option<RetryPolicy> {
    match tag {
        "aws_adaptive" => Some(RetryPolicy::AwsAdaptive {
            max_attempts: attempts(s)?,
        }),
        "aws_legacy" => Some(RetryPolicy::AwsLegacy {
            max_attempts: attempts_or(s, 5)?,
        }),
        "anthropic_sdk" => Some(RetryPolicy::AnthropicSdk {
            max_attempts: attempts(s)?,
        }),
        "langchain" => Some(RetryPolicy::Langchain {
            max_attempts: attempts(s)?,
        }),
        "llama_index" => Some(RetryPolicy::LlamaIndex {
            max_attempts: attempts_or(s, 10)?,
        }),
        "window_aware" => window_aware(s),
        _ => Some(RetryPolicy::AwsStandard21 {
            max_attempts: attempts(s)?,
        }),
    }
}

/// Attempts in all, where three are not what the client makes.
fn attempts_or(s: &mut Section<'_>, default: i64) -> Option<u32> {
    s.or("max_attempts", whole(1..=1000), default)
}

fn window_aware(s: &mut Section<'_>) -> Option<RetryPolicy> {
    let max_attempts = attempts(s);
    let align = s.or(
        "align",
        one_of(&[
            ("rolling", WindowAlign::Rolling),
            ("clock", WindowAlign::Clock),
        ]),
        "rolling",
    );
    let min = s.or("min", unit::<Micros>(), "1s");
    let spread = s.or("spread", unit::<Micros>(), "60s");
    let (min, spread) = (min?, spread?);
    for (key, span) in [("min", min), ("spread", spread)] {
        if span > Micros::HOUR {
            s.report(
                key,
                format!("`{key}` must not be above an hour"),
                &format!("is {span}"),
                "quotas count by the minute; a wait of about one minute is meant",
            );
        }
    }
    if min == Micros::ZERO && spread == Micros::ZERO {
        s.report(
            if s.has("spread") { "spread" } else { "min" },
            "`min` and `spread` must not both be zero",
            "leaves no wait at all",
            "give `spread`, over which retries are spread: a minute is what a quota takes to come back",
        );
    }
    Some(RetryPolicy::WindowAware {
        max_attempts: max_attempts?,
        align: align?,
        min,
        spread,
    })
}
