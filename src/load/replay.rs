//! Replay of recorded traffic, request by request or from counts, with three ways to scale it.
//!
//! * *Time compression* divides all times: each client is more active, bursts get shorter.
//! * *Thinning* keeps a share of the sessions. Rows go with their session, since thinning by
//!   request destroys bursts: IDC becomes 1 + q(IDC − 1).
//! * *Superposition* lays copies over each other, each session of a further copy shifted as a
//!   whole by up to `shift` and wrapped inside the span, so that no load is lost.
//!
//! Memory depends on the trace and the number of copies, not on the length of the run.

use std::sync::Arc;

use rand::Rng;
use rand_distr::{Binomial, Distribution, Exp1};
use rustc_hash::FxHashMap;

use super::arrival::Prefix;
use super::session::CALLS;
use super::spec::{RecordedReplay, ReplayScale, ReplaySessions, TraceReplay};
use super::trace::{Recording, Trace};
use crate::rng::Keyed;
use crate::units::{Micros, Moment};

fn speed_of(scale: &ReplayScale) -> f64 {
    debug_assert!(
        scale.speed.is_finite() && scale.speed > 0.0,
        "speed is positive"
    );
    if scale.speed.is_finite() && scale.speed > 0.0 {
        scale.speed
    } else {
        1.0
    }
}

/// One request of a replay.
pub(super) struct Row {
    pub at: Moment,
    pub input: u32,
    pub output: u32,
    pub prefix: Prefix,
    /// The session and the copy that it belongs to.
    pub session: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// Microseconds since the start of a pass, in the time of the trace.
    at: u64,
    copy: u32,
    row: u32,
}

/// Replays a [`Trace`] row by row.
///
/// A row's prefix is its whole blocks: if the blocks hold more tokens than its input, the last
/// one is only partly filled and is dropped. What is left of the input is at least one token.
/// Copies have block ids of their own, since they stand for users with content of their own;
/// repeated passes use the same ids again.
#[derive(Clone, Debug)]
pub(super) struct RowReplay {
    trace: Arc<Trace>,
    schedule: Vec<Entry>,
    span: u64,
    speed: f64,
    repeat: bool,
    use_blocks: bool,
    own_copy_blocks: bool,
    /// What follows each row in its session, if later calls wait for answers; the schedule then has first calls.
    links: Option<Arc<Links>>,
    /// Calls of the sessions in the schedule.
    calls: u64,
    pass: u64,
    index: usize,
}

impl RowReplay {
    pub(super) fn new(replay: &TraceReplay, use_blocks: bool, seed: u64, workload: &str) -> Self {
        let (trace, scale) = (&replay.trace, &replay.scale);
        let keep = Keyed::new(seed, &format!("{workload}/replay-keep"));
        let shift = Keyed::new(seed, &format!("{workload}/replay-shift"));
        let span = span_of(trace);
        let links = match &replay.sessions {
            ReplaySessions::AsRecorded => None,
            ReplaySessions::Dependent { took } => Some(Arc::new(Links::new(trace, took))),
        };
        let mut schedule = Vec::new();
        let mut calls = 0;
        for copy in 0..scale.copies {
            for (index, row) in trace.rows.iter().enumerate() {
                let calls_here = links.as_ref().map_or(1, |links| links.calls[index]);
                if calls_here == 0 {
                    continue;
                }
                let key = u64::from(copy) << 32 | u64::from(row.session);
                if scale.keep.get() < 1.0 && keep.uniform(key) >= scale.keep.get() {
                    continue;
                }
                let by = if copy == 0 {
                    0
                } else {
                    offset(shift.uniform(key), scale.shift.0, span)
                };
                let at = ((u128::from(row.at.0) + u128::from(by)) % u128::from(span)) as u64;
                calls += u64::from(calls_here);
                schedule.push(Entry {
                    at,
                    copy,
                    row: index as u32,
                });
            }
        }
        schedule.sort_unstable();
        // Beyond the range of an index copies share their block ids.
        let ids = trace.blocks.iter().max().map_or(0, |id| u64::from(*id) + 1);
        let largest = ids.max(trace.blocks.len() as u64) * u64::from(scale.copies);
        Self {
            trace: Arc::clone(trace),
            schedule,
            span,
            speed: speed_of(scale),
            repeat: scale.repeat,
            use_blocks,
            own_copy_blocks: u32::try_from(largest).is_ok(),
            links,
            calls,
            pass: 0,
            index: 0,
        }
    }

    pub(super) fn block_tokens(&self) -> u32 {
        self.trace.block_tokens
    }

    /// The block ids of all copies, one after the other.
    pub(super) fn blocks(&self) -> Arc<[u32]> {
        let blocks = &self.trace.blocks;
        let ids = blocks.iter().max().map_or(0, |id| id.saturating_add(1));
        let copies = self.schedule.iter().map(|e| e.copy + 1).max().unwrap_or(1);
        let copies = if self.own_copy_blocks { copies } else { 1 };
        (0..copies)
            .flat_map(|copy| blocks.iter().map(move |id| id + copy * ids))
            .collect()
    }

    /// Requests that start before `until`.
    pub(super) fn expected(&self, until: Moment) -> f64 {
        let end = until.0 as f64 * self.speed;
        let passes = if self.repeat {
            (end / self.span as f64).floor()
        } else {
            0.0
        };
        let rest = end - passes * self.span as f64;
        let last = self.schedule.partition_point(|e| (e.at as f64) < rest);
        passes * self.schedule.len() as f64 + last as f64
    }

    #[inline]
    pub(super) fn next(&mut self, until: Moment) -> Option<Row> {
        if self.index == self.schedule.len() {
            if !self.repeat || self.schedule.is_empty() {
                return None;
            }
            self.index = 0;
            self.pass += 1;
        }
        let entry = self.schedule[self.index];
        let at = self.pass.saturating_mul(self.span).saturating_add(entry.at);
        let at = if (self.speed - 1.0).abs() < f64::EPSILON {
            at
        } else {
            (at as f64 / self.speed) as u64
        };
        if at >= until.0 {
            return None;
        }
        self.index += 1;
        Some(self.shown(entry, Moment(at)))
    }

    /// The row of an entry as it is replayed at `at`.
    fn shown(&self, entry: Entry, at: Moment) -> Row {
        let row = self.trace.rows[entry.row as usize];
        let block_tokens = u64::from(self.trace.block_tokens);
        let mut len = if self.use_blocks && block_tokens > 0 {
            row.blocks_len
        } else {
            0
        };
        if u64::from(len) * block_tokens > u64::from(row.input) {
            len = len.saturating_sub(1);
        }
        let covered = (u64::from(len) * block_tokens).min(u64::from(row.input)) as u32;
        let copy = if self.own_copy_blocks { entry.copy } else { 0 };
        let start = row.blocks_start + copy * self.trace.blocks.len() as u32;
        Row {
            at,
            input: (row.input - covered).max(1),
            output: row.output.max(1),
            session: u64::from(entry.copy) << 32 | u64::from(row.session),
            prefix: if len == 0 {
                Prefix::default()
            } else {
                Prefix { start, len }
            },
        }
    }

    /// Calls of one start: those of its session, if they wait for each other.
    pub(super) fn calls_per_start(&self) -> f64 {
        self.calls as f64 / (self.schedule.len().max(1)) as f64
    }

    /// Whether later calls wait for answers.
    pub(super) fn waits(&self) -> bool {
        self.links.is_some()
    }

    /// The place of start number `number` of this replay, thinned ones counted; `None` if it has no starts.
    pub(super) fn place(&self, number: u64) -> Option<Place> {
        let index = number.checked_rem(self.schedule.len() as u64)?;
        let Entry { copy, row, .. } = self.schedule[index as usize];
        Some(Place { copy, row })
    }

    /// The row at a place, due at `at`.
    pub(super) fn row(&self, place: Place, at: Moment) -> Row {
        let Place { copy, row } = place;
        self.shown(Entry { at: 0, copy, row }, at)
    }

    /// What follows the row at a place, if something does.
    pub(super) fn after(&self, place: Place) -> Option<(Place, Wait)> {
        let link = self
            .links
            .as_ref()?
            .next
            .get(place.row as usize)?
            .as_ref()?;
        let played = |span: u64| Micros((span as f64 / self.speed) as u64);
        let wait = match link.took {
            Some(took) => Wait::FromEnd(played(link.gap.saturating_sub(took))),
            None => Wait::FromStart(played(link.gap)),
        };
        let next = Place {
            row: link.row,
            ..place
        };
        Some((next, wait))
    }
}

/// A row of one of the copies of a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    copy: u32,
    row: u32,
}

/// From one call of a session to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// So long after the answer.
    FromEnd(Micros),
    /// So long after the start of the one before, and not before its answer.
    FromStart(Micros),
}

/// The rows of each session in order.
#[derive(Clone, Debug)]
struct Links {
    /// For the first row of each session how many calls it has, zero for all others.
    calls: Vec<u32>,
    next: Vec<Option<Link>>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    row: u32,
    /// Microseconds from start to start.
    gap: u64,
    /// Microseconds that the answer took, where that is known.
    took: Option<u64>,
}

impl Links {
    fn new(trace: &Trace, took: &[Option<Micros>]) -> Self {
        let mut links = Self {
            calls: vec![0; trace.rows.len()],
            next: vec![None; trace.rows.len()],
        };
        // First and latest row of each session that was met.
        let mut met: FxHashMap<u32, (usize, usize)> = FxHashMap::default();
        for (index, row) in trace.rows.iter().enumerate() {
            let fresh = (index, index);
            let (first, last) = met.entry(row.session).or_insert(fresh);
            // What is longer than the numbers that one session has goes on as another.
            if u64::from(links.calls[*first]) >= CALLS {
                (*first, *last) = fresh;
            }
            if *last != index {
                links.next[*last] = Some(Link {
                    row: index as u32,
                    gap: row.at.0 - trace.rows[*last].at.0,
                    took: took.get(*last).copied().flatten().map(|took| took.0),
                });
                *last = index;
            }
            links.calls[*first] += 1;
        }
        links
    }
}

/// The length of one pass: up to the last row and one mean gap more. A trace whose rows all start
/// at once counts as one second.
fn span_of(trace: &Trace) -> u64 {
    let last = trace.rows.last().map_or(0, |row| row.at.0);
    if last == 0 {
        return 1_000_000;
    }
    let gap = last / (trace.rows.len() as u64 - 1).max(1);
    last.saturating_add(gap.max(1))
}

/// A shift in ±`most`, as a forward offset within `span`.
fn offset(u: f64, most: u64, span: u64) -> u64 {
    let shift = (2.0 * u - 1.0) * most as f64;
    shift.rem_euclid(span as f64) as u64 % span
}

/// Replays counts per interval: the starts of an interval are uniform within it.
///
/// A count is multiplied by the number of copies, then thinned by request if a share is kept,
/// since a recording knows no sessions.
#[derive(Clone, Debug)]
pub(super) struct CountReplay {
    recording: Arc<Recording>,
    copies: u64,
    keep: f64,
    repeat: bool,
    total: u64,
    /// Microseconds of one interval, after time compression.
    interval_us: f64,
    /// The next interval, counted over all passes.
    next_interval: u64,
    start_us: f64,
    end_us: f64,
    /// The last whole microsecond of the interval.
    last_us: u64,
    /// Starts still to come in the current interval.
    left: u64,
    /// Exponential gaps between them, the last drawn first to be used.
    gaps: Vec<f64>,
    /// Sum of the gaps up to now, and microseconds per unit of it.
    passed: f64,
    us_per_unit: f64,
}

impl CountReplay {
    pub(super) fn new(replay: &RecordedReplay) -> Self {
        let scale = &replay.scale;
        let recording = Arc::clone(&replay.recording);
        Self {
            copies: u64::from(scale.copies),
            keep: scale.keep.get(),
            repeat: scale.repeat,
            total: recording.counts.iter().map(|c| u64::from(*c)).sum(),
            interval_us: recording.interval.0.max(1) as f64 / speed_of(scale),
            recording,
            next_interval: 0,
            start_us: 0.0,
            end_us: 0.0,
            last_us: 0,
            left: 0,
            gaps: Vec::new(),
            passed: 0.0,
            us_per_unit: 0.0,
        }
    }

    /// Expected requests before `until`.
    pub(super) fn expected(&self, until: Moment) -> f64 {
        let counts = &self.recording.counts;
        let intervals = until.0 as f64 / self.interval_us;
        let passes = if self.repeat && !counts.is_empty() {
            (intervals / counts.len() as f64).floor()
        } else {
            0.0
        };
        let rest = intervals - passes * counts.len() as f64;
        let whole = (rest as usize).min(counts.len());
        let part = counts
            .get(whole)
            .map_or(0.0, |c| f64::from(*c) * rest.fract());
        let played: u64 = counts[..whole].iter().map(|c| u64::from(*c)).sum();
        (passes * self.total as f64 + played as f64 + part) * self.copies as f64 * self.keep
    }

    #[inline]
    pub(super) fn next<R: Rng>(&mut self, until: Moment, rng: &mut R) -> Option<Moment> {
        if self.left == 0 && !self.open_interval(until, rng) {
            return None;
        }
        self.passed += self.gaps.pop().unwrap_or_default();
        self.left -= 1;
        let at = self.start_us + self.passed * self.us_per_unit;
        Some(Moment((at as u64).min(self.last_us)))
    }

    /// Draws the gaps of an interval: n uniform starts in order lie as the first n of n + 1
    /// exponential gaps, scaled to the interval. That needs no sort and no logarithm for each.
    fn draw_gaps<R: Rng>(&mut self, rng: &mut R) {
        let mut sum: f64 = Exp1.sample(rng);
        self.gaps.clear();
        for _ in 0..self.left {
            let gap: f64 = Exp1.sample(rng);
            sum += gap;
            self.gaps.push(gap);
        }
        self.passed = 0.0;
        self.us_per_unit = (self.end_us - self.start_us) / sum;
    }

    /// Goes on to the next interval with a request; false if there is none before `until`.
    #[cold]
    fn open_interval<R: Rng>(&mut self, until: Moment, rng: &mut R) -> bool {
        let n = self.recording.counts.len() as u64;
        if self.total == 0 || self.copies == 0 || self.keep <= 0.0 {
            return false;
        }
        while self.left == 0 {
            if self.next_interval >= n && !self.repeat {
                return false;
            }
            self.start_us = self.next_interval as f64 * self.interval_us;
            self.end_us = (self.next_interval + 1) as f64 * self.interval_us;
            self.last_us = (self.end_us.ceil() as u64).saturating_sub(1);
            if self.start_us >= until.0 as f64 {
                return false;
            }
            let count = self.recording.counts[(self.next_interval % n) as usize];
            let starts = u64::from(count) * self.copies;
            self.left = match Binomial::new(starts, self.keep) {
                Ok(kept) if self.keep < 1.0 => kept.sample(rng),
                _ => starts,
            };
            self.next_interval += 1;
        }
        self.draw_gaps(rng);
        true
    }
}

#[cfg(test)]
mod tests;
