//! The chapters of a plan.

mod duration;
mod money;
mod purchase;
mod quota;
mod worth;

use super::folder::ResultFolder;
use super::run::labelled;
use crate::results::plan::{PlanVariant, PoolPlan};
use crate::results::report::{Block, Section};

use super::build::{once, section};

/// A pool of a variant with what it is called.
struct Pool<'a> {
    variant: &'a PlanVariant,
    plan: &'a PoolPlan,
    label: String,
}

/// Sentences of the plans, one for each variant.
pub(super) fn verdict(folders: &[ResultFolder], prefixes: &[String]) -> Vec<String> {
    let mut said = Vec::new();
    for (folder, prefix) in folders.iter().zip(prefixes) {
        let Some(plan) = &folder.plan else { continue };
        for sentence in &plan.verdict {
            said.push(labelled(prefix, sentence));
        }
    }
    said
}

/// Whether the plans hold: `None` where nothing was simulated.
pub(super) fn met(folders: &[ResultFolder]) -> Option<bool> {
    let variants = folders
        .iter()
        .flat_map(|one| &one.plan)
        .flat_map(|plan| &plan.variants);
    let verified: Vec<bool> = variants
        .filter(|one| one.pools.iter().any(|pool| pool.verification.is_some()))
        .map(PlanVariant::meets_slo)
        .collect();
    (!verified.is_empty()).then(|| verified.into_iter().any(|holds| holds))
}

/// Warnings of plans, each once.
pub(super) fn warnings(folders: &[ResultFolder], prefixes: &[String]) -> Vec<String> {
    let each = variants(folders, prefixes)
        .into_iter()
        .flat_map(|(label, variant)| {
            let pools = variant
                .pools
                .iter()
                .flat_map(|pool| pool.decision.warnings.clone());
            let all = variant
                .warnings
                .iter()
                .cloned()
                .chain(variant.demand.warnings.iter().cloned());
            all.chain(pools)
                .map(|one| labelled(&label, &one))
                .collect::<Vec<String>>()
        });
    once(each)
}

/// Every variant of every plan; a variant alone has no name.
fn variants<'a>(
    folders: &'a [ResultFolder],
    prefixes: &[String],
) -> Vec<(String, &'a PlanVariant)> {
    let mut all = Vec::new();
    for (folder, prefix) in folders.iter().zip(prefixes) {
        let Some(plan) = &folder.plan else { continue };
        let alone = plan.variants.len() == 1;
        for variant in &plan.variants {
            let name = if alone { "" } else { variant.name.as_str() };
            all.push((labelled(prefix, name), variant));
        }
    }
    all
}

/// The chapters.
pub(super) fn sections(folders: &[ResultFolder], prefixes: &[String]) -> Vec<Section> {
    let variants = variants(folders, prefixes);
    let pools: Vec<Pool<'_>> = variants
        .iter()
        .flat_map(|(label, variant)| {
            variant.pools.iter().map(|plan| {
                let name = format!("{} ({})", plan.decision.model_title, plan.decision.scope);
                Pool {
                    variant,
                    plan,
                    label: labelled(label, &name),
                }
            })
        })
        .collect();
    let mut sections = Vec::new();
    sections.extend(purchase::section(&pools));
    sections.extend(worth::section(&pools));
    sections.extend(money::levers(&variants));
    sections.extend(quota::section(&variants));
    sections.extend(money::section(&variants));
    let notes = folders
        .iter()
        .flat_map(|one| &one.plan)
        .flat_map(|plan| plan.notes.clone());
    let own = variants.iter().flat_map(|(_, one)| one.notes.clone());
    let notes = once(notes.chain(own));
    if !notes.is_empty() {
        sections.extend(section(
            "plan-notes",
            "How to read the plan",
            notes,
            Vec::<Block>::new(),
        ));
    }
    sections
}
