//! Histograms back out of the forms in which they are stored: interval logs, and single ones in base64.

use super::histogram::{HistogramError, LatencyHistogram};
use crate::units::Micros;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};

/// Reads an `HdrHistogram` interval log (V2) whose values are microseconds: tags with their histograms, in order.
///
/// # Errors
/// If a line is none of such a log, or a histogram does not decode.
pub fn read_interval_log(bytes: &[u8]) -> Result<Vec<(String, LatencyHistogram)>, HistogramError> {
    let mut found = Vec::new();
    for entry in IntervalLogIterator::new(bytes) {
        let entry = entry.map_err(|error| HistogramError::Decode(format!("{error:?}")))?;
        let LogEntry::Interval(interval) = entry else {
            continue;
        };
        let tag = interval.tag().map_or("", |tag| tag.as_str()).to_owned();
        found.push((tag, decode(interval.encoded_histogram())?));
    }
    Ok(found)
}

/// One histogram in the compressed V2 form of `HdrHistogram`, in base64, as other tools read it.
///
/// # Errors
/// If the counts do not fit the encoding.
pub fn encode(histogram: &LatencyHistogram) -> Result<String, HistogramError> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(&histogram.to_library(), &mut bytes)
        .map_err(|error| HistogramError::Encode(error.to_string()))?;
    Ok(STANDARD.encode(bytes))
}

/// The histogram of [`encode`].
///
/// # Errors
/// If the text is no such histogram.
pub fn decode(text: &str) -> Result<LatencyHistogram, HistogramError> {
    let bytes = STANDARD
        .decode(text.trim())
        .map_err(|error| HistogramError::Decode(error.to_string()))?;
    let stored: Histogram<u64> = Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|error| HistogramError::Decode(error.to_string()))?;
    let mut histogram = LatencyHistogram::new();
    for step in stored.iter_recorded() {
        histogram.record_n(Micros(step.value_iterated_to()), step.count_at_value());
    }
    Ok(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{LogInterval, write_interval_log};
    use proptest::prelude::*;

    fn filled(values: &[u64]) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        for &value in values {
            histogram.record(Micros(value));
        }
        histogram
    }

    #[test]
    fn a_log_reads_as_it_was_written() {
        let (first, second) = (filled(&[1, 2_000, 1_500_000]), filled(&[]));
        let interval = |tag, latencies| LogInterval {
            tag,
            start: Micros::ZERO,
            length: Micros::MINUTE,
            latencies,
        };
        let intervals = [interval("a/ttft", &first), interval("b/e2e", &second)];
        let log = write_interval_log(&["in microseconds"], &intervals).unwrap();
        let read = read_interval_log(&log).unwrap();
        let want = [("a/ttft".to_owned(), first), ("b/e2e".to_owned(), second)];
        assert_eq!(read, want);
    }

    #[test]
    fn what_is_no_histogram_is_an_error() {
        for text in ["", "not base64", "AAAA", "HISTFAAAAA=="] {
            decode(text).unwrap_err();
        }
        read_interval_log(b"Tag=a,0.0,1.0,1.0,AAAA\n").unwrap_err();
        read_interval_log(&[0xff, 0xfe, b'\n', 1]).unwrap_err();
        assert!(read_interval_log(b"").unwrap().is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn encoding_loses_nothing(values in prop::collection::vec(1u64..=3_600_000_000, 0..60)) {
            let histogram = filled(&values);
            prop_assert_eq!(decode(&encode(&histogram).unwrap()).unwrap(), histogram);
        }
    }
}
