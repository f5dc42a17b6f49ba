//! The Reserved service tier: input and output tokens per minute bought apart.
//!
//! Input counts the uncached input and the cache writes; cache reads are free of the reservation
//! (Bedrock user guide, "Service tiers"). Whether output burndown applies inside a reservation is
//! not published: it is a setting. The output of an answer counts in full from its admission on,
//! so a reservation never serves more than was bought; what an abandoned answer did not produce
//! is given back.

use super::meter::Meter;
use super::quota::{QuotaReport, QuotaStats};
use super::setup::ReservedSetup;
use crate::domain::{QuotaRules, ScopeKind};
use crate::units::{Micros, Moment};

/// Bought tokens per minute.
#[derive(Clone, Debug)]
pub struct ReservedTier {
    model: String,
    kind: ScopeKind,
    input: Side,
    output: Side,
    burndown: u32,
}

#[derive(Clone, Debug)]
struct Side {
    meter: Meter,
    window: u64,
    shown: u64,
    stats: QuotaStats,
}

impl Side {
    fn new(rules: QuotaRules, limit: u64) -> Self {
        let meter = Meter::new(rules.token_window, limit, Micros::MINUTE);
        Self {
            meter,
            window: 0,
            shown: 0,
            stats: QuotaStats::default(),
        }
    }

    fn take(&mut self, now: Moment, tokens: u32) {
        self.meter.take(now, i64::from(tokens));
        let window = now.0 / Micros::MINUTE.0;
        if window != self.window {
            (self.window, self.shown) = (window, 0);
        }
        self.shown += u64::from(tokens);
        let used = (self.meter.limit() - self.meter.available(now)).max(0) as u64;
        self.stats.peak_reserved = self.stats.peak_reserved.max(used);
        self.stats.peak_settled = self.stats.peak_settled.max(self.shown);
    }
}

impl ReservedTier {
    /// An unused reservation.
    pub fn new(setup: &ReservedSetup, rules: QuotaRules) -> Self {
        Self {
            model: setup.model.clone(),
            kind: setup.kind,
            input: Side::new(rules, setup.input_tpm.0),
            output: Side::new(rules, setup.output_tpm.0),
            burndown: u32::try_from(setup.burndown).unwrap_or(u32::MAX),
        }
    }

    /// Takes `input` and `output` tokens if both sides have room; says whether it did.
    pub fn admit(&mut self, now: Moment, input: u32, output: u32) -> bool {
        let output = output.saturating_mul(self.burndown);
        if self.input.meter.available(now) < i64::from(input) {
            self.input.stats.refused += 1;
            return false;
        }
        if self.output.meter.available(now) < i64::from(output) {
            self.output.stats.refused += 1;
            return false;
        }
        self.input.take(now, input);
        self.output.take(now, output);
        true
    }

    /// Gives back the output that a call admitted at `admitted_at` did not produce.
    pub fn settle(&mut self, now: Moment, admitted_at: Moment, not_produced: u32) {
        if not_produced > 0 {
            let tokens = i64::from(not_produced) * i64::from(self.burndown);
            self.output.meter.give_back(now, tokens, admitted_at);
        }
    }

    /// Both sides with what they saw; "refused" is what went to overflow or was turned away.
    pub fn reports(&self) -> [QuotaReport; 2] {
        let report = |name, side: &Side| QuotaReport {
            name,
            model: self.model.clone(),
            kind: self.kind,
            region: None,
            limit: side.meter.limit() as u64,
            stats: side.stats,
        };
        [
            report("reserved_input_tpm", &self.input),
            report("reserved_output_tpm", &self.output),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::TokensPerMinute;

    #[test]
    fn either_side_can_be_the_one_that_is_full() {
        let setup = ReservedSetup {
            model: "m".into(),
            kind: ScopeKind::Geo,
            input_tpm: TokensPerMinute(1000),
            output_tpm: TokensPerMinute(100),
            burndown: 1,
        };
        let mut tier = ReservedTier::new(&setup, QuotaRules::default());
        assert!(tier.admit(Moment::ZERO, 600, 50));
        assert!(
            !tier.admit(Moment::ZERO, 600, 10),
            "the input side has 400 left"
        );
        assert!(
            !tier.admit(Moment::ZERO, 10, 60),
            "the output side has 50 left"
        );
        tier.settle(Moment::ZERO, Moment::ZERO, 40);
        assert!(
            tier.admit(Moment::ZERO, 10, 60),
            "40 tokens were not produced"
        );
        let later = Moment::ZERO + Micros::from_secs(61);
        assert!(
            tier.admit(later, 600, 100),
            "a minute later all is forgotten"
        );
        let refused = tier.reports().map(|report| report.stats.refused);
        assert_eq!(refused, [1, 1]);
    }

    #[test]
    fn output_may_count_times_its_burndown_rate() {
        let setup = ReservedSetup {
            model: "m".into(),
            kind: ScopeKind::Geo,
            input_tpm: TokensPerMinute(1000),
            output_tpm: TokensPerMinute(100),
            burndown: 5,
        };
        let mut tier = ReservedTier::new(&setup, QuotaRules::default());
        assert!(!tier.admit(Moment::ZERO, 10, 21), "21 take 105 of 100");
        assert!(tier.admit(Moment::ZERO, 10, 20));
        tier.settle(Moment::ZERO, Moment::ZERO, 10);
        assert!(tier.admit(Moment::ZERO, 10, 10), "10 gave back 50");
        assert!(!tier.admit(Moment::ZERO, 10, 1));
    }
}
