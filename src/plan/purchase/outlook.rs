//! How demand stands to the quotas over the months of a plan: what the busiest minute needs, when that is more than
//! there is, and by when to ask for more.
//!
//! The need of a month is a product whose factors are all told:
//!
//! | factor | from |
//! |---|---|
//! | mean use of a typical week | the requests of the week times what the limiter counts of each |
//! | peak hour over the mean | the shape of the week |
//! | growth | the paths of demand; at their p95, hour-to-hour scatter inside |
//! | busiest minute over its hour | 1 + z·cv of a minute's use; z such that one of the month's minutes in the peak hour exceeds it |
//!
//! What the limiter counts of a request is the denominator of the closed forms of [`headroom`](crate::plan::headroom()):
//! 60·F + L·R under the conservative reading, where a request with reservation R, settlement F and latency L holds
//! R for L seconds and F for the minute after. Tokens that settle and billed tokens are told beside it; they are
//! less, and it is not them that decide about quota.

mod document;
mod exhaustion;
mod need;
mod sheet;

pub use exhaustion::{Exhaustion, SafeDate};
pub use need::{Factors, MonthNeed};
pub use sheet::{QuotaRequest, Side};

use super::Demand;
use super::demand::hour_scatter;
use crate::domain::{Scope, ScopeKind};
use crate::profile::Catalogue;
use crate::scenario::Variant;
use crate::sim::Assembled;
use need::{Counted, Load};
use std::fmt;

/// How the demand of a plan stands to its quotas.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// The quota counters that calls draw on.
    pub counters: Vec<CounterOutlook>,
    /// How to read the figures.
    pub notes: Vec<String>,
}

/// One counter: the quotas of a model in a scope.
#[derive(Clone, Debug, PartialEq)]
pub struct CounterOutlook {
    /// The model profile's name.
    pub model: String,
    /// The model's name for people.
    pub model_title: String,
    /// Which counter of the model.
    pub kind: ScopeKind,
    /// The scope of its calls.
    pub scope: Scope,
    /// The source Region, in which quotas are counted.
    pub region: String,
    /// The workloads that share it.
    pub workloads: Vec<String>,
    /// Its quotas.
    pub quotas: Vec<QuotaOutlook>,
    /// What to ask for, if one of them will not do.
    pub request: Option<QuotaRequest>,
}

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QuotaUnit {
    /// Tokens per minute, reserved and settled; of the mantle family those of the input.
    Tpm,
    /// Requests per minute.
    Rpm,
    /// Tokens per day, settled.
    Tpd,
    /// Output tokens per minute of the mantle family.
    OutputTpm,
}

/// One quota over the months.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaOutlook {
    /// What it counts.
    pub unit: QuotaUnit,
    /// Its limit.
    pub limit: f64,
    /// Its Service Quotas code, where the profile has it.
    pub code: Option<String>,
    /// Mean use of a typical week, at the level of the first month.
    pub mean: f64,
    /// The need of each month.
    pub months: Vec<MonthNeed>,
    /// When the need passes the limit.
    pub exhaustion: Exhaustion,
    /// The limit to ask for: the largest need of a month at p95, rounded up; `None` if the present one will do.
    pub ask: Option<f64>,
}

impl fmt::Display for QuotaUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tpm => "tokens per minute",
            Self::Rpm => "requests per minute",
            Self::Tpd => "tokens per day",
            Self::OutputTpm => "output tokens per minute",
        })
    }
}

impl QuotaUnit {
    /// Its key in profiles and documents.
    pub fn key(self) -> &'static str {
        match self {
            Self::Tpm => "tpm",
            Self::Rpm => "rpm",
            Self::Tpd => "tpd",
            Self::OutputTpm => "output_tpm",
        }
    }
}

/// The outlook of every counter, as if nothing were bought. `use_case` is a sentence for the quota request.
pub fn outlook(
    variant: &Variant,
    assembled: &Assembled,
    demand: &Demand,
    catalogue: &Catalogue,
    use_case: &str,
) -> Outlook {
    let scatter = hour_scatter(variant);
    let endpoint = &assembled.setup.endpoint;
    let counters = endpoint.counters.iter().enumerate();
    let counters = counters.filter_map(|(index, counter)| {
        let on_counter = |i: &usize| endpoint.targets[*i].route.counter() == Some(index);
        let workloads: Vec<usize> = (0..demand.workloads.len()).filter(on_counter).collect();
        // Those of fallbacks and routes alone have no demand of their own.
        let first = &demand.workloads[*workloads.first()?];
        let profile = catalogue.model(&counter.model).ok();
        let region = counter.region.clone();
        let mut outlook = CounterOutlook {
            model: counter.model.clone(),
            model_title: profile.map_or_else(|| counter.model.clone(), |model| model.title.clone()),
            kind: counter.kind,
            scope: first.scope.clone(),
            region: region.unwrap_or_else(|| variant.service.region.clone()),
            workloads: workloads
                .iter()
                .map(|&i| demand.workloads[i].name.clone())
                .collect(),
            quotas: Vec::new(),
            request: None,
        };
        let load = Load {
            demand,
            workloads: &workloads,
            scatter: &scatter,
            rules: endpoint.rules,
            burndown: endpoint.targets[workloads[0]].burndown,
        };
        let code = |unit: QuotaUnit| sheet::code(catalogue, counter, unit);
        let horizon = &variant.plan.horizon;
        let limits = counter.limits;
        let enforced = limits.tpd.filter(|_| endpoint.rules.enforce_tpd);
        let limits = [
            (QuotaUnit::Tpm, Some(limits.tpm.0)),
            (QuotaUnit::Rpm, limits.rpm.map(|rpm| rpm.0)),
            (QuotaUnit::Tpd, enforced.map(|tpd| tpd.0)),
            (
                QuotaUnit::OutputTpm,
                endpoint.quotas.output_tpm.get(index).map(|tpm| tpm.0),
            ),
        ];
        for (unit, limit) in limits {
            let Some(limit) = limit else { continue };
            let counted = Counted::new(&load, unit);
            outlook
                .quotas
                .push(counted.outlook(limit as f64, code(unit), horizon));
        }
        outlook.request = sheet::request(&outlook, &load, variant, use_case);
        Some(outlook)
    });
    Outlook {
        counters: counters.collect(),
        notes: notes(assembled, demand),
    }
}

fn notes(assembled: &Assembled, demand: &Demand) -> Vec<String> {
    let rules = assembled.setup.endpoint.rules;
    let mut notes = vec![format!(
        "Need is what the limiter counts under reading {} of the enforcement, which AWS does not publish; it is told \
         as if nothing were bought, no request were retried and no cache were cold.",
        rules.semantics
    )];
    if demand.paths.paths < 20 {
        notes.push(format!(
            "{} paths of demand are too few for a p95: more of `plan.paths` tell more.",
            demand.paths.paths
        ));
    }
    notes
}

#[cfg(test)]
mod tests;
