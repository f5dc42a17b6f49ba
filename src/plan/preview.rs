//! What can be told of a variant without simulating it: offered load, quotas, cost.
//!
//! The load is measured from the arrivals that a run with this seed would have, the rest is
//! closed form ([`headroom`](super::headroom())). Retries, refusals and queueing are not inside.

mod batch;
mod calls;
mod counters;
mod findings;
mod lanes;
mod money;
mod offered;
mod sample;
pub mod words;

pub use batch::BatchPreview;
pub(super) use sample::{arrivals, hits};

use crate::cost::Ledger;
use crate::domain::{FactStatus, Origin, QuotaRules, ScopeKind};
use crate::load::burstiness::Burstiness;
use crate::load::thinking::ThinkingLaw;
use crate::plan::{Headroom, LoadPoint, RightSize, SustainedBounds};
use crate::profile::Catalogue;
use crate::service::CounterLimits;
use crate::service::setup::TargetSetup;
use crate::sim::{Assembled, Assumption};
use crate::units::{Micros, PerSecond, TokensPerMinute, Usd};
use offered::{Joined, Offered};
use std::fmt;

/// One variant, looked at before a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// Its capacity mode in a few words.
    pub mode: String,
    /// For how long requests start.
    pub duration: Micros,
    /// The load of each workload.
    pub workloads: Vec<WorkloadPreview>,
    /// How that load stands to each quota counter.
    pub quotas: Vec<QuotaPreview>,
    /// How it stands to bought capacity, if there is any.
    pub bought: Option<BoughtPreview>,
    /// What is to be expected of the bill.
    pub cost: CostPreview,
    /// Whether the load fits.
    pub verdict: Verdict,
    /// What follows from the figures, as sentences.
    pub findings: Vec<String>,
    /// What a reader should know before trusting or running this.
    pub warnings: Vec<String>,
    /// Plain remarks.
    pub notes: Vec<String>,
    /// The choices that no source settles.
    pub assumptions: Vec<Assumption>,
    /// The price book's name and date.
    pub price_book: (String, String),
}

/// The load of one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadPreview {
    /// Its name.
    pub name: String,
    /// The model profile's name.
    pub model: String,
    /// The model's name for people.
    pub model_title: String,
    /// Users of a closed loop, whose rate is N/(R + Z); `None` for open traffic.
    pub users: Option<u32>,
    /// Requests in the whole run, expected where only a part was looked at.
    pub requests: f64,
    /// The part of the run, from its start, that the figures are measured from.
    pub measured_span: Micros,
    /// Requests per second over the run.
    pub mean_rate: PerSecond,
    /// Requests per second in the busiest sixty seconds, to a resolution of one second.
    pub peak_minute_rate: PerSecond,
    /// Requests in the busiest second.
    pub peak_second_rate: PerSecond,
    /// Burstiness; `None` for a closed loop.
    pub burstiness: Option<Burstiness>,
    /// Input tokens without the prefix.
    pub input: SizeFigures,
    /// Output tokens that the model would produce if `max_tokens` did not stop it.
    pub output: SizeFigures,
    /// Mean tokens of the prefix.
    pub prefix_mean: f64,
    /// Mean input tokens neither read from nor written to the cache.
    pub uncached_input: f64,
    /// Mean tokens written to the cache.
    pub cache_write: f64,
    /// Mean tokens read from the cache.
    pub cache_read: f64,
    /// Mean output tokens, cut at `max_tokens`.
    pub billed_output: f64,
    /// Share of cacheable prefix tokens read from the cache, with a cold cache at the start;
    /// `None` if nothing is cacheable.
    pub cache_hit_ratio: Option<f64>,
    /// `max_tokens` in force.
    pub max_tokens: u64,
    /// Whether the scenario set it; otherwise it is the model's maximum.
    pub max_tokens_is_set: bool,
    /// Share of answers that `max_tokens` cuts.
    pub truncated_share: f64,
    /// Mean time in the service, noise and hops inside.
    pub latency: Micros,
    /// The latency profile's name.
    pub latency_profile: String,
    /// Measured, fitted or assumed.
    pub latency_origin: Origin,
    /// Requests in flight on average (Little's law).
    pub in_flight: f64,
    /// What its tokens cost in the whole run, on demand or as batch; `None` without prices.
    pub token_cost: Option<Ledger>,
    /// Its jobs, if it is a batch workload; its latency is then that of a job.
    pub batch: Option<BatchPreview>,
    /// The share of its calls that the quota of latency-optimised inference takes on average, if
    /// they ask for it; the others are served and billed as standard.
    pub optimized_share: Option<f64>,
}

/// A law of token counts in four figures; a quantile is `None` with too few samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SizeFigures {
    /// The mean.
    pub mean: f64,
    /// The median.
    pub p50: Option<u32>,
    /// The 99th percentile.
    pub p99: Option<u32>,
    /// The 99.9th percentile.
    pub p999: Option<u32>,
}

/// How the load stands to one quota counter.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaPreview {
    /// The model profile's name.
    pub model: String,
    /// Which counter of the model.
    pub kind: ScopeKind,
    /// Its limits.
    pub limits: CounterLimits,
    /// Where they come from, once [`Preview::with_sources`] has told.
    pub source: Option<String>,
    /// How they are enforced.
    pub rules: QuotaRules,
    /// The workloads that share it.
    pub workloads: Vec<String>,
    /// Whether it takes only what bought capacity does not hold.
    pub overflow: bool,
    /// Their loads added up. The peak is that of the tokens that the limiter counts, told in mean
    /// requests.
    pub load: LoadPoint,
    /// Requests per second in the busiest minute, whatever their size.
    pub peak_request_rate: PerSecond,
    /// How the load stands to all limits.
    pub headroom: Headroom,
    /// What TPM alone carries under each reading of the enforcement.
    pub tpm_bounds: SustainedBounds,
    /// Share of TPM that reservations hold at the mean rate.
    pub mean_held_share: f64,
    /// Share of TPM that settles at the mean rate.
    pub mean_settled_share: f64,
    /// `max_tokens` at p99.9 of each workload's output, where that is less than now.
    pub right_size: Option<RightSizing>,
    /// Whether it carries the load.
    pub level: Level,
}

/// A smaller `max_tokens` for workloads, and what it gives.
#[derive(Clone, Debug, PartialEq)]
pub struct RightSizing {
    /// The workloads and the value proposed for each.
    pub max_tokens: Vec<(String, u32)>,
    /// The rate of the counter with all of them.
    pub result: RightSize,
}

/// How the load stands to bought capacity.
#[derive(Clone, Debug, PartialEq)]
pub struct BoughtPreview {
    /// What was bought.
    pub what: String,
    /// Input tokens per minute that it sustains.
    pub input_tpm: TokensPerMinute,
    /// Output tokens per minute that it sustains.
    pub output_tpm: TokensPerMinute,
    /// Share of the input side in use on average and in the busiest clock minute.
    pub input_share: (f64, f64),
    /// Share of the output side in use on average and in the busiest clock minute.
    pub output_share: (f64, f64),
    /// Share of requests beyond it, minute by minute.
    pub overflow_share: f64,
    /// Whether those go on to on-demand quota.
    pub overflows: bool,
    /// Whether it holds the load; overflow is for the quotas to judge.
    pub level: Level,
}

/// The expected bill of the offered load: no retries, no waste, no refusals.
#[derive(Clone, Debug, PartialEq)]
pub struct CostPreview {
    /// Tokens in the run, by class; `None` if a price is missing.
    pub tokens_run: Option<Ledger>,
    /// Tokens in a month of 730 hours at this load; `None` too for a run without length.
    pub tokens_month: Option<Ledger>,
    /// Bought capacity per hour: zero if none, `None` if its price is not known.
    pub bought_per_hour: Option<Usd>,
    /// All of the run.
    pub run: Option<Usd>,
    /// All of a month.
    pub month: Option<Usd>,
}

/// Whether a load fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Even in the busiest minute.
    Fits,
    /// On average, but not in the busiest minute.
    ThrottlesAtPeaks,
    /// Not even on average.
    ThrottlesAlways,
}

/// A level with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The level.
    pub level: Level,
    /// What decides it, as a sentence without its full stop.
    pub reason: String,
}

impl Level {
    /// Of a mean and a peak use of a limit, 1 being all of it.
    pub fn of(mean: f64, peak: f64) -> Self {
        if mean > 1.0 {
            Self::ThrottlesAlways
        } else if peak > 1.0 {
            Self::ThrottlesAtPeaks
        } else {
            Self::Fits
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fits => "fits",
            Self::ThrottlesAtPeaks => "throttles at peaks",
            Self::ThrottlesAlways => "throttles always",
        })
    }
}

/// Looks at one variant with the arrivals that `seed` gives, without simulating it.
///
/// At most about a million arrivals of each workload are drawn; longer runs are judged by their
/// beginning, which a warning says.
pub fn preview(assembled: &Assembled, seed: u64) -> Preview {
    let (setup, context) = (&assembled.setup, &assembled.context);
    let endpoint = &setup.endpoint;
    let parts = setup.workloads.iter().zip(&endpoint.targets);
    let offered: Vec<Offered> = parts
        .enumerate()
        .map(|(index, (workload, target))| {
            let mut offered = joined(assembled, index, target, seed).measure();
            if let Some(batch) = &workload.batch {
                batch::as_jobs(&mut offered, &batch.spec);
            }
            offered
        })
        .collect();
    let bought = counters::bought(assembled, &offered);
    let quotas = counters::quotas(assembled, &offered, bought.as_ref());
    let workloads: Vec<WorkloadPreview> = offered.into_iter().map(|one| one.figures).collect();
    let cost = money::cost(assembled, &workloads, bought.as_ref());
    let mut warnings = context.warnings.clone();
    warnings.extend(findings::warnings(assembled, &workloads));
    warnings.extend(money::account_warning(assembled, &workloads, &cost));
    Preview {
        mode: context.mode.clone(),
        duration: setup.duration,
        verdict: findings::verdict(&quotas, bought.as_ref()),
        findings: findings::findings(&workloads, &quotas, bought.as_ref()),
        workloads,
        quotas,
        bought,
        cost,
        warnings,
        notes: {
            let mut notes = context.notes.clone();
            notes.extend(lanes::notes(context));
            notes
        },
        assumptions: context.assumptions.clone(),
        price_book: context.price_book.clone(),
    }
}

/// The workload number `index` with the endpoint `target`.
fn joined<'a>(
    assembled: &'a Assembled,
    index: usize,
    target: &'a TargetSetup,
    seed: u64,
) -> Joined<'a> {
    let (setup, context) = (&assembled.setup, &assembled.context);
    let (workload, endpoint) = (&setup.workloads[index], &setup.endpoint);
    Joined {
        setup: workload,
        target,
        context: &context.workloads[index],
        ambient_load: endpoint.ambient_load,
        caches: endpoint.caches_of(target),
        tiers: &endpoint.tiers,
        cache: endpoint.cache,
        optimized: target
            .optimized
            .and_then(|route| endpoint.optimized.get(route.counter)),
        duration: setup.duration,
        seed,
        thinking: workload
            .thinking
            .as_ref()
            .map(|spec| ThinkingLaw::new(spec, seed, &workload.name)),
    }
}

impl Preview {
    /// Adds where each counter's limits come from: the model's profile, or the scenario itself.
    #[must_use]
    pub fn with_sources(mut self, catalogue: &Catalogue) -> Self {
        for quota in &mut self.quotas {
            let Ok(model) = catalogue.model(&quota.model) else {
                continue;
            };
            let CounterLimits { tpm, rpm, tpd } = quota.limits;
            let listed = model.quota(quota.kind);
            let same = listed.filter(|own| (own.tpm, own.rpm, own.tpd) == (tpm, rpm, tpd));
            quota.source = Some(match same {
                Some(listed) => {
                    let status = match listed.source.status {
                        FactStatus::Documented => String::new(),
                        other => format!(", {other}"),
                    };
                    format!(
                        "default of {}, as of {}{status}",
                        quota.model, listed.source.as_of
                    )
                }
                None => "set in the scenario".to_owned(),
            });
        }
        self
    }
}

#[cfg(test)]
mod tests;
