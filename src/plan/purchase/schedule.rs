//! What is held of which offer, and from when.

use super::{Offer, Size};
use crate::cost::capacity::HOURS_PER_MONTH;
use crate::domain::Term;
use crate::units::{TokensPerMinute, Usd};

/// Which block of which offer is held from which month.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// What is bought, in the order of its first months. Blocks of the same month add up.
    pub holds: Vec<Hold>,
    /// Whether the quota of another scope carries what the own one has no room for.
    pub headroom: bool,
}

/// A block that is held for some terms in a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    /// Which offer of the market.
    pub offer: usize,
    /// The first month, from 0.
    pub from: usize,
    /// Terms in a row.
    pub terms: usize,
    /// Months in all.
    pub months: usize,
    /// Input tokens per minute.
    pub input_tpm: TokensPerMinute,
    /// Output tokens per minute.
    pub output_tpm: TokensPerMinute,
    /// Model units; 0 where the sides are bought apart.
    pub units: u32,
    /// What it costs an hour; `None` if no price is known.
    pub per_hour: Option<Usd>,
}

/// What is held in one month.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Capacity {
    /// Input and output tokens per minute of the Reserved tier, where cache reads are free.
    pub reserved: (f64, f64),
    /// The same of model units, where cached tokens count.
    pub units: (f64, f64),
    /// Dollars an hour.
    pub per_hour: f64,
}

impl Schedule {
    /// What is held in a month.
    pub fn held(&self, offers: &[Offer], month: usize) -> Capacity {
        let mut capacity = Capacity::default();
        for hold in &self.holds {
            if !(hold.from..hold.from + hold.months).contains(&month) {
                continue;
            }
            let is_units = matches!(offers.get(hold.offer), Some(offer) if matches!(offer.size, Size::Units { .. }));
            let block = if is_units {
                &mut capacity.units
            } else {
                &mut capacity.reserved
            };
            block.0 += hold.input_tpm.0 as f64;
            block.1 += hold.output_tpm.0 as f64;
            capacity.per_hour += hold.per_hour.map_or(0.0, Usd::dollars);
        }
        capacity
    }

    /// Whether nothing is bought.
    pub fn is_empty(&self) -> bool {
        self.holds.is_empty()
    }

    /// The first month in which something is held.
    pub fn begins(&self) -> Option<usize> {
        self.holds.iter().map(|hold| hold.from).min()
    }

    /// The schedule in words: `hold 300K in + 20K out of reserved 3-month from month 4, 2 terms (months 4 to 9)`. Many
    /// blocks are told by how much is held at first and at most.
    pub fn words(&self, offers: &[Offer]) -> String {
        if self.holds.is_empty() {
            return if self.headroom {
                "all on demand, with the other scope's quota".to_owned()
            } else {
                "all on demand".to_owned()
            };
        }
        if self.holds.len() > MOST_WORDS {
            return self.summed(offers);
        }
        let words = self.holds.iter().map(|hold| {
            let block = block_words(hold.input_tpm, hold.output_tpm, hold.units);
            let terms = match hold.terms {
                1 => "1 term".to_owned(),
                n => format!("{n} terms"),
            };
            let (from, until) = (hold.from + 1, hold.from + hold.months);
            let months = if from == until {
                format!("month {from}")
            } else {
                format!("months {from} to {until}")
            };
            let name = name_of(offers, hold);
            format!("{block} of {name} from month {from}, {terms} ({months})")
        });
        format!("hold {}", words.collect::<Vec<_>>().join("; "))
    }

    /// The schedule in a few words for tables: `677K in + 83K out, months 1 to 12`, or what is held at first and at
    /// most.
    pub fn brief(&self) -> String {
        match self.holds.as_slice() {
            [] if self.headroom => "on demand, both scopes".to_owned(),
            [] => "all on demand".to_owned(),
            [one] => {
                let block = block_words(one.input_tpm, one.output_tpm, one.units);
                match one.months {
                    1 => format!("{block}, month {}", one.from + 1),
                    months => format!("{block}, months {} to {}", one.from + 1, one.from + months),
                }
            }
            _ => {
                let first = self.begins().unwrap_or(0);
                let most = self.fullest();
                format!(
                    "{} (month {}), {} (month {})",
                    self.block_in(first),
                    first + 1,
                    self.block_in(most),
                    most + 1
                )
            }
        }
    }

    /// The first of the months in which most is held.
    fn fullest(&self) -> usize {
        let until = self.holds.iter().map(|hold| hold.from + hold.months);
        let first = self.begins().unwrap_or(0);
        let months = first..until.max().unwrap_or(first + 1);
        let most = months.rev().max_by_key(|month| self.size_in(*month).0);
        most.unwrap_or(first)
    }

    /// What is held in a month, of all offers together.
    fn size_in(&self, month: usize) -> (TokensPerMinute, TokensPerMinute, u32) {
        let sum = |of: fn(&Hold) -> u64| {
            let held = self.holds.iter();
            let held = held.filter(|hold| (hold.from..hold.from + hold.months).contains(&month));
            held.map(of).sum::<u64>()
        };
        (
            TokensPerMinute(sum(|hold| hold.input_tpm.0)),
            TokensPerMinute(sum(|hold| hold.output_tpm.0)),
            sum(|hold| u64::from(hold.units)) as u32,
        )
    }

    fn block_in(&self, month: usize) -> String {
        let (input, output, units) = self.size_in(month);
        block_words(input, output, units)
    }

    /// What is held in the first month, and in the one with the most.
    fn summed(&self, offers: &[Offer]) -> String {
        let first = self.begins().unwrap_or(0);
        let most = self.fullest();
        let mut names: Vec<&str> = Vec::new();
        for hold in &self.holds {
            let name = name_of(offers, hold);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        format!(
            "hold {} from month {} and {} by month {}, in {} blocks of {}",
            self.block_in(first),
            first + 1,
            self.block_in(most),
            most + 1,
            self.holds.len(),
            names.join(" and "),
        )
    }
}

/// Blocks that are told one by one.
const MOST_WORDS: usize = 3;

fn name_of<'o>(offers: &'o [Offer], hold: &Hold) -> &'o str {
    let offer = offers.get(hold.offer);
    offer.map_or("capacity", |offer| offer.name.as_str())
}

/// A block in words: `300K in + 20K out`, or `2 model units (600K in + 40K out)`.
pub(super) fn block_words(input: TokensPerMinute, output: TokensPerMinute, units: u32) -> String {
    let short = |tpm: TokensPerMinute| crate::units::Tokens(tpm.0).to_string();
    let sides = format!("{} in + {} out", short(input), short(output));
    match units {
        0 => sides,
        1 => format!("1 model unit ({sides})"),
        n => format!("{n} model units ({sides})"),
    }
}

/// Months that one is bound, at least 1: capacity without commitment is held by the month.
pub(super) fn months_of(term: Term) -> usize {
    match term {
        Term::Hourly | Term::OneMonth => 1,
        Term::ThreeMonths => 3,
        Term::SixMonths => 6,
    }
}

/// The hourly price of a block of an offer; `None` if no price is known.
pub fn price_of(
    size: Size,
    input: TokensPerMinute,
    output: TokensPerMinute,
    units: u32,
) -> Option<Usd> {
    match size {
        Size::Sides {
            input: of_input,
            output: of_output,
        } => {
            let side = |price: Option<Usd>, tpm: TokensPerMinute| {
                let each = price?.0.checked_mul(i128::from(tpm.0))?;
                Some(Usd(each.saturating_add(500).div_euclid(1000)))
            };
            Some(
                side(of_input.per_hour_per_1k_tpm, input)?
                    + side(of_output.per_hour_per_1k_tpm, output)?,
            )
        }
        Size::Units { per_hour, .. } => Some(Usd(per_hour?.0.checked_mul(i128::from(units))?)),
        Size::Headroom { .. } => Some(Usd::ZERO),
    }
}

/// Hours of a month, as a number.
pub(super) fn month_hours() -> f64 {
    f64::from(HOURS_PER_MONTH)
}
