//! What a model does not have is said before anything runs: what, who says so, what else to do.

use bedload::config::Source;
use bedload::profile::Catalogue;
use bedload::scenario::{Files, read};
use bedload::sim::assemble;

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("no files here".to_owned())
    }
}

/// A scenario of one workload, with more keys for it and tables after it.
fn scenario(model: &str, workload: &str, tables: &str) -> String {
    format!(
        "name = \"w\"\nduration = \"1m\"\n[[workload]]\nname = \"w\"\nmodel = \"{model}\"\n\
         arrival.poisson = {{ rate = \"1/s\" }}\ntokens.input = {{ fixed = 900 }}\n\
         tokens.output = {{ fixed = 200 }}\n{workload}\n{tables}\n"
    )
}

fn complaint(text: &str) -> String {
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    let loaded = read(&Source::new("w.toml", text), &[], &NoFiles).unwrap();
    match assemble(&loaded, &catalogue, book) {
        Ok(_) => "was accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn offers_that_a_model_lacks_are_refused() {
    let units = "[capacity.provisioned]\nmodel_units = 1\nunit_input_tpm = \"1M\"\n\
                 unit_output_tpm = \"100k\"\nterm = \"1-month\"";
    let reserved = "[capacity.reserved]\ninput_tpm = \"100k\"\noutput_tpm = \"10k\"";
    let cases = [
        scenario("claude-opus-5-5", "batch = {}", ""),
        scenario("claude-sonnet-4-6", "tier = \"flex\"", ""),
        scenario(
            "nova-premier",
            "latency_optimized = true",
            "[capacity]\non_demand.scope = \"us\"",
        ),
        scenario("claude-opus-5", "", reserved),
        scenario("claude-sonnet-4-6", "", units),
        scenario("claude-opus-5", "", units),
    ];
    insta::assert_snapshot!(cases.map(|text| complaint(&text)).join("\n"), @"");
}

#[test]
fn limits_of_a_model_are_kept() {
    let on = |capacity: &str| format!("[capacity]\non_demand.{capacity}");
    let cases = [
        scenario("llama-4-scout", "", &on("scope = \"global\"")),
        scenario("claude-fable-5", "", &on("scope = \"eu\"")),
        scenario("claude-opus-5-5", "", &on("region = \"us-east-1\"")),
        scenario(
            "claude-3-7-sonnet",
            "cache = { prefix_tokens = 2000, ttl = \"1h\" }",
            &on("scope = \"us\""),
        ),
        scenario("claude-3-haiku", "max_tokens = 8000", &on("scope = \"us\"")),
        scenario("nova-micro", "", &on("scope = \"us\"")).replace(
            "tokens.input = { fixed = 900 }",
            "tokens.input = { fixed = 200000 }",
        ),
    ];
    insta::assert_snapshot!(cases.map(|text| complaint(&text)).join("\n"), @"");
    let in_london = scenario("claude-opus-5-5", "", &on("region = \"eu-west-2\""));
    assert_eq!(complaint(&in_london), "was accepted");
}
