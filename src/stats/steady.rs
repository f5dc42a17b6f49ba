//! Warm-up and steady state: where a run starts to count, and whether it has settled.

/// Where MSER cuts the warm-up off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUp {
    /// Values (or batches) to drop from the start.
    pub cut: usize,
    /// The score of that cut.
    pub score: f64,
    /// Whether the cut is the last one allowed, half of the run: then the run is too short.
    pub at_limit: bool,
}

/// MSER (White 1997): the cut d ≤ m/2 that minimises `Σ_{i>d}(Zᵢ − Z̄_d)² / (m − d)²`.
///
/// The first of equal scores wins. `None` if there are no values. Not for runs whose load follows
/// the time of day: they have no steady state to find.
pub fn mser(values: &[f64]) -> Option<WarmUp> {
    let limit = values.len() / 2;
    scores(values)
        .into_iter()
        .enumerate()
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(cut, score)| WarmUp {
            cut,
            score,
            at_limit: cut == limit,
        })
}

/// MSER-5: [`mser`] on means of five consecutive values; `cut` counts values.
pub fn mser5(values: &[f64]) -> Option<WarmUp> {
    let means: Vec<f64> = values
        .chunks_exact(5)
        .map(|five| five.iter().sum::<f64>() / 5.0)
        .collect();
    mser(&means).map(|warm_up| WarmUp {
        cut: warm_up.cut * 5,
        ..warm_up
    })
}

/// The MSER score of every cut from 0 to m/2.
fn scores(values: &[f64]) -> Vec<f64> {
    if values.is_empty() {
        return Vec::new();
    }
    let limit = values.len() / 2;
    let mut scores = vec![0.0; limit + 1];
    // Welford's update from the end gives the squares of every tail in one pass.
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for (index, &value) in values.iter().enumerate().rev() {
        count += 1.0;
        let off = value - mean;
        mean += off / count;
        squares += off * (value - mean);
        if index <= limit {
            scores[index] = squares / (count * count);
        }
    }
    scores
}

/// A least-squares line through equally spaced values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Change per step.
    pub slope: f64,
    /// Standard error of the slope.
    pub standard_error: f64,
}

impl Trend {
    /// Whether the slope is within one standard error of zero.
    pub fn is_level(self) -> bool {
        self.slope.abs() <= self.standard_error
    }
}

/// The trend of the last half of `values`; `None` if that half has fewer than three.
pub fn trend_of_last_half(values: &[f64]) -> Option<Trend> {
    let half = &values[values.len() / 2..];
    if half.len() < 3 {
        return None;
    }
    let count = half.len() as f64;
    let mean_x = (count - 1.0) / 2.0;
    let mean_y = half.iter().sum::<f64>() / count;
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (index, value) in half.iter().enumerate() {
        let x = index as f64 - mean_x;
        let y = value - mean_y;
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    let slope = xy / xx;
    let residual = (yy - slope * xy).max(0.0);
    Some(Trend {
        slope,
        standard_error: (residual / (count - 2.0) / xx).sqrt(),
    })
}

/// Whether the backlog does not grow: departures are at least 99% of arrivals.
pub fn keeps_up(arrivals: u64, departures: u64) -> bool {
    u128::from(departures) * 100 >= u128::from(arrivals) * 99
}

#[cfg(test)]
mod tests {
    use super::super::check::shown;
    use super::*;

    const SETTLING: [f64; 10] = [10.0, 6.0, 4.0, 3.0, 3.2, 2.8, 3.1, 2.9, 3.0, 3.0];

    #[test]
    fn mser_finds_the_published_cut() {
        let scores = scores(&SETTLING);
        assert_eq!(scores.len(), 6);
        shown(scores[0], 0.47, 2);
        for (score, want) in scores[1..]
            .iter()
            .zip([0.10274, 0.01523, 0.00204, 0.00278, 0.00208])
        {
            shown(*score, want, 5);
        }
        let warm_up = mser(&SETTLING).unwrap();
        assert_eq!((warm_up.cut, warm_up.at_limit), (3, false));
    }

    #[test]
    fn batches_of_five_scale_the_cut() {
        let values: Vec<f64> = SETTLING.iter().flat_map(|&z| [z; 5]).collect();
        assert_eq!(mser5(&values).unwrap().cut, 15);
        assert_eq!(mser5(&[1.0; 4]), None);
        assert_eq!(mser(&[]), None);
    }

    #[test]
    fn a_run_that_still_rises_is_cut_at_its_limit() {
        let rising: Vec<f64> = (0..20).map(f64::from).collect();
        assert!(mser(&rising).unwrap().at_limit);
        assert!(!trend_of_last_half(&rising).unwrap().is_level());
    }

    #[test]
    fn trends_by_hand() {
        // The last half is 1, 2, 2, 3: slope .6, residual .2, SE √(.2/2/5) = .1414.
        let trend = trend_of_last_half(&[9.0, 9.0, 9.0, 9.0, 1.0, 2.0, 2.0, 3.0]).unwrap();
        shown(trend.slope, 0.6, 9);
        shown(trend.standard_error, 0.1414, 4);
        assert!(
            trend_of_last_half(&[0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 1.0])
                .unwrap()
                .is_level()
        );
        assert_eq!(trend_of_last_half(&[1.0; 4]), None);
    }

    #[test]
    fn backlog_rule() {
        assert!(keeps_up(100, 99));
        assert!(!keeps_up(1000, 989));
        assert!(keeps_up(0, 0));
    }
}
