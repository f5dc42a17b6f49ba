use super::{Continued, SessionEnd};
use crate::domain::CacheTtl;
use crate::load::context::PromptPoints;
use crate::load::source::{Arrival, Source};
use crate::load::spec::{
    ArrivalSpec, ContextSpec, DurationSpec, PointSpec, PromptPart, SessionSpec, SizeSpec,
    ToolLoopSpec, TrafficSpec,
};
use crate::units::{Micros, Moment, PerSecond, Ratio};

const UNTIL: Moment = Moment(3_600_000_000);

fn spec(turns: u32) -> TrafficSpec {
    TrafficSpec {
        arrival: ArrivalSpec::Poisson {
            rate: PerSecond(0.1),
        },
        shapes: Vec::new(),
        input: Some(SizeSpec::Fixed(100)),
        output: Some(SizeSpec::Fixed(300)),
        rank_correlation: 0.0,
        prefix: None,
        context: ContextSpec {
            points: vec![PointSpec {
                part: PromptPart::System,
                tokens: 6000,
                variants: 1,
                ttl: CacheTtl::FiveMinutes,
                per_request: false,
            }],
            marked: true,
            history: None,
            shared: None,
            session: Some(SessionSpec {
                turns: SizeSpec::Fixed(turns),
                think: DurationSpec::Fixed(Micros::SECOND),
                user: None,
                tools: None,
            }),
        },
        kept: Ratio::ONE,
    }
}

/// The calls of the first session, each answered in a second.
fn first_session(spec: &TrafficSpec) -> (Vec<Arrival>, SessionEnd) {
    let Source::Sessions(mut sessions) = Source::new(spec, 7, "w", UNTIL) else {
        panic!("the traffic has sessions");
    };
    let start = sessions.next_start().unwrap();
    let name = sessions.begin(&start);
    let mut calls = vec![start];
    loop {
        let last = calls[calls.len() - 1];
        match sessions.after(name, last.at + Micros::SECOND, Some(last.output)) {
            Continued::Next(next) => calls.push(next),
            Continued::Over(over) => {
                assert_eq!(over.began, start.at);
                return (calls, over.end);
            }
        }
    }
}

#[test]
fn prompts_grow_by_all_that_was_said() {
    // S + n·u + (n−1)·o at S = 6000, u = 100, o = 300: ten turns are 79,000 tokens
    // (methods 1.8).
    let (calls, end) = first_session(&spec(10));
    assert_eq!(end, SessionEnd::Completed);
    let tokens = |call: &Arrival| u64::from(call.input) + u64::from(call.pointed);
    for (n, call) in (1u64..).zip(&calls) {
        assert_eq!(tokens(call), 6000 + n * 100 + (n - 1) * 300);
        assert_eq!(call.seq, calls[0].seq + n - 1);
    }
    assert_eq!(calls.iter().map(tokens).sum::<u64>(), 79_000);
}

#[test]
fn a_failure_ends_a_session_and_so_does_the_end_of_the_run() {
    let Source::Sessions(mut sessions) = Source::new(&spec(10), 7, "w", UNTIL) else {
        panic!("the traffic has sessions");
    };
    let start = sessions.next_start().unwrap();
    let name = sessions.begin(&start);
    let after = sessions.after(name, start.at, None);
    let Continued::Over(over) = after else {
        panic!("a session goes on after a failure");
    };
    assert_eq!((over.end, over.turns), (SessionEnd::Abandoned, 0));
    assert!(sessions.names().is_empty());
    let start = sessions.next_start().unwrap();
    assert_eq!(sessions.begin(&start), name, "its place is used again");
    let Continued::Over(over) = sessions.after(name, UNTIL, Some(5)) else {
        panic!("a session goes on after the end of the run");
    };
    assert_eq!((over.end, over.turns), (SessionEnd::Unfinished, 1));
}

#[test]
fn tools_are_used_within_a_turn_and_without_thought() {
    let mut spec = spec(2);
    spec.context.session.as_mut().unwrap().tools = Some(ToolLoopSpec {
        share: Ratio::ONE,
        latency: DurationSpec::Fixed(Micros::from_millis(200)),
        result: SizeSpec::Fixed(50),
        max_calls: 3,
    });
    let (calls, end) = first_session(&spec);
    assert_eq!(end, SessionEnd::Completed);
    assert_eq!(calls.len(), 8, "four calls in each of two turns");
    let gaps: Vec<u64> = calls
        .windows(2)
        .map(|two| two[1].at.since(two[0].at).0 / 100_000)
        .collect();
    assert_eq!(gaps, [12, 12, 12, 20, 12, 12, 12]);
    assert_eq!(calls[7].input, 2 * 100 + 6 * 50 + 7 * 300);
}

#[test]
fn a_moving_point_leaves_one_token_and_names_the_points_before_it() {
    let mut spec = spec(30);
    spec.context.history = Some(CacheTtl::FiveMinutes);
    let source = Source::new(&spec, 7, "w", UNTIL);
    let Source::Sessions(mut sessions) = source else {
        panic!("the traffic has sessions");
    };
    let start = sessions.next_start().unwrap();
    let name = sessions.begin(&start);
    let mut call = start;
    let mut points = PromptPoints::default();
    let mut ids: Vec<u64> = Vec::new();
    for n in 1..=30u32 {
        sessions.points(call.seq, name, &mut points);
        let tokens = 6000 + n * 100 + (n - 1) * 300;
        assert_eq!((call.input, call.pointed), (1, tokens));
        assert_eq!(points.points.len(), 2);
        assert_eq!(points.points[1].tokens, tokens - 6000);
        let known: Vec<u64> = points.boundaries.iter().map(|at| at.id).collect();
        let first = ids.len().saturating_sub(16);
        assert_eq!(known, ids[first..], "at most 32 blocks back");
        assert!(points.boundaries.is_sorted_by_key(|at| at.tokens));
        if let Some(last) = points.boundaries.last() {
            assert_eq!((last.tokens, last.blocks_back), (tokens - 400, 2));
        }
        ids.push(points.points[1].id);
        if let Continued::Next(next) = sessions.after(name, call.at, Some(300)) {
            call = next;
        }
    }
}

#[test]
fn variants_of_a_point_change_all_that_follows() {
    let mut spec = spec(2);
    let system = spec.context.points[0];
    spec.context.session = None;
    spec.context.points = vec![
        PointSpec {
            part: PromptPart::Tools,
            variants: 2,
            ..system
        },
        system,
    ];
    let source = Source::new(&spec, 7, "w", UNTIL);
    let mut points = PromptPoints::default();
    let mut seen: Vec<[u64; 2]> = Vec::new();
    for seq in 0..100 {
        source.points(seq, None, &mut points);
        let ids = [points.points[0].id, points.points[1].id];
        if !seen.contains(&ids) {
            seen.push(ids);
        }
    }
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0][0], seen[1][0]);
    assert_ne!(seen[0][1], seen[1][1]);
}

#[test]
fn the_mean_rate_counts_calls() {
    let mut spec = spec(4);
    assert!((Source::new(&spec, 1, "w", UNTIL).mean_rate() - 0.4).abs() < 1e-9);
    spec.context.session.as_mut().unwrap().tools = Some(ToolLoopSpec {
        share: Ratio::new(0.5).unwrap(),
        latency: DurationSpec::Fixed(Micros::ZERO),
        result: SizeSpec::Fixed(1),
        max_calls: 2,
    });
    let rate = Source::new(&spec, 1, "w", UNTIL).mean_rate();
    assert!((rate - 0.4 * 1.75).abs() < 1e-9, "{rate}");
}
