//! Lanes: the endpoints that the requests of a variant may be sent to, beside the workloads' own.

use super::setup::{RunSetup, TierSetup};
use crate::client::{Classifier, Onward, RouteSpec, Router};
use crate::cost::Tariff;
use crate::domain::ScopeKind;

/// The lanes of a variant.
///
/// A lane's number is that of its target. The first ones are the workloads' own, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lanes {
    /// Those that come after the workloads' own.
    pub further: Vec<LaneSetup>,
    /// What follows on each lane, by its number; empty if there is only one for each workload.
    pub onward: Vec<Option<Onward>>,
    /// Where the requests of each workload start; empty if all start on their own lane.
    pub routes: Vec<Option<RouteSpec>>,
}

/// One lane beside the workloads' own.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneSetup {
    /// The workload whose requests it takes.
    pub workload: usize,
    /// What it is for.
    pub role: LaneRole,
    /// What its tokens cost in each scope that may serve it.
    pub tariffs: Vec<(ScopeKind, Tariff)>,
    /// The service tier that its calls ask for.
    pub tier: TierSetup,
}

/// What a lane is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneRole {
    /// It answers requests.
    Answers,
    /// It judges requests before they are sent.
    Classifies,
    /// It takes requests as records of batch jobs.
    Defers,
}

impl Lanes {
    /// Whether there are any beside the workloads' own.
    pub fn is_empty(&self) -> bool {
        self.further.is_empty()
    }

    /// The classifier whose calls go to lane number `lane` of a variant with so many workloads.
    pub fn classifier(&self, workloads: usize, lane: usize) -> Option<Classifier> {
        let own = self.further.get(lane.checked_sub(workloads)?)?;
        if own.role != LaneRole::Classifies {
            return None;
        }
        self.routes[own.workload].as_ref()?.classifier
    }
}

impl RunSetup {
    /// The routers of its workloads; none where all requests start on their own lane.
    pub fn routers(&self, seed: u64) -> Vec<Option<Router>> {
        let named = self.lanes.routes.iter().zip(&self.workloads);
        let router = |spec: &RouteSpec, name: &str| Router::new(spec.clone(), seed, name);
        named
            .map(|(spec, workload)| spec.as_ref().map(|spec| router(spec, &workload.name)))
            .collect()
    }

    /// What the calls of each lane ask for, by the number of the lane.
    pub(super) fn tiers(&self) -> impl Iterator<Item = &TierSetup> {
        let own = self.workloads.iter().map(|workload| &workload.tier);
        own.chain(self.lanes.further.iter().map(|lane| &lane.tier))
    }
}
