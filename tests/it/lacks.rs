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
    insta::assert_snapshot!(cases.map(|text| complaint(&text)).join("\n"), @r#"
    w.toml:9:9: Claude Opus 5.5 has no batch inference (docs.aws.amazon.com/bedrock/latest/userguide/model-card-anthropic-claude-opus-5-5.html, read 2026-10-01); leave out `batch`, or choose one that has it: Claude 3.5 Haiku, Claude 3.5 Sonnet v2, Claude 3.7 Sonnet, Claude 3 Haiku, Claude Haiku 4.5, Claude Opus 4.5, Claude Opus 4.6, Claude Opus 5, Claude Sonnet 4, Claude Sonnet 4.5, Claude Sonnet 4.6
    w.toml:9:8: Claude Sonnet 4.6 supports neither Priority nor Flex (docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html and the model cards, read 2026-10-01); leave out `tier`, or choose one that has it: Amazon Nova 2 Lite, Amazon Nova Premier, Amazon Nova Pro
    w.toml:9:21: Amazon Nova Premier has no latency-optimised inference (docs.aws.amazon.com/bedrock/latest/userguide/latency-optimized-inference.html, read 2026-10-01); leave out `latency_optimized`, or choose one that has it: Amazon Nova Pro
    w.toml:10:1: Claude Opus 5 is not in the Reserved tier (docs.aws.amazon.com/bedrock/latest/userguide, model cards, read 2026-10-01); use `capacity.on_demand`; the tier is sold for: Claude Haiku 4.5, Claude Opus 4.5, Claude Opus 4.6, Claude Sonnet 4.5, Claude Sonnet 4.6
    w.toml:10:1: Claude Sonnet 4.6 sells no model units: no current Claude can buy Provisioned Throughput (docs.aws.amazon.com/bedrock/latest/userguide/prov-thru-supported.html, read 2026-10-01); it has the Reserved tier: `capacity.reserved = { input_tpm = …, output_tpm = …, term = "1-month" }`; model units are sold for: Claude 3.5 Sonnet v2, Claude 3 Haiku
    w.toml:10:1: Claude Opus 5 sells no model units: no current Claude can buy Provisioned Throughput (docs.aws.amazon.com/bedrock/latest/userguide/prov-thru-supported.html, read 2026-10-01); use `capacity.on_demand`; model units are sold for: Claude 3.5 Sonnet v2, Claude 3 Haiku
    "#);
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
    insta::assert_snapshot!(cases.map(|text| complaint(&text)).join("\n"), @r#"
    w.toml:10:1: Llama 4 Scout 17B Instruct cannot be called global (`global`); it is offered: geo
    w.toml:10:1: Claude Fable 5 has no inference profile `eu`; it has: us, global
    w.toml:10:1: Claude Opus 5.5 has no in-Region calls in us-east-1; it has them in: eu-west-2
    w.toml:9:39: Claude 3.7 Sonnet keeps cached prefixes for five minutes only; write `ttl = "5m"`
    w.toml:9:14: Claude 3 Haiku answers with at most 4096 tokens; Bedrock refuses more with a ValidationException; lower it, or leave it out to reserve the model's maximum
    w.toml:7:16: Amazon Nova Micro reads at most 128000 tokens, and every prompt has at least 200000; Bedrock refuses longer ones with a ValidationException; shorten the prompts (and `cache.prefix_tokens`, which counts too), or choose another model
    "#);
    let in_london = scenario("claude-opus-5-5", "", &on("region = \"eu-west-2\""));
    assert_eq!(complaint(&in_london), "was accepted");
}
