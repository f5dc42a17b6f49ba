use super::*;
use crate::domain::{Failure, Usage};

fn shown(headers: &HeaderMap) -> String {
    let line =
        |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
    headers.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn headers_of_each_operation() {
    let finish = Finish {
        usage: Usage {
            input: 4,
            cache_read: 18_131,
            cache_write: 0,
            output: 50,
        },
        latency_ms: 1_859,
        service_tier: Some("flex"),
        latency_optimized: Some(false),
        ..Finish::default()
    };
    let all = [
        Operation::Converse,
        Operation::ConverseStream,
        Operation::Invoke,
        Operation::InvokeStream,
        Operation::Other,
    ]
    .map(|operation| shown(&reply_headers(operation, "an-id", &finish)))
    .join("\n\n");
    insta::assert_snapshot!(all, @r#"
    content-type: application/json
    x-amzn-requestid: an-id

    content-type: application/vnd.amazon.eventstream
    x-amzn-requestid: an-id

    content-type: application/json
    x-amzn-requestid: an-id
    x-amzn-bedrock-invocation-latency: 1859
    x-amzn-bedrock-input-token-count: 4
    x-amzn-bedrock-output-token-count: 50
    x-amzn-bedrock-cache-read-input-token-count: 18131
    x-amzn-bedrock-cache-write-input-token-count: 0
    x-amzn-bedrock-service-tier: flex
    x-amzn-bedrock-performanceconfig-latency: standard

    content-type: application/vnd.amazon.eventstream
    x-amzn-requestid: an-id
    x-amzn-bedrock-content-type: application/json
    x-amzn-bedrock-service-tier: flex
    x-amzn-bedrock-performanceconfig-latency: standard

    content-type: application/json
    x-amzn-requestid: an-id
    "#);
}

#[test]
fn headers_of_an_error() {
    let headers = error_headers(&ErrorReply::from(Failure::Unavailable), "an-id");
    insta::assert_snapshot!(shown(&headers), @r#"
    content-type: application/json
    x-amzn-requestid: an-id
    x-amzn-errortype: ServiceUnavailableException:http://internal.amazon.com/coral/com.amazon.bedrock/
    "#);
    // What cannot stand in a header is left out, not sent.
    assert_eq!(error_headers(&ErrorReply::unknown_model(), "a\nb").len(), 2);
}
