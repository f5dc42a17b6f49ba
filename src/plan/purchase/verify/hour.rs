//! One hour of a plan as traffic: the scenario's arrival law at the rate of that hour.

use crate::load::spec::{ArrivalSpec, RecordedReplay, ReplaySessions, TraceReplay, TrafficSpec};
use crate::load::trace::{Recording, Trace, TraceRow};
use crate::units::Micros;
use std::sync::Arc;

/// Which part of recorded traffic stands for an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The one with as many requests as usual.
    Usual,
    /// The one with the most.
    Busiest,
}

/// The same law of arrivals without its course over time: rates stay where they are, and recorded traffic is
/// cut to the `span` of it that stands for the hour.
///
/// A rate that climbs becomes the rate at its end, since the hour's own rate is set afterwards.
pub(super) fn steady(traffic: &TrafficSpec, span: Micros, part: Part) -> TrafficSpec {
    let mut steady = traffic.clone();
    steady.shapes.clear();
    match &mut steady.arrival {
        ArrivalSpec::Ramp { to, .. } => {
            let rate = *to;
            steady.arrival = ArrivalSpec::Poisson { rate };
        }
        ArrivalSpec::Trace(replay) => cut_trace(replay, span, part),
        ArrivalSpec::Recorded(replay) => cut_recording(replay, span, part),
        ArrivalSpec::Constant { .. }
        | ArrivalSpec::Poisson { .. }
        | ArrivalSpec::Gamma { .. }
        | ArrivalSpec::Weibull { .. }
        | ArrivalSpec::OnOff(_)
        | ArrivalSpec::Closed { .. } => {}
    }
    steady
}

/// What lasts `span` when it is played at this speed.
fn played(span: Micros, speed: f64) -> Micros {
    Micros(((span.0 as f64 * speed) as u64).max(1))
}

fn cut_trace(replay: &mut TraceReplay, span: Micros, part: Part) {
    let width = played(span, replay.scale.speed);
    replay.scale.repeat = true;
    let rows = &replay.trace.rows;
    if rows.last().is_none_or(|last| last.at < width) {
        return;
    }
    let Some((from, to)) = rows_of(rows, width, part) else {
        return;
    };
    if let ReplaySessions::Dependent { took } = &mut replay.sessions {
        *took = took
            .get(from..to.min(took.len()))
            .unwrap_or_default()
            .into();
    }
    let first = rows[from].at;
    let cut = rows[from..to].iter().map(|row| TraceRow {
        at: row.at - first,
        ..*row
    });
    replay.trace = Arc::new(Trace {
        rows: cut.collect(),
        blocks: replay.trace.blocks.clone(),
        block_tokens: replay.trace.block_tokens,
    });
}

/// The rows of the window of this width that stands for the hour: from a row on, up to another.
fn rows_of(rows: &[TraceRow], width: Micros, part: Part) -> Option<(usize, usize)> {
    let last = rows.last()?.at;
    let mut windows = Vec::new();
    let mut to = 0;
    for (from, row) in rows.iter().enumerate() {
        if row.at + width > last + Micros::SECOND {
            break;
        }
        while to < rows.len() && rows[to].at - row.at < width {
            to += 1;
        }
        windows.push((from, to));
    }
    let usual = rows.len() as f64 * width.as_secs_f64() / last.as_secs_f64().max(1e-6);
    chosen(&windows, part, usual)
}

/// The window with the most, or about the usual number; the first of equals.
fn chosen(windows: &[(usize, usize)], part: Part, usual: f64) -> Option<(usize, usize)> {
    let off = |&&(from, to): &&(usize, usize)| {
        let count = (to - from) as f64;
        match part {
            Part::Busiest => -count,
            Part::Usual => (count - usual).abs(),
        }
    };
    let better = |a: &&(usize, usize), b: &&(usize, usize)| off(a).total_cmp(&off(b));
    windows.iter().min_by(better).copied()
}

fn cut_recording(replay: &mut RecordedReplay, span: Micros, part: Part) {
    let width = played(span, replay.scale.speed);
    replay.scale.repeat = true;
    let recording = &replay.recording;
    let wanted = (width.0 / recording.interval.0.max(1)) as usize;
    if wanted == 0 || wanted >= recording.counts.len() {
        return;
    }
    let total: u64 = recording.counts.iter().copied().map(u64::from).sum();
    let usual = total as f64 * wanted as f64 / recording.counts.len() as f64;
    let mut sums = vec![0usize];
    for count in &recording.counts {
        let last = sums[sums.len() - 1];
        sums.push(last + *count as usize);
    }
    // Windows told by the requests before and within them, as for rows.
    let windows: Vec<(usize, usize)> = (0..=recording.counts.len() - wanted)
        .map(|from| (sums[from], sums[from + wanted]))
        .collect();
    let Some(found) = chosen(&windows, part, usual) else {
        return;
    };
    let from = windows.iter().position(|one| *one == found).unwrap_or(0);
    replay.recording = Arc::new(Recording {
        counts: recording.counts[from..from + wanted].to_vec(),
        ..Recording::clone(recording)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::spec::{ReplayScale, ShapeSpec};
    use crate::units::PerSecond;

    fn traffic(arrival: ArrivalSpec) -> TrafficSpec {
        TrafficSpec {
            arrival,
            shapes: Vec::new(),
            input: None,
            output: None,
            rank_correlation: 0.0,
            prefix: None,
            context: crate::load::spec::ContextSpec::default(),
            kept: crate::units::Ratio::ONE,
        }
    }

    #[test]
    fn an_hour_keeps_the_law_and_loses_the_course() {
        let mut shaped = traffic(ArrivalSpec::Gamma {
            rate: PerSecond(3.0),
            cv: 4.0,
        });
        shaped.shapes.push(ShapeSpec::Spike {
            at: Micros::MINUTE,
            length: Micros::MINUTE,
            factor: 9.0,
        });
        let flat = steady(&shaped, Micros::HOUR, Part::Busiest);
        assert_eq!(flat.arrival, shaped.arrival);
        assert!(flat.shapes.is_empty());
        let climbing = traffic(ArrivalSpec::Ramp {
            from: PerSecond(1.0),
            to: PerSecond(5.0),
            over: Micros::HOUR,
        });
        let rate = PerSecond(5.0);
        assert_eq!(
            steady(&climbing, Micros::HOUR, Part::Usual).arrival,
            ArrivalSpec::Poisson { rate }
        );
    }

    #[test]
    fn the_recorded_hour_itself_is_played() {
        // One request a second, and ten a second from the hundredth second to the two hundredth.
        let busy = |second: u64| if (100..200).contains(&second) { 10 } else { 1 };
        let rows: Vec<TraceRow> = (0..1000)
            .flat_map(|second| (0..busy(second)).map(move |n| (second, n)))
            .map(|(second, n)| TraceRow {
                at: Micros(second * 1_000_000 + n * 100_000),
                ..TraceRow::default()
            })
            .collect();
        let replay = TraceReplay {
            trace: Arc::new(Trace {
                rows,
                ..Trace::default()
            }),
            scale: ReplayScale::default(),
            sessions: ReplaySessions::default(),
        };
        let count = |part| {
            let cut = steady(
                &traffic(ArrivalSpec::Trace(replay.clone())),
                Micros::from_secs(100),
                part,
            );
            let ArrivalSpec::Trace(cut) = cut.arrival else {
                panic!("a trace stays one")
            };
            assert_eq!(cut.trace.rows[0].at, Micros::ZERO);
            cut.trace.rows.len()
        };
        assert_eq!(count(Part::Busiest), 1000);
        // 1,900 requests in 1,000 seconds are 190 in a hundred of them.
        assert!(
            (185..=195).contains(&count(Part::Usual)),
            "{}",
            count(Part::Usual)
        );

        let counts: Vec<u32> = (0..1000).map(|second| busy(second) as u32).collect();
        let recorded = RecordedReplay {
            recording: Arc::new(Recording {
                interval: Micros::SECOND,
                counts,
                ..Recording::default()
            }),
            scale: ReplayScale::default(),
        };
        let cut = steady(
            &traffic(ArrivalSpec::Recorded(recorded)),
            Micros::from_secs(100),
            Part::Busiest,
        );
        let ArrivalSpec::Recorded(cut) = cut.arrival else {
            panic!("a recording stays one")
        };
        assert_eq!(cut.recording.counts, vec![10; 100]);
    }
}
