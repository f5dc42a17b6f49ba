//! One seed, many streams: named generators and keyed draws.
//!
//! A *stream* is a generator of its own, for things that come in a row (gaps
//! between arrivals). A *keyed draw* belongs to one request: it depends only on
//! the seed, the purpose and the request's number, so a policy that reorders
//! events still sees the same sizes and latencies. That is what makes two
//! variants comparable and results independent of the thread count.

use rand::SeedableRng;
use rand::rand_core::{Infallible, TryRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// `SplitMix64`'s finaliser (Steele, Lea & Flood 2014): a bijection that spreads every input bit.
pub const fn mix64(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The seed of a named stream. Adding a stream disturbs no other.
pub fn derive(seed: u64, name: &str) -> u64 {
    let mut state = mix64(seed.wrapping_add(GOLDEN));
    for byte in name.bytes() {
        state = mix64(state ^ u64::from(byte)).wrapping_add(GOLDEN);
    }
    mix64(state)
}

/// The generator of a named stream: `ChaCha8`, whose output never changes between versions.
pub fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(derive(seed, name))
}

/// Draws that belong to numbered things, such as requests.
#[derive(Clone, Copy, Debug)]
pub struct Keyed {
    seed: u64,
}

impl Keyed {
    /// The draws for one purpose, such as `"chat/output-tokens"`.
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self {
            seed: derive(seed, purpose),
        }
    }

    /// 64 uniform bits for thing number `id`.
    #[inline]
    pub fn bits(self, id: u64) -> u64 {
        mix64(self.seed ^ mix64(id.wrapping_mul(GOLDEN).wrapping_add(GOLDEN)))
    }

    /// A uniform number in the open interval (0, 1) for thing number `id`.
    #[inline]
    pub fn uniform(self, id: u64) -> f64 {
        to_open_unit(self.bits(id))
    }

    /// A uniform whole number below `n` for thing number `id`: [`Keyed::uniform`] times `n`, in whole numbers.
    #[inline]
    pub fn below(self, id: u64, n: usize) -> usize {
        let odd = 2 * (self.bits(id) >> 12) + 1;
        ((u128::from(odd) * n as u128) >> 53) as usize
    }

    /// A standard normal number for thing number `id`.
    #[inline]
    pub fn normal(self, id: u64) -> f64 {
        StandardNormal.sample(&mut SplitMix64(self.bits(id)))
    }

    /// Two independent standard normal numbers for thing number `id`.
    #[inline]
    pub fn normal_pair(self, id: u64) -> (f64, f64) {
        let mut source = SplitMix64(self.bits(id));
        (
            StandardNormal.sample(&mut source),
            StandardNormal.sample(&mut source),
        )
    }
}

/// Maps 64 bits to the open interval (0, 1) with 52 bits of resolution.
#[inline]
pub fn to_open_unit(bits: u64) -> f64 {
    ((bits >> 12) as i64 as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
}

/// The `SplitMix64` generator, for the few draws that one key needs.
struct SplitMix64(u64);

impl TryRng for SplitMix64 {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|bits| (bits >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(GOLDEN);
        Ok(mix64(self.0))
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Infallible> {
        for chunk in dest.chunks_mut(8) {
            let bytes = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_parts_of_the_unit_interval() {
        let keyed = Keyed::new(5, "test");
        for n in [1, 2, 3, 7, 23, 1024] {
            for id in 0..10_000 {
                assert_eq!(keyed.below(id, n), (keyed.uniform(id) * n as f64) as usize);
            }
        }
    }

    #[test]
    fn keyed_normals_have_the_right_moments() {
        let keyed = Keyed::new(7, "test");
        let n = 200_000u64;
        let (mut sum, mut squares, mut fourth) = (0.0, 0.0, 0.0);
        for id in 0..n {
            let z = keyed.normal(id);
            sum += z;
            squares += z * z;
            fourth += z.powi(4);
        }
        let n = n as f64;
        assert!((sum / n).abs() < 0.01, "mean {}", sum / n);
        assert!(
            (squares / n - 1.0).abs() < 0.015,
            "variance {}",
            squares / n
        );
        assert!(
            (fourth / n - 3.0).abs() < 0.1,
            "fourth moment {}",
            fourth / n
        );
    }

    #[test]
    fn streams_and_purposes_are_unrelated() {
        assert_ne!(derive(1, "a"), derive(1, "b"));
        assert_ne!(derive(1, "a"), derive(2, "a"));
        assert_ne!(Keyed::new(1, "a").bits(0), Keyed::new(1, "a").bits(1));
    }

    #[test]
    fn first_draws_never_change() {
        // A change here would silently change every published result.
        let keyed = Keyed::new(42, "chat/input");
        assert_eq!(keyed.bits(0), Keyed::new(42, "chat/input").bits(0));
        assert_eq!(mix64(1), 0x5692_161d_100b_05e5);
    }
}
