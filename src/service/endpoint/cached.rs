//! What a call reads from the cache of its Region and writes to it.

use super::{Call, Endpoint, Prefix, Target, max_output};
use crate::domain::{CachePoint, CacheTtl, Usage};
use crate::service::cache::PointCache;
use crate::units::Moment;

impl Endpoint {
    /// The tokens of the full answer, and how many of the cache writes live for an hour.
    #[inline]
    pub(super) fn usage(&self, now: Moment, call: &Call<'_>, cache: usize) -> (Usage, u32) {
        let target = &self.targets[call.target];
        let uncached = Usage {
            input: call.input,
            output: call.output.min(max_output(call, target)),
            ..Usage::default()
        };
        let blocks = match call.prefix {
            Prefix::Blocks([]) | Prefix::Points([]) => return (uncached, 0),
            Prefix::Blocks(blocks) => blocks,
            Prefix::Points(points) => {
                return usage_of_points(now, uncached, points, target, &self.caches[cache].points);
            }
        };
        let prefix = (blocks.len() as u32).saturating_mul(target.block_tokens);
        if prefix < target.cache_min {
            let input = call.input.saturating_add(prefix);
            return (Usage { input, ..uncached }, 0);
        }
        let hits = self.caches[cache].blocks.leading_hits(now, blocks) as u32;
        let usage = Usage {
            cache_read: hits * target.block_tokens,
            cache_write: (blocks.len() as u32 - hits) * target.block_tokens,
            ..uncached
        };
        (usage, 0)
    }

    /// Renews what an admitted call read from the cache, and keeps what it wrote.
    #[inline]
    pub(super) fn touch(&mut self, now: Moment, call: &Call<'_>, cache: usize) {
        let cache = &mut self.caches[cache];
        match call.prefix {
            Prefix::Blocks(blocks) => cache.blocks.touch(now, blocks),
            Prefix::Points(points) => {
                let least = self.targets[call.target].cache_min;
                for (point, _) in large_enough(points, least) {
                    cache.points.touch(now, point);
                }
            }
        }
    }
}

/// The points that a cache takes, each with the tokens of the prompt up to it: the minimum holds for
/// the whole prefix (Bedrock user guide, "Prompt caching").
fn large_enough(points: &[CachePoint], least: u32) -> impl Iterator<Item = (&CachePoint, u32)> {
    points
        .iter()
        .scan(0u32, |sum, point| {
            *sum = sum.saturating_add(point.tokens);
            Some((point, *sum))
        })
        .filter(move |&(_, tokens)| tokens >= least)
}

/// `uncached` with the tokens of `points` in their classes: read up to the last point that is cached, written
/// from there to the last one that can be, and plain input after that.
fn usage_of_points(
    now: Moment,
    uncached: Usage,
    points: &[CachePoint],
    target: &Target,
    cache: &PointCache,
) -> (Usage, u32) {
    let total = points
        .iter()
        .fold(0u32, |sum, point| sum.saturating_add(point.tokens));
    let (mut read, mut covered, mut write_1h) = (0, 0, 0);
    for (point, tokens) in large_enough(points, target.cache_min) {
        if cache.holds(now, point.id) {
            (read, write_1h) = (tokens, 0);
        } else if point.ttl == CacheTtl::OneHour {
            write_1h += tokens - covered;
        }
        covered = tokens;
    }
    let usage = Usage {
        input: uncached.input.saturating_add(total - covered),
        cache_read: read,
        cache_write: covered - read,
        ..uncached
    };
    (usage, write_1h)
}
