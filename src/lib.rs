#![doc = include_str!("ARCHITECTURE.md")]

pub mod units;

pub mod domain;
pub mod rng;
pub mod stats;

pub mod client;
pub mod cost;
pub mod load;
pub mod measure;
pub mod service;
pub mod wire;

pub mod config;
pub mod profile;
pub mod scenario;

pub mod calibrate;
pub mod compare;
pub mod plan;
pub mod recorded;
pub mod results;
pub mod sim;
pub mod traffic;

pub mod report;

pub mod clock;
pub mod fetch;
pub mod live;
pub mod serve;
pub mod store;

pub mod cli;
