//! Time to write answers: a streamed one of eight pieces should stay below 6 µs, a whole one below
//! 2 µs, a frame well below 1 µs.

use std::hint::black_box;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bedload::domain::Usage;
use bedload::rng::Keyed;
use bedload::wire::frame::{self, EventType};
use bedload::wire::reply::{Answer, AnswerPlan, AnswerSettings, Finish, StreamWriter, write_body};
use bedload::wire::{CallMetadata, Dialect, ModelCall, Prompt};
use criterion::{Criterion, criterion_group, criterion_main};

const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn call(dialect: Dialect) -> ModelCall {
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

fn answer(call: &ModelCall, tokens: u32) -> Answer {
    let draws = Keyed::new(1, "answer");
    AnswerPlan::new(call, tokens, draws, 1, &AnswerSettings::default()).cut(tokens, false)
}

fn finish(output: u32) -> Finish<'static> {
    Finish {
        usage: Usage {
            input: 1_000,
            output,
            ..Usage::default()
        },
        latency_ms: 912,
        first_byte_ms: 300,
        ..Finish::default()
    }
}

fn frames(c: &mut Criterion) {
    let payload = br#"{"contentBlockIndex":0,"delta":{"text":" component that provides"},"p":"abcdefghijklmnopqrstuvwxyzABCDE"}"#;
    let mut out = Vec::new();
    c.bench_function("frame/in place", |b| {
        b.iter(|| {
            out.clear();
            frame::event(EventType::ContentBlockDelta, black_box(payload), &mut out);
            out.len()
        });
    });
    let headers = vec![
        Header::new(
            ":event-type",
            HeaderValue::String("contentBlockDelta".into()),
        ),
        Header::new(
            ":content-type",
            HeaderValue::String("application/json".into()),
        ),
        Header::new(":message-type", HeaderValue::String("event".into())),
    ];
    c.bench_function("frame/aws-smithy-eventstream", |b| {
        b.iter(|| {
            out.clear();
            let message = Message::new_from_parts(headers.clone(), black_box(payload).to_vec());
            write_message_to(&message, &mut out).expect("the frame is small");
            out.len()
        });
    });
}

fn answers(c: &mut Criterion) {
    for dialect in [
        Dialect::Converse,
        Dialect::Anthropic,
        Dialect::Nova,
        Dialect::Llama,
    ] {
        let call = call(dialect);
        let mut out = Vec::new();
        let short = answer(&call, 32);
        c.bench_function(&format!("stream of 8 pieces/{dialect:?}"), |b| {
            b.iter(|| {
                out.clear();
                let mut writer = StreamWriter::new(&call, MODEL, short.clone(), true);
                writer.start(finish(32).usage, &mut out);
                for upto in (4..=32).step_by(4) {
                    writer.tokens(upto, &mut out);
                }
                writer.finish(&finish(32), &mut out);
                out.len()
            });
        });
        for tokens in [32, 400] {
            let whole = answer(&call, tokens);
            c.bench_function(&format!("body of {tokens} tokens/{dialect:?}"), |b| {
                b.iter(|| {
                    out.clear();
                    write_body(&call, MODEL, black_box(&whole), &finish(tokens), &mut out);
                    out.len()
                });
            });
        }
    }
    let call = call(Dialect::Converse);
    c.bench_function("plan", |b| {
        b.iter(|| answer(black_box(&call), 400).output_tokens());
    });
}

criterion_group!(benches, frames, answers);
criterion_main!(benches);
