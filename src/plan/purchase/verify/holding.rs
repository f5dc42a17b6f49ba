//! What is held in a month, and how it is stepped up and down.

use crate::domain::{Scope, Term};
use crate::units::{Tokens, TokensPerMinute, Usd};

/// What is held for a pool in a month.
#[derive(Clone, Debug, PartialEq)]
pub struct Holding {
    /// What it is.
    pub held: Held,
    /// What it costs in an hour; `None` where its price is not known.
    pub per_hour: Option<Usd>,
    /// The on-demand quota over that of the scenario: 1 unless more is asked for.
    pub quota_factor: f64,
    /// Another scope whose quota takes what the own one refuses.
    pub headroom: Option<Scope>,
}

/// What is held.
#[derive(Clone, Debug, PartialEq)]
pub enum Held {
    /// Nothing: all of it goes on demand.
    Nothing {
        /// The scope of the calls.
        scope: Scope,
    },
    /// The Reserved tier, overflowing to standard.
    Reserved {
        /// Geographic or global.
        scope: Scope,
        /// The commitment; the last one if there are several.
        term: Term,
        /// Input tokens per minute.
        input_tpm: TokensPerMinute,
        /// Output tokens per minute.
        output_tpm: TokensPerMinute,
        /// Whether an output token takes as many reserved tokens as its burndown rate says.
        burndown: bool,
    },
    /// Model units, overflowing to on-demand capacity.
    Units {
        /// The scope of what overflows.
        scope: Scope,
        /// The commitment; the last one if there are several.
        term: Term,
        /// How many.
        units: u32,
        /// Input tokens per minute of one.
        input_tpm: TokensPerMinute,
        /// Output tokens per minute of one.
        output_tpm: TokensPerMinute,
    },
}

impl Held {
    /// Tokens per minute, in and out; `None` if nothing is held.
    pub fn sustains(&self) -> Option<(TokensPerMinute, TokensPerMinute)> {
        match self {
            Self::Nothing { .. } => None,
            Self::Reserved {
                input_tpm,
                output_tpm,
                ..
            } => Some((*input_tpm, *output_tpm)),
            Self::Units {
                units,
                input_tpm,
                output_tpm,
                ..
            } => {
                let times = |tpm: TokensPerMinute| TokensPerMinute(tpm.0 * u64::from(*units));
                Some((times(*input_tpm), times(*output_tpm)))
            }
        }
    }
}

/// By what a holding is stepped: one block of an offer.
#[derive(Clone, Debug, PartialEq)]
pub struct Rung {
    /// One block.
    pub block: Held,
    /// What a block costs in an hour.
    pub per_hour: Option<Usd>,
    /// The fewest blocks that can be bought.
    pub least: u32,
}

impl Holding {
    /// On demand alone.
    pub fn nothing(scope: Scope) -> Self {
        Self {
            held: Held::Nothing { scope },
            per_hour: Some(Usd::ZERO),
            quota_factor: 1.0,
            headroom: None,
        }
    }

    /// So many blocks more, or fewer. What falls to nothing is nothing; what begins, begins with the least that
    /// is sold. `None` if blocks of another kind are held, or there is nothing to step down from.
    pub fn stepped(&self, steps: i64, rung: &Rung) -> Option<Self> {
        let scope = match &self.held {
            Held::Nothing { scope } | Held::Reserved { scope, .. } | Held::Units { scope, .. } => {
                scope.clone()
            }
        };
        let (block_in, block_out) = rung.block.sustains()?;
        let (held_in, held_out) = self.held.sustains().unwrap_or_default();
        if steps < 0 && held_in.0 == 0 && held_out.0 == 0 {
            return None;
        }
        let steps = match self.held {
            Held::Nothing { .. } => steps.max(i64::from(rung.least.max(1))),
            _ => steps,
        };
        let moved = |held: TokensPerMinute, block: TokensPerMinute| {
            let wanted = i128::from(held.0) + i128::from(steps) * i128::from(block.0);
            TokensPerMinute(wanted.clamp(0, i128::from(u64::MAX)) as u64)
        };
        let per_hour = rung
            .per_hour
            .zip(self.per_hour)
            .map(|(block, now)| Usd((now.0 + block.0 * i128::from(steps)).max(0)));
        let least = i128::from(rung.least);
        let (input_tpm, output_tpm) = (moved(held_in, block_in), moved(held_out, block_out));
        let too_small = |tpm: TokensPerMinute, block: TokensPerMinute| {
            i128::from(tpm.0) < least.max(1) * i128::from(block.0)
        };
        let ends =
            steps < 0 && (too_small(input_tpm, block_in) || too_small(output_tpm, block_out));
        if ends {
            return Some(Self {
                quota_factor: self.quota_factor,
                headroom: self.headroom.clone(),
                ..Self::nothing(scope)
            });
        }
        let held = match (&self.held, &rung.block) {
            (
                Held::Nothing { .. } | Held::Reserved { .. },
                Held::Reserved {
                    term,
                    burndown,
                    scope,
                    ..
                },
            ) => Held::Reserved {
                scope: scope.clone(),
                term: *term,
                input_tpm,
                output_tpm,
                burndown: *burndown,
            },
            (
                Held::Nothing { .. } | Held::Units { .. },
                Held::Units {
                    term,
                    input_tpm,
                    output_tpm,
                    ..
                },
            ) => {
                let now = match &self.held {
                    Held::Units { units, .. } => i64::from(*units),
                    _ => 0,
                };
                Held::Units {
                    scope,
                    term: *term,
                    units: u32::try_from(now + steps).ok()?,
                    input_tpm: *input_tpm,
                    output_tpm: *output_tpm,
                }
            }
            _ => return None,
        };
        Some(Self {
            held,
            per_hour,
            quota_factor: self.quota_factor,
            headroom: self.headroom.clone(),
        })
    }

    /// In a few words, such as `2M in + 200K out reserved, 1-month`.
    pub fn words(&self) -> String {
        match &self.held {
            Held::Nothing { .. } if self.quota_factor > 1.0 => {
                format!("all on demand, {:.2}× the quota", self.quota_factor)
            }
            Held::Nothing { .. } => "all on demand".to_owned(),
            Held::Reserved {
                input_tpm,
                output_tpm,
                ..
            } => {
                let short = |tpm: &TokensPerMinute| Tokens(tpm.0).to_string();
                let (input, output) = (short(input_tpm), short(output_tpm));
                format!("{input} in + {output} out")
            }
            Held::Units { units, term, .. } => {
                let plural = if *units == 1 { "" } else { "s" };
                format!("{units} model unit{plural}, {term}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(least: u32) -> Rung {
        Rung {
            block: Held::Reserved {
                scope: Scope::Global,
                term: Term::OneMonth,
                input_tpm: TokensPerMinute(100_000),
                output_tpm: TokensPerMinute(10_000),
                burndown: false,
            },
            per_hour: Some(Usd::from_dollars(27.0)),
            least,
        }
    }

    fn size(holding: &Holding) -> Option<(u64, u64)> {
        let (input, output) = holding.held.sustains()?;
        Some((input.0, output.0))
    }

    #[test]
    fn steps_begin_with_the_least_and_end_at_nothing() {
        let nothing = Holding::nothing(Scope::Global);
        assert_eq!(nothing.stepped(-1, &rung(1)), None);
        let three = nothing.stepped(1, &rung(3)).unwrap();
        assert_eq!(size(&three), Some((300_000, 30_000)));
        assert_eq!(three.per_hour, Some(Usd::from_dollars(81.0)));
        let four = three.stepped(1, &rung(3)).unwrap();
        assert_eq!(size(&four), Some((400_000, 40_000)));
        assert_eq!(four.stepped(-1, &rung(3)), Some(three.clone()));
        assert_eq!(three.stepped(-1, &rung(3)), Some(nothing));
    }

    #[test]
    fn one_kind_of_block_is_not_stepped_by_another() {
        let units = Rung {
            block: Held::Units {
                scope: Scope::Global,
                term: Term::OneMonth,
                units: 1,
                input_tpm: TokensPerMinute(300_000),
                output_tpm: TokensPerMinute(20_000),
            },
            per_hour: None,
            least: 1,
        };
        let two = Holding::nothing(Scope::Global).stepped(2, &units).unwrap();
        assert_eq!((size(&two), two.per_hour), (Some((600_000, 40_000)), None));
        assert_eq!(two.words(), "2 model units, 1-month");
        assert_eq!(two.stepped(1, &rung(1)), None);
    }
}
