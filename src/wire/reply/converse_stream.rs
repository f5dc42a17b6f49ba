//! The events of `ConverseStream`, members by name as recorded.

use super::converse;
use super::json::{count, escaped, raw, string};
use super::stream::{Context, Event};
use crate::wire::frame::{EventType, open};

/// Appends one event.
pub(super) fn write(event: &Event<'_>, context: &mut Context, out: &mut Vec<u8>) {
    match event {
        Event::Start(..) => {
            let frame = open(EventType::MessageStart, out);
            out.push(b'{');
            context.padding.write("", ",", out);
            raw("\"role\":\"assistant\"}", out);
            frame.close(out);
        }
        // Blocks of text and of reasoning begin with their first piece.
        Event::TextStart | Event::ReasoningStart => {}
        Event::Reasoning(text) => reasoning("text", text, context, out),
        Event::Signature(signature) => {
            reasoning("signature", signature.as_bytes(), context, out);
        }
        Event::Text(text) => {
            let frame = open(EventType::ContentBlockDelta, out);
            count("{\"contentBlockIndex\":", context.index, out);
            raw(",\"delta\":{\"text\":\"", out);
            out.extend_from_slice(text);
            raw("\"}", out);
            context.padding.write(",", "", out);
            out.push(b'}');
            frame.close(out);
        }
        Event::ToolStart(tool) => {
            let frame = open(EventType::ContentBlockStart, out);
            count("{\"contentBlockIndex\":", context.index, out);
            context.padding.write(",", "", out);
            raw(",\"start\":{\"toolUse\":{\"name\":", out);
            string(&tool.name, out);
            raw(",\"toolUseId\":", out);
            string(&tool.id, out);
            raw("}}}", out);
            frame.close(out);
        }
        Event::Arguments(piece) => {
            let frame = open(EventType::ContentBlockDelta, out);
            count("{\"contentBlockIndex\":", context.index, out);
            raw(",\"delta\":{\"toolUse\":{\"input\":\"", out);
            escaped(piece, out);
            raw("\"}}", out);
            context.padding.write(",", "", out);
            out.push(b'}');
            frame.close(out);
        }
        Event::BlockStop => {
            let frame = open(EventType::ContentBlockStop, out);
            count("{\"contentBlockIndex\":", context.index, out);
            context.padding.write(",", "", out);
            out.push(b'}');
            frame.close(out);
        }
        Event::Finish(answer, finish) => {
            let frame = open(EventType::MessageStop, out);
            out.push(b'{');
            converse::response_field_members(answer, &context.response_fields, out);
            context.padding.write("", ",", out);
            raw("\"stopReason\":\"", out);
            raw(answer.stop_reason().name(), out);
            raw("\"}", out);
            frame.close(out);
            let frame = open(EventType::Metadata, out);
            out.push(b'{');
            converse::metrics(finish, out);
            context.padding.write(",", "", out);
            converse::served(finish, out);
            converse::trace(finish, out);
            converse::usage(finish, out);
            out.push(b'}');
            frame.close(out);
        }
    }
}

/// Appends a delta of reasoning: its text or its signature.
fn reasoning(member: &str, value: &[u8], context: &mut Context, out: &mut Vec<u8>) {
    let frame = open(EventType::ContentBlockDelta, out);
    count("{\"contentBlockIndex\":", context.index, out);
    raw(",\"delta\":{\"reasoningContent\":{\"", out);
    raw(member, out);
    raw("\":\"", out);
    out.extend_from_slice(value);
    raw("\"}}", out);
    context.padding.write(",", "", out);
    out.push(b'}');
    frame.close(out);
}
