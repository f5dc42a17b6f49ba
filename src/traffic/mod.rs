//! What recorded traffic looks like, traffic that looks like it, and scenarios that ask for such traffic.
//!
//! [`stats()`] describes logged calls, [`synth()`] makes requests with the same statistics and nothing else of
//! them, and [`scenario()`] writes a scenario that generates such traffic. All of them read
//! [`Recorded`](crate::load::trace::Recorded), whatever the log was.

mod scenario;
mod stats;
mod synth;
mod tables;

pub use scenario::{ScenarioOptions, scenario};
pub use stats::{StatsOptions, stats};
pub use synth::{SynthOptions, closeness, synth};
pub use tables::LEAST_SUPPORT;
