//! `attempts.jsonl` of an earlier run: the requests behind its first attempts.
//!
//! Retries are what a policy made of the traffic, not traffic, so only first attempts count. A
//! file may hold several variants; they met the same requests, so the first one speaks for all.

use std::io::BufRead;

use serde::Deserialize;
use serde_json::Value;

use super::columns::{json_numbers, read_json_rows};
use super::error::{RowProblem, TraceError};
use super::lenient::{Count, Text};
use super::record::{CallEnd, Record};
use super::rows::{Lines, RawRow};
use super::sink::{Reading, RecordSink};
use super::{Columns, TimeUnit, Trace};
use crate::units::Micros;

/// Reads the JSON lines.
pub(super) fn read(bytes: impl BufRead) -> Result<Trace, TraceError> {
    let names = Columns {
        at: "scheduled_us".to_owned(),
        at_unit: TimeUnit::Micros,
        input: "request_input_tokens".to_owned(),
        output: "request_output_tokens".to_owned(),
        session: None,
    };
    let mut first_variant: Option<Value> = None;
    read_json_rows(bytes, 0, |value, sink, line| {
        let variant = value.get("variant").cloned().unwrap_or_default();
        let of_first = *first_variant.get_or_insert_with(|| variant.clone()) == variant;
        let is_retry = value
            .get("attempt")
            .and_then(Value::as_u64)
            .is_some_and(|n| n > 1);
        if is_retry || !of_first {
            return;
        }
        let row = json_numbers(value, &names).map(|(at_ns, input, output)| RawRow {
            at_ns,
            input,
            output,
            session: None,
            blocks: &[],
        });
        sink.take(line, row);
    })
}

/// One attempt, as far as it is read here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wire<'a> {
    #[serde(borrow)]
    variant: Text<'a>,
    #[serde(borrow)]
    workload: Text<'a>,
    request: Option<u64>,
    attempt: Count,
    request_input_tokens: Count,
    request_output_tokens: Count,
    sent_us: Option<u64>,
    first_token_us: Option<u64>,
    done_us: Option<u64>,
    #[serde(borrow)]
    end: Text<'a>,
    #[serde(borrow)]
    stop_reason: Text<'a>,
    input_tokens: Count,
    cache_read_tokens: Count,
    cache_write_tokens: Count,
    output_tokens: Count,
}

/// Reads every attempt of one variant: the one named, or the first of the file. A call starts when its attempt
/// was sent; its client is its workload, and the attempts at one request share a session.
pub(super) fn read_records(
    variant: Option<&str>,
    bytes: impl BufRead,
) -> Result<Reading, TraceError> {
    let mut lines = Lines::new(bytes);
    let mut sink = RecordSink::default();
    let mut wanted = variant.map(str::to_owned);
    loop {
        match lines.next() {
            Ok(None) => break,
            Ok(Some((line, text))) => match serde_json::from_str::<Wire<'_>>(text) {
                Ok(attempt) => {
                    let name = attempt.variant.as_str();
                    if *wanted.get_or_insert_with(|| name.to_owned()) != name {
                        sink.count("of another variant");
                    } else if let Err(problem) = attempt.into_sink(&mut sink) {
                        sink.skip(problem.line(line).value(text));
                    }
                }
                Err(error) if error.is_eof() => sink.skip(
                    RowProblem::new("the JSON object is cut off", "finish or remove the line")
                        .line(line)
                        .value(text),
                ),
                Err(error) => sink.skip(
                    RowProblem::new(
                        "not an attempt",
                        format!("mend the line at column {}", error.column()),
                    )
                    .line(line)
                    .value(text),
                ),
            },
            Err(problem) => {
                let readable = problem.line.is_some();
                sink.skip(problem);
                if !readable {
                    break;
                }
            }
        }
    }
    sink.finish()
}

impl Wire<'_> {
    fn into_sink(self, sink: &mut RecordSink) -> Result<(), RowProblem> {
        let field = |name: &str| {
            RowProblem::new("a field is missing", format!("each line needs `{name}`")).field(name)
        };
        let Some(end) = self.end() else {
            sink.count("never sent");
            return Ok(());
        };
        let sent = self.sent_us.ok_or_else(|| field("sent_us"))?;
        let prompt = self
            .request_input_tokens
            .0
            .ok_or_else(|| field("request_input_tokens"))?;
        let (input, read, write) = (
            self.input_tokens.0.unwrap_or(0),
            self.cache_read_tokens.0.unwrap_or(0),
            self.cache_write_tokens.0.unwrap_or(0),
        );
        let since_sent = |at: Option<u64>| at.map(|at| Micros(at.saturating_sub(sent)));
        let workload = self.workload.as_str();
        let request = format!("{workload}\0{}", self.request.unwrap_or(u64::MAX));
        let record = Record {
            client: sink.clients.of(workload),
            session: sink.session(self.request.map(|_| request.as_str())),
            // A refused attempt used nothing, but its prompt is known.
            input: if input == 0 && read == 0 && write == 0 {
                prompt
            } else {
                input
            },
            cache_read: read,
            cache_write: write,
            output: self.output_tokens.0.unwrap_or(0),
            planned_output: self.request_output_tokens.0.filter(|output| *output > 0),
            ttft: since_sent(self.first_token_us),
            latency: since_sent(self.done_us),
            end,
            attempt: self
                .attempt
                .0
                .map_or(1, |n| n.min(u32::from(u16::MAX)) as u16),
            ..Record::default()
        };
        sink.take(i128::from(sent) * 1000, record, &[]);
        Ok(())
    }

    /// How it ended; `None` if it was never on the wire.
    fn end(&self) -> Option<CallEnd> {
        Some(match self.end.as_str() {
            "answered" if self.stop_reason.as_str() == "guardrail_intervened" => CallEnd::Blocked,
            "answered" => CallEnd::Answered,
            "throttled" => CallEnd::Throttled,
            "unavailable" | "model_not_ready" | "too_many_connections" => CallEnd::Unavailable,
            "validation_error" | "denied" | "rejected" => CallEnd::Rejected,
            // The slower of two hedged attempts is given up by the client too.
            "client_timeout" | "cancelled" => CallEnd::TimedOut,
            "circuit_open" => return None,
            _ => CallEnd::Failed,
        })
    }
}
