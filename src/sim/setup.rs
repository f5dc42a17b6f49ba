//! What a run is made of: one variant with its models, prices and profiles resolved.

use super::lanes::Lanes;
use crate::client::Injector;
use crate::client::spec::{ClientPolicy, KnownQuota};
use crate::cost::Tariff;
use crate::domain::{LatencyMetric, PriceTier, ScopeKind, Slo};
use crate::load::spec::{ThinkingSpec, TrafficSpec};
use crate::service::batch::BatchSetup;
use crate::service::setup::EndpointSetup;
use crate::units::{Micros, Usd};

/// One variant, ready to run with any seed.
#[derive(Clone, Debug)]
pub struct RunSetup {
    /// For how long requests start.
    pub duration: Micros,
    /// Requests that start before this are not measured.
    pub warmup: Micros,
    /// The workloads, in the order of the endpoint's targets; those of further lanes come after them.
    pub workloads: Vec<WorkloadSetup>,
    /// The clients' policy.
    pub client: ClientPolicy,
    /// Where their requests may go beside the workloads' own endpoints.
    pub lanes: Lanes,
    /// The service.
    pub endpoint: EndpointSetup,
    /// When a single request is good.
    pub bounds: RequestBounds,
    /// Whether abandoned attempts are billed for their input and the tokens produced so far.
    pub timeouts_are_billed: bool,
    /// Whether to keep a record of each attempt; memory then grows with the run.
    pub record_attempts: bool,
    /// The width of the bins in which to follow what came of requests by when they began; `None` does not.
    pub course: Option<Micros>,
}

impl RunSetup {
    /// What clients can know of the quotas that they use when the run starts: one for each counter, and a last one,
    /// without limits, for calls that use none.
    pub fn known_quotas(&self) -> Vec<KnownQuota> {
        let targets = &self.endpoint.targets;
        let counters = self.endpoint.counters.iter().enumerate();
        let known = counters.map(|(index, counter)| {
            // All targets of a counter call one model.
            let target = targets
                .iter()
                .find(|target| target.route.counter() == Some(index));
            KnownQuota {
                tpm: Some(counter.limits.tpm),
                rpm: counter.limits.rpm,
                burndown: target.map_or(1, |target| target.burndown),
            }
        });
        let none = KnownQuota {
            tpm: None,
            rpm: None,
            burndown: targets.first().map_or(1, |target| target.burndown),
        };
        known.chain([none]).collect()
    }

    /// Which of [`RunSetup::known_quotas`] the calls on a lane use.
    pub fn quota_of(&self, lane: usize) -> u32 {
        let counter = self.endpoint.targets[lane].route.counter();
        counter.unwrap_or(self.endpoint.counters.len()) as u32
    }

    /// A client brain with nothing in progress, which knows the quotas and lanes.
    pub fn injector(&self) -> Injector {
        let injector = Injector::with_quotas(self.client, &self.known_quotas());
        if self.lanes.onward.is_empty() {
            return injector;
        }
        injector.with_lanes(self.workloads.len() as u32, self.lanes.onward.clone())
    }
}

/// The client side of one workload.
#[derive(Clone, Debug)]
pub struct WorkloadSetup {
    /// Its name, which names its random streams.
    pub name: String,
    /// Its traffic.
    pub traffic: TrafficSpec,
    /// Whether answers are streamed.
    pub stream: bool,
    /// What its tokens cost in each scope that may serve it; for batch jobs the batch price.
    pub tariffs: Vec<(ScopeKind, Tariff)>,
    /// The service tier that its calls ask for.
    pub tier: TierSetup,
    /// How its requests become batch jobs; `None` if they are calls.
    pub batch: Option<BatchSetup>,
    /// How much its model thinks before it answers, if it does.
    pub thinking: Option<ThinkingSpec>,
    /// What a text unit of its guardrail costs; zero without one.
    pub text_unit: Usd,
    /// What its router costs for each request; zero without one.
    pub router_fee: Usd,
}

/// What a router costs for one request, from its fee for 1,000.
pub fn router_fee_each(per_thousand: Usd) -> Usd {
    Usd(per_thousand.0.saturating_add(500).div_euclid(1000))
}

/// What the calls of a workload ask for beside plain on-demand use.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TierSetup {
    /// The service tier that they name.
    pub asks: Option<PriceTier>,
    /// Whether they ask for latency-optimised inference.
    pub latency_optimized: bool,
    /// What tokens cost that are served as asked, in each scope; otherwise the plain tariffs hold.
    pub tariffs: Vec<(ScopeKind, Tariff)>,
}

/// The longest times of a good request; [`Micros::MAX`] where the SLO says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestBounds {
    /// To the first token.
    pub ttft: Micros,
    /// To the last token.
    pub e2e: Micros,
    /// Per output token after the first.
    pub tpot: Micros,
}

impl RequestBounds {
    /// The bounds of single requests that an SLO implies.
    ///
    /// Where a latency is bounded at several quantiles, a single request has to meet the loosest.
    pub fn of(slo: &Slo) -> Self {
        let loosest = |metric: LatencyMetric| {
            let of_metric = slo.latency.iter().filter(|bound| bound.metric == metric);
            of_metric
                .map(|bound| bound.at_most)
                .max()
                .unwrap_or(Micros::MAX)
        };
        Self {
            ttft: loosest(LatencyMetric::Ttft),
            e2e: loosest(LatencyMetric::E2e),
            tpot: loosest(LatencyMetric::Tpot),
        }
    }
}
