//! `profiles/prices/update.py`: price tables into price books, and what changed between two.

use bedload::config::Source;
use bedload::domain::{PriceTier, Scope, ScopeKind};
use bedload::profile::{Catalogue, ProfileKind};
use bedload::units::Usd;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of this test under the build's folder for such things, empty at the start.
fn place(name: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("price_update")
        .join(name);
    // It is not there on the first run.
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(place.join("models")).unwrap();
    place
}

fn update(place: &Path, args: &[&str]) -> Output {
    Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/prices/update.py"))
        .args(args)
        .current_dir(place)
        .output()
        .expect("python3 can be started")
}

fn told(output: &Output) -> String {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
    String::from_utf8(output.stdout.clone()).unwrap()
}

const BASE: &str = r#"
as_of = "2026-01-01"

[sources]
table    = { text = "an older table", as_of = "2026-01-01" }
reserved = { text = "a note", as_of = "2026-01-01" }

[model.claude-opus-5]
source = "table"

[model.claude-opus-5.usd_per_million_tokens]
geo    = { input = 5.50, output = 27.50, cache_read = 0.55 }
global = { input = 5.00, output = 25.00, cache_read = 0.50 }

[model.claude-opus-5.reserved]
source     = "reserved"
min_input  = "100k"
min_output = "10k"
usd_per_hour_per_1k_tpm = [
    { scope = "global", term = "1-month", input = 0.30, output = 1.50 },
]

[model.nova-lite]
source = "table"

[model.nova-lite.usd_per_million_tokens]
geo = { input = 0.06, output = 0.24 }

[model.titan]
source = "table"

[model.titan.usd_per_million_tokens]
in-region = { input = 1.0, output = 2.0 }
"#;

/// Dollars per token, as litellm writes them.
const TABLE: &str = r#"{
  "anthropic.claude-opus-5": {"input_cost_per_token": 4e-06, "output_cost_per_token": 2e-05,
    "cache_read_input_token_cost": 4e-07},
  "global.anthropic.claude-opus-5": {"input_cost_per_token": 4e-06, "output_cost_per_token": 2e-05,
    "cache_read_input_token_cost": 4e-07},
  "us.anthropic.claude-opus-5": {"input_cost_per_token": 4.4e-06, "output_cost_per_token": 2.2e-05,
    "cache_read_input_token_cost": 4.4e-07},
  "us-gov.anthropic.claude-opus-5": {"input_cost_per_token": 4.8e-06,
    "output_cost_per_token": 2.4e-05, "cache_read_input_token_cost": 4.8e-07},
  "amazon.nova-pro-v1:0": {"input_cost_per_token": 8e-07, "output_cost_per_token": 3.2e-06,
    "input_cost_per_token_flex": 4e-07, "output_cost_per_token_flex": 1.6e-06,
    "input_cost_per_token_above_100k_tokens": 4e-06,
    "output_cost_per_token_above_100k_tokens": 1.6e-05},
  "bedrock/eu-west-2/amazon.nova-pro-v1:0": {"input_cost_per_token": 9e-07,
    "output_cost_per_token": 3.6e-06},
  "bedrock/guardrails": {"guardrail_cost_per_unit": {"automatedReasoningPolicyUnits": 0.00017,
    "contentPolicyImageUnits": 0.00075, "contentPolicyUnits": 0.0002,
    "contextualGroundingPolicyUnits": 0.0001, "sensitiveInformationPolicyFreeUnits": 0.0,
    "sensitiveInformationPolicyUnits": 0.0001, "topicPolicyUnits": 0.00015, "wordPolicyUnits": 0.0}},
  "some-other-model": {"input_cost_per_token": 1.0}
}"#;

const OPUS: &str = r#"
[limits]
model_id = { value = "anthropic.claude-opus-5", source = "x" }
[quota.geo]
tpm = "30M"
[quota.global]
tpm = "30M"
[offers]
batch = { value = true, source = "x" }
flex = false
"#;

const PRO: &str = r#"
[limits]
model_id = "amazon.nova-pro-v1:0"
[quota.in-region]
tpm = "1M"
[quota.geo]
tpm = "2M"
[offers]
batch = false
flex = true
"#;

const LITE: &str = r#"
[limits]
model_id = "amazon.nova-lite-v1:0"
[quota.geo]
tpm = "8M"
[offers]
batch = false
"#;

#[test]
fn a_newer_table_makes_a_newer_book() {
    let place = place("newer");
    let write = |name: &str, text: &str| std::fs::write(place.join(name), text).unwrap();
    write("2026-01-01.toml", BASE);
    write("table.json", TABLE);
    write("models/claude-opus-5.toml", OPUS);
    write("models/nova-pro.toml", PRO);
    write("models/nova-lite.toml", LITE);
    write("models/nova-micro.toml", &LITE.replace("lite", "micro"));
    let args = [
        "table.json",
        "--base",
        "2026-01-01.toml",
        "--models",
        "models",
        "--as-of",
        "2026-02-01",
        "--table-name",
        "litellm 9",
    ];
    insta::assert_snapshot!(told(&update(&place, &args)), @"
    wrote 2026-02-01.toml
    not in the table, kept from 2026-01-01.toml: nova-lite, titan
    has a profile but no price: nova-micro
    prices of 2026-01-01 -> 2026-02-01
      claude-opus-5          batch                    times                  new: 0.50
      claude-opus-5          geo                      cache_read             0.55 -> 0.44  -20.0%
      claude-opus-5          geo                      input                  5.50 -> 4.40  -20.0%
      claude-opus-5          geo                      output                 27.50 -> 22.00  -20.0%
      claude-opus-5          global                   cache_read             0.50 -> 0.40  -20.0%
      claude-opus-5          global                   input                  5.00 -> 4.00  -20.0%
      claude-opus-5          global                   output                 25.00 -> 20.00  -20.0%
      claude-opus-5          us-gov                   cache_read             new: 0.48
      claude-opus-5          us-gov                   input                  new: 4.80
      claude-opus-5          us-gov                   output                 new: 24.00
    + guardrail appeared, 7 prices
    + nova-pro appeared, 11 prices
    12 differences
    ");

    // The program reads what was written, and finds in it what the table says.
    let text = std::fs::read_to_string(place.join("2026-02-01.toml")).unwrap();
    let book = Source::new("2026-02-01.toml", &*text);
    let catalogue = Catalogue::load([(ProfileKind::Prices, book)]).unwrap();
    let book = catalogue.prices("2026-02-01").unwrap();
    let opus = &book.models["claude-opus-5"];
    let input = |scope| opus.tokens_for(&scope).unwrap().input.0;
    assert_eq!(input(Scope::Global), 4_000_000);
    assert_eq!(input(Scope::Geo("us-gov".to_owned())), 4_800_000);
    assert_eq!(
        opus.tokens_as(PriceTier::Batch, &Scope::Global)
            .unwrap()
            .input
            .0,
        2_000_000
    );
    assert_eq!(opus.reserved.len(), 1);
    let pro = &book.models["nova-pro"];
    let at = |region: &str| pro.tokens_for(&Scope::InRegion(region.to_owned())).unwrap();
    assert_eq!(at("us-east-1").input.0, 800_000);
    assert_eq!(at("eu-west-2").input.0, 900_000);
    assert_eq!(
        at("us-east-1").long_context.as_ref().unwrap().above.0,
        100_000
    );
    assert!(
        book.models["titan"]
            .tokens_in(ScopeKind::InRegion)
            .is_some()
    );
    assert_eq!(
        book.guardrail.as_ref().unwrap().content,
        Usd::from_dollars(0.0002)
    );

    // A second time there is a file, which stays as it is.
    let again = update(&place, &args);
    assert!(!again.status.success());
    let why = String::from_utf8(again.stderr).unwrap();
    assert!(why.contains("2026-02-01.toml is there already"), "{why}");
    assert_eq!(
        std::fs::read_to_string(place.join("2026-02-01.toml")).unwrap(),
        text
    );
}

#[test]
fn two_books_are_compared_price_by_price() {
    let place = place("diff");
    std::fs::write(place.join("old.toml"), BASE).unwrap();
    let new = BASE
        .replace("2026-01-01\"\n\n[sources", "2026-03-01\"\n\n[sources")
        .replace("output = 1.50", "output = 1.35")
        .replace("input = 0.06,", "input = 0.066,")
        .replace("[model.titan", "[model.titan-2");
    std::fs::write(place.join("new.toml"), new).unwrap();
    insta::assert_snapshot!(told(&update(&place, &["--diff", "old.toml", "new.toml"])), @"
    prices of 2026-01-01 -> 2026-03-01
      claude-opus-5          reserved global 1-month  output                 1.50 -> 1.35  -10.0%
      nova-lite              geo                      input                  0.06 -> 0.066  +10.0%
    - titan vanished, 2 prices
    + titan-2 appeared, 2 prices
    4 differences
    ");
    let same = update(&place, &["--diff", "old.toml", "old.toml"]);
    assert!(told(&same).ends_with("no difference\n"));
}

#[test]
fn what_is_wrong_is_said_without_a_traceback() {
    let place = place("wrong");
    std::fs::write(place.join("book.toml"), BASE).unwrap();
    std::fs::write(place.join("list.json"), "[1]").unwrap();
    for (args, why) in [
        (&["--diff", "absent.toml", "book.toml"][..], "absent.toml"),
        (
            &["list.json", "--base", "book.toml"][..],
            "expected a table of models, found list",
        ),
        (
            &["list.json", "--base", "book.toml", "--as-of", "today"][..],
            "write it like 2026-11-22",
        ),
        (&[][..], "name a price table"),
    ] {
        let output = update(&place, args);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{args:?}");
        assert!(
            told.contains(why) && !told.contains("Traceback"),
            "{args:?}: {told}"
        );
    }
}

/// The built-in book is what the script makes of the table that it names.
#[test]
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
fn the_built_in_book_can_be_made_again() {
    let Some(folder) = std::env::var_os("BEDLOAD_DATA") else {
        eprintln!("not run: BEDLOAD_DATA names no folder with price_crosscheck");
        return;
    };
    let table = Path::new(&folder).join("price_crosscheck/litellm_bedrock_entries.json.gz");
    let place = place("again");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let built_in = std::fs::read_to_string(root.join("prices/2026-11-22.toml")).unwrap();
    std::fs::write(place.join("base.toml"), &built_in).unwrap();
    let (table, models) = (table.to_str().unwrap(), root.join("models"));
    let output = update(
        &place,
        &[
            table,
            "--base",
            "base.toml",
            "--models",
            models.to_str().unwrap(),
            "--as-of",
            "2026-11-22",
            "--table-name",
            "litellm 1.109.1",
        ],
    );
    assert!(told(&output).ends_with("no difference\n"));
    let made = std::fs::read_to_string(place.join("2026-11-22.toml")).unwrap();
    assert_eq!(made, built_in);
}
