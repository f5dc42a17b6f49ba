//! When to buy capacity: demand as a shape with its growth, what is sold, and what is best.
//!
//! Quotas and cost are kept apart throughout. What admission reserves and what settles decides how much quota is
//! needed ([`MeanCall::reserved`], [`MeanCall::settled`]); billed tokens decide what it costs.

pub mod demand;
pub mod market;
pub mod verify;

pub use demand::{Demand, MeanCall, PathGrowth, Paths, WorkloadDemand, demand};
pub use market::{Market, Offer, Pool, Price, Size};
