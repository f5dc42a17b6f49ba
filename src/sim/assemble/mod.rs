//! Joining a scenario with the profiles that it names: every mismatch at its place in the file.

mod bought;
mod checks;
mod chosen;
mod faulty;
mod guarded;
mod lacks;
mod lanes;
mod offers;
mod planned;
pub(super) mod quotas;
pub(super) mod regions;
mod words;

pub(super) use offers::optimized_counter;

use super::context::{Assumption, BoughtCapacity, VariantContext, WorkloadContext};
use super::lanes::{LaneRole, Lanes};
use super::setup::{RequestBounds, RunSetup, WorkloadSetup};
use crate::config::{ConfigError, Problem};
use crate::cost::Tariff;
use crate::domain::{
    CacheTtl, Fact, FactStatus, LatencyProfile, ModelPrices, ModelProfile, NoiseLaw, Origin,
    PriceBook, PriceTier, Scope, ScopeKind, ScopeQuota, TokenPrices,
};
use crate::load::spec::{ArrivalSpec, TrafficSpec};
use crate::profile::Catalogue;
use crate::scenario::{Loaded, Origins, Variant, Workload};
use crate::service::setup::{
    Behaviour, CounterSetup, EndpointSetup, RegionsSetup, ReservedSetup, Route, TargetSetup,
    UnitsSetup,
};
use crate::service::spec::{CapacitySpec, Family, FixedLatency, Overload, ServiceSpec};
use crate::units::{Micros, TokensPerMinute, Usd};
use offers::Asked;
use std::borrow::Cow;
use words::{assumptions, mode};

/// One variant, ready to run, with the words that results show beside it.
#[derive(Clone, Debug)]
pub struct Assembled {
    /// What the engine runs.
    pub setup: RunSetup,
    /// What it was made of.
    pub context: VariantContext,
    /// The scope of the calls of each workload, for bought capacity that of its overflow.
    pub scopes: Vec<Scope>,
    /// What the calls of each lane are beside the workloads' own.
    pub lanes: Vec<AssembledLane>,
    /// The price book, kept where tokens of further models may have to be weighted by price.
    pub book: Option<PriceBook>,
}

/// A lane beside the workloads' own, as a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct AssembledLane {
    /// The workload as it is on this lane.
    pub workload: Workload,
    /// The scope of its calls.
    pub scope: Scope,
}

/// Joins every variant of a scenario with its models, prices and latencies; `book` has the prices of variants that
/// name no price book.
///
/// # Errors
/// Every model, scope or offer that a variant asks for and that does not exist, with its place.
pub fn assemble(
    loaded: &Loaded,
    catalogue: &Catalogue,
    book: &PriceBook,
) -> Result<Vec<Assembled>, ConfigError> {
    let mut problems = Vec::new();
    let mut assembled = Vec::new();
    for variant in &loaded.scenario.variants {
        let book = match &variant.price_book {
            None => book,
            Some(name) => match catalogue.prices(name) {
                Ok(own) => own,
                Err(unknown) => {
                    let (message, help) = (unknown.to_string(), unknown.help());
                    let path = "price_book";
                    let origins = &loaded.origins;
                    problems.push(origins.problem_at(&variant.name, path, message, help));
                    continue;
                }
            },
        };
        let plan = lanes::plan(variant, catalogue);
        let mut joiner = Joiner {
            lane: None,
            variant,
            origins: &loaded.origins,
            catalogue,
            book,
            problems: Vec::new(),
            counters: Vec::new(),
            optimized: Vec::new(),
            output_tpm: Vec::new(),
            regions: variant.service.regions.as_ref().map(regions::empty),
            notes: Vec::new(),
            warnings: Vec::new(),
        };
        let one = joiner.join(&plan);
        problems.append(&mut joiner.problems);
        assembled.extend(one);
    }
    if problems.is_empty() {
        Ok(assembled)
    } else {
        Err(loaded.origins.error(problems))
    }
}

struct Joiner<'a> {
    /// The lane in hand, beside the workloads' own.
    lane: Option<&'a lanes::Planned>,
    variant: &'a Variant,
    origins: &'a Origins,
    catalogue: &'a Catalogue,
    book: &'a PriceBook,
    problems: Vec<Problem>,
    counters: Vec<CounterSetup>,
    optimized: Vec<CounterSetup>,
    /// Of the mantle family, one for each counter.
    output_tpm: Vec<TokensPerMinute>,
    regions: Option<RegionsSetup>,
    notes: Vec<String>,
    warnings: Vec<String>,
}

/// A workload with what its model's name stands for.
struct Resolved<'a> {
    workload: &'a Workload,
    model: &'a ModelProfile,
    latency: Cow<'a, LatencyProfile>,
    prices: Option<&'a ModelPrices>,
}

impl<'a> Joiner<'a> {
    fn problem(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        let path = self.place(path);
        let problem = self
            .origins
            .problem_at(&self.variant.name, &path, message, help);
        // A step of a chain is joined once for each workload.
        if self.lane.is_none() || !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Where the value stands that decides about `path` for the lane in hand.
    fn place<'p>(&self, path: &'p str) -> Cow<'p, str> {
        let Some(lane) = self.lane else {
            return path.into();
        };
        if path == "capacity" {
            return format!("{}.scope", lane.path).into();
        }
        let own = path
            .strip_prefix("workload.")
            .and_then(|path| path.strip_prefix(lane.workload.name.as_str()));
        own.map_or(path.into(), |key| format!("{}{key}", lane.path).into())
    }

    fn join(&mut self, plan: &'a lanes::LanePlan) -> Option<Assembled> {
        let variant = self.variant;
        self.note_stand_ins();
        self.check_faults();
        self.check_plan();
        let mut resolved: Vec<Resolved<'a>> = variant
            .workloads
            .iter()
            .filter_map(|workload| self.resolve(workload))
            .collect();
        if resolved.len() < variant.workloads.len() {
            return None;
        }
        let service = &variant.service;
        let (reserved, units) = self.bought(&resolved)?;
        let mut targets = Vec::new();
        let mut workloads = Vec::new();
        let mut contexts = Vec::new();
        let mut scopes = Vec::new();
        for one in &resolved {
            let scope = self.scope_of(one.workload);
            targets.extend(self.target(one, &scope));
            let prices = one.prices.and_then(|prices| prices.tokens_for(&scope));
            let asked = self.asked(one, &scope, blocks(&one.workload.traffic).1);
            contexts.push(workload_context(one, &scope, &asked));
            let mut setup = workload_setup(one.workload, &scope, prices, asked);
            setup.text_unit = self.text_unit(one.workload);
            setup.router_fee = lanes::router_fee(self.variant, one.workload);
            workloads.push(setup);
            scopes.push(scope);
        }
        let own_scopes = scopes.clone();
        let mut joined = self.join_lanes(plan, (&resolved, &scopes));
        targets.append(&mut joined.targets);
        resolved.append(&mut joined.resolved);
        scopes.append(&mut joined.scopes);
        if !self.problems.is_empty() {
            return None;
        }
        let guards = self.guards();
        let quotas = self.quotas(&resolved, &scopes);
        let regions = self.regions.take();
        self.check_pools(regions.as_ref());
        let (reserved_setup, reserved_bought) = reserved.unzip();
        let (units_setup, units_bought) = units.unzip();
        let setup = RunSetup {
            duration: variant.duration,
            warmup: variant.warmup,
            workloads,
            client: variant.client,
            lanes: Lanes {
                further: joined.setups,
                onward: plan.onward.clone(),
                routes: plan.routes.clone(),
            },
            endpoint: EndpointSetup {
                targets,
                counters: std::mem::take(&mut self.counters),
                rules: service.rules,
                reserved: reserved_setup,
                units: units_setup,
                guards,
                faults: service.faults.clone(),
                ambient_load: service.ambient_load,
                tiers: service.tiers,
                optimized: std::mem::take(&mut self.optimized),
                quotas,
                regions,
                cache: service.cache,
            },
            bounds: RequestBounds::of(&variant.slo),
            timeouts_are_billed: service.timeouts_are_billed,
            record_attempts: false,
            course: None,
        };
        let context = VariantContext {
            name: variant.name.clone(),
            mode: mode(&service.capacity),
            duration: variant.duration,
            warmup: variant.warmup,
            slo: variant.slo.clone(),
            workloads: contexts,
            lanes: joined.contexts,
            bought: reserved_bought.or(units_bought),
            account: service.quotas.account,
            price_book: (self.book.name.clone(), self.book.as_of.clone()),
            assumptions: assumed(variant, plan),
            warnings: std::mem::take(&mut self.warnings),
            notes: std::mem::take(&mut self.notes),
        };
        let book = service.quotas.account.limit.map(|_| self.book.clone());
        Some(Assembled {
            setup,
            context,
            scopes: own_scopes,
            lanes: joined.assembled,
            book,
        })
    }

    /// The Reserved tier and the model units, where they are bought; `None` if they cannot be.
    #[expect(
        clippy::type_complexity,
        reason = "each kind of capacity with its price, in one place"
    )]
    fn bought(
        &mut self,
        resolved: &[Resolved<'a>],
    ) -> Option<(
        Option<(ReservedSetup, BoughtCapacity)>,
        Option<(UnitsSetup, BoughtCapacity)>,
    )> {
        match &self.variant.service.capacity {
            CapacitySpec::OnDemand { .. } => Some((None, None)),
            CapacitySpec::Reserved(spec) => Some((Some(self.reserved(spec, resolved)?), None)),
            CapacitySpec::Provisioned(spec) => Some((None, Some(self.units(spec, resolved)?))),
        }
    }

    fn resolve(&mut self, workload: &'a Workload) -> Option<Resolved<'a>> {
        let path = format!("workload.{}.model", workload.name);
        let model = match self.catalogue.model(&workload.model) {
            Ok(model) => model,
            Err(unknown) => {
                self.problem(&path, unknown.to_string(), unknown.help());
                return None;
            }
        };
        let latency = match self.catalogue.latency(&model.latency) {
            Ok(latency) => match self.variant.service.fixed_latency {
                None => Cow::Borrowed(latency),
                Some(fixed) => Cow::Owned(fixed_profile(fixed)),
            },
            Err(unknown) => {
                self.problem(&path, unknown.to_string(), unknown.help());
                return None;
            }
        };
        self.check_limits(workload, model);
        self.check_context(workload, model);
        let prices = self.book.models.get(&workload.model);
        Some(Resolved {
            workload,
            model,
            latency,
            prices,
        })
    }

    fn target(&mut self, one: &Resolved<'_>, scope: &Scope) -> Option<TargetSetup> {
        let service = &self.variant.service;
        let defers = self.lane.is_some_and(|lane| lane.role == LaneRole::Defers);
        let is_batch = one.workload.offer.batch.is_some() || defers;
        // Bought capacity serves the workloads' own lanes.
        let capacity = match self.lane {
            None => Cow::Borrowed(&service.capacity),
            Some(_) => Cow::Owned(CapacitySpec::OnDemand {
                scope: scope.clone(),
            }),
        };
        let route = match capacity.as_ref() {
            _ if is_batch => self.batch_route(one.model, scope)?,
            CapacitySpec::OnDemand { .. } => Route::OnDemand {
                counter: self.counter(one.model, scope)?,
            },
            CapacitySpec::Reserved(spec) => {
                let counter = if spec.overflow {
                    Some(self.counter(one.model, scope)?)
                } else {
                    None
                };
                Route::Reserved { counter }
            }
            CapacitySpec::Provisioned(spec) => {
                let counter = match &spec.overload {
                    Overload::OnDemand(_) => Some(self.counter(one.model, scope)?),
                    Overload::Refuse | Overload::Queue => None,
                };
                Route::Units { counter }
            }
        };
        let guard = self.guard_of(one.workload);
        let needs_no_profile = matches!(*capacity, CapacitySpec::Provisioned(_));
        let names = if needs_no_profile || is_batch {
            Vec::new()
        } else {
            self.destinations(one.model, scope)?
        };
        let hop = match scope.kind() {
            ScopeKind::InRegion => Micros::ZERO,
            ScopeKind::Geo => service.geo_hop,
            ScopeKind::Global => service.global_hop,
        };
        if let Some(setup) = &mut self.regions {
            regions::add_target(setup, service, &one.model.name, &names, hop);
        }
        let traffic = &one.workload.traffic;
        let (block_tokens, ttl) = blocks(traffic);
        let marked = is_marked(traffic);
        let cache = one.model.cache.as_ref().filter(|_| marked && !is_batch);
        Some(TargetSetup {
            name: one.workload.name.clone(),
            model: one.model.name.clone(),
            route,
            latency: one.latency.clone().into_owned(),
            burndown: burndown(service, one.model),
            max_tokens: one
                .workload
                .max_tokens
                .unwrap_or(one.model.max_output.0 as u32),
            max_input: one.model.max_input.0,
            cache_min: cache.map_or(u32::MAX, |cache| {
                let own = cache.min_tokens.0 as u32;
                service.cache.min_tokens.unwrap_or(own)
            }),
            block_tokens,
            cache_ttl: ttl.span(),
            behaviour: Behaviour {
                tool_use: one.workload.tool_use.get(),
                content_filtered: one.workload.content_filtered.get(),
            },
            cache_scope: cache_scope(&capacity, &one.model.name, scope),
            guard,
            optimized: self.optimized(one, scope),
            destinations: names.len().max(1),
            hop,
        })
    }

    /// The route of batch jobs, which use no quota but need the scope for their price.
    fn batch_route(&mut self, model: &ModelProfile, scope: &Scope) -> Option<Route> {
        self.quota(model, scope).map(|_| Route::Batch)
    }

    /// The default quotas of a model in a scope; a problem if it cannot be called there.
    fn quota<'m>(&mut self, model: &'m ModelProfile, scope: &Scope) -> Option<&'m ScopeQuota> {
        let kind = scope.kind();
        let quota = model.quota(kind);
        if quota.is_none() {
            let offered: Vec<String> = model
                .quotas
                .iter()
                .map(|quota| quota.kind.to_string())
                .collect();
            self.problem(
                "capacity",
                format!("{} cannot be called {kind} (`{scope}`)", model.title),
                format!("it is offered: {}", offered.join(", ")),
            );
        }
        quota
    }

    /// The index of the quota counter of a model in a scope, made if it is new.
    fn counter(&mut self, model: &ModelProfile, scope: &Scope) -> Option<usize> {
        let kind = scope.kind();
        let service = &self.variant.service;
        let region = quotas::counter_region(scope, &service.region);
        let known = self
            .counters
            .iter()
            .position(|c| c.model == model.name && c.kind == kind && c.region == region);
        if known.is_some() {
            return known;
        }
        let quota = self.quota(model, scope)?;
        self.check_region(model, scope);
        let Some((limits, output)) = quotas::counter_limits(service, model, quota) else {
            self.problem(
                "service.family",
                format!(
                    "the quotas of {} on bedrock-mantle are not known",
                    model.title
                ),
                "set `quota.input_tpm` and `quota.output_tpm`",
            );
            return None;
        };
        self.output_tpm.extend(output);
        self.counters.push(CounterSetup {
            model: model.name.clone(),
            kind,
            region,
            limits,
        });
        Some(self.counters.len() - 1)
    }

    /// The Regions that may serve a call, the source first.
    fn destinations(&mut self, model: &ModelProfile, scope: &Scope) -> Option<Vec<String>> {
        let source = &self.variant.service.region;
        let names = regions::destination_names(model, scope, source);
        let name = match scope {
            Scope::InRegion(_) => return names,
            Scope::Geo(geo) => geo.as_str(),
            Scope::Global => "global",
        };
        let Some((_, regions)) = model.destinations.iter().find(|(known, _)| known == name) else {
            let known: Vec<&str> = model
                .destinations
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            self.problem(
                "capacity",
                format!("{} has no inference profile `{name}`", model.title),
                format!("it has: {}", known.join(", ")),
            );
            return None;
        };
        let area = |region: &str| region.split('-').next().map(str::to_owned);
        let is_near = regions.iter().any(|region| area(region) == area(source));
        // Sources of a geographic profile lie in its own area; Canada is served by `us`.
        if matches!(scope, Scope::Geo(_)) && !is_near && !source.starts_with("ca-") {
            let warning = format!(
                "no Region of the `{name}` profile is near {source}: set `service.region` to where \
                 the calls are made"
            );
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        names
    }
}

/// Quota tokens per output token; the mantle family has no burndown.
pub(super) fn burndown(service: &ServiceSpec, model: &ModelProfile) -> u64 {
    match service.family {
        Family::Runtime => model.burndown,
        Family::Mantle => 1,
    }
}

/// The scope whose quotas and token prices apply, for bought capacity those of its overflow.
pub(super) fn token_scope(capacity: &CapacitySpec, region: &str) -> Scope {
    match capacity {
        CapacitySpec::OnDemand { scope } => scope.clone(),
        CapacitySpec::Reserved(spec) => spec.scope.clone(),
        CapacitySpec::Provisioned(spec) => match &spec.overload {
            Overload::OnDemand(scope) => scope.clone(),
            Overload::Refuse | Overload::Queue => Scope::InRegion(region.to_owned()),
        },
    }
}

/// Whether what a cache may know carries cache points.
fn is_marked(traffic: &TrafficSpec) -> bool {
    let context = &traffic.context;
    match traffic.prefix {
        Some(prefix) => prefix.marked,
        None => context.marked || (context.points.is_empty() && context.history.is_none()),
    }
}

/// The name of the caches of a model in a scope; model units have caches of their own.
fn cache_scope(capacity: &CapacitySpec, model: &str, scope: &Scope) -> String {
    match capacity {
        CapacitySpec::Provisioned(_) => format!("{model}/units"),
        _ => format!("{model}/{scope}"),
    }
}

/// Tokens of a prefix block and the life of cached ones; no tokens if there are no prefixes.
fn blocks(traffic: &TrafficSpec) -> (u32, CacheTtl) {
    let context = &traffic.context;
    let mut lives = context.points.iter().map(|point| point.ttl);
    if lives.len() > 0 || context.history.is_some() {
        let is_hour = |ttl| ttl == CacheTtl::OneHour;
        let all = lives.all(is_hour) && context.history.is_none_or(is_hour);
        let ttl = if all {
            CacheTtl::OneHour
        } else {
            CacheTtl::FiveMinutes
        };
        return (0, ttl);
    }
    match (&traffic.prefix, &traffic.arrival) {
        (Some(prefix), _) => (prefix.tokens, prefix.ttl),
        (None, ArrivalSpec::Trace(replay)) => (replay.trace.block_tokens, CacheTtl::FiveMinutes),
        (None, _) => (0, CacheTtl::FiveMinutes),
    }
}

/// A latency that the scenario sets for all models.
pub(super) fn fixed_profile(fixed: FixedLatency) -> LatencyProfile {
    LatencyProfile {
        name: "fixed".to_owned(),
        origin: Origin::Assumed,
        source: Fact {
            source: "service.latency.fixed of the scenario".to_owned(),
            status: FactStatus::Assumed,
            ..Fact::default()
        },
        ttft_base: fixed.ttft,
        ttft_per_k_input: Micros::ZERO,
        ttft_per_k_cached: Micros::ZERO,
        load_base: Micros::ZERO,
        load_per_k: Micros::ZERO,
        per_output_token: fixed.per_token,
        load_per_token: 0.0,
        ttft_noise: NoiseLaw::none(),
        tpot_noise: NoiseLaw::none(),
    }
}

fn workload_setup(
    workload: &Workload,
    scope: &Scope,
    prices: Option<&TokenPrices>,
    asked: Asked,
) -> WorkloadSetup {
    let (_, ttl) = blocks(&workload.traffic);
    let plain = prices.map(|prices| (scope.kind(), Tariff::new(prices, ttl)));
    let Asked {
        mut tier, batch, ..
    } = asked;
    // Jobs have no price but their own.
    let tariffs = match &batch {
        None => plain.into_iter().collect(),
        Some(_) => std::mem::take(&mut tier.tariffs),
    };
    WorkloadSetup {
        name: workload.name.clone(),
        traffic: workload.traffic.clone(),
        stream: workload.stream,
        thinking: workload.thinking.clone(),
        text_unit: Usd::ZERO,
        router_fee: Usd::ZERO,
        tariffs,
        tier,
        batch,
    }
}

/// What is assumed of a variant's service, and of its clients.
fn assumed(variant: &Variant, plan: &lanes::LanePlan) -> Vec<Assumption> {
    let service = &variant.service;
    let mut all = assumptions(service, &variant.workloads);
    all.extend(guarded::assumptions(service, &variant.workloads));
    all.extend(offers::assumptions(variant));
    all.extend(lanes::assumptions(plan));
    all
}

fn workload_context(one: &Resolved<'_>, scope: &Scope, asked: &Asked) -> WorkloadContext {
    let book = one.prices;
    let prices = book.and_then(|prices| prices.tokens_for(scope));
    let in_batch = book.and_then(|prices| prices.tokens_as(PriceTier::Batch, scope));
    let is_batch = asked.price_tier == PriceTier::Batch;
    WorkloadContext {
        name: one.workload.name.clone(),
        model: one.model.name.clone(),
        model_title: one.model.title.clone(),
        tags: one.workload.tags.clone(),
        max_tokens: one
            .workload
            .max_tokens
            .map_or(one.model.max_output.0, u64::from),
        max_tokens_is_set: one.workload.max_tokens.is_some(),
        latency: one.latency.name.clone(),
        latency_origin: one.latency.origin,
        latency_source: one.latency.source.source.clone(),
        prices: if is_batch {
            asked.prices.clone()
        } else {
            prices.cloned()
        },
        tier: asked.price_tier,
        tier_prices: asked.prices.clone(),
        standard_prices: prices.cloned(),
        batch_prices: in_batch.filter(|_| one.model.offers.batch).cloned(),
    }
}
