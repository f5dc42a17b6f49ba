//! A typical week from a series of hours.

use super::call::Sample;
use super::paths::told_by;
use super::week::span_for;
use crate::load::source::Source;
use crate::load::spec::TrafficSpec;
use crate::plan::preview::words::percent;
use crate::scenario::{HourlySpec, HourlyUnit, PlanSpec, WorkloadPlan};
use crate::units::{Micros, Moment};

/// Months of a series that tell growth only roughly.
const FEW_STEPS: usize = 6;

/// What a series of hours tells.
pub(super) struct Told {
    /// Requests of each hour of a typical week.
    pub hours: Vec<f64>,
    /// How hours scatter about those of a typical week.
    pub hour_cv: f64,
    /// Where it comes from.
    pub notes: Vec<String>,
    /// What was mended or assumed.
    pub warnings: Vec<String>,
}

/// The week of a workload's series; `None` without one.
///
/// `steady` is the traffic from which the mean request is measured that turns tokens into requests.
pub(super) fn from_series(
    plan: Option<&WorkloadPlan>,
    all: &PlanSpec,
    sample: &Sample<'_>,
    steady: Option<&TrafficSpec>,
) -> Option<Told> {
    let plan = plan?;
    let spec = plan.hourly.as_ref()?;
    let series = &spec.series;
    let mut warnings: Vec<String> = series
        .mended
        .iter()
        .map(|text| format!("`{}`: {text}", spec.file))
        .collect();
    let days = series.values.len() as f64 / 24.0;
    let mut notes = vec![format!(
        "the mean week of `{}`: {days:.0} days of {} an hour, the last four weeks of them",
        spec.file, spec.per
    )];
    if !series.has_zone {
        notes.push(format!(
            "the stamps of `{}` have no zone and are taken as UTC",
            spec.file
        ));
    }
    if days < 7.0 {
        warnings.push(format!(
            "`{}` has {days:.1} days: other hours of the week are taken to be like those of the days that it has",
            spec.file
        ));
    }
    let mut hours = series.typical_week();
    if let Some((tokens, text)) = tokens_of(spec, sample, steady) {
        if tokens > 0.0 {
            for hour in &mut hours {
                *hour /= tokens;
            }
            notes.push(text);
        } else {
            warnings.push(format!(
                "its mean request has no {}, so `{}` cannot be turned into requests and is taken as requests",
                spec.per, spec.file
            ));
        }
    }
    if plan.growth.is_none() && !all.growth_is_given {
        growth_text(spec, &mut notes, &mut warnings);
    }
    let hour_cv = series.scatter().unwrap_or(0.0);
    if hour_cv > 0.0 {
        notes.push(format!(
            "its hours scatter by {} about those of a typical week",
            percent(hour_cv)
        ));
    }
    Some(Told {
        hours,
        hour_cv,
        notes,
        warnings,
    })
}

/// Tokens of the mean request of the kind that the series counts; `None` if it counts requests.
fn tokens_of(
    spec: &HourlySpec,
    sample: &Sample<'_>,
    steady: Option<&TrafficSpec>,
) -> Option<(f64, String)> {
    if spec.per == HourlyUnit::Requests {
        return None;
    }
    let mut sample = sample.clone();
    if let Some(steady) = steady {
        sample.traffic = steady.clone();
        let until = Moment::ZERO + Micros::HOUR;
        let rate = Source::new(steady, sample.seed, "plan", until).mean_rate();
        sample.duration = span_for(rate, true);
    }
    let call = sample.look();
    let cached = call.cache_read + call.cache_write;
    let tokens = match spec.per {
        HourlyUnit::Requests => return None,
        HourlyUnit::Tokens => call.uncached_input + cached + call.billed_output,
        HourlyUnit::InputTokens => call.uncached_input,
        HourlyUnit::OutputTokens => call.billed_output,
    };
    let text = format!(
        "{tokens:.0} {} of the mean request make one request",
        spec.per
    );
    Some((tokens, text))
}

fn growth_text(spec: &HourlySpec, notes: &mut Vec<String>, warnings: &mut Vec<String>) {
    let Some((growth, told)) = told_by(&spec.series) else {
        warnings.push(format!(
            "no growth is given, and `{}` has less than three months to tell it: demand is taken to stay as it is",
            spec.file
        ));
        return;
    };
    notes.push(format!(
        "no growth is given: `{}` tells {} a month with a standard error of {}, and a volatility of {}, from {} \
         changes between means of four weeks",
        spec.file,
        percent(growth.per_month),
        percent(growth.uncertainty),
        percent(growth.volatility),
        told.steps
    ));
    if told.steps < FEW_STEPS {
        warnings.push(format!(
            "growth is told from only {} changes between means of four weeks of `{}`: set `growth` if you know better",
            told.steps, spec.file
        ));
    }
}
