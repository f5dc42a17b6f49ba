//! `lab.json`: policies ranked by how they come through a spike.
//!
//! The rules of `summary.json` hold: fields are only ever added, times are milliseconds unless their name
//! says seconds, and a value that is not available is `null`, never 0.

use super::error::{ReadError, expect_schema};
use super::summary::{
    AssumptionSummary, EngineSummary, Estimate, Percentiles, PriceBookSummary, RequestSummary,
    SloSummary,
};
use serde::{Deserialize, Serialize};

/// The schema that this program writes.
pub const LAB_SCHEMA: &str = "bedload.lab/1";

/// Policies ranked by how they come through a spike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabSummary {
    /// [`LAB_SCHEMA`].
    pub schema: String,
    /// The scenario's name.
    pub scenario: String,
    /// The question that the scenario answers; may be empty.
    pub description: String,
    /// The seed of the scenario.
    pub seed: u64,
    /// The seed of each run; every policy met all of them.
    pub seeds: Vec<u64>,
    /// Whether it was cut short.
    pub partial: bool,
    /// The advice in a few sentences.
    pub verdict: Vec<String>,
    /// The policy to use; `null` if none comes back.
    pub best: Option<String>,
    /// What a reader should know first.
    pub warnings: Vec<String>,
    /// How fast the simulation was. The only part that differs between equal runs.
    pub engine: EngineSummary,
    /// The spike.
    pub window: LabWindow,
    /// The policies, the best one first.
    pub policies: Vec<PolicySummary>,
    /// The price book in force.
    pub price_book: Option<PriceBookSummary>,
    /// Choices that no source settles, of the best policy.
    pub assumptions: Vec<AssumptionSummary>,
    /// How to read the figures.
    pub notes: Vec<String>,
}

/// The times of a spike, in seconds from the beginning of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabWindow {
    /// The end of the warm-up.
    pub measured_from_s: f64,
    /// When the spike begins.
    pub at_s: f64,
    /// When it lets go.
    pub release_s: f64,
    /// The end of the run.
    pub until_s: f64,
    /// What hits.
    pub triggers: Vec<String>,
    /// The width of the bins by which a recovery is timed.
    pub bin_s: f64,
    /// Requests per second before the spike.
    pub base_rps: Option<f64>,
}

/// One policy in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicySummary {
    /// Its place, from 1.
    pub rank: u32,
    /// Its name.
    pub name: String,
    /// `recovers`, `metastable` or `overloaded`.
    pub verdict: String,
    /// The share of seeds in which it has this place.
    pub rank_stability: f64,
    /// Its place with each seed.
    pub ranks: Vec<u32>,
    /// How it compares with the policy before it; `null` for the first.
    pub behind: Option<NextSummary>,
    /// The objectives of the scenario, over the whole run with its spike.
    pub slo: SloSummary,
    /// Good requests per second over the measured span.
    pub goodput_rps: Option<f64>,
    /// The same by the parts of the run.
    pub phases: PhasesSummary,
    /// Good share of requests in the last third after the release over that before the spike.
    pub hysteresis: Option<f64>,
    /// Seconds from the release until it had recovered, the median over seeds; `null` is never in the
    /// run.
    pub recovery_s: Option<f64>,
    /// The same for each seed.
    pub recovery_by_seed_s: Vec<Option<f64>>,
    /// Attempts over requests.
    pub amplification: Option<f64>,
    /// The most of it in one bin, the median over seeds.
    pub peak_amplification: Option<f64>,
    /// Time to the first token from the intended start, all requests; those without an answer are
    /// infinitely late.
    pub ttft_all_ms: Percentiles,
    /// The same to the last token.
    pub e2e_all_ms: Percentiles,
    /// Requests by outcome, over all seeds.
    pub requests: RequestSummary,
    /// Requests that were given up after a quota refusal, as a share.
    pub refused_share: Option<f64>,
    /// Tokens of attempts that the service took up for nothing in one run, bought capacity inside.
    pub wasted_tokens: f64,
    /// Dollars of such attempts in one run; `null` if a price is unknown.
    pub wasted_usd: Option<f64>,
    /// Dollars of one run; `null` if a price is unknown.
    pub run_usd: Option<f64>,
    /// Who got how much.
    pub fairness: FairnessSummary,
    /// The load at which it tips; `null` if it was not asked for.
    pub tip: Option<TipSummary>,
    /// Its course over time, the mean over seeds.
    pub course: PolicyCourse,
}

/// How a policy compares with the one before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NextSummary {
    /// The one before it.
    pub to: String,
    /// What tells them apart: `comes_back`, `goodput`, `p99` or `amplification`; `null` if nothing does.
    pub by: Option<String>,
    /// How much larger the other's goodput is, with the 95 % interval of paired differences; `null` below
    /// two seeds.
    pub goodput_rps: Option<Estimate>,
}

/// Figures by the parts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PhasesSummary {
    /// Before the spike.
    pub before: PhaseSummary,
    /// The spike.
    pub during: PhaseSummary,
    /// From its release to the end.
    pub after: PhaseSummary,
    /// The last third of that.
    pub last_third: PhaseSummary,
}

/// Requests that were due in a part of the run, whenever they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PhaseSummary {
    /// Per second.
    pub offered_rps: Option<f64>,
    /// Of those, good ones per second.
    pub goodput_rps: Option<f64>,
    /// Good ones as a share.
    pub good_share: Option<f64>,
    /// Attempts that were sent in that time over requests that were due in it.
    pub amplification: Option<f64>,
}

/// The least good share over the largest; 1 is even, `null` if there are fewer than two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FairnessSummary {
    /// Over workloads.
    pub workloads: Option<f64>,
    /// Over client processes.
    pub instances: Option<f64>,
}

/// Between which base loads a policy tips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TipSummary {
    /// The highest base load found from which it comes back; `null` if none was found.
    pub recovers_at: Option<LabLoad>,
    /// The lowest base load found from which it does not; `null` if none was found.
    pub fails_at: Option<LabLoad>,
    /// What happens there: `metastable` or `overloaded`; `null` if no such load was found.
    pub by: Option<String>,
}

/// A base load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabLoad {
    /// Over that of the scenario.
    pub factor: f64,
    /// Requests per second before the spike.
    pub base_rps: f64,
}

/// A policy over time, in equal steps from the beginning of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PolicyCourse {
    /// Seconds of one step.
    pub step_s: f64,
    /// Requests that were due, per second.
    pub offered_rps: Vec<f64>,
    /// Of those, good ones per second.
    pub goodput_rps: Vec<f64>,
    /// Attempts per second.
    pub sent_rps: Vec<f64>,
}

impl LabSummary {
    /// The document as it stands in `lab.json`: indented, with a line break at the end.
    #[expect(clippy::missing_panics_doc, reason = "it cannot fail")]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("plain structs with string keys always serialise");
        text.push('\n');
        text
    }
}

/// Reads `lab.json`.
///
/// # Errors
/// If it is another document, or not one at all.
pub fn read_lab(text: &str) -> Result<LabSummary, ReadError> {
    expect_schema(text, LAB_SCHEMA)?;
    serde_json::from_str(text).map_err(|error| ReadError::of_json(LAB_SCHEMA, &error))
}
