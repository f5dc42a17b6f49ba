mod catalogue;

use super::*;
use crate::domain::{ModelPrices, ScopeKind, Term};
use crate::units::{PicoPerToken, RequestsPerMinute, Tokens, TokensPerDay, TokensPerMinute};

const BOOK: &str = "2026-11-22";

fn prices_of(catalogue: &Catalogue, model: &str) -> ModelPrices {
    catalogue.prices(BOOK).unwrap().models[model].clone()
}

#[test]
fn built_in_files_load_under_their_stems() {
    let catalogue = Catalogue::builtin();
    for &(kind, path, text) in builtin::FILES {
        let name = stem(path);
        assert!(catalogue.names(kind).contains(&name), "{path}");
        assert_eq!(catalogue.hash_of(kind, name), Some(sha256(text).as_str()));
        assert!(!catalogue.figures(kind, name).is_empty(), "{path}");
    }
    let book = catalogue.latest_prices().unwrap();
    assert_eq!(book.name, BOOK);
    for name in catalogue.names(ProfileKind::Model) {
        let model = catalogue.model(name).unwrap();
        assert_eq!(model.name, name);
        assert_eq!(
            catalogue.latency(&model.latency).unwrap().name,
            model.latency
        );
        let prices = &book.models[name];
        for quota in &model.quotas {
            assert!(
                prices.tokens_in(quota.kind).is_some(),
                "{name} {}",
                quota.kind
            );
        }
        assert_eq!(model.offers.reserved, !prices.reserved.is_empty(), "{name}");
    }
}

#[test]
fn the_list_of_built_in_files_is_complete() {
    for kind in ProfileKind::ALL {
        let folder = format!("{}/profiles/{}", env!("CARGO_MANIFEST_DIR"), kind.folder());
        let mut on_disk: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|file| file.strip_suffix(".toml").map(str::to_owned))
            .collect();
        on_disk.sort();
        assert_eq!(Catalogue::builtin().names(kind), on_disk);
    }
}

#[test]
fn sha256_is_the_standard_one() {
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(sha256("abc"), abc);
}

#[test]
fn reserving_breaks_even_at_full_use_or_nine_tenths() {
    // u* = r / (60,000 p), for input and output alike.
    let catalogue = Catalogue::builtin();
    let mut seen = 0;
    for (name, prices) in &catalogue.prices(BOOK).unwrap().models {
        for price in &prices.reserved {
            let tokens = prices.tokens_in(price.kind).unwrap();
            let want = match price.term {
                Term::OneMonth => 1.0,
                Term::ThreeMonths => 0.9,
                term => panic!("{name} has a term of {term}"),
            };
            for (hour, token) in [
                (price.input_per_hour_per_1k_tpm, tokens.input),
                (price.output_per_hour_per_1k_tpm, tokens.output),
            ] {
                let share = hour.0 as f64 / (60_000.0 * token.0 as f64);
                assert!((share - want).abs() < 1e-12, "{name}: {share}");
            }
            assert_eq!(price.min_input, TokensPerMinute(100_000));
            assert_eq!(price.min_output, TokensPerMinute(10_000));
            assert_eq!(price.source.status, FactStatus::ThirdParty);
            seen += 1;
        }
    }
    assert_eq!(seen, 20, "five models, two scopes, two terms");
}

#[test]
fn limits_and_quotas_are_those_of_the_documentation() {
    let catalogue = Catalogue::builtin();
    let check = |name: &str, kind, burndown, tpm, rpm: Option<u64>, tpd| {
        let model = catalogue.model(name).unwrap();
        let quota = model.quota(kind).unwrap();
        assert_eq!(model.burndown, burndown, "{name}");
        assert_eq!(quota.tpm, TokensPerMinute(tpm), "{name}");
        assert_eq!(quota.rpm, rpm.map(RequestsPerMinute), "{name}");
        assert_eq!(quota.tpd, Some(TokensPerDay(tpd)), "{name}");
    };
    let (m, g) = (1_000_000, 1_000_000_000);
    check(
        "claude-haiku-4-5",
        ScopeKind::Geo,
        5,
        5 * m,
        Some(10_000),
        7200 * m,
    );
    check(
        "claude-sonnet-4-6",
        ScopeKind::Global,
        5,
        6 * m,
        Some(10_000),
        8640 * m,
    );
    check(
        "claude-opus-4-6",
        ScopeKind::Geo,
        5,
        3 * m,
        Some(10_000),
        4320 * m,
    );
    check("claude-sonnet-5", ScopeKind::Geo, 10, 6 * m, None, 8640 * m);
    check(
        "claude-opus-5",
        ScopeKind::Global,
        10,
        30 * m,
        None,
        43_200 * m,
    );
    check(
        "nova-2-lite",
        ScopeKind::Geo,
        1,
        8 * m,
        Some(2_000),
        11_520 * m,
    );
    // Published: 5.76G tokens per day for Nova Lite, 1.44G for Nova Pro, before doubling.
    check(
        "nova-lite",
        ScopeKind::InRegion,
        1,
        4 * m,
        Some(2_000),
        576 * g / 100,
    );
    check(
        "nova-pro",
        ScopeKind::InRegion,
        1,
        m,
        Some(250),
        144 * g / 100,
    );
    check(
        "llama-3-1-70b",
        ScopeKind::InRegion,
        1,
        300_000,
        Some(400),
        432 * m,
    );
    check(
        "llama-3-1-70b",
        ScopeKind::Geo,
        1,
        600_000,
        Some(800),
        864 * m,
    );

    let sonnet = catalogue.model("claude-sonnet-4-6").unwrap();
    assert_eq!(sonnet.max_output, Tokens(64_000));
    assert_eq!(sonnet.cache.as_ref().unwrap().min_tokens, Tokens(1024));
    assert!(sonnet.quota(ScopeKind::InRegion).is_none());
    let provisioned = |name| catalogue.model(name).unwrap().offers.provisioned;
    assert!(provisioned("llama-3-1-70b") && provisioned("nova-pro"));
    assert!(!provisioned("claude-haiku-4-5"));
}

#[test]
fn a_prefix_may_have_its_own_price() {
    use crate::domain::Scope;
    let nova = prices_of(&Catalogue::builtin(), "nova-lite");
    let input = |prefix: &str| nova.tokens_for(&Scope::Geo(prefix.into())).unwrap().input;
    assert_eq!(input("us"), PicoPerToken::from_dollars_per_million(0.06));
    assert_eq!(input("eu"), PicoPerToken::from_dollars_per_million(0.078));
    assert!(nova.tokens_for(&Scope::Global).is_none());
}

#[test]
fn long_prompts_of_sonnet_4_5_cost_more() {
    let sonnet = prices_of(&Catalogue::builtin(), "claude-sonnet-4-5");
    let step = sonnet
        .tokens_in(ScopeKind::Global)
        .unwrap()
        .long_context
        .clone()
        .unwrap();
    assert_eq!(step.above, Tokens(200_000));
    assert_eq!(
        step.prices.output,
        PicoPerToken::from_dollars_per_million(22.5)
    );
}

#[test]
fn latencies_carry_the_word_of_their_weaker_part() {
    let catalogue = Catalogue::builtin();
    let word = |name: &str| catalogue.latency(name).unwrap().origin.to_string();
    assert_eq!(word("claude-sonnet-4-6"), "fitted");
    assert_eq!(word("nova-pro"), "fitted");
    // Its law does not foretell later answers.
    assert_eq!(word("nova-2-lite"), "assumed");
    assert_eq!(word("claude-haiku-4-5"), "assumed");
    // TTFT is fitted on Bedrock, the speed is not.
    assert_eq!(word("claude-opus-4-6"), "assumed");
    let words: Vec<_> = catalogue
        .latency_notes("claude-opus-4-6")
        .iter()
        .map(|note| format!("{} {} {}", note.part, note.origin, note.samples))
        .collect();
    assert_eq!(words, ["ttft fitted 56", "tpot assumed 1397"]);
}

#[test]
fn figures_name_source_date_and_code() {
    let catalogue = Catalogue::builtin();
    let used = catalogue.figures_used("claude-sonnet-4-6", BOOK);
    let tpm = used
        .iter()
        .find(|figure| figure.what == "quota.geo.tpm")
        .unwrap();
    assert_eq!(tpm.code.as_deref(), Some("L-15B8E632"));
    assert_eq!(tpm.fact.as_of, "2026-10-01");
    for part in [
        "model.claude-sonnet-4-6.usd_per_million_tokens.geo",
        "latency.ttft.base",
    ] {
        assert!(used.iter().any(|figure| figure.what == part), "{part}");
    }
    assert!(used.iter().all(|figure| !figure.fact.source.is_empty()));
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let error = Catalogue::builtin().model("claude-sonet-4-6").unwrap_err();
    insta::assert_snapshot!(format!("{error}; {}", error.help()), @r#"no model is named `claude-sonet-4-6`; did you mean `claude-sonnet-4-6`? known: `claude-3-5-haiku`, `claude-3-5-sonnet-v2`, `claude-3-7-sonnet`, `claude-3-haiku`, `claude-fable-5`, `claude-fable-5-1`, `claude-haiku-4-5`, `claude-haiku-5-5`, `claude-opus-4`, `claude-opus-4-1`, `claude-opus-4-5`, `claude-opus-4-6`, `claude-opus-4-7`, `claude-opus-4-8`, `claude-opus-5`, `claude-opus-5-5`, `claude-sonnet-4`, `claude-sonnet-4-5`, `claude-sonnet-4-6`, `claude-sonnet-5`, `claude-sonnet-5-5`, `gpt-5-6-luna`, `gpt-5-6-sol`, `gpt-5-6-terra`, `llama-3-1-405b`, `llama-3-1-70b`, `llama-3-1-8b`, `llama-3-3-70b`, `llama-4-maverick`, `llama-4-scout`, `nova-2-lite`, `nova-lite`, `nova-micro`, `nova-premier`, `nova-pro`"#);
}

fn overlay(kind: ProfileKind, path: &str, text: &str) -> Result<Catalogue, Vec<ConfigError>> {
    Catalogue::load([(kind, Source::new(path, text))])
}

#[test]
fn a_file_of_ones_own_changes_only_its_keys() {
    let text = "base = \"claude-sonnet-4-6\"\n[quota.geo]\ntpm = \"12M\"\n";
    let catalogue = overlay(ProfileKind::Model, "mine/claude-sonnet-4-6.toml", text).unwrap();
    let model = catalogue.model("claude-sonnet-4-6").unwrap();
    let geo = model.quota(ScopeKind::Geo).unwrap();
    assert_eq!(geo.tpm, TokensPerMinute(12_000_000));
    assert_eq!(geo.rpm, Some(RequestsPerMinute(10_000)));
    assert_eq!(geo.source.source, "mine/claude-sonnet-4-6.toml");
    assert_eq!(
        model.quota(ScopeKind::Global).unwrap().tpm,
        TokensPerMinute(6_000_000)
    );
    let kind = ProfileKind::Model;
    assert_eq!(
        catalogue.hash_of(kind, &model.name),
        Some(sha256(text).as_str())
    );
    assert_eq!(
        catalogue.file_of(kind, &model.name),
        Some("mine/claude-sonnet-4-6.toml")
    );

    let text = "base = \"nova-lite\"\n[ttft]\nnoise = { knots = { ln_q = [] } }\n";
    let error = overlay(ProfileKind::Latency, "mine.toml", text).unwrap_err();
    assert!(
        error[0].to_string().contains("`ln_q` needs 65 values"),
        "{}",
        error[0]
    );
    let text = "base = \"nova-lite\"\n[ttft]\nnoise = \"none\"\n";
    let catalogue = overlay(ProfileKind::Latency, "mine.toml", text).unwrap();
    assert!((catalogue.latency("mine").unwrap().ttft_noise.at(2.0) - 1.0).abs() < 1e-12);
}

fn complaint(kind: ProfileKind, text: &str) -> String {
    let errors = overlay(kind, "mine.toml", text).unwrap_err();
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    errors.join("\n")
}

#[test]
fn bad_model_files_say_what_where_and_how() {
    insta::assert_snapshot!(complaint(ProfileKind::Model, "\
title = \"Mine\"
latency = \"nova-lit\"
[limits]
model_id = \"x\"
max_input = { value = \"1M\", sorce = \"GR\" }
burndown = 0
[quota.geo]
tpm = { value = \"6M\", source = \"GR\" }
[quota.golbal]
[offers]
provisioned = false
reserved = false
batch = \"no\"
[destinations]
us = []
[sources]
GQ = { text = \"somewhere\", as_of = \"2026-02-30\" }
"), @r#"
    mine.toml:3:1: `limits` needs `max_output` (`max_output` is missing); add `max_output`, a number of tokens
    mine.toml:5:29: unknown key `sorce` (not a key of a figure); did you mean `source`? known keys: `value`, `source`, `status`, `code`
    mine.toml:6:12: `burndown` must be at least 1 (is 0); use a whole number from 1 on
    mine.toml:9:8: unknown key `golbal` (not a key of this table); did you mean `global`? known keys: `in-region`, `geo`, `global`, `mantle`, `latency_optimized`
    mine.toml:13:9: expected `true` or `false` for `batch`, found the string `"no"` (is a string); write `true` or `false` without quotes
    mine.toml:15:6: `us` has no destination (is empty); name at least one Region
    mine.toml:17:36: `as_of` is not a date: the string `"2026-02-30"` (not a day of the calendar); write year, month and day like `"2026-11-22"`
    "#);
    let wrong = "base = \"nova-lite\"\nlatency = \"nova-lit\"\n";
    insta::assert_snapshot!(complaint(ProfileKind::Model, wrong), @r#"mine.toml:2:11: no latency profile is named `nova-lit` (not a known name); did you mean `nova-lite`? known: `claude-3-5-haiku`, `claude-3-5-sonnet`, `claude-haiku-4-5`, `claude-opus-4-1`, `claude-opus-4-6`, `claude-opus-5`, `claude-sonnet-4-5`, `claude-sonnet-4-6`, `claude-sonnet-5`, `gpt-5-6`, `llama-3-1-70b`, `llama-4`, `nova-2-lite`, `nova-lite`, `nova-micro`, `nova-premier`, `nova-pro`"#);
    insta::assert_snapshot!(complaint(ProfileKind::Model, "base = \"nova-light\"\n"), @r#"mine.toml:1:8: no model is named `nova-light` (not a known name); did you mean `nova-lite`? known: `claude-3-5-haiku`, `claude-3-5-sonnet-v2`, `claude-3-7-sonnet`, `claude-3-haiku`, `claude-fable-5`, `claude-fable-5-1`, `claude-haiku-4-5`, `claude-haiku-5-5`, `claude-opus-4`, `claude-opus-4-1`, `claude-opus-4-5`, `claude-opus-4-6`, `claude-opus-4-7`, `claude-opus-4-8`, `claude-opus-5`, `claude-opus-5-5`, `claude-sonnet-4`, `claude-sonnet-4-5`, `claude-sonnet-4-6`, `claude-sonnet-5`, `claude-sonnet-5-5`, `gpt-5-6-luna`, `gpt-5-6-sol`, `gpt-5-6-terra`, `llama-3-1-405b`, `llama-3-1-70b`, `llama-3-1-8b`, `llama-3-3-70b`, `llama-4-maverick`, `llama-4-scout`, `nova-2-lite`, `nova-lite`, `nova-micro`, `nova-premier`, `nova-pro`"#);
}

#[test]
fn bad_price_books_say_what_where_and_how() {
    insta::assert_snapshot!(complaint(ProfileKind::Prices, "\
as_of = \"22.11.2026\"
[model.x.usd_per_million_tokens]
geo = { input = -3.0, ouput = 15.0 }
gloabl = { input = 1.0, output = 5.0 }
[model.x.reserved]
min_input = \"100k\"
min_output = \"10k\"
usd_per_hour_per_1k_tpm = [{ scope = \"geo\", term = \"2-month\", input = 1.0, output = 1.0 }]
[model.y]
source = \"table\"
[model.y.usd_per_million_tokens]
"), @r#"
    mine.toml:1:9: `as_of` is not a date: the string `"22.11.2026"` (not a day of the calendar); write year, month and day like `"2026-11-22"`
    mine.toml:3:7: `geo` needs `output` (`output` is missing); add `output`, a number
    mine.toml:3:17: `input` must be at least 0 and at most 1000000 (is -3); use a number that is at least 0 and at most 1000000
    mine.toml:3:23: unknown key `ouput` (not a key of this table); did you mean `output`? known keys: `input`, `output`, `cache_write_5m`, `cache_write_1h`, `cache_read`
    mine.toml:4:1: unknown key `gloabl` (not a key of this table); did you mean `global`? known keys: `in-region`, `geo`, `global`, `us`, `eu`, `apac`, `jp`, `au`, `ca`, `in`, `us-gov`
    mine.toml:8:52: `term` cannot be `"2-month"` (unknown choice); did you mean `"6-month"`? use one of `"hourly"`, `"1-month"`, `"3-month"`, `"6-month"`
    mine.toml:10:10: `source` names no source of this file (unknown source); add a table `[sources]` with it
    mine.toml:11:1: `usd_per_million_tokens` has no scope; add `geo`, `global` or `in-region`
    "#);
}

#[test]
fn bad_latency_files_say_what_where_and_how() {
    let falling: Vec<String> = (0..65)
        .map(|i| format!("{:.1}", -f64::from(i) / 10.0))
        .collect();
    insta::assert_snapshot!(complaint(ProfileKind::Latency, &format!("\
[ttft]
origin = \"guessed\"
base = 300
source = \"me\"
as_of = \"2026-11-22\"
noise = {{ quantiles = {{ p50 = 2.0, p95 = 1.5 }} }}
[tpot]
origin = \"fitted\"
per_output_token = \"9ms\"
source = \"me\"
as_of = 2026-11-22
noise = {{ knots = {{ ln_q = [{}] }} }}
", falling.join(", "))), @r#"
    mine.toml:2:10: `origin` cannot be `"guessed"` (unknown choice); use one of `"measured"`, `"fitted"`, `"assumed"`
    mine.toml:3:8: expected a duration for `base`, found the integer `300` (has no unit); write it like `"250ms"`, `"2.5s"`, `"1h30m"`
    mine.toml:6:42: `p95` must be at least `p50`, which is 2 (is 1.5); swap them, or measure anew
    mine.toml:12:28: `ln_q` must not fall from one knot to the next (value 2 is below value 1); quantiles grow with z: sort the values
    "#);
}
