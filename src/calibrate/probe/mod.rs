//! Which rules a quota follows: calls that tell, and what their fates say.
//!
//! Nobody says how Bedrock forgets use and when reservations return (see [`crate::domain::QuotaRules`]). A
//! probe sends two series of calls. [`first`] fills the quota with answers that take their time, and then
//! asks every second whether there is room again: a bucket refills at once, a sliding window after a
//! minute, a clock minute at its boundary. Where it may be a clock minute, [`second`] has answers under
//! way across the next boundary. [`weigh`] then asks of each rule how likely it made what was seen, given
//! all calls that went before.

mod findings;
mod plan;
mod setup;
mod weigh;

#[cfg(test)]
mod tests;

pub use findings::{Probed, findings};
pub use plan::{Kind, Planned, Quota, first, horizon, second};
pub use setup::{ProbeError, probe_of, quota_of};
pub use weigh::{Hypothesis, Seen, Told, told, weigh};
