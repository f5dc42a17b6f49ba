//! What one run measured.

use crate::measure::{AttemptRecord, LaneTally, Tally, Timeline};
use crate::service::{PoolReport, QuotaReport, ServiceTotals};
use crate::units::Micros;

/// What one run measured.
#[derive(Clone, Debug)]
pub struct RunMeasures {
    /// One tally for each workload.
    pub workloads: Vec<Tally>,
    /// One tally for each lane, the workloads' own first; empty where there are no others.
    pub lanes: Vec<LaneTally>,
    /// The course of the run.
    pub timeline: Timeline,
    /// Quotas and bought capacity.
    pub quotas: Vec<QuotaReport>,
    /// The pools of Regions; none where Regions have no bounds.
    pub pools: Vec<PoolReport>,
    /// Each measured attempt of the first replication, if the setup asked for them.
    pub attempts: Vec<AttemptRecord>,
    /// Quota tokens reserved and settled.
    pub totals: ServiceTotals,
    /// Requests simulated, warm-up inside.
    pub simulated: u64,
    /// Integral of the number of requests in the system over time, in request·µs.
    pub in_system_area: u128,
    /// Time from the start to the last end of a request.
    pub ran_for: Micros,
}

impl RunMeasures {
    /// Mean number of requests in the system, waiting and backing off inside.
    pub fn mean_in_system(&self) -> f64 {
        self.in_system_area as f64 / self.ran_for.0.max(1) as f64
    }

    /// Adds another run of the same variant.
    pub fn merge(&mut self, other: &Self) {
        for (sum, tally) in self.workloads.iter_mut().zip(&other.workloads) {
            sum.merge(tally);
        }
        for (sum, lane) in self.lanes.iter_mut().zip(&other.lanes) {
            sum.merge(lane);
        }
        self.timeline.merge(&other.timeline);
        for (sum, quota) in self.quotas.iter_mut().zip(&other.quotas) {
            sum.stats.merge(&quota.stats);
        }
        for (sum, pool) in self.pools.iter_mut().zip(&other.pools) {
            sum.stats.merge(&pool.stats);
        }
        self.totals.reserved += other.totals.reserved;
        self.totals.settled += other.totals.settled;
        self.simulated += other.simulated;
        self.in_system_area += other.in_system_area;
        self.ran_for += other.ran_for;
    }
}
