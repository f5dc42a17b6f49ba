//! How much capacity to buy for a demand that varies: the newsvendor, or reserve against overflow.
//!
//! A unit costs p an hour whether it is used or not, and what finds no unit costs u on demand, and π beside if it
//! is missed. The k-th unit pays if P(X ≥ k) ≥ p/(u+π), so k* = F⁻¹(1 − p/(u+π)).

use statrs::function::erf::{erfc, erfc_inv};
use std::f64::consts::{PI, SQRT_2};

/// The prices of a unit of capacity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitCost {
    /// Dollars of a unit and hour, used or not (p).
    pub price: f64,
    /// What an hour of a full unit costs on demand (u).
    pub on_demand: f64,
    /// What an hour of a unit costs beside that is not there (π).
    pub penalty: f64,
}

impl UnitCost {
    /// The share of the time that demand is met by what is best to buy: 1 − p/(u+π), at least 0.
    pub fn fractile(self) -> f64 {
        match self.break_even() {
            Some(from) => (1.0 - from).clamp(0.0, 1.0),
            None => 0.0,
        }
    }

    /// The utilisation of the last unit from which on it pays: p/(u+π). Above 1 no unit does; `None` if a unit is
    /// worth nothing.
    pub fn break_even(self) -> Option<f64> {
        let worth = self.on_demand + self.penalty;
        (worth > 0.0).then(|| self.price / worth)
    }

    /// Dollars of an hour with `units`, of which `short` units are missed on the mean.
    pub fn cost(self, units: f64, short: f64) -> f64 {
        self.price * units + (self.on_demand + self.penalty) * short
    }
}

/// A law of demand in units.
#[derive(Clone, Debug, PartialEq)]
pub enum DemandLaw {
    /// Normal, by mean and standard deviation.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        sd: f64,
    },
    /// Uniform between two values.
    Uniform {
        /// The least.
        from: f64,
        /// The largest.
        to: f64,
    },
    /// A load curve, or any sample, with weights.
    Samples(LoadCurve),
}

impl DemandLaw {
    /// k*: the least amount that meets demand in this share of the time.
    pub fn quantile(&self, share: f64) -> f64 {
        match self {
            Self::Normal { mean, sd } => mean + sd * normal_quantile(share),
            Self::Uniform { from, to } => from + (to - from) * share.clamp(0.0, 1.0),
            Self::Samples(curve) => curve.quantile(share),
        }
    }

    /// What is missed on the mean: E(X − k)⁺.
    pub fn short(&self, units: f64) -> f64 {
        match self {
            Self::Normal { mean, sd } => {
                if *sd <= 0.0 {
                    return (mean - units).max(0.0);
                }
                let z = (units - mean) / sd;
                let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
                sd * (density - z * (1.0 - normal_cdf(z)))
            }
            Self::Uniform { from, to } => {
                if units <= *from {
                    return 0.5 * (from + to) - units;
                }
                if units >= *to {
                    return 0.0;
                }
                (to - units).powi(2) / (2.0 * (to - from))
            }
            Self::Samples(curve) => curve.short(units),
        }
    }

    /// What is best to buy, and what an hour then costs.
    pub fn best(&self, unit: UnitCost) -> (f64, f64) {
        let units = if unit.fractile() > 0.0 {
            self.quantile(unit.fractile()).max(0.0)
        } else {
            0.0
        };
        (units, unit.cost(units, self.short(units)))
    }
}

/// Demand as a weighted sample, in order of size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadCurve {
    /// Levels from the least on, with the weight of all up to and with it.
    levels: Vec<(f64, f64)>,
    /// Weighted sum of the levels from each one on.
    above: Vec<f64>,
}

impl LoadCurve {
    /// A sample of levels and weights; those that are not finite or have no weight are left out.
    pub fn new(mut sample: Vec<(f64, f64)>) -> Self {
        sample.retain(|(level, weight)| level.is_finite() && weight.is_finite() && *weight > 0.0);
        sample.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut above = vec![0.0; sample.len() + 1];
        for (index, (level, weight)) in sample.iter().enumerate().rev() {
            above[index] = above[index + 1] + level * weight;
        }
        let mut sum = 0.0;
        for (_, weight) in &mut sample {
            sum += *weight;
            *weight = sum;
        }
        Self {
            levels: sample,
            above,
        }
    }

    /// A load curve of equally long steps.
    pub fn of_steps(steps: &[f64]) -> Self {
        Self::new(steps.iter().map(|&level| (level, 1.0)).collect())
    }

    /// The sum of all weights.
    pub fn weight(&self) -> f64 {
        self.levels.last().map_or(0.0, |(_, weight)| *weight)
    }

    /// The least level that is not exceeded in this share of the weight; 0 without any.
    pub fn quantile(&self, share: f64) -> f64 {
        // A share that a step ends at exactly belongs to that step in spite of rounding.
        let want = share * self.weight() * (1.0 - 1e-12);
        let at = self.levels.partition_point(|(_, until)| *until < want);
        let at = at.min(self.levels.len().saturating_sub(1));
        self.levels.get(at).map_or(0.0, |(level, _)| *level)
    }

    /// The mean of what lies above `units`.
    pub fn short(&self, units: f64) -> f64 {
        let at = self.levels.partition_point(|(level, _)| *level <= units);
        let below = at.checked_sub(1).map_or(0.0, |last| self.levels[last].1);
        let weight = self.weight();
        if weight <= 0.0 {
            return 0.0;
        }
        ((self.above[at] - units * (weight - below)) / weight).max(0.0)
    }
}

/// The normal distribution function: Φ(z) = erfc(−z/√2)/2.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z / SQRT_2)
}

/// The inverse of Φ; infinite at 0 and 1.
pub fn normal_quantile(share: f64) -> f64 {
    -SQRT_2 * erfc_inv(2.0 * share.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit(price: f64, on_demand: f64) -> UnitCost {
        UnitCost {
            price,
            on_demand,
            penalty: 0.0,
        }
    }

    fn near(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance, "got {got}, want {want}");
    }

    #[test]
    fn normal_demand_as_published() {
        let law = DemandLaw::Normal {
            mean: 10.0,
            sd: 3.0,
        };
        for (price, units, cost) in [
            (20.0, 12.023, 276.266),
            (40.0, 10.0, 495.746),
            (60.0, 7.977, 676.266),
        ] {
            let (k, hour) = law.best(unit(price, 80.0));
            near(k, units, 5e-4);
            near(hour, cost, 5e-4);
        }
        let at = |k: f64| unit(20.0, 80.0).cost(k, law.short(k));
        near(at(12.0), 276.269, 5e-4);
        near(at(13.0), 279.996, 5e-4);
        // Nothing bought: ten units on demand, but for the demand below zero that a normal law has.
        near(at(0.0), 800.0, 0.05);
    }

    #[test]
    fn uniform_demand_as_published() {
        let law = DemandLaw::Uniform {
            from: 0.0,
            to: 20.0,
        };
        let (k, hour) = law.best(unit(20.0, 80.0));
        near(k, 15.0, 1e-9);
        near(hour, 350.0, 1e-9);
    }

    #[test]
    fn a_load_curve_as_published() {
        let curve = LoadCurve::of_steps(&[2.0, 2.0, 3.0, 5.0, 8.0, 8.0, 5.0, 3.0]);
        let law = DemandLaw::Samples(curve);
        // The published costs are sums over the eight steps, in units of u.
        for (ratio, units, cost) in [(0.3, 5.0, 18.0), (0.4, 5.0, 22.0), (0.6, 3.0, 28.4)] {
            let (k, hour) = law.best(unit(ratio, 1.0));
            near(k, units, 1e-12);
            near(8.0 * hour, cost, 1e-9);
        }
    }

    #[test]
    fn a_penalty_buys_more_and_a_worthless_unit_nothing() {
        let law = DemandLaw::Uniform {
            from: 0.0,
            to: 20.0,
        };
        let missed = UnitCost {
            penalty: 80.0,
            ..unit(20.0, 80.0)
        };
        near(law.best(missed).0, 17.5, 1e-9);
        near(missed.break_even().unwrap(), 0.125, 1e-12);
        assert_eq!(unit(20.0, 0.0).break_even(), None);
        assert!(law.best(unit(20.0, 0.0)).0.abs() < 1e-12);
        assert!(law.best(unit(90.0, 80.0)).0.abs() < 1e-12);
        assert!(LoadCurve::default().quantile(0.5).abs() < 1e-12);
    }

    #[test]
    fn the_normal_law_is_exact() {
        near(normal_cdf(0.0), 0.5, 1e-15);
        near(normal_cdf(1.96), 0.975_002_104_851_779_5, 1e-10);
        near(normal_cdf(-4.0), 3.167_124_183_311_992e-5, 1e-14);
        near(normal_quantile(0.75), 0.674_489_750_196_081_7, 1e-10);
    }

    proptest! {
        #[test]
        fn no_other_amount_is_cheaper(
            steps in proptest::collection::vec(0.0..50.0f64, 1..40),
            price in 1.0..120.0f64, penalty in 0.0..100.0f64,
        ) {
            let unit = UnitCost { price, on_demand: 80.0, penalty };
            let law = DemandLaw::Samples(LoadCurve::of_steps(&steps));
            let (_, best) = law.best(unit);
            for k in 0..=500 {
                let k = f64::from(k) * 0.1;
                let short: f64 = steps.iter().map(|x| (x - k).max(0.0)).sum();
                let scanned = unit.cost(k, short / steps.len() as f64);
                prop_assert!(best <= scanned + 1e-6, "{best} above {scanned} at {k}");
            }
        }

        #[test]
        fn laws_agree_with_a_scan(mean in 5.0..20.0f64, sd in 0.1..4.0f64, ratio in 0.05..0.95f64) {
            for law in [
                DemandLaw::Normal { mean, sd },
                DemandLaw::Uniform { from: mean - sd, to: mean + sd },
            ] {
                let (_, best) = law.best(unit(ratio, 1.0));
                for k in 0..400 {
                    let k = f64::from(k) * 0.1;
                    prop_assert!(best <= unit(ratio, 1.0).cost(k, law.short(k)) + 1e-9);
                }
            }
        }
    }
}
