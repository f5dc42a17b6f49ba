//! What features, customers and other tags cost, as rows of a report.

use super::number::money;
use super::view::{Group, Row};
use crate::results::VariantSummary;

/// Dollars of a month by tag, for tags that tell workloads apart.
pub(super) fn group(variants: &[VariantSummary]) -> Group {
    let mut tags: Vec<(&str, Option<&str>)> = Vec::new();
    for one in variants.iter().flat_map(|one| &one.cost_by_tag) {
        let tag = (one.tag.as_str(), one.value.as_deref());
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let tells = |key: &str| tags.iter().filter(|(other, _)| *other == key).count() > 1;
    let rows = tags.iter().filter(|(key, _)| tells(key)).map(|tag| Row {
        label: match tag {
            (key, Some(value)) => format!("{key} {value}"),
            (key, None) => format!("no {key}"),
        },
        cells: variants
            .iter()
            .map(|variant| {
                let mut own = variant.cost_by_tag.iter();
                let own = own.find(|one| (one.tag.as_str(), one.value.as_deref()) == *tag);
                own.map_or_else(
                    || super::number::NONE.to_owned(),
                    |one| money(one.month_usd),
                )
            })
            .collect(),
    });
    Group {
        title: "Cost per month by tag".into(),
        rows: rows.collect(),
    }
}
