use super::*;
use crate::load::burstiness::Burstiness;
use crate::load::source::{Arrival, Source};
use crate::load::spec::{ArrivalSpec, SizeSpec, TrafficSpec};
use crate::load::trace::TraceRow;
use crate::units::{Micros, Ratio};

fn arrivals(arrival: ArrivalSpec, until: Moment) -> Vec<Arrival> {
    let sizes = matches!(arrival, ArrivalSpec::Recorded(_)).then_some(SizeSpec::Fixed(1));
    let spec = TrafficSpec {
        arrival,
        shapes: vec![],
        input: sizes.clone(),
        output: sizes,
        rank_correlation: 0.0,
        prefix: None,
        context: crate::load::spec::ContextSpec::default(),
        kept: Ratio::ONE,
    };
    match Source::new(&spec, 8, "replay", until) {
        Source::Open(source) => source.collect(),
        Source::Closed(_) | Source::Sessions(_) => panic!("open"),
    }
}

/// Forty sessions of five requests each, 100 ms apart, a session every second.
fn trace() -> Arc<Trace> {
    let mut rows: Vec<TraceRow> = (0..200u32)
        .map(|i| TraceRow {
            at: Micros(u64::from(i / 5) * 1_000_000 + u64::from(i % 5) * 100_000),
            input: 600 + i,
            output: 1 + i,
            session: i / 5,
            blocks_start: i,
            blocks_len: 1,
        })
        .collect();
    rows.sort_by_key(|row| row.at);
    Arc::new(Trace {
        rows,
        blocks: (0..200).collect(),
        block_tokens: 512,
    })
}

fn rows(scale: ReplayScale, until: Moment) -> Vec<Arrival> {
    arrivals(
        ArrivalSpec::Trace(TraceReplay {
            trace: trace(),
            scale,
            sessions: ReplaySessions::default(),
        }),
        until,
    )
}

#[test]
fn a_plain_replay_is_the_trace() {
    let found = rows(ReplayScale::default(), Moment::NEVER);
    let trace = trace();
    assert_eq!(found.len(), 200);
    for (i, (arrival, row)) in found.iter().zip(&trace.rows).enumerate() {
        assert_eq!((arrival.at.0, arrival.seq), (row.at.0, i as u64));
        // One whole block of 512 is the prefix, the rest is input.
        assert_eq!(
            (arrival.input, arrival.output),
            (row.input - 512, row.output)
        );
        assert_eq!(
            arrival.prefix,
            Prefix {
                start: row.blocks_start,
                len: 1
            }
        );
    }
}

#[test]
fn a_partly_filled_last_block_is_no_prefix() {
    let row = |input, blocks_len| TraceRow {
        input,
        output: 1,
        blocks_len,
        ..TraceRow::default()
    };
    let trace = Trace {
        rows: vec![row(700, 2), row(1024, 2), row(300, 1), row(5, 3)],
        blocks: vec![1, 2, 3],
        block_tokens: 512,
    };
    let replay = TraceReplay {
        trace: Arc::new(trace),
        scale: ReplayScale::default(),
        sessions: ReplaySessions::default(),
    };
    let found = arrivals(ArrivalSpec::Trace(replay), Moment::NEVER);
    let split: Vec<(u32, u32)> = found.iter().map(|a| (a.prefix.len, a.input)).collect();
    // The last row is damaged; it keeps at least one token.
    assert_eq!(split, [(1, 188), (2, 1), (0, 300), (2, 1)]);
}

#[test]
fn time_compression_divides_times() {
    let scale = ReplayScale {
        speed: 4.0,
        ..ReplayScale::default()
    };
    let found = rows(scale, Moment::NEVER);
    assert_eq!(found.len(), 200);
    assert_eq!(found[199].at.0, trace().rows[199].at.0 / 4);
}

#[test]
fn thinning_keeps_whole_sessions() {
    let scale = ReplayScale {
        keep: Ratio::new(0.5).unwrap(),
        ..ReplayScale::default()
    };
    let found = rows(scale, Moment::NEVER);
    assert!((50..150).contains(&found.len()), "{}", found.len());
    assert_eq!(found.len() % 5, 0);
    for session in found.chunks(5) {
        let first = session[0].output - 1;
        let of_session: Vec<u32> = session.iter().map(|a| a.output - 1 - first).collect();
        assert_eq!(of_session, [0, 1, 2, 3, 4]);
    }
}

#[test]
fn copies_and_repeats_lose_nothing() {
    let scale = ReplayScale {
        copies: 3,
        shift: Micros::from_secs(7),
        ..ReplayScale::default()
    };
    let found = rows(scale, Moment::NEVER);
    assert_eq!(found.len(), 600);
    assert!(found.is_sorted_by_key(|a| a.at));
    let mut outputs: Vec<u32> = found.iter().map(|a| a.output).collect();
    outputs.sort_unstable();
    assert!(outputs.chunks(3).all(|c| c[0] == c[1] && c[1] == c[2]));
    // Each copy has blocks of its own.
    let mut starts: Vec<u32> = found.iter().map(|a| a.prefix.start).collect();
    starts.sort_unstable();
    starts.dedup();
    assert_eq!(starts.len(), 600);

    let span = span_of(&trace());
    let scale = ReplayScale {
        repeat: true,
        ..ReplayScale::default()
    };
    let found = rows(scale, Moment(3 * span));
    assert_eq!(found.len(), 600);
    assert!(found.iter().enumerate().all(|(i, a)| a.seq == i as u64));
    assert_eq!(found[200].at.0, span);
}

fn counts(counts: Vec<u32>, scale: ReplayScale) -> ArrivalSpec {
    let recording = Recording {
        interval: Micros::SECOND,
        counts,
        ..Recording::default()
    };
    ArrivalSpec::Recorded(RecordedReplay {
        recording: Arc::new(recording),
        scale,
    })
}

#[test]
fn counts_are_conserved_interval_by_interval() {
    let given: Vec<u32> = (0..100).map(|i| (i * 7919) % 23).collect();
    let scale = ReplayScale {
        copies: 2,
        speed: 2.0,
        repeat: true,
        ..ReplayScale::default()
    };
    let found = arrivals(counts(given.clone(), scale), Moment(100_000_000));
    let mut seen = vec![0u32; 200];
    for arrival in &found {
        seen[(arrival.at.0 / 500_000) as usize] += 1;
    }
    for (i, n) in seen.iter().enumerate() {
        assert_eq!(*n, 2 * given[i % 100], "interval {i}");
    }
    assert!(found.is_sorted_by_key(|a| a.at));
}

#[test]
fn starts_are_uniform_within_an_interval() {
    let found = arrivals(counts(vec![50_000], ReplayScale::default()), Moment::NEVER);
    assert_eq!(found.len(), 50_000);
    let distance = found
        .iter()
        .enumerate()
        .map(|(i, a)| (a.at.as_secs_f64() - (i as f64 + 0.5) / 50_000.0).abs())
        .fold(0.0, f64::max);
    assert!(distance < 1.63 / 50_000f64.sqrt(), "{distance}");
}

#[test]
fn oracle_thinning_by_request_pulls_dispersion_to_one() {
    // IDC' = 1 + q(IDC − 1).
    let given: Vec<u32> = (0..20_000)
        .map(|i| if i % 10 == 0 { 40 } else { 2 })
        .collect();
    let idc = |scale| {
        let found = arrivals(counts(given.clone(), scale), Moment::NEVER);
        let span = Micros::from_secs(20_000);
        Burstiness::of(found.iter().map(|a| a.at), span, &[Micros::SECOND]).windows[0].idc
    };
    let whole = idc(ReplayScale::default());
    let thinned = idc(ReplayScale {
        keep: Ratio::new(0.2).unwrap(),
        ..ReplayScale::default()
    });
    let expected = 1.0 + 0.2 * (whole - 1.0);
    assert!(
        (thinned / expected - 1.0).abs() < 0.04,
        "{thinned}, not {expected}"
    );
}

#[test]
fn replays_of_nothing_end() {
    let repeat = ReplayScale {
        repeat: true,
        ..ReplayScale::default()
    };
    assert!(arrivals(counts(vec![], repeat), Moment::NEVER).is_empty());
    assert!(arrivals(counts(vec![0, 0], repeat), Moment::NEVER).is_empty());
    let nothing = ReplayScale {
        keep: Ratio::ZERO,
        ..repeat
    };
    assert!(arrivals(counts(vec![5], nothing), Moment::NEVER).is_empty());
    assert!(rows(nothing, Moment::NEVER).is_empty());
    let none = ReplayScale {
        copies: 0,
        ..repeat
    };
    assert!(rows(none, Moment::NEVER).is_empty());
    assert!(arrivals(counts(vec![5], none), Moment::NEVER).is_empty());
}

#[test]
fn mean_rates_are_what_is_played() {
    let until = Moment(75_000_000);
    let scale = ReplayScale {
        copies: 2,
        repeat: true,
        speed: 1.5,
        ..ReplayScale::default()
    };
    let replay = TraceReplay {
        trace: trace(),
        scale,
        sessions: ReplaySessions::default(),
    };
    let rows = RowReplay::new(&replay, true, 8, "replay");
    let played = arrivals(ArrivalSpec::Trace(replay), until).len() as f64;
    assert!(
        (rows.expected(until) - played).abs() <= 2.0,
        "{} {played}",
        rows.expected(until)
    );
}
