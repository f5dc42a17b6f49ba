//! What a live run shows while it goes: a panel, redrawn every second on a terminal, and elsewhere one
//! line every ten seconds.

use super::term::{Term, talk};
use crate::live::Snapshot;
use crate::measure::LatencyHistogram;
use crate::report::sparkline;
use crate::units::{Micros, Usd};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::VecDeque;

/// Seconds that "the last seconds" means.
const RECENT: usize = 5;
/// Seconds between two lines where there is no terminal.
const PLAIN_EVERY: u64 = 10;
/// Seconds that the courses of the panel reach back, if the terminal is wide enough.
const COURSE: usize = 60;
/// Columns of a row before its course.
const WORDS: usize = 46;

/// The view of a run.
pub(super) struct LiveView {
    term: Term,
    variant: String,
    budget: Option<Usd>,
    seconds: u64,
    recent: VecDeque<LatencyHistogram>,
    before: Option<Before>,
    courses: [VecDeque<f64>; 3],
    panel: ProgressBar,
}

/// What the last snapshot had counted.
#[derive(Clone, Copy, Default)]
struct Before {
    at_s: f64,
    offered: u64,
    sent: u64,
    refused: u64,
}

/// A snapshot in the figures of a reader.
struct Seen {
    progress: String,
    due: f64,
    sent: f64,
    refused: f64,
    p50: Option<Micros>,
    p99: Option<Micros>,
}

impl LiveView {
    pub(super) fn new(term: Term, variant: &str, budget: Option<Usd>) -> Self {
        let panel = if term.shows_progress() {
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        } else {
            ProgressBar::hidden()
        };
        let head = "{prefix:.bold} {bar:30.cyan/dim} {msg}";
        let style = ProgressStyle::with_template(head);
        panel.set_style(
            style
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("━╸─"),
        );
        panel.set_prefix(variant.to_owned());
        Self {
            term,
            variant: variant.to_owned(),
            budget,
            seconds: 0,
            recent: VecDeque::new(),
            before: None,
            courses: Default::default(),
            panel,
        }
    }

    /// Shows the state of the run.
    pub(super) fn show(&mut self, snapshot: &Snapshot) {
        self.seconds += 1;
        self.recent.push_back(snapshot.recent.clone());
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        let seen = self.read(snapshot);
        if self.term.quiet {
            return;
        }
        if self.term.shows_progress() {
            let rows = self.rows(snapshot, &seen);
            self.panel.set_length(snapshot.duration.0);
            self.panel
                .set_position(snapshot.at.0.min(snapshot.duration.0));
            self.panel.set_message(rows);
            self.panel.tick();
        } else if self.seconds.is_multiple_of(PLAIN_EVERY) {
            talk(&self.line(snapshot, &seen));
        }
    }

    /// Leaves the terminal clean.
    pub(super) fn finish(&mut self) {
        self.panel.finish_and_clear();
    }

    fn read(&mut self, now: &Snapshot) -> Seen {
        let before = self.before.unwrap_or_default();
        let after = Before {
            at_s: now.at.as_secs_f64(),
            offered: now.offered,
            sent: now.sent,
            refused: now.throttled + now.lost,
        };
        self.before = Some(after);
        let span = (after.at_s - before.at_s).max(1e-3);
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / span;
        let mut recent = LatencyHistogram::new();
        for second in &self.recent {
            recent.merge(second);
        }
        let progress = if now.draining {
            format!("draining, {} left", now.in_system)
        } else {
            let part = after.at_s / now.duration.as_secs_f64().max(1e-6);
            format!("{:.0} %", 100.0 * part.min(1.0))
        };
        let seen = Seen {
            progress,
            due: rate(after.offered, before.offered),
            sent: rate(after.sent, before.sent),
            refused: rate(after.refused, before.refused),
            p50: recent.quantile(0.5),
            p99: recent.quantile(0.99),
        };
        let slowest = seen.p99.map_or(0.0, Micros::as_millis_f64);
        for (course, value) in self
            .courses
            .iter_mut()
            .zip([seen.sent, slowest, seen.refused])
        {
            course.push_back(value);
            if course.len() > COURSE {
                course.pop_front();
            }
        }
        seen
    }

    /// The panel below its bar: a word, figures and the course of the last minute in each row.
    fn rows(&self, now: &Snapshot, seen: &Seen) -> String {
        let figures = [
            (
                "load",
                format!(
                    "due {:.1}/s  sent {:.1}/s  in flight {}",
                    seen.due, seen.sent, now.open
                ),
            ),
            (
                "TTFT",
                format!(
                    "p50 {}  p99 {}  (last {RECENT} s)",
                    time(seen.p50),
                    time(seen.p99)
                ),
            ),
            (
                "refused",
                format!("throttled {}  lost {}", now.throttled, now.lost),
            ),
        ];
        let room = usize::from(self.term.width)
            .saturating_sub(WORDS + 12)
            .min(COURSE);
        let mut rows = seen.progress.clone();
        for ((word, text), course) in figures.iter().zip(&self.courses) {
            let values: Vec<f64> = course.iter().copied().collect();
            let largest = values.iter().copied().fold(0.0, f64::max);
            let line = if largest > 0.0 {
                sparkline(&values, largest, room)
            } else {
                String::new()
            };
            let row = format!("\n  {word:<9}{text:<WORDS$}{line}");
            rows.push_str(row.trim_end());
        }
        let spent = match self.budget {
            Some(budget) => format!("${:.4} of ${:.2}", now.spent.dollars(), budget.dollars()),
            None => format!("${:.4}", now.spent.dollars()),
        };
        format!("{rows}\n  {:<9}{spent}", "spent")
    }

    fn line(&self, now: &Snapshot, seen: &Seen) -> String {
        format!(
            "{} {} | due {:.1}/s sent {:.1}/s | in flight {} | TTFT p50 {} p99 {} | \
             throttled {} lost {} | ${:.4}",
            self.variant,
            seen.progress,
            seen.due,
            seen.sent,
            now.open,
            time(seen.p50),
            time(seen.p99),
            now.throttled,
            now.lost,
            now.spent.dollars(),
        )
    }
}

fn time(time: Option<Micros>) -> String {
    match time.map(Micros::as_millis_f64) {
        None => "-".to_owned(),
        Some(ms) if ms < 10.0 => format!("{ms:.1} ms"),
        Some(ms) if ms < 10_000.0 => format!("{ms:.0} ms"),
        Some(ms) => format!("{:.1} s", ms / 1000.0),
    }
}
