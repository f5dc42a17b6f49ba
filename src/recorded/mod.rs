//! What recorded traffic becomes: scenarios that replay it, and demand by the hour from metrics.

mod scenario;

pub use scenario::replay_scenario;
