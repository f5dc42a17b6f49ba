//! What recorded traffic becomes: scenarios that replay it, and demand by the hour from metrics.

mod metrics;
mod scenario;

pub use metrics::{Metric, Metrics, read_metrics};
pub use scenario::{STAND_IN, demand_scenario, replay_scenario};
