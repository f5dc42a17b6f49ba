//! `[service.routing]` and `[[service.pool]]`: routing over Regions, and their capacity.

use super::is_region;
use crate::config::{Section, boolean, count, float, list, one_of, positive, text, unit};
use crate::service::spec::{Loss, PoolSpec, RegionsSpec, RoutingPolicy};
use crate::units::Micros;

/// Reads routing and pools; `None` without both, or if they are wrong, which is reported.
pub(super) fn regions(s: &mut Section<'_>) -> Option<RegionsSpec> {
    let is_set = s.has("routing") || s.has("pool");
    if !is_set {
        // The keys are known, and mean nothing without pools or routing.
        s.optional_table("routing", |_| Some(()));
        s.tables("pool", pool);
        if s.has("start_hour") {
            s.optional("start_hour", float(0.0..24.0));
            s.report(
                "start_hour",
                "`start_hour` needs a pool",
                "no load follows the hour of the day",
                "add `[[service.pool]]` with `ambient_by_hour`, or leave the hour out",
            );
        } else {
            s.optional("start_hour", float(0.0..24.0));
        }
        return None;
    }
    let start_hour = s.or("start_hour", float(0.0..24.0), 0.0);
    let routing = s.table("routing", |s| {
        let policy = s.or("policy", one_of(&RoutingPolicy::NAMES), "random");
        let spill = s.or("spill", boolean(), true);
        Some((policy?, spill?))
    });
    let mut names: Vec<Option<String>> = Vec::new();
    let pools = s.tables("pool", |s| {
        let pool = pool(s)?;
        if names.contains(&pool.region) {
            s.report(
                "region",
                "two pools are for the same Region",
                "second pool of this Region",
                "a pool holds for each model by itself; join the two",
            );
        }
        names.push(pool.region.clone());
        Some(pool)
    });
    let (policy, spill) = routing?;
    Some(RegionsSpec {
        policy,
        spill,
        start_hour: start_hour?,
        pools: pools?,
    })
}

fn pool(s: &mut Section<'_>) -> Option<PoolSpec> {
    let region = s.required("region", text());
    if let Some(region) = &region
        && region != "*"
        && !is_region(region)
    {
        s.report(
            "region",
            "`region` is not the name of a Region",
            "has not the form of one",
            "write it like `\"us-east-1\"`, or `\"*\"` for all that have no pool of their own",
        );
    }
    let streams = s.optional("streams", count(1..=10_000_000));
    let ambient = ambient(s);
    let weight = s.or("weight", positive(), 1.0);
    let hop = s.optional("hop", unit::<Micros>());
    let lost = s.tables("lost", loss);
    Some(PoolSpec {
        region: Some(region?).filter(|region| region != "*"),
        streams,
        ambient,
        weight: weight?,
        hop,
        lost: lost?,
    })
}

/// The load by others: one share, or one for each hour. `None` if neither is there, or wrong.
fn ambient(s: &mut Section<'_>) -> Option<[f64; 24]> {
    let whole = s.optional("ambient", float(0.0..1.0));
    let by_hour = s.optional("ambient_by_hour", list(float(0.0..1.0)));
    if s.has("ambient") && s.has("ambient_by_hour") {
        s.report(
            "ambient_by_hour",
            "a pool has either `ambient` or `ambient_by_hour`",
            "stands beside `ambient`",
            "leave one of them out",
        );
        return None;
    }
    match by_hour {
        Some(hours) => {
            let hours = <[f64; 24]>::try_from(hours);
            if let Err(hours) = &hours {
                s.report(
                    "ambient_by_hour",
                    "`ambient_by_hour` needs 24 numbers",
                    &format!("has {}", hours.len()),
                    "one for each hour of the day, UTC, from midnight on",
                );
            }
            hours.ok()
        }
        None => whole.map(|load| [load; 24]),
    }
}

fn loss(s: &mut Section<'_>) -> Option<Loss> {
    let from = s.required("from", unit::<Micros>());
    let until = s.optional("until", unit::<Micros>());
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        s.report(
            "until",
            "`until` must be after `from`",
            &format!("is {until}, `from` is {from}"),
            "both count from the beginning of the run",
        );
    }
    Some(Loss { from: from?, until })
}
