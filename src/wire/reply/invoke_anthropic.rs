//! Anthropic's Messages, as bodies and events of `InvokeModel`.

use super::answer::{Answer, MESSAGE_ID, Written, own_name};
use super::invoke::{chunk, guardrail_members, invocation_metrics};
use super::json::{count, escaped, raw, string};
use super::stream::{Context, Event, signature};
use super::{Finish, StopReason};
use crate::domain::Usage;

/// Appends the whole body.
pub(super) fn write(answer: &Answer, model_id: &str, finish: &Finish<'_>, out: &mut Vec<u8>) {
    message_head(answer, model_id, out);
    raw(",\"content\":[", out);
    content(answer, out);
    raw("],", out);
    stop(answer, out);
    raw(",\"usage\":{", out);
    usage(finish.usage, finish, out);
    raw("}", out);
    guardrail_members(finish, out);
    out.push(b'}');
}

fn message_head(answer: &Answer, model_id: &str, out: &mut Vec<u8>) {
    let mut id = String::with_capacity(40);
    answer.draws.part(MESSAGE_ID).base58(&mut id);
    raw("{\"id\":\"msg_bdrk_01", out);
    raw(&id, out);
    raw(
        "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":",
        out,
    );
    string(model_name(model_id), out);
}

fn content(answer: &Answer, out: &mut Vec<u8>) {
    if answer.thinks() {
        raw("{\"type\":\"thinking\",\"thinking\":\"", out);
        answer.write_reasoning(&mut Written::default(), u32::MAX, out);
        raw("\",\"signature\":", out);
        string(&signature(answer), out);
        out.push(b'}');
        if answer.has_text() || answer.tool().is_some() {
            out.push(b',');
        }
    }
    if answer.has_text() {
        raw("{\"type\":\"text\",\"text\":\"", out);
        answer.write_json_text(&mut Written::default(), u32::MAX, out);
        raw("\"}", out);
    }
    if let Some(tool) = answer.tool() {
        if answer.has_text() {
            out.push(b',');
        }
        raw("{\"type\":\"tool_use\",\"id\":", out);
        string(&tool.id, out);
        raw(",\"name\":", out);
        string(&tool.name, out);
        raw(",\"input\":", out);
        raw(if tool.whole { &tool.arguments } else { "{}" }, out);
        out.push(b'}');
    }
}

fn stop(answer: &Answer, out: &mut Vec<u8>) {
    raw("\"stop_reason\":\"", out);
    raw(own_name(answer.stop_reason()), out);
    raw("\",\"stop_sequence\":", out);
    match answer.stop_sequence() {
        Some(sequence) if answer.stop_reason() == StopReason::StopSequence => string(sequence, out),
        _ => raw("null", out),
    }
}

fn usage(usage: Usage, finish: &Finish<'_>, out: &mut Vec<u8>) {
    count("\"input_tokens\":", u64::from(usage.input), out);
    let write = u64::from(usage.cache_write);
    count(",\"cache_creation_input_tokens\":", write, out);
    count(
        ",\"cache_read_input_tokens\":",
        u64::from(usage.cache_read),
        out,
    );
    if write > 0 {
        let (long, short) = (finish.cache_write_1h, finish.cache_write_5m());
        let name = ",\"cache_creation\":{\"ephemeral_1h_input_tokens\":";
        count(name, u64::from(long), out);
        count(",\"ephemeral_5m_input_tokens\":", u64::from(short), out);
        out.push(b'}');
    }
    count(",\"output_tokens\":", u64::from(usage.output), out);
}

/// Appends one event.
pub(super) fn write_event(event: &Event<'_>, context: &mut Context, out: &mut Vec<u8>) {
    match event {
        Event::Start(answer, usage) => chunk(context, out, |context, out| {
            raw("{\"type\":\"message_start\",\"message\":", out);
            message_head(answer, &context.model_id, out);
            raw(
                ",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null",
                out,
            );
            count(",\"usage\":{\"input_tokens\":", u64::from(usage.input), out);
            let (read, write) = (u64::from(usage.cache_read), u64::from(usage.cache_write));
            count(",\"cache_creation_input_tokens\":", write, out);
            count(",\"cache_read_input_tokens\":", read, out);
            // One token is there when the answer begins, unless it has none.
            let begun = u64::from(answer.output_tokens().min(1));
            count(",\"output_tokens\":", begun, out);
            raw("}}}", out);
        }),
        Event::ReasoningStart => chunk(context, out, |context, out| {
            let head = "{\"type\":\"content_block_start\",\"index\":";
            count(head, context.index, out);
            raw(
                ",\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}",
                out,
            );
        }),
        Event::Reasoning(text) => delta("thinking", text, context, out),
        Event::Signature(signature) => delta("signature", signature.as_bytes(), context, out),
        Event::TextStart => chunk(context, out, |context, out| {
            count(
                "{\"type\":\"content_block_start\",\"index\":",
                context.index,
                out,
            );
            raw(",\"content_block\":{\"type\":\"text\",\"text\":\"\"}}", out);
        }),
        Event::Text(text) => chunk(context, out, |context, out| {
            count(
                "{\"type\":\"content_block_delta\",\"index\":",
                context.index,
                out,
            );
            raw(",\"delta\":{\"type\":\"text_delta\",\"text\":\"", out);
            out.extend_from_slice(text);
            raw("\"}}", out);
        }),
        Event::ToolStart(tool) => chunk(context, out, |context, out| {
            count(
                "{\"type\":\"content_block_start\",\"index\":",
                context.index,
                out,
            );
            raw(",\"content_block\":{\"type\":\"tool_use\",\"id\":", out);
            string(&tool.id, out);
            raw(",\"name\":", out);
            string(&tool.name, out);
            raw(",\"input\":{}}}", out);
        }),
        Event::Arguments(piece) => chunk(context, out, |context, out| {
            count(
                "{\"type\":\"content_block_delta\",\"index\":",
                context.index,
                out,
            );
            raw(
                ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"",
                out,
            );
            escaped(piece, out);
            raw("\"}}", out);
        }),
        Event::BlockStop => chunk(context, out, |context, out| {
            count(
                "{\"type\":\"content_block_stop\",\"index\":",
                context.index,
                out,
            );
            out.push(b'}');
        }),
        Event::Finish(answer, finish) => {
            chunk(context, out, |_, out| {
                raw("{\"type\":\"message_delta\",\"delta\":{", out);
                stop(answer, out);
                count(
                    "},\"usage\":{\"output_tokens\":",
                    u64::from(finish.usage.output),
                    out,
                );
                raw("}}", out);
            });
            chunk(context, out, |_, out| {
                raw("{\"type\":\"message_stop\"", out);
                invocation_metrics(finish, out);
                guardrail_members(finish, out);
                out.push(b'}');
            });
        }
    }
}

/// Appends a delta of reasoning: its text or its signature.
fn delta(member: &str, value: &[u8], context: &mut Context, out: &mut Vec<u8>) {
    chunk(context, out, |context, out| {
        let head = "{\"type\":\"content_block_delta\",\"index\":";
        count(head, context.index, out);
        raw(",\"delta\":{\"type\":\"", out);
        raw(member, out);
        raw("_delta\",\"", out);
        raw(member, out);
        raw("\":\"", out);
        out.extend_from_slice(value);
        raw("\"}}", out);
    });
}

/// The model's own name in the id of a model or profile:
/// `us.anthropic.claude-3-7-sonnet-20250219-v1:0` is `claude-3-7-sonnet-20250219`.
fn model_name(model_id: &str) -> &str {
    let id = model_id.rsplit('/').next().unwrap_or(model_id);
    let id = id.rsplit_once("anthropic.").map_or(id, |(_, name)| name);
    match id.rsplit_once("-v") {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => name,
        _ => id,
    }
}

#[cfg(test)]
mod tests {
    use super::model_name;

    #[test]
    fn a_profile_names_its_model() {
        for (id, name) in [
            (
                "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
                "claude-3-7-sonnet-20250219",
            ),
            ("anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
            ("global.anthropic.claude-opus-4-8", "claude-opus-4-8"),
            (
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-6",
                "claude-sonnet-4-6",
            ),
            (
                "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc",
                "abc",
            ),
        ] {
            assert_eq!(model_name(id), name);
        }
    }
}
