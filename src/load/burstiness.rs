//! How bursty arrivals are: index of dispersion, peak-to-mean, and variation of gaps.
//!
//! The index of dispersion of counts, IDC(w) = Var N(w) / E N(w), is told at several windows,
//! since a merged stream of many bursty clients has harmless-looking gaps but still bursts.

use crate::units::{Micros, Moment, PerSecond};

/// The windows at which burstiness is reported.
pub const WINDOWS: [Micros; 4] = [
    Micros::SECOND,
    Micros::from_secs(10),
    Micros::MINUTE,
    Micros::from_secs(300),
];

/// Burstiness at one window length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowBurstiness {
    /// Length of the window.
    pub window: Micros,
    /// Variance of the counts over their mean; 1 for Poisson arrivals.
    pub idc: f64,
    /// Largest count over the mean count.
    pub peak_to_mean: f64,
}

/// Burstiness of a stream of arrivals.
#[derive(Clone, Debug, PartialEq)]
pub struct Burstiness {
    /// How many arrivals there were.
    pub requests: u64,
    /// Arrivals over the span.
    pub mean_rate: PerSecond,
    /// Coefficient of variation of the gaps; `None` with fewer than three arrivals.
    pub gap_cv: Option<f64>,
    /// Figures per window. A window is left out if fewer than two whole ones fit in the span or
    /// they hold no arrival.
    pub windows: Vec<WindowBurstiness>,
}

impl Burstiness {
    /// Of ascending arrivals within `span`; arrivals after the last whole window do not count
    /// for that window length.
    pub fn of(times: impl IntoIterator<Item = Moment>, span: Micros, windows: &[Micros]) -> Self {
        let mut counters: Vec<Counter> = windows.iter().map(|w| Counter::new(*w, span)).collect();
        let mut gaps = Moments::default();
        let (mut requests, mut last) = (0u64, None);
        for at in times {
            requests += 1;
            if let Some(before) = last.replace(at) {
                gaps.add(at.since(before).as_secs_f64());
            }
            for counter in &mut counters {
                counter.add(at);
            }
        }
        let seconds = span.as_secs_f64();
        Self {
            requests,
            mean_rate: PerSecond(if seconds > 0.0 {
                requests as f64 / seconds
            } else {
                0.0
            }),
            gap_cv: (gaps.n >= 2.0 && gaps.mean > 0.0)
                .then(|| (gaps.squares / gaps.n).sqrt() / gaps.mean),
            windows: counters.into_iter().filter_map(Counter::finish).collect(),
        }
    }
}

/// Mean and sum of squared deviations (Welford 1962).
#[derive(Default)]
struct Moments {
    n: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, x: f64) {
        self.n += 1.0;
        let delta = x - self.mean;
        self.mean += delta / self.n;
        self.squares += delta * (x - self.mean);
    }
}

/// Counts arrivals per window, keeping only sums.
struct Counter {
    window: Micros,
    whole: u64,
    current: u64,
    count: u64,
    sum: u64,
    squares: u128,
    peak: u64,
}

impl Counter {
    fn new(window: Micros, span: Micros) -> Self {
        let window = Micros(window.0.max(1));
        Self {
            window,
            whole: span.0 / window.0,
            current: 0,
            count: 0,
            sum: 0,
            squares: 0,
            peak: 0,
        }
    }

    fn add(&mut self, at: Moment) {
        let index = at.0 / self.window.0;
        if index >= self.whole {
            return;
        }
        if index != self.current {
            self.close();
            self.current = index;
        }
        self.count += 1;
    }

    fn close(&mut self) {
        self.sum += self.count;
        self.squares += u128::from(self.count) * u128::from(self.count);
        self.peak = self.peak.max(self.count);
        self.count = 0;
    }

    fn finish(mut self) -> Option<WindowBurstiness> {
        self.close();
        if self.whole < 2 || self.sum == 0 {
            return None;
        }
        let mean = self.sum as f64 / self.whole as f64;
        let variance = self.squares as f64 / self.whole as f64 - mean * mean;
        Some(WindowBurstiness {
            window: self.window,
            idc: variance.max(0.0) / mean,
            peak_to_mean: self.peak as f64 / mean,
        })
    }
}

#[cfg(test)]
mod tests;
