use super::*;

#[test]
fn names_of_models() {
    let check = |text: &str, scope: &str, id: &str| {
        assert_eq!(model_name(text), ModelName { scope, id }, "{text}");
    };
    check("amazon.nova-lite-v1:0", "", "amazon.nova-lite-v1:0");
    check(
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "us",
        "anthropic.claude-haiku-4-5-20251001-v1:0",
    );
    check(
        "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0",
        "us",
        "anthropic.claude-sonnet-4-20250514-v1:0",
    );
    check(
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0",
        "",
        "anthropic.claude-3-haiku-20240307-v1:0",
    );
    check(
        "arn:aws:bedrock:eu-west-1:1:application-inference-profile/a1b2",
        "",
        "application-inference-profile/a1b2",
    );
    check(
        "global.anthropic.claude-opus-4-5",
        "global",
        "anthropic.claude-opus-4-5",
    );
    check("openai.gpt-5.6-luna", "", "openai.gpt-5.6-luna");
    check("", "", "");
    check("arn:aws", "", "arn:aws");
}

/// A log line of a conversation: `said` are the messages, alternating between user and assistant.
fn line(id: u32, second: u32, tokens: u32, said: &[&str]) -> String {
    let messages: Vec<String> = said
        .iter()
        .enumerate()
        .map(|(i, text)| {
            let role = ["user", "assistant"][i % 2];
            // A cache point behind the newest message, as clients put it.
            let point = if i + 1 == said.len() {
                ",{\"cachePoint\":{\"type\":\"default\"}}"
            } else {
                ""
            };
            format!("{{\"role\":\"{role}\",\"content\":[{{\"text\":\"{text}\"}}{point}]}}")
        })
        .collect();
    format!(
        "{{\"schemaType\":\"ModelInvocationLog\",\"timestamp\":\"2026-11-01T12:00:{second:02}Z\",\
         \"requestId\":\"r{id}\",\"operation\":\"ConverseStream\",\"region\":\"us-east-1\",\
         \"modelId\":\"us.anthropic.claude-haiku-4-5-20251001-v1:0\",\
         \"identity\":{{\"arn\":\"arn:aws:sts::1:assumed-role/app/x\"}},\
         \"input\":{{\"inputBodyJson\":{{\"messages\":[{}],\"system\":[{{\"text\":\"{}\"}}],\
         \"inferenceConfig\":{{\"maxTokens\":512}}}},\"inputTokenCount\":{tokens}}},\
         \"output\":{{\"outputBodyJson\":{{\"stopReason\":\"end_turn\",\"metrics\":{{\"latencyMs\":302}},\
         \"usage\":{{\"inputTokens\":4}}}},\"outputTokenCount\":38}}}}",
        messages.join(","),
        "s".repeat(4000),
    )
}

fn read(lines: &[String]) -> Recorded {
    let text = lines.join("\n");
    read_records(text.as_bytes()).unwrap().recorded
}

#[test]
fn a_call_is_read_in_full() {
    let recorded = read(&[line(1, 5, 1100, &["hello"])]);
    assert_eq!(
        recorded.models,
        ["anthropic.claude-haiku-4-5-20251001-v1:0"]
    );
    assert_eq!(recorded.places[0].region, "us-east-1");
    assert_eq!(recorded.places[0].scope, "us");
    assert_eq!(recorded.clients.len(), 1);
    assert!(!recorded.clients[0].contains("app"));
    assert_eq!(recorded.origin_unix_us, Some(1_793_534_405_000_000));
    let call = recorded.calls[0];
    assert_eq!((call.input, call.output), (1100, 38));
    assert_eq!(call.max_tokens, Some(512));
    assert_eq!(call.latency.map(|l| l.0), Some(302_000));
    assert_eq!(call.streamed, Some(true));
    assert_eq!(call.blocks_len, 3);
}

#[test]
fn conversations_are_sessions_and_share_blocks() {
    let one = ["hello", "hi", "and then?"];
    let recorded = read(&[
        line(1, 0, 1200, &one[..1]),
        line(2, 1, 1150, &["another"]),
        line(3, 9, 3000, &one),
        line(4, 20, 1200, &one[..1]),
    ]);
    let sessions: Vec<u32> = recorded.calls.iter().map(|call| call.session).collect();
    assert_eq!(sessions, [0, 1, 0, 2]);
    let blocks = |n: usize| {
        let call = recorded.calls[n];
        &recorded.blocks[call.blocks_start as usize..][..call.blocks_len as usize]
    };
    assert_eq!(
        blocks(0)[..2],
        blocks(1)[..2],
        "the system prompt is shared"
    );
    assert_eq!(blocks(0)[..2], blocks(2)[..2]);
    assert_ne!(blocks(0)[2], blocks(1)[2], "the messages are not");
    assert_eq!(blocks(0), blocks(3), "equal prompts have equal blocks");
    assert_eq!(blocks(2).len(), 6);
}

#[test]
fn stamps_of_one_second_are_spread_and_copies_dropped() {
    let lines: Vec<String> = [1, 2, 2, 3, 4]
        .iter()
        .map(|id| line(*id, 7, 1000, &["x"]))
        .chain([line(9, 3, 1000, &["x"])])
        .collect();
    let recorded = read(&lines);
    let at: Vec<u64> = recorded.calls.iter().map(|call| call.at.0).collect();
    assert_eq!(at, [0, 4_000_000, 4_250_000, 4_500_000, 4_750_000]);
    assert_eq!(recorded.skipped[COPIES], 1);
    assert_eq!(recorded.out_of_order, 1);
}

#[test]
fn ends_of_calls() {
    use super::super::CallEnd::{Answered, Blocked, Failed, Rejected, Throttled, Unavailable};

    let check = |more: &str, end: super::super::CallEnd| {
        let text = format!(
            "{{\"timestamp\":\"2026-11-01T12:00:00Z\",\"modelId\":\"amazon.nova-lite-v1:0\",{more}}}"
        );
        let call = parse_line(&text).unwrap();
        assert_eq!(call.end, end, "{more}");
    };
    check("\"errorCode\":\"ThrottlingException\"", Throttled);
    check("\"errorCode\":\"ServiceUnavailableException\"", Unavailable);
    check("\"errorCode\":\"com.amazon#ValidationException\"", Rejected);
    check("\"errorCode\":\"InternalServerException\"", Failed);
    check("\"errorCode\":null", Answered);
    check(
        "\"output\":{\"outputBodyJson\":{\"stopReason\":\"guardrail_intervened\"}}",
        Blocked,
    );
    check(
        "\"output\":{\"outputBodyJson\":{\"amazon-bedrock-guardrailAction\":\"INTERVENED\"}}",
        Blocked,
    );
    check(
        "\"output\":{\"outputBodyJson\":[{\"messageStop\":{\"stopReason\":\"guardrail_intervened\"}}]}",
        Blocked,
    );
    check(
        "\"output\":{\"outputBodyJson\":\"text\"},\"input\":[1]",
        Answered,
    );
}

#[test]
fn streams_tell_their_latency_and_usage() {
    let text = "{\"timestamp\":\"2026-11-01T12:00:00.250Z\",\"modelId\":\"m\",\"operation\":\
        \"InvokeModelWithResponseStream\",\"input\":{\"inputBodyJson\":{\"max_tokens\":\"77\",\"messages\":7}},\
        \"output\":{\"outputBodyJson\":[{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,\
        \"cache_read_input_tokens\":5}}},{\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3}},\
        {\"amazon-bedrock-invocationMetrics\":{\"invocationLatency\":864,\"firstByteLatency\":64}}]}}";
    let call = parse_line(text).unwrap();
    assert_eq!(
        (call.input, call.output, call.cache_read),
        (Some(9), Some(3), 5)
    );
    assert_eq!(call.ttft.map(|t| t.0), Some(64_000));
    assert_eq!(call.latency.map(|t| t.0), Some(864_000));
    assert_eq!(call.bodies.max_tokens, Some(77));
    assert_eq!(call.bodies.pieces.len(), 1);
}

#[test]
fn records_wrapped_by_cloudwatch_are_found() {
    let inner = line(1, 5, 1100, &["hello"]);
    let wrapped = format!(
        "{{\"timestamp\":1700000000000,\"message\":{}}}",
        serde_json::to_string(&inner).unwrap()
    );
    let exported = format!("2026-11-01T12:00:05.000Z {inner}");
    for text in [wrapped, exported] {
        let call = parse_line(&text).unwrap();
        assert_eq!(call.request_id, "r1");
    }
}

#[test]
fn rows_survive_their_bytes() {
    let text = line(1, 5, 1100, &["a", "b", "c"]);
    let call = parse_line(&text).unwrap();
    let mut names = Names::default();
    let row = row_of(&call, &mut names, &[], Salt::of(b"x"));
    let mut bytes = Vec::new();
    row.encode(&mut bytes);
    let head: &[u8; CallRow::HEAD] = bytes.first_chunk().unwrap();
    let n = CallRow::pieces_in(head);
    assert_eq!(bytes.len(), CallRow::HEAD + n * CallRow::PIECE);
    assert_eq!(CallRow::decode(head, &bytes[CallRow::HEAD..]), row);
}

#[test]
fn another_salt_makes_other_names() {
    let text = line(1, 5, 1100, &["hello"]);
    let call = parse_line(&text).unwrap();
    let name = |salt: &[u8]| {
        let mut names = Names::default();
        let row = row_of(&call, &mut names, &[], Salt::of(salt));
        (names.clients[0].clone(), row.id)
    };
    assert_eq!(name(b"a"), name(b"a"));
    assert_ne!(name(b"a"), name(b"b"));
}

#[test]
fn application_profiles_are_named_by_the_user() {
    let arn = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/a1b2";
    let text = format!(
        "{{\"timestamp\":\"2026-11-01T12:00:00Z\",\"modelId\":\"{arn}\",\"requestId\":\"r\"}}"
    );
    let call = parse_line(&text).unwrap();
    let profiles = [(arn.to_owned(), "claude-haiku-4-5".to_owned())];
    let mut names = Names::default();
    row_of(&call, &mut names, &profiles, Salt::of(b"x"));
    assert_eq!(names.models, ["claude-haiku-4-5"]);
}
