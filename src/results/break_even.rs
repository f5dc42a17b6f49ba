//! Whether bought capacity pays with the token mix that a run saw.
//!
//! The price of an hour against what the same tokens cost on demand when one side of the capacity
//! is full, u = h / (60·(a·pᵢ + b·pₒ)) scaled to the mix; where AWS quotes no price, the highest
//! one at which the purchase still pays with the use of this run.

use super::figures::{dollars, over, sig};
use super::summary::{BreakEvenSummary, PrepaidSummary};
use crate::cost::capacity::{
    self, FullUse, MeanRequest, Side, Throughput, breakeven_utilisation, highest_paying_price,
};
use crate::domain::TokenPrices;
use crate::measure::{Tally, TokenCounts};
use crate::sim::{BoughtCapacity, VariantContext, VariantMeasures};
use crate::units::{Micros, Tokens, Usd};

/// What bought capacity served, as a share of what it sustains.
pub(super) fn prepaid(bought: &BoughtCapacity, all: &Tally, measured: Micros) -> PrepaidSummary {
    let served = &all.prepaid_tokens;
    let minutes = measured.as_secs_f64() / 60.0;
    PrepaidSummary {
        what: bought.what.clone(),
        requests: all.prepaid_requests,
        share: over(all.prepaid_requests as f64, all.requests.completed as f64),
        input: served.input,
        cache_read: served.cache_read,
        cache_write: served.cache_write,
        output: served.output,
        input_utilisation: over(
            (served.input + served.cache_write) as f64,
            bought.input_tpm.0 as f64 * minutes,
        ),
        output_utilisation: over(
            (served.output * bought.burndown) as f64,
            bought.output_tpm.0 as f64 * minutes,
        ),
    }
}

/// Whether the bought capacity pays.
pub(super) fn break_even(
    context: &VariantContext,
    measures: &VariantMeasures,
    bought: &BoughtCapacity,
    prepaid: &PrepaidSummary,
) -> BreakEvenSummary {
    let size = Throughput {
        input: bought.input_tpm,
        output: bought.output_tpm,
    };
    let full = mean_request(context, measures).and_then(|mean| capacity::full_use(size, mean));
    let utilisation = full.and_then(|full| match full.binding {
        Side::Input => prepaid.input_utilisation,
        Side::Output => prepaid.output_utilisation,
    });
    let value = full.map(|full| full.value_per_hour);
    let break_even = bought
        .per_hour
        .zip(value)
        .and_then(|(price, value)| breakeven_utilisation(price, value));
    let highest = value
        .zip(utilisation)
        .map(|(value, use_)| capacity::per_month(highest_paying_price(value, use_)));
    let month = |usd: Usd| dollars(capacity::per_month(usd));
    let mut summary = BreakEvenSummary {
        what: bought.what.clone(),
        month_usd: bought.per_hour.map(month),
        full_use_month_usd: value.map(month),
        binding: full.map(|full| side(full.binding).to_owned()),
        break_even_utilisation: break_even.map(sig),
        utilisation: utilisation.map(sig),
        highest_paying_month_usd: highest.map(dollars),
        pays: break_even.zip(utilisation).map(|(from, used)| used >= from),
        sentence: String::new(),
    };
    summary.sentence = sentence(&summary, bought, full, highest);
    summary
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Input => "input",
        Side::Output => "output",
    }
}

/// The mean of the completed requests of the workloads that the capacity serves, with its value
/// on demand. `None` if a price is unknown or nothing completed.
fn mean_request(context: &VariantContext, measures: &VariantMeasures) -> Option<MeanRequest> {
    let tallies = &measures.total.workloads;
    let serves_any = tallies.iter().any(|tally| tally.prepaid_requests > 0);
    let mut completed = 0;
    let mut tokens = TokenCounts::default();
    let mut on_demand = Usd::ZERO;
    for (workload, tally) in context.workloads.iter().zip(tallies) {
        if serves_any && tally.prepaid_requests == 0 || tally.batch.is_some() {
            continue;
        }
        completed += tally.requests.completed;
        tokens.merge(&tally.tokens);
        on_demand += value(&tally.tokens, workload.prices.as_ref()?);
    }
    if completed == 0 {
        return None;
    }
    let mean = |count: u64| count as f64 / completed as f64;
    Some(MeanRequest {
        // Cache reads are free of the reservation (Bedrock user guide, "Service tiers").
        input: mean(tokens.input + tokens.cache_write),
        output: mean(tokens.output) * context.bought.as_ref().map_or(1, |b| b.burndown) as f64,
        on_demand: on_demand.scaled(1.0 / completed as f64),
    })
}

/// On-demand price of the tokens, cache writes at the five-minute price.
fn value(tokens: &TokenCounts, prices: &TokenPrices) -> Usd {
    prices.input * tokens.input
        + prices.output * tokens.output
        + prices.cache_write_5m * tokens.cache_write
        + prices.cache_read * tokens.cache_read
}

fn sentence(
    summary: &BreakEvenSummary,
    bought: &BoughtCapacity,
    full: Option<FullUse>,
    highest: Option<Usd>,
) -> String {
    let what = with_capital(&bought.what);
    let cost = bought.per_hour.map_or_else(
        || format!("{what} has no known price"),
        |price| {
            let month = capacity::per_month(price);
            format!("{what} costs {} a month", whole(month))
        },
    );
    let (Some(full), Some(used)) = (full, summary.utilisation) else {
        return format!(
            "{cost}; what the same tokens cost on demand is not known, so neither is whether it pays."
        );
    };
    let worth = whole(capacity::per_month(full.value_per_hour));
    let binding = side(full.binding);
    let limit = match full.binding {
        Side::Input => bought.input_tpm,
        Side::Output => bought.output_tpm,
    };
    let worth = format!(
        "{cost}; with {binding} full ({} tokens/min) at this mix it is worth {worth} on demand",
        Tokens(limit.0)
    );
    match (summary.break_even_utilisation, summary.pays, highest) {
        (Some(from), Some(pays), _) if from <= 1.0 => {
            let (from, used) = percents(from, used);
            let advice = if pays {
                "it pays at this price"
            } else {
                "do not buy it at this price"
            };
            format!("{worth}; it pays above {from} use and this run used {used}: {advice}.")
        }
        (Some(_), _, _) => {
            let used = percents(used, 2.0).0;
            format!(
                "{worth}, less than its price even so (this run used {used}): \
                 do not buy it at this price."
            )
        }
        (None, _, Some(highest)) => {
            let used = percents(used, 2.0).0;
            format!(
                "{worth}; this run used {used}, so it pays below {} a month.",
                whole(highest)
            )
        }
        (None, _, None) => format!("{worth}."),
    }
}

/// Dollars without cents from a hundred on.
fn whole(usd: Usd) -> String {
    if usd.dollars() < 100.0 {
        return usd.to_string();
    }
    let text = Usd::from_dollars(usd.dollars().round()).to_string();
    text.strip_suffix(".00").unwrap_or(&text).to_owned()
}

/// Two shares as percentages, with a decimal where whole numbers would hide their difference.
fn percents(a: f64, b: f64) -> (String, String) {
    let (a, b) = (100.0 * a, 100.0 * b);
    let decimals = usize::from((a - b).abs() < 2.0 || a.min(b) < 2.0);
    (format!("{a:.decimals$} %"), format!("{b:.decimals$} %"))
}

fn with_capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
