//! Service tiers, latency-optimised inference and batch: what a model has of them, what they cost,
//! and what is assumed.

use super::{Joiner, Resolved};
use crate::cost::Tariff;
use crate::domain::{CacheTtl, ModelProfile, Offer, PriceTier, Scope, ScopeKind, TokenPrices};
use crate::scenario::Variant;
use crate::service::CounterLimits;
use crate::service::batch::{BatchSetup, BatchSpec};
use crate::service::setup::CounterSetup;
use crate::service::spec::CapacitySpec;
use crate::service::tiers::{OptimizedRoute, TierSpec};
use crate::sim::context::Assumption;
use crate::sim::setup::TierSetup;
use crate::units::Ratio;

/// What a workload asks for, with its prices.
#[derive(Default)]
pub(super) struct Asked {
    /// For calls.
    pub tier: TierSetup,
    /// For jobs.
    pub batch: Option<BatchSetup>,
    /// `Standard` if nothing.
    pub price_tier: PriceTier,
    /// Prices of what is served as asked; `None` if standard, or unknown.
    pub prices: Option<TokenPrices>,
}

/// The price of a tier over the standard one, where a price book does not list it: what the listed
/// ones have in common.
fn usual_ratio(tier: PriceTier) -> f64 {
    match tier {
        PriceTier::Standard => 1.0,
        PriceTier::Flex | PriceTier::Batch => 0.5,
        PriceTier::Priority => 1.75,
        PriceTier::LatencyOptimized => 1.25,
    }
}

fn key_of(tier: PriceTier) -> &'static str {
    match tier {
        PriceTier::Standard | PriceTier::Flex | PriceTier::Priority => "tier",
        PriceTier::Batch => "batch",
        PriceTier::LatencyOptimized => "latency_optimized",
    }
}

impl<'a> Joiner<'a> {
    /// What a workload asks for beside plain on-demand use, if its model has it.
    pub(super) fn asked(&mut self, one: &Resolved<'a>, scope: &Scope, ttl: CacheTtl) -> Asked {
        let offer = &one.workload.offer;
        let price_tier = match (offer.batch, offer.latency_optimized, offer.tier) {
            (Some(_), _, _) => PriceTier::Batch,
            (None, true, _) => PriceTier::LatencyOptimized,
            (None, false, tier) => tier.unwrap_or_default(),
        };
        let Some(needed) = price_tier.offer() else {
            return Asked::default();
        };
        let path = format!("workload.{}.{}", one.workload.name, key_of(price_tier));
        // A price of the scenario's own asks what batch would be worth, wherever it is sold.
        let own_price = offer.batch_price.map(Ratio::get);
        if own_price.is_none() && self.lacks(&path, one.model, needed) {
            return Asked::default();
        }
        self.check_capacity(&path, price_tier);
        let prices = match own_price {
            Some(price) => self.own_batch_price(one, price, scope),
            None => self.tier_prices(one, price_tier, scope),
        };
        let tariff = prices.as_ref().map(|prices| Tariff::new(prices, ttl));
        let tier = TierSetup {
            asks: offer.tier,
            latency_optimized: offer.latency_optimized,
            tariffs: tariff
                .map(|tariff| (scope.kind(), tariff))
                .into_iter()
                .collect(),
        };
        Asked {
            tier,
            batch: offer.batch.map(|spec| self.batch(one, spec)),
            price_tier,
            prices,
        }
    }

    /// The prices of batch by the scenario's own ratio.
    fn own_batch_price(
        &mut self,
        one: &Resolved<'a>,
        price: f64,
        scope: &Scope,
    ) -> Option<TokenPrices> {
        let title = &one.model.title;
        let sold = if one.model.offers.has(Offer::Batch) {
            String::new()
        } else {
            format!(", although {title} is not sold in batch")
        };
        self.notes.push(format!(
            "workload `{}`: `batch.price` of the scenario takes {price} of the price on demand{sold}",
            one.workload.name
        ));
        Some(one.prices?.tokens_for(scope)?.times(price))
    }

    /// Tiers are for shared capacity; jobs need none.
    fn check_capacity(&mut self, path: &str, tier: PriceTier) {
        let capacity = &self.variant.service.capacity;
        let (what, help) = match capacity {
            _ if tier == PriceTier::Batch || self.lane.is_some() => return,
            CapacitySpec::OnDemand { .. } => return,
            CapacitySpec::Reserved(_) => (
                "`capacity.reserved`",
                "a call names one service tier, and with `capacity.reserved` that is `reserved`; \
                 use `capacity.on_demand`",
            ),
            CapacitySpec::Provisioned(_) => (
                "`capacity.provisioned`",
                "service tiers and latency-optimised inference are served on demand; use \
                 `capacity.on_demand`",
            ),
        };
        let name = path.rsplit('.').next().unwrap_or(path);
        self.problem(path, format!("`{name}` does not go with {what}"), help);
    }

    /// The prices of a tier: those of the book, or the usual ratio to the standard ones.
    pub(super) fn tier_prices(
        &mut self,
        one: &Resolved<'a>,
        tier: PriceTier,
        scope: &Scope,
    ) -> Option<TokenPrices> {
        let prices = one.prices?;
        if let Some(listed) = prices.tokens_as(tier, scope) {
            return Some(listed.clone());
        }
        let standard = prices.tokens_for(scope)?;
        let ratio = usual_ratio(tier);
        let note = format!(
            "price book {} has no {tier} price for {} in this scope: {ratio} of its standard price \
             is taken, which is derived from other models",
            self.book.name, one.model.title
        );
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
        Some(standard.times(ratio))
    }

    fn batch(&mut self, one: &Resolved<'a>, spec: BatchSpec) -> BatchSetup {
        let name = &one.workload.name;
        if let Some(prefix) = one.workload.traffic.prefix.filter(|prefix| prefix.marked) {
            self.notes.push(format!(
                "workload `{name}`: batch has no prompt cache, so its prefix of {} tokens is plain \
                 input",
                prefix.tokens
            ));
        }
        if !matches!(self.variant.service.capacity, CapacitySpec::OnDemand { .. }) {
            self.notes.push(format!(
                "workload `{name}`: batch jobs do not use bought capacity"
            ));
        }
        if one.workload.guardrail.is_some() {
            self.warnings.push(format!(
                "workload `{name}`: its guardrail is not applied to batch jobs"
            ));
        }
        BatchSetup {
            name: name.clone(),
            model: one.model.name.clone(),
            spec,
            bytes_per_token: one.model.bytes_per_token,
        }
    }

    /// The quota of latency-optimised inference that a workload's calls go to.
    pub(super) fn optimized(
        &mut self,
        one: &Resolved<'_>,
        scope: &Scope,
    ) -> Option<OptimizedRoute> {
        if !one.workload.offer.latency_optimized {
            return None;
        }
        let (model, service) = (one.model, &self.variant.service);
        let own = model.latency_optimized.as_ref();
        if let Some(own) = own
            && !own.regions.contains(&service.region)
        {
            let path = format!("workload.{}.latency_optimized", one.workload.name);
            self.problem(
                &path,
                format!(
                    "{} has latency-optimised inference from {} only",
                    model.title,
                    own.regions.join(" and ")
                ),
                format!("set `service.region`; it is {}", service.region),
            );
            return None;
        }
        let setup = optimized_counter(model, scope.kind(), &service.tiers)?;
        let listed = own.and_then(|own| own.tpm);
        if listed.is_none() && service.tiers.optimized_tpm.is_none() {
            self.notes.push(format!(
                "the quota of latency-optimised inference of {} is not published: that of standard \
                 inference is taken; set `service.latency_optimized.tpm`",
                model.title
            ));
        }
        let known = self.optimized.iter().position(|known| *known == setup);
        let counter = known.unwrap_or_else(|| {
            self.optimized.push(setup);
            self.optimized.len() - 1
        });
        let max_tokens = own.and_then(|own| own.max_tokens).map(|most| most.0);
        Some(OptimizedRoute {
            counter,
            max_tokens,
        })
    }
}

/// The quota counter of latency-optimised inference of a model. Where none is known for it, that of
/// standard inference is taken.
pub(in crate::sim) fn optimized_counter(
    model: &ModelProfile,
    kind: ScopeKind,
    tiers: &TierSpec,
) -> Option<CounterSetup> {
    let own = model.latency_optimized.as_ref();
    let standard = model.quota(kind)?;
    let listed = own.and_then(|own| own.tpm);
    let limits = CounterLimits {
        tpm: tiers.optimized_tpm.or(listed).unwrap_or(standard.tpm),
        rpm: tiers.optimized_rpm.or_else(|| own?.rpm),
        tpd: None,
    };
    Some(CounterSetup {
        model: model.name.clone(),
        kind,
        region: None,
        limits,
    })
}

/// The settings of the tiers and of batch jobs that no source decides, where something asks for them.
pub(super) fn assumptions(variant: &Variant) -> Vec<Assumption> {
    let tiers = &variant.service.tiers;
    let mut list = Vec::new();
    let mut add = |name: String, value: String, why: &str| {
        list.push(Assumption {
            name,
            value,
            why: why.to_owned(),
        });
    };
    let asks = |tier| {
        let mut workloads = variant.workloads.iter();
        workloads.any(|one| one.offer.tier == Some(tier))
    };
    if asks(PriceTier::Priority) {
        add(
            "service.priority_speedup".into(),
            tiers.priority_speedup.to_string(),
            "AWS states up to 25 % more output tokens per second; how much is reached, and what the \
             first token gains, is not published",
        );
    }
    if asks(PriceTier::Flex) {
        add(
            "service.flex_slowdown".into(),
            tiers.flex_slowdown.to_string(),
            "AWS says that Flex takes longer and not how much; taken for the first token and for \
             each one after it",
        );
        add(
            "service.flex_unavailable".into(),
            tiers.flex_unavailable.to_string(),
            "Flex gives way to other tiers when capacity is short; how often is not published",
        );
        add(
            "service.flex_gives_way".into(),
            tiers.flex_gives_way.to_string(),
            "where Regions have a capacity, Flex gets a 503 while less than this share is free; AWS \
             names no order",
        );
    }
    if variant
        .workloads
        .iter()
        .any(|one| one.offer.latency_optimized)
    {
        add(
            "service.latency_optimized.speedup".into(),
            tiers.optimized_speedup.to_string(),
            "third-party pages show 101 tokens/s for the optimised Claude 3.5 Haiku and 53 to 60 for \
             its standard siblings",
        );
        add(
            "service.latency_optimized.sooner".into(),
            tiers.optimized_sooner.to_string(),
            "third-party pages show first tokens of Claude 3.5 Haiku after 0.59 to 0.62 s instead of \
             0.70 to 0.81 s",
        );
    }
    for workload in &variant.workloads {
        let Some(batch) = &workload.offer.batch else {
            continue;
        };
        let name = format!("workload.{}.batch", workload.name);
        add(
            format!("{name}.completion"),
            format!(
                "lognormal, p50 {}, p99 {}",
                batch.completion_p50, batch.completion_p99
            ),
            "AWS publishes no completion times of jobs, only that they queue; records are taken to \
             be processed evenly until the end",
        );
        add(
            format!("{name}.tokens_per_second"),
            batch
                .tokens_per_s
                .map_or_else(|| "no bound".to_owned(), |rate| rate.to_string()),
            "the throughput of batch is not published",
        );
        add(
            format!("{name}.max_records"),
            batch.max_records.to_string(),
            "the quota names 100,000 records for a file; the most for a job is not stated",
        );
    }
    list
}
