//! Batch workloads before a run: how many jobs, how large, and what they spare.

use super::WorkloadPreview;
use super::offered::{Offered, Second};
use super::words::{count, rate};
use crate::domain::Origin;
use crate::service::batch::BatchSpec;
use crate::units::Micros;

/// The jobs to expect of a batch workload.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchPreview {
    /// Jobs of the whole run.
    pub jobs: f64,
    /// Mean records of a job.
    pub records_per_job: f64,
    /// Mean time between jobs.
    pub every: Micros,
    /// Fewer records gather in the time that the scenario sets than a job needs.
    pub waits_for_records: bool,
    /// Half of the jobs take no longer; assumed.
    pub completion_p50: Micros,
}

/// Turns the figures of calls into those of batch jobs: no quota, no capacity, no client.
pub(super) fn as_jobs(one: &mut Offered, spec: &BatchSpec) {
    let figures = &mut one.figures;
    let gathered = gathered(figures, &one.seconds, spec);
    let (least, most) = (f64::from(spec.min_records), f64::from(spec.max_records));
    let records = gathered.clamp(least, most);
    let per_s = figures.mean_rate.0;
    figures.batch = Some(BatchPreview {
        jobs: if per_s > 0.0 {
            (figures.requests / records).ceil()
        } else {
            0.0
        },
        records_per_job: records.min(figures.requests),
        every: if per_s > 0.0 {
            Micros::from_secs_f64(records / per_s)
        } else {
            spec.every
        },
        waits_for_records: gathered < least,
        completion_p50: spec.completion_p50,
    });
    figures.latency = spec.completion_p50;
    "batch completion".clone_into(&mut figures.latency_profile);
    figures.latency_origin = Origin::Assumed;
    figures.in_flight = 0.0;
    // What is left of the course of calls must not be read as a load on anything.
    one.seconds.clear();
}

/// Mean records of the spans in which any come: traffic may be for some hours only.
fn gathered(figures: &WorkloadPreview, seconds: &[Second], spec: &BatchSpec) -> f64 {
    let span = |second: &Second| second.at.saturating_mul(1_000_000) / spec.every.0;
    let mut busy = 0u64;
    let mut last = None;
    for second in seconds {
        let own = Some(span(second));
        busy += u64::from(own != last);
        last = own;
    }
    let measured: f64 = seconds.iter().map(|second| second.requests).sum();
    if busy == 0 {
        return figures.mean_rate.0 * spec.every.as_secs_f64();
    }
    measured / busy as f64
}

/// What a reader should know of the jobs.
pub(super) fn finding(workload: &WorkloadPreview) -> Option<String> {
    let batch = workload.batch.as_ref()?;
    let jobs = count(batch.jobs as u64);
    let plural = if batch.jobs > 1.0 { "s" } else { "" };
    let waits = if batch.waits_for_records {
        format!(
            ", one in about {} because a job takes so many at least",
            batch.every
        )
    } else {
        String::new()
    };
    Some(format!(
        "`{}` goes to batch: about {jobs} job{plural} of {} records{waits}; half of the jobs end \
         within {} (assumed); no quota is used",
        workload.name,
        rate(batch.records_per_job),
        batch.completion_p50
    ))
}
