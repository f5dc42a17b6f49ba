//! The whole service brain: the user guide's examples, limits that change, reservations that are
//! adjusted, the account's day, the mantle family, Regions.

use super::*;
use crate::domain::{
    CacheTtl, Fact, LatencyProfile, NoiseLaw, Origin, QuotaRules, RefusalReason, Semantics, Window,
};
use crate::rng::mix64;
use crate::service::setup::{
    AccountSetup, Behaviour, CounterSetup, Destination, PoolSetup, QuotaSetup, RegionsSetup,
    TargetSetup, Weights,
};
use crate::service::spec::{
    CounterFilter, FaultKind, FaultSpec, NewLimits, QuotaChange, QuotaLimits, Recurrence,
    RoutingPolicy,
};
use crate::service::tiers::TierSpec;
use crate::service::{CounterLimits, PoolReport};
use crate::units::{Ratio, RequestsPerMinute, TokensPerDay, TokensPerMinute};
use proptest::prelude::*;

/// One model at 1 s to the first token and 100 ms for each after it.
fn setup(tpm: u64, rules: QuotaRules) -> EndpointSetup {
    let latency = LatencyProfile {
        name: "test".into(),
        origin: Origin::Assumed,
        source: Fact::default(),
        ttft_base: Micros::SECOND,
        ttft_per_k_input: Micros::ZERO,
        ttft_per_k_cached: Micros::ZERO,
        load_base: Micros::SECOND,
        load_per_k: Micros::ZERO,
        per_output_token: Micros::from_millis(100),
        load_per_token: 1.0,
        ttft_noise: NoiseLaw::none(),
        tpot_noise: NoiseLaw::none(),
    };
    EndpointSetup {
        targets: vec![TargetSetup {
            name: "w".into(),
            model: "m".into(),
            route: Route::OnDemand { counter: 0 },
            latency,
            burndown: 5,
            max_tokens: 32_000,
            max_input: 1_000_000,
            cache_min: 1_000,
            block_tokens: 0,
            cache_ttl: Micros::from_secs(300),
            cache_scope: String::new(),
            destinations: 1,
            hop: Micros::ZERO,
            behaviour: Behaviour::default(),
            guard: None,
            optimized: None,
        }],
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
        rules,
        reserved: None,
        units: None,
        guards: Vec::new(),
        faults: Vec::new(),
        tiers: TierSpec::default(),
        optimized: Vec::new(),
        ambient_load: 0.0,
        quotas: QuotaSetup::default(),
        regions: None,
        cache: crate::domain::CacheRules::default(),
    }
}

fn rules(semantics: Semantics) -> QuotaRules {
    QuotaRules {
        semantics,
        token_window: semantics.default_window(),
        ..QuotaRules::default()
    }
}

fn call(key: u64, input: u32, output: u32, max_tokens: u32) -> Call<'static> {
    Call {
        target: 0,
        key,
        input,
        prefix: Prefix::Points(&[], &[]),
        output,
        max_tokens: Some(max_tokens),
        thinking: 0,
        screening: Screening::default(),
        tier: None,
        latency_optimized: false,
    }
}

fn at(seconds: u64) -> Moment {
    Moment::ZERO + Micros::from_secs(seconds)
}

fn left(endpoint: &mut Endpoint, now: Moment) -> i64 {
    endpoint.counters(now)[0].tpm_available
}

#[test]
fn the_user_guides_examples_hold_from_call_to_settlement() {
    // Input 3,000, cache read 4,000, cache write 1,000, output 1,000, burndown 5: `max_tokens` 32,000
    // reserves 36,000 and settles 9,000; `max_tokens` 1,250 reserves 5,250 and settles 9,000. Another
    // AWS text reserves the cache reads as well.
    let point = |id, tokens| CachePoint {
        id,
        tokens,
        ttl: CacheTtl::FiveMinutes,
    };
    for semantics in [Semantics::A, Semantics::B, Semantics::C] {
        for (max_tokens, counts_read, want) in [
            (32_000, false, 36_000),
            (32_000, true, 40_000),
            (1_250, false, 5_250),
        ] {
            let rules = QuotaRules {
                reserve_counts_cache_read: counts_read,
                ..rules(semantics)
            };
            let mut endpoint = Endpoint::new(&setup(100_000, rules), 1);
            let first = Call {
                prefix: Prefix::Points(&[point(1, 4_000)], &[]),
                ..call(1, 1, 1, 1)
            };
            let grant = endpoint.admit(Moment::ZERO, &first).expect("there is room");
            endpoint.settle(at(1), 0, &grant, 1);
            // A fresh minute, and the prefix is still cached.
            let now = at(180);
            assert_eq!(left(&mut endpoint, now), 100_000);
            let second = Call {
                prefix: Prefix::Points(&[point(1, 4_000), point(2, 1_000)], &[]),
                ..call(2, 3_000, 1_000, max_tokens)
            };
            let grant = endpoint.admit(now, &second).expect("there is room");
            let usage = Usage {
                input: 3_000,
                cache_read: 4_000,
                cache_write: 1_000,
                output: 1_000,
            };
            assert_eq!(grant.usage, usage);
            assert_eq!((grant.reserved, endpoint.held()), (want, want));
            assert_eq!(left(&mut endpoint, now), 100_000 - want, "{semantics}");
            endpoint.settle(now, 0, &grant, 1_000);
            assert_eq!(left(&mut endpoint, now), 100_000 - 9_000, "{semantics}");
            assert_eq!(endpoint.held(), 0);
        }
    }
}

#[test]
fn limits_change_at_their_moment_whoever_looks_when() {
    let change = |seconds, to| QuotaChange {
        at: Micros::from_secs(seconds),
        filter: CounterFilter::default(),
        to,
    };
    let mut setup = setup(100_000, rules(Semantics::B));
    setup.quotas.changes = vec![
        change(60, NewLimits::Times(0.5)),
        change(
            120,
            NewLimits::Set(QuotaLimits {
                tpm: Some(TokensPerMinute(200_000)),
                rpm: Some(RequestsPerMinute(1)),
                ..QuotaLimits::default()
            }),
        ),
    ];
    let mut endpoint = Endpoint::new(&setup, 1);
    let grant = endpoint
        .admit(at(50), &call(1, 30_000, 10, 1_000))
        .expect("fits");
    assert_eq!(left(&mut endpoint, at(59)), 69_000);
    assert_eq!(
        left(&mut endpoint, at(60)),
        19_000,
        "what was used stays used"
    );
    assert_eq!(
        endpoint.admit(at(61), &call(2, 19_000, 10, 1_000)).err(),
        Some(Failure::Throttled(RefusalReason::TokensPerMinute))
    );
    endpoint.settle(at(119), 0, &grant, 10);
    assert!(
        endpoint
            .admit(at(120), &call(3, 150_000, 10, 1_000))
            .is_ok()
    );
    assert_eq!(
        endpoint.admit(at(121), &call(4, 1, 1, 1)).err(),
        Some(Failure::Throttled(RefusalReason::RequestsPerMinute))
    );
}

#[test]
fn reservations_follow_the_answer_where_that_is_set() {
    for semantics in [Semantics::A, Semantics::B, Semantics::C] {
        let mut setup = setup(100_000, rules(semantics));
        setup.quotas.adjust_every = Some(Micros::from_secs(5));
        let mut endpoint = Endpoint::new(&setup, 1);
        // 1 s to the first token, then ten a second: 51 of them at second 6, 101 at second 11.
        let grant = endpoint
            .admit(Moment::ZERO, &call(1, 2_000, 120, 32_000))
            .expect("fits");
        let held = |endpoint: &mut Endpoint, seconds| {
            left(endpoint, at(seconds));
            endpoint.held()
        };
        assert_eq!(held(&mut endpoint, 5), 34_000);
        assert_eq!(held(&mut endpoint, 6), 2_000 + 5 * 51);
        assert_eq!(held(&mut endpoint, 10), 2_000 + 5 * 51);
        assert_eq!(held(&mut endpoint, 11), 2_000 + 5 * 101);
        endpoint.settle(at(13), 0, &grant, 120);
        assert_eq!(endpoint.held(), 0);
        let used = 100_000 - left(&mut endpoint, at(13));
        if semantics == Semantics::A {
            // What came back early has been refilled already.
            assert!((0..=2_600).contains(&used), "{used}");
        } else {
            assert_eq!(used, 2_600, "{semantics}");
        }
    }
}

#[test]
fn the_day_of_the_account_is_shared_and_weighted() {
    let mut setup = setup(10_000_000, rules(Semantics::B));
    let mut other = setup.targets[0].clone();
    other.route = Route::OnDemand { counter: 1 };
    setup.targets.push(other);
    setup.counters.push(CounterSetup {
        model: "n".into(),
        ..setup.counters[0].clone()
    });
    setup.quotas.account = Some(AccountSetup {
        limit: TokensPerDay(100_000),
        weights: vec![
            Weights {
                input: 3,
                output: 15,
                cache_write: 4,
                cache_write_1h: 6,
                cache_read: 1,
                reference: 3,
            },
            Weights::EQUAL,
        ],
    });
    let mut endpoint = Endpoint::new(&setup, 1);
    // 50,000 and 5 × 5,000 of the first model, 20,000 + 4,000 of the second: 99,000 of 100,000.
    let one = endpoint
        .admit(at(0), &call(1, 50_000, 1_000, 5_000))
        .expect("fits");
    let second = Call {
        target: 1,
        ..call(2, 20_000, 1_000, 4_000)
    };
    let two = endpoint.admit(at(0), &second).expect("fits");
    assert_eq!(endpoint.account(at(0)), Some((100_000, 1_000)));
    let third = Call {
        target: 1,
        ..call(3, 900, 100, 101)
    };
    assert_eq!(
        endpoint.admit(at(1), &third).err(),
        Some(Failure::Throttled(RefusalReason::TokensPerDay))
    );
    endpoint.settle(at(100), 0, &one, 1_000);
    endpoint.settle(at(100), 1, &two, 1_000);
    assert_eq!(
        endpoint.account(at(100)),
        Some((100_000, 100_000 - 55_000 - 21_000))
    );
    assert_eq!(endpoint.held(), 0);
    let report = endpoint
        .reports()
        .into_iter()
        .find(|one| one.name == "account_tpd");
    let report = report.expect("it is enforced");
    assert_eq!(
        (report.stats.refused, report.stats.peak_reserved),
        (1, 99_000)
    );
    assert_eq!(report.stats.peak_settled, 76_000);
}

#[test]
fn the_mantle_family_counts_input_and_output_apart() {
    let mut setup = setup(10_000, rules(Semantics::B));
    setup.quotas.output_tpm = vec![TokensPerMinute(450)];
    let mut endpoint = Endpoint::new(&setup, 1);
    let one = endpoint
        .admit(at(0), &call(1, 3_000, 300, 1_000))
        .expect("fits");
    assert_eq!((one.reserved, one.usage.output), (4_000, 300));
    // The next reserves 4,000 too; of its 300 tokens at ten a second 150 find room in the minute.
    let two = endpoint
        .admit(at(0), &call(2, 3_000, 300, 1_000))
        .expect("fits");
    assert!(two.stopped_early && two.truncated);
    assert_eq!(two.usage.output, 150);
    assert_eq!(two.done_at, Some(at(1) + Micros::from_millis(14_900)));
    assert_eq!(
        endpoint.admit(at(0), &call(3, 1_001, 1, 1_000)).err(),
        Some(Failure::Throttled(RefusalReason::TokensPerMinute)),
        "input and max_tokens against the input quota"
    );
    // Half way the first client leaves: what was still to come is free again.
    let produced = endpoint.cut_short(at(11), 0, &one);
    assert_eq!(produced, 101);
    endpoint.settle(at(11), 0, &one, produced);
    assert_eq!(
        left(&mut endpoint, at(11)),
        10_000 - 3_000 - 4_000,
        "no burndown, no output"
    );
    let three = endpoint
        .admit(at(11), &call(4, 1_000, 300, 1_000))
        .expect("fits");
    assert_eq!(three.usage.output, 450 - 101 - 150);
    let names: Vec<_> = endpoint.reports().iter().map(|one| one.name).collect();
    assert_eq!(names, ["input_tpm", "output_tpm"]);
}

fn two_regions(streams: u32, lost: Vec<(Micros, Micros)>) -> RegionsSetup {
    let pool = |region: &str, lost| PoolSetup {
        model: "m".into(),
        region: region.into(),
        streams: Some(streams),
        ambient: [0.0; 24],
        lost,
    };
    let to = |pool, hop| Destination {
        pool,
        weight: 1.0,
        hop: Micros::from_millis(hop),
    };
    RegionsSetup {
        policy: RoutingPolicy::SourceFirst,
        spill: true,
        start_hour: 0.0,
        pools: vec![pool("near", lost), pool("far", Vec::new())],
        targets: vec![vec![to(0, 0), to(1, 30)]],
    }
}

#[test]
fn a_full_region_answers_slowly_then_elsewhere_then_not_at_all() {
    let mut setup = setup(1_000_000, rules(Semantics::B));
    setup.targets[0].destinations = 2;
    setup.regions = Some(two_regions(2, Vec::new()));
    let mut endpoint = Endpoint::new(&setup, 1);
    let mut ttft = |key| {
        let grant = endpoint.admit(at(0), &call(key, 100, 11, 100));
        grant.map(|grant| (grant.first_token_at.0 / 1_000, grant.per_token_us()))
    };
    // h = 0, then ρ = 1/2 and h = 1: one second more, and tokens half as fast.
    assert_eq!(ttft(1), Ok((1_000, 100_000.0)));
    assert_eq!(ttft(2), Ok((2_000, 200_000.0)));
    assert_eq!(
        ttft(3),
        Ok((1_030, 100_000.0)),
        "the other Region, and its hop"
    );
    assert_eq!(ttft(4), Ok((2_030, 200_000.0)));
    assert_eq!(ttft(5), Err(Failure::Unavailable));
    assert_eq!(endpoint.held(), 4 * 200, "a 503 holds nothing of the quota");
    let pools = endpoint.pools(at(0));
    let seen = |pool: &PoolReport| (pool.stats.calls, pool.stats.spilled, pool.stats.unavailable);
    assert_eq!([seen(&pools[0]), seen(&pools[1])], [(2, 0, 1), (2, 2, 0)]);
}

#[test]
fn a_lost_region_breaks_off_its_answers_and_forgets_its_prefixes() {
    let mut setup = setup(1_000_000, rules(Semantics::B));
    setup.targets[0].destinations = 2;
    let lost = vec![(Micros::from_secs(10), Micros::from_secs(20))];
    setup.regions = Some(two_regions(100, lost));
    let mut endpoint = Endpoint::new(&setup, 1);
    let point = [CachePoint {
        id: 7,
        tokens: 2_000,
        ttl: CacheTtl::FiveMinutes,
    }];
    let cached = |key| Call {
        prefix: Prefix::Points(&point, &[]),
        ..call(key, 1, 50, 100)
    };
    let early = endpoint.admit(at(0), &cached(1)).expect("open");
    assert_eq!((early.usage.cache_write, early.failure()), (2_000, None));
    // First token at 8.01 s and a bit, lost at 10 s; another call would begin only after that.
    let mid = endpoint.admit(at(7), &cached(2)).expect("open");
    assert_eq!(mid.usage.cache_read, 2_000);
    assert_eq!(mid.done_at, Some(at(10)));
    let (after, failure) = mid.failure().expect("it breaks off");
    assert_eq!(failure, Failure::StreamBroken(StreamFault::Unavailable));
    assert!((19..=21).contains(&after), "{after}");
    let late = endpoint.admit(Moment(9_500_000), &cached(3)).expect("open");
    assert_eq!(late.failure(), Some((0, Failure::Unavailable)));
    assert_eq!(late.done_at, Some(at(10)));
    for (grant, output) in [(&early, 50), (&mid, after), (&late, 0)] {
        endpoint.settle(at(10), 0, grant, output);
    }
    let away = endpoint
        .admit(at(12), &cached(4))
        .expect("the other is open");
    assert_eq!(
        away.usage.cache_write, 2_000,
        "each Region has its own cache"
    );
    let back = endpoint.admit(at(20), &cached(5)).expect("open again");
    assert_eq!(back.usage.cache_write, 2_000, "what it held is gone");
    let pools = endpoint.pools(at(20));
    assert_eq!((pools[0].stats.broken, pools[0].in_flight), (2, 1));
    assert_eq!((pools[1].stats.calls, pools[1].stats.spilled), (1, 1));
}

#[test]
fn a_flush_empties_all_caches_once_for_each_window() {
    let mut setup = setup(1_000_000, rules(Semantics::B));
    setup.faults = vec![FaultSpec {
        from: Micros::from_secs(60),
        until: Some(Micros::from_secs(200)),
        recurs: Some(Recurrence {
            every: Micros::from_secs(60),
            length: Micros::from_secs(30),
        }),
        ..FaultSpec::steady(FaultKind::CacheFlush, Ratio::ONE)
    }];
    let mut endpoint = Endpoint::new(&setup, 1);
    let point = [CachePoint {
        id: 7,
        tokens: 2_000,
        ttl: CacheTtl::FiveMinutes,
    }];
    let mut reads = |key, seconds| {
        let cached = Call {
            prefix: Prefix::Points(&point, &[]),
            ..call(key, 1, 1, 100)
        };
        let grant = endpoint.admit(at(seconds), &cached).expect("there is room");
        grant.usage.cache_read > 0
    };
    // Windows open at 60, 120 and 180 s.
    let seen: Vec<bool> = [0, 50, 60, 70, 89, 115, 121, 140, 190, 260]
        .into_iter()
        .zip(0..)
        .map(|(seconds, key)| reads(key, seconds))
        .collect();
    let want = [
        false, true, false, true, true, true, false, true, false, true,
    ];
    assert_eq!(seen, want);
}

#[test]
fn regions_that_share_a_cache_read_what_another_wrote() {
    let mut setup = setup(1_000_000, rules(Semantics::B));
    setup.targets[0].destinations = 2;
    setup.regions = Some(two_regions(1, Vec::new()));
    let point = [CachePoint {
        id: 7,
        tokens: 2_000,
        ttl: CacheTtl::FiveMinutes,
    }];
    for (per_region, read) in [(true, 0), (false, 2_000)] {
        setup.cache.per_region = per_region;
        let mut endpoint = Endpoint::new(&setup, 1);
        let mut usage = |key| {
            let call = Call {
                prefix: Prefix::Points(&point, &[]),
                ..call(key, 1, 50, 100)
            };
            endpoint.admit(at(key), &call).expect("open").usage
        };
        assert_eq!(usage(1).cache_write, 2_000);
        assert_eq!(
            usage(2).cache_read,
            read,
            "the second goes to the other Region"
        );
    }
}

#[test]
#[allow(clippy::print_stderr, reason = "a test says so when it cannot run")]
fn the_recorded_throttles_say_which_windows_can_be() {
    // gilinachum/bedrock-latency (Apache-2.0), one run against Nova Pro with 8,000 tokens a minute.
    let Ok(data) = std::env::var("BEDLOAD_DATA") else {
        eprintln!("did not run: BEDLOAD_DATA is not set");
        return;
    };
    let path = format!("{data}/bedrock_throttle_observation/nova_pro_8000tpm.csv");
    let text = std::fs::read_to_string(&path).expect("the recording is there");
    let rows: Vec<(Moment, u32, bool)> = text
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.splitn(6, ',').collect();
            let clock: Vec<u64> = cells[1].split(':').map(|n| n.parse().unwrap()).collect();
            let seconds = clock[0] * 3600 + clock[1] * 60 + clock[2];
            (at(seconds), cells[3].parse().unwrap(), cells[4] == "200")
        })
        .collect();
    assert_eq!(rows.len(), 6);
    let fits = |rules: QuotaRules, tpm: u64, rpm: Option<u64>| {
        let mut setup = setup(tpm, rules);
        setup.counters[0].limits.rpm = rpm.map(RequestsPerMinute);
        setup.targets[0].burndown = 1;
        let mut endpoint = Endpoint::new(&setup, 1);
        rows.iter()
            .enumerate()
            .all(|(key, &(now, tokens, passed))| {
                let admitted = endpoint.admit(now, &call(key as u64, tokens, 10, 10));
                if let Ok(grant) = &admitted {
                    endpoint.settle(now, 0, grant, 10);
                }
                admitted.is_ok() == passed
            })
    };
    for window in [Window::Fixed, Window::Sliding, Window::Bucket] {
        let by_request = QuotaRules {
            request_window: window,
            ..QuotaRules::default()
        };
        let by_token = QuotaRules {
            token_window: window,
            ..QuotaRules::default()
        };
        let can_be = window != Window::Sliding;
        assert_eq!(
            fits(by_request, 8_000, Some(2)),
            can_be,
            "requests, {window}"
        );
        // The stated token quota refuses none of these calls, whatever its window: it was not that one.
        assert!(!fits(by_token, 8_000, None), "8,000 tokens, {window}");
        // A token quota that takes two of them would have to be of the same windows.
        assert_eq!(
            fits(by_token, 2_500, None),
            can_be,
            "2,500 tokens, {window}"
        );
    }
}

/// What is done to an endpoint in a random run.
#[derive(Clone, Copy, Debug)]
enum Step {
    Call {
        input: u32,
        output: u32,
        most: u32,
        prefix: u64,
    },
    End(usize),
    Leave(usize),
    Look,
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let gap = prop_oneof![3 => 0u64..400_000, 2 => 0u64..9_000_000, 1 => 0u64..90_000_000];
    let step = prop_oneof![
        5 => (1u32..5_000, 1u32..400, 1u32..2_000, 0u64..5).prop_map(
            |(input, output, most, prefix)| Step::Call { input, output, most, prefix }),
        3 => any::<usize>().prop_map(Step::End),
        2 => any::<usize>().prop_map(Step::Leave),
        2 => Just(Step::Look),
    ];
    prop::collection::vec((gap, step), 1..70)
}

proptest! {
    #[test]
    fn what_is_held_is_what_is_in_flight_and_looking_changes_nothing(
        steps in steps(),
        semantics in prop_oneof![Just(Semantics::A), Just(Semantics::B), Just(Semantics::C)],
        mantle in any::<bool>(),
        every in prop_oneof![Just(None), (100_000u64..9_000_000).prop_map(Some)],
    ) {
        let mut setup = setup(30_000, rules(semantics));
        setup.targets[0].destinations = 2;
        setup.regions = Some(two_regions(3, vec![(Micros::from_secs(20), Micros::from_secs(60))]));
        setup.quotas.adjust_every = every.map(Micros);
        setup.quotas.changes = vec![QuotaChange {
            at: Micros::from_secs(30),
            filter: CounterFilter::default(),
            to: NewLimits::Times(0.7),
        }];
        setup.quotas.account = Some(AccountSetup {
            limit: TokensPerDay(200_000),
            weights: vec![Weights::EQUAL],
        });
        if mantle {
            setup.quotas.output_tpm = vec![TokensPerMinute(900)];
        }
        // One is looked at all the time, the other never: they decide alike.
        let (mut watched, mut alone) = (Endpoint::new(&setup, 3), Endpoint::new(&setup, 3));
        let mut now = Moment::ZERO;
        let mut running: Vec<(Grant, Grant)> = Vec::new();
        for (key, (gap, step)) in steps.into_iter().enumerate() {
            now = now + Micros(gap);
            match step {
                Step::Call { input, output, most, prefix } => {
                    let point = [CachePoint { id: mix64(prefix), tokens: 1_200, ttl: CacheTtl::OneHour }];
                    let call = Call {
                        prefix: Prefix::Points(&point, &[]),
                        ..call(key as u64, input, output, most)
                    };
                    let (a, b) = (watched.admit(now, &call), alone.admit(now, &call));
                    prop_assert_eq!(a, b);
                    if let (Ok(a), Ok(b)) = (a, b) {
                        prop_assert!(a.done_at >= Some(now));
                        running.push((a, b));
                    }
                }
                Step::End(which) | Step::Leave(which) if !running.is_empty() => {
                    let (a, b) = running.swap_remove(which % running.len());
                    let output = match step {
                        // A shell ends a call when it is done, and never before.
                        Step::End(_) => {
                            now = now.max(a.done_at.unwrap_or(now));
                            a.produces()
                        }
                        _ => watched.cut_short(now, 0, &a),
                    };
                    watched.settle(now, 0, &a, output);
                    alone.settle(now, 0, &b, output);
                }
                _ => {
                    watched.counters(now);
                    watched.pressure(now);
                }
            }
            prop_assert_eq!(watched.totals().in_flight, running.len() as u64);
            let pools = watched.pools(now);
            let in_pools: u32 = pools.iter().map(|pool| pool.in_flight).sum();
            prop_assert_eq!(in_pools as usize, running.len());
            prop_assert!(pools.iter().all(|pool| pool.in_flight <= 3));
            prop_assert!(watched.counters(now)[0].held >= 0);
            watched.counters(now);
        }
        prop_assert_eq!(watched.counters(now), alone.counters(now));
        for (grant, _) in running {
            let produced = watched.cut_short(now, 0, &grant);
            watched.settle(now, 0, &grant, produced);
        }
        prop_assert_eq!(watched.held(), 0);
        prop_assert_eq!(watched.totals().in_flight, 0);
        prop_assert!(watched.pools(now).iter().all(|pool| pool.in_flight == 0));
    }
}
