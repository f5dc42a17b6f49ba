//! Token counts.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

/// A number of tokens. Which kind (billed, visible, quota) is said by the field that holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tokens(pub u64);

impl Tokens {
    /// No tokens.
    pub const ZERO: Self = Self(0);
}

impl Add for Tokens {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for Tokens {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Tokens {
    /// Short form with at most four significant digits: `812`, `64K`, `1.5M`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_short(f, self.0)
    }
}

/// Writes a count with a K, M or G suffix and at most four significant digits.
pub(super) fn write_short(f: &mut fmt::Formatter<'_>, count: u64) -> fmt::Result {
    const SUFFIXES: [(u64, &str); 3] = [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "K")];
    for (size, suffix) in SUFFIXES {
        if count >= size {
            let scaled = count as f64 / size as f64;
            let digits = if scaled >= 100.0 { 0 } else { 2 };
            let text = format!("{scaled:.digits$}");
            let text = if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.')
            } else {
                &text
            };
            return write!(f, "{text}{suffix}");
        }
    }
    write!(f, "{count}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_print_short() {
        let check = |n: u64, text: &str| assert_eq!(Tokens(n).to_string(), text);
        check(812, "812");
        check(64_000, "64K");
        check(1_500_000, "1.5M");
        check(100_000, "100K");
        check(6_000_000, "6M");
    }
}
