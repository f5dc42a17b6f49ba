//! `[client.retry_budget]`, `[client.breaker]`, `[client.adaptive_throttle]`: each is off where it is absent, or `"none"`.

use super::UNSET;
use crate::client::spec::{AdaptiveThrottle, Breaker, Guards, RetryBudget, RetryPolicy};
use crate::config::{Section, float, share, unit, unset_or, whole};
use crate::units::{Micros, PerSecond, Ratio};

/// Reads what stands around the retries; `retry` is the policy beside it, if it could be read.
pub(super) fn guards(s: &mut Section<'_>, retry: Option<RetryPolicy>) -> Option<Guards> {
    let retry_budget = optional(s, "retry_budget", retry_budget);
    let breaker = optional(s, "breaker", breaker);
    let adaptive_throttle = optional(s, "adaptive_throttle", adaptive_throttle);
    if let (Some(Some(_)), Some(RetryPolicy::Sdk { .. })) = (retry_budget, retry) {
        s.report(
            "retry_budget",
            "`retry_budget` does not bind the retries of an SDK",
            "`client.retry.sdk` leaves retrying to the SDK",
            "choose one of Bedload's own policies, such as `aws_standard_2_0`, or write `retry_budget = \"none\"`",
        );
    }
    Some(Guards {
        retry_budget: retry_budget?,
        breaker: breaker?,
        adaptive_throttle: adaptive_throttle?,
    })
}

/// A table that may be absent; the word `"none"`, with which a variant takes it back, is as good as absence.
fn optional<T>(
    s: &mut Section<'_>,
    key: &str,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Option<Option<T>> {
    if !s.has(key) {
        // It is asked for all the same, so that it is a known key.
        s.optional_table(key, |_| Some(()));
        return Some(None);
    }
    s.optional_table(key, |s| {
        if s.has("none") {
            s.optional_table("none", |_| Some(()))?;
            return Some(None);
        }
        read(s).map(Some)
    })
}

fn retry_budget(s: &mut Section<'_>) -> Option<RetryBudget> {
    let ratio = s.or("ratio", share(), 0.1);
    let min_rate = s.or("min_rate", unit::<PerSecond>(), "0.1/s");
    let window = window(s, "10s");
    let budget = RetryBudget {
        ratio: ratio?,
        min_rate: min_rate?,
        window: window?,
    };
    if budget.ratio == Ratio::ZERO && budget.min_rate.0 * budget.window.as_secs_f64() < 1.0 {
        s.report(
            if s.has("min_rate") { "min_rate" } else { "ratio" },
            "`retry_budget` allows no retry at all",
            "less than one retry in a window",
            "raise `ratio`, or `min_rate`; or write `client.retry = \"none\"`, which says it plainly",
        );
    }
    Some(budget)
}

fn breaker(s: &mut Section<'_>) -> Option<Breaker> {
    let failures_share = threshold(s, "failures_share", 0.5);
    let throttles_share = s.or("throttles_share", unset_or(share()), UNSET);
    let min_calls = s.or("min_calls", whole(1..=1_000_000), 20);
    let window = window(s, "10s");
    let open_for = s.or("open_for", unit::<Micros>(), "10s");
    let probes = s.or("probes", whole(1..=1000), 3);
    let open_for = open_for?;
    if open_for == Micros::ZERO {
        s.report(
            "open_for",
            "`open_for` must be above zero",
            "is zero",
            "it is how long the breaker stays open before it probes, commonly 5 to 30 s",
        );
    }
    let throttles_share = throttles_share?;
    if throttles_share == Some(Ratio::ZERO) {
        refuse_zero(s, "throttles_share");
    }
    Some(Breaker {
        failures_share: failures_share?,
        throttles_share,
        min_calls: min_calls?,
        window: window?,
        open_for,
        probes: probes?,
    })
}

fn adaptive_throttle(s: &mut Section<'_>) -> Option<AdaptiveThrottle> {
    let k = s.or("k", float(1.0..=100.0), 2.0);
    let window = window(s, "2m");
    Some(AdaptiveThrottle {
        k: k?,
        window: window?,
    })
}

/// A share that opens the breaker and so cannot be zero.
fn threshold(s: &mut Section<'_>, key: &str, default: f64) -> Option<Ratio> {
    let share = s.or(key, share(), default)?;
    if share == Ratio::ZERO {
        refuse_zero(s, key);
    }
    Some(share)
}

fn refuse_zero(s: &Section<'_>, key: &str) {
    s.report(
        key,
        format!("`{key}` must be above zero"),
        "is zero",
        "a breaker that opens without a failure would never close",
    );
}

/// The window over which something counts.
fn window(s: &mut Section<'_>, default: &str) -> Option<Micros> {
    let window = s.or("window", unit::<Micros>(), default)?;
    if window < Micros::from_millis(10) || window > Micros::HOUR {
        s.report(
            "window",
            "`window` must be from 10 ms to an hour",
            &format!("is {window}"),
            "a window of 10 s is common",
        );
    }
    Some(window)
}

#[cfg(test)]
mod tests {
    use crate::config::{self, Source};

    /// What reading `[client]` says, or how it was understood.
    fn told(toml: &str) -> String {
        let source = Source::new("t.toml", toml);
        match config::read(&source, super::super::client) {
            Ok(policy) => format!("{:?}", policy.guards),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn bad_guards_are_refused_where_they_stand() {
        let bad = "retry = \"sdk\"\n\
                   [retry_budget]\nratio = 1.5\nmin_rate = \"-1/s\"\nwindow = \"0s\"\n\
                   [breaker]\nfailures_share = 0\nthrottles_share = -0.1\nmin_calls = 0\nopen_for = \"0s\"\nprobes = 0\n\
                   [adaptive_throttle]\nk = 0.5\n";
        insta::assert_snapshot!(told(bad));
        insta::assert_snapshot!(told("retry = \"sdk\"\nretry_budget = {}\n"));
        insta::assert_snapshot!(told("[retry_budget]\nratio = 0\nmin_rate = \"0/s\"\n"));
    }

    #[test]
    fn retries_that_make_no_sense_are_refused_where_they_stand() {
        for (bad, says) in [
            ("retry.aws_legacy.max_attempts = 0", "t.toml:1:33"),
            (
                "retry.window_aware = { min = \"0s\", spread = \"0s\" }",
                "both be zero",
            ),
            ("retry.window_aware = { spread = \"2h\" }", "above an hour"),
            ("retry.window_aware = { align = \"utc\" }", "rolling"),
            (
                "retry.exponential = { base = \"9s\", cap = \"1s\" }",
                "above `cap`",
            ),
        ] {
            let told = told(bad);
            assert!(told.contains(says), "{bad}: {told}");
        }
    }

    #[test]
    fn defaults_are_filled_in_and_none_is_none() {
        insta::assert_snapshot!(told(
            "breaker = {}\nretry_budget = {}\nadaptive_throttle = {}\n"
        ));
        assert_eq!(told("breaker = \"none\""), told(""));
    }
}
