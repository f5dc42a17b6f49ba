//! One limited quantity over a window: sliding, fixed or a continuously refilled bucket.

use crate::domain::Window;
use crate::units::{Micros, Moment};
use std::collections::VecDeque;

/// Use of one quantity (tokens or requests) against a limit per window.
///
/// The meter never refuses; it says how much is available, and takes what it is told to take.
/// Use above the limit is debt: [`Meter::available`] is then negative until it has worn off.
#[derive(Clone, Debug)]
pub struct Meter {
    limit: i64,
    span: Micros,
    state: State,
    /// The least that was ever available after a take; in parts for a bucket, else in units.
    least: i128,
}

#[derive(Clone, Debug)]
enum State {
    /// `level` is in units × span µs, so that a refill of whole microseconds is exact.
    Bucket {
        level: i128,
        updated_at: Moment,
    },
    Fixed {
        window: u64,
        used: i64,
    },
    Sliding(SlidingLog),
}

/// Use by tick over the last window, ascending.
///
/// A tick is 1/60,000 of the window (1 ms of a minute), so the log stays within 60,001 entries
/// whatever the rate. Use is forgotten when its whole tick has left the window.
#[derive(Clone, Debug)]
struct SlidingLog {
    ticks: VecDeque<(u64, i64)>,
    used: i64,
    tick_us: u64,
    ticks_per_window: u64,
    /// When the oldest entry is forgotten; kept so that most calls need no division.
    first_expires: u64,
    /// When the tick of the newest entry ends.
    last_tick_ends: u64,
}

/// The largest limit; its bucket level fits 128 bits with room to spare.
const LIMIT_MAX: u64 = 9_000_000_000_000_000;

/// Ticks of a sliding window.
const TICKS: u64 = 60_000;

impl Meter {
    /// An unused meter of `limit` units per `span`. Limits above 9·10¹⁵ are cut to that.
    pub fn new(window: Window, limit: u64, span: Micros) -> Self {
        let limit = i64::try_from(limit.min(LIMIT_MAX)).unwrap_or(i64::MAX);
        let state = match window {
            Window::Bucket => State::Bucket {
                level: i128::from(limit) * i128::from(span.0),
                updated_at: Moment::ZERO,
            },
            Window::Fixed => State::Fixed { window: 0, used: 0 },
            Window::Sliding => State::Sliding(SlidingLog {
                ticks: VecDeque::new(),
                used: 0,
                tick_us: (span.0 / TICKS).max(1),
                ticks_per_window: span.0 / (span.0 / TICKS).max(1),
                first_expires: u64::MAX,
                last_tick_ends: 0,
            }),
        };
        Self {
            limit,
            span,
            state,
            least: i128::MAX,
        }
    }

    /// Changes the limit at `now`; what was used stays used.
    pub fn set_limit(&mut self, now: Moment, limit: u64) {
        self.advance(now);
        let limit = i64::try_from(limit.min(LIMIT_MAX)).unwrap_or(i64::MAX);
        let more = self.parts(limit - self.limit);
        if let State::Bucket { level, .. } = &mut self.state {
            *level += more;
        }
        self.limit = limit;
    }

    /// The limit, in units per window.
    pub fn limit(&self) -> i64 {
        self.limit
    }

    /// Units that fit at `now`; negative while in debt.
    pub fn available(&mut self, now: Moment) -> i64 {
        self.advance(now);
        match &self.state {
            State::Bucket { level, .. } => {
                let units = level.div_euclid(i128::from(self.span.0));
                i64::try_from(units).unwrap_or(i64::MIN)
            }
            State::Fixed { used, .. } => self.limit - used,
            State::Sliding(log) => self.limit - log.used,
        }
    }

    /// Whether `units` fit at `now`; the same answer as `available(now) >= units`, but faster.
    #[inline]
    pub fn fits(&mut self, now: Moment, units: i64) -> bool {
        self.advance(now);
        match &self.state {
            State::Bucket { level, .. } => *level >= self.parts(units),
            State::Fixed { used, .. } => self.limit - used >= units,
            State::Sliding(log) => self.limit - log.used >= units,
        }
    }

    /// Bucket level of so many units.
    #[inline]
    fn parts(&self, units: i64) -> i128 {
        i128::from(units) * i128::from(self.span.0)
    }

    /// Takes `units` at `now`, whether they fit or not.
    #[inline]
    pub fn take(&mut self, now: Moment, units: i64) {
        self.advance(now);
        match &mut self.state {
            State::Bucket { level, .. } => {
                *level -= i128::from(units) * i128::from(self.span.0);
            }
            State::Fixed { used, .. } => *used += units,
            State::Sliding(log) => log.push(now, units),
        }
    }

    /// Takes `units` and remembers the use for [`Meter::peak_use`].
    #[inline]
    pub fn take_noting_peak(&mut self, now: Moment, units: i64) {
        self.take(now, units);
        let available = match &self.state {
            State::Bucket { level, .. } => *level,
            State::Fixed { used, .. } => i128::from(self.limit - used),
            State::Sliding(log) => i128::from(self.limit - log.used),
        };
        self.least = self.least.min(available);
    }

    /// The largest use that counted after [`Meter::take_noting_peak`], in units.
    pub fn peak_use(&self) -> u64 {
        if self.least == i128::MAX {
            return 0;
        }
        let least = match self.state {
            State::Bucket { .. } => self.least.div_euclid(i128::from(self.span.0)),
            State::Fixed { .. } | State::Sliding(_) => self.least,
        };
        u64::try_from(i128::from(self.limit) - least).unwrap_or(0)
    }

    /// Gives back `units` that were taken at `taken_at`.
    ///
    /// A bucket does not rise above its limit. A fixed window does not fall below zero use; what
    /// was taken in an earlier window relieves the present one. A sliding window amends the
    /// entry of `taken_at`, if it still counts.
    pub fn give_back(&mut self, now: Moment, units: i64, taken_at: Moment) {
        self.advance(now);
        match &mut self.state {
            State::Bucket { level, .. } => {
                let full = i128::from(self.limit) * i128::from(self.span.0);
                *level = full.min(*level + i128::from(units) * i128::from(self.span.0));
            }
            State::Fixed { used, .. } => *used = (*used - units).max(0),
            State::Sliding(log) => log.amend(taken_at, units),
        }
    }

    /// Whether use taken at `taken_at` belongs to the same window as `now`.
    pub fn same_window(&self, taken_at: Moment, now: Moment) -> bool {
        match self.state {
            State::Fixed { .. } => taken_at.0 / self.span.0 == now.0 / self.span.0,
            State::Bucket { .. } | State::Sliding(_) => now.since(taken_at) < self.span,
        }
    }

    /// The earliest moment from `now` on at which `units` fit if nothing else is taken;
    /// [`Moment::NEVER`] if they exceed the limit.
    pub fn fits_at(&mut self, now: Moment, units: i64) -> Moment {
        if units > self.limit {
            return Moment::NEVER;
        }
        let missing = units - self.available(now);
        if missing <= 0 {
            return now;
        }
        match &self.state {
            State::Bucket { level, .. } => {
                let need = i128::from(units) * i128::from(self.span.0) - level;
                // One unit of limit refills `span` parts in `span` µs: `limit` parts per µs.
                let wait = need.div_euclid(i128::from(self.limit))
                    + i128::from(need.rem_euclid(i128::from(self.limit)) > 0);
                now + Micros(u64::try_from(wait).unwrap_or(u64::MAX))
            }
            State::Fixed { window, .. } => Moment((window + 1).saturating_mul(self.span.0)),
            State::Sliding(log) => log.freed_at(missing),
        }
    }

    /// A log forgets nothing at most moments, which is told at a glance.
    #[inline]
    fn advance(&mut self, now: Moment) {
        match &self.state {
            State::Sliding(log) if now.0 < log.first_expires => {}
            State::Bucket { updated_at, .. } if *updated_at == now => {}
            _ => self.move_on(now),
        }
    }

    #[inline(never)]
    fn move_on(&mut self, now: Moment) {
        match &mut self.state {
            State::Bucket { level, updated_at } => {
                assert!(*updated_at <= now, "time moved back in a quota bucket");
                let full = i128::from(self.limit) * i128::from(self.span.0);
                let refill = i128::from(self.limit) * i128::from(now.since(*updated_at).0);
                *level = full.min(*level + refill);
                *updated_at = now;
            }
            State::Fixed { window, used } => {
                let current = now.0 / self.span.0;
                if current != *window {
                    *window = current;
                    *used = 0;
                }
            }
            State::Sliding(log) => log.drop_old(now),
        }
    }
}

impl SlidingLog {
    #[inline]
    fn push(&mut self, now: Moment, units: i64) {
        self.used += units;
        if now.0 < self.last_tick_ends
            && let Some((_, sum)) = self.ticks.back_mut()
        {
            *sum += units;
            return;
        }
        let tick = now.0 / self.tick_us;
        if self.ticks.is_empty() {
            self.first_expires = self.expiry(tick);
        }
        self.ticks.push_back((tick, units));
        self.last_tick_ends = (tick + 1).saturating_mul(self.tick_us);
    }

    fn drop_old(&mut self, now: Moment) {
        self.first_expires = u64::MAX;
        while let Some(&(first, units)) = self.ticks.front() {
            let expires = self.expiry(first);
            if now.0 < expires {
                self.first_expires = expires;
                return;
            }
            self.used -= units;
            self.ticks.pop_front();
        }
    }

    /// When a tick is forgotten: its last microsecond has to be a whole window old.
    fn expiry(&self, tick: u64) -> u64 {
        (tick + self.ticks_per_window + 1).saturating_mul(self.tick_us)
    }

    fn amend(&mut self, taken_at: Moment, units: i64) {
        let tick = taken_at.0 / self.tick_us;
        if let Ok(at) = self.ticks.binary_search_by_key(&tick, |&(t, _)| t) {
            self.ticks[at].1 -= units;
            self.used -= units;
        }
    }

    /// When the oldest `units` of use will have left the window.
    fn freed_at(&self, units: i64) -> Moment {
        let mut freed = 0;
        for &(tick, used) in &self.ticks {
            freed += used;
            if freed >= units {
                return Moment(self.expiry(tick));
            }
        }
        Moment::NEVER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WINDOWS: [Window; 3] = [Window::Sliding, Window::Fixed, Window::Bucket];

    fn at(seconds: f64) -> Moment {
        Moment::ZERO + Micros::from_secs_f64(seconds)
    }

    #[test]
    fn each_window_forgets_in_its_own_way() {
        // 600 of 600 are taken at second 30; how much is back at 45, 60 and 91?
        let check = |window, want: [i64; 3]| {
            let mut meter = Meter::new(window, 600, Micros::MINUTE);
            meter.take(at(30.0), 600);
            assert_eq!(
                [45.0, 60.0, 91.0].map(|s| meter.available(at(s))),
                want,
                "{window}"
            );
        };
        check(Window::Sliding, [0, 0, 600]);
        check(Window::Fixed, [0, 600, 600]);
        check(Window::Bucket, [150, 300, 600]);
    }

    #[test]
    fn the_wait_is_exact_for_a_bucket() {
        let mut meter = Meter::new(Window::Bucket, 60, Micros::MINUTE);
        meter.take(Moment::ZERO, 60);
        assert_eq!(meter.fits_at(Moment::ZERO, 30), at(30.0));
        assert_eq!(meter.available(Moment(at(30.0).0 - 1)), 29);
        assert_eq!(meter.available(at(30.0)), 30);
        assert_eq!(meter.fits_at(at(30.0), 61), Moment::NEVER);
    }

    /// A sliding window kept as a plain list of every single use.
    fn obvious_sliding(history: &[(u64, i64)], now: u64, limit: i64) -> i64 {
        let kept = |&&(t, _): &&(u64, i64)| t / 1000 + 60_000 >= now / 1000;
        limit
            - history
                .iter()
                .filter(kept)
                .map(|(_, units)| units)
                .sum::<i64>()
    }

    proptest! {
        #[test]
        fn no_window_offers_more_than_its_limit(
            steps in prop::collection::vec((0u64..90_000_000, 0i64..2000, prop::bool::ANY), 1..80)
        ) {
            for window in WINDOWS {
                let mut meter = Meter::new(window, 1000, Micros::MINUTE);
                let mut now = Moment::ZERO;
                let mut taken: Vec<(Moment, i64)> = Vec::new();
                for &(gap, units, refund) in &steps {
                    now = now + Micros(gap);
                    if refund && let Some((when, units)) = taken.pop() {
                        meter.give_back(now, units, when);
                    } else {
                        meter.take(now, units);
                        taken.push((now, units));
                    }
                    prop_assert!(meter.available(now) <= 1000);
                }
            }
        }

        #[test]
        fn the_sliding_log_agrees_with_a_plain_list(
            steps in prop::collection::vec((0u64..20_000_000, 0i64..500), 1..60)
        ) {
            let mut meter = Meter::new(Window::Sliding, 1000, Micros::MINUTE);
            let mut history = Vec::new();
            let mut now = 0;
            for &(gap, units) in &steps {
                now += gap;
                meter.take(Moment(now), units);
                history.push((now, units));
                prop_assert_eq!(meter.available(Moment(now)), obvious_sliding(&history, now, 1000));
            }
        }

        #[test]
        fn waiting_as_told_suffices_and_no_less_does(
            steps in prop::collection::vec((0u64..20_000_000, 1i64..400), 1..40), ask in 1i64..1000
        ) {
            for window in WINDOWS {
                let mut meter = Meter::new(window, 1000, Micros::MINUTE);
                let mut now = Moment::ZERO;
                for &(gap, units) in &steps {
                    now = now + Micros(gap);
                    meter.take(now, units);
                }
                let fits = meter.fits_at(now, ask);
                if fits > now && fits < Moment::NEVER {
                    prop_assert!(meter.clone().available(Moment(fits.0 - 1)) < ask, "{window}");
                    // Use beyond one window of debt takes further windows to wear off in buckets only.
                    prop_assert!(meter.available(fits) >= ask || window == Window::Fixed, "{window}");
                }
            }
        }
    }
}
