//! The same traffic at another load.

use super::spec::{ArrivalSpec, OnOffSpec, RecordedReplay, ReplayScale, TraceReplay, TrafficSpec};
use crate::units::{PerSecond, Ratio};

impl TrafficSpec {
    /// The same traffic with `factor` times the load.
    ///
    /// Rates are multiplied, shapes stay. Replays keep their pace: sessions are thinned, or copies laid
    /// over each other. Closed loops get other numbers of users, at least one. With the same seed a rate
    /// draws the same gaps in operational time, so that two loads differ in nothing but their pace.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self {
            arrival: scaled(&self.arrival, factor),
            ..self.clone()
        }
    }
}

fn scaled(arrival: &ArrivalSpec, factor: f64) -> ArrivalSpec {
    let times = |rate: PerSecond| PerSecond(rate.0 * factor);
    match arrival {
        ArrivalSpec::Constant { rate } => ArrivalSpec::Constant { rate: times(*rate) },
        ArrivalSpec::Poisson { rate } => ArrivalSpec::Poisson { rate: times(*rate) },
        ArrivalSpec::Gamma { rate, cv } => ArrivalSpec::Gamma {
            rate: times(*rate),
            cv: *cv,
        },
        ArrivalSpec::Weibull { rate, cv } => ArrivalSpec::Weibull {
            rate: times(*rate),
            cv: *cv,
        },
        ArrivalSpec::OnOff(spec) => ArrivalSpec::OnOff(OnOffSpec {
            rate: times(spec.rate),
            ..*spec
        }),
        ArrivalSpec::Ramp { from, to, over } => ArrivalSpec::Ramp {
            from: times(*from),
            to: times(*to),
            over: *over,
        },
        ArrivalSpec::Closed { users, think } => ArrivalSpec::Closed {
            users: ((f64::from(*users) * factor).round() as u32).max(1),
            think: *think,
        },
        ArrivalSpec::Trace(replay) => ArrivalSpec::Trace(TraceReplay {
            trace: replay.trace.clone(),
            scale: replay_scale(replay.scale, factor),
        }),
        ArrivalSpec::Recorded(replay) => ArrivalSpec::Recorded(RecordedReplay {
            recording: replay.recording.clone(),
            scale: replay_scale(replay.scale, factor),
        }),
    }
}

/// As few copies as can carry the load, each thinned to its part of it.
fn replay_scale(scale: ReplayScale, factor: f64) -> ReplayScale {
    let load = scale.keep.get() * f64::from(scale.copies) * factor;
    // A trifle down, so that 0.5 × 2 × 3 is three copies whatever its binary form.
    let copies = ((load - 1e-9).ceil() as u32).max(1);
    let keep = (load / f64::from(copies)).clamp(0.0, 1.0);
    ReplayScale {
        keep: Ratio::new(keep).unwrap_or(Ratio::ONE),
        copies,
        ..scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::source::Source;
    use crate::load::spec::{ContextSpec, SizeSpec};
    use crate::units::Moment;
    use proptest::prelude::*;

    fn traffic(arrival: ArrivalSpec) -> TrafficSpec {
        TrafficSpec {
            arrival,
            shapes: Vec::new(),
            input: Some(SizeSpec::Fixed(1)),
            output: Some(SizeSpec::Fixed(1)),
            rank_correlation: 0.0,
            prefix: None,
            context: ContextSpec::default(),
        }
    }

    #[test]
    fn a_rate_draws_the_same_gaps_at_another_pace() {
        let poisson = traffic(ArrivalSpec::Poisson {
            rate: PerSecond(2.0),
        });
        let starts = |spec: &TrafficSpec, until: u64| -> Vec<u64> {
            let source = Source::new(spec, 5, "w", Moment(until));
            let Source::Open(mut open) = source else {
                panic!("Poisson arrivals are open");
            };
            std::iter::from_fn(|| open.next())
                .map(|one| one.at.0)
                .collect()
        };
        let (one, four) = (
            starts(&poisson, 400_000_000),
            starts(&poisson.scaled(4.0), 100_000_000),
        );
        assert_eq!(one.len(), four.len());
        assert!(one.iter().zip(&four).all(|(a, b)| a.abs_diff(4 * b) <= 4));
    }

    proptest! {
        #[test]
        fn replays_carry_the_load_that_is_asked_for(keep in 0.01f64..=1.0, copies in 1u32..20, factor in 0.01f64..50.0) {
            let scale = ReplayScale { keep: Ratio::new(keep).unwrap(), copies, ..ReplayScale::default() };
            let scaled = replay_scale(scale, factor);
            let load = |scale: &ReplayScale| scale.keep.get() * f64::from(scale.copies);
            prop_assert!((load(&scaled) / (load(&scale) * factor) - 1.0).abs() < 1e-8);
            prop_assert_eq!((scaled.speed, scaled.repeat), (scale.speed, scale.repeat));
        }
    }
}
