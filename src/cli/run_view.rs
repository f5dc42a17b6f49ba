//! What a live run shows while it goes: one line, redrawn every second on a terminal and written
//! every ten seconds elsewhere.

use super::term::{Term, talk};
use crate::live::Snapshot;
use crate::measure::LatencyHistogram;
use crate::units::Micros;
use std::collections::VecDeque;
use std::io::{self, Write};

/// Seconds that "the last seconds" means.
const RECENT: usize = 5;
/// Seconds between two lines where there is no terminal.
const PLAIN_EVERY: u64 = 10;

/// The line of a run.
pub(super) struct LiveView {
    term: Term,
    variant: String,
    seconds: u64,
    recent: VecDeque<LatencyHistogram>,
    before: Option<(f64, u64, u64)>,
    drawn: bool,
}

impl LiveView {
    pub(super) fn new(term: Term, variant: &str) -> Self {
        Self {
            term,
            variant: variant.to_owned(),
            seconds: 0,
            recent: VecDeque::new(),
            before: None,
            drawn: false,
        }
    }

    /// Shows the state of the run.
    pub(super) fn show(&mut self, snapshot: &Snapshot) {
        self.seconds += 1;
        self.recent.push_back(snapshot.recent.clone());
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        let line = self.line(snapshot);
        self.before = Some((snapshot.at.as_secs_f64(), snapshot.offered, snapshot.sent));
        if self.term.quiet {
            return;
        }
        if self.term.shows_progress() {
            let width = usize::from(self.term.width).saturating_sub(1);
            let line: String = line.chars().take(width).collect();
            // There is nobody to tell if this fails.
            let _ = write!(io::stderr().lock(), "\r\x1b[2K{line}");
            self.drawn = true;
        } else if self.seconds.is_multiple_of(PLAIN_EVERY) {
            talk(&line);
        }
    }

    /// Leaves the terminal clean.
    pub(super) fn finish(&mut self) {
        if self.drawn {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K");
            self.drawn = false;
        }
    }

    fn line(&self, now: &Snapshot) -> String {
        let (at, offered, sent) = self.before.unwrap_or((0.0, 0, 0));
        let span = (now.at.as_secs_f64() - at).max(1e-3);
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / span;
        let mut recent = LatencyHistogram::new();
        for second in &self.recent {
            recent.merge(second);
        }
        let ttft = |share: f64| {
            let value = recent.quantile(share);
            value.map_or_else(|| "-".to_owned(), short)
        };
        let progress = if now.draining {
            format!("draining, {} left", now.in_system)
        } else {
            let part = now.at.as_secs_f64() / now.duration.as_secs_f64().max(1e-6);
            format!("{:.0} %", 100.0 * part.min(1.0))
        };
        format!(
            "{} {progress} | due {:.1}/s sent {:.1}/s | in flight {} | TTFT p50 {} p99 {} | \
             throttled {} lost {} | ${:.4}",
            self.variant,
            rate(now.offered, offered),
            rate(now.sent, sent),
            now.open,
            ttft(0.5),
            ttft(0.99),
            now.throttled,
            now.lost,
            now.spent.dollars(),
        )
    }
}

fn short(time: Micros) -> String {
    let ms = time.as_millis_f64();
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 10_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1000.0),
    }
}
