//! The text of an answer: plain words, a pure function of the draws of its call.
//!
//! Word `k` depends only on the key and on `k`, so an answer of any length is written piece by
//! piece with a cursor of two numbers and no memory of what was written.

use super::draws::Draws;

/// Sixty-four common words; six bits of a draw choose one.
const WORDS: [&str; 64] = [
    "the", "a", "of", "and", "to", "in", "is", "that", "for", "it", "with", "as", "was", "on",
    "are", "by", "this", "be", "from", "or", "one", "had", "not", "but", "what", "all", "were",
    "when", "we", "there", "can", "an", "your", "which", "their", "said", "if", "do", "will",
    "each", "about", "how", "up", "out", "them", "then", "she", "many", "some", "so", "these",
    "would", "other", "into", "has", "more", "her", "two", "like", "him", "see", "time", "could",
    "no",
];
/// Letters of the longest word.
const LONGEST: usize = 5;
/// Bytes of a word with its full stop and its space, rounded up to a machine word.
const ITEM: usize = 8;
/// Words in a sentence.
const SENTENCE: u64 = 11;
/// Words that one draw of 64 bits chooses.
const PER_DRAW: u64 = 8;
/// Bytes that a search generates at a time.
const BLOCK: u64 = 4096;

/// The words, each with the space after it, padded to one length.
const ITEMS: [([u8; ITEM], usize); 64] = {
    let mut items = [([b' '; ITEM], 0); 64];
    let mut n = 0;
    while n < 64 {
        let word = WORDS[n].as_bytes();
        let mut at = 0;
        while at < word.len() {
            items[n].0[at] = word[at];
            at += 1;
        }
        items[n].1 = word.len() + 1;
        n += 1;
    }
    items
};

/// Where the next byte of the text comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    word: u64,
    offset: usize,
}

/// An endless text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words(pub(super) Draws);

impl Words {
    /// Appends the next `count` bytes, all of them ASCII that JSON need not escape.
    pub(super) fn write(self, cursor: &mut Cursor, count: u64, out: &mut Vec<u8>) {
        let end = out.len() + count as usize;
        out.reserve(count as usize + ITEM);
        let mut bits = self.0.bits(cursor.word / PER_DRAW);
        while out.len() < end {
            let (item, length) = item(bits, cursor.word);
            if cursor.offset == 0 && out.len() + length <= end {
                // A copy of constant length is one instruction; what is too much goes again.
                let start = out.len();
                out.extend_from_slice(&item);
                out.truncate(start + length);
            } else {
                let room = end - out.len();
                let rest = &item[cursor.offset..length];
                if rest.len() > room {
                    out.extend_from_slice(&rest[..room]);
                    cursor.offset += room;
                    return;
                }
                out.extend_from_slice(rest);
                cursor.offset = 0;
            }
            cursor.word += 1;
            if cursor.word.is_multiple_of(PER_DRAW) {
                bits = self.0.bits(cursor.word / PER_DRAW);
            }
        }
    }

    /// Where the first of `needles` occurs within the first `total` bytes: the place of its first
    /// byte and its number. Of several at one place the longest counts.
    pub(super) fn find<S: AsRef<str>>(self, needles: &[S], total: u64) -> Option<(u64, usize)> {
        let possible = possible(needles);
        let mut found: Option<(u64, usize)> = None;
        self.blocks(&possible, total, |start, block| {
            for &(index, needle) in &possible {
                if let Some(at) = block.find(needle) {
                    let at = start + at as u64;
                    let better = found.is_none_or(|(best, other)| {
                        (at, std::cmp::Reverse(needle.len()))
                            < (best, std::cmp::Reverse(needles[other].as_ref().len()))
                    });
                    if better {
                        found = Some((at, index));
                    }
                }
            }
            found.is_none()
        });
        found
    }

    /// Which of `words` occur within the first `total` bytes, whatever their case.
    pub(super) fn find_all<S: AsRef<str>>(self, words: &[S], total: u64) -> Vec<usize> {
        let lower: Vec<String> = words
            .iter()
            .map(|w| w.as_ref().to_ascii_lowercase())
            .collect();
        let mut left = possible(&lower);
        let mut found = Vec::new();
        let all = left.clone();
        self.blocks(&all, total, |_, block| {
            let block = block.to_ascii_lowercase();
            left.retain(|&(index, word)| {
                let here = block.contains(word);
                if here {
                    found.push(index);
                }
                !here
            });
            !left.is_empty()
        });
        found.sort_unstable();
        found
    }

    /// Shows the text block by block, each with enough of the one before that no needle is cut;
    /// stops when `visit` says so.
    fn blocks(
        self,
        needles: &[(usize, &str)],
        total: u64,
        mut visit: impl FnMut(u64, &str) -> bool,
    ) {
        let Some(longest) = needles.iter().map(|(_, needle)| needle.len()).max() else {
            return;
        };
        let (mut cursor, mut block, mut start) = (Cursor::default(), Vec::new(), 0);
        loop {
            let written = start + block.len() as u64;
            let more = BLOCK.min(total - written);
            if more == 0 {
                return;
            }
            self.write(&mut cursor, more, &mut block);
            let text = std::str::from_utf8(&block).expect("words are ASCII");
            if !visit(start, text) {
                return;
            }
            let cut = block.len().saturating_sub(longest - 1);
            block.drain(..cut);
            start += cut as u64;
        }
    }
}

/// Word number `k` with the space after it, capital and full stop included, and its length.
#[inline]
fn item(bits: u64, k: u64) -> ([u8; ITEM], usize) {
    let (mut item, mut length) = ITEMS[(bits >> (8 * (k % PER_DRAW)) & 63) as usize];
    let place = k % SENTENCE;
    if place == 0 {
        item[0] = item[0].to_ascii_uppercase();
    } else if place == SENTENCE - 1 {
        item[length - 1] = b'.';
        length += 1;
    }
    (item, length)
}

/// The needles that words could ever spell, with their numbers: letters, spaces and full stops,
/// and no run of letters longer than a word.
fn possible<S: AsRef<str>>(needles: &[S]) -> Vec<(usize, &str)> {
    let could = |needle: &str| {
        !needle.is_empty()
            && needle
                .split([' ', '.'])
                .all(|run| run.len() <= LONGEST && run.bytes().all(|b| b.is_ascii_alphabetic()))
    };
    let numbered = needles.iter().map(AsRef::as_ref).enumerate();
    numbered.filter(|(_, needle)| could(needle)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Keyed;
    use proptest::prelude::*;

    fn words(key: u64) -> Words {
        Words(Draws::new(Keyed::new(1, "answer"), key).part(0))
    }

    fn text(words: Words, count: u64) -> String {
        let mut out = Vec::new();
        words.write(&mut Cursor::default(), count, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_table_holds_words_up_to_the_longest() {
        assert_eq!(WORDS.iter().map(|w| w.len()).max(), Some(LONGEST));
        let all: std::collections::BTreeSet<_> = WORDS.iter().collect();
        assert_eq!(all.len(), WORDS.len());
    }

    #[test]
    fn a_search_sees_across_blocks() {
        let words = words(3);
        let whole = text(words, 40_000);
        // Every place a block can end, and a needle that lies across it.
        for at in [4090, 8185, 12_280, 39_980] {
            let needle = &whole[at..at + 18];
            assert_eq!(
                words.find(&[needle], 40_000).map(|(at, _)| at as usize),
                whole.find(needle)
            );
        }
        assert_eq!(words.find(&["\n\nHuman:", "extraordinary"], 40_000), None);
    }

    proptest! {
        #[test]
        fn pieces_join_to_the_same_text(key: u64, cuts in prop::collection::vec(0u64..40, 1..60)) {
            let words = words(key);
            let (mut cursor, mut out) = (Cursor::default(), Vec::new());
            for cut in &cuts {
                words.write(&mut cursor, *cut, &mut out);
            }
            let total = cuts.iter().sum();
            prop_assert_eq!(String::from_utf8(out).unwrap(), text(words, total));
        }

        #[test]
        fn a_search_agrees_with_the_text(
            key: u64,
            needles in prop::collection::vec("[a-z. ]{1,4}", 1..5),
            total in 0u64..9000,
        ) {
            let words = words(key);
            let whole = text(words, total);
            let first = needles.iter().filter_map(|n| whole.find(n.as_str())).min();
            prop_assert_eq!(words.find(&needles, total).map(|(at, _)| at as usize), first);
            let lower = whole.to_ascii_lowercase();
            let all: Vec<usize> = (0..needles.len())
                .filter(|&i| lower.contains(&needles[i]))
                .collect();
            prop_assert_eq!(words.find_all(&needles, total), all);
        }
    }
}
