//! What a variant calls when it is run live.

use super::guarded::NamedGuardrail;
use super::prompt::PromptMaker;
use crate::client::spec::{RetryPolicy, SdkRetries};
use crate::domain::{CacheTtl, Scope, ScopeKind};
use crate::profile::Catalogue;
use crate::scenario::{Variant, Workload};
use crate::service::ServedBy;
use crate::service::spec::{CapacitySpec, Overload};
use crate::sim::{Assembled, LaneRole, RunSetup};
use crate::units::Micros;
use crate::wire::request::TokenRatio;
use aws_sdk_bedrockruntime::types::{
    PerformanceConfiguration, ServiceTier, ServiceTierType, Tool, ToolConfiguration,
    ToolInputSchema, ToolSpecification,
};
use aws_smithy_types::Document;
use std::collections::HashMap;
use std::sync::Arc;
use thiserror::Error;

/// One variant, ready to be run live.
pub struct LivePlan {
    /// Its name.
    pub name: String,
    /// What a simulation of it would run; quotas and latencies are not used.
    pub setup: RunSetup,
    /// The scenario's Region, for when the environment names none.
    pub region: String,
    /// The seed of every draw.
    pub seed: u64,
    /// The SDK's own retries, if the scenario asks for them.
    pub(super) sdk_retries: Option<(SdkRetries, u32, Option<Micros>)>,
    pub(super) workloads: Vec<LiveWorkload>,
    /// The calls of the lanes beside the workloads' own.
    pub(super) further: Vec<LiveWorkload>,
}

/// Why a variant cannot be run live.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Provisioned capacity is called by its ARN.
    #[error("the workload `{0}` is served by model units and has no `model_id`")]
    NoProvisionedId(String),
    /// A live run makes calls; batch jobs need files in S3 and a role.
    #[error(
        "the workload `{0}` is a batch workload: a live run makes calls and submits no batch jobs"
    )]
    IsBatch(String),
    /// Texts of a file have sizes of their own.
    #[error("the workload `{0}` has sessions, whose messages are made up, and `prompts.file`")]
    TextsInSessions(String),
    /// The catalogue has no such model.
    #[error("{0}")]
    UnknownModel(String),
}

/// What one workload's calls look like.
pub(super) struct LiveWorkload {
    pub name: String,
    /// Its name with nothing but the characters that metadata may have.
    pub label: String,
    pub model_id: String,
    pub stream: bool,
    pub max_tokens: Option<u32>,
    /// The most output tokens that a call can be billed for.
    pub most_output: u32,
    pub texts: Arc<[String]>,
    pub maker: PromptMaker,
    pub ratio: TokenRatio,
    pub tools: Option<ToolConfiguration>,
    pub tier: Option<ServiceTier>,
    pub performance: Option<PerformanceConfiguration>,
    /// The life of marked prefixes; `None` if they carry no cache point.
    pub cache: Option<CacheTtl>,
    /// Who serves a call whose answer does not say that another tier did.
    pub bought: Option<ServedBy>,
    /// The scope whose prices on-demand calls pay.
    pub scope: ScopeKind,
    /// The guardrail that its calls name.
    pub guardrail: Option<NamedGuardrail>,
}

impl LiveWorkload {
    /// Who served a call whose answer names `tier`.
    pub(super) fn served_by(&self, tier: Option<&ServiceTierType>) -> ServedBy {
        match (self.bought, tier) {
            (None, _) | (Some(_), Some(ServiceTierType::Default)) => {
                ServedBy::on_demand(self.scope)
            }
            (Some(bought), _) => bought,
        }
    }
}

impl PlanError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoProvisionedId(_) => "set `model_id` of the workload to the ARN to call",
            Self::IsBatch(_) => {
                "leave out `batch`, choose a variant without it, or use `bedload simulate`"
            }
            Self::TextsInSessions(_) => "leave out `prompts.file`, or `session`",
            Self::UnknownModel(_) => "`bedload check` lists the models that there are",
        }
    }
}

impl LivePlan {
    /// The plan of `variant`, which was assembled as `assembled`, with the scenario's seed.
    ///
    /// # Errors
    /// If its capacity cannot be named on the wire.
    pub fn new(
        variant: &Variant,
        assembled: &Assembled,
        catalogue: &Catalogue,
        seed: u64,
    ) -> Result<Self, PlanError> {
        let mut setup = assembled.setup.clone();
        setup.record_attempts = true;
        // What an abandoned attempt used is not known: no usage comes with it.
        setup.timeouts_are_billed = false;
        // How much of an output is thinking stands in no answer.
        for workload in &mut setup.workloads {
            workload.thinking = None;
        }
        let sdk_retries = match setup.client.retry {
            RetryPolicy::Sdk { mode, max_attempts } => {
                setup.client.retry = RetryPolicy::None;
                // The SDK then counts the time of each attempt too.
                let timeout = setup.client.timeout.take();
                Some((mode, max_attempts, timeout))
            }
            _ => None,
        };
        // A live run submits no jobs: who is deferred is counted, and costs nothing.
        for lane in &mut setup.lanes.further {
            if lane.role == LaneRole::Defers {
                lane.tariffs.clear();
            }
        }
        let workloads = variant
            .workloads
            .iter()
            .enumerate()
            .map(|(index, workload)| {
                let capacity = &variant.service.capacity;
                live_workload(variant, workload, capacity, (&setup, index), catalogue)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let further = assembled.lanes.iter().enumerate().map(|(index, lane)| {
            let target = (&setup, workloads.len() + index);
            let capacity = CapacitySpec::OnDemand {
                scope: lane.scope.clone(),
            };
            let mut calls = live_workload(variant, &lane.workload, &capacity, target, catalogue)?;
            if setup.lanes.further[index].role == LaneRole::Classifies {
                calls.tools = None;
            }
            Ok(calls)
        });
        let further = further.collect::<Result<_, _>>()?;
        Ok(Self {
            name: variant.name.clone(),
            region: variant.service.region.clone(),
            seed,
            sdk_retries,
            workloads,
            further,
            setup,
        })
    }

    /// The most attempts of one request on one lane.
    pub fn most_attempts(&self) -> u32 {
        match self.sdk_retries {
            Some((_, attempts, _)) => attempts,
            None => crate::client::max_attempts(&self.setup.client.retry),
        }
    }

    /// What the calls of lane number `lane` look like.
    pub(super) fn lane(&self, lane: usize) -> &LiveWorkload {
        match lane.checked_sub(self.workloads.len()) {
            None => &self.workloads[lane],
            Some(further) => &self.further[further],
        }
    }

    /// How many lanes there are.
    pub(super) fn lanes(&self) -> usize {
        self.workloads.len() + self.further.len()
    }
}

fn live_workload(
    variant: &Variant,
    workload: &Workload,
    capacity: &CapacitySpec,
    (setup, index): (&RunSetup, usize),
    catalogue: &Catalogue,
) -> Result<LiveWorkload, PlanError> {
    if workload.offer.batch.is_some() {
        return Err(PlanError::IsBatch(workload.name.clone()));
    }
    let unknown = |error: &dyn std::fmt::Display| PlanError::UnknownModel(error.to_string());
    let model = catalogue
        .model(&workload.model)
        .map_err(|error| unknown(&error))?;
    let (scope, bought, tier) = match capacity {
        CapacitySpec::OnDemand { scope } => {
            (scope.clone(), None, super::tiers::tier(&workload.offer))
        }
        CapacitySpec::Reserved(spec) => (
            spec.scope.clone(),
            Some(ServedBy::Reserved),
            ServiceTier::builder()
                .r#type(ServiceTierType::Reserved)
                .build()
                .ok(),
        ),
        CapacitySpec::Provisioned(spec) => {
            let scope = match &spec.overload {
                Overload::OnDemand(scope) => scope.clone(),
                Overload::Refuse | Overload::Queue => {
                    Scope::InRegion(variant.service.region.clone())
                }
            };
            (scope, Some(ServedBy::ModelUnits), None)
        }
    };
    let model_id = match &workload.model_id {
        Some(id) => id.clone(),
        None if matches!(capacity, CapacitySpec::Provisioned(_)) => {
            return Err(PlanError::NoProvisionedId(workload.name.clone()));
        }
        None => match &scope {
            Scope::InRegion(_) => model.model_id.clone(),
            Scope::Geo(prefix) => format!("{prefix}.{}", model.model_id),
            Scope::Global => format!("global.{}", model.model_id),
        },
    };
    let ratio = variant.service.answers.bytes_per_token;
    let ratio = TokenRatio::new(ratio.unwrap_or(model.bytes_per_token)).unwrap_or(TokenRatio::FOUR);
    let target = &setup.endpoint.targets[index];
    let (tools, tool_bytes) = tools(workload.prompts.tools);
    let context = &workload.traffic.context;
    let has_context = !context.points.is_empty() || context.history.is_some();
    if workload.traffic.has_sessions() && !workload.prompts.texts.is_empty() {
        return Err(PlanError::TextsInSessions(workload.name.clone()));
    }
    let cache = match &workload.traffic.prefix {
        Some(prefix) => prefix.marked.then_some(prefix.ttl),
        None if has_context => context.marked.then_some(CacheTtl::FiveMinutes),
        None => (target.block_tokens > 0).then_some(CacheTtl::FiveMinutes),
    };
    let maker = PromptMaker::new(ratio, target.block_tokens, tool_bytes, cache.is_some());
    Ok(LiveWorkload {
        name: workload.name.clone(),
        label: label(&workload.name),
        model_id,
        stream: workload.stream,
        max_tokens: workload.max_tokens,
        most_output: target.max_tokens,
        texts: workload.prompts.texts.clone(),
        maker,
        ratio,
        tools,
        tier,
        performance: super::tiers::performance(&workload.offer),
        cache,
        bought,
        scope: scope.kind(),
        guardrail: NamedGuardrail::of(variant, workload),
    })
}

/// The characters that `requestMetadata` takes, 256 at most; others become dashes.
fn label(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " :_@$#=/+,-.".contains(c);
    let kept = name.chars().take(256);
    kept.map(|c| if plain(c) { c } else { '-' }).collect()
}

/// So many small tools, and the bytes of text that they add to a prompt.
fn tools(number: u32) -> (Option<ToolConfiguration>, u64) {
    const DESCRIPTION: &str = "Looks up what is known of a station.";
    if number == 0 {
        return (None, 0);
    }
    let object = |pairs: &[(&str, Document)]| {
        let pairs = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()));
        Document::Object(pairs.collect::<HashMap<_, _>>())
    };
    let text = |text: &str| Document::String(text.to_owned());
    let station = object(&[("type", text("string"))]);
    let schema = object(&[
        ("type", text("object")),
        ("properties", object(&[("station", station)])),
        ("required", Document::Array(vec![text("station")])),
    ]);
    let written =
        r#"{"type":"object","properties":{"station":{"type":"string"}},"required":["station"]}"#;
    let mut bytes = 0;
    let tools = (0..number).filter_map(|index| {
        let name = format!("look_up_{index}");
        bytes += (name.len() + DESCRIPTION.len() + written.len()) as u64;
        let spec = ToolSpecification::builder()
            .name(name)
            .description(DESCRIPTION)
            .input_schema(ToolInputSchema::Json(schema.clone()))
            .build();
        spec.ok().map(Tool::ToolSpec)
    });
    let config = ToolConfiguration::builder()
        .set_tools(Some(tools.collect()))
        .build();
    (config.ok(), bytes)
}

impl LiveWorkload {
    /// The same kind of calls in their simplest streamed form.
    pub(super) fn plain_stream(&self) -> Self {
        Self {
            name: "calibration".to_owned(),
            label: "calibration".to_owned(),
            model_id: self.model_id.clone(),
            stream: true,
            max_tokens: Some(1),
            most_output: 1,
            texts: Arc::from([]),
            maker: PromptMaker::new(self.ratio, 0, 0, false),
            ratio: self.ratio,
            tools: None,
            tier: None,
            performance: None,
            cache: None,
            bought: None,
            scope: self.scope,
            guardrail: None,
        }
    }
}
