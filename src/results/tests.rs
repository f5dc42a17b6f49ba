//! Summaries of small real runs.

use super::*;
use crate::client::spec::{ClientPolicy, RetryPolicy};
use crate::cost::Tariff;
use crate::domain::{
    CacheTtl, Fact, LatencyBound, LatencyMetric, LatencyProfile, NoiseLaw, Origin, PriceTier,
    Quantile, QuotaRules, ScopeKind, Slo, TokenPrices,
};
use crate::load::spec::{ArrivalSpec, SizeSpec, TrafficSpec};
use crate::service::CounterLimits;
use crate::service::setup::{CounterSetup, EndpointSetup, ReservedSetup, Route, TargetSetup};
use crate::service::tiers::TierSpec;
use crate::sim::{
    BoughtCapacity, RequestBounds, RunSetup, TierSetup, VariantContext, VariantMeasures,
    WorkloadContext, WorkloadSetup, run_all,
};
use crate::units::{Micros, PerSecond, PicoPerToken, Ratio, TokensPerMinute, Usd};

/// The seed of the test runs.
const SEED: u64 = 7;

fn prices() -> TokenPrices {
    let dollars = PicoPerToken::from_dollars_per_million;
    TokenPrices {
        input: dollars(3.0),
        output: dollars(15.0),
        cache_write_5m: dollars(3.75),
        cache_write_1h: dollars(6.0),
        cache_read: dollars(0.3),
        long_context: None,
    }
}

fn latency() -> LatencyProfile {
    LatencyProfile {
        name: "test".into(),
        origin: Origin::Assumed,
        source: Fact::default(),
        ttft_base: Micros::from_millis(500),
        ttft_per_k_input: Micros::from_millis(100),
        ttft_per_k_cached: Micros::ZERO,
        load_base: Micros::ZERO,
        load_per_k: Micros::ZERO,
        per_output_token: Micros::from_millis(10),
        load_per_token: 0.0,
        ttft_noise: NoiseLaw::lognormal(0.3),
        tpot_noise: NoiseLaw::lognormal(0.1),
    }
}

/// Two workloads, the second not streamed, on one counter of `tpm`.
fn setup(tpm: u64, slo: &Slo) -> RunSetup {
    let traffic = |rate: f64, input: u32, output: u32| TrafficSpec {
        arrival: ArrivalSpec::Poisson {
            rate: PerSecond(rate),
        },
        shapes: Vec::new(),
        input: Some(SizeSpec::Fixed(input)),
        output: Some(SizeSpec::Fixed(output)),
        rank_correlation: 0.0,
        prefix: None,
        context: crate::load::spec::ContextSpec::default(),
        kept: Ratio::ONE,
    };
    let tariffs = vec![(
        ScopeKind::Geo,
        Tariff::new(&prices(), CacheTtl::FiveMinutes),
    )];
    let workload = |name: &str, stream, traffic| WorkloadSetup {
        name: name.into(),
        traffic,
        stream,
        thinking: None,
        text_unit: Usd::ZERO,
        router_fee: Usd::ZERO,
        tariffs: tariffs.clone(),
        tier: TierSetup::default(),
        batch: None,
    };
    let target = |name: &str| TargetSetup {
        name: name.into(),
        model: "test".into(),
        route: Route::OnDemand { counter: 0 },
        latency: latency(),
        burndown: 5,
        max_tokens: 1000,
        max_input: 1_000_000,
        cache_min: u32::MAX,
        block_tokens: 0,
        cache_ttl: Micros::ZERO,
        cache_scope: String::new(),
        destinations: 1,
        hop: Micros::ZERO,
        behaviour: crate::service::setup::Behaviour::default(),
        guard: None,
        optimized: None,
    };
    RunSetup {
        record_attempts: false,
        course: None,
        duration: Micros::from_secs(660),
        warmup: Micros::from_secs(60),
        workloads: vec![
            workload("chat", true, traffic(8.0, 1000, 200)),
            workload("tags", false, traffic(2.0, 500, 20)),
        ],
        client: ClientPolicy {
            retry: RetryPolicy::None,
            ..ClientPolicy::default()
        },
        lanes: crate::sim::Lanes::default(),
        endpoint: EndpointSetup {
            targets: vec![target("chat"), target("tags")],
            counters: vec![CounterSetup {
                model: "m".into(),
                kind: ScopeKind::Geo,
                region: None,
                limits: CounterLimits {
                    tpm: TokensPerMinute(tpm),
                    rpm: None,
                    tpd: None,
                },
            }],
            rules: QuotaRules::default(),
            reserved: None,
            units: None,
            guards: Vec::new(),
            faults: Vec::new(),
            ambient_load: 0.0,
            tiers: TierSpec::default(),
            optimized: Vec::new(),
            quotas: crate::service::setup::QuotaSetup::default(),
            regions: None,
            cache: crate::domain::CacheRules::default(),
        },
        bounds: RequestBounds::of(slo),
        timeouts_are_billed: true,
    }
}

fn slo() -> Slo {
    Slo {
        latency: vec![LatencyBound {
            metric: LatencyMetric::Ttft,
            quantile: Quantile::P95,
            at_most: Micros::from_millis(2500),
        }],
        throttled_share: Ratio::new(0.001),
        error_share: None,
        attainment: Ratio::new(0.9),
    }
}

fn context(name: &str, slo: &Slo) -> VariantContext {
    let workload = |name: &str| WorkloadContext {
        name: name.into(),
        model: "m".into(),
        model_title: "Model M".into(),
        tags: vec![("feature".into(), name.into())],
        max_tokens: 1000,
        max_tokens_is_set: true,
        latency: "test".into(),
        latency_origin: Origin::Assumed,
        latency_source: "a test".into(),
        prices: Some(prices()),
        tier: PriceTier::Standard,
        tier_prices: None,
        standard_prices: Some(prices()),
        batch_prices: None,
    };
    VariantContext {
        name: name.into(),
        mode: "on-demand, us profile".into(),
        duration: Micros::from_secs(660),
        warmup: Micros::from_secs(60),
        slo: slo.clone(),
        workloads: vec![workload("chat"), workload("tags")],
        lanes: Vec::new(),
        bought: None,
        account: crate::service::spec::AccountSpec::default(),
        price_book: ("2026-11-22".into(), "2026-11-22".into()),
        assumptions: Vec::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
    }
}

/// Roomy, tight and reserved capacity for the same traffic.
pub(crate) fn runs(replications: u32) -> (Vec<VariantContext>, Vec<VariantMeasures>) {
    let slo = slo();
    let mut reserved = setup(10_000_000, &slo);
    for target in &mut reserved.endpoint.targets {
        target.route = Route::Reserved { counter: Some(0) };
    }
    let size = (TokensPerMinute(300_000), TokensPerMinute(60_000));
    reserved.endpoint.reserved = Some(ReservedSetup {
        model: "m".into(),
        kind: ScopeKind::Geo,
        input_tpm: size.0,
        output_tpm: size.1,
        burndown: 1,
    });
    let setups = [setup(10_000_000, &slo), setup(1_000_000, &slo), reserved];
    let mut contexts = ["roomy", "tight", "reserved"].map(|name| context(name, &slo));
    contexts[2].bought = Some(BoughtCapacity {
        what: "reserved 300K in + 60K out".into(),
        per_hour: Some(Usd::from_dollars(40.0)),
        input_tpm: size.0,
        output_tpm: size.1,
        burndown: 1,
    });
    let measures = run_all(&setups, SEED, replications, &|| {});
    (contexts.to_vec(), measures)
}

fn engine() -> EngineInfo {
    EngineInfo {
        wall: Micros::from_millis(31),
        threads: 2,
    }
}

pub(crate) fn summary(replications: u32) -> Summary {
    let (contexts, measures) = runs(replications);
    let scenario = ScenarioInfo {
        name: "test".into(),
        description: "Does it add up?".into(),
        seed: SEED,
        replications,
    };
    summarise(&scenario, &contexts, &measures, engine(), false)
}

#[test]
fn real_output_satisfies_the_published_schema() {
    let schema: serde_json::Value = serde_json::from_str(SUMMARY_JSON_SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for replications in [1, 3] {
        let text = summary(replications).to_json();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let problems: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{problems:#?}");
    }
    let mut broken: serde_json::Value = serde_json::from_str(&summary(1).to_json()).unwrap();
    broken["variants"][0]["ttft_ms"]["p50"] = "fast".into();
    assert!(!validator.is_valid(&broken));
}

#[test]
fn a_summary_reads_back_as_written() {
    let summary = summary(2);
    assert_eq!(read_summary(&summary.to_json()).unwrap(), summary);
}

#[test]
fn equal_runs_differ_in_the_engine_only() {
    let (contexts, measures) = runs(2);
    let (_, again) = runs(2);
    let scenario = ScenarioInfo {
        name: "test".into(),
        description: String::new(),
        seed: SEED,
        replications: 2,
    };
    let other = EngineInfo {
        wall: Micros::from_millis(77),
        threads: 1,
    };
    let a = summarise(&scenario, &contexts, &measures, engine(), false);
    let mut b = summarise(&scenario, &contexts, &again, other, false);
    assert_ne!(a.engine, b.engine);
    b.engine = a.engine;
    assert_eq!(a.to_json(), b.to_json());
}

#[test]
fn counters_and_costs_add_up() {
    let summary = summary(1);
    assert!(summary.valid && !summary.partial);
    let roomy = &summary.variants[0];
    let requests = roomy.requests;
    assert_eq!(requests.offered, requests.completed);
    assert!(roomy.slo.met, "{:?}", roomy.slo);
    // 3 $/M in and 15 $/M out by hand, and 730 hours of six runs an hour.
    let [chat, tags] = [0, 1].map(|i| &roomy.workloads[i]);
    assert_eq!(chat.tokens.input, 1000 * chat.requests.completed);
    let dollars = roomy.tokens.input as f64 * 3e-6 + roomy.tokens.output as f64 * 15e-6;
    assert!((roomy.cost.run_usd.unwrap() - dollars).abs() < 1e-5);
    assert!((roomy.cost.month_usd.unwrap() - dollars * 6.0 * 730.0).abs() < 0.05);
    let parts = chat.cost.run_usd.unwrap() + tags.cost.run_usd.unwrap();
    assert!((parts - dollars).abs() < 1e-5);
    assert_eq!(roomy.cost.by_class.reserved, Some(0.0));
    assert!((roomy.goodput_rps.unwrap() - 10.0).abs() < 0.5);
}

#[test]
fn answers_that_are_not_streamed_have_no_first_token() {
    let summary = summary(1);
    let tags = &summary.variants[0].workloads[1];
    assert_eq!(tags.ttft_ms.reading("p50"), Err(Absence::NotApplicable));
    assert!(tags.e2e_ms.p50.is_some());
    assert_eq!(tags.e2e_ms.reading("p999"), Err(Absence::TooFew));
}

#[test]
fn requests_without_an_answer_are_infinitely_late() {
    let tight = &summary(1).variants[1];
    let lost = tight.requests.offered - tight.requests.completed;
    assert!(lost as f64 > 0.01 * tight.requests.offered as f64);
    assert!(tight.ttft_ms.p99.is_some());
    assert_eq!(tight.ttft_all_ms.reading("p99"), Err(Absence::Never));
    assert!(tight.ttft_all_ms.p50.is_some());
    assert!(!tight.slo.met);
    assert_eq!(tight.slo.missed[0], "ttft.p95");
    assert!(tight.slo.missed.contains(&"throttled_share".to_owned()));
    assert!(tight.quota[0].peak_reserved_share > tight.quota[0].peak_settled_share);
    // Quotas count the warm-up too.
    assert!(tight.quota[0].refused >= tight.attempts.throttled);
}

#[test]
fn bought_capacity_is_weighed_against_on_demand_prices() {
    let reserved = &summary(1).variants[2];
    let prepaid = reserved.prepaid.as_ref().unwrap();
    assert!(prepaid.requests > 0 && prepaid.input_utilisation.unwrap() <= 1.01);
    let even = reserved.break_even.as_ref().unwrap();
    assert_eq!(even.month_usd, Some(29_200.0));
    // Chat and tags at 4:1 take 900 in and 164 out on average, $.00516: input fills first, at
    // 333 requests a minute, worth $103.2 an hour.
    let value = even.full_use_month_usd.unwrap();
    assert!((value / (103.2 * 730.0) - 1.0).abs() < 0.03, "{value}");
    assert_eq!(even.binding.as_deref(), Some("input"));
    let from = even.break_even_utilisation.unwrap();
    assert!((from - 29_200.0 / value).abs() < 1e-4);
    assert_eq!(even.pays, Some(even.utilisation.unwrap() >= from));
    assert!(
        even.sentence.contains("$29,200 a month"),
        "{}",
        even.sentence
    );
    let cost = &reserved.cost;
    assert_eq!(cost.month_by_class.reserved, Some(29_200.0));
    // Ten minutes of the hour were measured.
    assert!((cost.by_class.reserved.unwrap() - 40.0 / 6.0).abs() < 1e-5);
    assert_eq!(reserved.workloads[0].cost.by_class.reserved, None);
}

#[test]
fn without_a_price_the_highest_paying_one_is_named() {
    let (mut contexts, measures) = runs(1);
    contexts[2].bought.as_mut().unwrap().per_hour = None;
    let scenario = ScenarioInfo {
        name: "test".into(),
        description: String::new(),
        seed: SEED,
        replications: 1,
    };
    let summary = summarise(&scenario, &contexts, &measures, engine(), false);
    let reserved = &summary.variants[2];
    assert_eq!(
        (reserved.cost.run_usd, reserved.cost.month_usd),
        (None, None)
    );
    assert!(reserved.cost.by_class.input.is_some());
    let even = reserved.break_even.as_ref().unwrap();
    assert_eq!((even.pays, even.break_even_utilisation), (None, None));
    let highest = even.highest_paying_month_usd.unwrap();
    let want = even.full_use_month_usd.unwrap() * even.utilisation.unwrap();
    assert!((highest / want - 1.0).abs() < 1e-4);
    assert!(
        even.sentence.contains("so it pays below"),
        "{}",
        even.sentence
    );
}

#[test]
fn replications_give_intervals() {
    assert_eq!(summary(1).variants[0].intervals, None);
    let summary = summary(4);
    let roomy = &summary.variants[0];
    assert_eq!(roomy.replications.len(), 4);
    assert_eq!(roomy.replications[0].seed, SEED);
    let interval = roomy.intervals.as_ref().unwrap().ttft_p50_ms.unwrap();
    assert!(interval.low < interval.estimate && interval.estimate < interval.high);
    let p50 = roomy.ttft_ms.p50.unwrap();
    assert!(interval.low < p50 && p50 < interval.high);
}

#[test]
fn a_span_without_requests_claims_nothing() {
    let slo = slo();
    let mut empty = setup(1_000_000, &slo);
    empty.warmup = empty.duration - Micros(1);
    let measures = run_all(&[empty], SEED, 1, &|| {});
    let scenario = ScenarioInfo {
        name: "empty".into(),
        description: String::new(),
        seed: SEED,
        replications: 1,
    };
    let summary = summarise(
        &scenario,
        &[context("empty", &slo)],
        &measures,
        engine(),
        true,
    );
    let variant = &summary.variants[0];
    assert!(summary.partial && !summary.warnings.is_empty());
    assert_eq!(variant.slo.attainment, None);
    assert!(!variant.slo.met);
    assert_eq!(variant.attempts.amplification, None);
    assert_eq!(variant.ttft_ms.p50, None);
    read_summary(&summary.to_json()).unwrap();
}

#[test]
fn files_of_newer_programs_are_refused() {
    let check = |text: &str, want: &str| {
        assert_eq!(read_summary(text).unwrap_err().to_string(), want);
    };
    check(
        r#"{"schema": "bedload.summary/2"}"#,
        "the document has the schema `bedload.summary/2`, and this program reads up to \
         `bedload.summary/1`: use the version of bedload that wrote it, or a newer one",
    );
    check(
        r#"{"schema": "bedload.plan/1"}"#,
        "the document has the schema `bedload.plan/1`, expected `bedload.summary/1`",
    );
    check(
        "{}",
        "not a readable `bedload.summary/1` document: missing field `schema` (line 1, column 2)",
    );
    check(
        r#"{"schema": "bedload.summary/1"}"#,
        "not a readable `bedload.summary/1` document: missing field `scenario` (line 1, column 31)",
    );
    assert!(matches!(
        read_summary("PK\u{3}").unwrap_err(),
        ReadError::Unreadable { line: 1, .. }
    ));
}

#[test]
fn the_course_of_a_run_is_a_table() {
    let (contexts, measures) = runs(1);
    let named = contexts.iter().map(|one| one.name.as_str()).zip(&measures);
    let text = timeline_csv(named);
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(rows.headers().unwrap().len(), 15);
    let mut offered = 0;
    let mut seen = 0;
    for row in rows.records() {
        let row = row.unwrap();
        if &row[0] == "tight" {
            offered += row[2].parse::<u64>().unwrap();
            seen += 1;
        }
    }
    assert_eq!(offered, measures[1].total.simulated);
    assert_eq!(seen, measures[1].total.timeline.intervals().len());
    assert_eq!(
        timeline_csv([("a,\"b\"", &measures[0])])
            .lines()
            .nth(1)
            .unwrap()
            .split('"')
            .count(),
        7
    );
}

#[test]
fn histograms_are_tagged_by_variant_and_metric() {
    let (_, measures) = runs(1);
    let log = histogram_log([("on demand, us", &measures[0])]).unwrap();
    let text = String::from_utf8(log).unwrap();
    for metric in ["ttft", "attempt_ttft", "e2e", "attempt_e2e", "tpot"] {
        assert!(
            text.contains(&format!("Tag=on_demand__us/{metric},")),
            "{text}"
        );
    }
}

#[test]
fn manifests_read_back_and_name_profiles_by_hash() {
    let catalogue = crate::profile::Catalogue::builtin();
    let kind = crate::profile::ProfileKind::Prices;
    let book = catalogue.latest_prices().unwrap().name.clone();
    let profile = profile_use(&catalogue, kind, &book).unwrap();
    assert_eq!((profile.sha256.len(), profile.as_of.len()), (64, 10));
    assert_eq!(profile_use(&catalogue, kind, "none"), None);
    let manifest = manifest(false);
    assert_eq!(read_manifest(&manifest.to_json()).unwrap(), manifest);
    assert!(read_manifest(&summary(1).to_json()).is_err());
}

pub(crate) fn manifest(partial: bool) -> Manifest {
    Manifest {
        schema: MANIFEST_SCHEMA.into(),
        program_version: "0.1.0".into(),
        scenario: "test".into(),
        seed: SEED,
        replications: 1,
        partial,
        started_at: "2026-11-23T01:02:03Z".into(),
        command: vec!["bedload".into(), "simulate".into()],
        resolved_scenario: "name = \"test\"\n".into(),
        profiles: Vec::new(),
        host: HostInfo {
            os: "linux".into(),
            arch: "x86_64".into(),
            threads: 2,
        },
    }
}
