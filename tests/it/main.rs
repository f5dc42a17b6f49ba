//! Integration tests, one binary.

mod bad_scenarios;
