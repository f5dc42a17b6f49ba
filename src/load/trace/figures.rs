//! From requests to figures: counts per interval, quantile tables and rank correlation.

use super::{Recording, Trace};
use crate::units::Micros;

impl Recording {
    /// The figures of a trace, over all intervals up to that of its last request.
    pub fn of_trace(trace: &Trace, interval: Micros) -> Self {
        let interval = Micros(interval.0.max(1));
        let last = trace.rows.last().map_or(0, |row| row.at.0 / interval.0);
        let mut counts = vec![0u32; last as usize + 1];
        for row in &trace.rows {
            let index = (row.at.0 / interval.0).min(last) as usize;
            counts[index] = counts[index].saturating_add(1);
        }
        let input: Vec<u32> = trace.rows.iter().map(|row| row.input).collect();
        let output: Vec<u32> = trace.rows.iter().map(|row| row.output).collect();
        // Two digits are all that some thousand requests can tell.
        let rank_correlation = (spearman(&input, &output) * 100.0).round() / 100.0;
        Self {
            interval,
            counts,
            rank_correlation,
            input: quantile_table(&input),
            output: quantile_table(&output),
            ..Self::default()
        }
    }
}

/// A short table of quantiles of whole numbers, for straight lines between its points and
/// rounding of the result.
///
/// Each value `v` owns the shares between those below it and those up to it, where the line runs
/// from `v − ½` to `v + ½`. Points are left out while the share at every value stays within
/// 0.001, and within a fiftieth of the share above it, of the truth. The points around p50, p90 and p99 are
/// always there.
pub fn quantile_table(values: &[u32]) -> Vec<(f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let n = sorted.len() as f64;
    let Some(first) = sorted.first() else {
        return Vec::new();
    };
    let mut points = vec![(0.0, f64::from(*first) - 0.5)];
    let mut seen = 0;
    for run in sorted.chunk_by(|a, b| a == b) {
        // A gap below a value belongs to no request: the line jumps over it.
        let below = f64::from(run[0]) - 0.5;
        if points.last().is_some_and(|p| p.1 < below) && run.len() * 200 > sorted.len() {
            points.push((seen as f64 / n, below));
        }
        seen += run.len();
        points.push((seen as f64 / n, f64::from(run[0]) + 0.5));
    }
    let mut kept = vec![points[0]];
    let mut from = 0;
    while from + 1 < points.len() {
        let mut to = from + 1;
        while to + 1 < points.len() && !pinned(&points, to) && straight(&points[from..=to + 1]) {
            to += 1;
        }
        kept.push(points[to]);
        from = to;
    }
    let round = |share: f64| (share * 1e6).round() / 1e6;
    kept.into_iter()
        .map(|(share, value)| (round(share), value))
        .collect()
}

/// Whether a point is one of the two around a quantile that reports name, where the table is exact.
fn pinned(points: &[(f64, f64)], i: usize) -> bool {
    let after = |j: usize, q: f64| points.get(j).is_some_and(|p| p.0 > q);
    [0.5, 0.9, 0.99]
        .iter()
        .any(|q| after(i, *q) != after(i - 1, *q) || after(i + 1, *q) != after(i, *q))
}

/// Whether the line from the first to the last point passes close to all between.
fn straight(points: &[(f64, f64)]) -> bool {
    let (a, b) = (points[0], points[points.len() - 1]);
    let (width, height) = (b.1 - a.1, b.0 - a.0);
    width > 0.0
        && points[1..points.len() - 1].iter().all(|p| {
            let share = a.0 + (p.1 - a.1) / width * height;
            (share - p.0).abs() <= 0.001f64.min(0.02 * (1.0 - p.0))
        })
}

/// Spearman's rank correlation; equal values share their mean rank. Zero if one side is constant.
pub fn spearman(a: &[u32], b: &[u32]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let n = a.len().min(b.len()) as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut both, mut only_a, mut only_b) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(&b) {
        both += (x - mean_a) * (y - mean_b);
        only_a += (x - mean_a).powi(2);
        only_b += (y - mean_b).powi(2);
    }
    let scale = (only_a * only_b).sqrt();
    if scale > 0.0 { both / scale } else { 0.0 }
}

fn ranks(values: &[u32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|i| values[*i]);
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for run in order.chunk_by(|i, j| values[*i] == values[*j]) {
        let mean = start as f64 + 0.5 * (run.len() as f64 - 1.0);
        for i in run {
            ranks[*i] = mean;
        }
        start += run.len();
    }
    ranks
}
