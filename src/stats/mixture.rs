//! Mixtures of normal laws by expectation and maximisation; of lognormal ones on logarithms.

use super::quantile::interpolated;

/// One part of a mixture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Its share of the values.
    pub weight: f64,
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub sd: f64,
}

/// A fitted mixture.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// The parts, by their means.
    pub parts: Vec<Part>,
    /// The logarithm of the likelihood.
    pub log_likelihood: f64,
    /// Bayes's information criterion, −2 ln L + (3K − 1) ln n; the smaller, the better.
    pub bic: f64,
}

/// The iteration ends after so many steps, or earlier when the likelihood stands still.
const STEPS: usize = 500;
/// The least standard deviation, so that no part closes in on a single value.
const SD_FLOOR: f64 = 0.02;

/// Fits `parts` normal laws to `sorted` values.
///
/// It starts at the type-7 quantiles (2k − 1)/(2K) with equal weights and the standard deviation of all
/// values. `None` if there are fewer than three values for each part, or they are not finite.
pub fn fit(sorted: &[f64], parts: usize) -> Option<Mixture> {
    let n = sorted.len();
    if parts == 0 || n < 3 * parts || !sorted.iter().all(|x| x.is_finite()) {
        return None;
    }
    let mean = sorted.iter().sum::<f64>() / n as f64;
    let squares = sorted.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let sd = (squares / n as f64).sqrt().max(SD_FLOOR);
    let mut now: Vec<Part> = (0..parts)
        .map(|k| {
            let share = (2 * k + 1) as f64 / (2 * parts) as f64;
            Some(Part {
                weight: 1.0 / parts as f64,
                mean: interpolated(sorted, share)?,
                sd,
            })
        })
        .collect::<Option<_>>()?;
    let mut likelihood = f64::NEG_INFINITY;
    for _ in 0..STEPS {
        let (next, of_now) = step(sorted, &now);
        let still = (of_now - likelihood).abs() <= 1e-13 * of_now.abs();
        likelihood = of_now;
        now = next;
        if still {
            break;
        }
    }
    let (_, log_likelihood) = step(sorted, &now);
    now.sort_by(|a, b| a.mean.total_cmp(&b.mean));
    let parameters = (3 * parts - 1) as f64;
    Some(Mixture {
        parts: now,
        log_likelihood,
        bic: parameters * (n as f64).ln() - 2.0 * log_likelihood,
    })
}

/// The mixture of at most `most` parts with the least BIC.
pub fn best(sorted: &[f64], most: usize) -> Option<Mixture> {
    let fits = (1..=most).filter_map(|parts| fit(sorted, parts));
    fits.min_by(|a, b| a.bic.total_cmp(&b.bic))
}

/// One step, and the log-likelihood of the parts that it started from.
fn step(values: &[f64], parts: &[Part]) -> (Vec<Part>, f64) {
    let constants: Vec<f64> = parts
        .iter()
        .map(|p| p.weight.max(1e-300).ln() - p.sd.ln() - 0.5 * std::f64::consts::TAU.ln())
        .collect();
    let mut sums = vec![(0.0, 0.0, 0.0); parts.len()];
    let mut likelihood = 0.0;
    let mut logs = vec![0.0; parts.len()];
    for &x in values {
        for ((log, part), constant) in logs.iter_mut().zip(parts).zip(&constants) {
            let z = (x - part.mean) / part.sd;
            *log = constant - 0.5 * z * z;
        }
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = logs.iter().map(|log| (log - most).exp()).sum();
        likelihood += most + total.ln();
        for ((sum, log), part) in sums.iter_mut().zip(&logs).zip(parts) {
            let share = (log - most).exp() / total;
            // Second moments about the old mean keep their digits.
            let from = x - part.mean;
            sum.0 += share;
            sum.1 += share * from;
            sum.2 += share * from * from;
        }
    }
    let next = parts
        .iter()
        .zip(&sums)
        .map(|(part, &(share, first, second))| {
            if share <= 1e-12 {
                return *part;
            }
            let shift = first / share;
            Part {
                weight: share / values.len() as f64,
                mean: part.mean + shift,
                sd: (second / share - shift * shift)
                    .max(0.0)
                    .sqrt()
                    .max(SD_FLOOR),
            }
        })
        .collect();
    (next, likelihood)
}

#[cfg(test)]
mod tests {
    use super::super::check::shown;
    use super::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    /// Φ⁻¹((i + ½)/n; mean, sd).
    fn grid(n: u32, mean: f64, sd: f64) -> impl Iterator<Item = f64> {
        let law = Normal::new(mean, sd).unwrap();
        (0..n).map(move |i| law.inverse_cdf((f64::from(i) + 0.5) / f64::from(n)))
    }

    fn two() -> Vec<f64> {
        let mut values: Vec<f64> = grid(1800, 6.0, 0.5).chain(grid(200, 8.0, 0.3)).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    #[test]
    fn two_parts_come_back() {
        let mixture = fit(&two(), 2).unwrap();
        let [low, high] = mixture.parts[..] else {
            panic!("two parts");
        };
        shown(low.weight, 0.9, 4);
        shown(high.weight, 0.1, 4);
        shown(low.mean, 6.0001, 4);
        shown(high.mean, 7.9997, 4);
        shown(low.sd, 0.49996, 5);
        shown(high.sd, 0.2995, 4);
        shown(mixture.log_likelihood, -1974.10, 2);
    }

    #[test]
    fn the_criterion_counts_parts() {
        assert_eq!(best(&two(), 3).unwrap().parts.len(), 2);
        let one: Vec<f64> = grid(2000, 1.0, 0.4).collect();
        let mixture = best(&one, 3).unwrap();
        assert_eq!(mixture.parts.len(), 1);
        shown(mixture.parts[0].mean, 1.0, 6);
        assert!((mixture.parts[0].sd / 0.4 - 1.0).abs() < 2e-3);
    }

    #[test]
    fn equal_values_do_not_divide_by_zero() {
        let mixture = fit(&[0.0; 40], 3).unwrap();
        assert!(mixture.parts.iter().all(|part| part.sd >= SD_FLOOR));
        assert!(mixture.log_likelihood.is_finite());
        assert_eq!(fit(&[1.0, 2.0], 1), None);
        assert_eq!(fit(&[1.0, f64::NAN, 2.0], 1), None);
    }
}
