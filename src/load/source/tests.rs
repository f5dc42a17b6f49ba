use super::*;
use crate::domain::CacheTtl;
use crate::load::spec::PrefixSpec;
use crate::load::spec::{DurationSpec, OnOffSpec, ShapeSpec, SizeSpec};
use crate::units::Micros;
use proptest::prelude::*;

fn spec(arrival: ArrivalSpec) -> TrafficSpec {
    TrafficSpec {
        arrival,
        shapes: vec![],
        input: Some(SizeSpec::Quantiles(vec![(0.0, 1.0), (1.0, 1000.0)])),
        output: Some(SizeSpec::Lognormal {
            p50: 100.0,
            p99: 900.0,
        }),
        rank_correlation: 0.0,
        prefix: None,
        context: crate::load::spec::ContextSpec::default(),
        kept: crate::units::Ratio::ONE,
    }
}

fn open(spec: &TrafficSpec, seed: u64, workload: &str, until: Moment) -> OpenSource {
    match Source::new(spec, seed, workload, until) {
        Source::Open(source) => source,
        Source::Closed(_) | Source::Sessions(_) => panic!("open"),
    }
}

const MINUTE: Moment = Moment(60_000_000);

#[test]
fn a_constant_rate_starts_exactly_so_many_requests() {
    let spec = spec(ArrivalSpec::Constant {
        rate: PerSecond(10.0),
    });
    let found: Vec<Arrival> = open(&spec, 1, "w", MINUTE).collect();
    assert_eq!(found.len(), 600);
    assert!(
        found
            .windows(2)
            .all(|w| (99_999..=100_001).contains(&(w[1].at.0 - w[0].at.0)))
    );
}

#[test]
fn first_arrivals_never_change() {
    // A change here would silently change every published result.
    let mut spec = spec(ArrivalSpec::Gamma {
        rate: PerSecond(5.0),
        cv: 2.0,
    });
    spec.prefix = Some(PrefixSpec {
        tokens: 100,
        prefixes: 4,
        ttl: CacheTtl::FiveMinutes,
        marked: true,
    });
    let found: Vec<(u64, u32, u32, u32)> = open(&spec, 42, "chat", MINUTE)
        .take(4)
        .map(|a| (a.at.0, a.input, a.output, a.prefix.start))
        .collect();
    assert_eq!(found, FIRST);
}

#[test]
fn a_million_a_second_and_a_year_keep_their_order_and_rate() {
    let fast = spec(ArrivalSpec::Poisson {
        rate: PerSecond(1e6),
    });
    let found: Vec<Arrival> = open(&fast, 1, "w", Moment(1_000_000)).collect();
    assert!((found.len() as f64 - 1e6).abs() < 5000.0, "{}", found.len());
    assert!(found.is_sorted_by_key(|a| a.at));
    let year = Moment(366 * 86_400_000_000);
    let slow = spec(ArrivalSpec::Poisson {
        rate: PerSecond(0.01),
    });
    let n = open(&slow, 1, "w", year).count() as f64;
    assert!((n / 316_224.0 - 1.0).abs() < 0.01, "{n}");
}

#[test]
fn an_ended_source_stays_ended() {
    let gamma = spec(ArrivalSpec::Gamma {
        rate: PerSecond(2.0),
        cv: 3.0,
    });
    let mut source = open(&gamma, 1, "w", MINUTE);
    while source.next().is_some() {}
    assert!((0..10).all(|_| source.next().is_none()));
}

#[test]
fn prefixes_are_drawn_evenly() {
    let mut spec = spec(ArrivalSpec::Constant {
        rate: PerSecond(100.0),
    });
    spec.prefix = Some(PrefixSpec {
        tokens: 700,
        prefixes: 5,
        ttl: CacheTtl::FiveMinutes,
        marked: true,
    });
    let source = Source::new(&spec, 1, "w", Moment(600_000_000));
    assert_eq!(
        (&source.blocks()[..], source.block_tokens()),
        (&[0, 1, 2, 3, 4][..], 700)
    );
    assert!((source.mean_rate() - 100.0).abs() < 1e-9);
    let Source::Open(source) = source else {
        panic!("open")
    };
    let mut seen = [0u32; 5];
    for arrival in source {
        assert_eq!(arrival.prefix.len, 1);
        seen[arrival.prefix.start as usize] += 1;
    }
    assert!(seen.iter().all(|n| n.abs_diff(12_000) < 500), "{seen:?}");
}

#[test]
fn workloads_do_not_disturb_each_other() {
    let poisson = spec(ArrivalSpec::Poisson {
        rate: PerSecond(20.0),
    });
    let times = |name: &str| -> Vec<f64> {
        open(&poisson, 1, name, Moment(600_000_000))
            .map(|a| a.at.as_secs_f64())
            .collect()
    };
    let (a, b) = (times("a"), times("b"));
    assert_ne!(a[..100], b[..100]);
    let gaps = |t: &[f64]| -> Vec<f64> { t.windows(2).map(|w| w[1] - w[0] - 0.05).collect() };
    let (a, b) = (gaps(&a), gaps(&b));
    let n = a.len().min(b.len()) as f64;
    let correlation = a.iter().zip(&b).map(|(x, y)| x * y).sum::<f64>() / n / (0.05 * 0.05);
    // Independent gaps have a correlation of 0 ± 1/√12000.
    assert!(correlation.abs() < 4.0 / n.sqrt(), "{correlation}");
}

#[test]
fn sizes_belong_to_the_number_not_to_the_time() {
    let slow = spec(ArrivalSpec::Poisson {
        rate: PerSecond(1.0),
    });
    let fast = spec(ArrivalSpec::Gamma {
        rate: PerSecond(9.0),
        cv: 2.0,
    });
    let sizes = |s: &TrafficSpec| -> Vec<(u32, u32)> {
        open(s, 5, "w", Moment::NEVER)
            .take(50)
            .map(|a| (a.input, a.output))
            .collect()
    };
    assert_eq!(sizes(&slow), sizes(&fast));
}

fn any_arrival() -> impl Strategy<Value = ArrivalSpec> {
    let rate = (0.0..200.0f64).prop_map(PerSecond);
    let cv = 0.0..6.0f64;
    prop_oneof![
        rate.clone().prop_map(|rate| ArrivalSpec::Constant { rate }),
        rate.clone().prop_map(|rate| ArrivalSpec::Poisson { rate }),
        (rate.clone(), cv.clone()).prop_map(|(rate, cv)| ArrivalSpec::Gamma { rate, cv }),
        (rate.clone(), cv).prop_map(|(rate, cv)| ArrivalSpec::Weibull { rate, cv }),
        (rate.clone(), rate.clone(), 0u64..100_000_000).prop_map(|(from, to, over)| {
            ArrivalSpec::Ramp {
                from,
                to,
                over: Micros(over),
            }
        }),
        (rate, 1.0..10.0f64, 0.001..0.09f64, 10_000u64..20_000_000).prop_map(
            |(rate, burst_factor, burst_share, length)| ArrivalSpec::OnOff(OnOffSpec {
                rate,
                burst_factor,
                burst_share,
                burst_length: Micros(length),
            })
        ),
    ]
}

fn any_shape() -> impl Strategy<Value = ShapeSpec> {
    let points = || {
        prop::collection::vec((0u64..90_000_000, 0.0..5.0f64), 1..5).prop_map(|mut points| {
            points.sort_by_key(|p| p.0);
            points
                .into_iter()
                .map(|(at, v)| (Micros(at), v))
                .collect::<Vec<_>>()
        })
    };
    prop_oneof![
        (prop::collection::vec(0.1..5.0f64, 168), 0.0..168.0f64).prop_map(
            |(factors, start_hour)| ShapeSpec::HourOfWeek {
                factors,
                start_hour
            }
        ),
        points().prop_map(|points| ShapeSpec::Ramp { points }),
        points().prop_map(|steps| ShapeSpec::Steps { steps }),
        (0u64..60_000_000, 0u64..60_000_000, 0.0..9.0f64).prop_map(|(at, length, factor)| {
            ShapeSpec::Spike {
                at: Micros(at),
                length: Micros(length),
                factor,
            }
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn schedules_are_sorted_numbered_bounded_and_repeatable(
        arrival in any_arrival(),
        shapes in prop::collection::vec(any_shape(), 0..3),
        rank_correlation in prop_oneof![Just(0.0), -1.0..1.0f64],
        seed: u64,
    ) {
        let spec = TrafficSpec { shapes, rank_correlation, ..spec(arrival) };
        let first: Vec<Arrival> = open(&spec, seed, "w", MINUTE).take(5000).collect();
        let again: Vec<Arrival> = open(&spec, seed, "w", MINUTE).take(5000).collect();
        prop_assert_eq!(&first, &again);
        prop_assert!(first.is_sorted_by_key(|a| a.at));
        for (i, arrival) in first.iter().enumerate() {
            prop_assert_eq!(arrival.seq, i as u64);
            prop_assert!(arrival.at < MINUTE && arrival.input >= 1 && arrival.output >= 1);
        }
    }

    #[test]
    fn poisson_counts_fit_the_mean_rate(
        shapes in prop::collection::vec(any_shape(), 0..3),
        seed: u64,
    ) {
        let spec = TrafficSpec { shapes, ..spec(ArrivalSpec::Poisson { rate: PerSecond(20.0) }) };
        let source = Source::new(&spec, seed, "w", MINUTE);
        let expected = source.mean_rate() * 60.0;
        let Source::Open(source) = source else { panic!("open") };
        let n = source.count() as f64;
        prop_assert!((n - expected).abs() < 6.0 * expected.sqrt() + 6.0, "{} {}", n, expected);
    }
}

#[test]
fn closed_sources_tell_a_bound_of_their_rate() {
    let spec = spec(ArrivalSpec::Closed {
        users: 50,
        think: DurationSpec::Fixed(Micros::from_secs(10)),
    });
    assert!((Source::new(&spec, 1, "w", MINUTE).mean_rate() - 5.0).abs() < 1e-12);
}

/// Time in microseconds, input, output and prefix of the first requests of seed 42.
const FIRST: [(u64, u32, u32, u32); 4] = [
    (755_889, 375, 125, 0),
    (849_764, 31, 19, 3),
    (874_246, 258, 55, 1),
    (877_105, 689, 74, 1),
];
