//! What prompts share with earlier ones, and what a cache serves of it.

use crate::load::trace::{Record, Recorded};
use crate::results::traffic::{CacheStats, DepthReuse, PrefixStats, TraceStats};
use crate::units::Micros;
use rustc_hash::FxHashMap;

/// How long an entry of a cache lives after its last use.
const LIVES: [Micros; 3] = [Micros(5 * Micros::MINUTE.0), Micros::HOUR, Micros(u64::MAX)];

pub(super) fn describe(requests: &[&Record], recorded: &Recorded, stats: &mut TraceStats) {
    stats.cache = logged(requests);
    stats.prefix = blocks(requests, recorded);
    stats.prefix_reuse = match (&stats.prefix, &stats.cache) {
        (Some(prefix), cache) => {
            let served = cache.map_or(0.0, |cache| cache.read_share);
            Some(prefix.hit_rate_unlimited.max(served))
        }
        (None, Some(cache)) => {
            let note = "prefix reuse is what the log says that a cache served; prefixes themselves are not known";
            stats.notes.push(note.to_owned());
            Some(cache.read_share)
        }
        (None, None) => None,
    };
}

fn logged(requests: &[&Record]) -> Option<CacheStats> {
    let (mut all, mut read, mut written, mut readers) = (0u64, 0u64, 0u64, 0u64);
    for call in requests {
        all += call.input_total();
        read += u64::from(call.cache_read);
        written += u64::from(call.cache_write);
        readers += u64::from(call.cache_read > 0);
    }
    (read + written > 0).then(|| CacheStats {
        read_share: read as f64 / all as f64,
        write_share: written as f64 / all as f64,
        calls_that_read: readers as f64 / requests.len() as f64,
    })
}

/// For each request how many of its leading blocks were seen before, and when the deepest of them last was.
///
/// An id stands for a block with all before it, so a block seen before was seen at the same place.
pub(in crate::traffic) fn hits(
    requests: &[&Record],
    recorded: &Recorded,
) -> Vec<(u32, Option<Micros>)> {
    let mut seen: FxHashMap<u32, Micros> = FxHashMap::default();
    let one = |call: &&Record| {
        let ids = recorded.blocks_of(call);
        let known = ids.iter().take_while(|id| seen.contains_key(*id)).count();
        let last = known
            .checked_sub(1)
            .and_then(|index| seen.get(&ids[index]).copied());
        for id in ids {
            seen.insert(*id, call.at);
        }
        (known as u32, last)
    };
    requests.iter().map(one).collect()
}

fn blocks(requests: &[&Record], recorded: &Recorded) -> Option<PrefixStats> {
    let size = u64::from(recorded.block_tokens);
    if size == 0 || requests.iter().all(|call| call.blocks_len == 0) {
        return None;
    }
    let mut last: FxHashMap<u32, Micros> = FxHashMap::default();
    let mut served = [0u64; LIVES.len()];
    let mut all = 0;
    let mut depths: Vec<DepthReuse> = (0..10)
        .map(|power| DepthReuse {
            blocks: 1 << power,
            ..DepthReuse::default()
        })
        .collect();
    for call in requests {
        let ids = recorded.blocks_of(call);
        let input = call.input_total();
        all += input;
        // Shorter lives end no later than longer ones.
        let mut lead = [0u64; LIVES.len()];
        for (life, lead) in LIVES.iter().zip(&mut lead) {
            let alive = |id: &&u32| last.get(id).is_some_and(|used| call.at - *used <= *life);
            *lead = ids.iter().take_while(alive).count() as u64;
        }
        for (sum, lead) in served.iter_mut().zip(lead) {
            *sum += (lead * size).min(input);
        }
        let known = lead[LIVES.len() - 1];
        for depth in &mut depths {
            depth.requests += u64::from(ids.len() as u64 >= u64::from(depth.blocks));
            depth.reused += u64::from(known >= u64::from(depth.blocks));
        }
        for id in ids {
            last.insert(*id, call.at);
        }
    }
    depths.retain(|depth| depth.requests > 0);
    let share = |served: u64| served as f64 / all.max(1) as f64;
    Some(PrefixStats {
        block_tokens: recorded.block_tokens,
        distinct_blocks: last.len() as u64,
        hit_rate_5m: share(served[0]),
        hit_rate_1h: share(served[1]),
        hit_rate_unlimited: share(served[2]),
        depths,
    })
}
