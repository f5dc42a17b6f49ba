//! Traffic: when requests start and how large they are.
//!
//! [`source::Source`] turns a [`spec::TrafficSpec`] and a seed into arrivals. An open source
//! tells all of them in order of time; a closed one has users who think between answers.
//! Gaps are drawn with unit mean in *operational time* and mapped to real time by the inverse of
//! the cumulated rate ([`curve`]), so burstiness and the rate over time are independent choices
//! (Gerhardt & Nelson, INFORMS J. Computing 21, 2009).

mod arrival;
pub mod burstiness;
pub mod closed;
pub mod context;
pub mod curve;
pub mod hourly;
pub mod onoff;
pub mod outputs;
pub mod renewal;
pub mod replay;
pub mod scaled;
pub mod session;
pub mod sizes;
pub mod source;
pub mod spec;
pub mod thinking;
pub mod trace;
