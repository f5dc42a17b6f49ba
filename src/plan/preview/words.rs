//! Figures as words, with the digits that matter.

use std::fmt;

/// A share in per cent with two or three digits.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent.abs() >= 9.95 || percent == 0.0 {
        format!("{percent:.0}%")
    } else if percent.abs() >= 0.095 {
        format!("{percent:.1}%")
    } else {
        format!("{percent:.2}%")
    }
}

/// A rate with three digits.
pub fn rate(value: f64) -> String {
    Digits(value).to_string()
}

fn whole(value: f64) -> String {
    count(value.round() as u64)
}

/// A count with thousands separators.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with three significant digits, or all of its whole ones.
struct Digits(f64);

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        if !value.is_finite() {
            return f.write_str("any number of");
        }
        if value >= 999.5 {
            return f.write_str(&whole(value));
        }
        let decimals = match value {
            v if v >= 99.95 => 0,
            v if v >= 9.995 => 1,
            v if v >= 0.0995 || v == 0.0 => 2,
            _ => 4,
        };
        write!(f, "{value:.decimals$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_print_with_the_digits_that_matter() {
        let texts = [0.0, 0.012_34, 2.0619, 12.345, 345.6, 12_345.6].map(rate);
        assert_eq!(texts, ["0.00", "0.0123", "2.06", "12.3", "346", "12,346"]);
        let texts = [0.0, 0.0004, 0.031, 0.69, 1.61].map(percent);
        assert_eq!(texts, ["0%", "0.04%", "3.1%", "69%", "161%"]);
        assert_eq!(count(1_234_567), "1,234,567");
    }
}
