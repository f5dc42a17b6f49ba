//! The Regions that serve each target, and their pools.

use super::Joiner;
use crate::domain::{ModelProfile, Scope};
use crate::service::setup::{Destination, PoolSetup, RegionsSetup};
use crate::service::spec::{PoolSpec, RegionsSpec, ServiceSpec};
use crate::units::Micros;

/// The Regions that may serve a call from `source`, that one first; `None` if the model has no such
/// profile.
pub(in crate::sim) fn destination_names(
    model: &ModelProfile,
    scope: &Scope,
    source: &str,
) -> Option<Vec<String>> {
    let name = match scope {
        Scope::InRegion(region) => return Some(vec![region.clone()]),
        Scope::Geo(geo) => geo.as_str(),
        Scope::Global => "global",
    };
    let (_, regions) = model.destinations.iter().find(|(known, _)| known == name)?;
    let others = regions.iter().filter(|region| *region != source).cloned();
    Some(std::iter::once(source.to_owned()).chain(others).collect())
}

/// Regions without a target yet.
pub(in crate::sim) fn empty(spec: &RegionsSpec) -> RegionsSetup {
    RegionsSetup {
        policy: spec.policy,
        spill: spec.spill,
        start_hour: spec.start_hour,
        pools: Vec::new(),
        targets: Vec::new(),
    }
}

/// Adds a target whose calls the Regions `names` serve, the source first; none for model units.
pub(in crate::sim) fn add_target(
    setup: &mut RegionsSetup,
    service: &ServiceSpec,
    model: &str,
    names: &[String],
    hop: Micros,
) {
    let Some(spec) = &service.regions else { return };
    let destinations = names.iter().enumerate().map(|(at, name)| {
        let own = pool_of(spec, name);
        let usual = if at == 0 { Micros::ZERO } else { hop };
        let known = |pool: &PoolSetup| pool.model == model && pool.region == *name;
        let pool = setup.pools.iter().position(known).unwrap_or_else(|| {
            setup.pools.push(pool_setup(own, service, model, name));
            setup.pools.len() - 1
        });
        Destination {
            pool,
            weight: own.map_or(1.0, |own| own.weight),
            hop: own.and_then(|own| own.hop).unwrap_or(usual),
        }
    });
    let destinations = destinations.collect();
    setup.targets.push(destinations);
}

/// The settings of a Region: its own, or those of all that have none.
fn pool_of<'s>(spec: &'s RegionsSpec, region: &str) -> Option<&'s PoolSpec> {
    let named = |name: Option<&str>| {
        let mut pools = spec.pools.iter();
        pools.find(|pool| pool.region.as_deref() == name)
    };
    named(Some(region)).or_else(|| named(None))
}

fn pool_setup(
    spec: Option<&PoolSpec>,
    service: &ServiceSpec,
    model: &str,
    region: &str,
) -> PoolSetup {
    let lost = spec.map_or(&[][..], |spec| &spec.lost);
    PoolSetup {
        model: model.to_owned(),
        region: region.to_owned(),
        streams: spec.and_then(|spec| spec.streams),
        ambient: spec
            .and_then(|spec| spec.ambient)
            .unwrap_or([service.ambient_load; 24]),
        lost: lost
            .iter()
            .map(|loss| (loss.from, loss.until.unwrap_or(Micros::MAX)))
            .collect(),
    }
}

impl Joiner<'_> {
    /// Warns of pools that no call can reach.
    pub(super) fn check_pools(&mut self, setup: Option<&RegionsSetup>) {
        let (Some(spec), Some(setup)) = (&self.variant.service.regions, setup) else {
            return;
        };
        for region in spec.pools.iter().filter_map(|pool| pool.region.as_ref()) {
            if !setup.pools.iter().any(|pool| pool.region == *region) {
                self.warnings.push(format!(
                    "the pool of {region} serves no call: no workload's profile has that destination"
                ));
            }
        }
        if setup.pools.is_empty() {
            let warning = "`service.routing` and `service.pool` have no effect on model units";
            self.warnings.push(warning.to_owned());
        }
    }
}
