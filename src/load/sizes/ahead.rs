//! Sizes drawn some requests ahead.
//!
//! Sizes are keyed draws, so they may be drawn whenever it suits. A row of them drawn at once keeps the
//! tables of the laws in the nearest cache and lets a processor work on several at a time: measured, half the
//! time of single draws.

use super::SizePair;

/// Requests whose sizes are drawn at once.
const ROW: usize = 64;

/// Sizes of requests that come in turn.
#[derive(Clone, Debug)]
pub(in crate::load) struct SizesAhead {
    pair: SizePair,
    /// The request of the first sizes of the row.
    first: u64,
    row: Vec<(u32, u32)>,
}

impl SizesAhead {
    pub(in crate::load) fn new(pair: SizePair) -> Self {
        Self {
            pair,
            first: 0,
            row: Vec::new(),
        }
    }

    /// Sizes of requests that need not come in turn, or whose rows tell some of them.
    pub(in crate::load) fn single(&self) -> &SizePair {
        &self.pair
    }

    /// Input and output tokens of request `seq`; quick if the next one is `seq + 1`.
    #[inline]
    pub(in crate::load) fn draw(&mut self, seq: u64) -> (u32, u32) {
        let place = seq.wrapping_sub(self.first) as usize;
        match self.row.get(place) {
            Some(&sizes) => sizes,
            None => self.draw_row(seq),
        }
    }

    #[cold]
    fn draw_row(&mut self, seq: u64) -> (u32, u32) {
        self.first = seq;
        self.row.resize(ROW, (1, 1));
        self.pair.fill(seq, &mut self.row);
        self.row[0]
    }
}
