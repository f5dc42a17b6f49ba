//! Simulation in virtual time.

mod assemble;
mod batch;
mod context;
mod engine;
mod measures;
mod queue;
mod recorder;
mod replicate;
mod serving;
mod setup;
mod slab;

pub use assemble::{Assembled, assemble};
pub use context::{AccountUse, Assumption, BoughtCapacity, VariantContext, WorkloadContext};
pub use engine::{REFUSAL_TAKES, run};
pub use measures::RunMeasures;
pub use queue::{Class, Event, EventQueue};
pub use recorder::{Answer, Recorder};
pub use replicate::{ReplicationValues, VariantMeasures, replication_seed, run_all, run_each};
pub use serving::{ACCOUNT, Address, ServedTarget, Serving};
pub use setup::{RequestBounds, RunSetup, TierSetup, WorkloadSetup};
pub use slab::{Request, Slab};

#[cfg(test)]
mod tests;
