//! Sorting more calls than memory holds: runs that fit are sorted there and go to a file, and are merged as they
//! are read back.
//!
//! Memory is bounded by what the threads collect of a run, [`RUN_BYTES`] each, and by what is read ahead of the
//! runs while they are merged, [`MERGE_BYTES`] together (but at least [`AHEAD_MIN`] for each run).

use crate::load::trace::CallRow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Bytes of calls that a thread collects before it sorts them.
pub(super) const RUN_BYTES: usize = 32 << 20;
/// Bytes that are read ahead of all runs together.
const MERGE_BYTES: usize = 64 << 20;
/// Bytes that are read ahead of one run at least.
const AHEAD_MIN: usize = 16 << 10;

/// Sorted runs, in a file or in memory.
#[derive(Debug)]
pub(super) struct Runs {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    written: u64,
    /// Where each run begins and ends in the file.
    spilled: Vec<(u64, u64)>,
    kept: Vec<Vec<CallRow>>,
}

/// Bytes that a row takes.
pub(super) fn weight(row: &CallRow) -> usize {
    size_of::<CallRow>() + row.pieces.len() * size_of::<(u64, u32)>()
}

impl Runs {
    /// Runs that go to a file at `path`, which is made when it is needed.
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // A thread that panicked left whole runs.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sorts rows and writes them to the file.
    pub(super) fn spill(&self, mut rows: Vec<CallRow>) -> io::Result<()> {
        rows.sort_unstable_by_key(CallRow::key);
        let mut bytes = Vec::with_capacity(rows.len() * CallRow::HEAD);
        for row in &rows {
            row.encode(&mut bytes);
        }
        let mut state = self.state();
        let state = &mut *state;
        let file = match &mut state.file {
            Some(file) => file,
            none => none.insert(
                File::options()
                    .create(true)
                    .truncate(true)
                    .read(true)
                    .write(true)
                    .open(&self.path)?,
            ),
        };
        file.write_all(&bytes)?;
        let begin = state.written;
        state.written += bytes.len() as u64;
        state.spilled.push((begin, state.written));
        Ok(())
    }

    /// Sorts rows and keeps them in memory: the last ones of a thread.
    pub(super) fn keep(&self, mut rows: Vec<CallRow>) {
        rows.sort_unstable_by_key(CallRow::key);
        self.state().kept.push(rows);
    }

    /// Bytes in the file.
    pub(super) fn written(&self) -> u64 {
        self.state().written
    }

    /// All rows in order.
    pub(super) fn merge(self) -> io::Result<Merge> {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let ahead = MERGE_BYTES
            .checked_div(state.spilled.len())
            .unwrap_or(0)
            .max(AHEAD_MIN);
        let spilled = state.spilled.into_iter().map(|(begin, end)| Run::Spilled {
            at: begin,
            end,
            buffer: Vec::new(),
            read: 0,
        });
        let kept = state
            .kept
            .into_iter()
            .map(|rows| Run::Kept(rows.into_iter()));
        let mut merge = Merge {
            file: state.file,
            path: self.path,
            ahead,
            runs: spilled.chain(kept).collect(),
            heads: BinaryHeap::new(),
            next: Vec::new(),
        };
        merge.next.resize_with(merge.runs.len(), CallRow::default);
        for index in 0..merge.runs.len() {
            merge.refill(index)?;
        }
        Ok(merge)
    }
}

#[derive(Debug)]
enum Run {
    Spilled {
        at: u64,
        end: u64,
        buffer: Vec<u8>,
        read: usize,
    },
    Kept(std::vec::IntoIter<CallRow>),
}

/// The key of the next row of a run, and the number of the run.
type Head = ((i64, u32, u64), usize);

/// Rows of several runs in order.
#[derive(Debug)]
pub(super) struct Merge {
    file: Option<File>,
    path: PathBuf,
    ahead: usize,
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<Head>>,
    next: Vec<CallRow>,
}

impl Merge {
    /// The next row; `None` after the last one.
    pub(super) fn next(&mut self) -> io::Result<Option<CallRow>> {
        let Some(Reverse((_, index))) = self.heads.pop() else {
            return Ok(None);
        };
        let row = std::mem::take(&mut self.next[index]);
        self.refill(index)?;
        Ok(Some(row))
    }

    fn refill(&mut self, index: usize) -> io::Result<()> {
        let row = match &mut self.runs[index] {
            Run::Kept(rows) => rows.next(),
            Run::Spilled {
                at,
                end,
                buffer,
                read,
            } => {
                let file = self.file.as_mut();
                let mut window = Window {
                    file: file.ok_or(io::ErrorKind::NotFound)?,
                    at,
                    end: *end,
                    buffer,
                    read,
                    ahead: self.ahead,
                };
                window.row()?
            }
        };
        if let Some(row) = row {
            self.heads.push(Reverse((row.key(), index)));
            self.next[index] = row;
        }
        Ok(())
    }
}

impl Drop for Merge {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // It lies in the folder of the output, which removes what it does not name.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A run that is read through a buffer.
struct Window<'r> {
    file: &'r mut File,
    at: &'r mut u64,
    end: u64,
    buffer: &'r mut Vec<u8>,
    read: &'r mut usize,
    ahead: usize,
}

impl Window<'_> {
    fn row(&mut self) -> io::Result<Option<CallRow>> {
        if !self.has(CallRow::HEAD)? {
            return Ok(None);
        }
        let head = self.buffer[*self.read..]
            .first_chunk::<{ CallRow::HEAD }>()
            .copied()
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let pieces = CallRow::pieces_in(&head) * CallRow::PIECE;
        if !self.has(CallRow::HEAD + pieces)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let begin = *self.read + CallRow::HEAD;
        let row = CallRow::decode(&head, &self.buffer[begin..begin + pieces]);
        *self.read = begin + pieces;
        Ok(Some(row))
    }

    /// Whether so many bytes are there, read from the file if need be.
    fn has(&mut self, bytes: usize) -> io::Result<bool> {
        let there = self.buffer.len() - *self.read;
        if there >= bytes {
            return Ok(true);
        }
        let left = self.end - *self.at;
        if left == 0 {
            return Ok(false);
        }
        self.buffer.drain(..*self.read);
        *self.read = 0;
        let wanted = left.min(self.ahead.max(bytes) as u64) as usize;
        self.buffer.resize(there + wanted, 0);
        self.file.seek(SeekFrom::Start(*self.at))?;
        self.file.read_exact(&mut self.buffer[there..])?;
        *self.at += wanted as u64;
        Ok(self.buffer.len() >= bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(at_us: i64, id: u64, pieces: usize) -> CallRow {
        CallRow {
            at_us,
            id,
            pieces: (0..pieces).map(|n| (id + n as u64, n as u32)).collect(),
            ..CallRow::default()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        #[test]
        fn merged_runs_are_the_sorted_whole(
            all in prop::collection::vec(prop::collection::vec((0i64..50, 0u64..1000, 0usize..4), 0..60), 0..8),
            kept in 0usize..8,
        ) {
            let place = tempfile::tempdir().unwrap();
            let path = place.path().join("runs");
            let runs = Runs::new(&path);
            let mut whole = Vec::new();
            for (index, part) in all.iter().enumerate() {
                let rows: Vec<CallRow> = part.iter().map(|(at, id, n)| row(*at, *id, *n)).collect();
                whole.extend(rows.iter().cloned());
                if index < kept {
                    runs.keep(rows);
                } else {
                    runs.spill(rows).unwrap();
                }
            }
            whole.sort_by_key(CallRow::key);
            let mut merge = runs.merge().unwrap();
            let mut keys = Vec::new();
            while let Some(row) = merge.next().unwrap() {
                keys.push((row.key(), row.pieces.first().copied()));
            }
            prop_assert_eq!(keys.len(), whole.len());
            prop_assert!(keys.is_sorted_by_key(|(key, _)| *key));
            drop(merge);
            prop_assert!(!path.exists());
        }
    }
}
