//! `[plan.growth]`: how demand grows, and how sure that is.

use crate::config::{Section, float, list, non_negative};

/// The largest growth of a month: a factor of eleven.
const MOST_GROWTH: f64 = 10.0;

/// How demand grows: ln D(m) = ln D(0) + μ·m + σ·√m·Z, times the factor of the season.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GrowthSpec {
    /// Growth of the median in a month (0.05 is 5 %), above −1.
    pub per_month: f64,
    /// σ: how far demand wanders in a month, as the standard deviation of its logarithm.
    pub volatility: f64,
    /// How unsure μ itself is, as its standard deviation.
    pub uncertainty: f64,
    /// Factors of the months from the first one on, repeated; empty without seasons. Only their ratios to the
    /// first one count, since demand is told at the level of the first month.
    pub season: Vec<f64>,
}

/// Reads one table of growth.
pub(super) fn growth(s: &mut Section<'_>) -> Option<GrowthSpec> {
    let per_month = s.or("per_month", float(..), 0.0);
    let volatility = s.or("volatility", float(0.0..=3.0), 0.0);
    let uncertainty = s.or("uncertainty", float(0.0..=1.0), 0.0);
    let season = if s.has("season") {
        season(s)
    } else {
        s.optional("season", list(non_negative()));
        Some(Vec::new())
    };
    Some(GrowthSpec {
        per_month: per_month.filter(|growth| is_growth(s, *growth))?,
        volatility: volatility?,
        uncertainty: uncertainty?,
        season: season?,
    })
}

/// Whether demand can grow so in a month; says why not.
fn is_growth(s: &Section<'_>, growth: f64) -> bool {
    let label = format!("is {growth}");
    if growth <= -1.0 {
        s.report(
            "per_month",
            "demand cannot shrink by 100 % or more in a month",
            &label,
            "growth is a share: 5 % more each month is `0.05`, and 5 % less is `-0.05`",
        );
    } else if growth > MOST_GROWTH {
        s.report(
            "per_month",
            format!(
                "demand cannot grow by more than {:.0} % in a month",
                100.0 * MOST_GROWTH
            ),
            &label,
            "growth is a share: 5 % more each month is `0.05`",
        );
    }
    growth > -1.0 && growth <= MOST_GROWTH
}

fn season(s: &mut Section<'_>) -> Option<Vec<f64>> {
    let factors = s.optional("season", list(non_negative()))?;
    match factors.first() {
        None => s.report(
            "season",
            "`season` is empty",
            "no factors",
            "give one factor for each month from the first one on, such as `[1.0, 1.0, 1.3]`",
        ),
        Some(first) if *first <= 0.0 => s.report(
            "season",
            "the first factor of `season` must be above zero",
            "is zero",
            "the others are read as ratios to it, since demand is told at the level of the first month",
        ),
        Some(_) => return Some(factors),
    }
    None
}
