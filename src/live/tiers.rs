//! Service tiers and latency-optimised inference on the wire of the SDK.

use super::plan::LiveWorkload;
use crate::cost::Tariff;
use crate::domain::{PriceTier, ScopeKind};
use crate::scenario::OfferSpec;
use crate::sim::TierSetup;
use aws_sdk_bedrockruntime::types::{
    PerformanceConfigLatency, PerformanceConfiguration, ServiceTier, ServiceTierType,
};

/// The tier that calls on shared capacity name.
pub(super) fn tier(offer: &OfferSpec) -> Option<ServiceTier> {
    let kind = match offer.tier? {
        PriceTier::Flex => ServiceTierType::Flex,
        PriceTier::Priority => ServiceTierType::Priority,
        _ => ServiceTierType::Default,
    };
    ServiceTier::builder().r#type(kind).build().ok()
}

/// The field that asks for latency-optimised inference.
pub(super) fn performance(offer: &OfferSpec) -> Option<PerformanceConfiguration> {
    let optimized = PerformanceConfigLatency::Optimized;
    offer.latency_optimized.then(|| {
        PerformanceConfiguration::builder()
            .latency(optimized)
            .build()
    })
}

impl LiveWorkload {
    /// As what a call was served. An answer repeats it; where one does not, what was asked counts.
    pub(super) fn served_as(
        &self,
        tier: Option<&ServiceTierType>,
        latency: Option<&PerformanceConfigLatency>,
    ) -> PriceTier {
        if self.performance.is_some() && latency != Some(&PerformanceConfigLatency::Standard) {
            return PriceTier::LatencyOptimized;
        }
        let asked = self.tier.as_ref().map(ServiceTier::r#type);
        match tier.or(asked) {
            Some(ServiceTierType::Flex) => PriceTier::Flex,
            Some(ServiceTierType::Priority) => PriceTier::Priority,
            _ => PriceTier::Standard,
        }
    }
}

/// The tariffs that may apply to an answer.
pub(super) fn tariffs(plain: &[(ScopeKind, Tariff)], tier: &TierSetup) -> Vec<(ScopeKind, Tariff)> {
    let is_flex = tier.asks == Some(PriceTier::Flex) && !tier.tariffs.is_empty();
    let plain = if is_flex { &[] } else { plain };
    plain.iter().chain(&tier.tariffs).cloned().collect()
}
