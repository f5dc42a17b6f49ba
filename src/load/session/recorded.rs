//! Sessions of a trace whose later calls wait for answers.
//!
//! Sizes are those of the trace: a recorded prompt holds all that was said before, so nothing is added to
//! it. Where a prompt is longer than the one before it, what grew is the answer and a new message;
//! where it is not, the client has dropped what was said, and the session's history begins anew.

use super::super::arrival::{Arrival, Prefixes};
use super::super::replay::{Place, RowReplay, Wait};
use super::super::sizes::SizePair;
use super::super::source::OpenSource;
use super::{CALLS, Continued, Law, SessionEnd, SessionSource};
use crate::units::Moment;

impl SessionSource {
    /// The sessions of `rows`, whose first calls are `starts`.
    pub(in crate::load) fn recorded(
        starts: OpenSource,
        rows: RowReplay,
        (sizes, prefixes): (SizePair, Prefixes),
        until: Moment,
    ) -> Self {
        Self {
            starts,
            sizes,
            prefixes,
            law: Law::Recorded(Box::new(rows)),
            open: Vec::new(),
            vacant: Vec::new(),
            until,
        }
    }

    /// The call of the row at `place`.
    pub(super) fn recorded_call(
        &self,
        rows: &RowReplay,
        place: Place,
        (at, seq): (Moment, u64),
    ) -> Arrival {
        let row = rows.row(place, at);
        let (input, output) = self.sizes.draw(seq, (row.input, row.output));
        let mut call = self.arrival(at, seq, input, output);
        if self.prefixes.drawn == 0 {
            call.prefix = row.prefix;
        }
        call
    }

    /// Tokens of all messages of a call.
    pub(super) fn said_in(&self, call: &Arrival) -> u32 {
        let context = self.prefixes.context.as_ref();
        match context.filter(|context| context.history().is_some()) {
            Some(context) => call.pointed.saturating_sub(context.tokens()),
            None => call.input,
        }
    }

    /// What follows a call of `session` that was answered at `done`.
    pub(super) fn after_recorded(&mut self, session: u32, done: Moment) -> Continued {
        let Law::Recorded(rows) = &self.law else {
            return Continued::Over(self.close(session, SessionEnd::Completed));
        };
        let state = &self.open[session as usize];
        let turns = u64::from(state.done) + 1;
        let due = state.due;
        let follows = rows.after(state.place).map(|(place, wait)| {
            let at = match wait {
                Wait::FromEnd(span) => done + span,
                Wait::FromStart(span) => done.max(due + span),
            };
            let seq = state.number * CALLS + turns;
            (place, self.recorded_call(rows, place, (at, seq)))
        });
        let state = &mut self.open[session as usize];
        state.done += 1;
        let Some((place, call)) = follows else {
            return Continued::Over(self.close(session, SessionEnd::Completed));
        };
        if call.at >= self.until {
            return Continued::Over(self.close(session, SessionEnd::Unfinished));
        }
        let said = self.said_in(&call);
        let state = &mut self.open[session as usize];
        let grown = said.saturating_sub(state.upto.last().copied().unwrap_or(0));
        if grown == 0 {
            state.calls.clear();
            state.upto.clear();
            state.dropped += 1;
            state.add(said, false);
        } else {
            // At least one token of it is new.
            let answer = state.output.min(grown - 1);
            if let Some(last) = state.calls.last_mut() {
                last.answer = answer;
            }
            state.add(grown - answer, false);
        }
        (state.place, state.due, state.output) = (place, call.at, call.output);
        Continued::Next(call)
    }
}

#[cfg(test)]
mod tests;
