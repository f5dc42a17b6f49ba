//! What a scenario asks of a model that the model does not have.

use super::Joiner;
use crate::domain::{ModelProfile, Offer, Scope};
use crate::load::spec::SizeSpec;
use crate::profile::ProfileKind;
use crate::scenario::Workload;

impl Joiner<'_> {
    /// Reports at `path` that the model does not have `offer`, and which models do. Whether it
    /// was so.
    pub(super) fn lacks(&mut self, path: &str, model: &ModelProfile, offer: Offer) -> bool {
        let Some(refusal) = model.refuses(offer) else {
            return false;
        };
        let instead = self.instead(model, offer);
        self.problem(path, refusal, instead);
        true
    }

    /// Which models have `offer`, and what else to do.
    fn instead(&self, model: &ModelProfile, offer: Offer) -> String {
        let names = self.catalogue.names(ProfileKind::Model);
        let models = names
            .into_iter()
            .filter_map(|name| self.catalogue.model(name).ok());
        let have: Vec<&str> = models
            .filter(|model| model.offers.has(offer))
            .map(|model| model.title.as_str())
            .collect();
        // Those of the same maker, if it has any, are nearest to what was asked for.
        let maker = |title: &str| title.split(' ').next().map(str::to_owned);
        let mut near = have.clone();
        near.retain(|title| maker(title) == maker(&model.title));
        let have = if near.is_empty() { have } else { near }.join(", ");
        match offer {
            Offer::Provisioned if model.offers.reserved => format!(
                "it has the Reserved tier: `capacity.reserved = {{ input_tpm = …, output_tpm = …, \
                 term = \"1-month\" }}`; model units are sold for: {have}"
            ),
            Offer::Provisioned => {
                format!("use `capacity.on_demand`; model units are sold for: {have}")
            }
            Offer::Reserved => format!("use `capacity.on_demand`; the tier is sold for: {have}"),
            Offer::Batch => format!("leave out `batch`, or choose one that has it: {have}"),
            Offer::Flex | Offer::Priority => {
                format!("leave out `tier`, or choose one that has it: {have}")
            }
            Offer::LatencyOptimized => {
                format!("leave out `latency_optimized`, or choose one that has it: {have}")
            }
        }
    }

    /// Prompts that do not fit the model's context, which Bedrock refuses.
    pub(super) fn check_context(&mut self, workload: &Workload, model: &ModelProfile) {
        let prefix = workload.traffic.prefix.map_or(0, |prefix| prefix.tokens);
        let Some(least) = workload.traffic.input.as_ref().map(smallest) else {
            return;
        };
        let least = u64::from(least) + u64::from(prefix);
        if least > model.max_input.0 {
            self.problem(
                &format!("workload.{}.tokens.input", workload.name),
                format!(
                    "{} reads at most {} tokens, and every prompt has at least {least}",
                    model.title, model.max_input.0
                ),
                "Bedrock refuses longer ones with a ValidationException; shorten the prompts (and \
                 `cache.prefix_tokens`, which counts too), or choose another model",
            );
        }
    }

    /// A source Region that has no in-Region calls of this model, where its file says which do.
    pub(super) fn check_region(&mut self, model: &ModelProfile, scope: &Scope) {
        let Scope::InRegion(region) = scope else {
            return;
        };
        let Some(quota) = model.quota(scope.kind()) else {
            return;
        };
        if quota.regions.is_empty() || quota.regions.contains(region) {
            return;
        }
        self.problem(
            "capacity",
            format!("{} has no in-Region calls in {region}", model.title),
            format!("it has them in: {}", quota.regions.join(", ")),
        );
    }
}

/// The fewest tokens that a law of sizes gives.
fn smallest(sizes: &SizeSpec) -> u32 {
    match sizes {
        SizeSpec::Fixed(tokens) => *tokens,
        SizeSpec::Lognormal { .. } => 1,
        SizeSpec::Quantiles(rows) => rows.first().map_or(1, |(_, tokens)| *tokens as u32),
        SizeSpec::Mixture(parts) => parts
            .iter()
            .map(|(_, part)| smallest(part))
            .min()
            .unwrap_or(1),
    }
}
