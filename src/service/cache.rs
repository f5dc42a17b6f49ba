//! Prompt cache of one model in one Region: prefix blocks with a sliding time to live.

use crate::domain::CachePoint;
use crate::units::{Micros, Moment};
use rustc_hash::FxHashMap;

/// Which prefix blocks are cached, and until when.
///
/// A prefix is a row of block ids; it is cached up to its first block that is not. Each use
/// renews the life of its blocks (Bedrock user guide, "Prompt caching").
#[derive(Clone, Debug)]
pub struct PrefixCache {
    expires: Vec<Moment>,
    ttl: Micros,
}

impl PrefixCache {
    /// An empty cache. Its memory follows the largest block id that is used.
    pub fn new(ttl: Micros) -> Self {
        Self {
            expires: Vec::new(),
            ttl,
        }
    }

    /// How many leading blocks of `prefix` are cached at `now`.
    #[inline]
    pub fn leading_hits(&self, now: Moment, prefix: &[u32]) -> usize {
        prefix
            .iter()
            .take_while(|&&block| {
                self.expires
                    .get(block as usize)
                    .is_some_and(|&end| now < end)
            })
            .count()
    }

    /// Blocks that are cached at `now`.
    pub fn live(&self, now: Moment) -> usize {
        self.expires.iter().filter(|&&end| now < end).count()
    }

    /// Uses `prefix` at `now`: what was cached lives on, the rest is written.
    #[inline]
    pub fn touch(&mut self, now: Moment, prefix: &[u32]) {
        let until = now + self.ttl;
        for &block in prefix {
            let block = block as usize;
            if block >= self.expires.len() {
                self.expires.resize(block + 1, Moment::ZERO);
            }
            self.expires[block] = until;
        }
    }
}

/// Which cache points are cached, and until when, by the identity of what is before them.
///
/// It answers for prompts whose parts have sizes and lives of their own, as those of real clients.
#[derive(Clone, Debug, Default)]
pub struct PointCache {
    expires: FxHashMap<u64, Moment>,
    /// How many entries there may be before those past their life are dropped.
    sweep_at: usize,
}

/// Entries below which a sweep is not worth while.
const SWEEP_FLOOR: usize = 1024;

impl PointCache {
    /// Whether the prompt up to the point `id` is cached at `now`.
    #[inline]
    pub fn holds(&self, now: Moment, id: u64) -> bool {
        self.expires.get(&id).is_some_and(|&end| now < end)
    }

    /// Uses a point at `now`: it lives for its time from now on.
    pub fn touch(&mut self, now: Moment, point: &CachePoint) {
        if self.expires.len() >= self.sweep_at.max(SWEEP_FLOOR) {
            self.expires.retain(|_, end| now < *end);
            self.sweep_at = self.expires.len() * 2;
        }
        self.expires.insert(point.id, now + point.ttl.span());
    }

    /// Points that are cached at `now`.
    pub fn live(&self, now: Moment) -> usize {
        self.expires.values().filter(|&&end| now < end).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Keyed;

    #[test]
    fn a_prefix_is_cached_up_to_its_first_missing_block() {
        let mut cache = PrefixCache::new(Micros::from_secs(300));
        let at = |s| Moment::ZERO + Micros::from_secs(s);
        cache.touch(at(0), &[0, 1, 2]);
        assert_eq!(cache.leading_hits(at(299), &[0, 1, 3, 2]), 2);
        cache.touch(at(299), &[0, 1]);
        assert_eq!(
            cache.leading_hits(at(300), &[0, 1, 2]),
            2,
            "only what was used lives on"
        );
        assert_eq!(cache.leading_hits(at(600), &[0, 1]), 0);
    }

    #[test]
    fn the_hit_rate_of_poisson_traffic_meets_the_closed_form() {
        // h = 1 − e^{−λT}: .63212 at λ = 0.2 a minute and T = 5 minutes (methods 8.3).
        let gaps = Keyed::new(11, "gaps");
        let mut cache = PrefixCache::new(Micros::from_secs(300));
        let (mut now, mut hits, n) = (0.0, 0usize, 200_000u64);
        for id in 0..n {
            now += -gaps.uniform(id).ln() * 300.0;
            let moment = Moment::ZERO + Micros::from_secs_f64(now);
            hits += cache.leading_hits(moment, &[0]);
            cache.touch(moment, &[0]);
        }
        let rate = hits as f64 / n as f64;
        assert!((rate - 0.63212).abs() < 0.004, "hit rate {rate}");
    }
}
