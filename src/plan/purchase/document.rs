//! A decision as a part of `plan.json`.

use super::{Alternative, CurvePoint, Decision, Hold, Market, OfferCurve, UnitPoint};
use crate::cost::capacity::per_month;
use crate::domain::Term;
use crate::results::plan::{
    AlternativeSummary, DecisionMonth, DecisionSummary, HoldSummary, MarginalSummary, OfferSummary,
    PricePoint, UnitSizePoint,
};

/// A decision written down; `not_sold` are the notes of [`super::offered`].
pub fn summary(market: &Market<'_>, decision: &Decision, not_sold: &[String]) -> DecisionSummary {
    let name = |offer: usize| {
        let known = market.offers.get(offer);
        known.map_or_else(String::new, |offer| offer.name.clone())
    };
    let hold = |hold: &Hold| HoldSummary {
        offer: name(hold.offer),
        from_month: number(hold.from),
        terms: hold.terms as u32,
        months: hold.months as u32,
        input_tpm: hold.input_tpm.0,
        output_tpm: hold.output_tpm.0,
        units: hold.units,
        month_usd: hold.per_hour.map(|hour| sig(per_month(hour).dollars())),
    };
    let marginal = decision.marginal.map(|last| MarginalSummary {
        offer: name(last.offer),
        is_bought: last.is_bought,
        input_tpm: last.input_tpm.0,
        output_tpm: last.output_tpm.0,
        price_usd_per_hour: last.price_per_hour.map(sig),
        full_usd_per_hour: sig(last.full_per_hour),
        break_even_utilisation: last.break_even.map(sig),
        utilisation: sig(last.utilisation),
        first_month_input_tpm: sig(last.first_month_input_tpm),
        first_month_output_tpm: sig(last.first_month_output_tpm),
    });
    let all = decision.on_demand.total.mean;
    DecisionSummary {
        model: decision.model.clone(),
        model_title: decision.model_title.clone(),
        scope: decision.scope.to_string(),
        verdict: decision.advice.kind.name().to_owned(),
        sentence: decision.advice.sentence.clone(),
        from_month: decision.advice.from.map(number),
        schedule: decision.schedule.words(market.offers),
        holds: decision.schedule.holds.iter().map(hold).collect(),
        headroom: decision.schedule.headroom,
        target: decision.target,
        meets_target: decision.meets_target,
        binding: decision.binding.map(|side| side.name().to_owned()),
        marginal,
        alternatives: (decision.alternatives.iter())
            .map(|one| alternative(one, all))
            .collect(),
        months: months(market, decision),
        offers: (decision.curves.iter())
            .filter_map(|curve| offer(market, curve))
            .collect(),
        not_sold: not_sold.to_vec(),
        facts: decision.facts.clone(),
        warnings: decision.warnings.clone(),
    }
}

fn alternative(one: &Alternative, all: f64) -> AlternativeSummary {
    let of = &one.evaluation;
    let month = |dollars: f64| sig(dollars / of.months.len().max(1) as f64);
    AlternativeSummary {
        name: one.name.clone(),
        schedule: one.schedule.brief(),
        month_usd: month(of.total.mean),
        month_usd_p10: month(of.total.p10),
        month_usd_p50: month(of.total.p50),
        month_usd_p90: month(of.total.p90),
        saving_month_usd: month(all - of.total.mean),
        utilisation: of.utilisation.map(sig),
        served_share: sig(of.served_share),
        worst_month_served_share: sig(of.worst_served_share),
    }
}

fn months(market: &Market<'_>, decision: &Decision) -> Vec<DecisionMonth> {
    let both = decision.best.months.iter().zip(&decision.on_demand.months);
    let month = |(at, (best, alone)): (usize, (&super::MonthFigures, &super::MonthFigures))| {
        let held = decision.schedule.held(market.offers, at);
        DecisionMonth {
            month: number(at),
            on_demand_usd: sig(alone.cost.mean),
            usd: sig(best.cost.mean),
            usd_p10: sig(best.cost.p10),
            usd_p50: sig(best.cost.p50),
            usd_p90: sig(best.cost.p90),
            bought_usd: sig(best.bought),
            batch_usd: sig(best.batch),
            unserved_usd: sig(best.penalty),
            requests: sig(best.requests),
            input_tpm: held.reserved.0 + held.units.0,
            output_tpm: held.reserved.1 + held.units.1,
            utilisation: best.utilisation.map(sig),
            bought_share: sig(best.bought_share),
            served_share: sig(best.served_share),
        }
    };
    both.enumerate().map(month).collect()
}

fn offer(market: &Market<'_>, curve: &OfferCurve) -> Option<OfferSummary> {
    let of = market.offers.get(curve.offer)?;
    Some(OfferSummary {
        name: of.name.clone(),
        term: match of.term {
            Term::Hourly => "hourly".to_owned(),
            term => term.to_string(),
        },
        break_even_utilisation: curve.break_even.map(sig),
        source: of.source.source.clone(),
        as_of: of.source.as_of.clone(),
        status: of.source.status.to_string(),
        highest_prices: curve.points.iter().map(price_point).collect(),
        smallest_units: curve.smallest_unit.iter().map(unit_point).collect(),
    })
}

fn price_point(point: &CurvePoint) -> PricePoint {
    PricePoint {
        input_tpm: point.input_tpm.0,
        output_tpm: point.output_tpm.0,
        units: point.units,
        highest_usd_per_hour: sig(point.highest_per_hour),
        highest_now_usd_per_hour: sig(point.highest_now_per_hour),
        price_usd_per_hour: point.price_per_hour.map(sig),
        best_from_month: number(point.best_from),
        utilisation: sig(point.utilisation),
        highest_usd_per_unit_hour: point.highest_per_unit_hour.map(sig),
        highest_input_usd_per_1k_tpm_hour: point.highest_input_per_1k.map(sig),
        highest_output_usd_per_1k_tpm_hour: point.highest_output_per_1k.map(sig),
    }
}

fn unit_point(point: &UnitPoint) -> UnitSizePoint {
    UnitSizePoint {
        price_usd_per_hour: sig(point.price_per_hour),
        input_tpm: point.input_tpm.map(|tpm| tpm.0),
        output_tpm: point.output_tpm.map(|tpm| tpm.0),
    }
}

/// Months are counted from 1 where people read them.
fn number(month: usize) -> u32 {
    month as u32 + 1
}

/// Six significant digits, so that files stay readable.
fn sig(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    format!("{value:.5e}").parse().unwrap_or(value)
}
