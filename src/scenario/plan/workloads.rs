//! `[plan.workload.NAME]`: what is known of a workload beside its traffic.

use super::super::files::Library;
use super::growth::{GrowthSpec, growth};
use super::hourly::{HourlySpec, hourly};
use crate::config::{Section, positive, share, unit};
use crate::units::{Micros, Ratio};

/// What is known of a workload beside its traffic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkloadPlan {
    /// Requests in a month of 730 hours, where that is known; otherwise the rate of its traffic.
    pub volume: Option<f64>,
    /// Its requests or tokens by the hour, which take the place of the rate of its traffic.
    pub hourly: Option<HourlySpec>,
    /// Its own growth.
    pub growth: Option<GrowthSpec>,
    /// The share of cacheable prompt tokens that are read from the cache, where that is known; otherwise what its
    /// arrivals give.
    pub hit_ratio: Option<Ratio>,
    /// How long its requests may wait, where they may: they can fill what bought capacity leaves over, or go to batch.
    pub deferrable: Option<Micros>,
}

/// Reads `[plan.workload]`, a table of tables.
pub(super) fn workloads(s: &mut Section<'_>, library: &Library<'_>) -> Vec<(String, WorkloadPlan)> {
    let named = s.optional_table("workload", |s| {
        s.named_tables(|_, s| Some(workload(s, library)))
    });
    named.unwrap_or_default()
}

fn workload(s: &mut Section<'_>, library: &Library<'_>) -> WorkloadPlan {
    let volume = s.optional("volume", positive());
    let hourly = s.optional_table("hourly", |s| hourly(s, library));
    let growth = s.optional_table("growth", growth);
    let hit_ratio = s.optional("hit_ratio", share());
    let deferrable = s.optional("deferrable", unit::<Micros>());
    WorkloadPlan {
        volume,
        hourly,
        growth,
        hit_ratio,
        deferrable,
    }
}
