//! Counts over a window that slides in tenths.

use crate::units::{Micros, Moment};

/// Slices of a window, as in Finagle's `WindowedAdder`: a count is forgotten between nine and ten tenths later.
const SLICES: usize = 10;

/// Sums of `N` kinds of events over the last window.
#[derive(Clone, Debug)]
pub(super) struct Windowed<const N: usize> {
    slices: [[u64; N]; SLICES],
    sums: [u64; N],
    slice: Micros,
    /// The number of the present slice since the start of the run.
    at: u64,
}

impl<const N: usize> Windowed<N> {
    /// Nothing counted yet.
    pub(super) fn new(window: Micros) -> Self {
        Self {
            slices: [[0; N]; SLICES],
            sums: [0; N],
            slice: Micros((window.0 / SLICES as u64).max(1)),
            at: 0,
        }
    }

    /// Forgets what is too old at `now`, and gives the sums.
    pub(super) fn sums(&mut self, now: Moment) -> [u64; N] {
        let at = now.0 / self.slice.0;
        let passed = at.saturating_sub(self.at);
        for step in 1..=passed.min(SLICES as u64) {
            let slice = &mut self.slices[((self.at + step) % SLICES as u64) as usize];
            for (sum, count) in self.sums.iter_mut().zip(slice.iter_mut()) {
                *sum -= std::mem::take(count);
            }
        }
        if passed > 0 {
            self.at = at;
        }
        self.sums
    }

    /// Counts one event of a kind.
    pub(super) fn add(&mut self, now: Moment, kind: usize) {
        self.sums(now);
        self.slices[(self.at % SLICES as u64) as usize][kind] += 1;
        self.sums[kind] += 1;
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.slices = [[0; N]; SLICES];
        self.sums = [0; N];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_sums_are_those_of_the_last_ten_slices(
            gaps in prop::collection::vec((0u64..3_000_000, 0usize..2), 1..80),
        ) {
            let mut counts = Windowed::<2>::new(Micros::from_secs(10));
            let mut events: Vec<(u64, usize)> = Vec::new();
            let mut now = 0;
            for (gap, kind) in gaps {
                now += gap;
                counts.add(Moment(now), kind);
                events.push((now / 1_000_000, kind));
                let want = [0, 1].map(|kind| {
                    let fresh = |event: &&(u64, usize)| event.0 + 10 > now / 1_000_000;
                    events.iter().filter(fresh).filter(|event| event.1 == kind).count() as u64
                });
                prop_assert_eq!(counts.sums(Moment(now)), want);
            }
        }
    }

    #[test]
    fn a_long_silence_forgets_all() {
        let mut counts = Windowed::<1>::new(Micros::SECOND);
        counts.add(Moment::ZERO, 0);
        assert_eq!(counts.sums(Moment(999_999)), [1]);
        assert_eq!(counts.sums(Moment(1_000_000)), [0]);
        assert_eq!(counts.sums(Moment::NEVER), [0]);
    }
}
