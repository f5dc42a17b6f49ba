//! The Regions of a report: who served the calls, who had no room.

use super::number::{NONE, count, optional, percent};
use super::view::{Group, Row};
use crate::results::{RegionSummary, VariantSummary};

/// Rows for each Region that a variant has; none without routing and pools.
pub(super) fn group(variants: &[VariantSummary]) -> Group {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for region in variants.iter().flat_map(|one| &one.regions) {
        let name = (region.region.as_str(), region.model.as_str());
        // Of a global profile most Regions may never be chosen.
        let is_used = region.calls + region.unavailable > 0;
        if is_used && !names.contains(&name) {
            names.push(name);
        }
    }
    let first = names.first().map(|(_, model)| *model);
    let several = names.iter().any(|(_, model)| Some(*model) != first);
    let mut rows = Vec::new();
    for (region, model) in names {
        let title = if several {
            format!("{region} {model}")
        } else {
            region.to_owned()
        };
        let row = |label: String, cell: fn(&VariantSummary, &RegionSummary) -> String| Row {
            label,
            cells: variants
                .iter()
                .map(|one| {
                    let mut own = one.regions.iter();
                    own.find(|own| own.region == region && own.model == model)
                        .map_or_else(|| NONE.into(), |own| cell(one, own))
                })
                .collect(),
        };
        rows.push(row(title, cell));
        if variants.iter().any(has_hits) {
            rows.push(row("  cache hits".into(), |_, own| {
                optional(own.cache_hit_share, percent)
            }));
        }
    }
    if !rows.is_empty() {
        let refused = |one: &VariantSummary| {
            let refused = one.regions.iter().map(|own| own.unavailable).sum();
            if one.regions.is_empty() {
                NONE.into()
            } else {
                count(refused)
            }
        };
        rows.push(Row {
            label: "no room (503)".into(),
            cells: variants.iter().map(refused).collect(),
        });
    }
    Group {
        title: "Regions: share of calls, most at once".into(),
        rows,
    }
}

fn cell(variant: &VariantSummary, own: &RegionSummary) -> String {
    let all: u64 = variant.regions.iter().map(|own| own.calls).sum();
    let share = if all == 0 {
        NONE.to_owned()
    } else {
        percent(own.calls as f64 / all as f64)
    };
    format!("{share}, {}", count(own.peak_in_flight))
}

fn has_hits(variant: &VariantSummary) -> bool {
    variant
        .regions
        .iter()
        .any(|own| own.cache_hit_share > Some(0.0))
}
