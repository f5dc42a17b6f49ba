//! The parts of the document of a plan.

mod demand;
mod quota;

pub use demand::{
    CallSummary, DemandMonthSummary, DemandSummary, GrowthSummary, WorkloadDemandSummary,
};
pub use quota::{
    ExhaustionSummary, MonthNeedSummary, QuotaLimitSummary, QuotaOutlookSummary,
    QuotaRequestSummary, RateSummary,
};
