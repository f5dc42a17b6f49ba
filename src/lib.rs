//! placeholder

pub mod client;
pub mod cost;
pub mod domain;
pub mod load;
pub mod measure;
pub mod rng;
pub mod scenario;
pub mod service;
pub mod sim;
pub mod units;
