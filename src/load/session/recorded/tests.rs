use crate::domain::CacheTtl;
use crate::load::context::PromptPoints;
use crate::load::session::{Continued, SessionEnd, SessionSource};
use crate::load::source::{Arrival, Source};
use crate::load::spec::{
    ArrivalSpec, ContextSpec, ReplayScale, ReplaySessions, TraceReplay, TrafficSpec,
};
use crate::load::trace::{Trace, TraceRow};
use crate::units::{Micros, Moment, Ratio};
use std::sync::Arc;

const SECOND: u64 = 1_000_000;

/// Ten turns of a conversation, a minute apart, each answered in four seconds; S = 6000, u = 100, o = 300.
fn conversation() -> (Trace, Vec<Option<Micros>>) {
    let turn = |n: u32| TraceRow {
        at: Micros(u64::from(n - 1) * 60 * SECOND),
        input: 6000 + n * 100 + (n - 1) * 300,
        output: 300,
        session: 7,
        ..TraceRow::default()
    };
    let trace = Trace {
        rows: (1..=10).map(turn).collect(),
        ..Trace::default()
    };
    (trace, vec![Some(Micros::from_secs(4)); 10])
}

fn spec(trace: Trace, took: Vec<Option<Micros>>, scale: ReplayScale) -> TrafficSpec {
    TrafficSpec {
        arrival: ArrivalSpec::Trace(TraceReplay {
            trace: Arc::new(trace),
            scale,
            sessions: ReplaySessions::Dependent { took: took.into() },
        }),
        shapes: Vec::new(),
        input: None,
        output: None,
        rank_correlation: 0.0,
        prefix: None,
        context: ContextSpec {
            marked: true,
            ..ContextSpec::default()
        },
        kept: Ratio::ONE,
    }
}

fn sessions(spec: &TrafficSpec) -> SessionSource {
    match Source::new(spec, 3, "w", Moment::NEVER) {
        Source::Sessions(sessions) => sessions,
        Source::Open(_) | Source::Closed(_) => panic!("the trace has sessions"),
    }
}

/// All calls of the next session, each answered after `answer` seconds.
fn play(source: &mut SessionSource, answer: u64) -> (Vec<Arrival>, u32, SessionEnd) {
    let start = source.next_start().unwrap();
    let name = source.begin(&start);
    let mut calls = vec![start];
    loop {
        let last = calls[calls.len() - 1];
        let done = Moment(last.at.0 + answer * SECOND);
        match source.after(name, done, Some(last.output)) {
            Continued::Next(next) => calls.push(next),
            Continued::Over(over) => return (calls, over.turns, over.end),
        }
    }
}

#[test]
fn a_recorded_conversation_sends_what_it_sent() {
    // S + n·u + (n−1)·o at S = 6000, u = 100, o = 300: ten turns are 79,000 tokens (methods 1.8).
    let (trace, took) = conversation();
    let mut source = sessions(&spec(trace, took, ReplayScale::default()));
    let (calls, turns, end) = play(&mut source, 9);
    assert_eq!((calls.len(), turns, end), (10, 10, SessionEnd::Completed));
    let sum: u64 = calls.iter().map(|call| u64::from(call.input)).sum();
    assert_eq!(sum, 79_000);
    // Answers took four seconds, so 56 are for thinking; with answers of nine turns are 65 seconds apart.
    for (n, call) in calls.iter().enumerate() {
        assert_eq!(call.at, Moment(n as u64 * 65 * SECOND));
        assert_eq!(call.seq, n as u64);
    }
    assert!(source.next_start().is_none());
}

#[test]
fn without_lengths_of_answers_starts_keep_their_distance() {
    let (trace, _) = conversation();
    let spec = spec(trace, Vec::new(), ReplayScale::default());
    let (quick, ..) = play(&mut sessions(&spec), 9);
    assert_eq!(quick[9].at, Moment(9 * 60 * SECOND));
    // An answer that takes longer than the recorded distance holds the next turn up.
    let (slow, ..) = play(&mut sessions(&spec), 70);
    assert_eq!(slow[9].at, Moment(9 * 70 * SECOND));
}

#[test]
fn the_speed_of_a_replay_is_that_of_its_people_too() {
    let (trace, took) = conversation();
    let scale = ReplayScale {
        speed: 2.0,
        ..ReplayScale::default()
    };
    let (calls, ..) = play(&mut sessions(&spec(trace, took, scale)), 4);
    assert_eq!(calls[1].at, Moment((4 + 28) * SECOND));
}

#[test]
fn copies_and_passes_bring_whole_sessions() {
    let (trace, took) = conversation();
    let scale = ReplayScale {
        copies: 3,
        repeat: true,
        ..ReplayScale::default()
    };
    let mut source = sessions(&spec(trace, took, scale));
    let mut numbers = Vec::new();
    for _ in 0..6 {
        let (calls, turns, _) = play(&mut source, 4);
        assert_eq!(turns, 10);
        numbers.push(calls[0].seq >> 16);
    }
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    assert!((source.mean_calls() - 10.0).abs() < 1e-12);
}

#[test]
fn a_failed_call_ends_a_recorded_session() {
    let (trace, took) = conversation();
    let mut source = sessions(&spec(trace, took, ReplayScale::default()));
    let start = source.next_start().unwrap();
    let name = source.begin(&start);
    let Continued::Over(over) = source.after(name, start.at, None) else {
        panic!("nothing follows a failure");
    };
    assert_eq!((over.turns, over.end), (0, SessionEnd::Abandoned));
}

#[test]
fn the_history_of_a_recorded_session_moves_with_it_until_it_is_dropped() {
    let (mut trace, took) = conversation();
    // The client starts over at the sixth turn.
    for row in &mut trace.rows[5..] {
        row.input -= 5000;
    }
    let mut spec = spec(trace, took, ReplayScale::default());
    spec.context.history = Some(CacheTtl::FiveMinutes);
    let mut source = sessions(&spec);
    let mut next = source.next_start().unwrap();
    let name = source.begin(&next);
    let mut ids = Vec::new();
    let mut points = PromptPoints::default();
    for turn in 0..10 {
        let before = 5000 * u32::from(turn >= 5);
        // One token follows the point, as on the wire.
        assert_eq!(next.input, 1);
        assert_eq!(
            next.pointed,
            6000 + 100 * (turn + 1) + 300 * turn - before,
            "turn {turn}"
        );
        source.points(next.seq, name, &mut points);
        let kept = if turn < 5 { turn } else { turn - 5 };
        assert_eq!(points.boundaries.len(), kept as usize);
        let point = points.points[0];
        assert_eq!(point.tokens, next.pointed);
        assert!(
            !ids.contains(&point.id),
            "every point is content of its own"
        );
        if let Some(last) = points.boundaries.last() {
            assert_eq!(Some(&last.id), ids.last());
        }
        ids.push(point.id);
        let (_, calls) = source.calls(name);
        let said: u32 = calls.iter().map(|call| call.added + call.answer).sum();
        assert_eq!(said, next.pointed, "what is said makes up the prompt");
        match source.after(name, next.at, Some(5)) {
            Continued::Next(call) => next = call,
            Continued::Over(_) => break,
        }
    }
    assert_eq!(ids.len(), 10);
}
