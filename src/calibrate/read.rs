//! Samples from what people have: run folders, logs, and tables with columns of their own.

use super::sample::{Sample, Samples};
use crate::load::trace::{CallEnd, Recorded, moment_us};
use crate::results::{Summary, read_summary};
use crate::units::Micros;
use crate::wire::request::ModelRef;
use serde::Deserialize;
use std::collections::BTreeMap;
use thiserror::Error;

/// Why a source cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}\n  help: {help}")]
pub struct SourceError {
    /// What is wrong, with the line where there is one.
    pub message: String,
    /// How to mend it.
    pub help: String,
}

impl SourceError {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }
}

/// What a line of `attempts.jsonl` tells of latency.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    variant: String,
    #[serde(default)]
    workload: String,
    sent_us: u64,
    first_token_us: Option<u64>,
    done_us: u64,
    end: String,
    #[serde(default)]
    input_tokens: u32,
    #[serde(default)]
    cache_read_tokens: u32,
    #[serde(default)]
    cache_write_tokens: u32,
    #[serde(default)]
    output_tokens: u32,
    last_content_us: Option<u64>,
    chunks: Option<u32>,
}

/// The attempts of a run: `attempts.jsonl`, with the run's `summary.json` and the moment at which it began
/// where they are known. Retries count as what they are, calls of their own.
///
/// # Errors
/// If the summary is not one, or no line is an attempt.
pub fn attempts(
    jsonl: &str,
    summary: Option<&str>,
    started_at: Option<&str>,
) -> Result<Samples, SourceError> {
    let summary = summary.map(read_summary).transpose().map_err(|error| {
        SourceError::new(error.to_string(), "name the folder of a finished run")
    })?;
    let live = summary.as_ref().is_some_and(|summary| {
        let mut variants = summary.variants.iter();
        variants.any(|variant| variant.live.is_some())
    });
    // Only a live run happened at a time of day.
    let began = started_at.filter(|_| live).and_then(moment_us);
    let models = summary.as_ref().map(models).unwrap_or_default();
    let mut samples = Samples::new();
    samples.dated = began.is_some();
    let mut parsed: Vec<(Line, usize)> = Vec::new();
    for text in jsonl.lines().filter(|text| !text.trim().is_empty()) {
        match serde_json::from_str::<Line>(text) {
            Ok(line) => parsed.push((line, 0)),
            Err(_) => samples.skip("not a line of attempts"),
        }
    }
    if parsed.is_empty() {
        return Err(SourceError::new(
            "no attempt in it",
            "simulate with `--attempts`, or name the folder of a live run",
        ));
    }
    count_in_flight(&mut parsed);
    for (line, in_flight) in parsed {
        if line.end != "answered" {
            samples.skip("not answered");
            continue;
        }
        let place = (line.variant, line.workload);
        let (model, region) = models.get(&place).cloned().unwrap_or_default();
        let ms = |us: u64| us.saturating_sub(line.sent_us) as f64 / 1000.0;
        let total = ms(line.last_content_us.unwrap_or(line.done_us));
        // An answer that came in one piece has no first token of its own.
        let whole = line.chunks == Some(0)
            || (line.output_tokens > 1 && line.first_token_us == line.last_content_us);
        samples.take(Sample {
            at_us: Some(began.unwrap_or(0) + line.sent_us as i64),
            model,
            region,
            uncached_k: f64::from(line.input_tokens + line.cache_write_tokens) / 1000.0,
            cached_k: f64::from(line.cache_read_tokens) / 1000.0,
            output: f64::from(line.output_tokens),
            ttft_ms: line.first_token_us.filter(|_| !whole).map(ms),
            total_ms: Some(total),
            in_flight: u32::try_from(in_flight).ok(),
            ..Sample::default()
        });
    }
    Ok(samples)
}

/// Model and Region of the workloads by variant and name.
fn models(summary: &Summary) -> BTreeMap<(String, String), (String, String)> {
    let variants = summary.variants.iter();
    let of_variant = |variant: &crate::results::VariantSummary| {
        let region = variant.live.as_ref().map(|live| live.region.clone());
        let name = variant.name.clone();
        let workloads = variant.workloads.iter().map(move |one| {
            let place = (name.clone(), one.name.clone());
            (
                place,
                (one.model.clone(), region.clone().unwrap_or_default()),
            )
        });
        workloads.collect::<Vec<_>>()
    };
    variants.flat_map(of_variant).collect()
}

/// Counts for each attempt of a variant those that were on the wire when it was sent.
fn count_in_flight(lines: &mut [(Line, usize)]) {
    let mut variants: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, (line, _)) in lines.iter().enumerate() {
        variants
            .entry(line.variant.clone())
            .or_default()
            .push(index);
    }
    for indices in variants.values() {
        let mut starts: Vec<(u64, usize)> =
            indices.iter().map(|&i| (lines[i].0.sent_us, i)).collect();
        let mut ends: Vec<u64> = indices.iter().map(|&i| lines[i].0.done_us).collect();
        starts.sort_unstable();
        ends.sort_unstable();
        let mut ended = 0;
        for (before, (at, index)) in starts.into_iter().enumerate() {
            while ends.get(ended).is_some_and(|&end| end <= at) {
                ended += 1;
            }
            lines[index].1 = before.saturating_sub(ended);
        }
    }
}

/// The answered calls of a log.
pub fn records(recorded: &Recorded) -> Samples {
    let mut samples = Samples::new();
    samples.dated = recorded.origin_unix_us.is_some();
    for (reason, count) in &recorded.skipped {
        samples.skipped.insert(reason.clone(), *count);
    }
    let origin = recorded.origin_unix_us.unwrap_or(0);
    for call in &recorded.calls {
        if call.end != CallEnd::Answered {
            samples.skip("not answered");
            continue;
        }
        let name = recorded.models.get(usize::from(call.model));
        let (model, region) = named(name.map_or("", String::as_str));
        let whole = call.streamed == Some(false);
        samples.take(Sample {
            at_us: Some(origin + call.at.0 as i64),
            model,
            region,
            uncached_k: (f64::from(call.input) + f64::from(call.cache_write)) / 1000.0,
            cached_k: f64::from(call.cache_read) / 1000.0,
            output: f64::from(call.output),
            ttft_ms: call.ttft.filter(|_| !whole).map(Micros::as_millis_f64),
            total_ms: call.latency.map(Micros::as_millis_f64),
            ..Sample::default()
        });
    }
    samples
}

/// Model id and Region or profile prefix of an id or ARN.
pub(super) fn named(id: &str) -> (String, String) {
    match ModelRef::parse(id) {
        ModelRef::Foundation { model_id, region } => (model_id, region.unwrap_or_default()),
        ModelRef::Profile {
            prefix, model_id, ..
        } => (model_id, prefix),
        ModelRef::Resource { .. } | ModelRef::Name(_) => (id.to_owned(), String::new()),
    }
}

/// Which columns of a table hold what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnMap {
    at: Option<String>,
    input: Vec<String>,
    cached: Vec<String>,
    output: Option<String>,
    ttft: Option<(String, Unit)>,
    latency: Option<(String, Unit)>,
    model: Option<String>,
    region: Option<String>,
    tier: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Seconds,
    Millis,
    Micros,
}

impl Unit {
    fn ms(self, value: f64) -> f64 {
        match self {
            Self::Seconds => 1000.0 * value,
            Self::Millis => value,
            Self::Micros => value / 1000.0,
        }
    }
}

const WHAT: &str = "write it like `at=time,input=input_tokens,output=output_tokens,ttft=ttft_s,\
                    latency=latency_ms,model=model_id`; there are also `cached`, `region` and `tier`";

/// Reads `at=…,input=…,output=…,ttft=…,latency=…,model=…`. Sizes may be sums, `input=fresh+written`. The unit
/// of a time is the end of its column's name (`_s`, `_ms`, `_us`) or stands behind it: `ttft=first:ms`.
///
/// # Errors
/// An entry that is none, or neither `ttft` nor `latency`.
pub fn columns(text: &str) -> Result<ColumnMap, SourceError> {
    let mut map = ColumnMap::default();
    for entry in text
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
    {
        let Some((key, column)) = entry.split_once('=') else {
            return Err(SourceError::new(format!("`{entry}` names no column"), WHAT));
        };
        let (key, column) = (key.trim(), column.trim());
        if column.is_empty() {
            return Err(SourceError::new(format!("`{entry}` names no column"), WHAT));
        }
        let sum = || column.split('+').map(|one| one.trim().to_owned()).collect();
        let name = || Some(column.to_owned());
        match key {
            "at" => map.at = name(),
            "input" => map.input = sum(),
            "cached" => map.cached = sum(),
            "output" => map.output = name(),
            "ttft" => map.ttft = Some(timed(column)?),
            "latency" => map.latency = Some(timed(column)?),
            "model" => map.model = name(),
            "region" => map.region = name(),
            "tier" => map.tier = name(),
            _ => {
                return Err(SourceError::new(
                    format!("`{key}` is no kind of column"),
                    WHAT,
                ));
            }
        }
    }
    if map.ttft.is_none() && map.latency.is_none() {
        return Err(SourceError::new("no column holds a latency", WHAT));
    }
    Ok(map)
}

fn timed(column: &str) -> Result<(String, Unit), SourceError> {
    let word = |unit: &str| match unit {
        "s" | "seconds" | "sec" => Some(Unit::Seconds),
        "ms" | "millis" | "milliseconds" => Some(Unit::Millis),
        "us" | "micros" | "microseconds" => Some(Unit::Micros),
        _ => None,
    };
    let found = if let Some((name, unit)) = column.rsplit_once(':') {
        word(unit).map(|unit| (name.to_owned(), unit))
    } else {
        let end = column.rsplit('_').next().unwrap_or_default();
        word(end).map(|unit| (column.to_owned(), unit))
    };
    found.ok_or_else(|| {
        SourceError::new(
            format!("the unit of the times in `{column}` is not known"),
            format!("say it like `{column}:s`, `{column}:ms` or `{column}:us`"),
        )
    })
}

/// The rows of a CSV file with a header.
///
/// # Errors
/// A column that is not there, or a file that is no CSV.
pub fn csv_samples(bytes: &[u8], map: &ColumnMap) -> Result<Samples, SourceError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = reader
        .headers()
        .map_err(|error| SourceError::new(error.to_string(), "give a CSV file with a header"))?
        .clone();
    let place = |name: &str| -> Result<usize, SourceError> {
        let found = header.iter().position(|column| column.trim() == name);
        found.ok_or_else(|| {
            let known: Vec<&str> = header.iter().collect();
            SourceError::new(
                format!("line 1: there is no column `{name}`"),
                format!("the columns are: {}", known.join(", ")),
            )
        })
    };
    let one = |name: &Option<String>| name.as_deref().map(place).transpose();
    let many = |names: &[String]| {
        names
            .iter()
            .map(|name| place(name))
            .collect::<Result<Vec<_>, _>>()
    };
    let time = |column: &Option<(String, Unit)>| {
        let placed = column
            .as_ref()
            .map(|(name, unit)| Ok((place(name)?, *unit)));
        placed.transpose()
    };
    let places = Places {
        at: one(&map.at)?,
        input: many(&map.input)?,
        cached: many(&map.cached)?,
        output: one(&map.output)?,
        ttft: time(&map.ttft)?,
        latency: time(&map.latency)?,
        model: one(&map.model)?,
        region: one(&map.region)?,
        tier: one(&map.tier)?,
    };
    let mut samples = Samples::new();
    samples.dated = false;
    let mut dated = 0;
    for row in reader.records() {
        match row {
            Err(_) => samples.skip("not a row of CSV"),
            Ok(row) => match places.sample(&row) {
                Ok((sample, is_dated)) => {
                    dated += usize::from(is_dated);
                    samples.take(sample);
                }
                Err(reason) => samples.skip(reason),
            },
        }
    }
    samples.dated = dated > 0 && dated >= samples.rows.len();
    Ok(samples)
}

/// Positions of columns.
struct Places {
    at: Option<usize>,
    input: Vec<usize>,
    cached: Vec<usize>,
    output: Option<usize>,
    ttft: Option<(usize, Unit)>,
    latency: Option<(usize, Unit)>,
    model: Option<usize>,
    region: Option<usize>,
    tier: Option<usize>,
}

impl Places {
    /// A row as a sample, and whether its time is a date.
    fn sample(&self, row: &csv::StringRecord) -> Result<(Sample, bool), &'static str> {
        let text = |place: usize| row.get(place).unwrap_or("").trim();
        let number = |place: usize| -> Result<Option<f64>, &'static str> {
            match text(place) {
                "" => Ok(None),
                text => match text.parse::<f64>() {
                    Ok(value) if value.is_finite() && value >= 0.0 => Ok(Some(value)),
                    _ => Err("a value that is no number from zero on"),
                },
            }
        };
        let sum = |places: &[usize]| {
            let values = places.iter().map(|&place| number(place));
            values
                .map(|value| Ok(value?.unwrap_or(0.0)))
                .sum::<Result<f64, &'static str>>()
        };
        let time = |place: Option<(usize, Unit)>| -> Result<Option<f64>, &'static str> {
            let Some((place, unit)) = place else {
                return Ok(None);
            };
            Ok(number(place)?.map(|value| unit.ms(value)))
        };
        let word = |place: Option<usize>| place.map_or("", text).to_owned();
        let output = self.output.map(number).transpose()?.flatten();
        if self.output.is_some() && output.is_none_or(|tokens| tokens < 1.0) {
            return Err("no output tokens");
        }
        let (model, prefix) = named(&word(self.model));
        let region = word(self.region);
        let stamp = self.at.map_or("", text);
        let date = moment_us(stamp);
        let seconds = || stamp.parse::<f64>().ok().filter(|s| s.is_finite());
        let sample = Sample {
            at_us: date.or_else(|| seconds().map(|s| (s * 1e6) as i64)),
            model,
            region: if prefix.is_empty() { region } else { prefix },
            tier: word(self.tier),
            uncached_k: sum(&self.input)? / 1000.0,
            cached_k: sum(&self.cached)? / 1000.0,
            output: output.unwrap_or(1.0),
            ttft_ms: time(self.ttft)?,
            total_ms: time(self.latency)?,
            ..Sample::default()
        };
        Ok((sample, date.is_some()))
    }
}
