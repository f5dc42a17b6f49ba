//! Memory and descriptors of the server over time.

use super::Soak;
use super::process::Bedload;
use std::time::Duration;

/// What was seen of the process.
#[derive(Default)]
pub struct Watch {
    samples: Vec<Sample>,
    printed: Option<(Duration, u64)>,
    most_descriptors: usize,
}

struct Sample {
    at: Duration,
    rss_mib: f64,
}

/// Shorter runs say nothing about growth.
const LONG_ENOUGH: Duration = Duration::from_mins(1);
/// How often a line is printed.
const LINES: Duration = Duration::from_secs(10);

impl Watch {
    /// Notes how the server is.
    pub fn sample(&mut self, server: &Bedload, soak: &Soak) {
        let at = soak.began.elapsed();
        let (rss_mib, descriptors) = (server.rss_mib(), server.descriptors());
        self.samples.push(Sample { at, rss_mib });
        self.most_descriptors = self.most_descriptors.max(descriptors);
        let (last, before) = self.printed.unwrap_or_default();
        if at < last + LINES {
            return;
        }
        let totals = soak.ledger.borrow().totals();
        let calls: u64 = totals.iter().sum();
        let [answered, throttled, client, service, dropped, left] = totals;
        println!(
            "{:>6.0} s {rss_mib:>7.1} MiB {descriptors:>5} fds {:>6.0} calls/s; {answered} answered, \
             {throttled} throttled, {client} client errors, {service} server errors, {dropped} \
             dropped, {left} left",
            at.as_secs_f64(),
            (calls - before) as f64 / at.saturating_sub(last).as_secs_f64(),
        );
        self.printed = Some((at, calls));
    }

    /// The most descriptors at once.
    pub fn most_descriptors(&self) -> usize {
        self.most_descriptors
    }

    /// Memory in the second and in the last fifth of a run, where it is long enough.
    pub fn medians_mib(&self, length: Duration) -> Option<(f64, f64)> {
        if length < LONG_ENOUGH {
            return None;
        }
        let median = |from: f64, until: f64| {
            let span = length.mul_f64(from)..length.mul_f64(until);
            let within = self.samples.iter().filter(|one| span.contains(&one.at));
            let mut within: Vec<f64> = within.map(|one| one.rss_mib).collect();
            within.sort_by(f64::total_cmp);
            within.get(within.len() / 2).copied()
        };
        // The last sample comes when the time is just over.
        Some((median(0.2, 0.4)?, median(0.8, 1.1)?))
    }
}
