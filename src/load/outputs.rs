//! The output tokens of single requests, apart from when the requests start.

use super::sizes::SizePair;
use super::source::sizes_of;
use super::spec::{ArrivalSpec, TrafficSpec};
use super::trace::Trace;
use std::sync::Arc;

/// How long the answers of a workload are, request by request.
///
/// A request of the same number has the same output as in [`Source`](super::source::Source) with the same
/// seed. The rows of a trace are taken in their order in the file, which is that of a replay without
/// thinning and copies.
#[derive(Clone, Debug)]
pub struct OutputLaw {
    sizes: SizePair,
    rows: Option<Arc<Trace>>,
}

impl OutputLaw {
    /// The law of the workload called `workload`.
    pub fn new(spec: &TrafficSpec, seed: u64, workload: &str) -> Self {
        let rows = match &spec.arrival {
            ArrivalSpec::Trace(replay) => Some(Arc::clone(&replay.trace)),
            _ => None,
        };
        Self {
            sizes: sizes_of(spec, seed, workload),
            rows,
        }
    }

    /// Output tokens of request number `seq`, at least 1.
    pub fn draw(&self, seq: u64) -> u32 {
        let row = self.rows.as_ref().and_then(|trace| {
            let count = trace.rows.len() as u64;
            let index = seq.checked_rem(count)?;
            trace.rows.get(index as usize)
        });
        let row = row.map_or((1, 1), |row| (row.input, row.output));
        self.sizes.draw(seq, row).1.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::source::Source;
    use crate::load::spec::SizeSpec;
    use crate::units::{Moment, PerSecond};

    #[test]
    fn the_outputs_are_those_of_the_source() {
        let law = |p50| {
            let p99 = 9.0 * p50;
            Some(SizeSpec::Lognormal { p50, p99 })
        };
        for rank_correlation in [0.0, 0.6] {
            let spec = TrafficSpec {
                arrival: ArrivalSpec::Poisson {
                    rate: PerSecond(20.0),
                },
                shapes: Vec::new(),
                input: law(500.0),
                output: law(90.0),
                rank_correlation,
                prefix: None,
                context: crate::load::spec::ContextSpec::default(),
                kept: crate::units::Ratio::ONE,
            };
            let outputs = OutputLaw::new(&spec, 5, "chat");
            let Source::Open(source) = Source::new(&spec, 5, "chat", Moment(5_000_000)) else {
                panic!("Poisson arrivals do not wait for answers");
            };
            let mut requests = 0;
            for arrival in source {
                assert_eq!(outputs.draw(arrival.seq), arrival.output);
                requests += 1;
            }
            assert!(requests > 50);
        }
    }
}
