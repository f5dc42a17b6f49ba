//! `[client.hedge]`: a second attempt beside one whose first token is late.

use crate::client::spec::{HedgeAfter, HedgePolicy, RetryPolicy};
use crate::config::{Section, float, share, unit};
use crate::units::Micros;

/// The share of requests that Bedrock's doubled prompts and reservations make worth it at most.
const BUDGET: f64 = 0.02;

/// The highest quantile that the samples kept can tell: ten of a thousand lie beyond it.
const HIGHEST: f64 = 0.99;

/// Reads `[client.hedge]`.
pub(super) fn hedge(s: &mut Section<'_>) -> Option<HedgePolicy> {
    // First, for a choice takes keys that are not known yet for misspelt ones of its own.
    let budget = s.or("budget", share(), BUDGET);
    let after = match s.tag(&["after", "after_quantile"]) {
        None => None,
        Some("after") => delay(s).map(HedgeAfter::Delay),
        Some(_) => quantile(s).map(HedgeAfter::Quantile),
    };
    let budget = budget?.get();
    if budget == 0.0 {
        s.report(
            "budget",
            "`budget` must be above 0",
            "allows no hedge at all",
            "leave out `[client.hedge]`, or allow a share of requests such as 0.02",
        );
    }
    Some(HedgePolicy {
        after: after?,
        budget,
    })
}

fn delay(s: &mut Section<'_>) -> Option<Micros> {
    let delay = s.required("after", unit::<Micros>())?;
    if delay == Micros::ZERO {
        s.report(
            "after",
            "`after` must be above zero",
            "would send every request twice",
            "hedge only what is late: `after` near the 95th percentile of the time to first token",
        );
    }
    Some(delay)
}

fn quantile(s: &mut Section<'_>) -> Option<f64> {
    let quantile = s.required("after_quantile", float(0.0..1.0))?;
    if quantile < 0.5 {
        s.report(
            "after_quantile",
            "`after_quantile` must not be below 0.5",
            "hedges before the median, so most requests would be late",
            "use 0.95: a hedge doubles the prompt's cost and reservation, so few should need one",
        );
    } else if quantile > HIGHEST {
        s.report(
            "after_quantile",
            format!("`after_quantile` must not be above {HIGHEST}"),
            "is beyond what a client process can tell",
            "it keeps its last 1,000 first tokens and believes a quantile that ten of them exceed",
        );
    }
    Some(quantile)
}

/// Refuses what cannot go with hedging; `streams` says whether any workload streams.
pub(super) fn check(s: &mut Section<'_>, hedges: bool, streams: bool) {
    if hedges && !streams {
        s.report(
            "client",
            "hedging needs a workload that streams",
            "no first token is seen",
            "set `stream = true`, or leave out `[client.hedge]`",
        );
    }
}

/// Refuses hedging around the SDK's own retries.
pub(super) fn check_retry(s: &mut Section<'_>, hedges: bool, retry: &RetryPolicy) {
    if hedges && matches!(retry, RetryPolicy::Sdk { .. }) {
        s.report(
            "hedge",
            "`hedge` cannot go with `retry.sdk`",
            "the SDK repeats a call behind its caller's back",
            "choose `retry = { aws_standard_2_0 = {} }`, which is the SDK's default rebuilt here",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Source};
    use crate::scenario::{Files, read as read_scenario};

    struct NoFiles;

    impl Files for NoFiles {
        fn open(&self, _path: &str) -> Result<Vec<u8>, String> {
            Err("there are none".to_owned())
        }
    }

    fn read(text: &str) -> Result<HedgePolicy, String> {
        config::read(&Source::new("test.toml", text), hedge).map_err(|error| error.to_string())
    }

    #[test]
    fn a_delay_or_a_quantile_is_read_with_the_default_budget() {
        let policy = |after| HedgePolicy {
            after,
            budget: BUDGET,
        };
        let delay = HedgeAfter::Delay(Micros::from_secs(2));
        assert_eq!(read("after = \"2s\""), Ok(policy(delay)));
        let quantile = HedgeAfter::Quantile(0.95);
        assert_eq!(read("after_quantile = 0.95"), Ok(policy(quantile)));
    }

    #[test]
    fn bad_values_are_refused_with_their_place() {
        for (text, wants) in [
            (
                "after_quantile = 0.4",
                "test.toml:1:18: `after_quantile` must not be below 0.5",
            ),
            (
                "after_quantile = 0.999",
                "test.toml:1:18: `after_quantile` must not be above 0.99",
            ),
            ("after_quantile = 1.5", "test.toml:1:18:"),
            (
                "after = \"0s\"",
                "test.toml:1:9: `after` must be above zero",
            ),
            ("after = \"1s\"\nbudget = 1.1", "test.toml:2:10:"),
            (
                "after = \"1s\"\nbudget = 0.0",
                "test.toml:2:10: `budget` must be above 0",
            ),
            ("budget = 0.1", "chooses nothing"),
            ("after = \"1s\"\nafter_quantile = 0.9", "cannot be both"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(wants), "{text}: {said}");
        }
    }

    #[test]
    fn hedging_needs_a_stream_and_its_own_retries() {
        let smallest = include_str!("../../fuzz/seeds/scenario/smallest.toml");
        let said = |sets: &[&str]| {
            let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
            let source = Source::new("chat.toml", smallest);
            match read_scenario(&source, &sets, &NoFiles) {
                Ok(_) => "accepted".to_owned(),
                Err(error) => error.to_string(),
            }
        };
        assert_eq!(said(&["client.hedge.after=1s"]), "accepted");
        let whole = ["client.hedge.after=1s", "workload.chat.stream=false"];
        assert!(said(&whole).contains("hedging needs a workload that streams"));
        let sdk = ["client.hedge.after=1s", "client.retry.sdk={}"];
        assert!(said(&sdk).contains("`hedge` cannot go with `retry.sdk`"));
    }
}
