//! Where the money went.

use super::Charge;
use crate::units::Usd;
use std::ops::AddAssign;

/// Costs by class. The classes are disjoint, so they sum to the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Uncached input tokens of attempts that answered.
    pub input: Usd,
    /// Output tokens of attempts that answered.
    pub output: Usd,
    /// Cache writes of attempts that answered.
    pub cache_write: Usd,
    /// Cache reads of attempts that answered.
    pub cache_read: Usd,
    /// All tokens of attempts that bought nothing: abandoned, cut off, or a lost hedge.
    pub wasted: Usd,
    /// Bought capacity: Reserved tier and model units.
    pub reserved: Usd,
    /// Guardrails.
    pub guardrail: Usd,
    /// All tokens of batch jobs.
    pub batch: Usd,
}

impl Ledger {
    /// Books an attempt that answered.
    #[inline]
    pub fn add(&mut self, charge: Charge) {
        self.input.0 += i128::from(charge.input);
        self.output.0 += i128::from(charge.output);
        self.cache_write.0 += i128::from(charge.cache_write);
        self.cache_read.0 += i128::from(charge.cache_read);
    }

    /// Books an attempt that was charged but bought nothing, as a whole.
    #[inline]
    pub fn waste(&mut self, charge: Charge) {
        self.wasted += charge.total();
    }

    /// Books a record of a batch job, as a whole.
    pub fn add_batch(&mut self, charge: Charge) {
        self.batch += charge.total();
    }

    /// Adds the entries of another ledger.
    pub fn merge(&mut self, other: &Self) {
        self.input += other.input;
        self.output += other.output;
        self.cache_write += other.cache_write;
        self.cache_read += other.cache_read;
        self.wasted += other.wasted;
        self.reserved += other.reserved;
        self.guardrail += other.guardrail;
        self.batch += other.batch;
    }

    /// What was paid per token: everything but bought capacity and guardrails.
    pub fn tokens(&self) -> Usd {
        self.input + self.output + self.cache_write + self.cache_read + self.wasted + self.batch
    }

    /// The sum of all classes.
    pub fn total(&self) -> Usd {
        self.tokens() + self.reserved + self.guardrail
    }
}

impl AddAssign for Ledger {
    fn add_assign(&mut self, other: Self) {
        self.merge(&other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn charges() -> impl Strategy<Value = Vec<(Charge, u8)>> {
        let charge = prop::array::uniform4(any::<u64>()).prop_map(|c| Charge {
            input: c[0],
            output: c[1],
            cache_write: c[2],
            cache_read: c[3],
        });
        prop::collection::vec((charge, 0u8..3), 0..40)
    }

    fn book(entries: &[(Charge, u8)]) -> Ledger {
        let mut ledger = Ledger::default();
        for &(charge, class) in entries {
            match class {
                0 => ledger.add(charge),
                1 => ledger.waste(charge),
                _ => ledger.add_batch(charge),
            }
        }
        ledger
    }

    #[test]
    fn bought_capacity_and_guardrails_count_in_the_total_only() {
        let ledger = Ledger {
            input: Usd(1),
            reserved: Usd(10),
            guardrail: Usd(100),
            ..Ledger::default()
        };
        assert_eq!((ledger.tokens(), ledger.total()), (Usd(1), Usd(111)));
    }

    proptest! {
        #[test]
        fn classes_sum_to_the_requests(entries in charges()) {
            let sum: Usd = entries.iter().map(|(charge, _)| charge.total()).sum();
            prop_assert_eq!(book(&entries).total(), sum);
        }

        #[test]
        fn merge_is_exact_and_associative(a in charges(), b in charges(), c in charges()) {
            let (x, y, z) = (book(&a), book(&b), book(&c));
            let mut left = x;
            left.merge(&y);
            left.merge(&z);
            let mut tail = y;
            tail += z;
            let mut right = x;
            right += tail;
            prop_assert_eq!(left, right);
            prop_assert_eq!(left, book(&[a, b, c].concat()));
        }
    }
}
