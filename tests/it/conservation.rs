//! Laws that hold on every run, over scenarios that nobody would write.
//!
//! The engine itself asserts Little's law and the conservation of quota tokens and panics when
//! one is broken, so a run that ends has passed those.

use crate::running::{Ready, ready};
use bedload::domain::TokenPrices;
use bedload::results::{RequestSummary, Summary, VariantSummary, WorkloadSummary};
use proptest::prelude::*;
use proptest::sample::select;
use std::fmt::Write as _;

const CACHING: [&str; 4] = [
    "claude-haiku-4-5",
    "claude-sonnet-4-6",
    "claude-opus-4-6",
    "nova-lite",
];

const ARRIVALS: [&str; 10] = [
    r#"constant = { rate = "3/s" }"#,
    r#"poisson = { rate = "5/s" }"#,
    r#"gamma = { rate = "4/s", cv = 3.0 }"#,
    r#"weibull = { rate = "4/s", cv = 0.4 }"#,
    r#"on_off = { rate = "3/s", burst_factor = 8, burst_share = 0.1, burst_length = "5s" }"#,
    r#"ramp = { from = "0/s", to = "10/s", over = "40s" }"#,
    r#"closed = { users = 12, think = { exponential = { mean = "2s" } } }"#,
    r#"closed = { users = 5, think = { fixed = "0s" } }"#,
    r#"closed = { users = 9, think = { lognormal = { p50 = "1s", p99 = "20s" } } }"#,
    r#"recorded = { file = "traces/azure-code-2023.toml", speed = 20, copies = 2, shift = "3s" }"#,
];

const SIZES: [&str; 5] = [
    r"{ fixed = 1 }",
    r"{ fixed = 700 }",
    r"{ lognormal = { p50 = 300, p99 = 4000 } }",
    r"{ quantiles = [[0, 0], [0.5, 200], [1, 9000]] }",
    r"{ mixture = [{ weight = 0.7, fixed = 40 }, { weight = 0.3, lognormal = { p50 = 90, p99 = 2500 } }] }",
];

const RETRIES: [&str; 8] = [
    r#"retry = "none""#,
    r"retry.aws_standard_2_0 = { max_attempts = 5 }",
    r"retry.aws_standard_2_1 = {}",
    r#"retry.exponential = { max_attempts = 6, jitter = "none" }"#,
    r#"retry.exponential = { max_attempts = 9, base = "0s", cap = "0s" }"#,
    r#"retry.exponential = { max_attempts = 4, jitter = "full" }"#,
    r#"retry.exponential = { max_attempts = 4, jitter = "equal" }"#,
    r#"retry.exponential = { max_attempts = 4, jitter = "decorrelated" }"#,
];

const FAULTS: [&str; 6] = [
    "",
    r#"kind = "unavailable", share = 0.2"#,
    r#"kind = "internal", share = 1.0, from = "5s", until = "15s""#,
    r#"kind = "model_error", share = 0.1"#,
    r#"kind = "model_timeout", share = 0.1, from = "10s""#,
    r#"kind = "unavailable", share = 0.0"#,
];

const LLAMA: &str = "llama-3-1-70b";

/// Capacity that a model which sells no units can have, and then that of one which does.
const CAPACITIES: [&str; 4] = [
    r#"on_demand = { scope = "us" }"#,
    r#"on_demand = { scope = "global" }"#,
    r#"reserved = { scope = "us", input_tpm = "100k", output_tpm = "10k", overflow = "refuse" }"#,
    r#"reserved = { scope = "us", input_tpm = "100k", output_tpm = "10k", overflow = "standard" }"#,
];
const LLAMA_CAPACITIES: [&str; 5] = [
    r#"on_demand = { scope = "us" }"#,
    r#"on_demand = { region = "us-west-2" }"#,
    r#"provisioned = { model_units = 1, unit_input_tpm = "60k", unit_output_tpm = "6k", unit_price_per_hour = "$21" }"#,
    r#"provisioned = { model_units = 2, unit_input_tpm = "30k", unit_output_tpm = "6k", overload = "queue" }"#,
    r#"provisioned = { model_units = 1, unit_input_tpm = "30k", unit_output_tpm = "6k", overload = "on-demand", overflow_scope = "us" }"#,
];

fn workload(is_caching: bool) -> impl Strategy<Value = String> {
    let max_tokens = select(vec!["\"unset\"", "1", "256", "4000"]);
    let caches = if is_caching {
        vec![
            "",
            r"cache = { prefix_tokens = 6000 }",
            r#"cache = { prefix_tokens = 900, prefixes = 3, ttl = "5m" }"#,
            r"cache = { prefix_tokens = 6000, prefixes = 40, marked = false }",
        ]
    } else {
        vec![""]
    };
    let parts = (
        select(if is_caching {
            CACHING.to_vec()
        } else {
            vec![LLAMA]
        }),
        select(ARRIVALS.to_vec()),
        (select(SIZES.to_vec()), select(SIZES.to_vec())),
        max_tokens,
        select(caches),
        any::<bool>(),
        select(vec![-1.0, 0.0, 0.4, 1.0]),
    );
    parts.prop_map(
        |(model, arrival, (input, output), max_tokens, cache, stream, correlation)| {
            format!(
                "model = \"{model}\"\narrival.{arrival}\nmax_tokens = {max_tokens}\n\
                 stream = {stream}\ntokens.input = {input}\ntokens.output = {output}\n\
                 tokens.rank_correlation = {correlation:?}\n{cache}\n"
            )
        },
    )
}

fn client() -> impl Strategy<Value = String> {
    let timeouts = vec!["unset", "1ms", "900ms", "3s", "30s"];
    let places = select(vec![
        "",
        "concurrency = 3\n",
        "concurrency = 1\nqueue = 0\n",
        "concurrency = 8\nqueue = 5\n",
    ]);
    (
        select(timeouts.clone()),
        select(timeouts),
        places,
        select(RETRIES.to_vec()),
        1..4u8,
    )
        .prop_map(|(timeout, deadline, places, retry, instances)| {
            format!(
                "[client]\ntimeout = \"{timeout}\"\ndeadline = \"{deadline}\"\n\
                 instances = {instances}\n{places}{retry}\n"
            )
        })
}

fn quota() -> impl Strategy<Value = String> {
    (
        select(vec!["A", "B", "C"]),
        select(vec!["sliding", "fixed", "bucket"]),
        select(vec!["sliding", "fixed", "bucket"]),
        (any::<bool>(), any::<bool>(), any::<bool>()),
        select(vec!["unset", "1", "20k", "150k", "2M"]),
        select(vec!["\"unset\"", "7", "120"]),
        select(vec!["unset", "1M"]),
    )
        .prop_map(|(semantics, window, requests, flags, tpm, rpm, tpd)| {
            let (reads, refused, daily) = flags;
            format!(
                "[quota]\nsemantics = \"{semantics}\"\nwindow = \"{window}\"\n\
                 request_window = \"{requests}\"\nreserve_counts_cache_read = {reads}\n\
                 refused_counts_rpm = {refused}\nenforce_tpd = {daily}\n\
                 tpm = \"{tpm}\"\nrpm = {rpm}\ntpd = \"{tpd}\"\n"
            )
        })
}

/// The workload with a model that can be had so: bought capacity serves one model only, and the
/// smallest of these has neither a Reserved tier nor a global profile.
fn on_sale(workload: &str, capacity: &str) -> String {
    let mut workload = workload.to_owned();
    if capacity.contains("global") {
        workload = workload.replace("nova-lite", CACHING[0]);
    } else if capacity.contains("reserved") {
        for model in CACHING {
            workload = workload.replace(model, CACHING[0]);
        }
    }
    workload
}

/// The text of a scenario that is valid, whatever it says.
fn scenarios() -> impl Strategy<Value = String> {
    any::<bool>().prop_flat_map(|is_caching| {
        let capacities = if is_caching {
            CAPACITIES.to_vec()
        } else {
            LLAMA_CAPACITIES.to_vec()
        };
        (
            prop::collection::vec(workload(is_caching), 1..4),
            client(),
            quota(),
            select(FAULTS.to_vec()),
            select(capacities),
            (
                select(vec!["0s", "10s"]),
                1..3u8,
                any::<u32>(),
                any::<bool>(),
            ),
            select(vec![0.0, 0.3, 0.95]),
        )
            .prop_map(
                |(workloads, client, quota, fault, capacity, header, ambient)| {
                    let (warmup, replications, seed, billed) = header;
                    let mut text = format!(
                        "name = \"any\"\nseed = {seed}\nduration = \"30s\"\nwarmup = \"{warmup}\"\n\
                         replications = {replications}\ncapacity.{capacity}\n"
                    );
                    if !fault.is_empty() {
                        let _ = writeln!(text, "fault = [{{ {fault} }}]");
                    }
                    for (i, workload) in workloads.iter().enumerate() {
                        let workload = on_sale(workload, capacity);
                        let _ = write!(text, "[[workload]]\nname = \"w{i}\"\n{workload}");
                    }
                    let _ = write!(
                        text,
                        "{client}{quota}[service]\nambient_load = {ambient:?}\n\
                         timeouts_are_billed = {billed}\n[slo]\nattainment = 0.5\ne2e = {{ p90 = \"5s\" }}\n"
                    );
                    text
                },
            )
    })
}

fn ended(requests: &RequestSummary) -> u64 {
    requests.completed
        + requests.throttled
        + requests.failed
        + requests.timed_out
        + requests.not_sent
}

fn check_requests(requests: &RequestSummary, attainment: Option<f64>) {
    assert_eq!(requests.offered, ended(requests));
    assert!(requests.good <= requests.completed);
    assert!(attainment.is_none_or(|share| (0.0..=1.0).contains(&share)));
    assert_eq!(attainment.is_some(), requests.offered > 0);
}

/// Tokens on demand cost what the price book says. Sizes here never reach a long-context price.
fn check_cost(workload: &WorkloadSummary, prices: &TokenPrices) {
    let (tokens, cost) = (&workload.tokens, &workload.cost);
    let dollars = |tokens: u64, pico: u64| tokens as f64 * pico as f64 / 1e12;
    let classes = cost.by_class;
    for (class, expected) in [
        (classes.input, dollars(tokens.input, prices.input.0)),
        (classes.output, dollars(tokens.output, prices.output.0)),
        (
            classes.cache_write,
            dollars(tokens.cache_write, prices.cache_write_5m.0),
        ),
        (
            classes.cache_read,
            dollars(tokens.cache_read, prices.cache_read.0),
        ),
    ] {
        let class = class.unwrap();
        assert!(
            (class - expected).abs() <= 1e-6,
            "{class} is not {expected}: {workload:#?}"
        );
    }
    let wasted = classes.wasted.unwrap();
    assert!(wasted >= 0.0 && (tokens.wasted > 0 || wasted == 0.0));
}

fn check_variant(variant: &VariantSummary) {
    check_requests(&variant.requests, variant.slo.attainment);
    let attempts = &variant.attempts;
    let unanswered =
        attempts.throttled + attempts.unavailable + attempts.failed + attempts.timed_out;
    assert_eq!(attempts.sent, unanswered + variant.requests.completed);
    let sums = |of: fn(&WorkloadSummary) -> u64| variant.workloads.iter().map(of).sum::<u64>();
    assert_eq!(variant.requests.offered, sums(|w| w.requests.offered));
    assert_eq!(variant.requests.completed, sums(|w| w.requests.completed));
    assert_eq!(variant.tokens.output, sums(|w| w.tokens.output));
    assert_eq!(variant.attempts.sent, sums(|w| w.attempts.sent));
    // Every attempt that settles was reserved first; unsigned sums that went below zero would
    // come out enormous.
    let (reserved, settled) = (variant.tokens.quota_reserved, variant.tokens.quota_settled);
    assert!(reserved.unwrap() < 1 << 40, "{reserved:?}");
    assert!(settled.unwrap() < 1 << 40, "{settled:?}");
    for quota in &variant.quota {
        for share in [quota.peak_reserved_share, quota.peak_settled_share] {
            assert!(
                share.is_none_or(|s| s.is_finite() && s >= 0.0),
                "{quota:#?}"
            );
        }
    }
    let cost = &variant.cost;
    assert!(cost.run_usd.is_none_or(|usd| usd.is_finite() && usd >= 0.0));
    let quantiles = [&variant.ttft_ms, &variant.e2e_ms, &variant.tpot_ms];
    for percentiles in quantiles {
        let values = [
            percentiles.p50,
            percentiles.p90,
            percentiles.p95,
            percentiles.p99,
        ];
        let known: Vec<f64> = values.into_iter().flatten().collect();
        assert!(known.is_sorted(), "{percentiles:?}");
    }
}

fn run(scenario: Ready) -> (Vec<Vec<Option<TokenPrices>>>, Summary) {
    let prices = scenario
        .variants
        .iter()
        .map(|one| {
            let workloads = one.context.workloads.iter();
            workloads.map(|workload| workload.prices.clone()).collect()
        })
        .collect();
    (prices, scenario.run())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn laws_hold_on_any_scenario(text in scenarios()) {
        let scenario = ready(&text, &[]).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let is_on_demand = text.contains("on_demand =");
        let (prices, summary) = run(scenario);
        prop_assert!(summary.valid && summary.warnings.is_empty());
        for (variant, prices) in summary.variants.iter().zip(&prices) {
            check_variant(variant);
            for (workload, prices) in variant.workloads.iter().zip(prices) {
                check_requests(&workload.requests, workload.attainment);
                if is_on_demand {
                    check_cost(workload, prices.as_ref().expect("the book prices these models"));
                }
            }
        }
    }
}
