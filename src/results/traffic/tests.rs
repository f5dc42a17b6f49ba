use super::{SynthSummary, TraceStats};
use crate::results::{TRACE_STATS_JSON_SCHEMA, TRACE_SYNTH_JSON_SCHEMA};

fn same(schema: &schemars::Schema, name: &str, kept: &str) {
    let mut text = serde_json::to_string_pretty(schema).unwrap();
    text.push('\n');
    if std::env::var_os("BEDLOAD_UPDATE").is_some() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/results");
        std::fs::write(format!("{folder}/{name}"), text).unwrap();
        return;
    }
    assert_eq!(text, kept);
}

/// The schemas as the types and their docs have them.
///
/// `BEDLOAD_UPDATE=1 cargo test --lib trace_schemas` writes them anew.
#[test]
fn the_trace_schemas_are_those_of_the_types() {
    let stats = schemars::schema_for!(TraceStats);
    same(&stats, "trace-stats.schema.json", TRACE_STATS_JSON_SCHEMA);
    let synth = schemars::schema_for!(SynthSummary);
    same(&synth, "trace-synth.schema.json", TRACE_SYNTH_JSON_SCHEMA);
}
