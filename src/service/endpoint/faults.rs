//! Injected errors: which of them meets a call.

use super::{Endpoint, Grant};
use crate::domain::{Failure, StreamFault};
use crate::rng::Keyed;
use crate::service::latency::Pace;
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
    /// The targets that it meets; `None` is all of them.
    targets: Option<Box<[bool]>>,
}

/// Who a target is, for faults that are limited to some.
#[derive(Clone, Debug)]
pub(super) struct Label {
    pub(super) workload: String,
    pub(super) model: String,
}

/// What faults do to a call that is not refused at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Injected {
    /// Added before the first token.
    delay: Micros,
    /// Multiplies the time to the first token.
    ttft: f64,
    /// Multiplies the time per token.
    pace: f64,
    breaks: Option<(f64, StreamFault)>,
    /// The error that is answered instead, and when.
    pub(super) refused: Option<(Failure, Micros)>,
}

impl Default for Injected {
    fn default() -> Self {
        Self {
            delay: Micros::ZERO,
            ttft: 1.0,
            pace: 1.0,
            breaks: None,
            refused: None,
        }
    }
}

impl Injected {
    /// After how many of `output` tokens the stream breaks off: at least one comes.
    pub(super) fn breaks(self, output: u32) -> Option<(u32, StreamFault)> {
        self.breaks
            .map(|(place, fault)| (((place * f64::from(output)) as u32).max(1), fault))
    }

    /// Slows an answer down. Never inlined, or the arithmetic would be done for calls that no fault meets, too.
    #[inline(never)]
    pub(super) fn slow(self, pace: &mut Pace) {
        if self.ttft.to_bits() != 1f64.to_bits() {
            pace.ttft = Micros((pace.ttft.0 as f64 * self.ttft) as u64);
        }
        pace.per_token_us *= self.pace;
        pace.ttft += self.delay;
    }
}

pub(super) fn with_draws(specs: &[FaultSpec], seed: u64, labels: &[Label]) -> Vec<Fault> {
    let meets = |spec: &FaultSpec, label: &Label| {
        let is = |wanted: &Option<String>, name: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == name)
        };
        is(&spec.workload, &label.workload) && is(&spec.model, &label.model)
    };
    specs
        .iter()
        .enumerate()
        .map(|(i, spec)| Fault {
            spec: spec.clone(),
            meets: Keyed::new(seed, &format!("fault/{i}")),
            place: Keyed::new(seed, &format!("fault/{i}/place")),
            targets: (spec.workload.is_some() || spec.model.is_some())
                .then(|| labels.iter().map(|label| meets(spec, label)).collect()),
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
        self.faults = with_draws(specs, self.seed, &self.labels);
    }

    /// The first refusing fault that meets a call of `target`, or else what the others do to it.
    pub(super) fn inject(&self, now: Moment, target: usize, key: u64) -> Result<Injected, Failure> {
        let mut injected = Injected::default();
        for fault in &self.faults {
            let Some(progress) = fault.spec.progress(now) else {
                continue;
            };
            let meets = fault.targets.as_ref().is_none_or(|targets| targets[target]);
            if !meets || fault.meets.uniform(key) >= fault.spec.share_at(progress) {
                continue;
            }
            match fault.spec.kind {
                FaultKind::SlowStart(delay) => injected.delay += delay,
                FaultKind::Slow(slowness) => {
                    let factor = slowness.at(progress);
                    injected.ttft *= if slowness.first_token { factor } else { 1.0 };
                    injected.pace *= if slowness.tokens { factor } else { 1.0 };
                }
                FaultKind::Stream(stream) => {
                    let place = fault.place.uniform(key);
                    injected.breaks = injected.breaks.or(Some((place, stream)));
                }
                kind => {
                    let failure = kind.failure().unwrap_or(Failure::Internal);
                    if fault.spec.after == Micros::ZERO {
                        return Err(failure);
                    }
                    injected.refused = Some((failure, fault.spec.after));
                    return Ok(injected);
                }
            }
        }
        Ok(injected)
    }

    /// A call that hears of its error after a while. Nothing is reserved for it.
    pub(super) fn refuse_later(&mut self, now: Moment, failure: Failure, after: Micros) -> Grant {
        self.totals.in_flight += 1;
        Grant {
            refused: Some(failure),
            admitted_at: now,
            first_token_at: now + after,
            done_at: Some(now + after),
            ..Grant::default()
        }
    }
}
