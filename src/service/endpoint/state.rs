//! The state of the service as an operator sees it, and the quotas that can be changed.

use super::Endpoint;
use crate::domain::ScopeKind;
use crate::service::quota::CounterLimits;
use crate::units::Moment;

/// One quota counter at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterState {
    /// The model's name.
    pub model: String,
    /// The counter's scope.
    pub kind: ScopeKind,
    /// The source Region where it is not the variant's.
    pub region: Option<String>,
    /// Its limits.
    pub limits: CounterLimits,
    /// Of the mantle family: output tokens per minute, and how many of them are left.
    pub output: Option<(u64, i64)>,
    /// Tokens per minute that admission may still reserve; negative while in debt.
    pub tpm_available: i64,
    /// Tokens reserved by calls in flight.
    pub held: i64,
    /// Tokens settled in this clock minute: what a dashboard shows.
    pub settled_this_minute: u64,
    /// Requests that admission may still take in this minute, where the model has that quota.
    pub rpm_available: Option<i64>,
    /// Tokens of the day that admission may still reserve, where enforced.
    pub tpd_available: Option<i64>,
}

impl Endpoint {
    /// Every quota counter as it stands at `now`.
    pub fn counters(&mut self, now: Moment) -> Vec<CounterState> {
        self.catch_up(now);
        let own = self.counters.iter_mut().map(|counter| counter.state(now));
        let optimized = self.tiers.optimized.iter_mut();
        let optimized = optimized.map(|counter| {
            let mut state = counter.state(now);
            state.model += " (latency-optimised)";
            state
        });
        own.chain(optimized).collect()
    }

    /// Changes the limits of counter number `counter`; what was used stays used. `None` if there is none.
    pub fn set_limits(&mut self, now: Moment, counter: usize, limits: CounterLimits) -> Option<()> {
        self.catch_up(now);
        let mut all = self.counters.iter_mut().chain(&mut self.tiers.optimized);
        all.nth(counter)?.set_limits(now, limits);
        Some(())
    }

    /// The account's tokens per day at `now`: the limit, and how many are left; `None` if not enforced.
    pub fn account(&mut self, now: Moment) -> Option<(u64, i64)> {
        let account = self.account.as_mut()?;
        Some((account.limit(), account.available(now)))
    }

    /// Prefixes, and parts of them, that are cached at `now`, over all models and Regions.
    pub fn cached(&self, now: Moment) -> usize {
        self.caches.live(now)
    }

    /// Output tokens that a call has produced by `now`; nothing changes.
    ///
    /// Where units are shared, the pace of a stream depends on the others, so this is asked from
    /// time to time; elsewhere it follows from the grant.
    pub fn produced(&mut self, now: Moment, target: usize, grant: &super::Grant) -> u32 {
        if now < grant.first_token_at {
            return 0;
        }
        let tokens = match (grant.stream, &mut self.units) {
            (Some(stream), Some(units)) => {
                let usual = self.targets[target].latency.per_output_token_us();
                units.decoder.done(now, stream) * usual / grant.per_token_us
            }
            _ => now.since(grant.first_token_at).0 as f64 / grant.per_token_us,
        };
        (tokens as u32).saturating_add(1).min(grant.produces())
    }
}
