//! When requests start: rate, burstiness, gaps.

use super::seconds;
use crate::load::burstiness::Burstiness;
use crate::load::trace::{Record, Recorded};
use crate::results::traffic::{Course, GapFits, TraceStats};
use crate::stats::gap_laws::{
    ShapeFit, gamma_cdf, gamma_fit, ks_distance, weibull_cdf, weibull_fit,
};
use crate::units::{Micros, Moment};
use std::collections::BTreeMap;

/// Seconds of the windows at which burstiness is told.
const WINDOWS_S: [u32; 11] = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
/// Lengths of the intervals of the rate over time, in seconds.
const INTERVALS_S: [u32; 8] = [1, 10, 60, 300, 600, 3600, 21_600, 86_400];
/// Intervals of which that list prefers the shorter.
const MOST_INTERVALS: u64 = 1500;
/// Gaps from which laws are fitted.
const MOST_GAPS: usize = 200_000;
/// The fewest gaps that a law is fitted to.
const LEAST_GAPS: usize = 20;
/// Above this share of starts with the stamp of the one before, the gaps say more of the clock than of the traffic.
const MOST_EQUAL: f64 = 0.2;
/// Stands for a gap too small to be seen: half a microsecond.
const LEAST_GAP_S: f64 = 0.5e-6;

pub(super) fn describe(requests: &[&Record], recorded: &Recorded, stats: &mut TraceStats) {
    let (Some(first), Some(last)) = (requests.first(), requests.last()) else {
        return;
    };
    if !has_clock(recorded) {
        let note =
            "the log counts time from the start of each session: it tells nothing of arrivals";
        stats.notes.push(note.to_owned());
        return;
    }
    let span = last.at - first.at;
    stats.duration_s = Some(seconds(span));
    let at = |call: &&Record| Moment((call.at - first.at).0);
    let windows: Vec<Micros> = WINDOWS_S.map(|s| Micros::from_secs(u64::from(s))).to_vec();
    let burstiness = Burstiness::of(requests.iter().map(at), span, &windows);
    stats.rate_rps = (span > Micros::ZERO).then_some(burstiness.mean_rate.0);
    stats.gap_cv = burstiness.gap_cv;
    let by_window = |value: fn(&_) -> f64| -> BTreeMap<u32, f64> {
        let windows = burstiness.windows.iter();
        windows
            .map(|one| ((one.window.0 / Micros::SECOND.0) as u32, value(one)))
            .collect()
    };
    stats.idc = by_window(|one| one.idc);
    stats.peak_to_mean = by_window(|one| one.peak_to_mean);
    stats.rate_over_time = Some(course(requests.iter().map(|call| at(call).0), span));
    fit(requests, stats);
}

/// Whether the calls of a recording share a clock.
pub(super) fn has_clock(recorded: &Recorded) -> bool {
    !recorded.session_clock
}

/// The interval of a course over this span, in seconds: the shortest of which there are not too many.
pub(super) fn interval_of(span: Micros) -> u32 {
    let fits = |s: &&u32| span.0 / (u64::from(**s) * Micros::SECOND.0) <= MOST_INTERVALS;
    // A minute tells enough of an hour; only what is shorter needs more.
    let least = if span < Micros(10 * Micros::MINUTE.0) {
        0
    } else {
        2
    };
    let chosen = INTERVALS_S[least..].iter().find(fits);
    chosen.copied().unwrap_or(86_400)
}

/// Counts by interval of moments within the span.
fn course(times: impl Iterator<Item = u64>, span: Micros) -> Course {
    let interval_s = interval_of(span);
    let width = u64::from(interval_s) * Micros::SECOND.0;
    let mut counts = vec![0; (span.0 / width) as usize + 1];
    for at in times {
        if let Some(count) = counts.get_mut((at / width) as usize) {
            *count += 1;
        }
    }
    Course { interval_s, counts }
}

/// Gaps between starts in seconds, with the share of those that are none.
fn gaps_of(requests: &[&Record]) -> (Vec<f64>, f64) {
    let gaps = requests
        .windows(2)
        .map(|two| seconds(two[1].at - two[0].at));
    let gaps: Vec<f64> = gaps.collect();
    let equal = gaps.iter().filter(|gap| **gap <= 0.0).count() as f64;
    let share = equal / (gaps.len().max(1)) as f64;
    (gaps, share)
}

fn fit(requests: &[&Record], stats: &mut TraceStats) {
    let (gaps, equal) = gaps_of(requests);
    if gaps.len() < LEAST_GAPS {
        return;
    }
    if equal > MOST_EQUAL {
        stats.notes.push(format!(
            "{:.0} % of the starts have the time stamp of the one before: the gaps tell of the clock, and no law \
             was fitted to them",
            100.0 * equal
        ));
        return;
    }
    let step = gaps.len().div_ceil(MOST_GAPS);
    let mut gaps: Vec<f64> = gaps
        .into_iter()
        .step_by(step)
        .map(|gap| gap.max(LEAST_GAP_S))
        .collect();
    gaps.sort_unstable_by(f64::total_cmp);
    let (Some(gamma), Some(weibull)) = (gamma_fit(&gaps), weibull_fit(&gaps)) else {
        return;
    };
    let exponential = ShapeFit {
        shape: 1.0,
        scale: gaps.iter().sum::<f64>() / gaps.len() as f64,
    };
    stats.gap_fit = Some(GapFits {
        gaps: gaps.len() as u64,
        gamma_shape: gamma.shape,
        gamma_ks: ks_distance(&gaps, |gap| gamma_cdf(gamma, gap)),
        weibull_shape: weibull.shape,
        weibull_ks: ks_distance(&gaps, |gap| weibull_cdf(weibull, gap)),
        exponential_ks: ks_distance(&gaps, |gap| weibull_cdf(exponential, gap)),
    });
}
