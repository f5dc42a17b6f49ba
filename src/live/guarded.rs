//! The guardrail that live calls name.

use crate::scenario::{Variant, Workload};
use crate::service::guardrail::OutputMode;
use aws_sdk_bedrockruntime::types::{
    GuardrailConfiguration, GuardrailStreamConfiguration, GuardrailStreamProcessingMode,
};

/// A guardrail as a call names it.
#[derive(Clone)]
pub(super) struct NamedGuardrail {
    id: String,
    version: String,
    mode: OutputMode,
}

impl NamedGuardrail {
    /// The guardrail of a workload, if it has one.
    pub(super) fn of(variant: &Variant, workload: &Workload) -> Option<Self> {
        let name = workload.guardrail.as_ref()?;
        let mut specs = variant.service.guardrails.iter();
        let spec = specs.find(|spec| spec.name == *name)?;
        Some(Self {
            id: spec.name.clone(),
            version: spec.version.clone(),
            mode: spec.stream,
        })
    }

    pub(super) fn whole(&self) -> GuardrailConfiguration {
        GuardrailConfiguration::builder()
            .guardrail_identifier(&self.id)
            .guardrail_version(&self.version)
            .build()
    }

    pub(super) fn streamed(&self) -> GuardrailStreamConfiguration {
        let mode = match self.mode {
            OutputMode::Async => GuardrailStreamProcessingMode::Async,
            OutputMode::Sync | OutputMode::Whole => GuardrailStreamProcessingMode::Sync,
        };
        GuardrailStreamConfiguration::builder()
            .guardrail_identifier(&self.id)
            .guardrail_version(&self.version)
            .stream_processing_mode(mode)
            .build()
    }
}
