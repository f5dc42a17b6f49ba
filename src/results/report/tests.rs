use super::Report;
use crate::results::REPORT_JSON_SCHEMA;

/// The schema as the types and their docs have it, kept in `report.schema.json`.
///
/// `BEDLOAD_UPDATE=1 cargo test --lib report_schema` writes it anew.
#[test]
fn the_report_schema_is_that_of_the_types() {
    let schema = schemars::schema_for!(Report);
    let mut text = serde_json::to_string_pretty(&schema).unwrap();
    text.push('\n');
    if std::env::var_os("BEDLOAD_UPDATE").is_some() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/results/report.schema.json"
        );
        std::fs::write(file, text).unwrap();
        return;
    }
    assert_eq!(text, REPORT_JSON_SCHEMA);
}
