//! `plan.json`: what to buy, when, and what everything is worth, part by part.
//!
//! The rules of `summary.json` hold: fields are only ever added, units are in names, and a value that is not
//! available is `null`, never 0. Dollars are those of a month of 730 hours unless their name says otherwise.

mod bill;
mod cash;
mod decision;
mod demand;
mod levers;
mod quota;
mod sensitivity;
mod verification;
mod whole;

pub use bill::*;
pub use cash::*;
pub use decision::*;
pub use demand::{
    CallSummary, DemandMonthSummary, DemandSummary, GrowthSummary, WorkloadDemandSummary,
};
pub use levers::*;
pub use quota::{
    ExhaustionSummary, MonthNeedSummary, QuotaLimitSummary, QuotaOutlookSummary,
    QuotaRequestSummary, RateSummary,
};
pub use sensitivity::*;
pub use verification::*;
pub use whole::{PLAN_SCHEMA, PlanEngine, PlanSummary, PlanVariant, PoolPlan, read_plan};

#[cfg(test)]
mod tests;
