//! Fallbacks, routes and classifiers as lanes: which further endpoints a variant has, and how requests get
//! to them.

use super::{AssembledLane, Joiner, Resolved, blocks};
use crate::client::{Classifier, Onward, RouteRule, RouteSpec};
use crate::cost::Tariff;
use crate::domain::{Offer, PriceTier, Scope};
use crate::load::spec::{ContextSpec, SizeSpec};
use crate::profile::Catalogue;
use crate::scenario::{
    ClassifierSpec, FallbackStep, LaneTarget, OfferSpec, PromptSpec, RouteStep, Variant, Workload,
};
use crate::service::setup::TargetSetup;
use crate::service::spec::CapacitySpec;
use crate::sim::context::{Assumption, LaneContext};
use crate::sim::lanes::{LaneRole, LaneSetup};
use crate::sim::setup::{TierSetup, router_fee_each};
use crate::units::{Ratio, Usd};

/// A further lane before its model is looked up.
pub(super) struct Planned {
    /// The workload as it is on this lane.
    pub workload: Workload,
    /// The workload whose requests it takes.
    of: usize,
    /// Where the scenario names it.
    pub path: String,
    pub role: LaneRole,
}

/// What the scenario says of further lanes, with numbers for names.
#[derive(Default)]
pub(super) struct LanePlan {
    pub lanes: Vec<Planned>,
    pub onward: Vec<Option<Onward>>,
    pub routes: Vec<Option<RouteSpec>>,
    /// Mistakes: path, message and help.
    pub mistakes: Vec<(String, String, String)>,
}

/// Collects the lanes of a variant.
struct Planner<'a> {
    variant: &'a Variant,
    catalogue: &'a Catalogue,
    /// Whether the workloads' own lanes are bought capacity.
    is_bought: bool,
    plan: LanePlan,
    /// Of the fallbacks, those that some request can take.
    useful: Vec<bool>,
}

/// The lanes that `variant` asks for.
pub(super) fn plan(variant: &Variant, catalogue: &Catalogue) -> LanePlan {
    let has_routes = |one: &Workload| !one.routes.is_empty() || one.classifier.is_some();
    if variant.fallbacks.is_empty()
        && variant.routes.is_empty()
        && !variant.workloads.iter().any(has_routes)
    {
        return LanePlan::default();
    }
    let own = variant.workloads.len();
    let mut planner = Planner {
        variant,
        catalogue,
        is_bought: !matches!(variant.service.capacity, CapacitySpec::OnDemand { .. }),
        plan: LanePlan {
            onward: vec![None; own],
            routes: vec![None; own],
            ..LanePlan::default()
        },
        useful: vec![false; variant.fallbacks.len()],
    };
    for index in 0..own {
        // The records of jobs are no calls.
        if variant.workloads[index].offer.batch.is_none() {
            planner.add_workload(index);
        }
    }
    planner.check_fallbacks();
    let mut plan = planner.plan;
    if plan.routes.iter().all(Option::is_none) {
        plan.routes.clear();
    }
    plan
}

impl Planner<'_> {
    fn add_workload(&mut self, index: usize) {
        let workload = &self.variant.workloads[index];
        let rules = self.add_routes(index);
        let mut entries: Vec<usize> = vec![index];
        entries.extend(rules.iter().map(|rule| rule.lane as usize));
        let classifier = workload.classifier.as_ref().map(|spec| {
            let classifier = self.add_classifier(index, spec);
            entries.push(classifier.easy as usize);
            classifier
        });
        if !rules.is_empty() || classifier.is_some() {
            self.plan.routes[index] = Some(RouteSpec {
                rules,
                classifier,
                own: index as u32,
            });
        }
        let mut done: Vec<usize> = Vec::new();
        for entry in entries {
            if !done.contains(&entry) {
                self.add_chain(index, entry);
                done.push(entry);
            }
        }
    }

    fn add_routes(&mut self, index: usize) -> Vec<RouteRule> {
        let workload = &self.variant.workloads[index];
        let own = workload
            .routes
            .iter()
            .enumerate()
            .map(|(i, route)| (route, format!("workload.{}.route[{i}]", workload.name)));
        let shared = self
            .variant
            .routes
            .iter()
            .enumerate()
            .filter(|(_, route)| is_meant(route, workload))
            .map(|(i, route)| (route, format!("client.route[{i}]")));
        let mut below = 0.0;
        let mut rules = Vec::new();
        for (route, path) in own.chain(shared) {
            let share = route.share.map(|share| {
                let from = below;
                below += share.get();
                (from, below)
            });
            let lane = self.lane(index, index, &route.to, path);
            rules.push(RouteRule {
                lane: lane as u32,
                share,
                at_most: route.input_at_most.map(u64::from),
                above: route.input_above.map(u64::from),
            });
        }
        rules
    }

    fn add_classifier(&mut self, index: usize, spec: &ClassifierSpec) -> Classifier {
        let own = &self.variant.workloads[index];
        let path = format!("workload.{}.classifier", own.name);
        let mut workload = derive(own, &spec.at, self.is_bought);
        workload.name = format!("{}/classifier", own.name);
        workload.max_tokens = Some(spec.at.max_tokens.unwrap_or(spec.output));
        workload.stream = false;
        workload.guardrail = None;
        workload.thinking = None;
        workload.prompts = PromptSpec::default();
        workload.tool_use = Ratio::ZERO;
        workload.content_filtered = Ratio::ZERO;
        // It marks no cache points.
        workload.traffic.context = ContextSpec::default();
        if let Some(prefix) = &mut workload.traffic.prefix {
            prefix.marked = false;
        }
        if let Some(input) = spec.input {
            workload.traffic.prefix = None;
            workload.traffic.input = Some(SizeSpec::Fixed(input));
        }
        let lane = self.push(index, workload, path.clone(), LaneRole::Classifies);
        let easy = self.lane(index, index, &spec.easy, format!("{path}.easy"));
        // A request that cannot be judged is taken to be hard.
        self.plan.onward[lane] = Some(Onward {
            lane: index as u32,
            on: crate::client::FailureClasses::ANY,
            after: None,
            defers: false,
            afresh: true,
        });
        Classifier {
            lane: lane as u32,
            easy: easy as u32,
            hard_share: spec.hard_share.get(),
            accuracy: spec.accuracy.get(),
            input: spec.input,
            output: spec.output,
        }
    }

    /// The steps that a request of workload `index` can take from the lane `entry`.
    fn add_chain(&mut self, index: usize, entry: usize) {
        let name = &self.variant.workloads[index].name;
        let mut seen = vec![self.key(entry)];
        let mut last = entry;
        for (i, step) in self.variant.fallbacks.iter().enumerate() {
            let is_meant = |names: &Vec<String>| names.contains(name);
            if !step.workloads.as_ref().is_none_or(is_meant) {
                continue;
            }
            let mut workload = derive(
                self.workload(entry),
                &step.to,
                self.is_bought && entry == index,
            );
            let role = if step.batch {
                workload.offer = OfferSpec::default();
                LaneRole::Defers
            } else {
                LaneRole::Answers
            };
            let key = self.key_of(&workload, false);
            // A request that is there already has no use for the step.
            if !step.batch && seen.contains(&key) {
                continue;
            }
            self.useful[i] = true;
            seen.push(key);
            let lane = self.push(index, workload, format!("client.fallback[{i}]"), role);
            self.plan.onward[last] = Some(onward(step, lane));
            last = lane;
        }
    }

    fn check_fallbacks(&mut self) {
        let known = |name: &String| self.variant.workloads.iter().any(|one| one.name == *name);
        let mut mistakes = Vec::new();
        for (i, step) in self.variant.fallbacks.iter().enumerate() {
            let path = format!("client.fallback[{i}]");
            let unknown = step.workloads.iter().flatten().find(|name| !known(name));
            if let Some(name) = unknown {
                mistakes.push((
                    format!("{path}.workloads"),
                    format!("no workload is named `{}`", name.escape_debug()),
                    "write the names of workloads, or leave `workloads` out for all".to_owned(),
                ));
            } else if !self.useful[i] {
                mistakes.push((
                    path,
                    "this fallback leads to the endpoint that the requests come from".to_owned(),
                    "name another `model`, `scope`, `region` or `tier` than the workload and the \
                     steps before have"
                        .to_owned(),
                ));
            }
        }
        self.plan.mistakes.extend(mistakes);
    }

    /// The lane of a workload's requests with `to` over those of lane `base`: a new one, unless it is the
    /// workload's own or is there already.
    fn lane(&mut self, index: usize, base: usize, to: &LaneTarget, path: String) -> usize {
        let workload = derive(self.workload(base), to, self.is_bought);
        let key = self.key_of(&workload, false);
        if key == self.key(index) {
            return index;
        }
        let own = self.variant.workloads.len();
        let known = self.plan.lanes.iter().position(|lane| {
            let is_alike = lane.of == index && lane.role == LaneRole::Answers;
            is_alike && self.key_of(&lane.workload, false) == key
        });
        match known {
            Some(at) => own + at,
            None => self.push(index, workload, path, LaneRole::Answers),
        }
    }

    fn push(&mut self, of: usize, mut workload: Workload, path: String, role: LaneRole) -> usize {
        let model = self.catalogue.model(&workload.model);
        // Without a prompt cache the client sends the prefix as plain input.
        if model.is_ok_and(|model| model.cache.is_none()) {
            workload.traffic.context.marked = false;
            if let Some(prefix) = &mut workload.traffic.prefix {
                prefix.marked = false;
            }
        }
        self.plan.lanes.push(Planned {
            workload,
            of,
            path,
            role,
        });
        self.plan.onward.push(None);
        self.variant.workloads.len() + self.plan.lanes.len() - 1
    }

    fn workload(&self, lane: usize) -> &Workload {
        let own = &self.variant.workloads;
        match lane.checked_sub(own.len()) {
            None => &own[lane],
            Some(further) => &self.plan.lanes[further].workload,
        }
    }

    fn key(&self, lane: usize) -> Key {
        let is_own = lane < self.variant.workloads.len();
        self.key_of(self.workload(lane), is_own && self.is_bought)
    }

    fn key_of(&self, workload: &Workload, is_bought: bool) -> Key {
        let service = &self.variant.service;
        let usual = || super::token_scope(&service.capacity, &service.region);
        Key {
            model: workload.model.clone(),
            scope: workload.scope.clone().unwrap_or_else(usual),
            tier: workload.offer.tier,
            latency_optimized: workload.offer.latency_optimized,
            max_tokens: workload.max_tokens,
            model_id: workload.model_id.clone(),
            is_bought,
        }
    }
}

/// What tells the endpoints of one workload apart.
#[derive(PartialEq, Eq)]
struct Key {
    model: String,
    scope: Scope,
    tier: Option<PriceTier>,
    latency_optimized: bool,
    max_tokens: Option<u32>,
    model_id: Option<String>,
    is_bought: bool,
}

fn onward(step: &FallbackStep, lane: usize) -> Onward {
    Onward {
        lane: lane as u32,
        on: step.on,
        after: step.after,
        defers: step.batch,
        afresh: false,
    }
}

/// `base` with what `to` names in place of its own.
fn derive(base: &Workload, to: &LaneTarget, is_bought: bool) -> Workload {
    let mut workload = base.clone();
    workload.routes = Vec::new();
    workload.classifier = None;
    // An id says where calls go; another place has another one.
    if is_bought || to.model.is_some() || to.scope.is_some() || to.model_id.is_some() {
        workload.model_id.clone_from(&to.model_id);
    }
    if let Some(model) = &to.model {
        workload.model.clone_from(model);
    }
    if let Some(scope) = &to.scope {
        workload.scope = Some(scope.clone());
    }
    if let Some(tier) = to.tier {
        workload.offer.tier = tier;
        workload.offer.latency_optimized = false;
    }
    if let Some(fast) = to.latency_optimized {
        workload.offer.latency_optimized = fast;
        if fast {
            workload.offer.tier = None;
        }
    }
    if let Some(most) = to.max_tokens {
        workload.max_tokens = Some(most);
    }
    workload
}

/// The lanes of a variant, joined.
#[derive(Default)]
pub(super) struct JoinedLanes<'a> {
    pub resolved: Vec<Resolved<'a>>,
    pub scopes: Vec<Scope>,
    pub targets: Vec<TargetSetup>,
    pub setups: Vec<LaneSetup>,
    /// Of all lanes, the workloads' own first; none if there are no others.
    pub contexts: Vec<LaneContext>,
    pub assembled: Vec<AssembledLane>,
}

impl<'a> Joiner<'a> {
    /// Looks up what the lanes of `plan` name.
    pub(super) fn join_lanes(
        &mut self,
        plan: &'a LanePlan,
        own: (&[Resolved<'a>], &[Scope]),
    ) -> JoinedLanes<'a> {
        for (path, message, help) in &plan.mistakes {
            self.problem(path, message.clone(), help.clone());
        }
        let mut joined = JoinedLanes::default();
        if !plan.lanes.is_empty() {
            let own = own.0.iter().zip(own.1);
            let own = own.map(|(one, scope)| self.own_lane(one, scope));
            joined.contexts.extend(own);
        }
        for planned in &plan.lanes {
            self.lane = Some(planned);
            if let Some(one) = self.resolve(&planned.workload) {
                self.join_lane(planned, one, &mut joined);
            }
        }
        self.lane = None;
        joined
    }

    fn join_lane(&mut self, planned: &Planned, one: Resolved<'a>, joined: &mut JoinedLanes<'a>) {
        let service = &self.variant.service;
        let usual = super::token_scope(&service.capacity, &service.region);
        let scope = planned.workload.scope.clone().unwrap_or(usual);
        joined.targets.extend(self.target(&one, &scope));
        let ttl = blocks(&planned.workload.traffic).1;
        let plain = one.prices.and_then(|prices| prices.tokens_for(&scope));
        let (tier, tariffs) = if planned.role == LaneRole::Defers {
            let path = format!("{}.batch", planned.path);
            self.lacks(&path, one.model, Offer::Batch);
            let prices = self.tier_prices(&one, PriceTier::Batch, &scope);
            let tariff = prices.map(|prices| (scope.kind(), Tariff::new(&prices, ttl)));
            (TierSetup::default(), tariff.into_iter().collect())
        } else {
            let asked = self.asked(&one, &scope, ttl);
            let tariff = plain.map(|prices| (scope.kind(), Tariff::new(prices, ttl)));
            (asked.tier, tariff.into_iter().collect::<Vec<_>>())
        };
        let name = &self.variant.workloads[planned.of].name;
        joined.contexts.push(LaneContext {
            name: format!(
                "{} {}",
                one.model.name,
                words(planned.role, &planned.workload, &scope)
            ),
            workload: name.clone(),
            model: one.model.name.clone(),
            how: words(planned.role, &planned.workload, &scope),
            role: match planned.role {
                LaneRole::Answers => "answers",
                LaneRole::Classifies => "classifies",
                LaneRole::Defers => "defers",
            },
            latency: (one.latency.name.clone(), one.latency.origin),
            is_priced: !tariffs.is_empty(),
        });
        joined.setups.push(LaneSetup {
            workload: planned.of,
            role: planned.role,
            tariffs,
            tier,
        });
        joined.assembled.push(AssembledLane {
            workload: planned.workload.clone(),
            scope: scope.clone(),
        });
        joined.scopes.push(scope);
        joined.resolved.push(one);
    }

    /// The workload's own lane in the words of [`LaneContext`].
    fn own_lane(&self, one: &Resolved<'_>, scope: &Scope) -> LaneContext {
        let how = match &self.variant.service.capacity {
            _ if one.workload.offer.batch.is_some() => "batch".to_owned(),
            CapacitySpec::OnDemand { .. } => words(LaneRole::Answers, one.workload, scope),
            CapacitySpec::Reserved(_) => "Reserved tier".to_owned(),
            CapacitySpec::Provisioned(_) => "model units".to_owned(),
        };
        LaneContext {
            name: format!("{} {how}", one.model.name),
            workload: one.workload.name.clone(),
            model: one.model.name.clone(),
            how,
            role: "own",
            latency: (one.latency.name.clone(), one.latency.origin),
            is_priced: one
                .prices
                .is_some_and(|prices| prices.tokens_for(scope).is_some()),
        }
    }
}

/// What the router of a workload costs for each request; nothing where nothing is routed.
pub(super) fn router_fee(variant: &Variant, workload: &Workload) -> Usd {
    let is_routed = !workload.routes.is_empty()
        || workload.classifier.is_some()
        || variant.routes.iter().any(|route| is_meant(route, workload));
    match workload.router_fee {
        Some(fee) if is_routed && workload.offer.batch.is_none() => router_fee_each(fee),
        _ => Usd::ZERO,
    }
}

/// Whether a workload has all tags that a route of the client asks for.
fn is_meant(route: &RouteStep, workload: &Workload) -> bool {
    let mut wanted = route.when_tag.iter();
    wanted.all(|tag| workload.tags.contains(tag))
}

/// Scope and tier of a lane in a few words.
fn words(role: LaneRole, workload: &Workload, scope: &Scope) -> String {
    let tier = workload.offer.tier;
    let mut words = vec![scope.to_string()];
    words.extend(tier.map(|tier| tier.to_string()));
    if workload.offer.latency_optimized {
        words.push("latency-optimised".to_owned());
    }
    match role {
        LaneRole::Answers => {}
        LaneRole::Classifies => words.push("(classifier)".to_owned()),
        LaneRole::Defers => words.push("(batch)".to_owned()),
    }
    words.join(" ")
}

/// What further lanes assume.
pub(super) fn assumptions(plan: &LanePlan) -> Vec<Assumption> {
    if plan.lanes.is_empty() {
        return Vec::new();
    }
    let mut list = vec![Assumption::new(
        "client.fallback, route",
        "a request has the same tokens on every model".to_owned(),
        "models count and answer the same prompt differently; how much is not published",
    )];
    if plan.lanes.iter().any(|lane| lane.role == LaneRole::Defers) {
        list.push(Assumption::new(
            "client.fallback.batch",
            "booked when deferred, and answered some time later".to_owned(),
            "a simulation of calls does not wait for jobs; model their times with `[workload.batch]`",
        ));
    }
    list
}
