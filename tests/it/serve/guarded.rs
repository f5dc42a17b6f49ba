//! Guardrails, reasoning and slow answers on the wire.

use super::*;
use aws_sdk_bedrockruntime::operation::converse::ConverseOutput;
use aws_sdk_bedrockruntime::types::{
    GuardrailStreamConfiguration, GuardrailStreamProcessingMode, GuardrailTrace,
    ReasoningContentBlockDelta,
};

const GUARDED: &str = r#"
name = "guarded"
seed = 3
duration = "10m"

[[workload]]
name       = "chat"
model      = "claude-haiku-4-5"
arrival.poisson = { rate = "5/s" }
tokens.input    = { fixed = 50 }
tokens.output   = { fixed = 50 }

[capacity.on_demand]
scope = "global"

[service.latency.fixed]
ttft      = "50ms"
per_token = "4ms"

[service]
global_hop = "0ms"

[answers.guardrail]
words = ["forbidden"]

[[guardrail]]
name = "words"
policies = ["words", "content"]
chunk_chars = 100
latency = { p50 = "100ms", p99 = "100ms" }

[[guardrail]]
name = "strict"
policies = ["content", "sensitive"]
input_block = 1.0
latency = { p50 = "20ms", p99 = "20ms" }

[[guardrail]]
name = "after"
policies = ["topics"]
guard = "user"
output_block = 1.0
units_per_second = 1
burst = 4
latency = { p50 = "1ms", p99 = "1ms" }
"#;

fn server_of(text: &str) -> Server {
    let source = Source::new("guarded.toml", text);
    let loaded = read(&source, &[], &NoFiles).unwrap_or_else(|error| panic!("{error}"));
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    let assembled = assemble(&loaded, &catalogue, book).unwrap_or_else(|error| panic!("{error}"));
    let scenario = &loaded.scenario;
    let named = (scenario.name.as_str(), scenario.seed);
    let serving = Serving::new(named, &scenario.variants[0], &assembled[0], &catalogue);
    Server::start(serving, Options::default()).unwrap()
}

fn traced(id: &str) -> GuardrailConfiguration {
    GuardrailConfiguration::builder()
        .guardrail_identifier(id)
        .guardrail_version("1")
        .trace(GuardrailTrace::Enabled)
        .build()
}

async fn converse(client: &Client, guardrail: &str, text: &str) -> ConverseOutput {
    let call = client.converse().model_id(HAIKU).messages(user(text));
    let call = call.guardrail_config(traced(guardrail));
    call.send().await.unwrap()
}

#[test]
fn a_blocked_input_has_no_tokens_and_tells_its_units() {
    let server = server_of(GUARDED);
    on_runtime(async {
        let client = client(&server);
        let reply = converse(&client, "strict", &"x".repeat(2_400)).await;
        assert_eq!(reply.stop_reason(), &StopReason::GuardrailIntervened);
        let usage = reply.usage().unwrap();
        assert_eq!((usage.input_tokens(), usage.output_tokens()), (0, 0));
        let trace = reply.trace().unwrap().guardrail().unwrap();
        let input = &trace.input_assessment().unwrap()["strict"];
        assert!(input.content_policy().is_some());
        let metrics = input.invocation_metrics().unwrap();
        assert_eq!(metrics.guardrail_processing_latency(), Some(20));
        let units = metrics.usage().unwrap();
        assert_eq!(units.content_policy_units(), 3);
        assert_eq!(units.sensitive_information_policy_units(), 3);
        assert_eq!(
            (units.topic_policy_units(), units.word_policy_units()),
            (0, 0)
        );
        // Words act on the real text.
        let reply = converse(&client, "words", "a Forbidden thing").await;
        assert_eq!(reply.stop_reason(), &StopReason::GuardrailIntervened);
        let reply = converse(&client, "words", "a fine thing").await;
        assert_eq!(reply.stop_reason(), &StopReason::EndTurn);
        assert_eq!(reply.usage().unwrap().output_tokens(), 50);
    });
}

#[test]
fn a_blocked_answer_is_paid_for_and_its_quota_runs_out() {
    let server = server_of(GUARDED);
    on_runtime(async {
        let client = client(&server);
        let reply = converse(&client, "after", "hello").await;
        assert_eq!(reply.stop_reason(), &StopReason::GuardrailIntervened);
        assert_eq!(reply.usage().unwrap().output_tokens(), 50);
        let trace = reply.trace().unwrap().guardrail().unwrap();
        assert!(
            trace.output_assessments().unwrap()["after"][0]
                .topic_policy()
                .is_some()
        );
        let text = GuardrailTextBlock::builder().text("x".repeat(2_000));
        let text = text.build().unwrap();
        let apply = || {
            client
                .apply_guardrail()
                .guardrail_identifier("after")
                .guardrail_version("1")
                .source(GuardrailContentSource::Output)
                .content(GuardrailContentBlock::Text(text.clone()))
                .send()
        };
        let reply = apply().await.unwrap();
        assert_eq!(reply.action().as_str(), "GUARDRAIL_INTERVENED");
        assert_eq!(reply.usage().unwrap().topic_policy_units(), 2);
        let error = apply().await.unwrap_err().into_service_error();
        assert!(error.is_throttling_exception(), "{error:?}");
    });
}

/// Milliseconds to the first text, the text, and the stop reason of a streamed answer.
#[expect(
    clippy::disallowed_methods,
    reason = "the wall clock is what is tested"
)]
async fn streamed(client: &Client, guardrail: &str, passes: bool) -> (u128, String, StopReason) {
    let mode = if passes {
        GuardrailStreamProcessingMode::Async
    } else {
        GuardrailStreamProcessingMode::Sync
    };
    let guardrail = GuardrailStreamConfiguration::builder()
        .guardrail_identifier(guardrail)
        .guardrail_version("1")
        .stream_processing_mode(mode);
    let began = Instant::now();
    let call = client
        .converse_stream()
        .model_id(HAIKU)
        .messages(user("hi"));
    let call = call.guardrail_config(guardrail.build());
    let mut reply = call.send().await.unwrap();
    let (mut first, mut text, mut stop) = (None, String::new(), StopReason::EndTurn);
    while let Some(event) = reply.stream.recv().await.unwrap() {
        match event {
            ConverseStreamOutput::ContentBlockDelta(block) => {
                let Some(ContentBlockDelta::Text(piece)) = block.delta() else {
                    continue;
                };
                first.get_or_insert(began.elapsed().as_millis());
                text.push_str(piece);
            }
            ConverseStreamOutput::MessageStop(end) => stop = end.stop_reason().clone(),
            _ => {}
        }
    }
    (first.unwrap(), text, stop)
}

#[test]
fn sync_streams_wait_and_async_ones_leak() {
    let server = server_of(GUARDED);
    on_runtime(async {
        let client = client(&server);
        let (held, text, _) = streamed(&client, "words", false).await;
        let (passed, same, _) = streamed(&client, "words", true).await;
        // 100 ms before the model and its 50; a chunk of 25 tokens and 100 ms more if it waits.
        assert!((150..240).contains(&passed), "{passed}");
        assert!((346..450).contains(&held), "{held}");
        assert!(text.len() > 100 && same.len() > 100);
        let (_, blocked, stop) = streamed(&client, "after", false).await;
        assert_eq!(stop, StopReason::GuardrailIntervened);
        assert!(blocked.starts_with("Sorry"), "{blocked}");
        let (_, leaked, stop) = streamed(&client, "after", true).await;
        assert_eq!(stop, StopReason::GuardrailIntervened);
        assert!(
            !leaked.starts_with("Sorry") && leaked.len() > 50,
            "{leaked}"
        );
    });
}

#[test]
fn reasoning_comes_before_the_text_in_every_form_that_has_it() {
    let server = server_of(&GUARDED.replace(
        "tokens.output   = { fixed = 50 }",
        "tokens.output   = { fixed = 50 }\nthinking = { fixed = 40 }",
    ));
    on_runtime(async {
        let client = client(&server);
        let reply = client.converse().model_id(HAIKU).messages(user("hi"));
        let reply = reply.send().await.unwrap();
        assert_eq!(reply.usage().unwrap().output_tokens(), 90);
        let message = reply.output().unwrap().as_message().unwrap();
        assert!(message.content()[0].as_reasoning_content().is_ok());
        assert!(message.content()[1].as_text().is_ok());

        let call = client
            .converse_stream()
            .model_id(HAIKU)
            .messages(user("hi"));
        let mut reply = call.send().await.unwrap();
        let (mut kinds, mut usage) = (String::new(), 0);
        while let Some(event) = reply.stream.recv().await.unwrap() {
            match event {
                ConverseStreamOutput::ContentBlockDelta(block) => {
                    let kind = match block.delta() {
                        Some(ContentBlockDelta::ReasoningContent(
                            ReasoningContentBlockDelta::Signature(_),
                        )) => 's',
                        Some(ContentBlockDelta::ReasoningContent(_)) => 'r',
                        _ => 't',
                    };
                    assert_eq!(block.content_block_index(), i32::from(kind == 't'));
                    kinds.push(kind);
                }
                ConverseStreamOutput::ContentBlockStop(_) => kinds.push('.'),
                ConverseStreamOutput::Metadata(data) => {
                    usage = data.usage().unwrap().output_tokens();
                }
                _ => {}
            }
        }
        assert_eq!(usage, 90);
        let wanted = format!("{}s.{}.", "r".repeat(40), "t".repeat(50));
        assert_eq!(kinds, wanted);

        let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100,
                          "messages": [{"role": "user", "content": "hi"}]});
        let call = client.invoke_model().model_id(HAIKU);
        let reply = call.body(Blob::new(body.to_string())).send().await.unwrap();
        let body: Value = serde_json::from_slice(reply.body().as_ref()).unwrap();
        assert_eq!(body["content"][0]["type"], "thinking");
        assert!(body["content"][0]["signature"].as_str().unwrap().len() > 10);
        assert_eq!(body["content"][1]["type"], "text");
        // A bound that ends within the reasoning leaves no text.
        let call = client.converse().model_id(HAIKU).messages(user("hi"));
        let reply = call.inference_config(at_most(30)).send().await.unwrap();
        let message = reply.output().unwrap().as_message().unwrap();
        assert_eq!(message.content().len(), 1);
        assert_eq!(reply.stop_reason(), &StopReason::MaxTokens);
    });
}
