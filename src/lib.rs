//! placeholder

pub mod client;
pub mod config;
pub mod domain;
pub mod load;
pub mod profile;
pub mod rng;
pub mod scenario;
pub mod service;
pub mod units;
