//! What a look without a simulation can say of fallbacks and routes.

use crate::sim::{LaneContext, VariantContext};

/// Which endpoints stand behind the workloads' own, and that the figures do not reckon with them.
pub(super) fn notes(context: &VariantContext) -> Vec<String> {
    let named = |role: &str| {
        let mut names: Vec<&str> = Vec::new();
        let lanes = context.lanes.iter().filter(|lane| lane.role == role);
        for LaneContext { name, .. } in lanes {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names.join(", ")
    };
    let mut notes = Vec::new();
    let answers = named("answers");
    if !answers.is_empty() {
        notes.push(format!(
            "fallbacks or routes lead to {answers}: the figures here count every request on its \
             workload's own endpoint; `bedload simulate` shows what the others take"
        ));
    }
    let classifies = named("classifies");
    if !classifies.is_empty() {
        notes.push(format!(
            "the calls to {classifies} are not counted here: `bedload simulate` counts their tokens, \
             quota and latency"
        ));
    }
    let defers = named("defers");
    if !defers.is_empty() {
        notes.push(format!(
            "requests that find no room are deferred to {defers}, which uses no quota"
        ));
    }
    notes
}
