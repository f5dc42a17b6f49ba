use super::{StatsOptions, stats};
use crate::load::trace::{CallEnd, Record, Recorded};
use crate::units::Micros;

const SECOND: u64 = 1_000_000;

fn recorded(calls: Vec<Record>) -> Recorded {
    Recorded {
        calls,
        models: vec![String::new()],
        clients: vec![String::new()],
        ..Recorded::default()
    }
}

fn call(at_s: f64, session: u32, input: u32, output: u32) -> Record {
    Record {
        at: Micros((at_s * SECOND as f64) as u64),
        session,
        input,
        output,
        attempt: 1,
        ..Record::default()
    }
}

#[track_caller]
fn close(got: f64, want: f64) {
    assert!(
        (got - want).abs() < 1e-9 * want.abs().max(1.0),
        "{got} is not {want}"
    );
}

#[test]
fn nothing_is_told_of_nothing() {
    let none = stats(&Recorded::default(), "none", &StatsOptions::default());
    assert_eq!(
        (none.requests, none.duration_s, none.quota),
        (0, None, None)
    );
    // One request has no rate, and nothing divides by zero.
    let one = stats(
        &recorded(vec![call(0.0, 0, 5, 5)]),
        "one",
        &StatsOptions::default(),
    );
    assert_eq!((one.requests, one.rate_rps, one.gap_cv), (1, None, None));
    assert_eq!(
        one.input_tokens.unwrap().p99.total_cmp(&5.0),
        std::cmp::Ordering::Equal
    );
    assert!(!one.to_json().contains("NaN"));
}

#[test]
fn quota_sees_reservations_at_admission_and_settlements_in_the_end() {
    // AWS's own example: input 3,000, cache read 4,000, cache write 1,000, output 1,000, rate 5: max_tokens of
    // 32,000 gives 36,000 reserved and 9,000 settled.
    let example = Record {
        cache_read: 4000,
        cache_write: 1000,
        max_tokens: Some(32_000),
        ..call(0.0, 0, 3000, 1000)
    };
    let refused = Record {
        end: CallEnd::Throttled,
        output: 0,
        ..call(10.0, 1, 3000, 0)
    };
    let silent = call(61.0, 2, 1000, 100);
    let log = recorded(vec![example, refused, silent]);
    let options = |max_tokens| StatsOptions {
        max_tokens,
        burndown: vec![5],
        burndown_default: 1,
    };
    let quota = stats(&log, "log", &options(Some(500))).quota.unwrap();
    let reserved = quota.reserved.unwrap();
    close(reserved.peak, 36_000.0);
    assert_eq!(reserved.course.counts, [36_000, 1500]);
    assert_eq!(quota.settled.course.counts, [9000, 1500]);
    close(quota.reserved_over_settled.unwrap(), 37_500.0 / 10_500.0);
    close(quota.max_tokens_known, 0.5);
    let unknown = stats(&log, "log", &options(None)).quota.unwrap();
    assert_eq!(
        (unknown.reserved, unknown.reserved_over_settled),
        (None, None)
    );
}

#[test]
fn a_cache_forgets_what_is_not_used() {
    // Two blocks of ten tokens; the same prompt again after four minutes, nine and fifty, and another one that
    // shares the first block.
    let prompt = |at_s: f64, start| Record {
        blocks_start: start,
        blocks_len: 2,
        ..call(at_s, at_s as u32, 20, 1)
    };
    let mut log = recorded(vec![
        prompt(0.0, 0),
        prompt(240.0, 0),
        prompt(530.0, 0),
        prompt(3530.0, 2),
    ]);
    log.blocks = vec![1, 2, 1, 3];
    log.block_tokens = 10;
    let prefix = stats(&log, "log", &StatsOptions::default()).prefix.unwrap();
    // Use keeps an entry alive: nine minutes are two waits of less than five.
    close(prefix.hit_rate_5m, 40.0 / 80.0);
    close(prefix.hit_rate_1h, 50.0 / 80.0);
    close(prefix.hit_rate_unlimited, 50.0 / 80.0);
    let reused: Vec<(u32, u64, u64)> = prefix
        .depths
        .iter()
        .map(|one| (one.blocks, one.requests, one.reused))
        .collect();
    assert_eq!(reused, [(1, 4, 3), (2, 4, 2)]);
}

#[test]
fn sessions_tell_of_thought_and_growth() {
    // S = 6000, u = 100, o = 300: ten turns are 79,000 tokens (methods 1.8).
    let turn = |n: u32| Record {
        latency: Some(Micros(4 * SECOND)),
        ..call(
            60.0 * f64::from(n - 1),
            3,
            6000 + n * 100 + (n - 1) * 300,
            300,
        )
    };
    let mut calls: Vec<Record> = (1..=10).map(turn).collect();
    calls.push(call(1000.0, 4, 50, 1));
    let sessions = stats(&recorded(calls), "log", &StatsOptions::default())
        .sessions
        .unwrap();
    assert_eq!(sessions.count, 2);
    close(sessions.single_share, 0.5);
    close(sessions.total_input_tokens.max, 79_000.0);
    close(sessions.think_s.unwrap().p50, 56.0);
    close(sessions.gap_s.unwrap().max, 60.0);
    close(sessions.growth_tokens.unwrap().mean, 400.0);
}

#[test]
fn clients_and_retries_are_counted_once() {
    let mut calls = Vec::new();
    for n in 0..100u32 {
        let client = if n < 80 { 0 } else { 1 + n % 10 };
        calls.push(Record {
            client,
            ..call(f64::from(n), n, 10, 10)
        });
    }
    calls.push(Record {
        attempt: 2,
        ..call(99.5, 99, 10, 10)
    });
    let mut log = recorded(calls);
    log.clients = (0..11).map(|n| n.to_string()).collect();
    let told = stats(&log, "log", &StatsOptions::default());
    assert_eq!((told.requests, told.calls), (100, 101));
    let clients = told.clients.unwrap();
    assert_eq!((clients.count, clients.making_90_percent), (11, 6));
    close(clients.top_1_share, 0.8);
    close(clients.top_10_share, 0.98);
    close(told.outcomes.amplification, 1.01);
}

#[test]
fn refusals_are_told_by_minute() {
    let refused = |at, end| Record {
        end,
        output: 0,
        ..call(at, 0, 10, 0)
    };
    let log = recorded(vec![
        call(0.0, 0, 10, 10),
        refused(61.0, CallEnd::Throttled),
        refused(62.0, CallEnd::Throttled),
        refused(63.0, CallEnd::Failed),
        call(64.0, 0, 10, 10),
    ]);
    let outcomes = stats(&log, "log", &StatsOptions::default()).outcomes;
    let bad = outcomes.bad_minutes[0];
    assert_eq!(
        (bad.minute, bad.calls, bad.throttled, bad.failed),
        (1, 4, 2, 1)
    );
    assert_eq!(outcomes.calls["throttled"], 2);
}
