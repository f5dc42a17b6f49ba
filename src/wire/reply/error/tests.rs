use super::*;
use crate::wire::frame::FrameReader;
use std::collections::BTreeSet;

fn body(error: &ErrorReply) -> String {
    let mut out = Vec::new();
    error.write_body(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_refusal_for_tokens_is_the_captured_one() {
    let error = ErrorReply::from(Failure::Throttled(RefusalReason::TokensPerMinute));
    assert_eq!(error.status(), 429);
    assert_eq!(
        body(&error),
        r#"{"message":"Too many tokens, please wait before trying again."}"#
    );
    assert_eq!(body(&error).len(), 63);
    assert_eq!(
        error.error_type(),
        "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/"
    );
}

#[test]
fn the_table_is_whole_and_unambiguous() {
    let names: BTreeSet<_> = ErrorKind::all().map(ErrorKind::name).collect();
    assert_eq!(names.len(), ErrorKind::all().count());
    for kind in ErrorKind::all() {
        assert!((400..600).contains(&kind.status()));
        if let Some(event) = kind.event_name() {
            assert!(kind.name().eq_ignore_ascii_case(event));
            assert!(event.starts_with(char::is_lowercase));
        }
    }
    // botocore 1.44.5: the exceptions of ResponseStream.
    assert_eq!(
        ErrorKind::all().filter_map(ErrorKind::event_name).count(),
        6
    );
}

#[test]
fn model_errors_name_the_model() {
    let error = ErrorReply::from(Failure::ModelError).of_model("anthropic.claude-opus-4-8");
    let json: serde_json::Value = serde_json::from_str(&body(&error)).unwrap();
    assert_eq!(json["originalStatusCode"], 500);
    assert_eq!(json["resourceName"], "anthropic.claude-opus-4-8");
    assert_eq!(error.status(), 424);
    let stream = error.in_stream();
    let json: serde_json::Value = serde_json::from_str(&body(&stream)).unwrap();
    assert_eq!(json["originalStatusCode"], 500);
    assert!(json["originalMessage"].is_string() && json["resourceName"].is_null());
    assert_eq!(stream.kind.event_name(), Some("modelStreamErrorException"));
}

#[test]
fn any_error_can_end_a_stream() {
    for kind in ErrorKind::all() {
        let mut out = Vec::new();
        ErrorReply::new(kind, "why").write_frame(&mut out);
        let mut reader = FrameReader::new();
        reader.push(&out);
        let frame = reader.next_frame().unwrap().unwrap();
        match kind.event_name() {
            Some(name) => assert_eq!(frame.header(":exception-type"), Some(name)),
            None => assert_eq!(frame.header(":error-code"), Some(kind.name())),
        }
    }
}

#[test]
fn messages_are_those_on_record() {
    assert_eq!(
        ErrorReply::profile_needed("anthropic.claude-opus-5").message,
        "Invocation of model ID anthropic.claude-opus-5 with on-demand throughput isn't \
         supported. Retry your request with the ID or ARN of an inference profile that contains \
         this model."
    );
    assert_eq!(
        body(&ErrorReply::unknown_model()),
        r#"{"message":"The provided model identifier is invalid."}"#
    );
    assert_eq!(ErrorReply::too_many_connections().status(), 503);
    let statuses = [
        Failure::Unavailable,
        Failure::Internal,
        Failure::ModelError,
        Failure::ModelTimeout,
        Failure::Validation,
        Failure::ClientTimeout,
    ]
    .map(|failure| ErrorReply::from(failure).status());
    assert_eq!(statuses, [503, 500, 424, 408, 400, 408]);
    // Recorded with a namespace of the gateway, not of Bedrock.
    assert_eq!(
        ErrorReply::new(ErrorKind::ExpiredToken, "").error_type(),
        "ExpiredTokenException:http://internal.amazon.com/coral/com.amazon.coral.service/"
    );
}
