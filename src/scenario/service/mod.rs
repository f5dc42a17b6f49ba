//! `[capacity]`, `[service]`, `[quota]` and `[[fault]]`: the service side.

mod capacity;
mod counters;
mod fault;
mod quota;
mod regions;

pub(super) use capacity::scope as profile_scope;
pub use fault::read_faults;

use super::answers::answers;
use super::cache;
use super::guardrail;
use super::offers::tiers;
use crate::config::{Section, boolean, float, one_of, text, unit};
use crate::domain::{CacheRules, QuotaRules, Scope};
use crate::service::spec::{
    AnswerSpec, CapacitySpec, Family, FixedLatency, QuotaLimits, QuotaSpec, ServiceSpec,
};
use crate::units::Micros;
use capacity::{capacity, on_demand};
use fault::fault;
use quota::quota;
use regions::regions;

/// Reads everything that concerns the service from the root of a scenario.
pub(super) fn service(root: &mut Section<'_>) -> Option<ServiceSpec> {
    let settings = root.table("service", settings);
    let region = settings
        .as_ref()
        .map_or("us-east-1", |settings| settings.region.as_str());
    let geo = geo_of(region);
    let capacity = if root.has("capacity") {
        root.optional_table("capacity", |s| capacity(s, geo))
    } else {
        root.table("capacity", |s| s.table("on_demand", |s| on_demand(s, geo)))
    };
    let quota = root.table("quota", quota);
    let cache = root.table("cache", cache::rules);
    let faults = root.tables("fault", fault);
    let guardrails = root.tables("guardrail", guardrail::guardrail);
    if let Some(guardrails) = &guardrails {
        guardrail::check_names(root, guardrails);
    }
    // One that is wrong has been reported.
    let answers = root.optional_table("answers", answers).unwrap_or_default();
    let (settings, (rules, limits, quotas)) = (settings?, quota?);
    Some(ServiceSpec {
        capacity: capacity?,
        rules,
        cache: cache?,
        limits,
        faults: faults?,
        answers,
        guardrails: guardrails?,
        quotas,
        ..settings
    })
}

/// The prefix of the geographic profile for a source Region.
fn geo_of(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("eu") => "eu",
        Some("ap") => "apac",
        _ => "us",
    }
}

/// `[service]`, in a [`ServiceSpec`] whose other fields stand at their defaults.
fn settings(s: &mut Section<'_>) -> Option<ServiceSpec> {
    let region = s.or("region", text(), "us-east-1");
    if let Some(region) = &region
        && !is_region(region)
    {
        s.report(
            "region",
            "`region` is not the name of a Region",
            "has not the form of one",
            "write it like `\"us-east-1\"`",
        );
    }
    let ambient_load = s.or("ambient_load", float(0.0..1.0), 0.0);
    // A third party reports 20 to 50 ms within a continent and 100 to 200 ms across. The lower
    // end stands for the usual destination; for the global profile less than the range across,
    // since it mostly finds capacity on the same continent. Both are assumptions.
    let geo_hop = s.or("geo_hop", unit::<Micros>(), "20ms");
    let global_hop = s.or("global_hop", unit::<Micros>(), "60ms");
    let timeouts_are_billed = s.or("timeouts_are_billed", boolean(), true);
    let fixed_latency = s.optional_table("latency", |s| {
        s.tag(&["fixed"])?;
        s.required_table("fixed", |s| {
            let ttft = s.required("ttft", unit::<Micros>());
            let per_token = s.required("per_token", unit::<Micros>());
            Some(FixedLatency {
                ttft: ttft?,
                per_token: per_token?,
            })
        })
    });
    let tiers = tiers(s);
    let family = s.or(
        "family",
        one_of(&[("runtime", Family::Runtime), ("mantle", Family::Mantle)]),
        "runtime",
    );
    let regions = regions(s);
    Some(ServiceSpec {
        region: region?,
        capacity: CapacitySpec::OnDemand {
            scope: Scope::Global,
        },
        rules: QuotaRules::default(),
        cache: CacheRules::default(),
        limits: QuotaLimits::default(),
        ambient_load: ambient_load?,
        geo_hop: geo_hop?,
        global_hop: global_hop?,
        timeouts_are_billed: timeouts_are_billed?,
        fixed_latency,
        faults: Vec::new(),
        answers: AnswerSpec::default(),
        guardrails: Vec::new(),
        tiers,
        family: family?,
        quotas: QuotaSpec::default(),
        regions,
    })
}

/// `scope` or `region` of a workload: the scope of its calls in place of the variant's. `None` if neither is
/// there, or wrong, which is reported.
pub(super) fn own_scope(s: &mut Section<'_>) -> Option<Scope> {
    if !s.has("scope") && !s.has("region") {
        // The keys are known, for messages.
        s.optional("scope", text());
        s.optional("region", text());
        return None;
    }
    match on_demand(s, "us")? {
        CapacitySpec::OnDemand { scope } => Some(scope),
        CapacitySpec::Provisioned(_) | CapacitySpec::Reserved(_) => None,
    }
}

/// Whether `text` has the form of a Region: `us-east-1`, `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let mut parts = text.rsplit('-');
    let number = parts.next().unwrap_or_default();
    let words: Vec<&str> = parts.collect();
    !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && words.len() >= 2
        && words.iter().all(|word| is_word(word))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}
