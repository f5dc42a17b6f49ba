//! Files packed with gzip, read as if they were not.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use super::error::{RowProblem, TraceError};

/// How a gzip file begins.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The plain bytes of a file, whether or not it is packed.
#[derive(Debug)]
pub enum Plain<R: BufRead> {
    /// As it lies.
    AsIs(R),
    /// Unpacked on the way; also several gzip files one after the other.
    Gzip(Box<BufReader<MultiGzDecoder<R>>>),
}

/// The plain bytes of a file that may be packed with gzip, as its first two bytes say.
///
/// # Errors
/// The file cannot be read.
pub fn plain<R: BufRead>(mut bytes: R) -> Result<Plain<R>, TraceError> {
    let head = bytes.fill_buf().map_err(|error| {
        RowProblem::new(
            format!("cannot be read: {error}"),
            "check that the file is whole and readable",
        )
    })?;
    if head.starts_with(&MAGIC) {
        let unpacked = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(bytes));
        Ok(Plain::Gzip(Box::new(unpacked)))
    } else {
        Ok(Plain::AsIs(bytes))
    }
}

impl<R: BufRead> Read for Plain<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::AsIs(bytes) => bytes.read(out),
            Self::Gzip(bytes) => bytes.read(out),
        }
    }
}

impl<R: BufRead> BufRead for Plain<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::AsIs(bytes) => bytes.fill_buf(),
            Self::Gzip(bytes) => bytes.fill_buf(),
        }
    }

    fn consume(&mut self, n: usize) {
        match self {
            Self::AsIs(bytes) => bytes.consume(n),
            Self::Gzip(bytes) => bytes.consume(n),
        }
    }
}
