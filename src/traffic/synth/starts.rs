//! When synthetic requests start.
//!
//! Bursts live in counts: the index of dispersion and the peak of windows of 1, 10 and 60 seconds are
//! kept because the counts of these windows are, in another order. Each minute has the number of requests
//! that it had; its 10-second windows with requests change places, and so do the seconds of each. Within a second
//! starts are drawn anew by gamma gaps, whose shape is fitted to how evenly starts lie in the seconds of
//! the source. Minutes with fewer than ten requests change places within their hour, so that no
//! single request is told by its minute.

use super::{SynthOptions, below, share, shuffle};
use crate::traffic::tables::LEAST_SUPPORT;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma};
use std::collections::BTreeMap;

const SECOND: u64 = 1_000_000;
/// Seconds of a minute, and of the windows within.
const MINUTE: usize = 60;
const WINDOW: usize = 10;
/// The range of the shape of gaps.
const SHAPES: (f64, f64) = (0.02, 50.0);

/// Counts per second, minute by minute, and how starts lie in a second.
pub(super) struct Starts {
    /// Counts by second; a minute without requests has none.
    minutes: Vec<Vec<u32>>,
    /// Seconds that the source covers.
    seconds: u64,
    shape: f64,
}

impl Starts {
    /// Of starts in microseconds since the first, ascending.
    pub(super) fn new(times: &[u64]) -> Self {
        let seconds = times.last().map_or(1, |last| last / SECOND + 1);
        let mut minutes = vec![Vec::new(); seconds.div_ceil(MINUTE as u64) as usize];
        for run in times.chunk_by(|a, b| a / SECOND == b / SECOND) {
            let second = run[0] / SECOND;
            let minute: &mut Vec<u32> = &mut minutes[(second / MINUTE as u64) as usize];
            minute.resize(MINUTE, 0);
            minute[(second % MINUTE as u64) as usize] = run.len() as u32;
        }
        Self {
            minutes,
            seconds,
            shape: shape_of(times),
        }
    }

    /// Starts in microseconds, ascending, the first at zero.
    pub(super) fn draw(&self, options: &SynthOptions, rng: &mut ChaCha8Rng) -> Vec<u64> {
        let is_open = options.requests.is_some() || options.duration.is_some();
        let most = options.requests.unwrap_or(u64::MAX);
        let until = options.duration.map_or(u64::MAX, |span| span.0);
        let gaps = Gamma::new(self.shape, 1.0).ok();
        let mut out = Vec::new();
        let mut began = 0;
        loop {
            for (minute, counts) in self.pass(rng).into_iter().enumerate() {
                for (second, count) in counts.into_iter().enumerate() {
                    let from = began + (minute * MINUTE + second) as u64 * SECOND;
                    let first = out.len();
                    lay(from, count, gaps.as_ref(), rng, &mut out);
                    if first == 0 && !out.is_empty() {
                        out[0] = from;
                    }
                    if out.len() as u64 >= most || from >= until {
                        out.truncate(usize::try_from(most).unwrap_or(usize::MAX));
                        out.retain(|at| *at < until);
                        return out;
                    }
                }
            }
            if !is_open {
                return out;
            }
            began += self.seconds * SECOND;
        }
    }

    /// The counts of one pass by minute and second.
    fn pass(&self, rng: &mut ChaCha8Rng) -> Vec<Vec<u32>> {
        let mut minutes = self.minutes.clone();
        Self::swap_sparse(&mut minutes, rng);
        let last = minutes.len() - 1;
        // The first second stays where it is, since time counts from its first request; and so does the last one.
        let end = ((self.seconds - 1) % MINUTE as u64) as usize;
        for (index, counts) in minutes.iter_mut().enumerate() {
            if counts.is_empty() {
                continue;
            }
            let from = usize::from(index == 0);
            let to = if index == last { end } else { MINUTE };
            mix(counts, from, to, rng);
        }
        minutes
    }

    /// Lets minutes with few requests change places within their hour; the first and the last minute stay.
    fn swap_sparse(minutes: &mut [Vec<u32>], rng: &mut ChaCha8Rng) {
        let count = |minute: &Vec<u32>| minute.iter().map(|n| *n as usize).sum::<usize>();
        let last = minutes.len() - 1;
        for hour in (0..minutes.len()).step_by(MINUTE) {
            let inner = hour.max(1)..(hour + MINUTE).min(last);
            let sparse: Vec<usize> = inner
                .filter(|index| count(&minutes[*index]) < LEAST_SUPPORT)
                .collect();
            for place in (1..sparse.len()).rev() {
                minutes.swap(sparse[place], sparse[below(rng, place + 1)]);
            }
        }
    }
}

/// Gives the seconds `from..to` of a minute another order: whole windows among those with requests, so that a silence
/// stays as long as it was, and the seconds of each window.
fn mix(counts: &mut [u32], from: usize, to: usize, rng: &mut ChaCha8Rng) {
    let is_busy = |window: &usize| {
        let start = window * WINDOW;
        counts[start..start + WINDOW].iter().any(|n| *n > 0)
    };
    let windows = from.div_ceil(WINDOW)..to / WINDOW;
    let windows: Vec<usize> = windows.filter(is_busy).collect();
    for place in (1..windows.len()).rev() {
        let (a, b) = (
            windows[place] * WINDOW,
            windows[below(rng, place + 1)] * WINDOW,
        );
        for second in 0..WINDOW {
            counts.swap(a + second, b + second);
        }
    }
    for window in 0..MINUTE / WINDOW {
        let (start, end) = ((window * WINDOW).max(from), ((window + 1) * WINDOW).min(to));
        if start < end {
            shuffle(&mut counts[start..end], rng);
        }
    }
}

/// Lays `count` starts into the second that begins at `from`: so many gamma gaps around a circle, from a random place
/// on.
fn lay(from: u64, count: u32, gaps: Option<&Gamma<f64>>, rng: &mut ChaCha8Rng, out: &mut Vec<u64>) {
    if count == 0 {
        return;
    }
    let gap = |rng: &mut ChaCha8Rng| gaps.map_or(1.0, |gaps| gaps.sample(rng));
    let drawn: Vec<f64> = (0..count).map(|_| gap(rng)).collect();
    let sum: f64 = drawn.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let mut place = share(rng);
    let first = out.len();
    for gap in &drawn {
        let within = (place.fract() * SECOND as f64) as u64;
        out.push(from + within.min(SECOND - 1));
        place += gap / sum;
    }
    out[first..].sort_unstable();
}

/// The shape of gaps: around the circle of a second, n starts leave n gaps, whose squares sum to
/// (k + 1) / (k n + 1) of the second's on average if the gaps have shape k.
fn shape_of(times: &[u64]) -> f64 {
    let mut squares = 0.0;
    let mut seconds: BTreeMap<usize, u64> = BTreeMap::new();
    for run in times.chunk_by(|a, b| a / SECOND == b / SECOND) {
        if run.len() < 2 {
            continue;
        }
        *seconds.entry(run.len()).or_default() += 1;
        let around = run[0] + SECOND - run[run.len() - 1];
        let within = run.windows(2).map(|two| two[1] - two[0]);
        for gap in within.chain([around]) {
            squares += (gap as f64 / SECOND as f64).powi(2);
        }
    }
    let expected = |shape: f64| -> f64 {
        let one = |(n, seconds): (&usize, &u64)| {
            *seconds as f64 * (shape + 1.0) / (shape * *n as f64 + 1.0)
        };
        seconds.iter().map(one).sum()
    };
    if seconds.is_empty() {
        return 1.0;
    }
    let (mut low, mut high) = SHAPES;
    for _ in 0..50 {
        let middle = (low * high).sqrt();
        if expected(middle) > squares {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low * high).sqrt()
}
