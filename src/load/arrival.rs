//! A request as it is due, and the prefixes that requests share.

use std::sync::Arc;

use super::context::Context;
use super::spec::{ContextSpec, PrefixSpec};
use crate::rng::Keyed;
use crate::units::Moment;

/// One request as it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it is due.
    pub at: Moment,
    /// Its number within the workload: the key of all its keyed draws.
    pub seq: u64,
    /// Input tokens after the prefix, at least 1.
    pub input: u32,
    /// Output tokens that the model would produce, at least 1.
    pub output: u32,
    /// Its prefix, which a cache may know.
    pub prefix: Prefix,
    /// Tokens before the input that end in a cache point of [`Source::points`](super::source::Source::points).
    pub pointed: u32,
}

/// A slice of [`Source::blocks`](super::source::Source::blocks); `len` 0 means no prefix. The prefix holds
/// `len ×` [`Source::block_tokens`](super::source::Source::block_tokens) tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefix {
    /// Index of the first block id.
    pub start: u32,
    /// How many blocks.
    pub len: u32,
}

/// The prefixes of a workload.
#[derive(Clone, Debug)]
pub(super) struct Prefixes {
    pub(super) blocks: Arc<[u32]>,
    pub(super) block_tokens: u32,
    /// Draws one of so many single-block prefixes; zero if rows of a trace bring their own.
    pub(super) drawn: u64,
    /// Points of their own, where the prompts have some.
    pub(super) context: Option<Arc<Context>>,
    keyed: Keyed,
}

impl Prefixes {
    pub(super) fn new(
        spec: Option<PrefixSpec>,
        context: &ContextSpec,
        seed: u64,
        workload: &str,
    ) -> Self {
        let drawn = spec.map_or(0, |p| p.prefixes.max(1));
        Self {
            blocks: (0..drawn).collect(),
            block_tokens: spec.map_or(0, |p| p.tokens),
            drawn: u64::from(drawn),
            context: Context::new(context, seed, workload).map(Arc::new),
            keyed: Keyed::new(seed, &format!("{workload}/prefix")),
        }
    }

    /// Tokens before the input that end in a cache point.
    #[inline]
    pub(super) fn pointed(&self) -> u32 {
        self.context.as_ref().map_or(0, |context| context.tokens())
    }

    #[inline]
    pub(super) fn draw(&self, seq: u64) -> Prefix {
        if self.drawn == 0 {
            return Prefix::default();
        }
        // The high half of a product maps 64 uniform bits to 0..drawn without a division.
        let start = (u128::from(self.keyed.bits(seq)) * u128::from(self.drawn)) >> 64;
        Prefix {
            start: start as u32,
            len: 1,
        }
    }
}
