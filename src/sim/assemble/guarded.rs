//! Guardrails: their quotas and prices, and what they assume.

use super::Joiner;
use crate::domain::{GuardrailPrices, GuardrailQuotas};
use crate::scenario::Workload;
use crate::service::guardrail::{
    GuardSetup, GuardSpec, GuardTier, OutputMode, Policy, TargetGuard, UnitQuota,
};
use crate::service::spec::ServiceSpec;
use crate::sim::context::Assumption;
use crate::units::Usd;

impl Joiner<'_> {
    /// The guardrails of the variant with the quotas of its Region.
    pub(super) fn guards(&mut self) -> Vec<GuardSetup> {
        let service = &self.variant.service;
        let quotas = self.catalogue.latest_guardrails();
        let prices = self.book.guardrail.as_ref();
        let specs = service.guardrails.iter();
        specs
            .map(|spec| setup(spec, &service.region, quotas, prices))
            .collect()
    }

    /// The guardrail that a workload names.
    pub(super) fn guard_of(&mut self, workload: &Workload) -> Option<TargetGuard> {
        let name = workload.guardrail.as_ref()?;
        let specs = &self.variant.service.guardrails;
        let Some(guardrail) = specs.iter().position(|spec| spec.name == *name) else {
            let known: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
            let help = if known.is_empty() {
                "add a `[[guardrail]]` of this name".to_owned()
            } else {
                format!("known: `{}`", known.join("`, `"))
            };
            let message = format!("no guardrail is named `{}`", name.escape_debug());
            self.problem(
                &format!("workload.{}.guardrail", workload.name),
                message,
                help,
            );
            return None;
        };
        let mode = if workload.stream {
            specs[guardrail].stream
        } else {
            OutputMode::Whole
        };
        Some(TargetGuard { guardrail, mode })
    }

    /// What a text unit of a workload's guardrail costs; nothing without one.
    pub(super) fn text_unit(&mut self, workload: &Workload) -> Usd {
        let Some(name) = &workload.guardrail else {
            return Usd::ZERO;
        };
        let specs = &self.variant.service.guardrails;
        let prices = self.book.guardrail.as_ref();
        let spec = specs.iter().find(|spec| spec.name == *name);
        let Some(price) = spec.and_then(|spec| per_unit(spec, prices)) else {
            let book = &self.book.name;
            let warning = format!(
                "the price book {book} has no prices of guardrails: they cost nothing here"
            );
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
            return Usd::ZERO;
        };
        price
    }
}

fn per_unit(spec: &GuardSpec, prices: Option<&GuardrailPrices>) -> Option<Usd> {
    let prices = prices?;
    let policies = spec.policies.iter();
    Some(policies.map(|&policy| price_of(policy, prices)).sum())
}

fn price_of(policy: Policy, prices: &GuardrailPrices) -> Usd {
    match policy {
        Policy::Content => prices.content,
        Policy::Topics => prices.topics,
        Policy::Sensitive => prices.sensitive,
        Policy::Words => prices.words,
        Policy::Grounding => prices.grounding,
        Policy::Reasoning => prices.reasoning,
    }
}

fn setup(
    spec: &GuardSpec,
    region: &str,
    quotas: Option<&GuardrailQuotas>,
    prices: Option<&GuardrailPrices>,
) -> GuardSetup {
    // The largest that any Region has, where no file says anything.
    const MOST: u64 = 1_000;
    let at = |of: fn(&GuardrailQuotas) -> &crate::domain::ByRegion| {
        quotas.map_or(MOST, |quotas| of(quotas).at(region))
    };
    let known_burst = at(|quotas| &quotas.burst);
    let per_second = |policy: Policy| {
        Some(match (policy, spec.tier) {
            (Policy::Content, GuardTier::Classic) => at(|quotas| &quotas.content_classic),
            (Policy::Content, GuardTier::Standard) => at(|quotas| &quotas.content_standard),
            (Policy::Topics, GuardTier::Classic) => at(|quotas| &quotas.topics_classic),
            (Policy::Topics, GuardTier::Standard) => at(|quotas| &quotas.topics_standard),
            (Policy::Sensitive, _) => at(|quotas| &quotas.sensitive),
            (Policy::Words, _) => at(|quotas| &quotas.words),
            (Policy::Grounding, _) => at(|quotas| &quotas.grounding),
            // No figure for it is on record.
            (Policy::Reasoning, _) => return None,
        })
    };
    let quotas = spec.policies.iter().filter_map(|&policy| {
        let per_second = spec.units_per_second.or_else(|| per_second(policy))?;
        // A burst is at least what comes back in a second.
        let burst = spec.burst.unwrap_or(known_burst).max(per_second);
        Some((policy, UnitQuota { per_second, burst }))
    });
    GuardSetup {
        quotas: quotas.collect(),
        max_input_units: u32::try_from(spec.burst.unwrap_or(known_burst)).unwrap_or(u32::MAX),
        applies_per_second: at(|quotas| &quotas.applies_per_second),
        per_unit: per_unit(spec, prices),
        prices: prices.map_or_else(Vec::new, |prices| {
            let policies = spec.policies.iter();
            policies
                .map(|&policy| (policy, price_of(policy, prices)))
                .collect()
        }),
        spec: spec.clone(),
    }
}

/// What no source says of guardrails, as far as a workload meets one.
pub(super) fn assumptions(service: &ServiceSpec, workloads: &[Workload]) -> Vec<Assumption> {
    let mut list = Vec::new();
    let is_used = |spec: &&GuardSpec| {
        let mut workloads = workloads.iter();
        workloads.any(|workload| workload.guardrail.as_ref() == Some(&spec.name))
    };
    for spec in service.guardrails.iter().filter(is_used) {
        let mut assume = |key: &str, value: String, why: &str| {
            list.push(Assumption {
                name: format!("guardrail.{}.{key}", spec.name),
                value,
                why: why.to_owned(),
            });
        };
        let (p50, p99) = spec.latency;
        assume(
            "latency",
            format!("p50 {p50}, p99 {p99}"),
            "the user guide's sample shows 240 ms for an evaluation; no distribution is published",
        );
        assume(
            "chunk_chars",
            spec.chunk_chars.to_string(),
            "AWS does not say how much of a stream `sync` holds back for an evaluation",
        );
        assume(
            "chars_per_token",
            spec.chars_per_token.to_string(),
            "text units are characters, and a simulation knows tokens; a rule of thumb for English",
        );
        assume(
            "refusals",
            "free".to_owned(),
            "it is not published whether a call that a model quota refuses has been evaluated",
        );
        assume(
            "answers",
            "counted against the quotas at their end, into debt if need be".to_owned(),
            "AWS does not say what happens to an answer that finds no text units left",
        );
    }
    list
}
