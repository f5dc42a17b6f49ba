//! Tests of the crate as its users see it.

mod azure;
mod bad_scenarios;
mod mooncake;
mod mutations;
mod scenarios;
