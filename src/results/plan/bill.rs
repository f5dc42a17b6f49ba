//! The bill of a month, line by line.

use serde::{Deserialize, Serialize};

/// The bill of a month of 730 hours, in closed form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BillSummary {
    /// Dollars of all lines; `null` if something that is used has no known price.
    pub month_usd: Option<f64>,
    /// Dollars of what has a price.
    pub priced_usd: f64,
    /// The lines, in the order of the workloads.
    pub lines: Vec<BillLineSummary>,
    /// Sums by workload; what all share, such as bought capacity, has an empty name.
    pub by_workload: Vec<BillSumSummary>,
    /// Sums by model.
    pub by_model: Vec<BillSumSummary>,
    /// Sums by class.
    pub by_class: Vec<BillSumSummary>,
    /// Sums by the tags of workloads, tag by tag.
    pub by_tag: Vec<BillTagSummary>,
    /// What is used and has no known price.
    pub unpriced: Vec<String>,
    /// What the bill takes for granted.
    pub assumptions: Vec<String>,
    /// The figures of the price book that it rests on, with their sources and their age; empty if not asked for.
    pub figures: Vec<FigureAgeSummary>,
}

/// One line of a bill: units times unit price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BillLineSummary {
    /// The workload; empty for what all share.
    pub workload: String,
    /// `own`, `elsewhere` (a route or a classifier leads there), `classifier` or `deferred`.
    pub lane: String,
    /// The model profile's name.
    pub model: String,
    /// `global`, the prefix of a geographic profile, or a Region.
    pub scope: String,
    /// `standard`, `flex`, `priority`, `batch` or `latency_optimized`.
    pub tier: String,
    /// `input`, `output`, `cache_write_5m`, `cache_write_1h`, `cache_read`, `long_context` (the premium of long
    /// prompts), `guardrail`, `classifier`, `router_fee`, `wasted` or `capacity`.
    pub class: String,
    /// The class of tokens that the premium or the classifier's call is for, or the policy of the guardrail; `null`
    /// otherwise.
    pub of: Option<String>,
    /// What the units are: `tokens`, `text units`, `requests` or `hours`.
    pub unit: String,
    /// How many.
    pub units: u64,
    /// Dollars for one.
    pub unit_usd: f64,
    /// Dollars of the line.
    pub usd: f64,
}

/// A sum of lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BillSumSummary {
    /// Of what.
    pub name: String,
    /// Dollars.
    pub usd: f64,
}

/// The sum of the lines with one value of a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BillTagSummary {
    /// The tag, such as `customer`.
    pub tag: String,
    /// Its value; `null` is what does not carry it.
    pub value: Option<String>,
    /// Dollars.
    pub usd: f64,
}

/// A figure of the price book with its source and its age.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FigureAgeSummary {
    /// The model profile's name; empty for prices of guardrails.
    pub model: String,
    /// What it is, such as `usd_per_million_tokens.global`.
    pub what: String,
    /// Its value as the book has it.
    pub value: String,
    /// Where it comes from.
    pub source: String,
    /// The day of that source, `YYYY-MM-DD`.
    pub as_of: String,
    /// Days from that day to the day of the plan or, where that is not known, of the price book; `null` if the source
    /// is not dated.
    pub age_days: Option<i64>,
    /// `documented`, `third-party`, `derived` or `assumed`.
    pub status: String,
}
