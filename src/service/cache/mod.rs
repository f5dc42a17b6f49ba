//! The prompt cache of one model, scope and Region: prefixes with a time to live.
//!
//! What a call writes can be read once it is ready, and until its life ends; a write begins a life,
//! and so does a read where reads renew. [`PrefixCache`] holds prefixes of equal blocks by dense
//! numbers, [`PointCache`] cache points of any size by their identity.

mod points;

pub use points::{PointCache, Split};

use crate::units::{Micros, Moment};

/// What is cached, from when on it can be read, and until when.
#[derive(Clone, Copy, Debug, Default)]
struct Life {
    ready: Moment,
    ends: Moment,
}

impl Life {
    #[inline]
    fn can_be_read(self, now: Moment) -> bool {
        self.ready <= now && now < self.ends
    }

    /// A write at `now` that can be read from `ready` on. An earlier one that still lives may be
    /// ready before.
    #[inline]
    fn write(&mut self, now: Moment, ready: Moment, ttl: Micros) {
        let ready = if now < self.ends {
            ready.min(self.ready)
        } else {
            ready
        };
        *self = Self {
            ready,
            ends: self.ends.max(now + ttl),
        };
    }
}

/// Which prefix blocks are cached, and until when.
///
/// A prefix is a row of block ids; it is cached up to its first block that is not.
#[derive(Clone, Debug)]
pub struct PrefixCache {
    lives: Vec<Life>,
    ttl: Micros,
    refresh: bool,
}

impl PrefixCache {
    /// An empty cache. Its memory follows the largest block id that is used. With `refresh`, each
    /// read renews the life of what it reads.
    pub fn new(ttl: Micros, refresh: bool) -> Self {
        Self {
            lives: Vec::new(),
            ttl,
            refresh,
        }
    }

    /// How many leading blocks of `prefix` can be read at `now`.
    #[inline]
    pub fn leading_hits(&self, now: Moment, prefix: &[u32]) -> usize {
        let is_hit = |&&block: &&u32| {
            let life = self.lives.get(block as usize);
            life.is_some_and(|life| life.can_be_read(now))
        };
        prefix.iter().take_while(is_hit).count()
    }

    /// Forgets all of it.
    pub fn clear(&mut self) {
        self.lives.clear();
    }

    /// Blocks that are cached at `now`.
    pub fn live(&self, now: Moment) -> usize {
        self.lives.iter().filter(|life| now < life.ends).count()
    }

    /// Uses `prefix` at `now`: the leading `hits` blocks are read, the rest is written and can be
    /// read from `ready` on.
    #[inline]
    pub fn touch(&mut self, now: Moment, ready: Moment, prefix: &[u32], hits: usize) {
        let (read, written) = prefix.split_at(hits.min(prefix.len()));
        if self.refresh {
            for &block in read {
                if let Some(life) = self.lives.get_mut(block as usize) {
                    life.ends = now + self.ttl;
                }
            }
        }
        for &block in written {
            let block = block as usize;
            if block >= self.lives.len() {
                self.lives.resize(block + 1, Life::default());
            }
            self.lives[block].write(now, ready, self.ttl);
        }
    }
}

#[cfg(test)]
mod tests;
