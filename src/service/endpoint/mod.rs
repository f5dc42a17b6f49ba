//! The service brain: what Bedrock does with a call, at moments that a shell names.
//!
//! An [`Endpoint`] admits or refuses, says how an answer will be paced, and settles quotas when
//! the call ends. It reads no clock, no socket and no randomness of its own: a simulation and a
//! server drive the same code.

mod admit;
mod cached;
mod faults;
mod place;
mod screen;
mod state;
mod upkeep;

pub use state::CounterState;

use super::account::AccountQuota;
use super::guardrail::{Guard, Screened, Screening, TargetGuard, Verdict};
use super::latency::LatencyModel;
use super::latency::Pace;
use super::noise::NoiseAhead;
use super::output::Production;
use super::quota::{Counter, QuotaReport, QuotaStats};
use super::regions::Regions;
use super::reserved::ReservedTier;
use super::setup::{EndpointSetup, Route};
use super::spec::Overload;
use super::tiers::{OptimizedRoute, Tiers};
use super::units::{PrefillQueue, SharedDecoder, Stream};
use crate::domain::{
    CacheBoundary, CachePoint, Failure, PriceTier, ScopeKind, StopReason, StreamFault, Usage,
};
use crate::rng::Keyed;
use crate::units::{Micros, Moment};
use cached::{Caches, FirstCaches};
use faults::{Fault, Label};
use screen::Habits;
use upkeep::Upkeep;

/// One call as the service sees it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The workload that makes it, an index into [`EndpointSetup::targets`].
    pub target: usize,
    /// Key of the draws of this attempt: the request's number and the attempt's.
    pub key: u64,
    /// Input tokens after the prefix.
    pub input: u32,
    /// What a cache may know.
    pub prefix: Prefix<'a>,
    /// Output tokens that the model would produce if nothing stopped it.
    pub output: u32,
    /// The call's own `max_tokens`; `None` takes that of the target.
    pub max_tokens: Option<u32>,
    /// Of the output, the tokens that the model thinks and nobody sees. They come first.
    pub thinking: u32,
    /// The guardrail that it meets.
    pub screening: Screening,
    /// The service tier that it names; `None` takes the capacity of its target, bought or shared.
    pub tier: Option<PriceTier>,
    /// Whether it asks for latency-optimised inference.
    pub latency_optimized: bool,
}

/// The part of a prompt that a cache may know.
#[derive(Clone, Copy, Debug)]
pub enum Prefix<'a> {
    /// Blocks of the target's size, by their numbers, in order.
    Blocks(&'a [u32]),
    /// Parts of their own sizes, in order, and the ends of content blocks before their points, ascending:
    /// an earlier call may have had a point there.
    Points(&'a [CachePoint], &'a [CacheBoundary]),
}

/// Who serves a call, which decides its price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServedBy {
    /// Shared capacity of this scope, billed by the token.
    #[default]
    OnDemandGeo,
    /// In-Region on-demand.
    OnDemandInRegion,
    /// Global on-demand.
    OnDemandGlobal,
    /// The Reserved tier, paid by the hour.
    Reserved,
    /// Model units, paid by the hour.
    ModelUnits,
}

impl ServedBy {
    /// Shared capacity of a scope.
    pub fn on_demand(kind: ScopeKind) -> Self {
        match kind {
            ScopeKind::InRegion => Self::OnDemandInRegion,
            ScopeKind::Geo => Self::OnDemandGeo,
            ScopeKind::Global => Self::OnDemandGlobal,
        }
    }

    /// The scope whose token prices apply; `None` where capacity is paid by the hour.
    pub fn token_scope(self) -> Option<ScopeKind> {
        match self {
            Self::OnDemandInRegion => Some(ScopeKind::InRegion),
            Self::OnDemandGeo => Some(ScopeKind::Geo),
            Self::OnDemandGlobal => Some(ScopeKind::Global),
            Self::Reserved | Self::ModelUnits => None,
        }
    }
}

/// An admitted call. The shell keeps it and hands it back to settle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Grant {
    /// The tokens of the full answer.
    pub usage: Usage,
    /// Who serves it.
    pub served_by: ServedBy,
    /// As what shared capacity serves it, which decides the price with `served_by`.
    pub tier: PriceTier,
    /// Whether `max_tokens` cuts the answer short.
    pub truncated: bool,
    /// When the first token comes.
    pub first_token_at: Moment,
    /// When the last token comes, where that is known at admission; otherwise the shell calls
    /// [`Endpoint::start_stream`] at the first token and waits for [`Endpoint::poll`].
    pub done_at: Option<Moment>,
    /// Quota tokens reserved.
    pub reserved: i64,
    /// Of the cache writes, the tokens that live for an hour.
    pub cache_write_1h: u32,
    /// After how many output tokens the stream breaks off, and why, if it does. None come at all where
    /// its Region is lost before the first one: the call then fails as if it had been refused.
    pub broken: Option<(u32, StreamFault)>,
    /// The error that is answered at [`Grant::done_at`] instead of tokens.
    pub refused: Option<Failure>,
    /// Of the output, the tokens of thinking.
    pub thinking: u32,
    /// Why the answer ends.
    pub stop: StopReason,
    /// How it meets its guardrail, if it meets one.
    pub screened: Option<Screened>,
    /// Whether the quota of output tokens of the mantle family stops the answer early.
    pub stopped_early: bool,
    /// Whether it breaks off because its Region is lost.
    is_lost: bool,
    /// Output tokens booked of the mantle family's quota.
    booked: u32,
    /// Its pool of the Region that serves it.
    pool: Option<u32>,
    /// Tokens reserved of the account's day.
    account: i64,
    /// Its place among the answers whose reservations are adjusted.
    adjusted: Option<u32>,
    admitted_at: Moment,
    per_token_us: f64,
    stream: Option<Stream>,
}

impl Grant {
    /// Output tokens that come: all of the answer, or those before the stream breaks off.
    #[inline]
    pub fn produces(&self) -> u32 {
        match self.broken {
            None => self.usage.output,
            Some((after, _)) => after,
        }
    }

    /// Sets the times of an answer that keeps its own pace.
    #[inline]
    pub(super) fn set_pace(&mut self, now: Moment, pace: Pace) {
        self.per_token_us = pace.per_token_us;
        self.first_token_at = now + pace.ttft;
        self.done_at = Some(now + pace.total(self.produces()));
    }

    /// Counts the times of an answer that keeps its own pace from the moment at which its call arrived, where
    /// reading it has taken until its admission at `now`.
    pub fn count_from(&mut self, arrived: Moment, now: Moment) {
        let reading = now.since(arrived);
        if let Some(done_at) = &mut self.done_at {
            done_at.0 = done_at.0.saturating_sub(reading.0).max(now.0);
            self.first_token_at.0 = self.first_token_at.0.saturating_sub(reading.0).max(now.0);
        }
    }

    /// Why the answer fails, if it breaks off.
    pub fn failure(&self) -> Option<(u32, Failure)> {
        self.broken.map(|(after, fault)| match (after, fault) {
            (0, StreamFault::Unavailable) => (0, Failure::Unavailable),
            _ => (after, Failure::StreamBroken(fault)),
        })
    }

    /// How its output is produced.
    fn production(&self) -> Production {
        Production {
            first: self.first_token_at,
            per_token_us: self.per_token_us,
            tokens: self.produces(),
        }
    }

    /// Whether it has yet to join the streams that share its units: [`Endpoint::start_stream`] is to come.
    #[inline]
    pub fn waits_for_first_token(&self) -> bool {
        self.done_at.is_none() && self.stream.is_none()
    }

    /// Microseconds per output token after the first, as far as admission knows them.
    pub fn per_token_us(&self) -> f64 {
        self.per_token_us
    }
}

/// The service brain.
#[derive(Clone, Debug)]
pub struct Endpoint {
    targets: Vec<Target>,
    counters: Vec<Counter>,
    caches: Caches,
    reserved: Option<ReservedTier>,
    units: Option<Units>,
    guards: Vec<Guard>,
    faults: Vec<Fault>,
    labels: Vec<Label>,
    seed: u64,
    reserve_counts_cache_read: bool,
    totals: ServiceTotals,
    tiers: Tiers,
    regions: Option<Box<Regions>>,
    account: Option<Box<AccountQuota>>,
    upkeep: Option<Box<Upkeep>>,
}

/// How near the limits of tokens per minute are: the largest share over all counters of each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pressure {
    /// Reserved now, debt and what the window remembers inside.
    pub reserved: f64,
    /// Settled in the clock minute so far.
    pub settled: f64,
    /// Settled in the last whole clock minute, as a dashboard shows it afterwards.
    pub settled_minute: f64,
}

/// Quota tokens over a whole run; reserved = returned + settled from it + in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceTotals {
    /// Tokens reserved at admission.
    pub reserved: u128,
    /// Tokens charged at settlement.
    pub settled: u128,
    /// Calls admitted and not yet settled.
    pub in_flight: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Target {
    route: Route,
    latency: LatencyModel,
    noise: NoiseAhead,
    routing: Keyed,
    second_choice: Keyed,
    burndown: i64,
    max_output: u32,
    max_input: u64,
    /// Prefixes below this many tokens are not cached; `u32::MAX` if the model has no cache.
    cache_min: u32,
    block_tokens: u32,
    /// Whether what it writes lives for an hour.
    cache_hour: bool,
    caches: FirstCaches,
    destinations: usize,
    hop: Micros,
    habits: Option<Habits>,
    guard: Option<TargetGuard>,
    pub(super) optimized: Option<OptimizedRoute>,
}

#[derive(Clone, Debug)]
struct Units {
    decoder: SharedDecoder,
    prefill: PrefillQueue,
    overload: Overload,
    peak: u32,
    waiting: u32,
    refused: u64,
}

/// Streams on full units may slow to this share of their speed before the units count as full.
/// No source states the true figure; see the README's list of assumptions.
const SLOWEST_STREAM_SHARE: f64 = 0.5;

/// The longest prefill wait before the units count as full.
const LONGEST_PREFILL_WAIT: Micros = Micros::from_secs(5);

impl Endpoint {
    /// The service of one variant, idle.
    pub fn new(setup: &EndpointSetup, seed: u64) -> Self {
        let (caches, firsts) = Caches::new(setup);
        let targets = setup
            .targets
            .iter()
            .zip(firsts)
            .map(|(spec, caches)| Target {
                route: spec.route,
                latency: LatencyModel::new(&spec.latency, setup.ambient_load),
                noise: NoiseAhead::new(Keyed::new(seed, &format!("{}/latency", spec.name))),
                routing: Keyed::new(seed, &format!("{}/routing", spec.name)),
                second_choice: Keyed::new(seed, &format!("{}/second-choice", spec.name)),
                burndown: spec.burndown as i64,
                max_output: spec.max_tokens,
                max_input: spec.max_input,
                cache_min: spec.cache_min,
                block_tokens: spec.block_tokens,
                cache_hour: spec.cache_ttl >= Micros::HOUR,
                caches,
                destinations: spec.destinations,
                hop: spec.hop,
                habits: Habits::new(spec.behaviour, seed, &spec.name),
                guard: spec.guard,
                optimized: spec.optimized,
            })
            .collect();
        let units = setup.units.as_ref().map(|units| Units {
            decoder: SharedDecoder::new(units.output_per_s, units.stream_per_s),
            prefill: PrefillQueue::new(units.input_per_s),
            overload: units.overload.clone(),
            peak: 0,
            waiting: 0,
            refused: 0,
        });
        let labels: Vec<Label> = setup
            .targets
            .iter()
            .map(|target| Label {
                workload: target.name.clone(),
                model: target.model.clone(),
            })
            .collect();
        Self {
            targets,
            counters: build_counters(setup),
            caches,
            reserved: setup
                .reserved
                .as_ref()
                .map(|spec| ReservedTier::new(spec, setup.rules)),
            units,
            guards: setup
                .guards
                .iter()
                .map(|guard| Guard::new(guard, seed))
                .collect(),
            faults: faults::with_draws(&setup.faults, seed, &labels),
            labels,
            seed,
            reserve_counts_cache_read: setup.rules.reserve_counts_cache_read,
            totals: ServiceTotals::default(),
            tiers: Tiers::new(setup, seed),
            regions: setup
                .regions
                .as_ref()
                .map(|regions| Box::new(Regions::new(regions))),
            account: setup
                .quotas
                .account
                .as_ref()
                .map(|account| Box::new(AccountQuota::new(account, setup.rules))),
            upkeep: Upkeep::new(&setup.quotas, Moment::ZERO),
        }
    }

    pub(super) fn target(&self, target: usize) -> &Target {
        &self.targets[target]
    }

    pub(super) fn tiers(&self) -> &Tiers {
        &self.tiers
    }

    pub(super) fn tiers_mut(&mut self) -> &mut Tiers {
        &mut self.tiers
    }

    /// Admits or refuses a call.
    ///
    /// # Errors
    /// The failure that Bedrock answers with; nothing is reserved then.
    pub fn admit(&mut self, now: Moment, call: &Call<'_>) -> Result<Grant, Failure> {
        let mut grant = Grant::default();
        self.admit_into(now, call, &mut grant)?;
        Ok(grant)
    }

    /// Admits or refuses a call, as [`Endpoint::admit`] does. A grant is long, so it is written where
    /// it stays; what stands there after a refusal means nothing.
    ///
    /// # Errors
    /// The failure that Bedrock answers with; nothing is reserved then.
    #[inline]
    pub fn admit_into(
        &mut self,
        now: Moment,
        call: &Call<'_>,
        grant: &mut Grant,
    ) -> Result<(), Failure> {
        let injected = if self.faults.is_empty() {
            faults::Injected::default()
        } else {
            self.inject(now, call.target, call.key)?
        };
        self.catch_up(now);
        if let Some((failure, after)) = injected.refused {
            *grant = self.refuse_later(now, failure, after);
            return Ok(());
        }
        let target = &self.targets[call.target];
        let placed = match &mut self.regions {
            None => None,
            Some(regions) => place::place(regions, now, call, target),
        };
        let destination = match (&placed, target.destinations) {
            (Some(placed), _) => placed.destination,
            (None, 1) => 0,
            (None, n) => target.routing.below(call.key, n),
        };
        if let Some(placed) = &placed {
            self.caches
                .outlive(target.caches, destination, placed.losses);
        }
        let (mut usage, cache_write_1h, cache) = self.usage(now, call, destination);
        let target = &self.targets[call.target];
        if usage.prompt() > target.max_input {
            return Err(Failure::Validation);
        }
        let stop = target.end_answer(call, &mut usage, max_output(call, target));
        let screened = if self.guards.is_empty() {
            None
        } else {
            self.screen(now, call, usage)?
        };
        if let Some(screened) = screened
            && screened.verdict == Verdict::InputBlocked
        {
            *grant = self.block_input(now, call, screened);
            return Ok(());
        }
        let target = &mut self.targets[call.target];
        let noise = target.noise.at(&target.latency, call.key);
        let (uncached, read) = (usage.input + usage.cache_write, usage.cache_read);
        let mut pace = match &placed {
            None => target.latency.pace_with(uncached, read, noise),
            Some(placed) => target.latency.pace_under(placed.h, uncached, read, noise),
        };
        if destination != 0 {
            pace.ttft += placed.map_or(target.hop, |placed| placed.hop);
        }
        if !self.faults.is_empty() {
            injected.slow(&mut pace);
        }
        if let Some(screened) = &screened {
            pace.ttft += screened.input_takes;
        }
        *grant = Grant {
            usage,
            truncated: stop == StopReason::MaxTokens,
            stop,
            thinking: call.thinking.min(usage.output),
            cache_write_1h,
            broken: injected.breaks(usage.output),
            admitted_at: now,
            per_token_us: pace.per_token_us,
            ..Grant::default()
        };
        self.admit_by_route(now, call, grant, pace)?;
        if let Some(placed) = &placed {
            self.occupy(now, call.target, grant, placed)?;
        }
        if usage.cache_read + usage.cache_write > 0 {
            self.touch(now, grant.first_token_at, call, cache);
        }
        if let Some(screened) = screened {
            self.guard_answer(now, grant, screened);
        }
        if let Some(placed) = &placed {
            place::break_off(grant, placed.lost_at);
        }
        if self.upkeep.is_some() {
            self.watch(call.target, grant);
        }
        self.totals.in_flight += 1;
        Ok(())
    }

    /// The first token of a call whose end is not known at admission has come: it joins the
    /// streams that share the units. `owner` comes back from [`Endpoint::poll`].
    pub fn start_stream(&mut self, now: Moment, target: usize, grant: &mut Grant, owner: u32) {
        let Some(units) = &mut self.units else { return };
        // A stream that is slower by nature takes proportionally more of the shared work.
        let slowness = grant.per_token_us / self.targets[target].latency.per_output_token_us();
        let work = f64::from(grant.produces().saturating_sub(1)) * slowness;
        units.waiting -= 1;
        grant.stream = Some(units.decoder.start(now, work, owner));
        units.peak = units.peak.max(units.decoder.active());
    }

    /// When [`Endpoint::poll`] will next have something; a call before is a no-op.
    pub fn next_wake(&mut self) -> Option<Moment> {
        self.units
            .as_mut()
            .and_then(|units| units.decoder.next_end())
    }

    /// Takes out a stream whose last token has come by `now`, by the owner given at its start.
    pub fn poll(&mut self, now: Moment) -> Option<u32> {
        self.units
            .as_mut()
            .and_then(|units| units.decoder.poll(now))
    }

    /// Output tokens that a call has produced by `now`, for a client that leaves early.
    ///
    /// Its stream, if it shares units, is taken out.
    pub fn cut_short(&mut self, now: Moment, target: usize, grant: &Grant) -> u32 {
        // At the moment of its first token a stream may not have joined those that share the units yet.
        if now < grant.first_token_at || grant.waits_for_first_token() {
            if let (None, Some(units)) = (grant.done_at, &mut self.units) {
                units.waiting -= 1;
            }
            return 0;
        }
        let produced = self.produced(now, target, grant);
        if let (Some(stream), Some(units)) = (grant.stream, &mut self.units) {
            units.decoder.cancel(now, stream);
        }
        produced
    }

    /// Ends a call that produced `output` tokens: quotas are settled.
    #[inline]
    pub fn settle(&mut self, now: Moment, target: usize, grant: &Grant, output: u32) {
        self.catch_up(now);
        self.totals.in_flight -= 1;
        if grant.refused.is_some() {
            return;
        }
        if grant.screened.is_some() {
            self.settle_guard(now, grant, output);
            if grant.usage == Usage::default() {
                return;
            }
        }
        if let (Some(pool), Some(regions)) = (grant.pool, &mut self.regions) {
            // A client may have left before the Region was lost.
            let lost = grant.is_lost && grant.broken.is_some_and(|(after, _)| after == output);
            regions.leave(pool as usize, lost);
        }
        let index = target;
        let target = &self.targets[index];
        let input = i64::from(grant.usage.input) + i64::from(grant.usage.cache_write);
        let used = input + i64::from(output) * target.burndown;
        match grant.served_by {
            ServedBy::Reserved => {
                if let Some(tier) = &mut self.reserved {
                    let not_produced = grant.usage.output.saturating_sub(output);
                    tier.settle(now, grant.admitted_at, not_produced);
                }
                return;
            }
            ServedBy::ModelUnits => return,
            _ => {}
        }
        let counter = target.route.counter();
        let is_mantle = counter.is_some_and(|counter| self.counters[counter].is_mantle());
        let is_optimized = grant.tier == PriceTier::LatencyOptimized && target.optimized.is_some();
        let used = if is_mantle && !is_optimized {
            input
        } else {
            used
        };
        if is_optimized || counter.is_some() {
            let usage = Usage {
                output,
                ..grant.usage
            };
            self.close(now, index, grant, used, usage);
            self.totals.settled += used as u128;
        }
    }

    /// Quota tokens reserved and settled so far.
    pub fn totals(&self) -> ServiceTotals {
        self.totals
    }

    /// Quota tokens held by calls in flight, over all counters and the account.
    pub fn held(&self) -> i64 {
        let account = self.account.as_ref().map_or(0, |account| account.held());
        let counters = self.counters.iter().chain(&self.tiers.optimized);
        counters.map(Counter::held).sum::<i64>() + account
    }

    /// How near the limits of tokens per minute are.
    pub fn pressure(&mut self, now: Moment) -> Pressure {
        self.catch_up(now);
        self.counters
            .iter_mut()
            .fold(Pressure::default(), |most, counter| {
                let limit = counter.tpm_limit() as f64;
                let in_use = limit - counter.available(now) as f64;
                let shown = counter.shown(now) as f64;
                let before = counter.shown_before(now) as f64;
                Pressure {
                    reserved: most.reserved.max(in_use / limit),
                    settled: most.settled.max(shown / limit),
                    settled_minute: most.settled_minute.max(before / limit),
                }
            })
    }

    /// Every quota and bought capacity with what it saw.
    pub fn reports(&self) -> Vec<QuotaReport> {
        let mut reports: Vec<_> = self.counters.iter().flat_map(Counter::reports).collect();
        reports.extend(self.guards.iter().flat_map(Guard::reports));
        reports.extend(self.tiers.reports());
        reports.extend(self.account.as_ref().map(|account| account.report()));
        if let Some(tier) = &self.reserved {
            reports.extend(tier.reports());
        }
        if let Some(units) = &self.units {
            reports.push(QuotaReport {
                name: "model_units_streams",
                model: String::new(),
                kind: ScopeKind::InRegion,
                region: None,
                limit: units.decoder.full_speed_streams() as u64,
                stats: QuotaStats {
                    peak_reserved: u64::from(units.peak),
                    peak_settled: u64::from(units.peak),
                    refused: units.refused,
                },
            });
        }
        reports
    }
}

/// The quota counters of a setup, unused.
fn build_counters(setup: &EndpointSetup) -> Vec<Counter> {
    let counters = setup.counters.iter().enumerate();
    counters
        .map(|(index, counter)| {
            let counter = counter.build(setup.rules);
            match setup.quotas.output_tpm.get(index) {
                Some(limit) => counter.with_output(*limit),
                None => counter,
            }
        })
        .collect()
}

/// The bound on the output of a call.
#[inline]
fn max_output(call: &Call<'_>, target: &Target) -> u32 {
    call.max_tokens.unwrap_or(target.max_output)
}

#[cfg(test)]
mod tests;
