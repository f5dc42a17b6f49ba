//! A typical week from recorded traffic, counted by the hour.

use super::HOURS_OF_WEEK;
use crate::load::spec::{ArrivalSpec, ReplayScale, TrafficSpec};

const HOUR_S: f64 = 3600.0;
const MINUTE_S: f64 = 60.0;
const DAY_HOURS: usize = 24;

/// What recorded traffic tells of a week.
pub(super) struct Counted {
    /// Requests of each hour of the week.
    pub hours: Vec<f64>,
    /// Index of dispersion of the requests of a minute within its hour.
    pub idc: f64,
    /// Where it comes from.
    pub notes: Vec<String>,
    /// What was assumed for what is not in it.
    pub warnings: Vec<String>,
}

/// Counts the traffic of a trace or a recording; other traffic has no counts and gives none.
pub(super) fn counted(traffic: &TrafficSpec) -> Counted {
    let (bins, bin_s, span_s, scale) = match &traffic.arrival {
        ArrivalSpec::Trace(replay) => {
            let scale = &replay.scale;
            let times = || {
                replay
                    .trace
                    .rows
                    .iter()
                    .map(|row| row.at.as_secs_f64() / scale.speed)
            };
            let last = times().next_back().unwrap_or(0.0);
            // The last request stands for as much time as the others do.
            let gaps = (replay.trace.rows.len().max(2) - 1) as f64;
            let span = if last > 0.0 { last + last / gaps } else { 1.0 };
            let mut bins = vec![0.0; (span / MINUTE_S).ceil().max(1.0) as usize];
            for at in times() {
                let bin = (at / MINUTE_S) as usize;
                if let Some(bin) = bins.get_mut(bin) {
                    *bin += 1.0;
                }
            }
            (bins, MINUTE_S, span, scale)
        }
        ArrivalSpec::Recorded(replay) => {
            let scale = &replay.scale;
            let bin_s = replay.recording.interval.as_secs_f64() / scale.speed;
            let bins: Vec<f64> = replay
                .recording
                .counts
                .iter()
                .map(|n| f64::from(*n))
                .collect();
            let span = bin_s * bins.len() as f64;
            (bins, bin_s, span, scale)
        }
        _ => (Vec::new(), MINUTE_S, 0.0, &ReplayScale::default()),
    };
    let mut notes = vec![format!(
        "counted by the hour from {} of recorded traffic, its first hour taken as Monday 00:00 UTC",
        span_text(span_s)
    )];
    let idc = if let Some(minutes) = in_minutes(&bins, bin_s) {
        dispersion_within_hours(&minutes)
    } else {
        notes.push(format!(
            "its counts are of {bin_s:.0} s each, so minutes are taken to scatter like independent requests"
        ));
        1.0
    };
    let each = f64::from(scale.copies) * scale.keep.get() * traffic.kept.get();
    let hours: Vec<f64> = by_hour(&bins, bin_s, span_s)
        .iter()
        .map(|n| n * each)
        .collect();
    let total = each * bins.iter().sum::<f64>();
    let (hours, warning) = week_of(&hours, total, span_s);
    Counted {
        hours,
        idc,
        notes,
        warnings: warning.into_iter().collect(),
    }
}

/// Requests of each whole hour; a bin that lies in two hours is split.
fn by_hour(bins: &[f64], bin_s: f64, span_s: f64) -> Vec<f64> {
    let whole = (span_s / HOUR_S + 1e-9).floor() as usize;
    let mut hours = vec![0.0; whole];
    for (index, count) in bins.iter().enumerate() {
        let (from, to) = (index as f64 * bin_s, (index as f64 + 1.0) * bin_s);
        let mut at = from;
        while at < to - 1e-9 {
            let hour = (at / HOUR_S + 1e-12).floor();
            let end = to.min((hour + 1.0) * HOUR_S);
            match hours.get_mut(hour as usize) {
                Some(sum) => *sum += count * (end - at) / bin_s,
                None => break,
            }
            at = end;
        }
    }
    hours
}

/// A week from whole hours: the mean of whole weeks; otherwise days repeated, hours repeated, or the mean rate.
fn week_of(hours: &[f64], total: f64, span_s: f64) -> (Vec<f64>, Option<String>) {
    let repeated = |part: &[f64]| {
        let cycle = part.iter().copied().cycle();
        cycle.take(HOURS_OF_WEEK).collect::<Vec<f64>>()
    };
    let has = span_text(span_s);
    match hours.len() {
        0 => {
            let rate = if span_s > 0.0 { total / span_s } else { 0.0 };
            let text = format!(
                "only {has} are recorded: every hour of the week is taken to have their mean rate"
            );
            (vec![rate * HOUR_S; HOURS_OF_WEEK], Some(text))
        }
        n if n < DAY_HOURS => {
            let text = format!(
                "only {has} are recorded: the {n} whole hours are repeated over the week, by day and by night"
            );
            (repeated(hours), Some(text))
        }
        n if n < HOURS_OF_WEEK => {
            let days = n / DAY_HOURS;
            let text = format!(
                "only {has} are recorded: the {days} whole days are repeated over the week, weekends alike"
            );
            (repeated(&hours[..days * DAY_HOURS]), Some(text))
        }
        n => {
            let weeks = n / HOURS_OF_WEEK;
            let mut week = vec![0.0; HOURS_OF_WEEK];
            for (index, count) in hours[..weeks * HOURS_OF_WEEK].iter().enumerate() {
                week[index % HOURS_OF_WEEK] += count / weeks as f64;
            }
            (week, None)
        }
    }
}

/// The counts of clock minutes; `None` if a bin is longer.
fn in_minutes(bins: &[f64], bin_s: f64) -> Option<Vec<f64>> {
    if bin_s > MINUTE_S + 1e-9 {
        return None;
    }
    let whole = (bins.len() as f64 * bin_s / MINUTE_S + 1e-9).floor() as usize;
    let mut minutes = vec![0.0; whole];
    for (index, count) in bins.iter().enumerate() {
        let minute = (index as f64 * bin_s / MINUTE_S + 1e-9) as usize;
        if let Some(sum) = minutes.get_mut(minute) {
            *sum += count;
        }
    }
    Some(minutes)
}

/// The variance of a minute's requests about the mean of its hour, over their mean; 1 if too few are known.
fn dispersion_within_hours(minutes: &[f64]) -> f64 {
    let (mut squares, mut freedom, mut sum, mut n) = (0.0, 0.0, 0.0, 0.0);
    for hour in minutes.chunks(60) {
        let size = hour.len() as f64;
        let mean = hour.iter().sum::<f64>() / size;
        squares += hour.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
        freedom += size - 1.0;
        sum += mean * size;
        n += size;
    }
    if freedom < 1.0 || sum <= 0.0 {
        return 1.0;
    }
    squares / freedom / (sum / n)
}

fn span_text(seconds: f64) -> String {
    match seconds {
        s if s < 2.0 * HOUR_S => format!("{:.0} minutes", s / MINUTE_S),
        s if s < 48.0 * HOUR_S => format!("{:.1} hours", s / HOUR_S),
        s => format!("{:.1} days", s / (24.0 * HOUR_S)),
    }
}
