//! Logged calls as sessions whose later calls wait for answers.

use super::{Record, Recorded, Trace};
use crate::units::Micros;

impl Recorded {
    /// The requests as [`Recorded::to_trace_of`] has them, with how long the answer to each took, where the log
    /// tells.
    pub fn to_sessions_of(&self, wanted: impl Fn(&Record) -> bool) -> (Trace, Vec<Option<Micros>>) {
        let trace = self.to_trace_of(&wanted);
        let calls = self.calls.iter().filter(|call| call.is_replayed());
        let took = calls.filter(|call| wanted(call)).map(|call| call.latency);
        let took: Vec<_> = took.collect();
        debug_assert_eq!(took.len(), trace.rows.len(), "one length for each row");
        (trace, took)
    }
}
