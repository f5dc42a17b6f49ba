//! What synthetic prompts share with earlier ones.
//!
//! How many leading blocks a prompt shares is drawn given its length, and how long ago they were last used given
//! their number. Then an earlier request from about that time lends so many of its blocks, and all further
//! ones are new: the prompt shares exactly what was drawn. No id of the source survives.

use super::{Draft, share};
use crate::load::trace::{Record, Recorded};
use crate::traffic::stats::hits;
use crate::traffic::tables::Conditional;
use rand_chacha::ChaCha8Rng;

/// Requests around the wanted time that are asked for enough blocks.
const MOST_ASKED: usize = 400;

/// The blocks of each draft.
pub(super) fn draw(
    drafts: &[Draft],
    requests: &[&Record],
    recorded: &Recorded,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<u32>> {
    let size = recorded.block_tokens;
    if size == 0 || requests.iter().all(|call| call.blocks_len == 0) {
        return vec![Vec::new(); drafts.len()];
    }
    let law = Law::new(requests, recorded);
    let mut made: Vec<Vec<u32>> = Vec::with_capacity(drafts.len());
    let mut fresh = 0u32;
    for (index, draft) in drafts.iter().enumerate() {
        let len = law.blocks(draft.input, size);
        let shared = law.shared(len, share(rng));
        let age = law.ages.at(f64::from(shared), share(rng)).exp();
        let wanted = (draft.at as f64 - age).max(0.0) as u64;
        let lent = lender(&drafts[..index], &made, wanted, shared as usize);
        let mut blocks: Vec<u32> = lent.map_or_else(Vec::new, |lender| {
            let own = &made[lender];
            own[..own.len().min(shared as usize)].to_vec()
        });
        while blocks.len() < len as usize {
            blocks.push(fresh);
            fresh = fresh.saturating_add(1);
        }
        made.push(blocks);
    }
    made
}

struct Law {
    /// Share of its blocks that a prompt shares, given their number.
    depth: Conditional,
    /// Logarithm of microseconds since the last use, given how many are shared.
    ages: Conditional,
    /// Whether a part of a block counts as one.
    counts_parts: bool,
}

impl Law {
    fn new(requests: &[&Record], recorded: &Recorded) -> Self {
        let found = hits(requests, recorded);
        let mut depth = Vec::new();
        let mut ages = Vec::new();
        let mut parts = 0i64;
        for (call, (shared, last)) in requests.iter().zip(found) {
            let len = f64::from(call.blocks_len);
            if call.blocks_len > 0 {
                depth.push((len, f64::from(shared) / len));
            }
            if let Some(last) = last {
                ages.push((f64::from(shared), ((call.at - last).0.max(1) as f64).ln()));
            }
            let whole = call.input_total() / u64::from(recorded.block_tokens);
            parts += if u64::from(call.blocks_len) > whole {
                1
            } else {
                -1
            };
        }
        Self {
            depth: Conditional::new(depth),
            ages: Conditional::new(ages),
            counts_parts: parts > 0,
        }
    }

    fn blocks(&self, input: u32, size: u32) -> u32 {
        if self.counts_parts {
            input.div_ceil(size)
        } else {
            input / size
        }
    }

    fn shared(&self, len: u32, share: f64) -> u32 {
        let shared = (f64::from(len) * self.depth.at(f64::from(len), share)).round();
        (shared as u32).min(len)
    }
}

/// The request nearest to `wanted` that has so many blocks, or the one with the most of those asked.
fn lender(drafts: &[Draft], made: &[Vec<u32>], wanted: u64, blocks: usize) -> Option<usize> {
    if blocks == 0 || made.is_empty() {
        return None;
    }
    let near = drafts.partition_point(|draft| draft.at < wanted);
    let mut best: Option<usize> = None;
    for step in 0..MOST_ASKED {
        // Later, earlier, later, and so on outwards.
        let index = if step % 2 == 0 {
            near.checked_add(step / 2)
        } else {
            near.checked_sub(step / 2 + 1)
        };
        let Some(index) = index.filter(|index| *index < made.len()) else {
            continue;
        };
        if made[index].len() >= blocks {
            return Some(index);
        }
        if best.is_none_or(|best| made[best].len() < made[index].len()) {
            best = Some(index);
        }
    }
    best
}
