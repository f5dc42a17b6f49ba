//! The course of a run in equal intervals.

use crate::domain::Outcome;
use crate::units::{Micros, Moment};

/// The interval histograms split each octave into 2⁴ equal parts: a width of at most 6.3 %.
const SPLIT_BITS: u32 = 4;
/// Octaves from 1 µs up: to about 71 minutes.
const OCTAVES: usize = 32;

/// What happened in one interval. Requests count where they end, arrivals where they begin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// Requests that were due.
    pub offered: u64,
    /// Attempts sent.
    pub sent: u64,
    /// Attempts refused by a quota.
    pub attempts_throttled: u64,
    /// Requests answered.
    pub completed: u64,
    /// Requests given up after a quota refusal.
    pub throttled: u64,
    /// Requests that failed, timed out or were not sent.
    pub lost: u64,
    /// Requests that met every latency bound.
    pub good: u64,
    /// Largest number of requests in progress or waiting.
    pub in_system: u64,
    /// Largest sampled share of a TPM limit that admission counted, in thousandths.
    pub reserved_permille: u64,
    /// Largest sampled share of a TPM limit that a dashboard showed, in thousandths.
    pub settled_permille: u64,
    /// Largest share of a TPM limit that settled in a whole clock minute, in thousandths. Samples may all fall
    /// into beginnings of minutes, so [`settled_permille`](Self::settled_permille) may be far less.
    pub settled_minute_permille: u64,
    /// TTFT of answered requests, in log-spaced buckets.
    ttft: Vec<u32>,
}

impl Interval {
    #[inline]
    fn record_ttft(&mut self, ttft: Micros) {
        if self.ttft.is_empty() {
            self.ttft = vec![0; OCTAVES << SPLIT_BITS];
        }
        let bucket = bucket(ttft).min(self.ttft.len() - 1);
        self.ttft[bucket] += 1;
    }

    /// A TTFT quantile within 3.2 %; `None` without answers.
    pub fn ttft_quantile(&self, share: f64) -> Option<Micros> {
        let count: u64 = self.ttft.iter().map(|&n| u64::from(n)).sum();
        let rank = ((count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let bucket = self.ttft.iter().position(|&n| {
            seen += u64::from(n);
            seen >= rank
        })?;
        Some(middle(bucket))
    }

    fn merge(&mut self, other: &Self) {
        self.offered += other.offered;
        self.sent += other.sent;
        self.attempts_throttled += other.attempts_throttled;
        self.completed += other.completed;
        self.throttled += other.throttled;
        self.lost += other.lost;
        self.good += other.good;
        self.in_system = self.in_system.max(other.in_system);
        self.reserved_permille = self.reserved_permille.max(other.reserved_permille);
        self.settled_permille = self.settled_permille.max(other.settled_permille);
        let minutes = (self.settled_minute_permille, other.settled_minute_permille);
        self.settled_minute_permille = minutes.0.max(minutes.1);
        if self.ttft.is_empty() {
            self.ttft.clone_from(&other.ttft);
        } else {
            for (sum, n) in self.ttft.iter_mut().zip(&other.ttft) {
                *sum += n;
            }
        }
    }
}

/// The bucket of a latency: its octave, and the four bits after its leading one.
#[inline]
fn bucket(latency: Micros) -> usize {
    // Below 16 µs a bucket would be narrower than the clock; such values share one octave.
    let value = latency.0.max(1 << SPLIT_BITS);
    let octave = value.ilog2();
    let split = (value >> (octave - SPLIT_BITS)) & ((1 << SPLIT_BITS) - 1);
    ((octave as usize) << SPLIT_BITS) | split as usize
}

/// The middle of a bucket.
fn middle(bucket: usize) -> Micros {
    let (octave, split) = (bucket >> SPLIT_BITS, bucket & ((1 << SPLIT_BITS) - 1));
    let width = 1u64 << (octave as u32).saturating_sub(SPLIT_BITS);
    Micros((1u64 << octave) + split as u64 * width + width / 2)
}

/// Intervals of equal width from the start of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    width: Micros,
    intervals: Vec<Interval>,
    /// The interval in hand and where it starts.
    current: usize,
    current_start: u64,
}

impl Timeline {
    /// An empty timeline whose width suits a run of this length: at most about 360 intervals.
    pub fn for_run(duration: Micros) -> Self {
        const WIDTHS_S: [u64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
        let wanted = duration.as_secs_f64() / 360.0;
        let seconds = WIDTHS_S
            .iter()
            .copied()
            .find(|&s| s as f64 >= wanted)
            .unwrap_or(21_600);
        Self {
            width: Micros::from_secs(seconds),
            intervals: vec![Interval::default()],
            current: 0,
            current_start: 0,
        }
    }

    /// The width of an interval.
    pub fn width(&self) -> Micros {
        self.width
    }

    /// The intervals in order.
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// The interval of a moment, made if it is new.
    #[inline]
    pub fn at(&mut self, now: Moment) -> &mut Interval {
        // Moments come mostly in order, so the interval in hand is nearly always the right one.
        if now.0.wrapping_sub(self.current_start) >= self.width.0 {
            self.move_to(now);
        }
        &mut self.intervals[self.current]
    }

    fn move_to(&mut self, now: Moment) {
        self.current = (now.0 / self.width.0) as usize;
        self.current_start = self.current as u64 * self.width.0;
        if self.current >= self.intervals.len() {
            self.intervals
                .resize_with(self.current + 1, Interval::default);
        }
    }

    /// Counts the end of a request; `ttft` is that of an answered, streamed one.
    #[inline]
    pub fn end(&mut self, now: Moment, outcome: Outcome, good: bool, ttft: Option<Micros>) {
        let interval = self.at(now);
        match outcome {
            Outcome::Completed => interval.completed += 1,
            Outcome::Throttled => interval.throttled += 1,
            _ => interval.lost += 1,
        }
        interval.good += u64::from(good);
        if let Some(ttft) = ttft {
            interval.record_ttft(ttft);
        }
    }

    /// Adds another timeline of the same width.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(
            self.width, other.width,
            "timelines of one variant share their width"
        );
        let len = self.intervals.len().max(other.intervals.len());
        self.intervals.resize_with(len, Interval::default);
        for (sum, interval) in self.intervals.iter_mut().zip(&other.intervals) {
            sum.merge(interval);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_the_bucket_width() {
        let mut timeline = Timeline::for_run(Micros::HOUR);
        assert_eq!(timeline.width(), Micros::from_secs(10));
        for ms in 1..=1000u64 {
            let ttft = Some(Micros::from_millis(ms));
            timeline.end(Moment(5), Outcome::Completed, true, ttft);
        }
        for (share, want) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let got = timeline.intervals()[0]
                .ttft_quantile(share)
                .expect("there are answers");
            assert!(
                (got.as_millis_f64() / want - 1.0).abs() < 0.035,
                "{share}: {got}"
            );
        }
        assert_eq!(Interval::default().ttft_quantile(0.5), None);
    }
}
