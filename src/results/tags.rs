//! What features, customers and other tags of workloads cost.

use super::figures::{Bought, cost};
use super::summarise::priced;
use crate::cost::Ledger;
use crate::sim::{VariantContext, VariantMeasures};
use serde::{Deserialize, Serialize};

/// What the workloads with one value of a tag cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TagCostSummary {
    /// The tag, such as `customer`.
    pub tag: String,
    /// Its value; `null` is what the workloads cost that do not carry it.
    pub value: Option<String>,
    /// Dollars for the measured span over all replications, bought capacity apart; `null` if a price is unknown.
    pub run_usd: Option<f64>,
    /// Dollars for a month of 730 hours like it.
    pub month_usd: Option<f64>,
}

/// Costs by tag and value, both sorted, what does not carry the tag last.
pub(super) fn by_tag(context: &VariantContext, measures: &VariantMeasures) -> Vec<TagCostSummary> {
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in context.workloads.iter().flat_map(|one| &one.tags) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    keys.sort_unstable();
    let mut list = Vec::new();
    for key in keys {
        let value_of = |index: usize| {
            let tags = &context.workloads[index].tags;
            let own = tags.iter().find(|(known, _)| known == key);
            own.map(|(_, value)| value.as_str())
        };
        let all = 0..context.workloads.len();
        let mut values: Vec<Option<&str>> = all.clone().map(value_of).collect();
        // `None` sorts first, and is told last.
        values.sort_unstable_by_key(|value| (value.is_none(), *value));
        values.dedup();
        for value in values {
            let mut ledger = Some(Ledger::default());
            for index in all.clone().filter(|&index| value_of(index) == value) {
                let tally = &measures.total.workloads[index];
                if !priced(&context.workloads[index], tally, context, measures) {
                    ledger = None;
                }
                if let Some(sum) = &mut ledger {
                    sum.merge(&tally.ledger);
                }
            }
            let cost = cost(ledger.as_ref(), Bought::Nothing, measures.measured_time());
            list.push(TagCostSummary {
                tag: key.to_owned(),
                value: value.map(str::to_owned),
                run_usd: cost.run_usd,
                month_usd: cost.month_usd,
            });
        }
    }
    list
}
