//! Laws of values that tell nothing of a single request.
//!
//! Sorted values are cut into groups of at least [`LEAST_SUPPORT`]. Each group becomes one point of a table of
//! quantiles: the mean of its middle half. So each point rests on ten requests or more, no value of a request
//! stands in the table (but for values that many share), and what lies outermost, a single huge prompt
//! for instance, has no influence at all.

/// The fewest requests behind a figure that is kept of recorded traffic.
pub const LEAST_SUPPORT: usize = 10;
/// The most points of a table.
const MOST_POINTS: usize = 1000;
/// The most bins of a [`Conditional`].
const MOST_BINS: usize = 20;
/// The fewest pairs in a bin.
const LEAST_IN_BIN: usize = 5 * LEAST_SUPPORT;

/// A table of quantiles.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table(Vec<(f64, f64)>);

impl Table {
    /// Of these values; without enough of them, of one point.
    pub(super) fn new(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let n = values.len();
        let size = LEAST_SUPPORT.max(n.div_ceil(MOST_POINTS));
        let groups = (n / size).max(1);
        let point = |group: usize| {
            let from = group * size;
            let to = if group + 1 == groups { n } else { from + size };
            let cut = (to - from) / 4;
            let middle = &values[from + cut..to - cut];
            let mean = middle.iter().sum::<f64>() / middle.len().max(1) as f64;
            (0.5 * (from + to) as f64 / n.max(1) as f64, mean)
        };
        Self((0..groups).map(point).collect())
    }

    /// The quantile at `share`: straight lines between points, flat beyond the outermost.
    pub(super) fn at(&self, share: f64) -> f64 {
        let points = &self.0;
        let next = points.partition_point(|point| point.0 <= share);
        match (
            next.checked_sub(1).and_then(|i| points.get(i)),
            points.get(next),
        ) {
            (Some(a), Some(b)) => a.1 + (b.1 - a.1) * (share - a.0) / (b.0 - a.0),
            (Some(one), None) | (None, Some(one)) => one.1,
            (None, None) => 0.0,
        }
    }

    /// So many of its points, from share 0 to share 1, ascending in both.
    pub(super) fn points(&self, most: usize) -> Vec<(f64, f64)> {
        let steps = most.max(3) - 1;
        let share = |step: usize| {
            // Finer at the upper end, where sizes spread.
            let even = step as f64 / steps as f64;
            1.0 - (1.0 - even).powf(1.6)
        };
        let round = |value: f64, unit: f64| (value * unit).round() / unit;
        let mut points: Vec<(f64, f64)> = Vec::new();
        for step in 0..=steps {
            let at = round(share(step), 1e4);
            let value = round(self.at(share(step)), 10.0);
            if points.last().is_none_or(|last| at > last.0) {
                points.push((at, points.last().map_or(value, |last| value.max(last.1))));
            }
        }
        points
    }
}

/// The law of one value given another: a table for each bin of the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditional {
    /// Upper ends of the bins but for the last.
    edges: Vec<f64>,
    tables: Vec<Table>,
}

impl Conditional {
    /// Of pairs of the given value and the value.
    pub(super) fn new(mut pairs: Vec<(f64, f64)>) -> Self {
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let n = pairs.len();
        let bins = (n / LEAST_IN_BIN).clamp(1, MOST_BINS);
        let start = |bin: usize| bin * n / bins;
        let mut law = Self::default();
        for bin in 0..bins {
            let part = &pairs[start(bin)..start(bin + 1)];
            law.tables
                .push(Table::new(part.iter().map(|pair| pair.1).collect()));
            if bin + 1 < bins {
                // An edge rests on the values around it.
                let at = start(bin + 1);
                let near = &pairs[at - LEAST_SUPPORT / 2..at + LEAST_SUPPORT / 2];
                law.edges
                    .push(near.iter().map(|pair| pair.0).sum::<f64>() / near.len() as f64);
            }
        }
        law
    }

    /// The quantile at `share` given `other`.
    pub(super) fn at(&self, other: f64, share: f64) -> f64 {
        let bin = self.edges.partition_point(|edge| *edge < other);
        self.tables.get(bin).map_or(0.0, |table| table.at(share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantiles_of_many_values_are_kept() {
        let table = Table::new((1..=10_000).map(f64::from).collect());
        for share in [0.01, 0.5, 0.9, 0.99] {
            let want = share * 10_000.0;
            assert!(
                (table.at(share) - want).abs() < 6.0,
                "{share}: {}",
                table.at(share)
            );
        }
        let points = table.points(20);
        assert_eq!((points[0].0, points[points.len() - 1].0), (0.0, 1.0));
        assert!(
            points
                .windows(2)
                .all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1)
        );
    }

    #[test]
    fn one_law_for_small_and_one_for_large() {
        let pairs = (0..1000).map(|i| (f64::from(i), if i < 500 { 1.0 } else { 7.0 }));
        let law = Conditional::new(pairs.collect());
        assert!((law.at(100.0, 0.5) - 1.0).abs() < 1e-9);
        assert!((law.at(900.0, 0.5) - 7.0).abs() < 1e-9);
    }

    proptest! {
        /// Whatever one or two requests are, tables are within what the others are.
        #[test]
        fn a_rare_value_does_not_survive(
            n in 20usize..400,
            odd in 1e6f64..1e9,
            share in 0.0f64..=1.0,
        ) {
            let mut values: Vec<f64> = (0..n).map(|i| i as f64).collect();
            values.extend([odd, -odd]);
            let got = Table::new(values).at(share);
            prop_assert!((0.0..=n as f64).contains(&got), "{got}");
        }
    }
}
