use super::{SynthOptions, closeness, synth};
use crate::load::trace::{Record, Recorded};
use crate::rng::Keyed;
use crate::traffic::LEAST_SUPPORT;
use crate::units::Micros;
use proptest::prelude::*;

/// An hour of bursts with models, clients, limits, cached tokens and prefix blocks.
fn source(requests: u32) -> Recorded {
    let draws = Keyed::new(11, "source");
    let mut log = Recorded {
        models: vec!["us.anthropic.claude-a".to_owned(), "rare-model".to_owned()],
        clients: (0..40).map(|n| format!("person-{n}@example.com")).collect(),
        block_tokens: 16,
        ..Recorded::default()
    };
    let mut at = 0.0;
    for n in 0..requests {
        let id = u64::from(n);
        // Some gaps are long.
        let scale = if draws.uniform(id ^ 1 << 40) < 0.05 {
            20.0
        } else {
            0.3
        };
        at += if n == 0 {
            0.0
        } else {
            -scale * draws.uniform(id).ln()
        };
        let input = (40.0 + 4000.0 * draws.uniform(id ^ 2 << 40).powi(3)) as u32;
        let start = log.blocks.len() as u32;
        let shared = if draws.uniform(id ^ 3 << 40) < 0.5 {
            input / 16 / 2
        } else {
            1
        };
        log.blocks.extend((0..input / 16).map(|depth| {
            if depth < shared {
                depth
            } else {
                1000 + n * 400 + depth
            }
        }));
        log.calls.push(Record {
            at: Micros((at * 1e6) as u64),
            model: u16::from(n % 977 == 5),
            client: (40.0 * draws.uniform(id ^ 4 << 40).powi(2)) as u32,
            session: n,
            input,
            output: 1 + (300.0 * draws.uniform(id ^ 5 << 40).powi(2)) as u32,
            max_tokens: Some(if n == 17 { 31_337 } else { 1024 }),
            attempt: 1,
            blocks_start: start,
            blocks_len: log.blocks.len() as u32 - start,
            ..Record::default()
        });
    }
    log
}

fn options(seed: u64) -> SynthOptions {
    SynthOptions {
        seed,
        ..SynthOptions::default()
    }
}

#[test]
fn synthetic_traffic_is_like_its_source() {
    let log = source(4000);
    let made = synth(&log, &options(1)).unwrap();
    let close = closeness(&log, &made);
    let missed: Vec<String> = close
        .rows
        .iter()
        .filter(|row| row.within == Some(false))
        .map(|row| format!("{}: {} {}", row.what, row.source, row.synth))
        .collect();
    assert!(close.within, "{missed:?}");
    assert!(close.rows.len() > 20);
    assert_eq!(
        made,
        synth(&log, &options(1)).unwrap(),
        "the same seed, the same trace"
    );
    assert_ne!(made, synth(&log, &options(2)).unwrap());
}

#[test]
fn what_is_rare_does_not_survive() {
    let mut log = source(4000);
    // Two prompts and an answer that nobody else has.
    log.calls[70].input = 765_432;
    log.calls[900].input = 765_433;
    log.calls[71].output = 54_321;
    let made = synth(&log, &options(3)).unwrap();
    let most = |part: fn(&Record) -> u32| made.calls.iter().map(part).max().unwrap();
    assert!(
        most(|call| call.input) <= 4040,
        "{}",
        most(|call| call.input)
    );
    assert!(most(|call| call.output) <= 301);
    assert!(
        made.calls
            .iter()
            .all(|call| call.max_tokens != Some(31_337))
    );
    // The model of four requests is none of its own, and nobody keeps their name.
    assert_eq!(made.models, ["us.anthropic.claude-a"]);
    assert!(
        made.clients.iter().all(|name| name.starts_with("client-")),
        "{:?}",
        made.clients
    );
    let mut counts = vec![0; made.clients.len()];
    for call in &made.calls {
        counts[call.client as usize] += 1;
    }
    assert!(
        counts.iter().all(|count| *count >= LEAST_SUPPORT - 1),
        "{counts:?}"
    );
    assert_eq!(made.origin_unix_us, None);
}

#[test]
fn minutes_of_single_requests_change_places() {
    // Every minute has the same crowd, but for some in which one person works at night.
    let mut log = source(20);
    let lonely = |minute: u64| minute.is_multiple_of(7) && minute > 0;
    log.calls = (0..120u64)
        .flat_map(|minute| {
            let crowd = if lonely(minute) { 1 } else { 30 };
            (0..crowd).map(move |n| minute * 60_000_000 + n * 1_500_000)
        })
        .enumerate()
        .map(|(n, at)| Record {
            at: Micros(at),
            input: 10 + n as u32 % 90,
            output: 10,
            session: n as u32,
            attempt: 1,
            ..Record::default()
        })
        .collect();
    let made = synth(&log, &options(4)).unwrap();
    assert_eq!(made.calls.len(), log.calls.len());
    let by_minute = |log: &Recorded| {
        let mut counts = vec![0u32; 120];
        for call in &log.calls {
            counts[(call.at.0 / 60_000_000) as usize] += 1;
        }
        counts
    };
    let (mut before, mut after) = (by_minute(&log), by_minute(&made));
    before.sort_unstable();
    after.sort_unstable();
    assert_eq!(before, after);
}

#[test]
fn a_shorter_and_a_longer_trace_can_be_had() {
    let log = source(2000);
    let some = |requests, duration| {
        let options = SynthOptions {
            requests,
            duration,
            seed: 5,
        };
        synth(&log, &options).unwrap()
    };
    assert_eq!(some(Some(300), None).calls.len(), 300);
    assert_eq!(some(Some(5000), None).calls.len(), 5000);
    let minute = some(None, Some(Micros::MINUTE));
    assert!(minute.calls.iter().all(|call| call.at < Micros::MINUTE));
    let last = log.calls[1999].at;
    let double = some(None, Some(Micros(2 * last.0)));
    assert!(
        (3800..4200).contains(&double.calls.len()),
        "{}",
        double.calls.len()
    );
    assert!(double.calls.is_sorted_by_key(|call| call.at));
}

#[test]
fn sessions_come_back_as_sessions() {
    let draws = Keyed::new(2, "sessions");
    let mut calls = Vec::new();
    for session in 0..400u32 {
        let began = f64::from(session) * 9.0;
        let turns = 1 + (12.0 * draws.uniform(u64::from(session)).powi(2)) as u32;
        let mut at = began;
        for turn in 0..turns {
            let id = u64::from(session) << 8 | u64::from(turn);
            calls.push(Record {
                at: Micros((at * 1e6) as u64),
                session,
                input: 900 + 400 * turn + (100.0 * draws.uniform(id)) as u32,
                cache_read: 850 * u32::from(turn > 0),
                output: 250,
                attempt: 1,
                ..Record::default()
            });
            at += 20.0 + 40.0 * draws.uniform(id ^ 1 << 40);
        }
    }
    calls.sort_by_key(|call| call.at);
    let log = Recorded {
        calls,
        models: vec![String::new()],
        clients: vec![String::new()],
        ..Recorded::default()
    };
    let made = synth(&log, &options(6)).unwrap();
    let close = closeness(&log, &made);
    let row = |what: &str| close.rows.iter().find(|row| row.what == what).unwrap();
    assert!(
        close.within,
        "{:?}",
        close
            .rows
            .iter()
            .filter(|r| r.within == Some(false))
            .collect::<Vec<_>>()
    );
    for (what, most) in [
        ("turns, mean", 0.05),
        ("seconds between turns, p50", 0.15),
        ("growth of prompts, p50", 0.1),
    ] {
        assert!(row(what).error <= most, "{:?}", row(what));
    }
}

#[test]
fn too_few_requests_are_refused() {
    let error = synth(&source(19), &options(1)).unwrap_err();
    assert!(error.contains("19 requests are too few"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    /// Whatever a log holds, what is made of it has as many requests, in order, with sizes and without panics.
    #[test]
    fn any_log_can_be_made_again(
        rows in proptest::collection::vec(
            (0u64..400_000_000, 0u32..5000, 0u32..400, 0u32..30, 0u32..4, 0u16..3),
            20..200,
        ),
        seed in 0u64..1000,
    ) {
        let mut rows = rows;
        rows.sort_unstable();
        let first = rows[0].0;
        let calls: Vec<Record> = rows
            .iter()
            .map(|&(at, input, output, session, blocks, model)| Record {
                at: Micros(at - first),
                input,
                output,
                session,
                model,
                cache_read: input / 3,
                blocks_len: blocks,
                attempt: 1,
                ..Record::default()
            })
            .collect();
        let log = Recorded {
            calls,
            models: vec!["a".to_owned(), "b".to_owned(), "c".to_owned()],
            clients: vec![String::new()],
            blocks: vec![7, 8, 9, 9],
            block_tokens: 64,
            ..Recorded::default()
        };
        let made = synth(&log, &options(seed)).unwrap();
        prop_assert_eq!(made.calls.len(), log.calls.len());
        prop_assert!(made.calls.is_sorted_by_key(|call| call.at));
        prop_assert!(made.calls.iter().all(|call| call.input_total() > 0 && call.output > 0));
        let _ = closeness(&log, &made);
    }
}
