//! The study of levers as a part of the plan's document.

use super::Study;
use crate::cost::attribution::{Costs, Fall};
use crate::results::plan::{
    LeverBatchSummary, LeverCostSummary, LeverPairSummary, LeverStepSummary, LeverSummary,
    LeverVolumeSummary, LeversSummary,
};

/// Writes down what was found.
pub fn document(study: &Study) -> LeversSummary {
    let costs = study.costs.as_ref();
    let (name, as_of) = study.price_book.clone();
    let volumes = study.volumes.iter().cloned();
    LeversSummary {
        variant: study.variant.clone(),
        verdict: sentence(&study.verdict()),
        findings: sentences(&study.findings()),
        caveats: sentences(&study.caveats()),
        price_book: name,
        prices_as_of: as_of,
        volumes: volumes
            .map(|(workload, requests_per_month)| LeverVolumeSummary {
                workload,
                requests_per_month,
            })
            .collect(),
        base_usd: costs.map(Costs::base),
        all_usd: costs.map(Costs::all),
        levers: costs.map_or_else(Vec::new, |costs| levers(study, costs)),
        waterfall: steps(study, &study.forward()),
        reverse: steps(study, &study.reverse()),
        pairs: costs.map_or_else(Vec::new, |costs| pairs(study, costs)),
        cache_or_batch: study
            .batched
            .iter()
            .map(|one| LeverBatchSummary {
                workload: one.workload.clone(),
                hit_ratio: one.hit_ratio,
                cached_usd: one.cached_usd,
                batch_usd: one.batch_usd,
                batch_is_sold: one.is_sold,
            })
            .collect(),
        subsets: costs.map_or_else(Vec::new, |costs| subsets(study, costs)),
    }
}

fn sentences(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| sentence(text)).collect()
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .map(|first| first.to_uppercase().collect())
        .unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn levers(study: &Study, costs: &Costs) -> Vec<LeverSummary> {
    let shapley = costs.shapley();
    let lever = |&lever: &usize| LeverSummary {
        name: study.names[lever].clone(),
        alone_usd: costs.alone(lever),
        last_usd: costs.last(lever),
        shapley_usd: shapley[lever],
    };
    study.order.iter().map(lever).collect()
}

fn steps(study: &Study, falls: &[Fall]) -> Vec<LeverStepSummary> {
    let step = |fall: &Fall| LeverStepSummary {
        lever: study.names[fall.lever].clone(),
        saves_usd: fall.saves,
        left_usd: fall.left,
    };
    falls.iter().map(step).collect()
}

fn pairs(study: &Study, costs: &Costs) -> Vec<LeverPairSummary> {
    let levers = study.names.len();
    let all = (0..levers).flat_map(|a| (a + 1..levers).map(move |b| (a, b)));
    all.map(|(a, b)| LeverPairSummary {
        first: study.names[a].clone(),
        second: study.names[b].clone(),
        together_usd: costs.together(a, b),
    })
    .collect()
}

fn subsets(study: &Study, costs: &Costs) -> Vec<LeverCostSummary> {
    let all = 0..1usize << study.names.len();
    all.map(|subset| {
        let mut missing = study.missing.iter();
        let missing = missing.find(|one| one.subset == subset);
        LeverCostSummary {
            levers: study
                .names_of(subset)
                .into_iter()
                .map(str::to_owned)
                .collect(),
            month_usd: costs.of(subset),
            missing: missing.map(|one| one.reason.clone()),
        }
    })
    .collect()
}
