//! Simulation in virtual time.

mod engine;
mod queue;
mod recorder;
mod setup;
mod slab;

pub use engine::{RunMeasures, run};
pub use queue::{Class, Event, EventQueue};
pub use setup::{RequestBounds, RunSetup, WorkloadSetup};

#[cfg(test)]
mod tests;
