//! Logged calls as sessions whose later calls wait for answers.

use super::{Record, Recorded, Trace};
use crate::units::Micros;

impl Recorded {
    /// The requests as [`Recorded::to_trace`] has them, with how long the answer to each took, where the log
    /// tells.
    pub fn to_sessions(&self) -> (Trace, Vec<Option<Micros>>) {
        let trace = self.to_trace();
        let replayed =
            |call: &&Record| call.attempt <= 1 && call.input_total() > 0 && call.output > 0;
        let took = self.calls.iter().filter(replayed).map(|call| call.latency);
        let took: Vec<_> = took.collect();
        debug_assert_eq!(took.len(), trace.rows.len(), "one length for each row");
        (trace, took)
    }
}
