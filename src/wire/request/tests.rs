use super::{apply_guardrail, converse, count_tokens, invoke};
use crate::domain::CacheTtl;
use crate::wire::{
    Dialect, ErrorKind, GuardrailCheck, GuardrailSource, ModelCall, Refused, ToolChoice,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

const CLAUDE: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const NOVA: &str = "amazon.nova-lite-v1:0";
const LLAMA: &str = "us.meta.llama3-1-70b-instruct-v1:0";

fn read(body: &Value) -> Result<ModelCall, Refused> {
    converse(CLAUDE, body.to_string().as_bytes())
}

fn refused(result: Result<ModelCall, Refused>, message: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Validation);
    assert_eq!(error.message, message);
}

#[expect(clippy::needless_pass_by_value, reason = "calls read as JSON")]
fn user(content: Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

fn with(mut body: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!() };
    body.as_object_mut().unwrap().extend(more);
    body
}

fn hello() -> Value {
    user(json!([{"text": "hello"}]))
}

fn one(place: &str, constraint: &str) -> String {
    format!("1 validation error detected: Value{place} failed to satisfy constraint: {constraint}")
}

#[test]
fn everything_of_a_converse_body_is_read() {
    let body = with(
        user(json!([{"text": "hé"}, {"guardContent": {"text": {"text": "look"}}}])),
        json!({
            "system": [{"text": "sys"}],
            "inferenceConfig": {"maxTokens": 512, "temperature": 1, "topP": 0.9, "stopSequences": ["|"]},
            "toolConfig": {
                "tools": [{"toolSpec": {"name": "now", "description": "d", "inputSchema": {"json": {"type": "object"}}}}],
                "toolChoice": {"tool": {"name": "now"}},
            },
            "guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "1", "trace": "enabled"},
            "additionalModelRequestFields": {"any": [1, {}]},
            "additionalModelResponseFieldPaths": ["/stop_sequence"],
            "requestMetadata": {"team": "a", "bedload-workload": "chat", "bedload-request": "12.1", "bedload-output": "77"},
            "performanceConfig": {"latency": "optimized"},
            "serviceTier": {"type": "flex"},
            "unknown": {"is": ["ignored"]},
        }),
    );
    let call = read(&body).unwrap();
    assert_eq!(call.dialect, Dialect::Converse);
    assert_eq!(call.max_tokens, Some(512));
    assert_eq!(call.stop_sequences, ["|"]);
    let tools = call.tools.unwrap();
    assert_eq!(tools.tools[0].schema, json!({"type": "object"}));
    assert_eq!(tools.choice, ToolChoice::Named("now".to_owned()));
    assert!(!tools.brings_results);
    let guardrail = call.guardrail.unwrap();
    assert_eq!(
        (&*guardrail.id, &*guardrail.version, guardrail.trace),
        ("abc", "1", true)
    );
    assert_eq!(guardrail.text, "look");
    assert_eq!(call.metadata.workload.as_deref(), Some("chat"));
    assert_eq!(
        (call.metadata.request, call.metadata.output),
        (Some((12, 1)), Some(77))
    );
    assert_eq!(call.service_tier.as_deref(), Some("flex"));
    assert!(call.latency_optimized);
    assert_eq!(call.response_fields, ["/stop_sequence"]);
    // now + d + {"type":"object"} + sys + hé + look
    assert_eq!(call.prompt.rest_bytes, 3 + 1 + 17 + 3 + 3 + 4);
}

#[test]
fn constraints_of_the_service_model_are_told() {
    let check = |more: Value, place: &str, constraint: &str| {
        refused(read(&with(hello(), more)), &one(place, constraint));
    };
    check(
        json!({"inferenceConfig": {"maxTokens": 0}}),
        " '0' at 'inferenceConfig.maxTokens'",
        "Member must have value greater than or equal to 1",
    );
    check(
        json!({"inferenceConfig": {"temperature": 1.5}}),
        " '1.5' at 'inferenceConfig.temperature'",
        "Member must have value less than or equal to 1",
    );
    check(
        json!({"inferenceConfig": {"stopSequences": vec!["x"; 2501]}}),
        " at 'inferenceConfig.stopSequences'",
        "Member must have length less than or equal to 2500",
    );
    check(
        json!({"toolConfig": {"tools": []}}),
        " at 'toolConfig.tools'",
        "Member must have length greater than or equal to 1",
    );
    check(
        json!({"toolConfig": {"tools": [{"toolSpec": {"name": "a b", "inputSchema": {"json": {}}}}]}}),
        " 'a b' at 'toolConfig.tools.1.member.toolSpec.name'",
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+",
    );
    check(
        json!({"serviceTier": {"type": "fast"}}),
        " 'fast' at 'serviceTier.type'",
        "Member must satisfy enum value set: [priority, default, flex, reserved]",
    );
    check(
        json!({"performanceConfig": {"latency": "slow"}}),
        " 'slow' at 'performanceConfig.latency'",
        "Member must satisfy enum value set: [standard, optimized]",
    );
    check(
        json!({"system": [{"cachePoint": {"type": "default", "ttl": "2h"}}]}),
        " '2h' at 'system.1.member.cachePoint.ttl'",
        "Member must satisfy enum value set: [5m, 1h]",
    );
    let many: serde_json::Map<_, _> = (0..17).map(|i| (format!("k{i}"), json!("v"))).collect();
    check(
        json!({"requestMetadata": many}),
        " at 'requestMetadata'",
        "Member must have length less than or equal to 16",
    );
    check(
        json!({"guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "x"}}),
        " 'x' at 'guardrailConfig.guardrailVersion'",
        "Member must satisfy regular expression pattern: (|([1-9][0-9]{0,7})|(DRAFT))",
    );
    refused(
        read(&json!({"messages": [{"role": "robot", "content": [{"text": "a"}]}]})),
        &one(
            " 'robot' at 'messages.1.member.role'",
            "Member must satisfy enum value set: [user, assistant, system]",
        ),
    );
    refused(
        read(&user(json!([{"toolUse": {"name": "a", "input": {}}}]))),
        &one(
            " null at 'messages.1.member.content.1.member.toolUse.toolUseId'",
            "Member must not be null",
        ),
    );
}

#[test]
fn what_is_not_json_of_the_right_types_is_told() {
    for body in [
        "",
        "{",
        "null",
        "1",
        r#"{"messages":{}}"#,
        r#"{"messages":[{"role":1}]}"#,
        "\u{feff}{}",
    ] {
        let error = converse(CLAUDE, body.as_bytes()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Serialization, "{body}");
    }
    let deep = format!(r#"{{"messages":[],"x":{}"#, "[".repeat(1_000_000));
    assert_eq!(
        converse(CLAUDE, deep.as_bytes()).unwrap_err().kind,
        ErrorKind::Serialization
    );
    let two = user(json!([{"text": "a", "image": {"format": "png", "source": {"bytes": "AA=="}}}]));
    assert_eq!(read(&two).unwrap_err().kind, ErrorKind::Serialization);
}

#[test]
fn the_rules_of_a_conversation_hold() {
    let turns = |turns: &[(&str, Value)]| {
        let turn = |(role, content): &(&str, Value)| json!({"role": role, "content": content});
        let tools = json!([{"toolSpec": {"name": "t", "inputSchema": {"json": {}}}}]);
        let messages: Vec<_> = turns.iter().map(turn).collect();
        read(&json!({"messages": messages, "toolConfig": {"tools": tools}}))
    };
    let text = || json!([{"text": "a"}]);
    let use_of = |id: &str| json!([{"toolUse": {"toolUseId": id, "name": "t", "input": {}}}]);
    let result = |id: &str| json!([{"toolResult": {"toolUseId": id, "content": [{"text": "r"}]}}]);
    let starts = "A conversation must start with a user message. Try again with a conversation that \
                  starts with a user message.";
    refused(turns(&[]), starts);
    refused(read(&json!({})), starts);
    refused(turns(&[("assistant", text())]), starts);
    refused(
        turns(&[("user", text()), ("user", text())]),
        "A conversation must alternate between user and assistant roles. Make sure the \
         conversation alternates between user and assistant roles and try again.",
    );
    refused(
        turns(&[("user", json!([]))]),
        "The content field in the Message object at messages.0 is empty. Add a ContentBlock object \
         to the content field and try again.",
    );
    refused(
        turns(&[
            ("user", text()),
            ("assistant", json!([{"text": "a"}, {"text": " \n"}])),
        ]),
        "The text field in the ContentBlock object at messages.1.content.1 is blank. Add text to \
         the text field, and try again.",
    );
    refused(
        turns(&[("user", result("x"))]),
        "The number of toolResult blocks at messages.0.content exceeds the number of toolUse blocks \
         of previous turn.",
    );
    refused(
        turns(&[
            ("user", text()),
            ("assistant", use_of("x")),
            ("user", text()),
        ]),
        "Expected toolResult blocks at messages.2.content for the following Ids: x",
    );
    refused(
        turns(&[
            ("user", text()),
            ("assistant", use_of("x")),
            ("user", result("y")),
        ]),
        "The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks \
         of previous turn.",
    );
    let error = turns(&[("user", json!([{}]))]).unwrap_err();
    assert!(
        error
            .message
            .starts_with("ContentBlock object at messages.0.content.0 must set one")
    );
    let call = turns(&[
        ("user", text()),
        ("assistant", use_of("x")),
        ("user", result("x")),
    ])
    .unwrap();
    assert!(call.tools.unwrap().brings_results);
    // Instructions in between are no turn.
    let late = [
        ("user", text()),
        ("system", text()),
        ("assistant", text()),
        ("system", text()),
    ];
    assert!(turns(&late).is_ok());
    refused(
        read(&user(use_of("x"))),
        "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
    );
}

#[test]
fn tools_and_guardrails_must_be_whole() {
    let tools = |tools: Value| read(&with(hello(), json!({"toolConfig": tools})));
    refused(
        tools(json!({"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": "x"}}}]})),
        "The format of the value at toolConfig.tools.0.toolSpec.inputSchema.json is invalid. \
         Provide a json object for the field and try again.",
    );
    let declared = json!([{"toolSpec": {"name": "t", "inputSchema": {"json": {}}}}]);
    let other = tools(json!({"tools": declared, "toolChoice": {"tool": {"name": "u"}}}));
    assert!(
        other
            .unwrap_err()
            .message
            .contains("is not among toolConfig.tools")
    );
    let unnamed = json!({"guardrailConfig": {"guardrailIdentifier": "abc"}});
    assert!(
        read(&with(hello(), unnamed))
            .unwrap_err()
            .message
            .contains("without a guardrail version")
    );
}

#[test]
fn cache_points_cut_the_prompt() {
    let point = |ttl: Option<&str>| match ttl {
        Some(ttl) => json!({"cachePoint": {"type": "default", "ttl": ttl}}),
        None => json!({"cachePoint": {"type": "default"}}),
    };
    let body = with(
        user(json!([{"text": "four"}, point(None), {"text": "rest!"}])),
        json!({"system": [{"text": "system"}, point(Some("1h"))]}),
    );
    let prompt = read(&body).unwrap().prompt;
    let parts: Vec<_> = prompt.points.iter().map(|p| (p.bytes, p.ttl)).collect();
    assert_eq!(parts, [(6, CacheTtl::OneHour), (4, CacheTtl::FiveMinutes)]);
    assert_eq!(prompt.rest_bytes, 5);

    // The same content however it is written, and nothing else, has the same hash.
    let spread = body
        .to_string()
        .replace(':', " : ")
        .replace("four", "\\u0066our");
    let again = converse(CLAUDE, spread.as_bytes()).unwrap().prompt;
    assert_eq!(again, prompt);
    let other_model = converse(NOVA, body.to_string().as_bytes()).unwrap().prompt;
    assert_ne!(other_model.points[0].hash, prompt.points[0].hash);
    let longer = with(
        body.clone(),
        json!({"system": [{"text": "system"}, point(Some("1h")), {"text": "x"}]}),
    );
    let longer = read(&longer).unwrap().prompt;
    assert_eq!(longer.points[0].hash, prompt.points[0].hash);
    assert_ne!(longer.points[1].hash, prompt.points[1].hash);
    let split = with(
        body.clone(),
        json!({"system": [{"text": "sys"}, {"text": "tem"}, point(Some("1h"))]}),
    );
    assert_ne!(
        read(&split).unwrap().prompt.points[0].hash,
        prompt.points[0].hash
    );

    let five = vec![point(None); 5];
    refused(
        read(&with(hello(), json!({"system": five}))),
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    );
    refused(
        read(&with(
            hello(),
            json!({"system": [point(None), point(Some("1h"))]}),
        )),
        "system.1.cachePoint: a ttl='1h' cache_control block must not come after a ttl='5m' \
         cache_control block. Note that blocks are processed in the following order: `tools`, \
         `system`, `messages`.",
    );
    let reasoning = json!({"reasoningContent": {"reasoningText": {"text": "hm"}}});
    refused(
        read(&user(json!([reasoning, point(None)]))),
        "Cache point cannot be inserted after reasoning block. Please remove the invalid cache \
         point and try again.",
    );
}

#[test]
fn files_count_by_size_and_media_by_a_fixed_estimate() {
    let text = STANDARD.encode([7; 100]);
    let call = read(&user(json!([
        {"text": "a"},
        {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/video"}}}},
        {"document": {"name": "doc", "format": "txt", "source": {"bytes": text}}},
    ])));
    let prompt = call.unwrap().prompt;
    assert_eq!(prompt.rest_tokens, 2 * super::MEDIA_TOKENS);
    assert_eq!(prompt.rest_bytes, 1 + 3 + 100);
}

fn claude(body: &Value) -> Result<ModelCall, Refused> {
    invoke(CLAUDE, &HeaderMap::new(), body.to_string().as_bytes())
}

#[expect(clippy::needless_pass_by_value, reason = "calls read as JSON")]
fn messages(messages: Value) -> Value {
    json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": messages})
}

#[test]
fn messages_of_anthropic_are_read() {
    let control = json!({"type": "ephemeral", "ttl": "1h"});
    let body = with(
        messages(json!([
            {"role": "user", "content": "go"},
            {"role": "user", "content": "on"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "x", "name": "t", "input": {"a": 1}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "x", "content": "done"},
                {"type": "text", "text": "next"},
            ]},
        ])),
        json!({
            "system": [{"type": "text", "text": "sys", "cache_control": control}],
            "tools": [
                {"name": "t", "input_schema": {"type": "object"}, "cache_control": control},
                {"name": "bash", "type": "bash_20250124"},
            ],
            "tool_choice": {"type": "any"},
            "stop_sequences": ["|"],
        }),
    );
    let call = claude(&body).unwrap();
    assert_eq!(
        (call.dialect, call.max_tokens),
        (Dialect::Anthropic, Some(9))
    );
    let tools = call.tools.unwrap();
    assert_eq!(
        (tools.tools.len(), tools.choice, tools.brings_results),
        (1, ToolChoice::Any, true)
    );
    let points: Vec<_> = call
        .prompt
        .points
        .iter()
        .map(|p| (p.bytes, p.ttl))
        .collect();
    assert_eq!(points, [(18, CacheTtl::OneHour), (7, CacheTtl::OneHour)]);
    // go, on, t, {"a":1}, done, next
    assert_eq!(call.prompt.rest_bytes, 2 + 2 + 1 + 7 + 4 + 4);
    // One text and one block of it are the same prompt.
    let hash = |content: Value| {
        let turn = json!({"role": "assistant", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]});
        let body = messages(json!([{"role": "user", "content": content}, turn]));
        claude(&body).unwrap().prompt.points[0].hash
    };
    assert_eq!(
        hash(json!("q")),
        hash(json!([{"type": "text", "text": "q"}]))
    );
}

#[test]
fn mistakes_in_messages_of_anthropic_are_told() {
    refused(
        claude(&json!({"anthropic_version": "x"})),
        "Malformed input request: #: required key [max_tokens] not found#: required key [messages] \
         not found, please reformat your input and try again.",
    );
    let check = |turns: Value, message: &str| refused(claude(&messages(turns)), message);
    check(json!([]), "messages: at least one message is required");
    check(
        json!([{"role": "assistant", "content": "a"}]),
        "messages: first message must use the \"user\" role",
    );
    check(
        json!([{"role": "user", "content": "a"}, {"role": "robot", "content": "a"}]),
        "messages.1.role: Input should be 'user' or 'assistant'",
    );
    check(
        json!([{"role": "user"}]),
        "messages.0.content: Field required",
    );
    check(
        json!([{"role": "user", "content": [{"type": "text", "text": ""}]}]),
        "messages: text content blocks must be non-empty",
    );
    check(
        json!([{"role": "user", "content": ""}]),
        "messages.0: all messages must have non-empty content except for the optional final \
         assistant message",
    );
    let tool = json!([{"type": "tool_use", "id": "x", "name": "t", "input": {}}]);
    check(
        json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": tool}, {"role": "user", "content": "b"}]),
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: x. \
         Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
    );
    check(
        json!([{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x"}]}]),
        "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: x. Each \
         `tool_result` block must have a corresponding `tool_use` block in the previous message.",
    );
    let block = |control: Value| json!({"type": "text", "text": "a", "cache_control": control});
    let (short, long) = (
        block(json!({"type": "ephemeral"})),
        block(json!({"type": "ephemeral", "ttl": "1h"})),
    );
    check(
        json!([{"role": "user", "content": [short, long]}]),
        "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come after \
         a ttl='5m' cache_control block. Note that blocks are processed in the following order: \
         `tools`, `system`, `messages`.",
    );
    for body in ["", "{", "[1", r#"{"messages":1}"#] {
        let error = invoke(CLAUDE, &HeaderMap::new(), body.as_bytes()).unwrap_err();
        assert!(
            error.message.starts_with("Malformed input request: "),
            "{error}"
        );
    }
    let nested = format!(
        "{}{}",
        r#"{"messages":[{"role":"user","content":"#,
        r#"[{"content":"#.repeat(100_000)
    );
    assert!(invoke(CLAUDE, &HeaderMap::new(), nested.as_bytes()).is_err());
}

#[test]
fn nova_and_llama_are_read() {
    let nova = json!({
        "schemaVersion": "messages-v1",
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "inferenceConfig": {"max_new_tokens": 5, "stopSequences": ["|"], "topK": 20},
    });
    let call = invoke(NOVA, &HeaderMap::new(), nova.to_string().as_bytes()).unwrap();
    assert_eq!(
        (call.dialect, call.max_tokens, call.prompt.rest_bytes),
        (Dialect::Nova, Some(5), 2)
    );
    let llama = json!({"prompt": "hi there", "max_gen_len": 64, "temperature": 0.5});
    let call = invoke(LLAMA, &HeaderMap::new(), llama.to_string().as_bytes()).unwrap();
    assert_eq!(
        (call.dialect, call.max_tokens, call.prompt.rest_bytes),
        (Dialect::Llama, Some(64), 8)
    );
    let missing = |key: &str| {
        format!(
            "Malformed input request: #: required key [{key}] not found, please reformat your input and try again."
        )
    };
    refused(invoke(NOVA, &HeaderMap::new(), b"{}"), &missing("messages"));
    refused(invoke(LLAMA, &HeaderMap::new(), b"{}"), &missing("prompt"));
    // Where the id tells no vendor, the body does.
    let arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";
    for (body, want) in [
        (nova, Dialect::Nova),
        (llama, Dialect::Llama),
        (
            messages(json!([{"role": "user", "content": "a"}])),
            Dialect::Anthropic,
        ),
    ] {
        let call = invoke(arn, &HeaderMap::new(), body.to_string().as_bytes()).unwrap();
        assert_eq!(call.dialect, want);
    }
    let titan = invoke("amazon.titan-text-lite-v1", &HeaderMap::new(), b"{}").unwrap_err();
    assert!(titan.message.ends_with("use Converse."), "{titan}");
}

#[test]
fn headers_of_invoke_model_are_read() {
    let headers = |pairs: &[(&'static str, &str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        headers
    };
    let body = messages(json!([
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
    ]))
    .to_string();
    let good = headers(&[
        ("x-amzn-bedrock-guardrailidentifier", "abc"),
        ("x-amzn-bedrock-guardrailversion", "DRAFT"),
        ("x-amzn-bedrock-trace", "ENABLED"),
        ("x-amzn-bedrock-service-tier", "priority"),
        ("x-amzn-bedrock-performanceconfig-latency", "optimized"),
        (
            "x-amzn-bedrock-request-metadata",
            r#"{"bedload-request":"3.0","team":"b"}"#,
        ),
    ]);
    let call = invoke(CLAUDE, &good, body.as_bytes()).unwrap();
    let guardrail = call.guardrail.unwrap();
    assert_eq!((&*guardrail.text, guardrail.trace), ("one\ntwo", true));
    assert_eq!(call.service_tier.as_deref(), Some("priority"));
    assert!(call.latency_optimized);
    assert_eq!(call.metadata.request, Some((3, 0)));
    for bad in [
        ("x-amzn-bedrock-service-tier", "fast"),
        ("x-amzn-bedrock-trace", "enabled"),
        ("x-amzn-bedrock-performanceconfig-latency", "x"),
        ("x-amzn-bedrock-request-metadata", "[]"),
        ("x-amzn-bedrock-request-metadata", "{}"),
        ("x-amzn-bedrock-guardrailidentifier", "abc"),
    ] {
        let error = invoke(CLAUDE, &headers(&[bad]), body.as_bytes()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Validation, "{bad:?}");
    }
}

#[test]
fn bodies_of_count_tokens_are_read() {
    let count = |input: Value| count_tokens(CLAUDE, json!({"input": input}).to_string().as_bytes());
    let call = count(json!({"converse": hello()})).unwrap();
    assert_eq!(call.prompt.rest_bytes, 5);
    let body = messages(json!([{"role": "user", "content": "four"}])).to_string();
    let call = count(json!({"invokeModel": {"body": STANDARD.encode(body)}})).unwrap();
    assert_eq!(call.prompt.rest_bytes, 4);
    let null = one(" null at 'input'", "Member must not be null");
    refused(count_tokens(CLAUDE, b"{}"), &null);
    refused(
        count(json!({})),
        "CountTokensInput object at input must set one of the following keys: invokeModel, converse.",
    );
    assert!(
        count(json!({"invokeModel": {"body": "*"}}))
            .unwrap_err()
            .message
            .contains("base64")
    );
}

#[test]
fn bodies_of_apply_guardrail_are_read() {
    let check = |body: Value| apply_guardrail(body.to_string().as_bytes());
    let text = |text: &str| json!({"text": {"text": text}});
    let image = json!({"image": {"format": "png", "source": {"bytes": "AAAA"}}});
    let read = check(
        json!({"source": "OUTPUT", "content": [text("a"), image, text("b")], "outputScope": "FULL"}),
    );
    let want = GuardrailCheck {
        source: GuardrailSource::Output,
        full: true,
        texts: vec!["a".to_owned(), "b".to_owned()],
        images: 1,
    };
    assert_eq!(read, Ok(want));
    let error = check(json!({})).unwrap_err();
    assert!(
        error
            .message
            .starts_with("2 validation errors detected: Value null at 'source'"),
        "{error}"
    );
    assert!(check(json!({"source": "INPUT", "content": []})).is_err());
    assert!(check(json!({"source": "input", "content": [text("a")]})).is_err());
    assert_eq!(
        apply_guardrail(b"x").unwrap_err().kind,
        ErrorKind::Serialization
    );
}
