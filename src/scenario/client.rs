//! `[client]`: the policy under test.

mod guards;
mod limits;
mod presets;

use super::client_hedge;
use crate::client::spec::{ClientPolicy, Jitter, RetryPolicy, SdkRetries};
use crate::config::{Section, one_of, unit, unset_or, whole};
use crate::units::Micros;

const RETRIES: [&str; 11] = [
    "none",
    "exponential",
    "aws_standard_2_0",
    "aws_standard_2_1",
    "aws_adaptive",
    "aws_legacy",
    "anthropic_sdk",
    "langchain",
    "llama_index",
    "window_aware",
    "sdk",
];
const UNSET: &str = "unset";

/// Reads `[client]`; the defaults are those of [`ClientPolicy`].
pub(super) fn client(s: &mut Section<'_>) -> Option<ClientPolicy> {
    let timeout = limit(s, "timeout");
    let deadline = limit(s, "deadline");
    let expected = limit(s, "expected");
    let limits = limits::limits(s);
    let instances = s.or("instances", whole(1..=100_000), 1);
    if let Some(expected) = expected {
        if deadline.is_none_or(|deadline| expected >= deadline) {
            s.report(
                "expected",
                "`expected` must be below `deadline`",
                "attempts that cannot end before the deadline are not sent",
                "`expected` is how long an attempt usually takes; set `deadline` well above it",
            );
        }
    }
    let retry = if s.has("retry") {
        s.optional_table("retry", retry)
    } else {
        s.table("retry", |s| {
            s.table("aws_standard_2_1", |s| {
                let max_attempts = attempts(s)?;
                Some(RetryPolicy::AwsStandard21 { max_attempts })
            })
        })
    };
    let hedge = s.optional_table("hedge", client_hedge::hedge);
    let retry = retry?;
    client_hedge::check_retry(s, hedge.is_some(), &retry);
    let guards = guards::guards(s, Some(retry));
    let limits = limits?;
    Some(ClientPolicy {
        timeout,
        deadline,
        concurrency: limits.concurrency,
        adapt: limits.adapt,
        queue: limits.queue,
        queue_order: limits.queue_order,
        queue_for: limits.queue_for,
        expected,
        pacing: limits.pacing,
        instances: instances?,
        retry,
        guards: guards?,
        hedge,
    })
}

/// A span that limits something and so cannot be zero; `None` if it is unset, or wrong.
fn limit(s: &mut Section<'_>, key: &str) -> Option<Micros> {
    let limit = s.or(key, unset_or(unit::<Micros>()), UNSET)?;
    if limit == Some(Micros::ZERO) {
        s.report(
            key,
            format!("`{key}` must be above zero"),
            "is zero",
            "leave it out for no limit",
        );
    }
    limit
}

fn retry(s: &mut Section<'_>) -> Option<RetryPolicy> {
    let tag = s.tag(&RETRIES)?;
    s.optional_table(tag, |s| match tag {
        "none" => Some(RetryPolicy::None),
        "exponential" => exponential(s),
        "aws_standard_2_0" => Some(RetryPolicy::AwsStandard20 {
            max_attempts: attempts(s)?,
        }),
        "sdk" => {
            let mode = s.or(
                "mode",
                one_of(&[
                    ("standard", SdkRetries::Standard),
                    ("adaptive", SdkRetries::Adaptive),
                ]),
                "standard",
            );
            let max_attempts = attempts(s);
            Some(RetryPolicy::Sdk {
                mode: mode?,
                max_attempts: max_attempts?,
            })
        }
        _ => presets::preset(tag, s),
    })
}

/// Attempts in all; three is the default of the SDKs' standard mode.
fn attempts(s: &mut Section<'_>) -> Option<u32> {
    s.or("max_attempts", whole(1..=1000), 3)
}

fn exponential(s: &mut Section<'_>) -> Option<RetryPolicy> {
    let max_attempts = attempts(s);
    let base = s.or("base", unit::<Micros>(), "1s");
    let cap = s.or("cap", unit::<Micros>(), "20s");
    let jitter = s.or(
        "jitter",
        one_of(&[
            ("none", Jitter::None),
            ("full", Jitter::Full),
            ("equal", Jitter::Equal),
            ("decorrelated", Jitter::Decorrelated),
        ]),
        "full",
    );
    let (base, cap) = (base?, cap?);
    if base > cap {
        s.report(
            if s.has("base") { "base" } else { "cap" },
            "`base` must not be above `cap`",
            &format!("`base` is {base}, `cap` is {cap}"),
            "`base` is the delay before the first retry, `cap` the longest delay",
        );
    }
    Some(RetryPolicy::Exponential {
        max_attempts: max_attempts?,
        base,
        cap,
        jitter: jitter?,
    })
}
