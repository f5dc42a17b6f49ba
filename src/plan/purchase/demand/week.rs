//! A typical week of a workload, by the hour.
//!
//! Events of a run are no part of a typical week: spikes are left out, and so are steps and ramps where the
//! scenario has a shape of the week; without one, the mean over the run is all that is known.

use super::HOURS_OF_WEEK;
use super::call::Sample;
use super::counted::{Counted, counted};
use super::series::from_series;
use crate::cost::capacity::HOURS_PER_MONTH;
use crate::load::curve::RateCurve;
use crate::load::source::Source;
use crate::load::spec::{ArrivalSpec, OnOffSpec, ShapeSpec, TrafficSpec};
use crate::plan::preview::WorkloadPreview;
use crate::plan::preview::words::count;
use crate::scenario::{Variant, Workload, WorkloadPlan};
use crate::sim::Assembled;
use crate::units::{Micros, Moment, PerSecond};

const HOUR_S: f64 = 3600.0;
/// Arrivals from which the mean request is told: means of laws with a coefficient of variation of 1 are then known
/// to a third of a per cent.
const SAMPLE: f64 = 100_000.0;
/// Minutes from which the scatter of a minute is told, at least, where no closed form has it.
const LEAST_SPAN: Micros = Micros(2 * Micros::HOUR.0);

/// A typical week of a workload.
pub(super) struct Week<'a> {
    /// Requests of each hour, Monday 00:00 UTC first.
    pub hours: Vec<f64>,
    /// Index of dispersion of the requests of a minute, within its hour.
    idc: f64,
    /// How hours scatter about those of a typical week, as a coefficient of variation.
    pub hour_cv: f64,
    /// Its requests at the mean rate of that week.
    pub figures: WorkloadPreview,
    /// What the figures are of.
    pub sample: Sample<'a>,
    /// What a reader should know of where this comes from.
    pub notes: Vec<String>,
    /// What a reader should know before trusting it.
    pub warnings: Vec<String>,
}

/// The week as the traffic of the scenario has it.
struct Own {
    hours: Vec<f64>,
    /// `None` where arrivals have to be drawn to know it.
    idc: Option<f64>,
    /// Traffic at a steady rate, of which more can be drawn; `None` for users in a loop and for recorded traffic.
    steady: Option<TrafficSpec>,
    notes: Vec<String>,
    warnings: Vec<String>,
}

impl<'a> Week<'a> {
    /// The typical week of a workload; the key is its place and the seed.
    pub fn of(
        variant: &Variant,
        workload: &Workload,
        assembled: &'a Assembled,
        (index, seed): (usize, u64),
    ) -> Self {
        let traffic = &workload.traffic;
        let mut sample = Sample {
            assembled,
            index,
            seed,
            traffic: traffic.clone(),
            duration: variant.duration,
        };
        let own = own_week(&sample, variant.duration);
        let Own {
            mut hours,
            idc,
            steady,
            mut notes,
            mut warnings,
        } = own;
        let base = mean_rate(&hours);
        let plan = variant.plan.workload(&workload.name);
        let mut hour_cv = 0.0;
        if let Some(told) = from_series(plan, &variant.plan, &sample, steady.as_ref()) {
            hours = told.hours;
            hour_cv = told.hour_cv;
            notes = told.notes;
            warnings = told.warnings;
        }
        scale_to_volume(plan, &mut hours, &mut notes, &mut warnings);
        let rate = mean_rate(&hours);
        if let Some(steady) = steady {
            sample.traffic = if rate > 0.0 && base > 0.0 {
                steady.scaled(rate / base)
            } else {
                steady
            };
            sample.duration = span_for(rate, idc.is_some());
        }
        let figures = sample.look();
        let drawn = || {
            let windows = &figures.burstiness.as_ref()?.windows;
            let minute = windows.iter().find(|one| one.window == Micros::MINUTE);
            minute.map(|one| one.idc)
        };
        let idc = idc.or_else(drawn).unwrap_or(1.0);
        Self {
            hours,
            idc,
            hour_cv,
            figures,
            sample,
            notes,
            warnings,
        }
    }

    /// How a minute's requests scatter about those of its hour, at the mean rate: √(IDC / n + the square of how its
    /// hour scatters), with n requests in a mean minute.
    pub fn minute_cv(&self) -> f64 {
        let in_minute = 60.0 * mean_rate(&self.hours);
        if in_minute > 0.0 {
            (self.idc / in_minute + self.hour_cv * self.hour_cv).sqrt()
        } else {
            0.0
        }
    }
}

/// Requests of a month of typical weeks, where the traffic or a series of hours tells a week; `None` where the mean
/// rate of the traffic is all that is known. The key is the workload's place and the seed.
pub fn requests_of_weeks(
    variant: &Variant,
    workload: &Workload,
    assembled: &Assembled,
    (index, seed): (usize, u64),
) -> Option<f64> {
    let plan = variant.plan.workload(&workload.name);
    let mut shapes = workload.traffic.shapes.iter();
    let has_week = shapes.any(|shape| matches!(shape, ShapeSpec::HourOfWeek { .. }));
    let has_series = plan.is_some_and(|plan| plan.hourly.is_some());
    if !has_week && !has_series {
        return None;
    }
    let sample = Sample {
        assembled,
        index,
        seed,
        traffic: workload.traffic.clone(),
        duration: variant.duration,
    };
    let own = own_week(&sample, variant.duration);
    let told = from_series(plan, &variant.plan, &sample, own.steady.as_ref());
    let hours = told.map_or(own.hours, |told| told.hours);
    Some(mean_rate(&hours) * Micros::MONTH.as_secs_f64())
}

/// Requests per second over a week.
pub(super) fn mean_rate(hours: &[f64]) -> f64 {
    hours.iter().sum::<f64>() / (HOURS_OF_WEEK as f64 * HOUR_S)
}

/// For how long to look at arrivals.
pub(super) fn span_for(rate: f64, idc_is_known: bool) -> Micros {
    let enough = if rate > 0.0 { SAMPLE / rate } else { HOUR_S };
    let least = if idc_is_known {
        Micros::MINUTE
    } else {
        LEAST_SPAN
    };
    Micros::from_secs_f64(enough.min(1e12)).max(least)
}

fn scale_to_volume(
    plan: Option<&WorkloadPlan>,
    hours: &mut [f64],
    notes: &mut Vec<String>,
    warnings: &mut Vec<String>,
) {
    let Some(volume) = plan.and_then(|plan| plan.volume) else {
        return;
    };
    let week = hours.iter().sum::<f64>();
    let of_traffic = week / HOURS_OF_WEEK as f64 * f64::from(HOURS_PER_MONTH);
    if week <= 0.0 {
        hours.fill(volume / f64::from(HOURS_PER_MONTH));
        warnings.push(
            "its traffic has no requests, so its volume is spread evenly over the week".to_owned(),
        );
        return;
    }
    for hour in hours.iter_mut() {
        *hour *= volume / of_traffic;
    }
    notes.push(format!(
        "{} requests a month as `volume` says, {:.3} times its traffic",
        count(volume.round() as u64),
        volume / of_traffic
    ));
}

/// The week that the traffic itself tells.
fn own_week(sample: &Sample<'_>, duration: Micros) -> Own {
    let traffic = &sample.traffic;
    match &traffic.arrival {
        ArrivalSpec::Constant { rate } => open_week(sample, *rate, Some(0.0), duration),
        ArrivalSpec::Poisson { rate } => open_week(sample, *rate, Some(1.0), duration),
        ArrivalSpec::Gamma { rate, .. }
        | ArrivalSpec::Weibull { rate, .. }
        | ArrivalSpec::OnOff(OnOffSpec { rate, .. }) => open_week(sample, *rate, None, duration),
        ArrivalSpec::Ramp { from, to, over } => {
            let until = Moment::ZERO + duration;
            let ramp = RateCurve::ramp(*from, *to, *over, &[], until);
            let mean = PerSecond(ramp.mass(until) / duration.as_secs_f64().max(1e-6));
            let mut week = open_week(sample, mean, Some(1.0), duration);
            week.notes.insert(
                0,
                "its arrivals rise or fall in the run; a typical week has their mean".to_owned(),
            );
            week
        }
        ArrivalSpec::Closed { users, .. } => {
            let rate = sample.look().mean_rate.0;
            Own {
                hours: vec![rate * HOUR_S; HOURS_OF_WEEK],
                // Users who wait for answers come at most as unevenly as independent requests.
                idc: Some(1.0),
                steady: None,
                notes: vec![format!(
                    "{} users in a closed loop ask {rate:.3} times a second at any hour, if answers take their \
                     usual time: N / (R + Z)",
                    count(u64::from(*users))
                )],
                warnings: Vec::new(),
            }
        }
        ArrivalSpec::Trace(_) | ArrivalSpec::Recorded(_) => {
            let Counted {
                hours,
                idc,
                notes,
                warnings,
            } = counted(traffic);
            Own {
                hours,
                idc: Some(idc),
                steady: None,
                notes,
                warnings,
            }
        }
    }
}

/// Arrivals with a rate: that rate times the shape of the week.
fn open_week(sample: &Sample<'_>, base: PerSecond, idc: Option<f64>, duration: Micros) -> Own {
    let traffic = &sample.traffic;
    let is_week = |shape: &&ShapeSpec| matches!(shape, ShapeSpec::HourOfWeek { .. });
    let mut notes = Vec::new();
    let weeks: Vec<ShapeSpec> = traffic.shapes.iter().filter(is_week).map(monday).collect();
    let is_course =
        |shape: &&ShapeSpec| matches!(shape, ShapeSpec::Ramp { .. } | ShapeSpec::Steps { .. });
    let courses: Vec<ShapeSpec> = traffic.shapes.iter().filter(is_course).cloned().collect();
    if traffic.shapes.len() > weeks.len() + courses.len() {
        notes.push("the spike is an event of the run, and not of a typical week".to_owned());
    }
    let mut rate = base;
    match (weeks.is_empty(), courses.is_empty()) {
        (true, false) => {
            let until = Moment::ZERO + duration;
            let mass = RateCurve::shaped(base, &courses, until).mass(until);
            rate = PerSecond(mass / duration.as_secs_f64().max(1e-6));
            notes.push(
                "steps and ramps are known for the run only: every hour of the week has the mean of the run"
                    .to_owned(),
            );
        }
        (false, false) => notes
            .push("steps and ramps are events of the run, and not of a typical week".to_owned()),
        (true, true) => notes.push(
            "no shape `hour_of_week` tells its hours apart, so all have the same rate".to_owned(),
        ),
        (false, true) => {}
    }
    let mut steady = traffic.clone();
    steady.shapes.clear();
    steady.arrival = with_rate(&traffic.arrival, rate);
    let calls = match Source::new(&steady, sample.seed, "plan", Moment::ZERO + Micros::HOUR) {
        Source::Sessions(sessions) => sessions.mean_calls(),
        Source::Open(_) | Source::Closed(_) => 1.0,
    };
    let curve = RateCurve::shaped(rate, &weeks, Moment::NEVER);
    let each = calls * traffic.kept.get();
    let mass = |hour: usize| curve.mass(Moment::ZERO + Micros(hour as u64 * Micros::HOUR.0));
    Own {
        hours: (0..HOURS_OF_WEEK)
            .map(|hour| each * (mass(hour + 1) - mass(hour)).max(0.0))
            .collect(),
        // Calls of a session come in a row.
        idc: idc.filter(|_| traffic.context.session.is_none()),
        steady: Some(steady),
        notes,
        warnings: Vec::new(),
    }
}

/// The shape of a week from its beginning, whenever the run begins.
fn monday(shape: &ShapeSpec) -> ShapeSpec {
    match shape {
        ShapeSpec::HourOfWeek { factors, .. } => ShapeSpec::HourOfWeek {
            factors: factors.clone(),
            start_hour: 0.0,
        },
        other => other.clone(),
    }
}

/// The same law of arrivals at another rate; a ramp becomes independent arrivals.
fn with_rate(arrival: &ArrivalSpec, rate: PerSecond) -> ArrivalSpec {
    match arrival {
        ArrivalSpec::Constant { .. } => ArrivalSpec::Constant { rate },
        ArrivalSpec::Gamma { cv, .. } => ArrivalSpec::Gamma { rate, cv: *cv },
        ArrivalSpec::Weibull { cv, .. } => ArrivalSpec::Weibull { rate, cv: *cv },
        ArrivalSpec::OnOff(spec) => ArrivalSpec::OnOff(OnOffSpec { rate, ..*spec }),
        ArrivalSpec::Poisson { .. } | ArrivalSpec::Ramp { .. } => ArrivalSpec::Poisson { rate },
        other => other.clone(),
    }
}
