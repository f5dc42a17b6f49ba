//! A loop on the AWS SDK for Rust, with a clock and a histogram and nothing else.

use super::process::on_core;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::Config;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, ConverseStreamOutput, InferenceConfiguration, Message,
};
use aws_smithy_http_client::Builder as HttpBuilder;
use bedload::clock::{Clock, Timer};
use bedload::units::Moment;
use hdrhistogram::Histogram;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// What one task measured.
struct Measured {
    first: Histogram<u64>,
    gaps: Histogram<u64>,
    calls: u64,
}

impl Default for Measured {
    fn default() -> Self {
        Self {
            first: Histogram::new(3).unwrap(),
            gaps: Histogram::new(3).unwrap(),
            calls: 0,
        }
    }
}

/// Streams per second with `tasks` of them at a time.
pub fn calls_per_second(core: usize, url: &str, tasks: u32, for_time: Duration) -> f64 {
    let url = url.to_owned();
    std::thread::spawn(move || {
        on_core(core);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, measure(url, tasks, for_time))
    })
    .join()
    .unwrap()
}

/// Median and 99th percentile of the time from a moment at which a stream was due, `rate` of them a
/// second, to its first token, in milliseconds. The first fifth is left out.
pub fn first_token_ms(core: usize, url: &str, rate: u32, for_time: Duration) -> [f64; 2] {
    let client = client(url.to_owned());
    std::thread::spawn(move || {
        on_core(core);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, open_loop(client, rate, for_time))
    })
    .join()
    .unwrap()
}

async fn open_loop(client: Client, rate: u32, for_time: Duration) -> [f64; 2] {
    let clock = Clock::begin();
    let timer = Timer::start(clock).unwrap();
    let begin = Instant::now();
    let step = Duration::from_secs(1) / rate;
    let warm = Rc::new(RefCell::new(Measured::default()));
    let measured = Rc::new(RefCell::new(Measured::default()));
    let count = (for_time.as_secs_f64() * f64::from(rate)) as u32;
    let mut calls = Vec::new();
    for number in 0..count {
        let due = step * number;
        timer.sleep_until(Moment(due.as_micros() as u64)).await;
        let into = if due * 5 < for_time { &warm } else { &measured };
        let (client, into) = (client.clone(), Rc::clone(into));
        calls.push(tokio::task::spawn_local(async move {
            one_call(&client, begin + due, &into).await;
        }));
    }
    for call in calls {
        call.await.unwrap();
    }
    let first = &measured.borrow().first;
    [0.5, 0.99].map(|q| first.value_at_quantile(q) as f64 / 1000.0)
}

fn client(url: String) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(
            "AKIDEXAMPLE",
            "secret",
            None,
            None,
            "bench",
        ))
        .endpoint_url(url)
        .http_client(HttpBuilder::new().build_http())
        .build();
    Client::from_conf(config)
}

async fn measure(url: String, tasks: u32, for_time: Duration) -> f64 {
    let client = client(url);
    let measured = Rc::new(RefCell::new(Measured::default()));
    let end = Instant::now() + for_time;
    let all: Vec<_> = (0..tasks)
        .map(|_| {
            let (client, measured) = (client.clone(), Rc::clone(&measured));
            tokio::task::spawn_local(async move {
                while Instant::now() < end {
                    one_call(&client, Instant::now(), &measured).await;
                }
            })
        })
        .collect();
    for task in all {
        task.await.unwrap();
    }
    measured.borrow().calls as f64 / for_time.as_secs_f64()
}

async fn one_call(client: &Client, sent: Instant, measured: &RefCell<Measured>) {
    let text = ContentBlock::Text(
        "Say something about rivers and their beds, in few words, please.".into(),
    );
    let message = Message::builder()
        .role(ConversationRole::User)
        .content(text)
        .build()
        .unwrap();
    let answer = client
        .converse_stream()
        .model_id("us.anthropic.claude-sonnet-4-6")
        .messages(message)
        .inference_config(InferenceConfiguration::builder().max_tokens(64).build())
        .send()
        .await
        .unwrap();
    let mut stream = answer.stream;
    let mut last = None;
    while let Some(event) = stream.recv().await.unwrap() {
        if let ConverseStreamOutput::ContentBlockDelta(_) = event {
            let now = Instant::now();
            let mut measured = measured.borrow_mut();
            let micros = |from: Instant| now.duration_since(from).as_micros() as u64;
            match last {
                None => measured.first.record(micros(sent)).unwrap(),
                Some(before) => measured.gaps.record(micros(before)).unwrap(),
            }
            last = Some(now);
        }
    }
    measured.borrow_mut().calls += 1;
}
