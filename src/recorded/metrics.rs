//! The metrics of AWS/Bedrock as demand by the hour.
//!
//! `Invocations` counts what succeeded; a throttled attempt is neither there nor among the errors (user guide,
//! monitoring-runtime-metrics). Demand is the sum of all four. It counts attempts, so retries make it too high.

use crate::load::hourly::Hourly;
use crate::load::trace::{RowProblem, TraceError, moment_us};
use crate::units::Date;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Hours of the longest series: more than the age of `CloudWatch`.
const SPAN_MAX: u64 = 200_000;
/// Microseconds of an hour.
const HOUR_US: i64 = 3_600_000_000;

/// A metric of AWS/Bedrock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Calls that succeeded.
    Invocations,
    /// Throttled attempts.
    Throttles,
    /// Calls that were wrong.
    ClientErrors,
    /// Calls that failed in the service.
    ServerErrors,
    /// Input tokens outside the cache.
    InputTokens,
    /// Output tokens.
    OutputTokens,
    /// Input tokens read from the cache.
    CacheReadTokens,
    /// Input tokens written to it.
    CacheWriteTokens,
    /// Time to the first token of streams, in milliseconds.
    Ttft,
    /// Time to the end, in milliseconds.
    Latency,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Invocations,
        Self::Throttles,
        Self::ClientErrors,
        Self::ServerErrors,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CacheReadTokens,
        Self::CacheWriteTokens,
        Self::Ttft,
        Self::Latency,
    ];

    /// Its name in `CloudWatch`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invocations => "Invocations",
            Self::Throttles => "InvocationThrottles",
            Self::ClientErrors => "InvocationClientErrors",
            Self::ServerErrors => "InvocationServerErrors",
            Self::InputTokens => "InputTokenCount",
            Self::OutputTokens => "OutputTokenCount",
            Self::CacheReadTokens => "CacheReadInputTokenCount",
            Self::CacheWriteTokens => "CacheWriteInputTokenCount",
            Self::Ttft => "TimeToFirstToken",
            Self::Latency => "InvocationLatency",
        }
    }

    /// The metric whose name stands in a label or a column, such as `claude Invocations`.
    pub fn in_label(label: &str) -> Option<Self> {
        let words = || label.split(|c: char| !c.is_ascii_alphanumeric());
        Self::ALL
            .into_iter()
            .find(|metric| words().any(|word| word == metric.name()))
    }

    /// Whether values of parts of an hour are averaged and not summed.
    pub fn is_mean(self) -> bool {
        matches!(self, Self::Ttft | Self::Latency)
    }

    /// The statistic of `CloudWatch` that is read.
    pub fn statistic(self) -> &'static str {
        if self.is_mean() { "Average" } else { "Sum" }
    }
}

/// Values by hour and metric. Values of parts of an hour are put together; times are averaged without weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    hours: BTreeMap<i64, [(f64, u32); Metric::ALL.len()]>,
}

impl Metrics {
    /// Adds a value of a metric at a moment in microseconds since 1970.
    pub fn add(&mut self, metric: Metric, at_us: i64, value: f64) {
        if !value.is_finite() || value < 0.0 {
            return;
        }
        let hour = self.hours.entry(at_us.div_euclid(HOUR_US)).or_default();
        let (sum, n) = &mut hour[metric as usize];
        *sum += value;
        *n += 1;
    }

    /// The value of a metric in an hour.
    fn value(&self, metric: Metric, hour: i64) -> Option<f64> {
        let (sum, n) = self.hours.get(&hour)?[metric as usize];
        (n > 0).then(|| {
            if metric.is_mean() {
                sum / f64::from(n)
            } else {
                sum
            }
        })
    }

    /// The sum of a metric over all hours, or the mean of a time; `None` if it was never there.
    pub fn total(&self, metric: Metric) -> Option<f64> {
        let values: Vec<f64> = self
            .hours
            .keys()
            .filter_map(|h| self.value(metric, *h))
            .collect();
        let sum: f64 = values.iter().sum();
        let n = values.len();
        (n > 0).then(|| {
            if metric.is_mean() {
                sum / n as f64
            } else {
                sum
            }
        })
    }

    /// Hours from the first to the last; zero if there are none.
    pub fn span_hours(&self) -> u64 {
        match (self.hours.first_key_value(), self.hours.last_key_value()) {
            (Some((first, _)), Some((last, _))) => (last - first + 1).unsigned_abs(),
            _ => 0,
        }
    }

    /// The first hour, as a time stamp.
    pub fn first(&self) -> Option<String> {
        self.hours.first_key_value().map(|(hour, _)| stamp(*hour))
    }

    /// Demand in an hour: what succeeded, was throttled or failed.
    fn requests(&self, hour: i64) -> f64 {
        let counted = [
            Metric::Invocations,
            Metric::Throttles,
            Metric::ClientErrors,
            Metric::ServerErrors,
        ];
        // An empty sum would be minus zero.
        counted
            .iter()
            .filter_map(|metric| self.value(*metric, hour))
            .fold(0.0, |sum, value| sum + value)
    }

    /// Demand over all hours.
    pub fn requests_total(&self) -> f64 {
        self.hours.keys().map(|hour| self.requests(*hour)).sum()
    }

    /// The largest demand of an hour.
    pub fn requests_peak(&self) -> f64 {
        self.hours
            .keys()
            .map(|hour| self.requests(*hour))
            .fold(0.0, f64::max)
    }

    /// The series that `[plan.workload.NAME.hourly]` reads: every hour from the first to the last. `CloudWatch` has
    /// no value where nothing happened, so an hour without one had no requests.
    pub fn hourly_csv(&self) -> String {
        let mut out = String::from(
            "timestamp,requests,invocations,throttles,client_errors,server_errors,input_tokens,output_tokens,\
             cache_read_tokens,cache_write_tokens,ttft_ms,latency_ms\n",
        );
        let (Some((first, _)), Some((last, _))) =
            (self.hours.first_key_value(), self.hours.last_key_value())
        else {
            return out;
        };
        for hour in *first..=*last {
            // Writing to a string cannot fail.
            let _ = write!(out, "{},{}", stamp(hour), self.requests(hour));
            for metric in Metric::ALL {
                match self.value(metric, hour) {
                    Some(value) => {
                        let _ = write!(out, ",{value}");
                    }
                    None if metric.is_mean() => out.push(','),
                    None => out.push_str(",0"),
                }
            }
            out.push('\n');
        }
        out
    }

    /// A shape of the week for `[workload.shape.hour_of_week]`, mean 1.
    ///
    /// # Errors
    /// There is no demand.
    pub fn shape(&self, source: &str) -> Result<String, TraceError> {
        let series = Hourly::read(self.hourly_csv().as_bytes(), "timestamp", "requests")?;
        let week = series.typical_week();
        let mean = week.iter().sum::<f64>() / week.len() as f64;
        let mut out = format!(
            "# The typical week of requests, Monday 00:00 UTC first, over their mean.\n\
             description = \"demand by the hour of the week\"\nsource      = {}\nfactors = [\n",
            toml::Value::String(source.to_owned())
        );
        for day in week.chunks(24) {
            let factors: Vec<String> = day.iter().map(|v| format!("{:.4}", v / mean)).collect();
            let _ = writeln!(out, "  {},", factors.join(", "));
        }
        out.push_str("]\n");
        Ok(out)
    }
}

fn stamp(hour: i64) -> String {
    format!(
        "{}T{:02}:00:00Z",
        Date::from_days(hour.div_euclid(24)),
        hour.rem_euclid(24)
    )
}

/// Reads metrics from what was exported: JSON of `aws cloudwatch get-metric-data` or `get-metric-statistics`, or CSV
/// with a column of time stamps and columns named by metrics.
///
/// # Errors
/// Neither JSON nor CSV with a known metric.
pub fn read_metrics(metrics: &mut Metrics, text: &str) -> Result<(), TraceError> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with(['{', '[']) {
        let document: Value = serde_json::from_str(text)
            .map_err(|error| RowProblem::at("not JSON", error.to_string(), error.line() as u64))?;
        let mut found = 0;
        json(metrics, &document, None, &mut found);
        if found == 0 {
            return Err(nothing().into());
        }
    } else {
        csv_text(metrics, text)?;
    }
    if metrics.span_hours() > SPAN_MAX {
        return Err(RowProblem {
            message: format!("the values span {} hours", metrics.span_hours()),
            help: "check the time stamps".to_owned(),
            ..nothing()
        }
        .into());
    }
    Ok(())
}

fn nothing() -> RowProblem {
    RowProblem {
        line: None,
        field: None,
        value: None,
        message: "no metric of AWS/Bedrock was found".to_owned(),
        help: "labels and columns have to name one, such as Invocations or InputTokenCount"
            .to_owned(),
    }
}

/// Moments are texts, or numbers of seconds since 1970.
fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => moment_us(text),
        Value::Number(number) => number.as_f64().map(|seconds| (seconds * 1e6) as i64),
        _ => None,
    }
}

fn json(metrics: &mut Metrics, value: &Value, metric: Option<Metric>, found: &mut u64) {
    match value {
        Value::Array(values) => {
            for value in values {
                json(metrics, value, metric, found);
            }
        }
        Value::Object(fields) => {
            let label = ["Label", "MetricName", "Id"]
                .iter()
                .find_map(|key| fields.get(*key)?.as_str().and_then(Metric::in_label));
            let metric = label.or(metric);
            if let (Some(metric), Some(Value::Array(times)), Some(Value::Array(values))) =
                (metric, fields.get("Timestamps"), fields.get("Values"))
            {
                for (at, value) in times.iter().zip(values) {
                    if let (Some(at), Some(value)) = (moment(at), value.as_f64()) {
                        metrics.add(metric, at, value);
                        *found += 1;
                    }
                }
                return;
            }
            if let (Some(metric), Some(at)) = (metric, fields.get("Timestamp").and_then(moment))
                && let Some(value) = fields.get(metric.statistic()).and_then(Value::as_f64)
            {
                metrics.add(metric, at, value);
                *found += 1;
                return;
            }
            for value in fields.values() {
                json(metrics, value, metric, found);
            }
        }
        _ => {}
    }
}

fn csv_text(metrics: &mut Metrics, text: &str) -> Result<(), TraceError> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut columns: Option<Vec<Option<Metric>>> = None;
    let mut found = 0;
    for (number, row) in (1..).zip(reader.records()) {
        let row = row.map_err(|error| RowProblem::at("not CSV", error.to_string(), number))?;
        let at = row.get(0).and_then(csv_moment);
        match (&columns, at) {
            (Some(columns), Some(at)) => {
                for (metric, field) in columns.iter().zip(row.iter().skip(1)) {
                    if let (Some(metric), Ok(value)) = (metric, field.parse::<f64>()) {
                        metrics.add(*metric, at, value);
                        found += 1;
                    }
                }
            }
            (_, Some(_)) => {
                return Err(RowProblem::at(
                    "a row of values before any header",
                    "name the metrics in the first line",
                    number,
                )
                .into());
            }
            // The console writes several lines of labels above the values; the last with a metric counts.
            (_, None) => {
                let named: Vec<Option<Metric>> = row.iter().skip(1).map(Metric::in_label).collect();
                if named.iter().any(Option::is_some) {
                    columns = Some(named);
                }
            }
        }
    }
    if found > 0 {
        Ok(())
    } else {
        Err(nothing().into())
    }
}

/// Moments in CSV, also as the console writes them: `2026/11/01 13:00:00`.
fn csv_moment(text: &str) -> Option<i64> {
    moment_us(text).or_else(|| moment_us(&text.replace('/', "-").replace(' ', "T")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_793_534_400_000_000;

    #[test]
    fn demand_counts_what_was_refused() {
        let mut metrics = Metrics::default();
        metrics.add(Metric::Invocations, AT, 90.0);
        metrics.add(Metric::Invocations, AT + HOUR_US / 2, 5.0);
        metrics.add(Metric::Throttles, AT, 4.0);
        metrics.add(Metric::ServerErrors, AT, 1.0);
        metrics.add(Metric::Ttft, AT, 300.0);
        metrics.add(Metric::Ttft, AT + 60_000_000, 500.0);
        metrics.add(Metric::Invocations, AT + 2 * HOUR_US, 7.0);
        metrics.add(Metric::Invocations, AT, f64::NAN);
        let csv = metrics.hourly_csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[1], "2026-11-01T12:00:00Z,100,95,4,0,1,0,0,0,0,400,");
        assert_eq!(lines[2], "2026-11-01T13:00:00Z,0,0,0,0,0,0,0,0,0,,");
        assert_eq!(lines[3], "2026-11-01T14:00:00Z,7,7,0,0,0,0,0,0,0,,");
        assert_eq!(metrics.total(Metric::Ttft), Some(400.0));
        assert!((metrics.requests_peak() - 100.0).abs() < 1e-9);
        let series = Hourly::read(csv.as_bytes(), "timestamp", "requests").unwrap();
        assert_eq!(series.values, [100.0, 0.0, 7.0]);
    }

    #[test]
    fn exports_of_all_forms_are_the_same() {
        let mut wanted = Metrics::default();
        wanted.add(Metric::Invocations, AT, 12.0);
        wanted.add(Metric::Invocations, AT + HOUR_US, 3.0);
        let forms = [
            "{\"MetricDataResults\":[{\"Id\":\"m0\",\"Label\":\"Invocations\",\"Timestamps\":\
             [\"2026-11-01T12:00:00+00:00\",\"2026-11-01T13:00:00+00:00\"],\"Values\":[12.0,3.0]}]}",
            "{\"Label\":\"Invocations\",\"Datapoints\":[{\"Timestamp\":\"2026-11-01T12:00:00Z\",\"Sum\":12.0,\
             \"Unit\":\"Count\"},{\"Timestamp\":1793538000,\"Sum\":3}]}",
            "timestamp,Invocations\n2026-11-01T12:00:00Z,12\n2026-11-01 13:00,3\n",
            "Full label,claude Invocations\nLabel,\"claude Invocations\"\n2026/11/01 12:00:00,12\n\
             2026/11/01 13:00:00,3\n",
        ];
        for form in forms {
            let mut metrics = Metrics::default();
            read_metrics(&mut metrics, form).unwrap();
            assert_eq!(metrics, wanted, "{form}");
        }
    }

    #[test]
    fn other_files_are_refused() {
        for bad in [
            "",
            "{}",
            "{\"a\"",
            "a,b\n1,2\n",
            "2026-11-01,4\n",
            "\0\0",
            "[[[[1]]]]",
        ] {
            let error = read_metrics(&mut Metrics::default(), bad);
            assert!(error.is_err(), "{bad}");
        }
    }

    #[test]
    fn a_shape_is_one_in_the_mean() {
        let mut metrics = Metrics::default();
        for hour in 0..336 {
            metrics.add(
                Metric::Invocations,
                AT + hour * HOUR_US,
                (hour % 24 + 1) as f64,
            );
        }
        let shape = metrics.shape("a test").unwrap();
        let table: toml::Table = shape.parse().unwrap();
        let factors = table["factors"].as_array().unwrap();
        let sum: f64 = factors.iter().filter_map(toml::Value::as_float).sum();
        assert_eq!(factors.len(), 168);
        assert!((sum / 168.0 - 1.0).abs() < 1e-3);
        assert!(Metrics::default().shape("x").is_err());
    }
}
