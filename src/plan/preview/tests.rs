//! Previews of scenarios whose figures are known.

use super::*;
use crate::config::Source;
use crate::scenario::{Files, read};
use crate::sim::assemble;

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("no file {path} in this test"))
    }
}

/// The variants of a scenario, as `check` sees them.
fn previews(text: &str) -> Vec<Preview> {
    let catalogue = Catalogue::builtin();
    let loaded = match read(&Source::new("s.toml", text), &[], &NoFiles) {
        Ok(loaded) => loaded,
        Err(error) => panic!("{error}"),
    };
    let book = catalogue.latest_prices().unwrap();
    let variants = match assemble(&loaded, &catalogue, book) {
        Ok(variants) => variants,
        Err(error) => panic!("{error}"),
    };
    let seed = loaded.scenario.seed;
    let seen = variants.iter().map(|one| preview(one, seed));
    seen.map(|one| one.with_sources(&catalogue)).collect()
}

fn first(text: &str) -> Preview {
    previews(text).remove(0)
}

/// 1 rps, 3,000 in, 400 out, 2M TPM; a test sets the latency itself.
fn fixed(rate: &str, max_tokens: &str) -> String {
    format!(
        r#"
name = "t"
duration = "10m"
[[workload]]
name = "chat"
model = "claude-sonnet-4-6"
max_tokens = {max_tokens}
arrival.constant = {{ rate = "{rate}" }}
tokens.input = {{ fixed = 3000 }}
tokens.output = {{ fixed = 400 }}
[quota]
tpm = "2M"
"#
    )
}

/// The same with a latency of exactly ten seconds.
fn ten_seconds(text: &str) -> Preview {
    let catalogue = Catalogue::builtin();
    let loaded = match read(&Source::new("s.toml", text), &[], &NoFiles) {
        Ok(loaded) => loaded,
        Err(error) => panic!("{error}"),
    };
    let book = catalogue.latest_prices().unwrap();
    let mut variants = match assemble(&loaded, &catalogue, book) {
        Ok(variants) => variants,
        Err(error) => panic!("{error}"),
    };
    for target in &mut variants[0].setup.endpoint.targets {
        let latency = &mut target.latency;
        latency.ttft_base = Micros::from_secs(10);
        for part in [
            &mut latency.ttft_per_k_input,
            &mut latency.ttft_per_k_cached,
            &mut latency.per_output_token,
        ] {
            *part = Micros::ZERO;
        }
        latency.ttft_noise = crate::domain::NoiseLaw::none();
        target.hop = Micros::ZERO;
    }
    preview(&variants[0], 1)
}

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "got {got}, want {want}");
}

#[test]
fn sustained_rates_meet_the_oracles_of_the_closed_form() {
    for (max_tokens, [a, b, c]) in [
        ("4096", [6.667, 5.391, 6.231]),
        ("64000", [6.667, 2.062, 2.174]),
    ] {
        let seen = ten_seconds(&fixed("1/s", max_tokens));
        let quota = &seen.quotas[0];
        near(quota.tpm_bounds.a.0, a, 0.000_501);
        near(quota.tpm_bounds.b.0, b, 0.000_501);
        near(quota.tpm_bounds.c.0, c, 0.000_501);
        assert_eq!(quota.headroom.max_rate, quota.tpm_bounds.b);
        near(quota.headroom.settled_per_request, 5000.0, 1e-9);
        near(quota.load.rate.0, 1.0, 0.002);
        near(quota.load.peak_rate.0, 1.0, 0.02);
        near(quota.headroom.in_flight, 10.0, 0.02);
        assert_eq!(seen.verdict.level, Level::Fits, "{}", seen.verdict.reason);
    }
}

#[test]
fn a_large_max_tokens_alone_throttles() {
    let seen = ten_seconds(&fixed("4/s", "64000"));
    assert_eq!(seen.verdict.level, Level::ThrottlesAlways);
    let text = seen.findings.join("\n");
    assert!(
        text.contains("max_tokens 64,000 alone throttles you at 2.06 requests/s"),
        "{text}"
    );
    assert!(text.contains("would fit up to 6.67"), "{text}");
    // 2M = 4·(60·5,000 + 10·R): R = 20,000 with 3,000 of input.
    assert!(text.contains("with max_tokens up to 17,000"), "{text}");
    // p99.9 of a fixed 400 is 400: 2M/(300,000 + 34,000) = 5.988 rps, 2.904 of before.
    assert!(
        text.contains("lower max_tokens to 400 (p99.9 of the output): +190%, 5.99"),
        "{text}"
    );
    assert!(
        text.contains("fits under reading A only")
            || text.contains("reading A of the enforcement only"),
        "{text}"
    );
}

#[test]
fn workloads_of_one_counter_are_added_up() {
    let text = fixed("1/s", "4096")
        + r#"
[[workload]]
name = "report"
model = "claude-sonnet-4-6"
max_tokens = 64000
arrival.constant = { rate = "3/s" }
tokens.input = { fixed = 1000 }
tokens.output = { fixed = 2000 }
"#;
    // TOML wants the tables of an array together with their own keys only.
    let text = text.replace("[quota]\ntpm = \"2M\"\n", "") + "[quota]\ntpm = \"2M\"\n";
    let seen = ten_seconds(&text);
    assert_eq!(seen.quotas.len(), 1);
    let quota = &seen.quotas[0];
    assert_eq!(quota.workloads, ["chat", "report"]);
    near(quota.load.rate.0, 4.0, 0.01);
    // F = (5,000 + 3·11,000)/4, R = (7,096 + 3·65,000)/4.
    near(quota.headroom.settled_per_request, 9500.0, 10.0);
    near(quota.headroom.reserved_per_request, 50_524.0, 30.0);
    near(
        quota.tpm_bounds.b.0,
        2e6 / (60.0 * 9500.0 + 10.0 * 50_524.0),
        0.002,
    );
    assert_eq!(seen.verdict.level, Level::ThrottlesAlways);
    let sizing = quota.right_size.as_ref().unwrap();
    assert_eq!(
        sizing.max_tokens,
        [("chat".to_owned(), 400), ("report".to_owned(), 2000)]
    );
}

#[test]
fn unset_max_tokens_reserve_the_models_maximum() {
    let seen = first(&fixed("1/s", "\"unset\""));
    assert_eq!(seen.quotas[0].load.max_tokens, 64_000);
    assert!(!seen.workloads[0].max_tokens_is_set);
    let text = seen.findings.join("\n");
    assert!(
        text.contains("unset max_tokens (the model's 64,000)"),
        "{text}"
    );
    assert_eq!(
        seen.quotas[0].source.as_deref(),
        Some("set in the scenario")
    );
}

#[test]
fn a_closed_loop_offers_users_over_the_cycle() {
    let text = fixed("1/s", "4096").replace(
        r#"arrival.constant = { rate = "1/s" }"#,
        r#"arrival.closed = { users = 50, think = { exponential = { mean = "15s" } } }"#,
    );
    let seen = ten_seconds(&text);
    let workload = &seen.workloads[0];
    // 50 users, 10 s of answer and 15 s of thought.
    near(workload.mean_rate.0, 2.0, 0.03);
    near(workload.in_flight, 20.0, 0.3);
    assert_eq!((workload.users, &workload.burstiness), (Some(50), &None));
    near(seen.quotas[0].load.peak_rate.0, workload.mean_rate.0, 1e-9);
}

#[test]
fn cached_prefixes_are_written_rarely_and_read_for_little() {
    let cache = "cache = { prefix_tokens = 6000, prefixes = 4, ttl = \"5m\" }\n[quota]";
    let text = fixed("4/s", "4096").replace("[quota]", cache);
    let seen = first(&text.replace("constant", "poisson"));
    let workload = &seen.workloads[0];
    // Four prefixes in three Regions are written once each; a minute between uses is rare.
    let ratio = workload.cache_hit_ratio.unwrap();
    near(ratio, 1.0 - 12.0 / workload.requests, 0.002);
    near(workload.prefix_mean, 6000.0, 1e-6);
    near(workload.cache_read + workload.cache_write, 6000.0, 1e-6);
    near(workload.uncached_input, 3000.0, 1e-6);
    let settled = seen.quotas[0].headroom.settled_per_request;
    near(settled, 5000.0 + 6000.0 * (1.0 - ratio), 1e-6);
}

#[test]
fn the_cost_of_fixed_requests_is_exact() {
    let seen = first(&fixed("1/s", "4096"));
    let requests = seen.workloads[0].requests;
    near(requests, 600.0, 1.0);
    // The us profile costs a tenth more than $3 and $15 per million.
    let run = seen.cost.run.unwrap().dollars();
    let each = 1.1 * (3000.0 * 3e-6 + 400.0 * 15e-6);
    near(run, requests * each, 1e-6);
    near(seen.cost.month.unwrap().dollars(), run * 730.0 * 6.0, 1e-3);
    assert_eq!(seen.cost.bought_per_hour, Some(Usd::ZERO));
}

#[test]
fn answers_that_are_cut_give_a_warning() {
    let text = fixed("1/s", "1024").replace(
        "output = { fixed = 400 }",
        "output = { lognormal = { p50 = 250, p99 = 1850 } }",
    );
    let seen = first(&text);
    let z = (1024.0f64 / 250.0).ln() / ((1850.0f64 / 250.0).ln() / 2.326_348);
    let want = 1.0
        - statrs::distribution::ContinuousCDF::cdf(&statrs::distribution::Normal::standard(), z);
    near(seen.workloads[0].truncated_share, want, 0.004);
    assert!(
        seen.warnings
            .iter()
            .any(|w| w.contains("max_tokens 1,024 cuts")),
        "{:?}",
        seen.warnings
    );
}

#[test]
fn bought_capacity_is_judged_by_its_fuller_side() {
    let capacity = |overflow: &str| {
        format!(
            "[capacity.reserved]\ninput_tpm = \"300k\"\noutput_tpm = \"30k\"\nterm = \"1-month\"\n\
             overflow = \"{overflow}\"\n[quota]"
        )
    };
    // 2 rps take 360K of 300K in and 48K of 30K out: a 30/48 share fits.
    let text = fixed("2/s", "4096");
    let refuse = first(&text.replace("[quota]", &capacity("refuse")));
    let bought = refuse.bought.unwrap();
    near(bought.output_share.0, 1.6, 0.01);
    near(bought.input_share.0, 1.2, 0.01);
    near(bought.overflow_share, 1.0 - 30.0 / 48.0, 0.01);
    assert_eq!(refuse.verdict.level, Level::ThrottlesAlways);
    assert_eq!(refuse.cost.tokens_run, Some(Ledger::default()));
    let standard = first(&text.replace("[quota]", &capacity("standard")));
    near(standard.quotas[0].load.rate.0, 0.75, 0.02);
    assert_eq!(
        standard.verdict.level,
        Level::Fits,
        "{}",
        standard.verdict.reason
    );
    assert!(standard.cost.tokens_run.unwrap().tokens() > Usd::ZERO);
}

#[test]
fn long_runs_are_cut_by_count_and_say_so() {
    let seen = first(&fixed("400/s", "4096").replace("\"10m\"", "\"7d\""));
    let workload = &seen.workloads[0];
    assert!(workload.measured_span < seen.duration);
    near(workload.mean_rate.0, 400.0, 0.01);
    near(workload.requests, 400.0 * 604_800.0, 1e4);
    assert!(
        seen.warnings
            .iter()
            .any(|w| w.contains("too long to draw whole"))
    );
}

#[test]
fn previews_do_not_change_from_call_to_call() {
    let text = fixed("3/s", "2000").replace("constant", "poisson");
    assert_eq!(previews(&text), previews(&text));
}

#[test]
fn no_traffic_fits_everywhere() {
    let seen = first(&fixed("0.000001/s", "4096").replace("constant", "poisson"));
    assert_eq!(seen.verdict.level, Level::Fits, "{}", seen.verdict.reason);
    assert_eq!(seen.cost.run, Some(Usd::ZERO));
}

/// The recorded files of the fuzzing corpus.
struct Recorded;

impl Files for Recorded {
    fn open(&self, path: &str) -> Result<Vec<u8>, String> {
        let is_table = std::path::Path::new(path).extension() == Some("toml".as_ref());
        let bytes: &[u8] = if is_table {
            include_bytes!("../../../fuzz/seeds/trace/recording.toml")
        } else {
            include_bytes!("../../../fuzz/seeds/trace/azure.csv")
        };
        Ok(bytes.to_vec())
    }
}

#[test]
fn replays_are_measured_from_their_rows() {
    let catalogue = Catalogue::builtin();
    let book = catalogue.latest_prices().unwrap();
    for text in [
        include_str!("../../../fuzz/seeds/scenario/recorded_load.toml"),
        include_str!("../../../fuzz/seeds/scenario/recorded_figures.toml"),
    ] {
        let Ok(loaded) = read(&Source::new("s.toml", text), &[], &Recorded) else {
            panic!("the corpus reads");
        };
        let variants = match assemble(&loaded, &catalogue, book) {
            Ok(variants) => variants,
            Err(error) => panic!("{error}"),
        };
        for variant in &variants {
            let seen = preview(variant, 1);
            let workload = &seen.workloads[0];
            assert!(workload.requests >= 1.0, "{}", workload.requests);
            let measured = workload.burstiness.as_ref().unwrap();
            near(workload.requests, measured.requests as f64, 1e-6);
            assert!(workload.input.mean >= 1.0 && workload.output.mean >= 1.0);
            assert!(workload.peak_minute_rate.0 >= workload.mean_rate.0);
            // Neither scenario gives a law of inputs, so only rows can tell.
            assert!(workload.input.p999.is_none() || measured.requests >= 2995);
        }
    }
}
