//! What is sold for a model beside plain on-demand use, and the sentence that refuses the rest.

use std::fmt::Write as _;

use super::{FactStatus, ModelProfile};

/// Something that can be bought, or asked for, beside plain on-demand use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Offer {
    /// Provisioned Throughput in model units.
    Provisioned,
    /// The Reserved service tier.
    Reserved,
    /// Batch inference.
    Batch,
    /// The Flex service tier.
    Flex,
    /// The Priority service tier.
    Priority,
    /// Latency-optimised inference.
    LatencyOptimized,
}

/// What can be bought for a model beside plain on-demand use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one independent answer per offer"
)]
pub struct Offers {
    /// Provisioned Throughput in model units.
    pub provisioned: bool,
    /// The Reserved service tier.
    pub reserved: bool,
    /// Batch inference.
    pub batch: bool,
    /// The Flex service tier.
    pub flex: bool,
    /// The Priority service tier.
    pub priority: bool,
    /// Latency-optimised inference.
    pub latency_optimized: bool,
}

impl Offer {
    /// All offers, in the order of a model file.
    pub const ALL: [Self; 6] = [
        Self::Provisioned,
        Self::Reserved,
        Self::Batch,
        Self::Flex,
        Self::Priority,
        Self::LatencyOptimized,
    ];

    /// Its key in the table `[offers]` of a model file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Provisioned => "provisioned",
            Self::Reserved => "reserved",
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::LatencyOptimized => "latency_optimized",
        }
    }
}

impl Offers {
    /// Whether `offer` is among them.
    pub fn has(self, offer: Offer) -> bool {
        match offer {
            Offer::Provisioned => self.provisioned,
            Offer::Reserved => self.reserved,
            Offer::Batch => self.batch,
            Offer::Flex => self.flex,
            Offer::Priority => self.priority,
            Offer::LatencyOptimized => self.latency_optimized,
        }
    }

    /// Adds `offer`, or takes it away.
    pub fn set(&mut self, offer: Offer, sold: bool) {
        let place = match offer {
            Offer::Provisioned => &mut self.provisioned,
            Offer::Reserved => &mut self.reserved,
            Offer::Batch => &mut self.batch,
            Offer::Flex => &mut self.flex,
            Offer::Priority => &mut self.priority,
            Offer::LatencyOptimized => &mut self.latency_optimized,
        };
        *place = sold;
    }
}

impl ModelProfile {
    /// Says that the model does not have `offer` and who says so; `None` if it has it.
    pub fn refuses(&self, offer: Offer) -> Option<String> {
        if self.offers.has(offer) {
            return None;
        }
        let title = &self.title;
        let claude = title.starts_with("Claude");
        let neither = !self.offers.flex && !self.offers.priority;
        let mut sentence = match offer {
            Offer::Provisioned if claude && !self.is_early_claude() => format!(
                "{title} sells no model units: no current Claude can buy Provisioned Throughput"
            ),
            Offer::Provisioned => {
                format!("{title} sells no model units of Provisioned Throughput")
            }
            Offer::Reserved => format!("{title} is not in the Reserved tier"),
            Offer::Batch => format!("{title} has no batch inference"),
            Offer::Flex | Offer::Priority if neither => {
                format!("{title} supports neither Priority nor Flex")
            }
            Offer::Flex => format!("{title} does not support the Flex tier"),
            Offer::Priority => format!("{title} does not support the Priority tier"),
            Offer::LatencyOptimized => format!("{title} has no latency-optimised inference"),
        };
        let fact = self.offer_sources.iter().find(|(of, _)| *of == offer);
        if let Some((_, fact)) = fact {
            let how_sure = match fact.status {
                FactStatus::Documented => String::new(),
                status => format!("{status}: "),
            };
            // Writing to a string cannot fail.
            let _ = write!(
                sentence,
                " ({how_sure}{}, read {})",
                fact.source, fact.as_of
            );
        }
        Some(sentence)
    }

    /// Whether the model is of Claude 3 or 3.5, of which some sold model units.
    fn is_early_claude(&self) -> bool {
        self.model_id.contains("claude-3-")
    }
}
