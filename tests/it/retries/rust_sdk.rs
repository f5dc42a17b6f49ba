//! The AWS SDK for Rust: `standard` and `adaptive`, as they are by default (2.0) and since 2026 (2.1).

use super::{
    THROTTLED, Tape, adaptive_server, assert_full_jitter, assert_same_rate, hard_calls,
    hard_server, preset_attempts, preset_retries, refusal,
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
        .http_client(aws_smithy_http_client::Builder::new().build_http())
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
    // How it ended is read from what the server heard, if it was sent at all.
    if let Err(error) = calling.send().await {
        assert!(error.raw_response().is_some(), "{error:?}");
    }
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

/// How often the Rust SDK tries calls in a row: as the preset does, but a client keeps what its last retry paid in one place
/// for all of its calls, until any call succeeds. So after a call that gave up, the next success without a retry
/// gives back the cost of that call's last retry, where the preset gives one token.
fn rust_attempts(cost: u32, failures: &[usize]) -> Vec<usize> {
    let (mut level, mut kept) = (500u32, 0u32);
    let one = |&failures: &usize| {
        for attempt in 1.. {
            if attempt > failures {
                level = (level + kept.max(1)).min(500);
                kept = 0;
                return attempt;
            }
            if attempt == 3 || level < cost {
                return attempt;
            }
            level -= cost;
            kept = cost;
        }
        unreachable!("it gives up after three")
    };
    failures.iter().map(one).collect()
}

#[test]
fn calls_in_a_row_are_tried_as_the_presets_do_but_for_what_failed_calls_give_back() {
    for (what, retries, cost, preset) in [
        ("Rust 2.0, a row of 503", old(), 10, OLD),
        ("Rust 2.1, a row of 503", new(), 14, NEW),
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
        let made: Vec<usize> = tape.heard().iter().map(Vec::len).collect();
        assert_eq!(made, rust_attempts(cost, &hard_calls(calls)), "{what}");
        // The difference is small: up to the first exhaustion there is next to none.
        let ours = preset_attempts(preset, Failure::Unavailable, &hard_calls(calls));
        let (made, ours): (usize, usize) = (made.iter().sum(), ours.iter().sum());
        eprintln!("{what}: {made} attempts of {calls} calls, {ours} by the preset");
        assert!(
            made >= ours && made * 10 <= ours * 14,
            "{what}: {made} and {ours}"
        );
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
