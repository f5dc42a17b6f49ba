use super::*;
use crate::load::source::{Arrival, Source};
use crate::load::spec::{
    ContextSpec, DurationSpec, RecordedReplay, ReplaySessions, SessionSpec, SizeSpec, TraceReplay,
};
use crate::load::trace::{Recording, Trace, TraceRow};
use crate::units::{Micros, Moment};
use proptest::prelude::*;
use std::sync::Arc;

const UNTIL: Moment = Moment(120_000_000);

fn spec(arrival: ArrivalSpec) -> TrafficSpec {
    let law = |p50| {
        Some(SizeSpec::Lognormal {
            p50,
            p99: 9.0 * p50,
        })
    };
    TrafficSpec {
        arrival,
        shapes: Vec::new(),
        input: law(500.0),
        output: law(90.0),
        rank_correlation: 0.3,
        prefix: None,
        context: ContextSpec::default(),
        kept: Ratio::ONE,
    }
}

fn on_off(rate: f64) -> ArrivalSpec {
    ArrivalSpec::OnOff(OnOffSpec {
        rate: PerSecond(rate),
        burst_factor: 3.0,
        burst_share: 0.2,
        burst_length: Micros::from_secs(5),
    })
}

fn recorded() -> ArrivalSpec {
    ArrivalSpec::Recorded(RecordedReplay {
        recording: Arc::new(Recording {
            interval: Micros::from_secs(10),
            counts: vec![40, 10, 0, 90],
            input: vec![(0.0, 1.0), (1.0, 100.0)],
            output: vec![(0.0, 1.0), (1.0, 50.0)],
            ..Recording::default()
        }),
        scale: ReplayScale {
            repeat: true,
            ..ReplayScale::default()
        },
    })
}

fn trace() -> ArrivalSpec {
    let rows = (0..200u32).map(|n| TraceRow {
        at: Micros(u64::from(n) * 500_000),
        input: 10 + n,
        output: 5 + n,
        session: n / 4,
        blocks_start: 0,
        blocks_len: 0,
    });
    ArrivalSpec::Trace(TraceReplay {
        trace: Arc::new(Trace {
            rows: rows.collect(),
            ..Trace::default()
        }),
        scale: ReplayScale::default(),
        sessions: ReplaySessions::default(),
    })
}

fn arrivals(spec: &TrafficSpec, seed: u64) -> Vec<Arrival> {
    match Source::new(spec, seed, "w", UNTIL) {
        Source::Open(open) => open.collect(),
        Source::Sessions(mut sessions) => std::iter::from_fn(|| sessions.next_start()).collect(),
        Source::Closed(mut closed) => (0..closed.users())
            .filter_map(|user| closed.first(user))
            .collect(),
    }
}

fn thinned_kinds(rate: f64) -> Vec<TrafficSpec> {
    let mut sessions = spec(ArrivalSpec::Poisson {
        rate: PerSecond(rate),
    });
    sessions.context.session = Some(SessionSpec {
        turns: SizeSpec::Fixed(3),
        think: DurationSpec::Fixed(Micros::SECOND),
        user: None,
        tools: None,
    });
    let mut replay = spec(recorded());
    (replay.input, replay.output) = (None, None);
    vec![
        spec(ArrivalSpec::Poisson {
            rate: PerSecond(rate),
        }),
        spec(on_off(rate)),
        spec(ArrivalSpec::Ramp {
            from: PerSecond(0.0),
            to: PerSecond(rate),
            over: Micros::MINUTE,
        }),
        spec(ArrivalSpec::Closed {
            users: 40,
            think: DurationSpec::Fixed(Micros::from_secs(30)),
        }),
        replay,
        spec(trace()),
        sessions,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_lower_load_is_a_part_of_a_higher_one(
        seed in any::<u64>(), rate in 1.0..8.0f64, low in 0.05..1.0f64, more in 1.0..3.0f64,
    ) {
        let ceiling = 3.0;
        let high = (low * more).min(ceiling);
        for spec in thinned_kinds(rate) {
            let few = arrivals(&spec.within(ceiling, low), seed);
            let many = arrivals(&spec.within(ceiling, high), seed);
            // The very same requests: moment, number, sizes.
            let mut rest = many.iter();
            for one in &few {
                prop_assert!(rest.any(|other| other == one), "{one:?} of {:?}", spec.arrival);
            }
        }
    }

    #[test]
    fn other_gaps_are_played_faster(seed in any::<u64>(), low in 0.1..1.0f64, more in 1.0..3.0f64) {
        let rate = PerSecond(6.0);
        for arrival in [
            ArrivalSpec::Constant { rate },
            ArrivalSpec::Gamma { rate, cv: 3.0 },
            ArrivalSpec::Weibull { rate, cv: 2.0 },
        ] {
            let spec = spec(arrival);
            let few = arrivals(&spec.within(3.0, low), seed);
            let many = arrivals(&spec.within(3.0, (low * more).min(3.0)), seed);
            prop_assert!(few.len() <= many.len());
            for (slow, fast) in few.iter().zip(&many) {
                prop_assert!(fast.at <= slow.at);
                prop_assert_eq!((fast.seq, fast.input, fast.output), (slow.seq, slow.input, slow.output));
            }
        }
    }
}

#[test]
fn the_load_is_what_was_asked_for() {
    // The number of bursts varies too much for a count to tell; their rate is told by the mean.
    let is_steady = |spec: &TrafficSpec| !matches!(spec.arrival, ArrivalSpec::OnOff(_));
    for spec in thinned_kinds(20.0).into_iter().filter(is_steady) {
        let plain = arrivals(&spec, 3).len() as f64;
        for (ceiling, factor) in [(4.0, 2.0), (4.0, 0.5), (1.5, 1.5)] {
            let part = arrivals(&spec.within(ceiling, factor), 3).len() as f64;
            let scaled = arrivals(&spec.scaled(factor), 4).len() as f64;
            let (want, spread) = (plain * factor, 5.0 * (plain * factor.max(1.0)).sqrt());
            assert!(
                (part - want).abs() < spread,
                "{part} for {want}: {:?}",
                spec.arrival
            );
            assert!((scaled - want).abs() < spread, "{scaled} for {want}");
        }
    }
}

#[test]
fn the_mean_rate_counts_what_is_kept() {
    let rate = |spec: &TrafficSpec| Source::new(spec, 1, "w", UNTIL).mean_rate();
    for arrival in [
        ArrivalSpec::Poisson {
            rate: PerSecond(10.0),
        },
        on_off(10.0),
    ] {
        let spec = spec(arrival);
        assert!((rate(&spec.within(8.0, 2.0)) - 20.0).abs() < 1e-9);
        assert!((rate(&spec.scaled(2.0)) - 20.0).abs() < 1e-9);
    }
}

#[test]
fn at_its_own_load_traffic_is_what_it_was() {
    for spec in thinned_kinds(5.0) {
        assert_eq!(spec.scaled(1.0), spec);
        assert_eq!(spec.within(1.0, 1.0), spec);
    }
}
