//! The whole of a plan: for each variant the bill, the demand, what to buy, how long quotas last, what levers are
//! worth, what is paid; and the simulation of what is recommended.

use super::bill;
use super::levers::{self, LeverInput, Study};
use super::purchase::verify::{self, Progress};
use super::purchase::{
    Decision, Demand, HOURS_OF_WEEK, Kind, Market, Offered, Outlook, Pool, QuotaOutlook, decide,
    demand, offered, outlook, pools, sensitivity, summary, target,
};
use super::search::Sources;
use crate::cost::Bill;
use crate::cost::capacity::HOURS_PER_MONTH;
use crate::results::plan::{
    PLAN_SCHEMA, PlanEngine, PlanSummary, PlanVariant, PoolPlan, VerificationSummary,
};
use crate::results::{AssumptionSummary, PriceBookSummary};
use crate::scenario::{Files, Variant, Workload};
use crate::sim::{Assembled, VariantContext};
use crate::units::{Tokens, TokensPerMinute, Usd};
use std::sync::atomic::{AtomicU64, Ordering};

/// What is reviewed.
#[derive(Clone, Copy)]
pub struct Review<'a> {
    /// The variants, joined with models and prices.
    pub assembled: &'a [Assembled],
    /// Where further variants come from.
    pub sources: Sources<'a>,
    /// The files that the scenario names.
    pub files: &'a (dyn Files + Sync),
}

/// What is under way, for progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage<'a> {
    /// The variant.
    pub variant: &'a str,
    /// What is done.
    pub doing: &'a str,
}

/// Reviews every variant, on the threads of the present rayon pool.
///
/// The same seed gives the same document for any number of threads. `simulate` asks for the simulation of what is
/// recommended; `watch` is called as the work goes on, from any thread.
///
/// # Panics
/// If what was assembled is no variant of the scenario.
pub fn review(of: &Review<'_>, simulate: bool, watch: &(dyn Fn(&Stage<'_>) + Sync)) -> PlanSummary {
    let scenario = &of.sources.loaded.scenario;
    let runs = AtomicU64::new(0);
    let mut variants = Vec::with_capacity(of.assembled.len());
    for assembled in of.assembled {
        let name = &assembled.context.name;
        let mut known = scenario.variants.iter();
        let variant = known
            .find(|variant| variant.name == *name)
            .expect("what was assembled is a variant of the scenario");
        let reviewer = Reviewer {
            of,
            variant,
            assembled,
            watch,
            runs: &runs,
        };
        variants.push(reviewer.review(simulate));
    }
    let named = variants.len() > 1;
    let verdict = |one: &PlanVariant| {
        if named {
            format!("{}: {}", one.name, one.verdict)
        } else {
            one.verdict.clone()
        }
    };
    PlanSummary {
        schema: PLAN_SCHEMA.to_owned(),
        scenario: scenario.name.clone(),
        description: scenario.description.clone(),
        seed: scenario.seed,
        verdict: variants.iter().map(verdict).collect(),
        engine: PlanEngine {
            runs: runs.into_inner(),
            ..PlanEngine::default()
        },
        variants,
        notes: NOTES.map(str::to_owned).to_vec(),
    }
}

const NOTES: [&str; 3] = [
    "A month has 730 hours. Costs are those of demand in closed form, without retries, refusals and wasted answers; the \
     simulation counts these.",
    "What quotas need counts what admission reserves, `max_tokens` and burndown inside; what it costs counts billed \
     tokens. The two are never added up.",
    "A discount and credits change what is paid, and not what is best.",
];

/// One variant in review.
struct Reviewer<'a> {
    of: &'a Review<'a>,
    variant: &'a Variant,
    assembled: &'a Assembled,
    watch: &'a (dyn Fn(&Stage<'_>) + Sync),
    runs: &'a AtomicU64,
}

impl Reviewer<'_> {
    fn stage(&self, doing: &str) {
        (self.watch)(&Stage {
            variant: &self.variant.name,
            doing,
        });
    }

    fn seed(&self) -> u64 {
        self.of.sources.loaded.scenario.seed
    }

    fn review(&self, simulate: bool) -> PlanVariant {
        let (variant, assembled, sources) = (self.variant, self.assembled, &self.of.sources);
        let context = &assembled.context;
        self.stage("demand");
        let demand = demand(variant, assembled, self.seed());
        self.stage("bill");
        let bill = bill::month(variant, assembled, self.seed());
        let use_case = &sources.loaded.scenario.description;
        let outlook = outlook(variant, assembled, &demand, sources.catalogue, use_case);
        let mut warnings = context.warnings.clone();
        warnings.extend(demand.warnings.iter().cloned());
        warnings.extend(routed(variant));
        let mut decisions = Vec::new();
        let mut sentences = Vec::new();
        let mut pool_plans = Vec::new();
        for pool in pools(variant, assembled, &demand) {
            let Offered {
                offers,
                notes: not_sold,
            } = offered(variant, &pool, sources.catalogue, sources.book);
            let market = Market {
                demand: &demand,
                pool: &pool,
                offers: &offers,
                target: target(variant),
                unserved_cost: variant.plan.served.unserved_cost.unwrap_or(Usd::ZERO),
            };
            self.stage(&format!("what to buy for {}", pool.model_title));
            let within = decide(&market);
            // More quota costs nothing, so it comes before capacity that is only bought for want of it.
            let lacks = within.on_demand.worst_served_share < market.target.get() - SLACK;
            let roomy = Pool {
                tpm: TokensPerMinute(pool.tpm.0.saturating_mul(ROOM)),
                rpm: None,
                ..pool.clone()
            };
            let market = Market {
                pool: if lacks { &roomy } else { &pool },
                ..market
            };
            let (decision, within) = if lacks {
                (decide(&market), Some(within))
            } else {
                (within, None)
            };
            let sentence = sentence(&decision, within.as_ref(), &outlook, &pool);
            self.stage(&format!("what matters for {}", pool.model_title));
            let sensitivity = sensitivity(variant, assembled, &market, &decision, self.seed());
            let verification = simulate.then(|| self.verify(&market, &decision, (&demand, &pool)));
            sentences.push((decision.advice.kind, within.is_some(), sentence.clone()));
            pool_plans.push(PoolPlan {
                sentence,
                decision: summary(&market, &decision, &not_sold),
                within_quota: within.map(|one| summary(&market, &one, &not_sold)),
                sensitivity,
                verification,
            });
            decisions.push(decision);
        }
        self.stage("levers");
        let levers = levers::study(
            &LeverInput {
                loaded: sources.loaded,
                files: self.of.files,
                catalogue: sources.catalogue,
                book: sources.book,
            },
            &variant.name,
        );
        let months = monthly(&bill, &demand, &decisions);
        let horizon = &variant.plan.horizon;
        PlanVariant {
            name: variant.name.clone(),
            mode: context.mode.clone(),
            verdict: whole_verdict(levers.as_ref(), &sentences),
            price_book: PriceBookSummary {
                name: context.price_book.0.clone(),
                as_of: context.price_book.1.clone(),
            },
            months: horizon.months,
            start: horizon.start.map(|month| month.to_string()),
            paths: horizon.paths,
            bill: bill.summary().dated(context, sources.catalogue, None),
            demand: demand.summary(&variant.plan),
            pools: pool_plans,
            quotas: outlook.summary(horizon),
            levers: levers.as_ref().map(levers::document),
            cash: bill::cash(&months, &variant.plan.cash).summary(horizon),
            assumptions: assumptions(context),
            warnings,
            notes: context.notes.clone(),
        }
    }

    fn verify(
        &self,
        market: &Market<'_>,
        decision: &Decision,
        (demand, pool): (&Demand, &Pool),
    ) -> VerificationSummary {
        let held = verify::holdings(market, &decision.schedule, self.variant);
        let rung = verify::rung(market, decision, self.variant);
        let asked = verify::Asked {
            sources: self.of.sources,
            variant: self.variant,
            demand,
            pool,
            target: market.target,
            held: &held,
            rung: rung.as_ref(),
            seed: self.seed(),
        };
        let (runs, watch, name) = (self.runs, self.watch, self.variant.name.as_str());
        let verification = verify::verify(asked, &|progress: Progress<'_>| {
            runs.fetch_add(1, Ordering::Relaxed);
            let doing = format!(
                "simulating {}, {}, {}",
                progress.pool, progress.hour, progress.plan
            );
            watch(&Stage {
                variant: name,
                doing: &doing,
            });
        });
        verify::document(&verification, pool)
    }
}

fn assumptions(context: &VariantContext) -> Vec<AssumptionSummary> {
    let all = context.assumptions.iter();
    all.map(|one| AssumptionSummary {
        name: one.name.clone(),
        value: one.value.clone(),
        why: one.why.clone(),
    })
    .collect()
}

/// How far the served share may lie below the target: what a few paths cannot tell.
const SLACK: f64 = 1e-4;
/// So many times the quota is as much as anyone needs.
const ROOM: u64 = 1000;

/// The verdict on a pool, with the quota to ask for first where the present one will not do.
fn sentence(
    decision: &Decision,
    within: Option<&Decision>,
    outlook: &Outlook,
    pool: &Pool,
) -> String {
    let Some(within) = within else {
        return decision.advice.sentence.clone();
    };
    let name = format!("{} ({}): ", pool.model_title, pool.scope);
    let plain = |one: &Decision| {
        let text = &one.advice.sentence;
        let text = text.strip_prefix(&name).unwrap_or(text);
        text.trim_end_matches('.').to_owned()
    };
    let mut counters = outlook.counters.iter();
    let counter = counters.find(|one| one.model == pool.model && one.scope == pool.scope);
    let quotas = counter.map_or(&[][..], |counter| &counter.quotas);
    let asks: Vec<String> = quotas.iter().filter_map(asked).collect();
    let what = if asks.is_empty() {
        "ask for more quota".to_owned()
    } else {
        format!("ask for {}", asks.join(" and "))
    };
    format!(
        "{name}{what}: today's quota serves {:.1} % in its worst month. With it, {}. Without it, {}.",
        100.0 * within.on_demand.worst_served_share,
        plain(decision),
        plain(within),
    )
}

/// What to ask for of a quota, and by when.
fn asked(quota: &QuotaOutlook) -> Option<String> {
    let amount = Tokens(quota.ask? as u64);
    let by = quota
        .exhaustion
        .ask_by
        .map_or_else(String::new, |by| match (by.date, by.is_past()) {
            (_, true) => " at once".to_owned(),
            (Some(date), _) => format!(" by {date}"),
            (None, _) => format!(" within {} days", by.in_days),
        });
    Some(format!("{amount} {}{by}", quota.unit))
}

/// What levers are worth, where there are some, before what to buy.
fn whole_verdict(levers: Option<&Study>, pools: &[(Kind, bool, String)]) -> String {
    let of_pools = verdict(pools);
    levers.map_or(of_pools.clone(), |study| {
        format!("{} {of_pools}", study.verdict())
    })
}

/// The verdict on all pools: what to do first, and nothing of pools in which all stays as it is, unless all does.
fn verdict(pools: &[(Kind, bool, String)]) -> String {
    let acts = |(kind, asks, _): &&(Kind, bool, String)| {
        *asks || matches!(kind, Kind::BuyNow | Kind::Wait)
    };
    let said = |list: Vec<&(Kind, bool, String)>| {
        let texts: Vec<&str> = list.iter().map(|(_, _, text)| text.as_str()).collect();
        texts.join(" ")
    };
    let acting: Vec<_> = pools.iter().filter(acts).collect();
    match (pools.is_empty(), acting.is_empty()) {
        (true, _) => "There is nothing to decide: all work is in batch jobs.".to_owned(),
        (_, true) => said(pools.iter().collect()),
        _ => said(acting),
    }
}

/// What the decision does not know of a variant whose requests go elsewhere too.
fn routed(variant: &Variant) -> Option<String> {
    let routes = |workload: &Workload| !workload.routes.is_empty() || workload.classifier.is_some();
    let goes = variant.workloads.iter().any(routes) || !variant.routes.is_empty();
    goes.then(|| {
        "routes send some requests to other models: the bill and the levers reckon with that, but \
         what to buy and how long quotas last count every request on its workload's own model"
            .to_owned()
    })
}

/// What is paid in each month: the best of every pool, batch jobs, and what calls cost beside their tokens. Means
/// over paths.
fn monthly(bill: &Bill, demand: &Demand, decisions: &[Decision]) -> Vec<Usd> {
    let weeks = f64::from(HOURS_PER_MONTH) / HOURS_OF_WEEK as f64;
    let grown = |workload: usize, month: usize| demand.paths.mean_factor(workload, month);
    let in_batch = |month: usize| -> f64 {
        let workloads = demand.workloads.iter().enumerate();
        let batch = workloads.filter(|(_, one)| one.is_batch);
        batch
            .map(|(index, one)| {
                let each = one.call.batch.map_or(0.0, Usd::dollars);
                one.week.iter().sum::<f64>() * weeks * grown(index, month) * each
            })
            .sum()
    };
    let beside = |month: usize| -> f64 {
        let lines = bill
            .lines
            .iter()
            .filter(|line| line.class.is_beside_tokens());
        lines
            .map(|line| {
                let mut names = demand.workloads.iter().map(|one| &one.name);
                let growth = names.position(|name| *name == line.workload);
                growth.map_or(1.0, |index| grown(index, month)) * line.amount.dollars()
            })
            .sum()
    };
    (0..demand.paths.months)
        .map(|month| {
            let pools = decisions.iter().map(|one| one.best.months[month].cost.mean);
            Usd::from_dollars(pools.sum::<f64>() + in_batch(month) + beside(month))
        })
        .collect()
}
