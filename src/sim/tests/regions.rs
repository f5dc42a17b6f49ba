//! Regions against queueing theory: what pools lose, what spilling over gains, what routing does to
//! caches, what a lost Region does to calls.

use super::*;
use crate::domain::CacheTtl;
use crate::load::spec::PrefixSpec;
use crate::service::setup::{Destination, PoolSetup, RegionsSetup};
use crate::service::spec::{CounterFilter, NewLimits, QuotaChange, RoutingPolicy};
use crate::stats::queueing::erlang_b;

/// Pools of these sizes, all of them destinations of the one workload.
fn pools(sizes: &[Option<u32>], policy: RoutingPolicy, spill: bool) -> RegionsSetup {
    let pool = |(i, &streams): (usize, &Option<u32>)| PoolSetup {
        model: "m".into(),
        region: format!("r{i}"),
        streams,
        ambient: [0.0; 24],
        lost: Vec::new(),
    };
    let destination = |pool| Destination {
        pool,
        weight: 1.0,
        hop: Micros::ZERO,
    };
    RegionsSetup {
        policy,
        spill,
        start_hour: 0.0,
        pools: sizes.iter().enumerate().map(pool).collect(),
        targets: vec![(0..sizes.len()).map(destination).collect()],
    }
}

/// Exponential service of mean one second at `rate` for about so many requests.
fn loss_setup(rate: f64, requests: f64, regions: RegionsSetup) -> RunSetup {
    let duration = Micros::from_secs_f64(requests / rate);
    let mut setup = setup(rate, latency(Micros::SECOND, exponential()), duration);
    setup.endpoint.targets[0].destinations = regions.targets[0].len();
    setup.endpoint.regions = Some(regions);
    setup
}

fn lost(setup: &RunSetup) -> f64 {
    let measures = run(setup, 3);
    let tally = &measures.workloads[0];
    assert_eq!(tally.attempts.unavailable, tally.requests.failed);
    let refused: u64 = measures
        .pools
        .iter()
        .map(|pool| pool.stats.unavailable)
        .sum();
    assert_eq!(refused, tally.requests.failed);
    let served: u64 = measures.pools.iter().map(|pool| pool.stats.calls).sum();
    assert_eq!(served + refused, tally.requests.offered);
    tally.requests.failed as f64 / tally.requests.offered as f64
}

#[test]
fn one_pool_loses_less_than_three_and_spilling_makes_them_one() {
    // Erlang B(20, 18) = .109213 for each of three, B(60, 54) = .045849 for one (methods 3.4).
    let three = [Some(20); 3];
    let apart = pools(&three, RoutingPolicy::Random, false);
    let whole = pools(&[Some(60)], RoutingPolicy::Random, false);
    let (apart, whole) = (
        lost(&loss_setup(54.0, 1e6, apart)),
        lost(&loss_setup(54.0, 1e6, whole)),
    );
    assert_close("three pools", apart, 0.109_213, 0.02);
    assert_close("one pool", whole, 0.045_849, 0.03);
    for policy in [RoutingPolicy::Random, RoutingPolicy::SourceFirst] {
        let joined = lost(&loss_setup(54.0, 1e6, pools(&three, policy, true)));
        assert_close("three that spill", joined, 0.045_849, 0.03);
    }
}

#[test]
fn bursts_lose_what_hayward_says() {
    // a = 80 on 100 with CV² = 7: Hayward's B(25, 20) = .050222, against .003992 for Poisson
    // (methods 3.6). It is an approximation; the exact loss of such a renewal stream is a little off.
    let one = || pools(&[Some(100)], RoutingPolicy::Random, false);
    let mut bursty = loss_setup(80.0, 1e6, one());
    bursty.workloads[0].traffic.arrival = ArrivalSpec::Gamma {
        rate: PerSecond(80.0),
        cv: 7f64.sqrt(),
    };
    let (bursty, poisson) = (lost(&bursty), lost(&loss_setup(80.0, 2e6, one())));
    assert_close("Poisson", poisson, 0.003_992, 0.06);
    assert_close("bursty", bursty, 0.050_222, 0.15);
}

#[test]
fn overflow_is_peakier_than_its_source() {
    // Two pools one after the other lose what one of both sizes does; the second loses more of the
    // overflow than it would of a Poisson stream of that mean.
    let setup = loss_setup(
        18.0,
        1e6,
        pools(&[Some(16), Some(8)], RoutingPolicy::SourceFirst, true),
    );
    let measures = run(&setup, 3);
    let offered = measures.workloads[0].requests.offered as f64;
    let overflow = offered - measures.pools[0].stats.calls as f64;
    let refused = measures.workloads[0].requests.failed as f64;
    assert_close("overflow", overflow / offered, erlang_b(16, 18.0), 0.02);
    assert_close(
        "lost in the end",
        refused / offered,
        erlang_b(24, 18.0),
        0.05,
    );
    let poisson = erlang_b(8, 18.0 * erlang_b(16, 18.0));
    assert!(
        refused / overflow > 1.15 * poisson,
        "{} against {poisson}",
        refused / overflow
    );
}

/// Share of prefix tokens read from caches: one prefix, one call a minute, five minutes to live.
fn hit_share(regions: Option<RegionsSetup>, destinations: usize, per_region: bool) -> f64 {
    let short = latency(Micros::from_millis(1), NoiseLaw::none());
    let mut setup = setup(1.0 / 60.0, short, Micros(200_000 * Micros::MINUTE.0));
    setup.workloads[0].traffic.prefix = Some(PrefixSpec {
        tokens: 2_000,
        prefixes: 1,
        ttl: CacheTtl::FiveMinutes,
        marked: true,
    });
    let target = &mut setup.endpoint.targets[0];
    target.cache_min = 1_024;
    target.block_tokens = 2_000;
    target.cache_ttl = Micros::from_secs(300);
    target.destinations = destinations;
    setup.endpoint.regions = regions;
    setup.endpoint.cache.per_region = per_region;
    let tokens = run(&setup, 9).workloads[0].tokens;
    tokens.cache_read as f64 / (tokens.cache_read + tokens.cache_write) as f64
}

#[test]
fn regions_divide_the_hit_rate_unless_calls_stick_to_one() {
    // h = 1 − e^{−λT}: .99326 at one a minute, .63212 at a fifth of it (methods 8.3).
    let five = [None; 5];
    let routed = |policy| Some(pools(&five, policy, true));
    assert_close("no routing", hit_share(None, 5, true), 0.632_12, 0.01);
    let random = hit_share(routed(RoutingPolicy::Random), 5, true);
    let plain = hit_share(None, 5, true);
    assert_eq!(random.to_bits(), plain.to_bits(), "the same draws");
    let sticky = hit_share(routed(RoutingPolicy::Sticky), 5, true);
    assert_close("sticky", sticky, 0.993_26, 0.002);
    let source = hit_share(routed(RoutingPolicy::SourceFirst), 5, true);
    assert_close("source first", source, 0.993_26, 0.002);
    assert_close(
        "one cache for all",
        hit_share(None, 5, false),
        0.993_26,
        0.002,
    );
    // In turn, each Region sees gaps of five calls: an Erlang law, P(gap < 5) = .55951.
    let in_turn = hit_share(routed(RoutingPolicy::RoundRobin), 5, true);
    assert_close("in turn", in_turn, 0.559_51, 0.01);
}

#[test]
fn a_lost_region_fails_over_or_answers_503() {
    // One call a second that takes ten; the source is lost from minute 10 to 25 of 40.
    let run_with = |spill| {
        let mut regions = pools(&[Some(100), Some(100)], RoutingPolicy::SourceFirst, spill);
        regions.pools[0].lost = vec![(Micros::from_secs(600), Micros::from_secs(1500))];
        let ttft = latency(Micros::from_secs(10), NoiseLaw::none());
        let mut setup = setup(1.0, ttft, Micros::from_secs(2400));
        setup.workloads[0].traffic.arrival = ArrivalSpec::Constant {
            rate: PerSecond(1.0),
        };
        setup.endpoint.targets[0].destinations = 2;
        setup.endpoint.regions = Some(regions);
        run(&setup, 1)
    };
    let over = run_with(true);
    let (near, far) = (over.pools[0].stats, over.pools[1].stats);
    assert!(near.broken.abs_diff(10) <= 1, "{near:?}");
    assert!(
        far.calls.abs_diff(900) <= 1 && far.spilled == far.calls,
        "{far:?}"
    );
    assert_eq!(over.workloads[0].requests.failed, near.broken);
    let strict = run_with(false);
    let (near, far) = (strict.pools[0].stats, strict.pools[1].stats);
    assert!(
        near.unavailable.abs_diff(900) <= 1 && far.calls == 0,
        "{near:?}"
    );
    assert_eq!(
        strict.workloads[0].requests.failed,
        near.broken + near.unavailable
    );
}

#[test]
fn load_by_others_slows_answers_as_the_law_says() {
    // ρ = 1/2 without bounds: h = 1, one second more.
    let mut with_load = latency(Micros::SECOND, NoiseLaw::none());
    with_load.load_base = Micros::SECOND;
    let mut regions = pools(&[None], RoutingPolicy::Random, true);
    regions.pools[0].ambient = [0.5; 24];
    let mut setup = setup(1.0, with_load, Micros::from_secs(1000));
    setup.endpoint.regions = Some(regions);
    let measures = run(&setup, 2);
    let mean = measures.in_system_area as f64 / 1e6 / measures.simulated as f64;
    assert_close("time to the first token", mean, 2.0, 1e-9);
}

#[test]
fn a_cut_of_the_quota_halves_what_gets_through() {
    let mut setup = setup(
        10.0,
        latency(Micros::from_millis(1), NoiseLaw::none()),
        Micros::from_secs(2 * 3600),
    );
    setup.endpoint.counters[0].limits.rpm = Some(RequestsPerMinute(600));
    setup.endpoint.quotas.changes = vec![QuotaChange {
        at: Micros::from_secs(3600),
        filter: CounterFilter::default(),
        to: NewLimits::Times(0.5),
    }];
    setup.endpoint.rules.request_window = Fixed;
    let completed = run(&setup, 1).workloads[0].requests.completed as f64;
    // 600 a minute lose .0163 of 600; 300 a minute are taken whole.
    let want = 60.0 * (600.0 * (1.0 - 0.0163) + 300.0);
    assert_close("completed", completed, want, 0.005);
}
