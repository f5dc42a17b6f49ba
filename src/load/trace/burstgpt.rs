//! The `BurstGPT` traces: `Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type`, in later versions
//! with `Session ID` and `Elapsed time`. A request without response tokens failed (README of HPMLL/BurstGPT).

use std::io::BufRead;

use super::error::TraceError;
use super::mapped::{MoreColumns, csv_rows, record};
use super::record::CallEnd;
use super::sink::{Reading, RecordSink};
use super::{Columns, TimeUnit};

/// Reads the CSV. The kind of log, `Conversation log` or `API log`, is its client.
pub(super) fn read(bytes: impl BufRead) -> Result<Reading, TraceError> {
    let names = Columns {
        at: "Timestamp".to_owned(),
        at_unit: TimeUnit::Seconds,
        input: "Request tokens".to_owned(),
        output: "Response tokens".to_owned(),
        session: Some("Session ID".to_owned()),
    };
    let more = MoreColumns {
        model: Some("Model".to_owned()),
        client: Some("Log Type".to_owned()),
        latency: Some("Elapsed time".to_owned()),
        latency_unit: Some(TimeUnit::Seconds),
        ..MoreColumns::default()
    };
    let needed = ["Timestamp", "Model", "Request tokens", "Response tokens"];
    let mut sink = RecordSink::default();
    csv_rows(bytes, &needed, &mut sink, |sink, cell| {
        let (at_ns, mut call) = record(sink, &names, &more, cell)?;
        if call.output == 0 {
            call.end = CallEnd::Failed;
        }
        sink.take(at_ns, call, &[]);
        Ok(())
    })?;
    sink.finish()
}
