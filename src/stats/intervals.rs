//! Confidence intervals: Student's t over replications, sectioning inside one run.

use super::quantile::nearest_rank;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The batches that sectioning uses unless told otherwise.
pub const SECTIONS: usize = 20;

/// An estimate with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// An interval around `estimate`.
    fn around(estimate: f64, half_width: f64) -> Self {
        Self {
            estimate,
            low: estimate - half_width,
            high: estimate + half_width,
        }
    }

    /// The interval of eˣ where this one is of x.
    #[must_use]
    fn exp(self) -> Self {
        Self {
            estimate: self.estimate.exp(),
            low: self.low.exp(),
            high: self.high.exp(),
        }
    }

    /// Whether `value` lies inside.
    pub fn contains(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// The `share` quantile of Student's t with `freedom` degrees of freedom.
///
/// `None` unless `0 < share < 1` and `freedom` is positive.
pub fn student_t(share: f64, freedom: f64) -> Option<f64> {
    if !(share > 0.0 && share < 1.0) {
        return None;
    }
    let law = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(law.inverse_cdf(share))
}

/// The t interval of the mean of independent replications; `None` below two values.
pub fn mean_interval(values: &[f64], confidence: f64) -> Option<Interval> {
    let count = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let t = student_t(f64::midpoint(1.0, confidence), count - 1.0)?;
    let half_width = t * (squares / (count - 1.0) / count).sqrt();
    Some(Interval::around(mean, half_width))
}

/// The t interval on logarithms, for positive values such as one latency quantile per run.
///
/// The estimate is the geometric mean. `None` below two values or if one is not positive.
pub fn log_mean_interval(values: &[f64], confidence: f64) -> Option<Interval> {
    let logs = logs(values)?;
    mean_interval(&logs, confidence).map(Interval::exp)
}

/// Sectioning: the interval of a quantile from the same quantile of consecutive batches.
///
/// Centre at the overall quantile q, half-width `t_{B−1}·√(Σ(ln q_b − ln q)²/(B − 1)/B)` on the
/// logarithm (Asmussen & Glynn, *Stochastic Simulation*, 2007). It stays honest for dependent
/// data, where order statistics and plain batch means do not.
/// `None` below two batches or if a value is not positive.
pub fn sectioned(overall: f64, batches: &[f64], confidence: f64) -> Option<Interval> {
    if batches.len() < 2 {
        return None;
    }
    let centre = logs(&[overall])?[0];
    let logs = logs(batches)?;
    let count = logs.len() as f64;
    let squares: f64 = logs.iter().map(|log| (log - centre).powi(2)).sum();
    let t = student_t(f64::midpoint(1.0, confidence), count - 1.0)?;
    let half_width = t * (squares / (count - 1.0) / count).sqrt();
    Some(Interval::around(centre, half_width).exp())
}

/// [`sectioned`] on the quantiles of values in order of time, cut into `sections` equal batches.
///
/// Values left over at the end count in the overall quantile only. `None` if a batch would be empty.
pub fn quantile_interval(
    in_time_order: &[f64],
    share: f64,
    sections: usize,
    confidence: f64,
) -> Option<Interval> {
    let size = in_time_order.len().checked_div(sections)?;
    if size == 0 {
        return None;
    }
    let quantile = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        nearest_rank(&sorted, share)
    };
    let batches: Vec<f64> = in_time_order
        .chunks_exact(size)
        .take(sections)
        .map(quantile)
        .collect::<Option<_>>()?;
    sectioned(quantile(in_time_order)?, &batches, confidence)
}

/// Natural logarithms, or `None` if a value is not positive and finite.
fn logs(values: &[f64]) -> Option<Vec<f64>> {
    values
        .iter()
        .map(|&value| (value > 0.0 && value.is_finite()).then(|| value.ln()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::check::shown;
    use super::*;
    use crate::rng::Keyed;

    #[test]
    fn student_quantiles_match_the_tables() {
        shown(student_t(0.975, 19.0).unwrap(), 2.0930, 4);
        shown(student_t(0.975, 9.0).unwrap(), 2.2622, 4);
        shown(student_t(0.99, 4.0).unwrap(), 3.7469, 4);
        shown(student_t(0.025, 19.0).unwrap(), -2.0930, 4);
        assert_eq!(student_t(1.0, 5.0), None);
        assert_eq!(student_t(0.5, 0.0), None);
        assert_eq!(student_t(f64::NAN, 5.0), None);
    }

    #[test]
    fn mean_interval_by_hand() {
        // Mean 10.18, sd .1924, t(.975, 4) = 2.7764: half-width .2388.
        let interval = mean_interval(&[10.2, 10.4, 9.9, 10.1, 10.3], 0.95).unwrap();
        shown(interval.estimate, 10.18, 9);
        shown(interval.high - interval.estimate, 0.2388, 4);
        assert_eq!(mean_interval(&[1.0], 0.95), None);
        let log = log_mean_interval(&[1.0, 4.0], 0.95).unwrap();
        shown(log.estimate, 2.0, 9);
        assert_eq!(log_mean_interval(&[1.0, 0.0], 0.95), None);
    }

    /// Coverage of the nominal 95% interval of p95 for exp of an AR(1) process.
    fn coverage(phi: f64, runs: u64) -> f64 {
        let length = 10_000;
        let truth = f64::exp(0.4 * 1.644_853_627);
        let innovation = (1.0 - phi * phi).sqrt();
        let covered = (0..runs)
            .filter(|&run| {
                let keyed = Keyed::new(run, "sectioning");
                let mut state = keyed.normal(u64::MAX);
                let values: Vec<f64> = (0..length)
                    .map(|id| {
                        state = phi * state + innovation * keyed.normal(id);
                        (0.4 * state).exp()
                    })
                    .collect();
                quantile_interval(&values, 0.95, SECTIONS, 0.95)
                    .unwrap()
                    .contains(truth)
            })
            .count();
        covered as f64 / runs as f64
    }

    #[test]
    fn sectioning_covers_dependent_data() {
        // Three standard errors of 300 runs at .945 are .04.
        for phi in [0.0, 0.5, 0.9] {
            let share = coverage(phi, 300);
            assert!((share - 0.946).abs() < 0.04, "φ = {phi}: covered {share}");
        }
    }

    #[test]
    fn sections_that_do_not_exist_give_nothing() {
        assert_eq!(quantile_interval(&[1.0; 10], 0.5, 20, 0.95), None);
        assert_eq!(quantile_interval(&[1.0; 10], 0.5, 0, 0.95), None);
        assert_eq!(quantile_interval(&[0.0; 40], 0.5, 20, 0.95), None);
        assert!(quantile_interval(&[1.0; 40], 0.5, 20, 0.95).is_some());
    }
}
