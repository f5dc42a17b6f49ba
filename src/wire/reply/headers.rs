//! The headers of an answer.

use super::{ErrorReply, Finish, converse};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The content type of everything that is not a stream.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The content type of a stream.
pub const EVENT_STREAM: HeaderValue =
    HeaderValue::from_static("application/vnd.amazon.eventstream");

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const STREAM_CONTENT_TYPE: HeaderName = HeaderName::from_static("x-amzn-bedrock-content-type");
const LATENCY: HeaderName = HeaderName::from_static("x-amzn-bedrock-invocation-latency");
const INPUT: HeaderName = HeaderName::from_static("x-amzn-bedrock-input-token-count");
const OUTPUT: HeaderName = HeaderName::from_static("x-amzn-bedrock-output-token-count");
const CACHE_READ: HeaderName =
    HeaderName::from_static("x-amzn-bedrock-cache-read-input-token-count");
const CACHE_WRITE: HeaderName =
    HeaderName::from_static("x-amzn-bedrock-cache-write-input-token-count");
const TIER: HeaderName = HeaderName::from_static("x-amzn-bedrock-service-tier");
const PERFORMANCE: HeaderName = HeaderName::from_static("x-amzn-bedrock-performanceconfig-latency");

/// The operations whose answers differ in their headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `Converse`.
    Converse,
    /// `ConverseStream`.
    ConverseStream,
    /// `InvokeModel`.
    Invoke,
    /// `InvokeModelWithResponseStream`.
    InvokeStream,
    /// `CountTokens`, `ApplyGuardrail` and the control plane.
    Other,
}

impl Operation {
    /// Whether its answer is a stream.
    pub fn streams(self) -> bool {
        matches!(self, Self::ConverseStream | Self::InvokeStream)
    }
}

/// The headers of an answer. `finish` is what is known when the headers go out: for a stream only
/// its tier and its performance count, for `InvokeModel` all of it.
pub fn reply_headers(operation: Operation, request_id: &str, finish: &Finish<'_>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(10);
    let content_type = if operation.streams() {
        EVENT_STREAM
    } else {
        JSON
    };
    headers.insert(CONTENT_TYPE, content_type);
    insert(&mut headers, REQUEST_ID, request_id);
    if operation == Operation::InvokeStream {
        headers.insert(STREAM_CONTENT_TYPE, JSON);
    }
    if operation == Operation::Invoke {
        let usage = finish.usage;
        headers.insert(LATENCY, HeaderValue::from(finish.latency_ms));
        headers.insert(INPUT, HeaderValue::from(usage.input));
        headers.insert(OUTPUT, HeaderValue::from(usage.output));
        headers.insert(CACHE_READ, HeaderValue::from(usage.cache_read));
        headers.insert(CACHE_WRITE, HeaderValue::from(usage.cache_write));
    }
    if matches!(operation, Operation::Invoke | Operation::InvokeStream) {
        if let Some(tier) = finish.service_tier {
            insert(&mut headers, TIER, tier);
        }
        if let Some(optimized) = finish.latency_optimized {
            let name = converse::latency_name(optimized);
            headers.insert(PERFORMANCE, HeaderValue::from_static(name));
        }
    }
    headers
}

/// The headers of an error.
pub fn error_headers(error: &ErrorReply, request_id: &str) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, JSON);
    insert(&mut headers, REQUEST_ID, request_id);
    if error.kind.is_named() {
        insert(&mut headers, ERROR_TYPE, &error.error_type());
    }
    headers
}

/// Inserts a value, or nothing where it cannot stand in a header.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests;
