//! `[plan]`: what a decision about buying capacity has to know beside the traffic.

mod cash;
mod growth;
mod horizon;
mod hourly;
mod offers;
mod workloads;

pub use cash::{CashSpec, Credit};
pub use growth::GrowthSpec;
pub use horizon::HorizonSpec;
pub use hourly::{HourlySpec, HourlyUnit};
pub use offers::{OfferKind, PlannedOffer, ServedSpec};
pub use workloads::WorkloadPlan;

use crate::config::{Section, text};

/// A plan, as far as the scenario says: every part has defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanSpec {
    /// From when, for how long, and with how many paths of demand.
    pub horizon: HorizonSpec,
    /// How the demand of all workloads grows that do not say otherwise.
    pub growth: GrowthSpec,
    /// Whether the scenario says so; otherwise a long series of hours may tell.
    pub growth_is_given: bool,
    /// What is known of single workloads, by name.
    pub workloads: Vec<(String, WorkloadPlan)>,
    /// What share of the requests must be served, and what one costs that is not.
    pub served: ServedSpec,
    /// What may be bought; `None` is everything that a model sells and that has a price.
    pub offers: Option<Vec<PlannedOffer>>,
    /// Discounts and credits, which change what is paid and not what is best.
    pub cash: CashSpec,
}

impl PlanSpec {
    /// What is known of the workload `name`.
    pub fn workload(&self, name: &str) -> Option<&WorkloadPlan> {
        let of_name = self.workloads.iter().find(|(known, _)| known == name);
        of_name.map(|(_, plan)| plan)
    }
}

/// Reports what the plan says of workloads that do not exist.
pub(super) fn check_names(s: &Section<'_>, plan: &PlanSpec, workloads: &[super::Workload]) {
    for (name, _) in &plan.workloads {
        if workloads.iter().all(|workload| workload.name != *name) {
            let known: Vec<&str> = workloads.iter().map(|one| one.name.as_str()).collect();
            s.report(
                "plan",
                format!(
                    "`plan.workload` names no workload: `{}`",
                    name.escape_debug()
                ),
                "has a table of it",
                &format!("the workloads are `{}`", known.join("`, `")),
            );
        }
    }
}

/// Reads `[plan]`; `models` are those that the workloads call.
pub(super) fn plan(
    s: &mut Section<'_>,
    library: &super::files::Library<'_>,
    models: &[&str],
) -> Option<PlanSpec> {
    let horizon = horizon::horizon(s);
    // Parts that are wrong have been reported.
    let growth = s.optional_table("growth", growth::growth);
    let workloads = workloads::workloads(s, library);
    let served = offers::served(s);
    let offers = offers::offers(s, models);
    let start = horizon.as_ref().and_then(|horizon| horizon.start);
    let cash = cash::cash(s, start);
    // Levers are taken out before; here the key is only known, for messages.
    s.optional("lever", text());
    Some(PlanSpec {
        horizon: horizon?,
        growth_is_given: growth.is_some(),
        growth: growth.unwrap_or_default(),
        workloads,
        served,
        offers,
        cash: cash?,
    })
}
