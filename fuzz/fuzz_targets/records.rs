//! Any bytes in one format of logged calls, which the first byte chooses: what is read survives the compact format.
#![no_main]

use bedload::load::trace::{
    Columns, ReadOptions, TimeUnit, TraceFormat, read_all, write_records,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else {
        return;
    };
    let (_, format) = TraceFormat::NAMES[usize::from(*choice) % TraceFormat::NAMES.len()];
    let options = ReadOptions {
        columns: Some(Columns {
            at: "at".to_owned(),
            at_unit: TimeUnit::Timestamp,
            input: "input".to_owned(),
            output: "output".to_owned(),
            session: None,
        }),
        ..ReadOptions::default()
    };
    let Ok(reading) = read_all(format, &options, bytes) else {
        return;
    };
    let text = write_records(&reading.recorded, "fuzz", "none");
    let again = read_all(TraceFormat::Bedload, &options, text.as_bytes());
    let again = again.expect("what was written can be read").recorded;
    assert_eq!(again.calls.len(), reading.recorded.calls.len());
});
