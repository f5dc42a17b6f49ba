//! Places: how many requests of a fleet may be in progress at once.

use super::backoff::is_retryable;
use super::injector::Heard;
use super::spec::{AdaptSpec, AimdSpec, ClientPolicy, GradientSpec};
use crate::domain::Failure;
use crate::units::{Micros, Moment};

/// The number of places, which may follow what answers show.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// Whole places at present; `u32::MAX` without a limit.
    now: u32,
    adaptive: Option<Box<Adaptive>>,
}

#[derive(Clone, Debug)]
struct Adaptive {
    limit: f64,
    min: f64,
    max: f64,
    law: Law,
}

#[derive(Clone, Debug)]
enum Law {
    Aimd(Aimd),
    Gradient(Gradient),
}

impl Places {
    pub(super) fn new(policy: &ClientPolicy) -> Self {
        let max = policy.concurrency.unwrap_or(u32::MAX);
        let adaptive = policy.adapt.as_ref().map(|spec| {
            let (initial, min, law) = match *spec {
                AdaptSpec::Aimd(spec) => (spec.initial, spec.min, Law::Aimd(Aimd::new(spec))),
                AdaptSpec::Gradient(spec) => {
                    (spec.initial, spec.min, Law::Gradient(Gradient::new(spec)))
                }
            };
            Box::new(Adaptive {
                limit: f64::from(initial),
                min: f64::from(min),
                max: f64::from(max),
                law,
            })
        });
        Self {
            now: adaptive.as_ref().map_or(max, |one| one.limit as u32),
            adaptive,
        }
    }

    /// Whether a request more than `in_progress` has a place.
    #[inline]
    pub(super) fn has_room(&self, in_progress: u32) -> bool {
        in_progress < self.now
    }

    /// A request was answered while `in_progress` of them, itself inside, had places.
    #[inline]
    pub(super) fn succeeded(&mut self, heard: Heard, in_progress: u32) {
        if let Some(adaptive) = &mut self.adaptive {
            adaptive.succeeded(heard, in_progress);
            self.now = adaptive.limit as u32;
        }
    }

    /// An attempt failed.
    #[inline]
    pub(super) fn failed(&mut self, now: Moment, failure: Failure, in_progress: u32) {
        if let Some(adaptive) = &mut self.adaptive {
            adaptive.failed(now, failure, in_progress);
            self.now = adaptive.limit as u32;
        }
    }
}

impl Adaptive {
    fn succeeded(&mut self, heard: Heard, in_progress: u32) {
        // A limit that nobody reaches says nothing about more.
        let is_used = f64::from(in_progress) >= self.limit / 2.0;
        self.limit = match &mut self.law {
            Law::Aimd(aimd) => aimd.succeeded(self.limit, heard, is_used),
            Law::Gradient(gradient) => gradient.succeeded(self.limit, heard, is_used),
        }
        .clamp(self.min, self.max);
    }

    fn failed(&mut self, now: Moment, failure: Failure, in_progress: u32) {
        if !shows_overload(failure) {
            return;
        }
        let is_used = f64::from(in_progress) >= self.limit / 2.0;
        self.limit = match &mut self.law {
            Law::Aimd(aimd) => aimd.failed(self.limit, now, failure),
            Law::Gradient(gradient) => gradient.step(self.limit, 0.5, is_used),
        }
        .clamp(self.min, self.max);
    }
}

/// Whether fewer calls at once could have helped.
fn shows_overload(failure: Failure) -> bool {
    is_retryable(failure) || matches!(failure, Failure::ModelTimeout | Failure::StreamBroken(_))
}

/// Additive increase, multiplicative decrease (Chiu and Jain 1989).
#[derive(Clone, Debug)]
struct Aimd {
    spec: AimdSpec,
    /// Smoothed time to the first token, which stands for the round trip: the time after which the
    /// effect of a smaller limit can be seen. An eighth of each new one, as in TCP (RFC 6298).
    round_trip: Option<f64>,
    /// When the limit may fall again.
    falls_at: Moment,
}

/// The round trip before the first answer, as in TCP (RFC 6298).
const FIRST_ROUND_TRIP_US: f64 = 1e6;

impl Aimd {
    fn new(spec: AimdSpec) -> Self {
        Self {
            spec,
            round_trip: None,
            falls_at: Moment::ZERO,
        }
    }

    fn succeeded(&mut self, limit: f64, heard: Heard, is_used: bool) -> f64 {
        let sample = heard.ttft.0 as f64;
        self.round_trip = Some(match self.round_trip {
            None => sample,
            Some(before) => before + (sample - before) / 8.0,
        });
        if is_used { limit + 1.0 / limit } else { limit }
    }

    fn failed(&mut self, limit: f64, now: Moment, failure: Failure) -> f64 {
        if now < self.falls_at {
            return limit;
        }
        let round_trip = self.round_trip.unwrap_or(FIRST_ROUND_TRIP_US);
        self.falls_at = now + Micros(round_trip as u64);
        let kept = match failure {
            Failure::Throttled(_) => self.spec.throttled,
            _ => self.spec.failed,
        };
        limit * kept
    }
}

/// `Gradient2Limit` of Netflix' concurrency-limits on the time to the first token.
///
/// Long prompts take longer to read, which is no sign of load. So the long-term mean is kept apart for classes of
/// prompts: those whose uncached length has the same power of two. A first token is compared with its own class.
#[derive(Clone, Debug)]
struct Gradient {
    spec: GradientSpec,
    usual: [LongMean; CLASSES],
}

/// Uncached prompts below two tokens to those from 2²³ on.
const CLASSES: usize = 24;
/// Samples over which the long-term mean is taken.
const LONG_WINDOW: f64 = 600.0;
/// Samples of which a plain mean is taken first.
const WARM_UP: u32 = 10;
/// The share of a step that is taken.
const SMOOTHING: f64 = 0.2;

impl Gradient {
    fn new(spec: GradientSpec) -> Self {
        Self {
            spec,
            usual: [LongMean::default(); CLASSES],
        }
    }

    fn succeeded(&mut self, limit: f64, heard: Heard, is_used: bool) -> f64 {
        let uncached = u64::from(heard.usage.input) + u64::from(heard.usage.cache_write);
        let class = (uncached.max(1).ilog2() as usize).min(CLASSES - 1);
        let short = (heard.ttft.0 as f64).max(1.0);
        let usual = &mut self.usual[class];
        let long = usual.add(short);
        if long > 2.0 * short {
            // Back to normal after a bad time: the mean need not wait for 600 samples.
            usual.mean *= 0.95;
        }
        self.step(limit, self.spec.tolerance * long / short, is_used)
    }

    fn step(&self, limit: f64, gradient: f64, is_used: bool) -> f64 {
        if !is_used {
            return limit;
        }
        let wanted = limit * gradient.clamp(0.5, 1.0) + self.spec.queue_size;
        limit * (1.0 - SMOOTHING) + wanted * SMOOTHING
    }
}

/// An exponentially weighted mean that begins as a plain one.
#[derive(Clone, Copy, Debug, Default)]
struct LongMean {
    mean: f64,
    samples: u32,
}

impl LongMean {
    fn add(&mut self, sample: f64) -> f64 {
        let weight = if self.samples < WARM_UP {
            self.samples += 1;
            1.0 / f64::from(self.samples)
        } else {
            2.0 / (LONG_WINDOW + 1.0)
        };
        self.mean += (sample - self.mean) * weight;
        self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RefusalReason, Usage};

    const THROTTLED: Failure = Failure::Throttled(RefusalReason::TokensPerMinute);

    fn places(max: u32, adapt: AdaptSpec) -> Places {
        Places::new(&ClientPolicy {
            concurrency: Some(max),
            adapt: Some(adapt),
            ..ClientPolicy::default()
        })
    }

    fn heard(ttft_ms: u64, input: u32) -> Heard {
        let usage = Usage {
            input,
            ..Usage::default()
        };
        Heard {
            ttft: Micros::from_millis(ttft_ms),
            usage,
        }
    }

    fn limit(places: &Places) -> f64 {
        places.adaptive.as_ref().expect("it adapts").limit
    }

    fn assert_limit(places: &Places, want: f64) {
        let got = limit(places);
        assert!((got - want).abs() < 1e-9, "{got} against {want}");
        assert_eq!(places.now, want as u32);
    }

    #[test]
    fn aimd_adds_one_per_limit_and_falls_once_per_round_trip() {
        let mut places = places(
            12,
            AdaptSpec::Aimd(AimdSpec {
                initial: 10,
                min: 2,
                failed: 0.9,
                throttled: 0.5,
            }),
        );
        places.succeeded(heard(800, 1), 10);
        assert_limit(&places, 10.1);
        places.succeeded(heard(1600, 1), 10);
        let second = 10.1 + 1.0 / 10.1;
        assert_limit(&places, second);
        // Five of ten places in use say nothing about more.
        places.succeeded(heard(900, 1), 5);
        assert_limit(&places, second);
        // 800, then an eighth of the way to 1,600 and to 900: 900 ms.
        let at = Moment(5_000_000);
        places.failed(at, THROTTLED, 10);
        assert_limit(&places, second / 2.0);
        places.failed(at + Micros(899_999), Failure::Unavailable, 10);
        assert_limit(&places, second / 2.0);
        places.failed(at + Micros(900_000), Failure::Unavailable, 10);
        assert_limit(&places, second * 0.45);
        // What would have failed anyhow says nothing.
        let later = at + Micros::from_secs(10);
        for failure in [
            Failure::Validation,
            Failure::ModelError,
            Failure::CircuitOpen,
        ] {
            places.failed(later, failure, 10);
        }
        assert_limit(&places, second * 0.45);
        for i in 0..9 {
            places.failed(later + Micros::from_secs(i), THROTTLED, 10);
        }
        assert_limit(&places, 2.0);
        for _ in 0..200 {
            places.succeeded(heard(900, 1), 12);
        }
        assert_limit(&places, 12.0);
    }

    fn gradient(tolerance: f64) -> Places {
        places(
            200,
            AdaptSpec::Gradient(GradientSpec {
                initial: 20,
                min: 10,
                queue_size: 4.0,
                tolerance,
            }),
        )
    }

    #[test]
    fn the_gradient_follows_its_formula() {
        // methods 4.4, by hand. Long-term mean 100: g = 1, new = 24.
        let mut places = gradient(1.0);
        places.succeeded(heard(100, 1000), 20);
        assert_limit(&places, 20.8);
        // Mean 150: g = .75, new = 19.6.
        places.succeeded(heard(200, 1000), 20);
        assert_limit(&places, 20.56);
        // Mean 350/3, more than twice as long as 50: it falls to .95 of that. g = 1, new = 24.56.
        places.succeeded(heard(50, 1000), 20);
        assert_limit(&places, 21.36);
        // Mean (3 · 350/3 · .95 + 200) / 4 = 133.125 against 200: g = .665625, new = 18.21775.
        places.succeeded(heard(200, 1000), 20);
        assert_limit(&places, 20.73155);
        // Fewer than half of the places are in use.
        places.succeeded(heard(200, 1000), 10);
        assert_limit(&places, 20.73155);
        // A failure counts as the steepest gradient: new = 14.365775.
        places.failed(Moment::ZERO, THROTTLED, 20);
        assert_limit(&places, 19.458395);
        for _ in 0..500 {
            places.failed(Moment::ZERO, THROTTLED, 20);
        }
        assert_limit(&places, 10.0);
    }

    #[test]
    fn long_prompts_are_compared_with_long_prompts() {
        let mut places = gradient(1.0);
        for _ in 0..20 {
            places.succeeded(heard(100, 1000), 200);
        }
        let before = limit(&places);
        // Ten times as long, since there is twenty times as much to read.
        places.succeeded(heard(1000, 20_000), 200);
        assert_limit(&places, before + 0.8);
        // The same for a short prompt is a sign of load.
        places.succeeded(heard(1000, 1000), 200);
        assert_limit(&places, (before + 0.8) * 0.9 + 0.8);
    }

    #[test]
    fn first_tokens_within_the_tolerance_are_no_sign_of_load() {
        let mut places = gradient(1.5);
        for i in 0..400 {
            places.succeeded(heard(if i % 2 == 0 { 100 } else { 140 }, 10), 200);
        }
        assert_limit(&places, 200.0);
    }

    #[test]
    fn without_a_limit_everybody_has_a_place() {
        let places = Places::new(&ClientPolicy::default());
        assert!(places.has_room(u32::MAX - 1));
    }
}
