//! What the levers of a plan are worth: alone, one after the other, and together.
//!
//! Every subset of the levers is a scenario of its own, joined with models and prices and billed for a
//! month in closed form. What follows from the 2ⁿ bills is the mathematics of [`crate::cost::attribution`].

mod batched;
mod document;
mod sentences;
#[cfg(test)]
mod tests;

pub use batched::Batched;
pub use document::document;

use super::bill::month;
use crate::config::ConfigError;
use crate::cost::Bill;
use crate::cost::attribution::{Costs, Fall};
use crate::domain::PriceBook;
use crate::profile::Catalogue;
use crate::scenario::{Combiner, Files, Lever, Loaded, Variant};
use crate::sim::assemble;
use crate::units::Usd;
use rayon::prelude::*;

/// What levers are weighed with.
pub struct LeverInput<'a> {
    /// The scenario.
    pub loaded: &'a Loaded,
    /// The files that it names.
    pub files: &'a dyn Files,
    /// The models.
    pub catalogue: &'a Catalogue,
    /// The prices.
    pub book: &'a PriceBook,
}

/// What the levers of one variant are worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// The variant.
    pub variant: String,
    /// The price book's name and date.
    pub price_book: (String, String),
    /// The workloads, and their requests in a month where the scenario states them.
    pub volumes: Vec<(String, Option<f64>)>,
    /// The names of the levers, in the order of the file: lever `i` is bit `i` of a subset.
    pub names: Vec<String>,
    /// The levers in the order of the waterfall.
    pub order: Vec<usize>,
    /// Dollars a month of every subset; `None` if the scenario without levers has no price.
    pub costs: Option<Costs>,
    /// Subsets that cannot be had, with the reason: each counts as the cheapest of what it has without
    /// one of its levers.
    pub missing: Vec<Missing>,
    /// Workloads that read from a cache with all levers pulled, and what batch would make of them.
    pub batched: Vec<Batched>,
    /// Levers that send requests to another model.
    pub other_models: Vec<usize>,
}

/// A subset of levers that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The subset.
    pub subset: usize,
    /// Why, as a fragment.
    pub reason: String,
}

/// One subset, billed.
struct Billed {
    variant: Variant,
    bill: Bill,
}

impl Study {
    /// The waterfall in the order of the user's choice.
    pub fn forward(&self) -> Vec<Fall> {
        let costs = self.costs.as_ref();
        costs.map_or_else(Vec::new, |costs| costs.waterfall(&self.order))
    }

    /// The waterfall in the reverse order.
    pub fn reverse(&self) -> Vec<Fall> {
        let mut order = self.order.clone();
        order.reverse();
        let costs = self.costs.as_ref();
        costs.map_or_else(Vec::new, |costs| costs.waterfall(&order))
    }

    /// The names of the levers in a subset, in the order of the file.
    pub fn names_of(&self, subset: usize) -> Vec<&str> {
        let names = self.names.iter().enumerate();
        let taken = names.filter(|(lever, _)| subset & (1 << lever) != 0);
        taken.map(|(_, name)| name.as_str()).collect()
    }
}

/// Weighs the levers of a variant, on the threads of the present rayon pool; `None` if it has none.
///
/// # Panics
/// If the scenario has no variant of this name.
pub fn study(input: &LeverInput<'_>, variant: &str) -> Option<Study> {
    let levers = input.loaded.levers(variant);
    if levers.is_empty() {
        return None;
    }
    let billed = bill_all(input, variant, levers.len());
    let (costs, missing) = priced(&billed);
    let all = billed.len() - 1;
    let first = billed[0].as_ref().ok();
    let last = billed[all].as_ref().ok();
    let mut variants = input.loaded.scenario.variants.iter();
    let own = variants.find(|one| one.name == variant);
    let own = own.expect("the scenario has the variant");
    let volume = |name: &str| own.plan.workload(name).and_then(|plan| plan.volume);
    let names = own.workloads.iter().map(|workload| &workload.name);
    Some(Study {
        variant: variant.to_owned(),
        price_book: (input.book.name.clone(), input.book.as_of.clone()),
        volumes: names.map(|name| (name.clone(), volume(name))).collect(),
        names: levers.iter().map(|lever| lever.name.clone()).collect(),
        order: order(levers),
        costs: costs.and_then(|costs| Costs::new(levers.len(), costs)),
        missing,
        batched: last.map_or_else(Vec::new, |last| batched::of(last, input.catalogue)),
        other_models: (0..levers.len())
            .filter(|lever| {
                let pulled = billed[1 << lever].as_ref().ok();
                let pair = first.zip(pulled);
                pair.is_some_and(|(first, pulled)| other_models(&first.variant, &pulled.variant))
            })
            .collect(),
    })
}

/// The levers as they are pulled: by `order`, and by their place in the file where they have none.
fn order(levers: &[Lever]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..levers.len()).collect();
    order.sort_by_key(|&lever| {
        (
            levers[lever].order.map_or(lever + 1, |own| own as usize),
            lever,
        )
    });
    order
}

/// The bill of every subset, or why there is none.
fn bill_all(input: &LeverInput<'_>, variant: &str, levers: usize) -> Vec<Result<Billed, String>> {
    let combiner = Combiner::new(input.loaded, input.files);
    let read: Vec<Result<Loaded, ConfigError>> = (0..1usize << levers)
        .map(|subset| combiner.of(variant, subset))
        .collect();
    let (catalogue, book) = (input.catalogue, input.book);
    read.into_par_iter()
        .map(|loaded| bill(loaded.map_err(|error| reason(&error))?, catalogue, book))
        .collect()
}

fn bill(mut loaded: Loaded, catalogue: &Catalogue, book: &PriceBook) -> Result<Billed, String> {
    let joined = assemble(&loaded, catalogue, book);
    let joined = joined.map_err(|error| reason(&error))?.pop();
    let (Some(assembled), Some(variant)) = (joined, loaded.scenario.variants.pop()) else {
        return Err("it has no variant".to_owned());
    };
    let bill = month(&variant, &assembled, loaded.scenario.seed);
    if let Some(first) = bill.unpriced.first() {
        return Err(first.clone());
    }
    Ok(Billed { variant, bill })
}

/// The first thing that is wrong.
fn reason(error: &ConfigError) -> String {
    error.messages().next().unwrap_or_default().to_owned()
}

/// The cost of every subset. One that cannot be had costs what the cheapest of its parts does that lacks
/// one lever: whoever cannot pull them all leaves one out.
fn priced(billed: &[Result<Billed, String>]) -> (Option<Vec<f64>>, Vec<Missing>) {
    let totals = billed
        .iter()
        .map(|one| one.as_ref().map(|one| one.bill.total()));
    filled(
        &totals
            .map(|one| one.map_err(String::as_str))
            .collect::<Vec<_>>(),
    )
}

fn filled(totals: &[Result<Usd, &str>]) -> (Option<Vec<f64>>, Vec<Missing>) {
    let mut costs: Vec<f64> = Vec::with_capacity(totals.len());
    let mut missing = Vec::new();
    for (subset, total) in totals.iter().enumerate() {
        let cost = match total {
            Ok(total) => Some(total.dollars()),
            Err(reason) => {
                missing.push(Missing {
                    subset,
                    reason: (*reason).to_owned(),
                });
                let levers = (0..usize::BITS).map(|lever| 1 << lever);
                let parts = levers.filter(|bit| subset & bit != 0);
                parts.map(|bit| costs[subset & !bit]).min_by(f64::total_cmp)
            }
        };
        match cost {
            Some(cost) => costs.push(cost),
            // The scenario as it is has no price, so nothing can be compared with it.
            None => return (None, missing),
        }
    }
    (Some(costs), missing)
}

/// Whether some requests of `pulled` are answered by another model than those of `base`.
fn other_models(base: &Variant, pulled: &Variant) -> bool {
    let pairs = base.workloads.iter().zip(&pulled.workloads);
    pairs.into_iter().any(|(base, pulled)| {
        base.model != pulled.model
            || base.routes != pulled.routes
            || base.classifier != pulled.classifier
    })
}
