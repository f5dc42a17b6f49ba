//! The size of a prompt and the identity of its cached prefixes, gathered part by part.

use super::text::Measured;
use crate::domain::{CacheTtl, MOST_LOOKBACK};
use crate::wire::{Prompt, PromptBoundary, PromptPoint, Refused};
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// Tokens that an image counts, whatever its size; so does a video, a sound, or a file that lies in
/// S3. An image of about 1.2 megapixels, the largest that Claude does not scale down, counts
/// 1,600 tokens by Anthropic's rule of width × height / 750.
pub const MEDIA_TOKENS: u64 = 1600;

/// The most cache points of one request.
const MAX_POINTS: usize = 4;

/// A prompt in the making. Parts come in the order of the cache: tools, system, messages.
pub(super) struct PromptBuilder {
    hasher: FxHasher,
    bytes: u64,
    tokens: u64,
    /// Bytes and tokens before the last point.
    before: (u64, u64),
    points: Vec<PromptPoint>,
    found: usize,
    /// The ends of the latest blocks, a ring.
    recent: [PromptBoundary; RECENT],
    /// Blocks so far, and those whose ends a point has taken.
    blocks: (usize, usize),
    boundaries: Vec<PromptBoundary>,
}

/// The ends of blocks that are kept for a point to come.
const RECENT: usize = MOST_LOOKBACK as usize;

impl PromptBuilder {
    /// The prompt of a call of the model `id`.
    pub(super) fn new(id: &str) -> Self {
        let mut hasher = FxHasher::default();
        write_text(&mut hasher, id);
        Self {
            hasher,
            bytes: 0,
            tokens: 0,
            before: (0, 0),
            points: Vec::new(),
            found: 0,
            recent: [PromptBoundary::default(); RECENT],
            blocks: (0, 0),
            boundaries: Vec::new(),
        }
    }

    /// A word of structure, such as a role: it is part of the identity and of no size.
    pub(super) fn mark(&mut self, word: &str) {
        write_text(&mut self.hasher, word);
    }

    /// Text that a model reads.
    pub(super) fn text(&mut self, text: &str) {
        self.bytes += text.len() as u64;
        write_text(&mut self.hasher, text);
    }

    /// JSON that a model reads.
    pub(super) fn json(&mut self, json: Measured) {
        self.bytes += json.bytes;
        self.hasher.write_u64(json.hash);
    }

    /// An image or the like, of which `content` is the encoded file or its address.
    pub(super) fn media(&mut self, content: &str) {
        self.tokens += MEDIA_TOKENS;
        write_text(&mut self.hasher, content);
    }

    /// A file in base64, which counts by the bytes that it decodes to.
    pub(super) fn file(&mut self, base64: &str) {
        let padding = base64
            .bytes()
            .rev()
            .take_while(|&byte| byte == b'=')
            .count();
        self.bytes += (base64.len() - padding) as u64 * 3 / 4;
        write_text(&mut self.hasher, base64);
    }

    /// A content block ends here.
    pub(super) fn end_block(&mut self) {
        let (blocks, _) = self.blocks;
        self.recent[blocks % RECENT] = PromptBoundary {
            hash: self.hasher.finish(),
            bytes: self.before.0 + self.bytes,
            tokens: self.before.1 + self.tokens,
            blocks_back: 0,
        };
        self.blocks.0 += 1;
    }

    /// Keeps the ends of the blocks before a point. The latest one is the point's own place, and
    /// those that an earlier point took are known.
    fn look_back(&mut self) {
        let (blocks, taken) = self.blocks;
        let last = blocks.saturating_sub(1);
        let first = taken.max(blocks.saturating_sub(RECENT));
        for index in first..last {
            self.boundaries.push(PromptBoundary {
                blocks_back: (last - index) as u32,
                ..self.recent[index % RECENT]
            });
        }
        self.blocks.1 = blocks;
    }

    /// A cache point at the end of what came so far; `place` says where it stands.
    ///
    /// # Errors
    /// `ValidationException` for one hour after five minutes.
    pub(super) fn point(
        &mut self,
        ttl: CacheTtl,
        place: impl FnOnce() -> String,
    ) -> Result<(), Refused> {
        let after_short = |point: &PromptPoint| point.ttl == CacheTtl::FiveMinutes;
        if ttl == CacheTtl::OneHour && self.points.last().is_some_and(after_short) {
            return Err(Refused::validation(format!(
                "{}: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control \
                 block. Note that blocks are processed in the following order: `tools`, `system`, \
                 `messages`.",
                place()
            )));
        }
        self.found += 1;
        if self.found <= MAX_POINTS {
            self.look_back();
            self.before.0 += self.bytes;
            self.before.1 += self.tokens;
            self.points.push(PromptPoint {
                hash: self.hasher.finish(),
                bytes: std::mem::take(&mut self.bytes),
                tokens: std::mem::take(&mut self.tokens),
                ttl,
            });
        }
        Ok(())
    }

    /// The whole prompt.
    ///
    /// # Errors
    /// `ValidationException` for more than four cache points.
    pub(super) fn finish(self) -> Result<Prompt, Refused> {
        if self.found > MAX_POINTS {
            return Err(Refused::validation(format!(
                "A maximum of {MAX_POINTS} blocks with cache_control may be provided. Found {}.",
                self.found
            )));
        }
        Ok(Prompt {
            points: self.points,
            boundaries: self.boundaries,
            rest_bytes: self.bytes,
            rest_tokens: self.tokens,
        })
    }
}

/// The length in front keeps `ab` + `c` apart from `a` + `bc`.
fn write_text(hasher: &mut FxHasher, text: &str) {
    hasher.write_usize(text.len());
    hasher.write(text.as_bytes());
}
