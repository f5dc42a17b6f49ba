//! `[plan.growth]`: how demand grows, and how sure that is.

use crate::config::{Section, float, list, non_negative};

/// How demand grows: ln D(m) = ln D(0) + μ·m + σ·√m·Z, times the factor of the season.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GrowthSpec {
    /// Growth of the median in a month (0.05 is 5 %), above −1.
    pub per_month: f64,
    /// σ: how far demand wanders in a month, as the standard deviation of its logarithm.
    pub volatility: f64,
    /// How unsure μ itself is, as its standard deviation.
    pub uncertainty: f64,
    /// Factors of the months from the first one on, repeated; empty without seasons.
    pub season: Vec<f64>,
}

/// Reads one table of growth.
pub(super) fn growth(s: &mut Section<'_>) -> Option<GrowthSpec> {
    let per_month = s.or("per_month", float(-0.99..=10.0), 0.0);
    let volatility = s.or("volatility", float(0.0..=3.0), 0.0);
    let uncertainty = s.or("uncertainty", float(0.0..=1.0), 0.0);
    let season = s.optional("season", list(non_negative()));
    Some(GrowthSpec {
        per_month: per_month?,
        volatility: volatility?,
        uncertainty: uncertainty?,
        season: season.unwrap_or_default(),
    })
}
