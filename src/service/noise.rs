//! The noise of calls and where they go, drawn some calls ahead.
//!
//! These are keyed draws, so they may be drawn whenever it suits. A row of them drawn at once keeps the tables
//! of the laws in the nearest cache and lets a processor work on several draws at a time.

use super::latency::LatencyModel;
use crate::rng::Keyed;

/// From the key of a request's first attempt to that of the next request's: a call's key counts the attempts of a
/// request in its last bits.
pub const KEYS_PER_REQUEST: u64 = 64;

/// Calls whose noise is drawn at once.
const ROW: usize = 32;

/// What noise makes of the times of a call: the multipliers of TTFT and of the time per output token.
pub type Noise = (f64, f64);

/// What is drawn for a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Drawn {
    /// Its noise.
    pub(super) noise: Noise,
    /// Which of the target's destinations serves it, where nothing else decides that.
    pub(super) destination: u32,
}

/// What is drawn for the calls of one target.
#[derive(Clone, Debug)]
pub(super) struct DrawnAhead {
    noise: Keyed,
    routing: Keyed,
    destinations: usize,
    /// Key of the first of the row.
    first: u64,
    /// The latest key of the row, or a later one that was asked for after it.
    last: u64,
    row: Vec<Drawn>,
}

impl DrawnAhead {
    pub(super) fn new(noise: Keyed, routing: Keyed, destinations: usize) -> Self {
        Self {
            noise,
            routing,
            destinations,
            first: 0,
            last: 0,
            row: Vec::new(),
        }
    }

    /// What is drawn for the call with this key; `model` makes its noise of two standard normal numbers.
    #[inline]
    pub(super) fn at(&mut self, model: &LatencyModel, key: u64) -> Drawn {
        let ahead = key.wrapping_sub(self.first);
        let place = ahead.rotate_right(KEYS_PER_REQUEST.trailing_zeros());
        match self.row.get(place as usize) {
            Some(&drawn) => drawn,
            None => self.draw_row(model, key),
        }
    }

    /// What is drawn for one call of these standard normal numbers.
    #[inline]
    fn of(&self, model: &LatencyModel, key: u64, z: (f64, f64)) -> Drawn {
        Drawn {
            noise: model.noise(z),
            destination: match self.destinations {
                1 => 0,
                n => self.routing.below(key, n) as u32,
            },
        }
    }

    /// Draws for a call that is not in the row, and for those that follow if it comes next to the latest.
    #[cold]
    fn draw_row(&mut self, model: &LatencyModel, key: u64) -> Drawn {
        if key.wrapping_sub(self.last) != KEYS_PER_REQUEST {
            self.last = self.last.max(key);
            return self.of(model, key, self.noise.normal_pair(key));
        }
        self.first = key;
        self.last = key.wrapping_add((ROW as u64 - 1) * KEYS_PER_REQUEST);
        let keys: [u64; ROW] =
            std::array::from_fn(|ahead| key.wrapping_add(ahead as u64 * KEYS_PER_REQUEST));
        let numbers = keys.map(|key| self.noise.normal_pair(key));
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        let drawn = keys.iter().zip(numbers);
        row.extend(drawn.map(|(&key, z)| self.of(model, key, z)));
        self.row = row;
        self.row[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Fact, LatencyProfile, NoiseLaw, Origin};
    use crate::units::Micros;

    #[test]
    fn what_is_drawn_ahead_is_what_is_drawn_singly() {
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
        let routing = Keyed::new(3, "chat/routing");
        let mut ahead = DrawnAhead::new(keyed, routing, 3);
        // First attempts in turn with retries of earlier requests between them, one left out, and then some of
        // another workload.
        let in_turn = (0..200).flat_map(|seq| [seq * 64 + 1, seq / 2 * 64 + 2]);
        let in_turn = in_turn.filter(|key| *key != 70 * 64 + 1);
        for key in in_turn.chain([u64::MAX, 0, 64, 128, 1 << 40, 129, 5]) {
            let want = Drawn {
                noise: model.noise(keyed.normal_pair(key)),
                destination: routing.below(key, 3) as u32,
            };
            assert_eq!(ahead.at(&model, key), want, "key {key}");
        }
    }
}
