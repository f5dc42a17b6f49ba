//! Amazon Nova's bodies and events of `InvokeModel`.

use super::Finish;
use super::answer::{Answer, Written, own_name};
use super::invoke::{chunk, guardrail_members, invocation_metrics};
use super::json::{count, escaped, raw, string};
use super::stream::{Context, Event};

/// Appends the whole body.
pub(super) fn write(answer: &Answer, finish: &Finish<'_>, out: &mut Vec<u8>) {
    raw("{\"output\":{\"message\":{\"content\":[", out);
    if answer.has_text() {
        raw("{\"text\":\"", out);
        answer.write_json_text(&mut Written::default(), u32::MAX, out);
        raw("\"}", out);
    }
    if let Some(tool) = answer.tool() {
        if answer.has_text() {
            out.push(b',');
        }
        raw("{\"toolUse\":{\"toolUseId\":", out);
        string(&tool.id, out);
        raw(",\"name\":", out);
        string(&tool.name, out);
        raw(",\"input\":", out);
        raw(if tool.whole { &tool.arguments } else { "{}" }, out);
        raw("}}", out);
    }
    raw("],\"role\":\"assistant\"}},\"stopReason\":\"", out);
    raw(own_name(answer.stop_reason()), out);
    raw("\",\"usage\":{", out);
    usage(finish, true, out);
    out.push(b'}');
    guardrail_members(finish, out);
    out.push(b'}');
}

/// Appends the members of `usage`; streams were recorded without `totalTokens`.
fn usage(finish: &Finish<'_>, total: bool, out: &mut Vec<u8>) {
    let usage = finish.usage;
    count("\"inputTokens\":", u64::from(usage.input), out);
    count(",\"outputTokens\":", u64::from(usage.output), out);
    if total {
        count(",\"totalTokens\":", finish.total_tokens(), out);
    }
    let (read, write) = (u64::from(usage.cache_read), u64::from(usage.cache_write));
    count(",\"cacheReadInputTokenCount\":", read, out);
    count(",\"cacheWriteInputTokenCount\":", write, out);
}

/// Appends one event. Nova ends a block of text after each piece and counts the blocks on.
pub(super) fn write_event(event: &Event<'_>, context: &mut Context, out: &mut Vec<u8>) {
    match event {
        Event::Start(..) => chunk(context, out, |_, out| {
            raw("{\"messageStart\":{\"role\":\"assistant\"}}", out);
        }),
        Event::TextStart | Event::ReasoningStart | Event::Reasoning(_) | Event::Signature(_) => {}
        Event::Text(text) => {
            if context.piece_open {
                block_stop(context, out);
                context.index += 1;
            }
            context.piece_open = true;
            chunk(context, out, |context, out| {
                raw("{\"contentBlockDelta\":{\"delta\":{\"text\":\"", out);
                out.extend_from_slice(text);
                count("\"},\"contentBlockIndex\":", context.index, out);
                raw("}}", out);
            });
        }
        Event::ToolStart(tool) => chunk(context, out, |context, out| {
            raw(
                "{\"contentBlockStart\":{\"start\":{\"toolUse\":{\"toolUseId\":",
                out,
            );
            string(&tool.id, out);
            raw(",\"name\":", out);
            string(&tool.name, out);
            count("}},\"contentBlockIndex\":", context.index, out);
            raw("}}", out);
        }),
        Event::Arguments(piece) => chunk(context, out, |context, out| {
            raw(
                "{\"contentBlockDelta\":{\"delta\":{\"toolUse\":{\"input\":\"",
                out,
            );
            escaped(piece, out);
            count("\"}},\"contentBlockIndex\":", context.index, out);
            raw("}}", out);
        }),
        Event::BlockStop => block_stop(context, out),
        Event::Finish(answer, finish) => {
            chunk(context, out, |_, out| {
                raw("{\"messageStop\":{\"stopReason\":\"", out);
                raw(own_name(answer.stop_reason()), out);
                raw("\"}}", out);
            });
            chunk(context, out, |_, out| {
                raw("{\"metadata\":{\"usage\":{", out);
                usage(finish, false, out);
                raw("},\"metrics\":{},\"trace\":{}}", out);
                invocation_metrics(finish, out);
                guardrail_members(finish, out);
                out.push(b'}');
            });
        }
    }
}

fn block_stop(context: &mut Context, out: &mut Vec<u8>) {
    chunk(context, out, |context, out| {
        count(
            "{\"contentBlockStop\":{\"contentBlockIndex\":",
            context.index,
            out,
        );
        raw("}}", out);
    });
}
