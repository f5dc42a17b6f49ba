//! Collects records and what is wrong with lines, for readers that go on after a bad line.

use rustc_hash::FxHashMap;

use super::error::{RowProblem, TraceError};
use super::record::{Place, Record, Recorded};
use crate::units::Micros;

/// Calls of a file with the first problems of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The calls; lines without one are counted in it.
    pub recorded: Recorded,
    /// The first problems in full.
    pub problems: TraceError,
}

/// Names, each once, in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    names: Vec<String>,
    index: FxHashMap<String, u32>,
}

impl Numbered {
    pub(super) fn of(&mut self, name: &str) -> u32 {
        if let Some(index) = self.index.get(name) {
            return *index;
        }
        let index = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.index.insert(name.to_owned(), index);
        index
    }
}

/// Collects records in any order.
#[derive(Debug, Default)]
pub(super) struct RecordSink {
    calls: Vec<(i128, Record)>,
    pub(super) models: Numbered,
    pub(super) clients: Numbered,
    places: Vec<Place>,
    sessions: FxHashMap<String, u32>,
    next_session: u32,
    last_ns: Option<i128>,
    out: Recorded,
    problems: TraceError,
}

impl RecordSink {
    /// Says that times are moments of the calendar.
    pub(super) fn dated(&mut self, dated: bool) {
        self.out.origin_unix_us = dated.then_some(0);
    }

    /// Says that each session has a clock of its own.
    pub(super) fn session_clock(&mut self) {
        self.out.session_clock = true;
    }

    /// Takes a call at `at_ns` with its prefix blocks of `block_tokens` tokens.
    pub(super) fn take(&mut self, at_ns: i128, record: Record, blocks: &[u32]) {
        if self.last_ns.is_some_and(|last| at_ns < last) {
            self.out.out_of_order += 1;
        }
        self.last_ns = Some(at_ns);
        let blocks_start = self.out.blocks.len() as u32;
        self.out.blocks.extend_from_slice(blocks);
        let record = Record {
            blocks_start,
            blocks_len: blocks.len() as u32,
            attempt: record.attempt.max(1),
            ..record.bounded()
        };
        self.calls.push((at_ns, record));
    }

    pub(super) fn block_tokens(&mut self, tokens: u32) {
        self.out.block_tokens = tokens;
    }

    /// The number of a session; calls without a name have one of their own.
    pub(super) fn session(&mut self, name: Option<&str>) -> u32 {
        let fresh = self.next_session;
        let number = match name.filter(|name| !name.is_empty()) {
            Some(name) => *self.sessions.entry(name.to_owned()).or_insert(fresh),
            None => fresh,
        };
        if number == fresh {
            self.next_session = fresh.saturating_add(1);
        }
        number
    }

    /// The number of a place.
    pub(super) fn place(&mut self, place: &Place) -> u16 {
        let known = self.places.iter().position(|known| known == place);
        known.map_or_else(
            || {
                if self.places.len() < usize::from(u16::MAX) {
                    self.places.push(place.clone());
                }
                (self.places.len() - 1) as u16
            },
            |index| index as u16,
        )
    }

    /// Counts a line without a call.
    pub(super) fn skip(&mut self, problem: RowProblem) {
        self.count(&problem.message);
        self.problems.push(problem);
    }

    /// Counts a line that is left out on purpose.
    pub(super) fn count(&mut self, reason: &str) {
        *self.out.skipped.entry(reason.to_owned()).or_insert(0) += 1;
    }

    /// The calls in order of time.
    pub(super) fn finish(mut self) -> Result<Reading, TraceError> {
        self.calls.sort_by_key(|(at, _)| *at);
        let Some(&(first, _)) = self.calls.first() else {
            if self.problems.is_empty() {
                self.problems.push(RowProblem::new(
                    "the file holds no calls",
                    "give at least one row after the header",
                ));
            }
            return Err(self.problems);
        };
        let since = |at: i128| u64::try_from((at - first) / 1000).unwrap_or(u64::MAX);
        let calls = self.calls.iter().map(|(at, record)| Record {
            at: Micros(since(*at)),
            ..*record
        });
        let mut out = self.out;
        out.calls = calls.collect();
        let origin = || i64::try_from(first.div_euclid(1000)).unwrap_or_default();
        out.origin_unix_us = out.origin_unix_us.map(|_| origin());
        let names = |mut names: Vec<String>| {
            if names.is_empty() {
                names.push(String::new());
            }
            names
        };
        out.models = names(self.models.names);
        out.clients = names(self.clients.names);
        out.places = self.places;
        if out.places.is_empty() {
            out.places.push(Place::default());
        }
        Ok(Reading {
            recorded: out,
            problems: self.problems,
        })
    }
}
