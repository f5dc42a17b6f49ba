//! Hedging: the tail against its closed form, and what must hold of any run with two attempts at once.

use super::*;
use crate::client::spec::{HedgeAfter, HedgePolicy, Jitter};
use crate::domain::StreamFault;
use crate::measure::{AttemptEnd, HedgeCounts};
use crate::service::spec::{FaultKind, FaultSpec};
use crate::stats::hedging::hedged_survival;
use proptest::prelude::*;

fn hedges(measures: &RunMeasures) -> HedgeCounts {
    measures.workloads[0].attempts.hedges.unwrap()
}

/// Exponential first tokens of mean one second, hedged.
fn hedged(after: HedgeAfter, budget: f64, requests: f64) -> RunSetup {
    let ttft = latency(Micros::SECOND, exponential());
    let mut setup = setup(100.0, ttft, Micros::from_secs_f64(requests / 100.0));
    setup.client.hedge = Some(HedgePolicy { after, budget });
    setup
}

#[test]
fn the_tail_beyond_the_delay_is_squared_for_five_per_cent_more_load() {
    let survival = |t: f64| (-t).exp();
    let want = hedged_survival(survival, 3.0, 6.0);
    for output in [1, 5] {
        let mut setup = hedged(HedgeAfter::Delay(Micros::from_secs(3)), 1.0, 2e6);
        setup.workloads[0].traffic.output = Some(SizeSpec::Fixed(output));
        let measures = run(&setup, 5);
        let tally = &measures.workloads[0];
        let requests = tally.requests.offered as f64;
        assert_eq!(tally.requests.completed, tally.requests.offered);
        let ttft = tally.ttft.logical();
        // The histogram's own resolution is 0.2 % of the value, which is 1.2 % of this share.
        let late = 1.0 - ttft.share_within(Micros::from_secs(6)).unwrap();
        assert_close("S(6)", late, want, 0.15);
        // What it is without: twenty times more.
        assert!(late < survival(6.0) / 15.0);
        let quantile = ttft.quantile(0.9999).unwrap().as_secs_f64();
        assert_close("p99.99", quantile, (3.0 - 1e-4f64.ln()) / 2.0, 0.02);
        let extra = tally.attempts.sent as f64 / requests - 1.0;
        assert_close("extra load", extra, survival(3.0), 0.01);
        let hedges = hedges(&measures);
        assert_eq!(hedges.sent, tally.attempts.sent - tally.requests.offered);
        assert_eq!(hedges.cancelled, hedges.sent);
        // Of two exponentials without memory each is first half of the time.
        assert_close("won", hedges.won as f64 / hedges.sent as f64, 0.5, 0.02);
        // The reading of an attempt starts at its own send, and half of the late ones are hedges:
        // ½·S(3)·e^(−2(t − 3)) is left of them at t.
        let of_attempts = tally.ttft.attempt().quantile(0.9999).unwrap();
        let want = (3.0 - 1e-4f64.ln() - 2f64.ln()) / 2.0;
        assert_close("p99.99 of attempts", of_attempts.as_secs_f64(), want, 0.02);
    }
}

#[test]
fn a_quantile_is_found_and_kept_although_hedging_hides_the_slow() {
    // p90 of Exp(1) is 2.3026 s, so a tenth is hedged once 100 first tokens have been heard.
    let setup = hedged(HedgeAfter::Quantile(0.9), 1.0, 2e5);
    let measures = run(&setup, 9);
    let offered = measures.workloads[0].requests.offered as f64;
    let share = hedges(&measures).sent as f64 / offered;
    assert_close("hedged", share, 0.1, 0.05);
}

#[test]
fn the_budget_binds_when_all_is_slow() {
    let setup = hedged(HedgeAfter::Delay(Micros::from_millis(10)), 0.02, 1e5);
    let measures = run(&setup, 3);
    let offered = measures.workloads[0].requests.offered;
    let sent = hedges(&measures).sent;
    assert!(
        sent as f64 <= 0.02 * offered as f64 && sent > offered / 51,
        "{sent} of {offered}"
    );
}

#[test]
fn losers_are_kept_as_cancelled_and_their_prompts_are_wasted() {
    let mut setup = hedged(HedgeAfter::Delay(Micros::SECOND), 1.0, 2e3);
    setup.record_attempts = true;
    setup.workloads[0].tariffs = vec![(ScopeKind::Geo, tariff())];
    let measures = run(&setup, 3);
    let tally = &measures.workloads[0];
    let cancelled: Vec<_> = measures
        .attempts
        .iter()
        .filter(|one| one.end == AttemptEnd::Cancelled)
        .collect();
    let hedges = hedges(&measures);
    assert_eq!(cancelled.len() as u64, hedges.cancelled);
    assert_eq!(
        cancelled.iter().filter(|one| one.attempt == 1).count() as u64,
        hedges.won
    );
    assert!(cancelled.iter().all(|one| one.first_token_at.is_none()));
    assert_eq!(tally.wasted_tokens, hedges.cancelled);
    assert!(tally.ledger.wasted > crate::units::Usd::ZERO);
    assert_eq!(measures.attempts.len() as u64, tally.attempts.sent);
}

fn tariff() -> crate::cost::Tariff {
    let price = crate::units::PicoPerToken(3_000_000);
    let prices = crate::domain::TokenPrices {
        input: price,
        output: price,
        cache_write_5m: price,
        cache_write_1h: price,
        cache_read: price,
        long_context: None,
    };
    crate::cost::Tariff::new(&prices, crate::domain::CacheTtl::FiveMinutes)
}

#[test]
fn a_refused_hedge_is_a_throttled_attempt_and_costs_no_retry() {
    // One request a minute fits; its hedge does not.
    let mut setup = setup(
        0.01,
        latency(Micros::from_secs(5), NoiseLaw::none()),
        Micros::from_secs(50_000),
    );
    setup.endpoint.counters[0].limits.rpm = Some(RequestsPerMinute(1));
    setup.workloads[0].traffic.arrival = ArrivalSpec::Constant {
        rate: PerSecond(0.01),
    };
    setup.client.hedge = Some(HedgePolicy {
        after: HedgeAfter::Delay(Micros::SECOND),
        budget: 1.0,
    });
    let measures = run(&setup, 1);
    let tally = &measures.workloads[0];
    assert_eq!(tally.requests.completed, tally.requests.offered);
    assert_eq!(tally.attempts.throttled, tally.requests.offered);
    assert_eq!(
        hedges(&measures),
        HedgeCounts {
            sent: tally.requests.offered,
            won: 0,
            cancelled: 0
        }
    );
}

fn fault(kind: FaultKind, share: f64, after_ms: u64) -> FaultSpec {
    FaultSpec {
        kind,
        share: crate::units::Ratio::new(share).unwrap(),
        share_to: None,
        from: Micros::ZERO,
        until: None,
        recurs: None,
        after: Micros::from_millis(after_ms),
        workload: None,
        model: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn every_attempt_ends_once_whatever_goes_wrong(
        seed in 0u64..1000,
        quantile in any::<bool>(),
        after_ms in 1u64..3000,
        budget in 0.01f64..1.0,
        timeout_ms in prop::option::of(100u64..4000),
        deadline_ms in prop::option::of(500u64..8000),
        attempts in 1u32..4,
        rpm in prop::option::of(100u64..1500),
        concurrency in prop::option::of(5u32..60),
        units in any::<bool>(),
        output in 1u32..40,
        shares in [0.0f64..0.3, 0.0f64..0.3, 0.0f64..0.3, 0.0f64..0.3],
        after_error_ms in prop_oneof![Just(0u64), 1u64..3000],
        instances in 1u32..4,
    ) {
        let after = if quantile {
            HedgeAfter::Quantile(0.8)
        } else {
            HedgeAfter::Delay(Micros::from_millis(after_ms))
        };
        let mut setup = hedged(after, budget, 2e3);
        setup.workloads[0].traffic.arrival = ArrivalSpec::Poisson { rate: PerSecond(10.0) };
        setup.workloads[0].traffic.output = Some(SizeSpec::Fixed(output));
        setup.endpoint.counters[0].limits.rpm = rpm.map(RequestsPerMinute);
        if units {
            setup.endpoint.targets[0].route = Route::Units { counter: None };
            setup.endpoint.units = Some(UnitsSetup {
                input_per_s: 20.0,
                output_per_s: 400.0,
                stream_per_s: 50.0,
                overload: Overload::Refuse,
            });
        }
        setup.endpoint.faults = vec![
            fault(FaultKind::Unavailable, shares[0], after_error_ms),
            fault(FaultKind::Stream(StreamFault::Reset), shares[1], 0),
            fault(FaultKind::SlowStart(Micros::SECOND), shares[2], 0),
            fault(FaultKind::Internal, shares[3], 0),
        ];
        setup.record_attempts = true;
        setup.client.timeout = timeout_ms.map(Micros::from_millis);
        setup.client.deadline = deadline_ms.map(Micros::from_millis);
        setup.client.concurrency = concurrency;
        setup.client.instances = instances;
        setup.client.retry = RetryPolicy::Exponential {
            max_attempts: attempts,
            base: Micros::from_millis(100),
            cap: Micros::SECOND,
            jitter: Jitter::Full,
        };
        // The run itself asserts Little's law, and that nothing stays reserved.
        let measures = run(&setup, seed);
        let tally = &measures.workloads[0];
        let (counts, hedges) = (tally.attempts, hedges(&measures));
        let ended = tally.requests.completed + counts.throttled + counts.unavailable
            + counts.failed + counts.timed_out + hedges.cancelled;
        prop_assert_eq!(counts.sent, ended);
        prop_assert!(hedges.sent as f64 <= budget * tally.requests.offered as f64);
        prop_assert!(hedges.won <= hedges.sent && hedges.cancelled <= hedges.sent);
        prop_assert!(counts.sent <= u64::from(attempts) * tally.requests.offered + hedges.sent);
        // No two attempts of a request have the same number.
        let mut numbers: Vec<_> = measures.attempts.iter().map(|one| (one.request, one.attempt)).collect();
        prop_assert_eq!(numbers.len() as u64, counts.sent);
        numbers.sort_unstable();
        numbers.dedup();
        prop_assert_eq!(numbers.len() as u64, counts.sent);
    }
}
