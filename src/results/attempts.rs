//! `attempts.jsonl`: one line for each wire attempt. The file is also a trace that can be replayed
//! (`format = "attempts"`).

use crate::measure::AttemptRecord;
use crate::sim::VariantMeasures;
use crate::units::Moment;
use serde::Serialize;

/// What only a live attempt has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveMarks {
    /// When it was due: sent later is the generator's own lag.
    pub due: Moment,
    /// First event of any kind.
    pub first_event: Option<Moment>,
    /// First content of any kind: text, reasoning or tool input.
    pub first_content: Option<Moment>,
    /// First visible text.
    pub first_text: Option<Moment>,
    /// Last content.
    pub last_content: Option<Moment>,
    /// Pieces of content; a piece is not a token.
    pub chunks: u32,
    /// The latency that the service reports.
    pub service_ms: Option<i64>,
    /// Why the answer ended; empty if it did not.
    pub stop: &'static str,
}

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

/// What a live line has on top.
#[derive(Serialize)]
struct LiveLine<'a> {
    #[serde(flatten)]
    line: Line<'a>,
    due_us: u64,
    first_event_us: Option<u64>,
    first_text_us: Option<u64>,
    last_content_us: Option<u64>,
    chunks: u32,
    service_ms: Option<i64>,
    stop_reason: Option<&'static str>,
}

/// Appends the line of one attempt, with its line feed.
///
/// # Panics
/// Never: numbers and words always serialise.
pub fn attempt_line(
    out: &mut Vec<u8>,
    variant: &str,
    workload: &str,
    record: &AttemptRecord,
    live: Option<&LiveMarks>,
) {
    let mut line = Line {
        variant,
        workload,
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
    let written = match live {
        None => serde_json::to_writer(&mut *out, &line),
        Some(marks) => {
            let us = |at: Option<Moment>| at.map(|at| at.0);
            line.first_token_us = us(marks.first_content);
            let line = LiveLine {
                line,
                due_us: marks.due.0,
                first_event_us: us(marks.first_event),
                first_text_us: us(marks.first_text),
                last_content_us: us(marks.last_content),
                chunks: marks.chunks,
                service_ms: marks.service_ms,
                stop_reason: (!marks.stop.is_empty()).then_some(marks.stop),
            };
            serde_json::to_writer(&mut *out, &line)
        }
    };
    written.expect("plain numbers and words serialise");
    out.push(b'\n');
}

/// The attempts of every variant's first replication, by the moment at which their requests were
/// due. Each entry is a variant's name, the names of its workloads and its measures.
///
/// # Panics
/// Never: lines are text.
pub fn attempts_jsonl<'a>(
    variants: impl IntoIterator<Item = (&'a str, Vec<&'a str>, &'a VariantMeasures)>,
) -> String {
    let mut text = Vec::new();
    for (variant, workloads, measures) in variants {
        let mut attempts: Vec<_> = measures.total.attempts.iter().collect();
        attempts.sort_by_key(|one| (one.scheduled_at, one.workload, one.request, one.attempt));
        for record in attempts {
            attempt_line(&mut text, variant, workloads[record.workload], record, None);
        }
    }
    String::from_utf8(text).expect("JSON is text")
}
