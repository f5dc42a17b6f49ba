//! What clients saw, to be compared with what the server counted.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How a call ended, in the kinds that the server counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered in full.
    Answered,
    /// Refused for a quota, or broken off for one.
    Throttled,
    /// An error of the client's.
    ClientError,
    /// An error of the service's, an answer that breaks off among them.
    ServerError,
    /// The connection was dropped before an answer: by a fault, which the server counts, or because
    /// a client that was held up had been silent for too long, which it does not.
    Dropped,
    /// The client left; the server may have counted the call as anything, or not at all.
    Left,
}

/// The names of the outcomes that clients are sure of, as the state document has them.
pub const COUNTED: [&str; 4] = ["invocations", "throttles", "client_errors", "server_errors"];

/// Calls between two resets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epoch {
    /// Calls that the server has counted too, by outcome.
    pub sure: [u64; 4],
    /// Calls that it may have counted.
    pub loose: u64,
}

/// All that clients saw.
#[derive(Default)]
pub struct Ledger {
    /// Even between resets, odd during one.
    number: u64,
    epochs: BTreeMap<u64, Epoch>,
    /// When clients left lately: a reset may overtake what they had sent.
    left: VecDeque<Instant>,
    by_kind: BTreeMap<&'static str, [u64; 6]>,
    deeds: BTreeMap<&'static str, u64>,
    complaints: Vec<String>,
    complaint_count: u64,
}

/// The epoch in which a call began.
#[derive(Clone, Copy)]
pub struct Begun(u64);

/// How late a server may notice what a client has sent and left.
const NOTICED: Duration = Duration::from_secs(5);

impl Ledger {
    /// A call begins.
    pub fn begin(&self) -> Begun {
        Begun(self.number)
    }

    /// A call has ended.
    pub fn end(&mut self, kind: &'static str, begun: Begun, outcome: Outcome) {
        self.by_kind.entry(kind).or_default()[outcome as usize] += 1;
        let now = self.number;
        // What ends during a reset, or began before one, may belong to either side of it.
        let is_within = begun.0 == now && now.is_multiple_of(2);
        let epoch = self.epochs.entry(now.next_multiple_of(2)).or_default();
        match epoch.sure.get_mut(outcome as usize) {
            Some(sure) if is_within => *sure += 1,
            _ => epoch.loose += 1,
        }
        if outcome == Outcome::Left {
            self.left.push_back(Instant::now());
            while self.left.front().is_some_and(|at| at.elapsed() > NOTICED) {
                self.left.pop_front();
            }
        }
    }

    /// The server is about to be told to reset.
    pub fn begin_reset(&mut self) {
        self.number += 1;
        let overtaken = self.left.iter().filter(|at| at.elapsed() <= NOTICED);
        let overtaken = overtaken.count() as u64;
        self.epochs.entry(self.number + 1).or_default().loose += overtaken;
    }

    /// It has said that it did.
    pub fn end_reset(&mut self) {
        self.number += 1;
    }

    /// What has been seen since the last reset.
    pub fn last_epoch(&self) -> Epoch {
        let last = self.number.next_multiple_of(2);
        self.epochs.get(&last).copied().unwrap_or_default()
    }

    /// Notes something done that is no call.
    pub fn did(&mut self, deed: &'static str) {
        *self.deeds.entry(deed).or_default() += 1;
    }

    /// Notes something that should not have happened.
    pub fn complain(&mut self, what: String) {
        self.complaint_count += 1;
        if self.complaints.len() < 20 {
            self.complaints.push(what);
        }
    }

    /// What should not have happened: how often, and the first cases.
    pub fn complaints(&self) -> (u64, &[String]) {
        (self.complaint_count, &self.complaints)
    }

    /// Calls by outcome, of all kinds and epochs.
    pub fn totals(&self) -> [u64; 6] {
        let mut all = [0; 6];
        for row in self.by_kind.values() {
            for (sum, one) in all.iter_mut().zip(row) {
                *sum += one;
            }
        }
        all
    }

    /// Calls and deeds by kind.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<30}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}\n",
            "calls", "answered", "throttled", "client e.", "server e.", "dropped", "left"
        );
        for (kind, row) in &self.by_kind {
            let _ = write!(text, "{kind:<30}");
            for count in row {
                let _ = write!(text, "{count:>10}");
            }
            text.push('\n');
        }
        for (deed, count) in &self.deeds {
            let _ = writeln!(text, "{deed:<30}{count:>10}");
        }
        text
    }
}

/// Random choices of one client.
pub struct Dice {
    seed: u64,
    throws: u64,
}

impl Dice {
    /// Those of client number `client` of a kind.
    pub fn new(kind: &str, client: u32) -> Self {
        Self {
            seed: bedload::rng::derive(u64::from(client), kind),
            throws: 0,
        }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.throws += 1;
        let weyl = self.throws.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bedload::rng::mix64(self.seed.wrapping_add(weyl)) % end.max(1)
    }

    /// A span of up to `longest`.
    pub fn span(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.below(1_000_000) as f64 / 1e6)
    }
}
