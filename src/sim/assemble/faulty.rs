//! What faults name, and what they assume.

use super::Joiner;
use crate::service::spec::{FaultKind, FaultSpec, ServiceSpec};
use crate::sim::context::Assumption;

impl Joiner<'_> {
    /// Reports faults that are limited to a workload or a model that does not exist.
    pub(super) fn check_faults(&mut self) {
        let variant = self.variant;
        let names: Vec<&str> = variant
            .workloads
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        let known = format!("known: `{}`", names.join("`, `"));
        for fault in &variant.service.faults {
            if let Some(name) = fault.workload.as_deref()
                && !names.contains(&name)
            {
                let message = format!("no workload is named `{}`", name.escape_debug());
                self.problem("fault", message, known.clone());
            }
            if let Some(name) = fault.model.as_deref()
                && let Err(unknown) = self.catalogue.model(name)
            {
                self.problem("fault", unknown.to_string(), unknown.help());
            }
        }
    }
}

/// How long time-outs of the service take is not published.
pub(super) fn assumptions(service: &ServiceSpec) -> impl Iterator<Item = Assumption> + '_ {
    let takes_time = |fault: &&FaultSpec| {
        matches!(
            fault.kind,
            FaultKind::ModelTimeout | FaultKind::GatewayTimeout
        )
    };
    service
        .faults
        .iter()
        .filter(takes_time)
        .map(|fault| Assumption {
            name: format!("fault.{}.after", fault.kind.word()),
            value: fault.after.to_string(),
            why: "AWS does not publish after what time the service gives up".to_owned(),
        })
}
