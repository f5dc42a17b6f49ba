//! What a server of one variant offers: the workloads of the scenario exactly as a simulation has
//! them, and every other model of the catalogue beside them.

use super::assemble::quotas::{counter_limits, counter_region, weights};
use super::assemble::regions::{add_target, destination_names};
use super::assemble::{Assembled, burndown, fixed_profile, optimized_counter};
use crate::domain::{
    CacheRules, LatencyProfile, ModelProfile, PriceBook, Scope, ScopeKind, ScopeQuota,
};
use crate::load::outputs::OutputLaw;
use crate::load::thinking::ThinkingLaw;
use crate::profile::Catalogue;
use crate::scenario::Variant;
use crate::service::setup::{Behaviour, CounterSetup, EndpointSetup, Route, TargetSetup};
use crate::service::spec::{AnswerSpec, ServiceSpec};
use crate::service::tiers::OptimizedRoute;
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
        let mut endpoint = own_lanes(assembled);
        let mut targets = Vec::new();
        for (workload, target) in variant.workloads.iter().zip(&mut endpoint.targets) {
            let model = models.iter().position(|model| model.name == workload.model);
            let model = model.expect("an assembled variant has models of the catalogue");
            // Real calls bring bounds and cache points of their own; without a bound Bedrock
            // reserves the model's, and whether a prefix is marked is seen in the call.
            target.max_tokens = bound(&models[model]);
            target.cache_min = cache_min(&models[model], variant.service.cache);
            let address = match (&target.route, &variant.service.capacity) {
                (Route::Units { .. }, _) => Address::Units,
                (_, capacity) => Address::OnDemand(workload.scope.clone().unwrap_or_else(|| {
                    super::assemble::token_scope(capacity, &variant.service.region)
                })),
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
        serving.call_batch_models(&variant.service);
        serving.add_catalogue(&variant.service, catalogue, assembled.book.as_ref());
        serving.add_optimized(&variant.service);
        serving
    }

    /// A server takes calls, no batch jobs: the models of batch workloads are called on demand.
    fn call_batch_models(&mut self, service: &ServiceSpec) {
        for index in 0..self.targets.len() {
            if self.endpoint.targets[index].route != Route::Batch {
                continue;
            }
            let scope = super::assemble::token_scope(&service.capacity, &service.region);
            let profile = self.models[self.targets[index].model].clone();
            // A model without a quota in this scope keeps refusing.
            let Some(counter) = self.counter(&profile, &scope, service) else {
                continue;
            };
            self.endpoint.targets[index].route = Route::OnDemand { counter };
            self.targets[index].address = Address::OnDemand(scope);
        }
    }

    /// Gives the targets of models with latency-optimised inference its quotas.
    fn add_optimized(&mut self, service: &ServiceSpec) {
        for (target, setup) in self.targets.iter().zip(&mut self.endpoint.targets) {
            let model = &self.models[target.model];
            let Address::OnDemand(scope) = &target.address else {
                continue;
            };
            let own = model.latency_optimized.as_ref();
            let is_near = own.is_none_or(|own| own.regions.contains(&service.region));
            if !model.offers.latency_optimized || !is_near || setup.optimized.is_some() {
                continue;
            }
            let counter = optimized_counter(model, scope.kind(), &service.tiers);
            let Some(counter) = counter else { continue };
            let optimized = &mut self.endpoint.optimized;
            let known = optimized.iter().position(|known| *known == counter);
            let index = known.unwrap_or(optimized.len());
            if known.is_none() {
                optimized.push(counter);
            }
            setup.optimized = Some(OptimizedRoute {
                counter: index,
                max_tokens: own.and_then(|own| own.max_tokens).map(|most| most.0),
            });
        }
    }

    /// Adds a target for each scope of each model that no workload has.
    fn add_catalogue(
        &mut self,
        service: &ServiceSpec,
        catalogue: &Catalogue,
        book: Option<&PriceBook>,
    ) {
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
                let Some(counter) = self.counter(&profile, &scope, service) else {
                    continue;
                };
                let names = destination_names(&profile, &scope, &self.region).unwrap_or_default();
                let latency = latency.clone();
                let target = target(&profile, (&scope, names.len()), counter, service, latency);
                if let Some(regions) = &mut self.endpoint.regions {
                    add_target(regions, service, &profile.name, &names, target.hop);
                }
                if let Some(account) = &mut self.endpoint.quotas.account {
                    let prices = book.and_then(|book| book.models.get(&profile.name));
                    account.weights.push(weights(service, prices, &scope));
                }
                self.endpoint.targets.push(target);
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

    /// The quota counter of a model in a scope, made if it is new; `None` if the family of the scenario
    /// has no known quotas for the model.
    fn counter(
        &mut self,
        model: &ModelProfile,
        scope: &Scope,
        service: &ServiceSpec,
    ) -> Option<usize> {
        let kind = scope.kind();
        let region = counter_region(scope, &service.region);
        let counters = &mut self.endpoint.counters;
        let known = counters.iter().position(|counter| {
            counter.model == model.name && counter.kind == kind && counter.region == region
        });
        if known.is_some() {
            return known;
        }
        let (limits, output) = counter_limits(service, model, model.quota(kind)?)?;
        self.endpoint.quotas.output_tpm.extend(output);
        counters.push(CounterSetup {
            model: model.name.clone(),
            kind,
            region,
            limits,
        });
        Some(counters.len() - 1)
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

/// The service without the lanes of fallbacks and routes: who calls it chooses its models.
fn own_lanes(assembled: &Assembled) -> EndpointSetup {
    let mut endpoint = assembled.setup.endpoint.clone();
    let own = assembled.setup.workloads.len();
    endpoint.targets.truncate(own);
    if let Some(regions) = &mut endpoint.regions {
        regions.targets.truncate(own);
    }
    if let Some(account) = &mut endpoint.quotas.account {
        account.weights.truncate(own);
    }
    endpoint
}

/// Every scope in which a model can be called from `region`.
fn scopes(model: &ModelProfile, region: &str) -> Vec<Scope> {
    let mut scopes = Vec::new();
    let in_region = model.quota(ScopeKind::InRegion);
    let is_here =
        |quota: &ScopeQuota| quota.regions.is_empty() || quota.regions.iter().any(|r| r == region);
    if in_region.is_some_and(is_here) {
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
    (scope, destinations): (&Scope, usize),
    counter: usize,
    service: &ServiceSpec,
    latency: LatencyProfile,
) -> TargetSetup {
    let hop = match scope {
        Scope::InRegion(_) => Micros::ZERO,
        Scope::Geo(_) => service.geo_hop,
        Scope::Global => service.global_hop,
    };
    TargetSetup {
        name: format!("catalogue/{}/{scope}", model.name),
        model: model.name.clone(),
        route: Route::OnDemand { counter },
        latency,
        burndown: burndown(service, model),
        max_tokens: bound(model),
        max_input: model.max_input.0,
        cache_min: cache_min(model, service.cache),
        block_tokens: 0,
        cache_ttl: Micros::from_secs(300),
        cache_scope: format!("{}/{scope}", model.name),
        destinations: destinations.max(1),
        hop,
        behaviour: Behaviour::default(),
        guard: None,
        optimized: None,
    }
}

fn bound(model: &ModelProfile) -> u32 {
    u32::try_from(model.max_output.0).unwrap_or(u32::MAX)
}

fn cache_min(model: &ModelProfile, rules: CacheRules) -> u32 {
    let least = model.cache.as_ref().map(|cache| cache.min_tokens.0);
    let own = least.map(|tokens| u32::try_from(tokens).unwrap_or(u32::MAX));
    own.map_or(u32::MAX, |own| rules.min_tokens.unwrap_or(own))
}
