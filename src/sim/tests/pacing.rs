//! Clients that limit and pace themselves: what they send, and what the service says to it.

use super::*;
use crate::client::spec::{
    AdaptSpec, AimdSpec, GradientSpec, Jitter, PacingSpec, QueueOrder, RampSpec, RateSpec,
    TokenPacingSpec,
};
use crate::service::setup::{Destination, PoolSetup, RegionsSetup};
use crate::service::spec::RoutingPolicy;
use proptest::prelude::*;

const QUOTA_PACED: PacingSpec = PacingSpec::Tokens(TokenPacingSpec {
    tpm: None,
    rpm: None,
    share: 1.0,
    burndown: None,
});

/// Requests of 3,000 tokens and answers of about 400 against 2,000,000 tokens a minute, β = 5.
fn metered(rate: f64, max_tokens: u32, semantics: Semantics, minutes: u64) -> RunSetup {
    let duration = Micros::from_secs(60 * minutes);
    let mut setup = setup(
        rate,
        latency(Micros::from_secs(2), NoiseLaw::lognormal(0.3)),
        duration,
    );
    setup.workloads[0].traffic.input = Some(SizeSpec::Fixed(3000));
    setup.workloads[0].traffic.output = Some(SizeSpec::Fixed(400));
    let endpoint = &mut setup.endpoint;
    endpoint.targets[0].max_tokens = max_tokens;
    endpoint.targets[0].burndown = 5;
    endpoint.counters[0].limits.tpm = TokensPerMinute(2_000_000);
    endpoint.rules = QuotaRules {
        semantics,
        token_window: semantics.default_window(),
        ..endpoint.rules
    };
    setup
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nobody_is_throttled_who_counts_as_strictly_as_the_strictest_quota(
        rate in 1.0f64..20.0,
        max_tokens in 400u32..20_000,
        semantics in prop_oneof![Just(Semantics::A), Just(Semantics::B), Just(Semantics::C)],
        instances in prop_oneof![Just(1u32), 2u32..6],
        rpm in prop_oneof![Just(None), (60u64..600).prop_map(Some)],
        window in prop_oneof![Just(Fixed), Just(Bucket)],
        seed in 0u64..1000,
    ) {
        // An answer that counts more than it reserved (400 tokens, five times) takes from the part of another process,
        // and puts a quota that refills while tokens are held into debt that nobody saw coming.
        prop_assume!(max_tokens >= 2000 || (instances == 1 && semantics != Semantics::A));
        let mut setup = metered(rate, max_tokens, semantics, 4);
        setup.endpoint.counters[0].limits.rpm = rpm.map(RequestsPerMinute);
        setup.endpoint.rules.request_window = window;
        setup.client.instances = instances;
        let plain = run(&setup, seed).workloads[0].requests;
        setup.client.pacing = Some(QUOTA_PACED);
        let paced = run(&setup, seed).workloads[0].requests;
        prop_assert_eq!(plain.offered, paced.offered);
        prop_assert_eq!(paced.throttled, 0);
        prop_assert_eq!(paced.completed, paced.offered);
    }
}

#[test]
fn counting_tokens_sends_what_the_quota_carries() {
    // Semantics B carries 5.391 a second with 4,096, and 2.062 with 64,000 (methods 3.3), at ten
    // seconds per call; a client that counts the same way gets as much of it, and no refusal.
    for (max_tokens, want) in [(4096, 5.391), (64_000, 2.062)] {
        let mut setup = metered(20.0, max_tokens, Semantics::B, 60);
        setup.endpoint.targets[0].latency = latency(Micros::from_secs(10), NoiseLaw::none());
        setup.endpoint.targets[0].latency.per_output_token = Micros::ZERO;
        setup.client.pacing = Some(QUOTA_PACED);
        setup.client.queue_for = Some(Micros::from_secs(5));
        setup.warmup = Micros::from_secs(600);
        let requests = run(&setup, 1).workloads[0].requests;
        assert_eq!(requests.throttled, 0);
        assert_eq!(requests.not_sent + requests.completed, requests.offered);
        let rps = requests.completed as f64 / 3000.0;
        assert_close(&format!("{max_tokens}"), rps, want, 0.06);
    }
}

#[test]
fn abandoned_calls_do_not_keep_their_reservations() {
    let mut setup = metered(8.0, 4096, Semantics::B, 10);
    setup.client.timeout = Some(Micros::from_secs(3));
    setup.client.pacing = Some(QUOTA_PACED);
    setup.client.deadline = Some(Micros::from_secs(30));
    let requests = run(&setup, 1).workloads[0].requests;
    let ended = requests.timed_out + requests.not_sent + requests.throttled;
    assert_eq!((ended, requests.completed), (requests.offered, 0));
    // A minute holds 281 reservations of 7,096.
    let sent = requests.offered - requests.not_sent;
    assert!((281 * 8..=281 * 11).contains(&sent), "{sent}");
}

#[test]
fn models_have_counts_of_their_own() {
    let mut setup = metered(2.0, 4096, Semantics::B, 5);
    setup.workloads.push(WorkloadSetup {
        name: "other".into(),
        ..setup.workloads[0].clone()
    });
    let endpoint = &mut setup.endpoint;
    endpoint.targets.push(TargetSetup {
        name: "other".into(),
        route: Route::OnDemand { counter: 1 },
        ..endpoint.targets[0].clone()
    });
    endpoint.counters.push(CounterSetup {
        model: "other".into(),
        ..endpoint.counters[0].clone()
    });
    // A call of the second model waits for half a minute at least; those of the first do not care.
    endpoint.counters[1].limits.tpm = TokensPerMinute(15_000);
    setup.client.pacing = Some(QUOTA_PACED);
    let measures = run(&setup, 3);
    let median = |workload: usize| {
        let e2e = measures.workloads[workload].e2e.logical().quantile(0.5);
        e2e.expect("there are answers").as_secs_f64()
    };
    assert!(median(0) < 20.0, "{}", median(0));
    assert!(median(1) > 1000.0, "{}", median(1));
    assert!(
        measures
            .workloads
            .iter()
            .all(|one| one.requests.throttled == 0)
    );
}

#[test]
fn a_leaky_bucket_sends_at_its_rate_and_the_rest_waits() {
    let mut setup = setup(
        20.0,
        latency(Micros::SECOND, NoiseLaw::none()),
        Micros::from_secs(100),
    );
    setup.client.instances = 2;
    setup.client.pacing = Some(PacingSpec::Rate(RateSpec {
        rate: PerSecond(10.0),
        burst: 1,
    }));
    let measures = run(&setup, 1);
    let requests = measures.workloads[0].requests;
    assert_eq!(requests.completed, requests.offered);
    // About 2,000 requests at ten a second.
    let ran_for = measures.ran_for.as_secs_f64();
    assert_close("duration", ran_for, requests.offered as f64 / 10.0, 0.01);
}

/// Pools of `streams`, at `rate` calls of ten seconds.
fn scarce(rate: f64, streams: u32, minutes: u64) -> RunSetup {
    let mut setup = setup(
        rate,
        latency(Micros::from_secs(10), NoiseLaw::none()),
        Micros::from_secs(60 * minutes),
    );
    setup.endpoint.regions = Some(RegionsSetup {
        policy: RoutingPolicy::Random,
        spill: false,
        start_hour: 0.0,
        pools: vec![PoolSetup {
            model: "m".into(),
            region: "r".into(),
            streams: Some(streams),
            ambient: [0.0; 24],
            lost: Vec::new(),
        }],
        targets: vec![vec![Destination {
            pool: 0,
            weight: 1.0,
            hop: Micros::ZERO,
        }]],
    });
    setup
}

#[test]
fn the_ramp_finds_a_rate_that_the_service_has_room_for() {
    // 120 streams of ten seconds carry 12 a second. From 40, halved to 20 and to 10; after fifteen
    // minutes 15 is too much, and half of it is not.
    let mut setup = scarce(40.0, 120, 60);
    setup.client.queue_for = Some(Micros::from_secs(10));
    let plain = run(&setup, 1).workloads[0].requests;
    setup.client.pacing = Some(PacingSpec::Ramp(RampSpec {
        target: PerSecond(40.0),
        from: PerSecond(40.0),
        min: PerSecond(1.0),
        hold: Micros::from_secs(900),
        probe: Micros::MINUTE,
        burst: 1,
    }));
    let measures = run(&setup, 1);
    let tally = &measures.workloads[0];
    let unavailable = tally.attempts.unavailable;
    assert!(plain.failed > 90_000, "{}", plain.failed);
    // The first halves the rate at once; then a minute at 20 refuses eight a second, and later a few of each rate
    // that is too high.
    assert!((450..700).contains(&unavailable), "{unavailable}");
    let rate = tally.requests.completed as f64 / 3600.0;
    assert!((8.0..12.0).contains(&rate), "{rate}");
}

#[test]
fn adaptive_limits_find_the_room_that_there_is() {
    // Four hundred users who always ask, and 50 streams: without a limit nearly all calls are refused.
    let limits = [
        AdaptSpec::Aimd(AimdSpec {
            initial: 20,
            min: 1,
            failed: 0.9,
            throttled: 0.6,
        }),
        AdaptSpec::Gradient(GradientSpec {
            initial: 20,
            min: 20,
            queue_size: 4.0,
            tolerance: 1.5,
        }),
    ];
    let mut setup = scarce(20.0, 50, 60);
    setup.client.queue_for = Some(Micros::from_secs(10));
    let plain = &run(&setup, 1).workloads[0];
    let plain_refused = plain.attempts.unavailable;
    for adapt in limits {
        setup.client.concurrency = Some(200);
        setup.client.adapt = Some(adapt);
        let tally = &run(&setup, 1).workloads[0];
        let refused = tally.attempts.unavailable;
        assert!(
            refused * 10 < plain_refused,
            "{adapt:?}: {refused} of {plain_refused}"
        );
        // Fifty streams of ten seconds carry five a second.
        let rate = tally.requests.completed as f64 / 3600.0;
        assert!((3.5..5.01).contains(&rate), "{adapt:?}: {rate}");
    }
}

#[test]
fn the_newest_first_answers_more_in_time_under_overload() {
    let in_time = |order| {
        let mut setup = setup(
            1.2,
            latency(Micros::SECOND, exponential()),
            Micros::from_secs(2000),
        );
        setup.client.concurrency = Some(1);
        setup.client.queue = Some(100);
        setup.client.queue_order = order;
        setup.bounds.e2e = Micros::from_secs(5);
        let tally = &run(&setup, 3).workloads[0];
        tally.good as f64 / tally.requests.offered as f64
    };
    let (fifo, lifo) = (in_time(QueueOrder::Fifo), in_time(QueueOrder::Lifo));
    assert!(lifo > 0.5 && fifo < 0.2, "{lifo} against {fifo}");
}

#[test]
fn what_cannot_end_in_time_is_not_tried() {
    let attempts = |expected| {
        let mut setup = scarce(20.0, 50, 10);
        setup.client.deadline = Some(Micros::from_secs(15));
        setup.client.expected = expected;
        setup.client.retry = RetryPolicy::Exponential {
            max_attempts: 20,
            base: Micros::SECOND,
            cap: Micros::SECOND,
            jitter: Jitter::None,
        };
        let tally = &run(&setup, 3).workloads[0];
        (tally.attempts.sent, tally.requests.completed)
    };
    let (all, some) = (attempts(None), attempts(Some(Micros::from_secs(10))));
    // Answers take ten seconds: attempts after the first five are for nothing, and take streams from others.
    assert!(some.0 * 3 < all.0 * 2, "{some:?} of {all:?}");
    assert!(some.1 > all.1, "{some:?} of {all:?}");
}
