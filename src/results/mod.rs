//! Results as documents: the summary, the manifest, the course of a run and its histograms.
//!
//! Everything here turns values into text and back; `store` puts the text into files.

mod account;
mod answers;
mod attempts;
mod baseline;
mod break_even;
pub mod calibration;
pub mod compare;
mod error;
mod figures;
mod import;
mod lab;
mod lanes;
mod live;
mod manifest;
mod metrics;
mod offers;
pub mod plan;
pub mod probe;
mod readings;
pub mod report;
mod search;
mod summarise;
mod summary;
mod tags;
mod timeline;
pub mod traffic;
pub mod twin;
mod verdict;

pub use answers::{AnswersSummary, GuardrailSummary, ThinkingSummary};
pub use attempts::{LiveMarks, attempt_line, attempts_jsonl};
pub use baseline::{
    BASELINE_SCHEMA, Baseline, BaselineRun, BaselineVariant, NoiseFloor, RunKind, read_baseline,
};
pub use error::ReadError;
pub use import::{
    IMPORT_SCHEMA, ImportEngine, ImportFiles, ImportLog, ImportMissing, ImportModel, ImportPlace,
    ImportSummary, ImportTally, read_import,
};
pub use lab::{
    FairnessSummary, LAB_SCHEMA, LabLoad, LabSummary, LabWindow, NextSummary, PhaseSummary,
    PhasesSummary, PolicyCourse, PolicySummary, TipSummary, read_lab,
};
pub use lanes::{ClassifierSummary, LaneSummary};
pub use live::{CalibrationSummary, LiveSummary, make_live, percentiles_of};
pub use manifest::{HostInfo, MANIFEST_SCHEMA, Manifest, ProfileUse, profile_use, read_manifest};
pub use metrics::{RunMetrics, RunPercentiles};
pub use readings::{Reading, attainment, readings};
pub use search::{AdviceSummary, BindsSummary, LoadSummary, SearchPoint, SearchSummary};
pub use summarise::{EngineInfo, ScenarioInfo, summarise};
pub use summary::{
    Absence, AssumptionSummary, AttemptSummary, BatchSummary, BreakEvenSummary, CostClasses,
    CostSummary, CourseSummary, EngineSummary, Estimate, IntervalSummary, LatencySummary,
    ObjectiveSummary, Percentiles, PrepaidSummary, PriceBookSummary, QuotaSummary, RegionSummary,
    ReplicationSummary, RequestSummary, SUMMARY_SCHEMA, SessionSummary, SloSummary, Summary,
    TierSummary, TokenSummary, VariantSummary, WorkloadSummary, read_summary,
};
pub use tags::TagCostSummary;
pub use timeline::{histogram_log, histogram_tag, timeline_csv};

/// The JSON Schema of `summary.json`.
pub const SUMMARY_JSON_SCHEMA: &str = include_str!("summary.schema.json");

/// The JSON Schema of `lab.json`.
pub const LAB_JSON_SCHEMA: &str = include_str!("lab.schema.json");

/// The JSON Schema of `plan.json`, made from its types.
pub const PLAN_JSON_SCHEMA: &str = include_str!("plan.schema.json");

/// The JSON Schema of `calibration.json`, made from its types.
pub const CALIBRATION_JSON_SCHEMA: &str = include_str!("calibration.schema.json");

/// The JSON Schema of `probe.json`, made from its types.
pub const PROBE_JSON_SCHEMA: &str = include_str!("probe.schema.json");

/// The JSON Schema of `twin.json`, made from its types.
pub const TWIN_JSON_SCHEMA: &str = include_str!("twin.schema.json");

/// The JSON Schema of the document of `trace stats`, made from its types.
pub const TRACE_STATS_JSON_SCHEMA: &str = include_str!("trace-stats.schema.json");

/// The JSON Schema of the document of `trace synth`, made from its types.
pub const TRACE_SYNTH_JSON_SCHEMA: &str = include_str!("trace-synth.schema.json");

/// The JSON Schema of `report.json`, made from its types.
pub const REPORT_JSON_SCHEMA: &str = include_str!("report.schema.json");

/// The JSON Schema of the document that `compare` prints, made from its types.
pub const COMPARE_JSON_SCHEMA: &str = include_str!("compare/compare.schema.json");

/// The JSON Schema of a baseline, made from its types.
pub const BASELINE_JSON_SCHEMA: &str = include_str!("compare/baseline.schema.json");

/// The JSON Schema of `import.json`, made from its types.
pub const IMPORT_JSON_SCHEMA: &str = include_str!("import.schema.json");

#[cfg(test)]
pub(crate) mod tests;
