//! The cache points of prompts: which content stands before each, and how many tokens it has.

use super::spec::{ContextSpec, PointSpec};
use crate::domain::{CacheBoundary, CachePoint, CacheTtl, MOST_LOOKBACK};
use crate::rng::Keyed;

/// Content blocks that a call of a session adds to the one before: an answer and a message.
const BLOCKS_PER_CALL: u32 = 2;

/// The points of one prompt, in a buffer that is used again.
#[derive(Clone, Debug, Default)]
pub struct PromptPoints {
    /// Its cache points, in order.
    pub points: Vec<CachePoint>,
    /// Where earlier calls had points, ascending.
    pub boundaries: Vec<CacheBoundary>,
}

/// The messages of a session as far as a cache sees them.
#[derive(Clone, Copy, Debug)]
pub(super) struct History<'a> {
    /// The number of the session.
    pub(super) session: u64,
    /// For each call so far, that in hand inside, the tokens of all messages up to its own.
    pub(super) upto: &'a [u32],
}

/// The cache points of a workload's prompts.
#[derive(Clone, Debug)]
pub struct Context {
    points: Vec<(PointSpec, Keyed)>,
    history: Option<CacheTtl>,
    /// Draws identities: equal links of equal chains are equal content.
    ids: Keyed,
    tokens: u32,
    /// What the messages of its sessions hash with: theirs are no one else's.
    own: u64,
}

impl Context {
    /// The points that `spec` asks for, if it does.
    pub(super) fn new(spec: &ContextSpec, seed: u64, workload: &str) -> Option<Self> {
        if spec.points.is_empty() && spec.history.is_none() {
            return None;
        }
        let content = spec.shared.as_ref().map_or_else(
            || format!("{workload}/cache"),
            |name| format!("shared cache/{name}"),
        );
        let ids = Keyed::new(seed, &content);
        let point = |(index, point): (usize, &PointSpec)| {
            let purpose = format!("{workload}/cache-point/{index}");
            (*point, Keyed::new(seed, &purpose))
        };
        let points: Vec<_> = spec.points.iter().enumerate().map(point).collect();
        let tokens = |sum: u32, (point, _): &(PointSpec, Keyed)| sum.saturating_add(point.tokens);
        Some(Self {
            tokens: points.iter().fold(0, tokens),
            points,
            history: spec.history,
            ids,
            own: Keyed::new(seed, &format!("{workload}/messages")).bits(0),
        })
    }

    /// Tokens before the messages.
    pub fn tokens(&self) -> u32 {
        self.tokens
    }

    /// The life of the point after the newest message, if there is one.
    pub fn history(&self) -> Option<CacheTtl> {
        self.history
    }

    /// Which content each point of request `seq` of `session` has, with its specification.
    pub fn variants(&self, seq: u64, session: u64) -> impl Iterator<Item = (&PointSpec, u32)> {
        self.points.iter().map(move |(point, keyed)| {
            let id = if point.per_request { seq } else { session };
            // The high half of a product maps 64 uniform bits to the variants without a division.
            let drawn = (u128::from(keyed.bits(id)) * u128::from(point.variants)) >> 64;
            (point, drawn as u32)
        })
    }

    /// Fills `out` with the points of request `seq`, which is one of `session`.
    pub(super) fn fill(
        &self,
        (seq, session): (u64, u64),
        history: Option<History<'_>>,
        out: &mut PromptPoints,
    ) {
        out.points.clear();
        out.boundaries.clear();
        let mut chain = 0;
        for (point, variant) in self.variants(seq, session) {
            chain = self.link(chain, (point.part as u64) << 32 | u64::from(variant));
            out.points.push(CachePoint {
                id: chain,
                tokens: point.tokens,
                ttl: point.ttl,
            });
        }
        let (Some(ttl), Some(history)) = (self.history, history) else {
            return;
        };
        let messages = self.link(chain ^ self.own, history.session);
        let calls = history.upto.len();
        let first = calls.saturating_sub(1 + (MOST_LOOKBACK / BLOCKS_PER_CALL) as usize);
        for (index, &upto) in history.upto.iter().enumerate().skip(first) {
            let id = self.link(messages, index as u64);
            if index + 1 == calls {
                let tokens = upto;
                out.points.push(CachePoint { id, tokens, ttl });
            } else {
                out.boundaries.push(CacheBoundary {
                    id,
                    tokens: self.tokens.saturating_add(upto),
                    blocks_back: (calls - 1 - index) as u32 * BLOCKS_PER_CALL,
                });
            }
        }
    }

    fn link(&self, chain: u64, value: u64) -> u64 {
        self.ids.bits(chain ^ self.ids.bits(value))
    }
}
