//! What a schedule holds, month by month, and by what it can be stepped.

use super::holding::{Held, Holding, Rung};
use crate::domain::{Scope, Term};
use crate::plan::purchase::{Decision, Hold, Market, Schedule, Size, price_of};
use crate::scenario::{OfferKind, Variant};
use crate::service::spec::CapacitySpec;
use crate::units::{TokensPerMinute, Usd};

/// A step is this share of what the plan holds at most.
const STEP_OF_HELD: f64 = 0.1;
/// A step is at least this share of the busiest hour's need, so that a few of them matter.
const STEP_OF_NEED: f64 = 0.05;
/// Sides that are bought apart are bought in steps of so many tokens per minute.
const GRAIN: f64 = 1000.0;

/// What a schedule holds in each month of the plan.
///
/// Capacity of the Reserved tier and model units at the same time are not simulated together: the units are left
/// out, and the schedules that are decided never mix them.
pub fn holdings(market: &Market<'_>, schedule: &Schedule, variant: &Variant) -> Vec<Holding> {
    let headroom = schedule
        .headroom
        .then(|| other_scope(market, variant))
        .flatten();
    (0..market.demand.paths.months)
        .map(|month| {
            let holds = schedule.holds.iter();
            let now: Vec<&Hold> = holds
                .filter(|hold| (hold.from..hold.from + hold.months).contains(&month))
                .collect();
            Holding {
                headroom: headroom.clone(),
                ..held_in(market, &now, variant)
            }
        })
        .collect()
}

/// The scope whose quota a plan may use beside the pool's own.
fn other_scope(market: &Market<'_>, variant: &Variant) -> Option<Scope> {
    let offers = market.offers.iter();
    let mut headroom = offers.filter(|offer| matches!(offer.size, Size::Headroom { .. }));
    let name = &headroom.next()?.name;
    let mut planned = variant.plan.offers.iter().flatten();
    let found = planned.find(|one| one.name == *name && one.model == market.pool.model)?;
    match &found.kind {
        OfferKind::Scope { scope } => Some(scope.clone()),
        OfferKind::Reserved { .. } | OfferKind::Provisioned { .. } => None,
    }
}

fn held_in(market: &Market<'_>, holds: &[&Hold], variant: &Variant) -> Holding {
    let scope = market.pool.scope.clone();
    let nothing = Holding::nothing(scope.clone());
    let Some(last) = holds.last() else {
        return nothing;
    };
    let Some(offer) = market.offers.get(last.offer) else {
        return nothing;
    };
    let is_units = |hold: &&&Hold| (hold.units > 0) == (last.units > 0);
    let alike = || holds.iter().filter(is_units);
    let sum = |of: fn(&Hold) -> TokensPerMinute| {
        TokensPerMinute(alike().map(|hold| of(hold).0).sum::<u64>())
    };
    let mut per_hour = Some(Usd::ZERO);
    for hold in alike() {
        per_hour = per_hour.zip(hold.per_hour).map(|(sum, one)| sum + one);
    }
    let held = if let Size::Units { .. } = offer.size {
        let units = alike().map(|hold| hold.units).sum::<u32>().max(1);
        let each = |tpm: TokensPerMinute| TokensPerMinute(tpm.0 / u64::from(units));
        Held::Units {
            scope,
            term: offer.term,
            units,
            input_tpm: each(sum(|hold| hold.input_tpm)),
            output_tpm: each(sum(|hold| hold.output_tpm)),
        }
    } else {
        Held::Reserved {
            scope,
            term: offer.term,
            input_tpm: sum(|hold| hold.input_tpm),
            output_tpm: sum(|hold| hold.output_tpm),
            burndown: burndown(variant),
        }
    };
    Holding {
        held,
        per_hour,
        ..nothing
    }
}

/// Whether output tokens are taken to count by their burndown rate in the Reserved tier.
fn burndown(variant: &Variant) -> bool {
    matches!(&variant.service.capacity, CapacitySpec::Reserved(spec) if spec.burndown)
}

/// The block by which a plan is stepped: one unit of the offer that decides, or a slice in the proportion of what
/// is held (of the pool's mix if nothing is). `None` if no offer of a known size is sold.
pub fn rung(market: &Market<'_>, decision: &Decision, variant: &Variant) -> Option<Rung> {
    let of_plan = decision.schedule.holds.last().map(|hold| hold.offer);
    let of_slice = decision.marginal.map(|slice| slice.offer);
    let first = || {
        let is_capacity = |size: &Size| !matches!(size, Size::Headroom { .. });
        market
            .offers
            .iter()
            .position(|offer| is_capacity(&offer.size))
    };
    let place = of_plan.or(of_slice).or_else(first)?;
    let offer = market.offers.get(place)?;
    let scope = market.pool.scope.clone();
    match offer.size {
        Size::Units {
            input_tpm: Some(input_tpm),
            output_tpm: Some(output_tpm),
            ..
        } => Some(Rung {
            per_hour: price_of(offer.size, input_tpm, output_tpm, 1),
            block: Held::Units {
                scope,
                term: offer.term,
                units: 1,
                input_tpm,
                output_tpm,
            },
            least: 1,
        }),
        Size::Sides { input, output } => {
            let (of_input, of_output) = slice(market, &decision.schedule)?;
            let whole = |tpm: f64| TokensPerMinute(((tpm / GRAIN).ceil().max(1.0) * GRAIN) as u64);
            let (input_tpm, output_tpm) = (whole(of_input), whole(of_output));
            let blocks = |least: TokensPerMinute, block: TokensPerMinute| least.0.div_ceil(block.0);
            let least = blocks(input.least, input_tpm).max(blocks(output.least, output_tpm));
            Some(Rung {
                per_hour: price_of(offer.size, input_tpm, output_tpm, 0),
                block: Held::Reserved {
                    scope,
                    term: if offer.term == Term::Hourly {
                        Term::OneMonth
                    } else {
                        offer.term
                    },
                    input_tpm,
                    output_tpm,
                    burndown: burndown(variant),
                },
                least: u32::try_from(least).ok()?,
            })
        }
        Size::Units { .. } | Size::Headroom { .. } => None,
    }
}

/// A slice of sides that are bought apart, in tokens per minute.
fn slice(market: &Market<'_>, schedule: &Schedule) -> Option<(f64, f64)> {
    let months = 0..market.demand.paths.months;
    let held = months.map(|month| schedule.held(market.offers, month).reserved);
    let most = held.fold(
        (0.0f64, 0.0f64),
        |most, one| if one.0 > most.0 { one } else { most },
    );
    let need = super::hours::most_needed(market.demand, market.pool);
    let ratio = if most.0 > 0.0 {
        most.1 / most.0
    } else {
        need.1 / need.0
    };
    let input = (STEP_OF_HELD * most.0).max(STEP_OF_NEED * need.0);
    (input > 0.0 && ratio.is_finite()).then_some((input, input * ratio))
}
