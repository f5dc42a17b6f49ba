//! The verdict on a pool: buy now, wait, never at this price, or nothing to buy; each with its reason.

use super::cells::Cells;
use super::decide::{Decision, words};
use super::schedule::{month_hours, months_of};
use super::{Market, Size};
use crate::domain::Term;
use crate::units::Usd;

/// The verdict with its reason.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Advice {
    /// What to do.
    pub kind: Kind,
    /// The verdict in one sentence, with figures.
    pub sentence: String,
    /// The month from which to buy, from 0; `None` if nothing is bought.
    pub from: Option<usize>,
}

/// What to do about a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Buy from the first month on.
    BuyNow,
    /// Buy later.
    Wait,
    /// No offer pays at its price.
    Never,
    /// Offers without a price: below which price they pay.
    NamePrice,
    /// Nothing is sold for this pool, or it has no demand.
    #[default]
    NothingToBuy,
}

impl Kind {
    /// Its name in documents: `buy_now`, `wait`, `never_at_this_price`, `name_your_price`, `nothing_to_buy`.
    pub fn name(self) -> &'static str {
        match self {
            Self::BuyNow => "buy_now",
            Self::Wait => "wait",
            Self::Never => "never_at_this_price",
            Self::NamePrice => "name_your_price",
            Self::NothingToBuy => "nothing_to_buy",
        }
    }
}

fn usd(dollars: f64) -> String {
    if dollars.abs() < 100.0 {
        return Usd::from_dollars(dollars).to_string();
    }
    let text = Usd::from_dollars(dollars.round()).to_string();
    text.strip_suffix(".00").unwrap_or(&text).to_owned()
}

fn percent(share: f64) -> String {
    let value = 100.0 * share;
    let decimals =
        usize::from(value < 10.0 || (value - value.round()).abs() > 0.05 && value < 1000.0);
    format!("{value:.decimals$} %")
}

/// Writes verdict, facts and warnings.
pub(super) fn advise(market: &Market<'_>, cells: &Cells<'_>, decision: &mut Decision) {
    facts(market, cells, decision);
    decision.advice = advice(market, decision);
}

fn advice(market: &Market<'_>, decision: &Decision) -> Advice {
    let title = &market.pool.model_title;
    let pool = format!("{title} ({})", market.pool.scope);
    let months = decision.best.months.len().max(1) as f64;
    let requests: f64 = decision
        .on_demand
        .months
        .iter()
        .map(|month| month.requests)
        .sum();
    let plain = |kind, sentence| Advice {
        kind,
        sentence,
        from: None,
    };
    if requests <= 0.0 {
        return plain(
            Kind::NothingToBuy,
            format!("{pool}: nothing to buy, since nothing asks for it."),
        );
    }
    if let Some(from) = decision.schedule.begins() {
        let before = decision.on_demand.total.mean / months;
        let after = decision.best.total.mean / months;
        let what = decision.schedule.words(market.offers);
        let missed = decision.on_demand.worst_served_share < decision.target - 1e-9;
        let why = if missed {
            format!(
                "on demand alone serves {} of requests in its worst month and {} is asked for; the plan serves {} for {} a \
                 month instead of {}",
                percent(decision.on_demand.worst_served_share),
                percent(decision.target),
                percent(decision.best.worst_served_share),
                usd(after),
                usd(before),
            )
        } else {
            let last = decision.marginal.map_or_else(String::new, |last| {
                let from = last.break_even.map_or_else(String::new, |from| {
                    format!(" and pays from {} on", percent(from))
                });
                format!(
                    "; the last slice is used {}{from}",
                    percent(last.utilisation)
                )
            });
            format!(
                "it costs {} a month instead of {} ({} less){last}",
                usd(after),
                usd(before),
                percent(1.0 - after / before.max(1e-9)),
            )
        };
        return Advice {
            kind: if from == 0 { Kind::BuyNow } else { Kind::Wait },
            sentence: if from == 0 {
                format!("{pool}: buy now, {what}: {why}.")
            } else {
                format!(
                    "{pool}: wait, and buy from month {}: {what}: {why}.",
                    from + 1
                )
            },
            from: Some(from),
        };
    }
    let Some(sentence) = best_offer(market, decision) else {
        let why = if decision.schedule.headroom {
            "the other scope's quota takes what the own one has no room for, and no capacity is sold"
        } else {
            "no capacity is sold for this model and scope"
        };
        return plain(
            Kind::NothingToBuy,
            format!("{pool}: nothing to buy, {why}."),
        );
    };
    let priced = decision.curves.iter().any(|curve| {
        let mut points = curve.points.iter();
        points.any(|point| point.price_per_hour.is_some())
    });
    if priced {
        plain(
            Kind::Never,
            format!("{pool}: stay on demand; never at this price: {sentence}."),
        )
    } else {
        plain(
            Kind::NamePrice,
            format!("{pool}: no price is known; {sentence}."),
        )
    }
}

/// Of the offers that are not worth it, the one that comes nearest, and what it would have to cost.
fn best_offer(market: &Market<'_>, decision: &Decision) -> Option<String> {
    let firsts = decision.curves.iter().filter_map(|curve| {
        let first = curve.points.first()?;
        let nearness = match first.price_per_hour {
            Some(price) if price > 0.0 => first.highest_per_hour / price,
            _ => 0.0,
        };
        Some((nearness, curve, first))
    });
    let nearest = firsts.fold(None, |best: Option<(f64, _, _)>, one| match best {
        Some(best) if best.0 >= one.0 => Some(best),
        _ => Some(one),
    });
    let Some((_, curve, first)) = nearest else {
        let unit = decision
            .curves
            .iter()
            .find(|curve| !curve.smallest_unit.is_empty())?;
        let pays = unit
            .smallest_unit
            .iter()
            .find(|point| point.input_tpm.is_some())?;
        return Some(format!(
            "the size of a unit of {} is not known: at {} an hour the first pays if it carries at least {} in and {} out",
            market.offers[unit.offer].name,
            usd(pays.price_per_hour),
            pays.input_tpm.unwrap_or_default(),
            pays.output_tpm.unwrap_or_default(),
        ));
    };
    let block = words(
        market,
        curve.offer,
        (first.input_tpm, first.output_tpm, first.units),
    );
    let month = |hour: f64| usd(hour * month_hours());
    let used = percent(first.utilisation);
    Some(match (first.price_per_hour, curve.break_even) {
        (Some(price), Some(from)) => format!(
            "{block}, the first block that could be bought, costs {} a month and saves at most {}, because {used} of it would be used \
             and it pays from {} on; the highest price that would pay is {} an hour",
            month(price),
            month(first.highest_per_hour),
            percent(from),
            usd(first.highest_per_hour),
        ),
        _ => format!(
            "{block} pays below {} an hour ({} a month), because {used} of it would be used",
            usd(first.highest_per_hour),
            month(first.highest_per_hour),
        ),
    })
}

/// What is known of these offers and this mix.
fn facts(market: &Market<'_>, cells: &Cells<'_>, decision: &mut Decision) {
    let mean = cells.mean_load();
    let cached = mean.units_input - mean.reserved_input;
    for curve in &decision.curves {
        let offer = &market.offers[curve.offer];
        let Some(from) = curve.break_even else {
            continue;
        };
        let name = &offer.name;
        decision.facts.push(match offer.size {
            Size::Sides { .. } => format!(
                "{name} breaks even at {} of use: that is its price over what a full block of this mix costs on demand{}.",
                percent(from),
                if cached > 0.0 {
                    ", where cache reads cost money and take none of the reservation, and cache writes count once though \
                     they are billed at 1.25"
                } else {
                    ""
                }
            ),
            _ if cached > 0.0 => format!(
                "{name} breaks even at {} of use. {} of the input is read from the cache, which is cheap on demand and \
                 passes through a unit at full size (assumed: AWS does not say), so caching {}.",
                percent(from),
                percent(cached / mean.units_input),
                if from > 1.0 {
                    "removes the case for provisioning"
                } else {
                    "makes units pay later"
                }
            ),
            _ => format!("{name} breaks even at {} of use.", percent(from)),
        });
        if months_of(offer.term) > cells.months() {
            decision.warnings.push(format!(
                "{name} binds for {} months and the plan has {}: it is not bought, because what is left of it after the \
                 last month is not known to be of use",
                months_of(offer.term),
                cells.months()
            ));
        }
        if offer.term == Term::Hourly {
            decision.facts.push(format!(
                "{name} is held by whole months here; it could be stopped by the hour, and then costs only the hours in \
                 which it runs."
            ));
        }
    }
    let demand = market.demand;
    for place in &market.pool.workloads {
        let Some(one) = demand.workloads.get(*place) else {
            continue;
        };
        let call = &one.call;
        if call.on_demand.is_none() {
            decision.warnings.push(format!(
                "`{}` has no known on-demand price, so nothing that serves it is seen to save anything",
                one.name
            ));
        }
        let Some((batch, on_demand)) = call
            .batch
            .zip(call.on_demand)
            .filter(|_| one.deferrable.is_some())
        else {
            continue;
        };
        let cached = call.cache_read + call.cache_write > 0.0;
        let not_stacked = if cached {
            "; batch does not stack with caching, so its records pay for the whole prompt"
        } else {
            ""
        };
        let (less, more) = if batch <= on_demand {
            ("batch", "on demand")
        } else {
            ("on demand", "batch")
        };
        let (low, high) = (batch.min(on_demand), batch.max(on_demand));
        decision.facts.push(format!(
            "`{}` can wait: what finds no idle capacity within its deadline goes {}, {low} a request against {high} {}{not_stacked}.",
            one.name,
            if less == "batch" { "to batch" } else { "on demand" },
            if more == "batch" { "in batch" } else { "on demand" },
        ));
    }
    if !decision.meets_target {
        decision.warnings.push(format!(
            "the plan serves {} of requests in its worst month, and {} is asked for",
            percent(decision.best.worst_served_share),
            percent(decision.target)
        ));
    }
}
