//! Output tokens per minute of the mantle family: counted as they are produced.
//!
//! The service does not refuse a call for want of output quota; it stops an answer early
//! (Bedrock user guide, "quotas-mantle"). Which answer stops is not published. Here who is admitted
//! first keeps the output that it is going to produce, so the production of every admitted answer is
//! booked ahead, second by second, and a later answer stops where a booked second has no room.

use super::quota::QuotaStats;
use crate::domain::Window;
use crate::units::Moment;
use std::collections::VecDeque;

/// Seconds of a window.
const WINDOW: u64 = 60;
/// Microseconds of a tick.
const TICK: u64 = 1_000_000;

/// Output tokens per minute, booked ahead.
#[derive(Clone, Debug)]
pub struct OutputBudget {
    window: Window,
    limit: i64,
    /// The tick of the first entry.
    base: u64,
    /// Tokens by tick from `base` on.
    booked: VecDeque<i64>,
    /// Of a bucket: its level before `base`, in tokens × 60, so that a tick's refill is whole.
    level: i64,
    stats: QuotaStats,
}

/// How an answer is produced: its first token at a moment, and then one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Production {
    /// When the first token comes.
    pub first: Moment,
    /// Microseconds per token after the first.
    pub per_token_us: f64,
    /// Tokens in all.
    pub tokens: u32,
}

impl Production {
    /// Tokens that have come by the end of tick `tick`.
    fn by(&self, tick: u64) -> u32 {
        let end = (tick + 1).saturating_mul(TICK);
        if end <= self.first.0 {
            return 0;
        }
        let after = (end - 1 - self.first.0) as f64;
        if self.per_token_us <= 0.0 {
            return self.tokens;
        }
        // A cast saturates, and so does the sum.
        ((after / self.per_token_us) as u32)
            .saturating_add(1)
            .min(self.tokens)
    }
}

impl OutputBudget {
    /// An unused budget of `limit` tokens per minute.
    pub fn new(window: Window, limit: u64) -> Self {
        let limit = clamp(limit);
        Self {
            window,
            limit,
            base: 0,
            booked: VecDeque::new(),
            level: limit.saturating_mul(WINDOW as i64),
            stats: QuotaStats::default(),
        }
    }

    /// The limit, in tokens per minute.
    pub fn limit(&self) -> u64 {
        self.limit as u64
    }

    /// Changes the limit from `now` on; what was booked stays booked.
    pub fn set_limit(&mut self, now: Moment, limit: u64) {
        self.forget(now);
        let more = clamp(limit) - self.limit;
        self.level += more * WINDOW as i64;
        self.limit = clamp(limit);
    }

    /// What the budget saw so far; "refused" is answers that were stopped early.
    pub fn stats(&self) -> QuotaStats {
        self.stats
    }

    /// Tokens that fit into the window that ends at `now`.
    pub fn available(&mut self, now: Moment) -> i64 {
        self.forget(now);
        self.room(now.0 / TICK)
    }

    /// Books an answer that would be produced like this; says how many of its tokens come.
    ///
    /// At least one does: an answer has begun before the service can stop it.
    pub fn book(&mut self, now: Moment, answer: &Production) -> u32 {
        self.forget(now);
        let (mut tick, mut granted) = (answer.first.0.max(now.0) / TICK, 0);
        while granted < answer.tokens {
            let due = answer.by(tick).max(1);
            let asked = i64::from(due - granted.min(due));
            if asked > 0 {
                let room = self.room(tick).max(i64::from(granted == 0));
                let taken = asked.min(room);
                *self.at(tick) += taken;
                self.note(tick);
                granted += taken as u32;
                if taken < asked {
                    self.stats.refused += 1;
                    break;
                }
            }
            tick += 1;
        }
        granted
    }

    /// Takes out what an answer that was booked as `answer` and ended after `produced` tokens was still
    /// going to produce.
    pub fn unbook(&mut self, now: Moment, answer: &Production, produced: u32) {
        self.forget(now);
        let mut tick = answer.first.0 / TICK;
        let mut before = 0;
        while before < answer.tokens {
            let after = answer.by(tick).max(1);
            let unused = after.max(produced) - before.max(produced);
            if tick >= self.base && unused > 0 {
                *self.at(tick) -= i64::from(unused);
            }
            before = after;
            tick += 1;
        }
    }

    /// The entry of a tick.
    fn at(&mut self, tick: u64) -> &mut i64 {
        let index = (tick - self.base) as usize;
        if index >= self.booked.len() {
            self.booked.resize(index + 1, 0);
        }
        &mut self.booked[index]
    }

    fn sum(&self, from: u64, to: u64) -> i64 {
        let from = from.max(self.base);
        let to = to.min(self.base + self.booked.len() as u64);
        (from..to)
            .map(|tick| self.booked[(tick - self.base) as usize])
            .sum()
    }

    /// Tokens that can still be booked in `tick` without exceeding the limit then or later.
    fn room(&self, tick: u64) -> i64 {
        match self.window {
            Window::Fixed => {
                let start = tick / WINDOW * WINDOW;
                self.limit - self.sum(start, start + WINDOW)
            }
            Window::Sliding => {
                let first = (tick + 1).saturating_sub(WINDOW);
                let mut used = self.sum(first, tick + 1);
                let mut most = used;
                let end = (self.base + self.booked.len() as u64).min(tick + WINDOW);
                for last in tick + 1..end {
                    used += self.sum(last, last + 1);
                    if last >= WINDOW {
                        used -= self.sum(last - WINDOW, last - WINDOW + 1);
                    }
                    most = most.max(used);
                }
                self.limit - most
            }
            Window::Bucket => self.bucket_room(tick),
        }
    }

    /// The least level of a bucket from `tick` on, until it is full again.
    fn bucket_room(&self, tick: u64) -> i64 {
        let full = self.limit * WINDOW as i64;
        let mut level = self.level;
        let mut least = i64::MAX;
        let end = (self.base + self.booked.len() as u64).max(tick + 1);
        for at in self.base..end {
            level = (level + self.limit).min(full);
            if at > tick && level == full {
                break;
            }
            level -= self.sum(at, at + 1) * WINDOW as i64;
            if at >= tick {
                least = least.min(level);
            }
        }
        least.div_euclid(WINDOW as i64)
    }

    /// Drops entries that no window from `now` on counts.
    fn forget(&mut self, now: Moment) {
        let present = now.0 / TICK;
        let keep = match self.window {
            Window::Bucket => present,
            Window::Fixed => present / WINDOW * WINDOW,
            Window::Sliding => present.saturating_sub(WINDOW - 1),
        };
        let full = self.limit * WINDOW as i64;
        while self.base < keep {
            let Some(tokens) = self.booked.pop_front() else {
                // Nothing is booked from here on.
                let ticks = i64::try_from(keep - self.base).unwrap_or(i64::MAX);
                self.level = self
                    .level
                    .saturating_add(self.limit.saturating_mul(ticks))
                    .min(full);
                self.base = keep;
                return;
            };
            self.level = (self.level + self.limit).min(full) - tokens * WINDOW as i64;
            self.base += 1;
        }
    }

    fn note(&mut self, tick: u64) {
        let start = tick / WINDOW * WINDOW;
        let shown = self.sum(start, start + WINDOW).max(0) as u64;
        self.stats.peak_settled = self.stats.peak_settled.max(shown);
        let counted = (self.limit - self.room(tick)).max(0) as u64;
        self.stats.peak_reserved = self.stats.peak_reserved.max(counted);
    }
}

/// A limit that sums and products of a window cannot overflow.
fn clamp(limit: u64) -> i64 {
    i64::try_from(limit.min(1 << 50)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Micros;

    fn answer(at_s: u64, tokens: u32) -> Production {
        Production {
            first: Moment::ZERO + Micros::from_secs(at_s),
            per_token_us: 100_000.0,
            tokens,
        }
    }

    #[test]
    fn the_later_answer_stops_where_the_minute_is_full() {
        // 10 tokens a second each, 900 a minute: the first takes 600 of seconds 0 to 59, the second
        // 300 of its 600 before the minute is full. A fixed minute gives it the next 60 s of its own.
        for window in [Window::Sliding, Window::Fixed] {
            let mut budget = OutputBudget::new(window, 900);
            assert_eq!(budget.book(Moment::ZERO, &answer(0, 600)), 600);
            assert_eq!(budget.book(Moment::ZERO, &answer(0, 600)), 300, "{window}");
            assert_eq!(budget.stats().refused, 1);
            assert_eq!(budget.stats().peak_settled, 900);
            let later = Moment::ZERO + Micros::from_secs(60);
            let room = budget.available(later);
            assert_eq!(budget.book(later, &answer(60, 5)), 5, "{window} {room}");
        }
    }

    #[test]
    fn a_bucket_gives_what_has_flowed_in() {
        let mut budget = OutputBudget::new(Window::Bucket, 600);
        // 600 at once, and 10 a second after that: the production of one answer at 10 a second.
        let fast = Production {
            per_token_us: 10_000.0,
            ..answer(0, 10_000)
        };
        // 100 a second against 600 + 10 a second: empty in second 6 (600 + 6×10 < 700).
        let granted = budget.book(Moment::ZERO, &fast);
        assert_eq!(granted, 660);
        assert_eq!(budget.available(Moment::ZERO), 0);
        let later = Moment::ZERO + Micros::from_secs(30);
        assert!((230..=250).contains(&budget.available(later)));
    }

    #[test]
    fn who_leaves_gives_back_what_was_still_to_come() {
        let mut budget = OutputBudget::new(Window::Sliding, 600);
        let long = answer(0, 600);
        assert_eq!(budget.book(Moment::ZERO, &long), 600);
        let left_at = Moment::ZERO + Micros::from_secs(10);
        budget.unbook(left_at, &long, 100);
        // A hundred a second from then on, all of them within a minute of the first hundred.
        let next = Production {
            per_token_us: 10_000.0,
            ..answer(10, 600)
        };
        assert_eq!(budget.book(left_at, &next), 500);
    }

    #[test]
    fn one_token_comes_whatever_the_budget() {
        let mut budget = OutputBudget::new(Window::Sliding, 1);
        assert_eq!(budget.book(Moment::ZERO, &answer(0, 50)), 1);
        assert_eq!(budget.book(Moment::ZERO, &answer(0, 50)), 1);
        assert_eq!(budget.available(Moment::ZERO), -1);
    }
}
