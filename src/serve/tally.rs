//! What is counted of the calls of one target, with the meaning that `CloudWatch` gives its metrics.

use crate::domain::{Failure, StreamFault, Usage};
use crate::units::Micros;

/// Upper bounds of the buckets of latencies, in milliseconds; above the last there is one more bucket.
pub(super) const BOUNDS_MS: [f64; 16] = [
    1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0,
    30_000.0, 60_000.0, 120_000.0,
];

/// How a call ended that was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was answered in full.
    Answered,
    /// Its answer broke off.
    Broken(StreamFault),
    /// It was admitted only to fail after a while.
    Refused(Failure),
    /// The client left before the end.
    Abandoned,
}

/// A call that has ended.
pub(super) struct Ended {
    pub(super) end: End,
    pub(super) usage: Usage,
    /// Tokens charged to a quota per minute.
    pub(super) quota_tokens: u64,
    /// From the arrival to the end.
    pub(super) latency: Micros,
    /// From the arrival to the first token, of streams.
    pub(super) first_token: Option<Micros>,
}

/// The counts of one target.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Successful calls only.
    pub(super) invocations: u64,
    pub(super) throttles: u64,
    pub(super) client_errors: u64,
    pub(super) server_errors: u64,
    /// Calls whose client left; `CloudWatch` has no such metric.
    pub(super) abandoned: u64,
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cache_read: u64,
    pub(super) cache_write: u64,
    /// Settled quota tokens; reservations are not in it.
    pub(super) quota_tokens: u64,
    pub(super) latency: Buckets,
    pub(super) first_token: Buckets,
}

/// A histogram with fixed bounds.
#[derive(Clone, Debug, Default)]
pub(super) struct Buckets {
    counts: [u64; BOUNDS_MS.len() + 1],
    sum_us: u64,
}

impl Buckets {
    pub(super) fn add(&mut self, span: Micros) {
        let ms = span.as_millis_f64();
        let bucket = BOUNDS_MS.partition_point(|bound| *bound < ms);
        self.counts[bucket] += 1;
        self.sum_us += span.0;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.sum_us += other.sum_us;
    }

    /// Sum in milliseconds, count, and each bucket with its upper bound.
    pub(super) fn parts(&self) -> (f64, u64, Vec<(f64, u64)>) {
        let bounds = BOUNDS_MS.into_iter().chain([f64::INFINITY]);
        let buckets = bounds.zip(self.counts).collect();
        (self.sum_us as f64 / 1e3, self.counts.iter().sum(), buckets)
    }
}

impl Tally {
    /// A call that was not admitted.
    pub(super) fn refused(&mut self, failure: Failure) {
        match failure {
            Failure::Throttled(_) => self.throttles += 1,
            Failure::NotReady
            | Failure::Validation
            | Failure::Denied
            | Failure::Rejected(_)
            | Failure::ModelTimeout => {
                self.client_errors += 1;
            }
            _ => self.server_errors += 1,
        }
    }

    /// A call that was admitted and has ended.
    pub(super) fn ended(&mut self, call: &Ended) {
        match call.end {
            End::Answered => {
                self.invocations += 1;
                self.latency.add(call.latency);
                if let Some(span) = call.first_token {
                    self.first_token.add(span);
                }
            }
            End::Refused(failure) => self.refused(failure),
            End::Broken(StreamFault::Throttled) => self.throttles += 1,
            End::Broken(_) => self.server_errors += 1,
            End::Abandoned => self.abandoned += 1,
        }
        self.input += u64::from(call.usage.input);
        self.output += u64::from(call.usage.output);
        self.cache_read += u64::from(call.usage.cache_read);
        self.cache_write += u64::from(call.usage.cache_write);
        self.quota_tokens += call.quota_tokens;
    }

    /// Whether no call was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.invocations + self.throttles + self.client_errors + self.server_errors + self.abandoned
            == 0
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.invocations, other.invocations),
            (&mut self.throttles, other.throttles),
            (&mut self.client_errors, other.client_errors),
            (&mut self.server_errors, other.server_errors),
            (&mut self.abandoned, other.abandoned),
            (&mut self.input, other.input),
            (&mut self.output, other.output),
            (&mut self.cache_read, other.cache_read),
            (&mut self.cache_write, other.cache_write),
            (&mut self.quota_tokens, other.quota_tokens),
        ] {
            *mine += theirs;
        }
        self.latency.merge(&other.latency);
        self.first_token.merge(&other.first_token);
    }
}
