//! Robust linear regression on relative residuals.

/// What is known of one coefficient before the fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Term {
    /// Nothing.
    Free,
    /// It lies around `mean`, as far off as `spread`: a normal prior.
    Around {
        /// Where it is expected.
        mean: f64,
        /// The standard deviation of that expectation; above zero.
        spread: f64,
    },
    /// It is this, and not fitted.
    Held(f64),
}

/// Steps of the iteration; it has converged long before.
const STEPS: usize = 100;
/// A change of all coefficients below this ends the iteration.
const CONVERGED: f64 = 1e-10;
/// Huber's constant: 95% efficient where errors are normal (Huber 1964).
const HUBER: f64 = 1.345;
/// The median absolute deviation of a normal law of spread one.
const NORMAL_MAD: f64 = 0.674_489_750_196_081_7;
/// Rows without any noise still leave what is expected some weight.
const LEAST_SPREAD: f64 = 0.02;
/// A fitted value is at least this share of the observed one, so that weights stay finite.
const LEAST_SHARE: f64 = 0.02;

/// Coefficients β ≥ 0 for which x·β describes `y` with residuals that count relative to the fit.
///
/// Weighted least squares are iterated with w = ψ((y − m)/m; 1.345·MAD)/m² and ψ Huber's weight, so a
/// few late answers do not move the line. A coefficient that comes out negative is left out, and the
/// others are fitted anew. `None` if there are no rows, a value of `y` is not above zero, or the rows
/// cannot tell the free coefficients apart.
pub fn relative_fit<const N: usize>(
    rows: &[[f64; N]],
    y: &[f64],
    terms: [Term; N],
) -> Option<[f64; N]> {
    if rows.is_empty() || rows.len() != y.len() || !y.iter().all(|&v| v > 0.0 && v.is_finite()) {
        return None;
    }
    let mut terms = terms;
    loop {
        let beta = iterate(rows, y, terms)?;
        let fitted = |i: &usize| !matches!(terms[*i], Term::Held(_));
        let worst = (0..N)
            .filter(fitted)
            .min_by(|&a, &b| beta[a].total_cmp(&beta[b]));
        match worst {
            Some(i) if beta[i] < 0.0 => terms[i] = Term::Held(0.0),
            _ => return Some(beta),
        }
    }
}

fn iterate<const N: usize>(rows: &[[f64; N]], y: &[f64], terms: [Term; N]) -> Option<[f64; N]> {
    let mut weights: Vec<f64> = y.iter().map(|v| 1.0 / (v * v)).collect();
    let mut spread: f64 = 0.5;
    let mut beta = [0.0; N];
    for _ in 0..STEPS {
        let before = beta;
        beta = weighted(rows, y, &weights, terms, spread)?;
        let fitted: Vec<f64> = rows
            .iter()
            .zip(y)
            .map(|(x, &y)| dot(x, &beta).max(LEAST_SHARE * y))
            .collect();
        let mut relative: Vec<f64> = y.iter().zip(&fitted).map(|(y, m)| (y - m) / m).collect();
        let mut sizes: Vec<f64> = relative.iter().map(|r| r.abs()).collect();
        spread = (median(&mut sizes) / NORMAL_MAD).max(1e-6);
        for (r, m) in relative.iter_mut().zip(&fitted) {
            *r = (HUBER * spread / r.abs().max(1e-12)).min(1.0) / (m * m);
        }
        weights = relative;
        let moved = (0..N).any(|i| (beta[i] - before[i]).abs() > CONVERGED * beta[i].abs());
        if !moved {
            break;
        }
    }
    Some(beta)
}

/// One step: the normal equations, with the precision of what is expected in the unit of the residuals.
fn weighted<const N: usize>(
    rows: &[[f64; N]],
    y: &[f64],
    weights: &[f64],
    terms: [Term; N],
    spread: f64,
) -> Option<[f64; N]> {
    let held = terms.map(|term| match term {
        Term::Held(value) => value,
        Term::Free | Term::Around { .. } => 0.0,
    });
    let mut gram = [[0.0; N]; N];
    let mut moment = [0.0; N];
    for ((x, &y), &w) in rows.iter().zip(y).zip(weights) {
        let rest = y - dot(x, &held);
        for a in 0..N {
            moment[a] += w * x[a] * rest;
            for b in 0..N {
                gram[a][b] += w * x[a] * x[b];
            }
        }
    }
    for i in 0..N {
        match terms[i] {
            Term::Free => {}
            Term::Around { mean, spread: own } => {
                let precision = (spread.max(LEAST_SPREAD) / own.max(1e-12)).powi(2);
                gram[i][i] += precision;
                moment[i] += precision * mean;
            }
            Term::Held(_) => {
                for row in &mut gram {
                    row[i] = 0.0;
                }
                gram[i] = [0.0; N];
                gram[i][i] = 1.0;
                moment[i] = 0.0;
            }
        }
    }
    let free = solve(gram, moment)?;
    Some(std::array::from_fn(|i| free[i] + held[i]))
}

fn dot<const N: usize>(x: &[f64; N], beta: &[f64; N]) -> f64 {
    x.iter().zip(beta).map(|(a, b)| a * b).sum()
}

/// The middle value; sorts its argument.
fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    super::quantile::interpolated(values, 0.5).unwrap_or(0.0)
}

/// Gauss's elimination with the largest pivot; `None` if the matrix is singular. Rows and columns are
/// scaled to a diagonal of one first, so that units do not decide what counts as singular.
fn solve<const N: usize>(matrix: [[f64; N]; N], right: [f64; N]) -> Option<[f64; N]> {
    let scale: [f64; N] = std::array::from_fn(|i| matrix[i][i].max(0.0).sqrt());
    if scale.iter().any(|&s| s <= 0.0 || !s.is_finite()) {
        return None;
    }
    let mut m: [[f64; N]; N] =
        std::array::from_fn(|i| std::array::from_fn(|j| matrix[i][j] / (scale[i] * scale[j])));
    let mut v: [f64; N] = std::array::from_fn(|i| right[i] / scale[i]);
    for i in 0..N {
        let pivot = (i..N).max_by(|&a, &b| m[a][i].abs().total_cmp(&m[b][i].abs()))?;
        if m[pivot][i].abs() < 1e-10 {
            return None;
        }
        m.swap(i, pivot);
        v.swap(i, pivot);
        for k in 0..N {
            if k != i {
                let factor = m[k][i] / m[i][i];
                let row = m[i];
                for (cell, above) in m[k].iter_mut().zip(row) {
                    *cell -= factor * above;
                }
                v[k] -= factor * v[i];
            }
        }
    }
    Some(std::array::from_fn(|i| v[i] / m[i][i] / scale[i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Keyed;

    /// 500 + 80·U, with lognormal noise, and every fiftieth answer ten times late.
    fn rows(n: u64) -> (Vec<[f64; 2]>, Vec<f64>) {
        let (draw, size) = (Keyed::new(5, "noise"), Keyed::new(5, "size"));
        (0..n)
            .map(|id| {
                let k = 8.0 * size.uniform(id);
                let late = if id % 50 == 7 { 10.0 } else { 1.0 };
                let y = (500.0 + 80.0 * k) * (0.2 * draw.normal(id)).exp() * late;
                ([1.0, k], y)
            })
            .unzip()
    }

    #[test]
    fn late_answers_do_not_move_the_line() {
        let (x, y) = rows(4000);
        let [base, slope] = relative_fit(&x, &y, [Term::Free; 2]).unwrap();
        // Relative residuals of a lognormal law are centred a little above its median.
        assert!((base / 515.0 - 1.0).abs() < 0.03, "{base}");
        assert!((slope / 82.0 - 1.0).abs() < 0.05, "{slope}");
    }

    #[test]
    fn exact_rows_give_exact_coefficients() {
        let x: Vec<[f64; 3]> = (0..30)
            .map(|i| [1.0, f64::from(i % 7), f64::from(i % 5) * 100.0])
            .collect();
        let y: Vec<f64> = x.iter().map(|x| 3.0 + 2.0 * x[1] + 0.25 * x[2]).collect();
        let beta = relative_fit(&x, &y, [Term::Free; 3]).unwrap();
        for (got, want) in beta.iter().zip([3.0, 2.0, 0.25]) {
            assert!((got - want).abs() < 1e-6, "{got} is not {want}");
        }
    }

    #[test]
    fn what_rows_cannot_tell_is_held_expected_or_refused() {
        // All prompts have the same size.
        let x = vec![[1.0, 2.0]; 100];
        let y = vec![700.0; 100];
        assert_eq!(relative_fit(&x, &y, [Term::Free; 2]), None);
        let held = relative_fit(&x, &y, [Term::Free, Term::Held(100.0)]).unwrap();
        assert!((held[0] - 500.0).abs() < 1e-6 && (held[1] - 100.0).abs() < 1e-12);
        let near = |mean: f64| Term::Around {
            mean,
            spread: 0.1 * mean,
        };
        let beta = relative_fit(&x, &y, [near(500.0), near(100.0)]).unwrap();
        assert!((beta[0] - 500.0).abs() < 1.0 && (beta[1] - 100.0).abs() < 1.0);
    }

    #[test]
    fn a_negative_slope_is_left_out() {
        let x: Vec<[f64; 2]> = (0..100).map(|i| [1.0, f64::from(i)]).collect();
        let y: Vec<f64> = (0..100).map(|i| 1000.0 - f64::from(i)).collect();
        let [base, slope] = relative_fit(&x, &y, [Term::Free; 2]).unwrap();
        assert!(
            slope.abs() < 1e-12 && (base / 949.0 - 1.0).abs() < 0.01,
            "{base}"
        );
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(relative_fit::<1>(&[], &[], [Term::Free]), None);
        assert_eq!(relative_fit(&[[1.0]], &[0.0], [Term::Free]), None);
        assert_eq!(relative_fit(&[[1.0]], &[f64::NAN], [Term::Free]), None);
    }
}
