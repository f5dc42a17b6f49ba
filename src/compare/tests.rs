//! The gate on runs that are made up: every verdict, and how often it is wrong.

use super::*;
use crate::results::compare::{Method, MetricComparison};
use crate::results::{BASELINE_SCHEMA, BaselineRun, HostInfo, RunMetrics, RunPercentiles};
use crate::rng::Keyed;

/// One run whose latencies are `factor` times the usual ones.
fn run(number: u64, factor: f64) -> BaselineRun {
    let latency = |p50: f64| RunPercentiles {
        p50: Some(p50 * factor),
        p95: Some(2.0 * p50 * factor),
        p99: Some(3.0 * p50 * factor),
        count: 2000,
    };
    let metrics = |workload: Option<&str>| RunMetrics {
        workload: workload.map(str::to_owned),
        offered: 2000,
        completed: 2000,
        ttft_ms: latency(800.0),
        attempt_ttft_ms: latency(800.0),
        e2e_ms: latency(4000.0),
        tpot_ms: latency(20.0),
        throttled_share: Some(0.0),
        error_share: Some(0.0),
        attainment: Some(1.0),
        goodput_rps: Some(20.0),
        cost_usd: Some(4.0),
        cost_per_request_usd: Some(0.002),
    };
    BaselineRun {
        source: format!("run-{number}"),
        started_at: format!("2026-11-23T10:{number:02}:00Z"),
        seed: number,
        measured_s: 100.0,
        spoilt: None,
        spent_usd: Some(4.0),
        metrics: vec![metrics(None), metrics(Some("chat"))],
    }
}

fn side(kind: RunKind, factors: &[f64]) -> Baseline {
    let runs = factors.iter().enumerate();
    Baseline {
        schema: BASELINE_SCHEMA.to_owned(),
        name: "side".to_owned(),
        created_at: "2026-11-23T10:00:00Z".to_owned(),
        program_version: "0.1.0".to_owned(),
        kind,
        target: (kind == RunKind::Live).then(|| "http://127.0.0.1:9000".to_owned()),
        scenario: "support".to_owned(),
        host: HostInfo {
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
            threads: 4,
        },
        profiles: Vec::new(),
        variants: vec![BaselineVariant {
            name: "base".to_owned(),
            scenario_sha256: "0".repeat(64),
            runs: runs
                .map(|(number, factor)| run(number as u64, *factor))
                .collect(),
            noise: Vec::new(),
            histograms: std::collections::BTreeMap::new(),
        }],
    }
}

/// Five runs that scatter by about one per cent around `level`.
fn five(level: f64) -> Vec<f64> {
    [0.99, 1.005, 1.0, 1.012, 0.993]
        .map(|noise| level * noise)
        .to_vec()
}

fn live(factors: &[f64]) -> Baseline {
    side(RunKind::Live, factors)
}

fn judged(baseline: &Baseline, result: &Baseline) -> CompareSummary {
    compare(baseline, result, &default_gate(), false).unwrap()
}

fn metric<'d>(document: &'d CompareSummary, name: &str) -> &'d MetricComparison {
    let mut metrics = document.variants[0].metrics.iter();
    metrics.find(|one| one.metric == name).unwrap()
}

#[test]
fn each_verdict_has_its_case() {
    let base = live(&five(1.0));
    let check = |level: f64, want: Verdict| {
        let document = judged(&base, &live(&five(level)));
        assert_eq!(document.verdict, Some(want), "{:#?}", document.sentences);
        document
    };
    let worse = check(1.2, Verdict::Regressed);
    let ttft = metric(&worse, "ttft.p50");
    assert_eq!(ttft.method, Method::Welch);
    assert!((ttft.effect.unwrap() - 0.2).abs() < 1e-9);
    assert!(ttft.effect_low.unwrap() > 0.15 && ttft.p_adjusted.unwrap() < 0.001);
    // Five against five and no overlap.
    assert!((ttft.p_permutation.unwrap() - 1.0 / 252.0).abs() < 1e-12);
    assert_eq!(metric(&worse, "ttft.p99").verdict, None);
    check(0.8, Verdict::Improved);
    check(1.01, Verdict::Same);
    // More than chance, and less than what matters.
    let little = check(1.03, Verdict::Same);
    assert!(metric(&little, "ttft.p50").p_adjusted.unwrap() < 0.01);
    assert!(worse.sentences[0].starts_with("REGRESSED: 4 of 7"));
}

#[test]
fn shares_are_compared_by_their_difference() {
    let base = live(&five(1.0));
    let mut result = live(&five(1.0));
    for (number, run) in result.variants[0].runs.iter_mut().enumerate() {
        for metrics in &mut run.metrics {
            metrics.throttled_share = Some(0.02 + 0.001 * number as f64);
        }
    }
    let document = judged(&base, &result);
    assert_eq!(document.verdict, Some(Verdict::Regressed));
    let share = metric(&document, "throttled_share");
    assert!((share.effect.unwrap() - 0.022).abs() < 1e-9 && !share.relative);
    assert_eq!(metric(&document, "error_share").method, Method::Identical);
}

#[test]
fn what_these_runs_cannot_tell_says_what_would() {
    let noisy = [0.9, 1.1, 1.0, 1.05, 0.95];
    let document = judged(&live(&noisy), &live(&noisy.map(|one| one * 1.02)));
    assert_eq!(document.verdict, Some(Verdict::Inconclusive));
    let needs = metric(&document, "ttft.p50").needs.unwrap();
    assert!(needs.runs_each > 5 && needs.more_runs == 2 * (needs.runs_each - 5));
    assert_eq!(needs.cost_usd, Some(4.0 * f64::from(needs.more_runs)));
    assert!(
        document
            .sentences
            .last()
            .unwrap()
            .contains("would settle it, about $")
    );
    let two = judged(&live(&[1.0, 1.01]), &live(&[1.0, 1.02]));
    assert_eq!(two.verdict, Some(Verdict::Inconclusive));
    assert!(metric(&two, "ttft.p50").reason.contains("too few"));
}

#[test]
fn a_noisy_baseline_is_not_judged_by() {
    let noisy = live(&[0.8, 1.2, 1.0, 0.85, 1.15]);
    let document = judged(&noisy, &live(&five(1.5)));
    assert_eq!(document.verdict, Some(Verdict::Inconclusive));
    assert!(
        metric(&document, "ttft.p50")
            .reason
            .starts_with("too noisy to judge")
    );
    // The floor that was stored is the one that counts, for as many runs as there are.
    let calm = with_noise(live(&five(1.0)), 5);
    assert_eq!(calm.variants[0].noise.len(), METRICS.len());
    let floor = metric(&judged(&calm, &live(&five(1.0))), "ttft.p50")
        .noise_floor
        .unwrap();
    assert!((0.004..0.02).contains(&floor), "{floor}");
}

#[test]
fn a_run_or_two_are_tested_against_a_history() {
    let past: Vec<f64> = (0..24).map(|i| five(1.0)[i % 5]).collect();
    let check = |factors: &[f64], want| {
        let document = judged(&live(&past), &live(factors));
        assert_eq!(metric(&document, "e2e.p50").method, Method::History);
        assert_eq!(document.verdict, Some(want), "{:#?}", document.sentences);
    };
    check(&[1.2], Verdict::Regressed);
    check(&[1.0, 1.01], Verdict::Same);
}

#[test]
fn simulations_are_compared_by_pairs() {
    let seeds: Vec<f64> = (0..12).map(|i| 1.0 + 0.1 * f64::from(i % 4)).collect();
    let simulated = |factors: &[f64]| side(RunKind::Simulated, factors);
    let base = simulated(&seeds);
    let same = judged(&base, &simulated(&seeds));
    assert_eq!(same.verdict, Some(Verdict::Same));
    assert!(
        same.variants[0]
            .metrics
            .iter()
            .all(|one| one.method == Method::Identical)
    );
    assert_eq!(metric(&same, "ttft.p50").effect, Some(0.0));
    // Seeds differ by 40 %, and a change of 6 % in each is seen all the same.
    let slower: Vec<f64> = seeds.iter().map(|one| one * 1.06).collect();
    let worse = judged(&base, &simulated(&slower));
    assert_eq!(worse.verdict, Some(Verdict::Regressed));
    assert_eq!(metric(&worse, "ttft.p50").method, Method::Paired);
    let few = judged(&simulated(&seeds[..4]), &simulated(&slower[..4]));
    assert_eq!(few.verdict, Some(Verdict::Inconclusive));
    assert!(
        metric(&few, "ttft.p50")
            .reason
            .contains("--replications 10")
    );
    let one = judged(&simulated(&seeds[..1]), &simulated(&seeds[..1]));
    assert_eq!(one.verdict, Some(Verdict::Same));
}

#[test]
fn runs_that_cannot_be_relied_on_never_pass() {
    let base = live(&five(1.0));
    let mut result = live(&five(1.0));
    result.variants[0].runs.push(run(9, 1.0));
    result.variants[0].runs[5].spoilt = Some("its load generator could not keep up".to_owned());
    let document = judged(&base, &result);
    assert_eq!(document.verdict, Some(Verdict::Inconclusive));
    assert_eq!(document.variants[0].verdict, Verdict::Same);
    assert_eq!(document.variants[0].result_runs, 5);
    assert!(document.warnings.iter().any(|one| one.contains("run-9")));
    for run in &mut result.variants[0].runs {
        run.spoilt = Some("it was cut short".to_owned());
    }
    assert_eq!(judged(&base, &result).verdict, Some(Verdict::Inconclusive));
    // What is worse in the runs that are left is worse all the same.
    let mut worse = live(&five(1.3));
    worse.variants[0].runs.push(run(9, 1.0));
    worse.variants[0].runs[5].spoilt = Some("it was cut short".to_owned());
    assert_eq!(judged(&base, &worse).verdict, Some(Verdict::Regressed));
}

#[test]
fn short_runs_cannot_pass() {
    let base = live(&five(1.0));
    let mut result = live(&five(1.0));
    for metrics in &mut result.variants[0].runs[2].metrics {
        metrics.ttft_ms.p95 = None;
        metrics.ttft_ms.count = 40;
    }
    let document = judged(&base, &result);
    assert_eq!(document.verdict, Some(Verdict::Inconclusive));
    let reason = &metric(&document, "ttft.p95").reason;
    assert!(
        reason.contains("`run-2` has 40 requests") && reason.contains("59"),
        "{reason}"
    );
    assert_eq!(metric(&document, "ttft.p50").verdict, Some(Verdict::Same));
}

#[test]
fn what_neither_side_has_is_not_asked_for() {
    let unpriced = |level: f64| {
        let mut side = live(&five(level));
        let runs = &mut side.variants[0].runs;
        for metrics in runs.iter_mut().flat_map(|run| &mut run.metrics) {
            metrics.cost_per_request_usd = None;
            metrics.ttft_ms = RunPercentiles::default();
        }
        side
    };
    let document = judged(&unpriced(1.0), &unpriced(1.0));
    assert_eq!(document.verdict, Some(Verdict::Same));
    let mut metrics = document.variants[0].metrics.iter();
    assert!(metrics.all(|one| one.metric != "cost_per_request" && one.metric != "ttft.p50"));
}

#[test]
fn what_is_not_comparable_is_refused() {
    let base = live(&five(1.0));
    let mut other = live(&five(1.0));
    other.variants[0].scenario_sha256 = "1".repeat(64);
    let error = compare(&base, &other, &default_gate(), false).unwrap_err();
    assert!(matches!(error, CompareError::OtherScenario { .. }));
    assert!(error.help().contains("--allow-different-scenario"));
    let allowed = compare(&base, &other, &default_gate(), true).unwrap();
    assert_eq!(allowed.verdict, Some(Verdict::Same));
    assert!(allowed.notes[0].contains("scenarios differ"));
    let simulated = side(RunKind::Simulated, &five(1.0));
    let error = compare(&base, &simulated, &default_gate(), true).unwrap_err();
    assert!(matches!(error, CompareError::OtherKind { .. }));
    let mut renamed = live(&five(1.0));
    renamed.variants[0].name = "new".to_owned();
    assert_eq!(judged(&base, &renamed).variants[0].baseline, "base");
    renamed.variants.push(renamed.variants[0].clone());
    renamed.variants[1].name = "newer".to_owned();
    let error = compare(&base, &renamed, &default_gate(), false).unwrap_err();
    assert!(matches!(error, CompareError::NoVariant { .. }));
}

#[test]
fn live_runs_one_after_the_other_are_warned_of() {
    let base = live(&five(1.0));
    let mut later = live(&five(1.0));
    for run in &mut later.variants[0].runs {
        run.started_at = run.started_at.replace("T10", "T12");
    }
    let told = |result: &Baseline| judged(&base, result).warnings.join(" ");
    assert!(told(&later).contains("--interleave"));
    assert!(!told(&live(&five(1.0))).contains("--interleave"));
    later.host.threads = 64;
    assert!(told(&later).contains("different machines"));
}

#[test]
fn a_history_finds_its_step() {
    let level = |i: usize| if i < 20 { 1.0 } else { 1.12 };
    let factors: Vec<f64> = (0..35).map(|i| level(i) * five(1.0)[i % 5]).collect();
    let all = history::series(&live(&factors), &default_gate());
    // Shares that are nothing everywhere are no series.
    assert_eq!(all.len(), 5);
    let ttft = &all[0];
    assert_eq!((ttft.metric.as_str(), ttft.points.len()), ("ttft.p50", 35));
    assert_eq!(ttft.changes.len(), 1);
    assert_eq!((ttft.changes[0].at, ttft.changes[0].worse), (20, true));
    assert!((ttft.changes[0].effect - 0.12).abs() < 0.01);
    let sentences = history::sentences(&all);
    assert!(sentences[0].starts_with("4 lasting changes in 35 runs"));
    assert!(sentences[1].contains("`run-20`"), "{sentences:?}");
    let figures = history::figures(&all);
    assert_eq!(figures.len(), 4);
    assert_eq!(figures[0].table.rows.len(), 35);
}

/// The readings of one run of `n` requests: 95 % LN(0, .4) and 5 % LN(ln 3, .6), all times e^(τ·z).
///
/// `methods.md` 6.1. Quantiles are those of the sample at rank ⌈pn⌉.
fn population_run(seed: u64, number: u64, n: u64, noise: f64, factor: f64) -> BaselineRun {
    let draws = Keyed::new(seed, "population");
    let level = factor * (noise * Keyed::new(seed, "run").normal(number)).exp();
    let mut latencies: Vec<f64> = (0..n)
        .map(|id| {
            let id = number * n + id;
            let z = draws.normal(2 * id);
            let slow = draws.uniform(2 * id + 1) < 0.05;
            let law = if slow { 3.0f64.ln() + 0.6 * z } else { 0.4 * z };
            level * law.exp()
        })
        .collect();
    latencies.sort_unstable_by(f64::total_cmp);
    let read = |share| crate::stats::quantile::nearest_rank(&latencies, share);
    let mut run = run(number, 1.0);
    for metrics in &mut run.metrics {
        metrics.ttft_ms = RunPercentiles {
            p50: read(0.5),
            p95: read(0.95),
            p99: read(0.99),
            count: n,
        };
        metrics.e2e_ms = RunPercentiles::default();
        metrics.tpot_ms = RunPercentiles::default();
        metrics.attempt_ttft_ms = RunPercentiles::default();
    }
    run
}

/// Share of comparisons of `k` runs with `k` runs in which ttft.p50, and any metric, is found to be worse.
fn found(k: u64, noise: f64, factor: f64, comparisons: u64) -> [f64; 2] {
    let mut worse = [0u64; 2];
    for seed in 0..comparisons {
        let side_of = |from: u64, factor: f64| {
            let mut side = live(&[]);
            side.variants[0].runs = (from..from + k)
                .map(|number| population_run(seed, number, 2000, noise, factor))
                .collect();
            side
        };
        let document = judged(&side_of(0, 1.0), &side_of(k, factor));
        let p50 = metric(&document, "ttft.p50").verdict == Some(Verdict::Regressed);
        worse[0] += u64::from(p50);
        worse[1] += u64::from(document.verdict == Some(Verdict::Regressed));
    }
    worse.map(|count| count as f64 / comparisons as f64)
}

#[test]
fn false_alarms_are_rare_and_ten_per_cent_are_seen() {
    // `benches/gate.rs` has the table; this keeps its two promises with few repetitions. At a true rate of
    // 0.5 %, 100 comparisons show more than one alarm in one of 11 tries; the seeds are fixed.
    for noise in [0.0, 0.02] {
        let [p50, any] = found(5, noise, 1.0, 100);
        assert!(p50 <= 0.015 && any <= 0.015, "noise {noise}: {p50} {any}");
    }
    let [p50, any] = found(5, 0.02, 1.1, 60);
    assert!(p50 >= 0.9 && any >= p50, "{p50} {any}");
}
