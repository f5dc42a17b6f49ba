//! What a comparison of runs can see: the smallest effect it finds, and the runs that it takes.

use super::intervals::student_t;

/// What is asked of a one-sided comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// The level of the test.
    pub alpha: f64,
    /// The wanted probability of finding an effect that is there.
    pub power: f64,
    /// What an estimate has to exceed besides being significant; 0 if nothing.
    pub threshold: f64,
}

/// Most runs on a side that are ever asked for.
const MOST_RUNS: u32 = 10_000;

/// The smallest true effect that is found with the wanted power where the difference has the standard error
/// `error`: `(t_α + t_β)`·error (`methods.md` 6.2), and `t_β`·error above the threshold.
///
/// `None` if the degrees of freedom or the levels are none.
pub fn detectable(error: f64, freedom: f64, demand: Demand) -> Option<f64> {
    let t_alpha = student_t(1.0 - demand.alpha, freedom)?;
    let t_beta = student_t(demand.power, freedom)?;
    let by_test = (t_alpha + t_beta) * error;
    Some(by_test.max(demand.threshold + t_beta * error))
}

/// The fewest runs on each side with which an effect is found with the wanted power, if single runs scatter by
/// the standard deviation `deviation`; `None` beyond ten thousand, or if the effect is not above the threshold.
pub fn runs_needed(deviation: f64, effect: f64, demand: Demand) -> Option<u32> {
    let is_enough = |runs: u32| {
        let k = f64::from(runs);
        let error = deviation * (2.0 / k).sqrt();
        detectable(error, 2.0 * k - 2.0, demand).is_some_and(|least| least <= effect)
    };
    fewest(is_enough)
}

/// As [`runs_needed`] for pairs, whose differences scatter by `deviation`.
pub fn pairs_needed(deviation: f64, effect: f64, demand: Demand) -> Option<u32> {
    let is_enough = |pairs: u32| {
        let k = f64::from(pairs);
        detectable(deviation / k.sqrt(), k - 1.0, demand).is_some_and(|least| least <= effect)
    };
    fewest(is_enough)
}

/// The least number from 2 on that is enough, where every greater one is too.
fn fewest(is_enough: impl Fn(u32) -> bool) -> Option<u32> {
    if !is_enough(MOST_RUNS) {
        return None;
    }
    let (mut low, mut high) = (1, MOST_RUNS);
    while high - low > 1 {
        let middle = u32::midpoint(low, high);
        if is_enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::super::check::shown;
    use super::*;

    const DEMAND: Demand = Demand {
        alpha: 0.01,
        power: 0.9,
        threshold: 0.0,
    };

    #[test]
    fn the_effect_is_that_of_the_tables() {
        // t(.99; 8) = 2.8965 and t(.9; 8) = 1.3968; s = .023 and k = 5.
        let error = 0.023 * (2.0f64 / 5.0).sqrt();
        shown(detectable(error, 8.0, DEMAND).unwrap(), 4.2933 * error, 6);
        let over = Demand {
            threshold: 0.05,
            ..DEMAND
        };
        shown(
            detectable(error, 8.0, over).unwrap(),
            0.05 + 1.3968 * error,
            6,
        );
        assert_eq!(detectable(0.1, 0.0, DEMAND), None);
    }

    #[test]
    fn runs_are_the_fewest() {
        for deviation in [0.005, 0.02, 0.05, 0.2] {
            let runs = runs_needed(deviation, 0.0953, DEMAND).unwrap();
            let seen = |runs: u32| {
                let k = f64::from(runs);
                detectable(deviation * (2.0 / k).sqrt(), 2.0 * k - 2.0, DEMAND).unwrap()
            };
            assert!(seen(runs) <= 0.0953, "{deviation} {runs}");
            assert!(runs == 2 || seen(runs - 1) > 0.0953, "{deviation} {runs}");
        }
        // The normal approximation 2·((2.326 + 1.282)·.2/.0953)² = 114.7, and a little more for t.
        assert_eq!(runs_needed(0.2, 0.0953, DEMAND), Some(116));
        assert_eq!(runs_needed(0.0, 0.05, DEMAND), Some(2));
        assert_eq!(runs_needed(100.0, 0.05, DEMAND), None);
        let over = Demand {
            threshold: 0.06,
            ..DEMAND
        };
        assert_eq!(runs_needed(0.02, 0.05, over), None);
        assert!(pairs_needed(0.05, 0.0953, DEMAND) < runs_needed(0.05, 0.0953, DEMAND));
    }
}
