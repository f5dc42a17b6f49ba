//! Student's t tests of means: Welch's for two samples, paired, and against a history of past runs.
//!
//! Samples are one number for each run, such as the logarithm of a latency quantile: requests of one run
//! are not independent of each other, so pooling them finds differences that are none (`methods.md` 6.1).

use super::intervals::{Interval, student_t};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A difference of means with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TTest {
    /// The mean of the second sample less that of the first.
    pub difference: f64,
    /// Its standard error.
    pub error: f64,
    /// Degrees of freedom.
    pub freedom: f64,
}

impl TTest {
    /// The statistic: the difference over its error; infinite where nothing varies and the means differ.
    pub fn t(&self) -> f64 {
        if self.difference == 0.0 {
            0.0
        } else {
            self.difference / self.error
        }
    }

    /// The probability of so large a difference, or a larger one, if the second mean is not above the first.
    pub fn p_greater(&self) -> f64 {
        upper_tail(self.t(), self.freedom)
    }

    /// The probability of so small a difference, or a smaller one, if the second mean is not below the first.
    pub fn p_less(&self) -> f64 {
        upper_tail(-self.t(), self.freedom)
    }

    /// The probability of a difference so far from zero if the means are equal.
    pub fn p_two_sided(&self) -> f64 {
        (2.0 * upper_tail(self.t().abs(), self.freedom)).min(1.0)
    }

    /// The two-sided interval of the difference; `None` unless `confidence` lies between 0 and 1.
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        let t = student_t(f64::midpoint(1.0, confidence), self.freedom)?;
        Some(Interval {
            estimate: self.difference,
            low: self.difference - t * self.error,
            high: self.difference + t * self.error,
        })
    }
}

fn upper_tail(t: f64, freedom: f64) -> f64 {
    if t.is_infinite() {
        return if t > 0.0 { 0.0 } else { 1.0 };
    }
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::NAN, |law| law.sf(t))
}

/// Mean and variance of a sample; `None` if it is empty or holds what is no number. The variance of a single
/// value is 0.
pub fn moments(values: &[f64]) -> Option<(f64, f64)> {
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((mean, squares / (count - 1.0).max(1.0)))
}

/// Welch's test, for samples whose variances may differ (Welch 1947); `None` below two values on a side.
pub fn welch(first: &[f64], second: &[f64]) -> Option<TTest> {
    if first.len() < 2 || second.len() < 2 {
        return None;
    }
    let (first_mean, first_variance) = moments(first)?;
    let (second_mean, second_variance) = moments(second)?;
    let (m, n) = (first.len() as f64, second.len() as f64);
    let (a, b) = (first_variance / m, second_variance / n);
    let welch_satterthwaite = (a + b).powi(2) / (a * a / (m - 1.0) + b * b / (n - 1.0));
    Some(TTest {
        difference: second_mean - first_mean,
        error: (a + b).sqrt(),
        freedom: if a + b > 0.0 && welch_satterthwaite.is_finite() {
            welch_satterthwaite
        } else {
            m + n - 2.0
        },
    })
}

/// The paired test on differences, one for each pair; `None` below two.
pub fn paired(differences: &[f64]) -> Option<TTest> {
    if differences.len() < 2 {
        return None;
    }
    let (mean, variance) = moments(differences)?;
    let count = differences.len() as f64;
    Some(TTest {
        difference: mean,
        error: (variance / count).sqrt(),
        freedom: count - 1.0,
    })
}

/// A few new runs against many past ones, whose scatter they are taken to have (`methods.md` 6.2):
/// t = (mean of new − mean of past) / (s·√(1/c + 1/m)), with m − 1 degrees of freedom.
///
/// `None` below two past runs or without a new one.
pub fn against_history(past: &[f64], new: &[f64]) -> Option<TTest> {
    if past.len() < 2 {
        return None;
    }
    let (past_mean, past_variance) = moments(past)?;
    let (new_mean, _) = moments(new)?;
    let (m, c) = (past.len() as f64, new.len() as f64);
    Some(TTest {
        difference: new_mean - past_mean,
        error: (past_variance * (1.0 / c + 1.0 / m)).sqrt(),
        freedom: m - 1.0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::check::shown;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn welch_matches_the_published_figures() {
        let test = welch(
            &[10.2, 10.4, 9.9, 10.1, 10.3],
            &[11.0, 11.3, 10.8, 11.1, 11.4],
        )
        .unwrap();
        shown(test.t(), 6.85565, 5);
        shown(test.freedom, 7.65353, 5);
        shown(test.p_two_sided(), 1.6010e-4, 8);
        shown(test.p_greater(), 0.8005e-4, 8);
        shown(test.p_less() + test.p_greater(), 1.0, 9);
        let interval = test.interval(0.98).unwrap();
        // t(.99; 7.65) = 2.93 times the error .1371.
        assert!((interval.estimate - 0.94).abs() < 1e-12);
        assert!(interval.low > 0.53 && interval.high < 1.35, "{interval:?}");
    }

    #[test]
    fn what_does_not_vary_differs_for_certain_or_not_at_all() {
        let check = |first: &[f64], second: &[f64], want: (f64, f64)| {
            let test = welch(first, second).unwrap();
            assert_eq!((test.p_greater(), test.p_two_sided()), want);
        };
        check(&[1.0, 1.0], &[2.0, 2.0], (0.0, 0.0));
        check(&[2.0, 2.0], &[1.0, 1.0], (1.0, 0.0));
        check(&[1.0, 1.0], &[1.0, 1.0], (0.5, 1.0));
        assert!(paired(&[0.5, 0.5, 0.5]).unwrap().p_greater() <= 0.0);
        assert_eq!(welch(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(welch(&[1.0, f64::NAN], &[1.0, 2.0]), None);
        assert_eq!(paired(&[1.0]), None);
    }

    #[test]
    fn paired_differences_by_hand() {
        // Mean .2, sd .1581, error .0707, t = 2.8284 with 4 degrees of freedom.
        let test = paired(&[0.0, 0.1, 0.2, 0.3, 0.4]).unwrap();
        shown(test.t(), 2.8284, 4);
        shown(test.p_two_sided(), 0.0474, 4);
    }

    #[test]
    fn a_history_lends_its_scatter_to_a_single_run() {
        let past: Vec<f64> = (0..20).map(|i| f64::from(i % 5)).collect();
        let test = against_history(&past, &[8.0]).unwrap();
        // s² = 2·20/19; t = 6 / √(2.10526·1.05).
        shown(test.t(), 6.0 / (40.0f64 / 19.0 * 1.05).sqrt(), 9);
        assert_eq!(test.freedom.to_bits(), 19.0f64.to_bits());
        assert_eq!(against_history(&past, &[]), None);
    }

    proptest! {
        #[test]
        fn order_and_sign_do_not_matter(a in prop::collection::vec(-5.0..5.0, 2..9), b in prop::collection::vec(-5.0..5.0, 2..9)) {
            let (one, other) = (welch(&a, &b).unwrap(), welch(&b, &a).unwrap());
            prop_assert!((one.difference + other.difference).abs() < 1e-9);
            prop_assert!((one.p_greater() - other.p_less()).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&one.p_two_sided()));
        }
    }
}
