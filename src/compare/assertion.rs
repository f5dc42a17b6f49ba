//! Absolute thresholds: `ttft.p99 < 2.5s`, `chat/ttft.p99 < 2.5s`, `throttled_share < 0.1%`.

use super::gather::FolderText;
use crate::results::compare::AssertionSummary;
use crate::results::report::Unit;
use crate::results::{Absence, Percentiles, RequestSummary, VariantSummary, WorkloadSummary};
use crate::units::{Micros, PerSecond, UnitText};
use thiserror::Error;

/// A threshold as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Assertion {
    text: String,
    workload: Option<String>,
    metric: String,
    relation: Relation,
    bound: f64,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// Why a text is no threshold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AssertionError {
    /// Nothing to compare with.
    #[error("`{0}` compares nothing: write it like `ttft.p99 < 2.5s`, with `<`, `<=`, `>` or `>=`")]
    Relation(String),
    /// No such metric.
    #[error("there is no metric `{metric}`; there are {known}")]
    Metric {
        /// As it was written.
        metric: String,
        /// Those that are.
        known: String,
    },
    /// No such bound.
    #[error("`{value}` is no bound for `{metric}`: write it like {example}")]
    Value {
        /// As it was written.
        value: String,
        /// The metric.
        metric: String,
        /// What would do.
        example: &'static str,
    },
    /// No such workload.
    #[error("`{text}`: the result has no workload `{workload}`; it has {known}")]
    Workload {
        /// The whole assertion.
        text: String,
        /// As it was written.
        workload: String,
        /// Those that are.
        known: String,
    },
}

const LATENCIES: [&str; 7] = [
    "ttft",
    "attempt_ttft",
    "e2e",
    "attempt_e2e",
    "tpot",
    "ttft_all",
    "e2e_all",
];
const READINGS: [&str; 7] = ["p50", "p90", "p95", "p99", "p999", "mean", "max"];
const FIGURES: [(&str, Unit); 8] = [
    ("throttled_share", Unit::Share),
    ("error_share", Unit::Share),
    ("attainment", Unit::Share),
    ("goodput", Unit::PerSecond),
    ("amplification", Unit::Number),
    ("cost.month_usd", Unit::UsdPerMonth),
    ("cost.run_usd", Unit::Usd),
    ("cost_per_request", Unit::Usd),
];

/// What a result says of a metric.
enum Seen {
    Value(f64),
    Infinite,
    /// For a reason.
    Unknown(&'static str),
}

impl Assertion {
    /// Reads a threshold.
    ///
    /// # Errors
    /// If it names no metric, or its bound has another unit.
    pub fn parse(text: &str) -> Result<Self, AssertionError> {
        let found = text
            .char_indices()
            .find(|(_, c)| ['<', '>', '≤', '≥'].contains(c));
        let (at, sign) = found.ok_or_else(|| AssertionError::Relation(text.to_owned()))?;
        let rest = &text[at + sign.len_utf8()..];
        let (equal, value) = match rest.strip_prefix('=') {
            Some(value) => (true, value),
            None => (false, rest),
        };
        let relation = match (sign, equal) {
            ('<', false) => Relation::Less,
            ('>', false) => Relation::Greater,
            ('<' | '≤', _) => Relation::AtMost,
            _ => Relation::AtLeast,
        };
        let name = text[..at].trim();
        // A workload may have a slash in its name; a metric has none.
        let (workload, metric) = match name.rsplit_once('/') {
            Some((workload, metric)) => (Some(workload.trim().to_owned()), metric.trim()),
            None => (None, name),
        };
        let unit = unit_of(metric).ok_or_else(|| AssertionError::Metric {
            metric: metric.to_owned(),
            known: known(),
        })?;
        let bound = bound(value.trim(), unit).ok_or_else(|| AssertionError::Value {
            value: value.trim().to_owned(),
            metric: metric.to_owned(),
            example: example(unit),
        })?;
        Ok(Self {
            text: text.trim().to_owned(),
            workload,
            metric: metric.to_owned(),
            relation,
            bound,
            unit,
        })
    }

    fn holds(&self, value: f64) -> bool {
        match self.relation {
            Relation::Less => value < self.bound,
            Relation::AtMost => value <= self.bound,
            Relation::Greater => value > self.bound,
            Relation::AtLeast => value >= self.bound,
        }
    }

    fn wants_less(&self) -> bool {
        matches!(self.relation, Relation::Less | Relation::AtMost)
    }
}

fn known() -> String {
    let figures = FIGURES.map(|(name, _)| name);
    format!(
        "{} with .{}, and {}",
        LATENCIES.join(", "),
        READINGS.join(", ."),
        figures.join(", ")
    )
}

fn unit_of(metric: &str) -> Option<Unit> {
    if let Some((_, unit)) = FIGURES.iter().find(|(name, _)| *name == metric) {
        return Some(*unit);
    }
    let (latency, reading) = metric.split_once('.')?;
    (LATENCIES.contains(&latency) && READINGS.contains(&reading)).then_some(Unit::Millis)
}

fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::Millis => "2.5s or 800ms",
        Unit::Share => "0.1% or 0.001",
        Unit::PerSecond => "12/s",
        Unit::Usd | Unit::UsdPerMonth => "$9000",
        _ => "1.2",
    }
}

fn bound(value: &str, unit: Unit) -> Option<f64> {
    let number = |text: &str| {
        let value: f64 = text.trim().replace(['_', ','], "").parse().ok()?;
        value.is_finite().then_some(value)
    };
    match unit {
        Unit::Millis => Micros::parse_unit(value).ok().map(Micros::as_millis_f64),
        Unit::Share => match value.strip_suffix('%') {
            Some(percent) => number(percent).map(|percent| percent / 100.0),
            None => number(value),
        },
        Unit::PerSecond => match PerSecond::parse_unit(value) {
            Ok(rate) => Some(rate.0),
            Err(_) => number(value),
        },
        Unit::Usd | Unit::UsdPerMonth => number(value.strip_prefix('$').unwrap_or(value)),
        _ => number(value),
    }
}

/// Every assertion on every variant, judged by the worst of the folders.
///
/// Figures of a folder are those of all its replications together; folders are never averaged. Folders whose
/// figures cannot be relied on leave an assertion open that holds in the others.
///
/// # Errors
/// If a workload does not exist.
pub fn judge(
    assertions: &[Assertion],
    folders: &[FolderText],
    variants: &[String],
) -> Result<Vec<AssertionSummary>, AssertionError> {
    let mut judged = Vec::new();
    for assertion in assertions {
        for name in variants {
            let found: Vec<(&FolderText, &VariantSummary)> = folders
                .iter()
                .flat_map(|folder| folder.summary.variants.iter().map(move |one| (folder, one)))
                .filter(|(_, one)| one.name == *name)
                .collect();
            judged.push(judge_one(assertion, name, &found)?);
        }
    }
    Ok(judged)
}

fn judge_one(
    assertion: &Assertion,
    variant: &str,
    found: &[(&FolderText, &VariantSummary)],
) -> Result<AssertionSummary, AssertionError> {
    let mut worst: Option<f64> = None;
    let mut unknown = None;
    let mut spoilt = 0;
    for (folder, of) in found {
        let is_sound = folder.summary.valid && !folder.summary.partial && !folder.manifest.partial;
        spoilt += usize::from(!is_sound);
        match seen(assertion, of)? {
            Seen::Unknown(why) => unknown = Some(why),
            Seen::Infinite => worst = Some(f64::INFINITY),
            Seen::Value(value) => {
                worst = Some(match worst {
                    None => value,
                    Some(before) if assertion.wants_less() => before.max(value),
                    Some(before) => before.min(value),
                });
            }
        }
    }
    let misses = worst.is_some_and(|value| !assertion.holds(value));
    let (holds, reason) = match (worst, unknown) {
        (Some(value), _) if misses => (
            Some(false),
            format!("it is {}", words(value, assertion.unit)),
        ),
        (_, Some(why)) => (None, why.to_owned()),
        (None, None) => (None, "no result has this variant".to_owned()),
        (Some(_), None) if spoilt > 0 => {
            (None, "there are runs that cannot be relied on".to_owned())
        }
        (Some(value), None) => (
            Some(true),
            format!("it is {}", words(value, assertion.unit)),
        ),
    };
    Ok(AssertionSummary {
        text: assertion.text.clone(),
        variant: variant.to_owned(),
        holds,
        seen: worst.filter(|value| value.is_finite()),
        bound: assertion.bound,
        unit: assertion.unit,
        reason,
    })
}

/// What is read of a variant or of one of its workloads.
struct Figures<'s> {
    latencies: [&'s Percentiles; LATENCIES.len()],
    requests: &'s RequestSummary,
    attainment: Option<f64>,
    goodput: Option<f64>,
    amplification: Option<f64>,
    month_usd: Option<f64>,
    run_usd: Option<f64>,
}

fn of_variant(one: &VariantSummary) -> Figures<'_> {
    Figures {
        latencies: [
            &one.ttft_ms,
            &one.attempt_ttft_ms,
            &one.e2e_ms,
            &one.attempt_e2e_ms,
            &one.tpot_ms,
            &one.ttft_all_ms,
            &one.e2e_all_ms,
        ],
        requests: &one.requests,
        attainment: one.slo.attainment,
        goodput: one.goodput_rps,
        amplification: one.attempts.amplification,
        month_usd: one.cost.month_usd,
        run_usd: one.cost.run_usd,
    }
}

fn of_workload(one: &WorkloadSummary) -> Figures<'_> {
    Figures {
        latencies: [
            &one.ttft_ms,
            &one.attempt_ttft_ms,
            &one.e2e_ms,
            &one.attempt_e2e_ms,
            &one.tpot_ms,
            &one.ttft_all_ms,
            &one.e2e_all_ms,
        ],
        requests: &one.requests,
        attainment: one.attainment,
        goodput: one.goodput_rps,
        amplification: one.attempts.amplification,
        month_usd: one.cost.month_usd,
        run_usd: one.cost.run_usd,
    }
}

fn seen(assertion: &Assertion, variant: &VariantSummary) -> Result<Seen, AssertionError> {
    let figures = match &assertion.workload {
        None => of_variant(variant),
        Some(name) => {
            let found = variant.workloads.iter().find(|one| one.name == *name);
            of_workload(found.ok_or_else(|| {
                let names: Vec<&str> = variant
                    .workloads
                    .iter()
                    .map(|one| one.name.as_str())
                    .collect();
                AssertionError::Workload {
                    text: assertion.text.clone(),
                    workload: name.clone(),
                    known: names.join(", "),
                }
            })?)
        }
    };
    Ok(reading(&assertion.metric, &figures))
}

fn reading(metric: &str, figures: &Figures<'_>) -> Seen {
    if let Some((latency, name)) = metric.split_once('.')
        && let Some(place) = LATENCIES.iter().position(|one| *one == latency)
    {
        return match figures.latencies[place].reading(name) {
            Ok(value) => Seen::Value(value),
            Err(Absence::Never) => Seen::Infinite,
            Err(Absence::TooFew) => Seen::Unknown("there are too few requests for it"),
            Err(Absence::NotApplicable) => Seen::Unknown("there is no such latency"),
        };
    }
    let requests = figures.requests;
    let share = |count: u64| (requests.offered > 0).then(|| count as f64 / requests.offered as f64);
    let value = match metric {
        "throttled_share" => share(requests.throttled),
        "error_share" => share(requests.offered.saturating_sub(requests.completed)),
        "attainment" => figures.attainment,
        "goodput" => figures.goodput,
        "amplification" => figures.amplification,
        "cost.month_usd" => figures.month_usd,
        "cost.run_usd" => figures.run_usd,
        _ => figures
            .run_usd
            .filter(|_| requests.completed > 0)
            .map(|usd| usd / requests.completed as f64),
    };
    value.map_or(Seen::Unknown("it is not known"), Seen::Value)
}

fn words(value: f64, unit: Unit) -> String {
    if value.is_infinite() {
        return "infinite: requests without an answer reach that far".to_owned();
    }
    match unit {
        Unit::Millis => format!("{value:.0} ms"),
        Unit::Share => format!("{:.3} %", 100.0 * value),
        Unit::PerSecond => format!("{value:.2}/s"),
        Unit::UsdPerMonth => format!("${value:.2} a month"),
        Unit::Usd => format!("${value:.6}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_read_as_they_are_written() {
        let check = |text: &str, workload: Option<&str>, metric: &str, relation, bound: f64| {
            let read = Assertion::parse(text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(read.workload.as_deref(), workload, "{text}");
            assert_eq!((read.metric.as_str(), read.relation), (metric, relation));
            assert!((read.bound - bound).abs() < 1e-9, "{text} {}", read.bound);
        };
        check("ttft.p99 < 2.5s", None, "ttft.p99", Relation::Less, 2500.0);
        check(
            "chat/e2e.p50<=800ms",
            Some("chat"),
            "e2e.p50",
            Relation::AtMost,
            800.0,
        );
        check(
            "a/b/tpot.mean ≤ 80ms",
            Some("a/b"),
            "tpot.mean",
            Relation::AtMost,
            80.0,
        );
        check(
            "throttled_share < 0.1%",
            None,
            "throttled_share",
            Relation::Less,
            0.001,
        );
        check("error_share<.02", None, "error_share", Relation::Less, 0.02);
        check(
            "attainment >= 99 %",
            None,
            "attainment",
            Relation::AtLeast,
            0.99,
        );
        check(
            "goodput > 700/min",
            None,
            "goodput",
            Relation::Greater,
            700.0 / 60.0,
        );
        check(
            "cost.month_usd < $9,000",
            None,
            "cost.month_usd",
            Relation::Less,
            9000.0,
        );
    }

    #[test]
    fn what_is_none_says_what_would_be() {
        for (text, words) in [
            ("ttft.p99", "ttft.p99 < 2.5s"),
            ("ttft.p42 < 1s", "ttft_all"),
            ("latency < 1s", "throttled_share"),
            ("ttft.p99 < fast", "2.5s"),
            ("ttft.p99 < 2.5", "2.5s"),
            ("throttled_share < NaN", "0.1%"),
            ("cost.month_usd < -inf", "$9000"),
            ("", "`<`"),
            ("<", "there is no metric"),
        ] {
            let error = Assertion::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
