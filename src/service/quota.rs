//! Quota counters: reserve at admission, settle at the end.
//!
//! `bedrock-runtime` reserves the input and `max_tokens` when a request is admitted, and charges
//! the input, the cache writes and the output times the burndown rate when it ends (Bedrock user
//! guide, "How tokens are counted in Amazon Bedrock"). How use is forgotten and when a reservation
//! returns is not published; [`QuotaRules`] names the assumptions.

use super::endpoint::CounterState;
use super::meter::Meter;
use super::output::{OutputBudget, Production};
use crate::domain::{QuotaRules, RefusalReason, ScopeKind, Semantics};
use crate::units::{Micros, Moment, RequestsPerMinute, TokensPerDay, TokensPerMinute};

/// A token quota with its reservations.
#[derive(Clone, Debug)]
pub struct TokenQuota {
    meter: Meter,
    semantics: Semantics,
    held: i64,
    /// Tokens settled in the present window of the wall-clock kind, as `CloudWatch` shows them.
    shown: ShownUse,
    /// The length of such a window: that of the quota itself.
    span: Micros,
    stats: QuotaStats,
}

/// Settled use by clock window, which is what a dashboard shows.
#[derive(Clone, Copy, Debug, Default)]
struct ShownUse {
    /// When the window began.
    start: u64,
    used: i64,
    /// What the window just before it used.
    before: i64,
}

impl ShownUse {
    /// Adds use at `now`, in windows of length `span`; what the window has used then. Moments come in order, so
    /// most need no division.
    #[inline]
    fn add(&mut self, now: Moment, span: Micros, used: i64) -> u64 {
        if now.0.wrapping_sub(self.start) >= span.0 {
            let start = now.0 / span.0 * span.0;
            let follows = start == self.start + span.0;
            self.before = if follows { self.used } else { 0 };
            self.start = start;
            self.used = 0;
        }
        self.used += used;
        self.used.max(0) as u64
    }
}

/// What a quota saw during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaStats {
    /// Largest use that admission counted (reservations inside), in tokens or requests.
    pub peak_reserved: u64,
    /// Largest settled use of one clock window, in tokens or requests.
    pub peak_settled: u64,
    /// Attempts refused by this quota.
    pub refused: u64,
}

impl QuotaStats {
    /// Keeps the larger peaks and adds the refusals.
    pub fn merge(&mut self, other: &Self) {
        self.peak_reserved = self.peak_reserved.max(other.peak_reserved);
        self.peak_settled = self.peak_settled.max(other.peak_settled);
        self.refused += other.refused;
    }
}

impl TokenQuota {
    /// An unused quota of `limit` tokens per `span`.
    pub fn new(rules: QuotaRules, limit: u64, span: Micros) -> Self {
        Self {
            meter: Meter::new(rules.token_window, limit, span),
            semantics: rules.semantics,
            held: 0,
            shown: ShownUse::default(),
            span,
            stats: QuotaStats::default(),
        }
    }

    /// Tokens that admission may still reserve at `now`; negative while in debt.
    #[inline]
    pub fn available(&mut self, now: Moment) -> i64 {
        let available = self.meter.available(now);
        match self.semantics {
            Semantics::B => available - self.held,
            Semantics::A | Semantics::C => available,
        }
    }

    /// Reserves `tokens` whether they fit or not; ask [`TokenQuota::available`] first.
    pub(super) fn reserve(&mut self, now: Moment, tokens: i64, available: i64) {
        match self.semantics {
            Semantics::B => {}
            Semantics::A | Semantics::C => self.meter.take(now, tokens),
        }
        self.held += tokens;
        let counted = self.meter.limit() - available + tokens;
        self.stats.peak_reserved = self.stats.peak_reserved.max(counted.max(0) as u64);
    }

    /// Reserves `tokens` whether they fit or not, as for a call that was seen to be admitted elsewhere.
    pub fn force(&mut self, now: Moment, tokens: i64) {
        let available = self.available(now);
        self.reserve(now, tokens, available);
    }

    /// Notes a request that did not fit.
    pub(super) fn refuse(&mut self) {
        self.stats.refused += 1;
    }

    /// Changes a reservation made at `taken_at` from `old` to `new` tokens while its request runs.
    fn change_reservation(&mut self, now: Moment, taken_at: Moment, old: i64, new: i64) {
        self.held += new - old;
        match self.semantics {
            Semantics::B => {}
            Semantics::A | Semantics::C => self.adjust(now, taken_at, old - new),
        }
    }

    /// Replaces a reservation made at `taken_at` by what was used.
    #[inline]
    pub fn settle(&mut self, now: Moment, taken_at: Moment, reserved: i64, used: i64) {
        self.held -= reserved;
        debug_assert!(self.held >= 0, "more was settled than reserved");
        match self.semantics {
            Semantics::B => self.meter.take(now, used),
            Semantics::A => self.adjust(now, taken_at, reserved - used),
            Semantics::C => {
                if used > reserved || self.meter.same_window(taken_at, now) {
                    self.adjust(now, taken_at, reserved - used);
                }
            }
        }
        self.show(now, used);
    }

    fn adjust(&mut self, now: Moment, taken_at: Moment, surplus: i64) {
        if surplus >= 0 {
            self.meter.give_back(now, surplus, taken_at);
        } else {
            self.meter.take(now, -surplus);
        }
    }

    fn show(&mut self, now: Moment, used: i64) {
        let shown = self.shown.add(now, self.span, used);
        self.stats.peak_settled = self.stats.peak_settled.max(shown);
    }

    /// The limit per window, in tokens.
    pub fn limit(&self) -> u64 {
        self.meter.limit() as u64
    }

    /// Tokens reserved by requests in flight.
    pub fn held(&self) -> i64 {
        self.held
    }

    /// What the quota saw so far.
    pub fn stats(&self) -> QuotaStats {
        self.stats
    }
}

/// The quotas of one model in one scope; all APIs and workloads of the account share them.
#[derive(Clone, Debug)]
pub struct Counter {
    /// The scope kind, for reports.
    pub kind: ScopeKind,
    /// The model's name, for reports.
    pub model: String,
    /// The source Region where it is not the variant's, for reports.
    pub region: Option<String>,
    tpm: TokenQuota,
    rpm: Option<RequestQuota>,
    tpd: Option<TokenQuota>,
    /// Of the mantle family: output tokens per minute. `tpm` is then the input's.
    output: Option<Box<OutputBudget>>,
    rules: QuotaRules,
}

/// A request quota: counted at admission, never settled.
#[derive(Clone, Debug)]
struct RequestQuota {
    meter: Meter,
    shown: ShownUse,
    stats: QuotaStats,
}

impl RequestQuota {
    fn new(rules: QuotaRules, limit: u64) -> Self {
        Self {
            meter: Meter::new(rules.request_window, limit, Micros::MINUTE),
            shown: ShownUse::default(),
            stats: QuotaStats::default(),
        }
    }

    fn count(&mut self, now: Moment) {
        self.meter.take_noting_peak(now, 1);
        let shown = self.shown.add(now, Micros::MINUTE, 1);
        self.stats.peak_settled = self.stats.peak_settled.max(shown);
    }
}

/// The limits of one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterLimits {
    /// Tokens per minute.
    pub tpm: TokensPerMinute,
    /// Requests per minute, where the model has that quota.
    pub rpm: Option<RequestsPerMinute>,
    /// Tokens per day, where enforced.
    pub tpd: Option<TokensPerDay>,
}

/// One quota of a counter with what it saw, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaReport {
    /// `tpm`, `rpm`, `tpd`, `input_tpm`, `output_tpm` or `account_tpd`.
    pub name: &'static str,
    /// The model's name.
    pub model: String,
    /// The counter's scope.
    pub kind: ScopeKind,
    /// The source Region where it is not the variant's.
    pub region: Option<String>,
    /// The limit per window.
    pub limit: u64,
    /// Peaks and refusals.
    pub stats: QuotaStats,
}

impl Counter {
    /// An unused counter.
    pub fn new(model: &str, kind: ScopeKind, limits: CounterLimits, rules: QuotaRules) -> Self {
        let tpd = limits.tpd.filter(|_| rules.enforce_tpd);
        Self {
            kind,
            model: model.to_owned(),
            region: None,
            output: None,
            tpm: TokenQuota::new(rules, limits.tpm.0, Micros::MINUTE),
            rpm: limits.rpm.map(|rpm| RequestQuota::new(rules, rpm.0)),
            tpd: tpd.map(|tpd| TokenQuota::new(rules, tpd.0, Micros::DAY)),
            rules,
        }
    }

    /// Reserves `tokens` for one request, all quotas or none.
    ///
    /// # Errors
    /// The quota that has no room: tokens per minute first, then requests, then tokens per day.
    #[inline]
    pub fn admit(&mut self, now: Moment, tokens: i64) -> Result<(), RefusalReason> {
        self.admit_unless(now, tokens, None)
    }

    /// Like [`Counter::admit`], but a request that all quotas of this counter would take is refused for
    /// `elsewhere`, if there is such a reason.
    #[inline]
    pub(super) fn admit_unless(
        &mut self,
        now: Moment,
        tokens: i64,
        elsewhere: Option<RefusalReason>,
    ) -> Result<(), RefusalReason> {
        let available = self.tpm.available(now);
        let available_today = self.tpd.as_mut().map(|quota| quota.available(now));
        let refusal = if available < tokens {
            self.tpm.stats.refused += 1;
            Some(RefusalReason::TokensPerMinute)
        } else if let Some(quota) = &mut self.rpm
            && !quota.meter.fits(now, 1)
        {
            quota.stats.refused += 1;
            Some(RefusalReason::RequestsPerMinute)
        } else if let Some(quota) = &mut self.tpd
            && available_today < Some(tokens)
        {
            quota.stats.refused += 1;
            Some(RefusalReason::TokensPerDay)
        } else {
            elsewhere
        };
        if let Some(quota) = &mut self.rpm
            && (refusal.is_none() || self.rules.refused_counts_rpm)
        {
            quota.count(now);
        }
        if let Some(reason) = refusal {
            return Err(reason);
        }
        self.tpm.reserve(now, tokens, available);
        if let (Some(quota), Some(available)) = (&mut self.tpd, available_today) {
            quota.reserve(now, tokens, available);
        }
        Ok(())
    }

    /// Ends a request that was admitted at `admitted_at` with `reserved` tokens and used `used`.
    pub fn settle(&mut self, now: Moment, admitted_at: Moment, reserved: i64, used: i64) {
        self.tpm.settle(now, admitted_at, reserved, used);
        if let Some(quota) = &mut self.tpd {
            quota.settle(now, admitted_at, reserved, used);
        }
    }

    /// Changes the reservation of a request in flight from `old` to `new` tokens; says what it is then.
    /// What a fixed window has forgotten cannot be returned to it, and stays reserved.
    pub fn adjust(&mut self, now: Moment, admitted_at: Moment, old: i64, new: i64) -> i64 {
        let keeps = self.rules.semantics == Semantics::C
            && new < old
            && !self.tpm.meter.same_window(admitted_at, now);
        if keeps {
            return old;
        }
        self.tpm.change_reservation(now, admitted_at, old, new);
        if let Some(quota) = &mut self.tpd {
            quota.change_reservation(now, admitted_at, old, new);
        }
        new
    }

    /// Makes this a counter of the mantle family, with a quota of output tokens.
    #[must_use]
    pub fn with_output(mut self, limit: TokensPerMinute) -> Self {
        let budget = OutputBudget::new(self.rules.token_window, limit.0);
        self.output = Some(Box::new(budget));
        self
    }

    /// Whether output has a quota of its own.
    #[inline]
    pub fn is_mantle(&self) -> bool {
        self.output.is_some()
    }

    /// Books the output of an admitted answer; says how many of its tokens come.
    pub(super) fn book_output(&mut self, now: Moment, answer: &Production) -> u32 {
        match &mut self.output {
            Some(budget) => budget.book(now, answer),
            None => answer.tokens,
        }
    }

    /// Gives back what an answer that ended after `produced` tokens was still to produce.
    pub(super) fn unbook_output(&mut self, now: Moment, answer: &Production, produced: u32) {
        if let Some(budget) = &mut self.output {
            budget.unbook(now, answer, produced);
        }
    }

    /// Multiplies the limit of output tokens, where there is one.
    pub(super) fn scale_output(&mut self, now: Moment, factor: f64) {
        if let Some(budget) = &mut self.output {
            let limit = (budget.limit() as f64 * factor).round().max(1.0);
            budget.set_limit(now, limit as u64);
        }
    }

    /// Requests that its quotas refused so far.
    pub(super) fn refused(&self) -> u64 {
        let rpm = self.rpm.as_ref().map_or(0, |quota| quota.stats.refused);
        let tpd = self.tpd.as_ref().map_or(0, |quota| quota.stats.refused);
        self.tpm.stats.refused + rpm + tpd
    }

    /// Tokens reserved by requests in flight.
    pub fn held(&self) -> i64 {
        self.tpm.held()
    }

    /// The limits in force.
    pub fn limits(&self) -> CounterLimits {
        CounterLimits {
            tpm: TokensPerMinute(self.tpm.limit()),
            rpm: self
                .rpm
                .as_ref()
                .map(|quota| RequestsPerMinute(quota.meter.limit() as u64)),
            tpd: self.tpd.as_ref().map(|quota| TokensPerDay(quota.limit())),
        }
    }

    /// Tokens per minute that admission may still reserve at `now`.
    pub fn available(&mut self, now: Moment) -> i64 {
        self.tpm.available(now)
    }

    /// Settled tokens of the clock minute of `now`.
    pub fn shown(&self, now: Moment) -> u64 {
        if now.0.wrapping_sub(self.tpm.shown.start) < Micros::MINUTE.0 {
            self.tpm.shown.used.max(0) as u64
        } else {
            0
        }
    }

    /// Settled tokens of the last whole clock minute before that of `now`.
    pub fn shown_before(&self, now: Moment) -> u64 {
        let shown = &self.tpm.shown;
        let used = match now.0.wrapping_sub(shown.start) / Micros::MINUTE.0 {
            0 => shown.before,
            1 => shown.used,
            _ => 0,
        };
        used.max(0) as u64
    }

    /// The tokens-per-minute limit.
    pub fn tpm_limit(&self) -> u64 {
        self.tpm.limit()
    }

    /// The counter as it stands at `now`.
    pub fn state(&mut self, now: Moment) -> CounterState {
        CounterState {
            model: self.model.clone(),
            kind: self.kind,
            region: self.region.clone(),
            limits: self.limits(),
            output: self
                .output
                .as_mut()
                .map(|budget| (budget.limit(), budget.available(now))),
            tpm_available: self.tpm.available(now),
            held: self.tpm.held(),
            settled_this_minute: self.shown(now),
            rpm_available: self.rpm.as_mut().map(|quota| quota.meter.available(now)),
            tpd_available: self.tpd.as_mut().map(|quota| quota.available(now)),
        }
    }

    /// Changes the limits at `now`; what was used stays used. A request quota that
    /// was not there begins unused; a daily token quota can be changed or lifted, not added, because the
    /// requests in flight reserved nothing of it.
    pub fn set_limits(&mut self, now: Moment, limits: CounterLimits) {
        self.tpm.meter.set_limit(now, limits.tpm.0);
        match (&mut self.rpm, limits.rpm) {
            (Some(quota), Some(rpm)) => quota.meter.set_limit(now, rpm.0),
            (quota, rpm) => *quota = rpm.map(|rpm| RequestQuota::new(self.rules, rpm.0)),
        }
        let tpd = limits.tpd.filter(|_| self.rules.enforce_tpd);
        match (&mut self.tpd, tpd) {
            (Some(quota), Some(tpd)) => quota.meter.set_limit(now, tpd.0),
            // Reservations in flight were not made of a quota that begins now.
            (None, Some(_)) => {}
            (quota, None) => *quota = None,
        }
    }

    /// Each quota with what it saw.
    pub fn reports(&self) -> Vec<QuotaReport> {
        let report = |name, limit, stats| QuotaReport {
            name,
            model: self.model.clone(),
            kind: self.kind,
            region: self.region.clone(),
            limit,
            stats,
        };
        if let Some(output) = &self.output {
            return vec![
                report("input_tpm", self.tpm.limit(), self.tpm.stats),
                report("output_tpm", output.limit(), output.stats()),
            ];
        }
        let mut reports = vec![report("tpm", self.tpm.limit(), self.tpm.stats)];
        if let Some(quota) = &self.rpm {
            let stats = QuotaStats {
                peak_reserved: quota.meter.peak_use(),
                ..quota.stats
            };
            reports.push(report("rpm", quota.meter.limit() as u64, stats));
        }
        if let Some(quota) = &self.tpd {
            reports.push(report("tpd", quota.limit(), quota.stats));
        }
        reports
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Window;
    use proptest::prelude::*;

    fn rules(semantics: Semantics) -> QuotaRules {
        QuotaRules {
            semantics,
            token_window: semantics.default_window(),
            ..QuotaRules::default()
        }
    }

    fn counter(semantics: Semantics, tpm: u64) -> Counter {
        let limits = CounterLimits {
            tpm: TokensPerMinute(tpm),
            rpm: None,
            tpd: None,
        };
        Counter::new("m", ScopeKind::Geo, limits, rules(semantics))
    }

    /// A minute is told whole when the next one has begun, and until that is over.
    #[test]
    fn the_last_whole_minute_is_shown_when_it_is_over() {
        let mut counter = counter(Semantics::B, 10_000);
        let mut before = |adds: &[(u64, i64)], at: u64| {
            counter.tpm.shown = ShownUse::default();
            for &(second, used) in adds {
                let now = Moment(second * Micros::SECOND.0);
                counter.tpm.shown.add(now, Micros::MINUTE, used);
            }
            counter.shown_before(Moment(at * Micros::SECOND.0))
        };
        let adds = [(10, 300), (50, 400), (65, 50), (200, 7)];
        assert_eq!(before(&adds[..2], 59), 0);
        assert_eq!(before(&adds[..2], 60), 700);
        assert_eq!(before(&adds[..3], 119), 700);
        assert_eq!(before(&adds[..3], 120), 50);
        assert_eq!(before(&adds[..3], 180), 0);
        // The minute before that of the last use had none.
        assert_eq!(before(&adds, 205), 0);
    }

    #[test]
    fn each_quota_shows_its_own_window() {
        let limits = CounterLimits {
            tpm: TokensPerMinute(10_000),
            rpm: None,
            tpd: Some(TokensPerDay(100_000)),
        };
        let mut counter = Counter::new("m", ScopeKind::Geo, limits, rules(Semantics::B));
        for hour in 0..3 {
            let at = Moment(hour * Micros::HOUR.0);
            counter.admit(at, 5_000).expect("it fits");
            counter.settle(at, at, 5_000, 4_000);
        }
        let shown: Vec<(&str, u64)> = counter
            .reports()
            .iter()
            .map(|report| (report.name, report.stats.peak_settled))
            .collect();
        assert_eq!(shown, [("tpm", 4_000), ("tpd", 12_000)]);
    }

    #[test]
    fn settlement_returns_what_was_not_used() {
        // The user guide's example: 36,000 reserved, 9,000 settled.
        for semantics in [Semantics::A, Semantics::B, Semantics::C] {
            let mut counter = counter(semantics, 40_000);
            counter.admit(Moment::ZERO, 36_000).expect("it fits");
            assert_eq!(counter.available(Moment::ZERO), 4_000);
            counter.settle(Moment::ZERO, Moment::ZERO, 36_000, 9_000);
            assert_eq!(counter.available(Moment::ZERO), 31_000, "{semantics}");
            assert_eq!(counter.reports()[0].stats.peak_reserved, 36_000);
            assert_eq!(counter.reports()[0].stats.peak_settled, 9_000);
        }
    }

    #[test]
    fn settlement_may_exceed_the_reservation_and_leave_debt() {
        // The guide's second example: `max_tokens` 1,250 gives 5,250 reserved and 9,000 settled.
        for semantics in [Semantics::A, Semantics::B, Semantics::C] {
            let mut counter = counter(semantics, 6_000);
            counter.admit(Moment::ZERO, 5_250).expect("it fits");
            counter.settle(Moment::ZERO, Moment::ZERO, 5_250, 9_000);
            assert_eq!(counter.available(Moment::ZERO), -3_000, "{semantics}");
            assert_eq!(
                counter.admit(Moment::ZERO, 1),
                Err(RefusalReason::TokensPerMinute)
            );
        }
    }

    #[test]
    fn a_refusal_takes_nothing_from_any_quota() {
        let limits = CounterLimits {
            tpm: TokensPerMinute(1000),
            rpm: Some(RequestsPerMinute(1)),
            tpd: Some(TokensPerDay(1500)),
        };
        let mut counter = Counter::new("m", ScopeKind::Geo, limits, rules(Semantics::B));
        assert_eq!(
            counter.admit(Moment::ZERO, 1001),
            Err(RefusalReason::TokensPerMinute)
        );
        counter.admit(Moment::ZERO, 1000).expect("it fits");
        counter.settle(Moment::ZERO, Moment::ZERO, 1000, 100);
        assert_eq!(
            counter.admit(Moment::ZERO, 100),
            Err(RefusalReason::RequestsPerMinute)
        );
        let later = Moment::ZERO + Micros::from_secs(70);
        counter.admit(later, 1000).expect("the minute has passed");
        counter.settle(later, later, 1000, 1000);
        let much_later = later + Micros::from_secs(70);
        assert_eq!(
            counter.admit(much_later, 500),
            Err(RefusalReason::TokensPerDay)
        );
        let refused: Vec<_> = counter.reports().iter().map(|r| r.stats.refused).collect();
        assert_eq!(refused, [1, 1, 1]);
    }

    #[test]
    fn the_published_observation_rules_out_a_sliding_request_window() {
        // gilinachum/bedrock-latency: of four calls at seconds 35 to 37 two pass, and one at
        // second 5 of the next minute (30 s later) passes again. A quota of two a minute.
        let check = |window, want: &[bool]| {
            let rules = QuotaRules {
                request_window: window,
                ..rules(Semantics::B)
            };
            let limits = CounterLimits {
                tpm: TokensPerMinute(8000),
                rpm: Some(RequestsPerMinute(2)),
                tpd: None,
            };
            let mut counter = Counter::new("nova-pro", ScopeKind::InRegion, limits, rules);
            let passed: Vec<bool> = [35u64, 35, 36, 37, 65]
                .iter()
                .map(|&s| {
                    counter
                        .admit(Moment::ZERO + Micros::from_secs(s), 1000)
                        .is_ok()
                })
                .collect();
            assert_eq!(passed, want, "{window}");
        };
        check(Window::Fixed, &[true, true, false, false, true]);
        check(Window::Bucket, &[true, true, false, false, true]);
        check(Window::Sliding, &[true, true, false, false, false]);
    }

    proptest! {
        #[test]
        fn reserve_and_settle_conserve(
            steps in prop::collection::vec(
                (0u64..5_000_000, 1i64..5_000, 0i64..9_000, prop::bool::ANY), 1..120)
        ) {
            for semantics in [Semantics::A, Semantics::B, Semantics::C] {
                let mut counter = counter(semantics, 20_000);
                let mut now = Moment::ZERO;
                let mut running = Vec::new();
                for &(gap, ask, used, end) in &steps {
                    now = now + Micros(gap);
                    if end && !running.is_empty() {
                        let (at, reserved) = running.swap_remove(0);
                        counter.settle(now, at, reserved, used);
                    } else if counter.admit(now, ask).is_ok() {
                        running.push((now, ask));
                    }
                    let held: i64 = running.iter().map(|(_, reserved)| reserved).sum();
                    prop_assert_eq!(counter.held(), held);
                    prop_assert!(counter.available(now) <= 20_000);
                }
                for (at, reserved) in running {
                    counter.settle(now, at, reserved, 0);
                }
                prop_assert_eq!(counter.held(), 0);
            }
        }
    }
}
