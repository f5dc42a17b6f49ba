//! What a server of one variant offers: the workloads of the scenario exactly as a simulation has
//! them, and every other model of the catalogue beside them.

use super::assemble::{Assembled, fixed_profile};
use crate::domain::{LatencyProfile, ModelProfile, Scope, ScopeKind};
use crate::load::outputs::OutputLaw;
use crate::load::thinking::ThinkingLaw;
use crate::profile::Catalogue;
use crate::scenario::Variant;
use crate::service::CounterLimits;
use crate::service::setup::{Behaviour, CounterSetup, EndpointSetup, Route, TargetSetup};
use crate::service::spec::{AnswerSpec, ServiceSpec};
use crate::units::Micros;
use std::sync::Arc;

/// The account in the ARNs of a simulated service.
pub const ACCOUNT: &str = "123456789012";

/// What a server of one variant offers.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The scenario's name.
    pub scenario: String,
    /// The variant's name.
    pub variant: String,
    /// The seed of every draw.
    pub seed: u64,
    /// The Region that is called.
    pub region: String,
    /// The service: the targets of the workloads first, in their order, so that their draws are those of a
    /// simulation; then the others.
    pub endpoint: EndpointSetup,
    /// What stands behind each target, in the same order.
    pub targets: Vec<ServedTarget>,
    /// The models of the catalogue.
    pub models: Vec<ModelProfile>,
    /// What the models say.
    pub answers: AnswerSpec,
}

/// One target of calls.
#[derive(Clone, Debug)]
pub struct ServedTarget {
    /// The workload's name; `None` for a model that the scenario does not name.
    pub workload: Option<String>,
    /// Its model, an index into [`Serving::models`].
    pub model: usize,
    /// How it is called.
    pub address: Address,
    /// The id that the scenario gives it beside the usual ones.
    pub model_id: Option<String>,
    /// How long its answers are.
    pub output: Arc<OutputLaw>,
    /// How much its model thinks before it answers, if it does.
    pub thinking: Option<Arc<ThinkingLaw>>,
}

impl ServedTarget {
    /// All output tokens of call number `seq` for which `output` were drawn, and how many of them
    /// are thinking.
    pub fn thinks(&self, seq: u64, output: u32) -> (u32, u32) {
        match &self.thinking {
            None => (output, 0),
            Some(law) => law.draw(seq, output),
        }
    }
}

/// How a target is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// By the model's id, with the prefix of a profile or without.
    OnDemand(Scope),
    /// By the ARN of bought model units.
    Units,
}

impl Address {
    /// What stands before the model's id, `us.` for instance.
    fn prefix(scope: &Scope) -> String {
        match scope {
            Scope::InRegion(_) => String::new(),
            Scope::Geo(geo) => format!("{geo}."),
            Scope::Global => "global.".to_owned(),
        }
    }
}

impl Serving {
    /// The offer of `variant`, which was assembled as `assembled`.
    ///
    /// # Panics
    /// If the catalogue lacks a profile that the variant was assembled with.
    pub fn new(
        (scenario, seed): (&str, u64),
        variant: &Variant,
        assembled: &Assembled,
        catalogue: &Catalogue,
    ) -> Self {
        let models: Vec<ModelProfile> = catalogue
            .names(crate::profile::ProfileKind::Model)
            .into_iter()
            .filter_map(|name| catalogue.model(name).ok().cloned())
            .collect();
        let mut endpoint = assembled.setup.endpoint.clone();
        let mut targets = Vec::new();
        for (workload, target) in variant.workloads.iter().zip(&mut endpoint.targets) {
            let model = models.iter().position(|model| model.name == workload.model);
            let model = model.expect("an assembled variant has models of the catalogue");
            // Real calls bring bounds and cache points of their own; without a bound Bedrock
            // reserves the model's, and whether a prefix is marked is seen in the call.
            target.max_tokens = bound(&models[model]);
            target.cache_min = cache_min(&models[model]);
            let address = match (&target.route, &variant.service.capacity) {
                (Route::Units { .. }, _) => Address::Units,
                (_, capacity) => Address::OnDemand(super::assemble::token_scope(
                    capacity,
                    &variant.service.region,
                )),
            };
            targets.push(ServedTarget {
                workload: Some(workload.name.clone()),
                model,
                address,
                model_id: workload.model_id.clone(),
                output: Arc::new(OutputLaw::new(&workload.traffic, seed, &workload.name)),
                thinking: workload
                    .thinking
                    .as_ref()
                    .map(|spec| Arc::new(ThinkingLaw::new(spec, seed, &workload.name))),
            });
        }
        let mut serving = Self {
            scenario: scenario.to_owned(),
            variant: variant.name.clone(),
            seed,
            region: variant.service.region.clone(),
            endpoint,
            targets,
            models,
            answers: variant.service.answers.clone(),
        };
        serving.add_catalogue(&variant.service, catalogue);
        serving
    }

    /// Adds a target for each scope of each model that no workload has.
    fn add_catalogue(&mut self, service: &ServiceSpec, catalogue: &Catalogue) {
        // A scenario has at least one workload; its answers stand for those of every other model.
        let output = Arc::clone(&self.targets[0].output);
        for model in 0..self.models.len() {
            let profile = self.models[model].clone();
            let Ok(latency) = catalogue.latency(&profile.latency) else {
                continue;
            };
            let latency = service
                .fixed_latency
                .map_or_else(|| latency.clone(), fixed_profile);
            for scope in scopes(&profile, &self.region) {
                let address = Address::OnDemand(scope.clone());
                let is_served =
                    |target: &ServedTarget| target.model == model && target.address == address;
                if self.targets.iter().any(is_served) {
                    continue;
                }
                let counter = self.counter(&profile, &scope, service);
                self.endpoint.targets.push(target(
                    &profile,
                    &scope,
                    counter,
                    service,
                    latency.clone(),
                ));
                self.targets.push(ServedTarget {
                    workload: None,
                    model,
                    address,
                    model_id: None,
                    output: Arc::clone(&output),
                    thinking: None,
                });
            }
        }
    }

    /// The quota counter of a model in a scope, made if it is new.
    fn counter(&mut self, model: &ModelProfile, scope: &Scope, service: &ServiceSpec) -> usize {
        let kind = scope.kind();
        let counters = &mut self.endpoint.counters;
        let known = counters
            .iter()
            .position(|counter| counter.model == model.name && counter.kind == kind);
        known.unwrap_or_else(|| {
            let quota = model
                .quota(kind)
                .expect("the scope is one that the model has");
            counters.push(CounterSetup {
                model: model.name.clone(),
                kind,
                limits: CounterLimits {
                    tpm: service.limits.tpm.unwrap_or(quota.tpm),
                    rpm: service.limits.rpm.or(quota.rpm),
                    tpd: service.limits.tpd.or(quota.tpd),
                },
            });
            counters.len() - 1
        })
    }

    /// The id by which target number `target` is called.
    pub fn call_id(&self, target: usize) -> String {
        let target = &self.targets[target];
        if let Some(id) = &target.model_id {
            return id.clone();
        }
        match &target.address {
            Address::OnDemand(scope) => {
                Address::prefix(scope) + &self.models[target.model].model_id
            }
            Address::Units => {
                let (region, name) = (&self.region, target.workload.as_deref().unwrap_or("units"));
                format!("arn:aws:bedrock:{region}:{ACCOUNT}:provisioned-model/{name}")
            }
        }
    }
}

/// Every scope in which a model can be called from `region`.
fn scopes(model: &ModelProfile, region: &str) -> Vec<Scope> {
    let mut scopes = Vec::new();
    if model.quota(ScopeKind::InRegion).is_some() {
        scopes.push(Scope::InRegion(region.to_owned()));
    }
    for (name, _) in &model.destinations {
        let scope = match name.as_str() {
            "global" => Scope::Global,
            geo => Scope::Geo(geo.to_owned()),
        };
        if model.quota(scope.kind()).is_some() {
            scopes.push(scope);
        }
    }
    scopes
}

fn target(
    model: &ModelProfile,
    scope: &Scope,
    counter: usize,
    service: &ServiceSpec,
    latency: LatencyProfile,
) -> TargetSetup {
    let name = scope.to_string();
    let destinations = match scope {
        Scope::InRegion(_) => None,
        Scope::Geo(_) | Scope::Global => {
            model.destinations.iter().find(|(known, _)| *known == name)
        }
    };
    let (destinations, hop) = match destinations {
        None => (1, Micros::ZERO),
        Some((_, regions)) => (
            regions.len() + usize::from(!regions.contains(&service.region)),
            if *scope == Scope::Global {
                service.global_hop
            } else {
                service.geo_hop
            },
        ),
    };
    TargetSetup {
        name: format!("catalogue/{}/{scope}", model.name),
        model: model.name.clone(),
        route: Route::OnDemand { counter },
        latency,
        burndown: model.burndown,
        max_tokens: bound(model),
        max_input: model.max_input.0,
        cache_min: cache_min(model),
        block_tokens: 0,
        cache_ttl: Micros::from_secs(300),
        destinations,
        hop,
        behaviour: Behaviour::default(),
        guard: None,
    }
}

fn bound(model: &ModelProfile) -> u32 {
    u32::try_from(model.max_output.0).unwrap_or(u32::MAX)
}

fn cache_min(model: &ModelProfile) -> u32 {
    let least = model.cache.as_ref().map(|cache| cache.min_tokens.0);
    least.map_or(u32::MAX, |tokens| u32::try_from(tokens).unwrap_or(u32::MAX))
}
