//! `bedload serve` as its clients see it: through the AWS SDK, and through bare sockets.

mod answers;
mod guarded;
mod sockets;
mod tiers;
mod troubles;

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
duration = "10m"

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
