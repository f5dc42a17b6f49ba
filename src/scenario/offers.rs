//! What a workload asks for beside plain on-demand use: a service tier, latency-optimised inference,
//! batch jobs; and the assumptions of each.

use super::traffic::above_zero;
use crate::config::{Section, boolean, count, non_negative, one_of, positive, share, unit};
use crate::domain::PriceTier;
use crate::service::batch::BatchSpec;
use crate::service::tiers::TierSpec;
use crate::units::{Micros, Ratio, RequestsPerMinute, TokensPerMinute};

/// What a workload's calls ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OfferSpec {
    /// The service tier that its calls name; `None` is the standard one, or bought capacity.
    pub tier: Option<PriceTier>,
    /// Whether they ask for latency-optimised inference.
    pub latency_optimized: bool,
    /// How its requests become batch jobs; `None` if they are calls.
    pub batch: Option<BatchSpec>,
    /// What a record of such a job costs of its price on demand, where the scenario says so.
    pub batch_price: Option<Ratio>,
}

/// Keys of a workload: `tier`, `latency_optimized` and `[workload.batch]`.
pub(super) fn offer(s: &mut Section<'_>) -> OfferSpec {
    let tiers = [
        ("default", None),
        ("flex", Some(PriceTier::Flex)),
        ("priority", Some(PriceTier::Priority)),
    ];
    let tier = s.optional("tier", one_of(&tiers)).flatten();
    let fast = s.optional("latency_optimized", boolean());
    let latency_optimized = fast.unwrap_or(false);
    let batch = s.optional_table("batch", |s| {
        let price = s.optional("price", share());
        Some((batch(s)?, price))
    });
    let (batch, batch_price) = batch.map_or((None, None), |(spec, price)| (Some(spec), price));
    if tier.is_some() && latency_optimized {
        s.report(
            "latency_optimized",
            "`latency_optimized` does not go with a `tier`",
            "names a price of its own",
            "choose one: what the two cost together is published nowhere",
        );
    }
    if batch.is_some() {
        let key = if tier.is_some() {
            Some("tier")
        } else {
            latency_optimized.then_some("latency_optimized")
        };
        if let Some(key) = key {
            s.report(
                key,
                format!("`{key}` does not go with `batch`"),
                "is for calls",
                "batch jobs have a price and a queue of their own; leave one of the two out",
            );
        }
        if s.has("session") {
            s.report(
                "session",
                "`session` does not go with `batch`",
                "waits for each answer before the next turn",
                "a conversation cannot wait for jobs; leave one of the two out",
            );
        }
        if s.has("session") {
            s.report(
                "batch",
                "`batch` does not go with `[workload.session]`",
                "answers within hours",
                "the next turn of a session needs the answer to the last; leave one of the two out",
            );
        }
        if s.chosen("arrival") == Some("closed") {
            s.report(
                "batch",
                "`batch` does not go with `closed` arrivals",
                "answers within hours",
                "users who wait for an answer cannot wait for a job; use another arrival",
            );
        }
    }
    OfferSpec {
        tier,
        latency_optimized,
        batch,
        batch_price,
    }
}

/// The longest time that a batch setting may name.
const LONGEST: Micros = Micros::from_secs(90 * 86_400);

fn batch(s: &mut Section<'_>) -> Option<BatchSpec> {
    let every = span(s, "every", "1h");
    let min_records = s.or("min_records", count::<u32>(1..=10_000_000), 100);
    let max_records = s.or("max_records", count::<u32>(1..=10_000_000), 100_000);
    let file_gb = s.or("file_gb", positive(), 1.0);
    let job_gb = s.or("job_gb", positive(), 5.0);
    let jobs = s.or("jobs", count::<u32>(1..=1_000_000), 100);
    let timeout = s.or("timeout", unit::<Micros>(), "24h");
    if let Some(timeout) = timeout
        && !(Micros::from_secs(24 * 3600)..=Micros::from_secs(168 * 3600)).contains(&timeout)
    {
        s.report(
            "timeout",
            "`timeout` must be from 24h to 168h",
            &format!("is {timeout}"),
            "a job takes `timeoutDurationInHours` from 24 to 168",
        );
    }
    let (completion_p50, completion_p99) = completion(s)?;
    let tokens_per_s = s.optional("tokens_per_second", positive());
    let deadline = span(s, "deadline", "24h");
    let (min_records, max_records) = (min_records?, max_records?);
    if min_records > max_records {
        s.report(
            "min_records",
            "`min_records` must not be above `max_records`",
            &format!("is {min_records}, `max_records` is {max_records}"),
            "lower it, or raise `max_records`",
        );
    }
    let bytes = |gb: f64| (gb * 1e9) as u64;
    Some(BatchSpec {
        every: every?,
        min_records,
        max_records,
        file_bytes: bytes(file_gb?),
        job_bytes: bytes(job_gb?),
        jobs: jobs?,
        timeout: timeout?,
        completion_p50,
        completion_p99,
        tokens_per_s,
        deadline: deadline?,
    })
}

/// A span above zero and below three months.
fn span(s: &mut Section<'_>, key: &str, default: &str) -> Option<Micros> {
    let span = if s.has(key) {
        above_zero(s, key)
    } else {
        s.or(key, unit::<Micros>(), default)
    }?;
    if span > LONGEST {
        s.report(
            key,
            format!("`{key}` must be at most {LONGEST}"),
            &format!("is {span}"),
            "write it like `\"1h\"` or `\"2d\"`",
        );
        return None;
    }
    Some(span)
}

/// `completion = { lognormal = { p50 = …, p99 = … } }`.
fn completion(s: &mut Section<'_>) -> Option<(Micros, Micros)> {
    s.table("completion", |s| {
        if !s.has("lognormal") && s.keys().next().is_some() {
            s.tag(&["lognormal"])?;
        }
        s.table("lognormal", |s| {
            let (p50, p99) = (span(s, "p50", "2h")?, span(s, "p99", "20h")?);
            if p50 > p99 {
                s.report(
                    "p50",
                    "`p50` must not be above `p99`",
                    &format!("is {p50}, `p99` is {p99}"),
                    "swap the two, or raise `p99`",
                );
                return None;
            }
            Some((p50, p99))
        })
    })
}

/// Keys of `[service]` on tiers. Those that are absent stay absent in the resolved scenario: they
/// concern only workloads that ask for a tier, and each result names those in force.
pub(super) fn tiers(s: &mut Section<'_>) -> TierSpec {
    let usual = TierSpec::default();
    let priority_speedup = s.optional("priority_speedup", non_negative());
    let flex_slowdown = s.optional("flex_slowdown", non_negative());
    let flex_unavailable = s.optional("flex_unavailable", share());
    let flex_gives_way = s.optional("flex_gives_way", share());
    let optimized = s.optional_table("latency_optimized", |s| {
        Some((
            s.optional("speedup", non_negative()),
            s.optional("sooner", share()),
            s.optional("tpm", unit::<TokensPerMinute>()),
            s.optional("rpm", unit::<RequestsPerMinute>()),
        ))
    });
    let (speedup, sooner, optimized_tpm, optimized_rpm) = optimized.unwrap_or_default();
    TierSpec {
        priority_speedup: priority_speedup.unwrap_or(usual.priority_speedup),
        flex_slowdown: flex_slowdown.unwrap_or(usual.flex_slowdown),
        flex_unavailable: flex_unavailable.unwrap_or(usual.flex_unavailable),
        flex_gives_way: flex_gives_way.unwrap_or(usual.flex_gives_way),
        optimized_speedup: speedup.unwrap_or(usual.optimized_speedup),
        optimized_sooner: sooner.unwrap_or(usual.optimized_sooner),
        optimized_tpm,
        optimized_rpm,
    }
}
