//! The client-side rate limiter of the AWS SDKs' `adaptive` mode.

use crate::units::{Micros, Moment};

const MIN_FILL: f64 = 0.5;
const MIN_CAPACITY: f64 = 1.0;
const SMOOTH: f64 = 0.8;
const BETA: f64 = 0.7;
const SCALE: f64 = 0.4;

/// A token bucket whose rate falls with each throttle and grows back along a cubic curve.
///
/// It measures the rate of answers in bins of half a second and stays off until the first throttle. Sources: botocore 1.44.5
/// (`retries/adaptive.py`, `throttling.py`, `bucket.py`) and aws-smithy-runtime 1.16.2 (`client_rate_limiter.rs`),
/// which agree but for the rate before the first bin ends. botocore wakes who waits when the rate grows; here, as in the Rust SDK, who
/// waits asks again when the time it was told is over, at most two seconds later.
#[derive(Clone, Debug)]
pub(super) struct RateLimiter {
    is_on: bool,
    fill: f64,
    capacity: f64,
    tokens: f64,
    /// When tokens were last counted; `None` before the first time.
    filled_at: Option<f64>,
    measured: f64,
    /// The end of the bin that was measured last, in seconds.
    bin: f64,
    count: u32,
    last_max: f64,
    throttled_at: f64,
}

impl RateLimiter {
    /// A limiter that is off; `measured` is the rate that it assumes before it has measured one.
    pub(super) fn new(measured: f64) -> Self {
        Self {
            is_on: false,
            fill: MIN_FILL,
            capacity: MIN_CAPACITY,
            tokens: 0.0,
            filled_at: None,
            measured,
            bin: 0.0,
            count: 0,
            last_max: MIN_FILL,
            throttled_at: 0.0,
        }
    }

    /// As botocore starts it, and with it the preset of behaviour 2.1.
    pub(super) fn botocore() -> Self {
        Self::new(0.0)
    }

    /// As the AWS SDK for Rust starts it.
    pub(super) fn rust() -> Self {
        Self {
            last_max: 0.0,
            fill: 0.0,
            capacity: f64::MAX,
            ..Self::new(MIN_FILL)
        }
    }

    /// Takes `amount` tokens, or says how long it is until they are there.
    pub(super) fn acquire(&mut self, now: Moment, amount: f64) -> Result<(), Micros> {
        if !self.is_on {
            return Ok(());
        }
        self.refill(now.as_secs_f64());
        if amount <= self.tokens {
            self.tokens -= amount;
            return Ok(());
        }
        let wait = Micros::from_secs_f64((amount - self.tokens) / self.fill);
        // Less than a microsecond is missing, which is none: no clock would move.
        if wait == Micros::ZERO {
            self.tokens = 0.0;
            return Ok(());
        }
        Err(wait)
    }

    /// An attempt was answered or refused.
    pub(super) fn heard(&mut self, now: Moment, is_throttled: bool) {
        let now = now.as_secs_f64();
        self.measure(now);
        let rate = if is_throttled {
            let rate = if self.is_on {
                self.measured.min(self.fill)
            } else {
                self.measured
            };
            self.last_max = rate;
            self.throttled_at = now;
            self.is_on = true;
            BETA * rate
        } else {
            let from_peak = now - self.throttled_at - self.peak_after();
            SCALE * from_peak.powi(3) + self.last_max
        };
        let rate = rate.min(2.0 * self.measured);
        self.refill(now);
        self.fill = rate.max(MIN_FILL);
        self.capacity = rate.max(MIN_CAPACITY);
        self.tokens = self.tokens.min(self.capacity);
    }

    /// Seconds after a throttle at which the curve is back at the rate of that throttle.
    fn peak_after(&self) -> f64 {
        (self.last_max * (1.0 - BETA) / SCALE).cbrt()
    }

    fn measure(&mut self, now: f64) {
        let bin = (now * 2.0).floor() / 2.0;
        self.count += 1;
        if bin > self.bin {
            let rate = f64::from(self.count) / (bin - self.bin);
            self.measured = SMOOTH * rate + (1.0 - SMOOTH) * self.measured;
            self.count = 0;
            self.bin = bin;
        }
    }

    fn refill(&mut self, now: f64) {
        if let Some(before) = self.filled_at {
            let tokens = self.tokens + (now - before).max(0.0) * self.fill;
            self.tokens = tokens.min(self.capacity);
        }
        self.filled_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: f64) -> Moment {
        Moment::ZERO + Micros::from_secs_f64(s)
    }

    #[test]
    fn the_curve_has_the_published_values() {
        // methods 4.2: at w_max = 10, K = 1.9574; 7.0 on the throttle; 9.64894 a second later, 10.45328 after three.
        let mut limiter = RateLimiter {
            measured: 10.0,
            // A bin that never ends keeps the measured rate.
            bin: f64::MAX,
            ..RateLimiter::botocore()
        };
        limiter.heard(seconds(100.0), true);
        let close = |got: f64, want: f64| assert!((got - want).abs() < 5e-5, "{got}, {want}");
        close(limiter.peak_after(), 1.9574);
        close(limiter.fill, 7.0);
        limiter.heard(seconds(101.0), false);
        close(limiter.fill, 9.64894);
        limiter.heard(seconds(103.0), false);
        close(limiter.fill, 10.45328);
        // No more than twice what was measured.
        limiter.heard(seconds(200.0), false);
        close(limiter.fill, 20.0);
    }

    #[test]
    fn it_holds_nothing_back_before_the_first_throttle() {
        let mut limiter = RateLimiter::botocore();
        for _ in 0..1000 {
            assert_eq!(limiter.acquire(Moment::ZERO, 1.0), Ok(()));
            limiter.heard(Moment::ZERO, false);
        }
        limiter.heard(Moment::ZERO, true);
        // Nothing was measured yet, so it falls to the floor: a token in two seconds.
        assert_eq!(
            limiter.acquire(Moment::ZERO, 1.0),
            Err(Micros::from_secs(2))
        );
        assert_eq!(limiter.acquire(seconds(2.0), 1.0), Ok(()));
    }

    #[test]
    fn the_rate_is_measured_in_half_seconds() {
        let mut limiter = RateLimiter::botocore();
        for n in 0..10 {
            limiter.heard(seconds(0.01 * f64::from(n)), false);
        }
        assert_eq!(limiter.measured, 0.0);
        // The eleventh ends the bin: 11 in half a second, smoothed with the zero before.
        limiter.heard(seconds(0.5), false);
        assert!((limiter.measured - 0.8 * 22.0).abs() < 1e-12);
    }

    #[test]
    fn constant_refusals_push_the_rate_to_the_floor() {
        let mut limiter = RateLimiter::rust();
        let mut now = Moment::ZERO;
        let mut sent = 0;
        for _ in 0..10_000 {
            match limiter.acquire(now, 1.0) {
                Ok(()) => {
                    limiter.heard(now, true);
                    sent += 1;
                    now = now + Micros::from_millis(1);
                }
                Err(wait) => now = now + wait,
            }
            if now > seconds(1000.0) {
                break;
            }
        }
        // Half an attempt a second, but for the first moments.
        assert!((480..700).contains(&sent), "{sent}");
    }
}
