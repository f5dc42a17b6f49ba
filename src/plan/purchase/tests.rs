//! Decisions on demand that is small enough to be worked out by hand.

mod market;

use super::*;
use crate::domain::{Fact, Scope, Term};
use crate::units::{Micros, Ratio, TokensPerMinute, Usd};
use proptest::prelude::*;

/// Input price, output price in dollars per token.
const IN: f64 = 3e-6;
const OUT: f64 = 15e-6;

fn call(input: f64, cache_write: f64, cache_read: f64, output: f64) -> MeanCall {
    let dollars = input * IN + cache_write * 1.25 * IN + cache_read * 0.1 * IN + output * OUT;
    MeanCall {
        input,
        cache_write,
        cache_read,
        output,
        reserved: input + cache_write + 2.0 * output,
        settled: input + cache_write + 5.0 * output,
        held: Micros::from_secs(10),
        on_demand: Some(Usd::from_dollars(dollars)),
        batch: None,
    }
}

fn workload(name: &str, per_minute: &[f64; 24], call: MeanCall) -> WorkloadDemand {
    let day = per_minute.map(|rate| rate * 60.0);
    WorkloadDemand {
        name: name.to_owned(),
        model: "m".to_owned(),
        scope: Scope::Global,
        week: (0..HOURS_OF_WEEK).map(|hour| day[hour % 24]).collect(),
        minute_cv: 0.0,
        call,
        deferrable: None,
        is_batch: false,
    }
}

/// The same factor for all workloads and paths, by month.
fn paths(workloads: usize, by_month: &[f64]) -> Paths {
    Paths {
        months: by_month.len(),
        paths: 1,
        factors: by_month.repeat(workloads),
    }
}

fn demand(workloads: Vec<WorkloadDemand>, by_month: &[f64]) -> Demand {
    Demand {
        paths: paths(workloads.len(), by_month),
        workloads,
        notes: Vec::new(),
        warnings: Vec::new(),
    }
}

fn pool(workloads: usize) -> Pool {
    Pool {
        model: "m".to_owned(),
        model_title: "M".to_owned(),
        scope: Scope::Global,
        workloads: (0..workloads).collect(),
        tpm: TokensPerMinute(1_000_000_000),
        rpm: None,
    }
}

fn reserved(term: Term, input: f64, output: f64) -> Offer {
    let side = |price, least| Price {
        per_hour_per_1k_tpm: Some(Usd::from_dollars(price)),
        least: TokensPerMinute(least),
    };
    Offer {
        name: format!("reserved {term}"),
        term,
        size: Size::Sides {
            input: side(input, 100_000),
            output: side(output, 10_000),
        },
        source: Fact::default(),
    }
}

fn units(term: Term, per_hour: f64) -> Offer {
    Offer {
        name: format!("model units {term}"),
        term,
        size: Size::Units {
            input_tpm: Some(TokensPerMinute(300_000)),
            output_tpm: Some(TokensPerMinute(20_000)),
            per_hour: Some(Usd::from_dollars(per_hour)),
        },
        source: Fact::default(),
    }
}

/// The public prices of Sonnet 4.6.
fn parity() -> Vec<Offer> {
    vec![
        reserved(Term::OneMonth, 0.18, 0.9),
        reserved(Term::ThreeMonths, 0.162, 0.81),
    ]
}

fn market<'a>(demand: &'a Demand, pool: &'a Pool, offers: &'a [Offer]) -> Market<'a> {
    Market {
        demand,
        pool,
        offers,
        target: Ratio::new(0.999).unwrap(),
        unserved_cost: Usd::ZERO,
    }
}

fn near(got: f64, want: f64, share: f64) {
    assert!(
        (got - want).abs() <= share * want.abs().max(1e-9),
        "got {got}, want {want}"
    );
}

#[test]
fn reserved_at_parity_breaks_even_at_full_use_and_at_nine_tenths() {
    // 300 requests a minute of 1,000 in and 100 out: 300K and 30K, used all the time.
    let flat = demand(
        vec![workload("w", &[300.0; 24], call(1000.0, 0.0, 0.0, 100.0))],
        &[1.0; 12],
    );
    let (pool, offers) = (pool(1), parity());
    let decision = decide(&market(&flat, &pool, &offers));
    near(decision.curves[0].break_even.unwrap(), 1.0, 1e-9);
    near(decision.curves[1].break_even.unwrap(), 0.9, 1e-9);
    assert!(decision.facts[0].contains("100 %"), "{:?}", decision.facts);
    assert!(decision.facts[1].contains("90 %"), "{:?}", decision.facts);
    // Flat demand is used in full, so three months pay and one month never does.
    assert_eq!(decision.advice.kind, Kind::BuyNow);
    let hold = &decision.schedule.holds[0];
    assert_eq!(
        (hold.offer, hold.from, hold.terms, hold.months),
        (1, 0, 4, 12)
    );
    assert_eq!(
        (hold.input_tpm, hold.output_tpm),
        (TokensPerMinute(300_000), TokensPerMinute(30_000))
    );
    let (all, best) = (decision.on_demand.total.mean, decision.best.total.mean);
    near(best, 0.9 * all, 1e-3);
    near(all, 12.0 * 730.0 * 60.0 * 300.0 * 0.0045, 1e-9);
    assert_eq!(decision.binding, Some(Side::Both));
    let one = [parity()[0].clone()];
    let decision = decide(&market(&flat, &pool, &one));
    assert_eq!(
        decision.advice.kind,
        Kind::Never,
        "{}",
        decision.advice.sentence
    );
}

#[test]
fn office_hours_make_reserving_pointless() {
    let mut day = [0.0; 24];
    day[9..17].fill(300.0);
    let office = demand(
        vec![workload("w", &day, call(1000.0, 0.0, 0.0, 100.0))],
        &[1.0; 12],
    );
    let (pool, offers) = (pool(1), parity());
    let decision = decide(&market(&office, &pool, &offers));
    assert_eq!(decision.advice.kind, Kind::Never);
    assert!(decision.schedule.is_empty());
    // A third of the time in use: it pays at a third of parity.
    let first = &decision.curves[0].points[0];
    near(first.utilisation, 1.0 / 3.0, 1e-6);
    near(first.highest_input_per_1k.unwrap(), 0.06, 1e-6);
    near(first.highest_output_per_1k.unwrap(), 0.3, 1e-6);
    assert!(
        decision.advice.sentence.contains("33.3 %"),
        "{}",
        decision.advice.sentence
    );
}

#[test]
fn cache_writes_make_reserved_capacity_worth_more() {
    // Billed at 1.25 on demand and counted once: 100 % becomes 80 % for input alone.
    let writes = demand(
        vec![workload("w", &[300.0; 24], call(0.0, 1000.0, 0.0, 0.0))],
        &[1.0; 3],
    );
    let (pool, offers) = (pool(1), parity());
    let decision = decide(&market(&writes, &pool, &offers));
    near(decision.curves[0].break_even.unwrap(), 0.8, 1e-9);
}

#[test]
fn caching_can_remove_the_case_for_provisioning() {
    // The published unit: 300K in and 20K out a minute at $3/$15 is worth $72 an hour, and $40 breaks even at 55.6 %.
    let (pool, offers) = (pool(1), [units(Term::OneMonth, 40.0)]);
    let plain = demand(
        vec![workload("w", &[20.0; 24], call(15_000.0, 0.0, 0.0, 1000.0))],
        &[1.0; 3],
    );
    let decision = decide(&market(&plain, &pool, &offers));
    near(decision.curves[0].break_even.unwrap(), 40.0 / 72.0, 1e-9);
    assert_eq!(decision.advice.kind, Kind::BuyNow);
    near(decision.marginal.unwrap().full_per_hour, 72.0, 1e-9);
    // Seven tenths of the input read at a tenth of the price: $37.98 and 105 %.
    let cached = demand(
        vec![workload(
            "w",
            &[20.0; 24],
            call(4500.0, 0.0, 10_500.0, 1000.0),
        )],
        &[1.0; 3],
    );
    let decision = decide(&market(&cached, &pool, &offers));
    near(decision.curves[0].break_even.unwrap(), 40.0 / 37.98, 1e-9);
    assert_eq!(decision.advice.kind, Kind::Never);
    let said = decision
        .facts
        .iter()
        .any(|fact| fact.contains("removes the case"));
    assert!(said, "{:?}", decision.facts);
}

#[test]
fn growth_says_when_to_begin() {
    // The published terms example as one unit: utilisation .10 to .65, six months from month 6 on, $183,960.
    let used: Vec<f64> = (0..12).map(|m| 0.10 + 0.05 * f64::from(m)).collect();
    let mut call = call(15_000.0, 0.0, 0.0, 1000.0);
    // A unit is worth $80 when it is full: 20 requests a minute.
    call.on_demand = Some(Usd::from_dollars(80.0 / 1200.0));
    let growing = demand(vec![workload("w", &[20.0; 24], call)], &used);
    let offers = [
        units(Term::Hourly, 44.0),
        units(Term::OneMonth, 40.0),
        units(Term::SixMonths, 24.0),
    ];
    let pool = pool(1);
    let decision = decide(&market(&growing, &pool, &offers));
    near(decision.on_demand.total.mean, 262_800.0, 1e-9);
    near(decision.best.total.mean, 183_960.0, 1e-9);
    assert_eq!(
        (decision.advice.kind, decision.advice.from),
        (Kind::Wait, Some(6))
    );
    assert!(
        decision
            .schedule
            .words(&offers)
            .contains("1 model unit (300K in + 20K out) of model units 6-month from month 7"),
        "{}",
        decision.schedule.words(&offers)
    );
}

#[test]
fn a_quota_that_is_too_small_is_filled_up_at_any_price() {
    // 300 requests a minute need (1,500 + 10/60·1,200)·300 = 510K quota tokens, and 400K are there.
    let flat = demand(
        vec![workload("w", &[300.0; 24], call(1000.0, 0.0, 0.0, 100.0))],
        &[1.0; 3],
    );
    let mut pool = pool(1);
    pool.tpm = TokensPerMinute(400_000);
    let dear = [reserved(Term::OneMonth, 0.36, 1.8)];
    let decision = decide(&market(&flat, &pool, &dear));
    near(
        decision.on_demand.served_share,
        400_000.0 / (300.0 * 1700.0),
        1e-6,
    );
    assert_eq!(decision.advice.kind, Kind::BuyNow);
    assert!(decision.meets_target, "{:?}", decision.best.months);
    assert!(decision.best.total.mean > decision.on_demand.total.mean);
    // No more than the least that serves the target: 100K in carry a third of the requests.
    let hold = &decision.schedule.holds[0];
    assert_eq!(
        (hold.input_tpm, hold.output_tpm),
        (TokensPerMinute(100_000), TokensPerMinute(10_000))
    );
    // Quota in another scope does it without buying.
    let other = Offer {
        name: "us".to_owned(),
        term: Term::Hourly,
        size: Size::Headroom {
            tpm: TokensPerMinute(1_000_000),
            rpm: None,
            times: 1.1,
        },
        source: Fact::default(),
    };
    let offers = [dear[0].clone(), other];
    let decision = decide(&market(&flat, &pool, &offers));
    assert!(decision.schedule.headroom && decision.schedule.is_empty());
    assert!(decision.meets_target);
}

#[test]
fn work_that_waits_fills_what_is_left_over() {
    let mut day = [100.0; 24];
    day[0..8].fill(10.0);
    let mut waits = workload("nightly", &[0.0; 24], call(1000.0, 0.0, 0.0, 100.0));
    // 90 requests a minute over eight hours would fill the valley; they come at eight in the morning, all at once.
    waits.week = (0..HOURS_OF_WEEK)
        .map(|hour| {
            if hour % 24 == 8 {
                90.0 * 60.0 * 8.0
            } else {
                0.0
            }
        })
        .collect();
    waits.deferrable = Some(Micros::from_secs(24 * 3600));
    waits.call.batch = Some(Usd::from_dollars(0.00225));
    let mixed = demand(
        vec![
            workload("chat", &day, call(1000.0, 0.0, 0.0, 100.0)),
            waits.clone(),
        ],
        &[1.0; 3],
    );
    let (pool, offers) = (pool(2), parity());
    let market_of_both = market(&mixed, &pool, &offers);
    let all = Schedule {
        holds: vec![Hold {
            offer: 1,
            from: 0,
            terms: 1,
            months: 3,
            input_tpm: TokensPerMinute(100_000),
            output_tpm: TokensPerMinute(10_000),
            units: 0,
            per_hour: price_of(
                offers[1].size,
                TokensPerMinute(100_000),
                TokensPerMinute(10_000),
                0,
            ),
        }],
        headroom: false,
    };
    let evaluation = evaluate(&market_of_both, &all);
    near(evaluation.utilisation.unwrap(), 1.0, 1e-9);
    assert!(evaluation.months[0].batch.abs() < 1e-6 && evaluation.months[0].on_demand.abs() < 1e-6);
    // With two hours to wait, none of it meets the valley, and batch takes it.
    let mut hurried = mixed.clone();
    hurried.workloads[1].deferrable = Some(Micros::from_secs(2 * 3600));
    let evaluation = evaluate(&market(&hurried, &pool, &offers), &all);
    near(
        evaluation.months[0].batch,
        730.0 / 24.0 * 43_200.0 * 0.00225,
        1e-6,
    );
    // A dear batch is left for on demand.
    hurried.workloads[1].call.batch = Some(Usd::from_dollars(0.1));
    let evaluation = evaluate(&market(&hurried, &pool, &offers), &all);
    near(
        evaluation.months[0].on_demand,
        730.0 / 24.0 * 43_200.0 * 0.0045,
        1e-6,
    );
}

#[test]
fn two_mixes_are_sized_on_both_sides_at_once() {
    let mut day = [20.0; 24];
    day[8..20].fill(200.0);
    let mut night = [200.0; 24];
    night[8..20].fill(20.0);
    let reads = workload("reads", &day, call(3000.0, 0.0, 0.0, 50.0));
    let writes = workload("writes", &night, call(500.0, 0.0, 0.0, 500.0));
    let mixed = demand(vec![reads, writes], &[1.0; 3]);
    let pool = pool(2);
    let offers = [reserved(Term::ThreeMonths, 0.10, 0.5)];
    let market = market(&mixed, &pool, &offers);
    let decision = decide(&market);
    // A fine grid over both sides finds nothing that is more than a little better.
    let mut least = f64::INFINITY;
    for input in (100..=700).step_by(25) {
        for output in (10..=120).step_by(5) {
            let (a, b) = (
                TokensPerMinute(input * 1000),
                TokensPerMinute(output * 1000),
            );
            let schedule = Schedule {
                holds: vec![Hold {
                    offer: 0,
                    from: 0,
                    terms: 1,
                    months: 3,
                    input_tpm: a,
                    output_tpm: b,
                    units: 0,
                    per_hour: price_of(offers[0].size, a, b, 0),
                }],
                headroom: false,
            };
            least = least.min(evaluate(&market, &schedule).total.mean);
        }
    }
    let best = decision.best.total.mean;
    assert!(best <= least * 1.005, "{best} above {least}");
    assert!(best < decision.on_demand.total.mean * 0.95);
}

#[test]
fn offers_without_price_or_size_are_solved_backwards() {
    let flat = demand(
        vec![workload("w", &[20.0; 24], call(15_000.0, 0.0, 0.0, 1000.0))],
        &[1.0; 12],
    );
    let pool = pool(1);
    let mut offer = units(Term::OneMonth, 40.0);
    let Size::Units { per_hour, .. } = &mut offer.size else {
        unreachable!()
    };
    *per_hour = None;
    let offers = [offer.clone()];
    let decision = decide(&market(&flat, &pool, &offers));
    assert_eq!(decision.advice.kind, Kind::NamePrice);
    // The first unit is full all the time, and a second one idle.
    near(
        decision.curves[0].points[0].highest_per_unit_hour.unwrap(),
        72.0,
        1e-9,
    );
    let second = decision.curves[0].points.get(1);
    assert!(second.is_none_or(|point| point.highest_per_hour < 1e-9));
    // A unit of unknown size at $36 pays if it carries half of this demand.
    offer.size = Size::Units {
        input_tpm: None,
        output_tpm: None,
        per_hour: Some(Usd::from_dollars(36.0)),
    };
    let offers = [offer];
    let decision = decide(&market(&flat, &pool, &offers));
    let unit = decision.curves[0]
        .smallest_unit
        .iter()
        .find(|point| (point.price_per_hour - 36.0).abs() < 1e-9);
    near(unit.unwrap().input_tpm.unwrap().0 as f64, 150_000.0, 1e-4);
    let dear = decision.curves[0].smallest_unit.last().unwrap();
    assert!((dear.price_per_hour - 72.0).abs() < 1e-9);
}

#[test]
fn nothing_sold_and_nothing_asked_for_are_told_apart() {
    let flat = demand(
        vec![workload("w", &[20.0; 24], call(1000.0, 0.0, 0.0, 100.0))],
        &[1.0; 2],
    );
    let pool = pool(1);
    let decision = decide(&market(&flat, &pool, &[]));
    assert_eq!(decision.advice.kind, Kind::NothingToBuy);
    assert!(decision.advice.sentence.contains("no capacity is sold"));
    // A term that is longer than the plan is not bought.
    let long = [reserved(Term::ThreeMonths, 0.01, 0.05)];
    let decision = decide(&market(&flat, &pool, &long));
    assert!(decision.schedule.is_empty());
    assert!(decision.warnings[0].contains("binds for 3 months"));
    let idle = demand(
        vec![workload("w", &[0.0; 24], call(1000.0, 0.0, 0.0, 100.0))],
        &[1.0; 3],
    );
    let offers = parity();
    let decision = decide(&market(&idle, &pool, &offers));
    assert_eq!(decision.advice.kind, Kind::NothingToBuy);
    assert!((decision.best.served_share - 1.0).abs() < 1e-12);
    // A workload that has no tokens and no price neither panics nor pays.
    let empty = demand(
        vec![workload("w", &[5.0; 24], MeanCall::default())],
        &[1.0; 3],
    );
    let decision = decide(&market(&empty, &pool, &offers));
    assert!(decision.schedule.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_demand_breaks_a_decision(
        rates in proptest::collection::vec(0.0..500.0f64, 24),
        input in 0.0..20_000.0f64, read in 0.0..20_000.0f64, output in 0.0..2000.0f64,
        cv in 0.0..2.0f64, tpm in 1u64..3_000_000, grows in 0.5..1.6f64,
        waits in proptest::option::of(1u64..100),
    ) {
        let day: [f64; 24] = rates.try_into().unwrap();
        let mut one = workload("w", &day, call(input, 0.0, read, output));
        one.minute_cv = cv;
        one.deferrable = waits.map(|hours| Micros::from_secs(hours * 3600));
        let by_month: Vec<f64> = (0..6).map(|m| grows.powi(m)).collect();
        let demand = demand(vec![one], &by_month);
        let mut pool = pool(1);
        pool.tpm = TokensPerMinute(tpm);
        let mut offers = parity();
        offers.push(units(Term::SixMonths, 20.0));
        let market = market(&demand, &pool, &offers);
        let decision = decide(&market);
        let (best, none) = (&decision.best, &decision.on_demand);
        for figures in best.months.iter().chain(&none.months) {
            prop_assert!(figures.cost.mean.is_finite() && figures.cost.mean >= 0.0);
            prop_assert!((0.0..=1.0).contains(&figures.served_share));
        }
        // What is bought pays, or serves more.
        prop_assert!(
            best.compared <= none.compared * (1.0 + 1e-6) + 1e-6
                || best.worst_served_share > none.worst_served_share,
        );
        // Every point of a curve is no dearer than the one before it by much: the saving is concave.
        for curve in &decision.curves {
            for point in &curve.points {
                prop_assert!(point.highest_per_hour.is_finite());
                prop_assert!((0.0..=1.0).contains(&point.utilisation));
            }
        }
        // Reserved blocks respect what is sold at least.
        for month in 0..6 {
            let held = decision.schedule.held(&offers, month);
            prop_assert!(held.reserved.0 == 0.0 || held.reserved.0 >= 100_000.0);
            prop_assert!(held.reserved.1 == 0.0 || held.reserved.1 >= 10_000.0);
        }
    }
}
