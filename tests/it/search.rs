//! The search for the highest load, as its users see it.

use crate::running::{assert_valid, ready, ready_of};
use bedload::plan::search::{SearchOptions, Sources, search};
use bedload::profile::Catalogue;
use bedload::results::{SUMMARY_JSON_SCHEMA, SearchSummary, Summary, read_summary};
use std::fs;
use std::process::{Command, Output};

const SMALL: &str = r#"
name = "small"
description = "How much?"
seed = 3
duration = "4m"
warmup = "1m"

[[workload]]
name = "chat"
model = "claude-haiku-4-5"
max_tokens = 8192
arrival.poisson = { rate = "2/s" }
tokens.input = { lognormal = { p50 = 900, p99 = 6000 } }
tokens.output = { lognormal = { p50 = 220, p99 = 900 } }

[slo]
throttled_share = 0.01

[[variant]]
name = "roomy"
quota.tpm = "600k"
[[variant]]
name = "tight"
quota.tpm = "100k"
"#;

fn searched(ready: &crate::running::Ready) -> Vec<SearchSummary> {
    let catalogue = Catalogue::builtin();
    let sources = Sources {
        loaded: &ready.loaded,
        catalogue: &catalogue,
        book: catalogue.latest_prices().unwrap(),
    };
    let seed = ready.loaded.scenario.seed;
    let options = SearchOptions::default();
    search(&ready.variants, sources, seed, &options, &|_| ())
        .into_iter()
        .map(|one| one.summary)
        .collect()
}

#[test]
fn the_scenario_of_the_gallery_shows_three_weak_points() {
    let found = searched(&ready_of("how-much", &["duration=8m"]));
    let kinds: Vec<&str> = found
        .iter()
        .map(|one| one.binds.as_ref().unwrap().kind.as_str())
        .collect();
    assert_eq!(kinds, ["tpm_reservation", "tpm", "client_concurrency"]);
    for one in &found {
        let (pass, fail) = (one.pass.unwrap(), one.fail.unwrap());
        assert!(pass.rps < fail.rps && fail.rps / pass.rps < 1.0201);
        assert!(pass.factor >= 1.0 && !one.comes_back);
    }
    // Reservations cost a third of the rate, and the first advice gives it back.
    let (generous, fitting) = (&found[0], &found[1]);
    let right_size = &generous.advice[0];
    assert!(
        right_size.change.starts_with("lower max_tokens"),
        "{right_size:?}"
    );
    let gain = right_size.gain.unwrap();
    assert!((0.25..0.5).contains(&gain), "{gain}");
    let (sized, already) = (right_size.pass_rps.unwrap(), fitting.pass.unwrap().rps);
    assert!((sized / already - 1.0).abs() < 0.05, "{sized} {already}");
    let closed = generous.closed_form_rps.unwrap();
    assert!((generous.pass.unwrap().rps / closed - 1.0).abs() < 0.1);
}

#[test]
fn a_larger_quota_carries_more_and_a_lower_bound_is_a_gate() {
    let found = searched(&ready(SMALL, &[]).unwrap());
    let (roomy, tight) = (&found[0], &found[1]);
    let rps = |one: &SearchSummary| one.pass.unwrap().rps;
    assert!(
        rps(roomy) > 3.0 * rps(tight),
        "{} {}",
        rps(roomy),
        rps(tight)
    );
    assert!(roomy.points.iter().all(|point| point.runs >= 4));
}

struct Place(tempfile::TempDir);

impl Place {
    fn new(text: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.0.path().join("small.toml"), text).unwrap();
        place
    }

    fn search(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedload"));
        command.args(["search", "small.toml"]).args(args);
        command.current_dir(self.0.path()).output().unwrap()
    }

    fn summary(&self, args: &[&str], code: i32) -> Summary {
        let output = self.search(args);
        let text = String::from_utf8(output.stdout).unwrap();
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{text}\n{talk}");
        assert_valid(SUMMARY_JSON_SCHEMA, &text);
        read_summary(&text).unwrap()
    }
}

#[test]
fn the_exit_code_says_whether_each_variant_carries_the_load() {
    let place = Place::new(SMALL);
    let fast = ["--precision", "0.2", "--no-advice", "--format", "json"];
    let with = |more: &[&'static str]| [&fast[..], more].concat();
    // 100,000 tokens a minute cannot reserve 8,192 twice a second for some seconds each.
    let all = place.summary(&with(&[]), 5);
    assert!(all.variants.iter().all(|one| one.search.is_some()));
    assert!(
        all.variants[1]
            .search
            .as_ref()
            .unwrap()
            .pass
            .unwrap()
            .factor
            < 1.0
    );
    place.summary(&with(&["--variant", "tight", "--at-least", "1/min"]), 0);
    place.summary(&with(&["--variant", "roomy", "--at-least", "900/s"]), 5);
    let again = place.summary(&with(&["--threads", "1"]), 5);
    assert_eq!(again.variants, all.variants);
}

#[test]
fn a_search_leaves_a_run_folder_and_prints_tables() {
    let place = Place::new(SMALL);
    let args = ["--variant", "tight", "--precision", "0.2", "--out", "found"];
    let text = place.search(&args);
    let text = String::from_utf8(text.stdout).unwrap();
    for words in [
        "Highest load",
        "passes up to",
        "What breaks first",
        "What to change first",
        "max_tokens",
    ] {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    let folder = place.0.path().join("found");
    let summary = fs::read_to_string(folder.join("summary.json")).unwrap();
    assert!(read_summary(&summary).unwrap().variants[0].search.is_some());
    for file in ["manifest.json", "timeline.csv", "histograms.hlog"] {
        assert!(folder.join(file).exists(), "{file}");
    }
    let page = place.search(&[
        "--variant",
        "tight",
        "--precision",
        "0.5",
        "--no-advice",
        "--format",
        "markdown",
    ]);
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(
        page.contains("| passes up to |") && page.contains("## What breaks first"),
        "{page}"
    );
}

#[test]
fn without_an_objective_there_is_nothing_to_search_for() {
    let place = Place::new(&SMALL.replace("[slo]\nthrottled_share = 0.01\n", ""));
    let output = place.search(&[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no objective"));
    let wrong = Place::new(SMALL).search(&["--precision", "7"]);
    assert_eq!(wrong.status.code(), Some(2));
    let wrong = Place::new(SMALL).search(&["--at-least", "soon"]);
    assert_eq!(wrong.status.code(), Some(2));
}
