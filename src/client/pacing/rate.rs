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
        // Moments are whole microseconds: what is less than one late was in time.
        let now_us = now.0 as f64;
        let is_late = now_us >= self.due + 1.0;
        self.due = if is_late { now_us } else { self.due } + self.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::process::Pass;
    use crate::units::Micros;

    impl LeakyBucket {
        /// Sends if there is room.
        fn pass(&mut self, now: Moment) -> Pass {
            let at = self.room_at(now);
            if at > now {
                return Pass::At(at);
            }
            self.count(now);
            Pass::Now
        }
    }

    #[test]
    fn a_burst_goes_at_once_and_then_one_per_interval() {
        let mut bucket = LeakyBucket::new(2.0, 3);
        let half = |halves: u64| Moment(halves * 500_000);
        for _ in 0..3 {
            assert_eq!(bucket.pass(Moment::ZERO), Pass::Now);
        }
        assert_eq!(bucket.pass(Moment::ZERO), Pass::At(half(1)));
        assert_eq!(bucket.pass(half(1)), Pass::Now);
        assert_eq!(bucket.pass(half(1)), Pass::At(half(2)));
        let later = half(40);
        for _ in 0..3 {
            assert_eq!(bucket.pass(later), Pass::Now);
        }
        assert_eq!(bucket.pass(later), Pass::At(half(41)));
    }

    #[test]
    fn intervals_that_are_no_whole_microseconds_keep_the_rate() {
        let mut bucket = LeakyBucket::new(7.0, 1);
        let mut now = Moment::ZERO;
        for _ in 0..7000 {
            while let Pass::At(at) = bucket.pass(now) {
                now = at;
            }
        }
        let late = now.since(Moment(1_000_000_000 - 142_858));
        assert!(late <= Micros(2), "{late}");
    }
}
