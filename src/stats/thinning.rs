//! Long series with fewer points, of which none is made up: every point kept is one that was measured.
//!
//! Sources: S. Steinarsson, "Downsampling Time Series for Visual Representation", University of Iceland
//! 2013, for the largest triangle; the least and greatest value of each bucket is what an oscilloscope
//! shows, and loses no peak. Neither averages.

/// A point of a series, x before y.
type Point = (f64, f64);

/// At most `keep` of the points, chosen so that the line through them looks like the line through all
/// (largest triangle, three buckets). The first and the last one stay.
///
/// Points must be finite and ascending in x. Below three points there is nothing to choose from, so
/// the ends stay whatever `keep` is.
pub fn largest_triangles(points: &[Point], keep: usize) -> Vec<Point> {
    let keep = keep.max(2);
    if points.len() <= keep {
        return points.to_vec();
    }
    let (first, last) = (points[0], points[points.len() - 1]);
    let inner = keep - 2;
    let mut kept = vec![first];
    let mut before = first;
    for bucket in 0..inner {
        let own = bucket_of(points.len(), inner, bucket);
        let next = match bucket + 1 {
            after if after < inner => mean(&points[bucket_of(points.len(), inner, after)]),
            _ => last,
        };
        let mut best = (points[own.start], -1.0);
        for &point in &points[own] {
            let area = triangle(before, point, next);
            if area > best.1 {
                best = (point, area);
            }
        }
        before = best.0;
        kept.push(before);
    }
    kept.push(last);
    kept
}

/// At most `keep` of the points: the ends, and the least and the greatest value of each of equally long
/// stretches, so that no peak and no trough is lost.
///
/// `keep` below four is taken for four.
pub fn extremes(points: &[Point], keep: usize) -> Vec<Point> {
    let keep = keep.max(4);
    if points.len() <= keep {
        return points.to_vec();
    }
    let buckets = (keep - 2) / 2;
    let mut kept = vec![points[0]];
    for bucket in 0..buckets {
        let own = bucket_of(points.len(), buckets, bucket);
        let (mut least, mut most) = (own.start, own.start);
        for index in own {
            if points[index].1 < points[least].1 {
                least = index;
            }
            if points[index].1 > points[most].1 {
                most = index;
            }
        }
        kept.push(points[least.min(most)]);
        if least != most {
            kept.push(points[least.max(most)]);
        }
    }
    kept.push(points[points.len() - 1]);
    kept
}

/// The inner points, all but the two ends, in equal parts; none is empty while there are fewer parts
/// than inner points.
fn bucket_of(points: usize, buckets: usize, bucket: usize) -> std::ops::Range<usize> {
    let inner = points - 2;
    1 + bucket * inner / buckets..1 + (bucket + 1) * inner / buckets
}

fn mean(points: &[Point]) -> Point {
    let count = points.len().max(1) as f64;
    let sum = points
        .iter()
        .fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    (sum.0 / count, sum.1 / count)
}

/// Twice the area between three points.
fn triangle(a: Point, b: Point, c: Point) -> f64 {
    ((a.0 - c.0) * (b.1 - a.1) - (a.0 - b.0) * (c.1 - a.1)).abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(values: &[f64]) -> Vec<Point> {
        let points = values.iter().enumerate();
        points.map(|(x, &y)| (x as f64, y)).collect()
    }

    #[test]
    fn short_series_stay_as_they_are() {
        for values in [&[][..], &[1.0], &[1.0, 2.0], &[3.0, 1.0, 2.0]] {
            let points = series(values);
            assert_eq!(largest_triangles(&points, 10), points);
            assert_eq!(extremes(&points, 10), points);
        }
    }

    /// One peak in a flat line has the largest triangle of its bucket, and is the greatest value.
    #[test]
    fn a_lone_peak_survives_both() {
        let mut values = vec![1.0; 10_000];
        values[4321] = 50.0;
        let points = series(&values);
        for kept in [largest_triangles(&points, 20), extremes(&points, 20)] {
            assert!(kept.len() <= 20);
            assert!(kept.contains(&(4321.0, 50.0)), "{kept:?}");
        }
    }

    /// Worked by hand: of 1, 9, 2 | 8, 0, 5 between ends at 0 the extremes are 9, 1 and 0, 8.
    #[test]
    fn extremes_of_two_buckets() {
        let points = series(&[0.0, 1.0, 9.0, 2.0, 8.0, 0.0, 5.0, 0.0]);
        let kept: Vec<f64> = extremes(&points, 6).iter().map(|one| one.1).collect();
        assert_eq!(kept, [0.0, 1.0, 9.0, 8.0, 0.0, 0.0]);
    }

    proptest! {
        #[test]
        fn what_is_kept_was_measured(
            values in prop::collection::vec(-1e9..1e9f64, 3..400), keep in 4..60usize,
        ) {
            let points = series(&values);
            for kept in [largest_triangles(&points, keep), extremes(&points, keep)] {
                prop_assert!(kept.len() <= keep.max(points.len().min(keep)));
                prop_assert_eq!(kept.first(), points.first());
                prop_assert_eq!(kept.last(), points.last());
                prop_assert!(kept.windows(2).all(|two| two[0].0 < two[1].0));
                prop_assert!(kept.iter().all(|one| points.contains(one)));
            }
            let range = |points: &[Point]| {
                let values = points.iter().map(|one| one.1);
                values.fold((f64::MAX, f64::MIN), |sum, y| (sum.0.min(y), sum.1.max(y)))
            };
            prop_assert_eq!(range(&extremes(&points, keep)), range(&points));
        }
    }
}
