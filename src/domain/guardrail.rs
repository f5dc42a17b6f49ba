//! The quotas of guardrails: dated data by source Region.

use std::collections::BTreeMap;

/// A figure that differs by Region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByRegion {
    /// The figure of every Region that is not named.
    pub default: u64,
    /// The Regions that have another.
    pub regions: BTreeMap<String, u64>,
}

impl ByRegion {
    /// The figure of a Region.
    pub fn at(&self, region: &str) -> u64 {
        self.regions.get(region).copied().unwrap_or(self.default)
    }
}

/// The default quotas of guardrails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardrailQuotas {
    /// The file's stem.
    pub name: String,
    /// The date on which the quotas were read, `YYYY-MM-DD`.
    pub as_of: String,
    /// Text units per second of content filters, Classic tier.
    pub content_classic: ByRegion,
    /// The same, Standard tier.
    pub content_standard: ByRegion,
    /// Text units per second of denied topics, Classic tier.
    pub topics_classic: ByRegion,
    /// The same, Standard tier.
    pub topics_standard: ByRegion,
    /// Text units per second of sensitive information.
    pub sensitive: ByRegion,
    /// Text units per second of word filters.
    pub words: ByRegion,
    /// Text units per second of contextual grounding.
    pub grounding: ByRegion,
    /// Text units that can be taken at once, and the most of one input.
    pub burst: ByRegion,
    /// Calls of `ApplyGuardrail` per second.
    pub applies_per_second: ByRegion,
}
