//! Exit codes. They are public: scripts rely on them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done, and the objectives are met.
    Met = 0,
    /// Something unexpected: a file system that refuses, or a bug.
    Unexpected = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A scenario, profile or trace is invalid.
    InvalidFile = 3,
    /// The target cannot be called.
    TargetFailed = 4,
    /// The service-level objective is missed.
    Missed = 5,
    /// The verdict cannot be trusted: the run was cut short by its budget, or the load generator
    /// was itself the bottleneck.
    Inconclusive = 6,
    /// Results cannot be read: damaged, or of a newer version.
    Unreadable = 7,
    /// Interrupted; what was measured is kept.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
