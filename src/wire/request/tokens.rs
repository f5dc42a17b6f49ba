//! Token counts of prompts, approximated from bytes.

use crate::domain::CacheTtl;
use crate::units::Tokens;
use crate::wire::{Prompt, PromptPoint};

/// Bytes of UTF-8 text per token, in thousandths, so that counts are exact integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRatio {
    milli: u32,
}

/// A prompt in tokens, cut at its cache points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenCount {
    /// The parts that end in a cache point, in order.
    pub points: Vec<TokenPoint>,
    /// Tokens after the last cache point; at least one.
    pub rest: Tokens,
}

/// A part of a prompt that ends in a cache point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPoint {
    /// Hash of the model's id and of everything up to here.
    pub hash: u64,
    /// Tokens since the point before.
    pub tokens: Tokens,
    /// How long a cached prefix lives after its last use.
    pub ttl: CacheTtl,
}

impl TokenCount {
    /// All tokens of the prompt.
    pub fn total(&self) -> Tokens {
        let sum = self.points.iter().map(|point| point.tokens.0).sum::<u64>();
        Tokens(sum + self.rest.0)
    }
}

impl TokenRatio {
    /// The rule of thumb for Claude: 4 bytes per token.
    pub const CLAUDE: Self = Self { milli: 4000 };
    /// The rule of thumb for Nova: 3 bytes per token.
    pub const NOVA: Self = Self { milli: 3000 };

    /// `ratio` bytes per token, rounded to thousandths; none unless between 1 and 1,000.
    ///
    /// Below one byte per token, not every count could be reached by some number of bytes.
    pub fn new(ratio: f64) -> Option<Self> {
        (1.0..=1000.0).contains(&ratio).then(|| Self {
            milli: (ratio * 1000.0).round() as u32,
        })
    }

    /// Bytes per token.
    pub fn bytes_per_token(self) -> f64 {
        f64::from(self.milli) / 1000.0
    }

    /// Tokens of so many bytes: `⌈bytes / ratio⌉`.
    pub fn tokens_for(self, bytes: u64) -> Tokens {
        let tokens = (u128::from(bytes) * 1000).div_ceil(u128::from(self.milli));
        // A ratio of at least one makes no more tokens than bytes.
        Tokens(tokens as u64)
    }

    /// The most bytes that count as `tokens`: `⌊tokens · ratio⌋`. The inverse of
    /// [`Self::tokens_for`], since `⌈⌊n·r⌋ / r⌉ = n` for every ratio `r ≥ 1`.
    pub fn bytes_for(self, tokens: Tokens) -> u64 {
        self.bytes_after(0, tokens)
    }

    /// How many bytes after the first `before` add exactly `tokens` to the count.
    pub fn bytes_after(self, before: u64, tokens: Tokens) -> u64 {
        if tokens.0 == 0 {
            return 0;
        }
        let goal = u128::from(self.tokens_for(before).0) + u128::from(tokens.0);
        let bytes = goal * u128::from(self.milli) / 1000 - u128::from(before);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// The tokens of `prompt` at `ratio` bytes per token.
///
/// Tokens up to a point = `⌈bytes so far / ratio⌉` + the tokens so far that do not come from text;
/// a part is the difference of two such counts, so that a prompt cut at points counts as much as
/// the same prompt without them. What follows the last point counts at least one token.
pub fn tokens_of(prompt: &Prompt, ratio: TokenRatio) -> TokenCount {
    let (mut bytes, mut fixed, mut before) = (0u64, 0u64, 0u64);
    let mut part = |more_bytes: u64, more_tokens: u64| {
        bytes = bytes.saturating_add(more_bytes);
        fixed = fixed.saturating_add(more_tokens);
        let so_far = ratio.tokens_for(bytes).0.saturating_add(fixed);
        let tokens = so_far - before;
        before = so_far;
        Tokens(tokens)
    };
    let point = |at: &PromptPoint, tokens| TokenPoint {
        hash: at.hash,
        tokens,
        ttl: at.ttl,
    };
    let points = prompt
        .points
        .iter()
        .map(|at| point(at, part(at.bytes, at.tokens)))
        .collect();
    let rest = part(prompt.rest_bytes, prompt.rest_tokens);
    TokenCount {
        points,
        rest: Tokens(rest.0.max(1)),
    }
}
