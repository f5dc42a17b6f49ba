//! Which target answers a call.

use crate::domain::Scope;
use crate::sim::{Address, Serving};
use crate::wire::CallMetadata;
use crate::wire::reply::ErrorReply;
use crate::wire::request::{ModelRef, ResourceKind};
use rustc_hash::FxHashMap;

/// The targets by the ids that name them.
pub(super) struct Directory {
    /// The plain ids and those that the scenario sets.
    by_id: FxHashMap<String, usize>,
    by_workload: FxHashMap<String, usize>,
    targets: Vec<(usize, Address)>,
    model_ids: Vec<String>,
    /// The first target of bought units.
    units: Option<usize>,
}

impl Directory {
    pub(super) fn new(serving: &Serving) -> Self {
        let mut directory = Self {
            by_id: FxHashMap::default(),
            by_workload: FxHashMap::default(),
            targets: Vec::new(),
            model_ids: serving
                .models
                .iter()
                .map(|model| model.model_id.clone())
                .collect(),
            units: None,
        };
        // Ids that the scenario sets come before those that all accounts have.
        for (index, target) in serving.targets.iter().enumerate() {
            if let Some(id) = &target.model_id {
                directory.by_id.entry(id.clone()).or_insert(index);
            }
        }
        for (index, target) in serving.targets.iter().enumerate() {
            directory
                .by_id
                .entry(serving.call_id(index))
                .or_insert(index);
            if let Some(workload) = &target.workload {
                directory.by_workload.insert(workload.clone(), index);
            }
            if target.address == Address::Units {
                directory.units = directory.units.or(Some(index));
            }
            directory
                .targets
                .push((target.model, target.address.clone()));
        }
        directory
    }

    /// The target that `id` names.
    pub(super) fn find(&self, id: &str) -> Result<usize, ErrorReply> {
        if let Some(&target) = self.by_id.get(id) {
            return Ok(target);
        }
        let (model_id, scope) = match ModelRef::parse(id) {
            ModelRef::Foundation { model_id, .. } => (model_id, None),
            ModelRef::Profile {
                prefix, model_id, ..
            } if prefix == "global" => (model_id, Some(Scope::Global)),
            ModelRef::Profile {
                prefix, model_id, ..
            } => (model_id, Some(Scope::Geo(prefix))),
            ModelRef::Resource {
                kind: ResourceKind::Provisioned,
                ..
            } => return self.units.ok_or_else(ErrorReply::unknown_model),
            ModelRef::Resource { .. } | ModelRef::Name(_) => {
                return Err(ErrorReply::unknown_model());
            }
        };
        let Some(model) = self.model_ids.iter().position(|known| *known == model_id) else {
            return Err(ErrorReply::unknown_model());
        };
        let found = self.targets.iter().position(|(target, address)| {
            *target == model
                && match (address, &scope) {
                    (Address::OnDemand(Scope::InRegion(_)), None) => true,
                    (Address::OnDemand(has), Some(scope)) => has == scope,
                    _ => false,
                }
        });
        found.ok_or_else(|| match scope {
            None => ErrorReply::profile_needed(&model_id),
            Some(_) => ErrorReply::unknown_model(),
        })
    }

    /// The target of the workload that a call says it belongs to, where that is another one of the
    /// same model called in the same way as `found`.
    pub(super) fn refine(&self, found: usize, metadata: &CallMetadata) -> usize {
        let named = metadata.workload.as_ref();
        let named = named.and_then(|name| self.by_workload.get(name)).copied();
        named
            .filter(|&named| self.targets[named] == self.targets[found])
            .unwrap_or(found)
    }
}
