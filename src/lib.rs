//! placeholder

pub mod client;
pub mod cost;
pub mod domain;
pub mod load;
pub mod measure;
pub mod plan;
pub mod rng;
pub mod scenario;
pub mod service;
pub mod stats;
pub mod units;
