//! The body of `Converse`, members by name as recorded.

use super::answer::{Answer, Written, own_name};
use super::stream::signature;
use super::{Finish, guardrail, json};
use json::{count, raw, string};

/// Appends the body.
pub(super) fn write(
    answer: &Answer,
    response_fields: &[String],
    finish: &Finish<'_>,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    response_field_members(answer, response_fields, out);
    metrics(finish, out);
    raw(",\"output\":{\"message\":{\"content\":[", out);
    content(answer, out);
    raw("],\"role\":\"assistant\"}}", out);
    served(finish, out);
    raw(",\"stopReason\":\"", out);
    raw(answer.stop_reason().name(), out);
    out.push(b'"');
    trace(finish, out);
    usage(finish, out);
    out.push(b'}');
}

fn content(answer: &Answer, out: &mut Vec<u8>) {
    if answer.thinks() {
        raw(
            "{\"reasoningContent\":{\"reasoningText\":{\"signature\":",
            out,
        );
        string(&signature(answer), out);
        raw(",\"text\":\"", out);
        answer.write_reasoning(&mut Written::default(), u32::MAX, out);
        raw("\"}}}", out);
        if answer.has_text() || answer.tool().is_some() {
            out.push(b',');
        }
    }
    if answer.has_text() {
        raw("{\"text\":\"", out);
        answer.write_json_text(&mut Written::default(), u32::MAX, out);
        raw("\"}", out);
    }
    if let Some(tool) = answer.tool() {
        if answer.has_text() {
            out.push(b',');
        }
        raw("{\"toolUse\":{\"input\":", out);
        // Arguments that were cut are no JSON; the call gets none of them.
        raw(if tool.whole { &tool.arguments } else { "{}" }, out);
        raw(",\"name\":", out);
        string(&tool.name, out);
        raw(",\"toolUseId\":", out);
        string(&tool.id, out);
        raw("}}", out);
    }
}

/// Appends `additionalModelResponseFields` and a comma, where a requested field exists.
pub(super) fn response_field_members(answer: &Answer, fields: &[String], out: &mut Vec<u8>) {
    let mut opened = false;
    for (n, field) in fields.iter().enumerate() {
        let value = match field.as_str() {
            "/stop_sequence" => answer.stop_sequence(),
            "/stop_reason" => Some(own_name(answer.stop_reason())),
            _ => continue,
        };
        if fields[..n].contains(field) {
            continue;
        }
        raw(
            if opened {
                ","
            } else {
                "\"additionalModelResponseFields\":{"
            },
            out,
        );
        opened = true;
        string(&field[1..], out);
        out.push(b':');
        match value {
            Some(value) => string(value, out),
            None => raw("null", out),
        }
    }
    if opened {
        raw("},", out);
    }
}

/// Appends `metrics`, without a comma.
pub(super) fn metrics(finish: &Finish<'_>, out: &mut Vec<u8>) {
    count("\"metrics\":{\"latencyMs\":", finish.latency_ms, out);
    out.push(b'}');
}

/// Appends `performanceConfig` and `serviceTier`, each after a comma, where the call asked.
pub(super) fn served(finish: &Finish<'_>, out: &mut Vec<u8>) {
    if let Some(optimized) = finish.latency_optimized {
        raw(",\"performanceConfig\":{\"latency\":\"", out);
        raw(latency_name(optimized), out);
        raw("\"}", out);
    }
    if let Some(tier) = finish.service_tier {
        raw(",\"serviceTier\":{\"type\":", out);
        string(tier, out);
        out.push(b'}');
    }
}

/// The spelling of `performanceConfig.latency`.
pub(super) fn latency_name(optimized: bool) -> &'static str {
    if optimized { "optimized" } else { "standard" }
}

/// Appends `trace` after a comma, where the call asked for it.
pub(super) fn trace(finish: &Finish<'_>, out: &mut Vec<u8>) {
    if let Some(report) = finish.guardrail.filter(|report| report.trace) {
        raw(",\"trace\":{\"guardrail\":", out);
        guardrail::trace(report, out);
        out.push(b'}');
    }
}

/// Appends `usage` after a comma. Both spellings of the cached tokens stand in recorded answers;
/// `totalTokens` counts cached tokens too.
pub(super) fn usage(finish: &Finish<'_>, out: &mut Vec<u8>) {
    let usage = finish.usage;
    raw(",\"usage\":{", out);
    if usage.cache_write > 0 {
        cache_details(finish, out);
    }
    let (read, write) = (u64::from(usage.cache_read), u64::from(usage.cache_write));
    count("\"cacheReadInputTokenCount\":", read, out);
    count(",\"cacheReadInputTokens\":", read, out);
    count(",\"cacheWriteInputTokenCount\":", write, out);
    count(",\"cacheWriteInputTokens\":", write, out);
    count(",\"inputTokens\":", u64::from(usage.input), out);
    count(",\"outputTokens\":", u64::from(usage.output), out);
    count(
        ",\"serverToolUsage\":{},\"totalTokens\":",
        finish.total_tokens(),
        out,
    );
    out.push(b'}');
}

/// Appends `cacheDetails`, one hour before five minutes, and a comma.
fn cache_details(finish: &Finish<'_>, out: &mut Vec<u8>) {
    raw("\"cacheDetails\":[", out);
    let parts = [
        ("1h", finish.cache_write_1h),
        ("5m", finish.cache_write_5m()),
    ];
    let mut first = true;
    for (ttl, tokens) in parts.into_iter().filter(|(_, tokens)| *tokens > 0) {
        if !first {
            out.push(b',');
        }
        first = false;
        count("{\"inputTokens\":", u64::from(tokens), out);
        raw(",\"ttl\":\"", out);
        raw(ttl, out);
        raw("\"}", out);
    }
    raw("],", out);
}
