//! What is counted of one lane: the calls of a workload to one endpoint.

use super::tally::TokenCounts;
use crate::domain::Failure;
use crate::units::Usd;

/// The calls of one lane, of requests that are measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneTally {
    /// Attempts sent.
    pub sent: u64,
    /// Attempts answered in full.
    pub answered: u64,
    /// Refused by a quota (429).
    pub throttled: u64,
    /// Refused for lack of capacity (503).
    pub unavailable: u64,
    /// Failed otherwise.
    pub failed: u64,
    /// Abandoned by the client.
    pub timed_out: u64,
    /// Requests that were put off to a batch job.
    pub deferred: u64,
    /// Tokens of answers, and of records of jobs.
    pub tokens: TokenCounts,
    /// What its attempts and records cost.
    pub cost: Usd,
}

impl LaneTally {
    /// Counts the failure of an attempt.
    pub fn fail(&mut self, failure: Failure) {
        *match failure {
            Failure::Throttled(_) => &mut self.throttled,
            Failure::Unavailable | Failure::TooManyConnections => &mut self.unavailable,
            Failure::ClientTimeout => &mut self.timed_out,
            _ => &mut self.failed,
        } += 1;
    }

    /// Adds other counts.
    pub fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.answered += other.answered;
        self.throttled += other.throttled;
        self.unavailable += other.unavailable;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.deferred += other.deferred;
        self.tokens.merge(&other.tokens);
        self.cost += other.cost;
    }
}
