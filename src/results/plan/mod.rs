//! `plan.json`, part by part.

mod levers;

pub use levers::{
    LeverBatchSummary, LeverCostSummary, LeverPairSummary, LeverStepSummary, LeverSummary,
    LeverVolumeSummary, LeversSummary,
};
