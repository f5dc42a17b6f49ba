//! What became of service tiers and of batch jobs.

use super::figures::{Latency, over, sig};
use super::summary::{BatchSummary, TierSummary};
use crate::domain::PriceTier;
use crate::measure::Tally;
use crate::sim::WorkloadContext;

pub(super) fn tier(context: &WorkloadContext, tally: &Tally) -> Option<TierSummary> {
    if matches!(context.tier, PriceTier::Standard | PriceTier::Batch) {
        return None;
    }
    Some(TierSummary {
        asked: context.tier.to_string(),
        served: tally.in_tier,
        served_as_standard: tally.requests.completed - tally.in_tier.min(tally.requests.completed),
    })
}

pub(super) fn batch(tally: &Tally, cost_usd: Option<f64>) -> Option<BatchSummary> {
    let own = tally.batch.as_ref()?;
    Some(BatchSummary {
        jobs: own.jobs,
        completed_jobs: own.completed_jobs,
        partially_completed_jobs: own.partial_jobs,
        expired_jobs: own.expired_jobs,
        files: own.files,
        records: own.records,
        records_per_job: over(own.records as f64, own.jobs as f64),
        makespan_s: sig(own.makespan.as_secs_f64()),
        // The histogram holds a millisecond as a microsecond, so its milliseconds are seconds.
        completion_s: Latency::plain(own.completion.clone()).completed(),
        late_records: own.late,
        expired_records: own.expired,
        error_records: own.errors,
        too_few_records: own.too_few,
        waiting_peak: own.waiting_peak,
        in_progress_peak: own.in_progress_peak,
        cost_usd,
    })
}
