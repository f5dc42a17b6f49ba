//! The simulated hours as a document.

use super::{Growth, Held, Raise, Simulated, Verification, VerifiedHour, VerifiedPlan};
use crate::domain::Scope;
use crate::plan::preview::words::{count, percent};
use crate::plan::purchase::Pool;
use crate::results::plan::{
    ObjectiveReading, RaiseSummary, VerificationSummary, VerifiedHourSummary, VerifiedPlanSummary,
};
use crate::units::{TokensPerMinute, Usd};

/// The simulated hours of a pool's plan as they stand in `plan.json`.
pub fn document(verification: &Verification, pool: &Pool) -> VerificationSummary {
    let title = title(&pool.model_title, &pool.scope);
    let hours: Vec<VerifiedHourSummary> = verification.hours.iter().map(hour).collect();
    let usual: Vec<&VerifiedHour> = verification
        .hours
        .iter()
        .filter(|one| one.growth == Growth::P50)
        .collect();
    let known = usual.iter().filter_map(|one| met(one));
    let holds = known.reduce(|all, one| all && one);
    let raises = usual.iter().filter_map(|one| one.raise.as_ref()?.blocks?.1);
    let mut notes = vec![
        "Hours are simulated with the arrival law of the scenario at the rate of the hour, after five minutes that \
         are not measured; every plan of an hour meets the same requests. Hours of many requests are cut to the \
         whole minutes, ten at least, that hold 60,000."
            .to_owned(),
    ];
    if verification.bounded_by_target {
        notes.push(format!(
            "The SLO bounds no throttling, so the target of the plan does: at most {} of requests.",
            percent(
                verification
                    .slo
                    .throttled_share
                    .map_or(0.0, crate::units::Ratio::get)
            )
        ));
    }
    VerificationSummary {
        sentences: sentences(&title, verification, holds),
        pool: title,
        holds,
        bounded_by_target: verification.bounded_by_target,
        raise_month_usd: raises.max().map(Usd::dollars),
        hours,
        notes,
    }
}

fn title(model: &str, scope: &Scope) -> String {
    format!("{model} ({scope})")
}

/// Whether the plan met the SLO in an hour; `None` if it was not simulated.
fn met(hour: &VerifiedHour) -> Option<bool> {
    let plan = hour.plans.first()?.simulated.as_ref().ok()?;
    Some(plan.is_met)
}

fn sentences(pool: &str, verification: &Verification, holds: Option<bool>) -> Vec<String> {
    let hours = &verification.hours;
    let error = hours
        .iter()
        .find_map(|one| one.plans.first()?.simulated.as_ref().err());
    let mut said = Vec::new();
    if let Some(error) = error {
        let first = error.lines().next().unwrap_or_default();
        said.push(format!("{pool}: the plan could not be simulated: {first}."));
    }
    let at = |growth: Growth| hours.iter().filter(move |one| one.growth == growth);
    match holds {
        None => {}
        Some(true) => {
            let several = at(Growth::P50).count();
            let plural = if several == 1 { "" } else { "s" };
            said.push(format!(
                "{pool}: simulated, the plan meets its SLO in {several} of {several} hour{plural} at median growth."
            ));
        }
        Some(false) => {
            let missed = at(Growth::P50).filter(|one| met(one) == Some(false));
            said.extend(missed.map(|one| missed_words(pool, one)));
        }
    }
    let fast = at(Growth::P95).filter(|one| met(one) == Some(false));
    said.extend(fast.map(|one| missed_words(pool, one)));
    said
}

fn missed_words(pool: &str, hour: &VerifiedHour) -> String {
    let raise = hour
        .raise
        .as_ref()
        .map_or_else(String::new, |raise| format!(" {}", raise_words(raise)));
    format!(
        "{pool}: simulated, the plan misses its SLO in {}.{raise}",
        hour.name
    )
}

/// What it takes, in one or two sentences.
fn raise_words(raise: &Raise) -> String {
    let quota = raise.quota.map(|(_, tpm)| short(tpm));
    let blocks = raise.blocks.map(|(blocks, month)| {
        let plural = if blocks == 1 { "" } else { "s" };
        let cost = month.map_or_else(
            || "at a price that is not known".to_owned(),
            |month| format!("for {} a month", dollars(month)),
        );
        format!("{} block{plural} more {cost}", count(u64::from(blocks)))
    });
    let binds = format!("What binds is {}", raise.binds.0);
    match (blocks, quota) {
        (Some(blocks), Some(quota)) => {
            format!(
                "{binds}; it holds with {blocks}, or with a quota of {quota}, which AWS does not charge for."
            )
        }
        (Some(blocks), None) => format!("{binds}; it holds with {blocks}."),
        (None, Some(quota)) => {
            format!("{binds}; it holds with a quota of {quota}, which AWS does not charge for.")
        }
        (None, None) => format!(
            "{binds}, and neither more capacity nor more quota mends it: {}.",
            raise.binds.1
        ),
    }
}

fn short(tpm: TokensPerMinute) -> String {
    // Two digits that matter are what one asks for; rounding is up.
    let unit = 10f64
        .powf((tpm.0.max(1) as f64).log10().floor() - 1.0)
        .max(1.0);
    TokensPerMinute(((tpm.0 as f64 / unit - 1e-9).ceil() * unit) as u64).to_string()
}

fn dollars(usd: Usd) -> String {
    let text = Usd::from_dollars(usd.dollars().round()).to_string();
    text.strip_suffix(".00").unwrap_or(&text).to_owned()
}

fn hour(hour: &VerifiedHour) -> VerifiedHourSummary {
    VerifiedHourSummary {
        name: hour.name.clone(),
        month: hour.month as u32 + 1,
        growth: hour.growth.name().to_owned(),
        requests: hour.requests,
        plans: hour.plans.iter().map(plan).collect(),
        raise: hour.raise.as_ref().map(|raise| RaiseSummary {
            binds: raise.binds.0.clone(),
            evidence: raise.binds.1.clone(),
            blocks: raise.blocks.map(|(blocks, _)| blocks),
            blocks_month_usd: raise.blocks.and_then(|(_, usd)| usd).map(Usd::dollars),
            quota_factor: raise.quota.map(|(factor, _)| factor),
            quota_tpm: raise.quota.map(|(_, tpm)| tpm.0),
            sentence: raise_words(raise),
        }),
    }
}

fn plan(plan: &VerifiedPlan) -> VerifiedPlanSummary {
    let seen = plan.simulated.as_ref().ok();
    let finite = |value: f64| value.is_finite().then_some(value);
    let capacity = match plan.holding.held {
        Held::Nothing { .. } => Some(Usd::ZERO),
        _ => plan.holding.per_hour,
    };
    // Tokens without a price cost nothing in a ledger, which is not what they cost.
    let tokens = seen
        .filter(|_| plan.expected_tokens.is_some())
        .map(|one| one.tokens_per_hour);
    let total = tokens.zip(capacity).map(|(tokens, held)| tokens + held);
    let expected = plan
        .expected_tokens
        .zip(capacity)
        .map(|(tokens, held)| tokens + held);
    VerifiedPlanSummary {
        role: plan.role.name().to_owned(),
        held: plan.holding.words(),
        error: plan.simulated.as_ref().err().cloned(),
        is_met: seen.map(|one| one.is_met),
        is_unsure: seen.map(|one| one.is_unsure),
        objectives: seen.map_or_else(Vec::new, objectives),
        ttft_p99_ms: seen.and_then(|one| one.ttft_p99_ms).and_then(finite),
        throttled_share: seen.map(|one| one.throttled_share),
        attainment: seen.and_then(|one| one.attainment),
        bought_share: seen.map(|one| one.bought_share),
        input_utilisation: seen.and_then(|one| one.utilisation).map(|one| one.0),
        output_utilisation: seen.and_then(|one| one.utilisation).map(|one| one.1),
        requests_per_hour: seen.map(|one| one.requests_per_hour),
        tokens_usd_per_hour: tokens.map(Usd::dollars),
        capacity_usd_per_hour: capacity.map(Usd::dollars),
        usd_per_hour: total.map(Usd::dollars),
        expected_usd_per_hour: expected.map(Usd::dollars),
        difference: total.zip(expected).and_then(|(total, expected)| {
            (expected > Usd::ZERO).then(|| total.dollars() / expected.dollars() - 1.0)
        }),
        measured_s: seen.map(|one| one.measured.as_secs_f64()),
        runs: seen.map(|one| one.runs),
    }
}

fn objectives(simulated: &Simulated) -> Vec<ObjectiveReading> {
    let told = simulated.objectives.iter().map(|one| ObjectiveReading {
        name: one.name.clone(),
        bound: one.bound,
        seen: one.seen.filter(|seen| seen.is_finite()),
        is_met: one.is_met,
    });
    told.collect()
}
