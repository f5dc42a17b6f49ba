//! The attempts that the SDK makes on its own, seen from an interceptor.

use crate::clock::Clock;
use crate::units::Moment;
use aws_sdk_bedrockruntime::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_bedrockruntime::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_bedrockruntime::error::BoxError;
use std::sync::{Arc, Mutex, PoisonError};

/// One attempt as the SDK made it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SdkAttempt {
    /// When it was sent.
    pub sent_at: Moment,
    /// The status of its answer, if one came.
    pub status: Option<u16>,
}

/// Writes down the attempts of one call.
#[derive(Clone, Debug)]
pub(super) struct AttemptLog {
    clock: Clock,
    seen: Arc<Mutex<Vec<SdkAttempt>>>,
}

impl AttemptLog {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            seen: Arc::default(),
        }
    }

    /// The attempts so far.
    pub(super) fn attempts(&self) -> Vec<SdkAttempt> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Intercept for AttemptLog {
    fn name(&self) -> &'static str {
        "bedload attempts"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let attempt = SdkAttempt {
            sent_at: self.clock.now(),
            status: None,
        };
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(attempt);
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let status = context.response().status().as_u16();
        if let Some(last) = self
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .last_mut()
        {
            last.status = Some(status);
        }
        Ok(())
    }
}
