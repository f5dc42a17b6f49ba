//! Any text as a line of an invocation log and as exported metrics: it is read or refused, and nothing panics.
#![no_main]

use bedload::load::trace::{CallRow, Names, Salt, parse_line, records_in, row_of};
use bedload::recorded::{Metrics, read_metrics};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(call) = parse_line(text) {
        let row = row_of(&call, &mut Names::default(), &[], Salt::of(b"fuzz"));
        let mut bytes = Vec::new();
        row.encode(&mut bytes);
        let head = bytes.first_chunk().expect("a row has a head");
        assert_eq!(CallRow::decode(head, &bytes[CallRow::HEAD..]), row);
    }
    let _ = records_in(text);
    let mut metrics = Metrics::default();
    if read_metrics(&mut metrics, text).is_ok() {
        let _ = metrics.shape("fuzz");
    }
});
