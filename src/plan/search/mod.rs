//! The highest load that still meets the SLO, what breaks there, and what would help.
//!
//! Each load is simulated with the same seeds and coupled arrivals
//! ([`TrafficSpec::within`](crate::load::spec::TrafficSpec::within)), until it passes or fails beyond
//! doubt: a bound passes if its 95 % confidence limit does. A load that is not decided is simulated with
//! twice as many seeds, up to sixteen times as many, and then counts as a failure. Seeds are
//! added rather than hours, because a longer run is another scenario: a spike would be a smaller part of
//! it, and a quota of a day would see more of the day.

mod advice;
pub(in crate::plan) mod binds;
mod bracket;
pub(in crate::plan) mod point;

pub use advice::Sources;

use crate::domain::Slo;
use crate::plan::{Preview, preview};
use crate::results::{AdviceSummary, LoadSummary, SearchPoint, SearchSummary};
use crate::sim::{Assembled, RunSetup, VariantMeasures};
use binds::Binds;
use bracket::{Field, Tried, bracket};
use point::{Measured, Subject, Verdict};
use rayon::prelude::*;

/// How a search is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchOptions {
    /// The load that fails is at most this much higher than the one that passes.
    pub precision: f64,
    /// Seeds of each load at first.
    pub seeds: u32,
    /// Whether to try what would help.
    pub advice: bool,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            precision: 0.02,
            seeds: 4,
            advice: true,
        }
    }
}

/// A run that is over, for progress.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'a> {
    /// The variant.
    pub variant: &'a str,
    /// The change that is tried with it; empty without one.
    pub trying: &'a str,
    /// The load, as a rate.
    pub rps: f64,
}

/// What the search of one variant found.
#[derive(Clone, Debug)]
pub struct Searched {
    /// The bracket with its reasons.
    pub summary: SearchSummary,
    /// The measures of the highest load that passes, or of the lowest one tried if none does.
    pub measures: VariantMeasures,
}

/// Requests of one run beyond which no load is tried.
const MOST_REQUESTS: f64 = 5e6;
/// Requests of one run below which none is.
const LEAST_REQUESTS: f64 = 20.0;
/// How far above the first guess arrivals are drawn, so that what follows is a part of them.
const HEADROOM: f64 = 4.0;

/// Searches each variant, on the threads of the present rayon pool.
///
/// Every variant has an SLO with at least one objective. The same seed gives the same result for any
/// number of threads; `watch` is called after each run, from any thread.
pub fn search(
    variants: &[Assembled],
    sources: Sources<'_>,
    seed: u64,
    options: &SearchOptions,
    watch: &(dyn Fn(&Step<'_>) + Sync),
) -> Vec<Searched> {
    variants
        .par_iter()
        .map(|one| search_one(one, sources, seed, options, watch))
        .collect()
}

fn search_one(
    assembled: &Assembled,
    sources: Sources<'_>,
    seed: u64,
    options: &SearchOptions,
    watch: &(dyn Fn(&Step<'_>) + Sync),
) -> Searched {
    let preview = preview(assembled, seed);
    let context = &assembled.context;
    let subject = Subject {
        setup: &assembled.setup,
        slo: &context.slo,
        seed,
        name: &context.name,
        trying: "",
    };
    let (start, closed_form) = guess(&assembled.setup, &preview);
    let found = Found::new(&subject, start, true, options, watch);
    let mut summary = found.summary(closed_form);
    let binds = found.binds(&context.slo);
    let binds = binds.map(|binds| binds.refined(&preview));
    summary.binds = binds.as_ref().map(Binds::summary);
    if let Some(binds) = binds.filter(|_| options.advice) {
        let pass = found.pass().map(|pass| pass.factor);
        // What the closed form is off by for the variant, it is about off by for its changes.
        let off = pass.map_or(1.0, |pass| pass / start);
        let tried: Vec<(AdviceSummary, u64, u64)> =
            advice::changes(assembled, &preview, &binds, pass, sources)
                .par_iter()
                .map(|change| try_change(change, (&found, off), seed, options, watch))
                .collect();
        for (advice, runs, requests) in tried {
            summary.runs += runs;
            summary.requests += requests;
            summary.advice.push(advice);
        }
    }
    let measures = found.into_measures();
    Searched { summary, measures }
}

/// Searches a variant with a change.
fn try_change(
    change: &advice::Change,
    (base, off): (&Found, f64),
    seed: u64,
    options: &SearchOptions,
    watch: &(dyn Fn(&Step<'_>) + Sync),
) -> (AdviceSummary, u64, u64) {
    let context = &change.assembled.context;
    let subject = Subject {
        setup: &change.assembled.setup,
        slo: &context.slo,
        seed,
        name: &context.name,
        trying: &change.text,
    };
    let preview = preview(&change.assembled, seed);
    let (start, closed_form) = guess(&change.assembled.setup, &preview);
    let hoped = base.pass().map(|pass| pass.factor * change.hoped);
    let start = if closed_form.is_some() {
        start * off
    } else {
        hoped.unwrap_or(start)
    };
    let found = Found::new(&subject, start, false, options, watch);
    let pass_rps = found.pass().map(|pass| pass.rps);
    let before = base.pass().map(|pass| pass.rps);
    let then_binds = found
        .binds(&context.slo)
        .map(|binds| binds.refined(&preview).what);
    let advice = AdviceSummary {
        change: change.text.clone(),
        pass_rps,
        gain: pass_rps
            .zip(before)
            .map(|(after, before)| after / before - 1.0)
            .or_else(|| before.map(|_| -1.0)),
        closed_form_rps: closed_form.map(|factor| factor * found.own_rate.0),
        then_binds,
    };
    let (runs, requests) = found.effort();
    (advice, runs, requests)
}

/// Where to begin, and what the closed forms of the quotas give, as factors of the scenario's load.
///
/// The busiest minute fills a quota first; places of the client are full by Little's law.
fn guess(setup: &RunSetup, preview: &Preview) -> (f64, Option<f64>) {
    let mut closed_form = f64::INFINITY;
    let mut start = f64::INFINITY;
    for quota in &preview.quotas {
        let result = &quota.headroom;
        if quota.load.rate.0 > 0.0 {
            closed_form = closed_form.min(result.max_rate.0 / quota.load.rate.0);
        }
        let used = [Some(result.tpm_share), result.rpm_share, result.tpd_share];
        for share in used.into_iter().flatten().filter(|share| *share > 0.0) {
            start = start.min(1.0 / share);
        }
    }
    if let Some(bought) = preview.bought.as_ref().filter(|bought| !bought.overflows) {
        let mean = bought.input_share.0.max(bought.output_share.0);
        let peak = bought.input_share.1.max(bought.output_share.1);
        closed_form = closed_form.min(1.0 / mean);
        start = start.min(1.0 / peak);
    }
    if let Some(places) = setup.client.concurrency {
        let in_flight: f64 = preview.workloads.iter().map(|one| one.in_flight).sum();
        start = start.min(f64::from(places) / in_flight);
    }
    // A guess from next to nothing is none.
    let is_sane = (1.0 / 64.0..=64.0).contains(&start);
    let bounds = closed_form.is_finite() && closed_form < 1e4;
    (
        if is_sane { start } else { 1.0 },
        bounds.then_some(closed_form),
    )
}

/// The search of one subject.
struct Found {
    tried: Tried<Measured>,
    own_rate: (f64, bool),
}

impl Found {
    fn new(
        subject: &Subject<'_>,
        start: f64,
        looks_below: bool,
        options: &SearchOptions,
        watch: &(dyn Fn(&Step<'_>) + Sync),
    ) -> Self {
        let own_rate = subject.rate();
        let requests = (own_rate.0 * subject.setup.duration.as_secs_f64()).max(1.0);
        let most = (MOST_REQUESTS / requests).max(2.0);
        let field = Field {
            start,
            least: (LEAST_REQUESTS / requests).min(1.0 / 16.0),
            most,
            precision: options.precision,
            looks_below,
        };
        let mut ceiling = (HEADROOM * start).min(most);
        let mut probe = |factor: f64| {
            if factor > ceiling {
                ceiling = (HEADROOM * factor).min(most).max(factor);
            }
            subject.measure((ceiling, factor), own_rate, options, watch)
        };
        let tried = bracket(&field, &mut probe, &Measured::passes);
        Self { tried, own_rate }
    }

    fn pass(&self) -> Option<&Measured> {
        self.tried.pass.map(|index| &self.tried.points[index].1)
    }

    fn fail(&self) -> Option<&Measured> {
        self.tried.fail.map(|index| &self.tried.points[index].1)
    }

    fn binds(&self, slo: &Slo) -> Option<Binds> {
        self.fail().map(|failing| binds::binds(failing, slo))
    }

    /// Runs and requests simulated.
    fn effort(&self) -> (u64, u64) {
        let measured = self.tried.points.iter().map(|(_, point)| &point.measures);
        measured.fold((0, 0), |sum, one| {
            let runs = one.replications.len() as u64;
            (sum.0 + runs, sum.1 + one.total.simulated)
        })
    }

    fn summary(&self, closed_form: Option<f64>) -> SearchSummary {
        let points: Vec<SearchPoint> = self
            .tried
            .points
            .iter()
            .map(|(_, point)| told(point))
            .collect();
        let end = |point: &Measured| LoadSummary {
            rps: point.rps,
            factor: point.factor,
            attainment: point.attainment.map(|one| one.estimate),
        };
        let (runs, requests) = self.effort();
        SearchSummary {
            own_rps: self.own_rate.0,
            pass: self.pass().map(end),
            fail: self.fail().map(end),
            closed_form_rps: closed_form.map(|factor| factor * self.own_rate.0),
            comes_back: self.tried.comes_back,
            binds: None,
            advice: Vec::new(),
            warnings: warnings(self, &points),
            points,
            runs,
            requests,
        }
    }

    fn into_measures(mut self) -> VariantMeasures {
        // Without a load that passes, the lowest one shows why.
        let index = self.tried.pass.unwrap_or(0);
        self.tried.points.swap_remove(index).1.measures
    }
}

fn told(point: &Measured) -> SearchPoint {
    let runs = point.measures.replications.len();
    SearchPoint {
        rps: point.rps,
        factor: point.factor,
        verdict: match point.verdict {
            Verdict::Passes => "pass",
            Verdict::Fails => "fail",
            Verdict::Undecided => "undecided",
        }
        .to_owned(),
        attainment: point.attainment.map(|one| one.estimate),
        attainment_low: point.attainment.map(|one| one.low),
        attainment_high: point.attainment.map(|one| one.high),
        runs: runs as u32,
        length_s: point.setup.duration.as_secs_f64() * runs as f64,
        missed: point
            .missed()
            .iter()
            .map(|one| one.reading.name.clone())
            .collect(),
    }
}

fn warnings(found: &Found, points: &[SearchPoint]) -> Vec<String> {
    let mut warnings = Vec::new();
    let better_above = points.windows(2).any(|pair| {
        let (lower, higher) = (pair[0].attainment_high, pair[1].attainment_low);
        lower
            .zip(higher)
            .is_some_and(|(lower, higher)| lower < higher)
    });
    if found.tried.comes_back {
        warnings.push(
            "a load passes above one that fails: the lower bracket is told, as such a system may \
             stay bad once it is (metastable)"
                .to_owned(),
        );
    } else if better_above {
        warnings.push(
            "the share of good requests is not monotone in the load: look at the single loads \
             before you rely on the bracket"
                .to_owned(),
        );
    }
    if let Some(fail) = found.fail()
        && fail.verdict == Verdict::Undecided
    {
        warnings.push(format!(
            "the load that fails could not be told apart from one that passes in {} runs, and counts \
             as a failure: longer runs (`--duration`) or more seeds may carry the bracket up",
            fail.measures.replications.len()
        ));
    }
    warnings
}

#[cfg(test)]
mod tests;
