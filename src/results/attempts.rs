//! `attempts.jsonl`: one line for each wire attempt. The file is also a trace that can be replayed
//! (`format = "attempts"`).

use crate::sim::VariantMeasures;
use serde::Serialize;

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    variant: &'a str,
    workload: &'a str,
    request: u64,
    attempt: u32,
    request_input_tokens: u64,
    request_output_tokens: u32,
    scheduled_us: u64,
    sent_us: u64,
    first_token_us: Option<u64>,
    done_us: u64,
    end: &'static str,
    input_tokens: u32,
    cache_read_tokens: u32,
    cache_write_tokens: u32,
    output_tokens: u32,
}

/// The attempts of every variant's first replication, by the moment at which their requests were
/// due. Each entry is a variant's name, the names of its workloads and its measures.
///
/// # Panics
/// Never: numbers and words always serialise.
pub fn attempts_jsonl<'a>(
    variants: impl IntoIterator<Item = (&'a str, Vec<&'a str>, &'a VariantMeasures)>,
) -> String {
    let mut text = String::new();
    for (variant, workloads, measures) in variants {
        let mut attempts: Vec<_> = measures.total.attempts.iter().collect();
        attempts.sort_by_key(|one| (one.scheduled_at, one.workload, one.request, one.attempt));
        for record in attempts {
            let line = Line {
                variant,
                workload: workloads[record.workload],
                request: record.request,
                attempt: record.attempt,
                request_input_tokens: record.request_input,
                request_output_tokens: record.request_output,
                scheduled_us: record.scheduled_at.0,
                sent_us: record.sent_at.0,
                first_token_us: record.first_token_at.map(|at| at.0),
                done_us: record.done_at.0,
                end: record.end.name(),
                input_tokens: record.usage.input,
                cache_read_tokens: record.usage.cache_read,
                cache_write_tokens: record.usage.cache_write,
                output_tokens: record.usage.output,
            };
            text += &serde_json::to_string(&line).expect("plain numbers and words serialise");
            text.push('\n');
        }
    }
    text
}
