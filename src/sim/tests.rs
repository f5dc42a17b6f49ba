//! The engine against queueing theory, and the laws that every run obeys.

mod hedging;
mod lanes;
mod pacing;
mod regions;
mod retries;

use super::{RequestBounds, RunMeasures, RunSetup, TierSetup, WorkloadSetup, run};
use crate::client::spec::{ClientPolicy, RetryPolicy};
use crate::domain::Window::{Bucket, Fixed};
use crate::domain::{
    Fact, KNOT_COUNT, KNOT_Z_MAX, LatencyProfile, NoiseLaw, Origin, PriceTier, QuotaRules,
    ScopeKind, Semantics, Slo,
};
use crate::load::spec::{ArrivalSpec, SizeSpec, TrafficSpec};
use crate::service::CounterLimits;
use crate::service::setup::{CounterSetup, EndpointSetup, Route, TargetSetup, UnitsSetup};
use crate::service::spec::Overload;
use crate::service::tiers::{OptimizedRoute, TierSpec};
use crate::units::{Micros, PerSecond, RequestsPerMinute, TokensPerMinute};
use statrs::distribution::{ContinuousCDF, Normal};

/// A service whose TTFT has this mean and noise, with answers of one token.
pub(crate) fn latency(ttft: Micros, noise: NoiseLaw) -> LatencyProfile {
    LatencyProfile {
        name: "test".into(),
        origin: Origin::Assumed,
        source: Fact::default(),
        ttft_base: ttft,
        ttft_per_k_input: Micros::ZERO,
        ttft_per_k_cached: Micros::ZERO,
        load_base: Micros::ZERO,
        load_per_k: Micros::ZERO,
        per_output_token: Micros::from_millis(20),
        load_per_token: 0.0,
        ttft_noise: noise,
        tpot_noise: NoiseLaw::none(),
    }
}

/// The exponential law with mean one, as knots.
pub(crate) fn exponential() -> NoiseLaw {
    let normal = Normal::standard();
    let step = 2.0 * KNOT_Z_MAX / (KNOT_COUNT - 1) as f64;
    let quantile = |i: usize| (-(normal.sf(i as f64 * step - KNOT_Z_MAX)).ln()).ln();
    NoiseLaw {
        ln_knots: (0..KNOT_COUNT).map(quantile).collect(),
        tail_index: None,
    }
}

/// One workload against one counter without limits that matter.
pub(crate) fn setup(rate: f64, latency: LatencyProfile, duration: Micros) -> RunSetup {
    let traffic = TrafficSpec {
        arrival: ArrivalSpec::Poisson {
            rate: PerSecond(rate),
        },
        shapes: Vec::new(),
        input: Some(SizeSpec::Fixed(1)),
        output: Some(SizeSpec::Fixed(1)),
        rank_correlation: 0.0,
        prefix: None,
        context: crate::load::spec::ContextSpec::default(),
        kept: crate::units::Ratio::ONE,
    };
    let target = TargetSetup {
        name: "w".into(),
        model: "test".into(),
        route: Route::OnDemand { counter: 0 },
        latency,
        burndown: 1,
        max_tokens: 10_000,
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
    let limits = CounterLimits {
        tpm: TokensPerMinute(1 << 50),
        rpm: None,
        tpd: None,
    };
    RunSetup {
        duration,
        warmup: Micros::ZERO,
        workloads: vec![WorkloadSetup {
            name: "w".into(),
            traffic,
            stream: true,
            thinking: None,
            text_unit: crate::units::Usd::ZERO,
            router_fee: crate::units::Usd::ZERO,
            tariffs: Vec::new(),
            tier: TierSetup::default(),
            batch: None,
        }],
        client: ClientPolicy {
            retry: RetryPolicy::None,
            ..ClientPolicy::default()
        },
        lanes: crate::sim::Lanes::default(),
        endpoint: EndpointSetup {
            targets: vec![target],
            counters: vec![CounterSetup {
                model: "m".into(),
                kind: ScopeKind::Geo,
                region: None,
                limits,
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
        bounds: RequestBounds::of(&Slo::default()),
        timeouts_are_billed: true,
        record_attempts: false,
        course: None,
    }
}

fn assert_close(what: &str, got: f64, want: f64, tolerance: f64) {
    assert!(
        (got / want - 1.0).abs() < tolerance,
        "{what}: {got} against {want}"
    );
}

/// Mean time in the system of `c` servers at load `rate`, in seconds.
fn mean_sojourn(rate: f64, servers: u32, noise: NoiseLaw, requests: f64) -> (f64, RunMeasures) {
    let duration = Micros::from_secs_f64(requests / rate);
    let mut setup = setup(rate, latency(Micros::SECOND, noise), duration);
    setup.client.concurrency = Some(servers);
    let measures = run(&setup, 7);
    let mean = measures.in_system_area as f64 / 1e6 / measures.simulated as f64;
    (mean, measures)
}

#[test]
fn single_server_queues_wait_as_theory_says() {
    // μ = 1, λ = .8 (methods 3.6): W = 5 for M/M/1, 3 for M/D/1, 1 + 5.43656 for lognormal service.
    let sigma = 1.0f64;
    // A lognormal law with mean one has its median at e^(−σ²/2).
    let mut lognormal = NoiseLaw::lognormal(sigma);
    lognormal
        .ln_knots
        .iter_mut()
        .for_each(|ln| *ln -= sigma * sigma / 2.0);
    for (name, noise, want, requests) in [
        ("M/M/1", exponential(), 5.0, 1.5e6),
        ("M/D/1", NoiseLaw::none(), 3.0, 1e6),
        ("M/G/1", lognormal, 6.43656, 3e6),
    ] {
        let (mean, measures) = mean_sojourn(0.8, 1, noise, requests);
        assert_close(name, mean, want, 0.03);
        // Little's law with the arrival rate that was run: L = λW (the engine asserts the exact form).
        let rate = measures.simulated as f64 / measures.ran_for.as_secs_f64();
        assert_close("L = λW", measures.mean_in_system(), rate * mean, 1e-9);
    }
}

#[test]
fn many_servers_wait_as_erlang_c_and_lose_as_erlang_b_say() {
    // C(10, 8) = .409180: W = 1 + C/(c − a) = 1.20459 at μ = 1.
    let (mean, _) = mean_sojourn(8.0, 10, exponential(), 1e6);
    assert_close("M/M/10", mean, 1.0 + 0.409_180 / 2.0, 0.02);
    // B(10, 8) = .121661, whatever the law of service.
    for noise in [exponential(), NoiseLaw::none()] {
        let mut setup = setup(
            8.0,
            latency(Micros::SECOND, noise),
            Micros::from_secs(125_000),
        );
        setup.client.concurrency = Some(10);
        setup.client.queue = Some(0);
        let measures = run(&setup, 3);
        let requests = measures.workloads[0].requests;
        let lost = requests.not_sent as f64 / requests.offered as f64;
        assert_close("Erlang B", lost, 0.121_661, 0.02);
    }
}

/// Completed requests per second when far more is offered than the token quota lets through.
fn saturated_rps(semantics: Semantics, max_tokens: u32) -> f64 {
    let mut setup = setup(
        20.0,
        latency(Micros::from_secs(10), NoiseLaw::none()),
        Micros::HOUR,
    );
    setup.workloads[0].traffic.input = Some(SizeSpec::Fixed(3000));
    setup.workloads[0].traffic.output = Some(SizeSpec::Fixed(400));
    setup.warmup = Micros::from_secs(600);
    let endpoint = &mut setup.endpoint;
    endpoint.targets[0].max_tokens = max_tokens;
    endpoint.targets[0].burndown = 5;
    endpoint.targets[0].latency.per_output_token = Micros::ZERO;
    endpoint.counters[0].limits.tpm = TokensPerMinute(2_000_000);
    endpoint.rules = QuotaRules {
        semantics,
        token_window: semantics.default_window(),
        ..endpoint.rules
    };
    let completed = run(&setup, 1).workloads[0].requests.completed;
    completed as f64 / (3600.0 - 600.0)
}

#[test]
fn quota_semantics_give_the_throughputs_of_the_closed_forms() {
    // Q = 2M, 3,000 in, 400 out, β = 5, L = 10 s (methods 3.3): closed form or saturated simulation.
    for (semantics, max_tokens, want, tolerance) in [
        (Semantics::A, 4096, 6.667, 0.01),
        (Semantics::B, 4096, 5.391, 0.02),
        (Semantics::C, 4096, 6.65, 0.02),
        (Semantics::A, 64_000, 6.667, 0.01),
        (Semantics::B, 64_000, 2.062, 0.05),
        (Semantics::C, 64_000, 2.43, 0.05),
    ] {
        let rps = saturated_rps(semantics, max_tokens);
        assert_close(&format!("{semantics} {max_tokens}"), rps, want, tolerance);
    }
}

#[test]
fn request_windows_lose_what_theory_says() {
    // A fixed window of 60 with 57 offered loses .03100; a bucket of depth 1 at ρ = .9 loses .47368.
    let lost = |rpm: u64, rate_per_min: f64, window, hours: u64| {
        let duration = Micros(hours * Micros::HOUR.0);
        let mut setup = setup(
            rate_per_min / 60.0,
            latency(Micros::from_millis(1), NoiseLaw::none()),
            duration,
        );
        setup.endpoint.counters[0].limits.rpm = Some(RequestsPerMinute(rpm));
        setup.endpoint.rules.request_window = window;
        let requests = run(&setup, 5).workloads[0].requests;
        requests.throttled as f64 / requests.offered as f64
    };
    assert_close("fixed 57/60", lost(60, 57.0, Fixed, 2000), 0.031, 0.03);
    assert_close("fixed 66/60", lost(60, 66.0, Fixed, 500), 0.10675, 0.02);
    assert_close("bucket k=1", lost(1, 0.9, Bucket, 5000), 0.47368, 0.02);
    assert_close("bucket k=5", lost(5, 4.5, Bucket, 4000), 0.064, 0.06);
}

#[test]
fn model_units_share_as_the_capped_law_says() {
    // O = 200 tok/s, s = 50, 250 tokens, λ = .6: 7.54717 s of decode beside the TTFT.
    let ttft = Micros::from_millis(100);
    let mut setup = setup(
        0.6,
        latency(ttft, NoiseLaw::none()),
        Micros::from_secs(500_000),
    );
    setup.workloads[0].traffic.output = Some(SizeSpec::Fixed(251));
    setup.endpoint.targets[0].route = Route::Units { counter: None };
    setup.endpoint.units = Some(UnitsSetup {
        input_per_s: 1e6,
        output_per_s: 200.0,
        stream_per_s: 50.0,
        overload: Overload::Queue,
    });
    let measures = run(&setup, 11);
    let mean = measures.in_system_area as f64 / 1e6 / measures.simulated as f64;
    assert_close("decode", mean - 0.1, 7.54717, 0.02);
}

#[test]
fn retries_against_a_plain_capacity_amplify_to_the_fixed_point() {
    // Cheap refusals at C = 600 a minute, λ/C = 2, n = 5 (methods 4.3): 7.7250 C attempts. A
    // refused call comes again within the deadline of minutes, so the window hardly matters.
    let mut setup = setup(
        20.0,
        latency(Micros::from_millis(1), NoiseLaw::none()),
        Micros::HOUR,
    );
    setup.endpoint.counters[0].limits.rpm = Some(RequestsPerMinute(600));
    setup.client.retry = RetryPolicy::Exponential {
        max_attempts: 5,
        base: Micros::from_secs(5),
        cap: Micros::from_secs(60),
        jitter: crate::client::spec::Jitter::Full,
    };
    let tally = &run(&setup, 2).workloads[0];
    let attempts = tally.attempts.sent as f64 / 3600.0 / 10.0;
    assert_close("attempts over C", attempts, 7.7250, 0.05);
}

#[test]
fn a_run_repeats_byte_for_byte_and_another_seed_differs() {
    let setup = setup(
        50.0,
        latency(Micros::SECOND, NoiseLaw::lognormal(0.4)),
        Micros::from_secs(60),
    );
    let text = |seed| format!("{:?}", run(&setup, seed));
    assert_eq!(text(1), text(1));
    assert_ne!(text(1), text(2));
}

#[test]
fn a_client_timeout_settles_what_was_produced() {
    let mut setup = setup(
        1.0,
        latency(Micros::SECOND, NoiseLaw::none()),
        Micros::from_secs(100),
    );
    setup.workloads[0].traffic.output = Some(SizeSpec::Fixed(1001));
    setup.client.timeout = Some(Micros::from_secs(11));
    let measures = run(&setup, 4);
    let tally = &measures.workloads[0];
    assert_eq!(tally.requests.timed_out, tally.requests.offered);
    // 1 s to the first token, then 20 ms each: 501 tokens after 11 s, and 1 input token.
    assert_eq!(
        measures.totals.settled,
        u128::from(tally.requests.offered) * 502
    );
}

#[test]
fn users_who_do_not_think_cannot_stop_the_clock() {
    // Every call is refused at once, so a user asks about a hundred times a second.
    let mut setup = setup(
        1.0,
        latency(Micros::SECOND, NoiseLaw::none()),
        Micros::from_secs(2),
    );
    setup.workloads[0].traffic.arrival = ArrivalSpec::Closed {
        users: 3,
        think: crate::load::spec::DurationSpec::Fixed(Micros::ZERO),
    };
    setup.endpoint.counters[0].limits.tpm = TokensPerMinute(1);
    setup.client.retry = RetryPolicy::None;
    let requests = run(&setup, 1).workloads[0].requests;
    assert_eq!((requests.offered, requests.throttled), (600, 600));
}

#[test]
fn a_prompt_beyond_the_context_window_fails_without_a_retry() {
    let mut setup = setup(
        1.0,
        latency(Micros::SECOND, NoiseLaw::none()),
        Micros::from_secs(100),
    );
    setup.client.retry = RetryPolicy::AwsStandard21 { max_attempts: 3 };
    setup.workloads[0].traffic.input = Some(SizeSpec::Fixed(1_000_001));
    let tally = &run(&setup, 4).workloads[0];
    assert_eq!(tally.requests.failed, tally.requests.offered);
    assert_eq!(tally.attempts.sent, tally.requests.offered);
}

/// Answers of 101 tokens, 1 s to the first and 20 ms each, as `tier`.
fn in_tier(tier: Option<PriceTier>, latency_optimized: bool) -> RunSetup {
    let mut setup = setup(
        2.0,
        latency(Micros::SECOND, NoiseLaw::none()),
        Micros::from_secs(3000),
    );
    setup.workloads[0].traffic.output = Some(SizeSpec::Fixed(101));
    setup.workloads[0].tier = TierSetup {
        asks: tier,
        latency_optimized,
        tariffs: Vec::new(),
    };
    setup
}

#[test]
fn tiers_have_their_pace_and_share_the_quota() {
    let e2e = |setup: &RunSetup| {
        let measures = run(setup, 3);
        let tally = &measures.workloads[0];
        let median = tally.e2e.logical().quantile(0.5).unwrap().as_secs_f64();
        (
            median,
            tally.attempts.unavailable,
            tally.in_tier,
            measures.totals.settled,
        )
    };
    let (standard, failed, in_tier_of, settled) = e2e(&in_tier(None, false));
    assert_close("standard", standard, 3.0, 0.002);
    assert_eq!((failed, in_tier_of), (0, 0));
    let (priority, _, served, same) = e2e(&in_tier(Some(PriceTier::Priority), false));
    assert_close("priority", priority, 1.0 + 2.0 / 1.25, 0.002);
    assert!(served > 5000);
    assert_eq!(same, settled, "the quota is the same");
    let (flex, failed, ..) = e2e(&in_tier(Some(PriceTier::Flex), false));
    assert_close("flex", flex, 4.5, 0.002);
    // One in a hundred of about 6,000.
    assert!((30..100).contains(&failed), "{failed}");
}

#[test]
fn what_exceeds_the_latency_optimised_quota_is_served_as_standard() {
    let mut setup = in_tier(None, true);
    let optimized = CounterSetup {
        limits: CounterLimits {
            tpm: TokensPerMinute(1 << 40),
            rpm: Some(RequestsPerMinute(12)),
            tpd: None,
        },
        ..setup.endpoint.counters[0].clone()
    };
    setup.endpoint.optimized = vec![optimized];
    setup.endpoint.targets[0].optimized = Some(OptimizedRoute {
        counter: 0,
        max_tokens: None,
    });
    let measures = run(&setup, 3);
    let tally = &measures.workloads[0];
    // A tenth of 120 requests a minute.
    assert_close(
        "share",
        tally.in_tier as f64 / tally.requests.completed as f64,
        0.1,
        0.05,
    );
    assert_eq!(tally.requests.completed, tally.requests.offered);
    let mut names: Vec<&str> = measures.quotas.iter().map(|quota| quota.name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["latency_optimized_rpm", "latency_optimized_tpm", "tpm"]
    );
    // Longer calls than the feature takes are all served as standard.
    setup.endpoint.targets[0].optimized = Some(OptimizedRoute {
        counter: 0,
        max_tokens: Some(50),
    });
    assert_eq!(run(&setup, 3).workloads[0].in_tier, 0);
}
