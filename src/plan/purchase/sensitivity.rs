//! Frontier, regret and tornado of a pool's plan as a document.

use super::frontier::FrontierPoint;
use super::regret::{Regret, Weighed};
use super::tornado::{Basis, End, Tornado};
use super::{Decision, Market, frontier, regret, tornado};
use crate::results::plan::{
    FrontierSummary, RegretSummary, SensitivitySummary, TornadoBarSummary, TornadoEnd,
    TornadoSummary, WeighedSummary,
};
use crate::scenario::Variant;
use crate::sim::Assembled;
use crate::units::Usd;

/// What a pool's plan is worth: the value of the SLA, regret, and what matters.
pub fn sensitivity(
    variant: &Variant,
    assembled: &Assembled,
    market: &Market<'_>,
    decision: &Decision,
    seed: u64,
) -> SensitivitySummary {
    let (points, (regrets, tornado)) = rayon::join(
        || frontier(market, decision),
        || {
            rayon::join(
                || regret(market, decision),
                || tornado(variant, assembled, market, seed),
            )
        },
    );
    let pool = format!("{} ({})", market.pool.model_title, market.pool.scope);
    let mut notes = vec![
        "Costs of regret and of the tornado count missed requests at their on-demand price, so that a refusal is no \
         saving."
            .to_owned(),
    ];
    if tornado.bars.iter().any(|bar| bar.basis == Basis::Assumed) {
        notes.push(
            "Inputs marked with * have no spread in the scenario and are taken to lie within 20 % (growth of nothing: \
             1 point a month), which is an assumption. Growth has its own: `plan.growth.uncertainty`."
                .to_owned(),
        );
    }
    SensitivitySummary {
        sentences: sentences(&points, &regrets, &tornado),
        pool,
        frontier: points.iter().map(of_point).collect(),
        regret: regrets.iter().map(of_regret).collect(),
        tornado: of_tornado(&tornado),
        notes,
    }
}

fn sentences(points: &[FrontierPoint], regrets: &[Regret], tornado: &Tornado) -> Vec<String> {
    let mut said = Vec::new();
    let dearest = points.iter().filter_map(|one| {
        let each = one.per_extra_request.filter(|each| each.is_finite())?;
        Some((each, one))
    });
    if let Some((each, point)) = dearest.reduce(|most, one| if one.0 > most.0 { one } else { most })
    {
        said.push(format!(
            "The dearest step of the SLA is the one to {} served: {} for each request more.",
            share(point.served_share),
            Usd::from_dollars(each)
        ));
    }
    let worst = regrets.iter().reduce(|worst, one| {
        if one.dollars() > worst.dollars() {
            one
        } else {
            worst
        }
    });
    if let Some(worst) = worst {
        said.push(if worst.dollars() < 0.5 {
            "The plan has nothing to regret from slow to fast growth: no plan known to serve as much costs less.".to_owned()
        } else {
            let of_best = worst.share().map_or_else(String::new, |of| format!(" ({})", share(of)));
            format!(
                "The plan is most to be regretted at {} growth: {}{of_best} beyond the best plan, had one known.",
                worst.growth,
                usd(worst.dollars())
            )
        });
        let nothing = regrets.iter().map(Regret::of_nothing).fold(0.0, f64::max);
        if nothing >= 0.5 {
            said.push(format!(
                "Buying nothing would be regretted by up to {}.",
                usd(nothing)
            ));
        }
    }
    if let Some(first) = tornado
        .bars
        .first()
        .filter(|bar| bar.reach(tornado.base) > 0.0)
    {
        let changes = tornado.bars.iter().filter(|bar| {
            bar.low.verdict != tornado.verdict || bar.high.verdict != tornado.verdict
        });
        let names: Vec<&str> = changes.map(|bar| bar.input).collect();
        let verdict = if names.is_empty() {
            "no input alone changes the verdict".to_owned()
        } else {
            format!("the verdict changes with {}", names.join(", "))
        };
        said.push(format!(
            "What matters most is {}: from {} to {} over the whole plan; {verdict}.",
            first.input,
            usd(first.low.dollars.min(first.high.dollars)),
            usd(first.low.dollars.max(first.high.dollars)),
        ));
    }
    said
}

fn of_point(point: &FrontierPoint) -> FrontierSummary {
    FrontierSummary {
        name: point.name.clone(),
        held: point.schedule.brief(),
        month_usd: point.per_month,
        bought_month_usd: point.bought_per_month,
        served_share: point.served_share,
        served_per_month: point.served_per_month,
        usd_per_extra_request: point.per_extra_request,
        capacity_usd_per_extra_request: point.capacity_per_extra_request,
    }
}

fn of_regret(regret: &Regret) -> RegretSummary {
    let weighed = |one: Weighed| WeighedSummary {
        usd: one.dollars,
        served_share: one.served_share,
    };
    RegretSummary {
        growth: regret.growth.to_owned(),
        growth_factor: regret.growth_factor,
        chosen: weighed(regret.chosen),
        best: weighed(regret.best),
        best_held: regret.best_schedule.brief(),
        nothing: weighed(regret.nothing),
        regret_usd: regret.dollars(),
        regret_share: regret.share(),
        nothing_regret_usd: regret.of_nothing(),
    }
}

fn of_tornado(tornado: &Tornado) -> TornadoSummary {
    let end = |end: &End| TornadoEnd {
        at: end.label.clone(),
        usd: end.dollars,
        delta_usd: end.dollars - tornado.base,
        verdict: end.verdict.name().to_owned(),
    };
    TornadoSummary {
        base_usd: tornado.base,
        verdict: tornado.verdict.name().to_owned(),
        paths: tornado.paths as u32,
        bars: tornado
            .bars
            .iter()
            .map(|bar| TornadoBarSummary {
                input: bar.input.to_owned(),
                basis: bar.basis.name().to_owned(),
                low: end(&bar.low),
                high: end(&bar.high),
            })
            .collect(),
    }
}

fn usd(dollars: f64) -> String {
    let text = Usd::from_dollars(dollars.round()).to_string();
    text.strip_suffix(".00").unwrap_or(&text).to_owned()
}

/// A share with as many nines as it has.
fn share(share: f64) -> String {
    let digits = if share > 0.99 && share < 1.0 { 3 } else { 1 };
    format!("{:.digits$} %", 100.0 * share)
}

#[cfg(test)]
mod tests;
