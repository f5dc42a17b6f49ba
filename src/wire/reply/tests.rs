use super::*;
use crate::rng::Keyed;
use crate::wire::frame::{Frame, FrameReader};
use crate::wire::{CallMetadata, Prompt, Tool, ToolChoice, ToolUse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A folder of recorded data, where there is one.
#[allow(clippy::print_stderr, reason = "a test says so when it cannot run")]
pub(crate) fn data(folder: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("BEDLOAD_DATA") else {
        eprintln!("not run: BEDLOAD_DATA does not name a folder of recorded data");
        return None;
    };
    Some(PathBuf::from(root).join(folder))
}

pub(crate) fn draws() -> Keyed {
    Keyed::new(7, "answer")
}

pub(crate) fn call(dialect: Dialect) -> ModelCall {
    ModelCall {
        dialect,
        prompt: Prompt::default(),
        max_tokens: None,
        stop_sequences: Vec::new(),
        tools: None,
        guardrail: None,
        metadata: CallMetadata::default(),
        service_tier: None,
        latency_optimized: false,
        response_fields: Vec::new(),
    }
}

pub(crate) fn tools(dialect: Dialect) -> ModelCall {
    let schema = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"]}},
        "required": ["city", "unit"],
    });
    let tool = Tool {
        name: "get_weather".to_owned(),
        schema,
    };
    ModelCall {
        tools: Some(ToolUse {
            tools: vec![tool],
            choice: ToolChoice::Auto,
            brings_results: false,
        }),
        ..call(dialect)
    }
}

const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const DIALECTS: [Dialect; 4] = [
    Dialect::Converse,
    Dialect::Anthropic,
    Dialect::Nova,
    Dialect::Llama,
];

fn finish(output: u32) -> Finish<'static> {
    Finish {
        usage: Usage {
            input: 12,
            cache_read: 1028,
            cache_write: 0,
            output,
        },
        latency_ms: 961,
        first_byte_ms: 204,
        ..Finish::default()
    }
}

fn answer(call: &ModelCall, wanted: u32) -> Answer {
    let planned = AnswerPlan::new(call, wanted, draws(), 1, &AnswerSettings::default());
    let tokens = planned.output_tokens();
    planned.cut(tokens, false)
}

fn body(call: &ModelCall, answer: &Answer, finish: &Finish<'_>) -> Value {
    let mut out = Vec::new();
    write_body(call, MODEL, answer, finish, &mut out);
    serde_json::from_slice(&out)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out)))
}

/// The bytes of a stream in pieces of `step` tokens.
fn stream(
    call: &ModelCall,
    answer: Answer,
    step: u32,
    finish: &Finish<'_>,
    padding: bool,
) -> Vec<u8> {
    let mut out = Vec::new();
    let total = answer.output_tokens();
    let mut writer = StreamWriter::new(call, MODEL, answer, padding);
    writer.start(finish.usage, &mut out);
    for upto in (step..total).step_by(step as usize) {
        writer.tokens(upto, &mut out);
    }
    writer.tokens(total, &mut out);
    writer.finish(finish, &mut out);
    out
}

fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut reader = FrameReader::new();
    reader.push(bytes);
    std::iter::from_fn(|| reader.next_frame().unwrap()).collect()
}

/// Name and content of an event; an event in base64 stands for itself.
fn event(frame: &Frame) -> (String, Value) {
    let name = frame.header(":event-type").unwrap().to_owned();
    let payload: Value = serde_json::from_slice(frame.payload()).unwrap();
    match payload.get("bytes").and_then(Value::as_str) {
        Some(bytes) => {
            let inner = serde_json::from_slice(&STANDARD.decode(bytes).unwrap()).unwrap();
            (name, inner)
        }
        None => (name, payload),
    }
}

fn lines(bytes: &[u8]) -> String {
    let line = |frame: &Frame| {
        let name = frame.header(":event-type").unwrap().to_owned();
        let payload: Value = serde_json::from_slice(frame.payload()).unwrap();
        let text = match payload.get("bytes").and_then(Value::as_str) {
            Some(bytes) => String::from_utf8(STANDARD.decode(bytes).unwrap()).unwrap(),
            None => String::from_utf8(frame.payload().to_vec()).unwrap(),
        };
        format!("{name} {text}")
    };
    frames(bytes)
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn bodies() {
    let all = DIALECTS.map(|dialect| {
        let asked = tools(dialect);
        let mut out = Vec::new();
        write_body(&asked, MODEL, &answer(&asked, 16), &finish(16), &mut out);
        String::from_utf8(out).unwrap()
    });
    insta::assert_snapshot!(all.join("\n"), @r#"
    {"metrics":{"latencyMs":961},"output":{"message":{"content":[{"text":"Not could time all a many or her to."},{"toolUse":{"input":{"city":"signal","unit":"c"},"name":"get_weather","toolUseId":"tooluse_6w8-UIK8W30IvBXkI8p3B1"}}],"role":"assistant"}},"stopReason":"tool_use","usage":{"cacheReadInputTokenCount":1028,"cacheReadInputTokens":1028,"cacheWriteInputTokenCount":0,"cacheWriteInputTokens":0,"inputTokens":12,"outputTokens":16,"serverToolUsage":{},"totalTokens":1056}}
    {"id":"msg_bdrk_01uBDtt39sC4ywyohw1XaHUa","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{"type":"text","text":"Not could time all a many or her to."},{"type":"tool_use","id":"toolu_bdrk_01vkwyK8AwMsp8j2Na8wer2q","name":"get_weather","input":{"city":"signal","unit":"c"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":1028,"output_tokens":16}}
    {"output":{"message":{"content":[{"text":"Not could time all a many or her to."},{"toolUse":{"toolUseId":"tooluse_6w8-UIK8W30IvBXkI8p3B1","name":"get_weather","input":{"city":"signal","unit":"c"}}}],"role":"assistant"}},"stopReason":"tool_use","usage":{"inputTokens":12,"outputTokens":16,"totalTokens":1056,"cacheReadInputTokenCount":1028,"cacheWriteInputTokenCount":0}}
    {"generation":"Not could time all a many or her to or by. Their into do will w.","prompt_token_count":1040,"generation_token_count":16,"stop_reason":"stop"}
    "#);
}

#[test]
fn streams_of_converse() {
    let asked = tools(Dialect::Converse);
    let bytes = stream(&asked, answer(&asked, 18), 4, &finish(18), true);
    insta::assert_snapshot!(lines(&bytes), @r#"
    messageStart {"p":"abcdefghijklmnopqrstuvwxyzABCDE","role":"assistant"}
    contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"Not could time a"},"p":"abcdefghijklmn"}
    contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"ll a many or her"},"p":"abc"}
    contentBlockDelta {"contentBlockIndex":0,"delta":{"text":" to or by. ."},"p":"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ012"}
    contentBlockStop {"contentBlockIndex":0,"p":"abcdefghijklmno"}
    contentBlockStart {"contentBlockIndex":1,"p":"ab","start":{"toolUse":{"name":"get_weather","toolUseId":"tooluse_6w8-UIK8W30IvBXkI8p3B1"}}}
    contentBlockDelta {"contentBlockIndex":1,"delta":{"toolUse":{"input":"{\"ci"}},"p":"abcdefghij"}
    contentBlockDelta {"contentBlockIndex":1,"delta":{"toolUse":{"input":"ty\":\"signal\",\"un"}},"p":"abcdefghijklmnopqrstu"}
    contentBlockDelta {"contentBlockIndex":1,"delta":{"toolUse":{"input":"it\":\"c\"}"}},"p":"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567"}
    contentBlockStop {"contentBlockIndex":1,"p":"ab"}
    messageStop {"p":"abcdefghijklmnopqrstuvwxyz","stopReason":"tool_use"}
    metadata {"metrics":{"latencyMs":961},"p":"abcdefghijklmn","usage":{"cacheReadInputTokenCount":1028,"cacheReadInputTokens":1028,"cacheWriteInputTokenCount":0,"cacheWriteInputTokens":0,"inputTokens":12,"outputTokens":18,"serverToolUsage":{},"totalTokens":1058}}
    "#);
}

#[test]
fn streams_of_the_model_bodies() {
    let all = [Dialect::Anthropic, Dialect::Nova, Dialect::Llama].map(|dialect| {
        let asked = tools(dialect);
        lines(&stream(&asked, answer(&asked, 16), 8, &finish(16), false))
    });
    insta::assert_snapshot!(all.join("\n\n"), @r#"
    chunk {"type":"message_start","message":{"id":"msg_bdrk_01uBDtt39sC4ywyohw1XaHUa","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":1028,"output_tokens":1}}}
    chunk {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
    chunk {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Not could time all a many or her"}}
    chunk {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" to."}}
    chunk {"type":"content_block_stop","index":0}
    chunk {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_bdrk_01vkwyK8AwMsp8j2Na8wer2q","name":"get_weather","input":{}}}
    chunk {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"city\":\"signal\",\"unit\":\"c\"}"}}
    chunk {"type":"content_block_stop","index":1}
    chunk {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":16}}
    chunk {"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":12,"outputTokenCount":16,"invocationLatency":961,"firstByteLatency":204,"cacheReadInputTokenCount":1028,"cacheWriteInputTokenCount":0}}

    chunk {"messageStart":{"role":"assistant"}}
    chunk {"contentBlockDelta":{"delta":{"text":"Not could time all a many or her"},"contentBlockIndex":0}}
    chunk {"contentBlockStop":{"contentBlockIndex":0}}
    chunk {"contentBlockDelta":{"delta":{"text":" to."},"contentBlockIndex":1}}
    chunk {"contentBlockStop":{"contentBlockIndex":1}}
    chunk {"contentBlockStart":{"start":{"toolUse":{"toolUseId":"tooluse_6w8-UIK8W30IvBXkI8p3B1","name":"get_weather"}},"contentBlockIndex":2}}
    chunk {"contentBlockDelta":{"delta":{"toolUse":{"input":"{\"city\":\"signal\",\"unit\":\"c\"}"}},"contentBlockIndex":2}}
    chunk {"contentBlockStop":{"contentBlockIndex":2}}
    chunk {"messageStop":{"stopReason":"tool_use"}}
    chunk {"metadata":{"usage":{"inputTokens":12,"outputTokens":16,"cacheReadInputTokenCount":1028,"cacheWriteInputTokenCount":0},"metrics":{},"trace":{}},"amazon-bedrock-invocationMetrics":{"inputTokenCount":12,"outputTokenCount":16,"invocationLatency":961,"firstByteLatency":204,"cacheReadInputTokenCount":1028,"cacheWriteInputTokenCount":0}}

    chunk {"generation":"Not could time all a many or her","prompt_token_count":1040,"generation_token_count":8,"stop_reason":null}
    chunk {"generation":" to or by. Their into do will w.","prompt_token_count":null,"generation_token_count":16,"stop_reason":null}
    chunk {"generation":"","prompt_token_count":null,"generation_token_count":16,"stop_reason":"stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":12,"outputTokenCount":16,"invocationLatency":961,"firstByteLatency":204,"cacheReadInputTokenCount":1028,"cacheWriteInputTokenCount":0}}
    "#);
}

#[test]
fn a_stream_says_what_the_body_says() {
    for (wanted, step) in [(0, 1), (1, 1), (40, 3), (400, 7), (40, 1_000)] {
        for dialect in DIALECTS {
            for asked in [call(dialect), tools(dialect)] {
                let answer = answer(&asked, wanted);
                let bytes = stream(&asked, answer.clone(), step, &finish(wanted), true);
                let (mut text, mut arguments) = (String::new(), String::new());
                for (_, event) in frames(&bytes).iter().map(event) {
                    let delta = match dialect {
                        Dialect::Converse | Dialect::Anthropic => &event["delta"],
                        Dialect::Nova => &event["contentBlockDelta"]["delta"],
                        Dialect::Llama => &event,
                    };
                    for name in ["text", "generation"] {
                        text.push_str(delta[name].as_str().unwrap_or(""));
                    }
                    arguments.push_str(delta["toolUse"]["input"].as_str().unwrap_or(""));
                    arguments.push_str(delta["partial_json"].as_str().unwrap_or(""));
                }
                assert_eq!(text, answer.text());
                assert_eq!(arguments, answer.tool_use().map_or("", |tool| tool.1));
            }
        }
    }
}

#[test]
fn one_piece_per_call_unless_a_block_ends() {
    let asked = call(Dialect::Converse);
    let mut writer = StreamWriter::new(&asked, MODEL, answer(&asked, 100), true);
    let mut out = Vec::new();
    for upto in (5..=100).step_by(5) {
        out.clear();
        writer.tokens(upto, &mut out);
        assert_eq!(frames(&out).len(), 1);
        // Nothing new, nothing written.
        let before = out.len();
        writer.tokens(upto, &mut out);
        assert_eq!(out.len(), before);
    }
}

#[test]
fn usage_counts_the_cache_by_its_lifetimes() {
    let finish = Finish {
        usage: Usage {
            input: 11,
            cache_read: 5,
            cache_write: 1028,
            output: 236,
        },
        cache_write_1h: 28,
        ..Finish::default()
    };
    let asked = call(Dialect::Converse);
    let body_of = body(&asked, &answer(&asked, 3), &finish);
    // As recorded: 11 + 1028 + 236 = 1275 without the 5 read.
    assert_eq!(body_of["usage"]["totalTokens"], 1280);
    assert_eq!(
        body_of["usage"]["cacheDetails"],
        json!([{"ttl": "1h", "inputTokens": 28}, {"ttl": "5m", "inputTokens": 1000}])
    );
    let asked = call(Dialect::Anthropic);
    let body_of = body(&asked, &answer(&asked, 3), &finish);
    assert_eq!(
        body_of["usage"]["cache_creation"]["ephemeral_1h_input_tokens"],
        28
    );
}

#[test]
fn what_was_asked_comes_back() {
    let mut asked = call(Dialect::Converse);
    asked.response_fields = ["/stop_sequence", "/usage/x", "/stop_sequence"]
        .map(str::to_owned)
        .to_vec();
    asked.stop_sequences = vec!["STOP".to_owned()];
    let settings = AnswerSettings {
        stop_sequence: crate::units::Ratio::ONE,
        ..AnswerSettings::default()
    };
    let answer = AnswerPlan::new(&asked, 9, draws(), 1, &settings).cut(9, false);
    let finish = Finish {
        service_tier: Some("priority"),
        latency_optimized: Some(true),
        ..finish(9)
    };
    let whole = body(&asked, &answer, &finish);
    assert_eq!(
        whole["additionalModelResponseFields"],
        json!({"stop_sequence": "STOP"})
    );
    assert_eq!(whole["stopReason"], "stop_sequence");
    assert_eq!(whole["serviceTier"]["type"], "priority");
    assert_eq!(whole["performanceConfig"]["latency"], "optimized");
    let bytes = stream(&asked, answer, 5, &finish, true);
    let events: Vec<_> = frames(&bytes).iter().map(event).collect();
    let [.., (_, stop), (_, metadata)] = &events[..] else {
        panic!("two events end a stream");
    };
    assert_eq!(
        stop["additionalModelResponseFields"],
        whole["additionalModelResponseFields"]
    );
    for name in ["usage", "metrics", "serviceTier", "performanceConfig"] {
        assert_eq!(metadata[name], whole[name]);
    }
}

#[test]
fn a_blocked_prompt_costs_no_tokens() {
    let settings = GuardrailSettings {
        words: vec!["secret".to_owned()],
        blocked_input: "Blocked \"here\".".to_owned(),
        blocked_output: String::new(),
    };
    let used = crate::wire::GuardrailUse {
        id: "abc".to_owned(),
        text: "a secret".to_owned(),
        trace: true,
        ..Default::default()
    };
    let report = settings.check_input(&used, 5);
    let finish = Finish {
        guardrail: Some(&report),
        latency_ms: 5,
        ..Finish::default()
    };
    for dialect in DIALECTS {
        let asked = call(dialect);
        let answer = Answer::blocked_input(&settings.blocked_input, draws(), 1);
        let whole = body(&asked, &answer, &finish);
        assert!(whole.to_string().contains(r#"Blocked \"here\"."#));
        let bytes = stream(&asked, answer, 5, &finish, true);
        let last = frames(&bytes).last().map(event).unwrap().1;
        if dialect == Dialect::Converse {
            assert_eq!(whole["stopReason"], "guardrail_intervened");
            assert_eq!(whole["usage"]["totalTokens"], 0);
            let found = &whole["trace"]["guardrail"]["inputAssessment"]["abc"]["wordPolicy"];
            assert_eq!(found["customWords"][0]["match"], "secret");
            assert_eq!(last["trace"], whole["trace"]);
        } else {
            assert_eq!(whole["amazon-bedrock-guardrailAction"], "INTERVENED");
            assert_eq!(last["amazon-bedrock-guardrailAction"], "INTERVENED");
        }
    }
}

#[test]
fn padding_is_the_start_of_the_alphabet_in_every_recorded_length() {
    let asked = call(Dialect::Converse);
    let bytes = stream(&asked, answer(&asked, 4_000), 2, &finish(4_000), true);
    let lengths: BTreeSet<usize> = frames(&bytes)
        .iter()
        .map(|frame| {
            let payload = event(frame).1;
            let padding = payload["p"].as_str().unwrap().to_owned();
            assert!(
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                    .starts_with(&padding)
            );
            padding.len()
        })
        .collect();
    assert_eq!(lengths, (2..=61).collect());
}

/// Every path of members in a value with the JSON type there, lists flattened. What stands below
/// a tool's arguments is the tool's, and a guardrail's id is a name like any other.
fn paths(value: &Value, at: &str, into: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    into.insert(format!("{at}:{kind}"));
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| paths(item, &format!("{at}[]"), into)),
        Value::Object(members) if at.rsplit('.').next() != Some("input") => {
            for (name, member) in members {
                let guardrail = at.ends_with("Assessment") || at.ends_with("Assessments");
                let name = if guardrail { "*" } else { name };
                paths(member, &format!("{at}.{name}"), into);
            }
        }
        _ => {}
    }
}

fn paths_of_stream(bytes: &[u8], into: &mut BTreeSet<String>) {
    for frame in frames(bytes) {
        let payload: Value = serde_json::from_slice(frame.payload()).unwrap();
        let name = frame.header(":event-type").unwrap();
        paths(&payload, name, into);
        let (_, inner) = event(&frame);
        if name == "chunk" {
            let kind = inner["type"].as_str().unwrap_or("");
            paths(&inner, &format!("chunk/{kind}"), into);
        }
    }
}

/// Members that we write although no recording of that family has them, with what vouches for them.
const NOT_RECORDED: [(&str, &str); 8] = [
    ("cacheDetails", "botocore 1.44.5, TokenUsage"),
    (
        "chunk/.contentBlockStart",
        "the guide of Nova; only text was recorded",
    ),
    ("toolUse", "the guide of Nova; only text was recorded"),
    (
        "delta.partial_json",
        "Anthropic's Messages; only text was recorded",
    ),
    ("content_block_start.content_block", "likewise"),
    ("invoke.content[]", "likewise"),
    (
        "message.usage.cache_",
        "recorded in bodies, and in streams too old for a cache not",
    ),
    (
        "message_stop.amazon-bedrock-invocationMetrics.cache",
        "likewise; recorded for Nova",
    ),
];

#[test]
fn every_member_was_recorded_with_its_type() {
    let Some(folder) = data("bedrock_api_fixtures") else {
        return;
    };
    let mut recorded = BTreeSet::new();
    let pairs = std::fs::read_to_string(folder.join("converse_invoke_pairs.jsonl")).unwrap();
    for line in pairs.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        paths(
            &row["response"],
            row["operation"].as_str().unwrap(),
            &mut recorded,
        );
    }
    for entry in std::fs::read_dir(folder.join("eventstream")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "bin") {
            paths_of_stream(&std::fs::read(path).unwrap(), &mut recorded);
        }
    }
    let mut ours = BTreeSet::new();
    for dialect in DIALECTS {
        for asked in [call(dialect), tools(dialect)] {
            let answer = answer(&asked, 30);
            let operation = if dialect == Dialect::Converse {
                "converse"
            } else {
                "invoke"
            };
            paths(&body(&asked, &answer, &finish(30)), operation, &mut ours);
            paths_of_stream(&stream(&asked, answer, 4, &finish(30), true), &mut ours);
        }
    }
    let strange: Vec<_> = ours
        .difference(&recorded)
        .filter(|path| !NOT_RECORDED.iter().any(|(part, _)| path.contains(part)))
        .collect();
    assert!(strange.is_empty(), "{strange:#?}");
}
