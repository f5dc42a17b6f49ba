//! From calls in order of time to records: what follows on what, and which prompts begin alike.
//!
//! Two things are told from the hashes of prompts. A *session* is a chain of calls of one client in which the
//! messages of each call begin with all messages of an earlier one. *Blocks* say how much of a prompt stood
//! before at the beginning of another one: the tokens of a prompt are split over its pieces by their bytes, and a
//! piece that was seen before behind the same pieces keeps the tokens that it had then.

use std::hash::Hasher;

use rustc_hash::FxHashMap;

use super::super::record::Record;
use super::row::CallRow;
use super::salt::Salt;
use crate::units::Micros;

/// Entries of one generation of a memory; two generations are kept.
const GENERATION: usize = 1 << 20;
/// Blocks of one prompt; what is behind them is told by no block.
const BLOCKS_MAX: u64 = 1 << 16;

/// A map that forgets what was not asked for since it was last filled, so that its size is bounded.
#[derive(Debug, Default)]
struct Memory<V> {
    young: FxHashMap<u64, V>,
    old: FxHashMap<u64, V>,
}

impl<V: Copy> Memory<V> {
    fn get(&mut self, key: u64) -> Option<V> {
        if let Some(value) = self.young.get(&key) {
            return Some(*value);
        }
        let value = self.old.remove(&key)?;
        self.set(key, value);
        Some(value)
    }

    fn set(&mut self, key: u64, value: V) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

/// Makes records of calls in order of time.
#[derive(Debug)]
pub struct Weaver {
    salt: Salt,
    block_tokens: u32,
    /// Where the chains of each model's prompts begin: prompts of different models are not cached together.
    models: Vec<u64>,
    /// Tokens up to the end of a piece, by the hash of all up to there.
    tokens: Memory<u32>,
    /// Sessions by the hash of their client and all messages so far.
    sessions: Memory<u32>,
    next_session: u32,
    origin_us: Option<i64>,
}

impl Weaver {
    /// A weaver of blocks of so many tokens, zero for none, for calls of these models.
    pub fn new(salt: Salt, block_tokens: u32, models: &[String]) -> Self {
        let begin = |name: &String| {
            let mut hash = salt.hasher();
            hash.write(name.as_bytes());
            hash.finish()
        };
        Self {
            salt,
            block_tokens,
            models: models.iter().map(begin).collect(),
            tokens: Memory::default(),
            sessions: Memory::default(),
            next_session: 0,
            origin_us: None,
        }
    }

    /// Microseconds since 1970 of the first call; `None` before it.
    pub fn origin_us(&self) -> Option<i64> {
        self.origin_us
    }

    /// The record of a call that began `shift_us` after its stamp; its blocks are appended to `blocks`.
    pub fn weave(&mut self, row: &CallRow, shift_us: i64, blocks: &mut Vec<u32>) -> Record {
        let at_us = row.at_us.saturating_add(shift_us);
        let origin = *self.origin_us.get_or_insert(at_us);
        let session = self.session(row);
        let blocks_start = blocks.len() as u32;
        if self.block_tokens > 0 && !row.pieces.is_empty() {
            self.blocks(row, blocks);
        }
        Record {
            at: Micros(at_us.saturating_sub(origin).max(0) as u64),
            model: row.model,
            client: row.client,
            place: row.place,
            session,
            input: row.input,
            cache_read: row.cache_read,
            cache_write: row.cache_write,
            output: row.output,
            planned_output: None,
            max_tokens: row.max_tokens,
            ttft: row.ttft,
            latency: row.latency,
            end: row.end,
            streamed: row.streamed,
            attempt: 1,
            blocks_start,
            blocks_len: (blocks.len() as u32).saturating_sub(blocks_start),
        }
        .bounded()
    }

    /// The session that the call goes on with, or a new one.
    fn session(&mut self, row: &CallRow) -> u32 {
        let messages = row.pieces.get(row.fixed as usize..).unwrap_or_default();
        if messages.is_empty() {
            return self.new_session();
        }
        // Kept with a mark that tells chains of messages from chains of whole prompts.
        let mut chain = self.salt.mix(u64::MAX, u64::from(row.client));
        let chains: Vec<u64> = messages
            .iter()
            .map(|(hash, _)| {
                chain = self.salt.mix(chain, *hash);
                chain
            })
            .collect();
        let (whole, earlier) = chains.split_last().unwrap_or((&chain, &[]));
        let known = earlier
            .iter()
            .rev()
            .find_map(|chain| self.sessions.get(*chain));
        let session = known.unwrap_or_else(|| self.new_session());
        self.sessions.set(*whole, session);
        session
    }

    fn new_session(&mut self) -> u32 {
        let session = self.next_session;
        self.next_session = session.saturating_add(1);
        session
    }

    /// Appends a number for each block of the prompt: equal to that of an earlier prompt if both are the same up
    /// to the end of the block.
    fn blocks(&mut self, row: &CallRow, blocks: &mut Vec<u32>) {
        let total = (u64::from(row.input) + u64::from(row.cache_read) + u64::from(row.cache_write))
            .min(u64::from(u32::MAX));
        let mut chain = self
            .models
            .get(usize::from(row.model))
            .copied()
            .unwrap_or(0);
        let chains: Vec<u64> = row
            .pieces
            .iter()
            .map(|(hash, _)| {
                chain = self.salt.mix(chain, *hash);
                chain
            })
            .collect();
        let ends = self.ends(row, &chains, total);
        let size = u64::from(self.block_tokens);
        let mut piece = 0;
        for block in 0..total.div_ceil(size).min(BLOCKS_MAX) {
            // The last block may be partly filled; it ends where the prompt does.
            let end = ((block + 1) * size).min(total);
            while piece + 1 < ends.len() && ends[piece] < end {
                piece += 1;
            }
            let hash = self.salt.mix(chains[piece], block);
            blocks.push((hash >> 32) as u32);
        }
    }

    /// Tokens up to the end of each piece. What is known from earlier prompts is kept; the rest of the tokens is
    /// split over the rest of the pieces by their bytes.
    fn ends(&mut self, row: &CallRow, chains: &[u64], total: u64) -> Vec<u64> {
        let mut ends: Vec<u64> = Vec::with_capacity(chains.len());
        for chain in chains {
            match self.tokens.get(*chain) {
                Some(end) if u64::from(end) <= total => ends.push(u64::from(end)),
                _ => break,
            }
        }
        let begin = ends.last().copied().unwrap_or(0);
        let rest = &row.pieces[ends.len()..];
        let bytes: u64 = rest.iter().map(|(_, bytes)| u64::from(*bytes)).sum();
        let mut seen = 0;
        for ((_, length), chain) in rest.iter().zip(&chains[chains.len() - rest.len()..]) {
            seen += u64::from(*length);
            // Both factors are below 2^32.
            let end = begin + ((total - begin) * seen).checked_div(bytes).unwrap_or(0);
            ends.push(end);
            self.tokens.set(*chain, end as u32);
        }
        ends
    }
}

/// Spreads calls with the same stamp in whole seconds evenly over that second, in their order: `n` calls, of which
/// this is number `index`.
pub fn shift_in_second(at_us: i64, index: usize, n: usize) -> i64 {
    if at_us.rem_euclid(1_000_000) != 0 || n == 0 {
        return 0;
    }
    (index as i64).saturating_mul(1_000_000) / n as i64
}
