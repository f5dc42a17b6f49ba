//! A plan and its neighbours, simulated over the hours that decide.
//!
//! A plan is made from hours and means; whether its SLO holds is decided by bursts, by long answers, by quotas
//! and by the clients. So the hours that matter are simulated with what the plan holds in them, one block less,
//! one block more and all on demand, every plan with the same seeds. Where the SLO does not hold, the plan is
//! raised block by block until it does, or the quota is.

mod document;
mod holding;
mod hour;
mod hours;
mod of_plan;
mod run;

pub use document::document;
pub use holding::{Held, Holding, Rung};
pub use hours::Growth;
pub use of_plan::{holdings, rung};
pub use run::{Objective, Simulated};

use super::{Demand, Pool};
use crate::cost::capacity::per_month;
use crate::domain::Slo;
use crate::plan::Sources;
use crate::scenario::Variant;
use crate::units::{Ratio, TokensPerMinute, Usd};
use hours::Chosen;
use rayon::prelude::*;
use run::{Stage, simulate};

/// A run that is over, for progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The pool's model, for people.
    pub pool: &'a str,
    /// The hour.
    pub hour: &'a str,
    /// What is held in it.
    pub plan: &'a str,
}

/// What is to be verified.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Where the variant comes from.
    pub sources: Sources<'a>,
    /// The variant.
    pub variant: &'a Variant,
    /// The demand of all its workloads.
    pub demand: &'a Demand,
    /// The pool.
    pub pool: &'a Pool,
    /// The share of requests that must be served, which counts where the SLO bounds no throttling.
    pub target: Ratio,
    /// What the plan holds, month by month.
    pub held: &'a [Holding],
    /// By what it can be stepped, if anything of a known size is sold.
    pub rung: Option<&'a Rung>,
    /// The seed of every draw.
    pub seed: u64,
}

/// What the simulation says of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// What had to hold.
    pub slo: Slo,
    /// Whether the throttled share is bounded by the plan's target, since the SLO bounds none.
    pub bounded_by_target: bool,
    /// The hours, in order.
    pub hours: Vec<VerifiedHour>,
}

/// One hour.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedHour {
    /// Which one, such as `month 12, busiest hour`.
    pub name: String,
    /// Its month, from 0.
    pub month: usize,
    /// On which path of growth.
    pub growth: Growth,
    /// Requests in it.
    pub requests: f64,
    /// The plans, that of the plan itself first.
    pub plans: Vec<VerifiedPlan>,
    /// What it takes to meet the SLO, if the plan does not.
    pub raise: Option<Raise>,
}

/// What one plan gives in one hour.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedPlan {
    /// Which one.
    pub role: Role,
    /// What is held.
    pub holding: Holding,
    /// What came of it, or why it could not be simulated.
    pub simulated: Result<Simulated, String>,
    /// What the plan's mathematics say is paid per token in this hour; `None` without prices.
    pub expected_tokens: Option<Usd>,
}

/// Which plan it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The plan.
    Plan,
    /// One block less.
    Less,
    /// One block more.
    More,
    /// All on demand.
    OnDemand,
    /// The plan raised until the SLO holds.
    Raised,
    /// The plan with as much quota as it takes.
    MoreQuota,
}

impl Role {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Less => "one block less",
            Self::More => "one block more",
            Self::OnDemand => "all on demand",
            Self::Raised => "raised",
            Self::MoreQuota => "more quota",
        }
    }
}

/// What it takes to meet the SLO.
#[derive(Clone, Debug, PartialEq)]
pub struct Raise {
    /// Blocks more, and what they cost in a month where that is known; `None` if blocks do not help, or none are
    /// sold.
    pub blocks: Option<(u32, Option<Usd>)>,
    /// The on-demand quota over that of the scenario with which the plan as it is would hold, and the tokens per
    /// minute that it is; `None` if more quota does not help.
    pub quota: Option<(f64, TokensPerMinute)>,
    /// What binds, and how that is known.
    pub binds: (String, String),
}

/// The most that a quota is raised to see whether that helps.
const MOST_QUOTA: f64 = 16.0;
/// How near the least quota that helps is found.
const QUOTA_PRECISION: f64 = 1.05;
/// Bought capacity over the mean need of an hour beyond which more of it will not help.
const MOST_CAPACITY: f64 = 4.0;

/// Simulates the hours that decide, and raises what does not hold.
///
/// The same seed gives the same result for any number of threads; `watch` is called after each run.
pub fn verify(asked: Asked<'_>, watch: &(dyn Fn(Progress<'_>) + Sync)) -> Verification {
    let mut slo = asked.variant.slo.clone();
    let bounded_by_target = slo.throttled_share.is_none();
    if bounded_by_target {
        slo.throttled_share = Ratio::new(1.0 - asked.target.get());
    }
    let stage = Stage {
        sources: asked.sources,
        variant: asked.variant,
        slo: &slo,
        seed: asked.seed,
    };
    let chosen = hours::chosen(asked.demand, asked.pool);
    let hours = chosen
        .par_iter()
        .map(|hour| verify_hour(asked, stage, hour, watch))
        .collect();
    Verification {
        slo,
        bounded_by_target,
        hours,
    }
}

fn verify_hour(
    asked: Asked<'_>,
    stage: Stage<'_>,
    hour: &Chosen,
    watch: &(dyn Fn(Progress<'_>) + Sync),
) -> VerifiedHour {
    let nothing = Holding::nothing(asked.pool.scope.clone());
    let plan = asked.held.get(hour.month).unwrap_or(&nothing);
    let mut wanted = vec![(Role::Plan, plan.clone())];
    if let Some(rung) = asked.rung {
        wanted.extend(plan.stepped(-1, rung).map(|one| (Role::Less, one)));
        wanted.extend(plan.stepped(1, rung).map(|one| (Role::More, one)));
    }
    let is_held = |one: &Holding| !matches!(one.held, Held::Nothing { .. });
    if wanted.iter().all(|(_, one)| is_held(one)) {
        wanted.push((Role::OnDemand, nothing.clone()));
    }
    let try_one = |role: Role, holding: Holding| {
        let words = holding.words();
        let progress = Progress {
            pool: &asked.pool.model_title,
            hour: &hour.name,
            plan: &words,
        };
        VerifiedPlan {
            role,
            simulated: simulate(stage, &hour.offered, &holding, &|| watch(progress)),
            expected_tokens: hours::expected_tokens(asked.demand, &hour.offered, &holding),
            holding,
        }
    };
    let mut plans: Vec<VerifiedPlan> = wanted
        .into_par_iter()
        .map(|(role, holding)| try_one(role, holding))
        .collect();
    let missed = plans[0].simulated.as_ref().ok();
    let binds = missed.and_then(|one| one.binds.clone());
    let raise = binds.map(|binds| {
        let (blocks, quota) = rayon::join(
            || raise_blocks(asked, hour, plan, &try_one),
            || raise_quota(plan, &try_one),
        );
        let raise = Raise {
            blocks: blocks.as_ref().map(|(steps, one)| {
                let more = one.holding.per_hour.zip(plan.per_hour);
                (*steps, more.map(|(then, now)| per_month(then - now)))
            }),
            quota: quota.as_ref().map(|one| {
                let factor = one.holding.quota_factor;
                let tpm = (asked.pool.tpm.0 as f64 * factor).ceil() as u64;
                (factor, TokensPerMinute(tpm))
            }),
            binds,
        };
        plans.extend(blocks.map(|(_, one)| one));
        plans.extend(quota);
        raise
    });
    VerifiedHour {
        name: hour.name.clone(),
        month: hour.month,
        growth: hour.growth,
        requests: hour.offered.requests(),
        plans,
        raise,
    }
}

fn holds(plan: &VerifiedPlan) -> bool {
    plan.simulated.as_ref().is_ok_and(|one| one.is_met)
}

/// The fewest further blocks with which the SLO holds, found by doubling and then by halves.
fn raise_blocks(
    asked: Asked<'_>,
    hour: &Chosen,
    plan: &Holding,
    try_one: &impl Fn(Role, Holding) -> VerifiedPlan,
) -> Option<(u32, VerifiedPlan)> {
    let rung = asked.rung?;
    let (block_in, block_out) = rung.block.sustains()?;
    let (need_in, need_out) = hours::tokens_per_minute(asked.demand, &hour.offered, &rung.block);
    let blocks = |need: f64, block: TokensPerMinute| MOST_CAPACITY * need / block.0.max(1) as f64;
    let most = blocks(need_in, block_in).max(blocks(need_out, block_out));
    let most = (most.ceil() as i64).clamp(1, i64::from(u32::MAX));
    let mut fails = 0;
    let mut steps = 1;
    let mut found = loop {
        let tried = try_one(Role::Raised, plan.stepped(steps, rung)?);
        if holds(&tried) {
            break tried;
        }
        fails = steps;
        if steps >= most {
            return None;
        }
        steps = (2 * steps).min(most);
    };
    while steps - fails > 1 {
        let middle = i64::midpoint(steps, fails);
        let tried = try_one(Role::Raised, plan.stepped(middle, rung)?);
        if holds(&tried) {
            (steps, found) = (middle, tried);
        } else {
            fails = middle;
        }
    }
    Some((steps as u32, found))
}

/// The least quota with which the plan as it is holds.
fn raise_quota(
    plan: &Holding,
    try_one: &impl Fn(Role, Holding) -> VerifiedPlan,
) -> Option<VerifiedPlan> {
    let with = |quota_factor: f64| {
        let holding = Holding {
            quota_factor,
            ..plan.clone()
        };
        try_one(Role::MoreQuota, holding)
    };
    let mut found = with(MOST_QUOTA);
    if !holds(&found) {
        return None;
    }
    let (mut low, mut high): (f64, f64) = (1.0, MOST_QUOTA);
    while high / low > QUOTA_PRECISION {
        let middle = (low * high).sqrt();
        let tried = with(middle);
        if holds(&tried) {
            (high, found) = (middle, tried);
        } else {
            low = middle;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests;
