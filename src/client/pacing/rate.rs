//! A leaky bucket, as the generic cell rate algorithm.

use crate::units::Moment;

/// A leaky bucket: so many at once, and then one per interval.
#[derive(Clone, Debug)]
pub(in crate::client) struct LeakyBucket {
    /// Microseconds between two attempts.
    interval: f64,
    /// Intervals that an attempt may come ahead of its time.
    ahead: f64,
    /// When the next attempt is due at an even pace, in microseconds.
    due: f64,
}

impl LeakyBucket {
    /// `rate` per second, and `burst` at once.
    pub(super) fn new(rate: f64, burst: u32) -> Self {
        Self {
            interval: 1e6 / rate,
            ahead: f64::from(burst.saturating_sub(1)),
            due: 0.0,
        }
    }

    /// Changes the rate, per second, from the next attempt on.
    pub(super) fn set_rate(&mut self, rate: f64) {
        self.interval = 1e6 / rate;
    }

    pub(super) fn room_at(&self, now: Moment) -> Moment {
        let at = (self.due - self.ahead * self.interval).ceil();
        now.max(Moment(at as u64))
    }

    pub(super) fn count(&mut self, now: Moment) {
        self.due = self.due.max(now.0 as f64) + self.interval;
    }
}
