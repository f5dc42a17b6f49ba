//! Latencies in the cells of an `HdrHistogram`: three significant digits from 1 µs to 1 h.
//!
//! Counts are integers, so merging is exact and free of order: merge shards, then take quantiles,
//! and never average quantiles. Every value reported is the highest of its cell, at most 0.098%
//! (1/1,024) above the recorded one.

use crate::stats::quantile::{min_samples, rank};
use crate::units::Micros;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use thiserror::Error;

const SIGNIFICANT_DIGITS: u8 = 3;
const LOWEST: u64 = 1;
const HIGHEST: u64 = Micros::HOUR.0;

/// An octave of values has 2¹⁰ cells, the least power of two that tells three digits apart; below the
/// first octave each value has a cell of its own.
const CELL_BITS: u32 = 10;
/// The cells of the library's histogram with these bounds, so that each has its own here.
const CELLS: usize = cell_of(HIGHEST) + 1;

/// The cell of a value: its octave, and its leading bits.
#[inline]
const fn cell_of(value: u64) -> usize {
    let octave = (value | ((2 << CELL_BITS) - 1)).ilog2() - CELL_BITS;
    ((octave as usize) << CELL_BITS) + (value >> octave) as usize
}

/// The least value of a cell, and how many values it has.
fn values_of(cell: usize) -> (u64, u64) {
    let octave = (cell >> CELL_BITS).saturating_sub(1);
    let leading = cell - (octave << CELL_BITS);
    ((leading as u64) << octave, 1 << octave)
}

/// The highest value of a cell.
fn highest_of(cell: usize) -> u64 {
    let (least, width) = values_of(cell);
    least + width - 1
}

/// Why a histogram could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HistogramError {
    /// The counts do not fit the V2 encoding.
    #[error("cannot encode the histogram: {0}")]
    Encode(String),
    /// It is not one of those that this program writes.
    #[error("not a readable histogram: {0}")]
    Decode(String),
    /// A tag holds a comma, a space or a line break, which the log format cannot carry.
    #[error("`{0}` cannot be a tag of an interval log")]
    Tag(String),
}

/// Latencies of requests that were answered.
///
/// Requests without an answer are infinitely late; `results` adds them where it reads quantiles.
///
/// The cells are those of an `HdrHistogram`. They are counted here, because a simulation records up to three
/// latencies of each request and the library has more to look after; the tests compare the two.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyHistogram {
    cells: Box<[u64]>,
    count: u64,
    clamped: u64,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl LatencyHistogram {
    /// An empty histogram.
    pub fn new() -> Self {
        Self {
            cells: vec![0; CELLS].into_boxed_slice(),
            count: 0,
            clamped: 0,
        }
    }

    /// Records a latency.
    ///
    /// One above an hour counts as an hour and is counted in [`clamped`](Self::clamped); one below
    /// the clock's microsecond counts as one microsecond.
    #[inline]
    pub fn record(&mut self, latency: Micros) {
        self.clamped += u64::from(latency.0 > HIGHEST);
        self.cells[cell_of(latency.0.clamp(LOWEST, HIGHEST))] += 1;
        self.count += 1;
    }

    /// Adds all of `other`, exactly.
    pub fn merge(&mut self, other: &Self) {
        for (sum, count) in self.cells.iter_mut().zip(&other.cells) {
            *sum += count;
        }
        self.count += other.count;
        self.clamped += other.clamped;
    }

    /// Latencies recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Latencies above one hour, recorded as one hour.
    pub fn clamped(&self) -> u64 {
        self.clamped
    }

    /// The cells with something in them, ascending, and what is in them.
    fn filled(&self) -> impl DoubleEndedIterator<Item = (usize, u64)> {
        let cells = self.cells.iter().copied().enumerate();
        cells.filter(|&(_, count)| count > 0)
    }

    /// The mean of the latencies, in microseconds, from the middle of each cell.
    pub fn mean(&self) -> Option<f64> {
        let all = self.count as f64;
        let part = |(cell, count): (usize, u64)| {
            let (least, width) = values_of(cell);
            (least + width / 2) as f64 * count as f64 / all
        };
        (self.count > 0).then(|| self.filled().map(part).sum())
    }

    /// The largest latency, as the highest value of its cell.
    pub fn max(&self) -> Option<Micros> {
        let (cell, _) = self.filled().next_back()?;
        Some(Micros(highest_of(cell)))
    }

    /// The least latency, as the lowest value of its cell.
    pub fn min(&self) -> Option<Micros> {
        let (cell, _) = self.filled().next()?;
        Some(Micros(values_of(cell).0))
    }

    /// The quantile of the latencies; `None` below the minimum sample size.
    pub fn quantile(&self, share: f64) -> Option<Micros> {
        (self.count() >= min_samples(share).max(1))
            .then(|| self.at_rank(rank(share, self.count())))
            .flatten()
    }

    /// The latency at a rank, counted from 1; `None` beyond the last.
    pub fn at_rank(&self, rank: u64) -> Option<Micros> {
        if rank == 0 || rank > self.count {
            return None;
        }
        let mut seen = 0;
        let cell = self.cells.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(Micros(highest_of(cell)))
    }

    /// The share of the latencies within `bound`; `None` if there are none.
    ///
    /// Exact up to the cell that `bound` falls in, which counts as within.
    pub fn share_within(&self, bound: Micros) -> Option<f64> {
        let last = cell_of(bound.0.min(HIGHEST));
        let within: u64 = self.cells[..=last].iter().sum();
        (self.count > 0).then(|| within as f64 / self.count as f64)
    }

    /// Records a latency many times: at most 2⁴⁸, so that no sum of what a file says can overflow.
    pub(super) fn record_n(&mut self, latency: Micros, times: u64) {
        let times = times.min(1 << 48);
        self.cells[cell_of(latency.0.clamp(LOWEST, HIGHEST))] += times;
        self.count += times;
    }

    /// The library's histogram of the same latencies.
    pub(super) fn to_library(&self) -> Histogram<u64> {
        let mut all = Histogram::new_with_bounds(LOWEST, HIGHEST, SIGNIFICANT_DIGITS)
            .expect("the bounds are constant and valid");
        for (cell, count) in self.filled() {
            all.saturating_record_n(values_of(cell).0, count);
        }
        all
    }
}

/// One line of an interval log: the latencies of one metric in one interval.
#[derive(Clone, Copy, Debug)]
pub struct Interval<'a> {
    /// What was measured, such as `on-demand/ttft`: no comma, space or line break.
    pub tag: &'a str,
    /// The start, since the start of the run.
    pub start: Micros,
    /// The length.
    pub length: Micros,
    /// The latencies.
    pub latencies: &'a LatencyHistogram,
}

/// Writes histograms as an `HdrHistogram` interval log (V2), which other tools read.
///
/// Values stay in microseconds; the readable maximum of each line is in seconds. Requests
/// without an answer are not part of the format.
pub fn write_interval_log(
    comments: &[&str],
    intervals: &[Interval<'_>],
) -> Result<Vec<u8>, HistogramError> {
    let encode = |error: &dyn std::fmt::Display| HistogramError::Encode(error.to_string());
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder.with_max_value_divisor(1e6);
    for comment in comments {
        builder.add_comment(comment);
    }
    let mut writer = builder
        .begin_log_with(&mut bytes, &mut serializer)
        .map_err(|error| encode(&error))?;
    for interval in intervals {
        let tag =
            Tag::new(interval.tag).ok_or_else(|| HistogramError::Tag(interval.tag.to_owned()))?;
        writer
            .write_histogram(
                &interval.latencies.to_library(),
                std::time::Duration::from_micros(interval.start.0),
                std::time::Duration::from_micros(interval.length.0),
                Some(tag),
            )
            .map_err(|error| encode(&error))?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Keyed;
    use crate::stats::quantile::nearest_rank;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use proptest::prelude::*;

    fn filled(values: impl IntoIterator<Item = u64>) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        for value in values {
            histogram.record(Micros(value));
        }
        histogram
    }

    /// Whether a reported value is the true one or at most 1/1,024 above it.
    fn near(got: Micros, want: u64) -> bool {
        got.0 >= want && got.0 - want <= want / 1024
    }

    #[test]
    fn quantiles_need_their_samples() {
        let check = |count: u64, share, known: bool| {
            let histogram = filled(1..=count);
            assert_eq!(
                histogram.quantile(share).is_some(),
                known,
                "{count} {share}"
            );
        };
        check(28, 0.9, false);
        check(29, 0.9, true);
        check(298, 0.99, false);
        check(299, 0.99, true);
        check(2994, 0.999, false);
        check(2995, 0.999, true);
        assert_eq!(LatencyHistogram::new().quantile(0.5), None);
        assert_eq!(LatencyHistogram::new().mean(), None);
        assert_eq!(LatencyHistogram::new().quantile(0.0), None);
        assert_eq!(filled([5]).quantile(f64::NAN), None);
    }

    #[test]
    fn values_beyond_the_range_are_clamped_and_counted() {
        let histogram = filled([0, 1, HIGHEST, HIGHEST + 1, u64::MAX]);
        assert_eq!((histogram.count(), histogram.clamped()), (5, 2));
        assert!(near(histogram.max().unwrap(), HIGHEST));
        assert_eq!(histogram.at_rank(1), Some(Micros(1)));
        assert_eq!(histogram.at_rank(2), Some(Micros(1)));
        assert_eq!(histogram.at_rank(6), None);
    }

    #[test]
    fn lognormal_quantiles_are_within_a_thousandth() {
        let keyed = Keyed::new(11, "histogram");
        let mut values: Vec<u64> = (0..100_000)
            .map(|id| (1e6 * keyed.normal(id).exp()) as u64)
            .collect();
        let histogram = filled(values.iter().copied());
        values.sort_unstable();
        for share in [0.5, 0.9, 0.95, 0.99, 0.999] {
            let exact = nearest_rank(&values, share).unwrap();
            assert!(near(histogram.quantile(share).unwrap(), exact), "{share}");
        }
        let mean = values.iter().sum::<u64>() as f64 / values.len() as f64;
        assert!((histogram.mean().unwrap() / mean - 1.0).abs() < 5e-4);
    }

    #[test]
    fn interval_logs_are_readable() {
        let histogram = filled([1_500_000]);
        let interval = Interval {
            tag: "base/ttft",
            start: Micros::from_secs(60),
            length: Micros::MINUTE,
            latencies: &histogram,
        };
        let log = write_interval_log(&["values in microseconds"], &[interval]).unwrap();
        let entries: Vec<LogEntry<'_>> = IntervalLogIterator::new(&log)
            .filter_map(Result::ok)
            .collect();
        let logged = entries
            .iter()
            .find_map(|entry| match entry {
                LogEntry::Interval(logged) => Some(logged),
                _ => None,
            })
            .unwrap();
        assert_eq!(logged.tag().unwrap().as_str(), "base/ttft");
        assert_eq!(logged.start_timestamp().as_secs(), 60);
        assert!((logged.max() - 1.5).abs() < 2e-3);
        let odd = Interval {
            tag: "a,b",
            ..interval
        };
        assert!(matches!(
            write_interval_log(&[], &[odd]),
            Err(HistogramError::Tag(_))
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn it_says_what_the_library_says(
            values in prop::collection::vec(1u64..=HIGHEST, 1..80),
            small in prop::collection::vec(1u64..10_000, 1..80),
            bound in 0u64..=HIGHEST,
        ) {
            let values = || values.iter().chain(&small).copied();
            let ours = filled(values());
            let mut library = Histogram::<u64>::new_with_bounds(LOWEST, HIGHEST, SIGNIFICANT_DIGITS).unwrap();
            for value in values() {
                library.record(value).unwrap();
                prop_assert_eq!(highest_of(cell_of(value)), library.highest_equivalent(value));
                prop_assert_eq!(values_of(cell_of(value)).0, library.lowest_equivalent(value));
            }
            prop_assert_eq!(&ours.to_library().iter_recorded().collect::<Vec<_>>(), &library.iter_recorded().collect::<Vec<_>>());
            prop_assert_eq!(ours.count(), library.len());
            prop_assert_eq!(ours.mean(), Some(library.mean()));
            prop_assert_eq!(ours.max(), Some(Micros(library.max())));
            prop_assert_eq!(ours.min(), Some(Micros(library.min())));
            for rank in 1..=ours.count() {
                let share = (rank as f64 - 0.5) / ours.count() as f64;
                prop_assert_eq!(ours.at_rank(rank), Some(Micros(library.value_at_quantile(share))));
            }
            let within = library.count_between(0, bound) as f64 / library.len() as f64;
            prop_assert_eq!(ours.share_within(Micros(bound)), Some(within));
        }

        #[test]
        fn merge_of_histograms_is_the_histogram_of_the_merge(
            a in prop::collection::vec(0u64..5_000_000_000, 0..50),
            b in prop::collection::vec(0u64..5_000_000_000, 0..50),
        ) {
            let mut merged = filled(a.iter().copied());
            let other = filled(b.iter().copied());
            let whole = filled(a.into_iter().chain(b));
            merged.merge(&other);
            prop_assert_eq!(merged, whole);
        }

        #[test]
        fn ranks_are_monotone_and_within_a_thousandth(
            mut values in prop::collection::vec(1u64..=HIGHEST, 1..80),
        ) {
            let histogram = filled(values.iter().copied());
            values.sort_unstable();
            let mut previous = Micros::ZERO;
            for (index, &exact) in values.iter().enumerate() {
                let got = histogram.at_rank(index as u64 + 1).unwrap();
                prop_assert!(near(got, exact), "rank {} gives {:?}, exact {}", index + 1, got, exact);
                prop_assert!(got >= previous);
                previous = got;
            }
            prop_assert_eq!(Some(previous), histogram.max());
        }
    }
}
