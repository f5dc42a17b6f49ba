//! Any bytes as a scenario file: they are read or refused with places, and nothing panics.
#![no_main]

use bedload::config::Source;
use bedload::scenario::{Files, read};
use libfuzzer_sys::fuzz_target;

/// Files that a scenario names, in memory: always the same small trace.
struct OneTrace;

impl Files for OneTrace {
    fn open(&self, _path: &str) -> Result<Vec<u8>, String> {
        Ok(include_bytes!("../seeds/trace/azure.csv").to_vec())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let read = Source::from_bytes("fuzzed.toml", bytes).and_then(|s| read(&s, &[], &OneTrace));
    if let Err(error) = read {
        let _ = error.to_string();
        let _ = error.render(80, false);
    }
});
