//! From a traffic specification to requests: the interface of the simulation and of live runs.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

pub use super::arrival::{Arrival, Prefix};

use super::arrival::Prefixes;
use super::closed::ClosedSource;
use super::context::{Context, PromptPoints};
use super::curve::{Cursor, RateCurve};
use super::onoff::OnOff;
use super::renewal::Gaps;
use super::replay::{CountReplay, RowReplay};
use super::scaled::Thinning;
use super::session::{Continued, SessionSource};
use super::sizes::{SizePair, SizeSampler, SizesAhead};
use super::spec::{ArrivalSpec, TrafficSpec};
use crate::rng;
use crate::units::{Moment, PerSecond};

/// The requests of one workload.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one per workload, and a box would cost each arrival a jump"
)]
pub enum Source {
    /// Starts do not wait for answers.
    Open(OpenSource),
    /// Starts wait for answers.
    Closed(ClosedSource),
    /// Starts of sessions do not wait, and all that follows in a session does.
    Sessions(SessionSource),
}

impl Source {
    /// What follows the end of a request that `user` heard of at `heard_at`, with `answer` output tokens
    /// if it was answered: the user's next request, or the end of a session. An open source has neither.
    pub fn after(&mut self, user: u32, heard_at: Moment, answer: Option<u32>) -> Option<Continued> {
        match self {
            Self::Open(_) => None,
            Self::Closed(closed) => closed.after(user, heard_at).map(Continued::Next),
            Self::Sessions(sessions) => Some(sessions.after(user, heard_at, answer)),
        }
    }

    /// The requests of `workload` in `[0, until)`.
    ///
    /// `spec` is one that the scenario reader lets pass: rates and CVs finite, sizes given unless
    /// the arrivals are a replay, and shapes only for arrivals that have a rate of their own (not
    /// a trace, a recording or a closed loop). Debug builds assert that; others leave such
    /// shapes out and count a missing size as one token.
    pub fn new(spec: &TrafficSpec, seed: u64, workload: &str, until: Moment) -> Self {
        let prefixes = Prefixes::new(spec.prefix, &spec.context, seed, workload);
        if let ArrivalSpec::Closed { users, think } = &spec.arrival {
            debug_assert!(spec.shapes.is_empty(), "a closed loop has no rate to shape");
            let sizes = sizes_of(spec, seed, workload);
            let of = (seed, workload);
            let mut closed = ClosedSource::new(*users, *think, sizes, prefixes, of, until);
            closed.keep(spec.kept);
            return Self::Closed(closed);
        }
        let starts = OpenSource::new(spec, seed, workload, until, prefixes.clone());
        if let Process::Rows(rows) = &starts.process
            && rows.waits()
        {
            let rows = rows.clone();
            let drawn = (sizes_of(spec, seed, workload), starts.prefixes.clone());
            return Self::Sessions(SessionSource::recorded(starts, rows, drawn, until));
        }
        let Some(session) = &spec.context.session else {
            return Self::Open(starts);
        };
        let drawn = (sizes_of(spec, seed, workload), prefixes);
        let of = (seed, workload);
        Self::Sessions(SessionSource::new(starts, session, drawn, of, until))
    }

    /// Block ids; [`Arrival::prefix`] is a slice of them. Equal ids are equal content.
    pub fn blocks(&self) -> &Arc<[u32]> {
        &self.prefixes().blocks
    }

    /// Tokens of one block; zero if there are no prefixes.
    pub fn block_tokens(&self) -> u32 {
        self.prefixes().block_tokens
    }

    /// Expected requests per second over `[0, until)`. For a closed loop an upper bound: as if
    /// answers took no time, think times below one second counting as one.
    pub fn mean_rate(&self) -> f64 {
        match self {
            Self::Open(source) => source.mean_rate,
            Self::Closed(source) => source.rate_bound(),
            Self::Sessions(source) => source.mean_rate(),
        }
    }

    /// The cache points of the prompts, where they have some beside blocks.
    pub fn context(&self) -> Option<&Context> {
        self.prefixes().context.as_deref()
    }

    /// Fills `out` with the cache points of request `seq`, of the session `user` if it is one's.
    pub fn points(&self, seq: u64, user: Option<u32>, out: &mut PromptPoints) {
        match (self, user, self.context()) {
            (Self::Sessions(sessions), Some(session), _) => sessions.points(seq, session, out),
            (_, _, Some(context)) => context.fill((seq, seq), None, out),
            _ => {}
        }
    }

    fn prefixes(&self) -> &Prefixes {
        match self {
            Self::Open(source) => &source.prefixes,
            Self::Closed(source) => &source.prefixes,
            Self::Sessions(source) => &source.prefixes,
        }
    }
}

pub(super) fn sizes_of(spec: &TrafficSpec, seed: u64, workload: &str) -> SizePair {
    let mut input = spec.input.as_ref().map(SizeSampler::new);
    let mut output = spec.output.as_ref().map(SizeSampler::new);
    let mut rank_correlation = spec.rank_correlation;
    match &spec.arrival {
        ArrivalSpec::Recorded(replay) => {
            let recording = &replay.recording;
            if input.is_none() && output.is_none() {
                rank_correlation = recording.rank_correlation;
            }
            input = input.or_else(|| Some(SizeSampler::table(&recording.input)));
            output = output.or_else(|| Some(SizeSampler::table(&recording.output)));
        }
        ArrivalSpec::Trace(_) => {}
        _ => debug_assert!(input.is_some() && output.is_some(), "sizes are given"),
    }
    SizePair::new(input, output, rank_correlation, seed, workload)
}

/// Requests that do not wait for answers, ascending in time. An iterator that ends at `until`.
#[derive(Clone, Debug)]
pub struct OpenSource {
    process: Process,
    rng: ChaCha8Rng,
    sizes: SizesAhead,
    prefixes: Prefixes,
    until: Moment,
    mean_rate: f64,
    next_seq: u64,
    last: Moment,
    /// Which starts take place, if not all of them do.
    thinning: Option<Thinning>,
}

#[derive(Clone, Debug)]
enum Process {
    Renewal {
        curve: RateCurve,
        cursor: Cursor,
        gaps: Gaps,
        started: bool,
    },
    OnOff {
        curve: RateCurve,
        cursor: Cursor,
        states: OnOff,
    },
    Counts(CountReplay),
    Rows(RowReplay),
}

impl OpenSource {
    fn new(
        spec: &TrafficSpec,
        seed: u64,
        workload: &str,
        until: Moment,
        mut prefixes: Prefixes,
    ) -> Self {
        let mut rng = rng::stream(seed, &format!("{workload}/arrivals"));
        let process = match &spec.arrival {
            ArrivalSpec::Recorded(replay) => Process::Counts(CountReplay::new(replay)),
            ArrivalSpec::Trace(replay) => {
                let context = &spec.context;
                let own_blocks =
                    spec.prefix.is_none() && context.points.is_empty() && context.history.is_none();
                let rows = RowReplay::new(replay, own_blocks, seed, workload);
                if own_blocks {
                    prefixes.block_tokens = rows.block_tokens();
                    prefixes.blocks = rows.blocks();
                }
                Process::Rows(rows)
            }
            _ => Process::with_rate(spec, until, &mut rng),
        };
        debug_assert!(
            spec.shapes.is_empty() || !matches!(process, Process::Counts(_) | Process::Rows(_)),
            "a replay has its own rate"
        );
        let expected = process.expected(until);
        Self {
            mean_rate: if until > Moment::ZERO {
                expected / until.as_secs_f64() * spec.kept.get()
            } else {
                0.0
            },
            process,
            rng,
            sizes: SizesAhead::new(sizes_of(spec, seed, workload)),
            prefixes,
            until,
            next_seq: 0,
            last: Moment::ZERO,
            thinning: Thinning::new(spec.kept, seed, workload),
        }
    }

    #[inline]
    fn arrive(
        &mut self,
        at: Moment,
        (input, output): (u32, u32),
        prefix: Prefix,
        out: &mut Option<Arrival>,
    ) -> Option<()> {
        // Rounding at a joint of two pieces of the curve could go back by a microsecond.
        let at = at.max(self.last);
        if at >= self.until {
            // Later calls must not start again with what follows.
            self.last = Moment::NEVER;
            return None;
        }
        self.last = at;
        let seq = self.next_seq;
        self.next_seq += 1;
        *out = Some(Arrival {
            at,
            seq,
            input,
            output,
            prefix,
            pointed: self.prefixes.pointed(),
        });
        Some(())
    }

    /// Goes past a start that does not take place; `None` at the end.
    #[cold]
    fn skip(&mut self, at: Moment) -> Option<()> {
        let at = at.max(self.last);
        if at >= self.until {
            self.last = Moment::NEVER;
            return None;
        }
        self.last = at;
        self.next_seq += 1;
        Some(())
    }

    #[inline]
    fn keeps(&self, key: u64) -> bool {
        self.thinning
            .as_ref()
            .is_none_or(|thinning| thinning.keeps(key))
    }

    /// Puts the next request in the place of the one before, nothing at the end: what is written where it is
    /// read from costs a simulation a tenth less per arrival than what is handed over.
    pub fn next_into(&mut self, out: &mut Option<Arrival>) {
        if self.draw_into(out).is_none() {
            *out = None;
        }
    }

    #[inline]
    fn draw_into(&mut self, out: &mut Option<Arrival>) -> Option<()> {
        loop {
            let at = match &mut self.process {
                Process::Renewal {
                    curve,
                    cursor,
                    gaps,
                    started,
                } => {
                    let gap = if *started {
                        gaps.next(&mut self.rng)
                    } else {
                        *started = true;
                        gaps.first(&mut self.rng)
                    };
                    moment(cursor.advance(curve, gap)?)
                }
                Process::OnOff {
                    curve,
                    cursor,
                    states,
                } => {
                    let until_s = self.until.as_secs_f64();
                    moment(states.next(curve, cursor, until_s, &mut self.rng)?)
                }
                Process::Counts(counts) => counts.next(self.until, &mut self.rng)?,
                Process::Rows(rows) => {
                    let row = rows.next(self.until)?;
                    // Rows go with their session, as in every thinning of a trace.
                    if !self.keeps(row.session) {
                        self.skip(row.at)?;
                        continue;
                    }
                    let told = (row.input, row.output);
                    let sizes = self.sizes.single().draw(self.next_seq, told);
                    let prefix = if self.prefixes.drawn > 0 {
                        self.prefixes.draw(self.next_seq)
                    } else {
                        row.prefix
                    };
                    return self.arrive(row.at, sizes, prefix, out);
                }
            };
            if !self.keeps(self.next_seq) {
                self.skip(at)?;
                continue;
            }
            let sizes = match self.thinning {
                None => self.sizes.draw(self.next_seq),
                Some(_) => self.sizes.single().draw(self.next_seq, (1, 1)),
            };
            let prefix = self.prefixes.draw(self.next_seq);
            return self.arrive(at, sizes, prefix, out);
        }
    }

    /// Expected starts per second.
    pub(super) fn mean_rate(&self) -> f64 {
        self.mean_rate
    }
}

impl Iterator for OpenSource {
    type Item = Arrival;

    #[inline]
    fn next(&mut self) -> Option<Arrival> {
        let mut next = None;
        self.next_into(&mut next);
        next
    }
}

impl Process {
    /// A process that follows a rate curve.
    fn with_rate(spec: &TrafficSpec, until: Moment, rng: &mut ChaCha8Rng) -> Self {
        let shaped = |rate: PerSecond| RateCurve::shaped(rate, &spec.shapes, until);
        let (curve, gaps) = match &spec.arrival {
            ArrivalSpec::OnOff(on_off) => {
                let curve = shaped(on_off.rate);
                return Self::OnOff {
                    cursor: Cursor::new(&curve),
                    curve,
                    states: OnOff::new(on_off, rng),
                };
            }
            ArrivalSpec::Constant { rate } => (shaped(*rate), Gaps::constant()),
            ArrivalSpec::Poisson { rate } => (shaped(*rate), Gaps::exponential()),
            ArrivalSpec::Gamma { rate, cv } => (shaped(*rate), Gaps::gamma(*cv)),
            ArrivalSpec::Weibull { rate, cv } => (shaped(*rate), Gaps::weibull(*cv)),
            ArrivalSpec::Ramp { from, to, over } => (
                RateCurve::ramp(*from, *to, *over, &spec.shapes, until),
                Gaps::exponential(),
            ),
            // These have no rate of their own; `new` does not come here with them.
            ArrivalSpec::Closed { .. } | ArrivalSpec::Trace(_) | ArrivalSpec::Recorded(_) => {
                (RateCurve::constant(PerSecond(0.0)), Gaps::exponential())
            }
        };
        Self::Renewal {
            cursor: Cursor::new(&curve),
            curve,
            gaps,
            started: false,
        }
    }

    /// Expected requests before `until`.
    fn expected(&self, until: Moment) -> f64 {
        match self {
            Self::Renewal { curve, .. } | Self::OnOff { curve, .. } => curve.mass(until),
            Self::Counts(counts) => counts.expected(until),
            Self::Rows(rows) => rows.expected(until),
        }
    }
}

/// Seconds to a moment, in whole microseconds. The cast saturates.
#[inline]
fn moment(seconds: f64) -> Moment {
    Moment((seconds * 1e6 + 0.5) as u64)
}

#[cfg(test)]
mod tests;
