//! The retry budget of one client process.

use super::spec::RetryBudget;
use super::windowed::Windowed;
use crate::units::Moment;

const REQUESTS: usize = 0;
const RETRIES: usize = 1;

/// What a budget has left.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    spec: RetryBudget,
    counts: Windowed<2>,
}

impl Budget {
    pub(super) fn new(spec: RetryBudget) -> Self {
        Self {
            spec,
            counts: Windowed::new(spec.window),
        }
    }

    /// A request began.
    pub(super) fn begun(&mut self, now: Moment) {
        self.counts.add(now, REQUESTS);
    }

    /// Whether one more retry fits.
    pub(super) fn allows(&mut self, now: Moment) -> bool {
        let sums = self.counts.sums(now);
        let earned = self.spec.ratio.get() * sums[REQUESTS] as f64;
        let given = self.spec.min_rate.0 * self.spec.window.as_secs_f64();
        // A tenth of ten requests has to be one retry, whatever the rounding of a tenth.
        sums[RETRIES] as f64 + 1.0 <= earned + given + 1e-9
    }

    /// A retry will be made.
    pub(super) fn pay(&mut self, now: Moment) {
        self.counts.add(now, RETRIES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Micros, PerSecond, Ratio};

    fn budget(ratio: f64, min_rate: f64) -> Budget {
        Budget::new(RetryBudget {
            ratio: Ratio::new(ratio).unwrap(),
            min_rate: PerSecond(min_rate),
            window: Micros::from_secs(10),
        })
    }

    fn retries(budget: &mut Budget, now: Moment, wanted: u32) -> u32 {
        let made = (0..wanted).filter(|_| {
            let allowed = budget.allows(now);
            if allowed {
                budget.pay(now);
            }
            allowed
        });
        made.count() as u32
    }

    #[test]
    fn a_tenth_of_the_requests_may_be_tried_again() {
        let mut budget = budget(0.1, 0.0);
        for _ in 0..100 {
            budget.begun(Moment::ZERO);
        }
        assert_eq!(retries(&mut budget, Moment::ZERO, 100), 10);
        // All of it is forgotten ten seconds later.
        assert_eq!(retries(&mut budget, Moment(10_000_000), 100), 0);
    }

    #[test]
    fn the_defaults_of_finagle_give_a_hundred_and_a_fifth() {
        let mut budget = budget(0.2, 10.0);
        assert_eq!(retries(&mut budget, Moment::ZERO, 1000), 100);
        for _ in 0..100 {
            budget.begun(Moment::ZERO);
        }
        assert_eq!(retries(&mut budget, Moment::ZERO, 1000), 20);
    }
}
