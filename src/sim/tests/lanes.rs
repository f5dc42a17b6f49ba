//! Fallbacks, routes and classifiers against closed forms.

use super::*;
use crate::client::{Classifier, FailureClasses, Onward, RouteRule, RouteSpec};
use crate::cost::Tariff;
use crate::domain::{CacheTtl, TokenPrices};
use crate::sim::{LaneRole, LaneSetup, Lanes};
use crate::units::{PicoPerToken, Usd};

fn onward(lane: u32) -> Onward {
    Onward {
        lane,
        on: FailureClasses::USUAL,
        after: None,
        defers: false,
        afresh: false,
    }
}

/// Prices of one and five pico-dollars times `factor`.
fn tariff(factor: u64) -> Vec<(ScopeKind, Tariff)> {
    let price = |pico| PicoPerToken(pico * factor);
    let prices = TokenPrices {
        input: price(1),
        output: price(5),
        cache_write_5m: price(2),
        cache_write_1h: price(3),
        cache_read: price(1),
        long_context: None,
    };
    vec![(ScopeKind::Geo, Tariff::new(&prices, CacheTtl::FiveMinutes))]
}

/// Adds a lane of `role` behind a counter of its own with so many tokens per minute.
fn add_lane(setup: &mut RunSetup, role: LaneRole, tpm: u64, factor: u64) -> u32 {
    let endpoint = &mut setup.endpoint;
    let counter = CounterSetup {
        model: format!("m{}", endpoint.counters.len()),
        limits: CounterLimits {
            tpm: TokensPerMinute(tpm),
            rpm: None,
            tpd: None,
        },
        ..endpoint.counters[0].clone()
    };
    endpoint.counters.push(counter);
    let target = TargetSetup {
        route: Route::OnDemand {
            counter: endpoint.counters.len() - 1,
        },
        ..endpoint.targets[0].clone()
    };
    endpoint.targets.push(target);
    setup.lanes.further.push(LaneSetup {
        workload: 0,
        role,
        tariffs: tariff(factor),
        tier: TierSetup::default(),
    });
    setup.lanes.onward.resize(endpoint.targets.len(), None);
    endpoint.targets.len() as u32 - 1
}

/// Calls of 1,000 input and 20 output tokens, of which 100 are reserved, that take a second.
fn calls(rate: f64, seconds: u64) -> RunSetup {
    let law = latency(Micros::from_millis(620), NoiseLaw::none());
    let mut setup = setup(rate, law, Micros::from_secs(seconds));
    setup.workloads[0].traffic.input = Some(SizeSpec::Fixed(1000));
    setup.workloads[0].traffic.output = Some(SizeSpec::Fixed(20));
    setup.workloads[0].tariffs = tariff(10);
    setup.endpoint.targets[0].max_tokens = 100;
    setup.lanes = Lanes {
        onward: vec![None],
        ..Lanes::default()
    };
    setup
}

const ROOMY: u64 = 1 << 50;

#[test]
fn the_second_lane_gets_exactly_what_the_first_refuses() {
    let mut alone = calls(10.0, 600);
    alone.endpoint.counters[0].limits.tpm = TokensPerMinute(300_000);
    let mut both = alone.clone();
    let lane = add_lane(&mut both, LaneRole::Answers, ROOMY, 1);
    both.lanes.onward[0] = Some(onward(lane));
    alone.lanes = Lanes::default();
    let (alone, both) = (run(&alone, 3), run(&both, 3));
    let (before, after) = (&alone.workloads[0], &both.workloads[0]);
    assert!(before.requests.throttled > 1000 && before.requests.completed > 1000);
    assert_eq!(both.lanes[0].answered, before.requests.completed);
    assert_eq!(both.lanes[0].throttled, before.requests.throttled);
    assert_eq!(both.lanes[1].sent, before.requests.throttled);
    assert_eq!(after.requests.completed, after.requests.offered);
    // Both lanes at their own price: (1,000 + 20 × 5) tokens' worth of a call.
    let cost = |calls: u64, factor: u64| Usd(i128::from(calls * factor * 1100));
    assert_eq!(both.lanes[0].cost, cost(before.requests.completed, 10));
    assert_eq!(both.lanes[1].cost, cost(before.requests.throttled, 1));
    let lanes: Usd = both.lanes.iter().map(|lane| lane.cost).sum();
    assert_eq!(after.ledger.total(), lanes);
}

#[test]
fn the_overflow_of_a_bucket_of_one_is_its_loss() {
    // A bucket of depth 1 at ρ = .9 loses .47368 of Poisson arrivals: ρ / (1 + ρ).
    let mut setup = calls(0.9 / 60.0, 2000 * 3600);
    let endpoint = &mut setup.endpoint;
    endpoint.counters[0].limits.rpm = Some(RequestsPerMinute(1));
    endpoint.rules.request_window = Bucket;
    let lane = add_lane(&mut setup, LaneRole::Answers, ROOMY, 1);
    setup.endpoint.counters[1].limits.rpm = None;
    setup.lanes.onward[0] = Some(onward(lane));
    let measures = run(&setup, 7);
    let share = measures.lanes[1].sent as f64 / measures.workloads[0].requests.offered as f64;
    assert_close("overflow", share, 0.9 / 1.9, 0.02);
    assert_eq!(measures.lanes[1].answered, measures.lanes[1].sent);
}

#[test]
fn each_lane_is_tried_as_often_as_the_policy_says() {
    let mut setup = calls(5.0, 120);
    setup.client.retry = RetryPolicy::Exponential {
        max_attempts: 3,
        base: Micros::from_millis(1),
        cap: Micros::from_millis(2),
        jitter: crate::client::spec::Jitter::None,
    };
    setup.endpoint.counters[0].limits.tpm = TokensPerMinute(1);
    let second = add_lane(&mut setup, LaneRole::Answers, 1, 1);
    let third = add_lane(&mut setup, LaneRole::Answers, ROOMY, 1);
    setup.lanes.onward[0] = Some(onward(second));
    setup.lanes.onward[1] = Some(Onward {
        after: Some(1),
        ..onward(third)
    });
    let measures = run(&setup, 3);
    let offered = measures.workloads[0].requests.offered;
    let sent: Vec<u64> = measures.lanes.iter().map(|lane| lane.sent).collect();
    assert_eq!(sent, [3 * offered, offered, offered]);
    assert_eq!(measures.workloads[0].attempts.sent, 5 * offered);
    assert_eq!(
        measures.workloads[0].attempts.answered_by_number[4],
        offered
    );
}

#[test]
fn what_is_deferred_is_booked_as_a_record_of_a_job() {
    let mut setup = calls(5.0, 120);
    setup.endpoint.counters[0].limits.tpm = TokensPerMinute(1);
    let lane = add_lane(&mut setup, LaneRole::Defers, ROOMY, 5);
    setup.endpoint.targets[1].route = Route::Batch;
    setup.lanes.onward[0] = Some(Onward {
        defers: true,
        ..onward(lane)
    });
    let measures = run(&setup, 3);
    let tally = &measures.workloads[0];
    let offered = tally.requests.offered;
    assert_eq!(
        (tally.requests.deferred, tally.requests.completed),
        (offered, 0)
    );
    assert_eq!((tally.good, measures.lanes[1].sent), (0, 0));
    assert_eq!(tally.ledger.batch, Usd(i128::from(offered * 5 * 1100)));
    assert_eq!(tally.ledger.total(), tally.ledger.batch);
}

#[test]
fn shares_are_those_of_the_route_and_of_no_other_draw() {
    let mut setup = calls(20.0, 1000);
    let lane = add_lane(&mut setup, LaneRole::Answers, ROOMY, 1);
    let rule = RouteRule {
        lane,
        share: Some((0.0, 0.7)),
        at_most: None,
        above: None,
    };
    setup.lanes.routes = vec![Some(RouteSpec {
        rules: vec![rule],
        classifier: None,
        own: 0,
    })];
    let measures = run(&setup, 3);
    let offered = measures.workloads[0].requests.offered as f64;
    let [own, other] = [0, 1].map(|lane| measures.lanes[lane].answered as f64);
    assert!((own + other - offered).abs() < 0.5);
    // Four standard deviations of a binomial count.
    assert!((other - 0.7 * offered).abs() < 4.0 * (0.21 * offered).sqrt());
    // The arrivals are those of a run without routes.
    setup.lanes.routes.clear();
    let plain = run(&setup, 3);
    assert!((plain.workloads[0].requests.offered as f64 - offered).abs() < 0.5);
    assert_eq!(plain.lanes[1].sent, 0);
}

/// Requests behind a classifier that reads 200 tokens and says 5.
fn classified(tpm: u64) -> RunSetup {
    let mut setup = calls(10.0, 1000);
    let judge = add_lane(&mut setup, LaneRole::Classifies, tpm, 1);
    let easy = add_lane(&mut setup, LaneRole::Answers, ROOMY, 1);
    setup.endpoint.targets[judge as usize].name = "w/classifier".into();
    setup.lanes.onward[judge as usize] = Some(Onward {
        on: FailureClasses::ANY,
        afresh: true,
        ..onward(0)
    });
    setup.lanes.routes = vec![Some(RouteSpec {
        rules: Vec::new(),
        classifier: Some(Classifier {
            lane: judge,
            easy,
            hard_share: 0.3,
            accuracy: 0.9,
            input: Some(200),
            output: 5,
        }),
        own: 0,
    })];
    setup
}

#[test]
fn the_first_token_waits_for_the_classifier() {
    let measures = run(&classified(ROOMY), 3);
    let tally = &measures.workloads[0];
    let offered = tally.requests.offered;
    // 620 ms to the first token, and 20 ms for each of the four behind it.
    let wait = Micros::from_millis(620 + 4 * 20);
    let (own, all) = (tally.ttft.attempt(), tally.ttft.logical());
    // To the three digits of the histogram.
    let first = own.quantile(0.5).unwrap();
    assert_close("first", first.as_secs_f64(), 0.62, 0.001);
    let late = all.quantile(0.5).unwrap() - own.quantile(0.5).unwrap();
    assert_close("wait", late.as_secs_f64(), wait.as_secs_f64(), 0.002);
    // The classifier's calls are no attempts at the answer, but they are paid for.
    assert_eq!(tally.attempts.sent, offered);
    assert_eq!(tally.attempts.answered_by_number[0], offered);
    let judge = &measures.lanes[1];
    assert_eq!((judge.sent, judge.answered), (offered, offered));
    assert_eq!(judge.cost, Usd(i128::from(offered * (200 + 5 * 5))));
    let counts = tally.classifier.unwrap();
    assert_eq!(counts.judged, offered);
    assert_eq!(counts.easy, measures.lanes[2].answered);
    assert_close(
        "misrouted",
        counts.misrouted as f64,
        0.03 * offered as f64,
        0.2,
    );
    assert_close(
        "overserved",
        counts.overserved as f64,
        0.07 * offered as f64,
        0.15,
    );
}

#[test]
fn without_a_judgement_a_request_goes_to_its_own_lane() {
    let measures = run(&classified(1), 3);
    let tally = &measures.workloads[0];
    let offered = tally.requests.offered;
    assert_eq!(tally.classifier.unwrap().failed, offered);
    assert_eq!(measures.lanes[1].throttled, offered);
    assert_eq!(measures.lanes[0].answered, offered);
    assert_eq!(tally.attempts.sent, offered);
    let first = tally.ttft.logical().quantile(0.99).unwrap();
    assert_close("first", first.as_secs_f64(), 0.62, 0.001);
}

#[test]
fn abandoned_classifier_calls_are_booked_and_settled() {
    let mut setup = classified(ROOMY);
    setup.endpoint.targets[1].latency.ttft_base = Micros::from_secs(3);
    setup.client.timeout = Some(Micros::from_secs(2));
    let measures = run(&setup, 3);
    let tally = &measures.workloads[0];
    assert_eq!(measures.lanes[1].timed_out, tally.requests.offered);
    assert_eq!(tally.attempts.timed_out, 0);
    assert_eq!(tally.ledger.wasted, measures.lanes[1].cost);
    assert_eq!(tally.requests.completed, tally.requests.offered);
}
