use super::*;
use crate::load::trace::spearman;

fn draws(law: &SizeSpec, n: u64) -> Vec<u32> {
    let sampler = SizeSampler::new(law);
    let keyed = Keyed::new(1, "sizes");
    let mut out: Vec<u32> = (0..n).map(|id| sampler.draw(keyed, id)).collect();
    out.sort_unstable();
    out
}

fn quantile(sorted: &[u32], q: f64) -> f64 {
    f64::from(sorted[(q * sorted.len() as f64) as usize])
}

fn near(value: f64, expected: f64, share: f64) {
    assert!(
        (value / expected - 1.0).abs() < share,
        "{value} is not {expected} ± {share}"
    );
}

#[test]
fn oracle_copula_parameters() {
    for (rho, r) in [(0.1, 0.10467), (0.3, 0.31287), (0.5, 0.51764)] {
        assert!((copula_r(rho) - r).abs() < 1e-5, "{}", copula_r(rho));
    }
}

#[test]
fn a_lognormal_law_goes_through_its_quantiles() {
    let found = draws(
        &SizeSpec::Lognormal {
            p50: 900.0,
            p99: 6000.0,
        },
        400_000,
    );
    near(quantile(&found, 0.5), 900.0, 0.01);
    near(quantile(&found, 0.99), 6000.0, 0.02);
}

#[test]
fn a_table_reproduces_its_quantiles() {
    let points = vec![
        (0.0, 10.0),
        (0.5, 100.0),
        (0.9, 110.0),
        (0.999, 5000.0),
        (1.0, 9000.0),
    ];
    let found = draws(&SizeSpec::Quantiles(points), 400_000);
    assert!(found[0] >= 10 && found[found.len() - 1] <= 9000);
    near(quantile(&found, 0.25), 55.0, 0.02);
    near(quantile(&found, 0.5), 100.0, 0.01);
    near(quantile(&found, 0.89), 109.75, 0.01);
    near(quantile(&found, 0.945), 2332.7, 0.03);
}

#[test]
fn the_guide_finds_the_same_line_as_a_search() {
    let points: Vec<(f64, f64)> = (0..=3000)
        .map(|i| f64::from(i) / 3000.0)
        .map(|u| (u * u, 100.0 * u))
        .collect();
    let table = QuantileTable::new(&points);
    for i in 0..10_000 {
        let u = f64::from(i) / 10_000.0;
        let exact = 100.0 * u.sqrt();
        assert!(
            (table.at(u) - exact).abs() < 0.02,
            "{u}: {} {exact}",
            table.at(u)
        );
    }
    assert!((table.at(1.0) - 100.0).abs() < 1e-9);
}

#[test]
fn a_mixture_has_the_weights_of_its_parts() {
    let law = SizeSpec::Mixture(vec![
        (3.0, SizeSpec::Fixed(5)),
        (1.0, SizeSpec::Quantiles(vec![(0.0, 100.0), (1.0, 200.0)])),
    ]);
    let found = draws(&law, 100_000);
    let fives = found.iter().filter(|n| **n == 5).count();
    near(fives as f64, 75_000.0, 0.02);
    near(quantile(&found, 0.875), 150.0, 0.02);
}

#[test]
fn the_copula_reaches_the_rank_correlation_and_keeps_the_margins() {
    let mixture = SizeSpec::Mixture(vec![
        (
            1.0,
            SizeSpec::Lognormal {
                p50: 100.0,
                p99: 900.0,
            },
        ),
        (
            1.0,
            SizeSpec::Lognormal {
                p50: 3000.0,
                p99: 9000.0,
            },
        ),
    ]);
    let plain = draws(&mixture, 100_000);
    let laws = [
        SizeSpec::Lognormal {
            p50: 900.0,
            p99: 6000.0,
        },
        SizeSpec::Quantiles(vec![(0.0, 0.5), (0.5, 5000.5), (1.0, 90_000.5)]),
        mixture,
    ];
    for rho in [-0.5, 0.2, 0.8] {
        for law in &laws {
            let pair = SizePair::new(
                Some(SizeSampler::new(law)),
                Some(SizeSampler::new(&laws[1])),
                rho,
                3,
                "w",
            );
            let drawn: Vec<(u32, u32)> = (0..40_000).map(|id| pair.draw(id, (1, 1))).collect();
            let a: Vec<u32> = drawn.iter().map(|d| d.0).collect();
            let b: Vec<u32> = drawn.iter().map(|d| d.1).collect();
            assert!(
                (spearman(&a, &b) - rho).abs() < 0.02,
                "{rho}: {}",
                spearman(&a, &b)
            );
            if *law == laws[2] {
                let mut a = a;
                a.sort_unstable();
                for q in [0.1, 0.4, 0.6, 0.9] {
                    near(quantile(&a, q), quantile(&plain, q), 0.05);
                }
            }
        }
    }
}

#[test]
fn odd_tables_do_not_panic() {
    for points in [
        vec![],
        vec![(f64::NAN, 1.0)],
        vec![(0.0, 1e300), (1.0, 1e301)],
        vec![(0.5, 3.0), (0.5, 4.0)],
    ] {
        let sampler = SizeSampler::table(&points);
        assert!((0..100).all(|id| sampler.draw(Keyed::new(1, "odd"), id) >= 1));
    }
}

#[test]
fn the_score_table_agrees_with_the_law() {
    let points = vec![
        (0.0, 1.0),
        (0.5, 13.0),
        (0.9, 55.0),
        (0.99, 251.0),
        (1.0, 1899.0),
    ];
    for spec in [
        SizeSpec::Quantiles(points),
        SizeSpec::Lognormal {
            p50: 900.0,
            p99: 6000.0,
        },
    ] {
        let law = SizeSampler::new(&spec);
        let table = ScoreTable::new(&law);
        for i in -590..=590 {
            let z = f64::from(i) * 0.01;
            let (got, want) = (f64::from(table.tokens(z)), law.at_score(z).max(1.0));
            assert!(
                (got - want).abs() <= 0.5 + 0.01 * want,
                "{spec:?} at {z}: {got} for {want}"
            );
        }
    }
}

#[test]
fn sizes_drawn_ahead_are_those_drawn_singly() {
    let laws = || {
        let input = SizeSpec::Lognormal {
            p50: 900.0,
            p99: 6000.0,
        };
        let output = SizeSpec::Quantiles(vec![(0.0, 1.0), (0.5, 200.0), (1.0, 4000.0)]);
        (SizeSampler::new(&input), SizeSampler::new(&output))
    };
    for rank_correlation in [0.0, 0.4] {
        for sides in 0..4 {
            let (input, output) = laws();
            let input = (sides & 1 == 0).then_some(input);
            let output = (sides & 2 == 0).then_some(output);
            let pair = SizePair::new(input, output, rank_correlation, 7, "chat");
            let mut ahead = SizesAhead::new(pair.clone());
            for seq in (0..300).chain([290, 5, 6, 1_000_000]) {
                assert_eq!(ahead.draw(seq), pair.draw(seq, (1, 1)), "request {seq}");
            }
        }
    }
}
