//! `attempts.jsonl` of an earlier run: the requests behind its first attempts.
//!
//! Retries are what a policy made of the traffic, not traffic, so only first attempts count. A
//! file may hold several variants; they met the same requests, so the first one speaks for all.

use std::io::BufRead;

use serde_json::Value;

use super::columns::{json_numbers, read_json_rows};
use super::error::TraceError;
use super::rows::RawRow;
use super::{Columns, TimeUnit, Trace};

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
