//! Injected errors: which of them meets a call.

use super::Endpoint;
use crate::domain::{Failure, RefusalReason, StreamFault};
use crate::rng::Keyed;
use crate::service::spec::{FaultKind, FaultSpec};
use crate::units::{Micros, Moment};

/// A fault with its draws.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    spec: FaultSpec,
    /// Whether it meets a call.
    meets: Keyed,
    /// Where in the answer it strikes.
    place: Keyed,
}

/// What faults do to a call that is not refused.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Injected {
    /// Added before the first token.
    pub(super) delay: Micros,
    breaks: Option<(f64, StreamFault)>,
}

impl Injected {
    /// After how many of `output` tokens the stream breaks off: at least one comes.
    pub(super) fn breaks(self, output: u32) -> Option<(u32, StreamFault)> {
        self.breaks
            .map(|(place, fault)| (((place * f64::from(output)) as u32).max(1), fault))
    }
}

pub(super) fn with_draws(specs: &[FaultSpec], seed: u64) -> Vec<Fault> {
    specs
        .iter()
        .enumerate()
        .map(|(i, spec)| Fault {
            spec: *spec,
            meets: Keyed::new(seed, &format!("fault/{i}")),
            place: Keyed::new(seed, &format!("fault/{i}/place")),
        })
        .collect()
}

impl Endpoint {
    /// The faults in force, past and future ones inside.
    pub fn faults(&self) -> impl Iterator<Item = &FaultSpec> {
        self.faults.iter().map(|fault| &fault.spec)
    }

    /// Replaces all faults; calls that were admitted before keep theirs.
    pub fn set_faults(&mut self, specs: &[FaultSpec]) {
        self.faults = with_draws(specs, self.seed);
    }

    /// The first refusing fault that meets the call, or else what the others do to it.
    pub(super) fn inject(&self, now: Moment, key: u64) -> Result<Injected, Failure> {
        let mut injected = Injected::default();
        for fault in &self.faults {
            let FaultSpec {
                kind,
                share,
                from,
                until,
            } = fault.spec;
            let active = from.0 <= now.0 && until.is_none_or(|until| now.0 < until.0);
            if !active || fault.meets.uniform(key) >= share.get() {
                continue;
            }
            return Err(match kind {
                FaultKind::Unavailable => Failure::Unavailable,
                FaultKind::Internal => Failure::Internal,
                FaultKind::ModelError => Failure::ModelError,
                FaultKind::ModelTimeout => Failure::ModelTimeout,
                FaultKind::Throttled => Failure::Throttled(RefusalReason::RequestRate),
                FaultKind::NotReady => Failure::NotReady,
                FaultKind::Reset => Failure::Connection,
                FaultKind::SlowStart(delay) => {
                    injected.delay += delay;
                    continue;
                }
                FaultKind::Stream(stream) => {
                    let place = fault.place.uniform(key);
                    injected.breaks = injected.breaks.or(Some((place, stream)));
                    continue;
                }
            });
        }
        Ok(injected)
    }
}
