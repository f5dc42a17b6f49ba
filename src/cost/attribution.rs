//! What each of several levers is worth, when what one saves depends on the others.
//!
//! A waterfall takes the levers in an order, and pays each for what is left when its turn comes:
//! the last of them look small. Shapley values are the mean over all orders,
//! `φᵢ = Σ_S |S|!·(n−|S|−1)!/n!·(C(S) − C(S∪i))` (Shapley 1953, "A value for n-person games").
//! Where every lever is a factor on the cost, the logarithmic mean of Divisia splits the change
//! without naming an order (Ang 2004, "Decomposition analysis for policymaking in energy").

/// The most levers that are weighed together: 2⁸ = 256 costs.
pub const MOST_LEVERS: usize = 8;

/// The costs of all subsets of some levers. Bit `i` of a subset's number says whether lever `i` is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    levers: usize,
    of: Vec<f64>,
}

impl Costs {
    /// The cost of every subset, that of no lever first.
    ///
    /// `None` unless there is one cost for each subset of at most [`MOST_LEVERS`] levers.
    pub fn new(levers: usize, of: Vec<f64>) -> Option<Self> {
        let fits = levers <= MOST_LEVERS && of.len() == 1 << levers;
        fits.then_some(Self { levers, of })
    }

    /// The number of levers.
    pub fn levers(&self) -> usize {
        self.levers
    }

    /// The cost of a subset.
    pub fn of(&self, subset: usize) -> f64 {
        self.of[subset]
    }

    /// The cost with no lever.
    pub fn base(&self) -> f64 {
        self.of[0]
    }

    /// The cost with all levers.
    pub fn all(&self) -> f64 {
        self.of[self.of.len() - 1]
    }

    /// What a lever saves by itself.
    pub fn alone(&self, lever: usize) -> f64 {
        self.of[0] - self.of[1 << lever]
    }

    /// What a lever saves on top of all others.
    pub fn last(&self, lever: usize) -> f64 {
        let all = self.of.len() - 1;
        self.of[all & !(1 << lever)] - self.of[all]
    }

    /// What two levers save together beyond what each saves by itself: below zero they weaken each
    /// other, above zero they strengthen each other.
    pub fn together(&self, a: usize, b: usize) -> f64 {
        let both = self.of[0] - self.of[1 << a | 1 << b];
        both - self.alone(a) - self.alone(b)
    }

    /// The Shapley value of each lever. They sum to what all levers save.
    pub fn shapley(&self) -> Vec<f64> {
        let n = self.levers;
        let orders = factorial(n);
        let value = |lever: usize| {
            let without = (0..self.of.len()).filter(|subset| subset & (1 << lever) == 0);
            without
                .map(|subset| {
                    let size = subset.count_ones() as usize;
                    let weight = factorial(size) * factorial(n - size - 1) / orders;
                    weight * (self.of[subset] - self.of[subset | 1 << lever])
                })
                .sum()
        };
        (0..n).map(value).collect()
    }

    /// The levers pulled one after the other in an order: each as it is pulled, what it saves then,
    /// and the cost that is left.
    pub fn waterfall(&self, order: &[usize]) -> Vec<Fall> {
        let mut pulled = 0;
        let fall = |&lever: &usize| {
            let before = self.of[pulled];
            pulled |= 1 << lever;
            Fall {
                lever,
                saves: before - self.of[pulled],
                left: self.of[pulled],
            }
        };
        order.iter().map(fall).collect()
    }
}

/// One step of a waterfall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fall {
    /// The lever.
    pub lever: usize,
    /// What it saves at its turn.
    pub saves: f64,
    /// The cost that is left.
    pub left: f64,
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

/// What each of several factors on a cost saves, by the logarithmic mean of Divisia:
/// L(C₀, C₁)·ln(1/fᵢ) with L(a, b) = (a − b)/ln(a/b).
///
/// The parts sum to the whole change and depend on no order; a factor of 1 has none. `None` unless
/// the cost and all factors are above zero.
pub fn log_mean(cost: f64, factors: &[f64]) -> Option<Vec<f64>> {
    let is_sound = |value: f64| value > 0.0 && value.is_finite();
    if !is_sound(cost) || !factors.iter().copied().all(is_sound) {
        return None;
    }
    let logarithm: f64 = factors.iter().map(|factor| factor.ln()).sum();
    // The limit where the factors cancel out.
    let mean = if logarithm.abs() < 1e-12 {
        cost
    } else {
        cost * logarithm.exp_m1() / logarithm
    };
    Some(factors.iter().map(|factor| -mean * factor.ln()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The costs of levers that are factors.
    fn factors(cost: f64, factors: &[f64]) -> Costs {
        let of = |subset: usize| {
            let parts = factors.iter().enumerate();
            let taken = parts.filter(|(lever, _)| subset & (1 << lever) != 0);
            cost * taken.map(|(_, factor)| factor).product::<f64>()
        };
        Costs::new(factors.len(), (0..1 << factors.len()).map(of).collect()).unwrap()
    }

    fn close(got: &[f64], want: &[f64], tolerance: f64) {
        assert_eq!(got.len(), want.len());
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() <= tolerance, "got {got}, want {want}");
        }
    }

    fn saved(falls: &[Fall]) -> Vec<f64> {
        falls.iter().map(|fall| fall.saves).collect()
    }

    #[test]
    fn two_factors_are_split_as_published() {
        let costs = factors(100.0, &[0.5, 0.2]);
        close(&saved(&costs.waterfall(&[0, 1])), &[50.0, 40.0], 1e-9);
        // B first: it saves 80, and 10 are left for A.
        close(&saved(&costs.waterfall(&[1, 0])), &[80.0, 10.0], 1e-9);
        close(&costs.shapley(), &[30.0, 60.0], 1e-9);
        close(
            &log_mean(100.0, &[0.5, 0.2]).unwrap(),
            &[27.09, 62.91],
            0.005,
        );
        assert!((costs.together(0, 1) + 40.0).abs() < 1e-9);
        assert!((costs.last(0) - 10.0).abs() < 1e-9 && (costs.alone(0) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn the_support_bot_is_split_as_published() {
        // Right-size, route, cache, batch: the cost of every subset from the prices per request.
        let chat = |model: f64, cached: bool| {
            let prefix = if cached {
                0.97 * 0.1 + 0.03 * 1.25
            } else {
                1.0
            };
            model * (6_000.0 * prefix + 600.0 + 5.0 * 300.0) / 1e6
        };
        let cost = |subset: usize| {
            let [right_size, route, cache, batch] = [0, 1, 2, 3].map(|i| subset & (1 << i) != 0);
            let large = if right_size { 3.0 } else { 5.0 };
            let small = if route { 1.0 } else { large };
            let chats = if route {
                0.4 * chat(large, cache) + 0.6 * chat(1.0, cache) + 0.000_325
            } else {
                chat(large, cache)
            };
            let summary = small * (1_500.0 + 5.0 * 250.0) / 1e6;
            630_000.0 * chats + 330_000.0 * summary * if batch { 0.5 } else { 1.0 }
        };
        let costs = Costs::new(4, (0..16).map(cost).collect()).unwrap();
        let left = |order: &[usize]| -> Vec<f64> {
            let falls = costs.waterfall(order);
            falls.iter().map(|fall| fall.left).collect()
        };
        assert!((costs.base() - 30_052.5).abs() < 1e-6);
        close(
            &left(&[0, 1, 2, 3]),
            &[18_031.5, 10_297.65, 4_408.8, 3_955.0],
            0.05,
        );
        close(
            &left(&[3, 2, 1, 0]),
            &[27_783.8, 11_425.8, 5_420.2, 3_955.0],
            0.051,
        );
        close(
            &costs.shapley(),
            &[5_937.5, 8_480.9, 10_469.1, 1_210.0],
            0.05,
        );
        assert!((costs.base() - costs.all() - 26_097.5).abs() < 0.05);
    }

    #[test]
    fn only_whole_sets_of_costs_are_taken() {
        assert_eq!(Costs::new(2, vec![1.0; 3]), None);
        assert_eq!(Costs::new(9, vec![1.0; 512]), None);
        let none = Costs::new(0, vec![7.0]).unwrap();
        assert!(none.shapley().is_empty() && none.waterfall(&[]).is_empty());
        assert!((none.base() - none.all()).abs() < f64::EPSILON);
    }

    #[test]
    fn factors_that_cancel_out_split_nothing() {
        close(
            &log_mean(10.0, &[0.5, 2.0]).unwrap(),
            &[6.931, -6.931],
            1e-3,
        );
        close(&log_mean(10.0, &[1.0]).unwrap(), &[0.0], 1e-12);
        assert_eq!(log_mean(10.0, &[0.0]), None);
        assert_eq!(log_mean(-1.0, &[0.5]), None);
    }

    /// Costs of all subsets of up to six levers, of any kind.
    fn any_costs() -> impl Strategy<Value = Costs> {
        (0usize..=6).prop_flat_map(|levers| {
            prop::collection::vec(0.0..1e6f64, 1 << levers)
                .prop_map(move |of| Costs::new(levers, of).unwrap())
        })
    }

    proptest! {
        #[test]
        fn the_parts_sum_to_the_whole(costs in any_costs(), turn in 0usize..6) {
            let whole = costs.base() - costs.all();
            let shapley: f64 = costs.shapley().iter().sum();
            prop_assert!((shapley - whole).abs() < 1e-6);
            let mut order: Vec<usize> = (0..costs.levers()).collect();
            if !order.is_empty() {
                let by = turn % order.len();
                order.rotate_left(by);
            }
            let falls = costs.waterfall(&order);
            let fallen: f64 = falls.iter().map(|fall| fall.saves).sum();
            prop_assert!((fallen - whole).abs() < 1e-6);
            let left = falls.last().map_or(costs.base(), |fall| fall.left);
            prop_assert!((left - costs.all()).abs() < 1e-9);
        }

        #[test]
        fn equal_levers_get_equal_parts(by_size in prop::collection::vec(0.0..1e6f64, 1..=7)) {
            // What is paid depends only on how many levers are pulled.
            let levers = by_size.len() - 1;
            let of = (0..1usize << levers).map(|subset| by_size[subset.count_ones() as usize]);
            let costs = Costs::new(levers, of.collect()).unwrap();
            let parts = costs.shapley();
            for part in &parts {
                prop_assert!((part - parts[0]).abs() < 1e-6);
            }
        }

        #[test]
        fn a_lever_that_does_nothing_gets_nothing(costs in any_costs()) {
            let mut of: Vec<f64> = (0..1 << costs.levers()).map(|subset| costs.of(subset)).collect();
            of.extend(of.clone());
            let parts = Costs::new(costs.levers() + 1, of).unwrap().shapley();
            prop_assert!(parts[costs.levers()].abs() < 1e-9);
        }

        #[test]
        fn logarithmic_parts_sum_to_the_whole(
            cost in 1.0..1e6f64, factors in prop::collection::vec(0.01..3.0f64, 0..6),
        ) {
            let parts = log_mean(cost, &factors).unwrap();
            let whole = cost - cost * factors.iter().product::<f64>();
            prop_assert!((parts.iter().sum::<f64>() - whole).abs() < 1e-6 * cost.max(whole.abs()));
        }
    }
}
