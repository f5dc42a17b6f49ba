//! Meta Llama's bodies and events of `InvokeModel`.

use super::answer::{Answer, Written};
use super::invoke::{chunk, guardrail_members, invocation_metrics};
use super::json::{count, raw};
use super::stream::{Context, Event};
use super::{Finish, StopReason};

/// Appends the whole body.
pub(super) fn write(answer: &Answer, finish: &Finish<'_>, out: &mut Vec<u8>) {
    raw("{\"generation\":\"", out);
    answer.write_json_text(&mut Written::default(), u32::MAX, out);
    count("\",\"prompt_token_count\":", finish.usage.prompt(), out);
    count(
        ",\"generation_token_count\":",
        u64::from(finish.usage.output),
        out,
    );
    raw(",\"stop_reason\":\"", out);
    raw(stop(answer), out);
    out.push(b'"');
    guardrail_members(finish, out);
    out.push(b'}');
}

fn stop(answer: &Answer) -> &'static str {
    match answer.stop_reason() {
        StopReason::MaxTokens => "length",
        _ => "stop",
    }
}

/// Appends one event: Llama has text and an end, nothing else.
pub(super) fn write_event(event: &Event<'_>, context: &mut Context, out: &mut Vec<u8>) {
    match event {
        Event::Start(..)
        | Event::TextStart
        | Event::ReasoningStart
        | Event::Reasoning(_)
        | Event::Signature(_)
        | Event::ToolStart(_)
        | Event::Arguments(_)
        | Event::BlockStop => {}
        Event::Text(text) => chunk(context, out, |context, out| {
            generation(text, context, out);
            raw(",\"stop_reason\":null}", out);
        }),
        Event::Finish(answer, finish) => chunk(context, out, |context, out| {
            generation(b"", context, out);
            raw(",\"stop_reason\":\"", out);
            raw(stop(answer), out);
            out.push(b'"');
            invocation_metrics(finish, out);
            guardrail_members(finish, out);
            out.push(b'}');
        }),
    }
}

/// Appends text and counts; the prompt's count stands in the first event alone.
fn generation(text: &[u8], context: &mut Context, out: &mut Vec<u8>) {
    raw("{\"generation\":\"", out);
    out.extend_from_slice(text);
    match context.prompt.take() {
        Some(tokens) => count("\",\"prompt_token_count\":", u64::from(tokens), out),
        None => raw("\",\"prompt_token_count\":null", out),
    }
    count(
        ",\"generation_token_count\":",
        u64::from(context.tokens),
        out,
    );
}
