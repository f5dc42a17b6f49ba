//! Retry policies and what bounds them, through the engine.

use super::{assert_close, latency, run, setup};
use crate::client::spec::{AdaptiveThrottle, Breaker, Guards, Jitter, RetryBudget, RetryPolicy};
use crate::domain::NoiseLaw;
use crate::load::spec::{ArrivalSpec, DurationSpec};
use crate::measure::Tally;
use crate::sim::RunSetup;
use crate::stats::retries::refusal_fixed_point;
use crate::units::{Micros, PerSecond, Ratio, RequestsPerMinute};

/// Requests at `load` times a capacity of `capacity` a second, refused at no cost beyond it, for
/// `minutes`.
fn overloaded(load: f64, capacity: u64, minutes: u64, retry: RetryPolicy) -> RunSetup {
    let quick = latency(Micros::from_millis(1), NoiseLaw::none());
    let duration = Micros(minutes * Micros::MINUTE.0);
    let mut setup = setup(load * capacity as f64, quick, duration);
    setup.endpoint.counters[0].limits.rpm = Some(RequestsPerMinute(60 * capacity));
    setup.client.retry = retry;
    setup
}

fn backoff(max_attempts: u32) -> RetryPolicy {
    RetryPolicy::Exponential {
        max_attempts,
        base: Micros::from_secs(5),
        cap: Micros::from_secs(60),
        jitter: Jitter::Full,
    }
}

fn tally(setup: &RunSetup) -> Tally {
    run(setup, 2).workloads.remove(0)
}

#[test]
fn attempts_settle_at_the_fixed_point_of_every_load() {
    // methods 4.3: 1.8170, 2.6250, 3.2612 and 7.7250 attempts per unit of capacity.
    for (load, attempts) in [(1.1, 3), (1.1, 5), (1.5, 3), (2.0, 5)] {
        // Ten hours, so that the bucket that is full at the start hardly counts.
        let (capacity, minutes) = (20, 600);
        let tally = tally(&overloaded(load, capacity, minutes, backoff(attempts)));
        let served = capacity as f64 * 60.0 * minutes as f64;
        let point = refusal_fixed_point(load, attempts);
        let what = format!("{load} with {attempts} attempts");
        let sent = tally.attempts.sent as f64;
        assert_close(&what, sent / served, point.attempts_per_capacity, 0.02);
        let refused = tally.attempts.throttled as f64 / sent;
        assert_close(&what, refused, point.refused, 0.02);
        // Goodput stays what the quota carries.
        assert_close(&what, tally.requests.completed as f64 / served, 1.0, 0.02);
    }
}

#[test]
fn a_budget_bounds_attempts_whatever_the_policy_wants() {
    for (ratio, min_rate) in [(0.1, 0.0), (0.2, 10.0)] {
        let mut setup = overloaded(2.0, 50, 20, backoff(10));
        setup.client.guards.retry_budget = Some(RetryBudget {
            ratio: Ratio::new(ratio).unwrap(),
            min_rate: PerSecond(min_rate),
            window: Micros::from_secs(10),
        });
        let tally = tally(&setup);
        let offered = tally.requests.offered as f64;
        let retries = tally.attempts.sent as f64 - offered;
        let most = ratio * offered + min_rate * 1200.0;
        // The window moves on by tenths, which allows up to a window more at the start.
        assert!(
            retries <= most * (10.0 / 9.0) + min_rate * 10.0,
            "{retries} of {most}"
        );
        assert!(retries >= most * 0.9, "{retries} of {most}");
    }
}

#[test]
fn the_retry_quota_leaves_a_hundred_retries_to_a_service_that_only_refuses() {
    let mut setup = overloaded(2.0, 50, 5, RetryPolicy::AwsStandard21 { max_attempts: 3 });
    setup.endpoint.counters[0].limits.tpm = crate::units::TokensPerMinute(1);
    let tally = tally(&setup);
    assert_eq!(tally.attempts.sent - tally.requests.offered, 100);
    assert_eq!(tally.requests.throttled, tally.requests.offered);
}

#[test]
fn adaptive_mode_is_refused_a_tenth_as_often_and_serves_as_much() {
    let standard = RetryPolicy::AwsStandard21 { max_attempts: 3 };
    let adaptive = RetryPolicy::AwsAdaptive { max_attempts: 3 };
    let of_users = |retry| {
        let mut setup = overloaded(1.0, 20, 20, retry);
        setup.workloads[0].traffic.arrival = ArrivalSpec::Closed {
            users: 40,
            think: DurationSpec::Fixed(Micros::SECOND),
        };
        tally(&setup)
    };
    let (plain, limited) = (of_users(standard), of_users(adaptive));
    let refused = |tally: &Tally| tally.attempts.throttled as f64 / tally.attempts.sent as f64;
    let share = limited.requests.completed as f64 / plain.requests.completed as f64;
    let told = format!(
        "{:.3} and {:.3} refused, {share:.3} of the answers",
        refused(&plain),
        refused(&limited)
    );
    assert!(refused(&plain) > 0.4 && refused(&limited) < 0.08, "{told}");
    assert!(share > 0.95, "{told}");
}

#[test]
fn waiting_for_the_minute_serves_what_quick_retries_lose() {
    // A minute at 250 % of the quota, a full bucket at its start, and then nothing: the minute after has room.
    let mut setup = overloaded(1.0, 10, 1, RetryPolicy::AwsStandard21 { max_attempts: 3 });
    setup.workloads[0].traffic.arrival = ArrivalSpec::Poisson {
        rate: PerSecond(25.0),
    };
    let lost = tally(&setup).requests.throttled;
    setup.client.retry = RetryPolicy::WindowAware {
        max_attempts: 3,
        align: crate::client::spec::WindowAlign::Rolling,
        min: Micros::from_secs(1),
        spread: Micros::MINUTE,
    };
    let patient = tally(&setup);
    assert!(lost > 100, "{lost}");
    assert!(patient.requests.throttled * 5 < lost, "{patient:?}");
}

#[test]
fn a_breaker_stops_calls_to_a_service_that_fails_and_lets_them_through_again() {
    let mut setup = overloaded(0.5, 100, 10, RetryPolicy::None);
    setup.client.timeout = Some(Micros::from_millis(10));
    // Every answer takes longer than the client waits.
    setup.endpoint.targets[0].latency = latency(Micros::SECOND, NoiseLaw::none());
    setup.client.guards = Guards {
        breaker: Some(Breaker {
            failures_share: Ratio::new(0.5).unwrap(),
            throttles_share: None,
            min_calls: 20,
            window: Micros::from_secs(10),
            open_for: Micros::from_secs(10),
            probes: 3,
        }),
        ..Guards::default()
    };
    let ill = tally(&setup);
    // Twenty calls open it, and then up to three probes every ten seconds.
    let sent = ill.attempts.sent;
    assert!((20 + 55..20 + 3 * 60 + 3).contains(&sent), "{sent}");
    assert_eq!(ill.requests.not_sent, ill.requests.offered - sent);
    setup.client.timeout = None;
    let well = tally(&setup);
    assert_eq!(well.requests.completed, well.requests.offered);
}

#[test]
fn a_client_that_throttles_itself_sends_about_twice_what_is_taken() {
    let mut setup = overloaded(5.0, 20, 20, RetryPolicy::None);
    setup.client.guards.adaptive_throttle = Some(AdaptiveThrottle {
        k: 2.0,
        window: Micros::from_secs(120),
    });
    let tally = tally(&setup);
    let served = 20.0 * 1200.0;
    assert_close("sent", tally.attempts.sent as f64 / served, 2.0, 0.15);
    assert_close(
        "served",
        tally.requests.completed as f64 / served,
        1.0,
        0.05,
    );
}
