//! Tests of the crate as its users see it, in one binary.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "a test says so when it cannot run")]

mod azure;
mod bad_scenarios;
mod browser;
mod calibrate;
mod cli;
mod clients;
mod compare;
mod conformance;
mod conservation;
mod dependent;
mod determinism;
mod gallery;
mod guardrails;
mod import;
mod lacks;
mod lanes;
mod mooncake;
mod mutations;
mod offers;
mod pacing;
mod plan;
mod price_update;
mod prices;
mod readme;
mod regions;
mod report;
mod report_document;
mod retries;
mod run;
mod running;
mod scenarios;
mod scripted;
mod search;
mod serve;
mod serving;
mod sessions;
mod tidy;
mod traffic;
mod traffic_cli;
mod wire_requests;
