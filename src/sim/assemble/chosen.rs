//! The assumptions of what a scenario turned on: they are listed only where they act.

use crate::service::spec::{AccountWeight, Family, RegionsSpec, RoutingPolicy, ServiceSpec};
use crate::sim::context::Assumption;

/// Of routing, pools, caches, and of quotas beyond single counters.
pub(super) fn assumptions(service: &ServiceSpec) -> Vec<Assumption> {
    let mut list = Vec::new();
    quotas(service, &mut list);
    if !service.cache.per_region {
        list.push(Assumption::new(
            "cache.per_region",
            "false".to_owned(),
            "AWS does not say whether destinations share a cache; that routing raises cache writes \
             speaks for one in each Region",
        ));
    }
    if let Some(regions) = &service.regions {
        pools(service, regions, &mut list);
    }
    list
}

fn quotas(service: &ServiceSpec, list: &mut Vec<Assumption>) {
    let spec = &service.quotas;
    if let Some(limit) = spec.account.limit {
        list.push(Assumption::new(
            "quota.account_tpd",
            limit.to_string(),
            "the documented quota is 700M, not adjustable; that a call reserves of it as it does of \
             the model's tokens per day is assumed",
        ));
        let reference = spec.account.reference.dollars_per_million();
        let weight = match spec.account.weight {
            AccountWeight::Price => format!("price, ${reference} per million counts one"),
            AccountWeight::None => "none".to_owned(),
        };
        list.push(Assumption::new(
            "quota.account_tpd_weight",
            weight,
            "AWS weights billed tokens by on-demand price and publishes no function; the reference is \
             the input price of Sonnet 4.6, a model of middle price",
        ));
    }
    if let Some(every) = spec.adjust_every {
        list.push(Assumption::new(
            "quota.adjust_every",
            every.to_string(),
            "reservations are \"periodically adjusted toward actual output\", and no cadence is \
             published; here each is set to what the answer would be charged if it ended then",
        ));
    }
    if service.family == Family::Mantle {
        list.push(Assumption::new(
            "service.family",
            "mantle".to_owned(),
            "input quota settles at the input, and answers are stopped for want of output quota in \
             the order of admission, the latest first: AWS says neither",
        ));
    }
}

fn pools(service: &ServiceSpec, spec: &RegionsSpec, list: &mut Vec<Assumption>) {
    list.push(Assumption::new(
        "service.routing.policy",
        spec.policy.name().to_owned(),
        "the routing of inference profiles is not published",
    ));
    list.push(Assumption::new(
        "service.routing.spill",
        spec.spill.to_string(),
        "what happens when one destination lacks capacity is not published",
    ));
    if spec.policy == RoutingPolicy::Sticky {
        list.push(Assumption::new(
            "service.routing.sticky",
            "by the first cached part of the prompt".to_owned(),
            "nothing says that Bedrock routes by prefix; calls without one are drawn",
        ));
    }
    for pool in &spec.pools {
        let region = pool.region.as_deref().unwrap_or("*");
        let streams = pool
            .streams
            .map_or_else(|| "any number of".to_owned(), |streams| streams.to_string());
        let ambient = match &pool.ambient {
            None => format!("{} used by others", service.ambient_load),
            Some(hours)
                if hours
                    .iter()
                    .all(|load| load.to_bits() == hours[0].to_bits()) =>
            {
                format!("{} used by others", hours[0])
            }
            Some(_) => "used by others by the hour".to_owned(),
        };
        list.push(Assumption::new(
            "service.pool",
            format!("{region}: {streams} answers at once for each model, {ambient}"),
            "the capacity behind quotas is not published",
        ));
    }
    if spec.pools.iter().any(|pool| !pool.lost.is_empty()) {
        list.push(Assumption::new(
            "service.pool.lost",
            "answers break off with a 503, caches are empty afterwards".to_owned(),
            "what becomes of calls in a Region that fails is not published",
        ));
    }
}
