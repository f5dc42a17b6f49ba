//! The limits of quota counters, and the quotas of the whole account.

use super::{Joiner, Resolved};
use crate::domain::{ModelPrices, ModelProfile, Scope, ScopeKind, ScopeQuota};
use crate::scenario::Workload;
use crate::service::CounterLimits;
use crate::service::setup::{AccountSetup, CounterSetup, QuotaSetup, Weights};
use crate::service::spec::{
    AccountWeight, CapacitySpec, CounterFilter, Family, QuotaLimits, ServiceSpec,
};
use crate::units::TokensPerMinute;

/// The limits of one counter: the model's, those of the account, and its own, each over the one before.
/// With them, for the mantle family, the output tokens per minute.
///
/// `None` if the mantle family is called and the model's quotas there are not known.
pub(in crate::sim) fn counter_limits(
    service: &ServiceSpec,
    model: &ModelProfile,
    quota: &ScopeQuota,
) -> Option<(CounterLimits, Option<TokensPerMinute>)> {
    let own = over(service.limits, service, &model.name, quota.kind);
    let limits = CounterLimits {
        tpm: own.tpm.unwrap_or(quota.tpm),
        rpm: own.rpm.or(quota.rpm),
        tpd: own.tpd.or(quota.tpd),
    };
    match service.family {
        Family::Runtime => Some((limits, None)),
        Family::Mantle => {
            let (input, output) = mantle_limits(service, model)?;
            let own = over(QuotaLimits::default(), service, &model.name, quota.kind);
            let limits = CounterLimits {
                tpm: own.tpm.unwrap_or(input),
                // The family has neither.
                rpm: None,
                tpd: None,
            };
            Some((limits, Some(output)))
        }
    }
}

/// Input and output tokens per minute of a model in the mantle family: the scenario's, or else the model's.
fn mantle_limits(
    service: &ServiceSpec,
    model: &ModelProfile,
) -> Option<(TokensPerMinute, TokensPerMinute)> {
    let (own, known) = (&service.quotas, model.mantle.as_ref());
    Some((
        own.input_tpm
            .or_else(|| known.map(|known| known.input_tpm))?,
        own.output_tpm
            .or_else(|| known.map(|known| known.output_tpm))?,
    ))
}

/// `limits` with those of `[[quota.limit]]` over them.
fn over(
    mut limits: QuotaLimits,
    service: &ServiceSpec,
    model: &str,
    kind: ScopeKind,
) -> QuotaLimits {
    for one in &service.quotas.limits {
        if one.filter.means(model, kind) {
            limits.tpm = one.limits.tpm.or(limits.tpm);
            limits.rpm = one.limits.rpm.or(limits.rpm);
            limits.tpd = one.limits.tpd.or(limits.tpd);
        }
    }
    limits
}

/// The Region of a counter that is not the variant's source.
pub(in crate::sim) fn counter_region(scope: &Scope, source: &str) -> Option<String> {
    match scope {
        Scope::InRegion(region) if region != source => Some(region.clone()),
        _ => None,
    }
}

/// What the tokens of a model count in the account's day.
pub(in crate::sim) fn weights(
    service: &ServiceSpec,
    prices: Option<&ModelPrices>,
    scope: &Scope,
) -> Weights {
    let account = &service.quotas.account;
    let prices = prices.and_then(|prices| prices.tokens_for(scope));
    match (account.weight, prices) {
        (AccountWeight::Price, Some(prices)) => Weights {
            input: prices.input.0,
            output: prices.output.0,
            cache_write: prices.cache_write_5m.0,
            cache_write_1h: prices.cache_write_1h.0,
            cache_read: prices.cache_read.0,
            reference: account.reference.0,
        },
        (AccountWeight::None, _) | (AccountWeight::Price, None) => Weights::EQUAL,
    }
}

impl Joiner<'_> {
    /// The scope of a workload's calls.
    pub(super) fn scope_of(&mut self, workload: &Workload) -> Scope {
        let service = &self.variant.service;
        let usual = super::token_scope(&service.capacity, &service.region);
        let Some(own) = &workload.scope else {
            return usual;
        };
        if !matches!(service.capacity, CapacitySpec::OnDemand { .. }) {
            self.problem(
                &format!("workload.{}.scope", workload.name),
                format!(
                    "`{}` has a scope of its own, and the capacity is bought",
                    workload.name
                ),
                "only on-demand capacity has several scopes; leave the workload's out",
            );
        }
        own.clone()
    }

    /// The quotas beyond single counters and their limits.
    pub(super) fn quotas(&mut self, resolved: &[Resolved<'_>], scopes: &[Scope]) -> QuotaSetup {
        let service = &self.variant.service;
        let spec = &service.quotas;
        let account = spec.account.limit.map(|limit| AccountSetup {
            limit,
            weights: resolved
                .iter()
                .zip(scopes)
                .map(|(one, scope)| weights(service, one.prices, scope))
                .collect(),
        });
        if account.is_some() && spec.account.weight == AccountWeight::Price {
            for one in resolved.iter().filter(|one| one.prices.is_none()) {
                self.warnings.push(format!(
                    "{} has no price: its tokens count one each in the account's tokens per day",
                    one.model.title
                ));
            }
        }
        for limit in &spec.limits {
            self.check_filter("limit", &limit.filter);
        }
        for change in &spec.changes {
            self.check_filter("change", &change.filter);
        }
        if spec
            .changes
            .iter()
            .any(|change| change.at >= self.variant.duration)
        {
            let warning = "a `[[quota.change]]` comes after the last request started".to_owned();
            self.warnings.push(warning);
        }
        QuotaSetup {
            changes: spec.changes.clone(),
            account,
            adjust_every: spec.adjust_every,
            output_tpm: std::mem::take(&mut self.output_tpm),
        }
    }

    /// Warns of a setting that concerns no counter.
    fn check_filter(&mut self, what: &str, filter: &CounterFilter) {
        let is_meant = |counter: &CounterSetup| filter.means(&counter.model, counter.kind);
        if self.counters.iter().any(is_meant) {
            return;
        }
        let model = filter.model.as_deref().unwrap_or("any model");
        let scope = filter
            .scope
            .map_or_else(|| "any scope".to_owned(), |scope| scope.to_string());
        self.warnings.push(format!(
            "a `[[quota.{what}]]` for {model} in {scope} concerns no workload of this variant"
        ));
    }
}
