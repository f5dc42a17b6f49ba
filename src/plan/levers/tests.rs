//! The case studies of the gallery, figure by figure, and what the sentences say of them.

use super::*;
use crate::config::Source;
use crate::scenario::read;
use std::fs;
use std::path::PathBuf;

/// A scenario names its files from the folder of the gallery.
struct Gallery;

impl Files for Gallery {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(gallery().join(path)).map_err(|error| error.to_string())
    }
}

fn gallery() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn study_of_text(text: &str, variant: &str) -> Option<Study> {
    let loaded = read(&Source::new("test.toml", text), &[], &Gallery);
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    let catalogue = Catalogue::builtin();
    let book = catalogue.prices("2026-11-22").unwrap();
    let input = LeverInput {
        loaded: &loaded,
        files: &Gallery,
        catalogue: &catalogue,
        book,
    };
    study(&input, variant)
}

fn case(name: &str, variant: &str) -> Study {
    let text = fs::read_to_string(gallery().join(format!("case-{name}.toml"))).unwrap();
    study_of_text(&text, variant).unwrap()
}

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "got {got}, want {want}");
}

fn all_near(got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        near(*got, *want, tolerance);
    }
}

fn left(falls: &[Fall]) -> Vec<f64> {
    falls.iter().map(|fall| fall.left).collect()
}

/// Start and end of a variant.
fn ends(name: &str, variant: &str) -> (f64, f64) {
    let costs = case(name, variant).costs.unwrap();
    (costs.base(), costs.all())
}

#[test]
fn the_support_bot_falls_as_published() {
    let study = case("support-bot", "opus-5");
    assert_eq!(study.names, ["right-size", "route", "cache", "batch"]);
    assert!(study.missing.is_empty());
    let costs = study.costs.clone().unwrap();
    near(costs.base(), 30_052.5, 1e-6);
    let forward = left(&study.forward());
    all_near(
        &forward,
        &[18_031.5, 10_297.65, 4_408.788, 3_955.038],
        0.001,
    );
    let reverse = left(&study.reverse());
    all_near(
        &reverse,
        &[27_783.75, 11_425.8, 5_420.166, 3_955.038],
        0.001,
    );
    all_near(
        &costs.shapley(),
        &[5_937.5, 8_480.9, 10_469.1, 1_210.0],
        0.051,
    );
    near(costs.shapley().iter().sum(), 26_097.5, 0.051);
    // What is left: chats 3,501.3, summaries 453.8.
    let summaries = costs.of(0b0111) - costs.all();
    near(summaries, 453.75, 0.001);
    near(costs.all() - summaries, 3_501.3, 0.051);
}

#[test]
fn the_support_bot_on_other_price_lines() {
    let (base, all) = ends("support-bot", "line-5-5");
    near(base, 24_042.0, 0.001);
    near(all, 1_494.2, 0.051);
    let (base, all) = ends("support-bot", "opus-4-1");
    near(base, 90_157.5, 0.001);
    near(all, 3_955.0, 0.051);
    // As Bedrock sells them, the 5.5 models have no batch.
    let (base, all) = ends("support-bot", "line-5-5-sold");
    near(base, 24_042.0, 0.001);
    near(all, 1_539.57, 0.01);
}

#[test]
fn a_lever_that_is_not_sold_saves_nothing_and_says_why() {
    let study = case("support-bot", "line-5-5-sold");
    let costs = study.costs.clone().unwrap();
    near(costs.alone(3), 0.0, 1e-9);
    near(costs.shapley()[3], 0.0, 1e-9);
    let caveats = study.caveats().join("\n");
    assert!(
        caveats.contains("`batch` alone cannot be had: Claude Opus 5.5 has no batch"),
        "{caveats}"
    );
    // On Opus 4.1 batch pays only once the summaries have gone to a model that has it.
    let older = case("support-bot", "opus-4-1");
    let costs = older.costs.clone().unwrap();
    near(costs.alone(3), 0.0, 1e-9);
    assert!(costs.last(3) > 400.0);
    near(
        costs.shapley().iter().sum(),
        costs.base() - costs.all(),
        1e-6,
    );
}

#[test]
fn the_sentences_follow_from_the_figures() {
    let study = case("support-bot", "opus-5");
    assert_eq!(
        study.verdict(),
        "with `right-size`, `route`, `cache` and `batch` together a month costs $3,955.04 instead of \
         $30,052.50: 86.8 % less (7.6 times)"
    );
    let findings = study.findings().join("\n");
    for part in [
        "(Shapley value) `cache` saves most: $10,469.09",
        "of $26,097.46, 40.1 %",
        "the order matters: `route` saves",
        "`route` and `cache` weaken each other",
        "batching `chats` would add nothing, its calls cost $3,296.54 a month cached and would cost $4,592.70",
    ] {
        assert!(findings.contains(part), "{part}\n{findings}");
    }
    let caveats = study.caveats().join("\n");
    assert!(
        caveats.contains("`right-size` and `route` send requests to other models"),
        "{caveats}"
    );
}

#[test]
fn a_million_documents_cost_as_published() {
    let base = |variant| ends("million-documents", variant).0;
    for (variant, dollars) in [
        ("opus-4-1", 90_000.0),
        ("opus-5", 30_000.0),
        ("sonnet-4-6", 18_000.0),
        ("sonnet-4-6-batch", 9_000.0),
        ("haiku-4-5", 6_000.0),
        ("haiku-4-5-batch", 3_000.0),
        ("opus-5-5", 24_000.0),
        ("haiku-5-5", 600.0),
        ("haiku-5-5-batch", 300.0),
    ] {
        near(base(variant), dollars, 0.001);
    }
    // With both levers: a tenth of Opus 5, a thirtieth of Opus 4.1, an eightieth of Opus 5.5.
    for (variant, times) in [("opus-5", 10.0), ("opus-4-1", 30.0), ("opus-5-5", 80.0)] {
        let (base, all) = ends("million-documents", variant);
        near(base / all, times, 1e-9);
    }
}

#[test]
fn opus_everywhere_depends_on_which_opus() {
    let (base, all) = ends("opus-everywhere", "as-claimed");
    near(base, 41_250.0, 0.001);
    near(all, 2_029.85, 0.01);
    near(base / all, 20.3, 0.05);
    let (base, all) = ends("opus-everywhere", "opus-5-as-claimed");
    near(base, 13_750.0, 0.001);
    near(base / all, 6.8, 0.05);
    let (base, all) = ends("opus-everywhere", "line-5-5");
    near(base, 11_000.0, 0.001);
    near(all, 546.7, 0.051);
    near(base / all, 20.1, 0.05);
    // The parts of the claim: the mix, and its classifier.
    let study = case("opus-everywhere", "as-claimed");
    near(all_of(&study) - 165.0, 1_865.0, 0.2);
    // Haiku 4.5 does not cache 1,500 tokens: what the mix really costs, and with a longer prompt.
    near(ends("opus-everywhere", "opus-4-1").1, 3_148.0, 0.1);
    near(ends("opus-everywhere", "filled-up").1, 2_445.0, 0.5);
}

fn all_of(study: &Study) -> f64 {
    study.costs.as_ref().unwrap().all()
}

#[test]
fn without_a_stated_share_the_arrivals_decide_what_is_read() {
    let text = fs::read_to_string(gallery().join("case-support-bot.toml")).unwrap();
    let unstated = text.replace("hit_ratio = 0.97", "");
    assert_ne!(text, unstated);
    let hour = unstated.replace("ttl = \"5m\"", "ttl = \"1h\"");
    let study = |text: &str| study_of_text(text, "opus-5").unwrap();
    let (five, hour) = (study(&unstated), study(&hour));
    // 23 Regions: 1 - e^(-1.25) of the chats on Sonnet and 1 - e^(-1.88) of those on Haiku, less the first of each.
    let hits = five.batched[0].hit_ratio;
    assert!((0.72..0.81).contains(&hits), "{hits}");
    assert!(hour.batched[0].hit_ratio > 0.96);
    assert!(all_of(&hour) < all_of(&five));
}

const SMALL: &str = r#"
name = "small"
duration = "10m"
capacity.on_demand = { scope = "global" }
[[workload]]
name = "a"
model = "claude-opus-5"
max_tokens = 100
arrival.poisson = { rate = "1/s" }
tokens = { input = { fixed = 1000 }, output = { fixed = 100 } }
[plan.workload.a]
volume = 1000
"#;

#[test]
fn levers_that_exclude_each_other_count_as_the_better_one() {
    // A workload in batch cannot have a route.
    let text = format!(
        "{SMALL}
[[plan.lever]]
name = \"route\"
[[plan.lever.workload]]
name = \"a\"
route = [{{ model = \"claude-haiku-4-5\", share = 0.5 }}]
[[plan.lever]]
name = \"batch\"
[[plan.lever.workload]]
name = \"a\"
batch = {{}}"
    );
    let study = study_of_text(&text, "base").unwrap();
    let costs = study.costs.clone().unwrap();
    assert_eq!(study.missing.len(), 1);
    near(costs.base(), 7.5, 1e-9);
    near(costs.of(0b01), 4.5, 1e-9);
    near(costs.of(0b10), 3.75, 1e-9);
    near(costs.all(), 3.75, 1e-9);
    let caveats = study.caveats().join("\n");
    assert!(
        caveats.contains("`route` and `batch` cannot be had together"),
        "{caveats}"
    );
    let part = document(&study);
    assert_eq!(part.subsets.len(), 4);
    assert!(part.subsets[3].missing.is_some() && part.subsets[0].missing.is_none());
}

#[test]
fn the_order_is_that_of_the_user() {
    let text = format!(
        "{SMALL}
[[plan.lever]]
name = \"shorter\"
order = 2
[[plan.lever.workload]]
name = \"a\"
max_tokens = 50
[[plan.lever]]
name = \"smaller\"
order = 1
[[plan.lever.workload]]
name = \"a\"
model = \"claude-haiku-4-5\""
    );
    let study = study_of_text(&text, "base").unwrap();
    let pulled: Vec<usize> = study.forward().iter().map(|fall| fall.lever).collect();
    assert_eq!(pulled, [1, 0]);
    let pulled: Vec<usize> = study.reverse().iter().map(|fall| fall.lever).collect();
    assert_eq!(pulled, [0, 1]);
    assert_eq!(study.other_models, [1]);
    // A cap of the answers is a lever of the bill: 50 output tokens less.
    near(
        study.costs.as_ref().unwrap().alone(0),
        1000.0 * 50.0 * 25e-6,
        1e-9,
    );
}

#[test]
fn a_scenario_without_levers_has_no_study() {
    assert_eq!(study_of_text(SMALL, "base"), None);
}

#[test]
fn subsets_that_cannot_be_had_cost_what_their_best_part_does() {
    let totals = [
        Ok(Usd::from_dollars(10.0)),
        Ok(Usd::from_dollars(4.0)),
        Err("no b"),
        Err("no b"),
    ];
    let (costs, missing) = filled(&totals);
    assert_eq!(costs, Some(vec![10.0, 4.0, 10.0, 4.0]));
    assert_eq!(missing.len(), 2);
    let (costs, missing) = filled(&[Err("no price"), Ok(Usd::ZERO)]);
    assert_eq!((costs, missing.len()), (None, 1));
}
