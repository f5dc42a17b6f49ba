//! The exact permutation test of the labels of runs, as a check on tests that assume a law.

/// Most values over both samples: 12,870 ways to label eight and eight.
pub const MOST_VALUES: usize = 16;

/// The share of all ways to label the runs whose difference of means is at least as large as the one seen:
/// the one-sided p of "the second mean is larger".
///
/// It cannot go below one over the number of labellings: 1/20 for three and three, 1/70 for four and four,
/// 1/252 for five and five. `None` if a side is empty or there are more than [`MOST_VALUES`] values.
pub fn permutation_p(first: &[f64], second: &[f64]) -> Option<f64> {
    let all: Vec<f64> = first.iter().chain(second).copied().collect();
    if first.is_empty() || second.is_empty() || all.len() > MOST_VALUES {
        return None;
    }
    let seen: f64 = second.iter().sum();
    // Sums in another order differ by rounding; what is equal has to count as equal.
    let slack = 1e-9 * all.iter().map(|value| value.abs()).sum::<f64>().max(1e-300);
    let (mut ways, mut as_large) = (0u64, 0u64);
    for labels in 0u32..1 << all.len() {
        if labels.count_ones() as usize != second.len() {
            continue;
        }
        let chosen = all
            .iter()
            .enumerate()
            .filter(|(place, _)| labels >> place & 1 == 1);
        let sum: f64 = chosen.map(|(_, value)| value).sum();
        ways += 1;
        as_large += u64::from(sum >= seen - slack);
    }
    Some(as_large as f64 / ways as f64)
}

#[cfg(test)]
mod tests {
    use super::super::check::shown;
    use super::*;

    #[test]
    fn full_separation_gives_the_least_p() {
        let least = |k: usize| {
            let first: Vec<f64> = (0..k).map(|i| i as f64).collect();
            let second: Vec<f64> = (0..k).map(|i| 100.0 + i as f64).collect();
            (
                permutation_p(&first, &second).unwrap(),
                permutation_p(&second, &first).unwrap(),
            )
        };
        for (k, ways) in [(3, 20.0), (4, 70.0), (5, 252.0), (8, 12_870.0)] {
            let (p, opposite) = least(k);
            shown(p, 1.0 / ways, 9);
            shown(opposite, 1.0, 9);
        }
    }

    #[test]
    fn equal_values_are_no_difference() {
        shown(permutation_p(&[0.1; 4], &[0.1; 4]).unwrap(), 1.0, 9);
        assert_eq!(permutation_p(&[], &[1.0]), None);
        assert_eq!(permutation_p(&[1.0; 9], &[1.0; 9]), None);
    }

    #[test]
    fn one_overlap_by_hand() {
        // Of 20 labellings of 1..=6 only {4,5,6} and {3,5,6} sum to 14 or more.
        shown(
            permutation_p(&[1.0, 2.0, 4.0], &[3.0, 5.0, 6.0]).unwrap(),
            2.0 / 20.0,
            9,
        );
    }
}
