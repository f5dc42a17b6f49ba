//! What a scenario says of its clients: plain data.

mod limits;

pub use limits::{
    AdaptSpec, AimdSpec, GradientSpec, KnownQuota, PacingSpec, QueueOrder, RampSpec, RateSpec,
    TokenPacingSpec,
};

use crate::units::Micros;

/// The policy under test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClientPolicy {
    /// The longest that one attempt may take; `None` waits for ever.
    pub timeout: Option<Micros>,
    /// The longest that a logical request may take, all attempts and waits inside.
    pub deadline: Option<Micros>,
    /// The most attempts in flight at once; `None` is no cap.
    pub concurrency: Option<u32>,
    /// How the cap follows what answers show, up to `concurrency`; `None` leaves it as it is.
    pub adapt: Option<AdaptSpec>,
    /// The most requests that wait for a free place; `None` is no bound. Further ones are not sent.
    pub queue: Option<u32>,
    /// Which of them comes first.
    pub queue_order: QueueOrder,
    /// The longest wait for a place, or for the pacing. Who waited longer is not sent.
    pub queue_for: Option<Micros>,
    /// How long an attempt usually takes, as far as the client knows. One that has less left of its deadline is
    /// not sent.
    pub expected: Option<Micros>,
    /// How attempts are spread over time.
    pub pacing: Option<PacingSpec>,
    /// Client processes that share the load in turn; each has a retry quota of its own.
    pub instances: u32,
    /// What follows a failed attempt.
    pub retry: RetryPolicy,
}

impl Default for ClientPolicy {
    /// No limits, and the retry behaviour that botocore and the JavaScript SDK have had since 2026.
    fn default() -> Self {
        Self {
            timeout: None,
            deadline: None,
            concurrency: None,
            adapt: None,
            queue: None,
            queue_order: QueueOrder::Fifo,
            queue_for: None,
            expected: None,
            pacing: None,
            instances: 1,
            retry: RetryPolicy::AwsStandard21 { max_attempts: 3 },
        }
    }
}

/// How retries are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// The whole exponential delay.
    None,
    /// Uniform between zero and the exponential delay.
    Full,
    /// Half the exponential delay, plus uniform over the other half.
    Equal,
    /// Uniform between the base and three times the delay before, capped.
    Decorrelated,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RetryPolicy {
    /// Nothing: the first failure is final.
    None,
    /// Exponential backoff without a retry quota.
    Exponential {
        /// Attempts in all, the first included; at least 1.
        max_attempts: u32,
        /// Delay before the first retry.
        base: Micros,
        /// The longest delay.
        cap: Micros,
        /// How delays are spread.
        jitter: Jitter,
    },
    /// `standard` mode before 2026: base 1 s for every failure, retry cost 5 (timeouts and
    /// transient errors 10) from a bucket of 500.
    AwsStandard20 {
        /// Attempts in all.
        max_attempts: u32,
    },
    /// `standard` mode since 2026: base 1 s when throttled and 50 ms otherwise, retry cost 5
    /// when throttled and 14 otherwise from a bucket of 500.
    AwsStandard21 {
        /// Attempts in all.
        max_attempts: u32,
    },
    /// Live, the retries of the AWS SDK for Rust itself; in virtual time, its `standard` mode as it is by
    /// default ([`RetryPolicy::AwsStandard20`]), since a simulation has no SDK.
    Sdk {
        /// Which of its modes.
        mode: SdkRetries,
        /// Attempts in all.
        max_attempts: u32,
    },
}

/// The retry modes of the AWS SDK for Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdkRetries {
    /// Backoff and a retry quota.
    Standard,
    /// The same behind a client-side rate limiter.
    Adaptive,
}
