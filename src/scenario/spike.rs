//! `[spike]`: what hits a system that runs steadily, for how long, and when it lets go.
//!
//! A trigger is translated into what other tables can say too: a shape of the load, faults, changes of
//! quotas, a Region that is lost. Everything that reads a variant therefore sees its effect.

use super::Workload;
use crate::config::{Section, boolean, float, list, share, text, unit};
use crate::load::spec::{ArrivalSpec, ShapeSpec};
use crate::service::spec::{
    CounterFilter, FaultKind, FaultSpec, Loss, NewLimits, PoolSpec, QuotaChange, ServiceSpec,
    Slowness,
};
use crate::units::{Micros, Ratio};
use std::fmt;
use std::ops::Bound;

/// A window in which something hits a system that runs steadily before and after it.
#[derive(Clone, Debug, PartialEq)]
pub struct SpikeSpec {
    /// When it begins.
    pub at: Micros,
    /// How long it lasts.
    pub length: Micros,
    /// What hits, at least one.
    pub triggers: Vec<Trigger>,
}

impl SpikeSpec {
    /// When it lets go.
    pub fn release(&self) -> Micros {
        self.at + self.length
    }

    /// The window of the shapes `spike` of all workloads, from the first beginning to the last end;
    /// `None` if no workload has one.
    pub fn of_shapes(workloads: &[Workload]) -> Option<Self> {
        let mut found: Option<Self> = None;
        for workload in workloads {
            for shape in &workload.traffic.shapes {
                let &ShapeSpec::Spike { at, length, factor } = shape else {
                    continue;
                };
                let trigger = Trigger::Load {
                    factor,
                    workloads: vec![workload.name.clone()],
                };
                found = Some(match found {
                    None => Self {
                        at,
                        length,
                        triggers: vec![trigger],
                    },
                    Some(mut spike) => {
                        let release = spike.release().max(at + length);
                        spike.at = spike.at.min(at);
                        spike.length = release - spike.at;
                        spike.triggers.push(trigger);
                        spike
                    }
                });
            }
        }
        found
    }
}

/// What hits.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// The rate of open workloads, times this.
    Load {
        /// The factor.
        factor: f64,
        /// The workloads that it concerns.
        workloads: Vec<String>,
    },
    /// This share of attempts is answered 503.
    Unavailable(Ratio),
    /// Answers take this many times as long.
    Latency(f64),
    /// All limits in force, times this.
    Quota(f64),
    /// A Region is lost.
    RegionLost(String),
    /// All prompt caches are empty at the beginning.
    CacheFlush,
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load { factor, workloads } => {
                write!(f, "load × {factor} ({})", workloads.join(", "))
            }
            Self::Unavailable(share) => write!(f, "503 for {} %", 100.0 * share.get()),
            Self::Latency(factor) => write!(f, "latency × {factor}"),
            Self::Quota(factor) => write!(f, "quotas × {factor}"),
            Self::RegionLost(region) => write!(f, "{region} lost"),
            Self::CacheFlush => f.write_str("caches flushed"),
        }
    }
}

const TRIGGERS: [&str; 6] = [
    "load",
    "unavailable",
    "latency",
    "quota",
    "region_lost",
    "cache_flush",
];
/// As for shapes of the load.
const MOST_LOAD: f64 = 1e6;
/// As for faults.
const MOST_LATENCY: f64 = 1e4;
/// The least time after the release in which a recovery could be seen.
const LEAST_AFTER: Micros = Micros(10_000_000);

/// What a spike has to fit, where it could be read.
pub(super) struct Around<'a> {
    pub duration: Option<Micros>,
    pub warmup: Option<Micros>,
    pub workloads: Option<&'a [Workload]>,
    pub service: Option<&'a ServiceSpec>,
}

/// Reads `[spike]`, unless it is not there.
pub(super) fn spike(s: &mut Section<'_>, around: &Around<'_>) -> Option<SpikeSpec> {
    s.optional_table("spike", |s| table(s, around))
}

fn table(s: &mut Section<'_>, around: &Around<'_>) -> Option<SpikeSpec> {
    let at = s.required("at", unit::<Micros>());
    let length = super::traffic::above_zero(s, "length");
    let factor = |most: f64| float((Bound::Excluded(0.0), Bound::Included(most)));
    let load = s.optional("load", factor(MOST_LOAD));
    let workloads = load_on(s, load, around);
    let unavailable = s.optional("unavailable", share());
    let latency = s.optional("latency", factor(MOST_LATENCY));
    let quota = s.optional("quota", factor(1.0));
    let region_lost = s.optional("region_lost", text());
    let has_regions = around
        .service
        .is_none_or(|service| service.regions.is_some());
    if region_lost.is_some() && !has_regions {
        s.report(
            "region_lost",
            "`region_lost` needs Regions",
            "no Region is modelled",
            "add `[[service.pool]]` with `region = \"*\"`, or `[service.routing]`",
        );
    }
    let flush = s.optional("cache_flush", boolean());
    if !TRIGGERS.iter().any(|key| s.has(key)) {
        let problem = crate::config::Problem::new(s.here(), "the spike has no trigger");
        let problem = problem.label("nothing happens");
        s.push(problem.help(format!("add one or more of: {}", TRIGGERS.join(", "))));
        return None;
    }
    check_window(s, at, length, around);
    let triggers = [
        load.zip(workloads)
            .map(|(factor, workloads)| Trigger::Load { factor, workloads }),
        unavailable.map(Trigger::Unavailable),
        latency.map(Trigger::Latency),
        quota.map(Trigger::Quota),
        region_lost.map(Trigger::RegionLost),
        flush.filter(|flush| *flush).map(|_| Trigger::CacheFlush),
    ];
    Some(SpikeSpec {
        at: at?,
        length: length?,
        triggers: triggers.into_iter().flatten().collect(),
    })
}

/// The workloads that a step of the load concerns; `None` without one, or if they are wrong.
fn load_on(s: &mut Section<'_>, load: Option<f64>, around: &Around<'_>) -> Option<Vec<String>> {
    let named = s.optional("workloads", list(text()));
    if s.has("workloads") && !s.has("load") {
        s.report(
            "workloads",
            "`workloads` needs `load`",
            "steps up no load",
            "they are the workloads whose rate is multiplied",
        );
        return None;
    }
    load?;
    let workloads = around.workloads?;
    let can = |workload: &Workload| takes_shapes(&workload.traffic.arrival);
    let Some(named) = named else {
        let open = workloads.iter().filter(|one| can(one));
        let open: Vec<String> = open.map(|one| one.name.clone()).collect();
        if open.is_empty() {
            s.report(
                "load",
                "no workload has a rate that `load` could multiply",
                "multiplies nothing",
                "replays and closed loops set their own pace; use another trigger",
            );
            return None;
        }
        return Some(open);
    };
    for name in &named {
        let found = workloads.iter().find(|one| one.name == *name);
        let shown = name.escape_debug();
        let known: Vec<&str> = workloads.iter().map(|one| one.name.as_str()).collect();
        match found {
            None => s.report(
                "workloads",
                format!("no workload is named `{shown}`"),
                "names it",
                &format!("known: `{}`", known.join("`, `")),
            ),
            Some(workload) if !can(workload) => s.report(
                "workloads",
                format!("the workload `{shown}` has no rate that `load` could multiply"),
                "names it",
                "replays and closed loops set their own pace; leave it out",
            ),
            Some(_) => {}
        }
    }
    Some(named)
}

fn takes_shapes(arrival: &ArrivalSpec) -> bool {
    !matches!(
        arrival,
        ArrivalSpec::Closed { .. } | ArrivalSpec::Trace(_) | ArrivalSpec::Recorded(_)
    )
}

/// Reports a window that leaves nothing to compare with.
fn check_window(s: &Section<'_>, at: Option<Micros>, length: Option<Micros>, around: &Around<'_>) {
    let (Some(at), Some(length)) = (at, length) else {
        return;
    };
    if let Some(warmup) = around.warmup.filter(|warmup| at <= *warmup) {
        s.report(
            "at",
            "the spike begins before anything is measured",
            &format!("is {at}, the warm-up ends at {warmup}"),
            "what comes back afterwards is compared with what was there before: begin later",
        );
    }
    let Some(duration) = around.duration else {
        return;
    };
    let release = Micros(at.0.saturating_add(length.0));
    if at >= duration {
        s.report(
            "at",
            "the spike begins after the run has ended",
            &format!("is {at}, `duration` is {duration}"),
            "begin earlier, or raise `duration`",
        );
    } else if release.0.saturating_add(LEAST_AFTER.0) > duration.0 {
        s.report(
            "length",
            "the spike leaves no time in which a recovery could be seen",
            &format!("ends at {release}, `duration` is {duration}"),
            "make it shorter, or raise `duration`: some times its length is a good beginning",
        );
    }
}

/// Lays the triggers over what they concern.
pub(super) fn apply(spike: &SpikeSpec, workloads: &mut [Workload], service: &mut ServiceSpec) {
    let (at, length) = (spike.at, spike.length);
    let fault = |kind, share| FaultSpec {
        from: at,
        until: Some(spike.release()),
        ..FaultSpec::steady(kind, share)
    };
    for trigger in &spike.triggers {
        match trigger {
            Trigger::Load {
                factor,
                workloads: named,
            } => {
                let concerned = workloads.iter_mut().filter(|one| named.contains(&one.name));
                for workload in concerned {
                    let factor = *factor;
                    let shape = ShapeSpec::Spike { at, length, factor };
                    workload.traffic.shapes.push(shape);
                }
            }
            Trigger::Unavailable(share) => {
                service.faults.push(fault(FaultKind::Unavailable, *share));
            }
            Trigger::Latency(factor) => {
                let slow = FaultKind::Slow(Slowness {
                    first_token: true,
                    tokens: true,
                    factor: *factor,
                    factor_to: None,
                });
                service.faults.push(fault(slow, Ratio::ONE));
            }
            Trigger::Quota(factor) => {
                let change = |at, factor| QuotaChange {
                    at,
                    filter: CounterFilter::default(),
                    to: NewLimits::Times(factor),
                };
                let changes = &mut service.quotas.changes;
                changes.push(change(at, *factor));
                changes.push(change(spike.release(), 1.0 / factor));
            }
            Trigger::RegionLost(region) => lose(region, spike, service),
            Trigger::CacheFlush => {
                service
                    .faults
                    .push(fault(FaultKind::CacheFlush, Ratio::ONE));
            }
        }
    }
}

/// Takes a Region away; one without a pool of its own gets one like that of all others.
fn lose(region: &str, spike: &SpikeSpec, service: &mut ServiceSpec) {
    let Some(regions) = &mut service.regions else {
        return;
    };
    let loss = Loss {
        from: spike.at,
        until: Some(spike.release()),
    };
    let is_own = |pool: &&mut PoolSpec| pool.region.as_deref() == Some(region);
    if let Some(pool) = regions.pools.iter_mut().find(is_own) {
        pool.lost.push(loss);
        return;
    }
    let of_all = regions.pools.iter().find(|pool| pool.region.is_none());
    let mut pool = of_all.cloned().unwrap_or(PoolSpec {
        region: None,
        streams: None,
        ambient: None,
        weight: 1.0,
        hop: None,
        lost: Vec::new(),
    });
    pool.region = Some(region.to_owned());
    pool.lost.push(loss);
    regions.pools.push(pool);
}

#[cfg(test)]
mod tests;
