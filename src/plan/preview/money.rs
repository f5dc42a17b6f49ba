//! The bill to expect of an offered load.

use super::offered::scaled;
use super::{BoughtPreview, CostPreview, WorkloadPreview};
use crate::cost::Ledger;
use crate::cost::capacity::{month_usd, per_month};
use crate::sim::{AccountUse, Assembled};
use crate::units::{Micros, Usd};

/// Tokens by class and bought capacity, for the run and for a month.
pub(super) fn cost(
    assembled: &Assembled,
    workloads: &[WorkloadPreview],
    bought: Option<&BoughtPreview>,
) -> CostPreview {
    let duration = assembled.setup.duration;
    // Bought capacity leaves to the meter only what overflows.
    let metered = bought.map_or(1.0, |bought| {
        if bought.overflows {
            bought.overflow_share
        } else {
            0.0
        }
    });
    let mut tokens_run = Some(Ledger::default());
    for workload in workloads {
        let metered = if workload.batch.is_some() {
            1.0
        } else {
            metered
        };
        if metered <= 0.0 {
            continue;
        }
        match (&mut tokens_run, &workload.token_cost) {
            (Some(sum), Some(own)) => sum.merge(&scaled(own, metered)),
            _ => tokens_run = None,
        }
    }
    let tokens_month = tokens_run.as_ref().and_then(|run| month(run, duration));
    let per_hour = match &assembled.context.bought {
        Some(bought) => bought.per_hour,
        None => Some(Usd::ZERO),
    };
    let sum = |tokens: Option<&Ledger>, capacity: Option<Usd>| Some(tokens?.tokens() + capacity?);
    let hours = duration.as_secs_f64() / 3600.0;
    CostPreview {
        run: sum(tokens_run.as_ref(), per_hour.map(|hour| hour.scaled(hours))),
        month: sum(tokens_month.as_ref(), per_hour.map(per_month)),
        tokens_run,
        tokens_month,
        bought_per_hour: per_hour,
    }
}

fn month(run: &Ledger, duration: Micros) -> Option<Ledger> {
    run.try_map(|usd| month_usd(usd, duration))
}

/// Whether a day at this load would exceed the account's tokens per day.
pub(super) fn account_warning(
    assembled: &Assembled,
    workloads: &[WorkloadPreview],
    cost: &CostPreview,
) -> Option<String> {
    let billed = |one: &WorkloadPreview| {
        one.requests * (one.uncached_input + one.cache_write + one.cache_read + one.billed_output)
    };
    AccountUse {
        // Batch jobs use no quota of calls.
        billed_tokens: workloads
            .iter()
            .filter(|one| one.batch.is_none())
            .map(billed)
            .sum(),
        cost: cost.tokens_run.as_ref()?.tokens() - cost.tokens_run.as_ref()?.batch,
        span: assembled.setup.duration,
    }
    .warning(&assembled.context.account)
}
