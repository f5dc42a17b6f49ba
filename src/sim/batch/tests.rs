//! Batch workloads from arrivals to dollars.
