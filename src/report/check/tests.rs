//! How previews look, and that the document keeps to its schema.

use super::*;
use crate::config::Source;
use crate::plan::preview;
use crate::profile::Catalogue;
use crate::scenario::{Files, read};
use crate::sim::assemble;

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("no file {path} in this test"))
    }
}

const SCENARIO: &str = r#"
name = "support-chat"
seed = 7
duration = "1h"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = 16000
arrival.gamma = { rate = "3/s", cv = 2.0 }
tokens.input = { lognormal = { p50 = 900, p99 = 6000 } }
tokens.output = { lognormal = { p50 = 220, p99 = 900 } }
cache = { prefix_tokens = 6000, prefixes = 40, ttl = "5m" }
[[workload]]
name = "agents"
model = "claude-sonnet-4-6"
max_tokens = 1024
arrival.closed = { users = 20, think = { exponential = { mean = "20s" } } }
tokens.input = { fixed = "4k" }
tokens.output = { lognormal = { p50 = 250, p99 = 1200 } }
[quota]
tpm = "2M"
[client]
concurrency = 20
[[variant]]
name = "on-demand"
capacity.on_demand = { scope = "us" }
[[variant]]
name = "small-max-tokens"
[[variant.workload]]
name = "chat"
max_tokens = 1500
[[variant]]
name = "reserved"
capacity.reserved = { input_tpm = "300k", output_tpm = "30k", term = "1-month", overflow = "standard" }
"#;

fn seen() -> Vec<(String, Preview)> {
    let catalogue = Catalogue::builtin();
    let loaded = match read(&Source::new("s.toml", SCENARIO), &[], &NoFiles) {
        Ok(loaded) => loaded,
        Err(error) => panic!("{error}"),
    };
    let book = catalogue.latest_prices().unwrap();
    let variants = match assemble(&loaded, &catalogue, book) {
        Ok(variants) => variants,
        Err(error) => panic!("{error}"),
    };
    let named = variants.iter().map(|one| {
        let seen = preview(one, loaded.scenario.seed).with_sources(&catalogue);
        (one.context.name.clone(), seen)
    });
    named.collect()
}

fn style(width: u16, color: bool) -> CheckStyle {
    CheckStyle { width, color }
}

#[test]
fn the_text_of_three_variants() {
    insta::assert_snapshot!(terminal("support-chat", &seen(), style(100, false)));
}

#[test]
fn text_keeps_to_the_width_and_colour_only_decorates() {
    let seen = seen();
    let text = terminal("support-chat", &seen, style(100, false));
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert!(!text.contains('\u{1b}'));
    let colored = terminal("support-chat", &seen, style(100, true));
    assert!(colored.contains('\u{1b}'));
    for width in [0, 1, 40, u16::MAX] {
        assert!(terminal("t", &seen, style(width, false)).contains("on-demand"));
    }
}

#[test]
fn the_document_keeps_to_its_schema() {
    let document = json("support-chat", 7, &seen());
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut wrong = document.clone();
    wrong["variants"][0]["cost"]["run_usd"] = "free".into();
    assert!(!validator.is_valid(&wrong));
    assert_eq!(document["schema"], SCHEMA_NAME);
    assert_eq!(document["variants"][2]["quotas"][0]["overflow"], true);
}
