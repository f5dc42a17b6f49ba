use super::*;
use crate::load::curve::{Cursor, RateCurve};
use crate::rng;
use crate::units::Micros;

#[test]
fn oracle_weibull_shapes_and_scales() {
    for (cv, shape, scale) in [
        (0.5, 2.1013, 1.1291),
        (1.5, 0.6848, 0.7732),
        (2.0, 0.5427, 0.5752),
        (3.0, 0.4113, 0.3244),
        (4.0, 0.3487, 0.1963),
        (6.0, 0.2862, 0.0866),
    ] {
        let (k, s) = weibull_shape_scale(cv);
        assert!((k - shape).abs() < 1e-4, "shape {k} for CV {cv}");
        assert!((s - scale).abs() < 1e-4, "scale {s} for CV {cv}");
    }
    let (k, s) = weibull_shape_scale(1.0);
    assert!((k - 1.0).abs() < 1e-9 && (s - 1.0).abs() < 1e-9);
}

fn mean_and_cv(gaps: &Gaps, n: u32) -> (f64, f64) {
    let mut rng = rng::stream(5, "gaps");
    let draws: Vec<f64> = (0..n).map(|_| gaps.next(&mut rng)).collect();
    let mean = draws.iter().sum::<f64>() / f64::from(n);
    let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
    (mean, variance.sqrt() / mean)
}

#[test]
fn gaps_have_unit_mean_and_the_wanted_cv() {
    for cv in [0.2, 0.5, 1.0, 2.0, 3.0] {
        for (name, gaps) in [("gamma", Gaps::gamma(cv)), ("weibull", Gaps::weibull(cv))] {
            let (mean, found) = mean_and_cv(&gaps, 400_000);
            // The standard error of the mean is CV/√n; heavy tails make that of the CV larger.
            assert!(
                (mean - 1.0).abs() < 4.0 * cv / 632.0,
                "{name} {cv}: mean {mean}"
            );
            assert!((found / cv - 1.0).abs() < 0.05, "{name} {cv}: CV {found}");
        }
    }
    assert_eq!(mean_and_cv(&Gaps::gamma(0.0), 10), (1.0, 0.0));
}

#[test]
fn the_first_gap_is_the_equilibrium_one() {
    let mut rng = rng::stream(9, "first");
    for cv in [0.5, 1.0, 2.0] {
        for gaps in [Gaps::gamma(cv), Gaps::weibull(cv)] {
            let n = 200_000;
            let mean = (0..n).map(|_| gaps.first(&mut rng)).sum::<f64>() / f64::from(n);
            let expected = 0.5 * (1.0 + cv * cv);
            assert!(
                (mean / expected - 1.0).abs() < 0.05,
                "CV {cv}: {mean}, not {expected}"
            );
        }
    }
}

#[test]
fn exponential_gaps_pass_kolmogorov_and_smirnov() {
    let mut rng = rng::stream(3, "ks");
    let gaps = Gaps::exponential();
    let n = 20_000;
    let mut draws: Vec<f64> = (0..n).map(|_| gaps.next(&mut rng)).collect();
    draws.sort_by(f64::total_cmp);
    let distance = draws
        .iter()
        .enumerate()
        .map(|(i, x)| (1.0 - (-x).exp() - (i as f64 + 0.5) / f64::from(n)).abs())
        .fold(0.0, f64::max);
    assert!(distance < 1.63 / f64::from(n).sqrt(), "distance {distance}");
}

#[test]
fn oracle_renewal_gaps_under_a_sinusoidal_rate() {
    // Gerhardt & Nelson: CV 3, mean rate 5, amplitude 0.6, period 3600 s: 18,000 a period.
    let periods = 40u64;
    let points: Vec<(Micros, f64)> = (0..=100 * periods)
        .map(|i| {
            let phase = i as f64 / 100.0 * std::f64::consts::TAU;
            (Micros(i * 36_000_000), 5.0 * (1.0 + 0.6 * phase.sin()))
        })
        .collect();
    let curve = RateCurve::through(&points);
    let mut cursor = Cursor::new(&curve);
    let gaps = Gaps::gamma(3.0);
    let mut rng = rng::stream(11, "gerhardt-nelson");
    let (mut gap, mut operational, mut count) = (gaps.first(&mut rng), 0.0, 0u64);
    let mut windows = vec![0u64; 18_000 * periods as usize / 200];
    while cursor
        .advance(&curve, gap)
        .is_some_and(|t| t < 3600.0 * periods as f64)
    {
        count += 1;
        operational += gap;
        if let Some(window) = windows.get_mut((operational / 200.0) as usize) {
            *window += 1;
        }
        gap = gaps.next(&mut rng);
    }
    // The standard deviation of the count over 40 periods is 3√720000 ≈ 2550, of 720,000.
    let per_period = count as f64 / periods as f64;
    assert!(
        (per_period / 18_000.0 - 1.0).abs() < 0.012,
        "{per_period} per period"
    );
    let mean = windows.iter().sum::<u64>() as f64 / windows.len() as f64;
    let variance = windows
        .iter()
        .map(|w| (*w as f64 - mean).powi(2))
        .sum::<f64>()
        / windows.len() as f64;
    // 3600 windows: the standard error of a variance ratio is about 2.5 %.
    assert!(
        (variance / mean - 8.6).abs() < 0.6,
        "IDC {}",
        variance / mean
    );
}
