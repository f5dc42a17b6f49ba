//! The load at which a policy tips: the highest base load from which it still comes back.

use super::recovery::{Verdict, Window, phases};
use crate::measure::Course;
use crate::sim::{RunSetup, run};
use rayon::prelude::*;

/// The bracket is as narrow as this ratio of its ends.
const NARROW: f64 = 1.05;
/// No load is looked at beyond this factor, up or down.
const FARTHEST: f64 = 32.0;

/// Between which loads a policy tips, as factors on the scenario's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tip {
    /// The highest load found from which it comes back; `None` if there is none within 1/32.
    pub holds: Option<f64>,
    /// The lowest load found from which it does not, and why; `None` if there is none within 32.
    pub fails: Option<(f64, Verdict)>,
}

/// Finds the load at which a policy tips, by bisection in the logarithm of the load with the same seeds.
///
/// `at_one` is the verdict at the scenario's own load, `base` the good share before the spike there.
/// `done` is called after each load. A spike that multiplies the load scales with it.
///
/// # Panics
/// If a law that must hold on every run does not.
pub fn tip(
    setup: &RunSetup,
    window: &Window,
    seeds: &[u64],
    at_one: Verdict,
    base: Option<f64>,
    done: &(impl Fn() + Sync),
) -> Tip {
    // Where the scenario's own load is too much, what is carried is not known from there.
    let base = base.filter(|_| at_one != Verdict::Overloaded);
    let judge = |factor: f64| {
        let verdict = verdict(setup, window, seeds, factor, base);
        done();
        verdict
    };
    let (mut holds, mut fails) = match at_one {
        Verdict::Recovers => (Some(1.0), None),
        other => (None, Some((1.0, other))),
    };
    let mut factor = 1.0;
    while holds.is_none() && factor > 1.0 / FARTHEST {
        factor /= 2.0;
        match judge(factor) {
            Verdict::Recovers => holds = Some(factor),
            other => fails = Some((factor, other)),
        }
    }
    while fails.is_none() && factor < FARTHEST {
        factor *= 2.0;
        match judge(factor) {
            Verdict::Recovers => holds = Some(factor),
            other => fails = Some((factor, other)),
        }
    }
    while let (Some(low), Some((high, _))) = (holds, fails)
        && high / low > NARROW
    {
        let middle = (low * high).sqrt();
        match judge(middle) {
            Verdict::Recovers => holds = Some(middle),
            other => fails = Some((middle, other)),
        }
    }
    Tip { holds, fails }
}

/// How the policy comes through at `factor` times the load, over all seeds together.
fn verdict(
    setup: &RunSetup,
    window: &Window,
    seeds: &[u64],
    factor: f64,
    base: Option<f64>,
) -> Verdict {
    let mut setup = setup.clone();
    for workload in &mut setup.workloads {
        workload.traffic = workload.traffic.scaled(factor);
    }
    let courses: Vec<Option<Course>> = seeds
        .par_iter()
        .map(|&seed| run(&setup, seed).course)
        .collect();
    let mut sum = Course::new(window.bin());
    for course in courses.iter().flatten() {
        sum.merge(course);
    }
    phases(&sum, window, seeds.len() as u32).verdict(base)
}
