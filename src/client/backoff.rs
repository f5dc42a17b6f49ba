//! Delays between attempts, and the retry quota of the AWS SDKs.

use super::spec::{Jitter, RetryPolicy, WindowAlign};
use crate::domain::Failure;
use crate::units::{Micros, Moment};

/// Whether a retry can help: what SDKs classify as throttling or transient.
pub fn is_retryable(failure: Failure) -> bool {
    match failure {
        Failure::Throttled(_)
        | Failure::Unavailable
        | Failure::Internal
        | Failure::NotReady
        | Failure::Connection
        | Failure::BadGateway
        | Failure::GatewayTimeout
        | Failure::TooManyConnections
        | Failure::ClientTimeout => true,
        // Modelled as not retryable in botocore and in the Rust SDK.
        Failure::ModelError
        | Failure::ModelTimeout
        | Failure::Validation
        | Failure::Denied
        | Failure::Rejected(_)
        // The retry loop ends when the headers of a stream arrive.
        | Failure::StreamBroken(_)
        // It would be refused by the same client for some time.
        | Failure::CircuitOpen => false,
    }
}

/// Whether a policy tries again after a failure.
pub fn retries(policy: &RetryPolicy, failure: Failure) -> bool {
    match policy {
        // HTTP 408 is on its list.
        RetryPolicy::AnthropicSdk { .. } => {
            is_retryable(failure) || failure == Failure::ModelTimeout
        }
        // By default it retries after every exception; streams are not wrapped at all.
        RetryPolicy::Langchain { .. } => {
            !matches!(failure, Failure::StreamBroken(_) | Failure::CircuitOpen)
        }
        RetryPolicy::LlamaIndex { .. } => matches!(
            failure,
            Failure::Throttled(_)
                | Failure::Internal
                | Failure::Unavailable
                | Failure::TooManyConnections
                | Failure::ModelTimeout
        ),
        _ => is_retryable(failure),
    }
}

/// Whether SDKs class a failure as throttling: botocore and the JavaScript SDK differ on a model
/// that is not ready; the latter's rule, that every 429 is, stands here.
pub(super) fn is_throttling(failure: Failure) -> bool {
    matches!(failure, Failure::Throttled(_) | Failure::NotReady)
}

/// Longest delay of the AWS SDKs' `standard` mode.
const AWS_CAP_S: f64 = 20.0;

/// The delay before retry number `retry` (0 is the first), given a uniform draw `u`.
///
/// `previous` is the delay before the last retry, which decorrelated jitter builds on.
/// Sources: Brooker, "Exponential backoff and jitter"; botocore 1.44.5 and aws-smithy-runtime
/// 1.16.2 for the presets, `rand(0,1) × min(20 s, base × 2^i)`.
pub fn delay(
    policy: &RetryPolicy,
    failure: Failure,
    retry: u32,
    previous: Micros,
    u: f64,
) -> Micros {
    let throttled = is_throttling(failure);
    let aws = |base_s: f64| Micros::from_secs_f64(u * AWS_CAP_S.min(base_s * power(retry)));
    match *policy {
        RetryPolicy::None => Micros::ZERO,
        RetryPolicy::AwsStandard20 { .. } | RetryPolicy::Sdk { .. } => aws(1.0),
        RetryPolicy::AwsStandard21 { .. } | RetryPolicy::AwsAdaptive { .. } => {
            aws(if throttled { 1.0 } else { 0.05 })
        }
        RetryPolicy::AwsLegacy { .. } => Micros::from_secs_f64(u * power(retry)),
        RetryPolicy::AnthropicSdk { .. } => {
            Micros::from_secs_f64((0.5 * power(retry)).min(8.0) * (1.0 - 0.25 * u))
        }
        RetryPolicy::Langchain { .. } => Micros::from_secs_f64(power(retry) + u),
        RetryPolicy::LlamaIndex { .. } => Micros::from_secs_f64(power(retry).clamp(4.0, 10.0)),
        RetryPolicy::WindowAware { min, spread, .. } => {
            if throttled {
                min + Micros::from_secs_f64(u * spread.as_secs_f64())
            } else {
                aws(0.05)
            }
        }
        RetryPolicy::Exponential {
            base, cap, jitter, ..
        } => {
            let (base, cap) = (base.as_secs_f64(), cap.as_secs_f64());
            let full = cap.min(base * power(retry));
            Micros::from_secs_f64(match jitter {
                Jitter::None => full,
                Jitter::Full => u * full,
                Jitter::Equal => full / 2.0 + u * full / 2.0,
                Jitter::Decorrelated => {
                    let before = if retry == 0 {
                        base
                    } else {
                        previous.as_secs_f64()
                    };
                    cap.min(base + u * (3.0 * before - base).max(0.0))
                }
            })
        }
    }
}

/// 2 to the number of the retry.
fn power(retry: u32) -> f64 {
    2f64.powi(retry.min(64) as i32)
}

/// The moment of the retry that follows a failure at `now`: [`delay`] later, or in the minute that the policy
/// waits for.
pub fn retry_at(
    policy: &RetryPolicy,
    now: Moment,
    failure: Failure,
    retry: u32,
    previous: Micros,
    u: f64,
) -> Moment {
    let at = now + delay(policy, failure, retry, previous, u);
    match *policy {
        RetryPolicy::WindowAware {
            align: WindowAlign::Clock,
            min,
            ..
        } if is_throttling(failure) => {
            // The spread begins with the first whole minute that leaves the shortest wait.
            let minute = Micros::MINUTE.0;
            let earliest = now + min;
            let begin = earliest.0.div_ceil(minute).saturating_mul(minute);
            Moment(begin) + at.since(earliest)
        }
        _ => at,
    }
}

/// The most attempts of one request under a policy.
pub fn max_attempts(policy: &RetryPolicy) -> u32 {
    match *policy {
        RetryPolicy::None => 1,
        RetryPolicy::Exponential { max_attempts, .. }
        | RetryPolicy::AwsStandard20 { max_attempts }
        | RetryPolicy::AwsStandard21 { max_attempts }
        | RetryPolicy::AwsLegacy { max_attempts }
        | RetryPolicy::AwsAdaptive { max_attempts }
        | RetryPolicy::AnthropicSdk { max_attempts }
        | RetryPolicy::Langchain { max_attempts }
        | RetryPolicy::LlamaIndex { max_attempts }
        | RetryPolicy::WindowAware { max_attempts, .. }
        | RetryPolicy::Sdk { max_attempts, .. } => max_attempts,
    }
}

/// The retry quota of `standard` mode: a bucket that failures drain and successes fill.
///
/// The cost of a retry is given back only if that very retry succeeds; costs of earlier retries of
/// the same request are lost (aws-smithy-runtime 1.16.2, `standard.rs`).
#[derive(Clone, Debug)]
pub struct RetryBucket {
    level: u32,
}

/// Capacity of the retry quota.
const BUCKET_CAPACITY: u32 = 500;

impl RetryBucket {
    /// A full bucket.
    pub fn new() -> Self {
        Self {
            level: BUCKET_CAPACITY,
        }
    }

    /// Tokens left.
    pub fn level(&self) -> u32 {
        self.level
    }

    /// Pays for a retry after `failure`; `None` if the quota is exhausted, else the cost.
    pub fn pay(&mut self, policy: &RetryPolicy, failure: Failure) -> Option<u32> {
        let cost = cost(policy, failure);
        self.level = self.level.checked_sub(cost)?;
        Some(cost)
    }

    /// A request succeeded: its last retry's cost comes back, or one token if it had none.
    pub fn refund(&mut self, last_cost: u32) {
        self.level = BUCKET_CAPACITY.min(self.level + last_cost.max(1));
    }
}

impl Default for RetryBucket {
    fn default() -> Self {
        Self::new()
    }
}

/// What a retry after `failure` costs; zero where the policy has no quota.
fn cost(policy: &RetryPolicy, failure: Failure) -> u32 {
    let throttled = is_throttling(failure);
    match policy {
        RetryPolicy::None
        | RetryPolicy::Exponential { .. }
        | RetryPolicy::AwsLegacy { .. }
        | RetryPolicy::AnthropicSdk { .. }
        | RetryPolicy::Langchain { .. }
        | RetryPolicy::LlamaIndex { .. }
        | RetryPolicy::WindowAware { .. } => 0,
        // HTTP 500 to 504 count as transient there, so they cost 10.
        RetryPolicy::AwsStandard20 { .. } | RetryPolicy::Sdk { .. } => {
            if throttled {
                5
            } else {
                10
            }
        }
        RetryPolicy::AwsStandard21 { .. } | RetryPolicy::AwsAdaptive { .. } => {
            if throttled {
                5
            } else {
                14
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RefusalReason;
    use crate::rng::Keyed;

    const THROTTLED: Failure = Failure::Throttled(RefusalReason::TokensPerMinute);

    #[test]
    fn a_hundred_retries_drain_the_bucket_and_clean_successes_refill_it() {
        let policy = RetryPolicy::AwsStandard21 { max_attempts: 3 };
        let mut bucket = RetryBucket::new();
        let paid = (0..200)
            .filter(|_| bucket.pay(&policy, THROTTLED).is_some())
            .count();
        assert_eq!(paid, 100);
        // While retries keep failing, five clean successes buy one.
        for _ in 0..4 {
            bucket.refund(0);
        }
        assert_eq!(bucket.pay(&policy, THROTTLED), None);
        bucket.refund(0);
        assert_eq!(bucket.pay(&policy, THROTTLED), Some(5));
        assert_eq!(bucket.level(), 0);
    }

    #[test]
    fn quotas_sustain_one_retry_for_each_cost_of_clean_successes() {
        // methods 4.2: 1/5 when throttled; otherwise 1/10 before 2026 and 1/14 since.
        let old = RetryPolicy::AwsStandard20 { max_attempts: 3 };
        let new = RetryPolicy::AwsStandard21 { max_attempts: 3 };
        for (policy, failure, cost) in [
            (old, THROTTLED, 5),
            (new, THROTTLED, 5),
            (old, Failure::Unavailable, 10),
            (new, Failure::Unavailable, 14),
        ] {
            let mut bucket = RetryBucket::new();
            while bucket.pay(&policy, failure).is_some() {}
            let successes = 14_000;
            let mut retries = 0;
            for _ in 0..successes {
                bucket.refund(0);
                retries += u32::from(bucket.pay(&policy, failure).is_some());
            }
            let sustained = crate::stats::retries::sustained_retries(1.0, f64::from(cost));
            let wanted = f64::from(successes) * sustained;
            assert!(
                (f64::from(retries) - wanted).abs() <= 1.0,
                "{policy:?}: {retries} of {wanted}"
            );
        }
    }

    #[test]
    fn a_retry_that_succeeds_gives_its_own_cost_back_and_no_earlier_one() {
        let new = RetryPolicy::AwsStandard21 { max_attempts: 3 };
        let mut bucket = RetryBucket::new();
        bucket.pay(&new, Failure::Unavailable);
        let last = bucket.pay(&new, THROTTLED);
        bucket.refund(last.expect("it is nearly full"));
        assert_eq!(bucket.level(), 500 - 14);
    }

    #[test]
    fn costs_are_those_of_the_presets() {
        let old = RetryPolicy::AwsStandard20 { max_attempts: 3 };
        let new = RetryPolicy::AwsStandard21 { max_attempts: 3 };
        let costs = |policy| [THROTTLED, Failure::Unavailable].map(|f| cost(policy, f));
        assert_eq!(costs(&old), [5, 10]);
        assert_eq!(costs(&new), [5, 14]);
    }

    fn mean_delay(policy: &RetryPolicy, retry: u32, previous: Micros) -> f64 {
        let draws = Keyed::new(1, "delays");
        let n = 100_000;
        let total: f64 = (0..n)
            .map(|id| delay(policy, THROTTLED, retry, previous, draws.uniform(id)).as_secs_f64())
            .sum();
        total / n as f64
    }

    #[test]
    fn mean_delays_are_those_of_the_formulas() {
        // e/2, 3e/4, (base + 3s)/2 (methods 4.1), and 1.5 s in all for two retries at base 1 s.
        let jitter = |jitter| RetryPolicy::Exponential {
            max_attempts: 5,
            base: Micros::SECOND,
            cap: Micros::from_secs(100),
            jitter,
        };
        let check = |policy: RetryPolicy, retry, previous, want: f64| {
            let mean = mean_delay(&policy, retry, previous);
            assert!(
                (mean / want - 1.0).abs() < 0.01,
                "{policy:?}: {mean} against {want}"
            );
        };
        check(jitter(Jitter::None), 2, Micros::ZERO, 4.0);
        check(jitter(Jitter::Full), 2, Micros::ZERO, 2.0);
        check(jitter(Jitter::Equal), 2, Micros::ZERO, 3.0);
        check(jitter(Jitter::Decorrelated), 1, Micros::from_secs(2), 3.5);
        let preset = RetryPolicy::AwsStandard21 { max_attempts: 3 };
        check(preset, 0, Micros::ZERO, 0.5);
        check(preset, 1, Micros::ZERO, 1.0);
        check(preset, 10, Micros::ZERO, 10.0);
    }

    /// The delays of the first retries at the ends of the draw.
    fn ends(policy: RetryPolicy, failure: Failure, retries: u32) -> Vec<(f64, f64)> {
        let at = |retry, u| delay(&policy, failure, retry, Micros::ZERO, u).as_secs_f64();
        (0..retries).map(|n| (at(n, 0.0), at(n, 1.0))).collect()
    }

    #[test]
    fn every_preset_has_the_delays_of_its_source() {
        let max_attempts = 9;
        assert_eq!(
            ends(
                RetryPolicy::AwsLegacy { max_attempts },
                Failure::Unavailable,
                4
            ),
            [(0.0, 1.0), (0.0, 2.0), (0.0, 4.0), (0.0, 8.0)]
        );
        assert_eq!(
            ends(RetryPolicy::AnthropicSdk { max_attempts }, THROTTLED, 6),
            [0.5, 1.0, 2.0, 4.0, 8.0, 8.0].map(|s| (s, 0.75 * s))
        );
        assert_eq!(
            ends(RetryPolicy::Langchain { max_attempts }, THROTTLED, 3),
            [(1.0, 2.0), (2.0, 3.0), (4.0, 5.0)]
        );
        assert_eq!(
            ends(RetryPolicy::LlamaIndex { max_attempts }, THROTTLED, 6),
            [4.0, 4.0, 4.0, 8.0, 10.0, 10.0].map(|s| (s, s))
        );
        assert_eq!(
            ends(
                RetryPolicy::AwsAdaptive { max_attempts },
                Failure::Internal,
                2
            ),
            [(0.0, 0.05), (0.0, 0.1)]
        );
        let patient = RetryPolicy::WindowAware {
            max_attempts,
            align: WindowAlign::Rolling,
            min: Micros::SECOND,
            spread: Micros::MINUTE,
        };
        assert_eq!(ends(patient, THROTTLED, 2), [(1.0, 61.0), (1.0, 61.0)]);
        assert_eq!(ends(patient, Failure::Internal, 1), [(0.0, 0.05)]);
    }

    #[test]
    fn a_retry_can_wait_for_the_next_minute_of_the_clock() {
        let policy = RetryPolicy::WindowAware {
            max_attempts: 3,
            align: WindowAlign::Clock,
            min: Micros::SECOND,
            spread: Micros::from_secs(10),
        };
        let at = |second: u64, u| {
            let now = Moment::ZERO + Micros::from_secs(second);
            retry_at(&policy, now, THROTTLED, 0, Micros::ZERO, u).as_secs_f64()
        };
        assert_eq!([at(5, 0.0), at(5, 0.5), at(65, 1.0)], [60.0, 65.0, 130.0]);
        // Less than the shortest wait is left of the minute.
        assert_eq!(at(59, 0.0), 60.0);
        assert_eq!(at(60, 0.0), 120.0);
    }

    #[test]
    fn frameworks_try_again_what_their_lists_say() {
        let max_attempts = 3;
        let tried = |policy: RetryPolicy| {
            [
                Failure::ModelTimeout,
                Failure::Validation,
                Failure::Connection,
                Failure::NotReady,
                THROTTLED,
            ]
            .map(|failure| retries(&policy, failure))
        };
        let (yes, no) = (true, false);
        let anthropic = RetryPolicy::AnthropicSdk { max_attempts };
        assert_eq!(tried(anthropic), [yes, no, yes, yes, yes]);
        assert_eq!(tried(RetryPolicy::Langchain { max_attempts }), [yes; 5]);
        let llama = RetryPolicy::LlamaIndex { max_attempts };
        assert_eq!(tried(llama), [yes, no, no, no, yes]);
        let legacy = RetryPolicy::AwsLegacy { max_attempts };
        assert_eq!(tried(legacy), [no, no, yes, yes, yes]);
    }

    #[test]
    fn the_new_preset_is_quick_after_transient_failures_only() {
        let new = RetryPolicy::AwsStandard21 { max_attempts: 3 };
        let old = RetryPolicy::AwsStandard20 { max_attempts: 3 };
        let longest = |policy, failure| delay(policy, failure, 0, Micros::ZERO, 1.0);
        assert_eq!(longest(&new, Failure::Unavailable), Micros::from_millis(50));
        assert_eq!(longest(&new, THROTTLED), Micros::SECOND);
        assert_eq!(longest(&old, Failure::Unavailable), Micros::SECOND);
    }

    #[test]
    fn only_what_can_pass_is_tried_again() {
        use crate::domain::Rejection;
        for failure in [
            Failure::BadGateway,
            Failure::GatewayTimeout,
            Failure::TooManyConnections,
            Failure::Unavailable,
            Failure::Internal,
            Failure::NotReady,
            THROTTLED,
            Failure::Throttled(RefusalReason::Guardrail),
        ] {
            assert!(is_retryable(failure), "{failure:?}");
        }
        for failure in [
            Failure::Rejected(Rejection::Malformed),
            Failure::Rejected(Rejection::ServiceQuota),
            Failure::Rejected(Rejection::RequestExpired),
            Failure::Rejected(Rejection::NotFound),
            Failure::Denied,
            Failure::ModelTimeout,
            Failure::ModelError,
        ] {
            assert!(!is_retryable(failure), "{failure:?}");
        }
        // The gateway's errors are transient: no second to wait, and no throttling cost.
        let standard = RetryPolicy::AwsStandard21 { max_attempts: 3 };
        for failure in [Failure::BadGateway, Failure::TooManyConnections] {
            let wait = delay(&standard, failure, 0, Micros::ZERO, 1.0);
            assert_eq!(wait, Micros::from_millis(50));
        }
    }
}
