//! Where the money went.

use super::{Charge, Tariff};
use crate::domain::Usage;
use crate::units::Usd;
use std::ops::AddAssign;

/// Costs by class. The classes are disjoint, so they sum to the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Uncached input tokens of attempts that answered.
    pub input: Usd,
    /// Output tokens of attempts that answered.
    pub output: Usd,
    /// Cache writes of attempts that answered, with a life of five minutes.
    pub cache_write: Usd,
    /// Cache writes of attempts that answered, with a life of an hour.
    pub cache_write_1h: Usd,
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
    /// What the tokens of attempts that answered cost above the prices of short prompts.
    pub long_context: Usd,
    /// All tokens of classifiers that answered.
    pub classifier: Usd,
    /// The fees of routers.
    pub router_fee: Usd,
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

    /// Books an attempt that answered whose cache writes or whose prompt may have prices of their own: `charge` is what
    /// `tariff` asks for `usage`, of which `write_1h` tokens were written for an hour.
    #[inline]
    pub fn add_split(&mut self, charge: Charge, tariff: &Tariff, usage: Usage, write_1h: u32) {
        self.add(charge);
        if write_1h > 0 || tariff.is_long(usage) {
            self.split(tariff, usage, write_1h);
        }
    }

    /// Moves what an attempt that is booked paid for a long prompt, and for an hour in the cache, to classes of their
    /// own.
    #[cold]
    fn split(&mut self, tariff: &Tariff, usage: Usage, write_1h: u32) {
        let (paid, short) = (
            tariff.charge_mixed(usage, write_1h),
            tariff.charge_short(usage, write_1h),
        );
        let classes = [
            (&mut self.input, paid.input, short.input),
            (&mut self.output, paid.output, short.output),
            (&mut self.cache_write, paid.cache_write, short.cache_write),
            (&mut self.cache_read, paid.cache_read, short.cache_read),
        ];
        for (class, paid, short) in classes {
            let premium = i128::from(paid) - i128::from(short);
            class.0 -= premium;
            self.long_context.0 += premium;
        }
        let hour = tariff.prices_at(0).cache_write_1h;
        let hour = u64::from(write_1h)
            .saturating_mul(hour)
            .min(short.cache_write);
        self.cache_write.0 -= i128::from(hour);
        self.cache_write_1h.0 += i128::from(hour);
    }

    /// Books the call of a classifier, as a whole.
    pub fn add_classifier(&mut self, charge: Charge) {
        self.classifier += charge.total();
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
        self.cache_write_1h += other.cache_write_1h;
        self.long_context += other.long_context;
        self.classifier += other.classifier;
        self.router_fee += other.router_fee;
    }

    /// What was paid per token: everything but bought capacity, guardrails and the fees of routers.
    pub fn tokens(&self) -> Usd {
        self.input
            + self.output
            + self.cache_write
            + self.cache_write_1h
            + self.cache_read
            + self.long_context
            + self.classifier
            + self.wasted
            + self.batch
    }

    /// The same entries with `of` applied to each; `None` if that gives none of one.
    pub fn try_map(&self, of: impl Fn(Usd) -> Option<Usd>) -> Option<Self> {
        Some(Self {
            input: of(self.input)?,
            output: of(self.output)?,
            cache_write: of(self.cache_write)?,
            cache_write_1h: of(self.cache_write_1h)?,
            cache_read: of(self.cache_read)?,
            wasted: of(self.wasted)?,
            reserved: of(self.reserved)?,
            guardrail: of(self.guardrail)?,
            batch: of(self.batch)?,
            long_context: of(self.long_context)?,
            classifier: of(self.classifier)?,
            router_fee: of(self.router_fee)?,
        })
    }

    /// The sum of all classes.
    pub fn total(&self) -> Usd {
        self.tokens() + self.reserved + self.guardrail + self.router_fee
    }
}

impl AddAssign for Ledger {
    fn add_assign(&mut self, other: Self) {
        self.merge(&other);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tariff::tests::with_step;
    use super::*;
    use crate::domain::CacheTtl;
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

    #[test]
    fn long_prompts_and_hours_in_the_cache_have_classes_of_their_own() {
        let tariff = with_step(CacheTtl::FiveMinutes);
        let usage = Usage {
            input: 90_000,
            output: 100,
            cache_write: 30_000,
            cache_read: 0,
        };
        let mut ledger = Ledger::default();
        ledger.add_split(tariff.charge_mixed(usage, 10_000), &tariff, usage, 10_000);
        let micro = |usd: Usd| usd.0 / 1_000_000;
        assert_eq!(micro(ledger.input), 9_000);
        assert_eq!(micro(ledger.output), 50);
        assert_eq!(micro(ledger.cache_write), 2_500);
        assert_eq!(micro(ledger.cache_write_1h), 2_000);
        // Four times the rest, since long prompts cost five times as much.
        assert_eq!(micro(ledger.long_context), 4 * 13_550);
        let hour = with_step(CacheTtl::OneHour);
        let mut ledger = Ledger::default();
        ledger.add_split(hour.charge_mixed(usage, 30_000), &hour, usage, 30_000);
        assert_eq!(
            (ledger.cache_write, micro(ledger.cache_write_1h)),
            (Usd::ZERO, 6_000)
        );
    }

    proptest! {
        #[test]
        fn split_classes_sum_to_the_charge(
            tokens in prop::array::uniform4(0u32..150_000), part in 0.0f64..=1.0, is_hour in any::<bool>(),
        ) {
            let usage = Usage {
                input: tokens[0], output: tokens[1], cache_write: tokens[2], cache_read: tokens[3],
            };
            let ttl = if is_hour { CacheTtl::OneHour } else { CacheTtl::FiveMinutes };
            let hours = if is_hour { tokens[2] } else { (f64::from(tokens[2]) * part) as u32 };
            let tariff = with_step(ttl);
            let charge = tariff.charge_mixed(usage, hours);
            let mut ledger = Ledger::default();
            ledger.add_split(charge, &tariff, usage, hours);
            prop_assert_eq!(ledger.total(), charge.total());
            prop_assert!(ledger.cache_write >= Usd::ZERO && ledger.long_context >= Usd::ZERO);
            prop_assert!(!is_hour || ledger.cache_write == Usd::ZERO);
        }

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
