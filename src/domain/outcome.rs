//! What became of a request or an attempt. Refusals and failures are data, not errors.

use super::CacheTtl;

/// The end of a logical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Answered in full.
    Completed,
    /// Given up after a quota refusal (429).
    Throttled,
    /// Given up after a server error.
    Failed,
    /// Given up because the client's timeout or deadline passed.
    TimedOut,
    /// Never sent: the client's queue was full or the deadline passed in it.
    NotSent,
}

/// Which limit refused an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalReason {
    /// Tokens per minute.
    TokensPerMinute,
    /// Requests per minute.
    RequestsPerMinute,
    /// Tokens per day.
    TokensPerDay,
    /// Bought capacity is full and has no overflow.
    ProvisionedCapacity,
    /// A refusal that no quota of ours explains: an injected one, or one that a live service
    /// sent with another message.
    RequestRate,
}

impl RefusalReason {
    /// The message that Bedrock sends with its 429
    /// (re:Post article "bedrock-throttling-error"; minorun365/agent-book#29).
    pub fn message(self) -> &'static str {
        match self {
            Self::TokensPerMinute => "Too many tokens, please wait before trying again.",
            Self::RequestsPerMinute => "Too many requests, please wait before trying again.",
            Self::TokensPerDay => "Too many tokens per day, please wait before trying again.",
            Self::ProvisionedCapacity | Self::RequestRate => {
                "Your request rate is too high. Reduce the frequency of requests."
            }
        }
    }
}

/// Why an attempt did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// 429 `ThrottlingException`: a quota is exhausted.
    Throttled(RefusalReason),
    /// 503 `ServiceUnavailableException`: the service lacks capacity.
    Unavailable,
    /// 500 `InternalServerException`.
    Internal,
    /// 424 `ModelErrorException`; SDKs do not retry it.
    ModelError,
    /// 408 `ModelTimeoutException`; SDKs do not retry it.
    ModelTimeout,
    /// 429 `ModelNotReadyException`: the model is being loaded; SDKs retry it.
    NotReady,
    /// 400 `ValidationException`: the prompt exceeds the model's context window.
    Validation,
    /// 403 or 404: the caller may not use the model, or there is none of that id.
    Denied,
    /// The connection could not be made, or was lost before an answer began.
    Connection,
    /// The stream broke off after it had begun; SDKs never retry that.
    StreamBroken(StreamFault),
    /// The client's own attempt timeout.
    ClientTimeout,
}

/// Why a stream broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamFault {
    /// `modelStreamErrorException`.
    ModelStreamError,
    /// `throttlingException`.
    Throttled,
    /// `internalServerException`.
    Internal,
    /// `serviceUnavailableException`.
    Unavailable,
    /// The connection was lost.
    Reset,
}

/// A part of a prompt that ends in a cache point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachePoint {
    /// Identity of the whole prompt up to here: equal ids are equal content.
    pub id: u64,
    /// Tokens since the point before, or since the beginning.
    pub tokens: u32,
    /// How long it lives in the cache after its last use.
    pub ttl: CacheTtl,
}

/// The end of a content block before a cache point, where an earlier request may have had its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheBoundary {
    /// Identity of the whole prompt up to here, in the numbering of [`CachePoint::id`].
    pub id: u64,
    /// Tokens of the whole prompt up to here.
    pub tokens: u32,
    /// Content blocks between here and the next cache point.
    pub blocks_back: u32,
}

/// Tokens of one answered attempt, as Bedrock's `usage` reports them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input tokens neither read from nor written to the cache.
    pub input: u32,
    /// Input tokens read from the cache.
    pub cache_read: u32,
    /// Input tokens written to the cache.
    pub cache_write: u32,
    /// Output tokens.
    pub output: u32,
}

impl Usage {
    /// The whole prompt: `input + cache_read + cache_write`.
    pub fn prompt(self) -> u64 {
        u64::from(self.input) + u64::from(self.cache_read) + u64::from(self.cache_write)
    }
}
