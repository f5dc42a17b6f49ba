//! Routing by itself; what it does to calls and caches is tested in the simulation.

use super::*;
use crate::rng::Keyed;

fn pool(region: &str, streams: u32, ambient: f64) -> PoolSetup {
    PoolSetup {
        model: "m".into(),
        region: region.into(),
        streams: Some(streams),
        ambient: [ambient; 24],
        lost: Vec::new(),
    }
}

fn regions(policy: RoutingPolicy, spill: bool, weights: &[f64]) -> Regions {
    let pools = (0..weights.len()).map(|i| pool(&format!("r{i}"), 10, 0.0));
    Regions::new(&RegionsSetup {
        policy,
        spill,
        start_hour: 0.0,
        pools: pools.collect(),
        targets: vec![
            weights
                .iter()
                .enumerate()
                .map(|(pool, &weight)| Destination {
                    pool,
                    weight,
                    hop: Micros::ZERO,
                })
                .collect(),
        ],
    })
}

/// How often each destination is chosen of `n` calls that take no time.
fn counts(regions: &mut Regions, n: u64) -> Vec<u64> {
    let (one, two) = (Keyed::new(1, "one"), Keyed::new(1, "two"));
    let mut counts = vec![0; regions.targets[0].list.len()];
    for key in 0..n {
        let draws = (one.uniform(key), two.uniform(key));
        let placed = regions.place(Moment::ZERO, 0, draws, mix64(key));
        counts[placed.expect("there are destinations").destination] += 1;
    }
    counts
}

#[test]
fn weights_are_kept() {
    for policy in [
        RoutingPolicy::Weighted,
        RoutingPolicy::RoundRobin,
        RoutingPolicy::Sticky,
    ] {
        let counts = counts(&mut regions(policy, true, &[5.0, 1.0, 2.0]), 80_000);
        for (count, want) in counts.iter().zip([50_000.0, 10_000.0, 20_000.0]) {
            let share = *count as f64 / want;
            assert!((share - 1.0).abs() < 0.03, "{policy:?}: {counts:?}");
        }
    }
    let even = counts(
        &mut regions(RoutingPolicy::Random, true, &[5.0, 1.0]),
        80_000,
    );
    assert!(even[0].abs_diff(even[1]) < 1_000, "{even:?}");
}

#[test]
fn smooth_round_robin_interleaves() {
    // The example of nginx: weights 5, 1, 1 give a a b a c a a.
    let mut regions = regions(RoutingPolicy::RoundRobin, true, &[5.0, 1.0, 1.0]);
    let mut order = || {
        let placed = regions.place(Moment::ZERO, 0, (0.5, 0.5), 0);
        placed.expect("there are destinations").destination
    };
    let seen: Vec<usize> = (0..7).map(|_| order()).collect();
    assert_eq!(seen, [0, 0, 1, 0, 2, 0, 0]);
}

#[test]
fn two_choices_and_least_loaded_even_out() {
    for (policy, most) in [
        (RoutingPolicy::LeastLoaded, 7),
        (RoutingPolicy::TwoChoices, 9),
    ] {
        let mut regions = regions(policy, true, &[1.0; 4]);
        let (one, two) = (Keyed::new(3, "one"), Keyed::new(3, "two"));
        for key in 0..28 {
            let draws = (one.uniform(key), two.uniform(key));
            let placed = regions.place(Moment::ZERO, 0, draws, key).expect("open");
            assert!(!placed.full);
            regions.enter(&placed, 0, 0);
        }
        let peak = regions.pools.iter().map(|pool| pool.in_flight).max();
        assert!(peak <= Some(most), "{policy:?}: {peak:?}");
    }
}

#[test]
fn a_full_pool_spills_or_refuses() {
    let mut spilling = regions(RoutingPolicy::SourceFirst, true, &[1.0, 1.0]);
    let mut strict = regions(RoutingPolicy::SourceFirst, false, &[1.0, 1.0]);
    for n in 0..25 {
        let a = spilling.place(Moment::ZERO, 0, (0.5, 0.5), 0).expect("two");
        let b = strict.place(Moment::ZERO, 0, (0.5, 0.5), 0).expect("two");
        assert_eq!(
            (a.full, a.destination),
            (n >= 20, usize::from((10..20).contains(&n)))
        );
        assert_eq!((b.full, b.destination), (n >= 10, 0));
        if !a.full {
            spilling.enter(&a, 0, 0);
        }
        if !b.full {
            strict.enter(&b, 0, 0);
        }
    }
}

#[test]
fn load_by_others_follows_the_hour_and_takes_room() {
    let mut ambient = [0.0; 24];
    ambient[9] = 0.9;
    ambient[10] = 0.95;
    let mut regions = Regions::new(&RegionsSetup {
        policy: RoutingPolicy::Random,
        spill: false,
        start_hour: 8.5,
        pools: vec![PoolSetup {
            ambient,
            ..pool("r", 20, 0.0)
        }],
        targets: vec![vec![Destination {
            pool: 0,
            weight: 1.0,
            hop: Micros::ZERO,
        }]],
    });
    let at = |minutes: u64| Moment::ZERO + Micros::from_secs(60 * minutes);
    let place = |regions: &mut Regions, now| regions.place(now, 0, (0.5, 0.5), 0).expect("one");
    for _ in 0..2 {
        let placed = place(&mut regions, at(29));
        assert!(!placed.full, "half past eight and later: nobody else");
        regions.enter(&placed, 0, 0);
    }
    let nine = place(&mut regions, at(30));
    assert!(nine.full, "two of 20 × (1 − 0.9) are taken");
    assert!((nine.h - 9.0).abs() < 1e-6, "ρ = .9 + .1, cut at .9");
    regions.leave(0, false);
    let nine = place(&mut regions, at(30));
    assert!(!nine.full);
    assert!((nine.h - 9.0).abs() < 1e-6, "ρ = .9 + 1/20, cut at .9");
    let half_past_eight = place(&mut regions, at(29));
    assert!((half_past_eight.h - 0.05 / 0.95).abs() < 1e-6, "ρ = 1/20");
    assert!(
        place(&mut regions, at(90)).full,
        "at ten one answer has room"
    );
}

#[test]
fn a_lost_region_moves_only_its_own_prefixes() {
    let setup = |lost: bool| {
        let span = (Micros::ZERO, Micros::MAX);
        let pools = (0..4).map(|i| PoolSetup {
            lost: if lost && i == 2 {
                vec![span]
            } else {
                Vec::new()
            },
            ..pool(&format!("r{i}"), 10, 0.0)
        });
        let list = (0..4).map(|pool| Destination {
            pool,
            weight: 1.0,
            hop: Micros::ZERO,
        });
        Regions::new(&RegionsSetup {
            policy: RoutingPolicy::Sticky,
            spill: true,
            start_hour: 0.0,
            pools: pools.collect(),
            targets: vec![list.collect()],
        })
    };
    let (mut whole, mut broken) = (setup(false), setup(true));
    let mut moved = 0;
    for prefix in 0..1_000 {
        let place = |regions: &mut Regions| {
            let placed = regions.place(Moment::ZERO, 0, (0.5, 0.5), mix64(prefix));
            placed.expect("there are destinations").destination
        };
        let (before, after) = (place(&mut whole), place(&mut broken));
        assert_ne!(after, 2);
        assert!(before == after || before == 2);
        moved += u32::from(before != after);
    }
    assert!((200..300).contains(&moved), "a quarter moves: {moved}");
}
