//! Cache points of any size.

use super::Life;
use crate::domain::{CacheBoundary, CachePoint, CacheRules, CacheTtl};
use crate::units::Moment;
use rustc_hash::FxHashMap;

/// Which cache points are cached, and until when, by the identity of what is before them.
///
/// It answers for prompts whose parts have sizes and lives of their own. Its memory follows what
/// lives: entries past their life are dropped when they could be half of all.
#[derive(Clone, Debug)]
pub struct PointCache {
    entries: FxHashMap<u64, Entry>,
    rules: CacheRules,
    /// How many entries there may be before those past their life are dropped.
    sweep_at: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    life: Life,
    ttl: CacheTtl,
}

/// What a prompt finds in the cache and leaves there, in tokens of the prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Up to here it is read.
    pub read: u32,
    /// From there up to here it is written.
    pub covered: u32,
    /// Of the written tokens, those that live for an hour.
    pub write_1h: u32,
    /// Tokens of all points, those that are not cached inside.
    pub total: u32,
}

/// Entries below which a sweep is not worth while.
const SWEEP_FLOOR: usize = 1024;

impl PointCache {
    /// An empty cache.
    pub fn new(rules: CacheRules) -> Self {
        Self {
            entries: FxHashMap::default(),
            rules,
            sweep_at: SWEEP_FLOOR,
        }
    }

    /// What a prompt with these points would read and write at `now`.
    ///
    /// It is read up to the last place at which an earlier call had a point that can be read: at one
    /// of its own points, or at one of the `boundaries` (ascending) that are not too far before
    /// them. It is written from there up to its last point. Points with fewer than `least` tokens
    /// before them are not cached; the minimum holds for the whole prefix (Bedrock user guide,
    /// "Prompt caching").
    pub fn split(
        &self,
        now: Moment,
        points: &[CachePoint],
        boundaries: &[CacheBoundary],
        least: u32,
    ) -> Split {
        let mut split = Split::default();
        let mut hours = 0;
        for point in points {
            split.total = split.total.saturating_add(point.tokens);
            if split.total < least {
                continue;
            }
            split.covered = split.total;
            if self.holds(now, point.id) {
                split.read = split.total;
            }
            if point.ttl == CacheTtl::OneHour {
                // Points of an hour come before those of five minutes.
                hours = split.total;
            }
        }
        if split.read < split.covered {
            let found = boundaries
                .iter()
                .rev()
                .take_while(|at| at.tokens > split.read)
                .find(|at| at.tokens <= split.covered && self.finds(now, at));
            split.read = found.map_or(split.read, |at| at.tokens);
        }
        split.write_1h = hours.saturating_sub(split.read);
        split
    }

    /// Leaves what [`PointCache::split`] said of the same prompt: what was read lives on, and the rest
    /// can be read from `ready` on.
    pub fn touch(
        &mut self,
        (now, ready): (Moment, Moment),
        points: &[CachePoint],
        boundaries: &[CacheBoundary],
        least: u32,
        split: Split,
    ) {
        self.sweep(now);
        let mut tokens = 0u32;
        for point in points {
            tokens = tokens.saturating_add(point.tokens);
            if tokens < least {
                continue;
            }
            // A point inside what was read is known from now on, if it was not before.
            let is_known = tokens <= split.read;
            if is_known && self.holds(now, point.id) {
                self.renew(now, point.id);
            } else {
                let ready = if is_known { now } else { ready };
                let entry = self.entries.entry(point.id).or_default();
                if now >= entry.life.ends || entry.ttl == CacheTtl::FiveMinutes {
                    entry.ttl = point.ttl;
                }
                entry.life.write(now, ready, point.ttl.span());
            }
        }
        let at_boundary = |at: &&CacheBoundary| at.tokens == split.read && self.finds(now, at);
        if let Some(at) = boundaries.iter().rev().find(at_boundary) {
            self.renew(now, at.id);
        }
    }

    #[inline]
    fn holds(&self, now: Moment, id: u64) -> bool {
        let entry = self.entries.get(&id);
        entry.is_some_and(|entry| entry.life.can_be_read(now))
    }

    #[inline]
    fn finds(&self, now: Moment, at: &CacheBoundary) -> bool {
        at.blocks_back < self.rules.lookback_blocks && self.holds(now, at.id)
    }

    fn renew(&mut self, now: Moment, id: u64) {
        if self.rules.refresh
            && let Some(entry) = self.entries.get_mut(&id)
        {
            entry.life.ends = now + entry.ttl.span();
        }
    }

    fn sweep(&mut self, now: Moment) {
        if self.entries.len() >= self.sweep_at {
            self.entries.retain(|_, entry| now < entry.life.ends);
            self.sweep_at = (self.entries.len() * 2).max(SWEEP_FLOOR);
        }
    }

    /// Points that are cached at `now`.
    pub fn live(&self, now: Moment) -> usize {
        let lives = self.entries.values().map(|entry| entry.life);
        lives.filter(|life| now < life.ends).count()
    }

    /// Entries in memory, those past their life inside.
    pub fn entries(&self) -> usize {
        self.entries.len()
    }
}
