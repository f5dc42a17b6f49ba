//! Which synthetic requests are of one session.
//!
//! Starts are drawn first, so bursts are those of all sessions together. Then each start is given to a
//! session: to a new one when as many should have begun by then, or else to the one that is due first. When
//! a session is due follows from tables of the time between its requests, how long it is from a table of turns.

use super::{Draft, share, shuffle};
use crate::load::trace::Record;
use crate::traffic::tables::{Conditional, Table};
use rand_chacha::ChaCha8Rng;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const MINUTE: u64 = 60_000_000;

/// Gives each draft its session.
pub(super) fn assign(
    drafts: &mut [Draft],
    sessions: &[Vec<&Record>],
    times: &[u64],
    rng: &mut ChaCha8Rng,
) {
    let plan = Plan::new(sessions, times);
    let mut deck = Vec::new();
    let mut left: Vec<u32> = Vec::new();
    let mut due: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    let mut resting: Vec<u32> = Vec::new();
    for draft in drafts {
        let wanted = plan.begun_by(draft.at);
        let next = if (left.len() as u64) < wanted {
            None
        } else {
            // When all are over, one that was goes on.
            let over = || resting.last().copied();
            due.pop().map(|Reverse((_, session))| session).or_else(over)
        };
        draft.follows = next.is_some();
        let session = next.unwrap_or_else(|| {
            if deck.is_empty() {
                deck = plan.deck(rng);
            }
            left.push(deck.pop().unwrap_or(1));
            (left.len() - 1) as u32
        });
        draft.session = session;
        let turns = &mut left[session as usize];
        *turns = turns.saturating_sub(1);
        if *turns > 0 {
            let gap = plan.gap(draft.follows, share(rng));
            due.push(Reverse((draft.at + gap, session)));
        } else if resting.last() != Some(&session) {
            resting.push(session);
        }
    }
}

/// Laws of sessions.
struct Plan {
    turns: Table,
    count: usize,
    /// Microseconds from start to start after a first request, and after a later one.
    gaps: Conditional,
    /// Sessions begun by the end of each minute.
    begun: Vec<u64>,
    span: u64,
}

impl Plan {
    fn new(sessions: &[Vec<&Record>], times: &[u64]) -> Self {
        let span = times
            .last()
            .map_or(MINUTE, |last| last / 1_000_000 * 1_000_000 + 1_000_000);
        let first = sessions.first().map_or(0, |session| session[0].at.0);
        let mut begun = vec![0u64; (span / MINUTE) as usize + 1];
        let mut gaps = Vec::new();
        for session in sessions {
            let minute = ((session[0].at.0 - first) / MINUTE) as usize;
            if let Some(count) = begun.get_mut(minute) {
                *count += 1;
            }
            for (turn, two) in session.windows(2).enumerate() {
                // Over orders of magnitude, straight lines are drawn between logarithms.
                let gap = ((two[1].at - two[0].at).0.max(1) as f64).ln();
                gaps.push((f64::from(u8::from(turn > 0)), gap));
            }
        }
        for index in 1..begun.len() {
            begun[index] += begun[index - 1];
        }
        Self {
            turns: Table::new(sessions.iter().map(|one| one.len() as f64).collect()),
            count: sessions.len(),
            gaps: Conditional::new(gaps),
            begun,
            span,
        }
    }

    /// The turns of as many sessions as the source has, in random order.
    fn deck(&self, rng: &mut ChaCha8Rng) -> Vec<u32> {
        let n = self.count as f64;
        let turns = |index: usize| self.turns.at((index as f64 + 0.5) / n).round().max(1.0) as u32;
        let mut deck: Vec<u32> = (0..self.count).map(turns).collect();
        shuffle(&mut deck, rng);
        deck
    }

    fn gap(&self, follows: bool, share: f64) -> u64 {
        self.gaps.at(f64::from(u8::from(follows)), share).exp() as u64
    }

    /// How many sessions should have begun by `at`.
    fn begun_by(&self, at: u64) -> u64 {
        let passes = at / self.span;
        let minute = ((at % self.span) / MINUTE) as usize;
        let within = self.begun.get(minute).copied().unwrap_or(self.count as u64);
        let before = minute
            .checked_sub(1)
            .and_then(|m| self.begun.get(m))
            .copied()
            .unwrap_or(0);
        // Within a minute they begin evenly; at its start at least one of them.
        let part = ((at % MINUTE) as f64 / MINUTE as f64).max(1e-9);
        passes * self.count as u64 + before + ((within - before) as f64 * part).ceil() as u64
    }
}
