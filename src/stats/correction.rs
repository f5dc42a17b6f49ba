//! Many tests at once: the procedure of Benjamini & Hochberg (1995).

/// The p-values adjusted so that rejecting those at most `q` keeps the false discovery rate at `q`, in the
/// order given: the least of p·m/rank over all ranks from its own on.
pub fn adjusted(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![1.0; count];
    let mut least: f64 = 1.0;
    for (index, &place) in order.iter().enumerate().rev() {
        let rank = (index + 1) as f64;
        least = least.min(p_values[place] * count as f64 / rank);
        adjusted[place] = least;
    }
    adjusted
}

/// Which hypotheses fall at a false discovery rate of `q`, in the order given.
pub fn benjamini_hochberg(p_values: &[f64], q: f64) -> Vec<bool> {
    adjusted(p_values).into_iter().map(|p| p <= q).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_published_example() {
        let p = [0.001, 0.012, 0.03, 0.2];
        assert_eq!(benjamini_hochberg(&p, 0.05), [true, true, true, false]);
        assert_eq!(benjamini_hochberg(&p, 0.01), [true, false, false, false]);
        let turned = [0.2, 0.001, 0.03, 0.012];
        assert_eq!(benjamini_hochberg(&turned, 0.05), [false, true, true, true]);
        assert!(benjamini_hochberg(&[], 0.05).is_empty());
    }

    proptest! {
        #[test]
        fn it_rejects_what_bonferroni_rejects_and_no_more_than_each_alone(p in prop::collection::vec(0.0f64..1.0, 1..30)) {
            for (value, rejected) in p.iter().zip(benjamini_hochberg(&p, 0.05)) {
                prop_assert!(rejected || *value > 0.05 / p.len() as f64);
                prop_assert!(!rejected || *value <= 0.05);
            }
        }
    }
}
