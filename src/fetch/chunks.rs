//! Files as pieces of whole lines, so that several threads can work on one file.

use crate::load::trace::{RowProblem, broken_off};
use std::io::BufRead;

/// Bytes of a piece; a line longer than that makes a longer one.
const CHUNK: usize = 2 << 20;
/// A longer line is no call.
const LINE_MAX: usize = 16 << 20;

/// Whole lines of a file.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// The lines, each with its end but perhaps the last one.
    pub bytes: Vec<u8>,
    /// The number of the first line, from 1.
    pub first_line: u64,
}

/// Splits a file.
#[derive(Debug)]
pub(super) struct Chunks<R> {
    source: R,
    /// The beginning of a line of which the end was not read yet.
    rest: Vec<u8>,
    line: u64,
    done: bool,
}

/// What comes next of a file.
#[derive(Debug)]
pub(super) enum Next {
    /// Lines.
    Lines(Chunk),
    /// Something that is no line; reading goes on.
    Problem(RowProblem),
}

impl<R: BufRead> Chunks<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            rest: Vec::new(),
            line: 1,
            done: false,
        }
    }

    /// Everything that is left, up to `most` bytes; the rest comes with the next chunk.
    fn fill(&mut self, bytes: &mut Vec<u8>) -> Option<RowProblem> {
        while bytes.len() < CHUNK {
            match self.source.fill_buf() {
                Ok([]) => {
                    self.done = true;
                    return None;
                }
                Ok(found) => {
                    let taken = found.len().min(CHUNK);
                    bytes.extend_from_slice(&found[..taken]);
                    self.source.consume(taken);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.done = true;
                    return Some(broken_off(&error));
                }
            }
        }
        None
    }

    /// Passes over the rest of a line that is too long.
    fn pass_over(&mut self) {
        loop {
            match self.source.fill_buf() {
                Ok([]) | Err(_) => {
                    self.done = true;
                    return;
                }
                Ok(found) => {
                    let end = found.iter().position(|byte| *byte == b'\n');
                    let taken = end.map_or(found.len(), |end| end + 1);
                    self.source.consume(taken);
                    if end.is_some() {
                        return;
                    }
                }
            }
        }
    }
}

impl<R: BufRead> Iterator for Chunks<R> {
    type Item = Next;

    fn next(&mut self) -> Option<Next> {
        let mut bytes = std::mem::take(&mut self.rest);
        loop {
            if self.done {
                if bytes.is_empty() {
                    return None;
                }
                return Some(Next::Lines(self.chunk(bytes)));
            }
            let mut more = Vec::with_capacity(CHUNK);
            let problem = self.fill(&mut more);
            bytes.extend_from_slice(&more);
            if let Some(problem) = problem {
                // What was read before is looked at after the problem was told; the last line is likely cut.
                self.rest = bytes;
                return Some(Next::Problem(problem));
            }
            if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
                self.rest = bytes.split_off(end + 1);
                return Some(Next::Lines(self.chunk(bytes)));
            }
            if bytes.len() >= LINE_MAX {
                self.pass_over();
                let problem = RowProblem::at(
                    "the line is longer than 16 MiB",
                    "give one record per line",
                    self.line,
                );
                self.line += 1;
                return Some(Next::Problem(problem));
            }
        }
    }
}

impl<R> Chunks<R> {
    fn chunk(&mut self, bytes: Vec<u8>) -> Chunk {
        let first_line = self.line;
        // Compilers make wide instructions of such a sum.
        let ends = bytes.iter().map(|byte| u64::from(*byte == b'\n'));
        self.line += ends.sum::<u64>();
        Chunk { bytes, first_line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn lines_of(text: &[u8]) -> (Vec<(u64, Vec<u8>)>, Vec<String>) {
        let (mut lines, mut problems) = (Vec::new(), Vec::new());
        for next in Chunks::new(BufReader::with_capacity(1000, text)) {
            match next {
                Next::Lines(chunk) => {
                    for (line, bytes) in
                        (chunk.first_line..).zip(chunk.bytes.split(|b| *b == b'\n'))
                    {
                        if !bytes.is_empty() {
                            lines.push((line, bytes.to_vec()));
                        }
                    }
                }
                Next::Problem(problem) => problems.push(problem.to_string()),
            }
        }
        (lines, problems)
    }

    #[test]
    fn lines_come_whole_and_numbered() {
        let lines: Vec<String> = (1..400_000).map(|n| format!("line {n}\n")).collect();
        let text = lines.concat();
        let (lines, problems) = lines_of(text.as_bytes());
        assert!(problems.is_empty());
        assert_eq!(lines.len(), 399_999);
        let told = |(n, line): &(u64, Vec<u8>)| *line == format!("line {n}").as_bytes();
        assert!(lines.iter().all(told));
    }

    #[test]
    fn a_line_without_end_and_an_endless_line() {
        assert_eq!(lines_of(b"").0, []);
        assert_eq!(
            lines_of(b"a\nb").0,
            [(1, b"a".to_vec()), (2, b"b".to_vec())]
        );
        let mut text = b"a\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', 40 << 20));
        text.extend_from_slice(b"\nb\n");
        let (lines, problems) = lines_of(&text);
        assert_eq!(lines, [(1, b"a".to_vec()), (3, b"b".to_vec())]);
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].starts_with("line 2: the line is longer"),
            "{}",
            problems[0]
        );
    }
}
