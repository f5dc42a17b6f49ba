use super::*;
use proptest::prelude::*;

fn spec() -> GuardSpec {
    GuardSpec {
        name: "house".into(),
        version: "1".into(),
        policies: vec![Policy::Content, Policy::Topics, Policy::Sensitive],
        tier: GuardTier::Classic,
        guard: GuardedText::All,
        input_block: Ratio::ZERO,
        output_block: Ratio::ZERO,
        mask: Ratio::ZERO,
        stream: OutputMode::Sync,
        latency: (Micros::from_millis(240), Micros::from_millis(600)),
        chunk_chars: 200,
        chars_per_token: 4.0,
        units_per_second: None,
        burst: None,
    }
}

fn guard(spec: GuardSpec, per_second: u64, burst: u64) -> Guard {
    let quota = UnitQuota { per_second, burst };
    let setup = GuardSetup {
        quotas: spec
            .policies
            .iter()
            .map(|&policy| (policy, quota))
            .collect(),
        spec,
        max_input_units: 1_000,
        applies_per_second: 100,
        per_unit: None,
        prices: Vec::new(),
    };
    Guard::new(&setup, 7)
}

const SYNC: TargetGuard = TargetGuard {
    guardrail: 0,
    mode: OutputMode::Sync,
};

/// $.40 for 1,000 units: content and topics at $.15, sensitive information at $.10.
fn dollars(units: u32) -> Usd {
    Usd(Usd::from_dollars(0.0004).0 * i128::from(units))
}

#[test]
fn the_bill_of_one_request() {
    // A system prompt of 24,000 characters, 2,400 from the user, 1,200 in the answer.
    let all = guard(spec(), 200, 1000);
    let screened = all.decide(1, SYNC, (all.input_units(6_000, 600), false), 300);
    let units = screened.input_units + screened.output_units;
    assert_eq!((screened.input_units, screened.output_units), (27, 2));
    assert_eq!(dollars(units), Usd::from_dollars(0.0116));
    let user = guard(
        GuardSpec {
            guard: GuardedText::User,
            ..spec()
        },
        200,
        1000,
    );
    let screened = user.decide(1, SYNC, (user.input_units(6_000, 600), false), 300);
    let units = screened.input_units + screened.output_units;
    assert_eq!(units, 5);
    assert_eq!(dollars(units), Usd::from_dollars(0.0020));
}

#[test]
fn a_text_is_rounded_up() {
    let units = [0, 1, 1_000, 1_001, 26_400].map(text_units);
    assert_eq!(units, [0, 1, 1, 2, 27]);
    assert_eq!(text_units(u64::MAX), u32::MAX);
}

#[test]
fn a_blocked_input_costs_its_evaluation_only() {
    let always = GuardSpec {
        input_block: Ratio::ONE,
        output_block: Ratio::ONE,
        ..spec()
    };
    let screened = guard(always, 200, 1000).decide(1, SYNC, (27, false), 300);
    assert_eq!(screened.verdict, Verdict::InputBlocked);
    assert_eq!((screened.input_units, screened.output_units), (27, 0));
    assert_eq!(screened.output_takes, Micros::ZERO);
    let words = guard(spec(), 200, 1000).decide(1, SYNC, (27, true), 300);
    assert_eq!(words.verdict, Verdict::InputBlocked);
}

#[test]
fn a_burst_is_spent_and_comes_back_by_the_second() {
    let mut guard = guard(spec(), 50, 100);
    let second = |n: u64| Moment(n * 1_000_000);
    for _ in 0..4 {
        guard.check(second(1), 25).unwrap();
        guard.take(second(1), 25);
    }
    let full = Err(Failure::Throttled(RefusalReason::Guardrail));
    assert_eq!(guard.check(second(1), 1), full);
    guard.check(second(2), 50).unwrap();
    assert_eq!(guard.check(second(2), 51), full);
    // An answer is never refused; its debt has to wear off.
    guard.take(second(2), 100);
    assert_eq!(guard.check(second(3), 1), full);
    guard.check(second(4), 50).unwrap();
    // An input larger than a burst needs a full bucket, and an input has a largest size.
    assert_eq!(guard.check(second(4), 200), full);
    guard.check(second(9), 200).unwrap();
    assert_eq!(guard.check(second(9), 1_001), Err(Failure::Validation));
    let refused: Vec<u64> = guard.reports().map(|report| report.stats.refused).collect();
    assert_eq!(refused, [4, 0, 0]);
}

#[test]
fn shares_are_kept_and_async_cannot_mask() {
    let shares = GuardSpec {
        input_block: Ratio::new(0.1).unwrap(),
        output_block: Ratio::new(0.2).unwrap(),
        mask: Ratio::new(0.3).unwrap(),
        ..spec()
    };
    let guard = guard(shares, 200, 1000);
    let count = |mode, verdict| {
        let of = |key| guard.decide(key, TargetGuard { mode, ..SYNC }, (1, false), 10);
        (0..20_000)
            .filter(|&key| of(key).verdict == verdict)
            .count() as f64
            / 20_000.0
    };
    let near = |share: f64, want: f64| assert!((share - want).abs() < 0.01, "{share} {want}");
    near(count(OutputMode::Sync, Verdict::InputBlocked), 0.1);
    near(count(OutputMode::Sync, Verdict::OutputBlocked), 0.18);
    near(count(OutputMode::Sync, Verdict::Masked), 0.27);
    near(count(OutputMode::Async, Verdict::OutputBlocked), 0.18);
    near(count(OutputMode::Async, Verdict::Masked), 0.0);
}

#[test]
fn evaluations_take_the_time_of_their_quantiles() {
    let guard = guard(spec(), 200, 1000);
    let mut times: Vec<Micros> = (0..20_000)
        .map(|key| guard.decide(key, SYNC, (1, false), 10).input_takes)
        .collect();
    times.sort_unstable();
    let ms = |share: f64| times[(share * 20_000.0) as usize].as_millis_f64();
    assert!((ms(0.5) - 240.0).abs() < 6.0, "{}", ms(0.5));
    assert!((ms(0.99) - 600.0).abs() < 30.0, "{}", ms(0.99));
}

proptest! {
    #[test]
    fn units_of_a_part_never_exceed_the_whole(output in 1u32..5_000, produced in 0u32..6_000) {
        let guard = guard(spec(), 200, 1000);
        let screened = guard.decide(1, SYNC, (3, false), output);
        let part = screened.units_of(produced, output);
        prop_assert!(part <= screened.output_units);
        prop_assert!(produced == 0 || part >= 1);
        prop_assert_eq!(screened.output_units, (output * 4).div_ceil(1_000));
    }

    #[test]
    fn admitted_units_stay_within_rate_and_burst(
        gaps in prop::collection::vec((0u64..2_000_000, 1u32..80), 1..60),
    ) {
        let mut guard = guard(spec(), 50, 100);
        let (mut now, mut taken) = (Moment::ZERO, 0u64);
        for (gap, units) in gaps {
            now = now + Micros(gap);
            if guard.check(now, units).is_ok() {
                guard.take(now, units);
                taken += u64::from(units);
            }
            prop_assert!(taken as f64 <= 100.0 + 50.0 * now.0 as f64 / 1e6 + 1e-6);
        }
    }
}
