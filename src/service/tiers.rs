//! Service tiers and latency-optimised inference: how they change the pace of an answer.
//!
//! Priority and Flex share the on-demand quota with the standard tier (Bedrock user guide, "Service
//! tiers"); latency-optimised inference has a quota of its own, and what exceeds it is served as
//! standard ("Optimize model inference for latency"). How much faster or slower is an assumption
//! for each: AWS states a most of 25 % for Priority and nothing for Flex.

use super::endpoint::{Call, Endpoint, Grant, ServedBy};
use super::latency::Pace;
use super::quota::{Counter, QuotaReport};
use super::setup::{CounterSetup, EndpointSetup};
use crate::domain::{Failure, PriceTier};
use crate::rng::Keyed;
use crate::units::{Micros, Moment, Ratio, RequestsPerMinute, TokensPerMinute};

/// What the tiers do, as far as anybody says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TierSpec {
    /// By how much more output tokens a second Priority brings; AWS states 25 % as the most.
    pub priority_speedup: f64,
    /// By how much longer Flex takes to the first token and for each token after it.
    pub flex_slowdown: f64,
    /// Share of Flex calls that get a 503 because the capacity goes to the other tiers.
    pub flex_unavailable: Ratio,
    /// Flex calls get a 503 while less than this share of a Region's pool is free. Only where the
    /// scenario gives Regions a capacity.
    pub flex_gives_way: Ratio,
    /// By how much more output tokens a second latency-optimised inference brings.
    pub optimized_speedup: f64,
    /// By what share the first token of latency-optimised inference comes sooner.
    pub optimized_sooner: Ratio,
    /// Tokens per minute of latency-optimised inference where they differ from the model's.
    pub optimized_tpm: Option<TokensPerMinute>,
    /// Requests per minute of it where they differ from the model's.
    pub optimized_rpm: Option<RequestsPerMinute>,
}

impl Default for TierSpec {
    fn default() -> Self {
        let share = |value| Ratio::new(value).unwrap_or(Ratio::ZERO);
        Self {
            priority_speedup: 0.25,
            flex_slowdown: 0.5,
            flex_unavailable: share(0.01),
            flex_gives_way: share(0.1),
            optimized_speedup: 0.75,
            optimized_sooner: share(0.2),
            optimized_tpm: None,
            optimized_rpm: None,
        }
    }
}

impl TierSpec {
    /// How many times as long as in the standard tier the first token takes, and each one after it.
    pub fn factors(&self, tier: PriceTier) -> (f64, f64) {
        match tier {
            PriceTier::Standard | PriceTier::Batch => (1.0, 1.0),
            PriceTier::Flex => (1.0 + self.flex_slowdown, 1.0 + self.flex_slowdown),
            PriceTier::Priority => (1.0, 1.0 / (1.0 + self.priority_speedup)),
            PriceTier::LatencyOptimized => (
                1.0 - self.optimized_sooner.get(),
                1.0 / (1.0 + self.optimized_speedup),
            ),
        }
    }
}

/// The tiers of a running service; absent where no call can name one.
#[derive(Clone, Debug)]
pub(super) struct Tiers {
    spec: TierSpec,
    /// Whether a Flex call meets a 503.
    sheds: Keyed,
    /// Quotas of latency-optimised inference.
    pub(super) optimized: Vec<Counter>,
}

/// The quota of latency-optimised inference of one target's model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptimizedRoute {
    /// Its counter, an index into [`EndpointSetup::optimized`].
    pub counter: usize,
    /// The longest call, input and output together; longer ones are served as standard.
    pub max_tokens: Option<u64>,
}

impl Tiers {
    pub(super) fn new(setup: &EndpointSetup, seed: u64) -> Self {
        let build = |counter: &CounterSetup| counter.build(setup.rules);
        Self {
            spec: setup.tiers,
            sheds: Keyed::new(seed, "service/flex"),
            optimized: setup.optimized.iter().map(build).collect(),
        }
    }

    /// Whether Flex gives way with this share of a pool free.
    pub(super) fn gives_way(&self, free: f64) -> bool {
        free < self.spec.flex_gives_way.get()
    }

    /// The quotas of latency-optimised inference under names of their own.
    pub(super) fn reports(&self) -> impl Iterator<Item = QuotaReport> {
        let reports = self.optimized.iter().flat_map(Counter::reports);
        reports.map(|report| QuotaReport {
            name: match report.name {
                "tpm" => "latency_optimized_tpm",
                "rpm" => "latency_optimized_rpm",
                other => other,
            },
            ..report
        })
    }
}

impl Endpoint {
    /// What the tier of a call does to its pace. Flex gives way first where capacity is short.
    ///
    /// # Errors
    /// If Flex has no capacity for it.
    pub(super) fn apply_tier(
        &self,
        call: &Call<'_>,
        tier: PriceTier,
        pace: &mut Pace,
    ) -> Result<(), Failure> {
        let tiers = self.tiers();
        if tier == PriceTier::Flex {
            let key = call.key ^ (call.target as u64) << 56;
            if tiers.sheds.uniform(key) < tiers.spec.flex_unavailable.get() {
                return Err(Failure::Unavailable);
            }
        }
        *pace = changed(*pace, tiers.spec.factors(tier));
        Ok(())
    }

    /// Admits a call to latency-optimised inference; `None` if it has to be served as standard, and
    /// then `grant` is as it was.
    pub(super) fn admit_optimized(
        &mut self,
        now: Moment,
        call: &Call<'_>,
        grant: &mut Grant,
        pace: Pace,
        reserved: i64,
    ) -> Option<()> {
        let route = self.target(call.target).optimized?;
        let spec = self.tiers().spec;
        let tokens = grant.usage.prompt() + u64::from(grant.usage.output);
        if route.max_tokens.is_some_and(|most| tokens > most) {
            return None;
        }
        let counter = &mut self.tiers_mut().optimized[route.counter];
        counter.admit(now, reserved).ok()?;
        grant.served_by = ServedBy::on_demand(counter.kind);
        let factors = spec.factors(PriceTier::LatencyOptimized);
        grant.set_pace(now, changed(pace, factors));
        grant.tier = PriceTier::LatencyOptimized;
        grant.reserved = reserved;
        Some(())
    }
}

fn changed(pace: Pace, (first, each): (f64, f64)) -> Pace {
    Pace {
        ttft: Micros((pace.ttft.0 as f64 * first) as u64),
        per_token_us: pace.per_token_us * each,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tiers_change_the_pace_as_they_say() {
        let spec = TierSpec::default();
        let factors = |tier| spec.factors(tier);
        let close = |(a, b): (f64, f64), (c, d): (f64, f64)| {
            assert!((a - c).abs() < 1e-12 && (b - d).abs() < 1e-12, "{a} {b}");
        };
        close(factors(PriceTier::Standard), (1.0, 1.0));
        // 25 % more tokens a second is four fifths of the time for each.
        close(factors(PriceTier::Priority), (1.0, 0.8));
        close(factors(PriceTier::Flex), (1.5, 1.5));
        close(factors(PriceTier::LatencyOptimized), (0.8, 1.0 / 1.75));
    }
}
