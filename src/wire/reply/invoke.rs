//! What the bodies and events of `InvokeModel` share.

use super::json::{count, raw};
use super::stream::Context;
use super::{Finish, guardrail};
use crate::wire::frame::{EventType, open};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Appends one `chunk` that carries the event which `write` writes.
pub(super) fn chunk(
    context: &mut Context,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Context, &mut Vec<u8>),
) {
    let mut inner = std::mem::take(&mut context.inner);
    inner.clear();
    write(context, &mut inner);
    let frame = open(EventType::Chunk, out);
    raw("{\"bytes\":\"", out);
    let start = out.len();
    out.resize(start + inner.len().div_ceil(3) * 4, 0);
    STANDARD
        .encode_slice(&inner, &mut out[start..])
        .expect("the slice has the length of the encoded text");
    out.push(b'"');
    context.padding.write(",", "", out);
    out.push(b'}');
    frame.close(out);
    context.inner = inner;
}

/// Appends `amazon-bedrock-invocationMetrics` after a comma.
pub(super) fn invocation_metrics(finish: &Finish<'_>, out: &mut Vec<u8>) {
    let usage = finish.usage;
    raw(",\"amazon-bedrock-invocationMetrics\":{", out);
    count("\"inputTokenCount\":", u64::from(usage.input), out);
    count(",\"outputTokenCount\":", u64::from(usage.output), out);
    count(",\"invocationLatency\":", finish.latency_ms, out);
    count(",\"firstByteLatency\":", finish.first_byte_ms, out);
    let (read, write) = (u64::from(usage.cache_read), u64::from(usage.cache_write));
    count(",\"cacheReadInputTokenCount\":", read, out);
    count(",\"cacheWriteInputTokenCount\":", write, out);
    out.push(b'}');
}

/// Appends the trace, where it was asked for, and what a guardrail did, where one was named.
pub(super) fn guardrail_members(finish: &Finish<'_>, out: &mut Vec<u8>) {
    let Some(report) = finish.guardrail else {
        return;
    };
    if report.trace {
        raw(",\"amazon-bedrock-trace\":{\"guardrail\":", out);
        guardrail::invoke_trace(report, out);
        out.push(b'}');
    }
    raw(",\"amazon-bedrock-guardrailAction\":\"", out);
    raw(
        if report.intervened() {
            "INTERVENED"
        } else {
            "NONE"
        },
        out,
    );
    out.push(b'"');
}
