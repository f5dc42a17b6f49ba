use super::*;

fn close(value: f64, expected: f64, tolerance: f64) {
    assert!(
        (value - expected).abs() <= tolerance,
        "{value} is not {expected} ± {tolerance}"
    );
}

fn at(seconds: f64) -> Moment {
    Moment((seconds * 1e6) as u64)
}

fn secs(seconds: u64) -> Micros {
    Micros::from_secs(seconds)
}

#[test]
fn oracle_ramp_from_zero_to_ten() {
    let curve = RateCurve::ramp(
        PerSecond(0.0),
        PerSecond(10.0),
        secs(100),
        &[],
        Moment::NEVER,
    );
    close(curve.mass(at(100.0)), 500.0, 1e-9);
    close(curve.inverse(125.0).unwrap(), 50.0, 1e-9);
    // Constant at ten afterwards.
    close(curve.mass(at(200.0)), 1500.0, 1e-9);
    close(curve.inverse(1500.0).unwrap(), 200.0, 1e-9);
}

#[test]
fn oracle_one_period_of_a_sinusoid_has_its_mean_mass() {
    let curve = sinusoid(5.0, 0.6, 3600, 1);
    close(curve.mass(at(3600.0)), 18_000.0, 0.5);
}

/// λ₀(1 + a sin 2πt/P) through points a hundredth of a period apart.
fn sinusoid(mean: f64, a: f64, period_s: u64, periods: u64) -> RateCurve {
    let points: Vec<(Micros, f64)> = (0..=100 * periods)
        .map(|i| {
            let phase = i as f64 / 100.0 * std::f64::consts::TAU;
            (
                Micros(i * period_s * 10_000),
                mean * (1.0 + a * phase.sin()),
            )
        })
        .collect();
    RateCurve::through(&points)
}

#[test]
fn inverse_undoes_mass_everywhere() {
    let week: Vec<f64> = (0..168)
        .map(|h| 1.0 + 0.5 * f64::from(h % 24) / 24.0)
        .collect();
    let shapes = [
        ShapeSpec::HourOfWeek {
            factors: week,
            start_hour: 30.0,
        },
        ShapeSpec::Ramp {
            points: vec![(secs(0), 1.0), (secs(86_400), 3.0)],
        },
        ShapeSpec::Spike {
            at: secs(5000),
            length: secs(60),
            factor: 8.0,
        },
        ShapeSpec::Steps {
            steps: vec![(secs(40_000), 0.5), (secs(50_000), 2.0)],
        },
    ];
    let curve = RateCurve::shaped(PerSecond(7.0), &shapes, Moment::NEVER);
    for i in 1..2000 {
        let time = f64::from(i) * 1234.567;
        let back = curve.inverse(curve.mass(at(time))).unwrap();
        close(back, time, 2e-6 * time.max(1.0));
    }
}

#[test]
fn hour_of_week_has_mean_one_and_goes_through_the_middle_of_each_hour() {
    let factors: Vec<f64> = (0..168).map(|h| f64::from(h % 7) + 1.0).collect();
    let mean = factors.iter().sum::<f64>() / 168.0;
    let shape = ShapeSpec::HourOfWeek {
        factors: factors.clone(),
        start_hour: 0.0,
    };
    let curve = RateCurve::shaped(PerSecond(2.0), &[shape], Moment::NEVER);
    close(curve.mass(at(WEEK_S)), 2.0 * WEEK_S, 1e-6);
    close(curve.mass(at(3.0 * WEEK_S)), 6.0 * WEEK_S, 1e-5);
    let rate = |t: f64| (curve.mass(at(t + 0.5)) - curve.mass(at(t - 0.5))) / 1.0;
    close(rate(10.5 * HOUR_S), 2.0 * factors[10] / mean, 1e-3);
    // Half way between two hours it is their mean.
    close(
        rate(11.0 * HOUR_S),
        (factors[10] + factors[11]) / mean,
        1e-3,
    );
}

#[test]
fn a_spike_adds_its_own_mass_only() {
    let spike = ShapeSpec::Spike {
        at: secs(10),
        length: secs(5),
        factor: 4.0,
    };
    let curve = RateCurve::shaped(PerSecond(3.0), &[spike], Moment::NEVER);
    close(curve.mass(at(10.0)), 30.0, 1e-9);
    close(curve.mass(at(15.0)), 90.0, 1e-9);
    close(curve.mass(at(115.0)), 390.0, 1e-9);
}

#[test]
fn the_product_of_two_ramps_has_its_exact_mass() {
    let ramp = || ShapeSpec::Ramp {
        points: vec![(secs(0), 0.0), (secs(100), 1.0)],
    };
    let curve = RateCurve::shaped(PerSecond(3.0), &[ramp(), ramp()], Moment::NEVER);
    close(curve.mass(at(100.0)), 100.0, 1e-6);
    close(curve.mass(at(50.0)), 12.5, 1e-6);
}

#[test]
fn a_curve_that_falls_to_zero_ends() {
    let stop = ShapeSpec::Steps {
        steps: vec![(secs(10), 0.0)],
    };
    let curve = RateCurve::shaped(PerSecond(2.0), &[stop], Moment::NEVER);
    close(curve.inverse(19.0).unwrap(), 9.5, 1e-9);
    assert_eq!(curve.inverse(20.5), None);
    assert_eq!(RateCurve::constant(PerSecond(0.0)).inverse(1.0), None);
}

#[test]
fn extreme_rates_keep_their_precision() {
    let fast = RateCurve::constant(PerSecond(1e6));
    let year = 366.0 * 86_400.0;
    close(fast.inverse(1e6 * year).unwrap(), year, 1e-3);
    let mut cursor = Cursor::new(&fast);
    let mut last = 0.0;
    for _ in 0..100_000 {
        last = cursor.advance(&fast, 36_000.5).unwrap();
    }
    close(last, 3600.05, 1e-6);
    let slow = RateCurve::constant(PerSecond(1e-9));
    close(slow.inverse(1.0).unwrap(), 1e9, 1.0);
    assert_eq!(RateCurve::constant(PerSecond(1e-300)).inverse(1.0), None);
}

#[test]
fn seeking_and_advancing_agree() {
    let curve = sinusoid(5.0, 0.6, 3600, 3);
    let mut cursor = Cursor::new(&curve);
    for i in 1..300 {
        let time = f64::from(i) * 47.3;
        assert!(cursor.seek(&curve, time));
        let next = cursor.advance(&curve, 2.5).unwrap();
        close(
            next,
            curve.inverse(curve.mass(at(time)) + 2.5).unwrap(),
            1e-5,
        );
    }
    let constant = RateCurve::constant(PerSecond(1.0));
    let mut cursor = Cursor::new(&constant);
    assert!(cursor.seek(&constant, 1e9));
    close(cursor.advance(&constant, 1.0).unwrap(), 1e9 + 1.0, 1e-6);
}
