//! Requests as clients really send them: those that public test suites recorded, in the folder that
//! `BEDLOAD_DATA` names, and one that the SDK signs here.

use aws_sdk_bedrockruntime::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, Message};
use aws_sdk_bedrockruntime::{Client, Config};
use bedload::wire::request::{
    AccessKey, Caller, ModelOperation, ModelRef, Route, Signed, Verifier, converse, invoke,
};
use bedload::wire::{ModelCall, Refused};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

struct Recorded {
    model: String,
    operation: String,
    status: u64,
    request: Value,
    /// All input tokens, cached ones included, as far as the answer told.
    tokens: Option<u64>,
}

fn load() -> Option<Vec<Recorded>> {
    let Some(folder) = std::env::var_os("BEDLOAD_DATA") else {
        eprintln!("not run: BEDLOAD_DATA names no folder of recorded data");
        return None;
    };
    let folder = PathBuf::from(folder).join("bedrock_api_fixtures");
    let text = std::fs::read_to_string(folder.join("converse_invoke_pairs.jsonl")).unwrap();
    let mut all: Vec<Recorded> = text.lines().map(pair).collect();
    let mut streams = csv::Reader::from_path(folder.join("eventstream/index.csv")).unwrap();
    for row in streams.deserialize::<std::collections::BTreeMap<String, String>>() {
        let row = row.unwrap();
        all.push(Recorded {
            model: row["model_id"].clone(),
            operation: row["operation"].clone(),
            status: 200,
            request: serde_json::from_str(&row["request"]).unwrap(),
            tokens: row["input_tokens"].parse().ok(),
        });
    }
    Some(all)
}

fn pair(line: &str) -> Recorded {
    let row: Value = serde_json::from_str(line).unwrap();
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let usage = &row["response"]["usage"];
    let headers = &row["response_headers"];
    let sum = |from: &Value, names: &[&str]| {
        let first = number(&from[names[0]])?;
        let cached: u64 = names[1..]
            .iter()
            .filter_map(|name| number(&from[*name]))
            .sum();
        Some(first + cached)
    };
    let tokens = sum(
        usage,
        &[
            "inputTokens",
            "cacheReadInputTokens",
            "cacheWriteInputTokens",
        ],
    );
    let from_headers = [
        "x-amzn-bedrock-input-token-count",
        "x-amzn-bedrock-cache-read-input-token-count",
        "x-amzn-bedrock-cache-write-input-token-count",
    ];
    Recorded {
        model: row["model_id"].as_str().unwrap().to_owned(),
        operation: row["operation"].as_str().unwrap().to_owned(),
        status: number(&row["status"]).unwrap(),
        request: row["request"].clone(),
        tokens: tokens.or_else(|| sum(headers, &from_headers)),
    }
}

fn read(recorded: &Recorded) -> Result<ModelCall, Refused> {
    let body = recorded.request.to_string();
    if recorded.operation.starts_with("converse") {
        converse(&recorded.model, body.as_bytes())
    } else {
        invoke(&recorded.model, &HeaderMap::new(), body.as_bytes())
    }
}

#[test]
fn every_recorded_request_is_read() {
    let Some(all) = load() else { return };
    let (mut calls, mut elsewhere, mut refused, mut lost) = (0, 0, 0, 0);
    for recorded in &all {
        // Two requests were recorded without their bodies.
        if recorded.request.is_null() {
            lost += 1;
            continue;
        }
        match read(recorded) {
            Ok(call) => {
                calls += 1;
                let wanted = &recorded.request;
                let bound = &wanted["inferenceConfig"]["maxTokens"];
                let older = &wanted["inferenceConfig"]["max_new_tokens"];
                let bounds = [bound, older, &wanted["max_tokens"], &wanted["max_gen_len"]];
                let bound = bounds.iter().find_map(|value| value.as_u64());
                assert_eq!(
                    call.max_tokens.map(u64::from),
                    bound,
                    "{}",
                    recorded.request
                );
                assert_eq!(
                    call.guardrail.is_some(),
                    wanted.get("guardrailConfig").is_some()
                );
            }
            Err(error) if error.message.contains("use Converse.") => elsewhere += 1,
            Err(error) if recorded.request.get("inputText").is_some() => {
                assert!(error.message.contains("required key [messages]"), "{error}");
                elsewhere += 1;
            }
            Err(_) if recorded.status >= 400 => refused += 1,
            // The text completions of Claude 2.
            Err(error) if recorded.request.get("max_tokens_to_sample").is_some() => {
                assert!(error.message.contains("required key"), "{error}");
                elsewhere += 1;
            }
            Err(error) => panic!("{} {}: {error}", recorded.model, recorded.request),
        }
    }
    eprintln!(
        "{calls} read, {elsewhere} of other vendors or older bodies, {refused} refused as the \
         service did, {lost} without a body"
    );
    assert!(calls > 100);
}

/// Whether nothing but text counts in this request, and the recording tells its size in full.
fn is_plain(recorded: &Recorded, call: &ModelCall, tokens: u64) -> bool {
    let points = &call.prompt.points;
    let fixed: u64 = points.iter().map(|point| point.tokens).sum();
    // A schema of the answer adds instructions that nobody sees.
    let has_schema = recorded.request.get("outputConfig").is_some();
    // Some recordings cut long prompts short, some leave out the cached tokens.
    let ratio = bytes(call) as f64 / tokens as f64;
    let is_whole = points.is_empty() || (1.0..10.0).contains(&ratio);
    call.tools.is_none() && fixed + call.prompt.rest_tokens == 0 && !has_schema && is_whole
}

fn bytes(call: &ModelCall) -> u64 {
    let points = call.prompt.points.iter().map(|point| point.bytes);
    points.sum::<u64>() + call.prompt.rest_bytes
}

/// The figures in the documentation of `TokenRatio`, which must not drift from the recordings.
#[test]
fn bytes_per_token_are_as_documented() {
    let Some(all) = load() else { return };
    let check = |prefix: &str, at_least: u64, requests: usize, want: [f64; 3]| {
        let mut ratios = Vec::new();
        for recorded in &all {
            let model = ModelRef::parse(&recorded.model);
            if !model.model_id().is_some_and(|id| id.starts_with(prefix)) {
                continue;
            }
            let (Ok(call), Some(tokens)) = (read(recorded), recorded.tokens) else {
                continue;
            };
            if tokens > 0 && bytes(&call) >= at_least && is_plain(recorded, &call, tokens) {
                ratios.push(bytes(&call) as f64 / tokens as f64);
            }
        }
        ratios.sort_by(f64::total_cmp);
        let at = |quantile: f64| ratios[((ratios.len() - 1) as f64 * quantile).round() as usize];
        let got = [at(0.0), at(0.5), at(1.0)];
        eprintln!("{prefix} {at_least}: {} requests, {got:.3?}", ratios.len());
        assert_eq!(ratios.len(), requests, "{prefix}");
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 0.006, "{prefix}: {got} is not {want}");
        }
    };
    check("anthropic.", 1, 36, [0.14, 2.31, 4.34]);
    check("anthropic.", 500, 8, [2.83, 3.99, 4.34]);
    check("amazon.nova", 1, 27, [1.60, 4.00, 4.86]);
    check("amazon.nova", 500, 1, [4.00, 4.00, 4.00]);
    check("meta.", 1, 13, [1.48, 3.75, 4.25]);
    check("meta.", 500, 3, [3.75, 3.75, 3.75]);
}

/// A request as it came over the wire.
struct Raw {
    method: String,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Reads one request of the first connection and answers it with an empty message.
fn serve_once(listener: &TcpListener) -> Raw {
    let (mut stream, _) = listener.accept().unwrap();
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).unwrap();
        assert_ne!(read, 0, "the client gave up");
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap().split(' ');
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
        }
        let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
        if bytes.len() < end + 4 + length {
            continue;
        }
        let answer =
            r#"{"output":{"message":{"role":"assistant","content":[]}},"stopReason":"end_turn"}"#;
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        )
        .unwrap();
        return Raw {
            method: first.next().unwrap().to_owned(),
            path: first.next().unwrap().to_owned(),
            headers,
            body: bytes[end + 4..].to_vec(),
        };
    }
}

#[test]
fn a_request_of_the_sdk_is_read_and_its_signature_verified() {
    const MODEL: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || serve_once(&listener));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
            .endpoint_url(format!("http://{address}"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let message = Message::builder()
            .role(ConversationRole::User)
            .content(ContentBlock::Text("four".to_owned()))
            .build()
            .unwrap();
        let call = Client::from_conf(config)
            .converse()
            .model_id(MODEL)
            .messages(message);
        // The answer is not what is tested; the request was sent before it.
        let _ = call.send().await;
    });
    let raw = server.join().unwrap();

    let route = Route::of(&raw.method, &raw.path);
    let want = Route::Model {
        id: MODEL.to_owned(),
        operation: ModelOperation::Converse,
    };
    assert_eq!(route, Ok(want));
    let call = converse(MODEL, &raw.body).unwrap();
    assert_eq!((call.prompt.rest_bytes, call.max_tokens), (4, None));

    let mut verifier = Verifier {
        region: "eu-west-1".to_owned(),
        keys: vec![AccessKey {
            id: "AKID".to_owned(),
            secret: "secret".to_owned(),
            session_token: None,
        }],
        bearer: Vec::new(),
    };
    let signed = Signed {
        method: &raw.method,
        path_and_query: &raw.path,
        headers: &raw.headers,
        body: &raw.body,
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the SDK signs with the time of the day"
    )]
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    assert_eq!(verifier.verify(&signed, now), Ok(Caller::AccessKey("AKID")));
    verifier.keys[0].secret = "another".to_owned();
    assert!(verifier.verify(&signed, now).is_err());
}
