//! Simulation in virtual time.

mod assemble;
mod batch;
mod context;
mod engine;
mod lanes;
mod measures;
mod queue;
mod recorder;
mod replicate;
mod run_figures;
mod serving;
mod setup;
mod slab;

pub use assemble::{Assembled, AssembledLane, assemble};
pub use context::{
    AccountUse, Assumption, BoughtCapacity, LaneContext, VariantContext, WorkloadContext,
};
pub use engine::{REFUSAL_TAKES, run};
pub use lanes::{LaneRole, LaneSetup, Lanes};
pub use measures::RunMeasures;
pub use queue::{Class, Event, EventQueue};
pub use recorder::{Answer, Recorder};
pub use replicate::{ReplicationValues, VariantMeasures, replication_seed, run_all, run_each};
pub use run_figures::{RunFigures, RunQuantiles};
pub use serving::{ACCOUNT, Address, ServedTarget, Serving};
pub use setup::{RequestBounds, RunSetup, TierSetup, WorkloadSetup, router_fee_each};
pub use slab::{Request, Slab};

#[cfg(test)]
pub(crate) mod tests;
