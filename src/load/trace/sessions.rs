//! Logged calls as sessions whose later calls wait for answers.

use super::{Record, Recorded, Trace};
use crate::units::Micros;

impl Recorded {
    /// The requests as [`Recorded::to_trace`] has them, of one model if it is named, with how long the answer to
    /// each took, where the log tells.
    pub fn to_sessions(&self, model: Option<&str>) -> (Trace, Vec<Option<Micros>>) {
        let number = model.map(|name| self.models.iter().position(|known| known == name));
        let wanted =
            |call: &Record| number.is_none_or(|number| number == Some(usize::from(call.model)));
        let trace = self.to_trace_of(wanted);
        let replayed = |call: &&Record| {
            call.attempt <= 1 && call.input_total() > 0 && call.output_wanted() > 0 && wanted(call)
        };
        let took = self.calls.iter().filter(replayed).map(|call| call.latency);
        let took: Vec<_> = took.collect();
        debug_assert_eq!(took.len(), trace.rows.len(), "one length for each row");
        (trace, took)
    }
}
