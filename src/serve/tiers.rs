//! The service tier that a call names, and what the answer says of it.

use super::body::Closing;
use super::shared::Shared;
use crate::domain::{Offer, PriceTier};
use crate::service::setup::Route;
use crate::service::{Grant, ServedBy};
use crate::wire::reply::ErrorReply;
use crate::wire::{ErrorKind, ModelCall};

/// What a call asks for beside plain on-demand use.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    /// The tier, for the brain.
    pub(super) tier: Option<PriceTier>,
    /// The tier as the call writes it.
    pub(super) name: Option<&'static str>,
    pub(super) latency_optimized: bool,
}

impl Asked {
    /// What `call` asks of `target`.
    ///
    /// # Errors
    /// If the model does not have it. That Bedrock answers with a `ValidationException` is seen in
    /// recorded calls, and so are the words about a reservation; the others are ours.
    pub(super) fn of(shared: &Shared, call: &ModelCall, target: usize) -> Result<Self, ErrorReply> {
        let serving = &shared.core.serving;
        let (setup, model) = (
            &serving.endpoint.targets[target],
            &serving.models[serving.targets[target].model],
        );
        let offered = |offer, what: &str| {
            if model.offers.has(offer) {
                return Ok(());
            }
            let message = format!("{what} is not supported for model '{}'.", model.model_id);
            Err(ErrorReply::new(ErrorKind::Validation, message))
        };
        let (tier, name) = match call.service_tier.as_deref() {
            Some("flex") => {
                offered(Offer::Flex, "Service tier 'flex'")?;
                (Some(PriceTier::Flex), Some("flex"))
            }
            Some("priority") => {
                offered(Offer::Priority, "Service tier 'priority'")?;
                (Some(PriceTier::Priority), Some("priority"))
            }
            Some("reserved") if !matches!(setup.route, Route::Reserved { .. }) => {
                let message = "Reservation not found.";
                return Err(ErrorReply::new(ErrorKind::Validation, message));
            }
            Some("reserved") => (None, Some("reserved")),
            Some(_) => (Some(PriceTier::Standard), Some("default")),
            None => (None, None),
        };
        if call.latency_optimized {
            offered(Offer::LatencyOptimized, "Latency 'optimized'")?;
        }
        Ok(Self {
            tier,
            name,
            latency_optimized: call.latency_optimized,
        })
    }

    /// Writes into `closing` as what the call was served.
    pub(super) fn served(self, grant: &Grant, closing: &mut Closing) {
        closing.tier = self.name.map(|name| match (grant.served_by, name) {
            (ServedBy::Reserved, _) => "reserved",
            // What exceeds a reservation is served as standard.
            (_, "reserved") => "default",
            (_, name) => name,
        });
        let is_optimized = grant.tier == PriceTier::LatencyOptimized;
        closing.latency_optimized = self.latency_optimized.then_some(is_optimized);
    }
}
