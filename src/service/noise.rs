//! The noise of calls, drawn some calls ahead.
//!
//! Noise is a keyed draw, so it may be drawn whenever it suits. A row of it drawn at once keeps the tables in
//! the nearest cache and lets a processor work on several draws at a time.

use super::latency::LatencyModel;
use crate::rng::Keyed;

/// From the key of a request's first attempt to that of the next request's: a call's key counts the attempts of a
/// request in its last bits.
pub const KEYS_PER_REQUEST: u64 = 64;

/// Calls whose noise is drawn at once.
const ROW: usize = 32;

/// What noise makes of the times of a call: the multipliers of TTFT and of the time per output token.
pub type Noise = (f64, f64);

/// The noise of the calls of one target.
#[derive(Clone, Debug)]
pub(super) struct NoiseAhead {
    keyed: Keyed,
    /// Key of the first of the row.
    first: u64,
    /// The latest key of the row, or a later one that was asked for after it.
    last: u64,
    row: Vec<Noise>,
}

impl NoiseAhead {
    pub(super) fn new(keyed: Keyed) -> Self {
        Self {
            keyed,
            first: 0,
            last: 0,
            row: Vec::new(),
        }
    }

    /// The noise of the call with this key, which `model` makes of two standard normal numbers.
    #[inline]
    pub(super) fn at(&mut self, model: &LatencyModel, key: u64) -> Noise {
        let ahead = key.wrapping_sub(self.first);
        let place = ahead.rotate_right(KEYS_PER_REQUEST.trailing_zeros());
        match self.row.get(place as usize) {
            Some(&noise) => noise,
            None => self.draw(model, key),
        }
    }

    /// Draws one that is not in the row, and those that follow if it comes next to the latest.
    #[cold]
    fn draw(&mut self, model: &LatencyModel, key: u64) -> Noise {
        if key.wrapping_sub(self.last) != KEYS_PER_REQUEST {
            self.last = self.last.max(key);
            return model.noise(self.keyed.normal_pair(key));
        }
        self.first = key;
        self.last = key.wrapping_add((ROW as u64 - 1) * KEYS_PER_REQUEST);
        let mut numbers = [(0.0, 0.0); ROW];
        for (pair, ahead) in numbers.iter_mut().zip(0..) {
            let key = key.wrapping_add(ahead * KEYS_PER_REQUEST);
            *pair = self.keyed.normal_pair(key);
        }
        self.row.clear();
        self.row.extend(numbers.map(|z| model.noise(z)));
        self.row[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Fact, LatencyProfile, NoiseLaw, Origin};
    use crate::units::Micros;

    #[test]
    fn noise_drawn_ahead_is_that_drawn_singly() {
        let model = LatencyModel::new(
            &LatencyProfile {
                name: "test".into(),
                origin: Origin::Assumed,
                source: Fact::default(),
                ttft_base: Micros::from_millis(500),
                ttft_per_k_input: Micros::ZERO,
                ttft_per_k_cached: Micros::ZERO,
                load_base: Micros::ZERO,
                load_per_k: Micros::ZERO,
                per_output_token: Micros::from_millis(20),
                load_per_token: 0.0,
                ttft_noise: NoiseLaw::lognormal(0.4),
                tpot_noise: NoiseLaw::lognormal(0.1),
            },
            0.0,
        );
        let keyed = Keyed::new(3, "chat/latency");
        let mut ahead = NoiseAhead::new(keyed);
        // First attempts in turn with retries of earlier requests between them, one left out, and then some of
        // another workload.
        let in_turn = (0..200).flat_map(|seq| [seq * 64 + 1, seq / 2 * 64 + 2]);
        let in_turn = in_turn.filter(|key| *key != 70 * 64 + 1);
        for key in in_turn.chain([u64::MAX, 0, 64, 128, 1 << 40, 129, 5]) {
            let want = model.noise(keyed.normal_pair(key));
            assert_eq!(ahead.at(&model, key), want, "key {key}");
        }
    }
}
