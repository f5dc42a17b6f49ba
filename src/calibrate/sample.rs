//! One measured answer, and all those of a calibration.

use std::collections::BTreeMap;

/// One measured answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Which of the sources it comes from.
    pub source: usize,
    /// When it was sent, in microseconds: since 1970 where the source is dated, else since its start.
    pub at_us: Option<i64>,
    /// The model as the source names it.
    pub model: String,
    /// The Region or profile prefix that was called; empty if unknown.
    pub region: String,
    /// The service tier; empty if plain or unknown.
    pub tier: String,
    /// Thousands of input tokens that were not read from a cache.
    pub uncached_k: f64,
    /// Thousands of input tokens read from a cache.
    pub cached_k: f64,
    /// Output tokens.
    pub output: f64,
    /// Milliseconds to the first token.
    pub ttft_ms: Option<f64>,
    /// Milliseconds to the last token.
    pub total_ms: Option<f64>,
    /// Attempts of the same source that were on the wire when it was sent.
    pub in_flight: Option<u32>,
}

impl Sample {
    /// Milliseconds per output token after the first, where both ends are known.
    pub fn per_token_ms(&self) -> Option<f64> {
        let (ttft, total) = (self.ttft_ms?, self.total_ms?);
        (self.output >= 2.0 && total > ttft).then(|| (total - ttft) / (self.output - 1.0))
    }

    /// Output tokens after the first.
    pub fn later_tokens(&self) -> f64 {
        (self.output - 1.0).max(0.0)
    }
}

/// Measured answers of one or more sources.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// The answers, in the order of their sources.
    pub rows: Vec<Sample>,
    /// Whether every `at_us` counts from 1970.
    pub dated: bool,
    /// Rows that cannot be used, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Sources so far.
    pub sources: usize,
}

impl Samples {
    /// None yet.
    pub fn new() -> Self {
        Self {
            dated: true,
            ..Self::default()
        }
    }

    /// Counts a row that cannot be used.
    pub fn skip(&mut self, reason: &str) {
        *self.skipped.entry(reason.to_owned()).or_default() += 1;
    }

    /// Takes an answer if it has a positive time.
    pub fn take(&mut self, sample: Sample) {
        let bad = |ms: Option<f64>| ms.is_some_and(|ms| !ms.is_finite() || ms <= 0.0);
        if sample.ttft_ms.is_none() && sample.total_ms.is_none() {
            self.skip("no latency");
        } else if bad(sample.ttft_ms) || bad(sample.total_ms) {
            self.skip("a time that is not above zero");
        } else {
            self.rows.push(sample);
        }
    }

    /// Adds those of another source.
    pub fn add(&mut self, mut other: Self) {
        self.dated &= other.dated;
        for row in &mut other.rows {
            row.source = self.sources;
        }
        self.sources += 1;
        self.rows.extend(other.rows);
        for (reason, count) in other.skipped {
            *self.skipped.entry(reason).or_default() += count;
        }
    }

    /// Whether every row has a time.
    pub fn is_timed(&self) -> bool {
        self.rows.iter().all(|row| row.at_us.is_some())
    }
}
