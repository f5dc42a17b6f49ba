//! The AWS SDK for Rust: `standard` and `adaptive`, as they are by default (2.0) and since 2026 (2.1).

use super::{
    THROTTLED, Tape, adaptive_server, assert_full_jitter, assert_same_attempts, assert_same_rate,
    hard_server, preset_retries, refusal,
};
use aws_sdk_bedrockruntime::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, Message};
use aws_sdk_bedrockruntime::{Client, Config};
use aws_smithy_types::retry::RetrySpec;
use bedload::client::spec::{RetryPolicy, SdkRetries};
use bedload::domain::Failure;
use std::time::{Duration, Instant};

/// The presets of the SDK's two behaviours.
const OLD: RetryPolicy = RetryPolicy::AwsStandard20 { max_attempts: 3 };
const NEW: RetryPolicy = RetryPolicy::AwsStandard21 { max_attempts: 3 };

/// A client that shares its quota and its limiter with those of the same `partition`.
fn client(url: &str, partition: &str, retries: RetryConfig) -> Client {
    let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(credentials)
        .retry_config(retries)
        .retry_partition(RetryPartition::new(partition.to_owned()))
        .build();
    Client::from_conf(config)
}

async fn call(client: &Client, case: &str) {
    let message = Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text("hello".into()))
        .build()
        .unwrap();
    let calling = client
        .converse()
        .model_id("amazon.nova-lite-v1:0")
        .messages(message)
        .request_metadata("case", case);
    // How it ended is read from what the server heard.
    let _ = calling.send().await;
}

fn on_runtime(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work);
}

/// `clients` clients, each with a quota of its own, that make `tasks` calls at the same time.
fn at_once(tape: &Tape, name: &str, clients: usize, tasks: usize, retries: &RetryConfig) {
    on_runtime(async {
        let mut calls = tokio::task::JoinSet::new();
        for c in 0..clients {
            let partition = format!("{name}-{c}");
            let client = client(&tape.server.url(), &partition, retries.clone());
            for t in 0..tasks {
                let client = client.clone();
                let after = Duration::from_millis(5 * (c * tasks + t) as u64);
                calls.spawn(async move {
                    tokio::time::sleep(after).await;
                    call(&client, &format!("{c}-{t}-0")).await;
                });
            }
        }
        while calls.join_next().await.is_some() {}
    });
}

fn old() -> RetryConfig {
    RetryConfig::standard()
}

fn new() -> RetryConfig {
    RetryConfig::standard().with_retry_spec(RetrySpec::v2_1())
}

#[test]
fn delays_are_those_of_the_presets() {
    for (what, failure, retries, longest) in [
        ("Rust 2.0, 429", THROTTLED, old(), 1.0),
        ("Rust 2.0, 503", Failure::Unavailable, old(), 1.0),
        ("Rust 2.1, 429", THROTTLED, new(), 1.0),
    ] {
        let tape = Tape::start(move |_, _, _| refusal(failure));
        at_once(&tape, what, 100, 1, &retries);
        assert_full_jitter(what, &tape.heard(), 3, longest);
    }
}

#[test]
fn behaviour_2_1_is_quick_after_a_failure_that_is_no_throttle() {
    let tape = Tape::start(|_, _, _| refusal(Failure::Unavailable));
    at_once(&tape, "quick", 100, 1, &new());
    // At most 50 ms, then 100 ms; what the machine adds is below 150 ms for nine in ten.
    super::assert_quick("Rust 2.1, 503", &tape.heard(), 3);
}

#[test]
fn calls_that_keep_failing_share_what_the_quota_leaves() {
    for (what, failure, retries, preset) in [
        ("Rust 2.0, 429", THROTTLED, old(), OLD),
        ("Rust 2.0, 503", Failure::Unavailable, old(), OLD),
        ("Rust 2.1, 429", THROTTLED, new(), NEW),
        ("Rust 2.1, 503", Failure::Unavailable, new(), NEW),
    ] {
        let tape = Tape::start(move |_, _, _| refusal(failure));
        let quick = retries.with_initial_backoff(Duration::from_millis(10));
        at_once(&tape, &format!("shared {what}"), 1, 60, &quick);
        let made = tape.moments().len() - 60;
        eprintln!("{what}: {made} retries of 60 calls");
        assert_eq!(made, preset_retries(preset, failure, 60), "{what}");
    }
}

#[test]
fn calls_in_a_row_are_tried_as_often_as_by_the_presets() {
    for (what, retries, preset) in [
        ("Rust 2.0, a row of 503", old(), OLD),
        ("Rust 2.1, a row of 503", new(), NEW),
    ] {
        let calls = 120;
        let tape = hard_server(calls);
        let quick = retries.with_initial_backoff(Duration::from_millis(5));
        let client = client(&tape.server.url(), what, quick);
        on_runtime(async {
            for number in 0..calls {
                call(&client, &format!("0-0-{number}")).await;
            }
        });
        assert_same_attempts(what, &tape, preset, calls);
    }
}

#[test]
fn the_limiter_of_adaptive_mode_is_that_of_the_presets() {
    let mode = SdkRetries::Adaptive;
    let max_attempts = 1;
    for (what, spec, preset) in [
        (
            "Rust 2.0, adaptive",
            RetrySpec::v2_0(),
            RetryPolicy::Sdk { mode, max_attempts },
        ),
        (
            "Rust 2.1, adaptive",
            RetrySpec::v2_1(),
            RetryPolicy::AwsAdaptive { max_attempts },
        ),
    ] {
        let tape = adaptive_server();
        let retries = RetryConfig::adaptive()
            .with_retry_spec(spec)
            .with_max_attempts(1);
        let client = client(&tape.server.url(), what, retries);
        on_runtime(async {
            let begin = Instant::now();
            for number in 0.. {
                if begin.elapsed() > Duration::from_millis(7500) {
                    break;
                }
                call(&client, &format!("0-0-{number}")).await;
            }
        });
        assert_same_rate(what, &tape, preset);
    }
}
