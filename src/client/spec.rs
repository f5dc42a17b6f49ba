//! What a scenario says of its clients: plain data.

mod limits;

pub use limits::{
    AdaptSpec, AimdSpec, GradientSpec, KnownQuota, PacingSpec, QueueOrder, RampSpec, RateSpec,
    TokenPacingSpec,
};

use crate::units::{Micros, PerSecond, Ratio};

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
    /// What bounds retries and attempts, whatever the retry policy.
    pub guards: Guards,
    /// When a second attempt is sent beside one that is late; `None` is never.
    pub hedge: Option<HedgePolicy>,
}

/// What each client process has around its retries; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Guards {
    /// A bound on retries in proportion to requests.
    pub retry_budget: Option<RetryBudget>,
    /// A breaker that stops calling for a while when calls fail.
    pub breaker: Option<Breaker>,
    /// The local refusal of a share of attempts when the service refuses many.
    pub adaptive_throttle: Option<AdaptiveThrottle>,
}

/// A bound on retries: within `window`, at most `ratio` of the requests plus `min_rate × window`.
///
/// Sources: Beyer et al., *Site Reliability Engineering* (2016), ch. 21 "Handling Overload": 10 %;
/// Finagle's `RetryBudget`: 20 %, 10 a second, 10 s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryBudget {
    /// Retries per request.
    pub ratio: Ratio,
    /// Retries that are allowed however few requests there are.
    pub min_rate: PerSecond,
    /// For how long a request counts.
    pub window: Micros,
}

/// A circuit breaker: closed, open for a while, half-open for a few probes.
///
/// Throttles are counted apart from other failures: they say that a quota is used up, not that the service is ill.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Breaker {
    /// Opens when this share of the calls in the window failed: 5xx, timeouts, lost connections.
    pub failures_share: Ratio,
    /// Opens when this share of the calls in the window was throttled; `None` lets throttles pass.
    pub throttles_share: Option<Ratio>,
    /// The fewest calls in the window to decide on.
    pub min_calls: u32,
    /// For how long a call counts.
    pub window: Micros,
    /// How long it stays open.
    pub open_for: Micros,
    /// Calls that it lets through when half-open; it closes when all of them succeed.
    pub probes: u32,
}

/// Client-side throttling: an attempt is refused locally with probability
/// max(0, (requests − k × accepted) / (requests + 1)) over the last `window`.
///
/// Source: Beyer et al., *Site Reliability Engineering* (2016), ch. 21: k = 2, two minutes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaptiveThrottle {
    /// How many attempts for each accepted one are let through.
    pub k: f64,
    /// For how long an attempt counts.
    pub window: Micros,
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
            adapt: None,
            queue: None,
            queue_order: QueueOrder::Fifo,
            queue_for: None,
            expected: None,
            pacing: None,
            instances: 1,
            retry: RetryPolicy::AwsStandard21 { max_attempts: 3 },
            guards: Guards::default(),
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
    /// `legacy` mode, the default of botocore before 1.44: five attempts, `rand(0,1) × 2^(n-1)` s before
    /// retry n, whatever the failure; no retry quota (botocore 1.43.127, `retryhandler.py`, `_retry.json`).
    AwsLegacy {
        /// Attempts in all.
        max_attempts: u32,
    },
    /// `adaptive` mode since 2026: [`RetryPolicy::AwsStandard21`], and every attempt takes a token of a
    /// client-side rate limiter (botocore 1.44.5, `adaptive.py`).
    AwsAdaptive {
        /// Attempts in all.
        max_attempts: u32,
    },
    /// The Anthropic SDK: `min(0.5 s × 2^n, 8 s) × rand(0.75, 1)`, n = 0 for the first retry; HTTP 408 too is
    /// tried again; no retry quota (anthropic-sdk-python, `_base_client.py` and `_constants.py`).
    AnthropicSdk {
        /// Attempts in all.
        max_attempts: u32,
    },
    /// LangChain's `with_retry()` around a model whose own retries are off: `2^n + rand(0,1)` s, n = 0 for the
    /// first retry, whatever the failure, a faulty request included (langchain-core 1.8.2 `RunnableRetry`,
    /// tenacity 9.2.1 `wait_exponential_jitter`).
    ///
    /// Without `with_retry()`, langchain-aws 1.9.1 leaves retrying to botocore.
    Langchain {
        /// Attempts in all.
        max_attempts: u32,
    },
    /// `LlamaIndex` `BedrockConverse` with botocore's own retries off: 4, 4, 4, 8 s, then 10 s, without jitter;
    /// throttles, 500, 503 and model timeouts only (llama-index-llms-bedrock-converse, `utils.py`).
    ///
    /// By default botocore's `standard` mode with ten retries of its own is inside, which is not modelled.
    LlamaIndex {
        /// Attempts in all.
        max_attempts: u32,
    },
    /// Waits out the quota's minute after a throttle, since Bedrock says nothing of when to come back; other
    /// failures are tried again as quickly as with [`RetryPolicy::AwsStandard21`]. No retry quota.
    WindowAware {
        /// Attempts in all.
        max_attempts: u32,
        /// Which minute it waits for.
        align: WindowAlign,
        /// The shortest wait after a throttle.
        min: Micros,
        /// Over how long the retries of a fleet that was refused at one moment spread.
        spread: Micros,
    },
    /// Live, the retries of the AWS SDK for Rust itself; in virtual time a stand-in, since a simulation has no
    /// SDK: [`RetryPolicy::AwsStandard20`], for `adaptive` with the SDK's rate limiter.
    Sdk {
        /// Which of its modes.
        mode: SdkRetries,
        /// Attempts in all.
        max_attempts: u32,
    },
}

/// Which minute a window-aware retry waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowAlign {
    /// Any moment of the minute that follows: right for sliding windows and token buckets, where quota comes back
    /// all the time.
    Rolling,
    /// The next whole minute since the start of the run: right for windows that begin with the minute.
    Clock,
}

/// The retry modes of the AWS SDK for Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SdkRetries {
    /// Backoff and a retry quota.
    Standard,
    /// The same behind a client-side rate limiter.
    Adaptive,
}
