//! The draws of one answer, split into parts that do not disturb each other.

use crate::rng::{Keyed, mix64, to_open_unit};

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// The alphabet of Anthropic's ids: no `0`, `O`, `I` and `l` (recorded `msg_bdrk_…` ids).
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Draws of one part of one answer, numbered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws {
    keyed: Keyed,
    base: u64,
}

impl Draws {
    /// The draws of call number `key`.
    pub(super) fn new(keyed: Keyed, key: u64) -> Self {
        Self {
            keyed,
            base: mix64(key.wrapping_add(0x5851_f42d_4c95_7f2d)),
        }
    }

    /// The draws of one part of it.
    pub(super) fn part(self, part: u64) -> Self {
        Self {
            keyed: self.keyed,
            base: mix64(self.base ^ mix64(part.wrapping_add(0x1405_7b7e_f767_814f))),
        }
    }

    /// 64 uniform bits, number `n`.
    #[inline]
    pub(super) fn bits(self, n: u64) -> u64 {
        self.keyed.bits(self.base.wrapping_add(n))
    }

    /// A uniform number in (0, 1), number `n`.
    pub(super) fn uniform(self, n: u64) -> f64 {
        to_open_unit(self.bits(n))
    }

    /// A number below `bound`, number `n`; 0 where `bound` is 0.
    pub(super) fn below(self, n: u64, bound: u64) -> u64 {
        ((u128::from(self.bits(n)) * u128::from(bound)) >> 64) as u64
    }

    /// Appends 22 characters of base64url, the tail of Converse's tool-use ids.
    pub(super) fn base64url(self, out: &mut String) {
        self.letters(BASE64URL, out);
    }

    /// Appends 22 characters without look-alikes, the tail of Anthropic's ids.
    pub(super) fn base58(self, out: &mut String) {
        self.letters(BASE58, out);
    }

    fn letters(self, alphabet: &[u8], out: &mut String) {
        for n in 0..22 {
            let at = self.below(n, alphabet.len() as u64) as usize;
            out.push(char::from(alphabet[at]));
        }
    }
}
