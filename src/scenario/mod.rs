//! Scenario files: from TOML to a [`Scenario`], all problems at once.

mod answers;
mod cache;
mod client;
mod client_hedge;
mod files;
mod guardrail;
mod lanes;
mod levers;
mod offers;
mod origins;
mod plan;
mod read;
mod router;
mod service;
mod session;
mod shape;
mod slo;
mod spike;
mod traffic;
mod workload;

pub use files::Files;
pub use lanes::{ClassifierSpec, FallbackStep, LaneTarget, RouteStep};
pub use levers::{Combiner, Lever, MOST_LEVERS};
pub use offers::OfferSpec;
pub use origins::Origins;
pub use plan::{
    CashSpec, Credit, GrowthSpec, HorizonSpec, HourlySpec, HourlyUnit, OfferKind, PlanSpec,
    PlannedOffer, ServedSpec, WorkloadPlan,
};
pub use read::{Loaded, read};
pub use service::read_faults;
pub use spike::{SpikeSpec, Trigger};

use crate::client::spec::ClientPolicy;
use crate::domain::{Scope, Slo};
use crate::load::spec::{ThinkingSpec, TrafficSpec};
use crate::service::spec::ServiceSpec;
use crate::units::{Micros, Ratio, Usd};
use std::sync::Arc;

/// A scenario with its variants resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What question it answers, one line; may be empty.
    pub description: String,
    /// The seed of every draw.
    pub seed: u64,
    /// Independent repetitions, each with its own sub-seed; at least 1.
    pub replications: u32,
    /// The variants, at least one. A scenario without `[[variant]]` has one called `base`.
    pub variants: Vec<Variant>,
    /// The scenario as resolved, defaults filled in: printed by `check`, stored with each run.
    pub resolved: toml::Table,
}

/// One way to run the scenario's traffic.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its name, unique in the scenario.
    pub name: String,
    /// For how long requests start.
    pub duration: Micros,
    /// Requests that start before this are not measured.
    pub warmup: Micros,
    /// The traffic mix, at least one workload.
    pub workloads: Vec<Workload>,
    /// The policy of the clients.
    pub client: ClientPolicy,
    /// Where their requests go that have no luck, step by step.
    pub fallbacks: Vec<FallbackStep>,
    /// Where their requests start, behind the routes of the workloads themselves.
    pub routes: Vec<RouteStep>,
    /// What the run has to meet.
    pub slo: Slo,
    /// The service.
    pub service: ServiceSpec,
    /// What hits it, if something does. Its effect is in the workloads and the service already.
    pub spike: Option<SpikeSpec>,
    /// The price book by which it is billed; `None` is the latest.
    pub price_book: Option<String>,
    /// What a decision about buying capacity has to know beside.
    pub plan: PlanSpec,
}

/// One traffic stream with the model that it calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Its name, unique in the scenario.
    pub name: String,
    /// The name of a model profile.
    pub model: String,
    /// `max_tokens` of each request; `None` leaves it unset, and Bedrock reserves the model's maximum.
    pub max_tokens: Option<u32>,
    /// Whether answers are streamed; otherwise there is no TTFT, only e2e.
    pub stream: bool,
    /// The scope of its calls, where it is not that of the variant's on-demand capacity.
    pub scope: Option<Scope>,
    /// Tags such as feature or customer, for the ledger.
    pub tags: Vec<(String, String)>,
    /// Its traffic.
    pub traffic: TrafficSpec,
    /// The id that its calls name instead of the model's own: a provisioned model's ARN, or that of an
    /// application inference profile.
    pub model_id: Option<String>,
    /// What its live calls say.
    pub prompts: PromptSpec,
    /// The guardrail that its calls meet, by name.
    pub guardrail: Option<String>,
    /// How much its model thinks before it answers, if it does.
    pub thinking: Option<ThinkingSpec>,
    /// Share of answers that end with the use of a tool.
    pub tool_use: Ratio,
    /// Share of answers that the model's own filter ends on their way.
    pub content_filtered: Ratio,
    /// The service tier, latency-optimised inference or batch jobs that it asks for.
    pub offer: OfferSpec,
    /// Where its requests start that do not go to its own model; the first match decides.
    pub routes: Vec<RouteStep>,
    /// Who decides about the others.
    pub classifier: Option<ClassifierSpec>,
    /// What a router costs for 1,000 requests that it sends to one endpoint or the other.
    pub router_fee: Option<Usd>,
}

/// What the live calls of a workload say. A simulation has no texts, and no use for this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptSpec {
    /// The prompts, taken in turn; without any, texts of the drawn size are made up.
    pub texts: Arc<[String]>,
    /// Tools that each call declares.
    pub tools: u32,
}
