//! Tokens per day over all models and scopes of the account.

use super::quota::{QuotaReport, TokenQuota};
use crate::domain::{QuotaRules, ScopeKind, Usage};
use crate::units::{Micros, Moment, TokensPerDay};

/// The account's tokens per day as set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSetup {
    /// The limit.
    pub limit: TokensPerDay,
    /// What a token of each target counts.
    pub weights: Vec<Weights>,
}

/// What a token of each class counts, as a fraction with a common denominator.
///
/// A prompt beyond a step in price counts as any other: the weighting is an assumption, and this part
/// of it would not be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Input neither read from nor written to the cache.
    pub input: u64,
    /// Output.
    pub output: u64,
    /// Written to the cache with a life of five minutes.
    pub cache_write: u64,
    /// Written to the cache with a life of an hour.
    pub cache_write_1h: u64,
    /// Read from the cache.
    pub cache_read: u64,
    /// What makes one token.
    pub reference: u64,
}

impl Weights {
    /// Each billed token counts one.
    pub const EQUAL: Self = Self {
        input: 1,
        output: 1,
        cache_write: 1,
        cache_write_1h: 1,
        cache_read: 1,
        reference: 1,
    };

    /// What an answer of this usage counts, to the nearest token.
    pub fn of(&self, usage: Usage, written_1h: u32) -> i64 {
        let part = |tokens: u32, weight: u64| u128::from(tokens) * u128::from(weight);
        let sum = part(usage.input, self.input)
            + part(usage.output, self.output)
            + part(
                usage.cache_write.saturating_sub(written_1h),
                self.cache_write,
            )
            + part(written_1h.min(usage.cache_write), self.cache_write_1h)
            + part(usage.cache_read, self.cache_read);
        let reference = u128::from(self.reference.max(1));
        i64::try_from((sum + reference / 2) / reference).unwrap_or(i64::MAX / 4)
    }
}

/// The account's tokens per day.
#[derive(Clone, Debug)]
pub struct AccountQuota {
    quota: TokenQuota,
    weights: Vec<Weights>,
}

impl AccountQuota {
    /// An unused quota.
    pub fn new(setup: &AccountSetup, rules: QuotaRules) -> Self {
        Self {
            quota: TokenQuota::new(rules, setup.limit.0, Micros::DAY),
            weights: setup.weights.clone(),
        }
    }

    /// What an answer of `target` counts.
    pub fn weighted(&self, target: usize, usage: Usage, written_1h: u32) -> i64 {
        self.weights
            .get(target)
            .unwrap_or(&Weights::EQUAL)
            .of(usage, written_1h)
    }

    /// Tokens that admission may still reserve.
    pub fn available(&mut self, now: Moment) -> i64 {
        self.quota.available(now)
    }

    /// Reserves tokens that were found to fit.
    pub fn reserve(&mut self, now: Moment, tokens: i64) {
        let available = self.quota.available(now);
        self.quota.reserve(now, tokens, available);
    }

    /// Notes a call that found no room.
    pub fn refuse(&mut self) {
        self.quota.refuse();
    }

    /// Replaces a reservation by what was used.
    pub fn settle(&mut self, now: Moment, taken_at: Moment, reserved: i64, used: i64) {
        self.quota.settle(now, taken_at, reserved, used);
    }

    /// Tokens reserved by calls in flight.
    pub fn held(&self) -> i64 {
        self.quota.held()
    }

    /// The limit.
    pub fn limit(&self) -> u64 {
        self.quota.limit()
    }

    /// The quota with what it saw. Its scope is the account's; a report needs one of a counter's, and
    /// results name it by [`AccountQuota::NAME`].
    pub fn report(&self) -> QuotaReport {
        QuotaReport {
            name: Self::NAME,
            model: String::new(),
            kind: ScopeKind::Global,
            region: None,
            limit: self.quota.limit(),
            stats: self.quota.stats(),
        }
    }

    /// The name in reports.
    pub const NAME: &str = "account_tpd";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_weigh_by_their_price() {
        // Sonnet 4.6 against its own input price: output ×5, writes ×1.25 and ×2, reads ×0.1.
        let weights = Weights {
            input: 3_000_000,
            output: 15_000_000,
            cache_write: 3_750_000,
            cache_write_1h: 6_000_000,
            cache_read: 300_000,
            reference: 3_000_000,
        };
        let usage = Usage {
            input: 1_000,
            cache_read: 4_000,
            cache_write: 2_000,
            output: 300,
        };
        assert_eq!(weights.of(usage, 0), 1_000 + 400 + 2_500 + 1_500);
        assert_eq!(weights.of(usage, 800), 1_000 + 400 + 1_500 + 1_600 + 1_500);
        assert_eq!(Weights::EQUAL.of(usage, 800), 7_300);
    }
}
