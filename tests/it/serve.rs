//! `bedload serve` as its clients see it: through the AWS SDK, and through bare sockets.

use super::running::assert_valid;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    AutoToolChoice, CachePointBlock, CachePointType, ContentBlock, ContentBlockDelta,
    ConversationRole, ConverseStreamOutput, ConverseTokensRequest, CountTokensInput,
    GuardrailConfiguration, GuardrailContentBlock, GuardrailContentSource, GuardrailTextBlock,
    InferenceConfiguration, Message, ResponseStream, StopReason, SystemContentBlock, Tool,
    ToolChoice, ToolConfiguration, ToolInputSchema, ToolResultBlock, ToolResultContentBlock,
    ToolSpecification,
};
use aws_sdk_bedrockruntime::{Client, Config};
use aws_smithy_types::{Document, Number};
use bedload::config::Source;
use bedload::profile::Catalogue;
use bedload::scenario::{Files, read};
use bedload::serve::{Options, STATE_JSON_SCHEMA, Server};
use bedload::sim::{Serving, assemble};
use bedload::wire::request::AccessKey;
use serde_json::{Value, json};
use std::future::Future;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

const HAIKU: &str = "global.anthropic.claude-haiku-4-5-20251001-v1:0";

const SCENARIO: &str = r#"
name = "served"
seed = 3

[[workload]]
name       = "chat"
model      = "claude-haiku-4-5"
max_tokens = 1000
arrival.poisson = { rate = "5/s" }
tokens.input    = { fixed = 50 }
tokens.output   = { fixed = 12 }

[capacity.on_demand]
scope = "global"

[service.latency.fixed]
ttft      = "0s"
per_token = "0s"

[answers.guardrail]
words = ["forbidden"]
"#;

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("no files here".into())
    }
}

/// What the scenario with these overrides serves.
fn serving(sets: &[&str]) -> Serving {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    let source = Source::new("served.toml", SCENARIO);
    let loaded = read(&source, &sets, &NoFiles).unwrap_or_else(|error| panic!("{error}"));
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    let assembled = assemble(&loaded, &catalogue, book).unwrap_or_else(|error| panic!("{error}"));
    let scenario = &loaded.scenario;
    let named = (scenario.name.as_str(), scenario.seed);
    Serving::new(named, &scenario.variants[0], &assembled[0], &catalogue)
}

fn server_with(sets: &[&str], options: Options) -> Server {
    Server::start(serving(sets), options).unwrap()
}

fn server(sets: &[&str]) -> Server {
    server_with(sets, Options::default())
}

fn client_with(server: &Server, secret: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(server.url())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIDEXAMPLE", secret, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

fn client(server: &Server) -> Client {
    client_with(server, "secret")
}

fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

fn user(text: impl Into<String>) -> Message {
    message(
        ConversationRole::User,
        vec![ContentBlock::Text(text.into())],
    )
}

fn message(role: ConversationRole, content: Vec<ContentBlock>) -> Message {
    Message::builder()
        .role(role)
        .set_content(Some(content))
        .build()
        .unwrap()
}

fn at_most(tokens: i32) -> InferenceConfiguration {
    InferenceConfiguration::builder().max_tokens(tokens).build()
}

/// One request over a socket of its own; status and body.
fn http(server: &Server, method: &str, path: &str, body: &str) -> (u16, String) {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = raw(server, request.as_bytes());
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    (status.unwrap_or(0), body.to_owned())
}

fn raw(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

fn own(server: &Server, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let (status, text) = http(server, method, &format!("/_bedload/{path}"), &body);
    (status, serde_json::from_str(&text).unwrap())
}

fn state(server: &Server) -> Value {
    own(server, "GET", "state", &Value::Null).1
}

/// Waits for the state to be as `is_so` says.
fn eventually(server: &Server, is_so: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..500 {
        let state = state(server);
        if is_so(&state) {
            return state;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came to be: {:#}", state(server));
}

#[test]
fn converse_answers_with_usage_and_settles() {
    let server = server(&[]);
    on_runtime(async {
        let reply = client(&server)
            .converse()
            .model_id(HAIKU)
            .messages(user("x".repeat(400)))
            .inference_config(at_most(100))
            .send()
            .await
            .unwrap();
        assert_eq!(reply.stop_reason(), &StopReason::EndTurn);
        let usage = reply.usage().unwrap();
        assert_eq!((usage.input_tokens(), usage.output_tokens()), (100, 12));
        let output = reply.output().unwrap().as_message().unwrap();
        // Twelve tokens of four bytes.
        assert_eq!(output.content()[0].as_text().unwrap().len(), 48);
    });
    let state = state(&server);
    assert_eq!(state["targets"][0]["invocations"], 1);
    // 100 in and 12 out at a burndown of 5.
    assert_eq!(state["targets"][0]["quota_tokens"], 160);
    assert_eq!(state["quotas"][0]["tpm"]["settled_this_minute"], 160);
    assert_eq!(state["quotas"][0]["tpm"]["reserved"], 0);
    assert_eq!(state["in_flight"], 0);
    assert_valid(STATE_JSON_SCHEMA, &state.to_string());
    let totals = server.stop(Duration::from_secs(1));
    assert_eq!(
        (totals.invocations, totals.input, totals.output),
        (1, 100, 12)
    );
}

#[test]
fn a_bound_truncates_the_answer_and_too_large_a_bound_is_refused() {
    let server = server(&[]);
    on_runtime(async {
        let call = |bound| {
            let call = client(&server).converse().model_id(HAIKU);
            call.messages(user("hi"))
                .inference_config(at_most(bound))
                .send()
        };
        let reply = call(5).await.unwrap();
        assert_eq!(reply.stop_reason(), &StopReason::MaxTokens);
        assert_eq!(reply.usage().unwrap().output_tokens(), 5);
        let error = call(64_001).await.unwrap_err().into_service_error();
        assert!(error.is_validation_exception());
        assert!(
            error
                .message()
                .unwrap()
                .contains("exceeds the model limit of 64000")
        );
    });
}

/// Text, stop reason and output tokens of a stream, and when its chunks came.
async fn read_stream(client: &Client) -> (String, Option<StopReason>, i32, Vec<Instant>) {
    let mut reply = client
        .converse_stream()
        .model_id(HAIKU)
        .messages(user("hi"))
        .inference_config(at_most(100))
        .send()
        .await
        .unwrap();
    let (mut text, mut stop, mut tokens, mut at) = (String::new(), None, 0, Vec::new());
    while let Some(event) = reply.stream.recv().await.unwrap() {
        match event {
            ConverseStreamOutput::ContentBlockDelta(delta) => {
                if let Some(ContentBlockDelta::Text(piece)) = delta.delta() {
                    text.push_str(piece);
                    #[expect(clippy::disallowed_methods, reason = "the client's own clock")]
                    at.push(Instant::now());
                }
            }
            ConverseStreamOutput::MessageStop(end) => stop = Some(end.stop_reason().clone()),
            ConverseStreamOutput::Metadata(end) => {
                tokens = end.usage().unwrap().output_tokens();
            }
            _ => {}
        }
    }
    (text, stop, tokens, at)
}

#[test]
fn streams_come_chunk_by_chunk_at_their_pace() {
    let server = server(&[
        "service.latency.fixed.ttft=100ms",
        "service.latency.fixed.per_token=20ms",
        "service.global_hop=0s",
    ]);
    on_runtime(async {
        let client = client(&server);
        #[expect(clippy::disallowed_methods, reason = "the client's own clock")]
        let start = Instant::now();
        let (text, stop, tokens, at) = read_stream(&client).await;
        assert_eq!(
            (text.len(), stop, tokens),
            (48, Some(StopReason::EndTurn), 12)
        );
        assert_eq!(at.len(), 12, "a chunk for each token");
        let first = at[0] - start;
        assert!(first >= Duration::from_millis(100), "{first:?}");
        for (index, pair) in at.windows(2).enumerate() {
            let since = at[index + 1] - start;
            let due = Duration::from_millis(100 + 20 * (index as u64 + 1));
            assert!(since >= due, "chunk {} came after {since:?}", index + 1);
            assert!(pair[1] > pair[0]);
        }
    });
    let (_, text) = http(&server, "GET", "/_bedload/metrics", "");
    assert!(
        text.contains("bedload_chunk_lateness_seconds_count 12"),
        "{text}"
    );
    assert!(
        text.contains(&format!("TimeToFirstToken_count{{ModelId=\"{HAIKU}\"}} 1")),
        "{text}"
    );
}

#[test]
fn invoke_model_answers_in_the_body_of_each_family() {
    let server = server(&[]);
    let hi = json!([{"role": "user", "content": [{"text": "hi"}]}]);
    let families = [
        (
            HAIKU,
            json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50,
                   "messages": [{"role": "user", "content": "hi"}]}),
            "/usage/output_tokens",
        ),
        (
            "amazon.nova-lite-v1:0",
            json!({"messages": hi, "inferenceConfig": {"maxTokens": 50}}),
            "/usage/outputTokens",
        ),
        (
            "us.meta.llama3-1-70b-instruct-v1:0",
            json!({"prompt": "hi", "max_gen_len": 50}),
            "/generation_token_count",
        ),
    ];
    on_runtime(async {
        let client = client(&server);
        for (id, body, pointer) in families {
            let body = Blob::new(body.to_string());
            let reply = client.invoke_model().model_id(id).body(body.clone());
            let reply = reply.send().await.unwrap();
            let document: Value = serde_json::from_slice(reply.body().as_ref()).unwrap();
            assert_eq!(
                document.pointer(pointer),
                Some(&json!(12)),
                "{id}: {document}"
            );

            let reply = client
                .invoke_model_with_response_stream()
                .model_id(id)
                .body(body);
            let mut reply = reply.send().await.unwrap();
            let mut last = Value::Null;
            while let Some(ResponseStream::Chunk(part)) = reply.body.recv().await.unwrap() {
                last = serde_json::from_slice(part.bytes().unwrap().as_ref()).unwrap();
            }
            let metrics = &last["amazon-bedrock-invocationMetrics"];
            assert_eq!(metrics["outputTokenCount"], 12, "{id}: {last}");
        }
    });
    // The same model in two scopes has two counters; each family was called twice.
    assert_eq!(server.totals().invocations, 6);
}

#[test]
fn count_tokens_and_guardrails_answer() {
    let server = server(&[]);
    on_runtime(async {
        let client = client(&server);
        let asked = ConverseTokensRequest::builder().messages(user("x".repeat(400)));
        let reply = client
            .count_tokens()
            .model_id(HAIKU)
            .input(CountTokensInput::Converse(asked.build()))
            .send()
            .await
            .unwrap();
        assert_eq!(reply.input_tokens(), 100);

        let text = GuardrailTextBlock::builder()
            .text("a Forbidden word")
            .build()
            .unwrap();
        let reply = client
            .apply_guardrail()
            .guardrail_identifier("mine")
            .guardrail_version("1")
            .source(GuardrailContentSource::Input)
            .content(GuardrailContentBlock::Text(text))
            .send()
            .await
            .unwrap();
        assert_eq!(reply.action().as_str(), "GUARDRAIL_INTERVENED");

        let guardrail = GuardrailConfiguration::builder()
            .guardrail_identifier("mine")
            .guardrail_version("1");
        let reply = client
            .converse()
            .model_id(HAIKU)
            .messages(user("say something forbidden"))
            .guardrail_config(guardrail.build())
            .send()
            .await
            .unwrap();
        assert_eq!(reply.stop_reason(), &StopReason::GuardrailIntervened);
    });
    assert_eq!(state(&server)["quotas"][0]["tpm"]["settled_this_minute"], 0);
}

#[test]
fn a_tool_loop_comes_to_its_end() {
    let server = server(&[]);
    let schema = Document::Object(
        [
            ("type".to_owned(), Document::String("object".to_owned())),
            (
                "required".to_owned(),
                Document::Array(vec![Document::String("n".to_owned())]),
            ),
            (
                "properties".to_owned(),
                Document::Object(
                    [(
                        "n".to_owned(),
                        Document::Object(
                            [
                                ("type".to_owned(), Document::String("integer".to_owned())),
                                ("minimum".to_owned(), Document::Number(Number::PosInt(5))),
                            ]
                            .into(),
                        ),
                    )]
                    .into(),
                ),
            ),
        ]
        .into(),
    );
    let tool = ToolSpecification::builder()
        .name("count")
        .input_schema(ToolInputSchema::Json(schema))
        .build()
        .unwrap();
    let tools = ToolConfiguration::builder()
        .tools(Tool::ToolSpec(tool))
        .tool_choice(ToolChoice::Auto(AutoToolChoice::builder().build()))
        .build()
        .unwrap();
    on_runtime(async {
        let client = client(&server);
        let mut messages = vec![user("count to five")];
        let call = |messages: Vec<Message>| {
            let call = client.converse().model_id(HAIKU).tool_config(tools.clone());
            call.set_messages(Some(messages)).send()
        };
        let reply = call(messages.clone()).await.unwrap();
        assert_eq!(reply.stop_reason(), &StopReason::ToolUse);
        let said = reply.output().unwrap().as_message().unwrap().clone();
        let uses = said
            .content()
            .iter()
            .find_map(|block| block.as_tool_use().ok());
        let used = uses.unwrap().clone();
        let number = &used.input().as_object().unwrap()["n"];
        assert!(matches!(number, Document::Number(n) if n.to_f64_lossy() >= 5.0));
        let result = ToolResultBlock::builder()
            .tool_use_id(used.tool_use_id())
            .content(ToolResultContentBlock::Text("five".to_owned()))
            .build()
            .unwrap();
        messages.push(said);
        messages.push(message(
            ConversationRole::User,
            vec![ContentBlock::ToolResult(result)],
        ));
        let reply = call(messages).await.unwrap();
        assert_eq!(reply.stop_reason(), &StopReason::EndTurn);
    });
}

#[test]
fn a_marked_prefix_is_written_once_and_then_read() {
    let server = server(&["capacity.on_demand.scope=us", "service.geo_hop=0s"]);
    let id = HAIKU.replace("global.", "us.");
    let point = CachePointBlock::builder()
        .r#type(CachePointType::Default)
        .build()
        .unwrap();
    on_runtime(async {
        let client = client(&server);
        let (mut written, mut read) = (0, 0);
        for _ in 0..12 {
            let reply = client
                .converse()
                .model_id(&id)
                .system(SystemContentBlock::Text("s".repeat(20_000)))
                .system(SystemContentBlock::CachePoint(point.clone()))
                .messages(user("hi"))
                .inference_config(at_most(20))
                .send()
                .await
                .unwrap();
            let usage = reply.usage().unwrap();
            let parts = (
                usage.cache_write_input_tokens(),
                usage.cache_read_input_tokens(),
            );
            match parts {
                (Some(5000), Some(0)) => written += 1,
                (Some(0), Some(5000)) => read += 1,
                other => panic!("{other:?}"),
            }
        }
        // Each of the three Regions keeps its own.
        assert!((1..=3).contains(&written), "{written} written");
        assert_eq!(written + read, 12);
    });
}

#[test]
fn a_quota_throttles_with_bedrocks_message_and_can_be_raised() {
    let server = server(&["quota.tpm=1000"]);
    on_runtime(async {
        let client = client(&server);
        let call = || {
            let call = client.converse().model_id(HAIKU).messages(user("hi"));
            call.inference_config(at_most(900)).send()
        };
        call().await.unwrap();
        let error = call().await.unwrap_err();
        let SdkError::ServiceError(context) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(context.raw().status().as_u16(), 429);
        assert!(context.raw().headers().get("x-amzn-requestid").is_some());
        let error = error.into_service_error();
        assert!(error.is_throttling_exception(), "{error:?}");
        assert_eq!(
            error.message(),
            Some("Too many tokens, please wait before trying again.")
        );
        let change = json!({"model": "claude-haiku-4-5", "scope": "global", "tpm": "2M"});
        let (status, quota) = own(&server, "POST", "quotas", &change);
        assert_eq!((status, &quota["tpm"]["limit"]), (200, &json!(2_000_000)));
        call().await.unwrap();
    });
    let (_, text) = http(&server, "GET", "/_bedload/metrics", "");
    let label = format!("{{ModelId=\"{HAIKU}\"}}");
    assert!(
        text.contains(&format!("\nInvocations_total{label} 2\n")),
        "{text}"
    );
    assert!(
        text.contains(&format!("\nInvocationThrottles_total{label} 1\n")),
        "{text}"
    );
    // Unset bounds reserve the model's own, which the quota of another scope still allows.
    let (status, _) = own(&server, "POST", "reset", &Value::Null);
    assert_eq!(status, 200);
    let state = state(&server);
    assert_eq!(
        state["quotas"][0]["tpm"]["limit"], 1000,
        "a reset is a fresh start"
    );
    assert_eq!(state["targets"][0]["invocations"], 0);
    assert_eq!(state["resets"], 1);
}

#[test]
fn faults_are_set_told_and_cleared() {
    let server = server(&[]);
    let wrong = json!([{"kind": "unavailble", "share": 0.5}]);
    let (status, told) = own(&server, "POST", "faults", &wrong);
    assert_eq!(status, 400);
    assert!(
        told["error"].as_str().unwrap().contains("unavailable"),
        "{told}"
    );
    on_runtime(async {
        let client = client(&server);
        let call = || {
            client
                .converse()
                .model_id(HAIKU)
                .messages(user("hi"))
                .send()
        };
        for (kind, status) in [
            ("unavailable", 503),
            ("internal", 500),
            ("throttled", 429),
            ("model_not_ready", 429),
            ("model_timeout", 408),
            ("model_error", 424),
        ] {
            let faults = json!([{"kind": kind, "share": 1.0}]);
            let (done, state) = own(&server, "POST", "faults", &faults);
            assert_eq!((done, &state["faults"][0]["kind"]), (200, &json!(kind)));
            assert_valid(STATE_JSON_SCHEMA, &state.to_string());
            let error = call().await.unwrap_err();
            let raw = error.raw_response().unwrap();
            assert_eq!(raw.status().as_u16(), status, "{kind}");
        }
        own(
            &server,
            "POST",
            "faults",
            &json!([{"kind": "connection_reset", "share": 1.0}]),
        );
        let error = call().await.unwrap_err();
        assert!(error.raw_response().is_none(), "{error:?}");
        // In the past of the server, and so of no effect.
        own(&server, "POST", "faults", &json!([]));
        call().await.unwrap();
    });
}

#[test]
fn a_fault_in_a_stream_is_the_exception_that_the_sdk_knows() {
    let server = server(&[]);
    on_runtime(async {
        let client = client(&server);
        for (kind, check) in [
            ("stream_error", "modelStreamErrorException"),
            ("stream_throttled", "throttlingException"),
            ("stream_internal", "internalServerException"),
            ("stream_unavailable", "serviceUnavailableException"),
            ("stream_reset", ""),
        ] {
            own(
                &server,
                "POST",
                "faults",
                &json!([{"kind": kind, "share": 1.0}]),
            );
            let mut reply = client
                .converse_stream()
                .model_id(HAIKU)
                .messages(user("hi"))
                .send()
                .await
                .unwrap();
            let error = loop {
                match reply.stream.recv().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{kind}: the stream ended well"),
                    Err(error) => break error,
                }
            };
            let known = match &error {
                SdkError::ServiceError(context) => {
                    let error = context.err();
                    (check == "modelStreamErrorException"
                        && error.is_model_stream_error_exception())
                        || (check == "throttlingException" && error.is_throttling_exception())
                        || (check == "internalServerException"
                            && error.is_internal_server_exception())
                        || (check == "serviceUnavailableException"
                            && error.is_service_unavailable_exception())
                }
                _ => check.is_empty(),
            };
            assert!(known, "{kind}: {error:?}");
        }
    });
    let state = eventually(&server, |state| state["in_flight"] == 0);
    assert_eq!(state["targets"][0]["throttles"], 1);
    assert_eq!(state["targets"][0]["server_errors"], 4);
    assert_eq!(state["quotas"][0]["tpm"]["reserved"], 0);
}

#[test]
fn a_client_that_leaves_pays_for_what_was_produced() {
    let server = server(&[
        "service.latency.fixed.ttft=10ms",
        "service.latency.fixed.per_token=100ms",
        "service.global_hop=0s",
        "workload.chat.tokens.output.fixed=600",
    ]);
    on_runtime(async {
        let client = client(&server);
        let mut reply = client
            .converse_stream()
            .model_id(HAIKU)
            .messages(user("hi"))
            .inference_config(at_most(1000))
            .send()
            .await
            .unwrap();
        for _ in 0..4 {
            reply.stream.recv().await.unwrap().unwrap();
        }
        assert_eq!(state(&server)["in_flight"], 1);
        drop(reply);
        let whole = client
            .converse()
            .model_id(HAIKU)
            .messages(user("hi"))
            .send();
        let gone = tokio::time::timeout(Duration::from_millis(250), whole).await;
        assert!(gone.is_err(), "the answer takes a minute");
        drop(client);
    });
    let state = eventually(&server, |state| state["in_flight"] == 0);
    let target = &state["targets"][0];
    assert_eq!(target["abandoned"], 2);
    assert_eq!(target["invocations"], 0);
    assert_eq!(state["quotas"][0]["tpm"]["reserved"], 0);
    let output = target["output_tokens"].as_u64().unwrap();
    assert!((5..100).contains(&output), "{output} of 1,200 tokens");
}

#[test]
fn unknown_models_and_operations_are_refused_as_aws_does() {
    let server = server(&[]);
    on_runtime(async {
        let client = client(&server);
        let call = |id: &str| client.converse().model_id(id).messages(user("hi")).send();
        let error = call("anthropic.claude-unheard-of").await.unwrap_err();
        let error = error.into_service_error();
        assert!(error.is_validation_exception());
        assert_eq!(
            error.message(),
            Some("The provided model identifier is invalid.")
        );
        let error = call(&HAIKU.replace("global.", "")).await.unwrap_err();
        let error = error.into_service_error();
        assert!(
            error
                .message()
                .unwrap()
                .contains("with on-demand throughput isn't supported")
        );
        let arn = format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/{HAIKU}");
        call(&arn).await.unwrap();
    });
    let (status, body) = http(&server, "POST", "/model/x/dance", "{}");
    assert_eq!(status, 404, "{body}");
    let (status, body) = http(&server, "GET", "/foundation-models", "");
    assert_eq!(status, 200);
    assert!(body.contains("amazon.nova-lite-v1:0"), "{body}");
    let (status, body) = http(&server, "GET", &format!("/inference-profiles/{HAIKU}"), "");
    assert_eq!(status, 200, "{body}");
    assert_eq!(http(&server, "GET", "/_bedload/nothing", "").0, 404);
    assert_eq!(http(&server, "GET", "/_bedload/faults", "").0, 405);
    assert_eq!(http(&server, "GET", "/_bedload/health", "").0, 200);
}

#[test]
fn garbage_and_excess_do_no_harm() {
    let options = Options {
        max_body: 1000,
        max_connections: 20,
        header_timeout: Duration::from_millis(300),
        body_timeout: Duration::from_millis(300),
        ..Options::default()
    };
    let server = server_with(&[], options);
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"POST /model/%FF%FE/converse HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
        &[0xff; 4000],
        &b"GET / HTTP/1.1\r\nx: "
            .iter()
            .copied()
            .chain([b'a'; 100_000])
            .collect::<Vec<_>>(),
        // Silence, and a head and a body that never end.
        b"",
        b"PRI * HT",
        b"GET / HTTP/1.1\r\nx: ",
        b"POST /model/x/converse HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{",
    ] {
        raw(&server, bytes);
    }
    let path = "/model/x/converse";
    let (status, body) = http(&server, "POST", path, &" ".repeat(1001));
    assert_eq!(status, 400);
    assert!(body.contains("less than or equal to 1000"), "{body}");
    assert_eq!(http(&server, "POST", path, "{").0, 400);
    let held: Vec<_> = (0..20)
        .map(|_| TcpStream::connect(server.addr()).unwrap())
        .collect();
    std::thread::sleep(Duration::from_millis(50));
    let (status, body) = http(&server, "GET", "/_bedload/health", "");
    assert_eq!(status, 503);
    assert!(body.contains("Too many connections"), "{body}");
    for stream in held {
        let _ = stream.shutdown(Shutdown::Both);
    }
    eventually(&server, |state| state["in_flight"] == 0);
}

#[test]
fn http_2_without_tls_is_spoken() {
    use http_body_util::{BodyExt, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let server = server(&[]);
    on_runtime(async {
        let stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
        let io = TokioIo::new(stream);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                .await
                .unwrap();
        tokio::spawn(connection);
        let body = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
        let calls: Vec<_> = (0..10)
            .map(|_| {
                let request =
                    hyper::Request::post(format!("{}/model/{HAIKU}/converse-stream", server.url()))
                        .body(Full::new(hyper::body::Bytes::from(body.to_string())))
                        .unwrap();
                sender.send_request(request)
            })
            .collect();
        for call in calls {
            let reply = call.await.unwrap();
            assert_eq!(reply.status(), 200);
            assert_eq!(reply.version(), hyper::Version::HTTP_2);
            let bytes = reply.into_body().collect().await.unwrap().to_bytes();
            let mut reader = bedload::wire::frame::FrameReader::new();
            reader.push(&bytes);
            let mut frames = 0;
            while reader.next_frame().unwrap().is_some() {
                frames += 1;
            }
            // Start, twelve pieces, the end of the block, stop, metadata.
            assert_eq!(frames, 16);
        }
    });
}

#[test]
fn a_closing_server_lets_answers_end() {
    let server = server(&[
        "service.latency.fixed.ttft=50ms",
        "service.latency.fixed.per_token=20ms",
    ]);
    on_runtime(async {
        let client = client(&server);
        let reading = tokio::spawn(async move { read_stream(&client).await });
        tokio::time::sleep(Duration::from_millis(150)).await;
        server.close(Duration::from_secs(10));
        let (text, stop, ..) = reading.await.unwrap();
        assert_eq!((text.len(), stop), (48, Some(StopReason::EndTurn)));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(TcpStream::connect(server.addr()).is_err(), "nobody listens");
    });
    assert_eq!(server.stop(Duration::from_secs(1)).invocations, 1);
}

#[test]
fn what_does_not_end_in_time_is_cut_and_settled() {
    let server = server(&[
        "service.latency.fixed.ttft=10ms",
        "service.latency.fixed.per_token=1s",
    ]);
    on_runtime(async {
        let mut reply = client(&server)
            .converse_stream()
            .model_id(HAIKU)
            .messages(user("hi"))
            .send()
            .await
            .unwrap();
        reply.stream.recv().await.unwrap().unwrap();
        let totals = server.stop(Duration::from_millis(100));
        assert_eq!((totals.invocations, totals.abandoned), (0, 1));
    });
}

#[test]
fn signatures_are_verified_where_that_is_asked() {
    let options = Options {
        verify: true,
        access_keys: vec![AccessKey {
            id: "AKIDEXAMPLE".to_owned(),
            secret: "right".to_owned(),
            session_token: None,
        }],
        ..Options::default()
    };
    let server = server_with(&[], options);
    on_runtime(async {
        let call = |client: Client| async move {
            let call = client.converse().model_id(HAIKU);
            call.messages(user("hi")).send().await
        };
        call(client_with(&server, "right")).await.unwrap();
        let error = call(client_with(&server, "wrong")).await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), 403);
        assert_eq!(
            error.into_service_error().code(),
            Some("InvalidSignatureException")
        );
    });
    assert_eq!(http(&server, "POST", "/model/x/converse", "{}").0, 403);
    assert_eq!(http(&server, "GET", "/_bedload/health", "").0, 200);
}

#[test]
fn a_call_with_a_number_meets_the_draws_of_the_simulation() {
    let sets = [
        "workload.chat.tokens.output={lognormal={p50=200,p99=900}}",
        "service.latency.fixed.ttft=0s",
    ];
    let (one, two) = (server(&sets), server(&sets));
    let law = serving(&sets).targets[0].output.clone();
    let tokens = |server: &Server, number: u64| {
        on_runtime(async {
            let reply = client(server)
                .converse()
                .model_id(HAIKU)
                .messages(user("hi"))
                .request_metadata("bedload-workload", "chat")
                .request_metadata("bedload-request", format!("{number}.1"))
                .send()
                .await
                .unwrap();
            reply.usage().unwrap().output_tokens() as u32
        })
    };
    for number in [9, 3, 7] {
        assert_eq!(tokens(&one, number), law.draw(number));
    }
    for number in [3, 7, 9] {
        assert_eq!(tokens(&two, number), law.draw(number), "whatever the order");
    }
}

#[test]
fn streams_share_bought_units() {
    let server = server(&[
        "workload.chat.model=nova-lite",
        "capacity={provisioned={model_units=1,unit_input_tpm=\"60M\",unit_output_tpm=\"12k\"}}",
        "service.latency.fixed.per_token=5ms",
        "workload.chat.tokens.output.fixed=40",
    ]);
    let body = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]}).to_string();
    let path = "/model/arn:aws:bedrock:us-east-1:123456789012:provisioned-model%2Fmine/converse";
    #[expect(clippy::disallowed_methods, reason = "the client's own clock")]
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert_eq!(http(&server, "POST", path, &body).0, 200));
        }
    });
    // 200 tokens a second are one stream's full speed: two take twice as long.
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(350), "{took:?}");
    assert_eq!(state(&server)["in_flight"], 0);
    // Who leaves half-way gives its share back.
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    let path = path.replace("converse", "converse-stream");
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut some = [0; 200];
    stream.read_exact(&mut some).unwrap();
    drop(stream);
    eventually(&server, |state| state["in_flight"] == 0);
}

/// The program, serving the scenario with these arguments; its address.
#[cfg(unix)]
fn program(folder: &std::path::Path, more: &[&str]) -> (std::process::Child, String) {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    std::fs::write(folder.join("served.toml"), SCENARIO).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_bedload"))
        .args(["serve", "served.toml", "--listen", "127.0.0.1:0"])
        .args(["--format", "json"])
        .args(more)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let url = told["listening"].as_str().unwrap().to_owned();
    (child, url)
}

#[test]
#[cfg(unix)]
fn the_program_says_where_it_listens_and_ends_when_interrupted() {
    use rustix::process::{Pid, Signal, kill_process};
    let folder = tempfile::tempdir().unwrap();
    let slow = ["--set", "service.latency.fixed.per_token=10s"];
    for (more, is_busy, code) in [(&[][..], false, 0), (&slow[..], true, 130)] {
        let (child, url) = program(folder.path(), more);
        let address = url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let body = r#"{"messages": [{"role": "user", "content": [{"text": "hi"}]}]}"#;
        let request = format!(
            "POST /model/{HAIKU}/converse-stream HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut some = [0; 300];
        stream.read_exact(&mut some).unwrap();
        assert!(some.starts_with(b"HTTP/1.1 200 OK"));
        let pid = Pid::from_child(&child);
        kill_process(pid, Signal::INT).unwrap();
        if is_busy {
            std::thread::sleep(Duration::from_millis(200));
            kill_process(pid, Signal::INT).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{talk}");
        assert!(talk.contains("AWS_ENDPOINT_URL_BEDROCK_RUNTIME"), "{talk}");
        assert!(talk.contains("quota.semantics = B"), "{talk}");
        assert!(talk.contains("Served 1 calls"), "{talk}");
    }
}
