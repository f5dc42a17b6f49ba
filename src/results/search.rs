//! What `search` adds to a summary: between which loads the SLO breaks, why, and what would help.

use super::figures::sig;
use super::summary::Summary;
use serde::{Deserialize, Serialize};

/// The highest load of a variant that meets its SLO. The variant's other figures are those of that load,
/// or of the lowest one tried if none passes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchSummary {
    /// The scenario's own load in requests per second; users who think count as if answers took no time.
    pub own_rps: f64,
    /// The highest load that passes; `null` if none of those tried does.
    pub pass: Option<LoadSummary>,
    /// The lowest load that fails; `null` if none of those tried does: then the highest that passes is
    /// not a limit.
    pub fail: Option<LoadSummary>,
    /// What the closed forms of the quotas give, without bursts and retries; `null` where nothing bounds it.
    pub closed_form_rps: Option<f64>,
    /// Whether a load passes above one that fails. The bracket is then the lowest of several.
    pub comes_back: bool,
    /// What breaks first; `null` if nothing does.
    pub binds: Option<BindsSummary>,
    /// What was tried to get further: what costs nothing first, then what has to be asked for or bought.
    pub advice: Vec<AdviceSummary>,
    /// Every load that was simulated, ascending.
    pub points: Vec<SearchPoint>,
    /// Simulated runs, those of the advice inside.
    pub runs: u64,
    /// Simulated requests, those of the advice inside.
    pub requests: u64,
    /// What a reader should know of this search.
    pub warnings: Vec<String>,
}

/// One end of the bracket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadSummary {
    /// Requests per second.
    pub rps: f64,
    /// Over the scenario's own load.
    pub factor: f64,
    /// Good requests over offered ones.
    pub attainment: Option<f64>,
}

/// One load that was simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchPoint {
    /// Requests per second.
    pub rps: f64,
    /// Over the scenario's own load.
    pub factor: f64,
    /// `pass`, `fail`, or `undecided`, which counts as a failure.
    pub verdict: String,
    /// Good requests over offered ones.
    pub attainment: Option<f64>,
    /// Its lower end, which misses with 5 %.
    pub attainment_low: Option<f64>,
    /// Its upper end, which misses with 5 %.
    pub attainment_high: Option<f64>,
    /// Runs that it took to decide, each with a seed of its own.
    pub runs: u32,
    /// Simulated seconds over all runs, warm-up inside.
    pub length_s: f64,
    /// The objectives that keep it from passing.
    pub missed: Vec<String>,
}

/// What breaks first as the load rises.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BindsSummary {
    /// `tpm_reservation`, `tpm`, `rpm`, `tpd`, `account_tpd`, `bought_capacity`, `region_capacity`,
    /// `guardrail`, `client_concurrency`, `client_queue`, `client_timeout`, `errors`, `context` or `latency`.
    pub kind: String,
    /// The same in a few words.
    pub what: String,
    /// What was counted at the load that fails, as a sentence.
    pub evidence: String,
}

/// A change that was tried in the simulator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdviceSummary {
    /// What to change.
    pub change: String,
    /// The highest load that passes with it; `null` if none does.
    pub pass_rps: Option<f64>,
    /// What that is over the load without it, less one; `null` if nothing passes without it.
    pub gain: Option<f64>,
    /// What the closed forms of the quotas give for it.
    pub closed_form_rps: Option<f64>,
    /// What breaks first then.
    pub then_binds: Option<String>,
}

impl SearchSummary {
    /// The same with six significant digits, as every figure of a summary has.
    #[must_use]
    pub fn rounded(mut self) -> Self {
        let load = |load: &mut LoadSummary| {
            load.rps = sig(load.rps);
            load.factor = sig(load.factor);
            load.attainment = load.attainment.map(sig);
        };
        self.own_rps = sig(self.own_rps);
        self.pass.iter_mut().chain(&mut self.fail).for_each(load);
        self.closed_form_rps = self.closed_form_rps.map(sig);
        for point in &mut self.points {
            point.rps = sig(point.rps);
            point.factor = sig(point.factor);
            point.attainment = point.attainment.map(sig);
            point.attainment_low = point.attainment_low.map(sig);
            point.attainment_high = point.attainment_high.map(sig);
            point.length_s = sig(point.length_s);
        }
        for advice in &mut self.advice {
            advice.pass_rps = advice.pass_rps.map(sig);
            advice.gain = advice.gain.map(sig);
            advice.closed_form_rps = advice.closed_form_rps.map(sig);
        }
        self
    }
}

impl Summary {
    /// Counts what searches simulated instead of the load that passes alone.
    pub fn count_searches(&mut self) {
        let searches = self.variants.iter().filter_map(|one| one.search.as_ref());
        let requests: u64 = searches.map(|search| search.requests).sum();
        self.engine.requests = requests;
        self.engine.requests_per_wall_s = super::figures::over(requests as f64, self.engine.wall_s);
    }
}
