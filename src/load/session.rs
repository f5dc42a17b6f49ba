//! Sessions: conversations and agents whose prompts grow with what was said.
//!
//! The arrival process begins sessions. Each later call follows an answer: after the user has thought,
//! or after a tool has run. Every draw is keyed by session and call, so policies that answer at other
//! moments meet the same sessions. Memory follows the sessions that are open.
//!
//! Sessions of a trace go the same way: their first calls start when they did, each later one when the
//! answer to the one before has come and the recorded time to think has passed.

mod recorded;

use super::arrival::{Arrival, Prefixes};
use super::closed::DurationLaw;
use super::context::{History, PromptPoints};
use super::replay::{Place, RowReplay};
use super::sizes::{SizePair, SizeSampler};
use super::source::OpenSource;
use super::spec::{MOST_TURNS, SessionSpec, ToolLoopSpec};
use crate::rng::Keyed;
use crate::units::Moment;

/// Numbers of requests that each session has: those of its calls begin with its own.
pub(super) const CALLS: u64 = 1 << 16;

/// Sessions from which the mean number of calls is told.
const MEAN_DRAWS: u64 = 4096;

/// The requests of sessions.
#[derive(Clone, Debug)]
pub struct SessionSource {
    starts: OpenSource,
    sizes: SizePair,
    pub(super) prefixes: Prefixes,
    law: Law,
    open: Vec<Session>,
    vacant: Vec<u32>,
    until: Moment,
}

/// How sessions go on.
#[derive(Clone, Debug)]
enum Law {
    Drawn(Box<Drawn>),
    Recorded(Box<RowReplay>),
}

/// Sessions that are made up.
#[derive(Clone, Debug)]
struct Drawn {
    turns: (SizeSampler, Keyed),
    think: DurationLaw,
    user: Option<(SizeSampler, Keyed)>,
    tools: Option<Tools>,
}

#[derive(Clone, Debug)]
struct Tools {
    share: f64,
    uses: Keyed,
    latency: DurationLaw,
    result: (SizeSampler, Keyed),
    max_calls: u32,
}

/// A session that is open.
#[derive(Clone, Debug, Default)]
struct Session {
    number: u64,
    began: Moment,
    /// Turns that it will have if nothing goes wrong.
    turns: u32,
    /// Turns answered to the end.
    done: u32,
    /// Tools used in this turn.
    tool_calls: u32,
    calls: Vec<SessionCall>,
    /// For each call the tokens of all messages up to its own.
    upto: Vec<u32>,
    is_open: bool,
    /// Of a recorded one: the row of the call in hand, when it is due and its output, and how often what was
    /// said before was dropped.
    place: Place,
    due: Moment,
    output: u32,
    dropped: u64,
}

/// One call of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCall {
    /// Tokens of the message that it adds.
    pub added: u32,
    /// Whether the message is the result of a tool.
    pub is_result: bool,
    /// Tokens of the answer; zero until it came.
    pub answer: u32,
}

/// How a session came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// All of its turns were answered.
    Completed,
    /// A call failed, and the rest never began.
    Abandoned,
    /// The run ended before it did.
    Unfinished,
}

/// A session that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOver {
    /// When it began.
    pub began: Moment,
    /// Turns that were answered to the end.
    pub turns: u32,
    /// How it ended.
    pub end: SessionEnd,
}

/// What follows the end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continued {
    /// The next call of the session.
    Next(Arrival),
    /// The session is over.
    Over(SessionOver),
}

impl SessionSource {
    pub(super) fn new(
        starts: OpenSource,
        spec: &SessionSpec,
        (sizes, prefixes): (SizePair, Prefixes),
        (seed, workload): (u64, &str),
        until: Moment,
    ) -> Self {
        let keyed = |purpose: &str| Keyed::new(seed, &format!("{workload}/{purpose}"));
        let tools = |tools: &ToolLoopSpec| Tools {
            share: tools.share.get(),
            uses: keyed("tool-use"),
            latency: DurationLaw::new(tools.latency, keyed("tool-latency")),
            result: (SizeSampler::new(&tools.result), keyed("tool-result")),
            max_calls: tools.max_calls,
        };
        let law = Drawn {
            turns: (SizeSampler::new(&spec.turns), keyed("turns")),
            think: DurationLaw::new(spec.think, keyed("think")),
            user: spec
                .user
                .as_ref()
                .map(|law| (SizeSampler::new(law), keyed("user-tokens"))),
            tools: spec.tools.as_ref().map(tools),
        };
        Self {
            starts,
            sizes,
            prefixes,
            law: Law::Drawn(Box::new(law)),
            open: Vec::new(),
            vacant: Vec::new(),
            until,
        }
    }

    /// The first call of the next session; [`SessionSource::begin`] opens it.
    pub fn next_start(&mut self) -> Option<Arrival> {
        let start = self.starts.next()?;
        let seq = start.seq * CALLS;
        if let Law::Recorded(rows) = &self.law {
            let place = rows.place(start.seq).unwrap_or_default();
            return Some(self.recorded_call(rows, place, (start.at, seq)));
        }
        let (input, output) = self.sizes.draw(seq, (1, 1));
        Some(self.arrival(start.at, seq, input, output))
    }

    /// Opens the session of a first call; returns the name under which it is asked for.
    pub fn begin(&mut self, start: &Arrival) -> u32 {
        let name = self.vacant.pop().unwrap_or_else(|| {
            self.open.push(Session::default());
            (self.open.len() - 1) as u32
        });
        let number = start.seq / CALLS;
        let (input, turns, place) = match &self.law {
            Law::Drawn(law) => {
                let (turns, keyed) = &law.turns;
                let turns = turns.draw(*keyed, number).min(MOST_TURNS);
                let (input, _) = self.sizes.draw(start.seq, (1, 1));
                (input, turns, Place::default())
            }
            Law::Recorded(rows) => {
                let place = rows.place(number).unwrap_or_default();
                (self.said_in(start), 0, place)
            }
        };
        let session = &mut self.open[name as usize];
        session.calls.clear();
        session.upto.clear();
        *session = Session {
            number,
            began: start.at,
            turns,
            calls: std::mem::take(&mut session.calls),
            upto: std::mem::take(&mut session.upto),
            is_open: true,
            place,
            due: start.at,
            output: start.output,
            ..Session::default()
        };
        session.add(input, false);
        name
    }

    /// What follows a call of `session` that ended at `done`: answered with so many tokens, or failed.
    pub fn after(&mut self, session: u32, done: Moment, answer: Option<u32>) -> Continued {
        let Some(answer) = answer else {
            return Continued::Over(self.close(session, SessionEnd::Abandoned));
        };
        let law = match &self.law {
            Law::Drawn(law) => law,
            Law::Recorded(_) => return self.after_recorded(session, done),
        };
        let state = &mut self.open[session as usize];
        let last = state.number * CALLS + (state.calls.len() as u64).saturating_sub(1);
        let seq = last + 1;
        if let Some(call) = state.calls.last_mut() {
            call.answer = answer;
        }
        let tool = law.tools.as_ref().filter(|tools| {
            state.tool_calls < tools.max_calls && tools.uses.uniform(last) < tools.share
        });
        let (drawn, output) = self.sizes.draw(seq, (1, 1));
        let (added, at) = if let Some(tools) = tool {
            state.tool_calls += 1;
            let (law, keyed) = &tools.result;
            (law.draw(*keyed, seq), done + tools.latency.draw(seq))
        } else {
            state.done += 1;
            state.tool_calls = 0;
            if state.done >= state.turns {
                return Continued::Over(self.close(session, SessionEnd::Completed));
            }
            let user = law.user.as_ref();
            let added = user.map_or(drawn, |(law, keyed)| law.draw(*keyed, seq));
            (added, done + law.think.draw(seq))
        };
        if at >= self.until {
            return Continued::Over(self.close(session, SessionEnd::Unfinished));
        }
        state.add(added, tool.is_some());
        let upto = state.upto.last().copied().unwrap_or(added);
        Continued::Next(self.arrival(at, seq, upto, output))
    }

    /// Ends a session.
    pub fn close(&mut self, session: u32, end: SessionEnd) -> SessionOver {
        let state = &mut self.open[session as usize];
        state.is_open = false;
        self.vacant.push(session);
        SessionOver {
            began: state.began,
            turns: state.done,
            end,
        }
    }

    /// The sessions that are open, by name.
    pub fn names(&self) -> Vec<u32> {
        let open = self.open.iter().enumerate();
        open.filter(|(_, session)| session.is_open)
            .map(|(name, _)| name as u32)
            .collect()
    }

    /// The calls of an open session so far, the one in hand inside, and the number of the session.
    pub fn calls(&self, session: u32) -> (u64, &[SessionCall]) {
        let session = &self.open[session as usize];
        (session.number, &session.calls)
    }

    /// Fills `out` with the cache points of the call in hand of `session`.
    pub(super) fn points(&self, seq: u64, session: u32, out: &mut PromptPoints) {
        let Some(context) = &self.prefixes.context else {
            return;
        };
        let state = &self.open[session as usize];
        let history = History {
            // What was said after a cut is not what was said before it.
            session: state.number ^ state.dropped << 40,
            upto: &state.upto,
        };
        context.fill((seq, state.number), Some(history), out);
    }

    /// Expected calls of one session that nothing cuts short.
    pub fn mean_calls(&self) -> f64 {
        let law = match &self.law {
            Law::Drawn(law) => law,
            Law::Recorded(rows) => return rows.calls_per_start(),
        };
        let (turns, keyed) = &law.turns;
        let drawn = (0..MEAN_DRAWS).map(|id| u64::from(turns.draw(*keyed, id).min(MOST_TURNS)));
        let turns = drawn.sum::<u64>() as f64 / MEAN_DRAWS as f64;
        let tools = law.tools.as_ref();
        let in_turn = |tools: &Tools| {
            let uses = 0..=tools.max_calls;
            uses.map(|n| tools.share.powf(f64::from(n))).sum::<f64>()
        };
        turns * tools.map_or(1.0, in_turn)
    }

    /// Calls per second if every session ran to its end.
    pub(super) fn mean_rate(&self) -> f64 {
        self.starts.mean_rate() * self.mean_calls()
    }

    fn arrival(&self, at: Moment, seq: u64, upto: u32, output: u32) -> Arrival {
        let context = self.prefixes.context.as_ref();
        let before = context.map_or(0, |context| context.tokens());
        // With a point after the newest message, one token follows it, as on the wire.
        let moves = context.is_some_and(|context| context.history().is_some());
        let (input, pointed) = if moves {
            (1, before.saturating_add(upto))
        } else {
            (upto, before)
        };
        Arrival {
            at,
            seq,
            input,
            output,
            prefix: self.prefixes.draw(seq / CALLS),
            pointed,
        }
    }
}

impl Session {
    fn add(&mut self, added: u32, is_result: bool) {
        let before = match (self.upto.last(), self.calls.last()) {
            (Some(upto), Some(call)) => upto.saturating_add(call.answer),
            _ => 0,
        };
        self.upto.push(before.saturating_add(added));
        self.calls.push(SessionCall {
            added,
            is_result,
            answer: 0,
        });
    }
}

#[cfg(test)]
mod tests;
