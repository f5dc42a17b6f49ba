//! Any bytes as recorded traffic: they are read or refused with line numbers, and nothing panics.
#![no_main]

use bedload::load::trace::{Columns, TimeUnit, TraceFormat, read, read_recording, read_records};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let columns = Columns {
        at: "at".to_owned(),
        at_unit: TimeUnit::Millis,
        input: "input".to_owned(),
        output: "output".to_owned(),
        session: Some("session".to_owned()),
    };
    for (_, format) in TraceFormat::NAMES {
        if let Err(error) = read(format, Some(&columns), bytes) {
            let _ = error.to_string();
        }
        let _ = read_records(format, Some(&columns), bytes);
    }
    let _ = TraceFormat::detect("traffic", bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = read_recording(text);
    }
});
