//! What a scenario says of its clients: plain data.

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
    /// The most requests that wait for a free place; `None` is no bound. Further ones are not sent.
    pub queue: Option<u32>,
    /// Client processes that share the load in turn; each has a retry quota of its own.
    pub instances: u32,
    /// What follows a failed attempt.
    pub retry: RetryPolicy,
    /// When a second attempt is sent beside one that is late; `None` is never.
    pub hedge: Option<HedgePolicy>,
}

/// When a request is sent a second time because its first token is late.
///
/// Whose first token comes first carries the request, and the other attempt is cancelled. Source: Dean and
/// Barroso, "The tail at scale" (CACM 2013), tied requests after a delay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HedgePolicy {
    /// After how long without a first token.
    pub after: HedgeAfter,
    /// The largest share of requests that are hedged.
    pub budget: f64,
}

/// How late a first token has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HedgeAfter {
    /// So long after the send of the attempt.
    Delay(Micros),
    /// Later than this quantile of the first tokens that the client process has heard of late.
    Quantile(f64),
}

impl Default for ClientPolicy {
    /// No limits, and the retry behaviour that botocore and the JavaScript SDK have had since 2026.
    fn default() -> Self {
        Self {
            timeout: None,
            deadline: None,
            concurrency: None,
            queue: None,
            instances: 1,
            retry: RetryPolicy::AwsStandard21 { max_attempts: 3 },
            hedge: None,
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
