//! Hashes that nobody can look up without the salt.

#![expect(
    deprecated,
    reason = "the hasher of std whose algorithm is fixed, SipHash-2-4; its successor may change"
)]

use std::hash::{Hasher, SipHasher};

use sha2::{Digest, Sha256};

/// The key of all hashes that leave the program: with another key the same text has another hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(u64, u64);

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl Salt {
    /// The salt of a text or of random bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let word = |from: usize| {
            let bytes = digest.get(from..from + 8).and_then(|b| b.try_into().ok());
            u64::from_le_bytes(bytes.unwrap_or_default())
        };
        Self(word(0), word(8))
    }

    /// A hasher under this salt.
    pub(super) fn hasher(self) -> SipHasher {
        SipHasher::new_with_keys(self.0, self.1)
    }

    /// The hash of two numbers.
    pub(super) fn mix(self, a: u64, b: u64) -> u64 {
        let mut hash = self.hasher();
        hash.write_u64(a);
        hash.write_u64(b);
        hash.finish()
    }

    /// A name for a text: 12 hexadecimal digits.
    pub(super) fn name(self, bytes: &[u8]) -> String {
        let mut hash = self.hasher();
        hash.write(bytes);
        format!("{:012x}", hash.finish() >> 16)
    }
}
