//! The whole document of a plan.

use super::{
    BillSummary, CashSummary, DecisionSummary, DemandSummary, LeversSummary, QuotaOutlookSummary,
    SensitivitySummary, VerificationSummary, VerifiedHourSummary, VerifiedPlanSummary,
};
use crate::results::error::{ReadError, expect_schema};
use crate::results::summary::{AssumptionSummary, PriceBookSummary};
use serde::{Deserialize, Serialize};

/// The schema that this program writes.
pub const PLAN_SCHEMA: &str = "bedload.plan/1";

/// What to buy, when, and what everything is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanSummary {
    /// [`PLAN_SCHEMA`].
    pub schema: String,
    /// The scenario's name.
    pub scenario: String,
    /// The question that the scenario answers; may be empty.
    pub description: String,
    /// The seed of every draw.
    pub seed: u64,
    /// The verdict in one sentence for each variant.
    pub verdict: Vec<String>,
    /// How fast it was. The only part that differs between equal plans.
    pub engine: PlanEngine,
    /// The variants in the order of the scenario.
    pub variants: Vec<PlanVariant>,
    /// How to read the figures.
    pub notes: Vec<String>,
}

/// How long a plan took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanEngine {
    /// Seconds on the wall.
    pub wall_s: f64,
    /// Runs that were simulated.
    pub runs: u64,
    /// Threads.
    pub threads: u32,
}

/// The plan of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanVariant {
    /// Its name.
    pub name: String,
    /// Its capacity mode today, in a few words.
    pub mode: String,
    /// What to do in one sentence, and why.
    pub verdict: String,
    /// The price book in force.
    pub price_book: PriceBookSummary,
    /// Months that are planned.
    pub months: u32,
    /// The first month, such as `2027-01`; `null` if months are only numbered.
    pub start: Option<String>,
    /// Paths of demand that were drawn.
    pub paths: u32,
    /// What a month costs now, line by line.
    pub bill: BillSummary,
    /// Demand: a typical week and how it grows.
    pub demand: DemandSummary,
    /// What to buy, for each model and scope.
    pub pools: Vec<PoolPlan>,
    /// How long the quotas last, and what to ask for.
    pub quotas: Vec<QuotaOutlookSummary>,
    /// What each lever is worth; `null` without levers.
    pub levers: Option<LeversSummary>,
    /// What is paid month by month, after discounts and credits.
    pub cash: CashSummary,
    /// Choices that no source settles.
    pub assumptions: Vec<AssumptionSummary>,
    /// What a reader should know before trusting the figures.
    pub warnings: Vec<String>,
    /// Plain remarks.
    pub notes: Vec<String>,
}

/// The plan for the requests of one model in one scope, which share a quota.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PoolPlan {
    /// What to do about it in one sentence, quotas inside.
    pub sentence: String,
    /// What to buy, with what else could be done; where the quota will not do, with as much of it as is needed.
    pub decision: DecisionSummary,
    /// What to buy if no more quota is granted; `null` where the quota will do.
    pub within_quota: Option<DecisionSummary>,
    /// Cost against attainment, regret, and what matters.
    pub sensitivity: SensitivitySummary,
    /// The simulated plan; `null` if nothing was simulated.
    pub verification: Option<VerificationSummary>,
}

impl PlanVariant {
    /// Whether the SLO held in every hour that was simulated, or more quota or capacity makes it hold.
    pub fn meets_slo(&self) -> bool {
        let verified = self
            .pools
            .iter()
            .filter_map(|pool| pool.verification.as_ref());
        let met = |plan: &VerifiedPlanSummary| plan.is_met == Some(true);
        let can_be_met = |hour: &VerifiedHourSummary| match hour.plans.first() {
            Some(plan) if plan.is_met == Some(false) => {
                hour.raise.is_some() && hour.plans.iter().any(met)
            }
            _ => true,
        };
        verified.flat_map(|one| &one.hours).all(can_be_met)
    }
}

impl PlanSummary {
    /// The document as it stands in `plan.json`: indented, with a line break at the end.
    #[expect(clippy::missing_panics_doc, reason = "it cannot fail")]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("plain structs with string keys always serialise");
        text.push('\n');
        text
    }
}

/// Reads `plan.json`.
///
/// # Errors
/// If it is another document, or not one at all.
pub fn read_plan(text: &str) -> Result<PlanSummary, ReadError> {
    expect_schema(text, PLAN_SCHEMA)?;
    serde_json::from_str(text).map_err(|error| ReadError::of_json(PLAN_SCHEMA, &error))
}
