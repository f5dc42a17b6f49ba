//! What one client process has around its retries: the limiter of `adaptive` mode, budget, breaker, throttle.

use super::adaptive::RateLimiter;
use super::backoff::is_throttling;
use super::breaker::Breaker;
use super::budget::Budget;
use super::injector::Ask;
use super::process::Pass;
use super::spec::{ClientPolicy, RetryPolicy, SdkRetries};
use super::throttle::Throttle;
use crate::domain::Failure;
use crate::units::{Micros, Moment};
use std::collections::BTreeMap;

/// The longest delay that the rate limiter of the Rust SDK adds to a retry.
const SDK_LONGEST: Micros = Micros::from_secs(20);
/// What a retry costs there after a throttle, and after another failure.
const SDK_COSTS: (f64, f64) = (10.0, 5.0);

/// The guards that a policy asks for.
#[derive(Clone, Debug)]
pub(super) struct GuardSet {
    limiter: Option<RateLimiter>,
    /// Where the SDK charges a retry when the attempt before fails: retries that are due at these moments
    /// and take no token then.
    prepaid: Option<BTreeMap<Moment, u32>>,
    budget: Option<Budget>,
    breaker: Option<Breaker>,
    throttle: Option<Throttle>,
}

impl GuardSet {
    /// The guards of a policy, if it has any.
    pub(super) fn of(policy: &ClientPolicy) -> Option<Box<Self>> {
        let (limiter, prepaid) = match policy.retry {
            RetryPolicy::AwsAdaptive { .. } => (Some(RateLimiter::botocore()), None),
            RetryPolicy::Sdk {
                mode: SdkRetries::Adaptive,
                ..
            } => (Some(RateLimiter::rust()), Some(BTreeMap::new())),
            _ => (None, None),
        };
        let guards = policy.guards;
        let set = Self {
            limiter,
            prepaid,
            budget: guards.retry_budget.map(Budget::new),
            breaker: guards.breaker.map(Breaker::new),
            throttle: guards.adaptive_throttle.map(Throttle::new),
        };
        let is_empty = set.limiter.is_none()
            && set.budget.is_none()
            && set.breaker.is_none()
            && set.throttle.is_none();
        (!is_empty).then(|| Box::new(set))
    }

    /// A request began.
    pub(super) fn begun(&mut self, now: Moment) {
        if let Some(budget) = &mut self.budget {
            budget.begun(now);
        }
    }

    /// Whether an attempt may be sent at `now`.
    pub(super) fn pass(&mut self, now: Moment, ask: &Ask) -> Pass {
        if self.breaker.as_ref().is_some_and(|one| !one.allows(now)) {
            return Pass::Open;
        }
        if !self.is_prepaid(now)
            && let Some(limiter) = &mut self.limiter
            && let Err(wait) = limiter.acquire(now, 1.0)
        {
            return Pass::At(now + wait);
        }
        if let Some(throttle) = &mut self.throttle
            && !throttle.allows(now, ask.instance)
        {
            return Pass::Open;
        }
        if let Some(breaker) = &mut self.breaker {
            breaker.sent(now);
        }
        Pass::Now
    }

    fn is_prepaid(&mut self, now: Moment) -> bool {
        let Some(mut entry) = self.prepaid.as_mut().and_then(BTreeMap::first_entry) else {
            return false;
        };
        if *entry.key() > now {
            return false;
        }
        *entry.get_mut() -= 1;
        if *entry.get() == 0 {
            entry.remove();
        }
        true
    }

    /// When the retry is made that was to come at `at`: the limiter of the Rust SDK puts its own delay in the
    /// place of the backoff.
    pub(super) fn retry_at(&mut self, now: Moment, failure: Failure, at: Moment) -> Moment {
        if self.prepaid.is_none() {
            return at;
        }
        let cost = if is_throttling(failure) {
            SDK_COSTS.0
        } else {
            SDK_COSTS.1
        };
        match self.limiter.as_mut().map(|one| one.acquire(now, cost)) {
            Some(Err(wait)) => now + wait.min(SDK_LONGEST),
            _ => at,
        }
    }

    /// Whether the budget allows a retry.
    pub(super) fn allows_retry(&mut self, now: Moment) -> bool {
        self.budget.as_mut().is_none_or(|budget| budget.allows(now))
    }

    /// A retry will be made at `at`.
    pub(super) fn pay(&mut self, now: Moment, at: Moment) {
        if let Some(budget) = &mut self.budget {
            budget.pay(now);
        }
        if let Some(prepaid) = &mut self.prepaid {
            *prepaid.entry(at).or_default() += 1;
        }
    }

    /// An attempt was answered, or failed.
    pub(super) fn heard(&mut self, now: Moment, failure: Option<Failure>) {
        // What was not sent tells nothing of the service.
        if failure == Some(Failure::CircuitOpen) {
            return;
        }
        if let Some(limiter) = &mut self.limiter {
            limiter.heard(now, failure.is_some_and(is_throttling));
        }
        if let Some(breaker) = &mut self.breaker {
            breaker.heard(now, failure);
        }
        if let Some(throttle) = &mut self.throttle {
            throttle.heard(now, failure);
        }
    }
}
