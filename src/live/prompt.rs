//! Prompts that count to exactly the wanted tokens, made without formatting more than their heads.

use crate::load::source::Prefix;
use crate::units::Tokens;
use crate::wire::request::TokenRatio;
use std::fmt::Write as _;

/// Bytes of ready text from which prompts are cut.
const FILLER_BYTES: usize = 1 << 16;

const WORDS: &str = "the river carried gravel and sand past the old mill while people on the bank \
wrote down what they saw and asked each other why the water had risen so early in the year ";

/// The most cache points that Bedrock takes in one request.
const MOST_POINTS: usize = 4;

/// Writes the prompts of one workload.
#[derive(Clone, Debug)]
pub(super) struct PromptMaker {
    filler: String,
    ratio: TokenRatio,
    /// Tokens of one prefix block.
    block_tokens: u32,
    /// Bytes of the declared tools, which come before everything else.
    tool_bytes: u64,
    /// Whether prefixes carry cache points.
    marked: bool,
}

/// A prompt in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MadePrompt {
    /// The stable prefix, cut where a cache point stands if it is marked.
    pub prefix: Vec<String>,
    /// What varies from request to request.
    pub tail: String,
}

impl PromptMaker {
    pub(super) fn new(ratio: TokenRatio, block_tokens: u32, tool_bytes: u64, marked: bool) -> Self {
        Self {
            filler: WORDS.chars().cycle().take(FILLER_BYTES).collect(),
            ratio,
            block_tokens,
            tool_bytes,
            marked,
        }
    }

    /// The prompt of request `seq`: `input` tokens after the blocks of its prefix.
    ///
    /// Equal blocks give equal bytes, and different ones differ in their first word.
    pub(super) fn make(&self, seq: u64, input: u32, prefix: Prefix, blocks: &[u32]) -> MadePrompt {
        let mut so_far = self.tool_bytes;
        let mut parts = Vec::new();
        let blocks = &blocks[prefix.start as usize..][..prefix.len as usize];
        if !blocks.is_empty() {
            let in_part = if self.marked {
                blocks.len().div_ceil(MOST_POINTS)
            } else {
                blocks.len()
            };
            for part in blocks.chunks(in_part) {
                let mut text = String::new();
                for &block in part {
                    let bytes = self.bytes_after(so_far, self.block_tokens);
                    self.write(&mut text, 'p', u64::from(block), bytes);
                    so_far += bytes as u64;
                }
                parts.push(text);
            }
        }
        // The tools of a call are part of its input.
        let tools = if blocks.is_empty() {
            self.ratio.tokens_for(self.tool_bytes).0
        } else {
            0
        };
        let tokens = u64::from(input).saturating_sub(tools).max(1);
        let bytes = self.bytes_after(so_far, u32::try_from(tokens).unwrap_or(u32::MAX));
        let mut tail = String::with_capacity(bytes);
        self.write(&mut tail, 'r', seq, bytes);
        MadePrompt {
            prefix: parts,
            tail,
        }
    }

    /// Bytes of the declared tools.
    pub(super) fn tool_bytes(&self) -> u64 {
        self.tool_bytes
    }

    pub(super) fn bytes_after(&self, before: u64, tokens: u32) -> usize {
        self.ratio.bytes_after(before, Tokens(u64::from(tokens))) as usize
    }

    /// Appends exactly `bytes` bytes that begin with a number.
    pub(super) fn write(&self, out: &mut String, kind: char, number: u64, bytes: usize) {
        let end = out.len() + bytes;
        out.reserve(bytes + 24);
        write!(out, "{kind}{number} ").expect("writing to a string cannot fail");
        // A start that depends on the number keeps texts apart beyond their heads.
        let mut from = (number as usize).wrapping_mul(7919) % (FILLER_BYTES / 2);
        while out.len() < end {
            let take = (end - out.len()).min(FILLER_BYTES - from);
            out.push_str(&self.filler[from..from + take]);
            from = 0;
        }
        out.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maker(ratio: f64, block_tokens: u32) -> PromptMaker {
        PromptMaker::new(TokenRatio::new(ratio).unwrap(), block_tokens, 0, true)
    }

    #[test]
    fn prompts_count_to_the_wanted_tokens() {
        for ratio in [1.0, 3.0, 3.7, 4.0] {
            let maker = maker(ratio, 333);
            let ratio = TokenRatio::new(ratio).unwrap();
            for input in [1, 2, 7, 900, 40_000] {
                let prefix = Prefix { start: 1, len: 3 };
                let made = maker.make(12, input, prefix, &[5, 6, 7, 8]);
                let head: usize = made.prefix.iter().map(String::len).sum();
                assert_eq!(ratio.tokens_for(head as u64).0, 999);
                let all = head + made.tail.len();
                assert_eq!(ratio.tokens_for(all as u64).0, 999 + u64::from(input));
            }
        }
    }

    #[test]
    fn equal_prefixes_are_equal_bytes_and_others_differ_early() {
        let maker = maker(4.0, 100);
        let of = |start, seq| maker.make(seq, 50, Prefix { start, len: 1 }, &[40, 41]);
        assert_eq!(of(0, 1).prefix, of(0, 2).prefix);
        assert_ne!(of(0, 1).tail, of(0, 2).tail);
        assert_ne!(of(0, 1).prefix[0][..4], of(1, 1).prefix[0][..4]);
    }
}
