//! What a call reads from the cache of its Region and writes to it.

use super::{Call, Endpoint, Prefix, max_output};
use crate::domain::{CacheReady, CacheRules, Usage};
use crate::service::cache::{PointCache, PrefixCache, Split};
use crate::service::setup::{EndpointSetup, TargetSetup};
use crate::units::Moment;

/// All caches, and how they work.
#[derive(Clone, Debug)]
pub(super) struct Caches {
    blocks: Vec<PrefixCache>,
    points: Vec<PointCache>,
    /// How often the Region of each cache was lost before it was filled: of blocks, and of points.
    losses: (Vec<u32>, Vec<u32>),
    rules: CacheRules,
}

/// The first of the caches that a target uses; one for each destination Region, the source first.
#[derive(Clone, Copy, Debug)]
pub(super) struct FirstCaches {
    blocks: usize,
    points: usize,
}

/// The caches that call number `target` uses in the Region that serves it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CacheInUse {
    blocks: usize,
    points: usize,
    split: Split,
}

impl Caches {
    /// The caches of all targets, and which of them each target uses: targets of the same scope share
    /// points.
    pub(super) fn new(setup: &EndpointSetup) -> (Self, Vec<FirstCaches>) {
        let rules = setup.cache;
        let mut caches = Self {
            blocks: Vec::new(),
            points: Vec::new(),
            losses: (Vec::new(), Vec::new()),
            rules,
        };
        let mut firsts: Vec<FirstCaches> = Vec::with_capacity(setup.targets.len());
        for (index, target) in setup.targets.iter().enumerate() {
            let same = |(one, _): &(&TargetSetup, &FirstCaches)| {
                one.cache_scope == target.cache_scope && one.destinations == target.destinations
            };
            let earlier = setup.targets[..index].iter().zip(&firsts).find(same);
            // Block numbers tell content of one workload only, whichever of its lanes it is on.
            let twin = setup.targets[..index]
                .iter()
                .zip(&firsts)
                .find(|both| same(both) && both.0.name == target.name);
            let first = FirstCaches {
                points: earlier.map_or(caches.points.len(), |(_, first)| first.points),
                blocks: twin.map_or(caches.blocks.len(), |(_, first)| first.blocks),
            };
            if earlier.is_none() {
                let more = first.points + caches.own(target);
                caches.points.resize_with(more, || PointCache::new(rules));
            }
            if twin.is_none() {
                let more = first.blocks + caches.own(target);
                let fresh = || PrefixCache::new(target.cache_ttl, rules.refresh);
                caches.blocks.resize_with(more, fresh);
            }
            firsts.push(first);
        }
        caches.losses = (vec![0; caches.blocks.len()], vec![0; caches.points.len()]);
        (caches, firsts)
    }

    /// How many caches a target has.
    fn own(&self, target: &TargetSetup) -> usize {
        if self.rules.per_region {
            target.destinations
        } else {
            1
        }
    }

    /// The place of a destination among the caches of a target.
    #[inline]
    fn place(&self, destination: usize) -> usize {
        if self.rules.per_region {
            destination
        } else {
            0
        }
    }

    /// The caches of a Region that was lost since they were filled are empty.
    pub(super) fn outlive(&mut self, first: FirstCaches, destination: usize, losses: u32) {
        if !self.rules.per_region {
            return;
        }
        let (blocks, points) = (first.blocks + destination, first.points + destination);
        if self.losses.0[blocks] != losses {
            self.losses.0[blocks] = losses;
            self.blocks[blocks].clear();
        }
        if self.losses.1[points] != losses {
            self.losses.1[points] = losses;
            self.points[points] = PointCache::new(self.rules);
        }
    }

    /// Prefixes, and parts of them, that are cached at `now`.
    pub(super) fn live(&self, now: Moment) -> usize {
        let blocks = self.blocks.iter().map(|cache| cache.live(now));
        let points = self.points.iter().map(|cache| cache.live(now));
        blocks.chain(points).sum()
    }
}

impl Endpoint {
    /// The tokens of the full answer, how many of the cache writes live for an hour, and what
    /// [`Endpoint::touch`] has to know.
    #[inline]
    pub(super) fn usage(
        &self,
        now: Moment,
        call: &Call<'_>,
        destination: usize,
    ) -> (Usage, u32, CacheInUse) {
        let target = &self.targets[call.target];
        let uncached = Usage {
            input: call.input,
            output: call.output.min(max_output(call, target)),
            ..Usage::default()
        };
        let place = self.caches.place(destination);
        let mut used = CacheInUse {
            blocks: target.caches.blocks + place,
            points: target.caches.points + place,
            split: Split::default(),
        };
        let blocks = match call.prefix {
            Prefix::Blocks([]) | Prefix::Points([], _) => return (uncached, 0, used),
            Prefix::Blocks(blocks) => blocks,
            Prefix::Points(points, boundaries) => {
                let cache = &self.caches.points[used.points];
                let split = cache.split(now, points, boundaries, target.cache_min);
                used.split = split;
                let usage = Usage {
                    input: uncached.input.saturating_add(split.total - split.covered),
                    cache_read: split.read,
                    cache_write: split.covered - split.read,
                    ..uncached
                };
                return (usage, split.write_1h, used);
            }
        };
        let prefix = (blocks.len() as u32).saturating_mul(target.block_tokens);
        if prefix < target.cache_min {
            let input = call.input.saturating_add(prefix);
            return (Usage { input, ..uncached }, 0, used);
        }
        let hits = self.caches.blocks[used.blocks].leading_hits(now, blocks) as u32;
        let usage = Usage {
            cache_read: hits * target.block_tokens,
            cache_write: (blocks.len() as u32 - hits) * target.block_tokens,
            ..uncached
        };
        used.split.read = hits;
        let write_1h = if target.cache_hour {
            usage.cache_write
        } else {
            0
        };
        (usage, write_1h, used)
    }

    /// Renews what an admitted call read from the cache, and keeps what it wrote.
    #[inline]
    pub(super) fn touch(
        &mut self,
        now: Moment,
        first_token: Moment,
        call: &Call<'_>,
        used: CacheInUse,
    ) {
        let ready = match self.caches.rules.ready {
            CacheReady::FirstToken => first_token,
            CacheReady::AtOnce => now,
        };
        match call.prefix {
            Prefix::Blocks(blocks) => {
                let hits = used.split.read as usize;
                self.caches.blocks[used.blocks].touch(now, ready, blocks, hits);
            }
            Prefix::Points(points, boundaries) => {
                let least = self.targets[call.target].cache_min;
                let cache = &mut self.caches.points[used.points];
                cache.touch((now, ready), points, boundaries, least, used.split);
            }
        }
    }
}
